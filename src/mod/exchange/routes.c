// SPDX-License-Identifier: MulanPSL-2.0
// Cart and applications: parse, ask the deciders (application.c, line.c), answer with the application as it now is.
#include "mod/exchange/flow.h"
#include "mod/exchange/shapes.h"
#include <inttypes.h>

#define CART_MAX 50

// --- cart ---
static int cart_json(struct cx *cx) {
    struct jw *w = &cx->w;
    struct {
        struct str dataset, columns;
    } items[CART_MAX];
    int n = 0;
    struct stmt *s = store_query(cx->db, Q_exchange_cart_of, "i", cx->who.account);
    while (n < CART_MAX && store_next(s)) {
        items[n].dataset = store_str(s, 0, cx->mem);
        items[n++].columns = store_str(s, 1, cx->mem);
    }
    int code = store_done(s, &cx->err);
    jw_object(w);
    jw_name(w, "items");
    jw_array(w);
    for (int i = 0; i < n && code == OK; i++) {
        struct catalog_dataset *ds = dataset_shown(cx, items[i].dataset);
        if (!ds) continue;
        jw_object(w);
        jw_ntext(w, "dataset", ds->id);
        jw_ntext(w, "title_zh", ds->title_zh);
        jw_ntext(w, "title_en", ds->title_en);
        jw_ntext(w, "office", ds->office);
        jw_ntext(w, "office_name", people_office_name(cx, ds->office, 0));
        jw_nint(w, "share", ds->share);
        jw_name(w, "columns");
        jw_array(w);
        for (struct str rest = items[i].columns; rest.p && rest.n;)
            jw_text(w, str_cut(rest, ' ', &rest));
        jw_array_end(w);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_object_end(w);
    return code;
}

static int get_cart(struct cx *cx) {
    return cart_json(cx);
}

static int put_cart_item(struct cx *cx, struct json item) {
    struct catalog_dataset *ds;
    struct str id = json_text(json_get(item, S("dataset")));
    struct buf columns = buf_new(cx->mem, 128, 8192);
    int code = catalog_dataset_get(cx, id, &ds);
    if (code == ERR_not_found)
        return cx_fail(cx, ERR_not_found, "dataset", "%.*s", (int)(id.n > 60 ? 60 : id.n), id.p);
    if (code != OK) return code;
    for (struct json_iter it = json_iter(json_get(item, S("columns"))); json_next(&it);) {
        struct str column = json_text(it.value);
        if (!catalog_column_find(ds, column))
            return cx_fail(cx, ERR_column_unknown, "columns", "%.*s", (int)(column.n > 60 ? 60 : column.n),
                           column.p);
        if (columns.n) buf_char(&columns, ' ');
        buf_put(&columns, column);
    }
    struct str text = columns.n ? buf_str(&columns) : S("");
    return store_exec(cx->db, NULL, &cx->err, Q_exchange_cart_put, "issi", cx->who.account, ds->id, text,
                      cx->now_ms);
}

static int put_cart(struct cx *cx) {
    int code = store_exec(cx->db, NULL, &cx->err, Q_exchange_cart_clear, "i", cx->who.account);
    for (struct json_iter it = json_iter(cx_json(cx, "items")); code == OK && json_next(&it);)
        code = put_cart_item(cx, it.value);
    return code == OK ? cart_json(cx) : code;
}

// --- lists ---
// Ids from a query, then each as a whole: a list is short, a page of it at most LIST_MAX.
#define LIST_STANDARD 30
#define LIST_MAX      100

static int ids_todo(struct cx *cx, struct str *ids, int most, int *ret_n) {
    int n = 0;
    struct stmt *s = store_query(cx->db, Q_exchange_steps_todo, "s", cx->who.office);
    while (n < most && store_next(s)) {
        struct step step = {.step = store_str(s, 3, cx->mem), .office = cx->who.office};
        struct str id = store_str(s, 1, cx->mem);
        bool is_new = step_is_mine(cx, &step);
        for (int i = 0; i < n && is_new; i++)
            is_new = !str_eq(ids[i], id);
        if (is_new) ids[n++] = id;
    }
    *ret_n = n;
    return store_done(s, &cx->err);
}

static int ids_of_box(struct cx *cx, struct str box, int64_t before, int most, struct str *ids, int *ret_n) {
    struct str state = cx_text(cx, "state"), office = cx->who.office;
    int64_t limit = most;
    bool sees_all = cx_is(cx, R_(AUTHORITY) | R_(REVIEWER) | R_(AUDITOR));
    struct stmt *s;
    if (str_eq(box, S("todo"))) return ids_todo(cx, ids, most, ret_n);
    if (str_eq(box, S("all")) && sees_all)
        s = store_query(cx->db, Q_exchange_applications_all, "isi", before, state, limit);
    else if (str_eq(box, S("mine")))
        s = store_query(cx->db, Q_exchange_applications_of_office, "sisi", office, before, state, limit);
    else if (str_eq(box, S("done")))
        s = store_query(cx->db, Q_exchange_applications_done_by, "sisi", office, before, state, limit);
    else
        s = store_query(cx->db, Q_exchange_applications_seen, "sisi", office, before, state, limit);
    int n = 0;
    while (n < most && store_next(s))
        ids[n++] = store_str(s, 0, cx->mem);
    *ret_n = n;
    return store_done(s, &cx->err);
}

static int get_applications(struct cx *cx) {
    int64_t limit = cx_limit(cx, LIST_STANDARD, LIST_MAX), before = INT64_MAX;
    struct str after = cx_after(cx), box = cx_text(cx, "box"), ids[LIST_MAX + 1];
    struct application *a = NULL;
    int n = 0;
    if (after.p && !str_int64(after, &before)) return cx_fail(cx, ERR_cursor, "after", "%s", "");
    int code = ids_of_box(cx, box.p ? box : S("all"), before, (int)limit + 1, ids, &n);
    jw_object(&cx->w);
    jw_name(&cx->w, "items");
    jw_array(&cx->w);
    for (int i = 0; i < n && i < limit && code == OK; i++) {
        code = application_get(cx, ids[i], &a);
        if (code == OK) application_json(cx, a, false);
    }
    jw_array_end(&cx->w);
    // The box of things to do is short and ordered by its clocks: it has no second page.
    if (code == OK && n > limit && a && !str_eq(box, S("todo")))
        cx_next(cx, str_print(cx->mem, "%" PRId64, a->n));
    jw_object_end(&cx->w);
    return code;
}

// --- one application ---
// What one may not see does not exist.
static int read_seen(struct cx *cx, struct application **ret) {
    struct str id = cx_text(cx, "id");
    int code = application_get(cx, id, ret);
    if (code == OK && !application_may_see(cx, *ret))
        code = cx_fail(cx, ERR_not_found, "application", "%.*s", (int)(id.n > 60 ? 60 : id.n), id.p);
    return code;
}

static int show(struct cx *cx, struct str id) {
    struct application *a;
    int code = application_get(cx, id, &a);
    if (code != OK) return code;
    application_json(cx, a, true);
    cx_etag(cx, a->version);
    return cx->err.code;
}

static int get_application(struct cx *cx) {
    struct application *a;
    int code = read_seen(cx, &a);
    if (code != OK) return code;
    application_json(cx, a, true);
    cx_etag(cx, a->version);
    return cx->err.code;
}

static int post_applications(struct cx *cx) {
    struct str id;
    int code = application_create(cx, &id);
    if (code != OK) return code;
    cx_status(cx, 201);
    cx_reply_header(cx, "Location", str_print(cx->mem, "/api/v1/applications/%.*s", STRF(id)));
    return show(cx, id);
}

static int put_application(struct cx *cx) {
    struct application *a;
    int code = read_seen(cx, &a);
    if (code == OK) code = application_edit(cx, a);
    return code == OK ? show(cx, a->id) : code;
}

static int post_submit(struct cx *cx) {
    struct application *a;
    int code = read_seen(cx, &a);
    if (code == OK) code = application_submit(cx, a);
    return code == OK ? show(cx, a->id) : code;
}

static int post_sign(struct cx *cx) {
    struct application *a;
    int code = read_seen(cx, &a);
    if (code == OK) code = application_sign(cx, a);
    return code == OK ? show(cx, a->id) : code;
}

static int post_return(struct cx *cx) {
    struct application *a;
    int code = read_seen(cx, &a);
    if (code == OK) code = application_return(cx, a, str_trim(cx_text(cx, "reason")));
    return code == OK ? show(cx, a->id) : code;
}

static int post_check(struct cx *cx) {
    struct application *a;
    int code = read_seen(cx, &a);
    if (code == OK)
        code = application_check(cx, a, cx_bool(cx, "pass", false), str_trim(cx_text(cx, "reason")));
    return code == OK ? show(cx, a->id) : code;
}

static int post_withdraw(struct cx *cx) {
    struct application *a;
    int code = read_seen(cx, &a);
    if (code == OK) code = application_withdraw(cx, a, str_trim(cx_text(cx, "reason")));
    return code == OK ? show(cx, a->id) : code;
}

// --- one line ---
static int read_line(struct cx *cx, struct application **ret_a, struct line **ret_l) {
    int64_t n = cx_int(cx, "n", 0);
    int code = read_seen(cx, ret_a);
    if (code != OK) return code;
    for (int i = 0; i < (*ret_a)->lines_n; i++)
        if ((*ret_a)->lines[i].n == n) {
            *ret_l = &(*ret_a)->lines[i];
            return OK;
        }
    return cx_fail(cx, ERR_not_found, "n", "%" PRId64, n);
}

static int post_answer(struct cx *cx) {
    struct application *a;
    struct line *l;
    int code = read_line(cx, &a, &l);
    if (code == OK) code = line_answer(cx, a, l);
    return code == OK ? show(cx, a->id) : code;
}

static int post_line_sign(struct cx *cx) {
    struct application *a;
    struct line *l;
    int code = read_line(cx, &a, &l);
    if (code == OK)
        code = line_sign(cx, a, l, cx_bool(cx, "consent", false), str_trim(cx_text(cx, "reason")));
    return code == OK ? show(cx, a->id) : code;
}

static int post_extend(struct cx *cx) {
    struct application *a;
    struct line *l;
    int code = read_line(cx, &a, &l);
    if (code == OK) code = line_extend(cx, a, l, cx_int(cx, "days", 0), str_trim(cx_text(cx, "reason")));
    return code == OK ? show(cx, a->id) : code;
}

// --- what they take ---
#define ID                                                                                                   \
    { "id", IN_PATH, T_TEXT, true, 1, 40, .zh = "申请编号", .en = "application" }
#define REASON(must)                                                                                         \
    { "reason", IN_BODY, T_TEXT, must, must, 500, .zh = "理由", .en = "reason" }
static const struct field cart_item_takes[] = {
    {"dataset", IN_BODY, T_TEXT, true, 1, 100, .zh = "目录", .en = "data set"},
    {"columns", IN_BODY, T_LIST, false, 0, 200, .zh = "列", .en = "columns"},
    {0}};
static const struct field cart_takes[] = {
    {"items", IN_BODY, T_ITEMS, true, 0, CART_MAX, .of = cart_item_takes, .zh = "数据篮", .en = "cart"}, {0}};
static const struct field list_takes[] = {
    {"box", IN_QUERY, T_CHOICE, .choices = "todo|mine|done|all", .zh = "箱", .en = "box"},
    {"state", IN_QUERY, T_CHOICE,
     .choices = "draft|signing|county|checking|answering|granted|partly|refused|returned|withdrawn|ended",
     .zh = "状态", .en = "state"},
    {"limit", IN_QUERY, T_INT, false, 1, LIST_MAX, .zh = "每页条数", .en = "rows per page"},
    {"after", IN_QUERY, T_TEXT, false, 0, 100, .zh = "下一页位置", .en = "where the next page begins"},
    {0}};
static const struct field item_takes[] = {
    {"dataset", IN_BODY, T_TEXT, true, 1, 100, .zh = "目录", .en = "data set"},
    {"resource", IN_BODY, T_TEXT, false, 1, 100, .zh = "服务资源", .en = "service resource"},
    {"columns", IN_BODY, T_LIST, false, 0, 200, .zh = "列", .en = "columns"},
    {"filter", IN_BODY, T_ITEMS, false, 0, 32, .of = exchange_filter_fields, .zh = "行范围",
     .en = "row filter"},
    {"mode", IN_BODY, T_CHOICE, .choices = "service", .zh = "共享方式", .en = "mode"},
    {0}};
#define APPLICATION_BODY                                                                                     \
    {"title", IN_BODY, T_TEXT, false, 1, 120, .zh = "标题", .en = "title"},                                  \
        {"items",                                                                                            \
         IN_BODY,                                                                                            \
         T_ITEMS,                                                                                            \
         true,                                                                                               \
         1,                                                                                                  \
         FLOW_LINES_MAX,                                                                                     \
         .of = item_takes,                                                                                   \
         .zh = "申请的数据集",                                                                               \
         .en = "data sets asked for"},                                                                       \
        {"matter", IN_BODY, T_TEXT, true, 1, 100, .zh = "事项(用途)", .en = "matter, the purpose"},          \
        {"legal_basis", IN_BODY, T_TEXT, true, 2, 500, .zh = "法律依据", .en = "legal basis"},               \
        {"purpose", IN_BODY, T_TEXT, true, 2, 500, .zh = "使用说明", .en = "what it is used for"},           \
        {"system", IN_BODY, T_TEXT, true, 1, 100, .zh = "使用系统", .en = "registered system"},              \
        {"period_days",      IN_BODY, T_INT, true, 1, EXCHANGE_PERIOD_MAX, .zh = "使用期限(天)",             \
         .en = "days of use"},                                                                               \
        {"quota_per_day",    IN_BODY, T_INT, true, 1, EXCHANGE_QUOTA_MAX, .zh = "每日调用量",                \
         .en = "calls a day"},                                                                               \
    {                                                                                                        \
        "need_by", IN_BODY, T_DATE, false, .zh = "需用日期", .en = "needed by"                               \
    }
static const struct field create_takes[] = {APPLICATION_BODY, {0}};
static const struct field edit_takes[] = {ID, APPLICATION_BODY, {0}};
static const struct field id_takes[] = {ID, {0}};
static const struct field reason_takes[] = {ID, REASON(true), {0}};
static const struct field withdraw_takes[] = {ID, REASON(false), {0}};
static const struct field check_takes[] = {
    ID, {"pass", IN_BODY, T_BOOL, true, .zh = "通过", .en = "passes"}, REASON(false), {0}};
#define LINE                                                                                                 \
    ID, {                                                                                                    \
        "n", IN_PATH, T_INT, true, 1, FLOW_LINES_MAX, .zh = "序号", .en = "line"                             \
    }
static const struct field answer_takes[] = {
    LINE,
    {"consent", IN_BODY, T_BOOL, true, .zh = "同意", .en = "consents"},
    REASON(false),
    {"columns", IN_BODY, T_LIST, false, 1, 200, .zh = "同意提供的列", .en = "columns consented to"},
    {"released", IN_BODY, T_LIST, false, 0, 200, .zh = "准予不脱敏的列",
     .en = "columns released from their mask"},
    {"condition", IN_BODY, T_TEXT, false, 1, 500, .zh = "条件", .en = "condition"},
    {"quota_per_day", IN_BODY, T_INT, false, 1, EXCHANGE_QUOTA_MAX, .zh = "每日配额", .en = "calls a day"},
    {"rate_per_s", IN_BODY, T_INT, false, 1, EXCHANGE_RATE_MAX, .zh = "每秒上限", .en = "calls a second"},
    {0}};
static const struct field line_sign_takes[] = {
    LINE, {"consent", IN_BODY, T_BOOL, true, .zh = "签发", .en = "signs"}, REASON(false), {0}};
static const struct field extend_takes[] = {
    LINE,
    {"days", IN_BODY, T_INT, true, 1, 30, .zh = "延长的工作日数", .en = "working days more"},
    REASON(true),
    {0}};

#define SEES  (R_ALL_OFFICE | R_(AUDITOR))
#define GIVES &exchange_application_shape
const struct route exchange_application_routes[] = {
    {"GET", "/api/v1/cart", ROUTE_READ, R_(APPLICANT), NULL, &exchange_cart_shape, NULL, 0, 0, get_cart,
     "我的数据篮", "My cart", "exchange:read"},
    {"PUT", "/api/v1/cart", ROUTE_WRITE, R_(APPLICANT), cart_takes, &exchange_cart_shape, "cart.put", 0, 0,
     put_cart, "保存数据篮", "Keep my cart", NULL},
    {"GET", "/api/v1/applications", ROUTE_READ, SEES, list_takes, &exchange_application_list_shape, NULL, 0,
     0, get_applications, "共享申请列表", "List applications", "exchange:read"},
    {"POST", "/api/v1/applications", ROUTE_WRITE, R_(APPLICANT), create_takes, GIVES, "application.create", 0,
     0, post_applications, "提出共享申请", "Make an application", NULL},
    {"GET", "/api/v1/applications/{id}", ROUTE_READ, SEES, id_takes, GIVES, NULL, 0, 0, get_application,
     "一件申请及其全部环节", "One application with its steps", "exchange:read"},
    {"PUT", "/api/v1/applications/{id}", ROUTE_WRITE, R_(APPLICANT), edit_takes, GIVES, "application.edit", 0,
     ROUTE_NEEDS_MATCH, put_application, "修改申请", "Edit an application", NULL},
    {"POST", "/api/v1/applications/{id}/submit", ROUTE_WRITE, R_(APPLICANT), id_takes, GIVES,
     "application.submit", 0, 0, post_submit, "提交本单位签发", "Submit to one's own head", NULL},
    {"POST", "/api/v1/applications/{id}/sign", ROUTE_WRITE, R_(UNIT_HEAD), id_takes, GIVES,
     "application.sign", 0, 0, post_sign, "本单位签发", "Sign for one's unit", NULL},
    {"POST", "/api/v1/applications/{id}/return", ROUTE_WRITE, R_(UNIT_HEAD) | R_(REVIEWER) | R_(COUNTY),
     reason_takes, GIVES, "application.return", 0, 0, post_return, "退回补正(一次性告知)",
     "Return for completion, once", NULL},
    {"POST", "/api/v1/applications/{id}/check", ROUTE_WRITE, R_(REVIEWER) | R_(COUNTY), check_takes, GIVES,
     "application.check", 0, 0, post_check, "合规审核或县级转报",
     "Check compliance, or forward from a county", NULL},
    {"POST", "/api/v1/applications/{id}/withdraw", ROUTE_WRITE, R_(APPLICANT), withdraw_takes, GIVES,
     "application.withdraw", 0, 0, post_withdraw, "撤回申请", "Withdraw an application", NULL},
    {"POST", "/api/v1/applications/{id}/lines/{n}/answer", ROUTE_WRITE, R_(STEWARD), answer_takes, GIVES,
     "line.answer", 0, 0, post_answer, "数源部门答复", "Answer for the provider", NULL},
    {"POST", "/api/v1/applications/{id}/lines/{n}/sign", ROUTE_WRITE, R_(UNIT_HEAD), line_sign_takes, GIVES,
     "line.sign", 0, 0, post_line_sign, "数源部门签发答复", "Sign the provider's answer", NULL},
    {"POST", "/api/v1/applications/{id}/lines/{n}/extend", ROUTE_WRITE, R_(AUTHORITY), extend_takes, GIVES,
     "line.extend", 0, 0, post_extend, "经主管部门同意延长答复时限",
     "Extend an answer's clock, by the authority", NULL},
    {0}};
