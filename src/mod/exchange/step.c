// SPDX-License-Identifier: MulanPSL-2.0
// Steps: who does what under which working-day clock (table below; limits come from the pack's clocks.csv). Keeps
// true: a step is opened once and closed once; only its own office and role closes it; the clock never closes it.
#include "mod/exchange/flow.h"

// The clock of an answer depends on the share type: order 809 art. 21 (unconditional 1, conditional 10 working days).
static const struct step_kind kinds[] = {
    {"sign", "unit_head", R_(UNIT_HEAD), NULL, "本单位签发", "own unit signs", "sign"},
    {"county", "county_reviewer", R_(COUNTY), "compliance_check", "县级主管部门转报", "county forwards",
     "check"},
    {"check", "reviewer", R_(REVIEWER), "compliance_check", "主管部门合规审核", "compliance check", "check"},
    {"answer", "steward", R_(STEWARD), "answer_cond", "数源部门答复", "provider answers", "answer"},
    {"provider_sign", "unit_head", R_(UNIT_HEAD), NULL, "数源部门签发", "provider's head signs",
     "provider_sign"},
    {"supply", "applicant", R_(APPLICANT), "supply", "供数（领取密钥）", "supply (take the key)", "key"},
    {0}};

const struct step_kind *step_kind(struct str step) {
    const struct step_kind *k = kinds;
    while (k->step && !str_eq(str_of(k->step), step))
        k++;
    return k->step ? k : NULL;
}

int step_open(struct cx *cx, struct application *a, int64_t line, const char *step, struct str office,
              const char *clock) {
    const struct step_kind *k = step_kind(str_of(step));
    bool certain = true;
    if (!clock) clock = k->clock;
    int64_t due = clock ? cx_deadline(cx, clock, cx->now_ms, &certain) : 0;
    int code = store_exec(cx->db, NULL, &cx->err, Q_exchange_step_put, "sizsziii", a->id, line, step, office,
                          k->role, cx->now_ms, due, (int64_t)certain);
    if (code != OK) return code;
    return cx_announce(cx, "application.moved", a->id, office);
}

int step_reopen(struct cx *cx, struct application *a, int64_t line, const char *step) {
    const struct step *last = NULL;
    for (int i = 0; i < a->steps_n; i++)
        if (a->steps[i].line == line && str_eq(a->steps[i].step, str_of(step))) last = &a->steps[i];
    const struct step_kind *k = step_kind(str_of(step));
    if (!last || !k) return cx_fail(cx, ERR_internal, "step", "%s", step);
    int code = store_exec(cx->db, NULL, &cx->err, Q_exchange_step_put, "sizsziii", a->id, line, step,
                          last->office, k->role, cx->now_ms, last->due_ms, (int64_t)last->is_certain);
    return code == OK ? cx_announce(cx, "application.moved", a->id, last->office) : code;
}

bool step_is_mine(struct cx *cx, const struct step *s) {
    const struct step_kind *k = step_kind(s->step);
    return k && cx->who.office.n && str_eq(s->office, cx->who.office) && cx_is(cx, k->roles);
}

int step_mine(struct cx *cx, struct application *a, int64_t line, const char *step, struct step **ret) {
    for (int i = 0; i < a->steps_n; i++) {
        struct step *s = &a->steps[i];
        if (s->line != line || !str_eq(s->step, str_of(step)) || !str_eq(s->state, S("todo"))) continue;
        const struct step_kind *k = step_kind(s->step);
        if (!step_is_mine(cx, s)) return cx_deny_words(cx, k->zh, k->en);
        *ret = s;
        return OK;
    }
    return cx_fail(cx, ERR_conflict, "state", "%.*s", STRF(a->state));
}

int step_close(struct cx *cx, struct step *s, const char *state, struct str reason) {
    int64_t changed = 0;
    int code = store_exec(cx->db, &changed, &cx->err, Q_exchange_step_close, "izisis", s->id, state,
                          cx->who.account, cx->who.name, cx->now_ms, reason);
    if (code == OK && changed == 0) return cx_fail(cx, ERR_conflict, "step", "%.*s", STRF(s->step));
    return code;
}

int application_move(struct cx *cx, struct application *a, const char *state) {
    a->state = str_of(state);
    a->version++;
    int code =
        store_exec(cx->db, NULL, &cx->err, Q_exchange_application_state, "szi", a->id, state, cx->now_ms);
    return code == OK ? cx_announce(cx, "application.moved", a->id, a->office) : code;
}

struct act *application_act(struct cx *cx, const struct application *a, const char *verb, struct str reason) {
    struct act *act = cx_act(cx, "application", a->id);
    struct buf b = buf_new(cx->mem, 256, 16384);
    struct jw w = jw_to(&b);
    act->verb = verb;
    act->object_name = a->title;
    act->office = a->office;
    act->trace = a->id;
    jw_object(&w);
    jw_ntext(&w, "matter", a->matter);
    if (reason.n) jw_ntext(&w, "reason", reason);
    jw_ntext(&w, "state", a->state);
    jw_object_end(&w);
    act->detail = buf_str(&b);
    return act;
}
