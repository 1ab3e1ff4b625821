// SPDX-License-Identifier: MulanPSL-2.0
// Service resources: a call under a grant is sent on to the provider's own interface. Keeps true: (1) the entry that
// says what will be asked is durable before anything is sent; (2) a second entry tells how it ended; where that is
// missing, or nobody knows, the call stands in the list with status 0, "outcome unknown", for people to see; (3) the
// upstream's address is judged when it is connected to, not only when it was registered.
//
//   call ──► entry exchange.proxy (quota taken) ──► upstream ──► entry exchange.proxy.done ──► reply
//                        │                                │
//                        └ refused: nothing was sent      └ no answer: 504 proxy_unknown, status stays 0
#include "mod/exchange/inside.h"
#include "mod/exchange/shapes.h"
#include <inttypes.h>

#define PROXY_TIMEOUT_MS 15000
#define PROXY_BODY_MAX   ((int64_t)1 << 20)

struct sending {
    struct note *note;
    struct call_note *call;
    int status;
    int64_t bytes;
};

// Before sending. The generation has been looked at again by core, but only for the key: the grant is asked here.
static int write_begin(struct cx *cx, void *arg) {
    struct sending *s = arg;
    struct note *n = s->note;
    int code = call_authorised(cx, s->call);
    if (code == OK) code = call_take(cx, s->call, n->time_ms);
    if (code == OK && cx->city->on_note) code = cx->city->on_note(cx, n);
    return code == OK ? store_exec(cx->db, NULL, &cx->err, Q_exchange_call_sent, "iiii", s->call->grant_id,
                                   n->entry, s->call->key_id, n->time_ms)
                      : code;
}

static int write_end(struct cx *cx, void *arg) {
    struct sending *s = arg;
    struct note *n = s->note;
    int64_t begin = s->call->entry, day = exchange_day(n->time_ms);
    int code = cx->city->on_note ? cx->city->on_note(cx, n) : OK;
    if (code == OK) // it may have become the next day meanwhile
        code = store_exec(cx->db, NULL, &cx->err, Q_exchange_meter_open, "iii", s->call->grant_id, day,
                          n->time_ms);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_exchange_call_answered, "iiii", s->call->grant_id, begin,
                          (int64_t)s->status, s->bytes);
    return code == OK ? store_exec(cx->db, NULL, &cx->err, Q_exchange_meter_bytes, "iii", s->call->grant_id,
                                   day, s->bytes)
                      : code;
}

static struct note *end_note(struct cx *cx, struct grant_view *v, const struct sending *s, struct str reply) {
    const char *outcome = s->status > 0 ? "answered" : "unknown";
    uint8_t digest[HASH_BYTES];
    struct note *n = arena_take(cx->mem, sizeof *n);
    struct buf b = buf_new(cx->mem, 512, 16384);
    struct jw w = jw_to(&b);
    if (!n) return NULL;
    hash_one(cx->hasher, HASH_SHA256, reply, digest);
    jw_object(&w); // names in byte order
    jw_nint(&w, "begin", s->call->entry);
    jw_nint(&w, "bytes", s->bytes);
    jw_nint(&w, "grant", v->grant_id);
    jw_ntext(&w, "office", v->grant.office);
    jw_ntext(&w, "outcome", str_of(outcome));
    jw_ntext(&w, "provider", v->grant.provider);
    jw_ntext(&w, "reply_sha256", str_hex(cx->mem, digest, sizeof digest));
    jw_nint(&w, "status", s->status);
    jw_ntext(&w, "trace", v->grant.application);
    jw_object_end(&w);
    *n = (struct note){.kind = "exchange.proxy.done",
                       .time_ms = cx->city->now_ms(),
                       .detail = buf_str(&b),
                       .trace = str_copy(cx->mem, v->grant.application)};
    return n;
}

static int send_on(struct cx *cx, struct grant_view *v, struct sending *s, struct str url) {
    struct str type = STR_NONE, body = STR_NONE, sent = cx_header(cx, "Content-Type");
    bool maybe_done = false;
    int code = cx->city->fetch_out(cx->city, cx->mem, cx->req->verb, url, sent, cx->req->body,
                                   PROXY_TIMEOUT_MS, &s->status, &type, &body, &maybe_done, &cx->err);
    struct err why = cx->err;
    // Never reached the other side: that is an outcome too, and it is known.
    if (code != OK) s->status = maybe_done ? 0 : err_info((enum err_code)code)->status;
    s->bytes = (int64_t)body.n;
    s->note = end_note(cx, v, s, body.p ? body : S(""));
    if (!s->note) return cx_fail(cx, ERR_no_memory, "", "proxy");
    cx->err = (struct err){0};
    int kept = cx_write(cx, write_end, s);
    if (kept != OK) return kept;
    if (code != OK && maybe_done) return cx_fail(cx, ERR_proxy_unknown, "", "%s", "");
    if (code != OK) {
        cx->err = why;
        return code;
    }
    cx_status(cx, s->status);
    cx_reply_body(cx, type.n ? str_z(cx->mem, type) : "application/octet-stream", body.p ? body : S(""));
    return OK;
}

static int proxy_under(struct cx *cx, struct grant_view *v) {
    struct call_names names = {0};
    struct catalog_resource r;
    struct sending s = {0};
    if (!v->grant.upstream.n || !cx->city->fetch_out) return cx_fail(cx, ERR_no_service, "grant", "%s", "");
    if (cx->req->body_bytes && !cx->req->body.p)
        return cx_fail(cx, ERR_too_large, "body", "%" PRId64, PROXY_BODY_MAX);
    int code = call_open(cx, v, &names);
    if (code == OK) code = catalog_resource_get(cx, v->grant.dataset, v->grant.upstream, &r);
    if (code == ERR_not_found) return cx_fail(cx, ERR_not_found, "resource", "%.*s", STRF(v->grant.upstream));
    if (code == OK)
        code = call_note(cx, v, &names, "exchange.proxy", v->grant.upstream, cx->req->query, 0, S(""),
                         STR_NONE, STR_NONE);
    if (code != OK) return code;
    s.note = cx->note;
    s.call = cx->note->arg;
    cx->note = NULL; // this route's entries are written here, not by the loop
    code = cx_write(cx, write_begin, &s);
    if (code != OK) return code;
    s.call->entry = s.note->entry;
    cx_reply_header(cx, "Gusu-Entry", str_print(cx->mem, "%" PRId64, s.call->entry));
    cx_reply_header(cx, "Gusu-Trace", str_copy(cx->mem, v->grant.application));
    struct str query = cx->req->query, url = r.upstream;
    if (query.n)
        url = str_print(cx->mem, "%.*s%s%.*s", STRF(url), memchr(url.p, '?', url.n) ? "&" : "?", STRF(query));
    return send_on(cx, v, &s, url);
}

static int proxy(struct cx *cx) {
    return with_view(cx, proxy_under);
}

#define HEADER_IN(name_, zh_, en_)                                                                           \
    { name_, IN_HEADER, T_TEXT, .max = 400, .zh = zh_, .en = en_ }
static const struct field proxy_takes[] = {
    {"grant", IN_PATH, T_INT, true, 1, INT64_MAX, .zh = "授权编号", .en = "grant"},
    HEADER_IN("Gusu-System", "调用系统", "registered system"),
    HEADER_IN("Gusu-Matter", "事项", "matter"),
    HEADER_IN("Gusu-Case", "办件编号", "case number"),
    HEADER_IN("Gusu-Operator", "经办人", "operator"),
    {0}};
static const struct field nothing[] = {{0}};
static const struct shape proxy_shape = {"ProxiedReply", nothing, "*/*"};

#define PROXY(verb)                                                                                          \
    {                                                                                                        \
        verb, "/api/v1/exchange/{grant}/proxy", ROUTE_SLOW, R_KEY, proxy_takes, &proxy_shape,                \
            "exchange.proxy", PROXY_BODY_MAX, ROUTE_RAW_BODY | ROUTE_OPEN_FIELDS, proxy,                     \
            "按授权调用数源服务接口", "Call a provider's service under a grant", NULL                        \
    }
const struct route exchange_proxy_routes[] = {PROXY("GET"),   PROXY("POST"),   PROXY("PUT"),
                                              PROXY("PATCH"), PROXY("DELETE"), {0}};
