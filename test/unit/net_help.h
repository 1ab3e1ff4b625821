// SPDX-License-Identifier: MulanPSL-2.0
// For tests that talk to a real loop over raw sockets: a loop on its own thread at a free port of 127.0.0.1, and
// blocking clients whose reads give up after ten seconds, so that a hang is a failure and not a hang.
#ifndef TEST_NET_HELP_H
#define TEST_NET_HELP_H
#include "cmocka_all.h"
#include "net/http_inner.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct served {
    struct http_loop *loop;
    pthread_t thread;
};

static inline void *served_run(void *arg) {
    http_run(arg);
    return NULL;
}

static inline void served_open(struct served *s, const struct http_config *config) {
    struct err e = {0};
    int err = http_open(config, &s->loop, &e);
    if (err) fail_msg("http_open: %s %s", e.field, e.arg);
}

static inline void served_go(struct served *s) {
    assert_int_equal(pthread_create(&s->thread, NULL, served_run, s->loop), 0);
}

static inline void served_stop(struct served *s) {
    http_stop(s->loop);
    pthread_join(s->thread, NULL);
    http_close(s->loop);
    s->loop = NULL;
}

static inline int dial_port(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    const struct timeval patience = {10, 0};
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static inline int dial(const struct served *s) {
    return dial_port(http_port(s->loop));
}

static inline void say(int fd, const char *p, size_t n) {
    while (n) {
        ssize_t done = send(fd, p, n, MSG_NOSIGNAL);
        if (done <= 0) return; // the server may have refused already; what it said is read next
        p += done;
        n -= (size_t)done;
    }
}

static inline void sayz(int fd, const char *text) {
    say(fd, text, strlen(text));
}

// Everything until the server closes. Fails the test when it does not.
static inline size_t hear_all(int fd, char *p, size_t cap) {
    size_t n = 0;
    for (;;) {
        ssize_t got = recv(fd, p + n, cap - 1 - n, 0);
        if (got < 0 && errno == ECONNRESET && n > 0) break; // closed, with bytes of ours unread
        if (got < 0) fail_msg("the server neither answered nor closed: %d", errno);
        if (got == 0) break;
        n += (size_t)got;
        assert_true(n < cap - 1);
    }
    p[n] = 0;
    return n;
}

// Bytes until `mark` has come `times` times, not waiting for the end.
static inline size_t hear_until(int fd, char *p, size_t cap, const char *mark, int times) {
    size_t n = 0;
    p[0] = 0;
    for (;;) {
        int seen = 0;
        for (const char *at = p; (at = strstr(at, mark)); at += strlen(mark))
            seen++;
        if (seen >= times) return n;
        ssize_t got = recv(fd, p + n, cap - 1 - n, 0);
        if (got <= 0) fail_msg("no '%s' (%d of %d) in: %s", mark, seen, times, p);
        n += (size_t)got;
        p[n] = 0;
    }
}

// One request on a connection of its own, heard to the end.
static inline size_t ask_once(const struct served *s, const char *request, char *p, size_t cap) {
    int fd = dial(s);
    sayz(fd, request);
    size_t n = hear_all(fd, p, cap);
    close(fd);
    return n;
}

#define assert_has(text, part)                                                                               \
    do {                                                                                                     \
        if (!strstr(text, part)) fail_msg("no '%s' in:\n%s", part, text);                                    \
    } while (0)
#define assert_lacks(text, part)                                                                             \
    do {                                                                                                     \
        if (strstr(text, part)) fail_msg("'%s' in:\n%s", part, text);                                        \
    } while (0)
#endif
