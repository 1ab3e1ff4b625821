// SPDX-License-Identifier: MulanPSL-2.0
// Registered systems: the programs of an office that call exchange. Only their own office registers and ends them;
// a system that has ended stays in the table, since calls of the past name it.
#include "mod/people/own.h"
#include <assert.h>

// The id stands in headers of every call, so it is plain ASCII.
static bool id_ok(struct str id) {
    if (id.n < 2 || id.n > PEOPLE_LOGIN_MAX) return false;
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) return false;
    }
    return true;
}

static void system_act(struct cx *cx, struct str id, struct str name, struct str office) {
    struct act *a = cx_act(cx, "system", id);
    a->object_name = name;
    a->office = office;
}

// An office registers its own programs and nobody else's.
int system_create(struct cx *cx, struct str id, struct str name, struct str office) {
    assert(cx->is_writer);
    struct people_sys known;
    if (!office.p) return cx_fail(cx, ERR_field_missing, "office", "%s", "");
    if (!str_eq(office, cx->who.office)) return cx_deny(cx, "office");
    if (!id_ok(id)) return cx_fail(cx, ERR_field_value, "id", "a-z 0-9 - _");
    int code = system_read(cx, id, &known);
    if (code == OK) return cx_fail(cx, ERR_store_unique, "id", "%.*s", STRF(id));
    if (code != ERR_not_found) return code;
    code = store_exec(cx->db, NULL, &cx->err, Q_people_system_insert, "sssii", id, name, office, cx->now_ms,
                      cx->who.account);
    if (code == OK) system_act(cx, id, name, office);
    return code;
}

// Ended is announced: exchange then stops the grants that name it.
int system_change(struct cx *cx, struct str id, int64_t *ret_version) {
    struct people_sys s;
    int code = missing(cx, system_read(cx, id, &s), "id", id);
    if (code == OK && !str_eq(s.office, cx->who.office)) return cx_deny(cx, "office");
    if (code == OK) code = cx_match(cx, s.version);
    if (code != OK) return code;
    if (cx_has(cx, "name")) s.name = cx_text(cx, "name");
    if (cx_has(cx, "state")) s.state = cx_text(cx, "state");
    code = store_exec(cx->db, NULL, &cx->err, Q_people_system_update, "sssiii", id, s.name, s.state,
                      cx->now_ms, cx->who.account, s.version);
    if (code == OK && !str_eq(s.state, S("active"))) code = cx_announce(cx, "system.ended", id, s.office);
    if (code != OK) return code;
    people_auth_moved(cx);
    system_act(cx, id, s.name, s.office);
    *ret_version = s.version + 1;
    return OK;
}

// What exchange asks before it writes an application and before each call.
int people_system_ok(struct cx *cx, struct str system, struct str office) {
    struct people_sys s;
    int code = system_read(cx, system, &s);
    if (code != OK) return code;
    if (cx->mem->failed)
        return cx_fail(cx, ERR_no_memory, "", "system"); // texts that did not fit compare unequal
    return str_eq(s.office, office) && str_eq(s.state, S("active")) ? OK : ERR_not_found;
}

struct str people_system_name(struct cx *cx, struct str system) {
    struct people_sys s;
    return system_read(cx, system, &s) == OK ? s.name : STR_NONE;
}
