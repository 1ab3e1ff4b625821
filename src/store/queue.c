// SPDX-License-Identifier: MulanPSL-2.0
// The commit queue: one writer thread takes what waits, runs it inside one transaction and commits once; a second
// thread (sync.c) makes it durable and only then tells the senders. One sync serves the whole batch, and while it runs
// the next batch is worked on; there is no timer. The numbers in brackets are the invariants of store.h.
//
//        submit (any thread)           writer thread                                                syncer
//   item ──► list under lock ──► BEGIN ─ [savepoint ─ run ─ release]* ─ before_commit ─ COMMIT ─► sync ─► done(list)
//                                   │ engine aborted the transaction: ROLLBACK, each item alone (4)
//                                   └ COMMIT failed: every item gets the error (2)
//
// Checkpoints copy the WAL into the database on a thread of their own; the writer only does the short rest, which
// lets the WAL start again from its beginning and keeps it bounded.
#include "store/private.h"
#include "base/clock.h"
#include "base/log.h"
#include <assert.h>
#include <sys/resource.h>
#include <unistd.h>

#define CHECKPOINT_PAGES 2000 // WAL pages that wake the checkpoint thread (8 MB)

// Runs one item inside an open transaction. False when the engine has thrown the whole transaction away, or a
// "plain" item left something behind without a savepoint to undo it: then the batch must be run again with care.
static bool run_item(struct store *s, struct work *w, bool careful) {
    struct conn *c = s->writer;
    bool has_savepoint = careful || !w->is_plain;
    int64_t changes = c->engine->changes(c);
    w->err = (struct err){0};
    if (s->config.item_begin) s->config.item_begin(s->config.arg);
    if (has_savepoint && c->engine->savepoint(c, &w->err) != OK) return false;
    int code = w->run(w, c, &w->err);
    if (c->engine->is_lost(c)) return false; // disk full, I/O, memory: all is gone
    if (code == OK) return !has_savepoint || c->engine->release(c);
    if (w->err.code == OK) w->err.code = (enum err_code)code;
    if (s->config.item_undone) s->config.item_undone(s->config.arg);
    if (has_savepoint) return c->engine->back(c);
    return c->engine->changes(c) == changes;
}

static void fail_all(struct work *first, const struct err *e) {
    for (struct work *w = first; w; w = w->next)
        if (w->err.code == OK) w->err = *e;
}

// One transaction over the list. Returns false when nothing is committed and the list should be run again item by item.
// Else *e says why nothing was committed, if so, and every item has been given it.
// What the batch had no more time for is cut off and handed out as *ret_rest, not begun.
static bool run_transaction(struct store *s, struct work *first, bool careful, struct work **ret_rest,
                            struct err *e) {
    struct conn *c = s->writer;
    bool ok = c->engine->begin(c, careful, e) == OK;
    bool redo = false;
    int64_t late_us = clock_mono_us() + STORE_BATCH_MS * 1000;
    for (struct work *w = first; ok && w; w = w->next) {
        if (!run_item(s, w, careful)) {
            ok = false;
            redo = !careful || w != first || w->next;
            (void)c->engine->why(c, "batch", e);
        } else if (ret_rest && w->next && clock_mono_us() > late_us) {
            *ret_rest = w->next;
            w->next = NULL;
        }
    }
    if (ok && s->config.before_commit && s->config.before_commit(s->config.arg, c, e) != OK) {
        ok = false;
        redo = !careful && c->engine->is_lost(c); // not the hook's own no: something before it
    }
    if (ok) {
        enum end end = c->engine->commit(c, e);
        ok = end == END_DONE;
        redo = !careful && end == END_REDO;
    }
    if (!ok) c->engine->rollback(c);
    if (s->config.after_commit) s->config.after_commit(s->config.arg, ok);
    if (ok || redo) return ok;
    if (e->code == OK) e->code = ERR_store;
    fail_all(first, e);
    return true;
}

// One line a batch: a full disk must not be filled by saying so.
static void log_lost(size_t n, const struct err *e) {
    if (n) log_line(LOG_ERROR, "store", "%zu not committed: %s %s", n, err_info(e->code)->name, e->arg);
}

// One call per run of items with the same `prepare`.
static void prepare(struct work *first) {
    bool is_first = true;
    while (first) {
        struct work *end = first;
        size_t n = 0;
        for (; end && end->prepare == first->prepare; end = end->next)
            n++;
        if (first->prepare) first->prepare(first, n, is_first);
        if (first->prepare) is_first = false;
        first = end;
    }
}

static void run_batch(struct store *s, struct work *first, struct work **ret_rest) {
    struct err last = {0};
    prepare(first);
    size_t lost = 0;
    if (run_transaction(s, first, false, ret_rest, &last)) {
        for (struct work *w = first; w && last.code != OK; w = w->next)
            lost++;
        log_lost(lost, &last);
        return;
    }
    for (struct work *w = first; w;) {
        struct work *next = w->next;
        struct err e = {0};
        w->next = NULL;
        (void)run_transaction(s, w, true, NULL, &e);
        if (e.code != OK) {
            lost++;
            last = e;
        }
        w->next = next;
        w = next;
    }
    log_lost(lost, &last);
    pthread_mutex_lock(&s->lock);
    s->stats.redone++;
    pthread_mutex_unlock(&s->lock);
}

// Cuts the batch from the waiting list: at most STORE_BATCH_MAX items.
static struct work *take_batch(struct store *s, size_t *ret_n) {
    struct work *first = s->first, *w = first;
    size_t n = 1;
    while (n < STORE_BATCH_MAX && w->next) {
        w = w->next;
        n++;
    }
    s->first = w->next;
    if (!s->first) s->last = NULL;
    w->next = NULL;
    s->waiting -= n;
    *ret_n = n;
    return first;
}

// The rest of a batch goes on first, in its order.
static size_t put_back(struct store *s, struct work *rest) {
    if (!rest) return 0;
    size_t n = 1;
    struct work *last = rest;
    for (; last->next; last = last->next)
        n++;
    pthread_mutex_lock(&s->lock);
    last->next = s->first;
    s->first = rest;
    if (!s->last) s->last = last;
    s->waiting += n;
    pthread_mutex_unlock(&s->lock);
    return n;
}

// One try, under `checkpointing`. A failure is told when it begins and when it is over, not every time: meanwhile the
// WAL holds everything, and grows.
static void try_checkpoint(struct store *s, struct conn *c) {
    int rc = sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED) return;
    if (rc != SQLITE_OK && s->checkpoint_rc == SQLITE_OK)
        log_line(LOG_ERROR, "store", "no checkpoint (%s): the log of changes grows", sqlite3_errstr(rc));
    else if (rc == SQLITE_OK && s->checkpoint_rc != SQLITE_OK)
        log_line(LOG_WARN, "store", "checkpoints succeed again");
    s->checkpoint_rc = rc;
}

// The rest of a checkpoint that the other thread has just made: few pages, so it is quick; a complete one lets the next
// commit write the WAL from its start again. Once after each of the other thread's: whoever still reads from an older
// snapshot keeps it from being complete, and trying at every batch copied pages that the other thread is there for.
static void bound_wal(struct store *s) {
    int pages = atomic_load(&s->wal_pages);
    if (pages < CHECKPOINT_PAGES) return;
    pthread_mutex_lock(&s->lock);
    bool running = s->wants_checkpoint, is_new = s->checkpoints != s->finished_after;
    bool finishes = pages >= STORE_RESTART_PAGES && !running && is_new;
    if (finishes) s->finished_after = s->checkpoints;
    if (!running && !finishes) {
        s->wants_checkpoint = true;
        pthread_cond_signal(&s->wake_checkpoint);
    }
    pthread_mutex_unlock(&s->lock);
    if (finishes && pthread_mutex_trylock(&s->checkpointing) == 0) {
        try_checkpoint(s, s->writer);
        pthread_mutex_unlock(&s->checkpointing);
    }
}

static void count_batch(struct store *s, size_t n, int64_t us) {
    pthread_mutex_lock(&s->lock);
    s->stats.commits++;
    s->stats.items += n;
    s->stats.commit_us_sum += (uint64_t)us;
    if (n > s->stats.batch_max) s->stats.batch_max = n;
    if ((uint64_t)us > s->stats.commit_us_max) s->stats.commit_us_max = (uint64_t)us;
    pthread_mutex_unlock(&s->lock);
    histogram_add(&s->meters.batch_items, n);
    histogram_add(&s->meters.run_us, (uint64_t)us);
}

// A batch costs as much as a score of calls (pages written again, a sync, three threads woken), and the sync no longer
// makes the writer wait: left to itself it would take calls by the dozen. So under load, and only then (the last batch
// was of many), the next one gathers for a moment first. Under the lock.
static void gather(struct store *s) {
    int64_t until = s->last_begin_us + STORE_GATHER_US;
    if (s->last_n < STORE_GATHER_ITEMS) return;
    while (!s->stop && s->waiting < STORE_GATHER_FULL && clock_mono_us() < until) {
        struct timespec at = {.tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000};
        s->writer_gathers = true;
        pthread_cond_timedwait(&s->wake, &s->lock, &at);
    }
    s->writer_gathers = false;
}

void *store_writer(void *arg) {
    struct store *s = arg;
    for (;;) {
        pthread_mutex_lock(&s->lock);
        while (!s->first && !s->stop) {
            s->writer_sleeps = true;
            pthread_cond_wait(&s->wake, &s->lock);
        }
        s->writer_sleeps = false;
        if (!s->first) { // stopping, and nothing waits
            s->writer_ended = true;
            pthread_cond_signal(&s->wake_syncer);
            pthread_mutex_unlock(&s->lock);
            return NULL;
        }
        size_t n;
        gather(s);
        struct work *batch = take_batch(s, &n);
        bool is_lost = s->is_lost;
        pthread_mutex_unlock(&s->lock);
        int64_t begin = clock_mono_us();
        s->last_begin_us = begin;
        s->last_n = n;
        histogram_add(&s->meters.lag_us, begin > batch->at_us ? (uint64_t)(begin - batch->at_us) : 0);
        struct work *rest = NULL;
        uint64_t written = atomic_load(&s->wal_commits);
        if (!is_lost) run_batch(s, batch, &rest); // else the syncer says so to all
        n -= put_back(s, rest);
        count_batch(s, n, clock_mono_us() - begin);
        sync_hand_over(s, batch, atomic_load(&s->wal_commits) != written);
        if (!is_lost) bound_wal(s);
    }
}

void *store_checkpointer(void *arg) {
    struct store *s = arg;
    struct conn *c = NULL;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), STORE_BEHIND_NICE); // of this thread: callers come first
    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        if (!s->wants_checkpoint) {
            pthread_cond_wait(&s->wake_checkpoint, &s->lock);
            continue;
        }
        pthread_mutex_unlock(&s->lock);
        struct err e = {0};
        if (!c && store_conn_open(s, &c, &e) != OK) // tried again the next time
            log_line(LOG_ERROR, "store", "no connection for checkpoints: %s %s", err_info(e.code)->name,
                     e.arg);
        pthread_mutex_lock(&s->checkpointing);
        if (c) try_checkpoint(s, c);
        pthread_mutex_unlock(&s->checkpointing);
        pthread_mutex_lock(&s->lock);
        s->wants_checkpoint = false;
        s->checkpoints++;
    }
    pthread_mutex_unlock(&s->lock);
    store_conn_close(c);
    return NULL;
}

int store_submit(struct store *s, struct work *w) {
    assert(s->magic == STORE_MAGIC && w->run && w->done);
    w->next = NULL;
    w->at_us = clock_mono_us();
    pthread_mutex_lock(&s->lock);
    if (s->stop || s->is_lost || s->waiting >= STORE_QUEUE_MAX) {
        pthread_mutex_unlock(&s->lock);
        return ERR_busy;
    }
    if (s->last)
        s->last->next = w;
    else
        s->first = w;
    s->last = w;
    s->waiting++;
    bool sleeps = s->writer_sleeps || (s->writer_gathers && s->waiting >= STORE_GATHER_FULL);
    pthread_mutex_unlock(&s->lock);
    if (sleeps) pthread_cond_signal(&s->wake);
    return OK;
}

// store_do: a work item wrapped with a place to wait.
struct waiter {
    struct work work;
    struct work *inner;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool is_done;
};

static int waiter_run(struct work *w, struct conn *c, struct err *e) {
    struct waiter *x = (struct waiter *)w;
    return x->inner->run(x->inner, c, e);
}

static void waiter_done(struct work *first) {
    while (first) {
        struct waiter *x = (struct waiter *)first;
        first = first->next; // before the waiter wakes: its memory is the waiting thread's stack
        pthread_mutex_lock(&x->lock);
        x->is_done = true;
        pthread_cond_signal(&x->cond);
        pthread_mutex_unlock(&x->lock);
    }
}

int store_do(struct store *s, struct work *w, struct err *e) {
    assert(!pthread_equal(pthread_self(), s->writer_thread) && "the writer cannot wait for itself");
    assert(!pthread_equal(pthread_self(), s->syncer_thread) && "nor can who tells");
    struct waiter x = {.work = {.run = waiter_run, .done = waiter_done, .is_plain = w->is_plain}, .inner = w};
    pthread_mutex_init(&x.lock, NULL);
    pthread_cond_init(&x.cond, NULL);
    int code = store_submit(s, &x.work);
    if (code == OK) {
        pthread_mutex_lock(&x.lock);
        while (!x.is_done)
            pthread_cond_wait(&x.cond, &x.lock);
        pthread_mutex_unlock(&x.lock);
        code = x.work.err.code;
        if (code != OK && e) *e = x.work.err;
        w->err = x.work.err;
    } else {
        (void)err_set(e, ERR_busy, "", "commit queue");
    }
    pthread_mutex_destroy(&x.lock);
    pthread_cond_destroy(&x.cond);
    return code;
}
