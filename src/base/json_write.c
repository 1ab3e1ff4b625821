// SPDX-License-Identifier: MulanPSL-2.0
// The append-only writer, the copy of parsed values, and the canonical form. Keeps true: what it writes is
// one line of valid JSON (NDJSON needs that) which json_parse reads back to the same value; a number is never
// rounded through a double when it is copied; the canonical form depends on the value only, not on its spelling.
#include "base/json_doc.h"
#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PLAIN_INT_MAX 9007199254740992.0 // 2^53: below, every integral double is exact as int64_t

// --- text ---

// U+007F and '/' need no escape by RFC 8259, and RFC 8785 wants none where none is needed.
static bool is_plain(char c) {
    unsigned char u = (unsigned char)c;
    return u >= 0x20 && u != '"' && u != '\\';
}

static void put_escape(struct buf *out, char c) {
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *known = memchr(from, c, sizeof from - 1);
    char text[7] = {'\\'};
    if (known)
        text[1] = to[known - from];
    else
        snprintf(text, sizeof text, "\\u%04x", (unsigned char)c);
    buf_puts(out, text);
}

// Eight at a time: is any byte of x a control character, a quote or a backslash? The top bit of a byte of `below` is set
// where the byte is less than 0x20 (and itself below 0x80), of `zero` where it is 0 (Hacker's Delight §6-1). A borrow may
// set one bit too many, above a true one; then the bytes are looked at one by one, as they would be anyway.
static bool are_plain(const char *p) {
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t x;
    memcpy(&x, p, sizeof x);
    const uint64_t below = (x - ones * 0x20) & ~x, quote = x ^ ones * '"', slash = x ^ ones * '\\';
    const uint64_t zero = ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
    return ((below | zero) & tops) == 0;
}

// Runs of plain characters are copied at once; text from the store is nearly all plain.
void json_put_text(struct buf *out, struct str v) {
    buf_char(out, '"');
    for (size_t i = 0; i < v.n;) {
        size_t from = i;
        while (i + 8 <= v.n && are_plain(v.p + i))
            i += 8;
        while (i < v.n && is_plain(v.p[i]))
            i++;
        buf_put(out, (struct str){v.p + from, i - from});
        if (i < v.n) put_escape(out, v.p[i++]);
    }
    buf_char(out, '"');
}

// --- numbers ---

// Leading and trailing zeros go, the point becomes a power of ten: 0.0120e3 is 0.12 × 10^2 (n = 2, point = 2).
void json_decimal_of(struct str s, struct decimal *d) {
    size_t i = 0;
    d->n = 0;
    d->point = 0;
    d->is_negative = s.p[0] == '-';
    i += d->is_negative;
    bool after_point = false;
    for (; i < s.n && (s.p[i] | 32) != 'e'; i++) {
        if (s.p[i] == '.') {
            after_point = true;
            continue;
        }
        bool is_leading_zero = d->n == 0 && s.p[i] == '0';
        if (!after_point && !is_leading_zero) d->point++;
        if (after_point && is_leading_zero) d->point--;
        if (is_leading_zero) continue;
        assert(d->n < JSON_DIGITS_MAX);
        d->digits[d->n++] = s.p[i];
    }
    int64_t exponent = 0;
    if (i < s.n) {
        struct str text = {s.p + i + 1, s.n - i - 1};
        bool ok = str_int64(text, &exponent) && exponent > -1000000000 && exponent < 1000000000;
        assert(ok); // the parser let at most nine digits pass
        (void)ok;
    }
    while (d->n > 0 && d->digits[d->n - 1] == '0')
        d->n--;
    if (d->n == 0) { // zero has one form, and no sign
        d->is_negative = false;
        d->point = 0;
        return;
    }
    d->point += (int32_t)exponent;
}

static void put_zeros(struct buf *out, int32_t n) {
    while (n-- > 0)
        buf_char(out, '0');
}

// The layout of ECMAScript's Number::toString, which RFC 8785 takes over: plain between 1e-7 and 1e21.
void json_put_decimal(struct buf *out, const struct decimal *d) {
    struct str digits = {d->digits, (size_t)d->n};
    if (d->is_negative) buf_char(out, '-');
    if (d->n == 0) {
        buf_char(out, '0');
    } else if (d->n <= d->point && d->point <= 21) {
        buf_put(out, digits);
        put_zeros(out, d->point - d->n);
    } else if (d->point > 0 && d->point <= 21) {
        buf_put(out, (struct str){digits.p, (size_t)d->point});
        buf_char(out, '.');
        buf_put(out, (struct str){digits.p + d->point, digits.n - (size_t)d->point});
    } else if (d->point > -6 && d->point <= 0) {
        buf_puts(out, "0.");
        put_zeros(out, -d->point);
        buf_put(out, digits);
    } else {
        buf_char(out, digits.p[0]);
        if (d->n > 1) {
            buf_char(out, '.');
            buf_put(out, (struct str){digits.p + 1, digits.n - 1});
        }
        buf_puts(out, d->point > 0 ? "e+" : "e-");
        buf_int(out, d->point > 0 ? d->point - 1 : 1 - (int64_t)d->point);
    }
}

static void put_double(struct buf *out, double v) {
    if (!isfinite(v)) {
        buf_puts(out, "null");
        return;
    }
    if (fabs(v) < PLAIN_INT_MAX && v == floor(v)) {
        buf_int(out, (int64_t)v);
        return;
    }
    // 15 digits always survive a normal double, 17 always suffice; subnormal ones hold fewer.
    char text[40];
    for (int digits = fabs(v) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, v);
        if (strtod(text, NULL) == v) break;
    }
    struct decimal d;
    json_decimal_of(str_of(text), &d);
    json_put_decimal(out, &d);
}

// --- the writer ---

struct jw jw_to(struct buf *out) {
    return (struct jw){.out = out};
}

// One bit per level says whether something stands there already; a value after a name needs no comma.
static void before_value(struct jw *w) {
    if (w->after_name) {
        w->after_name = false;
        return;
    }
    if (w->depth == 0) return;
    uint64_t level = UINT64_C(1) << (w->depth - 1);
    if (w->has_item & level) buf_char(w->out, ',');
    w->has_item |= level;
}

// Depth is our own code's doing here, so too much of it is a mistake in the program and not an error value.
static void open_with(struct jw *w, char c) {
    before_value(w);
    assert(w->depth < JSON_DEPTH_MAX);
    w->has_item &= ~(UINT64_C(1) << w->depth);
    w->depth++;
    buf_char(w->out, c);
}

static void close_with(struct jw *w, char c) {
    assert(w->depth > 0 && !w->after_name);
    w->depth--;
    buf_char(w->out, c);
}

void jw_object(struct jw *w) {
    open_with(w, '{');
}

void jw_object_end(struct jw *w) {
    close_with(w, '}');
}

void jw_array(struct jw *w) {
    open_with(w, '[');
}

void jw_array_end(struct jw *w) {
    close_with(w, ']');
}

void jw_name(struct jw *w, const char *name) {
    jw_name_str(w, str_of(name));
}

void jw_name_str(struct jw *w, struct str name) {
    assert(!w->after_name && w->depth > 0);
    before_value(w);
    json_put_text(w->out, name);
    buf_char(w->out, ':');
    w->after_name = true;
}

void jw_text(struct jw *w, struct str v) {
    before_value(w);
    if (v.p)
        json_put_text(w->out, v);
    else
        buf_puts(w->out, "null");
}

void jw_textz(struct jw *w, const char *v) {
    jw_text(w, str_of(v));
}

void jw_int(struct jw *w, int64_t v) {
    before_value(w);
    buf_int(w->out, v);
}

void jw_double(struct jw *w, double v) {
    before_value(w);
    put_double(w->out, v);
}

void jw_bool(struct jw *w, bool v) {
    before_value(w);
    buf_puts(w->out, v ? "true" : "false");
}

void jw_null(struct jw *w) {
    before_value(w);
    buf_puts(w->out, "null");
}

// Only for text that this program wrote itself: nothing is checked.
void jw_raw(struct jw *w, struct str json) {
    before_value(w);
    buf_put(w->out, json);
}

// Copies without the white space between tokens. Recursion is bounded by the parser's JSON_DEPTH_MAX, and the
// writer's own depth is not touched: a stranger's deep value must not meet the assert that guards our code.
static void put_compact(struct buf *out, struct json v) {
    enum json_kind kind = json_kind(v);
    if (kind != JSON_OBJECT && kind != JSON_ARRAY) {
        buf_put(out, json_raw(v));
        return;
    }
    buf_char(out, kind == JSON_OBJECT ? '{' : '[');
    uint32_t at = v.at + 1;
    for (size_t i = 0, n = json_count(v); i < n; i++) {
        if (i > 0) buf_char(out, ',');
        if (kind == JSON_OBJECT) {
            buf_put(out, json_raw((struct json){v.doc, at++}));
            buf_char(out, ':');
        }
        put_compact(out, (struct json){v.doc, at});
        at = v.doc->nodes[at].skip;
    }
    buf_char(out, kind == JSON_OBJECT ? '}' : ']');
}

void jw_value(struct jw *w, struct json v) {
    before_value(w);
    if (v.doc)
        put_compact(w->out, v);
    else
        buf_puts(w->out, "null");
}

void jw_ntext(struct jw *w, const char *name, struct str v) {
    jw_name(w, name);
    jw_text(w, v);
}

void jw_nint(struct jw *w, const char *name, int64_t v) {
    jw_name(w, name);
    jw_int(w, v);
}

void jw_nbool(struct jw *w, const char *name, bool v) {
    jw_name(w, name);
    jw_bool(w, v);
}

// --- the canonical form ---

struct member {
    struct str name;
    struct json value;
};

static int by_name(const void *a, const void *b) {
    return str_cmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static void put_canonical(struct buf *out, struct json v);

// Sorted by bytes of UTF-8. RFC 8785 sorts by UTF-16 units, which differs only for names beyond U+FFFF; bytes are
// the order of every other list in gusu, and whoever checks a digest needs one rule, not two.
static void put_members(struct buf *out, struct json v) {
    size_t n = json_count(v);
    struct member *members = arena_array(out->mem, n, sizeof *members);
    if (!members) {
        out->over = true;
        return;
    }
    size_t i = 0;
    for (struct json_iter it = json_iter(v); json_next(&it); i++)
        members[i] = (struct member){it.name, it.value};
    if (n > 1) qsort(members, n, sizeof *members, by_name);
    buf_char(out, '{');
    for (i = 0; i < n; i++) {
        if (i > 0) buf_char(out, ',');
        json_put_text(out, members[i].name);
        buf_char(out, ':');
        put_canonical(out, members[i].value);
    }
    buf_char(out, '}');
}

// Recursion is bounded by JSON_DEPTH_MAX, as the value has been parsed.
static void put_canonical(struct buf *out, struct json v) {
    switch (json_kind(v)) {
    case JSON_OBJECT:
        put_members(out, v);
        break;
    case JSON_ARRAY: {
        buf_char(out, '[');
        bool is_first = true;
        for (struct json_iter it = json_iter(v); json_next(&it); is_first = false) {
            if (!is_first) buf_char(out, ',');
            put_canonical(out, it.value);
        }
        buf_char(out, ']');
        break;
    }
    case JSON_TEXT:
        json_put_text(out, json_text(v));
        break;
    case JSON_NUMBER: {
        // Exact digits, not a double's: 64-bit ids and long decimals must not share a digest with a neighbour.
        struct decimal d;
        json_decimal_of(json_raw(v), &d);
        json_put_decimal(out, &d);
        break;
    }
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
        buf_put(out, json_raw(v));
        break;
    }
}

struct str json_canonical(struct arena *mem, struct json v) {
    if (!v.doc) return STR_NONE;
    // Escapes may grow a text up to six times (a control character), numbers and names never more than that.
    struct buf out =
        buf_new(mem, json_raw(v).n + 16, mem->limit_bytes ? mem->limit_bytes : ARENA_LIMIT_DEFAULT);
    put_canonical(&out, v);
    return out.over || v.doc->mem->failed ? STR_NONE : buf_str(&out);
}
