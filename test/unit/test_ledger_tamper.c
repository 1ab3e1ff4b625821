// SPDX-License-Identifier: MulanPSL-2.0
// One bit changed in anything that the ledger, the audit log, the calls and the meter keep: `gusu verify` finds it every
// time and names the thing and the entry. Hundreds of random places of a real folder, with rows and sealed bundles; the
// seed is printed, GUSU_SEED repeats a run.
#include "ledger_help.h"
#include "app/verify.h"
#include "mod/exchange/calls.h"
#include <sqlite3.h>

#define ENTRIES 2900 // seven bundles sealed, four in rows, the rest at the tree's right edge
#define TRIALS  320  // ten of each

static struct verify_report report;
static uint64_t seed;

static uint64_t next_random(void) { // splitmix64
    uint64_t z = seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// Of what the row speaks, by the query's second and third column: entries [from, to]; -1: of none in particular.
#define ONE    "id, id, id"
#define BUNDLE "n, n * 256, n * 256 + 255"
static const struct target {
    const char *name, *table, *column, *key, *range, *where;
    enum verify_what what[7]; // any of these, about an entry of the range
} targets[] = {
    {"entry: leaf",
     "ledger_entry",
     "leaf",
     "id",
     "id / 256 * 256, id / 256 * 256 + 255",
     "1",
     {VERIFY_LEAF, VERIFY_COMMITMENT, VERIFY_KIND, VERIFY_TIME, VERIFY_CLEAR, VERIFY_LEAVES, VERIFY_CROSS}},
    {"entry: salt", "ledger_entry", "salt", "id", "id, id", "1", {VERIFY_COMMITMENT}},
    {"entry: detail", "ledger_entry", "detail", "id", "id, id", "1", {VERIFY_COMMITMENT}},
    {"bundle: leaves", "ledger_bundle", "leaves", "n", "n * 256, n * 256 + 255", "1", {VERIFY_BUNDLE}},
    {"bundle: salts", "ledger_bundle", "salts", "n", "n * 256, n * 256 + 255", "1", {VERIFY_BUNDLE}},
    {"bundle: details", "ledger_bundle", "details", "n", "n * 256, n * 256 + 255", "1", {VERIFY_BUNDLE}},
    {"bundle: digest", "ledger_bundle", "digest", "n", "n * 256, n * 256 + 255", "1", {VERIFY_BUNDLE}},
    {"tile",
     "ledger_node",
     "hash",
     "tree * 1000000 + level * 10000 + idx",
     "idx << level, idx << level",
     "1",
     {VERIFY_NODE}},
    {"head: root", "ledger_head", "root", "tree", "-2, -2", "1", {VERIFY_HEAD}},
    {"head: frontier", "ledger_head", "frontier", "tree", "-2, -2", "1", {VERIFY_HEAD}},
    {"head: size",
     "ledger_head",
     "size",
     "tree",
     "-2, -2",
     "1",
     {VERIFY_HEAD, VERIFY_ENTRY_EXTRA, VERIFY_ENTRY_MISSING}},
    {"checkpoint",
     "ledger_checkpoint",
     "note",
     "tree * 1000000 + size",
     "size - 1, size - 1",
     "1",
     {VERIFY_CHECKPOINT_SIGNATURE, VERIFY_CHECKPOINT_ROOT}},
    {"audit row: detail", "core_act", "detail", "id", "entry, entry", "1", {VERIFY_ACT}},
    {"audit row: time", "core_act", "time_ms", "id", "entry, entry", "1", {VERIFY_ACT}},
    {"audit row: actor", "core_act", "actor", "id", "entry, entry", "1", {VERIFY_ACT}},
    {"audit row: name", "core_act", "actor_name", "id", "entry, entry", "1", {VERIFY_ACT}},
    {"audit row: verb", "core_act", "verb", "id", "entry, entry", "1", {VERIFY_ACT}},
    {"audit row: object", "core_act", "object", "id", "entry, entry", "1", {VERIFY_ACT}},
    {"audit row: address", "core_act", "peer", "id", "entry, entry", "1", {VERIFY_ACT}},
    {"audit row: its entry",
     "core_act",
     "entry",
     "id",
     "entry, entry",
     "1",
     {VERIFY_ACT, VERIFY_ACT_MISSING, VERIFY_ACT_EXTRA}},
    {"call: rows", "exchange_call", "rows", "entry", "entry, entry", "1", {VERIFY_CALL}},
    {"call: bytes", "exchange_call", "bytes", "entry", "entry, entry", "status IS NOT NULL", {VERIFY_CALL}},
    {"call: key", "exchange_call", "key_id", "entry", "entry, entry", "1", {VERIFY_CALL}},
    {"call: time", "exchange_call", "time_ms", "entry", "entry, entry", "1", {VERIFY_CALL}},
    {"call: grant", "exchange_call", "grant_id", "entry", "entry, entry", "1", {VERIFY_CALL}},
    {"call: status", "exchange_call", "status", "entry", "entry, entry", "status IS NOT NULL", {VERIFY_CALL}},
    {"run: packed", "exchange_call_run", "packed", "id", "first_entry, first_entry", "1", {VERIFY_RUN}},
    {"run: salts", "exchange_call_run", "salts", "id", "first_entry, first_entry", "1", {VERIFY_RUN}},
    {"run: digest", "exchange_call_run", "digest", "id", "first_entry, first_entry", "1", {VERIFY_RUN}},
    {"meter: calls", "exchange_meter", "calls", "grant_id", "-1, -1", "1", {VERIFY_METER}},
    {"meter: rows", "exchange_meter", "rows", "grant_id", "-1, -1", "1", {VERIFY_METER}},
    {"meter: bytes", "exchange_meter", "bytes", "grant_id", "-1, -1", "1", {VERIFY_METER}},
};
#define TARGETS (sizeof targets / sizeof targets[0])

// --- the folder: acts, calls of two grants, proxied calls, an hourly and a newest checkpoint, sealed and not ---
struct put {
    int64_t grant, rows, bytes, begin, status, entry;
    const char *kind;
};

static int put_call(struct cx *cx, void *arg) {
    struct put *c = arg;
    struct str detail =
        c->begin >= 0
            ? str_print(cx->mem, "{\"begin\":%lld,\"bytes\":%lld,\"grant\":%lld,\"status\":%lld}",
                        (long long)c->begin, (long long)c->bytes, (long long)c->grant, (long long)c->status)
            : str_print(cx->mem, "{\"bytes\":%lld,\"grant\":%lld,\"key\":9,\"rows\":%lld,\"time_ms\":%lld}",
                        (long long)c->bytes, (long long)c->grant, (long long)c->rows, (long long)cx->now_ms);
    struct note n = {.kind = c->kind, .time_ms = cx->now_ms, .detail = detail};
    int code = cx->city->on_note(cx, &n);
    c->entry = n.entry;
    return code;
}

static void run_sql(sqlite3 *db, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char *sql = sqlite3_vmprintf(fmt, ap), *why = NULL;
    va_end(ap);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) fail_msg("%s: %s", sql, why);
    sqlite3_free(sql);
}

static sqlite3 *open_db(struct fixture *f) {
    char path[128];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/gusu.db", f->folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    return db;
}

static void some_calls(struct fixture *f, sqlite3 *db, int n) {
    const int64_t day = (fixture_now_ms + CHINA_OFFSET_MS) / DAY_MS;
    struct cx cx;
    for (int i = 0; i < n; i++) {
        bool proxied = i % 5 == 4;
        struct put c = {.grant = 1 + i % 2,
                        .rows = proxied ? 0 : i % 7,
                        .bytes = proxied ? 0 : 100 + i,
                        .begin = -1,
                        .kind = proxied ? "exchange.proxy" : "exchange.call"};
        core_cx(&cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
        assert_int_equal(cx_write(&cx, put_call, &c), OK);
        struct put end = {.grant = c.grant,
                          .bytes = 33 + i,
                          .begin = c.entry,
                          .status = 200,
                          .kind = "exchange.proxy.done"};
        if (proxied) assert_int_equal(cx_write(&cx, put_call, &end), OK);
        run_sql(db,
                "INSERT INTO exchange_call(grant_id, entry, key_id, time_ms, rows, bytes, status)"
                " VALUES(%lld, %lld, 9, %lld, %lld, %lld, %s);"
                "INSERT INTO exchange_meter VALUES(%lld, %lld, 1, %lld, %lld, 0) ON CONFLICT DO UPDATE SET"
                " calls = calls + 1, rows = rows + excluded.rows, bytes = bytes + excluded.bytes",
                (long long)c.grant, (long long)c.entry, (long long)fixture_now_ms, (long long)c.rows,
                (long long)(c.bytes + (proxied ? end.bytes : 0)), proxied ? "200" : "NULL",
                (long long)c.grant, (long long)day, (long long)c.rows,
                (long long)(c.bytes + (proxied ? end.bytes : 0)));
    }
}

// The calls before `mark` as runs, one a grant; with salts, as those of replies about people have them.
static void seal_calls(struct fixture *f, sqlite3 *db, int64_t mark) {
    for (int64_t grant = 1; grant <= 2; grant++) {
        struct call_row rows[200];
        struct call_run run;
        sqlite3_stmt *s;
        int n = 0;
        assert_int_equal(
            sqlite3_prepare_v2(db,
                               "SELECT entry, key_id, time_ms, rows, bytes, status FROM exchange_call "
                               "WHERE grant_id = ?1 AND entry < ?2 ORDER BY entry",
                               -1, &s, NULL),
            SQLITE_OK);
        sqlite3_bind_int64(s, 1, grant);
        sqlite3_bind_int64(s, 2, mark);
        for (; n < 200 && sqlite3_step(s) == SQLITE_ROW; n++)
            rows[n] = (struct call_row){
                .grant = grant,
                .entry = sqlite3_column_int64(s, 0),
                .key = sqlite3_column_int64(s, 1),
                .time_ms = sqlite3_column_int64(s, 2),
                .rows = sqlite3_column_int64(s, 3),
                .bytes = sqlite3_column_int64(s, 4),
                .status = sqlite3_column_type(s, 5) == SQLITE_NULL ? 200 : sqlite3_column_int64(s, 5),
                .is_proxied = sqlite3_column_type(s, 5) != SQLITE_NULL,
                .salts = n % 3 == 0 ? S("0123456789abcdef") : STR_NONE};
        sqlite3_finalize(s);
        assert_true(n > 10);
        assert_true(call_run_pack(&f->mem, f->hasher, rows, n, &run));
        assert_int_equal(
            sqlite3_prepare_v2(db,
                               "INSERT INTO exchange_call_run(grant_id, first_entry, last_entry, calls, "
                               "packed, salts, digest) VALUES(?1,?2,?3,?4,?5,?6,?7)",
                               -1, &s, NULL),
            SQLITE_OK);
        sqlite3_bind_int64(s, 1, grant);
        sqlite3_bind_int64(s, 2, rows[0].entry);
        sqlite3_bind_int64(s, 3, rows[n - 1].entry);
        sqlite3_bind_int64(s, 4, n);
        sqlite3_bind_blob(s, 5, run.packed.p, (int)run.packed.n, SQLITE_STATIC);
        sqlite3_bind_blob(s, 6, run.salts.p, (int)run.salts.n, SQLITE_STATIC);
        sqlite3_bind_blob(s, 7, run.digest, sizeof run.digest, SQLITE_STATIC);
        assert_int_equal(sqlite3_step(s), SQLITE_DONE);
        sqlite3_finalize(s);
    }
    run_sql(
        db,
        "DELETE FROM exchange_call WHERE entry < %lld; UPDATE exchange_call_sealed SET entry = %lld, run = 2",
        (long long)mark, (long long)mark);
}

static void fill(struct fixture *f) {
    struct cx cx;
    sqlite3 *db = open_db(f);
    help_acts(f, 900);
    fixture_call(f, "POST", "/t/put", "{\"n\":300,\"clear\":true,\"office\":\"sz-a\"}");
    assert_status(f, 200);
    some_calls(f, db, 60);
    seal_calls(f, db, help_size(f));
    help_job(f);
    fixture_now_ms += 7200000;
    help_acts(f, ENTRIES - 1300);
    some_calls(f, db, 60);
    help_job(f);
    core_cx(&cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
    assert_int_equal(ledger_seal(&cx, 100), OK);
    help_acts(f, 77);
    help_job(f);
    sqlite3_close(db);
}

// --- one change ---
struct change {
    sqlite3_stmt *read;
    sqlite3 *db;
    const struct target *t;
    sqlite3_value *key, *old;
    int64_t from, to;
};

static void put_value(const struct change *c, sqlite3_value *value, const uint8_t *bytes, int n,
                      int64_t number) {
    char sql[300];
    sqlite3_stmt *s;
    snprintf(sql, sizeof sql, "UPDATE %s SET %s = ?1 WHERE %s = ?2", c->t->table, c->t->column, c->t->key);
    assert_int_equal(sqlite3_prepare_v2(c->db, sql, -1, &s, NULL), SQLITE_OK);
    int type = sqlite3_value_type(value);
    if (!bytes && type != SQLITE_INTEGER)
        sqlite3_bind_value(s, 1, value);
    else if (type == SQLITE_INTEGER)
        sqlite3_bind_int64(s, 1, number);
    else if (type == SQLITE_TEXT)
        sqlite3_bind_text(s, 1, (const char *)bytes, n, SQLITE_TRANSIENT);
    else
        sqlite3_bind_blob(s, 1, bytes, n, SQLITE_TRANSIENT);
    sqlite3_bind_value(s, 2, c->key);
    int rc = sqlite3_step(s);
    if (rc != SQLITE_DONE) fail_msg("%s: %s", sql, sqlite3_errmsg(c->db));
    assert_int_equal(sqlite3_changes(c->db), 1);
    sqlite3_finalize(s);
}

static int64_t count_rows(sqlite3 *db, const struct target *t) {
    char sql[300];
    sqlite3_stmt *s;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s WHERE %s", t->table, t->where);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return n;
}

// A random bit of a random row's value, turned over. `told` says where.
static void change(struct change *c, char *told, size_t told_n) {
    char sql[400];
    sqlite3_stmt *s;
    int64_t rows = count_rows(c->db, c->t);
    assert_true(rows > 0);
    snprintf(sql, sizeof sql, "SELECT %s, %s, %s FROM %s WHERE %s ORDER BY 1 LIMIT 1 OFFSET %lld", c->t->key,
             c->t->range, c->t->column, c->t->table, c->t->where,
             (long long)(next_random() % (uint64_t)rows));
    assert_int_equal(sqlite3_prepare_v2(c->db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    c->key = sqlite3_value_dup(sqlite3_column_value(s, 0));
    c->from = sqlite3_column_int64(s, 1);
    c->to = sqlite3_column_int64(s, 2);
    c->old = sqlite3_value_dup(sqlite3_column_value(s, 3));
    sqlite3_finalize(s);
    if (sqlite3_value_type(c->old) == SQLITE_INTEGER) {
        int64_t was = sqlite3_value_int64(c->old), now = was ^ (int64_t)((uint64_t)1 << next_random() % 20);
        snprintf(told, told_n, "%s, row %lld: %lld to %lld", c->t->name,
                 (long long)sqlite3_value_int64(c->key), (long long)was, (long long)now);
        put_value(c, c->old, NULL, 0, now);
        return;
    }
    int n = sqlite3_value_bytes(c->old);
    assert_true(n > 0);
    uint8_t *copy = malloc((size_t)n);
    memcpy(copy, sqlite3_value_blob(c->old), (size_t)n);
    uint64_t at = next_random() % (uint64_t)n, bit = next_random() % 8;
    copy[at] ^= (uint8_t)(1u << bit);
    snprintf(told, told_n, "%s, row %lld: bit %d of byte %d of %d", c->t->name,
             (long long)sqlite3_value_int64(c->key), (int)bit, (int)at, n);
    put_value(c, c->old, copy, n, 0);
    free(copy);
}

static void change_back(struct change *c) {
    put_value(c, c->old, NULL, 0, sqlite3_value_int64(c->old));
    sqlite3_value_free(c->key);
    sqlite3_value_free(c->old);
}

static bool is_named(const struct change *c) {
    for (int i = 0; i < report.faults_n && i < VERIFY_FAULTS; i++)
        for (int k = 0; k < 7 && c->t->what[k]; k++) {
            const struct verify_fault *f = &report.faults[i];
            bool is_there = c->from == -2 || (f->index >= c->from && f->index <= c->to);
            if (f->what == c->t->what[k] && is_there) return true;
        }
    return false;
}

static void check(struct fixture *f, const struct verify_trust *keys) {
    struct err e = {0};
    int code = verify_folder(f->folder, keys, true, &report, &e);
    if (code != OK) fprintf(stderr, "verify: %s %s\n", err_info(e.code)->name, e.arg);
    assert_int_equal(code, OK);
}

static void tell(void) {
    for (int i = 0; i < report.faults_n && i < 12; i++)
        fprintf(stderr, "  %lld %s (%s)\n", (long long)report.faults[i].index,
                verify_word(report.faults[i].what, false), report.faults[i].where);
}

static void every_flip_is_named(void **state) {
    struct fixture *f = *state;
    struct verify_trust keys = {0};
    struct err e = {0};
    char path[128], told[160];
    int missed = 0;
    fill(f);
    fixture_stop(f);
    snprintf(path, sizeof path, "%s/ledger.vkey", f->folder);
    assert_int_equal(verify_key_add(&f->mem, &keys, str_of(path), &e), OK);
    check(f, &keys);
    tell();
    assert_int_equal(report.faults_n, 0);
    sqlite3 *db = open_db(f);
    for (int i = 0; i < TRIALS; i++) {
        // Each target in turn, so that none is left to chance.
        struct change c = {.db = db, .t = &targets[(size_t)i % TARGETS]};
        change(&c, told, sizeof told);
        check(f, &keys);
        if (!is_named(&c)) {
            fprintf(stderr, "not named: %s (trial %d, entries %lld to %lld), told of:\n", told, i,
                    (long long)c.from, (long long)c.to);
            tell();
            missed++;
        }
        change_back(&c);
    }
    check(f, &keys);
    assert_int_equal(report.faults_n, 0);
    sqlite3_close(db);
    verify_keys_close(&keys);
    fixture_start(f);
    assert_int_equal(missed, 0);
}

static int setup(void **state) {
    static struct fixture f;
    const char *given = getenv("GUSU_SEED");
    fixture_now_ms = 1794182400000;
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)clock_mono_us();
    fprintf(stderr, "GUSU_SEED=%llu\n", (unsigned long long)seed);
    fixture_open(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    fixture_close(*state);
    return 0;
}

int main(void) {
    if (on_postgres()) return 0; // about the file of the other engine
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(every_flip_is_named, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
