// SPDX-License-Identifier: MulanPSL-2.0
// The public's door, without log-in: follows 开放属性 only. What is not open does not exist here (404, never 403);
// what is open on conditions shows its description and no data. 无条件共享 is not 开放: shares are never looked at.
#include "mod/catalog/files.h"
#include "mod/catalog/routes.h"
#include "mod/catalog/show.h"

static int list_handle(struct cx *cx) {
    return list_datasets(cx, true);
}

static int open_dataset(struct cx *cx, struct catalog_dataset **ret) {
    struct str id = cx_text(cx, "id");
    int code = catalog_dataset_get(cx, id, ret);
    if (code == OK && !catalog_is_open(*ret)) code = ERR_not_found;
    if (code == ERR_not_found)
        return cx_fail(cx, ERR_not_found, "id", "%.*s", (int)(id.n > 60 ? 60 : id.n), id.p);
    return code;
}

static int get_handle(struct cx *cx) {
    struct catalog_dataset *d;
    int code = open_dataset(cx, &d);
    return code == OK ? show_dataset(cx, d, true) : code;
}

static int file_handle(struct cx *cx) {
    struct catalog_dataset *d;
    struct catalog_resource r;
    int code = open_dataset(cx, &d);
    if (code == OK) code = catalog_resource_get(cx, d->id, cx_text(cx, "rid"), &r);
    // A file cannot be trimmed by column: only a wholly open L1 data set gives it out.
    bool may = code == OK && d->open == CATALOG_OPEN_FREE && d->grade == GRADE_L1 && r.kind == CATALOG_FILE;
    if (code == ERR_not_found || (code == OK && !may))
        return cx_fail(cx, ERR_not_found, "rid", "%.*s", STRF(cx_text(cx, "rid")));
    return code == OK ? files_send(cx, &r) : code;
}

static const struct field id_takes[] = {
    {"id", .where = IN_PATH, .type = T_TEXT, .required = true, .max = 60, .zh = "目录", .en = "Data set"},
    {0}};
static const struct field file_takes[] = {
    {"id", .where = IN_PATH, .type = T_TEXT, .required = true, .max = 60, .zh = "目录", .en = "Data set"},
    {"rid", .where = IN_PATH, .type = T_TEXT, .required = true, .max = 80, .zh = "资源", .en = "Resource"},
    {0}};

const struct route catalog_portal_routes[] = {
    {"GET", "/api/v1/portal/datasets", ROUTE_READ, R_PUBLIC, catalog_list_takes, &catalog_list_shape,
     .handle = list_handle, .zh = "检索开放目录", .en = "Search open data"},
    {"GET", "/api/v1/portal/datasets/{id}", ROUTE_READ, R_PUBLIC, id_takes, &catalog_dataset_shape,
     .handle = get_handle, .zh = "一个开放目录", .en = "One open data set"},
    {"GET", "/api/v1/portal/datasets/{id}/files/{rid}", ROUTE_READ, R_PUBLIC, file_takes, &catalog_file_shape,
     .handle = file_handle, .zh = "下载开放文件", .en = "Download an open file"},
    {0}};
