// SPDX-License-Identifier: MulanPSL-2.0
// Filters of generated tables: from the query part of a URL or a grant's JSON into typed conditions, and from
// there into the where-clause. Keeps true: a name or value never reaches SQL text; a caller's filter only
// names columns that his view holds unmasked (he hears "no such column" of others, whether they exist or
// not); equal questions make equal SQL, so that prepared statements are found again.
#include "core/table_inner.h"
#include <assert.h>

#define QUERY_BYTES_MAX ((size_t)16 << 10) // the query part of a URL

static const struct {
    const char *word;
    enum table_op op;
} OPS[] = {
    {"eq", TABLE_EQ}, {"in", TABLE_IN}, {"gte", TABLE_GTE}, {"lte", TABLE_LTE}, {"prefix", TABLE_PREFIX}};

static bool op_of(struct str word, enum table_op *ret) {
    for (size_t i = 0; i < sizeof OPS / sizeof *OPS; i++)
        if (str_eq(word, str_of(OPS[i].word))) {
            *ret = OPS[i].op;
            return true;
        }
    return false;
}

// Which questions a column can answer at all; a sealed one only equality, and only through its blind index.
static int op_fits(struct cx *cx, const struct table_column *c, enum table_op op, const char *field) {
    const bool is_equal = op == TABLE_EQ || op == TABLE_IN;
    if (c->is_sealed && !(is_equal && table_has_blind(c)))
        return cx_fail(cx, ERR_column_sealed, field, "%.*s", STRF(c->id));
    if (c->type == TABLE_GEOMETRY || c->type == TABLE_POINT)
        return cx_fail(cx, ERR_filter_op, field, "%.*s", STRF(c->id));
    if (op == TABLE_PREFIX && c->type != TABLE_TEXT && c->type != TABLE_CODE && c->type != TABLE_PERIOD)
        return cx_fail(cx, ERR_filter_op, field, "%.*s", STRF(c->id));
    if (!is_equal && c->type == TABLE_BOOL) return cx_fail(cx, ERR_filter_op, field, "%.*s", STRF(c->id));
    return OK;
}

// Values are read by the column's own type before they are bound: "capital=abc" is an error that names the
// field, not a comparison that silently finds nothing.
static int make(struct cx *cx, const struct table_shape *s, int column, enum table_op op,
                const struct str *values, int n, const char *field, struct table_filter *ret) {
    const struct table_column *c = &s->columns[column];
    if (op_fits(cx, c, op, field)) return cx->err.code;
    if (n < 1 || (op != TABLE_IN && n != 1)) return cx_fail(cx, ERR_field_missing, field, "%s", "");
    if (n > TABLE_IN_MAX) return cx_fail(cx, ERR_filter_many, field, "%d", TABLE_IN_MAX);
    struct table_cell *cells = arena_array(cx->mem, (size_t)n, sizeof *cells);
    if (!cells) return cx_fail(cx, ERR_no_memory, "", "%s", "");
    for (int i = 0; i < n; i++) {
        struct err e = {0};
        if (op == TABLE_PREFIX) { // half a period or code is no value of its type
            cells[i] = (struct table_cell){.kind = TABLE_CELL_TEXT, .s = values[i]};
            if (values[i].n == 0) cells[i].kind = TABLE_CELL_NULL;
        } else if (table_cell_read(cx->mem, c->type, values[i], &cells[i], &e))
            return cx_fail(cx, e.code, field, "%s", e.arg);
        // `column=` asks for rows where nothing stands; a bound of nothing is no bound.
        if (cells[i].kind == TABLE_CELL_NULL && op != TABLE_EQ)
            return cx_fail(cx, ERR_field_missing, field, "%s", "");
    }
    *ret = (struct table_filter){.column = column, .op = op, .values = cells, .n = n};
    return OK;
}

int table_filter_make(struct cx *cx, const struct table_shape *s, struct str column, struct str op,
                      const struct str *values, int n, struct table_filter *ret) {
    const char *field = str_z(cx->mem, column);
    const int i = table_column_index(s, column);
    enum table_op o;
    if (i < 0) return cx_fail(cx, ERR_column_unknown, field, "%.*s", STRF(column));
    if (!op_of(op, &o)) return cx_fail(cx, ERR_filter_op, field, "%.*s", STRF(op));
    return make(cx, s, i, o, values, n, field, ret);
}

// A JSON scalar as the text that table_cell_read reads.
static struct str scalar(struct json v) {
    if (json_is(v, JSON_TEXT)) return json_text(v);
    if (json_is(v, JSON_NUMBER) || json_is(v, JSON_TRUE) || json_is(v, JSON_FALSE)) return json_raw(v);
    return STR_NONE;
}

int table_filter_json(struct cx *cx, const struct table_shape *s, struct json item,
                      struct table_filter *ret) {
    const struct str column = json_text(json_get(item, S("column")));
    const struct json one = json_get(item, S("value")), many = json_get(item, S("values"));
    struct str op = json_text(json_get(item, S("op")));
    if (!column.p) return cx_fail(cx, ERR_field_missing, "column", "%s", "");
    if (!op.p) op = S("eq");
    const size_t n = json_is(many, JSON_ARRAY) ? json_count(many) : 1;
    if (n > TABLE_IN_MAX) return cx_fail(cx, ERR_filter_many, str_z(cx->mem, column), "%d", TABLE_IN_MAX);
    struct str values[TABLE_IN_MAX];
    for (size_t i = 0; i < n; i++) {
        values[i] = scalar(json_is(many, JSON_ARRAY) ? json_at(many, i) : one);
        if (!values[i].p) return cx_fail(cx, ERR_field_missing, str_z(cx->mem, column), "%s", "");
    }
    return table_filter_make(cx, s, column, op, values, (int)n, ret);
}

// Views are short (a grant names its columns): a walk is faster than a table would be.
static const struct table_view_column *view_column(const struct table_view *v, int column) {
    for (int i = 0; i < v->n; i++)
        if (v->columns[i].column == column) return &v->columns[i];
    return NULL;
}

int table_filter_may(struct cx *cx, const struct table_shape *s, const struct table_view *v, int column) {
    const struct str id = column >= 0 && column < s->n ? s->columns[column].id : STR_NONE;
    const struct table_view_column *c = column >= 0 ? view_column(v, column) : NULL;
    if (!c || c->mask == MASK_OMIT)
        return cx_fail(cx, ERR_column_unknown, str_z(cx->mem, id), "%.*s", STRF(id));
    if (c->mask != MASK_NONE) return cx_fail(cx, ERR_column_masked, str_z(cx->mem, id), "%.*s", STRF(id));
    return OK;
}

// --- reading a URL's query part ---

static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// %XX and '+' undone; false when malformed or not UTF-8.
static bool decode(struct arena *mem, struct str s, struct str *ret) {
    if (!memchr(s.p ? s.p : "", '%', s.n) && !memchr(s.p ? s.p : "", '+', s.n)) {
        *ret = (struct str){s.p ? s.p : "", s.n};
        return str_utf8_ok(*ret);
    }
    char *p = arena_take(mem, s.n + 1);
    size_t n = 0;
    if (!p) return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '+') {
            p[n++] = ' ';
        } else if (s.p[i] == '%') {
            if (i + 2 >= s.n || hex(s.p[i + 1]) < 0 || hex(s.p[i + 2]) < 0) return false;
            p[n++] = (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
            i += 2;
        } else
            p[n++] = s.p[i];
    }
    *ret = (struct str){p, n};
    return str_utf8_ok(*ret);
}

struct reading {
    const struct table_shape *s;
    const struct table_view *v;
    const char *const *others;
    struct table_query *q;
    struct table_filter *filters;
    struct str after;
};

// fields=a,b: the caller's order is the reply's order; a column twice is a mistake, not a wish.
static int read_fields(struct cx *cx, struct reading *r, struct str list) {
    int *fields = arena_array(cx->mem, (size_t)r->v->n + 1, sizeof *fields), n = 0;
    if (!fields) return cx_fail(cx, ERR_no_memory, "", "%s", "");
    for (struct str rest = list; rest.p;) {
        const struct str id = str_trim(str_cut(rest, ',', &rest));
        const int column = table_column_index(r->s, id);
        int at = -1;
        for (int i = 0; i < r->v->n && column >= 0; i++)
            if (r->v->columns[i].column == column && r->v->columns[i].mask != MASK_OMIT) at = i;
        if (at < 0) return cx_fail(cx, ERR_column_unknown, "fields", "%.*s", STRF(id));
        for (int i = 0; i < n; i++)
            if (fields[i] == at) return cx_fail(cx, ERR_field_value, "fields", "%.*s", STRF(id));
        fields[n++] = at;
    }
    r->q->fields = fields;
    r->q->fields_n = n;
    return OK;
}

static int read_limit(struct cx *cx, struct reading *r, struct str value) {
    int64_t limit;
    if (!str_int64(value, &limit)) return cx_fail(cx, ERR_field_type, "limit", "int");
    if (limit < 1 || limit > TABLE_PAGE_MAX)
        return cx_fail(cx, ERR_field_range, "limit", "1–%d", TABLE_PAGE_MAX);
    r->q->limit = limit;
    return OK;
}

// Apart, since its room on the stack is cleared each time, and nearly all filters have one value.
static int read_list(struct cx *cx, struct reading *r, int at, struct str value, const char *field,
                     struct table_filter *ret) {
    struct str values[TABLE_IN_MAX];
    int n = 0;
    for (struct str rest = value; rest.p;) {
        if (n == TABLE_IN_MAX) return cx_fail(cx, ERR_filter_many, field, "%d", TABLE_IN_MAX);
        values[n++] = str_cut(rest, ',', &rest);
    }
    return make(cx, r->s, at, TABLE_IN, values, n, field, ret);
}

static int read_filter(struct cx *cx, struct reading *r, struct str name, struct str value) {
    enum table_op op = TABLE_EQ;
    struct str column = name;
    for (size_t i = name.n; i-- > 0;) {
        if (name.p[i] != '.') continue;
        if (op_of((struct str){name.p + i + 1, name.n - i - 1}, &op)) column.n = i;
        break;
    }
    const char *field = str_z(cx->mem, name);
    const int at = table_column_index(r->s, column);
    if (at < 0 || !view_column(r->v, at)) return cx_fail(cx, ERR_column_unknown, field, "%.*s", STRF(column));
    if (table_filter_may(cx, r->s, r->v, at)) return cx->err.code;
    if (r->q->filters_n == TABLE_FILTERS_MAX)
        return cx_fail(cx, ERR_filter_many, field, "%d", TABLE_FILTERS_MAX);
    struct table_filter *f = &r->filters[r->q->filters_n++];
    return op == TABLE_IN ? read_list(cx, r, at, value, field, f)
                          : make(cx, r->s, at, op, &value, 1, field, f);
}

static int read_pair(struct cx *cx, struct reading *r, struct str pair) {
    struct str raw_value = STR_NONE, name, value;
    const struct str raw_name = str_cut(pair, '=', &raw_value);
    if (raw_name.n == 0) return pair.n ? cx_fail(cx, ERR_bad_request, "", "query") : OK;
    if (!decode(cx->mem, raw_name, &name) || !decode(cx->mem, raw_value, &value))
        return cx_fail(cx, ERR_utf8, "", "%s", "");
    for (size_t i = 0; r->others && r->others[i]; i++)
        if (str_eq(name, str_of(r->others[i]))) return OK;
    if (str_eq(name, S("fields"))) return value.n ? read_fields(cx, r, value) : OK;
    if (str_eq(name, S("limit"))) return read_limit(cx, r, value);
    if (str_eq(name, S("after"))) {
        r->after = value;
        return OK;
    }
    return read_filter(cx, r, name, value);
}

// By column, then by kind: the order in which somebody wrote his filters changes neither cursor nor
// statement.
static void sort_filters(struct table_filter *f, int n) {
    for (int i = 1; i < n; i++) {
        const struct table_filter one = f[i];
        int at = i;
        for (; at > 0 &&
               (f[at - 1].column > one.column || (f[at - 1].column == one.column && f[at - 1].op > one.op));
             at--)
            f[at] = f[at - 1];
        f[at] = one;
    }
}

// --- cursors ---

#define CURSOR_MAC_BYTES 8

static void put_number(struct buf *b, int64_t v) {
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_char(b, (char)((uint64_t)v >> shift & 0xff));
}

// Everything that makes the question what it is; every text carries its length, so that none runs into the
// next.
static void cursor_mac(struct cx *cx, const struct table_query *q, int64_t last_id, uint8_t out[HASH_BYTES]) {
    struct buf b = buf_new(cx->mem, 256, (size_t)1 << 22);
    buf_put(&b, S("gusu cursor 1\n"));
    put_number(&b, q->shape->series);
    put_number(&b, q->view->id);
    put_number(&b, last_id);
    for (int i = 0; i < q->filters_n; i++) {
        const struct table_filter *f = &q->filters[i];
        put_number(&b, q->shape->columns[f->column].n);
        put_number(&b, f->op);
        put_number(&b, f->n);
        for (int k = 0; k < f->n; k++) {
            put_number(&b, f->values[k].kind == TABLE_CELL_INT ? f->values[k].i : (int64_t)f->values[k].s.n);
            if (f->values[k].kind == TABLE_CELL_TEXT) buf_put(&b, f->values[k].s);
        }
    }
    hash_hmac(cx->hasher, HASH_SM3, (struct str){(const char *)cx->city->key, sizeof cx->city->key},
              buf_str(&b), out);
}

struct str table_cursor(struct cx *cx, const struct table_query *q, int64_t last_id) {
    uint8_t bytes[8 + HASH_BYTES];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)last_id >> (56 - 8 * i));
    cursor_mac(cx, q, last_id, bytes + 8);
    return str_base64url(cx->mem, bytes, 8 + CURSOR_MAC_BYTES);
}

// The signature is compared in constant time: whoever could learn it byte by byte could page from any row.
static int read_cursor(struct cx *cx, struct table_query *q, struct str after) {
    struct str bytes;
    uint8_t mac[HASH_BYTES];
    uint64_t id = 0;
    if (!str_unbase64(cx->mem, after, true, &bytes) || bytes.n != 8 + CURSOR_MAC_BYTES)
        return cx_fail(cx, ERR_cursor, "after", "%s", "");
    for (int i = 0; i < 8; i++)
        id = id << 8 | (uint8_t)bytes.p[i];
    cursor_mac(cx, q, (int64_t)id, mac);
    if (id > INT64_MAX || !str_equal_const_time(mac, bytes.p + 8, CURSOR_MAC_BYTES))
        return cx_fail(cx, ERR_cursor, "after", "%s", "");
    q->after = (int64_t)id;
    return OK;
}

// What somebody gets who asks for nothing in particular.
struct table_query table_query_all(struct cx *cx, const struct table_shape *s, const struct table_view *v) {
    struct table_query q = {.shape = s, .view = v, .limit = TABLE_PAGE_STANDARD};
    int *fields = arena_array(cx->mem, (size_t)v->n + 1, sizeof *fields);
    for (int i = 0; i < v->n && fields; i++)
        if (v->columns[i].mask != MASK_OMIT) fields[q.fields_n++] = i;
    q.fields = fields;
    return q;
}

int table_query_read(struct cx *cx, const struct table_shape *s, const struct table_view *v, struct str query,
                     const char *const *others, struct table_query *ret) {
    if (query.n > QUERY_BYTES_MAX) return cx_fail(cx, ERR_too_large, "", "%zu", QUERY_BYTES_MAX);
    struct table_query q = {.shape = s, .view = v, .limit = TABLE_PAGE_STANDARD};
    struct reading r = {.s = s, .v = v, .others = others, .q = &q, .after = STR_NONE};
    size_t pairs = 1; // no more filters than pairs: most calls have one or two
    for (size_t i = 0; i < query.n && pairs < TABLE_FILTERS_MAX; i++)
        pairs += query.p[i] == '&';
    r.filters = arena_array(cx->mem, pairs, sizeof *r.filters);
    if (!r.filters) return cx_fail(cx, ERR_no_memory, "", "%s", "");
    q.filters = r.filters;
    for (struct str rest = query; rest.p && rest.n;) {
        const struct str pair = str_cut(rest, '&', &rest);
        if (read_pair(cx, &r, pair)) return cx->err.code;
    }
    if (!q.fields) {
        const struct table_query all = table_query_all(cx, s, v);
        q.fields = all.fields;
        q.fields_n = all.fields_n;
    }
    sort_filters(r.filters, q.filters_n);
    if (r.after.n && read_cursor(cx, &q, r.after)) return cx->err.code;
    *ret = q;
    return OK;
}

// --- where ---

// Places of an IN list come in powers of two, the last value repeated: few statements serve all lengths.
static int in_places(int n) {
    int places = 1;
    while (places < n)
        places *= 2;
    return places;
}

static void put_column(struct buf *sql, const struct table_column *c) {
    buf_puts(sql, table_has_blind(c) ? "b_" : "c_");
    buf_int(sql, c->n);
}

static void put_filter(struct buf *sql, const struct table_shape *s, const struct table_filter *f) {
    const struct table_column *c = &s->columns[f->column];
    if ((f->op == TABLE_GTE || f->op == TABLE_LTE) && c->type == TABLE_DEC) {
        buf_print(sql, "CAST(c_%d AS REAL)%s?", c->n, f->op == TABLE_GTE ? ">=" : "<=");
        return;
    }
    put_column(sql, c);
    switch (f->op) {
    case TABLE_EQ:
        buf_puts(sql, f->values[0].kind == TABLE_CELL_NULL ? " IS NULL" : "=?");
        break;
    case TABLE_GTE:
        buf_puts(sql, ">=?");
        break;
    case TABLE_LTE:
        buf_puts(sql, "<=?");
        break;
    case TABLE_PREFIX:
        buf_print(sql, ">=? AND c_%d<?", c->n);
        break;
    case TABLE_IN:
        buf_puts(sql, " IN(?");
        for (int i = 1; i < in_places(f->n); i++)
            buf_puts(sql, ",?");
        buf_char(sql, ')');
        break;
    }
}

// Fixed filters stand first: they are the grant, and there is no way to write a query without them.
void table_put_where(struct buf *sql, const struct table_query *q) {
    const char *word = " WHERE ";
    for (int i = 0; i < q->view->fixed_n; i++, word = " AND ") {
        buf_puts(sql, word);
        put_filter(sql, q->shape, &q->view->fixed[i]);
    }
    for (int i = 0; i < q->filters_n; i++, word = " AND ") {
        buf_puts(sql, word);
        put_filter(sql, q->shape, &q->filters[i]);
    }
    if (q->after > 0) {
        buf_puts(sql, word);
        buf_puts(sql, "id>?");
    }
}

// A canonical decimal as a double, for ranges only (the column is compared as REAL too).
static double as_double(struct str s) {
    double v = 0, unit = 1;
    bool behind = false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.')
            behind = true;
        else if (s.p[i] != '-') {
            v = v * 10 + (s.p[i] - '0');
            if (behind) unit *= 10;
        }
    }
    return s.n && s.p[0] == '-' ? -v / unit : v / unit;
}

static void bind_value(struct cx *cx, struct stmt *st, int *n, const struct table_shape *s,
                       const struct table_filter *f, const struct table_cell *v) {
    const struct table_column *c = &s->columns[f->column];
    if (v->kind == TABLE_CELL_NULL) return; // IS NULL has no place
    if (table_has_blind(c))
        store_bind_str(st, (*n)++, table_blind(cx, s, c, v->s, cx->mem));
    else if (c->type == TABLE_DEC && (f->op == TABLE_GTE || f->op == TABLE_LTE))
        store_bind_double(st, (*n)++, as_double(v->s));
    else if (v->kind == TABLE_CELL_INT)
        store_bind_int(st, (*n)++, v->i);
    else
        store_bind_str(st, (*n)++, v->s);
    // What begins with p lies in [p, p + the last code point): true of UTF-8 compared by bytes.
    if (f->op == TABLE_PREFIX)
        store_bind_str(st, (*n)++, str_print(cx->mem, "%.*s\xF4\x8F\xBF\xBF", STRF(v->s)));
}

int table_bind_where(struct cx *cx, struct stmt *st, int *n, const struct table_query *q) {
    for (int i = 0; i < q->view->fixed_n + q->filters_n; i++) {
        const struct table_filter *f =
            i < q->view->fixed_n ? &q->view->fixed[i] : &q->filters[i - q->view->fixed_n];
        assert(f->column >= 0 && f->column < q->shape->n && f->n >= 1);
        const int places = f->op == TABLE_IN ? in_places(f->n) : 1;
        for (int k = 0; k < places; k++)
            bind_value(cx, st, n, q->shape, f, &f->values[k < f->n ? k : f->n - 1]);
    }
    if (q->after > 0) store_bind_int(st, (*n)++, q->after);
    return cx->mem->failed ? cx_fail(cx, ERR_no_memory, "", "%s", "") : OK;
}
