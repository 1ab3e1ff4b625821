// SPDX-License-Identifier: MulanPSL-2.0
// Loads without a socket, so that what they measure stands alone: entries into the ledger, proofs out of it, the offline
// check of all of it. Keeps true: the entries go through the commit queue and are counted when they are durable;
// what is read is checked to be what was asked for.
#include "bench.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define UNDER_WAY 16 // items, so that a batch gathers while another is synced

struct slot { // one item of the queue and the entries of it
    struct appending *all;
    struct arena mem;
    struct cx cx;
    struct note_batch batch;
    struct note_slice slice;
    int64_t begin_us;
    bool is_free, is_told;
};
struct appending {
    pthread_mutex_t lock;
    pthread_cond_t told;
    struct slot slots[UNDER_WAY];
    struct wire_histogram *times;
    int64_t done;
    bool failed;
};

static int no_judge(struct cx *cx, struct note_slice *s) {
    (void)cx;
    (void)s;
    return OK;
}

static void on_told(void *arg) {
    struct slot *s = arg;
    pthread_mutex_lock(&s->all->lock);
    s->is_told = true;
    pthread_cond_signal(&s->all->told);
    pthread_mutex_unlock(&s->all->lock);
}

// As long as a call's detail is, with something in it that differs.
static struct str detail_of(struct arena *mem, int64_t n, int64_t time_ms) {
    return str_print(
        mem,
        "{\"application\":\"SQ-2026-000001\",\"bytes\":412,\"case_no\":\"BJ-%010" PRId64
        "\",\"dataset\":\"firm-registration\",\"fields\":\"uscc name state capital\",\"filter\":\"uscc="
        "91320500MA1X%06" PRId64 "\",\"grant\":1,\"key\":1,\"matter\":\"fund-account\",\"office\":"
        "\"sz-fund\",\"operator\":\"bench\",\"provider\":\"sz-market\",\"reply_sha256\":"
        "\"%064" PRIx64 "\",\"rows\":1,\"system\":\"bench-system\",\"time_ms\":%" PRId64
        ",\"trace\":\"SQ-2026-000001\",\"verb\":\"bench.entry\"}",
        n, n % 1000000, (uint64_t)n, time_ms);
}

static void submit(struct slot *s, struct city *city, int64_t from, int64_t each) {
    arena_reset(&s->mem);
    core_cx(&s->cx, city, &s->mem, NULL, NULL, NULL);
    s->batch = (struct note_batch){.slices = &s->slice, .n = 1, .judge = no_judge};
    s->slice = (struct note_slice){0};
    s->cx.batch = &s->batch;
    struct note **next = &s->slice.first;
    for (int64_t i = 0; i < each; i++) {
        struct note *n = arena_take(&s->mem, sizeof *n);
        if (!n) exit(1);
        *n = (struct note){.kind = "bench.entry",
                           .time_ms = s->cx.now_ms,
                           .detail = detail_of(&s->mem, from + i, s->cx.now_ms)};
        *next = n;
        next = &n->next;
    }
    s->begin_us = clock_mono_us();
    s->is_free = s->is_told = false;
    core_batch_submit(&s->cx, on_told, s);
}

// Under lock: takes back what was told. True when some slot is free.
static bool take_back(struct appending *a, int64_t each) {
    bool any = false;
    for (int i = 0; i < UNDER_WAY; i++) {
        struct slot *s = &a->slots[i];
        if (s->is_told && !s->is_free) {
            s->is_free = true;
            if (s->slice.err.code != OK) a->failed = true;
            a->done += s->slice.err.code == OK ? each : 0;
            if (a->times) wire_histogram_add(a->times, (uint64_t)(clock_mono_us() - s->begin_us) * 1000);
        }
        any |= s->is_free;
    }
    return any;
}

bool bench_append(struct city *city, int64_t entries, int64_t each, double seconds,
                  struct wire_histogram *ret_times, int64_t *ret_done) {
    static struct appending a;
    a = (struct appending){.times = ret_times};
    pthread_mutex_init(&a.lock, NULL);
    pthread_cond_init(&a.told, NULL);
    for (int i = 0; i < UNDER_WAY; i++) {
        a.slots[i] = (struct slot){.all = &a, .is_free = true};
        arena_init(&a.slots[i].mem, 0);
    }
    const int64_t end_us = seconds > 0 ? clock_mono_us() + (int64_t)(seconds * 1e6) : INT64_MAX;
    int64_t from = 0;
    while (!a.failed && from < entries && clock_mono_us() < end_us) {
        pthread_mutex_lock(&a.lock);
        while (!take_back(&a, each))
            pthread_cond_wait(&a.told, &a.lock);
        pthread_mutex_unlock(&a.lock);
        for (int i = 0; i < UNDER_WAY && from < entries; i++) {
            if (!a.slots[i].is_free) continue;
            submit(&a.slots[i], city, from, each);
            from += each;
        }
    }
    for (int i = 0; i < UNDER_WAY; i++) {
        pthread_mutex_lock(&a.lock);
        while (!a.slots[i].is_free && !a.slots[i].is_told)
            pthread_cond_wait(&a.told, &a.lock);
        (void)take_back(&a, each);
        pthread_mutex_unlock(&a.lock);
        arena_free(&a.slots[i].mem);
    }
    pthread_mutex_destroy(&a.lock);
    pthread_cond_destroy(&a.told);
    *ret_done = a.done;
    return !a.failed;
}

// Jobs run in the server only; here what they would do is done at once, so that a figure is of the settled state.
static void settle(struct bench_city *c) {
    for (int m = 0; modules[m]; m++)
        for (const struct job *j = modules[m]->jobs; j && j->name; j++)
            if (strncmp(j->name, "ledger_", 7) == 0) {
                core_cx(&c->session.cx, &c->session.city, &c->session.mem, c->session.conn, c->session.hasher,
                        NULL);
                (void)j->run(&c->session.cx);
            }
}

int bench_ledger(const struct options *o) {
    static struct bench_city c;
    static struct wire_histogram times;
    struct bench_options b = {.seconds = 10, .each = 100};
    char conditions[400];
    int64_t done = 0;
    if (!bench_options_read(o, &b) || b.each > 1000) return 2;
    int bad = bench_city_open(&c, o);
    int64_t bytes = bench_store_bytes(&c), begin = clock_mono_us();
    double cpu = bench_own_cpu_s();
    if (!bad) bad = !bench_append(&c.session.city, INT64_MAX / 2, b.each, b.seconds, &times, &done);
    const double seconds = (double)(clock_mono_us() - begin) / 1e6;
    cpu = bench_own_cpu_s() - cpu;
    bench_city_close(&c);
    bytes = bench_store_bytes(&c) - bytes;
    snprintf(conditions, sizeof conditions,
             "entries with a detail of 560 bytes into both trees, %" PRId64
             " an item, %d items under way, rows not "
             "sealed yet, no socket; times are of items from submit to durable; %ld cores",
             b.each, UNDER_WAY, sysconf(_SC_NPROCESSORS_ONLN));
    const struct bench_figures f = {.name = "ledger",
                                    .conditions = conditions,
                                    .things = (double)done,
                                    .seconds = seconds,
                                    .cpu_s = cpu,
                                    .bytes = (double)bytes,
                                    .times = &times};
    if (!bad) bench_say(&f);
    bench_city_remove(&c);
    return bad;
}

// Proofs of entries all over the ledger, one after the other.
static int64_t ask_proofs(struct bench_city *c, int64_t size, double seconds, struct wire_histogram *times) {
    const int64_t end_us = clock_mono_us() + (int64_t)(seconds * 1e6);
    struct arena kept = c->session.mem;
    int64_t n = 0;
    arena_init(&c->session.mem, 0);
    for (; clock_mono_us() < end_us; n++) {
        char target[100];
        const int64_t index = (int64_t)(((uint64_t)n * 2654435761u) % (uint64_t)size),
                      begin = clock_mono_us();
        snprintf(target, sizeof target, "/api/v1/ledger/entries/%" PRId64 "/proof", index);
        bench_call(c, "GET", str_of(target), STR_NONE);
        wire_histogram_add(times, (uint64_t)(clock_mono_us() - begin) * 1000);
        int64_t told = -1;
        if (!json_int(json_get(c->json, S("index")), &told) || told != index) {
            fprintf(stderr, "gusu bench: not the proof of %" PRId64 ": no figure\n", index);
            exit(1);
        }
        arena_reset(&c->session.mem);
    }
    arena_free(&c->session.mem);
    c->session.mem = kept;
    return n;
}

int bench_proof(const struct options *o) {
    static struct bench_city c;
    static struct wire_histogram times;
    struct bench_options b = {.seconds = 5, .size = 100000};
    char conditions[300];
    int64_t done = 0, n = 0;
    if (!bench_options_read(o, &b) || b.size < 1) return 2;
    int bad = bench_city_open(&c, o);
    if (!bad) bad = !bench_append(&c.session.city, b.size, 200, 0, NULL, &done);
    settle(&c);
    c.who = (struct actor){0};
    double cpu = bench_own_cpu_s();
    if (!bad) n = ask_proofs(&c, b.size, b.seconds, &times);
    cpu = bench_own_cpu_s() - cpu;
    bench_city_close(&c);
    snprintf(conditions, sizeof conditions,
             "an inclusion proof of one of %" PRId64
             " entries, spread over all of them, one at a time, no socket",
             b.size);
    const struct bench_figures f = {.name = "proof",
                                    .conditions = conditions,
                                    .things = (double)n,
                                    .seconds = b.seconds,
                                    .cpu_s = cpu,
                                    .times = &times};
    if (!bad) bench_say(&f);
    bench_city_remove(&c);
    return bad;
}

int bench_verify(const struct options *o) {
    static struct bench_city c;
    struct bench_options b = {.size = 100000};
    char conditions[300];
    int64_t done = 0;
    if (!bench_options_read(o, &b) || b.size < 1) return 2;
    int bad = bench_city_open(&c, o);
    if (!bad) bad = !bench_append(&c.session.city, b.size, 200, 0, NULL, &done);
    settle(&c);
    bench_city_close(&c);
    struct options verify = {.data = c.folder, .rest = {c.folder}, .rest_n = 1};
    const int64_t begin = clock_mono_us();
    double cpu = bench_own_cpu_s();
    if (!bad) bad = command_verify(&verify);
    cpu = bench_own_cpu_s() - cpu;
    snprintf(conditions, sizeof conditions,
             "gusu verify of a whole folder: %" PRId64
             " entries and the demo city; every leaf, commitment, subtree, "
             "checkpoint, audit and call row",
             b.size);
    const struct bench_figures f = {.name = "verify",
                                    .conditions = conditions,
                                    .things = (double)done,
                                    .seconds = (double)(clock_mono_us() - begin) / 1e6,
                                    .cpu_s = cpu};
    if (!bad) bench_say(&f);
    bench_city_remove(&c);
    return bad;
}
