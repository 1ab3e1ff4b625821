// SPDX-License-Identifier: MulanPSL-2.0
// Private to crypto: SM3 of independent messages side by side. Others call hash_many.
#ifndef CRYPTO_SM3_MANY_H
#define CRYPTO_SM3_MANY_H
#include "crypto/hash.h"

int sm3_lanes(void); // how many at once here; 0 = not on this processor
// n >= 1 messages. False: no memory. Only where sm3_lanes() > 0.
bool sm3_many(struct arena *mem, const struct hash_message *messages, size_t n,
              uint8_t (*out)[HASH_BYTES]) MUST;
// The same by so many lanes (8 or 16, not more than sm3_lanes()): for tests.
bool sm3_many_by(int lanes, struct arena *mem, const struct hash_message *messages, size_t n,
                 uint8_t (*out)[HASH_BYTES]) MUST;
#endif
