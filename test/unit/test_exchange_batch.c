// SPDX-License-Identifier: MulanPSL-2.0
// Many queries in one call: each its own answer, entry, quota and rate; one bad query spoils no other; retries; what is
// about people; limits; streams that are worked off in windows; a revoke between the replies and their entries.
#include "exchange_city.h"
#include "mod/exchange/batch.h"
#include <fcntl.h>
#include <inttypes.h>

#define INSURED "[{\"dataset\":\"insured\",\"columns\":[\"uscc\",\"name\",\"state\",\"n\"]}]"
#define ONE     "{\"query\":\"uscc=91350100M000100Y43\"}"

static char batch_url[96];
static struct str key;
static int64_t grant;

static void take(const char *items, const char *answer) {
    grant = granted(items, answer);
    key = key_of(grant);
    snprintf(batch_url, sizeof batch_url, "/api/v1/exchange/%" PRId64 "/batch", grant);
}

// A grant for many calls a day.
static void take_many(const char *answer) {
    struct str body = str_print(&f.mem, "{%.*s\"quota_per_day\":1000000,\"items\":%s}",
                                (int)(strlen(HEAD) - strlen("\"quota_per_day\":3,")), HEAD, INSURED);
    BY_APPLICANT;
    post(str_z(&f.mem, body), "POST", "/api/v1/applications");
    assert_status(&f, 201);
    struct str id = fixture_text(&f, "id");
    to_provider(id);
    BY_STEWARD;
    go(id, "lines/1/answer", answer);
    BY_PROVIDER;
    go(id, "lines/1/sign", "{\"consent\":true}");
    grant = number_of(json_at(json_get(f.json, S("lines")), 0), "grant");
    key = key_of(grant);
    snprintf(batch_url, sizeof batch_url, "/api/v1/exchange/%" PRId64 "/batch", grant);
}

static struct json item(size_t i) {
    return json_at(json_get(f.json, S("items")), i);
}

static int64_t used(const char *name) {
    BY_APPLICANT;
    post(NULL, "GET", "/api/v1/grants/%d", (int)grant);
    return fixture_int(&f, name);
}

static struct str detail_of(int64_t entry) {
    struct ledger_entry e;
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    assert_int_equal(ledger_entry_get(&f.cx, entry, &e), OK);
    assert_true(ledger_leaf_opens(f.hasher, &e));
    return e.detail;
}

static void each_its_own(void **state) {
    (void)state;
    take(INSURED, "{\"consent\":true}");
    uint64_t denied = atomic_load(&f.city.denied);
    const char *body = "[{\"id\":\"甲\",\"query\":\"uscc=91350100M000100Y43&fields=uscc,name\"},"
                       "{\"id\":\"b\",\"query\":{\"n\":5}},"
                       "{\"values\":{\"uscc\":\"92350100M000100Y40\",\"name\":\"样二\"}},"
                       "{\"id\":\"d\",\"query\":{\"uscc\":\"92350100M000100Y40\",\"limit\":1}},"
                       "{\"id\":\"e\",\"qeury\":\"\"},7]";
    assert_int_equal(calls(key, "SP-1", "POST", batch_url, body), 200);
    assert_int_equal(fixture_int(&f, "answered"), 3);
    assert_int_equal(fixture_int(&f, "refused"), 3);
    assert_text(text_of(item(0), "id"), "甲");
    assert_int_equal(number_of(item(0), "status"), 200);
    assert_text(text_of(json_at(json_get(item(0), S("items")), 0), "name"), "样一");
    assert_int_equal(number_of(item(1), "status"), 403); // a masked column answers no filter
    assert_text(text_of(json_get(item(1), S("problem")), "code"), "column-masked");
    assert_text(text_of(item(2), "result"), "一致");
    assert_text(text_of(json_at(json_get(item(3), S("items")), 0), "state"), "***");
    assert_text(text_of(json_get(item(4), S("problem")), "code"), "field-unknown");
    assert_text(text_of(item(4), "id"), "e");
    assert_int_equal(number_of(item(5), "status"), 422);
    assert_int_equal(atomic_load(&f.city.denied) - denied, 3);
    // Each answer is an entry that commits to the same bytes as the single call's.
    int64_t first = number_of(item(0), "entry"), third = number_of(item(2), "entry");
    assert_int_equal(third, first + 1);
    uint8_t digest[HASH_BYTES];
    struct str rows = json_raw(json_get(item(0), S("items")));
    hash_one(f.hasher, HASH_SHA256, str_print(&f.mem, "{\"items\":%.*s", STRF(rows)), digest);
    struct str detail = detail_of(first);
    assert_true(str_has(detail, str_hex(&f.mem, digest, sizeof digest)));
    assert_true(str_has(detail, S("\"filter\":\"uscc=91350100M000100Y43&fields=uscc,name\"")));
    assert_true(str_has(detail, S("\"case_no\":\"SP-1\"")));
    assert_int_equal(used("used_total"), 3);
}

static void quota_is_shared_exactly(void **state) {
    (void)state;
    take(INSURED, "{\"consent\":true}"); // three a day
    const char *five = "[" ONE "," ONE "," ONE "," ONE "," ONE "]";
    assert_int_equal(calls(key, NULL, "POST", batch_url, five), 200);
    assert_int_equal(fixture_int(&f, "answered"), 3);
    assert_int_equal(number_of(item(2), "status"), 200);
    assert_int_equal(number_of(item(3), "status"), 429);
    assert_text(text_of(json_get(item(4), S("problem")), "code"), "quota-used");
    assert_false(str_has(json_raw(item(3)), S("样一")));
    assert_int_equal(used("used_today"), 3);
    fixture_now_ms += DAY_MS;
    assert_int_equal(calls(key, NULL, "POST", batch_url, "[" ONE "]"), 200);
    assert_int_equal(fixture_int(&f, "answered"), 1);
}

static void rate_counts_queries(void **state) {
    (void)state;
    take(INSURED, "{\"consent\":true,\"rate_per_s\":2}");
    assert_int_equal(calls(key, NULL, "POST", batch_url, "[" ONE "," ONE "," ONE "]"), 200);
    assert_int_equal(fixture_int(&f, "answered"), 2);
    assert_text(text_of(json_get(item(2), S("problem")), "code"), "rate-limited");
}

static void a_retry_is_told(void **state) {
    (void)state;
    take(INSURED, "{\"consent\":true}");
    fixture_header(&f, "Idempotency-Key", "k1");
    assert_int_equal(calls(key, NULL, "POST", batch_url, "[" ONE "]"), 200);
    fixture_header(&f, "Idempotency-Key", "k1");
    assert_int_equal(calls(key, NULL, "POST", batch_url, "[" ONE "]"), 409);
    assert_true(says("done-already") && !says("items"));
    fixture_header(&f, "Idempotency-Key", "k1");
    assert_int_equal(calls(key, NULL, "POST", batch_url, "[" ONE "," ONE "]"), 409);
    assert_true(says("conflict"));
    assert_int_equal(used("used_total"), 1);
    fixture_header(&f, "Idempotency-Key", "k2");
    assert_int_equal(calls(key, NULL, "POST", batch_url, "[" ONE "]"), 200);
    assert_int_equal(used("used_total"), 2);
}

static void people_need_a_case_each(void **state) {
    (void)state;
    take("[{\"dataset\":\"persons\",\"columns\":[\"rid\",\"name\"]}]", "{\"consent\":true}");
    struct str body =
        str_print(&f.mem,
                  "[{\"values\":{\"rid\":\"%s\",\"name\":\"样甲\"},\"case\":\"SP-7\",\"operator\":\"经办\"},"
                  "{\"values\":{\"rid\":\"%s\",\"name\":\"样乙\"},\"case\":\"SP-8\"},"
                  "{\"query\":\"\",\"case\":\"SP-9\",\"operator\":\"经办\"}]",
                  rid_a, rid_a);
    assert_int_equal(calls(key, NULL, "POST", batch_url, str_z(&f.mem, body)), 200);
    assert_int_equal(fixture_int(&f, "answered"), 1);
    assert_text(text_of(item(0), "result"), "一致");
    assert_text(text_of(json_get(item(1), S("problem")), "code"), "case-missing");
    assert_text(text_of(json_get(item(2), S("problem")), "code"), "verify-only");
    assert_true(str_has(detail_of(number_of(item(0), "entry")), S("\"case_no\":\"SP-7\"")));
    // Named once for all in the header.
    assert_int_equal(calls(key, "SP-10", "POST", batch_url, str_z(&f.mem, body)), 200);
    assert_int_equal(fixture_int(&f, "answered"), 2);
    assert_text(text_of(item(1), "result"), "不一致");
    assert_true(str_has(detail_of(number_of(item(0), "entry")), S("\"case_no\":\"SP-7\"")));
}

static const char *repeated(const char *one, int n, const char *between, bool is_array) {
    struct buf b = buf_new(&f.mem, 4096, (size_t)8 << 20);
    if (is_array) buf_char(&b, '[');
    for (int i = 0; i < n; i++) {
        if (i) buf_puts(&b, between);
        buf_puts(&b, one);
    }
    if (is_array) buf_char(&b, ']');
    return str_z(&f.mem, buf_str(&b));
}

static void limits(void **state) {
    (void)state;
    take(INSURED, "{\"consent\":true}");
    assert_int_equal(calls(key, NULL, "POST", batch_url, "{}"), 422);
    assert_int_equal(calls(key, NULL, "POST", batch_url, "[1,"), 400);
    assert_int_equal(calls(key, NULL, "POST", batch_url, repeated("1", BATCH_QUERIES_MAX + 1, ",", true)),
                     413);
    assert_int_equal(calls(key, NULL, "POST", batch_url, repeated("1", BATCH_QUERIES_MAX, ",", true)), 200);
    assert_int_equal(fixture_int(&f, "refused"), BATCH_QUERIES_MAX);
    assert_int_equal(calls(key, NULL, "POST", batch_url, "[]"), 200);
    assert_int_equal(fixture_int(&f, "answered"), 0);
    fixture_header(&f, "Content-Type", "text/plain");
    assert_int_equal(calls(key, NULL, "POST", batch_url, "[]"), 415);
    // A line that is too long is refused in its place.
    struct str line = str_print(&f.mem, "{\"id\":\"%s\"}\n%s", repeated("x", BATCH_LINE_MAX, "", false), ONE);
    fixture_header(&f, "Content-Type", "application/x-ndjson");
    assert_int_equal(calls(key, NULL, "POST", batch_url, str_z(&f.mem, line)), 200);
    struct str rest, first = str_cut(f.body, '\n', &rest);
    assert_true(str_has(first, S("too-large")) && str_has(rest, S("样一")));
    fixture_header(&f, "Content-Type", "application/x-ndjson");
    assert_int_equal(calls(key, NULL, "POST", batch_url, repeated("1", BATCH_STREAM_MAX + 1, "\n", false)),
                     413);
    BY_APPLICANT; // a person is no program
    assert_int_equal(fixture_call(&f, "POST", batch_url, "[]"), 403);
}

// Several slices of one call, and several windows of one stream: answers in the order of the questions, one entry each.
static void many(void **state) {
    (void)state;
    take_many("{\"consent\":true,\"rate_per_s\":1000000}");
    const int n = 2 * BATCH_SLICE + 7;
    assert_int_equal(calls(key, NULL, "POST", batch_url, repeated(ONE, n, ",", true)), 200);
    assert_int_equal(fixture_int(&f, "answered"), n);
    int64_t before = number_of(item(0), "entry");
    for (int i = 1; i < n; i++)
        assert_int_equal(number_of(item((size_t)i), "entry"), before + i);
    const int lines = 2 * BATCH_QUERIES_MAX + 3;
    fixture_header(&f, "Content-Type", "application/x-ndjson");
    assert_int_equal(calls(key, NULL, "POST", batch_url, repeated(ONE "\n\r", lines, "\n", false)), 200);
    assert_true(f.cx.reply.fd >= 0);
    char *text = arena_take(&f.mem, (size_t)f.cx.reply.fd_bytes);
    assert_int_equal(pread(f.cx.reply.fd, text, (size_t)f.cx.reply.fd_bytes, 0), f.cx.reply.fd_bytes);
    close(f.cx.reply.fd);
    struct str rest = {text, (size_t)f.cx.reply.fd_bytes};
    int64_t last = before + n - 1;
    int got = 0;
    while (rest.n) {
        struct json j;
        assert_int_equal(json_parse(&f.mem, str_cut(rest, '\n', &rest), &j, NULL), OK);
        assert_true(number_of(j, "entry") > last);
        last = number_of(j, "entry");
        got++;
    }
    assert_int_equal(got, lines);
    assert_int_equal(used("used_total"), n + lines);
    struct err e = {0};
    struct stmt *s =
        store_text_query(f.conn, S("SELECT sum(rows) FROM exchange_meter WHERE grant_id = ?"), "i", grant);
    assert_true(store_next(s));
    assert_int_equal(store_int(s, 0), n + lines);
    assert_int_equal(store_done(s, &e), OK);
}

// Replies that lie ready when the grant is revoked: none leaves, nothing is counted.
static void revoke_before_the_entries(void **state) {
    (void)state;
    take(INSURED, "{\"consent\":true}");
    struct cx call;
    struct request q = {.verb = S("POST"),
                        .path = str_of(batch_url),
                        .body = S("[" ONE "," ONE "]"),
                        .body_fd = -1,
                        .body_bytes = 2,
                        .headers_arg = &f,
                        .header = fixture_header_of};
    fixture_real_who(&f);
    fixture_header(&f, "Authorization", str_z(&f.mem, str_print(&f.mem, "Bearer %.*s", STRF(key))));
    fixture_header(&f, "Gusu-System", "core");
    fixture_header(&f, "Gusu-Matter", "firm-setup");
    core_cx(&call, &f.city, &f.mem, f.conn, f.hasher, &q);
    assert_true(core_open(&call));
    core_run(&call);
    assert_int_equal(call.err.code, OK);
    assert_non_null(call.batch);
    f.headers_n = 0;
    f.city.who = fixture_who;
    BY_AUTHORITY;
    post("{\"reason\":\"试\"}", "POST", "/api/v1/grants/%d/revoke", (int)grant);
    assert_status(&f, 200);
    core_batch_wait(&call);
    core_batch_reply(&call);
    assert_true(str_has(buf_str(&call.out), S("\"answered\":0")));
    assert_true(str_has(buf_str(&call.out), S("grant-revoked")));
    assert_false(str_has(buf_str(&call.out), S("样一")));
    assert_int_equal(used("used_total"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_its_own, city_up, city_down),
        cmocka_unit_test_setup_teardown(quota_is_shared_exactly, city_up, city_down),
        cmocka_unit_test_setup_teardown(rate_counts_queries, city_up, city_down),
        cmocka_unit_test_setup_teardown(a_retry_is_told, city_up, city_down),
        cmocka_unit_test_setup_teardown(people_need_a_case_each, city_up, city_down),
        cmocka_unit_test_setup_teardown(limits, city_up, city_down),
        cmocka_unit_test_setup_teardown(many, city_up, city_down),
        cmocka_unit_test_setup_teardown(revoke_before_the_entries, city_up, city_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
