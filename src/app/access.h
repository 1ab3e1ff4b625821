// SPDX-License-Identifier: MulanPSL-2.0
// The access log: one line a request, for whoever has to find out what happened. Written by a thread of its own, so that
// a slow or full disk costs lines (counted) and never a reply.
//
//   2026-11-22T16:00:00.123Z 10.1.2.3 key:12 GET /api/v1/exchange/3/rows?uscc&limit 200 512 0.431 SQ-2026-000001
//   time                     peer     who    verb path (of the query only names)   status bytes ms trace
#ifndef APP_ACCESS_H
#define APP_ACCESS_H
#include "base/err.h"

#define ACCESS_FILE_MAX ((int64_t)256 << 20) // bytes; then it becomes FILE.1, and what was FILE.1 is gone
#define ACCESS_BUFFER   ((size_t)1 << 20)    // bytes of lines waiting for the disk, twice
#define ACCESS_LINE_MAX 1024                 // bytes of a line: longer paths are cut
#define ACCESS_FLUSH_MS 500                  // a line reaches the file at the latest so much later

struct access;
struct access_line {
    int64_t time_ms, us; // us < 0: unknown
    struct str peer, verb, path, query, trace;
    const char *who_kind; // "account", "key"; NULL = nobody
    int64_t who;
    int status;
    int64_t bytes;
};
// where: a file, "-" = standard error, "off" = *ret is NULL, and all below do nothing with it.
int access_open(const char *where, int64_t file_max, struct access **ret, struct err *e) MUST;
void access_put(struct access *a, const struct access_line *l); // one thread
void access_beat(void *access);                                 // the same thread, every ACCESS_FLUSH_MS
void access_reopen(struct access *a); // after somebody moved the file away; from a signal handler too
void access_close(struct access *a);  // writes what waits
struct access_stats {
    uint64_t lines, dropped;
};
struct access_stats access_stats(const struct access *a);
#endif
