// SPDX-License-Identifier: MulanPSL-2.0
// Speaks: log-in, log-out, oneself, one's password and API tokens. The cookie is written here and nowhere else:
// HttpOnly (no script reads it), SameSite=Strict (no other site sends it), Secure under TLS.
#include "mod/people/own.h"
#include <inttypes.h>

#define WARN_AHEAD_DAYS                                                                                      \
    60 // the longest clock is 20 working days and 10 more: its end must lie in a known year

static void cookie_put(struct cx *cx, struct str token, int64_t max_age_s) {
    cx_reply_header(cx, "Set-Cookie",
                    str_print(cx->mem,
                              "gusu_session=%.*s; Path=/; Max-Age=%" PRId64 "; HttpOnly; SameSite=Strict%s",
                              STRF(token), max_age_s, cx->req->is_tls ? "; Secure" : ""));
    cx_reply_header(cx, "Cache-Control", S("no-store"));
}

// For acts whose only result is that they are done.
static int done(struct cx *cx) {
    jw_object(&cx->w);
    jw_nbool(&cx->w, "ok", true);
    jw_object_end(&cx->w);
    return OK;
}

void roles_write(struct cx *cx, const char *name, uint32_t roles) {
    jw_name(&cx->w, name);
    jw_array(&cx->w);
    for (int i = 0; i < ROLE_COUNT; i++)
        if (roles & (1u << i)) jw_textz(&cx->w, role_code(i));
    jw_array_end(&cx->w);
}

void words_write(struct cx *cx, const char *name, struct str text) {
    jw_name(&cx->w, name);
    jw_array(&cx->w);
    while (text.p && text.n) {
        struct str one = str_cut(text, ' ', &text);
        if (one.n) jw_text(&cx->w, one);
    }
    jw_array_end(&cx->w);
}

// One account in every reply. The lock after wrong passwords shows as the state "locked" while it lasts.
void account_write(struct cx *cx, const struct account *a, uint32_t roles) {
    struct jw *w = &cx->w;
    bool is_locked = a->locked_until_ms > cx->now_ms && str_eq(a->state, S("active"));
    jw_nint(w, "id", a->id);
    jw_ntext(w, "login", a->login);
    jw_ntext(w, "name", a->name);
    jw_ntext(w, "office", a->office);
    jw_ntext(w, "office_name", a->office_name);
    jw_ntext(w, "area", a->area);
    roles_write(cx, "roles", roles);
    jw_ntext(w, "state", is_locked ? S("locked") : a->state);
    if (is_locked) jw_nint(w, "locked_until_ms", a->locked_until_ms);
    if (a->seen_ms) jw_nint(w, "last_seen_ms", a->seen_ms);
    jw_nbool(w, "must_change", a->must_change);
    jw_nbool(w, "synthetic", a->is_synthetic);
    jw_nint(w, "version", a->version);
}

static int post_login(struct cx *cx) {
    struct login_done d = {0};
    int code = people_login(cx, cx_text(cx, "login"), cx_text(cx, "password"), &d);
    if (code != OK) return code;
    cookie_put(cx, d.token, d.max_age_s);
    jw_object(&cx->w);
    jw_name(&cx->w, "account");
    jw_object(&cx->w);
    account_write(cx, &d.account, d.roles);
    jw_object_end(&cx->w);
    jw_ntext(&cx->w, "csrf", d.csrf);
    jw_nint(&cx->w, "expires_ms", d.ends_ms);
    jw_object_end(&cx->w);
    return OK;
}

// Only the session that asks ends; the others of the same person go on.
static int post_logout(struct cx *cx) {
    uint8_t id[HASH_BYTES];
    if (!cx->who.session.p || !str_unhex(cx->who.session, id, sizeof id)) return cx_deny(cx, "session");
    int code = store_exec(cx->db, NULL, &cx->err, Q_people_session_delete, "b",
                          (struct str){(const char *)id, sizeof id});
    if (code != OK) return code;
    struct act *a = cx_act(cx, "account", str_print(cx->mem, "%" PRId64, cx->who.account));
    a->object_name = cx->who.login;
    cookie_put(cx, S(""), 0);
    return done(cx);
}

static int words(struct cx *cx) {
    struct jw *w = &cx->w;
    // Two lists from one table: notices that must be seen (统计用区划, 界线示意 …) and the city's own labels.
    for (int pass = 0; pass < 2; pass++) {
        jw_name(w, pass == 0 ? "notices" : "words");
        jw_array(w);
        struct stmt *s = store_query(cx->db, Q_people_words, "");
        while (store_next(s)) {
            struct str key = store_str(s, 0, cx->mem);
            if (str_starts(key, S("notice_")) != (pass == 0)) continue;
            jw_object(w);
            jw_ntext(w, "key", key);
            jw_ntext(w, "zh", store_str(s, 1, NULL));
            jw_ntext(w, "en", store_str(s, 2, NULL));
            jw_object_end(w);
        }
        int code = store_done(s, &cx->err);
        if (code != OK) return code;
        jw_array_end(w);
    }
    return OK;
}

static int city(struct cx *cx) {
    struct stmt *s = store_query(cx->db, Q_people_city, "");
    if (store_next(s)) {
        jw_name(&cx->w, "city");
        jw_object(&cx->w);
        jw_ntext(&cx->w, "code", store_str(s, 0, NULL));
        jw_ntext(&cx->w, "title_zh", store_str(s, 1, NULL));
        jw_ntext(&cx->w, "title_en", store_str(s, 2, NULL));
        jw_ntext(&cx->w, "pack", store_str(s, 3, NULL));
        jw_object_end(&cx->w);
    }
    return store_done(s, &cx->err);
}

// Roles are shown as granted, also while must_change keeps them from being used: the page says why.
static int me_account(struct cx *cx) {
    struct account a;
    uint32_t roles = 0;
    int code = account_read(cx, cx->who.account, &a);
    if (code == OK) code = roles_read(cx, a.id, &roles);
    if (code != OK) return missing(cx, code, "", S("account"));
    jw_name(&cx->w, "account");
    jw_object(&cx->w);
    account_write(cx, &a, roles);
    jw_object_end(&cx->w);
    if (cx->who.csrf.p) jw_ntext(&cx->w, "csrf", cx->who.csrf);
    return OK;
}

// The page's first question, before and after log-in: never cached.
static int get_me(struct cx *cx) {
    struct jw *w = &cx->w;
    cx_reply_header(cx, "Cache-Control", S("no-store"));
    jw_object(w);
    int code = OK;
    if (cx->who.account) {
        code = me_account(cx);
    } else {
        jw_name(w, "account");
        jw_null(w);
    }
    jw_nbool(w, "demo", cx->city->with_demo);
    if (code == OK) code = city(cx);
    jw_nint(w, "now_ms", cx->now_ms);
    int last_year = city_workdays(cx->city)->last_year;
    if (clock_civil(cx->now_ms + WARN_AHEAD_DAYS * DAY_MS, CHINA_OFFSET_MS).year > last_year) {
        jw_name(w, "workday_warning");
        jw_object(w);
        jw_nint(w, "last_year", last_year);
        jw_object_end(w);
    }
    if (code == OK) code = words(cx);
    jw_object_end(w);
    return code;
}

static int post_password(struct cx *cx) {
    int code = people_password_change(cx, cx_text(cx, "old"), cx_text(cx, "new"));
    return code == OK ? done(cx) : code;
}

// What the tokens may do and when they were used; never the tokens.
static int get_tokens(struct cx *cx) {
    struct jw *w = &cx->w;
    jw_object(w);
    jw_name(w, "items");
    jw_array(w);
    struct stmt *s = store_query(cx->db, Q_people_tokens, "i", cx->who.account);
    while (store_next(s)) {
        jw_object(w);
        jw_nint(w, "id", store_int(s, 0));
        jw_ntext(w, "name", store_str(s, 1, NULL));
        words_write(cx, "scopes", store_str(s, 2, cx->mem));
        jw_nint(w, "ends_ms", store_int(s, 3));
        if (!store_is_null(s, 4)) jw_nint(w, "last_seen_ms", store_int(s, 4));
        jw_nint(w, "made_ms", store_int(s, 5));
        jw_nbool(w, "ended", store_int(s, 3) <= cx->now_ms);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_object_end(w);
    return store_done(s, &cx->err);
}

void entry_write(struct cx *cx) {
    if (cx->act) jw_nint(&cx->w, "entry", cx->act->entry);
}

struct made {
    int64_t id;
    struct str token;
};

static int token_run(struct cx *cx, void *arg) {
    struct made *m = arg;
    return token_create(cx, cx_text(cx, "name"), cx_json(cx, "scopes"), cx_int(cx, "days", 90), &m->id,
                        &m->token);
}

// SLOW and not WRITE: the answer to a WRITE with an Idempotency-Key is kept to be given again, and a token must not be.
static int post_token(struct cx *cx) {
    struct made m;
    int code = cx_write(cx, token_run, &m);
    if (code != OK) return code;
    cx_status(cx, 201);
    cx_reply_header(cx, "Cache-Control", S("no-store"));
    jw_object(&cx->w);
    jw_nint(&cx->w, "id", m.id);
    jw_ntext(&cx->w, "token", m.token);
    entry_write(cx);
    jw_object_end(&cx->w);
    return OK;
}

static int delete_token(struct cx *cx) {
    int64_t n = 0, id = cx_int(cx, "id", 0);
    struct str text = str_print(cx->mem, "%" PRId64, id);
    int code = store_exec(cx->db, &n, &cx->err, Q_people_token_delete, "ii", id, cx->who.account);
    if (code != OK) return code;
    if (n == 0) return cx_fail(cx, ERR_not_found, "id", "%.*s", STRF(text));
    people_auth_moved(cx);
    (void)cx_act(cx, "token", text);
    return done(cx);
}

static const struct field takes_login[] = {
    {"login", IN_BODY, T_TEXT, true, 1, PEOPLE_LOGIN_MAX, .zh = "登录名", .en = "login"},
    {"password", IN_BODY, T_TEXT, true, 1, PEOPLE_PASSWORD_MAX, .zh = "密码", .en = "password"},
    {0},
};
static const struct field takes_password[] = {
    {"old", IN_BODY, T_TEXT, true, 1, PEOPLE_PASSWORD_MAX, .zh = "原密码", .en = "old password"},
    {"new", IN_BODY, T_TEXT, true, 1, PEOPLE_PASSWORD_MAX, .zh = "新密码", .en = "new password"},
    {0},
};
static const struct field takes_token[] = {
    {"name", IN_BODY, T_TEXT, true, 1, PEOPLE_NAME_MAX, .zh = "名称", .en = "name"},
    {"scopes", IN_BODY, T_LIST, true, 1, 20, .zh = "授权范围", .en = "scopes"},
    {"days", IN_BODY, T_INT, false, 1, 1096, .zh = "有效天数", .en = "days of validity"},
    {0},
};
static const struct field takes_token_id[] = {
    {"id", IN_PATH, T_INT, true, .zh = "令牌编号", .en = "token id"},
    {0},
};

#define ACCOUNT_FIELDS                                                                                       \
    {"id", .type = T_INT, .required = true, .zh = "编号", .en = "id"},                                       \
        {"login", .type = T_TEXT, .required = true, .zh = "登录名", .en = "login"},                          \
        {"name", .type = T_TEXT, .required = true, .zh = "名称", .en = "name"},                              \
        {"office", .type = T_TEXT, .zh = "机构", .en = "office"},                                            \
        {"office_name", .type = T_TEXT, .zh = "机构名称", .en = "name of the office"},                       \
        {"area", .type = T_TEXT, .zh = "属地", .en = "area"},                                                \
        {"roles", .type = T_LIST, .required = true, .zh = "角色", .en = "roles"},                            \
        {"state", .type = T_TEXT, .required = true, .zh = "状态", .en = "state"},                            \
        {"locked_until_ms", .type = T_TIME, .zh = "锁定至", .en = "locked until"},                           \
        {"last_seen_ms", .type = T_TIME, .zh = "最近活动", .en = "last seen"},                               \
        {"must_change", .type = T_BOOL, .required = true, .zh = "须先修改密码",                              \
         .en = "password must be changed"},                                                                  \
        {"synthetic", .type = T_BOOL, .required = true, .zh = "演示账号", .en = "demonstration account"},    \
        {"version", .type = T_INT, .required = true, .zh = "版本", .en = "version"}, {                       \
        0                                                                                                    \
    }

static const struct field account_fields[] = {ACCOUNT_FIELDS};
static const struct field login_fields[] = {
    {"account", .type = T_OBJECT, .required = true, .of = account_fields, .zh = "账号", .en = "account"},
    {"csrf", .type = T_TEXT, .required = true, .zh = "防跨站令牌", .en = "anti-forgery token"},
    {"expires_ms", .type = T_TIME, .required = true, .zh = "会话终止时间", .en = "end of the session"},
    {0},
};
static const struct field city_fields[] = {
    {"code", .type = T_TEXT, .required = true, .zh = "区划代码", .en = "area code"},
    {"title_zh", .type = T_TEXT, .required = true, .zh = "中文名", .en = "Chinese name"},
    {"title_en", .type = T_TEXT, .required = true, .zh = "英文名", .en = "English name"},
    {"pack", .type = T_TEXT, .required = true, .zh = "内容包", .en = "pack"},
    {0},
};
static const struct field word_fields[] = {
    {"key", .type = T_TEXT, .required = true, .zh = "键", .en = "key"},
    {"zh", .type = T_TEXT, .required = true, .zh = "中文", .en = "Chinese"},
    {"en", .type = T_TEXT, .required = true, .zh = "英文", .en = "English"},
    {0},
};
static const struct field warning_fields[] = {
    {"last_year", .type = T_INT, .required = true, .zh = "已知工作日历的最后一年",
     .en = "last year with known working days"},
    {0},
};
static const struct field me_fields[] = {
    {"account", .type = T_OBJECT, .of = account_fields, .zh = "账号,未登录为空",
     .en = "account, null when not logged in"},
    {"csrf", .type = T_TEXT, .zh = "防跨站令牌", .en = "anti-forgery token"},
    {"demo", .type = T_BOOL, .required = true, .zh = "演示环境", .en = "demonstration"},
    {"city", .type = T_OBJECT, .of = city_fields, .zh = "城市", .en = "city"},
    {"now_ms", .type = T_TIME, .required = true, .zh = "服务器时间", .en = "time of the server"},
    {"workday_warning", .type = T_OBJECT, .of = warning_fields, .zh = "工作日历将用尽",
     .en = "the working-day calendar runs out"},
    {"notices", .type = T_ITEMS, .required = true, .of = word_fields, .zh = "须知", .en = "notices"},
    {"words", .type = T_ITEMS, .required = true, .of = word_fields, .zh = "本市用语",
     .en = "words of the city"},
    {0},
};
static const struct field token_fields[] = {
    {"id", .type = T_INT, .required = true, .zh = "编号", .en = "id"},
    {"name", .type = T_TEXT, .required = true, .zh = "名称", .en = "name"},
    {"scopes", .type = T_LIST, .required = true, .zh = "授权范围", .en = "scopes"},
    {"ends_ms", .type = T_TIME, .required = true, .zh = "到期", .en = "end"},
    {"last_seen_ms", .type = T_TIME, .zh = "最近使用", .en = "last used"},
    {"made_ms", .type = T_TIME, .required = true, .zh = "创建", .en = "made"},
    {"ended", .type = T_BOOL, .required = true, .zh = "已到期", .en = "has ended"},
    {0},
};
static const struct field tokens_fields[] = {
    {"items", .type = T_ITEMS, .required = true, .of = token_fields, .zh = "令牌", .en = "tokens"},
    {0},
};
static const struct field token_made_fields[] = {
    {"id", .type = T_INT, .required = true, .zh = "编号", .en = "id"},
    {"token", .type = T_TEXT, .required = true, .zh = "令牌,只显示一次", .en = "the token, shown once"},
    {"entry", .type = T_INT, .zh = "存证序号", .en = "ledger entry"},
    {0},
};
static const struct field done_fields[] = {
    {"ok", .type = T_BOOL, .required = true, .zh = "完成", .en = "done"},
    {"entry", .type = T_INT, .zh = "存证序号", .en = "ledger entry"},
    {0},
};
static const struct shape gives_login = {"login_reply", login_fields, NULL},
                          gives_me = {"me", me_fields, NULL},
                          gives_tokens = {"token_list", tokens_fields, NULL},
                          gives_token = {"token_made", token_made_fields, NULL},
                          gives_done = {"people_done", done_fields, NULL};

const struct route people_login_routes[] = {
    {"POST", "/api/v1/login", ROUTE_SLOW, R_PUBLIC, takes_login, &gives_login, "account.login", 4096,
     ROUTE_NO_CSRF, post_login, "登录", "Log in", NULL},
    {"POST", "/api/v1/logout", ROUTE_WRITE, R_LOGIN, NULL, &gives_done, "account.logout", 4096, 0,
     post_logout, "退出登录", "Log out", NULL},
    {"GET", "/api/v1/me", ROUTE_READ, R_PUBLIC, NULL, &gives_me, NULL, 0, 0, get_me, "当前用户与本市信息",
     "Who I am, and the city", NULL},
    {"POST", "/api/v1/me/password", ROUTE_SLOW, R_LOGIN, takes_password, &gives_done, "account.password",
     4096, 0, post_password, "修改本人密码", "Change my password", NULL},
    {"GET", "/api/v1/me/tokens", ROUTE_READ, R_LOGIN, NULL, &gives_tokens, NULL, 0, 0, get_tokens,
     "本人的 API 令牌", "My API tokens", NULL},
    {"POST", "/api/v1/me/tokens", ROUTE_SLOW, R_LOGIN, takes_token, &gives_token, "token.create", 4096,
     ROUTE_SECRET, post_token, "创建 API 令牌", "Make an API token", NULL},
    {"DELETE", "/api/v1/me/tokens/{id}", ROUTE_WRITE, R_LOGIN, takes_token_id, &gives_done, "token.delete", 0,
     0, delete_token, "删除 API 令牌", "Delete an API token", NULL},
    {0},
};
