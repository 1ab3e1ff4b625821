// SPDX-License-Identifier: MulanPSL-2.0
// Judges one record of a file against the columns of its data set: type, length, key, the rule of its
// element, its code list, agreement of birth date and identity number, repeated keys. Keeps true: every fault
// of a row is found, not only the first, so that a steward corrects a row once; a record is either good in
// all its cells or set aside whole.
#include "mod/catalog/load.h"
#include "xml/xlsx.h"
#include <assert.h>

// Codes and areas repeat: the answers for the last values seen are remembered, place by hash.
#define MEMO_PLACES 1024
#define MEMO_BYTES  48
struct load_memo {
    struct {
        int column; // -1 = empty
        uint8_t n;
        bool is_known;
        char text[MEMO_BYTES];
    } place[MEMO_PLACES];
};

int load_check_open(struct cx *cx, struct arena *mem, const struct catalog_dataset *ds, int64_t rows,
                    bool keeps_faulty, struct load_check *ret) {
    bool has_key = false;
    for (int i = 0; i < ds->columns_n; i++)
        has_key |= ds->columns[i].is_key;
    *ret = (struct load_check){.cx = cx, .ds = ds, .keeps_faulty = keeps_faulty};
    ret->today = (int32_t)((cx->now_ms + CHINA_OFFSET_MS) / DAY_MS);
    ret->reasons = arena_array(mem, LOAD_REASONS_MAX, sizeof *ret->reasons);
    ret->memo = arena_take(mem, sizeof *ret->memo);
    if (has_key && !keeps_faulty) {
        ret->keys_cap = 1024;
        while (ret->keys_cap < (size_t)rows * 2)
            ret->keys_cap *= 2;
        ret->keys = arena_array(mem, ret->keys_cap, sizeof *ret->keys);
    }
    if (mem->failed) return cx_fail(cx, ERR_no_memory, "", "%s", "");
    for (int i = 0; i < MEMO_PLACES; i++)
        ret->memo->place[i].column = -1;
    return OK;
}

// Counted by code and column over the whole load, however many are listed one by one.
void load_count_reason(struct load_check *c, struct str column, const struct err *e) {
    c->faults_n++;
    for (int i = 0; i < c->reasons_n; i++)
        if (c->reasons[i].err.code == e->code && str_eq(c->reasons[i].column, column)) {
            c->reasons[i].n++;
            return;
        }
    if (c->reasons_n == LOAD_REASONS_MAX) return; // counted in faults_n all the same
    c->reasons[c->reasons_n++] = (struct load_reason){.err = *e, .column = column, .n = 1};
}

// --- values that other tables must know ---

struct asked {
    struct load_check *check;
    int column;
};

static bool is_known(void *arg, struct str value) {
    const struct asked *a = arg;
    struct catalog_known known = {.cx = a->check->cx, .column = &a->check->ds->columns[a->column]};
    if (value.n > MEMO_BYTES) return catalog_known(&known, value);
    const uint64_t at = (str_hash(value) + (uint64_t)a->column * 31) % MEMO_PLACES;
    if (a->check->memo->place[at].column == a->column && a->check->memo->place[at].n == value.n &&
        memcmp(a->check->memo->place[at].text, value.p, value.n) == 0)
        return a->check->memo->place[at].is_known;
    const bool yes = catalog_known(&known, value);
    a->check->memo->place[at].column = a->column;
    a->check->memo->place[at].n = (uint8_t)value.n;
    a->check->memo->place[at].is_known = yes;
    memcpy(a->check->memo->place[at].text, value.p, value.n);
    return yes;
}

// --- one record ---

struct judging {
    struct load_check *c;
    struct arena *mem;
    const struct load_record *r;
    struct table_cell *cells;
    load_add_fault *add;
    void *arg;
    int faults;
};

// One fault of one value. The row is known by its place in the file, as the steward sees it in his editor.
static int fault(struct judging *j, int column, struct str header, struct str value, const struct err *e) {
    const struct catalog_column *dc = column >= 0 ? &j->c->ds->columns[column] : NULL;
    const struct load_fault f = {.row = j->r->row,
                                 .column = dc ? dc->id : header,
                                 .value = value,
                                 .is_secret = dc && dc->grade >= 3,
                                 .err = *e};
    j->faults++;
    load_count_reason(j->c, f.column, e);
    return j->add(j->arg, &f);
}

static int fault_code(struct judging *j, int column, struct str value, enum err_code code, const char *arg) {
    struct err e = {0};
    (void)err_set(&e, code, "", "%s", arg);
    return fault(j, column, STR_NONE, value, &e);
}

// Money in yuan or 10,000 yuan becomes fen by moving the point of the canonical decimal; a rest is no money.
static bool to_fen(struct arena *mem, struct str text, enum load_unit unit, int64_t *ret) {
    struct table_cell dec;
    if (table_cell_read(mem, TABLE_DEC, text, &dec, NULL) || dec.kind != TABLE_CELL_TEXT) return false;
    const size_t places = unit == LOAD_UNIT_WAN ? 6 : 2;
    struct str fraction = STR_NONE;
    const struct str whole = str_cut(dec.s, '.', &fraction);
    if (fraction.n > places) return false;
    struct buf b = buf_new(mem, whole.n + places, 200);
    buf_put(&b, whole);
    buf_put(&b, fraction);
    for (size_t i = fraction.n; i < places; i++)
        buf_char(&b, '0');
    return str_int64(buf_str(&b), ret);
}

static int read_cell(struct judging *j, int column, enum load_unit unit, struct str text, struct err *e) {
    const struct catalog_column *c = &j->c->ds->columns[column];
    struct table_cell *cell = &j->cells[column];
    if (c->type != TABLE_FEN || unit == LOAD_UNIT_FEN) return table_cell_read(j->mem, c->type, text, cell, e);
    int64_t fen;
    if (str_trim(text).n == 0) return OK;
    if (!to_fen(j->mem, str_trim(text), unit, &fen))
        return err_set(e, ERR_field_type, "", "%s", table_type_name(TABLE_FEN));
    *cell = (struct table_cell){.kind = TABLE_CELL_INT, .i = fen};
    return OK;
}

static bool is_codes(const struct catalog_column *c) {
    return c->code_list.n > 0;
}

// What the column and its element demand of a value that is of the right type.
static int judge_value(struct judging *j, int column, struct str text) {
    const struct catalog_column *c = &j->c->ds->columns[column];
    const struct table_cell *cell = &j->cells[column];
    struct asked asked = {.check = j->c, .column = column};
    if (cell->kind == TABLE_CELL_NULL)
        return c->is_key ? fault_code(j, column, text, ERR_field_missing, "") : OK;
    if (c->length > 0 && cell->kind == TABLE_CELL_TEXT && c->type != TABLE_GEOMETRY &&
        str_utf8_count(cell->s) > (size_t)c->length) {
        char most[24];
        struct buf b = {.p = most, .cap = sizeof most, .max_bytes = sizeof most - 1};
        buf_int(&b, c->length);
        most[b.n] = 0;
        return fault_code(j, column, text, ERR_field_long, most);
    }
    enum element_rule rule = c->rule;
    if (rule == ELEMENT_ANY && is_codes(c)) rule = ELEMENT_CODE;
    if (rule == ELEMENT_ANY || rule == ELEMENT_DATE_RID) return OK;
    const struct str value = table_cell_text(j->mem, c->type, cell);
    const enum err_code code = element_check(rule, value, j->c->today, is_known, &asked);
    return code ? fault_code(j, column, text, code, "") : OK;
}

// A birth date against the identity number of the same person: same subject in the same role, or they are two
// people.
static int judge_birth(struct judging *j, int column) {
    const struct catalog_column *c = &j->c->ds->columns[column];
    if (c->rule != ELEMENT_DATE_RID || j->cells[column].kind == TABLE_CELL_NULL) return OK;
    for (int i = 0; i < j->c->ds->columns_n; i++) {
        const struct catalog_column *other = &j->c->ds->columns[i];
        if (other->rule != ELEMENT_RID || !str_eq(other->element_role, c->element_role)) continue;
        if (j->cells[i].kind != TABLE_CELL_TEXT) continue;
        const struct str birth = table_cell_text(j->mem, c->type, &j->cells[column]);
        const enum err_code code = element_birth_agrees(birth, j->cells[i].s);
        if (code) return fault_code(j, column, birth, code, "");
    }
    return OK;
}

// Digest of the key columns, each with its length; seen before in this file?
static bool repeats_key(struct judging *j) {
    struct load_check *c = j->c;
    struct buf b = buf_new(j->mem, 128, TABLE_CELL_MAX * 4);
    uint8_t digest[HASH_BYTES];
    static const uint8_t empty[16];
    for (int i = 0; i < c->ds->columns_n; i++) {
        if (!c->ds->columns[i].is_key) continue;
        const struct str v = table_cell_text(j->mem, c->ds->columns[i].type, &j->cells[i]);
        buf_int(&b, (int64_t)v.n);
        buf_char(&b, ':');
        buf_put(&b, v);
    }
    hash_one(c->cx->hasher, HASH_SHA256, buf_str(&b), digest);
    digest[0] |= 1; // never equal to an empty place
    uint64_t at;
    memcpy(&at, digest, sizeof at);
    for (at %= c->keys_cap;; at = (at + 1) % c->keys_cap) {
        if (memcmp(c->keys[at], digest, 16) == 0) return true;
        if (memcmp(c->keys[at], empty, 16) != 0) continue;
        memcpy(c->keys[at], digest, 16);
        return false;
    }
}

// Every column, even after the first fault. A cell whose formula failed says so instead of becoming text
// "#N/A".
static int judge_columns(struct judging *j) {
    const struct load_record *r = j->r;
    for (size_t i = 0; i < j->c->map_n; i++) {
        const int column = j->c->map[i].column;
        struct err e = {0};
        if (column < 0) continue;
        const struct str raw = i < r->n ? r->cells[i] : STR_NONE;
        if (r->kinds && i < r->n && r->kinds[i] == XLSX_ERROR) {
            char shown[24];
            memcpy(shown, raw.p, raw.n < sizeof shown ? raw.n : sizeof shown - 1);
            shown[raw.n < sizeof shown ? raw.n : sizeof shown - 1] = 0;
            if (fault_code(j, column, raw, ERR_cell_broken, shown)) return j->c->cx->err.code;
            continue;
        }
        int code =
            read_cell(j, column, j->c->map[i].unit, raw, &e) ? fault(j, column, STR_NONE, raw, &e) : OK;
        if (e.code == OK && !j->c->keeps_faulty) code = judge_value(j, column, raw);
        if (code) return code;
    }
    for (int i = 0; i < j->c->ds->columns_n && !j->c->keeps_faulty; i++)
        if (judge_birth(j, i)) return j->c->cx->err.code;
    return OK;
}

int load_check_record(struct load_check *c, struct arena *mem, const struct load_record *r,
                      struct table_cell *cells, load_add_fault *add, void *arg, bool *ret_ok) {
    struct judging j = {.c = c, .mem = mem, .r = r, .cells = cells, .add = add, .arg = arg};
    memset(cells, 0, sizeof *cells * (size_t)c->ds->columns_n);
    // A record of a CSV that is shorter or longer than its header has lost its columns: nothing in it is
    // sure. A sheet's row ends at its last cell that is not empty.
    if (r->n > c->map_n || (c->is_csv && r->n != c->map_n)) {
        struct err e = {0};
        (void)err_set(&e, ERR_csv_columns, "", "%zu, %zu", r->n, c->map_n);
        const int code = fault(&j, -1, STR_NONE, r->n ? r->cells[0] : STR_NONE, &e);
        *ret_ok = false;
        return code;
    }
    const int code = judge_columns(&j);
    if (code) return code;
    if (j.faults == 0 && c->keys && repeats_key(&j)) {
        c->duplicate_n++;
        int first = 0;
        while (first < c->ds->columns_n && !c->ds->columns[first].is_key)
            first++;
        const struct str value = table_cell_text(mem, c->ds->columns[first].type, &cells[first]);
        if (fault_code(&j, first, value, ERR_duplicate_key, "")) return c->cx->err.code;
    }
    if (mem->failed) return cx_fail(c->cx, ERR_no_memory, "", "%s", "");
    *ret_ok = j.faults == 0;
    return OK;
}
