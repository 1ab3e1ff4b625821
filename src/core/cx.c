// SPDX-License-Identifier: MulanPSL-2.0
// The small tools that handlers use: inputs by name, errors, replies, paging, acts, announcements, deadlines.
// Keeps true: a handler's outputs lie in the arena and in cx alone, so that it can be run again.
#include "core/city.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static int field_index(const struct cx *cx, const char *name) {
    const struct field *f = cx->route ? cx->route->takes : NULL;
    for (int i = 0; f && f[i].name; i++)
        if (strcmp(f[i].name, name) == 0) return i;
    return -1;
}

const struct value *cx_value(const struct cx *cx, const char *name) {
    int i = field_index(cx, name);
    assert(i >= 0 && "the route row does not take this field");
    return &cx->in[i];
}

struct str cx_text(const struct cx *cx, const char *name) {
    const struct value *v = cx_value(cx, name);
    return v->has ? v->text : STR_NONE;
}

int64_t cx_int(const struct cx *cx, const char *name, int64_t none) {
    const struct value *v = cx_value(cx, name);
    return v->has ? v->i : none;
}

bool cx_bool(const struct cx *cx, const char *name, bool none) {
    const struct value *v = cx_value(cx, name);
    return v->has ? v->i != 0 : none;
}

bool cx_has(const struct cx *cx, const char *name) {
    return cx_value(cx, name)->has;
}

struct json cx_json(const struct cx *cx, const char *name) {
    const struct value *v = cx_value(cx, name);
    return v->has ? v->j : (struct json){0};
}

struct str cx_header(const struct cx *cx, const char *name) {
    return cx->req && cx->req->header ? cx->req->header(cx->req->headers_arg, name) : STR_NONE;
}

bool cx_is(const struct cx *cx, uint32_t roles) {
    return (cx->who.roles & roles) != 0;
}

__attribute__((format(printf, 4, 0))) static void fill(struct err *e, enum err_code code, const char *field,
                                                       const char *fmt, va_list ap) {
    char arg[160];
    vsnprintf(arg, sizeof arg, fmt, ap);
    (void)err_set(e, code, field, "%s", arg);
}

int cx_fail(struct cx *cx, enum err_code code, const char *field, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fill(&cx->err, code, field, fmt, ap);
    va_end(ap);
    return code;
}

int cx_field_fail(struct cx *cx, enum err_code code, const char *field, const char *fmt, ...) {
    struct field_error *first = cx->field_errors;
    if (first && first->n >= CX_FIELD_ERRORS_MAX) return code;
    struct field_error *fe = arena_take(cx->mem, sizeof *fe);
    if (!fe) return cx_fail(cx, ERR_no_memory, "", "fields");
    va_list ap;
    va_start(ap, fmt);
    fill(&fe->err, code, field, fmt, ap);
    va_end(ap);
    if (cx->err.code == OK) cx->err = fe->err;
    if (!first) {
        cx->field_errors = first = fe;
    } else {
        first->last->next = fe;
    }
    first->last = fe;
    first->n++;
    return code;
}

int cx_deny(struct cx *cx, const char *why) {
    atomic_fetch_add_explicit(&cx->city->denied, 1, memory_order_relaxed);
    return cx_fail(cx, ERR_not_allowed, "", "%s", why);
}

int cx_deny_words(struct cx *cx, const char *zh, const char *en) {
    atomic_fetch_add_explicit(&cx->city->denied, 1, memory_order_relaxed);
    return cx_fail(cx, ERR_not_allowed, "", "%s" ERR_OR "%s", zh, en);
}

void cx_status(struct cx *cx, int status) {
    cx->reply.status = status;
}

void cx_reply_header(struct cx *cx, const char *name, struct str value) {
    struct reply *r = &cx->reply;
    assert(r->headers_n < (int)(sizeof r->headers / sizeof r->headers[0]));
    r->headers[r->headers_n][0] = str_of(name);
    r->headers[r->headers_n++][1] = value;
}

void cx_etag(struct cx *cx, int64_t version) {
    cx_reply_header(cx, "ETag", str_print(cx->mem, "\"v%" PRId64 "\"", version));
}

int cx_match(struct cx *cx, int64_t version) {
    struct str want = cx_header(cx, "If-Match");
    if (!want.p) return cx_fail(cx, ERR_need_match, "If-Match", "%s", "");
    if (str_eq(want, S("*")) || str_eq(want, str_print(cx->mem, "\"v%" PRId64 "\"", version))) return OK;
    return cx_fail(cx, ERR_stale, "If-Match", "%s", "");
}

void cx_reply_body(struct cx *cx, const char *type, struct str body) {
    cx->reply.type = str_of(type);
    cx->reply.body = body;
}

void cx_reply_fd(struct cx *cx, const char *type, int fd, int64_t bytes, struct str download_name) {
    cx->reply.type = str_of(type);
    cx->reply.fd = fd;
    cx->reply.fd_bytes = bytes;
    if (!download_name.p) return;
    // RFC 6266: the name percent-encoded in UTF-8, which is how a Chinese one arrives whole.
    struct buf b = buf_new(cx->mem, 128, 4096);
    buf_puts(&b, "attachment; filename*=UTF-8''");
    for (size_t i = 0; i < download_name.n; i++) {
        unsigned char c = (unsigned char)download_name.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                     c == '.' || c == '_';
        if (plain)
            buf_char(&b, (char)c);
        else
            buf_print(&b, "%%%02X", c);
    }
    cx_reply_header(cx, "Content-Disposition", b.over ? S("attachment") : buf_str(&b));
}

int64_t cx_limit(const struct cx *cx, int64_t standard, int64_t most) {
    int64_t n = cx_int(cx, "limit", standard);
    return n < 1 ? 1 : n > most ? most : n;
}

struct str cx_after(struct cx *cx) {
    struct str raw = cx_text(cx, "after"), out;
    if (!raw.n) return STR_NONE;
    if (str_unbase64(cx->mem, raw, true, &out) && str_utf8_ok(out)) return out;
    (void)cx_fail(cx, ERR_cursor, "after", "%s", "");
    return STR_NONE;
}

void cx_next(struct cx *cx, struct str last_key) {
    jw_ntext(&cx->w, "next", str_base64url(cx->mem, last_key.p, last_key.n));
}

struct act *cx_act(struct cx *cx, const char *object_kind, struct str object) {
    struct act *a = arena_take(cx->mem, sizeof *a);
    if (!a) return &cx->act_spare;
    a->object_kind = object_kind;
    a->object = object;
    a->office = cx->who.office;
    struct act **last = &cx->act;
    while (*last)
        last = &(*last)->next;
    *last = a;
    return a;
}

int cx_announce(struct cx *cx, const char *event, struct str object, struct str office) {
    assert(cx->is_writer);
    struct announced *a = arena_take(cx->mem, sizeof *a);
    if (!a) return cx_fail(cx, ERR_no_memory, "", "event");
    *a = (struct announced){.next = cx->announced, .event = event, .object = object, .office = office};
    cx->announced = a;
    for (int i = 0; modules[i]; i++) {
        if (!modules[i]->on_event) continue;
        int code = modules[i]->on_event(cx, event, object, office);
        if (code != OK) return code;
    }
    return OK;
}

int64_t cx_deadline(struct cx *cx, const char *clock_step, int64_t from_ms, bool *ret_certain) {
    struct stmt *s = store_query(cx->db, Q_core_clock_get, "z", clock_step);
    int64_t days = -1;
    if (store_next(s) && !store_is_null(s, 0)) days = store_int(s, 0);
    struct err ignore;
    if (store_done(s, &ignore) != OK || days < 0) {
        if (ret_certain) *ret_certain = false;
        return 0; // no clock runs for this step
    }
    bool certain = true;
    int64_t due = workdays_deadline(city_workdays(cx->city), from_ms, (int)days, CHINA_OFFSET_MS, &certain);
    if (ret_certain) *ret_certain = certain;
    return due;
}
