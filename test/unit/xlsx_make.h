// SPDX-License-Identifier: MulanPSL-2.0
// For the spreadsheet tests: packs XML parts into the bytes of an .xlsx, and writes what a reader saw as text.
#ifndef TEST_XLSX_MAKE_H
#define TEST_XLSX_MAKE_H
#include "xml/xlsx.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <zip.h>

struct part {
    const char *name;
    struct str text;
    const char *password; // encrypts the entry
};

#define RELS "http://schemas.openxmlformats.org/package/2006/relationships"
#define TYPE "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
#define PACKAGE_RELS                                                                                         \
    "<Relationships xmlns='" RELS "'><Relationship Id='rId1' Type='" TYPE                                    \
    "officeDocument' Target='xl/workbook.xml'/></Relationships>"
#define BOOK_RELS                                                                                            \
    "<Relationships xmlns='" RELS "'><Relationship Id='rId1' Type='" TYPE                                    \
    "worksheet' Target='worksheets/sheet1.xml'/><Relationship Id='rId2' Type='" TYPE                         \
    "sharedStrings' Target='/xl/sharedStrings.xml'/><Relationship Id='rId3' Type='" TYPE                     \
    "styles' Target='./styles.xml'/></Relationships>"
#define BOOK "<workbook><sheets><sheet name='一月' sheetId='1' r:id='rId1' xmlns:r='r'/></sheets></workbook>"

static inline struct str zip_make(struct arena *mem, const struct part *parts, size_t n) {
    zip_error_t ze;
    zip_error_init(&ze);
    zip_source_t *src = zip_source_buffer_create(NULL, 0, 0, &ze);
    assert_non_null(src);
    zip_source_keep(src);
    zip_t *z = zip_open_from_source(src, ZIP_TRUNCATE, &ze);
    assert_non_null(z);
    for (size_t i = 0; i < n; i++) {
        zip_source_t *s = zip_source_buffer(z, parts[i].text.p, parts[i].text.n, 0);
        const zip_int64_t at = zip_file_add(z, parts[i].name, s, ZIP_FL_ENC_UTF_8);
        assert_true(at >= 0);
        if (parts[i].password)
            assert_int_equal(zip_file_set_encryption(z, (zip_uint64_t)at, ZIP_EM_AES_128, parts[i].password),
                             0);
    }
    assert_int_equal(zip_close(z), 0);
    zip_stat_t st;
    assert_int_equal(zip_source_open(src), 0);
    assert_int_equal(zip_source_stat(src, &st), 0);
    char *p = arena_take(mem, st.size);
    assert_non_null(p);
    assert_int_equal(zip_source_read(src, p, st.size), (zip_int64_t)st.size);
    zip_source_close(src);
    zip_source_free(src);
    return (struct str){p, st.size};
}

// A workbook of one sheet; NULL leaves a part out.
static inline struct str book_make(struct arena *mem, const char *sheet, const char *strings,
                                   const char *styles, const char *book) {
    const struct part parts[] = {
        {"_rels/.rels", S(PACKAGE_RELS), NULL},
        {"xl/workbook.xml", str_of(book ? book : BOOK), NULL},
        {"xl/_rels/workbook.xml.rels", S(BOOK_RELS), NULL},
        {"xl/worksheets/sheet1.xml", str_of(sheet), NULL},
        {"xl/sharedStrings.xml", str_of(strings ? strings : "<sst/>"), NULL},
        {"xl/styles.xml", str_of(styles ? styles : "<styleSheet/>"), NULL},
    };
    return zip_make(mem, parts, sizeof parts / sizeof *parts);
}

struct seen {
    struct buf out;
    int64_t rows, stop_at;
};

// "3: T姓名|-|N1.5\n": row number, then each cell as a letter of its kind and its text; "-" is an empty cell.
static inline int see_row(void *arg, const struct xlsx_row *row, struct err *e) {
    struct seen *s = arg;
    static const char letters[] = {'-', 'T', 'N', 'D', 'M', 'C', 'B', 'E'};
    if (++s->rows == s->stop_at) return err_set(e, ERR_busy, "", "%s", "stop");
    buf_print(&s->out, "%lld: ", (long long)row->number);
    for (size_t i = 0; i < row->n; i++) {
        if (i) buf_char(&s->out, '|');
        buf_char(&s->out, letters[row->kinds[i]]);
        buf_put(&s->out, row->cells[i]);
        assert_int_equal(row->kinds[i] == XLSX_EMPTY, row->cells[i].n == 0);
    }
    assert_true(row->n > 0 && row->kinds[row->n - 1] != XLSX_EMPTY);
    buf_char(&s->out, '\n');
    return OK;
}

#endif
