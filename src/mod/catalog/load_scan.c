// SPDX-License-Identifier: MulanPSL-2.0
// First look at a file: which record is the header, which header cell is which column of the data set, and
// what types the cells have, over all records. Nothing is written. Keeps true: a column is recognised at most
// once; an alias that two columns could carry (法定代表人姓名 and 经办人姓名 are both XM) recognises neither,
// for one must never fill the other; a type is named only if every cell has it.
#include "mod/catalog/load.h"

// --- one spelling of headers ---

// Full-width forms are ASCII that a Chinese input method has widened.
static int32_t narrow(int32_t c) {
    if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static bool is_noise(int32_t c) {
    return c <= ' ' || c == '*' || c == ':' || c == 0x3000 || c == 0xA0 || c == 0xFEFF;
}

static struct str key_of(struct arena *mem, struct str header, bool without_brackets) {
    struct buf b = buf_new(mem, header.n + 1, LOAD_SAMPLE_BYTES * 8);
    int depth = 0;
    for (size_t at = 0; at < header.n;) {
        const int32_t c = narrow(str_utf8_next(header, &at));
        if (c < 0) break;
        const bool opens = c == '(' || c == '[' || c == 0x3010, closes = c == ')' || c == ']' || c == 0x3011;
        if (opens) depth++;
        if (!is_noise(c) && !(without_brackets && (depth > 0 || closes))) {
            char utf8[4];
            buf_put(&b, (struct str){utf8, str_utf8_put(utf8, (uint32_t)c)});
        }
        if (closes && depth > 0) depth--;
    }
    return b.over ? STR_NONE : buf_str(&b);
}

struct str load_header_key(struct arena *mem, struct str header) {
    return key_of(mem, header, false);
}

// --- recognising columns ---

struct names { // of one column of the data set, as keys
    struct str id, zh, en;
    struct str *aliases;
    int aliases_n;
};

static int names_of(struct cx *cx, const struct catalog_column *c, struct names *ret) {
    struct catalog_element e;
    *ret = (struct names){.id = load_header_key(cx->mem, c->id),
                          .zh = load_header_key(cx->mem, c->zh),
                          .en = load_header_key(cx->mem, c->en)};
    if (!c->element.n) return OK;
    const int code = catalog_element_get(cx, c->element, &e);
    if (code == ERR_not_found) {
        cx->err = (struct err){0};
        return OK; // an element that went with an older pack only costs its aliases
    }
    if (code) return code;
    ret->aliases = arena_array(cx->mem, e.aliases.n + 3, sizeof *ret->aliases);
    if (!ret->aliases) return cx_fail(cx, ERR_no_memory, "", "%s", "");
    ret->aliases[ret->aliases_n++] = load_header_key(cx->mem, e.id);
    ret->aliases[ret->aliases_n++] = load_header_key(cx->mem, e.zh);
    for (struct str rest = e.aliases; rest.p && rest.n;) {
        const struct str alias = load_header_key(cx->mem, str_cut(rest, '|', &rest));
        if (alias.n) ret->aliases[ret->aliases_n++] = alias;
    }
    return OK;
}

static bool has_alias(const struct names *n, struct str key) {
    for (int i = 0; i < n->aliases_n; i++)
        if (str_eq(n->aliases[i], key)) return true;
    return false;
}

// How a header speaks of a column: its id, then its name, then an alias that only one column carries.
static int find_column(const struct names *names, int n, struct str key, const char **ret_how) {
    int found = -1;
    if (key.n == 0) return -1;
    for (int i = 0; i < n; i++)
        if (str_eq(names[i].id, key)) return *ret_how = "id", i;
    for (int i = 0; i < n; i++)
        if (str_eq(names[i].zh, key) || (names[i].en.n && str_eq(names[i].en, key)))
            return *ret_how = "name", i;
    for (int i = 0; i < n; i++) {
        if (!has_alias(&names[i], key)) continue;
        if (found >= 0) return -1;
        found = i;
    }
    if (found >= 0) *ret_how = "alias";
    return found;
}

// --- the pass over all records ---

struct scanning {
    struct cx *cx;
    const struct catalog_dataset *ds;
    struct names *names;
    struct arena rec, head_mem;
    struct load_record head[LOAD_HEADER_ROWS]; // kept until the header is chosen
    int head_n;
    bool is_chosen, sees_types;
    struct load_scan *out;
};

static int match_cell(struct scanning *sc, struct str cell, const char **ret_how) {
    const int n = sc->ds->columns_n;
    int column = find_column(sc->names, n, key_of(&sc->head_mem, cell, false), ret_how);
    if (column < 0) column = find_column(sc->names, n, key_of(&sc->head_mem, cell, true), ret_how);
    return column;
}

static int columns_in(struct scanning *sc, const struct load_record *r) {
    const char *how;
    int n = 0;
    for (size_t i = 0; i < r->n; i++)
        n += match_cell(sc, r->cells[i], &how) >= 0;
    return n;
}

static enum load_unit unit_in(struct str header) {
    if (str_has(header, S("万元"))) return LOAD_UNIT_WAN;
    return str_has(header, S("元")) ? LOAD_UNIT_YUAN : LOAD_UNIT_FEN;
}

static int take_header(struct scanning *sc, const struct load_record *r) {
    struct cx *cx = sc->cx;
    struct load_scan *out = sc->out;
    if (r->n > LOAD_COLUMNS_MAX) return cx_fail(cx, ERR_csv_columns, "", "> %d", LOAD_COLUMNS_MAX);
    bool *taken = arena_array(cx->mem, (size_t)sc->ds->columns_n + 1, sizeof *taken);
    out->columns = arena_array(cx->mem, r->n + 1, sizeof *out->columns);
    if (!taken || !out->columns) return cx_fail(cx, ERR_no_memory, "", "%s", "");
    out->n = r->n;
    out->header_row = r->row;
    for (size_t i = 0; i < r->n; i++) {
        struct load_column *c = &out->columns[i];
        const struct str cell = str_trim(r->cells[i]);
        *c = (struct load_column){
            .header = str_copy(cx->mem, cell), .column = -1, .may = ~0u, .unit = unit_in(cell)};
        const int column = match_cell(sc, cell, &c->how);
        if (column >= 0 && !taken[column]) {
            taken[column] = true;
            c->column = column;
        } else
            c->how = NULL;
    }
    return OK;
}

// A leading zero or more digits than a double holds means a number that names something, not one that counts.
static bool is_name_number(struct str s) {
    size_t digits = 0;
    for (size_t i = 0; i < s.n; i++)
        digits += s.p[i] >= '0' && s.p[i] <= '9';
    return digits > 15 || (s.n > 1 && s.p[0] == '0' && s.p[1] >= '0' && s.p[1] <= '9');
}

static void see_type(struct scanning *sc, struct load_column *c, struct str cell) {
    static const enum table_type tried[] = {TABLE_INT,      TABLE_DEC,    TABLE_BOOL, TABLE_DATE,
                                            TABLE_DATETIME, TABLE_PERIOD, TABLE_POINT};
    if (is_name_number(cell)) c->may &= ~(1u << TABLE_INT | 1u << TABLE_DEC);
    for (size_t i = 0; i < sizeof tried / sizeof *tried; i++) {
        struct table_cell out;
        if (!(c->may & 1u << tried[i])) continue;
        if (table_cell_read(&sc->rec, tried[i], cell, &out, NULL)) c->may &= ~(1u << tried[i]);
    }
}

// As long as LOAD_SAMPLE_BYTES, not cutting a character in two.
static struct str cut_sample(struct str s) {
    if (s.n <= LOAD_SAMPLE_BYTES) return s;
    size_t n = LOAD_SAMPLE_BYTES;
    while (n > 0 && ((unsigned char)s.p[n] & 0xC0) == 0x80)
        n--;
    return (struct str){s.p, n};
}

static void see_cell(struct scanning *sc, struct load_column *c, struct str raw) {
    const struct str cell = str_trim(raw);
    if (cell.n == 0) {
        c->empty_n++;
        return;
    }
    const int64_t chars = (int64_t)str_utf8_count(cell);
    if (chars > c->chars_max) c->chars_max = chars;
    see_type(sc, c, cell);
    if (c->sample_n == LOAD_SAMPLES) return;
    const struct str sample = cut_sample(cell);
    for (int i = 0; i < c->sample_n; i++)
        if (str_eq(c->sample[i], sample)) return;
    c->sample[c->sample_n++] = str_copy(sc->cx->mem, sample);
}

static void see_record(struct scanning *sc, const struct load_record *r) {
    for (size_t i = 0; i < sc->out->n && sc->sees_types; i++)
        see_cell(sc, &sc->out->columns[i], i < r->n ? r->cells[i] : STR_NONE);
    sc->out->rows++;
}

// Title lines stand above many an office's table: the header is the one of the first records that names most
// columns.
static int choose_header(struct scanning *sc) {
    int best = 0, best_n = -1;
    for (int i = 0; i < sc->head_n; i++) {
        const int n = columns_in(sc, &sc->head[i]);
        if (n > best_n) best = i, best_n = n;
    }
    sc->is_chosen = true;
    if (take_header(sc, &sc->head[best])) return sc->cx->err.code;
    for (int i = best + 1; i < sc->head_n; i++)
        see_record(sc, &sc->head[i]);
    return OK;
}

static int on_record(void *arg, const struct load_record *r, struct err *e) {
    struct scanning *sc = arg;
    (void)e; // errors go to sc->cx, which is where e points
    if (sc->is_chosen) {
        see_record(sc, r);
        arena_reset(&sc->rec);
        return OK;
    }
    struct load_record *kept = &sc->head[sc->head_n++];
    struct str *cells = arena_array(&sc->head_mem, r->n + 1, sizeof *cells);
    if (!cells) return cx_fail(sc->cx, ERR_no_memory, "", "%s", "");
    for (size_t i = 0; i < r->n; i++)
        cells[i] = str_copy(&sc->head_mem, r->cells[i].p ? r->cells[i] : S(""));
    *kept = (struct load_record){.row = r->row, .cells = cells, .n = r->n};
    arena_reset(&sc->rec);
    return sc->head_n == LOAD_HEADER_ROWS ? choose_header(sc) : OK;
}

static enum table_type type_seen(const struct load_column *c, int64_t rows) {
    static const enum table_type order[] = {TABLE_DATE,     TABLE_INT,    TABLE_DEC,  TABLE_BOOL,
                                            TABLE_DATETIME, TABLE_PERIOD, TABLE_POINT};
    if (c->empty_n == rows) return (enum table_type)0;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (c->may & 1u << order[i]) return order[i];
    return TABLE_TEXT;
}

int load_scan(struct cx *cx, struct load_source *s, const struct catalog_dataset *ds, bool sees_types,
              struct load_scan *ret) {
    *ret = (struct load_scan){0};
    struct scanning sc = {.cx = cx, .ds = ds, .out = ret, .sees_types = sees_types};
    struct err tail;
    sc.names = arena_array(cx->mem, (size_t)ds->columns_n + 1, sizeof *sc.names);
    if (!sc.names) return cx_fail(cx, ERR_no_memory, "", "%s", "");
    for (int i = 0; i < ds->columns_n; i++)
        if (names_of(cx, &ds->columns[i], &sc.names[i])) return cx->err.code;
    arena_init(&sc.rec, LOAD_MEMORY_MAX);
    arena_init(&sc.head_mem, LOAD_MEMORY_MAX);
    int code = load_each(cx, s, &sc.rec, on_record, &sc, &tail);
    if (code == OK && !sc.is_chosen) {
        if (sc.head_n == 0)
            code = tail.code ? cx_fail(cx, tail.code, "", "%s", tail.arg)
                             : cx_fail(cx, ERR_load_no_header, "", "%s", "");
        else
            code = choose_header(&sc);
    }
    arena_free(&sc.rec);
    arena_free(&sc.head_mem);
    for (size_t i = 0; code == OK && sees_types && i < ret->n; i++) {
        struct load_column *c = &ret->columns[i];
        c->type_seen = type_seen(c, ret->rows);
        // A point in the numbers of a money column says that they are not fen.
        if (c->unit == LOAD_UNIT_FEN && c->type_seen == TABLE_DEC) c->unit = LOAD_UNIT_YUAN;
    }
    return code;
}

static const char *const UNITS[] = {"fen", "yuan", "wan"};

const char *load_unit_code(enum load_unit u) {
    return UNITS[u];
}

bool load_unit_of(struct str code, enum load_unit *ret) {
    for (int i = 0; i < 3; i++)
        if (str_eq(code, str_of(UNITS[i]))) {
            *ret = (enum load_unit)i;
            return true;
        }
    return false;
}
