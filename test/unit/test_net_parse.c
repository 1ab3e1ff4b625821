// SPDX-License-Identifier: MulanPSL-2.0
// The grammar alone: what is refused, what is understood, limits on both sides, and that a head or a chunked body reads
// the same whether it comes whole or byte by byte.
#include "cmocka_all.h"
#include "net/http_parse.h"
#include "net_malformed.h"
#include <stdio.h>
#include <stdlib.h>

// Reads a request from growing prefixes, as a socket would give it. 0 = incomplete; > 0 the end of the head.
static ptrdiff_t read_head(struct str bytes, size_t step, struct http_header *headers, struct http_head *h,
                           struct http_refusal *no) {
    struct http_scan scan = {0};
    for (size_t n = step;; n += step) {
        if (n > bytes.n) n = bytes.n;
        // a copy of exactly n bytes, so that the sanitizer sees a look beyond
        char *p = malloc(n ? n : 1);
        memcpy(p, bytes.p, n);
        ptrdiff_t end = http_head_scan(p, n, &scan, no);
        if (end > 0) {
            struct str head = {bytes.p + scan.start, (size_t)end - scan.start};
            if (!http_head_parse(head, headers, h, no)) end = -1;
        }
        free(p);
        if (end != 0 || n == bytes.n) return end;
    }
}

static bool read_chunks(struct str bytes, size_t step, char *out, size_t *ret_n, bool *ret_bad) {
    struct http_chunk k = {0};
    *ret_n = 0;
    *ret_bad = false;
    for (size_t at = 0; at < bytes.n;) {
        size_t n = bytes.n - at < step ? bytes.n - at : step, used = 0;
        struct str data;
        enum http_chunk_event ev = http_chunk_next(&k, bytes.p + at, n, &used, &data);
        at += used;
        if (ev == CHUNK_DATA) {
            memcpy(out + *ret_n, data.p, data.n);
            *ret_n += data.n;
        }
        if (ev == CHUNK_BAD) *ret_bad = true;
        if (ev == CHUNK_END || ev == CHUNK_BAD) return true;
    }
    return false;
}

static void test_malformed(void **state) {
    (void)state;
    struct http_header headers[HTTP_HEADERS_MAX];
    for (size_t i = 0; i < MALFORMED_N; i++) {
        for (size_t step = 1; step < 80; step += 13) {
            struct http_head h = {0};
            struct http_refusal no = {0};
            ptrdiff_t end = read_head(malformed[i].bytes, step, headers, &h, &no);
            bool is_bad = end < 0 && no.status == 400;
            if (end > 0 && h.is_chunked) {
                char out[256];
                size_t n;
                struct str body = {malformed[i].bytes.p + end, malformed[i].bytes.n - (size_t)end};
                (void)read_chunks(body, step, out, &n, &is_bad);
            }
            if (!is_bad) fail_msg("taken: %s (step %zu, status %d)", malformed[i].name, step, no.status);
        }
    }
}

static struct http_head good(const char *text, struct http_header *headers) {
    struct http_head whole = {0}, piecewise = {0};
    struct http_refusal no = {0};
    struct str s = str_of(text);
    ptrdiff_t end = read_head(s, s.n, headers, &whole, &no);
    if (end <= 0) fail_msg("refused (%s): %s", no.why ? no.why : "incomplete", text);
    assert_int_equal(read_head(s, 1, headers, &piecewise, &no), end);
    assert_memory_equal(&whole, &piecewise, sizeof whole);
    return whole;
}

static void test_understood(void **state) {
    (void)state;
    struct http_header hs[HTTP_HEADERS_MAX];
    struct http_head h =
        good("\r\nGET /a/%E5%A7%91?q=1&w=a%20b HTTP/1.1\r\nHost: [::1]:80\r\nA:\t b \t\r\nB:\r\n\r\n", hs);
    assert_int_equal(h.method, HTTP_GET);
    assert_true(str_eq(h.path, S("/a/%E5%A7%91")));
    assert_true(str_eq(h.query, S("q=1&w=a%20b")));
    assert_true(h.keep_alive);
    assert_int_equal(h.headers_n, 3);
    assert_true(str_eq(hs[1].value, S("b")));
    assert_int_equal(hs[2].value.n, 0);
    assert_int_equal(h.content_length, -1);

    h = good("POST http://other:8080/p?q HTTP/1.1\r\nhOST: x\r\nContent-Length: 0012\r\nExpect: "
             "100-Continue\r\n\r\n",
             hs);
    assert_true(str_eq(h.target, S("/p?q")));
    assert_true(str_eq(hs[0].value, S("other:8080"))); // the authority of the target wins over Host
    assert_int_equal(h.content_length, 12);
    assert_true(h.expects_continue);

    h = good("GET http://x?a=b HTTP/1.1\r\nHost: x\r\n\r\n", hs);
    assert_true(str_eq(h.path, S("/")));
    assert_true(str_eq(h.query, S("a=b")));

    h = good("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", hs);
    assert_true(str_eq(h.path, S("*")));
    assert_null(h.query.p);

    h = good(
        "PUT /{a}|b?[c]^`d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: CHUNKED\r\nConnection: x, Close\r\n\r\n",
        hs);
    assert_true(h.is_chunked);
    assert_false(h.keep_alive);

    assert_false(good("GET / HTTP/1.0\r\n\r\n", hs).keep_alive);
    assert_true(good("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", hs).keep_alive);
    assert_true(good("GET / HTTP/1.2\r\nHost: x\r\nA: \xe8\x8b\x8f\xe5\xb7\x9e\r\n\r\n", hs).keep_alive);
}

static int status_of(const char *text) {
    struct http_header hs[HTTP_HEADERS_MAX];
    struct http_head h;
    struct http_refusal no = {0};
    ptrdiff_t end = read_head(str_of(text), 1000, hs, &h, &no);
    return end < 0 ? no.status : end > 0 ? 200 : 0;
}

static void test_other_refusals(void **state) {
    (void)state;
    assert_int_equal(status_of("TRACE / HTTP/1.1\r\nHost: x\r\n\r\n"), 501);
    assert_int_equal(status_of("CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n"), 501);
    assert_int_equal(status_of("get / HTTP/1.1\r\nHost: x\r\n\r\n"), 501);
    assert_int_equal(status_of("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
                     501);
    assert_int_equal(status_of("POST / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n"), 417);
    assert_int_equal(status_of("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"),
                     413);
}

// Each limit: at it, and one beyond it.
static void test_limits(void **state) {
    (void)state;
    static char text[HTTP_HEAD_MAX * 2];
    for (int over = 0; over < 2; over++) {
        int path = HTTP_TARGET_MAX - 1 + over;
        snprintf(text, sizeof text, "GET /%0*d HTTP/1.1\r\nHost: x\r\n\r\n", path, 0);
        assert_int_equal(status_of(text), over ? 414 : 200);

        int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: x\r\n");
        for (int i = 1; i < HTTP_HEADERS_MAX + over; i++)
            n += snprintf(text + n, sizeof text - (size_t)n, "A%d: b\r\n", i);
        snprintf(text + n, sizeof text - (size_t)n, "\r\n");
        assert_int_equal(status_of(text), over ? 431 : 200);

        n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: x\r\nA: ");
        snprintf(text + n, sizeof text - (size_t)n, "%0*d\r\n\r\n", HTTP_HEAD_MAX - n - 4 + over, 0);
        assert_int_equal(status_of(text), over ? 431 : 200);
    }
    // An endless line is refused before its end.
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "GET /", 5);
    assert_int_equal(status_of(text), 414);
    memcpy(text, "GET / HTTP/1.1\r\nHost: x\r\nA: ", 28);
    assert_int_equal(status_of(text), 431);
}

static void test_chunks(void **state) {
    (void)state;
    const struct str body = S("5;a=\"b c\";d\r\nhello\r\n00006 \t;x\r\n world\r\n0\r\nA: b\r\nC:\r\n\r\n");
    for (size_t step = 1; step <= body.n; step++) {
        char out[64];
        size_t n;
        bool bad;
        assert_true(read_chunks(body, step, out, &n, &bad) && !bad);
        assert_int_equal(n, 11);
        assert_memory_equal(out, "hello world", 11);
    }
}

static void test_chunk_limits(void **state) {
    (void)state;
    static char text[HTTP_TRAILER_MAX + 100], out[64];
    size_t n;
    bool bad;
    for (int over = 0; over < 2; over++) {
        // the extension, its CR included, and the trailer, both CR and LF included
        snprintf(text, sizeof text, "1;%0*d\r\na\r\n0\r\n\r\n", HTTP_CHUNK_EXT_MAX - 1 + over, 0);
        assert_true(read_chunks(str_of(text), 1000, out, &n, &bad));
        assert_int_equal(bad, over);
        snprintf(text, sizeof text, "1\r\na\r\n0\r\nA:%0*d\r\n\r\n", HTTP_TRAILER_MAX - 6 + over, 0);
        assert_true(read_chunks(str_of(text), 1000, out, &n, &bad));
        assert_int_equal(bad, over);
    }
}

static void test_decode(void **state) {
    (void)state;
    struct arena mem;
    arena_init(&mem, 0);
    struct str s;
    assert_true(http_decode(&mem, S("a%20b+c%2B"), false, &s) && str_eq(s, S("a b+c+")));
    assert_true(http_decode(&mem, S("a%20b+c%2B"), true, &s) && str_eq(s, S("a b c+")));
    assert_true(http_decode(&mem, S(""), true, &s) && s.n == 0);
    assert_false(http_decode(&mem, S("%"), true, &s));
    assert_false(http_decode(&mem, S("%4"), true, &s));
    assert_false(http_decode(&mem, S("%00"), true, &s));
    assert_false(http_decode(&mem, S("%ff"), true, &s));
    assert_true(str_eq(http_encode(&mem, S("a b/苏~")), S("a%20b%2F%E8%8B%8F~")));

    struct http_exchange x = {.mem = &mem, .query = S("a=1&b=%E8%8B%8F+x&c&=d&%65e=2&a=3&f==")};
    assert_true(str_eq(http_query(&x, "a"), S("1"))); // the first of that name
    assert_true(str_eq(http_query(&x, "b"), S("苏 x")));
    assert_true(http_query(&x, "c").p != NULL && http_query(&x, "c").n == 0);
    assert_true(str_eq(http_query(&x, "ee"), S("2"))); // under any spelling
    assert_true(str_eq(http_query(&x, "f"), S("=")));
    assert_null(http_query(&x, "z").p);
    x.query = STR_NONE;
    assert_null(http_query(&x, "a").p);
    arena_free(&mem);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malformed),      cmocka_unit_test(test_understood),
        cmocka_unit_test(test_other_refusals), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_chunks),         cmocka_unit_test(test_chunk_limits),
        cmocka_unit_test(test_decode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
