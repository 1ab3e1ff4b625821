// SPDX-License-Identifier: MulanPSL-2.0
// The grammar of RFC 9112 as pure functions over bytes: no socket, no memory of their own, no clock. Private
// to net (and its tests and fuzz target). Every refusal carries the status to answer and a reason for people.
#ifndef NET_HTTP_PARSE_H
#define NET_HTTP_PARSE_H
#include "net/http.h"

#define HTTP_CHUNK_EXT_MAX   4096 // bytes of chunk extensions in one body
#define HTTP_TRAILER_MAX     8192 // bytes of trailer fields in one body
#define HTTP_CHUNK_SIZE_BITS 40   // a single chunk of a terabyte is nobody's chunk

struct http_refusal {
    int status;
    const char *why; // a literal, fit for a JSON string
};

// Where the search for the end of a head has got to, so that a head that arrives byte by byte is read once.
struct http_scan {
    uint32_t start; // 2 when a stray CRLF stood before the request line
    uint32_t line;  // where the line being read begins
    uint32_t seen;  // bytes already looked at
};

// Finds the end of the head in p[0..n): > 0 = bytes up to and with its empty line; 0 = more bytes are needed;
// -1 = refused. Bare LF, bare CR and control bytes are refused as soon as they are seen.
ptrdiff_t http_head_scan(const char *p, size_t n, struct http_scan *s, struct http_refusal *ret_no) MUST;

struct http_head {
    enum http_method method;
    bool is_http10;
    bool keep_alive;
    bool expects_continue;
    bool is_chunked;
    int64_t content_length; // -1 = not given
    struct str
        target; // as received in origin-form; in absolute-form what follows the authority (may be empty)
    struct str path, query; // path is "/" when the target had none
    struct str authority;   // of an absolute-form target; it overrides Host (RFC 9112 §3.2.2)
    size_t headers_n;
};

// Parses a complete head (what http_head_scan delimited, from its start). headers has HTTP_HEADERS_MAX
// places. The results point into `head`.
bool http_head_parse(struct str head, struct http_header *headers, struct http_head *ret,
                     struct http_refusal *ret_no) MUST;

// The chunked decoder: a state machine that keeps nothing but a few counters between reads.
enum http_chunk_event { CHUNK_NEED_MORE = 1, CHUNK_DATA, CHUNK_END, CHUNK_BAD };
struct http_chunk {
    uint8_t state;
    uint16_t ext_bytes, trailer_bytes;
    uint64_t left; // of the size being read, then of the data of this chunk
};
// Reads from p[0..n), tells how much it used, and stops at each piece of data (*ret_data), at the end, at a
// fault, or when the bytes are used up. A zeroed struct is the start.
enum http_chunk_event http_chunk_next(struct http_chunk *k, const char *p, size_t n, size_t *ret_used,
                                      struct str *ret_data) MUST;

// True when every %-escape is well formed and the decoded text is UTF-8 without NUL.
bool http_escapes_ok(struct str s) MUST;

#endif
