// SPDX-License-Identifier: MulanPSL-2.0
// Threads that judge and read where the store lies behind a network (PostgreSQL): there the loop must not wait for an
// answer. Each takes a few waiting requests at a time and answers them from one snapshot, which begins after all of them
// had arrived. Keeps true: a request is judged under an authorisation generation that is not newer than its snapshot,
// and that no other node had left behind when the snapshot was taken: what was revoked anywhere is revoked here.
#include "app/server.h"
#include <stdlib.h>

#define READERS   6
#define READS_RUN 16   // requests of one snapshot
#define READS_MAX 4096 // waiting; beyond it 503

struct reader {
    struct readers *all;
    pthread_t thread;
    struct conn *conn;
    struct hasher *hasher;
    uint64_t generation;
    bool is_up;
};
struct readers {
    struct server *server;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct task *first, *last; // under lock
    int waiting, idle;
    bool stop;
    struct reader readers[READERS];
};

// Another node's change of rights that came with the snapshot moves our number: then both are taken again.
static void snapshot(struct reader *r) {
    struct city *city = r->all->server->city;
    for (int i = 0; i < 4; i++) {
        struct err e = {0};
        int64_t shared;
        if (i > 0) store_read_end(r->conn);
        r->generation = atomic_load(&city->auth_generation);
        store_read_begin(r->conn);
        if (store_generation(r->conn, &shared, &e) != OK) return; // the queries will say so too
        if (atomic_load(&city->auth_generation) == r->generation) return;
    }
}

// An even share of what waits, so that few requests do not all wait for one thread.
static struct task *take(struct readers *all) {
    int n = all->waiting / READERS + 1;
    if (n > READS_RUN) n = READS_RUN;
    struct task *first = all->first, *last = first;
    for (all->waiting--; --n > 0 && last->next; all->waiting--)
        last = last->next;
    all->first = last->next;
    if (!all->first) all->last = NULL;
    last->next = NULL;
    return first;
}

static void *read_requests(void *arg) {
    struct reader *r = arg;
    struct readers *all = r->all;
    struct worker as = {
        .server = all->server, .conn = r->conn, .hasher = r->hasher, .generation = &r->generation};
    pthread_mutex_lock(&all->lock);
    for (;;) {
        all->idle++;
        while (!all->first && !all->stop)
            pthread_cond_wait(&all->wake, &all->lock);
        all->idle--;
        if (!all->first) break;
        struct task *t = take(all);
        pthread_mutex_unlock(&all->lock);
        snapshot(r);
        while (t) {
            struct task *next = t->next; // before it runs: its answer may free it
            t->run(t, &as);
            t = next;
        }
        store_read_end(r->conn);
        pthread_mutex_lock(&all->lock);
    }
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

bool readers_give(struct readers *all, struct task *t) {
    pthread_mutex_lock(&all->lock);
    bool room = all->waiting < READS_MAX && !all->stop, wakes = all->idle > 0;
    if (room) {
        t->next = NULL;
        if (all->last)
            all->last->next = t;
        else
            all->first = t;
        all->last = t;
        all->waiting++;
    }
    pthread_mutex_unlock(&all->lock);
    if (room && wakes) pthread_cond_signal(&all->wake);
    return room;
}

static int start_one(struct reader *r, struct err *e) {
    int code = store_conn_open(r->all->server->city->store, &r->conn, e);
    if (code == OK && !(r->hasher = hasher_open())) code = err_set(e, ERR_no_memory, "", "hasher");
    if (code == OK && pthread_create(&r->thread, NULL, read_requests, r) != 0)
        code = err_set(e, ERR_no_memory, "", "thread");
    r->is_up = code == OK;
    return code;
}

int readers_start(struct server *s, struct err *e) {
    struct readers *all = calloc(1, sizeof *all);
    int code = OK;
    if (!all) return err_set(e, ERR_no_memory, "", "readers");
    s->readers = all;
    all->server = s;
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->wake, NULL);
    for (int i = 0; i < READERS && code == OK; i++) {
        all->readers[i].all = all;
        code = start_one(&all->readers[i], e);
    }
    return code;
}

// What waits is answered first.
void readers_stop(struct server *s) {
    struct readers *all = s->readers;
    if (!all) return;
    pthread_mutex_lock(&all->lock);
    all->stop = true;
    pthread_cond_broadcast(&all->wake);
    pthread_mutex_unlock(&all->lock);
    for (int i = 0; i < READERS; i++) {
        struct reader *r = &all->readers[i];
        if (r->is_up) pthread_join(r->thread, NULL);
        hasher_close(r->hasher);
        store_conn_close(r->conn);
    }
    pthread_mutex_destroy(&all->lock);
    pthread_cond_destroy(&all->wake);
    free(all);
    s->readers = NULL;
}
