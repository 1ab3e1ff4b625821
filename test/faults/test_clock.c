// SPDX-License-Identifier: MulanPSL-2.0
// A clock that jumps: by a second many times, by a year there and back, under load. Entries stay in the order of their
// numbers, the ledger verifies, no job falls silent because the clock was put back, a quota cannot be filled up by
// turning the clock, a retry is known by its key at whatever time it comes, and what ends by date is not ended by a
// clock that nobody should believe.
#include "city.h"
#include "app/clock_trust.h"

#define THREADS  4
#define ASK_MOST 400000
#define YEAR_MS  ((int64_t)365 * 24 * 3600000)
#define HOUR_MS  ((int64_t)3600000)

static struct load *load;
static _Atomic int64_t jumped_ms; // what the city's clock says more than the real one

static int64_t jumping_clock(void) {
    return clock_now_ms() + atomic_load(&jumped_ms);
}

static struct core_line line[THREADS];
static pthread_t thread[THREADS];

static int up(void **state) {
    struct err e = {0};
    (void)state;
    load = load_new(ASK_MOST);
    assert_non_null(load);
    faults_city_make(load);
    atomic_store(&jumped_ms, 0);
    f.city = (struct city){.folder = f.folder, .now_ms = jumping_clock};
    assert_int_equal(city_open(&f.city, &e), OK);
    f.real_who = f.city.who;
    f.city.who = core_who;
    BY_APPLICANT;
    assert_int_equal(store_conn_open(f.city.store, &f.conn, &e), OK);
    f.hasher = hasher_open();
    for (int i = 0; i < THREADS; i++)
        assert_true(core_line_open(&line[i], load, &f.city));
    return 0;
}

static int down(void **state) {
    (void)state;
    for (int i = 0; i < THREADS; i++)
        core_line_close(&line[i]);
    fixture_stop(&f);
    faults_city_remove();
    load_free(load);
    return 0;
}

static int run_job(const char *name) {
    int code = -1;
    for (int i = 0; modules[i]; i++)
        for (const struct job *j = modules[i]->jobs; j && j->name; j++) {
            if (strcmp(j->name, name) != 0) continue;
            core_cx(&f.cx, &f.city, &f.mem, f.conn, f.hasher, NULL);
            code = j->run(&f.cx);
        }
    return code;
}

static int64_t number_of_query(const char *sql) {
    struct err e = {0};
    int64_t v = -1;
    struct stmt *s = store_text_query(f.conn, str_of(sql), "");
    if (store_next(s)) v = store_int(s, 0);
    assert_int_equal(store_done(s, &e), OK);
    return v;
}

static int64_t signed_size(void) {
    return number_of_query("SELECT max(size) FROM ledger_checkpoint WHERE tree = 0");
}
static int64_t entries(void) {
    return number_of_query("SELECT size FROM ledger_head WHERE tree = 0");
}

static void ask_some(int n) {
    for (int i = 0; i < n; i++) {
        int64_t no = atomic_fetch_add(&load->next, 1);
        assert_true(load_ask(&line[0].line, no, no % LOAD_WRITE_IN == 0));
    }
}

static void look(bool refused_are_fine) {
    struct census *c = census_new(load, f.folder);
    bool ok = census_take(c, true);
    printf("clock: %" PRId64 " calls, %" PRId64 " writes, %" PRId64 " refused, %" PRId64
           " entries verified\n",
           c->calls, c->writes, atomic_load(&load->refused), c->entries);
    census_free(c);
    assert_true(ok);
    assert_true(refused_are_fine || atomic_load(&load->refused) == 0);
}

// By seconds, forward and back, below the period of anything: nobody is refused for it.
static void by_seconds(void **state) {
    (void)state;
    uint64_t random = seed_of_run("clock by seconds");
    atomic_store(&jumped_ms, HOUR_MS); // the grant is an hour old: a second back is not before its begin
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, core_line_main, &line[i].line), 0);
    for (int i = 0; i < 200; i++) {
        atomic_fetch_add(&jumped_ms, random_of(&random) % 2 ? 1000 : -1000);
        load_wait(load, 5);
        if (i % 20 == 0) assert_int_equal(run_job("ledger_checkpoint"), OK);
    }
    load_stop(load);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    look(false);
}

// A year ahead the grant is over and calls are refused, in clear words; back again it is as it was.
static void by_years(void **state) {
    static const int64_t jumps[] = {YEAR_MS, -YEAR_MS, -YEAR_MS, YEAR_MS, 2 * YEAR_MS, -2 * YEAR_MS};
    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, core_line_main, &line[i].line), 0);
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        load_wait(load, 60);
        atomic_fetch_add(&jumped_ms, jumps[i]);
        assert_int_equal(run_job("ledger_checkpoint"), OK);
    }
    assert_int_equal(atomic_load(&jumped_ms), 0);
    load_wait(load, 60);
    load_stop(load);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    assert_true(atomic_load(&load->refused) > 0);
    int64_t refused = atomic_load(&load->refused);
    ask_some(12);
    assert_int_equal(atomic_load(&load->refused), refused);
    look(true);
}

// Checkpoints are signed and crossings written whatever the clock says, ahead or behind.
static void no_job_falls_silent(void **state) {
    (void)state;
    static const int64_t at[] = {0, YEAR_MS, -YEAR_MS, -2 * YEAR_MS, 0};
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        atomic_store(&jumped_ms, at[i]);
        ask_some(1 +
                 LOAD_WRITE_IN); // a write at least: calls may be refused, the grant being over or not begun
        int64_t crossed = number_of_query("SELECT count(*) FROM ledger_checkpoint");
        assert_true(crossed > 0);
        assert_true(signed_size() < entries());
        assert_int_equal(run_job("ledger_checkpoint"), OK);
        int64_t signed_now = signed_size();
        assert_true(signed_now >= entries() - 1); // a crossing may have been written before it
        assert_int_equal(run_job("catalog.quality"), OK);
        assert_int_equal(run_job("ledger_seal"), OK);
        assert_int_equal(run_job("exchange.seal"), OK);
    }
    look(true);
}

// The quota belongs to a day of the calendar: the next day has its own, and going back finds the old one used.
static void quota_by_day(void **state) {
    (void)state;
    BY_APPLICANT;
    int64_t grant =
        granted("[{\"dataset\":\"insured\",\"columns\":[\"uscc\"]}]", "{\"consent\":true}"); // 3 a day
    struct str key = key_of(grant);
    char url[96];
    snprintf(url, sizeof url, "/api/v1/exchange/%" PRId64 "/rows", grant);
    int statuses[10], n = 0;
    static const int64_t days[] = {0, 0, 0, 0, 1, 1, 1, 1, 0, 1};
    static const int wanted[] = {200, 200, 200, 429, 200, 200, 200, 429, 429, 429};
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        atomic_store(&jumped_ms, days[i] * DAY_MS);
        statuses[n++] = calls(key, NULL, "GET", url, NULL);
    }
    f.city.who = core_who;
    for (int i = 0; i < n; i++)
        assert_int_equal(statuses[i], wanted[i]);
}

// The same key, whatever time it is: the same answer, one row.
static void retry_is_known(void **state) {
    (void)state;
    static const int64_t at[] = {0, 1000, -1000, HOUR_MS, -HOUR_MS, -YEAR_MS, YEAR_MS};
    int64_t no = atomic_fetch_add(&load->next, 1);
    char id[16] = "";
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        atomic_store(&jumped_ms, at[i]);
        assert_true(load_ask(&line[0].line, no, true));
        assert_int_equal(atomic_load(&load->asked[no].state), ASKED_DONE);
        if (i == 0) snprintf(id, sizeof id, "%s", load->asked[no].id);
        assert_string_equal(load->asked[no].id, id);
    }
    look(true); // counts its rows: one
}

// The guard of what ends by date (app/clock_trust.h), with numbers of its own.
static void trust(void **state) {
    (void)state;
    struct clock_trust t;
    int64_t wall = 1794182400000, mono = 5000000, jump;
    clock_trust_start(&t, wall, mono, wall - HOUR_MS);
    assert_true(clock_trust_look(&t, wall + 1000, mono + 1000, &jump) && jump == 0);
    assert_true(clock_trust_look(&t, wall + 2000 + CLOCK_JUMP_MS, mono + 2000, &jump)); // slewed, not jumped
    assert_int_equal(jump, 0);
    wall += YEAR_MS;
    assert_false(clock_trust_look(&t, wall, mono + 3000, &jump));
    assert_true(jump > YEAR_MS - 2 * CLOCK_JUMP_MS);
    assert_false(
        clock_trust_look(&t, wall + CLOCK_WAIT_MS - 1000, mono + 3000 + CLOCK_WAIT_MS - 1000, &jump));
    assert_int_equal(jump, 0);
    // Put right before the hour is over: it begins anew, and then all is as before.
    wall -= YEAR_MS;
    mono += 4000 + CLOCK_WAIT_MS;
    assert_false(clock_trust_look(&t, wall, mono, &jump));
    assert_true(jump < 0);
    assert_true(clock_trust_look(&t, wall + CLOCK_WAIT_MS, mono + CLOCK_WAIT_MS, &jump));
    // Started under a clock that is a year ahead of, or an hour behind, what the store has seen.
    clock_trust_start(&t, wall + YEAR_MS, mono, wall);
    assert_false(clock_trust_look(&t, wall + YEAR_MS + 1000, mono + 1000, &jump));
    clock_trust_start(&t, wall - HOUR_MS, mono, wall);
    assert_false(clock_trust_look(&t, wall - HOUR_MS + 1000, mono + 1000, &jump));
    clock_trust_start(&t, wall, mono, 0); // a new city knows nothing
    assert_true(clock_trust_look(&t, wall + 1000, mono + 1000, &jump));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
int main(void) {
    const struct CMUnitTest tests[] = {TEST(by_seconds),   TEST(by_years),       TEST(no_job_falls_silent),
                                       TEST(quota_by_day), TEST(retry_is_known), cmocka_unit_test(trust)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
