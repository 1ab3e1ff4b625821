// SPDX-License-Identifier: MulanPSL-2.0
// Signing keys and C2SP signed notes. Ed25519 keys carry the checkpoint that the world's verifiers read; SM2
// keys (GB/T 32918, SM3, default user id 1234567812345678) sign the SM3 tree's checkpoint, as an extra line
// of note signature type 0xff that foreign verifiers ignore. Private keys live in one file of mode 0600.
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H
#include "crypto/hash.h"

enum sign_kind { SIGN_ED25519 = 1, SIGN_SM2 = 2 };
struct sign_key; // private or public
int sign_make(enum sign_kind k, struct sign_key **ret, struct err *e) MUST;
int sign_load(struct str pem, struct sign_key **ret, struct err *e) MUST; // private PKCS#8 PEM
int sign_pem(struct arena *mem, const struct sign_key *k, struct str *ret, struct err *e) MUST;
int sign_public_pem(struct arena *mem, const struct sign_key *k, struct str *ret,
                    struct err *e) MUST; // SPKI, for `openssl`
void sign_close(struct sign_key *k);
enum sign_kind sign_kind_of(const struct sign_key *k);
int sign_bytes(struct arena *mem, const struct sign_key *k, struct str message, struct str *ret_sig,
               struct err *e) MUST;
bool sign_ok(const struct sign_key *k, struct str message, struct str sig) MUST;
// A key whose private half stays where it is: in a card or a token behind PKCS#11 (crypto/provider.h). `sign` gives
// what sign_bytes gives: 64 bytes for Ed25519, DER for SM2; `close` may be NULL.
struct sign_remote {
    void *arg;
    int (*sign)(void *arg, struct arena *mem, struct str message, struct str *ret_sig, struct err *e);
    void (*close)(void *arg);
};
int sign_from_remote(enum sign_kind kind, struct str public_raw, struct sign_remote remote,
                     struct sign_key **ret, struct err *e) MUST;
// Public halves as plain bytes: 32 for Ed25519, the uncompressed point 04 ‖ X ‖ Y (65) for SM2.
#define SIGN_PUBLIC_MAX 65
size_t sign_public_raw(const struct sign_key *k, uint8_t out[SIGN_PUBLIC_MAX]); // bytes written
int sign_from_public(enum sign_kind kind, struct str raw, struct sign_key **ret, struct err *e) MUST;

// The two signature types of a note. Signatures cover the body with its last newline, as C2SP says.
//   type(Ed25519) = 0x01                       public = 32 bytes    sig = 64 bytes
//   type(SM2)     = 0xff ‖ "gusu-sm2-sm3"      public = 65 bytes    sig = DER SEQUENCE { r, s }, at most 72
//   id   = SHA-256(name ‖ 0x0A ‖ type ‖ public)[:4]    (SHA-256 for both: the id is an index, not a proof)
//   vkey = name ‖ "+" ‖ hex(id) ‖ "+" ‖ base64(type ‖ public)
// 0xff followed by a long identifier is what C2SP leaves to types without a number. Nothing stands between
// identifier and point: the lengths are fixed, so 78 bytes beginning with these 13 are the only reading.
#define NOTE_SM2_TYPE                                                                                        \
    "\xff"                                                                                                   \
    "gusu-sm2-sm3"
#define NOTE_BYTES_MAX      ((size_t)1000000) // as Go's note package
#define NOTE_SIGNATURES_MAX 100
bool note_name_ok(struct str name) MUST; // not empty, no space of any kind, no '+'

// C2SP signed-note: vkey line "name+hex(id)+base64(type||public)"; a signature line "— name
// base64(id||sig)\n".
struct str note_vkey(struct arena *mem, const struct sign_key *k, struct str name);
int note_read_vkey(struct arena *mem, struct str vkey, struct str *ret_name, struct sign_key **ret,
                   struct err *e) MUST;
// body must end in '\n'; gives body + "\n" + one signature line per key (names[i] for keys[i]).
int note_sign(struct arena *mem, struct str body, const struct sign_key *const *keys, const struct str *names,
              size_t n, struct str *ret_note, struct err *e) MUST;
// Splits a note; true when `key` under `name` has a valid signature on it.
bool note_check(struct arena *mem, struct str note, const struct sign_key *key, struct str name,
                struct str *ret_body) MUST;
// The same with three answers, for those who must tell a stranger's note from a forged one.
enum note_answer { NOTE_UNSIGNED = 0, NOTE_FORGED, NOTE_SIGNED };
enum note_answer note_look(struct arena *mem, struct str note, const struct sign_key *key, struct str name,
                           struct str *ret_body, struct str *ret_line) MUST;
bool note_split(struct str note, struct str *ret_body) MUST; // where the body ends; no signature is looked at

// C2SP tlog-cosignature, version 1: what a witness says of a checkpoint. Type 0x04, blob = u64 time ‖ 64 bytes over
// "cosignature/v1\ntime T\n" and the body. The name is not covered, so a witness's key signs nothing else.
#define NOTE_COSIGN_TYPE "\x04"
struct str cosign_vkey(struct arena *mem, const struct sign_key *k, struct str name);
int cosign_read_vkey(struct arena *mem, struct str vkey, struct str *ret_name, struct sign_key **ret,
                     struct err *e) MUST;
int cosign_line(struct arena *mem, struct str body, const struct sign_key *k, struct str name, int64_t time_s,
                struct str *ret_line, struct err *e) MUST;
// `lines`: signature lines, each ended by a newline, as a witness answers them or as they stand under a note. Lines of
// other keys are passed over; text that is no signature line makes all of it worthless.
bool cosign_check(struct arena *mem, struct str body, struct str lines, const struct sign_key *k,
                  struct str name, int64_t *ret_time_s, struct str *ret_line) MUST;
// C2SP tlog-checkpoint body "origin\nsize\nbase64(root)\n[extension lines]".
struct str checkpoint_body(struct arena *mem, struct str origin, uint64_t size,
                           const uint8_t root[HASH_BYTES]);
bool checkpoint_read(struct arena *mem, struct str body, struct str *ret_origin, uint64_t *ret_size,
                     uint8_t root[HASH_BYTES]) MUST;

#endif
