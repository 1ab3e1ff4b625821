// SPDX-License-Identifier: MulanPSL-2.0
// Quality rules over rows and between data sets, each with rows on both sides of it: a square with a hole, a month on
// its last good millisecond, a name that is dead in the other table.
#include "catalog_pack.h"

FIXTURE_MODULES(&people_module, &catalog_module)

static struct fixture f;

#define HEAD(id_, cycle_, cols_, checks_)                                                                    \
    "{\"id\":\"" id_ "\",\"title\":{\"zh\":\"" id_ "\",\"en\":\"" id_                                        \
    "\"},\"abstract\":{\"zh\":\"x\",\"en\":\"x\"},"                                                          \
    "\"office\":\"sz-data\",\"class_codes\":[\"1\"],\"keywords\":[],\"share\":{\"type\":1},\"open\":{"       \
    "\"type\":\"none\"},"                                                                                    \
    "\"cycle\":\"" cycle_ "\",\"modes\":[],\"subject\":\"\"," META_TAIL "\"resources\":[{\"id\":\"" id_      \
    "\",\"kind\":\"table\",\"title\":{\"zh\":\"t\",\"en\":\"t\"}}],\"columns\":[" cols_                      \
    "],\"checks\":[" checks_ "]}"
#define COL(id_, type_) "{\"id\":\"" id_ "\",\"zh\":\"" id_ "\",\"en\":\"" id_ "\",\"type\":\"" type_ "\"}"
#define RULE(id_, kind_, columns_, more_)                                                                    \
    "{\"id\":\"" id_ "\",\"kind\":\"" kind_ "\",\"columns\":" columns_ more_                                 \
    ",\"title\":{\"zh\":\"规则\",\"en\":\"rule\"}}"

static const char zones_json[] =
    HEAD("zones", "once", COL("code", "text") "," COL("geom", "multipolygon") "," COL("covers", "text"), "");
// Gusu: a square 0..10 with a hole 4..6; it also covers 320576, which has no line of its own. Kunshan: two squares.
static const char zones_data[] = "code,geom,covers\n"
                                 "320508,\"{\"\"type\"\":\"\"Polygon\"\",\"\"coordinates\"\":[[[0,0],[10,0],["
                                 "10,10],[0,10],[0,0]],[[4,4],[6,4],[6,6],[4,6],[4,4]]]}\",320576\n"
                                 "320583,\"{\"\"type\"\":\"\"MultiPolygon\"\",\"\"coordinates\"\":[[[[20,0],["
                                 "21,0],[21,1],[20,1],[20,0]]],[[[30,0],[31,0],[31,1],[30,1],[30,0]]]]}\",\n";
static const char spots_json[] = HEAD("spots", "once", COL("at", "point") "," COL("area", "text"),
                                      RULE("in", "inside", "[\"at\",\"area\"]",
                                           ",\"dataset\":\"zones\",\"ref\":[\"geom\",\"code\",\"covers\"]"));
static const char spots_data[] = "at,area\n"
                                 "1 1,320508018001\n"  // inside
                                 "5 5,320508018001\n"  // in the hole: bad
                                 "11 1,320508018001\n" // outside: bad
                                 "9 9,320576\n"        // by its cover
                                 "20.5 0.5,320583\n"   // first square
                                 "30.5 0.5,320583\n"   // second square
                                 "25 0.5,320583\n"     // between them: bad
                                 "1 1,320999\n"        // an area that nobody draws: not judged
                                 ",320508\n";          // no point: not judged
static const char souls_json[] =
    HEAD("souls", "once",
         COL("rid", "text") "," COL("birth", "date") "," COL("sex", "text") "," COL("state", "text"),
         RULE("agrees", "agree", "[\"rid\",\"birth\",\"sex\"]", ""));
// 329900… numbers with right check digits are made in `fill`; the 17th digit 1 is odd (a man), 2 even.
static const char dues_json[] = HEAD(
    "dues", "once", COL("rid", "text") "," COL("month", "period") "," COL("came", "datetime"),
    RULE("alive", "ref", "[\"rid\"]", ",\"dataset\":\"souls\",\"ref\":[\"rid\"],\"where\":{\"state\":\"alive\"}") "," RULE(
        "known", "ref", "[\"rid\"]",
        ",\"dataset\":\"souls\",\"ref\":[\"rid\"]") "," RULE("lost", "ref", "[\"rid\"]",
                                                             ",\"dataset\":\"nowhere\",\"ref\":["
                                                             "\"rid\"]") "," RULE("once", "unique",
                                                                                  "[\"rid\",\"month\"]",
                                                                                  "") "," RULE("timely",
                                                                                               "timely",
                                                                                               "[\"month"
                                                                                               "\","
                                                                                               "\"came\""
                                                                                               "]",
                                                                                               ""));

static void number(char out[19], const char *birth, int serial) {
    snprintf(out, 19, "329900%s%03d", birth, serial);
    out[17] = element_rid_check_char((struct str){out, 17});
    out[18] = 0;
}

static void write_set(const char *id, const char *json, const char *data) {
    char path[256];
    struct err e = {0};
    snprintf(path, sizeof path, "%s/datasets/%s", pack_folder, id);
    assert_int_equal(file_make_dirs(path, 0755, &e), OK);
    snprintf(path, sizeof path, "datasets/%s/dataset.json", id);
    pack_write(path, json);
    snprintf(path, sizeof path, "datasets/%s/data.csv", id);
    pack_write(path, data);
}

static void fill(void) {
    char a[19], b[19], c[19], text[2000];
    number(a, "19870302", 11);
    number(b, "19870302", 22);
    number(c, "19900101", 31);
    snprintf(text, sizeof text,
             "rid,birth,sex,state\n%s,1987-03-02,1,alive\n%s,1987-03-03,2,alive\n%s,1990-01-01,2,dead\n", a,
             b, c);
    write_set("souls", souls_json, text); // second: another day; third: an odd number for a woman
    // September is due until the end of October, in China's time.
    snprintf(text, sizeof text,
             "rid,month,came\n%s,202609,2026-10-31T23:59:59.999+08:00\n%s,202609,2026-11-01T00:00:00+08:00\n"
             "%s,202612,2027-01-31T12:00:00+08:00\n%s,202612,2027-01-31T12:00:00+08:00\nstranger,202609,2026-"
             "10-01T00:00:00+08:00\n",
             a, b, c, c);
    write_set("dues", dues_json, text);
    write_set("zones", zones_json, zones_data);
    write_set("spots", spots_json, spots_data);
}

static int open_city(void **state) {
    struct pack *p;
    (void)state;
    fixture_open(&f);
    catalog_pack_make(&f);
    fill();
    int code = pack_put(&f, false, &p);
    if (code != OK) pack_show(p);
    assert_int_equal(code, OK);
    core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    assert_int_equal(quality_job(&f.cx), OK);
    return 0;
}
static int close_city(void **state) {
    (void)state;
    fixture_close(&f);
    return 0;
}

static void measured(const char *id, const char *rule, int64_t total, int64_t bad) {
    char target[100];
    AS_AUTHORITY(&f);
    snprintf(target, sizeof target, "/api/v1/datasets/%s", id);
    fixture_call(&f, "GET", target, NULL);
    assert_status(&f, 200);
    struct json c = item_of(json_get(json_get(f.json, S("quality")), S("checks")), "id", rule);
    if (number_of(c, "total") != total || number_of(c, "bad") != bad)
        fprintf(stderr, "%s: %.*s\n", rule, STRF(json_raw(c)));
    assert_int_equal(number_of(c, "total"), total);
    assert_int_equal(number_of(c, "bad"), bad);
}

static void all(void **state) {
    (void)state;
    measured("spots", "in", 7, 3);
    measured("souls", "agrees", 3, 2);
    measured("dues", "alive", 4, 2); // four different names: one dead, one unknown
    measured("dues", "known", 4, 1);
    measured("dues", "lost", -1, -1); // the other data set holds nothing: no figure is invented
    measured("dues", "once", 5, 1);
    measured("dues", "timely", 5, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(all, open_city, close_city)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
