// SPDX-License-Identifier: MulanPSL-2.0
// multipart/form-data (RFC 7578) over bytes in memory: how CKAN's clients upload. Knows no request and no action.
#ifndef CATALOG_CKAN_MULTIPART_H
#define CATALOG_CKAN_MULTIPART_H
#include "base/err.h"

#define CKAN_MULTIPART_MAX 64 // parts of a body

struct ckan_part {
    struct str name;
    struct str file_name; // p NULL: a plain field
    struct str value;     // a field's text (UTF-8), or a file's bytes; within the body
};
typedef int ckan_part_fn(void *arg, const struct ckan_part *part); // anything but OK ends the reading
// type: the Content-Type with its boundary. ERR_bad_request for a body that is no multipart, ERR_utf8, ERR_too_large.
int ckan_multipart(struct arena *mem, struct str type, struct str body, ckan_part_fn *fn, void *arg,
                   struct err *e) MUST;

#endif
