// SPDX-License-Identifier: MulanPSL-2.0
// The rows of a pack, judged before anything is staged. A row with a fault of content (a wrong check digit) is loaded
// as it is, so that quality has something true to show; a row that cannot be read at all would be lost, and a pack
// is loaded whole or not at all: it is a mistake of the pack, told with its line.
#include "mod/catalog/packs.h"
#include <assert.h>

struct rows_check {
    struct cx *cx;
    struct pack *pack;
    struct str file;
    struct load_check check;
    struct table_cell *cells;
    struct arena *batch;
    int64_t header_row;
};

static int tell(void *arg, const struct load_fault *f) {
    struct rows_check *r = arg;
    // The value of a graded column has no place in a log or on a screen.
    struct str v = f->is_secret ? S("***") : f->value;
    pack_mistake(r->cx, r->pack, r->file, f->row, f->err.code, str_z(r->cx->mem, f->column), "%s%s%.*s",
                 f->err.arg, f->err.arg[0] && v.n ? ": " : "", (int)(v.n > 60 ? 60 : v.n), v.p ? v.p : "");
    return OK;
}

static int on_record(void *arg, const struct load_record *record, struct err *e) {
    struct rows_check *r = arg;
    bool ok;
    (void)e; // is &cx->err
    if (record->row <= r->header_row) return OK;
    int code = load_check_record(&r->check, r->batch, record, r->cells, tell, r, &ok);
    arena_reset(r->batch);
    return code;
}

static int check_source(struct rows_check *r, const struct catalog_dataset *ds, struct load_source *s) {
    struct cx *cx = r->cx;
    struct load_scan scan;
    struct err tail = {0};
    int code = load_scan(cx, s, ds, false, &scan);
    if (code == OK) code = load_check_open(cx, cx->mem, ds, scan.rows, true, &r->check);
    if (code != OK) return code;
    struct load_map *map = arena_array(cx->mem, scan.n + 1, sizeof *map);
    r->cells = arena_array(cx->mem, (size_t)ds->columns_n + 1, sizeof *r->cells);
    if (!map || !r->cells) return cx_fail(cx, ERR_no_memory, "", "%s", "");
    for (size_t i = 0; i < scan.n; i++) // pack files speak fen
        map[i] = (struct load_map){.column = scan.columns[i].column, .unit = LOAD_UNIT_FEN};
    r->check.map = map;
    r->check.map_n = scan.n;
    r->check.is_csv = true;
    r->header_row = scan.header_row;
    code = load_each(cx, s, r->batch, on_record, r, &tail);
    if (code == OK && tail.code)
        pack_mistake(cx, r->pack, r->file, tail.row, tail.code, tail.field, "%s", tail.arg);
    return code;
}

int pack_rows_check(struct cx *cx, struct pack *p, const struct pack_dataset *s) {
    struct arena batch;
    struct load_source source;
    struct rows_check r = {.cx = cx, .pack = p, .batch = &batch};
    assert(s->data.p);
    r.file = str_print(cx->mem, "datasets/%.*s/data.csv", STRF(s->d.id));
    int code = load_source_text(cx, s->data, &source);
    if (code != OK) return code;
    arena_init(&batch, LOAD_MEMORY_MAX);
    code = check_source(&r, &s->d, &source);
    arena_free(&batch);
    load_source_close(&source);
    // A file without a header is a mistake as well, not the end of checking.
    if (code == ERR_load_no_header) {
        pack_mistake(cx, p, r.file, 1, ERR_load_no_header, "", "%s", "");
        cx->err = (struct err){0};
        return OK;
    }
    return code;
}
