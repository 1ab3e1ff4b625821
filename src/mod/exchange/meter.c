// SPDX-License-Identifier: MulanPSL-2.0
// Quota and metering on the writer. A thousand calls of one batch are mostly of few grants: what they take is summed in
// memory and written once per grant, before the commit that holds the calls themselves. Keeps true: (1) quota is decided in the
// order of the queue, against what the store had when the batch began plus what the batch took; (2) memory follows
// the transaction: what an undone item took is given back, an undone batch takes nothing; (3) meter rows and calls are
// committed together.
#include "mod/exchange/inside.h"
#include <assert.h>
#include <inttypes.h>

#define TALLIES 256 // grants (and days) of one batch that are summed; further ones are written at once

struct tally { // of one grant and day, in this batch
    int64_t grant, day;
    int64_t before; // calls that the store had
    int64_t calls, rows, bytes, last_ms;
};
struct taken { // by the item at hand
    int tally;
    int64_t calls, rows, bytes;
};
struct meter {
    int n, items_n;
    struct tally tally[TALLIES];
    struct taken taken[TALLIES];
};

static int write_down(const struct tally *t, struct conn *db, struct err *e) {
    return store_exec(db, NULL, e, Q_exchange_meter_add, "iiiiii", t->grant, t->day, t->calls, t->rows,
                      t->bytes, t->last_ms);
}

static int calls_before(struct cx *cx, int64_t grant, int64_t day, int64_t *ret) {
    struct stmt *s = store_query(cx->db, Q_exchange_meter_day, "ii", grant, day);
    *ret = store_next(s) ? store_int(s, 0) : 0;
    return store_done(s, &cx->err);
}

// The grant's tally, opened when it is the first of this batch; *ret -1 when there is no room for one: then the store
// itself is asked and told, which is slower and as right.
static int tally_of(struct cx *cx, struct meter *m, int64_t grant, int64_t day, int *ret) {
    for (int i = 0; i < m->n; i++)
        if (m->tally[i].grant == grant && m->tally[i].day == day) {
            *ret = i;
            return OK;
        }
    *ret = -1;
    if (m->n == TALLIES) return OK;
    int64_t before;
    int code = calls_before(cx, grant, day, &before);
    if (code != OK) return code;
    m->tally[m->n] = (struct tally){.grant = grant, .day = day, .before = before};
    *ret = m->n++;
    return OK;
}

int meter_left(struct cx *cx, const struct call_note *c, int64_t time_ms, int64_t *ret) {
    struct meter *m = exchange_meter(cx->city);
    const int64_t day = exchange_day(time_ms);
    int64_t used = 0;
    int at, code = tally_of(cx, m, c->grant_id, day, &at);
    assert(cx->is_writer);
    if (code == OK && at < 0) code = calls_before(cx, c->grant_id, day, &used);
    if (code == OK && at >= 0) used = m->tally[at].before + m->tally[at].calls;
    *ret = used < c->quota ? c->quota - used : 0;
    return code;
}

int meter_take(struct cx *cx, int64_t grant, int64_t time_ms, int64_t calls, int64_t rows, int64_t bytes) {
    struct meter *m = exchange_meter(cx->city);
    const int64_t day = exchange_day(time_ms);
    const struct tally more = {
        .grant = grant, .day = day, .calls = calls, .rows = rows, .bytes = bytes, .last_ms = time_ms};
    int at, i = 0, code = tally_of(cx, m, grant, day, &at);
    if (code != OK || at < 0) return code != OK ? code : write_down(&more, cx->db, &cx->err);
    struct tally *t = &m->tally[at];
    t->calls += calls;
    t->rows += rows;
    t->bytes += bytes;
    t->last_ms = time_ms;
    // The item's own account, so that it can be given back.
    while (i < m->items_n && m->taken[i].tally != at)
        i++;
    if (i == m->items_n) m->taken[m->items_n++] = (struct taken){.tally = at};
    m->taken[i].calls += calls;
    m->taken[i].rows += rows;
    m->taken[i].bytes += bytes;
    return OK;
}

int call_take(struct cx *cx, const struct call_note *c, int64_t time_ms) {
    int64_t left;
    int code = meter_left(cx, c, time_ms, &left);
    if (code == OK && left > 0) return meter_take(cx, c->grant_id, time_ms, 1, c->rows, c->bytes);
    if (code != OK) return code;
    // The day is China's: the quota is new at its midnight.
    int64_t wait_ms = (exchange_day(time_ms) + 1) * DAY_MS - CHINA_OFFSET_MS - time_ms;
    cx_reply_header(cx, "Retry-After", str_print(cx->mem, "%" PRId64, wait_ms / 1000 + 1));
    return cx_fail(cx, ERR_quota_used, "quota_per_day", "%" PRId64, c->quota);
}

static int before_commit(struct city *city, struct conn *w, struct err *e) {
    struct meter *m = exchange_meter(city);
    int code = OK;
    for (int i = 0; m && i < m->n && code == OK; i++)
        if (m->tally[i].calls || m->tally[i].bytes) code = write_down(&m->tally[i], w, e);
    return code;
}

static void after_commit(struct city *city, bool committed) {
    struct meter *m = exchange_meter(city);
    (void)committed;
    if (m) m->n = m->items_n = 0;
}

static void item_begin(struct city *city) {
    struct meter *m = exchange_meter(city);
    if (m) m->items_n = 0;
}

static void item_undone(struct city *city) {
    struct meter *m = exchange_meter(city);
    for (int i = 0; m && i < m->items_n; i++) {
        const struct taken *k = &m->taken[i];
        struct tally *t = &m->tally[k->tally];
        t->calls -= k->calls;
        t->rows -= k->rows;
        t->bytes -= k->bytes;
    }
    if (m) m->items_n = 0;
}

static const struct batch_hooks hooks = {.before_commit = before_commit,
                                         .after_commit = after_commit,
                                         .item_begin = item_begin,
                                         .item_undone = item_undone};

int meter_start(struct cx *cx) {
    struct meter *m = arena_take(&cx->city->mem, sizeof *m);
    if (!m) return cx_fail(cx, ERR_no_memory, "", "meter");
    exchange_meter_set(cx->city, m);
    city_hook(cx->city, &hooks);
    return OK;
}
