// SPDX-License-Identifier: MulanPSL-2.0
// The strict HTTP/1.1 server (RFC 9110, RFC 9112): epoll, OpenSSL for TLS, no city word. One loop is one
// thread; every callback runs on it. A handler answers at once, or keeps the exchange and answers later from
// a function posted to the loop. Requests that RFC 9112 forbids get 400 and a closed connection; everything
// that a stranger can enlarge (line, headers, count, body, idle time, connections) has a limit below.
//
//   bytes -> head complete -> on_head (may this body come, how large, where to) -> body -> on_request
//         -> http_reply* (now or later) -> bytes out -> next request of the connection (pipelining in order)
#ifndef NET_HTTP_H
#define NET_HTTP_H
#include "base/err.h"

#define HTTP_HEAD_MAX        16384 // request line and headers together, bytes -> 431 and close
#define HTTP_HEADERS_MAX     100   // -> 431 and close
#define HTTP_TARGET_MAX      8192  // -> 414 and close
#define HTTP_BODY_MEMORY_MAX 65536 // larger bodies go to an unlinked temporary file as they arrive
#define HTTP_HEAD_TIMEOUT_MS 15000 // from first byte of a head to its end -> 408 and close
#define HTTP_IDLE_TIMEOUT_MS 75000 // between requests
#define HTTP_BODY_TIMEOUT_MS 30000 // without a byte of progress, either direction
#define HTTP_CONNECTIONS_MAX 8192  // further ones are accepted, answered 503 and closed
#define HTTP_PIPELINE_MAX    16    // requests read ahead of unanswered ones; reading then pauses

struct http_loop;
struct http_header {
    struct str name, value;
}; // name as received; compare with str_eq_nocase

enum http_method { HTTP_GET = 1, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS };

// One request and its reply. Owned by the loop; alive until the reply has been handed over (and, for
// http_reply_later, until the answering function has run), even when the client has gone.
struct http_exchange {
    struct arena *mem;       // freed after the reply has been sent: put everything of the request here
    enum http_method method; // HEAD is delivered as HEAD; the loop drops the body of its reply
    struct str target;       // as received, origin-form
    struct str path;         // before '?', still percent-encoded
    struct str query;        // after '?', STR_NONE if none
    struct http_header *headers;
    size_t headers_n;
    struct str body; // in memory (may be empty), or
    int body_fd;     // >= 0: spooled, positioned at 0; closed by the loop
    int64_t body_bytes;
    struct str peer; // "127.0.0.1"
    bool is_tls;
    bool gone;              // the client has closed; a reply is then dropped silently
    void *user;             // for the layer above
    int64_t begin_us;       // when its head was complete (clock_mono_us); 0 of one that had none
    struct http_conn *conn; // private to net
};

struct http_config {
    const char *address;                      // "127.0.0.1", "::", …
    int port;                                 // 0 = any free one; http_port tells
    const char *cert_pem_path, *key_pem_path; // both NULL = plain
    void *arg;
    // Called when the head is complete. Returns the greatest body size allowed for this request (0 = none);
    // a larger one gets 413. It may already answer (http_reply): then the body is not read and the connection closes.
    int64_t (*on_head)(void *arg, struct http_exchange *x);
    void (*on_request)(void *arg, struct http_exchange *x);
    // Every reply that leaves, by whomever (refusals of the loop too), once; bytes of its body, 0 of a stream. May be NULL.
    void (*on_reply)(void *arg, const struct http_exchange *x, int status, int64_t bytes);
    void (*on_tick)(void *arg, bool is_begin); // around the callbacks of one epoll round; may be NULL
    const char *spool_dir;                     // for large bodies
    int connections_max;                       // 0 = HTTP_CONNECTIONS_MAX
};

int http_open(const struct http_config *config, struct http_loop **ret, struct err *e) MUST;
int http_port(const struct http_loop *l);
void http_run(struct http_loop *l);  // until http_stop; finishes replies in flight (at most 5 s)
void http_stop(struct http_loop *l); // from any thread or a signal handler
void http_close(struct http_loop *l);

struct str http_header(const struct http_exchange *x, const char *name); // first of that name, else STR_NONE
// One decoded query parameter ('+' is a space); STR_NONE if absent. Bad %-escapes were refused before.
struct str http_query(const struct http_exchange *x, const char *name);
// Percent-decodes; false on a bad escape, NUL or bad UTF-8.
bool http_decode(struct arena *mem, struct str s, bool plus_is_space, struct str *ret) MUST;
struct str http_encode(struct arena *mem, struct str s); // everything but unreserved characters

struct http_out { // headers of a reply, beyond those the loop puts (Date, Content-Length, Connection)
    int status;
    struct str type; // Content-Type
    const struct http_header *headers;
    size_t headers_n;
    bool close; // close the connection after this reply
};
// The body is copied only if it cannot be sent at once from x->mem. Exactly one reply per exchange (asserted).
void http_reply(struct http_exchange *x, const struct http_out *out, struct str body);
// Sends bytes [offset, offset+n) of fd with Content-Length n (the caller made the 206 headers if partial), then closes fd.
void http_reply_file(struct http_exchange *x, const struct http_out *out, int fd, int64_t offset, int64_t n);
// Keeps the exchange for later. Answer from a function given to http_post, on the loop.
void http_reply_later(struct http_exchange *x);
// An open-ended reply (SSE, chunked): begin, send pieces from the loop, end. on_close is called once, when
// the client goes or after http_stream_end. False when more than 1 MiB waits unsent: the piece was not taken.
void http_stream_begin(struct http_exchange *x, const struct http_out *out, void (*on_close)(void *arg),
                       void *arg);
bool http_stream_send(struct http_exchange *x, struct str piece);
void http_stream_end(struct http_exchange *x);

struct http_post { // intrusive; owned by the poster until run
    struct http_post *next;
    void (*run)(struct http_post *p);
};
// Runs the list of posts on the loop's thread, in order; one wake-up per call. From any thread.
void http_post(struct http_loop *l, struct http_post *first);
// Calls `run` on the loop every `every_ms` from now on (clocks, SSE heart beats); at most 16.
int http_every(struct http_loop *l, int every_ms, void (*run)(void *arg), void *arg) MUST;

struct http_stats {
    uint64_t connections, connections_open, requests, bad_requests, bytes_in, bytes_out, tls_handshakes;
};
struct http_stats http_stats(const struct http_loop *l);
const char *http_status_text(int status);
struct str http_problem(struct arena *mem, int status, const char *why); // why in English, or NULL

#endif
