// SPDX-License-Identifier: MulanPSL-2.0
// 挂接: tables, services and files hung on data sets. Speaks and decides: who may attach, what a name may be, what a
// test of each kind proves. Kept true: a data set has at most one table (its rows are its rows); a table is put into
// use by one flipped row; whoever removes a resource does not remove what the ledger says about it.
#include "mod/catalog/files.h"
#include "mod/catalog/flow.h"
#include "mod/catalog/routes.h"
#include "mod/catalog/show.h"
#include <assert.h>
#include <inttypes.h>

#define TEST_TIMEOUT_MS 5000

int catalog_table_flip(struct cx *cx, const struct catalog_dataset *ds, const struct catalog_resource *r,
                       int64_t table, int64_t series, int64_t rows, int64_t bytes, struct str sm3,
                       int64_t *ret_old_table) {
    struct catalog_resource now;
    assert(cx->is_writer && table > 0 && ds && r);
    int code = catalog_table_resource(cx, ds->id, r->rid,
                                      &now); // what the transaction sees, not what the caller saw
    if (code == ERR_not_found) return cx_fail(cx, ERR_not_found, "rid", "%.*s", STRF(r->rid));
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_resource_flip, "iiiiiisii", now.id, table,
                          ds->edition, series, rows, bytes, catalog_none(sm3), cx->now_ms, cx->who.account);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_head_updated, "siiii", ds->id, cx->now_ms,
                          cx->now_ms, cx->now_ms, cx->who.account);
    if (code != OK) return code;
    *ret_old_table = now.table;
    return cx_announce(cx, "dataset.loaded", ds->id, ds->office);
}

// --- handlers ---

static int missing(struct cx *cx, const char *field, struct str id) {
    return cx_fail(cx, ERR_not_found, field, "%.*s", (int)(id.n > 60 ? 60 : id.n), id.p);
}

static int attached_to(struct cx *cx, struct catalog_dataset **ret) {
    struct str id = cx_text(cx, "id");
    int code = catalog_dataset_work(cx, id, ret);
    if (code == OK && !catalog_may_see(cx, *ret)) code = catalog_dataset_get(cx, id, ret);
    if (code == ERR_not_found) return missing(cx, "id", id);
    return code;
}

static int to_change(struct cx *cx, struct catalog_dataset **ret, const char *verb) {
    int code = attached_to(cx, ret);
    return code == OK ? flow_need(cx, *ret, MAY_ATTACH, verb) : code;
}

static int the_resource(struct cx *cx, const struct catalog_dataset *d, struct catalog_resource *ret) {
    int code = catalog_resource_get(cx, d->id, cx_text(cx, "rid"), ret);
    return code == ERR_not_found ? missing(cx, "rid", cx_text(cx, "rid")) : code;
}

static int touch(struct cx *cx, const struct catalog_dataset *d) {
    int code =
        store_exec(cx->db, NULL, &cx->err, Q_catalog_head_touch, "sii", d->id, cx->now_ms, cx->who.account);
    return code == OK ? cx_announce(cx, "dataset.changed", d->id, d->office) : code;
}

// "table", "service", "service-2": readable, and free.
static struct str free_rid(struct cx *cx, const struct catalog_resource *list, size_t n,
                           enum catalog_kind kind) {
    for (int k = 1;; k++) {
        struct str rid = k == 1 ? str_of(catalog_kind_code(kind))
                                : str_print(cx->mem, "%s-%d", catalog_kind_code(kind), k);
        bool taken = false;
        for (size_t i = 0; i < n; i++)
            taken = taken || str_eq(list[i].rid, rid);
        if (!taken) return rid;
    }
}

static int add_checks(struct cx *cx, const struct catalog_resource *list, size_t n, enum catalog_kind kind,
                      struct str url) {
    if (n >= CATALOG_RESOURCES_MAX)
        return cx_fail(cx, ERR_too_large, "resources", "%d", CATALOG_RESOURCES_MAX);
    for (size_t i = 0; i < n; i++)
        if (kind == CATALOG_TABLE && list[i].kind == CATALOG_TABLE)
            return cx_fail(cx, ERR_store_unique, "kind", "%.*s", STRF(list[i].rid));
    if (kind != CATALOG_SERVICE)
        return url.n ? cx_fail(cx, ERR_field_value, "url", "%s", catalog_kind_code(kind)) : OK;
    if (!url.n) return cx_fail(cx, ERR_field_missing, "url", "%s", "");
    if (!cx->city->fetch_url_ok) return cx_fail(cx, ERR_net, "url", "%s", "no HTTP client");
    return cx->city->fetch_url_ok(cx->city, cx->mem, url, &cx->err);
}

static int add_handle(struct cx *cx) {
    struct catalog_dataset *d;
    struct catalog_resource *list;
    size_t n;
    enum catalog_kind kind = catalog_kind_of(cx_text(cx, "kind"));
    struct str url = catalog_none(cx_text(cx, "url")), zh = cx_text(cx, "title_zh"),
               en = catalog_none(cx_text(cx, "title_en"));
    int code = to_change(cx, &d, "attach");
    if (code == OK) code = catalog_resources(cx, d->id, &list, &n);
    if (code == OK) code = add_checks(cx, list, n, kind, url);
    if (code != OK) return code;
    struct str rid = free_rid(cx, list, n, kind);
    code = store_exec(cx->db, NULL, &cx->err, Q_catalog_resource_add, "ssisssisssiiiii", d->id, rid,
                      (int64_t)kind, zh, en.n ? en : zh, kind == CATALOG_SERVICE ? S("http") : S(""),
                      (int64_t)cx_bool(cx, "verify_only", false), url, S(""), S(""), (int64_t)0, (int64_t)0,
                      (int64_t)0, cx->now_ms, cx->who.account);
    if (code == OK) code = touch(cx, d);
    if (code != OK) return code;
    flow_act(cx, d, "resource.add", STR_NONE)->after = str_print(cx->mem, "%.*s %.*s", STRF(rid), STRF(url));
    cx_status(cx, 201);
    jw_object(&cx->w);
    jw_ntext(&cx->w, "id", rid);
    jw_nint(&cx->w, "version", d->version + 1);
    jw_object_end(&cx->w);
    return OK;
}

static int delete_handle(struct cx *cx) {
    struct catalog_dataset *d;
    struct catalog_resource r;
    int code = to_change(cx, &d, "attach");
    if (code == OK) code = the_resource(cx, d, &r);
    // The bytes of a file stay in the store: another data set may hold the same ones.
    if (code == OK) code = store_exec(cx->db, NULL, &cx->err, Q_catalog_resource_delete, "ss", d->id, r.rid);
    if (code == OK && r.table)
        code =
            store_exec(cx->db, NULL, &cx->err, Q_catalog_table_old, "iii", r.table, cx->now_ms, cx->now_ms);
    if (code == OK) code = touch(cx, d);
    if (code != OK) return code;
    flow_act(cx, d, "resource.delete", STR_NONE)->before =
        str_print(cx->mem, "%.*s %.*s", STRF(r.rid), STRF(r.sm3));
    jw_object(&cx->w);
    jw_object_end(&cx->w);
    return OK;
}

// What a test found, carried to the writer.
struct tested {
    struct catalog_dataset *d;
    struct catalog_resource *r;
    bool ok;
    struct str note;
    struct str file_name, sm3; // of an upload
    int64_t bytes;
};

static int write_test(struct cx *cx, void *arg) {
    const struct tested *t = arg;
    int code = store_exec(cx->db, NULL, &cx->err, Q_catalog_resource_tested, "ssiisi", t->d->id, t->r->rid,
                          (int64_t)t->ok, cx->now_ms, catalog_none(t->note), cx->who.account);
    if (code == OK) code = touch(cx, t->d);
    if (code == OK) flow_act(cx, t->d, "resource.test", t->note)->after = t->ok ? S("ok") : S("failed");
    return code;
}

// A service answers below 500 (401 and 404 prove that somebody is there); a file is whole in the store; a table has rows.
static int run_test(struct cx *cx, struct tested *t) {
    struct catalog_resource *r = t->r;
    if (r->kind == CATALOG_TABLE) t->ok = r->table > 0 && r->rows > 0;
    if (r->kind == CATALOG_FILE) t->ok = files_has(cx, r->sm3, r->bytes);
    if (r->kind != CATALOG_SERVICE) {
        t->note = t->ok ? S("") : S("empty");
        return OK;
    }
    int status = 0;
    bool maybe = false;
    struct str type, body;
    struct err e = {0};
    if (!cx->city->fetch_out) return cx_fail(cx, ERR_net, "url", "%s", "no HTTP client");
    int code = cx->city->fetch_out(cx->city, cx->mem, S("GET"), r->upstream, STR_NONE, STR_NONE,
                                   TEST_TIMEOUT_MS, &status, &type, &body, &maybe, &e);
    t->ok = code == OK && status > 0 && status < 500;
    t->note = t->ok        ? S("")
              : code == OK ? str_print(cx->mem, "HTTP %d", status)
                           : err_text(cx->mem, &e, false);
    return OK;
}

static int test_handle(struct cx *cx) {
    struct catalog_dataset *d;
    struct catalog_resource r;
    struct tested t = {.r = &r};
    int code = to_change(cx, &d, "attach");
    if (code == OK) code = the_resource(cx, d, &r);
    t.d = d;
    if (code == OK) code = run_test(cx, &t);
    if (code == OK) code = cx_write(cx, write_test, &t);
    if (code != OK) return code;
    jw_object(&cx->w);
    jw_nbool(&cx->w, "test_ok", t.ok);
    jw_ntext(&cx->w, "test_note", catalog_none(t.note));
    jw_nint(&cx->w, "tested_ms", cx->now_ms);
    jw_object_end(&cx->w);
    return OK;
}

static int write_file(struct cx *cx, void *arg) {
    const struct tested *t = arg;
    struct str format = files_format(cx, t->file_name);
    int code = store_exec(cx->db, NULL, &cx->err, Q_catalog_resource_file, "ssssisii", t->d->id, t->r->rid,
                          t->file_name, t->sm3, t->bytes, format, cx->now_ms, cx->who.account);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_head_updated, "siiii", t->d->id, cx->now_ms,
                          cx->now_ms, cx->now_ms, cx->who.account);
    if (code == OK) code = cx_announce(cx, "dataset.loaded", t->d->id, t->d->office);
    if (code != OK) return code;
    struct act *a = flow_act(cx, t->d, "resource.file", STR_NONE);
    a->before = t->r->sm3;
    a->after = t->sm3;
    return OK;
}

static int upload_handle(struct cx *cx) {
    struct catalog_dataset *d;
    struct catalog_resource r;
    struct tested t = {.r = &r, .file_name = cx_text(cx, "name")};
    int code = to_change(cx, &d, "attach");
    if (code == OK) code = the_resource(cx, d, &r);
    if (code == OK && r.kind != CATALOG_FILE)
        return cx_fail(cx, ERR_field_value, "rid", "%s", catalog_kind_code(r.kind));
    if (code == OK && !files_name_ok(t.file_name)) return cx_fail(cx, ERR_field_value, "name", "%s", "");
    t.d = d;
    if (code == OK) code = files_take(cx, &t.sm3, &t.bytes);
    bool same = code == OK && str_eq(t.sm3, r.sm3) && str_eq(t.file_name, r.file_name);
    if (code == OK && !same) code = cx_write(cx, write_file, &t); // the same file again changes nothing
    if (code != OK) return code;
    jw_object(&cx->w);
    jw_ntext(&cx->w, "id", r.rid);
    jw_ntext(&cx->w, "sm3", t.sm3);
    jw_nint(&cx->w, "bytes", t.bytes);
    jw_nbool(&cx->w, "same", same);
    jw_object_end(&cx->w);
    return OK;
}

// A log-in fetches files of unconditionally shared data sets, and of its own office.
static int download_handle(struct cx *cx) {
    struct catalog_dataset *d;
    struct catalog_resource r;
    int code = attached_to(cx, &d);
    if (code == OK) code = the_resource(cx, d, &r);
    if (code != OK) return code;
    bool own = cx->who.office.n && str_eq(cx->who.office, d->office);
    bool shared = d->is_live && d->share == CATALOG_SHARE_FREE;
    if (!own && !shared) return cx_deny(cx, "download");
    if (r.kind != CATALOG_FILE) return missing(cx, "rid", r.rid);
    return files_send(cx, &r);
}

static int list_handle(struct cx *cx) {
    struct catalog_dataset *d;
    int code = attached_to(cx, &d);
    if (code != OK) return code;
    jw_object(&cx->w);
    code = show_resources(cx, d, false);
    jw_object_end(&cx->w);
    return code;
}

#define ID_FIELD                                                                                             \
    { "id", .where = IN_PATH, .type = T_TEXT, .required = true, .max = 60, .zh = "目录", .en = "Data set" }
#define RID_FIELD                                                                                            \
    { "rid", .where = IN_PATH, .type = T_TEXT, .required = true, .max = 80, .zh = "资源", .en = "Resource" }
static const struct field id_takes[] = {ID_FIELD, {0}};
static const struct field rid_takes[] = {ID_FIELD, RID_FIELD, {0}};
static const struct field add_takes[] = {
    ID_FIELD,
    {"kind", .type = T_CHOICE, .required = true, .choices = "table|service|file", .zh = "类型", .en = "Kind"},
    {"title_zh", .type = T_TEXT, .required = true, .min = 1, .max = 200, .zh = "名称", .en = "Title (zh)"},
    {"title_en", .type = T_TEXT, .max = 300, .zh = "英文名称", .en = "Title (en)"},
    {"url", .type = T_TEXT, .max = 1000, .zh = "服务地址", .en = "Address of the service"},
    {"verify_only", .type = T_BOOL, .zh = "仅核验", .en = "Verification only"},
    {0}};
static const struct field upload_takes[] = {ID_FIELD,
                                            RID_FIELD,
                                            {"name", .where = IN_QUERY, .type = T_TEXT, .required = true,
                                             .min = 1, .max = FILES_NAME_MAX, .zh = "文件名",
                                             .en = "File name"},
                                            {0}};
static const struct field added_fields[] = {
    {"id", .type = T_TEXT, .required = true, .zh = "资源", .en = "Resource"},
    {"version", .type = T_INT, .required = true, .zh = "版本", .en = "Version"},
    {"entry", .type = T_INT, .zh = "存证", .en = "Ledger entry"},
    {0}};
static const struct shape added_shape = {.name = "ResourceAdded", .fields = added_fields};
static const struct field tested_fields[] = {
    {"test_ok", .type = T_BOOL, .required = true, .zh = "通过", .en = "Passed"},
    {"test_note", .type = T_TEXT, .required = true, .zh = "说明", .en = "Note"},
    {"tested_ms", .type = T_INT, .required = true, .zh = "时间", .en = "When"},
    {0}};
static const struct shape tested_shape = {.name = "ResourceTested", .fields = tested_fields};
static const struct field uploaded_fields[] = {
    {"id", .type = T_TEXT, .required = true, .zh = "资源", .en = "Resource"},
    {"sm3", .type = T_TEXT, .required = true, .zh = "SM3 摘要", .en = "SM3 digest"},
    {"bytes", .type = T_INT, .required = true, .zh = "字节数", .en = "Bytes"},
    {"same", .type = T_BOOL, .required = true, .zh = "与现有文件相同", .en = "The same file as before"},
    {0}};
static const struct shape uploaded_shape = {.name = "FileUploaded", .fields = uploaded_fields};
const struct shape catalog_file_shape = {.name = "File", .media = "application/octet-stream"};

const struct route catalog_resource_routes[] = {
    {"GET", "/api/v1/datasets/{id}/resources", ROUTE_READ, R_LOGIN, id_takes, &catalog_resource_list_shape,
     .handle = list_handle, .zh = "挂接资源", .en = "Resources of a data set", .scope = "catalog:read"},
    {"POST", "/api/v1/datasets/{id}/resources", ROUTE_WRITE, R_(STEWARD), add_takes, &added_shape,
     .act = "resource.add", .handle = add_handle, .zh = "挂接资源", .en = "Attach a resource",
     .scope = "catalog:write"},
    {"DELETE", "/api/v1/datasets/{id}/resources/{rid}", ROUTE_WRITE, R_(STEWARD), rid_takes,
     &catalog_done_shape, .act = "resource.delete", .handle = delete_handle, .zh = "取消挂接",
     .en = "Detach a resource", .scope = "catalog:write"},
    {"POST", "/api/v1/datasets/{id}/resources/{rid}/test", ROUTE_SLOW, R_(STEWARD), rid_takes, &tested_shape,
     .act = "resource.test", .handle = test_handle, .zh = "测试资源", .en = "Test a resource",
     .scope = "catalog:write"},
    {"PUT", "/api/v1/datasets/{id}/resources/{rid}/file", ROUTE_SLOW, R_(STEWARD), upload_takes,
     &uploaded_shape, .act = "resource.file", .body_max = FILES_BYTES_MAX, .flags = ROUTE_RAW_BODY,
     .handle = upload_handle, .zh = "上传文件", .en = "Upload a file", .scope = "catalog:write"},
    {"GET", "/api/v1/datasets/{id}/resources/{rid}/file", ROUTE_READ, R_ALL_OFFICE, rid_takes,
     &catalog_file_shape, .handle = download_handle, .zh = "下载文件", .en = "Download a file",
     .scope = "catalog:read"},
    {0}};
