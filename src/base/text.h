// SPDX-License-Identifier: MulanPSL-2.0
// Text: a pointer with a length, never owned, not NUL-terminated unless a function says so; and a buffer
// that grows inside an arena under a limit given at birth. All text inside gusu is valid UTF-8 without NUL.
#ifndef BASE_TEXT_H
#define BASE_TEXT_H
#include "base/arena.h"
#include <stdarg.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

// A literal or array as a str, its length known at compile time.
#define S(lit) ((struct str){(lit), sizeof(lit) - 1})
// The same inside the initializer of a static table, where C17 wants no compound literal.
#define S_INIT(lit)                                                                                          \
    { (lit), sizeof(lit) - 1 }
#define STR_NONE ((struct str){NULL, 0})
// For printf("%.*s", STRF(s)).
#define STRF(s) (int)(s).n, (s).p

struct str str_of(const char *zero_terminated); // NULL gives STR_NONE
struct str str_copy(struct arena *a, struct str s);
char *str_z(struct arena *a, struct str s); // zero-terminated copy; NULL when out of memory
struct str str_print(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct str str_vprint(struct arena *a, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); // ASCII only
int str_cmp(struct str a, struct str b);        // bytes, as COLLATE "C"
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_has(struct str s, struct str part);
struct str str_trim(struct str s); // ASCII space and U+3000, U+FEFF, U+00A0 at both ends
// Cuts s at the first `sep`: returns what stands before it, and *rest what stands after (STR_NONE if none).
struct str str_cut(struct str s, char sep, struct str *rest);
bool str_int64(struct str s, int64_t *ret_value) MUST; // whole decimal text, sign allowed, no spaces
bool str_utf8_ok(struct str s) MUST;                   // strict: no overlong, no surrogate, no NUL
size_t str_utf8_count(struct str s);                   // code points
// Decodes one code point at *at and moves *at on; -1 at the end or on a bad byte.
int32_t str_utf8_next(struct str s, size_t *at);
size_t str_utf8_put(char out[4], uint32_t code_point);                  // bytes written
uint64_t str_hash(struct str s);                                        // FNV-1a, for tables in memory only
struct str str_hex(struct arena *a, const void *bytes, size_t n);       // lower case
bool str_unhex(struct str s, uint8_t *ret_bytes, size_t n) MUST;        // exactly 2n digits
struct str str_base64(struct arena *a, const void *bytes, size_t n);    // RFC 4648 §4, padded
struct str str_base64url(struct arena *a, const void *bytes, size_t n); // RFC 4648 §5, no padding
// Either alphabet by `url`; strict; false on any stray character or bad length.
bool str_unbase64(struct arena *a, struct str s, bool url, struct str *ret_bytes) MUST;
bool str_equal_const_time(const void *a, const void *b, size_t n);

struct buf {
    struct arena *mem;
    char *p;
    size_t n, cap, max_bytes;
    bool over; // more than max_bytes was asked for, or memory ran out; the text is then incomplete
};
struct buf buf_new(struct arena *mem, size_t first_bytes, size_t max_bytes);
void buf_put(struct buf *b, struct str s);
void buf_puts(struct buf *b, const char *zero_terminated);
void buf_char(struct buf *b, char c);
void buf_int(struct buf *b, int64_t v);
void buf_print(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *buf_room(struct buf *b, size_t bytes); // bytes writable at the end, not yet counted; NULL when over
struct str buf_str(const struct buf *b);

#endif
