// SPDX-License-Identifier: MulanPSL-2.0
// Where the rooms meet: requests from net go to core on the thread that their kind wants, replies come back to the
// loop. Keeps true: a WRITE's reply, and that of a READ with an entry, leaves only after its commit.
//
//   loop thread    heads, READs (one snapshot per tick), replies, events to pages
//   writer thread  WRITEs and entries (the store's commit queue)
//   workers        SLOW routes; READs that exceeded their step limit
//   readers        on PostgreSQL all judging and reading, which the loop does by itself on SQLite
//   jobs thread    what wakes by itself
#include "app/server.h"
#include "app/access.h"
#include "app/errand.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/fetch.h"
#include "net/static.h"
#include <assert.h>
#include <stdlib.h>
#include <stdio.h>
#include <unistd.h>

#define READ_STEPS    3000000 // engine steps of a READ on the loop (some tens of ms) before a worker takes it
#define SNAPSHOT_US   10000   // age at which a call under a grant no longer reads from it
#define CALLS_UNDER   "/api/v1/exchange/"
#define BODY_STANDARD 65536 // bytes of a JSON body unless the route says otherwise

#define HEADER(name, value)                                                                                  \
    {                                                                                                        \
        {name, sizeof(name) - 1}, {                                                                          \
            value, sizeof(value) - 1                                                                         \
        }                                                                                                    \
    }
static const struct http_header api_headers[] = {
    HEADER("X-Content-Type-Options", "nosniff"),
    HEADER("Referrer-Policy", "same-origin"),
};
static const struct http_header page_headers[] = {
    HEADER("X-Content-Type-Options", "nosniff"),
    HEADER("Referrer-Policy", "same-origin"),
    HEADER("X-Frame-Options", "DENY"),
    HEADER("Content-Security-Policy", "default-src 'self'; script-src 'self'; style-src 'self' "
                                      "'unsafe-inline'; img-src 'self' data: blob:; "
                                      "font-src 'self' data:; connect-src 'self'; object-src 'none'; "
                                      "base-uri 'none'; frame-ancestors 'none'; "
                                      "form-action 'self'"),
};

static struct str header_of(void *arg, const char *name) {
    return http_header(arg, name);
}

static const char *const verbs[] = {
    [HTTP_GET] = "GET",     [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",      [HTTP_PUT] = "PUT",
    [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS"};

static void fill_request(struct call *c, struct http_exchange *x) {
    c->req = (struct request){.verb = str_of(verbs[x->method]),
                              .path = x->path,
                              .query = x->query,
                              .body = x->body,
                              .body_fd = x->body_fd,
                              .body_bytes = x->body_bytes,
                              .peer = x->peer,
                              .is_tls = x->is_tls,
                              .headers_arg = x,
                              .header = header_of};
}

void server_send(struct call *c) {
    struct reply *r = &c->cx.reply;
    struct http_header headers[sizeof r->headers / sizeof r->headers[0] + 4];
    size_t n = 0;
    bool has_cache = false;
    for (int i = 0; i < r->headers_n; i++) {
        headers[n++] = (struct http_header){r->headers[i][0], r->headers[i][1]};
        has_cache |= str_eq_nocase(r->headers[i][0], S("Cache-Control"));
    }
    for (size_t i = 0; i < sizeof api_headers / sizeof api_headers[0]; i++)
        headers[n++] = api_headers[i];
    if (!has_cache) headers[n++] = (struct http_header){S("Cache-Control"), S("no-store")};
    struct http_out out = {.status = r->status ? r->status : 200,
                           .type = r->type.n ? r->type : S("application/json"),
                           .headers = headers,
                           .headers_n = n};
    if (str_eq(r->type, S("text/event-stream")))
        listeners_add(c, &out);
    else if (r->fd >= 0)
        http_reply_file(c->x, &out, r->fd, r->fd_from, r->fd_bytes);
    else
        http_reply(c->x, &out, r->body.p ? r->body : buf_str(&c->cx.out));
}

static void send_reply(struct call *c) {
    if (!receipts_hold(c)) server_send(c);
}

// --- the writer's answers come back as posts ---
static struct call *call_of_post(struct http_post *p) {
    return (struct call *)(void *)((char *)p - offsetof(struct call, post));
}

static void write_back(struct http_post *p) {
    struct call *c = call_of_post(p);
    c->server->under_way--;
    c->server->is_fresh = false;
    if (c->cx.route->kind != ROUTE_READ_ENTRY) c->server->has_written = true;
    if (c->cx.batch)
        core_batch_reply(&c->cx);
    else if (c->cx.route->kind == ROUTE_WRITE)
        core_written(&c->cx, c->work.err.code, &c->work.err);
    else
        core_noted(&c->cx, c->work.err.code, &c->work.err);
    send_reply(c);
}

static void work_done(struct work *first) {
    struct http_post *head = NULL, **tail = &head;
    struct server *s = ((struct call *)first)->server;
    for (struct work *w = first; w;) {
        struct call *c = (struct call *)w;
        w = w->next;
        c->post = (struct http_post){.run = write_back};
        *tail = &c->post;
        tail = &c->post.next;
    }
    http_post(s->loop, head);
}

static int run_write(struct work *w, struct conn *db, struct err *e) {
    return core_run_write(&((struct call *)w)->cx, db, e);
}

static int run_note(struct work *w, struct conn *db, struct err *e) {
    return core_run_note(&((struct call *)w)->cx, db, e);
}

// Of the calls that fell into one batch, what does not depend on their order is worked out together.
static void prepare_notes(struct work *first, size_t n, bool is_first) {
    struct cx *calls[STORE_BATCH_MAX];
    size_t at = 0;
    for (struct work *w = first; w && at < n && at < STORE_BATCH_MAX; w = w->next)
        calls[at++] = &((struct call *)w)->cx;
    core_prepare_notes(((struct call *)first)->server->city, calls, at, is_first);
}

static void submit(struct call *c, int (*run)(struct work *w, struct conn *db, struct err *e),
                   bool is_plain) {
    c->work = (struct work){.run = run, .done = work_done, .is_plain = is_plain};
    if (run == run_note) c->work.prepare = prepare_notes;
    http_reply_later(c->x);
    c->server->under_way++;
    if (store_submit(c->server->city->store, &c->work) == OK) return;
    c->server->under_way--;
    c->cx.err = (struct err){.code = ERR_busy};
    core_problem(&c->cx);
    send_reply(c);
}

static void batch_told(void *arg) {
    struct call *c = arg;
    c->post = (struct http_post){.run = write_back};
    http_post(c->server->loop, &c->post);
}

// --- slow calls ---
// A read is answered, or goes to the writer first when it left a note, or many.
static void answer(struct call *c) {
    if (c->cx.batch && c->cx.err.code == OK) {
        http_reply_later(c->x);
        c->server->under_way++;
        core_batch_submit(&c->cx, batch_told, c);
    } else if (c->cx.route->kind == ROUTE_READ_ENTRY && c->cx.note && c->cx.err.code == OK)
        submit(c, run_note, true);
    else
        send_reply(c);
}

static void slow_back(struct http_post *p) {
    struct call *c = call_of_post(p);
    c->server->under_way--;
    c->server->is_fresh = false;
    c->server->has_written = true;
    c->cx.db = c->server->reader;
    c->cx.hasher = c->server->hasher;
    answer(c);
}

static void run_slow(struct task *t, struct worker *w) {
    struct call *c = (struct call *)(void *)((char *)t - offsetof(struct call, task));
    c->cx.db = w->conn;
    c->cx.hasher = w->hasher;
    bool is_read = c->cx.route->kind != ROUTE_SLOW; // one that was too long for the loop: still one snapshot
    if (is_read) store_read_begin(w->conn);
    core_run(&c->cx);
    if (is_read) store_read_end(w->conn);
    c->post = (struct http_post){.run = slow_back};
    http_post(c->server->loop, &c->post);
}

static void give_to_worker(struct call *c) {
    c->task = (struct task){.run = run_slow};
    http_reply_later(c->x);
    c->server->under_way++;
    if (workers_give(c->server, &c->task)) return;
    c->server->under_way--;
    c->cx.err = (struct err){.code = ERR_busy};
    core_problem(&c->cx);
    send_reply(c);
}

// Too long for the loop, or for threads that many wait for: again, on a worker, from its beginning.
static void run_elsewhere(struct call *c) {
    const struct cx judged = c->cx;
    core_cx(&c->cx, c->server->city, c->x->mem, c->server->reader, c->server->hasher, &c->req);
    c->cx.who = judged.who;
    c->cx.in = judged.in;
    c->cx.body = judged.body;
    c->cx.route = judged.route;
    c->cx.auth_generation = judged.auth_generation;
    memcpy(c->cx.params, judged.params, sizeof judged.params);
    c->cx.params_n = judged.params_n;
    give_to_worker(c);
}

// --- reads that wait for a network: judged and answered by readers.c, told from the loop ---
static void read_back(struct http_post *p) {
    struct call *c = call_of_post(p);
    c->server->under_way--;
    if (c->is_complete)
        send_reply(c);
    else if (c->cx.err.code == ERR_busy)
        run_elsewhere(c);
    else if (c->cx.route->kind == ROUTE_SLOW)
        give_to_worker(c);
    else
        answer(c);
}

// What goes to the writer goes there directly: from then on the call is no longer ours.
static bool hand_on(struct call *c) {
    bool is_write = c->cx.route->kind == ROUTE_WRITE;
    if (c->is_complete || c->cx.err.code != OK || c->cx.batch || (!is_write && !c->cx.note)) return false;
    if (!is_write && c->cx.route->kind != ROUTE_READ_ENTRY) return false;
    c->work = (struct work){.run = is_write ? run_write : run_note, .done = work_done, .is_plain = !is_write};
    if (store_submit(c->server->city->store, &c->work) == OK) return true;
    c->cx.err = (struct err){.code = ERR_busy};
    core_problem(&c->cx);
    c->is_complete = true;
    return false;
}

static void run_judged(struct task *t, struct worker *w) {
    struct call *c = (struct call *)(void *)((char *)t - offsetof(struct call, task));
    c->cx.db = w->conn;
    c->cx.hasher = w->hasher;
    c->cx.snapshot_generation = w->generation;
    c->is_complete = !core_open(&c->cx);
    if (!c->is_complete && (c->cx.route->kind == ROUTE_READ || c->cx.route->kind == ROUTE_READ_ENTRY))
        core_run(&c->cx);
    c->cx.db = c->server->reader;
    c->cx.hasher = c->server->hasher;
    c->cx.snapshot_generation = &c->server->generation;
    if (hand_on(c)) return;
    c->post = (struct http_post){.run = read_back};
    http_post(c->server->loop, &c->post);
}

static void give_to_reader(struct call *c) {
    c->task = (struct task){.run = run_judged};
    http_reply_later(c->x);
    c->server->under_way++;
    if (readers_give(c->server->readers, &c->task)) return;
    c->server->under_way--;
    c->cx.err = (struct err){.code = ERR_busy};
    core_problem(&c->cx);
    send_reply(c);
}

static void run_read(struct call *c) {
    store_step_limit(c->cx.db, READ_STEPS);
    core_run(&c->cx);
    store_step_limit(c->cx.db, 0);
    if (c->cx.err.code == ERR_busy)
        run_elsewhere(c);
    else
        answer(c);
}

// What is read from here on is what stands in the store now.
static void fresh_snapshot(struct server *s) {
    if (s->is_fresh) return;
    store_read_end(s->reader);
    s->generation = atomic_load(&s->city->auth_generation); // before the snapshot: never newer than it
    s->snapshot_us = clock_mono_us();
    s->is_fresh = true;
    store_read_begin(s->reader);
}

static bool is_ours(struct str path) {
    return str_starts(path, S("/api/")) || str_starts(path, S("/ledger/")) ||
           str_starts(path, S("/datastore/")) || str_eq(path, S("/metrics"));
}

static struct call *new_call(struct server *s, struct http_exchange *x) {
    struct call *c = arena_take(x->mem, sizeof *c);
    if (!c) {
        http_reply(x, &(struct http_out){.status = 503}, S(""));
        return NULL;
    }
    c->server = s;
    c->x = x;
    x->user = c;
    fill_request(c, x);
    core_cx(&c->cx, s->city, x->mem, s->reader, s->hasher, &c->req);
    c->cx.snapshot_generation = &s->generation;
    return c;
}

static void on_request(void *arg, struct http_exchange *x) {
    struct server *s = arg;
    struct str params[CX_PARAMS_MAX];
    int params_n;
    bool known;
    struct str verb = str_of(verbs[x->method]);
    if (!is_ours(x->path) && !core_route(verb, x->path, params, &params_n, x->mem, &known) && !known) {
        static_serve(s->pages, x, page_headers, sizeof page_headers / sizeof page_headers[0]);
        return;
    }
    struct call *c = new_call(s, x);
    if (!c) return;
    if (s->readers) {
        give_to_reader(c);
        return;
    }
    if (s->has_written || !str_starts(x->path, S(CALLS_UNDER))) fresh_snapshot(s);
    s->has_written = false;
    if (!core_open(&c->cx)) {
        send_reply(c);
        return;
    }
    switch (c->cx.route->kind) {
    case ROUTE_WRITE:
        submit(c, run_write, false);
        break;
    case ROUTE_SLOW:
        give_to_worker(c);
        break;
    case ROUTE_READ:
    case ROUTE_READ_ENTRY:
        run_read(c);
        break;
    }
}

// How large a body may be. A large one is let in only for somebody who is known and may: a stranger cannot fill
// the disk with what would be refused afterwards.
static int64_t on_head(void *arg, struct http_exchange *x) {
    if (x->method == HTTP_GET || x->method == HTTP_HEAD || x->method == HTTP_OPTIONS) return 0;
    struct str params[CX_PARAMS_MAX];
    int params_n;
    bool known;
    const struct route *r = core_route(str_of(verbs[x->method]), x->path, params, &params_n, x->mem, &known);
    if (!r || r->body_max <= BODY_STANDARD) return r && r->body_max ? r->body_max : BODY_STANDARD;
    struct call *c = new_call(arg, x);
    if (!c) return 0;
    if (!core_admit(&c->cx)) {
        send_reply(c);
        return 0;
    }
    return (c->cx.who.roles & (R_LOGIN | R_KEY)) ? r->body_max : BODY_STANDARD;
}

// The one thing that a call was about, for the log: its exchange trace.
static struct str trace_of(const struct call *c) {
    if (!c) return STR_NONE;
    if (c->cx.note) return c->cx.note->trace;
    if (c->cx.batch && c->cx.batch->n) return c->cx.batch->slices[0].first->trace;
    return c->cx.act ? c->cx.act->trace : STR_NONE;
}

// Every reply passes here once: counted, and a line of the access log.
static void on_reply(void *arg, const struct http_exchange *x, int status, int64_t bytes) {
    struct server *s = arg;
    const struct call *c = x->user;
    const int64_t us = x->begin_us ? clock_mono_us() - x->begin_us : -1;
    meters_reply(s, c, x, status, bytes, us);
    if (!s->access) return;
    struct access_line l = {.time_ms = s->city->now_ms(),
                            .us = us,
                            .peer = x->peer,
                            .verb = x->target.n ? str_of(verbs[x->method]) : STR_NONE,
                            .path = x->path,
                            .query = x->query,
                            .trace = trace_of(c),
                            .status = status,
                            .bytes = bytes};
    if (c && c->cx.who.account) {
        l.who_kind = "account";
        l.who = c->cx.who.account;
    } else if (c && c->cx.who.key) {
        l.who_kind = "key";
        l.who = c->cx.who.key;
    }
    access_put(s->access, &l);
}

static void access_tick(void *arg) {
    access_beat(((struct server *)arg)->access);
}

static int start_access(struct server *s, const struct options *o, struct err *e) {
    char path[600];
    snprintf(path, sizeof path, "%s/access.log", s->city->folder);
    int code = access_open(o->access_log ? o->access_log : path, ACCESS_FILE_MAX, &s->access, e);
    return code == OK ? http_every(s->loop, ACCESS_FLUSH_MS, access_tick, s) : code;
}

void server_reopen(struct server *s) {
    access_reopen(s->access);
}

// A snapshot is taken anew in every tick, but calls under a grant may use one of some milliseconds ago: each new one
// costs the engine its map of the file. Older than SNAPSHOT_US, or than a change of rights, it is given up; and when
// nothing is under way that will wake the loop, since an idle loop must not hold the WAL.
static void on_tick(void *arg, bool is_begin) {
    struct server *s = arg;
    if (s->readers) { // the loop keeps no snapshot
        s->generation = atomic_load(&s->city->auth_generation);
        store_read_end(s->reader); // of whoever judged a listener
    } else if (is_begin) {
        bool is_old = clock_mono_us() - s->snapshot_us > SNAPSHOT_US ||
                      atomic_load(&s->city->auth_generation) != s->generation;
        s->is_fresh = false;
        if (is_old || s->under_way == 0) fresh_snapshot(s);
    } else if (s->under_way == 0 || store_wal_is_long(s->city->store)) {
        store_read_end(s->reader);
    }
}

// --- HTTP out for proxied services ---
static enum http_method method_of(struct str verb) {
    for (int i = HTTP_GET; i <= HTTP_OPTIONS; i++)
        if (str_eq(str_of(verbs[i]), verb)) return (enum http_method)i;
    return HTTP_GET;
}

static int fetch_out(struct city *city, struct arena *mem, struct str verb, struct str url, struct str type,
                     struct str body, int timeout_ms, int *ret_status, struct str *ret_type,
                     struct str *ret_body, bool *ret_maybe_done, struct err *e) {
    struct http_header h = {S("Content-Type"), type};
    struct fetch_request q = {.method = method_of(verb),
                              .url = url,
                              .body = body,
                              .headers = &h,
                              .headers_n = type.n ? 1 : 0,
                              .timeout_ms = timeout_ms,
                              .allow = city->allow_upstream,
                              .allow_n = city->allow_upstream_n};
    struct fetch_reply r = {0};
    int code = fetch(mem, &q, &r, e);
    *ret_status = r.status;
    *ret_type = r.type;
    *ret_body = r.body;
    *ret_maybe_done = r.maybe_done;
    return code;
}

static int url_ok(struct city *city, struct arena *mem, struct str url, struct err *e) {
    return fetch_url_ok(mem, url, city->allow_upstream, city->allow_upstream_n, e);
}

void server_reach_out(struct city *city) {
    city->fetch_out = fetch_out;
    city->fetch_url_ok = url_ok;
}

static int make_certificate(struct server *s, const struct options *o, struct http_config *config,
                            struct err *e) {
    if (!o->tls) return OK;
    int code = server_certificate(s, e);
    config->cert_pem_path = s->cert_path;
    config->key_pem_path = s->key_path;
    return code;
}

// The disk did not take a commit: whoever restarts us finds what is really there. Exit code 75: try again.
static void stop_lost(struct city *city) {
    struct server *s = city->on_announced_arg;
    atomic_store(&s->is_lost, true);
    if (s->loop) http_stop(s->loop);
}

bool server_lost(const struct server *s) {
    return atomic_load(&s->is_lost);
}

int server_open(struct city *city, const struct options *o, struct server **ret, struct err *e) {
    struct server *s = calloc(1, sizeof *s);
    if (!s) return err_set(e, ERR_no_memory, "", "server");
    s->city = city;
    meters_start(s);
    arena_init(&s->mem, 0);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    server_reach_out(city);
    city->on_announced = listeners_tell;
    city->on_announced_arg = s;
    city->mod[module_index("app")] = s;
    s->web = o->web;
    city->on_lost = stop_lost;
    struct http_config config = {.address = o->address,
                                 .port = o->port,
                                 .arg = s,
                                 .on_head = on_head,
                                 .on_request = on_request,
                                 .on_reply = on_reply,
                                 .on_tick = on_tick,
                                 .spool_dir = city->folder};
    int code = store_conn_open(city->store, &s->reader, e);
    if (code == OK && !(s->hasher = hasher_open())) code = err_set(e, ERR_no_memory, "", "hasher");
    if (code == OK) code = static_open(&s->mem, o->web, &s->pages, e);
    if (code == OK) code = make_certificate(s, o, &config, e);
    if (code == OK) code = http_open(&config, &s->loop, e);
    if (code == OK) code = http_every(s->loop, 15000, listeners_beat, s);
    if (code == OK) code = start_access(s, o, e);
    if (code == OK && store_reads_block(city->store)) code = readers_start(s, e);
    if (code == OK) code = workers_start(s, e);
    if (code == OK) code = socket_open(city, &s->socket, e);
    if (code != OK) {
        server_close(s);
        return code;
    }
    *ret = s;
    return OK;
}

int server_port(const struct server *s) {
    return http_port(s->loop);
}

void server_run(struct server *s) {
    http_run(s->loop);
}

void server_stop(struct server *s) {
    if (s->loop) http_stop(s->loop);
}

static int nothing(struct work *w, struct conn *c, struct err *e) {
    (void)w;
    (void)c;
    (void)e;
    return OK;
}

static void nothing_done(struct work *w) {
    (void)w;
}

// Waits until the writer has handed back everything that was submitted: its answers are posted to the loop, which
// must still be there.
static void drain_writer(struct server *s) {
    struct work w = {.run = nothing, .done = nothing_done, .is_plain = true};
    struct err ignore = {0};
    (void)!store_do(s->city->store, &w, &ignore);
}

void server_close(struct server *s) {
    if (!s) return;
    socket_close(s->socket);
    readers_stop(s);
    workers_stop(s);
    if (s->loop) drain_writer(s);
    if (s->loop) http_close(s->loop);
    access_close(s->access);
    if (s->pages) static_close(s->pages);
    hasher_close(s->hasher);
    store_conn_close(s->reader);
    arena_free(&s->mem);
    s->city->on_announced = NULL;
    s->city->on_lost = NULL;
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->wake);
    free(s);
}
