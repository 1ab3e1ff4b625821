// SPDX-License-Identifier: MulanPSL-2.0
// Data sets: list, read, create, edit, delete, and the steps of their way. Thin: parse, ask flow.c and write.c, answer.
#include "mod/catalog/routes.h"
#include "mod/catalog/flow.h"
#include "mod/catalog/meta.h"
#include "mod/catalog/show.h"

static int list_handle(struct cx *cx) {
    return list_datasets(cx, false);
}

static int missing(struct cx *cx, struct str id) {
    return cx_fail(cx, ERR_not_found, "id", "%.*s", (int)(id.n > 60 ? 60 : id.n), id.p);
}

// The edition that concerns the asker: the one in the works for whoever may see it, else the live one.
static int concerned(struct cx *cx, struct str id, struct str which, struct catalog_dataset **ret) {
    struct catalog_dataset *d;
    int code = ERR_not_found;
    if (!str_eq(which, S("live"))) {
        code = catalog_dataset_work(cx, id, &d);
        if (code == OK && !catalog_may_see(cx, d)) code = ERR_not_found; // a draft of others does not exist
        // The authority reads what the world reads, until it is asked to review.
        bool own = cx->who.office.n && code == OK && str_eq(cx->who.office, d->office);
        if (code == OK && !own && !which.n && d->live && d->state != CATALOG_REVIEWING) code = ERR_not_found;
    }
    if (code == ERR_not_found) code = catalog_dataset_get(cx, id, &d);
    if (code == ERR_not_found) return missing(cx, id);
    if (code == OK) *ret = d;
    return code;
}

static int get_handle(struct cx *cx) {
    struct catalog_dataset *d;
    int code = concerned(cx, cx_text(cx, "id"), cx_text(cx, "edition"), &d);
    if (code != OK) return code;
    cx_etag(cx, d->version);
    return show_dataset(cx, d, false);
}

// The body again as one value: field tables have judged it already.
static int read_body(struct cx *cx, struct str id, struct catalog_dataset *d, struct json *ret_body) {
    struct meta_sink sink = {.cx = cx};
    int code = json_parse(cx->mem, cx->body, ret_body, &cx->err);
    if (code != OK) return code;
    meta_read(&sink, *ret_body, d);
    if (id.p) d->id = id;
    if (!d->office.n) d->office = cx->who.office;
    if (!str_eq(d->office, cx->who.office)) return cx_deny(cx, "office");
    judge_dataset(&sink, *ret_body, d, false);
    return sink.faults_n ? (cx->err.code ? cx->err.code : ERR_field_value) : OK;
}

// 应编未编: what is compiled here is the answer to a duty of one's own office that nobody has answered yet.
static int take_duty(struct cx *cx, struct str dataset, struct str duty) {
    int64_t n = 0;
    int code = store_exec(cx->db, &n, &cx->err, Q_catalog_duty_take, "sssii", duty, dataset, cx->who.office,
                          cx->now_ms, cx->who.account);
    if (code == OK && n != 1)
        return cx_fail(cx, ERR_field_value, "duty", "%.*s", (int)(duty.n > 60 ? 60 : duty.n), duty.p);
    return code;
}

static int create_handle(struct cx *cx) {
    struct catalog_dataset d;
    struct catalog_head h;
    struct json body;
    int code = read_body(cx, STR_NONE, &d, &body);
    if (code != OK) return code;
    code = catalog_head_get(cx, d.id, &h);
    if (code == OK) return cx_fail(cx, ERR_store_unique, "id", "%.*s", STRF(d.id));
    if (code != ERR_not_found) return code;
    d.edition = 1;
    code = write_head(cx, &d, STR_NONE);
    if (code == OK) code = write_edition(cx, &d, CATALOG_DRAFT);
    if (code == OK) code = flow_begin(cx, &d);
    if (code == OK) code = write_search(cx, d.id);
    if (code == OK && cx_has(cx, "duty")) code = take_duty(cx, d.id, cx_text(cx, "duty"));
    if (code != OK) return code;
    flow_act(cx, &d, "dataset.create", STR_NONE)->after = show_text(cx, &d);
    cx_status(cx, 201);
    cx_reply_header(cx, "Location", str_print(cx->mem, "/api/v1/datasets/%.*s", STRF(d.id)));
    return show_written(cx, d.id);
}

// What an edit does not speak of is kept, not emptied: pages need not know all of it. Above all, rows that were
// generated do not lose their mark because a form forgot it.
static void keep_unsaid(struct json body, const struct catalog_dataset *old, struct catalog_dataset *d) {
    if (!json_kind(json_get(body, S("checks")))) d->checks = old->checks;
    if (!json_kind(json_get(body, S("notices")))) d->notices = old->notices;
    if (!json_kind(json_get(body, S("related")))) d->related = old->related;
    if (!json_kind(json_get(body, S("spatial")))) d->spatial = old->spatial;
    if (json_kind(json_get(body, S("synthetic")))) return;
    d->is_synthetic = old->is_synthetic;
    d->seed = old->seed;
}

// An edit of a published data set begins its next edition; the live one stays as it is until that one is published.
static int edit_handle(struct cx *cx) {
    struct catalog_dataset d, *old;
    struct json body;
    struct str id = cx_text(cx, "id");
    int code = catalog_dataset_work(cx, id, &old);
    if (code == ERR_not_found || (code == OK && !catalog_may_see(cx, old))) return missing(cx, id);
    if (code == OK) code = flow_need(cx, old, MAY_EDIT, "edit");
    if (code == OK) code = cx_match(cx, old->version);
    if (code == OK) code = read_body(cx, id, &d, &body);
    if (code != OK) return code;
    keep_unsaid(body, old, &d);
    bool begins = old->work == 0;
    d.edition = begins ? old->last + 1 : old->edition;
    d.version = old->version;
    code = begins ? store_exec(cx->db, NULL, &cx->err, Q_catalog_head_work, "siii", id, d.edition, cx->now_ms,
                               cx->who.account)
                  : store_exec(cx->db, NULL, &cx->err, Q_catalog_head_touch, "sii", id, cx->now_ms,
                               cx->who.account);
    if (code == OK) code = write_edition(cx, &d, begins ? CATALOG_DRAFT : old->state);
    if (code == OK && begins) code = flow_begin(cx, &d);
    if (code == OK) code = write_search(cx, id);
    if (code != OK) return code;
    struct act *a = flow_act(cx, &d, "dataset.edit", STR_NONE);
    a->before = show_text(cx, old);
    a->after = show_text(cx, &d);
    code = cx_announce(cx, "dataset.changed", id, d.office);
    return code == OK ? show_written(cx, id) : code;
}

static int drop_edition(struct cx *cx, const struct catalog_dataset *d) {
    static const enum query each[] = {Q_catalog_columns_delete, Q_catalog_steps_delete,
                                      Q_catalog_edition_delete};
    int code = OK;
    for (size_t i = 0; i < sizeof each / sizeof *each && code == OK; i++)
        code = store_exec(cx->db, NULL, &cx->err, each[i], "si", d->id, d->edition);
    return code;
}

// The table of a data set that goes is left to the sweep, which drops it in slices.
static int drop_resources(struct cx *cx, const struct catalog_dataset *d) {
    int code = OK;
    if (d->table)
        code =
            store_exec(cx->db, NULL, &cx->err, Q_catalog_table_old, "iii", d->table, cx->now_ms, cx->now_ms);
    if (code == OK) code = store_exec(cx->db, NULL, &cx->err, Q_catalog_resources_delete, "s", d->id);
    if (code == OK) code = store_exec(cx->db, NULL, &cx->err, Q_catalog_duty_free, "s", d->id);
    return code;
}

// Only what was never published disappears; its act stays.
static int delete_handle(struct cx *cx) {
    struct catalog_dataset *d;
    struct str id = cx_text(cx, "id");
    int code = catalog_dataset_work(cx, id, &d);
    if (code == ERR_not_found || (code == OK && !catalog_may_see(cx, d))) return missing(cx, id);
    if (code == OK) code = flow_need(cx, d, MAY_DELETE, "delete");
    if (code == OK) flow_act(cx, d, "dataset.delete", STR_NONE)->before = show_text(cx, d);
    if (code == OK) code = drop_edition(cx, d);
    if (code == OK && d->published_ms == 0) {
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_search_delete, "i", d->n * 2 + 1);
        if (code == OK) code = drop_resources(cx, d);
        if (code == OK) code = store_exec(cx->db, NULL, &cx->err, Q_catalog_head_delete, "s", id);
    } else if (code == OK) {
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_head_work, "siii", id, (int64_t)0, cx->now_ms,
                          cx->who.account);
        if (code == OK) code = write_search(cx, id);
    }
    if (code == OK) code = cx_announce(cx, "dataset.changed", id, d->office);
    if (code != OK) return code;
    jw_object(&cx->w);
    jw_object_end(&cx->w);
    return OK;
}

// --- the steps ---

static int step_begin(struct cx *cx, struct catalog_dataset **ret) {
    struct str id = cx_text(cx, "id");
    int code = catalog_dataset_work(cx, id, ret);
    if (code == ERR_not_found || (code == OK && !catalog_may_see(cx, *ret))) return missing(cx, id);
    return code;
}

// What a draft may lack must be there before anybody signs: the same judge as for packs, over what is stored.
static int complete(struct cx *cx, struct catalog_dataset *d) {
    struct meta_sink sink = {.cx = cx};
    judge_dataset(&sink, (struct json){0}, d, true);
    return sink.faults_n ? (cx->err.code ? cx->err.code : ERR_field_missing) : OK;
}

static int submit_handle(struct cx *cx) {
    struct catalog_dataset *d;
    int code = step_begin(cx, &d);
    if (code == OK) code = flow_need(cx, d, MAY_SUBMIT, "submit");
    if (code == OK) code = complete(cx, d);
    if (code == OK) code = flow_submit(cx, d);
    return code == OK ? show_written(cx, d->id) : code;
}

static int sign_handle(struct cx *cx) {
    struct catalog_dataset *d;
    int code = step_begin(cx, &d);
    if (code == OK) code = flow_sign(cx, d);
    return code == OK ? show_written(cx, d->id) : code;
}

static int return_handle(struct cx *cx) {
    struct catalog_dataset *d;
    int code = step_begin(cx, &d);
    if (code == OK) code = flow_return(cx, d, cx_text(cx, "reason"));
    return code == OK ? show_written(cx, d->id) : code;
}

static int review_handle(struct cx *cx) {
    struct catalog_dataset *d;
    int code = step_begin(cx, &d);
    if (code == OK && cx_bool(cx, "pass", false))
        code = flow_review(cx, d);
    else if (code == OK)
        code = flow_need(cx, d, MAY_REVIEW, "review") == OK ? flow_return(cx, d, cx_text(cx, "reason"))
                                                            : cx->err.code;
    return code == OK ? show_written(cx, d->id) : code;
}

static int publish_handle(struct cx *cx) {
    struct catalog_dataset *d;
    int code = step_begin(cx, &d);
    if (code == OK) code = flow_publish(cx, d);
    return code == OK ? show_written(cx, d->id) : code;
}

static int withdraw_handle(struct cx *cx) {
    struct catalog_dataset *d;
    int code = step_begin(cx, &d);
    if (code == OK) code = flow_withdraw(cx, d, cx_text(cx, "reason"));
    return code == OK ? show_written(cx, d->id) : code;
}

#define ID_FIELD                                                                                             \
    { "id", .where = IN_PATH, .type = T_TEXT, .required = true, .max = 60, .zh = "目录", .en = "Data set" }
static const struct field id_takes[] = {ID_FIELD, {0}};
static const struct field get_takes[] = {ID_FIELD,
                                         {"edition", .where = IN_QUERY, .type = T_CHOICE,
                                          .choices = "live|work", .zh = "哪一期", .en = "Which edition"},
                                         {0}};
static const struct field reason_takes[] = {
    ID_FIELD,
    {"reason", .type = T_TEXT, .required = true, .min = 1, .max = 1000, .zh = "理由", .en = "Reason"},
    {0}};
static const struct field review_takes[] = {
    ID_FIELD,
    {"pass", .type = T_BOOL, .required = true, .zh = "是否通过", .en = "Passed"},
    {"reason", .type = T_TEXT, .max = 1000, .zh = "不通过的理由", .en = "Reason when not passed"},
    {0}};

#define OFFICE_HEADS (R_(UNIT_HEAD) | R_(REVIEWER) | R_(AUTHORITY))
const struct route catalog_dataset_routes[] = {
    {"GET", "/api/v1/datasets", ROUTE_READ, R_LOGIN, catalog_list_takes, &catalog_list_shape,
     .handle = list_handle, .zh = "检索目录", .en = "Search the catalog", .scope = "catalog:read"},
    {"GET", "/api/v1/datasets/{id}", ROUTE_READ, R_LOGIN, get_takes, &catalog_dataset_shape,
     .handle = get_handle, .zh = "一个目录", .en = "One data set", .scope = "catalog:read"},
    {"POST", "/api/v1/datasets", ROUTE_WRITE, R_(STEWARD), catalog_create_takes, &catalog_written_shape,
     .act = "dataset.create", .body_max = 1 << 20, .handle = create_handle, .zh = "编制目录",
     .en = "Compile a data set", .scope = "catalog:write"},
    {"PUT", "/api/v1/datasets/{id}", ROUTE_WRITE, R_(STEWARD), catalog_edit_takes, &catalog_written_shape,
     .act = "dataset.edit", .body_max = 1 << 20, .flags = ROUTE_NEEDS_MATCH, .handle = edit_handle,
     .zh = "修改目录", .en = "Edit a data set", .scope = "catalog:write"},
    {"DELETE", "/api/v1/datasets/{id}", ROUTE_WRITE, R_(STEWARD), id_takes, &catalog_done_shape,
     .act = "dataset.delete", .handle = delete_handle, .zh = "删除草稿", .en = "Delete a draft",
     .scope = "catalog:write"},
    {"POST", "/api/v1/datasets/{id}/submit", ROUTE_WRITE, R_(STEWARD), id_takes, &catalog_written_shape,
     .act = "dataset.submit", .handle = submit_handle, .zh = "提交签发", .en = "Submit for signature",
     .scope = "catalog:write"},
    {"POST", "/api/v1/datasets/{id}/sign", ROUTE_WRITE, R_(UNIT_HEAD), id_takes, &catalog_written_shape,
     .act = "dataset.sign", .handle = sign_handle, .zh = "签发目录", .en = "Sign a data set",
     .scope = "catalog:write"},
    {"POST", "/api/v1/datasets/{id}/return", ROUTE_WRITE, OFFICE_HEADS, reason_takes, &catalog_written_shape,
     .act = "dataset.return", .handle = return_handle, .zh = "退回目录", .en = "Return a data set",
     .scope = "catalog:write"},
    {"POST", "/api/v1/datasets/{id}/review", ROUTE_WRITE, R_(REVIEWER), review_takes, &catalog_written_shape,
     .act = "dataset.review", .handle = review_handle, .zh = "审核目录", .en = "Review a data set",
     .scope = "catalog:write"},
    {"POST", "/api/v1/datasets/{id}/publish", ROUTE_WRITE, R_(AUTHORITY), id_takes, &catalog_written_shape,
     .act = "dataset.publish", .handle = publish_handle, .zh = "发布目录", .en = "Publish a data set",
     .scope = "catalog:write"},
    {"POST", "/api/v1/datasets/{id}/withdraw", ROUTE_WRITE, R_(UNIT_HEAD) | R_(AUTHORITY), reason_takes,
     &catalog_written_shape, .act = "dataset.withdraw", .handle = withdraw_handle, .zh = "下架目录",
     .en = "Withdraw a data set", .scope = "catalog:write"},
    {0}};
