// SPDX-License-Identifier: MulanPSL-2.0
// Reading what the catalog remembers: heads, editions, columns, resources. Keeps true: text given back lives in
// cx->mem; a data set is never given without its columns and without knowing which of them the present table holds.
#include "mod/catalog/inside.h"
#include <assert.h>

struct str catalog_none(struct str s) {
    return s.p ? s : S("");
}

int catalog_head_get(struct cx *cx, struct str id, struct catalog_head *ret) {
    struct stmt *s = store_query(cx->db, Q_catalog_head_get, "s", catalog_none(id));
    bool found = store_next(s);
    if (found) {
        *ret = (struct catalog_head){.n = store_int(s, 0),
                                     .id = store_str(s, 1, cx->mem),
                                     .office = store_str(s, 2, cx->mem),
                                     .live = store_int(s, 3),
                                     .work = store_int(s, 4),
                                     .last = store_int(s, 5),
                                     .slots = (int)store_int(s, 6),
                                     .version = store_int(s, 7),
                                     .pack = store_str(s, 8, cx->mem),
                                     .pack_digest = store_str(s, 9, cx->mem),
                                     .published_ms = store_int(s, 10),
                                     .updated_ms = store_int(s, 11),
                                     .data_ms = store_int(s, 12),
                                     .score = store_is_null(s, 13) ? -1 : store_double(s, 13),
                                     .created_ms = store_int(s, 14),
                                     .changed_ms = store_int(s, 15)};
    }
    int code = store_done(s, &cx->err);
    return code != OK ? code : found ? OK : ERR_not_found;
}

// The 30 facts of an edition, in the order of catalog_edition_get.
static void edition_fill(struct cx *cx, struct stmt *s, struct catalog_dataset *d) {
    struct str *const text[] = {[1] = &d->title_zh,
                                [2] = &d->title_en,
                                [3] = &d->abstract_zh,
                                [4] = &d->abstract_en,
                                [5] = &d->keywords,
                                [6] = &d->class_codes,
                                [8] = &d->share_condition_zh,
                                [9] = &d->share_condition_en,
                                [10] = &d->share_scope,
                                [11] = &d->share_law,
                                [13] = &d->open_condition_zh,
                                [14] = &d->open_condition_en,
                                [16] = &d->cycle,
                                [17] = &d->modes,
                                [18] = &d->subject,
                                [19] = &d->area_column,
                                [20] = &d->spatial,
                                [21] = &d->source_zh,
                                [22] = &d->source_en,
                                [23] = &d->source_date,
                                [24] = &d->licence,
                                [27] = &d->related,
                                [28] = &d->notices,
                                [29] = &d->checks};
    for (int i = 0; i < (int)(sizeof text / sizeof *text); i++)
        if (text[i]) *text[i] = store_str(s, i, cx->mem);
    d->state = (enum catalog_state)store_int(s, 0);
    d->share = (int)store_int(s, 7);
    d->open = (int)store_int(s, 12);
    d->grade = (int)store_int(s, 15);
    d->is_synthetic = store_int(s, 25) != 0;
    d->seed = store_int(s, 26);
}

static void column_fill(struct cx *cx, struct stmt *s, struct catalog_column *c) {
    *c = (struct catalog_column){.n = (int)store_int(s, 0),
                                 .id = store_str(s, 1, cx->mem),
                                 .slot = (int)store_int(s, 2),
                                 .zh = store_str(s, 3, cx->mem),
                                 .en = store_str(s, 4, cx->mem),
                                 .type = (enum table_type)store_int(s, 5),
                                 .length = (int)store_int(s, 6),
                                 .is_key = store_int(s, 7) != 0,
                                 .is_area = store_int(s, 8) != 0,
                                 .grade = (int)store_int(s, 9),
                                 .grade_reason = store_str(s, 10, cx->mem),
                                 .element = store_str(s, 11, cx->mem),
                                 .element_role = store_str(s, 12, cx->mem),
                                 .code_list = store_str(s, 13, cx->mem),
                                 .is_personal = store_int(s, 15) != 0,
                                 .share = (int)store_int(s, 17),
                                 .open = (int)store_int(s, 18),
                                 .office = store_str(s, 19, cx->mem)};
    // A word that a later program no longer knows hides the value and passes no check, instead of showing it.
    if (!mask_of(store_str(s, 14, cx->mem), &c->mask)) c->mask = MASK_HIDE;
    if (!element_rule_of(store_str(s, 16, cx->mem), &c->rule)) c->rule = ELEMENT_ANY;
}

static int columns_read(struct cx *cx, struct catalog_dataset *d) {
    d->columns = arena_array(cx->mem, CATALOG_COLUMNS_MAX, sizeof *d->columns);
    if (!d->columns) return cx_fail(cx, ERR_no_memory, "", "columns");
    struct stmt *s = store_query(cx->db, Q_catalog_columns_get, "si", d->id, d->edition);
    while (d->columns_n < CATALOG_COLUMNS_MAX && store_next(s)) {
        struct catalog_column *c = &d->columns[d->columns_n++];
        column_fill(cx, s, c);
        // The 属地 of a data set decides back-flow and maps.
        if (c->is_area && !d->area_column.n) d->area_column = c->id;
        d->is_personal = d->is_personal || c->is_personal;
    }
    return store_done(s, &cx->err);
}

// Which columns the present table holds, and which of them stand sealed in it: a fact of the edition it was made for.
static int slots_read(struct cx *cx, struct catalog_dataset *d, int64_t table_edition) {
    if (d->table == 0) return OK;
    struct stmt *s = store_query(cx->db, Q_catalog_slots_get, "si", d->id, table_edition);
    while (store_next(s)) {
        int slot = (int)store_int(s, 0), grade = (int)store_int(s, 1);
        for (int i = 0; i < d->columns_n; i++)
            if (d->columns[i].slot == slot) {
                d->columns[i].is_in_table = true;
                d->columns[i].is_sealed = grade >= TABLE_GRADE_SEALED;
            }
    }
    return store_done(s, &cx->err);
}

static int table_read(struct cx *cx, struct catalog_dataset *d) {
    struct catalog_resource r;
    int code = catalog_table_resource(cx, d->id, STR_NONE, &r);
    if (code == ERR_not_found) return OK;
    if (code != OK) return code;
    d->table = r.table;
    d->rows = r.rows;
    d->is_verify_only = r.is_verify_only;
    return slots_read(cx, d, r.table_edition);
}

static bool has_word(struct str list, const char *word) {
    for (struct str rest = list; rest.p && rest.n;)
        if (str_eq(str_cut(rest, ' ', &rest), str_of(word))) return true;
    return false;
}

static int edition_read(struct cx *cx, const struct catalog_head *h, int64_t edition,
                        struct catalog_dataset **ret) {
    struct catalog_dataset *d = arena_take(cx->mem, sizeof *d);
    if (!d) return cx_fail(cx, ERR_no_memory, "", "dataset");
    *d = (struct catalog_dataset){.id = h->id,
                                  .edition = edition,
                                  .is_live = h->live == edition,
                                  .version = h->version,
                                  .office = h->office,
                                  .created_ms = h->created_ms,
                                  .changed_ms = h->changed_ms,
                                  .published_ms = h->published_ms,
                                  .updated_ms = h->updated_ms,
                                  .data_ms = h->data_ms,
                                  .score = h->score,
                                  .n = h->n,
                                  .live = h->live,
                                  .work = h->work,
                                  .last = h->last};
    struct stmt *s = store_query(cx->db, Q_catalog_edition_get, "si", d->id, edition);
    bool found = store_next(s);
    if (found) edition_fill(cx, s, d);
    int code = store_done(s, &cx->err);
    if (code == OK && !found) return ERR_not_found;
    d->is_personal = has_word(d->subject, "person");
    if (code == OK) code = columns_read(cx, d);
    if (code == OK) code = table_read(cx, d);
    if (code == OK) *ret = d;
    return code;
}

int catalog_edition_get(struct cx *cx, struct str id, int64_t edition, struct catalog_dataset **ret) {
    struct catalog_head h;
    assert(cx && ret);
    int code = catalog_head_get(cx, id, &h);
    if (code != OK) return code;
    if (edition == CATALOG_LIVE) edition = h.live;
    if (edition == CATALOG_WORK) edition = h.work ? h.work : h.live ? h.live : h.last;
    return edition > 0 ? edition_read(cx, &h, edition, ret) : ERR_not_found;
}

int catalog_dataset_get(struct cx *cx, struct str id, struct catalog_dataset **ret) {
    return catalog_edition_get(cx, id, CATALOG_LIVE, ret);
}

int catalog_dataset_work(struct cx *cx, struct str id, struct catalog_dataset **ret) {
    return catalog_edition_get(cx, id, CATALOG_WORK, ret);
}

int catalog_load_edition(struct cx *cx, struct str id, struct catalog_dataset **ret) {
    struct catalog_head h;
    int code = catalog_head_get(cx, id, &h);
    if (code != OK) return code;
    int64_t edition = h.live ? h.live : h.work;
    return edition > 0 ? edition_read(cx, &h, edition, ret) : ERR_not_found;
}

const struct catalog_column *catalog_column_find(const struct catalog_dataset *ds, struct str id) {
    for (int i = 0; i < ds->columns_n; i++)
        if (str_eq(ds->columns[i].id, id)) return &ds->columns[i];
    return NULL;
}

bool catalog_live_now(struct cx *cx, struct str id, int64_t *ret_version, int64_t *ret_table) {
    struct stmt *s = store_query(cx->db, Q_catalog_live_now, "s", catalog_none(id));
    bool found = store_next(s);
    if (found) {
        *ret_version = store_int(s, 0);
        *ret_table = store_int(s, 1);
    }
    return store_done(s, &cx->err) == OK && found;
}

static void resource_fill(struct cx *cx, struct stmt *s, struct str dataset, struct catalog_resource *r) {
    *r = (struct catalog_resource){.id = store_int(s, 0),
                                   .dataset = dataset,
                                   .rid = store_str(s, 1, cx->mem),
                                   .kind = (enum catalog_kind)store_int(s, 2),
                                   .title_zh = store_str(s, 3, cx->mem),
                                   .title_en = store_str(s, 4, cx->mem),
                                   .format = store_str(s, 5, cx->mem),
                                   .is_verify_only = store_int(s, 6) != 0,
                                   .upstream = store_str(s, 7, cx->mem),
                                   .file_name = store_str(s, 8, cx->mem),
                                   .sm3 = store_str(s, 9, cx->mem),
                                   .bytes = store_int(s, 10),
                                   .table = store_int(s, 11),
                                   .table_edition = store_int(s, 12),
                                   .series = store_int(s, 13),
                                   .rows = store_int(s, 14),
                                   .is_tested = store_int(s, 15) != 0,
                                   .is_test_ok = store_int(s, 16) != 0,
                                   .tested_ms = store_int(s, 17),
                                   .test_note = store_str(s, 18, cx->mem),
                                   .loaded_ms = store_int(s, 19)};
}

int catalog_resources(struct cx *cx, struct str dataset, struct catalog_resource **ret, size_t *ret_n) {
    struct catalog_resource *list = arena_array(cx->mem, CATALOG_RESOURCES_MAX, sizeof *list);
    size_t n = 0;
    if (!list) return cx_fail(cx, ERR_no_memory, "", "resources");
    struct stmt *s = store_query(cx->db, Q_catalog_resources_get, "s", catalog_none(dataset));
    while (n < CATALOG_RESOURCES_MAX && store_next(s))
        resource_fill(cx, s, dataset, &list[n++]);
    int code = store_done(s, &cx->err);
    if (code != OK) return code;
    *ret = list;
    *ret_n = n;
    return OK;
}

int catalog_resource_get(struct cx *cx, struct str dataset, struct str rid, struct catalog_resource *ret) {
    struct catalog_resource *list;
    size_t n;
    int code = catalog_resources(cx, dataset, &list, &n);
    if (code != OK) return code;
    for (size_t i = 0; i < n; i++)
        if (str_eq(list[i].rid, rid)) {
            *ret = list[i];
            return OK;
        }
    return ERR_not_found;
}

int catalog_table_resource(struct cx *cx, struct str dataset, struct str rid, struct catalog_resource *ret) {
    struct catalog_resource *list;
    size_t n;
    int code = catalog_resources(cx, dataset, &list, &n);
    if (code != OK) return code;
    for (size_t i = 0; i < n; i++)
        if (list[i].kind == CATALOG_TABLE && (!rid.n || str_eq(list[i].rid, rid))) {
            *ret = list[i];
            return OK;
        }
    return ERR_not_found;
}

int catalog_shape(struct cx *cx, const struct catalog_dataset *ds, struct table_shape *ret, int **ret_index) {
    struct catalog_resource r = {0};
    struct table_column *columns = arena_array(cx->mem, (size_t)ds->columns_n + 1, sizeof *columns);
    int *index = arena_array(cx->mem, (size_t)ds->columns_n + 1, sizeof *index);
    if (!columns || !index) return cx_fail(cx, ERR_no_memory, "", "shape");
    int code = catalog_table_resource(cx, ds->id, STR_NONE, &r);
    if (code != OK && code != ERR_not_found) return code;
    int n = 0;
    for (int i = 0; i < ds->columns_n; i++) {
        const struct catalog_column *c = &ds->columns[i];
        if (ds->table && !c->is_in_table) continue; // newer than the table: nothing to read yet
        columns[n] = catalog_table_column(c);
        columns[n].is_sealed = ds->table ? c->is_sealed : c->grade >= TABLE_GRADE_SEALED;
        index[n++] = i;
    }
    *ret = (struct table_shape){
        .table = ds->table, .series = r.series, .owner = ds->id, .columns = columns, .n = n};
    if (ret_index) *ret_index = index;
    return OK;
}

struct table_column catalog_table_column(const struct catalog_column *c) {
    return (struct table_column){.id = c->id,
                                 .zh = c->zh,
                                 .en = c->en,
                                 .type = c->type,
                                 .n = c->slot,
                                 .is_key = c->is_key,
                                 .is_area = c->is_area,
                                 // Numbers that name a firm or a person are what offices look rows up by.
                                 .is_searched = c->rule == ELEMENT_USCC || c->rule == ELEMENT_RID,
                                 .is_personal = c->is_personal,
                                 .grade = c->grade,
                                 .is_sealed = c->grade >= TABLE_GRADE_SEALED,
                                 .mask = c->mask};
}

int64_t catalog_office_count(struct cx *cx, struct str office) {
    struct stmt *s = store_query(cx->db, Q_catalog_office_count, "s", catalog_none(office));
    int64_t n = store_next(s) ? store_int(s, 0) : 0;
    struct err ignore;
    return store_done(s, &ignore) == OK ? n : 0;
}
