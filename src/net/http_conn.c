// SPDX-License-Identifier: MulanPSL-2.0
// One connection from its first byte to its end. Everything that happens to it (readiness, a reply, a run-out
// clock) only leaves flags; conn_settle then does whatever the flags allow, in one fixed order: write, read
// and dispatch, write again, end, clock. So there is one place to look at when a connection hangs.
//
//   idle -> head -> (body) -> asked -> answered -> idle …    (pipelined GETs may stand in the queue together)
//              any refusal -> deaf -> ending -> lingering -> closed
#include "net/http_inner.h"
#include "base/clock.h"
#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct http_conn *conn_open(struct http_loop *l, int fd) {
    struct http_conn *c = calloc(1, sizeof *c);
    if (c == NULL) return NULL;
    if (l->tls && (c->ssl = tls_start(l->tls, fd)) == NULL) {
        free(c);
        return NULL;
    }
    c->loop = l;
    c->fd = fd;
    c->is_handshaking = c->ssl != NULL;
    c->is_writable = true;
    c->all_next = l->all;
    if (l->all) l->all->all_prev = c;
    l->all = c;
    http_count(&l->count.connections, 1);
    http_count(&l->count.connections_open, 1);
    conn_clock(c, c->ssl ? CLOCK_HEAD : CLOCK_IDLE);
    return c;
}

static void mark_gone(struct http_conn *c) {
    for (struct http_box *b = c->first; b; b = b->next)
        b->x.gone = true;
}

void conn_break(struct http_conn *c) {
    if (c->fd < 0 || c->is_broken) return;
    c->is_broken = true;
    mark_gone(c);
    conn_touch(c);
}

void conn_close(struct http_conn *c) {
    struct http_loop *l = c->loop;
    if (c->fd < 0) return;
    if (l->gather_conn == c) {
        l->gather_conn = NULL;
        l->gather_n = 0;
    }
    conn_clock(c, CLOCK_NONE);
    if (c->ssl) tls_end(c->ssl, !c->is_broken && !c->is_lingering && !c->is_handshaking);
    close(c->fd); // leaves the epoll set by itself: the descriptor is never shared
    c->ssl = NULL;
    c->fd = -1;
    bytes_drop(&c->in);
    bytes_drop(&c->out);
    if (c->is_refused) l->refused_n--;
    http_count(&l->count.connections_open, UINT64_MAX);
    mark_gone(c);
    conn_advance(c);
}

void conn_free(struct http_conn *c) {
    struct http_loop *l = c->loop;
    assert(c->fd < 0 && c->first == NULL && !c->is_on_work);
    *(c->all_prev ? &c->all_prev->all_next : &l->all) = c->all_next;
    if (c->all_next) c->all_next->all_prev = c->all_prev;
    free(c);
}

// ---- refusals ---------------------------------------------------------------------------

void conn_refuse(struct http_conn *c, int status, const char *why) {
    c->is_deaf = c->is_rude = true;
    http_count(&c->loop->count.bad_requests, 1);
    // In the order of the requests: replies to the good ones before it still come first.
    struct http_box *b = c->reading ? c->reading : box_take(c);
    if (b == NULL) {
        conn_break(c);
        return;
    }
    c->reading = NULL;
    b->is_last = true;
    b->state = BOX_ASKED;
    http_reply(&b->x, &(struct http_out){.status = status, .type = S("application/problem+json")},
               http_problem(b->x.mem, status, why));
}

// ---- heads ------------------------------------------------------------------------------

// A slice of the read buffer as the same slice of its copy; anything else (a literal) as it is.
static struct str moved(struct str s, struct str from, const char *to) {
    if (s.p == NULL || s.p < from.p || s.p > from.p + from.n) return s;
    return (struct str){to + (s.p - from.p), s.n};
}

// Copies the head into the arena of the exchange: the read buffer belongs to whoever reads next.
static bool fill(struct http_box *b, struct str raw, const struct http_head *h,
                 const struct http_header *headers) {
    struct http_exchange *x = &b->x;
    char *copy = arena_take(x->mem, raw.n);
    struct http_header *own = arena_array(x->mem, h->headers_n + 1, sizeof *own);
    if (copy == NULL || own == NULL) return false;
    memcpy(copy, raw.p, raw.n);
    for (size_t i = 0; i < h->headers_n; i++)
        own[i] = (struct http_header){moved(headers[i].name, raw, copy), moved(headers[i].value, raw, copy)};
    x->method = h->method;
    x->target = moved(h->target, raw, copy);
    x->path = moved(h->path, raw, copy);
    x->query = moved(h->query, raw, copy);
    x->headers = own;
    x->headers_n = h->headers_n;
    x->body = S("");
    // "http://host" and "http://host?q" have no path of their own; their origin-form does.
    if (x->target.n == 0 || x->target.p[0] == '?') x->target = str_print(x->mem, "/%.*s", STRF(x->target));
    b->is_http10 = h->is_http10;
    b->is_last = !h->keep_alive || b->x.conn->loop->is_stopping;
    return x->target.p != NULL;
}

static void deliver(struct http_conn *c, struct http_box *b) {
    const struct http_config *k = &c->loop->config;
    b->state = BOX_ASKED;
    if (b->is_last) c->is_deaf = true;
    k->on_request(k->arg, &b->x);
    assert(b->state != BOX_ASKED || b->is_later); // a handler answers or says that it will
    loop_recycle(c->loop);
}

static void begin_body(struct http_conn *c, struct http_box *b, const struct http_head *h, bool has_begun) {
    c->reading = b;
    c->body_at = NULL;
    c->body_cap = 0;
    c->chunk = (struct http_chunk){0};
    c->body_left = h->is_chunked ? -1 : h->content_length;
    if (h->content_length > c->body_max)
        conn_refuse(c, 413, "the body is too large");
    else if (h->expects_continue && !has_begun)
        conn_put(c, S("HTTP/1.1 100 Continue\r\n\r\n")); // the only box of the queue: invariant 3 holds
}

static void ask(struct http_conn *c, struct http_box *b, const struct http_head *h, bool has_body,
                bool has_begun) {
    const struct http_config *k = &c->loop->config;
    bool is_last = b->is_last;
    // An answer that comes before the body leaves the body unread, and the connection useless.
    if (has_body) b->is_last = true;
    c->is_progress = true;
    http_count(&c->loop->count.requests, 1);
    b->x.begin_us = clock_mono_us();
    int64_t most = k->on_head ? k->on_head(k->arg, &b->x) : 0;
    if (b->state != BOX_READING) {
        c->is_rude |= has_body;
        c->is_deaf |= b->is_last;
        loop_recycle(c->loop);
        return;
    }
    b->is_last = is_last;
    // Without a place to spool to, only what fits into memory can be taken.
    c->body_max = k->spool_dir || most < HTTP_BODY_MEMORY_MAX ? most : HTTP_BODY_MEMORY_MAX;
    if (has_body)
        begin_body(c, b, h, has_begun);
    else
        deliver(c, b);
}

static bool is_safe(enum http_method m) {
    return m == HTTP_GET || m == HTTP_HEAD || m == HTTP_OPTIONS;
}

// Takes one head off p[0..n): bytes used; 0 = not complete, or it must wait.
static size_t take_head(struct http_conn *c, const char *p, size_t n) {
    struct http_loop *l = c->loop;
    struct http_scan scan = c->scan;
    struct http_refusal no;
    struct http_head head;
    ptrdiff_t end = http_head_scan(p, n, &scan, &no);
    if (end == 0) {
        c->scan = scan;
        return 0;
    }
    struct str raw = {p + scan.start, end < 0 ? 0 : (size_t)end - scan.start};
    if (end < 0 || !http_head_parse(raw, l->headers, &head, &no)) {
        conn_refuse(c, no.status, no.why);
        return n;
    }
    bool has_body = head.is_chunked || head.content_length > 0;
    bool is_parallel = !has_body && is_safe(head.method);
    if (c->queue_n && !(is_parallel && c->last->is_parallel)) {
        c->is_blocked = true; // its head is found again from the same scan when its turn comes
        return 0;
    }
    c->is_blocked = false;
    c->scan = (struct http_scan){0};
    struct http_box *b = box_take(c);
    if (b == NULL) {
        conn_break(c);
        return n;
    }
    b->is_parallel = is_parallel;
    if (!fill(b, raw, &head, l->headers)) {
        c->reading = b;
        conn_refuse(c, 503, "out of memory");
        return n;
    }
    ask(c, b, &head, has_body, (size_t)end < n);
    return (size_t)end;
}

// ---- input ------------------------------------------------------------------------------

static size_t take_body(struct http_conn *c, const char *p, size_t n) {
    struct http_box *b = c->reading;
    size_t used = 0;
    enum body_result got = body_take(c, p, n, &used);
    c->is_progress = true;
    if (got == BODY_DONE) {
        c->reading = NULL;
        deliver(c, b);
    }
    return got == BODY_REFUSED ? n : used;
}

// Whether the next head may be taken, in view of the requests that wait for their replies.
static bool may_take(const struct http_conn *c) {
    if (c->queue_n == 0) return true;
    return !c->is_blocked && c->queue_n < HTTP_PIPELINE_MAX && c->last->is_parallel &&
           c->last->held.n <= HTTP_READ_BYTES; // large replies wait unsent: ask for no more of them
}

static bool may_read(const struct http_conn *c) {
    if (c->is_deaf || c->is_broken || c->is_handshaking || c->out.n) return false;
    return c->reading || may_take(c);
}

static size_t consume(struct http_conn *c, const char *p, size_t n) {
    size_t at = 0;
    while (at < n && may_read(c)) {
        size_t used = c->reading ? take_body(c, p + at, n - at) : take_head(c, p + at, n - at);
        if (used == 0) break;
        at += used;
    }
    return c->is_deaf ? n : at;
}

static bool keep(struct http_conn *c, const char *p, size_t n) {
    c->in.n = 0;
    if (n == 0) {
        bytes_drop(&c->in); // an idle connection holds no buffer
        return true;
    }
    return bytes_add(&c->in, (struct str){p, n});
}

// Reads once if the socket may hold something. Returns the bytes got.
static size_t read_once(struct http_conn *c, char *p, size_t room) {
    if (!c->is_readable || room == 0 || c->is_eof) return 0;
    ptrdiff_t n = conn_read(c, p, room);
    if (n == -2) conn_break(c);
    if (n == 0) c->is_eof = true;
    if (n <= 0) {
        c->is_readable = false;
        return 0;
    }
    // A short read empties a socket, so no further call is needed to learn that; but a FIN that came before
    // the read made its edge already and must be fetched.
    if (!c->ssl && (size_t)n < room && !c->has_hung_up) c->is_readable = false;
    http_count(&c->loop->count.bytes_in, (uint64_t)n);
    return (size_t)n;
}

static void take_input(struct http_conn *c) {
    char *p = c->loop->in;
    for (int turn = 0; may_read(c); turn++) {
        if (turn == HTTP_TURNS) {
            c->wants_turn = true;
            return;
        }
        size_t kept = c->in.n;
        if (kept) memcpy(p, c->in.p, kept);
        size_t got = read_once(c, p + kept, HTTP_READ_BYTES - kept);
        if (c->is_broken) return;
        bool may_go_on = c->in_waits && kept;
        c->in_waits = false;
        if (got == 0 && !may_go_on) return;
        size_t used = consume(c, p, kept + got);
        if (!keep(c, p + used, kept + got - used)) conn_break(c);
        // Left because replies or output come first, not because bytes are missing.
        c->in_waits = c->in.n && !may_read(c);
        if (!c->is_readable) return;
    }
}

// After our side is shut: reads on and throws away, so that a RST does not overtake the reply (RFC 9112
// §9.6).
static void linger(struct http_conn *c) {
    while (c->is_readable && !c->is_eof) {
        ssize_t n = recv(c->fd, c->loop->in, HTTP_READ_BYTES, 0);
        if (n < 0) {
            c->is_readable = false;
            return;
        }
        c->discarded += n;
        if (n == 0 || c->discarded > HTTP_LINGER_BYTES) c->is_eof = true;
    }
}

// ---- the end ----------------------------------------------------------------------------

static bool has_output(const struct http_conn *c) {
    return c->out.n || (c->first && c->first->file_fd >= 0);
}

static bool is_over(struct http_conn *c) {
    if (c->is_lingering) return c->is_eof;
    bool is_hung_up = c->is_eof || (c->has_hung_up && !c->is_readable);
    // A stream has no end to wait for: when its reader hangs up, or the server does, it is over.
    if (c->first && c->first->state == BOX_STREAMING &&
        (c->is_eof || c->has_hung_up || c->loop->is_stopping)) {
        c->is_broken = true;
        return true;
    }
    if (is_hung_up && c->reading) return true; // the rest of the body will never come
    if (has_output(c)) return false;
    if (c->is_ending) return !c->is_rude || is_hung_up;
    if (c->first || c->in_waits) return false;
    return is_hung_up || c->loop->is_stopping;
}

static void begin_linger(struct http_conn *c) {
    c->is_lingering = true;
    bytes_drop(&c->in);
    if (c->ssl) {
        tls_end(c->ssl, true);
        c->ssl = NULL; // what still comes is thrown away unread
    }
    shutdown(c->fd, SHUT_WR);
}

static void set_clock(struct http_conn *c) {
    enum http_clock want = CLOCK_IDLE;
    if (c->is_lingering)
        want = CLOCK_LINGER;
    else if (has_output(c) || c->reading)
        want = CLOCK_BODY;
    else if (c->is_handshaking)
        want = CLOCK_HEAD;
    else if (c->first)
        want = CLOCK_NONE; // the handler has its own time
    else if (c->in.n)
        want = CLOCK_HEAD;
    if (want != c->clock || (c->is_progress && want != CLOCK_NONE)) conn_clock(c, want);
}

void conn_expire(struct http_conn *c, enum http_clock clock) {
    bool can_say_so = !c->is_handshaking && !has_output(c) && (clock == CLOCK_HEAD || c->reading);
    if (can_say_so)
        conn_refuse(c, 408, "the request did not arrive in time");
    else
        conn_break(c);
    conn_touch(c);
}

static void move_on(struct http_conn *c) {
    if (c->is_lingering) {
        linger(c);
        return;
    }
    if (c->is_handshaking) {
        int done = tls_handshake(c->ssl);
        if (done == -2) conn_break(c);
        if (done != 1) return;
        c->is_handshaking = false;
        http_count(&c->loop->count.tls_handshakes, 1);
    }
    if (has_output(c)) conn_write_on(c);
    take_input(c);
    if (c->is_broken) return;
    if (c->loop->gather_conn == c || has_output(c)) conn_write_on(c);
    if (c->in_waits && may_read(c)) c->wants_turn = true; // what blocked it has gone out just now
    if (c->is_ending) c->is_rude |= c->is_readable;
    if (c->is_ending && c->is_rude && !has_output(c) && !c->is_broken) {
        begin_linger(c);
        linger(c);
    }
}

void conn_settle(struct http_conn *c) {
    bool was_on_work = c->is_on_work;
    c->is_on_work = true; // whatever touches it now is seen below
    c->wants_turn = false;
    if (c->fd >= 0 && !c->is_broken) move_on(c);
    if (c->fd >= 0 && (c->is_broken || is_over(c))) conn_close(c);
    if (c->fd < 0)
        conn_advance(c);
    else
        set_clock(c);
    c->is_progress = false;
    c->is_on_work = was_on_work;
    loop_recycle(c->loop);
    if (c->fd < 0 && c->first == NULL && !c->is_on_work)
        conn_free(c);
    else if (c->wants_turn && c->fd >= 0)
        conn_touch(c);
}
