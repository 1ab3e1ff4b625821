// SPDX-License-Identifier: MulanPSL-2.0
// The strict reader of RFC 8259: one pass over the bytes, no recursion, no copy. What it keeps true: what it
// accepts is valid JSON in valid UTF-8 without U+0000 and lone surrogates (text inside gusu holds neither),
// no object has a name twice, and depth, nodes and length of numbers stay within their limits. Time is
// linear in the bytes whoever wrote them: the table of names is keyed, so nobody can make names collide.
//
//                  ┌──────────── , (array) ◄───────────┐
//                  ▼                                   │
//     start ─► a value ──scalar, {} or []──► after a value ──depth 0──► only white space may follow
//                │ ▲                            │    ▲
//          { or [│ │ name :                     │    └── } or ]: close, the container is now the value
//                ▼ │                            │
//               open ◄────── , (object) ────────┘
#include "base/json_doc.h"
#include <assert.h>
#include <endian.h>
#include <sys/random.h>

#define ONES  UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

#define NODES_FIRST_MAX 1024 // the first guess of the index: bytes / 8, but not more than this

struct frame { // an open container
    uint32_t node, last_name, count;
    bool has_escaped;
};

struct parser {
    struct json_doc *doc;
    const unsigned char *at, *end;
    struct err *e;
    uint32_t depth;
    struct frame open[JSON_DEPTH_MAX];
};

// --- errors: where (JSON pointer and line) and what ---

static void pointer_put(struct buf *out, struct str name) { // RFC 6901
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '~')
            buf_puts(out, "~0");
        else if (name.p[i] == '/')
            buf_puts(out, "~1");
        else
            buf_char(out, name.p[i]);
    }
}

// All of this costs only when something is wrong: while reading, neither lines nor paths are kept.
static int fail(struct parser *p, enum err_code code, const unsigned char *at) {
    if (!p->e) return (int)code;
    struct json_doc *doc = p->doc;
    struct buf path = buf_new(doc->mem, 0, 64 << 10); // deep paths of long names are cut by struct err anyway
    for (uint32_t i = 0; i < p->depth; i++) {
        const struct frame *f = &p->open[i];
        bool is_object = (doc->nodes[f->node].info & NODE_KIND) == JSON_OBJECT;
        if (is_object && f->last_name == 0) break;
        buf_char(&path, '/');
        if (is_object)
            pointer_put(&path, json_node_text(doc, &doc->nodes[f->last_name]));
        else
            buf_int(&path, f->count);
    }
    const unsigned char *from = (const unsigned char *)doc->text;
    int64_t line = 1;
    for (const unsigned char *c = from; c < at; c++)
        line += *c == '\n';
    struct str near = {(const char *)at, (size_t)(p->end - at)};
    if (near.n > 24) near.n = 24;
    if (code == ERR_json_twice) near.n = doc->nodes[p->open[p->depth - 1].last_name].n;
    struct str field = buf_str(&path);
    char field_z[sizeof p->e->field];
    size_t n = field.n < sizeof field_z - 1 ? field.n : sizeof field_z - 1;
    if (n) memcpy(field_z, field.p, n);
    field_z[n] = 0;
    if (code == ERR_json_depth) return err_set_row(p->e, code, field_z, line, "%d", JSON_DEPTH_MAX);
    if (code == ERR_too_large) return err_set_row(p->e, code, field_z, line, "%d", JSON_NODES_MAX);
    return err_set_row(p->e, code, field_z, line, "%.*s", STRF(near));
}

// A text that stops too early was probably cut on its way; that is another message than a wrong character.
static int fail_here(struct parser *p) {
    return p->at == p->end ? fail(p, ERR_json_end, p->at) : fail(p, ERR_json_syntax, p->at);
}

// --- the index ---

// Room for a name, its value and a hidden node, so that the callers can add without a check.
static inline int make_room(struct parser *p) {
    struct json_doc *doc = p->doc;
    if (doc->nodes_n + 3 <= doc->nodes_cap) return OK;
    if (doc->nodes_n + 3 > JSON_NODES_MAX) return fail(p, ERR_too_large, p->at);
    uint32_t cap = doc->nodes_cap * 2 < JSON_NODES_MAX ? doc->nodes_cap * 2 : JSON_NODES_MAX;
    struct json_node *grown =
        arena_grow(doc->mem, doc->nodes, doc->nodes_cap * sizeof *grown, cap * sizeof *grown);
    if (!grown) return err_set(p->e, ERR_no_memory, "", NULL);
    doc->nodes = grown;
    doc->nodes_cap = cap;
    return OK;
}

// The caller has made room. skip is right for everything but containers, which set theirs when they close.
static inline uint32_t node_add(struct parser *p, const unsigned char *start, const unsigned char *end,
                                uint32_t info) {
    struct json_doc *doc = p->doc;
    assert(doc->nodes_n < doc->nodes_cap);
    uint32_t i = doc->nodes_n++;
    doc->nodes[i] = (struct json_node){.start = (uint32_t)(start - (const unsigned char *)doc->text),
                                       .n = (uint32_t)(end - start),
                                       .skip = i + 1,
                                       .info = info};
    return i;
}

// --- strings ---

static int hex4(const unsigned char *s) {
    int v = 0;
    for (int i = 0; i < 4; i++) {
        int c = s[i], d = c >= '0' && c <= '9'                 ? c - '0'
                          : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                               : -1;
        if (d < 0) return -1;
        v = v << 4 | d;
    }
    return v;
}

// Bytes of the escape at s (a backslash), 0 when it is wrong. Surrogates must come in pairs.
static size_t escape_length(const unsigned char *s, const unsigned char *end) {
    if (end - s < 2) return 0;
    if (s[1] != 'u') return s[1] && strchr("\"\\/bfnrt", s[1]) ? 2 : 0;
    int unit = end - s >= 6 ? hex4(s + 2) : -1;
    if (unit <= 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) return 0;
    if (unit < 0xD800 || unit > 0xDFFF) return 6;
    if (end - s < 12 || s[6] != '\\' || s[7] != 'u') return 0;
    int low = hex4(s + 8);
    return low >= 0xDC00 && low <= 0xDFFF ? 12 : 0;
}

// The first byte at or after s that is not plain ASCII text: quote, backslash, control, or part of UTF-8.
static const unsigned char *plain_end(const unsigned char *s, const unsigned char *end) {
    while (end - s >= 8) {
        uint64_t w;
        memcpy(&w, s, 8);
        w = le64toh(w);
        uint64_t quote = w ^ (ONES * '"'), slash = w ^ (ONES * '\\');
        // Each term marks its lowest hit exactly; marks above it may be false, but only the lowest is used.
        uint64_t hit = (((w - ONES * 0x20) | (quote - ONES) | (slash - ONES)) & ~w & HIGHS) | (w & HIGHS);
        if (hit) return s + (__builtin_ctzll(hit) >> 3);
        s += 8;
    }
    while (s < end && *s >= 0x20 && *s < 0x80 && *s != '"' && *s != '\\')
        s++;
    return s;
}

// Past the run of non-ASCII characters at s, NULL when it is ill-formed.
static const unsigned char *utf8_end(const unsigned char *s, const unsigned char *end) {
    // Chinese: three bytes, E4..E9 first, needs no look at the second byte's narrower ranges.
    while (end - s >= 3 && s[0] >= 0xE1 && s[0] <= 0xEC && (s[1] & 0xC0) == 0x80 && (s[2] & 0xC0) == 0x80)
        s += 3;
    struct str rest = {(const char *)s, (size_t)(end - s)};
    size_t step = 0;
    if (s < end && *s >= 0x80 && str_utf8_next(rest, &step) < 0) return NULL;
    return s + step;
}

// p->at stands on the opening quote; afterwards behind the closing one.
static int read_string(struct parser *p, uint32_t *ret_node) {
    const unsigned char *start = p->at + 1, *s = start;
    uint32_t info = JSON_TEXT;
    for (;;) {
        s = plain_end(s, p->end);
        if (s == p->end) return fail(p, ERR_json_end, s);
        if (*s == '"') break;
        if (*s >= 0x80) {
            const unsigned char *next = utf8_end(s, p->end);
            if (!next) return fail(p, ERR_utf8, s);
            s = next;
        } else {
            size_t k = *s == '\\' ? escape_length(s, p->end) : 0;
            if (k == 0) return fail(p, ERR_json_syntax, s);
            info |= NODE_ESCAPED;
            s += k;
        }
    }
    p->at = s + 1;
    *ret_node = node_add(p, start, s, info);
    return OK;
}

// --- names ---

// SipHash-1-3 (Aumasson and Bernstein): with a key that nobody outside knows, chosen names cannot collide.
#define ROTATE(x, b) (((x) << (b)) | ((x) >> (64 - (b))))
static void sip_round(uint64_t v[4]) {
    v[0] += v[1], v[2] += v[3];
    v[1] = ROTATE(v[1], 13) ^ v[0], v[3] = ROTATE(v[3], 16) ^ v[2];
    v[0] = ROTATE(v[0], 32);
    v[2] += v[1], v[0] += v[3];
    v[1] = ROTATE(v[1], 17) ^ v[2], v[3] = ROTATE(v[3], 21) ^ v[0];
    v[2] = ROTATE(v[2], 32);
}

uint64_t json_name_hash(const struct json_doc *doc, struct str name) {
    uint64_t v[4] = {doc->key[0] ^ UINT64_C(0x736f6d6570736575), doc->key[1] ^ UINT64_C(0x646f72616e646f6d),
                     doc->key[0] ^ UINT64_C(0x6c7967656e657261), doc->key[1] ^ UINT64_C(0x7465646279746573)};
    for (size_t i = 0; i <= name.n; i += 8) {
        size_t left = name.n - i;
        uint64_t m = left < 8 ? (uint64_t)(name.n & 0xFF) << 56 : 0;
        if (left > 0) memcpy(&m, name.p + i, left < 8 ? left : 8);
        v[3] ^= m;
        sip_round(v);
        v[0] ^= m;
    }
    v[2] ^= 0xFF;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static int fail_twice(struct parser *p, uint32_t name) {
    p->open[p->depth - 1].last_name = name; // so that the pointer leads to it
    return fail(p, ERR_json_twice, (const unsigned char *)p->doc->text + p->doc->nodes[name].start);
}

// Few plain names: compared one by one, but only when a filter of 64 bits has seen their like.
static int check_few(struct parser *p, const struct frame *f) {
    const struct json_doc *doc = p->doc;
    uint32_t names[JSON_LINEAR_MAX];
    uint64_t seen = 0;
    uint32_t at = f->node + 1;
    assert(f->count <= JSON_LINEAR_MAX);
    for (uint32_t i = 0; i < f->count; i++) {
        const struct json_node *name = &doc->nodes[at];
        const unsigned char *s = (const unsigned char *)doc->text + name->start;
        unsigned mix = name->n == 0 ? 0 : s[0] * 5u + s[name->n - 1] * 11u + s[name->n / 2] * 3u + name->n;
        uint64_t bit = UINT64_C(1) << (mix & 63);
        for (uint32_t k = 0; (seen & bit) && k < i; k++) {
            const struct json_node *other = &doc->nodes[names[k]];
            if (other->n == name->n && memcmp(doc->text + other->start, s, name->n) == 0)
                return fail_twice(p, at);
        }
        seen |= bit;
        names[i] = at;
        at = doc->nodes[at + 1].skip;
    }
    return OK;
}

static int draw_key(struct parser *p) {
    struct json_doc *doc = p->doc;
    if (doc->tables_n > 0) return OK;
    if (getrandom(doc->key, sizeof doc->key, 0) != (ssize_t)sizeof doc->key)
        return err_set(p->e, ERR_internal, "", "getrandom");
    return OK;
}

// Open addressing at most half full. The table stays with the document and serves json_get afterwards.
static int check_many(struct parser *p, const struct frame *f) {
    struct json_doc *doc = p->doc;
    int code = draw_key(p);
    if (code) return code;
    uint32_t size = 32;
    while (size < f->count * 2)
        size *= 2;
    struct name_table table = {.slots = arena_array(doc->mem, size, sizeof *table.slots), .mask = size - 1};
    size_t held = doc->tables_n * sizeof table;
    if ((doc->tables_n & (doc->tables_n - 1)) == 0) { // full at each power of two
        size_t next = (doc->tables_n ? doc->tables_n * (size_t)2 : 1) * sizeof table;
        doc->tables = arena_grow(doc->mem, doc->tables, held, next);
    }
    if (!table.slots || !doc->tables) return err_set(p->e, ERR_no_memory, "", NULL);
    uint32_t at = f->node + 1;
    for (uint32_t i = 0; i < f->count; i++, at = doc->nodes[at + 1].skip) {
        struct str name = json_node_text(doc, &doc->nodes[at]);
        uint32_t slot = (uint32_t)json_name_hash(doc, name) & table.mask;
        for (; table.slots[slot]; slot = (slot + 1) & table.mask)
            if (str_eq(json_node_text(doc, &doc->nodes[table.slots[slot]]), name)) return fail_twice(p, at);
        table.slots[slot] = at;
    }
    doc->tables[doc->tables_n] = table;
    uint32_t hidden = node_add(p, p->at, p->at, 0);
    doc->nodes[hidden].start = doc->tables_n++;
    doc->nodes[f->node].info |= NODE_TABLE;
    return doc->mem->failed ? err_set(p->e, ERR_no_memory, "", NULL) : OK;
}

// --- numbers and words ---

static const unsigned char *digits_end(const unsigned char *s, const unsigned char *end) {
    while (s < end && (unsigned)(*s - '0') <= 9)
        s++;
    return s;
}

// The limits are those of the value, not of its spelling, so that the canonical form of a number that was
// taken is taken again. Looked at only when a number is long or its last run of digits may be a great exponent.
#define EXPONENT_SHORT 7
static bool is_within_limits(const unsigned char *s, const unsigned char *end) {
    if (end - s > JSON_NUMBER_MAX) return false;
    size_t digits = 0;
    const unsigned char *c = s;
    for (; c < end && (*c | 32) != 'e'; c++)
        digits += *c >= '0' && *c <= '9' && (digits > 0 || *c > '0');
    if (c < end) c++;
    if (c < end && (*c == '+' || *c == '-')) c++;
    if (digits > JSON_DIGITS_MAX || end - c > 9) return false; // nine digits of exponent fit 32 bits
    struct decimal d;
    json_decimal_of((struct str){(const char *)s, (size_t)(end - s)}, &d);
    return d.point - 1 >= -JSON_EXPONENT_MAX && d.point - 1 <= JSON_EXPONENT_MAX;
}

static int read_number(struct parser *p) {
    const unsigned char *s = p->at, *end = p->end, *from;
    if (*s == '-') s++;
    from = s;
    s = digits_end(s, end);
    bool ok = s > from && (*from != '0' || s == from + 1); // no leading zero
    if (ok && s < end && *s == '.') {
        from = s + 1;
        s = digits_end(from, end);
        ok = s > from;
    }
    if (ok && s < end && (*s | 32) == 'e') {
        s++;
        if (s < end && (*s == '+' || *s == '-')) s++;
        from = s;
        s = digits_end(s, end);
        ok = s > from;
    }
    if (!ok && s == end && s == from) return fail(p, ERR_json_end, s); // a digit was still to come
    if (ok && (s - p->at > JSON_DIGITS_MAX || s - from > EXPONENT_SHORT)) ok = is_within_limits(p->at, s);
    if (!ok) return fail(p, ERR_json_number, p->at);
    node_add(p, p->at, s, JSON_NUMBER);
    p->at = s;
    return OK;
}

// "tru" at the end of the text is a cut text, "trux" a wrong one.
static int read_word(struct parser *p, struct str word, enum json_kind kind) {
    struct str rest = {(const char *)p->at, (size_t)(p->end - p->at)};
    if (!str_starts(rest, word)) return str_starts(word, rest) ? fail(p, ERR_json_end, p->end) : fail_here(p);
    node_add(p, p->at, p->at + word.n, (uint32_t)kind);
    p->at += word.n;
    return OK;
}

// --- structure ---

static inline void skip_space(struct parser *p) {
    const unsigned char *s = p->at, *end = p->end;
    if (s<end && * s> ' ') return; // what machines write has no white space
    while (s < end && *s <= ' ' && (*s == ' ' || *s == '\n' || *s == '\r' || *s == '\t'))
        s++;
    p->at = s;
}

// Name and colon; the value comes next.
static int read_name(struct parser *p) {
    skip_space(p);
    if (p->at == p->end || *p->at != '"') return fail_here(p);
    struct frame *f = &p->open[p->depth - 1];
    int code = make_room(p);
    if (!code) code = read_string(p, &f->last_name);
    if (code) return code;
    if (p->doc->nodes[f->last_name].info & NODE_ESCAPED) f->has_escaped = true;
    skip_space(p);
    if (p->at == p->end || *p->at != ':') return fail_here(p);
    p->at++;
    return OK;
}

// The stack of open containers is the only thing that grows with depth, and it has a fixed size.
static int container_open(struct parser *p, enum json_kind kind) {
    if (p->depth == JSON_DEPTH_MAX) return fail(p, ERR_json_depth, p->at);
    p->open[p->depth++] = (struct frame){.node = node_add(p, p->at, p->at, (uint32_t)kind)};
    p->at++;
    return OK;
}

// Names are compared here and not as they come, since only now their number is known.
static int container_close(struct parser *p) {
    struct frame *f = &p->open[p->depth - 1];
    p->at++;
    struct json_doc *doc = p->doc;
    if ((doc->nodes[f->node].info & NODE_KIND) == JSON_OBJECT) {
        bool is_many = f->count > JSON_LINEAR_MAX || f->has_escaped;
        int code = is_many ? make_room(p) : OK;
        if (!code) code = is_many ? check_many(p, f) : check_few(p, f);
        if (code) return code;
    }
    struct json_node *node = &doc->nodes[f->node];
    node->n = (uint32_t)(p->at - (const unsigned char *)doc->text) - node->start;
    node->skip = doc->nodes_n;
    node->info |= f->count << NODE_COUNT_SHIFT;
    p->depth--;
    return OK;
}

static int read_scalar(struct parser *p) {
    uint32_t node;
    switch (*p->at) {
    case '"':
        return read_string(p, &node);
    case 't':
        return read_word(p, S("true"), JSON_TRUE);
    case 'f':
        return read_word(p, S("false"), JSON_FALSE);
    case 'n':
        return read_word(p, S("null"), JSON_NULL);
    default:
        if (*p->at != '-' && (unsigned)(*p->at - '0') > 9) return fail_here(p);
        return read_number(p);
    }
}

// After a complete value: closes what ends here, and stops before the next value or at the end of all.
static int after_value(struct parser *p) {
    while (p->depth > 0) {
        struct frame *f = &p->open[p->depth - 1];
        bool is_object = (p->doc->nodes[f->node].info & NODE_KIND) == JSON_OBJECT;
        f->count++;
        skip_space(p);
        if (p->at == p->end) return fail_here(p);
        if (*p->at == ',') {
            p->at++;
            f->last_name = 0;
            return is_object ? read_name(p) : OK;
        }
        if (*p->at != (is_object ? '}' : ']')) return fail_here(p);
        int code = container_close(p);
        if (code) return code;
    }
    return OK;
}

// Each round reads one value; room for its nodes is made once, before.
static int read_all(struct parser *p) {
    do {
        skip_space(p);
        if (p->at == p->end) return fail_here(p);
        int code = make_room(p);
        if (code) return code;
        unsigned char c = *p->at;
        if (c == '{' || c == '[') {
            code = container_open(p, c == '{' ? JSON_OBJECT : JSON_ARRAY);
            if (code) return code;
            skip_space(p);
            bool is_empty = p->at < p->end && *p->at == (c == '{' ? '}' : ']');
            code = is_empty ? container_close(p) : c == '{' ? read_name(p) : OK;
            if (code) return code;
            if (!is_empty) continue;
        } else {
            code = read_scalar(p);
            if (code) return code;
        }
        code = after_value(p);
        if (code) return code;
    } while (p->depth > 0);
    skip_space(p);
    return p->at == p->end ? OK : fail_here(p);
}

// Nothing is returned to the arena on failure: the request that sent bad JSON is over anyway.
int json_parse(struct arena *mem, struct str text, struct json *ret, struct err *e) {
    if (text.n >= UINT32_MAX) return err_set(e, ERR_too_large, "", "4 GiB");
    size_t guess = text.n / 8 + 8;
    if (guess > NODES_FIRST_MAX) guess = NODES_FIRST_MAX;
    struct json_doc *doc = arena_take(mem, sizeof *doc);
    struct json_node *nodes = doc ? arena_array(mem, guess, sizeof *nodes) : NULL;
    if (!nodes) return err_set(e, ERR_no_memory, "", NULL);
    *doc = (struct json_doc){
        .mem = mem, .text = text.p ? text.p : "", .nodes = nodes, .nodes_cap = (uint32_t)guess};
    struct parser p;
    p.doc = doc;
    p.at = (const unsigned char *)doc->text;
    p.end = p.at + text.n;
    p.e = e;
    p.depth = 0;
    int code = read_all(&p);
    if (code) return code;
    *ret = (struct json){.doc = doc, .at = 0};
    return OK;
}
