// SPDX-License-Identifier: MulanPSL-2.0
// A pack becomes a catalog: what is loaded, that the same pack changes nothing, that a changed one makes a new edition,
// that every mistake is told with file and line and nothing is written; and what quality then says about seeded faults.
#include "catalog_pack.h"

FIXTURE_MODULES(&people_module, &catalog_module)

static struct fixture f;
static int open_city(void **state) {
    (void)state;
    catalog_city(&f);
    return 0;
}
static int open_bare(void **state) {
    (void)state;
    fixture_open(&f);
    catalog_pack_make(&f);
    return 0;
}
static int close_city(void **state) {
    (void)state;
    fixture_close(&f);
    return 0;
}

static void loads(void **state) {
    (void)state;
    AS_APPLICANT(&f);
    fixture_call(&f, "GET", "/api/v1/datasets", NULL);
    assert_status(&f, 200);
    assert_int_equal(fixture_int(&f, "total"), 3);
    struct json parks = item_of(json_get(f.json, S("items")), "id", "parks");
    assert_int_equal(number_of(parks, "rows"), 3);
    assert_true(str_eq(json_text(json_get(parks, S("state"))), S("published")));
    fixture_call(&f, "GET", "/api/v1/datasets/firms", NULL);
    assert_status(&f, 200);
    assert_true(str_eq(fixture_text(&f, "grade"), S("L2")));
    struct json rep = item_of(json_get(f.json, S("columns")), "id", "rep");
    assert_true(str_eq(json_text(json_get(rep, S("mask"))), S("first_char")));
    assert_true(
        str_eq(json_text(json_get(rep, S("open"))), S("none"))); // L2: never open, whatever the data set is
    assert_int_equal(number_of(rep, "share"), 2);
    fixture_call(&f, "GET", "/api/v1/elements/uscc", NULL);
    assert_status(&f, 200);
    assert_true(list_has(json_get(f.json, S("aliases")), "信用代码"));
    fixture_call(&f, "GET", "/api/v1/codes/status", NULL);
    assert_int_equal(json_count(json_get(f.json, S("items"))), 2);
    fixture_call(&f, "GET", "/api/v1/clocks", NULL);
    struct json keep = item_of(json_get(f.json, S("items")), "step", "record_keep");
    assert_int_equal(json_kind(json_get(keep, S("limit_wd"))), 0); // no limit is no number, not zero
}

static void same_again(void **state) {
    struct pack *p;
    bool changed = true;
    (void)state;
    AS_APPLICANT(&f);
    fixture_call(&f, "GET", "/api/v1/datasets/parks", NULL);
    int64_t version = fixture_int(&f, "version");
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    assert_int_equal(pack_open(&f.cx, pack_folder, false, &p), OK);
    assert_int_equal(pack_load(&f.cx, p, &changed), OK);
    assert_false(changed);
    // Another file of the pack moves: the data sets that did not change are left alone.
    pack_write("matters.csv", "matter_id,zh,en,target,office_id,note\nother,其他,Other,个人,,\n");
    pack_write("datasets/firms/data.csv", "uscc,rep,status,opened,closed,at\n");
    assert_int_equal(pack_put(&f, false, &p), OK);
    fixture_call(&f, "GET", "/api/v1/datasets/parks", NULL);
    assert_int_equal(fixture_int(&f, "version"), version);
    assert_int_equal(fixture_int(&f, "edition"), 1);
    fixture_call(&f, "GET", "/api/v1/datasets/firms", NULL);
    assert_int_equal(fixture_int(&f, "edition"), 2);
    assert_int_equal(fixture_int(&f, "rows"), 0);
    fixture_call(&f, "GET", "/api/v1/matters", NULL);
    assert_int_equal(json_count(json_get(f.json, S("items"))), 3); // what is gone from a pack stays known
}

static void says(const char *file, int64_t line, enum err_code code) {
    struct pack *p = NULL;
    assert_int_equal(pack_put(&f, false, &p), ERR_pack);
    if (!pack_says(p, file, line, code)) pack_show(p);
    assert_true(pack_says(p, file, line, code));
    struct stmt *s = store_query(f.conn, Q_catalog_dataset_ids, "");
    struct err e = {0};
    assert_false(store_next(s)); // nothing half written
    assert_int_equal(store_done(s, &e), OK);
}

// Puts `to` where `from` stands in one of the pack's texts.
static void spoil(const char *name, const char *text, const char *from, const char *to) {
    const char *at = strstr(text, from);
    assert_non_null(at);
    struct str out = str_print(&f.mem, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    pack_write(name, out.p);
}

static void mistakes(void **state) {
    (void)state;
    static const struct {
        const char *file, *text, *from, *to, *says;
        int64_t line;
        enum err_code code;
    } t[] = {
        {"elements.csv", elements_csv, "18,uscc,", "18,luhn,", "elements.csv", 2, ERR_field_value},
        {"elements.csv", elements_csv, "L3,rid", "L9,rid", "elements.csv", 4, ERR_field_value},
        {"elements.csv", elements_csv, "rid,公民", "uscc,公民", "elements.csv", 4, ERR_store_unique},
        {"duties.csv", duties_csv, "d2,sz-hrss", "d2,sz-nobody", "duties.csv", 3, ERR_field_value},
        {"duties.csv", duties_csv, ",firms,", ",frims,", "duties.csv", 2, ERR_field_value},
        {"clocks.csv", clocks_csv, ",2,0,", ",two,0,", "clocks.csv", 2, ERR_field_value},
        {"codes/status.csv", status_csv, "closed,", "open,", "codes/status.csv", 3, ERR_store_unique},
        {"datasets/parks/dataset.json", parks_json, "\"office\":\"sz-hrss\"", "\"office\":\"x\"",
         "datasets/parks/dataset.json", 2, ERR_field_value},
        {"datasets/parks/dataset.json", parks_json, "\"yearly\"", "\"sometimes\"",
         "datasets/parks/dataset.json", 4, ERR_field_value},
        {"datasets/parks/dataset.json", parks_json, "\"id\":\"parks\",", "\"id\":\"parcs\",",
         "datasets/parks/dataset.json", 1, ERR_field_value},
        {"datasets/parks/dataset.json", parks_json, "\"type\":\"text\",\"length\":40",
         "\"type\":\"texte\",\"length\":40", "datasets/parks/dataset.json", 9, ERR_field_value},
        {"datasets/firms/dataset.json", firms_json, "\"element\":\"uscc\"", "\"element\":\"usc\"",
         "datasets/firms/dataset.json", 7, ERR_field_value},
        {"datasets/firms/dataset.json", firms_json, "\"grade\":\"L2\"", "\"grade\":\"L1\"",
         "datasets/firms/dataset.json", 4, ERR_grade_low},
        {"datasets/firms/dataset.json", firms_json, "\"share\":2", "\"share\":2,\"grade\":\"L1\"",
         "datasets/firms/dataset.json", 8, ERR_grade_lowered},
        {"datasets/firms/dataset.json", firms_json, "\"share\":2", "\"share\":2,\"open\":\"open\"",
         "datasets/firms/dataset.json", 8, ERR_open_grade},
        {"datasets/firms/dataset.json", firms_json, "\"kind\":\"order\"", "\"kind\":\"disorder\"",
         "datasets/firms/dataset.json", 13, ERR_field_value},
        {"datasets/firms/dataset.json", firms_json, "\"code_list\":\"status\"", "\"code_list\":\"nope\"",
         "datasets/firms/dataset.json", 9, ERR_field_value},
        {"datasets/micro/dataset.json", micro_json, ",\"law\":\"统计法\"", "", "datasets/micro/dataset.json",
         3, ERR_field_missing},
        {"datasets/micro/dataset.json", micro_json, "\"open\":{\"type\":\"none\"}",
         "\"open\":{\"type\":\"open\"}", "datasets/micro/dataset.json", 3, ERR_open_wider},
        {"datasets/micro/dataset.json", micro_json, "\"licence\":\"MulanPSL-2.0\",", "",
         "datasets/micro/dataset.json", 1, ERR_field_missing},
        {"datasets/firms/data.csv", firms_data, "uscc,rep", "uscc,representative", "datasets/firms/data.csv",
         1, ERR_column_unknown},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        spoil(t[i].file, t[i].text, t[i].from, t[i].to);
        says(t[i].says, t[i].line, t[i].code);
        pack_write(t[i].file, t[i].text);
    }
    char path[256];
    snprintf(path, sizeof path, "%s/datasets/parks/data.csv", pack_folder);
    assert_int_equal(unlink(path), 0);
    says("datasets/parks/dataset.json", 6, ERR_not_found);
}

static struct json check_of(const char *id) {
    struct json q = json_get(f.json, S("quality"));
    return item_of(json_get(q, S("checks")), "id", id);
}

static void quality(void **state) {
    (void)state;
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    assert_int_equal(quality_job(&f.cx), OK);
    AS_APPLICANT(&f);
    fixture_call(&f, "GET", "/api/v1/datasets/firms", NULL);
    assert_int_equal(number_of(check_of("uscc.uscc"), "bad"), 1);
    assert_int_equal(number_of(check_of("uscc.uscc"), "total"), 5);
    assert_int_equal(number_of(check_of("uscc.key"), "bad"), 1);
    assert_int_equal(number_of(check_of("status.code"), "bad"), 1);
    assert_int_equal(number_of(check_of("ends"), "bad"), 1);
    assert_int_equal(number_of(check_of("ends"), "total"), 1); // an open end is not judged
    assert_int_equal(number_of(check_of("closed.filled"), "bad"), 4);
    double score = -1, fresh = -1;
    struct json q = json_get(f.json, S("quality"));
    assert_true(json_double(json_get(q, S("score")), &score));
    assert_true(score > 0 && score < 100);
    assert_true(json_double(json_get(q, S("freshness")), &fresh));
    assert_true(fresh == 1); // data of yesterday 10:00, promised daily, now 08:00
    assert_false(json_is(json_get(f.json, S("stale")), JSON_TRUE));
    fixture_call(&f, "GET", "/api/v1/datasets/parks", NULL);
    assert_int_equal(number_of(check_of("area.area"), "bad"), 0); // 320571 is an alias of today's 320576
    // A day and an hour later the same table is late, and all but stale: 23 of 24 hours of the second cycle are gone.
    fixture_now_ms += DAY_MS + 3600000;
    fixture_call(&f, "GET", "/api/v1/datasets/firms", NULL);
    assert_true(json_is(json_get(f.json, S("stale")), JSON_TRUE));
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    assert_int_equal(quality_job(&f.cx), OK);
    fixture_call(&f, "GET", "/api/v1/datasets/firms", NULL);
    assert_true(json_double(json_get(json_get(f.json, S("quality")), S("freshness")), &fresh));
    assert_true(fresh < 1 && fresh > 0);
    fixture_now_ms -= DAY_MS + 3600000;
}

static void figures(void **state) {
    double rate = -1;
    (void)state;
    AS_AUTHORITY(&f);
    fixture_call(&f, "GET", "/api/v1/catalog/figures", NULL);
    assert_status(&f, 200);
    assert_int_equal(fixture_int(&f, "owed"), 4);
    assert_int_equal(fixture_int(&f, "compiled"), 3);
    assert_true(json_double(json_get(f.json, S("completeness")), &rate) && rate == 0.75);
    assert_int_equal(fixture_int(&f, "published"), 3);
    assert_int_equal(fixture_int(&f, "attached"), 2); // micro has nothing attached
    struct json missing = json_at(json_get(f.json, S("missing")), 0);
    assert_true(str_eq(json_text(json_get(missing, S("duty"))), S("d2")));
    assert_true(number_of(missing, "due_ms") > fixture_now_ms + 27 * DAY_MS); // 20 working days: four weeks
    assert_true(str_eq(json_text(json_get(missing, S("light"))), S("green")));
    struct json unattached = json_at(json_get(f.json, S("unattached")), 0);
    assert_true(str_eq(json_text(json_get(unattached, S("dataset"))), S("micro")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(loads, open_city, close_city),
        cmocka_unit_test_setup_teardown(same_again, open_city, close_city),
        cmocka_unit_test_setup_teardown(mistakes, open_bare, close_city),
        cmocka_unit_test_setup_teardown(quality, open_city, close_city),
        cmocka_unit_test_setup_teardown(figures, open_city, close_city),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
