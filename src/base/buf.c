// SPDX-License-Identifier: MulanPSL-2.0
// A buffer that grows inside an arena, never past the limit given at birth. Keeps true: n <= cap <= max_bytes
// + 1 (one byte is kept for a terminating zero while printing), and once `over` is set nothing more is
// appended, so that a caller may check once at the end instead of after every put.
#include "base/text.h"
#include <assert.h>
#include <stdio.h>

#define BUF_FIRST ((size_t)256)

// A limit is not optional: every buffer is filled, in the end, by what some stranger asked for.
struct buf buf_new(struct arena *mem, size_t first_bytes, size_t max_bytes) {
    assert(mem && max_bytes > 0 && max_bytes < SIZE_MAX);
    struct buf b = {.mem = mem, .max_bytes = max_bytes};
    if (first_bytes > max_bytes) first_bytes = max_bytes;
    if (first_bytes > 0) {
        b.p = arena_take(mem, first_bytes + 1);
        if (b.p) b.cap = first_bytes + 1;
        b.over = !b.p;
    }
    return b;
}

// Doubling keeps the sum of all copies below twice the final size; the last step is cut to the limit, so that a
// buffer of exactly max_bytes can be filled.
char *buf_room(struct buf *b, size_t bytes) {
    if (b->over) return NULL;
    if (b->cap - b->n > bytes) return b->p + b->n; // '>' leaves the zero's byte
    if (bytes > b->max_bytes || b->n > b->max_bytes - bytes) {
        b->over = true;
        return NULL;
    }
    size_t want = b->cap < BUF_FIRST ? BUF_FIRST : b->cap * 2;
    if (want < b->n + bytes + 1) want = b->n + bytes + 1;
    if (want > b->max_bytes + 1) want = b->max_bytes + 1;
    char *p = arena_grow(b->mem, b->p, b->cap, want);
    if (!p) {
        b->over = true;
        return NULL;
    }
    b->p = p;
    b->cap = want;
    return p + b->n;
}

void buf_put(struct buf *b, struct str s) {
    if (s.n == 0) return;
    char *p = buf_room(b, s.n);
    if (!p) return;
    memcpy(p, s.p, s.n);
    b->n += s.n;
}

void buf_puts(struct buf *b, const char *zero_terminated) {
    buf_put(b, str_of(zero_terminated));
}

void buf_char(struct buf *b, char c) {
    char *p = buf_room(b, 1);
    if (!p) return;
    *p = c;
    b->n++;
}

// By hand rather than by printf: ids and counts are the most frequent thing in every reply.
void buf_int(struct buf *b, int64_t v) {
    char digits[20];
    size_t at = sizeof digits;
    // Negated as unsigned, since INT64_MIN has no positive twin.
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do {
        digits[--at] = (char)('0' + u % 10);
        u /= 10;
    } while (u > 0);
    if (v < 0) buf_char(b, '-');
    buf_put(b, (struct str){digits + at, sizeof digits - at});
}

// All or nothing: a number cut at the limit would be a wrong number, not a shorter one.
void buf_print(struct buf *b, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    // First into what room there is: its result is the true length, also when it did not fit.
    size_t room = b->over ? 0 : b->cap - b->n;
    char *p = room > 0 ? b->p + b->n : NULL;
    int n = vsnprintf(p, room, fmt, ap);
    if (n >= 0 && (size_t)n >= room) {
        p = buf_room(b, (size_t)n);
        if (p) vsnprintf(p, (size_t)n + 1, fmt, again);
    }
    if (n >= 0 && p) b->n += (size_t)n;
    va_end(again);
    va_end(ap);
}

struct str buf_str(const struct buf *b) {
    return (struct str){b->p, b->n};
}
