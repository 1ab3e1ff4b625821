// SPDX-License-Identifier: MulanPSL-2.0
// `gusu bench ledger-grow`: a ledger of so many entries, made by the code that makes every entry (commit queue, both
// trees, nodes, heads, sealing, checkpoint), only without HTTP; then what a city feels of its size: how long a start
// takes, how long a proof takes with a cold and a warm disk cache, how many bytes an entry keeps. Keeps true: an entry
// is like one of an exchange call (bench/peers/schema.sql writes the same), its changing parts do not compress better
// than real ones, and every proof that was timed is checked against the root.
#include "bench.h"
#include "base/file.h"
#include "crypto/merkle.h"
#include "mod/ledger/entries.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define APPENDERS_MAX 64
#define EACH_MAX      2048
#define UNSEALED_MAX  200000 // appenders wait for the sealing beyond this: the rate can go on for ever
#define BITE          100    // bundles sealed at a time
#define STARTS        5
#define COLD_PROOFS   500
#define WARM_PROOFS   5000

struct grow {
    struct bench_city city;
    struct bench_options o;
    atomic_llong given, done, sealed; // numbers handed out, entries durable, entries at the last full sealing
    atomic_bool is_over, is_broken;
    int64_t from; // entries of the pack itself
    uint8_t root[2][HASH_BYTES];
    bool has_root[2];
    struct wire_histogram cold, warm;
};

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double ms(uint64_t ns) {
    return (double)ns / 1e6;
}

static void rest_ms(int64_t v) {
    const struct timespec t = {v / 1000, (long)(v % 1000) * 1000000};
    nanosleep(&t, NULL);
}

// splitmix64: digests and keys that differ from entry to entry as much as real ones do.
static uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static struct str detail_of(struct arena *mem, int64_t n, int64_t time_ms) {
    const uint64_t r = mix((uint64_t)n);
    const int grant = 1 + (int)(r % 40); // a city's busy grants, each with its own caller, matter and trace
    return str_print(
        mem,
        "{\"application\":\"SQ-20261123-%06d\",\"bytes\":%d,\"case_no\":\"BJ-2026-%07d\",\"dataset\":"
        "\"firm-registration\",\"fields\":\"uscc,firm_name,firm_type,legal_rep,capital,est_date,"
        "reg_status,industry,authority,address,area_code,abnormal,row_op,data_time\",\"filter\":"
        "\"uscc=91329900MA%08" PRIX64 "\",\"grant\":%d,\"key\":%d,\"matter\":\"fund-account\","
        "\"office\":\"sz-fund\",\"operator\":\"%04d\",\"provider\":\"sz-data\",\"reply_sha256\":\"%016" PRIx64
        "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "\",\"rows\":1,\"system\":\"fund-%d\",\"time_ms\":%" PRId64
        ",\"trace\":\"SQ-20261123-%06d\"}",
        grant, 380 + (int)(r >> 8 & 63), (int)(r >> 16 & 0xfffff), mix(r % 2000000) >> 32, grant, grant,
        (int)(r >> 40 & 511), mix(r + 1), mix(r + 2), mix(r + 3), mix(r + 4), grant, time_ms, grant);
}

struct slice {
    struct note notes[EACH_MAX];
    int64_t n;
};

static int put(struct cx *cx, void *arg) {
    struct slice *s = arg;
    int code = OK;
    for (int64_t i = 0; i < s->n && code == OK; i++)
        code = cx->city->on_note(cx, &s->notes[i]);
    return code;
}

static void broke(struct grow *g, const struct cx *cx, const char *what) {
    if (!atomic_exchange(&g->is_broken, true))
        fprintf(stderr, "gusu bench: %s: %s %s\n", what, err_info(cx->err.code)->name, cx->err.arg);
}

struct worker { // what a thread of the server has as well
    struct arena mem;
    struct conn *db;
    struct hasher *hasher;
};

static bool worker_open(struct grow *g, struct worker *w) {
    struct err e = {0};
    *w = (struct worker){.hasher = hasher_open()};
    arena_init(&w->mem, 0);
    bool is_up = w->hasher && store_conn_open(g->city.session.city.store, &w->db, &e) == OK;
    if (!is_up) atomic_store(&g->is_broken, true);
    return is_up;
}

static void worker_close(struct worker *w) {
    store_conn_close(w->db);
    hasher_close(w->hasher);
    arena_free(&w->mem);
}

static void *append(void *arg) {
    struct grow *g = arg;
    struct worker w;
    struct cx cx;
    struct slice *s = calloc(1, sizeof *s);
    bool is_up = worker_open(g, &w) && s;
    while (is_up && !atomic_load(&g->is_broken)) {
        int64_t at = atomic_fetch_add(&g->given, g->o.each);
        if (at >= g->o.size) break;
        while (at - atomic_load(&g->sealed) > UNSEALED_MAX && !atomic_load(&g->is_broken))
            rest_ms(5);
        arena_reset(&w.mem);
        core_cx(&cx, &g->city.session.city, &w.mem, w.db, w.hasher, NULL);
        s->n = at + g->o.each > g->o.size ? g->o.size - at : g->o.each;
        for (int64_t i = 0; i < s->n; i++)
            s->notes[i] = (struct note){.kind = "exchange.call",
                                        .time_ms = cx.now_ms,
                                        .detail = detail_of(&w.mem, at + i, cx.now_ms)};
        if (cx_write(&cx, put, s) != OK)
            broke(g, &cx, "append");
        else
            atomic_fetch_add(&g->done, s->n);
    }
    worker_close(&w);
    free(s);
    return NULL;
}

// The server's job takes its bites once a second; here the next one follows at once.
static void *seal(void *arg) {
    struct grow *g = arg;
    struct worker w;
    struct cx cx;
    bool is_up = worker_open(g, &w);
    while (is_up && !atomic_load(&g->is_broken)) {
        bool is_over = atomic_load(&g->is_over);
        int64_t before = atomic_load(&g->sealed), until = atomic_load(&g->done),
                after = before + BITE * LEDGER_BUNDLE;
        arena_reset(&w.mem);
        core_cx(&cx, &g->city.session.city, &w.mem, w.db, w.hasher, NULL);
        if (ledger_seal(&cx, BITE) != OK) broke(g, &cx, "seal");
        atomic_store(&g->sealed, after < until ? after : until); // what lies close behind the end stays rows
        if (after < until) continue;
        if (is_over) break;
        rest_ms(5);
    }
    worker_close(&w);
    return NULL;
}

// Pages of the store that hold something: a file does not shrink when rows leave it.
static int64_t used_bytes(struct grow *g) {
    static const char *const texts[] = {"PRAGMA page_size", "PRAGMA page_count", "PRAGMA freelist_count"};
    int64_t v[3] = {0};
    struct err e = {0};
    for (int i = 0; i < 3; i++) {
        struct stmt *s = store_text_query(g->city.session.conn, str_of(texts[i]), "");
        v[i] = store_next(s) ? store_int(s, 0) : 0;
        if (store_done(s, &e) != OK) return 0;
    }
    return v[0] * (v[1] - v[2]);
}

static int64_t file_bytes(const struct grow *g, const char *name) {
    char path[300];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", g->city.folder, name);
    return stat(path, &st) == 0 ? st.st_size : 0;
}

// A line each tenth: a ledger that grows slower the larger it is would be seen here.
static void watch(struct grow *g, FILE *csv) {
    int64_t told = 0, then = now_ns();
    while (atomic_load(&g->done) < g->o.size && !atomic_load(&g->is_broken)) {
        rest_ms(50);
        int64_t done = atomic_load(&g->done), now = now_ns();
        if (done - told < g->o.size / 10) continue;
        double rate = (double)(done - told) * 1e9 / (double)(now - then);
        struct store_stats st = store_stats(g->city.session.city.store);
        fprintf(stderr, "%12" PRId64 " entries (%lld sealed), %9.0f/s, store %.0f MB, WAL %.0f MB\n", done,
                atomic_load(&g->sealed), rate, (double)file_bytes(g, "gusu.db") / 1e6,
                (double)st.wal_bytes / 1e6);
        if (csv) fprintf(csv, "%" PRId64 ",%.0f,%" PRId64 "\n", done, rate, file_bytes(g, "gusu.db"));
        told = done;
        then = now;
    }
}

static bool grow(struct grow *g, double *ret_seconds) {
    pthread_t threads[APPENDERS_MAX], sealer;
    FILE *csv = g->o.csv ? fopen(g->o.csv, "we") : NULL;
    int64_t then = now_ns();
    if (csv) fputs("entries,rate_per_s,store_bytes\n", csv);
    pthread_create(&sealer, NULL, seal, g);
    for (int i = 0; i < g->o.connections; i++)
        pthread_create(&threads[i], NULL, append, g);
    watch(g, csv);
    for (int i = 0; i < g->o.connections; i++)
        pthread_join(threads[i], NULL);
    *ret_seconds = (double)(now_ns() - then) / 1e9;
    atomic_store(&g->is_over, true);
    pthread_join(sealer, NULL);
    if (csv && fclose(csv) != 0) return false;
    return !atomic_load(&g->is_broken);
}

static int64_t state_size(struct grow *g) {
    int64_t n = 0;
    bench_call(&g->city, "GET", S("/api/v1/ledger"), STR_NONE);
    return json_int(json_get(g->city.json, S("size")), &n) ? n : 0;
}

// The reply that was just timed, held against the root; the root is one and the same for all of them.
static bool is_right(struct grow *g, int64_t index, int tree) {
    struct session *s = &g->city.session;
    const enum hash_kind k = tree ? HASH_SM3 : HASH_SHA256;
    uint8_t leaf[HASH_BYTES], root[HASH_BYTES], path[MERKLE_LEVELS][HASH_BYTES];
    struct str bytes;
    int64_t size = 0, at = -1;
    int n = 0;
    const struct json j = g->city.json;
    if (!str_unbase64(&s->mem, json_text(json_get(j, S("leaf"))), false, &bytes)) return false;
    merkle_leaf(s->hasher, k, bytes, leaf);
    for (struct json_iter it = json_iter(json_get(j, S("proof"))); json_next(&it);)
        if (n == MERKLE_LEVELS || !str_unhex(json_text(it.value), path[n++], HASH_BYTES)) return false;
    if (!str_unhex(json_text(json_get(j, S("root"))), root, HASH_BYTES)) return false;
    if (!g->has_root[tree]) memcpy(g->root[tree], root, HASH_BYTES);
    g->has_root[tree] = true;
    return json_int(json_get(j, S("size")), &size) && json_int(json_get(j, S("index")), &at) && at == index &&
           memcmp(root, g->root[tree], HASH_BYTES) == 0 &&
           merkle_inclusion_ok((uint64_t)index, (uint64_t)size, leaf, (const uint8_t(*)[HASH_BYTES])path, n,
                               root, s->hasher, k);
}

// A fresh opening, then proofs of entries all over the ledger, both trees in turn.
static bool prove(struct grow *g, int n, uint64_t seed, struct wire_histogram *times) {
    struct arena *mem = &g->city.session.mem;
    int64_t size = state_size(g);
    for (int i = 0; i < n; i++) {
        int64_t index = (int64_t)(mix(seed + (uint64_t)i) % (uint64_t)size);
        int tree = i & 1;
        struct str target = str_print(mem, "/api/v1/ledger/entries/%" PRId64 "/proof?tree=%s", index,
                                      tree ? "sm3" : "sha256");
        int64_t then = now_ns();
        bench_call(&g->city, "GET", target, STR_NONE);
        wire_histogram_add(times, (uint64_t)(now_ns() - then));
        if (is_right(g, index, tree)) {
            arena_reset(mem);
            continue;
        }
        fprintf(stderr, "gusu bench: the proof of entry %" PRId64 " is wrong\n", index);
        return false;
    }
    return true;
}

// The pages of the store leave the kernel's cache, as if the machine had just been switched on.
static void forget_pages(const struct grow *g) {
    char path[300];
    snprintf(path, sizeof path, "%s/gusu.db", g->city.folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd);
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// From the fork to the listening socket: the server's own opening, with its checks of queries, keys, heads.
static bool start_ms(struct grow *g, bool is_cold, double *ret) {
    double took[STARTS];
    for (int i = 0; i < STARTS; i++) {
        struct bench_server s = {0};
        if (is_cold) forget_pages(g);
        int64_t then = now_ns();
        if (!bench_server_start(&g->city, &s)) return false;
        took[i] = ms((uint64_t)(now_ns() - then));
        bench_server_stop(&s);
    }
    qsort(took, STARTS, sizeof took[0], by_size);
    *ret = took[STARTS / 2];
    return true;
}

static bool measure(struct grow *g) {
    double cold_ms = 0, warm_ms = 0;
    if (!start_ms(g, true, &cold_ms) || !start_ms(g, false, &warm_ms)) return false;
    printf("%-20s %14.1f ms cold, %.1f ms warm (median of %d)\n", "start", cold_ms, warm_ms, STARTS);
    forget_pages(g);
    bench_city_again(&g->city);
    bool is_well = prove(g, COLD_PROOFS, 1, &g->cold) && prove(g, WARM_PROOFS, 1, &g->warm);
    bench_city_close(&g->city);
    if (!is_well) return false;
    printf("%-20s %14.3f ms p50, %.3f p99, %.3f max (%d, each checked)\n", "proof, cold cache",
           ms(wire_histogram_at(&g->cold, 0.5)), ms(wire_histogram_at(&g->cold, 0.99)), ms(g->cold.max_ns),
           COLD_PROOFS);
    printf("%-20s %14.3f ms p50, %.3f p99, %.3f max (%d, each checked)\n", "proof, warm cache",
           ms(wire_histogram_at(&g->warm, 0.5)), ms(wire_histogram_at(&g->warm, 0.99)), ms(g->warm.max_ns),
           WARM_PROOFS);
    return true;
}

static bool run(struct grow *g) {
    char conditions[300];
    double seconds = 0, cpu = bench_own_cpu_s();
    g->from = state_size(g);
    int64_t used = used_bytes(g);
    bool is_well = grow(g, &seconds);
    cpu = bench_own_cpu_s() - cpu;
    if (is_well) // asking for the newest entry's proof has the checkpoint signed
        bench_call(&g->city, "GET",
                   str_print(&g->city.session.mem, "/api/v1/ledger/entries/%" PRId64 "/proof",
                             g->from + g->o.size - 1),
                   STR_NONE);
    used = used_bytes(g) - used;
    bench_city_close(&g->city);
    double bytes = (double)used;
    printf("%-20s %14.1f MB, of which %.1f are in use for the new entries\n", "store",
           (double)file_bytes(g, "gusu.db") / 1e6, bytes / 1e6);
    if (!is_well || !measure(g)) return false;
    int hashes = 0;
    while (hashes < 63 && (int64_t)1 << hashes < g->from + g->o.size)
        hashes++;
    printf("%-20s %14d hashes; at 1,000,000,000 entries 30\n", "longest proof", hashes);
    printf("%-20s %14.1f GB at this many bytes each\n", "1,000,000,000 are", bytes / (double)g->o.size);
    snprintf(conditions, sizeof conditions,
             "%" PRId64 " entries like those of exchange calls, %" PRId64
             " an item, %d threads, no HTTP, both trees, sealed, fsync before done; cpu with sealing and "
             "generator",
             g->o.size, g->o.each, g->o.connections);
    const struct bench_figures f = {.name = "ledger-grow",
                                    .conditions = conditions,
                                    .things = (double)g->o.size,
                                    .seconds = seconds,
                                    .cpu_s = cpu,
                                    .bytes = bytes,
                                    .times = &g->warm};
    bench_say(&f);
    return true;
}

int bench_ledger_grow(const struct options *o) {
    static struct grow g;
    g.o = (struct bench_options){.size = 2000000, .each = 256, .connections = 8};
    if (!bench_options_read(o, &g.o) || g.o.each > EACH_MAX || g.o.connections > APPENDERS_MAX ||
        g.o.size < 1)
        return 2;
    int bad = bench_city_open(&g.city, o);
    if (!bad) bad = run(&g) ? 0 : 1;
    if (!bad && g.o.folder && rename(g.city.folder, g.o.folder) != 0) {
        fprintf(stderr, "gusu bench: %s: %s\n", g.o.folder, strerrordesc_np(errno));
        bad = 1;
    }
    if (bad || !g.o.folder) bench_city_remove(&g.city);
    return bad;
}
