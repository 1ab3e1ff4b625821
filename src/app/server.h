// SPDX-License-Identifier: MulanPSL-2.0
// Private to app: the running server, one call of it, its workers, and the pages that listen to events.
#ifndef APP_SERVER_H
#define APP_SERVER_H
#include "app/app.h"
#include "app/metrics.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#define WORKERS           2
#define TASKS_MAX         256 // slow calls waiting; beyond it 503
#define LISTENERS_MAX     2000
#define RECEIPTS_HELD_MAX 2000 // replies waiting for their receipt; further ones leave without

struct worker { // one thread with its own reader, hasher and memory
    struct server *server;
    pthread_t thread;
    struct conn *conn;
    struct hasher *hasher;
    const uint64_t *generation; // of authorisation at its snapshot; NULL = it has none open
    bool is_up;
};
struct task {
    struct task *next;
    void (*run)(struct task *t, struct worker *w);
};
struct call {         // one request on its way; lies in the exchange's arena
    struct work work; // first: the writer hands these back
    struct http_post post;
    struct task task;
    struct server *server;
    struct http_exchange *x;
    struct request req;
    struct call *next_held; // while it waits for its receipt: see receipts.c
    int64_t entry;
    bool wants_sm3;
    bool is_complete; // its reply is, without a handler having run: refused
    struct cx cx;
};
struct listener { // a page with an open event stream
    struct listener *next;
    struct server *server;
    struct http_exchange *x;
    char office[64];
    uint32_t roles;
    // What the page said who it is, to be judged again while it listens: a revoked session hears nothing more.
    struct {
        char name[24], value[512];
    } said[2];
    uint64_t generation; // under which it was judged last, and when
    int64_t judged_ms;
};
struct access;
struct server {
    struct city *city;
    struct meters meters;
    struct access *access; // the log of requests; NULL = off
    struct arena mem;
    struct http_loop *loop;
    struct static_dir *pages;
    const char *web;         // the folder of the page
    struct socket *socket;   // commands that run here
    struct conn *reader;     // the loop's
    uint64_t generation;     // of authorisation, loaded before the loop's snapshot was taken
    int64_t snapshot_us;     // when that was
    bool is_fresh;           // in this tick
    bool has_written;        // something was changed and told since
    int under_way;           // calls with the writer or a worker: their answers will wake the loop
    struct hasher *hasher;   // the loop's
    struct readers *readers; // NULL: the loop reads by itself
    struct worker workers[WORKERS];
    struct worker jobs;
    pthread_mutex_t lock;
    pthread_cond_t wake, wake_jobs;
    struct task *first_task, *last_task; // under lock
    int tasks_n;
    bool stop;
    _Atomic bool is_lost;       // a sync failed: the process has to end
    struct listener *listeners; // loop thread only
    int listeners_n;
    struct call *held_first, *held_last,
        *held_running; // waiting for a receipt; loop thread, the last also the worker
    int held_n;
    struct task held_task;
    struct http_post held_post;
    char cert_path[600], key_path[600];
};

int workers_start(struct server *s, struct err *e) MUST;
void workers_stop(struct server *s);
bool workers_give(struct server *s, struct task *t); // false when too many wait
// readers.c: where reads wait for a network.
int readers_start(struct server *s, struct err *e) MUST;
void readers_stop(struct server *s);
bool readers_give(struct readers *all, struct task *t); // false when too many wait
int server_certificate(struct server *s,
                       struct err *e) MUST; // makes tls-cert.pem and tls-key.pem at first use

extern const struct route verifier_routes[]; // verify_page.c
bool receipts_hold(struct call *c);          // true: the reply waits for its receipt and leaves by itself
void server_send(struct call *c);            // the reply leaves; on the loop

void listeners_add(struct call *c, const struct http_out *out);
void listeners_tell(void *arg, const char *event, struct str object, struct str office); // any thread
void listeners_beat(void *arg);
#endif
