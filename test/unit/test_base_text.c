// SPDX-License-Identifier: MulanPSL-2.0
// Arena, text, buffers, encodings and errors: the floor that everything else stands on. Each limit is tested
// on both of its sides, since an off-by-one here is an overrun everywhere.
#include "base/err.h"
#include "cmocka_all.h"

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

// --- arena ---

static void arena_gives_zeroed_aligned_memory_again_and_again(void **state) {
    (void)state;
    for (size_t round = 0; round < 50; round++) {
        for (size_t n = 0; n < 300; n += 7) {
            unsigned char *p = arena_take(&mem, n);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(p[i], 0);
            if (n) memset(p, 0xAA, n); // dirt that the next round must not see
        }
        arena_reset(&mem);
        assert_int_equal(mem.used_bytes, 0);
    }
}

static void arena_refuses_beyond_its_limit_and_lives_on(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a, 1000);
    assert_non_null(arena_take(&a, 600));
    assert_null(arena_take(&a, 401));
    assert_true(a.failed);
    assert_non_null(arena_take(&a, 400));
    assert_null(arena_take(&a, 1));
    assert_null(arena_take(&a, SIZE_MAX));
    assert_null(arena_array(&a, SIZE_MAX / 2, 3));
    arena_reset(&a);
    assert_false(a.failed);
    assert_non_null(arena_take(&a, 1000));
    arena_free(&a);
}

static void arena_growth_keeps_content_and_zeroes_the_rest(void **state) {
    (void)state;
    unsigned char *p = arena_take(&mem, 10);
    memset(p, 7, 10);
    unsigned char *q = arena_grow(&mem, p, 10, 100);
    assert_ptr_equal(p, q); // the newest grows in place
    unsigned char *other = arena_take(&mem, 1);
    *other = 9;
    unsigned char *r = arena_grow(&mem, q, 100, 50000);
    assert_ptr_not_equal(q, r);
    for (int i = 0; i < 50000; i++)
        assert_int_equal(r[i], i < 10 ? 7 : 0);
    assert_int_equal(*other, 9);
    assert_non_null(arena_grow(&mem, NULL, 0, 5));
}

// --- text ---

static void utf8_is_strict(void **state) {
    (void)state;
    static const struct {
        struct str text;
        bool ok;
    } rows[] = {
        {S_INIT(""), true},
        {S_INIT("gusu"), true},
        {S_INIT("苏州市姑苏区"), true},
        {S_INIT("eight by苏eight by\xF0\x9F\x8F\xAF tail"), true},
        {S_INIT("\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF"), true}, // the edges of what is allowed
        {S_INIT("\0"), false},
        {S_INIT("eightbyt\0eightbyt"), false},
        {S_INIT("\xC0\x80"), false},         // overlong
        {S_INIT("\xC1\xBF"), false},         //
        {S_INIT("\xE0\x9F\xBF"), false},     //
        {S_INIT("\xF0\x8F\xBF\xBF"), false}, //
        {S_INIT("\xED\xA0\x80"), false},     // surrogate
        {S_INIT("\xF4\x90\x80\x80"), false}, // beyond U+10FFFF
        {S_INIT("\xF5\x80\x80\x80"), false}, //
        {S_INIT("\x80"), false},             // stray continuation
        {S_INIT("\xE8\x8B"), false},         // cut
        {S_INIT("苏\xE8\x8B"), false},       //
        {S_INIT("abcdefg\xFF"), false},      //
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(str_utf8_ok(rows[i].text), rows[i].ok);
}

static void every_code_point_survives_a_round_trip(void **state) {
    (void)state;
    for (uint32_t c = 1; c <= 0x10FFFF; c++) {
        if (c == 0xD800) c = 0xE000;
        char out[4];
        struct str s = {out, str_utf8_put(out, c)};
        size_t at = 0;
        if (str_utf8_next(s, &at) != (int32_t)c || at != s.n || !str_utf8_ok(s)) fail_msg("U+%04X", c);
    }
    size_t at = 0;
    assert_int_equal(str_utf8_next(S("\xFF"), &at), -1);
    assert_int_equal(str_utf8_next(S(""), &at), -1);
    assert_int_equal(str_utf8_count(S("苏a州")), 3);
}

static void comparisons_and_slices(void **state) {
    (void)state;
    assert_true(str_eq(STR_NONE, S("")));
    assert_false(str_eq(S("a"), S("b")));
    assert_true(str_eq_nocase(S("Content-Type"), S("content-tYPE")));
    assert_false(str_eq_nocase(S("É"), S("é"))); // ASCII only
    assert_true(str_cmp(S("a"), S("ab")) < 0);
    assert_true(str_cmp(S("b"), S("ab")) > 0);
    assert_true(str_cmp(S("\xE8"), S("a")) > 0); // unsigned bytes
    assert_true(str_starts(S("姑苏"), S("姑")) && !str_starts(S("姑"), S("姑苏")));
    assert_true(str_ends(S("a.csv"), S(".csv")) && !str_ends(S("csv"), S(".csv")));
    assert_true(str_has(S("一网通办"), S("网通")) && !str_has(S("一网"), S("通")) && str_has(S("x"), S("")));
    assert_true(str_eq(str_trim(S(" \t\u3000姓名\u00a0\ufeff\r\n")), S("姓名")));
    assert_true(str_eq(str_trim(S(" \u3000 ")), S("")));
    struct str rest;
    assert_true(str_eq(str_cut(S("a=b=c"), '=', &rest), S("a")) && str_eq(rest, S("b=c")));
    assert_true(str_eq(str_cut(S("abc"), '=', &rest), S("abc")) && rest.p == NULL);
    assert_true(str_eq(str_cut(S("abc="), '=', &rest), S("abc")) && rest.p != NULL && rest.n == 0);
    assert_string_equal(str_z(&mem, S("zero")), "zero");
    assert_true(str_of(NULL).p == NULL);
    assert_true(str_equal_const_time("abc", "abc", 3) && !str_equal_const_time("abc", "abd", 3));
    assert_true(str_hash(S("")) == UINT64_C(0xcbf29ce484222325)); // the published offset basis
    assert_true(str_hash(S("a")) == UINT64_C(0xaf63dc4c8601ec8c));
}

static void integers_stop_at_64_bits(void **state) {
    (void)state;
    int64_t v = 5;
    assert_true(str_int64(S("9223372036854775807"), &v) && v == INT64_MAX);
    assert_true(str_int64(S("-9223372036854775808"), &v) && v == INT64_MIN);
    assert_true(str_int64(S("+007"), &v) && v == 7);
    static const struct str bad[] = {S_INIT("9223372036854775808"),
                                     S_INIT("-9223372036854775809"),
                                     S_INIT(""),
                                     S_INIT("-"),
                                     S_INIT("+"),
                                     S_INIT(" 1"),
                                     S_INIT("1 "),
                                     S_INIT("1.0"),
                                     S_INIT("0x1"),
                                     S_INIT("--1"),
                                     S_INIT("１")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(str_int64(bad[i], &v));
    assert_int_equal(v, 7); // untouched on failure
}

static void hex_and_base64_have_one_spelling(void **state) {
    (void)state;
    uint8_t bytes[3] = {0};
    assert_true(str_eq(str_hex(&mem, "\x00\xAb\xFF", 3), S("00abff")));
    assert_true(str_unhex(S("00aBfF"), bytes, 3) && bytes[1] == 0xAB && bytes[2] == 0xFF);
    assert_false(str_unhex(S("00abf"), bytes, 3));
    assert_false(str_unhex(S("00abfg"), bytes, 3));
    assert_false(str_unhex(S("00abff"), bytes, 2));
    static const struct { // RFC 4648 §10
        struct str plain, padded, url;
    } rows[] = {
        {S_INIT(""), S_INIT(""), S_INIT("")},
        {S_INIT("f"), S_INIT("Zg=="), S_INIT("Zg")},
        {S_INIT("fo"), S_INIT("Zm8="), S_INIT("Zm8")},
        {S_INIT("foo"), S_INIT("Zm9v"), S_INIT("Zm9v")},
        {S_INIT("foobar"), S_INIT("Zm9vYmFy"), S_INIT("Zm9vYmFy")},
        {S_INIT("\xFB\xFF"), S_INIT("+/8="), S_INIT("-_8")},
    };
    struct str back;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(str_eq(str_base64(&mem, rows[i].plain.p, rows[i].plain.n), rows[i].padded));
        assert_true(str_eq(str_base64url(&mem, rows[i].plain.p, rows[i].plain.n), rows[i].url));
        assert_true(str_unbase64(&mem, rows[i].padded, false, &back) && str_eq(back, rows[i].plain));
        assert_true(str_unbase64(&mem, rows[i].url, true, &back) && str_eq(back, rows[i].plain));
    }
    static const struct str bad[] = {S_INIT("Zg"),   S_INIT("Zg="),   S_INIT("Zh=="),     S_INIT("Z==="),
                                     S_INIT("===="), S_INIT("Zm9\n"), S_INIT("Zg==Zg=="), S_INIT("Zm-v")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(str_unbase64(&mem, bad[i], false, &back));
    assert_false(str_unbase64(&mem, S("Zg=="), true, &back));
    assert_false(str_unbase64(&mem, S("Zh"), true, &back));
    assert_false(str_unbase64(&mem, S("Zm+v"), true, &back));
    assert_false(str_unbase64(&mem, S("Z"), true, &back));
}

// --- buffers ---

static void a_buffer_holds_its_limit_and_not_one_byte_more(void **state) {
    (void)state;
    struct buf b = buf_new(&mem, 2, 10);
    buf_puts(&b, "12345");
    buf_print(&b, "%d", 67890);
    assert_false(b.over);
    assert_true(str_eq(buf_str(&b), S("1234567890")));
    buf_char(&b, 'x');
    assert_true(b.over);
    buf_print(&b, "%s", "more");
    assert_null(buf_room(&b, 1));
    assert_int_equal(b.n, 10);
    struct buf c = buf_new(&mem, 0, 3);
    buf_print(&c, "%d", 12345); // too long for the limit: nothing is half written
    assert_true(c.over && c.n == 0);
}

static void a_buffer_grows_and_prints(void **state) {
    (void)state;
    struct buf b = buf_new(&mem, 0, 1 << 20);
    for (int i = 0; i < 1000; i++) {
        buf_int(&b, i % 2 ? i : -i);
        buf_print(&b, "%s", ",");
    }
    assert_false(b.over);
    struct str rest = buf_str(&b);
    for (int i = 0; i < 1000; i++) {
        int64_t v;
        assert_true(str_int64(str_cut(rest, ',', &rest), &v));
        assert_int_equal(v, i % 2 ? i : -i);
    }
    struct buf m = buf_new(&mem, 0, 100);
    buf_int(&m, INT64_MIN);
    assert_true(str_eq(buf_str(&m), S("-9223372036854775808")));
    struct str long_print = str_print(&mem, "%0500d", 7);
    assert_int_equal(long_print.n, 500);
    assert_int_equal(long_print.p[499], '7');
}

// --- errors ---

static void errors_are_cut_at_a_code_point_and_cleaned(void **state) {
    (void)state;
    struct err e = {0};
    char wide[400] = "";
    for (size_t i = 0; i + 3 < sizeof wide; i += 3)
        memcpy(wide + i, "苏", 3);
    assert_int_equal(err_set_row(&e, ERR_field_value, wide, 42, "%s", wide), ERR_field_value);
    assert_int_equal(e.row, 42);
    assert_true(str_utf8_ok(str_of(e.field)) && strlen(e.field) == 63);
    assert_true(str_utf8_ok(str_of(e.arg)) && strlen(e.arg) == 159);
    err_set(&e, ERR_field_value, NULL, "a\nb\x01%s", "\xFFrest");
    assert_string_equal(e.arg, "a b ");
    assert_string_equal(e.field, "");
    err_set(&e, ERR_field_value, e.arg, "%s!", e.arg); // its own text as argument
    assert_string_equal(e.arg, "a b !");
    assert_int_equal(err_set(NULL, ERR_busy, "x", NULL), ERR_busy);
}

static void every_error_has_a_name_a_status_and_two_sentences(void **state) {
    (void)state;
    for (int i = 1; i < ERR_COUNT; i++) {
        const struct err_info *info = err_info((enum err_code)i);
        assert_null(strchr(info->name, '_'));
        assert_in_range(info->status, 400, 599);
        assert_true(strlen(info->zh) > 0 && strlen(info->en) > 0);
        // Both sentences take the argument or neither does.
        assert_int_equal(strstr(info->zh, "{}") != NULL, strstr(info->en, "{}") != NULL);
    }
    assert_string_equal(err_info(ERR_not_found)->name, "not-found");
    assert_string_equal(err_info((enum err_code)9999)->name, "internal");
    struct err e = {0};
    err_set(&e, ERR_too_large, "", "%s", "5 MB");
    assert_true(str_eq(err_text(&mem, &e, true), S("超过上限 5 MB")));
    assert_true(str_eq(err_text(&mem, &e, false), S("Larger than the limit 5 MB")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(arena_gives_zeroed_aligned_memory_again_and_again, up, down),
        cmocka_unit_test_setup_teardown(arena_refuses_beyond_its_limit_and_lives_on, up, down),
        cmocka_unit_test_setup_teardown(arena_growth_keeps_content_and_zeroes_the_rest, up, down),
        cmocka_unit_test_setup_teardown(utf8_is_strict, up, down),
        cmocka_unit_test_setup_teardown(every_code_point_survives_a_round_trip, up, down),
        cmocka_unit_test_setup_teardown(comparisons_and_slices, up, down),
        cmocka_unit_test_setup_teardown(integers_stop_at_64_bits, up, down),
        cmocka_unit_test_setup_teardown(hex_and_base64_have_one_spelling, up, down),
        cmocka_unit_test_setup_teardown(a_buffer_holds_its_limit_and_not_one_byte_more, up, down),
        cmocka_unit_test_setup_teardown(a_buffer_grows_and_prints, up, down),
        cmocka_unit_test_setup_teardown(errors_are_cut_at_a_code_point_and_cleaned, up, down),
        cmocka_unit_test_setup_teardown(every_error_has_a_name_a_status_and_two_sentences, up, down),
    };
    return cmocka_run_group_tests_name("base: text", tests, NULL, NULL);
}
