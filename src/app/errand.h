// SPDX-License-Identifier: MulanPSL-2.0
// An errand: a command that needs a city. When a server holds the folder, the command asks it through the socket and
// the server carries the errand out; when none runs, the command opens the city itself and does the same. So there is
// one piece of code for both, and whoever types it sees the same words.
//
//   gusu load …  ──► errand_go ──┬─ gusu.sock answers ──► one line of JSON ──► a thread of the server: run
//                                │                        ◄── "o text", "e text" …, "x exit code"
//                                └─ nobody listens ─────► session_open, run, session_close
#ifndef APP_ERRAND_H
#define APP_ERRAND_H
#include "app/app.h"
#include <stdatomic.h>

#define ERRAND_SOCKET   "gusu.sock"
#define ERRAND_LINE_MAX ((size_t)65536) // of the request, and of one line told
#define ERRANDS_MAX     4               // at the same time; beyond it the caller is told to come again

struct errand {
    struct cx *cx;           // nobody's; writes through cx_write
    const struct options *o; // as typed; a path goes through errand_path
    const char *cwd;         // of whoever typed it
    struct str secret;       // a password or passphrase from his environment; STR_NONE = none
    // Where the words go; false when nobody listens any more.
    bool (*tell)(void *arg, bool is_err, struct str line);
    void *tell_arg;
    const _Atomic bool *stop; // the server wants to end: long errands look at it
    bool is_gone;             // telling failed once
};
struct errand_row {
    const char *name; // of the command
    int (*run)(struct errand *r);
    bool may_overlap; // with others; else one at a time
};
extern const struct errand_row errands[]; // ends with name NULL
struct errand_option {                    // what of the options goes over the socket
    const char *name;
    size_t at;
    bool is_flag;
};
extern const struct errand_option errand_options[]; // ends with name NULL

// Does it, wherever; gives the exit code. A folder that is no city before and whose errand fails is left as it was.
int errand_go(const char *name, const struct options *o, struct str secret);
void errand_say(struct errand *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void errand_complain(struct errand *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int errand_failed(struct errand *r, const struct err *e); // tells it; exit code 1
bool errand_must_stop(const struct errand *r);
const char *errand_path(struct errand *r, const char *path); // absolute; NULL without memory

// The server's side.
struct socket;
int socket_open(struct city *city, struct socket **ret, struct err *e) MUST;
void socket_close(struct socket *s); // waits for the errands under way
// Runs an errand of the server's own (a backup that is due); its words go to the log. False: one of them still runs, too
// many others, or the end is near.
bool socket_begin(struct socket *s, const char *name, const struct options *o);

int errand_load(struct errand *r);
int errand_user(struct errand *r);
int errand_key(struct errand *r);
int errand_backup(struct errand *r);
#endif
