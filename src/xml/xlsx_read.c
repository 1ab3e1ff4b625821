// SPDX-License-Identifier: MulanPSL-2.0
// One sheet, streamed: <sheetData> holds rows, rows hold cells, both may be sparse and name their own place
// (<row r="7">, <c r="C7">). Kept true: (R1) rows and columns only move forward, so nothing is handed out
// twice or overwritten; (R2) memory is one row's, whatever the sheet's size; (R3) text handed out is bounded
// in all, because one long shared string named by a million cells unpacks to far more than the zip ever held;
// (R4) rows stand in the data and cells in rows, never in each other, however a hostile file nests them.
#include "xml/xlsx_inside.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct sheet {
    struct xlsx *x;
    xlsx_on_row *on_row;
    void *arg;
    struct err *e;
    struct arena mem;                                 // texts of the row at hand
    enum { OUTSIDE, IN_DATA, IN_ROW, IN_CELL } place; // R4: each opens only inside the one before
    bool in_value, in_text;
    int phonetic;
    int64_t row;
    uint64_t text_bytes;
    size_t column; // of the cell at hand, 0-based; may lie beyond XLSX_COLUMNS_MAX while the cell is empty
    size_t next;   // first column not used yet (R1)
    size_t n;      // cells filled, empty ones at the end not counted
    char type[10]; // attribute t
    uint8_t style;
    struct buf text;
    struct str cells[XLSX_COLUMNS_MAX];
    uint8_t kinds[XLSX_COLUMNS_MAX];
};

static void column_name(size_t column, char out[8]) {
    char back[8];
    int n = 0;
    for (size_t c = column + 1; c > 0 && n < 7; c = (c - 1) / 26)
        back[n++] = (char)('A' + (c - 1) % 26);
    for (int i = 0; i < n; i++)
        out[i] = back[n - 1 - i];
    out[n] = 0;
}

static int bad_cell(const struct sheet *s, int code, const char *what) {
    char name[8];
    column_name(s->column, name);
    return err_set_row(s->e, (enum err_code)code, name, s->row, "%s", what);
}

static int row_open(struct sheet *s, const char *const *attributes) {
    const struct str r = xml_attribute(attributes, "r");
    int64_t row = s->row + 1;
    if (s->place != IN_DATA) return err_set_row(s->e, ERR_xlsx_file, "", s->row, "misplaced row"); // R4
    if (r.p && (!str_int64(r, &row) || row <= s->row))                                             // R1
        return err_set_row(s->e, ERR_xlsx_file, "", s->row, "row number after this row");
    if (row > XLSX_ROWS_MAX) return err_set_row(s->e, ERR_too_large, "rows", row, "%d", XLSX_ROWS_MAX);
    s->place = IN_ROW;
    s->row = row;
    s->n = s->next = 0;
    arena_reset(&s->mem);
    return OK;
}

// "C7": letters, then digits that must be the row's own.
static bool read_place(struct str r, int64_t row, size_t *ret_column) {
    size_t at = 0, column = 0;
    int64_t number = 0;
    while (at < r.n && at < 3 && r.p[at] >= 'A' && r.p[at] <= 'Z')
        column = column * 26 + (size_t)(r.p[at++] - 'A') + 1;
    if (column == 0 || !str_int64((struct str){r.p + at, r.n - at}, &number) || number != row) return false;
    *ret_column = column - 1;
    return true;
}

static int cell_open(struct sheet *s, const char *const *attributes) {
    const struct str r = xml_attribute(attributes, "r"), t = xml_attribute(attributes, "t");
    int64_t style = 0;
    if (s->place != IN_ROW) return err_set_row(s->e, ERR_xlsx_file, "", s->row, "misplaced cell"); // R4
    s->place = IN_CELL;
    s->column = s->next;
    if (r.p && (!read_place(r, s->row, &s->column) || s->column < s->next)) // R1
        return bad_cell(s, ERR_xlsx_file, "cell reference");
    if (t.n >= sizeof s->type) return bad_cell(s, ERR_xlsx_file, "cell type");
    memset(s->type, 0, sizeof s->type);
    if (t.n) memcpy(s->type, t.p, t.n);
    const struct str sa = xml_attribute(attributes, "s");
    const bool has_style = sa.n && str_int64(sa, &style) && style >= 0 && (size_t)style < s->x->style_n;
    s->style = has_style ? s->x->styles[style] : XLSX_NUMBER;
    s->next = s->column + 1;
    s->text = buf_new(&s->mem, 32, XLSX_CELL_BYTES_MAX);
    return OK;
}

static int sheet_open(void *arg, struct str name, const char *const *attributes) {
    struct sheet *s = arg;
    if (s->place == OUTSIDE) {
        if (str_eq(name, S("sheetData"))) s->place = IN_DATA;
        return OK;
    }
    if (str_eq(name, S("c"))) return cell_open(s, attributes);
    if (str_eq(name, S("row"))) return row_open(s, attributes);
    if (s->place != IN_CELL) return OK;
    if (str_eq(name, S("v"))) s->in_value = true;
    if (str_eq(name, S("rPh"))) s->phonetic++;
    if (str_eq(name, S("t"))) s->in_text = !s->phonetic; // inside <is>: text in the cell itself
    return OK;
}

static int sheet_text(void *arg, struct str piece) {
    struct sheet *s = arg;
    if (s->in_value || s->in_text) buf_put(&s->text, piece);
    return OK;
}

static int number_value(struct sheet *s, struct str raw, struct str *ret, uint8_t *ret_kind) {
    char out[XLSX_VALUE_MAX];
    double v = 0;
    if (s->style != XLSX_NUMBER && xlsx_number_read(raw, &v) &&
        xlsx_serial_text(v, s->style, s->x->is_1904, out))
        *ret_kind = s->style & (uint8_t)~XLSX_ELAPSED;
    else if (xlsx_number_text(raw, out))
        *ret_kind = XLSX_NUMBER;
    else
        return bad_cell(s, ERR_xlsx_file, "number");
    *ret = str_copy(&s->mem, str_of(out));
    return OK;
}

// t="d" is written by few (strict files): it is ISO 8601 already, and its length says which kind.
static uint8_t iso_kind(struct str s) {
    return s.n <= 10 && memchr(s.p, '-', s.n) ? XLSX_DATE : memchr(s.p, 'T', s.n) ? XLSX_DATETIME : XLSX_TIME;
}

static int cell_value(struct sheet *s, struct str raw, struct str *ret, uint8_t *ret_kind) {
    const struct str type = str_of(s->type);
    *ret = raw;
    if (type.n == 0 || str_eq(type, S("n"))) return number_value(s, str_trim(raw), ret, ret_kind);
    if (str_eq(type, S("s"))) {
        int64_t i = 0;
        if (!str_int64(str_trim(raw), &i) || i < 0 || (size_t)i >= s->x->string_n)
            return bad_cell(s, ERR_xlsx_file, "shared string number");
        *ret = xlsx_string_at(s->x, (size_t)i);
        *ret_kind = XLSX_TEXT;
    } else if (str_eq(type, S("inlineStr")) || str_eq(type, S("str"))) {
        ret->n = xlsx_unescape(s->text.p, s->text.n);
        *ret_kind = XLSX_TEXT;
    } else if (str_eq(type, S("b"))) {
        *ret = str_eq(str_trim(raw), S("1")) || str_eq(str_trim(raw), S("true")) ? S("TRUE") : S("FALSE");
        *ret_kind = XLSX_BOOL;
    } else if (str_eq(type, S("e")))
        *ret_kind = XLSX_ERROR;
    else if (str_eq(type, S("d")))
        *ret_kind = iso_kind(raw);
    else
        return bad_cell(s, ERR_xlsx_file, "cell type");
    return OK;
}

static int row_too_large(const struct sheet *s) {
    return err_set_row(s->e, ERR_too_large, "row", s->row, "%zu", XLSX_ROW_BYTES_MAX);
}

static int cell_close(struct sheet *s) {
    struct str value = STR_NONE;
    uint8_t kind = XLSX_EMPTY;
    s->place = IN_ROW;
    if (s->mem.failed) return row_too_large(s);
    if (s->text.over) {
        char limit[24];
        snprintf(limit, sizeof limit, "%zu", XLSX_CELL_BYTES_MAX);
        return bad_cell(s, ERR_too_large, limit);
    }
    const struct str raw = buf_str(&s->text);
    if (raw.n == 0) return OK; // formatted only
    const int rc = cell_value(s, raw, &value, &kind);
    if (rc || value.n == 0) return rc;
    if (s->column >= XLSX_COLUMNS_MAX)
        return err_set_row(s->e, ERR_too_large, "columns", s->row, "%d", XLSX_COLUMNS_MAX);
    while (s->n < s->column) { // cells that the row leaves out
        s->cells[s->n] = STR_NONE;
        s->kinds[s->n++] = XLSX_EMPTY;
    }
    s->cells[s->n] = value;
    s->kinds[s->n++] = kind;
    s->text_bytes += value.n;
    if (s->text_bytes > XLSX_TEXT_BYTES_MAX) // R3
        return err_set_row(s->e, ERR_too_large, "text", s->row, "%llu",
                           (unsigned long long)XLSX_TEXT_BYTES_MAX);
    return OK;
}

static int row_close(struct sheet *s) {
    s->place = IN_DATA;
    if (s->mem.failed) return row_too_large(s);
    if (s->n == 0) return OK;
    const struct xlsx_row row = {.number = s->row, .cells = s->cells, .kinds = s->kinds, .n = s->n};
    return s->on_row(s->arg, &row, s->e);
}

static int sheet_close(void *arg, struct str name) {
    struct sheet *s = arg;
    if (s->place == IN_CELL) { // the elements are well nested, so a closing c closes the cell we are in
        if (str_eq(name, S("v"))) s->in_value = false;
        if (str_eq(name, S("t"))) s->in_text = false;
        if (str_eq(name, S("rPh"))) s->phonetic--;
        return str_eq(name, S("c")) ? cell_close(s) : OK;
    }
    if (s->place == IN_ROW && str_eq(name, S("row"))) return row_close(s);
    if (s->place == IN_DATA && str_eq(name, S("sheetData"))) s->place = OUTSIDE;
    return OK;
}

int xlsx_rows(struct xlsx *x, size_t sheet, xlsx_on_row *on_row, void *arg, struct err *e) {
    static const struct xml_handler handler = {sheet_open, sheet_close, sheet_text};
    assert(x && x->magic == XLSX_MAGIC && sheet < x->sheet_n && on_row);
    int rc = xlsx_load(x, e);
    if (rc) return rc;
    struct sheet *s = calloc(1, sizeof *s);
    if (!s) return err_set(e, ERR_no_memory, "", "%s", "");
    s->x = x;
    s->on_row = on_row;
    s->arg = arg;
    s->e = e;
    arena_init(&s->mem, XLSX_ROW_BYTES_MAX);
    rc = xlsx_part_read(x, x->sheet_parts[sheet], &handler, s, e);
    arena_free(&s->mem);
    free(s);
    return rc;
}
