// SPDX-License-Identifier: MulanPSL-2.0
// A self-signed TLS certificate for a first start without a certificate authority: P-256 and SHA-256, valid
// for the given name, localhost and the loopback addresses. It lets a browser encrypt; whom it speaks to, the
// operator checks by the fingerprint. Kept true: the name goes into an extension string that has a syntax of
// its own, so only letters of host names and addresses pass.
#include "crypto/secret.h"
#include "crypto/start.h"
#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define CERT_NAME_MAX     64 // ub-common-name of X.520
#define CERT_DAYS_MAX     3650
#define CERT_SERIAL_BYTES 16

static bool name_ok(const char *s) {
    const size_t n = strnlen(s, CERT_NAME_MAX + 1);
    return n > 0 && n <= CERT_NAME_MAX &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:") == n;
}

static bool is_address(const char *s) {
    uint8_t raw[16];
    return inet_pton(AF_INET, s, raw) == 1 || inet_pton(AF_INET6, s, raw) == 1;
}

static bool add_extension(X509 *x, int nid, const char *value) {
    X509V3_CTX c;
    X509V3_set_ctx_nodb(&c);
    X509V3_set_ctx(&c, x, x, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &c, nid, value);
    const bool ok = ext && X509_add_ext(x, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return ok;
}

static bool set_serial(X509 *x) {
    uint8_t raw[CERT_SERIAL_BYTES];
    if (crypto_random(raw, sizeof raw)) return false;
    raw[0] = (uint8_t)((raw[0] & 0x7f) | 0x40); // RFC 5280 §4.1.2.2: positive, here also of full length
    BIGNUM *n = BN_bin2bn(raw, sizeof raw, NULL);
    const bool ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
    BN_free(n);
    return ok;
}

static bool fill(struct arena *mem, X509 *x, EVP_PKEY *key, const char *common_name, int days) {
    X509_NAME *name = X509_get_subject_name(x); // owned by x
    const struct str alt =
        str_print(mem, "%s:%s%s,IP:127.0.0.1,IP:::1", is_address(common_name) ? "IP" : "DNS", common_name,
                  strcmp(common_name, "localhost") == 0 ? "" : ",DNS:localhost");
    // An hour back: the browser's clock may be behind ours.
    return alt.p && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
           X509_gmtime_adj(X509_getm_notBefore(x), -3600) &&
           X509_gmtime_adj(X509_getm_notAfter(x), (long)days * 86400) && X509_set_pubkey(x, key) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1,
                                      0) == 1 &&
           X509_set_issuer_name(x, name) == 1 && add_extension(x, NID_subject_alt_name, alt.p) &&
           add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(x, NID_key_usage, "critical,digitalSignature") &&
           add_extension(x, NID_ext_key_usage, "serverAuth") &&
           add_extension(x, NID_subject_key_identifier, "hash") && X509_sign(x, key, EVP_sha256()) > 0;
}

static struct str take_text(struct arena *mem, BIO *b) {
    char *p = NULL;
    const long n = BIO_get_mem_data(b, &p);
    const struct str s = n > 0 ? str_copy(mem, (struct str){p, (size_t)n}) : STR_NONE;
    if (n > 0) crypto_wipe(p, (size_t)n);
    return s;
}

int certificate_make(struct arena *mem, const char *common_name, int days, struct str *ret_cert_pem,
                     struct str *ret_key_pem, struct err *e) {
    if (!name_ok(common_name)) return err_set(e, ERR_field_value, "name", "%.64s", common_name);
    if (days < 1 || days > CERT_DAYS_MAX) return err_set(e, ERR_field_range, "days", "1..%d", CERT_DAYS_MAX);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());
    const bool ok = key && x && cert_bio && key_bio && fill(mem, x, key, common_name, days) &&
                    PEM_write_bio_X509(cert_bio, x) == 1 &&
                    PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    const struct str cert_pem = ok ? take_text(mem, cert_bio) : STR_NONE;
    const struct str key_pem = ok ? take_text(mem, key_bio) : STR_NONE;
    BIO_free(cert_bio);
    BIO_free(key_bio);
    X509_free(x);
    EVP_PKEY_free(key);
    if (!cert_pem.p || !key_pem.p) return err_set(e, ERR_crypto, "", "cannot make a certificate");
    *ret_cert_pem = cert_pem;
    *ret_key_pem = key_pem;
    return OK;
}
