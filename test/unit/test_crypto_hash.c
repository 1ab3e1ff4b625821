// SPDX-License-Identifier: MulanPSL-2.0
// Digests and MACs against published vectors, and the ways of feeding them against each other.
#include "crypto/hash.h"
#include "crypto/sm3_many.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

static struct hasher *h;

static void expect_hex(const uint8_t got[HASH_BYTES], const char *hex) {
    struct arena mem;
    arena_init(&mem, 0);
    const struct str s = str_hex(&mem, got, HASH_BYTES);
    assert_true(str_eq(s, str_of(hex)));
    arena_free(&mem);
}

static void test_sm3_vectors(void **state) { // GB/T 32905-2016 annex A
    (void)state;
    uint8_t out[HASH_BYTES];
    hash_one(h, HASH_SM3, S("abc"), out);
    expect_hex(out, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    hash_one(h, HASH_SM3, S("abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd"), out);
    expect_hex(out, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
}

// Side by side as one after the other: every length up to five blocks, lengths mixed, from one message to more than all
// lanes, by every width this processor has.
static void test_sm3_side_by_side(void **state) {
    (void)state;
    static char text[4096];
    static struct hash_message m[400];
    static uint8_t out[400][HASH_BYTES];
    uint8_t want[HASH_BYTES];
    struct arena mem;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 131 + i / 7);
    for (size_t i = 0; i < 400; i++)
        m[i] = (struct hash_message){{{text + i, i % 37}, {text + 2 * i, i < 330 ? i : i * 7}}};
    for (size_t n = 1; n <= 400; n = n < 40 ? n + 1 : n * 2 > 400 && n < 400 ? 400 : n * 2)
        for (int lanes = 0; lanes <= sm3_lanes(); lanes += 8) {
            arena_init(&mem, 0);
            const struct hash_message *from = m + (400 - n);
            memset(out, 0, sizeof out);
            assert_true(lanes ? sm3_many_by(lanes, &mem, from, n, out)
                              : hash_many(h, HASH_SM3, &mem, from, n, out));
            for (size_t i = 0; i < n; i++) {
                hash_parts(h, HASH_SM3, from[i].parts, 2, want);
                assert_memory_equal(out[i], want, HASH_BYTES);
            }
            arena_free(&mem);
        }
    arena_init(&mem, 1000); // no room for the padding
    if (sm3_lanes()) assert_false(hash_many(h, HASH_SM3, &mem, m, 400, out));
    arena_free(&mem);
    arena_init(&mem, 0);
    assert_true(hash_many(h, HASH_SHA256, &mem, m, 5, out));
    hash_parts(h, HASH_SHA256, m[4].parts, 2, want);
    assert_memory_equal(out[4], want, HASH_BYTES);
    arena_free(&mem);
}

static void test_sha256_vectors(void **state) { // FIPS 180-4
    (void)state;
    uint8_t out[HASH_BYTES];
    hash_one(h, HASH_SHA256, S("abc"), out);
    expect_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_one(h, HASH_SHA256, STR_NONE, out);
    expect_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_hmac_rfc4231(void **state) {
    (void)state;
    uint8_t out[HASH_BYTES];
    char key[131], data[50];
    memset(key, 0x0b, 20);
    hash_hmac(h, HASH_SHA256, (struct str){key, 20}, S("Hi There"), out);
    expect_hex(out, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    hash_hmac(h, HASH_SHA256, S("Jefe"), S("what do ya want for nothing?"), out);
    expect_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, 131);
    memset(data, 0xdd, 50);
    hash_hmac(h, HASH_SHA256, (struct str){key, 20}, (struct str){data, 50}, out);
    expect_hex(out, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    hash_hmac(h, HASH_SHA256, (struct str){key, 131},
              S("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    expect_hex(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// RFC 2104 written out over plain digests: an independent road to HMAC-SM3 (GB/T 15852.2), keys 0..64 bytes.
static void test_hmac_sm3_by_hand(void **state) {
    (void)state;
    const struct str message = S("姑苏城外寒山寺，夜半钟声到客船");
    for (size_t n = 0; n <= 64; n++) {
        uint8_t inner_pad[64], outer_pad[64], inner[HASH_BYTES], want[HASH_BYTES], got[HASH_BYTES];
        char key[64];
        for (size_t i = 0; i < 64; i++) {
            key[i] = (char)(i * 7 + n);
            const uint8_t b = i < n ? (uint8_t)key[i] : 0;
            inner_pad[i] = b ^ 0x36;
            outer_pad[i] = b ^ 0x5c;
        }
        hash_parts(h, HASH_SM3, (struct str[]){{(char *)inner_pad, 64}, message}, 2, inner);
        hash_parts(h, HASH_SM3, (struct str[]){{(char *)outer_pad, 64}, {(char *)inner, HASH_BYTES}}, 2,
                   want);
        hash_hmac(h, HASH_SM3, (struct str){n ? key : NULL, n}, message, got);
        assert_memory_equal(want, got, HASH_BYTES);
    }
}

// However a text is cut, whichever way it is fed, the digest is one; the streams do not disturb single
// hashes.
static void test_parts_and_streams_agree(void **state) {
    (void)state;
    char text[3000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 31 + 7);
    unsigned seed = 42;
    for (int round = 0; round < 400; round++) {
        const enum hash_kind k = round & 1 ? HASH_SM3 : HASH_SHA256;
        const size_t n = (size_t)(rand_r(&seed) % (int)sizeof text);
        struct str parts[16];
        size_t at = 0, count = 0;
        uint8_t one[HASH_BYTES], many[HASH_BYTES], stream[HASH_BYTES];
        while (at < n && count < 15) {
            const size_t piece = (size_t)(rand_r(&seed) % 700);
            parts[count] = (struct str){text + at, piece < n - at ? piece : n - at};
            at += parts[count++].n;
        }
        parts[count++] = (struct str){text + at, n - at};
        hash_begin(h, k);
        for (size_t i = 0; i < count; i++) {
            hash_add(h, parts[i]);
            hash_one(h, k, parts[i], one);
        }
        hash_end(h, stream);
        hash_one(h, k, (struct str){text, n}, one);
        hash_parts(h, k, parts, count, many);
        assert_memory_equal(one, many, HASH_BYTES);
        assert_memory_equal(one, stream, HASH_BYTES);
    }
    uint8_t one[HASH_BYTES], none[HASH_BYTES];
    hash_parts(h, HASH_SM3, NULL, 0, none);
    hash_one(h, HASH_SM3, STR_NONE, one);
    assert_memory_equal(one, none, HASH_BYTES);
}

static void test_broken_off_stream(void **state) { // an upload that stops half-way leaves nothing behind
    (void)state;
    uint8_t out[HASH_BYTES];
    hash_begin(h, HASH_SHA256);
    hash_add(h, S("half an upl"));
    hash_begin(h, HASH_SM3);
    hash_add(h, S("abc"));
    hash_end(h, out);
    expect_hex(out, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
}

static void test_random(void **state) {
    (void)state;
    uint8_t a[1000], b[1000];
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    assert_int_equal(crypto_random(a, sizeof a), OK);
    assert_int_equal(crypto_random(b, sizeof b), OK);
    assert_memory_not_equal(a, b, sizeof a);
    assert_int_equal(crypto_random(a, 0), OK);
    crypto_wipe(a, sizeof a);
    for (size_t i = 0; i < sizeof a; i++)
        assert_int_equal(a[i], 0);
}

static int setup(void **state) {
    (void)state;
    struct err e = {0};
    if (crypto_start(&e) || crypto_start(&e)) return -1; // a second start changes nothing
    h = hasher_open();
    return h ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    hasher_close(h);
    hasher_close(NULL);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sm3_vectors),       cmocka_unit_test(test_sm3_side_by_side),
        cmocka_unit_test(test_sha256_vectors),    cmocka_unit_test(test_hmac_rfc4231),
        cmocka_unit_test(test_hmac_sm3_by_hand),  cmocka_unit_test(test_parts_and_streams_agree),
        cmocka_unit_test(test_broken_off_stream), cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
