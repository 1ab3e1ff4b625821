// SPDX-License-Identifier: MulanPSL-2.0
// One face over the engine (SQLite, or PostgreSQL: engine.h). Fixed SQL is named: every *.sql file of a module is
// compiled by tools/sqlgen into build/gen/queries.h (enum) and queries.c (text), prepared once per connection.
// Only core's query builder for generated tables hands over composed text, through store_text_*.
//
//   store   one data folder: lock file, gusu.db in WAL, syncs and checkpoints on threads of their own; or a PostgreSQL
//           database that several nodes, each with a folder of its own, may share
//   conn    one thread's connection; readers see a snapshot, the writer is the commit queue's own thread
//   work    one item of the commit queue: run (inside the batch's transaction, a savepoint each), then done
//
// Invariants: (1) only the writer thread writes; (2) `done` runs only after the commit that holds its effects
// is durable (fsync), or with the error that undid them (a reader may see a commit some milliseconds before); (3) an item whose run fails leaves no trace; (4) when
// the engine aborts the whole transaction, the batch is run again one by one, so run must be repeatable: all its
// effects lie in the transaction and in its own arena.
#ifndef STORE_STORE_H
#define STORE_STORE_H
#include "base/err.h"
#include "base/histogram.h"
#include "queries.h" // generated: enum query { Q_people_account_by_login, … }

#define STORE_BEHIND_NICE 10   // of threads that work behind the callers: checkpoints, jobs
#define STORE_QUEUE_MAX   8192 // items waiting; beyond it store_submit answers ERR_busy
#define STORE_BATCH_MAX   1024 // items of one transaction
#define STORE_BATCH_MS    50 // begin no further item in a batch after this: bounds what a reply waits for others

struct store;
struct conn;
struct stmt;

struct store_config {
    const char *folder;
    const char
        *url; // "postgres://…" as libpq reads it; NULL = SQLite in the folder. Must live as long as the store
    int readers; // read connections kept for workers
    void *arg;
    // Hooks around each batch, on the writer thread, inside the transaction; a failure undoes the batch.
    int (*before_commit)(void *arg, struct conn *w, struct err *e);
    void (*after_commit)(void *arg, bool committed);
    // Around each sync, on the syncer's thread: what was committed when before_sync is called is durable when
    // after_sync is. Only then may it be signed, or shown as lasting.
    void (*before_sync)(void *arg);
    void (*after_sync)(void *arg);
    void (*on_lost)(void *arg); // a sync failed: nothing is written any more, the process has to end
    // Around each item: memory that an item changed (the ledger's trees) is put back when the item is undone.
    void (*item_begin)(void *arg);
    void (*item_undone)(void *arg);
    // Several nodes over one database. moved: on the writer thread, in a batch's transaction before its first item, when
    // another node has committed since this one's last batch: memory of the database's contents is read again. A failure
    // ends the batch. authorisation_moved: any thread, when the generation (below) was moved by another node.
    int (*moved)(void *arg, struct conn *w, struct err *e);
    void (*authorisation_moved)(void *arg);
};
int store_open(const struct store_config *config, struct store **ret,
               struct err *e) MUST; // ERR_store_busy: second process
void store_close(struct store *s);  // commits what waits, then stops
int store_migrate(struct store *s,
                  struct err *e) MUST; // applies the schema files in order, each once (table store_schema)
const char *store_folder(const struct store *s);
bool store_is_postgres(const struct conn *c); // for the few who must speak the engine's own words (full text)
// Do reads wait for a network? Then they do not belong on a thread that others wait for.
bool store_reads_block(const struct store *s);

int store_conn_open(struct store *s, struct conn **ret,
                    struct err *e) MUST; // a reader for the calling thread
void store_conn_close(struct conn *c);
// Reads between begin and end see one snapshot; end is quick, so a loop does it every tick.
void store_read_begin(struct conn *c);
void store_read_end(struct conn *c);
// The generation of authorisation that nodes share: a number in the database that moves in the transaction of whatever
// changes who may do what. On SQLite always 0: there one process knows all. A request that must not be judged under
// rights that were taken away reads it at its snapshot's beginning.
int store_generation(struct conn *c, int64_t *ret, struct err *e) MUST; // a reader, after store_read_begin
void store_generation_move(struct conn *w);                             // with this batch, before its commit
// Stops a reader's statement after about this many engine steps (0 = none): then stepping gives ERR_busy.
void store_step_limit(struct conn *c, int64_t steps);

// Named queries. `types` has one letter per value: i int64_t, s struct str (text; STR_NONE = NULL), b struct str
// (blob), z const char *, d double, n NULL (no value). Text and blobs must stay alive until the statement is done.
struct stmt *store_query(struct conn *c, enum query q, const char *types, ...);
struct stmt *store_text_query(struct conn *c, struct str sql, const char *types,
                              ...);                    // prepared and cached by text
void store_bind_int(struct stmt *s, int n, int64_t v); // 1-based; for composed statements
void store_bind_str(struct stmt *s, int n, struct str v);
void store_bind_blob(struct stmt *s, int n, struct str v);
void store_bind_double(struct stmt *s, int n, double v);
void store_bind_null(struct stmt *s, int n);
bool store_next(struct stmt *s) MUST;       // a row is there; false at the end or on failure (see store_done)
int64_t store_int(struct stmt *s, int col); // 0-based; NULL gives 0
double store_double(struct stmt *s, int col);
bool store_is_null(struct stmt *s, int col);
struct str store_str(struct stmt *s, int col,
                     struct arena *mem); // copied; mem NULL = valid until the next step
int store_columns(struct stmt *s);
int store_done(struct stmt *s, struct err *e) MUST; // always call: resets; OK or the error of any step before
// Instead of next and done, for a statement that gives no rows. With ret_changes NULL the writer need not wait for the
// engine's answer: what fails then undoes the batch, which is run again item by item (invariant 4).
int store_run(struct stmt *s, int64_t *ret_changes, struct err *e) MUST;
// The three shapes in one call. exec: no rows; changed rows through ret_changes (may be NULL).
int store_exec(struct conn *c, int64_t *ret_changes, struct err *e, enum query q, const char *types,
               ...) MUST;
int store_text_exec(struct conn *c, struct str sql,
                    struct err *e) MUST; // DDL of generated tables; writer only
int64_t store_last_id(struct conn *c);

// The commit queue.
struct work {
    struct work *next;
    int (*run)(struct work *w, struct conn *c,
               struct err *e); // writer thread; may be called again (invariant 4)
    void (*done)(
        struct work
            *first); // syncer thread, a list linked by next of all items of the batch with this `done`
    // Writer thread, before the batch's transaction: what many items can have worked out together. A list as for done. An
    // item that the batch has no time for comes again with the next one, and is prepared again. May be NULL.
    // is_first: nothing that was prepared before is wanted any more.
    void (*prepare)(struct work *first, size_t n, bool is_first);
    struct err err; // result, set before done
    bool is_plain;  // run cannot fail halfway: no savepoint needed (a lone insert)
    int64_t at_us;  // when it was submitted
};
int store_submit(struct store *s,
                 struct work *w) MUST; // from any thread; OK or ERR_busy (then nothing happens)
// Runs one item and waits for its commit: command line, loads, tests. Not from a loop.
int store_do(struct store *s, struct work *w, struct err *e) MUST;

struct store_stats {
    uint64_t commits, items, batch_max, commit_us_sum, commit_us_max, queue_len, wal_bytes, redone, syncs,
        sync_us_sum, sync_us_max;
};
struct store_stats store_stats(struct store *s);
// The WAL waits to begin again, which it cannot while anybody reads from an older snapshot: let go of yours.
bool store_wal_is_long(struct store *s);
// The same as distributions, read without a lock while they move.
struct store_meters {
    struct histogram batch_items, run_us, lag_us; // added by the writer
    struct histogram sync_us;                     // by the syncer
    _Atomic uint64_t errors;                      // of the engine, whoever met them
};
const struct store_meters *store_meters(const struct store *s);

// Every named query is prepared once and its plan read: a full scan that the name does not announce ("-- name: x
// scan") is an error with the query's name. At start-up and in tests.
int store_check_queries(struct store *s, struct err *e) MUST;
// A read-only connection to a folder, or to a postgres:// address, that may be in use or damaged (`gusu verify`): no lock,
// no migration.
int store_conn_read_only(const char *where, struct conn **ret, struct err *e) MUST;
// Stats of the checkpoint thread's work are in store_stats; this asks for a full checkpoint now (backup, tests).
int store_checkpoint(struct store *s, struct err *e) MUST;

#endif
