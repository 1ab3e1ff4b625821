// SPDX-License-Identifier: MulanPSL-2.0
// CKAN's DataStore over our tables: datastore_search, datastore_info, the dump, and the download of a resource. Kept
// true: rows leave only through the views of portal, preview and download; a masked column is not filtered, sorted
// or searched by; order and search look at a bounded number of rows and say so when that is not enough.
#include "base/csv.h"
#include "mod/catalog/ckan.h"
#include "mod/catalog/files.h"
#include "mod/catalog/rows.h"
#include <stdlib.h>

#define SKIP_PAGE  1000
#define KEPT_BYTES ((size_t)96 << 20) // of rows held for sorting
#define SORTS_MAX  4

// Whose eyes: the public's, or those of an office's account (masked by grade).
static enum rows_eyes eyes_of(struct cx *cx, const struct catalog_dataset *d, bool whole_file) {
    if (seen_is_public(cx) || !cx_is(cx, R_ALL_OFFICE)) return ROWS_PORTAL;
    if (whole_file && d->share != CATALOG_SHARE_FREE && catalog_is_open(d)) return ROWS_PORTAL;
    return whole_file ? ROWS_DOWNLOAD : ROWS_PREVIEW;
}

static int open_rows(struct cx *cx, struct catalog_dataset *d, bool whole_file, struct rows *ret) {
    int code = rows_open(cx, d, eyes_of(cx, d, whole_file), ret);
    if (code != OK) return code;
    if (d->is_verify_only) return cx_fail(cx, ERR_only_service, "", "%s", "");
    if (!ret->withheld && ret->view.n > 0) return OK;
    bool never = ret->withheld && strcmp(ret->withheld, "not_shared") == 0;
    const struct catalog_word *w = never ? catalog_word("share", S("3"))
                                         : catalog_word("open", ret->withheld ? S("conditional") : S("none"));
    return w ? cx_deny_words(cx, w->zh, w->en) : cx_deny(cx, "");
}

static const char *type_name(enum table_type t) {
    switch (t) {
    case TABLE_INT:
    case TABLE_FEN:
        return "int8";
    case TABLE_BOOL:
        return "bool";
    case TABLE_DATE:
        return "date";
    case TABLE_DATETIME:
        return "timestamptz";
    case TABLE_DEC:
        return "numeric";
    case TABLE_GEOMETRY:
        return "json";
    case TABLE_TEXT:
    case TABLE_CODE:
    case TABLE_PERIOD:
    case TABLE_POINT:
    case TABLE_TYPE_COUNT:
        break;
    }
    return "text";
}

// --- one search ---

struct kept {
    int64_t id;
    struct table_cell *cells;
};
struct search {
    struct ckan *k;
    struct catalog_dataset *d;
    struct catalog_resource r;
    struct rows rows;
    struct table_query q;
    int out_n;             // of q.fields: those that leave; the others are there to sort by
    int sort[SORTS_MAX];   // places in q.fields
    bool falls[SORTS_MAX]; // descending
    int sort_n;
    bool by_id, id_falls;
    struct str words;                        // folded: looked for in all clear text
    struct str per_field[TABLE_COLUMNS_MAX]; // folded, by place in q.fields
    bool has_words;
    int64_t offset, limit, total, seen;
    struct kept *kept;
    size_t kept_n, kept_cap, kept_bytes;
    struct buf text;      // records as CSV
    struct arena scratch; // of one row being searched
    enum { AS_OBJECTS, AS_LISTS, AS_CSV } format;
};

// The place of a column in the view, -1 if the view does not hold it.
static int view_place(const struct search *s, struct str id) {
    for (int i = 0; i < s->rows.view.n; i++)
        if (str_eq(s->rows.shape.columns[s->rows.view.columns[i].column].id, id)) return i;
    return -1;
}

static int unknown(struct search *s, const char *field, struct str id) {
    return cx_field_fail(s->k->cx, ERR_column_unknown, field, "%.*s", (int)(id.n > 60 ? 60 : id.n),
                         id.p ? id.p : "");
}

static int add_field(struct search *s, int *fields, struct str id) {
    int place = view_place(s, id);
    if (place < 0) return unknown(s, "fields", id);
    for (int i = 0; i < s->q.fields_n; i++)
        if (fields[i] == place) return OK;
    fields[s->q.fields_n++] = place;
    return OK;
}

static int read_fields(struct search *s) {
    struct json list = ckan_json(s->k, "fields");
    int *fields = arena_array(s->k->cx->mem, TABLE_COLUMNS_MAX + SORTS_MAX, sizeof *fields), code = OK;
    if (!fields) return cx_fail(s->k->cx, ERR_no_memory, "", "fields");
    s->q.fields = fields;
    s->q.fields_n = 0;
    for (struct json_iter it = json_iter(list); json_is(list, JSON_ARRAY) && code == OK && json_next(&it);)
        if (!str_eq(json_text(it.value), S("_id"))) code = add_field(s, fields, json_text(it.value));
    for (struct str rest = json_text(list); rest.p && code == OK;) {
        struct str one = str_trim(str_cut(rest, ',', &rest));
        if (one.n && !str_eq(one, S("_id"))) code = add_field(s, fields, one);
    }
    if (code == OK && s->q.fields_n == 0) {
        struct table_query all = table_query_all(s->k->cx, &s->rows.shape, &s->rows.view);
        for (int i = 0; i < all.fields_n; i++)
            fields[s->q.fields_n++] = all.fields[i];
    }
    s->out_n = s->q.fields_n;
    return code;
}

// The place in q.fields, appended where it does not leave by itself.
static int needed(struct search *s, int place) {
    int *fields = (int *)(uintptr_t)s->q.fields; // our own array of read_fields
    for (int i = 0; i < s->q.fields_n; i++)
        if (fields[i] == place) return i;
    if (s->q.fields_n == TABLE_COLUMNS_MAX) return -1;
    fields[s->q.fields_n] = place;
    return s->q.fields_n++;
}

static int read_sort(struct search *s) {
    struct cx *cx = s->k->cx;
    for (struct str rest = catalog_none(ckan_text(s->k, "sort")); rest.n;) {
        struct str one = str_trim(str_cut(rest, ',', &rest)), way, name = str_cut(one, ' ', &way);
        bool falls = str_eq_nocase(str_trim(catalog_none(way)), S("desc"));
        if (name.n > 2 && name.p[0] == '"' && name.p[name.n - 1] == '"')
            name = (struct str){name.p + 1, name.n - 2};
        if (str_eq(name, S("_id")) && s->sort_n == 0) { // ids are unique: what follows decides nothing
            s->by_id = true;
            s->id_falls = falls;
            return OK;
        }
        int place = view_place(s, name);
        if (place < 0) return unknown(s, "sort", name);
        int code = table_filter_may(cx, &s->rows.shape, &s->rows.view, s->rows.view.columns[place].column);
        if (code != OK) return code;
        int at = s->sort_n < SORTS_MAX ? needed(s, place) : -1;
        if (at < 0) return cx_field_fail(cx, ERR_too_large, "sort", "%d", SORTS_MAX);
        s->sort[s->sort_n] = at;
        s->falls[s->sort_n++] = falls;
        if (!rest.p) break;
    }
    return OK;
}

static int add_filter(struct search *s, struct table_filter *filters, struct str name, struct json v) {
    struct cx *cx = s->k->cx;
    int place = view_place(s, name);
    struct str values[TABLE_IN_MAX];
    int n = 0;
    if (place < 0) return unknown(s, "filters", name);
    if (s->q.filters_n == TABLE_FILTERS_MAX)
        return cx_field_fail(cx, ERR_filter_many, "filters", "%d", TABLE_FILTERS_MAX);
    int code = table_filter_may(cx, &s->rows.shape, &s->rows.view, s->rows.view.columns[place].column);
    if (code != OK) return code;
    if (json_is(v, JSON_ARRAY)) {
        for (struct json_iter it = json_iter(v); json_next(&it);) {
            if (n == TABLE_IN_MAX) return cx_field_fail(cx, ERR_filter_many, "filters", "%d", TABLE_IN_MAX);
            values[n++] = json_is(it.value, JSON_TEXT) ? json_text(it.value) : json_raw(it.value);
        }
    } else {
        values[n++] = json_is(v, JSON_TEXT) ? json_text(v) : json_raw(v);
    }
    if (n == 0) return cx_field_fail(cx, ERR_field_missing, "filters", "%s", "");
    code = table_filter_make(cx, &s->rows.shape, name, n == 1 ? S("eq") : S("in"), values, n,
                             &filters[s->q.filters_n]);
    if (code == OK) s->q.filters_n++;
    return code;
}

static int read_filters(struct search *s) {
    struct json all = ckan_json(s->k, "filters");
    struct table_filter *filters = arena_array(s->k->cx->mem, TABLE_FILTERS_MAX, sizeof *filters);
    int code = filters ? OK : cx_fail(s->k->cx, ERR_no_memory, "", "filters");
    s->q.filters = filters;
    if (json_kind(all) && !json_is(all, JSON_NULL) && !json_is(all, JSON_OBJECT))
        return cx_field_fail(s->k->cx, ERR_field_type, "filters", "object");
    for (struct json_iter it = json_iter(all); code == OK && json_next(&it);)
        code = add_filter(s, filters, it.name, it.value);
    return code;
}

// q: words for all columns, or an object of words per column.
static int read_words(struct search *s) {
    struct cx *cx = s->k->cx;
    struct json q = ckan_json(s->k, "q");
    s->words = str_trim(ckan_fold(cx->mem, catalog_none(json_text(q))));
    s->has_words = s->words.n > 0;
    if (!json_is(q, JSON_OBJECT)) return OK;
    for (struct json_iter it = json_iter(q); json_next(&it);) {
        int place = view_place(s, it.name);
        if (place < 0) return unknown(s, "q", it.name);
        int code = table_filter_may(cx, &s->rows.shape, &s->rows.view, s->rows.view.columns[place].column);
        int at = code == OK ? needed(s, place) : -1;
        if (at < 0) return code != OK ? code : cx_field_fail(cx, ERR_too_large, "q", "%d", TABLE_COLUMNS_MAX);
        s->per_field[at] = str_trim(ckan_fold(cx->mem, catalog_none(json_text(it.value))));
        s->has_words = s->has_words || s->per_field[at].n;
    }
    return OK;
}

// --- the plain way: filters, then a page by offset ---

static int pass_over(struct cx *cx, void *arg, int64_t id, const struct table_cell *cells) {
    (void)cx, (void)arg, (void)id, (void)cells;
    return OK;
}

static int skip(struct search *s) {
    struct table_query q = s->q;
    for (int64_t left = s->offset; left > 0;) {
        struct table_page page = {0};
        q.fields_n = q.fields_n ? 1 : 0;
        q.limit = left < SKIP_PAGE ? left : SKIP_PAGE;
        int code = table_page_rows(s->k->cx, &q, pass_over, NULL, &page);
        if (code != OK) return code;
        if (page.rows < q.limit) return ERR_not_found; // the page lies behind the last row
        q.after = page.last_id;
        left -= page.rows;
    }
    s->q.after = q.after;
    return OK;
}

static int put_record(struct cx *cx, void *arg, int64_t id, const struct table_cell *cells) {
    struct search *s = arg;
    struct jw *w = &cx->w;
    if (s->format == AS_CSV) {
        buf_int(&s->text, id);
        for (int i = 0; i < s->out_n; i++) {
            buf_char(&s->text, ',');
            csv_put(&s->text, catalog_none(table_cell_text(cx->mem, table_query_type(&s->q, i), &cells[i])),
                    ',', true);
        }
        buf_puts(&s->text, "\n");
        return s->text.over ? cx_fail(cx, ERR_too_large, "limit", "%zu", s->text.max_bytes) : OK;
    }
    if (s->format == AS_LISTS) {
        jw_array(w);
        jw_int(w, id);
    } else {
        jw_object(w);
        jw_nint(w, "_id", id);
    }
    for (int i = 0; i < s->out_n; i++) {
        if (s->format == AS_OBJECTS) jw_name_str(w, table_query_column(&s->q, i)->id);
        table_cell_json(w, table_query_type(&s->q, i), &cells[i]);
    }
    if (s->format == AS_LISTS)
        jw_array_end(w);
    else
        jw_object_end(w);
    return cx->out.over ? cx_fail(cx, ERR_too_large, "limit", "%zu", cx->out.max_bytes) : OK;
}

static int put_plain(struct search *s) {
    int code = skip(s);
    if (code == ERR_not_found) return OK;
    struct table_page page;
    s->q.limit = s->limit;
    return code == OK && s->limit > 0 ? table_page_rows(s->k->cx, &s->q, put_record, s, &page) : code;
}

// --- the long way: rows are looked at one by one, kept and sorted ---

static bool words_hold(struct search *s, const struct table_cell *cells) {
    struct arena *mem = &s->scratch;
    arena_reset(mem);
    struct buf all = buf_new(mem, 256, TABLE_CELL_MAX * 2);
    for (int i = 0; i < s->q.fields_n; i++) {
        if (s->rows.view.columns[s->q.fields[i]].mask != MASK_NONE)
            continue; // a masked value is not searched
        struct str cell = catalog_none(table_cell_text(mem, table_query_type(&s->q, i), &cells[i]));
        struct str text = ckan_fold(mem, cell);
        if (s->per_field[i].n && ckan_word_count(text, s->per_field[i]) == 0) return false;
        buf_put(&all, text);
        buf_char(&all, '\n');
    }
    for (struct str rest = s->words; rest.p && rest.n;) {
        struct str one = str_trim(str_cut(rest, ' ', &rest));
        if (one.n && ckan_word_count(buf_str(&all), one) == 0) return false;
    }
    return true;
}

static int keep(struct cx *cx, void *arg, int64_t id, const struct table_cell *cells) {
    struct search *s = arg;
    if (++s->seen > CKAN_SCAN_MAX) return cx_field_fail(cx, ERR_rows_many, "filters", "%d", CKAN_SCAN_MAX);
    if (s->has_words && !words_hold(s, cells)) return OK;
    s->total++;
    // Without an order only the page itself is kept.
    if (!s->sort_n && !s->id_falls && (s->total <= s->offset || s->total > s->offset + s->limit)) return OK;
    if (s->kept_n == s->kept_cap) {
        size_t more = s->kept_cap ? s->kept_cap * 2 : 256;
        s->kept = arena_grow(cx->mem, s->kept, s->kept_cap * sizeof *s->kept, more * sizeof *s->kept);
        if (!s->kept) return cx_fail(cx, ERR_no_memory, "", "rows");
        s->kept_cap = more;
    }
    struct table_cell *copy = arena_array(cx->mem, (size_t)s->q.fields_n + 1, sizeof *copy);
    if (!copy) return cx_fail(cx, ERR_no_memory, "", "rows");
    for (int i = 0; i < s->q.fields_n; i++) {
        copy[i] = cells[i];
        if (cells[i].kind == TABLE_CELL_TEXT) copy[i].s = str_copy(cx->mem, cells[i].s);
        s->kept_bytes += sizeof *copy + cells[i].s.n;
    }
    if (s->kept_bytes > KEPT_BYTES) return cx_field_fail(cx, ERR_rows_many, "filters", "%zu", s->kept_n);
    s->kept[s->kept_n++] = (struct kept){id, copy};
    return OK;
}

static int compare_cells(const struct table_cell *a, const struct table_cell *b, enum table_type t) {
    if (a->kind == TABLE_CELL_NULL || b->kind == TABLE_CELL_NULL) // empty values last, as PostgreSQL does
        return (a->kind == TABLE_CELL_NULL) - (b->kind == TABLE_CELL_NULL);
    if (a->kind == TABLE_CELL_INT) return a->i < b->i ? -1 : a->i > b->i;
    if (t == TABLE_DEC) {
        char x[64], y[64];
        if (a->s.n < sizeof x && b->s.n < sizeof y) {
            memcpy(x, a->s.p, a->s.n);
            memcpy(y, b->s.p, b->s.n);
            x[a->s.n] = y[b->s.n] = 0;
            double p = strtod(x, NULL), q = strtod(y, NULL);
            if (p < q || p > q) return p < q ? -1 : 1;
        }
    }
    return str_cmp(a->s, b->s);
}

static int compare_rows(const void *a, const void *b, void *arg) {
    const struct kept *x = a, *y = b;
    const struct search *s = arg;
    for (int i = 0; i < s->sort_n; i++) {
        int at = s->sort[i], c = compare_cells(&x->cells[at], &y->cells[at], table_query_type(&s->q, at));
        if (c) return s->falls[i] ? -c : c;
    }
    int c = x->id < y->id ? -1 : x->id > y->id;
    return s->id_falls ? -c : c;
}

static int collect(struct search *s) {
    for (;;) {
        struct table_page page;
        s->q.limit = SKIP_PAGE;
        int code = table_page_rows(s->k->cx, &s->q, keep, s, &page);
        if (code != OK) return code;
        if (page.rows < SKIP_PAGE) return OK;
        s->q.after = page.last_id;
    }
}

static int put_kept(struct search *s) {
    bool sorted = s->sort_n || s->id_falls;
    int64_t from = sorted ? s->offset : 0;
    int code = OK;
    if (sorted && s->kept_n) qsort_r(s->kept, s->kept_n, sizeof *s->kept, compare_rows, s);
    for (int64_t i = from; i < (int64_t)s->kept_n && i - from < s->limit && code == OK; i++)
        code = put_record(s->k->cx, s, s->kept[i].id, s->kept[i].cells);
    return code;
}

// --- the answer ---

static void put_fields(struct search *s) {
    struct jw *w = &s->k->cx->w;
    jw_name(w, "fields");
    jw_array(w);
    jw_object(w);
    jw_ntext(w, "id", S("_id"));
    jw_ntext(w, "type", S("int"));
    jw_object_end(w);
    for (int i = 0; i < s->out_n; i++) {
        const struct table_column *c = table_query_column(&s->q, i);
        jw_object(w);
        jw_ntext(w, "id", c->id);
        jw_ntext(w, "type", str_of(type_name(c->type)));
        jw_name(w, "info");
        jw_object(w);
        jw_ntext(w, "label", c->zh);
        jw_ntext(w, "label_en", c->en);
        jw_nbool(w, "masked", s->rows.view.columns[s->q.fields[i]].mask != MASK_NONE);
        jw_object_end(w);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void put_links(struct search *s, struct str id) {
    struct cx *cx = s->k->cx;
    struct jw *w = &cx->w;
    struct buf b = buf_new(cx->mem, 128, 4096);
    jw_name(w, "_links");
    jw_object(w);
    buf_print(&b, "/api/3/action/datastore_search?resource_id=%.*s&limit=%lld", STRF(id),
              (long long)s->limit);
    jw_ntext(w, "start", buf_str(&b));
    jw_ntext(w, "next",
             str_print(cx->mem, "%.*s&offset=%lld", STRF(buf_str(&b)), (long long)(s->offset + s->limit)));
    jw_object_end(w);
}

static int read_search(struct search *s) {
    struct ckan *k = s->k;
    struct str format = ckan_text(k, "records_format");
    int code = ckan_int(k, "limit", 100, 0, CKAN_ROWS_MAX, &s->limit);
    if (code == OK) code = ckan_int(k, "offset", 0, 0, INT64_MAX / 4, &s->offset);
    s->format = str_eq(format, S("lists")) ? AS_LISTS : str_eq(format, S("csv")) ? AS_CSV : AS_OBJECTS;
    if (code == OK && format.n && s->format == AS_OBJECTS && !str_eq(format, S("objects")))
        code = cx_field_fail(k->cx, ERR_field_value, "records_format", "objects lists csv");
    if (code == OK && ckan_flag(k, "distinct", false))
        code = cx_field_fail(k->cx, ERR_field_value, "distinct", "true");
    s->q = (struct table_query){.shape = &s->rows.shape, .view = &s->rows.view};
    if (code == OK) code = read_fields(s);
    if (code == OK) code = read_filters(s);
    if (code == OK) code = read_sort(s);
    if (code == OK) code = read_words(s);
    return code;
}

static int put_records(struct search *s, bool long_way) {
    struct cx *cx = s->k->cx;
    struct jw *w = &cx->w;
    jw_name(w, "records");
    if (s->format == AS_CSV)
        s->text = buf_new(cx->mem, 4096, (size_t)32 << 20);
    else
        jw_array(w);
    int code = long_way ? put_kept(s) : put_plain(s);
    if (s->format == AS_CSV)
        jw_text(w, catalog_none(buf_str(&s->text)));
    else
        jw_array_end(w);
    return code;
}

static int datastore_search(struct ckan *k) {
    struct cx *cx = k->cx;
    struct search *s = arena_take(cx->mem, sizeof *s);
    struct str id = ckan_text(k, "resource_id").n ? ckan_text(k, "resource_id") : ckan_text(k, "id");
    if (!s) return cx_fail(cx, ERR_no_memory, "", "search");
    s->k = k;
    if (!id.n) return cx_field_fail(cx, ERR_field_missing, "resource_id", "%s", "");
    int code = ckan_find_resource(cx, id, &s->d, &s->r);
    if (code == OK && s->r.kind != CATALOG_TABLE)
        return cx_fail(cx, ERR_not_found, "resource_id", "%.*s", STRF(s->r.rid));
    if (code == OK) code = open_rows(cx, s->d, false, &s->rows);
    if (code == OK) code = read_search(s);
    bool long_way = s->sort_n || s->id_falls || s->has_words;
    arena_init(&s->scratch, 0);
    if (code == OK) code = long_way ? collect(s) : table_count(cx, &s->q, &s->total);
    arena_free(&s->scratch);
    if (code != OK) return code;
    struct jw *w = &cx->w;
    jw_object(w);
    jw_nbool(w, "include_total", ckan_flag(k, "include_total", true));
    jw_ntext(w, "resource_id", str_print(cx->mem, "%.*s.%.*s", STRF(s->d->id), STRF(s->r.rid)));
    put_fields(s);
    jw_ntext(w, "records_format",
             s->format == AS_LISTS ? S("lists")
             : s->format == AS_CSV ? S("csv")
                                   : S("objects"));
    code = put_records(s, long_way);
    jw_nint(w, "limit", s->limit);
    jw_nint(w, "offset", s->offset);
    if (ckan_flag(k, "include_total", true)) {
        jw_nint(w, "total", s->total);
        jw_nbool(w, "total_was_estimated", false);
    }
    jw_nbool(w, "synthetic", s->d->is_synthetic);
    put_links(s, id);
    jw_object_end(w);
    return code;
}

static int datastore_info(struct ckan *k) {
    struct cx *cx = k->cx;
    struct search *s = arena_take(cx->mem, sizeof *s);
    struct str id;
    if (!s) return cx_fail(cx, ERR_no_memory, "", "search");
    s->k = k;
    int code = ckan_need(k, "id", &id);
    if (code == OK) code = ckan_find_resource(cx, id, &s->d, &s->r);
    if (code == OK && s->r.kind != CATALOG_TABLE) return cx_fail(cx, ERR_not_found, "id", "%.*s", STRF(id));
    if (code == OK) code = open_rows(cx, s->d, false, &s->rows);
    if (code != OK) return code;
    s->q = table_query_all(cx, &s->rows.shape, &s->rows.view);
    s->out_n = s->q.fields_n;
    jw_object(&cx->w);
    jw_name(&cx->w, "meta");
    jw_object(&cx->w);
    jw_ntext(&cx->w, "id", id);
    jw_nint(&cx->w, "count", s->d->rows);
    jw_ntext(&cx->w, "table_type", S("BASE TABLE"));
    jw_object_end(&cx->w);
    put_fields(s);
    jw_object_end(&cx->w);
    return OK;
}

const struct ckan_action ckan_rows_actions[] = {
    {"datastore_search", false, datastore_search, "检索数据行", "Searches the rows of a table"},
    {"datastore_info", false, datastore_info, "数据表的列", "Columns of a table"},
    {0}};

// --- whole files ---

static int export(struct cx *cx, struct catalog_dataset *d, struct str format, bool with_bom) {
    struct rows rows;
    int code = open_rows(cx, d, true, &rows);
    if (code != OK) return code;
    if (rows.shape.table == 0) return cx_fail(cx, ERR_no_rows_yet, "", "%s", "");
    return rows_export(cx, &rows, format, S("id"), with_bom);
}

static int dump_handle(struct cx *cx) {
    struct catalog_dataset *d;
    struct catalog_resource r;
    struct str format = cx_text(cx, "format"), id = cx_text(cx, "id");
    int code = ckan_find_resource(cx, id, &d, &r);
    if (code != OK) return code;
    if (r.kind != CATALOG_TABLE) return cx_fail(cx, ERR_not_found, "id", "%.*s", STRF(r.rid));
    return export(cx, d, format.n ? format : S("csv"), cx_bool(cx, "bom", false));
}

// A file is given as portal and desk give it: it cannot be trimmed by column.
static bool may_have_file(struct cx *cx, const struct catalog_dataset *d) {
    if (catalog_is_open(d) && d->open == CATALOG_OPEN_FREE && d->grade == GRADE_L1) return true;
    if (seen_is_public(cx) || !cx_is(cx, R_ALL_OFFICE)) return false;
    bool own = cx->who.office.n && str_eq(cx->who.office, d->office);
    return own || (d->is_live && d->share == CATALOG_SHARE_FREE);
}

static int download_handle(struct cx *cx) {
    struct catalog_dataset *d;
    struct catalog_resource r;
    struct str file = cx_text(cx, "file"), rid = cx_text(cx, "rid");
    int code = seen_get(cx, cx_text(cx, "id"), &d);
    if (code == OK) code = catalog_resource_get(cx, d->id, rid, &r);
    if (code == ERR_not_found)
        return cx_fail(cx, ERR_not_found, "rid", "%.*s", (int)(rid.n > 60 ? 60 : rid.n), rid.p);
    if (code != OK) return code;
    if (r.kind == CATALOG_FILE) return may_have_file(cx, d) ? files_send(cx, &r) : cx_deny(cx, "download");
    if (r.kind != CATALOG_TABLE) return cx_fail(cx, ERR_not_found, "rid", "%.*s", STRF(rid));
    const struct str endings[] = {S(".csv"), S(".json"), S(".xlsx")};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (str_ends(file, endings[i]))
            return export(cx, d, (struct str){endings[i].p + 1, endings[i].n - 1}, false);
    return cx_fail(cx, ERR_not_found, "file", "%.*s", (int)(file.n > 60 ? 60 : file.n), file.p);
}

static const struct field dump_takes[] = {
    {"id", .where = IN_PATH, .type = T_TEXT, .required = true, .max = 160, .zh = "资源", .en = "Resource"},
    {"format", .where = IN_QUERY, .type = T_CHOICE, .choices = "csv|json|xlsx", .zh = "格式", .en = "Format"},
    {"bom", .where = IN_QUERY, .type = T_BOOL, .zh = "CSV 带 BOM", .en = "CSV with a BOM"},
    {0}};
static const struct field download_takes[] = {
    {"id", .where = IN_PATH, .type = T_TEXT, .required = true, .max = 60, .zh = "目录", .en = "Data set"},
    {"rid", .where = IN_PATH, .type = T_TEXT, .required = true, .max = 80, .zh = "资源", .en = "Resource"},
    {"file", .where = IN_PATH, .type = T_TEXT, .required = true, .max = 240, .zh = "文件名",
     .en = "File name"},
    {0}};
static const struct shape dump_shape = {.name = "CkanFile", .media = "application/octet-stream"};

const struct route catalog_ckan_file_routes[] = {
    {"GET", "/datastore/dump/{id}", ROUTE_SLOW, R_PUBLIC, dump_takes, &dump_shape, .flags = ROUTE_OPEN_FIELDS,
     .handle = dump_handle, .zh = "导出整表（CKAN）", .en = "Dump of a table (CKAN)"},
    {"GET", "/dataset/{id}/resource/{rid}/download/{file}", ROUTE_SLOW, R_PUBLIC, download_takes, &dump_shape,
     .flags = ROUTE_OPEN_FIELDS, .handle = download_handle, .zh = "下载资源（CKAN）",
     .en = "Download of a resource (CKAN)"},
    {0}};
