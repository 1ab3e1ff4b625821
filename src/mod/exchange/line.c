// SPDX-License-Identifier: MulanPSL-2.0
// A line decides: the provider's steward answers (with fewer columns, a condition, columns released from their mask, a
// quota), the provider's head signs (never who answered), and a consent becomes a grant in that very transaction. A
// refusal has its reason. Extensions need the data authority, stay within the clock's table, and are told.
#include "mod/exchange/flow.h"
#include <inttypes.h>

// Every id of `some` is one of `all` (' '-joined).
static bool is_part(struct str some, struct str all, struct str *ret_stray) {
    while (some.p && some.n) {
        struct str one = str_cut(some, ' ', &some);
        bool found = false;
        for (struct str rest = all; rest.p && !found;)
            found = str_eq(str_cut(rest, ' ', &rest), one);
        if (!found) {
            *ret_stray = one;
            return false;
        }
    }
    return true;
}

static struct str list_text(struct cx *cx, const char *name) {
    struct buf b = buf_new(cx->mem, 128, 8192);
    if (!cx_has(cx, name)) return STR_NONE;
    for (struct json_iter it = json_iter(cx_json(cx, name)); json_next(&it);) {
        if (b.n) buf_char(&b, ' ');
        buf_put(&b, json_text(it.value));
    }
    return buf_str(&b);
}

int line_answer(struct cx *cx, struct application *a, struct line *l) {
    struct step *s;
    struct str reason = cx_text(cx, "reason"), columns = list_text(cx, "columns"),
               released = list_text(cx, "released"), stray;
    bool consent = cx_bool(cx, "consent", false);
    int code = step_mine(cx, a, l->n, "answer", &s);
    if (code == OK && !consent && !reason.n) code = cx_fail(cx, ERR_field_missing, "reason", "%s", "");
    if (code == OK && columns.n && !is_part(columns, l->columns, &stray))
        code = cx_fail(cx, ERR_column_unknown, "columns", "%.*s", STRF(stray));
    if (code == OK && released.n && !is_part(released, columns.n ? columns : l->columns, &stray))
        code = cx_fail(cx, ERR_column_unknown, "released", "%.*s", STRF(stray));
    if (code == OK) code = step_close(cx, s, consent ? "done" : "refused", reason);
    if (code != OK) return code;
    int64_t quota = cx_int(cx, "quota_per_day", a->quota_per_day);
    if (quota > a->quota_per_day)
        quota = a->quota_per_day; // an answer narrows what was asked, it never widens it
    code = store_exec(cx->db, NULL, &cx->err, Q_exchange_line_answer, "siisssiii", a->id, l->n,
                      (int64_t)consent, reason, cx_text(cx, "condition"), released,
                      cx_int(cx, "rate_per_s", EXCHANGE_RATE_STANDARD), quota, cx->who.account);
    if (code == OK && columns.n)
        code = store_exec(cx->db, NULL, &cx->err, Q_exchange_line_columns, "sis", a->id, l->n, columns);
    if (code == OK) code = step_open(cx, a, l->n, "provider_sign", l->provider, NULL);
    if (code == OK)
        application_act(cx, a, consent ? "line.consent" : "line.refuse", reason)->office = l->provider;
    return code;
}

static int make_grant(struct cx *cx, struct application *a, struct line *l) {
    struct catalog_dataset *ds;
    int code = catalog_dataset_get(cx, l->dataset, &ds);
    if (code != OK) return code;
    int64_t to = cx->now_ms + a->period_days * DAY_MS;
    code = store_exec(cx->db, NULL, &cx->err, Q_exchange_grant_put, "sisssssssssiiiiiii", a->id, l->n,
                      l->dataset, a->office, l->provider, a->system, a->matter, l->columns, l->released,
                      l->filter, l->upstream, (int64_t)ds->is_verify_only, l->quota_per_day, l->rate_per_s,
                      cx->now_ms, to, cx->now_ms, cx->who.account);
    if (code != OK) return code;
    int64_t id = store_last_id(cx->db);
    exchange_moved(cx);
    code = store_exec(cx->db, NULL, &cx->err, Q_exchange_line_grant, "sii", a->id, l->n, id);
    l->state = S("granted");
    l->grant_id = id;
    struct act *act = cx_act(cx, "grant", str_print(cx->mem, "%" PRId64, id));
    act->verb = "grant.make";
    act->object_name = ds->title_zh;
    act->office = l->provider;
    act->trace = a->id;
    act->after =
        str_print(cx->mem, "{\"columns\":\"%.*s\",\"quota_per_day\":%" PRId64 ",\"valid_to_ms\":%" PRId64 "}",
                  STRF(l->columns), l->quota_per_day, to);
    act->detail = act->after;
    if (code == OK) code = step_open(cx, a, l->n, "supply", a->office, NULL);
    return code == OK ? cx_announce(cx, "grant.made", act->object, a->office) : code;
}

// When every line is settled the application is: granted, partly, or refused.
static int settle(struct cx *cx, struct application *a) {
    int granted = 0, refused = 0;
    for (int i = 0; i < a->lines_n; i++) {
        granted += str_eq(a->lines[i].state, S("granted"));
        refused += str_eq(a->lines[i].state, S("refused"));
    }
    if (granted + refused < a->lines_n) return OK;
    return application_move(cx, a, refused == 0 ? "granted" : granted == 0 ? "refused" : "partly");
}

int line_sign(struct cx *cx, struct application *a, struct line *l, bool consent, struct str reason) {
    struct step *s;
    int code = step_mine(cx, a, l->n, "provider_sign", &s);
    if (code == OK && l->answered_by == cx->who.account) code = cx_fail(cx, ERR_own_signature, "", "%s", "");
    if (code == OK && !consent && !reason.n) code = cx_fail(cx, ERR_field_missing, "reason", "%s", "");
    if (code == OK) code = step_close(cx, s, consent ? "done" : "returned", reason);
    if (code != OK) return code;
    if (!consent) { // back to the steward, under the clock that runs on
        code = store_exec(cx->db, NULL, &cx->err, Q_exchange_line_state, "siz", a->id, l->n, "answering");
        if (code == OK) code = step_reopen(cx, a, l->n, "answer");
    } else if (l->consent) {
        code = make_grant(cx, a, l);
    } else {
        l->state = S("refused");
        code = store_exec(cx->db, NULL, &cx->err, Q_exchange_line_state, "siz", a->id, l->n, "refused");
    }
    if (code == OK) code = settle(cx, a);
    if (code == OK)
        application_act(cx, a, consent ? "line.sign" : "line.return", reason)->office = l->provider;
    return code;
}

int line_extend(struct cx *cx, struct application *a, struct line *l, int64_t days, struct str reason) {
    for (int i = 0; i < a->steps_n; i++) {
        struct step *s = &a->steps[i];
        if (s->line != l->n || !str_eq(s->step, S("answer")) || !str_eq(s->state, S("todo"))) continue;
        struct stmt *q = store_query(cx->db, Q_core_clock_get, "z", "answer_cond");
        int64_t most = store_next(q) ? store_int(q, 1) : 0;
        int code = store_done(q, &cx->err);
        if (code == OK && s->extended + days > most)
            code = cx_fail(cx, ERR_field_range, "days", "1–%" PRId64, most - s->extended);
        bool certain = true;
        int64_t due =
            workdays_deadline(city_workdays(cx->city), s->due_ms, (int)days, CHINA_OFFSET_MS, &certain);
        if (code == OK)
            code = store_exec(cx->db, NULL, &cx->err, Q_exchange_step_extend, "iiisi", s->id, due, days,
                              reason, (int64_t)certain);
        if (code == OK) (void)application_act(cx, a, "line.extend", reason);
        return code == OK ? cx_announce(cx, "application.moved", a->id, a->office)
                          : code; // the applicant is told
    }
    return cx_fail(cx, ERR_conflict, "state", "%.*s", STRF(l->state));
}

int supply_done(struct cx *cx, struct str application, int64_t line) {
    struct application *a;
    int code = application_get(cx, application, &a);
    for (int i = 0; code == OK && i < a->steps_n; i++)
        if (a->steps[i].line == line && str_eq(a->steps[i].step, S("supply")) &&
            str_eq(a->steps[i].state, S("todo")))
            return step_close(cx, &a->steps[i], "done", STR_NONE);
    return code;
}
