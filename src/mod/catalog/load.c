// SPDX-License-Identifier: MulanPSL-2.0
// The load wizard decides: what an upload is, whether a mapping can be checked, what a commit does. Keeps
// true: only the provider's steward gets here; a load is committed onto the very table it was checked
// against, or not at all; the same file under the same mapping changes nothing and says so.
//
//   POST loads ─► read ─► PUT mapping ─► checking ─► checked ─► POST commit ─► done
//                  ▲                        │           │
//                  └──────── a failure ─────┘           └─► DELETE ─► dropped
#include "mod/catalog/load.h"
#include "base/log.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define COPY_BYTES ((size_t)256 << 10)

// --- upload ---

static int write_all(struct cx *cx, int fd, struct str s) {
    while (s.n > 0) {
        const ssize_t n = write(fd, s.p, s.n);
        if (n <= 0) return cx_fail(cx, ERR_store_full, "", "%s", "");
        s = (struct str){s.p + n, s.n - (size_t)n};
    }
    return OK;
}

// A big body lies in a file already; it is copied piece by piece, so memory does not grow with it.
static int copy_body(struct cx *cx, int to) {
    if (cx->req->body_fd < 0) {
        hash_add(cx->hasher, cx->req->body);
        return write_all(cx, to, cx->req->body);
    }
    char *piece = arena_take(cx->mem, COPY_BYTES);
    if (!piece) return cx_fail(cx, ERR_no_memory, "", "%s", "");
    for (int64_t at = 0; at < cx->req->body_bytes;) {
        const ssize_t n = pread(cx->req->body_fd, piece, COPY_BYTES, at);
        if (n <= 0) return cx_fail(cx, ERR_file, "", "body");
        hash_add(cx->hasher, (struct str){piece, (size_t)n});
        if (write_all(cx, to, (struct str){piece, (size_t)n})) return cx->err.code;
        at += n;
    }
    return OK;
}

// The body into the data folder's loads/ under a name of its own; its digest on the way.
static int keep_body(struct cx *cx, struct load *l) {
    uint8_t random[16], digest[HASH_BYTES];
    if (crypto_random(random, sizeof random)) return cx_fail(cx, ERR_crypto, "", "random");
    l->bytes = cx->req->body_fd >= 0 ? cx->req->body_bytes : (int64_t)cx->req->body.n;
    if (l->bytes == 0) return cx_fail(cx, ERR_load_no_header, "", "%s", "");
    if (l->bytes > LOAD_BYTES_MAX) return cx_fail(cx, ERR_too_large, "", "%" PRId64, LOAD_BYTES_MAX);
    l->file = str_hex(cx->mem, random, sizeof random);
    const int fd = open(load_path(cx, l->file).p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return cx_fail(cx, ERR_file, "", "loads/");
    hash_begin(cx->hasher, HASH_SM3);
    int code = copy_body(cx, fd);
    hash_end(cx->hasher, digest);
    if (close(fd) && code == OK) code = cx_fail(cx, ERR_file, "", "close");
    l->digest = str_hex(cx->mem, digest, sizeof digest);
    return code;
}

static struct str json_columns(struct cx *cx, const struct load_scan *scan,
                               const struct catalog_dataset *ds) {
    struct buf b = buf_new(cx->mem, 4096, (size_t)16 << 20);
    struct jw w = jw_to(&b);
    load_write_columns(&w, scan, ds);
    return buf_str(&b);
}

static void describe_source(struct cx *cx, const struct load_source *s, struct load *l) {
    struct buf b = buf_new(cx->mem, 256, (size_t)1 << 20);
    struct jw w = jw_to(&b);
    jw_array(&w);
    for (size_t i = 0; i < s->sheets_n; i++)
        jw_text(&w, s->sheets[i]);
    jw_array_end(&w);
    l->sheets = buf_str(&b);
    l->format = s->is_xlsx ? S("xlsx") : S("csv");
    l->encoding = s->is_xlsx ? S("") : str_of(text_encoding_name(s->encoding));
    l->separator = s->is_xlsx ? S("") : str_copy(cx->mem, (struct str){&s->sep, 1});
    l->sheet = s->is_xlsx ? str_copy(cx->mem, s->sheets[s->sheet]) : S("");
}

static int scan_file(struct cx *cx, struct load *l, const struct catalog_dataset *ds,
                     const struct load_choice *choice) {
    struct load_source s;
    struct load_scan scan;
    int code = load_source_open(cx, load_path(cx, l->file).p, choice, &s);
    if (code) return code;
    code = load_scan(cx, &s, ds, true, &scan);
    if (code == OK) {
        describe_source(cx, &s, l);
        l->header_row = scan.header_row;
        l->rows = scan.rows;
        l->columns = json_columns(cx, &scan, ds);
    }
    load_source_close(&s);
    return code;
}

// The act names file and digest, not a value of it: what was uploaded can be proved without being shown.
static int add_load(struct cx *cx, void *arg) {
    struct load *l = arg;
    if (store_exec(cx->db, NULL, &cx->err, Q_catalog_load_add, "ssisssissssiissii", l->dataset, l->rid,
                   l->edition, l->name, l->file, l->digest, l->bytes, l->format, l->encoding, l->separator,
                   l->sheet, l->header_row, l->rows, l->columns, l->sheets, cx->now_ms, cx->who.account))
        return cx->err.code;
    l->id = store_last_id(cx->db);
    struct act *a = cx_act(cx, "dataset", l->dataset);
    a->detail = str_print(cx->mem, "{\"bytes\":%" PRId64 ",\"load\":%" PRId64 ",\"sm3\":\"%.*s\"}", l->bytes,
                          l->id, STRF(l->digest));
    return OK;
}

static int same_file(struct cx *cx, const struct load *l, int64_t *ret) {
    struct stmt *s = store_query(cx->db, Q_catalog_load_same_file, "ssi", l->dataset, l->digest, l->id);
    *ret = store_next(s) ? store_int(s, 0) : 0;
    return store_done(s, &cx->err);
}

static int reply_upload(struct cx *cx, struct load *l) {
    struct load stored;
    int64_t same = 0;
    if (same_file(cx, l, &same) || load_get(cx, l->id, &stored)) return cx->err.code;
    cx_status(cx, 201);
    jw_object(&cx->w);
    load_write(cx, &stored);
    jw_name(&cx->w, "columns");
    jw_raw(&cx->w, stored.columns);
    if (same) jw_nint(&cx->w, "same_as", same);
    jw_object_end(&cx->w);
    return OK;
}

int load_upload(struct cx *cx) {
    const struct str id = cx_text(cx, "id"), name = cx_text(cx, "name");
    struct catalog_dataset *ds;
    struct catalog_resource r;
    struct load l = {.dataset = id, .name = name.n ? name : S("upload")};
    int code = catalog_load_edition(cx, id, &ds);
    if (code) return cx->err.code ? code : cx_fail(cx, ERR_not_found, "id", "%.*s", STRF(id));
    if (!catalog_may_attach(cx, ds)) return cx_deny(cx, "dataset.load");
    code = catalog_table_resource(cx, id, cx_text(cx, "resource"), &r);
    if (code == ERR_not_found) return cx_fail(cx, ERR_load_no_table, "resource", "%s", "");
    if (code) return code;
    l.rid = r.rid;
    l.edition = ds->edition;
    const struct load_choice choice = {.encoding = cx_text(cx, "encoding"),
                                       .separator = cx_text(cx, "separator"),
                                       .sheet = cx_text(cx, "sheet")};
    code = keep_body(cx, &l);
    if (code == OK) code = scan_file(cx, &l, ds, &choice);
    if (code == OK) code = cx_write(cx, add_load, &l);
    if (code && l.file.n) (void)unlink(load_path(cx, l.file).p); // nothing of a refused upload stays
    return code ? code : reply_upload(cx, &l);
}

// --- mapping: check all rows, stage the good ones ---

static const char *const MODES[] = {"replace", "append", "upsert"};

struct mapping {
    struct load *l;
    struct load_job *job;
    struct load_map *map;
    size_t n; // columns of the file
    enum load_mode mode;
    struct str text; // canonical
    int64_t series;
    struct catalog_resource r;
    bool is_same;
};

// How many columns the scan has seen: the mapping speaks of them by number.
static size_t columns_seen(struct cx *cx, const struct load *l, struct json *ret) {
    if (json_parse(cx->mem, l->columns, ret, &cx->err)) return 0;
    return json_count(*ret);
}

// {"n": 3, "column": "capital", "unit": "yuan"}; without a column the file's column is passed over.
static int map_one(struct cx *cx, struct mapping *m, const struct catalog_dataset *ds, struct json item,
                   size_t at) {
    int64_t n = 0;
    char field[64];
    (void)snprintf(field, sizeof field, "columns[%zu].column", at);
    const struct str column = json_text(json_get(item, S("column"))),
                     unit = json_text(json_get(item, S("unit")));
    if (!json_int(json_get(item, S("n")), &n) || n < 1 || (size_t)n > m->n)
        return cx_fail(cx, ERR_field_range, "columns", "1–%zu", m->n);
    if (!column.n) return OK;
    for (int i = 0; i < ds->columns_n; i++) {
        if (!str_eq(ds->columns[i].id, column)) continue;
        if (m->job->wanted[i]) return cx_fail(cx, ERR_load_column_twice, field, "%.*s", STRF(column));
        if (m->map[n - 1].column >= 0) return cx_fail(cx, ERR_load_column_twice, field, "%" PRId64, n);
        m->job->wanted[i] = true;
        m->map[n - 1].column = i;
        if (unit.n && !load_unit_of(unit, &m->map[n - 1].unit))
            return cx_fail(cx, ERR_field_value, "columns", "unit: fen yuan wan");
        return OK;
    }
    return cx_fail(cx, ERR_column_unknown, field, "%.*s", STRF(column));
}

// One text for one meaning, so that equal mappings are found equal.
static struct str mapping_text(struct cx *cx, const struct mapping *m, const struct catalog_dataset *ds) {
    struct buf b = buf_new(cx->mem, 1024, (size_t)1 << 20);
    struct jw w = jw_to(&b);
    jw_object(&w);
    jw_name(&w, "columns");
    jw_array(&w);
    for (size_t i = 0; i < m->n; i++) {
        if (m->map[i].column < 0) continue;
        const struct catalog_column *c = &ds->columns[m->map[i].column];
        jw_object(&w);
        jw_nint(&w, "n", (int64_t)i + 1);
        jw_ntext(&w, "column", c->id);
        if (c->type == TABLE_FEN) jw_ntext(&w, "unit", str_of(load_unit_code(m->map[i].unit)));
        jw_object_end(&w);
    }
    jw_array_end(&w);
    jw_ntext(&w, "mode", str_of(MODES[m->mode]));
    jw_ntext(&w, "sheet", m->l->sheet);
    jw_object_end(&w);
    return buf_str(&b);
}

static int read_mapping(struct cx *cx, struct mapping *m, const struct catalog_dataset *ds) {
    struct json seen;
    const struct json columns = cx_json(cx, "columns");
    const struct str mode = cx_text(cx, "mode");
    m->n = columns_seen(cx, m->l, &seen);
    m->map = arena_array(cx->mem, m->n + 1, sizeof *m->map);
    if (!m->map) return cx_fail(cx, ERR_no_memory, "", "%s", "");
    for (size_t i = 0; i < m->n; i++)
        m->map[i] = (struct load_map){.column = -1};
    for (int i = 0; i < 3; i++)
        if (str_eq(mode, str_of(MODES[i]))) m->mode = (enum load_mode)i;
    for (size_t i = 0; i < json_count(columns); i++)
        if (map_one(cx, m, ds, json_at(columns, i), i)) return cx->err.code;
    bool has_key = false;
    for (int i = 0; i < ds->columns_n; i++) {
        has_key |= ds->columns[i].is_key;
        if (ds->columns[i].is_key && !m->job->wanted[i])
            (void)cx_field_fail(cx, ERR_load_key_unmapped, "columns", "%.*s", STRF(ds->columns[i].id));
    }
    if (m->mode == LOAD_UPSERT && !has_key) return cx_fail(cx, ERR_load_no_key, "mode", "%s", "");
    m->text = mapping_text(cx, m, ds);
    return cx->err.code;
}

// Append and upsert start from a copy of what is live; that works only while its columns stand in the same
// form.
static int read_base(struct cx *cx, struct mapping *m, const struct catalog_dataset *ds) {
    struct load_job *j = m->job;
    int code = catalog_table_resource(cx, ds->id, m->l->rid, &m->r);
    if (code == ERR_not_found) return cx_fail(cx, ERR_load_no_table, "resource", "%s", "");
    if (code) return code;
    j->mode = m->mode;
    m->series = m->mode == LOAD_REPLACE ? 0 : m->r.series;
    if (m->mode == LOAD_REPLACE || m->r.table == 0) return OK;
    if (catalog_shape(cx, ds, &j->base, NULL)) return cx->err.code;
    for (int i = 0; i < j->base.n; i++) {
        const struct table_column *old = &j->base.columns[i];
        const int at = table_column_index(&j->shape, old->id);
        if (at < 0 || (j->shape.columns[at].n == old->n && j->shape.columns[at].is_sealed == old->is_sealed))
            continue;
        return cx_fail(cx, ERR_load_shape, "mode", "%.*s", STRF(old->id));
    }
    return OK;
}

// A finished load of the same bytes, under the same mapping and edition, in the same row of tables: its rows
// are in what is live now. After a replacing load of something else the series is another one, and the file
// is news again.
static int same_mapping(struct cx *cx, struct mapping *m, const struct catalog_dataset *ds) {
    if (m->r.table == 0) return OK;
    struct stmt *s = store_query(cx->db, Q_catalog_load_same, "sssiii", ds->id, m->l->digest, m->text,
                                 ds->edition, m->r.series, m->l->id);
    m->is_same = store_next(s);
    return store_done(s, &cx->err);
}

// On the writer: nobody else may work on this load from now on; what an earlier mapping staged is given up.
static int begin_check(struct cx *cx, void *arg) {
    struct mapping *m = arg;
    struct load_job *j = m->job;
    int64_t n = 0;
    if (load_table_give_up(cx, m->l->table)) return cx->err.code;
    j->shape.table = 0;
    if (!m->is_same && load_table_new(cx, j, m->series)) return cx->err.code;
    if (store_exec(cx->db, &n, &cx->err, Q_catalog_load_begin, "iissiiiiii", m->l->id, j->ds->edition,
                   m->text, str_of(MODES[m->mode]), j->shape.table, m->r.table,
                   m->is_same ? m->r.series : j->shape.series, (int64_t)m->is_same, cx->now_ms,
                   cx->who.account))
        return cx->err.code;
    return n ? OK : cx_fail(cx, ERR_load_state, "load", "%.*s", STRF(m->l->state));
}

static struct str json_reasons(struct cx *cx, const struct load_check *c) {
    struct buf b = buf_new(cx->mem, 1024, (size_t)4 << 20);
    struct jw w = jw_to(&b);
    jw_array(&w);
    for (int i = 0; i < c->reasons_n; i++) {
        const struct load_reason *r = &c->reasons[i];
        jw_object(&w);
        jw_ntext(&w, "code", str_of(err_info(r->err.code)->name));
        jw_ntext(&w, "zh", err_text(cx->mem, &r->err, true));
        jw_ntext(&w, "en", err_text(cx->mem, &r->err, false));
        jw_ntext(&w, "column", r->column.n ? r->column : STR_NONE);
        jw_nint(&w, "n", r->n);
        jw_object_end(&w);
    }
    jw_array_end(&w);
    return buf_str(&b);
}

static int end_check(struct cx *cx, void *arg) {
    struct mapping *m = arg;
    struct load_job *j = m->job;
    const struct str reasons = json_reasons(cx, &j->check);
    struct act *a = cx_act(cx, "dataset", j->ds->id);
    a->detail = str_print(cx->mem, "{\"bad\":%" PRId64 ",\"good\":%" PRId64 ",\"load\":%" PRId64 "}", j->bad,
                          j->good, m->l->id);
    if (store_exec(cx->db, NULL, &cx->err, Q_catalog_table_rows_set, "iii", j->shape.table, j->stored,
                   cx->now_ms))
        return cx->err.code;
    return store_exec(cx->db, NULL, &cx->err, Q_catalog_load_checked, "iiiiisi", m->l->id, j->good, j->bad,
                      j->duplicate, j->seen, reasons, cx->now_ms);
}

// Back to "read": the upload is still good, only the check failed (a full disk, a lost sheet).
static int undo_check(struct cx *cx, void *arg) {
    struct mapping *m = arg;
    if (load_table_give_up(cx, m->job->shape.table)) return cx->err.code;
    return store_exec(cx->db, NULL, &cx->err, Q_catalog_load_back, "ii", m->l->id, cx->now_ms);
}

static int check_rows(struct cx *cx, struct mapping *m) {
    struct load_job *j = m->job;
    struct load_source s;
    const struct load_choice choice = {m->l->encoding, m->l->separator, m->l->sheet};
    if (load_bad_clear(cx, m->l->id)) return cx->err.code;
    int code = load_source_open(cx, load_path(cx, m->l->file).p, &choice, &s);
    if (code) return code;
    code = load_check_open(cx, &j->keep, j->ds, m->l->rows, false, &j->check);
    j->check.map = m->map;
    j->check.map_n = m->n;
    j->header_row = m->l->header_row;
    if (code == OK) code = load_job_run(j, &s);
    load_source_close(&s);
    return code;
}

static int run_mapping(struct cx *cx, struct mapping *m, struct catalog_dataset *ds) {
    if (read_mapping(cx, m, ds) || read_base(cx, m, ds) || same_mapping(cx, m, ds)) return cx->err.code;
    m->job->load = m->l->id;
    if (cx_write(cx, begin_check, m)) return cx->err.code;
    const int code = m->is_same ? OK : check_rows(cx, m);
    if (code == OK) return cx_write(cx, end_check, m);
    const struct err why = cx->err; // the undoing must not hide it
    if (cx_write(cx, undo_check, m))
        log_line(LOG_WARN, "catalog", "load %" PRId64 " stays until the next start", m->l->id);
    cx->err = why;
    return code;
}

static int set_sheet(struct cx *cx, void *arg) {
    struct load *l = arg;
    int64_t n = 0;
    if (load_table_give_up(cx, l->table)) return cx->err.code;
    if (store_exec(cx->db, &n, &cx->err, Q_catalog_load_sheet, "isiisii", l->id, l->sheet, l->header_row,
                   l->rows, l->columns, cx->now_ms, cx->who.account))
        return cx->err.code;
    return n ? OK : cx_fail(cx, ERR_load_state, "load", "%.*s", STRF(l->state));
}

// Another sheet has other columns: it is looked at anew before a mapping can speak of it.
static int choose_sheet(struct cx *cx, struct load *l, const struct catalog_dataset *ds) {
    const struct str sheet = cx_text(cx, "sheet");
    if (!sheet.n || str_eq(sheet, l->sheet)) return OK;
    const struct load_choice choice = {l->encoding, l->separator, sheet};
    if (scan_file(cx, l, ds, &choice) || cx_write(cx, set_sheet, l)) return cx->err.code;
    l->table = 0;
    return OK;
}

int load_put_mapping(struct cx *cx) {
    struct load l;
    struct catalog_dataset *ds;
    struct load_job job = {0};
    if (load_of_asker(cx, &l, &ds)) return cx->err.code;
    if (!str_eq(l.state, S("read")) && !str_eq(l.state, S("checked")))
        return cx_fail(cx, ERR_load_state, "load", "%.*s", STRF(l.state));
    int code = choose_sheet(cx, &l, ds);
    if (code == OK && cx_has(cx, "columns")) {
        struct mapping m = {.l = &l, .job = &job};
        code = load_job_open(cx, ds, &job);
        if (code == OK) code = run_mapping(cx, &m, ds);
        load_job_close(&job);
    }
    return code ? code : load_show(cx);
}

// --- commit and drop, on the writer ---

static int staged_rows(struct cx *cx, int64_t table, int64_t *ret) {
    struct stmt *s = store_query(cx->db, Q_catalog_table_rows, "i", table);
    const bool found = store_next(s);
    if (found) *ret = store_int(s, 0);
    if (store_done(s, &cx->err)) return cx->err.code;
    return found ? OK : cx_fail(cx, ERR_load_base_moved, "load", "%s", "");
}

static int flip(struct cx *cx, const struct load *l, const struct catalog_dataset *ds,
                const struct catalog_resource *r, int64_t *ret_rows) {
    struct load_staged st = {
        .table = l->table, .series = l->series, .bytes = l->bytes, .digest = l->digest, .bad_n = l->bad_n};
    if (staged_rows(cx, l->table, &st.rows) || catalog_load_publish(cx, ds, r, &st)) return cx->err.code;
    *ret_rows = st.rows;
    return OK;
}

// All the work was done by the check; this changes a handful of rows and is over in well under a millisecond.
int load_commit(struct cx *cx) {
    struct load l;
    struct catalog_dataset *ds;
    struct catalog_resource r;
    int64_t n = 0;
    if (load_of_asker(cx, &l, &ds)) return cx->err.code;
    if (!str_eq(l.state, S("checked"))) return cx_fail(cx, ERR_load_state, "load", "%.*s", STRF(l.state));
    int code = catalog_table_resource(cx, l.dataset, l.rid, &r);
    if (code == ERR_not_found) return cx_fail(cx, ERR_load_no_table, "resource", "%s", "");
    if (code) return code;
    // Between check and commit somebody else's load may have been flipped, or the columns compiled anew.
    if (r.table != l.base_table || ds->edition != l.edition)
        return cx_fail(cx, ERR_load_base_moved, "load", "%s", "");
    int64_t rows = r.rows;
    if (!l.is_same && flip(cx, &l, ds, &r, &rows)) return cx->err.code;
    if (store_exec(cx->db, &n, &cx->err, Q_catalog_load_done, "iii", l.id, cx->now_ms, cx->who.account))
        return cx->err.code;
    struct act *a = cx_act(cx, "dataset", ds->id);
    a->object_name = ds->title_zh;
    a->office = ds->office;
    a->is_clear = catalog_is_open(ds);
    a->detail = str_print(cx->mem,
                          "{\"bad\":%" PRId64 ",\"load\":%" PRId64 ",\"rows\":%" PRId64
                          ",\"same\":%s,\"sm3\":\"%.*s\"}",
                          l.bad_n, l.id, rows, l.is_same ? "true" : "false", STRF(l.digest));
    jw_object(&cx->w);
    jw_nint(&cx->w, "load", l.id);
    jw_ntext(&cx->w, "state", S("done"));
    jw_nint(&cx->w, "rows", rows);
    jw_nint(&cx->w, "good_n", l.good_n);
    jw_nint(&cx->w, "bad_n", l.bad_n);
    jw_nbool(&cx->w, "same", l.is_same);
    jw_object_end(&cx->w);
    return OK;
}

int load_drop(struct cx *cx) {
    struct load l;
    struct catalog_dataset *ds;
    int64_t n = 0;
    if (load_of_asker(cx, &l, &ds)) return cx->err.code;
    if (store_exec(cx->db, &n, &cx->err, Q_catalog_load_drop, "iii", l.id, cx->now_ms, cx->who.account))
        return cx->err.code;
    if (n == 0) return cx_fail(cx, ERR_load_state, "load", "%.*s", STRF(l.state));
    if (load_table_give_up(cx, l.table)) return cx->err.code;
    struct act *a = cx_act(cx, "dataset", ds->id);
    a->detail = str_print(cx->mem, "{\"load\":%" PRId64 "}", l.id);
    jw_object(&cx->w);
    jw_nint(&cx->w, "load", l.id);
    jw_ntext(&cx->w, "state", S("dropped"));
    jw_object_end(&cx->w);
    return OK;
}
