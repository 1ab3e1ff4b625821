// SPDX-License-Identifier: MulanPSL-2.0
// Hand-overs: an office ends and another takes everything over. One person asks, a second confirms, and on the day
// (at once if it has come) one transaction moves accounts and systems, re-hangs the offices below, and announces
// office.succeeded, at which catalog and exchange move data sets, applications, grants, keys and clocks in the very
// same transaction. Keeps true: (1) who asked never confirms; (2) successors never form a ring, so following them
// ends; (3) the old office stays as a row with its names: history is not rewritten.
//
//   (none) --ask--> waiting --confirm--> confirmed --day comes--> applied
//                      \--drop--> dropped <--drop--/
#include "mod/people/own.h"
#include <assert.h>
#include <inttypes.h>

// Under the name that the office bears while it is done.
static struct act *office_act(struct cx *cx, const char *verb, const struct succession *s) {
    struct act *a = cx_act(cx, "office", s->office);
    a->verb = verb;
    a->office = s->office;
    a->object_name = people_office_name(cx, s->office, 0);
    return a;
}

// What the ledger commits to: both persons, both offices, the day, the law, and how much moved.
static struct str detail(struct cx *cx, const struct succession *s, int64_t accounts, int64_t systems) {
    struct buf b = buf_new(cx->mem, 256, 8192);
    struct jw w = jw_to(&b);
    jw_object(&w);
    if (accounts >= 0) jw_nint(&w, "accounts", accounts);
    jw_nint(&w, "asked_by", s->asked_by);
    jw_ntext(&w, "basis", s->basis);
    if (s->confirmed_by) jw_nint(&w, "confirmed_by", s->confirmed_by);
    jw_ntext(&w, "date", s->day);
    jw_ntext(&w, "from", s->office);
    if (systems >= 0) jw_nint(&w, "systems", systems);
    jw_ntext(&w, "to", s->successor);
    jw_object_end(&w);
    return buf_str(&b);
}

// Both offices there, neither ended, and the successor's own successors do not lead back.
static int judge(struct cx *cx, struct str office, struct str successor) {
    struct office from, to;
    int code = missing(cx, office_read(cx, office, &from), "id", office);
    if (code != OK) return code;
    if (from.o.successor.p) return cx_fail(cx, ERR_office_ended, "id", "%.*s", STRF(from.o.successor));
    code = office_read(cx, successor, &to);
    if (code == ERR_not_found) return cx_fail(cx, ERR_office_unknown, "successor", "%.*s", STRF(successor));
    if (code != OK) return code;
    if (to.o.successor.p || to.o.valid_to.p) // ended, so it cannot take over; this also keeps rings away
        return cx_fail(cx, ERR_office_ended, "successor", "%.*s", STRF(to.o.successor));
    if (str_eq(office, successor)) return cx_fail(cx, ERR_field_value, "successor", "%.*s", STRF(successor));
    return OK;
}

// First person. One hand-over at a time; nothing moves yet.
int succession_ask(struct cx *cx, struct str office, struct str successor, struct str day, struct str basis) {
    assert(cx->is_writer);
    struct succession open;
    int code = judge(cx, office, successor);
    if (code != OK) return code;
    code = succession_read(cx, Q_people_succession_open, office, &open);
    if (code == OK)
        return cx_fail(cx, ERR_conflict, "id", "%.*s → %.*s", STRF(open.office), STRF(open.successor));
    if (code != ERR_not_found) return code;
    code = store_exec(cx->db, NULL, &cx->err, Q_people_succession_insert, "ssssii", office, successor, day,
                      basis, cx->who.account, cx->now_ms);
    if (code != OK) return code;
    struct succession s = {
        .office = office, .successor = successor, .day = day, .basis = basis, .asked_by = cx->who.account};
    office_act(cx, "office.succession.ask", &s)->detail = detail(cx, &s, -1, -1);
    return OK;
}

// All of it or nothing: the listeners' moves are part of this transaction, and one that fails undoes the rest.
static int apply(struct cx *cx, const struct succession *s) {
    int64_t accounts = 0, systems = 0, actor = cx->who.account ? cx->who.account : s->confirmed_by;
    int code = judge(cx, s->office, s->successor);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_people_office_end, "sssii", s->office, s->day,
                          s->successor, cx->now_ms, actor);
    if (code == OK)
        code = store_exec(cx->db, &accounts, &cx->err, Q_people_accounts_move, "ssii", s->office,
                          s->successor, cx->now_ms, actor);
    if (code == OK)
        code = store_exec(cx->db, &systems, &cx->err, Q_people_systems_move, "ssii", s->office, s->successor,
                          cx->now_ms, actor);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_people_office_reparent, "ssii", s->office, s->successor,
                          cx->now_ms, actor);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_people_office_reline, "ssii", s->office, s->successor,
                          cx->now_ms, actor);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_people_succession_apply, "ii", s->id, cx->now_ms);
    if (code != OK) return code;
    people_auth_moved(cx);
    struct act *a = office_act(cx, "office.succeed", s);
    a->detail = detail(cx, s, accounts, systems);
    a->before = str_print(cx->mem, "{\"office\":\"%.*s\"}", STRF(s->office));
    a->after = str_print(cx->mem, "{\"office\":\"%.*s\"}", STRF(s->successor));
    return cx_announce(cx, "office.succeeded", s->office, s->successor);
}

// Second person, by account and not by role: two roles in one hand do not make two persons.
int succession_confirm(struct cx *cx, struct str office, bool *ret_applied) {
    assert(cx->is_writer);
    struct succession s;
    *ret_applied = false;
    int code = missing(cx, succession_read(cx, Q_people_succession_open, office, &s), "id", office);
    if (code != OK) return code;
    if (!str_eq(s.state, S("waiting"))) return cx_fail(cx, ERR_conflict, "id", "%.*s", STRF(s.state));
    if (s.asked_by == cx->who.account) return cx_fail(cx, ERR_second_person, "", "%s", "");
    code = store_exec(cx->db, NULL, &cx->err, Q_people_succession_confirm, "iii", s.id, cx->who.account,
                      cx->now_ms);
    if (code != OK) return code;
    s.confirmed_by = cx->who.account;
    if (str_cmp(s.day, people_day(cx, cx->now_ms)) > 0) {
        office_act(cx, "office.succession.confirm", &s)->detail = detail(cx, &s, -1, -1);
        return OK;
    }
    *ret_applied = true;
    return apply(cx, &s);
}

// A pack that brings the end of an office it had brought before: who loads packs holds the server, and the act names
// the pack, so there are no two persons here.
int succession_by_pack(struct cx *cx, struct str office, struct str successor, struct str day,
                       struct str basis) {
    assert(cx->is_writer);
    int code = store_exec(cx->db, NULL, &cx->err, Q_people_succession_insert_confirmed, "ssssi", office,
                          successor, day, basis, cx->now_ms);
    if (code != OK || str_cmp(day, people_day(cx, cx->now_ms)) > 0)
        return code; // the job applies it on its day
    struct succession s = {
        .id = store_last_id(cx->db), .office = office, .successor = successor, .day = day, .basis = basis};
    return apply(cx, &s);
}

// Anyone who could ask or confirm may stop it until it is carried out.
int succession_drop(struct cx *cx, struct str office) {
    struct succession s;
    int code = missing(cx, succession_read(cx, Q_people_succession_open, office, &s), "id", office);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_people_succession_drop, "iii", s.id, cx->now_ms,
                          cx->who.account);
    if (code != OK) return code;
    office_act(cx, "office.succession.drop", &s)->detail = detail(cx, &s, -1, -1);
    return OK;
}

// One per transaction: a hand-over may move thousands of rows in the rooms above.
int succession_apply_due(struct cx *cx, void *ret_any) {
    assert(cx->is_writer);
    struct succession s;
    *(bool *)ret_any = false;
    int code = succession_read(cx, Q_people_succession_due, people_day(cx, cx->now_ms), &s);
    if (code == ERR_not_found) return OK;
    if (code != OK) return code;
    *(bool *)ret_any = true;
    code = judge(cx, s.office, s.successor);
    if (code == OK) return apply(cx, &s);
    if (code != ERR_office_ended && code != ERR_office_unknown) return code;
    // The ground has moved since it was confirmed (the successor has ended itself): it cannot happen any more, and
    // it must not be tried every hour for ever.
    cx->err = (struct err){0};
    code = store_exec(cx->db, NULL, &cx->err, Q_people_succession_drop, "iii", s.id, cx->now_ms, (int64_t)0);
    if (code == OK) office_act(cx, "office.succession.drop", &s)->detail = detail(cx, &s, -1, -1);
    return code;
}
