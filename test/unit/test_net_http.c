// SPDX-License-Identifier: MulanPSL-2.0
// The server over raw sockets: every malformed request gets 400 and a closed connection, and every promise of
// net/http.h is called in: order, limits, bodies, streams, later answers, stopping. Time-outs are shortened through
// the loop's own table; nothing here sleeps.
#include "net_help.h"
#include "net_malformed.h"
#include <signal.h>
#include <sys/resource.h>

enum { BIG = 8 << 20 };

// What the handlers leave behind; written on the loop's thread, read after it has ended or under the lock.
struct seen {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int requests, closes, ticks;
    struct http_exchange *kept[32];
    int kept_n;
    struct http_exchange *stream;
};

static struct served s;
static struct seen seen;
static char *big;
static char spool[] = "/tmp/gusu-net-XXXXXX";

static void note(int *counter) {
    pthread_mutex_lock(&seen.lock);
    ++*counter;
    pthread_cond_broadcast(&seen.moved);
    pthread_mutex_unlock(&seen.lock);
}

static void wait_for(int *counter, int at_least) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&seen.lock);
    int bad = 0;
    while (*counter < at_least && !bad)
        bad = pthread_cond_timedwait(&seen.moved, &seen.lock, &until);
    pthread_mutex_unlock(&seen.lock);
    assert_int_equal(bad, 0);
}

static const struct http_out plain = {.status = 200, .type = {"text/plain", 10}};

static int64_t on_head(void *arg, struct http_exchange *x) {
    (void)arg;
    if (str_eq(x->path, S("/early"))) http_reply(x, &(struct http_out){.status = 401}, S("who?"));
    if (str_eq(x->path, S("/none"))) return 0;
    return str_eq(x->path, S("/small")) ? 10 : BIG;
}

static void on_closed(void *arg) {
    (void)arg;
    note(&seen.closes);
}

static void echo(struct http_exchange *x) {
    struct str kind = x->body_fd >= 0 ? S("file") : S("memory");
    if (x->body_fd >= 0) { // read back: it must be what was sent
        char *p = arena_take(x->mem, (size_t)x->body_bytes + 1);
        assert_int_equal(read(x->body_fd, p, (size_t)x->body_bytes + 1), x->body_bytes);
        x->body = (struct str){p, (size_t)x->body_bytes};
    }
    http_reply(x, &plain,
               str_print(x->mem, "%.*s %lld %016llx", STRF(kind), (long long)x->body_bytes,
                         (unsigned long long)str_hash(x->body)));
}

static void keep(struct http_exchange *x) {
    http_reply_later(x);
    pthread_mutex_lock(&seen.lock);
    seen.kept[seen.kept_n++] = x;
    pthread_cond_broadcast(&seen.moved);
    pthread_mutex_unlock(&seen.lock);
}

static void stream(struct http_exchange *x) {
    http_stream_begin(x, &(struct http_out){.status = 200, .type = S("text/event-stream")}, on_closed, NULL);
    assert_true(http_stream_send(x, S("data: one\n\n")));
    if (str_eq(x->query, S("end"))) {
        assert_true(http_stream_send(x, S("data: 0123456789\n\n")));
        http_stream_end(x);
    }
    if (str_eq(x->query, S("flood"))) {
        int taken = 0;
        while (http_stream_send(x, (struct str){big, 65536}))
            assert_true(++taken < 1000); // it must say stop
        http_stream_end(x);
    }
    seen.stream = x;
}

static void split(struct http_exchange *x) {
    struct http_header h = {S("X-Name"), S("a\r\nX-Evil: b")};
    http_reply(x, &(struct http_out){200, S("text/plain"), &h, 1, false}, S("ok"));
}

static void file(struct http_exchange *x) {
    FILE *f = tmpfile();
    assert_int_equal(fwrite(big, 1, BIG, f), BIG);
    fflush(f);
    int64_t n = x->query.p ? 100 : BIG - 5;
    http_reply_file(x, &plain, dup(fileno(f)), 5, n);
    fclose(f);
}

static const struct {
    const char *path;
    void (*run)(struct http_exchange *x);
} routes[] = {{"/echo", echo},  {"/small", echo},  {"/none", echo}, {"/later", keep},
              {"/sse", stream}, {"/split", split}, {"/file", file}};

static void on_request(void *arg, struct http_exchange *x) {
    (void)arg;
    note(&seen.requests);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (str_eq(x->path, str_of(routes[i].path))) {
            routes[i].run(x);
            return;
        }
    if (str_eq(x->path, S("/big"))) {
        http_reply(x, &plain, (struct str){big, BIG});
        return;
    }
    if (str_eq(x->path, S("/204"))) {
        http_reply(x, &(struct http_out){.status = 204}, S("must not be sent"));
        return;
    }
    http_reply(x, &plain,
               str_print(x->mem, "path=%.*s host=%.*s q=%.*s\n", STRF(x->path), STRF(http_header(x, "host")),
                         STRF(http_query(x, "q"))));
}

static struct http_config config(void) {
    return (struct http_config){
        .address = "127.0.0.1", .on_head = on_head, .on_request = on_request, .spool_dir = spool};
}

static int set_up(void **state) {
    (void)state;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
    seen = (struct seen){.lock = lock, .moved = moved};
    struct http_config k = config();
    served_open(&s, &k);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    served_stop(&s);
    return 0;
}

static int set_up_running(void **state) {
    set_up(state);
    served_go(&s);
    return 0;
}

#define GET(path)     "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path, n) "POST " path " HTTP/1.1\r\nHost: x\r\nContent-Length: " n "\r\n\r\n"

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

struct answer {
    struct http_post post;
    struct http_exchange *x;
    int id;
};

static void give_answer(struct http_post *p) {
    struct answer *a = (struct answer *)(void *)p;
    http_reply(a->x, &plain, str_print(a->x->mem, "answer %d gone=%d\n", a->id, a->x->gone));
}

// Answers the kept exchanges in the order of `order`, from this thread, as one list of posts.
static void answer_in(const int *order, int n) {
    static struct answer answers[32];
    for (int i = 0; i < n; i++)
        answers[i] = (struct answer){
            {i + 1 < n ? &answers[i + 1].post : NULL, give_answer}, seen.kept[order[i]], order[i]};
    http_post(s.loop, &answers[0].post);
}

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

// ---- time and numbers -------------------------------------------------------------------

static void test_time_outs(void **state) {
    (void)state;
    char got[4096];
    s.loop->delay_ms[CLOCK_HEAD] = s.loop->delay_ms[CLOCK_BODY] = s.loop->delay_ms[CLOCK_IDLE] = 30;
    served_go(&s);
    int idle = dial(&s);
    assert_int_equal(recv(idle, got, sizeof got, 0), 0); // nothing said, nothing answered
    ask_once(&s, "GET / HTTP/1.1\r\nHo", got, sizeof got);
    assert_has(got, "HTTP/1.1 408 ");
    ask_once(&s, GET("/a") "GET / HTTP/1.1\r\nHo", got, sizeof got);
    assert_true(strstr(got, "path=/a") && strstr(got, "HTTP/1.1 408 "));
    ask_once(&s, POST("/echo", "10") "abc", got, sizeof got);
    assert_has(got, "HTTP/1.1 408 ");
    ask_once(&s, GET("/a"), got, sizeof got); // idle again after a request
    assert_lacks(got, "408");
    close(idle);
    // A handler's own time is not the client's fault.
    int fd = dial(&s);
    sayz(fd, GET("/later"));
    wait_for(&seen.kept_n, 1);
    ask_once(&s, GET("/a"), got, sizeof got); // longer than any of the clocks above
    answer_in((int[]){0}, 1);
    hear_until(fd, got, sizeof got, "answer 0 gone=0", 1);
    close(fd);
    // A reader that does not read for long is dropped.
    fd = dial(&s);
    sayz(fd, GET("/big"));
    while (http_stats(s.loop).connections_open > 0)
        sched_yield();
    close(fd);
}

static void test_slowloris(void **state) {
    (void)state;
    char got[4096];
    s.loop->delay_ms[CLOCK_HEAD] = 200;
    served_go(&s);
    // A byte now and then does not win more time: the clock runs from the first byte of the head.
    int fd = dial(&s);
    sayz(fd, "GET / HTTP/1.1\r\nHost: x\r\nA: ");
    const struct timeval beat = {0, 20000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &beat, sizeof beat);
    int bytes = 0;
    while (recv(fd, got, sizeof got - 1, 0) < 0 && bytes < 1000) {
        say(fd, "a", 1);
        bytes++;
    }
    assert_has(got, "HTTP/1.1 408 ");
    assert_true(bytes < 50);
    close(fd);
}

static void test_connection_limit(void **state) {
    (void)state;
    char got[4096];
    http_close(s.loop);
    struct http_config k = config();
    k.connections_max = 3;
    served_open(&s, &k);
    served_go(&s);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = dial(&s);
        sayz(fds[i], GET("/a"));
        hear_until(fds[i], got, sizeof got, "path=/a", 1);
    }
    for (int i = 0; i < 2 * HTTP_REFUSED_MAX; i++) {
        int fd = dial(&s);
        hear_all(fd, got, sizeof got);
        assert_has(got, "HTTP/1.1 503 ");
        close(fd);
        sayz(fds[0], GET("/a")); // a whole exchange: the close above was seen
        hear_until(fds[0], got, sizeof got, "path=/a", 1);
    }
    close(fds[2]);
    while (http_stats(s.loop).connections_open > 2)
        sched_yield();
    ask_once(&s, "GET /b HTTP/1.0\r\n\r\n", got, sizeof got);
    assert_has(got, "path=/b");
    close(fds[0]);
    close(fds[1]);
}

static long rss_kib(void) {
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_int_equal(fscanf(f, "%ld %ld", &pages, &resident), 2);
    fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

// An idle connection holds no buffer, no arena, nothing but its struct: 5,000 of them that have each been served cost
// less than 3 KiB apiece, the sanitizer's own share and this test's clients included.
static void test_idle_connections(void **state) {
    (void)state;
    enum { N = 5000 };
    struct rlimit before, wide;
    getrlimit(RLIMIT_NOFILE, &before);
    wide = (struct rlimit){2 * N + 200, before.rlim_max};
    if (before.rlim_max < wide.rlim_cur) skip(); // this machine does not allow so many descriptors
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &wide), 0);
    static int fds[N];
    char got[4096];
    long start = 0;
    for (int i = 0; i < N; i++) {
        if (i == 10) start = rss_kib(); // the loop's own buffers are touched by now
        fds[i] = dial(&s);
        sayz(fds[i], GET("/a") "GET /b HTTP/1.1\r\n"); // and one head half read
        hear_until(fds[i], got, sizeof got, "path=/a", 1);
        sayz(fds[i], "Host: x\r\n\r\n");
        hear_until(fds[i], got, sizeof got, "path=/b", 1);
    }
    long each_bytes = (rss_kib() - start) * 1024 / N;
    print_message("idle connection: %ld bytes\n", each_bytes);
    assert_true(each_bytes <= 3 * 1024);
    assert_int_equal(http_stats(s.loop).connections_open, N);
    for (int i = 0; i < N; i++) { // and each still answers
        sayz(fds[i], "GET /c HTTP/1.0\r\n\r\n");
        hear_all(fds[i], got, sizeof got);
        close(fds[i]);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

// No descriptor left: waiting clients are shed, the loop does not spin, and it recovers.
static void test_descriptors(void **state) {
    (void)state;
    char got[4096];
    int fds[8], high = 0;
    for (int i = 0; i < 8; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        high = fds[i] > high ? fds[i] : high;
    }
    struct rlimit before, tight;
    getrlimit(RLIMIT_NOFILE, &before);
    tight = (struct rlimit){(rlim_t)high + 1, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(s.loop))};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(connect(fds[i], (struct sockaddr *)&a, sizeof a), 0);
        assert_true(recv(fds[i], got, sizeof got, 0) <= 0);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (int i = 0; i < 8; i++)
        close(fds[i]);
    ask_once(&s, "GET /b HTTP/1.0\r\n\r\n", got, sizeof got);
    assert_has(got, "path=/b");
}

static void test_stop(void **state) {
    (void)state;
    char got[4096];
    int idle = dial(&s), busy = dial(&s), listener = dial(&s);
    sayz(listener, GET("/sse"));
    hear_until(listener, got, sizeof got, "data: one", 1);
    sayz(busy, GET("/later"));
    wait_for(&seen.kept_n, 1);
    http_stop(s.loop);
    assert_int_equal(recv(idle, got, sizeof got, 0), 0); // idle ones go at once
    wait_for(&seen.closes, 1);                           // and streams
    answer_in((int[]){0}, 1);                            // what is in flight is finished
    hear_all(busy, got, sizeof got);
    assert_has(got, "answer 0 gone=0");
    assert_has(got, "Connection: close\r\n");
    close(idle);
    close(busy);
    close(listener);
}

// Closing with an exchange unanswered frees it; the posts that are left are run.
static void test_close_unanswered(void **state) {
    (void)state;
    char got[64];
    s.loop->stop_ms = 20;
    served_go(&s);
    int fd = dial(&s);
    sayz(fd, GET("/later") GET("/later"));
    wait_for(&seen.kept_n, 2);
    http_stop(s.loop);
    pthread_join(s.thread, NULL);
    answer_in((int[]){1}, 1); // never taken by the loop
    http_close(s.loop);
    assert_true(recv(fd, got, sizeof got, 0) <= 0);
    close(fd);
    set_up_running(state); // something for the tear-down
}

struct counted {
    struct http_post post;
    int at, *next, *bad;
};

static void count(struct http_post *p) {
    struct counted *c = (struct counted *)(void *)p;
    if (*c->next != c->at) ++*c->bad;
    ++*c->next;
    note(&seen.ticks);
}

static void test_posts_in_order(void **state) {
    (void)state;
    enum { N = 2000 };
    static struct counted all[N];
    int next = 0, bad = 0;
    for (int i = 0; i < N; i++)
        all[i] = (struct counted){{NULL, count}, i, &next, &bad};
    for (int i = 0; i < N; i += 4) { // in lists of four
        for (int j = 0; j < 3; j++)
            all[i + j].post.next = &all[i + j + 1].post;
        http_post(s.loop, &all[i].post);
    }
    wait_for(&seen.ticks, N);
    assert_int_equal(bad, 0);
}

static void beat(void *arg) {
    (void)arg;
    note(&seen.ticks);
}

static void test_every(void **state) {
    (void)state;
    for (int i = 0; i < HTTP_TIMERS; i++)
        assert_int_equal(http_every(s.loop, i ? 100000 : 5, beat, NULL), OK);
    assert_int_equal(http_every(s.loop, 5, beat, NULL), ERR_too_large);
    served_go(&s);
    wait_for(&seen.ticks, 3);
}

// A folder for the spool files, a body to send about, and no mercy for SIGPIPE.
static int prepare(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    big = malloc(BIG);
    uint32_t r = 1;
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)('a' + ((r = r * 1664525 + 1013904223) >> 24) % 26);
    return mkdtemp(spool) ? 0 : -1;
}

static int clean(void **state) {
    (void)state;
    free(big);
    return rmdir(spool); // fails if a spool file was left behind
}

#define RUNNING(test) cmocka_unit_test_setup_teardown(test, set_up_running, tear_down)
#define READY(test)   cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        RUNNING(test_malformed),
        RUNNING(test_refusals_in_order),
        RUNNING(test_body_limits),
        RUNNING(test_plain),
        RUNNING(test_early_without_body),
        RUNNING(test_http10),
        RUNNING(test_bytewise),
        RUNNING(test_large_bodies),
        RUNNING(test_continue),
        RUNNING(test_pipeline_order),
        RUNNING(test_pipeline_unsafe),
        RUNNING(test_gone),
        RUNNING(test_half_close),
        RUNNING(test_back_pressure),
        RUNNING(test_stream),
        RUNNING(test_no_splitting),
        READY(test_time_outs),
        READY(test_slowloris),
        READY(test_connection_limit),
        RUNNING(test_descriptors),
        RUNNING(test_stop),
        READY(test_close_unanswered),
        RUNNING(test_posts_in_order),
        READY(test_every),
        RUNNING(test_idle_connections),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
