// SPDX-License-Identifier: MulanPSL-2.0
// SQLite's side of the store's face: one connection of one thread, its statements and its transactions. Nothing here
// decides anything; it says what the engine said.
#include "store/private.h"
#include <stdio.h>

int store_error(struct conn *c, int rc, const char *what, struct err *e) {
    int basic = rc & 0xff;
    if (basic == SQLITE_FULL || basic == SQLITE_NOMEM) {
        conn_count_error(c);
        return err_set(e, basic == SQLITE_FULL ? ERR_store_full : ERR_no_memory, "", "%s", what);
    }
    if (basic == SQLITE_INTERRUPT || basic == SQLITE_BUSY) return err_set(e, ERR_busy, "", "%s", what);
    if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY)
        return err_set(e, ERR_store_unique, "", "%s", what);
    conn_count_error(c);
    return err_set(e, ERR_store, "", "%s: %s", what, c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc));
}

int conn_exec(struct conn *c, const char *sql) {
    return sqlite3_exec(c->db, sql, NULL, NULL, NULL);
}

static int lite_script(struct conn *c, const char *sql, struct err *e) {
    int rc = conn_exec(c, sql);
    return rc == SQLITE_OK ? OK : store_error(c, rc, "script", e);
}

// --- connections ---

// The engine calls this every 1000 steps; a reader that has used up its allowance is stopped.
static int on_progress(void *arg) {
    struct conn *c = arg;
    if (c->steps_left < 0) return 0;
    c->steps_left -= 1000;
    return c->steps_left < 0 ? (c->steps_left = 0, 1) : 0;
}

static int open_file(struct conn *c, const char *path, bool read_only) {
    int flags = (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    int rc = sqlite3_open_v2(path, &c->db, flags, NULL);
    if (rc != SQLITE_OK) return rc;
    sqlite3_extended_result_codes(c->db, 1);
    sqlite3_busy_timeout(c->db, 5000);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return conn_exec(c, "PRAGMA cache_size=-8000; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;");
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

// WAL before the first write, synced by sync.c before anybody is told.
static int as_writer(struct conn *c) {
    c->is_writer = true;
    int rc = conn_exec(c, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0;"
                          "PRAGMA cache_size=-65536; PRAGMA secure_delete=OFF;");
    sqlite3_wal_hook(c->db, on_wal, c->store); // after wal_autocheckpoint, which puts its own hook there
    return rc;
}

// Readers read, and are held to it; the checkpoint thread is the only other hand on the file (query_only lets it).
static int as_reader(struct conn *c) {
    return conn_exec(c, "PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=FULL; PRAGMA mmap_size=268435456;"
                        "PRAGMA query_only=1");
}

static int lite_open(struct store *s, const char *where, bool is_writer, struct conn **ret, struct err *e) {
    struct conn *c = NULL;
    int code = conn_new(s, &engine_sqlite, &c, e);
    if (code != OK) return code;
    int rc = open_file(c, where, !s); // a stranger, without a store, reads only
    if (rc == SQLITE_OK && s) rc = is_writer ? as_writer(c) : as_reader(c);
    if (rc != SQLITE_OK) {
        code = store_error(c, rc, where, e);
        store_conn_close(c);
        return code;
    }
    *ret = c;
    return OK;
}

static void lite_close(struct conn *c) {
    sqlite3_close_v2(c->db);
}

static void lite_read_begin(struct conn *c) {
    c->wants_read = true;
}

static void lite_read_end(struct conn *c) {
    c->wants_read = false;
    if (c->has_read) conn_exec(c, "COMMIT");
    c->has_read = false;
}

static void lite_step_limit(struct conn *c, int64_t steps) {
    c->steps_left = steps > 0 ? steps : -1;
    sqlite3_progress_handler(c->db, steps > 0 ? 1000 : 0, on_progress, c);
}

static int64_t lite_last_id(struct conn *c) {
    return sqlite3_last_insert_rowid(c->db);
}

// --- statements ---

static void lite_prepare(struct stmt *s, const char *sql, size_t n, int q, bool keep) {
    (void)q;
    s->rc = sqlite3_prepare_v3(s->c->db, sql, (int)n + 1, keep ? SQLITE_PREPARE_PERSISTENT : 0, &s->s, NULL);
}

static int lite_places(struct stmt *s) {
    return sqlite3_bind_parameter_count(s->s);
}

static void lite_bind(struct stmt *s, int n, const struct bound *v) {
    int rc = SQLITE_OK;
    if (v->letter == 'i')
        rc = sqlite3_bind_int64(s->s, n, v->i);
    else if (v->letter == 'd')
        rc = sqlite3_bind_double(s->s, n, v->d);
    else if (v->letter == 's' && v->s.p)
        rc = sqlite3_bind_text64(s->s, n, v->s.p, v->s.n, SQLITE_STATIC, SQLITE_UTF8);
    else if (v->letter == 'b' && v->s.p)
        rc = sqlite3_bind_blob64(s->s, n, v->s.p, v->s.n, SQLITE_STATIC);
    else
        rc = sqlite3_bind_null(s->s, n);
    if (rc != SQLITE_OK) s->rc = rc;
}

// A snapshot is taken at the first read of the tick, so that idle ticks cost nothing.
static int begin_if_wanted(struct conn *c) {
    if (!c->wants_read || c->has_read) return SQLITE_OK;
    int rc = conn_exec(c, "BEGIN");
    if (rc == SQLITE_OK) c->has_read = true;
    return rc;
}

// When memory or disk fail it, the engine ends the whole transaction by itself, even in a read whose error its caller
// passes over. What the handler did next would be committed statement by statement, each for itself: an entry without
// its head, and a ledger that does not start. So nothing runs any more until the queue has given the batch up.
static bool is_thrown_away(const struct conn *c) {
    return c->in_batch && sqlite3_get_autocommit(c->db);
}

static void lite_step(struct stmt *s) {
    int rc = s->rc == STEP_READY ? begin_if_wanted(s->c) : SQLITE_OK;
    if (rc == SQLITE_OK && is_thrown_away(s->c)) rc = SQLITE_ABORT_ROLLBACK;
    s->rc = rc == SQLITE_OK ? sqlite3_step(s->s) : rc;
}

static void lite_run(struct stmt *s, int64_t *ret_changes) {
    do
        lite_step(s);
    while (s->rc == SQLITE_ROW);
    if (ret_changes && s->rc == SQLITE_DONE) *ret_changes = sqlite3_changes64(s->c->db);
}

static int lite_statement_error(struct stmt *s, struct err *e) {
    return store_error(s->c, s->rc, s->name, e);
}

static void lite_reset(struct stmt *s) {
    if (!s->s) return;
    sqlite3_reset(s->s);
    sqlite3_clear_bindings(s->s);
}

static void lite_finalize(struct stmt *s) {
    sqlite3_finalize(s->s);
    s->s = NULL;
}

static int lite_columns(struct stmt *s) {
    return sqlite3_column_count(s->s);
}

static bool lite_is_null(struct stmt *s, int col) {
    return sqlite3_column_type(s->s, col) == SQLITE_NULL;
}

static int64_t lite_int(struct stmt *s, int col) {
    return sqlite3_column_int64(s->s, col);
}

static double lite_double(struct stmt *s, int col) {
    return sqlite3_column_double(s->s, col);
}

static struct str lite_str(struct stmt *s, int col) {
    if (sqlite3_column_type(s->s, col) == SQLITE_NULL) return STR_NONE;
    const void *p = sqlite3_column_blob(s->s, col);
    // NULL is an empty value, or a long one that memory did not suffice for: never more bytes than there are.
    return (struct str){p ? p : "", p ? (size_t)sqlite3_column_bytes(s->s, col) : 0};
}

// --- transactions ---

static int said(struct conn *c, int rc, const char *what, struct err *e) {
    return rc == SQLITE_OK ? OK : store_error(c, rc, what, e);
}

static int lite_begin(struct conn *c, bool is_careful, struct err *e) {
    (void)is_careful;
    int rc = conn_exec(c, "BEGIN IMMEDIATE");
    c->in_batch = rc == SQLITE_OK;
    return said(c, rc, "begin", e);
}

static int lite_savepoint(struct conn *c, struct err *e) {
    return said(c, conn_exec(c, "SAVEPOINT item"), "savepoint", e);
}

static bool lite_release(struct conn *c) {
    return conn_exec(c, "RELEASE item") == SQLITE_OK;
}

static bool lite_back(struct conn *c) {
    return conn_exec(c, "ROLLBACK TO item; RELEASE item") == SQLITE_OK;
}

static bool lite_is_lost(struct conn *c) {
    return sqlite3_get_autocommit(c->db); // disk full, I/O, memory: all is gone
}

static int lite_why(struct conn *c, const char *what, struct err *e) {
    return store_error(c, sqlite3_errcode(c->db), what, e);
}

static int64_t lite_changes(struct conn *c) {
    return sqlite3_total_changes64(c->db);
}

static enum end lite_commit(struct conn *c, struct err *e) {
    int rc = conn_exec(c, "COMMIT");
    if (rc == SQLITE_OK) c->in_batch = false;
    return said(c, rc, "commit", e) == OK ? END_DONE : END_FAILED;
}

static void lite_rollback(struct conn *c) {
    if (!sqlite3_get_autocommit(c->db)) conn_exec(c, "ROLLBACK");
    c->in_batch = false;
}

// --- plans ---

static int lite_find_scan(struct conn *c, int q, const char *sql, char *out, size_t out_n, struct err *e) {
    (void)q;
    char *plan = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
    sqlite3_stmt *st = NULL;
    int found = 0, rc = sqlite3_prepare_v2(c->db, plan, -1, &st, NULL);
    sqlite3_free(plan);
    while (rc == SQLITE_OK && !found && sqlite3_step(st) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(st, 3);
        if (!line || strncmp(line, "SCAN ", 5) != 0) continue;
        // "SCAN x VIRTUAL TABLE", constant rows and json_each are no scans of a stored table.
        if (strstr(line, "VIRTUAL TABLE") || strstr(line, "CONSTANT ROW") || strchr(line, '(')) continue;
        snprintf(out, out_n, "%s", line);
        found = 1;
    }
    if (rc != SQLITE_OK) (void)store_error(c, rc, "plan", e);
    sqlite3_finalize(st);
    return rc == SQLITE_OK ? found : -1;
}

const struct engine engine_sqlite = {
    .open = lite_open,
    .close = lite_close,
    .read_begin = lite_read_begin,
    .read_end = lite_read_end,
    .step_limit = lite_step_limit,
    .script = lite_script,
    .last_id = lite_last_id,
    .prepare = lite_prepare,
    .places = lite_places,
    .bind = lite_bind,
    .step = lite_step,
    .run = lite_run,
    .error = lite_statement_error,
    .reset = lite_reset,
    .finalize = lite_finalize,
    .columns = lite_columns,
    .is_null = lite_is_null,
    .get_int = lite_int,
    .get_double = lite_double,
    .get_str = lite_str,
    .begin = lite_begin,
    .savepoint = lite_savepoint,
    .release = lite_release,
    .back = lite_back,
    .is_lost = lite_is_lost,
    .why = lite_why,
    .changes = lite_changes,
    .commit = lite_commit,
    .rollback = lite_rollback,
    .find_scan = lite_find_scan,
};
