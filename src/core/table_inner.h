// SPDX-License-Identifier: MulanPSL-2.0
// What the files of core/table*.c share and nobody else sees: SQL text made of numbers only, where-clauses,
// and the sealing of grade 4 columns.
#ifndef CORE_TABLE_INNER_H
#define CORE_TABLE_INNER_H
#include "core/city.h"
#include "core/table.h"

// Integers stand as INTEGER; everything else, and everything sealed, as TEXT.
bool table_type_is_int(enum table_type t);
// Only sealed columns of free text carry a blind index: a sealed code or number has so few values that equal
// digests would tell them by their frequency.
bool table_has_blind(const struct table_column *c);

// " WHERE … AND …" over filters and fixed filters (ANDed), with the keyset condition when after > 0.
void table_put_where(struct buf *sql, const struct table_query *q);
// Binds what table_put_where has written, from parameter *n on.
int table_bind_where(struct cx *cx, struct stmt *st, int *n, const struct table_query *q) MUST;

int table_seal(struct cx *cx, const struct table_shape *s, const struct table_column *c, struct str clear,
               struct arena *mem, struct str *ret_sealed) MUST;
int table_unseal(struct cx *cx, const struct table_shape *s, const struct table_column *c, struct str sealed,
                 struct arena *mem, struct str *ret_clear) MUST;
struct str table_blind(struct cx *cx, const struct table_shape *s, const struct table_column *c,
                       struct str clear, struct arena *mem);

#endif
