// SPDX-License-Identifier: MulanPSL-2.0
// `gusu bench exchange`: how many calls under a grant a second. One row each, found by the key of the data set, every
// call authenticated, authorised, masked, metered and durable in the ledger before its reply. The data set is one of the
// pack, the grant and its key are made through the routes by five different people. Afterwards the meter is asked
// whether it counted what the clients got: a bench that loses calls measures nothing.
#include "bench.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ASKER    "sz-fund"
#define SYSTEM   "bench-system"
#define MATTER   "fund-account"
#define KEYS_MAX 5000 // different rows asked for, in turn

struct asking {
    struct bench_city city;
    struct str provider, key, heads; // heads: the request's headers
    int64_t grant;
    struct str *queries; // "uscc=…&period=…" per row, percent-encoded
    int64_t queries_n;
    bool told_wrong; // the first reply that was not right is shown
};

static struct str field(const struct bench_city *c, const char *name) {
    return json_text(json_get(c->json, str_of(name)));
}

static struct str path(struct asking *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static struct str path(struct asking *a, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    struct str s = str_vprint(&a->city.session.mem, fmt, ap);
    va_end(ap);
    return s;
}

static struct str list_of(struct asking *a, struct json columns, bool only_keys) {
    struct buf b = buf_new(&a->city.session.mem, 256, 65536);
    for (struct json_iter it = json_iter(columns); json_next(&it);) {
        bool is_key = false;
        if (!json_bool(json_get(it.value, S("key")), &is_key)) is_key = false;
        if (only_keys && !is_key) continue;
        buf_print(&b, "%s%s%.*s%s", b.n ? "," : "", only_keys ? "" : "\"",
                  STRF(json_text(json_get(it.value, S("id")))), only_keys ? "" : "\"");
    }
    return buf_str(&b);
}

// One application from draft to key; each step by whom it belongs to.
static void make_grant(struct asking *a, const char *dataset, struct str *ret_keys) {
    struct bench_city *c = &a->city;
    bench_as(c, 900001, ASKER, R_(APPLICANT));
    bench_call(c, "POST", S("/api/v1/systems"), S("{\"id\":\"" SYSTEM "\",\"name\":\"bench\"}"));
    bench_call(c, "GET", path(a, "/api/v1/datasets/%s", dataset), STR_NONE);
    struct json columns = json_get(c->json, S("columns"));
    a->provider = field(c, "office");
    *ret_keys = list_of(a, columns, true);
    struct str all = list_of(a, columns, false);
    bench_call(c, "GET", S("/api/v1/matters"), STR_NONE);
    struct str matter = json_text(json_get(json_at(json_get(c->json, S("items")), 0), S("id")));
    struct str body =
        path(a,
             "{\"matter\":\"%.*s\",\"legal_basis\":\"bench\",\"purpose\":\"bench\",\"system\":\"%s\","
             "\"period_days\":30,\"quota_per_day\":1000000000,"
             "\"items\":[{\"dataset\":\"%s\",\"columns\":[%.*s]}]}",
             STRF(matter), SYSTEM, dataset, STRF(all));
    bench_call(c, "POST", S("/api/v1/applications"), body);
    struct str id = field(c, "id");
    char *provider = str_z(&c->session.mem, a->provider);
    bench_call(c, "POST", path(a, "/api/v1/applications/%.*s/submit", STRF(id)), STR_NONE);
    bench_as(c, 900002, ASKER, R_(UNIT_HEAD));
    bench_call(c, "POST", path(a, "/api/v1/applications/%.*s/sign", STRF(id)), STR_NONE);
    bench_as(c, 900003, "sz-data", R_(REVIEWER));
    bench_call(c, "POST", path(a, "/api/v1/applications/%.*s/check", STRF(id)), S("{\"pass\":true}"));
    bench_as(c, 900004, provider, R_(STEWARD));
    bench_call(c, "POST", path(a, "/api/v1/applications/%.*s/lines/1/answer", STRF(id)),
               S("{\"consent\":true,\"rate_per_s\":1000000,\"quota_per_day\":1000000000}"));
    bench_as(c, 900005, provider, R_(UNIT_HEAD));
    bench_call(c, "POST", path(a, "/api/v1/applications/%.*s/lines/1/sign", STRF(id)),
               S("{\"consent\":true}"));
    if (!json_int(json_get(json_at(json_get(c->json, S("lines")), 0), S("grant")), &a->grant)) exit(1);
    bench_as(c, 900001, ASKER, R_(APPLICANT));
    bench_call(c, "POST", path(a, "/api/v1/grants/%" PRId64 "/keys", a->grant), STR_NONE);
    a->key = field(c, "key");
    static char authorization[128], matter_header[128];
    snprintf(authorization, sizeof authorization, "Bearer %.*s", STRF(a->key));
    snprintf(matter_header, sizeof matter_header, "%.*s", STRF(matter));
    const char *const headers[][2] = {{"Authorization", authorization},
                                      {"Gusu-System", SYSTEM},
                                      {"Gusu-Matter", matter_header},
                                      {"Gusu-Case", "BJ-2026-0001"},
                                      {"Gusu-Operator", "bench"}};
    struct buf b = buf_new(&c->session.mem, 512, 4096);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        c->headers[c->headers_n][0] = headers[i][0];
        c->headers[c->headers_n++][1] = headers[i][1];
        buf_print(&b, "%s: %s\r\n", headers[i][0], headers[i][1]);
    }
    a->heads = buf_str(&b);
}

static void put_encoded(struct buf *b, struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        unsigned char ch = (unsigned char)s.p[i];
        bool plain = (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
        if (plain)
            buf_char(b, (char)ch);
        else
            buf_print(b, "%%%02X", ch);
    }
}

// The keys of the rows to ask for, read the same way: by calls under the grant.
static void read_keys(struct asking *a, struct str keys) {
    struct bench_city *c = &a->city;
    struct arena *mem = &c->session.mem;
    struct str after = STR_NONE;
    a->queries = arena_array(mem, KEYS_MAX, sizeof *a->queries);
    if (!a->queries) exit(1);
    c->who = (struct actor){0}; // from here on the key says who calls
    do {
        bench_call(c, "GET",
                   path(a, "/api/v1/exchange/%" PRId64 "/rows?limit=1000&fields=%.*s%s%.*s", a->grant,
                        STRF(keys), after.p ? "&after=" : "", STRF(after)),
                   STR_NONE);
        for (struct json_iter row = json_iter(json_get(c->json, S("items"))); json_next(&row);) {
            struct buf b = buf_new(mem, 96, 4096);
            if (a->queries_n == KEYS_MAX) break;
            for (struct json_iter v = json_iter(row.value); json_next(&v);) {
                if (b.n) buf_char(&b, '&');
                buf_put(&b, v.name);
                buf_char(&b, '=');
                put_encoded(&b, json_text(v.value));
            }
            a->queries[a->queries_n++] = buf_str(&b);
        }
        after = field(c, "next");
    } while (after.p && a->queries_n < KEYS_MAX);
}

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

// Opens the folder again: the meter must have counted every call that was answered, and the keys read before.
static bool check_meter(struct asking *a, int64_t answered) {
    struct bench_city *c = &a->city;
    int64_t used = 0;
    bench_city_again(c);
    bench_as(c, 900001, ASKER, R_(APPLICANT));
    bench_call(c, "GET", path(a, "/api/v1/grants/%" PRId64, a->grant), STR_NONE);
    if (!json_int(json_get(c->json, S("used_total")), &used)) used = 0;
    bench_city_close(c);
    printf("%-20s %14" PRId64 " calls, %" PRId64 " answered in both runs\n", "metered", used, answered);
    return used >= answered;
}

// Bytes of the store's files: what every call leaves behind for good.
static int64_t store_bytes(const struct asking *a) {
    static const char *const files[] = {"gusu.db", "gusu.db-wal"};
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char name[300];
        struct stat st;
        snprintf(name, sizeof name, "%s/%s", a->city.folder, files[i]);
        if (stat(name, &st) == 0) sum += st.st_size;
    }
    return sum;
}

static int run(struct asking *a, const struct bench_options *b, const char *dataset) {
    static struct wire_result warm, result;
    struct bench_server server = {0};
    struct err e = {0};
    char conditions[400];
    int64_t bytes = store_bytes(a);
    if (!bench_server_start(&a->city, &server)) return 1;
    struct wire_plan plan = {.address = "127.0.0.1",
                             .port = server.port,
                             .connections = b->connections,
                             .duration_ms = 2000,
                             .make = make,
                             .on_reply = on_reply,
                             .arg = a};
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
    bytes = store_bytes(a) - bytes;
    int64_t all = warm.answered + result.answered;
    bool is_whole = check_meter(a, all);
    printf("%-20s %14.1f MB, %.0f bytes a call\n", "store grew by", (double)bytes / 1e6,
           all ? (double)bytes / (double)all : 0.0);
    snprintf(conditions, sizeof conditions,
             "%s, one row by key of %" PRId64
             ", %d connections, %s, loopback, %ld cores shared with the generator, "
             "every call authenticated, authorised, masked, metered and durable before its reply",
             dataset, a->queries_n, b->connections, b->rate > 0 ? "open loop" : "closed loop",
             sysconf(_SC_NPROCESSORS_ONLN));
    if (!is_whole || result.wrong || result.failed) {
        fprintf(stderr, "gusu bench: %" PRId64 " wrong, %" PRId64 " failed%s: no figure\n", result.wrong,
                result.failed, is_whole ? "" : ", calls missing in the meter");
        return 1;
    }
    bench_print("exchange", &result, result.answered ? cpu * 1e6 / (double)result.answered : 0, conditions);
    return 0;
}

int bench_exchange(const struct options *o) {
    static struct asking a;
    struct bench_options b = {.seconds = 10, .connections = 256, .dataset = "firm-registration"};
    struct str keys;
    if (!bench_options_read(o, &b)) return 2;
    int bad = bench_city_open(&a.city, o);
    if (bad) {
        bench_city_remove(&a.city);
        return bad;
    }
    make_grant(&a, b.dataset, &keys);
    read_keys(&a, keys);
    // What was prepared lies in the session's arena: it is kept, the session's threads are not.
    struct arena kept = a.city.session.mem;
    arena_init(&a.city.session.mem, 0);
    bench_city_close(&a.city);
    bad = run(&a, &b, b.dataset);
    arena_free(&kept);
    bench_city_remove(&a.city);
    return bad;
}
