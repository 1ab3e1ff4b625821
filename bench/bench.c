// SPDX-License-Identifier: MulanPSL-2.0
// The table of measurements, and what they share (bench.h). Keeps true: nothing is measured that was not made through
// the real routes; the server that is measured is a process of its own, so its processor time is its own.
#include "bench.h"
#include "base/log.h"
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const struct bench benches[] = {
    {"exchange", bench_exchange,
     "[--seconds N] [--connections N] [--rate R] [--csv FILE] [--dataset ID] [--pack PACK]",
     "授权取数：每次调用都经鉴权、授权、脱敏、计量并入账",
     "calls under a grant, each durable before its reply"},
    {"exchange-batch", bench_exchange_batch, "[--each N] [--seconds N] [--connections N]",
     "授权批量取数：逐条鉴权、脱敏、计量并入账", "queries in batches, each metered and entered like a call"},
    {"http", bench_http, "[--seconds N] [--connections N] [--rate R]", "小请求：健康检查",
     "a small GET that asks the store nothing"},
    {"write", bench_write, "[--seconds N] [--connections N]", "写操作：带幂等键，落审计与存证",
     "an act with an Idempotency-Key: rows, audit, entry, durable"},
    {"ledger", bench_ledger, "[--each N] [--seconds N]", "只入账：两棵树", "entries alone, into both trees"},
    {"proof", bench_proof, "[--size N] [--seconds N]", "回执：规模为 N 的包含证明",
     "a receipt of one of N entries, checked"},
    {"verify", bench_verify, "[--size N]", "离线核验整个数据文件夹", "the offline check of a whole folder"},
    {"load", bench_load, "[--size N]", "导入 CSV：检查、装入、发布",
     "a CSV of N rows: read, checked, published"},
    {"mixed", bench_mixed, "[--seconds N] [--connections N]", "混合：取数、批量、浏览、写入",
     "calls, batches, reading and acts together"},
    {"ledger-grow", bench_ledger_grow, "[--size N] [--each N] [--connections N] [--csv FILE] [--folder DIR]",
     "存证增至 N 条：启动、证明、每条字节", "a ledger of N entries: start, proofs, bytes each"},
    {0}};

static bool read_number(const char *text, double *ret) {
    char *end;
    *ret = strtod(text, &end);
    return end != text && *end == 0 && *ret >= 0;
}

bool bench_options_read(const struct options *o, struct bench_options *ret) {
    double v;
    for (int i = 1; i < o->rest_n; i += 2) {
        const char *name = o->rest[i], *value = i + 1 < o->rest_n ? o->rest[i + 1] : NULL;
        bool is_number = value && read_number(value, &v);
        if (is_number && strcmp(name, "--seconds") == 0 && v > 0) {
            ret->seconds = v;
        } else if (is_number && strcmp(name, "--rate") == 0) {
            ret->rate = v;
        } else if (is_number && strcmp(name, "--connections") == 0 && v >= 1 && v <= WIRE_CONNECTIONS_MAX) {
            ret->connections = (int)v;
        } else if (is_number && strcmp(name, "--each") == 0 && v >= 1 && v <= 1e6) {
            ret->each = (int64_t)v;
        } else if (is_number && strcmp(name, "--size") == 0 && v <= 1e10) {
            ret->size = (int64_t)v;
        } else if (value && strcmp(name, "--csv") == 0) {
            ret->csv = value;
        } else if (value && strcmp(name, "--dataset") == 0) {
            ret->dataset = value;
        } else if (value && strcmp(name, "--folder") == 0) {
            ret->folder = value;
        } else {
            fprintf(stderr, "gusu bench: %s %s?\n", name, value ? value : "");
            return false;
        }
    }
    return true;
}

// --- a city of its own ---
static int who(struct cx *cx) {
    struct bench_city *c = (struct bench_city *)(void *)cx->city;
    if (c->who.account == 0) return c->real_who(cx);
    cx->who = c->who;
    return OK;
}

static int say(const struct err *e) {
    fprintf(stderr, "gusu bench: %s %s %s\n", err_info(e->code)->name, e->field, e->arg);
    return 1;
}

static int city_open_folder(struct bench_city *c) {
    struct err e = {0};
    if (session_open(&c->session, &c->options, &e) != OK) return say(&e);
    c->real_who = c->session.city.who;
    c->session.city.who = who;
    return 0;
}

int bench_city_open(struct bench_city *c, const struct options *o) {
    const char *base = getenv("TMPDIR");
    *c = (struct bench_city){.options = *o};
    snprintf(c->folder, sizeof c->folder, "%s/gusu-bench-XXXXXX", base ? base : "/var/tmp");
    if (!mkdtemp(c->folder)) {
        fprintf(stderr, "gusu bench: %s: %s\n", c->folder, strerrordesc_np(errno));
        return 1;
    }
    snprintf(c->web, sizeof c->web, "%s/web", c->folder); // an empty page: what is measured is the interface
    (void)mkdir(c->web, 0700);
    c->options.data = c->folder;
    c->options.web = c->web;
    c->options.demo = true;
    c->options.port = 0;
    c->options.address = "127.0.0.1";
    if (!c->options.pack) c->options.pack = "packs/suzhou";
    log_set_level(LOG_WARN);
    int bad = city_open_folder(c);
    return bad ? bad : app_load(&c->session.cx, c->options.pack, true, false);
}

void bench_city_again(struct bench_city *c) {
    if (city_open_folder(c) != 0) exit(1);
}

void bench_city_close(struct bench_city *c) {
    session_close(&c->session);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void bench_city_remove(struct bench_city *c) {
    (void)nftw(c->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void bench_as(struct bench_city *c, int64_t account, const char *office, uint32_t roles) {
    c->who = (struct actor){.account = account,
                            .login = S("bench"),
                            .name = S("bench"),
                            .office = str_of(office),
                            .roles = R_PUBLIC | R_LOGIN | roles};
}

static struct str header_of(void *arg, const char *name) {
    struct bench_city *c = arg;
    for (int i = 0; i < c->headers_n; i++)
        if (strcmp(c->headers[i][0], name) == 0) return str_of(c->headers[i][1]);
    return strcmp(name, "Content-Type") == 0 ? S("application/json") : STR_NONE;
}

void bench_call(struct bench_city *c, const char *verb, struct str target, struct str body) {
    struct session *s = &c->session;
    struct str query, path = str_cut(target, '?', &query);
    struct request *q = arena_take(&s->mem, sizeof *q);
    if (!q) exit(1);
    *q = (struct request){.verb = str_of(verb),
                          .path = path,
                          .query = query,
                          .body = body,
                          .body_fd = -1,
                          .body_bytes = (int64_t)body.n,
                          .peer = S("127.0.0.1"),
                          .headers_arg = c,
                          .header = header_of};
    core_call(&s->city, &s->mem, s->conn, s->hasher, q, &c->cx);
    c->status = c->cx.reply.status ? c->cx.reply.status : 200;
    struct str text = c->cx.reply.body.p ? c->cx.reply.body : buf_str(&c->cx.out);
    c->json = (struct json){0};
    bool is_json = text.n && json_parse(&s->mem, text, &c->json, NULL) == OK;
    if (c->status / 100 == 2 && (is_json || !text.n)) return;
    fprintf(stderr, "gusu bench: %s %.*s: %d %.*s\n", verb, STRF(target), c->status, STRF(text));
    exit(1);
}

// --- the server ---
static struct server *serving; // of the child process, for its signal handler

static void on_term(int sig) {
    (void)sig;
    if (serving) server_stop(serving);
}

static int serve(struct bench_city *c, int out) {
    struct session s;
    struct err e = {0};
    int code = session_open(&s, &c->options, &e);
    if (code == OK) code = server_open(&s.city, &c->options, &serving, &e);
    if (code != OK) return say(&e);
    struct sigaction act = {.sa_handler = on_term};
    sigaction(SIGTERM, &act, NULL);
    arena_free(&s.mem);
    int port = server_port(serving);
    if (write(out, &port, sizeof port) != sizeof port) return 1;
    close(out);
    server_run(serving);
    struct server *done = serving;
    serving = NULL;
    server_close(done);
    session_close(&s);
    return 0;
}

bool bench_server_start(struct bench_city *c, struct bench_server *ret) {
    int ends[2];
    if (pipe(ends) != 0) return false;
    fflush(NULL);
    ret->pid = fork(); // no thread of ours runs now: the city was closed
    if (ret->pid == 0) {
        close(ends[0]);
        _exit(serve(c, ends[1]));
    }
    close(ends[1]);
    bool up = ret->pid > 0 && read(ends[0], &ret->port, sizeof ret->port) == sizeof ret->port;
    close(ends[0]);
    return up;
}

double bench_server_cpu_s(const struct bench_server *s) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)s->pid);
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f) fclose(f);
    text[n] = 0;
    // Fields 14 and 15, counted behind the command's name, which may hold anything.
    const char *p = strrchr(text, ')');
    unsigned long long user = 0, kernel = 0;
    if (!p || sscanf(p + 2, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", &user, &kernel) != 2)
        return 0;
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

void bench_server_stop(struct bench_server *s) {
    int status;
    if (s->pid <= 0) return;
    kill(s->pid, SIGTERM);
    waitpid(s->pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fprintf(stderr, "gusu bench: the server ended badly (%d)\n", status);
}

int64_t bench_store_bytes(const struct bench_city *c) {
    static const char *const files[] = {"gusu.db", "gusu.db-wal"};
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char name[300];
        struct stat st;
        snprintf(name, sizeof name, "%s/%s", c->folder, files[i]);
        if (stat(name, &st) == 0) sum += st.st_size;
    }
    return sum;
}

double bench_own_cpu_s(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

// A figure, or null where it was not measured: 0 would be read as one.
static void put_figure(const char *name, double v, bool is_there) {
    if (is_there)
        printf("\"%s\":%.3f,", name, v);
    else
        printf("\"%s\":null,", name);
}

void bench_say(const struct bench_figures *f) {
    const struct wire_histogram *h = f->times;
    const bool has_times = h && h->n, has_things = f->things > 0;
    const double rate = f->seconds > 0 ? f->things / f->seconds : 0, n = has_things ? f->things : 1;
    const struct {
        const char *what, *name;
        double v;
        const char *unit;
        bool is_there;
    } rows[] = {
        {"rate", "rate_per_s", rate, "/s", has_things},
        {"done", "things", f->things, "", true},
        {"time", "seconds", f->seconds, "s", true},
        {"cpu", "cpu_us", f->cpu_s * 1e6 / n, "us each", has_things && f->cpu_s > 0},
        {"generator cpu", "generator_cpu_us", f->own_cpu_s * 1e6 / n, "us each", f->own_cpu_s > 0},
        {"p50", "p50_ms", has_times ? (double)wire_histogram_at(h, 0.50) / 1e6 : 0, "ms", has_times},
        {"p99", "p99_ms", has_times ? (double)wire_histogram_at(h, 0.99) / 1e6 : 0, "ms", has_times},
        {"p99.9", "p999_ms", has_times ? (double)wire_histogram_at(h, 0.999) / 1e6 : 0, "ms", has_times},
        {"max", "max_ms", has_times ? (double)h->max_ns / 1e6 : 0, "ms", has_times},
        {"store grew by", "bytes_each", f->bytes / n, "bytes each", f->bytes > 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].is_there) printf("%-20s %14.2f %s\n", rows[i].what, rows[i].v, rows[i].unit);
    printf("{\"name\":\"%s\",", f->name);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        put_figure(rows[i].name, rows[i].v, rows[i].is_there);
    printf("\"conditions\":\"%s\"}\n", f->conditions);
}

void bench_print(const char *name, const struct wire_result *r, double each, double server_cpu_s,
                 double bytes, const char *conditions) {
    const struct {
        const char *what;
        double v;
        const char *unit;
    } rows[] = {{"answered", (double)r->answered, "replies"},
                {"wrong", (double)r->wrong, ""},
                {"failed", (double)r->failed, ""},
                {"unsent", (double)r->unsent, ""},
                {"worst second's p99", r->worst_p99_ms, "ms"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        printf("%-20s %14.2f %s\n", rows[i].what, rows[i].v, rows[i].unit);
    const double answered = (double)r->answered;
    const struct bench_figures f = {.name = name,
                                    .conditions = conditions,
                                    .things = answered * each,
                                    .seconds = r->seconds,
                                    .cpu_s = server_cpu_s,
                                    .own_cpu_s = r->own_cpu_us * answered / 1e6,
                                    .bytes = bytes,
                                    .times = &r->times};
    bench_say(&f);
}
