// SPDX-License-Identifier: MulanPSL-2.0
// Two cities without a socket: one is the log, the other the witness. What the witness answers to each kind of
// checkpoint, a fork among them; what the log makes of the answers; witnesses that are away; data that were rolled
// back behind what a witness holds.
#include "ledger_help.h"
#include "base/file.h"
#include "mod/ledger/keys.h"
#include "mod/ledger/witness.h"
#include <sys/stat.h>

struct pair {
    struct fixture log, wit;
    bool is_away;    // the witness does not answer
    int asked;       // add-checkpoint calls that reached it
    struct str edit; // answered in place of the cosignature
};
static struct pair *pair_of; // for fetch_out, which gets the log's city alone

static void write_in(struct fixture *f, const char *name, struct str text) {
    char path[200];
    struct err e = {0};
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    assert_int_equal(file_write(path, text, 0600, &e), OK);
}

static struct str ask(struct fixture *f, const char *path) {
    fixture_call(f, "GET", path, NULL);
    assert_status(f, 200);
    return str_copy(&f->mem, f->body);
}

// HTTP out of the log's city: straight into the witness's.
static int reach(struct city *city, struct arena *mem, struct str verb, struct str url, struct str type,
                 struct str body, int timeout_ms, int *ret_status, struct str *ret_type, struct str *ret_body,
                 bool *ret_maybe_done, struct err *e) {
    struct pair *p = pair_of;
    (void)city, (void)type, (void)timeout_ms, (void)ret_maybe_done;
    const struct str base = S("https://wit.example/ledger/witness");
    assert_true(str_starts(url, base));
    if (p->is_away) return err_set(e, ERR_net, "", "wit.example");
    p->asked += str_eq(verb, S("POST"));
    char *path = str_z(mem, str_print(mem, "/ledger/witness%.*s", (int)(url.n - base.n), url.p + base.n));
    fixture_call(&p->wit, str_z(mem, verb), path, body.p ? str_z(mem, body) : NULL);
    *ret_status = p->wit.status;
    *ret_type = p->wit.cx.reply.type;
    *ret_body = str_copy(mem, p->edit.p && str_eq(verb, S("POST")) ? p->edit : p->wit.body);
    return OK;
}

static void open_one(struct fixture *f, const char *origin) {
    struct err e = {0};
    *f = (struct fixture){.folder = "/tmp/gusu-test-XXXXXX"};
    assert_non_null(mkdtemp(f->folder));
    arena_init(&f->mem, 0);
    fixture_as(f, 0, NULL, NULL, 0);
    fixture_origin = origin;
    fixture_start(f);
    (void)e;
}

static void again(struct fixture *f, const char *origin) {
    fixture_stop(f);
    fixture_origin = origin;
    fixture_fetch = reach;
    fixture_start(f);
    f->city.fetch_out = reach;
}
#define LOG "log.example/city"
#define WIT "wit.example/city"

static void trust(struct pair *p) {
    struct str vkey = str_trim(ask(&p->log, "/ledger/vkey"));
    write_in(&p->wit, LEDGER_LOGS_FILE, str_print(&p->wit.mem, "# whom we witness\nlog %.*s\n", STRF(vkey)));
}

static void appoint(struct pair *p, const char *more) {
    struct str vkey = str_trim(ask(&p->wit, "/ledger/witness/vkey"));
    write_in(
        &p->log, LEDGER_POLICY_FILE,
        str_print(&p->log.mem, "witness w %.*s https://wit.example/ledger/witness/\n%s", STRF(vkey), more));
}

static int setup(void **state) {
    struct pair *p = calloc(1, sizeof *p);
    fixture_now_ms = 1794182400000;
    fixture_fetch = reach;
    open_one(&p->log, LOG);
    open_one(&p->wit, WIT);
    p->log.city.fetch_out = reach;
    pair_of = *state = p;
    trust(p);
    return 0;
}

static int teardown(void **state) {
    struct pair *p = *state;
    fixture_close(&p->log);
    fixture_close(&p->wit);
    free(p);
    return 0;
}

static void go_round(struct pair *p) {
    struct cx cx;
    core_cx(&cx, &p->log.city, &p->log.mem, p->log.conn, p->log.hasher, NULL);
    assert_int_equal(witness_round(&cx), OK);
}

// --- the witness ---
static int post(struct pair *p, struct str body) {
    fixture_call(&p->wit, "POST", "/ledger/witness/add-checkpoint", str_z(&p->wit.mem, body));
    return p->wit.status;
}

static struct str proof_text(struct fixture *f, uint64_t old, uint64_t size) {
    struct err e = {0};
    struct tree_reader r = {.db = f->conn, .hasher = f->hasher, .err = &e, .tree = 0};
    uint8_t hash[2 * MERKLE_LEVELS][HASH_BYTES];
    struct buf b = buf_new(&f->mem, 100, 10000);
    int n = 0;
    if (old > 0 && old < size)
        assert_int_equal(merkle_consistency(old, size, tree_read, &r, f->hasher, HASH_SHA256, hash, &n), OK);
    for (int i = 0; i < n; i++) {
        buf_put(&b, str_base64(&f->mem, hash[i], HASH_BYTES));
        buf_char(&b, '\n');
    }
    return buf_str(&b);
}

static struct str body_of(struct fixture *f, const char *old, struct str proof, struct str note) {
    return str_print(&f->mem, "old %s\n%.*s\n%.*s", old, STRF(proof), STRF(note));
}

// A note of the log's own key over any tree: what a log would send that shows two histories.
static struct str forged(struct pair *p, uint64_t size, const uint8_t root[HASH_BYTES]) {
    struct ledger_state *s = ledger_state(&p->log.city);
    struct err e = {0};
    struct str note, body = checkpoint_body(&p->log.mem, S(LOG), size, root);
    const struct sign_key *keys[] = {s->key[0]};
    const struct str names[] = {S(LOG)};
    assert_int_equal(note_sign(&p->log.mem, body, keys, names, 1, &note, &e), OK);
    return note;
}

static void answers(void **state) {
    struct pair *p = *state;
    struct fixture *f = &p->log, *w = &p->wit;
    help_acts(f, 5);
    help_job(f);
    struct str first = ask(f, "/ledger/checkpoint");
    struct str hash = witness_origin_hash(&f->cx, S(LOG));
    char path[200];
    snprintf(path, sizeof path, "/ledger/witness/%.*s/checkpoint", STRF(hash));
    fixture_call(w, "GET", path, NULL);
    assert_status(w, 404); // never seen
    assert_int_equal(post(p, body_of(f, "0", S(""), first)), 200);
    assert_true(str_starts(w->body, S("— " WIT "/witness ")));
    struct str line = str_copy(&w->mem, w->body), name, body;
    // The line is a cosignature of the witness's key over this very note.
    struct sign_key *k;
    struct err e = {0};
    int64_t time_s;
    assert_int_equal(cosign_read_vkey(&w->mem, str_trim(ask(w, "/ledger/witness/vkey")), &name, &k, &e), OK);
    assert_true(note_split(first, &body) && cosign_check(&w->mem, body, line, k, name, &time_s, NULL));
    assert_int_equal(time_s, fixture_now_ms / 1000);
    // The read side: body, the log's line that was good, ours; not the SM2 line that nobody here checked.
    struct str held = ask(w, path);
    assert_true(str_starts(held, body) && str_ends(held, line) && !str_has(held, S("/sm3 ")));
    sign_close(k);
    // The same again is cosigned again; the size it holds is told to whoever has another one.
    fixture_now_ms += 5000;
    assert_int_equal(post(p, body_of(f, "6", S(""), first)), 200);
    assert_int_equal(post(p, body_of(f, "0", S(""), first)), 409);
    assert_true(str_eq(w->body, S("6\n")) && str_eq(w->cx.reply.type, S("text/x.tlog.size")));
    assert_int_equal(post(p, body_of(f, "7", S(""), first)), 400);
    // It grows.
    help_acts(f, 300);
    help_job(f);
    struct str second = ask(f, "/ledger/checkpoint");
    struct str proof = proof_text(f, 6, 306);
    assert_true(str_has(second, S("\n306\n")));
    assert_int_equal(post(p, body_of(f, "6", S(""), second)), 422);                               // no proof
    assert_int_equal(post(p, body_of(f, "6", (struct str){proof.p, proof.n - 45}, second)), 422); // one short
    assert_int_equal(post(p, body_of(f, "3", proof_text(f, 3, 306), second)), 409);
    assert_int_equal(post(p, body_of(f, "6", proof, second)), 200);
    assert_int_equal(post(p, body_of(f, "306", proof, second)), 422); // proof for nothing
    assert_int_equal(post(p, body_of(f, "6", proof_text(f, 6, 306), first)), 409);
    // Restarted, it still knows.
    again(w, WIT);
    assert_int_equal(post(p, body_of(f, "6", S(""), first)), 409);
    assert_true(str_eq(w->body, S("306\n")));
}

static void forks_are_refused(void **state) {
    struct pair *p = *state;
    struct fixture *f = &p->log, *w = &p->wit;
    uint8_t root[HASH_BYTES] = {1}, empty[HASH_BYTES];
    help_acts(f, 5);
    help_job(f);
    struct str note = ask(f, "/ledger/checkpoint");
    // A tree of no entries has one root.
    assert_int_equal(post(p, body_of(f, "0", S(""), forged(p, 0, root))), 422);
    hash_one(f->hasher, HASH_SHA256, S(""), empty);
    assert_int_equal(post(p, body_of(f, "0", S(""), forged(p, 0, empty))), 200);
    assert_int_equal(post(p, body_of(f, "0", S(""), note)), 200);
    // Same size, another root; a longer one with a proof of another tree; with garbage; from the beginning again.
    assert_int_equal(post(p, body_of(f, "6", S(""), forged(p, 6, root))), 422);
    assert_int_equal(
        post(p, body_of(f, "6", S("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"), forged(p, 7, root))),
        422);
    assert_int_equal(post(p, body_of(f, "0", S(""), forged(p, 9, root))), 409);
    assert_int_equal(post(p, body_of(f, "6", S(""), forged(p, 5, root))), 400);
    assert_int_equal(post(p, body_of(f, "5", S(""), forged(p, 5, root))), 409);
    struct ledger_state *s = ledger_state(&w->city);
    assert_int_equal(s->size, 0); // and none of all this made an entry
    char path[200];
    struct str hash = witness_origin_hash(&f->cx, S(LOG));
    snprintf(path, sizeof path, "/ledger/witness/%.*s/checkpoint", STRF(hash));
    assert_true(str_has(ask(w, path), S("\n6\n")));
}

static void strangers(void **state) {
    struct pair *p = *state;
    struct fixture *f = &p->log, *w = &p->wit;
    help_acts(f, 5);
    help_job(f);
    struct str note = ask(f, "/ledger/checkpoint");
    // A log it does not know; a known name with nobody's signature, with a forged one.
    struct str own = ask(w, "/ledger/checkpoint");
    assert_int_equal(post(p, body_of(f, "0", S(""), own)), 404);
    char *bent = str_z(&f->mem, note);
    struct str sm3 = ask(f, "/ledger/sm3/checkpoint"), body;
    assert_true(note_split(note, &body));
    bent[sizeof LOG] = '5'; // the size in the second line
    assert_int_equal(post(p, body_of(f, "0", S(""), (struct str){bent, note.n})), 403);
    assert_int_equal(post(p, body_of(f, "0", S(""), sm3)), 404);
    struct sign_key *k;
    struct err e = {0};
    assert_int_equal(sign_make(SIGN_ED25519, &k, &e), OK);
    const struct sign_key *keys[] = {k};
    const struct str names[] = {S(LOG)};
    struct str other;
    assert_int_equal(note_sign(&f->mem, body, keys, names, 1, &other, &e), OK);
    assert_int_equal(post(p, body_of(f, "0", S(""), other)), 403);
    sign_close(k);
    // Form.
    static const char *const forms[] = {"",
                                        "old 0",
                                        "old 0\n",
                                        "old 0\n\n",
                                        "old 0\n\nx\n",
                                        "old 00\n\n%s",
                                        "old -1\n\n%s",
                                        "new 0\n\n%s",
                                        "old 0\nAA==\n\n%s",
                                        "old 0\nzz\n\n%s",
                                        "old 0\n%s",
                                        "old 0\n\n%s\nx"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct buf b = buf_new(&f->mem, 100, 10000);
        struct str form = str_of(forms[i]);
        const char *at = strstr(forms[i], "%s");
        buf_put(&b, at ? (struct str){form.p, (size_t)(at - form.p)} : form);
        if (at) buf_put(&b, note);
        if (at) buf_puts(&b, at + 2);
        if (post(p, buf_str(&b)) != 400) fprintf(stderr, "%s\n", forms[i]);
        assert_int_equal(w->status, 400);
    }
    struct buf many = buf_new(&f->mem, 100, 10000);
    buf_puts(&many, "old 5\n");
    for (int i = 0; i < WITNESS_PROOF_MAX + 1; i++)
        buf_puts(&many, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
    buf_char(&many, '\n');
    buf_put(&many, note);
    assert_int_equal(post(p, buf_str(&many)), 400);
    assert_int_equal(post(p, body_of(f, "0", S(""), note)), 200);
    // A mistake in the operator's file is not the caller's; without the file nobody is known.
    write_in(w, LEDGER_LOGS_FILE, S("log nonsense\n"));
    assert_int_equal(post(p, body_of(f, "6", S(""), note)), 500);
    write_in(w, LEDGER_LOGS_FILE, S(""));
    assert_int_equal(post(p, body_of(f, "6", S(""), note)), 404);
}

// --- the log ---
static bool is_witnessed(struct fixture *f, int64_t n) {
    char path[100];
    snprintf(path, sizeof path, "/api/v1/ledger/entries/%d", (int)n);
    ask(f, path);
    bool v = false;
    assert_true(json_bool(json_get(f->json, S("is_witnessed")), &v));
    return v;
}

static int64_t peer_int(struct fixture *f, const char *name) {
    int64_t v = -1;
    ask(f, "/api/v1/ledger");
    return json_int(json_get(json_at(json_get(f->json, S("witnesses")), 0), str_of(name)), &v) ? v : -1;
}

static void an_entry_is_witnessed(void **state) {
    struct pair *p = *state;
    struct fixture *f = &p->log;
    help_acts(f, 10);
    help_job(f);
    go_round(p); // no policy: nothing happens
    assert_int_equal(p->asked, 0);
    appoint(p, "quorum w\n");
    assert_false(is_witnessed(f, 3));
    fixture_call(f, "GET", "/ledger/witnessed/checkpoint", NULL);
    assert_status(f, 404);
    go_round(p);
    assert_int_equal(p->asked, 1);
    assert_true(is_witnessed(f, 3));
    assert_int_equal(peer_int(f, "size"), 11);
    assert_int_equal(fixture_int(f, "witnessed_size"), 11);
    assert_true(str_has(ask(f, "/ledger/checkpoint"), S("— " WIT "/witness ")));
    go_round(p); // nothing new: nobody is asked
    assert_int_equal(p->asked, 1);
    // New entries are signed first and witnessed later; a receipt of an old one keeps its witnesses.
    help_acts(f, 3);
    help_job(f);
    assert_false(is_witnessed(f, 11));
    assert_false(str_has(ask(f, "/ledger/checkpoint"), S(WIT)));
    assert_true(str_has(ask(f, "/ledger/witnessed/checkpoint"), S("\n11\n")));
    assert_true(str_has(ask(f, "/api/v1/ledger/entries/3/receipt"), S("— " WIT "/witness ")));
    assert_false(str_has(ask(f, "/api/v1/ledger/entries/11/receipt"), S(WIT)));
    go_round(p);
    assert_true(is_witnessed(f, 11));
    assert_true(str_has(ask(f, "/api/v1/ledger/entries/11/receipt"), S("— " WIT "/witness ")));
    // After a restart it is still so, without asking; then the witness is asked from the size it tells.
    int64_t before = p->asked;
    again(f, LOG);
    assert_true(is_witnessed(f, 11));
    assert_int_equal(p->asked, before);
    help_acts(f, 1);
    help_job(f);
    go_round(p);
    assert_int_equal(p->asked, before + 2); // 409 with the size, then the proof
    assert_int_equal(fixture_int(f, "failures"), -1);
    assert_int_equal(peer_int(f, "failures"), 0);
    assert_int_equal(help_size(f), fixture_int(f, "witnessed_size"));
}

static void a_witness_that_is_away(void **state) {
    struct pair *p = *state;
    struct fixture *f = &p->log;
    appoint(p, "quorum w\n");
    p->is_away = true;
    help_acts(f, 4);
    help_job(f);
    go_round(p);
    assert_int_equal(peer_int(f, "failures"), 1);
    assert_int_equal(fixture_int(f, "signed_size"), fixture_int(f, "size")); // signed all the same
    assert_false(is_witnessed(f, 1));
    // It is left alone for twice as long each time, up to five minutes, and asked at once when the clock is put back.
    int64_t waited = 0;
    for (int want = 2; want <= 12; want++) {
        int64_t step = 0;
        while (peer_int(f, "failures") < want) {
            fixture_now_ms += 500;
            step += 500;
            go_round(p);
        }
        assert_true(step >= waited && step <= WITNESS_BACK_OFF_MAX_MS);
        waited = step;
    }
    assert_int_equal(waited, WITNESS_BACK_OFF_MAX_MS);
    fixture_now_ms -= 86400000;
    go_round(p);
    assert_int_equal(peer_int(f, "failures"), 13);
    p->is_away = false;
    fixture_now_ms += 2 * 86400000;
    go_round(p);
    assert_int_equal(peer_int(f, "failures"), 0);
    assert_true(is_witnessed(f, 1));
    // One that answers nonsense, or with somebody else's line, has not cosigned.
    p->edit =
        S("— " WIT
          "/witness AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    help_acts(f, 1);
    help_job(f);
    go_round(p);
    assert_int_equal(peer_int(f, "failures"), 1);
    assert_false(is_witnessed(f, help_size(f) - 1));
}

static void the_quorum_decides(void **state) {
    struct pair *p = *state;
    struct fixture *f = &p->log;
    struct sign_key *k;
    struct err e = {0};
    assert_int_equal(sign_make(SIGN_ED25519, &k, &e), OK);
    struct str other = cosign_vkey(&f->mem, k, S("other.example/w"));
    sign_close(k);
    help_acts(f, 4);
    help_job(f);
    appoint(p,
            str_z(&f->mem, str_print(&f->mem, "witness x %.*s\ngroup g all w x\nquorum g\n", STRF(other))));
    go_round(p);
    assert_int_equal(p->asked, 1);
    assert_true(str_has(ask(f, "/ledger/checkpoint"), S("— " WIT "/witness "))); // served
    assert_false(is_witnessed(f, 1));                                            // not enough
    appoint(p,
            str_z(&f->mem, str_print(&f->mem, "witness x %.*s\ngroup g any w x\nquorum g\n", STRF(other))));
    go_round(p);
    assert_true(is_witnessed(f, 1));
    // A stricter policy counts for what was before as well, and a broken one is none.
    appoint(p, str_z(&f->mem, str_print(&f->mem, "witness x %.*s\nquorum x\n", STRF(other))));
    go_round(p);
    assert_false(is_witnessed(f, 1));
    write_in(f, LEDGER_POLICY_FILE, S("quorum nobody\n"));
    go_round(p);
    assert_false(is_witnessed(f, 1));
    appoint(p, "quorum none\n");
    go_round(p);
    assert_false(is_witnessed(f, 1));
}

// --- going back ---
static void copy_folder(const char *from, const char *to) {
    char cmd[300];
    snprintf(cmd, sizeof cmd, "rm -rf '%s' && cp -r '%s' '%s'", to, from, to);
    assert_int_equal(system(cmd), 0);
}

static void rolled_back(void **state) {
    if (on_postgres()) skip(); // puts an older file back
    struct pair *p = *state;
    struct fixture *f = &p->log;
    char aside[100];
    snprintf(aside, sizeof aside, "%s.aside", f->folder);
    appoint(p, "quorum w\n");
    help_acts(f, 10);
    help_job(f);
    go_round(p);
    fixture_stop(f);
    copy_folder(f->folder, aside);
    fixture_origin = LOG;
    fixture_start(f);
    f->city.fetch_out = reach;
    help_acts(f, 20);
    help_job(f);
    go_round(p);
    assert_true(is_witnessed(f, 25));
    fixture_stop(f);
    copy_folder(aside, f->folder); // no marker: nobody said that this is old
    fixture_start(f);
    f->city.fetch_out = reach;
    help_acts(f, 2);
    help_job(f);
    const int64_t size = help_size(f);
    assert_true(size < 20);
    go_round(p);
    bool is_behind = false;
    ask(f, "/api/v1/ledger");
    assert_true(json_bool(json_get(f->json, S("is_behind")), &is_behind) && is_behind);
    // Entries are still taken, none is signed any more, and whoever wants a receipt is told why there is none.
    int64_t signed_size = fixture_int(f, "signed_size");
    help_acts(f, 1);
    help_job(f);
    ask(f, "/api/v1/ledger");
    assert_int_equal(fixture_int(f, "signed_size"), signed_size);
    assert_int_equal(fixture_int(f, "size"), size + 1);
    char path[100];
    snprintf(path, sizeof path, "/api/v1/ledger/entries/%d/receipt", (int)size);
    fixture_call(f, "GET", path, NULL);
    assert_status(f, 503);
    again(f, LOG);
    ask(f, "/api/v1/ledger");
    assert_true(str_starts(fixture_text(f, "origin"), S(LOG "/r1-")));
    assert_int_equal(fixture_int(f, "signed_size"), fixture_int(f, "size"));
    snprintf(aside, sizeof aside, "rm -rf '%s.aside'", f->folder);
    assert_int_equal(system(aside), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers, setup, teardown),
        cmocka_unit_test_setup_teardown(forks_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(strangers, setup, teardown),
        cmocka_unit_test_setup_teardown(an_entry_is_witnessed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_witness_that_is_away, setup, teardown),
        cmocka_unit_test_setup_teardown(the_quorum_decides, setup, teardown),
        cmocka_unit_test_setup_teardown(rolled_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
