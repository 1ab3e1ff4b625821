// SPDX-License-Identifier: MulanPSL-2.0
// Keys, signed notes and checkpoints: round trips, the example of Go's note package, the openssl command as a
// foreign verifier of SM2, and notes that must be refused.
#include "crypto/sign.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct arena mem;
static struct err e;

// From the package comment of golang.org/x/mod/sumdb/note.
#define GO_VKEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define GO_BODY                                                                                              \
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
#define GO_LINE                                                                                              \
    "— PeterNeumann "                                                                                      \
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"

static struct sign_key *make(enum sign_kind kind) {
    struct sign_key *k = NULL;
    assert_int_equal(sign_make(kind, &k, &e), OK);
    assert_int_equal(sign_kind_of(k), kind);
    return k;
}

static void test_round_trip(void **state) {
    (void)state;
    for (int kind = SIGN_ED25519; kind <= SIGN_SM2; kind++) {
        struct sign_key *k = make((enum sign_kind)kind), *again = NULL, *pub = NULL,
                        *other = make((enum sign_kind)kind);
        struct str pem, pem2, sig;
        uint8_t raw[SIGN_PUBLIC_MAX];
        assert_int_equal(sign_pem(&mem, k, &pem, &e), OK);
        assert_true(str_starts(pem, S("-----BEGIN PRIVATE KEY-----")));
        assert_int_equal(sign_load(pem, &again, &e), OK);
        assert_int_equal(sign_kind_of(again), kind);
        assert_int_equal(sign_pem(&mem, again, &pem2, &e), OK);
        assert_true(str_eq(pem, pem2));
        const size_t n = sign_public_raw(again, raw);
        assert_int_equal(sign_from_public((enum sign_kind)kind, (struct str){(char *)raw, n}, &pub, &e), OK);
        assert_int_equal(sign_bytes(&mem, k, S("姑苏\n"), &sig, &e), OK);
        assert_true(sign_ok(again, S("姑苏\n"), sig) && sign_ok(pub, S("姑苏\n"), sig));
        assert_false(sign_ok(pub, S("姑苏"), sig));
        assert_false(sign_ok(other, S("姑苏\n"), sig));
        assert_false(sign_ok(pub, S("姑苏\n"), STR_NONE));
        assert_false(sign_ok(pub, S("姑苏\n"), (struct str){sig.p, sig.n - 1}));
        char *bent = str_z(&mem, sig);
        bent[sig.n / 2] = (char)(sig.p[sig.n / 2] ^ 1);
        assert_false(sign_ok(pub, S("姑苏\n"), (struct str){bent, sig.n}));
        assert_int_equal(sign_bytes(&mem, pub, S("x"), &sig, &e), ERR_crypto); // the public half cannot sign
        assert_int_equal(sign_pem(&mem, pub, &pem, &e), ERR_crypto);
        sign_close(k);
        sign_close(again);
        sign_close(pub);
        sign_close(other);
    }
    sign_close(NULL);
}

static void test_bad_keys(void **state) {
    (void)state;
    struct sign_key *k = NULL;
    const char *const pems[] = {
        "",
        "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
        // encrypted: must fail at once and not ask the terminal
        "-----BEGIN ENCRYPTED PRIVATE "
        "KEY-----\nMIGjMF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBB2nS3Vhf3l6m3u\n"
        "-----END ENCRYPTED PRIVATE KEY-----\n",
        // P-256 (RFC 9500 test key): a good key of a kind that we do not sign with
        "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIObLW92AqkWunJXowVR2Z5/+yVPBaFHnEedDk5WJxk/BoAoGCCqGSM49\n"
        "AwEHoUQDQgAEQiVI+I+3gv+"
        "17KN0RFLHKh5Vj71vc75eSOkyMsxFxbFsTNEMTLjV\nuKFxOelIgsiZJXKZNCX0FBmrfpCkKklCcg==\n"
        "-----END EC PRIVATE KEY-----\n",
    };
    for (size_t i = 0; i < sizeof pems / sizeof *pems; i++)
        assert_int_equal(sign_load(str_of(pems[i]), &k, &e), ERR_crypto);
    char *large = calloc(1, 70000);
    assert_int_equal(sign_load((struct str){large, 70000}, &k, &e), ERR_too_large);
    free(large);
    char point[65] = {4}; // (0, 0) is not on the curve
    assert_int_equal(sign_from_public(SIGN_SM2, (struct str){point, 65}, &k, &e), ERR_crypto);
    assert_int_equal(sign_from_public(SIGN_SM2, (struct str){point, 33}, &k, &e), ERR_crypto);
    assert_int_equal(sign_from_public(SIGN_ED25519, (struct str){point, 31}, &k, &e), ERR_crypto);
    assert_null(k);
}

// GB/T 32918.2 leaves the nonce random, so a foreign verifier stands in for a vector: the openssl command.
static void test_sm2_by_openssl_command(void **state) {
    (void)state;
    char dir[] = "test-sm2-XXXXXX";
    assert_non_null(mkdtemp(dir));
    struct sign_key *k = make(SIGN_SM2);
    struct str pub, sig;
    const struct str files[3] = {S("pub.pem"), S("sig.der"), S("msg.txt")};
    assert_int_equal(sign_public_pem(&mem, k, &pub, &e), OK);
    assert_int_equal(sign_bytes(&mem, k, S("origin\n1\nroot\n"), &sig, &e), OK);
    const struct str contents[3] = {pub, sig, S("origin\n1\nroot\n")};
    for (int i = 0; i < 3; i++) {
        const struct str path = str_print(&mem, "%s/%.*s", dir, STRF(files[i]));
        FILE *f = fopen(path.p, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(contents[i].p, 1, contents[i].n, f), contents[i].n);
        fclose(f);
    }
    const struct str good = str_print(&mem,
                                      "cd %s && openssl dgst -sm3 -verify pub.pem -signature sig.der "
                                      "-sigopt distid:1234567812345678 msg.txt >out.txt 2>&1",
                                      dir);
    const struct str bad = str_print(&mem,
                                     "cd %s && openssl dgst -sm3 -verify pub.pem -signature sig.der "
                                     "-sigopt distid:somebody@else msg.txt >out.txt 2>&1",
                                     dir);
    const struct str clean = str_print(&mem, "rm -r %s", dir);
    const int good_rc = system(good.p), bad_rc = system(bad.p);
    assert_int_equal(system(clean.p), 0);
    assert_int_equal(good_rc, 0);
    assert_int_not_equal(bad_rc, 0);
    sign_close(k);
}

static void test_go_example(void **state) {
    (void)state;
    struct str name, body;
    struct sign_key *k = NULL;
    assert_int_equal(note_read_vkey(&mem, S(GO_VKEY), &name, &k, &e), OK);
    assert_true(str_eq(name, S("PeterNeumann")));
    assert_true(str_eq(note_vkey(&mem, k, name), S(GO_VKEY)));
    assert_true(note_check(&mem, S(GO_BODY "\n" GO_LINE), k, name, &body));
    assert_true(str_eq(body, S(GO_BODY)));
    assert_false(note_check(&mem, S("X" GO_BODY "\n" GO_LINE), k, name, &body));
    assert_false(note_check(&mem, S(GO_BODY "\n" GO_LINE), k, S("PeterNeuman"), &body));
    // Foreign lines are ignored where they are well formed, before and after ours.
    assert_true(
        note_check(&mem, S(GO_BODY "\n— other AAAAAAA=\n" GO_LINE "— other AAAAAAA=\n"), k, name, &body));
    // A key's seed in PKCS#8, signing again, gives Go's own line: Ed25519 is deterministic.
    struct sign_key *priv = NULL;
    struct str note;
    const char pem[] =
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIIEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n"
        "-----END PRIVATE KEY-----\n";
    assert_int_equal(sign_load(str_of(pem), &priv, &e), OK);
    assert_int_equal(note_sign(&mem, S(GO_BODY), (const struct sign_key *const[]){priv}, &name, 1, &note, &e),
                     OK);
    assert_true(str_eq(note, S(GO_BODY "\n" GO_LINE)));
    sign_close(priv);
    sign_close(k);
}

static void test_note_of_two_keys(void **state) {
    (void)state;
    struct sign_key *ed = make(SIGN_ED25519), *sm = make(SIGN_SM2);
    const struct str names[2] = {S("suzhou.example/ledger"), S("suzhou.example/ledger-sm")};
    const struct sign_key *keys[2] = {ed, sm};
    struct str note, body, name;
    const struct str text = S("suzhou.example/ledger\n5\nroot=\nwith an empty line\n\ninside\n");
    assert_int_equal(note_sign(&mem, text, keys, names, 2, &note, &e), OK);
    for (int i = 0; i < 2; i++) {
        struct sign_key *pub = NULL;
        const struct str vkey = note_vkey(&mem, keys[i], names[i]);
        assert_int_equal(note_read_vkey(&mem, vkey, &name, &pub, &e), OK);
        assert_true(str_eq(name, names[i]));
        assert_true(note_check(&mem, note, pub, name, &body));
        assert_true(str_eq(body, text));
        assert_false(note_check(&mem, note, pub, names[1 - i], &body));
        sign_close(pub);
    }
    sign_close(ed);
    sign_close(sm);
}

// What the vkey of an SM2 key is made of, recomputed by hand from the words of sign.h.
static void test_sm2_vkey_layout(void **state) {
    (void)state;
    struct sign_key *k = make(SIGN_SM2);
    struct hasher *h = hasher_open();
    uint8_t raw[SIGN_PUBLIC_MAX], digest[HASH_BYTES];
    const size_t n = sign_public_raw(k, raw);
    assert_int_equal(n, 65);
    const struct str parts[] = {S("name"), S("\n"), S("\xff"), S("gusu-sm2-sm3"), {(char *)raw, n}};
    hash_parts(h, HASH_SHA256, parts, 5, digest);
    char typed[78] = "\xffgusu-sm2-sm3";
    memcpy(typed + 13, raw, n);
    const struct str hex = str_hex(&mem, digest, 4), b64 = str_base64(&mem, typed, sizeof typed);
    const struct str want = str_print(&mem, "name+%.*s+%.*s", STRF(hex), STRF(b64));
    assert_true(str_eq(note_vkey(&mem, k, S("name")), want));
    hasher_close(h);
    sign_close(k);
}

static void test_notes_refused(void **state) {
    (void)state;
    struct sign_key *k = NULL;
    struct str name, body = S("untouched"), note;
    assert_int_equal(note_read_vkey(&mem, S(GO_VKEY), &name, &k, &e), OK);
    const struct str bad[] = {
        S(""),
        S("\n"),
        S("\n\n"),
        S("\n" GO_LINE),
        S(GO_BODY GO_LINE),                                // no empty line
        S(GO_BODY "\n"),                                   // no signature
        S(GO_BODY "\n— PeterNeumann x08go/ZJ\n" GO_LINE),  // our id first with a bad signature: it decides
        S(GO_BODY "\n— PeterNeumann\n" GO_LINE),           // malformed foreign line
        S(GO_BODY "\n- PeterNeumann AAAAAAA=\n" GO_LINE),  // a hyphen is no dash
        S(GO_BODY "\n— a+b AAAAAAA=\n" GO_LINE),           // plus in a name
        S(GO_BODY "\n— a\xe3\x80\x80 AAAAAAA=\n" GO_LINE), // ideographic space in a name
        S(GO_BODY "\n— other AAAA=\n" GO_LINE),            // bad base64
        S(GO_BODY "\n— other AAAAAA==\n" GO_LINE),         // an id and no signature
        S(GO_BODY "\n" GO_LINE "\n"),                      // empty line at the end
        S("a\tb\n" GO_BODY "\n" GO_LINE),                  // control character
        S("\xff\n" GO_BODY "\n" GO_LINE),                  // not UTF-8
        {GO_BODY "\n" GO_LINE, sizeof(GO_BODY "\n" GO_LINE) - 2}, // last newline missing
        {GO_BODY "\n" GO_LINE, sizeof(GO_BODY "\n" GO_LINE) + 0}, // NUL at the end
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(note_check(&mem, bad[i], k, name, &body));
    struct buf many = buf_new(&mem, 4096, 1 << 20); // one signature more than the limit
    buf_puts(&many, GO_BODY "\n");
    for (int i = 0; i < NOTE_SIGNATURES_MAX - 1; i++)
        buf_puts(&many, "— other AAAAAAA=\n");
    buf_puts(&many, GO_LINE);
    assert_true(note_check(&mem, buf_str(&many), k, name, NULL));
    buf_puts(&many, "— other AAAAAAA=\n");
    assert_false(note_check(&mem, buf_str(&many), k, name, &body));
    assert_true(str_eq(body, S("untouched")));
    assert_int_equal(
        note_sign(&mem, S("no newline"), (const struct sign_key *const[]){k}, &name, 1, &note, &e),
        ERR_crypto);
    const char *const vkeys[] = {"",
                                 "PeterNeumann",
                                 "PeterNeumann+c74f20a3",
                                 "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                                 "PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                                 "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                                 "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T"};
    struct sign_key *none = NULL;
    for (size_t i = 0; i < sizeof vkeys / sizeof *vkeys; i++)
        assert_int_equal(note_read_vkey(&mem, str_of(vkeys[i]), &name, &none, &e), ERR_crypto);
    assert_null(none);
    assert_null(note_vkey(&mem, k, S("a b")).p);
    sign_close(k);
}

static void test_checkpoints(void **state) {
    (void)state;
    uint8_t root[HASH_BYTES], got[HASH_BYTES] = {0};
    for (int i = 0; i < HASH_BYTES; i++)
        root[i] = (uint8_t)i;
    struct str origin;
    uint64_t size = 0;
    const struct str body = checkpoint_body(&mem, S("suzhou.example/ledger"), 20852163, root);
    assert_true(
        str_eq(body, S("suzhou.example/ledger\n20852163\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")));
    assert_true(checkpoint_read(&mem, body, &origin, &size, got));
    assert_true(str_eq(origin, S("suzhou.example/ledger")));
    assert_int_equal(size, 20852163);
    assert_memory_equal(root, got, HASH_BYTES);
#define ROOT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert_true(checkpoint_read(&mem, S("o\n0\n" ROOT "\nextension\n"), &origin, &size, got));
    assert_true(checkpoint_read(&mem, S("o\n9223372036854775807\n" ROOT "\n"), &origin, &size, got));
    const char *const bad[] = {"",
                               "\n",
                               "o\n",
                               "o\n1\n",
                               "\n1\n" ROOT "\n",
                               "o\n01\n" ROOT "\n",
                               "o\n+1\n" ROOT "\n",
                               "o\n-1\n" ROOT "\n",
                               "o\n\n" ROOT "\n",
                               "o\n1 \n" ROOT "\n",
                               "o\n1\n" ROOT,
                               "o\n9223372036854775808\n" ROOT "\n",
                               "o\n1\nAAEC\n",
                               "o\n1\n" ROOT "\n\n",
                               "o\n1\n" ROOT "\nx\n\ny\n",
                               "o\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(checkpoint_read(&mem, str_of(bad[i]), &origin, &size, got));
}

static int setup(void **state) {
    (void)state;
    arena_init(&mem, 0);
    return crypto_start(&e);
}

static int teardown(void **state) {
    (void)state;
    arena_free(&mem);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_bad_keys),
        cmocka_unit_test(test_sm2_by_openssl_command),
        cmocka_unit_test(test_go_example),
        cmocka_unit_test(test_note_of_two_keys),
        cmocka_unit_test(test_sm2_vkey_layout),
        cmocka_unit_test(test_notes_refused),
        cmocka_unit_test(test_checkpoints),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
