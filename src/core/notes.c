// SPDX-License-Identifier: MulanPSL-2.0
// Many entries of one call (READ_ENTRY with cx->batch): its slices go through the commit queue as items of their own,
// so that a great batch neither holds the writer for long nor waits for one fsync after the other. Keeps true: a slice
// runs again from its beginning (store invariant 4), so whatever it told is forgotten first; who is not told refused
// has a durable entry; the thread of the call does not touch cx between the first submit and the last answer.
#include "core/act.h"
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

// A slice on its way through the queue, and all of a call.
struct item {
    struct work work; // first: the writer hands these back
    struct slices *all;
    struct note_slice *slice;
};
struct slices {
    struct cx *cx;
    _Atomic int left; // slices not told, and one for whoever submits
    void (*all_told)(void *arg);
    void *arg;
    struct item items[];
};

static int note_slice(struct cx *cx, struct note_slice *s) {
    int code = cx->city->on_note ? OK : ERR_internal;
    if (cx->city->prepare_notes) cx->city->prepare_notes(cx, s->first);
    for (struct note *n = s->first; n && code == OK; n = n->next) {
        if (n->refused) continue;
        code = cx->city->on_note(cx, n);
        if (code == OK && n->project) code = n->project(cx, n);
    }
    return code;
}

// The notes of single calls that fell into one batch. What is prepared lies in the writer's own memory: a call that the
// batch had no time for outlives those that it was prepared with, so it is prepared anew with the next.
void core_prepare_notes(struct city *city, struct cx *const *calls, size_t n, bool is_first) {
    struct note *first = NULL, **tail = &first;
    struct cx cx;
    if (is_first) arena_reset(&city->prepared_mem);
    for (size_t i = 0; i < n; i++) {
        struct note *one = calls[i]->note;
        one->prepared = NULL;
        *tail = one;
        tail = &one->next;
    }
    *tail = NULL;
    core_cx(&cx, city, &city->prepared_mem, NULL, city->writer_hasher, NULL);
    if (city->prepare_notes && n > 1) city->prepare_notes(&cx, first);
    for (size_t i = 0; i < n; i++)
        calls[i]->note->next = NULL;
}

// The Idempotency-Key is kept with the first slice. That it stands there is an answer to a retry; to the other slices
// of this call, and to this slice run again, it is their own.
static int keep_key(struct cx *cx) {
    bool is_ours = cx->is_key_kept;
    cx->is_key_kept = false;
    int code = call_keep_key(cx);
    if (code == ERR_done_already && is_ours) {
        cx->err = (struct err){0};
        code = OK;
    }
    cx->is_key_kept = is_ours || code == OK;
    return code;
}

int core_run_slice(struct cx *cx, struct note_slice *s, struct conn *w, struct err *e) {
    struct conn *reader = cx->db;
    struct hasher *h = cx->hasher;
    const struct reply kept = cx->reply; // what is said here is said of notes, not of the call
    cx->db = w;
    cx->is_writer = true;
    cx->hasher = cx->city->writer_hasher;
    cx->err = (struct err){0};
    for (struct note *n = s->first; n; n = n->next)
        n->refused = NULL;
    int code = keep_key(cx);
    if (code == OK) code = cx->batch->judge ? cx->batch->judge(cx, s) : call_judge_again(cx);
    if (code == OK) code = note_slice(cx, s);
    if (code == OK && cx->mem->failed) code = ERR_no_memory;
    if (code != OK && cx->err.code == OK) cx->err.code = (enum err_code)code;
    if (code != OK && e) *e = cx->err;
    cx->err = (struct err){0}; // of this slice, not of the call
    cx->reply = kept;
    cx->db = reader;
    cx->hasher = h;
    cx->is_writer = false;
    return code;
}

static int run(struct work *w, struct conn *db, struct err *e) {
    struct item *i = (struct item *)w;
    return core_run_slice(i->all->cx, i->slice, db, e);
}

// The last one tells. By then nobody looks at the slices any more but whoever is told.
static void leave(struct slices *all, int n) {
    if (atomic_fetch_sub(&all->left, n) == n) all->all_told(all->arg);
}

static void done(struct work *first) {
    while (first) {
        struct item *i = (struct item *)first;
        first = first->next; // before the call goes on: its memory is the call's
        i->slice->err = i->work.err;
        leave(i->all, 1);
    }
}

void core_batch_submit(struct cx *cx, void (*all_told)(void *arg), void *arg) {
    struct note_batch *b = cx->batch;
    struct store *store = cx->city->store;
    const int n = b->n;
    struct slices *all = arena_take(cx->mem, sizeof *all + (size_t)n * sizeof all->items[0]);
    if (!all) {
        for (int i = 0; i < n; i++)
            b->slices[i].err.code = ERR_no_memory;
        all_told(arg);
        return;
    }
    *all = (struct slices){.cx = cx, .left = n + 1, .all_told = all_told, .arg = arg};
    for (int i = 0; i < n; i++) {
        b->slices[i].err = (struct err){0};
        all->items[i] = (struct item){.work = {.run = run, .done = done}, .all = all, .slice = &b->slices[i]};
    }
    int left = 1; // ours, and what was not taken
    for (int i = 0; i < n; i++) {
        struct note_slice *slice = all->items[i].slice;
        if (store_submit(store, &all->items[i].work) == OK) continue;
        slice->err.code = ERR_busy;
        left++;
    }
    leave(all, left);
}

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool is_told;
};

static void told(void *arg) {
    struct waiting *x = arg;
    pthread_mutex_lock(&x->lock);
    x->is_told = true;
    pthread_cond_signal(&x->cond);
    pthread_mutex_unlock(&x->lock);
}

void core_batch_wait(struct cx *cx) {
    assert(cx->batch && !cx->is_writer);
    struct waiting x = {.is_told = false};
    pthread_mutex_init(&x.lock, NULL);
    pthread_cond_init(&x.cond, NULL);
    core_batch_submit(cx, told, &x);
    pthread_mutex_lock(&x.lock);
    while (!x.is_told)
        pthread_cond_wait(&x.cond, &x.lock);
    pthread_mutex_unlock(&x.lock);
    pthread_mutex_destroy(&x.lock);
    pthread_cond_destroy(&x.cond);
}

void core_batch_reply(struct cx *cx) {
    assert(cx->batch && !cx->is_writer);
    int code = cx->batch->reply(cx);
    if (code == OK && (cx->out.over || cx->mem->failed)) code = ERR_no_memory;
    if (code == OK) return;
    if (cx->err.code == OK) cx->err.code = (enum err_code)code;
    core_problem(cx);
}
