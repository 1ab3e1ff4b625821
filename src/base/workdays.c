// SPDX-License-Identifier: MulanPSL-2.0
// Working days as the State Council's yearly notice sets them: weekends off, holidays off, some weekend days
// worked instead (调休). Deadlines of the exchange order run on these. Keeps true: without data for a year
// only weekends count as off, and the caller is told that the answer is not certain.
#include "base/clock.h"
#include <assert.h>

#define DEADLINE_DAYS_MAX 10000 // far beyond any legal term; keeps a slip of the pen from running for minutes

static bool has_day(const int32_t *days, size_t n, int32_t day) {
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (days[mid] < day)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && days[low] == day;
}

static bool is_weekend(int32_t day) {
    int w = clock_weekday(day);
    return w == 0 || w == 6;
}

// Work wins over off: a day in both lists is an error of the data, and a missed deadline is worse than a day lost.
bool workdays_is(const struct workdays *w, int32_t day) {
    if (w && has_day(w->work, w->work_n, day)) return true;
    if (w && has_day(w->off, w->off_n, day)) return false;
    return !is_weekend(day);
}

static int32_t local_day(int64_t utc_ms, int64_t offset_ms) {
    int64_t local = utc_ms + offset_ms;
    return (int32_t)(local / DAY_MS - (local % DAY_MS < 0));
}

static bool is_known(const struct workdays *w, int32_t day) {
    if (!w || w->first_year == 0) return false;
    int year = clock_civil((int64_t)day * DAY_MS, 0).year;
    return year >= w->first_year && year <= w->last_year;
}

// Walks day by day: n is a legal term (3, 10, 20 days), and the walk is the definition itself.
int64_t workdays_deadline(const struct workdays *w, int64_t utc_ms, int n, int64_t offset_ms,
                          bool *ret_certain) {
    assert(n >= 0 && n <= DEADLINE_DAYS_MAX);
    int32_t day = local_day(utc_ms, offset_ms);
    bool is_certain = is_known(w, day);
    for (int left = n; left > 0;) {
        day++;
        if (workdays_is(w, day)) left--;
    }
    // The known years have no gap, so the two ends speak for all between.
    if (ret_certain) *ret_certain = is_certain && is_known(w, day);
    return ((int64_t)day + 1) * DAY_MS - 1 - offset_ms;
}

// Mondays to Fridays among the days up to and including `day`, counted from a far Monday; floors for the past.
static int64_t weekdays_until(int32_t day) {
    int64_t since_monday = (int64_t)day + 3; // 1969-12-29 was a Monday
    int64_t weeks = since_monday / 7 - (since_monday % 7 < 0);
    int64_t rest = since_monday - weeks * 7; // 0 = Monday
    return weeks * 5 + (rest < 5 ? rest + 1 : 5);
}

// Arithmetic over the span and a walk over the listed days only: two far times cost no more than two near ones.
static int64_t count_between(const struct workdays *w, int32_t after, int32_t until) {
    int64_t count = weekdays_until(until) - weekdays_until(after);
    if (!w) return count;
    for (size_t i = 0; i < w->off_n; i++) {
        int32_t d = w->off[i];
        if (d > after && d <= until && !is_weekend(d) && !has_day(w->work, w->work_n, d)) count--;
    }
    for (size_t i = 0; i < w->work_n; i++) {
        int32_t d = w->work[i];
        if (d > after && d <= until && is_weekend(d)) count++;
    }
    return count;
}

int workdays_between(const struct workdays *w, int64_t a_ms, int64_t b_ms, int64_t offset_ms) {
    int32_t a = local_day(a_ms, offset_ms), b = local_day(b_ms, offset_ms);
    return (int)(a <= b ? count_between(w, a, b) : -count_between(w, b, a));
}
