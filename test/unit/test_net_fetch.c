// SPDX-License-Identifier: MulanPSL-2.0
// Calls out: which addresses may be called under which spelling, that the judgement falls on the address connected to,
// and what a peer can do to us by answering too much, too late, elsewhere or not at all.
#include "net_help.h"
#include "net/fetch.h"
#include "net/fetch_judge.h"

static struct served s;
static struct arena mem;
static struct str here; // "127.0.0.1:port"
static int hits;        // requests that reached the server; read after its answer has come

static struct http_exchange *unanswered;

static void on_request(void *arg, struct http_exchange *x) {
    (void)arg;
    hits++;
    const struct http_out plain = {.status = 200, .type = S("text/plain; charset=utf-8")};
    const struct http_header away = {S("Location"), S("http://127.0.0.1:1/")};
    if (str_eq(x->path, S("/redirect")))
        http_reply(x, &(struct http_out){302, S("text/plain"), &away, 1, false}, S("elsewhere"));
    else if (str_eq(x->path, S("/silence"))) {
        http_reply_later(x);
        unanswered = x;
    } else if (str_eq(x->path, S("/large")))
        http_reply(x, &plain, (struct str){arena_take(x->mem, 100000), 100000});
    else
        http_reply(x, &plain,
                   str_print(x->mem, "%d %.*s|%.*s|%.*s|%.*s|%.*s", x->method, STRF(x->target), STRF(x->body),
                             STRF(http_header(x, "X-A")), STRF(http_header(x, "X-Empty")),
                             STRF(http_header(x, "Expect"))));
}

static int64_t on_head(void *arg, struct http_exchange *x) {
    (void)arg;
    (void)x;
    return 1 << 20;
}

static int prepare(void **state) {
    (void)state;
    // Whatever the environment says about proxies must not matter.
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    arena_init(&mem, 0);
    served_open(&s,
                &(struct http_config){.address = "127.0.0.1", .on_request = on_request, .on_head = on_head});
    served_go(&s);
    here = str_print(&mem, "127.0.0.1:%d", http_port(s.loop));
    return 0;
}

static int clean(void **state) {
    (void)state;
    s.loop->stop_ms = 1;
    served_stop(&s);
    arena_free(&mem);
    return 0;
}

static struct str url(const char *path) {
    return str_print(&mem, "http://%.*s%s", STRF(here), path);
}

static struct fetch_request get(const char *path) {
    return (struct fetch_request){.method = HTTP_GET, .url = url(path), .allow = &here, .allow_n = 1};
}

static void test_allowed(void **state) {
    (void)state;
    struct fetch_reply r;
    struct err e = {0};
    struct fetch_request q = get("/a?b=c");
    assert_int_equal(fetch(&mem, &q, &r, &e), OK);
    assert_int_equal(r.status, 200);
    assert_true(str_eq(r.type, S("text/plain; charset=utf-8")));
    assert_true(str_eq(r.body, S("1 /a?b=c||||")));

    const struct http_header headers[] = {{S("X-A"), S("苏州")}, {S("X-Empty"), S("")}};
    const enum http_method methods[] = {HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE};
    for (int i = 0; i < 4; i++) {
        q.method = methods[i];
        q.headers = headers;
        q.headers_n = 2;
        q.body = S("{\"a\":1}");
        assert_int_equal(fetch(&mem, &q, &r, &e), OK);
        assert_true(str_eq(r.body, str_print(&mem, "%d /a?b=c|{\"a\":1}|苏州||", methods[i])));
    }
    q.body = STR_NONE;
    q.method = HTTP_POST;
    assert_int_equal(fetch(&mem, &q, &r, &e), OK);
    q.method = HTTP_HEAD;
    assert_int_equal(fetch(&mem, &q, &r, &e), OK);
    assert_int_equal(r.body.n, 0);
}

// The same server under every spelling, not allowed by that spelling: it is never reached.
static void test_refused(void **state) {
    (void)state;
    const char *hosts[] = {"127.0.0.1",  "localhost", "2130706433", "0x7f000001",         "0177.0.0.1",
                           "127.1",      "0",         "[::1]",      "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
                           "127.0.0.1.", "0x7f.1",    "[::]"};
    int before = hits;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct fetch_reply r = {.status = 77};
        struct err e = {0};
        struct str u = str_print(&mem, "http://%s:%d/", hosts[i], http_port(s.loop));
        struct str elsewhere = str_print(&mem, "127.0.0.1:%d", http_port(s.loop) + 1);
        struct fetch_request q = {.method = HTTP_GET, .url = u, .allow = &elsewhere, .allow_n = 1};
        assert_int_not_equal(fetch(&mem, &q, &r, &e), OK);
        assert_int_equal(r.status, 77); // untouched
        assert_false(r.maybe_done);
        int verdict = fetch_url_ok(&mem, u, NULL, 0, &e);
        if (verdict != ERR_url_inner && verdict != ERR_url_host) fail_msg("%s: %d", hosts[i], verdict);
    }
    assert_int_equal(hits, before);
    const char *inner[] = {"http://169.254.169.254/latest/",
                           "http://10.1.2.3/",
                           "https://192.168.0.1/",
                           "http://100.100.100.200/",
                           "http://[fe80::1]/",
                           "http://[fd00::1]/",
                           "http://224.0.0.1/"};
    for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++) {
        struct err e = {0};
        assert_int_equal(fetch_url_ok(&mem, str_of(inner[i]), NULL, 0, &e), ERR_url_inner);
    }
}

static void test_urls(void **state) {
    (void)state;
    struct err e = {0};
    assert_int_equal(fetch_url_ok(&mem, S("http://8.8.8.8/a?b"), NULL, 0, &e), OK);
    assert_int_equal(fetch_url_ok(&mem, url("/x"), &here, 1, &e), OK);
    const char *bad[] = {"ftp://8.8.8.8/",
                         "file:///etc/passwd",
                         "gopher://8.8.8.8/",
                         "8.8.8.8/x",
                         "/x",
                         "",
                         "http://",
                         "http://u@8.8.8.8/",
                         "http://u:p@8.8.8.8/",
                         "http://8.8.8.8/ x",
                         "http://8.8.8.8/\r\nX: y",
                         "http://8.8.8.8:99999/",
                         "http://8.8.8.8:x/"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int verdict = fetch_url_ok(&mem, str_of(bad[i]), NULL, 0, &e);
        if (verdict != ERR_url) fail_msg("%s: %d", bad[i], verdict);
    }
    struct str long_url = str_print(&mem, "http://8.8.8.8/%09000d", 0);
    assert_int_equal(fetch_url_ok(&mem, long_url, NULL, 0, &e), ERR_too_large);
}

static void test_addresses(void **state) {
    (void)state;
    const struct {
        const char *text;
        bool is_public;
    } all[] = {{"8.8.8.8", true},
               {"1.1.1.1", true},
               {"9.255.255.255", true},
               {"10.0.0.0", false},
               {"10.255.255.255", false},
               {"11.0.0.0", true},
               {"100.63.255.255", true},
               {"100.64.0.0", false},
               {"100.127.255.255", false},
               {"100.128.0.0", true},
               {"126.255.255.255", true},
               {"127.0.0.0", false},
               {"127.255.255.255", false},
               {"128.0.0.0", true},
               {"169.254.0.0", false},
               {"169.255.0.0", true},
               {"172.15.255.255", true},
               {"172.16.0.0", false},
               {"172.31.255.255", false},
               {"172.32.0.0", true},
               {"192.0.0.1", false},
               {"192.0.1.1", true},
               {"192.168.255.255", false},
               {"192.169.0.0", true},
               {"198.17.255.255", true},
               {"198.18.0.0", false},
               {"198.19.255.255", false},
               {"198.20.0.0", true},
               {"223.255.255.255", true},
               {"224.0.0.0", false},
               {"240.0.0.0", false},
               {"255.255.255.255", false},
               {"0.0.0.0", false},
               {"2400:3200::1", true},
               {"2001:4860:4860::8888", true},
               {"::", false},
               {"::1", false},
               {"::ffff:10.0.0.1", false},
               {"::ffff:8.8.8.8", true},
               {"::8.8.8.8", false},
               {"64:ff9b::a00:1", false},
               {"64:ff9b::808:808", true},
               {"64:ff9b:1::1", false},
               {"2001::1", false},
               {"2001:db8::1", false},
               {"2002:a00:1::", false},
               {"2002:808:808::", true},
               {"3fff::1", false},
               {"fc00::1", false},
               {"fd12::1", false},
               {"fe80::1", false},
               {"fec0::1", false},
               {"ff02::1", false},
               {"100::1", false}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct sockaddr_in six4 = {.sin_family = AF_INET};
        struct sockaddr_in6 six = {.sin6_family = AF_INET6};
        bool is_v4 = inet_pton(AF_INET, all[i].text, &six4.sin_addr) == 1;
        if (!is_v4) assert_int_equal(inet_pton(AF_INET6, all[i].text, &six.sin6_addr), 1);
        bool is = fetch_address_public(is_v4 ? (struct sockaddr *)&six4 : (struct sockaddr *)&six);
        if (is != all[i].is_public) fail_msg("%s", all[i].text);
    }
    const struct sockaddr local = {.sa_family = AF_UNIX};
    assert_false(fetch_address_public(&local));
}

static void test_peers(void **state) {
    (void)state;
    struct fetch_reply r;
    struct err e = {0};
    struct fetch_request q = get("/redirect");
    assert_int_equal(fetch(&mem, &q, &r, &e), OK); // handed over, not followed
    assert_int_equal(r.status, 302);
    q = get("/large");
    q.reply_max = 100000;
    assert_int_equal(fetch(&mem, &q, &r, &e), OK);
    assert_int_equal(r.body.n, 100000);
    q.reply_max = 99999;
    assert_int_equal(fetch(&mem, &q, &r, &e), ERR_net);
    assert_true(r.maybe_done);
    q = get("/silence");
    q.timeout_ms = 100;
    assert_int_equal(fetch(&mem, &q, &r, &e), ERR_net_late);
    assert_true(r.maybe_done); // it was sent: nobody knows
    q.url = S("http://127.0.0.1:1/");
    const struct str one = S("127.0.0.1:1");
    q.allow = &one;
    assert_int_equal(fetch(&mem, &q, &r, &e), ERR_net); // nobody listens
    assert_false(r.maybe_done);
}

static void test_headers(void **state) {
    (void)state;
    const struct http_header bad[] = {{S("X-A"), S("b\r\nX-Evil: c")},
                                      {S("X A"), S("b")},
                                      {S(""), S("b")},
                                      {S("X:"), S("b")},
                                      {S("X"), {"a\0b", 3}}};
    int before = hits;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fetch_reply r;
        struct err e = {0};
        struct fetch_request q = get("/");
        q.headers = &bad[i];
        q.headers_n = 1;
        assert_int_equal(fetch(&mem, &q, &r, &e), ERR_bad_request);
    }
    assert_int_equal(hits, before);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_allowed), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_urls),    cmocka_unit_test(test_addresses),
                                       cmocka_unit_test(test_peers),   cmocka_unit_test(test_headers)};
    return cmocka_run_group_tests(tests, prepare, clean);
}
