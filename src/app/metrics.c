// SPDX-License-Identifier: MulanPSL-2.0
// /metrics: the running program in Prometheus' text format. Keeps true: counting costs the loop a few additions and no
// lock; labels are words of ours (modules, statuses, jobs), so that no stranger can make the text grow; it is read from
// this machine, or with the system administrator's right, and says nothing about anybody's data.
#include "app/metrics.h"
#include "app/access.h"
#include "app/server.h"
#include "core/metrics.h"
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

// Behind the modules' own: calls under a grant, the page, core's own routes, and what was no request of ours.
enum { CLASS_CALL = METRICS_MODULES_MAX, CLASS_PAGE, CLASS_CORE, CLASS_NONE };
static const char *const more_classes[] = {"call", "page", "core", "none"};

static const char *class_name(int class) {
    return class < METRICS_MODULES_MAX ? modules[class]->name : more_classes[class - METRICS_MODULES_MAX];
}

static bool is_of(const struct module *m, const struct route *r) {
    for (const struct route *const *t = m->route_tables; t && *t; t++)
        for (const struct route *row = *t; row->verb; row++)
            if (row == r) return true;
    return false;
}

static int class_of(const struct call *c) {
    if (!c) return CLASS_PAGE;
    const struct route *r = c->cx.route;
    if (!r) return CLASS_NONE;
    if (str_starts(c->req.path, S("/api/v1/exchange/"))) return CLASS_CALL;
    for (int i = 0; modules[i] && i < METRICS_MODULES_MAX; i++)
        if (is_of(modules[i], r)) return i;
    return CLASS_CORE;
}

void meters_start(struct server *s) {
    for (int i = 0; i < METRICS_CLASSES; i++)
        s->meters.us[i].edges = histogram_us;
    s->meters.started_ms = s->city->now_ms();
}

void meters_reply(struct server *s, const struct call *c, const struct http_exchange *x, int status,
                  int64_t bytes, int64_t us) {
    int class = x->target.n ? class_of(c) : CLASS_NONE;
    if (status < 0 || status >= METRICS_STATUSES) status = 0;
    histogram_count(&s->meters.requests[class][status], 1);
    histogram_count(&s->meters.bytes[class], (uint64_t)bytes);
    if (us >= 0) histogram_add(&s->meters.us[class], (uint64_t)us);
}

void meters_job(struct server *s, const struct job *j, int64_t us, bool failed) {
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < METRICS_JOBS_MAX; i++) {
        struct job_seen *seen = &s->meters.jobs[i];
        if (seen->job && seen->job != j) continue;
        *seen = (struct job_seen){j, s->city->now_ms(), us, seen->runs + 1, seen->failed + failed};
        break;
    }
    pthread_mutex_unlock(&s->lock);
}

// --- the text ---
static void put_requests(struct metrics *m, const struct meters *w) {
    char labels[80];
    metric_head(m, "gusu_http_requests_total", METRIC_COUNTER,
                "Requests answered, by route class and status.");
    for (int c = 0; c < METRICS_CLASSES; c++)
        for (int status = 0; status < METRICS_STATUSES; status++) {
            uint64_t n = atomic_load_explicit(&w->requests[c][status], memory_order_relaxed);
            if (!n) continue;
            snprintf(labels, sizeof labels, "class=\"%s\",status=\"%d\"", class_name(c), status);
            metric_line(m, "gusu_http_requests_total", labels, (double)n);
        }
    metric_head(m, "gusu_http_reply_bytes_total", METRIC_COUNTER, "Bytes of reply bodies, by route class.");
    for (int c = 0; c < METRICS_CLASSES; c++) {
        uint64_t n = atomic_load_explicit(&w->bytes[c], memory_order_relaxed);
        if (!n) continue;
        snprintf(labels, sizeof labels, "class=\"%s\"", class_name(c));
        metric_line(m, "gusu_http_reply_bytes_total", labels, (double)n);
    }
    metric_head(m, "gusu_http_request_seconds", "histogram",
                "Time from a complete head to its reply, by route class.");
    for (int c = 0; c < METRICS_CLASSES; c++) {
        if (atomic_load_explicit(&w->us[c].sum, memory_order_relaxed) == 0) continue;
        snprintf(labels, sizeof labels, "class=\"%s\"", class_name(c));
        metric_histogram(m, "gusu_http_request_seconds", labels, &w->us[c], 1e6);
    }
}

static void put_http(struct metrics *m, const struct server *s) {
    const struct http_stats h = http_stats(s->loop);
    metric(m, "gusu_http_connections", METRIC_GAUGE, "Connections open.", (double)h.connections_open);
    metric(m, "gusu_http_connections_total", METRIC_COUNTER, "Connections accepted.", (double)h.connections);
    metric(m, "gusu_http_bad_requests_total", METRIC_COUNTER,
           "Requests that RFC 9112 forbids, or that broke a limit.", (double)h.bad_requests);
    metric(m, "gusu_http_received_bytes_total", METRIC_COUNTER, "Bytes received.", (double)h.bytes_in);
    metric(m, "gusu_http_sent_bytes_total", METRIC_COUNTER, "Bytes sent.", (double)h.bytes_out);
    metric(m, "gusu_listeners", METRIC_GAUGE, "Pages with an open event stream.", (double)s->listeners_n);
    metric(m, "gusu_refused_total", METRIC_COUNTER, "Calls refused: counted, not entered in the ledger.",
           (double)atomic_load(&s->city->denied));
    const struct access_stats a = access_stats(s->access);
    metric(m, "gusu_access_log_lines_total", METRIC_COUNTER, "Lines of the access log.", (double)a.lines);
    metric(m, "gusu_access_log_dropped_total", METRIC_COUNTER, "Lines lost to a slow or full disk.",
           (double)a.dropped);
}

static void put_store(struct metrics *m, struct store *store) {
    const struct store_stats t = store_stats(store);
    const struct store_meters *w = store_meters(store);
    metric(m, "gusu_commits_total", METRIC_COUNTER, "Batches of the commit queue.", (double)t.commits);
    metric(m, "gusu_commit_items_total", METRIC_COUNTER, "Items of the commit queue.", (double)t.items);
    metric(m, "gusu_commit_redone_total", METRIC_COUNTER, "Batches run again one by one.", (double)t.redone);
    metric(m, "gusu_queue_depth", METRIC_GAUGE, "Items waiting for the writer.", (double)t.queue_len);
    metric(m, "gusu_queue_max", METRIC_GAUGE, "Items that may wait; further ones get 503.", STORE_QUEUE_MAX);
    metric(m, "gusu_wal_bytes", METRIC_GAUGE, "Bytes of the write-ahead log.", (double)t.wal_bytes);
    metric(m, "gusu_store_errors_total", METRIC_COUNTER, "Errors that the database engine reported.",
           (double)atomic_load_explicit(&w->errors, memory_order_relaxed));
    const struct {
        const char *name, *help;
        const struct histogram *h;
        double unit;
    } rows[] = {
        {"gusu_commit_batch_items", "Items of one batch.", &w->batch_items, 1},
        {"gusu_commit_run_seconds", "Running a batch, up to and with its commit.", &w->run_us, 1e6},
        {"gusu_commit_sync_seconds", "Making a commit durable.", &w->sync_us, 1e6},
        {"gusu_commit_lag_seconds", "Waiting of a batch's first item before the writer took it.", &w->lag_us,
         1e6},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        metric_head(m, rows[i].name, "histogram", rows[i].help);
        metric_histogram(m, rows[i].name, "", rows[i].h, rows[i].unit);
    }
}

static void put_jobs(struct metrics *m, struct server *s) {
    static const char *const names[][3] = {
        {"gusu_job_last_run_seconds", METRIC_GAUGE, "When the job ended last, in seconds since 1970."},
        {"gusu_job_duration_seconds", METRIC_GAUGE, "How long its last run took."},
        {"gusu_job_runs_total", METRIC_COUNTER, "Its runs since start."},
        {"gusu_job_failures_total", METRIC_COUNTER, "Those of them that failed."}};
    struct job_seen jobs[METRICS_JOBS_MAX];
    char labels[100];
    pthread_mutex_lock(&s->lock);
    memcpy(jobs, s->meters.jobs, sizeof jobs);
    int tasks_n = s->tasks_n;
    pthread_mutex_unlock(&s->lock);
    metric(m, "gusu_tasks_waiting", METRIC_GAUGE, "Slow calls waiting for a worker.", tasks_n);
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        metric_head(m, names[k][0], names[k][1], names[k][2]);
        for (int i = 0; i < METRICS_JOBS_MAX && jobs[i].job; i++) {
            const double values[] = {(double)jobs[i].ended_ms / 1e3, (double)jobs[i].us / 1e6,
                                     (double)jobs[i].runs, (double)jobs[i].failed};
            snprintf(labels, sizeof labels, "job=\"%s\"", jobs[i].job->name);
            metric_line(m, names[k][0], labels, values[k]);
        }
    }
}

static int open_files(void) {
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    if (d) closedir(d);
    return n > 3 ? n - 3 : 0; // ".", "..", and the folder itself
}

// The names that every Prometheus client library uses for the process.
static void put_process(struct metrics *m, const struct meters *w) {
    struct rusage u;
    long pages = 0, whole = 0;
    getrusage(RUSAGE_SELF, &u);
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%ld %ld", &whole, &pages) != 2) pages = 0;
    if (f) fclose(f);
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    metric(m, "process_cpu_seconds_total", METRIC_COUNTER, "User and system time of the process.",
           (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
               (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
    metric(m, "process_resident_memory_bytes", METRIC_GAUGE, "Memory in use.",
           (double)pages * (double)sysconf(_SC_PAGESIZE));
    metric(m, "process_open_fds", METRIC_GAUGE, "File descriptors open.", open_files());
    metric(m, "process_max_fds", METRIC_GAUGE, "File descriptors allowed.", (double)files.rlim_cur);
    metric(m, "process_start_time_seconds", METRIC_GAUGE, "Start of serving, in seconds since 1970.",
           (double)w->started_ms / 1e3);
}

// From this machine itself. A proxy on this machine speaks for others, and says so.
static bool is_local(struct cx *cx) {
    static const char *const proxied[] = {"Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"};
    for (size_t i = 0; i < sizeof proxied / sizeof proxied[0]; i++)
        if (cx_header(cx, proxied[i]).p) return false;
    return str_starts(cx->req->peer, S("127.")) || str_eq(cx->req->peer, S("::1"));
}

// A token narrows what its owner may, and never widens it.
static bool has_scope(const struct cx *cx) {
    for (struct str rest = cx->who.scopes; rest.p;)
        if (str_eq(str_cut(rest, ' ', &rest), S(METRICS_SCOPE))) return true;
    return !cx->who.scopes.p;
}

static int get_metrics(struct cx *cx) {
    struct server *s = cx->city->mod[module_index("app")];
    if (!is_local(cx) && !(cx_is(cx, R_(SYSADMIN)) && has_scope(cx)))
        return cx->who.account
                   ? cx_deny_words(cx, "运行指标只供本机和系统管理员读取",
                                   "Measurements are for this machine and the system administrator")
                   : cx_fail(cx, ERR_not_logged_in, "", "%s", "");
    if (!s) return cx_fail(cx, ERR_not_found, "", "metrics"); // a command line's city does not serve
    cx->out = buf_new(cx->mem, 32768, METRICS_TEXT_MAX);
    struct metrics m = {&cx->out};
    put_requests(&m, &s->meters);
    put_http(&m, s);
    put_store(&m, cx->city->store);
    put_jobs(&m, s);
    for (int i = 0; modules[i]; i++)
        if (modules[i]->metrics) modules[i]->metrics(cx, &m);
    put_process(&m, &s->meters);
    cx->err = (struct err){0}; // a figure that could not be read is missing; the others are told
    cx->reply.type = S("text/plain; version=0.0.4; charset=utf-8");
    return OK;
}

static const struct shape metrics_shape = {"Metrics", NULL, "text/plain"};
const struct route metrics_routes[] = {
    {"GET", "/metrics", ROUTE_READ, R_PUBLIC, NULL, &metrics_shape, NULL, 0, ROUTE_OPEN_FIELDS, get_metrics,
     "运行指标（Prometheus，本机或系统管理员）", "Measurements for Prometheus (this machine or sysadmin)",
     METRICS_SCOPE},
    {0}};
