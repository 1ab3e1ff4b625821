// SPDX-License-Identifier: MulanPSL-2.0
// Private to `gusu verify`: what its files share, and the face that tests use.
#ifndef APP_VERIFY_H
#define APP_VERIFY_H
#include "crypto/merkle.h"
#include "crypto/sign.h"
#include "mod/ledger/entries.h"
#include <pthread.h>
#include <stdatomic.h>

#define VERIFY_TREES      2
#define VERIFY_NODE_LEVEL 8 // stored from here up
#define VERIFY_RANGE_BITS 14
#define VERIFY_RANGE      ((uint64_t)1 << VERIFY_RANGE_BITS) // entries that one thread takes at a time
#define VERIFY_THREADS    8
#define VERIFY_FAULTS     100 // kept; further ones are counted
#define VERIFY_KEYS       64  // a city's whole history of keys

enum verify_what { // the kinds of things that can be wrong; words in verify.c
    VERIFY_ENTRY_MISSING = 1,
    VERIFY_ENTRY_EXTRA,
    VERIFY_LEAF,
    VERIFY_COMMITMENT,
    VERIFY_DETAIL,
    VERIFY_KIND,
    VERIFY_TIME,
    VERIFY_CLEAR,
    VERIFY_BUNDLE,
    VERIFY_LEAVES,
    VERIFY_NODE,
    VERIFY_HEAD,
    VERIFY_CROSS,
    VERIFY_CHECKPOINT_ROOT,
    VERIFY_CHECKPOINT_SIGNATURE,
    VERIFY_NOTED,
    VERIFY_ACT,
    VERIFY_ACT_MISSING,
    VERIFY_ACT_EXTRA,
    VERIFY_CALL,
    VERIFY_RUN,
    VERIFY_CALL_EXTRA,
    VERIFY_METER,
    VERIFY_WHAT_COUNT
};
struct verify_fault {
    enum verify_what what;
    int64_t index; // of the entry; of the first one of a subtree, or where a size ends
    char where[120];
};
struct verify_report {
    uint64_t entries, erased, acts, calls, checkpoints, meters;
    int faults_n;                              // counted
    struct verify_fault faults[VERIFY_FAULTS]; // by index
    uint8_t root[VERIFY_TREES][HASH_BYTES];
};
struct verify_trust { // what the reader brings: keys, and checkpoints noted earlier
    int n, notes_n;
    struct sign_key *key[VERIFY_KEYS];
    struct str name[VERIFY_KEYS];
    int64_t from_size[VERIFY_KEYS], to_size[VERIFY_KEYS]; // what it may sign; to -1: no end
    struct str note[VERIFY_KEYS];
};

// --- between the files ---
struct call_sum { // of one grant and local day
    int64_t grant, day, calls, rows, bytes;
};
struct sums { // open addressing; grant 0 = free
    struct arena *mem;
    struct call_sum *slot;
    size_t cap, n;
};
struct call_sum *sums_at(struct sums *s, int64_t grant, int64_t day); // NULL = no memory

struct crossing {
    int64_t index, size;
    struct str root[VERIFY_TREES];
}; // base64, as the entry says

struct announced_keys { // a rotation: the note that the old keys signed
    int64_t index;
    struct str note;
};
struct range {                        // what a thread found out about its share of the entries
    struct merkle tree[VERIFY_TREES]; // of the range alone
    int64_t *acts;                    // indices of entries that are acts, in order
    size_t acts_n, acts_cap;
    struct crossing *crossings;
    size_t crossings_n, crossings_cap;
    struct announced_keys *announced;
    size_t announced_n, announced_cap;
};
struct verify {
    const char *folder;
    bool is_quiet;
    struct arena *mem;
    struct conn *conn; // the main thread's: one snapshot
    struct hasher *hasher;
    struct err *err;
    struct verify_report *report;
    uint64_t size;
    struct range *ranges;
    uint64_t ranges_n;
    _Atomic uint64_t next_range, done_entries, erased, calls;
    _Atomic uint64_t *call_marks; // by range: sum over the calls that the entries tell of
    struct sums sums;             // under lock
    pthread_mutex_t lock;         // faults, sums, progress
    int64_t told_us;
    _Atomic int failed; // a thread could not read
};
void verify_fault(struct verify *v, enum verify_what what, int64_t index, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int verify_entries(struct verify *v) MUST; // verify_entries.c: leaves, commitments, subtrees; all threads
int verify_trees(struct verify *v) MUST;   // verify_trees.c: upper subtrees, heads, crossings
int verify_checkpoints(struct verify *v, const struct verify_trust *keys) MUST;
// verify_keys.c: the keys given, and those for which they vouch in entries. The added ones are the caller's to close.
int verify_follow(struct verify *v, const struct verify_trust *given, struct verify_trust *ret) MUST;
int verify_acts(struct verify *v) MUST;  // verify_rows.c: audit rows
int verify_calls(struct verify *v) MUST; //                call rows and the meter
// Sums over a call that do not depend on order: entries and rows must give the same.
uint64_t call_mark(int64_t grant, int64_t entry, int64_t key, int64_t time_ms, int64_t rows);
uint64_t call_mark_outcome(int64_t entry, int64_t bytes, int64_t status);
// What an entry tells of a call; false when it is none. For exchange.proxy.done `begin` is the call's entry, else the own.
struct call_told {
    int64_t grant, key, time_ms, rows, bytes, status, begin;
    bool is_begin, is_end;
};
bool call_told(const struct ledger_entry *e, struct json detail, struct call_told *ret);

// --- faces ---
int verify_folder(const char *folder, const struct verify_trust *keys, bool is_quiet,
                  struct verify_report *ret, struct err *e) MUST; // OK also with faults: look at faults_n
const char *verify_word(enum verify_what what, bool zh);
// Lines "VKEY [FROM-SIZE [TO-SIZE]]", or a file of such lines: ledger.vkey.
int verify_key_add(struct arena *mem, struct verify_trust *keys, struct str text, struct err *e) MUST;
// A checkpoint, or a receipt that ends with one.
int verify_note_add(struct arena *mem, struct verify_trust *trust, const char *path, struct err *e) MUST;
void verify_keys_close(struct verify_trust *keys);
// Is the note a checkpoint of that tree, signed by a key that may sign its size? Gives its body, size and root.
bool verify_signed(struct arena *mem, const struct verify_trust *keys, struct str note, int tree,
                   struct str *ret_body, uint64_t *ret_size, uint8_t root[HASH_BYTES]);
// A receipt: OK when proof and signatures hold. What it speaks of is told in *ret (in mem), with salt and detail if
// it carries them.
int verify_receipt(struct arena *mem, struct str text, const struct verify_trust *keys,
                   struct ledger_entry *ret, struct str *ret_note, struct err *e) MUST;
#endif
