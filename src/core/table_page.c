// SPDX-License-Identifier: MulanPSL-2.0
// Rows out of generated tables: composes the one SELECT, masks and unseals each cell, and writes JSON,
// NDJSON, CSV or hands cells to a callback. Keeps true: a value leaves only through `show`, so no exit is
// laxer than another; what a mask hides completely is not even unsealed; memory of one row is given back
// before the next.
#include "base/csv.h"
#include "core/table_inner.h"
#include <assert.h>

struct scan {
    struct cx *cx;
    const struct table_query *q;
    struct stmt *st;
    struct arena row; // texts made while showing one row
    int64_t id;
    struct table_cell *cells; // one a field
};

const struct table_column *table_query_column(const struct table_query *q, int field) {
    assert(field >= 0 && field < q->fields_n);
    return &q->shape->columns[q->view->columns[q->fields[field]].column];
}

enum table_type table_query_type(const struct table_query *q, int field) {
    return table_query_column(q, field)->type;
}

//   SELECT id,c_2,c_5 FROM r_57 WHERE <fixed> AND <asked> AND id>? ORDER BY id LIMIT ?
//
// Only the columns asked for are read: an unread column costs nothing, a sealed one costs several
// microseconds. The order is the table's own, so a page behind a key or a position is found without sorting.
// One row more than the limit tells whether there is a next page, without counting.
static struct stmt *open_select(struct cx *cx, const struct table_query *q, int *ret_n) {
    struct buf sql = buf_new(cx->mem, 256, (size_t)64 << 10);
    buf_puts(&sql, "SELECT id");
    for (int i = 0; i < q->fields_n; i++) {
        buf_puts(&sql, ",c_");
        buf_int(&sql, table_query_column(q, i)->n);
    }
    buf_puts(&sql, " FROM r_");
    buf_int(&sql, q->shape->table);
    table_put_where(&sql, q);
    buf_puts(&sql, " ORDER BY id LIMIT ?");
    *ret_n = 1;
    return sql.over ? NULL : store_text_query(cx->db, buf_str(&sql), "");
}

// --- one cell ---

// Numbers cannot be cut: any mask makes them null. A date keeps its year where the mask says so, else becomes
// "***".
static struct table_cell masked(struct scan *sc, enum table_type type, enum mask_kind mask,
                                struct table_cell c) {
    const struct table_cell null = {0};
    if (c.kind == TABLE_CELL_NULL || mask == MASK_OMIT) return null;
    if (type == TABLE_DATE || type == TABLE_DATETIME) {
        const struct str text = mask == MASK_HIDE ? S("***") : table_cell_text(&sc->row, type, &c);
        return (struct table_cell){.kind = TABLE_CELL_TEXT, .s = mask_text(&sc->row, mask, text)};
    }
    if (c.kind == TABLE_CELL_INT || type == TABLE_DEC || type == TABLE_POINT || type == TABLE_GEOMETRY)
        return mask_keeps_number(mask) ? c : null;
    return (struct table_cell){.kind = TABLE_CELL_TEXT, .s = mask_text(&sc->row, mask, c.s)};
}

static int unsealed(struct scan *sc, const struct table_column *c, enum mask_kind mask,
                    struct table_cell *cell) {
    struct cx *cx = sc->cx;
    struct str clear;
    if (mask == MASK_HIDE || mask == MASK_OMIT) { // the answer does not depend on the value
        const bool is_text = c->type == TABLE_TEXT || c->type == TABLE_CODE || c->type == TABLE_PERIOD;
        *cell = is_text && mask == MASK_HIDE ? (struct table_cell){.kind = TABLE_CELL_TEXT, .s = S("***")}
                                             : (struct table_cell){0};
        return OK;
    }
    if (table_unseal(cx, sc->q->shape, c, cell->s, &sc->row, &clear)) return cx->err.code;
    return table_cell_read(&sc->row, c->type, clear, cell, &cx->err);
}

static int show(struct scan *sc, int field) {
    const struct table_view_column *vc = &sc->q->view->columns[sc->q->fields[field]];
    const struct table_column *c = &sc->q->shape->columns[vc->column];
    struct table_cell cell = {0};
    if (!store_is_null(sc->st, field + 1)) {
        if (c->is_sealed || !table_type_is_int(c->type))
            cell = (struct table_cell){.kind = TABLE_CELL_TEXT, .s = store_str(sc->st, field + 1, NULL)};
        else
            cell = (struct table_cell){.kind = TABLE_CELL_INT, .i = store_int(sc->st, field + 1)};
        const bool was_sealed = c->is_sealed && (vc->mask == MASK_HIDE || vc->mask == MASK_OMIT);
        if (c->is_sealed && unsealed(sc, c, vc->mask, &cell)) return sc->cx->err.code;
        if (vc->mask != MASK_NONE && !was_sealed) cell = masked(sc, c->type, vc->mask, cell);
    }
    sc->cells[field] = cell;
    return OK;
}

// --- the loop ---

static int each_row(struct scan *sc, table_row_fn *fn, void *arg, struct table_page *page) {
    struct cx *cx = sc->cx;
    while (store_next(sc->st)) {
        if (page->rows == sc->q->limit) { // the row beyond the page: only its being there is wanted
            page->next = table_cursor(cx, sc->q, page->last_id);
            return OK;
        }
        if (sc->row.used_bytes) arena_reset(&sc->row);
        sc->id = store_int(sc->st, 0);
        for (int i = 0; i < sc->q->fields_n; i++)
            if (show(sc, i)) return cx->err.code;
        if (sc->row.failed) return cx_fail(cx, ERR_no_memory, "", "%s", "");
        const int code = fn(cx, arg, sc->id, sc->cells);
        if (code) return code;
        page->rows++;
        page->last_id = sc->id;
    }
    return OK;
}

int table_page_rows(struct cx *cx, const struct table_query *q, table_row_fn *fn, void *arg,
                    struct table_page *ret) {
    assert(q->limit > 0 && q->fields_n <= TABLE_COLUMNS_MAX);
    struct table_page page = {.next = STR_NONE};
    if (q->shape->table == 0) { // nothing loaded: an empty page, the same as a table without rows
        *ret = page;
        return OK;
    }
    int n;
    struct scan sc = {.cx = cx, .q = q};
    sc.cells = arena_array(cx->mem, (size_t)q->fields_n + 1, sizeof *sc.cells);
    if (!sc.cells) return cx_fail(cx, ERR_no_memory, "", "%s", "");
    sc.st = open_select(cx, q, &n);
    if (!sc.st) return cx_fail(cx, ERR_too_large, "", "%s", "SQL");
    int code = table_bind_where(cx, sc.st, &n, q);
    store_bind_int(sc.st, n, q->limit + 1);
    arena_init(&sc.row, 0);
    if (code == OK) code = each_row(&sc, fn, arg, &page);
    const int done = store_done(sc.st, code ? NULL : &cx->err);
    arena_free(&sc.row);
    if (code || done) return code ? code : done;
    *ret = page;
    return OK;
}

// --- the writers ---

// Names come from the catalog, where ids are checked; values are escaped by the JSON writer.
struct json_out {
    const struct table_query *q;
    struct jw *w;
};

static int put_json(struct cx *cx, void *arg, int64_t id, const struct table_cell *cells) {
    const struct json_out *o = arg;
    (void)id;
    jw_object(o->w);
    for (int i = 0; i < o->q->fields_n; i++) {
        const struct table_column *c = table_query_column(o->q, i);
        jw_name_str(o->w, c->id);
        table_cell_json(o->w, c->type, &cells[i]);
    }
    jw_object_end(o->w);
    return o->w->out->over ? cx_fail(cx, ERR_too_large, "", "%zu", o->w->out->max_bytes) : OK;
}

int table_page_json(struct cx *cx, const struct table_query *q, struct jw *w, struct table_page *ret) {
    struct json_out o = {q, w};
    jw_array(w);
    const int code = table_page_rows(cx, q, put_json, &o, ret);
    jw_array_end(w);
    return code;
}

struct text_out {
    const struct table_query *q;
    enum table_format format;
    struct buf *out;
};

static int put_text(struct cx *cx, void *arg, int64_t id, const struct table_cell *cells) {
    struct text_out *o = arg;
    if (o->format == TABLE_CSV) {
        for (int i = 0; i < o->q->fields_n; i++) {
            if (i) buf_char(o->out, ',');
            if (cells[i].kind == TABLE_CELL_TEXT)
                csv_put(o->out, cells[i].s, ',', true);
            else // numbers and dates need no quotes and start no formula
                table_cell_put(o->out, table_query_type(o->q, i), &cells[i]);
        }
        buf_puts(o->out, "\r\n");
        return o->out->over ? cx_fail(cx, ERR_too_large, "", "%zu", o->out->max_bytes) : OK;
    }
    struct jw w = jw_to(o->out);
    struct json_out j = {o->q, &w};
    const int code = put_json(cx, &j, id, cells);
    buf_char(o->out, '\n');
    return code;
}

int table_page_text(struct cx *cx, const struct table_query *q, enum table_format f, struct buf *out,
                    struct table_page *ret) {
    if (f == TABLE_JSON) {
        struct jw w = jw_to(out);
        return table_page_json(cx, q, &w, ret);
    }
    struct text_out o = {q, f, out};
    return table_page_rows(cx, q, put_text, &o, ret);
}

void table_csv_header(const struct table_query *q, struct buf *out) {
    for (int i = 0; i < q->fields_n; i++) {
        if (i) buf_char(out, ',');
        csv_put(out, table_query_column(q, i)->id, ',', true);
    }
    buf_puts(out, "\r\n");
}

// --- counting ---

// Counts obey the same filters as pages do, and a masked column never gets this far: a count would tell its
// value.
static int count(struct cx *cx, const struct table_query *q, const char *head, const char *tail,
                 int64_t *ret) {
    *ret = 0;
    if (q->shape->table == 0) return OK;
    struct table_query all = *q;
    all.after = 0; // a count is of all pages
    struct buf sql = buf_new(cx->mem, 256, (size_t)64 << 10);
    buf_puts(&sql, head);
    buf_int(&sql, q->shape->table);
    table_put_where(&sql, &all);
    buf_puts(&sql, tail);
    if (sql.over) return cx_fail(cx, ERR_too_large, "", "%s", "SQL");
    struct stmt *st = store_text_query(cx->db, buf_str(&sql), "");
    int n = 1;
    const int code = table_bind_where(cx, st, &n, &all);
    int64_t v = 0;
    if (code == OK && store_next(st)) v = store_int(st, 0);
    const int done = store_done(st, code ? NULL : &cx->err);
    if (code || done) return code ? code : done;
    *ret = v;
    return OK;
}

int table_count(struct cx *cx, const struct table_query *q, int64_t *ret) {
    return count(cx, q, "SELECT count(*) FROM r_", "", ret);
}

int table_exists(struct cx *cx, const struct table_query *q, bool *ret) {
    int64_t n = 0;
    const int code = count(cx, q, "SELECT EXISTS(SELECT 1 FROM r_", ")", &n);
    if (code == OK) *ret = n != 0;
    return code;
}
