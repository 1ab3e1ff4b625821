// SPDX-License-Identifier: MulanPSL-2.0
// What a running city tells of itself to whoever watches over it: the Prometheus text format, version 0.0.4. App writes
// the whole text; a module adds its own through the `metrics` hook of its row (core/module.h). Names begin with gusu_,
// units stand last, counters end in _total.
#ifndef CORE_METRICS_H
#define CORE_METRICS_H
#include "base/histogram.h"
#include "core/cx.h"

struct metrics {
    struct buf *out;
};
#define METRIC_GAUGE   "gauge"
#define METRIC_COUNTER "counter"
// One that stands alone. help: English, without newline.
void metric(struct metrics *m, const char *name, const char *type, const char *help, double v);
// A family: its head, then a line for each set of labels ("class=\"page\",status=\"200\"", ours and not a stranger's).
void metric_head(struct metrics *m, const char *name, const char *type, const char *help);
void metric_line(struct metrics *m, const char *name, const char *labels, double v);
// The lines of one histogram (head with type "histogram" before): values are shown divided by `unit`.
void metric_histogram(struct metrics *m, const char *name, const char *labels, const struct histogram *h,
                      double unit);
#endif
