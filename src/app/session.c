// SPDX-License-Identifier: MulanPSL-2.0
// A city opened for a command: everything a handler wants, with nobody as the actor; and what opening makes in a
// folder, so that a command that fails can leave a folder that was no city as it found it.
#include "app/app.h"
#include "base/file.h"
#include <stdio.h>
#include <unistd.h>

int session_open(struct session *s, const struct options *o, struct err *e) {
    *s = (struct session){.city = {.folder = o->data,
                                   .shared = o->shared,
                                   .store_url = o->store,
                                   .with_demo = o->demo,
                                   .allow_upstream = o->allow,
                                   .allow_upstream_n = o->allow_n}};
    if (o->origin) snprintf(s->city.origin, sizeof s->city.origin, "%s", o->origin);
    if (o->base_url) snprintf(s->city.base_url, sizeof s->city.base_url, "%s", o->base_url);
    arena_init(&s->mem, (size_t)2 << 30);
    server_reach_out(&s->city); // the ledger asks witnesses before it signs again after a restore
    int code = passphrase_get(o->shared ? o->shared : o->data, false, s->passphrase, &s->city.passphrase, e);
    if (code == OK) code = city_open(&s->city, e);
    if (code == OK) code = store_conn_open(s->city.store, &s->conn, e);
    if (code == OK && !(s->hasher = hasher_open())) code = err_set(e, ERR_no_memory, "", "hasher");
    if (code == OK) core_cx(&s->cx, &s->city, &s->mem, s->conn, s->hasher, NULL);
    return code;
}

void session_close(struct session *s) {
    hasher_close(s->hasher);
    store_conn_close(s->conn);
    if (s->city.store) city_close(&s->city);
    crypto_wipe(s->passphrase, sizeof s->passphrase);
    arena_free(&s->mem);
}

static const char *const made[FOLDER_MADE] = {
    "gusu.db", // the first: without it the folder is no city
    "gusu.db-wal", "gusu.db-shm", "key.bin", "lock",        "ledger-ed25519.pem", "ledger-sm2.pem",
    "ledger.vkey", "loads",       "files",   "witness.pem", "witness.vkey"};

struct folder_before folder_look(const char *folder) {
    struct folder_before b = {.folder = file_exists(folder)};
    char path[600];
    for (int i = 0; i < FOLDER_MADE; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, made[i]);
        b.made[i] = file_exists(path);
    }
    return b;
}

void folder_put_back(const char *folder, const struct folder_before *b) {
    char path[600];
    for (int i = 0; i < FOLDER_MADE; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, made[i]);
        if (!b->made[i]) (void)!remove(path); // a folder goes only when it is empty
    }
    if (!b->folder) (void)rmdir(folder);
}
