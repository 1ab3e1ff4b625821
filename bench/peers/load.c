// SPDX-License-Identifier: MulanPSL-2.0
// The generator of `gusu bench` as a program of its own, so that gusu and whatever stands beside it are asked by the
// same code: keep-alive connections in a closed loop, one path of a file after another, every reply looked at. Prints
// one line of JSON. Keeps true: a run with one wrong or lost reply says so and ends badly; it is no figure.
//
//   load --port P --paths FILE --expect TEXT [--connections N] [--seconds S] [--pids A,B]
#include "../wire.h"
#include "base/arena.h"
#include "base/file.h"
#include "procs.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PATHS_MAX 20000

struct load {
    const char *expect;
    struct str *paths;
    int64_t paths_n;
    bool told_wrong;
    struct wire_plan plan;
    struct procs procs;
    struct wire_result warm, result;
};

static size_t make(void *arg, int connection, int64_t n, char *out, size_t cap) {
    const struct load *l = arg;
    (void)connection;
    // The step of `gusu bench exchange`: all rows in turn, without a pattern that a cache would like.
    struct str path = l->paths[(n * 7919) % l->paths_n];
    int len = snprintf(out, cap, "GET %.*s HTTP/1.1\r\nHost: localhost\r\n\r\n", STRF(path));
    return len > 0 && (size_t)len < cap ? (size_t)len : 0;
}

static bool on_reply(void *arg, int connection, int64_t n, const struct wire_reply *reply) {
    struct load *l = arg;
    (void)connection;
    (void)n;
    bool is_right = reply->status == 200 && str_has(reply->body, str_of(l->expect));
    if (!is_right && !l->told_wrong)
        fprintf(stderr, "load: %d %.*s\n", reply->status, (int)(reply->body.n > 400 ? 400 : reply->body.n),
                reply->body.p);
    l->told_wrong |= !is_right;
    return is_right;
}

static bool read_paths(struct load *l, struct arena *mem, const char *name) {
    struct str text, rest;
    struct err e = {0};
    if (file_read(mem, name, (size_t)16 << 20, &text, &e) != OK) return false;
    l->paths = arena_array(mem, PATHS_MAX, sizeof *l->paths);
    for (rest = text; l->paths && rest.n && l->paths_n < PATHS_MAX;) {
        struct str line = str_cut(rest, '\n', &rest);
        if (line.n) l->paths[l->paths_n++] = line;
    }
    return l->paths_n > 0;
}

static bool read_options(struct load *l, struct arena *mem, char **argv) {
    bool has_paths = false;
    for (; argv[0] && argv[1]; argv += 2) {
        double v = strtod(argv[1], NULL);
        if (strcmp(argv[0], "--port") == 0)
            l->plan.port = (int)v;
        else if (strcmp(argv[0], "--connections") == 0)
            l->plan.connections = (int)v;
        else if (strcmp(argv[0], "--seconds") == 0)
            l->plan.duration_ms = (int64_t)(v * 1000);
        else if (strcmp(argv[0], "--expect") == 0)
            l->expect = argv[1];
        else if (strcmp(argv[0], "--paths") == 0)
            has_paths = read_paths(l, mem, argv[1]);
        else if (strcmp(argv[0], "--pids") != 0 || !procs_read(argv[1], &l->procs))
            return false;
    }
    return !argv[0] && has_paths && l->plan.port > 0 && l->expect;
}

static int run(struct load *l) {
    struct err e = {0};
    int64_t wanted_ms = l->plan.duration_ms;
    l->plan.duration_ms =
        2000; // pools fill, plans are cached: not counted, and not in the processor time either
    int code = wire_run(&l->plan, &l->warm, &e);
    double cpu = procs_cpu_s(&l->procs);
    l->plan.duration_ms = wanted_ms;
    if (code == OK) code = wire_run(&l->plan, &l->result, &e);
    cpu = procs_cpu_s(&l->procs) - cpu;
    const struct wire_result *r = &l->result;
    if (code != OK) {
        fprintf(stderr, "load: %s %s\n", err_info(e.code)->name, e.arg);
        return 1;
    }
    printf("{\"rate_per_s\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"cpu_us\":%.2f,\"generator_cpu_us\":%.2f,"
           "\"answered\":%" PRId64 ",\"wrong\":%" PRId64 ",\"failed\":%" PRId64 ",\"seconds\":%.2f}\n",
           r->rate_per_s, (double)wire_histogram_at(&r->times, 0.50) / 1e6,
           (double)wire_histogram_at(&r->times, 0.99) / 1e6,
           r->answered ? cpu * 1e6 / (double)r->answered : 0, r->own_cpu_us, r->answered,
           r->wrong + l->warm.wrong, r->failed + l->warm.failed, r->seconds);
    return r->answered && !r->wrong && !r->failed && !l->warm.wrong && !l->warm.failed ? 0 : 1;
}

int main(int argc, char **argv) {
    struct arena mem;
    struct load *l = calloc(1, sizeof *l);
    if (!l || argc < 1) return 2;
    arena_init(&mem, 0);
    l->plan = (struct wire_plan){.address = "127.0.0.1",
                                 .connections = 256,
                                 .duration_ms = 10000,
                                 .make = make,
                                 .on_reply = on_reply,
                                 .arg = l};
    int code = 2;
    if (read_options(l, &mem, argv + 1))
        code = run(l);
    else
        fprintf(stderr,
                "load --port P --paths FILE --expect TEXT [--connections N] [--seconds S] [--pids A,B]\n");
    free(l);
    arena_free(&mem);
    return code;
}
