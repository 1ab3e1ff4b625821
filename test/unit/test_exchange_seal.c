// SPDX-License-Identifier: MulanPSL-2.0
// The list of calls when most of it is sealed: every grant's pages read as before, nothing twice, nothing lost, wherever
// sealing stops; a call still awaited stays a row; salts that were dropped do not come back; damage is named.
#include "city_fixture.h"
#include "mod/catalog/catalog.h"
#include "mod/exchange/calls.h"
#include "mod/exchange/exchange.h"
#include "mod/ledger/ledger.h"
#include "mod/people/people.h"

FIXTURE_MODULES(&people_module, &ledger_module, &catalog_module, &exchange_module)

#define GRANTS 7

static struct fixture f;

static int setup(void **state) {
    (void)state;
    fixture_now_ms = 1794182400000;
    fixture_open(&f);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    fixture_close(&f);
    return 0;
}

static void job_cx(struct cx *cx) {
    core_cx(cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
}

struct filling {
    int64_t from, to, awaited;
};

static struct call_row made(int64_t entry) {
    return (struct call_row){.grant = 1 + entry * 31 % GRANTS,
                             .entry = entry,
                             .key = entry % 3,
                             .time_ms =
                                 fixture_now_ms + entry * 7 - entry % 5 * 40, // clocks go back, a little
                             .rows = entry % 11,
                             .bytes = entry * entry % 100000,
                             .status = 200};
}

static int fill(struct cx *cx, void *arg) {
    const struct filling *k = arg;
    static const char salts[64] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+";
    int code = OK;
    for (int64_t i = k->from; i < k->to && code == OK; i++) {
        struct call_row r = made(i);
        struct str s = i % 4 ? STR_NONE : (struct str){salts + i % 17, (size_t)(i % 3) * 16};
        code = i == k->awaited ? store_exec(cx->db, NULL, &cx->err, Q_exchange_call_sent, "iiii", r.grant, i,
                                            r.key, r.time_ms)
                               : store_exec(cx->db, NULL, &cx->err, Q_exchange_call_put, "iiiiiib", r.grant,
                                            i, r.key, r.time_ms, r.rows, r.bytes, s);
    }
    return code;
}

static void put(int64_t from, int64_t to, int64_t awaited) {
    for (; from < to; from += 4000) {
        struct filling k = {from, from + 4000 < to ? from + 4000 : to, awaited};
        struct cx cx;
        job_cx(&cx);
        assert_int_equal(cx_write(&cx, fill, &k), OK);
    }
}

static void seal(void) {
    struct cx cx;
    job_cx(&cx);
    int code = calls_seal(&cx);
    if (code != OK) fprintf(stderr, "%s %s\n", err_info((enum err_code)code)->name, cx.err.arg);
    assert_int_equal(code, OK);
}

static int64_t number(const char *sql) {
    struct err e = {0};
    struct stmt *s = store_text_query(f.conn, str_of(sql), "");
    int64_t n = store_next(s) ? store_int(s, 0) : -1;
    assert_int_equal(store_done(s, &e), OK);
    return n;
}

// Pages of 100, newest first: exactly the grant's calls below `end`.
static void pages_are_whole(int64_t grant, int64_t end) {
    struct call_row rows[100];
    int64_t want = end - 1, before = INT64_MAX;
    for (int n = 100; n == 100;) {
        struct arena mem;
        struct cx cx;
        arena_init(&mem, 0); // a request's
        core_cx(&cx, &f.city, &mem, f.conn, f.hasher, NULL);
        assert_int_equal(calls_of_grant(&cx, grant, before, 100, rows, &n), OK);
        for (int i = 0; i < n; i++) {
            while (made(want).grant != grant)
                want--;
            struct call_row m = made(want--);
            assert_int_equal(rows[i].entry, m.entry);
            assert_int_equal(rows[i].time_ms, m.time_ms);
            assert_int_equal(rows[i].key, m.key);
            assert_int_equal(rows[i].grant, grant);
            if (!rows[i].is_proxied) assert_int_equal(rows[i].bytes, m.bytes);
            before = rows[i].entry;
        }
        arena_free(&mem);
    }
    while (want >= 0)
        assert_int_not_equal(made(want--).grant, grant);
}

static void pages_before_and_after(void **state) {
    (void)state;
    const int64_t all = 160000;
    int64_t first_ms = 0;
    struct cx cx;
    put(0, all, -1);
    pages_are_whole(1, all);
    seal();
    assert_int_equal(number("SELECT entry FROM exchange_call_sealed"), 131072);
    assert_int_equal(number("SELECT min(entry) FROM exchange_call"), 131072);
    for (int64_t g = 1; g <= GRANTS; g++)
        pages_are_whole(g, all);
    job_cx(&cx);
    assert_int_equal(calls_first(&cx, 3, &first_ms), OK);
    int64_t first = 0;
    while (made(first).grant != 3)
        first++;
    assert_int_equal(first_ms, made(first).time_ms);
    assert_int_equal(calls_first(&cx, GRANTS + 1, &first_ms), OK);
    assert_int_equal(first_ms, 0);
    seal(); // too few wait
    assert_int_equal(number("SELECT min(entry) FROM exchange_call"), 131072);
}

static void awaited_stays(void **state) {
    (void)state;
    put(0, 130000, 30000);
    seal();
    assert_int_equal(number("SELECT entry FROM exchange_call_sealed"), 30000);
    assert_int_equal(number("SELECT min(entry) FROM exchange_call"), 30000);
    pages_are_whole(made(30000).grant, 130000);
    fixture_now_ms += 3600000; // nobody waits an hour
    seal();
    assert_true(number("SELECT entry FROM exchange_call_sealed") > 30000);
    struct call_row one;
    struct cx cx;
    int n;
    job_cx(&cx);
    assert_int_equal(calls_of_grant(&cx, made(30000).grant, 30001, 1, &one, &n), OK);
    assert_true(n == 1 && one.is_proxied && one.status == 0);
}

static void stopped_anywhere(void **state) {
    (void)state;
    put(0, 100000, -1);
    // As if it had stopped with runs written and not published, and as if rows were not dropped yet.
    struct cx cx;
    job_cx(&cx);
    seal();
    put(0, 5000, -1); // rows that a run holds as well
    assert_int_equal(number("SELECT count(*) FROM exchange_call WHERE entry < 65536"), 5000);
    pages_are_whole(2, 100000);
    put(100000, 200000, -1);
    seal();
    assert_int_equal(number("SELECT count(*) FROM exchange_call WHERE entry < 65536"), 0);
    pages_are_whole(2, 200000);
}

static int erase(struct cx *cx, void *arg) {
    return calls_erase_salts(cx, made(*(int64_t *)arg).grant, *(int64_t *)arg);
}

struct salts_seen {
    int64_t with, total, bad;
};
static int count_salts(void *arg, const struct call_row *r) {
    struct salts_seen *s = arg;
    s->with += r->salts.p != NULL;
    s->total++;
    return OK;
}
static void count_bad(void *arg, int64_t grant, int64_t first) {
    struct salts_seen *s = arg;
    (void)grant;
    (void)first;
    s->bad++;
}

static void salts_are_forgotten(void **state) {
    (void)state;
    struct cx cx;
    struct err e = {0};
    struct salts_seen seen = {0}, damaged = {0};
    put(0, 100000, -1);
    int64_t row = 8, sealed = 16, beyond = 999999;
    job_cx(&cx);
    assert_int_equal(cx_write(&cx, erase, &row), OK);
    seal();
    assert_int_equal(cx_write(&cx, erase, &sealed), OK);
    assert_int_equal(cx_write(&cx, erase, &beyond), ERR_not_found);
    assert_int_equal(calls_each(f.conn, f.hasher, count_salts, &seen, NULL, &e), OK);
    assert_int_equal(seen.total, 100000);
    assert_int_equal(seen.with, 25000 - 2);
    store_from_outside(f.folder, f.city.store_url,
                       on_postgres()
                           ? "UPDATE exchange_call_run SET packed = set_byte(packed, 20, 7) WHERE id = 3"
                           : "UPDATE exchange_call_run SET packed = cast(substr(packed, 1, 20) || x'07' ||"
                             " substr(packed, 22) as blob) WHERE id = 3");
    assert_int_equal(calls_each(f.conn, f.hasher, count_salts, &damaged, count_bad, &e), OK);
    assert_int_equal(damaged.bad, 1);
    assert_int_equal(calls_each(f.conn, f.hasher, count_salts, &damaged, NULL, &e), ERR_exchange_run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_before_and_after, setup, teardown),
        cmocka_unit_test_setup_teardown(awaited_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(stopped_anywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(salts_are_forgotten, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
