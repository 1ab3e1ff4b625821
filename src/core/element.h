// SPDX-License-Identifier: MulanPSL-2.0
// The check rules of elements 数据元: whether a written value can be what its element says. Pure functions
// over text; existence in a code list or an area table is asked of the caller's own lookup. Law and standard
// behind each rule stand in element.c.
#ifndef CORE_ELEMENT_H
#define CORE_ELEMENT_H
#include "base/err.h"

enum element_rule {
    ELEMENT_ANY = 0,
    ELEMENT_USCC,     // GB 32100: 18 characters, mod 31
    ELEMENT_RID,      // GB 11643: 18 characters, ISO 7064 mod 11-2, a real birthday not after today
    ELEMENT_DATE_RID, // a birth date; agrees with the rid of the same row: element_birth_agrees
    ELEMENT_AREA,     // 6, 9 or 12 digits; with `known` also: the table knows it (aliases count)
    ELEMENT_PERIOD,   // yyyymm
    ELEMENT_CODE      // one of a code list
};
const char *element_rule_code(enum element_rule r);                 // "uscc"; "" for ANY
bool element_rule_of(struct str code, enum element_rule *ret) MUST; // "" is ANY

// OK, or the code that says what is wrong with the value: ERR_uscc_form, ERR_uscc_check, ERR_rid_form,
// ERR_rid_birth, ERR_rid_check, ERR_date_form, ERR_period_form, ERR_area_form, ERR_area_unknown, ERR_code_unknown.
// `known` answers for AREA and CODE whether the value exists (NULL = form only). An empty value is OK here:
// whether a value must be there is the column's matter. today = days since 1970, bound for birthdays.
enum err_code element_check(enum element_rule r, struct str value, int32_t today,
                            bool (*known)(void *arg, struct str value), void *arg);
// A birth date ("1987-03-02" in any spelling of base/clock.h) against digits 7–14 of a rid: ERR_birth_differs.
enum err_code element_birth_agrees(struct str birth_date, struct str rid);
// The check characters, for generators and tests: 0 when the first 17 characters are not of the alphabet.
char element_uscc_check_char(struct str first17);
char element_rid_check_char(struct str first17);

#endif
