// SPDX-License-Identifier: MulanPSL-2.0
// Offices: validity, names by date, successors, and the two data authorities that an application may pass. An
// office is valid from `valid_from` on and no longer on the day `valid_to`, so that the day of a hand-over belongs to
// the successor. Keeps true: a name is added to the history, never changed there.
#include "mod/people/own.h"
#include <assert.h>

// The public half of a row.
int people_office_get(struct cx *cx, struct str id, struct people_office *ret) {
    struct office o;
    int code = office_read(cx, id, &o);
    if (code == OK) *ret = o.o;
    return code;
}

// [valid_from, valid_to): the day of a hand-over is the successor's.
bool people_office_valid(struct cx *cx, struct str id, int64_t at_ms) {
    struct office o;
    if (office_read(cx, id, &o) != OK) return false;
    struct str day = people_day(cx, at_ms ? at_ms : cx->now_ms);
    return (!o.o.valid_from.p || str_cmp(o.o.valid_from, day) <= 0) &&
           (!o.o.valid_to.p || str_cmp(o.o.valid_to, day) > 0);
}

struct str people_office_name(struct cx *cx, struct str id, int64_t at_ms) {
    struct stmt *s = store_query(cx->db, Q_people_office_name_at, "si", id, at_ms ? at_ms : cx->now_ms);
    struct str name = store_next(s) ? store_str(s, 0, cx->mem) : STR_NONE;
    if (store_done(s, &cx->err) != OK || name.p) return name.p ? name : id;
    s = store_query(cx->db, Q_people_office_name_first, "s", id); // asked about a day before its first
    name = store_next(s) ? store_str(s, 0, cx->mem) : id;
    return store_done(s, &cx->err) == OK ? name : id;
}

struct str people_office_current(struct cx *cx, struct str id) {
    struct office o;
    struct str day = people_day(cx, cx->now_ms);
    for (int i = 0; i < PEOPLE_SUCCESSOR_STEPS; i++) {
        if (office_read(cx, id, &o) != OK || !o.o.successor.p) return id;
        if (o.o.valid_to.p && str_cmp(o.o.valid_to, day) > 0) return id; // its day has not come
        id = o.o.successor;
    }
    return id;
}

// The pack's letters, ' '-joined: S 数源, D 需求, A 主管, V 垂管.
static bool has_role(struct str roles, struct str role) {
    while (roles.p) {
        struct str one = str_cut(roles, ' ', &roles);
        if (str_eq(one, role)) return true;
    }
    return false;
}

// Up the block until the county level: 街道 → 区. An office of the city or above has none and asks the city directly.
struct str people_office_county_authority(struct cx *cx, struct str id) {
    struct office o;
    for (int i = 0; i < PEOPLE_SUCCESSOR_STEPS && id.p; i++, id = o.o.parent) {
        if (office_read(cx, id, &o) != OK || o.o.level <= 2) return STR_NONE;
        if (o.o.level == 3 && has_role(o.o.roles, S("A"))) return o.o.id;
    }
    return STR_NONE;
}

struct str people_office_city_authority(struct cx *cx) {
    struct str city = people_city_code(cx);
    if (!city.p) return STR_NONE;
    struct stmt *s = store_query(cx->db, Q_people_office_authority, "ss", city, people_day(cx, cx->now_ms));
    struct str id = store_next(s) ? store_str(s, 0, cx->mem) : STR_NONE;
    return store_done(s, &cx->err) == OK ? id : STR_NONE;
}

// The id stays, so nothing moves; the old name stays in the history and is still found by search.
int office_rename(struct cx *cx, struct str id, struct str name, struct str name_en, struct str brief,
                  struct str day, struct str basis) {
    assert(cx->is_writer);
    struct office o;
    int code = missing(cx, office_read(cx, id, &o), "id", id);
    if (code == OK) code = cx_match(cx, o.o.version);
    if (code != OK) return code;
    if (o.o.valid_to.p) return cx_fail(cx, ERR_office_ended, "id", "%.*s", STRF(o.o.successor));
    // A name of tomorrow would show today: the table of offices holds the name that is valid now.
    if (str_cmp(day, people_day(cx, cx->now_ms)) > 0)
        return cx_fail(cx, ERR_field_value, "date", "%.*s", STRF(day));
    if (!name_en.p) name_en = o.o.name_en;
    if (!brief.p) brief = o.o.brief;
    code = store_exec(cx->db, NULL, &cx->err, Q_people_office_name_put, "sisssii", id, people_day_ms(day),
                      name, name_en, brief, cx->now_ms, cx->who.account);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_people_office_rename, "ssssii", id, name, name_en, brief,
                          cx->now_ms, cx->who.account);
    if (code == OK) code = cx_announce(cx, "office.renamed", id, id);
    if (code != OK) return code;
    struct buf b = buf_new(cx->mem, 256, 4096);
    struct jw w = jw_to(&b);
    jw_object(&w);
    jw_ntext(&w, "basis", basis);
    jw_ntext(&w, "date", day);
    jw_ntext(&w, "from", o.o.name);
    jw_ntext(&w, "to", name);
    jw_object_end(&w);
    struct act *a = cx_act(cx, "office", id);
    a->object_name = name;
    a->office = id;
    a->detail = buf_str(&b);
    return OK;
}
