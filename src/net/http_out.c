// SPDX-License-Identifier: MulanPSL-2.0
// Bytes out. Replies of one connection are gathered in one buffer of the loop and leave in one write when
// another connection has something to say, the buffer is full or the round ends. What the socket does not
// take waits with the connection; while it waits, no further request of that connection is read, so a client
// that does not read cannot make the server hold more than the replies it already asked for.
#include "net/http_inner.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILE_PIECE     ((size_t)1 << 20)
#define FILE_PIECE_TLS ((size_t)16384) // one TLS record

bool bytes_add(struct http_bytes *b, struct str s) {
    if (s.n == 0) return true;
    if (b->at > b->cap / 2) { // or a stream that never quite drains would grow without end
        memmove(b->p, b->p + b->at, b->n - b->at);
        b->n -= b->at;
        b->at = 0;
    }
    if (s.n > b->cap - b->n) {
        size_t cap = b->cap ? b->cap : 1024;
        while (cap - b->n < s.n) {
            if (cap > SIZE_MAX / 2) return false;
            cap *= 2;
        }
        char *p = realloc(b->p, cap);
        if (p == NULL) return false;
        b->p = p;
        b->cap = cap;
    }
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
    return true;
}

void bytes_drop(struct http_bytes *b) {
    free(b->p);
    *b = (struct http_bytes){0};
}

ptrdiff_t conn_read(struct http_conn *c, char *p, size_t n) {
    if (c->ssl) return tls_read(c->ssl, p, n);
    for (;;) {
        ssize_t got = recv(c->fd, p, n, 0);
        if (got >= 0) return got;
        if (errno == EINTR) continue;
        return errno == EAGAIN ? -1 : -2;
    }
}

// One attempt to write up to two pieces: > 0 bytes taken; -1 later; -2 broken.
static ptrdiff_t write_once(struct http_conn *c, struct str a, struct str b) {
    if (c->ssl) return a.n ? tls_write(c->ssl, a.p, a.n) : tls_write(c->ssl, b.p, b.n);
    ssize_t n;
    if (b.n == 0) {
        n = send(c->fd, a.p, a.n, MSG_NOSIGNAL);
    } else {
        struct iovec iov[2];
        // iovec has no const; sendmsg only reads
        memcpy(&iov[0].iov_base, &a.p, sizeof a.p);
        memcpy(&iov[1].iov_base, &b.p, sizeof b.p);
        iov[0].iov_len = a.n;
        iov[1].iov_len = b.n;
        struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
        n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
    }
    if (n >= 0) return n;
    if (errno == EINTR) return 0;
    return errno == EAGAIN ? -1 : -2;
}

static struct str tail(struct str s, size_t from) {
    return from < s.n ? (struct str){s.p + from, s.n - from} : STR_NONE;
}

// Writes both pieces as far as the socket takes them and keeps the rest.
static void write_now(struct http_conn *c, struct str a, struct str b) {
    assert(c->out.n == 0);
    while (c->is_writable && a.n + b.n) {
        ptrdiff_t n = write_once(c, a, b);
        if (n == -2) {
            conn_break(c);
            return;
        }
        if (n == -1) {
            c->is_writable = false; // an edge will tell
            break;
        }
        size_t taken = (size_t)n;
        http_count(&c->loop->count.bytes_out, taken);
        c->is_progress = true;
        size_t of_a = taken < a.n ? taken : a.n;
        a = tail(a, of_a);
        b = tail(b, taken - of_a);
    }
    if (!bytes_add(&c->out, a) || !bytes_add(&c->out, b)) conn_break(c);
}

void gather_flush(struct http_loop *l) {
    struct http_conn *c = l->gather_conn;
    if (c == NULL) return;
    struct str s = {l->gather, l->gather_n};
    l->gather_conn = NULL;
    l->gather_n = 0;
    if (c->fd < 0 || c->is_broken) return;
    write_now(c, s, STR_NONE);
    if (c->out.n || c->is_broken) conn_touch(c); // a clock must run, or its end come
}

void conn_put(struct http_conn *c, struct str s) {
    struct http_loop *l = c->loop;
    if (c->fd < 0 || c->is_broken || s.n == 0) return;
    if (c->out.n) {
        if (!bytes_add(&c->out, s)) conn_break(c);
        return;
    }
    if (l->gather_conn != c) {
        gather_flush(l);
        l->gather_conn = c;
    }
    bool fits = s.n <= HTTP_GATHER_BYTES - l->gather_n;
    if (fits && s.n <= HTTP_BODY_COPY_MAX) {
        memcpy(l->gather + l->gather_n, s.p, s.n);
        l->gather_n += s.n;
        return;
    }
    struct str before = {l->gather, l->gather_n};
    l->gather_conn = NULL;
    l->gather_n = 0;
    write_now(c, before, s);
}

// One piece of the first box's file: > 0 bytes; -1 later; -2 broken.
static ptrdiff_t file_once(struct http_conn *c, struct http_box *b) {
    size_t most = c->ssl ? FILE_PIECE_TLS : FILE_PIECE;
    size_t want = b->file_left < (int64_t)most ? (size_t)b->file_left : most;
    if (c->ssl) {
        char piece[FILE_PIECE_TLS / 2]; // half a record: the stack has a limit too
        if (want > sizeof piece) want = sizeof piece;
        ssize_t got = pread(b->file_fd, piece, want, b->file_at);
        if (got <= 0) return -2;
        return tls_write(c->ssl, piece, (size_t)got);
    }
    off_t at = b->file_at;
    ssize_t n = sendfile(c->fd, b->file_fd, &at, want);
    if (n > 0) return n;
    if (n < 0 && errno == EINTR) return 0;
    // 0: the file was cut behind our back; the promised length cannot be kept
    return n < 0 && errno == EAGAIN ? -1 : -2;
}

static void write_file(struct http_conn *c, struct http_box *b) {
    for (int turn = 0; turn < HTTP_TURNS && b->file_left > 0; turn++) {
        ptrdiff_t n = file_once(c, b);
        if (n == -2) {
            conn_break(c);
            return;
        }
        if (n == -1) {
            c->is_writable = false;
            return;
        }
        b->file_at += n;
        b->file_left -= n;
        c->is_progress = true;
        http_count(&c->loop->count.bytes_out, (uint64_t)n);
    }
    if (b->file_left > 0) {
        c->wants_turn = true; // after the others
        return;
    }
    close(b->file_fd);
    b->file_fd = -1;
    conn_advance(c);
}

static void write_waiting(struct http_conn *c) {
    while (c->is_writable && c->out.n) {
        ptrdiff_t n = write_once(c, (struct str){c->out.p + c->out.at, c->out.n - c->out.at}, STR_NONE);
        if (n == -2) {
            conn_break(c);
            return;
        }
        if (n == -1) {
            c->is_writable = false;
            return;
        }
        c->out.at += (size_t)n;
        c->is_progress = true;
        http_count(&c->loop->count.bytes_out, (uint64_t)n);
        if (c->out.at == c->out.n) bytes_drop(&c->out);
    }
}

void conn_write_on(struct http_conn *c) {
    if (c->loop->gather_conn == c) gather_flush(c->loop);
    if (c->is_broken) return;
    write_waiting(c);
    struct http_box *b = c->first;
    if (b && b->file_fd >= 0 && c->out.n == 0 && c->is_writable && !c->is_broken) write_file(c, b);
}
