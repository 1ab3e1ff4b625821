// SPDX-License-Identifier: MulanPSL-2.0
// Which tables a city has and what they look like. The fixed ones are the same on both sides, made by the schema files;
// the generated ones (r_<n>) are made on the target from what the source says of them. One side is always SQLite, and
// it tells of the fixed tables; PostgreSQL is asked only for what is generated. Keeps true: a name that is not made of
// a-z 0-9 _ is refused, so no name can be read as SQL; a table without a primary key is refused by name.
#include "app/migrate.h"
#include <stdio.h>

static bool name_ok(struct str s) {
    if (s.n == 0 || s.n >= MIGRATE_NAME_MAX) return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
    }
    return true;
}

static bool is_generated(struct str name) {
    int64_t n;
    return str_starts(name, S("r_")) && str_int64((struct str){name.p + 2, name.n - 2}, &n);
}

static bool is_left_out(struct str name) {
    return str_starts(name, S("store_")) || str_starts(name, S("catalog_search")) ||
           str_starts(name, S("core_nod")) || str_eq(name, S("core_job")) || str_eq(name, S("app_moved"));
}

#define SQLITE_TABLES                                                                                        \
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
#define POSTGRES_TABLES                                                                                      \
    "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"

static int list(struct move *m, struct conn *c, bool is_postgres, struct str *names, size_t *n,
                struct err *e) {
    const struct str sql = is_postgres ? S(POSTGRES_TABLES) : S(SQLITE_TABLES);
    struct stmt *s = store_text_query(c, sql, "");
    int code = OK;
    while (code == OK && store_next(s)) {
        struct str name = store_str(s, 0, NULL);
        if (is_left_out(name)) continue;
        if (!name_ok(name) || *n == MIGRATE_TABLES_MAX)
            code = err_set(e, ERR_too_large, "", "%.*s", STRF(name));
        else
            names[(*n)++] = str_copy(&m->mem, name);
    }
    int end = store_done(s, e);
    return code == OK ? end : code;
}

int move_tables(struct move *m, struct str **ret_names, size_t *ret_n, struct err *e) {
    struct str *names = arena_array(&m->mem, MIGRATE_TABLES_MAX, sizeof *names);
    *ret_n = 0;
    *ret_names = names;
    if (!names) return err_set(e, ERR_no_memory, "", "tables");
    return list(m, m->source, m->from_postgres, names, ret_n, e);
}

// --- shapes ---
static char letter_of(struct str type) {
    if (str_eq_nocase(type, S("INTEGER")) || str_eq(type, S("bigint"))) return 'i';
    if (str_eq_nocase(type, S("TEXT"))) return 's';
    if (str_eq_nocase(type, S("BLOB")) || str_eq(type, S("bytea"))) return 'b';
    if (str_eq_nocase(type, S("REAL")) || str_eq(type, S("double precision"))) return 'd';
    return 0;
}

static int add_column(struct move_table *t, struct str name, struct str type, int key_at, struct err *e) {
    char letter = letter_of(type);
    if (!name_ok(name) || !letter || t->n == MIGRATE_COLUMNS_MAX)
        return err_set(e, ERR_store, "", "%s.%.*s %.*s", t->name, STRF(name), STRF(type));
    struct move_column *c = &t->columns[t->n++];
    snprintf(c->name, sizeof c->name, "%.*s", STRF(name));
    c->type = letter;
    c->key_at = key_at;
    if (key_at) t->keys_n++;
    return OK;
}

static int sqlite_shape(struct conn *c, struct move_table *t, struct err *e) {
    struct stmt *s =
        store_text_query(c, S("SELECT name, type, pk FROM pragma_table_info(?1) ORDER BY cid"), "z", t->name);
    int code = OK;
    while (code == OK && store_next(s))
        code = add_column(t, store_str(s, 0, NULL), store_str(s, 1, NULL), (int)store_int(s, 2), e);
    int end = store_done(s, e);
    return code == OK ? end : code;
}

// Of a generated table: its key is `id`, as core makes it.
static int postgres_shape(struct conn *c, struct move_table *t, struct err *e) {
    struct stmt *s = store_text_query(
        c,
        S("SELECT CAST(column_name AS TEXT), CAST(data_type AS TEXT) FROM information_schema.columns"
          " WHERE table_schema = current_schema() AND table_name = ?1 ORDER BY ordinal_position"),
        "z", t->name);
    int code = OK;
    while (code == OK && store_next(s)) {
        struct str name = store_str(s, 0, NULL);
        bool is_id = str_eq(name, S("id"));
        code = add_column(t, name, store_str(s, 1, NULL), is_id, e);
    }
    int end = store_done(s, e);
    return code == OK ? end : code;
}

int move_shape(struct move *m, const char *name, struct move_table *t, struct err *e) {
    *t = (struct move_table){.is_generated = is_generated(str_of(name))};
    snprintf(t->name, sizeof t->name, "%s", name);
    int code;
    if (t->is_generated && m->from_postgres)
        code = postgres_shape(m->source, t, e);
    else
        code = sqlite_shape(m->from_postgres ? m->target : m->source, t, e);
    if (code == OK && t->keys_n == 0) return err_set(e, ERR_store, "", "%s: no primary key", name);
    return code;
}

// --- making ---
int move_make(struct move *m, const struct move_table *t, struct err *e) {
    struct arena mem;
    arena_init(&mem, 0);
    struct buf b = buf_new(&mem, 1024, 65536);
    buf_print(&b, "CREATE TABLE %s(", t->name);
    for (int i = 0; i < t->n; i++) {
        const struct move_column *c = &t->columns[i];
        const char *type = c->type == 'i'   ? "INTEGER"
                           : c->type == 'b' ? "BLOB"
                           : c->type == 'd' ? "REAL"
                                            : "TEXT";
        buf_print(&b, "%s%s %s%s", i ? "," : "", c->name, type, c->key_at ? " PRIMARY KEY" : "");
    }
    buf_puts(&b, ") STRICT");
    int code = b.over ? err_set(e, ERR_too_large, "", "%s", t->name) : move_exec(m, buf_str(&b), e);
    arena_free(&mem);
    return code;
}

// "… USING btree (c_1, c_2)" or "… ON r_1(c_1,c_2)": what stands in the last brackets.
static struct str columns_of(struct str sql) {
    for (size_t i = sql.n; i-- > 0;)
        if (sql.p[i] == '(' && sql.p[sql.n - 1] == ')') return (struct str){sql.p + i + 1, sql.n - i - 2};
    return STR_NONE;
}

// As core writes it: without blanks.
static struct str without_blanks(struct arena *mem, struct str s) {
    struct buf b = buf_new(mem, s.n + 1, 65536);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != ' ') buf_char(&b, s.p[i]);
    return b.over || !s.p ? STR_NONE : buf_str(&b);
}

static bool columns_ok(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == ',')) return false;
    }
    return s.n > 0;
}

static int make_indexes(struct move *m, const struct move_table *t, struct err *e) {
    struct arena mem;
    struct str statements[MIGRATE_COLUMNS_MAX / 8];
    const int most = (int)(sizeof statements / sizeof statements[0]);
    int n = 0, code = OK;
    const struct str sql =
        m->from_postgres ? S("SELECT CAST(indexname AS TEXT), indexdef FROM pg_indexes WHERE schemaname ="
                             " current_schema() AND tablename = ?1 AND indexname NOT LIKE '%\\_pkey'")
                         : S("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1 AND"
                             " sql IS NOT NULL");
    arena_init(&mem, 0);
    struct stmt *s = store_text_query(m->source, sql, "z", t->name);
    while (code == OK && store_next(s)) {
        struct str name = store_str(s, 0, NULL),
                   columns = without_blanks(&mem, columns_of(store_str(s, 1, &mem)));
        if (!name_ok(name) || !columns_ok(columns) || n == most)
            code = err_set(e, ERR_store, "", "index %.*s", STRF(name));
        else
            statements[n++] =
                str_print(&mem, "CREATE INDEX %.*s ON %s(%.*s)", STRF(name), t->name, STRF(columns));
    }
    int end = store_done(s, e);
    if (code == OK) code = end;
    for (int i = 0; i < n && code == OK; i++)
        code = statements[i].p ? move_exec(m, statements[i], e) : err_set(e, ERR_no_memory, "", "index");
    arena_free(&mem);
    return code;
}

// PostgreSQL counts the keys that it gives out apart from the rows.
static int set_next_key(struct move *m, const struct move_table *t, struct err *e) {
    const struct move_column *key = NULL;
    char sql[400];
    for (int i = 0; i < t->n; i++)
        if (t->columns[i].key_at) key = &t->columns[i];
    if (!m->to_postgres || t->keys_n != 1 || !key || key->type != 'i') return OK;
    int n = snprintf(
        sql, sizeof sql,
        "SELECT setval(pg_get_serial_sequence('%s', '%s'), (SELECT coalesce(max(%s), 0) + 1 FROM %s), false)",
        t->name, key->name, key->name, t->name);
    return move_exec(m, (struct str){sql, (size_t)n}, e);
}

int move_finish(struct move *m, const struct move_table *t, struct err *e) {
    int code = t->is_generated ? make_indexes(m, t, e) : OK;
    return code == OK ? set_next_key(m, t, e) : code;
}

int move_clear(struct move *m, const struct move_table *t, struct err *e) {
    char sql[MIGRATE_NAME_MAX + 32];
    int n = snprintf(sql, sizeof sql, "DELETE FROM %s", t->name);
    return move_exec(m, (struct str){sql, (size_t)n}, e);
}
