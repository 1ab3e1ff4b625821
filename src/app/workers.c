// SPDX-License-Identifier: MulanPSL-2.0
// The threads beside the loop: a small pool for slow calls (exports, loads, password hashing) and one thread for the
// jobs that wake by themselves. Keeps true: each thread has its own reader connection and hasher; a job that fails is
// told in the log and tried again at its next time, it never stops the others.
#include "app/clock_trust.h"
#include "app/server.h"
#include "base/file.h"
#include "base/log.h"
#include "core/node.h"
#include "crypto/secret.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void *work(void *arg) {
    struct worker *w = arg;
    struct server *s = w->server;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->first_task && !s->stop)
            pthread_cond_wait(&s->wake, &s->lock);
        if (s->stop) break;
        struct task *t = s->first_task;
        s->first_task = t->next;
        if (!s->first_task) s->last_task = NULL;
        s->tasks_n--;
        pthread_mutex_unlock(&s->lock);
        t->run(t, w);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

bool workers_give(struct server *s, struct task *t) {
    pthread_mutex_lock(&s->lock);
    bool room = s->tasks_n < TASKS_MAX && !s->stop;
    if (room) {
        t->next = NULL;
        if (s->last_task)
            s->last_task->next = t;
        else
            s->first_task = t;
        s->last_task = t;
        s->tasks_n++;
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&s->lock);
    return room;
}

static void run_job(struct server *s, const struct job *j, struct worker *w) {
    struct arena mem;
    struct cx cx;
    arena_init(&mem, 0);
    core_cx(&cx, s->city, &mem, w->conn, w->hasher, NULL);
    cx.job = j->name;
    int64_t begin = clock_mono_us();
    int code = j->run(&cx);
    meters_job(s, j, clock_mono_us() - begin, code != OK);
    if (code != OK)
        log_line(LOG_ERROR, "jobs", "%s: %s %s %s", j->name, err_info((enum err_code)code)->name,
                 cx.err.field, cx.err.arg);
    arena_free(&mem);
}

// One list of all modules' jobs with the time each is due next; the first round comes one second after start.
struct due {
    const struct job *job;
    int64_t at_ms;
};

static int gather_jobs(struct due *due, int most) {
    int n = 0;
    for (int i = 0; modules[i]; i++)
        for (const struct job *j = modules[i]->jobs; j && j->name && n < most; j++)
            due[n++] = (struct due){j, clock_mono_us() / 1000 + 1000};
    return n;
}

static void begin_trust(struct server *s, struct worker *w, struct clock_trust *trust) {
    struct err ignore = {0};
    struct stmt *newest = store_query(w->conn, Q_core_act_newest, "");
    int64_t newest_ms = store_next(newest) ? store_int(newest, 0) : 0, now = s->city->now_ms();
    (void)!store_done(newest, &ignore);
    clock_trust_start(trust, now, clock_mono_us() / 1000, newest_ms);
    if (trust->from_ms > clock_mono_us() / 1000)
        log_line(LOG_WARN, "jobs",
                 "the clock is %" PRId64 " h from the last act: what ends things by date waits an hour",
                 (now - newest_ms) / 3600000);
}

static bool is_clock_believed(struct server *s, struct clock_trust *trust) {
    int64_t jump_ms;
    bool is = clock_trust_look(trust, s->city->now_ms(), clock_mono_us() / 1000, &jump_ms);
    if (jump_ms)
        log_line(LOG_WARN, "jobs",
                 "the clock jumped by %" PRId64 " s: what ends things by date waits an hour", jump_ms / 1000);
    return is;
}

static void *run_jobs(void *arg) {
    struct worker *w = arg;
    struct server *s = w->server;
    struct due due[64];
    struct clock_trust trust;
    int n = gather_jobs(due, 64);
    begin_trust(s, w, &trust);
    node_take_jobs(s->city);
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), STORE_BEHIND_NICE); // of this thread: callers come first
    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        int64_t now = clock_mono_us() / 1000, next = now + 60000;
        for (int i = 0; i < n; i++) {
            if (due[i].at_ms <= now) {
                pthread_mutex_unlock(&s->lock);
                const bool is_ours = node_runs(s->city, due[i].job->name);
                if ((is_clock_believed(s, &trust) || due[i].job->is_anytime) && is_ours)
                    run_job(s, due[i].job, w);
                pthread_mutex_lock(&s->lock);
                due[i].at_ms = now + (int64_t)due[i].job->every_s * 1000;
            }
            if (due[i].at_ms < next) next = due[i].at_ms;
        }
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC,
                      &until); // as the condition counts: a clock put back must not silence the jobs
        int64_t wait = next - clock_mono_us() / 1000;
        if (wait < 10) wait = 10;
        until.tv_sec += wait / 1000;
        until.tv_nsec += (wait % 1000) * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        // Signalled for tasks too; a wake-up for nothing only looks at the list again.
        if (!s->stop) pthread_cond_timedwait(&s->wake_jobs, &s->lock, &until);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static int start_one(struct server *s, struct worker *w, void *(*main)(void *), struct err *e) {
    w->server = s;
    int code = store_conn_open(s->city->store, &w->conn, e);
    if (code == OK && !(w->hasher = hasher_open())) code = err_set(e, ERR_no_memory, "", "hasher");
    if (code == OK && pthread_create(&w->thread, NULL, main, w) != 0)
        code = err_set(e, ERR_no_memory, "", "thread");
    w->is_up = code == OK;
    return code;
}

int workers_start(struct server *s, struct err *e) {
    int code = OK;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake_jobs, &attr);
    pthread_condattr_destroy(&attr);
    for (int i = 0; i < WORKERS && code == OK; i++)
        code = start_one(s, &s->workers[i], work, e);
    return code == OK ? start_one(s, &s->jobs, run_jobs, e) : code;
}

static void stop_one(struct worker *w) {
    if (w->is_up) pthread_join(w->thread, NULL);
    hasher_close(w->hasher);
    store_conn_close(w->conn);
}

void workers_stop(struct server *s) {
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->wake);
    pthread_cond_broadcast(&s->wake_jobs);
    pthread_mutex_unlock(&s->lock);
    for (int i = 0; i < WORKERS; i++)
        stop_one(&s->workers[i]);
    stop_one(&s->jobs);
}

int server_certificate(struct server *s, struct err *e) {
    snprintf(s->cert_path, sizeof s->cert_path, "%s/tls-cert.pem", s->city->folder);
    snprintf(s->key_path, sizeof s->key_path, "%s/tls-key.pem", s->city->folder);
    if (file_exists(s->cert_path) && file_exists(s->key_path)) return OK;
    struct str cert, key;
    int code = certificate_make(&s->mem, "localhost", 825, &cert, &key, e);
    if (code == OK) code = file_write(s->key_path, key, 0600, e);
    if (code == OK) code = file_write(s->cert_path, cert, 0644, e);
    return code;
}
