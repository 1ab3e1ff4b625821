// SPDX-License-Identifier: MulanPSL-2.0
// The guard against guessing by itself: it counts, forgets on time, never grows, and a flood of other log-ins does
// not wash away the count of the one under attack. One IPv6 subscriber is one address however many it uses.
#include "people_pack.h"
#include "mod/people/own.h"

FIXTURE_MODULES(&people_module)

static int setup(void **state) {
    static struct fixture f;
    fixture_open(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    fixture_close(*state);
    return 0;
}

static bool try_once(struct guard *g, uint64_t key, int64_t now_ms) {
    int64_t until;
    return guard_try(g, key, now_ms, 5, 60000, &until, NULL);
}

static void counts_and_forgets(void **state) {
    struct fixture *f = *state;
    struct guard *g = &people_state(&f->cx)->guard;
    int64_t until;
    bool last;
    for (int i = 0; i < 5; i++) {
        assert_true(guard_try(g, 7, 1000, 5, 60000, &until, &last));
        assert_int_equal(last, i == 4);
    }
    assert_false(guard_try(g, 7, 2000, 5, 60000, &until, &last));
    assert_false(last);
    assert_int_equal(until, 61000); // refused tries do not prolong it
    assert_true(try_once(g, 7, 61000));
    guard_clear(g, 7);
    for (int i = 0; i < 50; i++) {
        assert_true(try_once(g, 7, 70000)); // a try given back is no try
        guard_back(g, 7);
    }
}

static void a_flood_washes_nothing_away(void **state) {
    struct fixture *f = *state;
    struct guard *g = &people_state(&f->cx)->guard;
    for (int i = 0; i < 4; i++)
        assert_true(try_once(g, 1000003, 1000));
    for (uint64_t i = 0; i < 20 * GUARD_SLOTS; i++)
        assert_true(try_once(g, 2000003 + i * 7, 1001));
    assert_true(try_once(g, 1000003, 1002));
    assert_false(try_once(g, 1000003, 1003));
}

static void one_subscriber_is_one_address(void **state) {
    struct fixture *f = *state;
    struct str a = guard_peer(&f->cx, S("2001:db8:1:2::1")),
               b = guard_peer(&f->cx, S("2001:db8:1:2:ffff::9"));
    assert_true(str_eq(a, b));
    assert_false(str_eq(a, guard_peer(&f->cx, S("2001:db8:1:3::1"))));
    assert_true(str_eq(guard_peer(&f->cx, S("192.0.2.1")), S("192.0.2.1")));
    fixture_call(f, "GET", "/api/v1/me", NULL); // asking who one is counts for nothing
    assert_status(f, 200);
    // Keys differ by kind, so that a login called like an address is not that address.
    assert_true(guard_key(&f->cx, "peer", S("192.0.2.1")) != guard_key(&f->cx, "login", S("192.0.2.1")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counts_and_forgets, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flood_washes_nothing_away, setup, teardown),
        cmocka_unit_test_setup_teardown(one_subscriber_is_one_address, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
