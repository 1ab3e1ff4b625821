// SPDX-License-Identifier: MulanPSL-2.0
// Loads as rows and as JSON: reading, listing, the set-aside rows (as a list and as a CSV to work through).
// Keeps true: only who may attach to the data set sees its loads; sealed values are opened for them alone,
// request by request.
#include "mod/catalog/load.h"
#include "crypto/secret.h"
#include <inttypes.h>

static struct load read_load(struct cx *cx, struct stmt *s) {
    struct load l = {0};
    int i = 0;
    l.id = store_int(s, i++);
    l.dataset = store_str(s, i++, cx->mem);
    l.rid = store_str(s, i++, cx->mem);
    l.edition = store_int(s, i++);
    l.name = store_str(s, i++, cx->mem);
    l.file = store_str(s, i++, cx->mem);
    l.digest = store_str(s, i++, cx->mem);
    l.bytes = store_int(s, i++);
    l.format = store_str(s, i++, cx->mem);
    l.encoding = store_str(s, i++, cx->mem);
    l.separator = store_str(s, i++, cx->mem);
    l.sheet = store_str(s, i++, cx->mem);
    l.header_row = store_int(s, i++);
    l.rows = store_int(s, i++);
    l.columns = store_str(s, i++, cx->mem);
    l.sheets = store_str(s, i++, cx->mem);
    l.state = store_str(s, i++, cx->mem);
    l.mapping = store_str(s, i++, cx->mem);
    l.mode = store_str(s, i++, cx->mem);
    l.table = store_int(s, i++);
    l.base_table = store_int(s, i++);
    l.series = store_int(s, i++);
    l.is_same = store_int(s, i++) != 0;
    l.good_n = store_int(s, i++);
    l.bad_n = store_int(s, i++);
    l.duplicate_n = store_int(s, i++);
    l.progress = store_int(s, i++);
    l.reasons = store_str(s, i++, cx->mem);
    l.created_ms = store_int(s, i++);
    l.changed_ms = store_int(s, i++);
    l.actor = store_int(s, i++);
    return l;
}

int load_get(struct cx *cx, int64_t id, struct load *ret) {
    struct stmt *s = store_query(cx->db, Q_catalog_load_get, "i", id);
    const bool found = store_next(s);
    if (found) *ret = read_load(cx, s);
    if (store_done(s, &cx->err)) return cx->err.code;
    return found ? OK : cx_fail(cx, ERR_not_found, "load", "%" PRId64, id);
}

// The right is judged by the data set as it is now: a steward whose office handed it over loses its loads
// with it.
int load_of_asker(struct cx *cx, struct load *ret, struct catalog_dataset **ret_ds) {
    int code = load_get(cx, cx_int(cx, "load", 0), ret);
    if (code == OK) code = catalog_load_edition(cx, ret->dataset, ret_ds);
    if (code) return code;
    return catalog_may_attach(cx, *ret_ds) ? OK : cx_deny(cx, "dataset.load");
}

void load_write(struct cx *cx, const struct load *l) {
    struct jw *w = &cx->w;
    jw_nint(w, "load", l->id);
    jw_ntext(w, "dataset", l->dataset);
    jw_ntext(w, "resource", l->rid);
    jw_ntext(w, "name", l->name);
    jw_ntext(w, "state", l->state);
    jw_ntext(w, "format", l->format);
    jw_ntext(w, "encoding", l->encoding);
    jw_ntext(w, "separator", l->separator);
    jw_ntext(w, "sheet", l->sheet);
    jw_name(w, "sheets");
    jw_raw(w, l->sheets);
    jw_ntext(w, "digest", l->digest);
    jw_nint(w, "bytes", l->bytes);
    jw_nint(w, "header_row", l->header_row);
    jw_nint(w, "rows", l->rows);
    if (l->mapping.n) {
        jw_name(w, "mapping");
        jw_raw(w, l->mapping);
        jw_ntext(w, "mode", l->mode);
    }
    jw_nbool(w, "same", l->is_same);
    jw_nint(w, "good_n", l->good_n);
    jw_nint(w, "bad_n", l->bad_n);
    jw_nint(w, "duplicate_n", l->duplicate_n);
    jw_nint(w, "progress", l->progress);
    jw_name(w, "reasons");
    jw_raw(w, l->reasons);
    jw_nint(w, "created_ms", l->created_ms);
    jw_nint(w, "changed_ms", l->changed_ms);
    jw_ntext(w, "by_name", people_account_name(cx, l->actor));
}

void load_write_columns(struct jw *w, const struct load_scan *scan, const struct catalog_dataset *ds) {
    jw_array(w);
    for (size_t i = 0; i < scan->n; i++) {
        const struct load_column *c = &scan->columns[i];
        const struct catalog_column *dc = c->column >= 0 ? &ds->columns[c->column] : NULL;
        jw_object(w);
        jw_nint(w, "n", (int64_t)i + 1);
        jw_ntext(w, "header", c->header);
        jw_ntext(w, "column", dc ? dc->id : STR_NONE);
        jw_ntext(w, "how", str_of(c->how));
        jw_ntext(w, "type_seen", c->type_seen ? str_of(table_type_name(c->type_seen)) : STR_NONE);
        if (dc && dc->type == TABLE_FEN) jw_ntext(w, "unit", str_of(load_unit_code(c->unit)));
        jw_nint(w, "empty_n", c->empty_n);
        jw_nint(w, "chars_max", c->chars_max);
        jw_name(w, "sample");
        jw_array(w);
        for (int k = 0; k < c->sample_n; k++)
            jw_text(w, c->sample[k]);
        jw_array_end(w);
        jw_object_end(w);
    }
    jw_array_end(w);
}

int load_show(struct cx *cx) {
    struct load l;
    struct catalog_dataset *ds;
    if (load_of_asker(cx, &l, &ds)) return cx->err.code;
    jw_object(&cx->w);
    load_write(cx, &l);
    jw_name(&cx->w, "columns");
    jw_raw(&cx->w, l.columns);
    jw_object_end(&cx->w);
    return OK;
}

// Newest first; the cursor is the id of the last one shown.
int load_list(struct cx *cx) {
    const struct str id = cx_text(cx, "id");
    const int64_t limit = cx_limit(cx, 20, 100);
    struct catalog_dataset *ds;
    int64_t before = INT64_MAX, last = 0, n = 0;
    bool has_more = false;
    const struct str after = cx_after(cx);
    if (after.p && !str_int64(after, &before)) return cx_fail(cx, ERR_cursor, "after", "%s", "");
    if (catalog_load_edition(cx, id, &ds))
        return cx->err.code ? cx->err.code : cx_fail(cx, ERR_not_found, "id", "%.*s", STRF(id));
    if (!catalog_may_attach(cx, ds)) return cx_deny(cx, "dataset.load");
    struct stmt *s = store_query(cx->db, Q_catalog_load_list, "sii", id, before, limit + 1);
    jw_object(&cx->w);
    jw_name(&cx->w, "items");
    jw_array(&cx->w);
    while (store_next(s)) {
        if (n++ == limit) {
            has_more = true;
            break;
        }
        const struct load l = read_load(cx, s);
        jw_object(&cx->w);
        load_write(cx, &l);
        jw_object_end(&cx->w);
        last = l.id;
    }
    jw_array_end(&cx->w);
    if (has_more) cx_next(cx, str_print(cx->mem, "%" PRId64, last));
    jw_object_end(&cx->w);
    return store_done(s, &cx->err);
}

// --- rows set aside ---

struct bad {
    int64_t n, row;
    struct str column, value;
    struct err err;
};

// Faults are stored by name: numbers of codes move when a code is added, and stored rows outlive a build.
static enum err_code code_of(struct str name) {
    for (int i = 1; i < ERR_COUNT; i++)
        if (str_eq(name, str_of(err_info((enum err_code)i)->name))) return (enum err_code)i;
    return ERR_internal;
}

static int read_bad(struct cx *cx, struct stmt *s, int64_t load, struct bad *b) {
    b->n = store_int(s, 0);
    b->row = store_int(s, 1);
    b->column = store_str(s, 2, cx->mem);
    b->value = store_str(s, 3, cx->mem);
    b->err = (struct err){0};
    const struct str arg = store_str(s, 6, cx->mem);
    (void)err_set(&b->err, code_of(store_str(s, 5, NULL)), "", "%.*s", STRF(arg));
    if (!store_int(s, 4)) return OK;
    return unseal_text(cx->mem, cx->hasher, cx->city->key, str_print(cx->mem, "load/%" PRId64, load),
                       b->value, &b->value, &cx->err);
}

int load_bad(struct cx *cx) {
    struct load l;
    struct catalog_dataset *ds;
    struct bad b = {0};
    int64_t after = 0, n = 0;
    const int64_t limit = cx_limit(cx, 100, 1000);
    const struct str key = cx_after(cx);
    if (load_of_asker(cx, &l, &ds)) return cx->err.code;
    if (key.p && !str_int64(key, &after)) return cx_fail(cx, ERR_cursor, "after", "%s", "");
    struct stmt *s = store_query(cx->db, Q_catalog_bad_list, "iii", l.id, after, limit + 1);
    struct jw *w = &cx->w;
    int code = OK;
    jw_object(w);
    jw_name(w, "items");
    jw_array(w);
    bool has_more = false;
    while (code == OK && !has_more && store_next(s)) {
        has_more = n++ == limit;
        if (has_more || (code = read_bad(cx, s, l.id, &b))) continue;
        after = b.n;
        jw_object(w);
        jw_nint(w, "row", b.row);
        jw_ntext(w, "column", b.column.n ? b.column : STR_NONE);
        jw_ntext(w, "value", b.value);
        jw_ntext(w, "code", str_of(err_info(b.err.code)->name));
        jw_ntext(w, "title_zh", err_text(cx->mem, &b.err, true));
        jw_ntext(w, "title_en", err_text(cx->mem, &b.err, false));
        jw_object_end(w);
    }
    jw_array_end(w);
    if (has_more) cx_next(cx, str_print(cx->mem, "%" PRId64, after));
    jw_nint(w, "total", l.bad_n);
    jw_object_end(w);
    const int done = store_done(s, &cx->err);
    return code ? code : done;
}

// One fault a line: to be worked through in a spreadsheet beside the original file, so with BOM.
int load_bad_csv(struct cx *cx) {
    struct load l;
    struct catalog_dataset *ds;
    struct bad b = {0};
    if (load_of_asker(cx, &l, &ds)) return cx->err.code;
    struct buf out = buf_new(cx->mem, 4096, (size_t)48 << 20);
    buf_puts(&out, cx->is_zh ? "\xEF\xBB\xBF行号,列,值,原因\r\n" : "\xEF\xBB\xBFrow,column,value,reason\r\n");
    struct stmt *s =
        store_query(cx->db, Q_catalog_bad_list, "iii", l.id, (int64_t)0, (int64_t)LOAD_BAD_KEPT_MAX);
    int code = OK;
    while (code == OK && store_next(s)) {
        code = read_bad(cx, s, l.id, &b);
        if (code) break;
        buf_int(&out, b.row);
        const struct str cells[] = {b.column, b.value, err_text(cx->mem, &b.err, cx->is_zh)};
        for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
            buf_char(&out, ',');
            csv_put(&out, cells[i], ',', true);
        }
        buf_puts(&out, "\r\n");
    }
    const int done = store_done(s, &cx->err);
    if (code || done) return code ? code : done;
    if (out.over) return cx_fail(cx, ERR_too_large, "", "%zu", out.max_bytes);
    cx_reply_header(cx, "Content-Disposition",
                    str_print(cx->mem, "attachment; filename=\"load-%" PRId64 "-bad.csv\"", l.id));
    cx_reply_body(cx, "text/csv; charset=utf-8", buf_str(&out));
    return OK;
}
