// SPDX-License-Identifier: MulanPSL-2.0
// One data folder: its lock (a second process is refused), its engine, the schema of all modules, the check of all
// named queries, the start and end of the writer, syncer and checkpoint threads. Keeps true: each schema block runs once.
#include "store/private.h"
#include "base/file.h"
#include "base/log.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

static int lock_folder(struct store *s, struct err *e) {
    char path[600];
    snprintf(path, sizeof path, "%s/lock", s->folder);
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0) return err_set(e, ERR_file, "data", "%s: %s", path, strerrordesc_np(errno));
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) return err_set(e, ERR_store_busy, "data", "%s", s->folder);
    char pid[32];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(s->lock_fd, 0) != 0 || pwrite(s->lock_fd, pid, (size_t)n, 0) != n)
        return err_set(e, ERR_file, "data", "%s: %s", path, strerrordesc_np(errno));
    return OK;
}

// Where the engine finds the city: SQLite's file in the folder, or PostgreSQL's address.
static const char *where(struct store *s, char *path, size_t n) {
    if (s->engine->is_postgres) return s->config.url;
    snprintf(path, n, "%s/gusu.db", s->folder);
    return path;
}

static int open_conn(struct store *s, bool is_writer, struct conn **ret, struct err *e) {
    char path[600];
    return s->engine->open(s, where(s, path, sizeof path), is_writer, ret, e);
}

int store_open(const struct store_config *config, struct store **ret, struct err *e) {
    if (config->url && strncmp(config->url, "postgres", 8) != 0)
        return err_set(e, ERR_store, "store", "%s",
                       "postgres://…"); // not what was given: it may hold a password
    // A global mutex around memory statistics halves two readers' speed (reference: deps §3).
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    if (strlen(config->folder) >= sizeof((struct store *)0)->folder)
        return err_set(e, ERR_too_large, "data", "%zu", sizeof((struct store *)0)->folder - 1);
    int code = file_make_dirs(config->folder, 0700, e);
    if (code != OK) return code;
    struct store *s = calloc(1, sizeof *s);
    if (!s) return err_set(e, ERR_no_memory, "", "store");
    s->magic = STORE_MAGIC;
    s->config = *config;
    s->engine = config->url ? &engine_postgres : &engine_sqlite;
    s->lock_fd = -1;
    s->meters.batch_items.edges = histogram_items;
    s->meters.run_us.edges = s->meters.lag_us.edges = s->meters.sync_us.edges = histogram_us;
    snprintf(s->folder, sizeof s->folder, "%s", config->folder);
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_t by_clock; // timed waits of the writer are by the clock that nobody sets
    pthread_condattr_init(&by_clock);
    pthread_condattr_setclock(&by_clock, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &by_clock);
    pthread_condattr_destroy(&by_clock);
    pthread_cond_init(&s->wake_syncer, NULL);
    pthread_cond_init(&s->wake_checkpoint, NULL);
    pthread_mutex_init(&s->checkpointing, NULL);
    code = lock_folder(s, e);
    if (code == OK) code = open_conn(s, true, &s->writer, e);
    if (code == OK) {
        s->has_writer = pthread_create(&s->writer_thread, NULL, store_writer, s) == 0;
        s->has_syncer = s->has_writer && pthread_create(&s->syncer_thread, NULL, store_syncer, s) == 0;
        bool wants_checkpointer = !s->engine->is_postgres; // which has one of its own
        s->has_checkpointer = s->has_syncer && wants_checkpointer &&
                              pthread_create(&s->checkpoint_thread, NULL, store_checkpointer, s) == 0;
        if (!s->has_syncer || s->has_checkpointer != wants_checkpointer)
            code = err_set(e, ERR_no_memory, "", "threads");
    }
    if (code != OK) {
        store_close(s);
        return code;
    }
    *ret = s;
    return OK;
}

void store_close(struct store *s) {
    if (!s) return;
    assert(s->magic == STORE_MAGIC);
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->wake);
    pthread_cond_broadcast(&s->wake_checkpoint);
    pthread_mutex_unlock(&s->lock);
    if (s->has_writer) pthread_join(s->writer_thread, NULL);
    if (s->has_syncer) pthread_join(s->syncer_thread, NULL);
    if (s->has_checkpointer) pthread_join(s->checkpoint_thread, NULL);
    sync_close(s);
    store_conn_close(s->writer);
    if (s->lock_fd >= 0) close(s->lock_fd);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->wake);
    pthread_cond_destroy(&s->wake_syncer);
    pthread_cond_destroy(&s->wake_checkpoint);
    pthread_mutex_destroy(&s->checkpointing);
    s->magic = 0;
    free(s);
}

const char *store_folder(const struct store *s) {
    return s->folder;
}

int store_conn_open(struct store *s, struct conn **ret, struct err *e) {
    return open_conn(s, false, ret, e);
}

void store_generation_seen(struct store *s, int64_t generation) {
    int64_t old = atomic_load(&s->generation);
    while (generation > old)
        if (atomic_compare_exchange_weak(&s->generation, &old, generation)) {
            if (s->config.authorisation_moved) s->config.authorisation_moved(s->config.arg);
            return;
        }
}

bool store_reads_block(const struct store *s) {
    return s->engine->is_postgres;
}

int store_conn_read_only(const char *where, struct conn **ret, struct err *e) {
    char path[600];
    if (strncmp(where, "postgres", 8) == 0 && strstr(where, "://"))
        return engine_postgres.open(NULL, where, false, ret, e);
    snprintf(path, sizeof path, "%s/gusu.db", where);
    return engine_sqlite.open(NULL, path, false, ret, e);
}

static int schema_version(struct conn *c, const char *module, int *ret, struct err *e) {
    struct stmt *s =
        store_text_query(c, S("SELECT max(version) FROM store_schema WHERE module = ?1"), "z", module);
    *ret = store_next(s) ? (int)store_int(s, 0) : 0;
    return store_done(s, e);
}

static int run_schema(struct work *w, struct conn *c, struct err *e) {
    (void)w;
    int code =
        store_text_exec(c,
                        S("CREATE TABLE IF NOT EXISTS store_schema(module TEXT NOT NULL, version INTEGER "
                          "NOT NULL, PRIMARY KEY(module, version)) STRICT"),
                        e);
    for (const struct schema_text *t = schema_texts; t->module && code == OK; t++) {
        int version = 0;
        code = schema_version(c, t->module, &version, e);
        if (code != OK || version >= t->version) continue;
        code = c->engine->script(c, c->engine->is_postgres ? t->pg : t->sql, e);
        if (code != OK) {
            log_line(LOG_ERROR, "store", "schema %s %d: %s", t->module, t->version, e->arg);
            return code;
        }
        struct stmt *s = store_text_query(c, S("INSERT INTO store_schema VALUES(?1,?2)"), "zi", t->module,
                                          (int64_t)t->version);
        code = store_run(s, NULL, e);
    }
    return code;
}

static void ignore_done(struct work *w) {
    (void)w;
}

int store_migrate(struct store *s, struct err *e) {
    struct work w = {.run = run_schema, .done = ignore_done};
    return store_do(s, &w, e);
}

int store_check_queries(struct store *s, struct err *e) {
    struct conn *c = NULL;
    int found = OK, code = store_conn_open(s, &c, e);
    for (int q = 0; code == OK && q < QUERY_COUNT; q++) {
        char line[160];
        const char *sql = s->engine->is_postgres ? query_texts[q].pg : query_texts[q].sql;
        int scans = s->engine->find_scan(c, q, sql, line, sizeof line, e);
        if (scans < 0) {
            log_line(LOG_ERROR, "store", "query %s: %s", query_texts[q].name, e->arg);
            code = e->code;
        } else if (scans > 0 && !query_texts[q].may_scan) {
            log_line(LOG_ERROR, "store", "unplanned full scan: %s: %s", query_texts[q].name, line);
            found = err_set(e, ERR_internal, query_texts[q].name, "unplanned full scan: %s", line);
        }
    }
    store_conn_close(c);
    return code == OK ? found : code;
}

int store_checkpoint(struct store *s, struct err *e) {
    struct conn *c = NULL;
    if (s->engine->is_postgres) return OK; // what is committed is durable, and its files are its own affair
    int code = store_conn_open(s, &c, e);
    if (code != OK) return code;
    pthread_mutex_lock(&s->checkpointing);
    int rc = sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_FULL, NULL, NULL);
    pthread_mutex_unlock(&s->checkpointing);
    if (rc != SQLITE_OK) code = store_error(c, rc, "checkpoint", e);
    store_conn_close(c);
    return code;
}

const struct store_meters *store_meters(const struct store *s) {
    return &s->meters;
}

bool store_wal_is_long(struct store *s) {
    return atomic_load(&s->wal_pages) >= STORE_RESTART_PAGES;
}

struct store_stats store_stats(struct store *s) {
    pthread_mutex_lock(&s->lock);
    struct store_stats r = s->stats;
    r.queue_len = s->waiting;
    pthread_mutex_unlock(&s->lock);
    r.wal_bytes = (uint64_t)atomic_load(&s->wal_pages) * 4096;
    return r;
}
