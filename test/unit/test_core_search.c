// SPDX-License-Identifier: MulanPSL-2.0
// The search cutter: what it writes, that every pair of a long run is kept, and that no query becomes an operator.
#include "cmocka_all.h"
#include "core/search.h"

static struct arena mem;

static struct str cut(const char *s) {
    struct buf b = buf_new(&mem, 64, 65536);
    search_cut(&b, str_of(s));
    return buf_str(&b);
}
static struct str match(const char *s) {
    struct buf b = buf_new(&mem, 64, 65536);
    return search_match(&b, str_of(s), false) ? buf_str(&b) : STR_NONE;
}

static void cuts(void **state) {
    assert_true(str_eq(cut("苏州市2021年 GDP"), S("苏州 州市 市 2021 年 gdp ")));
    assert_true(str_eq(cut("ＡＢＣ１２"), S("abc12 ")));
    assert_true(str_eq(cut("企业(机构)名称"), S("企业 业 机构 构 名称 称 ")));
    assert_true(str_eq(cut(" \t,。;"), S("")));
    assert_true(str_eq(cut(""), S("")));
    (void)state;
}

static void queries(void **state) {
    assert_true(str_eq(match("苏州"), S("\"苏州\"")));
    assert_true(str_eq(match("苏州市"), S("\"苏州 州市\"")));
    assert_true(str_eq(match("苏"), S("\"苏\" *")));
    assert_true(str_eq(match("GDP 苏州"), S("\"gdp\" * AND \"苏州\"")));
    // What a stranger types never becomes an operator.
    assert_true(str_eq(match("a\" OR \"b* NEAR(c)"),
                       S("\"a\" * AND \"or\" * AND \"b\" * AND \"near\" * AND \"c\" *")));
    assert_null(match("  -\"*() ").p);
    assert_null(match("").p);
    (void)state;
}

// A long run of Han characters is cut in pieces without losing the pair across the seam.
static void long_runs(void **state) {
    char text[3 * 200 + 1], pair[7] = {0};
    for (int i = 0; i < 200; i++) { // 200 different characters from U+4E00 on
        text[i * 3] = (char)0xE4;
        text[i * 3 + 1] = (char)(0xB8 + (i >> 6));
        text[i * 3 + 2] = (char)(0x80 + (i & 63));
    }
    text[600] = 0;
    struct str words = cut(text);
    for (int i = 0; i + 1 < 200; i++) {
        memcpy(pair, text + i * 3, 6);
        assert_true(str_has(words, str_of(pair)));
    }
    assert_int_equal(str_utf8_count(words),
                     199 * 3 + 2); // 199 pairs, one single, a space each: nothing twice
    (void)state;
}

static void limits(void **state) {
    char q[400] = "";
    for (int i = 0; i < 100; i++)
        memcpy(q + i * 3, "ab ", 4);
    struct str m = match(q);
    size_t n = 0;
    for (size_t i = 0; i < m.n; i++)
        n += m.p[i] == '*';
    assert_int_equal(n, SEARCH_TERMS_MAX);
    (void)state;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(cuts), cmocka_unit_test(queries),
                                       cmocka_unit_test(long_runs), cmocka_unit_test(limits)};
    arena_init(&mem, 0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&mem);
    return failed;
}
