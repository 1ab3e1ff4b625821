// SPDX-License-Identifier: MulanPSL-2.0
// From committed to durable. A commit writes the WAL and does not wait for the disk; this thread syncs the WAL while the
// writer already runs the next batch, and only then tells the senders. One sync serves whatever was committed before it
// began, so a slow disk makes batches longer, never more numerous.
//
//   writer:   BEGIN … COMMIT ─► hand over ─► the next batch …
//   syncer:                     before_sync ─ fdatasync(WAL) ─ after_sync ─ done(list)
//
// Keeps true: (1) nobody is told OK before the sync that covers his commit; (2) told in the order of commits; (3) a
// sync that fails is the end: the kernel may have dropped the pages and forgotten it, so asking again would lie. What
// was not told gets an error, nothing more is written, and the process is asked to stop; a restart reads what is there.
//
// The WAL is opened a second time through the same VFS: syncing one file object on two threads is not promised to
// work, and syncing any descriptor of a file syncs the file. The engine itself syncs a new WAL's header, and the WAL
// before each checkpoint (synchronous=NORMAL).
#include "store/private.h"
#include "base/clock.h"
#include "base/log.h"
#include <stdlib.h>

static int open_wal(struct store *s) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    const char *path = sqlite3_filename_wal(sqlite3_db_filename(s->writer->db, "main"));
    int flags = 0;
    s->wal = calloc(1, (size_t)vfs->szOsFile);
    if (!s->wal) return SQLITE_NOMEM;
    int rc = vfs->xOpen(vfs, path, s->wal, SQLITE_OPEN_READWRITE | SQLITE_OPEN_WAL, &flags);
    if (rc == SQLITE_OK) return rc;
    free(s->wal);
    s->wal = NULL;
    return rc;
}

static int sync_wal(struct store *s) {
    int rc = s->wal ? SQLITE_OK : open_wal(s);
    return rc == SQLITE_OK ? s->wal->pMethods->xSync(s->wal, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY) : rc;
}

void sync_close(struct store *s) {
    if (s->wal && s->wal->pMethods) s->wal->pMethods->xClose(s->wal);
    free(s->wal);
    s->wal = NULL;
}

static void lose(struct store *s, struct work *first, int rc) {
    size_t n = 0;
    for (struct work *w = first; w; w = w->next) {
        n++;
        // Not told "failed": the restart may find it there. A retry under the same key learns which.
        if (w->err.code == OK) (void)err_set(&w->err, ERR_store_unknown, "", "sync: %s", sqlite3_errstr(rc));
    }
    log_line(LOG_ERROR, "store", "the disk did not take what was committed (%s): %zu not told, stopping",
             sqlite3_errstr(rc), n);
    if (s->config.on_lost) s->config.on_lost(s->config.arg);
}

// Hands the items back, one call per run of items with the same `done`, in order.
static void tell(struct work *first) {
    while (first) {
        struct work *last = first;
        while (last->next && last->next->done == first->done)
            last = last->next;
        struct work *rest = last->next;
        last->next = NULL;
        first->done(first);
        first = rest;
    }
}

static void make_durable(struct store *s, struct work *first, bool is_written) {
    int64_t begin = clock_mono_us();
    if (s->config.before_sync) s->config.before_sync(s->config.arg);
    int rc = is_written ? sync_wal(s) : SQLITE_OK;
    int64_t us = clock_mono_us() - begin;
    pthread_mutex_lock(&s->lock);
    if (rc != SQLITE_OK) s->is_lost = true;
    s->stats.syncs += is_written;
    s->stats.sync_us_sum += (uint64_t)us;
    if ((uint64_t)us > s->stats.sync_us_max) s->stats.sync_us_max = (uint64_t)us;
    pthread_mutex_unlock(&s->lock);
    if (is_written) histogram_add(&s->meters.sync_us, (uint64_t)us);
    if (rc != SQLITE_OK)
        lose(s, first, rc);
    else if (s->config.after_sync)
        s->config.after_sync(s->config.arg);
    tell(first);
}

void *store_syncer(void *arg) {
    struct store *s = arg;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->committed && !s->writer_ended)
            pthread_cond_wait(&s->wake_syncer, &s->lock);
        struct work *first = s->committed;
        bool is_written = s->committed_writes > 0 && !s->is_lost, was_lost = s->is_lost;
        s->committed = s->committed_last = NULL;
        s->committed_batches = s->committed_writes = 0;
        pthread_cond_signal(&s->wake); // the writer may be waiting for us
        if (!first) break;
        pthread_mutex_unlock(&s->lock);
        if (was_lost) {
            lose(s, first, SQLITE_IOERR_FSYNC);
            tell(first);
        } else {
            make_durable(s, first, is_written);
        }
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

// By the writer, after a batch: its items wait for the disk. Waits when too many batches do.
void sync_hand_over(struct store *s, struct work *first, bool is_written) {
    struct work *last = first;
    while (last->next)
        last = last->next;
    pthread_mutex_lock(&s->lock);
    while (s->committed_batches >= STORE_UNSYNCED_MAX)
        pthread_cond_wait(&s->wake, &s->lock);
    if (s->committed_last)
        s->committed_last->next = first;
    else
        s->committed = first;
    s->committed_last = last;
    s->committed_batches++;
    s->committed_writes += is_written;
    pthread_cond_signal(&s->wake_syncer);
    pthread_mutex_unlock(&s->lock);
}
