// SPDX-License-Identifier: MulanPSL-2.0
// The wall clock, the civil calendar and its written forms. Keeps true: every conversion is exact integer
// arithmetic over the proleptic Gregorian calendar (no libc calendar, no time zone files, no locale), floors
// towards the past for times before 1970, and reads back what it writes.
#include "base/clock.h"
#include <stdio.h>
#include <time.h>

// May jump when the machine's clock is set; never used to measure how long something took.
int64_t clock_now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// Never jumps and means nothing outside this boot; never stored.
int64_t clock_mono_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

// C divides towards zero; the day before 1970-01-01 is day -1, not day 0.
static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

// Days and civil dates after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in
// March so that the leap day is the last of its year, and 400 years (146097 days) are one era.
int32_t clock_days(int year, int month, int day) {
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int32_t)(era * 146097 + day_of_era - 719468);
}

// The inverse. 1460, 36524 and 146096 take back the leap days of 4, 100 and 400 years.
static void civil_of_days(int64_t days, struct civil *c) {
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    c->day = (int)(doy - (153 * mp + 2) / 5 + 1);
    c->month = (int)(mp < 10 ? mp + 3 : mp - 9);
    c->year = (int)(yoe + era * 400 + (c->month <= 2));
}

struct civil clock_civil(int64_t utc_ms, int64_t offset_ms) {
    int64_t local = utc_ms + offset_ms;
    int64_t days = floor_div(local, DAY_MS);
    int64_t ms = local - days * DAY_MS;
    struct civil c = {.hour = (int)(ms / 3600000),
                      .minute = (int)(ms / 60000 % 60),
                      .second = (int)(ms / 1000 % 60),
                      .ms = (int)(ms % 1000)};
    civil_of_days(days, &c);
    return c;
}

int64_t clock_utc(struct civil c, int64_t offset_ms) {
    int64_t day = clock_days(c.year, c.month, c.day);
    int64_t ms = (((int64_t)c.hour * 60 + c.minute) * 60 + c.second) * 1000 + c.ms;
    return day * DAY_MS + ms - offset_ms;
}

// Year 0 exists in the proleptic calendar but in no office's file; there it is a typing error.
bool clock_date_ok(int year, int month, int day) {
    static const int last[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) return false;
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= last[month - 1] + (month == 2 && is_leap);
}

int clock_weekday(int32_t days) {
    return (int)((((int64_t)days + 4) % 7 + 7) % 7); // 1970-01-01 was a Thursday
}

// Always three digits of fraction and 'Z': texts of the same length sort as the times they name.
struct str clock_iso(struct arena *a, int64_t utc_ms) {
    struct civil c = clock_civil(utc_ms, 0);
    return str_print(a, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", c.year, c.month, c.day, c.hour, c.minute,
                     c.second, c.ms);
}

struct str clock_iso_offset(struct arena *a, int64_t utc_ms, int64_t offset_ms) {
    struct civil c = clock_civil(utc_ms, offset_ms);
    int minutes = (int)(offset_ms / 60000);
    int size = minutes < 0 ? -minutes : minutes;
    return str_print(a, "%04d-%02d-%02dT%02d:%02d:%02d.%03d%c%02d:%02d", c.year, c.month, c.day, c.hour,
                     c.minute, c.second, c.ms, minutes < 0 ? '-' : '+', size / 60, size % 60);
}

struct str clock_date(struct arena *a, int32_t days) {
    struct civil c = {0};
    civil_of_days(days, &c);
    return str_print(a, "%04d-%02d-%02d", c.year, c.month, c.day);
}

// RFC 9110 §5.6.7: always English names and GMT.
struct str clock_http(struct arena *a, int64_t utc_ms) {
    static const char day[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char month[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct civil c = clock_civil(utc_ms, 0);
    int weekday = clock_weekday(clock_days(c.year, c.month, c.day));
    return str_print(a, "%s, %02d %s %04d %02d:%02d:%02d GMT", day[weekday], c.day, month[c.month - 1],
                     c.year, c.hour, c.minute, c.second);
}

// Reads between `least` and `most` digits off the front of s.
static bool take_int(struct str *s, size_t least, size_t most, int *ret) {
    int v = 0;
    size_t i = 0;
    for (; i < s->n && i < most && s->p[i] >= '0' && s->p[i] <= '9'; i++)
        v = v * 10 + (s->p[i] - '0');
    if (i < least) return false;
    *s = (struct str){s->p + i, s->n - i};
    *ret = v;
    return true;
}

static bool take_mark(struct str *s, struct str mark) {
    if (!str_starts(*s, mark)) return false;
    *s = (struct str){s->p + mark.n, s->n - mark.n};
    return true;
}

// The fraction after the seconds, any number of digits; what is finer than a millisecond is dropped.
static bool take_fraction(struct str *s, int *ret_ms) {
    *ret_ms = 0;
    if (!take_mark(s, S("."))) return true;
    int scale = 100, digit;
    bool has_digit = false;
    while (take_int(s, 1, 1, &digit)) {
        *ret_ms += digit * scale;
        scale /= 10;
        has_digit = true;
    }
    return has_digit;
}

static bool take_offset(struct str *s, int64_t *ret_ms) {
    *ret_ms = 0;
    if (take_mark(s, S("Z")) || take_mark(s, S("z"))) return true;
    bool is_west = take_mark(s, S("-"));
    if (!is_west && !take_mark(s, S("+"))) return false;
    int hour, minute;
    if (!take_int(s, 2, 2, &hour) || !take_mark(s, S(":")) || !take_int(s, 2, 2, &minute)) return false;
    if (hour > 23 || minute > 59) return false;
    *ret_ms = (int64_t)(is_west ? -1 : 1) * (hour * 60 + minute) * 60000;
    return true;
}

// RFC 3339 §5.6 without its leave to replace the T. The offset is obligatory: a time without one is an hour of
// some unknown place, and guessing China for it would be wrong for the first neighbour that is not.
bool clock_read_iso(struct str s, int64_t *ret_utc_ms) {
    struct civil c = {0};
    int64_t offset;
    if (!take_int(&s, 4, 4, &c.year) || !take_mark(&s, S("-"))) return false;
    if (!take_int(&s, 2, 2, &c.month) || !take_mark(&s, S("-")) || !take_int(&s, 2, 2, &c.day)) return false;
    if (!take_mark(&s, S("T")) && !take_mark(&s, S("t"))) return false;
    if (!take_int(&s, 2, 2, &c.hour) || !take_mark(&s, S(":"))) return false;
    if (!take_int(&s, 2, 2, &c.minute) || !take_mark(&s, S(":")) || !take_int(&s, 2, 2, &c.second))
        return false;
    if (!take_fraction(&s, &c.ms) || !take_offset(&s, &offset) || s.n != 0) return false;
    if (!clock_date_ok(c.year, c.month, c.day) || c.hour > 23 || c.minute > 59) return false;
    // A leap second (RFC 3339 §5.7) is counted as the first second of the next minute, as POSIX time does.
    if (c.second > 60 || (c.second == 60 && c.minute != 59)) return false;
    *ret_utc_ms = clock_utc(c, offset);
    return true;
}

// One separator throughout: 2026-02/09 is more likely two dates glued together than one. No two-digit years, no
// month names, no day-month order: what cannot be read without a guess is set aside for a person to read.
bool clock_read_date(struct str s, int32_t *ret_days) {
    s = str_trim(s);
    int year, month, day;
    if (!take_int(&s, 4, 4, &year)) return false;
    if (s.n == 4 && take_int(&s, 2, 2, &month) && take_int(&s, 2, 2, &day)) { // 20261122
        if (s.n != 0 || !clock_date_ok(year, month, day)) return false;
        *ret_days = clock_days(year, month, day);
        return true;
    }
    static const struct {
        struct str after_year, after_month;
    } forms[] = {
        {S_INIT("-"), S_INIT("-")},
        {S_INIT("/"), S_INIT("/")},
        {S_INIT("."), S_INIT(".")},
        {S_INIT("年"), S_INIT("月")},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct str t = s;
        if (!take_mark(&t, forms[i].after_year) || !take_int(&t, 1, 2, &month)) continue;
        if (!take_mark(&t, forms[i].after_month) || !take_int(&t, 1, 2, &day)) return false;
        bool is_at_end = t.n == 0 || (i == 3 && str_eq(t, S("日"))); // some leave the last character out
        if (!is_at_end || !clock_date_ok(year, month, day)) return false;
        *ret_days = clock_days(year, month, day);
        return true;
    }
    return false;
}
