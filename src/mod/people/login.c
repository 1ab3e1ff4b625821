// SPDX-License-Identifier: MulanPSL-2.0
// Logging in. The password is hashed on a worker (slow on purpose), the session is written on the writer. Keeps
// true: (1) a login that nobody has costs the same work and gets the same words as a wrong password, locks included;
// (2) a try is counted before the password is looked at, so tries side by side cannot outrun the lock; (3) what the
// transaction finds decides: an account disabled or locked meanwhile does not get in; (4) a session's cookie is
// never stored, only its digest, and a new log-in never takes over an old session.
#include "mod/people/own.h"
#include <assert.h>
#include <inttypes.h>

#define MINUTE_MS ((int64_t)60000)

// A refusal that ends by itself says when, in words and in Retry-After.
static int told_until(struct cx *cx, enum err_code code, int64_t until_ms) {
    int64_t wait_s = (until_ms - cx->now_ms) / 1000 + 1;
    cx_reply_header(cx, "Retry-After", str_print(cx->mem, "%" PRId64, wait_s));
    struct str at = clock_iso_offset(cx->mem, until_ms, CHINA_OFFSET_MS);
    return cx_fail(cx, code, "", "%.*s", STRF(at));
}

struct attempt {
    struct account account; // as the reader saw it; id 0 = nobody has this login
    struct login_done *done;
    uint8_t session[HASH_BYTES];
    int64_t lock_until_ms;
};

// On the writer. The row of guesses takes the place of an account that does not exist, so that both cost one commit.
static int lock_run(struct cx *cx, void *arg) {
    struct attempt *t = arg;
    if (!t->account.id) return store_exec(cx->db, NULL, &cx->err, Q_people_guess_lock, "i", cx->now_ms);
    int code = store_exec(cx->db, NULL, &cx->err, Q_people_account_lock, "iii", t->account.id,
                          t->lock_until_ms, cx->now_ms);
    if (code != OK) return code;
    struct act *a = cx_act(cx, "account", str_print(cx->mem, "%" PRId64, t->account.id));
    a->verb = "account.lock";
    a->object_name = t->account.login;
    a->office = t->account.office;
    a->detail = str_print(cx->mem, "{\"until_ms\":%" PRId64 "}", t->lock_until_ms);
    return OK;
}

// A wrong try. The one that fills the measure locks the log-in; real or not, that is one commit.
static int failed(struct cx *cx, struct attempt *t, bool is_last) {
    if (is_last) {
        t->lock_until_ms = cx->now_ms + policy(cx, POLICY_lock_minutes) * MINUTE_MS;
        int code = cx_write(cx, lock_run, t);
        if (code != OK) return code;
    }
    atomic_fetch_add_explicit(&cx->city->denied, 1, memory_order_relaxed);
    return cx_fail(cx, ERR_bad_login, "", "%s", "");
}

// On the writer, after the slow part. What was read before may be out of date, so the account is read again here and
// only an unchanged password counts: a reset between look and log-in wins.
static int session_run(struct cx *cx, void *arg) {
    struct attempt *t = arg;
    struct login_done *d = t->done;
    int code = account_read(cx, t->account.id, &d->account);
    if (code == ERR_not_found || (code == OK && !str_eq(d->account.password, t->account.password)))
        return cx_fail(cx, ERR_bad_login, "", "%s", ""); // changed between the look and now
    if (code != OK) return code;
    if (!str_eq(d->account.state, S("active"))) return cx_fail(cx, ERR_account_off, "", "%s", "");
    code = roles_read(cx, t->account.id, &d->roles);
    int64_t idle_ms = policy(cx, POLICY_idle_minutes) * MINUTE_MS;
    d->max_age_s = policy(cx, POLICY_session_hours) * 3600;
    d->ends_ms = cx->now_ms + d->max_age_s * 1000;
    struct str id = {(const char *)t->session, sizeof t->session};
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_people_session_insert, "bissiii", id, t->account.id,
                          d->csrf, cx->req ? cx->req->peer : STR_NONE, cx->now_ms, idle_ms, d->ends_ms);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_people_sessions_drop_oldest, "ii", t->account.id,
                          policy(cx, POLICY_sessions_max));
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_people_account_touch, "ii", t->account.id, cx->now_ms);
    if (code == OK && d->account.locked_until_ms)
        code = store_exec(cx->db, NULL, &cx->err, Q_people_account_lock, "iii", t->account.id, (int64_t)0,
                          cx->now_ms);
    if (code != OK) return code;
    cx->who.account = d->account.id; // the act is theirs: from here on it is known who speaks
    cx->who.login = d->account.login;
    cx->who.office = d->account.office;
    struct act *a = cx_act(cx, "account", str_print(cx->mem, "%" PRId64, d->account.id));
    a->verb = "account.login";
    a->object_name = d->account.login;
    a->office = d->account.office;
    return OK;
}

// Two secrets: the cookie, which scripts never see, and the CSRF token, which only scripts of our own page see.
static int open_session(struct cx *cx, struct attempt *t) {
    uint8_t csrf[16];
    if (crypto_random(csrf, sizeof csrf) != OK || !people_new_secret(cx, &t->done->token, t->session))
        return cx_fail(cx, ERR_crypto, "", "random");
    t->done->csrf = str_hex(cx->mem, csrf, sizeof csrf);
    return cx_write(cx, session_run, t);
}

// For a login that nobody has, the same hashing is done and thrown away.
static int password_matches(struct cx *cx, const struct account *a, struct str password, bool *ret_ok) {
    if (a->id && a->password.p) {
        *ret_ok = password_ok(cx->mem, cx->hasher, cx->city->key, password, a->password);
        return OK;
    }
    struct str ignored;
    *ret_ok = false;
    return password_hash(cx->mem, cx->hasher, cx->city->key, password, &ignored, &cx->err);
}

int people_login(struct cx *cx, struct str login, struct str password, struct login_done *ret) {
    assert(!cx->is_writer);
    struct guard *g = &people_state(cx)->guard;
    struct attempt t = {.done = ret};
    int64_t until_ms;
    uint64_t peer = guard_key(cx, "peer", guard_peer(cx, cx->req->peer)),
             name = guard_key(cx, "login", login);
    // The address first: one that guesses over many log-ins never fills any single one.
    if (!guard_try(g, peer, cx->now_ms, policy(cx, POLICY_peer_tries),
                   policy(cx, POLICY_peer_minutes) * MINUTE_MS, &until_ms, NULL))
        return told_until(cx, ERR_too_many_tries, until_ms);
    int code = account_read_login(cx, login, &t.account);
    if (code != OK && code != ERR_not_found) return code;
    bool is_last = false, is_good;
    // The lock in the store outlives a restart, the one in memory also holds for log-ins that nobody has.
    if (t.account.locked_until_ms > cx->now_ms) return told_until(cx, ERR_locked, t.account.locked_until_ms);
    if (!guard_try(g, name, cx->now_ms, policy(cx, POLICY_login_tries),
                   policy(cx, POLICY_lock_minutes) * MINUTE_MS, &until_ms, &is_last))
        return told_until(cx, ERR_locked, until_ms);
    code = password_matches(cx, &t.account, password, &is_good);
    if (code != OK) return code;
    if (!is_good) return failed(cx, &t, is_last);
    code = open_session(cx, &t);
    if (code != OK) return code;
    // The person is right, so their own count begins anew; the address only gets this one try back, or a guesser could
    // wash its count with an account of its own.
    guard_clear(g, name);
    guard_back(g, peer);
    return OK;
}

// Kinds of characters; whatever is not an ASCII letter or digit counts as the fourth.
static int kinds(struct str s) {
    bool upper = false, lower = false, digit = false, other = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c >= 'A' && c <= 'Z')
            upper = true;
        else if (c >= 'a' && c <= 'z')
            lower = true;
        else if (c >= '0' && c <= '9')
            digit = true;
        else
            other = true;
    }
    return upper + lower + digit + other;
}

static struct str lower_case(struct cx *cx, struct str s) {
    char *p = str_z(cx->mem, s);
    for (size_t i = 0; p && i < s.n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z') p[i] = (char)(p[i] - 'A' + 'a');
    return p ? (struct str){p, s.n} : s;
}

// The rule of the policy; told one fault at a time, each with the number that is asked.
int people_password_rule(struct cx *cx, struct str login, struct str password, const char *field) {
    int64_t least = policy(cx, POLICY_password_min), classes = policy(cx, POLICY_password_classes);
    if ((int64_t)str_utf8_count(password) < least)
        return cx_fail(cx, ERR_password_short, field, "%" PRId64, least);
    if (str_utf8_count(password) > PEOPLE_PASSWORD_MAX)
        return cx_fail(cx, ERR_field_long, field, "%d", PEOPLE_PASSWORD_MAX);
    if (kinds(password) < classes) return cx_fail(cx, ERR_password_classes, field, "%" PRId64, classes);
    // Logins of one or two letters would forbid too much and protect nothing.
    if (login.n >= 3 && str_has(lower_case(cx, password), lower_case(cx, login)))
        return cx_fail(cx, ERR_password_login, field, "%s", "");
    return OK;
}

// A first password that somebody else will read out: random, and due to be changed at the first log-in.
int people_password_make(struct cx *cx, struct str *ret_clear, struct str *ret_stored) {
    // No 0 O 1 l I: it is read out or typed once. The last three bring the kinds of characters that the policy asks.
    static const char letters[] = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    uint8_t bytes[16];
    char text[25];
    size_t n = 0;
    if (crypto_random(bytes, sizeof bytes) != OK) return cx_fail(cx, ERR_crypto, "", "random");
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (i && i % 4 == 0) text[n++] = '-';
        text[n++] = letters[bytes[i] % (sizeof letters - 1)]; // 56 letters: the bias costs 0.1 bit of 90
    }
    text[n++] = 'a';
    text[n++] = 'Z';
    text[n++] = '7';
    *ret_clear = str_copy(cx->mem, (struct str){text, n});
    crypto_wipe(bytes, sizeof bytes);
    crypto_wipe(text, sizeof text);
    return password_hash(cx->mem, cx->hasher, cx->city->key, *ret_clear, ret_stored, &cx->err);
}

// One's own password. A wrong old one counts as a wrong log-in: an open desk must not be a place to guess at.
struct change {
    struct account account;
    struct str stored;
};

static int change_run(struct cx *cx, void *arg) {
    struct change *c = arg;
    struct account now;
    int code = account_read(cx, c->account.id, &now);
    if (code == OK && !str_eq(now.password, c->account.password))
        return cx_fail(cx, ERR_stale, "old", "%s", "");
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_people_account_password, "isiii", c->account.id,
                          c->stored, cx->now_ms, (int64_t)0, cx->who.account);
    uint8_t id[HASH_BYTES] = {0};
    // Whoever may have known the old password is out; the session that changed it stays.
    if (code == OK && cx->who.session.p && str_unhex(cx->who.session, id, sizeof id))
        code = store_exec(cx->db, NULL, &cx->err, Q_people_sessions_drop_others, "ib", c->account.id,
                          (struct str){(const char *)id, sizeof id});
    if (code != OK) return missing(cx, code, "", S("account"));
    people_auth_moved(cx);
    struct act *a = cx_act(cx, "account", str_print(cx->mem, "%" PRId64, c->account.id));
    a->verb = "account.password";
    a->object_name = now.login;
    return OK;
}

int people_password_change(struct cx *cx, struct str old, struct str new_one) {
    assert(!cx->is_writer);
    struct change c = {0};
    struct guard *g = &people_state(cx)->guard;
    int64_t until_ms;
    bool is_last = false, is_good;
    int code = missing(cx, account_read(cx, cx->who.account, &c.account), "", S("account"));
    if (code != OK) return code;
    uint64_t name = guard_key(cx, "login", c.account.login);
    if (!guard_try(g, name, cx->now_ms, policy(cx, POLICY_login_tries),
                   policy(cx, POLICY_lock_minutes) * MINUTE_MS, &until_ms, &is_last))
        return told_until(cx, ERR_locked, until_ms);
    code = password_matches(cx, &c.account, old, &is_good);
    if (code != OK) return code;
    struct attempt t = {.account = c.account};
    if (!is_good) return failed(cx, &t, is_last);
    guard_clear(g, name);
    if (str_eq(old, new_one)) return cx_fail(cx, ERR_password_same, "new", "%s", "");
    code = people_password_rule(cx, c.account.login, new_one, "new");
    if (code == OK) code = password_hash(cx->mem, cx->hasher, cx->city->key, new_one, &c.stored, &cx->err);
    return code == OK ? cx_write(cx, change_run, &c) : code;
}
