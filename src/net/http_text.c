// SPDX-License-Identifier: MulanPSL-2.0
// Names and encodings of HTTP: status text, methods, header look-up, percent-encoding, query parameters. Pure
// functions; what they give back lies in the arena of the exchange.
#include "net/http_inner.h"
#include <assert.h>

static const struct {
    int status;
    const char *text;
} status_texts[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {425, "Too Early"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *http_status_text(int status) {
    if (status == 200) return "OK"; // nearly always
    for (size_t i = 0; i < sizeof status_texts / sizeof status_texts[0]; i++)
        if (status_texts[i].status == status) return status_texts[i].text;
    return "Status"; // the reason phrase has no meaning to machines (RFC 9112 §4)
}

const char *http_method_name(enum http_method m) {
    static const char *const names[] = {"", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    assert(m >= HTTP_GET && m <= HTTP_OPTIONS);
    return names[m];
}

// What net refuses by itself, before any route is known, in the words of the whole interface (RFC 9457 with title_zh and
// title_en), so that a client has one form of error to read.
struct str http_problem(struct arena *mem, int status, const char *why) {
    static const struct {
        int status;
        const char *code, *zh;
    } words[] = {{400, "bad-request", "请求不合 HTTP 规范"},     {404, "not-found", "没有这个文件"},
                 {405, "bad-method", "此地址不支持该方法"},      {408, "late-request", "请求没有及时送达"},
                 {413, "too-large", "请求体超过上限"},           {414, "long-address", "地址过长"},
                 {417, "no-expectation", "不支持的 Expect"},     {431, "long-header", "请求头过长"},
                 {501, "not-implemented", "不支持的方法或编码"}, {503, "busy", "系统繁忙，请稍后重试"},
                 {505, "http-version", "不支持的 HTTP 版本"}};
    const char *code = "refused", *zh = "请求被拒绝";
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].status == status) {
            code = words[i].code;
            zh = words[i].zh;
        }
    const char *en = http_status_text(status);
    return str_print(mem,
                     "{\"type\":\"about:gusu/%s\",\"title\":\"%s\",\"status\":%d,\"code\":\"%s\","
                     "\"title_zh\":\"%s\",\"title_en\":\"%s%s%s\"}\n",
                     code, zh, status, code, zh, en, why ? ": " : "", why ? why : "");
}

struct str http_header(const struct http_exchange *x, const char *name) {
    struct str wanted = str_of(name);
    for (size_t i = 0; i < x->headers_n; i++)
        if (x->headers[i].name.n == wanted.n && str_eq_nocase(x->headers[i].name, wanted))
            return x->headers[i].value;
    return STR_NONE;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool http_decode(struct arena *mem, struct str s, bool plus_is_space, struct str *ret) {
    char *out = arena_take(mem, s.n + 1);
    if (out == NULL) return false;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            if (s.n - i < 3) return false;
            int high = hex_value(s.p[i + 1]), low = hex_value(s.p[i + 2]);
            if (high < 0 || low < 0) return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        out[n++] = c;
    }
    struct str text = {out, n};
    if (!str_utf8_ok(text)) return false; // NUL too
    *ret = text;
    return true;
}

struct str http_encode(struct arena *mem, struct str s) {
    static const char digits[] = "0123456789ABCDEF";
    if (s.n > SIZE_MAX / 3 - 1) return STR_NONE;
    char *out = arena_take(mem, s.n * 3 + 1);
    if (out == NULL) return STR_NONE;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        c == '-' || c == '.' || c == '_' || c == '~';
        if (is_plain) {
            out[n++] = c;
            continue;
        }
        out[n++] = '%';
        out[n++] = digits[(uint8_t)c >> 4];
        out[n++] = digits[(uint8_t)c & 15];
    }
    return (struct str){out, n};
}

// An escaped name ("%6Eame") must be found too, or a filter could be passed unseen under another spelling.
static bool name_is(struct arena *mem, struct str raw, struct str wanted) {
    if (raw.n == wanted.n && str_eq(raw, wanted)) return true;
    bool is_escaped = raw.n && (memchr(raw.p, '%', raw.n) || memchr(raw.p, '+', raw.n));
    struct str plain;
    return is_escaped && http_decode(mem, raw, true, &plain) && str_eq(plain, wanted);
}

struct str http_query(const struct http_exchange *x, const char *name) {
    struct str wanted = str_of(name), rest = x->query;
    while (rest.p) {
        struct str pair = str_cut(rest, '&', &rest), value;
        struct str key = str_cut(pair, '=', &value);
        if (!name_is(x->mem, key, wanted)) continue;
        if (value.n == 0) return S(""); // "?x" and "?x=" are both present and empty
        bool is_raw = !memchr(value.p, '%', value.n) && !memchr(value.p, '+', value.n);
        if (is_raw) return value;
        struct str text = STR_NONE;
        // A bad escape was refused with the head; only a lack of memory can fail here, and the arena says so.
        return http_decode(x->mem, value, true, &text) ? text : STR_NONE;
    }
    return STR_NONE;
}
