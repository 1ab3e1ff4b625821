// SPDX-License-Identifier: MulanPSL-2.0
// Sealing the list of calls: a stretch of entries some way behind the end is sorted by grant, packed into runs, published
// by moving one mark, and only then dropped from the rows, in slices. The packing is done here, off the writer. Keeps
// true: a call is seen exactly once whenever this stops (the mark decides, leftovers on either side of it are cleared by
// the next round); a call whose outcome is still awaited stays a row; whoever was forgotten meanwhile is not packed.
#include "mod/exchange/calls.h"

#define KEEP_ENTRIES    ((int64_t)16384)  // behind the end: what is asked for most stays rows
#define STRETCH_ENTRIES ((int64_t)65536)  // sealed at a time; fewer than these waiting are left for later
#define DROP_ENTRIES    ((int64_t)2048)   // freed by one item of the commit queue
#define ITEM_RUNS       4                 // written by one
#define ROUNDS          4                 // of one run of the job: others want their turn
#define AWAITED_MS      ((int64_t)600000) // a proxied call is given up long before

struct mark {
    int64_t entry, run, erasures;
};

static int read_mark(struct cx *cx, struct mark *ret) {
    struct stmt *s = store_query(cx->db, Q_exchange_sealed_get, "");
    if (store_next(s)) *ret = (struct mark){store_int(s, 0), store_int(s, 1), store_int(s, 2)};
    return store_done(s, &cx->err);
}

static int read_ends(struct cx *cx, int64_t *ret_first, int64_t *ret_last) {
    struct stmt *s = store_query(cx->db, Q_exchange_call_ends, "");
    *ret_first = *ret_last = -1;
    if (store_next(s) && !store_is_null(s, 0)) {
        *ret_first = store_int(s, 0);
        *ret_last = store_int(s, 1);
    }
    return store_done(s, &cx->err);
}

// --- what the writer does ---
struct stretch {
    int64_t from, to, erasures;
};

static int drop(struct cx *cx, void *arg) {
    const struct stretch *s = arg;
    return store_exec(cx->db, NULL, &cx->err, Q_exchange_calls_drop, "ii", s->from, s->to);
}

static int clear_leftovers(struct cx *cx, void *arg) {
    const struct mark *m = arg;
    return store_exec(cx->db, NULL, &cx->err, Q_exchange_runs_unsealed, "i", m->run);
}

static int publish(struct cx *cx, void *arg) {
    const struct stretch *s = arg;
    return store_exec(cx->db, NULL, &cx->err, Q_exchange_sealed_put, "ii", s->to, s->erasures);
}

struct packed_run {
    int64_t grant, first, last, calls;
    struct call_run run;
};
struct packing {
    struct arena *mem;
    struct packed_run *runs;
    int runs_n, runs_cap, written; // written: how many the writer has
};

static int put_runs(struct cx *cx, void *arg) {
    const struct packing *p = arg;
    int code = OK;
    for (int i = p->written; i < p->runs_n && i < p->written + ITEM_RUNS && code == OK; i++) {
        const struct packed_run *r = &p->runs[i];
        code = store_exec(cx->db, NULL, &cx->err, Q_exchange_run_put, "iiiibbb", r->grant, r->first, r->last,
                          r->calls, r->run.packed, r->run.salts,
                          (struct str){(const char *)r->run.digest, sizeof r->run.digest});
    }
    return code;
}

// --- packing ---
static int pack(struct cx *cx, struct packing *p, const struct call_row *rows, int n) {
    if (p->runs_n == p->runs_cap) {
        int cap = p->runs_cap ? p->runs_cap * 2 : 64;
        void *more =
            arena_grow(p->mem, p->runs, (size_t)p->runs_cap * sizeof *p->runs, (size_t)cap * sizeof *p->runs);
        if (!more) return cx_fail(cx, ERR_no_memory, "", "runs");
        p->runs = more;
        p->runs_cap = cap;
    }
    struct packed_run *r = &p->runs[p->runs_n];
    *r = (struct packed_run){
        .grant = rows[0].grant, .first = rows[0].entry, .last = rows[n - 1].entry, .calls = n};
    if (!call_run_pack(p->mem, cx->hasher, rows, n, &r->run)) return cx_fail(cx, ERR_no_memory, "", "run");
    p->runs_n++;
    return OK;
}

static int pack_stretch(struct cx *cx, struct packing *p, const struct stretch *t) {
    struct call_row *rows = arena_array(p->mem, CALLS_RUN_MAX, sizeof *rows);
    int n = 0, code = OK;
    if (!rows) return cx_fail(cx, ERR_no_memory, "", "runs");
    struct stmt *s = store_query(cx->db, Q_exchange_calls_between, "ii", t->from, t->to);
    while (code == OK && store_next(s)) {
        if (n && (n == CALLS_RUN_MAX || rows[0].grant != store_int(s, 0))) {
            code = pack(cx, p, rows, n);
            n = 0;
        }
        bool is_proxied = !store_is_null(s, 6);
        rows[n++] = (struct call_row){.grant = store_int(s, 0),
                                      .entry = store_int(s, 1),
                                      .key = store_int(s, 2),
                                      .time_ms = store_int(s, 3),
                                      .rows = store_int(s, 4),
                                      .bytes = store_int(s, 5),
                                      .is_proxied = is_proxied,
                                      .status = is_proxied ? store_int(s, 6) : 200,
                                      .salts = store_str(s, 7, p->mem)};
    }
    int end = store_done(s, &cx->err);
    if (code == OK) code = end;
    return code == OK && n ? pack(cx, p, rows, n) : code;
}

// A call whose provider has not answered yet ends the stretch before it.
static int end_before_awaited(struct cx *cx, struct stretch *t) {
    struct stmt *s =
        store_query(cx->db, Q_exchange_call_waiting, "iii", t->from, t->to, cx->now_ms - AWAITED_MS);
    if (store_next(s)) t->to = store_int(s, 0);
    return store_done(s, &cx->err);
}

static int drop_sealed(struct cx *cx, int64_t first, int64_t mark) {
    int code = OK;
    for (struct stretch t = {.from = first}; code == OK && t.from < mark; t.from = t.to) {
        t.to = t.from + DROP_ENTRIES < mark ? t.from + DROP_ENTRIES : mark;
        code = cx_write(cx, drop, &t);
    }
    return code;
}

static int seal_one(struct cx *cx, struct mark m, struct stretch *t) {
    struct arena mem;
    struct packing p = {.mem = &mem};
    arena_init(&mem, (size_t)1 << 30);
    t->erasures = m.erasures;
    int code = cx_write(cx, clear_leftovers, &m);
    if (code == OK) code = pack_stretch(cx, &p, t);
    for (; code == OK && p.written < p.runs_n; p.written += ITEM_RUNS)
        code = cx_write(cx, put_runs, &p);
    if (code == OK) code = cx_write(cx, publish, t);
    arena_free(&mem);
    return code;
}

int calls_seal(struct cx *cx) {
    for (int round = 0; round < ROUNDS; round++) {
        struct mark m = {0};
        int64_t first, last;
        int code = read_mark(cx, &m);
        if (code == OK) code = read_ends(cx, &first, &last);
        if (code == OK && first >= 0 && first < m.entry) code = drop_sealed(cx, first, m.entry);
        if (code != OK || first < 0) return code;
        struct stretch t = {.from = first > m.entry ? first : m.entry};
        t.to = t.from + STRETCH_ENTRIES;
        if (t.to > last - KEEP_ENTRIES) return OK;
        code = end_before_awaited(cx, &t);
        if (code != OK || t.to <= t.from) return code;
        code = seal_one(cx, m, &t);
        if (code != OK) return code;
    }
    return OK;
}
