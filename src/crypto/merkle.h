// SPDX-License-Identifier: MulanPSL-2.0
// RFC 6962 §2.1 Merkle trees over either hash, as arithmetic only (no storage): leaf and node hashes, the
// frontier that grows a tree one leaf at a time, roots, inclusion and consistency proofs and their checks.
#ifndef CRYPTO_MERKLE_H
#define CRYPTO_MERKLE_H
#include "crypto/hash.h"

#define MERKLE_LEVELS 63
struct merkle { // the frontier: hashes of the perfect subtrees of `size`, largest first
    uint64_t size;
    int n;
    uint8_t peak[MERKLE_LEVELS][HASH_BYTES];
};
void merkle_leaf(struct hasher *h, enum hash_kind k, struct str leaf, uint8_t out[HASH_BYTES]);
void merkle_node(struct hasher *h, enum hash_kind k, const uint8_t l[HASH_BYTES], const uint8_t r[HASH_BYTES],
                 uint8_t out[HASH_BYTES]);
// Adds one leaf hash. `on_node` (may be NULL) hears of every perfect subtree hash that becomes final:
// level 0 = the leaf itself at index = its number, level k at index = number >> k.
void merkle_add(struct merkle *m, struct hasher *h, enum hash_kind k, const uint8_t leaf[HASH_BYTES],
                void (*on_node)(void *arg, int level, uint64_t index, const uint8_t hash[HASH_BYTES]),
                void *arg);
void merkle_root(const struct merkle *m, struct hasher *h, enum hash_kind k, uint8_t out[HASH_BYTES]);
// Reads the hash of the perfect subtree (level, index); nonzero = not there.
typedef int merkle_read(void *arg, int level, uint64_t index, uint8_t out[HASH_BYTES]);
int merkle_root_at(uint64_t size, merkle_read *read, void *arg, struct hasher *h, enum hash_kind k,
                   uint8_t out[HASH_BYTES]) MUST;
int merkle_inclusion(uint64_t index, uint64_t size, merkle_read *read, void *arg, struct hasher *h,
                     enum hash_kind k, uint8_t (*out)[HASH_BYTES],
                     int *ret_n) MUST; // out holds MERKLE_LEVELS
int merkle_consistency(uint64_t old_size, uint64_t size, merkle_read *read, void *arg, struct hasher *h,
                       enum hash_kind k, uint8_t (*out)[HASH_BYTES],
                       int *ret_n) MUST; // out holds 2*MERKLE_LEVELS
bool merkle_inclusion_ok(uint64_t index, uint64_t size, const uint8_t leaf[HASH_BYTES],
                         const uint8_t (*proof)[HASH_BYTES], int n, const uint8_t root[HASH_BYTES],
                         struct hasher *h, enum hash_kind k) MUST;
bool merkle_consistency_ok(uint64_t old_size, uint64_t size, const uint8_t old_root[HASH_BYTES],
                           const uint8_t root[HASH_BYTES], const uint8_t (*proof)[HASH_BYTES], int n,
                           struct hasher *h, enum hash_kind k) MUST;
#endif
