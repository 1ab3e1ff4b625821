// SPDX-License-Identifier: MulanPSL-2.0
// The OpenAPI 3.1 document, written from the route rows: nothing in it is said twice, so it cannot drift. Shapes
// become component schemas under their own name; all errors share one Problem schema (RFC 9457).
#include "core/self.h"
#include <ctype.h>

static void schema_of(struct jw *w, const struct field *f, bool is_reply);

static void object_schema(struct jw *w, const struct field *fields, bool is_reply) {
    jw_ntext(w, "type", S("object"));
    jw_name(w, "properties");
    jw_object(w);
    bool any_required = false;
    for (const struct field *f = fields; f && f->name; f++) {
        jw_name(w, f->name);
        schema_of(w, f, is_reply);
        any_required |= f->required;
    }
    jw_object_end(w);
    if (!any_required) return;
    jw_name(w, "required");
    jw_array(w);
    for (const struct field *f = fields; f && f->name; f++)
        if (f->required) jw_textz(w, f->name);
    jw_array_end(w);
}

static void type_name(struct jw *w, const char *type, bool may_be_null) {
    jw_name(w, "type");
    if (!may_be_null) {
        jw_textz(w, type);
        return;
    }
    jw_array(w);
    jw_textz(w, type);
    jw_textz(w, "null");
    jw_array_end(w);
}

static void bounds(struct jw *w, const struct field *f, const char *least, const char *most) {
    if (f->min == 0 && f->max == 0) return;
    jw_nint(w, least, f->min);
    if (f->max > 0 || f->min < 0) jw_nint(w, most, f->max);
}

static void choices(struct jw *w, const struct field *f, bool may_be_null) {
    jw_name(w, "enum");
    jw_array(w);
    for (struct str rest = str_of(f->choices); rest.p;)
        jw_text(w, str_cut(rest, '|', &rest));
    if (may_be_null) jw_null(w);
    jw_array_end(w);
}

static void words(struct jw *w, const struct field *f, struct arena *mem) {
    if (f->zh && f->en) jw_ntext(w, "description", str_print(mem, "%s / %s", f->zh, f->en));
}

static void schema_of(struct jw *w, const struct field *f, bool is_reply) {
    bool null = is_reply && !f->required;
    jw_object(w);
    words(w, f, w->out->mem);
    switch (f->type) {
    case T_TEXT:
        type_name(w, "string", null);
        if (!is_reply) bounds(w, f, "minLength", "maxLength");
        break;
    case T_INT:
        type_name(w, "integer", null);
        if (!is_reply) bounds(w, f, "minimum", "maximum");
        break;
    case T_NUMBER:
        type_name(w, "number", null);
        break;
    case T_BOOL:
        type_name(w, "boolean", null);
        break;
    case T_DATE:
        type_name(w, "string", null);
        jw_ntext(w, "format", S("date"));
        break;
    case T_TIME:
        type_name(w, is_reply ? "integer" : "string", null);
        if (!is_reply) jw_ntext(w, "format", S("date-time"));
        break;
    case T_CHOICE:
        type_name(w, "string", null);
        choices(w, f, null);
        break;
    case T_LIST:
        type_name(w, f->where == IN_QUERY ? "string" : "array", null);
        if (f->where == IN_QUERY) break;
        jw_name(w, "items");
        jw_object(w);
        jw_ntext(w, "type", S("string"));
        jw_object_end(w);
        if (!is_reply) bounds(w, f, "minItems", "maxItems");
        break;
    case T_OBJECT:
        if (f->of && !null)
            object_schema(w, f->of, is_reply);
        else if (f->of) {
            jw_name(w, "anyOf");
            jw_array(w);
            jw_object(w);
            object_schema(w, f->of, is_reply);
            jw_object_end(w);
            jw_object(w);
            jw_ntext(w, "type", S("null"));
            jw_object_end(w);
            jw_array_end(w);
        } else
            type_name(w, "object", null);
        break;
    case T_ITEMS:
        type_name(w, "array", null);
        jw_name(w, "items");
        jw_object(w);
        if (f->of) object_schema(w, f->of, is_reply);
        jw_object_end(w);
        if (!is_reply) bounds(w, f, "minItems", "maxItems");
        break;
    case T_ANY:
        break;
    }
    jw_object_end(w);
}

static void ref(struct jw *w, struct arena *mem, const char *name) {
    jw_object(w);
    jw_ntext(w, "$ref", str_print(mem, "#/components/schemas/%s", name));
    jw_object_end(w);
}

static const char *tag_of(const struct route *r, struct arena *mem) {
    struct str rest = str_of(r->path + 1), one = STR_NONE;
    for (int i = 0; i < 3 && rest.p; i++) {
        one = str_cut(rest, '/', &rest);
        bool is_prefix = str_eq(one, S("api")) || str_eq(one, S("v1"));
        if (!is_prefix) break;
    }
    return str_z(mem, one);
}

// Foreign faces (CKAN, DCAT, tiles) are described by their own standards; OpenAPI has no word for "the rest of a path".
static bool is_described(const char *path) {
    return strchr(path, '*') == NULL && strncmp(path, "/api/v1", 7) == 0;
}

// "get /api/v1/datasets/{id}" → "get_datasets_id"
static struct str operation_id(struct arena *mem, const struct route *r) {
    struct buf b = buf_new(mem, 96, 512);
    for (const char *p = r->verb; *p; p++)
        buf_char(&b, (char)tolower((unsigned char)*p));
    const char *path = strncmp(r->path, "/api/v1/", 8) == 0 ? r->path + 7 : r->path;
    bool gap = true;
    for (const char *p = path; *p; p++) {
        bool plain = isalnum((unsigned char)*p) != 0;
        if (plain && gap) buf_char(&b, '_');
        if (plain) buf_char(&b, *p);
        gap = !plain;
    }
    return buf_str(&b);
}

// Headers that core itself reads, on every row of their kind.
static void core_headers(struct jw *w, const struct route *r) {
    bool writes = r->kind == ROUTE_WRITE || (r->kind == ROUTE_SLOW && strcmp(r->verb, "GET") != 0);
    const struct {
        const char *name;
        bool is_there, required;
        struct str words;
    } rows[] = {
        {"Idempotency-Key", writes, false,
         S("重试时带同一个键，只办一次 / A retry under the same key is done once")},
        {"Prefer", writes || r->kind == ROUTE_READ_ENTRY, false,
         S("receipt 或 receipt=sm3：待检查点覆盖该存证后再答复，并附回执（应答成员 receipt，"
           "头 Gusu-Receipt、Preference-Applied） / the reply waits for a checkpoint over its entry and "
           "brings the receipt: member receipt, headers Gusu-Receipt and Preference-Applied")},
        {"If-Match", (r->flags & ROUTE_NEEDS_MATCH) != 0, true,
         S("所见版本的 ETag / ETag of the version that was seen")}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!rows[i].is_there) continue;
        jw_object(w);
        jw_ntext(w, "name", str_of(rows[i].name));
        jw_ntext(w, "in", S("header"));
        jw_nbool(w, "required", rows[i].required);
        jw_ntext(w, "description", rows[i].words);
        jw_name(w, "schema");
        jw_object(w);
        jw_ntext(w, "type", S("string"));
        jw_nint(w, "maxLength", 200);
        jw_object_end(w);
        jw_object_end(w);
    }
}

static void parameters(struct jw *w, const struct route *r, struct arena *mem) {
    static const char *const where[] = {[IN_PATH] = "path", [IN_QUERY] = "query", [IN_HEADER] = "header"};
    jw_name(w, "parameters");
    jw_array(w);
    for (const struct field *f = r->takes; f && f->name; f++) {
        if (f->where == IN_BODY) continue;
        jw_object(w);
        jw_ntext(w, "name", str_of(f->name));
        jw_ntext(w, "in", str_of(where[f->where]));
        jw_nbool(w, "required", f->where == IN_PATH || f->required);
        words(w, f, mem);
        jw_name(w, "schema");
        schema_of(w, f, false);
        jw_object_end(w);
    }
    core_headers(w, r);
    jw_array_end(w);
}

static void request_body(struct jw *w, const struct route *r) {
    bool any = false, required = false;
    for (const struct field *f = r->takes; f && f->name; f++)
        if (f->where == IN_BODY) {
            any = true;
            required |= f->required;
        }
    bool raw = (r->flags & ROUTE_RAW_BODY) != 0;
    if (!any && !raw) return;
    jw_name(w, "requestBody");
    jw_object(w);
    jw_nbool(w, "required", required || raw);
    jw_name(w, "content");
    jw_object(w);
    jw_name(w, raw ? "application/octet-stream" : "application/json");
    jw_object(w);
    jw_name(w, "schema");
    jw_object(w);
    if (raw) {
        jw_ntext(w, "type", S("string"));
        jw_ntext(w, "format", S("binary"));
    } else {
        jw_ntext(w, "type", S("object"));
        jw_name(w, "properties");
        jw_object(w);
        for (const struct field *f = r->takes; f && f->name; f++)
            if (f->where == IN_BODY) {
                jw_name(w, f->name);
                schema_of(w, f, false);
            }
        jw_object_end(w);
        if (required) {
            jw_name(w, "required");
            jw_array(w);
            for (const struct field *f = r->takes; f && f->name; f++)
                if (f->where == IN_BODY && f->required) jw_textz(w, f->name);
            jw_array_end(w);
        }
    }
    jw_object_end(w);
    jw_object_end(w);
    jw_object_end(w);
    jw_object_end(w);
}

static void responses(struct jw *w, const struct route *r, struct arena *mem) {
    jw_name(w, "responses");
    jw_object(w);
    jw_name(w, "2XX");
    jw_object(w);
    jw_ntext(w, "description", S("OK"));
    jw_name(w, "content");
    jw_object(w);
    jw_name(w, r->gives->media ? r->gives->media : "application/json");
    jw_object(w);
    jw_name(w, "schema");
    if (r->gives->media) {
        jw_object(w);
        jw_object_end(w);
    } else
        ref(w, mem, r->gives->name);
    jw_object_end(w);
    jw_object_end(w);
    jw_object_end(w);
    jw_name(w, "4XX");
    jw_object(w);
    jw_ntext(w, "$ref", S("#/components/responses/Problem"));
    jw_object_end(w);
    jw_object_end(w);
}

static void security(struct jw *w, const struct route *r) {
    static const struct {
        uint32_t who;
        const char *name;
    } kinds[] = {{~(R_PUBLIC | R_KEY), "session"}, {~(R_PUBLIC | R_KEY), "token"}, {R_KEY, "key"}};
    jw_name(w, "security");
    jw_array(w);
    if (r->who & R_PUBLIC) {
        jw_object(w);
        jw_object_end(w);
    }
    for (size_t i = 0; i < 3; i++) {
        if (!(r->who & kinds[i].who) || (i == 1 && !r->scope)) continue;
        jw_object(w);
        jw_name(w, kinds[i].name);
        jw_array(w);
        jw_array_end(w);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void who_names(struct jw *w, const struct route *r) {
    jw_name(w, "x-who");
    jw_array(w);
    for (int i = 0; i < ROLE_COUNT; i++)
        if (r->who & (1u << i)) jw_textz(w, role_code(i));
    if (r->who & R_LOGIN) jw_textz(w, "login");
    if (r->who & R_KEY) jw_textz(w, "key");
    if (r->who & R_PUBLIC) jw_textz(w, "public");
    jw_array_end(w);
}

static void operation(struct jw *w, const struct route *r, struct arena *mem) {
    jw_object(w);
    jw_ntext(w, "operationId", operation_id(mem, r));
    jw_ntext(w, "summary", str_print(mem, "%s / %s", r->zh, r->en));
    jw_name(w, "tags");
    jw_array(w);
    jw_textz(w, tag_of(r, mem));
    jw_array_end(w);
    who_names(w, r);
    if (r->act) jw_ntext(w, "x-act", str_of(r->act));
    security(w, r);
    parameters(w, r, mem);
    request_body(w, r);
    responses(w, r, mem);
    jw_object_end(w);
}

// Routes of one path stand together in the document; each path is written at its first row.
static void paths(struct jw *w, struct arena *mem) {
    jw_name(w, "paths");
    jw_object(w);
    for (int i = 0; i < index_count(); i++) {
        const struct route *r = index_route(i);
        bool seen = !is_described(r->path);
        for (int k = 0; k < i && !seen; k++)
            seen = strcmp(index_route(k)->path, r->path) == 0;
        if (seen) continue;
        jw_name(w, r->path);
        jw_object(w);
        for (int k = i; k < index_count(); k++) {
            const struct route *one = index_route(k);
            if (strcmp(one->path, r->path) != 0) continue;
            char verb[8] = {0};
            for (size_t c = 0; one->verb[c] && c < 7; c++)
                verb[c] = (char)tolower((unsigned char)one->verb[c]);
            jw_name(w, verb);
            operation(w, one, mem);
        }
        jw_object_end(w);
    }
    jw_object_end(w);
}

static const struct field problem_item[] = {
    {"code", 0, T_TEXT, true, 0, 0, NULL, NULL, "错误代码", "error code"},
    {"title_zh", 0, T_TEXT, true, 0, 0, NULL, NULL, "中文说明", "in Chinese"},
    {"title_en", 0, T_TEXT, true, 0, 0, NULL, NULL, "英文说明", "in English"},
    {"field", 0, T_TEXT, false, 0, 0, NULL, NULL, "字段", "field"},
    {"row", 0, T_INT, false, 0, 0, NULL, NULL, "行号", "row"},
    {0}};
static const struct field problem_fields[] = {
    {"type", 0, T_TEXT, true, 0, 0, NULL, NULL, "类型", "type"},
    {"title", 0, T_TEXT, true, 0, 0, NULL, NULL, "说明", "title"},
    {"status", 0, T_INT, true, 0, 0, NULL, NULL, "状态码", "HTTP status"},
    {"code", 0, T_TEXT, true, 0, 0, NULL, NULL, "错误代码", "error code"},
    {"title_zh", 0, T_TEXT, true, 0, 0, NULL, NULL, "中文说明", "in Chinese"},
    {"title_en", 0, T_TEXT, true, 0, 0, NULL, NULL, "英文说明", "in English"},
    {"field", 0, T_TEXT, false, 0, 0, NULL, NULL, "字段", "field"},
    {"row", 0, T_INT, false, 0, 0, NULL, NULL, "行号", "row"},
    {"errors", 0, T_ITEMS, false, 0, 0, NULL, problem_item, "各字段的错误", "errors of fields"},
    {0}};

static void schemas(struct jw *w) {
    jw_name(w, "schemas");
    jw_object(w);
    jw_name(w, "Problem");
    jw_object(w);
    object_schema(w, problem_fields, true);
    jw_object_end(w);
    for (int i = 0; i < index_count(); i++) {
        const struct shape *s = index_route(i)->gives;
        bool seen = s->media != NULL || !is_described(index_route(i)->path);
        for (int k = 0; k < i && !seen; k++)
            seen = is_described(index_route(k)->path) && strcmp(index_route(k)->gives->name, s->name) == 0;
        if (seen) continue;
        jw_name(w, s->name);
        jw_object(w);
        object_schema(w, s->fields, true);
        jw_object_end(w);
    }
    jw_object_end(w);
}

static void scheme(struct jw *w, const char *name, const char *type, const char *extra, const char *value,
                   const char *in) {
    jw_name(w, name);
    jw_object(w);
    jw_ntext(w, "type", str_of(type));
    jw_ntext(w, extra, str_of(value));
    if (in) jw_ntext(w, "in", str_of(in));
    jw_object_end(w);
}

static void components(struct jw *w) {
    jw_name(w, "components");
    jw_object(w);
    schemas(w);
    jw_name(w, "responses");
    jw_object(w);
    jw_name(w, "Problem");
    jw_object(w);
    jw_ntext(w, "description", S("RFC 9457 problem"));
    jw_name(w, "content");
    jw_object(w);
    jw_name(w, "application/problem+json");
    jw_object(w);
    jw_name(w, "schema");
    ref(w, w->out->mem, "Problem");
    jw_object_end(w);
    jw_object_end(w);
    jw_object_end(w);
    jw_object_end(w);
    jw_name(w, "securitySchemes");
    jw_object(w);
    scheme(w, "session", "apiKey", "name", "gusu_session", "cookie");
    scheme(w, "token", "http", "scheme", "bearer", NULL);
    scheme(w, "key", "http", "scheme", "bearer", NULL);
    jw_object_end(w);
    jw_object_end(w);
}

int openapi_write(struct cx *cx) {
    struct jw *w = &cx->w;
    jw_object(w);
    jw_ntext(w, "openapi", S("3.1.0"));
    jw_name(w, "info");
    jw_object(w);
    jw_ntext(w, "title", S("gusu 姑苏"));
    jw_ntext(w, "version", S("1"));
    jw_ntext(w, "description",
             S("城市数字底座接口。A city's digital base: every interface, from the same table that the "
               "program runs on."));
    jw_name(w, "license");
    jw_object(w);
    jw_ntext(w, "name", S("Mulan PSL v2"));
    jw_ntext(w, "identifier", S("MulanPSL-2.0"));
    jw_object_end(w);
    jw_object_end(w);
    jw_name(w, "servers");
    jw_array(w);
    jw_object(w);
    jw_ntext(w, "url", S("/"));
    jw_object_end(w);
    jw_array_end(w);
    paths(w, cx->mem);
    components(w);
    jw_object_end(w);
    return OK;
}
