// SPDX-License-Identifier: MulanPSL-2.0
// Kills: the real program under load over HTTP, killed (SIGKILL) at random moments, in the middle of its work and while
// it starts, started again on the same folder. Nothing that was acknowledged is lost; a write whose reply never came is
// asked again under its Idempotency-Key and happens once; the ledger verifies.
//
//   FAULTS_KILLS=1000 FAULTS_SEED=…   how many, and where
#include "city.h"
#include "served.h"
#include <signal.h>

#define KILLS_SHORT   20
#define THREADS       8
#define VERIFY_EVERY  10 // censuses; and the last
#define ASK_MOST      8000000
#define START_MS      20000
#define START_KILL_IN 8  // one kill in so many comes while it starts
#define START_KILL_MS 60 // within so many ms after its birth

static struct load *load;

// Most of them soon, some after thousands of replies, when checkpoints of the WAL are under way.
static int64_t replies_before(uint64_t *random) {
    uint64_t kind = random_of(random) % 20;
    uint64_t most = kind < 14 ? 300 : kind < 19 ? 2500 : 9000;
    return 1 + (int64_t)(random_of(random) % most);
}

static void start(struct served *s) {
    if (served_start(s, START_MS)) return;
    served_log(s);
    fprintf(stderr, "did not start: %d\n", served_kill(s, SIGKILL));
    fail();
}

// One life: what was unknown is asked again, then load until the kill.
static void one_life(struct served *s, int64_t replies) {
    static struct http_team team;
    struct http_line first;
    start(s);
    load_begin(load);
    http_line_init(&first, load, s->port);
    if (!load->session[0]) assert_true(http_log_in(&first, "sp-jb"));
    assert_true(load_ask_again(&first.line));
    http_line_close(&first);
    http_team_start(&team, load, s->port, THREADS);
    load_wait(load, replies);
    assert_int_equal(served_kill(s, SIGKILL), 128 + SIGKILL);
    load_stop(load);
    http_team_join(&team);
}

// Born and killed before it could serve, or just when it could.
static void killed_at_birth(struct served *s, uint64_t *random) {
    (void)served_start(s, (int)(random_of(random) % START_KILL_MS));
    assert_int_equal(served_kill(s, SIGKILL), 128 + SIGKILL);
}

// The program's own verifier, as an auditor would run it, with the last checkpoint that a monitor saw.
static bool gusu_verify(const struct census *c) {
    char cmd[600], path[100];
    const char *shown = census_shown(c, path, sizeof path);
    snprintf(cmd, sizeof cmd,
             "'%s' verify '%s' --quiet %s%s >'%s.verify' 2>&1 || { cat '%s.verify'; false; }",
             getenv("GUSU_BIN"), c->folder, shown ? "--checkpoint " : "", shown ? shown : "", c->folder,
             c->folder);
    bool ok = system(cmd) == 0;
    snprintf(cmd, sizeof cmd, "%s.verify", c->folder);
    unlink(cmd);
    if (shown) unlink(shown);
    return ok;
}

static void must_be_right(struct census *c, struct served *s, int64_t i, bool with_verify) {
    if (census_take(c, false) && (!with_verify || gusu_verify(c))) return;
    served_log(s);
    fprintf(stderr, "after kill %" PRId64 "; the folder: %s\n", i, f.folder);
    fail();
}

static void kills(void **state) {
    (void)state;
    int64_t n = option("FAULTS_KILLS", KILLS_SHORT), at_birth = 0, verified = 0, verifies = 1;
    uint64_t random = seed_of_run("kills");
    struct served s = {.folder = f.folder};
    struct census *c = census_new(load, f.folder);
    for (int64_t i = 0; i < n; i++) {
        if (i > 0 && random_of(&random) % START_KILL_IN == 0) {
            killed_at_birth(&s, &random);
            at_birth++;
        } else {
            one_life(&s, replies_before(&random));
        }
        // Verifying reads everything: again when there is a tenth more.
        bool grown = i % VERIFY_EVERY == 0 && c->entries >= verified + verified / 10;
        must_be_right(c, &s, i, grown);
        if (grown) verified = c->entries;
        verifies += grown;
        if (i % 100 == 99) {
            printf("  %" PRId64 " kills, %" PRId64 " calls, %" PRId64 " writes, %" PRId64 " entries\n", i + 1,
                   c->calls, c->writes, c->entries);
            fflush(stdout);
        }
    }
    // The last ones that are unknown get their answer; then it goes down as asked, and all is looked at once more.
    struct http_line last;
    start(&s);
    http_line_init(&last, load, s.port);
    assert_true(load_ask_again(&last.line));
    http_line_close(&last);
    assert_int_equal(served_kill(&s, SIGTERM), 0);
    must_be_right(c, &s, n, true);
    printf("%" PRId64 " kills (%" PRId64 " at start): %" PRId64 " calls and %" PRId64
           " writes acknowledged, 0 lost, 0 doubled; of %" PRId64 " without an answer %" PRId64
           " were there; %" PRId64 " refused; %" PRId64 " entries, verified %" PRId64 " times\n",
           n, at_birth, c->calls, c->writes, c->unknown_there + c->unknown_gone, c->unknown_there,
           atomic_load(&load->refused), c->entries, verifies);
    assert_true(c->calls > 0 && c->writes > 0);
    census_free(c);
    unlink(s.log);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(kills, up, down)};
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
