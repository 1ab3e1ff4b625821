// SPDX-License-Identifier: MulanPSL-2.0
// The load under which things break, and the census afterwards. Every request carries a number of its own into what it
// leaves behind (a call its case number, a write its purpose and its Idempotency-Key); what was asked and what was
// answered stands in memory shared between processes, so it outlives whoever is killed.
#ifndef LOAD_H
#define LOAD_H
#include "base/text.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LOAD_THREADS_MAX 16
#define LOAD_WRITE_IN    6 // one request in so many is a write, the others are calls under a grant

enum asked_state { ASKED_NOT, ASKED_SENT, ASKED_DONE, ASKED_REFUSED };
struct asked {
    _Atomic uint8_t state;
    bool is_write;
    _Atomic uint8_t status100; // of a refusal: 4, 5
    _Atomic int64_t entry;     // the index that the answer told
    char id[16];               // of the application that a write made
};
struct load { // shared memory (load_new)
    int64_t most;
    _Atomic int64_t next;    // numbers given out
    _Atomic int64_t replies; // of whatever status
    _Atomic int64_t done, refused, unknown;
    _Atomic bool stop;
    int64_t most_replies; // 0 = no end but stop
    bool is_full;         // refusals must be 507 or 503; what is not is counted as unclear
    _Atomic int64_t unclear;
    // A finished request wakes whoever waits for so many of them.
    pthread_mutex_t lock;
    pthread_cond_t moved;
    // The largest checkpoint that was shown to us: from then on the log may never say less, or otherwise.
    int64_t shown_size; // under lock
    char shown[2048];
    char rows_url[96], key[128]; // of the grant
    char session[400];           // "Cookie: …\r\nX-CSRF-Token: …\r\n" of the applicant
    struct asked asked[];
};
struct load *load_new(int64_t most);
void load_begin(struct load *l); // a new round: the lock of a killed process is made anew
void load_free(struct load *l);

// One way to send a request: over a socket, or straight into core. False: no reply came, the outcome is unknown.
struct load_request {
    const char *verb, *target;
    bool is_write;
    const char *name; // the request's number as text
    const char *body;
};
struct load_line {
    struct load *load;
    bool (*send)(struct load_line *line, const struct load_request *q, int *ret_status, char *ret_body,
                 size_t cap);
    int thread;
};
// Sends one request and keeps what came of it; false when no reply came.
bool load_ask(struct load_line *line, int64_t n, bool is_write);
// Until load->stop, or until no reply comes. Takes numbers from load->next.
void load_run(struct load_line *line);
// Every write whose outcome is unknown is asked again under the same key; false when no reply came.
bool load_ask_again(struct load_line *line);
void load_wait(struct load *l, int64_t replies); // until so many replies more, or stop
void load_stop(struct load *l);
void load_shown(struct load *l, const char *checkpoint); // a checkpoint's text as it was served

// --- the census: what a folder says, against what was answered. Nobody serves the folder meanwhile. ---
struct census {
    struct load *load;
    const char *folder;
    int64_t entries, numbers, application; // looked at up to here
    uint8_t *seen;                         // by number: entries of calls, rows of writes
    int64_t calls, writes, unknown_there, unknown_gone;
};
struct census *census_new(struct load *l, const char *folder);
void census_free(struct census *c);
// False when something acknowledged is missing or doubled, or when something refused is there; said on stderr.
bool census_take(struct census *c, bool with_verify);
// The last checkpoint that was shown, as a file for a verifier; NULL: none was. The caller removes it.
const char *census_shown(const struct census *c, char *path, size_t n);
#endif
