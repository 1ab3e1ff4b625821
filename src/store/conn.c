// SPDX-License-Identifier: MulanPSL-2.0
// One thread's connection to the engine: named and composed statements, prepared once and kept; values bound, never
// printed; results read by column. A statement that is still in use when asked for again gets a twin for one use,
// so nested queries are safe. Errors are gathered in the statement and told by store_done, so that a handler reads
// as query, loop, done. Keeps true: reads between store_read_begin and store_read_end see one snapshot.
#include "store/private.h"
#include <assert.h>
#include <stdlib.h>

int conn_new(struct store *s, const struct engine *engine, struct conn **ret, struct err *e) {
    struct conn *c = calloc(1, sizeof *c);
    if (!c) return err_set(e, ERR_no_memory, "", "connection");
    c->magic = CONN_MAGIC;
    c->engine = engine;
    c->store = s;
    c->steps_left = -1;
    *ret = c;
    return OK;
}

// What is nobody's fault but the machine's; refusals (busy, a key that stands) are the callers' affair.
void conn_count_error(const struct conn *c) {
    if (c->store) atomic_fetch_add_explicit(&c->store->meters.errors, 1, memory_order_relaxed);
}

void store_conn_close(struct conn *c) {
    if (!c) return;
    assert(c->magic == CONN_MAGIC);
    for (int i = 0; i < QUERY_COUNT; i++)
        if (c->named[i].c) c->engine->finalize(&c->named[i]);
    for (int i = 0; i < STORE_TEXT_CACHE; i++) {
        if (c->text[i].c) c->engine->finalize(&c->text[i]);
        free(c->text[i].text);
    }
    c->engine->close(c);
    c->magic = 0;
    free(c);
}

bool store_is_postgres(const struct conn *c) {
    return c->engine->is_postgres;
}

void store_read_begin(struct conn *c) {
    assert(!c->is_writer);
    c->engine->read_begin(c);
}

void store_read_end(struct conn *c) {
    c->engine->read_end(c);
}

void store_step_limit(struct conn *c, int64_t steps) {
    c->engine->step_limit(c, steps);
}

static struct bound read_value(char letter, va_list *ap) {
    struct bound v = {.letter = letter};
    switch (letter) {
    case 'i':
        v.i = va_arg(*ap, int64_t);
        break;
    case 'd':
        v.d = va_arg(*ap, double);
        break;
    case 'z':
        v.letter = 's';
        v.s = str_of(va_arg(*ap, const char *));
        break;
    case 's':
    case 'b':
        v.s = va_arg(*ap, struct str);
        break;
    case 'n':
        break;
    default:
        assert(false && "unknown value letter");
    }
    return v;
}

static void bind_all(struct stmt *s, const char *types, va_list *ap) {
    if (s->rc != STEP_READY) return;
    assert((int)strlen(types) == s->c->engine->places(s) && "as many letters as parameters");
    for (int i = 0; types[i]; i++) {
        struct bound v = read_value(types[i], ap);
        s->c->engine->bind(s, i + 1, &v);
    }
}

// Marks a statement as taken; a busy one is answered by a twin of one use. q < 0: composed.
static struct stmt *take(struct stmt *s, const char *sql, size_t n, int q) {
    struct conn *c = s->c;
    if (s->is_busy) {
        struct stmt *twin = calloc(1, sizeof *twin);
        assert(twin);
        *twin = (struct stmt){.c = c, .name = s->name, .is_temp = true, .is_busy = true};
        c->engine->prepare(twin, sql, n, q, false);
        return twin;
    }
    s->is_busy = true;
    s->used = ++c->tick;
    s->rc = STEP_READY;
    if (!s->is_ready) c->engine->prepare(s, sql, n, q, true);
    s->is_ready = s->rc == STEP_READY;
    return s;
}

static struct stmt *take_named(struct conn *c, enum query q) {
    assert(c->magic == CONN_MAGIC && q < QUERY_COUNT);
    struct stmt *s = &c->named[q];
    const char *sql = c->engine->is_postgres ? query_texts[q].pg : query_texts[q].sql;
    s->c = c;
    s->name = query_texts[q].name;
    return take(s, sql, strlen(sql), (int)q);
}

struct stmt *store_query(struct conn *c, enum query q, const char *types, ...) {
    struct stmt *s = take_named(c, q);
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
    if (oldest->c) c->engine->finalize(oldest);
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
        assert(s->text);
        c->engine->prepare(s, s->text, sql.n, -1, false);
    } else {
        s = take(s, s->text, sql.n, -1);
    }
    if (types[0]) {
        va_list ap;
        va_start(ap, types);
        bind_all(s, types, &ap);
        va_end(ap);
    }
    return s;
}

static void bind(struct stmt *s, int n, struct bound v) {
    if (s->rc == STEP_READY) s->c->engine->bind(s, n, &v);
}

void store_bind_int(struct stmt *s, int n, int64_t v) {
    bind(s, n, (struct bound){.letter = 'i', .i = v});
}

void store_bind_str(struct stmt *s, int n, struct str v) {
    bind(s, n, (struct bound){.letter = 's', .s = v});
}

void store_bind_blob(struct stmt *s, int n, struct str v) {
    bind(s, n, (struct bound){.letter = 'b', .s = v});
}

void store_bind_double(struct stmt *s, int n, double v) {
    bind(s, n, (struct bound){.letter = 'd', .d = v});
}

void store_bind_null(struct stmt *s, int n) {
    bind(s, n, (struct bound){.letter = 'n'});
}

bool store_next(struct stmt *s) {
    if (s->rc != STEP_READY && s->rc != STEP_ROW) return false;
    s->c->engine->step(s);
    return s->rc == STEP_ROW;
}

int64_t store_int(struct stmt *s, int col) {
    return s->c->engine->get_int(s, col);
}

double store_double(struct stmt *s, int col) {
    return s->c->engine->get_double(s, col);
}

bool store_is_null(struct stmt *s, int col) {
    return s->c->engine->is_null(s, col);
}

struct str store_str(struct stmt *s, int col, struct arena *mem) {
    struct str v = s->c->engine->get_str(s, col);
    return mem && v.p ? str_copy(mem, v) : v;
}

int store_columns(struct stmt *s) {
    return s->c->engine->columns(s);
}

int store_done(struct stmt *s, struct err *e) {
    assert(s->is_busy);
    int rc = s->rc, code = OK;
    if (rc != STEP_READY && rc != STEP_ROW && rc != STEP_DONE) code = s->c->engine->error(s, e);
    if (s->is_temp) {
        s->c->engine->finalize(s);
        free(s->text);
        free(s);
        return code;
    }
    s->c->engine->reset(s);
    s->is_busy = false;
    return code;
}

int store_run(struct stmt *s, int64_t *ret_changes, struct err *e) {
    if (s->rc == STEP_READY) s->c->engine->run(s, ret_changes);
    return store_done(s, e);
}

int store_exec(struct conn *c, int64_t *ret_changes, struct err *e, enum query q, const char *types, ...) {
    struct stmt *s = take_named(c, q);
    va_list ap;
    va_start(ap, types);
    bind_all(s, types, &ap);
    va_end(ap);
    return store_run(s, ret_changes, e);
}

int store_text_exec(struct conn *c, struct str sql, struct err *e) {
    assert(c->is_writer);
    struct stmt *s = store_text_query(c, sql, "");
    int64_t changes; // asked for, so that a failure is told here and now
    return store_run(s, &changes, e);
}

int64_t store_last_id(struct conn *c) {
    return c->engine->last_id(c);
}

int store_generation(struct conn *c, int64_t *ret, struct err *e) {
    *ret = 0;
    return c->engine->generation ? c->engine->generation(c, ret, e) : OK;
}

void store_generation_move(struct conn *w) {
    assert(w->is_writer);
    if (w->engine->generation_move) w->engine->generation_move(w);
}
