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
    uint64_t erased, calls;
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

static int keep_announced(struct worker *w, struct range *r, int64_t index, struct json detail) {
    struct announced_keys a = {.index = index};
    a.note = str_copy(&w->mem, json_text(json_get(detail, S("note"))));
    if (!a.note.p) return OK;
    r->announced = more(&w->mem, r->announced, r->announced_n, &r->announced_cap, sizeof a);
    if (!r->announced) return no_memory(w);
    r->announced[r->announced_n++] = a;
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
    w->calls += (uint64_t)c->is_begin;
    return OK;
}

static const struct {
    unsigned bit;
    enum verify_what what;
} wrongs[] = {{LEDGER_WRONG_LEAF, VERIFY_LEAF},     {LEDGER_WRONG_COMMITMENT, VERIFY_COMMITMENT},
              {LEDGER_WRONG_DETAIL, VERIFY_DETAIL}, {LEDGER_WRONG_KIND, VERIFY_KIND},
              {LEDGER_WRONG_TIME, VERIFY_TIME},     {LEDGER_WRONG_CLEAR, VERIFY_CLEAR}};

static int check_entry(struct worker *w, struct range *r, struct ledger_entry *e) {
    struct json detail;
    struct call_told call;
    unsigned wrong = ledger_entry_wrong(w->hasher, &w->row, e, &detail);
    for (size_t i = 0; wrong && i < sizeof wrongs / sizeof wrongs[0]; i++)
        if (wrong & wrongs[i].bit)
            verify_fault(w->v, wrongs[i].what, e->index, "%.*s", (int)e->kind.n, e->kind.p);
    if (!e->detail.p) w->erased++;
    if (!json_is(detail, JSON_OBJECT)) return OK;
    if (str_eq(e->kind, S("ledger.cross"))) return keep_crossing(w, r, e->index, detail);
    if (str_eq(e->kind, S("ledger.rotate"))) return keep_announced(w, r, e->index, detail);
    struct str verb = json_text(json_get(detail, S("verb")));
    if (verb.p && json_kind(json_get(detail, S("actor")))) return keep_act(w, r, e->index);
    return call_told(e, detail, &call) ? keep_call(w, &call, e->index) : OK;
}

// --- the subtrees ---
static const enum hash_kind kinds[VERIFY_TREES] = {HASH_SHA256, HASH_SM3};
static const char *const trees[VERIFY_TREES] = {"SHA-256", "SM3"};

struct range_walk {
    struct worker *w;
    struct range *r;
    struct merkle part[VERIFY_TREES]; // of the bundle under way
    bool is_broken;                   // it has a hole: its own hashes cannot be worked out
};

static int stored_node(struct worker *w, int tree, int level, uint64_t index, uint8_t out[HASH_BYTES],
                       bool *ret_found) {
    struct stmt *s =
        store_query(w->conn, Q_verify_node, "iii", (int64_t)tree, (int64_t)level, (int64_t)index);
    struct str stored = store_next(s) ? store_str(s, 0, NULL) : STR_NONE;
    *ret_found = stored.n == HASH_BYTES;
    if (*ret_found) memcpy(out, stored.p, HASH_BYTES);
    return store_done(s, &w->err);
}

static void tell_node(struct worker *w, enum verify_what what, int tree, int level, uint64_t index) {
    verify_fault(w->v, what, (int64_t)(index << level), "%s, %" PRIu64 "–%" PRIu64, trees[tree],
                 index << level, ((index + 1) << level) - 1);
}

// A bundle's hash joins the range's tree: as merkle_add, with a subtree of 256 in place of a leaf. Those that become
// whole are held against the stored ones.
static int graft(struct range_walk *k, int tree, uint64_t index, const uint8_t with[HASH_BYTES]) {
    struct merkle *m = &k->r->tree[tree];
    uint8_t hash[HASH_BYTES], stored[HASH_BYTES];
    int level = VERIFY_NODE_LEVEL, code = OK;
    memcpy(hash, with, HASH_BYTES);
    for (uint64_t bits = m->size >> level; bits & 1 && code == OK; bits >>= 1) {
        bool found;
        merkle_node(k->w->hasher, kinds[tree], m->peak[--m->n], hash, hash);
        level++;
        index >>= 1;
        code = stored_node(k->w, tree, level, index, stored, &found);
        if (code == OK && (!found || memcmp(stored, hash, HASH_BYTES) != 0))
            tell_node(k->w, VERIFY_NODE, tree, level, index);
    }
    memcpy(m->peak[m->n++], hash, HASH_BYTES);
    m->size += LEDGER_BUNDLE;
    return code;
}

// A full bundle is held against its two stored hashes. One tree differs: its tile was changed. Both differ: a leaf was,
// and the stored hashes go on upward in its place, so that one changed entry is not told of every subtree above it.
static int settle(struct range_walk *k, uint64_t bundle) {
    uint8_t own[VERIFY_TREES][HASH_BYTES], stored[VERIFY_TREES][HASH_BYTES];
    bool found[VERIFY_TREES], same[VERIFY_TREES];
    int code = OK;
    for (int t = 0; t < VERIFY_TREES && code == OK; t++) {
        merkle_root(&k->part[t], k->w->hasher, kinds[t], own[t]);
        code = stored_node(k->w, t, VERIFY_NODE_LEVEL, bundle, stored[t], &found[t]);
        same[t] = found[t] && !k->is_broken && memcmp(own[t], stored[t], HASH_BYTES) == 0;
    }
    bool is_changed = code == OK && !same[0] && !same[1] && found[0] && found[1];
    if (is_changed && !k->is_broken) tell_node(k->w, VERIFY_LEAVES, 0, VERIFY_NODE_LEVEL, bundle);
    for (int t = 0; t < VERIFY_TREES && code == OK; t++) {
        if (!same[t] && !is_changed) tell_node(k->w, VERIFY_NODE, t, VERIFY_NODE_LEVEL, bundle);
        code = graft(k, t, bundle, is_changed || (k->is_broken && found[t]) ? stored[t] : own[t]);
    }
    memset(k->part, 0, sizeof k->part);
    k->is_broken = false;
    return code;
}

static int see(void *arg, const struct ledger_entry *seen) {
    struct range_walk *k = arg;
    struct worker *w = k->w;
    struct ledger_entry e = *seen;
    for (int t = 0; t < VERIFY_TREES && !k->is_broken; t++) {
        uint8_t hash[HASH_BYTES];
        merkle_leaf(w->hasher, kinds[t], e.leaf, hash);
        merkle_add(&k->part[t], w->hasher, kinds[t], hash, NULL, NULL);
    }
    int code = check_entry(w, k->r, &e);
    arena_reset(&w->row);
    if (code == OK && (e.index + 1) % LEDGER_BUNDLE == 0)
        code = settle(k, (uint64_t)(e.index / LEDGER_BUNDLE));
    return code;
}

// A sealed bundle whose digest does not fit is read again without it: where it still unpacks, its entries tell which of
// them was changed. *at moves behind what could be read.
static int over_bundle(struct range_walk *k, int64_t *at, int64_t end) {
    struct ledger_reader plain;
    struct worker *w = k->w;
    int64_t to = (*at / LEDGER_BUNDLE + 1) * LEDGER_BUNDLE;
    verify_fault(w->v, VERIFY_BUNDLE, *at, "ledger_bundle %" PRId64, *at / LEDGER_BUNDLE);
    w->err = (struct err){0};
    ledger_reader_init(&plain, w->conn, NULL);
    int code = ledger_reader_each(&plain, *at, to < end ? to : end, see, k, at, &w->err);
    ledger_reader_free(&plain);
    if (code != ERR_ledger_bundle) return code;
    w->err = (struct err){0};
    k->is_broken = true;
    *at = to;
    return settle(k, (uint64_t)(to / LEDGER_BUNDLE - 1));
}

// A hole: what lies behind it in its bundle is still looked at, the tree goes on from the stored hash.
static int over_hole(struct range_walk *k, int64_t *at) {
    verify_fault(k->w->v, VERIFY_ENTRY_MISSING, *at, "%s", "");
    k->is_broken = true;
    return ++*at % LEDGER_BUNDLE == 0 ? settle(k, (uint64_t)(*at / LEDGER_BUNDLE - 1)) : OK;
}

static int check_range(struct worker *w, uint64_t number) {
    struct verify *v = w->v;
    struct range_walk k = {.w = w, .r = &v->ranges[number]};
    const int64_t first = (int64_t)(number << VERIFY_RANGE_BITS);
    const int64_t end =
        first + (int64_t)VERIFY_RANGE < (int64_t)v->size ? first + (int64_t)VERIFY_RANGE : (int64_t)v->size;
    int64_t at = first;
    int code = OK;
    while (code == OK && at < end) {
        code = ledger_reader_each(&w->reader, at, end, see, &k, &at, &w->err);
        if (code == ERR_ledger_bundle)
            code = over_bundle(&k, &at, end);
        else if (code == OK && at < end)
            code = over_hole(&k, &at);
    }
    // The last bundle is not full: its leaves are the tree's right edge as they are.
    for (int t = 0; t < VERIFY_TREES && code == OK && !k.is_broken; t++) {
        struct merkle *m = &k.r->tree[t];
        for (int i = 0; i < k.part[t].n; i++)
            memcpy(m->peak[m->n++], k.part[t].peak[i], HASH_BYTES);
        m->size += k.part[t].size;
    }
    w->code = code;
    atomic_fetch_add(&v->done_entries, (uint64_t)(end - first));
    return code;
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
    atomic_fetch_add(&v->erased, w->erased);
    atomic_fetch_add(&v->calls, w->calls);
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
        r->announced = kept(v->mem, r->announced, r->announced_n, sizeof *r->announced, &ok);
        for (size_t k = 0; ok && k < r->announced_n; k++)
            r->announced[k].note = str_copy(v->mem, r->announced[k].note);
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
