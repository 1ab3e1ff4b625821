// SPDX-License-Identifier: MulanPSL-2.0
// Inside the room crypto only: the OpenSSL objects fetched once at start (a fetch by name takes a lock and a
// table search, ten times the cost of hashing a ledger leaf), and the one way this room gives up.
#ifndef CRYPTO_START_H
#define CRYPTO_START_H
#include "crypto/hash.h"
#include <openssl/evp.h>

struct crypto_fetched { // read-only after crypto_start
    EVP_MD *digest[2];  // by enum hash_kind
    EVP_MAC *hmac;
    EVP_CIPHER *sm4_ctr;
};
const struct crypto_fetched *crypto_fetched(void);
// A digest that fails on memory it was given means a broken library or machine: going on would put wrong
// hashes into a ledger that can never be changed, so the process ends instead.
_Noreturn void crypto_broken(const char *what);

#endif
