// SPDX-License-Identifier: MulanPSL-2.0
// Processes and sockets of the fault tests. Keeps true: a request counts as answered only when its whole reply was read;
// a reply that was cut off is no reply.
#include "served.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX 16384
#define LOOK_IN  16

static void become(struct served *s, int out_fd) {
    const char *program = s->program ? s->program : getenv("GUSU_BIN");
    int log = open(s->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    prctl(PR_SET_PDEATHSIG, SIGKILL); // a test that dies leaves no server behind
    dup2(out_fd, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    for (int i = 0; s->env && s->env[i]; i++)
        putenv((char *)(uintptr_t)s->env[i]);
    char pages[600]; // some folder must be served; the pack's is there
    snprintf(pages, sizeof pages, "%s/pack", s->folder);
    execl(program, program, "serve", "--data", s->folder, "--port", "0", "--web", pages, "--demo", "--quiet",
          (char *)NULL);
    _exit(126);
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// Its address is the sign that it serves: "gusu 姑苏  http://localhost:1234".
static bool read_port(struct served *s, int most_ms) {
    char text[512];
    size_t n = 0;
    int64_t until = now_ms() + most_ms;
    while (n < sizeof text - 1) {
        struct pollfd p = {.fd = s->out_fd, .events = POLLIN};
        int64_t left = until - now_ms();
        if (poll(&p, 1, left > 0 ? (int)left : 0) <= 0) return false;
        ssize_t got = read(s->out_fd, text + n, sizeof text - 1 - n);
        if (got <= 0) return false;
        n += (size_t)got;
        text[n] = 0;
        const char *at = strstr(text, "localhost:");
        if (at && strchr(at, '\n')) return sscanf(at, "localhost:%d", &s->port) == 1;
    }
    return false;
}

bool served_start(struct served *s, int most_ms) {
    int ends[2];
    if (!s->log[0]) snprintf(s->log, sizeof s->log, "%s.log", s->folder);
    if (pipe2(ends, O_CLOEXEC) != 0) abort();
    s->port = 0;
    s->pid = fork();
    if (s->pid < 0) abort();
    if (s->pid == 0) become(s, ends[1]);
    close(ends[1]);
    s->out_fd = ends[0];
    return read_port(s, most_ms);
}

int served_kill(struct served *s, int sig) {
    int status = 0;
    if (sig) kill(s->pid, sig);
    while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR) {
    }
    close(s->out_fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void served_log(const struct served *s) {
    char text[4096];
    int fd = open(s->log, O_RDONLY);
    off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END), from = end > 4000 ? end - 4000 : 0;
    ssize_t n = fd < 0 ? 0 : pread(fd, text, 4000, from);
    if (n > 0) fprintf(stderr, "--- %s\n%.*s---\n", s->log, (int)n, text);
    if (fd >= 0) close(fd);
}

// --- one connection ---
static bool connect_line(struct http_line *h) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)h->port)};
    struct timeval most = {.tv_sec = 30}; // a server that hangs must not hang the test: no reply came
    int on = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (h->fd < 0) return false;
    setsockopt(h->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(h->fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    setsockopt(h->fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
    return connect(h->fd, (struct sockaddr *)&to, sizeof to) == 0;
}

void http_line_close(struct http_line *h) {
    if (h->fd >= 0) close(h->fd);
    h->fd = -1;
}

static bool send_all(int fd, const char *p, size_t n) {
    while (n) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

// Head and body of one reply into `ret`; the connection is closed when the server says so.
static bool read_reply(struct http_line *h, int *ret_status, char *ret, size_t cap) {
    size_t n = 0, want = 0;
    bool is_last = false;
    for (;;) {
        if (n == cap - 1) return false;
        ssize_t got = recv(h->fd, ret + n, cap - 1 - n, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        n += (size_t)got;
        ret[n] = 0;
        char *end = want ? NULL : strstr(ret, "\r\n\r\n");
        if (end) {
            const char *length = strcasestr(ret, "\r\nContent-Length:");
            long bytes = length && length < end ? strtol(length + 17, NULL, 10) : 0;
            if (sscanf(ret, "HTTP/1.1 %d", ret_status) != 1 || bytes < 0) return false;
            const char *last = strcasestr(ret, "\r\nConnection: close");
            is_last = last && last < end;
            want = (size_t)(end + 4 - ret) + (size_t)bytes;
        }
        if (want && n >= want) break;
    }
    if (is_last) http_line_close(h);
    return true;
}

bool http_ask(struct http_line *h, const char *verb, const char *target, const char *headers,
              const char *body, size_t body_n, int *ret_status, char *ret, size_t cap) {
    char head[2048];
    if (h->fd < 0 && !connect_line(h)) {
        http_line_close(h);
        return false;
    }
    int n = body ? snprintf(head, sizeof head,
                            "%s %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Type: application/json\r\n"
                            "Content-Length: %zu\r\n\r\n",
                            verb, target, headers, body_n)
                 : snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", verb, target,
                            headers);
    if (n < 0 || (size_t)n >= sizeof head) abort();
    // A body may be refused before it was sent whole: then the reply is there although sending failed.
    bool sent = send_all(h->fd, head, (size_t)n) && (!body || send_all(h->fd, body, body_n));
    if (read_reply(h, ret_status, ret, cap)) {
        if (!sent) http_line_close(h);
        return true;
    }
    http_line_close(h);
    return false;
}

// Now and then a line looks at the checkpoint, as a monitor of the log would.
static bool look_at_checkpoint(struct http_line *h) {
    char reply[HEAD_MAX];
    int status;
    if (!http_ask(h, "GET", "/ledger/checkpoint", "", NULL, 0, &status, reply, sizeof reply)) return false;
    const char *body = strstr(reply, "\r\n\r\n");
    if (status == 200 && body) load_shown(h->line.load, body + 4);
    return true;
}

static bool http_send(struct load_line *line, const struct load_request *q, int *ret_status, char *ret_body,
                      size_t cap) {
    struct http_line *h = (struct http_line *)line;
    const struct load *l = line->load;
    char headers[900], reply[HEAD_MAX];
    if (h->sent++ % LOOK_IN == 0 && !look_at_checkpoint(h)) return false;
    if (q->is_write)
        snprintf(headers, sizeof headers, "%sIdempotency-Key: %s\r\n", l->session, q->name);
    else
        snprintf(headers, sizeof headers,
                 "Authorization: %s\r\nGusu-System: core\r\nGusu-Matter: firm-setup\r\nGusu-Case: %s\r\n",
                 l->key, q->name);
    if (!http_ask(h, q->verb, q->target, headers, q->body, q->body ? strlen(q->body) : 0, ret_status, reply,
                  sizeof reply))
        return false;
    const char *body = strstr(reply, "\r\n\r\n");
    snprintf(ret_body, cap, "%s", body ? body + 4 : "");
    return true;
}

void http_line_init(struct http_line *h, struct load *l, int port) {
    *h = (struct http_line){.line = {.load = l, .send = http_send}, .fd = -1, .port = port};
}

bool http_log_in(struct http_line *h, const char *login) {
    char body[160], reply[HEAD_MAX], cookie[200], csrf[120];
    int status = 0,
        n = snprintf(body, sizeof body, "{\"login\":\"%s\",\"password\":\"Gusu-demo-2026\"}", login);
    if (!http_ask(h, "POST", "/api/v1/login", "", body, (size_t)n, &status, reply, sizeof reply) ||
        status != 200) {
        fprintf(stderr, "log-in: %d %s\n", status, status ? reply : "");
        return false;
    }
    const char *c = strcasestr(reply, "\r\nSet-Cookie: "), *t = strstr(reply, "\"csrf\":\"");
    if (!c || !t || sscanf(c + 14, "%199[^;\r]", cookie) != 1 || sscanf(t + 8, "%119[^\"]", csrf) != 1)
        return false;
    snprintf(h->line.load->session, sizeof h->line.load->session, "Cookie: %s\r\nX-CSRF-Token: %s\r\n",
             cookie, csrf);
    return true;
}

// --- many ---
static void *team_main(void *arg) {
    struct http_line *h = arg;
    load_run(&h->line);
    http_line_close(h);
    return NULL;
}

void http_team_start(struct http_team *t, struct load *l, int port, int n) {
    t->n = n;
    for (int i = 0; i < n; i++) {
        http_line_init(&t->line[i], l, port);
        if (pthread_create(&t->thread[i], NULL, team_main, &t->line[i]) != 0) abort();
    }
}

void http_team_join(struct http_team *t) {
    for (int i = 0; i < t->n; i++)
        pthread_join(t->thread[i], NULL);
}
