// SPDX-License-Identifier: MulanPSL-2.0
// Field tables at work: path, query, header and body values are judged before the handler sees them, all of
// them, so that a caller gets every mistake at once. A nested mistake is named by its path ("columns[3].id").
#include "core/field.h"
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static const char *const type_words[] = {
    [T_TEXT] = "text",     [T_INT] = "integer",    [T_NUMBER] = "number", [T_BOOL] = "boolean",
    [T_DATE] = "date",     [T_TIME] = "date-time", [T_CHOICE] = "choice", [T_LIST] = "list",
    [T_OBJECT] = "object", [T_ITEMS] = "list",     [T_ANY] = "any"};

static bool in_choices(const char *choices, struct str v) {
    struct str rest = str_of(choices);
    while (rest.p) {
        struct str one = str_cut(rest, '|', &rest);
        if (str_eq(one, v)) return true;
    }
    return false;
}

// A row that names only a least value has no greatest one; 0 is a greatest value only over negative ones.
static bool has_most(const struct field *f) {
    return f->max > 0 || f->min < 0;
}

static int range(struct cx *cx, const struct field *f, const char *name, int64_t v) {
    if ((f->min == 0 && f->max == 0) || (v >= f->min && (v <= f->max || !has_most(f)))) return OK;
    if (!has_most(f)) return cx_field_fail(cx, ERR_field_range, name, "≥ %" PRId64, f->min);
    return cx_field_fail(cx, ERR_field_range, name, "%" PRId64 "–%" PRId64, f->min, f->max);
}

static int range_double(struct cx *cx, const struct field *f, const char *name, double v) {
    bool fits = v >= (double)f->min && (v <= (double)f->max || !has_most(f));
    if ((f->min == 0 && f->max == 0) || fits) return OK;
    return cx_field_fail(cx, ERR_field_range, name, "%" PRId64 "–%" PRId64, f->min, f->max);
}

// "a,b" in a query: the handler cuts it, the row says how many.
static int count_list(struct cx *cx, const struct field *f, const char *name, struct str t) {
    int64_t n = t.n > 0;
    for (size_t i = 0; i < t.n; i++)
        n += t.p[i] == ',';
    return range(cx, f, name, n);
}

static int text_length(struct cx *cx, const struct field *f, const char *name, struct str v) {
    size_t n = str_utf8_count(v);
    if (f->max > 0 && n > (size_t)f->max) return cx_field_fail(cx, ERR_field_long, name, "%" PRId64, f->max);
    if (f->min > 0 && n < (size_t)f->min)
        return cx_field_fail(cx, n == 0 ? ERR_field_missing : ERR_field_range, name, "%" PRId64 "–%" PRId64,
                             f->min, f->max);
    return OK;
}

static int wrong_type(struct cx *cx, const struct field *f, const char *name) {
    return cx_field_fail(cx, ERR_field_type, name, "%s", type_words[f->type]);
}

// A value that came as text (path, query, header) or as JSON text.
static int from_text(struct cx *cx, const struct field *f, const char *name, struct str t, struct value *v) {
    int32_t days;
    v->text = t;
    if (!str_utf8_ok(t)) return cx_field_fail(cx, ERR_utf8, name, "%s", "");
    switch (f->type) {
    case T_TEXT:
        return text_length(cx, f, name, t);
    case T_INT:
        if (!str_int64(t, &v->i)) return wrong_type(cx, f, name);
        return range(cx, f, name, v->i);
    case T_BOOL:
        v->i = str_eq(t, S("true")) || str_eq(t, S("1"));
        if (!v->i && !str_eq(t, S("false")) && !str_eq(t, S("0"))) return wrong_type(cx, f, name);
        return OK;
    case T_DATE:
        if (t.n != 10 || !clock_read_date(t, &days)) return wrong_type(cx, f, name);
        v->i = days;
        return OK;
    case T_TIME:
        return clock_read_iso(t, &v->i) || str_int64(t, &v->i) ? OK : wrong_type(cx, f, name);
    case T_CHOICE:
        if (!in_choices(f->choices, t)) return cx_field_fail(cx, ERR_field_value, name, "%s", f->choices);
        return OK;
    case T_NUMBER: {
        struct json j;
        if (json_parse(cx->mem, t, &j, NULL) != OK || !json_double(j, &v->d)) return wrong_type(cx, f, name);
        return range_double(cx, f, name, v->d);
    }
    case T_LIST:
        return count_list(cx, f, name, t);
    case T_OBJECT:
    case T_ITEMS:
    case T_ANY:
        break;
    }
    return OK;
}

static int from_json(struct cx *cx, const struct field *f, const char *name, struct json j, struct value *v);

static int nested(struct cx *cx, const struct field *of, const char *prefix, struct json j) {
    char name[160];
    for (struct json_iter it = json_iter(j); json_next(&it);) {
        const struct field *f = of;
        while (f->name && !str_eq(str_of(f->name), it.name))
            f++;
        if (f->name) continue;
        snprintf(name, sizeof name, "%s.%.*s", prefix, (int)(it.name.n > 60 ? 60 : it.name.n), it.name.p);
        (void)cx_field_fail(cx, ERR_field_unknown, name, "%s", "");
    }
    for (const struct field *f = of; f->name; f++) {
        struct value v = {0};
        snprintf(name, sizeof name, "%s.%s", prefix, f->name);
        struct json one = json_get(j, str_of(f->name));
        if (json_kind(one) == 0 || json_is(one, JSON_NULL)) {
            if (f->required) (void)cx_field_fail(cx, ERR_field_missing, name, "%s", "");
            continue;
        }
        (void)from_json(cx, f, name, one, &v);
    }
    return cx->err.code;
}

static int each_item(struct cx *cx, const struct field *f, const char *name, struct json j) {
    if (!json_is(j, JSON_ARRAY)) return wrong_type(cx, f, name);
    int code = range(cx, f, name, (int64_t)json_count(j));
    size_t i = 0;
    for (struct json_iter it = json_iter(j); code == OK && json_next(&it); i++) {
        char at[140];
        snprintf(at, sizeof at, "%s[%zu]", name, i);
        if (f->type == T_LIST) {
            if (!json_is(it.value, JSON_TEXT)) (void)cx_field_fail(cx, ERR_field_type, at, "text");
        } else if (!json_is(it.value, JSON_OBJECT)) {
            (void)cx_field_fail(cx, ERR_field_type, at, "object");
        } else if (f->of) {
            (void)nested(cx, f->of, at, it.value);
        }
    }
    return code;
}

static int from_json(struct cx *cx, const struct field *f, const char *name, struct json j, struct value *v) {
    v->j = j;
    switch (f->type) {
    case T_TEXT:
    case T_DATE:
    case T_CHOICE:
        if (!json_is(j, JSON_TEXT)) return wrong_type(cx, f, name);
        return from_text(cx, f, name, json_text(j), v);
    case T_TIME:
        if (json_is(j, JSON_TEXT)) return from_text(cx, f, name, json_text(j), v);
        return json_int(j, &v->i) ? OK : wrong_type(cx, f, name);
    case T_INT:
        if (!json_is(j, JSON_NUMBER) || !json_int(j, &v->i)) return wrong_type(cx, f, name);
        return range(cx, f, name, v->i);
    case T_NUMBER:
        return json_double(j, &v->d) ? range_double(cx, f, name, v->d) : wrong_type(cx, f, name);
    case T_BOOL: {
        bool b = false;
        if (!json_bool(j, &b)) return wrong_type(cx, f, name);
        v->i = b;
        return OK;
    }
    case T_LIST:
    case T_ITEMS:
        return each_item(cx, f, name, j);
    case T_OBJECT:
        if (!json_is(j, JSON_OBJECT)) return wrong_type(cx, f, name);
        return f->of ? nested(cx, f->of, name, j) : OK;
    case T_ANY:
        return OK;
    }
    return OK;
}

// Splits the query once; a name that the row does not know is an error (a typo would silently widen a search).
struct pair {
    struct str name, value;
};

bool field_decode(struct arena *mem, struct str s, bool plus_is_space, struct str *ret) {
    char *out = arena_take(mem, s.n + 1);
    if (!out) return false;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '+' && plus_is_space) c = ' ';
        if (s.p[i] == '%') {
            uint8_t byte;
            if (s.n - i < 3 || !str_unhex((struct str){s.p + i + 1, 2}, &byte, 1)) return false;
            c = (char)byte;
            i += 2;
        }
        out[n++] = c;
    }
    *ret = (struct str){out, n};
    return str_utf8_ok(*ret);
}

static int read_query(struct cx *cx, struct pair *pairs, size_t most, size_t *ret_n) {
    struct str rest = cx->req->query;
    size_t n = 0;
    while (rest.p && rest.n) {
        struct str one = str_cut(rest, '&', &rest), value;
        if (one.n == 0) continue;
        struct str name = str_cut(one, '=', &value);
        if (n == most) return cx_fail(cx, ERR_too_large, "query", "%zu", most);
        if (!field_decode(cx->mem, name, true, &pairs[n].name) ||
            !field_decode(cx->mem, value.p ? value : S(""), true, &pairs[n].value))
            return cx_fail(cx, ERR_utf8, "query", "%s", "");
        n++;
    }
    *ret_n = n;
    return OK;
}

struct str field_query(struct cx *cx, const char *name) {
    struct pair pairs[FIELD_QUERY_MAX];
    size_t n = 0;
    if (read_query(cx, pairs, FIELD_QUERY_MAX, &n) != OK) return STR_NONE;
    for (size_t i = 0; i < n; i++)
        if (str_eq(pairs[i].name, str_of(name))) return pairs[i].value;
    return STR_NONE;
}

int field_each_query(struct cx *cx, int (*each)(struct cx *cx, struct str name, struct str value, void *arg),
                     void *arg) {
    struct pair pairs[FIELD_QUERY_MAX];
    size_t n = 0;
    int code = read_query(cx, pairs, FIELD_QUERY_MAX, &n);
    for (size_t i = 0; code == OK && i < n; i++)
        code = each(cx, pairs[i].name, pairs[i].value, arg);
    return code;
}

static const struct field *find(const struct field *takes, enum field_where where, struct str name) {
    for (const struct field *f = takes; f && f->name; f++)
        if (f->where == where && str_eq(str_of(f->name), name)) return f;
    return NULL;
}

static void read_names(struct cx *cx, const struct pair *pairs, size_t n, struct json body) {
    if (cx->route->flags & ROUTE_OPEN_FIELDS) return;
    char name[64];
    for (size_t i = 0; i < n; i++) {
        if (find(cx->route->takes, IN_QUERY, pairs[i].name)) continue;
        snprintf(name, sizeof name, "%.*s", (int)(pairs[i].name.n > 60 ? 60 : pairs[i].name.n),
                 pairs[i].name.p);
        (void)cx_field_fail(cx, ERR_field_unknown, name, "%s", "");
    }
    for (struct json_iter it = json_iter(body); json_next(&it);) {
        if (find(cx->route->takes, IN_BODY, it.name)) continue;
        snprintf(name, sizeof name, "%.*s", (int)(it.name.n > 60 ? 60 : it.name.n), it.name.p);
        (void)cx_field_fail(cx, ERR_field_unknown, name, "%s", "");
    }
}

// A JSON body too long for net's memory comes in a file; the route's own limit was judged before it was read.
static int body_text(struct cx *cx) {
    if (cx->body.p || cx->req->body_fd < 0) return OK;
    if (cx->req->body_bytes > FIELD_BODY_MAX) return cx_fail(cx, ERR_too_large, "body", "%d", FIELD_BODY_MAX);
    size_t want = (size_t)cx->req->body_bytes, n = 0;
    char *text = arena_take(cx->mem, want);
    if (!text) return cx_fail(cx, ERR_no_memory, "", "body");
    while (n < want) {
        ssize_t got = pread(cx->req->body_fd, text + n, want - n, (off_t)n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return cx_fail(cx, ERR_file, "body", "%s", "read");
        n += (size_t)got;
    }
    cx->body = (struct str){text, n};
    return OK;
}

static int read_body(struct cx *cx, struct json *ret) {
    *ret = (struct json){0};
    if ((cx->route->flags & ROUTE_RAW_BODY) || cx->req->body_bytes == 0) return OK;
    struct str type = cx_header(cx, "Content-Type"), rest;
    if (!str_eq_nocase(str_trim(str_cut(type, ';', &rest)), S("application/json")))
        return cx_fail(cx, ERR_media_type, "Content-Type", "%.*s", STRF(type));
    int code = body_text(cx);
    if (code == OK) code = json_parse(cx->mem, cx->body, ret, &cx->err);
    if (code == OK && !json_is(*ret, JSON_OBJECT)) return cx_fail(cx, ERR_json_syntax, "body", "object");
    return code;
}

int field_read(struct cx *cx) {
    const struct field *takes = cx->route->takes;
    struct pair pairs[FIELD_QUERY_MAX];
    size_t n = 0, count = 0;
    struct json body;
    int path_at = 0;
    while (takes && takes[count].name)
        count++;
    cx->in = arena_array(cx->mem, count + 1, sizeof *cx->in);
    if (!cx->in) return cx_fail(cx, ERR_no_memory, "", "fields");
    int code = cx->req->query.n ? read_query(cx, pairs, FIELD_QUERY_MAX, &n) : OK;
    if (code == OK) code = read_body(cx, &body);
    if (code != OK) return code;
    read_names(cx, pairs, n, body);
    for (size_t i = 0; i < count; i++) {
        const struct field *f = &takes[i];
        struct value *v = &cx->in[i];
        struct str t = STR_NONE;
        if (f->where == IN_BODY) {
            struct json j = json_get(body, str_of(f->name));
            v->has = json_kind(j) != 0 && !json_is(j, JSON_NULL);
            if (v->has) (void)from_json(cx, f, f->name, j, v);
        } else {
            if (f->where == IN_PATH) t = cx->params[path_at++];
            if (f->where == IN_HEADER) t = cx_header(cx, f->name);
            for (size_t k = 0; f->where == IN_QUERY && k < n && !t.p; k++)
                if (str_eq(pairs[k].name, str_of(f->name))) t = pairs[k].value;
            v->has = t.p != NULL && (t.n > 0 || f->type == T_TEXT);
            if (v->has) (void)from_text(cx, f, f->name, t, v);
        }
        if (!v->has && f->required) (void)cx_field_fail(cx, ERR_field_missing, f->name, "%s", "");
    }
    return cx->err.code;
}
