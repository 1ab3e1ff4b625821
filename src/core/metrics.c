// SPDX-License-Identifier: MulanPSL-2.0
// The text of measurements (metrics.h). Keeps true: one HELP and one TYPE before the lines of a name; buckets are
// cumulative and end with +Inf, which equals the count: what each line says was read once.
#include "core/metrics.h"
#include <inttypes.h>
#include <math.h>

static void put_value(struct metrics *m, double v) {
    if (floor(v) == v && fabs(v) < 1e15)
        buf_int(m->out, (int64_t)v);
    else
        buf_print(m->out, "%.15g", v);
    buf_char(m->out, '\n');
}

void metric_head(struct metrics *m, const char *name, const char *type, const char *help) {
    buf_print(m->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metric_line(struct metrics *m, const char *name, const char *labels, double v) {
    buf_puts(m->out, name);
    if (labels && labels[0]) buf_print(m->out, "{%s}", labels);
    buf_char(m->out, ' ');
    put_value(m, v);
}

void metric(struct metrics *m, const char *name, const char *type, const char *help, double v) {
    metric_head(m, name, type, help);
    metric_line(m, name, NULL, v);
}

void metric_histogram(struct metrics *m, const char *name, const char *labels, const struct histogram *h,
                      double unit) {
    const char *comma = labels[0] ? "," : "";
    uint64_t seen = 0;
    for (int i = 0; i < HISTOGRAM_EDGES_MAX && h->edges; i++) {
        seen += atomic_load_explicit(&h->count[i], memory_order_relaxed);
        bool is_last = h->edges[i] == UINT64_MAX;
        if (is_last)
            buf_print(m->out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, comma, seen);
        else
            buf_print(m->out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, labels, comma,
                      (double)h->edges[i] / unit, seen);
        if (is_last) break;
    }
    const char *open = labels[0] ? "{" : "", *close = labels[0] ? "}" : "";
    buf_print(m->out, "%s_sum%s%s%s ", name, open, labels, close);
    put_value(m, (double)atomic_load_explicit(&h->sum, memory_order_relaxed) / unit);
    buf_print(m->out, "%s_count%s%s%s %" PRIu64 "\n", name, open, labels, close, seen);
}
