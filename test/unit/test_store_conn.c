// SPDX-License-Identifier: MulanPSL-2.0
// One connection: a statement used inside itself, composed statements beyond the cache, a step limit that stops and can
// be lifted, readers that cannot write, errors told once and not carried over; a read-only stranger; and the check that
// finds an unplanned scan in the text of a query.
#include "city_fixture.h"
#include "store/dialect.h"
#include "store/private.h"
#include <inttypes.h>

const struct module *const modules[] = {NULL};
static struct fixture f;

static int put_days(struct work *w, struct conn *c, struct err *e) {
    (void)w;
    int code = OK;
    for (int64_t day = 1; day <= 50 && code == OK; day++)
        code = store_exec(c, NULL, e, Q_core_workday_put, "iizz", day, (int64_t)(day % 2), "甲", "x");
    return code;
}
static void is_done(struct work *w) {
    (void)w;
}

static int open_all(void **state) {
    (void)state;
    struct err e = {0};
    struct work w = {.run = put_days, .done = is_done};
    fixture_open(&f);
    assert_int_equal(store_do(f.city.store, &w, &e), OK);
    return 0;
}

static int close_all(void **state) {
    (void)state;
    fixture_close(&f);
    return 0;
}

static int64_t one(const char *sql) {
    struct err e = {0};
    struct stmt *s = store_text_query(f.conn, str_of(sql), "");
    int64_t n = store_next(s) ? store_int(s, 0) : -1;
    assert_int_equal(store_done(s, &e), OK);
    return n;
}

// The inner use of the same query reads from its own beginning and leaves the outer one where it stands.
static void one_statement_inside_itself(void **state) {
    (void)state;
    struct err e = {0};
    int64_t outer = 0, inner = 0;
    struct stmt *a = store_query(f.conn, Q_core_workdays, "");
    while (store_next(a)) {
        outer++;
        if (outer > 3) continue;
        struct stmt *b = store_query(f.conn, Q_core_workdays, "");
        assert_ptr_not_equal(a, b);
        for (int i = 0; i < 10 && store_next(b); i++)
            inner++;
        struct stmt *c = store_text_query(f.conn, S("SELECT day FROM core_workday"), "");
        struct stmt *d = store_text_query(f.conn, S("SELECT day FROM core_workday"), "");
        assert_ptr_not_equal(c, d);
        assert_true(store_next(c) && store_next(d) && store_next(d));
        assert_int_equal(store_int(c, 0) + 1, store_int(d, 0));
        assert_int_equal(store_done(d, &e), OK);
        assert_int_equal(store_done(c, &e), OK);
        assert_int_equal(store_done(b, &e), OK);
        assert_int_equal(store_int(a, 0), outer);
    }
    assert_int_equal(store_done(a, &e), OK);
    assert_int_equal(outer, 50);
    assert_int_equal(inner, 30);
    assert_ptr_equal(store_query(f.conn, Q_core_workdays, ""), a); // and the kept one is free again
    assert_int_equal(store_done(a, &e), OK);
}

// More composed texts than places, each asked for twice; some stay in use while others give way.
static void composed_statements_give_way(void **state) {
    (void)state;
    struct err e = {0};
    char sql[80];
    struct stmt *held = store_text_query(f.conn, S("SELECT day FROM core_workday ORDER BY day"), "");
    assert_true(store_next(held));
    for (int round = 0; round < 2; round++)
        for (int64_t i = 0; i < 3 * STORE_TEXT_CACHE; i++) {
            snprintf(sql, sizeof sql, "SELECT %" PRId64 " + ?1", i);
            struct stmt *s = store_text_query(f.conn, str_of(sql), "i", (int64_t)7);
            assert_true(store_next(s));
            assert_int_equal(store_int(s, 0), i + 7);
            assert_int_equal(store_done(s, &e), OK);
        }
    assert_true(store_next(held)); // was never taken away
    assert_int_equal(store_int(held, 0), 2);
    assert_int_equal(store_done(held, &e), OK);
}

// All places of one run in use at the same time: the rest are prepared for one use.
static void all_places_in_use(void **state) {
    (void)state;
    struct err e = {0};
    static struct stmt *s[STORE_TEXT_CACHE + 50];
    char sql[80];
    for (int i = 0; i < STORE_TEXT_CACHE + 50; i++) {
        snprintf(sql, sizeof sql, "SELECT %d", i);
        s[i] = store_text_query(f.conn, str_of(sql), "");
        assert_true(store_next(s[i]));
    }
    for (int i = 0; i < STORE_TEXT_CACHE + 50; i++) {
        assert_int_equal(store_int(s[i], 0), i);
        assert_int_equal(store_done(s[i], &e), OK);
    }
}

static void values_of_every_kind(void **state) {
    (void)state;
    struct err e = {0};
    struct stmt *s = store_text_query(f.conn, S("SELECT ?1, ?2, ?3, ?4, ?5, ?6"), "isbzdn", INT64_MIN,
                                      S("姑苏"), ((struct str){"\0\xff", 2}), "z", 0.5);
    assert_true(store_next(s));
    assert_int_equal(store_columns(s), 6);
    assert_true(store_int(s, 0) == INT64_MIN);
    assert_true(str_eq(store_str(s, 1, &f.mem), S("姑苏")));
    assert_int_equal(store_str(s, 2, NULL).n, 2);
    assert_true(str_eq(store_str(s, 3, NULL), S("z")));
    assert_true(store_double(s, 4) == 0.5);
    assert_true(store_is_null(s, 5) && !store_str(s, 5, NULL).p && store_int(s, 5) == 0);
    assert_false(store_next(s));
    assert_false(store_next(s)); // stays at its end
    assert_int_equal(store_done(s, &e), OK);
    s = store_text_query(f.conn, S("SELECT ?1, ?2"), "sb", S(""), STR_NONE);
    assert_true(store_next(s));
    assert_true(store_str(s, 0, NULL).p && store_str(s, 0, NULL).n == 0); // empty is not NULL
    assert_null(store_str(s, 1, NULL).p);
    assert_int_equal(store_done(s, &e), OK);
}

#define LONG_WALK                                                                                            \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT sum(i) FROM n"

static void step_limit_stops_and_is_lifted(void **state) {
    (void)state;
    struct err e = {0};
    store_step_limit(f.conn, 100000);
    struct stmt *s = store_text_query(f.conn, S(LONG_WALK), "");
    assert_false(store_next(s));
    assert_int_equal(store_done(s, &e), ERR_busy);
    // The allowance is the whole request's: what comes after it finds nothing left.
    s = store_text_query(f.conn, S(LONG_WALK), "");
    assert_false(store_next(s));
    assert_int_equal(store_done(s, &e), ERR_busy);
    store_step_limit(f.conn, 0);
    assert_int_equal(one("SELECT count(*) FROM core_workday"), 50);
    store_step_limit(f.conn, 10000000);
    assert_int_equal(one("SELECT count(*) FROM core_workday"), 50);
    store_step_limit(f.conn, 0);
}

// A snapshot survives a statement that was stopped in it.
static void stopped_inside_a_snapshot(void **state) {
    (void)state;
    struct err e = {0};
    store_read_begin(f.conn);
    assert_int_equal(one("SELECT count(*) FROM core_workday"), 50);
    store_step_limit(f.conn, 1000);
    struct stmt *s = store_text_query(f.conn, S(LONG_WALK), "");
    assert_false(store_next(s));
    assert_int_equal(store_done(s, &e), ERR_busy);
    store_step_limit(f.conn, 0);
    assert_int_equal(one("SELECT count(*) FROM core_workday"), 50);
    store_read_end(f.conn);
    store_read_begin(f.conn);
    store_read_end(f.conn); // a tick without a read costs nothing and leaves nothing
    assert_int_equal(one("SELECT count(*) FROM core_workday"), 50);
}

static void readers_cannot_write(void **state) {
    (void)state;
    struct err e = {0};
    assert_int_equal(store_exec(f.conn, NULL, &e, Q_core_workday_clear, ""), ERR_store);
    struct stmt *s = store_text_query(f.conn, S("DELETE FROM core_workday"), "");
    assert_false(store_next(s));
    assert_int_equal(store_done(s, &e), ERR_store);
    assert_int_equal(one("SELECT count(*) FROM core_workday"), 50);
}

static void errors_are_told_once(void **state) {
    (void)state;
    struct err e = {0};
    struct stmt *s = store_text_query(f.conn, S("SELECT x FROM nowhere"), "");
    assert_false(store_next(s));
    assert_int_equal(store_done(s, &e), ERR_store);
    assert_non_null(strstr(e.arg, "nowhere"));
    assert_int_equal(one("SELECT 1"), 1);
    s = store_text_query(f.conn, S("SELECT abs(?1)"), "i", INT64_MIN); // fails while it runs
    assert_false(store_next(s));
    assert_int_equal(store_done(s, &e), ERR_store);
    s = store_text_query(f.conn, S("SELECT abs(?1)"), "i",
                         (int64_t)-3); // the same kept statement, sound again
    assert_true(store_next(s));
    assert_int_equal(store_int(s, 0), 3);
    assert_int_equal(store_done(s, &e), OK);
}

static int twice(struct work *w, struct conn *c, struct err *e) {
    (void)w;
    int code = store_text_exec(c, S("INSERT INTO core_pack VALUES('p','1','d',0,'c','z','e',0)"), e);
    return code == OK ? store_text_exec(c, S("INSERT INTO core_pack VALUES('p','1','d',0,'c','z','e',0)"), e)
                      : code;
}

static void unique_has_its_own_code(void **state) {
    (void)state;
    struct err e = {0};
    struct work w = {.run = twice, .done = is_done};
    assert_int_equal(store_do(f.city.store, &w, &e), ERR_store_unique);
    assert_int_equal(one("SELECT count(*) FROM core_pack"), 0);
}

static void stranger_reads_only(void **state) {
    (void)state;
    struct conn *c = NULL;
    struct err e = {0};
    assert_int_equal(store_conn_read_only(f.city.store_url ? f.city.store_url : f.folder, &c, &e),
                     OK); // while the city runs
    struct stmt *s = store_query(c, Q_core_workdays, "");
    assert_true(store_next(s));
    assert_int_equal(store_done(s, &e), OK);
    assert_int_not_equal(store_exec(c, NULL, &e, Q_core_workday_clear, ""), OK);
    store_conn_close(c);
    assert_int_not_equal(store_conn_read_only("/nonexistent/folder", &c, &e), OK);
    assert_int_equal(one("SELECT count(*) FROM core_workday"), 50);
}

static int find_scan(const char *sql, char *line, size_t n) {
    struct err e = {0};
    char own[512];
    int places;
    if (on_postgres()) {
        assert_true(dialect_postgres(sql, strlen(sql), own, sizeof own, &places, NULL));
        sql = own;
    }
    return f.conn->engine->find_scan(f.conn, 0, sql, line, n, &e);
}

// Some texts that must be found and some that must not, read as store_check_queries reads the named ones.
static void unplanned_scans_are_found(void **state) {
    (void)state;
    struct err e = {0};
    assert_int_equal(store_check_queries(f.city.store, &e), OK);
    const struct {
        const char *sql;
        bool is_scan;
    } rows[] = {
        {"SELECT * FROM core_act", true},
        {"SELECT * FROM core_act WHERE peer = ?1", true},
        {"SELECT a.id FROM core_act a, core_act b WHERE a.peer = b.peer AND a.id = ?1", true},
        {"DELETE FROM core_workday", on_postgres()}, // SQLite drops the pages, walks no rows
        {"DELETE FROM core_workday WHERE is_off = ?1", true},
        {"SELECT day FROM core_workday ORDER BY day", !on_postgres()}, // an index in full is no scan there
        {"SELECT * FROM core_act WHERE id = ?1", false},
        {"SELECT * FROM core_act WHERE trace = ?1 ORDER BY id DESC LIMIT 5", false},
        {"SELECT 1", false},
        {"SELECT value FROM json_each(?1)", false},
        {"INSERT INTO core_workday(day, is_off) VALUES(?1, 1)", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[160];
        int found = find_scan(rows[i].sql, line, sizeof line);
        if (found != rows[i].is_scan) fprintf(stderr, "%s: %s\n", rows[i].sql, found > 0 ? line : "no scan");
        assert_int_equal(found, rows[i].is_scan);
    }
    char line[160];
    assert_int_equal(find_scan("SELECT * FROM nowhere", line, sizeof line), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_statement_inside_itself),
        cmocka_unit_test(composed_statements_give_way),
        cmocka_unit_test(all_places_in_use),
        cmocka_unit_test(values_of_every_kind),
        cmocka_unit_test(step_limit_stops_and_is_lifted),
        cmocka_unit_test(stopped_inside_a_snapshot),
        cmocka_unit_test(readers_cannot_write),
        cmocka_unit_test(errors_are_told_once),
        cmocka_unit_test(unique_has_its_own_code),
        cmocka_unit_test(stranger_reads_only),
        cmocka_unit_test(unplanned_scans_are_found),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
