// SPDX-License-Identifier: MulanPSL-2.0
// Accounts and who may do what with them. Keeps true: (1) the system administrator makes accounts and grants
// nothing, the security administrator grants and makes none, nobody touches their own account; (2) the last active
// administrator of a kind cannot be removed, or nobody could ever repair it; (3) an account that moves to another
// office leaves its business roles behind, since a role is held in an office; (4) administrators' passwords are
// never reset by another administrator: who could would hold both offices. All on the writer but for the last two.
#include "mod/people/own.h"
#include <assert.h>
#include <inttypes.h>

static struct str id_text(struct cx *cx, int64_t id) {
    return str_print(cx->mem, "%" PRId64, id);
}

// The account as the audit log keeps it, before and after: names in byte order, no secret, so its digest is stable.
static struct str account_json(struct cx *cx, const struct account *a, uint32_t roles) {
    struct buf b = buf_new(cx->mem, 256, 8192);
    struct jw w = jw_to(&b);
    jw_object(&w);
    jw_ntext(&w, "login", a->login);
    jw_ntext(&w, "name", a->name);
    jw_ntext(&w, "office", a->office);
    jw_ntext(&w, "roles", roles_text(cx, roles));
    jw_ntext(&w, "state", a->state);
    jw_object_end(&w);
    return buf_str(&b);
}

// Acts on accounts belong to the account's office, so that its people see what was done to their own.
static struct act *account_act(struct cx *cx, const char *verb, const struct account *a) {
    struct act *act = cx_act(cx, "account", id_text(cx, a->id));
    act->verb = verb;
    act->object_name = a->login;
    act->office = a->office;
    return act;
}

bool account_login_ok(struct str login) {
    if (login.n < 2 || login.n > PEOPLE_LOGIN_MAX) return false;
    for (size_t i = 0; i < login.n; i++) {
        char c = login.p[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (!is_word)
            return false; // lower case only: two logins that differ in case are one person's mistake
    }
    return true;
}

// An office that takes people in: there, and not ended by today.
static int office_open(struct cx *cx, struct str id, struct office *ret) {
    int code = office_read(cx, id, ret);
    if (code == ERR_not_found) return cx_fail(cx, ERR_office_unknown, "office", "%.*s", STRF(id));
    if (code != OK) return code;
    if (ret->o.valid_to.p && str_cmp(ret->o.valid_to, people_day(cx, cx->now_ms)) <= 0)
        return cx_fail(cx, ERR_office_ended, "office", "%.*s", STRF(ret->o.successor));
    return OK;
}

// A new account has no role: making and granting are two persons' work. Its area is its office's unless said otherwise.
int account_create(struct cx *cx, struct account_new *a) {
    assert(cx->is_writer);
    struct office o = {0};
    struct account known;
    if (!account_login_ok(a->login)) return cx_fail(cx, ERR_field_value, "login", "a-z 0-9 - _ .");
    int code = a->office.p ? office_open(cx, a->office, &o) : OK;
    if (code != OK) return code;
    struct str area = a->area.p ? people_area_resolve(cx, a->area) : o.o.area;
    if (a->area.p && !area.p) return cx_fail(cx, ERR_area_unknown, "area", "%s", "");
    code = account_read_login(cx, a->login, &known);
    if (code == OK) return cx_fail(cx, ERR_store_unique, "login", "%.*s", STRF(a->login));
    if (code != ERR_not_found) return code;
    code = store_exec(cx->db, NULL, &cx->err, Q_people_account_insert, "sssssiiii", a->login, a->name,
                      a->office, area, a->password, cx->now_ms, (int64_t)a->must_change,
                      (int64_t)a->is_synthetic, cx->who.account);
    if (code != OK) return code;
    a->id = store_last_id(cx->db);
    struct account made = {
        .id = a->id, .login = a->login, .name = a->name, .office = a->office, .state = S("active")};
    account_act(cx, "account.create", &made)->after = account_json(cx, &made, 0);
    return OK;
}

int account_end_sessions(struct cx *cx, int64_t id) {
    return store_exec(cx->db, NULL, &cx->err, Q_people_sessions_drop, "i", id);
}

// Would taking these roles from this account leave nobody active who holds one of the administrator's roles?
static int last_admin(struct cx *cx, int64_t id, uint32_t removed) {
    for (int i = 0; i < ROLE_COUNT; i++) {
        if (!(removed & R_ADMINS & (1u << i))) continue;
        struct stmt *s = store_query(cx->db, Q_people_role_holders, "zi", role_code(i), id);
        int64_t others = store_next(s) ? store_int(s, 0) : 0;
        int code = store_done(s, &cx->err);
        if (code != OK) return code;
        if (others == 0) return cx_fail(cx, ERR_last_admin, "roles", "%s", role_code(i));
    }
    return OK;
}

// An account as it is and its roles, refused when it is one's own.
static int other_account(struct cx *cx, int64_t id, struct account *ret, uint32_t *ret_roles) {
    int code = missing(cx, account_read(cx, id, ret), "id", id_text(cx, id));
    if (code == OK) code = roles_read(cx, id, ret_roles);
    if (code == OK && id == cx->who.account) return cx_fail(cx, ERR_own_account, "id", "%s", "");
    return code;
}

// The roles as a whole, each with who granted it and when; history is in the acts.
int account_roles_put(struct cx *cx, int64_t id, uint32_t roles) {
    int code = store_exec(cx->db, NULL, &cx->err, Q_people_roles_drop, "i", id);
    for (int i = 0; i < ROLE_COUNT && code == OK; i++)
        if (roles & (1u << i))
            code = store_exec(cx->db, NULL, &cx->err, Q_people_role_grant, "izii", id, role_code(i),
                              cx->now_ms, cx->who.account);
    return code;
}

int account_change(struct cx *cx, int64_t id, int64_t *ret_version) {
    struct account was, now;
    struct office o;
    uint32_t roles, kept;
    int code = other_account(cx, id, &was, &roles);
    if (code == OK) code = cx_match(cx, was.version);
    if (code != OK) return code;
    now = was;
    kept = roles;
    if (cx_has(cx, "name")) now.name = cx_text(cx, "name");
    if (cx_has(cx, "office")) now.office = cx_text(cx, "office");
    if (cx_has(cx, "state")) now.state = cx_text(cx, "state");
    bool moves = !str_eq(now.office, was.office), is_off = !str_eq(now.state, S("active"));
    if (moves) {
        code = office_open(cx, now.office, &o);
        kept &= ~(R_ALL_OFFICE | R_(DEVELOPER));
    }
    if (code == OK && is_off && str_eq(was.state, S("active"))) code = last_admin(cx, id, roles);
    // "active" is also how an administrator ends the lock after wrong passwords before its time.
    bool unlocks = cx_has(cx, "state") && !is_off;
    if (unlocks) guard_clear(&people_state(cx)->guard, guard_key(cx, "login", was.login));
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_people_account_update, "isssiiii", id, now.name,
                          now.office, now.state, unlocks ? (int64_t)0 : was.locked_until_ms, cx->now_ms,
                          cx->who.account, was.version);
    if (code == OK && kept != roles) code = account_roles_put(cx, id, kept);
    if (code == OK && is_off) code = account_end_sessions(cx, id);
    if (code == OK && (is_off || moves)) code = cx_announce(cx, "account.ended", id_text(cx, id), was.office);
    if (code != OK) return code;
    people_auth_moved(cx);
    struct act *a = account_act(cx, "account.change", &now);
    a->before = account_json(cx, &was, roles);
    a->after = account_json(cx, &now, kept);
    *ret_version = was.version + 1;
    return OK;
}

int account_reset_ok(struct cx *cx, int64_t id, struct account *ret) {
    uint32_t roles;
    int code = other_account(cx, id, ret, &roles);
    if (code == OK && (roles & R_ADMINS)) return cx_fail(cx, ERR_admin_password, "id", "%s", "");
    return code;
}

// Whoever knew the old password is out at once, on every device.
static int set_password(struct cx *cx, const struct account *a, struct str stored, bool must_change) {
    int code = store_exec(cx->db, NULL, &cx->err, Q_people_account_password, "isiii", a->id, stored,
                          cx->now_ms, (int64_t)must_change, cx->who.account);
    if (code == OK) code = account_end_sessions(cx, a->id);
    if (code != OK) return code;
    guard_clear(&people_state(cx)->guard, guard_key(cx, "login", a->login));
    people_auth_moved(cx);
    (void)account_act(cx, "account.password", a);
    return OK;
}

int account_reset(struct cx *cx, int64_t id, struct str stored) {
    struct account a;
    int code = account_reset_ok(cx, id, &a); // again: the roles may have moved since the worker looked
    return code == OK ? set_password(cx, &a, stored, true) : code;
}

// Judged in this order: not oneself, what may not meet, who would be missing. The same set again is no act at all.
int account_roles_set(struct cx *cx, int64_t id, uint32_t roles, int64_t *ret_version) {
    struct account a;
    uint32_t was;
    int code = other_account(cx, id, &a, &was);
    if (code == OK && cx_header(cx, "If-Match").p) code = cx_match(cx, a.version);
    if (code == OK) code = roles_check(cx, roles);
    if (code == OK) code = last_admin(cx, id, was & ~roles);
    if (code == OK && (roles & R_ALL_OFFICE) && !a.office.p)
        code = cx_fail(cx, ERR_field_missing, "office", "%s", "");
    *ret_version = a.version;
    if (code != OK || roles == was) return code; // the same again changes nothing and says nothing
    code = account_roles_put(cx, id, roles);
    if (code == OK)
        code =
            store_exec(cx->db, NULL, &cx->err, Q_people_account_step, "iii", id, cx->now_ms, cx->who.account);
    if (code != OK) return code;
    people_auth_moved(cx);
    struct act *act = account_act(cx, "account.roles", &a);
    act->before = account_json(cx, &a, was);
    act->after = account_json(cx, &a, roles);
    act->detail = str_print(cx->mem, "{\"after\":\"%.*s\",\"before\":\"%.*s\"}", STRF(roles_text(cx, roles)),
                            STRF(roles_text(cx, was)));
    *ret_version = a.version + 1;
    return OK;
}

// The command line: whoever may run it on the server already holds the folder.
struct admin {
    struct str login, stored;
    int role;
};

// An account that exists must hold this very role and nothing else: the command line repairs, it does not convert.
static int admin_run(struct cx *cx, void *arg) {
    struct admin *m = arg;
    struct account a;
    uint32_t roles = 0, bit = 1u << m->role;
    int code = account_read_login(cx, m->login, &a);
    if (code == OK) {
        code = roles_read(cx, a.id, &roles);
        if (code == OK && roles != bit)
            return cx_fail(cx, ERR_role_conflict, "login", "%s", role_code(m->role));
        if (code == OK) code = set_password(cx, &a, m->stored, false);
        return code == OK
                   ? store_exec(cx->db, NULL, &cx->err, Q_people_account_update, "isssiiii", a.id, a.name,
                                a.office, S("active"), (int64_t)0, cx->now_ms, (int64_t)0, a.version + 1)
                   : code;
    }
    if (code != ERR_not_found) return code;
    struct account_new n = {.login = m->login, .name = m->login, .password = m->stored};
    code = account_create(cx, &n);
    if (code == OK) code = account_roles_put(cx, n.id, bit);
    if (code != OK) return code;
    struct account made = {.id = n.id, .login = n.login, .name = n.name, .state = S("active")};
    account_act(cx, "account.roles", &made)->after = account_json(cx, &made, bit);
    people_auth_moved(cx);
    return OK;
}

int people_admin_create(struct cx *cx, struct str login, struct str role, struct str password) {
    struct admin m = {.login = login, .role = role_index(role)};
    if (m.role < 0 || !((1u << m.role) & R_ADMINS))
        return cx_fail(cx, ERR_role_unknown, "role", "%.*s", STRF(role));
    int code = people_password_rule(cx, login, password, "password");
    if (code == OK) code = password_hash(cx->mem, cx->hasher, cx->city->key, password, &m.stored, &cx->err);
    return code == OK ? cx_write(cx, admin_run, &m) : code;
}

struct str people_account_name(struct cx *cx, int64_t account) {
    struct stmt *s = store_query(cx->db, Q_people_account_name, "i", account);
    struct str name = store_next(s) ? store_str(s, 0, cx->mem) : STR_NONE;
    return store_done(s, &cx->err) == OK ? name : STR_NONE;
}

struct str people_account_login(struct cx *cx, int64_t account) {
    struct stmt *s = store_query(cx->db, Q_people_account_name, "i", account);
    struct str login = store_next(s) ? store_str(s, 1, cx->mem) : STR_NONE;
    return store_done(s, &cx->err) == OK ? login : STR_NONE;
}

bool people_office_has(struct cx *cx, struct str office, uint32_t roles) {
    struct stmt *s = store_query(cx->db, Q_people_office_holders, "s", office);
    bool found = false;
    while (!found && store_next(s)) {
        int i = role_index(store_str(s, 0, NULL));
        found = i >= 0 && (roles & (1u << i));
    }
    return store_done(s, &cx->err) == OK && found;
}
