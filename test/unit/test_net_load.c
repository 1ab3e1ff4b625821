// SPDX-License-Identifier: MulanPSL-2.0
// The server under time and numbers: time-outs, limits of connections and descriptors, stopping, posts and timers,
// five thousand idle connections, random traffic. Clocks are shortened through the loop's own table, nothing sleeps.
#include "net_fixture.h"
#include <sys/resource.h>

// ---- time and numbers -------------------------------------------------------------------

static void go_with(enum http_clock clock, int ms) {
    s.loop->delay_ms[clock] = ms; // only this one: on a busy machine the others must not strike by chance
    served_go(&s);
}

static void test_idle_time_out(void **state) {
    (void)state;
    char got[4096];
    go_with(CLOCK_IDLE, 500);
    int idle = dial(&s);
    ask_once(&s, GET("/a"), got, sizeof got); // closed after the reply, without a word
    assert_has(got, "path=/a");
    assert_lacks(got, "HTTP/1.1 4");
    assert_int_equal(recv(idle, got, sizeof got, 0), 0); // nothing said, nothing answered
    close(idle);
}

static void test_head_time_out(void **state) {
    (void)state;
    char got[4096];
    go_with(CLOCK_HEAD, 30);
    ask_once(&s, "GET / HTTP/1.1\r\nHo", got, sizeof got);
    assert_has(got, "HTTP/1.1 408 ");
    ask_once(&s, GET("/a") "GET / HTTP/1.1\r\nHo", got, sizeof got);
    assert_true(strstr(got, "path=/a") && strstr(got, "HTTP/1.1 408 "));
    // A handler's own time is not the client's fault.
    int fd = dial(&s);
    sayz(fd, GET("/later"));
    wait_for(&seen.kept_n, 1);
    ask_once(&s, "GET / HTTP/1.1\r\nHo", got, sizeof got); // as long as the clock
    answer_in((int[]){0}, 1);
    hear_until(fd, got, sizeof got, "answer 0 gone=0", 1);
    close(fd);
}

static void test_body_time_out(void **state) {
    (void)state;
    char got[4096];
    go_with(CLOCK_BODY, 30);
    ask_once(&s, POST("/echo", "10") "abc", got, sizeof got);
    assert_has(got, "HTTP/1.1 408 ");
    int fd = dial(&s); // a reader that does not read is dropped
    sayz(fd, GET("/big"));
    wait_for(&seen.requests, 1);
    while (http_stats(s.loop).connections_open > 0)
        sched_yield();
    close(fd);
}

static void test_slowloris(void **state) {
    (void)state;
    char got[4096];
    go_with(CLOCK_HEAD, 200);
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

// ---- random traffic ---------------------------------------------------------------------

static uint32_t dice(uint32_t *r, uint32_t sides) {
    *r ^= *r << 13;
    *r ^= *r >> 17;
    *r ^= *r << 5;
    return *r % sides;
}

// One request of a random kind that ends in a token by which its reply is known.
static size_t random_request(uint32_t *r, int token, char *out, size_t cap) {
    size_t n = 1 + dice(r, 3000);
    switch (dice(r, 6)) {
    case 0:
        return (size_t)snprintf(out, cap, "GET /later?q=%d HTTP/1.1\r\nHost: x\r\n\r\n", token);
    case 1:
        return (size_t)snprintf(
            out, cap, "GET /sse?end HTTP/1.1\r\nHost: x\r\n\r\nGET /a?q=%d HTTP/1.1\r\nHost: x\r\n\r\n",
            token);
    case 2:
        return (size_t)snprintf(out, cap,
                                "PUT /a?q=%d HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%.*s", token,
                                n, (int)n, big);
    case 3:
        return (size_t)snprintf(
            out, cap,
            "POST /a?q=%d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%zx;a=b\r\n%.*s\r\n"
            "0\r\nT: u\r\n\r\n",
            token, n, (int)n, big);
    case 4:
        return (size_t)snprintf(
            out, cap, "GET /file?small HTTP/1.1\r\nHost: x\r\n\r\nGET /a?q=%d HTTP/1.1\r\nHost: x\r\n\r\n",
            token);
    default:
        return (size_t)snprintf(out, cap, "GET /a?q=%d HTTP/1.1\r\nHost: x\r\nA: %.*s\r\n\r\n", token, (int)n,
                                big);
    }
}

static void answer_later(struct http_post *p) {
    struct answer *a = (struct answer *)(void *)p;
    http_reply(a->x, &plain, str_print(a->x->mem, "later q=%.*s\n", STRF(http_query(a->x, "q"))));
    free(a);
}

// Answers what is kept from another thread until told to stop: some at once, some in lists, the newest first.
static void *answer_all(void *arg) {
    const _Atomic bool *stop = arg;
    while (!atomic_load(stop)) {
        pthread_mutex_lock(&seen.lock);
        struct http_post *list = NULL;
        for (int i = 0; i < seen.kept_n; i++) {
            struct answer *a = calloc(1, sizeof *a);
            *a = (struct answer){{list, answer_later}, seen.kept[i], 0};
            list = &a->post;
        }
        seen.kept_n = 0;
        pthread_mutex_unlock(&seen.lock);
        if (list) http_post(s.loop, list);
        sched_yield();
    }
    return NULL;
}

// Requests of all kinds, pipelined, cut into random pieces: each token comes back once, in order, and the connection
// ends as its last request asks. A fixed seed: a failure can be seen again.
static void test_random_traffic(void **state) {
    (void)state;
    enum { ROUNDS = 60, REQUESTS = 24, CAP = REQUESTS * 4096 };
    _Atomic bool stop = false;
    pthread_t helper;
    assert_int_equal(pthread_create(&helper, NULL, answer_all, &stop), 0);
    char *out = malloc(CAP), *got = malloc(CAP);
    uint32_t r = 20261122;
    for (int round = 0; round < ROUNDS; round++) {
        size_t n = 0;
        for (int i = 0; i < REQUESTS; i++)
            n += random_request(&r, round * 1000 + i, out + n, CAP - n);
        n += (size_t)snprintf(out + n, CAP - n, "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        int fd = dial(&s);
        for (size_t at = 0; at < n;) {
            size_t piece = 1 + dice(&r, dice(&r, 4) ? 40 : 5000);
            if (piece > n - at) piece = n - at;
            say(fd, out + at, piece);
            at += piece;
        }
        hear_all(fd, got, CAP);
        close(fd);
        char *at = got;
        for (int i = 0; i < REQUESTS; i++) {
            char want[32];
            snprintf(want, sizeof want, "q=%d\n", round * 1000 + i);
            char *found = strstr(at, want);
            if (!found) fail_msg("round %d: reply %d is missing or out of order", round, i);
            at = found + 1;
        }
        assert_has(at, "path=/last");
        assert_lacks(got, "HTTP/1.1 4");
    }
    atomic_store(&stop, true);
    pthread_join(helper, NULL);
    free(out);
    free(got);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        READY(test_slowloris),     READY(test_connection_limit),   RUNNING(test_descriptors),
        RUNNING(test_stop),        READY(test_close_unanswered),   RUNNING(test_posts_in_order),
        READY(test_every),         RUNNING(test_idle_connections), RUNNING(test_random_traffic),
        READY(test_idle_time_out), READY(test_head_time_out),      READY(test_body_time_out),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
