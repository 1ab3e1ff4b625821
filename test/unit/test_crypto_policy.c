// SPDX-License-Identifier: MulanPSL-2.0
// Witness policies: the example of the C2SP text, what each line may and may not say, which sets of witnesses are
// enough, and the limits (32 witnesses, 32 groups, 256 logs).
#include "crypto/policy.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static struct arena mem;
static struct err e;

// A fresh key's vkey under a name.
static struct str vkey(const char *name, bool is_witness) {
    struct sign_key *k;
    assert_int_equal(sign_make(SIGN_ED25519, &k, &e), OK);
    struct str v = is_witness ? cosign_vkey(&mem, k, str_of(name)) : note_vkey(&mem, k, str_of(name));
    sign_close(k);
    assert_non_null(v.p);
    return v;
}

static struct str witness(const char *name) {
    struct str v = vkey(name, true);
    return str_print(&mem, "witness %s %.*s\n", name, STRF(v));
}

static int read_text(struct str text, struct policy **ret) {
    e = (struct err){0};
    return policy_read(&mem, text, true, ret, &e);
}

static void refused(const char *before, const char *line, int64_t row) {
    struct policy *p = NULL;
    struct str text = str_print(&mem, "%s%s\n", before, line);
    if (read_text(text, &p) != ERR_policy) fprintf(stderr, "accepted: %s\n", line);
    assert_null(p);
    assert_int_equal(e.code, ERR_policy);
    if (row) assert_int_equal(e.row, row);
}

static void the_example(void **state) {
    (void)state;
    struct str log = vkey("city.example/log", false);
    struct str w[6];
    static const char *const names[] = {"X1", "X2", "X3", "Y1", "Y2", "Y3"};
    for (int i = 0; i < 6; i++)
        w[i] = witness(names[i]);
    struct str text =
        str_print(&mem,
                  "log %.*s\n\n  # a comment\n%.*s%.*s%.*sgroup X-witnesses 2 X1 X2 X3\n"
                  "%.*s%.*s%.*sgroup Y-witnesses any Y1 Y2 Y3\n\t group  X-and-Y \tall X-witnesses "
                  "Y-witnesses \nquorum X-and-Y",
                  STRF(log), STRF(w[0]), STRF(w[1]), STRF(w[2]), STRF(w[3]), STRF(w[4]), STRF(w[5]));
    struct policy *p;
    assert_int_equal(read_text(text, &p), OK);
    assert_int_equal(p->logs_n, 1);
    assert_int_equal(p->witnesses_n, 6);
    assert_int_equal(p->groups_n, 3);
    for (uint64_t set = 0; set < 64; set++) {
        const bool want = __builtin_popcountll(set & 7) >= 2 && (set & 0x38);
        assert_true(policy_holds(p, set) == want);
    }
    assert_false(policy_holds(p, ~(uint64_t)63)); // bits beyond the witnesses are nobody
    policy_close(p);
}

static void what_a_line_may_say(void **state) {
    (void)state;
    struct policy *p;
    struct str a = witness("A"), b = witness("B"), v = vkey("w", true), l = vkey("log.example", false);
    const char *two = str_z(&mem, str_print(&mem, "%.*s%.*s", STRF(a), STRF(b)));
    assert_int_equal(read_text(S("quorum none\n"), &p), OK);
    assert_true(policy_holds(p, 0));
    policy_close(p);
    assert_int_equal(read_text(str_print(&mem, "%squorum B", two), &p), OK);
    assert_true(policy_holds(p, 2) && !policy_holds(p, 1));
    policy_close(p);
    assert_int_equal(
        policy_read(&mem, str_print(&mem, "log %.*s https://log.example/\n", STRF(l)), false, &p, &e), OK);
    policy_close(p);
    refused("", "", 0); // no quorum
    refused(two, "quorum C", 3);
    refused(two, "quorum", 3);
    refused(two, "quorum A B", 3);
    refused("quorum none\n", "quorum none", 2);
    refused(two, "group g 0 A B", 3);
    refused(two, "group g 3 A B", 3);
    refused(two, "group g 01 A B", 3);
    refused(two, "group g -1 A B", 3);
    refused(two, "group g some A B", 3);
    refused(two, "group g any", 3);
    refused(two, "group g any A A", 3);
    refused(two, "group g any g", 3);
    refused(two, "group g any later", 3);
    refused(two, "group g any none", 3);
    refused(two, "group none any A", 3);
    refused(two, "group A any B", 3);
    refused(two, "group g any A\ngroup h any A", 4); // each counts in one place
    refused("", str_z(&mem, str_print(&mem, "witness none %.*s", STRF(v))), 1);
    refused("", str_z(&mem, str_print(&mem, "witness w %.*s ftp://x/", STRF(v))), 1);
    refused("", str_z(&mem, str_print(&mem, "witness w %.*s http://x/ more", STRF(v))), 1);
    refused("", str_z(&mem, str_print(&mem, "witness w %.*s\nwitness x %.*s", STRF(v), STRF(v))), 2);
    refused("", str_z(&mem, str_print(&mem, "witness w %.*s", STRF(l))), 1); // a log's key is no witness's
    refused("", str_z(&mem, str_print(&mem, "log %.*s", STRF(v))), 1);
    refused("", str_z(&mem, str_print(&mem, "log %.*s\nlog %.*s", STRF(l), STRF(l))), 2);
    refused("", "witness w", 1);
    refused("", "log", 1);
    refused("", "trust everybody", 1);
    refused("", "quorum none\r", 0);
}

static void limits(void **state) {
    (void)state;
    struct policy *p;
    for (int most = POLICY_WITNESSES_MAX; most <= POLICY_WITNESSES_MAX + 1; most++) {
        struct buf b = buf_new(&mem, 4096, 1 << 20);
        for (int i = 0; i < most; i++)
            buf_put(&b, witness(str_z(&mem, str_print(&mem, "w%d", i))));
        buf_puts(&b, "quorum w31\n");
        assert_int_equal(read_text(buf_str(&b), &p), most > POLICY_WITNESSES_MAX ? ERR_policy : OK);
        if (most > POLICY_WITNESSES_MAX) continue;
        assert_true(policy_holds(p, (uint64_t)1 << 31));
        policy_close(p);
        // A chain of 32 groups, each of one witness and the group before it.
        for (int groups = POLICY_GROUPS_MAX; groups <= POLICY_GROUPS_MAX + 1; groups++) {
            struct buf g = buf_new(&mem, 4096, 1 << 20);
            for (int i = 0; i < most; i++)
                buf_put(&g, witness(str_z(&mem, str_print(&mem, "w%d", i))));
            for (int i = 0; i < groups; i++)
                buf_print(&g, i ? "group g%d all w%d g%d\n" : "group g%d all w%d\n", i, i % most, i - 1);
            buf_puts(&g, "quorum g31\n");
            int code = read_text(buf_str(&g), &p);
            assert_int_equal(code, groups > POLICY_GROUPS_MAX ? ERR_policy : OK);
            if (code != OK) continue;
            assert_true(policy_holds(p, 0xffffffffu));
            assert_false(policy_holds(p, 0xffffffffu & ~8u));
            policy_close(p);
        }
    }
    struct buf many = buf_new(&mem, 4096, 1 << 20);
    for (int i = 0; i < POLICY_LOGS_MAX + 1; i++)
        buf_print(&many, "log %.*s\n", STRF(vkey("log.example", false)));
    buf_puts(&many, "quorum none\n");
    assert_int_equal(read_text(buf_str(&many), &p), ERR_policy);
    assert_int_equal(e.row, POLICY_LOGS_MAX + 1);
    char *big = arena_take(&mem, POLICY_BYTES_MAX + 1);
    memset(big, '\n', POLICY_BYTES_MAX + 1);
    assert_int_equal(read_text((struct str){big, POLICY_BYTES_MAX + 1}, &p), ERR_too_large);
    assert_int_equal(read_text((struct str){big, POLICY_BYTES_MAX}, &p), ERR_policy); // too many lines
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example),
        cmocka_unit_test(what_a_line_may_say),
        cmocka_unit_test(limits),
    };
    arena_init(&mem, 0);
    if (crypto_start(&e) != OK) return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&mem);
    return failed;
}
