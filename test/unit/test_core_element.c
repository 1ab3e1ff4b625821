// SPDX-License-Identifier: MulanPSL-2.0
// Check rules of elements. Valid numbers are made with place digits 329900, which no real firm or person can carry;
// the two published examples of the standards themselves are checked too.
#include "cmocka_all.h"
#include "base/clock.h"
#include "core/element.h"

#define TODAY clock_days(2026, 11, 22)

static int check(enum element_rule r, const char *v) {
    return element_check(r, str_of(v), TODAY, NULL, NULL);
}

static void uscc(void **state) {
    char v[19] = "91329900MA000B5J4", all[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    v[17] = element_uscc_check_char((struct str){v, 17});
    v[18] = 0;
    assert_int_equal(check(ELEMENT_USCC, v), OK);
    for (const char *c = all; *c; c++) { // every other check character is wrong
        char w[19];
        memcpy(w, v, sizeof w);
        w[17] = *c;
        assert_int_equal(check(ELEMENT_USCC, w), *c == v[17] ? OK : ERR_uscc_check);
    }
    for (int i = 0; i < 17; i++) // one changed character is always found (31 is prime)
        for (const char *c = all; *c; c++) {
            char w[19];
            memcpy(w, v, sizeof w);
            if (w[i] == *c || (i >= 2 && i < 8 && *c > '9')) continue;
            w[i] = *c;
            assert_int_equal(check(ELEMENT_USCC, w), ERR_uscc_check);
        }
    assert_int_equal(check(ELEMENT_USCC, "91350100M000100Y43"), OK); // example of GB 32100-2015
    assert_int_equal(check(ELEMENT_USCC, "91329900MA000B5J4"), ERR_uscc_form);
    assert_int_equal(check(ELEMENT_USCC, "91329900MA000B5JI0"), ERR_uscc_form); // I is not of the alphabet
    assert_int_equal(check(ELEMENT_USCC, "91A29900MA000B5J40"), ERR_uscc_form);
    assert_int_equal(check(ELEMENT_USCC, ""), OK); // whether it must be there is the column's matter
    assert_int_equal(element_uscc_check_char(S("91")), 0);
    (void)state;
}

static void rid(void **state) {
    assert_int_equal(check(ELEMENT_RID, "11010519491231002X"), OK); // example of GB 11643-1999
    assert_int_equal(check(ELEMENT_RID, "11010519491231002x"), OK);
    assert_int_equal(check(ELEMENT_RID, "110105194912310021"), ERR_rid_check);
    assert_int_equal(check(ELEMENT_RID, "11010519490231002X"), ERR_rid_birth); // 31 February
    assert_int_equal(check(ELEMENT_RID, "11010518491231002X"), ERR_rid_birth);
    assert_int_equal(check(ELEMENT_RID, "110105491231002"), ERR_rid_form); // 15 digits: void since 2013
    assert_int_equal(check(ELEMENT_RID, "1101051949123100AX"), ERR_rid_form);
    char v[19] = "32990020270101001"; // not born yet
    v[17] = element_rid_check_char((struct str){v, 17});
    v[18] = 0;
    assert_int_equal(check(ELEMENT_RID, v), ERR_rid_birth);
    (void)state;
}

static bool known_even(void *arg, struct str v) {
    (*(int *)arg)++;
    return (v.p[v.n - 1] - '0') % 2 == 0;
}

static void others(void **state) {
    int asked = 0;
    assert_int_equal(check(ELEMENT_PERIOD, "202611"), OK);
    assert_int_equal(check(ELEMENT_PERIOD, "202613"), ERR_period_form);
    assert_int_equal(check(ELEMENT_PERIOD, "202600"), ERR_period_form);
    assert_int_equal(check(ELEMENT_PERIOD, "2026-1"), ERR_period_form);
    assert_int_equal(check(ELEMENT_AREA, "320508"), OK);
    assert_int_equal(check(ELEMENT_AREA, "3205"), ERR_area_form);
    assert_int_equal(check(ELEMENT_AREA, "32050A"), ERR_area_form);
    assert_int_equal(element_check(ELEMENT_AREA, S("320508"), TODAY, known_even, &asked), OK);
    assert_int_equal(element_check(ELEMENT_AREA, S("320509"), TODAY, known_even, &asked), ERR_area_unknown);
    assert_int_equal(element_check(ELEMENT_CODE, S("1"), TODAY, known_even, &asked), ERR_code_unknown);
    assert_int_equal(asked, 3);
    assert_int_equal(check(ELEMENT_DATE_RID, "1987-03-02"), OK);
    assert_int_equal(check(ELEMENT_DATE_RID, "2027-03-02"), ERR_date_form); // after today
    assert_int_equal(check(ELEMENT_DATE_RID, "soon"), ERR_date_form);
    assert_int_equal(element_birth_agrees(S("1949-12-31"), S("11010519491231002X")), OK);
    assert_int_equal(element_birth_agrees(S("1949/12/31"), S("11010519491231002X")), OK);
    assert_int_equal(element_birth_agrees(S("1949-12-30"), S("11010519491231002X")), ERR_birth_differs);
    assert_int_equal(element_birth_agrees(S(""), S("11010519491231002X")), OK);
    (void)state;
}

static void words(void **state) {
    enum element_rule r;
    for (int i = ELEMENT_ANY; i <= ELEMENT_CODE; i++) {
        assert_true(element_rule_of(str_of(element_rule_code((enum element_rule)i)), &r));
        assert_int_equal(r, i);
    }
    assert_false(element_rule_of(S("luhn"), &r));
    (void)state;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(uscc), cmocka_unit_test(rid),
                                       cmocka_unit_test(others), cmocka_unit_test(words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
