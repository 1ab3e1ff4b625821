// SPDX-License-Identifier: MulanPSL-2.0
// Quota and meter on the writer: summed in memory, written with the batch. What an item that failed took is given back;
// more grants in one batch than are summed are metered all the same; the quota is exact either way.
#include "city_fixture.h"
#include "mod/catalog/catalog.h"
#include "mod/exchange/inside.h"
#include "mod/ledger/ledger.h"
#include "mod/people/people.h"

FIXTURE_MODULES(&people_module, &ledger_module, &catalog_module, &exchange_module)

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

struct taking {
    int64_t first, last, times, quota; // grants first … last, each so many times
    bool fails;
};

static int64_t taken;

static int take(struct cx *cx, void *arg) {
    const struct taking *t = arg;
    int code = OK;
    taken = 0;
    for (int64_t g = t->first; g <= t->last; g++)
        for (int64_t i = 0; i < t->times && code == OK; i++) {
            struct call_note c = {.grant_id = g, .rows = 2, .bytes = 10, .quota = t->quota};
            code = call_take(cx, &c, cx->now_ms);
            if (code == OK) taken++;
            if (code != ERR_quota_used) continue;
            cx->err = (struct err){0};
            cx->reply.headers_n = 0;
            code = OK;
            break;
        }
    return code == OK && t->fails ? cx_fail(cx, ERR_conflict, "", "as asked") : code;
}

static int64_t run(struct taking t, int want) {
    struct cx cx;
    core_cx(&cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
    assert_int_equal(cx_write(&cx, take, &t), want);
    return taken;
}

static int64_t number(const char *sql) {
    struct err e = {0};
    struct stmt *s = store_text_query(f.conn, str_of(sql), "");
    int64_t n = store_next(s) ? store_int(s, 0) : -1;
    assert_int_equal(store_done(s, &e), OK);
    return n;
}

static void quota_is_exact(void **state) {
    (void)state;
    assert_int_equal(run((struct taking){1, 1, 2, 5, false}, OK), 2);
    assert_int_equal(run((struct taking){1, 1, 9, 5, false}, OK), 3); // what was left
    assert_int_equal(run((struct taking){1, 1, 1, 5, false}, OK), 0);
    assert_int_equal(number("SELECT calls FROM exchange_meter WHERE grant_id = 1"), 5);
    assert_int_equal(number("SELECT rows * 100 + bytes FROM exchange_meter WHERE grant_id = 1"), 1050);
    fixture_now_ms += 86400000; // another day
    assert_int_equal(run((struct taking){1, 1, 9, 5, false}, OK), 5);
    assert_int_equal(number("SELECT count(*) FROM exchange_meter"), 2);
}

static void undone_is_given_back(void **state) {
    (void)state;
    run((struct taking){1, 3, 4, 5, true}, ERR_conflict);
    assert_int_equal(number("SELECT count(*) FROM exchange_meter"), 0);
    assert_int_equal(run((struct taking){1, 3, 9, 5, false}, OK), 15);
    run((struct taking){1, 3, 1, 50, true}, ERR_conflict);
    assert_int_equal(number("SELECT sum(calls) FROM exchange_meter"), 15);
}

static void more_grants_than_are_summed(void **state) {
    (void)state;
    assert_int_equal(run((struct taking){1, 1000, 3, 2, false}, OK), 2000);
    assert_int_equal(number("SELECT sum(calls) FROM exchange_meter"), 2000);
    assert_int_equal(number("SELECT max(calls) FROM exchange_meter"), 2);
    run((struct taking){1, 1000, 3, 9, true}, ERR_conflict);
    assert_int_equal(number("SELECT sum(calls) FROM exchange_meter"), 2000);
    assert_int_equal(run((struct taking){1, 1000, 3, 2, false}, OK), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(quota_is_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(undone_is_given_back, setup, teardown),
        cmocka_unit_test_setup_teardown(more_grants_than_are_summed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
