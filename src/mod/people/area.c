// SPDX-License-Identifier: MulanPSL-2.0
// Areas: what a code means and what lies below what. A code may come from an older list, so it
// is resolved before it is compared; a register's place digits (320594) never resolve. Keeps true: what is below what is read from `path`, never from the
// digits: 320576 is a statistical area without being an administrative division, and a code's digits do not say so.
#include "mod/people/own.h"

int people_area_get(struct cx *cx, struct str code, struct people_area *ret) {
    struct area a;
    int rc = area_read(cx, code, &a);
    if (rc == ERR_not_found) {
        struct stmt *s = store_query(cx->db, Q_people_area_alias, "s", code);
        struct str real = store_next(s) ? store_str(s, 0, cx->mem) : STR_NONE;
        rc = store_done(s, &cx->err);
        if (rc == OK) rc = real.p ? area_read(cx, real, &a) : ERR_not_found;
    }
    if (rc == OK) *ret = a.a;
    return rc;
}

struct str people_area_resolve(struct cx *cx, struct str code) {
    struct people_area a;
    return people_area_get(cx, code, &a) == OK ? a.code : STR_NONE;
}

struct str people_area_name(struct cx *cx, struct str code) {
    struct people_area a;
    return people_area_get(cx, code, &a) == OK ? a.name : STR_NONE;
}

bool people_area_within(struct cx *cx, struct str code, struct str ancestor) {
    struct people_area a, top;
    if (!code.p || !ancestor.p || people_area_get(cx, code, &a) != OK) return false;
    if (str_eq(a.code, ancestor)) return true;
    return people_area_get(cx, ancestor, &top) == OK && str_starts(a.path, top.path);
}

struct str people_city_code(struct cx *cx) {
    struct stmt *s = store_query(cx->db, Q_people_city, "");
    struct str code = store_next(s) ? store_str(s, 0, cx->mem) : STR_NONE;
    return store_done(s, &cx->err) == OK ? code : STR_NONE;
}

struct str people_word(struct cx *cx, const char *key, bool zh) {
    struct stmt *s = store_query(cx->db, Q_people_word, "z", key);
    struct str word = store_next(s) ? store_str(s, zh ? 0 : 1, cx->mem) : STR_NONE;
    return store_done(s, &cx->err) == OK ? word : STR_NONE;
}
