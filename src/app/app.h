// SPDX-License-Identifier: MulanPSL-2.0
// What the files of the wiring share: options, the server, the commands.
#ifndef APP_APP_H
#define APP_APP_H
#include "app/passphrase.h"
#include "core/city.h"
#include "core/pack.h"
#include "net/http.h"

#define APP_ALLOW_MAX 32
struct options { // from the command line; every one is named in `gusu help`
    const char *data, *pack, *address, *web, *base_url, *origin, *access_log, *store, *shared;
    int port;
    bool demo, tls, quiet, with_keys, may_continue;
    const char *to, *from, *every, *keep, *keys, *erasures; // of backup, restore, migrate
    struct str allow[APP_ALLOW_MAX];                        // upstream "host:port" inside the own network
    size_t allow_n;
    const char *rest[16]; // words that are no options
    int rest_n;
};
extern const struct module app_module; // the server's own routes: events

struct server;
void server_reach_out(struct city *city); // HTTP out for the modules
int server_open(struct city *city, const struct options *o, struct server **ret, struct err *e) MUST;
int server_port(const struct server *s);
void server_run(struct server *s);        // until server_stop
bool server_lost(const struct server *s); // it ended because the disk failed
void server_stop(struct server *s);       // from a signal handler too
void server_reopen(struct server *s);     // its log files, after they were moved; from a signal handler too
void server_close(struct server *s);

// A city opened for a command: folder, modules, a reader and a hasher of this thread, and a cx of nobody.
struct session {
    struct city city;
    struct arena mem;
    struct conn *conn;
    struct hasher *hasher;
    struct cx cx;
    char passphrase[PASSPHRASE_ROOM]; // city.passphrase points here
};
int session_open(struct session *s, const struct options *o, struct err *e) MUST;
void session_close(struct session *s);
// What opening makes in a folder: looked at before, put back by a command that failed on what was no city.
#define FOLDER_MADE 12
struct folder_before {
    bool folder, made[FOLDER_MADE];
};
struct folder_before folder_look(const char *folder);
void folder_put_back(const char *folder, const struct folder_before *b);
int app_load(struct cx *cx, const char *folder, bool demo, bool only_check); // tells people; exit code

struct bench { // a measurement; the table lies in bench/bench.c
    const char *name;
    int (*run)(const struct options *o); // words after the name: o->rest[1] …
    const char *usage, *zh, *en;
};
extern const struct bench benches[]; // ends with name NULL

int command_serve(const struct options *o);
int command_load(const struct options *o);
int command_check(const struct options *o);
int command_user(const struct options *o);
int command_api(const struct options *o);
int command_verify(const struct options *o);
int command_ledger(const struct options *o);
int command_bench(const struct options *o);
int command_key(const struct options *o);
int command_witness(const struct options *o);
int command_backup(const struct options *o);
int command_restore(const struct options *o);
int command_migrate(const struct options *o);
int migrate_start(struct cx *cx); // a store that was moved away, or is not whole, does not start
#endif
