// SPDX-License-Identifier: MulanPSL-2.0
// The XML reader: events whatever the pieces, and every known way to hurt a parser refused with a clear error.
#include "xml/xml.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

static struct arena mem;

struct trace {
    struct buf out;
    int stop_at; // the handler's own stop after this many opens; 0 = never
    int opens;
};

static int on_open(void *arg, struct str name, const char *const *attributes) {
    struct trace *t = arg;
    const struct str id = xml_attribute(attributes, "id");
    buf_print(&t->out, "<%.*s", STRF(name));
    if (id.p) buf_print(&t->out, " %.*s", STRF(id));
    buf_char(&t->out, '>');
    return ++t->opens == t->stop_at ? ERR_busy : OK;
}

static int on_close(void *arg, struct str name) {
    struct trace *t = arg;
    buf_print(&t->out, "</%.*s>", STRF(name));
    return OK;
}

static int on_text(void *arg, struct str piece) {
    struct trace *t = arg;
    buf_put(&t->out, piece);
    return OK;
}

static const struct xml_handler HANDLER = {on_open, on_close, on_text};

// Feeds text in pieces of `step` bytes; gives the code and what was heard.
static int run(struct str text, size_t step, int stop_at, struct str *ret, struct err *e) {
    struct trace t = {.out = buf_new(&mem, 256, 64 << 20), .stop_at = stop_at};
    struct xml *x = NULL;
    int rc = xml_open(&HANDLER, &t, &x, e);
    assert_int_equal(rc, OK);
    for (size_t at = 0; rc == OK && at < text.n; at += step) {
        const size_t n = text.n - at < step ? text.n - at : step;
        rc = xml_feed(x, (struct str){text.p + at, n}, at + n == text.n, e);
    }
    if (text.n == 0) rc = xml_feed(x, STR_NONE, true, e);
    // Once stopped, it stays stopped and no handler hears more.
    const size_t heard = t.out.n;
    if (rc) assert_int_equal(xml_feed(x, S("<more/>"), true, e), rc);
    assert_int_equal(t.out.n, heard);
    xml_close(x);
    *ret = buf_str(&t.out);
    return rc;
}

static void test_events_in_any_pieces(void **state) {
    (void)state;
    const struct str text =
        S("<?xml version=\"1.0\"?><!-- c --><a xmlns:x=\"urn:x\"><x:b r:id='1' xmlns:r='urn:r'>"
          "苏州 &amp; &#x6E56;<![CDATA[<raw>]]></x:b><c/>t</a>");
    for (size_t step = 1; step <= text.n; step++) {
        struct err e = {0};
        struct str heard;
        assert_int_equal(run(text, step, 0, &heard, &e), OK);
        assert_true(str_eq(heard, S("<a><b 1>苏州 & 湖<raw></b><c></c>t</a>")));
    }
    struct err e = {0};
    struct str heard; // UTF-16 with a byte order mark, as some writers send it
    assert_int_equal(run((struct str){"\xff\xfe<\0a\0>\0\xcf\x82\x2f\0/\0a\0>\0", 18}, 3, 0, &heard, &e),
                     ERR_xml_syntax);
    assert_int_equal(run((struct str){"\xff\xfe<\0a\0>\0\xcf\x82<\0/\0a\0>\0", 18}, 3, 0, &heard, &e), OK);
    assert_true(str_eq(heard, S("<a>苏</a>")));
}

static void test_handler_stops(void **state) {
    (void)state;
    struct err e = {0};
    struct str heard;
    assert_int_equal(run(S("<a><b><c/></b></a>"), 100, 2, &heard, &e), ERR_busy);
    assert_true(str_eq(heard, S("<a><b>")));
}

static void test_bad_xml(void **state) {
    (void)state;
    const char *const bad[] = {"",
                               " ",
                               "text",
                               "<a>",
                               "<a></b>",
                               "<a/><b/>",
                               "<a b=1/>",
                               "<a b='1' b='2'/>",
                               "<a>&nbsp;</a>",
                               "<a>\x01</a>",
                               "<a>\xff\xfe</a>",
                               "<a>]]></a>",
                               "<?xml version='1.0' encoding='EBCDIC'?><a/>"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (size_t step = 1; step < 40; step += 13) {
            struct err e = {0};
            struct str heard;
            assert_int_equal(run(str_of(bad[i]), step, 0, &heard, &e), ERR_xml_syntax);
            assert_int_equal(e.code, ERR_xml_syntax);
            assert_true(e.row >= 1);
        }
}

static void test_no_dtd(void **state) {
    (void)state;
    const char *const bad[] = {
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
        "<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://127.0.0.1/x'> %p;]><a/>",
        "<!DOCTYPE lolz [<!ENTITY l 'lol'><!ENTITY m '&l;&l;&l;&l;&l;&l;&l;&l;&l;&l;'>]><lolz>&m;</lolz>",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        struct str heard;
        assert_int_equal(run(str_of(bad[i]), 7, 0, &heard, &e), ERR_xml_dtd);
        assert_int_equal(heard.n, 0);
    }
}

static void test_depth(void **state) {
    (void)state;
    for (int depth = XML_DEPTH_MAX; depth <= XML_DEPTH_MAX + 1; depth++) {
        struct err e = {0};
        struct str heard;
        struct buf b = buf_new(&mem, 4096, 1 << 20);
        for (int i = 0; i < depth; i++)
            buf_puts(&b, "<a>");
        for (int i = 0; i < depth; i++)
            buf_puts(&b, "</a>");
        assert_int_equal(run(buf_str(&b), 100, 0, &heard, &e), depth <= XML_DEPTH_MAX ? OK : ERR_too_large);
    }
}

// One endless tag, comment, instruction or attribute: stopped near the limit, not at the end of the input.
static void test_token_size(void **state) {
    (void)state;
    const char *const starts[] = {"<a b='", "<a><!--", "<a><?x ", "<"};
    char *piece = malloc(8192);
    memset(piece, 'x', 8192);
    for (int i = 0; i < 4; i++) {
        struct err e = {0};
        struct trace t = {.out = buf_new(&mem, 256, 64 << 20)};
        struct xml *x = NULL;
        size_t fed = 0;
        assert_int_equal(xml_open(&HANDLER, &t, &x, &e), OK);
        int rc = xml_feed(x, str_of(starts[i]), false, &e);
        for (; rc == OK && fed < 16 * XML_TOKEN_MAX; fed += 8192)
            rc = xml_feed(x, (struct str){piece, 8192}, false, &e);
        assert_int_equal(rc, ERR_too_large);
        assert_string_equal(e.field, "token");
        assert_true(fed <= XML_TOKEN_MAX + 2 * 65536);
        xml_close(x);
    }
    // Text is no token: it passes in any amount.
    struct err e = {0};
    struct trace t = {.out = buf_new(&mem, 256, 64 << 20)};
    struct xml *x = NULL;
    assert_int_equal(xml_open(&HANDLER, &t, &x, &e), OK);
    assert_int_equal(xml_feed(x, S("<a>"), false, &e), OK);
    for (size_t fed = 0; fed < 8 * XML_TOKEN_MAX; fed += 8192)
        assert_int_equal(xml_feed(x, (struct str){piece, 8192}, false, &e), OK);
    assert_int_equal(xml_feed(x, S("</a>"), true, &e), OK);
    assert_int_equal(t.out.n, 8 * XML_TOKEN_MAX + 7);
    xml_close(x);
    xml_close(NULL);
    free(piece);
}

static int setup(void **state) {
    (void)state;
    arena_init(&mem, 0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_free(&mem);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_in_any_pieces),
        cmocka_unit_test(test_handler_stops),
        cmocka_unit_test(test_bad_xml),
        cmocka_unit_test(test_no_dtd),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_token_size),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
