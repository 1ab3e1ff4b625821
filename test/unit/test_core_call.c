// SPDX-License-Identifier: MulanPSL-2.0
// The life of one call: retries happen once, also when they race; secrets are kept nowhere; a browser's changes come
// from our own page; tokens reach as far as their scopes; edits name what they saw; what a batch did to roles counts for
// the rest of that batch; what was prepared for a reply does not leave when the writer refuses it.
#include "core_toy.h"
#include <pthread.h>

FIXTURE_MODULES(&toy_module)
static struct fixture f;

static int fresh(void **state) {
    (void)state;
    memset(&toy, 0, sizeof toy);
    fixture_open(&f);
    AS_STEWARD(&f);
    return 0;
}

static void gate_open(void);
static int gone(void **state) {
    (void)state;
    gate_open();
    fixture_close(&f);
    return 0;
}

static int post_day(const char *key, const char *body) {
    if (key) fixture_header(&f, "Idempotency-Key", key);
    return fixture_call(&f, "POST", "/api/v1/toy/days", body);
}

static void retry_happens_once(void **state) {
    (void)state;
    post_day("k1", "{\"day\":5}");
    assert_status(&f, 200);
    struct str first = f.body;
    assert_true(str_eq(toy_reply_header(&f, "ETag"), S("\"v5\"")));
    struct str entry = toy_reply_header(&f, "Gusu-Entry");
    post_day("k1", "{\"day\":5}");
    assert_status(&f, 200);
    assert_true(str_eq(first, f.body));
    assert_true(str_eq(toy_reply_header(&f, "ETag"), S("\"v5\"")));
    assert_true(str_eq(toy_reply_header(&f, "Gusu-Entry"), entry));
    assert_int_equal(toy.runs, 1);
    post_day("k2", "{\"day\":5}"); // another key is another wish
    assert_int_equal(toy.runs, 2);
    post_day(NULL, "{\"day\":5}");
    assert_int_equal(toy.runs, 3);
}

static void same_key_for_something_else(void **state) {
    (void)state;
    post_day("k1", "{\"day\":5}");
    post_day("k1", "{\"day\":6}");
    assert_refused(&f, 409, "conflict");
    assert_int_equal(toy.runs, 1);
    assert_null(toy_reply_header(&f, "ETag").p); // nothing of the first answer rides along
    fixture_header(&f, "Idempotency-Key", "k1");
    fixture_call(&f, "POST", "/api/v1/toy/open", "{\"day\":5}");
    assert_refused(&f, 409, "conflict");
    fixture_as(&f, 8, "other", "o1", R_(STEWARD)); // another account's keys are its own
    post_day("k1", "{\"day\":6}");
    assert_status(&f, 200);
}

static void refused_write_leaves_the_key_free(void **state) {
    (void)state;
    post_day("k1", "{\"day\":666}");
    assert_refused(&f, 409, "conflict");
    assert_int_equal(toy_days(&f), 0);
    post_day("k1", "{\"day\":7}");
    assert_status(&f, 200);
    assert_int_equal(toy_days(&f), 1);
}

static void keys_have_limits(void **state) {
    (void)state;
    char longest[202] = {0};
    memset(longest, 'k', 201);
    post_day(longest, "{\"day\":5}");
    assert_refused(&f, 422, "field-long");
    post_day(longest + 1, "{\"day\":5}");
    assert_status(&f, 200);
    post_day("\xff", "{\"day\":5}");
    assert_refused(&f, 400, "utf8");
    assert_int_equal(toy.runs, 1);
}

static int64_t kept_answers(void) {
    int64_t n;
    struct err e = {0};
    struct stmt *s = store_text_query(f.conn, S("SELECT count(*) FROM core_idempotency"), "");
    n = store_next(s) ? store_int(s, 0) : -1;
    assert_int_equal(store_done(s, &e), OK);
    return n;
}

// Strangers neither fill the table nor are given what another stranger was answered.
static void strangers_keep_nothing(void **state) {
    (void)state;
    AS_NOBODY(&f);
    for (int i = 0; i < 2; i++) {
        fixture_header(&f, "Idempotency-Key", "k1");
        fixture_call(&f, "POST", "/api/v1/toy/open", "{\"day\":5}");
        assert_status(&f, 200);
    }
    assert_int_equal(toy.runs, 2);
    assert_int_equal(kept_answers(), 0);
    // An exchange key is somebody, but not every other exchange key.
    for (int64_t key = 1; key <= 2; key++) {
        f.who = (struct actor){.roles = R_PUBLIC | R_KEY, .key = key, .login = S("sys")};
        fixture_header(&f, "Idempotency-Key", "k1");
        fixture_call(&f, "POST", "/api/v1/toy/open", "{\"day\":6}");
        assert_status(&f, 200);
    }
    assert_int_equal(toy.runs, 4);
    assert_int_equal(kept_answers(), 2);
}

static void old_answers_are_swept(void **state) {
    (void)state;
    char key[16];
    for (int i = 0; i < 6; i++) {
        snprintf(key, sizeof key, "k%d", i);
        post_day(key, "{\"day\":5}");
    }
    assert_int_equal(kept_answers(), 6);
    fixture_now_ms += DAY_MS + 1;
    post_day("later", "{\"day\":5}"); // takes at most four old ones along
    assert_int_equal(kept_answers(), 3);
    post_day("later2", "{\"day\":5}");
    assert_int_equal(kept_answers(), 2);
    fixture_now_ms -= DAY_MS + 1;
}

// Eight threads with their own connections send the same request under the same key at once.
struct racer {
    pthread_t thread;
    int status;
    char body[100];
};

static struct str racer_header(void *arg, const char *name) {
    (void)arg;
    if (strcmp(name, "Idempotency-Key") == 0) return S("race");
    if (strcmp(name, "Content-Type") == 0) return S("application/json");
    return STR_NONE;
}

static void *race(void *arg) {
    struct racer *r = arg;
    struct arena mem;
    struct conn *conn = NULL;
    struct err e = {0};
    struct cx cx;
    arena_init(&mem, 0);
    struct hasher *h = hasher_open();
    struct request q = {.verb = S("POST"),
                        .path = S("/api/v1/toy/days"),
                        .body = S("{\"day\":9}"),
                        .body_bytes = 9,
                        .body_fd = -1,
                        .header = racer_header};
    if (h && store_conn_open(f.city.store, &conn, &e) == OK) {
        core_call(&f.city, &mem, conn, h, &q, &cx);
        r->status = cx.reply.status ? cx.reply.status : 200;
        struct str body = cx.reply.body.p ? cx.reply.body : buf_str(&cx.out);
        snprintf(r->body, sizeof r->body, "%.*s", STRF(body));
    }
    store_conn_close(conn);
    hasher_close(h);
    arena_free(&mem);
    return NULL;
}

static void racing_retries_happen_once(void **state) {
    (void)state;
    struct racer r[8] = {0};
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&r[i].thread, NULL, race, &r[i]), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(r[i].thread, NULL);
    assert_int_equal(toy.runs, 1);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(r[i].status, 200);
        assert_string_equal(r[i].body, r[0].body);
    }
}

static void secrets_are_kept_nowhere(void **state) {
    (void)state;
    fixture_header(&f, "Idempotency-Key", "s");
    fixture_call(&f, "POST", "/api/v1/toy/secret", NULL);
    assert_status(&f, 200);
    assert_true(str_has(f.body, S("gk_1")));
    struct err e = {0};
    struct stmt *s =
        store_text_query(f.conn, S("SELECT count(*) FROM core_idempotency WHERE instr(body, 'gk_') > 0"), "");
    assert_true(store_next(s));
    assert_int_equal(store_int(s, 0), 0);
    assert_int_equal(store_done(s, &e), OK);
    fixture_header(&f, "Idempotency-Key", "s");
    fixture_call(&f, "POST", "/api/v1/toy/secret", NULL);
    assert_refused(&f, 409, "secret-shown");
    assert_int_equal(toy.runs, 1);
}

// A slow call writes by itself; under a key its first write says that it was done.
static void slow_retry_is_told_so(void **state) {
    (void)state;
    fixture_header(&f, "Idempotency-Key", "slow");
    fixture_call(&f, "POST", "/api/v1/toy/slow", "{\"day\":5}");
    assert_status(&f, 200);
    assert_int_equal(toy_days(&f), 2);
    fixture_header(&f, "Idempotency-Key", "slow");
    fixture_call(&f, "POST", "/api/v1/toy/slow", "{\"day\":5}");
    assert_refused(&f, 409, "done-already");
    fixture_header(&f, "Idempotency-Key", "slow");
    fixture_call(&f, "POST", "/api/v1/toy/slow", "{\"day\":50}");
    assert_refused(&f, 409, "conflict");
    assert_int_equal(toy_days(&f), 2);
}

static void with_session(const char *site, const char *token) {
    AS_STEWARD(&f);
    f.who.session = S("abcd");
    f.who.csrf = S("right-token");
    if (site) fixture_header(&f, "Sec-Fetch-Site", site);
    if (token) fixture_header(&f, "X-CSRF-Token", token);
}

static void changes_come_from_our_page(void **state) {
    (void)state;
    const struct {
        const char *site, *token;
        int status;
    } rows[] = {{"same-origin", "right-token", 200},
                {NULL, "right-token", 200}, // a browser that does not say
                {"none", "right-token", 200},
                {"cross-site", "right-token", 403},
                {"same-site", "right-token", 403},
                {"same-origin", NULL, 403},
                {"same-origin", "", 403},
                {"same-origin", "right-toke", 403},
                {"same-origin", "right-tokem", 403},
                {"same-origin", "right-token2", 403}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        with_session(rows[i].site, rows[i].token);
        assert_int_equal(post_day(NULL, "{\"day\":5}"), rows[i].status);
    }
    with_session("cross-site", NULL); // looking is free: cookies are SameSite=Strict anyway
    fixture_call(&f, "GET", "/api/v1/toy", NULL);
    assert_status(&f, 200);
    with_session("same-origin", NULL);
    f.who.csrf = STR_NONE; // a session without a token opens nothing
    post_day(NULL, "{\"day\":5}");
    assert_refused(&f, 403, "cross-site");
}

static void roles_and_scopes(void **state) {
    (void)state;
    AS_NOBODY(&f);
    post_day(NULL, "{\"day\":5}");
    assert_refused(&f, 401, "not-logged-in");
    assert_true(toy_reply_header(&f, "WWW-Authenticate").n > 0);
    fixture_as(&f, 9, "x", "o1", R_(APPLICANT));
    uint64_t denied = atomic_load(&f.city.denied);
    post_day(NULL, "{\"day\":5}");
    assert_refused(&f, 403, "not-allowed");
    assert_int_equal(atomic_load(&f.city.denied), denied + 1); // counted, not entered
    assert_true(str_has(fixture_text(&f, "title_zh"), S("写")) &&
                !str_has(fixture_text(&f, "title_zh"), S("write")));
    assert_true(str_has(fixture_text(&f, "title_en"), S("write")) &&
                !str_has(fixture_text(&f, "title_en"), S("写")));
    const struct {
        struct str scopes;
        int status;
    } rows[] = {{S_INIT("toy:write"), 200},
                {S_INIT("catalog:read toy:write"), 200},
                {S_INIT("toy:writer"), 403},
                {S_INIT("toy"), 403},
                {S_INIT(""), 403}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AS_STEWARD(&f);
        f.who.scopes = rows[i].scopes;
        assert_int_equal(post_day(NULL, "{\"day\":5}"), rows[i].status);
    }
    AS_STEWARD(&f); // a route without a scope is for sessions only
    f.who.scopes = S("toy:write");
    fixture_call(&f, "POST", "/api/v1/toy/slow", "{\"day\":5}");
    assert_refused(&f, 403, "not-allowed");
    assert_int_equal(toy.runs, 2);
}

static void edits_name_what_they_saw(void **state) {
    (void)state;
    const struct {
        const char *match;
        int status;
    } rows[] = {{NULL, 428}, {"\"v3\"", 200},   {"*", 200}, {"\"v2\"", 412},
                {"v3", 412}, {"W/\"v3\"", 412}, {"", 412},  {"\"v33\"", 412}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].match) fixture_header(&f, "If-Match", rows[i].match);
        fixture_call(&f, "PUT", "/api/v1/toy/things/a", "{}");
        assert_int_equal(f.status, rows[i].status);
    }
}

// --- one batch: an item that revokes, and one that its caller had been allowed before ---
struct item {
    struct work work;
    struct cx *cx;
};

static int first_runs(struct work *w, struct conn *c, struct err *e) {
    (void)w;
    (void)c;
    (void)e;
    f.who = (struct actor){.roles = R_PUBLIC | R_LOGIN, .account = 7}; // the role is gone …
    city_auth_moved(&f.city);                                          // … and whoever took it says so
    return OK;
}
static int second_runs(struct work *w, struct conn *c, struct err *e) {
    struct item *i = (struct item *)w;
    return core_run_write(i->cx, c, e);
}
static int note_runs(struct work *w, struct conn *c, struct err *e) {
    struct item *i = (struct item *)w;
    return core_run_note(i->cx, c, e);
}
static void is_done(struct work *w) {
    (void)w;
}

static void open_call(struct cx *cx, const char *verb, const char *path, const char *query,
                      const char *body) {
    struct request *q = arena_take(&f.mem, sizeof *q);
    *q = (struct request){.verb = str_of(verb),
                          .path = str_of(path),
                          .query = str_of(query),
                          .body = str_of(body),
                          .body_bytes = (int64_t)strlen(body),
                          .body_fd = -1,
                          .headers_arg = &f,
                          .header = fixture_header_of};
    core_cx(cx, &f.city, &f.mem, f.conn, f.hasher, q);
    assert_true(core_open(cx));
}

// All are submitted while the writer stands in a gate, so that they fall into one batch. The gate is no local of a test:
// a test that fails leaves it closed, and the teardown opens it.
struct gate {
    struct work work;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool is_in, is_open;
};
static struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

static int gate_runs(struct work *w, struct conn *c, struct err *e) {
    struct gate *g = (struct gate *)w;
    (void)c;
    (void)e;
    pthread_mutex_lock(&g->lock);
    g->is_in = true;
    pthread_cond_broadcast(&g->moved);
    while (!g->is_open)
        pthread_cond_wait(&g->moved, &g->lock);
    pthread_mutex_unlock(&g->lock);
    return OK;
}

static void gate_open(void) {
    pthread_mutex_lock(&gate.lock);
    gate.is_open = true;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
}

static int nothing_runs(struct work *w, struct conn *c, struct err *e) {
    (void)w;
    (void)c;
    (void)e;
    return OK;
}

static void in_one_batch(struct work **items, int n) {
    struct work last = {.run = nothing_runs, .done = is_done};
    struct err e = {0};
    gate.work = (struct work){.run = gate_runs, .done = is_done};
    gate.is_in = gate.is_open = false;
    assert_int_equal(store_submit(f.city.store, &gate.work), OK);
    pthread_mutex_lock(&gate.lock);
    while (!gate.is_in)
        pthread_cond_wait(&gate.moved, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
    uint64_t before = store_stats(f.city.store).commits;
    for (int i = 0; i < n; i++)
        assert_int_equal(store_submit(f.city.store, items[i]), OK);
    gate_open();
    assert_int_equal(store_do(f.city.store, &last, &e), OK);
    assert_true(store_stats(f.city.store).commits - before <= 3); // the gate's, theirs, the last one's
}

static void revoke_and_use_in_one_batch(void **state) {
    (void)state;
    struct cx cx;
    open_call(&cx, "POST", "/api/v1/toy/days", NULL, "{\"day\":5}");
    struct work revoke = {.run = first_runs, .done = is_done};
    struct item use = {.work = {.run = second_runs, .done = is_done}, .cx = &cx};
    in_one_batch((struct work *[]){&revoke, &use.work}, 2);
    core_written(&cx, use.work.err.code, &use.work.err);
    assert_int_equal(cx.reply.status, 403);
    assert_int_equal(toy.runs, 0);
    assert_int_equal(toy_days(&f), 0);
}

static void use_before_revoke_in_one_batch(void **state) {
    (void)state;
    struct cx cx;
    open_call(&cx, "POST", "/api/v1/toy/days", NULL, "{\"day\":5}");
    struct work revoke = {.run = first_runs, .done = is_done};
    struct item use = {.work = {.run = second_runs, .done = is_done}, .cx = &cx};
    in_one_batch((struct work *[]){&use.work, &revoke}, 2);
    assert_int_equal(use.work.err.code, OK);
    assert_int_equal(toy_days(&f), 1);
}

// A reader's entry without a judge of its own is judged by its route again.
static void entry_after_revoke_in_one_batch(void **state) {
    (void)state;
    struct cx cx;
    open_call(&cx, "GET", "/api/v1/toy/entry", "no_judge=1", "");
    core_run(&cx);
    assert_int_equal(cx.err.code, OK);
    struct work revoke = {.run = first_runs, .done = is_done};
    struct item use = {.work = {.run = note_runs, .done = is_done, .is_plain = true}, .cx = &cx};
    in_one_batch((struct work *[]){&revoke, &use.work}, 2);
    core_noted(&cx, use.work.err.code, &use.work.err);
    assert_int_equal(cx.reply.status, 403);
    assert_false(str_has(buf_str(&cx.out), S("secret")));
}

// Whoever reads after a commit that moved the generation never stands under the number that the batch itself had.
static void generation_settles_after_the_commit(void **state) {
    (void)state;
    uint64_t before = atomic_load(&f.city.auth_generation);
    toy.moves_generation = true;
    post_day(NULL, "{\"day\":5}");
    assert_int_equal(atomic_load(&f.city.auth_generation), before + 2);
    toy.moves_generation = false;
    post_day(NULL, "{\"day\":6}");
    assert_int_equal(atomic_load(&f.city.auth_generation), before + 2);
}

// A slow call whose caller lost his role between its writes stops there.
static int losing_who(struct cx *cx) {
    bool lost = cx->is_writer && toy.moves_generation && atomic_load(&f.city.auth_generation) > 0;
    cx->who = lost ? (struct actor){.roles = R_PUBLIC | R_LOGIN, .account = 7} : f.who;
    return OK;
}

static void slow_call_is_judged_at_each_write(void **state) {
    (void)state;
    toy.moves_generation = true;
    f.city.who = losing_who;
    fixture_call(&f, "POST", "/api/v1/toy/slow", "{\"day\":5}");
    assert_refused(&f, 403, "not-allowed");
    assert_int_equal(toy_days(&f), 1);
}

static int bad_token_who(struct cx *cx) {
    cx->who =
        (struct actor){.roles = R_PUBLIC | R_LOGIN, .account = 99}; // half filled, as a finder may leave it
    return cx_fail(cx, ERR_bad_token, "", "%s", "");
}

// A public route stays public to somebody whose token has run out, on the writer too.
static void bad_token_on_a_public_route(void **state) {
    (void)state;
    struct cx cx;
    f.city.who = bad_token_who;
    fixture_call(&f, "GET", "/api/v1/toy", NULL);
    assert_status(&f, 200);
    open_call(&cx, "POST", "/api/v1/toy/open", NULL, "{\"day\":5}");
    assert_int_equal(cx.who.account, 0);
    atomic_fetch_add(&f.city.auth_generation, 1);
    struct item use = {.work = {.run = second_runs, .done = is_done}, .cx = &cx};
    struct err e = {0};
    assert_int_equal(store_do(f.city.store, &use.work, &e), OK);
    assert_int_equal(cx.who.account, 0);
    post_day(NULL, "{\"day\":5}");
    assert_refused(&f, 401, "bad-token");
}

static void refused_entry_lets_nothing_out(void **state) {
    (void)state;
    for (int with_file = 0; with_file < 2; with_file++) {
        toy.leaves_file = with_file;
        toy.judge_says = OK;
        fixture_call(&f, "GET", "/api/v1/toy/entry", NULL);
        assert_status(&f, 200);
        assert_true(toy_reply_header(&f, "Gusu-Entry").n > 0);
        assert_int_equal(f.cx.reply.fd >= 0, with_file);
        if (with_file) close(f.cx.reply.fd);
        toy.judge_says = ERR_conflict;
        fixture_call(&f, "GET", "/api/v1/toy/entry", NULL);
        assert_refused(&f, 409, "conflict");
        assert_false(str_has(f.body, S("secret")));
        assert_int_equal(f.cx.reply.fd, -1); // closed: a problem is no file
        assert_null(toy_reply_header(&f, "ETag").p);
        assert_null(toy_reply_header(&f, "Content-Disposition").p);
        assert_null(toy_reply_header(&f, "Gusu-Entry").p);
    }
    assert_int_equal(toy.judged, 4);
}

static void problems_in_both_languages(void **state) {
    (void)state;
    const char *body = "{\"day\":\"x\",\"other\":1}";
    for (int en = 0; en < 2; en++) {
        if (en) fixture_header(&f, "Accept-Language", "EN-us,en;q=0.9");
        post_day(NULL, body);
        assert_refused(&f, 422, "field-unknown");
        assert_true(str_eq(f.cx.reply.type, S("application/problem+json")));
        assert_true(str_eq(fixture_text(&f, "type"), S("about:gusu/field-unknown")));
        assert_true(str_eq(fixture_text(&f, "title"), fixture_text(&f, en ? "title_en" : "title_zh")));
        assert_true(str_eq(fixture_text(&f, "field"), S("other")));
        assert_int_equal(fixture_int(&f, "status"), 422);
        struct json errors = json_get(f.json, S("errors"));
        assert_int_equal(json_count(errors), 2);
        struct json type = json_at(errors, 1);
        assert_true(str_eq(json_text(json_get(type, S("field"))), S("day")));
        assert_true(str_eq(json_text(json_get(type, S("code"))), S("field-type")));
        assert_true(str_eq(json_text(json_get(type, S("title_zh"))), S("类型应为 integer")));
        assert_true(str_eq(json_text(json_get(type, S("title_en"))), S("Should be of type integer")));
    }
}

static void unknown_addresses(void **state) {
    (void)state;
    fixture_call(&f, "GET", "/api/v1/nowhere", NULL);
    assert_refused(&f, 404, "no-route");
    fixture_call(&f, "DELETE", "/api/v1/toy/days", NULL);
    assert_refused(&f, 405, "bad-method");
    assert_true(str_eq(toy_reply_header(&f, "Allow"), S("POST"))); // RFC 9110 §15.5.6
    fixture_call(&f, "POST", "/api/v1/toy", NULL);
    assert_true(str_eq(toy_reply_header(&f, "Allow"), S("GET, HEAD")));
    fixture_call(&f, "HEAD", "/api/v1/toy", NULL);
    assert_status(&f, 200);
}

// What the handler took beyond its memory is told as such, and nothing is written.
static void memory_gone(void **state) {
    (void)state;
    struct arena mem;
    toy.fills_memory = true;
    struct request q = {.verb = S("POST"),
                        .path = S("/api/v1/toy/days"),
                        .body = S("{\"day\":5}"),
                        .body_bytes = 9,
                        .body_fd = -1,
                        .headers_arg = &f,
                        .header = fixture_header_of};
    for (size_t limit = 1000; limit < 9000; limit += 250) { // cut off at every stage of the call
        struct cx cx;
        arena_init(&mem, limit);
        core_call(&f.city, &mem, f.conn, f.hasher, &q, &cx);
        assert_int_equal(cx.reply.status, 503);
        struct str body = cx.reply.body.p ? cx.reply.body : buf_str(&cx.out);
        assert_true(str_has(body, S("no-memory")));
        arena_free(&mem);
    }
    assert_int_equal(toy_days(&f), 0);
}

static void heard(void *arg, const char *event, struct str object, struct str office) {
    (void)arg;
    (void)object;
    toy.tells++;
    snprintf(toy.told, sizeof toy.told, "%s %.*s", event, STRF(office));
}

static void announced_after_the_commit_only(void **state) {
    (void)state;
    f.city.on_announced = heard;
    toy.announces = true;
    post_day(NULL, "{\"day\":666}");
    assert_refused(&f, 409, "conflict");
    assert_int_equal(toy.tells, 0);
    post_day(NULL, "{\"day\":5}");
    assert_int_equal(toy.tells, 1);
    assert_string_equal(toy.told, "toy.put o1");
}

int main(void) {
#define CALL(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
    const struct CMUnitTest tests[] = {
        CALL(retry_happens_once),
        CALL(same_key_for_something_else),
        CALL(refused_write_leaves_the_key_free),
        CALL(keys_have_limits),
        CALL(strangers_keep_nothing),
        CALL(old_answers_are_swept),
        CALL(racing_retries_happen_once),
        CALL(secrets_are_kept_nowhere),
        CALL(slow_retry_is_told_so),
        CALL(changes_come_from_our_page),
        CALL(roles_and_scopes),
        CALL(edits_name_what_they_saw),
        CALL(revoke_and_use_in_one_batch),
        CALL(use_before_revoke_in_one_batch),
        CALL(entry_after_revoke_in_one_batch),
        CALL(generation_settles_after_the_commit),
        CALL(slow_call_is_judged_at_each_write),
        CALL(bad_token_on_a_public_route),
        CALL(refused_entry_lets_nothing_out),
        CALL(problems_in_both_languages),
        CALL(unknown_addresses),
        CALL(memory_gone),
        CALL(announced_after_the_commit_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
