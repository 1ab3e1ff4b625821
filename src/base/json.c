// SPDX-License-Identifier: MulanPSL-2.0
// Reading a parsed document: every getter takes any value, also an absent one or one of the wrong kind, and
// then gives its absent answer; so a caller can walk a path first and ask once at the end. Escapes are
// undone here, when somebody wants the text, and never for those nobody reads.
#include "base/json_doc.h"
#include <assert.h>
#include <stdlib.h>

static uint32_t count_of(const struct json_node *node) {
    return node->info >> NODE_COUNT_SHIFT;
}

enum json_kind json_kind(struct json v) {
    const struct json_node *node = json_node_of(v);
    return node ? (enum json_kind)(node->info & NODE_KIND) : (enum json_kind)0;
}

bool json_is(struct json v, enum json_kind kind) {
    return json_kind(v) == kind;
}

// The parser has checked every escape, so this one only asserts. Never longer than the raw text.
struct str json_unescape(struct arena *mem, struct str raw) {
    char *out = arena_take(mem, raw.n + 1);
    if (!out) return STR_NONE;
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    size_t n = 0;
    for (size_t i = 0; i < raw.n;) {
        if (raw.p[i] != '\\') {
            out[n++] = raw.p[i++];
            continue;
        }
        assert(i + 1 < raw.n);
        if (raw.p[i + 1] != 'u') {
            out[n++] = meant[strchr(letters, raw.p[i + 1]) - letters];
            i += 2;
            continue;
        }
        uint8_t unit[2] = {0}, low[2] = {0};
        bool ok = str_unhex((struct str){raw.p + i + 2, 4}, unit, 2);
        uint32_t c = (uint32_t)unit[0] << 8 | unit[1];
        i += 6;
        if (c >= 0xD800 && c <= 0xDBFF) {
            ok = ok && str_unhex((struct str){raw.p + i + 2, 4}, low, 2);
            c = 0x10000 + ((c & 0x3FF) << 10 | ((uint32_t)low[0] << 8 | low[1]) % 0x400);
            i += 6;
        }
        assert(ok);
        (void)ok;
        n += str_utf8_put(out + n, c);
    }
    return (struct str){out, n};
}

struct str json_node_text(const struct json_doc *doc, const struct json_node *node) {
    struct str raw = {doc->text + node->start, node->n};
    return node->info & NODE_ESCAPED ? json_unescape(doc->mem, raw) : raw;
}

// Objects of many members, or with an escape in a name: see json_doc.h.
static struct json from_table(struct json object, struct str name) {
    const struct json_doc *doc = object.doc;
    const struct json_node *hidden = &doc->nodes[doc->nodes[object.at].skip - 1];
    const struct name_table *table = &doc->tables[hidden->start];
    uint32_t slot = (uint32_t)json_name_hash(doc, name) & table->mask;
    for (; table->slots[slot]; slot = (slot + 1) & table->mask) {
        uint32_t at = table->slots[slot];
        if (str_eq(json_node_text(doc, &doc->nodes[at]), name)) return (struct json){doc, at + 1};
    }
    return (struct json){0};
}

// A name that was not escaped stands in the text as it is, so comparing bytes is comparing names.
struct json json_get(struct json object, struct str name) {
    const struct json_node *node = json_node_of(object);
    if (!node || (node->info & NODE_KIND) != JSON_OBJECT) return (struct json){0};
    if (node->info & NODE_TABLE) return from_table(object, name);
    const struct json_doc *doc = object.doc;
    uint32_t at = object.at + 1;
    for (uint32_t left = count_of(node); left > 0; left--) {
        const struct json_node *member = &doc->nodes[at];
        if (member->n == name.n && memcmp(doc->text + member->start, name.n ? name.p : "", name.n) == 0)
            return (struct json){doc, at + 1};
        at = doc->nodes[at + 1].skip;
    }
    return (struct json){0};
}

struct json json_at(struct json array, size_t i) {
    const struct json_node *node = json_node_of(array);
    if (!node || (node->info & NODE_KIND) != JSON_ARRAY || i >= count_of(node)) return (struct json){0};
    // Only scalars inside: the i-th item is the i-th node.
    if (node->skip == array.at + 1 + count_of(node))
        return (struct json){array.doc, array.at + 1 + (uint32_t)i};
    uint32_t at = array.at + 1;
    for (; i > 0; i--)
        at = array.doc->nodes[at].skip;
    return (struct json){array.doc, at};
}

size_t json_count(struct json v) {
    const struct json_node *node = json_node_of(v);
    return node ? count_of(node) : 0;
}

// A scalar or an absent value has no members: the loop is then simply not entered.
struct json_iter json_iter(struct json v) {
    return (struct json_iter){.doc = v.doc,
                              .next = v.at + 1,
                              .left = (uint32_t)json_count(v),
                              .is_object = json_kind(v) == JSON_OBJECT};
}

bool json_next(struct json_iter *it) {
    if (it->left == 0) return false;
    it->left--;
    if (it->is_object) it->name = json_node_text(it->doc, &it->doc->nodes[it->next++]);
    it->value = (struct json){it->doc, it->next};
    it->next = it->doc->nodes[it->next].skip;
    return true;
}

struct str json_text(struct json v) {
    const struct json_node *node = json_node_of(v);
    if (!node || (node->info & NODE_KIND) != JSON_TEXT) return STR_NONE;
    return json_node_text(v.doc, node);
}

// With the quotes of a text, so that it can be copied as it is.
struct str json_raw(struct json v) {
    const struct json_node *node = json_node_of(v);
    if (!node) return STR_NONE;
    bool is_text = (node->info & NODE_KIND) == JSON_TEXT;
    return (struct str){v.doc->text + node->start - is_text, (size_t)node->n + (is_text ? 2 : 0)};
}

bool json_bool(struct json v, bool *ret) {
    enum json_kind kind = json_kind(v);
    if (kind != JSON_TRUE && kind != JSON_FALSE) return false;
    *ret = kind == JSON_TRUE;
    return true;
}

static struct str number_of(struct json v) {
    return json_is(v, JSON_NUMBER) ? json_raw(v) : STR_NONE;
}

// 1.0 and 1e3 count as integers, as JSON has one kind of number only and other writers spell them so. Digit by
// digit in integers: no identity number ever becomes a double on the way.
bool json_int(struct json v, int64_t *ret) {
    struct str s = number_of(v);
    if (s.n == 0) return false;
    if (str_int64(s, ret)) return true; // the common case: digits only
    struct decimal d;
    json_decimal_of(s, &d);
    if (d.n > d.point || d.point > 19) { // a fraction, or past int64; zero has neither
        if (d.n > 0) return false;
    }
    int64_t sum = 0;
    for (int32_t i = 0; d.n > 0 && i < d.point; i++) {
        int digit = i < d.n ? d.digits[i] - '0' : 0;
        if (__builtin_mul_overflow(sum, 10, &sum)) return false;
        if (__builtin_add_overflow(sum, d.is_negative ? -digit : digit, &sum)) return false;
    }
    *ret = sum;
    return true;
}

// Up to 15 digits and a power of ten up to 10^22 are exact doubles, and one operation rounds once (Clinger).
static bool quick_double(const struct decimal *d, double *ret) {
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int32_t scale = d->point - d->n;
    if (d->n > 15 || scale < -22 || scale > 22) return false;
    int64_t digits = 0;
    for (int i = 0; i < d->n; i++)
        digits = digits * 10 + (d->digits[i] - '0');
    double v = scale < 0 ? (double)digits / power[-scale] : (double)digits * power[scale];
    *ret = d->is_negative ? -v : v;
    return true;
}

// False when the number is beyond every double: "infinite" is no measurement.
bool json_double(struct json v, double *ret) {
    struct str s = number_of(v);
    if (s.n == 0) return false;
    struct decimal d;
    json_decimal_of(s, &d);
    if (quick_double(&d, ret)) return true;
    char text[JSON_NUMBER_MAX + 1]; // strtod wants a zero; gusu never leaves the "C" locale
    assert(s.n < sizeof text);
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    double parsed = strtod(text, NULL);
    if (!__builtin_isfinite(parsed)) return false;
    *ret = parsed;
    return true;
}
