// SPDX-License-Identifier: MulanPSL-2.0
// Several nodes over one PostgreSQL database, without a socket: two stores write in turns and at once; each hears of the
// other's writing before its next batch, and of moved rights with the next snapshot; a session that the server ends, before
// a batch, within one or during its commit, loses nothing and doubles nothing. On SQLite there is one node, and nothing here.
#include "cmocka_all.h"
#include "store/private.h"
#include "store_url.h"
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define NODES 2

struct node {
    char folder[64];
    struct store *store;
    struct conn *reader;
    atomic_int moved, rights;
};
static struct node nodes[NODES];
static char url[512];

static int on_moved(void *arg, struct conn *w, struct err *e) {
    struct node *n = arg;
    (void)w;
    (void)e;
    atomic_fetch_add(&n->moved, 1);
    return OK;
}

static void on_rights(void *arg) {
    atomic_fetch_add(&((struct node *)arg)->rights, 1);
}

static void open_node(struct node *n) {
    struct err e = {0};
    *n = (struct node){.folder = "/tmp/gusu-test-XXXXXX"};
    assert_non_null(mkdtemp(n->folder));
    if (!url[0]) store_url_of(n->folder, url, sizeof url);
    struct store_config config = {
        .folder = n->folder, .url = url, .arg = n, .moved = on_moved, .authorisation_moved = on_rights};
    assert_int_equal(store_open(&config, &n->store, &e), OK);
    assert_int_equal(store_migrate(n->store, &e), OK);
    assert_int_equal(store_conn_open(n->store, &n->reader, &e), OK);
}

static int open_all(void **state) {
    (void)state;
    if (!on_postgres()) return 0;
    for (int i = 0; i < NODES; i++)
        open_node(&nodes[i]);
    return 0;
}

static int close_all(void **state) {
    (void)state;
    char cmd[128];
    if (!on_postgres()) return 0;
    for (int i = 0; i < NODES; i++) {
        store_conn_close(nodes[i].reader);
        store_close(nodes[i].store);
        snprintf(cmd, sizeof cmd, "rm -rf '%s'", nodes[i].folder);
        assert_int_equal(system(cmd), 0);
    }
    store_url_drop(url);
    return 0;
}

struct item {
    struct work work;
    int64_t day, ends_at; // the writer's session is ended: 1 within the item, 2 by the commit itself
    bool moves_rights;
    int told;
};

static void done(struct work *first) {
    for (struct work *w = first; w; w = w->next)
        ((struct item *)w)->told++;
}

// Ends this very session, as an administrator or a dying server would.
static void end_session(struct conn *c) {
    struct stmt *s = store_text_query(c, S("SELECT pg_terminate_backend(pg_backend_pid())"), "");
    while (store_next(s)) {
    }
    (void)!store_done(s, NULL);
}

static int put(struct work *w, struct conn *c, struct err *e) {
    struct item *i = (struct item *)w;
    if (i->moves_rights) store_generation_move(c);
    int code = store_exec(c, NULL, e, Q_core_workday_put, "iizz", i->day, (int64_t)1, "x", "x");
    if (code == OK && i->ends_at == 1) {
        i->ends_at = 0; // once
        end_session(c);
    }
    return code;
}

static int put_day(struct node *n, int64_t day, bool moves_rights) {
    struct err e = {0};
    struct item i = {.work = {.run = put, .done = done}, .day = day, .moves_rights = moves_rights};
    return store_do(n->store, &i.work, &e);
}

static int64_t days(struct node *n) {
    struct err e = {0};
    int64_t count = 0;
    struct stmt *s = store_query(n->reader, Q_core_workdays, "");
    while (store_next(s))
        count++;
    assert_int_equal(store_done(s, &e), OK);
    return count;
}

static int clear(struct work *w, struct conn *c, struct err *e) {
    (void)w;
    return store_exec(c, NULL, e, Q_core_workday_clear, "");
}

static void clear_days(void) {
    struct err e = {0};
    struct work w = {.run = clear, .done = done};
    assert_int_equal(store_do(nodes[0].store, &w, &e), OK);
}

static void each_hears_of_the_other(void **state) {
    (void)state;
    if (!on_postgres()) skip();
    clear_days();
    assert_int_equal(put_day(&nodes[0], 1, false), OK);
    int before = atomic_load(&nodes[0].moved);
    assert_int_equal(put_day(&nodes[0], 2, false), OK);
    assert_int_equal(atomic_load(&nodes[0].moved), before); // nobody but itself has written
    assert_int_equal(put_day(&nodes[1], 3, false), OK);
    assert_int_equal(atomic_load(&nodes[0].moved), before);
    assert_int_equal(put_day(&nodes[0], 4, false), OK);
    assert_int_equal(atomic_load(&nodes[0].moved), before + 1);
    assert_int_equal(days(&nodes[0]), 4);
    assert_int_equal(days(&nodes[1]), 4);
}

static void rights_move_everywhere(void **state) {
    (void)state;
    struct err e = {0};
    int64_t first, second;
    if (!on_postgres()) skip();
    int before = atomic_load(&nodes[1].rights);
    store_read_begin(nodes[1].reader);
    assert_int_equal(store_generation(nodes[1].reader, &first, &e), OK);
    assert_int_equal(put_day(&nodes[0], 5, true), OK);
    assert_int_equal(store_generation(nodes[1].reader, &second, &e), OK); // its snapshot is older
    assert_int_equal(second, first);
    store_read_end(nodes[1].reader);
    store_read_begin(nodes[1].reader);
    assert_int_equal(store_generation(nodes[1].reader, &second, &e), OK);
    store_read_end(nodes[1].reader);
    assert_int_equal(second, first + 1);
    assert_true(atomic_load(&nodes[1].rights) > before);
    before = atomic_load(&nodes[1].rights);
    assert_int_equal(put_day(&nodes[1], 6, false), OK); // and a batch looks as well, once
    assert_int_equal(atomic_load(&nodes[1].rights), before);
}

#define EACH 300
static void *write_many(void *arg) {
    struct node *n = arg;
    for (int64_t i = 0; i < EACH; i++)
        if (put_day(n, (n == &nodes[0] ? 1000 : 5000) + i, false) != OK) return n;
    return NULL;
}

static void both_at_once(void **state) {
    (void)state;
    if (!on_postgres()) skip();
    clear_days();
    pthread_t t[NODES];
    for (int i = 0; i < NODES; i++)
        assert_int_equal(pthread_create(&t[i], NULL, write_many, &nodes[i]), 0);
    for (int i = 0; i < NODES; i++) {
        void *said;
        pthread_join(t[i], &said);
        assert_null(said);
    }
    assert_int_equal(days(&nodes[0]), NODES * EACH);
}

// Ended from outside between two batches: the next one finds out, and either goes through or is refused; whoever was told
// OK is there, whoever was refused is not.
static void session_ended_between_batches(void **state) {
    (void)state;
    if (!on_postgres()) skip();
    clear_days();
    int told = 0;
    for (int64_t i = 0; i < 20; i++) {
        if (i % 4 == 1)
            store_from_outside(NULL, url,
                               "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE"
                               " application_name = 'gusu writer' AND datname = current_database()");
        int code = put_day(&nodes[0], 100 + i, false);
        assert_true(code == OK || code == ERR_busy);
        told += code == OK;
    }
    assert_true(told > 0);
    while (put_day(&nodes[0], 200, false) != OK)
        usleep(20000); // until its next attempt to connect is due
    while (put_day(&nodes[1], 201, false) != OK)
        usleep(20000);
    assert_int_equal(days(&nodes[0]), told + 2);
}

static void session_ended_within_an_item(void **state) {
    (void)state;
    struct err e = {0};
    if (!on_postgres()) skip();
    clear_days();
    struct item i = {.work = {.run = put, .done = done}, .day = 1, .ends_at = 1};
    int code = store_do(nodes[0].store, &i.work, &e);
    assert_true(code == OK || code == ERR_busy); // run again on a new connection, or refused
    int64_t there = days(&nodes[1]);
    assert_int_equal(there, code == OK);
    while (put_day(&nodes[0], 2, false) != OK)
        usleep(20000);
    assert_int_equal(days(&nodes[1]), there + 1);
}

// A trigger ends the session while it commits: before the commit is written, so nothing is there, and it is told so.
static void session_ended_by_its_commit(void **state) {
    (void)state;
    if (!on_postgres()) skip();
    clear_days();
    store_from_outside(
        NULL, url,
        "CREATE FUNCTION end_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.day = 77 THEN"
        " PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); END IF; RETURN NULL;"
        " END'; CREATE CONSTRAINT TRIGGER end_it AFTER INSERT ON core_workday DEFERRABLE INITIALLY"
        " DEFERRED FOR EACH ROW EXECUTE FUNCTION end_it()");
    int code = put_day(&nodes[0], 77, false);
    store_from_outside(NULL, url, "DROP TRIGGER end_it ON core_workday");
    store_from_outside(NULL, url, "DROP FUNCTION end_it");
    assert_int_not_equal(code, OK);
    assert_int_equal(days(&nodes[1]), 0);
    while (put_day(&nodes[0], 78, false) != OK)
        usleep(20000);
    assert_int_equal(days(&nodes[1]), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_hears_of_the_other),
        cmocka_unit_test(rights_move_everywhere),
        cmocka_unit_test(both_at_once),
        cmocka_unit_test(session_ended_between_batches),
        cmocka_unit_test(session_ended_within_an_item),
        cmocka_unit_test(session_ended_by_its_commit),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
