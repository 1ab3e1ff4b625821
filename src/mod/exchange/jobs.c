// SPDX-License-Identifier: MulanPSL-2.0
// What happens by itself: grants end at their date, and a clock that has run out is told, once, as an entry of the
// ledger. Keeps true: time alone never answers for anybody; a late step stays todo, red, until a person does it.
#include "mod/exchange/flow.h"
#include <inttypes.h>

#define SLICE 100 // rows of one write, so that the queue is not held (LIMIT of both queries)

struct slice {
    int64_t ids[SLICE];
    int n;
};

static int read_slice(struct cx *cx, enum query q, struct slice *ret) {
    struct stmt *s = store_query(cx->db, q, "i", cx->now_ms);
    while (ret->n < SLICE && store_next(s))
        ret->ids[ret->n++] = store_int(s, 0);
    return store_done(s, &cx->err);
}

static int end_all(struct cx *cx, void *arg) {
    const struct slice *due = arg;
    int code = OK;
    for (int i = 0; i < due->n && code == OK; i++) {
        struct grant g;
        code = grant_get(cx, due->ids[i], &g);
        // Judged again here: somebody may have revoked it since the slice was read.
        bool lives = code == OK && (str_eq(g.state, S("active")) || str_eq(g.state, S("suspended")));
        if (lives && g.valid_to_ms <= cx->now_ms) code = grant_end(cx, &g);
    }
    return code;
}

int exchange_expire(struct cx *cx) {
    for (;;) {
        struct slice due = {0};
        int code = read_slice(cx, Q_exchange_grants_due, &due);
        if (code == OK && due.n) code = cx_write(cx, end_all, &due);
        if (code != OK || due.n < SLICE) return code;
    }
}

struct late {
    int64_t id, due_ms;
    struct str application, step, office;
};

static int tell_late(struct cx *cx, const struct late *l) {
    int64_t changed = 0;
    int code = store_exec(cx->db, &changed, &cx->err, Q_exchange_step_late, "ii", l->id, cx->now_ms);
    if (code != OK || !changed) return code;
    struct act *act = cx_act(cx, "application", l->application);
    act->verb = "application.late";
    act->office = l->office;
    act->trace = l->application;
    act->detail = str_print(cx->mem, "{\"due_ms\":%" PRId64 ",\"step\":\"%.*s\"}", l->due_ms, STRF(l->step));
    return cx_announce(cx, "application.moved", l->application, l->office);
}

static int late_all(struct cx *cx, void *arg) {
    struct late *late = arena_array(cx->mem, SLICE, sizeof *late);
    int n = 0, *told = arg;
    if (!late) return cx_fail(cx, ERR_no_memory, "", "late");
    struct stmt *s = store_query(cx->db, Q_exchange_steps_late, "i", cx->now_ms);
    while (n < SLICE && store_next(s))
        late[n++] = (struct late){.id = store_int(s, 0),
                                  .application = store_str(s, 1, cx->mem),
                                  .step = store_str(s, 2, cx->mem),
                                  .office = store_str(s, 3, cx->mem),
                                  .due_ms = store_int(s, 4)};
    int code = store_done(s, &cx->err);
    for (int i = 0; i < n && code == OK; i++)
        code = tell_late(cx, &late[i]);
    *told = n;
    return code;
}

int exchange_late(struct cx *cx) {
    int told;
    do {
        struct stmt *s = store_query(cx->db, Q_exchange_steps_late, "i", cx->now_ms);
        bool any = store_next(s);
        int code = store_done(s, &cx->err);
        told = 0;
        if (code == OK && any) code = cx_write(cx, late_all, &told);
        if (code != OK) return code;
    } while (told == SLICE);
    return OK;
}
