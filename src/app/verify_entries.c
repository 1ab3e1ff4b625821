// SPDX-License-Identifier: MulanPSL-2.0
// `gusu verify`, first pass: every entry is read, its leaf hashed into both trees, its salt and detail held against
// the leaf's commitments and the detail against what the leaf shows; stored subtrees are compared on the way. Threads
// take ranges of 16,384 entries, each a perfect subtree, so nothing is shared but the list of faults. Keeps true: a
// byte changed in leaf, salt or detail is found with its entry's index; what replaces all three consistently is found
// by the subtree's hash.
#include "app/verify.h"
#include "base/clock.h"
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define HOUR_MS ((int64_t)3600000)

struct worker {
    struct verify *v;
    pthread_t thread;
    bool is_up;
    struct conn *conn;
    struct hasher *hasher;
    struct ledger_reader reader;
    struct arena mem, row; // for the run; for one entry
    struct sums sums;
    struct err err;
    int code;
};

static void *more(struct arena *mem, void *list, size_t n, size_t *cap, size_t size) {
    if (n < *cap) return list;
    size_t want = *cap ? *cap * 2 : 16;
    void *p = arena_grow(mem, list, *cap * size, want * size);
    if (p) *cap = want;
    return p;
}

static int no_memory(struct worker *w) {
    return err_set(&w->err, ERR_no_memory, "", "verify");
}

// --- what the detail says against what the leaf shows ---
static int keep_crossing(struct worker *w, struct range *r, int64_t index, struct json detail) {
    struct crossing c = {.index = index, .size = -1};
    if (!json_int(json_get(detail, S("size")), &c.size)) c.size = -1;
    c.root[0] = str_copy(&w->mem, json_text(json_get(detail, S("sha256"))));
    c.root[1] = str_copy(&w->mem, json_text(json_get(detail, S("sm3"))));
    r->crossings = more(&w->mem, r->crossings, r->crossings_n, &r->crossings_cap, sizeof c);
    if (!r->crossings) return no_memory(w);
    r->crossings[r->crossings_n++] = c;
    return OK;
}

static int keep_act(struct worker *w, struct range *r, int64_t index) {
    r->acts = more(&w->mem, r->acts, r->acts_n, &r->acts_cap, sizeof *r->acts);
    if (!r->acts) return no_memory(w);
    r->acts[r->acts_n++] = index;
    return OK;
}

static int keep_call(struct worker *w, const struct call_told *c, int64_t index) {
    struct verify *v = w->v;
    // The local day: hours are whole in China's zone, so the shown hour is enough for an outcome's entry.
    struct call_sum *sum = sums_at(&w->sums, c->grant, (c->time_ms + CHINA_OFFSET_MS) / DAY_MS);
    if (!sum) return no_memory(w);
    sum->calls += c->is_begin;
    sum->rows += c->rows;
    sum->bytes += c->bytes;
    uint64_t mark = call_mark_outcome(c->begin, c->bytes, c->status);
    if (c->is_begin) mark += call_mark(c->grant, index, c->key, c->time_ms, c->rows);
    if (c->begin < 0 || (uint64_t)c->begin >= v->size) {
        verify_fault(v, VERIFY_CALL, index, "begin %" PRId64, c->begin);
        return OK;
    }
    atomic_fetch_add(&v->call_marks[(uint64_t)c->begin >> VERIFY_RANGE_BITS], mark);
    atomic_fetch_add(&v->calls, c->is_begin);
    return OK;
}

// Each member of the clear part stands in the detail with the same value.
static bool clear_fits(struct worker *w, const struct ledger_entry *e, struct json detail) {
    struct json clear;
    struct err ignore = {0};
    if (!e->clear.p) return true;
    if (json_parse(&w->row, e->clear, &clear, &ignore) != OK) return false;
    for (struct json_iter it = json_iter(clear); json_next(&it);)
        if (!str_eq(json_raw(it.value), json_raw(json_get(detail, it.name)))) return false;
    return true;
}

static int check_detail(struct worker *w, struct range *r, const struct ledger_entry *e) {
    struct json detail;
    struct err ignore = {0};
    struct call_told call;
    int64_t time_ms;
    if (json_parse(&w->row, e->detail, &detail, &ignore) != OK || !json_is(detail, JSON_OBJECT)) {
        verify_fault(w->v, VERIFY_DETAIL, e->index, "%.*s", (int)e->kind.n, e->kind.p);
        return OK;
    }
    if (json_int(json_get(detail, S("time_ms")), &time_ms) &&
        e->time_ms != (e->clear.p ? time_ms : time_ms - time_ms % HOUR_MS))
        verify_fault(w->v, VERIFY_TIME, e->index, "%.*s", (int)e->kind.n, e->kind.p);
    struct str verb = json_text(json_get(detail, S("verb")));
    if (verb.p && !str_eq(verb, e->kind))
        verify_fault(w->v, VERIFY_KIND, e->index, "%.*s", (int)e->kind.n, e->kind.p);
    if (!clear_fits(w, e, detail))
        verify_fault(w->v, VERIFY_CLEAR, e->index, "%.*s", (int)e->kind.n, e->kind.p);
    if (str_eq(e->kind, S("ledger.cross"))) return keep_crossing(w, r, e->index, detail);
    if (verb.p && json_kind(json_get(detail, S("actor")))) return keep_act(w, r, e->index);
    return call_told(e, detail, &call) ? keep_call(w, &call, e->index) : OK;
}

static int check_entry(struct worker *w, struct range *r, struct ledger_entry *e) {
    if (!ledger_leaf_read(e->leaf, e)) {
        verify_fault(w->v, VERIFY_LEAF, e->index, "%s", "");
        return OK;
    }
    if (!ledger_leaf_opens(w->hasher, e))
        verify_fault(w->v, VERIFY_COMMITMENT, e->index, "%.*s", (int)e->kind.n, e->kind.p);
    if (!e->detail.p) {
        atomic_fetch_add(&w->v->erased, 1);
        return OK;
    }
    return check_detail(w, r, e);
}

// --- the subtrees ---
struct node_sink {
    struct worker *w;
    int tree;
    uint64_t first;
};

static void on_node(void *arg, int level, uint64_t index, const uint8_t hash[HASH_BYTES]) {
    struct node_sink *k = arg;
    struct worker *w = k->w;
    if (level < VERIFY_NODE_LEVEL || w->code != OK) return;
    index += k->first >> level;
    struct stmt *s =
        store_query(w->conn, Q_verify_node, "iii", (int64_t)k->tree, (int64_t)level, (int64_t)index);
    struct str stored = store_next(s) ? store_str(s, 0, NULL) : STR_NONE;
    bool same = stored.n == HASH_BYTES && memcmp(stored.p, hash, HASH_BYTES) == 0;
    w->code = store_done(s, &w->err);
    if (!same && w->code == OK)
        verify_fault(w->v, VERIFY_NODE, (int64_t)(index << level), "%s, %" PRIu64 "–%" PRIu64,
                     k->tree == 0 ? "SHA-256" : "SM3", index << level, ((index + 1) << level) - 1);
}

static void grow(struct worker *w, struct range *r, uint64_t first, struct str leaf) {
    static const enum hash_kind kinds[VERIFY_TREES] = {HASH_SHA256, HASH_SM3};
    for (int t = 0; t < VERIFY_TREES; t++) {
        struct node_sink sink = {w, t, first};
        uint8_t hash[HASH_BYTES];
        merkle_leaf(w->hasher, kinds[t], leaf, hash);
        merkle_add(&r->tree[t], w->hasher, kinds[t], hash, on_node, &sink);
    }
}

struct range_walk {
    struct worker *w;
    struct range *r;
    uint64_t first;
};

static int see(void *arg, const struct ledger_entry *seen) {
    struct range_walk *k = arg;
    struct worker *w = k->w;
    struct ledger_entry e = *seen;
    grow(w, k->r, k->first, e.leaf);
    if (w->code == OK) w->code = check_entry(w, k->r, &e);
    arena_reset(&w->row);
    return w->code;
}

static int check_range(struct worker *w, uint64_t number) {
    struct verify *v = w->v;
    const uint64_t first = number << VERIFY_RANGE_BITS;
    const uint64_t end = first + VERIFY_RANGE < v->size ? first + VERIFY_RANGE : v->size;
    struct range_walk walk = {w, &v->ranges[number], first};
    int64_t at = (int64_t)first;
    int code = ledger_reader_each(&w->reader, at, (int64_t)end, see, &walk, &at, &w->err);
    if (code == ERR_ledger_bundle) { // told by where it ends; the threads go on
        verify_fault(v, VERIFY_BUNDLE, at, "ledger_bundle %" PRId64, at / LEDGER_BUNDLE);
        w->err = (struct err){0};
        w->code = OK;
    } else if (code == OK && at != (int64_t)end) {
        // A hole ends the range: no hash behind it can be right.
        verify_fault(v, VERIFY_ENTRY_MISSING, at, "%s", "");
    } else if (w->code == OK) {
        w->code = code;
    }
    atomic_fetch_add(&v->done_entries, (uint64_t)at - first);
    return w->code;
}

// --- threads ---
static void tell_progress(struct verify *v) {
    int64_t now = clock_mono_us();
    if (v->is_quiet || !isatty(2)) return;
    pthread_mutex_lock(&v->lock);
    if (now - v->told_us > 500000) {
        fprintf(stderr, "\r%" PRIu64 " / %" PRIu64, atomic_load(&v->done_entries), v->size);
        v->told_us = now;
    }
    pthread_mutex_unlock(&v->lock);
}

static void *run(void *arg) {
    struct worker *w = arg;
    struct verify *v = w->v;
    for (;;) {
        uint64_t n = atomic_fetch_add(&v->next_range, 1);
        if (n >= v->ranges_n || atomic_load(&v->failed)) break;
        if (check_range(w, n) != OK) atomic_store(&v->failed, 1);
        tell_progress(v);
    }
    return NULL;
}

static int open_worker(struct worker *w, struct verify *v) {
    w->v = v;
    arena_init(&w->mem, (size_t)8 << 30);
    arena_init(&w->row, 0);
    w->sums.mem = &w->mem;
    w->code = store_conn_read_only(v->folder, &w->conn, &w->err);
    if (w->code == OK && !(w->hasher = hasher_open())) w->code = no_memory(w);
    if (w->code == OK) ledger_reader_init(&w->reader, w->conn, w->hasher);
    return w->code;
}

// What a thread gathered in its own memory goes over to the main thread's.
static int merge(struct verify *v, struct worker *w) {
    for (size_t i = 0; i < w->sums.cap; i++) {
        const struct call_sum *from = &w->sums.slot[i];
        if (!from->grant) continue;
        struct call_sum *to = sums_at(&v->sums, from->grant, from->day);
        if (!to) return err_set(v->err, ERR_no_memory, "", "verify");
        to->calls += from->calls;
        to->rows += from->rows;
        to->bytes += from->bytes;
    }
    return OK;
}

static void *kept(struct arena *mem, const void *list, size_t n, size_t size, bool *ok) {
    void *p = arena_array(mem, n + 1, size);
    if (p && n) memcpy(p, list, n * size);
    if (!p) *ok = false;
    return p;
}

static int keep_lists(struct verify *v) {
    bool ok = true;
    for (uint64_t i = 0; i < v->ranges_n && ok; i++) {
        struct range *r = &v->ranges[i];
        r->acts = kept(v->mem, r->acts, r->acts_n, sizeof *r->acts, &ok);
        r->crossings = kept(v->mem, r->crossings, r->crossings_n, sizeof *r->crossings, &ok);
        for (size_t k = 0; ok && k < r->crossings_n; k++)
            for (int t = 0; t < VERIFY_TREES; t++)
                r->crossings[k].root[t] = str_copy(v->mem, r->crossings[k].root[t]);
    }
    return ok ? OK : err_set(v->err, ERR_no_memory, "", "verify");
}

int verify_entries(struct verify *v) {
    struct worker *workers = arena_array(v->mem, VERIFY_THREADS, sizeof *workers);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int n = cores < 1 ? 1 : cores > VERIFY_THREADS ? VERIFY_THREADS : (int)cores, code = OK;
    v->ranges_n = (v->size + VERIFY_RANGE - 1) >> VERIFY_RANGE_BITS;
    v->ranges = arena_array(v->mem, v->ranges_n + 1, sizeof *v->ranges);
    v->call_marks = arena_array(v->mem, v->ranges_n + 1, sizeof *v->call_marks);
    if (!workers || !v->ranges || !v->call_marks) return err_set(v->err, ERR_no_memory, "", "verify");
    for (int i = 0; i < n && code == OK; i++) {
        code = open_worker(&workers[i], v);
        if (code == OK) workers[i].is_up = pthread_create(&workers[i].thread, NULL, run, &workers[i]) == 0;
        if (code == OK && !workers[i].is_up) code = workers[i].code = no_memory(&workers[i]);
        if (code != OK) atomic_store(&v->failed, 1);
    }
    for (int i = 0; i < n; i++)
        if (workers[i].is_up) pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < n; i++) {
        if (workers[i].code != OK && code == OK) code = workers[i].code;
        if (workers[i].code != OK && v->err->code == OK) *v->err = workers[i].err;
        if (code == OK) code = merge(v, &workers[i]);
    }
    if (code == OK) code = keep_lists(v);
    for (int i = 0; i < n; i++) {
        ledger_reader_free(&workers[i].reader);
        hasher_close(workers[i].hasher);
        store_conn_close(workers[i].conn);
        arena_free(&workers[i].row);
        arena_free(&workers[i].mem);
    }
    if (!v->is_quiet && isatty(2)) fprintf(stderr, "\r%40s\r", "");
    return code;
}
