// SPDX-License-Identifier: MulanPSL-2.0
// Static files of the web page from one folder: GET and HEAD, ETag, If-None-Match, Range (one range),
// long caching for names that carry a content hash, precompressed .gz siblings when the client accepts gzip.
// Paths never leave the folder (no "..", no symlink out). Unknown paths without a dot get index.html (the
// page routes itself).
#ifndef NET_STATIC_H
#define NET_STATIC_H
#include "net/http.h"
struct static_dir;
int static_open(struct arena *mem, const char *dir, struct static_dir **ret, struct err *e) MUST;
void static_close(struct static_dir *d); // file descriptors only
// Answers the exchange; `headers` are added to each reply (CSP and kin).
void static_serve(struct static_dir *d, struct http_exchange *x, const struct http_header *headers,
                  size_t headers_n);
#endif
