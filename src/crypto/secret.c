// SPDX-License-Identifier: MulanPSL-2.0
// What must stay secret at rest: passwords and sealed column text. A stored password is
//
//   argon2id-sm3$m=65536,t=1$<salt>$<mac>     both base64url,
//   mac = HMAC-SM3(key, domain ‖ salt ‖ Argon2id(password, salt))
//
// so that a stolen table is worth nothing without the server's key and a stolen key still meets 64 MiB of
// memory per guess (RFC 9106; GB/T 39786 wants an approved algorithm in the path). Sealed text is
// encrypt-then-MAC; nothing is decrypted before the MAC, over nonce, context and ciphertext, has been found
// good. Kept true: every key has one use, split from the server's key by a label.
#include "crypto/secret.h"
#include "crypto/start.h"
#include <assert.h>
#include <sodium.h>

#define SALT_BYTES          16
#define PASSWORD_MEMORY_KIB 65536 // 64 MiB and one pass: about 50 ms here, above OWASP's 46 MiB, t=1
#define PASSWORD_PASSES     1
// A stored line decides its own cost, so that it can be raised later; a forged line must not cost the earth.
#define PASSWORD_MEMORY_KIB_MAX 262144
#define PASSWORD_PASSES_MAX     8
#define PASSWORD_BYTES_MAX      1024
#define NONCE_BYTES             16
#define SM4_KEY_BYTES           16
#define SEAL_BYTES_MAX          ((size_t)16 << 20)

struct cost {
    int64_t memory_kib, passes;
};

static int no_memory(struct err *e) {
    return err_set(e, ERR_no_memory, "", "%s", "");
}

static struct str key_str(const uint8_t key[SECRET_KEY_BYTES]) {
    return (struct str){(const char *)key, SECRET_KEY_BYTES};
}

static int password_mac(struct hasher *h, const uint8_t key[SECRET_KEY_BYTES], struct str password,
                        struct cost cost, const uint8_t salt[SALT_BYTES], uint8_t out[HASH_BYTES],
                        struct err *e) {
    static const char domain[16] = "gusu password 1"; // 15 letters and the final zero: a fixed length
    uint8_t text[sizeof domain + SALT_BYTES + HASH_BYTES];
    memcpy(text, domain, sizeof domain);
    memcpy(text + sizeof domain, salt, SALT_BYTES);
    const int rc = crypto_pwhash(text + sizeof domain + SALT_BYTES, HASH_BYTES, password.p ? password.p : "",
                                 password.n, salt, (unsigned long long)cost.passes,
                                 (size_t)cost.memory_kib * 1024, crypto_pwhash_ALG_ARGON2ID13);
    if (rc == 0) hash_hmac(h, HASH_SM3, key_str(key), (struct str){(const char *)text, sizeof text}, out);
    crypto_wipe(text, sizeof text);
    return rc == 0 ? OK : no_memory(e); // libsodium fails for want of memory only
}

int password_hash(struct arena *mem, struct hasher *h, const uint8_t key[SECRET_KEY_BYTES],
                  struct str password, struct str *ret_stored, struct err *e) {
    uint8_t salt[SALT_BYTES], mac[HASH_BYTES];
    const struct cost cost = {PASSWORD_MEMORY_KIB, PASSWORD_PASSES};
    if (password.n == 0) return err_set(e, ERR_field_missing, "password", "%s", "");
    if (password.n > PASSWORD_BYTES_MAX)
        return err_set(e, ERR_field_long, "password", "%d", PASSWORD_BYTES_MAX);
    if (crypto_random(salt, sizeof salt)) return err_set(e, ERR_crypto, "", "no random bytes");
    const int rc = password_mac(h, key, password, cost, salt, mac, e);
    if (rc) return rc;
    const struct str salt64 = str_base64url(mem, salt, sizeof salt),
                     mac64 = str_base64url(mem, mac, sizeof mac);
    const struct str stored = str_print(mem, "argon2id-sm3$m=%d,t=%d$%.*s$%.*s", PASSWORD_MEMORY_KIB,
                                        PASSWORD_PASSES, STRF(salt64), STRF(mac64));
    if (mem->failed) return no_memory(e);
    *ret_stored = stored;
    return OK;
}

static bool read_cost(struct str s, struct cost *ret) {
    struct str passes = STR_NONE;
    struct str memory = str_cut(s, ',', &passes);
    if (!str_starts(memory, S("m=")) || !str_starts(passes, S("t="))) return false;
    memory = (struct str){memory.p + 2, memory.n - 2};
    passes = (struct str){passes.p + 2, passes.n - 2};
    return str_int64(memory, &ret->memory_kib) && str_int64(passes, &ret->passes) && ret->memory_kib >= 8 &&
           ret->memory_kib <= PASSWORD_MEMORY_KIB_MAX && ret->passes >= 1 &&
           ret->passes <= PASSWORD_PASSES_MAX;
}

bool password_ok(struct arena *mem, struct hasher *h, const uint8_t key[SECRET_KEY_BYTES],
                 struct str password, struct str stored) {
    struct str rest = STR_NONE, salt64 = STR_NONE, mac64 = STR_NONE, salt = STR_NONE, mac = STR_NONE;
    struct cost cost = {0, 0};
    uint8_t want[HASH_BYTES];
    if (password.n == 0 || password.n > PASSWORD_BYTES_MAX) return false;
    if (!str_eq(str_cut(stored, '$', &rest), S("argon2id-sm3"))) return false;
    if (!read_cost(str_cut(rest, '$', &rest), &cost)) return false;
    salt64 = str_cut(rest, '$', &mac64);
    if (!str_unbase64(mem, salt64, true, &salt) || salt.n != SALT_BYTES) return false;
    if (!str_unbase64(mem, mac64, true, &mac) || mac.n != HASH_BYTES) return false;
    if (password_mac(h, key, password, cost, (const uint8_t *)salt.p, want, NULL)) return false;
    return str_equal_const_time(want, mac.p, HASH_BYTES);
}

struct seal_keys {
    uint8_t cipher[HASH_BYTES]; // the first SM4_KEY_BYTES are used
    uint8_t mac[HASH_BYTES];
};

static struct seal_keys split_keys(struct hasher *h, const uint8_t key[SECRET_KEY_BYTES]) {
    struct seal_keys k;
    hash_hmac(h, HASH_SM3, key_str(key), S("gusu seal 1 cipher"), k.cipher);
    hash_hmac(h, HASH_SM3, key_str(key), S("gusu seal 1 mac"), k.mac);
    return k;
}

// CTR mode: the same step seals and opens.
static bool sm4_ctr(const struct seal_keys *k, const uint8_t nonce[NONCE_BYTES], const uint8_t *in, size_t n,
                    uint8_t *out) {
    int done = 0;
    assert(n <= SEAL_BYTES_MAX);
    if (n == 0) return true;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    const bool ok = c && EVP_EncryptInit_ex2(c, crypto_fetched()->sm4_ctr, k->cipher, nonce, NULL) == 1 &&
                    EVP_EncryptUpdate(c, out, &done, in, (int)n) == 1 && (size_t)done == n;
    EVP_CIPHER_CTX_free(c);
    return ok;
}

// MAC over length(context) ‖ context ‖ nonce ‖ ciphertext: the length keeps context and nonce from trading
// bytes.
static bool seal_mac(struct arena *mem, struct hasher *h, const struct seal_keys *k, struct str context,
                     struct str nonce_and_cipher, uint8_t out[HASH_BYTES]) {
    struct buf b = buf_new(mem, 8 + context.n + nonce_and_cipher.n, 2 * SEAL_BYTES_MAX);
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_char(&b, (char)((uint64_t)context.n >> shift & 0xff));
    buf_put(&b, context);
    buf_put(&b, nonce_and_cipher);
    if (b.over) return false;
    hash_hmac(h, HASH_SM3, (struct str){(const char *)k->mac, HASH_BYTES}, buf_str(&b), out);
    return true;
}

int seal_text(struct arena *mem, struct hasher *h, const uint8_t key[SECRET_KEY_BYTES], struct str context,
              struct str clear, struct str *ret_sealed, struct err *e) {
    if (clear.n > SEAL_BYTES_MAX || context.n > SEAL_BYTES_MAX)
        return err_set(e, ERR_too_large, "", "%zu", SEAL_BYTES_MAX);
    uint8_t *out = arena_take(mem, NONCE_BYTES + clear.n + HASH_BYTES);
    if (!out) return no_memory(e);
    if (crypto_random(out, NONCE_BYTES)) return err_set(e, ERR_crypto, "", "no random bytes");
    struct seal_keys k = split_keys(h, key);
    const struct str covered = {(const char *)out, NONCE_BYTES + clear.n};
    const bool ok = sm4_ctr(&k, out, (const uint8_t *)clear.p, clear.n, out + NONCE_BYTES) &&
                    seal_mac(mem, h, &k, context, covered, out + covered.n);
    crypto_wipe(&k, sizeof k);
    if (!ok) return mem->failed ? no_memory(e) : err_set(e, ERR_crypto, "", "sealing failed");
    const struct str sealed = str_base64url(mem, out, covered.n + HASH_BYTES);
    if (!sealed.p) return no_memory(e);
    *ret_sealed = sealed;
    return OK;
}

int unseal_text(struct arena *mem, struct hasher *h, const uint8_t key[SECRET_KEY_BYTES], struct str context,
                struct str sealed, struct str *ret_clear, struct err *e) {
    struct str raw = STR_NONE;
    uint8_t mac[HASH_BYTES];
    if (sealed.n > 2 * SEAL_BYTES_MAX) return err_set(e, ERR_too_large, "", "%zu", SEAL_BYTES_MAX);
    // One sentence for every way to be wrong: which check failed is nobody's business.
    if (!str_unbase64(mem, sealed, true, &raw) || raw.n < NONCE_BYTES + HASH_BYTES ||
        raw.n > SEAL_BYTES_MAX + NONCE_BYTES + HASH_BYTES)
        return err_set(e, ERR_crypto, "", "sealed text was changed");
    const struct str covered = {raw.p, raw.n - HASH_BYTES};
    const size_t n = covered.n - NONCE_BYTES;
    char *clear = arena_take(mem, n + 1);
    if (!clear) return no_memory(e);
    struct seal_keys k = split_keys(h, key);
    const bool is_made = seal_mac(mem, h, &k, context, covered, mac);
    const bool ok =
        is_made && str_equal_const_time(mac, raw.p + covered.n, HASH_BYTES) &&
        sm4_ctr(&k, (const uint8_t *)raw.p, (const uint8_t *)raw.p + NONCE_BYTES, n, (uint8_t *)clear);
    crypto_wipe(&k, sizeof k);
    if (!is_made) return no_memory(e);
    if (!ok) return err_set(e, ERR_crypto, "", "sealed text was changed");
    *ret_clear = (struct str){clear, n};
    return OK;
}
