// SPDX-License-Identifier: MulanPSL-2.0
// A server with one handler for each promise of net/http.h, for the tests that call them in, and what they leave
// behind. Handlers run on the loop's thread; what they note is read under the lock.
#ifndef TEST_NET_FIXTURE_H
#define TEST_NET_FIXTURE_H
#include "net_help.h"
#include <signal.h>

enum { BIG = 8 << 20 };

// What the handlers leave behind; written on the loop's thread, read after it has ended or under the lock.
struct seen {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int requests, closes, ticks;
    struct http_exchange *kept[64];
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

#endif
