// SPDX-License-Identifier: MulanPSL-2.0
// Parameters of a CKAN action: the query of a GET, a JSON object, a form, or a multipart body with one file. All
// become one JSON object, so that the actions read one thing. Kept true: a large body is mapped, not copied, and
// nothing of it outlives the call.
#include "base/json.h"
#include "core/field.h"
#include "mod/catalog/ckan.h"
#include "mod/catalog/ckan_multipart.h"
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

// --- multipart ---

struct upload {
    struct ckan *k;
    struct pairs *pairs;
};
static int add_part(void *arg, const struct ckan_part *part) {
    struct upload *u = arg;
    if (!part->file_name.p) return add(u->k->cx, u->pairs, part->name, part->value);
    if (u->k->file_bytes.p) return cx_fail(u->k->cx, ERR_bad_request, "body", "multipart: one file");
    u->k->file_name = part->file_name;
    u->k->file_bytes = part->value;
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
        code = ckan_multipart(cx->mem, type, body, add_part, &(struct upload){k, &p}, &cx->err);
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
