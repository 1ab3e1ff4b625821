// SPDX-License-Identifier: MulanPSL-2.0
// Personal API tokens: gt_<id>_<secret>, shown once, kept as a digest, with scopes and an end. A token never does
// more than its owner may now: roles are read at each use, scopes only narrow. The scopes that exist are those that
// the route rows name; no list of them is kept elsewhere.
#include "mod/people/own.h"
#include <assert.h>
#include <inttypes.h>

// Walks all route rows; a token is made a few times a year.
static bool is_scope(struct str scope) {
    for (int m = 0; modules[m]; m++) {
        const struct route *const *tables = modules[m]->route_tables;
        for (; tables && *tables; tables++)
            for (const struct route *r = *tables; r->verb; r++)
                if (r->scope && str_eq(scope, str_of(r->scope))) return true;
    }
    return false;
}

static int scopes_text(struct cx *cx, struct json scopes, struct str *ret) {
    struct buf b = buf_new(cx->mem, 128, 4096);
    for (struct json_iter it = json_iter(scopes); json_next(&it);) {
        struct str one = json_text(it.value);
        if (!is_scope(one))
            return cx_fail(cx, ERR_scope_unknown, "scopes", "%.*s", (int)(one.n > 60 ? 60 : one.n), one.p);
        if (b.n) buf_char(&b, ' ');
        buf_put(&b, one);
    }
    *ret = buf_str(&b);
    return b.over ? cx_fail(cx, ERR_too_large, "scopes", "4096") : OK;
}

static int token_count(struct cx *cx, int64_t *ret) {
    struct stmt *s = store_query(cx->db, Q_people_tokens_n, "i", cx->who.account);
    *ret = store_next(s) ? store_int(s, 0) : 0;
    return store_done(s, &cx->err);
}

// The reply is the only time that the token is seen. Runs on the writer, which may run it twice: the first token is
// then undone with its transaction.
int token_create(struct cx *cx, struct str name, struct json scopes, int64_t days, int64_t *ret_id,
                 struct str *ret_token) {
    assert(cx->is_writer);
    struct str text, secret;
    uint8_t hash[HASH_BYTES];
    int64_t n, most = policy(cx, POLICY_tokens_max), longest = policy(cx, POLICY_token_days_max);
    if (days > longest) return cx_fail(cx, ERR_field_range, "days", "1–%" PRId64, longest);
    int code = scopes_text(cx, scopes, &text);
    if (code == OK) code = token_count(cx, &n);
    if (code != OK) return code;
    if (n >= most) return cx_fail(cx, ERR_too_large, "tokens", "%" PRId64, most);
    if (!people_new_secret(cx, &secret, hash)) return cx_fail(cx, ERR_crypto, "", "random");
    code = store_exec(cx->db, NULL, &cx->err, Q_people_token_insert, "issbii", cx->who.account, name, text,
                      (struct str){(const char *)hash, sizeof hash}, cx->now_ms + days * DAY_MS, cx->now_ms);
    if (code != OK) return code;
    *ret_id = store_last_id(cx->db);
    *ret_token = str_print(cx->mem, "gt_%" PRId64 "_%.*s", *ret_id, STRF(secret));
    struct act *a = cx_act(cx, "token", str_print(cx->mem, "%" PRId64, *ret_id));
    a->object_name = name;
    a->detail = str_print(cx->mem, "{\"days\":%" PRId64 ",\"scopes\":\"%.*s\"}", days, STRF(text));
    return OK;
}
