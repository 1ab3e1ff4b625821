// SPDX-License-Identifier: MulanPSL-2.0
// The loop: one thread, one epoll set, rounds. A round takes readiness, posts from other threads and run-out
// clocks, settles every connection that changed, and flushes. It keeps true that nothing is freed while a
// callback is on the stack, that a post wakes a sleeping loop and only a sleeping one, and that finding the
// next time-out costs O(1): each kind of time-out has one delay, so its list is in order by construction.
#include "net/http_inner.h"
#include "base/clock.h"
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static const int clock_delay_ms[CLOCK_COUNT] = {
    [CLOCK_HEAD] = HTTP_HEAD_TIMEOUT_MS,
    [CLOCK_IDLE] = HTTP_IDLE_TIMEOUT_MS,
    [CLOCK_BODY] = HTTP_BODY_TIMEOUT_MS,
    [CLOCK_LINGER] = HTTP_LINGER_MS,
};

// ---- work, boxes, clocks ----------------------------------------------------------------

void conn_touch(struct http_conn *c) {
    struct http_loop *l = c->loop;
    if (c->is_on_work) return;
    c->is_on_work = true;
    c->work_next = NULL;
    if (l->work_last)
        l->work_last->work_next = c;
    else
        l->work = c;
    l->work_last = c;
}

void conn_clock(struct http_conn *c, enum http_clock clock) {
    struct http_loop *l = c->loop;
    if (c->clock != CLOCK_NONE) {
        struct http_list *list = &l->clocks[c->clock];
        *(c->clock_prev ? &c->clock_prev->clock_next : &list->first) = c->clock_next;
        *(c->clock_next ? &c->clock_next->clock_prev : &list->last) = c->clock_prev;
    }
    c->clock = clock;
    c->clock_prev = c->clock_next = NULL;
    if (clock == CLOCK_NONE) return;
    struct http_list *list = &l->clocks[clock];
    c->deadline_ms = l->now_ms + l->delay_ms[clock];
    c->clock_prev = list->last;
    *(list->last ? &list->last->clock_next : &list->first) = c;
    list->last = c;
}

struct http_box *box_take(struct http_conn *c) {
    struct http_loop *l = c->loop;
    struct http_box *b = l->pool;
    if (b) {
        l->pool = b->next;
        l->pool_n--;
        struct arena mem = b->mem;
        *b = (struct http_box){.mem = mem};
    } else {
        b = calloc(1, sizeof *b);
        if (b == NULL) return NULL;
        arena_init(&b->mem, 0);
    }
    b->x.mem = &b->mem;
    b->x.conn = c;
    b->x.body_fd = b->file_fd = -1;
    b->x.peer = (struct str){c->peer, c->peer_n};
    b->x.is_tls = c->ssl != NULL;
    b->state = BOX_READING;
    *(c->last ? &c->last->next : &c->first) = b;
    c->last = b;
    c->queue_n++;
    return b;
}

void box_retire(struct http_conn *c, struct http_box *b) {
    assert(c->first == b);
    c->first = b->next;
    if (c->first == NULL) c->last = NULL;
    c->queue_n--;
    if (c->reading == b) c->reading = NULL;
    if (b->x.body_fd >= 0) close(b->x.body_fd);
    if (b->file_fd >= 0) close(b->file_fd);
    bytes_drop(&b->held);
    b->next = c->loop->retired;
    c->loop->retired = b;
}

static void box_free(struct http_box *b) {
    arena_free(&b->mem);
    free(b);
}

void loop_recycle(struct http_loop *l) {
    while (l->retired) {
        struct http_box *b = l->retired;
        l->retired = b->next;
        if (l->pool_n == HTTP_BOXES_KEPT) {
            box_free(b);
            continue;
        }
        arena_reset(&b->mem);
        b->next = l->pool;
        l->pool = b;
        l->pool_n++;
    }
}

// ---- accepting --------------------------------------------------------------------------

static uint8_t peer_name(const struct sockaddr_storage *a, char out[46]) {
    out[0] = 0;
    if (a->ss_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, out, 46);
    } else if (a->ss_family == AF_INET6) {
        const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
        // An IPv4 client of a dual-stack socket keeps the one name that people know it by.
        if (IN6_IS_ADDR_V4MAPPED(six))
            inet_ntop(AF_INET, &six->s6_addr[12], out, 46);
        else
            inet_ntop(AF_INET6, six, out, 46);
    }
    return (uint8_t)strlen(out);
}

static void listen_for(struct http_loop *l, uint32_t events) {
    struct epoll_event ev = {.events = events, .data.ptr = &l->listen_fd};
    (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, l->listen_fd, &ev);
}

// Out of descriptors: the waiting client would keep the listener ready and the loop spinning. One descriptor
// is kept in reserve for taking such a client off the queue; without it the listener rests for a moment.
static bool shed_one(struct http_loop *l) {
    if (l->spare_fd < 0) l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (l->spare_fd < 0) {
        l->accept_again_ms = l->now_ms + HTTP_ACCEPT_PAUSE_MS;
        listen_for(l, 0);
        return false;
    }
    close(l->spare_fd);
    int fd = accept4(l->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) close(fd);
    l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

static void conn_begin(struct http_loop *l, int fd, const struct sockaddr_storage *from) {
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    uint64_t open_n = atomic_load_explicit(&l->count.connections_open, memory_order_relaxed);
    bool is_full = open_n >= (uint64_t)(l->connections_max + l->refused_n);
    // A refusal over TLS would cost a handshake, which is what a flood wants; there the door just closes.
    if (is_full && (l->tls || l->refused_n >= HTTP_REFUSED_MAX)) {
        close(fd);
        return;
    }
    struct http_conn *c = conn_open(l, fd);
    if (c == NULL) {
        close(fd);
        return;
    }
    c->peer_n = peer_name(from, c->peer);
    // Registered once for everything: edges make epoll_ctl per request needless.
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
        conn_break(c);
        return;
    }
    if (is_full) {
        c->is_refused = true;
        l->refused_n++;
        conn_refuse(c, 503, "too many connections");
    }
    conn_touch(c);
}

static void accept_some(struct http_loop *l) {
    for (int i = 0; i < HTTP_ACCEPTS && !l->is_stopping; i++) {
        struct sockaddr_storage from;
        socklen_t n = sizeof from;
        int fd = accept4(l->listen_fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            conn_begin(l, fd, &from);
            continue;
        }
        if (errno == EAGAIN) return;
        if (errno == EMFILE || errno == ENFILE) {
            if (!shed_one(l)) return;
        } else if (errno == ENOBUFS || errno == ENOMEM) {
            l->accept_again_ms = l->now_ms + HTTP_ACCEPT_PAUSE_MS;
            listen_for(l, 0);
            return;
        } // everything else is about that one client: it is gone already (accept(2), "Error handling")
    }
}

// ---- rounds -----------------------------------------------------------------------------

static int64_t sooner(int64_t a, int64_t b) {
    return b && b < a ? b : a;
}

static int wait_ms(const struct http_loop *l) {
    if (l->work) return 0;
    int64_t next = INT64_MAX;
    for (int k = 1; k < CLOCK_COUNT; k++)
        if (l->clocks[k].first) next = sooner(next, l->clocks[k].first->deadline_ms);
    for (int i = 0; i < l->timers_n; i++)
        next = sooner(next, l->timers[i].next_ms);
    next = sooner(next, l->accept_again_ms);
    next = sooner(next, l->stop_by_ms);
    if (next == INT64_MAX) return -1;
    int64_t left =
        next - clock_mono_us() / 1000 + 1; // the clock is cut to whole ms: never wake too early and spin
    return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

// Goes to sleep only if no post has come; a poster then sees is_asleep and writes to wake_fd.
static int wait_for_events(struct http_loop *l, struct epoll_event *events) {
    int ms = atomic_load(&l->stop) && !l->is_stopping ? 0 : wait_ms(l);
    pthread_mutex_lock(&l->post_lock);
    if (l->post_first) ms = 0;
    l->is_asleep = ms != 0;
    pthread_mutex_unlock(&l->post_lock);
    int n = epoll_wait(l->epoll_fd, events, HTTP_EVENTS, ms);
    l->now_ms = clock_mono_us() / 1000;
    l->wall_ms = clock_now_ms();
    return n < 0 ? 0 : n; // EINTR is a round without events
}

static void run_posts(struct http_loop *l) {
    pthread_mutex_lock(&l->post_lock);
    struct http_post *p = l->post_first;
    l->post_first = l->post_last = NULL;
    l->is_asleep = false;
    pthread_mutex_unlock(&l->post_lock);
    while (p) {
        struct http_post *next = p->next; // p may lie in the arena of the exchange it answers
        p->run(p);
        loop_recycle(l);
        p = next;
    }
}

static void run_timers(struct http_loop *l) {
    for (int k = 1; k < CLOCK_COUNT; k++) {
        struct http_conn *c;
        while ((c = l->clocks[k].first) && c->deadline_ms <= l->now_ms) {
            conn_clock(c, CLOCK_NONE);
            conn_expire(c, (enum http_clock)k);
        }
    }
    for (int i = 0; i < l->timers_n; i++) {
        struct http_timer *t = &l->timers[i];
        if (t->next_ms > l->now_ms) continue;
        t->next_ms = l->now_ms + t->every_ms;
        t->run(t->arg);
        loop_recycle(l);
    }
    if (l->accept_again_ms && l->accept_again_ms <= l->now_ms && !l->is_stopping) {
        l->accept_again_ms = 0;
        listen_for(l, EPOLLIN);
    }
}

// One pass over the work list as it stands; what is touched meanwhile waits for the next round.
static void run_work(struct http_loop *l) {
    struct http_conn *c = l->work;
    l->work = l->work_last = NULL;
    while (c) {
        struct http_conn *next = c->work_next;
        c->is_on_work = false;
        conn_settle(c);
        c = next;
    }
}

static void take_events(struct http_loop *l, const struct epoll_event *events, int n) {
    for (int i = 0; i < n; i++) {
        void *who = events[i].data.ptr;
        if (who == &l->wake_fd) continue; // edge-triggered: its count never needs to be read back
        if (who == &l->listen_fd) {
            accept_some(l);
            continue;
        }
        struct http_conn *c = who;
        uint32_t ev = events[i].events;
        if (ev & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) c->is_readable = true;
        if (ev & EPOLLRDHUP) c->has_hung_up = true;
        if (ev & EPOLLOUT) c->is_writable = true;
        if (ev & (EPOLLHUP | EPOLLERR)) conn_break(c); // both directions are gone
        conn_settle(c);
    }
}

static void tick(struct http_loop *l, bool is_begin) {
    if (l->config.on_tick == NULL) return;
    l->config.on_tick(l->config.arg, is_begin);
    loop_recycle(l);
}

static void begin_stop(struct http_loop *l) {
    l->is_stopping = true;
    l->stop_by_ms = l->now_ms + l->stop_ms;
    close(l->listen_fd); // leaves the epoll set by itself
    l->listen_fd = -1;
    for (struct http_conn *c = l->all; c; c = c->all_next)
        conn_touch(c);
}

void http_run(struct http_loop *l) {
    struct epoll_event events[HTTP_EVENTS];
    struct net_sigpipe held = net_sigpipe_hold(); // OpenSSL writes without MSG_NOSIGNAL
    for (;;) {
        int n = wait_for_events(l, events);
        tick(l, true);
        take_events(l, events, n);
        run_posts(l);
        run_timers(l);
        run_work(l);
        tick(l, false);
        gather_flush(l);
        if (!l->is_stopping && atomic_load(&l->stop)) begin_stop(l);
        if (l->is_stopping && (l->all == NULL || l->now_ms >= l->stop_by_ms)) break;
    }
    for (struct http_conn *c = l->all; c; c = c->all_next)
        conn_close(c);
    net_sigpipe_release(held);
}

void http_stop(struct http_loop *l) {
    const uint64_t one = 1;
    int before = errno; // may run in a signal handler
    atomic_store(&l->stop, true);
    ssize_t n = write(l->wake_fd, &one, sizeof one);
    (void)n;
    errno = before;
}

void http_post(struct http_loop *l, struct http_post *first) {
    assert(first);
    struct http_post *last = first;
    while (last->next)
        last = last->next;
    pthread_mutex_lock(&l->post_lock);
    if (l->post_last)
        l->post_last->next = first;
    else
        l->post_first = first;
    l->post_last = last;
    bool must_wake = l->is_asleep;
    l->is_asleep = false; // one wake-up is enough
    pthread_mutex_unlock(&l->post_lock);
    if (!must_wake) return;
    const uint64_t one = 1;
    ssize_t n = write(l->wake_fd, &one, sizeof one);
    (void)n; // fails only when the count is full, and then the loop is awake
}

int http_every(struct http_loop *l, int every_ms, void (*run)(void *arg), void *arg) {
    assert(every_ms > 0 && run);
    if (l->timers_n == HTTP_TIMERS) return ERR_too_large;
    int64_t next = clock_mono_us() / 1000 + every_ms;
    l->timers[l->timers_n++] = (struct http_timer){every_ms, next, run, arg};
    return OK;
}

// ---- opening and closing ----------------------------------------------------------------

static int listen_on(const struct http_config *config, int *ret_fd, struct err *e) {
    char port[16];
    snprintf(port, sizeof port, "%d", config->port);
    struct addrinfo want = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM},
                    *found = NULL;
    int bad = getaddrinfo(config->address, port, &want, &found);
    if (bad) return err_set(e, ERR_net, "address", "%s: %s", config->address, gai_strerror(bad));
    const int on = 1, off = 0;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
    if (ok && found->ai_family == AF_INET6)
        ok = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0;
    ok = ok && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0;
    int why = errno;
    freeaddrinfo(found);
    if (ok) {
        *ret_fd = fd;
        return OK;
    }
    if (fd >= 0) close(fd);
    return err_set(e, ERR_net, "address", "%s:%d: %s", config->address, config->port, strerrordesc_np(why));
}

static int port_of(int fd) {
    struct sockaddr_storage a = {0};
    socklen_t n = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &n) < 0) return 0;
    if (a.ss_family == AF_INET6) return ntohs(((const struct sockaddr_in6 *)(const void *)&a)->sin6_port);
    return ntohs(((const struct sockaddr_in *)(const void *)&a)->sin_port);
}

static int start(struct http_loop *l, struct err *e) {
    const struct http_config *k = &l->config;
    if (k->cert_pem_path) {
        int err = tls_open(k->cert_pem_path, k->key_pem_path, &l->tls, e);
        if (err) return err;
    }
    int err = listen_on(k, &l->listen_fd, e);
    if (err) return err;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct epoll_event wake = {.events = EPOLLIN | EPOLLET, .data.ptr = &l->wake_fd};
    struct epoll_event door = {.events = EPOLLIN, .data.ptr = &l->listen_fd};
    bool ok = l->epoll_fd >= 0 && l->wake_fd >= 0 && l->spare_fd >= 0 &&
              epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->wake_fd, &wake) == 0 &&
              epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->listen_fd, &door) == 0;
    if (!ok) return err_set(e, ERR_net, "", "epoll: %s", strerrordesc_np(errno));
    l->port = port_of(l->listen_fd);
    return OK;
}

int http_open(const struct http_config *config, struct http_loop **ret, struct err *e) {
    assert(config->on_request && config->address);
    assert(!config->cert_pem_path == !config->key_pem_path);
    struct http_loop *l = calloc(1, sizeof *l);
    if (l == NULL) return err_set(e, ERR_no_memory, "", " ");
    l->config = *config;
    l->connections_max = config->connections_max > 0 ? config->connections_max : HTTP_CONNECTIONS_MAX;
    l->epoll_fd = l->listen_fd = l->wake_fd = l->spare_fd = -1;
    l->now_ms = clock_mono_us() / 1000;
    l->wall_ms = clock_now_ms();
    l->date_s = -1;
    l->stop_ms = HTTP_STOP_MS;
    memcpy(l->delay_ms, clock_delay_ms, sizeof l->delay_ms);
    pthread_mutex_init(&l->post_lock, NULL);
    int err = start(l, e);
    if (err) {
        http_close(l);
        return err;
    }
    *ret = l;
    return OK;
}

int http_port(const struct http_loop *l) {
    return l->port;
}

// Whoever could still post must have ended before this. Posts that nobody ran are run now: their owners get
// their memory back, their replies go nowhere.
void http_close(struct http_loop *l) {
    if (l == NULL) return;
    for (struct http_conn *c = l->all; c; c = c->all_next)
        conn_close(c);
    run_posts(l);
    while (l->all) {
        struct http_conn *c = l->all;
        while (c->first) // asked, and never answered
            box_retire(c, c->first);
        c->is_on_work = false;
        conn_free(c);
    }
    l->work = l->work_last = NULL;
    loop_recycle(l);
    while (l->pool) {
        struct http_box *b = l->pool;
        l->pool = b->next;
        box_free(b);
    }
    const int fds[] = {l->listen_fd, l->epoll_fd, l->wake_fd, l->spare_fd};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] >= 0) close(fds[i]);
    tls_close(l->tls);
    pthread_mutex_destroy(&l->post_lock);
    free(l);
}

struct http_stats http_stats(const struct http_loop *l) {
    const struct http_counters *n = &l->count;
    return (struct http_stats){
        .connections = atomic_load_explicit(&n->connections, memory_order_relaxed),
        .connections_open = atomic_load_explicit(&n->connections_open, memory_order_relaxed),
        .requests = atomic_load_explicit(&n->requests, memory_order_relaxed),
        .bad_requests = atomic_load_explicit(&n->bad_requests, memory_order_relaxed),
        .bytes_in = atomic_load_explicit(&n->bytes_in, memory_order_relaxed),
        .bytes_out = atomic_load_explicit(&n->bytes_out, memory_order_relaxed),
        .tls_handshakes = atomic_load_explicit(&n->tls_handshakes, memory_order_relaxed),
    };
}
