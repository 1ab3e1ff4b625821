// SPDX-License-Identifier: MulanPSL-2.0
// Applications as they are remembered: the row, its lines, its steps, read together so that a decision sees one state.
#include "mod/exchange/flow.h"

static int read_lines(struct cx *cx, struct application *a) {
    a->lines = arena_array(cx->mem, FLOW_LINES_MAX + 1, sizeof *a->lines);
    if (!a->lines) return cx_fail(cx, ERR_no_memory, "", "lines");
    struct stmt *s = store_query(cx->db, Q_exchange_lines_of, "s", a->id);
    while (store_next(s) && a->lines_n < FLOW_LINES_MAX) {
        struct line *l = &a->lines[a->lines_n++];
        *l = (struct line){.n = store_int(s, 0),
                           .is_answered = !store_is_null(s, 7),
                           .consent = store_int(s, 7) != 0,
                           .rate_per_s = store_int(s, 11),
                           .quota_per_day = store_int(s, 12),
                           .answered_by = store_int(s, 13),
                           .grant_id = store_int(s, 14)};
        struct {
            struct str *to;
            int col;
        } texts[] = {{&l->dataset, 1}, {&l->provider, 2},  {&l->columns, 3},
                     {&l->filter, 4},  {&l->upstream, 5},  {&l->state, 6},
                     {&l->reason, 8},  {&l->condition, 9}, {&l->released, 10}};
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
            *texts[i].to = store_str(s, texts[i].col, cx->mem);
    }
    return store_done(s, &cx->err);
}

// The newest are read, since what is still to be done is among them; told in the order they were opened.
static int read_steps(struct cx *cx, struct application *a) {
    a->steps = arena_array(cx->mem, FLOW_STEPS_MAX + 8, sizeof *a->steps);
    if (!a->steps) return cx_fail(cx, ERR_no_memory, "", "steps");
    struct stmt *s = store_query(cx->db, Q_exchange_steps_of, "si", a->id, (int64_t)FLOW_STEPS_MAX);
    while (store_next(s) && a->steps_n < FLOW_STEPS_MAX) {
        struct step *t = &a->steps[a->steps_n++];
        *t = (struct step){.id = store_int(s, 0),
                           .line = store_int(s, 1),
                           .opened_ms = store_int(s, 6),
                           .due_ms = store_int(s, 7),
                           .is_certain = store_int(s, 8) != 0,
                           .extended = store_int(s, 9),
                           .by_account = store_int(s, 10),
                           .at_ms = store_int(s, 12)};
        struct {
            struct str *to;
            int col;
        } texts[] = {{&t->step, 2},  {&t->office, 3},   {&t->role, 4},
                     {&t->state, 5}, {&t->by_name, 11}, {&t->reason, 13}};
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
            *texts[i].to = store_str(s, texts[i].col, cx->mem);
    }
    for (int i = 0, k = a->steps_n - 1; i < k; i++, k--) {
        struct step swap = a->steps[i];
        a->steps[i] = a->steps[k];
        a->steps[k] = swap;
    }
    return store_done(s, &cx->err);
}

int application_get(struct cx *cx, struct str id, struct application **ret) {
    struct application *a = arena_take(cx->mem, sizeof *a);
    if (!a) return cx_fail(cx, ERR_no_memory, "", "application");
    struct stmt *s = store_query(cx->db, Q_exchange_application_get, "s", id);
    bool found = store_next(s);
    if (found) {
        *a = (struct application){.n = store_int(s, 0),
                                  .applicant = store_int(s, 5),
                                  .period_days = store_int(s, 10),
                                  .quota_per_day = store_int(s, 11),
                                  .returned_n = store_int(s, 14),
                                  .version = store_int(s, 15),
                                  .created_ms = store_int(s, 16),
                                  .changed_ms = store_int(s, 17)};
        struct {
            struct str *to;
            int col;
        } texts[] = {{&a->id, 1},       {&a->title, 2},       {&a->office, 3},  {&a->office_asked, 4},
                     {&a->matter, 6},   {&a->legal_basis, 7}, {&a->purpose, 8}, {&a->system, 9},
                     {&a->need_by, 12}, {&a->state, 13}};
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
            *texts[i].to = store_str(s, texts[i].col, cx->mem);
    }
    int code = store_done(s, &cx->err);
    if (code == OK && !found)
        return cx_fail(cx, ERR_not_found, "application", "%.*s", (int)(id.n > 60 ? 60 : id.n), id.p);
    if (code == OK) code = read_lines(cx, a);
    if (code == OK) code = read_steps(cx, a);
    *ret = a;
    return code;
}

bool application_is(const struct application *a, const char *state) {
    return str_eq(a->state, str_of(state));
}

// The asking office, the data authority, and whoever answers a line that has reached him; a county sees its own.
bool application_may_see(struct cx *cx, const struct application *a) {
    if (cx_is(cx, R_(AUTHORITY) | R_(REVIEWER) | R_(AUDITOR))) return true;
    if (!cx->who.office.p) return false;
    if (str_eq(a->office, cx->who.office)) return true;
    for (int i = 0; i < a->lines_n; i++)
        if (str_eq(a->lines[i].provider, cx->who.office) && !str_eq(a->lines[i].state, S("waiting")))
            return true;
    for (int i = 0; i < a->steps_n; i++)
        if (str_eq(a->steps[i].office, cx->who.office)) return true;
    return false;
}
