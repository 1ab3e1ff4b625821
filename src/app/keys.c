// SPDX-License-Identifier: MulanPSL-2.0
// `gusu key list|seal|unseal|rotate`, `gusu witness vkey|logs|add VKEY|remove NAME|policy`: the keys of a city and whom
// it witnesses, by whoever holds the machine. Keeps true: each file is replaced whole; a file that does not open with
// the passphrase is left as it is; a line that is no key never gets into witness.logs; sealing changes no key.
#include "app/errand.h"
#include "base/file.h"
#include "mod/ledger/ledger.h"
#include "crypto/policy.h"
#include <stdio.h>
#include <stdlib.h>

struct room { // of a command that opens no city
    struct arena mem;
    struct hasher *hasher;
    struct err err;
    char passphrase_text[PASSPHRASE_ROOM];
    struct str passphrase;
};

static int say(const struct err *e) {
    struct arena mem;
    arena_init(&mem, 0);
    struct str zh = err_text(&mem, e, true), en = err_text(&mem, e, false);
    fprintf(stderr, "gusu: %s%s%.*s / %.*s\n", e->field, e->field[0] ? ": " : "", STRF(zh), STRF(en));
    arena_free(&mem);
    return 1;
}

static const char *path_in(struct room *r, const char *folder, const char *name) {
    return str_z(&r->mem, str_print(&r->mem, "%s/%s", folder, name));
}

static int room_open(struct room *r) {
    *r = (struct room){0};
    arena_init(&r->mem, (size_t)64 << 20);
    int code = crypto_start(&r->err);
    if (code == OK && !(r->hasher = hasher_open())) code = err_set(&r->err, ERR_no_memory, "", "hasher");
    return code;
}

static int room_close(struct room *r, int code) {
    hasher_close(r->hasher);
    arena_free(&r->mem);
    crypto_wipe(r->passphrase_text, sizeof r->passphrase_text);
    return code == OK ? 0 : say(&r->err);
}

// --- keys ---
static int key_list(struct room *r, const struct options *o) {
    struct str text;
    for (int i = 0; passphrase_files[i]; i++) {
        const char *path = path_in(r, o->data, passphrase_files[i]);
        if (!path || !file_exists(path)) continue;
        int code = file_read(&r->mem, path, SECRET_FILE_MAX, &text, &r->err);
        if (code != OK) return code;
        printf("%-20s %s\n", passphrase_files[i],
               secret_is_sealed(text) ? "已加封 / sealed" : "明文 / not sealed");
    }
    static const char *const shown[] = {"ledger.vkey", "witness.vkey"};
    for (int i = 0; i < 2; i++) {
        int code = file_read(&r->mem, path_in(r, o->data, shown[i]), SECRET_FILE_MAX, &text, &r->err);
        if (code != OK) return code;
        printf("\n%s\n%.*s", shown[i], STRF(text));
    }
    return OK;
}

// One file after the other: a crash between leaves some sealed and some not, and all of them load.
static int reseal(struct room *r, const struct options *o, struct str old, struct str fresh) {
    int done = 0;
    for (int i = 0; passphrase_files[i]; i++) {
        const char *path = path_in(r, o->data, passphrase_files[i]);
        struct str clear;
        bool is_sealed = false;
        if (!path || !file_exists(path)) continue;
        int code = secret_file_read(&r->mem, r->hasher, path, old, &clear, &is_sealed, &r->err);
        if (code == OK && (is_sealed || fresh.p))
            code = secret_file_write(&r->mem, r->hasher, path, clear, fresh, &r->err);
        if (code != OK) return code;
        crypto_wipe((char *)(uintptr_t)clear.p, clear.n);
        printf("%-20s %s\n", passphrase_files[i], fresh.p ? "已加封 / sealed" : "明文 / not sealed");
        done++;
    }
    return done ? OK : err_set(&r->err, ERR_not_found, "--data", "%s", o->data);
}

static int key_seal(struct room *r, const struct options *o) {
    int code = passphrase_new(r->passphrase_text, &r->passphrase, &r->err);
    // Files that this passphrase sealed before open with it; plain ones need none.
    return code == OK ? reseal(r, o, r->passphrase, r->passphrase) : code;
}

static int key_unseal(struct room *r, const struct options *o) {
    int code = passphrase_get(o->data, true, r->passphrase_text, &r->passphrase, &r->err);
    return code == OK ? reseal(r, o, r->passphrase, STR_NONE) : code;
}

// In the server when one runs, else in a city opened for it.
int errand_key(struct errand *r) {
    struct str text;
    int code = ledger_rotate(r->cx);
    if (code == OK) code = ledger_public_keys(r->cx, &text);
    if (code != OK) return errand_failed(r, &r->cx->err);
    while (text.n) {
        struct str line = str_cut(text, '\n', &text);
        errand_say(r, "%.*s", STRF(line));
    }
    return 0;
}

int command_key(const struct options *o) {
    static const struct {
        const char *name;
        int (*run)(struct room *r, const struct options *o);
    } verbs[] = {{"list", key_list}, {"seal", key_seal}, {"unseal", key_unseal}};
    struct room r;
    if (o->rest_n == 1 && strcmp(o->rest[0], "rotate") == 0) return errand_go("key", o, STR_NONE);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (o->rest_n != 1 || strcmp(o->rest[0], verbs[i].name) != 0) continue;
        int code = room_open(&r);
        if (code == OK) code = verbs[i].run(&r, o);
        return room_close(&r, code);
    }
    fprintf(stderr, "gusu: key list|seal|unseal|rotate --data DIR\n");
    return 2;
}

// --- whom this city witnesses ---
static int read_logs(struct room *r, const struct options *o, struct str *ret_text, struct policy **ret) {
    const char *path = path_in(r, o->data, LEDGER_LOGS_FILE);
    *ret_text = S("");
    int code = path && file_exists(path) ? file_read(&r->mem, path, POLICY_BYTES_MAX, ret_text, &r->err) : OK;
    return code == OK ? policy_read(&r->mem, *ret_text, false, ret, &r->err) : code;
}

static int witness_logs(struct room *r, const struct options *o) {
    struct str text;
    struct policy *p = NULL;
    int code = read_logs(r, o, &text, &p);
    for (int i = 0; code == OK && i < p->logs_n; i++)
        printf("%.*s\n", STRF(p->log[i].vkey));
    policy_close(p);
    return code;
}

static int witness_add(struct room *r, const struct options *o) {
    struct str text, more;
    struct policy *p = NULL;
    int code = read_logs(r, o, &text, &p);
    policy_close(p);
    if (code != OK) return code;
    more = str_print(&r->mem, "%.*s%slog %s\n", STRF(text), text.n && text.p[text.n - 1] != '\n' ? "\n" : "",
                     o->rest[1]);
    code = policy_read(&r->mem, more, false, &p, &r->err);
    if (code == OK) policy_close(p);
    return code == OK ? file_write(path_in(r, o->data, LEDGER_LOGS_FILE), more, 0600, &r->err) : code;
}

// Every key of that origin.
static int witness_remove(struct room *r, const struct options *o) {
    struct str text;
    struct policy *p = NULL;
    struct buf b = buf_new(&r->mem, 1024, POLICY_BYTES_MAX);
    int code = read_logs(r, o, &text, &p), gone = 0;
    for (int i = 0; code == OK && i < p->logs_n; i++) {
        const bool is_it = str_eq(p->log[i].name, str_of(o->rest[1]));
        gone += is_it;
        if (!is_it) buf_print(&b, "log %.*s\n", STRF(p->log[i].vkey));
    }
    policy_close(p);
    if (code == OK && !gone) code = err_set(&r->err, ERR_witness_log, "origin", "%s", o->rest[1]);
    return code == OK ? file_write(path_in(r, o->data, LEDGER_LOGS_FILE), buf_str(&b), 0600, &r->err) : code;
}

static int witness_vkey(struct room *r, const struct options *o) {
    struct str text;
    int code = file_read(&r->mem, path_in(r, o->data, "witness.vkey"), SECRET_FILE_MAX, &text, &r->err);
    if (code == OK) printf("%.*s", STRF(text));
    return code;
}

static int witness_check_policy(struct room *r, const struct options *o) {
    struct str text;
    struct policy *p = NULL;
    int code = file_read(&r->mem, path_in(r, o->data, LEDGER_POLICY_FILE), POLICY_BYTES_MAX, &text, &r->err);
    if (code == OK) code = policy_read(&r->mem, text, true, &p, &r->err);
    if (code != OK) {
        if (r->err.row) fprintf(stderr, "%s:%d: ", LEDGER_POLICY_FILE, (int)r->err.row);
        return code;
    }
    for (int i = 0; i < p->witnesses_n; i++)
        printf("%-20.*s %.*s  %.*s\n", STRF(p->witness[i].label), STRF(p->witness[i].vkey),
               STRF(p->witness[i].url));
    printf("quorum %.*s\n", STRF(p->quorum_label));
    policy_close(p);
    return OK;
}

int command_witness(const struct options *o) {
    static const struct {
        const char *name;
        int words;
        int (*run)(struct room *r, const struct options *o);
    } verbs[] = {{"vkey", 1, witness_vkey},
                 {"logs", 1, witness_logs},
                 {"add", 2, witness_add},
                 {"remove", 2, witness_remove},
                 {"policy", 1, witness_check_policy}};
    struct room r;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (o->rest_n != verbs[i].words || strcmp(o->rest[0], verbs[i].name) != 0) continue;
        int code = room_open(&r);
        if (code == OK) code = verbs[i].run(&r, o);
        return room_close(&r, code);
    }
    fprintf(stderr, "gusu: witness vkey|logs|add VKEY|remove ORIGIN|policy --data DIR\n");
    return 2;
}
