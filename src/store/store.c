// SPDX-License-Identifier: MulanPSL-2.0
// One data folder: its lock (a second process is refused), the database file, the schema of all modules, the check
// of all named queries, the start and end of the writer and checkpoint threads. Keeps true: WAL
// before the first write, synced by sync.c before anybody is told; each schema block runs once, in its own transaction.
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

// The number of WAL pages after each commit, for bounding it; the engine's own automatic checkpoint is off.
static int on_wal(void *arg, sqlite3 *db, const char *name, int pages) {
    (void)db;
    (void)name;
    struct store *s = arg;
    atomic_store(&s->wal_pages, pages);
    atomic_fetch_add(&s->wal_commits, 1);
    return SQLITE_OK;
}

static int open_writer(struct store *s, struct err *e) {
    char path[600];
    snprintf(path, sizeof path, "%s/gusu.db", s->folder);
    int code = engine_open(path, false, &s->writer, e);
    if (code != OK) return code;
    s->writer->is_writer = true;
    s->writer->store = s;
    int rc = conn_exec(s->writer,
                       "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0;"
                       "PRAGMA cache_size=-65536; PRAGMA secure_delete=OFF;");
    sqlite3_wal_hook(s->writer->db, on_wal, s);
    return rc == SQLITE_OK ? OK : store_error(s->writer, rc, path, e);
}

int store_open(const struct store_config *config, struct store **ret, struct err *e) {
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
    s->lock_fd = -1;
    s->meters.batch_items.edges = histogram_items;
    s->meters.run_us.edges = s->meters.lag_us.edges = s->meters.sync_us.edges = histogram_us;
    snprintf(s->folder, sizeof s->folder, "%s", config->folder);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    pthread_cond_init(&s->wake_syncer, NULL);
    pthread_cond_init(&s->wake_checkpoint, NULL);
    pthread_mutex_init(&s->checkpointing, NULL);
    code = lock_folder(s, e);
    if (code == OK) code = open_writer(s, e);
    if (code == OK) {
        s->has_writer = pthread_create(&s->writer_thread, NULL, store_writer, s) == 0;
        s->has_syncer = s->has_writer && pthread_create(&s->syncer_thread, NULL, store_syncer, s) == 0;
        s->has_checkpointer =
            s->has_syncer && pthread_create(&s->checkpoint_thread, NULL, store_checkpointer, s) == 0;
        if (!s->has_checkpointer) code = err_set(e, ERR_no_memory, "", "threads");
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
    char path[600];
    snprintf(path, sizeof path, "%s/gusu.db", s->folder);
    int code = engine_open(path, false, ret, e);
    if (code != OK) return code;
    (*ret)->store = s;
    // Readers read, and are held to it; the checkpoint thread is the only other hand on the file (query_only lets it).
    int rc =
        conn_exec(*ret, "PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=FULL; PRAGMA mmap_size=268435456;"
                        "PRAGMA query_only=1");
    if (rc == SQLITE_OK) return OK;
    code = store_error(*ret, rc, path, e);
    store_conn_close(*ret);
    *ret = NULL;
    return code;
}

int store_conn_read_only(const char *folder, struct conn **ret, struct err *e) {
    char path[600];
    snprintf(path, sizeof path, "%s/gusu.db", folder);
    return engine_open(path, true, ret, e);
}

static int schema_version(struct conn *c, const char *module) {
    sqlite3_stmt *st = NULL;
    int version = 0;
    if (sqlite3_prepare_v2(c->db, "SELECT max(version) FROM store_schema WHERE module=?1", -1, &st, NULL) ==
        SQLITE_OK) {
        sqlite3_bind_text(st, 1, module, -1, SQLITE_STATIC);
        if (sqlite3_step(st) == SQLITE_ROW) version = sqlite3_column_int(st, 0);
    }
    sqlite3_finalize(st);
    return version;
}

static int run_schema(struct work *w, struct conn *c, struct err *e) {
    (void)w;
    int rc =
        conn_exec(c, "CREATE TABLE IF NOT EXISTS store_schema(module TEXT NOT NULL, version INTEGER NOT NULL,"
                     " PRIMARY KEY(module, version)) STRICT");
    if (rc != SQLITE_OK) return store_error(c, rc, "schema", e);
    for (const struct schema_text *t = schema_texts; t->module; t++) {
        if (schema_version(c, t->module) >= t->version) continue;
        rc = conn_exec(c, t->sql);
        if (rc != SQLITE_OK) return store_error(c, rc, t->module, e);
        sqlite3_stmt *st = NULL;
        rc = sqlite3_prepare_v2(c->db, "INSERT INTO store_schema VALUES(?1,?2)", -1, &st, NULL);
        if (rc == SQLITE_OK) {
            sqlite3_bind_text(st, 1, t->module, -1, SQLITE_STATIC);
            sqlite3_bind_int(st, 2, t->version);
            rc = sqlite3_step(st);
        }
        sqlite3_finalize(st);
        if (rc != SQLITE_DONE) return store_error(c, rc, t->module, e);
    }
    return OK;
}

static void ignore_done(struct work *w) {
    (void)w;
}

int store_migrate(struct store *s, struct err *e) {
    struct work w = {.run = run_schema, .done = ignore_done};
    return store_do(s, &w, e);
}

// Reads the plan of one query; the text of the first unplanned scan, or NULL.
const char *store_find_scan(struct conn *c, const char *sql, char *out, size_t out_n, int *ret_rc) {
    char *plan = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
    sqlite3_stmt *st = NULL;
    const char *found = NULL;
    *ret_rc = sqlite3_prepare_v2(c->db, plan, -1, &st, NULL);
    sqlite3_free(plan);
    while (*ret_rc == SQLITE_OK && !found && sqlite3_step(st) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(st, 3);
        if (!line || strncmp(line, "SCAN ", 5) != 0) continue;
        // "SCAN x VIRTUAL TABLE", constant rows and json_each are no scans of a stored table.
        if (strstr(line, "VIRTUAL TABLE") || strstr(line, "CONSTANT ROW") || strchr(line, '(')) continue;
        snprintf(out, out_n, "%s", line);
        found = out;
    }
    sqlite3_finalize(st);
    return found;
}

int store_check_queries(struct store *s, struct err *e) {
    struct conn *c = NULL;
    int found = OK, code = store_conn_open(s, &c, e);
    for (int q = 0; code == OK && q < QUERY_COUNT; q++) {
        char line[160];
        int rc;
        const char *scan = store_find_scan(c, query_texts[q].sql, line, sizeof line, &rc);
        if (rc != SQLITE_OK)
            code = store_error(c, rc, query_texts[q].name, e);
        else if (scan && !query_texts[q].may_scan) {
            log_line(LOG_ERROR, "store", "unplanned full scan: %s: %s", query_texts[q].name, scan);
            found = err_set(e, ERR_internal, query_texts[q].name, "unplanned full scan: %s", scan);
        }
    }
    store_conn_close(c);
    return code == OK ? found : code;
}

int store_checkpoint(struct store *s, struct err *e) {
    struct conn *c = NULL;
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

struct store_stats store_stats(struct store *s) {
    pthread_mutex_lock(&s->lock);
    struct store_stats r = s->stats;
    r.queue_len = s->waiting;
    pthread_mutex_unlock(&s->lock);
    r.wal_bytes = (uint64_t)atomic_load(&s->wal_pages) * 4096;
    return r;
}
