// SPDX-License-Identifier: MulanPSL-2.0
// Reader and judge of the search language. Written as a descent by hand because clients send half of Lucene's grammar
// and all of its looseness: a space means AND, '-' stands for NOT, boosts and fuzziness are read and passed over.
// Kept true: length, depth and number of nodes have limits, so a stranger's query costs what a data set costs, no more.
#include "mod/catalog/ckan_query.h"
#include <assert.h>
#include <stdlib.h>

struct reader {
    struct arena *mem;
    struct str q;
    size_t at;
    int depth, nodes;
    int64_t now_ms;
    struct err *e;
};

static int fault(struct reader *r, const char *what) {
    return err_set(r->e, ERR_search_query, "q", "%s (%zu)", what, r->at + 1);
}

static struct ckan_node *node(struct reader *r, enum ckan_op op) {
    struct ckan_node *n = r->nodes < CKAN_QUERY_NODES ? arena_take(r->mem, sizeof *n) : NULL;
    if (!n) {
        (void)fault(r, "too many words");
        return NULL;
    }
    r->nodes++;
    n->op = op;
    return n;
}

static char peek(const struct reader *r) {
    return r->at < r->q.n ? r->q.p[r->at] : 0;
}

static void spaces(struct reader *r) {
    while (r->at < r->q.n && (peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\n' || peek(r) == '\r'))
        r->at++;
}

static bool ends_word(char c) {
    return c == 0 || c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '(' || c == ')' || c == '"' ||
           c == '[' || c == ']' || c == '{' || c == '}' || c == '^' || c == '~';
}

// AND, OR, NOT only in capitals and as whole words; && and || as well.
static bool take_operator(struct reader *r, const char *word, const char *sign) {
    spaces(r);
    struct str rest = {r->q.p + r->at, r->q.n - r->at};
    if (sign && str_starts(rest, str_of(sign))) {
        r->at += strlen(sign);
        return true;
    }
    size_t n = strlen(word);
    if (!str_starts(rest, str_of(word)) || !(rest.n == n || ends_word(rest.p[n]))) return false;
    r->at += n;
    return true;
}

struct str ckan_fold(struct arena *mem, struct str s) {
    struct buf b = buf_new(mem, s.n + 8, s.n * 2 + 64);
    for (size_t at = 0; at < s.n;) {
        char bytes[4];
        int32_t c = str_utf8_next(s, &at);
        if (c < 0) break;
        if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;
        if (c == 0x3000) c = ' ';
        if (c >= 'A' && c <= 'Z') c += 32;
        size_t n = str_utf8_put(bytes, (uint32_t)c);
        buf_put(&b, (struct str){bytes, n});
    }
    struct str out = buf_str(&b);
    return out.p ? out : S("");
}

static void drop_escapes(struct buf *b) {
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++)
        if (b->p[i] != '\\' || i + 1 == b->n || (b->p[i + 1] != '*' && b->p[i + 1] != '?'))
            b->p[n++] = b->p[i];
    b->n = n;
}

// A bare or quoted value. `\` takes the next character as it is; in a bare word an unescaped * or ? is a wildcard.
static int read_word(struct reader *r, struct str *ret, bool *ret_wild) {
    struct buf b = buf_new(r->mem, 32, CKAN_QUERY_BYTES);
    bool quoted = peek(r) == '"', wild = false;
    if (quoted) r->at++;
    for (;; r->at++) {
        char c = peek(r);
        if (quoted && c == 0) return fault(r, "\"");
        if (quoted ? c == '"' : ends_word(c)) break;
        if (c == '\\' && r->at + 1 < r->q.n) {
            c = r->q.p[++r->at];
            if (wild || c == '*' || c == '?') buf_char(&b, '\\'); // stays itself beside wildcards
        } else if (!quoted && (c == '*' || c == '?')) {
            wild = true;
        }
        buf_char(&b, c);
    }
    if (quoted) r->at++;
    while (peek(r) == '^' || peek(r) == '~') { // boost, fuzziness
        r->at++;
        while ((peek(r) >= '0' && peek(r) <= '9') || peek(r) == '.')
            r->at++;
    }
    if (!wild) drop_escapes(&b);
    *ret = ckan_fold(r->mem, buf_str(&b));
    *ret_wild = wild;
    return OK;
}

static int read_bound(struct reader *r, struct str *ret) {
    bool wild;
    spaces(r);
    // Moments hold ':', which ends nothing here.
    int code = read_word(r, ret, &wild);
    if (code == OK && ret->n == 0) return fault(r, "range");
    return code;
}

static int read_range(struct reader *r, struct ckan_node **ret) {
    struct ckan_node *n = node(r, CKAN_RANGE);
    if (!n) return ERR_search_query;
    n->without_from = peek(r) == '{';
    r->at++;
    int code = read_bound(r, &n->from);
    if (code == OK && !take_operator(r, "TO", NULL)) return fault(r, "TO");
    if (code == OK) code = read_bound(r, &n->to);
    spaces(r);
    if (code == OK && peek(r) != ']' && peek(r) != '}') return fault(r, "]");
    n->without_to = peek(r) == '}';
    r->at++;
    *ret = n;
    return code;
}

static int read_or(struct reader *r, struct str field, struct ckan_node **ret);

static int read_group(struct reader *r, struct str field, struct ckan_node **ret) {
    if (++r->depth > CKAN_QUERY_DEPTH) return fault(r, "too deep");
    r->at++;
    int code = read_or(r, field, ret);
    spaces(r);
    if (code == OK && peek(r) != ')') return fault(r, ")");
    r->at++;
    r->depth--;
    return code;
}

// "title" of "title:…": letters, digits, '_', '-', '.' and then a colon. Moments never come here: a digit begins them.
static bool take_field(struct reader *r, struct str *ret) {
    size_t i = r->at;
    while (i < r->q.n && ((r->q.p[i] >= 'a' && r->q.p[i] <= 'z') || (r->q.p[i] >= 'A' && r->q.p[i] <= 'Z') ||
                          (r->q.p[i] >= '0' && r->q.p[i] <= '9') || r->q.p[i] == '_' || r->q.p[i] == '-' ||
                          r->q.p[i] == '.'))
        i++;
    bool any = i == r->at && peek(r) == '*' && r->at + 1 < r->q.n && r->q.p[r->at + 1] == ':';
    if (any) i++;
    if (i == r->at || i >= r->q.n || r->q.p[i] != ':' || (r->q.p[r->at] >= '0' && r->q.p[r->at] <= '9'))
        return false;
    *ret = any ? S("*") : (struct str){r->q.p + r->at, i - r->at};
    r->at = i + 1;
    return true;
}

static int read_value(struct reader *r, struct str field, struct ckan_node **ret) {
    spaces(r);
    if (peek(r) == '(') return read_group(r, field, ret);
    struct ckan_node *n = NULL;
    if ((peek(r) == '[' || peek(r) == '{') && field.p) {
        int code = read_range(r, &n);
        if (code == OK) n->field = field;
        *ret = n;
        return code;
    }
    n = node(r, CKAN_TERM);
    if (!n) return ERR_search_query;
    bool quoted = peek(r) == '"';
    int code = read_word(r, &n->value, &n->wild);
    if (code != OK) return code;
    if (n->value.n == 0 && !quoted) return fault(r, peek(r) ? "?" : "end");
    n->field = field;
    if (str_eq(n->value, S("*")) && (!field.p || str_eq(field, S("*")))) n->op = CKAN_ALL;
    if (n->value.n == 0) n->op = field.p ? CKAN_TERM : CKAN_ALL; // "" asks nothing
    *ret = n;
    return OK;
}

static int read_unary(struct reader *r, struct str field, struct ckan_node **ret) {
    bool is_not = false;
    for (;;) {
        spaces(r);
        if (take_operator(r, "NOT", NULL) || peek(r) == '-' || peek(r) == '!') {
            if (peek(r) == '-' || peek(r) == '!') r->at++;
            is_not = !is_not;
        } else if (peek(r) == '+') {
            r->at++;
        } else {
            break;
        }
    }
    struct str own = field;
    (void)take_field(r, &own);
    int code = read_value(r, own, ret);
    if (code != OK || !is_not) return code;
    struct ckan_node *n = node(r, CKAN_NOT);
    if (!n) return ERR_search_query;
    n->a = *ret;
    *ret = n;
    return OK;
}

static bool at_end(struct reader *r) {
    spaces(r);
    return peek(r) == 0 || peek(r) == ')';
}

static bool at_or(struct reader *r) {
    size_t before = r->at;
    bool is = take_operator(r, "OR", "||");
    r->at = before;
    return is;
}

static int read_and(struct reader *r, struct str field, struct ckan_node **ret) {
    int code = read_unary(r, field, ret);
    while (code == OK && !at_end(r) && !at_or(r)) {
        (void)take_operator(r, "AND", "&&");
        struct ckan_node *n = node(r, CKAN_AND);
        if (!n) return ERR_search_query;
        n->a = *ret;
        code = read_unary(r, field, &n->b);
        *ret = n;
    }
    return code;
}

static int read_or(struct reader *r, struct str field, struct ckan_node **ret) {
    int code = read_and(r, field, ret);
    while (code == OK && take_operator(r, "OR", "||")) {
        struct ckan_node *n = node(r, CKAN_OR);
        if (!n) return ERR_search_query;
        n->a = *ret;
        code = read_and(r, field, &n->b);
        *ret = n;
    }
    return code;
}

// Bounds that speak of the present: NOW, NOW-7DAYS, NOW-1YEAR/DAY (the rounding is passed over).
static struct str resolve_now(struct reader *r, struct str s) {
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"second", 1000},     {"minute", 60000},      {"hour", 3600000},     {"day", DAY_MS},
                 {"week", 7 * DAY_MS}, {"month", 30 * DAY_MS}, {"year", 365 * DAY_MS}};
    if (!str_starts(s, S("now"))) return s;
    int64_t at_ms = r->now_ms, n = 0;
    size_t i = 4;
    for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && n < 100000; i++)
        n = n * 10 + (s.p[i] - '0');
    for (size_t u = 0; s.n > 4 && u < sizeof units / sizeof *units; u++)
        if (str_starts((struct str){s.p + i, s.n - i}, str_of(units[u].unit)))
            at_ms += (s.p[3] == '-' ? -n : n) * units[u].ms;
    return ckan_fold(r->mem, clock_iso(r->mem, at_ms));
}

// A list of ANDs hangs to the left as deep as it is long: walked by hand, not by recursion.
static void resolve_bounds(struct reader *r, struct ckan_node *n) {
    for (; n; n = n->a) {
        if (n->op == CKAN_RANGE) {
            n->from = resolve_now(r, n->from);
            n->to = resolve_now(r, n->to);
        }
        if (n->b) resolve_bounds(r, n->b);
    }
}

int ckan_query_read(struct arena *mem, struct str q, int64_t now_ms, struct ckan_node **ret, struct err *e) {
    struct reader r = {.mem = mem, .q = q, .now_ms = now_ms, .e = e};
    if (q.n > CKAN_QUERY_BYTES) return err_set(e, ERR_too_large, "q", "%d", CKAN_QUERY_BYTES);
    spaces(&r);
    struct ckan_node *n = NULL;
    if (peek(&r) == 0) {
        n = node(&r, CKAN_ALL);
    } else {
        int code = read_or(&r, STR_NONE, &n);
        if (code != OK) return code;
        spaces(&r);
        if (peek(&r)) return fault(&r, ")");
        resolve_bounds(&r, n);
    }
    if (!n) return ERR_search_query;
    *ret = n;
    return OK;
}

// --- judging ---

static bool is_latin(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

int ckan_word_count(struct str text, struct str word) {
    int found = 0;
    if (word.n == 0 || text.n < word.n) return 0;
    for (size_t i = 0; i + word.n <= text.n; i++) {
        const char *p = memchr(text.p + i, word.p[0], text.n - word.n - i + 1);
        if (!p) break;
        i = (size_t)(p - text.p);
        if (memcmp(p, word.p, word.n) != 0) continue;
        bool cut_left = i > 0 && is_latin(word.p[0]) && is_latin(text.p[i - 1]);
        bool cut_right = i + word.n < text.n && is_latin(word.p[word.n - 1]) && is_latin(text.p[i + word.n]);
        found += !cut_left && !cut_right;
    }
    return found;
}

// '*' any run, '?' one byte or more of one character; `\` before either takes it as it is. Iterative: no deep stack,
// and each star is tried from the last one only.
static bool wild_fits(struct str pattern, struct str text) {
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;
    while (t < text.n) {
        bool escaped = p + 1 < pattern.n && pattern.p[p] == '\\';
        char c = p < pattern.n ? pattern.p[p + escaped] : 0;
        if (p < pattern.n && !escaped && c == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.n && ((!escaped && c == '?') || c == text.p[t])) {
            if (!escaped && c == '?')
                while (t + 1 < text.n && ((unsigned char)text.p[t + 1] & 0xC0) == 0x80)
                    t++;
            p += 1 + escaped;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

// Any word of a text, cut at spaces and punctuation, for wildcards inside texts.
static bool wild_in_text(struct str pattern, struct str text) {
    for (size_t i = 0; i < text.n;) {
        size_t from = i;
        while (i < text.n && (is_latin(text.p[i]) || ((unsigned char)text.p[i] & 0x80) || text.p[i] == '-'))
            i++;
        if (i > from && wild_fits(pattern, (struct str){text.p + from, i - from})) return true;
        if (i == from) i++;
    }
    return false;
}

// A quoted value is one phrase; both sides are folded already.
static int text_hits(const struct ckan_node *n, struct str text) {
    if (n->wild) return wild_in_text(n->value, text) ? 1 : 0;
    return n->value.n ? ckan_word_count(text, n->value) : 1;
}

static bool word_hits(const struct ckan_node *n, struct str list) {
    for (struct str rest = list; rest.p;) {
        struct str one = str_cut(rest, '\n', &rest);
        if (one.n == 0) continue;
        if (n->wild ? wild_fits(n->value, one) : str_eq(n->value, one)) return true;
    }
    return false;
}

// A bound as a number: a moment in any of the spellings that clients send, or a plain number.
static bool bound(struct str s, enum ckan_value_kind kind, bool is_end, int64_t *ret) {
    int32_t day;
    char text[40];
    if (kind == CKAN_NUMBER) return str_int64(s, ret);
    if (s.n >= sizeof text) return false;
    for (size_t i = 0; i < s.n; i++)
        text[i] = s.p[i] == 't' ? 'T' : s.p[i] == 'z' ? 'Z' : s.p[i];
    struct str t = {text, s.n};
    if (clock_read_iso(t, ret)) return true;
    if (s.n == 10 && clock_read_date(t, &day)) {
        *ret = (int64_t)day * DAY_MS + (is_end ? DAY_MS - 1 : 0);
        return true;
    }
    if (s.n + 1 >= sizeof text || s.n < 16) return false;
    text[s.n] = 'Z'; // "2026-01-01T00:00:00": CKAN writes UTC without saying so
    return clock_read_iso((struct str){text, s.n + 1}, ret);
}

static bool in_range(const struct ckan_node *n, const struct ckan_value *v) {
    int64_t from = INT64_MIN, to = INT64_MAX;
    bool open_from = str_eq(n->from, S("*")), open_to = str_eq(n->to, S("*"));
    if (v->kind == CKAN_NOTHING) return false;
    if (v->kind == CKAN_TEXT || v->kind == CKAN_WORDS) { // by bytes, value by value
        for (struct str rest = v->text; rest.p;) {
            struct str one = str_cut(rest, '\n', &rest);
            int a = open_from ? 1 : str_cmp(one, n->from), b = open_to ? -1 : str_cmp(one, n->to);
            if (one.n && (n->without_from ? a > 0 : a >= 0) && (n->without_to ? b < 0 : b <= 0)) return true;
        }
        return false;
    }
    if (!open_from && !bound(n->from, v->kind, false, &from)) return false;
    if (!open_to && !bound(n->to, v->kind, true, &to)) return false;
    return (n->without_from && !open_from ? v->i > from : v->i >= from) &&
           (n->without_to && !open_to ? v->i < to : v->i <= to);
}

static bool term_holds(const struct ckan_node *n, const struct ckan_value *v, double *score) {
    int64_t i;
    int hits = 0;
    bool any = n->wild && str_eq(n->value, S("*"));
    switch (v->kind) {
    case CKAN_NOTHING:
        return false;
    case CKAN_TEXT:
        hits = any ? v->text.n > 0 : text_hits(n, v->text);
        break;
    case CKAN_WORDS:
        hits = word_hits(n, v->text);
        break;
    case CKAN_TIME:
    case CKAN_NUMBER:
        hits = any || (bound(n->value, v->kind, false, &i) && i == v->i);
        break;
    }
    if (score) *score += hits;
    return hits > 0;
}

bool ckan_query_holds(const struct ckan_node *n, const void *doc, ckan_field_fn *field, double *score) {
    bool a, b;
    struct ckan_value v;
    assert(n);
    switch (n->op) {
    case CKAN_ALL:
        return true;
    case CKAN_TERM:
        v = field(doc, n->field);
        return term_holds(n, &v, score);
    case CKAN_RANGE:
        v = field(doc, n->field);
        return in_range(n, &v);
    case CKAN_NOT:
        return !ckan_query_holds(n->a, doc, field, NULL);
    case CKAN_AND:
        return ckan_query_holds(n->a, doc, field, score) && ckan_query_holds(n->b, doc, field, score);
    case CKAN_OR:
        a = ckan_query_holds(n->a, doc, field, score);
        b = ckan_query_holds(n->b, doc, field, score);
        return a || b;
    }
    return false;
}
