// SPDX-License-Identifier: MulanPSL-2.0
// Time is UTC milliseconds since 1970 in an int64_t. The civil calendar is proleptic Gregorian, the local
// zone of a city a fixed offset (China has had one zone without summer time since 1991: +08:00). The
// working-day calendar is data: days off and make-up days per year, loaded by the caller.
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
#include "base/err.h"

#define CHINA_OFFSET_MS ((int64_t)8 * 3600 * 1000)
#define DAY_MS          ((int64_t)86400000)

int64_t clock_now_ms(void);  // the only reader of the wall clock
int64_t clock_mono_us(void); // for durations
struct civil {
    int year, month, day, hour, minute, second, ms;
};
struct civil clock_civil(int64_t utc_ms, int64_t offset_ms);
int64_t clock_utc(struct civil c, int64_t offset_ms);
int32_t clock_days(int year, int month, int day); // days since 1970-01-01
bool clock_date_ok(int year, int month, int day);
int clock_weekday(int32_t days); // 0 = Sunday
// "2026-11-22T23:22:17.123Z"; the +08:00 form when offset is China's
struct str clock_iso(struct arena *a, int64_t utc_ms);
struct str clock_iso_offset(struct arena *a, int64_t utc_ms, int64_t offset_ms);
// Reads RFC 3339 date-time (offset obligatory).
bool clock_read_iso(struct str s, int64_t *ret_utc_ms) MUST;
// Reads a date as offices write it: 2026-11-22, 2026/11/22, 20261122, 2026年11月22日, 2026.11.2. Days since 1970.
bool clock_read_date(struct str s, int32_t *ret_days) MUST;
struct str clock_date(struct arena *a, int32_t days);   // "2026-11-22"
struct str clock_http(struct arena *a, int64_t utc_ms); // IMF-fixdate

// Working days (the clocks of the exchange order count these). Years known are [first_year, last_year].
struct workdays {
    int first_year, last_year; // 0,0 = nothing loaded: then only weekends are off, and is_certain is false
    size_t off_n, work_n;
    const int32_t *off;  // sorted days since 1970 that are holidays
    const int32_t *work; // sorted weekend days worked instead
};
bool workdays_is(const struct workdays *w, int32_t day);
// The end of the n-th working day after the local day of utc_ms, as UTC ms (last ms of that day); sets
// *ret_certain false when it runs past the last year known (weekends only were used there): show a warning.
int64_t workdays_deadline(const struct workdays *w, int64_t utc_ms, int n, int64_t offset_ms,
                          bool *ret_certain);
// Working days from a's local day (exclusive) to b's (inclusive); negative when b is before a.
int workdays_between(const struct workdays *w, int64_t a_ms, int64_t b_ms, int64_t offset_ms);

#endif
