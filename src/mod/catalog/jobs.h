// SPDX-License-Identifier: MulanPSL-2.0
// What wakes by itself: the measuring of quality (quality.c), which packs ask for too.
#ifndef CATALOG_JOBS_H
#define CATALOG_JOBS_H
#include "mod/catalog/inside.h"

struct quality {
    double score, completeness, validity, freshness, uniqueness; // 0…1 (score 0…100); negative = not measured
    struct str checks;                                           // JSON array
    int64_t table, edition, rows, data_ms, measured_ms;
};
// Reads every row of a shape and judges it. shape->table 0 measures only the description's own freshness.
int quality_measure(struct cx *cx, const struct catalog_dataset *d, const struct table_shape *shape,
                    struct quality *ret) MUST;
int quality_write(struct cx *cx, struct str id, const struct quality *q) MUST; // on the writer
int quality_job(struct cx *cx) MUST;

#endif
