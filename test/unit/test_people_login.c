// SPDX-License-Identifier: MulanPSL-2.0
// Log-in as a client sees it: sessions and their ends, the cookie, the CSRF token, lock-out that does not tell who
// exists, addresses that guess, changed and given passwords, API tokens.
#include "people_pack.h"

FIXTURE_MODULES(&people_module)

static char cookie[256], csrf[128];

static int setup(void **state) {
    static struct fixture f;
    struct pack *p;
    fixture_open(&f);
    pack_make(&f);
    int code = pack_put(&f, true, &p);
    if (code != OK) pack_show(p);
    assert_int_equal(code, OK);
    fixture_real_who(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    fixture_close(*state);
    return 0;
}

static struct str reply_header(struct fixture *f, const char *name) {
    for (int i = 0; i < f->cx.reply.headers_n; i++)
        if (str_eq(f->cx.reply.headers[i][0], str_of(name))) return f->cx.reply.headers[i][1];
    return STR_NONE;
}

static int log_in(struct fixture *f, const char *login, const char *password) {
    char body[256];
    snprintf(body, sizeof body, "{\"login\":\"%s\",\"password\":\"%s\"}", login, password);
    int status = fixture_call(f, "POST", "/api/v1/login", body);
    if (status != 200) return status;
    struct str set = reply_header(f, "Set-Cookie"), rest, pair = str_cut(set, ';', &rest);
    snprintf(cookie, sizeof cookie, "%.*s", STRF(pair));
    snprintf(csrf, sizeof csrf, "%.*s", STRF(fixture_text(f, "csrf")));
    return status;
}

static int as_me(struct fixture *f, const char *verb, const char *path, const char *body) {
    fixture_header(f, "Cookie", cookie);
    fixture_header(f, "X-CSRF-Token", csrf);
    return fixture_call(f, verb, path, body);
}

static bool is_known(struct fixture *f) {
    fixture_header(f, "Cookie", cookie);
    fixture_call(f, "GET", "/api/v1/me", NULL);
    assert_status(f, 200);
    return json_is(json_get(f->json, S("account")), JSON_OBJECT);
}

static void session_lives_and_ends(void **state) {
    struct fixture *f = *state;
    assert_int_equal(log_in(f, "rs-bm", DEMO_PASSWORD), 200);
    struct json a = json_get(f->json, S("account"));
    assert_true(str_eq(json_text(json_get(a, S("office"))), S("sz-hrss")));
    assert_true(str_eq(json_text(json_at(json_get(a, S("roles")), 0)), S("steward")));
    struct str set = reply_header(f, "Set-Cookie");
    assert_true(str_has(set, S("HttpOnly")) && str_has(set, S("SameSite=Strict")) &&
                str_has(set, S("Path=/")));
    assert_false(str_has(set, S("Secure"))); // only under TLS
    assert_true(is_known(f));
    assert_true(json_is(json_get(f->json, S("notices")), JSON_ARRAY));
    assert_true(str_eq(json_text(json_get(json_get(f->json, S("city")), S("title_en"))), S("Suzhou")));

    // Without the CSRF token nothing changes; with it the session ends.
    fixture_header(f, "Cookie", cookie);
    fixture_call(f, "POST", "/api/v1/logout", NULL);
    assert_status(f, 403);
    assert_true(is_known(f));
    as_me(f, "POST", "/api/v1/logout", NULL);
    assert_status(f, 200);
    assert_true(str_has(reply_header(f, "Set-Cookie"), S("Max-Age=0")));
    assert_false(is_known(f));
}

static void idle_and_absolute_ends(void **state) {
    struct fixture *f = *state;
    int64_t begin = fixture_now_ms;
    assert_int_equal(log_in(f, "rs-bm", DEMO_PASSWORD), 200);
    fixture_now_ms += 29 * 60000;
    assert_true(is_known(f)); // and its sighting joins the queue: the idle time begins anew
    struct stmt *s;
    struct err e = {0};
    as_me(f, "GET", "/api/v1/me/tokens", NULL);
    // A write waits behind the sighting in the queue, so after it the sighting stands.
    as_me(f, "POST", "/api/v1/me/tokens", "{\"name\":\"x\",\"scopes\":[\"catalog:read\"],\"days\":1}");
    assert_status(f, 201);
    s = store_query(f->conn, Q_people_account_by_login, "s", S("rs-bm"));
    assert_true(store_next(s));
    assert_int_equal(store_int(s, 8), fixture_now_ms);
    assert_int_equal(store_done(s, &e), OK);
    fixture_now_ms += 29 * 60000;
    assert_true(is_known(f));
    fixture_now_ms += 31 * 60000;
    assert_false(is_known(f));

    // However busy, twelve hours are the end.
    fixture_now_ms = begin + 24 * 3600000;
    assert_int_equal(log_in(f, "rs-bm", DEMO_PASSWORD), 200);
    for (int i = 0; i < 36; i++) {
        fixture_now_ms += 20 * 60000 - (i == 35);
        assert_true(is_known(f));
        as_me(f, "POST", "/api/v1/me/tokens", "{}"); // 422; it only takes its turn
        fixture_header(f, "Cookie", cookie);
        fixture_header(f, "X-CSRF-Token", csrf);
        fixture_call(f, "DELETE", "/api/v1/me/tokens/999999", NULL); // 404, in order behind the sighting
        assert_status(f, 404);
    }
    fixture_now_ms += 2;
    assert_false(is_known(f));
}

static void wrong_passwords_lock_and_tell_nothing(void **state) {
    struct fixture *f = *state;
    const char *const logins[] = {"rs-bm", "nobody-at-all"};
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 5; i++) {
            assert_int_equal(log_in(f, logins[k], "Wrong-pass-1"), 401);
            assert_true(str_eq(fixture_text(f, "code"), S("bad-login")) ||
                        str_eq(fixture_text(f, "code"), S("bad_login")));
        }
        assert_int_equal(log_in(f, logins[k], k == 0 ? DEMO_PASSWORD : "Wrong-pass-1"), 423);
        assert_true(reply_header(f, "Retry-After").n > 0);
    }
    // Another account is not touched, and the lock survives a restart.
    assert_int_equal(log_in(f, "sj-gl", DEMO_PASSWORD), 200);
    fixture_again(f);
    fixture_real_who(f);
    assert_int_equal(log_in(f, "rs-bm", DEMO_PASSWORD), 423);
    fixture_now_ms += 16 * 60000;
    assert_int_equal(log_in(f, "rs-bm", DEMO_PASSWORD), 200);
    // Four wrong ones and a right one begin the count anew.
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4; i++)
            assert_int_equal(log_in(f, "rs-bm", "Wrong-pass-1"), 401);
        assert_int_equal(log_in(f, "rs-bm", DEMO_PASSWORD), 200);
    }
}

static void an_address_that_guesses_is_stopped(void **state) {
    struct fixture *f = *state;
    char login[24];
    assert_int_equal(log_in(f, "sec", DEMO_PASSWORD), 200);
    as_me(f, "PUT", "/api/v1/policies/peer_tries", "{\"value\":4}");
    assert_status(f, 422); // below its bound
    as_me(f, "PUT", "/api/v1/policies/peer_tries", "{\"value\":6}");
    assert_status(f, 200);
    for (int i = 0; i < 6; i++) {
        snprintf(login, sizeof login, "guess-%d", i);
        assert_int_equal(log_in(f, login, "Wrong-pass-1"), 401);
    }
    assert_int_equal(log_in(f, "rs-bm", DEMO_PASSWORD), 429);
    assert_true(reply_header(f, "Retry-After").n > 0);
    fixture_now_ms += 16 * 60000;
    assert_int_equal(log_in(f, "rs-bm", DEMO_PASSWORD), 200);
}

static void passwords_change_by_rule(void **state) {
    struct fixture *f = *state;
    char old_cookie[256];
    assert_int_equal(log_in(f, "rs-bm", DEMO_PASSWORD), 200);
    snprintf(old_cookie, sizeof old_cookie, "%s", cookie);
    assert_int_equal(log_in(f, "rs-bm", DEMO_PASSWORD), 200);
    const struct {
        const char *password;
        const char *code;
    } bad[] = {{"Ab1-Ab1-A", "password_short"},
               {"abcdefghijkl", "password_classes"},
               {"xRS-BM-12345", "password_login"},
               {DEMO_PASSWORD, "password_same"}};
    char body[256];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(body, sizeof body, "{\"old\":\"" DEMO_PASSWORD "\",\"new\":\"%s\"}", bad[i].password);
        as_me(f, "POST", "/api/v1/me/password", body);
        assert_status(f, 422);
        char code[64];
        snprintf(code, sizeof code, "%.*s", STRF(fixture_text(f, "code")));
        for (char *c = code; *c; c++)
            if (*c == '-') *c = '_';
        assert_string_equal(code, bad[i].code);
    }
    as_me(f, "POST", "/api/v1/me/password", "{\"old\":\"Wrong-pass-1\",\"new\":\"Another-pass-22\"}");
    assert_status(f, 401);
    as_me(f, "POST", "/api/v1/me/password", "{\"old\":\"" DEMO_PASSWORD "\",\"new\":\"Another-pass-22\"}");
    assert_status(f, 200);
    assert_true(is_known(f)); // the session that changed it stays
    snprintf(cookie, sizeof cookie, "%s", old_cookie);
    assert_false(is_known(f)); // the others are out
    assert_int_equal(log_in(f, "rs-bm", DEMO_PASSWORD), 401);
    assert_int_equal(log_in(f, "rs-bm", "Another-pass-22"), 200);
}

static void a_given_password_opens_one_door(void **state) {
    struct fixture *f = *state;
    char first[64], body[256];
    assert_int_equal(log_in(f, "sys", DEMO_PASSWORD), 200);
    as_me(f, "POST", "/api/v1/accounts", "{\"login\":\"rs-new\",\"name\":\"新人\",\"office\":\"sz-hrss\"}");
    assert_status(f, 201);
    int64_t id = fixture_int(f, "id");
    snprintf(first, sizeof first, "%.*s", STRF(fixture_text(f, "password")));
    assert_int_equal(log_in(f, "sec", DEMO_PASSWORD), 200);
    snprintf(body, sizeof body, "/api/v1/accounts/%d/roles", (int)id);
    as_me(f, "PUT", body, "{\"roles\":[\"applicant\"]}");
    assert_status(f, 200);
    assert_int_equal(log_in(f, "rs-new", first), 200);
    as_me(f, "GET", "/api/v1/systems", NULL);
    assert_status(f, 403);
    snprintf(body, sizeof body, "{\"old\":\"%s\",\"new\":\"My-own-pass-1\"}", first);
    as_me(f, "POST", "/api/v1/me/password", body);
    assert_status(f, 200);
    as_me(f, "GET", "/api/v1/systems", NULL);
    assert_status(f, 200);
}

static void tokens_are_narrow_and_end(void **state) {
    struct fixture *f = *state;
    char token[128], bearer[160];
    assert_int_equal(log_in(f, "rs-bm", DEMO_PASSWORD), 200);
    as_me(f, "POST", "/api/v1/me/tokens", "{\"name\":\"x\",\"scopes\":[\"no:such\"],\"days\":30}");
    assert_status(f, 422);
    as_me(f, "POST", "/api/v1/me/tokens", "{\"name\":\"x\",\"scopes\":[\"catalog:read\"],\"days\":30}");
    assert_status(f, 201);
    int64_t id = fixture_int(f, "id");
    snprintf(token, sizeof token, "%.*s", STRF(fixture_text(f, "token")));
    snprintf(bearer, sizeof bearer, "Bearer %s", token);
    assert_memory_equal(token, "gt_", 3);

    fixture_header(f, "Authorization", bearer);
    fixture_call(f, "GET", "/api/v1/me", NULL);
    assert_true(json_is(json_get(f->json, S("account")), JSON_OBJECT));
    fixture_header(f, "X-CKAN-API-Key", token); // as CKAN's clients send it
    fixture_call(f, "GET", "/api/v1/me", NULL);
    assert_true(json_is(json_get(f->json, S("account")), JSON_OBJECT));
    fixture_header(f, "Authorization", bearer);
    fixture_call(f, "GET", "/api/v1/me/tokens", NULL); // only a session sees tokens
    assert_status(f, 403);
    const char *const bad[] = {"Bearer gt_1_",     "Bearer gt_x_y",   "Bearer gt_",
                               "Bearer gt_1_AAAA", "Bearer nonsense", "Basic YTpi"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fixture_header(f, "Authorization", bad[i]);
        fixture_call(f, "GET", "/api/v1/me/tokens", NULL);
        assert_status(f, 401);
    }
    fixture_now_ms += (int64_t)31 * DAY_MS;
    fixture_header(f, "Authorization", bearer);
    fixture_call(f, "GET", "/api/v1/me", NULL);
    assert_true(json_is(json_get(f->json, S("account")), JSON_NULL));
    assert_int_equal(log_in(f, "sj-gl", DEMO_PASSWORD), 200);
    char path[64];
    snprintf(path, sizeof path, "/api/v1/me/tokens/%d", (int)id);
    as_me(f, "DELETE", path, NULL); // somebody else's
    assert_status(f, 404);
    assert_int_equal(log_in(f, "rs-bm", DEMO_PASSWORD), 200);
    as_me(f, "DELETE", path, NULL);
    assert_status(f, 200);
}

// The store must not hold anything that opens a door.
static void nothing_secret_is_stored(void **state) {
    struct fixture *f = *state;
    if (on_postgres()) skip(); // looks into the file
    assert_int_equal(log_in(f, "rs-bm", DEMO_PASSWORD), 200);
    struct str secret = str_of(strchr(cookie, '=') + 1), bytes;
    static const char *const files[] = {"gusu.db", "gusu.db-wal"};
    for (int i = 0; i < 2; i++) {
        char path[128];
        struct err e = {0};
        snprintf(path, sizeof path, "%s/%s", f->folder, files[i]);
        assert_int_equal(file_read(&f->mem, path, 64 << 20, &bytes, &e), OK);
        assert_null(memmem(bytes.p, bytes.n, secret.p, secret.n));
        assert_null(memmem(bytes.p, bytes.n, DEMO_PASSWORD, strlen(DEMO_PASSWORD)));
    }
}

static void sessions_of_one_account_are_few(void **state) {
    struct fixture *f = *state;
    char first[256];
    for (int i = 0; i < 6; i++) {
        fixture_now_ms += 1000;
        assert_int_equal(log_in(f, "rs-bm", DEMO_PASSWORD), 200);
        if (i == 0) snprintf(first, sizeof first, "%s", cookie);
    }
    assert_true(is_known(f));
    snprintf(cookie, sizeof cookie, "%s", first);
    assert_false(is_known(f));
}

static void bad_bodies(void **state) {
    struct fixture *f = *state;
    const char *const bodies[] = {"{}", "{\"login\":\"a\"}", "{\"login\":5,\"password\":\"x\"}",
                                  "{\"login\":\"a\",\"password\":\"b\",\"more\":1}", "[]"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        fixture_call(f, "POST", "/api/v1/login", bodies[i]);
        assert_true(f->status == 422 || f->status == 400);
    }
    char path[400], body[4000];
    memset(body, 'a', sizeof body);
    snprintf(path, sizeof path, "%s", "{\"login\":\"rs-bm\",\"password\":\"");
    memcpy(body, path, strlen(path));
    memcpy(body + sizeof body - 3, "\"}", 3);
    fixture_call(f, "POST", "/api/v1/login", body);
    assert_status(f, 422);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {T(session_lives_and_ends),
                                       T(idle_and_absolute_ends),
                                       T(wrong_passwords_lock_and_tell_nothing),
                                       T(an_address_that_guesses_is_stopped),
                                       T(passwords_change_by_rule),
                                       T(a_given_password_opens_one_door),
                                       T(tokens_are_narrow_and_end),
                                       T(nothing_secret_is_stored),
                                       T(sessions_of_one_account_are_few),
                                       T(bad_bodies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
