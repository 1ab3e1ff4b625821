// SPDX-License-Identifier: MulanPSL-2.0
// Parameters of a CKAN action: the query of a GET, a JSON object, a form, or a multipart body with one file. All
// become one JSON object, so that the actions read one thing. Kept true: a large body is mapped, not copied, and
// nothing of it outlives the call.
#include "base/json.h"
#include "core/field.h"
#include "mod/catalog/ckan.h"
#include <inttypes.h>
#include <sys/mman.h>

struct pair {
    struct str name, value;
};
struct pairs {
    struct pair all[CKAN_PARAMS_MAX];
    int n;
};

static int add(struct cx *cx, struct pairs *p, struct str name, struct str value) {
    if (p->n == CKAN_PARAMS_MAX) return cx_fail(cx, ERR_too_large, "parameters", "%d", CKAN_PARAMS_MAX);
    p->all[p->n++] = (struct pair){name, value};
    return OK;
}

static int add_query(struct cx *cx, struct str name, struct str value, void *arg) {
    return add(cx, arg, name, value);
}

// A name that stands several times becomes a list.
static int to_json(struct cx *cx, const struct pairs *p, struct json *ret) {
    struct buf b = buf_new(cx->mem, 512, (size_t)4 << 20);
    struct jw w = jw_to(&b);
    jw_object(&w);
    for (int i = 0; i < p->n; i++) {
        bool before = false, again = false;
        for (int k = 0; k < p->n; k++)
            if (k != i && str_eq(p->all[k].name, p->all[i].name)) *(k < i ? &before : &again) = true;
        if (before) continue;
        jw_name_str(&w, p->all[i].name);
        if (again) jw_array(&w);
        for (int k = i; k < p->n; k++)
            if (str_eq(p->all[k].name, p->all[i].name)) jw_text(&w, catalog_none(p->all[k].value));
        if (again) jw_array_end(&w);
    }
    jw_object_end(&w);
    if (b.over) return cx_fail(cx, ERR_too_large, "parameters", "4 MiB");
    return json_parse(cx->mem, buf_str(&b), ret, &cx->err);
}

// --- multipart/form-data (RFC 7578) ---

// A parameter of a header's value: name="…" or boundary=…
static struct str header_word(struct arena *mem, struct str header, const char *name) {
    struct str rest = header;
    while (rest.p) {
        struct str one = str_trim(str_cut(rest, ';', &rest)), value;
        struct str key = str_trim(str_cut(one, '=', &value));
        if (!value.p || !str_eq_nocase(key, str_of(name))) continue;
        value = str_trim(value);
        if (value.n < 2 || value.p[0] != '"' || value.p[value.n - 1] != '"') return value;
        struct buf b = buf_new(mem, value.n, value.n + 8);
        for (size_t i = 1; i + 1 < value.n; i++) { // browsers escape '"' as %22, others with a backslash
            if (value.p[i] == '\\' && i + 2 < value.n) i++;
            buf_char(&b, value.p[i]);
        }
        return buf_str(&b);
    }
    return STR_NONE;
}

static const char *find(struct str text, struct str part) {
    return text.n < part.n ? NULL : memmem(text.p, text.n, part.p, part.n);
}

// Headers of one part up to the empty line; *ret_body begins behind it.
static int part_head(struct cx *cx, struct str part, struct str *ret_disposition, struct str *ret_body) {
    const char *end = find(part, S("\r\n\r\n"));
    *ret_disposition = STR_NONE;
    if (!end) return cx_fail(cx, ERR_bad_request, "body", "multipart");
    struct str rest = {part.p, (size_t)(end - part.p)};
    while (rest.p) {
        struct str line = str_trim(str_cut(rest, '\n', &rest)), value;
        struct str name = str_cut(line, ':', &value);
        if (value.p && str_eq_nocase(name, S("Content-Disposition"))) *ret_disposition = str_trim(value);
    }
    *ret_body = (struct str){end + 4, part.n - (size_t)(end + 4 - part.p)};
    return OK;
}

static int add_part(struct ckan *k, struct pairs *p, struct str part) {
    struct cx *cx = k->cx;
    struct str disposition, body;
    int code = part_head(cx, part, &disposition, &body);
    if (code != OK) return code;
    struct str name = header_word(cx->mem, disposition, "name"),
               file = header_word(cx->mem, disposition, "filename");
    if (!name.n) return cx_fail(cx, ERR_bad_request, "body", "multipart: name");
    if (file.p) {
        if (k->file_bytes.p) return cx_fail(cx, ERR_bad_request, "body", "multipart: one file");
        k->file_name = file;
        k->file_bytes = body;
        return OK;
    }
    if (!str_utf8_ok(body) || !str_utf8_ok(name)) return cx_fail(cx, ERR_utf8, "body", "%s", "");
    return add(cx, p, name, body);
}

static int read_multipart(struct ckan *k, struct str type, struct str body, struct pairs *p) {
    struct cx *cx = k->cx;
    struct str boundary = header_word(cx->mem, type, "boundary");
    if (!boundary.n || boundary.n > 70) return cx_fail(cx, ERR_bad_request, "Content-Type", "boundary");
    struct str line = str_print(cx->mem, "--%.*s", STRF(boundary));
    struct str mark = str_print(cx->mem, "\r\n--%.*s", STRF(boundary));
    if (!str_starts(body, line)) return cx_fail(cx, ERR_bad_request, "body", "multipart");
    struct str rest = {body.p + line.n, body.n - line.n};
    for (int parts = 0; !str_starts(rest, S("--")); parts++) {
        if (parts == CKAN_MULTIPART_MAX) return cx_fail(cx, ERR_too_large, "body", "%d", CKAN_MULTIPART_MAX);
        if (!str_starts(rest, S("\r\n"))) return cx_fail(cx, ERR_bad_request, "body", "multipart");
        const char *end = find(rest, mark);
        if (!end) return cx_fail(cx, ERR_bad_request, "body", "multipart");
        int code = add_part(
            k, p, (struct str){rest.p + 2, (size_t)(end - rest.p) < 2 ? 0 : (size_t)(end - rest.p) - 2});
        if (code != OK) return code;
        rest = (struct str){end + mark.n, rest.n - (size_t)(end - rest.p) - mark.n};
    }
    return OK;
}

// --- all ways in ---

static int read_form(struct cx *cx, struct str body, struct pairs *p) {
    for (struct str rest = body; rest.p && rest.n;) {
        struct str one = str_cut(rest, '&', &rest), value, name, text;
        name = str_cut(one, '=', &value);
        if (!field_decode(cx->mem, name, true, &name) ||
            !field_decode(cx->mem, catalog_none(value), true, &text))
            return cx_fail(cx, ERR_utf8, "body", "%s", "");
        int code = add(cx, p, name, text);
        if (code != OK) return code;
    }
    return OK;
}

static int body_of(struct ckan *k, struct str *ret) {
    const struct request *q = k->cx->req;
    *ret = catalog_none(q->body);
    if (q->body_fd < 0 || q->body_bytes == 0) return OK;
    void *p = mmap(NULL, (size_t)q->body_bytes, PROT_READ, MAP_PRIVATE, q->body_fd, 0);
    if (p == MAP_FAILED) return cx_fail(k->cx, ERR_no_memory, "body", "%" PRId64, q->body_bytes);
    k->map = p;
    k->map_bytes = (size_t)q->body_bytes;
    *ret = (struct str){p, k->map_bytes};
    return OK;
}

static int parse_object(struct ckan *k, struct str text) {
    struct cx *cx = k->cx;
    // The index refers to the bytes: those of a mapped body are copied, they end with the call.
    if ((int64_t)text.n > CKAN_BODY_MAX * 32)
        return cx_fail(cx, ERR_too_large, "body", "%" PRId64, CKAN_BODY_MAX * 32);
    int code = json_parse(cx->mem, str_copy(cx->mem, text), &k->in, &cx->err);
    if (code == OK && !json_is(k->in, JSON_OBJECT)) return cx_fail(cx, ERR_json_syntax, "body", "object");
    return code;
}

int ckan_read_input(struct ckan *k) {
    struct cx *cx = k->cx;
    struct pairs p = {.n = 0};
    struct str body, type = catalog_none(cx_header(cx, "Content-Type")), first;
    if (str_eq(cx->req->verb, S("GET")) || str_eq(cx->req->verb, S("HEAD"))) {
        int code = field_each_query(cx, add_query, &p);
        return code == OK ? to_json(cx, &p, &k->in) : code;
    }
    int code = body_of(k, &body);
    if (code != OK) return code;
    struct str kind = str_trim(str_cut(type, ';', &first)), start = str_trim(body);
    if (str_eq_nocase(kind, S("multipart/form-data")))
        code = read_multipart(k, type, body, &p);
    else if (start.n && start.p[0] == '{') // old clients send JSON under a form's name
        return parse_object(k, body);
    else if (str_eq_nocase(kind, S("application/x-www-form-urlencoded")))
        code = read_form(cx, body, &p);
    else if (start.n)
        return cx_fail(cx, ERR_json_syntax, "body", "object");
    if (code == OK && !p.n)
        code = field_each_query(cx, add_query, &p); // a POST without a body may speak in the URL
    return code == OK ? to_json(cx, &p, &k->in) : code;
}

void ckan_end_input(struct ckan *k) {
    if (k->map) (void)munmap(k->map, k->map_bytes);
    k->map = NULL;
    k->file_bytes = STR_NONE;
}

// --- reading them ---

struct str ckan_text(const struct ckan *k, const char *name) {
    struct json v = json_get(k->in, str_of(name));
    if (json_is(v, JSON_TEXT)) return json_text(v);
    if (json_is(v, JSON_NUMBER) || json_is(v, JSON_TRUE) || json_is(v, JSON_FALSE)) return json_raw(v);
    return STR_NONE;
}

int ckan_int(struct ckan *k, const char *name, int64_t none, int64_t least, int64_t most, int64_t *ret) {
    struct str t = ckan_text(k, name);
    *ret = none;
    if (!t.n) return OK;
    if (!str_int64(str_trim(t), ret)) return cx_field_fail(k->cx, ERR_field_type, name, "integer");
    if (*ret < least) return cx_field_fail(k->cx, ERR_field_range, name, "%" PRId64 "–%" PRId64, least, most);
    if (*ret > most) *ret = most; // CKAN cuts silently at its own limit
    return OK;
}

bool ckan_flag(const struct ckan *k, const char *name, bool none) {
    struct str t = ckan_text(k, name);
    if (!t.n) return none;
    return str_eq_nocase(t, S("true")) || str_eq_nocase(t, S("1")) || str_eq_nocase(t, S("yes")) ||
           str_eq_nocase(t, S("on")) || str_eq_nocase(t, S("t"));
}

struct json ckan_json(struct ckan *k, const char *name) {
    struct json v = json_get(k->in, str_of(name)), inner;
    struct str t = str_trim(json_text(v));
    if (t.n && (t.p[0] == '[' || t.p[0] == '{') && json_parse(k->cx->mem, t, &inner, NULL) == OK)
        return inner;
    return v;
}

int ckan_need(struct ckan *k, const char *name, struct str *ret) {
    *ret = ckan_text(k, name);
    return ret->n ? OK : cx_field_fail(k->cx, ERR_field_missing, name, "%s", "");
}

struct str ckan_id(const struct ckan *k) {
    struct str id = ckan_text(k, "id");
    return catalog_none(id.n ? id : ckan_text(k, "name"));
}
