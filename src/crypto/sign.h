// SPDX-License-Identifier: MulanPSL-2.0
// Signing keys and C2SP signed notes. Ed25519 keys carry the checkpoint that the world's verifiers read; SM2
// keys (GB/T 32918, SM3, default user id 1234567812345678) sign the SM3 tree's checkpoint, as an extra line of
// note signature type 0xff that foreign verifiers ignore. Private keys live in one file of mode 0600.
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H
#include "crypto/hash.h"

enum sign_kind { SIGN_ED25519 = 1, SIGN_SM2 = 2 };
struct sign_key; // private or public
int sign_make(enum sign_kind k, struct sign_key **ret, struct err *e) MUST;
int sign_load(struct str pem, struct sign_key **ret, struct err *e) MUST; // private PKCS#8 PEM
int sign_pem(struct arena *mem, const struct sign_key *k, struct str *ret, struct err *e) MUST;
int sign_public_pem(struct arena *mem, const struct sign_key *k, struct str *ret, struct err *e) MUST; // SPKI, for `openssl`
void sign_close(struct sign_key *k);
enum sign_kind sign_kind_of(const struct sign_key *k);
int sign_bytes(struct arena *mem, const struct sign_key *k, struct str message, struct str *ret_sig, struct err *e) MUST;
bool sign_ok(const struct sign_key *k, struct str message, struct str sig) MUST;

// C2SP signed-note: vkey line "name+hex(id)+base64(type||public)"; a signature line "— name base64(id||sig)\n".
struct str note_vkey(struct arena *mem, const struct sign_key *k, struct str name);
int note_read_vkey(struct arena *mem, struct str vkey, struct str *ret_name, struct sign_key **ret, struct err *e) MUST;
// body must end in '\n'; gives body + "\n" + one signature line per key (names[i] for keys[i]).
int note_sign(struct arena *mem, struct str body, const struct sign_key *const *keys, const struct str *names, size_t n,
              struct str *ret_note, struct err *e) MUST;
// Splits a note; true when `key` under `name` has a valid signature on it.
bool note_check(struct arena *mem, struct str note, const struct sign_key *key, struct str name, struct str *ret_body) MUST;
// C2SP tlog-checkpoint body "origin\nsize\nbase64(root)\n[extension lines]".
struct str checkpoint_body(struct arena *mem, struct str origin, uint64_t size, const uint8_t root[HASH_BYTES]);
bool checkpoint_read(struct arena *mem, struct str body, struct str *ret_origin, uint64_t *ret_size, uint8_t root[HASH_BYTES]) MUST;

#endif
