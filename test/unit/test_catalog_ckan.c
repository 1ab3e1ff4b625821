// SPDX-License-Identifier: MulanPSL-2.0
// CKAN's interface: the search language as a table of expressions, parameters by all ways in, envelopes and error
// names, what the public sees and what an account sees, rows through masks, and changes that go by our own routes.
#include "catalog_pack.h"
#include "mod/catalog/ckan.h"

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

// --- the search language ---

static struct ckan_value doc_field(const void *doc, struct str field) {
    (void)doc;
    if (!field.p || str_eq(field, S("title")))
        return (struct ckan_value){CKAN_TEXT, S("苏州市 map of streets, plan-2023"), 0};
    if (str_eq(field, S("tags"))) return (struct ckan_value){CKAN_WORDS, S("地图\n公园 绿地\nstreet"), 0};
    if (str_eq(field, S("metadata_modified")))
        return (struct ckan_value){CKAN_TIME, STR_NONE, 1794182400000}; // 2026-11-09
    if (str_eq(field, S("share"))) return (struct ckan_value){CKAN_NUMBER, STR_NONE, 2};
    return (struct ckan_value){.kind = CKAN_NOTHING};
}

static const struct {
    const char *q;
    enum { NO, YES, BAD } want;
} expressions[] = {
    {"", YES},
    {"*:*", YES},
    {"*", YES},
    {"苏州", YES},
    {"州市", YES},
    {"map", YES},
    {"ap", NO}, // a Latin word is found whole
    {"MAP", YES},
    {"ＭＡＰ", YES},
    {"street", NO},
    {"street*", YES},
    {"str?ets", YES},
    {"map streets", YES},
    {"map AND missing", NO},
    {"map OR missing", YES},
    {"missing || map", YES},
    {"map -missing", YES},
    {"-map", NO},
    {"NOT map", NO},
    {"NOT -map", YES},
    {"+map !missing", YES},
    {"or", NO},
    {"(map missing) OR 苏州", YES},
    {"title:(map AND streets)", YES},
    {"title:\"map of\"", YES},
    {"\"of map\"", NO},
    {"tags:地图", YES},
    {"tags:公园", NO}, // exact values
    {"tags:\"公园 绿地\"", YES},
    {"tags:(missing OR street)", YES},
    {"tags:str*", YES},
    {"tags:*", YES},
    {"nothing:*", NO},
    {"metadata_modified:[2026-01-01T00:00:00Z TO *]", YES},
    {"metadata_modified:[2026-01-01T00:00:00.000000Z TO 2026-02-01T00:00:00Z]", NO},
    {"metadata_modified:[* TO 2026-11-09]", YES},
    {"metadata_modified:{* TO 2026-11-09T00:00:00Z}", NO},
    {"metadata_modified:[NOW-1DAY TO NOW]", YES},
    {"metadata_modified:[NOW-2YEARS TO NOW-1YEAR]", NO},
    {"metadata_modified:[2026-11-09T00:00:00 TO *]", YES},
    {"share:2", YES},
    {"share:[1 TO 2}", NO},
    {"share:[2 TO 3]", YES},
    {"map^2.5 streets~1", YES},
    {"plan\\-2023", YES},
    {"tags:地图 AND -(share:3 OR share:1)", YES},
    {"(map", BAD},
    {"map)", BAD},
    {"\"map", BAD},
    {"title:", BAD},
    {"map AND", BAD},
    {"OR OR", BAD},
    {"share:[1 2]", BAD},
    {"share:[1 TO", BAD},
};

static void search_language(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++) {
        struct ckan_node *n = NULL;
        struct err e = {0};
        int code = ckan_query_read(&f.mem, str_of(expressions[i].q), fixture_now_ms, &n, &e);
        int got = code != OK ? BAD : ckan_query_holds(n, NULL, doc_field, NULL) ? YES : NO;
        if (got != (int)expressions[i].want) fprintf(stderr, "%s: %d %s\n", expressions[i].q, got, e.arg);
        assert_int_equal(got, expressions[i].want);
        if (got == BAD) assert_int_equal(code, ERR_search_query);
    }
}

// Whatever a stranger enlarges ends at a limit, not in the stack.
static void search_limits(void **state) {
    (void)state;
    struct ckan_node *n;
    struct err e = {0};
    struct buf deep = buf_new(&f.mem, 64, 100000), many = buf_new(&f.mem, 64, 100000),
               nots = buf_new(&f.mem, 64, 100000);
    for (int i = 0; i < CKAN_QUERY_DEPTH + 1; i++)
        buf_char(&deep, '(');
    for (int i = 0; i <= CKAN_QUERY_NODES; i++)
        buf_puts(&many, "a ");
    for (int i = 0; i < CKAN_QUERY_BYTES; i++)
        buf_char(&nots, '-');
    assert_int_equal(ckan_query_read(&f.mem, buf_str(&deep), 0, &n, &e), ERR_search_query);
    assert_int_equal(ckan_query_read(&f.mem, buf_str(&many), 0, &n, &e), ERR_search_query);
    assert_int_equal(ckan_query_read(&f.mem, buf_str(&nots), 0, &n, &e), ERR_search_query);
    buf_char(&nots, '-');
    assert_int_equal(ckan_query_read(&f.mem, buf_str(&nots), 0, &n, &e), ERR_too_large);
}

// --- the actions ---

static struct json result(void) {
    return json_get(f.json, S("result"));
}
static struct json error_of(void) {
    return json_get(f.json, S("error"));
}

static void get(const char *action) {
    char target[512];
    snprintf(target, sizeof target, "/api/3/action/%s", action);
    fixture_call(&f, "GET", target, NULL);
}
static void post(const char *action, const char *body) {
    char target[128];
    snprintf(target, sizeof target, "/api/action/%s", action);
    fixture_call(&f, "POST", target, body);
}

#define assert_error(status_, type_)                                                                         \
    do {                                                                                                     \
        assert_status(&f, status_);                                                                          \
        bool success = true;                                                                                 \
        assert_true(json_bool(json_get(f.json, S("success")), &success) && !success);                        \
        assert_true(str_eq(json_text(json_get(error_of(), S("__type"))), S(type_)));                         \
        assert_true(json_text(json_get(error_of(), S("message"))).n > 0);                                    \
    } while (0)
#define assert_done()                                                                                        \
    do {                                                                                                     \
        assert_status(&f, 200);                                                                              \
        bool success = false;                                                                                \
        assert_true(json_bool(json_get(f.json, S("success")), &success) && success);                         \
    } while (0)

static void public_eyes(void **state) {
    (void)state;
    AS_NOBODY(&f);
    get("package_list");
    assert_done();
    assert_int_equal(json_count(result()), 2); // micro is not open, so it does not exist
    get("package_show?id=micro");
    assert_error(404, "Not Found Error");
    get("package_search?q=&rows=0");
    assert_int_equal(number_of(result(), "count"), 2);
    get("organization_list?all_fields=true");
    assert_int_equal(json_count(result()), 2);
    get("organization_show?id=sz-hrss");
    assert_int_equal(number_of(result(), "package_count"), 1);
    get("group_show?id=c-1_legal-entity");
    assert_int_equal(number_of(result(), "package_count"), 1);
    get("user_list");
    assert_error(403, "Authorization Error");
    get("nothing_here");
    assert_error(404, "Not Found Error");
    AS_APPLICANT(&f);
    get("package_list");
    assert_int_equal(json_count(result()), 3);
    fixture_as(&f, 9, "key", "sz-hrss", 0);
    f.who.roles = R_PUBLIC | R_KEY; // an exchange key opens nothing here
    get("package_list");
    assert_int_equal(json_count(result()), 2);
    AS_APPLICANT(&f);
    f.who.scopes = S("exchange:read"); // nor does a token for something else
    get("package_list");
    assert_int_equal(json_count(result()), 2);
}

static void package_as_ckan_knows_it(void **state) {
    (void)state;
    AS_NOBODY(&f);
    get("package_show?id=parks&use_default_schema=true");
    assert_done();
    struct json p = result();
    assert_true(str_eq(json_text(json_get(p, S("title"))), S("公园名录")));
    assert_true(str_eq(json_text(json_get(json_get(p, S("title_translated")), S("en"))), S("Parks")));
    assert_true(str_eq(json_text(json_get(p, S("state"))), S("active")));
    assert_true(json_is(json_get(p, S("private")), JSON_FALSE));
    assert_int_equal(number_of(p, "num_resources"), 2);
    assert_true(json_kind(item_of(json_get(p, S("tags")), "name", "绿地")) != 0);
    assert_true(json_kind(item_of(json_get(p, S("groups")), "name", "c-2")) != 0);
    assert_true(
        str_eq(json_text(json_get(item_of(json_get(p, S("extras")), "key", "open"), S("value"))), S("open")));
    struct json table = item_of(json_get(p, S("resources")), "id", "parks.parks");
    assert_true(json_is(json_get(table, S("datastore_active")), JSON_TRUE));
    assert_true(str_ends(json_text(json_get(table, S("url"))),
                         S("/dataset/parks/resource/parks/download/parks.csv")));
    struct json file = item_of(json_get(p, S("resources")), "id", "parks.map");
    assert_int_equal(number_of(file, "size"), 10);
    // open on conditions: described, and nothing to be had
    get("package_show?id=firms");
    table = item_of(json_get(result(), S("resources")), "id", "firms.firms");
    assert_true(json_is(json_get(table, S("datastore_active")), JSON_FALSE));
    assert_true(str_ends(json_text(json_get(table, S("url"))), S("/data/firms")));
}

static void searches(void **state) {
    (void)state;
    AS_NOBODY(&f);
    get("package_search?fq=organization:(sz-hrss+OR+nobody)&facet.field=%5B%22tags%22,%22organization%22%5D");
    assert_done();
    assert_int_equal(number_of(result(), "count"), 1);
    assert_int_equal(number_of(json_get(json_get(result(), S("facets")), S("tags")), "绿地"), 1);
    struct json items =
        json_get(json_get(json_get(result(), S("search_facets")), S("organization")), S("items"));
    assert_int_equal(number_of(json_at(items, 0), "count"), 1);
    post("package_search",
         "{\"q\":\"企业\",\"fq_list\":[\"groups:c-1_legal-entity\",\"-open:open\"],\"sort\":\"title asc\"}");
    assert_int_equal(number_of(result(), "count"), 1);
    post("package_search", "{}");
    assert_int_equal(number_of(result(), "count"), 2);
    // harvesters page until an empty page
    get("package_search?rows=1&start=0&sort=id+asc");
    assert_true(
        str_eq(json_text(json_get(json_at(json_get(result(), S("results")), 0), S("id"))), S("firms")));
    get("package_search?rows=1&start=1&sort=id+asc");
    assert_true(
        str_eq(json_text(json_get(json_at(json_get(result(), S("results")), 0), S("id"))), S("parks")));
    get("package_search?rows=1&start=2&sort=id+asc");
    assert_done();
    assert_int_equal(json_count(json_get(result(), S("results"))), 0);
    get("package_search?q=title:(");
    assert_error(400, "Search Query Error");
    get("package_search?sort=colour+asc");
    assert_error(400, "Search Query Error");
    get("package_search?rows=many");
    assert_error(409, "Validation Error");
    post("package_search", "[1]");
    assert_error(409, "Validation Error");
    post("package_search", "{\"q\":");
    assert_error(409, "Validation Error");
}

static void rows_as_anybody(void **state) {
    (void)state;
    AS_NOBODY(&f);
    get("datastore_search?resource_id=parks.parks&limit=2");
    assert_done();
    assert_int_equal(number_of(result(), "total"), 3);
    assert_int_equal(json_count(json_get(result(), S("records"))), 2);
    assert_int_equal(number_of(json_at(json_get(result(), S("records")), 0), "_id"), 1);
    get("datastore_search?resource_id=parks&offset=2");
    assert_int_equal(json_count(json_get(result(), S("records"))), 1);
    get("datastore_search?resource_id=parks&offset=9");
    assert_done();
    assert_int_equal(json_count(json_get(result(), S("records"))), 0);
    get("datastore_search?resource_id=parks&sort=name+desc&fields=name");
    struct json first = json_at(json_get(result(), S("records")), 0);
    assert_true(str_eq(json_text(json_get(first, S("name"))), S("西园")));
    assert_int_equal(json_kind(json_get(first, S("no"))), 0);
    get("datastore_search?resource_id=parks&q=%E8%A5%BF&limit=5");
    assert_int_equal(number_of(result(), "total"), 1);
    post("datastore_search",
         "{\"resource_id\":\"parks\",\"filters\":{\"no\":[\"1\",\"3\"]},\"records_format\":\"lists\"}");
    assert_int_equal(number_of(result(), "total"), 2);
    assert_true(json_is(json_at(json_get(result(), S("records")), 0), JSON_ARRAY));
    post("datastore_search", "{\"resource_id\":\"parks\",\"filters\":{\"colour\":\"red\"}}");
    assert_error(409, "Validation Error");
    get("datastore_search?resource_id=firms");
    assert_error(403, "Authorization Error");
    get("datastore_search?resource_id=micro.micro");
    assert_error(404, "Not Found Error");
    get("datastore_search");
    assert_error(409, "Validation Error");
    fixture_call(&f, "GET", "/dataset/parks/resource/map/download/map.txt", NULL);
    assert_status(&f, 200);
    fixture_call(&f, "GET", "/datastore/dump/firms", NULL);
    assert_status(&f, 403);
}

// A masked column leaves masked and answers no question.
static void rows_as_account(void **state) {
    (void)state;
    AS_APPLICANT(&f);
    get("datastore_search?resource_id=firms&limit=1");
    assert_done();
    struct json first = json_at(json_get(result(), S("records")), 0);
    assert_true(str_eq(json_text(json_get(first, S("rep"))), S("样*")));
    get("datastore_search?resource_id=firms&sort=rep+asc");
    assert_error(403, "Authorization Error");
    post("datastore_search", "{\"resource_id\":\"firms\",\"filters\":{\"rep\":\"样甲\"}}");
    assert_error(403, "Authorization Error");
    post("datastore_search", "{\"resource_id\":\"firms\",\"q\":\"样甲\"}");
    assert_int_equal(number_of(result(), "total"), 0);
    post("datastore_search", "{\"resource_id\":\"firms\",\"q\":{\"rep\":\"样甲\"}}");
    assert_error(403, "Authorization Error");
    AS_STEWARD(&f);
    f.who.roles = R_PUBLIC | R_LOGIN | R_(SYSADMIN); // administrators see what the public sees
    get("datastore_search?resource_id=firms");
    assert_error(403, "Authorization Error");
}

#define NEW_PACKAGE                                                                                          \
    "{\"name\":\"foreign\",\"title\":\"外来目录\",\"notes\":\"由 CKAN 客户端编制\","               \
    "\"tags\":[{\"name\":\"外来\"}],\"groups\":[{\"name\":\"c-2\"}],\"license_id\":\"MIT\","               \
    "\"extras\":[{\"key\":\"share\",\"value\":\"1\"},{\"key\":\"cycle\",\"value\":\"yearly\"},"              \
    "{\"key\":\"columns\",\"value\":\"[{\\\"id\\\":\\\"code\\\",\\\"zh\\\":\\\"代码\\\",\\\"type\\\":"     \
    "\\\"text\\\",\\\"key\\\":true},{\\\"id\\\":\\\"n\\\",\\\"zh\\\":\\\"数量\\\",\\\"type\\\":\\\"int"    \
    "\\\"}]\"}],\"resources\":[{\"name\":\"表\",\"resource_type\":\"table\"}]}"

static void made_by_whom(void **state) {
    (void)state;
    AS_NOBODY(&f);
    post("package_create", NEW_PACKAGE);
    assert_error(403, "Authorization Error");
    AS_APPLICANT(&f);
    post("package_create", NEW_PACKAGE);
    assert_error(403, "Authorization Error");
    AS_STEWARD(&f);
    f.who.scopes = S("catalog:read"); // a token that may only read
    post("package_create", NEW_PACKAGE);
    assert_error(403, "Authorization Error");
    AS_STEWARD(&f);
    get("package_create?name=foreign"); // a change is a POST
    assert_error(409, "Validation Error");
    post("organization_create", "{\"name\":\"new-office\"}");
    assert_error(403, "Authorization Error");
    post("package_create", "{\"name\":\"Not A Name\",\"title\":\"x\"}");
    assert_error(409, "Validation Error");
    assert_true(json_count(json_get(error_of(), S("id"))) > 0);
    post("package_create", "{\"name\":\"foreign\",\"title\":\"x\",\"groups\":[{\"name\":\"c-9\"}]}");
    assert_error(409, "Validation Error");
    // whole or not at all: the second resource is refused, so the draft goes as well
    post("package_create",
         "{\"name\":\"foreign\",\"title\":\"x\",\"resources\":[{\"resource_type\":\"table\",\"name\":\"a\"},"
         "{\"resource_type\":\"table\",\"name\":\"b\"}]}");
    assert_error(409, "Validation Error");
    get("package_show?id=foreign");
    assert_error(404, "Not Found Error");
}

static void made_and_changed(void **state) {
    (void)state;
    AS_STEWARD(&f);
    post("package_create", NEW_PACKAGE);
    assert_done();
    assert_true(str_eq(json_text(json_get(result(), S("state"))), S("draft")));
    assert_true(json_is(json_get(result(), S("private")), JSON_TRUE));
    AS_OTHER(&f);
    get("package_show?id=foreign"); // a draft is its own office's
    assert_error(404, "Not Found Error");
    post("package_patch", "{\"id\":\"foreign\",\"title\":\"夺来\"}");
    assert_error(404, "Not Found Error");
    AS_STEWARD(&f);
    post("package_patch", "{\"id\":\"foreign\",\"notes\":\"新摘要\"}");
    assert_done();
    assert_true(str_eq(json_text(json_get(result(), S("title"))), S("外来目录")));
    assert_true(str_eq(json_text(json_get(result(), S("notes"))), S("新摘要")));
    assert_int_equal(number_of(result(), "num_tags"), 1);
    // an update is silent about tags: they go; columns, of which CKAN knows nothing, stay
    post("package_update",
         "{\"id\":\"foreign\",\"title\":\"改名\",\"title_translated\":{\"zh_CN\":\"外来目录\"}}");
    assert_done();
    assert_true(str_eq(json_text(json_get(result(), S("title"))), S("改名")));
    assert_int_equal(number_of(result(), "num_tags"), 0);
    assert_true(json_kind(item_of(json_get(result(), S("extras")), "key", "columns")) != 0);
    fixture_call(&f, "GET", "/api/v1/datasets/foreign", NULL);
    assert_int_equal(number_of(f.json, "version"), 4); // made, table hung, patched, updated
}

static void rows_brought(void **state) {
    (void)state;
    AS_STEWARD(&f);
    post("datastore_create", "{\"resource_id\":\"foreign.table\",\"records\":[{\"code\":\"a\",\"n\":1},{"
                             "\"n\":2,\"code\":\"b\"}]}");
    assert_done();
    post("datastore_upsert", "{\"resource_id\":\"foreign.table\",\"records\":[{\"code\":\"b\",\"n\":20},{"
                             "\"code\":\"c\",\"n\":3}]}");
    assert_done();
    post("datastore_upsert", "{\"resource_id\":\"foreign.table\",\"records\":[{\"code\":\"d\",\"n\":4},{"
                             "\"code\":\"e\",\"n\":\"viel\"}]}");
    assert_error(409, "Validation Error"); // one bad value: none of them
    post("datastore_upsert", "{\"resource_id\":\"foreign.table\",\"records\":[{\"colour\":\"red\"}]}");
    assert_error(409, "Validation Error");
    post("datastore_upsert",
         "{\"resource_id\":\"foreign.table\",\"records\":[{\"code\":\"a\"}],\"method\":\"update\"}");
    assert_error(409, "Validation Error");
    post("datastore_delete", "{\"resource_id\":\"foreign.table\"}");
    assert_error(409, "Validation Error");
    get("datastore_search?resource_id=foreign.table&sort=n+desc");
    assert_done();
    assert_int_equal(number_of(result(), "total"), 3);
    assert_int_equal(number_of(json_at(json_get(result(), S("records")), 0), "n"), 20);
    AS_OTHER(&f);
    post("datastore_create", "{\"resource_id\":\"parks.parks\",\"records\":[{\"no\":\"9\"}]}");
    assert_error(403, "Authorization Error");
}

static const char upload[] =
    "--XX\r\nContent-Disposition: form-data; name=\"package_id\"\r\n\r\nforeign\r\n"
    "--XX\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n附件\r\n"
    "--XX\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"数据.txt\"\r\n"
    "Content-Type: text/plain\r\n\r\nhello\r\n--XX--\r\n";

static void files_brought(void **state) {
    (void)state;
    AS_STEWARD(&f);
    fixture_header(&f, "Content-Type", "multipart/form-data; boundary=XX");
    post("resource_create", upload);
    assert_done();
    assert_true(str_eq(json_text(json_get(result(), S("resource_type"))), S("file")));
    assert_int_equal(number_of(result(), "size"), 5);
    static const char *const broken[] = {"--XX\r\nno head", "--YY\r\n\r\n",
                                         "--XX\r\nContent-Disposition: form-data\r\n\r\nx\r\n--XX--\r\n",
                                         "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx", ""};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        fixture_header(&f, "Content-Type", "multipart/form-data; boundary=XX");
        post("resource_create", broken[i]);
        assert_error(409, "Validation Error");
    }
    post("resource_patch", "{\"id\":\"foreign.file\",\"name\":\"新附件\"}");
    assert_done();
    assert_true(str_eq(json_text(json_get(result(), S("name"))), S("新附件")));
    post("resource_delete", "{\"id\":\"foreign.file\"}");
    assert_done();
    post("resource_show", "{\"id\":\"foreign.file\"}");
    assert_error(404, "Not Found Error");
    post("package_delete", "{\"id\":\"foreign\"}");
    assert_done();
    post("package_show", "{\"id\":\"foreign\"}");
    assert_error(404, "Not Found Error");
    post("package_delete", "{\"id\":\"parks\"}"); // published: withdrawing is not the steward's
    assert_error(403, "Authorization Error");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_language),  cmocka_unit_test(search_limits),
        cmocka_unit_test(public_eyes),      cmocka_unit_test(package_as_ckan_knows_it),
        cmocka_unit_test(searches),         cmocka_unit_test(rows_as_anybody),
        cmocka_unit_test(rows_as_account),  cmocka_unit_test(made_by_whom),
        cmocka_unit_test(made_and_changed), cmocka_unit_test(rows_brought),
        cmocka_unit_test(files_brought),
    };
    return cmocka_run_group_tests_name("catalog_ckan", tests, open_city, close_city);
}
