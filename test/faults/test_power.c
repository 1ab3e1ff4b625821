// SPDX-License-Identifier: MulanPSL-2.0
// Power cuts, by a disk that loses or tears what was not synced (disk.h). A process of its own opens the city and works
// under load; at a random operation of its disk the power goes. Then another process looks: nothing that was
// acknowledged is lost, nothing is doubled, the ledger verifies and the meter has counted what the entries tell.
//
// Straight into core and over HTTP (build/faults/gusu: the whole program with that disk under it); and a control, which
// shows that the same disk does find a store that skips its syncs.
//
//   FAULTS_CUTS=200 FAULTS_SEED=…   how many (half of them over HTTP), and where
#include "city.h"
#include "disk.h"
#include "fault.h"
#include "base/log.h"
#include "served.h"
#include <signal.h>
#include <sqlite3.h>

#define THREADS      6
#define CUTS_SHORT   16
#define START_MS     20000
#define VERIFY_EVERY 5 // censuses; every one counts, this many also verify all of the ledger
#define ASK_MOST     400000

static struct load *load;

// Checkpoints are signed, bundles and runs sealed, the log of changes copied into the database, all under load.
static void *jobs_main(void *arg) {
    struct core_line *line = arg;
    struct err e = {0};
    while (!atomic_load(&load->stop)) {
        core_run_jobs(line);
        (void)!store_checkpoint(f.city.store, &e);
        load_wait(load, 40);
    }
    return NULL;
}

// Its own process: city, load, cut. Ends by the disk, or with 0 when the load ended before.
static void live(uint64_t seed, int64_t cut_at) {
    static struct core_line line[THREADS], jobs;
    pthread_t thread[THREADS + 1];
    disk_on(seed, cut_at);
    log_set_level(LOG_ERROR);
    fixture_now_ms = clock_now_ms();
    fixture_start(&f);
    f.city.who = core_who;
    BY_APPLICANT;
    for (int i = 0; i < THREADS; i++)
        if (!core_line_open(&line[i], load, &f.city)) _exit(1);
    if (!load_ask_again(&line[0].line)) _exit(1);
    if (!core_line_open(&jobs, load, &f.city) ||
        pthread_create(&thread[THREADS], NULL, jobs_main, &jobs) != 0)
        _exit(1);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, core_line_main, &line[i].line) != 0) _exit(1);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    _exit(0);
}

static int live_and_cut(uint64_t seed, int64_t cut_at) {
    int status;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) live(seed, cut_at);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// The whole program. It ends by itself: the threads here find out by their connections.
static int serve_and_cut(uint64_t seed, int64_t cut_at) {
    static struct http_team team;
    char fault[80];
    const char *const env[] = {fault, NULL};
    struct served s = {.folder = f.folder, .program = getenv("GUSU_FAULTY_BIN"), .env = env};
    struct http_line first;
    assert_non_null(s.program);
    snprintf(fault, sizeof fault, "GUSU_FAULT=cut %" PRIu64 " %" PRId64, seed, cut_at);
    if (served_start(&s, START_MS)) {
        http_line_init(&first, load, s.port);
        bool is_up = (load->session[0] || http_log_in(&first, "sp-jb")) && load_ask_again(&first.line);
        http_line_close(&first);
        if (is_up) {
            http_team_start(&team, load, s.port, THREADS);
            http_team_join(&team);
        }
    }
    int status = served_kill(&s, 0);
    if (status != DISK_CUT_EXIT) served_log(&s);
    unlink(s.log);
    return status;
}

// Mostly in the middle of the load; now and then while it starts, repairs itself and asks again.
static int64_t moment(uint64_t *random) {
    uint64_t kind = random_of(random) % 10;
    uint64_t most = kind < 2 ? 40 : kind < 8 ? 1500 : 12000;
    return 1 + (int64_t)(random_of(random) % most);
}

static void cut_many(const char *what, int64_t n, int (*cut)(uint64_t seed, int64_t at)) {
    uint64_t random = seed_of_run(what);
    struct census *c = census_new(load, f.folder);
    for (int64_t i = 0; i < n; i++) {
        uint64_t seed = random_of(&random);
        int64_t at = moment(&random);
        load_begin(load);
        int status = cut(seed, at);
        bool ok = census_take(c, i % VERIFY_EVERY == 0 || i == n - 1);
        if (!ok || status != DISK_CUT_EXIT)
            fprintf(stderr, "cut %" PRId64 " of seed %" PRIu64 " at operation %" PRId64 " ended with %d\n", i,
                    seed, at, status);
        assert_int_equal(status, DISK_CUT_EXIT);
        assert_true(ok);
    }
    printf("%" PRId64 " %s: %" PRId64 " calls and %" PRId64
           " writes acknowledged, 0 lost, 0 doubled; of %" PRId64 " without an answer %" PRId64
           " are there; %" PRId64 " refused; %" PRId64 " entries verified\n",
           n, what, c->calls, c->writes, c->unknown_there + c->unknown_gone, c->unknown_there,
           atomic_load(&load->refused), c->entries);
    assert_true(c->calls > 0 && c->writes > 0);
    census_free(c);
}

static void core_cuts(void **state) {
    (void)state;
    int64_t n = option("FAULTS_CUTS", CUTS_SHORT);
    cut_many("power cuts in core", n - n / 2, live_and_cut);
}

static void http_cuts(void **state) {
    (void)state;
    cut_many("power cuts over HTTP", option("FAULTS_CUTS", CUTS_SHORT) / 2, serve_and_cut);
}

// --- the control: SQLite alone, with and without its syncs ---
static void commit_and_cut(const char *path, const char *pragma, uint64_t seed, int64_t at,
                           _Atomic int64_t *acked) {
    sqlite3 *db;
    disk_on(seed, at);
    if (sqlite3_open(path, &db) != SQLITE_OK) _exit(1);
    if (sqlite3_exec(db, pragma, NULL, NULL, NULL) != SQLITE_OK) _exit(1);
    if (sqlite3_exec(db, "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, v TEXT)", NULL, NULL, NULL) !=
        SQLITE_OK)
        _exit(1);
    for (;;) {
        if (sqlite3_exec(db, "INSERT INTO t(v) VALUES(hex(randomblob(200)))", NULL, NULL, NULL) != SQLITE_OK)
            _exit(1);
        atomic_fetch_add(acked, 1);
    }
}

static int64_t rows_of(const char *path) { // -1: no whole database
    sqlite3 *db;
    sqlite3_stmt *s = NULL;
    int64_t n = -1;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT count(*) FROM t WHERE length(v) = 400", -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

// In how many of `n` cuts something that was committed is gone.
static int losses(const char *pragma, int n, uint64_t seed) {
    int lost = 0;
    char folder[] = "/tmp/gusu-disk-XXXXXX", path[64], cmd[80];
    _Atomic int64_t *acked = &load->replies; // shared memory
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/t.db", folder);
    for (int i = 0; i < n; i++) {
        int status;
        atomic_store(acked, 0);
        pid_t pid = fork();
        if (pid == 0) commit_and_cut(path, pragma, seed + (uint64_t)i, 60 + 7 * i, acked);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == DISK_CUT_EXIT);
        lost += rows_of(path) < atomic_load(acked);
        snprintf(cmd, sizeof cmd, "rm -f '%s'/*", folder);
        assert_int_equal(system(cmd), 0);
    }
    assert_int_equal(rmdir(folder), 0);
    return lost;
}

static void control(void **state) {
    (void)state;
    enum { N = 20 };
    uint64_t seed = seed_of_run("control");
    int with = losses("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", N, seed);
    int without = losses("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF", N, seed);
    int normal = losses("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL", N, seed);
    printf("control: of %d cuts each, commits were lost in %d with every sync, %d with syncs at checkpoints "
           "only, %d "
           "without\n",
           N, with, normal, without);
    assert_int_equal(with, 0);
    assert_true(normal > N / 2 && without > N / 2);
}

static int up(void **state) {
    (void)state;
    load = load_new(ASK_MOST);
    assert_non_null(load);
    faults_city_make(load);
    return 0;
}

static int down(void **state) {
    (void)state;
    faults_city_remove();
    load_free(load);
    return 0;
}

int main(void) {
    fault_install(); // before SQLite's first use; the disk stays off in this process
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(control, up, down),
                                       cmocka_unit_test_setup_teardown(core_cuts, up, down),
                                       cmocka_unit_test_setup_teardown(http_cuts, up, down)};
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
