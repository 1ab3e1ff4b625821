// SPDX-License-Identifier: MulanPSL-2.0
// Signing keys: Ed25519 (RFC 8032) and SM2 with SM3 (GB/T 32918.2) over OpenSSL's EVP. A key is read-only
// after it is made, so threads may share it. Kept true: a struct sign_key is always one of the two kinds, an
// SM2 signature always uses the default user id (GM/T 0009-2012 §10: foreign verifiers assume it), and no
// call here can ever ask for a passphrase on the terminal of a server. Who asks for a signature need not know where
// the private half lies: a key may hand the message on to a card or token.
#include "crypto/sign.h"
#include "crypto/start.h"
#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>

#define SIGN_KEY_MAGIC 0x7369676eu
#define SM2_USER_ID    "1234567812345678"
#define PEM_BYTES_MAX  65536

struct sign_key {
    uint32_t magic;
    enum sign_kind kind;
    bool is_private;
    EVP_PKEY *pkey;            // owned
    struct sign_remote remote; // who signs, when the private half is not here
    size_t public_n;
    uint8_t public_raw[SIGN_PUBLIC_MAX];
};

static size_t public_size(enum sign_kind kind) {
    return kind == SIGN_ED25519 ? 32 : 65;
}

// Takes over pkey, whatever the outcome.
static int wrap(EVP_PKEY *pkey, bool is_private, struct sign_key **ret, struct err *e) {
    struct sign_key *k = calloc(1, sizeof *k);
    if (!k) {
        EVP_PKEY_free(pkey);
        return err_set(e, ERR_no_memory, "", "%s", "");
    }
    k->magic = SIGN_KEY_MAGIC;
    k->pkey = pkey;
    k->is_private = is_private;
    k->public_n = sizeof k->public_raw;
    bool ok = false;
    if (EVP_PKEY_is_a(pkey, "ED25519")) {
        k->kind = SIGN_ED25519;
        ok = EVP_PKEY_get_raw_public_key(pkey, k->public_raw, &k->public_n) == 1;
    } else if (EVP_PKEY_is_a(pkey, "SM2")) {
        k->kind = SIGN_SM2;
        ok = EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, k->public_raw,
                                             sizeof k->public_raw, &k->public_n) == 1 &&
             k->public_raw[0] == 0x04;
    }
    if (!ok || k->public_n != public_size(k->kind)) {
        sign_close(k);
        return err_set(e, ERR_crypto, "key", "neither an Ed25519 nor an SM2 key");
    }
    *ret = k;
    return OK;
}

int sign_make(enum sign_kind kind, struct sign_key **ret, struct err *e) {
    assert(kind == SIGN_ED25519 || kind == SIGN_SM2);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, kind == SIGN_ED25519 ? "ED25519" : "SM2", NULL);
    EVP_PKEY *pkey = NULL;
    const bool ok = c && EVP_PKEY_keygen_init(c) == 1 && EVP_PKEY_generate(c, &pkey) == 1;
    EVP_PKEY_CTX_free(c);
    if (!ok) return err_set(e, ERR_crypto, "key", "cannot make a key");
    return wrap(pkey, true, ret, e);
}

// Without this, OpenSSL asks the terminal for the passphrase of an encrypted PEM and the server hangs.
static int no_passphrase(char *buf, int size, int rwflag, void *arg) {
    (void)rwflag;
    (void)arg;
    if (size > 0) buf[0] = 0;
    return -1;
}

int sign_load(struct str pem, struct sign_key **ret, struct err *e) {
    if (pem.n > PEM_BYTES_MAX) return err_set(e, ERR_too_large, "key", "%d", PEM_BYTES_MAX);
    BIO *b = BIO_new_mem_buf(pem.p ? pem.p : "", (int)pem.n);
    if (!b) return err_set(e, ERR_no_memory, "", "%s", "");
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL);
    BIO_free(b);
    if (!pkey) return err_set(e, ERR_crypto, "key", "not an unencrypted PKCS#8 PEM");
    return wrap(pkey, true, ret, e);
}

static int bio_text(struct arena *mem, BIO *b, bool ok, struct str *ret, struct err *e) {
    char *p = NULL;
    const long n = ok ? BIO_get_mem_data(b, &p) : 0;
    if (n <= 0) {
        BIO_free(b);
        return err_set(e, ERR_crypto, "key", "cannot write the key as PEM");
    }
    const struct str s = str_copy(mem, (struct str){p, (size_t)n});
    crypto_wipe(p, (size_t)n);
    BIO_free(b);
    if (!s.p) return err_set(e, ERR_no_memory, "", "%s", "");
    *ret = s;
    return OK;
}

int sign_pem(struct arena *mem, const struct sign_key *k, struct str *ret, struct err *e) {
    assert(k && k->magic == SIGN_KEY_MAGIC);
    if (!k->is_private) return err_set(e, ERR_crypto, "key", "only the public half is here");
    BIO *b = BIO_new(BIO_s_mem());
    const bool ok = b && PEM_write_bio_PKCS8PrivateKey(b, k->pkey, NULL, NULL, 0, NULL, NULL) == 1;
    return bio_text(mem, b, ok, ret, e);
}

int sign_public_pem(struct arena *mem, const struct sign_key *k, struct str *ret, struct err *e) {
    assert(k && k->magic == SIGN_KEY_MAGIC);
    BIO *b = BIO_new(BIO_s_mem());
    const bool ok = b && PEM_write_bio_PUBKEY(b, k->pkey) == 1;
    return bio_text(mem, b, ok, ret, e);
}

void sign_close(struct sign_key *k) {
    if (!k) return;
    assert(k->magic == SIGN_KEY_MAGIC);
    if (k->remote.close) k->remote.close(k->remote.arg);
    EVP_PKEY_free(k->pkey);
    crypto_wipe(k, sizeof *k);
    free(k);
}

enum sign_kind sign_kind_of(const struct sign_key *k) {
    assert(k && k->magic == SIGN_KEY_MAGIC);
    return k->kind;
}

size_t sign_public_raw(const struct sign_key *k, uint8_t out[SIGN_PUBLIC_MAX]) {
    assert(k && k->magic == SIGN_KEY_MAGIC);
    memcpy(out, k->public_raw, k->public_n);
    return k->public_n;
}

static EVP_PKEY *sm2_public(struct str raw) {
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = NULL;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "SM2", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (c && build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "SM2", 0) &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, raw.p, raw.n))
        params = OSSL_PARAM_BLD_to_param(build);
    // fromdata decodes the point and refuses one that is not on the curve.
    if (params &&
        (EVP_PKEY_fromdata_init(c) != 1 || EVP_PKEY_fromdata(c, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1))
        pkey = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(c);
    return pkey;
}

int sign_from_public(enum sign_kind kind, struct str raw, struct sign_key **ret, struct err *e) {
    assert(kind == SIGN_ED25519 || kind == SIGN_SM2);
    EVP_PKEY *pkey = NULL;
    if (raw.n != public_size(kind)) return err_set(e, ERR_crypto, "key", "a public key of %zu bytes", raw.n);
    if (kind == SIGN_ED25519)
        pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)raw.p, raw.n);
    else if (raw.p[0] == 0x04)
        pkey = sm2_public(raw);
    if (!pkey) return err_set(e, ERR_crypto, "key", "not a public key");
    return wrap(pkey, false, ret, e);
}

int sign_from_remote(enum sign_kind kind, struct str public_raw, struct sign_remote remote,
                     struct sign_key **ret, struct err *e) {
    assert(remote.sign);
    int code = sign_from_public(kind, public_raw, ret, e);
    if (code == OK) (*ret)->remote = remote;
    return code;
}

// A context ready to sign or verify. Ed25519 hashes by itself (no digest name); SM2 first hashes the user id
// and the public key into the message (the Z value of GB/T 32918.2 §5.5). OpenSSL 3.0 refuses the id as a
// parameter of the init call and takes it only between init and the first byte.
static EVP_MD_CTX *start(const struct sign_key *k, bool is_signing) {
    const bool is_sm2 = k->kind == SIGN_SM2;
    const char *digest = is_sm2 ? "SM3" : NULL;
    EVP_PKEY_CTX *inner = NULL; // owned by m
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    if (!m) return NULL;
    const int rc = is_signing ? EVP_DigestSignInit_ex(m, &inner, digest, NULL, NULL, k->pkey, NULL)
                              : EVP_DigestVerifyInit_ex(m, &inner, digest, NULL, NULL, k->pkey, NULL);
    if (rc == 1 && (!is_sm2 || EVP_PKEY_CTX_set1_id(inner, SM2_USER_ID, sizeof SM2_USER_ID - 1) == 1))
        return m;
    EVP_MD_CTX_free(m);
    return NULL;
}

int sign_bytes(struct arena *mem, const struct sign_key *k, struct str message, struct str *ret_sig,
               struct err *e) {
    assert(k && k->magic == SIGN_KEY_MAGIC);
    if (k->remote.sign) return k->remote.sign(k->remote.arg, mem, message, ret_sig, e);
    if (!k->is_private) return err_set(e, ERR_crypto, "key", "only the public half is here");
    unsigned char sig[128]; // 64 for Ed25519, at most 72 for SM2
    size_t n = sizeof sig;
    EVP_MD_CTX *m = start(k, true);
    const bool ok = m && EVP_DigestSign(m, sig, &n, (const unsigned char *)message.p, message.n) == 1;
    EVP_MD_CTX_free(m);
    if (!ok) return err_set(e, ERR_crypto, "", "signing failed");
    const struct str s = str_copy(mem, (struct str){(const char *)sig, n});
    if (!s.p) return err_set(e, ERR_no_memory, "", "%s", "");
    *ret_sig = s;
    return OK;
}

bool sign_ok(const struct sign_key *k, struct str message, struct str sig) {
    assert(k && k->magic == SIGN_KEY_MAGIC);
    EVP_MD_CTX *m = start(k, false);
    if (!m) return false;
    const int rc =
        EVP_DigestVerify(m, (const unsigned char *)sig.p, sig.n, (const unsigned char *)message.p, message.n);
    EVP_MD_CTX_free(m);
    return rc == 1;
}
