// SPDX-License-Identifier: MulanPSL-2.0
// The trees: Certificate Transparency's reference roots, then every proof of every tree up to 70 leaves
// against a root computed by the recursive definition of RFC 6962, over both hashes, and every one-bit lie
// refused.
#include "crypto/merkle.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define LEAVES 70

static struct hasher *h;

struct store { // stored perfect subtrees, as the tiles will hold them
    uint8_t hash[8][LEAVES + 1][HASH_BYTES];
    uint64_t count[8];
    int fail_level; // the reader refuses this level (-1 = none)
};
struct world {
    enum hash_kind k;
    uint8_t leaf[LEAVES][HASH_BYTES];
    uint8_t root[LEAVES + 1][HASH_BYTES]; // root[n] of the first n leaves, by the frontier
    struct store store;
};
static struct world worlds[2];

static void keep(void *arg, int level, uint64_t index, const uint8_t hash[HASH_BYTES]) {
    struct store *s = arg;
    assert_true(level < 8 && index <= LEAVES);
    assert_int_equal(index, s->count[level]); // each once and in order: a tile can be appended to
    s->count[level]++;
    memcpy(s->hash[level][index], hash, HASH_BYTES);
}

static int fetch(void *arg, int level, uint64_t index, uint8_t out[HASH_BYTES]) {
    const struct store *s = arg;
    if (level == s->fail_level || level >= 8 || index >= s->count[level]) return ERR_not_found;
    memcpy(out, s->hash[level][index], HASH_BYTES);
    return OK;
}

// MTH by its definition, the oracle.
static void mth(const struct world *w, size_t lo, size_t n, uint8_t out[HASH_BYTES]) {
    if (n == 0) {
        hash_one(h, w->k, STR_NONE, out);
        return;
    }
    if (n == 1) {
        memcpy(out, w->leaf[lo], HASH_BYTES);
        return;
    }
    size_t k = 1;
    while (k * 2 < n)
        k *= 2;
    uint8_t l[HASH_BYTES], r[HASH_BYTES];
    mth(w, lo, k, l);
    mth(w, lo + k, n - k, r);
    merkle_node(h, w->k, l, r, out);
}

static void test_ct_reference_roots(void **state) {
    (void)state;
    const struct str leaves[8] = {
        STR_NONE,
        {"\x00", 1},
        {"\x10", 1},
        {"\x20\x21", 2},
        {"\x30\x31", 2},
        {"\x40\x41\x42\x43", 4},
        {"\x50\x51\x52\x53\x54\x55\x56\x57", 8},
        {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16},
    };
    const char *roots[9] = {
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    };
    struct merkle m = {0};
    for (int n = 0; n <= 8; n++) {
        uint8_t root[HASH_BYTES], want[HASH_BYTES], leaf[HASH_BYTES];
        merkle_root(&m, h, HASH_SHA256, root);
        assert_true(str_unhex(str_of(roots[n]), want, HASH_BYTES));
        assert_memory_equal(root, want, HASH_BYTES);
        if (n == 8) break;
        merkle_leaf(h, HASH_SHA256, leaves[n], leaf);
        merkle_add(&m, h, HASH_SHA256, leaf, NULL, NULL);
    }
}

static void test_roots_by_definition(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct world *w = &worlds[i];
        for (size_t n = 0; n <= LEAVES; n++) {
            uint8_t want[HASH_BYTES], got[HASH_BYTES];
            mth(w, 0, n, want);
            assert_memory_equal(w->root[n], want, HASH_BYTES);
            assert_int_equal(merkle_root_at(n, fetch, &w->store, h, w->k, got), OK);
            assert_memory_equal(got, want, HASH_BYTES);
        }
    }
}

static void test_inclusion_all(void **state) {
    (void)state;
    uint8_t proof[MERKLE_LEVELS][HASH_BYTES];
    for (int i = 0; i < 2; i++) {
        struct world *w = &worlds[i];
        for (uint64_t n = 1; n <= LEAVES; n++)
            for (uint64_t at = 0; at < n; at++) {
                int steps = -1;
                assert_int_equal(merkle_inclusion(at, n, fetch, &w->store, h, w->k, proof, &steps), OK);
                const uint8_t(*p)[HASH_BYTES] = (const uint8_t(*)[HASH_BYTES])proof;
                assert_true(merkle_inclusion_ok(at, n, w->leaf[at], p, steps, w->root[n], h, w->k));
                // Lies: another leaf, index, size, root, a step more or less, a bit turned.
                assert_false(
                    merkle_inclusion_ok(at, n, w->leaf[(at + 1) % LEAVES], p, steps, w->root[n], h, w->k));
                if (n > 1)
                    assert_false(
                        merkle_inclusion_ok((at + 1) % n, n, w->leaf[at], p, steps, w->root[n], h, w->k));
                assert_false(merkle_inclusion_ok(n, n, w->leaf[at], p, steps, w->root[n], h, w->k));
                assert_false(merkle_inclusion_ok(at, n, w->leaf[at], p, steps, w->root[n - 1], h, w->k));
                assert_false(merkle_inclusion_ok(at, n, w->leaf[at], p, steps + 1, w->root[n], h, w->k));
                if (steps)
                    assert_false(merkle_inclusion_ok(at, n, w->leaf[at], p, steps - 1, w->root[n], h, w->k));
                for (int s = 0; s < steps; s++) {
                    proof[s][31] ^= 1;
                    assert_false(merkle_inclusion_ok(at, n, w->leaf[at], p, steps, w->root[n], h, w->k));
                    proof[s][31] ^= 1;
                }
            }
    }
}

static void test_consistency_all(void **state) {
    (void)state;
    uint8_t proof[2 * MERKLE_LEVELS][HASH_BYTES];
    for (int i = 0; i < 2; i++) {
        struct world *w = &worlds[i];
        for (uint64_t n = 0; n <= LEAVES; n++)
            for (uint64_t old = 0; old <= n; old++) {
                int steps = -1;
                assert_int_equal(merkle_consistency(old, n, fetch, &w->store, h, w->k, proof, &steps), OK);
                const uint8_t(*p)[HASH_BYTES] = (const uint8_t(*)[HASH_BYTES])proof;
                assert_true(merkle_consistency_ok(old, n, w->root[old], w->root[n], p, steps, h, w->k));
                const size_t other = old < LEAVES ? old + 1 : old - 1;
                assert_false(merkle_consistency_ok(old, n, w->root[other], w->root[n], p, steps, h, w->k));
                if (old > 0 && old < n) {
                    assert_false(
                        merkle_consistency_ok(old, n, w->root[old], w->root[n - 1], p, steps, h, w->k));
                    assert_false(
                        merkle_consistency_ok(old, n, w->root[old], w->root[n], p, steps - 1, h, w->k));
                }
                assert_false(merkle_consistency_ok(old, n, w->root[old], w->root[n], p, steps + 1, h, w->k));
                for (int s = 0; s < steps; s++) {
                    proof[s][0] ^= 0x80;
                    assert_false(merkle_consistency_ok(old, n, w->root[old], w->root[n], p, steps, h, w->k));
                    proof[s][0] ^= 0x80;
                }
            }
    }
}

static void test_bounds_and_failing_reader(void **state) {
    (void)state;
    struct world *w = &worlds[0];
    uint8_t proof[2 * MERKLE_LEVELS][HASH_BYTES], root[HASH_BYTES];
    int steps = -1;
    assert_int_not_equal(merkle_inclusion(5, 5, fetch, &w->store, h, w->k, proof, &steps), OK);
    assert_int_not_equal(merkle_inclusion(0, UINT64_MAX, fetch, &w->store, h, w->k, proof, &steps), OK);
    assert_int_not_equal(merkle_consistency(6, 5, fetch, &w->store, h, w->k, proof, &steps), OK);
    assert_int_not_equal(merkle_root_at(UINT64_MAX, fetch, &w->store, h, w->k, root), OK);
    assert_false(merkle_consistency_ok(3, UINT64_MAX, root, root, NULL, 0, h, w->k));
    w->store.fail_level = 2;
    assert_int_equal(merkle_root_at(7, fetch, &w->store, h, w->k, root), ERR_not_found);
    assert_int_equal(merkle_inclusion(5, 7, fetch, &w->store, h, w->k, proof, &steps), ERR_not_found);
    assert_int_equal(merkle_consistency(5, 7, fetch, &w->store, h, w->k, proof, &steps), ERR_not_found);
    w->store.fail_level = -1;
    assert_int_equal(steps, -1); // outputs untouched on failure
}

// A tree of 2^40 equal leaves needs one stored hash per level: proofs at sizes no test could build.
static int equal_leaves(void *arg, int level, uint64_t index, uint8_t out[HASH_BYTES]) {
    (void)index;
    const uint8_t(*levels)[HASH_BYTES] = arg;
    memcpy(out, levels[level], HASH_BYTES);
    return OK;
}

static void test_large_sizes(void **state) {
    (void)state;
    static uint8_t levels[MERKLE_LEVELS][HASH_BYTES];
    merkle_leaf(h, HASH_SM3, S("x"), levels[0]);
    for (int i = 1; i < MERKLE_LEVELS; i++)
        merkle_node(h, HASH_SM3, levels[i - 1], levels[i - 1], levels[i]);
    const uint64_t sizes[] = {((uint64_t)1 << 40) + 12345, ((uint64_t)1 << 63) - 1, ((uint64_t)1 << 62) + 1};
    for (int i = 0; i < 3; i++) {
        uint8_t proof[2 * MERKLE_LEVELS][HASH_BYTES], root[HASH_BYTES], old_root[HASH_BYTES];
        const uint8_t(*p)[HASH_BYTES] = (const uint8_t(*)[HASH_BYTES])proof;
        const uint64_t n = sizes[i], at[] = {0, 1, n / 3, n - 2, n - 1};
        int steps = 0;
        assert_int_equal(merkle_root_at(n, equal_leaves, levels, h, HASH_SM3, root), OK);
        for (int j = 0; j < 5; j++) {
            assert_int_equal(merkle_inclusion(at[j], n, equal_leaves, levels, h, HASH_SM3, proof, &steps),
                             OK);
            assert_true(steps <= MERKLE_LEVELS);
            assert_true(merkle_inclusion_ok(at[j], n, levels[0], p, steps, root, h, HASH_SM3));
            assert_int_equal(merkle_root_at(at[j], equal_leaves, levels, h, HASH_SM3, old_root), OK);
            assert_int_equal(merkle_consistency(at[j], n, equal_leaves, levels, h, HASH_SM3, proof, &steps),
                             OK);
            assert_true(merkle_consistency_ok(at[j], n, old_root, root, p, steps, h, HASH_SM3));
        }
    }
}

static int setup(void **state) {
    (void)state;
    struct err e = {0};
    if (crypto_start(&e)) return -1;
    h = hasher_open();
    if (!h) return -1;
    for (int i = 0; i < 2; i++) {
        struct world *w = &worlds[i];
        struct merkle m = {0};
        w->k = i ? HASH_SM3 : HASH_SHA256;
        w->store.fail_level = -1;
        merkle_root(&m, h, w->k, w->root[0]);
        for (uint8_t n = 0; n < LEAVES; n++) {
            merkle_leaf(h, w->k, (struct str){(char *)&n, 1}, w->leaf[n]);
            merkle_add(&m, h, w->k, w->leaf[n], keep, &w->store);
            merkle_root(&m, h, w->k, w->root[n + 1]);
        }
    }
    return 0;
}

static int teardown(void **state) {
    (void)state;
    hasher_close(h);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ct_reference_roots),
        cmocka_unit_test(test_roots_by_definition),
        cmocka_unit_test(test_inclusion_all),
        cmocka_unit_test(test_consistency_all),
        cmocka_unit_test(test_bounds_and_failing_reader),
        cmocka_unit_test(test_large_sizes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
