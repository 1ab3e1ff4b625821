// SPDX-License-Identifier: MulanPSL-2.0
// Decides what of a data set's rows somebody sees without a grant, and writes it. Keeps true: a view is built
// from the data set's own facts and from nothing the asker sends; open and shared are different facts
// (无条件共享 is not 开放); who looks at unmasked rows has given a reason, and the looking is an entry.
#include "mod/catalog/rows.h"
#include <inttypes.h>

// Who checks papers judges descriptions and applications, never people: not even a masked sample of them.
static bool checks_papers(struct cx *cx, const struct catalog_dataset *ds) {
    bool own = str_eq(cx->who.office, ds->office) && cx_is(cx, R_(STEWARD) | R_(UNIT_HEAD));
    return cx_is(cx, R_(REVIEWER) | R_(AUTHORITY) | R_(COUNTY)) && !own;
}

// Order matters: what only answers verification shows no row to anybody but its provider, open or shared as
// it may be.
static const char *why_withheld(struct cx *cx, const struct catalog_dataset *ds, enum rows_eyes eyes) {
    if (eyes == ROWS_OWNER) return NULL;
    if (ds->is_verify_only) return "verify_only";
    if (eyes == ROWS_PORTAL) return ds->open == CATALOG_OPEN_FREE ? NULL : "conditional";
    if (ds->share == CATALOG_SHARE_NEVER) return "not_shared";
    if (ds->is_personal && checks_papers(cx, ds)) return "personal";
    if (eyes == ROWS_DOWNLOAD && ds->share != CATALOG_SHARE_FREE) return "conditional";
    return NULL;
}

static enum mask_kind mask_of_column(const struct catalog_dataset *ds, const struct catalog_column *c,
                                     enum rows_eyes eyes) {
    switch (eyes) {
    case ROWS_PORTAL:
        return catalog_column_is_open(ds, c) ? mask_for(c->grade, c->mask, MASK_PUBLIC) : MASK_OMIT;
    case ROWS_DOWNLOAD:
        return c->share == CATALOG_SHARE_FREE ? mask_for(c->grade, c->mask, MASK_PREVIEW) : MASK_OMIT;
    case ROWS_PREVIEW:
        return mask_for(c->grade, c->mask, MASK_PREVIEW);
    case ROWS_OWNER:
        return mask_for(c->grade, c->mask, MASK_OWNER);
    }
    return MASK_OMIT;
}

// A column that the mask omits is not in the view at all, so its name is unknown to filters, fields and
// replies alike.
int rows_open(struct cx *cx, struct catalog_dataset *ds, enum rows_eyes eyes, struct rows *ret) {
    static const int64_t view_ids[] = {[ROWS_PORTAL] = TABLE_VIEW_PORTAL,
                                       [ROWS_PREVIEW] = TABLE_VIEW_PREVIEW,
                                       [ROWS_DOWNLOAD] = TABLE_VIEW_DOWNLOAD,
                                       [ROWS_OWNER] = TABLE_VIEW_STEWARD};
    struct rows r = {.ds = ds, .withheld = why_withheld(cx, ds, eyes)};
    int *index;
    if (catalog_shape(cx, ds, &r.shape, &index)) return cx->err.code;
    struct table_view_column *columns = arena_array(cx->mem, (size_t)r.shape.n + 1, sizeof *columns);
    if (!columns) return cx_fail(cx, ERR_no_memory, "", "%s", "");
    r.view.id = view_ids[eyes];
    r.view.columns = columns;
    for (int i = 0; i < r.shape.n; i++) {
        const enum mask_kind mask = mask_of_column(ds, &ds->columns[index[i]], eyes);
        if (mask != MASK_OMIT) columns[r.view.n++] = (struct table_view_column){.column = i, .mask = mask};
    }
    *ret = r;
    return OK;
}

// A data set that one may not see is not there: a draft's id is nobody's business.
int rows_dataset(struct cx *cx, bool is_public, struct catalog_dataset **ret) {
    const struct str id = cx_text(cx, "id");
    struct catalog_dataset *ds = NULL;
    int code = catalog_dataset_get(cx, id, &ds);
    if (code == ERR_not_found && !is_public) {
        cx->err = (struct err){0};
        code = catalog_dataset_work(cx, id, &ds);
    }
    const bool may = code == OK && (is_public ? catalog_is_open(ds) : catalog_may_see(cx, ds));
    if (code == ERR_not_found || (code == OK && !may))
        return cx_fail(cx, ERR_not_found, "id", "%.*s", STRF(id));
    if (code == OK) *ret = ds;
    return code;
}

static void write_columns(struct cx *cx, const struct rows *r, const struct table_query *q) {
    struct jw *w = &cx->w;
    bool any = false;
    jw_name(w, "columns");
    jw_array(w);
    for (int i = 0; i < q->fields_n; i++) {
        const struct table_column *c = table_query_column(q, i);
        const bool is_masked = r->view.columns[q->fields[i]].mask != MASK_NONE;
        any |= is_masked;
        jw_object(w);
        jw_ntext(w, "id", c->id);
        jw_ntext(w, "zh", c->zh);
        jw_ntext(w, "en", c->en);
        jw_ntext(w, "type", str_of(table_type_name(c->type)));
        jw_nbool(w, "masked", is_masked);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_nbool(w, "masked", any);
}

int rows_page(struct cx *cx, const struct rows *r, const struct table_query *q, struct table_page *ret) {
    struct table_query shown = *q;
    struct table_shape none = r->shape;
    none.table = 0; // withheld: the columns are told, no row is read
    if (r->withheld) shown.shape = &none;
    write_columns(cx, r, &shown);
    jw_name(&cx->w, "items");
    if (table_page_json(cx, &shown, &cx->w, ret)) return cx->err.code;
    if (ret->next.p) jw_ntext(&cx->w, "next", ret->next);
    if (r->withheld) jw_ntext(&cx->w, "withheld", str_of(r->withheld));
    return OK;
}

struct str rows_file_name(struct cx *cx, const struct catalog_dataset *ds, const char *ending) {
    return str_print(cx->mem, "%.*s%s.%s", STRF(ds->id), ds->is_synthetic ? "-模拟数据-synthetic" : "",
                     ending);
}

// --- preview ---

// The provider's own steward may see his rows as they are, but says why; that goes into the ledger.
static int note_owner(struct cx *cx, const struct catalog_dataset *ds, struct str reason, int64_t rows) {
    struct buf b = buf_new(cx->mem, 256, 8192);
    struct jw w = jw_to(&b);
    jw_object(&w);
    jw_nint(&w, "actor", cx->who.account);
    jw_ntext(&w, "actor_name", cx->who.login);
    jw_ntext(&w, "object", ds->id);
    jw_ntext(&w, "object_kind", S("dataset"));
    jw_ntext(&w, "office", cx->who.office);
    jw_ntext(&w, "reason", reason);
    jw_nint(&w, "rows", rows);
    jw_nint(&w, "time_ms", cx->now_ms);
    jw_ntext(&w, "verb", S("dataset.look"));
    jw_object_end(&w);
    struct note *n = arena_take(cx->mem, sizeof *n);
    if (!n || b.over) return cx_fail(cx, ERR_no_memory, "", "%s", "");
    *n = (struct note){.kind = "dataset.look", .time_ms = cx->now_ms, .detail = buf_str(&b)};
    cx->note = n;
    return OK;
}

static int preview(struct cx *cx, struct catalog_dataset *ds, enum rows_eyes eyes, struct str reason) {
    static const char *const others[] = {"reason", NULL};
    struct rows r;
    struct table_query q;
    struct table_page page = {0};
    int64_t total = ds->rows;
    if (rows_open(cx, ds, eyes, &r)) return cx->err.code;
    if (table_query_read(cx, &r.shape, &r.view, cx->req->query, others, &q)) return cx->err.code;
    if (q.filters_n && !r.withheld && table_count(cx, &q, &total)) return cx->err.code;
    jw_object(&cx->w);
    jw_ntext(&cx->w, "dataset", ds->id);
    jw_nbool(&cx->w, "synthetic", ds->is_synthetic);
    if (rows_page(cx, &r, &q, &page)) return cx->err.code;
    jw_nint(&cx->w, "total", r.withheld && q.filters_n ? 0 : total);
    jw_object_end(&cx->w);
    return eyes == ROWS_OWNER ? note_owner(cx, ds, reason, page.rows) : OK;
}

static int desk_preview(struct cx *cx) {
    struct catalog_dataset *ds;
    const struct str reason = cx_text(cx, "reason");
    if (rows_dataset(cx, false, &ds)) return cx->err.code;
    if (!reason.n) return preview(cx, ds, ROWS_PREVIEW, reason);
    if (!catalog_may_attach(cx, ds)) return cx_deny(cx, "dataset.look");
    return preview(cx, ds, ROWS_OWNER, reason);
}

static int portal_preview(struct cx *cx) {
    struct catalog_dataset *ds;
    return rows_dataset(cx, true, &ds) ? cx->err.code : preview(cx, ds, ROWS_PORTAL, STR_NONE);
}

// --- whole files ---

static int download(struct cx *cx, bool is_public) {
    struct catalog_dataset *ds;
    struct rows r;
    const struct str format = cx_text(cx, "format");
    if (rows_dataset(cx, is_public, &ds)) return cx->err.code;
    if (rows_open(cx, ds, is_public ? ROWS_PORTAL : ROWS_DOWNLOAD, &r)) return cx->err.code;
    if (r.withheld && ds->is_verify_only) return cx_fail(cx, ERR_only_service, "", "%s", "");
    if (r.withheld || r.view.n == 0) return cx_deny(cx, "dataset.download");
    if (r.shape.table == 0) return cx_fail(cx, ERR_no_rows_yet, "", "%s", "");
    return rows_export(cx, &r, format.n ? format : S("csv"), cx_text(cx, "header"),
                       cx_bool(cx, "bom", false));
}

static int desk_download(struct cx *cx) {
    return download(cx, false);
}

static int portal_download(struct cx *cx) {
    return download(cx, true);
}

// --- lines on a map ---

#define BOUNDARY_ROWS_MAX 2000

struct features {
    struct cx *cx;
    const struct table_query *q;
    int geometry; // field
};

static int put_feature(struct cx *cx, void *arg, int64_t id, const struct table_cell *cells) {
    const struct features *f = arg;
    struct jw *w = &cx->w;
    jw_object(w);
    jw_ntext(w, "type", S("Feature"));
    jw_nint(w, "id", id);
    jw_name(w, "properties");
    jw_object(w);
    for (int i = 0; i < f->q->fields_n; i++) {
        if (i == f->geometry) continue;
        jw_name_str(w, table_query_column(f->q, i)->id);
        table_cell_json(w, table_query_type(f->q, i), &cells[i]);
    }
    jw_object_end(w);
    jw_name(w, "geometry");
    table_cell_json(w, TABLE_GEOMETRY, &cells[f->geometry]);
    jw_object_end(w);
    return cx->out.over ? cx_fail(cx, ERR_too_large, "", "%zu", cx->out.max_bytes) : OK;
}

// Without an office the map follows openness like every other exit; who has one sees it as a preview.
static int boundary(struct cx *cx) {
    struct catalog_dataset *ds;
    struct rows r;
    struct table_page page;
    const bool is_public = !cx_is(cx, R_ALL_OFFICE);
    if (rows_dataset(cx, is_public, &ds)) return cx->err.code;
    if (rows_open(cx, ds, is_public ? ROWS_PORTAL : ROWS_PREVIEW, &r)) return cx->err.code;
    if (r.withheld)
        return is_public ? cx_fail(cx, ERR_not_logged_in, "", "%s", "") : cx_deny(cx, "dataset.preview");
    struct table_query q = table_query_all(cx, &r.shape, &r.view);
    struct features f = {.cx = cx, .q = &q, .geometry = -1};
    for (int i = 0; i < q.fields_n; i++)
        if (table_query_type(&q, i) == TABLE_GEOMETRY) f.geometry = i;
    if (f.geometry < 0) return cx_fail(cx, ERR_no_geometry, "", "%s", "");
    q.limit = BOUNDARY_ROWS_MAX;
    cx->reply.type = S("application/geo+json");
    jw_object(&cx->w);
    jw_ntext(&cx->w, "type", S("FeatureCollection"));
    jw_name(&cx->w, "features");
    jw_array(&cx->w);
    if (table_page_rows(cx, &q, put_feature, &f, &page)) return cx->err.code;
    jw_array_end(&cx->w);
    jw_object_end(&cx->w);
    return OK;
}

// --- routes ---

#define PATH_ID                                                                                              \
    { "id", IN_PATH, T_TEXT, true, 1, 60, NULL, NULL, "目录标识", "Id of the data set" }
#define QUERY(name, most, zh, en)                                                                            \
    { name, IN_QUERY, T_TEXT, false, 0, most, NULL, NULL, zh, en }
#define PAGE_TAKES                                                                                           \
    QUERY("fields", 4000, "所要的列，逗号分隔", "Columns wanted, separated by commas"),                      \
        {"limit", IN_QUERY, T_INT, false, 1, TABLE_PAGE_MAX, NULL, NULL, "条数", "Number of rows"},          \
        QUERY("after", 200, "翻页位置", "Position of the page")
#define GIVES(name, type, must, of, zh, en)                                                                  \
    { name, IN_BODY, type, must, 0, 0, NULL, of, zh, en }

static const struct field preview_takes[] = {
    PATH_ID,
    PAGE_TAKES,
    QUERY("reason", 200, "查看未脱敏数据的理由", "Reason for seeing rows unmasked"),
    {0}};
static const struct field portal_takes[] = {PATH_ID, PAGE_TAKES, {0}};
static const struct field download_takes[] = {
    PATH_ID,
    {"format", IN_QUERY, T_CHOICE, false, 0, 0, "csv|json|xlsx", NULL, "格式", "Format"},
    {"header", IN_QUERY, T_CHOICE, false, 0, 0, "id|zh|en", NULL, "表头", "Header"},
    {"bom", IN_QUERY, T_BOOL, false, 0, 0, NULL, NULL, "CSV 带 BOM（便于电子表格打开）",
     "CSV with a BOM, for spreadsheets"},
    {0}};
static const struct field id_takes[] = {PATH_ID, {0}};
static const struct field column_gives[] = {GIVES("id", T_TEXT, true, NULL, "列", "Column"),
                                            GIVES("zh", T_TEXT, true, NULL, "中文名", "Chinese name"),
                                            GIVES("en", T_TEXT, true, NULL, "英文名", "English name"),
                                            GIVES("type", T_TEXT, true, NULL, "类型", "Type"),
                                            GIVES("masked", T_BOOL, true, NULL, "已脱敏", "Masked"),
                                            {0}};
static const struct field preview_gives[] = {
    GIVES("dataset", T_TEXT, true, NULL, "目录标识", "Data set"),
    GIVES("synthetic", T_BOOL, true, NULL, "模拟数据", "Synthetic"),
    GIVES("columns", T_ITEMS, true, column_gives, "列", "Columns"),
    GIVES("masked", T_BOOL, true, NULL, "含脱敏列", "Some column is masked"),
    GIVES("items", T_ANY, true, NULL, "数据行（按列标识）", "Rows, by column id"),
    GIVES("next", T_TEXT, false, NULL, "下一页", "Next page"),
    GIVES("withheld", T_TEXT, false, NULL, "不提供数据行的原因", "Why no rows are shown"),
    GIVES("total", T_INT, true, NULL, "总行数", "Rows in all"),
    GIVES("entry", T_INT, false, NULL, "存证序号", "Ledger entry"),
    {0}};
static const struct shape preview_shape = {"Preview", preview_gives, NULL};
static const struct shape file_shape = {"RowsFile", NULL, "application/octet-stream"};
static const struct shape geojson_shape = {"Boundary", NULL, "application/geo+json"};

const struct route catalog_rows_routes[] = {
    {"GET", "/api/v1/datasets/{id}/preview", ROUTE_READ_ENTRY, R_ALL_OFFICE, preview_takes, &preview_shape,
     NULL, 0, ROUTE_OPEN_FIELDS, desk_preview, "预览数据（按分级脱敏）", "Previews rows, masked by grade",
     "catalog:read"},
    {"GET", "/api/v1/datasets/{id}/download", ROUTE_SLOW, R_ALL_OFFICE, download_takes, &file_shape, NULL, 0,
     0, desk_download, "下载无条件共享的数据", "Downloads rows that are shared without condition",
     "catalog:read"},
    {"GET", "/api/v1/datasets/{id}/boundary", ROUTE_READ, R_LOGIN | R_PUBLIC, id_takes, &geojson_shape, NULL,
     0, 0, boundary, "空间范围（GeoJSON）", "Lines on the map (GeoJSON)", "catalog:read"},
    {"GET", "/api/v1/portal/datasets/{id}/preview", ROUTE_READ, R_PUBLIC, portal_takes, &preview_shape, NULL,
     0, ROUTE_OPEN_FIELDS, portal_preview, "预览开放数据", "Previews open data", NULL},
    {"GET", "/api/v1/portal/datasets/{id}/download", ROUTE_SLOW, R_PUBLIC, download_takes, &file_shape, NULL,
     0, 0, portal_download, "下载开放数据", "Downloads open data", NULL},
    {0}};
