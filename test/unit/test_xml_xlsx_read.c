// SPDX-License-Identifier: MulanPSL-2.0
// Reading spreadsheets: every kind of cell, the formats that mean dates, and the files that strangers send.
#include "xlsx_make.h"
#include "xml/xlsx_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct arena mem;

// Reads the first sheet of a file; gives the first code that is not OK, from opening or from the rows.
static int see(struct str file, struct str *ret, struct err *e) {
    struct xlsx *x = NULL;
    struct seen s = {.out = buf_new(&mem, 256, 64 << 20)};
    *e = (struct err){0};
    int rc = xlsx_open(file, &x, e);
    if (rc == OK) rc = xlsx_rows(x, 0, see_row, &s, e);
    xlsx_close(x);
    assert_int_equal(rc, e->code);
    *ret = buf_str(&s.out);
    return rc;
}

static void expect(const char *sheet, const char *strings, const char *styles, const char *book,
                   const char *want) {
    struct err e;
    struct str got;
    assert_int_equal(see(book_make(&mem, sheet, strings, styles, book), &got, &e), OK);
    if (!str_eq(got, str_of(want))) fail_msg("got\n%.*swanted\n%s", STRF(got), want);
}

static void refuse(const char *sheet, const char *strings, enum err_code code, const char *field,
                   int64_t row) {
    struct err e;
    struct str got;
    const int rc = see(book_make(&mem, sheet, strings, NULL, NULL), &got, &e);
    if ((enum err_code)rc != code) fail_msg("%s: code %d", sheet, rc);
    if (field) assert_string_equal(e.field, field);
    if (row >= 0) assert_int_equal(e.row, row);
}

#define SHEET(rows)                                                                                          \
    "<worksheet><cols><col min='1'/></cols><sheetData>" rows                                                 \
    "</sheetData><mergeCells><mergeCell ref='A1:B2'/></mergeCells></worksheet>"

static void test_kinds(void **state) {
    (void)state;
    expect(
        SHEET("<row r='1'><c r='A1' t='s'><v>0</v></c><c r='B1' t='s'><v> 1 </v></c><c r='C1' "
              "t='s'><v>2</v></c></row>"
              "<row r='2'><c r='A2'><v>12</v></c><c r='B2' t='n'><v>0.10000000000000001</v></c>"
              "<c r='C2' t='b'><v>1</v></c><c r='D2' t='b'><v>0</v></c><c r='E2' t='e'><v>#N/A</v></c>"
              "<c r='F2' t='str'><f>A2&amp;\"x\"</f><v>12x</v></c><c r='G2' "
              "t='inlineStr'><is><t>直接</t></is></c>"
              "<c r='H2' t='d'><v>2026-11-22</v></c><c r='I2' t='d'><v>2026-11-22T08:30:00</v></c>"
              "<c r='J2' t='d'><v>08:30:00</v></c></row>"),
        "<sst><si><t>姓名</t></si><si><r><rPr><b/></rPr><t>富</t></r><r><t xml:space='preserve'> 文本</t></r>"
        "<rPh sb='0' eb='1'><t>フ</t></rPh></si><si><t>a_x000D_b_x005F_x000D__x0000__xD83D_</t></si></sst>",
        NULL, NULL,
        "1: T姓名|T富 文本|Ta\rb_x000D__x0000__xD83D_\n"
        "2: N12|N0.1|BTRUE|BFALSE|E#N/A|T12x|T直接|D2026-11-22|M2026-11-22T08:30:00|C08:30:00\n");
}

static void test_sparse(void **state) {
    (void)state;
    // Rows and cells without a place follow the one before; empty and merely formatted ones vanish.
    expect(
        SHEET("<row><c><v>1</v></c><c><v>2</v></c></row><row r='5'><c r='C5'><v>3</v></c><c><v>4</v></c>"
              "<c r='XFD5' s='1'/></row><row r='6'/><row r='7'><c r='A7'/><c r='B7' t='s'><v>0</v></c></row>"
              "<row><c><v>9</v></c></row>"),
        "<sst><si><t></t></si></sst>", NULL, NULL, "1: N1|N2\n5: -|-|N3|N4\n8: N9\n");
}

static void test_prefixed_and_strict(void **state) {
    (void)state;
    // Some writers put a prefix on everything; strict files use other namespaces with the same last words.
    expect("<x:worksheet xmlns:x='http://purl.oclc.org/ooxml/spreadsheetml/main'><x:sheetData><x:row r='1'>"
           "<x:c r='A1' t='inlineStr'><x:is><x:t>a</x:t></x:is></x:c></x:row></x:sheetData></x:worksheet>",
           NULL, NULL,
           "<x:workbook xmlns:x='u' xmlns:r='r'><x:sheets><x:sheet name='n' sheetId='9' "
           "r:id='rId1'/></x:sheets></x:workbook>",
           "1: Ta\n");
}

static void test_dates(void **state) {
    (void)state;
    const char *styles =
        "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='yyyy\"年\"m\"月\"d\"日\"'/>"
        "<numFmt numFmtId='165' formatCode='yyyy\\-mm\\-dd\\ hh:mm:ss'/><numFmt numFmtId='166' "
        "formatCode='[h]:mm'/>"
        "<numFmt numFmtId='167' formatCode='0.00E+00'/></numFmts>"
        "<cellStyleXfs><xf numFmtId='14'/></cellStyleXfs>"
        "<cellXfs><xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='164'/><xf numFmtId='165'/>"
        "<xf numFmtId='166'/><xf numFmtId='20'/><xf numFmtId='31'/><xf "
        "numFmtId='167'/></cellXfs></styleSheet>";
    const char *sheet = SHEET(
        "<row><c s='1'><v>46348</v></c><c s='2'><v>46348.75</v></c><c s='3'><v>46348.354166666664</v></c>"
        "<c s='4'><v>2.0625</v></c><c s='5'><v>46348.5</v></c><c s='6'><v>1</v></c><c s='7'><v>46348</v></c>"
        "<c s='0'><v>46348</v></c><c s='99'><v>46348</v></c></row>"
        "<row><c s='1'><v>59</v></c><c s='1'><v>60</v></c><c s='1'><v>61</v></c><c s='1'><v>0</v></c>"
        "<c s='1'><v>-1</v></c><c s='1'><v>2958465</v></c><c s='1'><v>2958466</v></c><c "
        "s='3'><v>46348.99999999999</v></c>"
        "<c s='3'><v>46348.000002893519</v></c></row>");
    expect(
        sheet, NULL, styles, NULL,
        "1: "
        "D2026-11-22|D2026-11-22|M2026-11-22T08:30:00|C49:30:00|C12:00:00|D1900-01-01|N46348|N46348|N46348\n"
        "2: "
        "D1900-02-28|N60|D1900-03-01|N0|N-1|D9999-12-31|N2958466|M2026-11-23T00:00:00|M2026-11-22T00:00:00."
        "250\n");
    expect(SHEET("<row><c s='1'><v>44886</v></c><c s='1'><v>0</v></c></row>"), NULL, styles,
           "<workbook><workbookPr date1904='1'/><sheets><sheet name='n' sheetId='1' r:id='rId1' "
           "xmlns:r='r'/></sheets></workbook>",
           "1: D2026-11-22|D1904-01-01\n");
}

static void test_format_codes(void **state) {
    (void)state;
    const struct {
        const char *code;
        uint8_t kind;
    } rows[] = {
        {"General", XLSX_NUMBER},
        {"0.00", XLSX_NUMBER},
        {"#,##0;[Red]-#,##0", XLSX_NUMBER},
        {"0.00E+00", XLSX_NUMBER},
        {"##0.0e-0", XLSX_NUMBER},
        {"\"day\" 0", XLSX_NUMBER},
        {"0\\d", XLSX_NUMBER},
        {"_d0_m", XLSX_NUMBER},
        {"*y0", XLSX_NUMBER},
        {"[Red]0", XLSX_NUMBER},
        {"[$¥-804]#,##0.00", XLSX_NUMBER},
        {"@", XLSX_NUMBER},
        {"", XLSX_NUMBER},
        {"\"open", XLSX_NUMBER},
        {"[open", XLSX_NUMBER},
        {"0;yyyy", XLSX_NUMBER},
        {"yyyy-mm-dd", XLSX_DATE},
        {"m/d/yy", XLSX_DATE},
        {"mmm", XLSX_DATE},
        {"YYYY/MM/DD", XLSX_DATE},
        {"[$-804]yyyy\"年\"m\"月\"d\"日\";@", XLSX_DATE},
        {"yyyy年m月", XLSX_DATE},
        {"aaaa", XLSX_DATE},
        {"[DBNum1]e\"年\"", XLSX_DATE},
        {"yyyy-mm-dd hh:mm", XLSX_DATETIME},
        {"m/d h:mm AM/PM", XLSX_DATETIME},
        {"h:mm", XLSX_TIME},
        {"mm:ss.0", XLSX_TIME},
        {"h:mm a/p", XLSX_TIME},
        {"[h]:mm:ss", XLSX_TIME | XLSX_ELAPSED},
        {"[mm]:ss", XLSX_TIME | XLSX_ELAPSED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (xlsx_format_kind(str_of(rows[i].code)) != rows[i].kind) fail_msg("%s", rows[i].code);
}

static void test_numbers(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"0", "0"},
        {"-0", "0"},
        {"0.0", "0"},
        {"007", "7"},
        {"-12", "-12"},
        {"320501199001011234", "320501199001011234"},
        {"9223372036854775807", "9223372036854775807"},
        {"12345678901234567890", "12345678901234567000"},
        {"3.2050119900101101E+17", "320501199001011000"},
        {"0.1", "0.1"},
        {"0.10000000000000001", "0.1"},
        {"0.30000000000000004", "0.30000000000000004"},
        {"1.5", "1.5"},
        {"1.50", "1.5"},
        {"-2.5e3", "-2500"},
        {"1E+20", "100000000000000000000"},
        {"1e21", "1e21"}, // where JavaScript begins to use exponents
        {"1.25e22", "1.25e22"},
        {"0.000001", "0.000001"},
        {"0.0000001", "1e-7"},
        {"-1.5e-9", "-1.5e-9"},
        {"1.7976931348623157e308", "1.7976931348623157e308"},
        {"5e-324", "5e-324"},
        {"123456.789", "123456.789"},
    };
    char out[XLSX_VALUE_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(xlsx_number_text(str_of(rows[i][0]), out));
        assert_string_equal(out, rows[i][1]);
    }
    const char *const bad[] = {"",
                               " ",
                               "-",
                               "1 ",
                               "0x10",
                               "inf",
                               "nan",
                               "1e999",
                               "1,5",
                               "１",
                               "1e",
                               "--1",
                               "1111111111111111111111111111111111111111111111111111111111111111111111"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(xlsx_number_text(str_of(bad[i]), out));
    unsigned seed = 7; // any double reads back as itself
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = 0;
        double v, back = 0;
        for (int j = 0; j < 4; j++)
            bits = bits << 16 | (uint64_t)(rand_r(&seed) & 0xffff);
        memcpy(&v, &bits, sizeof v);
        if (!(v - v == 0)) continue;
        char raw[40];
        snprintf(raw, sizeof raw, "%.17g", v);
        assert_true(xlsx_number_text(str_of(raw), out));
        assert_true(xlsx_number_read(str_of(out), &back) || v == 0);
        assert_true(back == v);
    }
}

static void test_refused_cells(void **state) {
    (void)state;
    refuse(SHEET("<row r='3'><c r='B3'><v>abc</v></c></row>"), NULL, ERR_xlsx_file, "B", 3);
    refuse(SHEET("<row r='3'><c r='AB3' t='s'><v>0</v></c></row>"), "<sst/>", ERR_xlsx_file, "AB", 3);
    refuse(SHEET("<row r='3'><c r='A3' t='s'><v>-1</v></c></row>"), NULL, ERR_xlsx_file, "A", 3);
    refuse(SHEET("<row r='3'><c r='A3' t='what'><v>1</v></c></row>"), NULL, ERR_xlsx_file, "A", 3);
    refuse(SHEET("<row r='3'><c r='A4'><v>1</v></c></row>"), NULL, ERR_xlsx_file, NULL, 3);
    refuse(SHEET("<row r='3'><c r='B3'><v>1</v></c><c r='A3'><v>1</v></c></row>"), NULL, ERR_xlsx_file, NULL,
           3);
    refuse(SHEET("<row r='3'><c r='B3'><v>1</v></c><c r='B3'><v>1</v></c></row>"), NULL, ERR_xlsx_file, NULL,
           3);
    refuse(SHEET("<row r='3'><c r='AAAA3'><v>1</v></c></row>"), NULL, ERR_xlsx_file, NULL, 3);
    refuse(SHEET("<row r='3'/><row r='3'/>"), NULL, ERR_xlsx_file, NULL, 3);
    refuse(SHEET("<row r='3'/><row r='2'/>"), NULL, ERR_xlsx_file, NULL, 3);
    refuse(SHEET("<row r='0'/>"), NULL, ERR_xlsx_file, NULL, -1);
    refuse(SHEET("<row r='x'/>"), NULL, ERR_xlsx_file, NULL, -1);
    refuse(SHEET("<row r='1048577'/>"), NULL, ERR_too_large, "rows", 1048577);
    refuse(SHEET("<row r='9223372036854775807'/>"), NULL, ERR_too_large, "rows", -1);
    // Nested where the format has no nesting: memory of a closed row must not be reachable.
    refuse(SHEET("<row><c><v>1</v><c><v>2</v></c></c></row>"), NULL, ERR_xlsx_file, NULL, 1);
    refuse(SHEET("<row><row><c/></row></row>"), NULL, ERR_xlsx_file, NULL, 1);
    refuse(SHEET("<row><c><row/></c></row>"), NULL, ERR_xlsx_file, NULL, 1);
    refuse(SHEET("<c><v>1</v></c>"), NULL, ERR_xlsx_file, NULL, -1);
    expect("<worksheet><c><v>1</v></c><row/><sheetData><v>x</v><row><v>x</v><t>y</t><c><v>1</v></c><v>z</v></"
           "row><t>t</t></sheetData></worksheet>",
           NULL, NULL, NULL, "1: N1\n");
    refuse(SHEET("<row>"), NULL, ERR_xml_syntax, "xl/worksheets/sheet1.xml", 1);
    refuse("<!DOCTYPE x [<!ENTITY a 'b'>]><worksheet/>", NULL, ERR_xml_dtd, "xl/worksheets/sheet1.xml", 1);
    refuse(SHEET(""), "<!DOCTYPE x [<!ENTITY a 'b'>]><sst/>", ERR_xml_dtd, "xl/sharedStrings.xml", 1);
}

static char *repeat(const char *before, const char *what, size_t times, const char *after) {
    const size_t b = strlen(before), w = strlen(what), a = strlen(after);
    char *p = malloc(b + w * times + a + 1);
    assert_non_null(p);
    memcpy(p, before, b);
    for (size_t i = 0; i < times; i++)
        memcpy(p + b + i * w, what, w);
    memcpy(p + b + w * times, after, a + 1);
    return p;
}

static void test_limits(void **state) {
    (void)state;
    struct err e;
    struct str got;
    char *row = repeat("<worksheet><sheetData><row>", "<c><v>1</v></c>", XLSX_COLUMNS_MAX,
                       "</row></sheetData></worksheet>");
    assert_int_equal(see(book_make(&mem, row, NULL, NULL, NULL), &got, &e), OK);
    free(row);
    row = repeat("<worksheet><sheetData><row>", "<c><v>1</v></c>", XLSX_COLUMNS_MAX + 1,
                 "</row></sheetData></worksheet>");
    refuse(row, NULL, ERR_too_large, "columns", 1);
    free(row);
    for (size_t more = 0; more < 2; more++) {
        char *cell = repeat("<worksheet><sheetData><row><c t='inlineStr'><is><t>", "x",
                            XLSX_CELL_BYTES_MAX + more, "</t></is></c></row></sheetData></worksheet>");
        assert_int_equal(see(book_make(&mem, cell, NULL, NULL, NULL), &got, &e), more ? ERR_too_large : OK);
        if (more) assert_string_equal(e.field, "A");
        free(cell);
        char *string = repeat("<sst><si><t>", "x", XLSX_CELL_BYTES_MAX + more, "</t></si></sst>");
        assert_int_equal(see(book_make(&mem, SHEET(""), string, NULL, NULL), &got, &e),
                         more ? ERR_too_large : OK);
        if (more) assert_string_equal(e.field, "shared string");
        free(string);
        char *styles =
            repeat("<styleSheet><cellXfs>", "<xf/>", XLSX_STYLES_MAX + more, "</cellXfs></styleSheet>");
        assert_int_equal(see(book_make(&mem, SHEET(""), NULL, styles, NULL), &got, &e),
                         more ? ERR_too_large : OK);
        free(styles);
        char *sheets = repeat("<workbook><sheets>", "<sheet name='a' id='rId1'/>", XLSX_SHEETS_MAX + more,
                              "</sheets></workbook>");
        assert_int_equal(see(book_make(&mem, SHEET(""), NULL, NULL, sheets), &got, &e),
                         more ? ERR_too_large : OK);
        free(sheets);
        char *deep = repeat("<worksheet>", "<a>", XML_DEPTH_MAX - 1 + more, "");
        assert_int_equal(see(book_make(&mem, deep, NULL, NULL, NULL), &got, &e),
                         more ? ERR_too_large : ERR_xml_syntax);
        free(deep);
    }
    // A row of many large cells: one row's memory is bounded too.
    char *large = repeat("", "<c t='inlineStr'><is><t>", 1, "");
    char *text = repeat(large, "x", 100000, "</t></is></c>");
    row = repeat("<worksheet><sheetData><row>", text, 100, "</row></sheetData></worksheet>");
    refuse(row, NULL, ERR_too_large, "row", 1);
    free(row);
    free(text);
    free(large);
}

static int count_bytes(void *arg, const struct xlsx_row *row, struct err *e) {
    (void)e;
    for (size_t i = 0; i < row->n; i++)
        *(uint64_t *)arg += row->cells[i].n;
    return OK;
}

static void test_bombs(void **state) {
    (void)state;
    struct err e = {0};
    struct str got;
    // 64 MiB of blanks pack to 64 KiB: stopped by ratio long before the end.
    char *blanks =
        repeat("<worksheet><sheetData>", "                ", (64 << 20) / 16, "</sheetData></worksheet>");
    const struct str bomb = book_make(&mem, blanks, NULL, NULL, NULL);
    free(blanks);
    assert_true(bomb.n < 200000);
    assert_int_equal(see(bomb, &got, &e), ERR_too_large);
    assert_string_equal(e.arg, "300:1");
    // One long shared string named by thousands of cells: what is handed out is bounded.
    char *string = repeat("<sst><si><t>", "x", XLSX_CELL_BYTES_MAX, "</t></si></sst>");
    char *cells = repeat("<row>", "<c t='s'><v>0</v></c>", 100, "</row>");
    char *rows = repeat("<worksheet><sheetData>", cells, 90, "</sheetData></worksheet>");
    struct xlsx *x = NULL;
    uint64_t bytes = 0;
    assert_int_equal(xlsx_open(book_make(&mem, rows, string, NULL, NULL), &x, &e), OK);
    assert_int_equal(xlsx_rows(x, 0, count_bytes, &bytes, &e), ERR_too_large);
    assert_string_equal(e.field, "text");
    assert_true(bytes <= XLSX_TEXT_BYTES_MAX);
    xlsx_close(x);
    free(rows);
    free(cells);
    free(string);
}

static void test_bad_files(void **state) {
    (void)state;
    struct err e;
    struct str got;
    const struct str good = book_make(&mem, SHEET("<row><c><v>1</v></c></row>"), NULL, NULL, NULL);
    assert_int_equal(see(STR_NONE, &got, &e), ERR_xlsx_file);
    assert_int_equal(see(S("a,b\n1,2\n"), &got, &e), ERR_xlsx_file);
    assert_int_equal(see(S("PK\x03\x04 and nothing else"), &got, &e), ERR_xlsx_file);
    assert_int_equal(see(S("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old or encrypted"), &got, &e), ERR_xlsx_locked);
    for (size_t n = 0; n < good.n; n += 7) // every shorter file is refused, none crashes
        assert_int_not_equal(see((struct str){good.p, n}, &got, &e), OK);
    const struct part locked[] = {{"_rels/.rels", S(PACKAGE_RELS), "secret"}};
    assert_int_equal(see(zip_make(&mem, locked, 1), &got, &e), ERR_xlsx_locked);
    const char *const odd[] = {"../evil", "/etc/passwd", "a/../../b", "a\\b", "c:/x", ".."};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        const struct part parts[] = {{"_rels/.rels", S(PACKAGE_RELS), NULL}, {odd[i], S("x"), NULL}};
        assert_int_equal(see(zip_make(&mem, parts, 2), &got, &e), ERR_xlsx_file);
    }
    const struct part empty[] = {{"x", S(""), NULL}};
    assert_int_equal(see(zip_make(&mem, empty, 1), &got, &e), ERR_xlsx_file);
    const struct part lost[] = {{"_rels/.rels", S(PACKAGE_RELS), NULL}}; // names a workbook that is not there
    assert_int_equal(see(zip_make(&mem, lost, 1), &got, &e), ERR_xlsx_file);
    const struct part climbing[] = {
        {"_rels/.rels", S("<r><Relationship Id='a' Type='/officeDocument' Target='../../x.xml'/></r>"),
         NULL}};
    assert_int_equal(see(zip_make(&mem, climbing, 1), &got, &e), ERR_xlsx_file);
    const struct part outside[] = {{"_rels/.rels",
                                    S("<r><Relationship Id='a' Type='/officeDocument' TargetMode='External' "
                                      "Target='http://127.0.0.1/'/></r>"),
                                    NULL}};
    assert_int_equal(see(zip_make(&mem, outside, 1), &got, &e), ERR_xlsx_file);
    assert_int_equal(see(book_make(&mem, SHEET(""), NULL, NULL, "<workbook><sheets/></workbook>"), &got, &e),
                     ERR_xlsx_file);
    struct part *many = calloc(XLSX_ENTRIES_MAX + 1, sizeof *many); // an entry too many
    for (size_t i = 0; i <= XLSX_ENTRIES_MAX; i++)
        many[i] = (struct part){str_print(&mem, "e%zu", i).p, S(""), NULL};
    assert_int_equal(see(zip_make(&mem, many, XLSX_ENTRIES_MAX + 1), &got, &e), ERR_too_large);
    free(many);
}

// Any single byte of a file turned: an answer or an error, never a crash or a leak (the sanitizers watch).
static void test_every_byte_turned(void **state) {
    (void)state;
    const struct str good = book_make(&mem, SHEET("<row><c t='s'><v>0</v></c></row>"),
                                      "<sst><si><t>a</t></si></sst>", NULL, NULL);
    char *bent = malloc(good.n);
    for (size_t i = 0; i < good.n; i++) {
        struct err e;
        struct str got;
        memcpy(bent, good.p, good.n);
        bent[i] = (char)(bent[i] ^ 0x41);
        const int rc = see((struct str){bent, good.n}, &got, &e);
        assert_true(rc == OK || e.code != OK);
    }
    free(bent);
}

static void test_sheets_and_fd(void **state) {
    (void)state;
    const struct part parts[] = {
        {"_rels/.rels", S(PACKAGE_RELS), NULL},
        {"xl/workbook.xml",
         S("<workbook><sheets><sheet name='图' r:id='c' xmlns:r='r'/><sheet name='甲' r:id='a' xmlns:r='r'/>"
           "<sheet name='乙' state='hidden' r:id='b' xmlns:r='r'/></sheets></workbook>"),
         NULL},
        {"xl/_rels/workbook.xml.rels",
         S("<r><Relationship Id='a' Type='/worksheet' Target='A.xml'/>"
           "<Relationship Id='b' Type='/worksheet' Target='../other/B.XML'/>"
           "<Relationship Id='c' Type='/chartsheet' Target='c.xml'/></r>"),
         NULL},
        {"xl/A.xml", S(SHEET("<row><c><v>1</v></c></row>")), NULL},
        {"other/b.xml", S(SHEET("<row><c><v>2</v></c></row><row><c><v>3</v></c></row>")), NULL},
    };
    const struct str file = zip_make(&mem, parts, 5);
    FILE *f = tmpfile();
    assert_int_equal(fwrite(file.p, 1, file.n, f), file.n);
    fflush(f);
    struct xlsx *x = NULL;
    struct err e = {0};
    assert_int_equal(xlsx_open_fd(fileno(f), &x, &e), OK);
    fclose(f); // the workbook has its own descriptor
    assert_int_equal(xlsx_sheet_count(x), 2);
    assert_true(str_eq(xlsx_sheet_at(x, 0).name, S("甲")) && !xlsx_sheet_at(x, 0).is_hidden);
    assert_true(str_eq(xlsx_sheet_at(x, 1).name, S("乙")) && xlsx_sheet_at(x, 1).is_hidden);
    for (int again = 0; again < 2; again++) { // any sheet, any number of times
        struct seen s = {.out = buf_new(&mem, 256, 1 << 20)};
        assert_int_equal(xlsx_rows(x, 1, see_row, &s, &e), OK);
        assert_int_equal(xlsx_rows(x, 0, see_row, &s, &e), OK);
        assert_true(str_eq(buf_str(&s.out), S("1: N2\n2: N3\n1: N1\n")));
    }
    struct seen stop = {.out = buf_new(&mem, 256, 1 << 20), .stop_at = 2};
    assert_int_equal(xlsx_rows(x, 1, see_row, &stop, &e), ERR_busy);
    assert_true(str_eq(buf_str(&stop.out), S("1: N2\n")));
    xlsx_close(x);
    xlsx_close(NULL);
    assert_int_equal(xlsx_open_fd(-1, &x, &e), ERR_file);
}

static int setup(void **state) {
    (void)state;
    arena_init(&mem, (size_t)1 << 30);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_free(&mem);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_sparse),
        cmocka_unit_test(test_prefixed_and_strict),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_format_codes),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_refused_cells),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_every_byte_turned),
        cmocka_unit_test(test_sheets_and_fd),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
