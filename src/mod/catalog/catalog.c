// SPDX-License-Identifier: MulanPSL-2.0
// The module's row, and what it decides about seeing: who sees which edition, what is open, which light a clock
// shows, what waits for whom, what moves when an office is succeeded.
#include "mod/catalog/catalog.h"
#include "mod/catalog/files.h"
#include "mod/catalog/flow.h"
#include "mod/catalog/inside.h"
#include "mod/catalog/jobs.h"
#include "mod/catalog/load.h"
#include "mod/catalog/meta.h"
#include "mod/catalog/packs.h"
#include <assert.h>

#define YELLOW_WD 2 // working days before the limit

static bool is_authority(struct cx *cx) {
    if (!cx_is(cx, R_(REVIEWER) | R_(AUTHORITY))) return false;
    struct str office = people_office_city_authority(cx);
    return !office.n || str_eq(office, cx->who.office);
}

bool catalog_may_see(struct cx *cx, const struct catalog_dataset *ds) {
    assert(cx && ds);
    if (ds->is_live) return cx_is(cx, R_LOGIN);
    if (is_authority(cx)) return true;
    bool own = cx->who.office.n && str_eq(cx->who.office, ds->office);
    return own && cx_is(cx, R_(STEWARD) | R_(UNIT_HEAD));
}

bool catalog_is_open(const struct catalog_dataset *ds) {
    return ds->is_live && ds->open > CATALOG_OPEN_NONE;
}

bool catalog_column_is_open(const struct catalog_dataset *ds, const struct catalog_column *c) {
    return catalog_is_open(ds) && ds->open == CATALOG_OPEN_FREE && c->open == CATALOG_OPEN_FREE &&
           c->grade == GRADE_L1;
}

// The provider's steward; the steward of a column's own 数源部门 brings that column through the same load.
bool catalog_may_attach(struct cx *cx, const struct catalog_dataset *ds) {
    if (!cx_is(cx, R_(STEWARD)) || !cx->who.office.n) return false;
    return str_eq(cx->who.office, ds->office) && ds->state != CATALOG_WITHDRAWN;
}

const char *catalog_light(struct cx *cx, int64_t due_ms, int64_t done_ms) {
    if (due_ms == 0) return "grey";
    if (done_ms) return done_ms <= due_ms ? "grey" : "red";
    if (cx->now_ms > due_ms) return "red";
    int left = workdays_between(city_workdays(cx->city), cx->now_ms, due_ms, CHINA_OFFSET_MS);
    return left <= YELLOW_WD ? "yellow" : "green";
}

// Whose move a waiting step is: the roles of flow.c's table seen from the asker.
static bool is_mine(struct cx *cx, struct str step, struct str office) {
    bool own = cx->who.office.n && str_eq(cx->who.office, office);
    if (str_eq(step, S("compile"))) return own && cx_is(cx, R_(STEWARD));
    if (str_eq(step, S("sign"))) return own && cx_is(cx, R_(UNIT_HEAD));
    if (str_eq(step, S("review"))) return is_authority(cx) && cx_is(cx, R_(REVIEWER));
    return str_eq(step, S("publish")) && is_authority(cx) && cx_is(cx, R_(AUTHORITY));
}

int catalog_todo(struct cx *cx, struct catalog_task **ret_first) {
    struct catalog_task *first = NULL, **last = &first;
    struct stmt *s = store_query(cx->db, Q_catalog_todo, "");
    while (store_next(s)) {
        struct str step = store_str(s, 1, cx->mem);
        if (!is_mine(cx, step, store_str(s, 2, cx->mem))) continue;
        const struct catalog_word *word = catalog_word("step", step);
        struct catalog_task *t = arena_take(cx->mem, sizeof *t);
        if (!t) break;
        *t = (struct catalog_task){.dataset = store_str(s, 0, cx->mem),
                                   .step = step,
                                   .due_ms = store_int(s, 3),
                                   .is_certain = store_int(s, 4) != 0,
                                   .title_zh = store_str(s, 5, cx->mem),
                                   .title_en = store_str(s, 6, cx->mem),
                                   .step_zh = word ? word->zh : "",
                                   .step_en = word ? word->en : ""};
        *last = t;
        last = &t->next;
    }
    int code = store_done(s, &cx->err);
    if (code == OK) *ret_first = first;
    return code;
}

// --- an office is succeeded: everything it provides and owes passes over in the announcer's transaction ---

static int each_id(struct cx *cx, enum query q, struct str office, struct str **ret, size_t *ret_n) {
    size_t n = 0, cap = 0;
    struct str *ids = NULL;
    struct stmt *s = store_query(cx->db, q, "s", office);
    while (store_next(s)) {
        if (n == cap) {
            size_t more = cap ? cap * 2 : 32;
            ids = arena_grow(cx->mem, ids, cap * sizeof *ids, more * sizeof *ids);
            if (!ids) break;
            cap = more;
        }
        ids[n++] = store_str(s, 0, cx->mem);
    }
    *ret = ids;
    *ret_n = n;
    return store_done(s, &cx->err);
}

static int succeed(struct cx *cx, struct str old, struct str successor) {
    struct str *ids;
    size_t n;
    int code = each_id(cx, Q_catalog_heads_of_office, old, &ids, &n);
    for (size_t i = 0; i < n && code == OK; i++) {
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_head_office, "ssii", ids[i], successor,
                          cx->now_ms, cx->who.account);
        if (code == OK) code = write_search(cx, ids[i]); // the provider's name is searched too
        if (code == OK) code = cx_announce(cx, "dataset.changed", ids[i], successor);
    }
    if (code == OK) code = each_id(cx, Q_catalog_columns_of_office, old, &ids, &n);
    for (size_t i = 0; i < n && code == OK; i++)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_columns_office, "sss", old, successor, ids[i]);
    if (code == OK) code = store_exec(cx->db, NULL, &cx->err, Q_catalog_steps_office, "ss", old, successor);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_duties_office, "ssii", old, successor, cx->now_ms,
                          cx->who.account);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_matters_office, "ssii", old, successor,
                          cx->now_ms, cx->who.account);
    return code;
}

static int on_event(struct cx *cx, const char *event, struct str object, struct str office) {
    return strcmp(event, "office.succeeded") == 0 ? succeed(cx, object, office) : OK;
}

static int start(struct cx *cx) {
    int code = files_start(cx);
    return code == OK ? catalog_load_start(cx) : code;
}

static const struct route *const route_tables[] = {
    catalog_dataset_routes,   catalog_resource_routes,  catalog_portal_routes, catalog_figures_routes,
    catalog_refs_routes,      catalog_load_routes,      catalog_rows_routes,   catalog_ckan_routes,
    catalog_ckan_file_routes, catalog_ckan_edit_routes, catalog_dcat_routes,   NULL};
static const struct job jobs[] = {
    {"catalog.quality", 5, quality_job, "测量数据质量", "Measures the quality of data sets", true, false},
    {"catalog.clean", 60, load_clean, "清理旧数据表", "Clears away old tables and abandoned uploads", false,
     false},
    {0}};

const struct module catalog_module = {.name = "catalog",
                                      .route_tables = route_tables,
                                      .jobs = jobs,
                                      .on_event = on_event,
                                      .start = start,
                                      .pack_check = catalog_pack_check,
                                      .pack_stage = catalog_pack_stage,
                                      .pack_publish = catalog_pack_publish,
                                      .zh = "目录",
                                      .en = "Catalog"};
