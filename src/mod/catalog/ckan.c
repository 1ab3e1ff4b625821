// SPDX-License-Identifier: MulanPSL-2.0
// The CKAN Action API: finds the action, reads its parameters, wraps what it writes into CKAN's envelope. Kept true:
// an answer is whole, or it is an error with CKAN's own name for it, so that clients which map by `__type` behave as
// they do with CKAN; a change is made through our own routes, so no right or rule is looser here; a cookie alone
// changes nothing.
#include "mod/catalog/ckan.h"
#include <assert.h>

const struct ckan_action *const ckan_action_tables[] = {
    ckan_read_actions, ckan_rows_actions, ckan_write_actions, ckan_resource_actions, ckan_fill_actions, NULL};

static const struct ckan_action *find_action(struct str name) {
    for (const struct ckan_action *const *t = ckan_action_tables; *t; t++)
        for (const struct ckan_action *a = *t; a->name; a++)
            if (str_eq(str_of(a->name), name)) return a;
    return NULL;
}

// CKAN's names for what went wrong, and the status that its own server sends with them.
static const char *type_of(enum err_code code, int *ret_status) {
    int status = err_info(code)->status;
    *ret_status = status;
    if (code == ERR_search_query) return "Search Query Error";
    if (status == 404) return "Not Found Error";
    if (status == 401 || status == 403 || status == 423) {
        *ret_status = 403;
        return "Authorization Error";
    }
    if (status < 500 && status != 429 && status != 413) {
        *ret_status = 409;
        return "Validation Error";
    }
    return "Internal Server Error";
}

// The field as CKAN's clients know it; one that would stand beside our own words of the error is set apart.
static struct str field_name(const struct err *e) {
    static const char *const theirs[][2] = {
        {"title_zh", "title"},     {"abstract_zh", "notes"}, {"office", "owner_org"},
        {"licence", "license_id"}, {"keywords", "tags"},     {"class_codes", "groups"},
        {"code", "_code"},         {"message", "_message"},  {"", "__before"}};
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
        if (strcmp(e->field, theirs[i][0]) == 0) return str_of(theirs[i][1]);
    return str_of(e->field);
}

static void put_field_errors(struct cx *cx) {
    struct jw *w = &cx->w;
    for (const struct field_error *f = cx->field_errors; f; f = f->next) {
        bool before = false;
        struct str name = field_name(&f->err);
        for (const struct field_error *g = cx->field_errors; g != f; g = g->next)
            before |= str_eq(field_name(&g->err), name);
        if (before) continue;
        jw_name_str(w, name);
        jw_array(w);
        for (const struct field_error *g = f; g; g = g->next)
            if (str_eq(field_name(&g->err), name)) jw_text(w, err_text(cx->mem, &g->err, cx->is_zh));
        jw_array_end(w);
    }
}

static struct str help_url(struct cx *cx, struct str name) {
    return str_print(cx->mem, "%s/api/3/action/help_show?name=%.*s", cx->city->base_url,
                     (int)(name.n > 60 ? 60 : name.n), name.p);
}

static int reply_error(struct cx *cx, struct str name) {
    struct err e = cx->err;
    int status;
    if (e.code == OK) e.code = cx->mem->failed ? ERR_no_memory : ERR_internal;
    const char *type = type_of(e.code, &status);
    cx->out = buf_new(cx->mem, 512, (size_t)1 << 20);
    cx->w = jw_to(&cx->out);
    struct jw *w = &cx->w;
    jw_object(w);
    jw_ntext(w, "help", help_url(cx, name));
    jw_nbool(w, "success", false);
    jw_name(w, "error");
    jw_object(w);
    jw_ntext(w, "__type", str_of(type));
    jw_ntext(w, "message", err_text(cx->mem, &e, cx->is_zh));
    jw_ntext(w, "code", str_of(err_info(e.code)->name));
    if (cx->field_errors) {
        put_field_errors(cx);
    } else if (e.field[0] && strcmp(type, "Validation Error") == 0) {
        jw_name_str(w, field_name(&e));
        jw_array(w);
        jw_text(w, err_text(cx->mem, &e, cx->is_zh));
        jw_array_end(w);
    }
    jw_object_end(w);
    jw_object_end(w);
    // What happened has been told in the foreign envelope: core must not wrap it once more.
    cx->err = (struct err){0};
    cx->field_errors = NULL;
    cx->reply = (struct reply){.fd = -1, .status = status};
    return OK;
}

static int run(struct ckan *k, const struct ckan_action *a) {
    struct cx *cx = k->cx;
    // Roles and scopes are judged by our own routes; that somebody is there is asked before a large body is read.
    if (a->changes && !cx_is(cx, R_LOGIN)) return cx_fail(cx, ERR_not_logged_in, "", "%s", "");
    if (a->changes && !str_eq(cx->req->verb, S("POST"))) return cx_fail(cx, ERR_bad_method, "", "%s", "");
    int code = ckan_read_input(k);
    if (code == OK) code = a->handle(k);
    ckan_end_input(k);
    if (code != OK) return code;
    return cx->err.code ? (int)cx->err.code : cx->out.over || cx->mem->failed ? ERR_no_memory : OK;
}

static int answer(struct cx *cx, struct str name) {
    const struct ckan_action *a = find_action(name);
    struct ckan k = {.cx = cx};
    if (!a) {
        (void)cx_fail(cx, ERR_ckan_action, "", "%.*s", (int)(name.n > 60 ? 60 : name.n), name.p);
        return reply_error(cx, name);
    }
    struct jw *w = &cx->w;
    jw_object(w);
    jw_ntext(w, "help", help_url(cx, name));
    jw_nbool(w, "success", true);
    jw_name(w, "result");
    int code = run(&k, a);
    if (code != OK) {
        if (cx->err.code == OK) cx->err.code = (enum err_code)code;
        return reply_error(cx, name);
    }
    jw_object_end(w);
    assert(w->depth == 0);
    return OK;
}

static int action_handle(struct cx *cx) {
    return answer(cx, cx_text(cx, "name"));
}

// Uploads have routes of their own, so that only they may be large; the action is the path's last word.
static int upload_handle(struct cx *cx) {
    struct str rest = str_of(cx->route->path);
    while (rest.n && memchr(rest.p, '/', rest.n))
        (void)str_cut(rest, '/', &rest);
    return answer(cx, rest);
}

// GET /api/action and the like: which version of the API this is.
static int version_handle(struct cx *cx) {
    jw_object(&cx->w);
    jw_nint(&cx->w, "version", 3);
    jw_object_end(&cx->w);
    return OK;
}

static const struct field action_takes[] = {
    {"name", .where = IN_PATH, .type = T_TEXT, .required = true, .max = 80, .zh = "动作", .en = "Action"},
    {0}};
static const struct field envelope_fields[] = {
    {"help", .type = T_TEXT, .required = true, .zh = "说明的地址", .en = "Where the action is explained"},
    {"success", .type = T_BOOL, .required = true, .zh = "是否成功", .en = "Whether it succeeded"},
    {"result", .type = T_ANY, .zh = "结果", .en = "Result"},
    {"error", .type = T_ANY, .zh = "错误（__type、message）", .en = "Error (__type, message)"},
    {0}};
static const struct shape envelope_shape = {.name = "CkanReply", .fields = envelope_fields};
static const struct field version_fields[] = {
    {"version", .type = T_INT, .required = true, .zh = "版本", .en = "Version"}, {0}};
static const struct shape version_shape = {.name = "CkanVersion", .fields = version_fields};

// Who: anybody may ask; what is seen and what may be changed is judged per action and by our own routes. No CSRF here
// for the same reason: a change by cookie reaches the inner route, which wants the token.
#define FOREIGN (ROUTE_RAW_BODY | ROUTE_OPEN_FIELDS | ROUTE_NO_CSRF)
#define ACTION(verb_, path_, body_)                                                                          \
    {                                                                                                        \
        verb_, path_, ROUTE_SLOW, R_PUBLIC, action_takes, &envelope_shape,                                   \
            .body_max = body_, .flags = FOREIGN, .handle = action_handle, .zh = "CKAN 动作接口",             \
            .en = "CKAN Action API"                                                                          \
    }
#define UPLOAD(action_)                                                                                      \
    {"POST",                                                                                                 \
     "/api/3/action/" action_,                                                                               \
     ROUTE_SLOW,                                                                                             \
     R_PUBLIC,                                                                                               \
     NULL,                                                                                                   \
     &envelope_shape,                                                                                        \
     .body_max = CKAN_UPLOAD_MAX,                                                                            \
     .flags = FOREIGN,                                                                                       \
     .handle = upload_handle,                                                                                \
     .zh = "CKAN 动作接口（上传）",                                                                          \
     .en = "CKAN Action API with an upload"},                                                                \
    {                                                                                                        \
        "POST", "/api/action/" action_, ROUTE_SLOW, R_PUBLIC, NULL, &envelope_shape,                         \
            .body_max = CKAN_UPLOAD_MAX, .flags = FOREIGN, .handle = upload_handle,                          \
            .zh = "CKAN 动作接口（上传）", .en = "CKAN Action API with an upload"                            \
    }
const struct route catalog_ckan_routes[] = {ACTION("GET", "/api/3/action/{name}", 0),
                                            ACTION("GET", "/api/action/{name}", 0),
                                            ACTION("POST", "/api/3/action/{name}", CKAN_BODY_MAX),
                                            ACTION("POST", "/api/action/{name}", CKAN_BODY_MAX),
                                            UPLOAD("resource_create"),
                                            UPLOAD("resource_update"),
                                            UPLOAD("resource_patch"),
                                            UPLOAD("datastore_create"),
                                            UPLOAD("datastore_upsert"),
                                            {"GET", "/api/3", ROUTE_READ, R_PUBLIC, NULL, &version_shape,
                                             .flags = ROUTE_OPEN_FIELDS, .handle = version_handle,
                                             .zh = "CKAN 接口版本", .en = "Version of the CKAN API"},
                                            {0}};
