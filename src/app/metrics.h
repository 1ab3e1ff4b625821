// SPDX-License-Identifier: MulanPSL-2.0
// Private to app: what is counted of requests and jobs while serving, and /metrics, which tells it.
#ifndef APP_METRICS_H
#define APP_METRICS_H
#include "base/histogram.h"
#include "core/module.h"

#define METRICS_MODULES_MAX 16
#define METRICS_CLASSES     (METRICS_MODULES_MAX + 4)
#define METRICS_STATUSES    600
#define METRICS_JOBS_MAX    64
#define METRICS_TEXT_MAX    ((size_t)1 << 20)
#define METRICS_SCOPE       "metrics:read"

struct server;
struct call;
struct http_exchange;

struct job_seen { // under the server's lock
    const struct job *job;
    int64_t ended_ms, us;
    uint64_t runs, failed;
};
struct meters {
    // The loop's thread adds. A class is the module whose route answered, or one of four more: metrics.c.
    _Atomic uint64_t requests[METRICS_CLASSES][METRICS_STATUSES];
    struct histogram us[METRICS_CLASSES];
    _Atomic uint64_t bytes[METRICS_CLASSES];
    struct job_seen jobs[METRICS_JOBS_MAX];
    int64_t started_ms;
};
void meters_start(struct server *s);
void meters_reply(struct server *s, const struct call *c, const struct http_exchange *x, int status,
                  int64_t bytes, int64_t us);
void meters_job(struct server *s, const struct job *j, int64_t us,
                bool failed); // the server's lock is not held
extern const struct route metrics_routes[];
#endif
