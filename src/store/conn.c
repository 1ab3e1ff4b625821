// SPDX-License-Identifier: MulanPSL-2.0
// One thread's connection to SQLite: named and composed statements, prepared once and kept; values bound, never
// printed; results read by column. A statement that is still in use when asked for again gets a twin for one use,
// so nested queries are safe. Errors are gathered in the statement and told by store_done, so that a handler reads
// as query, loop, done. Keeps true: reads between store_read_begin and store_read_end see one snapshot.
#include "store/private.h"
#include <assert.h>
#include <stdlib.h>

// What is nobody's fault but the machine's; refusals (busy, a key that stands) are the callers' affair.
static void count_error(const struct conn *c) {
    if (c->store) atomic_fetch_add_explicit(&c->store->meters.errors, 1, memory_order_relaxed);
}

int store_error(struct conn *c, int rc, const char *what, struct err *e) {
    int basic = rc & 0xff;
    if (basic == SQLITE_FULL || basic == SQLITE_NOMEM) {
        count_error(c);
        return err_set(e, basic == SQLITE_FULL ? ERR_store_full : ERR_no_memory, "", "%s", what);
    }
    if (basic == SQLITE_INTERRUPT || basic == SQLITE_BUSY) return err_set(e, ERR_busy, "", "%s", what);
    if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY)
        return err_set(e, ERR_store_unique, "", "%s", what);
    count_error(c);
    return err_set(e, ERR_store, "", "%s: %s", what, c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc));
}

int conn_exec(struct conn *c, const char *sql) {
    return sqlite3_exec(c->db, sql, NULL, NULL, NULL);
}

// The engine calls this every 1000 steps; a reader that has used up its allowance is stopped.
static int on_progress(void *arg) {
    struct conn *c = arg;
    if (c->steps_left < 0) return 0;
    c->steps_left -= 1000;
    return c->steps_left < 0 ? (c->steps_left = 0, 1) : 0;
}

int engine_open(const char *path, bool read_only, struct conn **ret, struct err *e) {
    struct conn *c = calloc(1, sizeof *c);
    if (!c) return err_set(e, ERR_no_memory, "", "connection");
    c->magic = CONN_MAGIC;
    c->steps_left = -1;
    int flags = (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    int rc = sqlite3_open_v2(path, &c->db, flags, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_extended_result_codes(c->db, 1);
        sqlite3_busy_timeout(c->db, 5000);
        sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        rc = conn_exec(c, "PRAGMA cache_size=-8000; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;");
    }
    if (rc != SQLITE_OK) {
        int code = store_error(c, rc, path, e);
        store_conn_close(c);
        return code;
    }
    *ret = c;
    return OK;
}

void store_conn_close(struct conn *c) {
    if (!c) return;
    assert(c->magic == CONN_MAGIC);
    for (int i = 0; i < QUERY_COUNT; i++)
        sqlite3_finalize(c->named[i].s);
    for (int i = 0; i < STORE_TEXT_CACHE; i++) {
        sqlite3_finalize(c->text[i].s);
        free(c->text[i].text);
    }
    sqlite3_close_v2(c->db);
    c->magic = 0;
    free(c);
}

void store_read_begin(struct conn *c) {
    assert(!c->is_writer);
    c->wants_read = true;
}

void store_read_end(struct conn *c) {
    c->wants_read = false;
    if (c->has_read) conn_exec(c, "COMMIT");
    c->has_read = false;
}

void store_step_limit(struct conn *c, int64_t steps) {
    c->steps_left = steps > 0 ? steps : -1;
    sqlite3_progress_handler(c->db, steps > 0 ? 1000 : 0, on_progress, c);
}

// A snapshot is taken at the first read of the tick, so that idle ticks cost nothing.
static int begin_if_wanted(struct conn *c) {
    if (!c->wants_read || c->has_read) return SQLITE_OK;
    int rc = conn_exec(c, "BEGIN");
    if (rc == SQLITE_OK) c->has_read = true;
    return rc;
}

static void bind_one(struct stmt *s, int n, char type, va_list *ap) {
    switch (type) {
    case 'i':
        store_bind_int(s, n, va_arg(*ap, int64_t));
        break;
    case 'd':
        store_bind_double(s, n, va_arg(*ap, double));
        break;
    case 's':
        store_bind_str(s, n, va_arg(*ap, struct str));
        break;
    case 'z':
        store_bind_str(s, n, str_of(va_arg(*ap, const char *)));
        break;
    case 'b': {
        struct str v = va_arg(*ap, struct str);
        int rc = v.p ? sqlite3_bind_blob64(s->s, n, v.p, v.n, SQLITE_STATIC) : sqlite3_bind_null(s->s, n);
        if (rc != SQLITE_OK) s->rc = rc;
        break;
    }
    case 'n':
        store_bind_null(s, n);
        break;
    default:
        assert(false && "unknown value letter");
    }
}

static void bind_all(struct stmt *s, const char *types, va_list *ap) {
    if (s->rc != SQLITE_OK) return;
    int wanted = sqlite3_bind_parameter_count(s->s);
    assert((int)strlen(types) == wanted && "as many letters as parameters");
    (void)wanted;
    for (int i = 0; types[i]; i++)
        bind_one(s, i + 1, types[i], ap);
}

static int prepare(struct conn *c, const char *sql, size_t n, bool keep, sqlite3_stmt **ret) {
    return sqlite3_prepare_v3(c->db, sql, (int)n + 1, keep ? SQLITE_PREPARE_PERSISTENT : 0, ret, NULL);
}

// Marks a statement as taken; a busy one is answered by a twin of one use.
static struct stmt *take(struct stmt *s, const char *sql, size_t n) {
    struct conn *c = s->c;
    if (s->is_busy) {
        struct stmt *twin = calloc(1, sizeof *twin);
        assert(twin);
        *twin = (struct stmt){.c = c, .name = s->name, .is_temp = true, .is_busy = true};
        twin->rc = prepare(c, sql, n, false, &twin->s);
        return twin;
    }
    s->is_busy = true;
    s->used = ++c->tick;
    s->rc = s->s ? SQLITE_OK : prepare(c, sql, n, true, &s->s);
    return s;
}

struct stmt *store_query(struct conn *c, enum query q, const char *types, ...) {
    assert(c->magic == CONN_MAGIC && q < QUERY_COUNT);
    struct stmt *s = &c->named[q];
    s->c = c;
    s->name = query_texts[q].name;
    s = take(s, query_texts[q].sql, strlen(query_texts[q].sql));
    int rc = begin_if_wanted(c);
    if (rc != SQLITE_OK) s->rc = rc;
    va_list ap;
    va_start(ap, types);
    bind_all(s, types, &ap);
    va_end(ap);
    return s;
}

// Composed statements: a small open table by hash; on a miss the least used idle slot of a short run gives way.
static struct stmt *text_slot(struct conn *c, struct str sql) {
    uint64_t hash = str_hash(sql);
    struct stmt *oldest = NULL;
    for (int i = 0; i < 8; i++) {
        struct stmt *s = &c->text[(hash + (uint64_t)i) % STORE_TEXT_CACHE];
        if (s->text && s->text_hash == hash && strlen(s->text) == sql.n && memcmp(s->text, sql.p, sql.n) == 0)
            return s;
        if (!s->is_busy && (!oldest || s->used < oldest->used)) oldest = s;
    }
    if (!oldest) return NULL;
    sqlite3_finalize(oldest->s);
    free(oldest->text);
    *oldest = (struct stmt){.c = c, .name = "composed", .text_hash = hash, .text = strndup(sql.p, sql.n)};
    return oldest;
}

struct stmt *store_text_query(struct conn *c, struct str sql, const char *types, ...) {
    assert(c->magic == CONN_MAGIC);
    struct stmt *s = text_slot(c, sql);
    if (!s || !s->text) { // all slots of the run are busy, or no memory for the copy: one use
        s = calloc(1, sizeof *s);
        assert(s);
        *s = (struct stmt){
            .c = c, .name = "composed", .is_temp = true, .is_busy = true, .text = strndup(sql.p, sql.n)};
        s->rc = s->text ? prepare(c, s->text, sql.n, false, &s->s) : SQLITE_NOMEM;
    } else {
        s = take(s, s->text, sql.n);
    }
    int rc = begin_if_wanted(c);
    if (rc != SQLITE_OK) s->rc = rc;
    if (types[0]) {
        va_list ap;
        va_start(ap, types);
        bind_all(s, types, &ap);
        va_end(ap);
    }
    return s;
}

void store_bind_int(struct stmt *s, int n, int64_t v) {
    if (s->rc == SQLITE_OK) s->rc = sqlite3_bind_int64(s->s, n, v);
}

void store_bind_str(struct stmt *s, int n, struct str v) {
    if (s->rc != SQLITE_OK) return;
    s->rc =
        v.p ? sqlite3_bind_text64(s->s, n, v.p, v.n, SQLITE_STATIC, SQLITE_UTF8) : sqlite3_bind_null(s->s, n);
}

void store_bind_blob(struct stmt *s, int n, struct str v) {
    if (s->rc != SQLITE_OK) return;
    s->rc = v.p ? sqlite3_bind_blob64(s->s, n, v.p, v.n, SQLITE_STATIC) : sqlite3_bind_null(s->s, n);
}

void store_bind_double(struct stmt *s, int n, double v) {
    if (s->rc == SQLITE_OK) s->rc = sqlite3_bind_double(s->s, n, v);
}

void store_bind_null(struct stmt *s, int n) {
    if (s->rc == SQLITE_OK) s->rc = sqlite3_bind_null(s->s, n);
}

// When memory or disk fail it, the engine ends the whole transaction by itself, even in a read whose error its caller
// passes over. What the handler did next would be committed statement by statement, each for itself: an entry without
// its head, and a ledger that does not start. So nothing runs any more until the queue has given the batch up.
static bool is_thrown_away(const struct conn *c) {
    return c->in_batch && sqlite3_get_autocommit(c->db);
}

bool store_next(struct stmt *s) {
    if (s->rc != SQLITE_OK && s->rc != SQLITE_ROW) return false;
    if (is_thrown_away(s->c)) {
        s->rc = SQLITE_ABORT_ROLLBACK;
        return false;
    }
    s->rc = sqlite3_step(s->s);
    return s->rc == SQLITE_ROW;
}

int64_t store_int(struct stmt *s, int col) {
    return sqlite3_column_int64(s->s, col);
}

double store_double(struct stmt *s, int col) {
    return sqlite3_column_double(s->s, col);
}

bool store_is_null(struct stmt *s, int col) {
    return sqlite3_column_type(s->s, col) == SQLITE_NULL;
}

struct str store_str(struct stmt *s, int col, struct arena *mem) {
    if (sqlite3_column_type(s->s, col) == SQLITE_NULL) return STR_NONE;
    const void *p = sqlite3_column_blob(s->s, col);
    // NULL is an empty value, or a long one that memory did not suffice for: never more bytes than there are.
    struct str v = {p ? p : "", p ? (size_t)sqlite3_column_bytes(s->s, col) : 0};
    return mem ? str_copy(mem, v) : v;
}

int store_columns(struct stmt *s) {
    return sqlite3_column_count(s->s);
}

int store_done(struct stmt *s, struct err *e) {
    assert(s->is_busy);
    int rc = s->rc, code = OK;
    if (rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE) code = store_error(s->c, rc, s->name, e);
    if (s->is_temp) {
        sqlite3_finalize(s->s);
        free(s->text);
        free(s);
        return code;
    }
    if (s->s) {
        sqlite3_reset(s->s);
        sqlite3_clear_bindings(s->s);
    }
    s->is_busy = false;
    return code;
}

int store_exec(struct conn *c, int64_t *ret_changes, struct err *e, enum query q, const char *types, ...) {
    assert(c->magic == CONN_MAGIC && q < QUERY_COUNT);
    struct stmt *s = &c->named[q];
    s->c = c;
    s->name = query_texts[q].name;
    s = take(s, query_texts[q].sql, strlen(query_texts[q].sql));
    va_list ap;
    va_start(ap, types);
    bind_all(s, types, &ap);
    va_end(ap);
    while (store_next(s)) {
    }
    if (ret_changes && s->rc == SQLITE_DONE) *ret_changes = sqlite3_changes64(c->db);
    return store_done(s, e);
}

int store_text_exec(struct conn *c, struct str sql, struct err *e) {
    assert(c->is_writer);
    struct stmt *s = store_text_query(c, sql, "");
    while (store_next(s)) {
    }
    return store_done(s, e);
}

int64_t store_last_id(struct conn *c) {
    return sqlite3_last_insert_rowid(c->db);
}
