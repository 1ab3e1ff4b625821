// SPDX-License-Identifier: MulanPSL-2.0
// Receipts in replies: whoever sends `Prefer: receipt` (RFC 7240; `receipt=sm3` for the other tree) hears of his entry
// only when a signed checkpoint covers it, with its inclusion proof in the answer. Keeps true: (1) nobody else waits: the
// calls wait here, a worker signs once for all that gathered meanwhile; (2) what was done stays done: if no receipt can
// be had, the answer leaves without one, and says where it can be asked for later.
//
//   reply ready ─► held (list) ─► worker: one checkpoint over the newest, a proof for each ─► loop: replies leave
//                    ▲ those who come meanwhile form the next list
#include "app/server.h"
#include "mod/ledger/ledger.h"
#include <inttypes.h>

// The preference among others, separated by commas; parameters behind a semicolon are passed over.
static bool prefers(struct str header, bool *ret_sm3) {
    while (header.p) {
        struct str rest, one = str_trim(str_cut(header, ',', &header));
        one = str_trim(str_cut(one, ';', &rest));
        *ret_sm3 = str_eq_nocase(one, S("receipt=sm3"));
        if (*ret_sm3 || str_eq_nocase(one, S("receipt")) || str_eq_nocase(one, S("receipt=sha256")))
            return true;
    }
    return false;
}

static bool has_entry(const struct reply *r, int64_t *ret) {
    for (int i = 0; i < r->headers_n; i++)
        if (str_eq(r->headers[i][0], S("Gusu-Entry"))) return str_int64(r->headers[i][1], ret);
    return false;
}

// The member goes behind the last one of a JSON object; any other body keeps its form and only the headers tell.
static bool put_in_body(struct cx *cx, struct str receipt) {
    struct reply *r = &cx->reply;
    bool is_json = r->type.n == 0 || str_eq(r->type, S("application/json"));
    struct str body = r->body.p ? r->body : buf_str(&cx->out);
    if (!is_json || r->fd >= 0 || body.n < 2 || body.p[body.n - 1] != '}') return true;
    struct buf b = buf_new(cx->mem, body.n + 2 * receipt.n + 32, body.n + 2 * receipt.n + ((size_t)1 << 16));
    struct jw w = jw_to(&b);
    buf_put(&b, (struct str){body.p, body.n - 1});
    buf_puts(&b, body.n == 2 ? "\"receipt\":" : ",\"receipt\":");
    jw_text(&w, receipt);
    buf_char(&b, '}');
    if (b.over) return false;
    r->body = buf_str(&b);
    return true;
}

static void one_receipt(struct call *c, struct worker *w) {
    struct cx cx;
    struct str text;
    core_cx(&cx, c->server->city, c->cx.mem, w->conn, w->hasher, NULL);
    cx.who = c->cx.who;
    cx.auth_generation = c->cx.auth_generation;
    bool is_done = ledger_receipt(&cx, c->entry, c->wants_sm3, &text) == OK && put_in_body(&c->cx, text);
    cx_reply_header(&c->cx, "Gusu-Receipt",
                    str_print(c->cx.mem, "/api/v1/ledger/entries/%" PRId64 "/receipt%s", c->entry,
                              c->wants_sm3 ? "?tree=sm3" : ""));
    if (is_done)
        cx_reply_header(&c->cx, "Preference-Applied", c->wants_sm3 ? S("receipt=sm3") : S("receipt"));
}

static void start(struct server *s);

static void let_go(struct server *s, struct call *first) {
    while (first) {
        struct call *c = first;
        first = c->next_held;
        s->held_n--;
        server_send(c);
    }
}

static void back(struct http_post *p) {
    struct server *s = (struct server *)(void *)((char *)p - offsetof(struct server, held_post));
    struct call *done = s->held_running;
    s->held_running = NULL;
    let_go(s, done);
    if (s->held_first) start(s);
}

static void run(struct task *t, struct worker *w) {
    struct server *s = (struct server *)(void *)((char *)t - offsetof(struct server, held_task));
    struct arena mem;
    struct cx cx;
    int64_t newest = 0;
    for (struct call *c = s->held_running; c; c = c->next_held)
        if (c->entry > newest) newest = c->entry;
    arena_init(&mem, 0);
    core_cx(&cx, s->city, &mem, w->conn, w->hasher, NULL);
    (void)!ledger_cover(&cx, newest); // what it cannot cover is found wanting below, one by one
    for (struct call *c = s->held_running; c; c = c->next_held)
        one_receipt(c, w);
    arena_free(&mem);
    s->held_post = (struct http_post){.run = back};
    http_post(s->loop, &s->held_post);
}

static void start(struct server *s) {
    s->held_running = s->held_first;
    s->held_first = s->held_last = NULL;
    s->held_task = (struct task){.run = run};
    if (workers_give(s, &s->held_task)) return;
    struct call *list = s->held_running; // too much to do: the answers leave as they are
    s->held_running = NULL;
    let_go(s, list);
}

bool receipts_hold(struct call *c) {
    struct server *s = c->server;
    const struct reply *r = &c->cx.reply;
    if (c->cx.err.code != OK || r->status >= 400 || !has_entry(r, &c->entry)) return false;
    if (!prefers(cx_header(&c->cx, "Prefer"), &c->wants_sm3) || s->held_n >= RECEIPTS_HELD_MAX) return false;
    c->next_held = NULL;
    if (s->held_last)
        s->held_last->next_held = c;
    else
        s->held_first = c;
    s->held_last = c;
    s->held_n++;
    if (!s->held_running) start(s);
    return true;
}
