// SPDX-License-Identifier: MulanPSL-2.0
// The index over route rows: an incomplete row stops the start; the more literal row is found first, from the left,
// whatever the order in the table; text around a parameter, the rest of a path, HEAD. And the documents written from the
// rows: OpenAPI names every row of ours once, with what it takes, gives and refuses.
#include "core_toy.h"

static int nothing(struct cx *cx) {
    jw_object(&cx->w);
    jw_object_end(&cx->w);
    return OK;
}
#define ID(where_) TOY_FIELD("id", where_, T_TEXT, true, 0, 40)
static const struct field id_takes[] = {ID(IN_PATH), {0}};
static const struct field two_takes[] = {ID(IN_PATH), TOY_FIELD("rid", IN_PATH, T_TEXT, true, 0, 40), {0}};
static const struct field rest_takes[] = {TOY_FIELD("rest", IN_PATH, T_TEXT, false, 0, 0), {0}};
static const struct field body_takes[] = {TOY_FIELD("text", 0, T_TEXT, true, 1, 9),
                                          TOY_FIELD("when", 0, T_DATE, false, 0, 0),
                                          {"kind", 0, T_CHOICE, false, 0, 0, "a|b", NULL, "类", "kind"},
                                          {"items", 0, T_ITEMS, false, 1, 5, NULL, toy_nested, "项", "items"},
                                          TOY_FIELD("many", IN_QUERY, T_LIST, false, 0, 9),
                                          {0}};
static const struct field reply_gives[] = {
    TOY_FIELD("sure", 0, T_TEXT, true, 0, 0),
    TOY_FIELD("maybe", 0, T_INT, false, 0, 0),
    TOY_FIELD("when_ms", 0, T_TIME, true, 0, 0),
    {"kind", 0, T_CHOICE, false, 0, 0, "a|b", NULL, "类", "kind"},
    {"inner", 0, T_OBJECT, false, 0, 0, NULL, toy_nested, "内", "inner"},
    {"items", 0, T_ITEMS, true, 0, 0, NULL, toy_nested, "项", "items"},
    {0}};
static const struct shape rich = {"Rich", reply_gives, NULL}, plain = {"Plain", NULL, "text/plain"};

#define ROW(verb_, path_, takes_)                                                                            \
    { verb_, path_, ROUTE_READ, R_PUBLIC, takes_, &toy_shape, NULL, 0, 0, nothing, path_, path_, NULL }
static const struct route good_routes[] = {
    ROW("GET", "/i/{id}", id_takes),
    ROW("GET", "/i/list", NULL),
    ROW("GET", "/i/{id}.ttl", id_takes),
    ROW("GET", "/i/n-{id}", id_takes),
    ROW("POST", "/i/{id}", id_takes),
    ROW("GET", "/i/{id}/c", id_takes),
    ROW("GET", "/i/b/{id}", id_takes),
    ROW("GET", "/i/{id}/{rid}", two_takes),
    ROW("GET", "/i/tile/{rest*}", rest_takes),
    ROW("GET", "/i/tile/entries/{rest*}", rest_takes),
    {"POST", "/api/v1/i/rich", ROUTE_WRITE, R_(STEWARD) | R_KEY, body_takes, &rich, "i.rich", 0, 0, nothing,
     "富", "rich", "i:write"},
    {"GET", "/api/v1/i/{id}", ROUTE_READ, R_LOGIN, id_takes, &plain, NULL, 0, 0, nothing, "一", "one", NULL},
    {"DELETE", "/api/v1/i/{id}", ROUTE_WRITE, R_LOGIN, id_takes, &rich, "i.drop", 0, 0, nothing, "删", "drop",
     NULL},
    {"PUT", "/api/v1/i/{id}/file", ROUTE_SLOW, R_LOGIN, id_takes, &rich, "i.file", 0, ROUTE_RAW_BODY, nothing,
     "传", "file", NULL},
    {0}};
static const struct route *good_tables[] = {good_routes, NULL};
static struct module index_module = {.name = "index", .route_tables = good_tables, .zh = "目", .en = "index"};
FIXTURE_MODULES(&index_module)
static struct fixture f;

static void found(const char *verb, const char *path, const char *route, const char *params) {
    struct str p[CX_PARAMS_MAX];
    int n = 0;
    bool known;
    const struct route *r = core_route(str_of(verb), str_of(path), p, &n, &f.mem, &known);
    if (!route) {
        assert_null(r);
        assert_int_equal(known, params != NULL); // params "" = the path is known, the verb is not
        return;
    }
    assert_non_null(r);
    assert_string_equal(r->path, route);
    struct buf b = buf_new(&f.mem, 64, 1024);
    for (int i = 0; i < n; i++)
        buf_print(&b, "[%.*s]", STRF(p[i]));
    buf_char(&b, 0);
    assert_string_equal(b.p, params);
}

static void literal_before_parameter(void **state) {
    (void)state;
    found("GET", "/i/list", "/i/list", "");
    found("GET", "/i/other", "/i/{id}", "[other]");
    found("POST", "/i/list", "/i/{id}", "[list]"); // the verb decides among what fits
    found("GET", "/i/x.ttl", "/i/{id}.ttl", "[x]");
    found("GET", "/i/a.b.ttl", "/i/{id}.ttl", "[a.b]");
    found("GET", "/i/.ttl", "/i/{id}", "[.ttl]"); // a parameter is never empty
    found("GET", "/i/n-7", "/i/n-{id}", "[7]");
    found("GET", "/i/b/c", "/i/b/{id}", "[c]"); // from the left
    found("GET", "/i/a/c", "/i/{id}/c", "[a]");
    found("GET", "/i/a/d", "/i/{id}/{rid}", "[a][d]");
    found("GET", "/i/%2F%E5%A7%91", "/i/{id}", "[/姑]");
    found("HEAD", "/i/list", "/i/list", "");
    found("HEAD", "/api/v1/i/a/file", NULL, "");
}

static void rest_of_a_path(void **state) {
    (void)state;
    found("GET", "/i/tile/0/x001/067", "/i/tile/{rest*}", "[0/x001/067]");
    found("GET", "/i/tile/entries/000", "/i/tile/entries/{rest*}", "[000]");
    found("GET", "/i/tile/", "/i/tile/{rest*}", "[]"); // the rest may be empty, a parameter not
}

static void what_fits_nothing(void **state) {
    (void)state;
    found("GET", "/", NULL, NULL);
    found("GET", "", NULL, NULL);
    found("GET", "/i", NULL, NULL);
    found("GET", "//list", NULL, NULL);
    found("GET", "/i/a/b/c", NULL, NULL);
    found("PATCH", "/i/list", NULL, "");
    found("BREW", "/i/list", NULL, "");
    found("GET", "/i/%", NULL, NULL);
    found("GET", "/i/%00", NULL, NULL);
    found("GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26", NULL, NULL);
}

// Each fault in a row of its own, put beside good ones.
static void incomplete_row_stops_the_start(void **state) {
    (void)state;
    static const struct field typeless[] = {TOY_FIELD("x", 0, 0, false, 0, 0), {0}};
    static const struct field wordless[] = {{"x", 0, T_TEXT, false, 0, 0, NULL, NULL, "字", NULL}, {0}};
    static const struct field choiceless[] = {TOY_FIELD("x", 0, T_CHOICE, false, 0, 0), {0}};
    static const struct field deep[] = {{"x", 0, T_ITEMS, false, 0, 0, NULL, wordless, "项", "items"}, {0}};
    static const struct shape nameless = {NULL, toy_gives, NULL}, bad_reply = {"Bad", choiceless, NULL};
    static const struct field other_name[] = {TOY_FIELD("rid", IN_PATH, T_TEXT, true, 0, 0), {0}};
    static const struct field turned[] = {TOY_FIELD("rid", IN_PATH, T_TEXT, true, 0, 0), ID(IN_PATH), {0}};
    const struct {
        struct route row;
        const char *says;
    } rows[] = {
#define FAULT(says_, verb_, path_, kind_, who_, takes_, gives_, act_, handle_, zh_, en_)                     \
    {{verb_, path_, kind_, who_, takes_, gives_, act_, 0, 0, handle_, zh_, en_, NULL}, says_}
        FAULT("no known verb", "get", "/x", ROUTE_READ, R_PUBLIC, NULL, &toy_shape, NULL, nothing, "字", "x"),
        FAULT("no path", "GET", "x", ROUTE_READ, R_PUBLIC, NULL, &toy_shape, NULL, nothing, "字", "x"),
        FAULT("no handler", "GET", "/x", ROUTE_READ, R_PUBLIC, NULL, &toy_shape, NULL, NULL, "字", "x"),
        FAULT("nobody may", "GET", "/x", ROUTE_READ, 0, NULL, &toy_shape, NULL, nothing, "字", "x"),
        FAULT("gives nothing", "GET", "/x", ROUTE_READ, R_PUBLIC, NULL, NULL, NULL, nothing, "字", "x"),
        FAULT("gives nothing", "GET", "/x", ROUTE_READ, R_PUBLIC, NULL, &nameless, NULL, nothing, "字", "x"),
        FAULT("no meaning", "GET", "/x", ROUTE_READ, R_PUBLIC, NULL, &toy_shape, NULL, nothing, "字", NULL),
        FAULT("no kind", "GET", "/x", 0, R_PUBLIC, NULL, &toy_shape, NULL, nothing, "字", "x"),
        FAULT("without an act", "POST", "/x", ROUTE_WRITE, R_PUBLIC, NULL, &toy_shape, NULL, nothing, "字",
              "x"),
        FAULT("without a type", "GET", "/x", ROUTE_READ, R_PUBLIC, typeless, &toy_shape, NULL, nothing, "字",
              "x"),
        FAULT("without words", "GET", "/x", ROUTE_READ, R_PUBLIC, deep, &toy_shape, NULL, nothing, "字", "x"),
        FAULT("without choices", "GET", "/x", ROUTE_READ, R_PUBLIC, choiceless, &toy_shape, NULL, nothing,
              "字", "x"),
        FAULT("without choices", "GET", "/x", ROUTE_READ, R_PUBLIC, NULL, &bad_reply, NULL, nothing, "字",
              "x"),
        FAULT("without its field", "GET", "/x/{id}", ROUTE_READ, R_PUBLIC, NULL, &toy_shape, NULL, nothing,
              "字", "x"),
        FAULT("without its field", "GET", "/x/{id}", ROUTE_READ, R_PUBLIC, other_name, &toy_shape, NULL,
              nothing, "字", "x"),
        FAULT("without its field", "GET", "/x/{id}/{rid}", ROUTE_READ, R_PUBLIC, turned, &toy_shape, NULL,
              nothing, "字", "x"),
        FAULT("does not name", "GET", "/x", ROUTE_READ, R_PUBLIC, id_takes, &toy_shape, NULL, nothing, "字",
              "x"),
        FAULT("twice", "GET", "/i/list", ROUTE_READ, R_PUBLIC, NULL, &toy_shape, NULL, nothing, "字", "x"),
        FAULT("segments", "GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13", ROUTE_READ, R_PUBLIC, NULL, &toy_shape,
              NULL, nothing, "字", "x"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct route bad[] = {rows[i].row, {0}};
        const struct route *tables[] = {good_routes, bad, NULL};
        struct err e = {0};
        index_module.route_tables = tables;
        assert_int_equal(city_index_routes(&e), ERR_internal);
        if (!strstr(e.arg, rows[i].says)) fprintf(stderr, "%zu: %s\n", i, e.arg);
        assert_non_null(strstr(e.arg, rows[i].says));
        assert_true(str_starts(str_of(rows[i].row.path), str_of(e.field)));
    }
    struct err e = {0};
    index_module.route_tables = good_tables;
    assert_int_equal(city_index_routes(&e), OK);
}

static struct json at(struct json j, const char *path) {
    struct str rest = str_of(path);
    while (rest.p)
        j = json_get(j, str_cut(rest, '>', &rest));
    return j;
}

static bool lists(struct json list, const char *word) {
    for (struct json_iter it = json_iter(list); json_next(&it);)
        if (str_eq(json_text(it.value), str_of(word))) return true;
    return false;
}

static void document_names_every_row(void **state) {
    (void)state;
    AS_NOBODY(&f);
    fixture_call(&f, "GET", "/api/openapi.json", NULL);
    assert_status(&f, 200);
    struct json paths = json_get(f.json, S("paths"));
    char ids[40][80];
    int n = 0, rows = 0;
    for (int i = 0; i < index_count(); i++) {
        const struct route *r = index_route(i);
        if (strncmp(r->path, "/api/v1", 7) != 0 || strchr(r->path, '*')) continue;
        char verb[8] = {0};
        for (int k = 0; r->verb[k]; k++)
            verb[k] = (char)(r->verb[k] | 0x20);
        struct json op = json_get(json_get(paths, str_of(r->path)), str_of(verb));
        assert_true(json_is(op, JSON_OBJECT));
        snprintf(ids[n++], sizeof ids[0], "%.*s", STRF(json_text(json_get(op, S("operationId")))));
        for (int k = 0; k < n - 1; k++)
            assert_string_not_equal(ids[k], ids[n - 1]);
        assert_true(json_is(at(op, "responses>4XX>$ref"), JSON_TEXT));
        rows++;
    }
    assert_true(rows > 4);
    struct json problem = at(f.json, "components>schemas>Problem>required");
    assert_true(lists(problem, "title_zh") && lists(problem, "title_en") && lists(problem, "code"));
}

static void document_tells_what_a_row_takes_and_gives(void **state) {
    (void)state;
    fixture_call(&f, "GET", "/api/openapi.json", NULL);
    struct json op = at(f.json, "paths>/api/v1/i/rich>post");
    struct json body = at(op, "requestBody>content>application/json>schema");
    assert_true(lists(json_get(body, S("required")), "text"));
    assert_false(lists(json_get(body, S("required")), "when"));
    int64_t n = 0;
    assert_true(json_int(at(body, "properties>text>maxLength"), &n) && n == 9);
    assert_true(json_int(at(body, "properties>items>minItems"), &n) && n == 1);
    assert_true(lists(at(body, "properties>kind>enum"), "b"));
    assert_int_equal(json_count(at(body, "properties>kind>enum")), 2); // no null: an input is there or not
    assert_true(lists(at(op, "x-who"), "steward") && lists(at(op, "x-who"), "key"));
    assert_true(str_eq(json_text(at(op, "x-act")), S("i.rich")));
    assert_int_equal(json_count(at(op, "security")), 3); // session, token (it has a scope), key
    struct json gives = at(f.json, "components>schemas>Rich");
    assert_true(lists(json_get(gives, S("required")), "sure"));
    assert_false(lists(json_get(gives, S("required")), "maybe"));
    assert_true(str_eq(json_text(at(gives, "properties>sure>type")), S("string")));
    assert_true(lists(at(gives, "properties>maybe>type"), "null"));
    assert_true(str_eq(json_text(at(gives, "properties>when_ms>type")), S("integer")));
    assert_int_equal(json_count(at(gives, "properties>kind>enum")), 3);
    assert_int_equal(json_count(at(gives, "properties>inner>anyOf")), 2);
    struct json id = json_at(at(f.json, "paths>/api/v1/i/{id}>get>parameters"), 0);
    assert_true(str_eq(json_text(json_get(id, S("in"))), S("path")));
    bool must = false;
    assert_true(json_bool(json_get(id, S("required")), &must) && must);
    assert_true(
        json_is(at(f.json, "paths>/api/v1/i/{id}/file>put>requestBody>content>application/octet-stream"),
                JSON_OBJECT));
    assert_false(json_is(at(f.json, "components>schemas>Plain"), JSON_OBJECT)); // not described by fields
}

// What a row does with a retry or an edit is told where it is so.
static void document_tells_headers(void **state) {
    (void)state;
    fixture_call(&f, "GET", "/api/openapi.json", NULL);
    struct json of = at(f.json, "paths>/api/v1/i/rich>post>parameters");
    bool key = false;
    for (struct json_iter it = json_iter(of); json_next(&it);)
        key |= str_eq(json_text(json_get(it.value, S("name"))), S("Idempotency-Key"));
    assert_true(key);
    of = at(f.json, "paths>/api/v1/i/{id}>get>parameters");
    for (struct json_iter it = json_iter(of); json_next(&it);)
        assert_false(str_eq(json_text(json_get(it.value, S("name"))), S("Idempotency-Key")));
}

static void errors_and_health(void **state) {
    (void)state;
    fixture_call(&f, "GET", "/api/v1/errors", NULL);
    assert_int_equal(json_count(json_get(f.json, S("items"))), ERR_COUNT - 1);
    for (struct json_iter it = json_iter(json_get(f.json, S("items"))); json_next(&it);) {
        int64_t status = 0;
        assert_true(json_int(json_get(it.value, S("status")), &status) && status >= 400 && status < 600);
        assert_true(json_text(json_get(it.value, S("zh"))).n && json_text(json_get(it.value, S("en"))).n);
    }
    fixture_call(&f, "GET", "/api/v1/health", NULL);
    assert_int_equal(fixture_int(&f, "queue"), 0);
}

static int open_all(void **state) {
    (void)state;
    fixture_open(&f);
    AS_NOBODY(&f);
    return 0;
}

static int close_all(void **state) {
    (void)state;
    fixture_close(&f);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literal_before_parameter),
        cmocka_unit_test(rest_of_a_path),
        cmocka_unit_test(what_fits_nothing),
        cmocka_unit_test(incomplete_row_stops_the_start),
        cmocka_unit_test(document_names_every_row),
        cmocka_unit_test(document_tells_what_a_row_takes_and_gives),
        cmocka_unit_test(document_tells_headers),
        cmocka_unit_test(errors_and_health),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
