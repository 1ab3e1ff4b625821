// SPDX-License-Identifier: MulanPSL-2.0
// A grant's later life: suspended, resumed, revoked, ended by its date. Keeps true: whatever stops a grant moves the
// authorisation generation in the same transaction, so that calls already on their way are judged again before they
// leave; what was revoked or has ended never comes back (a new need is a new application).
//
//   active ⇄ suspended      active, suspended ─► revoked (by people, with a reason) | ended (by its date)
#include "mod/exchange/flow.h"
#include <assert.h>
#include <inttypes.h>

bool grant_may_see(struct cx *cx, const struct grant *g) {
    if (cx_is(cx, R_(AUTHORITY) | R_(REVIEWER) | R_(AUDITOR) | R_(SECADMIN))) return true;
    return cx->who.office.n && (str_eq(g->office, cx->who.office) || str_eq(g->provider, cx->who.office));
}

// The application is over when nothing of what it was granted lives.
static int settle_application(struct cx *cx, const struct grant *g) {
    struct application *a;
    struct stmt *s = store_query(cx->db, Q_exchange_grants_living, "s", g->application);
    bool lives = store_next(s) && store_int(s, 0) > 0;
    int code = store_done(s, &cx->err);
    if (code != OK || lives) return code;
    code = application_get(cx, g->application, &a);
    // While other lines are still being answered there may be more grants.
    if (code != OK || (!application_is(a, "granted") && !application_is(a, "partly"))) return code;
    code = store_exec(cx->db, NULL, &cx->err, Q_exchange_steps_withdraw, "si", a->id, cx->now_ms);
    return code == OK ? application_move(cx, a, "ended") : code;
}

static int move(struct cx *cx, struct grant *g, const char *state, const char *verb, struct str reason) {
    assert(cx->is_writer);
    struct str before = str_print(cx->mem, "{\"state\":\"%.*s\"}", STRF(g->state));
    int code = store_exec(cx->db, NULL, &cx->err, Q_exchange_grant_state, "izsii", g->id, state, reason,
                          cx->now_ms, cx->who.account);
    if (code != OK) return code;
    exchange_moved(cx);
    g->state = str_of(state);
    g->version++;
    struct act *act = cx_act(cx, "grant", str_print(cx->mem, "%" PRId64, g->id));
    struct buf b = buf_new(cx->mem, 256, 16384);
    struct jw w = jw_to(&b);
    jw_object(&w);
    jw_ntext(&w, "application", g->application);
    if (reason.n) jw_ntext(&w, "reason", reason);
    jw_ntext(&w, "state", g->state);
    jw_object_end(&w);
    act->verb = verb;
    act->office = g->provider;
    act->trace = g->application;
    act->before = before;
    act->after = str_print(cx->mem, "{\"state\":\"%s\"}", state);
    act->detail = buf_str(&b);
    return cx_announce(cx, strcmp(state, "revoked") == 0 ? "grant.revoked" : "grant.changed", act->object,
                       g->office);
}

// The provider's head and the data authority stop what they gave; one's own head gives back what is not needed.
static bool may_stop(struct cx *cx, const struct grant *g) {
    bool of_it =
        cx->who.office.n && (str_eq(g->provider, cx->who.office) || str_eq(g->office, cx->who.office));
    return cx_is(cx, R_(AUTHORITY)) || (of_it && cx_is(cx, R_(UNIT_HEAD)));
}

int grant_revoke(struct cx *cx, struct grant *g, struct str reason) {
    if (!may_stop(cx, g)) return cx_deny(cx, "revoke");
    if (!str_eq(g->state, S("active")) && !str_eq(g->state, S("suspended")))
        return cx_fail(cx, ERR_conflict, "state", "%.*s", STRF(g->state));
    int code = move(cx, g, "revoked", "grant.revoke", reason);
    return code == OK ? settle_application(cx, g) : code;
}

int grant_pause(struct cx *cx, struct grant *g, bool suspend, struct str reason) {
    // Who only received the grant does not lift what its provider or the authority imposed.
    bool gave = cx_is(cx, R_(AUTHORITY)) || (cx_is(cx, R_(UNIT_HEAD)) && str_eq(g->provider, cx->who.office));
    if (!gave) return cx_deny(cx, suspend ? "suspend" : "resume");
    if (!str_eq(g->state, suspend ? S("active") : S("suspended")))
        return cx_fail(cx, ERR_conflict, "state", "%.*s", STRF(g->state));
    return suspend ? move(cx, g, "suspended", "grant.suspend", reason)
                   : move(cx, g, "active", "grant.resume", reason);
}

int grant_end(struct cx *cx, struct grant *g) {
    int code = move(cx, g, "ended", "grant.end", STR_NONE);
    return code == OK ? settle_application(cx, g) : code;
}
