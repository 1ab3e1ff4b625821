// SPDX-License-Identifier: MulanPSL-2.0
// The security policy as a table: each number has a name, a value that is safe when nobody has touched it, bounds
// that keep it from being made useless (GB/T 22239 身份鉴别), and its meaning in both languages. The security
// administrator moves a number through the API; people_policy remembers only what differs.
#include "mod/people/own.h"

const struct policy_row policy_rows[POLICY_COUNT] = {
    [POLICY_login_tries] = {"login_tries", 5, 3, 10, "连续输错密码的次数上限",
                            "wrong passwords before the log-in is locked"},
    [POLICY_lock_minutes] = {"lock_minutes", 15, 5, 1440, "锁定时长(分钟)", "minutes that the lock lasts"},
    [POLICY_peer_tries] = {"peer_tries", 30, 5, 1000, "同一地址输错次数上限",
                           "wrong passwords from one address"},
    [POLICY_peer_minutes] = {"peer_minutes", 15, 1, 1440, "地址限制时长(分钟)",
                             "minutes in which an address is counted"},
    [POLICY_idle_minutes] = {"idle_minutes", 30, 5, 120, "无操作退出(分钟)",
                             "idle minutes before a session ends"},
    [POLICY_session_hours] = {"session_hours", 12, 1, 24, "会话最长时间(小时)",
                              "hours after which a session always ends"},
    [POLICY_sessions_max] = {"sessions_max", 5, 1, 20, "每个账号同时会话数",
                             "sessions of one account at a time"},
    [POLICY_password_min] = {"password_min", 10, 8, 64, "密码最短长度", "least length of a password"},
    [POLICY_password_classes] = {"password_classes", 3, 2, 4, "密码字符种类数(大写、小写、数字、其他)",
                                 "kinds of characters in a password (upper, lower, digit, other)"},
    [POLICY_token_days_max] = {"token_days_max", 366, 1, 1096, "API 令牌最长有效天数",
                               "days that an API token may live"},
    [POLICY_tokens_max] = {"tokens_max", 20, 1, 100, "每个账号的 API 令牌数", "API tokens of one account"},
    [POLICY_stale_days] = {"stale_days", 90, 30, 366, "多少天未登录即停用账号",
                           "days without log-in before an account is disabled"},
};

int64_t policy(struct cx *cx, enum policy which) {
    const struct policy_row *row = &policy_rows[which];
    struct stmt *s = store_query(cx->db, Q_people_policy, "z", row->name);
    int64_t value = store_next(s) ? store_int(s, 0) : row->value;
    // A store that cannot be read must not loosen anything: the built-in value is the safe one.
    if (store_done(s, NULL) != OK || value < row->min || value > row->max) value = row->value;
    return value;
}

int policy_index(struct str name) {
    for (int i = 0; i < POLICY_COUNT; i++)
        if (str_eq(name, str_of(policy_rows[i].name))) return i;
    return -1;
}
