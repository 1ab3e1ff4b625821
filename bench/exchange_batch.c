// SPDX-License-Identifier: MulanPSL-2.0
// `gusu bench exchange-batch`: the same questions as `exchange`, so many to a call. Every query is a call of its own for
// the city (authorised, masked, metered, an entry); afterwards the meter must have counted each that was answered.
#include "asking.h"
#include <inttypes.h>
#include <stdio.h>

#define EACH_MAX 1000
#define BODIES   16 // different calls, made before the run: the generator shares its machine with the server

struct batch_asking {
    struct asking asking;
    int64_t each;
    struct str bodies[BODIES]; // whole requests
};

static struct str request(struct batch_asking *a, struct arena *mem, int64_t from) {
    struct buf body = buf_new(mem, 65536, WIRE_REQUEST_MAX), all = buf_new(mem, 65536, WIRE_REQUEST_MAX);
    for (int64_t i = 0; i < a->each; i++) {
        struct str q = a->asking.queries[((from + i) * 7919) % a->asking.queries_n];
        buf_print(&body, "%s{\"query\":\"%.*s\"}", i ? "," : "[", STRF(q));
    }
    buf_char(&body, ']');
    buf_print(&all,
              "POST /api/v1/exchange/%" PRId64 "/batch HTTP/1.1\r\nHost: localhost\r\n%.*sContent-Type: "
              "application/json\r\nContent-Length: %zu\r\n\r\n",
              a->asking.grant, STRF(a->asking.heads), body.n);
    buf_put(&all, buf_str(&body));
    return all.over ? STR_NONE : buf_str(&all);
}

static size_t make(void *arg, int connection, int64_t n, char *out, size_t cap) {
    const struct batch_asking *a = arg;
    const struct str r = a->bodies[n % BODIES];
    (void)connection;
    if (r.n > cap) return 0;
    memcpy(out, r.p, r.n);
    return r.n;
}

// Right is: every query answered. The rows themselves are looked at in the tests.
static bool on_reply(void *arg, int connection, int64_t n, const struct wire_reply *reply) {
    struct batch_asking *a = arg;
    (void)connection;
    (void)n;
    char want[80];
    int len = snprintf(want, sizeof want, ",\"answered\":%" PRId64 ",\"refused\":0,", a->each);
    size_t tail = reply->body.n > 200 ? 200 : reply->body.n;
    struct str end = {reply->body.p + reply->body.n - tail, tail};
    bool is_right = reply->status == 200 && str_has(end, (struct str){want, (size_t)len});
    if (!is_right && !a->asking.told_wrong)
        fprintf(stderr, "gusu bench: %d %.*s … %.*s\n", reply->status,
                (int)(reply->body.n > 300 ? 300 : reply->body.n), reply->body.p, STRF(end));
    a->asking.told_wrong |= !is_right;
    return is_right;
}

static bool check(void *arg, int64_t replies) {
    struct batch_asking *a = arg;
    return asking_check_meter(&a->asking, replies * a->each);
}

int bench_exchange_batch(const struct options *o) {
    static struct batch_asking a;
    struct bench_options b = {.seconds = 10, .connections = 16, .each = 100, .dataset = "firm-registration"};
    struct arena kept;
    if (!bench_options_read(o, &b) || b.each > EACH_MAX) return 2;
    a.each = b.each;
    int bad = asking_open(&a.asking, o, b.dataset, &kept);
    if (bad) return bad;
    for (int i = 0; i < BODIES && !bad; i++) {
        a.bodies[i] = request(&a, &kept, i * a.each);
        bad = !a.bodies[i].p;
    }
    char what[300];
    snprintf(what, sizeof what,
             "%s, one row by key of %" PRId64 " a query, %" PRId64
             " queries a call, every query authorised, masked, "
             "metered and durable before the first byte of its call's reply",
             b.dataset, a.asking.queries_n, a.each);
    const struct bench_load load = {.name = "exchange-batch",
                                    .what = what,
                                    .each = (double)a.each,
                                    .make = make,
                                    .on_reply = on_reply,
                                    .check = check,
                                    .arg = &a};
    if (!bad) bad = bench_over_http(&a.asking.city, &b, &load);
    arena_free(&kept);
    bench_city_remove(&a.asking.city);
    return bad;
}
