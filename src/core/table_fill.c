// SPDX-License-Identifier: MulanPSL-2.0
// Makes, fills, copies and drops generated tables, on the writer. Keeps true: SQL text holds numbers only; a
// sealed column never stands in clear beside its sealed form; every call does a bounded piece of work, so
// that the commit queue is never held up; and each may be run again with its batch (effects lie in the
// transaction only).
#include "core/table_inner.h"
#include "crypto/secret.h"
#include <assert.h>

// A statement over all columns of the widest table: "c_200,b_200," and "?401," each.
#define SQL_MAX 7168
struct sql {
    size_t n;
    char p[SQL_MAX];
};

static void put(struct sql *q, const char *text) {
    const size_t n = strlen(text);
    assert(q->n + n < SQL_MAX); // SQL_MAX holds TABLE_COLUMNS_MAX columns twice
    memcpy(q->p + q->n, text, n);
    q->n += n;
}

static void put_int(struct sql *q, int64_t v) {
    char digits[20];
    size_t at = sizeof digits;
    assert(v >= 0 && q->n + sizeof digits < SQL_MAX);
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    memcpy(q->p + q->n, digits + at, sizeof digits - at);
    q->n += sizeof digits - at;
}

static void put_name(struct sql *q, const char *prefix, int64_t n) {
    put(q, prefix);
    put_int(q, n);
}

static struct str text_of(const struct sql *q) {
    return (struct str){q->p, q->n};
}

bool table_has_blind(const struct table_column *c) {
    return c->is_sealed && c->type == TABLE_TEXT;
}

// --- sealing ---

// Owner and column, not the table: a load that appends copies sealed text unopened into the next table.
static struct str seal_context(struct arena *mem, const struct table_shape *s, const struct table_column *c) {
    return str_print(mem, "%.*s/%d", STRF(s->owner), c->n);
}

int table_seal(struct cx *cx, const struct table_shape *s, const struct table_column *c, struct str clear,
               struct arena *mem, struct str *ret_sealed) {
    return seal_text(mem, cx->hasher, cx->city->key, seal_context(mem, s, c), clear, ret_sealed, &cx->err);
}

int table_unseal(struct cx *cx, const struct table_shape *s, const struct table_column *c, struct str sealed,
                 struct arena *mem, struct str *ret_clear) {
    return unseal_text(mem, cx->hasher, cx->city->key, seal_context(mem, s, c), sealed, ret_clear, &cx->err);
}

struct str table_blind(struct cx *cx, const struct table_shape *s, const struct table_column *c,
                       struct str clear, struct arena *mem) {
    uint8_t mac[HASH_BYTES];
    const struct str context = seal_context(mem, s, c);
    const struct str message = str_print(mem, "gusu blind 1\n%.*s\n%.*s", STRF(context), STRF(clear));
    hash_hmac(cx->hasher, HASH_SM3, (struct str){(const char *)cx->city->key, sizeof cx->city->key}, message,
              mac);
    return str_base64url(mem, mac, 16); // 128 bits: no two values of a city meet by chance
}

// --- making ---

static void put_index(struct sql *q, const struct table_shape *s, const char *suffix) {
    put_name(q, "CREATE INDEX r_", s->table);
    put(q, suffix);
    put_name(q, " ON r_", s->table);
    put(q, "(");
}

// Sealed text has another form each time it is sealed; what is looked up is its blind index.
static void put_lookup(struct sql *q, const struct table_column *c) {
    put_name(q, table_has_blind(c) ? "b_" : "c_", c->n);
}

static int create_indexes(struct cx *cx, const struct table_shape *s) {
    struct sql q = {0};
    int keys = 0, first_key = -1;
    put_index(&q, s, "_k");
    for (int i = 0; i < s->n; i++) {
        if (!s->columns[i].is_key) continue;
        if (keys++) put(&q, ",");
        if (first_key < 0) first_key = i;
        put_lookup(&q, &s->columns[i]);
    }
    put(&q, ")");
    // Not unique: what offices hand in does repeat keys, and the faults are to be seen, not hidden.
    if (keys > 0 && store_text_exec(cx->db, text_of(&q), &cx->err)) return cx->err.code;
    for (int i = 0; i < s->n; i++) {
        const struct table_column *c = &s->columns[i];
        if (i == first_key || c->type == TABLE_GEOMETRY || c->type == TABLE_POINT) continue;
        if (!c->is_area && !c->is_searched && !table_has_blind(c)) continue;
        if (c->is_sealed && !table_has_blind(c)) continue; // sealed text finds nothing
        q.n = 0;
        put_name(&q, "CREATE INDEX r_", s->table);
        put_name(&q, "_", c->n);
        put_name(&q, " ON r_", s->table);
        put(&q, "(");
        put_lookup(&q, c);
        put(&q, ")");
        if (store_text_exec(cx->db, text_of(&q), &cx->err)) return cx->err.code;
    }
    return OK;
}

int table_create(struct cx *cx, const struct table_shape *s) {
    assert(s->table > 0 && s->n <= TABLE_COLUMNS_MAX && cx->is_writer);
    struct sql q = {0};
    put_name(&q, "CREATE TABLE r_", s->table);
    put(&q, "(id INTEGER PRIMARY KEY");
    for (int i = 0; i < s->n; i++) {
        const struct table_column *c = &s->columns[i];
        put_name(&q, ",c_", c->n);
        put(&q, table_type_is_int(c->type) && !c->is_sealed ? " INTEGER" : " TEXT");
        if (!table_has_blind(c)) continue;
        put_name(&q, ",b_", c->n);
        put(&q, " TEXT");
    }
    put(&q, ") STRICT");
    if (store_text_exec(cx->db, text_of(&q), &cx->err)) return cx->err.code;
    return create_indexes(cx, s);
}

// --- filling ---

// Binds cell i, and its blind index, at *n; texts live in cx->mem or in the caller's cells until the step.
static int bind_cell(struct cx *cx, struct stmt *st, int *n, const struct table_shape *s, int i,
                     const struct table_cell *cell) {
    const struct table_column *c = &s->columns[i];
    if (cell->kind == TABLE_CELL_NULL) {
        store_bind_null(st, (*n)++);
        if (table_has_blind(c)) store_bind_null(st, (*n)++);
        return OK;
    }
    if (!c->is_sealed) {
        if (cell->kind == TABLE_CELL_INT)
            store_bind_int(st, (*n)++, cell->i);
        else
            store_bind_str(st, (*n)++, cell->s);
        return OK;
    }
    const struct str clear = table_cell_text(cx->mem, c->type, cell);
    struct str sealed;
    if (table_seal(cx, s, c, clear, cx->mem, &sealed)) return cx->err.code;
    store_bind_str(st, (*n)++, sealed);
    if (table_has_blind(c)) store_bind_str(st, (*n)++, table_blind(cx, s, c, clear, cx->mem));
    return OK;
}

// Runs a statement that gives no rows; `code` is what binding it has said.
static int run(struct cx *cx, struct stmt *st, int code) {
    if (code == OK) return store_run(st, NULL, &cx->err);
    (void)!store_done(st, NULL);
    return code;
}

// The text is composed anew for each row (a third of a microsecond) and found again by its hash: no state
// outlives the call, so a batch that is run again needs no undoing here.
int table_insert(struct cx *cx, const struct table_shape *s, int64_t id, const struct table_cell *cells) {
    assert(s->table > 0 && cx->is_writer);
    struct sql q;
    q.n = 0;
    put_name(&q, "INSERT INTO r_", s->table);
    put(&q, "(id");
    int values = 1;
    for (int i = 0; i < s->n; i++) {
        put_name(&q, ",c_", s->columns[i].n);
        values++;
        if (!table_has_blind(&s->columns[i])) continue;
        put_name(&q, ",b_", s->columns[i].n);
        values++;
    }
    // The next id is the greatest plus one: SQLite does so by itself where NULL stands. A sequence of PostgreSQL's would
    // not know of the rows that were copied in with theirs.
    if (store_is_postgres(cx->db)) {
        put_name(&q, ")VALUES(coalesce(?,(SELECT max(id)+1 FROM r_", s->table);
        put(&q, "),1)");
    } else {
        put(&q, ")VALUES(?");
    }
    for (int i = 1; i < values; i++)
        put(&q, ",?");
    put(&q, ")");
    struct stmt *st = store_text_query(cx->db, text_of(&q), "");
    int n = 1, code = OK;
    if (id > 0)
        store_bind_int(st, n++, id);
    else
        store_bind_null(st, n++);
    for (int i = 0; i < s->n && code == OK; i++)
        code = bind_cell(cx, st, &n, s, i, &cells[i]);
    return run(cx, st, code);
}

int table_update(struct cx *cx, const struct table_shape *s, int64_t id, const struct table_cell *cells,
                 const bool *which) {
    assert(s->table > 0 && id > 0 && cx->is_writer);
    struct sql q;
    int set = 0, n = 1, code = OK;
    q.n = 0;
    put_name(&q, "UPDATE r_", s->table);
    for (int i = 0; i < s->n; i++) {
        if (which && !which[i]) continue;
        put(&q, set++ ? "," : " SET ");
        put_name(&q, "c_", s->columns[i].n);
        put(&q, "=?");
        if (!table_has_blind(&s->columns[i])) continue;
        put_name(&q, ",b_", s->columns[i].n);
        put(&q, "=?");
    }
    if (set == 0) return OK;
    put(&q, " WHERE id=?");
    struct stmt *st = store_text_query(cx->db, text_of(&q), "");
    for (int i = 0; i < s->n && code == OK; i++)
        if (!which || which[i]) code = bind_cell(cx, st, &n, s, i, &cells[i]);
    store_bind_int(st, n, id);
    return run(cx, st, code);
}

// By the key's index; of repeated keys the oldest row, so that every run of a load finds the same one.
int table_find(struct cx *cx, const struct table_shape *s, const struct table_cell *cells, int64_t *ret_id) {
    struct sql q;
    q.n = 0;
    put_name(&q, "SELECT id FROM r_", s->table);
    put(&q, " WHERE ");
    int keys = 0;
    for (int i = 0; i < s->n; i++) {
        if (!s->columns[i].is_key) continue;
        if (keys++) put(&q, " AND ");
        put_lookup(&q, &s->columns[i]);
        put(&q, "=?");
    }
    *ret_id = 0;
    if (keys == 0) return OK;
    put(&q, " ORDER BY id LIMIT 1");
    struct stmt *st = store_text_query(cx->db, text_of(&q), "");
    int n = 1;
    for (int i = 0; i < s->n; i++) {
        const struct table_column *c = &s->columns[i];
        if (!c->is_key) continue;
        if (cells[i].kind == TABLE_CELL_INT)
            store_bind_int(st, n++, cells[i].i);
        else if (table_has_blind(c) && cells[i].kind == TABLE_CELL_TEXT)
            store_bind_str(st, n++, table_blind(cx, s, c, cells[i].s, cx->mem));
        else
            store_bind_str(st, n++, cells[i].s); // an empty key cell binds NULL and finds nothing
    }
    int64_t id = 0;
    if (store_next(st)) id = store_int(st, 0);
    if (store_done(st, &cx->err)) return cx->err.code;
    *ret_id = id;
    return OK;
}

// --- moving and dropping, in slices ---

static bool holds_same(const struct table_shape *s, const struct table_column *c) {
    for (int i = 0; i < s->n; i++)
        if (s->columns[i].n == c->n)
            return s->columns[i].type == c->type && s->columns[i].is_sealed == c->is_sealed;
    return false;
}

int table_copy(struct cx *cx, const struct table_shape *s, const struct table_shape *from, int64_t *after,
               int64_t most, int64_t *ret_rows) {
    assert(s->table > 0 && from->table > 0 && s->table != from->table && cx->is_writer);
    const int64_t from_table = from->table;
    struct sql q, list = {0};
    for (int i = 0; i < s->n; i++) {
        if (!holds_same(from, &s->columns[i])) continue;
        put_name(&list, ",c_", s->columns[i].n);
        if (table_has_blind(&s->columns[i])) put_name(&list, ",b_", s->columns[i].n);
    }
    list.p[list.n] = 0;
    // The last id of the slice first: what lies up to it is then copied in one statement.
    q.n = 0;
    put_name(&q, "SELECT max(id),count(*) FROM (SELECT id FROM r_", from_table);
    put(&q, " WHERE id>? ORDER BY id LIMIT ?) AS slice");
    struct stmt *st = store_text_query(cx->db, text_of(&q), "ii", *after, most);
    int64_t last = 0, rows = 0;
    if (store_next(st)) last = store_int(st, 0), rows = store_int(st, 1);
    if (store_done(st, &cx->err)) return cx->err.code;
    if (rows > 0) {
        q.n = 0;
        put_name(&q, "INSERT INTO r_", s->table);
        put(&q, "(id");
        put(&q, list.p);
        put(&q, ")SELECT id");
        put(&q, list.p);
        put_name(&q, " FROM r_", from_table);
        put(&q, " WHERE id>? AND id<=? ORDER BY id");
        st = store_text_query(cx->db, text_of(&q), "ii", *after, last);
        const int code = run(cx, st, OK);
        if (code) return code;
        *after = last;
    }
    *ret_rows = rows;
    return OK;
}

// Rows first, in slices: dropping a big table at once would visit all its pages within one item of the queue.
int table_drop_slice(struct cx *cx, int64_t table, int64_t most, bool *ret_gone) {
    assert(table > 0 && cx->is_writer);
    struct sql q = {0};
    put_name(&q, "DELETE FROM r_", table);
    put_name(&q, " WHERE id IN (SELECT id FROM r_", table);
    put(&q, " ORDER BY id LIMIT ?)");
    struct stmt *st = store_text_query(cx->db, text_of(&q), "i", most);
    int code = run(cx, st, OK);
    if (code) return code;
    q.n = 0;
    put_name(&q, "SELECT EXISTS(SELECT 1 FROM r_", table);
    put(&q, ")");
    st = store_text_query(cx->db, text_of(&q), "");
    const bool has_rows = store_next(st) && store_int(st, 0) != 0;
    if (store_done(st, &cx->err)) return cx->err.code;
    *ret_gone = !has_rows;
    if (has_rows) return OK;
    q.n = 0;
    put_name(&q, "DROP TABLE IF EXISTS r_", table);
    return store_text_exec(cx->db, text_of(&q), &cx->err);
}
