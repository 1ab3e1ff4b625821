// SPDX-License-Identifier: MulanPSL-2.0
// The life of one call (DESIGN §4): open (route, who, may, fields) on the thread that received it, run where its
// kind belongs, errors as problem+json. Keeps true: nothing is written unless the caller was judged against the
// authorisation generation that the transaction sees; a retried write with the same Idempotency-Key happens once.
#include "core/act.h"
#include "core/field.h"
#include "core/node.h"
#include "core/self.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define REPLY_MAX     ((size_t)64 << 20)
#define KEY_MAX       200    // bytes of an Idempotency-Key
#define KEY_KEPT_MS   DAY_MS // answers to retries are kept so long
#define KEY_NO_ANSWER 0      // status of a kept key whose call answers by itself, after its write

void core_cx(struct cx *cx, struct city *city, struct arena *mem, struct conn *db, struct hasher *h,
             const struct request *req) {
    assert(city->magic == CITY_MAGIC);
    *cx = (struct cx){.mem = mem, .city = city, .db = db, .hasher = h, .req = req, .now_ms = city->now_ms()};
    cx->reply.fd = -1;
    struct str lang = cx_header(cx, "Accept-Language");
    cx->is_zh = lang.n < 2 || !str_eq_nocase((struct str){lang.p, 2}, S("en"));
    cx->body = req ? req->body : STR_NONE;
    cx->out = buf_new(mem, 512, REPLY_MAX);
    cx->w = jw_to(&cx->out);
}

// One problem object's inner part: code and words in both languages.
static void problem_words(struct cx *cx, struct jw *w, const struct err *e) {
    const struct err_info *info = err_info(e->code);
    jw_ntext(w, "code", str_of(info->name));
    jw_ntext(w, "title_zh", err_text(cx->mem, e, true));
    jw_ntext(w, "title_en", err_text(cx->mem, e, false));
    if (e->field[0]) jw_ntext(w, "field", str_of(e->field));
    if (e->row) jw_nint(w, "row", e->row);
}

// What a handler had prepared before it failed does not leave: neither a file nor headers that tell of it.
static void drop_prepared(struct cx *cx) {
    // Content-Range only as an error says it: how long the thing is.
    static const struct str kept[] = {S_INIT("Content-Range"), S_INIT("Retry-After"), S_INIT("Set-Cookie"),
                                      S_INIT("Allow")};
    struct reply *r = &cx->reply;
    int n = 0;
    for (int i = 0; i < r->headers_n; i++)
        for (size_t k = 0; k < sizeof kept / sizeof kept[0]; k++)
            if (str_eq(r->headers[i][0], kept[k]) &&
                (k != 0 || str_starts(r->headers[i][1], S("bytes */")))) {
                r->headers[n][0] = r->headers[i][0];
                r->headers[n++][1] = r->headers[i][1];
                break;
            }
    r->headers_n = n;
    if (r->fd >= 0) close(r->fd);
    r->fd = -1;
    r->body = STR_NONE;
}

static bool has_header(const struct cx *cx, const char *name) {
    for (int i = 0; i < cx->reply.headers_n; i++)
        if (str_eq(cx->reply.headers[i][0], str_of(name))) return true;
    return false;
}

void core_problem(struct cx *cx) {
    if (cx->err.code == OK) cx->err.code = cx->mem->failed ? ERR_no_memory : ERR_internal;
    // What was judged with texts that found no room is not judged: nobody is told that something is absent or denied.
    int status = err_info(cx->err.code)->status;
    if (cx->mem->failed && status < 500 && status != 413) cx->err = (struct err){.code = ERR_no_memory};
    const struct err_info *info = err_info(cx->err.code);
    drop_prepared(cx);
    cx->out = buf_new(cx->mem, 512, 1 << 20);
    cx->w = jw_to(&cx->out);
    struct jw *w = &cx->w;
    jw_object(w);
    jw_ntext(w, "type", str_print(cx->mem, "about:gusu/%s", info->name));
    jw_ntext(w, "title", err_text(cx->mem, &cx->err, cx->is_zh));
    jw_nint(w, "status", info->status);
    problem_words(cx, w, &cx->err);
    if (cx->field_errors) {
        jw_name(w, "errors");
        jw_array(w);
        for (struct field_error *f = cx->field_errors; f; f = f->next) {
            jw_object(w);
            problem_words(cx, w, &f->err);
            jw_object_end(w);
        }
        jw_array_end(w);
    }
    jw_object_end(w);
    cx->reply.status = info->status;
    cx->reply.type = S("application/problem+json");
    // Without memory even the problem may not find room: then a text that needs none.
    if (cx->out.over) cx->reply.body = S("{\"type\":\"about:gusu/no-memory\",\"code\":\"no-memory\"}");
    if (info->status == 503 && !has_header(cx, "Retry-After")) cx_reply_header(cx, "Retry-After", S("1"));
    if (info->status == 401) cx_reply_header(cx, "WWW-Authenticate", S("Bearer realm=\"gusu\""));
}

static bool has_word(struct str list, struct str word) {
    while (list.p) {
        struct str one = str_cut(list, ' ', &list);
        if (str_eq(one, word)) return true;
    }
    return false;
}

// The roles, then the token's scopes, then (for a browser's cookie) that the request comes from our own page.
static int judge(struct cx *cx) {
    const struct route *r = cx->route;
    bool known = (cx->who.roles & (R_LOGIN | R_KEY)) != 0;
    if (!(r->who & R_PUBLIC) && !(r->who & cx->who.roles))
        return known ? cx_deny_words(cx, r->zh, r->en) : cx_fail(cx, ERR_not_logged_in, "", "%s", "");
    if (cx->who.scopes.p && !(r->who & R_PUBLIC) &&
        (!r->scope || !has_word(cx->who.scopes, str_of(r->scope))))
        return cx_deny(cx, r->scope ? r->scope : "session");
    bool changes = !str_eq(cx->req->verb, S("GET")) && !str_eq(cx->req->verb, S("HEAD"));
    if (!changes || !cx->who.session.p) return OK;
    struct str site = cx_header(cx, "Sec-Fetch-Site");
    if (str_eq(site, S("cross-site")) || str_eq(site, S("same-site")))
        return cx_fail(cx, ERR_cross_site, "", "%s", "");
    if (r->flags & ROUTE_NO_CSRF) return OK;
    struct str token = cx_header(cx, "X-CSRF-Token");
    if (token.n != cx->who.csrf.n || !token.n || !str_equal_const_time(token.p, cx->who.csrf.p, token.n))
        return cx_fail(cx, ERR_cross_site, "X-CSRF-Token", "%s", "");
    return OK;
}

static int identify(struct cx *cx) {
    const uint64_t *held = cx->is_writer ? NULL : cx->snapshot_generation;
    cx->auth_generation = held ? *held : atomic_load(&cx->city->auth_generation);
    cx->who = (struct actor){.roles = R_PUBLIC};
    return cx->city->who ? cx->city->who(cx) : OK;
}

// Who, and may he? A public route stays public to somebody whose token has run out.
static int identify_and_judge(struct cx *cx) {
    int code = identify(cx);
    if (code == ERR_bad_token && (cx->route->who & R_PUBLIC)) {
        cx->err = (struct err){0};
        cx->who = (struct actor){.roles = R_PUBLIC};
        code = OK;
    }
    return code == OK ? judge(cx) : code;
}

static int open_steps(struct cx *cx) {
    bool path_known;
    cx->route = core_route(cx->req->verb, cx->req->path, cx->params, &cx->params_n, cx->mem, &path_known);
    if (!cx->route && path_known) {
        struct str allowed = index_verbs(cx->mem, cx->req->path);
        if (allowed.n) cx_reply_header(cx, "Allow", allowed);
    }
    if (!cx->route) return cx_fail(cx, path_known ? ERR_bad_method : ERR_no_route, "", "%s", "");
    int code = identify_and_judge(cx);
    if (code == OK) code = field_read(cx);
    if (code == OK && (cx->route->flags & ROUTE_NEEDS_MATCH) && !cx_header(cx, "If-Match").p)
        return cx_fail(cx, ERR_need_match, "If-Match", "%s", "");
    return code;
}

bool core_admit(struct cx *cx) {
    bool path_known;
    cx->route = core_route(cx->req->verb, cx->req->path, cx->params, &cx->params_n, cx->mem, &path_known);
    if (!cx->route) return true; // what is wrong with the address is said when the request is whole
    if (identify_and_judge(cx) == OK) return true;
    core_problem(cx);
    return false;
}

bool core_open(struct cx *cx) {
    if (open_steps(cx) == OK && !cx->mem->failed) return true;
    core_problem(cx);
    return false;
}

void core_run(struct cx *cx) {
    int code = cx->route->handle(cx);
    if (code != OK && cx->err.code == OK) cx->err.code = (enum err_code)code;
    if (code == OK && (cx->out.over || cx->mem->failed)) cx->err.code = ERR_no_memory;
    if (cx->err.code != OK) core_problem(cx);
}

// The digest that tells a retry from another request under the same key.
static struct str request_digest(struct cx *cx) {
    uint8_t out[HASH_BYTES];
    struct str bytes = str_print(cx->mem, "\n%" PRId64 "\n", cx->req->body_bytes);
    const struct str parts[] = {cx->req->verb,  S(" "), cx->req->path, S("?"),
                                cx->req->query, bytes,  cx->body};
    hash_parts(cx->hasher, HASH_SHA256, parts, sizeof parts / sizeof parts[0], out);
    return str_hex(cx->mem, out, sizeof out);
}

// The key under which a retry is known: an account's own, or an exchange key's own. Strangers have none: they must
// neither fill the disk nor be given the answer that somebody else got. *ret_key is empty when the call names none.
static int idempotency_key(struct cx *cx, struct str *ret_key) {
    struct str key = cx_header(cx, "Idempotency-Key");
    bool is_known = cx->who.account || (cx->who.roles & R_KEY);
    *ret_key = STR_NONE;
    if (key.n > KEY_MAX) return cx_fail(cx, ERR_field_long, "Idempotency-Key", "%d", KEY_MAX);
    if (!str_utf8_ok(key)) return cx_fail(cx, ERR_utf8, "Idempotency-Key", "%s", "");
    if (!key.n || !is_known) return OK;
    *ret_key = cx->who.account ? key : str_print(cx->mem, "gk_%" PRId64 " %.*s", cx->who.key, STRF(key));
    return ret_key->p ? OK : cx_fail(cx, ERR_no_memory, "", "key");
}

// The header that the first answer had; the body says the same.
static void put_kept_index(struct cx *cx) {
    struct json j;
    int64_t entry;
    if (json_parse(cx->mem, cx->reply.body, &j, NULL) == OK && json_int(json_get(j, S("entry")), &entry))
        cx_reply_header(cx, "Gusu-Entry", str_print(cx->mem, "%" PRId64, entry));
}

// True when the stored answer of an earlier same request has been put into the reply.
static int idempotent_answer(struct cx *cx, struct str key, bool *ret_found) {
    struct stmt *s = store_query(cx->db, Q_core_idempotency_get, "is", cx->who.account, key);
    *ret_found = store_next(s);
    struct str digest = STR_NONE;
    if (*ret_found) {
        digest = store_str(s, 0, cx->mem);
        cx->reply.status = (int)store_int(s, 1);
        cx->reply.body = store_str(s, 2, cx->mem);
        struct str etag = store_str(s, 3, cx->mem);
        if (etag.p) cx_reply_header(cx, "ETag", etag);
    }
    int code = store_done(s, &cx->err);
    if (code != OK || !*ret_found) return code;
    if (!str_eq(digest, request_digest(cx)))
        return cx_fail(cx, ERR_conflict, "Idempotency-Key", "%.*s", (int)(key.n > 60 ? 60 : key.n), key.p);
    if (cx->route->flags & ROUTE_SECRET) return cx_fail(cx, ERR_secret_shown, "Idempotency-Key", "%s", "");
    if (cx->reply.status == KEY_NO_ANSWER) return cx_fail(cx, ERR_done_already, "Idempotency-Key", "%s", "");
    put_kept_index(cx);
    return OK;
}

// Each new answer takes a few old ones along, so that the table stays small without a job and no write pays for a day.
static int keep_answer(struct cx *cx, struct str key, int64_t status, struct str body, struct str etag) {
    int code = store_exec(cx->db, NULL, &cx->err, Q_core_idempotency_sweep, "i", cx->now_ms - KEY_KEPT_MS);
    if (code != OK) return code;
    return store_exec(cx->db, NULL, &cx->err, Q_core_idempotency_put, "ississi", cx->who.account, key,
                      request_digest(cx), status, body.p ? body : S(""), etag, cx->now_ms);
}

static int idempotent_keep(struct cx *cx, struct str key) {
    struct str etag = STR_NONE;
    for (int i = 0; i < cx->reply.headers_n; i++)
        if (str_eq(cx->reply.headers[i][0], S("ETag"))) etag = cx->reply.headers[i][1];
    int64_t status = cx->reply.status ? cx->reply.status : 200;
    struct str body = cx->reply.body.p ? cx->reply.body : buf_str(&cx->out);
    if (cx->route->flags & ROUTE_SECRET) body = STR_NONE; // what is shown once is kept nowhere
    return keep_answer(cx, key, status, body, etag);
}

// The index of the last entry goes into the reply, so that the caller can ask for its proof at once. It may be put
// after the commit: without room the reply stays as it is, whole, and the header alone tells.
static void put_index(struct cx *cx, int64_t entry) {
    cx_reply_header(cx, "Gusu-Entry", str_print(cx->mem, "%" PRId64, entry));
    bool is_json = cx->reply.type.n == 0 || str_eq(cx->reply.type, S("application/json"));
    if (!is_json || cx->reply.body.p || cx->w.depth != 0) return;
    struct buf *out = &cx->out;
    if (out->over || out->n < 2 || out->p[out->n - 1] != '}') return;
    char tail[40];
    int n = snprintf(tail, sizeof tail, "%s\"entry\":%" PRId64 "}", out->n == 2 ? "" : ",", entry);
    if (!buf_room(out, (size_t)n)) {
        out->over = false;
        return;
    }
    out->n--;
    buf_put(out, (struct str){tail, (size_t)n});
}

static void put_entry(struct cx *cx) {
    int64_t entry = -1;
    for (struct act *a = cx->act; a; a = a->next)
        entry = a->entry;
    if (entry >= 0) put_index(cx, entry);
}

static int write_steps(struct cx *cx) {
    struct str key;
    bool found = false;
    int code = idempotency_key(cx, &key);
    if (code == OK && key.n) code = idempotent_answer(cx, key, &found);
    if (code != OK || found) return code;
    code = cx->route->handle(cx);
    if (code == OK && cx->err.code != OK) code = cx->err.code;
    if (code == OK) code = act_flush(cx);
    if (code == OK) put_entry(cx);
    if (code == OK && key.n) code = idempotent_keep(cx, key);
    if (code == OK && (cx->out.over || cx->mem->failed)) code = ERR_no_memory;
    return code;
}

// Puts the context back to where the handler has not run: the batch may be run again.
static void rewind_cx(struct cx *cx, struct conn *w) {
    cx->db = w;
    cx->is_writer = true;
    cx->hasher = cx->city->writer_hasher;
    cx->act = NULL;
    cx->note = NULL;
    cx->mod = NULL;
    cx->announced = NULL;
    cx->field_errors = NULL;
    cx->err = (struct err){0};
    cx->reply = (struct reply){.fd = -1};
    cx->out = buf_new(cx->mem, 512, REPLY_MAX);
    cx->w = jw_to(&cx->out);
}

// On the writer: nothing to do unless some role, session, key or grant moved since the caller was judged.
int call_judge_again(struct cx *cx) {
    if (cx->auth_generation == atomic_load(&cx->city->auth_generation)) return OK;
    return identify_and_judge(cx);
}

int core_run_write(struct cx *cx, struct conn *w, struct err *e) {
    rewind_cx(cx, w);
    int code = call_judge_again(cx);
    if (code == OK) code = write_steps(cx);
    if (code == OK) return OK;
    if (cx->err.code == OK) cx->err.code = (enum err_code)code;
    if (e) *e = cx->err;
    core_problem(cx);
    return code;
}

int core_run_note(struct cx *cx, struct conn *w, struct err *e) {
    struct conn *reader = cx->db;
    struct hasher *h = cx->hasher;
    cx->db = w;
    cx->is_writer = true;
    cx->hasher = cx->city->writer_hasher;
    cx->err = (struct err){0};
    cx->announced = NULL;
    struct note *n = cx->note;
    // Who brings no judge of his own is judged by his route, as a write is.
    int code = n->judge ? n->judge(cx, n) : call_judge_again(cx);
    if (code == OK && cx->city->on_note) code = cx->city->on_note(cx, n);
    if (code == OK && n->project) code = n->project(cx, n);
    cx->db = reader;
    cx->hasher = h;
    cx->is_writer = false;
    if (code == OK) return OK;
    if (cx->err.code == OK) cx->err.code = (enum err_code)code;
    if (e) *e = cx->err;
    return code;
}

// cx_write: a sub-context on the writer, waited for.
struct sub {
    struct work work;
    struct cx cx;
    struct cx *outer;
    int (*fn)(struct cx *cx, void *arg);
    void *arg;
};

// A slow call's answer is not known yet when it writes, so only that it was done is kept, in the transaction that does
// it: a retry is told so and nothing happens twice.
int call_keep_key(struct cx *cx) {
    struct str key;
    bool found = false;
    if (cx->is_key_kept) return OK;
    int code = idempotency_key(cx, &key);
    if (code != OK || !key.n) return code;
    code = idempotent_answer(cx, key, &found);
    return code == OK ? keep_answer(cx, key, KEY_NO_ANSWER, STR_NONE, STR_NONE) : code;
}

static int sub_run(struct work *work, struct conn *w, struct err *e) {
    struct sub *s = (struct sub *)work;
    s->cx = *s->outer;
    rewind_cx(&s->cx, w);
    s->cx.now_ms = s->outer->city->now_ms();
    // Jobs and commands have no caller; a slow call's may have lost his role meanwhile.
    bool is_call = s->cx.route && s->cx.req;
    int code = is_call ? call_judge_again(&s->cx) : OK;
    if (code == OK && is_call) code = call_keep_key(&s->cx);
    if (code == OK && s->cx.job) code = node_fence(&s->cx, s->cx.job);
    if (code == OK) code = s->fn(&s->cx, s->arg);
    if (code == OK && s->cx.err.code != OK) code = s->cx.err.code;
    if (code == OK) code = act_flush(&s->cx);
    if (code == OK && s->cx.mem->failed) code = ERR_no_memory;
    if (code != OK && s->cx.err.code == OK) s->cx.err.code = (enum err_code)code;
    if (code != OK && e) *e = s->cx.err;
    return code;
}

static void sub_done(struct work *w) {
    (void)w;
}

void core_tell(struct cx *cx) {
    for (struct announced *a = cx->announced; a; a = a->next)
        if (cx->city->on_announced)
            cx->city->on_announced(cx->city->on_announced_arg, a->event, a->object, a->office);
}

int cx_write(struct cx *cx, int (*fn)(struct cx *cx, void *arg), void *arg) {
    assert(!cx->is_writer);
    struct sub s = {.work = {.run = sub_run, .done = sub_done}, .outer = cx, .fn = fn, .arg = arg};
    int code = store_do(cx->city->store, &s.work, &cx->err);
    if (code == OK) {
        cx->act = s.cx.act; // for the entry's index
        cx->is_key_kept = true;
        core_tell(&s.cx);
        return OK;
    }
    if (cx->err.code == OK) cx->err.code = (enum err_code)code;
    if (!cx->field_errors) cx->field_errors = s.cx.field_errors;
    return code;
}

// core_call: a request from beginning to end on this thread.
struct call {
    struct work work;
    struct cx *cx;
};

static int call_run_write(struct work *w, struct conn *c, struct err *e) {
    return core_run_write(((struct call *)w)->cx, c, e);
}

static int call_run_note(struct work *w, struct conn *c, struct err *e) {
    return core_run_note(((struct call *)w)->cx, c, e);
}

void core_call(struct city *city, struct arena *mem, struct conn *db, struct hasher *h,
               const struct request *req, struct cx *ret) {
    core_cx(ret, city, mem, db, h, req);
    if (!core_open(ret)) return;
    struct call call = {.work = {.run = call_run_write, .done = sub_done}, .cx = ret};
    if (ret->route->kind == ROUTE_WRITE) {
        int code = store_do(city->store, &call.work, NULL);
        core_written(ret, code, &call.work.err);
        return;
    }
    core_run(ret);
    if (ret->route->kind == ROUTE_READ_ENTRY && ret->batch && ret->err.code == OK) {
        core_batch_wait(ret);
        core_batch_reply(ret);
        return;
    }
    if (ret->route->kind != ROUTE_READ_ENTRY || !ret->note || ret->err.code != OK) return;
    call.work.run = call_run_note;
    int code = store_do(city->store, &call.work, NULL);
    core_noted(ret, code, &call.work.err);
}

void core_written(struct cx *cx, int code, const struct err *e) {
    // The handler's own error is a problem+json already; a commit that failed afterwards is not.
    if (code != OK && cx->err.code == OK) {
        cx->err = *e;
        if (cx->err.code == OK) cx->err.code = (enum err_code)code;
        core_problem(cx);
    }
    if (code == OK) core_tell(cx);
}

void core_noted(struct cx *cx, int code, const struct err *e) {
    if (code == OK) {
        put_index(cx, cx->note->entry);
        core_tell(cx);
        return;
    }
    if (cx->err.code == OK) cx->err = *e;
    if (cx->err.code == OK) cx->err.code = (enum err_code)code;
    core_problem(cx);
}
