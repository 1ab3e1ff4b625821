// SPDX-License-Identifier: MulanPSL-2.0
// Private to `gusu migrate`: a city's store moved between engines, table by table, over the store's face alone.
#ifndef APP_MIGRATE_H
#define APP_MIGRATE_H
#include "app/app.h"

#define MIGRATE_COLUMNS_MAX 512 // of one table; a generated table has at most twice its data set's columns
#define MIGRATE_TABLES_MAX  20000
#define MIGRATE_NAME_MAX    64
#define MIGRATE_SLICE_ROWS  1000 // read and written at a time, less when they are large
#define MIGRATE_SLICE_BYTES ((size_t)4 << 20)

struct move_column {
    char name[MIGRATE_NAME_MAX];
    char type;  // i s b d, as the store's letters
    int key_at; // 1-based place in the primary key, 0 = none
};
struct move_table {
    char name[MIGRATE_NAME_MAX];
    bool is_generated; // r_<n>: the target does not have it yet
    int n, keys_n;
    struct move_column columns[MIGRATE_COLUMNS_MAX];
};
struct move_sum { // of a table's rows, in no order: equal rows, equal sums
    int64_t rows;
    uint64_t sum[4];
};
struct move {
    struct arena mem; // names; lives through all of it
    struct store *from, *to;
    struct conn *source, *target; // readers
    bool from_postgres, to_postgres, is_quiet;
    struct hasher *hasher;
    char folder[2][64]; // of stores that have none of their own
    int64_t now_ms;
};

// Every table of the city, but what is the engine's own business, the full-text index (made anew) and app_moved.
int move_tables(struct move *m, struct str **ret_names, size_t *ret_n, struct err *e) MUST;
int move_shape(struct move *m, const char *name, struct move_table *ret, struct err *e) MUST;
int move_make(struct move *m, const struct move_table *t,
              struct err *e) MUST; // a generated table, without its indexes
int move_finish(struct move *m, const struct move_table *t,
                struct err *e) MUST; // its indexes; the next number of keys
int move_clear(struct move *m, const struct move_table *t, struct err *e) MUST;
int move_rows(struct move *m, const struct move_table *t, struct move_sum *ret, struct err *e) MUST;
int move_sum(struct move *m, struct conn *c, const struct move_table *t, struct move_sum *ret,
             struct err *e) MUST;
// One statement on the target's writer.
int move_exec(struct move *m, struct str sql, struct err *e) MUST;
#endif
