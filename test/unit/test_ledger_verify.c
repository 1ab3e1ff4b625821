// SPDX-License-Identifier: MulanPSL-2.0
// `gusu verify`: a sound folder passes; after one change in the store, the first fault told is the right entry and
// the right kind of thing. The changes are made from outside, with sqlite3, as somebody with the disk would.
#include "ledger_help.h"
#include "app/verify.h"
#include "base/file.h"

static struct verify_report report;

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

static void own_keys(struct fixture *f, struct verify_trust *keys) {
    struct err e = {0};
    char path[128];
    snprintf(path, sizeof path, "%s/ledger.vkey", f->folder);
    *keys = (struct verify_trust){0};
    assert_int_equal(verify_key_add(&f->mem, keys, str_of(path), &e), OK);
    assert_int_equal(keys->n, 2);
}

static void check(struct fixture *f) {
    struct err e = {0};
    struct verify_trust keys;
    own_keys(f, &keys);
    int code = verify_folder(STORE_OF(f), &keys, true, &report, &e);
    if (code != OK) fprintf(stderr, "verify: %s %s\n", err_info(e.code)->name, e.arg);
    assert_int_equal(code, OK);
    verify_keys_close(&keys);
}

static void sql(struct fixture *f, const char *text) {
    store_from_outside(f->folder, f->city.store_url, text);
}

static bool has_fault(enum verify_what what, int64_t index) {
    for (int i = 0; i < report.faults_n && i < VERIFY_FAULTS; i++)
        if (report.faults[i].what == what && report.faults[i].index == index) return true;
    for (int i = 0; i < report.faults_n && i < VERIFY_FAULTS; i++)
        fprintf(stderr, "  %lld %s %s\n", (long long)report.faults[i].index,
                verify_word(report.faults[i].what, false), report.faults[i].where);
    return false;
}

static void sound(void **state) {
    struct fixture *f = *state;
    check(f);
    assert_int_equal(report.faults_n, 0);
    assert_int_equal(report.entries, 0);
    int sizes[] = {1, 254, 1, 1, 299, 1000, 20000};
    int64_t all = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        help_acts(f, sizes[i]);
        all += sizes[i];
        fixture_now_ms += 3600000;
        help_job(f); // crosses and signs
        all++;
        check(f);
        if (report.faults_n) has_fault(VERIFY_LEAF, -5);
        assert_int_equal(report.faults_n, 0);
        assert_int_equal(report.entries, all);
        assert_int_equal(report.acts, all - (int64_t)i - 1);
        help_root_is(f, "root_sha256", 0, (uint64_t)help_size(f));
        assert_true(str_eq(fixture_text(f, "root_sha256"), str_hex(&f->mem, report.root[0], HASH_BYTES)));
        assert_true(str_eq(fixture_text(f, "root_sm3"), str_hex(&f->mem, report.root[1], HASH_BYTES)));
    }
    assert_true(report.checkpoints >= 14);
}

// --- one change, one fault ---
static const struct change {
    const char *what, *sql;
    enum verify_what fault;
    int64_t index;
} changes[] = {
    {"a byte of a detail", "update ledger_entry set detail = replace(detail, '物', '勿') where id = 300",
     VERIFY_COMMITMENT, 300},
    {"a byte of a salt", "update ledger_entry set salt = cast(x'00' || substr(salt, 2) as blob) where id = 7",
     VERIFY_COMMITMENT, 7},
    {"a leaf's kind",
     "update ledger_entry set leaf = cast(replace(leaf, 'thing.put', 'thing.pat') as blob) where id = 299",
     VERIFY_KIND, 299},
    {"a leaf's hour",
     "update ledger_entry set leaf = cast(replace(leaf, 'T00:00', 'T01:00') as blob) where id = 511",
     VERIFY_TIME, 511},
    {"a leaf's clear part",
     "update ledger_entry set leaf = cast(replace(leaf, 'sz-a', 'sz-b') as blob) where id = 600",
     VERIFY_CLEAR, 600},
    {"a leaf's form", "update ledger_entry set leaf = cast(leaf || x'0a' as blob) where id = 0", VERIFY_LEAF,
     0},
    {"two entries change places",
     "create table k as select * from ledger_entry where id in (20, 21);"
     "delete from ledger_entry where id in (20, 21);"
     "insert into ledger_entry select 41 - id, leaf, salt, detail from k; drop table k",
     VERIFY_LEAVES, 0},
    {"an entry is gone", "delete from ledger_entry where id = 555", VERIFY_ENTRY_MISSING, 555},
    {"an entry more",
     "insert into ledger_entry select 602, leaf, salt, detail from ledger_entry where id = 9",
     VERIFY_ENTRY_EXTRA, 602},
    {"a stored subtree",
     "update ledger_node set hash = zeroblob(32) where tree = 1 and level = 8 and idx = 1", VERIFY_NODE, 256},
    {"a subtree is gone", "delete from ledger_node where tree = 0 and level = 9", VERIFY_NODE, 0},
    {"the head", "update ledger_head set root = zeroblob(32) where tree = 1", VERIFY_HEAD, 601},
    {"a checkpoint's text",
     "update ledger_checkpoint set note = replace(note, 'gusu', 'susu') where tree = 0",
     VERIFY_CHECKPOINT_SIGNATURE, 601},
    {"a checkpoint of another size", "update ledger_checkpoint set size = 600 where size = 602 and tree = 1",
     VERIFY_CHECKPOINT_ROOT, 599},
    {"an audit row's actor", "update core_act set actor_name = 'another' where entry = 44", VERIFY_ACT, 44},
    {"an audit row's object name", "update core_act set object_name = '勿' where entry = 45", VERIFY_ACT, 45},
    {"an audit row's time", "update core_act set time_ms = time_ms - 1 where entry = 46", VERIFY_ACT, 46},
    {"an audit row's office", "update core_act set office = 'x' where entry = 47", VERIFY_ACT, 47},
    {"an audit row's address", "update core_act set peer = '10.0.0.1' where entry = 47", VERIFY_ACT, 47},
    {"an audit row is gone", "delete from core_act where entry = 48", VERIFY_ACT_MISSING, 48},
    {"an audit row more",
     "insert into core_act select null, time_ms, actor, actor_name, actor_office, verb, object_kind,"
     " object, object_name, office, trace, before_digest, after_digest, detail, 601, peer from core_act "
     "where entry = 600",
     VERIFY_ACT_EXTRA, 601},
    {"what the two trees say of each other",
     "update ledger_entry set leaf = cast(replace(leaf, ':601', ':600') as blob) where id = 601",
     VERIFY_CLEAR, 601},
};

static void every_change_is_named(void **state) {
    struct fixture *f = *state;
    if (on_postgres()) skip(); // changes are written in the words of the file's engine
    help_acts(f, 600);
    fixture_call(f, "POST", "/t/put", "{\"clear\":true,\"office\":\"sz-a\"}");
    assert_status(f, 200);
    // 600 acts and the clear one; the job crosses over 601 and makes entry 601.
    help_job(f);
    assert_int_equal(help_size(f), 602);
    check(f);
    assert_int_equal(report.faults_n, 0);
    sql(f, "VACUUM");
    char cmd[256];
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        // Made on the stopped city; a copy kept before is put back afterwards.
        fixture_stop(f);
        snprintf(cmd, sizeof cmd, "cp %s/gusu.db %s/kept", f->folder, f->folder);
        assert_int_equal(system(cmd), 0);
        sql(f, changes[i].sql);
        check(f);
        if (!has_fault(changes[i].fault, changes[i].index)) fail_msg("%s", changes[i].what);
        snprintf(cmd, sizeof cmd, "rm -f %s/gusu.db-*; mv %s/kept %s/gusu.db", f->folder, f->folder,
                 f->folder);
        assert_int_equal(system(cmd), 0);
        fixture_start(f);
    }
    check(f);
    assert_int_equal(report.faults_n, 0);
}

static void erased_details_pass(void **state) {
    struct fixture *f = *state;
    help_acts(f, 10);
    sql(f, "update ledger_entry set salt = null, detail = null where id in (3, 4)");
    check(f);
    assert_int_equal(report.faults_n, 0);
    assert_int_equal(report.erased, 2);
    // Half erased is not erased.
    sql(f, "update ledger_entry set salt = null where id = 5");
    check(f);
    assert_true(has_fault(VERIFY_COMMITMENT, 5));
}

// --- calls: notes of the shape that exchange writes ---
struct call {
    int64_t grant, rows, bytes;
    int64_t entry;
    const char *kind;
    int64_t begin, status;
};

static int put_call(struct cx *cx, void *arg) {
    struct call *c = arg;
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

static int64_t call_entry(struct fixture *f, const char *kind, int64_t grant, int64_t rows, int64_t bytes,
                          int64_t begin, int64_t status) {
    struct call c = {
        .kind = kind, .grant = grant, .rows = rows, .bytes = bytes, .begin = begin, .status = status};
    struct cx cx;
    core_cx(&cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
    assert_int_equal(cx_write(&cx, put_call, &c), OK);
    return c.entry;
}

static void calls_add_up(void **state) {
    struct fixture *f = *state;
    char text[1000];
    int64_t day = (fixture_now_ms + CHINA_OFFSET_MS) / DAY_MS, t = fixture_now_ms;
    int64_t a = call_entry(f, "exchange.call", 1, 10, 100, -1, 0),
            b = call_entry(f, "exchange.verify", 1, 0, 50, -1, 0),
            c = call_entry(f, "exchange.call", 2, 5, 70, -1, 0),
            p = call_entry(f, "exchange.proxy", 2, 0, 0, -1, 0);
    call_entry(f, "exchange.proxy.done", 2, 0, 30, p, 200);
    snprintf(text, sizeof text,
             "insert into exchange_call(grant_id, entry, key_id, time_ms, rows, bytes, status) values"
             "(1,%lld,9,%lld,10,100,null),(1,%lld,9,%lld,0,50,null),(2,%lld,9,%lld,5,70,null),(2,%lld,9,%lld,"
             "0,30,200);"
             "insert into exchange_meter(grant_id, day, calls, rows, bytes, last_ms) values "
             "(1,%lld,2,10,150,0),(2,%lld,2,5,100,0)",
             (long long)a, (long long)t, (long long)b, (long long)t, (long long)c, (long long)t, (long long)p,
             (long long)t, (long long)day, (long long)day);
    sql(f, text);
    check(f);
    if (report.faults_n) has_fault(VERIFY_LEAF, -5);
    assert_int_equal(report.faults_n, 0);
    assert_int_equal(report.calls, 4);
    assert_int_equal(report.meters, 2);
    sql(f, "update exchange_call set rows = 9 where entry = 0");
    check(f);
    assert_true(has_fault(VERIFY_CALL, 0));
    sql(f, "update exchange_call set rows = 10 where entry = 0; update exchange_call set status = 500 where "
           "entry = 3");
    check(f);
    assert_true(has_fault(VERIFY_CALL, 3));
    sql(f, "update exchange_call set status = 200 where entry = 3; insert into exchange_call values (1, 4, "
           "9, 1, 1, 1, null, null)");
    check(f);
    assert_true(has_fault(VERIFY_CALL_EXTRA, 4));
    sql(f,
        "delete from exchange_call where entry = 4; update exchange_meter set calls = 1 where grant_id = 1");
    check(f);
    assert_true(has_fault(VERIFY_METER, -1));
    sql(f, "delete from exchange_meter where grant_id = 1");
    check(f);
    assert_true(has_fault(VERIFY_METER, -1));
    assert_int_equal(report.faults_n, 1);
}

// --- receipts ---
static void receipts(void **state) {
    struct fixture *f = *state;
    static const char *const trees[] = {"sha256", "sm3"};
    struct verify_trust keys, none = {0};
    struct ledger_entry e;
    struct str note;
    struct err err = {0};
    char path[80];
    help_acts(f, 777);
    own_keys(f, &keys);
    int64_t at[] = {0, 1, 255, 256, 700, 776};
    for (size_t i = 0; i < 2 * sizeof at / sizeof at[0]; i++) {
        fixture_as(f, i % 4 < 2 ? 0 : 3, i % 4 < 2 ? NULL : "sj", "sz-x", R_(AUDITOR));
        snprintf(path, sizeof path, "/api/v1/ledger/entries/%lld/receipt?tree=%s", (long long)at[i / 2],
                 trees[i % 2]);
        fixture_call(f, "GET", path, NULL);
        assert_status(f, 200);
        struct str text = str_copy(&f->mem, f->body);
        int code = verify_receipt(&f->mem, text, &keys, &e, &note, &err);
        if (code != OK) fprintf(stderr, "%s: %s\n%.*s\n", path, err.field, STRF(text));
        assert_int_equal(code, OK);
        assert_int_equal(e.index, at[i / 2]);
        assert_int_equal(e.detail.p != NULL, i % 4 >= 2);
        assert_int_equal(verify_receipt(&f->mem, text, &none, &e, &note, &err), ERR_receipt);
        // Any byte changed: refused, or (in a signature line of a key that is not asked) without consequence.
        if (i > 3) continue;
        struct str mark = S("\n\n");
        size_t proof_end = (size_t)((char *)memmem(text.p, text.n, mark.p, mark.n) - text.p);
        char *copy = str_z(&f->mem, text);
        for (size_t k = 0; k < proof_end + 60 && k < text.n; k++) {
            copy[k] ^= 1;
            if (verify_receipt(&f->mem, (struct str){copy, text.n}, &keys, &e, &note, &err) == OK)
                fail_msg("%s: byte %zu of %s", path, k, copy);
            copy[k] ^= 1;
        }
        for (size_t k = 0; k < proof_end + 2; k += 3)
            assert_int_not_equal(verify_receipt(&f->mem, (struct str){copy, k}, &keys, &e, &note, &err), OK);
    }
    verify_keys_close(&keys);
}

// A key that is not this ledger's: every checkpoint is refused.
static void strange_keys(void **state) {
    struct fixture *f = *state;
    struct verify_trust keys = {0};
    struct err e = {0};
    help_acts(f, 3);
    help_job(f);
    assert_int_equal(sign_make(SIGN_ED25519, &keys.key[0], &e), OK);
    keys.name[0] = str_of(f->city.origin);
    keys.n = 1;
    assert_int_equal(verify_folder(STORE_OF(f), &keys, true, &report, &e), OK);
    assert_true(report.faults_n > 0);
    assert_int_equal(report.faults[0].what, VERIFY_CHECKPOINT_SIGNATURE);
    verify_keys_close(&keys);
    assert_int_not_equal(verify_key_add(&f->mem, &keys, S("gusu.local/ledger+00000000+AAAA"), &e), OK);
}

// Somebody took a checkpoint away; later the folder is made anew, shorter or other, and signed with the same keys.
static void noted_earlier(void **state) {
    if (on_postgres()) skip(); // keeps a copy of the file
    struct fixture *f = *state;
    struct verify_trust trust;
    struct err e = {0};
    char cmd[400], path[128];
    help_acts(f, 300);
    fixture_stop(f);
    snprintf(cmd, sizeof cmd, "cp -r %s %s-early", f->folder, f->folder);
    assert_int_equal(system(cmd), 0);
    fixture_start(f);
    help_acts(f, 50);
    fixture_call(f, "GET", "/api/v1/ledger/entries/349/receipt?tree=sm3", NULL); // a receipt will do as well
    assert_status(f, 200);
    snprintf(path, sizeof path, "%s-early/noted", f->folder);
    assert_int_equal(file_write(path, f->body, 0644, &e), OK);
    own_keys(f, &trust);
    assert_int_equal(verify_note_add(&f->mem, &trust, path, &e), OK);
    assert_int_equal(verify_folder(STORE_OF(f), &trust, true, &report, &e), OK);
    assert_int_equal(report.faults_n, 0);
    // The early copy is sound in itself, but 50 entries are gone.
    char early[100];
    snprintf(early, sizeof early, "%s-early", f->folder);
    assert_int_equal(verify_folder(early, &trust, true, &report, &e), OK);
    assert_int_equal(report.faults_n, 1);
    assert_true(has_fault(VERIFY_NOTED, 300));
    trust.note[0].n -= 9;
    assert_int_equal(verify_folder(STORE_OF(f), &trust, true, &report, &e), ERR_receipt);
    verify_keys_close(&trust);
    snprintf(cmd, sizeof cmd, "rm -rf %s-early", f->folder);
    assert_int_equal(system(cmd), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sound, setup, teardown),
        cmocka_unit_test_setup_teardown(every_change_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(erased_details_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(calls_add_up, setup, teardown),
        cmocka_unit_test_setup_teardown(receipts, setup, teardown),
        cmocka_unit_test_setup_teardown(strange_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(noted_earlier, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
