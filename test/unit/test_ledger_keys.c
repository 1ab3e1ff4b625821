// SPDX-License-Identifier: MulanPSL-2.0
// With which keys and under which names the ledger signs: rotation and what is left of one that was interrupted, sealed
// keys, restores with and without keys, twice from one backup, and with witnesses that vouch or know better. After each,
// every checkpoint ever served holds under exactly one line of ledger.vkey, and no two of one name contradict.
#include "app/verify.h"
#include "base/file.h"
#include "ledger_help.h"
#include "mod/ledger/keys.h"
#include "mod/ledger/witness.h"

#define LOG "log.example/city"
static struct str seen[64]; // checkpoints served, for the end
static int seen_n;
static struct verify_report report;

static int setup(void **state) {
    static struct fixture f;
    fixture_now_ms = 1794182400000;
    fixture_origin = LOG;
    fixture_fetch = NULL;
    seen_n = 0;
    fixture_open(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    fixture_close(*state);
    return 0;
}

static struct str ask(struct fixture *f, const char *path) {
    fixture_call(f, "GET", path, NULL);
    assert_status(f, 200);
    return str_copy(&f->mem, f->body);
}

static void note_seen(struct fixture *f) {
    assert_true(seen_n + 2 <= 64);
    seen[seen_n++] = ask(f, "/ledger/checkpoint");
    seen[seen_n++] = ask(f, "/ledger/sm3/checkpoint");
}

static void live(struct fixture *f, int acts) {
    help_acts(f, acts);
    fixture_now_ms += 61000;
    help_job(f);
    note_seen(f);
}

static void rotate(struct fixture *f, int want) {
    struct cx cx;
    core_cx(&cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
    assert_int_equal(ledger_rotate(&cx), want);
}

static struct verify_trust history(struct fixture *f) {
    struct verify_trust trust = {0};
    struct err e = {0};
    char path[200];
    snprintf(path, sizeof path, "%s/ledger.vkey", f->folder);
    assert_int_equal(verify_key_add(&f->mem, &trust, str_of(path), &e), OK);
    return trust;
}

// How many single keys of the history accept it.
static int accepted(struct fixture *f, const struct verify_trust *all, struct str note, int tree) {
    int n = 0;
    for (int i = 0; i < all->n; i++) {
        struct verify_trust one = {.n = 1};
        uint64_t size;
        uint8_t root[HASH_BYTES];
        one.key[0] = all->key[i];
        one.name[0] = all->name[i];
        one.from_size[0] = all->from_size[i];
        one.to_size[0] = all->to_size[i];
        n += verify_signed(&f->mem, &one, note, tree, NULL, &size, root);
    }
    return n;
}

static void all_hold(struct fixture *f) {
    struct verify_trust trust = history(f);
    struct err e = {0};
    for (int i = 0; i < seen_n; i++)
        assert_int_equal(accepted(f, &trust, seen[i], i % 2), 1);
    int code = verify_folder(STORE_OF(f), &trust, true, &report, &e);
    assert_int_equal(code, OK);
    for (int i = 0; i < report.faults_n && i < 5; i++)
        fprintf(stderr, "fault %s %s\n", verify_word(report.faults[i].what, false), report.faults[i].where);
    assert_int_equal(report.faults_n, 0);
    verify_keys_close(&trust);
}

static bool has_file(struct fixture *f, const char *name) {
    char path[200];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    return file_exists(path);
}

// The clear part of the newest entry of a kind.
static struct json told(struct fixture *f, const char *kind) {
    char path[100];
    snprintf(path, sizeof path, "/api/v1/ledger/entries?kind=%s&limit=1", kind);
    ask(f, path);
    return json_get(json_at(json_get(f->json, S("items")), 0), S("clear"));
}

static void keys_rotate(void **state) {
    struct fixture *f = *state;
    struct str first = ask(f, "/ledger/vkey"), first_sm3 = ask(f, "/ledger/sm3/vkey");
    live(f, 5);
    struct str receipt = ask(f, "/api/v1/ledger/entries/2/receipt");
    rotate(f, OK);
    note_seen(f);
    struct str second = ask(f, "/ledger/vkey");
    assert_false(str_eq(first, second));
    assert_false(has_file(f, "ledger-ed25519.next.pem") || has_file(f, "ledger-sm2.next.pem"));
    // The entry carries a note that the old keys signed and that names the new ones.
    struct json clear = told(f, "ledger.rotate");
    struct str note = json_text(json_get(clear, S("note"))), body, name;
    struct sign_key *old;
    struct err e = {0};
    assert_int_equal(note_read_vkey(&f->mem, str_trim(first), &name, &old, &e), OK);
    assert_true(note_check(&f->mem, note, old, name, &body));
    assert_true(str_has(body, str_trim(second)));
    assert_true(str_starts(body, S("gusu-key-rotation/v1\n" LOG "\nfrom ")));
    sign_close(old);
    live(f, 5);
    rotate(f, OK);
    rotate(f, OK); // with nothing between but what rotations themselves say
    live(f, 5);
    fixture_again(f);
    note_seen(f);
    live(f, 1);
    ask(f, "/api/v1/ledger/keys");
    assert_int_equal(json_count(json_get(f->json, S("items"))), 8);
    struct str lines = ask(f, "/ledger/vkeys"), line = str_cut(lines, '\n', &lines);
    int64_t from;
    struct str rest;
    assert_true(str_eq(str_cut(line, ' ', &rest), str_trim(ask(f, "/ledger/vkey"))) &&
                str_int64(rest, &from));
    all_hold(f);
    // Whoever noted the two first keys and nothing since can judge all of it: each rotation vouches for the next keys.
    struct verify_trust noted = {0};
    assert_int_equal(verify_key_add(&f->mem, &noted, first, &e), OK);
    assert_int_equal(verify_key_add(&f->mem, &noted, first_sm3, &e), OK);
    for (int i = 0; i < seen_n; i++)
        noted.note[i] = seen[i];
    noted.notes_n = seen_n;
    assert_int_equal(verify_folder(STORE_OF(f), &noted, true, &report, &e), OK);
    assert_int_equal(report.faults_n, 0);
    assert_int_equal(noted.n, 2);
    // Somebody else's keys get him nowhere.
    verify_keys_close(&noted);
    noted = (struct verify_trust){0};
    for (int kind = SIGN_ED25519; kind <= SIGN_SM2; kind++) {
        assert_int_equal(sign_make((enum sign_kind)kind, &noted.key[noted.n], &e), OK);
        noted.name[noted.n] = kind == SIGN_SM2 ? S(LOG "/sm3") : S(LOG);
        noted.to_size[noted.n++] = -1;
    }
    assert_int_equal(verify_folder(STORE_OF(f), &noted, true, &report, &e), OK);
    assert_true(report.faults_n >= 2);
    assert_int_equal(report.faults[0].what, VERIFY_CHECKPOINT_SIGNATURE);
    verify_keys_close(&noted);
    // A receipt of the first key's time still holds.
    struct verify_trust trust = history(f);
    struct ledger_entry entry = {0};
    assert_int_equal(verify_receipt(&f->mem, receipt, &trust, &entry, &note, &e), OK);
    assert_int_equal(entry.index, 2);
    // What the first key signs today is not the log's word.
    trust.to_size[trust.n - 1] = trust.to_size[trust.n - 2] = 3;
    assert_int_equal(verify_receipt(&f->mem, receipt, &trust, &entry, &note, &e), ERR_receipt);
    verify_keys_close(&trust);
}

static void interrupted(void **state) {
    struct fixture *f = *state;
    char a[200], b[200], cmd[900];
    live(f, 5);
    struct str first = ask(f, "/ledger/vkey");
    // Before its entry: the new keys were made, nobody was told. They go.
    snprintf(a, sizeof a, "%s/ledger-ed25519.pem", f->folder);
    snprintf(b, sizeof b, "%s/ledger-ed25519.next.pem", f->folder);
    snprintf(cmd, sizeof cmd, "openssl genpkey -algorithm ed25519 -out '%s' && cp '%s' '%s.old'", b, a, a);
    assert_int_equal(system(cmd), 0);
    fixture_again(f);
    assert_false(has_file(f, "ledger-ed25519.next.pem"));
    assert_true(str_eq(first, ask(f, "/ledger/vkey")));
    // After its entry: one key has its label, the other not yet.
    rotate(f, OK);
    struct str second = ask(f, "/ledger/vkey");
    snprintf(cmd, sizeof cmd, "mv '%s' '%s' && mv '%s.old' '%s'", a, b, a, a);
    fixture_stop(f);
    assert_int_equal(system(cmd), 0);
    fixture_start(f);
    assert_true(str_eq(second, ask(f, "/ledger/vkey")));
    assert_false(has_file(f, "ledger-ed25519.next.pem"));
    live(f, 3);
    all_hold(f);
    // Another key in its place is refused, and so is none.
    fixture_stop(f);
    struct err e = {0};
    for (int i = 0; i < 2; i++) {
        snprintf(cmd, sizeof cmd,
                 i ? "rm '%s'" : "cp '%s' '%s.kept' && openssl genpkey -algorithm ed25519 -out '%s'", a, a,
                 a);
        assert_int_equal(system(cmd), 0);
        f->city = (struct city){.folder = f->folder, .store_url = f->city.store_url, .now_ms = fixture_clock};
        snprintf(f->city.origin, sizeof f->city.origin, LOG);
        assert_int_equal(city_open(&f->city, &e), ERR_ledger_key);
        city_close(&f->city);
    }
    snprintf(cmd, sizeof cmd, "mv '%s.kept' '%s'", a, a);
    assert_int_equal(system(cmd), 0);
    fixture_start(f);
}

// Another node over the same store rotates the keys: this one holds the old ones and must not sign with them any more.
static int end_keys(struct cx *cx, void *arg) {
    const int64_t to = *(int64_t *)arg;
    int code = OK;
    for (int t = 0; t < LEDGER_TREES && code == OK; t++)
        code = store_exec(cx->db, NULL, &cx->err, Q_ledger_key_end, "si", keys_vkey(cx->city, t), to);
    return code;
}

static void elsewhere(void **state) {
    struct fixture *f = *state;
    struct cx cx;
    live(f, 3);
    ask(f, "/api/v1/ledger");
    int64_t to = fixture_int(f, "size") + 1;
    core_cx(&cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
    assert_int_equal(cx_write(&cx, end_keys, &to), OK);
    help_acts(f, 1);
    assert_int_equal(checkpoint_sign(&cx), OK); // the last size that is theirs
    help_acts(f, 1);
    assert_int_equal(checkpoint_sign(&cx), ERR_ledger_key);
    ask(f, "/api/v1/ledger");
    assert_int_equal(fixture_int(f, "signed_size"), to);
}

static void sealed(void **state) {
    struct fixture *f = *state;
    struct err e = {0};
    live(f, 2);
    struct str vkey = ask(f, "/ledger/vkey");
    static const char *const files[] = {"key.bin", "ledger-ed25519.pem", "ledger-sm2.pem", "witness.pem"};
    for (int i = 0; i < 4; i++) {
        char path[200];
        struct str clear;
        bool is_sealed;
        snprintf(path, sizeof path, "%s/%s", f->folder, files[i]);
        assert_int_equal(secret_file_read(&f->mem, f->hasher, path, STR_NONE, &clear, &is_sealed, &e), OK);
        assert_false(is_sealed);
        assert_int_equal(secret_file_write(&f->mem, f->hasher, path, clear, S("a long passphrase"), &e), OK);
    }
    fixture_stop(f);
    f->city = (struct city){.folder = f->folder, .store_url = f->city.store_url, .now_ms = fixture_clock};
    assert_int_equal(city_open(&f->city, &e), ERR_passphrase);
    city_close(&f->city);
    f->city = (struct city){.folder = f->folder,
                            .store_url = f->city.store_url,
                            .now_ms = fixture_clock,
                            .passphrase = S("a long passphrase")};
    snprintf(f->city.origin, sizeof f->city.origin, LOG);
    assert_int_equal(city_open(&f->city, &e), OK);
    assert_int_equal(store_conn_open(f->city.store, &f->conn, &e), OK);
    f->hasher = hasher_open();
    assert_true(str_eq(vkey, ask(f, "/ledger/vkey")));
    rotate(f, OK); // the new keys are sealed as the old ones were
    char path[200];
    struct str text;
    snprintf(path, sizeof path, "%s/ledger-sm2.pem", f->folder);
    assert_int_equal(file_read(&f->mem, path, 65536, &text, &e), OK);
    assert_true(secret_is_sealed(text));
    live(f, 2);
    all_hold(f);
}

// --- restores ---
static void save(struct fixture *f, const char *name) {
    char cmd[400];
    fixture_stop(f);
    snprintf(cmd, sizeof cmd, "rm -rf '%s.%s' && cp -r '%s' '%s.%s'", f->folder, name, f->folder, f->folder,
             name);
    assert_int_equal(system(cmd), 0);
    fixture_start(f);
}
static void restore(struct fixture *f, const char *name, const char *marker, bool with_keys) {
    char cmd[400];
    fixture_stop(f);
    snprintf(cmd, sizeof cmd, "rm -rf '%s' && cp -r '%s.%s' '%s' && printf '%%s' '%s' >'%s/restored.json'",
             f->folder, f->folder, name, f->folder, marker, f->folder);
    assert_int_equal(system(cmd), 0);
    snprintf(cmd, sizeof cmd, "rm '%s'/ledger-*.pem", f->folder);
    if (!with_keys) assert_int_equal(system(cmd), 0);
    fixture_start(f);
}
static void forget(struct fixture *f, const char *name) {
    char cmd[400];
    snprintf(cmd, sizeof cmd, "rm -rf '%s.%s'", f->folder, name);
    assert_int_equal(system(cmd), 0);
}

static struct str origin(struct fixture *f) {
    ask(f, "/api/v1/ledger");
    return str_copy(&f->mem, fixture_text(f, "origin"));
}

// No two of them have one name and one size and differ in the root; and within a name each fits the tree of today, or
// the name was left behind.
static void none_contradict(void) {
    for (int i = 0; i < seen_n; i++)
        for (int k = 0; k < i; k++) {
            struct str a, b, ra = seen[i], rb = seen[k];
            const bool same = str_eq(str_cut(ra, '\n', &ra), str_cut(rb, '\n', &rb)) &&
                              str_eq(str_cut(ra, '\n', &ra), str_cut(rb, '\n', &rb));
            a = str_cut(ra, '\n', &ra);
            b = str_cut(rb, '\n', &rb);
            assert_true(!same || str_eq(a, b));
        }
}

static void restored(void **state) {
    if (on_postgres()) skip(); // an older file is put back
    struct fixture *f = *state;
    struct str names[4];
    live(f, 6);
    struct str receipt = ask(f, "/api/v1/ledger/entries/3/receipt");
    struct str old_root = (ask(f, "/api/v1/ledger"), str_copy(&f->mem, fixture_text(f, "root_sha256")));
    int64_t old_size = fixture_int(f, "size");
    struct str wit = ask(f, "/ledger/witness/vkey");
    save(f, "backup");
    live(f, 9); // lost: signed, and then the disk dies
    for (int i = 0; i < 3; i++) {
        // Twice with the keys, once without; a marker that says nothing, or nothing readable.
        restore(f, "backup", i == 0 ? "{}" : i == 1 ? "not json" : "{\"checkpoint\":7}", i < 2);
        assert_false(has_file(f, "restored.json"));
        names[i] = origin(f);
        assert_true(str_starts(names[i], S(LOG "/r1-")));
        assert_int_equal(fixture_int(f, "size"), old_size + 1);
        assert_int_equal(fixture_int(f, "signed_size"), old_size + 1);
        assert_false(str_eq(wit, ask(f, "/ledger/witness/vkey")));
        struct json c = told(f, "ledger.origin");
        int64_t size;
        uint8_t want[HASH_BYTES];
        struct str raw;
        assert_true(str_eq(json_text(json_get(c, S("old_origin"))), S(LOG)));
        assert_true(str_eq(json_text(json_get(c, S("origin"))), names[i]));
        assert_true(json_int(json_get(c, S("old_size")), &size) && size == old_size);
        assert_true(str_unhex(old_root, want, HASH_BYTES));
        assert_true(str_unbase64(&f->mem, json_text(json_get(c, S("sha256"))), false, &raw) &&
                    raw.n == HASH_BYTES);
        assert_memory_equal(raw.p, want, HASH_BYTES);
        assert_true(str_starts(json_text(json_get(c, S("known"))), S(LOG "\n")));
        live(f, 4 + i);
        fixture_again(f); // the name stays
        assert_true(str_eq(names[i], origin(f)));
        none_contradict();
    }
    assert_false(str_eq(names[0], names[1]) || str_eq(names[1], names[2]));
    // Of the histories only the last one is in the folder; what the others served holds under keys noted then.
    seen_n = 0;
    live(f, 2);
    all_hold(f);
    struct verify_trust trust = history(f);
    struct ledger_entry entry = {0};
    struct str note;
    struct err e = {0};
    assert_int_equal(verify_receipt(&f->mem, receipt, &trust, &entry, &note, &e), OK); // of the first name
    verify_keys_close(&trust);
    rotate(f, OK);
    live(f, 1);
    save(f, "backup");
    restore(f, "backup", "{}", true);
    names[3] = origin(f);
    assert_true(str_starts(names[3], S(LOG "/r2-")));
    all_hold(f);
    forget(f, "backup");
}

// --- with a witness that was there all the time ---
static struct {
    struct sign_key *key;
    struct str note; // what its read side shows; STR_NONE: it never saw the log
    bool is_away;
} wit;

static int wit_answers(struct city *city, struct arena *mem, struct str verb, struct str url, struct str type,
                       struct str body, int timeout_ms, int *ret_status, struct str *ret_type,
                       struct str *ret_body, bool *ret_maybe_done, struct err *e) {
    (void)city, (void)mem, (void)url, (void)type, (void)body, (void)timeout_ms, (void)ret_maybe_done;
    assert_true(str_eq(verb, S("GET")) && str_ends(url, S("/checkpoint")));
    if (wit.is_away) return err_set(e, ERR_net, "", "wit");
    *ret_status = wit.note.p ? 200 : 404;
    *ret_type = S("text/plain");
    *ret_body = wit.note;
    return OK;
}

static void wit_sees(struct fixture *f) {
    struct str body, line, note = ask(f, "/ledger/checkpoint");
    struct err e = {0};
    assert_true(note_split(note, &body));
    assert_int_equal(cosign_line(&f->mem, body, wit.key, S("wit.example/w"), 1794182400, &line, &e), OK);
    wit.note = str_print(&f->mem, "%.*s%.*s", STRF(note), STRF(line));
}

static void vouched(void **state) {
    if (on_postgres()) skip(); // an older file is put back
    struct fixture *f = *state;
    struct err e = {0};
    char path[200];
    assert_int_equal(sign_make(SIGN_ED25519, &wit.key, &e), OK);
    struct str vkey = cosign_vkey(&f->mem, wit.key, S("wit.example/w"));
    snprintf(path, sizeof path, "%s/" LEDGER_POLICY_FILE, f->folder);
    assert_int_equal(
        file_write(path, str_print(&f->mem, "witness w %.*s https://wit.example\nquorum w\n", STRF(vkey)),
                   0600, &e),
        OK);
    fixture_fetch = wit_answers;
    live(f, 6);
    wit_sees(f);
    save(f, "backup");
    const char *may = "{\"may_continue\":true}";
    // It saw exactly this: the name stays when the operator asked for that, and only then. The witness's name never does.
    struct str witness_name = ask(f, "/ledger/witness/vkey");
    restore(f, "backup", "{}", true);
    assert_true(str_starts(origin(f), S(LOG "/r1-")));
    restore(f, "backup", may, true);
    assert_true(str_eq(origin(f), S(LOG)));
    assert_false(str_eq(witness_name, ask(f, "/ledger/witness/vkey")));
    live(f, 2);
    all_hold(f);
    fixture_again(f);
    assert_true(str_eq(origin(f), S(LOG)));
    // Without the keys, with the witness away or never having seen the log, there is nothing to go on with.
    restore(f, "backup", may, false);
    assert_true(str_starts(origin(f), S(LOG "/r1-")));
    wit.is_away = true;
    restore(f, "backup", may, true);
    assert_true(str_starts(origin(f), S(LOG "/r1-")));
    wit.is_away = false;
    struct str held = wit.note;
    wit.note = STR_NONE;
    restore(f, "backup", may, true);
    assert_true(str_starts(origin(f), S(LOG "/r1-")));
    // It saw more than the backup holds: a new name, and the entry tells what was lost.
    wit.note = held;
    restore(f, "backup", may, true);
    assert_true(str_eq(origin(f), S(LOG)));
    live(f, 7);
    wit_sees(f);
    restore(f, "backup", may, true);
    assert_true(str_starts(origin(f), S(LOG "/r1-")));
    struct str known = json_text(json_get(told(f, "ledger.origin"), S("known")));
    assert_true(str_eq(known, wit.note));
    live(f, 1);
    none_contradict();
    sign_close(wit.key);
    forget(f, "backup");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_rotate, setup, teardown),
        cmocka_unit_test_setup_teardown(interrupted, setup, teardown),
        cmocka_unit_test_setup_teardown(elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(sealed, setup, teardown),
        cmocka_unit_test_setup_teardown(restored, setup, teardown),
        cmocka_unit_test_setup_teardown(vouched, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
