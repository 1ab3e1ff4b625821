// SPDX-License-Identifier: MulanPSL-2.0
// Reads request heads and chunked bodies by the letter of RFC 9112. Whatever two parsers could read in two
// ways (and so be used to smuggle a request past a proxy) is refused: both lengths, a length twice, white
// space before a colon, folded lines, bare LF or CR, any transfer coding but "chunked". Nothing here
// allocates, writes to its input or looks at a byte outside the slice it was given.
#include "net/http_parse.h"

// Classes of bytes, one bit each, so that a line is checked by one table look-up a byte. The table is spelled
// as a constant expression: each byte's row is its definition, and there is no initialiser to forget.
enum { TOKEN = 1, FIELD = 2, TARGET = 4, HOST = 8 };
#define ALNUM(c) (((c) >= '0' && (c) <= '9') || ((c) >= 'a' && (c) <= 'z') || ((c) >= 'A' && (c) <= 'Z'))
#define SHARED(c)                                                                                            \
    ((c) == '!' || (c) == '$' || (c) == '&' || (c) == '\'' || (c) == '*' || (c) == '+' || (c) == '%')
#define MARK(c)     ((c) == '-' || (c) == '.' || (c) == '_' || (c) == '~')
#define IS_TOKEN(c) (ALNUM(c) || SHARED(c) || MARK(c) || (c) == '#' || (c) == '^' || (c) == '`' || (c) == '|')
#define IS_FIELD(c) ((c) == '\t' || ((c) >= 0x20 && (c) != 0x7f))
#define IS_HOST(c)                                                                                           \
    (ALNUM(c) || SHARED(c) || MARK(c) || (c) == '(' || (c) == ')' || (c) == ',' || (c) == ';' || (c) == '=')
// RFC 3986, and the five bytes ^ ` { | } that browsers leave raw in queries (WHATWG URL): they mean nothing
// here.
#define IS_TARGET(c)                                                                                         \
    (IS_HOST(c) || (c) == ':' || (c) == '@' || (c) == '/' || (c) == '?' || (c) == '[' || (c) == ']' ||       \
     (c) == '^' || (c) == '`' || (c) == '{' || (c) == '|' || (c) == '}')
#define CLASS(c)                                                                                             \
    ((IS_TOKEN(c) ? TOKEN : 0) | (IS_FIELD(c) ? FIELD : 0) | (IS_TARGET(c) ? TARGET : 0) |                   \
     (IS_HOST(c) ? HOST : 0))
#define C4(c)  CLASS(c), CLASS((c) + 1), CLASS((c) + 2), CLASS((c) + 3)
#define C16(c) C4(c), C4((c) + 4), C4((c) + 8), C4((c) + 12)
#define C64(c) C16(c), C16((c) + 16), C16((c) + 32), C16((c) + 48)
static const uint8_t class_of[256] = {C64(0), C64(64), C64(128), C64(192)};

static bool is(char c, int class) {
    return (class_of[(uint8_t)c] & class) != 0;
}

static size_t run_of(const char *p, size_t n, int class) {
    size_t i = 0;
    while (i < n && is(p[i], class))
        i++;
    return i;
}

static bool refuse(struct http_refusal *no, int status, const char *why) {
    *no = (struct http_refusal){status, why};
    return false;
}

// ---- the end of a head ----------------------------------------------------------------

// Bytes of an unfinished line: whatever can never become part of a head is refused without waiting for the
// line's end, or a client that speaks TLS (or nonsense) to a plain port would hang until the time-out.
static bool partial_ok(const char *p, size_t from, size_t n, struct http_refusal *no) {
    for (size_t i = from; i < n; i++) {
        if (is(p[i], FIELD)) continue;
        if (p[i] == '\r' && (i + 1 == n || p[i + 1] == '\n')) continue;
        return refuse(no, 400, p[i] == '\r' ? "bare CR" : "control byte in the head");
    }
    return true;
}

static bool line_ended(const char *p, size_t at, struct http_scan *s, struct http_refusal *no,
                       bool *ret_is_end) {
    *ret_is_end = false;
    if (at == s->line || p[at - 1] != '\r') return refuse(no, 400, "bare LF at a line's end");
    bool is_empty = at - 1 == s->line;
    // One empty line before the request line is forgiven (RFC 9112 §2.2): some clients end a body with it.
    if (is_empty && s->line == 0 && s->start == 0) {
        s->start = 2;
    } else if (is_empty && s->line == s->start) {
        return refuse(no, 400, "no request line");
    } else {
        *ret_is_end = is_empty;
    }
    s->line = (uint32_t)at + 1;
    return true;
}

ptrdiff_t http_head_scan(const char *p, size_t n, struct http_scan *s, struct http_refusal *ret_no) {
    if (n > UINT32_MAX) n = UINT32_MAX;
    size_t from = s->seen;
    bool is_end = false;
    while (from < n) {
        const char *lf = memchr(p + from, '\n', n - from);
        if (lf == NULL) break;
        size_t at = (size_t)(lf - p);
        if (!line_ended(p, at, s, ret_no, &is_end)) return -1;
        from = at + 1;
        if (is_end) break;
    }
    size_t head_bytes = (is_end ? from : n) - s->start;
    bool has_request_line = s->line > s->start;
    if (!has_request_line && head_bytes > HTTP_TARGET_MAX + 32) {
        refuse(ret_no, 414, "the request target is too long");
        return -1;
    }
    if (head_bytes > HTTP_HEAD_MAX) {
        refuse(ret_no, 431, "the request head is too large");
        return -1;
    }
    if (is_end) return (ptrdiff_t)from;
    // A CR at the very end is looked at again when the next byte is here.
    if (!partial_ok(p, from > s->line ? from : s->line, n, ret_no)) return -1;
    s->seen = (uint32_t)n - (n && p[n - 1] == '\r');
    return 0;
}

// ---- the request line -----------------------------------------------------------------

static const struct {
    struct str name;
    enum http_method method;
} methods[] = {
    {{"GET", 3}, HTTP_GET},         {{"POST", 4}, HTTP_POST},   {{"PUT", 3}, HTTP_PUT},
    {{"HEAD", 4}, HTTP_HEAD},       {{"PATCH", 5}, HTTP_PATCH}, {{"DELETE", 6}, HTTP_DELETE},
    {{"OPTIONS", 7}, HTTP_OPTIONS},
};

static bool take_method(struct str token, struct http_head *h, struct http_refusal *no) {
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (str_eq(methods[i].name, token)) {
            h->method = methods[i].method;
            return true;
        }
    // Well formed but not ours (TRACE and CONNECT among them): RFC 9110 §15.6.2.
    return refuse(no, 501, "method not implemented");
}

// host[:port] or [v6][:port]; never empty, never with user information (RFC 9110 §4.2.4).
static bool authority_ok(struct str a) {
    size_t at = 0;
    if (a.n && a.p[0] == '[') {
        const char *end = memchr(a.p, ']', a.n);
        if (end == NULL || end == a.p + 1) return false;
        for (const char *c = a.p + 1; c < end; c++)
            if (!ALNUM(*c) && *c != ':' && *c != '.') return false;
        at = (size_t)(end - a.p) + 1;
    } else {
        at = run_of(a.p, a.n, HOST);
        if (at == 0) return false;
    }
    if (at == a.n) return true;
    if (a.p[at++] != ':') return false;
    for (; at < a.n; at++)
        if (a.p[at] < '0' || a.p[at] > '9') return false;
    return true;
}

static bool take_absolute(struct http_head *h, size_t scheme_n, struct http_refusal *no) {
    struct str rest = {h->target.p + scheme_n, h->target.n - scheme_n};
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    h->authority = (struct str){rest.p, n};
    if (!authority_ok(h->authority)) return refuse(no, 400, "bad authority in the request target");
    h->target = (struct str){rest.p + n, rest.n - n};
    return true;
}

static bool take_target(struct http_head *h, struct http_refusal *no) {
    struct str t = h->target;
    if (t.n > HTTP_TARGET_MAX) return refuse(no, 414, "the request target is too long");
    bool is_star = t.n == 1 && t.p[0] == '*' && h->method == HTTP_OPTIONS;
    if (t.n > 7 && str_eq_nocase((struct str){t.p, 7}, S("http://"))) {
        if (!take_absolute(h, 7, no)) return false;
    } else if (t.n > 8 && str_eq_nocase((struct str){t.p, 8}, S("https://"))) {
        if (!take_absolute(h, 8, no)) return false;
    } else if (t.p[0] != '/' && !is_star) {
        return refuse(no, 400, "the request target is neither a path nor a URL");
    }
    t = h->target;
    const char *mark = t.n ? memchr(t.p, '?', t.n) : NULL;
    h->path = (struct str){t.p, mark ? (size_t)(mark - t.p) : t.n};
    h->query = mark ? (struct str){mark + 1, t.n - h->path.n - 1} : STR_NONE;
    if (h->path.n == 0) h->path = S("/");
    if (!http_escapes_ok(h->path)) return refuse(no, 400, "bad %-escape in the path");
    if (!http_escapes_ok(h->query)) return refuse(no, 400, "bad %-escape in the query");
    return true;
}

// line is the request line without its CRLF: method SP target SP version.
static bool take_request_line(struct str line, struct http_head *h, struct http_refusal *no) {
    size_t m = run_of(line.p, line.n, TOKEN);
    if (m == 0 || m == line.n || line.p[m] != ' ') return refuse(no, 400, "bad method");
    const char *t = line.p + m + 1;
    size_t left = line.n - m - 1, target_n = run_of(t, left, TARGET);
    if (target_n == 0 || target_n == left || t[target_n] != ' ')
        return refuse(no, 400, "bad byte in the request target");
    struct str version = {t + target_n + 1, left - target_n - 1};
    // Another major version cannot be on a connection that began as HTTP/1; 1.2 to 1.9 would be read as 1.1.
    bool is_http1 =
        version.n == 8 && str_starts(version, S("HTTP/1.")) && version.p[7] >= '0' && version.p[7] <= '9';
    if (!is_http1) return refuse(no, 400, "bad HTTP version");
    h->is_http10 = version.p[7] == '0';
    h->target = (struct str){t, target_n};
    return take_method((struct str){line.p, m}, h, no) && take_target(h, no);
}

// ---- header fields --------------------------------------------------------------------

// What the framing of the message depends on; everything else passes through unread.
struct framing {
    struct http_head *h;
    int hosts, lengths, codings;
    bool says_close, says_keep_alive;
};

static bool on_host(struct framing *f, struct str v, struct http_refusal *no) {
    if (++f->hosts > 1) return refuse(no, 400, "more than one Host");
    return authority_ok(v) || refuse(no, 400, "bad Host");
}

static bool on_length(struct framing *f, struct str v, struct http_refusal *no) {
    // Even two equal ones: RFC 9110 §8.6 would let a recipient merge them, and mergers disagree.
    if (++f->lengths > 1) return refuse(no, 400, "more than one Content-Length");
    if (v.n == 0) return refuse(no, 400, "bad Content-Length");
    int64_t bytes = 0;
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9') return refuse(no, 400, "bad Content-Length");
        if (bytes > (INT64_MAX - 9) / 10) return refuse(no, 413, "the body is too large");
        bytes = bytes * 10 + (v.p[i] - '0');
    }
    f->h->content_length = bytes;
    return true;
}

static bool on_coding(struct framing *f, struct str v, struct http_refusal *no) {
    if (++f->codings > 1) return refuse(no, 400, "more than one Transfer-Encoding");
    if (!str_eq_nocase(v, S("chunked"))) {
        // chunked last but something before it: understood as a message, not supported (RFC 9112 §6.1)
        bool ends_chunked = v.n > 9 && str_eq_nocase((struct str){v.p + v.n - 9, 9}, S(", chunked"));
        return refuse(no, ends_chunked ? 501 : 400, "Transfer-Encoding other than chunked");
    }
    f->h->is_chunked = true;
    return true;
}

static bool on_connection(struct framing *f, struct str v, struct http_refusal *no) {
    (void)no;
    while (v.p) {
        struct str option = str_trim(str_cut(v, ',', &v));
        if (str_eq_nocase(option, S("close"))) f->says_close = true;
        if (str_eq_nocase(option, S("keep-alive"))) f->says_keep_alive = true;
    }
    return true;
}

static bool on_expect(struct framing *f, struct str v, struct http_refusal *no) {
    if (!str_eq_nocase(v, S("100-continue"))) return refuse(no, 417, "unknown expectation");
    f->h->expects_continue = true;
    return true;
}

static const struct {
    struct str name;
    bool (*take)(struct framing *f, struct str value, struct http_refusal *no);
} framing_fields[] = {
    {{"host", 4}, on_host},     {{"content-length", 14}, on_length}, {{"transfer-encoding", 17}, on_coding},
    {{"expect", 6}, on_expect}, {{"connection", 10}, on_connection},
};

static bool take_value(const char *p, size_t n, struct str *ret, struct http_refusal *no) {
    size_t from = 0, high = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is(p[i], FIELD)) return refuse(no, 400, "control byte in a header value");
        high |= (uint8_t)p[i] & 0x80u;
    }
    while (from < n && (p[from] == ' ' || p[from] == '\t'))
        from++;
    while (n > from && (p[n - 1] == ' ' || p[n - 1] == '\t'))
        n--;
    *ret = (struct str){p + from, n - from};
    // All text inside the program is UTF-8; a header is the one place where other bytes could slip in.
    return !high || str_utf8_ok(*ret) || refuse(no, 400, "a header value is not UTF-8");
}

static bool take_field(struct str line, struct framing *f, struct http_header *ret, struct http_refusal *no) {
    if (line.p[0] == ' ' || line.p[0] == '\t') return refuse(no, 400, "folded header line");
    size_t n = run_of(line.p, line.n, TOKEN);
    if (n == 0 || n == line.n || line.p[n] != ':') return refuse(no, 400, "bad header name");
    ret->name = (struct str){line.p, n};
    if (!take_value(line.p + n + 1, line.n - n - 1, &ret->value, no)) return false;
    for (size_t i = 0; i < sizeof framing_fields / sizeof framing_fields[0]; i++)
        if (framing_fields[i].name.n == n && str_eq_nocase(framing_fields[i].name, ret->name))
            return framing_fields[i].take(f, ret->value, no);
    return true;
}

// The rules that need more than one field.
static bool framing_ok(struct framing *f, struct http_refusal *no) {
    struct http_head *h = f->h;
    if (f->hosts == 0 && !h->is_http10) return refuse(no, 400, "no Host");
    if (h->is_chunked && f->lengths) return refuse(no, 400, "both Content-Length and Transfer-Encoding");
    if (h->is_chunked && h->is_http10) return refuse(no, 400, "Transfer-Encoding in HTTP/1.0");
    if (h->is_http10) h->expects_continue = false; // RFC 9110 §10.1.1
    h->keep_alive = !f->says_close && (!h->is_http10 || f->says_keep_alive);
    return true;
}

// The line at *at without CRLF; the scan has made sure that each line has both.
static struct str next_line(struct str head, size_t *at) {
    const char *p = head.p + *at, *lf = memchr(p, '\n', head.n - *at);
    if (lf == NULL || lf == p || lf[-1] != '\r') return STR_NONE;
    *at += (size_t)(lf - p) + 1;
    return (struct str){p, (size_t)(lf - p) - 1};
}

bool http_head_parse(struct str head, struct http_header *headers, struct http_head *ret,
                     struct http_refusal *ret_no) {
    *ret = (struct http_head){.content_length = -1};
    struct framing f = {.h = ret};
    size_t at = 0;
    struct str line = next_line(head, &at);
    if (line.n == 0) return refuse(ret_no, 400, "no request line");
    if (!take_request_line(line, ret, ret_no)) return false;
    while (at < head.n) {
        line = next_line(head, &at);
        if (line.p == NULL) return refuse(ret_no, 400, "bare LF at a line's end");
        if (line.n == 0) break;
        if (ret->headers_n == HTTP_HEADERS_MAX) return refuse(ret_no, 431, "too many headers");
        if (!take_field(line, &f, &headers[ret->headers_n], ret_no)) return false;
        ret->headers_n++;
    }
    if (!framing_ok(&f, ret_no)) return false;
    for (size_t i = 0; ret->authority.n && i < ret->headers_n; i++)
        if (str_eq_nocase(headers[i].name, S("host"))) headers[i].value = ret->authority;
    return true;
}

// ---- escapes --------------------------------------------------------------------------

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool http_escapes_ok(struct str s) {
    if (s.n == 0 || memchr(s.p, '%', s.n) == NULL)
        return true; // a target is ASCII: nothing else can be wrong
    if (s.n > HTTP_TARGET_MAX) return false;
    char plain[HTTP_TARGET_MAX];
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '%') {
            plain[n++] = s.p[i];
            continue;
        }
        if (s.n - i < 3) return false;
        int high = hex_value(s.p[i + 1]), low = hex_value(s.p[i + 2]);
        if (high < 0 || low < 0) return false;
        plain[n++] = (char)(high * 16 + low);
        i += 2;
    }
    return str_utf8_ok((struct str){plain, n});
}

// ---- chunked bodies -------------------------------------------------------------------
//
//   FIRST -> SIZE -> (BLANK -> EXT) -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> FIRST …
//   a size of 0:                       SIZE_LF -> LINE -> (NAME -> VALUE -> VALUE_LF -> LINE)* -> END_LF ->
//   DONE
enum {
    FIRST,
    SIZE,
    BLANK,
    EXT,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    LINE,
    NAME,
    VALUE,
    VALUE_LF,
    END_LF,
    DONE,
    BAD
};

static uint8_t size_digit(struct http_chunk *k, char c) {
    int v = hex_value(c);
    if (v >= 0) {
        if (k->left >> (HTTP_CHUNK_SIZE_BITS - 4)) return BAD;
        k->left = k->left * 16 + (uint64_t)v;
        return SIZE;
    }
    if (k->state == FIRST) return BAD;
    if (c == '\r') return SIZE_LF;
    if (c == ';') return EXT;
    return c == ' ' || c == '\t' ? BLANK : BAD;
}

static uint8_t in_extension(struct http_chunk *k, char c) {
    if (++k->ext_bytes > HTTP_CHUNK_EXT_MAX) return BAD;
    if (k->state == BLANK) return c == ';' ? EXT : c == ' ' || c == '\t' ? BLANK : BAD;
    if (c == '\r') return SIZE_LF;
    return is(c, FIELD) ? EXT : BAD;
}

// Trailer fields are checked and dropped: none of them may change how a request is understood (RFC 9110
// §6.5.1).
static uint8_t in_trailer(struct http_chunk *k, char c) {
    if (++k->trailer_bytes > HTTP_TRAILER_MAX) return BAD;
    switch (k->state) {
    case LINE:
        if (c == '\r') return END_LF;
        return is(c, TOKEN) ? NAME : BAD;
    case NAME:
        if (c == ':') return VALUE;
        return is(c, TOKEN) ? NAME : BAD;
    case VALUE:
        if (c == '\r') return VALUE_LF;
        return is(c, FIELD) ? VALUE : BAD;
    case VALUE_LF:
        return c == '\n' ? LINE : BAD;
    default:
        return c == '\n' ? DONE : BAD;
    }
}

static uint8_t next_state(struct http_chunk *k, char c) {
    switch (k->state) {
    case FIRST:
    case SIZE:
        return size_digit(k, c);
    case BLANK:
    case EXT:
        return in_extension(k, c);
    case SIZE_LF:
        if (c != '\n') return BAD;
        return k->left ? DATA : LINE;
    case DATA_CR:
        return c == '\r' ? DATA_LF : BAD;
    case DATA_LF:
        return c == '\n' ? FIRST : BAD;
    case DONE:
    case BAD:
        return BAD;
    default:
        return in_trailer(k, c);
    }
}

enum http_chunk_event http_chunk_next(struct http_chunk *k, const char *p, size_t n, size_t *ret_used,
                                      struct str *ret_data) {
    size_t at = 0;
    while (at < n) {
        if (k->state == DATA) {
            size_t take = k->left < n - at ? (size_t)k->left : n - at;
            *ret_data = (struct str){p + at, take};
            *ret_used = at + take;
            k->left -= take;
            if (k->left == 0) k->state = DATA_CR;
            return CHUNK_DATA;
        }
        k->state = next_state(k, p[at++]);
        if (k->state != DONE && k->state != BAD) continue;
        *ret_used = at;
        return k->state == DONE ? CHUNK_END : CHUNK_BAD;
    }
    *ret_used = at;
    return CHUNK_NEED_MORE;
}
