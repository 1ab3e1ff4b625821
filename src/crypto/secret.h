// SPDX-License-Identifier: MulanPSL-2.0
// Passwords (Argon2id by libsodium, then HMAC-SM3 under the server's key, so that memory-hardness and an
// approved algorithm both stand in the path), bearer tokens, and column sealing (SM4-CTR + HMAC-SM3,
// encrypt-then-MAC; OpenSSL 3.0 has no SM4-GCM).
#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H
#include "crypto/hash.h"

#define SECRET_KEY_BYTES 32
// Slow on purpose (about 50 ms, 64 MiB): never on the I/O thread or the writer.
int password_hash(struct arena *mem, struct hasher *h, const uint8_t key[SECRET_KEY_BYTES],
                  struct str password, struct str *ret_stored, struct err *e) MUST;
bool password_ok(struct arena *mem, struct hasher *h, const uint8_t key[SECRET_KEY_BYTES],
                 struct str password, struct str stored) MUST;
// Sealed text: base64url(nonce16 || ciphertext || mac32); `context` binds it to its column and row.
int seal_text(struct arena *mem, struct hasher *h, const uint8_t key[SECRET_KEY_BYTES], struct str context,
              struct str clear, struct str *ret_sealed, struct err *e) MUST;
int unseal_text(struct arena *mem, struct hasher *h, const uint8_t key[SECRET_KEY_BYTES], struct str context,
                struct str sealed, struct str *ret_clear, struct err *e) MUST;
// A self-signed certificate (P-256, SHA-256) for host names and loopback addresses, both as PEM.
int certificate_make(struct arena *mem, const char *common_name, int days, struct str *ret_cert_pem,
                     struct str *ret_key_pem, struct err *e) MUST;
#endif
