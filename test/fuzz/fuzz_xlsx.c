// SPDX-License-Identifier: MulanPSL-2.0
// libFuzzer over the spreadsheet reader. The first byte says what the rest is: the whole file, or one part of a
// good workbook, so that the fuzzer need not learn to pack zips. For any bytes: no crash, and every row handed
// out is valid UTF-8 without NUL, within its limits, in rising order, with a kind that fits its text.
#include "xml/xlsx_inside.h"
#include <stdlib.h>

#define DEMAND(is)                                                                                           \
    do {                                                                                                     \
        if (!(is)) __builtin_trap();                                                                         \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { PACKAGE_RELS, BOOK, BOOK_RELS, SHEET, STRINGS, STYLES, PARTS };
static const char *const NAMES[PARTS] = {
    "_rels/.rels",          "xl/workbook.xml",      "xl/_rels/workbook.xml.rels",
    "xl/worksheets/s1.xml", "xl/sharedStrings.xml", "xl/styles.xml"};
static const char *const GOOD[PARTS] = {
    "<r><Relationship Id='a' Type='/officeDocument' Target='xl/workbook.xml'/></r>",
    "<workbook><workbookPr date1904='0'/><sheets><sheet name='n' sheetId='1' r:id='a'/></sheets></workbook>",
    "<r><Relationship Id='a' Type='/worksheet' Target='worksheets/s1.xml'/><Relationship Id='b' "
    "Type='/sharedStrings' Target='/xl/sharedStrings.xml'/><Relationship Id='c' Type='/styles' "
    "Target='styles.xml'/></r>",
    "<worksheet><sheetData><row r='2'><c r='B2' t='s'><v>0</v></c><c "
    "s='1'><v>46348.75</v></c></row></sheetData></worksheet>",
    "<sst><si><t>a</t></si></sst>",
    "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='yyyy-mm-dd h:mm'/></numFmts><cellXfs><xf "
    "numFmtId='0'/>"
    "<xf numFmtId='164'/></cellXfs></styleSheet>",
};

static int on_row(void *arg, const struct xlsx_row *row, struct err *e) {
    int64_t *last = arg;
    (void)e;
    DEMAND(row->number > *last && row->number <= XLSX_ROWS_MAX && row->n >= 1 && row->n <= XLSX_COLUMNS_MAX);
    DEMAND(row->kinds[row->n - 1] != XLSX_EMPTY);
    *last = row->number;
    for (size_t i = 0; i < row->n; i++) {
        const struct str s = row->cells[i];
        DEMAND(s.n <= XLSX_CELL_BYTES_MAX && str_utf8_ok(s) && row->kinds[i] <= XLSX_ERROR);
        DEMAND((row->kinds[i] == XLSX_EMPTY) == (s.n == 0));
        double v = 0;
        if (row->kinds[i] == XLSX_NUMBER) DEMAND(xlsx_number_read(s, &v));
    }
    return OK;
}

static void read_all(struct str file) {
    struct xlsx *x = NULL;
    struct err e = {0};
    int rc = xlsx_open(file, &x, &e);
    DEMAND(rc == (int)e.code);
    for (size_t i = 0; rc == OK && i < xlsx_sheet_count(x) && i < 3; i++) {
        int64_t last = 0;
        DEMAND(str_utf8_ok(xlsx_sheet_at(x, i).name));
        const int rows_rc = xlsx_rows(x, i, on_row, &last, &e);
        DEMAND(rows_rc == (int)e.code || rows_rc == OK);
    }
    xlsx_close(x);
}

// The bytes of a stored (not packed) zip, made by libzip; freed by the caller.
static struct str pack(int replaced, struct str text) {
    zip_source_t *out = zip_source_buffer_create(NULL, 0, 0, NULL);
    zip_source_keep(out);
    zip_t *z = zip_open_from_source(out, ZIP_TRUNCATE, NULL);
    for (int i = 0; i < PARTS; i++) {
        const struct str s = i == replaced ? text : str_of(GOOD[i]);
        const zip_int64_t at = zip_file_add(z, NAMES[i], zip_source_buffer(z, s.p, s.n, 0), 0);
        zip_set_file_compression(z, (zip_uint64_t)at, ZIP_CM_STORE, 0);
    }
    zip_stat_t st;
    DEMAND(zip_close(z) == 0 && zip_source_open(out) == 0 && zip_source_stat(out, &st) == 0);
    char *p = malloc(st.size);
    DEMAND(p && zip_source_read(out, p, st.size) == (zip_int64_t)st.size);
    zip_source_close(out);
    zip_source_free(out);
    return (struct str){p, st.size};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n == 0) return 0;
    const struct str text = {(const char *)data + 1, n - 1};
    const int which = data[0] % (PARTS + 1);
    if (which == PARTS) {
        read_all(text);
        return 0;
    }
    const struct str file = pack(which, text);
    read_all(file);
    free((void *)(uintptr_t)file.p);
    return 0;
}
