// SPDX-License-Identifier: MulanPSL-2.0
// The way of an application as five people go it, so that what is measured stands under a real grant, and the rows that
// are asked for, read by calls under that grant.
#include "asking.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ASKER  "sz-fund"
#define SYSTEM "bench-system"

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
    a->queries = arena_array(mem, ASKING_KEYS_MAX, sizeof *a->queries);
    if (!a->queries) exit(1);
    c->who = (struct actor){0}; // from here on the key says who calls
    do {
        bench_call(c, "GET",
                   path(a, "/api/v1/exchange/%" PRId64 "/rows?limit=1000&fields=%.*s%s%.*s", a->grant,
                        STRF(keys), after.p ? "&after=" : "", STRF(after)),
                   STR_NONE);
        for (struct json_iter row = json_iter(json_get(c->json, S("items"))); json_next(&row);) {
            struct buf b = buf_new(mem, 96, 4096);
            if (a->queries_n == ASKING_KEYS_MAX) break;
            for (struct json_iter v = json_iter(row.value); json_next(&v);) {
                if (b.n) buf_char(&b, '&');
                buf_put(&b, v.name);
                buf_char(&b, '=');
                put_encoded(&b, json_text(v.value));
            }
            a->queries[a->queries_n++] = buf_str(&b);
        }
        after = field(c, "next");
    } while (after.p && a->queries_n < ASKING_KEYS_MAX);
}

// Opens the folder again: the meter must have counted every call that was answered, and the keys read before.
bool asking_check_meter(struct asking *a, int64_t answered) {
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

int asking_open(struct asking *a, const struct options *o, const char *dataset, struct arena *ret_kept) {
    struct str keys;
    int bad = bench_city_open(&a->city, o);
    if (bad) {
        bench_city_remove(&a->city);
        return bad;
    }
    make_grant(a, dataset, &keys);
    read_keys(a, keys);
    // What was prepared lies in the session's arena: it is kept, the session's threads are not.
    *ret_kept = a->city.session.mem;
    arena_init(&a->city.session.mem, 0);
    bench_city_close(&a->city);
    return 0;
}
