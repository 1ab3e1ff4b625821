// SPDX-License-Identifier: MulanPSL-2.0
// Whole files and folders: read, write durably (temp file, fsync, rename, fsync of the folder), list.
#ifndef BASE_FILE_H
#define BASE_FILE_H
#include "base/err.h"
int file_read(struct arena *mem, const char *path, size_t max_bytes, struct str *ret, struct err *e) MUST;
int file_write(const char *path, struct str bytes, unsigned mode, struct err *e) MUST; // replaces atomically
int file_make_dirs(const char *path, unsigned mode, struct err *e) MUST;
bool file_exists(const char *path);
// Names (no path) of entries in a folder, sorted by bytes; folders carry a trailing '/'; dot names are left out.
int file_list(struct arena *mem, const char *dir, struct str **ret_names, size_t *ret_n, struct err *e) MUST;
#endif
