// SPDX-License-Identifier: MulanPSL-2.0
// Field tables judged: every type, from a query, a path, a header and a body; nested mistakes named by their path; all
// mistakes at once, but no more than a reply can bear; what is unknown, twice encoded, too much or not text is refused.
#include "core_toy.h"
#include "core/field.h"

static int echo(struct cx *cx);
#define CHOICE(name_, where_)                                                                                \
    { name_, where_, T_CHOICE, false, 0, 0, "a|bc|甲", NULL, "选", "choice" }
static const struct field query_takes[] = {TOY_FIELD("text", IN_QUERY, T_TEXT, false, 2, 4),
                                           TOY_FIELD("int", IN_QUERY, T_INT, false, -5, 50),
                                           TOY_FIELD("least", IN_QUERY, T_INT, false, 3, 0),
                                           TOY_FIELD("under", IN_QUERY, T_INT, false, -5, 0),
                                           TOY_FIELD("any", IN_QUERY, T_INT, false, 0, 0),
                                           TOY_FIELD("number", IN_QUERY, T_NUMBER, false, 0, 10),
                                           TOY_FIELD("bool", IN_QUERY, T_BOOL, false, 0, 0),
                                           TOY_FIELD("date", IN_QUERY, T_DATE, false, 0, 0),
                                           TOY_FIELD("time", IN_QUERY, T_TIME, false, 0, 0),
                                           CHOICE("choice", IN_QUERY),
                                           TOY_FIELD("list", IN_QUERY, T_LIST, false, 1, 3),
                                           TOY_FIELD("X-Toy", IN_HEADER, T_TEXT, false, 0, 5),
                                           {0}};
static const struct field body_takes[] = {
    TOY_FIELD("name", IN_PATH, T_TEXT, true, 0, 10),
    TOY_FIELD("text", 0, T_TEXT, true, 1, 4),
    TOY_FIELD("int", 0, T_INT, false, 1, 9),
    TOY_FIELD("number", 0, T_NUMBER, false, -1, 1),
    TOY_FIELD("bool", 0, T_BOOL, false, 0, 0),
    TOY_FIELD("date", 0, T_DATE, false, 0, 0),
    TOY_FIELD("time", 0, T_TIME, false, 0, 0),
    CHOICE("choice", 0),
    TOY_FIELD("list", 0, T_LIST, false, 1, 2),
    {"object", 0, T_OBJECT, false, 0, 0, NULL, toy_nested, "对象", "object"},
    {"items", 0, T_ITEMS, false, 0, 2, NULL, toy_nested, "项", "items"},
    TOY_FIELD("free", 0, T_ANY, false, 0, 0),
    {0}};
static const struct field must_takes[] = {TOY_FIELD("q", IN_QUERY, T_TEXT, true, 1, 5), {0}};
static const struct route field_routes[] = {
    {"GET", "/f/query", ROUTE_READ, R_PUBLIC, query_takes, &toy_shape, NULL, 0, 0, echo, "查", "query", NULL},
    {"GET", "/f/must", ROUTE_READ, R_PUBLIC, must_takes, &toy_shape, NULL, 0, 0, echo, "必", "must", NULL},
    {"POST", "/f/body/{name}", ROUTE_READ, R_PUBLIC, body_takes, &toy_shape, NULL, 1 << 20, 0, echo, "体",
     "body", NULL},
    {"POST", "/f/open", ROUTE_READ, R_PUBLIC, must_takes, &toy_shape, NULL, 0, ROUTE_OPEN_FIELDS, echo, "开",
     "open", NULL},
    {0}};
static const struct route *const field_tables[] = {field_routes, NULL};
static const struct module field_module = {
    .name = "field", .route_tables = field_tables, .zh = "字段", .en = "fields"};
FIXTURE_MODULES(&field_module)

static struct fixture f;
static struct value seen[16]; // what the handler was given, one per field row

static int echo(struct cx *cx) {
    for (size_t i = 0; i < 16 && cx->route->takes[i].name; i++)
        seen[i] = cx->in[i];
    jw_object(&cx->w);
    jw_object_end(&cx->w);
    return OK;
}

static const struct value *given(const struct field *takes, const char *name) {
    for (int i = 0; takes[i].name; i++)
        if (strcmp(takes[i].name, name) == 0) return &seen[i];
    fail();
    return NULL;
}

static void query(const char *text, const char *wrong) {
    char target[300];
    snprintf(target, sizeof target, "/f/query?%s", text);
    fixture_call(&f, "GET", target, NULL);
    if (!str_eq(toy_code(&f), S(""))) {
        if (strcmp(wrong, err_info(f.cx.err.code)->name) != 0)
            fprintf(stderr, "%s: %.*s\n", text, STRF(f.body));
        assert_string_equal(wrong, err_info(f.cx.err.code)->name);
    } else {
        if (wrong[0]) fprintf(stderr, "%s was taken\n", text);
        assert_string_equal(wrong, "");
    }
}

static void types_of_a_query(void **state) {
    (void)state;
    static const struct {
        const char *text, *wrong;
    } rows[] = {
        {"", ""},
        {"text=ab", ""},
        {"text=%E5%A7%91%E8%8B%8F", ""}, // two code points, six bytes
        {"text=a", "field-range"},
        {"text=abcde", "field-long"},
        {"text=", "field-missing"},
        {"text=a%00b", "utf8"},
        {"text=a%ZZ", "utf8"},
        {"text=a%4", "utf8"},
        {"text=%ff%fe", "utf8"},
        {"int=-5", ""},
        {"int=50", ""},
        {"int=51", "field-range"},
        {"int=-6", "field-range"},
        {"int=", ""}, // an empty filter is no filter
        {"int=1.0", "field-type"},
        {"int=0x10", "field-type"},
        {"int=%201", "field-type"},
        {"int=99999999999999999999", "field-type"},
        {"least=2", "field-range"},
        {"least=9000000000", ""}, // a row that names only a least value
        {"under=0", ""},
        {"under=1", "field-range"},
        {"any=-9223372036854775808", ""},
        {"number=1.5e0", ""},
        {"number=10.1", "field-range"},
        {"number=1e999", "field-type"},
        {"number=[1]", "field-type"},
        {"number=NaN", "field-type"},
        {"bool=true", ""},
        {"bool=0", ""},
        {"bool=yes", "field-type"},
        {"date=2026-02-28", ""},
        {"date=2026-02-29", "field-type"},
        {"date=2026-2-28", "field-type"},
        {"date=2026-02-28T00:00:00Z", "field-type"},
        {"time=2026-02-28T12:00:00%2B08:00", ""},
        {"time=1794182400000", ""},
        {"time=noon", "field-type"},
        {"choice=bc", ""},
        {"choice=%E7%94%B2", ""},
        {"choice=b", "field-value"},
        {"choice=a%7Cbc", "field-value"},
        {"list=a", ""},
        {"list=alpha,beta,gamma", ""}, // three, however long their text
        {"list=a,b,c,d", "field-range"},
        {"other=1", "field-unknown"},
        {"Text=ab", "field-unknown"},
        {"text=ab&text=a", ""}, // the first of a name counts
        {"&&text=ab&", ""},
        {"te%78t=a", "field-range"}, // names are decoded too
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        query(rows[i].text, rows[i].wrong);
}

static void values_of_a_query(void **state) {
    (void)state;
    fixture_header(&f, "X-Toy", "head");
    query("text=a+b&int=-5&bool=1&date=1970-01-03&time=1970-01-01T08:00:01%2B08:00&number=2.5&list=a,b", "");
    assert_true(str_eq(given(query_takes, "text")->text, S("a b")));
    assert_int_equal(given(query_takes, "int")->i, -5);
    assert_int_equal(given(query_takes, "bool")->i, 1);
    assert_int_equal(given(query_takes, "date")->i, 2);
    assert_int_equal(given(query_takes, "time")->i, 1000);
    assert_true(given(query_takes, "number")->d == 2.5);
    assert_true(str_eq(given(query_takes, "X-Toy")->text, S("head")));
    assert_false(given(query_takes, "choice")->has);
    fixture_header(&f, "X-Toy", "\xc0\xaf");
    query("", "utf8");
    fixture_header(&f, "X-Toy", "longer than five");
    query("", "field-long");
    fixture_call(&f, "GET", "/f/must", NULL);
    assert_refused(&f, 422, "field-missing");
    assert_true(str_eq(fixture_text(&f, "field"), S("q")));
}

static void query_has_a_limit(void **state) {
    (void)state;
    char target[1200] = "/f/open?q=1";
    for (int i = 1; i < FIELD_QUERY_MAX; i++)
        snprintf(target + strlen(target), sizeof target - strlen(target), "&x%d=1", i);
    fixture_call(&f, "POST", target, NULL);
    assert_status(&f, 200);
    snprintf(target + strlen(target), sizeof target - strlen(target), "&more=1");
    fixture_call(&f, "POST", target, NULL);
    assert_refused(&f, 413, "too-large");
}

static void body(const char *text, const char *code, const char *field) {
    fixture_call(&f, "POST", "/f/body/n", text);
    if (!str_eq(toy_code(&f), str_of(code)) ||
        (field[0] && !str_eq(fixture_text(&f, "field"), str_of(field))))
        fprintf(stderr, "%s: %.*s\n", text, STRF(f.body));
    assert_true(str_eq(toy_code(&f), str_of(code)));
    if (field[0]) assert_true(str_eq(fixture_text(&f, "field"), str_of(field)));
}

static void types_of_a_body(void **state) {
    (void)state;
    static const struct {
        const char *text, *code, *field;
    } rows[] = {
        {"{\"text\":\"ab\"}", "", ""},
        {"{}", "field-missing", "text"},
        {"{\"text\":null}", "field-missing", "text"},
        {"{\"text\":\"\"}", "field-missing", "text"},
        {"{\"text\":1}", "field-type", "text"},
        {"{\"text\":\"abcde\"}", "field-long", "text"},
        {"{\"text\":\"a\",\"int\":9}", "", ""},
        {"{\"text\":\"a\",\"int\":10}", "field-range", "int"},
        {"{\"text\":\"a\",\"int\":\"9\"}", "field-type", "int"},
        {"{\"text\":\"a\",\"int\":1.5}", "field-type", "int"},
        {"{\"text\":\"a\",\"number\":-1.5}", "field-range", "number"},
        {"{\"text\":\"a\",\"number\":\"1\"}", "field-type", "number"},
        {"{\"text\":\"a\",\"bool\":1}", "field-type", "bool"},
        {"{\"text\":\"a\",\"date\":\"2026-13-01\"}", "field-type", "date"},
        {"{\"text\":\"a\",\"time\":1794182400000}", "", ""},
        {"{\"text\":\"a\",\"time\":true}", "field-type", "time"},
        {"{\"text\":\"a\",\"choice\":\"\"}", "field-value", "choice"},
        {"{\"text\":\"a\",\"list\":[\"x\",\"y\"]}", "", ""},
        {"{\"text\":\"a\",\"list\":[]}", "field-range", "list"},
        {"{\"text\":\"a\",\"list\":[\"x\",\"y\",\"z\"]}", "field-range", "list"},
        {"{\"text\":\"a\",\"list\":[\"x\",1]}", "field-type", "list[1]"},
        {"{\"text\":\"a\",\"list\":\"x\"}", "field-type", "list"},
        {"{\"text\":\"a\",\"object\":[]}", "field-type", "object"},
        {"{\"text\":\"a\",\"object\":{}}", "field-missing", "object.id"},
        {"{\"text\":\"a\",\"object\":{\"id\":\"x\",\"z\":1}}", "field-unknown", "object.z"},
        {"{\"text\":\"a\",\"object\":{\"id\":\"toolong\"}}", "field-long", "object.id"},
        {"{\"text\":\"a\",\"items\":[{\"id\":\"x\"},{\"id\":\"y\",\"n\":1}]}", "field-range", "items[1].n"},
        {"{\"text\":\"a\",\"items\":[{\"id\":\"x\",\"n\":0},7]}", "field-type", "items[1]"},
        {"{\"text\":\"a\",\"items\":[{},{},{}]}", "field-range", "items"},
        {"{\"text\":\"a\",\"free\":{\"x\":[1,null]}}", "", ""},
        {"{\"text\":\"a\",\"free\":\"\\u0000\"}", "json-syntax", ""},
        {"{\"text\":\"a\",\"text\":\"b\"}", "json-twice", ""},
        {"{\"text\":\"a\",\"\xff\":1}", "utf8", ""},
        {"[1]", "json-syntax", "body"},
        {"\"text\"", "json-syntax", "body"},
        {"{\"text\":\"a\"", "json-end", ""},
        {"{\"text\":\"a\"} x", "json-syntax", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        body(rows[i].text, rows[i].code, rows[i].field);
}

static void body_must_be_json(void **state) {
    (void)state;
    static const struct {
        const char *type;
        int status;
    } rows[] = {{"application/json; charset=utf-8", 200},
                {"Application/JSON", 200},
                {"text/plain", 415},
                {"application/jsonp", 415},
                {"application/x-www-form-urlencoded", 415}, // what a foreign page's form could send
                {"", 415}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fixture_header(&f, "Content-Type", rows[i].type);
        assert_int_equal(fixture_call(&f, "POST", "/f/body/n", "{\"text\":\"a\"}"), rows[i].status);
    }
}

static void all_mistakes_at_once(void **state) {
    (void)state;
    body("{\"a\":1,\"int\":0,\"object\":{\"q\":1},\"items\":[{\"id\":\"\"}]}", "field-unknown", "a");
    static const char *const fields[] = {"a", "text", "int", "object.q", "object.id", "items[0].id"};
    struct json errors = json_get(f.json, S("errors"));
    assert_int_equal(json_count(errors), 6);
    for (size_t i = 0; i < 6; i++)
        assert_true(str_eq(json_text(json_get(json_at(errors, i), S("field"))), str_of(fields[i])));
}

static void no_more_than_a_reply_can_bear(void **state) {
    (void)state;
    struct buf b = buf_new(&f.mem, 1024, 1 << 20);
    buf_puts(&b, "{\"text\":\"a\"");
    for (int i = 0; i < 5000; i++)
        buf_print(&b, ",\"u%d\":1", i);
    buf_puts(&b, "}");
    buf_char(&b, 0);
    fixture_call(&f, "POST", "/f/body/n", b.p);
    assert_refused(&f, 422, "field-unknown");
    assert_int_equal(json_count(json_get(f.json, S("errors"))), CX_FIELD_ERRORS_MAX);
}

// A name that is long, cut inside a character or full of control signs still makes a sound reply.
static void names_of_strangers_are_made_sound(void **state) {
    (void)state;
    struct buf b = buf_new(&f.mem, 1024, 4096);
    buf_puts(&b, "{\"text\":\"a\",\"x");
    for (int i = 0; i < 50; i++)
        buf_puts(&b, "姑");
    buf_puts(&b, "\\n\\\"\":1}");
    buf_char(&b, 0);
    body(b.p, "field-unknown", "");
    assert_true(str_utf8_ok(f.body));
    assert_true(fixture_text(&f, "field").n < 64);
}

static void path_is_decoded_once(void **state) {
    (void)state;
    fixture_call(&f, "POST", "/f/body/%E5%A7%91%2F%2541+", "{\"text\":\"a\"}");
    assert_status(&f, 200);
    assert_true(str_eq(given(body_takes, "name")->text, S("姑/%41+"))); // '+' is a plus in a path
    fixture_call(&f, "POST", "/f/body/%00", "{\"text\":\"a\"}");
    assert_refused(&f, 404, "no-route");
    fixture_call(&f, "POST", "/f/body/%c3%28", "{\"text\":\"a\"}");
    assert_refused(&f, 404, "no-route");
    fixture_call(&f, "POST", "/f/body/01234567890", "{\"text\":\"a\"}");
    assert_refused(&f, 422, "field-long");
}

static int post_file(const char *text, size_t n, int64_t said) {
    FILE *file = tmpfile();
    assert_non_null(file);
    fwrite(text, 1, n, file);
    fflush(file);
    struct request *q = arena_take(&f.mem, sizeof *q);
    *q = (struct request){.verb = S("POST"),
                          .path = S("/f/body/n"),
                          .body_fd = fileno(file),
                          .body_bytes = said,
                          .headers_arg = &f,
                          .header = fixture_header_of};
    core_call(&f.city, &f.mem, f.conn, f.hasher, q, &f.cx);
    fclose(file);
    return f.cx.reply.status ? f.cx.reply.status : 200;
}

// Net spools what is longer than its memory: the fields are read from there.
static void long_body_comes_in_a_file(void **state) {
    (void)state;
    struct buf b = buf_new(&f.mem, 1 << 18, 1 << 20);
    buf_puts(&b, "{\"text\":\"ab\",\"free\":[");
    while (b.n < 200000)
        buf_puts(&b, "1,");
    buf_puts(&b, "1]}");
    assert_int_equal(post_file(b.p, b.n, (int64_t)b.n), 200);
    assert_true(str_eq(given(body_takes, "text")->text, S("ab")));
    assert_int_equal(post_file(b.p, b.n - 1, (int64_t)b.n - 1), 400);
    assert_int_equal(post_file(b.p, b.n - 1, (int64_t)b.n), 500); // shorter than it was said to be
    assert_int_equal(post_file(b.p, b.n, FIELD_BODY_MAX + 1), 413);
}

static int gather(struct cx *cx, struct str name, struct str value, void *arg) {
    (void)cx;
    struct buf *b = arg;
    buf_print(b, "[%.*s=%.*s]", STRF(name), STRF(value));
    return OK;
}

static void open_fields_are_passed_on(void **state) {
    (void)state;
    struct buf b = buf_new(&f.mem, 64, 1024);
    fixture_call(&f, "POST", "/f/open?q=1&zz=%E5%A7%91&zz=2&bare&=x", NULL);
    assert_status(&f, 200);
    assert_true(str_eq(field_query(&f.cx, "zz"), S("姑")));
    assert_true(str_eq(field_query(&f.cx, "bare"), S("")));
    assert_null(field_query(&f.cx, "none").p);
    assert_int_equal(field_each_query(&f.cx, gather, &b), OK);
    assert_true(str_eq(buf_str(&b), S("[q=1][zz=姑][zz=2][bare=][=x]")));
    fixture_call(&f, "POST", "/f/open?q=1&zz=%E5%A7", NULL);
    assert_refused(&f, 400, "utf8");
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
        cmocka_unit_test(types_of_a_query),
        cmocka_unit_test(values_of_a_query),
        cmocka_unit_test(query_has_a_limit),
        cmocka_unit_test(types_of_a_body),
        cmocka_unit_test(body_must_be_json),
        cmocka_unit_test(all_mistakes_at_once),
        cmocka_unit_test(no_more_than_a_reply_can_bear),
        cmocka_unit_test(names_of_strangers_are_made_sound),
        cmocka_unit_test(path_is_decoded_once),
        cmocka_unit_test(long_body_comes_in_a_file),
        cmocka_unit_test(open_fields_are_passed_on),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
