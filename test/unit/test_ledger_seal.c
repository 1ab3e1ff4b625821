// SPDX-License-Identifier: MulanPSL-2.0
// Sealing: an entry reads the same before and after, the roots and tiles do not move, what is damaged is named; an
// erased entry stays erased whichever way it goes, and its proof stays.
#include "ledger_help.h"
#include "app/verify.h"

static int setup(void **state) {
    static struct fixture f;
    fixture_now_ms = 1794182400000;
    fixture_open(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    fixture_close(*state);
    return 0;
}

static void job_cx(struct fixture *f, struct cx *cx) {
    core_cx(cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
}

static void seal(struct fixture *f, int64_t most) {
    struct cx cx;
    job_cx(f, &cx);
    int code = ledger_seal(&cx, most);
    if (code != OK) fprintf(stderr, "%s %s\n", err_info((enum err_code)code)->name, cx.err.arg);
    assert_int_equal(code, OK);
}

static int64_t count(struct fixture *f, enum query q) {
    struct err e = {0};
    struct stmt *s = store_query(f->conn, q, "");
    int64_t n = store_next(s) ? store_int(s, 0) : -1;
    assert_int_equal(store_done(s, &e), OK);
    return n;
}

static struct ledger_entry get(struct fixture *f, int64_t index) {
    struct ledger_entry e = {0};
    struct cx cx;
    job_cx(f, &cx);
    assert_int_equal(ledger_entry_get(&cx, index, &e), OK);
    return e;
}

static void reads_the_same(void **state) {
    struct fixture *f = *state;
    enum { N = 3000 };
    struct str leaf[N], salt[N], detail[N];
    uint8_t before[HASH_BYTES], after[HASH_BYTES];
    help_acts(f, N);
    help_root(f, 1, N, before);
    for (int i = 0; i < N; i++) {
        struct ledger_entry e = get(f, i);
        leaf[i] = e.leaf;
        salt[i] = e.salt;
        detail[i] = e.detail;
    }
    seal(f, 1); // one bundle at a time is asked for …
    assert_int_equal(count(f, Q_ledger_bundle_last), 0);
    assert_int_equal(count(f, Q_ledger_row_first), 256);
    seal(f, 1000); // … and all that lie far enough behind the end
    assert_int_equal(count(f, Q_ledger_bundle_last), (N - LEDGER_SEAL_BEHIND) / 256 - 1);
    assert_int_equal(count(f, Q_ledger_row_first), (N - LEDGER_SEAL_BEHIND) / 256 * 256);
    seal(f, 1000); // nothing more to do
    for (int i = 0; i < N; i++) {
        struct ledger_entry e = get(f, i);
        assert_true(str_eq(e.leaf, leaf[i]) && str_eq(e.salt, salt[i]) && str_eq(e.detail, detail[i]));
    }
    help_root(f, 1, N, after);
    assert_memory_equal(before, after, HASH_BYTES);
    fixture_again(f); // the end is found among rows and bundles
    help_acts(f, 10);
    assert_int_equal(get(f, N + 9).index, N + 9);
}

static void walks_over_the_seam(void **state) {
    struct fixture *f = *state;
    struct help_leaves *k = calloc(1, sizeof *k);
    struct ledger_reader r;
    struct err e = {0};
    int64_t next;
    help_acts(f, 2000);
    seal(f, 2);
    *k = (struct help_leaves){.f = f, .m = {.size = 0}};
    ledger_reader_init(&r, f->conn, f->hasher);
    assert_int_equal(ledger_reader_each(&r, 0, 5000, help_leaf, k, &next, &e), OK);
    assert_int_equal(next, 2000);
    bool found = true;
    struct ledger_entry one;
    assert_int_equal(ledger_reader_get(&r, 2000, &one, &found, &e), OK);
    assert_false(found);
    assert_int_equal(ledger_reader_get(&r, -1, &one, &found, &e), OK);
    assert_false(found);
    ledger_reader_free(&r);
    free(k);
}

static int erase(struct cx *cx, void *arg) {
    return ledger_entry_erase(cx, *(int64_t *)arg);
}

static void erased_stays_erased(void **state) {
    struct fixture *f = *state;
    struct cx cx;
    struct err e = {0};
    struct verify_report report;
    struct verify_trust none = {0};
    help_acts(f, 3000);
    int64_t row = 300, sealed = 5;
    job_cx(f, &cx);
    assert_int_equal(cx_write(&cx, erase, &row), OK); // as a row, sealed afterwards
    seal(f, 3);
    assert_int_equal(cx_write(&cx, erase, &sealed), OK); // as part of a bundle
    int64_t beyond = 9000;
    assert_int_equal(cx_write(&cx, erase, &beyond), ERR_not_found);
    const int64_t gone[] = {row, sealed};
    for (int i = 0; i < 2; i++) {
        struct ledger_entry one = get(f, gone[i]);
        assert_true(one.leaf.n > 0 && !one.salt.p && !one.detail.p);
        assert_true(get(f, gone[i] + 1).detail.p);
    }
    assert_int_equal(
        verify_folder(f->city.store_url ? f->city.store_url : f->folder, &none, true, &report, &e), OK);
    assert_int_equal(report.erased, 2);
}

// Every byte of a sealed row matters: whichever is changed, opening the bundle fails by name.
static void damage_is_named(void **state) {
    struct fixture *f = *state;
    struct ledger_bundle *b = arena_take(&f->mem, sizeof *b), *back = arena_take(&f->mem, sizeof *back);
    struct ledger_packed p;
    for (int i = 0; i < LEDGER_BUNDLE; i++) {
        b->leaf[i] = str_print(&f->mem, "leaf %d", i);
        b->salt[i] = i == 9 ? STR_NONE : str_print(&f->mem, "salt %011d", i);
        b->detail[i] = i == 9 ? STR_NONE : str_print(&f->mem, "{\"n\":%d}", i * i);
    }
    assert_true(bundle_pack(&f->mem, f->hasher, b, &p));
    assert_true(bundle_unpack(&f->mem, f->hasher, &p, back));
    assert_true(!back->detail[9].p && !back->salt[9].p && str_eq(back->detail[255], b->detail[255]));
    struct str *parts[] = {&p.leaves, &p.salts, &p.details};
    for (int k = 0; k < 3; k++)
        for (size_t i = 0; i < parts[k]->n; i++) {
            char *at = (char *)(uintptr_t)parts[k]->p + i;
            *at ^= 4;
            assert_false(bundle_unpack(&f->mem, f->hasher, &p, back));
            *at ^= 4;
        }
    assert_true(bundle_unpack(&f->mem, NULL, &p, back)); // whoever looks at leaves himself may go without
    p.salts.n--;
    assert_false(bundle_unpack(&f->mem, NULL, &p, back));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(walks_over_the_seam, setup, teardown),
        cmocka_unit_test_setup_teardown(erased_stays_erased, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_is_named, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
