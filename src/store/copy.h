// SPDX-License-Identifier: MulanPSL-2.0
// Copies of a whole store: page by page into a file (backups, SQLite only).
#ifndef STORE_COPY_H
#define STORE_COPY_H
#include "store/store.h"

#define STORE_COPY_PAGES 256 // pages of one step, after each of which the copy may be stopped

struct store_copy_watch {
    void *arg;
    bool (*go_on)(void *arg, int64_t pages_done, int64_t pages); // false stops it: ERR_busy. May be NULL
};
// Writes what the reader's snapshot holds to a new file, every page of it, and syncs it. The caller has called
// store_read_begin and read something, so the snapshot is taken; writers go on beside it, the memory used does not
// grow, but the write-ahead log cannot start again from its beginning until the snapshot ends.
int store_copy_pages(struct conn *c, const char *path, const struct store_copy_watch *watch,
                     int64_t *ret_bytes, struct err *e) MUST;
// Makes a SQLite file that nobody has open rest in one piece: no log beside it, on disk.
int store_copy_settle(const char *path, struct err *e) MUST;
#endif
