// SPDX-License-Identifier: MulanPSL-2.0
// Calls under a grant: what leaves and what does not, what a call must name, formats, limits, revoking that is felt by
// calls already on their way, 核验, people's rows with their salted root, proxied services, keys, trace, metering.
#include "exchange_city.h"
#include "crypto/merkle.h"
#include <inttypes.h>

#define INSURED "[{\"dataset\":\"insured\",\"columns\":[\"uscc\",\"name\",\"state\",\"n\"]}]"
#define YES     "{\"consent\":true}"

static char rows_url[96];
static struct str key;
static int64_t grant;

static void take(const char *items, const char *answer) {
    grant = granted(items, answer);
    key = key_of(grant);
    snprintf(rows_url, sizeof rows_url, "/api/v1/exchange/%" PRId64 "/rows", grant);
}

static const char *url(const char *query) {
    return str_z(&f.mem, str_print(&f.mem, "%s?%s", rows_url, query));
}

static void masks_and_entry(void **state) {
    (void)state;
    take(INSURED, YES);
    assert_int_equal(calls(key, "SP-1", "GET", rows_url, NULL), 200);
    struct json first = json_at(json_get(f.json, S("items")), 0);
    assert_text(text_of(first, "name"), "样一");
    assert_text(text_of(first, "state"), "***"); // L3 is masked under a grant
    assert_true(json_is(json_get(first, S("n")), JSON_NULL));
    assert_int_equal(json_kind(json_get(first, S("area"))), 0); // not granted: not there
    int64_t entry = fixture_int(&f, "entry");
    assert_true(entry > 0);
    struct ledger_entry e;
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    assert_int_equal(ledger_entry_get(&f.cx, entry, &e), OK);
    assert_text(e.kind, "exchange.call");
    assert_true(ledger_leaf_opens(f.hasher, &e));
    assert_true(str_has(e.detail, S("\"case_no\":\"SP-1\"")) &&
                str_has(e.detail, S("\"operator\":\"经办\"")));
    struct json detail;
    assert_int_equal(json_parse(&f.mem, e.detail, &detail, NULL), OK);
    assert_true(str_eq(json_canonical(&f.mem, detail), e.detail)); // the text is canonical as it was written
    // A masked column answers no filter; one that was not granted does not exist.
    assert_int_equal(calls(key, NULL, "GET", url("n=5"), NULL), 403);
    assert_int_equal(calls(key, NULL, "GET", url("area=320508"), NULL), 422);
    assert_int_equal(calls(key, NULL, "GET", url("fields=area"), NULL), 422);
}

static void released_and_filtered(void **state) {
    (void)state;
    take("[{\"dataset\":\"insured\",\"columns\":[\"uscc\",\"n\"],"
         "\"filter\":[{\"column\":\"area\",\"op\":\"prefix\",\"value\":\"320508\"}]}]",
         "{\"consent\":true,\"released\":[\"n\"]}");
    assert_int_equal(calls(key, NULL, "GET", rows_url, NULL), 200);
    assert_int_equal(json_count(json_get(f.json, S("items"))),
                     1); // the grant's own filter, on a column not granted
    assert_int_equal(number_of(json_at(json_get(f.json, S("items")), 0), "n"), 5);
    assert_int_equal(calls(key, NULL, "GET", url("uscc=92350100M000100Y40"), NULL), 200);
    assert_int_equal(json_count(json_get(f.json, S("items"))), 0);
}

static void formats(void **state) {
    (void)state;
    take(INSURED, YES);
    assert_int_equal(calls(key, NULL, "GET", url("format=csv&fields=name,uscc"), NULL), 200);
    assert_text(f.body, "name,uscc\r\n样一,91350100M000100Y43\r\n样二,92350100M000100Y40\r\n");
    assert_int_equal(calls(key, NULL, "GET", url("format=ndjson&fields=name&limit=1"), NULL), 200);
    assert_text(f.body, "{\"name\":\"样一\"}\n");
    struct str next = STR_NONE, entry = STR_NONE;
    for (int i = 0; i < f.cx.reply.headers_n; i++) {
        if (str_eq(f.cx.reply.headers[i][0], S("Gusu-Next"))) next = f.cx.reply.headers[i][1];
        if (str_eq(f.cx.reply.headers[i][0], S("Gusu-Entry"))) entry = f.cx.reply.headers[i][1];
    }
    assert_true(next.n && entry.n);
    struct str more = str_print(&f.mem, "format=ndjson&fields=name&limit=1&after=%.*s", STRF(next));
    assert_int_equal(calls(key, NULL, "GET", url(str_z(&f.mem, more)), NULL), 200);
    assert_text(f.body, "{\"name\":\"样二\"}\n");
}

static void wrong_names(void **state) {
    (void)state;
    take(INSURED, YES);
    static const struct {
        const char *header, *value, *says;
    } cases[] = {{"Gusu-System", "other", "system-other"},
                 {"Gusu-System", "", "Gusu-System"},
                 {"Gusu-Matter", "look", "matter-other"},
                 {"Gusu-Matter", "%zz", "utf8"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str bearer = str_print(&f.mem, "Bearer %.*s", STRF(key));
        fixture_real_who(&f);
        fixture_header(&f, "Authorization", str_z(&f.mem, bearer));
        fixture_header(&f, cases[i].header, cases[i].value);
        if (strcmp(cases[i].header, "Gusu-System") != 0) fixture_header(&f, "Gusu-System", "core");
        fixture_header(&f, "Gusu-Matter", "firm-setup");
        fixture_call(&f, "GET", rows_url, NULL);
        f.city.who = fixture_who;
        assert_true(f.status == 403 || f.status == 400);
        if (!says(cases[i].says)) fprintf(stderr, "%zu: %.*s\n", i, STRF(f.body));
        assert_true(says(cases[i].says));
    }
    // Another grant's key, a key that never was, one with a wrong secret, none at all.
    int64_t first = grant;
    struct str first_key = key;
    take(INSURED, YES);
    assert_int_equal(calls(first_key, NULL, "GET", rows_url, NULL), 403);
    assert_int_equal(calls(S("gk_99_AAAA"), NULL, "GET", rows_url, NULL), 401);
    struct str forged =
        str_print(&f.mem, "gk_1_%.*s", (int)43, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_int_equal(calls(forged, NULL, "GET", rows_url, NULL), 401);
    fixture_as(&f, 0, NULL, NULL, 0);
    assert_int_equal(fixture_call(&f, "GET", rows_url, NULL), 401);
    BY_APPLICANT; // a person is no program
    assert_int_equal(fixture_call(&f, "GET", rows_url, NULL), 403);
    assert_true(first != grant);
}

static void people_need_a_case(void **state) {
    (void)state;
    struct str id = applied("[{\"dataset\":\"firms\",\"columns\":[\"uscc\",\"rep\",\"status\"]}]");
    BY_APPLICANT;
    go(id, "submit", NULL);
    BY_OWN_HEAD;
    go(id, "sign", NULL);
    BY_REVIEWER;
    go(id, "check", "{\"pass\":true}");
    fixture_as(&f, 41, "sj-bm", "sz-data", R_(STEWARD));
    go(id, "lines/1/answer", YES);
    fixture_as(&f, 42, "sj-fz", "sz-data", R_(UNIT_HEAD));
    go(id, "lines/1/sign", YES);
    grant = number_of(json_at(json_get(f.json, S("lines")), 0), "grant");
    key = key_of(grant);
    snprintf(rows_url, sizeof rows_url, "/api/v1/exchange/%" PRId64 "/rows", grant);
    assert_int_equal(calls(key, NULL, "GET", rows_url, NULL), 403);
    assert_true(says("case-missing") && says("Gusu-Case"));
    assert_int_equal(calls(key, "SP-2", "GET", url("limit=2&uscc=91350100M000100Y43"), NULL), 200);
    int64_t entry = fixture_int(&f, "entry");
    struct json items = json_get(f.json, S("items"));
    size_t n = json_count(items);
    assert_true(n >= 1);
    // The root: a leaf a row, salted with what the call list keeps; made again here from what the caller got.
    struct stmt *s =
        store_text_query(f.conn, S("SELECT salts FROM exchange_call ORDER BY entry DESC LIMIT 1"), "");
    assert_true(store_next(s));
    struct str salts = store_str(s, 0, &f.mem);
    struct err e = {0};
    assert_int_equal(store_done(s, &e), OK);
    assert_int_equal(salts.n, n * 16);
    struct merkle m = {0};
    uint8_t leaf[HASH_BYTES], root[HASH_BYTES];
    for (size_t i = 0; i < n; i++) {
        const struct str parts[] = {{"\x00", 1}, {salts.p + i * 16, 16}, json_raw(json_at(items, i))};
        hash_parts(f.hasher, HASH_SHA256, parts, 3, leaf);
        merkle_add(&m, f.hasher, HASH_SHA256, leaf, NULL, NULL);
    }
    merkle_root(&m, f.hasher, HASH_SHA256, root);
    struct ledger_entry got;
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    assert_int_equal(ledger_entry_get(&f.cx, entry, &got), OK);
    assert_true(str_has(got.detail, str_hex(&f.mem, root, sizeof root)));
    assert_false(str_has(got.detail, S("91350100M000100Y43"))); // whom it was about stands nowhere in words
    assert_true(str_has(got.detail, S("hmac-sha256:")));
}

static void verify(void **state) {
    (void)state;
    take("[{\"dataset\":\"persons\",\"columns\":[\"rid\",\"name\"]}]", YES);
    char target[96], body[200];
    snprintf(target, sizeof target, "/api/v1/exchange/%" PRId64 "/verify", grant);
    assert_int_equal(calls(key, "SP-3", "GET", rows_url, NULL), 403);
    assert_true(says("verify-only"));
    snprintf(body, sizeof body, "{\"values\":{\"rid\":\"%s\",\"name\":\"样甲\"}}", rid_a);
    assert_int_equal(calls(key, NULL, "POST", target, body), 403);
    assert_int_equal(calls(key, "SP-3", "POST", target, body), 200);
    assert_text(fixture_text(&f, "result"), "一致");
    assert_false(says("样甲"));
    snprintf(body, sizeof body, "{\"values\":{\"rid\":\"%s\",\"name\":\"样乙\"}}", rid_a);
    assert_int_equal(calls(key, "SP-3", "POST", target, body), 200);
    assert_text(fixture_text(&f, "result"), "不一致");
    fixture_now_ms += DAY_MS;
    assert_int_equal(calls(key, "SP-3", "POST", target, "{\"values\":{\"name\":\"样甲\"}}"),
                     422); // not without the key
    assert_int_equal(calls(key, "SP-3", "POST", target, "{\"values\":{\"rid\":\"x\",\"age\":\"1\"}}"), 422);
    assert_int_equal(calls(key, "SP-3", "POST", target, "{\"values\":{\"rid\":7}}"), 422);
}

static void quota_and_rate(void **state) {
    (void)state;
    take(INSURED, "{\"consent\":true,\"quota_per_day\":2}");
    assert_int_equal(calls(key, NULL, "GET", rows_url, NULL), 200);
    assert_int_equal(calls(key, NULL, "GET", rows_url, NULL), 200);
    assert_int_equal(calls(key, NULL, "GET", rows_url, NULL), 429);
    assert_true(says("quota-used") && !says("items"));
    BY_APPLICANT;
    post(NULL, "GET", "/api/v1/grants/%d", (int)grant);
    assert_int_equal(fixture_int(&f, "used_today"), 2); // what was refused is not counted
    fixture_now_ms += DAY_MS;
    assert_int_equal(calls(key, NULL, "GET", rows_url, NULL), 200); // a new day
    // One call a second: the second of two in a row waits, and is told how long.
    take(INSURED, "{\"consent\":true,\"rate_per_s\":1}");
    assert_int_equal(calls(key, NULL, "GET", rows_url, NULL), 200);
    int status = 200; // the quota is 3: one of the next two is refused, by the rate and not by the quota
    for (int i = 0; i < 2 && status == 200; i++)
        status = calls(key, NULL, "GET", rows_url, NULL);
    assert_int_equal(status, 429);
    assert_true(says("rate-limited"));
    bool told = false;
    for (int i = 0; i < f.cx.reply.headers_n; i++)
        told |= str_eq(f.cx.reply.headers[i][0], S("Retry-After"));
    assert_true(told);
}

static void revoke_means_now(void **state) {
    (void)state;
    take(INSURED, YES);
    assert_int_equal(calls(key, NULL, "GET", rows_url, NULL), 200);
    BY_STRANGER;
    post("{\"reason\":\"试\"}", "POST", "/api/v1/grants/%d/revoke", (int)grant);
    assert_status(&f, 403);
    BY_PROVIDER;
    post("{}", "POST", "/api/v1/grants/%d/revoke", (int)grant);
    assert_status(&f, 422); // not without a reason
    post("{\"reason\":\"核查\"}", "POST", "/api/v1/grants/%d/suspend", (int)grant);
    assert_status(&f, 200);
    assert_int_equal(calls(key, NULL, "GET", rows_url, NULL), 403);
    assert_true(says("grant-suspended"));
    BY_OWN_HEAD;
    post(NULL, "POST", "/api/v1/grants/%d/resume", (int)grant);
    assert_status(&f, 403); // not for whoever only received it
    BY_PROVIDER;
    post(NULL, "POST", "/api/v1/grants/%d/resume", (int)grant);
    assert_status(&f, 200);
    assert_int_equal(calls(key, NULL, "GET", rows_url, NULL), 200);
    BY_PROVIDER;
    post("{\"reason\":\"用途不符\"}", "POST", "/api/v1/grants/%d/revoke", (int)grant);
    assert_status(&f, 200);
    assert_int_equal(calls(key, NULL, "GET", rows_url, NULL), 403);
    assert_true(says("grant-revoked"));
    BY_PROVIDER;
    post(NULL, "POST", "/api/v1/grants/%d/resume", (int)grant);
    assert_status(&f, 409); // never comes back
}

// A call whose reply was made before the revoke was committed, and whose entry comes after it: nothing leaves.
struct noting {
    struct work work;
    struct cx *cx;
};
static int run_note(struct work *w, struct conn *c, struct err *e) {
    return core_run_note(((struct noting *)w)->cx, c, e);
}
static void noted(struct work *w) {
    (void)w;
}

static void revoke_between_reply_and_entry(void **state) {
    (void)state;
    take(INSURED, YES);
    struct cx call;
    struct request q = {.verb = S("GET"),
                        .path = str_of(rows_url),
                        .body_fd = -1,
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
    assert_non_null(call.note); // the reply lies ready
    f.headers_n = 0;
    f.city.who = fixture_who;
    BY_AUTHORITY;
    post("{\"reason\":\"试\"}", "POST", "/api/v1/grants/%d/revoke", (int)grant);
    assert_status(&f, 200);
    struct noting n = {.work = {.run = run_note, .done = noted, .is_plain = true}, .cx = &call};
    assert_int_equal(store_do(f.city.store, &n.work, NULL), ERR_grant_revoked);
    core_noted(&call, ERR_grant_revoked, &n.work.err);
    assert_int_equal(call.reply.status, 403);
    assert_false(str_has(buf_str(&call.out), S("样一")));
    BY_APPLICANT;
    post(NULL, "GET", "/api/v1/grants/%d", (int)grant);
    assert_int_equal(fixture_int(&f, "used_total"), 0);
}

// A thread that holds one snapshot over many requests must not keep what it read of before the revoke.
static void revoke_beats_an_old_snapshot(void **state) {
    (void)state;
    take(INSURED, YES);
    uint64_t generation = atomic_load(&f.city.auth_generation);
    store_read_begin(f.conn);
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    struct grant g;
    assert_int_equal(grant_get(&f.cx, grant, &g), OK); // the snapshot stands
    struct conn *held = f.conn;
    struct err e = {0};
    assert_int_equal(store_conn_open(f.city.store, &f.conn, &e), OK);
    BY_AUTHORITY;
    post("{\"reason\":\"试\"}", "POST", "/api/v1/grants/%d/revoke", (int)grant);
    assert_status(&f, 200);
    struct grant_view *v;
    core_cx(&f.cx, &f.city, &f.mem, held, f.hasher, NULL);
    f.cx.auth_generation = generation;
    assert_int_equal(grant_view_pin(&f.cx, grant, &v), OK); // the old snapshot still shows it active
    assert_text(v->grant.state, "active");
    grant_view_unpin(v);
    store_read_end(held);
    store_conn_close(held);
    assert_int_equal(calls(key, NULL, "GET", rows_url, NULL), 403); // and nobody believes what it left behind
}

static void keys(void **state) {
    (void)state;
    take(INSURED, YES);
    BY_APPLICANT;
    post(NULL, "GET", "/api/v1/grants/%d", (int)grant);
    struct json k = json_at(json_get(f.json, S("keys")), 0);
    assert_false(says(str_z(&f.mem, key)));
    assert_true(str_starts(key, (struct str){text_of(k, "prefix").p, 9}));
    BY_STRANGER;
    post(NULL, "DELETE", "/api/v1/grants/%d/keys/%d", (int)grant, (int)number_of(k, "id"));
    assert_status(&f, 404);
    BY_APPLICANT;
    post(NULL, "DELETE", "/api/v1/grants/%d/keys/%d", (int)grant + 1, (int)number_of(k, "id"));
    assert_status(&f, 404);
    post(NULL, "DELETE", "/api/v1/grants/%d/keys/%d", (int)grant, (int)number_of(k, "id"));
    assert_status(&f, 200);
    assert_int_equal(calls(key, NULL, "GET", rows_url, NULL), 401);
    assert_true(says("key-revoked"));
    for (int i = 0; i < EXCHANGE_KEYS_MAX; i++)
        key = key_of(grant);
    post(NULL, "POST", "/api/v1/grants/%d/keys", (int)grant);
    assert_status(&f, 409); // one more than may live
    assert_int_equal(calls(key, NULL, "GET", rows_url, NULL), 200);
    // A system that its office ends calls no more.
    BY_APPLICANT;
    fixture_header(&f, "If-Match", "*");
    post("{\"state\":\"ended\"}", "PATCH", "/api/v1/systems/core");
    assert_status(&f, 200);
    assert_int_equal(calls(key, NULL, "GET", rows_url, NULL), 401);
}

// A provider's service, played by the test: what was asked, and how it ends.
static struct {
    char url[256];
    int asked, status;
    bool maybe_done;
    int64_t entries_before;
} upstream;

static int fake_fetch(struct city *city, struct arena *mem, struct str verb, struct str at, struct str type,
                      struct str body, int timeout_ms, int *ret_status, struct str *ret_type,
                      struct str *ret_body, bool *ret_maybe_done, struct err *e) {
    (void)city;
    (void)verb;
    (void)type;
    (void)body;
    (void)timeout_ms;
    snprintf(upstream.url, sizeof upstream.url, "%.*s", STRF(at));
    upstream.asked++;
    // The entry that says what is being asked stands in the store already.
    struct stmt *s = store_text_query(f.conn, S("SELECT count(*) FROM exchange_call"), "");
    upstream.entries_before = store_next(s) ? store_int(s, 0) : 0;
    assert_int_equal(store_done(s, e), OK);
    *ret_maybe_done = upstream.maybe_done;
    if (upstream.status == 0) return err_set(e, upstream.maybe_done ? ERR_net_late : ERR_net, "", "test");
    *ret_status = upstream.status;
    *ret_type = S("application/json");
    *ret_body = str_copy(mem, S("{\"answer\":42}"));
    return OK;
}
static int any_url(struct city *city, struct arena *mem, struct str at, struct err *e) {
    (void)city;
    (void)mem;
    (void)at;
    (void)e;
    return OK;
}

static int64_t last_call(const char *name) {
    BY_APPLICANT;
    post(NULL, "GET", "/api/v1/grants/%d/calls", (int)grant);
    assert_status(&f, 200);
    return number_of(json_at(json_get(f.json, S("items")), 0), name);
}

static void proxied(void **state) {
    (void)state;
    f.city.fetch_out = fake_fetch;
    f.city.fetch_url_ok = any_url;
    BY_STEWARD;
    post("{\"kind\":\"service\",\"title_zh\":\"接口\",\"title_en\":\"Service\",\"url\":\"https://up.example/"
         "q?a=1\"}",
         "POST", "/api/v1/datasets/live/resources");
    assert_true(f.status / 100 == 2);
    take("[{\"dataset\":\"live\"}]", YES);
    char target[96];
    snprintf(target, sizeof target, "/api/v1/exchange/%" PRId64 "/proxy?b=2", grant);
    upstream.status = 201;
    upstream.asked = 0;
    assert_int_equal(calls(key, NULL, "GET", target, NULL), 201);
    assert_text(f.body, "{\"answer\":42}");
    assert_string_equal(upstream.url, "https://up.example/q?a=1&b=2");
    assert_int_equal(upstream.entries_before, 1);
    assert_int_equal(last_call("status"), 201);
    assert_int_equal(last_call("bytes"), 13);
    upstream.status = 0;
    upstream.maybe_done = true;
    assert_int_equal(calls(key, NULL, "POST", target, "{}"), 504);
    assert_true(says("proxy-unknown"));
    assert_int_equal(last_call("status"), 0); // for people to see
    upstream.maybe_done = false;
    assert_int_equal(calls(key, NULL, "GET", target, NULL), 502);
    assert_int_equal(last_call("status"), 502);
    int asked = upstream.asked;
    assert_int_equal(calls(key, NULL, "GET", target, NULL), 429); // the quota is 3: nothing was sent
    assert_int_equal(upstream.asked, asked);
    BY_AUDITOR;
    fixture_call(&f, "GET", "/api/v1/ledger/entries?kind=exchange.proxy.done", NULL);
    assert_status(&f, 200);
    assert_int_equal(json_count(json_get(f.json, S("items"))), 3);
}

static void traced_and_metered(void **state) {
    (void)state;
    take(INSURED, YES);
    assert_int_equal(calls(key, "SP-4", "GET", rows_url, NULL), 200);
    BY_PROVIDER;
    post("{\"reason\":\"到期前收回\"}", "POST", "/api/v1/grants/%d/revoke", (int)grant);
    assert_status(&f, 200);
    struct str asked[] = {fixture_text(&f, "application"), str_print(&f.mem, "%" PRId64, grant),
                          (struct str){key.p, 9}};
    for (size_t i = 0; i < 3; i++) {
        post(NULL, "GET", "/api/v1/trace/%.*s", STRF(asked[i]));
        assert_status(&f, 200);
        assert_true(str_eq(fixture_text(&f, "id"), asked[0]));
        struct json nodes = json_get(f.json, S("nodes")), edges = json_get(f.json, S("edges"));
        static const char *const kinds[] = {"dataset",       "application", "sign", "check", "answer",
                                            "provider_sign", "grant",       "key",  "call",  "revoke"};
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
            assert_true(json_kind(item_of(nodes, "kind", kinds[k])) == JSON_OBJECT);
        assert_text(text_of(item_of(nodes, "kind", "revoke"), "reason"), "到期前收回");
        for (struct json_iter it = json_iter(edges);
             json_next(&it);) { // every edge joins two nodes of the picture
            char from[100], to[100];
            snprintf(from, sizeof from, "%.*s", STRF(text_of(it.value, "from")));
            snprintf(to, sizeof to, "%.*s", STRF(text_of(it.value, "to")));
            assert_int_equal(json_kind(item_of(nodes, "id", from)), JSON_OBJECT);
            assert_int_equal(json_kind(item_of(nodes, "id", to)), JSON_OBJECT);
        }
        assert_int_equal(number_of(json_get(f.json, S("calls")), "n"), 1);
        assert_int_equal(number_of(json_get(f.json, S("calls")), "rows"), 2);
    }
    BY_STRANGER;
    post(NULL, "GET", "/api/v1/trace/%.*s", STRF(asked[0]));
    assert_status(&f, 404);
    fixture_call(&f, "GET", "/api/v1/meter?by=dataset", NULL);
    assert_int_equal(json_count(json_get(f.json, S("items"))), 0);
    BY_PROVIDER;
    fixture_call(&f, "GET", "/api/v1/meter?by=dataset", NULL);
    assert_int_equal(number_of(json_at(json_get(f.json, S("items")), 0), "calls"), 1);
    // Who reads the calls sees what they were for, by the ledger's own rule.
    post(NULL, "GET", "/api/v1/grants/%d/calls", (int)grant);
    assert_text(text_of(json_at(json_get(f.json, S("items")), 0), "case_no"), "SP-4");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(masks_and_entry, city_up, city_down),
        cmocka_unit_test_setup_teardown(released_and_filtered, city_up, city_down),
        cmocka_unit_test_setup_teardown(formats, city_up, city_down),
        cmocka_unit_test_setup_teardown(wrong_names, city_up, city_down),
        cmocka_unit_test_setup_teardown(people_need_a_case, city_up, city_down),
        cmocka_unit_test_setup_teardown(verify, city_up, city_down),
        cmocka_unit_test_setup_teardown(quota_and_rate, city_up, city_down),
        cmocka_unit_test_setup_teardown(revoke_means_now, city_up, city_down),
        cmocka_unit_test_setup_teardown(revoke_between_reply_and_entry, city_up, city_down),
        cmocka_unit_test_setup_teardown(revoke_beats_an_old_snapshot, city_up, city_down),
        cmocka_unit_test_setup_teardown(keys, city_up, city_down),
        cmocka_unit_test_setup_teardown(proxied, city_up, city_down),
        cmocka_unit_test_setup_teardown(traced_and_metered, city_up, city_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
