// SPDX-License-Identifier: MulanPSL-2.0
// For the tests of loading: a small city in which one office has compiled one data set with a table resource,
// and the steps of the wizard as functions. Codes stand in CSV texts as $0 … $4, an identity number as #.
#ifndef LOAD_CITY_H
#define LOAD_CITY_H
#include "people_pack.h"
#include "mod/catalog/load.h"
#include "mod/catalog/rows.h"
#include "xml/xlsx.h"

// The catalog with only the routes that loading needs.
static const struct route *const tables[] = {catalog_dataset_routes, catalog_resource_routes,
                                             catalog_load_routes, catalog_rows_routes, NULL};
static const struct module small_catalog = {
    .name = "catalog", .route_tables = tables, .start = catalog_load_start, .zh = "目录", .en = "Catalog"};
FIXTURE_MODULES(&people_module, &small_catalog)

static struct fixture f;

static const char dataset_json[] =
    "{\"id\":\"firm\",\"title_zh\":\"企业\",\"title_en\":\"Firms\",\"abstract_zh\":\"样\",\"share\":1,"
    "\"open\":\"open\","
    "\"cycle\":\"daily\",\"subject\":\"firm\",\"modes\":[\"table\"],\"source_zh\":\"样\",\"source_date\":"
    "\"2026-01-01\","
    "\"licence\":\"PDDL-1.0\",\"columns\":["
    "{\"id\":\"uscc\",\"zh\":\"统一社会信用代码\",\"en\":\"Credit "
    "code\",\"type\":\"text\",\"length\":18,\"key\":true,\"element\":\"uscc\"},"
    "{\"id\":\"firm_name\",\"zh\":\"企业名称\",\"en\":\"Name\",\"type\":\"text\",\"length\":8},"
    "{\"id\":\"capital\",\"zh\":\"注册资本\",\"en\":\"Capital\",\"type\":\"fen\"},"
    "{\"id\":\"est_date\",\"zh\":\"成立日期\",\"en\":\"Founded\",\"type\":\"date\"},"
    "{\"id\":\"kind\",\"zh\":\"类型\",\"en\":\"Kind\",\"type\":\"code\",\"code_list\":\"kind\"},"
    "{\"id\":\"legal_rep\",\"zh\":\"法定代表人\",\"en\":\"Head\",\"type\":\"text\",\"element\":\"person_"
    "name\",\"open\":\"none\",\"share\":2},"
    "{\"id\":\"rid\",\"zh\":\"身份证号\",\"en\":\"Identity\",\"type\":\"text\",\"element\":\"rid\",\"grade\":"
    "\"L4\",\"open\":\"none\",\"share\":2}]}";

// Codes with right check characters, place digits that no division has.
static const char *const USCC[] = {"91329900MA000001XX", "91329900MA000002XX", "91329900MA000003XX",
                                   "91329900MA000004XX", "91329900MA000005XX"};
static char code_of[5][19];

static __attribute__((unused)) int add_references(struct cx *cx, void *arg) {
    (void)arg;
    static const char *const elements[][6] = {{"uscc", "信用代码", "uscc", "L1", "none", "TYSHXYDM|信用代码"},
                                              {"person_name", "姓名", "", "L2", "first_char", "XM|FDDBR"},
                                              {"rid", "公民身份号码", "rid", "L3", "rid", "SFZH|GMSFHM"}};
    for (size_t i = 0; i < 3; i++) {
        const char *const *e = elements[i];
        if (store_exec(cx->db, NULL, &cx->err, Q_catalog_element_put, "zzzzzizzizzzzii", e[0], e[1], e[0],
                       i ? "person" : "firm", "text", (int64_t)(i == 1 ? 60 : 18), e[2], "",
                       (int64_t)(e[3][1] - '0'), e[4], e[5], "", "", cx->now_ms, (int64_t)0))
            return cx->err.code;
    }
    if (store_exec(cx->db, NULL, &cx->err, Q_catalog_code_list_put, "zzzzzziii", "kind", "1", "类型", "Kind",
                   "样", "PDDL", (int64_t)2, cx->now_ms, (int64_t)0))
        return cx->err.code;
    for (int i = 0; i < 2; i++)
        if (store_exec(cx->db, NULL, &cx->err, Q_catalog_code_add, "zzzizzz", "kind", "1", i ? "B" : "A",
                       (int64_t)i, "样", "x", ""))
            return cx->err.code;
    return OK;
}

static __attribute__((unused)) struct cx *fresh(void) {
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    return &f.cx;
}

static __attribute__((unused)) void as_steward(void) {
    fixture_as(&f, 1, "rs-bm", "sz-hrss", R_(STEWARD));
}

static __attribute__((unused)) int setup(void **state) {
    struct pack *p;
    (void)state;
    fixture_now_ms = 1794182400000;
    fixture_open(&f);
    pack_make(&f);
    assert_int_equal(pack_put(&f, true, &p), OK);
    assert_int_equal(cx_write(fresh(), add_references, NULL), OK);
    for (int i = 0; i < 5; i++) {
        memcpy(code_of[i], USCC[i], 17);
        code_of[i][17] = element_uscc_check_char((struct str){USCC[i], 17});
    }
    as_steward();
    fixture_call(&f, "POST", "/api/v1/datasets", dataset_json);
    assert_status(&f, 201);
    fixture_call(&f, "POST", "/api/v1/datasets/firm/resources", "{\"kind\":\"table\",\"title_zh\":\"库表\"}");
    assert_status(&f, 201);
    return 0;
}

static __attribute__((unused)) int teardown(void **state) {
    (void)state;
    fixture_close(&f);
    return 0;
}

// As fixture_call, with a body that may hold any bytes or lie in a file.
static __attribute__((unused)) int call_bytes(const char *verb, const char *target, struct str body, int fd,
                                              int64_t bytes) {
    struct str query, path = str_cut(str_of(target), '?', &query);
    struct request *q = arena_take(&f.mem, sizeof *q);
    *q = (struct request){.verb = str_of(verb),
                          .path = path,
                          .query = query,
                          .body = body,
                          .body_fd = fd,
                          .body_bytes = bytes,
                          .peer = S("127.0.0.1"),
                          .headers_arg = &f,
                          .header = fixture_header_of};
    core_call(&f.city, &f.mem, f.conn, f.hasher, q, &f.cx);
    f.status = f.cx.reply.status ? f.cx.reply.status : 200;
    f.body = f.cx.reply.body.p ? f.cx.reply.body : buf_str(&f.cx.out);
    f.json = (struct json){0};
    if (f.body.n && json_parse(&f.mem, f.body, &f.json, NULL) != OK)
        print_error("not JSON: %.*s\n", STRF(f.body));
    return f.status;
}

static __attribute__((unused)) int64_t upload(struct str body) {
    call_bytes("POST", "/api/v1/datasets/firm/loads?name=x.csv", body, -1, (int64_t)body.n);
    assert_status(&f, 201);
    return fixture_int(&f, "load");
}

// A CSV whose lines name codes as $0 … $4 and an identity number as #.
static __attribute__((unused)) struct str csv(const char *text) {
    struct buf b = buf_new(&f.mem, 1024, 1 << 20);
    for (const char *p = text; *p; p++) {
        if (*p == '$')
            buf_puts(&b, code_of[*++p - '0']);
        else if (*p == '#')
            buf_print(&b, "32990019870302001%c", element_rid_check_char(S("32990019870302001")));
        else
            buf_char(&b, *p);
    }
    return buf_str(&b);
}

static __attribute__((unused)) struct json seen_column(size_t i) {
    return json_at(json_get(f.json, S("columns")), i);
}

// The mapping that the upload itself has found.
static __attribute__((unused)) struct str found_mapping(const char *mode) {
    struct buf b = buf_new(&f.mem, 1024, 1 << 20);
    struct jw w = jw_to(&b);
    jw_object(&w);
    jw_name(&w, "columns");
    jw_array(&w);
    for (size_t i = 0; i < json_count(json_get(f.json, S("columns"))); i++) {
        const struct json c = seen_column(i);
        if (!json_text(json_get(c, S("column"))).n) continue;
        jw_object(&w);
        jw_name(&w, "n");
        jw_value(&w, json_get(c, S("n")));
        jw_ntext(&w, "column", json_text(json_get(c, S("column"))));
        if (json_text(json_get(c, S("unit"))).n) jw_ntext(&w, "unit", json_text(json_get(c, S("unit"))));
        jw_object_end(&w);
    }
    jw_array_end(&w);
    jw_ntext(&w, "mode", str_of(mode));
    jw_object_end(&w);
    return buf_str(&b);
}

static __attribute__((unused)) int put_mapping(int64_t load, struct str mapping) {
    return fixture_call(&f, "PUT", str_print(&f.mem, "/api/v1/loads/%d/mapping", (int)load).p,
                        str_z(&f.mem, mapping));
}

static __attribute__((unused)) int64_t check(struct str body, const char *mode) {
    const int64_t load = upload(body);
    put_mapping(load, found_mapping(mode));
    assert_status(&f, 200);
    assert_true(str_eq(fixture_text(&f, "state"), S("checked")));
    return load;
}

static __attribute__((unused)) int commit(int64_t load) {
    return fixture_call(&f, "POST", str_print(&f.mem, "/api/v1/loads/%d/commit", (int)load).p, NULL);
}

static __attribute__((unused)) int64_t load_all(struct str body, const char *mode) {
    const int64_t load = check(body, mode);
    commit(load);
    assert_status(&f, 200);
    return load;
}

static __attribute__((unused)) struct catalog_resource resource(void) {
    struct catalog_resource r;
    assert_int_equal(catalog_table_resource(fresh(), S("firm"), STR_NONE, &r), OK);
    return r;
}

static __attribute__((unused)) struct json preview(const char *query) {
    fixture_call(&f, "GET", str_print(&f.mem, "/api/v1/datasets/firm/preview?%s", query).p, NULL);
    assert_status(&f, 200);
    return json_get(f.json, S("items"));
}

static __attribute__((unused)) struct str value(struct json row, const char *name) {
    const struct json v = json_get(row, str_of(name));
    return json_is(v, JSON_TEXT) ? json_text(v) : json_raw(v);
}

static __attribute__((unused)) int64_t number_of(const char *sql) {
    struct stmt *s = store_text_query(f.conn, str_of(sql), "");
    const int64_t n = store_next(s) ? store_int(s, 0) : -1;
    assert_int_equal(store_done(s, &f.cx.err), OK);
    return n;
}
#endif
