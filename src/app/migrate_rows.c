// SPDX-License-Identifier: MulanPSL-2.0
// Rows from one store to another. Read by key, a slice at a time, written a slice to a transaction, so that neither
// memory nor a transaction grows with the table. Keeps true: the sum of a table covers every value of every row with
// its type, and does not depend on the order or the engine; what was read is what is summed on the way, and the target
// is read again for its own sum.
#include "app/migrate.h"
#include <stdio.h>
#include <stdlib.h>

#define VALUES_MAX 500 // bound in one INSERT

struct cell {
    bool is_null;
    int64_t i;
    double d;
    struct str s;
};
struct slice {
    struct arena mem;
    const struct move_table *t;
    struct cell *cells; // rows × t->n
    int rows;
    bool is_last;
    struct cell after[MIGRATE_COLUMNS_MAX]; // key values of the last row, in the order of the key
    struct buf after_bytes;                 // what they point to, kept over the next slice
    struct str insert_one, insert_many;
    int many; // rows of insert_many
};

// --- reading ---
// Names are quoted: a word that one engine keeps for itself (column, row) is a name to the other.
// Which column is the k-th of the key. Every table has one (move_shape).
static int key_column(const struct move_table *t, int k) {
    int i = 0;
    while (t->columns[i].key_at != k)
        i++;
    return i;
}

static void put_keys(struct buf *b, const struct move_table *t) {
    for (int k = 1; k <= t->keys_n; k++)
        buf_print(b, "%s\"%s\"", k > 1 ? "," : "", t->columns[key_column(t, k)].name);
}

static struct str select_text(struct arena *mem, const struct move_table *t, bool is_first) {
    struct buf b = buf_new(mem, 1024, 65536);
    buf_puts(&b, "SELECT ");
    for (int i = 0; i < t->n; i++)
        buf_print(&b, "%s\"%s\"", i ? "," : "", t->columns[i].name);
    buf_print(&b, " FROM %s", t->name);
    if (!is_first) {
        buf_puts(&b, " WHERE (");
        put_keys(&b, t);
        buf_puts(&b, ") > (");
        for (int k = 1; k <= t->keys_n; k++)
            buf_print(&b, "%s?%d", k > 1 ? "," : "", k);
        buf_char(&b, ')');
    }
    buf_puts(&b, " ORDER BY ");
    put_keys(&b, t);
    buf_print(&b, " LIMIT %d", MIGRATE_SLICE_ROWS);
    return b.over ? STR_NONE : buf_str(&b);
}

static void bind_cell(struct stmt *s, int n, char type, const struct cell *c) {
    if (c->is_null)
        store_bind_null(s, n);
    else if (type == 'i')
        store_bind_int(s, n, c->i);
    else if (type == 'd')
        store_bind_double(s, n, c->d);
    else if (type == 'b')
        store_bind_blob(s, n, c->s);
    else
        store_bind_str(s, n, c->s);
}

static struct cell read_cell(struct stmt *s, int col, char type, struct arena *mem) {
    struct cell c = {.is_null = store_is_null(s, col)};
    if (c.is_null) return c;
    if (type == 'i')
        c.i = store_int(s, col);
    else if (type == 'd')
        c.d = store_double(s, col);
    else
        c.s = store_str(s, col, mem);
    return c;
}

// Where the next slice begins, in memory that outlives this one.
static void keep_key(struct slice *x) {
    const struct cell *row = x->cells + (size_t)(x->rows - 1) * (size_t)x->t->n;
    x->after_bytes.n = 0;
    for (int k = 1; k <= x->t->keys_n; k++) { // first the bytes, since they may move while they grow
        const int i = key_column(x->t, k);
        if (!row[i].is_null && (x->t->columns[i].type == 's' || x->t->columns[i].type == 'b'))
            buf_put(&x->after_bytes, row[i].s);
    }
    size_t at = 0;
    for (int k = 1; k <= x->t->keys_n; k++) {
        const int i = key_column(x->t, k);
        x->after[k - 1] = row[i];
        if (row[i].is_null || (x->t->columns[i].type != 's' && x->t->columns[i].type != 'b')) continue;
        x->after[k - 1].s = (struct str){x->after_bytes.p ? x->after_bytes.p + at : "", row[i].s.n};
        at += row[i].s.n;
    }
}

static int read_slice(struct conn *c, struct slice *x, bool is_first, struct err *e) {
    const struct move_table *t = x->t;
    arena_reset(&x->mem);
    struct str sql = select_text(&x->mem, t, is_first);
    x->cells = arena_array(&x->mem, (size_t)MIGRATE_SLICE_ROWS * (size_t)t->n, sizeof *x->cells);
    x->rows = 0;
    if (!sql.p || !x->cells) return err_set(e, ERR_no_memory, "", "%s", t->name);
    struct stmt *s = store_text_query(c, sql, "");
    for (int k = 1; k <= t->keys_n && !is_first; k++)
        bind_cell(s, k, t->columns[key_column(t, k)].type, &x->after[k - 1]);
    bool is_full = false;
    while (!is_full && store_next(s)) {
        struct cell *row = x->cells + (size_t)x->rows * (size_t)t->n;
        for (int i = 0; i < t->n; i++)
            row[i] = read_cell(s, i, t->columns[i].type, &x->mem);
        x->rows++;
        is_full = x->rows == MIGRATE_SLICE_ROWS || x->mem.used_bytes > MIGRATE_SLICE_BYTES;
    }
    x->is_last = !is_full;
    int code = store_done(s, e);
    if (code == OK && x->mem.failed) code = err_set(e, ERR_no_memory, "", "%s", t->name);
    if (code == OK && x->rows) keep_key(x);
    return code;
}

static int slice_open(struct slice **ret, const struct move_table *t, struct arena *keys, struct err *e) {
    struct slice *x = calloc(1, sizeof *x);
    if (!x) return err_set(e, ERR_no_memory, "", "slice");
    x->t = t;
    arena_init(&x->mem, (size_t)1 << 30);
    x->after_bytes = buf_new(keys, 256, 1 << 20);
    *ret = x;
    return OK;
}

static void slice_close(struct slice *x) {
    arena_free(&x->mem);
    free(x);
}

// --- summing ---
static void hash_cell(struct hasher *h, char type, const struct cell *c) {
    uint8_t head[9] = {(uint8_t)(c->is_null ? 'n' : type)};
    uint64_t v = 0;
    if (type == 'i')
        v = (uint64_t)c->i;
    else if (type == 'd')
        memcpy(&v, &c->d, sizeof v);
    else
        v = c->s.n;
    if (c->is_null) v = 0;
    for (int i = 0; i < 8; i++)
        head[1 + i] = (uint8_t)(v >> (8 * i));
    hash_add(h, (struct str){(const char *)head, sizeof head});
    if (!c->is_null && (type == 's' || type == 'b')) hash_add(h, c->s);
}

static void add_rows(struct hasher *h, const struct slice *x, struct move_sum *sum) {
    for (int r = 0; r < x->rows; r++) {
        const struct cell *row = x->cells + (size_t)r * (size_t)x->t->n;
        uint8_t out[HASH_BYTES];
        hash_begin(h, HASH_SHA256);
        for (int i = 0; i < x->t->n; i++)
            hash_cell(h, x->t->columns[i].type, &row[i]);
        hash_end(h, out);
        for (int k = 0; k < 4; k++) {
            uint64_t part;
            memcpy(&part, out + 8 * k, sizeof part);
            sum->sum[k] += part;
        }
        sum->rows++;
    }
}

int move_sum(struct move *m, struct conn *c, const struct move_table *t, struct move_sum *ret,
             struct err *e) {
    struct slice *x = NULL;
    struct arena keys;
    arena_init(&keys, 0);
    *ret = (struct move_sum){0};
    int code = slice_open(&x, t, &keys, e);
    for (bool is_first = true; code == OK; is_first = false) {
        code = read_slice(c, x, is_first, e);
        if (code == OK) add_rows(m->hasher, x, ret);
        if (code == OK && x->is_last) break;
    }
    if (x) slice_close(x);
    arena_free(&keys);
    return code;
}

// --- writing ---
static struct str insert_text(struct arena *mem, const struct move_table *t, int rows) {
    struct buf b = buf_new(mem, 4096, 262144);
    buf_print(&b, "INSERT INTO %s(", t->name);
    for (int i = 0; i < t->n; i++)
        buf_print(&b, "%s\"%s\"", i ? "," : "", t->columns[i].name);
    buf_puts(&b, ") VALUES ");
    for (int r = 0; r < rows; r++) {
        buf_puts(&b, r ? ",(" : "(");
        for (int i = 0; i < t->n; i++)
            buf_print(&b, "%s?%d", i ? "," : "", r * t->n + i + 1);
        buf_char(&b, ')');
    }
    return b.over ? STR_NONE : buf_str(&b);
}

struct put_work {
    struct work work;
    const struct slice *x;
};

static int put_some(struct conn *w, const struct slice *x, int first, int rows, struct str sql,
                    struct err *e) {
    struct stmt *s = store_text_query(w, sql, "");
    const int n = x->t->n;
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < n; i++)
            bind_cell(s, r * n + i + 1, x->t->columns[i].type,
                      x->cells + (size_t)(first + r) * (size_t)n + (size_t)i);
    while (store_next(s)) {
    }
    return store_done(s, e);
}

static int put_slice(struct work *work, struct conn *w, struct err *e) {
    const struct slice *x = ((struct put_work *)work)->x;
    int code = OK, at = 0;
    for (; at + x->many <= x->rows && code == OK; at += x->many)
        code = put_some(w, x, at, x->many, x->insert_many, e);
    for (; at < x->rows && code == OK; at++)
        code = put_some(w, x, at, 1, x->insert_one, e);
    return code;
}

static void put_done(struct work *w) {
    (void)w;
}

int move_rows(struct move *m, const struct move_table *t, struct move_sum *ret, struct err *e) {
    struct slice *x = NULL;
    struct arena keys; // and the statements
    arena_init(&keys, 0);
    *ret = (struct move_sum){0};
    int code = slice_open(&x, t, &keys, e);
    if (code == OK) {
        x->many = VALUES_MAX / t->n > 0 ? VALUES_MAX / t->n : 1;
        x->insert_one = insert_text(&keys, t, 1);
        x->insert_many = insert_text(&keys, t, x->many);
        if (!x->insert_one.p || !x->insert_many.p) code = err_set(e, ERR_no_memory, "", "%s", t->name);
    }
    for (bool is_first = true; code == OK; is_first = false) {
        struct put_work p = {.work = {.run = put_slice, .done = put_done}, .x = x};
        code = read_slice(m->source, x, is_first, e);
        if (code == OK) add_rows(m->hasher, x, ret);
        if (code == OK && x->rows) code = store_do(m->to, &p.work, e);
        if (code == OK && x->is_last) break;
    }
    if (x) slice_close(x);
    arena_free(&keys);
    return code;
}

// --- one statement ---
struct exec_work {
    struct work work;
    struct str sql;
};

static int run_exec(struct work *work, struct conn *w, struct err *e) {
    return store_text_exec(w, ((struct exec_work *)work)->sql, e);
}

int move_exec(struct move *m, struct str sql, struct err *e) {
    struct exec_work x = {.work = {.run = run_exec, .done = put_done}, .sql = sql};
    return store_do(m->to, &x.work, e);
}
