// SPDX-License-Identifier: MulanPSL-2.0
// CSV and encodings, on the shapes that offices send: BOM, GBK, Latin-1 with ';', line breaks inside quotes.
#include "base/csv.h"
#include "cmocka_all.h"

static struct arena mem;

static int up(void **state) {
    (void)state;
    arena_init(&mem, 0);
    return 0;
}

static int down(void **state) {
    (void)state;
    arena_free(&mem);
    return 0;
}

// All records of a text, written as "a|b/c|d" for short comparison, or the error's name and row.
static struct str grid(struct str text, char sep) {
    struct csv_reader r = csv_open(text, sep);
    struct buf out = buf_new(&mem, 0, 1 << 20);
    struct str *cells;
    size_t n;
    struct err e = {0};
    while (csv_next(&r, &mem, &cells, &n, &e)) {
        if (r.record > 1) buf_char(&out, '/');
        for (size_t i = 0; i < n; i++) {
            if (i) buf_char(&out, '|');
            buf_put(&out, cells[i]);
        }
    }
    if (e.code) buf_print(&out, "!%s@%d", err_info(e.code)->name, (int)e.row);
    return out.n ? buf_str(&out) : S("");
}

static void records_are_read_as_spreadsheets_write_them(void **state) {
    (void)state;
    static const struct {
        struct str text;
        char sep;
        struct str want;
    } rows[] = {
        {S_INIT(""), ',', S_INIT("")},
        {S_INIT("\r\n\n"), ',', S_INIT("")},
        {S_INIT("a,b\nc,d\n"), ',', S_INIT("a|b/c|d")},
        {S_INIT("a,b\r\nc,d"), ',', S_INIT("a|b/c|d")},
        {S_INIT("a,b\rc,d\r"), ',', S_INIT("a|b/c|d")},
        {S_INIT("a,b\n\n\r\nc,d\n\n"), ',', S_INIT("a|b/c|d")},
        {S_INIT(",\n,,"), ',', S_INIT("|/||")},
        {S_INIT("\"\"\n\"a\""), ',', S_INIT("/a")},
        {S_INIT("\"a,b\",\"c\"\"d\"\"\",\"\"\"\""), ',', S_INIT("a,b|c\"d\"|\"")},
        {S_INIT("\"two\nlines\",x\r\ny,z"), ',', S_INIT("two\nlines|x/y|z")},
        {S_INIT("a;b,c;d"), ';', S_INIT("a|b,c|d")},
        {S_INIT("\"a\"tail,b\"c\"d, \"e\""), ',', S_INIT("atail|b\"c\"d| \"e\"")},
        {S_INIT("a,\"b\nc\nd"), ',', S_INIT("!csv-quote@1")},
        {S_INIT("x\n\"p\nq\"\ny,\"z"), ',', S_INIT("x/p\nq!csv-quote@4")},
        {S_INIT("\"p\r\nq\rr\"\n\"z"), ',', S_INIT("p\r\nq\rr!csv-quote@4")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str got = grid(rows[i].text, rows[i].sep);
        if (!str_eq(got, rows[i].want)) fail_msg("%.*s -> %.*s", STRF(rows[i].text), STRF(got));
    }
}

static void the_reader_counts_lines_and_records(void **state) {
    (void)state;
    struct csv_reader r = csv_open(S("h\n\n\"a\nb\"\nc\n"), ',');
    struct str *cells;
    size_t n;
    int64_t lines[4] = {0};
    while (csv_next(&r, &mem, &cells, &n, NULL))
        lines[r.record] = r.line;
    assert_int_equal(r.record, 3);
    assert_true(lines[1] == 1 && lines[2] == 3 && lines[3] == 5);
}

static void limits_hold_on_both_sides(void **state) {
    (void)state;
    struct buf b = buf_new(&mem, 0, 8 << 20);
    for (int i = 1; i < CSV_COLUMNS_MAX; i++)
        buf_char(&b, ',');
    struct str got = grid(buf_str(&b), ',');
    assert_int_equal(got.n, CSV_COLUMNS_MAX - 1);
    buf_char(&b, ',');
    assert_true(str_eq(grid(buf_str(&b), ','), S("!csv-columns@1")));
    struct csv_reader r;
    struct str *cells;
    size_t n;
    struct err e = {0};
    for (int quoted = 0; quoted < 2; quoted++) {
        for (size_t over = 0; over < 2; over++) {
            struct buf cell = buf_new(&mem, 0, 8 << 20);
            if (quoted) buf_char(&cell, '"');
            for (size_t i = 0; i < CSV_CELL_MAX + over; i++)
                buf_char(&cell, 'x');
            if (quoted) buf_char(&cell, '"');
            r = csv_open(buf_str(&cell), ',');
            assert_int_equal(csv_next(&r, &mem, &cells, &n, &e), over == 0);
            assert_int_equal(e.code, over ? ERR_too_large : OK);
        }
    }
}

static void the_separator_is_found(void **state) {
    (void)state;
    static const struct {
        struct str text;
        char sep;
    } rows[] = {
        {S_INIT(""), ','},
        {S_INIT("alone\n1\n"), ','},
        {S_INIT("a,b\n1,2\n"), ','},
        {S_INIT("a;b\n1,5;2,5\n"), ';'},
        {S_INIT("a\tb\n1\t2\n"), '\t'},
        {S_INIT("a|b\n1|2\n"), '|'},
        {S_INIT("Name, given;Born\nWang;1990\n"), ';'},
        {S_INIT("\"a;b;c\",d\n\"e;f;g\",h\n"), ','},
        // The bicycle counts of Montréal: rows lack the last, empty column.
        {S_INIT("Date;Berri 1;du Parc;St-Urbain\n01/01/2012;35;26;\n16/01/2012;168;137\n"), ';'},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (csv_sep_guess(rows[i].text) != rows[i].sep) fail_msg("%.*s", STRF(rows[i].text));
}

static void encodings_are_found_and_read(void **state) {
    (void)state;
    static const struct {
        struct str bytes;
        enum text_encoding enc;
        struct str text;
    } rows[] = {
        {S_INIT(""), ENC_UTF8, S_INIT("")},
        {S_INIT("plain ASCII"), ENC_UTF8, S_INIT("plain ASCII")},
        {S_INIT("\xEF\xBB\xBF姓名"), ENC_UTF8, S_INIT("姓名")},
        {S_INIT("姓名,苏州"), ENC_UTF8, S_INIT("姓名,苏州")},
        {S_INIT("\xFF\xFE\xD3\x59\r\0\n\0\x3C\xD8\xEF\xDF"), ENC_UTF16LE, S_INIT("姓\r\n\U0001F3EF")},
        {S_INIT("\xFE\xFF\x59\xD3\0a"), ENC_UTF16BE, S_INIT("姓a")},
        // 姓名,张三,苏州 in GBK
        {S_INIT("\xD0\xD5\xC3\xFB,\xD5\xC5\xC8\xFD,\xCB\xD5\xD6\xDD\r\n"), ENC_GB18030,
         S_INIT("姓名,张三,苏州\r\n")},
        // A座,朱镕基 (镕 is outside GB2312), and a four-byte character of GB18030
        {S_INIT("A\xD7\xF9,\xD6\xEC\xE9\x46\xBB\xF9"), ENC_GB18030, S_INIT("A座,朱镕基")},
        {S_INIT("\xD6\xD0\x82\x30\x87\x37\xB9\xFA"), ENC_GB18030, S_INIT("中㓦国")},
        {S_INIT("Br\xE9"
                "beuf;C\xF4te;donn\xE9"
                "es"),
         ENC_LATIN1, S_INIT("Brébeuf;Côte;données")},
        {S_INIT("cr\xE9\xE9"
                "e, na\xEFve"),
         ENC_LATIN1, S_INIT("créée, naïve")},
        {S_INIT("M\xFCller;Stra\xDF"
                "e;\x80 5"),
         ENC_LATIN1, S_INIT("Müller;Straße;€ 5")},
        {S_INIT("20 \xB0"
                "C, m\xB2"),
         ENC_LATIN1, S_INIT("20 °C, m²")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum text_encoding enc = text_encoding_guess(rows[i].bytes);
        struct str text = STR_NONE;
        struct err e = {0};
        if (enc != rows[i].enc) fail_msg("row %d: guessed %s", (int)i, text_encoding_name(enc));
        int code = text_decode(&mem, rows[i].bytes, enc, &text, &e);
        if (code || !str_eq(text, rows[i].text))
            fail_msg("row %d: %s %s %.*s", (int)i, err_info(e.code)->name, e.arg, STRF(text));
    }
    // A sample that cuts the last character is still UTF-8, or GBK.
    for (size_t n = 1; n <= 6; n++)
        assert_int_equal(text_encoding_guess((struct str){"苏州", n}), ENC_UTF8);
    for (size_t n = 3; n <= 8; n++)
        assert_int_equal(text_encoding_guess((struct str){"\xD0\xD5\xC3\xFB\xD5\xC5\xC8\xFD", n}),
                         ENC_GB18030);
}

static void damaged_bytes_are_named_and_not_replaced(void **state) {
    (void)state;
    static const struct {
        struct str bytes;
        enum text_encoding enc;
        const char *at;
    } rows[] = {
        {S_INIT("ab\xFF"), ENC_UTF8, "3"},
        {S_INIT("\xEF\xBB\xBF"
                "ab\xFF"),
         ENC_UTF8, "6"},
        {S_INIT("a\0b"), ENC_UTF8, "2"},
        {S_INIT("a\0b"), ENC_LATIN1, "2"},
        {S_INIT("\xD0\xD5\xFF\xFF"), ENC_GB18030, "3"},
        {S_INIT("\xD0\xD5\xD0"), ENC_GB18030, "3"},
        {S_INIT("a\0\x00\xD8"
                "b\0"),
         ENC_UTF16LE, "3"},
        {S_INIT("\xFF\xFE"
                "a\0b"),
         ENC_UTF16LE, "5"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str text = STR_NONE;
        struct err e = {0};
        int code = text_decode(&mem, rows[i].bytes, rows[i].enc, &text, &e);
        if (code != ERR_encoding || strcmp(e.arg, rows[i].at) != 0 || text.p)
            fail_msg("row %d: %d %s", (int)i, code, e.arg);
    }
}

static void long_text_is_converted_whole(void **state) {
    (void)state;
    struct buf gbk = buf_new(&mem, 0, 1 << 20);
    for (int i = 0; i < 30000; i++) // odd lengths put every chunk border inside a pair once
        buf_puts(&gbk, i % 7 ? "\xCB\xD5" : "x");
    struct str text = STR_NONE;
    assert_int_equal(text_decode(&mem, buf_str(&gbk), ENC_GB18030, &text, NULL), OK);
    assert_int_equal(str_utf8_count(text), 30000);
    assert_true(str_utf8_ok(text));
}

static struct str put(struct str cell, bool defuse) {
    struct buf out = buf_new(&mem, 0, 1000);
    csv_put(&out, cell, ',', defuse);
    return out.n ? buf_str(&out) : S("");
}

static void formulas_are_defused_and_numbers_are_not(void **state) {
    (void)state;
    static const struct {
        struct str cell, plain, defused;
    } rows[] = {
        {S_INIT(""), S_INIT(""), S_INIT("")},
        {S_INIT("苏州"), S_INIT("苏州"), S_INIT("苏州")},
        {S_INIT("a,b"), S_INIT("\"a,b\""), S_INIT("\"a,b\"")},
        {S_INIT("a\"b"), S_INIT("\"a\"\"b\""), S_INIT("\"a\"\"b\"")},
        {S_INIT("a\nb"), S_INIT("\"a\nb\""), S_INIT("\"a\nb\"")},
        {S_INIT("=1+1"), S_INIT("=1+1"), S_INIT("'=1+1")},
        {S_INIT("=A1,\"x\""), S_INIT("\"=A1,\"\"x\"\"\""), S_INIT("\"'=A1,\"\"x\"\"\"")},
        {S_INIT("@SUM(A1)"), S_INIT("@SUM(A1)"), S_INIT("'@SUM(A1)")},
        {S_INIT("\t=1"), S_INIT("\t=1"), S_INIT("'\t=1")},
        {S_INIT("\r=1"), S_INIT("\"\r=1\""), S_INIT("\"'\r=1\"")},
        {S_INIT("＝1"), S_INIT("＝1"), S_INIT("'＝1")},
        {S_INIT("-5"), S_INIT("-5"), S_INIT("-5")},
        {S_INIT("+3.5e-2"), S_INIT("+3.5e-2"), S_INIT("+3.5e-2")},
        {S_INIT("-5+cmd|' /C calc'!A0"), S_INIT("-5+cmd|' /C calc'!A0"), S_INIT("'-5+cmd|' /C calc'!A0")},
        {S_INIT("-"), S_INIT("-"), S_INIT("'-")},
        {S_INIT("+86 512"), S_INIT("+86 512"), S_INIT("'+86 512")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(str_eq(put(rows[i].cell, false), rows[i].plain));
        assert_true(str_eq(put(rows[i].cell, true), rows[i].defused));
        if (rows[i].cell.n == 0) continue; // an empty cell alone on its line is a blank line
        assert_true(str_eq(grid(put(rows[i].cell, false), ','), rows[i].cell));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_are_read_as_spreadsheets_write_them, up, down),
        cmocka_unit_test_setup_teardown(the_reader_counts_lines_and_records, up, down),
        cmocka_unit_test_setup_teardown(limits_hold_on_both_sides, up, down),
        cmocka_unit_test_setup_teardown(the_separator_is_found, up, down),
        cmocka_unit_test_setup_teardown(encodings_are_found_and_read, up, down),
        cmocka_unit_test_setup_teardown(damaged_bytes_are_named_and_not_replaced, up, down),
        cmocka_unit_test_setup_teardown(long_text_is_converted_whole, up, down),
        cmocka_unit_test_setup_teardown(formulas_are_defused_and_numbers_are_not, up, down),
    };
    return cmocka_run_group_tests_name("base: csv", tests, NULL, NULL);
}
