// SPDX-License-Identifier: MulanPSL-2.0
// Measuring a table's quality in one pass: what quality.c (columns, score) and rules.c (rules over rows) share.
#ifndef CATALOG_QUALITY_H
#define CATALOG_QUALITY_H
#include "mod/catalog/jobs.h"

#define QUALITY_RULES_MAX 50
#define RULE_COLUMNS_MAX  8

// A set of 64-bit digests of values; grows, open addressing, in its arena.
struct digests {
    struct arena *mem;
    uint64_t *slots; // 0 = empty
    size_t n, cap;
};
// True when it was there already. Two different values share a digest once in 10^11 for a million rows.
bool digests_add(struct digests *d, uint64_t v);
bool digests_has(const struct digests *d, uint64_t v);
uint64_t digest_cells(const struct table_cell *cells, const int *which,
                      int n); // 0 when all of them are empty

struct polygons;
struct rule { // one of the data set's "checks"
    enum rule_kind { RULE_ORDER = 1, RULE_UNIQUE, RULE_TIMELY, RULE_AGREE, RULE_REF, RULE_INSIDE } kind;
    struct str id, zh, en, column; // column: the first one's id
    int at[RULE_COLUMNS_MAX];      // places in the row
    int n;
    struct digests seen, known; // of this table's values; of the other data set's
    struct polygons *polygons;
    int64_t total, bad;
};
// Makes the rules from the data set's JSON; reads what other data sets must be known for. Rules whose columns or
// data sets are not there (yet) are left out: they measure nothing, and an invented figure would be worse.
int rules_open(struct cx *cx, struct arena *mem, const struct catalog_dataset *d,
               const struct table_shape *shape, struct rule *ret, int *ret_n) MUST;
void rules_row(struct cx *cx, struct rule *rules, int n, const struct table_cell *cells);
// Reads all rows of a shape, unmasked, in row order.
int quality_each(struct cx *cx, const struct table_shape *shape, table_row_fn *fn, void *arg) MUST;

#endif
