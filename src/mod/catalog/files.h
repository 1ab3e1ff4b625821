// SPDX-License-Identifier: MulanPSL-2.0
// Files hung on data sets, kept under the data folder by the SM3 of their bytes: the same file is stored once, and a
// name can never lie about what it holds.
#ifndef CATALOG_FILES_H
#define CATALOG_FILES_H
#include "mod/catalog/inside.h"

#define FILES_BYTES_MAX ((int64_t)256 << 20) // of one file
#define FILES_NAME_MAX  200

// Streams the request's body into the store. Not on the writer. ret_sm3: lower-case hex in cx->mem.
int files_take(struct cx *cx, struct str *ret_sm3, int64_t *ret_bytes) MUST;
int files_put(struct cx *cx, struct str bytes, struct str *ret_sm3) MUST; // a pack's file, whole in memory
// Answers with the file's bytes: Range, HEAD, ETag; ERR_not_found when the store no longer holds it.
int files_send(struct cx *cx, const struct catalog_resource *r) MUST;
int files_start(struct cx *cx) MUST; // sweeps away what a crash cut off
bool files_has(struct cx *cx, struct str sm3, int64_t bytes);
// The media type and the format word of a name by its ending: "text/csv", "csv".
const char *files_type(struct str name);
struct str files_format(struct cx *cx, struct str name);
// A name that people may read and no system misreads: no separators, no control characters, not hidden.
bool files_name_ok(struct str name);

#endif
