// SPDX-License-Identifier: MulanPSL-2.0
// Text by pointer and length. What it keeps true: no function here reads past n, writes a byte that was not
// reserved, or depends on the process's locale; every result is in the arena or a slice of the input. The
// UTF-8 walk steps eight ASCII bytes at a time, since it runs over every byte that a stranger sends.
#include "base/text.h"
#include <assert.h>
#include <limits.h>
#include <stdio.h>

#define ONES  UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

struct str str_of(const char *zero_terminated) {
    if (!zero_terminated) return STR_NONE;
    return (struct str){zero_terminated, strlen(zero_terminated)};
}

// For calls into libraries that want C strings. Text inside gusu holds no zero byte, so nothing is cut off.
char *str_z(struct arena *a, struct str s) {
    if (s.n == SIZE_MAX) return NULL;
    char *p = arena_take(a, s.n + 1); // zeroed, so it ends itself
    if (p && s.n) memcpy(p, s.p, s.n);
    return p;
}

struct str str_copy(struct arena *a, struct str s) {
    if (!s.p) return STR_NONE;
    char *p = str_z(a, s);
    return p ? (struct str){p, s.n} : STR_NONE;
}

struct str str_vprint(struct arena *a, const char *fmt, va_list ap) {
    char small[256]; // most prints fit, and then the format runs once
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    struct str ret = STR_NONE;
    if (n >= 0 && (size_t)n < sizeof small) {
        ret = str_copy(a, (struct str){small, (size_t)n});
    } else if (n >= 0) {
        char *p = arena_take(a, (size_t)n + 1);
        if (p) {
            vsnprintf(p, (size_t)n + 1, fmt, again);
            ret = (struct str){p, (size_t)n};
        }
    }
    va_end(again);
    return ret;
}

struct str str_print(struct arena *a, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    struct str ret = str_vprint(a, fmt, ap);
    va_end(ap);
    return ret;
}

// A length of zero never reaches memcmp and its kin: with a null pointer they are undefined even then.
bool str_eq(struct str a, struct str b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static unsigned char lower(char c) {
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u + ('a' - 'A')) : u;
}

// For HTTP header names and the like, which are ASCII by their standards; people's text is never folded.
bool str_eq_nocase(struct str a, struct str b) {
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i])) return false;
    return true;
}

// The order of COLLATE "C" in both stores and of `sort` under LC_ALL=C; for UTF-8 also that of code points.
int str_cmp(struct str a, struct str b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c != 0) return c;
    return (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct str s, struct str prefix) {
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool str_ends(struct str s, struct str suffix) {
    return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + (s.n - suffix.n), suffix.p, suffix.n) == 0);
}

bool str_has(struct str s, struct str part) {
    return part.n == 0 || (s.n >= part.n && memmem(s.p, s.n, part.p, part.n) != NULL);
}

// Bytes of white space at the start of s: ASCII, or one of the three that Chinese office files carry.
static size_t space_at_start(struct str s) {
    if (s.n == 0) return 0;
    char c = s.p[0];
    if (c == ' ' || (c >= '\t' && c <= '\r')) return 1;
    if (str_starts(s, S("\u00a0"))) return 2;
    if (str_starts(s, S("\u3000")) || str_starts(s, S("\ufeff"))) return 3;
    return 0;
}

static size_t space_at_end(struct str s) {
    if (s.n == 0) return 0;
    char c = s.p[s.n - 1];
    if (c == ' ' || (c >= '\t' && c <= '\r')) return 1;
    if (str_ends(s, S("\u00a0"))) return 2;
    if (str_ends(s, S("\u3000")) || str_ends(s, S("\ufeff"))) return 3;
    return 0;
}

// U+3000 comes from Chinese input methods, U+00A0 from web pages, U+FEFF from files that were glued together.
struct str str_trim(struct str s) {
    for (size_t k; (k = space_at_start(s)) != 0;) {
        s.p += k;
        s.n -= k;
    }
    for (size_t k; (k = space_at_end(s)) != 0;)
        s.n -= k;
    return s;
}

// "No separator" and "nothing behind the separator" differ: rest.p is NULL only in the first case.
struct str str_cut(struct str s, char sep, struct str *rest) {
    const char *at = s.n ? memchr(s.p, sep, s.n) : NULL;
    if (!at) {
        *rest = STR_NONE;
        return s;
    }
    size_t before = (size_t)(at - s.p);
    *rest = (struct str){at + 1, s.n - before - 1};
    return (struct str){s.p, before};
}

// Strict, unlike strtoll: no white space, no locale, no rest, and overflow is a refusal rather than a clamp.
bool str_int64(struct str s, int64_t *ret_value) {
    size_t i = 0;
    bool is_negative = s.n > 0 && s.p[0] == '-';
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+')) i = 1;
    if (i == s.n) return false;
    int64_t v = 0;
    for (; i < s.n; i++) {
        int digit = s.p[i] - '0';
        if (digit < 0 || digit > 9) return false;
        // Summed on the negative side when there is a sign, as INT64_MIN has no positive twin.
        if (__builtin_mul_overflow(v, 10, &v)) return false;
        if (__builtin_add_overflow(v, is_negative ? -digit : digit, &v)) return false;
    }
    *ret_value = v;
    return true;
}

// Length of the well-formed sequence at p (n bytes left), 0 when it is ill-formed or cut. Table 3-7 of the
// Unicode standard: the second byte's range excludes overlong forms, surrogates and what lies past U+10FFFF.
static inline size_t sequence(const unsigned char *p, size_t n) {
    unsigned char c = p[0];
    if (c < 0x80) return c != 0;
    if (c >= 0xE0 && c < 0xF0) { // first, since Chinese lives here
        if (n < 3) return 0;
        unsigned char low = c == 0xE0 ? 0xA0 : 0x80, high = c == 0xED ? 0x9F : 0xBF;
        return p[1] >= low && p[1] <= high && (p[2] & 0xC0) == 0x80 ? 3 : 0;
    }
    if (c >= 0xC2 && c < 0xE0) return n >= 2 && (p[1] & 0xC0) == 0x80 ? 2 : 0;
    if (c >= 0xF0 && c <= 0xF4) {
        if (n < 4) return 0;
        unsigned char low = c == 0xF0 ? 0x90 : 0x80, high = c == 0xF4 ? 0x8F : 0xBF;
        bool ok = p[1] >= low && p[1] <= high && (p[2] & 0xC0) == 0x80 && (p[3] & 0xC0) == 0x80;
        return ok ? 4 : 0;
    }
    return 0;
}

bool str_utf8_ok(struct str s) {
    if (s.n == 0) return true; // first, since STR_NONE has no address to add to
    const unsigned char *p = (const unsigned char *)s.p, *end = p + s.n;
    while (p < end) {
        // Eight bytes at once while none is zero or has its top bit set.
        while (end - p >= 8) {
            uint64_t w;
            memcpy(&w, p, 8);
            if (((w | (w - ONES)) & HIGHS) != 0) break;
            p += 8;
        }
        if (p == end) break;
        size_t k = sequence(p, (size_t)(end - p));
        if (k == 0) return false;
        p += k;
        // A run of Chinese is the common case after one Chinese character.
        while (k == 3 && p < end && (k = sequence(p, (size_t)(end - p))) == 3)
            p += 3;
    }
    return true;
}

// Counts the bytes that begin a character, so it is right for valid text only.
size_t str_utf8_count(struct str s) {
    size_t count = 0;
    for (size_t i = 0; i < s.n; i++)
        count += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return count;
}

// On a bad byte *at stays where it is, so that a caller can name the place.
int32_t str_utf8_next(struct str s, size_t *at) {
    if (*at >= s.n) return -1;
    const unsigned char *p = (const unsigned char *)s.p + *at;
    size_t k = sequence(p, s.n - *at);
    *at += k;
    if (k == 1) return p[0];
    if (k == 2) return (p[0] & 0x1F) << 6 | (p[1] & 0x3F);
    if (k == 3) return (p[0] & 0x0F) << 12 | (p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    if (k == 4) return (p[0] & 0x07) << 18 | (p[1] & 0x3F) << 12 | (p[2] & 0x3F) << 6 | (p[3] & 0x3F);
    return -1;
}

size_t str_utf8_put(char out[4], uint32_t c) {
    assert(c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF));
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

// FNV-1a, 64 bits. Its collisions can be computed, so no table that strangers fill may rest on it alone: the
// JSON reader uses a keyed hash instead.
uint64_t str_hash(struct str s) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
    return h;
}

// For digests and tokens: how long it takes must not tell how many leading bytes were guessed right.
bool str_equal_const_time(const void *a, const void *b, size_t n) {
    const volatile unsigned char *x = a, *y = b; // volatile: the loop must not end at the first difference
    unsigned char differ = 0;
    for (size_t i = 0; i < n; i++)
        differ |= x[i] ^ y[i];
    return differ == 0;
}
