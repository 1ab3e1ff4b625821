// SPDX-License-Identifier: MulanPSL-2.0
// The small city of the exchange tests with a grant of nearly endless quota, its key, and somebody who may log in and
// apply; and its requests sent straight into core, each thread with a connection and a memory of its own.
#ifndef FAULTS_CITY_H
#define FAULTS_CITY_H
#include "exchange_city.h"
#include "load.h"
#include <errno.h>
#include <inttypes.h>
#include <sys/wait.h>
#include <unistd.h>

static const char faults_accounts_csv[] = "login,name,office_id,roles,area\n"
                                          "sp-fz,审批局负责人,sz-approval,unit_head,320500\n"
                                          "pj-fz,街道负责人,gs-pj,unit_head,320500\n"
                                          "sp-jb,审批局经办人,sz-approval,applicant,320500\n"
                                          "rs-bm,人社局目录编制员,sz-hrss,steward,320500\n";

static int64_t __attribute__((unused)) option(const char *name, int64_t standard) {
    const char *text = getenv(name);
    int64_t v;
    return text && str_int64(str_of(text), &v) ? v : standard;
}

// The seed of a run: given, or of the clock; always said, so that what was found can be found again.
static uint64_t __attribute__((unused)) seed_of_run(const char *what) {
    uint64_t seed = (uint64_t)option("FAULTS_SEED", clock_mono_us() & 0xffffffff);
    printf("%s: FAULTS_SEED=%" PRIu64 "\n", what, seed);
    fflush(stdout);
    return seed;
}

static uint64_t __attribute__((unused)) random_of(uint64_t *state) { // splitmix64
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// Leaves the folder closed; the grant's address and key go into the load.
static void __attribute__((unused)) faults_city_make(struct load *l) {
    struct pack *p;
    (void)city_up(NULL);
    pack_write("demo/accounts.csv", faults_accounts_csv);
    assert_int_equal(pack_put(&f, true, &p), OK);
    fixture_now_ms = clock_now_ms(); // the server's clock: the grant must be good under it
    BY_APPLICANT;
    post("{\"matter\":\"firm-setup\",\"legal_basis\":\"政务数据共享条例\",\"purpose\":\"核对\",\"system\":"
         "\"core\","
         "\"period_days\":30,\"quota_per_day\":1000000000,"
         "\"items\":[{\"dataset\":\"insured\",\"columns\":[\"uscc\",\"name\",\"state\",\"n\"]}]}",
         "POST", "/api/v1/applications");
    assert_status(&f, 201);
    struct str id = fixture_text(&f, "id");
    to_provider(id);
    BY_STEWARD;
    go(id, "lines/1/answer", "{\"consent\":true,\"rate_per_s\":1000000,\"quota_per_day\":1000000000}");
    BY_PROVIDER;
    go(id, "lines/1/sign", "{\"consent\":true}");
    int64_t grant = number_of(json_at(json_get(f.json, S("lines")), 0), "grant");
    struct str key = key_of(grant);
    snprintf(l->rows_url, sizeof l->rows_url, "/api/v1/exchange/%" PRId64 "/rows", grant);
    snprintf(l->key, sizeof l->key, "Bearer %.*s", STRF(key));
    fixture_stop(&f);
}

static void __attribute__((unused)) faults_city_remove(void) {
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", f.folder);
    if (system(cmd) != 0) fprintf(stderr, "left behind: %s\n", f.folder);
    arena_free(&f.mem);
}

// --- straight into core ---
struct core_line {
    struct load_line line; // first
    struct city *city;
    struct conn *conn;
    struct hasher *hasher;
    struct arena mem;
    const struct load_request *q;
    const char *key;
};

static struct str core_header(void *arg, const char *name) {
    const struct core_line *c = arg;
    if (strcmp(name, "Content-Type") == 0) return S("application/json");
    if (c->q->is_write) return strcmp(name, "Idempotency-Key") == 0 ? str_of(c->q->name) : STR_NONE;
    if (strcmp(name, "Authorization") == 0) return str_of(c->key);
    if (strcmp(name, "Gusu-System") == 0) return S("core");
    if (strcmp(name, "Gusu-Matter") == 0) return S("firm-setup");
    return strcmp(name, "Gusu-Case") == 0 ? str_of(c->q->name) : STR_NONE;
}

// Calls are judged by their key; writes are the applicant's.
static int __attribute__((unused)) core_who(struct cx *cx) {
    if (cx_header(cx, "Authorization").p) return f.real_who(cx);
    cx->who = f.who;
    return OK;
}

static bool core_send(struct load_line *line, const struct load_request *q, int *ret_status, char *ret_body,
                      size_t cap) {
    struct core_line *c = (struct core_line *)line;
    struct str query, path = str_cut(str_of(q->target), '?', &query);
    struct cx cx;
    c->q = q;
    arena_reset(&c->mem);
    struct request r = {.verb = str_of(q->verb),
                        .path = path,
                        .query = query,
                        .body = q->body ? str_of(q->body) : S(""),
                        .body_fd = -1,
                        .body_bytes = q->body ? (int64_t)strlen(q->body) : 0,
                        .peer = S("127.0.0.1"),
                        .headers_arg = c,
                        .header = core_header};
    core_call(c->city, &c->mem, c->conn, c->hasher, &r, &cx);
    struct str body = cx.reply.body.p ? cx.reply.body : buf_str(&cx.out);
    *ret_status = cx.reply.status ? cx.reply.status : 200;
    snprintf(ret_body, cap, "%.*s", STRF(body));
    return true;
}

static bool __attribute__((unused)) core_line_open(struct core_line *c, struct load *l, struct city *city) {
    struct err e = {0};
    *c = (struct core_line){.line = {.load = l, .send = core_send}, .city = city, .key = l->key};
    arena_init(&c->mem, 0);
    c->hasher = hasher_open();
    return c->hasher && store_conn_open(city->store, &c->conn, &e) == OK;
}

static void __attribute__((unused)) core_line_close(struct core_line *c) {
    store_conn_close(c->conn);
    hasher_close(c->hasher);
    arena_free(&c->mem);
}

// Every job once, as the jobs' thread would; what comes of it is the census's affair.
static void __attribute__((unused)) core_run_jobs(struct core_line *line) {
    for (int i = 0; modules[i]; i++)
        for (const struct job *j = modules[i]->jobs; j && j->name; j++) {
            struct cx cx;
            arena_reset(&line->mem);
            core_cx(&cx, line->city, &line->mem, line->conn, line->hasher, NULL);
            (void)!j->run(&cx);
        }
}

static void *core_line_main(void *arg) __attribute__((unused));
static void *core_line_main(void *arg) {
    load_run(arg);
    return NULL;
}
#endif
