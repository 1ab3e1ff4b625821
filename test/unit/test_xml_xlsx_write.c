// SPDX-License-Identifier: MulanPSL-2.0
// Writing spreadsheets, checked by reading them back and by looking into the parts: no text becomes a formula,
// no digit changes, nothing is left behind.
#include "xlsx_make.h"
#include "base/file.h"
#include "xml/xml.h"
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena mem;
static struct err e;
static char dir[] = "test-xlsx-XXXXXX";
static char path[64];

static int open_files(void) {
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static struct str read_back(size_t sheet, struct str *ret_name) {
    struct xlsx *x = NULL;
    struct str bytes;
    struct seen s = {.out = buf_new(&mem, 256, 64 << 20)};
    assert_int_equal(file_read(&mem, path, 64 << 20, &bytes, &e), OK);
    assert_int_equal(xlsx_open(bytes, &x, &e), OK);
    assert_true(sheet < xlsx_sheet_count(x));
    *ret_name = str_copy(&mem, xlsx_sheet_at(x, sheet).name);
    assert_int_equal(xlsx_rows(x, sheet, see_row, &s, &e), OK);
    xlsx_close(x);
    return buf_str(&s.out);
}

static void test_round_trip(void **state) {
    (void)state;
    const int fds = open_files();
    struct xlsx_out *o = NULL;
    struct str name;
    const struct xlsx_column columns[] = {{S("姓名"), 0}, {S("金额"), 12.5}, {S("=日期"), 0}};
    const struct xlsx_cell rows[][3] = {
        {{S("=cmd|' /C calc'!A0"), XLSX_TEXT}, {S("1.5"), XLSX_NUMBER}, {S("2026-11-22"), XLSX_DATE}},
        {{S("+1-800"), XLSX_TEXT},
         {S("-12"), XLSX_NUMBER},
         {S("1900-02-28"), XLSX_DATE}}, // before the first safe day
        {{S("@SUM(A1)"), XLSX_TEXT}, {S("320501199001011234"), XLSX_NUMBER}, {S("not a date"), XLSX_DATE}},
        {{S("-2"), XLSX_TEXT}, {S("007"), XLSX_NUMBER}, {S("2026-02-30"), XLSX_DATE}},
        {{S("<a> & \"b\" 'c'"), XLSX_TEXT}, {S("1234567890123450001"), XLSX_NUMBER}, {{NULL, 0}, XLSX_EMPTY}},
        {{S("  blanks  "), XLSX_TEXT}, {S("0.1"), XLSX_NUMBER}, {S("=1+1"), XLSX_NUMBER}},
        {{S("line\none\ttab"), XLSX_TEXT}, {S("9007199254740993"), XLSX_NUMBER}, {S("1e-7"), XLSX_NUMBER}},
        {{S("_x000D_ as text"), XLSX_TEXT}, {S("1.50"), XLSX_NUMBER}, {S("http://x.example/"), XLSX_TEXT}},
        {{S("\x01 control \x1f"), XLSX_TEXT}, {S("123456789012345"), XLSX_NUMBER}, {S("𠮷野家"), XLSX_TEXT}},
    };
    assert_int_equal(xlsx_out_open(path, dir, &o, &e), OK);
    assert_int_equal(xlsx_out_sheet(o, S("法人/登记"), columns, 3, &e), OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(xlsx_out_row(o, rows[i], 3, &e), OK);
    assert_int_equal(xlsx_out_close(o, &e), OK);
    assert_int_equal(open_files(), fds);
    const struct str got = read_back(0, &name);
    const struct str want = S("1: T姓名|T金额|T=日期\n"
                              "2: T=cmd|' /C calc'!A0|N1.5|D2026-11-22\n"
                              "3: T+1-800|N-12|T1900-02-28\n"
                              "4: T@SUM(A1)|T320501199001011234|Tnot a date\n"
                              "5: T-2|T007|T2026-02-30\n"
                              "6: T<a> & \"b\" 'c'|T1234567890123450001\n"
                              "7: T  blanks  |N0.1|T=1+1\n"
                              "8: Tline\none\ttab|T9007199254740993|N1e-7\n"
                              "9: T_x000D_ as text|T1.50|Thttp://x.example/\n"
                              "10: T\x01 control \x1f|N123456789012345|T𠮷野家\n");
    if (!str_eq(got, want)) fail_msg("got\n%.*s", STRF(got));
    assert_true(str_eq(name, S("法人_登记")));
}

struct look { // what the sheet's XML holds
    int formulas, frozen, links, columns;
};

static int look_open(void *arg, struct str name, const char *const *attributes) {
    struct look *l = arg;
    l->formulas += str_eq(name, S("f"));
    l->links += str_eq(name, S("hyperlink"));
    l->columns += str_eq(name, S("col"));
    l->frozen += str_eq(name, S("pane")) && str_eq(xml_attribute(attributes, "state"), S("frozen")) &&
                 str_eq(xml_attribute(attributes, "ySplit"), S("1"));
    return OK;
}

static void test_no_formulas_in_the_file(void **state) { // looks into the file of the test before
    (void)state;
    static const struct xml_handler handler = {.open = look_open};
    struct look l = {0};
    struct xml *x = NULL;
    static char text[65536];
    zip_t *z = zip_open(path, ZIP_RDONLY, NULL);
    zip_file_t *f = zip_fopen(z, "xl/worksheets/sheet1.xml", 0);
    const zip_int64_t n = zip_fread(f, text, sizeof text);
    assert_in_range(n, 100, sizeof text - 1);
    zip_fclose(f);
    zip_discard(z);
    assert_int_equal(xml_open(&handler, &l, &x, &e), OK);
    assert_int_equal(xml_feed(x, (struct str){text, (size_t)n}, true, &e), OK);
    xml_close(x);
    assert_int_equal(l.formulas, 0);
    assert_int_equal(l.links, 0);
    assert_int_equal(l.frozen, 1);
    assert_int_equal(l.columns, 3);
}

static void test_sheet_names(void **state) {
    (void)state;
    struct xlsx_out *o = NULL;
    const struct xlsx_column column = {S("a"), 0};
    const struct str names[] = {
        S("a[b]c:d*e?f/g\\h"),
        S("A[B]C:D*E?F/G\\H"),
        S(""),
        S("'quoted'"),
        S("History"),
        S("一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五"),
        S("一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六")};
    const struct str want[] = {S("a_b_c_d_e_f_g_h"),
                               S("A_B_C_D_E_F_G_H (2)"),
                               S("Sheet"),
                               S("_quoted_"),
                               S("History"),
                               S("一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一"),
                               S("一二三四五六七八九十一二三四五六七八九十一二三四五六七 (2)")};
    assert_int_equal(xlsx_out_open(path, dir, &o, &e), OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const int rc = xlsx_out_sheet(o, names[i], &column, 1, &e);
        if (rc) fail_msg("%.*s", STRF(names[i]));
        assert_int_equal(xlsx_out_row(o, &(struct xlsx_cell){names[i], XLSX_TEXT}, 1, &e), OK);
    }
    assert_int_equal(xlsx_out_close(o, &e), OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct str name;
        (void)read_back(i, &name);
        if (!str_eq(name, want[i])) fail_msg("got %.*s", STRF(name));
    }
}

static void test_refusals(void **state) {
    (void)state;
    const int fds = open_files();
    struct xlsx_out *o = NULL;
    static struct xlsx_column columns[XLSX_COLUMNS_MAX + 1];
    for (size_t i = 0; i <= XLSX_COLUMNS_MAX; i++)
        columns[i].title = S("c");
    assert_int_equal(xlsx_out_open(path, dir, &o, &e), OK);
    assert_int_equal(xlsx_out_sheet(o, S("s"), columns, 0, &e), ERR_too_large);
    assert_int_equal(xlsx_out_sheet(o, S("s"), columns, XLSX_COLUMNS_MAX + 1, &e), ERR_too_large);
    assert_int_equal(xlsx_out_sheet(o, S("s"), columns, XLSX_COLUMNS_MAX, &e), OK);
    char *large = malloc(32768);
    memset(large, 'x', 32768);
    assert_int_equal(xlsx_out_row(o, &(struct xlsx_cell){{large, 32767}, XLSX_TEXT}, 1, &e), OK);
    assert_int_equal(xlsx_out_row(o, &(struct xlsx_cell){{large, 32768}, XLSX_TEXT}, 1, &e), ERR_field_long);
    assert_int_equal(e.row, 3);
    free(large);
    unlink(path);
    xlsx_out_drop(o); // gives up: no file, no open descriptor
    xlsx_out_drop(NULL);
    assert_false(file_exists(path));
    // A folder that does not exist is known at once; one that goes away meanwhile, at the end.
    assert_int_equal(xlsx_out_open("test-no-such-folder/x.xlsx", dir, &o, &e), ERR_file);
    const struct str gone = str_print(&mem, "%s/gone", dir), file = str_print(&mem, "%s/gone/x.xlsx", dir);
    assert_int_equal(mkdir(gone.p, 0700), 0);
    assert_int_equal(xlsx_out_open(file.p, dir, &o, &e), OK);
    assert_int_equal(xlsx_out_sheet(o, S("s"), columns, 1, &e), OK);
    assert_int_equal(unlink(file.p), 0);
    assert_int_equal(rmdir(gone.p), 0);
    assert_int_equal(xlsx_out_close(o, &e), ERR_file);
    assert_int_equal(open_files(), fds);
}

static void test_many_rows(void **state) { // constant memory: what a row takes is given back
    (void)state;
    struct xlsx_out *o = NULL;
    const struct xlsx_column columns[] = {{S("编号"), 0}, {S("数"), 0}};
    assert_int_equal(xlsx_out_open(path, dir, &o, &e), OK);
    assert_int_equal(xlsx_out_sheet(o, S("大"), columns, 2, &e), OK);
    for (int i = 0; i < 20000; i++) {
        char id[32], number[32];
        snprintf(id, sizeof id, "编号-%d", i);
        snprintf(number, sizeof number, "%d", i);
        const struct xlsx_cell cells[] = {{str_of(id), XLSX_TEXT}, {str_of(number), XLSX_NUMBER}};
        assert_int_equal(xlsx_out_row(o, cells, 2, &e), OK);
    }
    assert_int_equal(xlsx_out_close(o, &e), OK);
    struct str name;
    const struct str got = read_back(0, &name);
    assert_true(str_starts(got, S("1: T编号|T数\n2: T编号-0|N0\n")));
    assert_true(str_ends(got, S("\n20001: T编号-19999|N19999\n")));
}

// Writes a sheet while files may not pass `limit` bytes; gives the code.
static int write_limited(rlim_t limit) {
    struct rlimit was, small;
    struct xlsx_out *o = NULL;
    const struct xlsx_column column = {S("a"), 0};
    const struct xlsx_cell cell = {S("a cell that fills the disk, sooner or later"), XLSX_TEXT};
    assert_int_equal(xlsx_out_open(path, dir, &o, &e), OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = (struct rlimit){limit, was.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = xlsx_out_sheet(o, S("s"), &column, 1, &e);
    for (int i = 0; rc == OK && i < 3000; i++)
        rc = xlsx_out_row(o, &cell, 1, &e);
    if (rc == OK)
        rc = xlsx_out_close(o, &e);
    else
        xlsx_out_drop(o);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    return rc;
}

// A disk that takes no more, played by the limit on file sizes: an error and no file, never a shorter sheet,
// wherever in the work it happens.
static void test_disk_full(void **state) {
    (void)state;
    const int fds = open_files();
    zip_stat_t st;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(write_limited((rlim_t)64 << 20), OK);
    zip_t *z = zip_open(path, ZIP_RDONLY, NULL);
    assert_int_equal(zip_stat(z, "xl/worksheets/sheet1.xml", 0, &st), 0);
    zip_discard(z);
    for (rlim_t limit = 1024; limit < st.size; limit += limit + 2048 < st.size ? st.size / 8 : 100) {
        unlink(path);
        assert_int_not_equal(write_limited(limit), OK);
        assert_false(file_exists(path));
    }
    assert_int_equal(write_limited(st.size), OK);
    assert_int_equal(open_files(), fds);
}

static int setup(void **state) {
    (void)state;
    arena_init(&mem, 0);
    if (!mkdtemp(dir)) return -1;
    snprintf(path, sizeof path, "%s/out.xlsx", dir);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    unlink(path);
    arena_free(&mem);
    return rmdir(dir); // fails when the writer left a temporary file
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_no_formulas_in_the_file),
        cmocka_unit_test(test_sheet_names), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_many_rows),   cmocka_unit_test(test_disk_full),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
