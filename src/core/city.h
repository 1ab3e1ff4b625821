// SPDX-License-Identifier: MulanPSL-2.0
// The process: the store, the module table's index, keys, the working-day calendar, the wall clock's face. Made
// once by app before the first request; afterwards only fields marked atomic move.
#ifndef CORE_CITY_H
#define CORE_CITY_H
#include "core/module.h"
#include <pthread.h>
#include <stdatomic.h>

struct note { // an entry waiting to be numbered: READ_ENTRY routes and acts hand these to the ledger's hook
    struct note *next;
    const char *kind; // verb
    int64_t time_ms;
    struct str clear;  // JSON object shown in public, STR_NONE = none
    struct str detail; // JSON object, committed with a salt, read with a role
    struct str trace;  // exchange trace id or STR_NONE
    // READ_ENTRY: judged again on the writer, in the transaction, before the entry is numbered: quota is taken here,
    // and the authorisation is looked at anew when the generation moved. Not OK = the reply becomes that error.
    int (*judge)(struct cx *cx, struct note *n);
    // After the entry has its number, in the same transaction: rows that are projections of it (meter, call list).
    int (*project)(struct cx *cx, struct note *n);
    void *arg;
    void *prepared;            // the ledger's, once it was prepared
    int64_t entry;             // out: index in the trees
    const struct err *refused; // out, of a note in a slice: why this one has no entry; NULL = it has
};

// Many entries of one call. A slice is one item of the commit queue: so many notes as fit into the 5 ms that an item
// may take. Each note is told for itself whether it got its entry; the reply is made when all slices are durable.
struct note_slice {
    struct note *first;
    struct err err; // out: why none of it has an entry (undone, or never begun)
};
struct note_batch {
    struct note_slice *slices;
    int n;
    // In place of the notes' own: quota and authorisation of a whole slice, on the writer. It may set `refused` of
    // single notes, as long as these left nothing behind in the store.
    int (*judge)(struct cx *cx, struct note_slice *s);
    int (*reply)(struct cx *cx); // on the thread of the call
};

// Called around the batches and items of the commit queue (store.h), on the writer's thread but for the syncs; each may
// be NULL. A module adds its row at start by city_hook.
#define CITY_HOOKS_MAX 4
struct batch_hooks {
    int (*before_commit)(struct city *city, struct conn *w, struct err *e);
    void (*after_commit)(struct city *city, bool committed);
    void (*before_sync)(struct city *city); // syncer's thread: what is committed now is durable at after_sync
    void (*after_sync)(struct city *city);
    void (*item_begin)(struct city *city);
    void (*item_undone)(struct city *city);
    // Before the first item of a batch: another node has written to the same database since our last batch.
    int (*moved)(struct city *city, struct conn *w, struct err *e);
};

struct node;
struct city {
    uint32_t magic;
    struct store *store;
    const char *folder;    // of this process: lock, socket, logs, and the store when it is SQLite
    const char *shared;    // what all nodes over one database have in common: keys, files; NULL = the folder
    const char *store_url; // "postgres://…"; NULL = SQLite in the folder
    bool with_demo;
    char origin[128]; // of the ledger: "gusu.local/<city>" by configuration
    uint8_t key[32];  // server key (passwords, cursors, blind indexes); file key.bin, mode 0600
    // Opens key files that are sealed (crypto/provider.h), given by app before city_open; STR_NONE = none. Kept while
    // the city is open: a rotation seals the new keys as the old ones were.
    struct str passphrase;
    // Never NULL once the city is open. A pack loaded while the city serves brings another one; whoever still reads the
    // one before may, it stays as long as the process.
    _Atomic(const struct workdays *) workdays;
    const struct str *allow_upstream;
    size_t allow_upstream_n;
    int64_t (*now_ms)(void); // clock_now_ms; tests may put their own
    const char *timestamps_zone;
    // Moves when any role, session, key or grant changes: whoever changes one adds 1 on the writer, in `run`, so that
    // later items of the batch are judged again; after the commit core adds 1 more, so that what a reader cached from
    // the snapshot before the commit, under the first new number, is not believed either.
    _Atomic uint64_t auth_generation;
    // How often this node moved it, and how often others were told: what another node moved is not passed on, or two
    // nodes would tell each other for ever. Writer thread only.
    uint64_t auth_moves, auth_told;
    _Atomic uint64_t denied; // refused and anonymous calls are counted, not entered
    // Finds the actor of a request (session cookie, API token, exchange key) into cx->who; set by people at start.
    // OK with nobody (roles = R_PUBLIC) when no credential was sent; ERR_bad_token when one was sent that is not good.
    int (*who)(struct cx *cx);
    // An exchange key (gk_…) is judged by exchange: set there at start, called by `who`.
    int (*who_key)(struct cx *cx, struct str token);
    // HTTP out, given by app (core does not know net): blocking, for SLOW routes only. status 0 with ERR_net and
    // *ret_maybe_done true means "sent, outcome unknown".
    int (*fetch_out)(struct city *city, struct arena *mem, struct str verb, struct str url, struct str type,
                     struct str body, int timeout_ms, int *ret_status, struct str *ret_type,
                     struct str *ret_body, bool *ret_maybe_done, struct err *e);
    // Judges a URL when it is registered (no address of the host's own network).
    int (*fetch_url_ok)(struct city *city, struct arena *mem, struct str url, struct err *e);
    // The ledger's hook: numbers and stores the note inside the writer's transaction.
    int (*on_note)(struct cx *cx, struct note *n);
    // May be called before with several that follow: what is cheaper for many at once is done here, the rest then.
    void (*prepare_notes)(struct cx *cx, struct note *first);
    struct arena prepared_mem; // writer thread only: of the notes of one batch of the commit queue
    // What modules keep in memory beside the transaction follows it by these, in the order of their start.
    const struct batch_hooks *hooks[CITY_HOOKS_MAX];
    int hooks_n;
    void (*on_lost)(struct city *city); // the disk failed: the process has to end (set by app)
    // Pages that listen (SSE): set by app. Called after commit, any thread.
    void (*on_announced)(void *arg, const char *event, struct str object, struct str office);
    void *on_announced_arg;
    struct hasher *writer_hasher; // belongs to the writer thread
    struct arena mem;             // of the process; grows only at start and pack load
    struct node *node;            // one of several over one database (core/node.h); NULL on SQLite
    pthread_mutex_t growing;      // whoever takes from `mem` after the start
    void *mod[16];                // module-private process state (set in start), by module index
    char base_url[256];           // "https://host:port" as users see it
};
#define CITY_MAGIC    0x67757375u
#define CITY_DAYS_MAX 8192 // days of each kind in the calendar: some two hundred years

// Opens the folder: store, schema, keys, modules' start, calendar. `city` is zeroed by the caller but for the fields
// that configure it (folder, now_ms, allow_upstream, base_url, origin, hooks).
int city_open(struct city *city, struct err *e) MUST;
void city_close(struct city *city);
void city_hook(struct city *city, const struct batch_hooks *hooks); // at start
int city_load_calendar(struct city *city, struct err *e) MUST;      // again after a pack brought days
static inline const struct workdays *city_workdays(const struct city *city) {
    return atomic_load(&city->workdays);
}
void city_auth_moved(struct city *city);   // by whoever changes a role, session, key or grant, in `run`
int city_index_routes(struct err *e) MUST; // builds the path index; every row must be complete
int module_index(const char *name);        // place in the module table

// The life of one call, in three steps that app schedules on threads (DESIGN §4):
//   core_open     route, limits, who, may, fields, CSRF: on the I/O thread; cheap
//   core_run      the handler (+ acts, entries, idempotency when on the writer)
//   cx->reply / cx->out then hold the answer; errors have become problem+json
// core_open returns false when the reply is already complete (an error).
void core_cx(struct cx *cx, struct city *city, struct arena *mem, struct conn *db, struct hasher *h,
             const struct request *req);
const struct route *core_route(struct str verb, struct str path, struct str params[CX_PARAMS_MAX],
                               int *ret_params, struct arena *mem, bool *ret_path_known);
bool core_open(struct cx *cx);
// Who asks, and may he: before a large body is let in. False = the reply is complete, the body need not come.
bool core_admit(struct cx *cx);
void core_run(struct cx *cx); // READ, SLOW and the read half of READ_ENTRY
int core_run_write(struct cx *cx, struct conn *w, struct err *e) MUST; // WRITE: inside the batch's savepoint
int core_run_note(struct cx *cx, struct conn *w,
                  struct err *e) MUST; // READ_ENTRY: the entry, re-judged if authorisation moved
// The notes of n calls of one batch of the commit queue, before they run: prepared together. Writer thread.
void core_prepare_notes(struct city *city, struct cx *const *calls, size_t n, bool is_first);
// READ_ENTRY with cx->batch: one slice; the whole of it, submitted without waiting (all_told comes once, from any
// thread); the reply, when all are told; and all of these with waiting, for threads that may.
int core_run_slice(struct cx *cx, struct note_slice *s, struct conn *w, struct err *e) MUST;
void core_batch_submit(struct cx *cx, void (*all_told)(void *arg), void *arg);
void core_batch_reply(struct cx *cx);
void core_batch_wait(struct cx *cx); // without the reply
// After the commit (or its failure): turns a failure that came after the handler into a problem, tells listeners.
void core_written(struct cx *cx, int code, const struct err *e);
void core_noted(struct cx *cx, int code, const struct err *e);
void core_tell(struct cx *cx);    // what was announced, to listening pages
void core_problem(struct cx *cx); // writes cx->err as problem+json
// All of it on the calling thread (tests, command line): submits to the queue and waits where needed.
void core_call(struct city *city, struct arena *mem, struct conn *db, struct hasher *h,
               const struct request *req, struct cx *ret);
#endif
