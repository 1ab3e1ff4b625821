// SPDX-License-Identifier: MulanPSL-2.0
// Rows brought over CKAN's DataStore: records become a file of rows that goes through the load engine, with its checks,
// its staging and its one flip. Kept true: the columns are those of the data set's description (a client cannot invent
// one here); records are taken whole or not at all, as CKAN's clients expect, and the first faults are named.
#include "base/csv.h"
#include "mod/catalog/ckan.h"
#include <inttypes.h>

#define FILL_COLUMNS_MAX 200
#define FAULTS_TOLD      5

struct fill {
    struct ckan *k;
    struct catalog_dataset *d;
    struct catalog_resource r;
    struct json records;
    struct str columns[FILL_COLUMNS_MAX];
    int n;
    int64_t load;
};

static int add_column(struct fill *f, struct str id) {
    if (str_eq(id, S("_id"))) return OK; // ours, read only
    for (int i = 0; i < f->n; i++)
        if (str_eq(f->columns[i], id)) return OK;
    if (!catalog_column_find(f->d, id))
        return cx_field_fail(f->k->cx, ERR_column_unknown, "records", "%.*s", (int)(id.n > 60 ? 60 : id.n),
                             id.p);
    if (f->n == FILL_COLUMNS_MAX)
        return cx_field_fail(f->k->cx, ERR_too_large, "records", "%d", FILL_COLUMNS_MAX);
    f->columns[f->n++] = id;
    return OK;
}

static int find_columns(struct fill *f) {
    int code = OK;
    struct json fields = ckan_json(f->k, "fields");
    for (struct json_iter it = json_iter(fields);
         json_is(fields, JSON_ARRAY) && code == OK && json_next(&it);)
        code = add_column(f, catalog_none(json_text(json_get(it.value, S("id")))));
    for (struct json_iter it = json_iter(f->records); code == OK && json_next(&it);) {
        if (!json_is(it.value, JSON_OBJECT))
            return cx_field_fail(f->k->cx, ERR_field_type, "records", "object");
        for (struct json_iter m = json_iter(it.value); code == OK && json_next(&m);)
            code = add_column(f, m.name);
    }
    return code;
}

static struct str to_csv(struct fill *f) {
    struct buf b = buf_new(f->k->cx->mem, 65536, (size_t)128 << 20);
    for (int i = 0; i < f->n; i++) {
        if (i) buf_char(&b, ',');
        csv_put(&b, f->columns[i], ',', false);
    }
    buf_puts(&b, "\r\n");
    for (struct json_iter it = json_iter(f->records); json_next(&it);) {
        for (int i = 0; i < f->n; i++) {
            struct json v = json_get(it.value, f->columns[i]);
            if (i) buf_char(&b, ',');
            if (json_kind(v) && !json_is(v, JSON_NULL))
                csv_put(&b, json_is(v, JSON_TEXT) ? json_text(v) : json_raw(v), ',', false);
        }
        buf_puts(&b, "\r\n");
    }
    return b.over ? STR_NONE : buf_str(&b);
}

static struct str load_path_of(struct fill *f, const char *rest) {
    return str_print(f->k->cx->mem, "/api/v1/loads/%" PRId64 "%s", f->load, rest);
}

// Reads the file of rows; *ret_mapping says which of its columns is which (all were checked against the description).
static int upload(struct fill *f, const char *mode, struct str *ret_mapping) {
    struct cx *cx = f->k->cx;
    struct str csv = to_csv(f);
    struct json made;
    if (!csv.p) return cx_field_fail(cx, ERR_too_large, "records", "128 MiB");
    struct str path = str_print(cx->mem, "/api/v1/datasets/%.*s/loads", STRF(ckan_encode(cx->mem, f->d->id)));
    struct str query = str_print(cx->mem, "name=datastore.csv&encoding=UTF-8&separator=%%2C&resource=%.*s",
                                 STRF(ckan_encode(cx->mem, f->r.rid)));
    int code = ckan_own_call(cx, "POST", path, query, csv, &made);
    if (code != OK) return code;
    if (!json_int(json_get(made, S("load")), &f->load)) return cx_fail(cx, ERR_internal, "", "load");
    struct buf b = buf_new(cx->mem, 1024, 65536);
    struct jw w = jw_to(&b);
    jw_object(&w);
    jw_ntext(&w, "mode", str_of(mode));
    jw_name(&w, "columns");
    jw_array(&w);
    for (int i = 0; i < f->n; i++) {
        jw_object(&w);
        jw_nint(&w, "n", i + 1);
        jw_ntext(&w, "column", f->columns[i]);
        jw_object_end(&w);
    }
    jw_array_end(&w);
    jw_object_end(&w);
    *ret_mapping = buf_str(&b);
    return OK;
}

static void tell_faults(struct fill *f, struct json reasons) {
    struct cx *cx = f->k->cx;
    int told = 0;
    for (struct json_iter it = json_iter(reasons); told < FAULTS_TOLD && json_next(&it); told++) {
        struct str words = json_text(json_get(it.value, cx->is_zh ? S("zh") : S("en")));
        struct str column = json_text(json_get(it.value, S("column")));
        (void)cx_field_fail(cx, ERR_field_value, "records", "%.*s: %.*s", STRF(catalog_none(column)),
                            STRF(catalog_none(words)));
    }
    if (!told) (void)cx_field_fail(cx, ERR_field_value, "records", "%s", "");
}

static int give_up(struct fill *f, int code) {
    if (f->load) ckan_take_back(f->k->cx, load_path_of(f, ""));
    return code;
}

static int bring(struct fill *f, const char *mode) {
    struct cx *cx = f->k->cx;
    struct json checked;
    struct str mapping;
    int64_t bad = 0;
    int code = find_columns(f);
    if (code == OK) code = upload(f, mode, &mapping);
    if (code == OK) code = ckan_own_call(cx, "PUT", load_path_of(f, "/mapping"), STR_NONE, mapping, &checked);
    if (code != OK) return give_up(f, code);
    if (json_int(json_get(checked, S("bad_n")), &bad) && bad > 0) {
        tell_faults(f, json_get(checked, S("reasons")));
        return give_up(f, cx->err.code);
    }
    code = ckan_own_call(cx, "POST", load_path_of(f, "/commit"), STR_NONE, STR_NONE, NULL);
    return code == OK ? OK : give_up(f, code);
}

static int find_table(struct fill *f) {
    struct cx *cx = f->k->cx;
    struct json fresh = ckan_json(f->k, "resource");
    struct str id = ckan_text(f->k, "resource_id"), rid;
    if (json_is(fresh, JSON_OBJECT)) { // a new table resource in the same breath
        struct str package = json_text(json_get(fresh, S("package_id")));
        struct buf b = buf_new(cx->mem, 256, 65536);
        struct jw w = jw_to(&b);
        struct json as_table;
        if (!package.n) return cx_field_fail(cx, ERR_field_missing, "resource.package_id", "%s", "");
        int code = seen_get(cx, package, &f->d);
        jw_object(&w);
        jw_ntext(&w, "resource_type", S("table"));
        struct str name = json_text(json_get(fresh, S("name")));
        jw_ntext(&w, "name", name.n ? name : f->d ? f->d->title_zh : package);
        jw_object_end(&w);
        if (code == OK) code = json_parse(cx->mem, buf_str(&b), &as_table, &cx->err);
        if (code == OK) code = ckan_add_resource(cx, f->d->id, as_table, STR_NONE, STR_NONE, &rid);
        return code == OK ? catalog_resource_get(cx, f->d->id, rid, &f->r) : code;
    }
    if (!id.n) return cx_field_fail(cx, ERR_field_missing, "resource_id", "%s", "");
    int code = ckan_find_resource(cx, id, &f->d, &f->r);
    if (code == OK && f->r.kind != CATALOG_TABLE)
        return cx_field_fail(cx, ERR_field_value, "resource_id", "%s", catalog_kind_code(f->r.kind));
    return code;
}

static int fill(struct ckan *k, const char *mode) {
    struct cx *cx = k->cx;
    struct fill *f = arena_take(cx->mem, sizeof *f);
    if (!f) return cx_fail(cx, ERR_no_memory, "", "fill");
    f->k = k;
    f->records = ckan_json(k, "records");
    int code = find_table(f);
    if (code == OK) code = catalog_load_edition(cx, f->d->id, &f->d); // whose columns the table will have
    if (code == OK && json_count(f->records)) code = bring(f, mode);
    if (code != OK) return code;
    struct jw *w = &cx->w;
    jw_object(w);
    jw_ntext(w, "resource_id", str_print(cx->mem, "%.*s.%.*s", STRF(f->d->id), STRF(f->r.rid)));
    jw_ntext(w, "package_id", f->d->id);
    jw_ntext(w, "method", str_of(mode));
    jw_name(w, "fields");
    jw_array(w);
    for (int i = 0; i < f->n; i++) {
        jw_object(w);
        jw_ntext(w, "id", f->columns[i]);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_nint(w, "records_n", (int64_t)json_count(f->records));
    jw_object_end(w);
    return OK;
}

static int datastore_create(struct ckan *k) {
    return fill(k, "replace");
}

static int datastore_upsert(struct ckan *k) {
    struct str method = ckan_text(k, "method");
    if (!method.n || str_eq(method, S("upsert"))) return fill(k, "upsert");
    if (str_eq(method, S("insert"))) return fill(k, "append");
    return cx_field_fail(k->cx, ERR_field_value, "method", "upsert insert");
}

// A table is replaced or added to through a load that leaves its file and its entry; single rows do not vanish.
static int datastore_delete(struct ckan *k) {
    return cx_field_fail(k->cx, ERR_rows_stay, "filters", "%s", "");
}

const struct ckan_action ckan_fill_actions[] = {
    {"datastore_create", true, datastore_create, "整体替换数据行", "Replaces the rows of a table"},
    {"datastore_upsert", true, datastore_upsert, "追加或按主键更新数据行",
     "Adds rows, or updates them by key"},
    {"datastore_delete", true, datastore_delete, "不支持逐行删除",
     "Not offered: rows are replaced, not deleted"},
    {0}};
