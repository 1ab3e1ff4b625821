// SPDX-License-Identifier: MulanPSL-2.0
// JSON: what RFC 8259 allows and forbids, exact numbers, limits, the writer and the canonical form. jansson
// stands beside it as an oracle: on every row both must agree, except where the row says that gusu is stricter.
#include "jansson_oracle.h"
#include "base/json.h"
#include "cmocka_all.h"
#include <math.h>

static struct arena mem;

static int up(void **state) {
    (void)state;
    arena_init(&mem, 0);
    return 0;
}

static int down(void **state) {
    (void)state;
    arena_free(&mem);
    return 0;
}

static bool jansson_takes(struct str text) {
    json_error_t error;
    json_t *root = json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    json_decref(root);
    return root != NULL;
}

static struct json parsed(struct str text) {
    struct json v = {0};
    struct err e = {0};
    int code = json_parse(&mem, text, &v, &e);
    if (code) fail_msg("%.*s: %s %s", STRF(text), err_info(e.code)->name, e.arg);
    return v;
}

static void valid_text_is_taken(void **state) {
    (void)state;
    static const struct str rows[] = {
        S_INIT("{}"),
        S_INIT("[]"),
        S_INIT(" \t\r\n[ ] "),
        S_INIT("null"),
        S_INIT("true"),
        S_INIT("false"),
        S_INIT("0"),
        S_INIT("-0"),
        S_INIT("-0.0e-0"),
        S_INIT("1E+2"),
        S_INIT("123456789.25"),
        S_INIT("\"\""),
        S_INIT("{\"\":{\"\":[[[{}]]]}}"),
        S_INIT("[1,[2,[3,[]]],{\"a\":[]}]"),
        S_INIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u4E2d\\uD83C\\udfef\""),
        S_INIT("{\"姓名\":\"张三\",\"地址\":\"姑苏区\"}"),
        S_INIT("\"eight by\xF0\x9F\x8F\xAF\xC3\xA9\xED\x9F\xBF\""),
        S_INIT("[\"\x7F\"]"),
        S_INIT("{\"a\":1,\"A\":2,\"a \":3}"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        parsed(rows[i]);
        if (!jansson_takes(rows[i])) fail_msg("oracle disagrees: %.*s", STRF(rows[i]));
    }
}

static void invalid_text_is_refused_with_its_place(void **state) {
    (void)state;
    static const struct {
        struct str text;
        enum err_code code;
        const char *field;
        int64_t line;
    } rows[] = {
        {S_INIT(""), ERR_json_end, "", 1},
        {S_INIT("  \n"), ERR_json_end, "", 2},
        {S_INIT("{"), ERR_json_end, "", 1},
        {S_INIT("[1,"), ERR_json_end, "/1", 1},
        {S_INIT("[1 2]"), ERR_json_syntax, "/1", 1},
        {S_INIT("[1,]"), ERR_json_syntax, "/1", 1},
        {S_INIT("[,1]"), ERR_json_syntax, "/0", 1},
        {S_INIT("{\"a\":1,}"), ERR_json_syntax, "", 1},
        {S_INIT("{a:1}"), ERR_json_syntax, "", 1},
        {S_INIT("{'a':1}"), ERR_json_syntax, "", 1},
        {S_INIT("{\"a\" 1}"), ERR_json_syntax, "/a", 1},
        {S_INIT("{\"a\":}"), ERR_json_syntax, "/a", 1},
        {S_INIT("{\"rows\":[{\"x\":1},\n{\"y/z~\":[0,tru]}]}"), ERR_json_syntax, "/rows/1/y~1z~0/1", 2},
        {S_INIT("[1}"), ERR_json_syntax, "/1", 1},
        {S_INIT("[] []"), ERR_json_syntax, "", 1},
        {S_INIT("[]]"), ERR_json_syntax, "", 1},
        {S_INIT("nul"), ERR_json_end, "", 1},
        {S_INIT("nulx"), ERR_json_syntax, "", 1},
        {S_INIT("NaN"), ERR_json_syntax, "", 1},
        {S_INIT("Infinity"), ERR_json_syntax, "", 1},
        {S_INIT("+1"), ERR_json_syntax, "", 1},
        {S_INIT(".5"), ERR_json_syntax, "", 1},
        {S_INIT("01"), ERR_json_number, "", 1},
        {S_INIT("-"), ERR_json_end, "", 1},
        {S_INIT("[-]"), ERR_json_number, "/0", 1},
        {S_INIT("[1.]"), ERR_json_number, "/0", 1},
        {S_INIT("[1e]"), ERR_json_number, "/0", 1},
        {S_INIT("[1e+]"), ERR_json_number, "/0", 1},
        {S_INIT("0x1"), ERR_json_syntax, "", 1},
        {S_INIT("\"abc"), ERR_json_end, "", 1},
        {S_INIT("\"a\nb\""), ERR_json_syntax, "", 1},
        {S_INIT("\"a\tb\""), ERR_json_syntax, "", 1},
        {S_INIT("\"\\x\""), ERR_json_syntax, "", 1},
        {S_INIT("\"\\u12G4\""), ERR_json_syntax, "", 1},
        {S_INIT("\"\\u0000\""), ERR_json_syntax, "", 1},
        {S_INIT("\"\\uD800\""), ERR_json_syntax, "", 1},
        {S_INIT("\"\\uDC00\""), ERR_json_syntax, "", 1},
        {S_INIT("\"\\uD800\\u0041\""), ERR_json_syntax, "", 1},
        {S_INIT("\"\xFF\""), ERR_utf8, "", 1},
        {S_INIT("\"\xC0\xAF\""), ERR_utf8, "", 1},
        {S_INIT("\"\xED\xA0\x80\""), ERR_utf8, "", 1},
        {S_INIT("\"苏\xE8\x8B\""), ERR_utf8, "", 1},
        {S_INIT("\xEF\xBB\xBF{}"), ERR_json_syntax, "", 1},
        {S_INIT("{}\0"), ERR_json_syntax, "", 1},
        {S_INIT("/* */ 1"), ERR_json_syntax, "", 1},
        {S_INIT("{\"a\":1,\"b\":2,\"a\":3}"), ERR_json_twice, "/a", 1},
        {S_INIT("{\"a\":1,\"\\u0061\":3}"), ERR_json_twice, "/a", 1},
        {S_INIT("{\"\":1,\"\":3}"), ERR_json_twice, "/", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json v = {.at = 77};
        struct err e = {0};
        int code = json_parse(&mem, rows[i].text, &v, &e);
        if (code != (int)rows[i].code || strcmp(e.field, rows[i].field) != 0 || e.row != rows[i].line)
            fail_msg("%.*s: %s at %s line %d", STRF(rows[i].text), err_info((enum err_code)code)->name,
                     e.field, (int)e.row);
        assert_int_equal(v.at, 77); // untouched on failure
        if (jansson_takes(rows[i].text)) fail_msg("oracle disagrees: %.*s", STRF(rows[i].text));
    }
}

static void getters_give_absent_for_what_is_not_there(void **state) {
    (void)state;
    struct json v = parsed(S("{\"a\":{\"b\":[10,\"x\",[],true]},\"空\":null}"));
    struct json list = json_get(json_get(v, S("a")), S("b"));
    assert_int_equal(json_count(list), 4);
    int64_t n = 0;
    bool yes = false;
    assert_true(json_int(json_at(list, 0), &n) && n == 10);
    assert_true(str_eq(json_text(json_at(list, 1)), S("x")));
    assert_true(json_is(json_at(list, 2), JSON_ARRAY) && json_count(json_at(list, 2)) == 0);
    assert_true(json_bool(json_at(list, 3), &yes) && yes);
    assert_true(json_is(json_get(v, S("空")), JSON_NULL));
    struct json none = json_get(json_get(json_at(list, 9), S("q")), S("r"));
    assert_int_equal(json_kind(none), 0);
    assert_true(json_text(none).p == NULL && json_raw(none).p == NULL && json_count(none) == 0);
    assert_false(json_int(none, &n) || json_bool(none, &yes) || json_int(json_at(list, 1), &n));
    assert_int_equal(json_kind(json_get(list, S("a"))), 0); // wrong kind
    assert_int_equal(json_kind(json_at(v, 0)), 0);
    for (struct json_iter it = json_iter(none); json_next(&it);)
        fail();
    assert_true(str_eq(json_raw(list), S("[10,\"x\",[],true]")));
    assert_true(str_eq(json_raw(json_at(list, 1)), S("\"x\"")));
    assert_int_equal(json_kind(json_at(parsed(S("[[1],2]")), 1)), JSON_NUMBER);
}

static void escapes_are_undone_when_read(void **state) {
    (void)state;
    struct json v = parsed(S("{\"k\\u0065y\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u4e2d\\uD83C\\uDFEF.\"}"));
    assert_true(str_eq(json_text(json_get(v, S("key"))), S("\"\\/\b\f\n\r\t中\U0001F3EF.")));
    struct json_iter it = json_iter(v);
    assert_true(json_next(&it) && str_eq(it.name, S("key")) && !json_next(&it));
}

static void integers_keep_64_bits(void **state) {
    (void)state;
    static const struct {
        struct str text;
        bool ok;
        int64_t value;
    } rows[] = {
        {S_INIT("0"), true, 0},
        {S_INIT("-0"), true, 0},
        {S_INIT("0e99999999"), true, 0},
        {S_INIT("320505199001011234"), true, 320505199001011234},
        {S_INIT("9223372036854775807"), true, INT64_MAX},
        {S_INIT("-9223372036854775808"), true, INT64_MIN},
        {S_INIT("-922337203685477580.8e1"), true, INT64_MIN},
        {S_INIT("9223372036854775808"), false, 0},
        {S_INIT("1.0"), true, 1},
        {S_INIT("1e3"), true, 1000},
        {S_INIT("1200e-2"), true, 12},
        {S_INIT("0.00012e5"), true, 12},
        {S_INIT("1.5"), false, 0},
        {S_INIT("1e-1"), false, 0},
        {S_INIT("1e19"), false, 0},
        {S_INIT("1e18"), true, 1000000000000000000},
        {S_INIT("1e99999999"), false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t got = 0;
        bool ok = json_int(parsed(rows[i].text), &got);
        if (ok != rows[i].ok || (ok && got != rows[i].value)) fail_msg("%.*s", STRF(rows[i].text));
    }
}

static void doubles_are_read_and_written_exactly(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text; // as ECMAScript's Number::toString writes it
    } rows[] = {
        {0, "0"},
        {-0.0, "0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {31.2989, "31.2989"},
        {1e21, "1e+21"},
        {1e20, "100000000000000000000"},
        {1e-6, "0.000001"},
        {1e-7, "1e-7"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {9007199254740993.0, "9007199254740992"},
        {123456789012345680.0, "123456789012345680"},
        {0.30000000000000004, "0.30000000000000004"},
        {NAN, "null"},
        {INFINITY, "null"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = buf_new(&mem, 0, 100);
        struct jw w = jw_to(&out);
        jw_double(&w, rows[i].value);
        if (!str_eq(buf_str(&out), str_of(rows[i].text)))
            fail_msg("%s: %.*s", rows[i].text, STRF(buf_str(&out)));
    }
    // Every bit pattern reads back; a fixed multiplier walks over all magnitudes.
    uint64_t bits = 1;
    for (int i = 0; i < 20000; i++) {
        bits = bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        double v, back;
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v)) continue;
        arena_reset(&mem);
        struct buf out = buf_new(&mem, 0, 100);
        struct jw w = jw_to(&out);
        jw_double(&w, v);
        if (!json_double(parsed(buf_str(&out)), &back) || back != v) fail_msg("%a", v);
    }
    double d;
    assert_false(json_double(parsed(S("1e400")), &d)); // no double holds it; the text stays readable
    assert_true(json_double(parsed(S("1e-400")), &d) && d == 0);
}

static struct str deep(int n, const char *open, const char *close) {
    struct buf b = buf_new(&mem, 0, 1 << 20);
    for (int i = 0; i < n; i++)
        buf_puts(&b, open);
    buf_puts(&b, "1");
    for (int i = 0; i < n; i++)
        buf_puts(&b, close);
    return buf_str(&b);
}

static void limits_hold_on_both_sides(void **state) {
    (void)state;
    struct json v;
    struct err e = {0};
    parsed(deep(JSON_DEPTH_MAX, "[", "]"));
    parsed(deep(JSON_DEPTH_MAX, "{\"a\":", "}"));
    assert_int_equal(json_parse(&mem, deep(JSON_DEPTH_MAX + 1, "[", "]"), &v, &e), ERR_json_depth);
    assert_string_equal(e.arg, "64");
    assert_int_equal(json_parse(&mem, deep(100000, "[", "]"), &v, &e), ERR_json_depth);
    char digits[500];
    memset(digits, '7', sizeof digits);
    parsed(
        json_canonical(&mem, parsed((struct str){digits, 400}))); // longer: it gains a point and an exponent
    assert_int_equal(json_parse(&mem, (struct str){digits, 401}, &v, &e), ERR_json_number);
    static const struct { // the exponent counts as it stands in d.ddd × 10^e, and zero has none
        struct str text;
        int code;
    } exponents[] = {
        {S_INIT("1e99999999"), OK},
        {S_INIT("1e100000000"), ERR_json_number},
        {S_INIT("10e99999999"), ERR_json_number},
        {S_INIT("0.1e100000000"), OK},
        {S_INIT("1e-99999999"), OK},
        {S_INIT("0.1e-99999999"), ERR_json_number},
        {S_INIT("0e999999999"), OK},
        {S_INIT("1e9999999999"), ERR_json_number},
        {S_INIT("12345678"), OK},
        {S_INIT("1.12345678"), OK},
    };
    for (size_t i = 0; i < sizeof exponents / sizeof exponents[0]; i++) {
        int code = json_parse(&mem, exponents[i].text, &v, &e);
        if (code != exponents[i].code) fail_msg("%.*s", STRF(exponents[i].text));
        if (code == OK) parsed(json_canonical(&mem, v));
    }
    struct buf many = buf_new(&mem, 0, 8 << 20);
    buf_char(&many, '[');
    for (int i = 0; i < JSON_NODES_MAX; i++)
        buf_puts(&many, "1,");
    buf_puts(&many, "1]");
    assert_int_equal(json_parse(&mem, buf_str(&many), &v, &e), ERR_too_large);
    struct arena small;
    arena_init(&small, 4096);
    assert_int_equal(json_parse(&small, deep(50, "[1,2,3,4,5,6,7,8,9,", "]"), &v, &e), ERR_no_memory);
    arena_free(&small);
}

// Large objects go over to a table of names; neither building nor reading may be quadratic.
static void large_objects_keep_unique_names(void **state) {
    (void)state;
    for (int n = 15; n <= 18; n++) { // around the change from comparing to hashing
        struct buf b = buf_new(&mem, 0, 1 << 20);
        buf_char(&b, '{');
        for (int i = 0; i < n; i++)
            buf_print(&b, "\"n%d\":%d,", i, i);
        struct buf twice = buf_new(&mem, 0, 1 << 20);
        buf_put(&twice, buf_str(&b));
        buf_puts(&b, "\"last\":[{\"x\":1}]}");
        buf_puts(&twice, "\"n7\":0}");
        struct json v = parsed(buf_str(&b));
        for (int i = 0; i < n; i++) {
            int64_t got = -1;
            assert_true(json_int(json_get(v, str_print(&mem, "n%d", i)), &got) && got == i);
        }
        assert_int_equal(json_count(json_get(v, S("last"))), 1);
        assert_int_equal(json_kind(json_get(v, S("n99"))), 0);
        struct err e = {0};
        assert_int_equal(json_parse(&mem, buf_str(&twice), &v, &e), ERR_json_twice);
        assert_string_equal(e.field, "/n7");
        assert_string_equal(e.arg, "n7");
    }
    struct buf b = buf_new(&mem, 0, 16 << 20);
    buf_char(&b, '{');
    for (int i = 0; i < 200000; i++)
        buf_print(&b, "%s\"n%d\":%d", i ? "," : "", i, i);
    buf_char(&b, '}');
    struct json v = parsed(buf_str(&b));
    int64_t sum = 0, got;
    for (int i = 0; i < 200000; i++)
        if (json_int(json_get(v, str_print(&mem, "n%d", i)), &got)) sum += got;
    assert_int_equal(sum, (int64_t)200000 * 199999 / 2);
    size_t items = 0;
    for (struct json_iter it = json_iter(v); json_next(&it);)
        items++;
    assert_int_equal(items, 200000);
}

static void the_writer_puts_commas_and_escapes(void **state) {
    (void)state;
    struct buf out = buf_new(&mem, 0, 10000);
    struct jw w = jw_to(&out);
    jw_object(&w);
    jw_ntext(&w, "t", S("a\"\\\b\f\n\r\t\x01苏\x7F/"));
    jw_nint(&w, "i", INT64_MIN);
    jw_nbool(&w, "b", true);
    jw_name_str(&w, S("空\n"));
    jw_text(&w, STR_NONE);
    jw_name(&w, "l");
    jw_array(&w);
    jw_array(&w);
    jw_array_end(&w);
    jw_object(&w);
    jw_object_end(&w);
    jw_null(&w);
    jw_textz(&w, "");
    jw_raw(&w, S("[1,2]"));
    jw_value(&w, parsed(S(" { \"a\" : [ 1 , \"\\u0041 \" , { } ] ,\n \"b\" : 1.50e1 } ")));
    jw_value(&w, (struct json){0});
    jw_array_end(&w);
    jw_object_end(&w);
    static const struct str want =
        S_INIT("{\"t\":\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001苏\x7F/\",\"i\":-9223372036854775808,\"b\":true,"
               "\"空\\n\":null,\"l\":[[],{},null,\"\",[1,2],{\"a\":[1,\"\\u0041 \",{}],\"b\":1.50e1},null]}");
    assert_true(str_eq(buf_str(&out), want));
    assert_true(jansson_takes(buf_str(&out)));
    parsed(buf_str(&out));
    // Deepest nesting on both sides: a value at the parser's limit inside a writer at its own.
    struct buf deepest = buf_new(&mem, 0, 10000);
    w = jw_to(&deepest);
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        jw_array(&w);
    jw_value(&w, parsed(deep(JSON_DEPTH_MAX, "[", "]")));
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        jw_array_end(&w);
    assert_false(deepest.over);
}

static void the_canonical_form_depends_on_the_value_only(void **state) {
    (void)state;
    static const struct {
        struct str text, canonical;
    } rows[] = {
        {S_INIT(" { \"b\" : 1.0 , \"a\" : [ true , null ] } "), S_INIT("{\"a\":[true,null],\"b\":1}")},
        {S_INIT("\"\\u0041\\/\\u000a\\u0001\\u82cf\""), S_INIT("\"A/\\n\\u0001苏\"")},
        {S_INIT("[-0, -0.0, 0e5, 1e2, 1.50, 100, 1E-7]"), S_INIT("[0,0,0,100,1.5,100,1e-7]")},
        {S_INIT("12345678901234567890123"), S_INIT("1.2345678901234567890123e+22")},
        {S_INIT("9007199254740993"), S_INIT("9007199254740993")}, // a double would say …992
        {S_INIT("0.1000000000000000055511151231257827"), S_INIT("0.1000000000000000055511151231257827")},
        {S_INIT("{\"\\u0062\":{},\"ab\":1,\"a\":2,\"\":3}"), S_INIT("{\"\":3,\"a\":2,\"ab\":1,\"b\":{}}")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str got = json_canonical(&mem, parsed(rows[i].text));
        if (!str_eq(got, rows[i].canonical)) fail_msg("%.*s", STRF(got));
        // Canonical text is its own canonical form.
        assert_true(str_eq(json_canonical(&mem, parsed(got)), got));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(valid_text_is_taken, up, down),
        cmocka_unit_test_setup_teardown(invalid_text_is_refused_with_its_place, up, down),
        cmocka_unit_test_setup_teardown(getters_give_absent_for_what_is_not_there, up, down),
        cmocka_unit_test_setup_teardown(escapes_are_undone_when_read, up, down),
        cmocka_unit_test_setup_teardown(integers_keep_64_bits, up, down),
        cmocka_unit_test_setup_teardown(doubles_are_read_and_written_exactly, up, down),
        cmocka_unit_test_setup_teardown(limits_hold_on_both_sides, up, down),
        cmocka_unit_test_setup_teardown(large_objects_keep_unique_names, up, down),
        cmocka_unit_test_setup_teardown(the_writer_puts_commas_and_escapes, up, down),
        cmocka_unit_test_setup_teardown(the_canonical_form_depends_on_the_value_only, up, down),
    };
    return cmocka_run_group_tests_name("base: json", tests, NULL, NULL);
}
