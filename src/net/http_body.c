// SPDX-License-Identifier: MulanPSL-2.0
// Request bodies as they arrive: in the arena up to HTTP_BODY_MEMORY_MAX, then in a file without a name.
// Memory is taken as bytes come, never as a header promises them, so that a thousand promises cost nothing.
#include "net/http_inner.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool write_all(int fd, struct str s) {
    while (s.n) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        s = (struct str){s.p + n, s.n - (size_t)n};
    }
    return true;
}

// A file that vanishes with its descriptor, whatever happens to the process.
static int open_spool(struct http_conn *c) {
    const char *dir = c->loop->config.spool_dir;
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) return fd;
    char path[4096]; // file systems without O_TMPFILE
    int n = snprintf(path, sizeof path, "%s/body-XXXXXX", dir);
    if (n < 0 || (size_t)n >= sizeof path) return -1;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) unlink(path);
    return fd;
}

static bool to_memory(struct http_conn *c, struct http_exchange *x, struct str s) {
    size_t need = x->body.n + s.n;
    char *p = NULL;
    if (need > c->body_cap) {
        size_t cap = c->body_cap ? c->body_cap * 2 : HTTP_FIRST_BODY_BYTES;
        while (cap < need)
            cap *= 2;
        p = arena_grow(x->mem, c->body_at, c->body_cap, cap);
        if (p == NULL) return false;
        c->body_at = p;
        c->body_cap = cap;
    }
    memcpy(c->body_at + x->body.n, s.p, s.n);
    x->body = (struct str){c->body_at, need};
    return true;
}

static enum body_result refused(struct http_conn *c, int status, const char *why) {
    conn_refuse(c, status, why);
    return BODY_REFUSED;
}

static enum body_result store(struct http_conn *c, struct str s) {
    struct http_exchange *x = &c->reading->x;
    if (x->body_bytes + (int64_t)s.n > c->body_max) return refused(c, 413, "the body is too large");
    x->body_bytes += (int64_t)s.n;
    if (x->body_fd < 0 && x->body_bytes <= HTTP_BODY_MEMORY_MAX)
        return to_memory(c, x, s) ? BODY_MORE : refused(c, 503, "out of memory");
    if (x->body_fd < 0) {
        x->body_fd = open_spool(c);
        if (x->body_fd < 0 || !write_all(x->body_fd, x->body)) return refused(c, 507, "no room for the body");
        x->body = STR_NONE;
    }
    return write_all(x->body_fd, s) ? BODY_MORE : refused(c, 507, "no room for the body");
}

static enum body_result finish(struct http_conn *c) {
    int fd = c->reading->x.body_fd;
    if (fd >= 0 && lseek(fd, 0, SEEK_SET) < 0) return refused(c, 500, "the body cannot be read back");
    return BODY_DONE;
}

static enum body_result take_chunked(struct http_conn *c, const char *p, size_t n, size_t *ret_used) {
    size_t at = 0;
    while (at < n) {
        size_t used = 0;
        struct str data = STR_NONE;
        enum http_chunk_event ev = http_chunk_next(&c->chunk, p + at, n - at, &used, &data);
        at += used;
        *ret_used = at;
        if (ev == CHUNK_BAD) return refused(c, 400, "bad chunked body");
        if (ev == CHUNK_END) return finish(c);
        if (ev == CHUNK_DATA && store(c, data) == BODY_REFUSED) return BODY_REFUSED;
    }
    return BODY_MORE;
}

enum body_result body_take(struct http_conn *c, const char *p, size_t n, size_t *ret_used) {
    if (c->body_left < 0) return take_chunked(c, p, n, ret_used);
    size_t take = c->body_left < (int64_t)n ? (size_t)c->body_left : n;
    *ret_used = take;
    if (store(c, (struct str){p, take}) == BODY_REFUSED) return BODY_REFUSED;
    c->body_left -= (int64_t)take;
    return c->body_left == 0 ? finish(c) : BODY_MORE;
}
