// SPDX-License-Identifier: MulanPSL-2.0
// Core's own routes: health, the list of errors, the OpenAPI document, and the audit log
// (auditors read all of it, others what was done to their own office's things).
#include "core/self.h"
#include <inttypes.h>

static const char *const role_codes[] = {
#define ROLE(NAME, code, zh, en) code,
#include "core/roles.def"
#undef ROLE
};

const char *role_code(int index) {
    return role_codes[index];
}

int role_index(struct str code) {
    for (int i = 0; i < ROLE_COUNT; i++)
        if (str_eq(str_of(role_codes[i]), code)) return i;
    return -1;
}

static int get_health(struct cx *cx) {
    struct store_stats s = store_stats(cx->city->store);
    jw_object(&cx->w);
    jw_nbool(&cx->w, "ok", true);
    jw_nint(&cx->w, "queue", (int64_t)s.queue_len);
    jw_nint(&cx->w, "time_ms", cx->now_ms);
    jw_object_end(&cx->w);
    return OK;
}

static int get_errors(struct cx *cx) {
    jw_object(&cx->w);
    jw_name(&cx->w, "items");
    jw_array(&cx->w);
    for (int i = 1; i < ERR_COUNT; i++) {
        const struct err_info *e = err_info((enum err_code)i);
        jw_object(&cx->w);
        jw_ntext(&cx->w, "code", str_of(e->name));
        jw_nint(&cx->w, "status", e->status);
        jw_ntext(&cx->w, "zh", str_of(e->zh));
        jw_ntext(&cx->w, "en", str_of(e->en));
        jw_object_end(&cx->w);
    }
    jw_array_end(&cx->w);
    jw_object_end(&cx->w);
    return OK;
}

static int get_openapi(struct cx *cx) {
    return openapi_write(cx);
}

static struct stmt *acts_query(struct cx *cx, int64_t before, int64_t limit) {
    struct str kind = cx_text(cx, "object_kind"), object = cx_text(cx, "object"),
               trace = cx_text(cx, "trace");
    struct str verb = cx_text(cx, "verb"), actor = cx_text(cx, "actor");
    if (trace.p) return store_query(cx->db, Q_core_act_of_trace, "isi", before, trace, limit);
    if (object.p)
        return store_query(cx->db, Q_core_act_of_object, "issi", before, kind.p ? kind : S(""), object,
                           limit);
    if (cx_is(cx, R_(AUDITOR)))
        return store_query(cx->db, Q_core_act_page, "issiii", before, verb, actor, cx_int(cx, "from_ms", 0),
                           cx_int(cx, "to_ms", INT64_MAX), limit);
    return store_query(cx->db, Q_core_act_of_office, "issi", before, cx->who.office, verb, limit);
}

static void act_row(struct cx *cx, struct stmt *s) {
    static const char *const names[] = {"actor_name", "actor_office", "verb",   "object_kind",
                                        "object",     "object_name",  "office", "trace"};
    struct jw *w = &cx->w;
    jw_object(w);
    jw_nint(w, "id", store_int(s, 0));
    jw_nint(w, "time_ms", store_int(s, 1));
    jw_nint(w, "actor", store_int(s, 2));
    for (int i = 0; i < 8; i++)
        jw_ntext(w, names[i], store_str(s, 3 + i, NULL));
    jw_name(w, "detail");
    jw_raw(w, store_str(s, 11, NULL));
    jw_nint(w, "entry", store_int(s, 12));
    jw_ntext(w, "peer", store_str(s, 13, NULL));
    jw_object_end(w);
}

// A row is shown to auditors, and to the office that did it or whose thing it is.
static bool may_see_act(struct cx *cx, struct stmt *s) {
    if (cx_is(cx, R_(AUDITOR))) return true;
    if (!cx->who.office.p) return false;
    return str_eq(store_str(s, 4, NULL), cx->who.office) || str_eq(store_str(s, 9, NULL), cx->who.office) ||
           cx_is(cx, R_(AUTHORITY) | R_(REVIEWER));
}

static int get_acts(struct cx *cx) {
    int64_t limit = cx_limit(cx, 50, 500), before = INT64_MAX, last = 0, n = 0;
    struct str after = cx_after(cx);
    if (after.p && !str_int64(after, &before)) return cx_fail(cx, ERR_field_value, "after", "%s", "");
    struct stmt *s = acts_query(cx, before, limit);
    jw_object(&cx->w);
    jw_name(&cx->w, "items");
    jw_array(&cx->w);
    while (store_next(s)) {
        last = store_int(s, 0);
        n++;
        if (may_see_act(cx, s)) act_row(cx, s);
    }
    jw_array_end(&cx->w);
    if (n == limit) cx_next(cx, str_print(cx->mem, "%" PRId64, last));
    jw_object_end(&cx->w);
    return store_done(s, &cx->err);
}

static const struct field health_out[] = {
    {"ok", 0, T_BOOL, true, 0, 0, NULL, NULL, "正常", "running"},
    {"queue", 0, T_INT, true, 0, 0, NULL, NULL, "提交队列长度", "commit queue length"},
    {"time_ms", 0, T_INT, true, 0, 0, NULL, NULL, "服务器时间", "server time"},
    {0}};
static const struct field error_item[] = {
    {"code", 0, T_TEXT, true, 0, 0, NULL, NULL, "代码", "code"},
    {"status", 0, T_INT, true, 0, 0, NULL, NULL, "状态码", "HTTP status"},
    {"zh", 0, T_TEXT, true, 0, 0, NULL, NULL, "中文", "Chinese"},
    {"en", 0, T_TEXT, true, 0, 0, NULL, NULL, "英文", "English"},
    {0}};
static const struct field errors_out[] = {
    {"items", 0, T_ITEMS, true, 0, 0, NULL, error_item, "错误清单", "all errors"}, {0}};
static const struct field acts_in[] = {
    {"object_kind", IN_QUERY, T_TEXT, false, 0, 40, NULL, NULL, "对象类别", "kind of object"},
    {"object", IN_QUERY, T_TEXT, false, 0, 100, NULL, NULL, "对象", "object"},
    {"verb", IN_QUERY, T_TEXT, false, 0, 60, NULL, NULL, "动作", "verb"},
    {"actor", IN_QUERY, T_TEXT, false, 0, 60, NULL, NULL, "操作人", "actor"},
    {"trace", IN_QUERY, T_TEXT, false, 0, 60, NULL, NULL, "全程编号", "trace id"},
    {"from_ms", IN_QUERY, T_INT, false, 0, INT64_MAX, NULL, NULL, "起", "from"},
    {"to_ms", IN_QUERY, T_INT, false, 0, INT64_MAX, NULL, NULL, "止", "to"},
    {"limit", IN_QUERY, T_INT, false, 1, 500, NULL, NULL, "条数", "rows"},
    {"after", IN_QUERY, T_TEXT, false, 0, 200, NULL, NULL, "续页", "page on"},
    {0}};
static const struct field act_item[] = {
    {"id", 0, T_INT, true, 0, 0, NULL, NULL, "序号", "id"},
    {"time_ms", 0, T_INT, true, 0, 0, NULL, NULL, "时间", "time"},
    {"actor", 0, T_INT, true, 0, 0, NULL, NULL, "操作账号", "account"},
    {"actor_name", 0, T_TEXT, true, 0, 0, NULL, NULL, "操作人", "actor"},
    {"actor_office", 0, T_TEXT, false, 0, 0, NULL, NULL, "操作机构", "actor's office"},
    {"verb", 0, T_TEXT, true, 0, 0, NULL, NULL, "动作", "verb"},
    {"object_kind", 0, T_TEXT, true, 0, 0, NULL, NULL, "对象类别", "kind of object"},
    {"object", 0, T_TEXT, true, 0, 0, NULL, NULL, "对象", "object"},
    {"object_name", 0, T_TEXT, false, 0, 0, NULL, NULL, "对象名称", "name of object"},
    {"office", 0, T_TEXT, false, 0, 0, NULL, NULL, "所属机构", "office"},
    {"trace", 0, T_TEXT, false, 0, 0, NULL, NULL, "全程编号", "trace id"},
    {"detail", 0, T_ANY, true, 0, 0, NULL, NULL, "详情", "detail"},
    {"entry", 0, T_INT, true, 0, 0, NULL, NULL, "存证序号", "ledger entry"},
    {"peer", 0, T_TEXT, false, 0, 0, NULL, NULL, "来源地址", "peer"},
    {0}};
static const struct field acts_out[] = {
    {"items", 0, T_ITEMS, true, 0, 0, NULL, act_item, "审计记录", "audit rows"},
    {"next", 0, T_TEXT, false, 0, 0, NULL, NULL, "续页", "next page"},
    {0}};
static const struct shape health_shape = {"Health", health_out, NULL},
                          errors_shape = {"Errors", errors_out, NULL}, acts_shape = {"Acts", acts_out, NULL},
                          openapi_shape = {"OpenApi", NULL, "application/json"};

const struct route core_routes[] = {{"GET", "/api/v1/health", ROUTE_READ, R_PUBLIC, NULL, &health_shape, NULL,
                                     0, 0, get_health, "运行状态", "Is it running", NULL},
                                    {"GET", "/api/v1/errors", ROUTE_READ, R_PUBLIC, NULL, &errors_shape, NULL,
                                     0, 0, get_errors, "错误代码表", "All error codes", NULL},
                                    {"GET", "/api/openapi.json", ROUTE_READ, R_PUBLIC, NULL, &openapi_shape,
                                     NULL, 0, 0, get_openapi, "接口文档", "This document", NULL},
                                    {"GET", "/api/v1/acts", ROUTE_READ, R_(AUDITOR) | R_ALL_OFFICE, acts_in,
                                     &acts_shape, NULL, 0, 0, get_acts, "审计日志", "Audit log",
                                     "audit:read"},
                                    {0}};
