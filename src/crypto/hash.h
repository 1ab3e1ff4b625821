// SPDX-License-Identifier: MulanPSL-2.0
// Digests and MACs over OpenSSL 3.0: SHA-256 and SM3 (GB/T 32905), HMAC of both. Digest objects are fetched
// once, contexts are reused by their owner (struct hasher belongs to one thread).
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H
#include "base/err.h"

#define HASH_BYTES 32
enum hash_kind { HASH_SHA256 = 0, HASH_SM3 = 1 };

int crypto_start(struct err *e) MUST; // once, before any thread
struct hasher;                        // reusable contexts of one thread
struct hasher *hasher_open(void);
void hasher_close(struct hasher *h);
void hash_parts(struct hasher *h, enum hash_kind k, const struct str *parts, size_t n,
                uint8_t out[HASH_BYTES]);
void hash_one(struct hasher *h, enum hash_kind k, struct str s, uint8_t out[HASH_BYTES]);
// Many independent messages of two parts each (the second may be empty): SM3 of several is worked out side by side,
// several times as fast as one after the other. False: no memory.
struct hash_message {
    struct str parts[2];
};
bool hash_many(struct hasher *h, enum hash_kind k, struct arena *mem, const struct hash_message *messages,
               size_t n, uint8_t (*out)[HASH_BYTES]) MUST;
void hash_hmac(struct hasher *h, enum hash_kind k, struct str key, struct str s, uint8_t out[HASH_BYTES]);
// Incremental, for streams (uploads): begin, add…, end on a separate context of the same hasher, one at a
// time.
void hash_begin(struct hasher *h, enum hash_kind k);
void hash_add(struct hasher *h, struct str s);
void hash_end(struct hasher *h, uint8_t out[HASH_BYTES]);
int crypto_random(void *out, size_t n) MUST; // from the kernel; buffered per call, never predictable
// The same for small things wanted often (salts): taken from the kernel by the kilobyte, each byte given out once and
// wiped here. Not for keys.
int hasher_random(struct hasher *h, void *out, size_t n) MUST;
void crypto_wipe(void *p, size_t n);

#endif
