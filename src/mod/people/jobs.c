// SPDX-License-Identifier: MulanPSL-2.0
// What people does by itself: ended sessions go, hand-overs happen on their day, accounts that nobody has used for
// long are disabled (等保: no stale accounts). Each step is its own short transaction, so that a queue item stays small.
#include "mod/people/own.h"
#include <inttypes.h>

#define SESSION_SLICES 20

static int sessions_run(struct cx *cx, void *ret_n) {
    return store_exec(cx->db, ret_n, &cx->err, Q_people_sessions_ended_delete, "i", cx->now_ms);
}

// 500 rows a slice: a queue item stays far below 5 ms.
static int sessions(struct cx *cx) {
    int64_t n = 1;
    int code = OK;
    for (int i = 0; i < SESSION_SLICES && n > 0 && code == OK; i++)
        code = cx_write(cx, sessions_run, &n);
    return code;
}

static int successions(struct cx *cx) {
    bool is_any = true;
    int code = OK;
    for (int i = 0; i < 100 && is_any && code == OK; i++)
        code = cx_write(cx, succession_apply_due, &is_any);
    return code;
}

// Administrators are left out: disabling the last one because of a long holiday would lock the whole city out.
struct stale {
    int64_t id;
    struct str login;
};

static int stale_run(struct cx *cx, void *arg) {
    const struct stale *one = arg;
    struct account a;
    int code = account_read(cx, one->id, &a);
    if (code != OK || !str_eq(a.state, S("active"))) return code == ERR_not_found ? OK : code;
    int64_t before = cx->now_ms - policy(cx, POLICY_stale_days) * DAY_MS;
    if (a.seen_ms > before) return OK; // came in while we looked
    code = store_exec(cx->db, NULL, &cx->err, Q_people_account_update, "isssiiii", a.id, a.name, a.office,
                      S("disabled"), (int64_t)0, cx->now_ms, (int64_t)0, a.version);
    if (code == OK) code = account_end_sessions(cx, a.id);
    if (code == OK) code = cx_announce(cx, "account.ended", str_print(cx->mem, "%" PRId64, a.id), a.office);
    if (code != OK) return code;
    people_auth_moved(cx);
    struct act *act = cx_act(cx, "account", str_print(cx->mem, "%" PRId64, a.id));
    act->verb = "account.stale";
    act->object_name = a.login;
    act->office = a.office;
    return OK;
}

static int stale(struct cx *cx) {
    struct stale found[100];
    int n = 0, code = OK;
    int64_t before = cx->now_ms - policy(cx, POLICY_stale_days) * DAY_MS;
    struct stmt *s = store_query(cx->db, Q_people_accounts_stale, "ii", (int64_t)0, before);
    while (n < 100 && store_next(s))
        found[n++] = (struct stale){store_int(s, 0), store_str(s, 1, cx->mem)};
    code = store_done(s, &cx->err);
    for (int i = 0; i < n && code == OK; i++)
        code = cx_write(cx, stale_run, &found[i]);
    return code;
}

const struct job people_jobs[] = {
    {"people.sessions", 600, sessions, "清理已结束的会话", "removes ended sessions", false, false},
    {"people.successions", 900, successions, "到期执行机构承接", "carries out hand-overs on their day", false,
     false},
    {"people.stale", 86400, stale, "停用长期未登录的账号", "disables accounts unused for long", false, false},
    {0},
};
