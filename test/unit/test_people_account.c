// SPDX-License-Identifier: MulanPSL-2.0
// 三员分立 as a client sees it: who makes accounts, who grants, who only reads; that no account holds two of the
// three, nobody changes themselves, the last of a kind stays, and the first comes from the command line only.
#include "people_pack.h"

FIXTURE_MODULES(&people_module)

static int setup(void **state) {
    static struct fixture f;
    struct pack *p;
    fixture_open(&f);
    pack_make(&f);
    assert_int_equal(pack_put(&f, true, &p), OK);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    fixture_close(*state);
    return 0;
}

static void as(struct fixture *f, const char *login, uint32_t roles) {
    fixture_as(f, account_id(f, login), login, "sz-data", roles);
}

static int put_roles(struct fixture *f, const char *login, const char *roles) {
    char path[64], body[200];
    snprintf(path, sizeof path, "/api/v1/accounts/%d/roles", (int)account_id(f, login));
    snprintf(body, sizeof body, "{\"roles\":[%s]}", roles);
    return fixture_call(f, "PUT", path, body);
}

static int patch(struct fixture *f, const char *login, const char *body) {
    char path[64];
    snprintf(path, sizeof path, "/api/v1/accounts/%d", (int)account_id(f, login));
    fixture_header(f, "If-Match", "*");
    return fixture_call(f, "PATCH", path, body);
}

static bool holds(struct fixture *f, const char *login, const char *role) {
    struct stmt *s = store_query(f->conn, Q_people_roles_of, "i", account_id(f, login));
    bool found = false;
    struct err e = {0};
    while (store_next(s))
        if (str_eq(store_str(s, 0, NULL), str_of(role))) found = true;
    assert_int_equal(store_done(s, &e), OK);
    return found;
}

static const char new_account[] = "{\"login\":\"rs-x\",\"name\":\"某某\",\"office\":\"sz-hrss\"}";

static void each_administrator_does_one_thing(void **state) {
    struct fixture *f = *state;
    const uint32_t not_sysadmin[] = {R_(SECADMIN), R_(AUDITOR), R_(AUTHORITY), R_(STEWARD), R_(UNIT_HEAD)};
    for (size_t i = 0; i < sizeof not_sysadmin / sizeof not_sysadmin[0]; i++) {
        as(f, "sec", not_sysadmin[i]);
        fixture_call(f, "POST", "/api/v1/accounts", new_account);
        assert_status(f, 403);
    }
    as(f, "sys", R_(SYSADMIN));
    fixture_call(f, "POST", "/api/v1/accounts", new_account);
    assert_status(f, 201);
    put_roles(f, "rs-x", "\"steward\"");
    assert_status(f, 403);
    as(f, "aud", R_(AUDITOR));
    put_roles(f, "rs-x", "\"steward\"");
    assert_status(f, 403);
    patch(f, "rs-x", "{\"name\":\"y\"}");
    assert_status(f, 403);
    fixture_call(f, "GET", "/api/v1/accounts?q=rs-x", NULL);
    assert_status(f, 200);
    assert_int_equal(json_count(json_get(json_at(json_get(f->json, S("items")), 0), S("roles"))), 0);
    as(f, "sec", R_(SECADMIN));
    put_roles(f, "rs-x", "\"steward\",\"applicant\"");
    assert_status(f, 200);
    assert_true(holds(f, "rs-x", "steward") && holds(f, "rs-x", "applicant"));
    fixture_call(f, "GET", "/api/v1/acts", NULL);
    assert_status(f, 403);
    as(f, "rs-x", R_(STEWARD));
    fixture_call(f, "GET", "/api/v1/accounts", NULL);
    assert_status(f, 403);
}

static void roles_that_may_not_meet(void **state) {
    struct fixture *f = *state;
    as(f, "sys", R_(SYSADMIN));
    fixture_call(f, "POST", "/api/v1/accounts", new_account);
    as(f, "sec", R_(SECADMIN));
    static const char *const bad[] = {"\"sysadmin\",\"secadmin\"",   "\"sysadmin\",\"auditor\"",
                                      "\"secadmin\",\"auditor\"",    "\"auditor\",\"steward\"",
                                      "\"applicant\",\"sysadmin\"",  "\"steward\",\"unit_head\"",
                                      "\"applicant\",\"unit_head\"", "\"developer\",\"secadmin\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put_roles(f, "rs-x", bad[i]);
        assert_status(f, 409);
    }
    put_roles(f, "rs-x", "\"nonsense\"");
    assert_status(f, 422);
    put_roles(f, "rs-x", "\"auditor\"");
    assert_status(f, 200);
    put_roles(f, "sec", "\"secadmin\",\"auditor\"");
    assert_status(f, 403); // one's own
    put_roles(f, "rs-bm", "\"reviewer\",\"steward\"");
    assert_status(f, 200);
}

static void the_last_of_a_kind_stays(void **state) {
    struct fixture *f = *state;
    as(f, "sec", R_(SECADMIN));
    put_roles(f, "aud", "");
    assert_status(f, 409);
    put_roles(f, "sys", "\"applicant\"");
    assert_status(f, 409);
    as(f, "sys", R_(SYSADMIN));
    patch(f, "aud", "{\"state\":\"disabled\"}");
    assert_status(f, 409);
    patch(f, "sys", "{\"state\":\"disabled\"}");
    assert_status(f, 403); // one's own
    fixture_call(f, "POST", "/api/v1/accounts", new_account);
    as(f, "sec", R_(SECADMIN));
    put_roles(f, "rs-x", "\"auditor\"");
    assert_status(f, 200);
    put_roles(f, "aud", "");
    assert_status(f, 200);
}

static void moving_leaves_business_roles_behind(void **state) {
    struct fixture *f = *state;
    as(f, "sys", R_(SYSADMIN));
    patch(f, "rs-bm", "{\"office\":\"sz-approval\"}");
    assert_status(f, 200);
    assert_false(holds(f, "rs-bm", "steward"));
    patch(f, "rs-bm", "{\"office\":\"sz-bigdata\"}");
    assert_status(f, 409); // that office has ended
    patch(f, "rs-bm", "{\"office\":\"no-such\"}");
    assert_status(f, 422);
}

static void edits_want_the_version(void **state) {
    struct fixture *f = *state;
    char path[64];
    as(f, "sys", R_(SYSADMIN));
    snprintf(path, sizeof path, "/api/v1/accounts/%d", (int)account_id(f, "rs-bm"));
    fixture_call(f, "PATCH", path, "{\"name\":\"a\"}");
    assert_status(f, 428);
    fixture_header(f, "If-Match", "\"v1\"");
    fixture_call(f, "PATCH", path, "{\"name\":\"a\"}");
    assert_status(f, 200);
    fixture_header(f, "If-Match", "\"v1\"");
    fixture_call(f, "PATCH", path, "{\"name\":\"b\"}");
    assert_status(f, 412);
}

static void passwords_of_administrators(void **state) {
    struct fixture *f = *state;
    char path[64];
    as(f, "sys", R_(SYSADMIN));
    snprintf(path, sizeof path, "/api/v1/accounts/%d/password", (int)account_id(f, "sec"));
    fixture_call(f, "POST", path, NULL);
    assert_status(f, 403);
    snprintf(path, sizeof path, "/api/v1/accounts/%d/password", (int)account_id(f, "rs-bm"));
    fixture_call(f, "POST", path, NULL);
    assert_status(f, 200);
    assert_true(fixture_text(f, "password").n >= 16);

    // The command line: an administrator's password, a first administrator, and nothing else.
    core_cx(&f->cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
    assert_int_equal(people_admin_create(&f->cx, S("sec"), S("secadmin"), S("Quite-new-pass-1")), OK);
    assert_int_equal(people_admin_create(&f->cx, S("sec"), S("auditor"), S("Quite-new-pass-1")),
                     ERR_role_conflict);
    core_cx(&f->cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
    assert_int_equal(people_admin_create(&f->cx, S("root2"), S("sysadmin"), S("short")), ERR_password_short);
    core_cx(&f->cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
    assert_int_equal(people_admin_create(&f->cx, S("root2"), S("steward"), S("Quite-new-pass-1")),
                     ERR_role_unknown);
    core_cx(&f->cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
    assert_int_equal(people_admin_create(&f->cx, S("root2"), S("sysadmin"), S("Quite-new-pass-1")), OK);
    assert_true(holds(f, "root2", "sysadmin"));
    fixture_real_who(f);
    fixture_call(f, "POST", "/api/v1/login", "{\"login\":\"root2\",\"password\":\"Quite-new-pass-1\"}");
    assert_status(f, 200);
}

static void accounts_are_well_made(void **state) {
    struct fixture *f = *state;
    as(f, "sys", R_(SYSADMIN));
    static const struct {
        const char *body;
        int status;
    } bad[] = {{"{\"login\":\"RS\",\"name\":\"x\",\"office\":\"sz-hrss\"}", 422},
               {"{\"login\":\"a b\",\"name\":\"x\",\"office\":\"sz-hrss\"}", 422},
               {"{\"login\":\"rs-y\",\"name\":\"x\",\"office\":\"nowhere\"}", 422},
               {"{\"login\":\"rs-y\",\"name\":\"x\",\"office\":\"sz-bigdata\"}", 409},
               {"{\"login\":\"rs-y\",\"name\":\"x\",\"office\":\"sz-hrss\",\"area\":\"999999\"}", 422},
               {"{\"login\":\"rs-bm\",\"name\":\"x\",\"office\":\"sz-hrss\"}", 409},
               {"{\"login\":\"rs-y\",\"name\":\"\",\"office\":\"sz-hrss\"}", 422}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fixture_call(f, "POST", "/api/v1/accounts", bad[i].body);
        assert_status(f, bad[i].status);
    }
    assert_int_equal(account_id(f, "rs-y"), 0);
}

static void stale_accounts_are_disabled(void **state) {
    struct fixture *f = *state;
    as(f, "sys", R_(SYSADMIN));
    fixture_call(f, "POST", "/api/v1/accounts", new_account);
    assert_status(f, 201);
    fixture_now_ms += 91 * DAY_MS;
    for (const struct job *j = people_module.jobs; j->name; j++) {
        core_cx(&f->cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
        assert_int_equal(j->run(&f->cx), OK);
    }
    fixture_call(f, "GET", "/api/v1/accounts?q=rs-x", NULL);
    assert_true(
        str_eq(json_text(json_get(json_at(json_get(f->json, S("items")), 0), S("state"))), S("disabled")));
    fixture_call(f, "GET", "/api/v1/accounts?role=sysadmin", NULL);
    assert_true(
        str_eq(json_text(json_get(json_at(json_get(f->json, S("items")), 0), S("state"))), S("active")));
}

static void lists_page_and_filter(void **state) {
    struct fixture *f = *state;
    int seen = 0;
    char path[256] = "/api/v1/accounts?limit=3";
    as(f, "aud", R_(AUDITOR));
    for (int page = 0; page < 5; page++) {
        fixture_call(f, "GET", path, NULL);
        assert_status(f, 200);
        seen += (int)json_count(json_get(f->json, S("items")));
        struct str next = fixture_text(f, "next");
        if (!next.p) break;
        snprintf(path, sizeof path, "/api/v1/accounts?limit=3&after=%.*s", STRF(next));
    }
    assert_int_equal(seen, 7);
    fixture_call(f, "GET", "/api/v1/accounts?role=authority&office=sz-data", NULL);
    assert_int_equal(json_count(json_get(f->json, S("items"))), 2);
    fixture_call(f, "GET", "/api/v1/accounts?q=%25", NULL); // a '%' is a letter, not a pattern
    assert_int_equal(json_count(json_get(f->json, S("items"))), 0);
    fixture_call(f, "GET", "/api/v1/roles", NULL);
    assert_status(f, 200);
    assert_int_equal(json_count(json_get(f->json, S("items"))), ROLE_COUNT);
    assert_int_equal(
        json_count(json_get(json_at(json_get(f->json, S("items")), ROLE_INDEX_SYSADMIN), S("conflicts"))),
        ROLE_COUNT - 1);
}

static void systems_belong_to_their_office(void **state) {
    struct fixture *f = *state;
    fixture_as(f, 1, "gjj", "sz-hrss", R_(APPLICANT));
    fixture_call(f, "POST", "/api/v1/systems", "{\"id\":\"rs-core\",\"name\":\"人社核心系统\"}");
    assert_status(f, 201);
    fixture_call(f, "POST", "/api/v1/systems", "{\"id\":\"rs-core\",\"name\":\"again\"}");
    assert_status(f, 409);
    fixture_call(f, "POST", "/api/v1/systems", "{\"id\":\"x2\",\"name\":\"n\",\"office\":\"sz-data\"}");
    assert_status(f, 403);
    core_cx(&f->cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
    assert_int_equal(people_system_ok(&f->cx, S("rs-core"), S("sz-hrss")), OK);
    assert_int_equal(people_system_ok(&f->cx, S("rs-core"), S("sz-data")), ERR_not_found);
    fixture_as(f, 2, "other", "sz-data", R_(APPLICANT));
    fixture_call(f, "GET", "/api/v1/systems", NULL);
    assert_int_equal(json_count(json_get(f->json, S("items"))), 0);
    fixture_header(f, "If-Match", "\"v1\"");
    fixture_call(f, "PATCH", "/api/v1/systems/rs-core", "{\"state\":\"ended\"}");
    assert_status(f, 403);
    fixture_as(f, 1, "gjj", "sz-hrss", R_(APPLICANT));
    fixture_header(f, "If-Match", "\"v1\"");
    fixture_call(f, "PATCH", "/api/v1/systems/rs-core", "{\"state\":\"ended\"}");
    assert_status(f, 200);
    core_cx(&f->cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
    assert_int_equal(people_system_ok(&f->cx, S("rs-core"), S("sz-hrss")), ERR_not_found);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {T(each_administrator_does_one_thing),
                                       T(roles_that_may_not_meet),
                                       T(the_last_of_a_kind_stays),
                                       T(moving_leaves_business_roles_behind),
                                       T(edits_want_the_version),
                                       T(passwords_of_administrators),
                                       T(accounts_are_well_made),
                                       T(stale_accounts_are_disabled),
                                       T(lists_page_and_filter),
                                       T(systems_belong_to_their_office)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
