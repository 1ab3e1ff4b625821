// SPDX-License-Identifier: MulanPSL-2.0
// The way of an application: who may take which step when, what each refusal says, the clocks and their lights, what
// happens when nobody answers, when an office is succeeded, when a grant's time is over.
#include "exchange_city.h"

#define INSURED "[{\"dataset\":\"insured\",\"columns\":[\"uscc\",\"name\",\"n\"]}]"

static void whole_way(void **state) {
    (void)state;
    struct str id = applied(INSURED);
    assert_true(str_starts(id, S("SQ-2026-")));
    assert_text(fixture_text(&f, "state"), "draft");
    assert_true(may("submit") && may("edit") && may("withdraw") && !may("sign"));
    go(id, "submit", NULL);
    assert_text(fixture_text(&f, "state"), "signing");
    BY_OWN_HEAD;
    post(NULL, "GET", "/api/v1/applications/%.*s", STRF(id));
    assert_true(may("sign") && may("return") && !may("submit"));
    go(id, "sign", NULL);
    assert_text(fixture_text(&f, "state"), "checking");
    BY_REVIEWER;
    go(id, "check", "{\"pass\":true}");
    assert_text(fixture_text(&f, "state"), "answering");
    // Conditional sharing: ten working days, to the end of Monday 23 November in China.
    assert_int_equal(number_of(step_of("answer"), "due_ms"), 1794182400000 + 14 * DAY_MS + 16 * 3600000 - 1);
    assert_text(text_of(step_of("answer"), "light"), "green");
    BY_STEWARD;
    post(NULL, "GET", "/api/v1/applications/%.*s", STRF(id));
    assert_true(may("answer:1"));
    go(id, "lines/1/answer", "{\"consent\":true,\"columns\":[\"uscc\",\"n\"],\"condition\":\"仅限缴存\"}");
    BY_PROVIDER;
    post(NULL, "GET", "/api/v1/applications/%.*s", STRF(id));
    assert_true(may("provider_sign:1"));
    go(id, "lines/1/sign", "{\"consent\":true}");
    assert_text(fixture_text(&f, "state"), "granted");
    int64_t grant = number_of(json_at(json_get(f.json, S("lines")), 0), "grant");
    post(NULL, "GET", "/api/v1/applications/%.*s", STRF(id)); // with the entry that the signature made
    assert_true(grant > 0 && number_of(step_of("provider_sign"), "entry") >= 0);
    BY_APPLICANT;
    post(NULL, "GET", "/api/v1/grants/%d", (int)grant);
    assert_status(&f, 200);
    assert_int_equal(json_count(json_get(f.json, S("columns"))), 2); // the answer took one away
    assert_int_equal(fixture_int(&f, "quota_per_day"), 3);
    assert_true(may("key") && !may("suspend"));
    assert_true(key_of(grant).n > 40);
    post(NULL, "GET", "/api/v1/applications/%.*s", STRF(id));
    assert_text(text_of(step_of("supply"), "state"), "done");
}

static void who_may_not(void **state) {
    (void)state;
    struct str id = applied(INSURED);
    BY_STRANGER;
    post(NULL, "GET", "/api/v1/applications/%.*s", STRF(id));
    assert_status(&f, 404); // what one may not see does not exist
    post(NULL, "POST", "/api/v1/applications/%.*s/submit", STRF(id));
    assert_status(&f, 404);
    BY_APPLICANT;
    go(id, "submit", NULL);
    post(NULL, "POST", "/api/v1/applications/%.*s/submit", STRF(id));
    assert_status(&f, 409);
    fixture_as(&f, 11, "sp-jb", "sz-approval",
               R_(APPLICANT) | R_(UNIT_HEAD)); // the same person with both roles
    post(NULL, "POST", "/api/v1/applications/%.*s/sign", STRF(id));
    assert_status(&f, 403);
    assert_true(says("own-signature"));
    BY_PROVIDER;
    post(NULL, "POST", "/api/v1/applications/%.*s/sign", STRF(id));
    assert_status(&f, 404); // it has not reached the provider yet
    BY_OWN_HEAD;
    go(id, "sign", NULL);
    BY_REVIEWER;
    go(id, "check", "{\"pass\":true}");
    fixture_as(&f, 15, "rs-bm", "sz-hrss", R_(STEWARD) | R_(UNIT_HEAD));
    go(id, "lines/1/answer", "{\"consent\":true}");
    post("{\"consent\":true}", "POST", "/api/v1/applications/%.*s/lines/1/sign", STRF(id));
    assert_status(&f, 403);
    BY_APPLICANT;
    post("{\"consent\":true}", "POST", "/api/v1/applications/%.*s/lines/1/sign", STRF(id));
    assert_status(&f, 403);
}

static void reasons_and_once(void **state) {
    (void)state;
    struct str id = applied(INSURED);
    go(id, "submit", NULL);
    BY_OWN_HEAD;
    go(id, "sign", NULL);
    BY_REVIEWER;
    post("{\"pass\":false}", "POST", "/api/v1/applications/%.*s/check", STRF(id));
    assert_status(&f, 422);
    post("{}", "POST", "/api/v1/applications/%.*s/return", STRF(id));
    assert_status(&f, 422);
    go(id, "return", "{\"reason\":\"补充依据\"}");
    assert_text(fixture_text(&f, "state"), "returned");
    BY_APPLICANT;
    go(id, "submit", NULL);
    BY_OWN_HEAD;
    go(id, "sign", NULL);
    BY_REVIEWER;
    post(NULL, "GET", "/api/v1/applications/%.*s", STRF(id));
    assert_true(may("check") && !may("return"));
    post("{\"reason\":\"再补\"}", "POST", "/api/v1/applications/%.*s/return", STRF(id));
    assert_status(&f, 409);
    assert_true(says("returned-once"));
    go(id, "check", "{\"pass\":false,\"reason\":\"依据不足\"}");
    assert_text(fixture_text(&f, "state"), "refused");
    assert_text(text_of(json_at(json_get(f.json, S("lines")), 0), "state"), "refused");
}

static void refused_and_partly(void **state) {
    (void)state;
    struct str id = applied("[{\"dataset\":\"insured\",\"columns\":[\"uscc\"]},"
                            "{\"dataset\":\"parks\",\"columns\":[\"no\",\"name\"]}]");
    to_provider(id);
    // Two data sets, two kinds of clock: unconditional ones are answered in one working day.
    assert_int_equal(number_of(step_of("answer"), "due_ms"), 1794182400000 + 1 * DAY_MS + 16 * 3600000 - 1);
    BY_STEWARD;
    post("{\"consent\":false}", "POST", "/api/v1/applications/%.*s/lines/1/answer", STRF(id));
    assert_status(&f, 422); // a refusal has a reason
    go(id, "lines/1/answer", "{\"consent\":false,\"reason\":\"超出用途\"}");
    go(id, "lines/2/answer", "{\"consent\":true}");
    post("{\"consent\":true}", "POST", "/api/v1/applications/%.*s/lines/2/answer", STRF(id));
    assert_status(&f, 409);
    BY_PROVIDER;
    // The head gives line 2 back: the steward answers again under the clock that was already running.
    int64_t due = number_of(step_of("answer"), "due_ms");
    post("{\"consent\":false}", "POST", "/api/v1/applications/%.*s/lines/2/sign", STRF(id));
    assert_status(&f, 422);
    fixture_now_ms += 3600000;
    go(id, "lines/2/sign", "{\"consent\":false,\"reason\":\"条件不清\"}");
    assert_true(due <= 0 ||
                number_of(step_of("answer"), "due_ms") == 1794182400000 + DAY_MS + 16 * 3600000 - 1);
    BY_STEWARD;
    go(id, "lines/2/answer", "{\"consent\":true}");
    BY_PROVIDER;
    go(id, "lines/1/sign", "{\"consent\":true}");
    assert_text(fixture_text(&f, "state"), "answering"); // one line is still open
    go(id, "lines/2/sign", "{\"consent\":true}");
    assert_text(fixture_text(&f, "state"), "partly");
    assert_text(text_of(json_at(json_get(f.json, S("lines")), 0), "reason"), "超出用途");
}

static void bad_applications(void **state) {
    (void)state;
    static const struct {
        const char *items;
        int status;
        const char *says;
    } cases[] = {
        {"[{\"dataset\":\"micro\",\"columns\":[\"uscc\"]}]", 422, "统计法"},
        {"[{\"dataset\":\"none\",\"columns\":[\"uscc\"]}]", 404, "items[0].dataset"},
        {"[{\"dataset\":\"insured\",\"columns\":[]}]", 422, "items[0].columns"},
        {"[{\"dataset\":\"insured\",\"columns\":[\"salary\"]}]", 422, "column-unknown"},
        {"[{\"dataset\":\"insured\",\"columns\":[\"uscc name\"]}]", 422, "columns"},
        {"[{\"dataset\":\"insured\",\"resource\":\"nope\",\"columns\":[\"uscc\"]}]", 422, "nope"},
        {"[{\"dataset\":\"insured\",\"columns\":[\"uscc\"],\"filter\":[{\"column\":\"x\",\"op\":\"eq\","
         "\"value\":\"1\"}]}]",
         422, "column-unknown"},
        {"[]", 422, "items"},
        {"[{\"dataset\":\"insured\",\"columns\":[\"uscc\"],\"surprise\":1}]", 422, "field-unknown"},
    };
    BY_APPLICANT;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str body = str_print(&f.mem, "{%s\"items\":%s}", HEAD, cases[i].items);
        post(str_z(&f.mem, body), "POST", "/api/v1/applications");
        assert_status(&f, cases[i].status);
        if (!says(cases[i].says)) fprintf(stderr, "%zu: %.*s\n", i, STRF(f.body));
        assert_true(says(cases[i].says));
    }
    // More lines than one application may hold; a matter and a system that do not exist.
    struct buf many = buf_new(&f.mem, 256, 65536);
    for (int i = 0; i <= FLOW_LINES_MAX; i++)
        buf_print(&many, "%s{\"dataset\":\"insured\",\"columns\":[\"uscc\"]}", i ? "," : "");
    struct str body = str_print(&f.mem, "{%s\"items\":[%.*s]}", HEAD, STRF(buf_str(&many)));
    post(str_z(&f.mem, body), "POST", "/api/v1/applications");
    assert_status(&f, 422);
    post("{\"matter\":\"nope\",\"legal_basis\":\"xx\",\"purpose\":\"xx\",\"system\":\"core\",\"period_days\":"
         "1,"
         "\"quota_per_day\":1,\"items\":" INSURED "}",
         "POST", "/api/v1/applications");
    assert_status(&f, 404);
    post("{\"matter\":\"look\",\"legal_basis\":\"xx\",\"purpose\":\"xx\",\"system\":\"theirs\",\"period_"
         "days\":1,"
         "\"quota_per_day\":1,\"items\":" INSURED "}",
         "POST", "/api/v1/applications");
    assert_status(&f, 404);
    post("{\"matter\":\"look\",\"legal_basis\":\"xx\",\"purpose\":\"xx\",\"system\":\"core\",\"period_days\":"
         "1827,"
         "\"quota_per_day\":1,\"items\":" INSURED "}",
         "POST", "/api/v1/applications");
    assert_status(&f, 422);
}

static void edits_and_withdrawal(void **state) {
    (void)state;
    struct str id = applied(INSURED);
    struct str body =
        str_print(&f.mem, "{%s\"items\":[{\"dataset\":\"insured\",\"columns\":[\"uscc\"]}]}", HEAD);
    char *text = str_z(&f.mem, body);
    post(text, "PUT", "/api/v1/applications/%.*s", STRF(id));
    assert_status(&f, 428);
    fixture_header(&f, "If-Match", "\"v1\"");
    post(text, "PUT", "/api/v1/applications/%.*s", STRF(id));
    assert_status(&f, 200);
    fixture_header(&f, "If-Match", "\"v1\"");
    post(text, "PUT", "/api/v1/applications/%.*s", STRF(id));
    assert_status(&f, 412);
    go(id, "submit", NULL);
    go(id, "withdraw", "{\"reason\":\"不再需要\"}");
    assert_text(fixture_text(&f, "state"), "withdrawn");
    BY_OWN_HEAD;
    post(NULL, "POST", "/api/v1/applications/%.*s/sign", STRF(id));
    assert_status(&f, 409);
    BY_APPLICANT;
    fixture_header(&f, "If-Match", "*");
    post(text, "PUT", "/api/v1/applications/%.*s", STRF(id));
    assert_status(&f, 409);
}

static void county_first(void **state) {
    (void)state;
    fixture_as(&f, 21, "pj-jb", "gs-pj", R_(APPLICANT));
    fixture_call(&f, "POST", "/api/v1/systems", "{\"id\":\"street\",\"name\":\"街道系统\"}");
    post("{\"matter\":\"look\",\"legal_basis\":\"xx\",\"purpose\":\"xx\",\"system\":\"street\",\"period_"
         "days\":9,"
         "\"quota_per_day\":9,\"items\":" INSURED "}",
         "POST", "/api/v1/applications");
    assert_status(&f, 201);
    struct str id = fixture_text(&f, "id");
    go(id, "submit", NULL);
    fixture_as(&f, 22, "pj-fz", "gs-pj", R_(UNIT_HEAD));
    go(id, "sign", NULL);
    assert_text(fixture_text(&f, "state"), "county");
    BY_REVIEWER;
    post("{\"pass\":true}", "POST", "/api/v1/applications/%.*s/check", STRF(id));
    assert_status(&f, 403); // not before the county
    fixture_as(&f, 23, "gs-sh", "gs-gov", R_(COUNTY));
    fixture_call(&f, "GET", "/api/v1/todo", NULL);
    assert_int_equal(json_count(json_get(f.json, S("items"))), 1);
    go(id, "check", "{\"pass\":true}");
    assert_text(fixture_text(&f, "state"), "checking");
    BY_REVIEWER;
    go(id, "check", "{\"pass\":true}");
    assert_text(fixture_text(&f, "state"), "answering");
}

static void clocks_never_answer(void **state) {
    (void)state;
    struct str id = applied(INSURED);
    to_provider(id);
    BY_APPLICANT;
    post("{\"days\":5,\"reason\":\"数据量大\"}", "POST", "/api/v1/applications/%.*s/lines/1/extend",
         STRF(id));
    assert_status(&f, 403); // only with the authority's consent
    BY_AUTHORITY;
    post("{\"days\":11,\"reason\":\"数据量大\"}", "POST", "/api/v1/applications/%.*s/lines/1/extend",
         STRF(id));
    assert_status(&f, 422); // at most ten more
    go(id, "lines/1/extend", "{\"days\":5,\"reason\":\"数据量大\"}");
    int64_t due = number_of(step_of("answer"), "due_ms");
    assert_int_equal(due, 1794182400000 + 21 * DAY_MS + 16 * 3600000 - 1);
    assert_int_equal(number_of(step_of("answer"), "extended_wd"), 5);
    fixture_now_ms = due - DAY_MS;
    BY_STEWARD;
    fixture_call(&f, "GET", "/api/v1/todo", NULL);
    assert_text(text_of(json_at(json_get(f.json, S("items")), 0), "light"), "yellow");
    fixture_now_ms = due + 1;
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    assert_int_equal(exchange_late(&f.cx), OK);
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    assert_int_equal(exchange_late(&f.cx), OK); // told once
    BY_AUDITOR;
    fixture_call(&f, "GET", "/api/v1/acts?verb=application.late", NULL);
    assert_int_equal(json_count(json_get(f.json, S("items"))), 1);
    BY_STEWARD;
    fixture_call(&f, "GET", "/api/v1/todo", NULL);
    assert_text(text_of(json_at(json_get(f.json, S("items")), 0), "light"), "red");
    post(NULL, "GET", "/api/v1/applications/%.*s", STRF(id));
    assert_text(fixture_text(&f, "state"), "answering"); // silence is never consent
    assert_true(may("answer:1"));
}

static void boxes(void **state) {
    (void)state;
    struct str a = applied(INSURED), b = applied(INSURED);
    go(a, "submit", NULL);
    fixture_call(&f, "GET", "/api/v1/applications?box=mine&limit=1", NULL);
    assert_int_equal(json_count(json_get(f.json, S("items"))), 1);
    assert_true(str_eq(text_of(json_at(json_get(f.json, S("items")), 0), "id"), b));
    struct str next = fixture_text(&f, "next");
    post(NULL, "GET", "/api/v1/applications?box=mine&limit=1&after=%.*s", STRF(next));
    assert_true(str_eq(text_of(json_at(json_get(f.json, S("items")), 0), "id"), a));
    assert_int_equal(json_kind(json_get(f.json, S("next"))), 0);
    BY_OWN_HEAD;
    fixture_call(&f, "GET", "/api/v1/applications?box=todo", NULL);
    assert_int_equal(json_count(json_get(f.json, S("items"))), 1);
    go(a, "sign", NULL);
    fixture_call(&f, "GET", "/api/v1/applications?box=done", NULL);
    assert_int_equal(json_count(json_get(f.json, S("items"))), 1);
    BY_STRANGER;
    fixture_call(&f, "GET", "/api/v1/applications?box=all", NULL);
    assert_int_equal(json_count(json_get(f.json, S("items"))), 0);
    BY_AUTHORITY;
    fixture_call(&f, "GET", "/api/v1/applications?box=all&state=draft", NULL);
    assert_int_equal(json_count(json_get(f.json, S("items"))), 1);
    BY_APPLICANT;
    post("{\"items\":[{\"dataset\":\"insured\",\"columns\":[\"uscc\"]}]}", "PUT", "/api/v1/cart");
    assert_status(&f, 200);
    post("{\"items\":[{\"dataset\":\"insured\",\"columns\":[\"zz\"]}]}", "PUT", "/api/v1/cart");
    assert_status(&f, 422);
    fixture_call(&f, "GET", "/api/v1/cart", NULL); // the failed one left what was there
    assert_int_equal(json_count(json_get(f.json, S("items"))), 1);
}

struct hand_over {
    const char *from, *to;
};
static int announce(struct cx *cx, void *arg) {
    const struct hand_over *h = arg;
    return cx_announce(cx, "office.succeeded", str_of(h->from), str_of(h->to));
}

static void offices_pass_over(void **state) {
    (void)state;
    int64_t grant = granted(INSURED, "{\"consent\":true}");
    struct str open = applied(INSURED);
    to_provider(open);
    struct hand_over h = {"sz-hrss", "sz-gov"};
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    assert_int_equal(cx_write(&f.cx, announce, &h), OK);
    fixture_as(&f, 31, "new-bm", "sz-gov", R_(STEWARD));
    go(open, "lines/1/answer", "{\"consent\":true}"); // the successor answers what was asked of the old one
    post(NULL, "GET", "/api/v1/grants/%d", (int)grant);
    assert_text(fixture_text(&f, "provider"), "sz-gov");
    BY_STEWARD;
    post(NULL, "GET", "/api/v1/grants/%d", (int)grant);
    assert_status(&f, 404);
    BY_AUTHORITY; // history keeps the old name
    post(NULL, "GET", "/api/v1/applications?box=all");
    struct json items = json_get(f.json, S("items"));
    post(NULL, "GET", "/api/v1/applications/%.*s", STRF(text_of(json_at(items, 1), "id")));
    assert_text(text_of(step_of("provider_sign"), "office"), "sz-hrss");
}

static void grants_end(void **state) {
    (void)state;
    int64_t grant = granted(INSURED, "{\"consent\":true}");
    fixture_now_ms += 30 * DAY_MS;
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    assert_int_equal(exchange_expire(&f.cx), OK);
    BY_APPLICANT;
    post(NULL, "GET", "/api/v1/grants/%d", (int)grant);
    assert_text(fixture_text(&f, "state"), "ended");
    struct str application = fixture_text(&f, "application");
    post(NULL, "POST", "/api/v1/grants/%d/keys", (int)grant);
    assert_status(&f, 403);
    post(NULL, "GET", "/api/v1/applications/%.*s", STRF(application));
    assert_text(fixture_text(&f, "state"), "ended");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_way, city_up, city_down),
        cmocka_unit_test_setup_teardown(who_may_not, city_up, city_down),
        cmocka_unit_test_setup_teardown(reasons_and_once, city_up, city_down),
        cmocka_unit_test_setup_teardown(refused_and_partly, city_up, city_down),
        cmocka_unit_test_setup_teardown(bad_applications, city_up, city_down),
        cmocka_unit_test_setup_teardown(edits_and_withdrawal, city_up, city_down),
        cmocka_unit_test_setup_teardown(county_first, city_up, city_down),
        cmocka_unit_test_setup_teardown(clocks_never_answer, city_up, city_down),
        cmocka_unit_test_setup_teardown(boxes, city_up, city_down),
        cmocka_unit_test_setup_teardown(offices_pass_over, city_up, city_down),
        cmocka_unit_test_setup_teardown(grants_end, city_up, city_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
