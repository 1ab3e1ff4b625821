// SPDX-License-Identifier: MulanPSL-2.0
// Who asks: turns the credential of a request into an actor. It runs on the I/O thread for every request, so it is
// one read by key. Three credentials: the session cookie of the page, a personal API token gt_<id>_<secret>, an
// exchange key gk_… (judged by exchange). Keeps true: (1) no credential gives nobody, a bad token gives an error, a
// dead cookie gives nobody, since a browser sends it to public pages too; (2) the store holds only digests of
// secrets; (3) "last seen" is never a write in the way of a request: it joins the queue and nobody waits for it.
#include "mod/people/own.h"
#include <assert.h>

// The first cookie of the name; browsers put the one with the longest path first (RFC 6265 §5.4).
static struct str cookie(struct cx *cx, struct str name) {
    struct str rest = cx_header(cx, "Cookie");
    while (rest.p) {
        struct str pair = str_trim(str_cut(rest, ';', &rest)), value;
        struct str key = str_cut(pair, '=', &value);
        if (value.p && str_eq(key, name)) return value;
    }
    return STR_NONE;
}

void people_secret_hash(struct cx *cx, struct str text, uint8_t ret_hash[HASH_BYTES]) {
    hash_one(cx->hasher, HASH_SHA256, text, ret_hash);
}

bool people_new_secret(struct cx *cx, struct str *ret_text, uint8_t ret_hash[HASH_BYTES]) {
    uint8_t bytes[PEOPLE_TOKEN_BYTES];
    if (crypto_random(bytes, sizeof bytes) != OK) return false;
    *ret_text = str_base64url(cx->mem, bytes, sizeof bytes);
    crypto_wipe(bytes, sizeof bytes);
    people_secret_hash(cx, *ret_text, ret_hash);
    return ret_text->p != NULL;
}

// Columns 0-7 of both actor queries; further rows bring only one more role each.
struct judged {
    bool found, is_active, must_change;
    int64_t seen_ms;
};

static void actor_row(struct cx *cx, struct stmt *s, struct judged *j) {
    if (!j->found) {
        cx->who = (struct actor){.account = store_int(s, 0),
                                 .login = store_str(s, 1, cx->mem),
                                 .name = store_str(s, 2, cx->mem),
                                 .office = store_str(s, 3, cx->mem),
                                 .area = store_str(s, 4, cx->mem),
                                 .roles = R_PUBLIC | R_LOGIN};
        j->is_active = str_eq(store_str(s, 5, NULL), S("active"));
        j->must_change = store_int(s, 6) != 0;
        j->seen_ms = store_int(s, 9);
        j->found = true;
    }
    // A password given by somebody else opens one door only: the one where it is changed.
    if (j->must_change || store_is_null(s, 7)) return;
    int i = role_index(store_str(s, 7, NULL));
    if (i >= 0) cx->who.roles |= 1u << i;
}

// Nobody in particular, and the reason why if it is worth telling.
static int nobody(struct cx *cx, int code) {
    cx->who = (struct actor){.roles = R_PUBLIC};
    return code == OK ? OK : cx_fail(cx, code, "", "%s", "");
}

// Live = not past its absolute end and not idle too long. Sightings are noted once a minute, so idleness is measured
// up to a minute too strictly, never too kindly.
static int by_session(struct cx *cx, struct str token) {
    uint8_t id[HASH_BYTES];
    people_secret_hash(cx, token, id);
    struct judged j = {0};
    bool is_live = false;
    struct stmt *s =
        store_query(cx->db, Q_people_session_actor, "b", (struct str){(const char *)id, sizeof id});
    while (store_next(s)) {
        if (!j.found)
            is_live = store_int(s, 11) > cx->now_ms && store_int(s, 9) + store_int(s, 10) > cx->now_ms;
        actor_row(cx, s, &j);
        if (!cx->who.csrf.p) cx->who.csrf = store_str(s, 8, cx->mem);
    }
    int code = store_done(s, &cx->err);
    if (code != OK) {
        cx->who = (struct actor){.roles = R_PUBLIC};
        return code;
    }
    if (!j.found || !j.is_active || !is_live) return nobody(cx, OK);
    cx->who.session = str_hex(cx->mem, id, sizeof id);
    if (!cx->is_writer && cx->now_ms - j.seen_ms >= PEOPLE_TOUCH_MS)
        people_touch_session(cx, id, cx->who.account);
    return OK;
}

// The id finds the row, the secret proves it: compared as digests in constant time.
static int by_token(struct cx *cx, struct str token) {
    struct str secret, number = str_cut((struct str){token.p + 3, token.n - 3}, '_', &secret);
    int64_t id;
    if (!secret.p || !str_int64(number, &id)) return nobody(cx, ERR_bad_token);
    uint8_t hash[HASH_BYTES];
    people_secret_hash(cx, secret, hash);
    struct judged j = {0};
    bool is_good = false;
    struct stmt *s = store_query(cx->db, Q_people_token_actor, "i", id);
    while (store_next(s)) {
        if (!j.found) {
            struct str want = store_str(s, 8, NULL);
            is_good = want.n == sizeof hash && str_equal_const_time(want.p, hash, sizeof hash) &&
                      store_int(s, 11) > cx->now_ms;
        }
        actor_row(cx, s, &j);
        if (!cx->who.scopes.p) cx->who.scopes = store_str(s, 10, cx->mem);
    }
    int code = store_done(s, &cx->err);
    if (code != OK) {
        cx->who = (struct actor){.roles = R_PUBLIC};
        return code;
    }
    if (!j.found || !j.is_active || !is_good) return nobody(cx, ERR_bad_token);
    if (!cx->is_writer && cx->now_ms - j.seen_ms >= PEOPLE_TOUCH_MS)
        people_touch_token(cx, id, cx->who.account);
    return OK;
}

int people_who(struct cx *cx) {
    cx->who = (struct actor){.roles = R_PUBLIC};
    struct str token = cx_header(cx, "Authorization");
    // CKAN's clients send the bare token, older ones under their own header name.
    if (!token.p) token = cx_header(cx, "X-CKAN-API-Key");
    if (token.p) {
        if (token.n > 7 && str_eq_nocase((struct str){token.p, 7}, S("Bearer ")))
            token = str_trim((struct str){token.p + 7, token.n - 7});
        if (str_starts(token, S("gk_")) && cx->city->who_key) return cx->city->who_key(cx, token);
        return str_starts(token, S("gt_")) ? by_token(cx, token) : nobody(cx, ERR_bad_token);
    }
    token = cookie(cx, S("gusu_session"));
    return token.p ? by_session(cx, token) : OK;
}

// Whatever was judged before this is judged again on the writer before it changes anything.
void people_auth_moved(struct cx *cx) {
    city_auth_moved(cx->city);
}

// Last seen: a fixed number of works go round; when all are under way, this request's sighting is simply not noted.
static int touch_run(struct work *w, struct conn *c, struct err *e) {
    struct touch *t = (struct touch *)(void *)w;
    int code =
        t->q == Q_people_session_touch
            ? store_exec(c, NULL, e, t->q, "bi", (struct str){(const char *)t->session, HASH_BYTES}, t->at_ms)
            : store_exec(c, NULL, e, t->q, "ii", t->token, t->at_ms);
    return code != OK ? code : store_exec(c, NULL, e, Q_people_account_touch, "ii", t->account, t->at_ms);
}

static void touch_done(struct work *first) {
    for (struct work *w = first, *next; w; w = next) {
        next = w->next;
        struct touch *t = (struct touch *)(void *)w;
        struct people_state *p = t->owner;
        assert(p->magic == PEOPLE_MAGIC);
        pthread_mutex_lock(&p->lock);
        t->next = p->free;
        p->free = t;
        p->out--;
        pthread_cond_signal(&p->back);
        pthread_mutex_unlock(&p->lock);
    }
}

// NULL when all are under way; then this sighting is skipped and the next one will do.
static struct touch *touch_take(struct people_state *p) {
    pthread_mutex_lock(&p->lock);
    struct touch *t = p->free;
    if (t) {
        p->free = t->next;
        p->out++;
    }
    pthread_mutex_unlock(&p->lock);
    if (t) *t = (struct touch){.owner = p, .work = {.run = touch_run, .done = touch_done}};
    return t;
}

static void touch_send(struct cx *cx, struct touch *t, int64_t account) {
    t->account = account;
    t->at_ms = cx->now_ms;
    if (store_submit(cx->city->store, &t->work) != OK)
        touch_done(&t->work); // a full queue has better things to do
}

void people_touch_session(struct cx *cx, const uint8_t session[HASH_BYTES], int64_t account) {
    struct touch *t = touch_take(people_state(cx));
    if (!t) return;
    t->q = Q_people_session_touch;
    memcpy(t->session, session, HASH_BYTES);
    touch_send(cx, t, account);
}

void people_touch_token(struct cx *cx, int64_t token, int64_t account) {
    struct touch *t = touch_take(people_state(cx));
    if (!t) return;
    t->q = Q_people_token_touch;
    t->token = token;
    touch_send(cx, t, account);
}
