// SPDX-License-Identifier: MulanPSL-2.0
// The cutter and the query maker. Kept true: a query's words are found in every text that holds them as written,
// whatever their length, and a query can never be read by the engine as an operator (every word is quoted, and no
// word holds a quote).
#include "core/search.h"
#include <assert.h>

#define RUN_MAX 64 // characters of one Latin word that are kept

enum kind { SPACE, WORD, HAN };

// Full-width ASCII and the ideographic space are typed without thought; they mean their plain twins.
static int32_t fold(int32_t c) {
    if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;
    if (c == 0x3000) return ' ';
    if (c >= 'A' && c <= 'Z') return c + 32;
    if (c >= 0xC0 && c <= 0xDE && c != 0xD7) return c + 32; // Latin-1 capitals: É -> é
    return c;
}

static enum kind kind_of(int32_t c) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '_') return WORD;
    if (c >= 0xC0 && c < 0x2000 && c != 0xD7 && c != 0xF7) return WORD; // other alphabets: words
    if ((c >= 0x3400 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF) ||
        (c >= 0x3040 && c <= 0x30FF) || (c >= 0xAC00 && c <= 0xD7AF) || c == 0x3007)
        return HAN;
    return SPACE;
}

struct cutter {
    struct str text;
    size_t at;
    enum kind kind; // of the run that stands in `run`
    char run[RUN_MAX * 4];
    size_t ends[RUN_MAX]; // byte end of each character of the run
    int n;
    bool goes_on; // the same Han run continues in the next piece
};

// The next run; long Han runs come in pieces that overlap by one character, so that no pair is lost.
static bool next_run(struct cutter *c) {
    size_t bytes = 0;
    c->n = 0;
    c->goes_on = false;
    while (c->at < c->text.n) {
        size_t before = c->at;
        int32_t ch = str_utf8_next(c->text, &c->at);
        if (ch < 0) {
            c->at = before + 1; // cannot happen inside gusu; a bad byte separates
            ch = ' ';
        }
        ch = fold(ch);
        enum kind k = kind_of(ch);
        if (c->n > 0 && k != c->kind) {
            c->at = before;
            return true;
        }
        if (k == SPACE) continue;
        c->kind = k;
        if (c->n == RUN_MAX) { // a Latin word is cut here; Han goes on with its last character again
            c->at = before;
            c->goes_on = k == HAN;
            if (k == HAN)
                while (c->at > 0 && ((unsigned char)c->text.p[--c->at] & 0xC0) == 0x80) {
                }
            return true;
        }
        bytes += str_utf8_put(c->run + bytes, (uint32_t)ch);
        c->ends[c->n++] = bytes;
    }
    return c->n > 0;
}

static struct str chars(const struct cutter *c, int from, int to) {
    size_t a = from ? c->ends[from - 1] : 0;
    return (struct str){c->run + a, c->ends[to - 1] - a};
}

void search_cut(struct buf *out, struct str text) {
    assert(out);
    struct cutter c = {.text = text};
    while (next_run(&c)) {
        if (c.kind == WORD) {
            buf_put(out, chars(&c, 0, c.n));
            buf_char(out, ' ');
            continue;
        }
        int last = c.goes_on ? c.n - 1 : c.n; // the last character alone makes one-character queries complete
        for (int i = 0; i < last; i++) {
            buf_put(out, chars(&c, i, i + 2 <= c.n ? i + 2 : c.n));
            buf_char(out, ' ');
        }
    }
}

// How the two engines write a word, its prefix, what follows each other, and all of them.
static const struct notation {
    const char *open, *close, *prefix, *next, *all;
} NOTATIONS[] = {
    {"\"", "\"", "\" *", " ", " AND "},  // FTS5: "苏州 州市" AND "gdp" *
    {"'", "'", "':*", "' <-> '", " & "}, // tsquery: '苏州' <-> '州市' & 'gdp':*
};

bool search_match(struct buf *out, struct str q, bool is_postgres) {
    assert(out);
    const struct notation *as = &NOTATIONS[is_postgres];
    struct cutter c = {.text = q};
    int terms = 0;
    while (terms < SEARCH_TERMS_MAX && next_run(&c)) {
        if (terms++ > 0) buf_puts(out, as->all);
        buf_puts(out, as->open);
        if (c.kind == WORD || c.n == 1) { // a prefix: gdp finds gdp2023, 苏 finds the pair 苏州
            buf_put(out, chars(&c, 0, c.n));
            buf_puts(out, as->prefix);
            continue;
        }
        for (int i = 0; i + 2 <= c.n; i++) {
            if (i) buf_puts(out, as->next);
            buf_put(out, chars(&c, i, i + 2));
        }
        buf_puts(out, as->close);
    }
    return terms > 0;
}
