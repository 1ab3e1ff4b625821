// SPDX-License-Identifier: MulanPSL-2.0
// `gusu verify`, third pass: rows that other modules keep beside the ledger. Every audit row is held against its entry,
// column by column, and every entry of an act must have its row; call rows and the meter are projections of call
// entries and must add up to them. Keeps true: one walk over each table; only where a range does not add up is it
// looked at call by call.
#include "app/verify.h"
#include "mod/exchange/calls.h"
#include "base/clock.h"
#include <inttypes.h>
#include <stdlib.h>

// --- sums by grant and day ---
static size_t slot_of(const struct sums *s, int64_t grant, int64_t day) {
    size_t i = (size_t)call_mark(grant, day, 0, 0, 0) & (s->cap - 1);
    while (s->slot[i].grant && (s->slot[i].grant != grant || s->slot[i].day != day))
        i = (i + 1) & (s->cap - 1);
    return i;
}

struct call_sum *sums_at(struct sums *s, int64_t grant, int64_t day) {
    if (s->n * 2 >= s->cap) {
        struct sums wide = {.mem = s->mem, .cap = s->cap ? s->cap * 2 : 256, .n = s->n};
        wide.slot = arena_array(s->mem, wide.cap, sizeof *wide.slot);
        if (!wide.slot) return NULL;
        for (size_t i = 0; i < s->cap; i++)
            if (s->slot[i].grant) wide.slot[slot_of(&wide, s->slot[i].grant, s->slot[i].day)] = s->slot[i];
        *s = wide;
    }
    struct call_sum *c = &s->slot[slot_of(s, grant, day)];
    if (!c->grant) {
        *c = (struct call_sum){.grant = grant, .day = day};
        s->n++;
    }
    return c;
}

// --- marks of calls ---
static uint64_t mix(uint64_t h, int64_t v) {
    h = (h ^ (uint64_t)v) *
        0x9e3779b97f4a7c15u; // splitmix64's finisher: a mark is no secret, it has to spread
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    return h ^ (h >> 27);
}

uint64_t call_mark(int64_t grant, int64_t entry, int64_t key, int64_t time_ms, int64_t rows) {
    return mix(mix(mix(mix(mix(1, grant), entry), key), time_ms), rows);
}

uint64_t call_mark_outcome(int64_t entry, int64_t bytes, int64_t status) {
    return bytes || status ? mix(mix(mix(2, entry), bytes), status) : 0;
}

static int64_t number(struct json detail, const char *name, bool *ret_found) {
    int64_t v = 0;
    *ret_found = json_int(json_get(detail, str_of(name)), &v);
    return v;
}

bool call_told(const struct ledger_entry *e, struct json detail, struct call_told *ret) {
    struct call_told c = {.begin = e->index};
    bool grant, key, rows, bytes, time, begin, status;
    if (!str_starts(e->kind, S("exchange."))) return false;
    c.grant = number(detail, "grant", &grant);
    c.key = number(detail, "key", &key);
    c.rows = number(detail, "rows", &rows);
    c.bytes = number(detail, "bytes", &bytes);
    c.time_ms = number(detail, "time_ms", &time);
    int64_t from = number(detail, "begin", &begin);
    c.status = number(detail, "status", &status);
    if (!grant || c.grant <= 0 || !bytes) return false;
    c.is_begin = key && rows && time;
    c.is_end = begin && status; // how a proxied call ended, told by an entry of its own
    if (c.is_begin == c.is_end) return false;
    if (c.is_end) {
        c.begin = from;
        c.time_ms = e->time_ms;
        c.rows = 0;
    } else {
        c.status = 0;
    }
    *ret = c;
    return true;
}

// --- audit rows ---
struct act_walk {
    struct verify *v;
    uint64_t range;
    size_t at;
}; // over the acts that the entries tell of

static int64_t act_now(struct act_walk *k) {
    while (k->range < k->v->ranges_n && k->at == k->v->ranges[k->range].acts_n) {
        k->range++;
        k->at = 0;
    }
    return k->range < k->v->ranges_n ? k->v->ranges[k->range].acts[k->at] : INT64_MAX;
}

static int one_act(struct act_walk *walk, struct stmt *s, struct ledger_reader *entries, struct arena *row) {
    struct verify *v = walk->v;
    int64_t entry = store_int(s, 0), id = store_int(s, 2);
    struct ledger_entry e = {.index = entry};
    bool found = false;
    int code = ledger_reader_get(entries, entry, &e, &found, v->err);
    if (code == ERR_ledger_bundle) *v->err = (struct err){0}; // told by the first pass
    if (code != OK && code != ERR_ledger_bundle) return code;
    while (act_now(walk) < entry) {
        verify_fault(v, VERIFY_ACT_MISSING, act_now(walk), "%s", "");
        walk->at++;
    }
    bool is_erased = found && !e.detail.p;
    if (act_now(walk) == entry) {
        walk->at++;
        if (!ledger_act_fits(row, s, e.detail)) verify_fault(v, VERIFY_ACT, entry, "core_act %" PRId64, id);
    } else if (!is_erased) {
        verify_fault(v, VERIFY_ACT_EXTRA, entry, "core_act %" PRId64, id);
    }
    return OK;
}

int verify_acts(struct verify *v) {
    struct act_walk walk = {.v = v};
    struct ledger_reader entries;
    struct arena row;
    int code = OK;
    arena_init(&row, 0);
    ledger_reader_init(&entries, v->conn, NULL);
    struct stmt *s = store_query(v->conn, Q_verify_acts, "");
    while (code == OK && store_next(s)) {
        code = one_act(&walk, s, &entries, &row);
        v->report->acts++;
        arena_reset(&row);
    }
    int end = store_done(s, v->err);
    if (code == OK) code = end;
    ledger_reader_free(&entries);
    for (; code == OK && act_now(&walk) != INT64_MAX; walk.at++)
        verify_fault(v, VERIFY_ACT_MISSING, act_now(&walk), "%s", "");
    arena_free(&row);
    return code;
}

// --- call rows ---
static uint64_t row_mark(const struct call_row *r) {
    return call_mark(r->grant, r->entry, r->key, r->time_ms, r->rows) +
           call_mark_outcome(r->entry, r->bytes, r->is_proxied ? r->status : 0);
}

// Ranges that do not add up, entry by entry: marks told by entries, less marks of rows, must be zero each.
#define DRILL_RANGES 64 // looked into; of further ones only the range is told

struct drill {
    struct verify *v;
    uint64_t ranges, number[DRILL_RANGES];
    uint64_t *left; // VERIFY_RANGE each
    bool *has_row, *is_call;
    struct arena row;
};

// Where the marks of an entry are gathered, if its range is one of those looked into.
static bool drill_at(const struct drill *d, int64_t entry, uint64_t *ret) {
    for (uint64_t i = 0; i < d->ranges; i++)
        if ((uint64_t)entry >> VERIFY_RANGE_BITS == d->number[i]) {
            *ret = i * VERIFY_RANGE + ((uint64_t)entry & (VERIFY_RANGE - 1));
            return true;
        }
    return false;
}

static void drill_entry(struct drill *d, const struct ledger_entry *e) {
    struct json detail;
    struct err ignore = {0};
    struct call_told c;
    uint64_t at;
    if (json_parse(&d->row, e->detail, &detail, &ignore) != OK || !call_told(e, detail, &c)) return;
    if (!drill_at(d, c.begin, &at)) return;
    d->left[at] += call_mark_outcome(c.begin, c.bytes, c.status);
    if (!c.is_begin) return;
    d->left[at] += call_mark(c.grant, c.begin, c.key, c.time_ms, c.rows);
    d->is_call[at] = true;
}

static int drill_see(void *arg, const struct ledger_entry *seen) {
    struct drill *d = arg;
    struct ledger_entry e = *seen;
    if (e.detail.p && ledger_leaf_read(e.leaf, &e)) drill_entry(d, &e);
    arena_reset(&d->row);
    return OK;
}

// How a call ended may stand in any later entry: all from the first such range on are read, once.
static int drill_entries(struct drill *d) {
    const int64_t end = (int64_t)d->v->size;
    struct ledger_reader r;
    int code = OK;
    ledger_reader_init(&r, d->v->conn, NULL);
    for (int64_t at = (int64_t)(d->number[0] << VERIFY_RANGE_BITS); code == OK && at < end;) {
        int64_t from = at;
        code = ledger_reader_each(&r, from, end, drill_see, d, &at, d->v->err);
        if (code == ERR_ledger_bundle || (code == OK && at < end)) { // told by the first pass: over it
            at = (at / LEDGER_BUNDLE + 1) * LEDGER_BUNDLE;
            *d->v->err = (struct err){0};
            code = OK;
        }
    }
    ledger_reader_free(&r);
    return code;
}

static int drill_row(void *arg, const struct call_row *r) {
    struct drill *d = arg;
    uint64_t at;
    if (!drill_at(d, r->entry, &at)) return OK;
    d->left[at] -= row_mark(r);
    d->has_row[at] = true;
    return OK;
}

static void pass_over(void *arg, int64_t grant, int64_t first) { // told before
    (void)arg;
    (void)grant;
    (void)first;
}

static int drill_rows(struct drill *d) {
    return calls_each(d->v->conn, d->v->hasher, drill_row, d, pass_over, d->v->err);
}

static void tell_drill(struct drill *d) {
    for (uint64_t i = 0; i < d->ranges * VERIFY_RANGE; i++) {
        int64_t index = (int64_t)((d->number[i / VERIFY_RANGE] << VERIFY_RANGE_BITS) + i % VERIFY_RANGE);
        // An erased entry tells nothing any more: its row cannot be held against it.
        if (d->left[i] && d->is_call[i])
            verify_fault(d->v, VERIFY_CALL, index, "%s", d->has_row[i] ? "exchange_call" : "–");
        else if (d->left[i] && !atomic_load(&d->v->erased))
            verify_fault(d->v, VERIFY_CALL_EXTRA, index, "%s", "exchange_call");
    }
}

static int drill_down(struct drill *d) {
    const size_t n = (size_t)(d->ranges * VERIFY_RANGE);
    if (d->ranges == 0) return OK;
    d->left = arena_array(d->v->mem, n, sizeof *d->left);
    d->has_row = arena_array(d->v->mem, n, sizeof *d->has_row);
    d->is_call = arena_array(d->v->mem, n, sizeof *d->is_call);
    if (!d->left || !d->has_row || !d->is_call) return err_set(d->v->err, ERR_no_memory, "", "verify");
    arena_init(&d->row, 0);
    int code = drill_entries(d);
    if (code == OK) code = drill_rows(d);
    if (code == OK) tell_drill(d);
    arena_free(&d->row);
    return code;
}

static int check_meter(struct verify *v) {
    struct stmt *s = store_query(v->conn, Q_verify_meter, "");
    // Erased calls are still metered: then rows may tell more than entries, never less.
    bool may_exceed = atomic_load(&v->erased) > 0;
    while (store_next(s)) {
        int64_t grant = store_int(s, 0), day = store_int(s, 1);
        struct call_sum *c = sums_at(&v->sums, grant > 0 ? grant : INT64_MAX, day);
        if (!c) continue;
        int64_t calls = store_int(s, 2) - c->calls, rows = store_int(s, 3) - c->rows,
                bytes = store_int(s, 4) - c->bytes;
        bool fits = may_exceed ? calls >= 0 && rows >= 0 && bytes >= 0 : !calls && !rows && !bytes;
        if (!fits)
            verify_fault(v, VERIFY_METER, -1,
                         "grant %" PRId64 " day %" PRId64 ": calls %+" PRId64 " rows %+" PRId64
                         " bytes %+" PRId64,
                         grant, day, calls, rows, bytes);
        c->calls = c->rows = c->bytes = 0; // seen
        v->report->meters++;
    }
    int code = store_done(s, v->err);
    for (size_t i = 0; i < v->sums.cap && code == OK; i++) {
        const struct call_sum *c = &v->sums.slot[i];
        if (c->grant && (c->calls || c->rows || c->bytes))
            verify_fault(v, VERIFY_METER, -1, "grant %" PRId64 " day %" PRId64 ": –", c->grant, c->day);
    }
    return code;
}

struct adding {
    struct verify *v;
    uint64_t *marks; // by range: sum over the call rows
};

static int add_row(void *arg, const struct call_row *r) {
    struct adding *a = arg;
    if (r->entry >= 0 && (uint64_t)r->entry < a->v->size)
        a->marks[(uint64_t)r->entry >> VERIFY_RANGE_BITS] += row_mark(r);
    else
        verify_fault(a->v, VERIFY_CALL_EXTRA, r->entry, "%s", "exchange_call");
    return OK;
}

static void bad_run(void *arg, int64_t grant, int64_t first) {
    struct adding *a = arg;
    verify_fault(a->v, VERIFY_RUN, first, "exchange_call_run, grant %" PRId64, grant);
}

int verify_calls(struct verify *v) {
    struct adding a = {v, arena_array(v->mem, v->ranges_n + 1, sizeof *a.marks)};
    uint64_t *marks = a.marks;
    if (!marks) return err_set(v->err, ERR_no_memory, "", "verify");
    int code = calls_each(v->conn, v->hasher, add_row, &a, bad_run, v->err);
    struct drill d = {.v = v};
    for (uint64_t i = 0; i < v->ranges_n; i++) {
        if (marks[i] == atomic_load(&v->call_marks[i])) continue;
        if (d.ranges < DRILL_RANGES)
            d.number[d.ranges++] = i;
        else
            verify_fault(v, VERIFY_CALL, (int64_t)(i << VERIFY_RANGE_BITS), "+ %d", (int)VERIFY_RANGE - 1);
    }
    if (code == OK) code = drill_down(&d);
    return code == OK ? check_meter(v) : code;
}
