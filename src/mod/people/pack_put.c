// SPDX-License-Identifier: MulanPSL-2.0
// Writes what a pack says, inside the one transaction of its loading. Keeps true: a pack loaded again undoes nothing
// that people have done since: a renaming stays, a hand-over stays, accounts that exist are left alone; what the pack
// itself has changed (a new name, an end with a successor) happens as if somebody had done it, with history.
#include "mod/people/pack_own.h"
#include <inttypes.h>

int people_pack_stage(struct cx *cx, struct pack *p) {
    struct pack_people *pp = pack_people(p);
    struct account a;
    bool is_new = false;
    for (size_t i = 0; i < pp->accounts.n && !is_new; i++) {
        int code = account_read_login(cx, pack_cell(&pp->accounts, i, "login"), &a);
        if (code != OK && code != ERR_not_found) return code;
        is_new = code == ERR_not_found;
    }
    // One hash serves all: the password is printed in the README, so it protects nothing and need not cost 15 times.
    if (!is_new) return OK;
    return password_hash(p->mem, cx->hasher, cx->city->key, S(PEOPLE_DEMO_PASSWORD), &pp->demo_password,
                         &cx->err);
}

static struct str path_of(struct cx *cx, const struct pack_people *pp, size_t row) {
    struct str path = str_print(cx->mem, "%.*s/", STRF(pack_cell(&pp->areas, row, "code")));
    // At most five levels: check has made sure that each parent stands one level up.
    while (names_find(&pp->area_rows, pack_cell(&pp->areas, row, "parent"), &row))
        path = str_print(cx->mem, "%.*s/%.*s", STRF(pack_cell(&pp->areas, row, "code")), STRF(path));
    return path;
}

static int put_aliases(struct cx *cx, const struct pack_table *t, size_t row, struct str code) {
    struct str rest = pack_cell(t, row, "aliases");
    int rc = OK;
    while (rest.p && rc == OK) {
        struct str kind, alias = str_trim(str_cut(str_cut(rest, '|', &rest), ':', &kind));
        rc = store_exec(cx->db, NULL, &cx->err, Q_people_area_alias_put, "sssi", alias, code,
                        kind.p ? kind : S("list"), cx->now_ms);
    }
    return rc;
}

// Rows that the pack no longer has go away at the end: they are those that this load has not touched.
static int put_areas(struct cx *cx, const struct pack_people *pp) {
    const struct pack_table *t = &pp->areas;
    int code = OK;
    for (size_t i = 0; i < t->n && code == OK; i++) {
        int64_t level;
        struct str id = pack_cell(t, i, "code"), parent = pack_cell(t, i, "parent");
        if (!str_int64(pack_cell(t, i, "level"), &level))
            return cx_fail(cx, ERR_internal, "level", "checked before");
        code = store_exec(cx->db, NULL, &cx->err, Q_people_area_put, "ssisssssissi", id,
                          pack_cell(t, i, "name"), level, parent.p ? parent : S(""), pack_cell(t, i, "kind"),
                          pack_cell(t, i, "vintage"), pack_cell(t, i, "valid_from"),
                          pack_cell(t, i, "valid_to"), (int64_t)str_eq(pack_cell(t, i, "is_admin"), S("1")),
                          pack_cell(t, i, "note"), path_of(cx, pp, i), cx->now_ms);
        if (code == OK) code = put_aliases(cx, t, i, id);
    }
    if (code == OK) code = store_exec(cx->db, NULL, &cx->err, Q_people_areas_old_delete, "i", cx->now_ms);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_people_area_aliases_old_delete, "i", cx->now_ms);
    return code;
}

// The pack's own title is of the pack; the city is called as words.csv or the area list calls it.
static int put_city(struct cx *cx, const struct pack *p, const struct pack_people *pp) {
    size_t row;
    struct str zh = p->title_zh, en = p->title_en;
    if (names_find(&pp->area_rows, p->city_code, &row)) zh = pack_cell(&pp->areas, row, "name");
    for (size_t i = 0; i < pp->words.n; i++)
        if (str_eq(pack_cell(&pp->words, i, "key"), S("city"))) {
            zh = pack_cell(&pp->words, i, "zh");
            en = pack_cell(&pp->words, i, "en");
        }
    return store_exec(cx->db, NULL, &cx->err, Q_people_city_put, "ssssi", p->city_code, p->id, zh, en,
                      cx->now_ms);
}

// A link as it is today: the pack may still name an office that has handed over since.
static struct str link_of(struct cx *cx, const struct pack_table *t, size_t row, const char *column) {
    struct str v = pack_cell(t, row, column);
    return v.p ? people_office_current(cx, v) : STR_NONE;
}

// Its first name holds from its first day, or from ever when the pack does not know the day.
static int new_office(struct cx *cx, const struct pack_table *t, size_t i, int64_t level) {
    struct str id = pack_cell(t, i, "office_id"), name = pack_cell(t, i, "name"),
               en = pack_cell(t, i, "name_en");
    struct str brief = pack_cell(t, i, "short"), from = pack_cell(t, i, "valid_from"),
               roles = pack_cell(t, i, "roles");
    int code = store_exec(cx->db, NULL, &cx->err, Q_people_office_insert, "ssssssissssssssi", id, name, en,
                          brief, pack_cell(t, i, "uscc"), pack_cell(t, i, "kind"), level,
                          pack_cell(t, i, "area"), link_of(cx, t, i, "parent"), link_of(cx, t, i, "line"),
                          from, pack_cell(t, i, "valid_to"), pack_cell(t, i, "successor"),
                          roles.p ? roles : S(""), pack_cell(t, i, "note"), cx->now_ms);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_people_office_name_put, "sisssii", id,
                          people_day_ms(from), name, en, brief, cx->now_ms, (int64_t)0);
    return code;
}

// An office that stands already: the pack's facts win, except the name that people gave it and its hand-over.
static int known_office(struct cx *cx, const struct pack *p, const struct pack_table *t, size_t i,
                        int64_t level, const struct office *o) {
    struct str id = o->o.id, name = pack_cell(t, i, "name"), en = pack_cell(t, i, "name_en"),
               brief = pack_cell(t, i, "short");
    struct str roles = pack_cell(t, i, "roles"), successor = pack_cell(t, i, "successor"), pack_name = name;
    bool is_renamed = !str_eq(name, o->pack_name); // by the pack, since it was last loaded
    int code = OK;
    if (is_renamed)
        code = store_exec(cx->db, NULL, &cx->err, Q_people_office_name_put, "sisssii", id,
                          people_day_ms(people_day(cx, cx->now_ms)), name, en, brief, cx->now_ms, (int64_t)0);
    else if (!str_eq(name, o->o.name)) { // by people: theirs stays
        name = o->o.name;
        en = o->o.name_en;
        brief = o->o.brief;
    }
    if (code == OK)
        code =
            store_exec(cx->db, NULL, &cx->err, Q_people_office_update, "ssssssisssssssi", id, name, en, brief,
                       pack_cell(t, i, "uscc"), pack_cell(t, i, "kind"), level, pack_cell(t, i, "area"),
                       link_of(cx, t, i, "parent"), link_of(cx, t, i, "line"), pack_cell(t, i, "valid_from"),
                       roles.p ? roles : S(""), pack_cell(t, i, "note"), pack_name, cx->now_ms);
    if (code != OK || !successor.p || o->o.successor.p) return code;
    return succession_by_pack(cx, id, people_office_current(cx, successor), pack_cell(t, i, "valid_to"),
                              str_print(cx->mem, "pack %.*s %.*s", STRF(p->id), STRF(p->version)));
}

// New offices first, so that a hand-over finds its successor.
static int put_offices(struct cx *cx, const struct pack *p, const struct pack_people *pp) {
    const struct pack_table *t = &pp->offices;
    bool *was_there = arena_array(cx->mem, t->n ? t->n : 1, sizeof *was_there);
    if (!was_there) return cx_fail(cx, ERR_no_memory, "offices", "pack");
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < t->n; i++) {
            struct office o;
            int64_t level;
            if (!str_int64(pack_cell(t, i, "level"), &level))
                return cx_fail(cx, ERR_internal, "level", "checked before");
            int code = office_read(cx, pack_cell(t, i, "office_id"), &o);
            if (code != OK && code != ERR_not_found) return code;
            if (pass == 0) {
                was_there[i] = code == OK;
                code = was_there[i] ? OK : new_office(cx, t, i, level);
            } else {
                code = was_there[i] ? known_office(cx, p, t, i, level, &o) : OK;
            }
            if (code != OK) return code;
        }
    return OK;
}

static int put_conflicts(struct cx *cx, const struct pack_table *t) {
    int code = OK;
    for (size_t i = 0; i < t->n && code == OK; i++) {
        struct str role = pack_cell(t, i, "role"), rest = pack_cell(t, i, "conflicts");
        while (rest.p && code == OK) {
            struct str other = str_cut(rest, ' ', &rest); // both ways round, whichever the pack wrote
            code = store_exec(cx->db, NULL, &cx->err, Q_people_role_conflict_put, "ssi", role, other,
                              cx->now_ms);
            if (code == OK)
                code = store_exec(cx->db, NULL, &cx->err, Q_people_role_conflict_put, "ssi", other, role,
                                  cx->now_ms);
        }
    }
    return code == OK
               ? store_exec(cx->db, NULL, &cx->err, Q_people_role_conflicts_old_delete, "i", cx->now_ms)
               : code;
}

static int put_words(struct cx *cx, const struct pack_table *t) {
    int code = OK;
    for (size_t i = 0; i < t->n && code == OK; i++)
        code = store_exec(cx->db, NULL, &cx->err, Q_people_word_put, "sssi", pack_cell(t, i, "key"),
                          pack_cell(t, i, "zh"), pack_cell(t, i, "en"), cx->now_ms);
    return code == OK ? store_exec(cx->db, NULL, &cx->err, Q_people_words_old_delete, "i", cx->now_ms) : code;
}

// Accounts that exist are left alone, whatever became of their roles since.
static int put_accounts(struct cx *cx, const struct pack_people *pp) {
    const struct pack_table *t = &pp->accounts;
    for (size_t i = 0; i < t->n; i++) {
        struct account known;
        struct str rest = pack_cell(t, i, "roles");
        int code = account_read_login(cx, pack_cell(t, i, "login"), &known);
        if (code == OK) continue;
        if (code != ERR_not_found) return code;
        uint32_t roles = 0;
        while (rest.p) {
            int k = role_index(str_cut(rest, ' ', &rest));
            if (k >= 0) roles |= 1u << k;
        }
        struct account_new a = {.login = pack_cell(t, i, "login"),
                                .name = pack_cell(t, i, "name"),
                                .office = link_of(cx, t, i, "office_id"),
                                .area = pack_cell(t, i, "area"),
                                .password = pp->demo_password,
                                .is_synthetic = true};
        code = account_create(cx, &a);
        if (code == OK) code = account_roles_put(cx, a.id, roles);
        if (code != OK) return code;
        struct act *act = cx_act(cx, "account", str_print(cx->mem, "%" PRId64, a.id));
        act->verb = "account.roles";
        act->object_name = a.login;
        act->office = a.office;
        act->detail = str_print(cx->mem, "{\"after\":\"%.*s\",\"before\":\"\"}", STRF(roles_text(cx, roles)));
    }
    return OK;
}

int people_pack_publish(struct cx *cx, struct pack *p) {
    const struct pack_people *pp = pack_people(p);
    int code = put_areas(cx, pp);
    if (code == OK) code = put_city(cx, p, pp);
    if (code == OK) code = put_offices(cx, p, pp);
    if (code == OK) code = put_conflicts(cx, &pp->roles);
    if (code == OK) code = put_words(cx, &pp->words);
    if (code == OK) code = put_accounts(cx, pp);
    if (code == OK) people_auth_moved(cx);
    return code;
}
