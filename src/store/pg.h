// SPDX-License-Identifier: MulanPSL-2.0
// What the files of PostgreSQL's side share. libpq is always in pipeline mode: statements are sent without waiting, and
// their results read when somebody asks for one.
//
//   pg_conn.c   the connection: opening, opening again, sending, the one place where results are read
//   pg_stmt.c   statements: prepared by name, values out, columns in
//   pg_tx.c     transactions of the writer, what other nodes did, the end of a commit that nobody saw
//   pg_plan.c   the check of plans at start
#ifndef STORE_PG_H
#define STORE_PG_H
#include "store/private.h"
#include <libpq-fe.h>

#define PG_BOOL    16u // type numbers of PostgreSQL's pg_type, which never change
#define PG_BYTEA   17u
#define PG_INT8    20u
#define PG_INT2    21u
#define PG_INT4    23u
#define PG_TEXT    25u
#define PG_OID     26u
#define PG_FLOAT4  700u
#define PG_FLOAT8  701u
#define PG_NUMERIC 1700u

#define PG_AGAIN_MS_FIRST 50 // a lost connection is tried again after this long, then twice that …
#define PG_AGAIN_MS_MOST  2000
#define PG_WAITING_MAX    512 // statements on the way whose results nobody has read yet; then they are read

struct pg_error {
    char state[6]; // SQLSTATE; "" = none, "08006" also when the connection broke without a word
    char text[256];
};

#define PG_FRESH_MAX 64

struct pg_stmt;
struct pg {
    PGconn *db;
    char *url;
    uint32_t life; // moves when the connection is made anew: statements prepared before are gone
    uint32_t next_name;
    // Prepared since results were last read: when anything before them fails, the server has passed them over.
    struct pg_stmt *fresh[PG_FRESH_MAX];
    int fresh_n;
    int waiting;        // statements sent whose results nobody has read
    bool careful;       // every statement is waited for, each within a savepoint of its own
    bool in_tx;         // the writer is between begin and commit
    bool has_savepoint; // … and within an item that can be undone by itself
    bool tx_failed;     // a statement of this transaction failed and nothing has gone back behind it
    bool lost; // … and something was tried after it, or nobody waited for it: the batch must run again
    struct pg_error error; // the first of this transaction (writer) or statement (reader)
    int64_t changes;
    bool moves_generation;         // of authorisation, with this batch
    int64_t head, head_generation; // of the head row, as this batch found it
    int64_t left_us;               // of the step limit; < 0 = none
    bool has_timeout;              // statement_timeout was set for it
    int64_t again_ms, next_try_us;
};

struct pg_value {
    struct bound v;
    char be[24]; // an integer or double in network order, or an integer as text
};

struct pg_stmt {
    const char *sql; // the engine's own words; owned when composed
    char *own_sql;
    char name[16];
    uint32_t life; // of the connection that knows it by name; 0 = none does
    int places;
    struct pg_value *values;
    Oid *types;
    const char **ptrs;
    int *lengths, *formats;
    PGresult *result;
    int row;
    struct pg_error error;
    char number[4][32]; // integers read as text
    int number_n;
};

// --- pg_conn.c ---
bool pg_alive(struct conn *c); // connected; tries again when it is time
void pg_broken(struct conn *c, struct pg_error *ret);
bool pg_send(struct conn *c,
             const char *sql); // a statement without values; its result is waited for by nobody
// Sends the sync and reads all results up to it. The last statement's goes to *ret_last (NULL = not wanted). False when
// any failed: the first error stands in *error.
bool pg_wait(struct conn *c, PGresult **ret_last, struct pg_error *error);
// A statement with integers only.
bool pg_send_ints(struct conn *c, const char *sql, int n, const int64_t *values);
bool pg_ask(struct conn *c, const char *sql, PGresult **ret, struct pg_error *error); // send and wait
int pg_tell(const struct pg_error *error, const char *what, struct err *e);           // → our code
int pg_script(struct conn *c, const char *sql, struct err *e);
int64_t pg_result_int(const PGresult *r, int row, int col);
// --- pg_stmt.c ---
void pg_prepare(struct stmt *s, const char *sql, size_t n, int q, bool keep);
int pg_places(struct stmt *s);
void pg_bind(struct stmt *s, int n, const struct bound *v);
void pg_step(struct stmt *s);
void pg_run(struct stmt *s, int64_t *ret_changes);
int pg_statement_error(struct stmt *s, struct err *e);
void pg_reset(struct stmt *s);
void pg_finalize(struct stmt *s);
int pg_columns(struct stmt *s);
bool pg_is_null(struct stmt *s, int col);
int64_t pg_int(struct stmt *s, int col);
double pg_double(struct stmt *s, int col);
struct str pg_str(struct stmt *s, int col);
// --- pg_tx.c ---
int pg_begin(struct conn *c, bool is_careful, struct err *e);
int pg_savepoint(struct conn *c, struct err *e);
bool pg_release(struct conn *c);
bool pg_back(struct conn *c);
bool pg_is_lost(struct conn *c);
int pg_why(struct conn *c, const char *what, struct err *e);
int64_t pg_changes(struct conn *c);
enum end pg_commit(struct conn *c, struct err *e);
void pg_rollback(struct conn *c);
int pg_join(struct conn *c,
            struct err *e); // the writer, at its start: the store's own tables, this node's row
int pg_generation(struct conn *c, int64_t *ret, struct err *e);
void pg_generation_move(struct conn *w);
// --- pg_plan.c ---
int pg_find_scan(struct conn *c, int q, const char *sql, char *out, size_t out_n, struct err *e);
#endif
