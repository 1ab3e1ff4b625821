// SPDX-License-Identifier: MulanPSL-2.0
// Speaks: accounts and their roles (for the three administrators), the list of roles, the security policy.
#include "mod/people/own.h"
#include <inttypes.h>

static int changed(struct cx *cx, int64_t version) {
    cx_etag(cx, version);
    jw_object(&cx->w);
    jw_nint(&cx->w, "version", version);
    jw_object_end(&cx->w);
    return OK;
}

static int get_accounts(struct cx *cx) {
    struct jw *w = &cx->w;
    int64_t limit = cx_limit(cx, 100, 500), after = 0, n = 0;
    struct str key = cx_after(cx);
    if (key.p && !str_int64(key, &after)) return cx_fail(cx, ERR_cursor, "after", "%s", "");
    jw_object(w);
    jw_name(w, "items");
    jw_array(w);
    bool more = false;
    struct stmt *s = store_query(cx->db, Q_people_accounts, "isssi", after, cx_text(cx, "office"),
                                 like_pattern(cx, cx_text(cx, "q"), false), cx_text(cx, "role"), limit + 1);
    int code = OK;
    while (code == OK && store_next(s)) {
        if (n++ == limit) {
            more = true;
            break;
        }
        struct account a;
        uint32_t roles = 0;
        account_row(cx, s, &a);
        after = a.id;
        code = roles_read(cx, a.id, &roles);
        jw_object(w);
        account_write(cx, &a, roles);
        jw_object_end(w);
    }
    int end = store_done(s, &cx->err);
    jw_array_end(w);
    if (more) cx_next(cx, str_print(cx->mem, "%" PRId64, after));
    jw_object_end(w);
    return code != OK ? code : end;
}

static int account_create_run(struct cx *cx, void *arg) {
    return account_create(cx, arg);
}

// What the new account's holder is told once; nobody can read it again.
static void secret_reply(struct cx *cx, int64_t id, struct str password) {
    cx_reply_header(cx, "Cache-Control", S("no-store"));
    jw_object(&cx->w);
    jw_nint(&cx->w, "id", id);
    jw_ntext(&cx->w, "password", password);
    entry_write(cx);
    jw_object_end(&cx->w);
}

// The password is made and hashed on this worker; only the row is the writer's work.
static int post_account(struct cx *cx) {
    struct account_new a = {.login = cx_text(cx, "login"),
                            .name = cx_text(cx, "name"),
                            .office = cx_text(cx, "office"),
                            .area = cx_text(cx, "area"),
                            .must_change = true};
    struct str clear;
    int code = people_password_make(cx, &clear, &a.password);
    if (code == OK) code = cx_write(cx, account_create_run, &a);
    if (code != OK) return code;
    cx_status(cx, 201);
    secret_reply(cx, a.id, clear);
    return OK;
}

// Name, office, state: what the system administrator decides. Roles are another person's route.
static int patch_account(struct cx *cx) {
    int64_t version;
    int code = account_change(cx, cx_int(cx, "id", 0), &version);
    return code == OK ? changed(cx, version) : code;
}

struct reset {
    int64_t id;
    struct str stored;
};

static int reset_run(struct cx *cx, void *arg) {
    const struct reset *r = arg;
    return account_reset(cx, r->id, r->stored);
}

static int post_account_password(struct cx *cx) {
    struct reset r = {.id = cx_int(cx, "id", 0)};
    struct account a;
    struct str clear;
    int code = account_reset_ok(cx, r.id, &a); // before the slow hashing
    if (code == OK) code = people_password_make(cx, &clear, &r.stored);
    if (code == OK) code = cx_write(cx, reset_run, &r);
    if (code != OK) return code;
    secret_reply(cx, r.id, clear);
    return OK;
}

static int put_roles(struct cx *cx) {
    uint32_t roles;
    int64_t version;
    int code = roles_of_texts(cx, cx_json(cx, "roles"), &roles);
    if (code == OK) code = account_roles_set(cx, cx_int(cx, "id", 0), roles, &version);
    return code == OK ? changed(cx, version) : code;
}

static const struct {
    const char *zh, *en;
} role_words[] = {
#define ROLE(NAME, code, zh, en) {zh, en},
#include "core/roles.def"
#undef ROLE
};

// Both sources together, as a page needs them to grey out what cannot be ticked.
static int conflicts_of(struct cx *cx, int role, uint32_t *ret) {
    uint32_t all = roles_conflicting(role);
    struct stmt *s = store_query(cx->db, Q_people_role_conflicts, "z", role_code(role));
    while (store_next(s)) {
        int k = role_index(store_str(s, 0, NULL));
        if (k >= 0) all |= 1u << k;
    }
    *ret = all;
    return store_done(s, &cx->err);
}

static int get_roles(struct cx *cx) {
    struct jw *w = &cx->w;
    jw_object(w);
    jw_name(w, "items");
    jw_array(w);
    int code = OK;
    for (int i = 0; i < ROLE_COUNT && code == OK; i++) {
        uint32_t conflicts = 0;
        code = conflicts_of(cx, i, &conflicts);
        jw_object(w);
        jw_ntext(w, "role", str_of(role_code(i)));
        jw_ntext(w, "zh", str_of(role_words[i].zh));
        jw_ntext(w, "en", str_of(role_words[i].en));
        roles_write(cx, "conflicts", conflicts);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_object_end(w);
    return code;
}

static int get_policies(struct cx *cx) {
    struct jw *w = &cx->w;
    jw_object(w);
    jw_name(w, "items");
    jw_array(w);
    for (int i = 0; i < POLICY_COUNT; i++) {
        const struct policy_row *p = &policy_rows[i];
        jw_object(w);
        jw_ntext(w, "name", str_of(p->name));
        jw_nint(w, "value", policy(cx, (enum policy)i));
        jw_nint(w, "standard", p->value);
        jw_nint(w, "min", p->min);
        jw_nint(w, "max", p->max);
        jw_ntext(w, "zh", str_of(p->zh));
        jw_ntext(w, "en", str_of(p->en));
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_object_end(w);
    return OK;
}

// Within bounds only: nobody, not even the security administrator, turns a protection off.
static int put_policy(struct cx *cx) {
    struct str name = cx_text(cx, "name");
    int i = policy_index(name);
    int64_t value = cx_int(cx, "value", 0);
    if (i < 0) return cx_fail(cx, ERR_not_found, "name", "%.*s", STRF(name));
    const struct policy_row *p = &policy_rows[i];
    if (value < p->min || value > p->max)
        return cx_fail(cx, ERR_field_range, "value", "%" PRId64 "–%" PRId64, p->min, p->max);
    int64_t was = policy(cx, (enum policy)i);
    int code = store_exec(cx->db, NULL, &cx->err, Q_people_policy_put, "siii", name, value, cx->now_ms,
                          cx->who.account);
    if (code != OK) return code;
    struct act *a = cx_act(cx, "policy", name);
    a->object_name = str_of(p->zh);
    a->detail = str_print(cx->mem, "{\"after\":%" PRId64 ",\"before\":%" PRId64 "}", value, was);
    jw_object(&cx->w);
    jw_ntext(&cx->w, "name", name);
    jw_nint(&cx->w, "value", value);
    jw_object_end(&cx->w);
    return OK;
}

static const struct field takes_list[] = {
    {"q", IN_QUERY, T_TEXT, .max = PEOPLE_NAME_MAX, .zh = "登录名或名称", .en = "login or name"},
    {"office", IN_QUERY, T_TEXT, .max = PEOPLE_LOGIN_MAX, .zh = "机构", .en = "office"},
    {"role", IN_QUERY, T_TEXT, .max = PEOPLE_LOGIN_MAX, .zh = "角色", .en = "role"},
    {"limit", IN_QUERY, T_INT, .min = 1, .max = 500, .zh = "每页条数", .en = "rows per page"},
    {"after", IN_QUERY, T_TEXT, .max = 200, .zh = "下一页位置", .en = "where the next page begins"},
    {0},
};
static const struct field takes_new[] = {
    {"login", IN_BODY, T_TEXT, true, 2, PEOPLE_LOGIN_MAX, .zh = "登录名", .en = "login"},
    {"name", IN_BODY, T_TEXT, true, 1, PEOPLE_NAME_MAX, .zh = "名称", .en = "name"},
    {"office", IN_BODY, T_TEXT, true, 1, PEOPLE_LOGIN_MAX, .zh = "机构", .en = "office"},
    {"area", IN_BODY, T_TEXT, .max = 12, .zh = "属地,默认为机构的属地",
     .en = "area, by default the office's"},
    {0},
};
static const struct field takes_change[] = {
    {"id", IN_PATH, T_INT, true, .zh = "账号编号", .en = "account id"},
    {"name", IN_BODY, T_TEXT, .min = 1, .max = PEOPLE_NAME_MAX, .zh = "名称", .en = "name"},
    {"office", IN_BODY, T_TEXT, .min = 1, .max = PEOPLE_LOGIN_MAX, .zh = "机构", .en = "office"},
    {"state", IN_BODY, T_CHOICE, .choices = "active|locked|disabled", .zh = "状态", .en = "state"},
    {0},
};
static const struct field takes_id[] = {
    {"id", IN_PATH, T_INT, true, .zh = "账号编号", .en = "account id"},
    {0},
};
static const struct field takes_roles[] = {
    {"id", IN_PATH, T_INT, true, .zh = "账号编号", .en = "account id"},
    {"roles", IN_BODY, T_LIST, true, 0, ROLE_COUNT, .zh = "角色", .en = "roles"},
    {0},
};
static const struct field takes_policy[] = {
    {"name", IN_PATH, T_TEXT, true, 1, PEOPLE_LOGIN_MAX, .zh = "策略", .en = "policy"},
    {"value", IN_BODY, T_INT, true, .zh = "取值", .en = "value"},
    {0},
};
static const struct field account_fields[] = {
    {"id", .type = T_INT, .required = true, .zh = "编号", .en = "id"},
    {"login", .type = T_TEXT, .required = true, .zh = "登录名", .en = "login"},
    {"name", .type = T_TEXT, .required = true, .zh = "名称", .en = "name"},
    {"office", .type = T_TEXT, .zh = "机构", .en = "office"},
    {"office_name", .type = T_TEXT, .zh = "机构名称", .en = "name of the office"},
    {"area", .type = T_TEXT, .zh = "属地", .en = "area"},
    {"roles", .type = T_LIST, .required = true, .zh = "角色", .en = "roles"},
    {"state", .type = T_TEXT, .required = true, .zh = "状态", .en = "state"},
    {"locked_until_ms", .type = T_TIME, .zh = "锁定至", .en = "locked until"},
    {"last_seen_ms", .type = T_TIME, .zh = "最近活动", .en = "last seen"},
    {"must_change", .type = T_BOOL, .required = true, .zh = "须先修改密码", .en = "password must be changed"},
    {"synthetic", .type = T_BOOL, .required = true, .zh = "演示账号", .en = "demonstration account"},
    {"version", .type = T_INT, .required = true, .zh = "版本", .en = "version"},
    {0},
};
static const struct field accounts_fields[] = {
    {"items", .type = T_ITEMS, .required = true, .of = account_fields, .zh = "账号", .en = "accounts"},
    {"next", .type = T_TEXT, .zh = "下一页位置", .en = "where the next page begins"},
    {0},
};
static const struct field secret_fields[] = {
    {"id", .type = T_INT, .required = true, .zh = "编号", .en = "id"},
    {"password", .type = T_TEXT, .required = true, .zh = "初始密码,只显示一次",
     .en = "first password, shown once"},
    {"entry", .type = T_INT, .zh = "存证序号", .en = "ledger entry"},
    {0},
};
static const struct field version_fields[] = {
    {"version", .type = T_INT, .required = true, .zh = "版本", .en = "version"},
    {"entry", .type = T_INT, .zh = "存证序号", .en = "ledger entry"},
    {0},
};
static const struct field role_fields[] = {
    {"role", .type = T_TEXT, .required = true, .zh = "角色", .en = "role"},
    {"zh", .type = T_TEXT, .required = true, .zh = "中文", .en = "Chinese"},
    {"en", .type = T_TEXT, .required = true, .zh = "英文", .en = "English"},
    {"conflicts", .type = T_LIST, .required = true, .zh = "互斥角色", .en = "roles not to be held with it"},
    {0},
};
static const struct field roles_fields[] = {
    {"items", .type = T_ITEMS, .required = true, .of = role_fields, .zh = "角色", .en = "roles"},
    {0},
};
static const struct field policy_fields[] = {
    {"name", .type = T_TEXT, .required = true, .zh = "策略", .en = "policy"},
    {"value", .type = T_INT, .required = true, .zh = "取值", .en = "value"},
    {"standard", .type = T_INT, .zh = "默认值", .en = "value by default"},
    {"min", .type = T_INT, .zh = "下限", .en = "least"},
    {"max", .type = T_INT, .zh = "上限", .en = "most"},
    {"zh", .type = T_TEXT, .zh = "中文", .en = "Chinese"},
    {"en", .type = T_TEXT, .zh = "英文", .en = "English"},
    {"entry", .type = T_INT, .zh = "存证序号", .en = "ledger entry"},
    {0},
};
static const struct field policies_fields[] = {
    {"items", .type = T_ITEMS, .required = true, .of = policy_fields, .zh = "策略", .en = "policies"},
    {0},
};
static const struct shape gives_accounts = {"account_list", accounts_fields, NULL},
                          gives_secret = {"account_secret", secret_fields, NULL},
                          gives_version = {"account_version", version_fields, NULL},
                          gives_roles = {"role_list", roles_fields, NULL},
                          gives_policy = {"policy", policy_fields, NULL},
                          gives_policies = {"policy_list", policies_fields, NULL};

const struct route people_account_routes[] = {
    {"GET", "/api/v1/accounts", ROUTE_READ, R_ADMINS, takes_list, &gives_accounts, NULL, 0, 0, get_accounts,
     "账号列表", "List accounts", NULL},
    {"POST", "/api/v1/accounts", ROUTE_SLOW, R_(SYSADMIN), takes_new, &gives_secret, "account.create", 4096,
     ROUTE_SECRET, post_account, "创建账号(不含任何角色)", "Make an account, without any role", NULL},
    {"PATCH", "/api/v1/accounts/{id}", ROUTE_WRITE, R_(SYSADMIN), takes_change, &gives_version,
     "account.change", 4096, ROUTE_NEEDS_MATCH, patch_account, "修改、锁定、停用或解锁账号",
     "Change, lock, disable or unlock an account", NULL},
    {"POST", "/api/v1/accounts/{id}/password", ROUTE_SLOW, R_(SYSADMIN), takes_id, &gives_secret,
     "account.password", 4096, ROUTE_SECRET, post_account_password, "重置密码", "Reset a password", NULL},
    {"PUT", "/api/v1/accounts/{id}/roles", ROUTE_WRITE, R_(SECADMIN), takes_roles, &gives_version,
     "account.roles", 4096, 0, put_roles, "授予或收回角色", "Grant or take back roles", NULL},
    {"GET", "/api/v1/roles", ROUTE_READ, R_LOGIN, NULL, &gives_roles, NULL, 0, 0, get_roles, "角色与互斥关系",
     "Roles and which exclude one another", NULL},
    {"GET", "/api/v1/policies", ROUTE_READ, R_ADMINS, NULL, &gives_policies, NULL, 0, 0, get_policies,
     "安全策略", "Security policy", NULL},
    {"PUT", "/api/v1/policies/{name}", ROUTE_WRITE, R_(SECADMIN), takes_policy, &gives_policy,
     "policy.change", 4096, 0, put_policy, "修改安全策略", "Change the security policy", NULL},
    {0},
};
