// SPDX-License-Identifier: MulanPSL-2.0
// What the files of the HTTP server share among themselves; nobody outside net includes this.
//
//   http_loop.c   the loop: accepting, rounds, posts, timers, stopping
//   http_conn.c   one connection: bytes in, heads and bodies, time-outs, the end of it
//   http_body.c   request bodies: memory, then an unlinked file
//   http_reply.c  what handlers call: replies, files, streams
//   http_out.c    bytes out: gathering, back-pressure, sendfile
//   http_parse.c  the grammar; http_text.c  decoding and names; http_tls.c  OpenSSL
//
// Invariants, quoted by number in the code:
//   1. Handlers run only from conn_settle, the posts, the timers and the ticks; none of these is entered
//      again from inside a handler. So the loop's read buffer belongs to one connection at a time.
//   2. A connection is freed only by its own settling, when it is closed, has no box left and stands on no
//      list; a box only after the callback that answered it has returned.
//   3. Bytes of a connection leave in the order of its boxes; only the first box of the queue writes to it.
//   4. Every connection that changed is on the work list (or being settled), so that it gets flushed, timed
//      or closed.
#ifndef NET_HTTP_INNER_H
#define NET_HTTP_INNER_H
#include "net/http_parse.h"
#include <pthread.h>
#include <stdatomic.h>

#define HTTP_READ_BYTES       ((size_t)65536) // one read; also the most that a connection leaves unparsed
#define HTTP_GATHER_BYTES     ((size_t)65536) // replies of one connection gathered into one write
#define HTTP_BODY_COPY_MAX    ((size_t)16384) // larger reply bodies are written from where they are
#define HTTP_EVENTS           512             // readiness events taken in one round
#define HTTP_ACCEPTS          64              // connections accepted in one round
#define HTTP_TURNS            16   // reads or file pieces of one connection before others get their turn
#define HTTP_BOXES_KEPT       512  // recycled boxes (with their arena's first block)
#define HTTP_LINGER_MS        2000 // after a refusal: reading on, so that the reply is not lost to a RST
#define HTTP_LINGER_BYTES     ((int64_t)1 << 20)
#define HTTP_REFUSED_MAX      64 // connections above the limit that may wait for their 503 to be read
#define HTTP_STOP_MS          5000
#define HTTP_STREAM_WAIT_MAX  ((size_t)1 << 20)
#define HTTP_REPLY_HEAD_MAX   ((size_t)32768)
#define HTTP_TIMERS           16
#define HTTP_ACCEPT_PAUSE_MS  100 // out of descriptors: the listener rests
#define HTTP_FIRST_BODY_BYTES 4096

struct ssl_st;
struct http_tls;

enum box_state { BOX_READING = 1, BOX_ASKED, BOX_ANSWERED, BOX_STREAMING };

struct http_bytes { // bytes that must wait; owned by a connection or a box
    char *p;
    size_t at, n, cap;
};

// An exchange with what the loop keeps about it. Recycled; its arena keeps its first block.
struct http_box {
    struct http_exchange x; // first, so that the two convert into each other
    struct arena mem;
    struct http_box *next; // in the queue of its connection, on the retired list, or in the pool
    enum box_state state;
    bool is_http10;
    bool is_last;     // the connection ends after this reply
    bool is_parallel; // safe method, no body: may be answered beside its neighbours (RFC 9112 §9.3.2)
    bool is_later;
    bool is_chunked; // of a stream
    int file_fd;     // a file still to be sent, -1 if none
    int64_t file_at, file_left;
    void (*on_close)(void *arg);
    void *on_close_arg;
    struct http_bytes held; // reply bytes waiting for the boxes before it
};

enum http_clock { CLOCK_NONE, CLOCK_HEAD, CLOCK_IDLE, CLOCK_BODY, CLOCK_LINGER, CLOCK_COUNT };

struct http_conn {
    struct http_loop *loop;
    struct ssl_st *ssl;
    int fd; // -1 once closed
    // Input
    bool is_readable;    // the socket may hold more (edge-triggered: we are told once)
    bool has_hung_up;    // the kernel told of the client's end: read on until it comes out
    bool is_writable;    // an edge said so since the last attempt
    bool is_handshaking; // TLS not up yet
    bool is_eof;         // the client has closed its side
    bool is_deaf;        // no further request is read: what comes is thrown away
    bool in_waits;       // kept input may be taken further without reading more
    bool is_blocked;     // a complete head waits for the replies before it
    // Output and end
    bool is_broken;    // to be closed as soon as no handler is on the stack
    bool is_ending;    // the last reply is written; close when flushed
    bool is_lingering; // our side is shut; waiting for theirs
    bool is_refused;   // beyond the limit of connections: only there to hear 503
    bool is_rude;      // bytes of the client's may be unread: linger before closing, or a RST eats the reply
    bool is_on_work;   // or being settled
    bool wants_turn;   // not done, but others come first
    bool is_progress;  // something moved since the last settling: clocks start afresh
    uint8_t queue_n;
    struct http_box *first, *last; // in the order of the requests
    struct http_box *reading;      // whose body is being received; always the last of the queue
    struct http_bytes in, out;     // unparsed input; output that the socket did not take
    struct http_scan scan;
    struct http_chunk chunk;
    int64_t body_left; // fixed length: still to come; -1 = chunked
    int64_t body_max;
    char *body_at;   // its place in the arena, of
    size_t body_cap; // so many bytes
    int64_t discarded;
    enum http_clock clock;
    int64_t deadline_ms;
    struct http_conn *clock_prev, *clock_next;
    struct http_conn *work_next;
    struct http_conn *all_prev, *all_next;
    char peer[46];
    uint8_t peer_n;
};

struct http_list { // a clock: one delay for all of it, so the order of arming is the order of time
    struct http_conn *first, *last;
};

struct http_counters {
    _Atomic uint64_t connections, connections_open, requests, bad_requests, bytes_in, bytes_out,
        tls_handshakes;
};

struct http_loop {
    struct http_config config;
    struct http_tls *tls;
    int epoll_fd, listen_fd, wake_fd, spare_fd;
    int port, connections_max, refused_n;
    bool is_stopping;
    int64_t now_ms, wall_ms, stop_by_ms, accept_again_ms;
    _Atomic bool stop;

    pthread_mutex_t post_lock; // guards the next three
    struct http_post *post_first, *post_last;
    bool is_asleep;

    struct http_list clocks[CLOCK_COUNT];
    int delay_ms[CLOCK_COUNT], stop_ms; // per loop so that tests need not wait out a real time-out
    struct http_conn *all;              // every connection not yet freed
    struct http_conn *work, *work_last;
    struct http_box *retired; // answered; recycled when the running callback has returned
    struct http_box *pool;
    size_t pool_n;

    struct http_timer {
        int every_ms;
        int64_t next_ms;
        void (*run)(void *arg);
        void *arg;
    } timers[HTTP_TIMERS];
    int timers_n;

    int64_t date_s; // the second that `date` says
    char date[40];  // "Date: …\r\n"
    uint8_t date_n;

    struct http_conn *gather_conn; // whose bytes are in gather
    size_t gather_n;
    struct http_counters count;
    struct http_header headers[HTTP_HEADERS_MAX]; // of the head being parsed
    char reply_head[HTTP_REPLY_HEAD_MAX];
    char gather[HTTP_GATHER_BYTES];
    char in[HTTP_READ_BYTES];
};

// One writer (the loop's thread), readers anywhere: no locked instruction is needed.
static inline void http_count(_Atomic uint64_t *counter, uint64_t more) {
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
                          memory_order_relaxed);
}
static inline struct http_box *box_of(struct http_exchange *x) {
    return (struct http_box *)(void *)x;
}

// http_loop.c
void conn_touch(struct http_conn *c);                        // invariant 4
void conn_clock(struct http_conn *c, enum http_clock clock); // (re)starts this clock
void loop_recycle(struct http_loop *l); // invariant 2: only when no callback is on the stack
struct http_box *box_take(struct http_conn *c);
void box_retire(struct http_conn *c, struct http_box *b);

// http_conn.c
struct http_conn *conn_open(struct http_loop *l, int fd);
void conn_settle(struct http_conn *c);
void conn_expire(struct http_conn *c, enum http_clock clock); // this clock of it has run out
void conn_close(struct http_conn *c);                         // at once; its boxes are told
void conn_free(struct http_conn *c);
void conn_break(struct http_conn *c); // as soon as possible
void conn_refuse(struct http_conn *c, int status, const char *why);

// http_body.c
enum body_result { BODY_MORE = 1, BODY_DONE, BODY_REFUSED };
enum body_result body_take(struct http_conn *c, const char *p, size_t n, size_t *ret_used);

// http_reply.c
// Whatever the first boxes of the queue still owe is written as far as it is known; finished ones leave.
void conn_advance(struct http_conn *c);

// http_out.c
bool bytes_add(struct http_bytes *b, struct str s) MUST; // false: no memory
void bytes_drop(struct http_bytes *b);
void conn_put(struct http_conn *c, struct str s); // in order; leaves at the latest when the round ends
void gather_flush(struct http_loop *l);
void conn_write_on(struct http_conn *c); // output that waited, then files, as far as the socket takes it
// > 0 bytes read; 0 end; -1 nothing now; -2 broken
ptrdiff_t conn_read(struct http_conn *c, char *p, size_t n);

// http_tls.c
int tls_open(const char *cert_pem_path, const char *key_pem_path, struct http_tls **ret, struct err *e) MUST;
void tls_close(struct http_tls *t);
struct ssl_st *tls_start(struct http_tls *t, int fd);
void tls_end(struct ssl_st *s, bool is_clean);
int tls_handshake(struct ssl_st *s);                            // 1 done; -1 later; -2 failed
ptrdiff_t tls_read(struct ssl_st *s, char *p, size_t n);        // as conn_read
ptrdiff_t tls_write(struct ssl_st *s, const char *p, size_t n); // > 0 bytes taken; -1 later; -2 broken

// http_text.c
const char *http_method_name(enum http_method m);

// net_signal.c: a peer that goes away must cost an error code, not the process.
struct net_sigpipe {
    bool was_blocked, was_pending;
};
struct net_sigpipe net_sigpipe_hold(void);
void net_sigpipe_release(struct net_sigpipe held);
#endif
