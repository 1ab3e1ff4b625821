// SPDX-License-Identifier: MulanPSL-2.0
// The commit queue when things go wrong: a full disk (SQLite's page limit on the writer), a commit that fails at its
// end, a hook that refuses, more work than a batch has time for, a queue that is full. Nobody is told OK for what is not
// there, everybody is told something, readers go on, and when there is room again all is as before.
#include "cmocka_all.h"
#include "store/private.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ITEMS 40

static struct {
    char folder[64];
    struct store *store;
    struct conn *reader;
    struct arena mem;
    enum err_code before_commit_says;
    int commits, undone_batches, undone_items;
    bool commit_fails;
} t;

static int before_commit(void *arg, struct conn *w, struct err *e) {
    (void)arg;
    (void)w;
    return t.before_commit_says ? err_set(e, t.before_commit_says, "hook", "%s", "wanted") : OK;
}
static void after_commit(void *arg, bool committed) {
    (void)arg;
    if (committed)
        t.commits++;
    else
        t.undone_batches++;
}
static void item_undone(void *arg) {
    (void)arg;
    t.undone_items++;
}

static int fresh(void **state) {
    (void)state;
    struct err e = {0};
    memset(&t, 0, sizeof t);
    snprintf(t.folder, sizeof t.folder, "/tmp/gusu-test-XXXXXX");
    assert_non_null(mkdtemp(t.folder));
    arena_init(&t.mem, 0);
    struct store_config config = {.folder = t.folder,
                                  .before_commit = before_commit,
                                  .after_commit = after_commit,
                                  .item_undone = item_undone};
    assert_int_equal(store_open(&config, &t.store, &e), OK);
    assert_int_equal(store_migrate(t.store, &e), OK);
    assert_int_equal(store_conn_open(t.store, &t.reader, &e), OK);
    t.commits = t.undone_batches = t.undone_items = 0;
    return 0;
}

static void gate_open(void);
static int gone(void **state) {
    (void)state;
    char cmd[128];
    gate_open();
    store_conn_close(t.reader);
    store_close(t.store);
    arena_free(&t.mem);
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", t.folder);
    return system(cmd);
}

struct item {
    struct work work;
    int64_t day;
    const char *text;
    int runs;
    bool is_told, ends_transaction, goes_on;
};
static struct item items[ITEMS];
static atomic_int told;

static int put(struct work *w, struct conn *c, struct err *e) {
    struct item *i = (struct item *)w;
    i->runs++;
    // As the engine does by itself on some failures: everything that the batch did is gone.
    if (i->ends_transaction && i->runs == 1) {
        int code = store_text_exec(c, S("ROLLBACK"), e);
        if (!i->goes_on) return code;
        // A handler that passes over the error of a read: nothing that it writes now may stay.
        return store_exec(c, NULL, e, Q_core_workday_put, "iizz", i->day + ITEMS, (int64_t)1, i->text, "x");
    }
    return store_exec(c, NULL, e, Q_core_workday_put, "iizz", i->day, (int64_t)1, i->text, "x");
}

static void tell(struct work *first) {
    for (struct work *w = first, *next; w; w = next) {
        next = w->next;
        ((struct item *)w)->is_told = true;
        atomic_fetch_add(&told, 1);
    }
}

// The writer is held by a gate, so that all items fall into one batch; then it is waited for. The gate is no local of a
// test: a test that fails leaves it closed, and closing the store opens it.
struct gate {
    struct work work;
    void (*while_closed)(struct conn *c);
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool is_in, is_open;
};
static struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

static int pass(struct work *w, struct conn *c, struct err *e) {
    struct gate *g = (struct gate *)w;
    (void)e;
    pthread_mutex_lock(&g->lock);
    g->is_in = true;
    pthread_cond_broadcast(&g->moved);
    while (!g->is_open)
        pthread_cond_wait(&g->moved, &g->lock);
    pthread_mutex_unlock(&g->lock);
    if (g->while_closed) g->while_closed(c);
    return OK;
}

static void gate_open(void) {
    pthread_mutex_lock(&gate.lock);
    gate.is_open = true;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
}

static void nothing(struct work *w);
static void gate_close(void) { // returns when the writer stands in it, alone
    gate.work = (struct work){.run = pass, .done = nothing};
    gate.is_in = gate.is_open = false;
    assert_int_equal(store_submit(t.store, &gate.work), OK);
    pthread_mutex_lock(&gate.lock);
    while (!gate.is_in)
        pthread_cond_wait(&gate.moved, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

// Everything that was submitted before has been told.
static void wait_for_all(void) {
    struct gate end = {.work = {.run = pass, .done = nothing},
                       .lock = PTHREAD_MUTEX_INITIALIZER,
                       .moved = PTHREAD_COND_INITIALIZER,
                       .is_open = true};
    struct err e = {0};
    while (store_do(t.store, &end.work, &e) == ERR_busy) {
    }
}

static void nothing(struct work *w) {
    (void)w;
}

static void submit_all(const char *text, bool is_plain) {
    atomic_store(&told, 0);
    gate_close();
    for (int i = 0; i < ITEMS; i++) {
        bool ends = items[i].ends_transaction, on = items[i].goes_on;
        items[i] = (struct item){.work = {.run = put, .done = tell, .is_plain = is_plain},
                                 .day = i + 1,
                                 .text = text,
                                 .ends_transaction = ends,
                                 .goes_on = on};
        assert_int_equal(store_submit(t.store, &items[i].work), OK);
    }
    gate_open();
    wait_for_all();
    assert_int_equal(atomic_load(&told), ITEMS);
}

static int64_t days(void) {
    struct err e = {0};
    int64_t n = 0;
    struct stmt *s = store_query(t.reader, Q_core_workdays, "");
    while (store_next(s))
        n++;
    assert_int_equal(store_done(s, &e), OK);
    return n;
}

// On the writer itself, between its batches.
static void on_writer(void (*fn)(struct conn *c)) {
    struct gate g = {.work = {.run = pass, .done = nothing},
                     .while_closed = fn,
                     .lock = PTHREAD_MUTEX_INITIALIZER,
                     .moved = PTHREAD_COND_INITIALIZER,
                     .is_open = true};
    struct err e = {0};
    assert_int_equal(store_do(t.store, &g.work, &e), OK);
}

static void pragma(struct conn *c, const char *sql) {
    struct err e = {0};
    assert_int_equal(store_text_exec(c, str_of(sql), &e), OK);
}
static void no_more_room(struct conn *c) {
    pragma(c, "PRAGMA max_page_count=1"); // below the present size: that is, not one page more
}
static void room_again(struct conn *c) {
    pragma(c, "PRAGMA max_page_count=1073741823");
}

static const char *long_text(void) {
    char *text = arena_take(&t.mem, 20001);
    assert_non_null(text);
    memset(text, 'x', 20000);
    return text;
}

static void full_disk(void **state) {
    (void)state;
    for (int is_plain = 0; is_plain < 2; is_plain++) {
        on_writer(no_more_room);
        submit_all(long_text(), is_plain);
        for (int i = 0; i < ITEMS; i++)
            assert_int_equal(items[i].work.err.code, ERR_store_full);
        assert_int_equal(days(), 0); // and readers read on
        on_writer(room_again);
    }
    struct store_stats s = store_stats(t.store);
    assert_true(s.redone >= 1); // each item had its own chance, alone
    submit_all(long_text(), false);
    for (int i = 0; i < ITEMS; i++)
        assert_int_equal(items[i].work.err.code, OK);
    assert_int_equal(days(), ITEMS);
}

// Small items still find room where a large one does not: the large one alone is refused.
static void one_item_too_large_for_the_disk(void **state) {
    (void)state;
    submit_all("fills", false);
    on_writer(no_more_room);
    struct item small = {.work = {.run = put, .done = tell}, .day = 1, .text = "short"},
                large = {.work = {.run = put, .done = tell}, .day = 2, .text = long_text()};
    struct err e = {0};
    assert_int_equal(store_do(t.store, &large.work, &e), ERR_store_full);
    assert_int_equal(store_do(t.store, &small.work, &e), OK);
    on_writer(room_again);
    assert_int_equal(days(), ITEMS);
}

// The engine throws the whole transaction away in the middle of a batch: all items run again, each alone.
static void transaction_lost_in_the_middle(void **state) {
    (void)state;
    items[ITEMS / 2].ends_transaction = true;
    submit_all("x", false);
    items[ITEMS / 2].ends_transaction = false;
    for (int i = 0; i < ITEMS; i++) {
        assert_int_equal(items[i].work.err.code, OK);
        assert_int_equal(items[i].runs, i <= ITEMS / 2 ? 2 : 1);
    }
    assert_int_equal(days(), ITEMS);
}

// The same, and the item writes on as if nothing had been: that would be committed for itself, outside of everything.
static void lost_and_gone_on(void **state) {
    (void)state;
    items[ITEMS / 2].ends_transaction = items[ITEMS / 2].goes_on = true;
    submit_all("x", false);
    items[ITEMS / 2].ends_transaction = items[ITEMS / 2].goes_on = false;
    for (int i = 0; i < ITEMS; i++)
        assert_int_equal(items[i].work.err.code, OK);
    assert_int_equal(days(), ITEMS);
}

static int refuse_commit(void *arg) {
    (void)arg;
    return t.commit_fails;
}
static void hook_commit(struct conn *c) {
    sqlite3_commit_hook(c->db, refuse_commit, NULL);
}

static void commit_fails_for_all(void **state) {
    (void)state;
    on_writer(hook_commit);
    t.commit_fails = true;
    t.undone_batches = 0;
    submit_all("x", false);
    for (int i = 0; i < ITEMS; i++) {
        assert_int_equal(items[i].work.err.code, ERR_store);
        assert_int_equal(items[i].runs, 1); // an end that is not known is not tried again by itself
    }
    assert_true(t.undone_batches >= 1);
    assert_int_equal(days(), 0);
    t.commit_fails = false;
    submit_all("x", true);
    for (int i = 0; i < ITEMS; i++)
        assert_int_equal(items[i].work.err.code, OK);
    assert_int_equal(days(), ITEMS);
}

static void hook_refuses_the_batch(void **state) {
    (void)state;
    t.before_commit_says = ERR_conflict;
    submit_all("x", false);
    for (int i = 0; i < ITEMS; i++)
        assert_int_equal(items[i].work.err.code, ERR_conflict);
    assert_int_equal(days(), 0);
    t.before_commit_says = OK;
    submit_all("x", false);
    assert_int_equal(days(), ITEMS);
}

// Items that take a while: the batch is cut by time, the rest goes on first, and order is kept.
static atomic_int next_place;
static int slow_put(struct work *w, struct conn *c, struct err *e) {
    struct item *i = (struct item *)w;
    struct timespec a, b;
    i->runs = atomic_fetch_add(&next_place, 1);
    clock_gettime(CLOCK_MONOTONIC, &a);
    do
        clock_gettime(CLOCK_MONOTONIC, &b);
    while ((b.tv_sec - a.tv_sec) * 1000000000L + (b.tv_nsec - a.tv_nsec) <
           STORE_BATCH_MS * 100000L); // a tenth of what a batch has
    return store_exec(c, NULL, e, Q_core_workday_put, "iizz", i->day, (int64_t)1, i->text, "x");
}

static void batch_ends_in_time(void **state) {
    (void)state;
    atomic_store(&told, 0);
    atomic_store(&next_place, 0);
    uint64_t before = store_stats(t.store).commits;
    gate_close();
    for (int i = 0; i < ITEMS; i++) {
        items[i] = (struct item){.work = {.run = slow_put, .done = tell}, .day = i + 1, .text = "x"};
        assert_int_equal(store_submit(t.store, &items[i].work), OK);
    }
    gate_open();
    wait_for_all();
    assert_int_equal(atomic_load(&told), ITEMS);
    for (int i = 0; i < ITEMS; i++)
        assert_int_equal(items[i].runs, i);
    struct store_stats s = store_stats(t.store);
    // Four batches' work; each begins nothing after its time.
    assert_true(s.commits - before >= 4);
    assert_true(s.batch_max <= 12);
    assert_int_equal(s.queue_len, 0);
    assert_int_equal(days(), ITEMS);
}

static void full_queue_says_so(void **state) {
    (void)state;
    static struct item many[STORE_QUEUE_MAX + 2];
    atomic_store(&told, 0);
    gate_close();
    int taken = 0, refused = 0;
    for (int i = 0; i < STORE_QUEUE_MAX + 2; i++) {
        many[i] =
            (struct item){.work = {.run = put, .done = tell, .is_plain = true}, .day = i + 1, .text = "x"};
        int code = store_submit(t.store, &many[i].work);
        taken += code == OK;
        refused += code == ERR_busy;
    }
    assert_int_equal(taken, STORE_QUEUE_MAX);
    assert_int_equal(refused, 2);
    gate_open();
    wait_for_all();
    assert_int_equal(atomic_load(&told), taken);
    assert_int_equal(days(), taken);
}

// Closing commits what waits: nobody who was taken is forgotten.
static void closing_commits_what_waits(void **state) {
    (void)state;
    struct err e = {0};
    atomic_store(&told, 0);
    gate_close();
    for (int i = 0; i < ITEMS; i++) {
        items[i] = (struct item){.work = {.run = put, .done = tell}, .day = i + 1, .text = "x"};
        assert_int_equal(store_submit(t.store, &items[i].work), OK);
    }
    gate_open();
    store_conn_close(t.reader);
    store_close(t.store);
    assert_int_equal(atomic_load(&told), ITEMS);
    struct store_config config = {.folder = t.folder};
    assert_int_equal(store_open(&config, &t.store, &e), OK);
    assert_int_equal(store_conn_open(t.store, &t.reader, &e), OK);
    assert_int_equal(days(), ITEMS);
}

// The log is bounded while somebody writes on: after many pages it begins again at its start.
static void log_is_bounded(void **state) {
    (void)state;
    uint64_t most = 0;
    const char *text = long_text();
    for (int round = 0; round < 150; round++) { // about 200 pages each
        submit_all(text, true);
        uint64_t now = store_stats(t.store).wal_bytes;
        if (now > most) most = now;
    }
    assert_true(most < (uint64_t)16000 * 4096);
    struct err e = {0};
    assert_int_equal(store_checkpoint(t.store, &e), OK);
    assert_int_equal(days(), ITEMS);
}

// --- what items of one batch have worked out together ---
static struct {
    size_t n[8];
    bool is_first[8];
    int calls;
} prepared;

static void prepare(struct work *first, size_t n, bool is_first) {
    assert_non_null(first);
    assert_true(prepared.calls < 8);
    prepared.n[prepared.calls] = n;
    prepared.is_first[prepared.calls++] = is_first;
}

// Others may stand between: what the first group was given must still be there when the second is prepared.
static void prepared_once_a_batch(void **state) {
    (void)state;
    struct item several[5];
    memset(&prepared, 0, sizeof prepared);
    gate_close();
    for (int i = 0; i < 5; i++) {
        several[i] = (struct item){
            .work = {.run = put, .done = tell, .prepare = i == 2 ? NULL : prepare}, .day = i, .text = "p"};
        assert_int_equal(store_submit(t.store, &several[i].work), OK);
    }
    gate_open();
    wait_for_all();
    assert_int_equal(days(), 5);
    assert_int_equal(prepared.calls, 2);
    assert_true(prepared.n[0] == 2 && prepared.is_first[0]);
    assert_true(prepared.n[1] == 2 && !prepared.is_first[1]);
}

// --- a sync that fails ---
static int no_sync(sqlite3_file *f, int flags) {
    (void)f;
    (void)flags;
    return SQLITE_IOERR_FSYNC;
}

static atomic_int lost, synced;
static void on_lost(void *arg) {
    (void)arg;
    atomic_fetch_add(&lost, 1);
}
static void after_sync(void *arg) {
    (void)arg;
    atomic_fetch_add(&synced, 1);
}

// Committed, readable even, but not durable: nobody may be told OK, and nothing may be written on top of it.
static void failed_sync_is_the_end(void **state) {
    (void)state;
    struct err e = {0};
    struct item first = {.work = {.run = put, .done = tell}, .day = 1, .text = "a"},
                second = {.work = {.run = put, .done = tell}, .day = 2, .text = "b"};
    store_close(t.store);
    struct store_config config = {.folder = t.folder, .on_lost = on_lost, .after_sync = after_sync};
    assert_int_equal(store_open(&config, &t.store, &e), OK);
    assert_int_equal(store_do(t.store, &first.work, &e), OK);
    assert_int_equal(atomic_load(&synced), 1);
    assert_int_equal(atomic_load(&lost), 0);
    sqlite3_io_methods failing = *t.store->wal->pMethods;
    failing.xSync = no_sync;
    t.store->wal->pMethods = &failing;
    assert_int_equal(store_do(t.store, &second.work, &e), ERR_store_unknown);
    assert_int_equal(atomic_load(&lost), 1);
    assert_int_equal(atomic_load(&synced), 1);
    second.day = 3;
    assert_int_equal(store_do(t.store, &second.work, &e), ERR_busy);
    // A restart sees what is there: the first, and perhaps the second.
    store_conn_close(t.reader);
    store_close(t.store);
    assert_int_equal(store_open(&config, &t.store, &e), OK);
    assert_int_equal(store_conn_open(t.store, &t.reader, &e), OK);
    assert_true(days() == 1 || days() == 2);
    second.day = 4;
    assert_int_equal(store_do(t.store, &second.work, &e), OK);
}

int main(void) {
#define FAULT(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
    const struct CMUnitTest tests[] = {
        FAULT(full_disk),
        FAULT(one_item_too_large_for_the_disk),
        FAULT(transaction_lost_in_the_middle),
        FAULT(lost_and_gone_on),
        FAULT(commit_fails_for_all),
        FAULT(hook_refuses_the_batch),
        FAULT(batch_ends_in_time),
        FAULT(full_queue_says_so),
        FAULT(closing_commits_what_waits),
        FAULT(log_is_bounded),
        FAULT(prepared_once_a_batch),
        FAULT(failed_sync_is_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
