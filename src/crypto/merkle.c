// SPDX-License-Identifier: MulanPSL-2.0
// RFC 6962 §2.1 as arithmetic. Notation: D[lo:hi] is a run of leaves, MTH its root. A *perfect* subtree of
// level k at index i covers leaves [i<<k, (i+1)<<k) and, once full, never changes; these are the only hashes
// that anybody stores (they are the tiles). Everything else is folded from them on demand:
//
//   leaf = H(0x00 ‖ entry)   node = H(0x01 ‖ left ‖ right)   empty tree = H("")
//
// Invariant M1: a run that the RFC's recursion visits starts at a multiple of the largest power of two that
// fits into it, so cutting the greatest perfect subtree off its left end, again and again, is exact.
// Invariant M2: sizes stay below 2^63, so no shift here overflows and 63 peaks or proof steps are enough.
#include "crypto/merkle.h"
#include <assert.h>

#define MERKLE_SIZE_MAX (((uint64_t)1 << MERKLE_LEVELS) - 1)

struct source { // what every proof function needs to reach stored subtrees
    merkle_read *read;
    void *arg;
    struct hasher *h;
    enum hash_kind k;
};

static int floor_log2(uint64_t n) {
    assert(n > 0);
    return 63 - __builtin_clzll(n);
}

// The RFC's k: the largest power of two smaller than n (n ≥ 2).
static uint64_t split_of(uint64_t n) {
    assert(n >= 2);
    return (uint64_t)1 << floor_log2(n - 1);
}

static bool same(const uint8_t a[HASH_BYTES], const uint8_t b[HASH_BYTES]) {
    return memcmp(a, b, HASH_BYTES) == 0; // roots and proofs are public: constant time buys nothing
}

void merkle_leaf(struct hasher *h, enum hash_kind k, struct str leaf, uint8_t out[HASH_BYTES]) {
    hash_parts(h, k, (const struct str[]){{"\x00", 1}, leaf}, 2, out);
}

void merkle_node(struct hasher *h, enum hash_kind k, const uint8_t l[HASH_BYTES], const uint8_t r[HASH_BYTES],
                 uint8_t out[HASH_BYTES]) {
    uint8_t both[1 + 2 * HASH_BYTES];
    both[0] = 0x01;
    memcpy(both + 1, l, HASH_BYTES);
    memcpy(both + 1 + HASH_BYTES, r, HASH_BYTES);
    hash_one(h, k, (struct str){(const char *)both, sizeof both}, out);
}

void merkle_add(struct merkle *m, struct hasher *h, enum hash_kind k, const uint8_t leaf[HASH_BYTES],
                void (*on_node)(void *arg, int level, uint64_t index, const uint8_t hash[HASH_BYTES]),
                void *arg) {
    assert(m->size < MERKLE_SIZE_MAX && m->n == __builtin_popcountll(m->size)); // M2; one peak per set bit
    const uint64_t number = m->size;
    uint8_t hash[HASH_BYTES];
    memcpy(hash, leaf, HASH_BYTES);
    if (on_node) on_node(arg, 0, number, hash);
    // Like a carry in binary addition: each trailing one bit of the size is a peak as large as what we hold.
    int level = 0;
    for (uint64_t bits = number; bits & 1; bits >>= 1) {
        merkle_node(h, k, m->peak[--m->n], hash, hash);
        level++;
        if (on_node) on_node(arg, level, number >> level, hash);
    }
    memcpy(m->peak[m->n++], hash, HASH_BYTES);
    m->size = number + 1;
}

// Folds peaks from the right: the smallest subtree hangs deepest on the right-hand spine.
static void fold(struct hasher *h, enum hash_kind k, const uint8_t (*peak)[HASH_BYTES], int n,
                 uint8_t out[HASH_BYTES]) {
    uint8_t acc[HASH_BYTES];
    memcpy(acc, peak[n - 1], HASH_BYTES);
    for (int i = n - 2; i >= 0; i--)
        merkle_node(h, k, peak[i], acc, acc);
    memcpy(out, acc, HASH_BYTES);
}

void merkle_root(const struct merkle *m, struct hasher *h, enum hash_kind k, uint8_t out[HASH_BYTES]) {
    assert(m->n == __builtin_popcountll(m->size));
    if (m->size == 0)
        hash_one(h, k, STR_NONE, out);
    else
        fold(h, k, m->peak, m->n, out);
}

// MTH(D[lo:hi]) from stored perfect subtrees (M1). Nonzero = whatever the reader said.
static int run_root(const struct source *s, uint64_t lo, uint64_t hi, uint8_t out[HASH_BYTES]) {
    uint8_t peak[MERKLE_LEVELS][HASH_BYTES];
    int n = 0;
    assert(lo < hi);
    while (lo < hi) {
        const int level = floor_log2(hi - lo);
        assert((lo & (((uint64_t)1 << level) - 1)) == 0); // M1
        const int rc = s->read(s->arg, level, lo >> level, peak[n++]);
        if (rc) return rc;
        lo += (uint64_t)1 << level;
    }
    fold(s->h, s->k, (const uint8_t(*)[HASH_BYTES])peak, n, out);
    return OK;
}

int merkle_root_at(uint64_t size, merkle_read *read, void *arg, struct hasher *h, enum hash_kind k,
                   uint8_t out[HASH_BYTES]) {
    if (size > MERKLE_SIZE_MAX) return ERR_field_range;
    if (size == 0) {
        hash_one(h, k, STR_NONE, out);
        return OK;
    }
    return run_root(&(struct source){read, arg, h, k}, 0, size, out);
}

// The recursions of §2.1.1 and §2.1.2 append on the way up; walked from the top they come out reversed.
static void reverse(uint8_t (*list)[HASH_BYTES], int n) {
    for (int i = 0, j = n - 1; i < j; i++, j--) {
        uint8_t t[HASH_BYTES];
        memcpy(t, list[i], HASH_BYTES);
        memcpy(list[i], list[j], HASH_BYTES);
        memcpy(list[j], t, HASH_BYTES);
    }
}

int merkle_inclusion(uint64_t index, uint64_t size, merkle_read *read, void *arg, struct hasher *h,
                     enum hash_kind k, uint8_t (*out)[HASH_BYTES], int *ret_n) {
    if (size > MERKLE_SIZE_MAX || index >= size) return ERR_field_range;
    const struct source s = {read, arg, h, k};
    uint64_t lo = 0, hi = size;
    int n = 0;
    while (hi - lo > 1) {
        const uint64_t mid = lo + split_of(hi - lo);
        const bool is_left = index < mid;
        const int rc = is_left ? run_root(&s, mid, hi, out[n]) : run_root(&s, lo, mid, out[n]);
        if (rc) return rc;
        n++;
        assert(n <= MERKLE_LEVELS); // M2
        if (is_left)
            hi = mid;
        else
            lo = mid;
    }
    reverse(out, n);
    *ret_n = n;
    return OK;
}

int merkle_consistency(uint64_t old_size, uint64_t size, merkle_read *read, void *arg, struct hasher *h,
                       enum hash_kind k, uint8_t (*out)[HASH_BYTES], int *ret_n) {
    if (size > MERKLE_SIZE_MAX || old_size > size) return ERR_field_range;
    if (old_size == 0 || old_size == size) { // nothing to show: the empty tree is a prefix of every tree
        *ret_n = 0;
        return OK;
    }
    const struct source s = {read, arg, h, k};
    uint64_t lo = 0, hi = size;
    int n = 0, rc = OK;
    bool is_old_root = true; // the RFC's b: D[lo:hi] is the old tree itself, whose root the verifier has
    while (hi != old_size) {
        const uint64_t mid = lo + split_of(hi - lo);
        const bool is_left = old_size <= mid;
        rc = is_left ? run_root(&s, mid, hi, out[n]) : run_root(&s, lo, mid, out[n]);
        if (rc) return rc;
        n++;
        if (is_left)
            hi = mid;
        else {
            lo = mid;
            is_old_root = false;
        }
    }
    if (!is_old_root) {
        rc = run_root(&s, lo, hi, out[n]);
        if (rc) return rc;
        n++;
    }
    assert(n <= 2 * MERKLE_LEVELS);
    reverse(out, n);
    *ret_n = n;
    return OK;
}

// RFC 9162 §2.1.3.2, which settles what RFC 6962 left to the reader.
bool merkle_inclusion_ok(uint64_t index, uint64_t size, const uint8_t leaf[HASH_BYTES],
                         const uint8_t (*proof)[HASH_BYTES], int n, const uint8_t root[HASH_BYTES],
                         struct hasher *h, enum hash_kind k) {
    if (size > MERKLE_SIZE_MAX || index >= size || n < 0 || n > MERKLE_LEVELS) return false;
    uint64_t fn = index, sn = size - 1; // the node's and the last node's number on the level we stand on
    uint8_t acc[HASH_BYTES];
    memcpy(acc, leaf, HASH_BYTES);
    for (int i = 0; i < n; i++) {
        if (sn == 0) return false; // longer than the tree is high
        if ((fn & 1) || fn == sn) {
            merkle_node(h, k, proof[i], acc, acc);
            // On the right-hand edge some levels have no sibling: skip to the next one that has.
            while (fn && !(fn & 1)) {
                fn >>= 1;
                sn >>= 1;
            }
        } else
            merkle_node(h, k, acc, proof[i], acc);
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && same(acc, root);
}

// RFC 9162 §2.1.4.2: rebuilds both roots at once from the proof.
bool merkle_consistency_ok(uint64_t old_size, uint64_t size, const uint8_t old_root[HASH_BYTES],
                           const uint8_t root[HASH_BYTES], const uint8_t (*proof)[HASH_BYTES], int n,
                           struct hasher *h, enum hash_kind k) {
    if (size > MERKLE_SIZE_MAX || old_size > size || n < 0 || n > 2 * MERKLE_LEVELS) return false;
    if (old_size == size) return n == 0 && same(old_root, root);
    if (old_size == 0) {
        uint8_t empty[HASH_BYTES];
        hash_one(h, k, STR_NONE, empty);
        return n == 0 && same(old_root, empty);
    }
    // An old tree that is itself one perfect subtree starts the climb; else the first proof hash does.
    const bool is_perfect = (old_size & (old_size - 1)) == 0;
    if (!is_perfect && n == 0) return false;
    const uint8_t *first = is_perfect ? old_root : proof[0];
    uint64_t fn = old_size - 1, sn = size - 1;
    while (fn & 1) {
        fn >>= 1;
        sn >>= 1;
    }
    uint8_t fr[HASH_BYTES], sr[HASH_BYTES];
    memcpy(fr, first, HASH_BYTES);
    memcpy(sr, first, HASH_BYTES);
    for (int i = is_perfect ? 0 : 1; i < n; i++) {
        if (sn == 0) return false;
        if ((fn & 1) || fn == sn) {
            merkle_node(h, k, proof[i], fr, fr);
            merkle_node(h, k, proof[i], sr, sr);
            while (fn && !(fn & 1)) {
                fn >>= 1;
                sn >>= 1;
            }
        } else
            merkle_node(h, k, sr, proof[i], sr);
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && same(fr, old_root) && same(sr, root);
}
