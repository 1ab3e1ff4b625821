// SPDX-License-Identifier: MulanPSL-2.0
// Areas and their traps, offices and their history, hand-overs by two people, and what the pack of a city may say.
#include "people_pack.h"

// A second module that listens as catalog and exchange do.
static char heard[200];
static int heard_n;
static int on_event(struct cx *cx, const char *event, struct str object, struct str office) {
    if (strcmp(event, "office.succeeded") != 0) return OK;
    assert_true(cx->is_writer);
    heard_n++;
    snprintf(heard, sizeof heard, "%.*s>%.*s", STRF(object), STRF(office));
    return OK;
}
static const struct module listener = {
    .name = "listener", .on_event = on_event, .zh = "听", .en = "listener"};
FIXTURE_MODULES(&people_module, &listener)

static int setup(void **state) {
    static struct fixture f;
    struct pack *p;
    heard_n = 0;
    fixture_open(&f);
    pack_make(&f);
    assert_int_equal(pack_put(&f, true, &p), OK);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    fixture_close(*state);
    return 0;
}

static struct cx *cx_of(struct fixture *f) {
    core_cx(&f->cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
    return &f->cx;
}

static struct json item(struct fixture *f, size_t i) {
    return json_at(json_get(f->json, S("items")), i);
}

static void the_industrial_park(void **state) {
    struct fixture *f = *state;
    fixture_call(f, "GET", "/api/v1/areas/320571", NULL);
    assert_status(f, 200);
    assert_true(str_eq(fixture_text(f, "code"), S("320576")));
    assert_true(str_eq(fixture_text(f, "asked"), S("320571")));
    assert_true(json_is(json_get(f->json, S("is_admin")), JSON_FALSE));
    assert_int_equal(json_count(json_get(f->json, S("alias_list"))), 2);
    // The place digits of registrations can be searched, but lead to no place by themselves.
    fixture_call(f, "GET", "/api/v1/areas/320594", NULL);
    assert_status(f, 404);
    fixture_call(f, "GET", "/api/v1/areas?q=320594", NULL);
    assert_true(str_eq(json_text(json_get(item(f, 0), S("code"))), S("320576")));
    struct cx *cx = cx_of(f);
    assert_true(str_eq(people_area_resolve(cx, S("320571")), S("320576")));
    assert_false(people_area_resolve(cx, S("320594")).p);
    assert_true(people_area_within(cx, S("320571"), S("320500")));
    assert_false(people_area_within(cx, S("320576"), S("320508")));
    assert_true(people_area_within(cx, S("320508018001"), S("320508018")));
    assert_true(people_area_within(cx, S("320508018001"), S("320500")));
    assert_true(people_area_within(cx, S("320508"), S("320508")));
    assert_false(people_area_within(cx, S("320508"), S("320508018")));
    assert_false(people_area_within(cx, S("999999"), S("320500")));
    assert_false(people_area_within(cx, STR_NONE, S("320500")));
    assert_int_equal(cx->err.code, OK);
}

static void kinds_are_counted_apart_and_names_repeat(void **state) {
    struct fixture *f = *state;
    fixture_call(f, "GET", "/api/v1/areas?parent=320500", NULL);
    assert_int_equal(json_count(json_get(f->json, S("items"))), 3);
    fixture_call(f, "GET", "/api/v1/areas?level=4&kind=similar", NULL);
    assert_int_equal(json_count(json_get(f->json, S("items"))), 1);
    fixture_call(f, "GET", "/api/v1/areas/320508", NULL);
    struct json counts = json_get(f->json, S("counts"));
    assert_int_equal(json_count(counts), 3); // 4 similar, 4 street, 5 neighbourhood
    assert_int_equal(json_count(json_get(f->json, S("path"))), 3);
    fixture_call(f, "GET", "/api/v1/areas/320508018001", NULL);
    assert_int_equal(fixture_int(f, "namesakes_n"), 2);
    fixture_call(f, "GET", "/api/v1/areas?q=%E6%96%B0%E6%9D%91", NULL);
    assert_int_equal(json_count(json_get(f->json, S("items"))), 2);
    fixture_call(f, "GET", "/api/v1/areas?limit=2", NULL);
    char path[200];
    snprintf(path, sizeof path, "/api/v1/areas?limit=1000&after=%.*s", STRF(fixture_text(f, "next")));
    fixture_call(f, "GET", path, NULL);
    assert_int_equal(json_count(json_get(f->json, S("items"))), 7);
    assert_false(fixture_text(f, "next").p);
    fixture_call(f, "GET", "/api/v1/areas?level=9", NULL);
    assert_status(f, 422);
}

static void names_by_date(void **state) {
    struct fixture *f = *state;
    struct cx *cx = cx_of(f);
    const int64_t y2020 = 1577836800000, y2025 = 1735689600000;
    assert_true(str_eq(people_office_current(cx, S("sz-bigdata")), S("sz-data")));
    assert_true(people_office_valid(cx, S("sz-bigdata"), y2020));
    assert_false(people_office_valid(cx, S("sz-bigdata"), y2025));
    assert_false(people_office_valid(cx, S("sz-data"), y2020));
    assert_true(people_office_valid(cx, S("sz-data"), y2025));
    // The day of the hand-over, at Suzhou's clock, belongs to the successor.
    assert_false(people_office_valid(cx, S("sz-bigdata"), 1704038400000)); // 2024-01-01T00:00+08:00
    assert_true(people_office_valid(cx, S("sz-bigdata"), 1704038399999));
    assert_true(str_eq(people_office_name(cx, S("sz-bigdata"), y2020), S("苏州市大数据管理局")));
    assert_true(str_eq(people_office_name(cx, S("no-such"), 0), S("no-such")));
    assert_true(str_eq(people_office_county_authority(cx, S("gs-pj")), S("gs-gov")));
    assert_false(people_office_county_authority(cx, S("sz-hrss")).p);
    assert_true(str_eq(people_office_city_authority(cx), S("sz-data")));
    assert_true(people_office_has(cx, S("sz-data"), R_(AUTHORITY)));
    assert_false(people_office_has(cx, S("sz-hrss"), R_(UNIT_HEAD)));

    fixture_as(f, account_id(f, "sj-gl"), "sj-gl", "sz-data", R_(AUTHORITY));
    const char rename[] =
        "{\"name\":\"苏州市人力社保局\",\"short\":\"人社\",\"date\":\"2026-11-01\",\"basis\":\"某文\"}";
    fixture_call(f, "POST", "/api/v1/offices/sz-hrss/rename", rename);
    assert_status(f, 428);
    fixture_header(f, "If-Match", "\"v1\"");
    fixture_call(f, "POST", "/api/v1/offices/sz-hrss/rename", rename);
    assert_status(f, 200);
    cx = cx_of(f);
    assert_true(str_eq(people_office_name(cx, S("sz-hrss"), 0), S("苏州市人力社保局")));
    assert_true(str_eq(people_office_name(cx, S("sz-hrss"), y2025), S("苏州市人力资源和社会保障局")));
    fixture_call(f, "GET", "/api/v1/offices/sz-hrss", NULL);
    struct json history = json_get(f->json, S("history"));
    assert_int_equal(json_count(history), 2);
    assert_true(str_eq(json_text(json_get(json_at(history, 0), S("valid_to"))), S("2026-11-01")));
    assert_true(str_eq(json_text(json_get(json_at(history, 1), S("valid_from"))), S("2026-11-01")));
    // Found under the old name still.
    fixture_call(f, "GET", "/api/v1/offices?q=%E8%B5%84%E6%BA%90%E5%92%8C%E7%A4%BE%E4%BC%9A", NULL);
    assert_int_equal(json_count(json_get(f->json, S("items"))), 1);
    // The same pack again does not undo it; nor does a new version that keeps its old name.
    struct pack *p;
    pack_write("words.csv", "key,zh,en\ncity,苏州市,Suzhou\n");
    assert_int_equal(pack_put(f, true, &p), OK);
    assert_true(str_eq(people_office_name(cx_of(f), S("sz-hrss"), 0), S("苏州市人力社保局")));
}

static const char ask[] = "{\"successor\":\"sz-data\",\"date\":\"2026-11-09\",\"basis\":\"机构改革方案\"}";

static void a_hand_over_takes_two(void **state) {
    struct fixture *f = *state;
    int64_t one = account_id(f, "sj-gl"), two = account_id(f, "sj-g2");
    fixture_as(f, account_id(f, "rs-bm"), "rs-bm", "sz-hrss", R_(STEWARD));
    fixture_call(f, "POST", "/api/v1/offices/sz-approval/succession", ask);
    assert_status(f, 403);
    fixture_as(f, one, "sj-gl", "sz-data", R_(AUTHORITY));
    fixture_call(f, "POST", "/api/v1/offices/sz-approval/succession", ask);
    assert_status(f, 201);
    fixture_call(f, "POST", "/api/v1/offices/sz-approval/succession", ask);
    assert_status(f, 409);
    fixture_call(f, "POST", "/api/v1/offices/sz-approval/succession/confirm", NULL);
    assert_status(f, 403); // the same person
    assert_int_equal(heard_n, 0);
    fixture_as(f, two, "sj-g2", "sz-data", R_(AUTHORITY));
    fixture_call(f, "GET", "/api/v1/offices/sz-approval", NULL);
    assert_true(json_is(json_get(json_get(f->json, S("succession")), S("may_confirm")), JSON_TRUE));
    uint64_t before = atomic_load(&f->city.auth_generation);
    fixture_call(f, "POST", "/api/v1/offices/sz-approval/succession/confirm", NULL);
    assert_status(f, 200);
    assert_true(str_eq(fixture_text(f, "state"), S("applied")));
    assert_int_equal(heard_n, 1);
    assert_string_equal(heard, "sz-approval>sz-data");
    assert_true(atomic_load(&f->city.auth_generation) > before);

    fixture_call(f, "GET", "/api/v1/offices/sz-approval", NULL);
    assert_true(str_eq(fixture_text(f, "successor"), S("sz-data")));
    assert_true(str_eq(fixture_text(f, "name"), S("苏州市行政审批局")));
    fixture_call(f, "GET", "/api/v1/offices/gs-gov", NULL);
    assert_true(str_eq(fixture_text(f, "line"), S("sz-data")));
    fixture_call(f, "GET", "/api/v1/offices/sz-data", NULL);
    assert_int_equal(json_count(json_get(f->json, S("predecessors"))), 2);
    assert_int_equal(json_count(json_get(f->json, S("history"))), 3);
    // Its steward now works for the successor, with the role it had.
    fixture_as(f, 99, "aud", "sz-data", R_(AUDITOR));
    fixture_call(f, "GET", "/api/v1/accounts?q=sp-bm", NULL);
    assert_true(str_eq(json_text(json_get(item(f, 0), S("office"))), S("sz-data")));
    assert_int_equal(json_count(json_get(item(f, 0), S("roles"))), 1);
    struct cx *cx = cx_of(f);
    assert_true(str_eq(people_office_current(cx, S("sz-approval")), S("sz-data")));
    // No ring: the successor cannot be handed to what it took over, and what has ended cannot end again.
    fixture_as(f, one, "sj-gl", "sz-data", R_(AUTHORITY));
    fixture_call(f, "POST", "/api/v1/offices/sz-data/succession",
                 "{\"successor\":\"sz-approval\",\"date\":\"2026-11-09\",\"basis\":\"xx\"}");
    assert_status(f, 409);
    fixture_call(f, "POST", "/api/v1/offices/sz-approval/succession", ask);
    assert_status(f, 409);
    // The same pack, changed elsewhere, does not bring the old office back to life.
    struct pack *p;
    pack_write("words.csv", "key,zh,en\ncity,苏州市,Suzhou\n");
    assert_int_equal(pack_put(f, true, &p), OK);
    fixture_call(f, "GET", "/api/v1/offices/sz-approval", NULL);
    assert_true(str_eq(fixture_text(f, "successor"), S("sz-data")));
    fixture_call(f, "GET", "/api/v1/offices/gs-gov", NULL);
    assert_true(str_eq(fixture_text(f, "line"), S("sz-data")));
}

static void a_hand_over_waits_for_its_day(void **state) {
    struct fixture *f = *state;
    int64_t one = account_id(f, "sj-gl"), two = account_id(f, "sj-g2");
    fixture_as(f, one, "sj-gl", "sz-data", R_(AUTHORITY));
    fixture_call(f, "POST", "/api/v1/offices/sz-approval/succession",
                 "{\"successor\":\"sz-data\",\"date\":\"2026-11-20\",\"basis\":\"机构改革方案\"}");
    assert_status(f, 201);
    fixture_as(f, two, "sec", "sz-data", R_(SECADMIN));
    fixture_call(f, "POST", "/api/v1/offices/sz-approval/succession/confirm", NULL);
    assert_true(str_eq(fixture_text(f, "state"), S("confirmed")));
    assert_int_equal(heard_n, 0);
    int64_t kept = fixture_now_ms;
    for (int pass = 0; pass < 2; pass++) {
        for (const struct job *j = people_module.jobs; j->name; j++)
            if (strcmp(j->name, "people.successions") == 0) assert_int_equal(j->run(cx_of(f)), OK);
        assert_int_equal(heard_n, pass);
        fixture_now_ms = 1795104000000; // 2026-11-20T00:00+08:00 is 1795104000000
    }
    fixture_now_ms = kept;
}

static void a_hand_over_can_be_dropped(void **state) {
    struct fixture *f = *state;
    fixture_as(f, account_id(f, "sj-gl"), "sj-gl", "sz-data", R_(AUTHORITY));
    fixture_call(f, "POST", "/api/v1/offices/sz-approval/succession", ask);
    assert_status(f, 201);
    fixture_call(f, "DELETE", "/api/v1/offices/sz-approval/succession", NULL);
    assert_status(f, 200);
    fixture_call(f, "DELETE", "/api/v1/offices/sz-approval/succession", NULL);
    assert_status(f, 404);
    fixture_call(f, "POST", "/api/v1/offices/sz-approval/succession", ask);
    assert_status(f, 201);
    static const struct {
        const char *path, *body;
        int status;
    } bad[] = {{"no-such", ask, 404},
               {"sz-hrss", "{\"successor\":\"no-such\",\"date\":\"2026-11-09\",\"basis\":\"xx\"}", 422},
               {"sz-hrss", "{\"successor\":\"sz-hrss\",\"date\":\"2026-11-09\",\"basis\":\"xx\"}", 422},
               {"sz-hrss", "{\"successor\":\"sz-bigdata\",\"date\":\"2026-11-09\",\"basis\":\"xx\"}", 409},
               {"sz-hrss", "{\"successor\":\"sz-data\",\"date\":\"2026-02-30\",\"basis\":\"xx\"}", 422},
               {"sz-hrss", "{\"successor\":\"sz-data\",\"date\":\"2026-11-09\"}", 422},
               {"sz-bigdata", ask, 409}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char path[100];
        snprintf(path, sizeof path, "/api/v1/offices/%s/succession", bad[i].path);
        fixture_call(f, "POST", path, bad[i].body);
        assert_status(f, bad[i].status);
    }
}

static void a_pack_that_ends_an_office(void **state) {
    struct fixture *f = *state;
    static char text[sizeof offices_csv + 64];
    struct pack *p;
    const char *at = strstr(offices_csv, ",sz-gov,,,,,S,\n"); // the row of sz-approval
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s,sz-gov,,,2026-11-01,sz-data,S,\n%s", (int)(at - offices_csv),
             offices_csv, at + strlen(",sz-gov,,,,,S,\n"));
    pack_write("offices.csv", text);
    assert_int_equal(pack_put(f, true, &p), OK);
    assert_int_equal(heard_n, 1);
    assert_string_equal(heard, "sz-approval>sz-data");
}

static void mistakes_are_told_with_their_line(void **state) {
    struct fixture *f = *state;
    struct pack *p;
    pack_write("areas.csv", "code,name,level,parent,kind,vintage,valid_from,valid_to,is_admin,aliases,note\n"
                            "320000,江苏省,1,,province,2023-06-30,,,1,,\n"
                            "320500,苏州市,2,320000,city,2023-06-30,,,1,,\n"
                            "320500,苏州市,2,320000,city,2023-06-30,,,1,,\n"              // 4 twice
                            "320508,姑苏区,4,320500,district,2023-06-30,,,1,,\n"          // 5 wrong level
                            "32x,坏,3,320500,district,2023-6-30,,,2,,\n"                  // 6
                            "320576,园区,3,320500,devzone,2023-06-30,,,0,320500|abc,\n"); // 7
    pack_write(
        "offices.csv",
        "office_id,name,name_en,short,uscc,kind,level,area,parent,line,valid_from,valid_to,successor,roles,"
        "note\n"
        "a,甲,A,甲,,government,2,320500,b,,,2024-01-01,b,S,\n"
        "b,乙,B,乙,,government,2,320500,a,,,2024-01-01,a,Q,\n" // ring of successors and parents, role
        "c,丙,,丙,,government,2,320500,,,,,,S,\n"              // no English name
        "d,丁,D,丁,123,government,2,999999,nobody,,,2024-01-01,,S,\n"); // uscc, area, parent, end without successor
    pack_write("roles.csv",
               "role,zh,en,conflicts,note\nsteward,编制员,Steward,nonsense,\nboss,老板,Boss,,\n");
    pack_write("demo/accounts.csv",
               "login,name,office_id,roles,area\nX,某,a,steward,\nx1,某,nobody,steward,\n"
               "x2,某,,steward,\nx3,某,a,sysadmin auditor,\nx4,某,a,boss,\n");
    assert_int_equal(pack_put(f, true, &p), ERR_pack);
    static const struct {
        const char *file;
        int line;
        enum err_code code;
    } want[] = {{"areas.csv", 4, ERR_twice},
                {"areas.csv", 5, ERR_area_parent},
                {"areas.csv", 6, ERR_area_form},
                {"areas.csv", 6, ERR_date_form},
                {"areas.csv", 6, ERR_field_value},
                {"areas.csv", 7, ERR_twice},
                {"areas.csv", 7, ERR_field_value},
                {"offices.csv", 2, ERR_twice},
                {"offices.csv", 3, ERR_field_value},
                {"offices.csv", 4, ERR_field_missing},
                {"offices.csv", 5, ERR_uscc_form},
                {"offices.csv", 5, ERR_area_unknown},
                {"offices.csv", 5, ERR_office_unknown},
                {"offices.csv", 5, ERR_field_missing},
                {"roles.csv", 2, ERR_field_value},
                {"roles.csv", 2, ERR_role_unknown},
                {"roles.csv", 3, ERR_role_unknown},
                {"roles.csv", 0, ERR_role_unlisted},
                {"demo/accounts.csv", 2, ERR_field_value},
                {"demo/accounts.csv", 3, ERR_office_unknown},
                {"demo/accounts.csv", 4, ERR_field_missing},
                {"demo/accounts.csv", 5, ERR_role_conflict},
                {"demo/accounts.csv", 6, ERR_role_unknown}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        if (!pack_says(p, want[i].file, want[i].line, want[i].code)) {
            fprintf(stderr, "not told: %s:%d %s\n", want[i].file, want[i].line, err_info(want[i].code)->name);
            pack_show(p);
            fail();
        }
    }
    // Nothing of it was loaded: what stood there stands.
    assert_true(str_eq(people_area_name(cx_of(f), S("320508")), S("姑苏区")));
}

static void a_pack_again_changes_nothing(void **state) {
    struct fixture *f = *state;
    struct pack *p;
    bool changed = true;
    assert_int_equal(pack_open(cx_of(f), pack_folder, true, &p), OK);
    assert_int_equal(pack_load(&f->cx, p, &changed), OK);
    assert_false(changed);
    // An area that the pack no longer has goes; accounts without --demo are not made.
    static char text[sizeof areas_csv];
    const char *at = strstr(areas_csv, "320508401001");
    snprintf(text, sizeof text, "%.*s", (int)(at - areas_csv), areas_csv);
    pack_write("areas.csv", text);
    fixture_now_ms += 1000;
    assert_int_equal(pack_put(f, false, &p), OK);
    assert_false(people_area_name(cx_of(f), S("320508401001")).p);
    assert_true(people_area_name(cx_of(f), S("320508018001")).p);
}

static void no_demo_no_accounts(void **state) {
    (void)state;
    static struct fixture f;
    struct pack *p;
    fixture_open(&f);
    pack_make(&f);
    assert_int_equal(pack_put(&f, false, &p), OK);
    assert_int_equal(account_id(&f, "sys"), 0);
    fixture_call(&f, "GET", "/api/v1/me", NULL);
    assert_status(&f, 200);
    assert_true(json_is(json_get(f.json, S("account")), JSON_NULL));
    fixture_close(&f);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {T(the_industrial_park),
                                       T(kinds_are_counted_apart_and_names_repeat),
                                       T(names_by_date),
                                       T(a_hand_over_takes_two),
                                       T(a_hand_over_waits_for_its_day),
                                       T(a_hand_over_can_be_dropped),
                                       T(a_pack_that_ends_an_office),
                                       T(mistakes_are_told_with_their_line),
                                       T(a_pack_again_changes_nothing),
                                       cmocka_unit_test(no_demo_no_accounts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
