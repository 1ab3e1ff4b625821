// SPDX-License-Identifier: MulanPSL-2.0
// The server over raw sockets: every malformed request gets 400 and a closed connection, and what is understood is
// answered as net/http.h promises: order, bodies, streams, later answers. Nothing here sleeps.
#include "net_fixture.h"
#include "net_malformed.h"

// ---- refusals ---------------------------------------------------------------------------

static void test_malformed(void **state) {
    (void)state;
    char got[4096];
    for (size_t i = 0; i < MALFORMED_N; i++) {
        int fd = dial(&s);
        say(fd, malformed[i].bytes.p, malformed[i].bytes.n);
        sayz(fd, GET("/after")); // must never be looked at
        hear_all(fd, got, sizeof got);
        close(fd);
        if (strncmp(got, "HTTP/1.1 400 ", 13) != 0) fail_msg("%s: %s", malformed[i].name, got);
        assert_has(got, "Connection: close\r\n");
        assert_has(got, "application/problem+json");
        assert_null(strstr(got + 1, "HTTP/1.1 ")); // one reply, the last one
    }
    assert_int_equal(seen.requests, 0);
    assert_int_equal(http_stats(s.loop).bad_requests, MALFORMED_N);
}

static void test_refusals_in_order(void **state) {
    (void)state;
    char got[4096];
    // Good ones before a bad one are answered, in order.
    ask_once(&s, GET("/a") GET("/b") "GET /c HTTP/1.1\r\n\r\n" GET("/d"), got, sizeof got);
    char *a = strstr(got, "path=/a"), *b = strstr(got, "path=/b"), *bad = strstr(got, "HTTP/1.1 400 ");
    assert_true(a && b && bad && a < b && b < bad);
    assert_lacks(got, "path=/d");
    ask_once(&s, "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", got, sizeof got);
    assert_has(got, "HTTP/1.1 501 ");
}

static void test_body_limits(void **state) {
    (void)state;
    char got[4096];
    ask_once(&s, POST("/small", "11") "01234567890", got, sizeof got);
    assert_has(got, "HTTP/1.1 413 ");
    ask_once(&s, POST("/none", "1") "a", got, sizeof got);
    assert_has(got, "HTTP/1.1 413 ");
    ask_once(&s,
             "POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
             "chunked\r\n\r\n6\r\n012345\r\n5\r\n67890\r\n0\r\n\r\n",
             got, sizeof got);
    assert_has(got, "HTTP/1.1 413 ");
    assert_int_equal(seen.requests, 0);
    int fd = dial(&s); // at the limit
    sayz(fd, POST("/small", "10") "0123456789");
    hear_until(fd, got, sizeof got, "memory 10 ", 1);
    close(fd);
    // An early answer leaves the body unread: the connection ends.
    ask_once(&s, POST("/early", "1000") "some of it", got, sizeof got);
    assert_has(got, "HTTP/1.1 401 ");
    assert_has(got, "Connection: close\r\n");
}

static void test_early_without_body(void **state) {
    (void)state;
    char got[4096];
    int fd = dial(&s);
    sayz(fd, GET("/early") GET("/b"));
    hear_until(fd, got, sizeof got, "path=/b", 1);
    assert_has(got, "HTTP/1.1 401 ");
    close(fd);
}

// ---- understanding ----------------------------------------------------------------------

static void test_plain(void **state) {
    (void)state;
    char got[4096];
    int fd = dial(&s);
    sayz(fd, "GET http://other/p%20q?q=%E8%8B%8F+1 HTTP/1.1\r\nHost: x\r\n\r\n");
    hear_until(fd, got, sizeof got, "\n", 6);
    assert_has(got, "HTTP/1.1 200 OK\r\nDate: ");
    assert_has(got, " GMT\r\n");
    assert_has(got, "Content-Type: text/plain\r\n");
    assert_has(got, "path=/p%20q host=other q=苏 1\n");
    assert_lacks(got, "Connection:");
    sayz(fd, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" GET("/204") GET("/z"));
    hear_until(fd, got, sizeof got, "path=/z", 1);
    assert_lacks(got, "path=/ "); // HEAD has a length and no body
    assert_has(got, "Content-Length: 17\r\n");
    assert_lacks(got, "must not be sent");
    sayz(fd, "GET http://h?q=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    hear_all(fd, got, sizeof got);
    assert_has(got, "path=/ host=h q=1\n");
    assert_has(got, "Connection: close\r\n");
    close(fd);
}

static void test_http10(void **state) {
    (void)state;
    char got[4096];
    ask_once(&s, "GET /a HTTP/1.0\r\n\r\n", got, sizeof got); // closes by itself
    assert_has(got, "path=/a");
    int fd = dial(&s);
    sayz(fd, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    hear_until(fd, got, sizeof got, "path=/a", 1);
    assert_has(got, "Connection: keep-alive\r\n");
    sayz(fd, "GET /sse?end HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    hear_all(fd, got, sizeof got); // no chunks in 1.0: the end of the connection ends it
    assert_has(got, "\r\n\r\ndata: one\n\ndata: 0123456789\n\n");
    assert_lacks(got, "chunked");
    close(fd);
}

static void test_bytewise(void **state) {
    (void)state;
    char got[4096];
    const char *text = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "3;x\r\nabc\r\n00002\r\nde\r\n0\r\nT: u\r\n\r\n" GET("/b");
    int fd = dial(&s);
    for (const char *p = text; *p; p++)
        say(fd, p, 1);
    hear_until(fd, got, sizeof got, "path=/b", 1);
    char want[64];
    snprintf(want, sizeof want, "memory 5 %016llx", (unsigned long long)str_hash(S("abcde")));
    assert_has(got, want);
    close(fd);
}

static void test_large_bodies(void **state) {
    (void)state;
    char got[4096], want[64];
    const size_t sizes[] = {1, 4096, 4097, HTTP_BODY_MEMORY_MAX, HTTP_BODY_MEMORY_MAX + 1, BIG};
    int fd = dial(&s);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t n = sizes[i];
        snprintf(want, sizeof want, "%s %zu %016llx", n > HTTP_BODY_MEMORY_MAX ? "file" : "memory", n,
                 (unsigned long long)str_hash((struct str){big, n}));
        dprintf(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", n);
        say(fd, big, n);
        hear_until(fd, got, sizeof got, want, 1);
        sayz(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (size_t at = 0; at < n;) {
            size_t piece = n - at < 30011 ? n - at : 30011;
            dprintf(fd, "%zX\r\n", piece);
            say(fd, big + at, piece);
            say(fd, "\r\n", 2);
            at += piece;
        }
        sayz(fd, "0\r\n\r\n");
        hear_until(fd, got, sizeof got, want, 1);
    }
    close(fd);
}

static void test_continue(void **state) {
    (void)state;
    char got[4096];
    int fd = dial(&s);
    sayz(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    hear_until(fd, got, sizeof got, "\r\n\r\n", 1);
    assert_string_equal(got, "HTTP/1.1 100 Continue\r\n\r\n");
    sayz(fd, "abc");
    hear_until(fd, got, sizeof got, "memory 3", 1);
    close(fd);
    ask_once(&s, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\nExpect: 100-continue\r\n\r\n", got,
             sizeof got);
    assert_lacks(got, "100 Continue"); // the verdict comes before the body
    assert_has(got, "HTTP/1.1 413 ");
}

// ---- answering --------------------------------------------------------------------------

static void test_pipeline_order(void **state) {
    (void)state;
    char got[8192];
    int fd = dial(&s);
    for (int i = 0; i < HTTP_PIPELINE_MAX + 4; i++)
        sayz(fd, GET("/later"));
    sayz(fd, GET("/last"));
    wait_for(&seen.kept_n, HTTP_PIPELINE_MAX);
    assert_int_equal(seen.kept_n, HTTP_PIPELINE_MAX); // not one more is read ahead
    int order[HTTP_PIPELINE_MAX];
    for (int i = 0; i < HTTP_PIPELINE_MAX; i++)
        order[i] = HTTP_PIPELINE_MAX - 1 - i; // answered from the last to the first
    answer_in(order, HTTP_PIPELINE_MAX);
    wait_for(&seen.kept_n, HTTP_PIPELINE_MAX + 4);
    for (int i = 0; i < 4; i++)
        order[i] = HTTP_PIPELINE_MAX + i;
    answer_in(order, 4);
    hear_until(fd, got, sizeof got, "path=/last", 1);
    const char *at = got;
    for (int i = 0; i < HTTP_PIPELINE_MAX + 4; i++) {
        char want[32];
        snprintf(want, sizeof want, "answer %d ", i);
        at = strstr(at, want);
        if (!at) fail_msg("answer %d out of order:\n%s", i, got);
    }
    close(fd);
}

// What may change something waits for what stands before it (RFC 9112 §9.3.2).
static void test_pipeline_unsafe(void **state) {
    (void)state;
    char got[4096];
    int fd = dial(&s);
    sayz(fd, GET("/later") POST("/echo", "3") "abc" GET("/b"));
    wait_for(&seen.kept_n, 1);
    int other = dial(&s); // a whole exchange elsewhere: the loop had every chance to go wrong
    sayz(other, GET("/x"));
    hear_until(other, got, sizeof got, "path=/x", 1);
    close(other);
    assert_int_equal(seen.requests, 2);
    answer_in((int[]){0}, 1);
    hear_until(fd, got, sizeof got, "path=/b", 1);
    assert_true(strstr(got, "answer 0") < strstr(got, "memory 3"));
    close(fd);
}

static void test_gone(void **state) {
    (void)state;
    char got[4096];
    int fd = dial(&s);
    sayz(fd, GET("/later"));
    wait_for(&seen.kept_n, 1);
    const struct linger reset = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd); // RST
    ask_once(&s, "GET /x HTTP/1.0\r\n\r\n", got, sizeof got);
    answer_in((int[]){0}, 1); // goes nowhere, harms nothing
    ask_once(&s, "GET /x HTTP/1.0\r\n\r\n", got, sizeof got);
    assert_has(got, "path=/x");
}

static void test_half_close(void **state) {
    (void)state;
    char got[4096];
    int fd = dial(&s);
    sayz(fd, GET("/later") GET("/b"));
    shutdown(fd, SHUT_WR);
    wait_for(&seen.kept_n, 1);
    answer_in((int[]){0}, 1);
    hear_all(fd, got, sizeof got);
    assert_has(got, "answer 0 gone=0");
    assert_has(got, "path=/b");
    close(fd);
    fd = dial(&s); // the end of the bytes in the middle of a body
    sayz(fd, POST("/echo", "10") "abc");
    shutdown(fd, SHUT_WR);
    assert_int_equal(recv(fd, got, sizeof got, 0), 0);
    close(fd);
}

// A reader that does not read: the reply waits, others are served, and then everything arrives.
static void test_back_pressure(void **state) {
    (void)state;
    char got[4096];
    const char *paths[] = {"/big", "/file"};
    for (int i = 0; i < 2; i++) {
        int fd = dial(&s);
        dprintf(fd,
                "GET %s HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                paths[i]);
        ask_once(&s, "GET /x HTTP/1.0\r\n\r\n", got, sizeof got);
        assert_has(got, "path=/x");
        size_t skip = i ? 5 : 0, cap = BIG + 4096;
        char *all = malloc(cap);
        size_t n = hear_all(fd, all, cap);
        char *body = strstr(all, "\r\n\r\n") + 4;
        assert_true(n > BIG - skip);
        assert_memory_equal(body, big + skip, BIG - skip);
        assert_has(body + BIG - skip, "path=/b");
        free(all);
        close(fd);
    }
    ask_once(&s, "GET /file?small HTTP/1.0\r\n\r\n", got, sizeof got);
    assert_has(got, "Content-Length: 100\r\n");
    assert_memory_equal(strstr(got, "\r\n\r\n") + 4, big + 5, 100);
    ask_once(&s, "HEAD /file HTTP/1.0\r\n\r\n", got, sizeof got);
    assert_has(got, "Content-Length: 8388603\r\n");
}

static void test_stream(void **state) {
    (void)state;
    char got[4096];
    int fd = dial(&s);
    sayz(fd, GET("/sse?end") GET("/b"));
    hear_until(fd, got, sizeof got, "path=/b", 1);
    assert_has(got, "Transfer-Encoding: chunked\r\n");
    assert_has(got, "\r\n\r\nb\r\ndata: one\n\n\r\n12\r\ndata: 0123456789\n\n\r\n0\r\n\r\nHTTP/1.1 200");
    assert_int_equal(seen.closes, 1);
    close(fd);
    fd = dial(&s); // the client goes: on_close tells
    sayz(fd, GET("/sse"));
    hear_until(fd, got, sizeof got, "data: one", 1);
    close(fd);
    wait_for(&seen.closes, 2);
    fd = dial(&s); // the handler is told to stop, and what was taken arrives whole
    sayz(fd, "GET /sse?flood HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    wait_for(&seen.closes, 3);
    char *all = malloc(BIG * 2);
    size_t n = hear_all(fd, all, BIG * 2);
    assert_true(n > HTTP_STREAM_WAIT_MAX);
    assert_memory_equal(all + n - 5, "0\r\n\r\n", 5);
    free(all);
    close(fd);
}

static void test_no_splitting(void **state) {
    (void)state;
    char got[4096];
    ask_once(&s, "GET /split HTTP/1.0\r\n\r\n", got, sizeof got);
    assert_has(got, "X-Name: a  X-Evil: b\r\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUNNING(test_malformed),      RUNNING(test_refusals_in_order),  RUNNING(test_body_limits),
        RUNNING(test_plain),          RUNNING(test_early_without_body), RUNNING(test_http10),
        RUNNING(test_bytewise),       RUNNING(test_large_bodies),       RUNNING(test_continue),
        RUNNING(test_pipeline_order), RUNNING(test_pipeline_unsafe),    RUNNING(test_gone),
        RUNNING(test_half_close),     RUNNING(test_back_pressure),      RUNNING(test_stream),
        RUNNING(test_no_splitting),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
