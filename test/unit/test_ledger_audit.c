// SPDX-License-Identifier: MulanPSL-2.0
// The self-audit by slices, across restarts, its alarm and who ends it; and forgetting: two people, one of them an
// auditor, every copy of the words gone, every proof still good, and the same again after an older folder came back.
#include "ledger_help.h"
#include "app/verify.h"
#include "base/file.h"
#include "mod/ledger/audit.h"
#include "mod/ledger/erase.h"

static struct verify_report report;
static int64_t auditor_ok = 21;

static int setup(void **state) {
    static struct fixture f;
    fixture_now_ms = 1794182400000;
    fixture_open(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    fixture_close(*state);
    return 0;
}

static struct cx job_cx(struct fixture *f) {
    struct cx cx;
    core_cx(&cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
    return cx;
}

static void sql(struct fixture *f, const char *text) {
    struct buf b = buf_new(&f->mem, 1024, 65536);
    buf_print(&b, "sqlite3 -bail %s/gusu.db \"PRAGMA busy_timeout=5000; %s\" > /dev/null", f->folder, text);
    assert_int_equal(system(str_z(&f->mem, buf_str(&b))), 0);
}

static void by_auditor(struct fixture *f) {
    fixture_as(f, auditor_ok, "aud", "sz-data", R_(AUDITOR));
}

static void by_steward(struct fixture *f) {
    fixture_as(f, 22, "rs-bm", "sz-hrss", R_(STEWARD));
}

static void check(struct fixture *f) {
    struct err e = {0};
    struct verify_trust keys = {0};
    char path[128];
    snprintf(path, sizeof path, "%s/ledger.vkey", f->folder);
    assert_int_equal(verify_key_add(&f->mem, &keys, str_of(path), &e), OK);
    assert_int_equal(verify_folder(f->folder, &keys, true, &report, &e), OK);
    verify_keys_close(&keys);
    for (int i = 0; i < report.faults_n && i < 10; i++)
        fprintf(stderr, "  %lld %s %s\n", (long long)report.faults[i].index,
                verify_word(report.faults[i].what, false), report.faults[i].where);
}

static void seal(struct fixture *f) {
    struct cx cx = job_cx(f);
    assert_int_equal(ledger_seal(&cx, 100), OK);
}

// A whole round, a bundle or so at a time.
static int slices(struct fixture *f, int most) {
    int n = 0;
    for (bool more = true; more && n < most; n++) {
        struct cx cx = job_cx(f);
        int code = audit_slice(&cx, 1, &more);
        if (code != OK) fprintf(stderr, "audit: %s %s\n", err_info((enum err_code)code)->name, cx.err.arg);
        assert_int_equal(code, OK);
    }
    return n;
}

static void get_audit(struct fixture *f) {
    by_auditor(f);
    fixture_call(f, "GET", "/api/v1/ledger/audit", NULL);
    assert_status(f, 200);
}

static void begin(struct fixture *f) {
    by_auditor(f);
    fixture_now_ms += 1000;
    fixture_call(f, "POST", "/api/v1/ledger/audit", NULL);
    assert_status(f, 200);
}

static void a_clean_round(void **state) {
    struct fixture *f = *state;
    help_acts(f, 2500);
    seal(f);
    help_acts(f, 33);
    begin(f);
    assert_true(slices(f, 4) == 4);
    fixture_again(f); // a restart in the middle goes on where it was
    get_audit(f);
    assert_int_equal(fixture_int(f, "at"), 4 * 256);
    slices(f, 1000);
    get_audit(f);
    assert_int_equal(fixture_int(f, "done_size"), fixture_int(f, "size"));
    assert_true(fixture_int(f, "done_size") >= 2533);
    assert_int_equal(fixture_int(f, "done_faults"), 0);
    assert_int_equal(fixture_int(f, "alarm_ms"), 0);
    check(f);
    assert_int_equal(report.faults_n, 0);
}

static const struct damage {
    const char *what, *sql, *undo;
    int64_t index;
} damages[] = {
    {"commitment", "update ledger_entry set salt = zeroblob(16) where id = 2400", NULL, 2400},
    {"bundle", "update ledger_bundle set salts = zeroblob(4096) where n = 2", NULL, 512},
    {"node", "update ledger_node set hash = zeroblob(32) where tree = 1 and level = 8 and idx = 1", NULL,
     256},
    {"node", "update ledger_node set hash = zeroblob(32) where tree = 0 and level = 10 and idx = 1", NULL,
     1024},
    {"act", "update core_act set object_name = 'x' where entry = 77", NULL, 77},
    {"act_missing", "delete from core_act where entry = 78", NULL, 78},
    {"missing", "delete from ledger_entry where id = 2450", NULL, 2450},
};

static void damage_is_alarmed(void **state) {
    struct fixture *f = *state;
    char cmd[256];
    help_acts(f, 2500);
    seal(f);
    fixture_stop(f);
    snprintf(cmd, sizeof cmd, "cp %s/gusu.db %s/kept", f->folder, f->folder);
    assert_int_equal(system(cmd), 0);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        snprintf(cmd, sizeof cmd, "rm -f %s/gusu.db-*; cp %s/kept %s/gusu.db", f->folder, f->folder,
                 f->folder);
        assert_int_equal(system(cmd), 0);
        sql(f, damages[i].sql);
        fixture_start(f);
        begin(f);
        slices(f, 1000);
        get_audit(f);
        assert_true(fixture_int(f, "alarm_ms") > 0);
        bool named = false;
        for (struct json_iter it = json_iter(json_get(f->json, S("faults"))); json_next(&it);) {
            int64_t index = -1;
            assert_true(json_int(json_get(it.value, S("index")), &index));
            named |= str_eq(json_text(json_get(it.value, S("what"))), str_of(damages[i].what)) &&
                     index == damages[i].index;
        }
        assert_true(fixture_int(f, "alarm_n") <= 2); // one damage is not told of everything beside it
        if (!named) fail_msg("%s: %.*s", damages[i].sql, STRF(f->body));
        fixture_stop(f);
    }
    snprintf(cmd, sizeof cmd, "rm -f %s/gusu.db-*; cp %s/kept %s/gusu.db", f->folder, f->folder, f->folder);
    assert_int_equal(system(cmd), 0);
    fixture_start(f);
}

static void an_alarm_ends_by_a_note_or_a_clean_round(void **state) {
    struct fixture *f = *state;
    help_acts(f, 300);
    sql(f, "update core_act set object_name = 'x' where entry = 7");
    begin(f);
    slices(f, 100);
    get_audit(f);
    assert_int_equal(fixture_int(f, "alarm_n"), 1);
    by_steward(f);
    fixture_call(f, "POST", "/api/v1/ledger/audit/clear", "{\"note\":\"looked at\"}");
    assert_status(f, 403);
    by_auditor(f);
    fixture_call(f, "POST", "/api/v1/ledger/audit/clear", "{\"note\":\"looked at\"}");
    assert_status(f, 200);
    assert_int_equal(fixture_int(f, "alarm_ms"), 0);
    fixture_call(f, "POST", "/api/v1/ledger/audit/clear", "{\"note\":\"looked at\"}");
    assert_status(f, 409);
    begin(f); // it is still there
    slices(f, 100);
    get_audit(f);
    assert_true(fixture_int(f, "alarm_ms") > 0);
    sql(f, "update core_act set object_name = '物' where entry = 7");
    begin(f);
    slices(f, 100);
    get_audit(f);
    assert_int_equal(fixture_int(f, "alarm_ms"), 0);
    check(f);
    assert_int_equal(report.faults_n, 0);
}

// The night's job: begins by itself, rests by day.
static void by_night(void **state) {
    struct fixture *f = *state;
    help_acts(f, 10);
    help_job(f);
    fixture_now_ms = 1794182400000 + 4 * 3600000; // noon in China
    struct cx cx = job_cx(f);
    assert_int_equal(audit_run(&cx), OK);
    get_audit(f);
    assert_int_equal(fixture_int(f, "started_ms"), 0);
    fixture_now_ms = 1794182400000 + 18 * 3600000; // two o'clock
    for (int i = 0; i < 5; i++) {
        cx = job_cx(f);
        assert_int_equal(audit_run(&cx), OK);
    }
    get_audit(f);
    assert_int_equal(fixture_int(f, "done_ms"), fixture_now_ms);
    int64_t size = help_size(f);
    cx = job_cx(f);
    assert_int_equal(audit_run(&cx), OK);
    assert_int_equal(help_size(f), size); // once a night
}

// --- forgetting ---
static int64_t ask(struct fixture *f, const char *body, int status) {
    fixture_call(f, "POST", "/api/v1/ledger/erasures", body);
    assert_status(f, status);
    return status == 201 ? fixture_int(f, "id") : 0;
}

static void approve(struct fixture *f, int64_t id, int status) {
    char path[80];
    snprintf(path, sizeof path, "/api/v1/ledger/erasures/%lld/approve", (long long)id);
    fixture_call(f, "POST", path, NULL);
    assert_status(f, status);
}

#define WHY "\"reason\":\"本人申请\",\"law\":\"个人信息保护法第四十七条\""

static bool is_erased(struct fixture *f, int64_t index) {
    struct ledger_entry e;
    struct cx cx = job_cx(f);
    assert_int_equal(ledger_entry_get(&cx, index, &e), OK);
    return !e.detail.p && !e.salt.p;
}

static void forgotten(void **state) {
    struct fixture *f = *state;
    uint8_t before[HASH_BYTES], after[HASH_BYTES];
    fixture_call(f, "POST", "/t/put", "{\"n\":3,\"office\":\"sz-hrss\"}"); // entries 0, 1, 2: a steward's own
    assert_status(f, 200);
    help_acts(f, 2000);
    seal(f);
    help_acts(f, 600);
    help_job(f);
    help_root(f, 0, 2600, before);
    by_steward(f);
    ask(f, "{\"entries\":[1500]," WHY "}", 404); // of another office: not his to see, nor to erase
    int64_t id = ask(f, "{\"entries\":[0,2]," WHY "}", 201);
    approve(f, id, 403); // himself
    fixture_as(f, 23, "other", "sz-hrss", R_(STEWARD));
    approve(f, id, 403); // no auditor among the two
    assert_false(is_erased(f, 0));
    by_auditor(f);
    approve(f, id, 200);
    assert_true(str_eq(fixture_text(f, "state"), S("done")));
    approve(f, id, 409);
    assert_true(is_erased(f, 0) && is_erased(f, 2) && !is_erased(f, 1));
    // By words: every act of object "599" (sealed and not), whatever the case.
    id = ask(f, "{\"texts\":[\"599\"]," WHY "}", 201);
    by_steward(f);
    approve(f, id, 200);
    int64_t last = fixture_int(f, "done");
    assert_true(last == 2);
    help_root(f, 0, 2600, after);
    assert_memory_equal(before, after, HASH_BYTES);
    check(f);
    assert_int_equal(report.faults_n, 0);
    assert_int_equal(report.erased, 4);
    // The words are nowhere in the store any more.
    struct str out;
    char cmd[300], path[128];
    struct err e = {0};
    snprintf(path, sizeof path, "%s/count", f->folder);
    snprintf(cmd, sizeof cmd, "sqlite3 %s/gusu.db \"select count(*) from core_act where detail = '{}'\" > %s",
             f->folder, path);
    assert_int_equal(system(cmd), 0);
    assert_int_equal(file_read(&f->mem, path, 100, &out, &e), OK);
    assert_true(str_eq(str_trim(out), S("4")));
    ask(f, "{\"texts\":[\"nobody-at-all\"]," WHY "}", 404);
    begin(f);
    slices(f, 100);
    get_audit(f);
    assert_int_equal(fixture_int(f, "done_faults"), 0);
}

// The folder of yesterday comes back with a list of what was forgotten since.
static void forgotten_again(void **state) {
    struct fixture *f = *state;
    char cmd[500];
    help_acts(f, 1500);
    seal(f);
    help_job(f);
    fixture_stop(f);
    snprintf(cmd, sizeof cmd, "cp %s/gusu.db %s/kept", f->folder, f->folder);
    assert_int_equal(system(cmd), 0);
    fixture_start(f);
    by_auditor(f);
    int64_t id = ask(f, "{\"entries\":[3,1400]," WHY "}", 201);
    by_steward(f);
    approve(f, id, 200);
    assert_true(is_erased(f, 3) && is_erased(f, 1400));
    help_acts(f, 100);
    by_auditor(f);
    id = ask(f, "{\"entries\":[1550]," WHY "}",
             201); // an index that the older folder will give to something else
    by_steward(f);
    approve(f, id, 200);
    fixture_stop(f);
    snprintf(cmd, sizeof cmd,
             "cd %s && rm -f gusu.db-* && mv kept gusu.db && mv erasures.jsonl erasures-replay.jsonl",
             f->folder);
    assert_int_equal(system(cmd), 0);
    sql(f, "delete from ledger_checkpoint where size > (select size from ledger_head where tree = 0)");
    fixture_start(f);
    assert_true(is_erased(f, 3) && is_erased(f, 1400));
    help_acts(f, 100);
    struct cx cx = job_cx(f);
    assert_int_equal(ledger_erase_replay(&cx, STR_NONE), OK);
    assert_false(is_erased(f, 1550));
    check(f);
    assert_int_equal(report.faults_n, 0);
    by_auditor(f);
    fixture_call(f, "GET", "/api/v1/ledger/erasures", NULL);
    assert_status(f, 200);
    assert_int_equal(json_count(json_get(f->json, S("items"))), 2);
}

int main(void) {
    if (on_postgres()) return 0; // damages and puts back the file of the other engine
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_clean_round), CASE(damage_is_alarmed), CASE(an_alarm_ends_by_a_note_or_a_clean_round),
        CASE(by_night),      CASE(forgotten),         CASE(forgotten_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
