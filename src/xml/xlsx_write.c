// SPDX-License-Identifier: MulanPSL-2.0
// Writing .xlsx through libxlsxwriter in its constant-memory mode: a row is on disk before the next begins.
// Kept true: (W1) text is written as a string cell whatever it begins with, so "=cmd|…" and "@SUM" stay text
// and need no apostrophe; (W2) a number cell is written only where the double gives back exactly the digits
// of the text, so identity numbers and amounts never change; (W3) a failed file is removed, never left half.
#include "xml/xlsx_inside.h"
#include "base/clock.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xlsxwriter.h>

#define XLSX_OUT_MAGIC  0x786c736fu
#define SHEET_NAME_MAX  31 // characters (UTF-16 units in the standard; Chinese and Latin are one each)
#define CELL_CHARS_MAX  32767
#define WIDTH_LEAST     8.0
#define WIDTH_MOST      60.0
#define SHEETS_OUT_MAX  255
#define DATE_DAYS_FIRST 61 // 1900-03-01: before it programs disagree about day numbers

struct xlsx_out {
    uint32_t magic;
    lxw_workbook *book;
    lxw_worksheet *sheet; // the one being written
    lxw_format *head, *date;
    lxw_row_t row; // next to be written
    size_t column_n;
    int sheet_n;
    struct arena mem; // the path, and text of the row at hand (libxlsxwriter wants zero-terminated text)
    char *path;
};

static int failed(struct err *e, lxw_error code, int64_t row) {
    if (code == LXW_ERROR_MEMORY_MALLOC_FAILED) return err_set(e, ERR_no_memory, "", "%s", "");
    if (errno == ENOSPC && code <= LXW_ERROR_ZIP_CLOSE) return err_set(e, ERR_store_full, "", "%s", "");
    return err_set_row(e, ERR_file, "xlsx", row, "%s", lxw_strerror(code));
}

// The library never closes the temporary files of sheets that it did not get to pack: a server whose disk is
// full would lose a descriptor with every export. They are told apart from files opened meanwhile by inode.
struct temp {
    int fd;
    dev_t dev;
    ino_t inode;
    off_t bytes; // rows as they stand in the temporary file
};

static size_t temps_note(const struct xlsx_out *o, struct temp list[SHEETS_OUT_MAX]) {
    size_t n = 0;
    lxw_worksheet *w;
    STAILQ_FOREACH(w, o->book->worksheets, list_pointers) {
        struct stat st;
        const int fd = w->optimize_tmpfile ? fileno(w->optimize_tmpfile) : -1;
        if (fd < 0 || n == SHEETS_OUT_MAX || fstat(fd, &st) != 0) continue;
        list[n++] = (struct temp){fd, st.st_dev, st.st_ino, st.st_size};
    }
    return n;
}

static void temps_close(const struct temp *list, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct stat st;
        if (fstat(list[i].fd, &st) == 0 && st.st_dev == list[i].dev && st.st_ino == list[i].inode)
            close(list[i].fd);
    }
}

static void free_out(struct xlsx_out *o) {
    arena_free(&o->mem);
    free(o->path);
    o->magic = 0;
    free(o);
}

int xlsx_out_open(const char *path, const char *tmp_dir, struct xlsx_out **ret, struct err *e) {
    // The library opens the file at the very end; a path that cannot be written should be known before the work.
    FILE *probe = fopen(path, "ab");
    if (!probe) return err_set(e, ERR_file, "xlsx", "cannot be written");
    fclose(probe);
    struct xlsx_out *o = calloc(1, sizeof *o);
    if (!o) return err_set(e, ERR_no_memory, "", "%s", "");
    o->magic = XLSX_OUT_MAGIC;
    arena_init(&o->mem, XLSX_ROW_BYTES_MAX);
    o->path = strdup(path); // outlives the row arena
    char *dir = strdup(tmp_dir);
    lxw_workbook_options options = {.constant_memory = LXW_TRUE, .tmpdir = dir, .use_zip64 = LXW_TRUE};
    o->book = o->path && dir ? workbook_new_opt(path, &options) : NULL;
    free(dir); // the library keeps a copy
    if (o->book) {
        o->head = workbook_add_format(o->book);
        o->date = workbook_add_format(o->book);
    }
    if (!o->head || !o->date) {
        xlsx_out_drop(o);
        return err_set(e, ERR_no_memory, "", "%s", "");
    }
    format_set_bold(o->head);
    format_set_bottom(o->head, LXW_BORDER_THIN);
    format_set_num_format(o->date, "yyyy-mm-dd");
    *ret = o;
    return OK;
}

// A title becomes a sheet name: forbidden letters to '_', cut at 31 characters, minus room for " (2)".
static struct str sheet_name(struct arena *mem, struct str title, int copy) {
    char tail[16] = "";
    if (copy > 1) snprintf(tail, sizeof tail, " (%d)", copy);
    const size_t most = SHEET_NAME_MAX - strlen(tail);
    struct buf b = buf_new(mem, 64, 256);
    size_t at = 0, chars = 0;
    while (at < title.n && chars < most) {
        const size_t from = at;
        const int32_t c = str_utf8_next(title, &at);
        if (c < 0) break;
        chars += c > 0xffff ? 2 : 1;
        if (chars > most) break;
        const bool is_bad = c < 0x20 || strchr("[]:*?/\\", c < 0x80 ? c : 'x') ||
                            (c == '\'' && (from == 0 || at == title.n || chars == most));
        if (is_bad)
            buf_char(&b, '_');
        else
            buf_put(&b, (struct str){title.p + from, at - from});
    }
    if (b.n == 0) buf_puts(&b, "Sheet");
    buf_puts(&b, tail);
    return buf_str(&b);
}

// About two columns of the standard font for a Chinese character, one for a Latin one.
static double title_width(struct str title) {
    double w = 2;
    for (size_t at = 0; at < title.n;)
        w += str_utf8_next(title, &at) >= 0x1100 ? 2 : 1;
    return w < WIDTH_LEAST ? WIDTH_LEAST : w > WIDTH_MOST ? WIDTH_MOST : w;
}

// "_x0041_" as plain text would be read as "A" (ECMA-376 §22.9.2.19), so its first "_" is written "_x005F_".
// The library escapes control characters but not this.
static struct str escape(struct arena *mem, struct str text) {
    struct buf b = {0};
    size_t from = 0;
    for (size_t i = 0; i + 7 <= text.n; i++) {
        uint8_t raw[2];
        if (text.p[i] != '_' || text.p[i + 1] != 'x' || text.p[i + 6] != '_') continue;
        if (!str_unhex((struct str){text.p + i + 2, 4}, raw, 2)) continue;
        if (b.mem == NULL) b = buf_new(mem, text.n + 64, XLSX_ROW_BYTES_MAX);
        buf_put(&b, (struct str){text.p + from, i - from});
        buf_puts(&b, "_x005F");
        from = i;
    }
    if (b.mem == NULL) return text;
    buf_put(&b, (struct str){text.p + from, text.n - from});
    return b.over ? STR_NONE : buf_str(&b);
}

static int put_text(struct xlsx_out *o, size_t column, struct str text, lxw_format *format, struct err *e) {
    if (str_utf8_count(text) > CELL_CHARS_MAX)
        return err_set_row(e, ERR_field_long, "", (int64_t)o->row + 1, "%d", CELL_CHARS_MAX);
    const struct str escaped = escape(&o->mem, text);
    const char *z = escaped.p ? str_z(&o->mem, escaped) : NULL;
    if (!z) return err_set_row(e, ERR_too_large, "row", (int64_t)o->row + 1, "%zu", XLSX_ROW_BYTES_MAX);
    const lxw_error rc = worksheet_write_string(o->sheet, o->row, (lxw_col_t)column, z, format); // W1
    return rc ? failed(e, rc, (int64_t)o->row + 1) : OK;
}

int xlsx_out_sheet(struct xlsx_out *o, struct str name, const struct xlsx_column *columns, size_t n,
                   struct err *e) {
    assert(o && o->magic == XLSX_OUT_MAGIC);
    if (n == 0 || n > XLSX_COLUMNS_MAX) return err_set(e, ERR_too_large, "columns", "%d", XLSX_COLUMNS_MAX);
    if (o->sheet_n == SHEETS_OUT_MAX) return err_set(e, ERR_too_large, "sheets", "%d", SHEETS_OUT_MAX);
    arena_reset(&o->mem);
    const char *fit = NULL;
    // Names differ by more than case; the number of tries is bounded by the number of sheets.
    for (int copy = 1; copy <= o->sheet_n + 1; copy++) {
        fit = str_z(&o->mem, sheet_name(&o->mem, name, copy));
        if (!fit) return err_set(e, ERR_no_memory, "", "%s", "");
        if (workbook_validate_sheet_name(o->book, fit) == LXW_NO_ERROR) break;
        fit = NULL;
    }
    o->sheet = fit ? workbook_add_worksheet(o->book, fit) : NULL;
    if (!o->sheet)
        return err_set(e, ERR_field_value, "sheet", "%.*s", (int)(name.n < 100 ? name.n : 100), name.p);
    o->sheet_n++;
    o->row = 0;
    o->column_n = n;
    for (size_t i = 0; i < n; i++) { // widths first: they stand before the rows in the file
        const double w = columns[i].width > 0 ? columns[i].width : title_width(columns[i].title);
        const lxw_error rc = worksheet_set_column(o->sheet, (lxw_col_t)i, (lxw_col_t)i, w, NULL);
        if (rc) return failed(e, rc, 0);
    }
    worksheet_freeze_panes(o->sheet, 1, 0);
    for (size_t i = 0; i < n; i++) {
        const int rc = put_text(o, i, columns[i].title, o->head, e);
        if (rc) return rc;
    }
    o->row = 1;
    return OK;
}

// W2: the number must be one of the 15 digits that spreadsheets keep, and its shortest text this very text:
// so "007", "1.50" and all identity numbers stay text.
static bool exact_number(struct str text, double *ret) {
    char digits[32], shown[XLSX_VALUE_MAX];
    double v = 0;
    if (!xlsx_number_read(text, &v)) return false;
    snprintf(digits, sizeof digits, "%.15g", v);
    if (strtod(digits, NULL) != v) return false;
    snprintf(digits, sizeof digits, "%.17g", v);
    if (!xlsx_number_text(str_of(digits), shown) || !str_eq(text, str_of(shown))) return false;
    *ret = v;
    return true;
}

static bool exact_date(struct str text, double *ret) {
    int32_t days = 0;
    if (text.n != 10 || text.p[4] != '-' || text.p[7] != '-' || !clock_read_date(text, &days)) return false;
    const int32_t serial = days - clock_days(1899, 12, 30);
    *ret = serial;
    return serial >= DATE_DAYS_FIRST;
}

int xlsx_out_row(struct xlsx_out *o, const struct xlsx_cell *cells, size_t n, struct err *e) {
    assert(o && o->magic == XLSX_OUT_MAGIC && o->sheet && n <= o->column_n);
    if (o->row >= XLSX_ROWS_MAX) return err_set(e, ERR_too_large, "rows", "%d", XLSX_ROWS_MAX);
    arena_reset(&o->mem);
    for (size_t i = 0; i < n; i++) {
        double v = 0;
        lxw_error rc = LXW_NO_ERROR;
        if (cells[i].text.n == 0) continue;
        if (cells[i].kind == XLSX_NUMBER && exact_number(cells[i].text, &v))
            rc = worksheet_write_number(o->sheet, o->row, (lxw_col_t)i, v, NULL);
        else if (cells[i].kind == XLSX_DATE && exact_date(cells[i].text, &v))
            rc = worksheet_write_number(o->sheet, o->row, (lxw_col_t)i, v, o->date);
        else {
            const int own = put_text(o, i, cells[i].text, NULL, e);
            if (own) return own;
        }
        if (rc) return failed(e, rc, (int64_t)o->row + 1);
    }
    o->row++;
    return OK;
}

// The library does not look whether its rows reached the disk, so we do, before it packs a cut-off sheet.
static bool rows_are_written(const struct xlsx_out *o) {
    lxw_worksheet *w;
    STAILQ_FOREACH(w, o->book->worksheets, list_pointers) {
        FILE *f = w->optimize_tmpfile;
        if (f && (fflush(f) != 0 || ferror(f))) return false;
    }
    return true;
}

// Nor does it look whether the copy of the rows into the package was complete: it must hold them all, and
// more. Sheets are numbered in the order in which they were made.
static bool package_holds(const char *path, const struct temp *list, size_t n) {
    zip_t *z = zip_open(path, ZIP_RDONLY, NULL);
    bool ok = z != NULL;
    for (size_t i = 0; ok && i < n; i++) {
        char name[64];
        zip_stat_t st;
        snprintf(name, sizeof name, "xl/worksheets/sheet%zu.xml", i + 1);
        ok = zip_stat(z, name, 0, &st) == 0 && st.size > (zip_uint64_t)list[i].bytes + strlen("</worksheet>");
    }
    if (z) zip_discard(z);
    return ok;
}

int xlsx_out_close(struct xlsx_out *o, struct err *e) {
    struct temp temps[SHEETS_OUT_MAX];
    assert(o && o->magic == XLSX_OUT_MAGIC);
    if (!rows_are_written(o)) {
        const int full = failed(e, LXW_ERROR_CREATING_TMPFILE, 0);
        xlsx_out_drop(o);
        return full;
    }
    const size_t n = temps_note(o, temps);
    errno = 0;
    const lxw_error rc = workbook_close(o->book); // frees the book in any case
    o->book = NULL;
    if (rc == LXW_NO_ERROR && package_holds(o->path, temps, n)) {
        free_out(o);
        return OK;
    }
    const int answer = failed(e, rc ? rc : LXW_ERROR_ZIP_FILE_ADD, 0);
    temps_close(temps, n);
    unlink(o->path); // W3
    free_out(o);
    return answer;
}

void xlsx_out_drop(struct xlsx_out *o) {
    if (!o) return;
    assert(o->magic == XLSX_OUT_MAGIC);
    if (o->book) {
        lxw_worksheet *w;
        STAILQ_FOREACH(w, o->book->worksheets, list_pointers) {
            if (w->optimize_tmpfile) fclose(w->optimize_tmpfile);
        }
        lxw_workbook_free(o->book);
    }
    if (o->path) unlink(o->path); // the probe of xlsx_out_open made it
    free_out(o);
}
