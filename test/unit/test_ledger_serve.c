// SPDX-License-Identifier: MulanPSL-2.0
// What is served: checkpoints, tiles, bundles exactly by name and size; proofs from one snapshot; entries told by role;
// the job that signs and crosses, no more often than it may.
#include "ledger_help.h"

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

static struct str reply_header(struct fixture *f, const char *name) {
    for (int i = 0; i < f->cx.reply.headers_n; i++)
        if (str_eq(f->cx.reply.headers[i][0], str_of(name))) return f->cx.reply.headers[i][1];
    return STR_NONE;
}

static struct str get(struct fixture *f, const char *path) {
    fixture_call(f, "GET", path, NULL);
    assert_status(f, 200);
    return str_copy(&f->mem, f->body);
}

static struct str tile(struct fixture *f, int tree, const char *name) {
    char path[120];
    snprintf(path, sizeof path, "/ledger/%stile/%s", tree ? "sm3/" : "", name);
    struct str body = get(f, path);
    assert_true(str_eq(f->cx.reply.type, S("application/octet-stream")));
    assert_true(str_has(reply_header(f, "Cache-Control"), S("immutable")));
    return body;
}

static void no_tile(struct fixture *f, const char *name) {
    char path[120];
    snprintf(path, sizeof path, "/ledger/tile/%s", name);
    fixture_call(f, "GET", path, NULL);
    if (f->status != 404) fprintf(stderr, "%s\n", path);
    assert_status(f, 404);
}

// A reader of the tree who has nothing but tiles.
struct tiles {
    struct fixture *f;
    int tree;
    uint64_t size;
};
static int read_tile(void *arg, int level, uint64_t index, uint8_t out[HASH_BYTES]) {
    struct tiles *t = arg;
    uint64_t first = (index << (level % 8)), at = first / 256, have = t->size >> (level - level % 8);
    char name[64];
    int width = (int)(have - at * 256 < 256 ? have - at * 256 : 256);
    snprintf(name, sizeof name, width == 256 ? "%d/%03d" : "%d/%03d.p/%d", level / 8, (int)at, width);
    assert_true(at < 1000);
    struct str body = tile(t->f, t->tree, name);
    assert_int_equal(body.n, width * HASH_BYTES);
    struct merkle m = {0};
    for (uint64_t i = first % 256; i < first % 256 + (1u << (level % 8)); i++)
        merkle_add(&m, t->f->hasher, ledger_hash(t->tree), (const uint8_t *)body.p + i * HASH_BYTES, NULL,
                   NULL);
    merkle_root(&m, t->f->hasher, ledger_hash(t->tree), out);
    return OK;
}

static void tiles_are_exact(void **state) {
    struct fixture *f = *state;
    static const int sizes[] = {1, 255, 256, 257, 700, 66000};
    int have = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        help_acts(f, sizes[i] - have);
        have = sizes[i];
        for (int tree = 0; tree < 2; tree++) {
            struct tiles t = {f, tree, (uint64_t)have};
            uint8_t got[HASH_BYTES], want[HASH_BYTES];
            assert_int_equal(merkle_root_at(t.size, read_tile, &t, f->hasher, ledger_hash(tree), got), OK);
            help_root(f, tree, t.size, want);
            assert_memory_equal(got, want, HASH_BYTES);
        }
    }
    // 66000 entries: 257 full level-0 tiles and one of 208; level 1: one full and one of 1; level 2: one of 1.
    assert_int_equal(tile(f, 0, "0/256").n, 8192);
    assert_int_equal(tile(f, 0, "0/257.p/208").n, 208 * 32);
    assert_int_equal(tile(f, 0, "0/257.p/7").n, 7 * 32);
    assert_int_equal(tile(f, 0, "1/000").n, 8192);
    assert_int_equal(tile(f, 0, "1/001.p/1").n, 32);
    assert_int_equal(tile(f, 0, "2/000.p/1").n, 32);
    static const char *const absent[] = {"0/257",
                                         "0/258.p/1",
                                         "0/257.p/209",
                                         "0/257.p/0",
                                         "0/257.p/256",
                                         "0/257.p/007",
                                         "1/001",
                                         "1/001.p/2",
                                         "2/000",
                                         "3/000.p/1",
                                         "0/1",
                                         "0/0001",
                                         "0/01",
                                         "00/000",
                                         "8/000",
                                         "-1/000",
                                         "+0/000",
                                         "0/x000/001",
                                         "0/x001/x000",
                                         "0/001/000",
                                         "0/x001",
                                         "0/",
                                         "0",
                                         "entries",
                                         "entries/",
                                         "entries/257",
                                         "entries/257.p/209",
                                         "entries/x000/000",
                                         "0/000.p",
                                         "0/000.p/",
                                         "0/000.p/1/2",
                                         "0/000.q/1",
                                         "0/000/1",
                                         "0/x001/234/567",
                                         "0/x999/x999/x999/x999/x999/999",
                                         "0/00a",
                                         "0/x0a1/000",
                                         "0/%2e%2e/000",
                                         NULL};
    for (int i = 0; absent[i]; i++)
        no_tile(f, absent[i]);
}

static void bundles_hold_the_leaves(void **state) {
    struct fixture *f = *state;
    help_acts(f, 300);
    struct str full = tile(f, 0, "entries/000"), part = tile(f, 1, "entries/001.p/44"),
               level0 = tile(f, 0, "0/000");
    size_t at = 0;
    for (int i = 0; i < 256; i++) {
        const uint8_t *p = (const uint8_t *)full.p + at;
        struct ledger_entry e = {0};
        uint8_t hash[HASH_BYTES];
        size_t n = (size_t)p[0] << 8 | p[1];
        assert_true(at + 2 + n <= full.n);
        assert_true(ledger_leaf_read((struct str){full.p + at + 2, n}, &e));
        merkle_leaf(f->hasher, HASH_SHA256, e.leaf, hash);
        assert_memory_equal(hash, level0.p + i * HASH_BYTES, HASH_BYTES);
        at += 2 + n;
    }
    assert_int_equal(at, full.n);
    assert_true(part.n > 44 * 100);
    // Nothing of what is committed leaves in public.
    assert_null(memmem(full.p, full.n, "thing\"", 6));
    assert_null(memmem(full.p, full.n, "actor", 5));
}

static void signed_notes(void **state) {
    struct fixture *f = *state;
    struct err e = {0};
    static const char *const paths[2][2] = {{"/ledger/checkpoint", "/ledger/vkey"},
                                            {"/ledger/sm3/checkpoint", "/ledger/sm3/vkey"}};
    help_acts(f, 10);
    help_job(f);
    for (int tree = 0; tree < 2; tree++) {
        struct sign_key *key, *other;
        struct str name, body, origin, note = get(f, paths[tree][0]);
        assert_true(str_starts(f->cx.reply.type, S("text/plain")));
        uint8_t root[HASH_BYTES], want[HASH_BYTES];
        uint64_t size;
        assert_int_equal(note_read_vkey(&f->mem,
                                        str_trim((struct str){get(f, paths[tree][1]).p, f->body.n - 1}),
                                        &name, &key, &e),
                         OK);
        assert_true(note_check(&f->mem, note, key, name, &body));
        assert_true(checkpoint_read(&f->mem, body, &origin, &size, root));
        assert_true(str_eq(origin, name));
        assert_int_equal(size, 11); // and the entry that tells both roots
        help_root(f, tree, size, want);
        assert_memory_equal(root, want, HASH_BYTES);
        sign_close(key);
        // The SM2 line stands under the SHA-256 checkpoint too.
        struct str sm2 = get(f, "/ledger/sm3/vkey");
        assert_int_equal(note_read_vkey(&f->mem, (struct str){sm2.p, sm2.n - 1}, &name, &other, &e), OK);
        assert_true(note_check(&f->mem, note, other, name, NULL));
        sign_close(other);
    }
    assert_true(str_starts(get(f, "/ledger/sm3/public.pem"), S("-----BEGIN PUBLIC KEY-----")));
}

static void signs_only_what_is_new(void **state) {
    struct fixture *f = *state;
    help_job(f);
    struct str first = get(f, "/ledger/checkpoint");
    help_job(f);
    assert_true(str_eq(first, get(f, "/ledger/checkpoint"))); // nothing new: no new entry, no new note
    help_acts(f, 1);
    help_job(f); // 1 entry and the crossing
    assert_int_equal(help_size(f), 2);
    assert_int_equal(fixture_int(f, "signed_size"), 2);
    for (int i = 0; i < 3; i++) {
        fixture_now_ms += 120000;
        help_job(f); // only a crossing is there: none more
    }
    assert_int_equal(help_size(f), 2);
    help_acts(f, 1);
    help_job(f); // two minutes later: at once
    assert_int_equal(help_size(f), 4);
    fixture_now_ms += 59000;
    help_acts(f, 1);
    help_job(f); // within the minute: signed, not crossed
    assert_int_equal(help_size(f), 5);
    assert_int_equal(fixture_int(f, "signed_size"), 5);
    fixture_now_ms += 1000;
    help_job(f);
    assert_int_equal(help_size(f), 6);
    fixture_again(f);
    help_job(f); // a restart does not cross again with nothing between
    assert_int_equal(help_size(f), 6);
    // Many signings within an hour leave one row a tree.
    for (int i = 0; i < 20; i++) {
        help_acts(f, 1);
        help_job(f);
    }
    struct err e = {0};
    int64_t rows = 0;
    struct stmt *s = store_query(f->conn, Q_verify_checkpoints, "");
    while (store_next(s))
        rows++;
    assert_int_equal(store_done(s, &e), OK);
    assert_int_equal(rows, 2);
    fixture_now_ms += 3600000;
    help_acts(f, 1);
    help_job(f);
    fixture_call(f, "GET", "/api/v1/ledger", NULL);
    assert_int_equal(fixture_int(f, "checkpoint_ms"), fixture_now_ms);
}

static void proofs(void **state) {
    struct fixture *f = *state;
    char path[100];
    help_acts(f, 600);
    // Not signed yet: the proof makes its own checkpoint.
    for (int64_t n = 599; n >= 0; n -= 37) {
        for (int tree = 0; tree < 2; tree++) {
            snprintf(path, sizeof path, "/api/v1/ledger/entries/%d/proof?tree=%s", (int)n,
                     tree ? "sm3" : "sha256");
            get(f, path);
            uint8_t leaf[HASH_BYTES], root[HASH_BYTES], proof[MERKLE_LEVELS][HASH_BYTES];
            struct json list = json_get(f->json, S("proof"));
            int count = (int)json_count(list);
            assert_int_equal(fixture_int(f, "size"), 600);
            assert_true(str_unhex(fixture_text(f, tree ? "leaf_sm3" : "leaf_sha256"), leaf, HASH_BYTES));
            assert_true(str_unhex(fixture_text(f, "root"), root, HASH_BYTES));
            for (int i = 0; i < count; i++)
                assert_true(str_unhex(json_text(json_at(list, (size_t)i)), proof[i], HASH_BYTES));
            assert_true(merkle_inclusion_ok((uint64_t)n, 600, leaf, (const uint8_t(*)[HASH_BYTES])proof,
                                            count, root, f->hasher, ledger_hash(tree)));
            help_root_is(f, "root", tree, 600);
        }
    }
    fixture_call(f, "GET", "/api/v1/ledger/entries/600/proof", NULL);
    assert_status(f, 404);
    fixture_call(f, "GET", "/api/v1/ledger/entries/600", NULL);
    assert_status(f, 404);
    fixture_call(f, "GET", "/api/v1/ledger/entries/-1", NULL);
    assert_status(f, 422);
    fixture_call(f, "GET", "/api/v1/ledger/entries/1/proof?tree=md5", NULL);
    assert_status(f, 422);
}

static bool sees(struct fixture *f, const char *path) {
    get(f, path);
    bool detail = fixture_text(f, "detail_text").p != NULL, salt = fixture_text(f, "salt").p != NULL;
    assert_true(detail == salt);
    assert_true(fixture_text(f, "leaf").p != NULL);
    if (!detail) assert_false(str_has(f->body, S("actor")));
    return detail;
}

static void told_by_role(void **state) {
    struct fixture *f = *state;
    fixture_as(f, 5, "bm", "sz-a", R_(STEWARD));
    fixture_call(f, "POST", "/t/put", "{\"office\":\"sz-b\"}");
    assert_status(f, 200);
    fixture_call(f, "POST", "/t/put", "{\"clear\":true,\"office\":\"sz-b\"}");
    const char *one = "/api/v1/ledger/entries/0";
    assert_true(sees(f, one)); // the acting office
    fixture_as(f, 6, "b", "sz-b", R_(APPLICANT));
    assert_true(sees(f, one)); // whose thing it is
    fixture_as(f, 7, "c", "sz-c", R_ALL_OFFICE);
    assert_false(sees(f, one));
    fixture_as(f, 8, "sys", "sz-c", R_(SYSADMIN) | R_(SECADMIN));
    assert_false(sees(f, one));
    fixture_as(f, 9, "audit", "sz-c", R_(AUDITOR));
    assert_true(sees(f, one));
    f->who.scopes = S("catalog:read"); // the auditor's token made for something else
    assert_false(sees(f, one));
    f->who.scopes = S("catalog:read ledger:read");
    assert_true(sees(f, one));
    fixture_as(f, 0, NULL, NULL, 0);
    assert_false(sees(f, one));
    assert_true(json_is(json_get(f->json, S("clear")), JSON_NULL));
    assert_int_equal(fixture_int(f, "time_ms") % 3600000, 0);
    // A clear entry shows object and office to everybody, its detail still only to whom it concerns.
    assert_false(sees(f, "/api/v1/ledger/entries/1"));
    assert_true(str_eq(json_text(json_get(json_get(f->json, S("clear")), S("office"))), S("sz-b")));
    // The commitment opens with what is told.
    fixture_as(f, 9, "audit", "sz-c", R_(AUDITOR));
    get(f, one);
    struct str salt, leaf;
    struct ledger_entry e = {.detail = fixture_text(f, "detail_text")};
    assert_true(str_unbase64(&f->mem, fixture_text(f, "salt"), false, &salt));
    assert_true(str_unbase64(&f->mem, fixture_text(f, "leaf"), false, &leaf));
    e.salt = salt;
    assert_true(ledger_leaf_read(leaf, &e) && e.detail.n > 0 && ledger_leaf_opens(f->hasher, &e));
}

static void lists(void **state) {
    struct fixture *f = *state;
    help_acts(f, 120);
    help_job(f);
    char path[160] = "/api/v1/ledger/entries?limit=50";
    int64_t want = 120, pages = 0;
    for (;;) {
        get(f, path);
        pages++;
        for (struct json_iter it = json_iter(json_get(f->json, S("items"))); json_next(&it); want--) {
            int64_t index;
            assert_true(json_int(json_get(it.value, S("index")), &index));
            assert_int_equal(index, want); // newest first, each once
        }
        struct str next = fixture_text(f, "next");
        if (!next.p) break;
        snprintf(path, sizeof path, "/api/v1/ledger/entries?limit=50&after=%.*s", STRF(next));
    }
    assert_int_equal(want, -1);
    assert_int_equal(pages, 3);
    get(f, "/api/v1/ledger/entries?kind=ledger.cross");
    assert_int_equal(json_count(json_get(f->json, S("items"))), 1);
    fixture_call(f, "GET", "/api/v1/ledger/entries?after=%20x", NULL);
    assert_true(f->status == 422 ||
                f->status == 200); // not a place: the beginning or a refusal, never an error of ours
    fixture_call(f, "GET", "/api/v1/ledger/entries?limit=0", NULL);
    assert_status(f, 422);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tiles_are_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(bundles_hold_the_leaves, setup, teardown),
        cmocka_unit_test_setup_teardown(signed_notes, setup, teardown),
        cmocka_unit_test_setup_teardown(signs_only_what_is_new, setup, teardown),
        cmocka_unit_test_setup_teardown(proofs, setup, teardown),
        cmocka_unit_test_setup_teardown(told_by_role, setup, teardown),
        cmocka_unit_test_setup_teardown(lists, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
