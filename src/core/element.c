// SPDX-License-Identifier: MulanPSL-2.0
// Check rules of elements. Each function judges one value by its standard and names what is wrong with it; none
// looks anything up by itself. Kept true: a value that passes could have been issued, one that fails could not.
#include "core/element.h"
#include "base/clock.h"
#include <assert.h>

static const char *const codes[] = {"", "uscc", "rid", "date_rid", "area", "period", "code"};

const char *element_rule_code(enum element_rule r) {
    assert(r >= ELEMENT_ANY && r <= ELEMENT_CODE);
    return codes[r];
}

bool element_rule_of(struct str code, enum element_rule *ret) {
    assert(ret);
    for (int i = ELEMENT_ANY; i <= ELEMENT_CODE; i++)
        if (str_eq(code, str_of(codes[i])) || (i == ELEMENT_ANY && code.n == 0)) {
            *ret = (enum element_rule)i;
            return true;
        }
    return false;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
static int two(const char *p) {
    return (p[0] - '0') * 10 + (p[1] - '0');
}

// GB 32100-2015: 31 characters (no I, O, Z, S, V), weights 3^i mod 31, check = (31 - sum mod 31) mod 31.
static const char uscc_alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
static int uscc_value(char c) {
    const char *at = c ? strchr(uscc_alphabet, c) : NULL;
    return at ? (int)(at - uscc_alphabet) : -1;
}

char element_uscc_check_char(struct str first17) {
    assert(first17.p);
    if (first17.n < 17) return 0;
    int sum = 0, weight = 1;
    for (int i = 0; i < 17; i++) {
        int v = uscc_value(first17.p[i]);
        if (v < 0) return 0;
        sum += v * weight;
        weight = weight * 3 % 31;
    }
    return uscc_alphabet[(31 - sum % 31) % 31];
}

static enum err_code check_uscc(struct str v) {
    if (v.n != 18 || uscc_value(v.p[17]) < 0) return ERR_uscc_form;
    // Characters 3–8 are the registration authority's place and must be digits; they are NOT asked of the area
    // table: firms of the Industrial Park carry 320594, which is in no list of areas.
    for (int i = 2; i < 8; i++)
        if (!is_digit(v.p[i])) return ERR_uscc_form;
    char c = element_uscc_check_char((struct str){v.p, 17});
    if (!c) return ERR_uscc_form;
    return c == v.p[17] ? OK : ERR_uscc_check;
}

// GB 11643-1999: ISO 7064 mod 11-2 over 17 digits.
char element_rid_check_char(struct str first17) {
    static const int weight[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    static const char check[] = "10X98765432";
    assert(first17.p);
    if (first17.n < 17) return 0;
    int sum = 0;
    for (int i = 0; i < 17; i++) {
        if (!is_digit(first17.p[i])) return 0;
        sum += (first17.p[i] - '0') * weight[i];
    }
    return check[sum % 11];
}

static enum err_code check_rid(struct str v, int32_t today) {
    if (v.n != 18) return ERR_rid_form; // 15-digit numbers have been void since 2013
    char c = element_rid_check_char((struct str){v.p, 17});
    char last = v.p[17] == 'x' ? 'X' : v.p[17];
    if (!c || (!is_digit(last) && last != 'X')) return ERR_rid_form;
    int year = two(v.p + 6) * 100 + two(v.p + 8), month = two(v.p + 10), day = two(v.p + 12);
    if (year < 1850 || !clock_date_ok(year, month, day)) return ERR_rid_birth;
    if (today > 0 && clock_days(year, month, day) > today) return ERR_rid_birth;
    return c == last ? OK : ERR_rid_check;
}

static enum err_code check_period(struct str v) {
    if (v.n != 6) return ERR_period_form;
    for (int i = 0; i < 6; i++)
        if (!is_digit(v.p[i])) return ERR_period_form;
    int year = two(v.p) * 100 + two(v.p + 2), month = two(v.p + 4);
    return year >= 1949 && year <= 2200 && month >= 1 && month <= 12 ? OK : ERR_period_form;
}

// The national list codes provinces, cities and districts by 6 digits, townships by 9, communities by 12.
static enum err_code check_area(struct str v, bool (*known)(void *arg, struct str value), void *arg) {
    if (v.n != 6 && v.n != 9 && v.n != 12) return ERR_area_form;
    for (size_t i = 0; i < v.n; i++)
        if (!is_digit(v.p[i])) return ERR_area_form;
    return !known || known(arg, v) ? OK : ERR_area_unknown;
}

static enum err_code check_birth(struct str v, int32_t today) {
    int32_t day;
    if (!clock_read_date(v, &day)) return ERR_date_form;
    return today > 0 && day > today ? ERR_date_form : OK;
}

enum err_code element_check(enum element_rule r, struct str value, int32_t today,
                            bool (*known)(void *arg, struct str value), void *arg) {
    if (value.n == 0) return OK;
    switch (r) {
    case ELEMENT_ANY:
        return OK;
    case ELEMENT_USCC:
        return check_uscc(value);
    case ELEMENT_RID:
        return check_rid(value, today);
    case ELEMENT_DATE_RID:
        return check_birth(value, today);
    case ELEMENT_AREA:
        return check_area(value, known, arg);
    case ELEMENT_PERIOD:
        return check_period(value);
    case ELEMENT_CODE:
        return !known || known(arg, value) ? OK : ERR_code_unknown;
    }
    return ERR_field_value; // a rule that nobody knows checks nothing, so nothing passes
}

enum err_code element_birth_agrees(struct str birth_date, struct str rid) {
    int32_t day;
    if (birth_date.n == 0 || rid.n != 18) return OK; // the other checks speak of these
    if (!clock_read_date(birth_date, &day)) return ERR_date_form;
    for (int i = 6; i < 14; i++)
        if (!is_digit(rid.p[i])) return OK;
    int year = two(rid.p + 6) * 100 + two(rid.p + 8), month = two(rid.p + 10), mday = two(rid.p + 12);
    if (!clock_date_ok(year, month, mday)) return OK;
    return clock_days(year, month, mday) == day ? OK : ERR_birth_differs;
}
