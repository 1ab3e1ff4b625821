// SPDX-License-Identifier: MulanPSL-2.0
// Nodes: the sign of life, and who runs which job. One thread writes both every NODE_BEAT_MS as one item of the commit
// queue, whose order over all nodes (store/pg_tx.c) makes a claim a plain UPDATE. Keeps true: (1) a job is one node's
// at a time: a lease is counted here from before its row was written, by a clock that cannot be put back, and in the
// database by the database's; (2) a node that stood still beyond its lease while a job ran writes nothing more in that
// job (node_fence); (3) a pack that another node loaded is seen here within a beat: its calendar is read again.
#include "core/node.h"
#include "base/log.h"
#include "core/city.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX 64 // a bit each
#define OLD_MS   ((int64_t)86400000)

struct node {
    struct city *city;
    int64_t id;
    char name[96];
    struct conn *conn; // of the thread
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_up, stop, takes_jobs; // under lock
    const char *jobs[JOBS_MAX];
    int jobs_n;
    _Atomic uint64_t held;         // bit i: jobs[i] is ours …
    _Atomic int64_t held_until_us; // … until then, by the clock that only goes on
    int64_t pack_stamp;
    bool is_late; // told once
};
struct beat { // one item of the commit queue
    struct work work;
    struct node *node;
    bool takes_jobs, knows_jobs, leaves;
    uint64_t held;
};

static int bit_of(const struct node *n, struct str name) {
    for (int i = 0; i < n->jobs_n; i++)
        if (str_eq(name, str_of(n->jobs[i]))) return i;
    return -1;
}

static int take(struct beat *b, struct conn *w, struct err *e) {
    const struct node *n = b->node;
    int code = OK;
    for (int i = 0; i < n->jobs_n && !b->knows_jobs && code == OK; i++)
        code = store_exec(w, NULL, e, Q_core_job_know, "z", n->jobs[i]);
    if (code == OK) code = store_exec(w, NULL, e, Q_core_jobs_take, "ii", n->id, (int64_t)NODE_LEASE_MS);
    if (code != OK) return code;
    b->held = 0;
    struct stmt *s = store_query(w, Q_core_jobs_of, "i", n->id);
    while (store_next(s)) {
        int at = bit_of(n, store_str(s, 0, NULL));
        if (at >= 0) b->held |= (uint64_t)1 << at;
    }
    return store_done(s, e);
}

static int run_beat(struct work *work, struct conn *w, struct err *e) {
    struct beat *b = (struct beat *)work;
    const struct node *n = b->node;
    if (b->leaves) {
        int code = store_exec(w, NULL, e, Q_core_jobs_give_back, "i", n->id);
        return code == OK ? store_exec(w, NULL, e, Q_core_node_drop, "i", n->id) : code;
    }
    int code = store_exec(w, NULL, e, Q_core_node_beat, "izi", n->id, n->name, (int64_t)NODE_LEASE_MS);
    if (code == OK && !b->knows_jobs) code = store_exec(w, NULL, e, Q_core_nodes_sweep, "i", OLD_MS);
    return code == OK && b->takes_jobs ? take(b, w, e) : code;
}

static void beat_done(struct work *w) {
    (void)w;
}

static int beat(struct node *n, bool takes_jobs, bool knows_jobs, struct err *e) {
    struct beat b = {.work = {.run = run_beat, .done = beat_done},
                     .node = n,
                     .takes_jobs = takes_jobs,
                     .knows_jobs = knows_jobs};
    const int64_t begin = clock_mono_us(); // the row's lease begins later than ours
    int code = store_do(n->city->store, &b.work, e);
    if (code == OK && takes_jobs) {
        atomic_store(&n->held_until_us, begin + NODE_LEASE_MS * INT64_C(1000));
        uint64_t before = atomic_exchange(&n->held, b.held);
        for (int i = 0; i < n->jobs_n; i++)
            if ((b.held & ~before) >> i & 1) log_line(LOG_INFO, "node", "runs %s", n->jobs[i]);
    }
    if (code != OK && !n->is_late)
        log_line(LOG_WARN, "node", "cannot tell that it lives: %s", err_info((enum err_code)code)->name);
    n->is_late = code != OK;
    return code;
}

// Working days come with packs, and any node may have loaded one.
static void follow_packs(struct node *n) {
    struct err e = {0};
    int64_t stamp = n->pack_stamp;
    struct stmt *s = store_query(n->conn, Q_core_pack_stamp, "");
    if (store_next(s)) stamp = store_int(s, 0);
    if (store_done(s, &e) != OK || stamp == n->pack_stamp) return;
    if (city_load_calendar(n->city, &e) == OK) n->pack_stamp = stamp;
}

static void *run(void *arg) {
    struct node *n = arg;
    bool knows_jobs = false;
    pthread_mutex_lock(&n->lock);
    while (!n->stop) {
        bool takes_jobs = n->takes_jobs;
        pthread_mutex_unlock(&n->lock);
        struct err e = {0};
        if (beat(n, takes_jobs, knows_jobs, &e) == OK && takes_jobs) knows_jobs = true;
        follow_packs(n);
        pthread_mutex_lock(&n->lock);
        if (n->stop || n->takes_jobs != takes_jobs) continue; // the first claim at once
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += NODE_BEAT_MS / 1000;
        (void)pthread_cond_timedwait(&n->wake, &n->lock, &until);
    }
    pthread_mutex_unlock(&n->lock);
    return NULL;
}

static int make(struct city *city, struct node **ret, struct err *e) {
    struct node *n = arena_take(&city->mem, sizeof *n);
    uint64_t random = 0;
    char host[64] = "";
    if (!n) return err_set(e, ERR_no_memory, "", "node");
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return err_set(e, ERR_crypto, "", "random");
    (void)gethostname(host, sizeof host - 1);
    n->city = city;
    n->id = (int64_t)(random >> 11) | 1;
    snprintf(n->name, sizeof n->name, "%s %ld", host, (long)getpid());
    for (int i = 0; modules[i]; i++)
        for (const struct job *j = modules[i]->jobs; j && j->name && n->jobs_n < JOBS_MAX; j++)
            if (!j->is_everywhere) n->jobs[n->jobs_n++] = j->name;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&n->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&n->lock, NULL);
    *ret = n;
    return OK;
}

int node_start(struct city *city, struct err *e) {
    struct node *n = NULL;
    if (!store_reads_block(city->store)) return OK;
    int code = make(city, &n, e);
    if (code == OK) code = store_conn_open(city->store, &n->conn, e);
    if (code == OK) code = beat(n, false, false, e); // known to others before it looks whether it is alone
    if (code == OK && pthread_create(&n->thread, NULL, run, n) != 0)
        code = err_set(e, ERR_no_memory, "", "thread");
    if (code != OK) {
        if (n) store_conn_close(n->conn);
        return code;
    }
    n->is_up = true;
    city->node = n;
    return OK;
}

void node_take_jobs(struct city *city) {
    struct node *n = city->node;
    if (!n) return;
    pthread_mutex_lock(&n->lock);
    n->takes_jobs = true;
    pthread_cond_signal(&n->wake);
    pthread_mutex_unlock(&n->lock);
}

void node_stop(struct city *city) {
    struct node *n = city->node;
    struct err ignore = {0};
    if (!n || !n->is_up) return;
    pthread_mutex_lock(&n->lock);
    n->stop = true;
    pthread_cond_signal(&n->wake);
    pthread_mutex_unlock(&n->lock);
    pthread_join(n->thread, NULL);
    atomic_store(&n->held, 0);
    struct beat b = {.work = {.run = run_beat, .done = beat_done}, .node = n, .leaves = true};
    (void)!store_do(city->store, &b.work, &ignore); // else the leases end by themselves
    store_conn_close(n->conn);
    n->is_up = false;
}

int64_t node_id(const struct city *city) {
    return city->node ? city->node->id : 0;
}

bool node_runs(const struct city *city, const char *job) {
    const struct node *n = city->node;
    if (!n) return true;
    int at = bit_of(n, str_of(job));
    if (at < 0) return true; // everywhere
    return (atomic_load(&n->held) >> at & 1) && clock_mono_us() < atomic_load(&n->held_until_us);
}

int node_fence(struct cx *cx, const char *job) {
    const struct node *n = cx->city->node;
    int64_t owner = 0;
    if (!n || bit_of(n, str_of(job)) < 0) return OK;
    struct stmt *s = store_query(cx->db, Q_core_job_owner, "z", job);
    if (store_next(s)) owner = store_int(s, 0);
    int code = store_done(s, &cx->err);
    if (code == OK && owner != n->id) code = cx_fail(cx, ERR_busy, "job", "%s", job);
    return code;
}

int node_others(struct cx *cx, int64_t *ret) {
    const struct node *n = cx->city->node;
    *ret = 0;
    if (!n) return OK;
    struct stmt *s = store_query(cx->db, Q_core_nodes_others, "i", n->id);
    if (store_next(s)) *ret = store_int(s, 0);
    return store_done(s, &cx->err);
}

// --- told ---
static int put_nodes(struct cx *cx) {
    struct jw *w = &cx->w;
    struct stmt *s = store_query(cx->db, Q_core_nodes, "i", (int64_t)NODES_SHOWN);
    jw_name(w, "items");
    jw_array(w);
    while (store_next(s)) {
        jw_object(w);
        jw_nint(w, "id", store_int(s, 0));
        jw_ntext(w, "name", store_str(s, 1, NULL));
        jw_nint(w, "since_ms", store_int(s, 2));
        jw_nint(w, "until_ms", store_int(s, 3));
        jw_nbool(w, "is_alive", store_int(s, 4) != 0);
        jw_nbool(w, "is_this", store_int(s, 0) == node_id(cx->city));
        jw_object_end(w);
    }
    jw_array_end(w);
    return store_done(s, &cx->err);
}

static int put_jobs(struct cx *cx) {
    struct jw *w = &cx->w;
    struct stmt *s = store_query(cx->db, Q_core_jobs, "i", (int64_t)JOBS_MAX);
    jw_name(w, "jobs");
    jw_array(w);
    while (store_next(s)) {
        jw_object(w);
        jw_ntext(w, "name", store_str(s, 0, NULL));
        if (store_int(s, 1)) jw_nint(w, "node", store_int(s, 1));
        if (store_int(s, 2)) jw_nint(w, "taken_ms", store_int(s, 2));
        jw_object_end(w);
    }
    jw_array_end(w);
    return store_done(s, &cx->err);
}

static int get_nodes(struct cx *cx) {
    jw_object(&cx->w);
    jw_ntext(&cx->w, "engine", cx->city->node ? S("postgresql") : S("sqlite"));
    int code = put_nodes(cx);
    if (code == OK) code = put_jobs(cx);
    jw_object_end(&cx->w);
    return code;
}

static const struct field takes_nothing[] = {{0}};
static const struct field item_fields[] = {
    {"id", .type = T_INT, .required = true, .zh = "节点编号", .en = "random, one per process"},
    {"name", .type = T_TEXT, .required = true, .zh = "主机与进程", .en = "host and process"},
    {"since_ms", .type = T_INT, .required = true, .zh = "启动时间", .en = "when it came up"},
    {"until_ms", .type = T_INT, .required = true, .zh = "存活至", .en = "counts as alive until"},
    {"is_alive", .type = T_BOOL, .required = true, .zh = "存活", .en = "alive"},
    {"is_this", .type = T_BOOL, .required = true, .zh = "本节点", .en = "the one that answers"},
    {0}};
static const struct field job_fields[] = {
    {"name", .type = T_TEXT, .required = true, .zh = "后台任务", .en = "job"},
    {"node", .type = T_INT, .zh = "由哪个节点执行", .en = "the node that runs it"},
    {"taken_ms", .type = T_INT, .zh = "接手时间", .en = "when it took it"},
    {0}};
static const struct field list_fields[] = {
    {"engine", .type = T_TEXT, .required = true, .zh = "存储引擎", .en = "sqlite or postgresql"},
    {"items", .type = T_ITEMS, .required = true, .of = item_fields,
     .zh = "节点；SQLite 只有一个进程，此处为空", .en = "nodes; none on SQLite, where there is one process"},
    {"jobs", .type = T_ITEMS, .required = true, .of = job_fields, .zh = "后台任务由谁执行",
     .en = "who runs which job"},
    {0}};
static const struct shape gives_nodes = {"Nodes", list_fields, NULL};
const struct route node_routes[] = {{"GET", "/api/v1/nodes", ROUTE_READ, R_(SYSADMIN) | R_(AUDITOR),
                                     takes_nothing, &gives_nodes, .handle = get_nodes, .zh = "节点与后台任务",
                                     .en = "Nodes over one database, and who runs which job"},
                                    {0}};
