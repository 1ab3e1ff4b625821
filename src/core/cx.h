// SPDX-License-Identifier: MulanPSL-2.0
// The request context: everything a handler may touch, handed as first argument. A handler answers by writing
// JSON through cx->w (or cx_reply_*), and returns OK or an error code that cx_fail/err_set has filled; core
// turns errors into RFC 9457 problem+json in zh and en. Handlers on the writer may run twice (store invariant 4).
#ifndef CORE_CX_H
#define CORE_CX_H
#include "base/clock.h"
#include "base/json.h"
#include "core/route.h"
#include "crypto/hash.h"
#include "store/store.h"

struct city; // the process: core/city.h

struct actor {
    int64_t account; // 0 = nobody
    struct str login, name, office, area;
    uint32_t roles;     // R_(…) bits, plus R_LOGIN / R_KEY / R_PUBLIC
    struct str csrf;    // of the session
    struct str session; // its id (hash), STR_NONE with a token
    struct str scopes;  // of an API token, ' '-joined; STR_NONE for sessions = all
    int64_t key;        // exchange key id when R_KEY
    struct str system;  // the key's registered system
};

struct value {
    bool has;
    struct str text;
    int64_t i; // T_INT, T_TIME (UTC ms), T_DATE (days since 1970), T_BOOL
    double d;
    struct json j; // body values as they came: lists, objects
};

struct reply {
    int status;                // 0 = 200
    struct str type;           // empty = application/json
    struct str body;           // if set (p not NULL), instead of what stands in cx->out
    int fd;                    // -1; else a file to send (owned)
    int64_t fd_bytes, fd_from; // so many bytes, from this place (a part of a file: status 206)
    struct str headers[12][2];
    int headers_n;
};

struct field_error {
    struct field_error *next;
    struct field_error *last; // of the list; only the first one's is kept
    struct err err;
    int n; // errors in the list; only the first one's is kept
};
struct announced {
    struct announced *next;
    const char *event;
    struct str object, office;
};

// Acts: what happened, said once per WRITE (or per sub-step); core writes the audit row and the ledger entry in
// the same transaction after the handler returns OK. `clear` entries show office, object and count in public
// (only for openly published data); all others show a commitment.
struct act {
    struct act *next;
    const char *verb;        // "dataset.publish"; the route's own if NULL
    const char *object_kind; // "dataset"
    struct str object;       // id
    struct str object_name;
    struct str office;        // whose thing it is
    struct str before, after; // canonical JSON or STR_NONE; digests are kept
    struct str detail;        // JSON object text or STR_NONE: who, why, numbers; goes into the committed part
    struct str trace;         // the one id that runs through application, grant, call: exchange trace id
    bool is_clear;
    int64_t entry; // out: ledger index
};

#define CX_PARAMS_MAX 8
struct request { // what core needs to know of a request; net is not known here
    struct str verb, path, query, body;
    int body_fd; // -1 = none
    int64_t body_bytes;
    struct str peer;
    bool is_tls;
    void *headers_arg;
    struct str (*header)(void *arg, const char *name);
};

struct cx {
    struct arena *mem;
    struct city *city;
    struct conn *db;       // this thread's connection; the writer's inside the queue
    struct hasher *hasher; // this thread's
    bool is_writer;
    int64_t now_ms;
    uint64_t auth_generation; // not newer than the snapshot in which the actor was judged
    // Of a thread that holds one snapshot over many requests: the generation loaded before it was taken. A newer one
    // would label what was read from an older snapshot. NULL: each read is its own, so the newest is asked.
    const uint64_t *snapshot_generation;
    const struct request *req;
    const struct route *route;
    struct str params[CX_PARAMS_MAX]; // of the path, decoded, in order
    int params_n;
    struct str body;  // JSON text of the request, wherever it was spooled; STR_NONE when there is none
    struct value *in; // one per row of route->takes
    struct actor who;
    struct err err;
    struct field_error *field_errors;
    bool is_zh;
    struct buf out;
    struct jw w;
    struct reply reply;
    struct act *act;      // what the audit log and the ledger will say (core/act.h)
    struct act act_spare; // given out when memory is gone: the call fails by mem->failed, nobody reads it
    struct note *note;    // an entry made by a READ_ENTRY handler, to be committed before the reply leaves
    struct announced *announced; // told to listening pages after the commit
    void *mod;                   // for the module's own use between handle and commit
    const char *job;             // whose run this is: its writes are fenced (core/node.h)
    bool is_key_kept; // a slow call's Idempotency-Key was written by an earlier write of the same call
    struct note_batch *batch; // of a READ_ENTRY handler: many entries instead of `note` (core/city.h)
};

// Inputs, by the field's name. Absent gives STR_NONE / `none` / false.
struct str cx_text(const struct cx *cx, const char *name);
int64_t cx_int(const struct cx *cx, const char *name, int64_t none);
bool cx_bool(const struct cx *cx, const char *name, bool none);
bool cx_has(const struct cx *cx, const char *name);
struct json cx_json(const struct cx *cx, const char *name);
const struct value *cx_value(const struct cx *cx, const char *name);
struct str cx_header(const struct cx *cx, const char *name);
bool cx_is(const struct cx *cx, uint32_t roles); // actor has any of these

// Errors. cx_fail fills cx->err and returns the code; cx_field_fail adds one more field error (the first
// CX_FIELD_ERRORS_MAX are reported: what a stranger sends must not cost more the more is wrong with it).
#define CX_FIELD_ERRORS_MAX 100
int cx_fail(struct cx *cx, enum err_code code, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int cx_field_fail(struct cx *cx, enum err_code code, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int cx_deny(struct cx *cx, const char *why);                      // ERR_not_allowed, counted
int cx_deny_words(struct cx *cx, const char *zh, const char *en); // the same, said in both languages

// Replies.
void cx_status(struct cx *cx, int status);
void cx_reply_header(struct cx *cx, const char *name, struct str value);
void cx_etag(struct cx *cx, int64_t version);      // ETag: "v<version>"
int cx_match(struct cx *cx, int64_t version) MUST; // If-Match against it: ERR_stale
void cx_reply_body(struct cx *cx, const char *type, struct str body);
void cx_reply_fd(struct cx *cx, const char *type, int fd, int64_t bytes, struct str download_name);

// Paging of lists: ?limit&after; `after` is opaque (base64url of the last key). Writes "next" when more is there.
int64_t cx_limit(const struct cx *cx, int64_t standard, int64_t most);
// Decoded key or STR_NONE. A cursor that we did not write fails the call (ERR_cursor) whatever the handler returns:
// starting again from the first row would look like more rows.
struct str cx_after(struct cx *cx);
void cx_next(struct cx *cx, struct str last_key);

struct act *cx_act(struct cx *cx, const char *object_kind,
                   struct str object); // appends one, zeroed beyond this
// Announces upward: module subscribers run at once inside the transaction; pages hear of it after the commit.
int cx_announce(struct cx *cx, const char *event, struct str object, struct str office) MUST;

// Runs fn in the commit queue and waits (SLOW routes, jobs, command line). fn sees a cx with is_writer and the
// writer's connection, the same actor, and its own act list.
int cx_write(struct cx *cx, int (*fn)(struct cx *cx, void *arg), void *arg) MUST;
int64_t cx_deadline(struct cx *cx, const char *clock_step, int64_t from_ms,
                    bool *ret_certain); // by table `clock` (pack clocks.csv)

#endif
