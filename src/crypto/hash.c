// SPDX-License-Identifier: MulanPSL-2.0
// Digests and MACs over OpenSSL 3.0. The objects are fetched once in crypto_start and only read afterwards;
// the contexts live in a struct hasher that one thread owns, because making a context costs more than
// hashing the 200 bytes of a ledger leaf. Kept true: no function here returns a digest that OpenSSL did not
// report as complete (crypto_broken ends the process instead), and key material never stays in a freed
// context.
#include "crypto/start.h"
#include "crypto/sm3_many.h"
#include "base/log.h"
#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/random.h>

#define HASHER_MAGIC 0x68617368u
// Parts up to this sum are joined on the stack: one call into the library instead of one per part.
#define HASH_JOIN_BYTES 512

#define RANDOM_POOL ((size_t)2048)

struct hasher {
    uint32_t magic;
    bool is_streaming; // between hash_begin and hash_end
    EVP_MD_CTX *once[2];
    EVP_MD_CTX *stream[2];
    EVP_MAC_CTX *mac[2];
    enum hash_kind stream_kind;
    size_t random_left; // bytes of random[] not given out yet
    uint8_t random[RANDOM_POOL];
};

static const char *const DIGEST_NAME[2] = {[HASH_SHA256] = "SHA256", [HASH_SM3] = "SM3"};
static struct crypto_fetched
    fetched; // start-up table: written by crypto_start before any thread, then read-only

int crypto_start(struct err *e) {
    if (fetched.hmac) return OK;
    // sodium_init answers 1 when somebody else in the process has already done it.
    if (sodium_init() < 0) return err_set(e, ERR_crypto, "", "libsodium does not start");
    for (int k = 0; k < 2; k++) {
        fetched.digest[k] = EVP_MD_fetch(NULL, DIGEST_NAME[k], NULL);
        if (!fetched.digest[k]) return err_set(e, ERR_crypto, "", "no digest %s", DIGEST_NAME[k]);
    }
    fetched.sm4_ctr = EVP_CIPHER_fetch(NULL, "SM4-CTR", NULL);
    if (!fetched.sm4_ctr) return err_set(e, ERR_crypto, "", "no cipher SM4-CTR");
    fetched.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (!fetched.hmac) return err_set(e, ERR_crypto, "", "no HMAC");
    return OK;
}

const struct crypto_fetched *crypto_fetched(void) {
    assert(fetched.hmac); // crypto_start comes first
    return &fetched;
}

void crypto_broken(const char *what) {
    log_line(LOG_ERROR, "crypto", "the library failed in %s; stopping before a wrong hash is written", what);
    abort();
}

static EVP_MD_CTX *digest_context(int k) {
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    if (c && EVP_DigestInit_ex2(c, fetched.digest[k], NULL) == 1) return c;
    EVP_MD_CTX_free(c);
    return NULL;
}

static EVP_MAC_CTX *mac_context(int k) {
    EVP_MAC_CTX *c = EVP_MAC_CTX_new(fetched.hmac);
    char name[8] = {0};
    strncpy(name, DIGEST_NAME[k], sizeof name - 1); // OSSL_PARAM wants a writable pointer; it does not write
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                 OSSL_PARAM_construct_end()};
    if (c && EVP_MAC_CTX_set_params(c, params) == 1) return c;
    EVP_MAC_CTX_free(c);
    return NULL;
}

struct hasher *hasher_open(void) {
    assert(fetched.hmac);
    struct hasher *h = calloc(1, sizeof *h);
    if (!h) return NULL;
    h->magic = HASHER_MAGIC;
    for (int k = 0; k < 2; k++) {
        h->once[k] = digest_context(k);
        h->stream[k] = digest_context(k);
        h->mac[k] = mac_context(k);
        if (!h->once[k] || !h->stream[k] || !h->mac[k]) {
            hasher_close(h);
            return NULL;
        }
    }
    return h;
}

void hasher_close(struct hasher *h) {
    if (!h) return;
    assert(h->magic == HASHER_MAGIC);
    for (int k = 0; k < 2; k++) {
        EVP_MD_CTX_free(h->once[k]);
        EVP_MD_CTX_free(h->stream[k]);
        EVP_MAC_CTX_free(h->mac[k]);
    }
    h->magic = 0;
    free(h);
}

// A NULL type starts the context again with the digest it already has: no look-up, no allocation.
static void restart(EVP_MD_CTX *c) {
    if (EVP_DigestInit_ex2(c, NULL, NULL) != 1) crypto_broken("digest start");
}

static void finish(EVP_MD_CTX *c, uint8_t out[HASH_BYTES]) {
    unsigned n = 0;
    if (EVP_DigestFinal_ex(c, out, &n) != 1 || n != HASH_BYTES) crypto_broken("digest end");
}

static void add(EVP_MD_CTX *c, struct str s) {
    if (s.n && EVP_DigestUpdate(c, s.p, s.n) != 1) crypto_broken("digest update");
}

// The parts are hashed one after the other with nothing between: a caller whose parts vary in length writes
// the lengths itself, or two different lists would give one digest.
void hash_parts(struct hasher *h, enum hash_kind k, const struct str *parts, size_t n,
                uint8_t out[HASH_BYTES]) {
    assert(h && h->magic == HASHER_MAGIC && (k == HASH_SHA256 || k == HASH_SM3));
    EVP_MD_CTX *c = h->once[k];
    restart(c);
    char joined[HASH_JOIN_BYTES];
    size_t held = 0;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].n <= sizeof joined - held) {
            if (parts[i].n) memcpy(joined + held, parts[i].p, parts[i].n);
            held += parts[i].n;
            continue;
        }
        add(c, (struct str){joined, held});
        add(c, parts[i]);
        held = 0;
    }
    add(c, (struct str){joined, held});
    finish(c, out);
}

void hash_one(struct hasher *h, enum hash_kind k, struct str s, uint8_t out[HASH_BYTES]) {
    assert(h && h->magic == HASHER_MAGIC && (k == HASH_SHA256 || k == HASH_SM3));
    restart(h->once[k]);
    add(h->once[k], s);
    finish(h->once[k], out);
}

void hash_hmac(struct hasher *h, enum hash_kind k, struct str key, struct str s, uint8_t out[HASH_BYTES]) {
    assert(h && h->magic == HASHER_MAGIC && (k == HASH_SHA256 || k == HASH_SM3));
    // A NULL key would mean "the last key again"; an empty key is a key (RFC 2104 pads it with zeros).
    const unsigned char *key_p = key.n ? (const unsigned char *)key.p : (const unsigned char *)"";
    size_t n = 0;
    if (EVP_MAC_init(h->mac[k], key_p, key.n, NULL) != 1) crypto_broken("HMAC start");
    if (s.n && EVP_MAC_update(h->mac[k], (const unsigned char *)s.p, s.n) != 1) crypto_broken("HMAC update");
    if (EVP_MAC_final(h->mac[k], out, &n, HASH_BYTES) != 1 || n != HASH_BYTES) crypto_broken("HMAC end");
}

void hash_begin(struct hasher *h, enum hash_kind k) {
    assert(h && h->magic == HASHER_MAGIC && (k == HASH_SHA256 || k == HASH_SM3));
    // An upload that was broken off never reaches hash_end, so beginning again is allowed.
    h->stream_kind = k;
    h->is_streaming = true;
    restart(h->stream[k]);
}

void hash_add(struct hasher *h, struct str s) {
    assert(h && h->magic == HASHER_MAGIC && h->is_streaming);
    add(h->stream[h->stream_kind], s);
}

void hash_end(struct hasher *h, uint8_t out[HASH_BYTES]) {
    assert(h && h->magic == HASHER_MAGIC && h->is_streaming);
    h->is_streaming = false;
    finish(h->stream[h->stream_kind], out);
}

// Straight from the kernel: about 0.3 µs for a salt, and nothing to reseed after a fork.
// One or two lanes of sixteen would cost more than OpenSSL one after the other.
#define LANES_WORTH 3

bool hash_many(struct hasher *h, enum hash_kind k, struct arena *mem, const struct hash_message *messages,
               size_t n, uint8_t (*out)[HASH_BYTES]) {
    if (k == HASH_SM3 && n >= LANES_WORTH && sm3_lanes() > 0) return sm3_many(mem, messages, n, out);
    for (size_t i = 0; i < n; i++)
        hash_parts(h, k, messages[i].parts, 2, out[i]);
    return true;
}

int crypto_random(void *out, size_t n) {
    uint8_t *p = out;
    while (n > 0) {
        const ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return ERR_crypto;
        p += got;
        n -= (size_t)got;
    }
    return OK;
}

int hasher_random(struct hasher *h, void *out, size_t n) {
    if (n > RANDOM_POOL) return crypto_random(out, n);
    if (h->random_left < n) {
        if (crypto_random(h->random, RANDOM_POOL) != OK) return ERR_crypto;
        h->random_left = RANDOM_POOL;
    }
    h->random_left -= n;
    memcpy(out, h->random + h->random_left, n);
    crypto_wipe(h->random + h->random_left, n);
    return OK;
}

void crypto_wipe(void *p, size_t n) {
    OPENSSL_cleanse(p, n);
}
