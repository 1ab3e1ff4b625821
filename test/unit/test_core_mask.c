// SPDX-License-Identifier: MulanPSL-2.0
// The grade ladder, written out here a second time and by hand: the table in mask.c must agree with it cell by cell.
// And the five cuts, each with values that do not fit them.
#include "cmocka_all.h"
#include "core/mask.h"

static struct arena mem;

static void ladder(void **state) {
    // Rows: public, preview, grant, released, owner; columns: L1..L4. c clear, m declared mask, h hidden, o absent.
    static const char *const want[] = {"cooo", "cmmh", "ccmh", "cccm", "cccm"};
    for (int p = MASK_PUBLIC; p <= MASK_OWNER; p++)
        for (int g = GRADE_L1; g <= GRADE_L4; g++) {
            enum mask_kind k = mask_for(g, MASK_YEAR, (enum mask_purpose)p);
            char c = k == MASK_NONE ? 'c' : k == MASK_YEAR ? 'm' : k == MASK_HIDE ? 'h' : 'o';
            assert_int_equal(c, want[p - MASK_PUBLIC][g - GRADE_L1]);
            // Without a declared cut the whole value goes where a cut is due: never shown by omission.
            k = mask_for(g, MASK_NONE, (enum mask_purpose)p);
            if (want[p - MASK_PUBLIC][g - GRADE_L1] == 'm') assert_int_equal(k, MASK_HIDE);
        }
    assert_int_equal(mask_for(0, MASK_NONE, MASK_OWNER), MASK_OMIT);
    assert_int_equal(mask_for(5, MASK_NONE, MASK_OWNER), MASK_OMIT);
    assert_int_equal(mask_for(GRADE_L1, MASK_NONE, (enum mask_purpose)0), MASK_OMIT);
    assert_int_equal(mask_for(GRADE_L1, MASK_NONE, (enum mask_purpose)6), MASK_OMIT);
    (void)state;
}

static void cuts(void **state) {
    static const struct {
        enum mask_kind k;
        const char *v, *want;
    } t[] = {{MASK_NONE, "样某某", "样某某"},
             {MASK_FIRST_CHAR, "样某某", "样**"},
             {MASK_FIRST_CHAR, "样某", "样*"},
             {MASK_FIRST_CHAR, "样", "***"},
             {MASK_FIRST_CHAR, "A very long foreign name", "A********"},
             {MASK_RID, "329900198703021234", "329900********1234"},
             {MASK_RID, "32990019870302123X", "329900********123X"},
             {MASK_RID, "3299001987", "***"},
             {MASK_RID, "32990019870302123Y", "***"},
             {MASK_YEAR, "1987-03-02", "1987"},
             {MASK_YEAR, "198703", "1987"},
             {MASK_YEAR, "0001-01-01", "***"},
             {MASK_YEAR, "二〇二三年", "***"},
             {MASK_ADDRESS, "样例市姑苏区平江街道样例社区9号", "样例市姑苏区平江街道样例社区***"},
             {MASK_ADDRESS, "样例市木渎镇样例村3组", "样例市木渎镇样例村***"},
             {MASK_ADDRESS, "样例市平江街道9号", "样例市平江街道***"},
             {MASK_ADDRESS, "样例市样例镇", "样例市样例镇"},
             {MASK_ADDRESS, "样例市9号", "***"},
             {MASK_HIDE, "x", "***"},
             {MASK_HIDE, "", ""},
             {MASK_FIRST_CHAR, "", ""}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct str got = mask_text(&mem, t[i].k, str_of(t[i].v));
        assert_true(str_eq(got, str_of(t[i].want)));
    }
    assert_true(mask_keeps_number(MASK_NONE));
    assert_false(mask_keeps_number(MASK_YEAR));
    assert_false(mask_keeps_number(MASK_HIDE));
    (void)state;
}

static void words(void **state) {
    enum mask_kind k;
    int g = 0;
    for (int i = MASK_NONE; i < MASK_OMIT; i++) {
        assert_true(mask_of(str_of(mask_code((enum mask_kind)i)), &k));
        assert_int_equal(k, i);
    }
    assert_true(mask_of(S(""), &k));
    assert_int_equal(k, MASK_NONE);
    assert_false(mask_of(S("omit"), &k)); // decided by the ladder, never declared
    assert_false(mask_of(S("first"), &k));
    for (int i = GRADE_L1; i <= GRADE_L4; i++) {
        assert_true(mask_grade_of(str_of(mask_grade_code(i)), &g));
        assert_int_equal(g, i);
    }
    assert_false(mask_grade_of(S("L5"), &g));
    assert_string_equal(mask_grade_code(0), "");
    (void)state;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ladder), cmocka_unit_test(cuts),
                                       cmocka_unit_test(words)};
    arena_init(&mem, 0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&mem);
    return failed;
}
