// SPDX-License-Identifier: MulanPSL-2.0
// The grade ladder as a table and the five cuts. Keeps true: (1) a value that does not have the form its mask
// expects is hidden whole; (2) nothing but `clear` in the ladder shows a value as it is; (3) an empty value stays
// empty, because "there is none" is a fact of the row and not of the person's secret.
#include "core/mask.h"
#include <assert.h>

#define MASK_STARS_MAX 8 // more stars would tell the length of a long name

static const char *const codes[] = {"none", "first_char", "rid", "year", "address", "hide", "omit"};
static const char *const grades[] = {"", "L1", "L2", "L3", "L4"};

enum rung { OMIT = 0, CLEAR, CUT, HIDE }; // 0 is the safe one
static const uint8_t ladder[MASK_OWNER + 1][GRADE_L4 + 1] = {
    [MASK_PUBLIC] = {OMIT, CLEAR, OMIT, OMIT, OMIT}, [MASK_PREVIEW] = {OMIT, CLEAR, CUT, CUT, HIDE},
    [MASK_GRANT] = {OMIT, CLEAR, CLEAR, CUT, HIDE},  [MASK_RELEASED] = {OMIT, CLEAR, CLEAR, CLEAR, CUT},
    [MASK_OWNER] = {OMIT, CLEAR, CLEAR, CLEAR, CUT},
};

const char *mask_code(enum mask_kind k) {
    assert(k >= MASK_NONE && k <= MASK_OMIT);
    return codes[k];
}

bool mask_of(struct str code, enum mask_kind *ret) {
    assert(ret);
    if (code.n == 0) {
        *ret = MASK_NONE;
        return true;
    }
    for (int i = MASK_NONE; i < MASK_OMIT; i++) // "omit" is decided by the ladder, never declared
        if (str_eq(code, str_of(codes[i]))) {
            *ret = (enum mask_kind)i;
            return true;
        }
    return false;
}

const char *mask_grade_code(int grade) {
    return grade >= GRADE_L1 && grade <= GRADE_L4 ? grades[grade] : "";
}

bool mask_grade_of(struct str code, int *ret_grade) {
    assert(ret_grade);
    for (int i = GRADE_L1; i <= GRADE_L4; i++)
        if (str_eq(code, str_of(grades[i]))) {
            *ret_grade = i;
            return true;
        }
    return false;
}

enum mask_kind mask_for(int grade, enum mask_kind declared, enum mask_purpose purpose) {
    assert(declared >= MASK_NONE && declared <= MASK_OMIT);
    if (grade < GRADE_L1 || grade > GRADE_L4 || purpose < MASK_PUBLIC || purpose > MASK_OWNER)
        return MASK_OMIT;
    switch ((enum rung)ladder[purpose][grade]) {
    case CLEAR:
        return MASK_NONE;
    case CUT: // a column graded up without a declared cut has no safe part: all of it goes
        return declared == MASK_NONE ? MASK_HIDE : declared;
    case HIDE:
        return MASK_HIDE;
    case OMIT:
        break;
    }
    return MASK_OMIT;
}

bool mask_keeps_number(enum mask_kind k) {
    return k == MASK_NONE;
}

static bool is_digits(struct str s, size_t from, size_t n) {
    if (s.n < from + n) return false;
    for (size_t i = from; i < from + n; i++)
        if (s.p[i] < '0' || s.p[i] > '9') return false;
    return true;
}

// 王小明 -> 王**; a name of one character shows only that there is one.
static bool first_char(struct buf *out, struct str v) {
    size_t at = 0;
    if (str_utf8_next(v, &at) < 0 || at == v.n) return false;
    buf_put(out, (struct str){v.p, at});
    size_t left = str_utf8_count((struct str){v.p + at, v.n - at});
    for (size_t i = 0; i < left && i < MASK_STARS_MAX; i++)
        buf_char(out, '*');
    return true;
}

// 18 characters of GB 11643: place and birth year's first two digits... six in front, four behind, eight stars.
static bool rid(struct buf *out, struct str v) {
    if (v.n != 18 || !is_digits(v, 0, 17)) return false;
    char last = v.p[17];
    if (!(last >= '0' && last <= '9') && last != 'X' && last != 'x') return false;
    buf_put(out, (struct str){v.p, 6});
    buf_puts(out, "********");
    buf_put(out, (struct str){v.p + 14, 4});
    return true;
}

// The year of 1987-03-02, 198703, 1987年3月2日. A bare number such as 19870302 counts too.
static bool year(struct buf *out, struct str v) {
    if (!is_digits(v, 0, 4)) return false;
    int y = (v.p[0] - '0') * 1000 + (v.p[1] - '0') * 100 + (v.p[2] - '0') * 10 + (v.p[3] - '0');
    if (y < 1800 || y > 2200) return false;
    buf_put(out, (struct str){v.p, 4});
    return true;
}

// Behind the last community-like word: 社区 and 村 say where without saying which door; then street, then town.
// The last 社区 is searched first, so that 平江路社区 in 平江街道 is kept whole.
static bool address(struct buf *out, struct str v) {
    static const char *const ends[] = {"社区", "村", "街道", "镇"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct str word = str_of(ends[i]);
        for (size_t at = 0; at + word.n <= v.n; at++) {
            if (memcmp(v.p + at, word.p, word.n) != 0) continue;
            // The first one counts: what follows it may hold the word again as part of a house's name.
            buf_put(out, (struct str){v.p, at + word.n});
            if (at + word.n < v.n) buf_puts(out, "***");
            return true;
        }
    }
    return false;
}

void mask_put(struct buf *out, enum mask_kind k, struct str value) {
    assert(out && k >= MASK_NONE && k < MASK_OMIT);
    bool done = false;
    if (value.n == 0) return;
    switch (k) {
    case MASK_NONE:
        buf_put(out, value);
        return;
    case MASK_FIRST_CHAR:
        done = first_char(out, value);
        break;
    case MASK_RID:
        done = rid(out, value);
        break;
    case MASK_YEAR:
        done = year(out, value);
        break;
    case MASK_ADDRESS:
        done = address(out, value);
        break;
    case MASK_HIDE:
    case MASK_OMIT:
        break;
    }
    if (!done) buf_puts(out, "***");
}

struct str mask_text(struct arena *mem, enum mask_kind k, struct str value) {
    if (k == MASK_NONE || value.n == 0) return value;
    struct buf out = buf_new(mem, value.n + 16, value.n * 2 + 64);
    mask_put(&out, k, value);
    return out.over ? S("***") : buf_str(&out);
}
