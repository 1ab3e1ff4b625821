// SPDX-License-Identifier: MulanPSL-2.0
// What a stored number means. A spreadsheet keeps dates as day numbers and says only by the number format
// that they are dates, so the format code decides (ECMA-376 part 1 §18.8.30, §18.17.4). Kept true: the text
// is what the office sees in its own program, so a cell formatted as a date gives a date without the hidden
// time, and digits are never invented: an integer keeps its own, a fraction gets the shortest text that reads
// back.
#include "xml/xlsx_inside.h"
#include "base/clock.h"
#include <assert.h>
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SERIAL_DAYS_MAX    2958465 // 9999-12-31 in the 1900 system
#define INTEGER_DIGITS_MAX 19

// Formats that are known by number and never written out; 27–36 and 50–58 as in Chinese offices.
uint8_t xlsx_format_builtin(uint32_t id) {
    if (id == 46) return XLSX_TIME | XLSX_ELAPSED;
    if (id == 22) return XLSX_DATETIME;
    if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || id == 45 || id == 47 || id == 55 || id == 56)
        return XLSX_TIME;
    if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 58))
        return XLSX_DATE;
    return XLSX_NUMBER;
}

struct found {
    bool date, time, month_or_minute, elapsed;
};

static bool is_run_of(struct str s, char c) {
    for (size_t i = 0; i < s.n; i++)
        if (tolower((unsigned char)s.p[i]) != c) return false;
    return s.n > 0;
}

static bool begins(struct str s, size_t at, struct str word) {
    return s.n - at >= word.n && str_eq_nocase((struct str){s.p + at, word.n}, word);
}

// [h] [mm] [ss] count beyond a day; every other bracket is colour, condition or locale.
static size_t bracket(struct str code, size_t at, struct found *f) {
    const char *end = memchr(code.p + at, ']', code.n - at);
    if (!end) return code.n;
    const struct str in = {code.p + at + 1, (size_t)(end - code.p) - at - 1};
    if (is_run_of(in, 'h') || is_run_of(in, 'm') || is_run_of(in, 's')) f->time = f->elapsed = true;
    return (size_t)(end - code.p) + 1;
}

// One letter outside quotes; gives the position behind it.
static size_t letter(struct str code, size_t at, struct found *f) {
    if (begins(code, at, S("general"))) return at + 7;
    if (begins(code, at, S("am/pm"))) {
        f->time = true;
        return at + 5;
    }
    if (begins(code, at, S("a/p"))) {
        f->time = true;
        return at + 3;
    }
    switch (tolower((unsigned char)code.p[at])) {
    case 'y':
    case 'd':
    case 'b':
        f->date = true;
        break;
    case 'a': // aaa, aaaa: the day of the week in Chinese
        f->date |= begins(code, at, S("aaa"));
        break;
    case 'e': // a year, unless it is the exponent of 0.00E+00
        f->date |= !(at + 1 < code.n && (code.p[at + 1] == '+' || code.p[at + 1] == '-'));
        break;
    case 'h':
    case 's':
        f->time = true;
        break;
    case 'm':
        f->month_or_minute = true;
        break;
    default:
        break;
    }
    return at + 1;
}

uint8_t xlsx_format_kind(struct str code) {
    struct found f = {0};
    for (size_t at = 0; at < code.n && code.p[at] != ';';) { // the first section is for positive numbers
        const char c = code.p[at];
        const char *quote = NULL;
        if (c == '"') {
            quote = at + 1 < code.n ? memchr(code.p + at + 1, '"', code.n - at - 1) : NULL;
            at = quote ? (size_t)(quote - code.p) + 1 : code.n;
        } else if (c == '\\' || c == '_' || c == '*')
            at += 2;
        else if (c == '[')
            at = bracket(code, at, &f);
        else
            at = letter(code, at, &f);
    }
    if (f.month_or_minute && !f.time) f.date = true; // m beside h or s is minutes
    if (f.date) return f.time ? XLSX_DATETIME : XLSX_DATE;
    if (f.time) return (uint8_t)(XLSX_TIME | (f.elapsed ? XLSX_ELAPSED : 0));
    return XLSX_NUMBER;
}

// strtod also takes hex, "inf" and blanks, which no spreadsheet writes.
bool xlsx_number_read(struct str raw, double *ret) {
    char z[64], *end = NULL;
    if (raw.n == 0 || raw.n >= sizeof z) return false;
    memcpy(z, raw.p, raw.n);
    z[raw.n] = 0;
    if (strspn(z, "0123456789+-.eE") < raw.n) return false;
    const double v = strtod(z, &end);
    if (end != z + raw.n || !isfinite(v)) return false;
    *ret = v;
    return true;
}

// Some programs write 18-digit identity numbers as numbers: their digits must not pass through a double.
static bool plain_integer(struct str raw, char out[XLSX_VALUE_MAX]) {
    const size_t sign = raw.n && raw.p[0] == '-' ? 1 : 0;
    size_t at = sign;
    while (at + 1 < raw.n && raw.p[at] == '0')
        at++;
    const size_t digits = raw.n - at;
    if (digits == 0 || digits > INTEGER_DIGITS_MAX) return false;
    for (size_t i = at; i < raw.n; i++)
        if (raw.p[i] < '0' || raw.p[i] > '9') return false;
    const bool is_zero = digits == 1 && raw.p[at] == '0';
    snprintf(out, XLSX_VALUE_MAX, "%s%.*s", sign && !is_zero ? "-" : "", (int)digits, raw.p + at);
    return true;
}

// Shortest digits that read back, laid out as JavaScript does (ECMA-262 Number::toString), so that the page,
// CSV and XLSX show one text for one number.
static void shortest(double v, char out[XLSX_VALUE_MAX]) {
    char e_form[32], digits[20];
    // 15 digits are always kept by a double, unless it is so small that it has fewer itself.
    for (int p = fabs(v) < DBL_MIN ? 0 : 14; p <= 16; p++) {
        snprintf(e_form, sizeof e_form, "%.*e", p, fabs(v));
        if (strtod(e_form, NULL) == fabs(v)) break;
    }
    char *exponent = strchr(e_form, 'e');
    assert(exponent);
    int k = 0;
    for (const char *p = e_form; p < exponent; p++)
        if (*p != '.') digits[k++] = *p;
    while (k > 1 && digits[k - 1] == '0')
        k--;
    const int n = (int)strtol(exponent + 1, NULL, 10) + 1; // the point stands behind digit n
    const char *sign = v < 0 ? "-" : "";
    if (n > 21 || n < -5)
        snprintf(out, XLSX_VALUE_MAX, "%s%c%s%.*se%d", sign, digits[0], k > 1 ? "." : "", k - 1, digits + 1,
                 n - 1);
    else if (n <= 0)
        snprintf(out, XLSX_VALUE_MAX, "%s0.%.*s%.*s", sign, -n, "00000", k, digits);
    else if (n >= k)
        snprintf(out, XLSX_VALUE_MAX, "%s%.*s%.*s", sign, k, digits, n - k, "00000000000000000000000");
    else
        snprintf(out, XLSX_VALUE_MAX, "%s%.*s.%.*s", sign, n, digits, k - n, digits + n);
}

bool xlsx_number_text(struct str raw, char out[XLSX_VALUE_MAX]) {
    double v = 0;
    if (plain_integer(raw, out)) return true;
    if (!xlsx_number_read(raw, &v)) return false;
    if (v == 0)
        snprintf(out, XLSX_VALUE_MAX, "0"); // and not "-0"
    else
        shortest(v, out);
    return true;
}

static void clock_text(int64_t ms, char *out, size_t room) {
    const int64_t s = ms / 1000;
    char fraction[8] = "";
    if (ms % 1000) snprintf(fraction, sizeof fraction, ".%03d", (int)(ms % 1000));
    snprintf(out, room, "%02lld:%02d:%02d%s", (long long)(s / 3600), (int)(s / 60 % 60), (int)(s % 60),
             fraction);
}

bool xlsx_serial_text(double serial, uint8_t style, bool is_1904, char out[XLSX_VALUE_MAX]) {
    if (!(serial >= 0 && serial < SERIAL_DAYS_MAX + 1)) return false;
    // Day numbers carry about microseconds; rounding to the millisecond removes the float's own noise.
    const int64_t ms = llround(serial * (double)DAY_MS);
    int64_t day = ms / DAY_MS;
    const int64_t in_day = ms % DAY_MS;
    const uint8_t kind = style & (uint8_t)~XLSX_ELAPSED;
    if (kind == XLSX_TIME) {
        clock_text(style & XLSX_ELAPSED ? ms : in_day, out, XLSX_VALUE_MAX);
        return true;
    }
    if (is_1904)
        day += clock_days(1904, 1, 1);
    else if (day == 0 || day == 60)
        return false; // "1900-01-00", and the leap day that Lotus 1-2-3 believed in
    else
        day += clock_days(1899, 12, 30) + (day < 60 ? 1 : 0);
    const struct civil c = clock_civil(day * DAY_MS, 0);
    if (c.year > 9999) return false;
    const int at = snprintf(out, XLSX_VALUE_MAX, "%04d-%02d-%02d", c.year, c.month, c.day);
    if (kind != XLSX_DATETIME) return true;
    out[at] = 'T';
    clock_text(in_day, out + at + 1, (size_t)(XLSX_VALUE_MAX - at - 1));
    return true;
}
