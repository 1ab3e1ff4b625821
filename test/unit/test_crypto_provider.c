// SPDX-License-Identifier: MulanPSL-2.0
// Where private keys live: plain and sealed files, what happens to a changed one or a wrong passphrase, and a key
// whose private half is elsewhere, as it would be in a card. Then cosignatures: the example of the C2SP text, what a
// witness signs, what is refused.
#include "crypto/provider.h"
#include "base/file.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena mem;
static struct err e;
static char folder[64];
static struct hasher *hasher;
#define PASS S("correct horse battery")

static int setup(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/gusu-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    hasher = hasher_open();
    return hasher ? 0 : -1;
}

static int teardown(void **state) {
    char cmd[128];
    (void)state;
    hasher_close(hasher);
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", folder);
    return system(cmd);
}

static struct provider files(struct str passphrase) {
    return (struct provider){&provider_files, folder, passphrase, hasher};
}

static struct str text_of(const char *label) {
    char path[200];
    struct str text;
    snprintf(path, sizeof path, "%s/%s.pem", folder, label);
    assert_int_equal(file_read(&mem, path, 65536, &text, &e), OK);
    return text;
}

static void keys_in_files(void **state) {
    (void)state;
    struct provider p = files(STR_NONE);
    struct sign_key *k, *again;
    uint8_t a[SIGN_PUBLIC_MAX], b[SIGN_PUBLIC_MAX];
    assert_int_equal(p.ops->load(&p, &mem, "one", &k, &e), ERR_not_found);
    assert_false(p.ops->has(&p, "one"));
    assert_int_equal(p.ops->make(&p, &mem, "one", SIGN_SM2, &k, &e), OK);
    assert_true(p.ops->has(&p, "one"));
    assert_int_equal(p.ops->make(&p, &mem, "one", SIGN_SM2, &again, &e),
                     ERR_conflict); // none is ever replaced
    assert_int_equal(p.ops->load(&p, &mem, "one", &again, &e), OK);
    assert_int_equal(sign_public_raw(k, a), sign_public_raw(again, b));
    assert_memory_equal(a, b, sizeof a);
    assert_true(str_starts(text_of("one"), S("-----BEGIN PRIVATE KEY-----")));
    char path[200];
    struct stat st;
    snprintf(path, sizeof path, "%s/one.pem", folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(p.ops->relabel(&p, "one", "two", &e), OK);
    assert_false(p.ops->has(&p, "one"));
    assert_int_equal(p.ops->relabel(&p, "one", "two", &e), ERR_file);
    assert_int_equal(p.ops->destroy(&p, "two", &e), OK);
    assert_false(p.ops->has(&p, "two"));
    assert_int_equal(p.ops->destroy(&p, "two", &e), OK);
    sign_close(k);
    sign_close(again);
}

static void sealed_files(void **state) {
    (void)state;
    struct provider p = files(PASS), none = files(STR_NONE), wrong = files(S("correct horse batterx"));
    struct sign_key *k, *again;
    struct str sig;
    assert_int_equal(p.ops->make(&p, &mem, "s", SIGN_ED25519, &k, &e), OK);
    struct str sealed = text_of("s");
    assert_true(secret_is_sealed(sealed) && !str_has(sealed, S("PRIVATE KEY")));
    assert_int_equal(none.ops->load(&none, &mem, "s", &again, &e), ERR_passphrase);
    assert_int_equal(wrong.ops->load(&wrong, &mem, "s", &again, &e), ERR_passphrase);
    assert_int_equal(p.ops->load(&p, &mem, "s", &again, &e), OK);
    assert_int_equal(sign_bytes(&mem, again, S("x"), &sig, &e), OK);
    assert_true(sign_ok(k, S("x"), sig));
    sign_close(again);
    // Any line changed, none of them opens. A cost beyond the maximum is refused before it is paid.
    static const char *const from[] = {"argon2id m=65536,t=3", "argon2id m=65536,t=3", "argon2id m=65536,t=3",
                                       "v1"};
    static const char *const to[] = {"argon2id m=65536,t=2", "argon2id m=99999999,t=3", "argon2id m=,t=3",
                                     "v2"};
    char path[200];
    snprintf(path, sizeof path, "%s/s.pem", folder);
    for (size_t i = 0; i < 4; i++) {
        const char *at = memmem(sealed.p, sealed.n, from[i], strlen(from[i]));
        assert_non_null(at);
        struct str bent =
            str_print(&mem, "%.*s%s%.*s", (int)(at - sealed.p), sealed.p, to[i],
                      (int)(sealed.n - (size_t)(at - sealed.p) - strlen(from[i])), at + strlen(from[i]));
        assert_int_equal(file_write(path, bent, 0600, &e), OK);
        assert_int_not_equal(p.ops->load(&p, &mem, "s", &again, &e), OK);
    }
    char *flipped = str_z(&mem, sealed);
    flipped[sealed.n - 20] ^= 1;
    assert_int_equal(file_write(path, (struct str){flipped, sealed.n}, 0600, &e), OK);
    assert_int_equal(p.ops->load(&p, &mem, "s", &again, &e), ERR_passphrase);
    // A plain file still loads when a passphrase is there; too short a passphrase seals nothing.
    assert_int_equal(none.ops->make(&none, &mem, "plain", SIGN_ED25519, &again, &e), OK);
    sign_close(again);
    assert_int_equal(p.ops->load(&p, &mem, "plain", &again, &e), OK);
    sign_close(again);
    struct provider brief = files(S("elevenchars"));
    assert_int_equal(brief.ops->make(&brief, &mem, "b", SIGN_ED25519, &again, &e), ERR_field_range);
    assert_false(brief.ops->has(&brief, "b"));
    sign_close(k);
}

// A card: it holds the private half and signs; whoever holds the key sees the public half alone.
struct card {
    struct sign_key *inside;
    int asked, closed;
};
static int card_sign(void *arg, struct arena *m, struct str message, struct str *ret_sig, struct err *er) {
    struct card *c = arg;
    c->asked++;
    return sign_bytes(m, c->inside, message, ret_sig, er);
}
static void card_close(void *arg) {
    ((struct card *)arg)->closed++;
}

static void keys_in_a_card(void **state) {
    (void)state;
    for (int kind = SIGN_ED25519; kind <= SIGN_SM2; kind++) {
        struct card card = {0};
        struct sign_key *k;
        struct str note, pem;
        uint8_t raw[SIGN_PUBLIC_MAX];
        assert_int_equal(sign_make((enum sign_kind)kind, &card.inside, &e), OK);
        const size_t n = sign_public_raw(card.inside, raw);
        assert_int_equal(sign_from_remote((enum sign_kind)kind, (struct str){(char *)raw, n},
                                          (struct sign_remote){&card, card_sign, card_close}, &k, &e),
                         OK);
        const struct sign_key *keys[] = {k};
        const struct str names[] = {S("city.example/log")};
        assert_int_equal(note_sign(&mem, S("city.example/log\n0\n"), keys, names, 1, &note, &e), OK);
        assert_int_equal(card.asked, 1);
        assert_true(note_check(&mem, note, card.inside, names[0], NULL));
        assert_true(note_check(&mem, note, k, names[0], NULL));
        assert_int_equal(sign_pem(&mem, k, &pem, &e), ERR_crypto);
        sign_close(k);
        assert_int_equal(card.closed, 1);
        sign_close(card.inside);
    }
}

static void cosignatures(void **state) {
    (void)state;
    struct sign_key *k, *pub, *other;
    struct str line, name, got, vkey;
    int64_t time_s = 0;
    const struct str body =
        S("example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n");
    assert_int_equal(sign_make(SIGN_ED25519, &k, &e), OK);
    assert_int_equal(sign_make(SIGN_ED25519, &other, &e), OK);
    vkey = cosign_vkey(&mem, k, S("witness.example/w1"));
    assert_int_equal(cosign_read_vkey(&mem, vkey, &name, &pub, &e), OK);
    assert_true(str_eq(name, S("witness.example/w1")));
    sign_close(pub);
    // A witness's key is no log's key, nor the other way round.
    assert_int_equal(note_read_vkey(&mem, vkey, &name, &pub, &e), ERR_crypto);
    assert_int_equal(cosign_read_vkey(&mem, note_vkey(&mem, k, S("w")), &name, &pub, &e), ERR_crypto);
    assert_int_equal(cosign_line(&mem, body, k, S("witness.example/w1"), 0, &line, &e), ERR_crypto);
    assert_int_equal(cosign_line(&mem, body, k, S("witness.example/w1"), 1679315147, &line, &e), OK);
    assert_true(str_starts(line, S("— witness.example/w1 ")));
    assert_true(cosign_check(&mem, body, line, k, S("witness.example/w1"), &time_s, &got));
    assert_int_equal(time_s, 1679315147);
    assert_true(str_eq(got, line));
    assert_false(cosign_check(&mem, body, line, other, S("witness.example/w1"), NULL, NULL));
    assert_false(cosign_check(&mem, body, line, k, S("witness.example/w2"), NULL, NULL));
    assert_false(
        cosign_check(&mem, S("example.com/other\n1\n"), line, k, S("witness.example/w1"), NULL, NULL));
    // Among others, behind lines of unknown keys; not after text that is no signature line.
    struct str more;
    assert_int_equal(cosign_line(&mem, body, other, S("witness.example/w2"), 5, &more, &e), OK);
    struct str both = str_print(&mem, "%.*s%.*s", STRF(more), STRF(line));
    assert_true(cosign_check(&mem, body, both, k, S("witness.example/w1"), NULL, &got));
    assert_true(str_eq(got, line));
    assert_false(cosign_check(&mem, body, str_print(&mem, "hello\n%.*s", STRF(line)), k,
                              S("witness.example/w1"), NULL, NULL));
    assert_false(
        cosign_check(&mem, body, (struct str){line.p, line.n - 1}, k, S("witness.example/w1"), NULL, NULL));
    assert_false(cosign_check(&mem, body, S(""), k, S("witness.example/w1"), NULL, NULL));
    // The time is signed: moved by a second it is worth nothing.
    struct str raw;
    struct str b64 = {line.p + sizeof "— witness.example/w1 " - 1, line.n - sizeof "— witness.example/w1 "};
    assert_true(str_unbase64(&mem, b64, false, &raw));
    ((char *)(uintptr_t)raw.p)[11] ^= 1;
    struct str moved = str_base64(&mem, raw.p, raw.n);
    moved = str_print(&mem, "— witness.example/w1 %.*s\n", STRF(moved));
    assert_false(cosign_check(&mem, body, moved, k, S("witness.example/w1"), NULL, NULL));
    sign_close(k);
    sign_close(other);
}

// Signed, forged, a stranger's.
static void three_answers(void **state) {
    (void)state;
    struct sign_key *k, *other;
    struct str note, body, line;
    assert_int_equal(sign_make(SIGN_ED25519, &k, &e), OK);
    assert_int_equal(sign_make(SIGN_ED25519, &other, &e), OK);
    const struct sign_key *keys[] = {k};
    const struct str names[] = {S("a.example/log")};
    assert_int_equal(note_sign(&mem, S("a.example/log\n0\nx\n"), keys, names, 1, &note, &e), OK);
    assert_int_equal(note_look(&mem, note, k, names[0], &body, &line), NOTE_SIGNED);
    assert_true(str_eq(body, S("a.example/log\n0\nx\n")) && str_ends(note, line));
    assert_int_equal(note_look(&mem, note, other, names[0], NULL, NULL), NOTE_UNSIGNED);
    char *bent = str_z(&mem, note);
    bent[14] = '1'; // the body says another size under the same line
    assert_int_equal(note_look(&mem, (struct str){bent, note.n}, k, names[0], NULL, NULL), NOTE_FORGED);
    assert_true(note_split(note, &body));
    assert_false(note_split(S("a\n\n"), &body));
    assert_false(note_split(S("a\n"), &body));
    sign_close(k);
    sign_close(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_in_files, setup, teardown),
        cmocka_unit_test_setup_teardown(sealed_files, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_in_a_card, setup, teardown),
        cmocka_unit_test_setup_teardown(cosignatures, setup, teardown),
        cmocka_unit_test_setup_teardown(three_answers, setup, teardown),
    };
    arena_init(&mem, 0);
    if (crypto_start(&e) != OK) return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&mem);
    return failed;
}
