// SPDX-License-Identifier: MulanPSL-2.0
// Reads and judges what a pack says about areas, offices, roles, words and demonstration accounts. Every mistake is
// told with file and line; nothing is written here. Keeps true for pack_put.c: codes and ids are unique, every
// parent, line, successor and area exists, successors form no ring, the roles are exactly those the routes know.
#include "mod/people/pack_own.h"
#include "core/element.h"
#include <inttypes.h>

struct pack_people *pack_people(struct pack *p) {
    return p->mod[module_index("people")];
}

// Half empty at most, so that probing stays short.
bool names_open(struct arena *mem, struct names *n, size_t most) {
    size_t cap = 16;
    while (cap < most * 2)
        cap *= 2;
    *n = (struct names){arena_array(mem, cap, sizeof *n->keys), arena_array(mem, cap, sizeof *n->rows), cap};
    return n->keys && n->rows;
}

// Where the key stands or would stand.
static size_t place_of(const struct names *n, struct str key) {
    size_t i = (size_t)str_hash(key) & (n->cap - 1);
    while (n->keys[i].p && !str_eq(n->keys[i], key))
        i = (i + 1) & (n->cap - 1);
    return i;
}

bool names_add(struct names *n, struct str key, size_t row) {
    size_t i = place_of(n, key);
    if (n->keys[i].p) return false;
    n->keys[i] = key;
    n->rows[i] = row;
    return true;
}

bool names_find(const struct names *n, struct str key, size_t *ret_row) {
    if (!n->cap || !key.p) return false;
    size_t i = place_of(n, key);
    if (!n->keys[i].p) return false;
    *ret_row = n->rows[i];
    return true;
}

// Cells that must be there; false (and mistakes told) when one is not.
static bool has_all(struct cx *cx, struct pack *p, const struct pack_table *t, size_t row,
                    const char *const *columns) {
    bool ok = true;
    for (; *columns; columns++)
        if (!pack_cell(t, row, *columns).p) {
            pack_mistake(cx, p, t->file, t->lines[row], ERR_field_missing, *columns, "%s", "");
            ok = false;
        }
    return ok;
}

// A mistake that shows the value; cut, since a whole wrong file may stand in one cell.
static void bad(struct cx *cx, struct pack *p, const struct pack_table *t, size_t row, enum err_code code,
                const char *column, struct str value) {
    pack_mistake(cx, p, t->file, t->lines[row], code, column, "%.*s", (int)(value.n > 60 ? 60 : value.n),
                 value.p);
}

static void check_day(struct cx *cx, struct pack *p, const struct pack_table *t, size_t row,
                      const char *column) {
    struct str v = pack_cell(t, row, column);
    int32_t days;
    // Days are compared as text later: only the one spelling will do.
    if (v.p && (v.n != 10 || v.p[4] != '-' || !clock_read_date(v, &days)))
        bad(cx, p, t, row, ERR_date_form, column, v);
}

// Statistical codes have 6, 9 or 12 digits, provinces elsewhere 2: the length says the level and is not relied on.
static bool is_code(struct str s) {
    if (s.n < 2 || s.n > 12) return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9') return false;
    return true;
}

static bool is_id(struct str s) {
    if (s.n < 1 || s.n > PEOPLE_LOGIN_MAX) return false;
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-' ||
              s.p[i] == '_'))
            return false;
    return true;
}

// 0 for anything that is not a number; then the bounds complain.
static int64_t level_of(const struct pack_table *t, size_t row) {
    int64_t level = 0;
    struct str v = pack_cell(t, row, "level");
    return v.p && str_int64(v, &level) ? level : 0;
}

// "320571", "320571:list" or "320594:register". An alias that is also a code would make that code unreachable.
static void check_aliases(struct cx *cx, struct pack *p, struct pack_people *pp, size_t row) {
    const struct pack_table *t = &pp->areas;
    struct str rest = pack_cell(t, row, "aliases");
    size_t other;
    for (int n = 0; rest.p; n++) {
        struct str kind, one = str_cut(rest, '|', &rest), alias = str_trim(str_cut(one, ':', &kind));
        if (n == PACK_ALIASES_MAX) {
            bad(cx, p, t, row, ERR_too_large, "aliases", S("20"));
            return;
        }
        bool kind_ok = !kind.p || str_eq(kind, S("list")) || str_eq(kind, S("register"));
        if (!is_code(alias) || !kind_ok)
            bad(cx, p, t, row, ERR_field_value, "aliases", one);
        else if (names_find(&pp->area_rows, alias, &other) || !names_add(&pp->alias_rows, alias, row))
            bad(cx, p, t, row, ERR_twice, "aliases", alias);
    }
}

static int check_areas(struct cx *cx, struct pack *p, struct pack_people *pp) {
    static const char *const needed[] = {"code", "name", "level", "kind", "vintage", "is_admin", NULL};
    const struct pack_table *t = &pp->areas;
    if (!names_open(p->mem, &pp->area_rows, t->n) ||
        !names_open(p->mem, &pp->alias_rows, t->n * PACK_ALIASES_MAX))
        return cx_fail(cx, ERR_no_memory, "areas", "pack");
    for (size_t i = 0; i < t->n; i++) {
        if (!has_all(cx, p, t, i, needed)) continue;
        struct str code = pack_cell(t, i, "code"), is_admin = pack_cell(t, i, "is_admin");
        int64_t level = level_of(t, i);
        if (!is_code(code))
            bad(cx, p, t, i, ERR_area_form, "code", code);
        else if (!names_add(&pp->area_rows, code, i))
            bad(cx, p, t, i, ERR_twice, "code", code);
        if (level < 1 || level > 5) bad(cx, p, t, i, ERR_field_value, "level", pack_cell(t, i, "level"));
        if (!str_eq(is_admin, S("0")) && !str_eq(is_admin, S("1")))
            bad(cx, p, t, i, ERR_field_value, "is_admin", is_admin);
        check_day(cx, p, t, i, "vintage");
        check_day(cx, p, t, i, "valid_from");
        check_day(cx, p, t, i, "valid_to");
    }
    // Parents in a second walk: a file may name a child before its parent.
    for (size_t i = 0; i < t->n; i++) {
        size_t up = 0;
        struct str parent = pack_cell(t, i, "parent");
        bool has_up = names_find(&pp->area_rows, parent, &up);
        // The root may stand at any level; below it each area hangs exactly one level up, so that there are no rings.
        if (parent.p && (!has_up || level_of(t, up) != level_of(t, i) - 1))
            bad(cx, p, t, i, ERR_area_parent, "parent", parent);
        check_aliases(cx, p, pp, i);
    }
    size_t city;
    if (p->city_code.n && !names_find(&pp->area_rows, p->city_code, &city))
        pack_mistake(cx, p, S("pack.json"), 0, ERR_area_unknown, "city", "%.*s", STRF(p->city_code));
    return OK;
}

static void check_office_link(struct cx *cx, struct pack *p, struct pack_people *pp, size_t row,
                              const char *column) {
    size_t other;
    struct str v = pack_cell(&pp->offices, row, column);
    if (v.p && !names_find(&pp->office_rows, v, &other))
        bad(cx, p, &pp->offices, row, ERR_office_unknown, column, v);
}

// Following successors or parents must end.
static void check_ring(struct cx *cx, struct pack *p, struct pack_people *pp, size_t row,
                       const char *column) {
    size_t at = row;
    for (int i = 0; i <= PEOPLE_SUCCESSOR_STEPS; i++) {
        struct str next = pack_cell(&pp->offices, at, column);
        if (!next.p || !names_find(&pp->office_rows, next, &at)) return;
        if (at == row) break;
    }
    bad(cx, p, &pp->offices, row, ERR_twice, column, pack_cell(&pp->offices, row, column));
}

static void check_office(struct cx *cx, struct pack *p, struct pack_people *pp, size_t i) {
    static const char *const needed[] = {"name", "name_en", "short", "kind", "level", "area", NULL};
    const struct pack_table *t = &pp->offices;
    size_t row;
    if (!has_all(cx, p, t, i, needed)) return;
    struct str area = pack_cell(t, i, "area"), uscc = pack_cell(t, i, "uscc"),
               roles = pack_cell(t, i, "roles");
    if (!names_find(&pp->area_rows, area, &row)) bad(cx, p, t, i, ERR_area_unknown, "area", area);
    if (level_of(t, i) < 1 || level_of(t, i) > 5)
        bad(cx, p, t, i, ERR_field_value, "level", pack_cell(t, i, "level"));
    enum err_code code = uscc.p ? element_check(ELEMENT_USCC, uscc, 0, NULL, NULL) : OK;
    if (code != OK) bad(cx, p, t, i, code, "uscc", uscc);
    while (roles.p) {
        struct str one = str_cut(roles, ' ', &roles);
        if (one.n != 1 || !strchr("SDAV", one.p[0])) bad(cx, p, t, i, ERR_field_value, "roles", one);
    }
    check_day(cx, p, t, i, "valid_from");
    check_day(cx, p, t, i, "valid_to");
    // An end without a successor leaves data without an owner; a successor without an end, two owners.
    if (!pack_cell(t, i, "successor").p != !pack_cell(t, i, "valid_to").p)
        pack_mistake(cx, p, t->file, t->lines[i], ERR_field_missing,
                     pack_cell(t, i, "successor").p ? "valid_to" : "successor", "%s", "");
    static const char *const links[] = {"parent", "line", "successor", NULL};
    for (const char *const *l = links; *l; l++) {
        check_office_link(cx, p, pp, i, *l);
        check_ring(cx, p, pp, i, *l);
    }
}

static int check_offices(struct cx *cx, struct pack *p, struct pack_people *pp) {
    const struct pack_table *t = &pp->offices;
    if (!names_open(p->mem, &pp->office_rows, t->n)) return cx_fail(cx, ERR_no_memory, "offices", "pack");
    for (size_t i = 0; i < t->n; i++) {
        struct str id = pack_cell(t, i, "office_id");
        if (!id.p || !is_id(id))
            bad(cx, p, t, i, ERR_field_value, "office_id", id.p ? id : S(""));
        else if (!names_add(&pp->office_rows, id, i))
            bad(cx, p, t, i, ERR_twice, "office_id", id);
    }
    for (size_t i = 0; i < t->n; i++)
        check_office(cx, p, pp, i);
    return OK;
}

static const char *const role_words_zh[] = {
#define ROLE(NAME, code, zh, en) zh,
#include "core/roles.def"
#undef ROLE
};

// Roles of a cell; unknown ones are told and left out.
static uint32_t check_role_list(struct cx *cx, struct pack *p, const struct pack_table *t, size_t row,
                                const char *column) {
    struct str rest = pack_cell(t, row, column);
    uint32_t roles = 0;
    while (rest.p) {
        struct str one = str_cut(rest, ' ', &rest);
        int i = role_index(one);
        if (i < 0)
            bad(cx, p, t, row, ERR_role_unknown, column, one);
        else
            roles |= 1u << i;
    }
    return roles;
}

// The routes are compiled with the roles: a pack that lacks one, or calls it otherwise, speaks of another program.
static void check_roles(struct cx *cx, struct pack *p, struct pack_people *pp) {
    const struct pack_table *t = &pp->roles;
    uint32_t seen = 0;
    for (size_t i = 0; i < t->n; i++) {
        struct str role = pack_cell(t, i, "role"), zh = pack_cell(t, i, "zh");
        int k = role_index(role);
        if (k < 0) {
            bad(cx, p, t, i, ERR_role_unknown, "role", role);
            continue;
        }
        if (seen & (1u << k)) bad(cx, p, t, i, ERR_twice, "role", role);
        seen |= 1u << k;
        if (!str_eq(zh, str_of(role_words_zh[k]))) bad(cx, p, t, i, ERR_field_value, "zh", zh);
        (void)check_role_list(cx, p, t, i, "conflicts");
    }
    for (int k = 0; k < ROLE_COUNT && t->columns; k++)
        if (!(seen & (1u << k)))
            pack_mistake(cx, p, t->file, 0, ERR_role_unlisted, "role", "%s", role_code(k));
}

// The pack's own conflicts: the store does not know them yet when the accounts of the same pack are judged.
static bool may_hold(const struct pack_table *t, uint32_t roles) {
    for (int i = 0; i < ROLE_COUNT; i++)
        if ((roles & (1u << i)) && (roles & roles_conflicting(i))) return false;
    for (size_t i = 0; i < t->n; i++) {
        int a = role_index(pack_cell(t, i, "role"));
        struct str rest = pack_cell(t, i, "conflicts");
        while (rest.p) {
            int b = role_index(str_cut(rest, ' ', &rest));
            if (a >= 0 && b >= 0 && (roles & (1u << a)) && (roles & (1u << b))) return false;
        }
    }
    return true;
}

// Only read with --demo. Judged as an administrator would be: nothing gets in by the pack that the API refuses.
static int check_accounts(struct cx *cx, struct pack *p, struct pack_people *pp) {
    static const char *const needed[] = {"login", "name", "roles", NULL};
    const struct pack_table *t = &pp->accounts;
    struct names logins;
    if (!names_open(p->mem, &logins, t->n)) return cx_fail(cx, ERR_no_memory, "accounts", "pack");
    for (size_t i = 0; i < t->n; i++) {
        if (!has_all(cx, p, t, i, needed)) continue;
        size_t row;
        struct str login = pack_cell(t, i, "login"), office = pack_cell(t, i, "office_id"),
                   area = pack_cell(t, i, "area");
        if (!account_login_ok(login))
            bad(cx, p, t, i, ERR_field_value, "login", login);
        else if (!names_add(&logins, login, i))
            bad(cx, p, t, i, ERR_twice, "login", login);
        if (area.p && !names_find(&pp->area_rows, area, &row))
            bad(cx, p, t, i, ERR_area_unknown, "area", area);
        uint32_t roles = check_role_list(cx, p, t, i, "roles");
        if (!may_hold(&pp->roles, roles))
            bad(cx, p, t, i, ERR_role_conflict, "roles", pack_cell(t, i, "roles"));
        if (office.p && !names_find(&pp->office_rows, office, &row))
            bad(cx, p, t, i, ERR_office_unknown, "office_id", office);
        if (!office.p && (roles & R_ALL_OFFICE)) bad(cx, p, t, i, ERR_field_missing, "office_id", S(""));
    }
    return OK;
}

static void check_words(struct cx *cx, struct pack *p, struct pack_people *pp) {
    static const char *const needed[] = {"key", "zh", "en", NULL};
    for (size_t i = 0; i < pp->words.n; i++)
        (void)has_all(cx, p, &pp->words, i, needed);
}

int people_pack_check(struct cx *cx, struct pack *p) {
    struct pack_people *pp = arena_take(p->mem, sizeof *pp);
    if (!pp) return cx_fail(cx, ERR_no_memory, "people", "pack");
    p->mod[module_index("people")] = pp;
    int code = pack_csv(cx, p, "areas.csv", true, &pp->areas);
    if (code == OK) code = pack_csv(cx, p, "offices.csv", true, &pp->offices);
    if (code == OK) code = pack_csv(cx, p, "roles.csv", true, &pp->roles);
    if (code == OK) code = pack_csv(cx, p, "words.csv", false, &pp->words);
    if (code == OK && p->with_demo) code = pack_csv(cx, p, "demo/accounts.csv", false, &pp->accounts);
    if (code == OK) code = check_areas(cx, p, pp);
    if (code == OK) code = check_offices(cx, p, pp);
    if (code != OK) return code;
    check_roles(cx, p, pp);
    check_words(cx, p, pp);
    return check_accounts(cx, p, pp);
}
