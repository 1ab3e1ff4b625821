// SPDX-License-Identifier: MulanPSL-2.0
// The n-th sync fails (EIO), in the whole program, over HTTP. After a failed sync the kernel may have dropped the pages
// and forgotten it, so a later sync that succeeds proves nothing about them. Nothing that hung on the failed one is
// ever acknowledged: the program stops by itself and says so, and a start without the fault finds everything that was.
//
// A sync of the database at a checkpoint is another matter: the WAL still holds all of it, durable, and is copied again.
// There the program may go on.
//
//   FAULTS_STEP=percent   how far apart the n are; FAULTS_FROM=n
#include "city.h"
#include "served.h"
#include <signal.h>

#define THREADS       6
#define ASK_MOST      2000000
#define START_MS      30000
#define REPLIES_MOST  4000 // then it is asked to end: the fault was further away
#define PERCENT_SHORT 250
#define PERCENT_LONG  10
#define EXIT_LOST     75 // of gusu serve: whoever watches over it may start it again

static struct load *load;

struct tally {
    int64_t stopped, refused_start, went_on;
};

static bool log_has(const struct served *s, const char *text) {
    struct arena mem;
    struct str log = STR_NONE;
    struct err e = {0};
    arena_init(&mem, 0);
    bool has = file_read(&mem, s->log, (size_t)8 << 20, &log, &e) == OK && str_has(log, str_of(text));
    arena_free(&mem);
    return has;
}

// True when the fault came.
static bool fail_the(int64_t n, struct tally *tally) {
    static struct http_team team;
    char fault[48];
    const char *const env[] = {fault, NULL};
    struct served s = {.folder = f.folder, .program = getenv("GUSU_FAULTY_BIN"), .env = env};
    struct http_line first;
    assert_non_null(s.program);
    snprintf(fault, sizeof fault, "GUSU_FAULT=sync %" PRId64, n);
    snprintf(s.log, sizeof s.log, "%s.log", f.folder);
    unlink(s.log);
    load_begin(load);
    bool is_up = served_start(&s, START_MS);
    if (is_up) {
        http_line_init(&first, load, s.port);
        if ((load->session[0] || http_log_in(&first, "sp-jb")) && load_ask_again(&first.line)) {
            http_team_start(&team, load, s.port, THREADS);
            load->most_replies = atomic_load(&load->replies) + REPLIES_MOST;
            http_team_join(&team);
            load->most_replies = 0;
        }
        http_line_close(&first);
        kill(s.pid, SIGTERM); // if it is still there: nothing was wrong until now
    }
    int status = served_kill(&s, 0);
    bool fired = log_has(&s, "faults: fired 1");
    bool is_right = !fired ? is_up && status == 0 : !is_up ? status == 1 : status == EXIT_LOST || status == 0;
    if (!is_right) {
        served_log(&s);
        fprintf(stderr, "sync %" PRId64 ": up %d, fired %d, ended with %d\n", n, is_up, fired, status);
    }
    assert_true(is_right);
    if (fired && !is_up) tally->refused_start++;
    if (fired && is_up && status == EXIT_LOST) tally->stopped++;
    if (fired && is_up && status == 0) tally->went_on++;
    unlink(s.log);
    return fired;
}

static void syncs(void **state) {
    (void)state;
    uint64_t random = seed_of_run("failed syncs");
    int64_t percent = option("FAULTS_STEP", option("FAULTS_LONG", 0) ? PERCENT_LONG : PERCENT_SHORT);
    struct census *c = census_new(load, f.folder);
    struct tally tally = {0};
    int64_t n = option("FAULTS_FROM", 1), last = 0;
    while (fail_the(n, &tally)) {
        last = n;
        assert_true(census_take(c, true));
        n += 1 + (int64_t)(random_of(&random) % (uint64_t)(n * percent / 100 + 1));
    }
    assert_true(census_take(c, true));
    printf("failed syncs: stopped and recovered %" PRId64 ", refused to start %" PRId64
           ", at checkpoints went on %" PRId64 "; the last one the %" PRId64 "th; %" PRId64
           " calls and %" PRId64 " writes acknowledged, 0 lost, 0 doubled; of %" PRId64
           " without an answer, or told that it is not known, %" PRId64 " are there\n",
           tally.stopped, tally.refused_start, tally.went_on, last, c->calls, c->writes,
           c->unknown_there + c->unknown_gone, c->unknown_there);
    assert_true(tally.stopped > 0);
    census_free(c);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(syncs, up, down)};
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
