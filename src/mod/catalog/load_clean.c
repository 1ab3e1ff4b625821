// SPDX-License-Identifier: MulanPSL-2.0
// What loads leave behind and nobody needs any more: replaced tables, given-up uploads, their files and
// set-aside rows. Keeps true: a table is dropped only LOAD_OLD_MS after it was replaced, so that who began to
// read it ends undisturbed; everything big goes in slices; a crash at any point only leaves work for the next
// time.
#include "mod/catalog/load.h"
#include "base/file.h"
#include "core/node.h"
#include <unistd.h>

#define CLEAN_US 2000000 // of one waking, so that a worker is not held for long

struct cleaning {
    struct cx *cx;
    int64_t table, load;
    struct str file;
    bool is_done;
};

static int drop_slice(struct cx *cx, void *arg) {
    struct cleaning *c = arg;
    const int64_t stop = clock_mono_us() + LOAD_SLICE_US;
    c->is_done = false;
    do {
        if (table_drop_slice(cx, c->table, LOAD_DROP_ROWS / 4, &c->is_done)) return cx->err.code;
    } while (!c->is_done && clock_mono_us() < stop);
    if (!c->is_done) return OK;
    return store_exec(cx->db, NULL, &cx->err, Q_catalog_table_gone, "ii", c->table, cx->now_ms);
}

static int clear_bad_slice(struct cx *cx, void *arg) {
    struct cleaning *c = arg;
    int64_t n = 0;
    if (store_exec(cx->db, &n, &cx->err, Q_catalog_bad_clear, "ii", c->load, (int64_t)LOAD_DROP_ROWS))
        return cx->err.code;
    c->is_done = n < LOAD_DROP_ROWS;
    return OK;
}

int load_bad_clear(struct cx *cx, int64_t load) {
    struct cleaning c = {.load = load};
    while (!c.is_done)
        if (cx_write(cx, clear_bad_slice, &c)) return cx->err.code;
    return OK;
}

static int abandon(struct cx *cx, void *arg) {
    struct cleaning *c = arg;
    int64_t n = 0;
    if (store_exec(cx->db, &n, &cx->err, Q_catalog_load_drop, "iii", c->load, cx->now_ms, (int64_t)0))
        return cx->err.code;
    return n ? load_table_give_up(cx, c->table) : OK;
}

static int forget_file(struct cx *cx, void *arg) {
    struct cleaning *c = arg;
    return store_exec(cx->db, NULL, &cx->err, Q_catalog_load_file_gone, "i", c->load);
}

// The first row of a query of up to two numbers (and a text) into c; false when there is none.
static bool next(struct cx *cx, struct cleaning *c, struct stmt *s, char second) {
    const bool found = store_next(s);
    if (found) {
        c->load = c->table = store_int(s, 0);
        if (second == 'i') c->table = store_int(s, 1);
        if (second == 's') c->file = store_str(s, 1, cx->mem);
    }
    return store_done(s, &cx->err) == OK && found;
}

struct str load_path(struct cx *cx, struct str file) {
    return str_print(cx->mem, "%s/loads/%.*s", cx->city->shared, STRF(file));
}

int load_clean(struct cx *cx) {
    struct cleaning c = {.cx = cx};
    const int64_t stop = clock_mono_us() + CLEAN_US;
    while (clock_mono_us() < stop &&
           next(cx, &c, store_query(cx->db, Q_catalog_loads_abandoned, "i", cx->now_ms - LOAD_ABANDONED_MS),
                'i'))
        if (cx_write(cx, abandon, &c)) return cx->err.code;
    while (clock_mono_us() < stop && next(cx, &c, store_query(cx->db, Q_catalog_load_files_done, ""), 's')) {
        const struct str path = load_path(cx, c.file);
        (void)unlink(path.p); // gone already is as good
        if (cx_write(cx, forget_file, &c)) return cx->err.code;
    }
    while (clock_mono_us() < stop && next(cx, &c, store_query(cx->db, Q_catalog_load_bad_left, ""), 0))
        if (load_bad_clear(cx, c.load)) return cx->err.code;
    while (clock_mono_us() < stop &&
           next(cx, &c, store_query(cx->db, Q_catalog_table_old_next, "i", cx->now_ms - LOAD_OLD_MS), 0))
        if (cx_write(cx, drop_slice, &c)) return cx->err.code;
    return cx->err.code;
}

// --- at start ---

static int undo_interrupted(struct cx *cx, void *arg) {
    (void)arg;
    if (store_exec(cx->db, NULL, &cx->err, Q_catalog_loads_interrupted, "i", cx->now_ms)) return cx->err.code;
    return store_exec(cx->db, NULL, &cx->err, Q_catalog_tables_left, "i", cx->now_ms);
}

int catalog_load_start(struct cx *cx) {
    const struct str dir = str_print(cx->mem, "%s/loads", cx->city->shared);
    struct str *names;
    size_t n;
    int64_t others = 0;
    // What looks cut off may be another node's work under way: the job clears it away when it has grown old.
    if (node_others(cx, &others) != OK || others > 0) return cx->err.code;
    if (cx_write(cx, undo_interrupted, NULL)) return cx->err.code;
    if (!dir.p || file_make_dirs(dir.p, 0700, &cx->err) || file_list(cx->mem, dir.p, &names, &n, &cx->err))
        return cx->err.code;
    for (size_t i = 0; i < n; i++) { // an upload that was cut off before its row stood
        struct stmt *s = store_query(cx->db, Q_catalog_load_file_known, "s", names[i]);
        const bool is_known = store_next(s);
        if (store_done(s, &cx->err)) return cx->err.code;
        if (!is_known && names[i].n && names[i].p[names[i].n - 1] != '/')
            (void)unlink(load_path(cx, names[i]).p);
    }
    return OK;
}
