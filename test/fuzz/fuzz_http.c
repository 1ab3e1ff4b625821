// SPDX-License-Identifier: MulanPSL-2.0
// Fuzz target of the HTTP grammar. Beyond not crashing, it holds the parser to what the server relies on: the same
// bytes mean the same whether they come at once or in pieces; everything a head gives back lies inside it and is what
// it claims to be; a chunked body never yields more than came in.
#include "net/http_parse.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok) {
    if (!ok) abort();
}

static bool is_inside(struct str part, struct str whole) {
    return part.p == NULL || part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n) ||
           str_eq(part, S("/"));
}

static ptrdiff_t scan_in_steps(struct str s, size_t step, struct http_scan *scan, struct http_refusal *no) {
    for (size_t n = step < s.n ? step : s.n;; n = s.n - n < step ? s.n : n + step) {
        ptrdiff_t end = http_head_scan(s.p, n, scan, no);
        if (end != 0 || n == s.n) return end;
    }
}

static void check_head(struct str head) {
    static struct http_header headers[HTTP_HEADERS_MAX];
    struct http_head h;
    struct http_refusal no = {0};
    if (!http_head_parse(head, headers, &h, &no)) {
        check(no.status >= 400 && no.status < 600 && no.why);
        return;
    }
    check(h.method >= HTTP_GET && h.method <= HTTP_OPTIONS && h.headers_n <= HTTP_HEADERS_MAX);
    check(is_inside(h.target, head) && is_inside(h.path, head) && is_inside(h.query, head));
    check(!(h.is_chunked && h.content_length >= 0) && h.content_length >= -1 && h.path.n > 0);
    int hosts = 0;
    for (size_t i = 0; i < h.headers_n; i++) {
        check(is_inside(headers[i].name, head) && is_inside(headers[i].value, head) && headers[i].name.n > 0);
        check(headers[i].value.n == 0 || str_utf8_ok(headers[i].value));
        hosts += str_eq_nocase(headers[i].name, S("host"));
    }
    check(hosts == 1 || (h.is_http10 && hosts == 0));
    struct arena mem;
    struct str plain;
    arena_init(&mem, 1 << 20);
    check(h.query.p == NULL ||
          http_decode(&mem, h.query, true, &plain)); // was refused before if it cannot be decoded
    check(http_decode(&mem, h.path, false, &plain));
    arena_free(&mem);
}

// The end event, and a digest of the data, for one way of cutting the bytes.
static uint64_t read_chunks(struct str s, size_t step, enum http_chunk_event *ret_end, size_t *ret_used) {
    struct http_chunk k = {0};
    uint64_t digest = 14695981039346656037u;
    size_t at = 0, data_bytes = 0;
    *ret_end = CHUNK_NEED_MORE;
    while (at < s.n && *ret_end == CHUNK_NEED_MORE) {
        size_t n = s.n - at < step ? s.n - at : step, used = 0;
        struct str data = STR_NONE;
        enum http_chunk_event ev = http_chunk_next(&k, s.p + at, n, &used, &data);
        check(used > 0 && used <= n);
        at += used;
        for (size_t i = 0; ev == CHUNK_DATA && i < data.n; i++)
            digest = (digest ^ (uint8_t)data.p[i]) * 1099511628211u;
        if (ev == CHUNK_DATA) data_bytes += data.n;
        if (ev == CHUNK_END || ev == CHUNK_BAD) *ret_end = ev;
    }
    check(data_bytes <= s.n);
    *ret_used = at;
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    size_t step = data[0] % 63 + 1;
    struct str s = {(const char *)data + 1, size - 1};
    struct http_scan whole = {0}, pieces = {0};
    struct http_refusal no = {0};
    ptrdiff_t end = http_head_scan(s.p, s.n, &whole, &no);
    ptrdiff_t also = scan_in_steps(s, step, &pieces, &no);
    // Taken in pieces it may be refused earlier (a control byte before the line's end), never taken differently.
    if (end > 0) check(also == end ? pieces.start == whole.start : also == -1);
    if (end == 0) check(also <= 0);
    if (end > 0) check_head((struct str){s.p + whole.start, (size_t)end - whole.start});

    enum http_chunk_event end_a, end_b;
    size_t used_a, used_b;
    struct str body = end > 0 ? (struct str){s.p + end, s.n - (size_t)end} : s;
    uint64_t a = read_chunks(body, body.n + 1, &end_a, &used_a), b = read_chunks(body, step, &end_b, &used_b);
    check(a == b && end_a == end_b && used_a == used_b);
    return 0;
}
