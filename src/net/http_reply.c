// SPDX-License-Identifier: MulanPSL-2.0
// What handlers call. A reply becomes bytes at once; if earlier requests of the connection are still
// unanswered the bytes are held with the box until its turn. Header values are cleaned of control bytes on
// the way, so that no handler can be talked into splitting a reply in two.
#include "net/http_inner.h"
#include "base/clock.h"
#include <assert.h>
#include <unistd.h>

enum { LENGTH_NONE = -1, LENGTH_CHUNKED = -2 };

struct pen {
    char *p;
    size_t n, cap;
    bool is_over;
};

static void put(struct pen *w, struct str s) {
    if (s.n > w->cap - w->n) {
        w->is_over = true;
        return;
    }
    memcpy(w->p + w->n, s.p, s.n);
    w->n += s.n;
}

static void put_clean(struct pen *w, struct str s) {
    size_t from = w->n;
    put(w, s);
    for (size_t i = from; i < w->n; i++)
        if ((uint8_t)w->p[i] < 0x20 || w->p[i] == 0x7f) w->p[i] = ' ';
}

static void put_number(struct pen *w, int64_t v) {
    char digits[20];
    size_t at = sizeof digits;
    assert(v >= 0);
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    put(w, (struct str){digits + at, sizeof digits - at});
}

static void put_header(struct pen *w, struct str name, struct str value) {
    put_clean(w, name);
    put(w, S(": "));
    put_clean(w, value);
    put(w, S("\r\n"));
}

// "Date: …\r\n", made once a second.
static struct str date_line(struct http_loop *l, struct arena *mem) {
    if (l->wall_ms / 1000 != l->date_s) {
        struct str date = clock_http(mem, l->wall_ms);
        struct pen w = {l->date, 0, sizeof l->date, false};
        put(&w, S("Date: "));
        put(&w, date);
        put(&w, S("\r\n"));
        l->date_n = (uint8_t)w.n;
        l->date_s = l->wall_ms / 1000;
    }
    return (struct str){l->date, l->date_n};
}

static bool status_has_body(int status) {
    return status >= 200 && status != 204 && status != 304;
}

static struct str reply_head(struct http_box *b, const struct http_out *out, int64_t length) {
    struct http_loop *l = b->x.conn->loop;
    struct pen w = {l->reply_head, 0, sizeof l->reply_head, false};
    put(&w, S("HTTP/1.1 "));
    put_number(&w, out->status);
    put(&w, S(" "));
    put(&w, str_of(http_status_text(out->status)));
    put(&w, S("\r\n"));
    put(&w, date_line(l, b->x.mem));
    if (out->type.n) put_header(&w, S("Content-Type"), out->type);
    for (size_t i = 0; i < out->headers_n; i++)
        put_header(&w, out->headers[i].name, out->headers[i].value);
    if (length >= 0) {
        put(&w, S("Content-Length: "));
        put_number(&w, length);
        put(&w, S("\r\n"));
    }
    if (length == LENGTH_CHUNKED) put(&w, S("Transfer-Encoding: chunked\r\n"));
    if (b->is_last)
        put(&w, S("Connection: close\r\n"));
    else if (b->is_http10)
        put(&w, S("Connection: keep-alive\r\n"));
    put(&w, S("\r\n"));
    return w.is_over ? STR_NONE : (struct str){w.p, w.n};
}

static bool is_mute(const struct http_conn *c) {
    return c->fd < 0 || c->is_broken || c->is_ending;
}

static void box_put(struct http_box *b, struct str s) {
    struct http_conn *c = b->x.conn;
    if (is_mute(c)) return;
    if (c->first == b)
        conn_put(c, s);
    else if (!bytes_add(&b->held, s))
        conn_break(c);
}

// The state of b after its head is out; false when the head was too large and a 500 went out instead.
static bool begin(struct http_box *b, const struct http_out *out, int64_t length, enum box_state next) {
    assert(b->state == BOX_READING || b->state == BOX_ASKED); // one reply per exchange
    assert(out->status >= 200 && out->status <= 599);
    const struct http_config *k = &b->x.conn->loop->config;
    if (out->close || b->x.conn->loop->is_stopping) b->is_last = true;
    if (k->on_reply) k->on_reply(k->arg, &b->x, out->status, length > 0 ? length : 0);
    struct str head = reply_head(b, out, length);
    b->state = next;
    if (head.p == NULL) {
        b->state = BOX_ANSWERED;
        b->is_last = true;
        box_put(b, reply_head(b, &(struct http_out){.status = 500}, 0));
        return false;
    }
    box_put(b, head);
    return true;
}

static void hang_up(struct http_box *b) {
    b->state = BOX_ANSWERED;
    if (b->on_close) b->on_close(b->on_close_arg);
    b->on_close = NULL;
}

void conn_advance(struct http_conn *c) {
    struct http_box *b;
    while ((b = c->first)) {
        if (c->fd < 0 && b->state == BOX_STREAMING) hang_up(b);
        if (c->fd < 0 && b->state == BOX_READING) b->state = BOX_ANSWERED; // the handler never saw it
        if (is_mute(c)) {
            if (b->state != BOX_ANSWERED) return;
            box_retire(c, b);
            continue;
        }
        if (b->held.n) {
            conn_put(c, (struct str){b->held.p, b->held.n});
            bytes_drop(&b->held);
        }
        if (b->state != BOX_ANSWERED || b->file_fd >= 0) return;
        bool is_last = b->is_last;
        box_retire(c, b);
        if (is_last) c->is_ending = c->is_deaf = true; // replies behind it have nowhere to go
    }
    c->is_blocked = false;
}

static void answered(struct http_box *b) {
    conn_advance(b->x.conn);
    conn_touch(b->x.conn);
}

void http_reply(struct http_exchange *x, const struct http_out *out, struct str body) {
    struct http_box *b = box_of(x);
    bool has_body = status_has_body(out->status);
    if (begin(b, out, has_body ? (int64_t)body.n : LENGTH_NONE, BOX_ANSWERED) && has_body &&
        x->method != HTTP_HEAD)
        box_put(b, body);
    answered(b);
}

// A small file is cheaper as a body: one write instead of two.
static bool reply_small_file(struct http_exchange *x, const struct http_out *out, int fd, int64_t offset,
                             size_t n) {
    char *p = arena_take(x->mem, n + 1);
    if (p == NULL || pread(fd, p, n, offset) != (ssize_t)n) return false;
    http_reply(x, out, (struct str){p, n});
    return true;
}

void http_reply_file(struct http_exchange *x, const struct http_out *out, int fd, int64_t offset, int64_t n) {
    struct http_box *b = box_of(x);
    assert(fd >= 0 && offset >= 0 && n >= 0 && status_has_body(out->status));
    bool is_small = n <= (int64_t)HTTP_BODY_COPY_MAX && x->method != HTTP_HEAD;
    if (is_small && reply_small_file(x, out, fd, offset, (size_t)n)) {
        close(fd);
        return;
    }
    bool goes_out = begin(b, out, n, BOX_ANSWERED) && x->method != HTTP_HEAD && n > 0 && !is_mute(x->conn);
    if (goes_out) {
        b->file_fd = fd;
        b->file_at = offset;
        b->file_left = n;
    } else {
        close(fd);
    }
    answered(b);
}

void http_reply_later(struct http_exchange *x) {
    struct http_box *b = box_of(x);
    assert(b->state == BOX_ASKED);
    b->is_later = true;
}

// ---- streams ----------------------------------------------------------------------------

void http_stream_begin(struct http_exchange *x, const struct http_out *out, void (*on_close)(void *arg),
                       void *arg) {
    struct http_box *b = box_of(x);
    assert(status_has_body(out->status));
    b->is_chunked = !b->is_http10;
    if (b->is_http10) b->is_last = true; // only the end of the connection can end it
    b->on_close = on_close;
    b->on_close_arg = arg;
    // When its connection has gone already, settling hangs up.
    (void)begin(b, out, b->is_chunked ? LENGTH_CHUNKED : LENGTH_NONE, BOX_STREAMING);
    if (b->state == BOX_ANSWERED) {
        b->state = BOX_STREAMING; // too large a head: closed, and the caller told by on_close like any end
        conn_break(x->conn);
    }
    conn_touch(x->conn);
}

bool http_stream_send(struct http_exchange *x, struct str piece) {
    struct http_box *b = box_of(x);
    struct http_conn *c = x->conn;
    assert(b->state == BOX_STREAMING);
    size_t waiting = c->first == b ? c->out.n - c->out.at : b->held.n;
    if (waiting > HTTP_STREAM_WAIT_MAX) return false;
    if (piece.n == 0 || x->method == HTTP_HEAD) return true; // an empty chunk would be the end
    char size[20];
    struct pen w = {size, 0, sizeof size, false};
    static const char hex[] = "0123456789abcdef";
    int shift = 60;
    while (shift > 0 && (piece.n >> shift) == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        put(&w, (struct str){&hex[(piece.n >> shift) & 15], 1});
    put(&w, S("\r\n"));
    if (b->is_chunked) box_put(b, (struct str){size, w.n});
    box_put(b, piece);
    if (b->is_chunked) box_put(b, S("\r\n"));
    conn_touch(c);
    return true;
}

void http_stream_end(struct http_exchange *x) {
    struct http_box *b = box_of(x);
    assert(b->state == BOX_STREAMING);
    if (b->is_chunked && x->method != HTTP_HEAD) box_put(b, S("0\r\n\r\n"));
    hang_up(b);
    answered(b);
}
