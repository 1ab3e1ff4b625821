// SPDX-License-Identifier: MulanPSL-2.0
// A city for tests: a fresh temporary folder, the modules that the test names, no socket. Calls go through
// core_call, so a test sees what a client would see. The clock stands still until the test moves it.
//
//   FIXTURE_MODULES(&people_module, &catalog_module)   // defines the module table of this program
//   struct fixture f; fixture_open(&f);
//   fixture_as(&f, 1, "rs-bm", "sz-hrss", R_(STEWARD));          // who calls from now on; 0 = nobody
//   fixture_call(&f, "POST", "/api/v1/datasets", "{…}");          // f.cx.reply, f.body, f.status
//   fixture_real_who(&f)                                          // people's own identification (cookies, tokens)
//   fixture_header(&f, "If-Match", "\"v1\"")                      // for the next call only
#ifndef CITY_FIXTURE_H
#define CITY_FIXTURE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "core/city.h"
#include "core/pack.h"
#include "core/self.h"
#include "store_url.h"

#define FIXTURE_MODULES(...) const struct module *const modules[] = {__VA_ARGS__, NULL};

struct fixture {
    struct city city; // first: fixture_who finds the fixture from it
    struct arena mem;
    struct conn *conn;
    struct hasher *hasher;
    struct cx cx; // of the last call
    struct str body;
    struct json json; // of the body, when it is JSON
    int status;
    char folder[64], url[512];
    struct actor who;
    int (*real_who)(struct cx *cx);
    const char *headers[8][2];
    int headers_n;
};

static int64_t fixture_now_ms = 1794182400000; // 2026-11-09T00:00:00Z, a Monday
static int64_t fixture_clock(void) {
    return fixture_now_ms;
}

static int fixture_who(struct cx *cx) {
    struct fixture *f = (struct fixture *)cx->city;
    cx->who = f->who;
    return OK;
}

static void fixture_as(struct fixture *f, int64_t account, const char *login, const char *office,
                       uint32_t roles) {
    f->who = (struct actor){.account = account,
                            .login = str_of(login),
                            .name = str_of(login),
                            .office = str_of(office),
                            .roles = R_PUBLIC | (account ? R_LOGIN | roles : 0)};
}

// Of the cities that start from now on: the ledger's name, and HTTP out already while they start.
static const char *fixture_origin;
static int (*fixture_fetch)(struct city *city, struct arena *mem, struct str verb, struct str url,
                            struct str type, struct str body, int timeout_ms, int *ret_status,
                            struct str *ret_type, struct str *ret_body, bool *ret_maybe_done, struct err *e);

static void fixture_start(struct fixture *f) {
    struct err e = {0};
    f->city = (struct city){.folder = f->folder,
                            .store_url = store_url_of(f->folder, f->url, sizeof f->url),
                            .now_ms = fixture_clock,
                            .fetch_out = fixture_fetch};
    if (fixture_origin) snprintf(f->city.origin, sizeof f->city.origin, "%s", fixture_origin);
    int code = city_open(&f->city, &e);
    if (code != OK)
        fprintf(stderr, "city_open: %s %s %s\n", err_info((enum err_code)code)->name, e.field, e.arg);
    assert_int_equal(code, OK);
    f->real_who = f->city.who;
    f->city.who = fixture_who;
    assert_int_equal(store_conn_open(f->city.store, &f->conn, &e), OK);
    f->hasher = hasher_open();
    core_cx(&f->cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
}

static void __attribute__((unused)) fixture_open(struct fixture *f) {
    *f = (struct fixture){.folder = "/tmp/gusu-test-XXXXXX"};
    assert_non_null(mkdtemp(f->folder));
    arena_init(&f->mem, 0);
    fixture_as(f, 0, NULL, NULL, 0);
    fixture_start(f);
}

static void fixture_stop(struct fixture *f) {
    store_conn_close(f->conn);
    hasher_close(f->hasher);
    city_close(&f->city);
}

// Down and up again on the same folder: what a restart sees.
static void __attribute__((unused)) fixture_again(struct fixture *f) {
    fixture_stop(f);
    fixture_start(f);
}

static void fixture_close(struct fixture *f) {
    fixture_stop(f);
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", f->folder);
    if (system(cmd) != 0) fprintf(stderr, "left behind: %s\n", f->folder);
    if (f->city.store_url) store_url_drop(f->url);
    arena_free(&f->mem);
}

static void __attribute__((unused)) fixture_real_who(struct fixture *f) {
    f->city.who = f->real_who;
}

static void __attribute__((unused)) fixture_header(struct fixture *f, const char *name, const char *value) {
    assert_true(f->headers_n < 8);
    f->headers[f->headers_n][0] = name;
    f->headers[f->headers_n++][1] = value;
}

static struct str fixture_header_of(void *arg, const char *name) {
    struct fixture *f = arg;
    for (int i = 0; i < f->headers_n; i++)
        if (str_eq_nocase(str_of(f->headers[i][0]), str_of(name))) return str_of(f->headers[i][1]);
    if (strcmp(name, "Content-Type") == 0) return S("application/json");
    return STR_NONE;
}

static int __attribute__((unused))
fixture_call(struct fixture *f, const char *verb, const char *target, const char *body) {
    struct str query, path = str_cut(str_of(target), '?', &query);
    struct request *q = arena_take(&f->mem, sizeof *q);
    *q = (struct request){.verb = str_of(verb),
                          .path = path,
                          .query = query,
                          .body = body ? str_of(body) : S(""),
                          .body_fd = -1,
                          .body_bytes = body ? (int64_t)strlen(body) : 0,
                          .peer = S("127.0.0.1"),
                          .headers_arg = f,
                          .header = fixture_header_of};
    core_call(&f->city, &f->mem, f->conn, f->hasher, q, &f->cx);
    f->status = f->cx.reply.status ? f->cx.reply.status : 200;
    f->body = f->cx.reply.body.p ? f->cx.reply.body : buf_str(&f->cx.out);
    f->headers_n = 0;
    f->json = (struct json){0};
    bool is_json = f->cx.reply.type.n == 0 || str_has(f->cx.reply.type, S("json"));
    if (is_json && f->body.n && json_parse(&f->mem, f->body, &f->json, NULL) != OK)
        fprintf(stderr, "not JSON: %.*s\n", STRF(f->body));
    return f->status;
}

// Says the reply when the status is another one.
#define assert_status(f, want)                                                                               \
    do {                                                                                                     \
        if ((f)->status != (want))                                                                           \
            fprintf(stderr, "%s:%d: %d %.*s\n", __FILE__, __LINE__, (f)->status, STRF((f)->body));           \
        assert_int_equal((f)->status, want);                                                                 \
    } while (0)

static struct str __attribute__((unused)) fixture_text(struct fixture *f, const char *name) {
    return json_text(json_get(f->json, str_of(name)));
}

static int64_t __attribute__((unused)) fixture_int(struct fixture *f, const char *name) {
    int64_t v = -1;
    if (!json_int(json_get(f->json, str_of(name)), &v)) return -1;
    return v;
}
#endif
