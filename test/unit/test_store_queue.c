// SPDX-License-Identifier: MulanPSL-2.0
// The commit queue's invariants: only what is committed is told as done; an item that fails leaves nothing; a plain
// item that fails after writing makes the batch run again with care; a second process is refused; a full queue says so.
#include "city_fixture.h"
#include <pthread.h>

const struct module *const modules[] = {NULL};

struct item {
    struct work work;
    int64_t day;
    bool fail_after_write;
};

static int run_item(struct work *w, struct conn *c, struct err *e) {
    struct item *i = (struct item *)w;
    int code = store_exec(c, NULL, e, Q_core_workday_put, "iizz", i->day, (int64_t)1, "x", "x");
    if (code == OK && i->fail_after_write) return err_set(e, ERR_conflict, "item", "wanted");
    return code;
}

static void set_done(struct work *first) {
    (void)first;
}

static int64_t count_days(struct fixture *f) {
    int64_t n = 0;
    struct err e;
    struct stmt *s = store_query(f->conn, Q_core_workdays, "");
    while (store_next(s))
        n++;
    assert_int_equal(store_done(s, &e), OK);
    return n;
}

static void item_that_fails_leaves_nothing(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    for (int is_plain = 0; is_plain < 2; is_plain++) {
        struct err e = {0};
        struct item good = {.work = {.run = run_item, .done = set_done, .is_plain = is_plain},
                            .day = 1 + is_plain};
        struct item bad = {.work = {.run = run_item, .done = set_done, .is_plain = is_plain},
                           .day = 100 + is_plain,
                           .fail_after_write = true};
        assert_int_equal(store_do(f.city.store, &good.work, &e), OK);
        assert_int_equal(store_do(f.city.store, &bad.work, &e), ERR_conflict);
        assert_int_equal(count_days(&f), 1 + is_plain);
    }
    fixture_close(&f);
}

// Many threads, some items failing: exactly the good ones are there.
struct sender {
    struct fixture *f;
    int from;
};
static void *send_many(void *arg) {
    struct sender *s = arg;
    for (int i = 0; i < 200; i++) {
        struct err e = {0};
        struct item it = {.work = {.run = run_item, .done = set_done, .is_plain = i % 2 == 0},
                          .day = s->from + i,
                          .fail_after_write = i % 5 == 0};
        int code = store_do(s->f->city.store, &it.work, &e);
        if (code != (i % 5 == 0 ? ERR_conflict : OK)) return s; // anything but NULL: a wrong answer
    }
    return NULL;
}

static void batches_keep_items_apart(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    pthread_t t[4];
    struct sender s[4];
    for (int i = 0; i < 4; i++) {
        s[i] = (struct sender){&f, i * 1000};
        assert_int_equal(pthread_create(&t[i], NULL, send_many, &s[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *said;
        pthread_join(t[i], &said);
        assert_null(said);
    }
    assert_int_equal(count_days(&f), 4 * 160);
    fixture_close(&f);
}

static void survives_reopening(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct err e = {0};
    struct item it = {.work = {.run = run_item, .done = set_done}, .day = 7};
    assert_int_equal(store_do(f.city.store, &it.work, &e), OK);
    fixture_again(&f);
    assert_int_equal(count_days(&f), 1);
    fixture_close(&f);
}

static void second_server_is_refused(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct store_config config = {.folder = f.folder};
    struct store *second = NULL;
    struct err e = {0};
    assert_int_equal(store_open(&config, &second, &e), ERR_store_busy);
    assert_null(second);
    fixture_close(&f);
}

static void readers_see_one_snapshot(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    store_read_begin(f.conn);
    assert_int_equal(count_days(&f), 0);
    struct err e = {0};
    struct item it = {.work = {.run = run_item, .done = set_done}, .day = 7};
    assert_int_equal(store_do(f.city.store, &it.work, &e), OK);
    assert_int_equal(count_days(&f), 0);
    store_read_end(f.conn);
    assert_int_equal(count_days(&f), 1);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(item_that_fails_leaves_nothing),
        cmocka_unit_test(batches_keep_items_apart),
        cmocka_unit_test(survives_reopening),
        cmocka_unit_test(second_server_is_refused),
        cmocka_unit_test(readers_see_one_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
