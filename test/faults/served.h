// SPDX-License-Identifier: MulanPSL-2.0
// The real program, as a process: started on a folder, asked over HTTP, killed, started again.
#ifndef SERVED_H
#define SERVED_H
#include "load.h"
#include <sys/types.h>

struct served {
    pid_t pid;
    int out_fd, port;
    const char *program, *folder; // program: GUSU_BIN unless set
    const char *const *env;       // "NAME=value" more than our own; NULL-ended; NULL = none
    char log[128];                // its standard error
};
// True when it printed its address. False: it did not within `most_ms`, or ended; it is still to be killed.
bool served_start(struct served *s, int most_ms);
int served_kill(struct served *s, int sig); // the signal (0 = none), then waits; exit status, or 128 + signal
void served_log(const struct served *s);    // its last lines, on our standard error

// One connection, made when it is needed.
struct http_line {
    struct load_line line; // first
    int fd, port;
    int64_t sent;
};
void http_line_init(struct http_line *h, struct load *l, int port);
void http_line_close(struct http_line *h);
// Any request; headers as "Name: value\r\n…" or "". False when no whole reply came. The reply's head goes before its body.
bool http_ask(struct http_line *h, const char *verb, const char *target, const char *headers,
              const char *body, size_t body_n, int *ret_status, char *ret, size_t cap);
bool http_log_in(struct http_line *h, const char *login); // fills load->session

struct http_team { // many lines, a thread each, asking until the load stops or the server is gone
    struct http_line line[LOAD_THREADS_MAX];
    pthread_t thread[LOAD_THREADS_MAX];
    int n;
};
void http_team_start(struct http_team *t, struct load *l, int port, int n);
void http_team_join(struct http_team *t);
#endif
