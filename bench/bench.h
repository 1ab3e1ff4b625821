// SPDX-License-Identifier: MulanPSL-2.0
// What the measurements share: their options, a city of their own made through the real routes, a server in a child
// process, the last line of JSON that every `gusu bench` prints.
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H
#include "app/app.h"
#include "wire.h"
#include <sys/types.h>

struct bench_options {
    double seconds, rate; // rate 0 = closed loop
    int connections;
    const char *csv, *dataset;
};
// --seconds N --connections N --rate R --csv FILE --dataset ID; false (said) on anything else.
bool bench_options_read(const struct options *o, struct bench_options *ret);

// A city in a folder that is removed afterwards; calls go through the routes as whoever bench_as names.
struct bench_city {
    struct session session; // first: the hook finds us through the city
    struct options options;
    struct actor who;
    int (*real_who)(struct cx *cx);
    const char *headers[8][2];
    int headers_n;
    char folder[256], web[264];
    struct cx cx; // of the last call
    struct json json;
    int status;
};
int bench_city_open(struct bench_city *c,
                    const struct options *o); // temporary folder, pack with demo; exit code
void bench_city_again(struct bench_city *c);  // opens the same folder once more
void bench_city_close(struct bench_city *c);
void bench_city_remove(struct bench_city *c);
void bench_as(struct bench_city *c, int64_t account, const char *office, uint32_t roles);
// Calls and expects 2xx; anything else is told and ends the program: a bench must not measure refusals.
void bench_call(struct bench_city *c, const char *verb, struct str target, struct str body);

// `gusu serve` of that folder in a child process on a free port of the loopback.
struct bench_server {
    pid_t pid;
    int port;
};
bool bench_server_start(struct bench_city *c, struct bench_server *ret);
double bench_server_cpu_s(const struct bench_server *s); // user and system time so far
void bench_server_stop(struct bench_server *s);

// The table and the last line: {"name","rate_per_s","cpu_us","p50_ms","p99_ms","conditions"}.
void bench_print(const char *name, const struct wire_result *r, double server_cpu_us, const char *conditions);

int bench_exchange(const struct options *o);
#endif
