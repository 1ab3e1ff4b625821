// SPDX-License-Identifier: MulanPSL-2.0
// Good rows go into a staged table, faults into catalog_bad_row, in slices on the writer; and staged tables
// end up live or dropped. Keeps true: a slice works for LOAD_SLICE_US and then gives way; it may be run again
// with its batch (what it decides is written to the job anew and only counted after the commit); a table
// number is never used twice.
//
//     file ──► batch (worker: read, check) ──► slice, slice, … (writer) ──► next batch
#include "mod/catalog/load.h"
#include "base/log.h"
#include "crypto/secret.h"
#include <assert.h>
#include <inttypes.h>

enum outcome { ROW_STORED = 0, ROW_UPDATED, ROW_REPEATS }; // of a row on the writer
struct load_row {
    int64_t number;
    struct table_cell *cells;
    enum outcome outcome;
};

int load_job_open(struct cx *cx, struct catalog_dataset *ds, struct load_job *j) {
    *j = (struct load_job){.cx = cx, .ds = ds};
    arena_init(&j->keep, LOAD_MEMORY_MAX);
    arena_init(&j->batch, LOAD_MEMORY_MAX);
    arena_init(&j->slice, LOAD_MEMORY_MAX);
    struct table_column *columns = arena_array(cx->mem, (size_t)ds->columns_n + 1, sizeof *columns);
    j->wanted = arena_array(cx->mem, (size_t)ds->columns_n + 1, sizeof *j->wanted);
    if (!columns || !j->wanted) return cx_fail(cx, ERR_no_memory, "", "%s", "");
    for (int i = 0; i < ds->columns_n; i++)
        columns[i] = catalog_table_column(&ds->columns[i]);
    j->shape = (struct table_shape){.owner = ds->id, .columns = columns, .n = ds->columns_n};
    return OK;
}

void load_job_close(struct load_job *j) {
    arena_free(&j->keep);
    arena_free(&j->batch);
    arena_free(&j->slice);
}

// Register row and table stand or fall together, so no generated table exists that the register does not
// know.
int load_table_new(struct cx *cx, struct load_job *j, int64_t series) {
    assert(cx->is_writer);
    if (store_exec(cx->db, NULL, &cx->err, Q_catalog_table_add, "siiii", j->ds->id, j->load, series,
                   cx->now_ms, cx->who.account))
        return cx->err.code;
    j->shape.table = store_last_id(cx->db);
    j->shape.series = series ? series : j->shape.table;
    if (!series && store_exec(cx->db, NULL, &cx->err, Q_catalog_table_series, "i", j->shape.table))
        return cx->err.code;
    return table_create(cx, &j->shape);
}

int load_table_give_up(struct cx *cx, int64_t table) {
    if (table == 0) return OK;
    return store_exec(cx->db, NULL, &cx->err, Q_catalog_table_old, "iii", table, (int64_t)0, cx->now_ms);
}

// --- copying what append and upsert start from ---

struct copying {
    struct load_job *j;
    int64_t from, to; // row ids: this slice starts after `from`, has come to `to`
    int64_t rows;     // of this slice
    bool is_done;
};

static int copy_slice(struct cx *cx, void *arg) {
    struct copying *c = arg;
    const int64_t stop = clock_mono_us() + LOAD_SLICE_US;
    int64_t rows;
    c->to = c->from;
    c->rows = 0;
    do {
        if (table_copy(cx, &c->j->shape, &c->j->base, &c->to, 200, &rows)) return cx->err.code;
        c->rows += rows;
        c->is_done = rows == 0;
    } while (!c->is_done && clock_mono_us() < stop);
    return OK;
}

static int copy_base(struct load_job *j) {
    struct copying c = {.j = j};
    while (j->base.table && !c.is_done) {
        if (cx_write(j->cx, copy_slice, &c)) return j->cx->err.code;
        c.from = c.to;
        j->stored += c.rows;
    }
    return OK;
}

// --- the writer's slice ---

static bool has_key(const struct table_shape *s) {
    for (int i = 0; i < s->n; i++)
        if (s->columns[i].is_key) return true;
    return false;
}

// Only a table that began as a copy can hold the key already; repeats within the file were found while
// reading.
static int store_row(struct cx *cx, struct load_job *j, struct load_row *row) {
    int64_t id = 0;
    row->outcome = ROW_STORED;
    if (j->base.table && has_key(&j->shape) && table_find(cx, &j->shape, row->cells, &id))
        return cx->err.code;
    if (id == 0) return table_insert(cx, &j->shape, 0, row->cells);
    row->outcome = j->mode == LOAD_UPSERT ? ROW_UPDATED : ROW_REPEATS;
    return j->mode == LOAD_UPSERT ? table_update(cx, &j->shape, id, row->cells, j->wanted) : OK;
}

static struct str cut_value(struct str v) {
    size_t n = v.n > LOAD_BAD_VALUE_MAX ? LOAD_BAD_VALUE_MAX : v.n;
    while (n > 0 && n < v.n && ((unsigned char)v.p[n] & 0xC0) == 0x80)
        n--;
    return (struct str){v.p ? v.p : "", n};
}

static int store_fault(struct cx *cx, struct load_job *j, int64_t n, const struct load_fault *f) {
    struct str value = cut_value(f->value);
    if (f->is_secret) {
        const struct str context = str_print(cx->mem, "load/%" PRId64, j->load);
        if (seal_text(cx->mem, cx->hasher, cx->city->key, context, value, &value, &cx->err))
            return cx->err.code;
    }
    return store_exec(cx->db, NULL, &cx->err, Q_catalog_bad_add, "iiissizz", j->load, n, f->row,
                      catalog_none(f->column), value, (int64_t)f->is_secret, err_info(f->err.code)->name,
                      f->err.arg);
}

struct slice {
    struct load_job *j;
    int rows_to, faults_to; // how far this slice came
};

static int store_slice(struct cx *cx, void *arg) {
    struct slice *s = arg;
    struct load_job *j = s->j;
    const int64_t stop = clock_mono_us() + LOAD_SLICE_US;
    arena_reset(&j->slice);
    cx->mem = &j->slice; // given back with the next slice; the batch of a big file must not pile up
    s->rows_to = j->rows_done;
    s->faults_to = j->faults_done;
    while (s->rows_to < j->rows_n && (s->rows_to == j->rows_done || clock_mono_us() < stop))
        if (store_row(cx, j, &j->rows[s->rows_to++])) return cx->err.code;
    while (s->faults_to < j->faults_n && (s->faults_to == j->faults_done || clock_mono_us() < stop)) {
        const int64_t n = j->bad_listed + (s->faults_to - j->faults_done) + 1;
        if (store_fault(cx, j, n, &j->faults[s->faults_to++])) return cx->err.code;
    }
    if (j->load == 0) return OK;
    if (cx_announce(cx, "load.progress", str_print(cx->mem, "%" PRId64, j->load), j->ds->office))
        return cx->err.code;
    return store_exec(cx->db, NULL, &cx->err, Q_catalog_load_progress, "iii", j->load, j->seen, cx->now_ms);
}

// --- batches, on the worker ---

static int add_fault(void *arg, const struct load_fault *f) {
    struct load_job *j = arg;
    // A pack's faults are reported by count only: they have no load that could list them.
    if (j->load == 0 || j->bad_listed + (j->faults_n - j->faults_done) >= LOAD_BAD_KEPT_MAX) return OK;
    if (j->faults_n == j->faults_cap) {
        const int more = j->faults_cap ? j->faults_cap * 2 : 64;
        struct load_fault *grown = arena_array(&j->batch, (size_t)more, sizeof *grown);
        if (!grown) return cx_fail(j->cx, ERR_no_memory, "", "%s", "");
        if (j->faults_n) memcpy(grown, j->faults, (size_t)j->faults_n * sizeof *grown);
        j->faults = grown;
        j->faults_cap = more;
    }
    j->faults[j->faults_n++] = *f;
    return OK;
}

// After a commit: what the slice decided now counts.
static int tally(struct load_job *j, const struct slice *s) {
    j->bad_listed += s->faults_to - j->faults_done;
    j->faults_done = s->faults_to;
    for (; j->rows_done < s->rows_to; j->rows_done++) {
        const struct load_row *row = &j->rows[j->rows_done];
        if (row->outcome != ROW_REPEATS) {
            j->good++;
            j->stored += row->outcome == ROW_STORED;
            continue;
        }
        j->bad++;
        j->duplicate++;
        struct load_fault f = {.row = row->number, .column = STR_NONE, .value = STR_NONE};
        (void)err_set(&f.err, ERR_duplicate_key, "", "%s", "");
        for (int i = j->shape.n; i-- > 0;) {
            if (!j->shape.columns[i].is_key) continue;
            f.column = j->shape.columns[i].id;
            f.value = table_cell_text(&j->batch, j->shape.columns[i].type, &row->cells[i]);
            f.is_secret = j->shape.columns[i].grade >= 3;
        }
        load_count_reason(&j->check, f.column, &f.err);
        if (add_fault(j, &f)) return j->cx->err.code;
    }
    return OK;
}

static int flush(struct load_job *j) {
    while (j->rows_done < j->rows_n || j->faults_done < j->faults_n) {
        struct slice s = {.j = j};
        if (cx_write(j->cx, store_slice, &s) || tally(j, &s)) return j->cx->err.code;
    }
    j->rows = NULL;
    j->faults = NULL;
    j->rows_n = j->rows_done = j->faults_n = j->faults_done = j->faults_cap = 0;
    arena_reset(&j->batch);
    return OK;
}

// Cells of a spreadsheet live only until the callback returns; the batch needs them longer.
static int keep_cells(struct load_job *j, struct load_record *r) {
    if (!r->kinds) return OK;
    struct str *cells = arena_array(&j->batch, r->n + 1, sizeof *cells);
    if (!cells) return cx_fail(j->cx, ERR_no_memory, "", "%s", "");
    for (size_t i = 0; i < r->n; i++)
        cells[i] = r->cells[i].p ? str_copy(&j->batch, r->cells[i]) : STR_NONE;
    r->cells = cells;
    return OK;
}

static int on_record(void *arg, const struct load_record *record, struct err *e) {
    struct load_job *j = arg;
    struct load_record r = *record;
    (void)e; // is &j->cx->err
    if (r.row <= j->header_row) return OK;
    if (!j->rows) {
        j->rows = arena_array(&j->batch, LOAD_BATCH_ROWS, sizeof *j->rows);
        if (!j->rows) return cx_fail(j->cx, ERR_no_memory, "", "%s", "");
    }
    struct load_row *row = &j->rows[j->rows_n];
    bool ok;
    *row = (struct load_row){
        .number = r.row, .cells = arena_array(&j->batch, (size_t)j->ds->columns_n + 1, sizeof *row->cells)};
    if (!row->cells) return cx_fail(j->cx, ERR_no_memory, "", "%s", "");
    if (keep_cells(j, &r)) return j->cx->err.code;
    if (load_check_record(&j->check, &j->batch, &r, row->cells, add_fault, j, &ok)) return j->cx->err.code;
    j->seen++;
    if (ok)
        j->rows_n++;
    else
        j->bad++;
    const bool is_full = j->rows_n == LOAD_BATCH_ROWS || j->batch.used_bytes > LOAD_BATCH_BYTES;
    return is_full ? flush(j) : OK;
}

int load_job_run(struct load_job *j, struct load_source *s) {
    struct err tail;
    j->check.is_csv = !s->is_xlsx;
    if (copy_base(j)) return j->cx->err.code;
    if (load_each(j->cx, s, &j->batch, on_record, j, &tail)) return j->cx->err.code;
    if (tail.code) { // the reading ended early: one fault says where and why
        const struct load_fault f = {.row = tail.row, .column = STR_NONE, .value = STR_NONE, .err = tail};
        j->bad++;
        j->seen++;
        load_count_reason(&j->check, STR_NONE, &tail);
        if (add_fault(j, &f)) return j->cx->err.code;
    }
    if (flush(j)) return j->cx->err.code;
    j->duplicate += j->check.duplicate_n;
    return OK;
}

// --- publishing ---

int catalog_load_publish(struct cx *cx, const struct catalog_dataset *ds, const struct catalog_resource *r,
                         const struct load_staged *st) {
    int64_t old = 0;
    assert(cx->is_writer && st->table > 0);
    if (catalog_table_flip(cx, ds, r, st->table, st->series, st->rows, st->bytes, st->digest, &old))
        return cx->err.code;
    if (store_exec(cx->db, NULL, &cx->err, Q_catalog_table_live, "iii", st->table, st->rows, cx->now_ms))
        return cx->err.code;
    if (old == 0 || old == st->table) return OK;
    return store_exec(cx->db, NULL, &cx->err, Q_catalog_table_old, "iii", old, cx->now_ms, cx->now_ms);
}

// --- a pack's file ---

static int new_pack_table(struct cx *cx, void *arg) {
    return load_table_new(cx, arg, 0);
}

static int run_pack(struct load_job *j, struct load_source *s, struct load_scan *scan) {
    struct load_map *map = arena_array(&j->keep, scan->n + 1, sizeof *map);
    if (!map) return cx_fail(j->cx, ERR_no_memory, "", "%s", "");
    for (size_t i = 0; i < scan->n; i++) // pack files speak fen
        map[i] = (struct load_map){.column = scan->columns[i].column, .unit = LOAD_UNIT_FEN};
    if (load_check_open(j->cx, &j->keep, j->ds, scan->rows, true, &j->check)) return j->cx->err.code;
    j->check.map = map;
    j->check.map_n = scan->n;
    j->header_row = scan->header_row;
    if (cx_write(j->cx, new_pack_table, j)) return j->cx->err.code;
    return load_job_run(j, s);
}

int catalog_load_file(struct cx *cx, struct catalog_dataset *ds, struct str csv, struct load_staged *ret) {
    struct load_source s;
    struct load_scan scan;
    struct load_job j;
    uint8_t digest[HASH_BYTES];
    int code = load_source_text(cx, csv, &s);
    if (code) return code;
    code = load_job_open(cx, ds, &j);
    if (code == OK) code = load_scan(cx, &s, ds, false, &scan);
    if (code == OK) code = run_pack(&j, &s, &scan);
    if (code == OK) {
        hash_one(cx->hasher, HASH_SM3, csv, digest);
        *ret = (struct load_staged){.table = j.shape.table,
                                    .series = j.shape.series,
                                    .rows = j.stored,
                                    .bad_n = j.bad,
                                    .bytes = (int64_t)csv.n,
                                    .digest = str_hex(cx->mem, digest, sizeof digest)};
        if (j.bad) log_line(LOG_WARN, "catalog", "%.*s: %" PRId64 " rows set aside", STRF(ds->id), j.bad);
    }
    load_job_close(&j);
    load_source_close(&s);
    return code;
}
