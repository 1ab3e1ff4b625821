// SPDX-License-Identifier: MulanPSL-2.0
// What the files of the store share and nobody else sees.
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H
#include "store/engine.h"
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#define STORE_MAGIC        0x73746f72u
#define CONN_MAGIC         0x636f6e6eu
#define STORE_GATHER_US    2000 // under load a batch begins so long after the one before
#define STORE_GATHER_ITEMS 16   // that is load: so many items in a batch
#define STORE_GATHER_FULL  512  // and no longer than until so many wait
// Beyond so many pages of WAL the writer finishes a checkpoint itself, and nobody may hold a snapshot for convenience.
#define STORE_RESTART_PAGES 16000
#define STORE_UNSYNCED_MAX  4   // batches committed and not yet durable; the writer then waits
#define STORE_TEXT_CACHE    256 // composed statements kept per connection; older ones give way

struct pg;      // pg.h
struct pg_stmt; // pg.h

struct stmt {
    struct conn *c;
    sqlite3_stmt *s;    // SQLite's
    struct pg_stmt *pg; // PostgreSQL's
    int rc;             // last result (engine.h); STEP_ROW while a row is there
    bool is_ready;      // prepared, for as long as the connection lives
    bool is_busy;       // between store_query and store_done
    bool is_temp;       // prepared for one use (its twin was busy)
    const char *name;
    uint64_t text_hash; // of a composed statement
    uint64_t used;      // tick of last use
    char *text;         // owned; compared after the hash
};

struct conn {
    uint32_t magic;
    const struct engine *engine;
    struct store *store;                  // NULL for a read-only stranger
    sqlite3 *db;                          // SQLite's
    struct pg *pg;                        // PostgreSQL's
    bool is_writer, wants_read, has_read; // wants: store_read_begin was called; has: BEGIN was sent
    bool in_batch;      // the writer between BEGIN and its end, whether the engine still knows it or not
    int64_t steps_left; // < 0: no limit
    uint64_t tick;
    struct stmt named[QUERY_COUNT + 1];
    struct stmt text[STORE_TEXT_CACHE];
};

struct store {
    uint32_t magic;
    const struct engine *engine;
    struct store_config config;
    char folder[512];
    int lock_fd;
    struct conn *writer;
    pthread_t writer_thread, syncer_thread, checkpoint_thread;
    bool has_writer, has_syncer, has_checkpointer; // threads that store_close waits for
    pthread_mutex_t lock;
    pthread_cond_t wake, wake_syncer, wake_checkpoint;
    // One checkpoint at a time: the engine refuses a second one at once, it does not wait. Who may not wait (the
    // writer) tries; who must have one (a backup) waits.
    pthread_mutex_t checkpointing;
    int checkpoint_rc;         // of the last one; under `checkpointing`
    struct work *first, *last; // waiting, in order
    size_t waiting;
    bool stop, writer_sleeps, writer_gathers;
    int64_t last_begin_us; // of the last batch, and of how many items it was: the writer's own
    size_t last_n;
    bool wants_checkpoint;
    uint64_t checkpoints,
        finished_after; // made by the checkpoint thread; that after which the writer made the rest
    // Committed and not yet durable (sync.c):
    struct work *committed, *committed_last;
    int committed_batches, committed_writes; // how many batches; how many of them wrote anything
    bool writer_ended, is_lost;              // lost: a sync failed, nothing may be written any more
    sqlite3_file *wal;                       // the syncer's own; NULL until the first sync
    _Atomic int wal_pages;
    _Atomic uint64_t wal_commits; // commits that wrote
    struct store_stats stats;     // under lock
    struct store_meters meters;
    // PostgreSQL, on the writer's thread: this node, its batches, the head row after its last one (-1 = none yet).
    int64_t node, node_batch, head;
    _Atomic int64_t generation; // of authorisation: the newest that any connection has seen
};

// Somebody has read this generation of authorisation in the database; when it is new, config.authorisation_moved runs.
void store_generation_seen(struct store *s, int64_t generation);
int conn_new(struct store *s, const struct engine *engine, struct conn **ret, struct err *e) MUST;
void conn_count_error(const struct conn *c);
// SQLite
int store_error(struct conn *c, int rc, const char *what, struct err *e); // engine result → our code
int conn_exec(struct conn *c, const char *sql);                           // engine result
void *store_writer(void *store);                                          // thread
void *store_checkpointer(void *store);                                    // thread
void *store_syncer(void *store);                                          // thread
void sync_hand_over(struct store *s, struct work *first, bool is_written);
void sync_close(struct store *s);

#endif
