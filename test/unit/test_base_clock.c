// SPDX-License-Identifier: MulanPSL-2.0
// The calendar against known days and against itself, the written forms, and the working days of 2026 as the
// State Council announced its Spring Festival (off 15–23 February, worked 14 and 28 February).
#include "base/clock.h"
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

static void days_and_dates_are_inverse_over_ten_thousand_years(void **state) {
    (void)state;
    int32_t day = clock_days(1, 1, 1);
    assert_int_equal(clock_days(1970, 1, 1), 0);
    assert_int_equal(clock_days(2000, 3, 1), 11017);
    for (int year = 1; year <= 9999; year++)
        for (int month = 1; month <= 12; month++)
            for (int d = 1; clock_date_ok(year, month, d); d++, day++) {
                struct civil c = clock_civil((int64_t)day * DAY_MS, 0);
                if (clock_days(year, month, d) != day || c.year != year || c.month != month || c.day != d)
                    fail_msg("%d-%d-%d", year, month, d);
            }
    assert_int_equal(day, clock_days(10000, 1, 1));
    assert_int_equal(clock_weekday(0), 4);                        // 1970-01-01, Thursday
    assert_int_equal(clock_weekday(clock_days(2026, 11, 22)), 0); // Sunday
    assert_int_equal(clock_weekday(clock_days(1969, 12, 28)), 0);
    assert_true(clock_date_ok(2024, 2, 29) && clock_date_ok(2000, 2, 29));
    assert_false(clock_date_ok(2023, 2, 29) || clock_date_ok(1900, 2, 29) || clock_date_ok(2026, 4, 31) ||
                 clock_date_ok(2026, 0, 1) || clock_date_ok(2026, 13, 1) || clock_date_ok(2026, 1, 0) ||
                 clock_date_ok(0, 1, 1) || clock_date_ok(10000, 1, 1));
}

static void written_times_are_those_of_the_standards(void **state) {
    (void)state;
    assert_true(str_eq(clock_iso(&mem, 0), S("1970-01-01T00:00:00.000Z")));
    assert_true(str_eq(clock_iso(&mem, -1), S("1969-12-31T23:59:59.999Z")));
    assert_true(str_eq(clock_iso_offset(&mem, 0, CHINA_OFFSET_MS), S("1970-01-01T08:00:00.000+08:00")));
    assert_true(str_eq(clock_iso_offset(&mem, 0, -12600000), S("1969-12-31T20:30:00.000-03:30")));
    assert_true(
        str_eq(clock_http(&mem, INT64_C(784111777000)), S("Sun, 06 Nov 1994 08:49:37 GMT"))); // RFC 9110
    assert_true(str_eq(clock_date(&mem, clock_days(2026, 2, 9)), S("2026-02-09")));
}

static void iso_times_are_read_strictly(void **state) {
    (void)state;
    static const struct {
        struct str text, want; // want in UTC, empty when refused
    } rows[] = {
        {S_INIT("2026-11-22T23:22:17.123Z"), S_INIT("2026-11-22T23:22:17.123Z")},
        {S_INIT("2026-11-22t23:22:17z"), S_INIT("2026-11-22T23:22:17.000Z")},
        {S_INIT("2026-11-23T07:22:17.1+08:00"), S_INIT("2026-11-22T23:22:17.100Z")},
        {S_INIT("2026-11-22T23:22:17.123999999Z"), S_INIT("2026-11-22T23:22:17.123Z")},
        {S_INIT("1969-12-31T20:30:00-03:30"), S_INIT("1970-01-01T00:00:00.000Z")},
        {S_INIT("2016-12-31T23:59:60Z"), S_INIT("2017-01-01T00:00:00.000Z")}, // a leap second
        {S_INIT("2026-11-22T23:22:17"), S_INIT("")},                          // no offset
        {S_INIT("2026-11-22 23:22:17Z"), S_INIT("")},
        {S_INIT("2026-11-22T24:00:00Z"), S_INIT("")},
        {S_INIT("2026-11-22T23:60:00Z"), S_INIT("")},
        {S_INIT("2026-11-22T23:22:61Z"), S_INIT("")},
        {S_INIT("2026-11-22T23:22:60Z"), S_INIT("")},
        {S_INIT("2026-02-29T00:00:00Z"), S_INIT("")},
        {S_INIT("2026-11-22T23:22:17.Z"), S_INIT("")},
        {S_INIT("2026-11-22T23:22:17+24:00"), S_INIT("")},
        {S_INIT("2026-11-22T23:22:17+0800"), S_INIT("")},
        {S_INIT("2026-11-22T23:22:17Zx"), S_INIT("")},
        {S_INIT("26-11-22T23:22:17Z"), S_INIT("")},
        {S_INIT("+2026-11-22T23:22:17Z"), S_INIT("")},
        {S_INIT(""), S_INIT("")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms = 42;
        bool ok = clock_read_iso(rows[i].text, &ms);
        if (ok != (rows[i].want.n > 0)) fail_msg("%.*s", STRF(rows[i].text));
        if (ok) assert_true(str_eq(clock_iso(&mem, ms), rows[i].want));
        if (!ok) assert_int_equal(ms, 42);
    }
}

static void dates_are_read_as_offices_write_them(void **state) {
    (void)state;
    static const struct str good[] = {
        S_INIT("2026-02-09"),   S_INIT("2026/2/9"),     S_INIT("20260209"),       S_INIT("2026.2.9"),
        S_INIT("2026年2月9日"), S_INIT("2026年02月09"), S_INIT(" 2026-2-9\u3000")};
    static const struct str bad[] = {S_INIT("2026-02-30"),   S_INIT("2026-02/09"),  S_INIT("202629"),
                                     S_INIT("26-02-09"),     S_INIT("2026-02-09x"), S_INIT("2026年2月9号"),
                                     S_INIT("2026"),         S_INIT("2026-2"),      S_INIT("0000-01-01"),
                                     S_INIT("2026-02-09日"), S_INIT("2026-002-09"), S_INIT("")};
    int32_t day = 0;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        day = 0;
        if (!clock_read_date(good[i], &day) || day != clock_days(2026, 2, 9)) fail_msg("%.*s", STRF(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (clock_read_date(bad[i], &day)) fail_msg("%.*s", STRF(bad[i]));
}

static int64_t local(int month, int day, int hour) {
    return clock_utc((struct civil){.year = 2026, .month = month, .day = day, .hour = hour}, CHINA_OFFSET_MS);
}

static void working_days_follow_the_notice(void **state) {
    (void)state;
    int32_t off[9], work[2] = {clock_days(2026, 2, 14), clock_days(2026, 2, 28)};
    for (int i = 0; i < 9; i++)
        off[i] = clock_days(2026, 2, 15 + i);
    struct workdays w = {
        .first_year = 2026, .last_year = 2026, .off_n = 9, .work_n = 2, .off = off, .work = work};
    assert_true(workdays_is(&w, clock_days(2026, 2, 14)));  // a Saturday worked
    assert_false(workdays_is(&w, clock_days(2026, 2, 16))); // a Monday off
    assert_false(workdays_is(&w, clock_days(2026, 2, 8)));  // a plain Sunday
    assert_true(workdays_is(NULL, clock_days(2026, 2, 16)));
    bool is_certain = false;
    // Handed in on Friday the 13th: the first working day is the Saturday, the second only after the feast.
    int64_t due = workdays_deadline(&w, local(2, 13, 17), 1, CHINA_OFFSET_MS, &is_certain);
    assert_true(due == local(2, 15, 0) - 1 && is_certain);
    due = workdays_deadline(&w, local(2, 13, 17), 2, CHINA_OFFSET_MS, &is_certain);
    assert_true(due == local(2, 25, 0) - 1 && is_certain);
    due = workdays_deadline(&w, local(2, 13, 0), 0, CHINA_OFFSET_MS, &is_certain);
    assert_true(due == local(2, 14, 0) - 1);
    // 07:00 in Suzhou is still the day before in UTC: the local day counts.
    due = workdays_deadline(&w, local(3, 4, 7), 1, CHINA_OFFSET_MS, &is_certain);
    assert_true(due == local(3, 6, 0) - 1);
    // Past the last year known, and without any data: weekends only, and it says so.
    due = workdays_deadline(&w, local(12, 31, 9), 1, CHINA_OFFSET_MS, &is_certain);
    assert_true(due == local(13, 2, 0) - 1 && !is_certain);
    struct workdays none = {0};
    due = workdays_deadline(&none, local(2, 13, 17), 1, CHINA_OFFSET_MS, &is_certain);
    assert_true(due == local(2, 17, 0) - 1 && !is_certain);
    // Counting agrees with walking, in both directions and over every start.
    int32_t from = clock_days(2026, 1, 20);
    for (int32_t a = from; a < from + 20; a++) {
        int count = 0;
        for (int32_t b = a; b < from + 60; b++) {
            if (b > a) count += workdays_is(&w, b);
            int64_t a_ms = (int64_t)a * DAY_MS, b_ms = (int64_t)b * DAY_MS;
            assert_int_equal(workdays_between(&w, a_ms, b_ms, CHINA_OFFSET_MS), count);
            assert_int_equal(workdays_between(&w, b_ms, a_ms, CHINA_OFFSET_MS), -count);
        }
    }
    assert_int_equal(workdays_between(NULL, -700 * DAY_MS, 0, 0), 500);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(days_and_dates_are_inverse_over_ten_thousand_years, up, down),
        cmocka_unit_test_setup_teardown(written_times_are_those_of_the_standards, up, down),
        cmocka_unit_test_setup_teardown(iso_times_are_read_strictly, up, down),
        cmocka_unit_test_setup_teardown(dates_are_read_as_offices_write_them, up, down),
        cmocka_unit_test_setup_teardown(working_days_follow_the_notice, up, down),
    };
    return cmocka_run_group_tests_name("base: clock", tests, NULL, NULL);
}
