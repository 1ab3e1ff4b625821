// SPDX-License-Identifier: MulanPSL-2.0
// `gusu bench exchange`: how many calls under a grant a second. One row each, found by the key of the data set, every
// call authenticated, authorised, masked, metered and durable in the ledger before its reply. The data set is one of the
// pack, the grant and its key are made through the routes by five different people. Afterwards the meter is asked
// whether it counted what the clients got: a bench that loses calls measures nothing.
#include "asking.h"
#include <inttypes.h>
#include <stdio.h>

static size_t make(void *arg, int connection, int64_t n, char *out, size_t cap) {
    const struct asking *a = arg;
    (void)connection;
    // Spread over the table without a pattern that a cache would like: a step that has no factor in common with it.
    struct str q = a->queries[(n * 7919) % a->queries_n];
    int len = snprintf(out, cap,
                       "GET /api/v1/exchange/%" PRId64 "/rows?%.*s HTTP/1.1\r\nHost: localhost\r\n%.*s\r\n",
                       a->grant, STRF(q), STRF(a->heads));
    return len > 0 && (size_t)len < cap ? (size_t)len : 0;
}

// Right is: 200, at least one row, and the number of its entry.
static bool on_reply(void *arg, int connection, int64_t n, const struct wire_reply *reply) {
    struct asking *a = arg;
    (void)connection;
    (void)n;
    bool is_right = reply->status == 200 && str_starts(reply->body, S("{\"items\":[{")) &&
                    str_has(reply->body, S("\"entry\":"));
    if (!is_right && !a->told_wrong)
        fprintf(stderr, "gusu bench: %d %.*s\n", reply->status,
                (int)(reply->body.n > 400 ? 400 : reply->body.n), reply->body.p);
    a->told_wrong |= !is_right;
    return is_right;
}

static bool check(void *arg, int64_t replies) {
    return asking_check_meter(arg, replies);
}

int bench_exchange(const struct options *o) {
    static struct asking a;
    struct bench_options b = {.seconds = 10, .connections = 256, .dataset = "firm-registration"};
    struct arena kept;
    if (!bench_options_read(o, &b)) return 2;
    int bad = asking_open(&a, o, b.dataset, &kept);
    if (bad) return bad;
    char what[200];
    snprintf(what, sizeof what,
             "%s, one row by key of %" PRId64
             ", every call authenticated, authorised, masked, metered and durable "
             "before its reply",
             b.dataset, a.queries_n);
    const struct bench_load load = {.name = "exchange",
                                    .what = what,
                                    .each = 1,
                                    .make = make,
                                    .on_reply = on_reply,
                                    .check = check,
                                    .arg = &a};
    bad = bench_over_http(&a.city, &b, &load);
    arena_free(&kept);
    bench_city_remove(&a.city);
    return bad;
}
