// SPDX-License-Identifier: MulanPSL-2.0
// The n-th failure: in one scenario the first allocation fails, then the second, and so on until the scenario passes
// without reaching the fault; the same for writes, truncations, opens and commits of files. After each: no crash, no
// leak, a clear error to whoever asked; without the fault the same process serves on; what was acknowledged is there
// once, and the ledger verifies. Each n is a process of its own, so that a crash is one finding and not the end.
//
//   FAULTS_STEP=percent   how far apart the n are beyond the first STEPS_WHOLE (PERCENT_SHORT); 0 = every n
//   FAULTS_TEST=name      only this one (a pattern: "served_*"); FAULTS_SERVED=n: so many of each of those
//   FAULTS_FROM=n         begin there (to look at one finding again)
#include "city.h"
#include "base/log.h"
#include "fault.h"
#include "served.h"
#include "store/private.h"
#include <sanitizer/lsan_interface.h>
#include <fcntl.h>
#include <signal.h>

#define STEPS_WHOLE   8
#define PERCENT_SHORT 400
#define PERCENT_LONG  2 // FAULTS_LONG=1
#define VERIFY_EVERY  40
#define N_MOST        200000 // a scenario that fails so often does not end
#define ASK_MOST      2000000

// SAID_STOP: a digest could not be made and the process ended by itself (crypto/start.h): as good as a kill.
enum said { SAID_FINE = 0, SAID_NO_FAULT = 10, SAID_START, SAID_UNCLEAR, SAID_AFTER, SAID_LEAK, SAID_STOP };

static struct load *load;

// What the last child said.
static char said_path[96];

static struct str read_said(struct arena *mem) {
    struct str text = STR_NONE;
    struct err e = {0};
    return file_read(mem, said_path, (size_t)1 << 20, &text, &e) == OK ? text : S("");
}

static bool has_said(const char *text) {
    struct arena mem;
    arena_init(&mem, 0);
    bool has = str_has(read_said(&mem), str_of(text));
    arena_free(&mem);
    return has;
}

static void show_said(void) {
    struct arena mem;
    arena_init(&mem, 0);
    struct str text = read_said(&mem);
    fprintf(stderr, "%.*s\n", (int)(text.n > 6000 ? 6000 : text.n), text.p);
    arena_free(&mem);
}

// The next n: one more, or wider and wider apart, by at most so many percent of n.
static int64_t step(int64_t n, int64_t percent, uint64_t *random) {
    int64_t most = n < STEPS_WHOLE ? 0 : n * percent / 100;
    return n + 1 + (int64_t)(random_of(random) % (uint64_t)(most + 1));
}

static int in_child(int (*scenario)(enum fault_kind kind, int64_t n), enum fault_kind kind, int64_t n) {
    int status;
    load_begin(load);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open(said_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(fd, STDERR_FILENO); // shown when it was bad, and only then
        log_set_level(LOG_ERROR);
        _exit(scenario(kind, n));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    int said = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return said == 128 + SIGABRT && has_said("stopping before a wrong hash") ? SAID_STOP : said;
}

static const char *word(int said) {
    switch (said) {
    case SAID_START:
        return "did not start without a fault";
    case SAID_UNCLEAR:
        return "an error that is not clear";
    case SAID_AFTER:
        return "does not serve on after the fault";
    case SAID_LEAK:
        return "leaks";
    default:
        return "crash";
    }
}

// --- the city under way ---
static int begin(struct core_line *line) {
    struct err e = {0};
    f.city = (struct city){.folder = f.folder, .now_ms = clock_now_ms};
    if (city_open(&f.city, &e) != OK) return SAID_START;
    f.real_who = f.city.who;
    f.city.who = core_who;
    BY_APPLICANT;
    return core_line_open(line, load, &f.city) ? SAID_FINE : SAID_START;
}

// A clear refusal is a problem of the machine, 5xx, named by its code; never the caller's fault, never an empty reply.
static bool is_clear(int status, const char *body) {
    static const char *const codes[] = {"no-memory", "store-full", "store",   "busy",
                                        "file",      "crypto",     "internal"};
    char want[40];
    if (status / 100 == 2) return true;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        snprintf(want, sizeof want, "\"code\":\"%s\"", codes[i]);
        if (status / 100 == 5 && strstr(body, want)) return true;
    }
    fprintf(stderr, "unclear: %d %s\n", status, body);
    return false;
}

static bool unclear_seen; // of this process
static bool listening_send(struct load_line *line, const struct load_request *q, int *ret_status, char *ret,
                           size_t cap) {
    bool came = core_send(line, q, ret_status, ret, cap);
    if (!is_clear(*ret_status, ret)) unclear_seen = true;
    return came;
}

static void ask_both(struct load_line *line) {
    (void)load_ask(line, atomic_fetch_add(&load->next, 1), false);
    (void)load_ask(line, atomic_fetch_add(&load->next, 1), true);
}

static int serve_on(struct core_line *line) {
    int64_t before = atomic_load(&load->done);
    ask_both(&line->line);
    return atomic_load(&load->done) == before + 2 ? SAID_FINE : SAID_AFTER;
}

static int under_way(enum fault_kind kind, int64_t n) {
    static struct core_line line, cold;
    struct err e = {0};
    int said = begin(&line);
    if (said != SAID_FINE) return said;
    line.line.send = listening_send;
    sqlite3_commit_hook(f.city.store->writer->db, fault_commit_hook, NULL);
    fault_arm(kind, n, false);
    ask_both(&line.line);
    bool has_cold = core_line_open(&cold, load, &f.city); // all its statements are new
    cold.line.send = listening_send;
    if (has_cold) ask_both(&cold.line);
    if (has_cold) core_run_jobs(&cold);
    (void)!store_checkpoint(f.city.store, &e);
    int64_t fired = fault_disarm();
    if (unclear_seen) said = SAID_UNCLEAR;
    if (said == SAID_FINE) said = serve_on(&line);
    core_run_jobs(&line);
    core_line_close(&cold);
    core_line_close(&line);
    city_close(&f.city);
    if (said == SAID_FINE && __lsan_do_recoverable_leak_check()) said = SAID_LEAK;
    return said == SAID_FINE && !fired ? SAID_NO_FAULT : said;
}

static void each(const char *what, int (*scenario)(enum fault_kind kind, int64_t n), enum fault_kind kind) {
    char name[80];
    int64_t n = option("FAULTS_FROM", 1), tried = 0, bad = 0, stops = 0;
    snprintf(said_path, sizeof said_path, "%s.said", f.folder);
    snprintf(name, sizeof name, "%s, %s", what, fault_names[kind]);
    uint64_t random = seed_of_run(name);
    int64_t percent = option("FAULTS_STEP", option("FAULTS_LONG", 0) ? PERCENT_LONG : PERCENT_SHORT);
    struct census *c = census_new(load, f.folder);
    int said = SAID_FINE;
    for (; n < N_MOST; n = step(n, percent, &random), tried++) {
        said = in_child(scenario, kind, n);
        if (said == SAID_NO_FAULT) break;
        stops += said == SAID_STOP;
        bool ok = (said == SAID_FINE || said == SAID_STOP) && census_take(c, tried % VERIFY_EVERY == 0);
        if (!ok) {
            show_said();
            fprintf(stderr, "%s: n = %" PRId64 ": %s (%d)\n", name, n,
                    said == SAID_FINE ? "census" : word(said), said);
            if (++bad == 5) break; // more of the same tell nothing
        }
    }
    if (said == SAID_NO_FAULT) assert_true(census_take(c, true));
    printf("%s: %" PRId64 " faults tried, %s%" PRId64 ", %" PRId64 " stops, %" PRId64 " bad; %" PRId64
           " calls and %" PRId64 " writes acknowledged beside them\n",
           name, tried, said == SAID_NO_FAULT ? "passes without the fault at " : "up to ", n, stops, bad,
           c->calls, c->writes);
    census_free(c);
    unlink(said_path);
    assert_int_equal(bad, 0);
    assert_int_equal(said, SAID_NO_FAULT);
}

static void way_alloc(void **state) {
    (void)state;
    each("under way", under_way, FAULT_ALLOC);
}
static void way_write(void **state) {
    (void)state;
    each("under way", under_way, FAULT_WRITE);
}
static void way_commit(void **state) {
    (void)state;
    each("under way", under_way, FAULT_COMMIT);
}

// --- the first start on an empty folder, and a start on one that is there ---
static char fresh_folder[80];

static int start_fresh(enum fault_kind kind, int64_t n) {
    struct err e = {0};
    f.city = (struct city){.folder = fresh_folder, .now_ms = clock_now_ms};
    fault_arm(kind, n, false);
    int code = city_open(&f.city, &e);
    int64_t fired = fault_disarm();
    if (code != OK && err_info((enum err_code)code)->status / 100 != 5) {
        fprintf(stderr, "unclear: %s %s %s\n", err_info((enum err_code)code)->name, e.field, e.arg);
        return SAID_UNCLEAR;
    }
    city_close(&f.city);
    if (__lsan_do_recoverable_leak_check()) return SAID_LEAK;
    // Again, without the fault: what the first attempt left must not be in the way.
    f.city = (struct city){.folder = fresh_folder, .now_ms = clock_now_ms};
    e = (struct err){0};
    code = city_open(&f.city, &e);
    if (code != OK) fprintf(stderr, "again: %s %s %s\n", err_info((enum err_code)code)->name, e.field, e.arg);
    if (code != OK) return SAID_AFTER;
    city_close(&f.city);
    return fired ? SAID_FINE : SAID_NO_FAULT;
}

static int fresh_scenario(enum fault_kind kind, int64_t n) {
    char cmd[160];
    snprintf(fresh_folder, sizeof fresh_folder, "/tmp/gusu-fresh-XXXXXX");
    if (!mkdtemp(fresh_folder)) return SAID_START;
    int said = start_fresh(kind, n);
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", fresh_folder);
    return system(cmd) == 0 ? said : SAID_START;
}

static void fresh_alloc(void **state) {
    (void)state;
    each("first start", fresh_scenario, FAULT_ALLOC);
}
static void fresh_write(void **state) {
    (void)state;
    each("first start", fresh_scenario, FAULT_WRITE);
}
static void fresh_open(void **state) {
    (void)state;
    each("first start", fresh_scenario, FAULT_OPEN);
}
static void fresh_truncate(void **state) {
    (void)state;
    each("first start", fresh_scenario, FAULT_TRUNCATE);
}
static void fresh_sync(void **state) {
    (void)state;
    each("first start", fresh_scenario, FAULT_SYNC);
}

// --- the whole program, over HTTP: sockets, spool files, workers ---
#define SERVED_SHORT 4
#define SERVED_LONG  150
#define REPLIES      400
#define START_MS     30000
#define UPLOAD       ((size_t)300000) // more than memory holds of a body: to a spool file

static bool log_has(const struct served *s, const char *text) {
    struct arena mem;
    struct str log = STR_NONE;
    struct err e = {0};
    arena_init(&mem, 0);
    bool has = file_read(&mem, s->log, (size_t)8 << 20, &log, &e) == OK && str_has(log, str_of(text));
    arena_free(&mem);
    return has;
}

// What else a server does: a page, a large body, a list.
static void ask_others(struct http_line *h) {
    static char body[UPLOAD], reply[1 << 20];
    int status;
    memset(body, 'x', sizeof body);
    for (int i = 0; i < 3; i++) {
        (void)!http_ask(h, "POST", "/api/v1/datasets/insured/loads?resource=insured", h->line.load->session,
                        body, sizeof body, &status, reply, sizeof reply);
        (void)!http_ask(h, "GET", "/pack.json", "", NULL, 0, &status, reply, sizeof reply);
        (void)!http_ask(h, "GET", "/api/openapi.json", "", NULL, 0, &status, reply, sizeof reply);
        (void)!http_ask(h, "GET", "/ledger/checkpoint", "", NULL, 0, &status, reply, sizeof reply);
    }
}

// 0 = did not come, 1 = came and was lived through, 2 = came and was the end, by decision.
static int serve_with(enum fault_kind kind, int64_t n, struct load *steward) {
    static struct http_team team;
    char fault[48];
    const char *const env[] = {fault, NULL};
    struct served s = {.folder = f.folder, .program = getenv("GUSU_FAULTY_BIN"), .env = env};
    struct http_line first, other;
    assert_non_null(s.program);
    snprintf(fault, sizeof fault, "GUSU_FAULT=%s %" PRId64 " later", fault_names[kind], n);
    snprintf(s.log, sizeof s.log, "%s.log", f.folder);
    unlink(s.log);
    load_begin(load);
    assert_true(served_start(&s, START_MS));
    http_line_init(&first, load, s.port);
    http_line_init(&other, steward, s.port);
    assert_true(load->session[0] || http_log_in(&first, "sp-jb"));
    assert_true(steward->session[0] || http_log_in(&other, "rs-bm"));
    assert_true(load_ask_again(&first.line));
    http_line_close(&first);
    http_line_close(&other);
    kill(s.pid, SIGUSR1);
    load->most_replies = atomic_load(&load->replies) + REPLIES;
    http_team_start(&team, load, s.port, 4);
    ask_others(&other);
    http_team_join(&team);
    http_line_close(&other);
    load->most_replies = 0;
    kill(s.pid, SIGTERM);
    int status = served_kill(&s, 0);
    bool stopped = status == 128 + SIGABRT && log_has(&s, "stopping before a wrong hash");
    bool bad = (status != 0 && !stopped) || log_has(&s, "Sanitizer");
    if (bad) served_log(&s);
    if (bad) fprintf(stderr, "%s ended with %d\n", fault, status);
    assert_false(bad);
    int came = stopped ? 2 : !log_has(&s, "faults: fired 0");
    unlink(s.log);
    return came;
}

static void served_faults(enum fault_kind kind, int64_t most) {
    char name[40];
    int64_t count[3] = {0};
    int64_t tries = option("FAULTS_SERVED", option("FAULTS_LONG", 0) ? SERVED_LONG : SERVED_SHORT);
    struct load *steward = load_new(1);
    struct census *c = census_new(load, f.folder);
    snprintf(name, sizeof name, "served, %s", fault_names[kind]);
    uint64_t random = seed_of_run(name);
    for (int64_t i = 0; i < tries; i++) {
        int64_t within = most >> (random_of(&random) % 6); // near ones as often as far ones
        int64_t n = option("FAULTS_FROM", 1 + (int64_t)(random_of(&random) % (uint64_t)within));
        count[serve_with(kind, n, steward)]++;
        bool ok = census_take(c, i % VERIFY_EVERY == 0 || i == tries - 1);
        if (!ok) fprintf(stderr, "%s: n = %" PRId64 ": census\n", name, n);
        assert_true(ok);
    }
    printf("%s: %" PRId64 " tried, %" PRId64 " came, %" PRId64 " of them stops; %" PRId64
           " calls and %" PRId64 " writes acknowledged, %" PRId64 " refused\n",
           name, tries, count[1] + count[2], count[2], c->calls, c->writes, atomic_load(&load->refused));
    assert_true(count[1] + count[2] > 0);
    census_free(c);
    load_free(steward);
}

static void served_alloc(void **state) {
    (void)state;
    served_faults(FAULT_ALLOC, 6000);
}
static void served_write(void **state) {
    (void)state;
    served_faults(FAULT_WRITE, 600);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
int main(void) {
    fault_install();
    signal(SIGPIPE, SIG_IGN);
    if (getenv("FAULTS_TEST")) cmocka_set_test_filter(getenv("FAULTS_TEST"));
    const struct CMUnitTest tests[] = {
        TEST(way_alloc),      TEST(way_write),  TEST(way_commit),  TEST(fresh_write),  TEST(fresh_open),
        TEST(fresh_truncate), TEST(fresh_sync), TEST(fresh_alloc), TEST(served_alloc), TEST(served_write)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
