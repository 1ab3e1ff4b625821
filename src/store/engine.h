// SPDX-License-Identifier: MulanPSL-2.0
// What an engine must be able to do, as one table of functions: SQLite (sqlite.c, sqlite_store.c) and PostgreSQL
// (pg*.c). Everything else in the store is written once, over this table. Results of a step are numbered as SQLite
// numbers them, so that its own codes pass through unchanged: 0 ready, 100 a row, 101 at the end, all else a failure.
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H
#include "store/store.h"

#define STEP_READY 0
#define STEP_ROW   100
#define STEP_DONE  101

struct bound {   // one bound value
    char letter; // i d s b n, as in store_query; z has become s
    int64_t i;
    double d;
    struct str s;
};

enum end { // of a transaction
    END_DONE,
    END_FAILED, // nothing is committed
    END_REDO,   // nothing is committed, and running the items again, one by one, may help
};

struct engine {
    bool is_postgres;
    // --- a connection: made with everything but its place in the store ---
    int (*open)(struct store *s, const char *where, bool is_writer, struct conn **ret, struct err *e);
    void (*close)(struct conn *c);      // its statements are finalized before
    void (*read_begin)(struct conn *c); // nothing is sent before the first statement
    void (*read_end)(struct conn *c);
    void (*step_limit)(struct conn *c, int64_t steps);
    int (*script)(struct conn *c, const char *sql, struct err *e); // several statements without values
    int64_t (*last_id)(struct conn *c);
    // --- a statement; q >= 0: a named one, its text is the engine's own already ---
    void (*prepare)(struct stmt *s, const char *sql, size_t n, int q, bool keep);
    int (*places)(struct stmt *s); // how many values it wants
    void (*bind)(struct stmt *s, int n, const struct bound *v);
    void (*step)(struct stmt *s); // moves s->rc
    // All of a statement that gives no rows. ret_changes NULL: nobody asks, so the answer need not be waited for.
    void (*run)(struct stmt *s, int64_t *ret_changes);
    int (*error)(struct stmt *s, struct err *e); // of a failed s->rc
    void (*reset)(struct stmt *s);
    void (*finalize)(struct stmt *s);
    int (*columns)(struct stmt *s);
    bool (*is_null)(struct stmt *s, int col);
    int64_t (*get_int)(struct stmt *s, int col);
    double (*get_double)(struct stmt *s, int col);
    struct str (*get_str)(struct stmt *s, int col);
    // --- transactions, on the writer's connection ---
    int (*begin)(struct conn *c, bool is_careful, struct err *e); // careful: one item alone, after a failure
    int (*savepoint)(struct conn *c, struct err *e);
    bool (*release)(struct conn *c); // false: the transaction is lost
    bool (*back)(struct conn *c);    // to the savepoint; false as above
    bool (*is_lost)(struct conn *c); // the engine has thrown the transaction away, or cannot go on with it …
    int (*why)(struct conn *c, const char *what, struct err *e); // … as it says itself
    int64_t (*changes)(struct conn *c);                          // moves with every row changed
    enum end (*commit)(struct conn *c, struct err *e);
    void (*rollback)(struct conn *c); // may be called when nothing is open
    // --- nodes; NULL where there is only one ---
    int (*generation)(struct conn *c, int64_t *ret, struct err *e);
    void (*generation_move)(struct conn *w);
    // --- checks ---
    // The plan of one statement: 1 = it walks a whole table (its line in out), 0 = not, -1 = it does not stand.
    int (*find_scan)(struct conn *c, int q, const char *sql, char *out, size_t out_n, struct err *e);
};

extern const struct engine engine_sqlite, engine_postgres;
#endif
