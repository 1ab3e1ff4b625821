// SPDX-License-Identifier: MulanPSL-2.0
// Passwords, sealed columns and the self-signed certificate; every change of a stored byte must be noticed.
#include "crypto/secret.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static struct arena mem;
static struct hasher *h;
static struct err e;
static const uint8_t KEY[SECRET_KEY_BYTES] = "one key of the server, 32 bytes";
static const uint8_t KEY2[SECRET_KEY_BYTES] = "one key of the server, 32 byteZ";

static void test_password(void **state) {
    (void)state;
    struct str a, b;
    assert_int_equal(password_hash(&mem, h, KEY, S("寒山寺的钟 1"), &a, &e), OK);
    assert_int_equal(password_hash(&mem, h, KEY, S("寒山寺的钟 1"), &b, &e), OK);
    assert_true(str_starts(a, S("argon2id-sm3$m=65536,t=1$")));
    assert_false(str_eq(a, b)); // salted
    assert_true(password_ok(&mem, h, KEY, S("寒山寺的钟 1"), a) &&
                password_ok(&mem, h, KEY, S("寒山寺的钟 1"), b));
    assert_false(password_ok(&mem, h, KEY, S("寒山寺的钟 2"), a));
    assert_false(password_ok(&mem, h, KEY, STR_NONE, a));
    assert_false(
        password_ok(&mem, h, KEY2, S("寒山寺的钟 1"), a)); // a table without its server's key is useless
}

static void test_password_bad_stored(void **state) {
    (void)state;
    struct str stored = S("untouched");
    const char *const bad[] = {
        "", "plain", "argon2id-sm3$m=65536,t=1$AAAA", "argon2id-sm3$m=65536$a$b",
        // a forged cost may not take a terabyte or a day
        "argon2id-sm3$m=999999999,t=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "argon2id-sm3$m=65536,t=999$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "argon2id-sm3$m=0,t=0$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "argon2id-sm3$m=64,t=1$AAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(password_ok(&mem, h, KEY, S("x"), str_of(bad[i])));
    char big[1025];
    memset(big, 'x', sizeof big);
    assert_int_equal(password_hash(&mem, h, KEY, (struct str){big, 1025}, &stored, &e), ERR_field_long);
    assert_int_equal(password_hash(&mem, h, KEY, STR_NONE, &stored, &e), ERR_field_missing);
    assert_false(password_ok(&mem, h, KEY, (struct str){big, 1025}, str_of(bad[0])));
    assert_true(str_eq(stored, S("untouched")));
}

static void test_seal_round_trip(void **state) {
    (void)state;
    char text[300];
    for (size_t n = 0; n < sizeof text; n++) {
        struct str sealed, clear;
        for (size_t i = 0; i < n; i++)
            text[i] = (char)('a' + i % 26);
        assert_int_equal(seal_text(&mem, h, KEY, S("r_7.c_3/42"), (struct str){text, n}, &sealed, &e), OK);
        assert_int_equal(unseal_text(&mem, h, KEY, S("r_7.c_3/42"), sealed, &clear, &e), OK);
        assert_true(str_eq(clear, (struct str){text, n}));
        assert_int_equal(unseal_text(&mem, h, KEY, S("r_7.c_3/43"), sealed, &clear, &e),
                         ERR_crypto); // moved to another row
        assert_int_equal(unseal_text(&mem, h, KEY2, S("r_7.c_3/42"), sealed, &clear, &e), ERR_crypto);
    }
    struct str a, b;
    assert_int_equal(seal_text(&mem, h, KEY, S("c"), S("same"), &a, &e), OK);
    assert_int_equal(seal_text(&mem, h, KEY, S("c"), S("same"), &b, &e), OK);
    assert_false(str_eq(a, b));
}

static void test_seal_tampering(void **state) {
    (void)state;
    struct str sealed, raw, clear = S("untouched");
    assert_int_equal(seal_text(&mem, h, KEY, S("ctx"), S("320500199001011234"), &sealed, &e), OK);
    assert_true(str_unbase64(&mem, sealed, true, &raw));
    assert_int_equal(raw.n, 16 + 18 + 32);
    for (size_t i = 0; i < raw.n; i++) // each byte of nonce, ciphertext and MAC
        for (int bit = 0; bit < 8; bit++) {
            char *bent = str_z(&mem, raw);
            memcpy(bent, raw.p, raw.n);
            bent[i] = (char)(bent[i] ^ (1 << bit));
            const struct str forged = str_base64url(&mem, bent, raw.n);
            assert_int_equal(unseal_text(&mem, h, KEY, S("ctx"), forged, &clear, &e), ERR_crypto);
        }
    for (size_t n = 0; n < raw.n; n++) { // every shorter piece
        const struct str cut = str_base64url(&mem, raw.p, n);
        assert_int_equal(unseal_text(&mem, h, KEY, S("ctx"), cut, &clear, &e), ERR_crypto);
    }
    assert_int_equal(unseal_text(&mem, h, KEY, S("ctx"), S("not base64!"), &clear, &e), ERR_crypto);
    assert_true(str_eq(clear, S("untouched")));
}

static void test_certificate(void **state) {
    (void)state;
    const char *const names[] = {"data.suzhou.example", "localhost", "10.0.0.5"};
    for (int i = 0; i < 3; i++) {
        struct str cert, key;
        assert_int_equal(certificate_make(&mem, names[i], 397, &cert, &key, &e), OK);
        BIO *cb = BIO_new_mem_buf(cert.p, (int)cert.n), *kb = BIO_new_mem_buf(key.p, (int)key.n);
        X509 *x = PEM_read_bio_X509(cb, NULL, NULL, NULL);
        EVP_PKEY *k = PEM_read_bio_PrivateKey(kb, NULL, NULL, NULL);
        assert_non_null(x);
        assert_non_null(k);
        assert_int_equal(X509_check_private_key(x, k), 1);
        assert_int_equal(X509_verify(x, k), 1);
        assert_int_equal(
            i == 2 ? X509_check_ip_asc(x, names[i], 0) : X509_check_host(x, names[i], 0, 0, NULL), 1);
        assert_int_equal(X509_check_host(x, "localhost", 0, 0, NULL), 1);
        assert_int_equal(X509_check_ip_asc(x, "127.0.0.1", 0), 1);
        assert_int_equal(X509_check_ip_asc(x, "::1", 0), 1);
        assert_int_equal(X509_check_host(x, "elsewhere.example", 0, 0, NULL), 0);
        assert_true(X509_cmp_current_time(X509_get0_notBefore(x)) < 0 &&
                    X509_cmp_current_time(X509_get0_notAfter(x)) > 0);
        X509_free(x);
        EVP_PKEY_free(k);
        BIO_free(cb);
        BIO_free(kb);
    }
    struct str cert = S("untouched"), key;
    assert_int_equal(certificate_make(&mem, "a,DNS:bank.example", 30, &cert, &key, &e), ERR_field_value);
    assert_int_equal(certificate_make(&mem, "", 30, &cert, &key, &e), ERR_field_value);
    assert_int_equal(certificate_make(&mem, "localhost", 0, &cert, &key, &e), ERR_field_range);
    assert_true(str_eq(cert, S("untouched")));
}

static int setup(void **state) {
    (void)state;
    arena_init(&mem, 0);
    if (crypto_start(&e)) return -1;
    h = hasher_open();
    return h ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    hasher_close(h);
    arena_free(&mem);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_password),        cmocka_unit_test(test_password_bad_stored),
        cmocka_unit_test(test_seal_round_trip), cmocka_unit_test(test_seal_tampering),
        cmocka_unit_test(test_certificate),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
