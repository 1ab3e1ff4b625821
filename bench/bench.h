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
    int64_t each; // queries of a call, entries of an item
    int64_t size; // entries or rows that are there before it is measured
    const char *csv, *dataset;
    const char *folder; // the city stays, under this name
};
// --seconds N --connections N --rate R --each N --size N --csv FILE --dataset ID; false (said) on anything else.
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

// What a measurement says: a table, and a last line of JSON: {"name","rate_per_s","cpu_us","p50_ms","p99_ms","p999_ms",
// "bytes_each","conditions"}. Rate and CPU are of things (calls, queries, entries, rows); times are of what was waited
// for: replies, or items. 0 = not measured here; it is then null.
struct bench_figures {
    const char *name, *conditions;
    double things, seconds, cpu_s; // how many, in how long, with how much processor time of the program
    double own_cpu_s;              // of the generator
    double bytes;                  // in the store, for good
    const struct wire_histogram *times;
};
void bench_say(const struct bench_figures *f);
// A load over HTTP against a server of its own: two seconds to warm up, then measured and said. `each` things a reply;
// `check` (may be NULL) is asked whether the city counted what was answered in both runs. Exit code.
struct bench_load {
    const char *name, *what; // what: of the conditions
    double each;
    size_t (*make)(void *arg, int connection, int64_t n, char *out, size_t cap);
    bool (*on_reply)(void *arg, int connection, int64_t n, const struct wire_reply *reply);
    bool (*check)(void *arg, int64_t replies);
    void *arg;
};
int bench_over_http(struct bench_city *c, const struct bench_options *b, const struct bench_load *l);
int64_t bench_store_bytes(const struct bench_city *c); // of the store's files
// So many entries, `each` to an item of the commit queue, several items under way; times of items into `ret_times`
// (may be NULL). False when one failed.
bool bench_append(struct city *city, int64_t entries, int64_t each, double seconds,
                  struct wire_histogram *ret_times, int64_t *ret_done);

void bench_print(const char *name, const struct wire_result *r, double each, double server_cpu_s,
                 double bytes,
                 const char *conditions); // of a load over HTTP, `each` things a reply
double bench_own_cpu_s(void);             // of this process so far

int bench_exchange(const struct options *o);
int bench_exchange_batch(const struct options *o);
int bench_http(const struct options *o);
int bench_write(const struct options *o);
int bench_ledger(const struct options *o);
int bench_proof(const struct options *o);
int bench_verify(const struct options *o);
int bench_load(const struct options *o);
int bench_mixed(const struct options *o);
int bench_ledger_grow(const struct options *o);
#endif
