// SPDX-License-Identifier: MulanPSL-2.0
// The way of a data set: compile, sign, review, publish, return, withdraw, the next edition; who may and who may not at
// each step; clocks and lights; If-Match; what others see meanwhile; a hand-over of offices.
#include "catalog_pack.h"

static int succeed(struct cx *cx, void *arg) {
    (void)arg;
    return cx_announce(cx, "office.succeeded", S("sz-hrss"), S("sz-approval"));
}

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

#define NEW_COLUMNS                                                                                          \
    "\"columns\":[{\"id\":\"no\",\"zh\":\"编号\",\"type\":\"text\",\"length\":10,\"key\":true},"           \
    "{\"id\":\"who\",\"zh\":\"负责人\",\"type\":\"text\",\"element\":\"person_name\"}]"
static const char new_json[] =
    "{\"id\":\"jobs\",\"title_zh\":\"就业名册\",\"title_en\":\"Jobs\",\"abstract_zh\":\"就业岗位\",\"share\":"
    "2,"
    "\"share_condition_zh\":\"核验\",\"share_scope\":\"市级部门\",\"open\":\"none\",\"cycle\":\"monthly\","
    "\"class_codes\":[\"1/"
    "legal-entity\"],\"keywords\":[\"就业\",\"岗位\"],\"source_zh\":\"本单位\"," NEW_COLUMNS "}";

static int post(const char *target, const char *body) {
    return fixture_call(&f, "POST", target, body ? body : "{}");
}

static void may_is(const char *id, const char *want) {
    char target[100];
    snprintf(target, sizeof target, "/api/v1/datasets/%s", id);
    fixture_call(&f, "GET", target, NULL);
    assert_status(&f, 200);
    struct buf b = buf_new(&f.mem, 64, 1000);
    for (struct json_iter it = json_iter(json_get(f.json, S("may"))); json_next(&it);) {
        if (b.n) buf_char(&b, ' ');
        buf_put(&b, json_text(it.value));
    }
    if (!str_eq(buf_str(&b), str_of(want))) fprintf(stderr, "may: %.*s\n", STRF(buf_str(&b)));
    assert_true(str_eq(b.n ? buf_str(&b) : S(""), str_of(want)));
}

static void whole_way(void **state) {
    (void)state;
    AS_STEWARD(&f);
    post("/api/v1/datasets", new_json);
    assert_status(&f, 201);
    assert_true(str_eq(fixture_text(&f, "state"), S("draft")));
    post("/api/v1/datasets", new_json);
    assert_status(&f, 409);
    may_is("jobs", "edit delete attach load submit");
    AS_OTHER(&f); // a draft of others does not exist
    assert_int_equal(fixture_call(&f, "GET", "/api/v1/datasets/jobs", NULL), 404);
    assert_int_equal(post("/api/v1/datasets/jobs/submit", NULL), 404);
    AS_HEAD(&f);
    may_is("jobs", "");
    assert_int_equal(post("/api/v1/datasets/jobs/sign", NULL), 409); // not yet submitted
    AS_STEWARD(&f);
    post("/api/v1/datasets/jobs/submit", NULL);
    assert_status(&f, 200);
    assert_true(str_eq(fixture_text(&f, "state"), S("signing")));
    assert_int_equal(post("/api/v1/datasets/jobs/sign", NULL), 403); // a steward never signs
    AS_HEAD(&f);
    may_is("jobs", "sign return");
    post("/api/v1/datasets/jobs/sign", NULL);
    assert_status(&f, 200);
    assert_true(str_eq(fixture_text(&f, "state"), S("reviewing")));
    AS_AUTHORITY(&f); // the review comes first
    assert_int_equal(post("/api/v1/datasets/jobs/publish", NULL), 409);
    AS_REVIEWER(&f);
    may_is("jobs", "return review");
    post("/api/v1/datasets/jobs/review", "{\"pass\":true}");
    assert_status(&f, 200);
    AS_APPLICANT(&f);
    assert_int_equal(fixture_call(&f, "GET", "/api/v1/datasets/jobs", NULL), 404);
    AS_AUTHORITY(&f);
    may_is("jobs", "return publish");
    post("/api/v1/datasets/jobs/publish", NULL);
    assert_status(&f, 200);
    assert_true(str_eq(fixture_text(&f, "state"), S("published")));
    int64_t version = fixture_int(&f, "version");
    AS_APPLICANT(&f);
    may_is("jobs", "apply");
    assert_int_equal(number_of(json_at(json_get(f.json, S("history")), 0), "version"), version);
    assert_int_equal(json_count(json_get(f.json, S("history"))), 1); // how it came about is told inside only
    fixture_call(&f, "GET", "/api/v1/datasets?q=岗位", NULL);
    assert_int_equal(fixture_int(&f, "total"), 1);
    AS_STEWARD(&f);
    fixture_call(&f, "GET", "/api/v1/datasets/jobs", NULL);
    assert_int_equal(json_count(json_get(f.json, S("history"))), 5);
}

static void returned(void **state) {
    (void)state;
    AS_STEWARD(&f);
    post("/api/v1/datasets", new_json);
    post("/api/v1/datasets/jobs/submit", NULL);
    AS_HEAD(&f);
    assert_int_equal(post("/api/v1/datasets/jobs/return", "{\"reason\":\"\"}"), 422);
    assert_int_equal(post("/api/v1/datasets/jobs/return", NULL), 422);
    post("/api/v1/datasets/jobs/sign", NULL);
    AS_REVIEWER(&f);
    assert_int_equal(post("/api/v1/datasets/jobs/review", "{\"pass\":false}"),
                     422); // a refusal has its reason
    post("/api/v1/datasets/jobs/review", "{\"pass\":false,\"reason\":\"摘要不清\"}");
    assert_status(&f, 200);
    assert_true(str_eq(fixture_text(&f, "state"), S("returned")));
    AS_STEWARD(&f);
    may_is("jobs", "edit delete attach load submit");
    bool found = false;
    for (struct json_iter it = json_iter(json_get(f.json, S("steps"))); json_next(&it);)
        found = found || str_eq(json_text(json_get(it.value, S("reason"))), S("摘要不清"));
    assert_true(found);
    assert_int_equal(fixture_call(&f, "DELETE", "/api/v1/datasets/jobs", NULL), 200);
    assert_int_equal(fixture_call(&f, "GET", "/api/v1/datasets/jobs", NULL), 404);
    fixture_call(&f, "GET", "/api/v1/datasets?q=岗位", NULL);
    assert_int_equal(fixture_int(&f, "total"), 0);
}

static void judged(void **state) {
    (void)state;
    AS_STEWARD(&f);
    // All mistakes at once, each by its field.
    post("/api/v1/datasets",
         "{\"id\":\"Bad Id\",\"title_zh\":\"x\",\"share\":3,\"open\":\"open\",\"cycle\":\"now\",\"columns\":["
         "{\"id\":\"a\",\"zh\":\"甲\",\"type\":\"text\",\"element\":\"rid\",\"grade\":\"L1\"}]}");
    assert_status(&f, 422);
    struct json errors = json_get(f.json, S("errors"));
    static const char *const fields[] = {"id", "cycle", "share_law", "open", "columns[0]"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        assert_true(json_kind(item_of(errors, "field", fields[i])) != 0);
    // A draft may lack what a signature needs.
    post("/api/v1/datasets", "{\"id\":\"thin\",\"title_zh\":\"薄\"}");
    assert_status(&f, 201);
    assert_int_equal(post("/api/v1/datasets/thin/submit", NULL), 422);
    assert_true(json_kind(item_of(json_get(f.json, S("errors")), "field", "columns")) != 0);
    // Somebody else's office is not one's own.
    assert_int_equal(post("/api/v1/datasets", "{\"id\":\"x2\",\"title_zh\":\"x\",\"office\":\"sz-data\"}"),
                     403);
    assert_int_equal(post("/api/v1/datasets", "{\"id\":\"x2\",\"title_zh\":\"x\",\"nonsense\":1}"), 422);
}

static const char parks_edit[] =
    "{\"title_zh\":\"公园名录(新)\",\"abstract_zh\":\"小城的公园\",\"share\":1,\"open\":\"open\",\"cycle\":"
    "\"yearly\","
    "\"class_codes\":[\"2\"],\"source_zh\":\"自拟\",\"area_column\":\"area\",\"columns\":["
    "{\"id\":\"no\",\"zh\":\"编号\",\"type\":\"text\",\"length\":10,\"key\":true},"
    "{\"id\":\"size\",\"zh\":\"面积\",\"type\":\"int\"},"
    "{\"id\":\"area\",\"zh\":\"属地\",\"type\":\"text\",\"element\":\"area_code\"}]}";

static void next_edition(void **state) {
    struct catalog_dataset *d;
    (void)state;
    AS_STEWARD(&f);
    assert_int_equal(fixture_call(&f, "PUT", "/api/v1/datasets/parks", parks_edit),
                     428); // an edit needs If-Match
    fixture_header(&f, "If-Match", "\"v1\"");
    assert_int_equal(fixture_call(&f, "PUT", "/api/v1/datasets/parks", parks_edit), 412);
    fixture_call(&f, "GET", "/api/v1/datasets/parks", NULL);
    struct str etag = str_print(&f.mem, "\"v%d\"", (int)fixture_int(&f, "version"));
    fixture_header(&f, "If-Match", etag.p);
    fixture_call(&f, "PUT", "/api/v1/datasets/parks", parks_edit);
    assert_status(&f, 200);
    assert_int_equal(fixture_int(&f, "edition"), 2);
    AS_APPLICANT(&f); // the world still sees the old one
    fixture_call(&f, "GET", "/api/v1/datasets/parks", NULL);
    assert_true(str_eq(fixture_text(&f, "title_zh"), S("公园名录")));
    AS_STEWARD(&f);
    fixture_call(&f, "GET", "/api/v1/datasets/parks", NULL);
    assert_true(str_eq(fixture_text(&f, "title_zh"), S("公园名录(新)")));
    AS_AUTHORITY(&f); // reads what the world reads until it is asked to review
    fixture_call(&f, "GET", "/api/v1/datasets/parks", NULL);
    assert_true(str_eq(fixture_text(&f, "title_zh"), S("公园名录")));
    AS_STEWARD(&f);
    fixture_call(&f, "GET", "/api/v1/datasets/parks?edition=live", NULL);
    assert_true(str_eq(fixture_text(&f, "title_zh"), S("公园名录")));
    post("/api/v1/datasets/parks/submit", NULL);
    AS_HEAD(&f);
    post("/api/v1/datasets/parks/sign", NULL);
    AS_REVIEWER(&f);
    post("/api/v1/datasets/parks/review", "{\"pass\":true}");
    AS_AUTHORITY(&f);
    post("/api/v1/datasets/parks/publish", NULL);
    assert_status(&f, 200);
    // The old table serves the new edition: columns that stayed keep their slot, the new one waits for a load.
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    assert_int_equal(catalog_dataset_get(&f.cx, S("parks"), &d), OK);
    assert_int_equal(catalog_column_find(d, S("no"))->slot, 1);
    assert_int_equal(catalog_column_find(d, S("area"))->slot, 3);
    assert_int_equal(catalog_column_find(d, S("size"))->slot, 4);
    assert_true(catalog_column_find(d, S("no"))->is_in_table);
    assert_false(catalog_column_find(d, S("size"))->is_in_table);
    assert_int_equal(d->rows, 3);
    struct table_shape shape;
    assert_int_equal(catalog_shape(&f.cx, d, &shape, NULL), OK);
    assert_int_equal(shape.n, 2);
}

static void clocks(void **state) {
    (void)state;
    AS_STEWARD(&f);
    post("/api/v1/datasets", new_json);
    post("/api/v1/datasets/jobs/submit", NULL);
    AS_HEAD(&f);
    post("/api/v1/datasets/jobs/sign", NULL); // Monday 08:00: two working days end on Wednesday night
    AS_REVIEWER(&f);
    struct catalog_task *t = NULL;
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    f.cx.who = f.who;
    assert_int_equal(catalog_todo(&f.cx, &t), OK);
    assert_non_null(t);
    assert_null(t->next);
    assert_true(str_eq(t->step, S("review")));
    assert_true(t->due_ms == 1794182400000 + 3 * DAY_MS - CHINA_OFFSET_MS - 1);
    assert_string_equal(catalog_light(&f.cx, t->due_ms, 0), "yellow");
    f.cx.now_ms = t->due_ms + 1;
    assert_string_equal(catalog_light(&f.cx, t->due_ms, 0), "red");
    assert_string_equal(catalog_light(&f.cx, t->due_ms, t->due_ms), "grey"); // done in time
    f.cx.now_ms = t->due_ms - 8 * DAY_MS;
    assert_string_equal(catalog_light(&f.cx, t->due_ms, 0), "green");
    assert_string_equal(catalog_light(&f.cx, 0, 0), "grey");
    AS_APPLICANT(&f);
    f.cx.who = f.who;
    assert_int_equal(catalog_todo(&f.cx, &t), OK);
    assert_null(t);
}

static void withdrawn(void **state) {
    (void)state;
    AS_REVIEWER(&f);
    assert_int_equal(post("/api/v1/datasets/parks/withdraw", "{\"reason\":\"x\"}"), 403);
    AS_AUTHORITY(&f);
    assert_int_equal(post("/api/v1/datasets/parks/withdraw", "{\"reason\":\"  \"}"), 422);
    post("/api/v1/datasets/parks/withdraw", "{\"reason\":\"数据有误\"}");
    assert_status(&f, 200);
    assert_true(str_eq(fixture_text(&f, "state"), S("withdrawn")));
    AS_APPLICANT(&f);
    assert_int_equal(fixture_call(&f, "GET", "/api/v1/datasets/parks", NULL), 404);
    AS_NOBODY(&f);
    assert_int_equal(fixture_call(&f, "GET", "/api/v1/portal/datasets/parks", NULL), 404);
    fixture_call(&f, "GET", "/api/v1/portal/datasets?q=公园", NULL);
    assert_int_equal(fixture_int(&f, "total"), 0);
    AS_STEWARD(&f);
    fixture_call(&f, "GET", "/api/v1/datasets/parks", NULL); // its own office keeps it, and may begin anew
    assert_status(&f, 200);
    assert_true(list_has(json_get(f.json, S("may")), "edit"));
}

static void handed_over(void **state) {
    (void)state;
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    assert_int_equal(cx_write(&f.cx, succeed, NULL), OK);
    AS_APPLICANT(&f);
    fixture_call(&f, "GET", "/api/v1/datasets/parks", NULL);
    assert_true(str_eq(fixture_text(&f, "office"), S("sz-approval")));
    fixture_call(&f, "GET", "/api/v1/catalog/figures", NULL);
    struct json missing = json_at(json_get(f.json, S("missing")), 0);
    assert_true(str_eq(json_text(json_get(missing, S("office"))), S("sz-approval"))); // duties pass over too
    AS_STEWARD(&f);
    fixture_call(&f, "GET", "/api/v1/datasets/parks", NULL);
    assert_false(list_has(json_get(f.json, S("may")), "edit"));
    AS_OTHER(&f);
    fixture_call(&f, "GET", "/api/v1/datasets/parks", NULL);
    assert_true(list_has(json_get(f.json, S("may")), "edit"));
}

static void duties(void **state) {
    (void)state;
    AS_STEWARD(&f);
    assert_int_equal(post("/api/v1/datasets", "{\"id\":\"a1\",\"title_zh\":\"甲\",\"duty\":\"d1\"}"),
                     422); // another office's
    assert_int_equal(post("/api/v1/datasets", "{\"id\":\"a1\",\"title_zh\":\"甲\",\"duty\":\"d2\"}"), 201);
    assert_int_equal(post("/api/v1/datasets", "{\"id\":\"a2\",\"title_zh\":\"乙\",\"duty\":\"d2\"}"),
                     422); // answered already
    fixture_call(&f, "GET", "/api/v1/catalog/figures", NULL);
    struct json missing = json_at(json_get(f.json, S("missing")), 0); // begun is not compiled
    assert_true(str_eq(json_text(json_get(missing, S("dataset"))), S("a1")));
    assert_int_equal(fixture_call(&f, "DELETE", "/api/v1/datasets/a1", NULL), 200);
    assert_int_equal(post("/api/v1/datasets", "{\"id\":\"a2\",\"title_zh\":\"乙\",\"duty\":\"d2\"}"), 201);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_way, open_city, close_city),
        cmocka_unit_test_setup_teardown(returned, open_city, close_city),
        cmocka_unit_test_setup_teardown(judged, open_city, close_city),
        cmocka_unit_test_setup_teardown(next_edition, open_city, close_city),
        cmocka_unit_test_setup_teardown(clocks, open_city, close_city),
        cmocka_unit_test_setup_teardown(withdrawn, open_city, close_city),
        cmocka_unit_test_setup_teardown(duties, open_city, close_city),
        cmocka_unit_test_setup_teardown(handed_over, open_city, close_city),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
