// SPDX-License-Identifier: MulanPSL-2.0
// Numbering and leaf: the golden bytes that may never change, what is undone leaves no trace, what is committed is
// there after a restart, and a ledger that contradicts itself does not start.
#include "ledger_help.h"
#include <sys/stat.h>

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

// Worked out with sha256sum and `openssl dgst -sm3`, not with this program. If this test fails, the program is wrong.
static void golden(void **state) {
    struct fixture *f = *state;
    uint8_t salt[LEDGER_SALT_BYTES];
    for (uint8_t i = 0; i < LEDGER_SALT_BYTES; i++)
        salt[i] = i;
    struct str detail = S("{\"actor\":1,\"office\":\"苏州\"}");
    const int64_t time_ms = 1794182400000 + 7 * 3600000 + 123456; // 2026-11-09T07:02:03.456Z
    struct str leaf = ledger_leaf(&f->mem, f->hasher, "exchange.call", time_ms, STR_NONE, salt, detail);
    assert_string_equal(str_z(&f->mem, leaf), "gusu-entry/v1\n"
                                              "kind exchange.call\n"
                                              "time 2026-11-09T07:00:00.000Z\n"
                                              "sha256 WdhNa/PzmaMji5Tv4WrT+MaTDV2LqXW93BMEQ3mpSWg=\n"
                                              "sm3 MUgkZ4mM/X1pxVrSO6ZsbcXOd0ioPeZc++sbeVlt7gI=\n");
    uint8_t hash[HASH_BYTES];
    merkle_leaf(f->hasher, HASH_SHA256, leaf, hash);
    assert_string_equal(str_z(&f->mem, str_hex(&f->mem, hash, HASH_BYTES)),
                        "d6df867c83b12ce3d94bb5b1d4955d77d72f472cd2eeb3b2c9570b3a9a495288");
    merkle_leaf(f->hasher, HASH_SM3, leaf, hash);
    assert_string_equal(str_z(&f->mem, str_hex(&f->mem, hash, HASH_BYTES)),
                        "e9f3d0672a8e523fb91d3fa6b917c4060934ae6936ed7449d6201531f012a83c");
    leaf = ledger_leaf(&f->mem, f->hasher, "dataset.publish", time_ms, S("{\"object\":\"x\"}"), salt, detail);
    assert_string_equal(str_z(&f->mem, leaf), "gusu-entry/v1\n"
                                              "kind dataset.publish\n"
                                              "time 2026-11-09T07:02:03.456Z\n"
                                              "clear {\"object\":\"x\"}\n"
                                              "sha256 WdhNa/PzmaMji5Tv4WrT+MaTDV2LqXW93BMEQ3mpSWg=\n"
                                              "sm3 MUgkZ4mM/X1pxVrSO6ZsbcXOd0ioPeZc++sbeVlt7gI=\n");
    struct ledger_entry e = {.salt = {(const char *)salt, sizeof salt}, .detail = detail};
    assert_true(ledger_leaf_read(leaf, &e));
    assert_true(str_eq(e.kind, S("dataset.publish")) && str_eq(e.clear, S("{\"object\":\"x\"}")));
    assert_int_equal(e.time_ms, time_ms);
    assert_true(ledger_leaf_opens(f->hasher, &e));
    e.detail = S("{\"actor\":2,\"office\":\"苏州\"}");
    assert_false(ledger_leaf_opens(f->hasher, &e));
    e.salt = e.detail = STR_NONE; // erased
    assert_true(ledger_leaf_opens(f->hasher, &e));
}

// One entry has one text: every change of a byte is either refused or reads as another entry; every cut is refused.
static void one_text(void **state) {
    struct fixture *f = *state;
    const uint8_t salt[LEDGER_SALT_BYTES] = {1};
    struct str leaf = ledger_leaf(&f->mem, f->hasher, "a.b", 1794182400000, S("{\"n\":1}"), salt, S("{}"));
    struct ledger_entry e, whole;
    assert_true(ledger_leaf_read(leaf, &whole));
    for (size_t n = 0; n < leaf.n; n++) {
        e = (struct ledger_entry){0};
        assert_false(ledger_leaf_read((struct str){leaf.p, n}, &e));
    }
    char *copy = str_z(&f->mem, leaf);
    for (size_t i = 0; i < leaf.n; i++) {
        copy[i] ^= 1;
        e = (struct ledger_entry){0};
        if (ledger_leaf_read((struct str){copy, leaf.n}, &e))
            assert_true(e.time_ms != whole.time_ms || !str_eq(e.kind, whole.kind) ||
                        !str_eq(e.clear, whole.clear) || memcmp(e.sha256, whole.sha256, HASH_BYTES) ||
                        memcmp(e.sm3, whole.sm3, HASH_BYTES));
        copy[i] ^= 1;
    }
    static const char *const bad_kinds[] = {"", "a b", "A", "a\nb", "目录", NULL};
    for (int i = 0; bad_kinds[i]; i++)
        assert_null(ledger_leaf(&f->mem, f->hasher, bad_kinds[i], 0, STR_NONE, salt, S("{}")).p);
    assert_null(ledger_leaf(&f->mem, f->hasher, "a", 0, S("{\n}"), salt, S("{}")).p);
    assert_null(ledger_leaf(&f->mem, f->hasher, "a", 0, S("[]"), salt, S("{}")).p);
    char *big = calloc(1, LEDGER_LEAF_MAX + 1);
    memset(big, '1', LEDGER_LEAF_MAX);
    big[0] = '{';
    big[LEDGER_LEAF_MAX - 1] = '}';
    assert_null(ledger_leaf(&f->mem, f->hasher, "a", 0, (struct str){big, LEDGER_LEAF_MAX}, salt, S("{}")).p);
    free(big);
}

static void roots_fit(struct fixture *f, int64_t size) {
    assert_int_equal(help_size(f), size);
    help_root_is(f, "root_sha256", 0, (uint64_t)size);
    help_root_is(f, "root_sm3", 1, (uint64_t)size);
}

static void undone_leaves_no_trace(void **state) {
    struct fixture *f = *state;
    roots_fit(f, 0);
    // First of all a failed one: the batch has no entry, the published root must stay the empty tree's.
    fixture_call(f, "POST", "/t/put", "{\"fail\":true}");
    assert_status(f, 409);
    roots_fit(f, 0);
    help_acts(f, 3);
    for (int i = 0; i < 5; i++) {
        fixture_call(f, "POST", "/t/put", "{\"n\":2,\"fail\":true}");
        assert_status(f, 409);
        roots_fit(f, 3 + i);
        help_acts(f, 1);
        roots_fit(f, 4 + i);
    }
}

// Items of one batch, failed and good ones mixed: gathered on the queue while the writer is held up by the first.
struct item {
    struct work work;
    struct fixture *f;
    bool fails;
    pthread_mutex_t *hold;
    _Atomic int *left;
};

static int item_run(struct work *w, struct conn *c, struct err *e) {
    struct item *it = (struct item *)w;
    struct arena mem;
    struct cx cx;
    if (it->hold) pthread_mutex_lock(it->hold);
    if (it->hold) pthread_mutex_unlock(it->hold);
    arena_init(&mem, 0);
    core_cx(&cx, &it->f->city, &mem, c, it->f->city.writer_hasher, NULL);
    cx.is_writer = true;
    struct note n = {.kind = "thing.put", .time_ms = cx.now_ms, .detail = S("{}")};
    int code = it->f->city.on_note(&cx, &n);
    if (code == OK) code = it->f->city.on_note(&cx, &n);
    if (code == OK && it->fails) code = err_set(e, ERR_conflict, "", "as asked");
    arena_free(&mem);
    return code;
}

static void item_done(struct work *w) {
    for (; w; w = w->next)
        atomic_fetch_sub(((struct item *)w)->left, 1);
}

static void batches_of_mixed_items(void **state) {
    struct fixture *f = *state;
    enum { N = 64 };
    static struct item items[N];
    static pthread_mutex_t hold = PTHREAD_MUTEX_INITIALIZER;
    _Atomic int left = N;
    int good = 0;
    pthread_mutex_lock(&hold);
    for (int i = 0; i < N; i++) {
        items[i] = (struct item){.work = {.run = item_run, .done = item_done}, .f = f, .left = &left};
        items[i].fails = i % 3 == 1 || i % 7 == 0;
        items[i].hold = i == 0 ? &hold : NULL;
        good += !items[i].fails;
        assert_int_equal(store_submit(f->city.store, &items[i].work), OK);
    }
    pthread_mutex_unlock(&hold);
    while (atomic_load(&left))
        sched_yield();
    roots_fit(f, 2 * good);
    help_acts(f, 1);
    roots_fit(f, 2 * good + 1);
}

static void lasts_over_restarts(void **state) {
    struct fixture *f = *state;
    help_acts(f, 700); // beyond two stored subtrees
    fixture_again(f);
    roots_fit(f, 700);
    help_acts(f, 400);
    roots_fit(f, 1100);
    fixture_again(f);
    roots_fit(f, 1100);
    fixture_call(f, "GET", "/api/v1/ledger", NULL);
    assert_int_equal(fixture_int(f, "last_entry_ms"), fixture_now_ms);
    assert_int_equal(fixture_int(f, "signed_size"), 1100); // signed at start
}

// The data folder is changed from outside between two starts.
static void sql(struct fixture *f, const char *text) {
    char cmd[400];
    snprintf(cmd, sizeof cmd, "sqlite3 %s/gusu.db \"%s\"", f->folder, text);
    assert_int_equal(system(cmd), 0);
}

static int start_after(struct fixture *f, const char *text) {
    fixture_stop(f);
    sql(f, text);
    struct err e = {0};
    f->city = (struct city){.folder = f->folder, .store_url = f->city.store_url, .now_ms = fixture_clock};
    int code = city_open(&f->city, &e);
    city_close(&f->city);
    return code;
}

static void contradiction_does_not_start(void **state) {
    struct fixture *f = *state;
    if (on_postgres()) skip(); // damages the file
    help_acts(f, 5);
    static const char *const wrongs[][2] = {
        {"create table k as select * from ledger_entry where id = 4; delete from ledger_entry where id = 4",
         "insert into ledger_entry select * from k; drop table k"},
        {"insert into ledger_entry select 5, leaf, salt, detail from ledger_entry where id = 4",
         "delete from ledger_entry where id = 5"},
        {"update ledger_head set size = 4 where tree = 1", "update ledger_head set size = 5 where tree = 1"},
        {"update ledger_head set frontier = cast(frontier || x'00' as blob)",
         "update ledger_head set frontier = substr(frontier, 1, 64)"},
        {"update ledger_checkpoint set size = 9", "delete from ledger_checkpoint"},
    };
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        assert_int_equal(start_after(f, wrongs[i][0]), ERR_ledger_broken);
        sql(f, wrongs[i][1]);
        fixture_start(f);
    }
    roots_fit(f, 5);
}

static void keys_are_kept(void **state) {
    struct fixture *f = *state;
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/ledger-ed25519.pem", f->folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    fixture_call(f, "GET", "/ledger/vkey", NULL);
    char *before = str_z(&f->mem, f->body);
    fixture_again(f);
    fixture_call(f, "GET", "/ledger/vkey", NULL);
    assert_string_equal(before, str_z(&f->mem, f->body));
    // A lost key is told, never replaced in silence.
    fixture_stop(f);
    char kept[140];
    snprintf(kept, sizeof kept, "%s.kept", path);
    assert_int_equal(rename(path, kept), 0);
    struct err e = {0};
    f->city = (struct city){.folder = f->folder, .store_url = f->city.store_url, .now_ms = fixture_clock};
    assert_int_equal(city_open(&f->city, &e), ERR_ledger_key);
    city_close(&f->city);
    assert_int_equal(rename(kept, path), 0);
    fixture_start(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(golden, setup, teardown),
        cmocka_unit_test_setup_teardown(one_text, setup, teardown),
        cmocka_unit_test_setup_teardown(undone_leaves_no_trace, setup, teardown),
        cmocka_unit_test_setup_teardown(batches_of_mixed_items, setup, teardown),
        cmocka_unit_test_setup_teardown(lasts_over_restarts, setup, teardown),
        cmocka_unit_test_setup_teardown(contradiction_does_not_start, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_are_kept, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
