// SPDX-License-Identifier: MulanPSL-2.0
// Backups of a city that is being written to, and what a restore finds: the copy is one commit's state and verifies;
// one flipped byte in any file of a backup is found and named, every time; nothing is written over; keys leave only
// sealed; older backups of the plan go, strange folders stay.
#include "core/module.h"
extern const struct module backups_module;
#define HELP_MORE_MODULES , &backups_module
#include "ledger_help.h"
#include "app/backup.h"
#include "app/verify.h"
#include "base/file.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

static const struct route *const backups_tables[] = {backup_routes, NULL};
const struct module backups_module = {
    .name = "app", .route_tables = backups_tables, .zh = "服务", .en = "server"};

static char place[80];
static char told[65536];
static size_t told_n;

static bool keep_words(void *arg, bool is_err, struct str line) {
    (void)arg;
    (void)is_err;
    int n = snprintf(told + told_n, sizeof told - told_n, "%.*s\n", STRF(line));
    if (n > 0 && told_n + (size_t)n < sizeof told) told_n += (size_t)n;
    return true;
}

static int setup(void **state) {
    static struct fixture f;
    fixture_now_ms = 1794182400000;
    fixture_open(&f);
    snprintf(place, sizeof place, "%s-backups", f.folder);
    assert_int_equal(mkdir(place, 0700), 0);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    fixture_close(*state);
    char cmd[200];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", place);
    return system(cmd) == 0 ? 0 : 1;
}

static struct errand errand_of(struct fixture *f, const struct options *o, struct cx *cx) {
    told_n = 0;
    told[0] = 0;
    core_cx(cx, &f->city, &f->mem, f->conn, f->hasher, NULL);
    return (struct errand){.cx = cx, .o = o, .cwd = "/", .tell = keep_words};
}

static struct backup_made make(struct fixture *f, const char *name, bool with_keys, const char *passphrase) {
    static struct backup_made made;
    struct options o = {.data = f->folder};
    struct err e = {0};
    struct cx cx;
    char path[160];
    snprintf(path, sizeof path, "%s%s%s", place, name[0] ? "/" : "", name);
    struct errand r = errand_of(f, &o, &cx);
    r.secret = str_of(passphrase);
    int code = backup_make(&r, path, with_keys, &made, &e);
    if (code != OK) fprintf(stderr, "backup: %s %s\n", err_info(e.code)->name, e.arg);
    assert_int_equal(code, OK);
    return made;
}

// The command as typed; what it says goes to `told`.
static int restore(struct fixture *f, const char *from, const char *to, const char *keys) {
    const struct options o = {.data = to, .keys = keys, .rest = {from}, .rest_n = 1};
    char path[160];
    snprintf(path, sizeof path, "%s/told", place);
    fflush(stdout);
    fflush(stderr);
    int out = dup(1), err = dup(2), fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(fd, 1);
    dup2(fd, 2);
    int result = command_restore(&o);
    fflush(stdout);
    fflush(stderr);
    dup2(out, 1);
    dup2(err, 2);
    ssize_t n = pread(fd, told, sizeof told - 1, 0);
    told[n > 0 ? n : 0] = 0;
    close(fd);
    close(out);
    close(err);
    unlink(path);
    (void)f;
    return result;
}

static int64_t verified(struct fixture *f, const char *folder) {
    static struct verify_report report;
    struct verify_trust keys = {0};
    struct err e = {0};
    char path[200];
    snprintf(path, sizeof path, "%s/ledger.vkey", folder);
    assert_int_equal(verify_key_add(&f->mem, &keys, str_of(path), &e), OK);
    int code = verify_folder(folder, &keys, true, &report, &e);
    if (code != OK) fprintf(stderr, "verify: %s %s\n", err_info(e.code)->name, e.arg);
    assert_int_equal(code, OK);
    for (int i = 0; i < report.faults_n && i < 5; i++)
        fprintf(stderr, "  %lld %s %s\n", (long long)report.faults[i].index,
                verify_word(report.faults[i].what, false), report.faults[i].where);
    assert_int_equal(report.faults_n, 0);
    verify_keys_close(&keys);
    return (int64_t)report.entries;
}

// --- under load ---
struct load {
    struct fixture *f;
    _Atomic bool stop;
    _Atomic int64_t done;
};

static void *write_on(void *arg) {
    struct load *l = arg;
    struct fixture own = {.city = {0}};
    struct err e = {0};
    struct conn *conn;
    struct hasher *hasher = hasher_open();
    arena_init(&own.mem, 0);
    if (store_conn_open(l->f->city.store, &conn, &e) != OK) return l;
    while (!atomic_load(&l->stop)) {
        const struct request q = {.verb = S("POST"),
                                  .path = S("/t/put"),
                                  .body = S("{\"n\":7}"),
                                  .body_fd = -1,
                                  .body_bytes = 7,
                                  .peer = S("127.0.0.1"),
                                  .headers_arg = &own,
                                  .header = fixture_header_of};
        struct cx cx;
        arena_reset(&own.mem);
        core_call(&l->f->city, &own.mem, conn, hasher, &q, &cx);
        if (cx.err.code == OK) atomic_fetch_add(&l->done, 7);
    }
    arena_free(&own.mem);
    hasher_close(hasher);
    store_conn_close(conn);
    return NULL;
}

static void hot(void **state) {
    struct fixture *f = *state;
    struct load load = {.f = f};
    pthread_t threads[2];
    help_acts(f, 20000);
    help_job(f);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_on, &load), 0);
    int64_t before = 0, beside = 0; // written while copies were made
    for (int i = 0; i < 3; i++) {
        char name[16], path[120], to[120];
        snprintf(name, sizeof name, "hot%d", i);
        while (atomic_load(&load.done) < before + 700) // the load runs: the next copy has something to meet
            usleep(1000);
        int64_t least = help_size(f);
        int64_t begun = atomic_load(&load.done);
        struct backup_made made = make(f, name, false, NULL);
        before = atomic_load(&load.done);
        beside += before - begun;
        assert_true(made.entries >= least);
        snprintf(path, sizeof path, "%s/%s", place, name);
        assert_int_equal(verified(f, path), made.entries);
        snprintf(to, sizeof to, "%s/back%d", place, i);
        assert_int_equal(restore(f, path, to, f->folder), 0);
        assert_int_equal(verified(f, to), made.entries);
    }
    atomic_store(&load.stop, true);
    for (int i = 0; i < 2; i++) {
        void *wrong = &load;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    assert_true(beside > 0);
    if (!on_postgres()) assert_true(verified(f, f->folder) >= 20000 + atomic_load(&load.done));
}

// --- tampering ---
static uint32_t next_random(uint64_t *seed) {
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*seed >> 33);
}

static void flip(const char *path, int64_t at, int bit) {
    int fd = open(path, O_RDWR);
    uint8_t b;
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &b, 1, at), 1);
    b ^= (uint8_t)(1u << bit);
    assert_int_equal(pwrite(fd, &b, 1, at), 1);
    close(fd);
}

static void tampered(void **state) {
    struct fixture *f = *state;
    static const char *const names[] = {BACKUP_MANIFEST, "gusu.db", "ledger.vkey", "files/ab/abcd",
                                        "keys/key.bin"};
    char path[160], to[120];
    uint64_t seed = 20261123;
    struct err e = {0};
    help_acts(f, 500);
    help_job(f);
    snprintf(path, sizeof path, "%s/files/ab", f->folder);
    assert_int_equal(file_make_dirs(path, 0700, &e), OK);
    snprintf(path, sizeof path, "%s/files/ab/abcd", f->folder);
    assert_int_equal(file_write(path, S("what was uploaded"), 0600, &e), OK);
    make(f, "b", true, "a passphrase of some length");
    snprintf(to, sizeof to, "%s/back", place);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct stat st;
        snprintf(path, sizeof path, "%s/b/%s", place, names[i]);
        assert_int_equal(stat(path, &st), 0);
        for (int k = 0; k < 12; k++) {
            int64_t at = (int64_t)(next_random(&seed) % (uint32_t)st.st_size);
            int bit = (int)(next_random(&seed) % 8);
            flip(path, at, bit);
            snprintf(path, sizeof path, "%s/b", place);
            int result = restore(f, path, to, NULL);
            snprintf(path, sizeof path, "%s/b/%s", place, names[i]);
            if (result == 0 || !strstr(told, names[i]))
                fprintf(stderr, "%s byte %lld bit %d: %s", names[i], (long long)at, bit, told);
            assert_int_equal(result, 1);
            assert_non_null(strstr(told, names[i]));
            assert_false(file_exists(to));
            flip(path, at, bit);
        }
        // Cut by one byte, and gone.
        assert_int_equal(truncate(path, st.st_size - 1), 0);
        snprintf(path, sizeof path, "%s/b", place);
        assert_int_equal(restore(f, path, to, NULL), 1);
        assert_non_null(strstr(told, names[i]));
        assert_int_equal(restore(f, path, to, NULL), 1);
        snprintf(path, sizeof path, "rm -rf '%s/b'", place);
        assert_int_equal(system(path), 0);
        make(f, "b", true, "a passphrase of some length");
    }
    snprintf(path, sizeof path, "%s/b/files/ab/more", place);
    assert_int_equal(file_write(path, S("put there"), 0600, &e), OK);
    snprintf(path, sizeof path, "%s/b", place);
    assert_int_equal(restore(f, path, to, NULL), 1);
    assert_non_null(strstr(told, "files/ab/more"));
}

// --- keys ---
static bool same_file(struct fixture *f, const char *a, const char *b, const char *name) {
    struct err e = {0};
    struct str x, y;
    assert_int_equal(file_read(&f->mem, str_z(&f->mem, str_print(&f->mem, "%s/%s", a, name)), 65536, &x, &e),
                     OK);
    assert_int_equal(file_read(&f->mem, str_z(&f->mem, str_print(&f->mem, "%s/%s", b, name)), 65536, &y, &e),
                     OK);
    return str_eq(x, y);
}

static void keys(void **state) {
    struct fixture *f = *state;
    struct options o = {.data = f->folder};
    struct backup_made made;
    struct err e = {0};
    struct cx cx;
    char path[160], to[120], pass[120];
    snprintf(path, sizeof path, "%s/none", place);
    struct errand r = errand_of(f, &o, &cx);
    assert_int_equal(backup_make(&r, path, true, &made, &e), ERR_backup_passphrase);
    assert_false(file_exists(path));
    e = (struct err){0};
    r = errand_of(f, &o, &cx);
    r.secret = S("short");
    assert_int_equal(backup_make(&r, path, true, &made, &e), ERR_field_range);
    assert_false(file_exists(path));
    // Without them they are told to be left out, and none of their bytes is there.
    make(f, "plain", false, NULL);
    assert_non_null(strstr(told, "key.bin"));
    snprintf(path, sizeof path, "%s/plain/keys", place);
    assert_false(file_exists(path));
    make(f, "sealed", true, "a passphrase of some length");
    snprintf(path, sizeof path, "%s/sealed", place);
    assert_false(same_file(f, f->folder, str_z(&f->mem, str_print(&f->mem, "%s/keys", path)), "key.bin"));
    snprintf(to, sizeof to, "%s/back", place);
    snprintf(pass, sizeof pass, "%s/pass", place);
    assert_int_equal(file_write(pass, S("another passphrase\n"), 0600, &e), OK);
    assert_int_equal(setenv("GUSU_PASSPHRASE_FILE", pass, 1), 0);
    assert_int_equal(restore(f, path, to, NULL), 1);
    assert_false(file_exists(to));
    assert_int_equal(file_write(pass, S("a passphrase of some length\n"), 0600, &e), OK);
    assert_int_equal(restore(f, path, to, NULL), 0);
    unsetenv("GUSU_PASSPHRASE_FILE");
    assert_true(same_file(f, f->folder, to, "key.bin"));
    assert_true(same_file(f, f->folder, to, "ledger-ed25519.pem"));
    // Nothing is written over.
    assert_int_equal(restore(f, path, to, NULL), 1);
}

// --- erasures ---
static void put_file(const char *folder, const char *name, const char *text) {
    struct err e = {0};
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(file_write(path, str_of(text), 0600, &e), OK);
}

// Whoever was forgotten, before or after the backup, is on the list of what is to be forgotten again: the backup's own
// (younger than its store), that beside it, the old folder's, and one that is named.
static void erasures(void **state) {
    struct fixture *f = *state;
    struct err e = {0};
    struct str text;
    char from[120], to[120], path[160], named[160];
    put_file(f->folder, "erasures.jsonl", "{\"code\":\"a\"}\n");
    make(f, "b", false, NULL);
    put_file(f->folder, "erasures.jsonl", "{\"code\":\"a\"}\n{\"code\":\"b\"}\n");
    put_file(place, "erasures.jsonl", "{\"code\":\"c\"}"); // no newline at its end
    put_file(place, "named.jsonl", "{\"code\":\"d\"}\n");
    snprintf(from, sizeof from, "%s/b/", place);
    snprintf(to, sizeof to, "%s/back", place);
    snprintf(named, sizeof named, "%s/named.jsonl", place);
    const struct options o = {
        .data = to, .keys = f->folder, .erasures = named, .rest = {from}, .rest_n = 1, .quiet = true};
    assert_int_equal(command_restore(&o), 0);
    snprintf(path, sizeof path, "%s/erasures-replay.jsonl", to);
    assert_int_equal(file_read(&f->mem, path, 4096, &text, &e), OK);
    assert_true(str_eq(text, S("{\"code\":\"a\"}\n{\"code\":\"c\"}\n{\"code\":\"a\"}\n{\"code\":\"b\"}\n"
                               "{\"code\":\"d\"}\n")));
}

// --- the rest ---
static void spans(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t s; // -1: refused
    } rows[] = {{"24h", 86400}, {"30m", 1800}, {"7d", 604800}, {"90s", 90},
                {"0", 0},       {"", -1},      {"h", -1},      {"24", -1},
                {"-1h", -1},    {"1.5h", -1},  {"400d", -1},   {"99999999999999999999d", -1},
                {"24 h", -1},   {"24hh", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t s = -1;
        bool ok = backup_read_span(rows[i].text, &s);
        assert_int_equal(ok ? s : -1, rows[i].s);
    }
}

static void names(void **state) {
    (void)state;
    assert_true(backup_name_ok(S("files/ab/abcd")));
    static const char *const bad[] = {"",   "/etc/passwd", "../x", "a/../b", "a//b",
                                      "a/", ".hidden",     "a/.b", "\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(backup_name_ok(str_of(bad[i])));
    assert_int_equal(backup_kind_of(S("key.bin")), BACKUP_SECRET);
    assert_int_equal(backup_kind_of(S("ledger-ed25519.pem")), BACKUP_SECRET);
    assert_int_equal(backup_kind_of(S("tls-cert.pem")), BACKUP_PLAIN);
    assert_int_equal(backup_kind_of(S("tls-key.pem")), BACKUP_SECRET);
    assert_int_equal(backup_kind_of(S("something")), BACKUP_UNKNOWN);
    assert_int_equal(backup_kind_of(S("gusu.db-wal")), BACKUP_PASSING);
}

// What the plan keeps: three of its own, the strange and the broken stay.
static void older(void **state) {
    struct fixture *f = *state;
    struct err e = {0};
    char path[160];
    struct options o = {.data = f->folder, .to = place, .keep = "3"};
    snprintf(path, sizeof path, "%s/gusu-20200101T000000Z", place);
    assert_int_equal(file_make_dirs(path, 0700, &e), OK); // no manifest
    for (int i = 0; i < 6; i++) {
        struct cx cx;
        struct errand r = errand_of(f, &o, &cx);
        if (errand_backup(&r) != 0) fprintf(stderr, "%s", told);
        assert_null(strstr(told, "damaged"));
        fixture_now_ms += 3600000;
    }
    struct str *found;
    size_t n;
    assert_int_equal(file_list(&f->mem, place, &found, &n, &e), OK);
    assert_int_equal(n, 4);
    assert_true(str_eq(found[0], S("gusu-20200101T000000Z/")));
    assert_true(str_eq(found[3], S("gusu-20261109T050000Z/")));
    fixture_as(f, 1, "sys", NULL, R_(SYSADMIN));
    fixture_call(f, "GET", "/api/v1/backups", NULL);
    assert_status(f, 200);
    assert_int_equal(json_count(json_get(f->json, S("items"))), 6);
    assert_true(json_is(json_get(f->json, S("is_late")), JSON_FALSE));
    fixture_now_ms += (int64_t)BACKUP_OLD_S * 1000;
    fixture_call(f, "GET", "/api/v1/backups", NULL);
    assert_true(json_is(json_get(f->json, S("is_late")), JSON_TRUE));
    // One that fails is a row too, and no success.
    snprintf(path, sizeof path, "%s/no/such/folder", place);
    o = (struct options){.data = f->folder, .to = path};
    struct cx cx;
    struct errand r = errand_of(f, &o, &cx);
    assert_int_equal(errand_backup(&r), 1);
    fixture_call(f, "GET", "/api/v1/backups", NULL);
    struct json newest = json_at(json_get(f->json, S("items")), 0);
    assert_true(str_eq(json_text(json_get(newest, S("problem"))), S("file")));
    assert_true(json_is(json_get(f->json, S("is_late")), JSON_TRUE));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans),
        cmocka_unit_test(names),
        cmocka_unit_test_setup_teardown(hot, setup, teardown),
        cmocka_unit_test_setup_teardown(tampered, setup, teardown),
        cmocka_unit_test_setup_teardown(keys, setup, teardown),
        cmocka_unit_test_setup_teardown(erasures, setup, teardown),
        cmocka_unit_test_setup_teardown(older, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
