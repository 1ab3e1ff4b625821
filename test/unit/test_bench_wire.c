// SPDX-License-Identifier: MulanPSL-2.0
// The load generator against our own server: it must count what happened, see stalls in the open loop, survive a
// server that hangs up, and its percentiles must be right to one per cent.
#include "net_help.h"
#include "../../bench/wire.c"
#include "../../bench/wire_histogram.c"

static struct served s;
static struct wire_result r;
static _Atomic int seen;

static void on_request(void *arg, struct http_exchange *x) {
    (void)arg;
    int n = ++seen;
    struct http_out out = {.status = 200, .type = S("text/plain")};
    if (str_eq(x->path, S("/fourth")) && n % 4 == 0) out.status = 503;
    if (str_eq(x->path, S("/closes")) && n % 4 == 0) out.close = true;
    if (str_eq(x->path, S("/stall")) &&
        n == 50) { // one request stalls the whole server, as a slow commit would
        int64_t until = clock_ns() + SECOND_NS / 5;
        while (clock_ns() < until)
            sched_yield();
    }
    if (str_eq(x->path, S("/stream"))) {
        http_stream_begin(x, &out, NULL, NULL);
        assert_true(http_stream_send(x, S("0\r\n\r\n")) && http_stream_send(x, x->query));
        http_stream_end(x);
        return;
    }
    http_reply(x, &out, x->query);
}

static size_t make(void *arg, int connection, int64_t n, char *out, size_t cap) {
    (void)connection;
    return (size_t)snprintf(out, cap, "GET %s?n%lld HTTP/1.1\r\nHost: x\r\n\r\n", (const char *)arg,
                            (long long)n);
}

static bool is_own(void *arg, int connection, int64_t n, const struct wire_reply *reply) {
    (void)connection;
    char want[64];
    snprintf(want, sizeof want, "%sn%lld", strcmp(arg, "/stream") == 0 ? "0\r\n\r\n" : "", (long long)n);
    return reply->status == 200 && str_eq(reply->body, str_of(want));
}

static char path[64];
static struct wire_plan plan(const char *what, int64_t n) {
    snprintf(path, sizeof path, "%s", what);
    return (struct wire_plan){.address = "127.0.0.1",
                              .port = http_port(s.loop),
                              .connections = 8,
                              .requests_max = n,
                              .make = make,
                              .arg = path};
}

static int set_up(void **state) {
    (void)state;
    seen = 0;
    served_open(&s, &(struct http_config){.address = "127.0.0.1", .on_request = on_request});
    served_go(&s);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    served_stop(&s);
    return 0;
}

static void test_closed_loop(void **state) {
    (void)state;
    struct err e = {0};
    struct wire_plan k = plan("/a", 2000);
    k.on_reply = is_own;
    assert_int_equal(wire_run(&k, &r, &e), OK);
    assert_int_equal(r.answered, 2000);
    assert_int_equal(r.wrong + r.failed + r.unsent, 0);
    assert_int_equal(r.by_status[2], 2000);
    assert_int_equal(r.times.n, 2000);
    assert_true(r.rate_per_s > 0 && r.own_cpu_us > 0);
    k = plan("/stream", 500);
    k.on_reply = is_own;
    assert_int_equal(wire_run(&k, &r, &e), OK);
    assert_int_equal(r.answered, 500);
    assert_int_equal(r.wrong, 0);
}

static void test_statuses(void **state) {
    (void)state;
    struct err e = {0};
    struct wire_plan k = plan("/fourth", 400);
    assert_int_equal(wire_run(&k, &r, &e), OK);
    assert_int_equal(r.by_status[5], 100);
    assert_int_equal(r.wrong, 100);
    seen = 0;
    k = plan("/closes", 400);
    assert_int_equal(wire_run(&k, &r, &e), OK);
    assert_int_equal(r.answered, 400);
    assert_int_equal(r.failed, 0);
    assert_true(http_stats(s.loop).connections >= 108);
}

// A stall of 200 ms at 1,000 a second is felt by some 200 requests, not by the one that met it.
static void test_open_loop(void **state) {
    (void)state;
    struct err e = {0};
    char csv[] = "/tmp/gusu-wire-XXXXXX", line[200];
    int fd = mkstemp(csv);
    assert_true(fd >= 0);
    close(fd);
    struct wire_plan k = plan("/stall", 1000);
    k.rate_per_s = 1000;
    k.csv_path = csv;
    k.on_reply = is_own;
    assert_int_equal(wire_run(&k, &r, &e), OK);
    assert_int_equal(r.answered, 1000);
    assert_int_equal(r.wrong + r.failed, 0);
    assert_true(r.rate_per_s < 1010);
    assert_true(wire_histogram_at(&r.times, 0.90) > 50000000); // a tenth waited longer than 50 ms
    assert_true(r.times.max_ns > 150000000);
    FILE *f = fopen(csv, "r");
    assert_non_null(fgets(line, sizeof line, f));
    assert_string_equal(line, "second,replies,p50_ms,p99_ms,p999_ms,max_ms,wrong,failed\n");
    int64_t total = 0;
    long long second, n;
    while (fgets(line, sizeof line, f) && sscanf(line, "%lld,%lld,", &second, &n) == 2)
        total += n;
    fclose(f);
    unlink(csv);
    assert_int_equal(total, 1000);
}

static void test_no_server(void **state) {
    (void)state;
    struct err e = {0};
    struct wire_plan k = plan("/a", 10);
    k.port = 1;
    assert_int_equal(wire_run(&k, &r, &e), ERR_net);
    k.connections = WIRE_CONNECTIONS_MAX + 1;
    assert_int_equal(wire_run(&k, &r, &e), ERR_field_range);
}

static void test_histogram(void **state) {
    (void)state;
    static struct wire_histogram h;
    assert_int_equal(wire_histogram_at(&h, 0.5), 0);
    for (uint64_t i = 1; i <= 1000000; i++)
        wire_histogram_add(&h, i * 100);
    const double shares[] = {0.001, 0.5, 0.9, 0.99, 0.999, 1};
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        double got = (double)wire_histogram_at(&h, shares[i]), exact = shares[i] * 1e8;
        assert_true(got >= exact && got <= exact * 1.01);
    }
    // Every bucket's edges meet: no time falls between two, none into a neighbour.
    for (uint64_t ns = 0; ns < 70000; ns++) {
        size_t b = bucket_of(ns);
        assert_true(ns <= upper_edge(b) && (b == 0 || ns > upper_edge(b - 1)));
    }
    h = (struct wire_histogram){0};
    wire_histogram_add(&h, UINT64_MAX); // beyond the last bucket: kept as the maximum
    assert_true(wire_histogram_at(&h, 0.5) == UINT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_closed_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_statuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_server, set_up, tear_down),
        cmocka_unit_test(test_histogram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
