// SPDX-License-Identifier: MulanPSL-2.0
// The generator's loop. It shares its machine with the server it measures, so it must be cheap: one send and
// one recv per exchange, edge-triggered epoll set up once, replies read in a common buffer and kept only when
// they come in pieces, no allocation per request.
#include "wire.h"
#include "net/http_parse.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES ((size_t)262144)
#define EVENTS     512
#define SECOND_NS  ((int64_t)1000000000)
// The open loop sleeps at least this long: what falls due meanwhile is sent together. It bounds the error of
// a time.
#define NAP_NS ((int64_t)100000)

struct line { // one connection
    int fd;
    bool is_busy, is_counted;
    bool is_free;    // on the list of those
    int64_t n;       // the request under way
    int64_t due_ns;  // when it should have left
    int64_t sent_ns; // when it did
    char *in;        // a reply that came in pieces
    size_t in_n, in_cap;
    char *out; // what the socket did not take
    size_t out_at, out_n;
};

struct wire {
    const struct wire_plan *plan;
    struct wire_result *ret;
    struct sockaddr_storage to;
    socklen_t to_n;
    int epoll_fd;
    struct line *lines;
    int *free_lines, free_n; // open loop: those without a request, the last used on top
    int busy_n;
    int64_t now_ns, begin_ns, count_from_ns, end_ns, patience_ns;
    int64_t next_due_ns; // open loop
    int64_t next_n, counted_n;
    bool is_done; // nothing more is sent
    FILE *csv;
    struct wire_histogram *second; // of the second under way
    int64_t second_at, second_wrong, second_failed;
    char out[WIRE_REQUEST_MAX];
    char in[READ_BYTES];
};

static int64_t clock_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

static double ms(uint64_t ns) {
    return (double)ns / 1e6;
}

// ---- connections ------------------------------------------------------------------------

static int line_open(struct wire *w, struct line *c) {
    const int on = 1;
    c->fd = socket(w->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0) return -1;
    if (connect(c->fd, (struct sockaddr *)&w->to, w->to_n) < 0) return -1; // blocking: it is next door
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev);
}

static void line_close(struct line *c) {
    if (c->fd >= 0) close(c->fd);
    free(c->in);
    free(c->out);
    *c = (struct line){.fd = -1};
}

static void send_next(struct wire *w, struct line *c);

static void set_free(struct wire *w, struct line *c) {
    if (w->plan->rate_per_s <= 0 || c->is_free) return;
    w->free_lines[w->free_n++] = (int)(c - w->lines);
    c->is_free = true;
}

static void line_idle(struct wire *w, struct line *c) {
    if (c->is_busy) w->busy_n--;
    c->is_busy = false;
    c->in_n = 0;
    set_free(w, c);
    if (!c->is_free) send_next(w, c);
}

// A lost connection is replaced, or the load would fall just when the server is in trouble. When not even
// that succeeds the run ends; the result says how many failed. The new one asks when its first edge comes: a
// server that hangs up at once must not drive us into recursion.
static void line_replace(struct wire *w, struct line *c) {
    bool was_free = c->is_free;
    if (c->is_busy) w->busy_n--;
    line_close(c);
    c->is_free = was_free;
    if (w->is_done) return;
    if (line_open(w, c) < 0)
        w->is_done = true;
    else
        set_free(w, c);
}

static void line_fail(struct wire *w, struct line *c) {
    if (c->is_busy) {
        w->ret->failed++;
        w->second_failed++;
    }
    line_replace(w, c);
}

// ---- asking -----------------------------------------------------------------------------

static bool keep(char **p, size_t *n, size_t *cap, const char *more, size_t more_n) {
    if (*n + more_n > *cap) {
        size_t want = *cap ? *cap : 4096;
        while (want < *n + more_n)
            want *= 2;
        char *grown = realloc(*p, want);
        if (grown == NULL) return false;
        *p = grown;
        *cap = want;
    }
    memcpy(*p + *n, more, more_n);
    *n += more_n;
    return true;
}

static void write_on(struct wire *w, struct line *c) {
    while (c->out_at < c->out_n) {
        ssize_t n = send(c->fd, c->out + c->out_at, c->out_n - c->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) return;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            line_fail(w, c);
            return;
        }
        c->out_at += (size_t)n;
        w->ret->bytes_out += (uint64_t)n;
    }
    free(c->out);
    c->out = NULL;
    c->out_at = c->out_n = 0;
}

static void send_request(struct wire *w, struct line *c, int64_t due_ns) {
    size_t n = w->plan->make(w->plan->arg, (int)(c - w->lines), w->next_n, w->out, sizeof w->out);
    if (n == 0 || n > sizeof w->out) {
        w->is_done = true;
        return;
    }
    c->n = w->next_n++;
    c->is_busy = true;
    c->due_ns = due_ns;
    c->sent_ns = w->now_ns;
    c->is_counted = due_ns >= w->count_from_ns;
    w->busy_n++;
    if (c->is_counted && ++w->counted_n == w->plan->requests_max) w->is_done = true;
    ssize_t done = send(c->fd, w->out, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (done < 0 && errno != EAGAIN) {
        line_fail(w, c);
        return;
    }
    size_t sent = done < 0 ? 0 : (size_t)done;
    w->ret->bytes_out += sent;
    if (sent == n) return;
    size_t cap = 0;
    if (!keep(&c->out, &c->out_n, &cap, w->out + sent, n - sent)) line_fail(w, c);
}

// Closed loop: the next request is due now.
static void send_next(struct wire *w, struct line *c) {
    if (w->end_ns && w->now_ns >= w->end_ns) w->is_done = true;
    if (!w->is_done) send_request(w, c, w->now_ns);
}

// Open loop: whatever has fallen due, as long as connections are free; what must wait keeps its due time.
static void send_due(struct wire *w) {
    double step_ns = 1e9 / w->plan->rate_per_s;
    while (!w->is_done && w->free_n > 0) {
        int64_t due = w->begin_ns + (int64_t)((double)w->next_n * step_ns);
        if (w->end_ns && due >= w->end_ns) w->is_done = true;
        w->next_due_ns = due;
        if (due > w->now_ns || w->is_done) return;
        struct line *c = &w->lines[w->free_lines[--w->free_n]];
        c->is_free = false;
        send_request(w, c, due);
    }
}

// ---- being answered ---------------------------------------------------------------------

static bool field_value(struct str head, struct str name, struct str *ret) {
    size_t at = 0;
    while (at + name.n < head.n) {
        const char *lf = memchr(head.p + at, '\n', head.n - at);
        size_t end = lf ? (size_t)(lf - head.p) : head.n;
        struct str line = {head.p + at, end - at};
        if (line.n > name.n && line.p[name.n] == ':' && str_eq_nocase((struct str){line.p, name.n}, name)) {
            *ret = str_trim((struct str){line.p + name.n + 1, line.n - name.n - 1});
            return true;
        }
        at = end + 1;
    }
    return false;
}

// Walks the chunks of p[0..n) and puts their data together at `out` (NULL = only looks for the end). > 0
// bytes used; 0 not complete; -1 malformed.
static ptrdiff_t walk_chunks(const char *p, size_t n, char *out, size_t *ret_n) {
    struct http_chunk k = {0};
    size_t at = 0;
    *ret_n = 0;
    while (at < n) {
        size_t used = 0;
        struct str data;
        enum http_chunk_event ev = http_chunk_next(&k, p + at, n - at, &used, &data);
        if (ev == CHUNK_BAD) return -1;
        if (ev == CHUNK_DATA) {
            if (out) memmove(out + *ret_n, data.p, data.n);
            *ret_n += data.n;
        }
        at += used;
        if (ev == CHUNK_END) return (ptrdiff_t)at;
    }
    return 0;
}

// One reply at the start of p[0..n). > 0 its bytes; 0 not complete; -1 malformed. A chunked body is put
// together in place, and only once its end is there: reading it again with more bytes would find it changed.
static ptrdiff_t read_reply(char *p, size_t n, struct wire_reply *r, bool *ret_closes) {
    const char *end = memmem(p, n, "\r\n\r\n", 4);
    if (end == NULL) return n > HTTP_HEAD_MAX ? -1 : 0;
    size_t head_n = (size_t)(end - p) + 4;
    if (head_n < 16 || memcmp(p, "HTTP/1.1 ", 9) != 0) return -1;
    r->head = (struct str){p, head_n};
    r->status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
    r->body = (struct str){p + head_n, 0};
    if (r->status < 100 || r->status > 599) return -1;
    struct str v;
    int64_t length = 0;
    *ret_closes = field_value(r->head, S("connection"), &v) && str_eq_nocase(v, S("close"));
    if (field_value(r->head, S("content-length"), &v)) {
        if (!str_int64(v, &length) || length < 0 || length > (int64_t)WIRE_REPLY_MAX) return -1;
        r->body.n = (size_t)length;
        return n - head_n < r->body.n ? 0 : (ptrdiff_t)(head_n + r->body.n);
    }
    bool is_chunked = field_value(r->head, S("transfer-encoding"), &v);
    if (!is_chunked) return (ptrdiff_t)head_n;
    ptrdiff_t used = walk_chunks(p + head_n, n - head_n, NULL, &r->body.n);
    if (used <= 0) return used;
    (void)walk_chunks(p + head_n, n - head_n, p + head_n, &r->body.n);
    return (ptrdiff_t)head_n + used;
}

static void count_reply(struct wire *w, const struct line *c, const struct wire_reply *r) {
    const struct wire_plan *k = w->plan;
    bool is_right = k->on_reply ? k->on_reply(k->arg, (int)(c - w->lines), c->n, r) : r->status / 100 == 2;
    if (!c->is_counted) return;
    uint64_t took = w->now_ns > c->due_ns ? (uint64_t)(w->now_ns - c->due_ns) : 0;
    wire_histogram_add(&w->ret->times, took);
    wire_histogram_add(w->second, took);
    w->ret->answered++;
    w->ret->by_status[r->status / 100]++;
    if (is_right) return;
    w->ret->wrong++;
    w->second_wrong++;
}

// Takes the replies in p[0..n) (there is one at most, unless the server is wrong); keeps what is incomplete.
static void take(struct wire *w, struct line *c, char *p, size_t n, bool is_kept) {
    struct wire_reply r;
    bool closes = false;
    ptrdiff_t used = read_reply(p, n, &r, &closes);
    if (used == 0 && n <= WIRE_REPLY_MAX) {
        if (!is_kept && !keep(&c->in, &c->in_n, &c->in_cap, p, n)) line_fail(w, c);
        return;
    }
    if (used < 0 || used == 0 || !c->is_busy || (size_t)used < n) {
        line_fail(w, c);
        return;
    }
    count_reply(w, c, &r);
    if (!closes) {
        line_idle(w, c);
        return;
    }
    line_replace(w, c);
}

static void read_on(struct wire *w, struct line *c, bool must_drain) {
    for (;;) {
        bool is_fresh = c->in_n == 0;
        size_t room = READ_BYTES;
        char *p = w->in;
        ssize_t n = recv(c->fd, p, room, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            line_fail(w, c);
            return;
        }
        w->ret->bytes_in += (uint64_t)n;
        int fd = c->fd;
        if (is_fresh)
            take(w, c, p, (size_t)n, false);
        else if (keep(&c->in, &c->in_n, &c->in_cap, p, (size_t)n))
            take(w, c, c->in, c->in_n, true);
        else
            line_fail(w, c);
        bool is_drained = (size_t)n < room && !must_drain;
        if (c->fd != fd || is_drained) return;
    }
}

// ---- the run ----------------------------------------------------------------------------

// Once a second: the line of the series, and those who have waited too long.
static void end_second(struct wire *w, bool is_whole) {
    const struct wire_histogram *h = w->second;
    double p99 = ms(wire_histogram_at(h, 0.99));
    if (is_whole && p99 > w->ret->worst_p99_ms) w->ret->worst_p99_ms = p99;
    if (w->csv)
        fprintf(w->csv, "%lld,%llu,%.3f,%.3f,%.3f,%.3f,%lld,%lld\n", (long long)w->second_at,
                (unsigned long long)h->n, ms(wire_histogram_at(h, 0.5)), p99, ms(wire_histogram_at(h, 0.999)),
                ms(h->max_ns), (long long)w->second_wrong, (long long)w->second_failed);
    w->second_at++;
    *w->second = (struct wire_histogram){0};
    w->second_wrong = w->second_failed = 0;
    for (int i = 0; i < w->plan->connections; i++)
        if (w->lines[i].is_busy && w->now_ns - w->lines[i].sent_ns > w->patience_ns)
            line_fail(w, &w->lines[i]);
}

static int wait_for_events(struct wire *w, struct epoll_event *events, int64_t wake_ns) {
    int64_t nap = wake_ns - clock_ns();
    bool is_open = w->plan->rate_per_s > 0;
    if (is_open && !w->is_done && w->free_n > 0 && w->next_due_ns < wake_ns) {
        nap = w->next_due_ns - clock_ns();
        if (nap < NAP_NS) nap = NAP_NS;
    }
    if (nap < 0) nap = 0;
    if (is_open && w->plan->nap_us > 0) {
        const struct timespec rest = {0, (long)w->plan->nap_us * 1000};
        nanosleep(&rest, NULL);
        nap = 0;
    }
    const struct timespec t = {nap / SECOND_NS, nap % SECOND_NS};
    int n = epoll_pwait2(w->epoll_fd, events, EVENTS, &t, NULL);
    w->now_ns = clock_ns();
    return n < 0 ? 0 : n;
}

static void on_event(struct wire *w, struct line *c, uint32_t events) {
    if (c->fd >= 0 && c->out) write_on(w, c);
    if (c->fd >= 0 && (events & ~(uint32_t)EPOLLOUT))
        read_on(w, c, (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
    if (c->fd >= 0 && !c->is_busy && !c->is_free) line_idle(w, c); // it replaced a lost one
}

static void loop(struct wire *w) {
    struct epoll_event events[EVENTS];
    int64_t next_second_ns = w->count_from_ns + SECOND_NS;
    int64_t give_up_ns = 0;
    while (!w->is_done || w->busy_n > 0) {
        int n = wait_for_events(w, events, next_second_ns);
        for (int i = 0; i < n; i++)
            on_event(w, events[i].data.ptr, events[i].events);
        if (w->plan->rate_per_s > 0) send_due(w);
        if (w->end_ns && w->now_ns >= w->end_ns) w->is_done = true;
        if (w->now_ns >= next_second_ns) {
            end_second(w, true);
            next_second_ns += SECOND_NS;
        }
        if (w->is_done && !give_up_ns) give_up_ns = w->now_ns + w->patience_ns;
        if (give_up_ns && w->now_ns > give_up_ns) break;
    }
}

static double thread_cpu_us(void) {
    struct rusage u;
    getrusage(RUSAGE_THREAD, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void run(struct wire *w) {
    const struct wire_plan *k = w->plan;
    double cpu_us = thread_cpu_us();
    w->begin_ns = w->now_ns = clock_ns();
    w->count_from_ns = w->begin_ns + k->warm_up_ms * (SECOND_NS / 1000);
    w->patience_ns = (k->timeout_ms ? k->timeout_ms : WIRE_TIMEOUT_MS) * (SECOND_NS / 1000);
    w->end_ns = k->duration_ms ? w->count_from_ns + k->duration_ms * (SECOND_NS / 1000) : 0;
    for (int i = 0; i < k->connections; i++)
        line_idle(w, &w->lines[i]);
    if (k->rate_per_s > 0) send_due(w);
    loop(w);
    int64_t until = w->end_ns && w->now_ns > w->end_ns ? w->end_ns : w->now_ns;
    w->ret->seconds = (double)(until - w->count_from_ns) / 1e9;
    if (w->ret->seconds > 0) w->ret->rate_per_s = (double)w->ret->answered / w->ret->seconds;
    if (w->ret->answered) w->ret->own_cpu_us = (thread_cpu_us() - cpu_us) / (double)w->next_n;
    int64_t due_n = k->rate_per_s > 0 ? (int64_t)((double)(until - w->begin_ns) / 1e9 * k->rate_per_s) : 0;
    if (due_n > w->next_n && !k->requests_max) w->ret->unsent = due_n - w->next_n;
    w->ret->failed += w->busy_n; // never answered
    if (w->second->n) end_second(w, false);
}

static bool read_address(struct wire *w) {
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)&w->to;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)&w->to;
    if (inet_pton(AF_INET, w->plan->address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)w->plan->port);
        w->to_n = sizeof *four;
        return true;
    }
    if (inet_pton(AF_INET6, w->plan->address, &six->sin6_addr) != 1) return false;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)w->plan->port);
    w->to_n = sizeof *six;
    return true;
}

static int start(struct wire *w, struct err *e) {
    const struct wire_plan *k = w->plan;
    if (k->connections < 1 || k->connections > WIRE_CONNECTIONS_MAX)
        return err_set(e, ERR_field_range, "connections", "1…%d", WIRE_CONNECTIONS_MAX);
    if (!read_address(w)) return err_set(e, ERR_net, "address", "%s", k->address);
    w->lines = calloc((size_t)k->connections, sizeof *w->lines);
    w->free_lines = calloc((size_t)k->connections, sizeof *w->free_lines);
    w->second = calloc(1, sizeof *w->second);
    if (!w->lines || !w->free_lines || !w->second) return err_set(e, ERR_no_memory, "", " ");
    for (int i = 0; i < k->connections; i++)
        w->lines[i].fd = -1;
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < k->connections; i++)
        if (line_open(w, &w->lines[i]) < 0)
            return err_set(e, ERR_net, "connect", "%s:%d: %s", k->address, k->port, strerrordesc_np(errno));
    if (k->csv_path) {
        w->csv = fopen(k->csv_path, "we");
        if (w->csv == NULL) return err_set(e, ERR_file, "csv", "%s: %s", k->csv_path, strerrordesc_np(errno));
        fputs("second,replies,p50_ms,p99_ms,p999_ms,max_ms,wrong,failed\n", w->csv);
    }
    return OK;
}

int wire_run(const struct wire_plan *plan, struct wire_result *ret, struct err *e) {
    struct wire *w = calloc(1, sizeof *w);
    if (w == NULL) return err_set(e, ERR_no_memory, "", " ");
    w->plan = plan;
    w->ret = ret;
    w->epoll_fd = -1;
    *ret = (struct wire_result){0};
    int err = start(w, e);
    if (!err) run(w);
    for (int i = 0; w->lines && i < plan->connections; i++)
        line_close(&w->lines[i]);
    if (w->csv && fclose(w->csv) != 0 && !err) err = err_set(e, ERR_file, "csv", "%s", plan->csv_path);
    if (w->epoll_fd >= 0) close(w->epoll_fd);
    free(w->lines);
    free(w->free_lines);
    free(w->second);
    free(w);
    return err;
}
