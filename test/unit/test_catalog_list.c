// SPDX-License-Identifier: MulanPSL-2.0
// The list with full text, facets and pages; the portal, which follows 开放属性 only; resources and files: upload, the
// same file again, range, conditional and refused reading; references.
#include "catalog_pack.h"

FIXTURE_MODULES(&people_module, &catalog_module)

static struct fixture f;
static int open_city(void **state) {
    (void)state;
    catalog_city(&f);
    return 0;
}
static int close_city(void **state) {
    (void)state;
    fixture_close(&f);
    return 0;
}

static int get(const char *target) {
    return fixture_call(&f, "GET", target, NULL);
}
static int64_t total(const char *target) {
    get(target);
    assert_status(&f, 200);
    return fixture_int(&f, "total");
}
static int64_t facet(const char *dim, const char *key) {
    struct json list = json_get(json_get(f.json, S("facets")), str_of(dim));
    return number_of(item_of(list, "key", key), "n");
}

static void finds(void **state) {
    (void)state;
    AS_APPLICANT(&f);
    assert_int_equal(total("/api/v1/datasets?q=公园"), 1);
    assert_int_equal(total("/api/v1/datasets?q=园"), 1);          // one character
    assert_int_equal(total("/api/v1/datasets?q=公园名"), 1);      // a phrase
    assert_int_equal(total("/api/v1/datasets?q=园公"), 0);        // not its characters
    assert_int_equal(total("/api/v1/datasets?q=Park"), 1);        // a prefix of a word, any case
    assert_int_equal(total("/api/v1/datasets?q=绿地"), 1);        // a keyword
    assert_int_equal(total("/api/v1/datasets?q=数据局"), 2);      // the provider's name
    assert_int_equal(total("/api/v1/datasets?q=代表人"), 1);      // a column
    assert_int_equal(total("/api/v1/datasets?q=公园%20企业"), 0); // every word
    assert_int_equal(total("/api/v1/datasets?q=%22%20OR%20"),
                     0); // nothing to look for finds nothing, and breaks nothing
    assert_int_equal(get("/api/v1/datasets?sort=best"), 422);
    assert_int_equal(get("/api/v1/datasets?colour=red"), 422);
}

static void counts(void **state) {
    (void)state;
    AS_APPLICANT(&f);
    assert_int_equal(total("/api/v1/datasets"), 3);
    assert_int_equal(facet("office", "sz-data"), 2);
    assert_int_equal(facet("share", "1"), 2);
    assert_int_equal(facet("share", "3"), 1);
    assert_int_equal(facet("class", "1/legal-entity"), 1);
    assert_int_equal(facet("resource", "table"), 2);
    assert_int_equal(facet("resource", "file"), 1);
    assert_int_equal(facet("resource", "none"), 1);
    assert_int_equal(facet("grade", "L4"), 1); // micro: the highest of its columns, filled by the judge
    // A facet counts what passes all other filters: choosing share 1 leaves share 3 to be chosen.
    assert_int_equal(total("/api/v1/datasets?share=1"), 2);
    assert_int_equal(facet("share", "3"), 1);
    assert_int_equal(facet("office", "sz-data"), 1);
    assert_int_equal(total("/api/v1/datasets?share=1,3&office=sz-data"), 2);
    assert_int_equal(total("/api/v1/datasets?class=1"), 2); // with the classes below it
    assert_int_equal(total("/api/v1/datasets?class=1/legal-entity"), 1);
    assert_int_equal(total("/api/v1/datasets?state=published&resource=none"), 1);
    // Words of both languages come with every value.
    struct json list = json_get(json_get(f.json, S("facets")), S("cycle"));
    assert_true(str_eq(json_text(json_get(item_of(list, "key", "monthly"), S("en"))), S("monthly")));
}

static void pages(void **state) {
    char seen[3][40] = {{0}}, target[300] = "/api/v1/datasets?sort=name&limit=1";
    (void)state;
    AS_APPLICANT(&f);
    for (int i = 0; i < 3; i++) {
        get(target);
        assert_status(&f, 200);
        assert_int_equal(json_count(json_get(f.json, S("items"))), 1);
        struct str id = json_text(json_get(json_at(json_get(f.json, S("items")), 0), S("id")));
        snprintf(seen[i], sizeof seen[i], "%.*s", STRF(id));
        struct str next = fixture_text(&f, "next");
        assert_int_equal(next.n > 0, i < 2);
        snprintf(target, sizeof target, "/api/v1/datasets?sort=name&limit=1&after=%.*s", STRF(next));
    }
    assert_string_not_equal(seen[0], seen[1]);
    assert_string_not_equal(seen[1], seen[2]);
    assert_string_not_equal(seen[0], seen[2]);
    assert_int_equal(get("/api/v1/datasets?after=!!!"), 422); // starting again would look like more rows
    assert_true(str_eq(fixture_text(&f, "code"), S("cursor")));
    assert_int_equal(get("/api/v1/datasets?limit=0"), 422);
}

static void portal(void **state) {
    (void)state;
    AS_NOBODY(&f);
    assert_int_equal(get("/api/v1/datasets"), 401);
    assert_int_equal(get("/api/v1/datasets/parks"), 401);
    assert_int_equal(total("/api/v1/portal/datasets"),
                     2); // parks, and firms on conditions; shared is not open
    assert_int_equal(facet("open", "conditional"), 1);
    assert_int_equal(get("/api/v1/portal/datasets/parks"), 200);
    assert_int_equal(json_kind(json_get(f.json, S("steps"))), 0); // who did what stays inside
    assert_int_equal(json_kind(json_get(f.json, S("may"))), 0);
    struct json notice = json_at(json_get(f.json, S("notices")), 0);
    assert_true(str_eq(json_text(json_get(notice, S("key"))), S("notice_stat_area")));
    assert_int_equal(get("/api/v1/portal/datasets/micro"), 404); // not 403: it does not exist here
    assert_int_equal(get("/api/v1/portal/datasets/parks/files/map"), 200);
    assert_true(f.cx.reply.fd >= 0);
    close(f.cx.reply.fd);
    assert_int_equal(get("/api/v1/portal/datasets/parks/files/parks"), 404); // a table is no file
    assert_int_equal(get("/api/v1/portal/figures"), 200);
    assert_int_equal(fixture_int(&f, "open"), 1);
    assert_int_equal(fixture_int(&f, "rows"), 3);
    assert_int_equal(get("/api/v1/catalog/figures"), 401);
    assert_int_equal(get("/api/v1/elements"), 200);
}

// What stands in for the HTTP client that app gives: the status is chosen by the address.
static int fake_fetch(struct city *city, struct arena *mem, struct str verb, struct str url, struct str type,
                      struct str body, int timeout_ms, int *ret_status, struct str *ret_type,
                      struct str *ret_body, bool *ret_maybe_done, struct err *e) {
    (void)city, (void)mem, (void)verb, (void)type, (void)body, (void)timeout_ms, (void)ret_maybe_done;
    if (str_has(url, S("dead"))) return err_set(e, ERR_net, "url", "%s", "refused");
    *ret_status = str_has(url, S("broken")) ? 502 : 401;
    *ret_type = *ret_body = STR_NONE;
    return OK;
}
static int fake_url_ok(struct city *city, struct arena *mem, struct str url, struct err *e) {
    (void)city, (void)mem;
    return str_has(url, S("127.0.0.1")) ? err_set(e, ERR_field_value, "url", "%s", "127.0.0.1") : OK;
}

static void service(const char *url, bool works) {
    char body[200], target[120];
    snprintf(body, sizeof body, "{\"kind\":\"service\",\"title_zh\":\"接口\",\"url\":\"%s\"}", url);
    fixture_call(&f, "POST", "/api/v1/datasets/parks/resources", body);
    assert_status(&f, 201);
    snprintf(target, sizeof target, "/api/v1/datasets/parks/resources/%.*s/test",
             STRF(fixture_text(&f, "id")));
    fixture_call(&f, "POST", target, "{}");
    assert_status(&f, 200);
    assert_int_equal(json_is(json_get(f.json, S("test_ok")), JSON_TRUE), works);
    assert_int_equal(fixture_text(&f, "test_note").n == 0, works);
}

static void services(void **state) {
    (void)state;
    f.city.fetch_out = fake_fetch;
    f.city.fetch_url_ok = fake_url_ok;
    AS_STEWARD(&f);
    service("https://api.example/parks", true); // 401: somebody is there
    service("https://api.example/broken", false);
    service("https://dead.example/", false);
    // The host's own network is refused when the address is given, not when it is called.
    assert_int_equal(fixture_call(&f, "POST", "/api/v1/datasets/parks/resources",
                                  "{\"kind\":\"service\",\"title_zh\":\"x\",\"url\":\"http://127.0.0.1/\"}"),
                     422);
    get("/api/v1/datasets/parks/resources");
    struct json list = json_get(f.json, S("resources"));
    assert_true(str_eq(json_text(json_get(item_of(list, "id", "service"), S("state"))), S("ok")));
    assert_true(str_eq(json_text(json_get(item_of(list, "id", "service-2"), S("test_note"))), S("HTTP 502")));
    AS_NOBODY(&f); // where the provider's system stands is nobody's business outside
    get("/api/v1/portal/datasets/parks");
    list = json_get(f.json, S("resources"));
    assert_int_equal(json_kind(json_get(item_of(list, "id", "service"), S("upstream"))), 0);
}

static int put_file(const char *target, const char *bytes) {
    return fixture_call(&f, "PUT", target, bytes);
}

static void files(void **state) {
    (void)state;
    AS_STEWARD(&f);
    fixture_call(&f, "POST", "/api/v1/datasets/parks/resources", "{\"kind\":\"file\",\"title_zh\":\"说明\"}");
    assert_status(&f, 201);
    assert_true(str_eq(fixture_text(&f, "id"), S("file")));
    assert_int_equal(fixture_call(&f, "POST", "/api/v1/datasets/parks/resources",
                                  "{\"kind\":\"table\",\"title_zh\":\"又一表\"}"),
                     409);
    assert_int_equal(fixture_call(&f, "POST", "/api/v1/datasets/parks/resources",
                                  "{\"kind\":\"service\",\"title_zh\":\"无址\"}"),
                     422);
    assert_int_equal(put_file("/api/v1/datasets/parks/resources/file/file?name=../x.txt", "abc"), 422);
    assert_int_equal(put_file("/api/v1/datasets/parks/resources/parks/file?name=x.txt", "abc"),
                     422); // a table
    assert_int_equal(put_file("/api/v1/datasets/parks/resources/file/file?name=x.txt", ""), 422);
    assert_int_equal(
        put_file("/api/v1/datasets/parks/resources/file/file?name=%E8%AF%B4%E6%98%8E.txt", "abc"), 200);
    assert_true(
        str_eq(fixture_text(&f, "sm3"),
               S("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"))); // GB/T 32905 A.1
    assert_true(json_is(json_get(f.json, S("same")), JSON_FALSE));
    put_file("/api/v1/datasets/parks/resources/file/file?name=%E8%AF%B4%E6%98%8E.txt", "abc");
    assert_true(json_is(json_get(f.json, S("same")), JSON_TRUE));
    fixture_call(&f, "POST", "/api/v1/datasets/parks/resources/file/test", "{}");
    assert_status(&f, 200);
    assert_true(json_is(json_get(f.json, S("test_ok")), JSON_TRUE));
    get("/api/v1/datasets/parks/resources");
    assert_int_equal(json_count(json_get(f.json, S("resources"))), 3);
    AS_OTHER(&f); // another office's steward: sees, and may not touch
    assert_int_equal(put_file("/api/v1/datasets/parks/resources/file/file?name=x.txt", "abc"), 403);
    assert_int_equal(fixture_call(&f, "DELETE", "/api/v1/datasets/parks/resources/file", NULL), 403);
    AS_STEWARD(&f);
    assert_int_equal(fixture_call(&f, "DELETE", "/api/v1/datasets/parks/resources/file", NULL), 200);
    assert_int_equal(get("/api/v1/datasets/parks/resources/file/file"), 404);
}

// Status, first byte asked for, bytes sent.
static void ranged(const char *range, int status, int64_t from, int64_t n) {
    if (range) fixture_header(&f, "Range", range);
    get("/api/v1/portal/datasets/parks/files/map"); // "0123456789"
    assert_status(&f, status);
    if (status == 416) return;
    char text[16] = {0};
    assert_int_equal(f.cx.reply.fd_from, from);
    assert_int_equal(f.cx.reply.fd_bytes, n);
    assert_int_equal(pread(f.cx.reply.fd, text, (size_t)n, (off_t)from), n);
    assert_memory_equal(text, "0123456789" + from, (size_t)n);
    close(f.cx.reply.fd);
}

static void ranges(void **state) {
    (void)state;
    AS_NOBODY(&f);
    ranged(NULL, 200, 0, 10);
    ranged("bytes=0-3", 206, 0, 4);
    ranged("bytes=4-", 206, 4, 6);
    ranged("bytes=-3", 206, 7, 3);
    ranged("bytes=-30", 206, 0, 10);
    ranged("bytes=8-99", 206, 8, 2);
    ranged("bytes=10-", 416, 0, 0);
    ranged("bytes=-0", 416, 0, 0);
    ranged("bytes=5-2", 200, 0, 10); // not a range: ignored, as RFC 9110 says
    ranged("bytes=0-1,4-5", 200, 0, 10);
    ranged("lines=0-3", 200, 0, 10);
    fixture_header(&f, "If-Range", "\"other\"");
    ranged("bytes=0-3", 200, 0, 10); // the file changed meanwhile: the whole
    get("/api/v1/portal/datasets/parks/files/map");
    struct str etag = STR_NONE;
    for (int i = 0; i < f.cx.reply.headers_n; i++)
        if (str_eq(f.cx.reply.headers[i][0], S("ETag"))) etag = f.cx.reply.headers[i][1];
    close(f.cx.reply.fd);
    fixture_header(&f, "If-None-Match", str_z(&f.mem, etag));
    get("/api/v1/portal/datasets/parks/files/map");
    assert_status(&f, 304);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds, open_city, close_city),
        cmocka_unit_test_setup_teardown(counts, open_city, close_city),
        cmocka_unit_test_setup_teardown(pages, open_city, close_city),
        cmocka_unit_test_setup_teardown(portal, open_city, close_city),
        cmocka_unit_test_setup_teardown(services, open_city, close_city),
        cmocka_unit_test_setup_teardown(files, open_city, close_city),
        cmocka_unit_test_setup_teardown(ranges, open_city, close_city),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
