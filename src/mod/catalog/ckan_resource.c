// SPDX-License-Identifier: MulanPSL-2.0
// Resources over CKAN: hung, described anew, filled with an uploaded file, taken off; and the route of our own that
// describes a resource anew, which the page uses as well. Kept true: an upload that fails leaves no empty resource.
#include "mod/catalog/ckan.h"
#include "mod/catalog/flow.h"
#include "mod/catalog/routes.h"
#include <inttypes.h>

static struct str path_of(struct cx *cx, struct str dataset, struct str rid, const char *rest) {
    return str_print(cx->mem, "/api/v1/datasets/%.*s/resources%s%.*s%s", STRF(ckan_encode(cx->mem, dataset)),
                     rid.n ? "/" : "", STRF(ckan_encode(cx->mem, rid)), rest);
}

static struct str text(struct json r, const char *name) {
    return catalog_none(json_text(json_get(r, str_of(name))));
}

static struct str last_part(struct str url) {
    struct str part = url;
    for (struct str rest = url; rest.p;) {
        struct str one = str_cut(rest, '/', &rest);
        if (one.n) part = one;
    }
    return part;
}

// What it is: said, or told by what comes with it.
static enum catalog_kind kind_of(struct json r, bool has_file) {
    enum catalog_kind kind = catalog_kind_of(text(r, "resource_type"));
    if (!kind) kind = catalog_kind_of(text(r, "kind"));
    if (!kind && str_eq(text(r, "url_type"), S("datastore"))) kind = CATALOG_TABLE;
    if (!kind && (has_file || str_eq(text(r, "url_type"), S("upload")))) kind = CATALOG_FILE;
    return kind ? kind : text(r, "url").n ? CATALOG_SERVICE : CATALOG_FILE;
}

static struct str title_of(struct json r, struct str file_name) {
    struct str zh = text(json_get(r, S("name_translated")), "zh_CN");
    if (!zh.n) zh = text(r, "name");
    if (!zh.n) zh = catalog_none(file_name);
    return zh.n ? zh : last_part(text(r, "url"));
}

static struct str english_of(struct json r) {
    struct str en = text(json_get(r, S("name_translated")), "en");
    return en.n ? en : text(r, "description");
}

static bool verify_only(struct json r) {
    bool v = false;
    return json_bool(json_get(r, S("verify_only")), &v) && v;
}

static int put_file(struct cx *cx, struct str dataset, struct str rid, struct str name, struct str bytes) {
    struct str query = str_print(cx->mem, "name=%.*s", STRF(ckan_encode(cx->mem, last_part(name))));
    return ckan_own_call(cx, "PUT", path_of(cx, dataset, rid, "/file"), query, bytes, NULL);
}

int ckan_add_resource(struct cx *cx, struct str dataset, struct json r, struct str file_name,
                      struct str file_bytes, struct str *ret_rid) {
    struct buf b = buf_new(cx->mem, 512, 65536);
    struct jw w = jw_to(&b);
    struct json made;
    enum catalog_kind kind = kind_of(r, file_bytes.p != NULL);
    jw_object(&w);
    jw_ntext(&w, "kind", str_of(catalog_kind_code(kind)));
    jw_ntext(&w, "title_zh", title_of(r, file_name));
    if (english_of(r).n) jw_ntext(&w, "title_en", english_of(r));
    if (kind == CATALOG_SERVICE) jw_ntext(&w, "url", text(r, "url"));
    if (verify_only(r)) jw_nbool(&w, "verify_only", true);
    jw_object_end(&w);
    int code = ckan_own_call(cx, "POST", path_of(cx, dataset, STR_NONE, ""), STR_NONE, buf_str(&b), &made);
    if (code != OK) return code;
    *ret_rid = json_text(json_get(made, S("id")));
    if (file_bytes.p) code = put_file(cx, dataset, *ret_rid, file_name, file_bytes);
    if (code != OK) ckan_take_back(cx, path_of(cx, dataset, *ret_rid, ""));
    return code;
}

int ckan_edit_resource(struct cx *cx, const struct catalog_dataset *d, const struct catalog_resource *old,
                       struct json r) {
    struct str zh = text(r, "name"), en = english_of(r), url = text(r, "url");
    struct str translated = text(json_get(r, S("name_translated")), "zh_CN"), about = text(r, "description");
    // A dict that was read here tells both names; the one that differs is the one that was changed.
    if ((!zh.n || str_eq(zh, old->title_zh)) && translated.n) zh = translated;
    if (about.n && !str_eq(about, old->title_en)) en = about;
    // The address that we show is never the provider's own: only another one is a change.
    bool own_url = str_starts(url, str_of(cx->city->base_url));
    bool new_url = old->kind == CATALOG_SERVICE && url.n && !own_url && !str_eq(url, old->upstream);
    bool new_zh = zh.n && !str_eq(zh, old->title_zh), new_en = en.n && !str_eq(en, old->title_en);
    if (!new_url && !new_zh && !new_en) return OK;
    struct buf b = buf_new(cx->mem, 512, 65536);
    struct jw w = jw_to(&b);
    jw_object(&w);
    if (new_zh) jw_ntext(&w, "title_zh", zh);
    if (new_en) jw_ntext(&w, "title_en", en);
    if (new_url) jw_ntext(&w, "url", url);
    jw_object_end(&w);
    return ckan_own_call(cx, "PATCH", path_of(cx, d->id, old->rid, ""), STR_NONE, buf_str(&b), NULL);
}

int ckan_drop_resource(struct cx *cx, struct str dataset, struct str rid) {
    return ckan_own_call(cx, "DELETE", path_of(cx, dataset, rid, ""), STR_NONE, STR_NONE, NULL);
}

// --- the actions ---

static int answer(struct ckan *k, struct str dataset, struct str rid) {
    struct catalog_dataset *d;
    struct catalog_resource r;
    int code = catalog_dataset_work(k->cx, dataset, &d);
    if (code == OK) code = catalog_resource_get(k->cx, dataset, rid, &r);
    return code == OK ? ckan_put_resource(k->cx, d, &r, 0) : code;
}

static int resource_create(struct ckan *k) {
    struct catalog_dataset *d;
    struct str package, rid;
    int code = ckan_need(k, "package_id", &package);
    if (code == OK) code = seen_get(k->cx, package, &d);
    if (code == OK) code = ckan_add_resource(k->cx, d->id, k->in, k->file_name, k->file_bytes, &rid);
    return code == OK ? answer(k, d->id, rid) : code;
}

static int resource_update(struct ckan *k) {
    struct cx *cx = k->cx;
    struct catalog_dataset *d;
    struct catalog_resource r;
    struct str id;
    int code = ckan_need(k, "id", &id);
    if (code == OK) code = ckan_find_resource(cx, id, &d, &r);
    if (code == OK) code = ckan_edit_resource(cx, d, &r, k->in);
    if (code == OK && k->file_bytes.p) code = put_file(cx, d->id, r.rid, k->file_name, k->file_bytes);
    return code == OK ? answer(k, d->id, r.rid) : code;
}

static int resource_delete(struct ckan *k) {
    struct catalog_dataset *d;
    struct catalog_resource r;
    struct str id;
    int code = ckan_need(k, "id", &id);
    if (code == OK) code = ckan_find_resource(k->cx, id, &d, &r);
    if (code == OK) code = ckan_drop_resource(k->cx, d->id, r.rid);
    if (code == OK) jw_null(&k->cx->w);
    return code;
}

const struct ckan_action ckan_resource_actions[] = {
    {"resource_create", true, resource_create, "挂接资源，可带文件",
     "Hangs a resource, with a file if one comes"},
    {"resource_update", true, resource_update, "修改资源或更换文件",
     "Describes a resource anew, or brings another file"},
    {"resource_patch", true, resource_update, "修改资源的部分内容", "Changes parts of a resource"},
    {"resource_delete", true, resource_delete, "取消挂接", "Takes a resource off"},
    {0}};

// --- our own route: a resource described anew ---

static int describe(struct cx *cx, const struct catalog_dataset *d, const struct catalog_resource *r) {
    struct str zh = cx_text(cx, "title_zh"), en = cx_text(cx, "title_en"), url = cx_text(cx, "url");
    if (url.p && r->kind != CATALOG_SERVICE)
        return cx_fail(cx, ERR_field_value, "url", "%s", catalog_kind_code(r->kind));
    if (url.p && !cx->city->fetch_url_ok) return cx_fail(cx, ERR_net, "url", "%s", "no HTTP client");
    int code = url.p ? cx->city->fetch_url_ok(cx->city, cx->mem, url, &cx->err) : OK;
    if (code != OK) return code;
    return store_exec(cx->db, NULL, &cx->err, Q_catalog_resource_describe, "sssssisii", d->id, r->rid,
                      zh.n ? zh : r->title_zh, en.p ? en : r->title_en, r->format,
                      (int64_t)cx_bool(cx, "verify_only", r->is_verify_only),
                      url.p ? url : catalog_none(r->upstream), cx->now_ms, cx->who.account);
}

static int edit_handle(struct cx *cx) {
    struct catalog_dataset *d;
    struct catalog_resource r;
    struct str id = cx_text(cx, "id"), rid = cx_text(cx, "rid");
    int code = catalog_dataset_work(cx, id, &d);
    if (code == OK && !catalog_may_see(cx, d)) code = catalog_dataset_get(cx, id, &d);
    if (code == ERR_not_found) return cx_fail(cx, ERR_not_found, "id", "%.*s", STRF(id));
    if (code == OK) code = flow_need(cx, d, MAY_ATTACH, "attach");
    if (code == OK) code = catalog_resource_get(cx, d->id, rid, &r);
    if (code == ERR_not_found) return cx_fail(cx, ERR_not_found, "rid", "%.*s", STRF(rid));
    if (code == OK) code = describe(cx, d, &r);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_head_touch, "sii", d->id, cx->now_ms,
                          cx->who.account);
    if (code == OK) code = cx_announce(cx, "dataset.changed", d->id, d->office);
    if (code != OK) return code;
    struct act *a = flow_act(cx, d, "resource.edit", STR_NONE);
    a->before =
        str_print(cx->mem, "%.*s %.*s %.*s", STRF(r.rid), STRF(r.title_zh), STRF(catalog_none(r.upstream)));
    a->after = str_print(cx->mem, "%.*s %.*s %.*s", STRF(r.rid), STRF(catalog_none(cx_text(cx, "title_zh"))),
                         STRF(catalog_none(cx_text(cx, "url"))));
    jw_object(&cx->w);
    jw_ntext(&cx->w, "id", r.rid);
    jw_nint(&cx->w, "version", d->version + 1);
    jw_object_end(&cx->w);
    return OK;
}

static const struct field edit_takes[] = {
    {"id", .where = IN_PATH, .type = T_TEXT, .required = true, .max = 60, .zh = "目录", .en = "Data set"},
    {"rid", .where = IN_PATH, .type = T_TEXT, .required = true, .max = 80, .zh = "资源", .en = "Resource"},
    {"title_zh", .type = T_TEXT, .min = 1, .max = 200, .zh = "名称", .en = "Title (zh)"},
    {"title_en", .type = T_TEXT, .max = 300, .zh = "英文名称", .en = "Title (en)"},
    {"url", .type = T_TEXT, .min = 1, .max = 1000, .zh = "服务地址", .en = "Address of the service"},
    {"verify_only", .type = T_BOOL, .zh = "仅核验", .en = "Verification only"},
    {0}};
static const struct field edited_fields[] = {
    {"id", .type = T_TEXT, .required = true, .zh = "资源", .en = "Resource"},
    {"version", .type = T_INT, .required = true, .zh = "版本", .en = "Version"},
    {"entry", .type = T_INT, .zh = "存证", .en = "Ledger entry"},
    {0}};
static const struct shape edited_shape = {.name = "ResourceEdited", .fields = edited_fields};

const struct route catalog_ckan_edit_routes[] = {
    {"PATCH", "/api/v1/datasets/{id}/resources/{rid}", ROUTE_WRITE, R_(STEWARD), edit_takes, &edited_shape,
     .act = "resource.edit", .handle = edit_handle, .zh = "修改资源", .en = "Describe a resource anew",
     .scope = "catalog:write"},
    {0}};
