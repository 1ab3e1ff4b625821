// SPDX-License-Identifier: MulanPSL-2.0
// Loads over HTTP: what they share, and the small ones. `http` is the least that a request costs; `write` is an act as
// people do it, through its session, with an Idempotency-Key; `mixed` is a day's mixture of all of it at once.
#include "asking.h"
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

int bench_over_http(struct bench_city *c, const struct bench_options *b, const struct bench_load *l) {
    static struct wire_result warm, result;
    struct bench_server server = {0};
    struct err e = {0};
    char conditions[800];
    int64_t bytes = bench_store_bytes(c);
    if (!bench_server_start(c, &server)) return 1;
    struct wire_plan plan = {.address = "127.0.0.1",
                             .port = server.port,
                             .connections = b->connections,
                             .duration_ms = 2000,
                             .make = l->make,
                             .on_reply = l->on_reply,
                             .arg = l->arg};
    int code = wire_run(&plan, &warm, &e);
    double cpu = bench_server_cpu_s(&server);
    plan.duration_ms = (int64_t)(b->seconds * 1000);
    plan.rate_per_s = b->rate;
    plan.csv_path = b->csv;
    if (code == OK) code = wire_run(&plan, &result, &e);
    cpu = bench_server_cpu_s(&server) - cpu;
    bench_server_stop(&server);
    if (code != OK) {
        fprintf(stderr, "gusu bench: %s %s\n", err_info(e.code)->name, e.arg);
        return 1;
    }
    bytes = bench_store_bytes(c) - bytes;
    const int64_t all = warm.answered + result.answered;
    const bool is_whole = !l->check || l->check(l->arg, all);
    if (!is_whole || result.wrong || result.failed) {
        fprintf(stderr, "gusu bench: %" PRId64 " wrong, %" PRId64 " failed%s: no figure\n", result.wrong,
                result.failed, is_whole ? "" : ", not all of it was counted");
        return 1;
    }
    snprintf(conditions, sizeof conditions,
             "%s, %d connections, %s, loopback, %ld cores shared with the generator", l->what, b->connections,
             b->rate > 0 ? "open loop" : "closed loop", sysconf(_SC_NPROCESSORS_ONLN));
    // The store grew by what both runs left behind.
    const double share = all ? (double)result.answered / (double)all : 0;
    bench_print(l->name, &result, l->each, cpu, (double)bytes * share, conditions);
    return 0;
}

// --- http ---
static size_t make_get(void *arg, int connection, int64_t n, char *out, size_t cap) {
    static const char request[] = "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    (void)arg;
    (void)connection;
    (void)n;
    if (sizeof request - 1 > cap) return 0;
    memcpy(out, request, sizeof request - 1);
    return sizeof request - 1;
}

int bench_http(const struct options *o) {
    static struct bench_city c;
    struct bench_options b = {.seconds = 10, .connections = 256};
    if (!bench_options_read(o, &b)) return 2;
    int bad = bench_city_open(&c, o);
    bench_city_close(&c);
    const struct bench_load load = {
        .name = "http", .what = "GET /api/v1/health: no row is read", .each = 1, .make = make_get};
    if (!bad) bad = bench_over_http(&c, &b, &load);
    bench_city_remove(&c);
    return bad;
}

// --- write ---
struct writing {
    struct bench_city city;
    char heads[800]; // of the session
    struct str body;
    bool told_wrong;
};

// A person of the demo logs in, as the page does.
static bool log_in(struct writing *w) {
    struct bench_city *c = &w->city;
    c->who = (struct actor){0};
    bench_call(c, "POST", S("/api/v1/login"), S("{\"login\":\"gjj-jb\",\"password\":\"Gusu-demo-2026\"}"));
    struct str csrf = json_text(json_get(c->json, S("csrf"))), cookie = STR_NONE, rest;
    for (int i = 0; i < c->cx.reply.headers_n; i++)
        if (str_eq(c->cx.reply.headers[i][0], S("Set-Cookie")))
            cookie = str_cut(c->cx.reply.headers[i][1], ';', &rest);
    snprintf(w->heads, sizeof w->heads,
             "Cookie: %.*s\r\nX-CSRF-Token: %.*s\r\nContent-Type: application/json\r\n", STRF(cookie),
             STRF(csrf));
    return cookie.n && csrf.n;
}

// A draft of an application: two rows, an audit row, an entry, and the answer kept for a retry.
static void make_body(struct writing *w) {
    struct bench_city *c = &w->city;
    bench_as(c, 900001, "sz-fund", R_(APPLICANT));
    bench_call(c, "POST", S("/api/v1/systems"), S("{\"id\":\"bench-write\",\"name\":\"bench\"}"));
    bench_call(c, "GET", S("/api/v1/matters"), STR_NONE);
    struct str matter = json_text(json_get(json_at(json_get(c->json, S("items")), 0), S("id")));
    w->body = str_print(&c->session.mem,
                        "{\"matter\":\"%.*s\",\"legal_basis\":\"bench\",\"purpose\":\"bench\",\"system\":"
                        "\"bench-write\",\"period_days\":30,\"quota_per_day\":1000,\"items\":[{\"dataset\":"
                        "\"firm-registration\",\"columns\":[\"uscc\"]}]}",
                        STRF(matter));
}

static size_t make_write(void *arg, int connection, int64_t n, char *out, size_t cap) {
    const struct writing *w = arg;
    (void)connection;
    // The warm-up and the run count from 0 both: the process id and the clock keep their keys apart.
    int len =
        snprintf(out, cap,
                 "POST /api/v1/applications HTTP/1.1\r\nHost: localhost\r\n%sIdempotency-Key: b-%" PRIx64
                 "-%" PRId64 "\r\nContent-Length: %zu\r\n\r\n%.*s",
                 w->heads, (uint64_t)clock_mono_us(), n, w->body.n, STRF(w->body));
    return len > 0 && (size_t)len < cap ? (size_t)len : 0;
}

static bool on_write(void *arg, int connection, int64_t n, const struct wire_reply *reply) {
    struct writing *w = arg;
    (void)connection;
    (void)n;
    bool is_right = reply->status == 201 && str_has(reply->body, S("\"entry\":"));
    if (!is_right && !w->told_wrong)
        fprintf(stderr, "gusu bench: %d %.*s\n", reply->status,
                (int)(reply->body.n > 400 ? 400 : reply->body.n), reply->body.p);
    w->told_wrong |= !is_right;
    return is_right;
}

int bench_write(const struct options *o) {
    static struct writing w;
    struct bench_options b = {.seconds = 10, .connections = 64};
    if (!bench_options_read(o, &b)) return 2;
    int bad = bench_city_open(&w.city, o);
    if (!bad) {
        make_body(&w);
        bad = !log_in(&w);
    }
    struct arena kept = w.city.session.mem;
    arena_init(&w.city.session.mem, 0);
    bench_city_close(&w.city);
    const struct bench_load load = {
        .name = "write",
        .what = "a draft application: its rows, an audit row, an entry in both trees, "
                "the answer kept under its Idempotency-Key, durable before the reply",
        .each = 1,
        .make = make_write,
        .on_reply = on_write,
        .arg = &w};
    if (!bad) bad = bench_over_http(&w.city, &b, &load);
    arena_free(&kept);
    bench_city_remove(&w.city);
    return bad;
}

// --- mixed ---
struct mixing {
    struct asking asking;
    int64_t calls;
};

static size_t make_mixed(void *arg, int connection, int64_t n, char *out, size_t cap) {
    const struct mixing *m = arg;
    const struct asking *a = &m->asking;
    struct str q = a->queries[(n * 7919) % a->queries_n];
    int len;
    (void)connection;
    if (n % 10 < 6) // a call under a grant
        len = snprintf(out, cap,
                       "GET /api/v1/exchange/%" PRId64 "/rows?%.*s HTTP/1.1\r\nHost: localhost\r\n%.*s\r\n",
                       a->grant, STRF(q), STRF(a->heads));
    else if (n % 10 < 8) // the portal's list, searched
        len = snprintf(out, cap,
                       "GET /api/v1/portal/datasets?limit=20&q=%%E4%%BC%%81 HTTP/1.1\r\nHost: l\r\n\r\n");
    else if (n % 10 < 9) // the ledger as strangers read it
        len = snprintf(out, cap, "GET /api/v1/ledger/entries?limit=20 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    else
        len = snprintf(out, cap,
                       "POST /api/v1/exchange/%" PRId64
                       "/batch HTTP/1.1\r\nHost: localhost\r\n%.*sContent-Type: "
                       "application/json\r\nContent-Length: %zu\r\n\r\n[{\"query\":\"%.*s\"}]",
                       a->grant, STRF(a->heads), q.n + 14, STRF(q));
    return len > 0 && (size_t)len < cap ? (size_t)len : 0;
}

int bench_mixed(const struct options *o) {
    static struct mixing m;
    struct bench_options b = {.seconds = 10, .connections = 128, .dataset = "firm-registration"};
    struct arena kept;
    if (!bench_options_read(o, &b)) return 2;
    int bad = asking_open(&m.asking, o, b.dataset, &kept);
    if (bad) return bad;
    const struct bench_load load = {
        .name = "mixed",
        .what = "of ten requests six calls under a grant, two searches of the portal, one "
                "list of ledger entries, one batch of one query",
        .each = 1,
        .make = make_mixed,
        .arg = &m};
    bad = bench_over_http(&m.asking.city, &b, &load);
    arena_free(&kept);
    bench_city_remove(&m.asking.city);
    return bad;
}
