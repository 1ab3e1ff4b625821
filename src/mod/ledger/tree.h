// SPDX-License-Identifier: MulanPSL-2.0
// Private to the ledger: the two trees in memory, as they follow the writer's transactions; the signed checkpoint
// that is served; reading of subtree hashes.
#ifndef LEDGER_TREE_H
#define LEDGER_TREE_H
#include "crypto/merkle.h"
#include "crypto/sign.h"
#include "mod/ledger/ledger.h"
#include <pthread.h>

#define LEDGER_TREES       2
#define LEDGER_TREE_SHA256 0
#define LEDGER_TREE_SM3    1
#define LEDGER_NODE_LEVEL  8 // stored from here up: one row per 256 entries and tree
#define LEDGER_TILE        ((uint64_t)256)

#define LEDGER_SCOPE     "ledger:read" // of API tokens
#define LEDGER_NOTE_MAX  2048          // a checkpoint: origin, size, root, two signature lines
#define LEDGER_NAME_MAX  160           // origin with what a restore appends and "/sm3"
#define LEDGER_LINES_MAX 8192          // the lines of 32 witnesses

// What was signed last. Both notes speak of the same size, so that size, proof and checkpoint of a reply are one.
// `lines`: what witnesses have answered to the SHA-256 note; they are served under it.
struct checkpoint {
    uint64_t size;
    uint8_t root[LEDGER_TREES][HASH_BYTES];
    int64_t made_ms;
    size_t note_n[LEDGER_TREES];
    char note[LEDGER_TREES][LEDGER_NOTE_MAX];
    size_t lines_n;
    char lines[LEDGER_LINES_MAX];
};

struct ledger_state { // city->mod[ledger]
    // Writer thread only:
    struct merkle tree[LEDGER_TREES];
    struct merkle before_batch[LEDGER_TREES], before_item[LEDGER_TREES];
    uint8_t pending_root[LEDGER_TREES][HASH_BYTES];
    bool batch_open, is_moved; // moved: the batch to be committed has entries
    uint64_t item_saved;       // size at which before_item was copied
    int64_t last_shown_ms;     // the last entry's time as its leaf shows it

    // Committed, and being synced, on their way to durable; under lock:
    struct tree_mark {
        uint64_t size;
        uint8_t root[LEDGER_TREES][HASH_BYTES];
        int64_t last_entry_ms;
    } committed, syncing;
    // The last durable state and the checkpoint over it, for other threads, under lock:
    pthread_mutex_t lock;
    uint64_t size;
    uint8_t root[LEDGER_TREES][HASH_BYTES];
    int64_t last_entry_ms;
    struct checkpoint checkpoint;
    struct checkpoint witnessed;            // the newest over which the policy's quorum holds; size 0 = none
    struct str vkey[LEDGER_TREES], sm2_pem; // in the city's arena; a rotation changes them: keys_vkey

    // Signing: one at a time; a rotation changes the keys under this lock. The names stay until the process ends.
    pthread_mutex_t signing;
    struct sign_key *key[LEDGER_TREES];       // Ed25519, SM2
    char name[LEDGER_TREES][LEDGER_NAME_MAX]; // origin of each tree, and the name of its key
    uint64_t key_from;                        // the keys sign no tree smaller than this: the ones before did
    _Atomic bool is_behind;                   // a witness holds a later checkpoint of ours: nothing is signed
    struct sign_key *witness_key;             // what this city says of other logs (witness.c)
    char witness_name[LEDGER_NAME_MAX];
    struct str witness_vkey;
    struct witness_client *witness; // who is asked to say it of ours (witness_client.c)
    int64_t crossed_ms;             // when the last cross entry was made, 0 = not since start
    int64_t crossed_index;          // its index; -1 = none known
};
struct ledger_state *ledger_state(struct city *city);
enum hash_kind ledger_hash(int tree);
int64_t ledger_shown_time(int64_t time_ms, struct str clear); // what the leaf tells of it

int tree_start(struct cx *cx, struct ledger_state *s) MUST; // reads the heads
int tree_note(struct cx *cx, struct note *n);               // city->on_note
// What an entry is before it has its place (prepare.c): many at once, or one.
struct ledger_prepared {
    uint8_t salt[LEDGER_SALT_BYTES];
    struct str leaf;
    uint8_t hash[LEDGER_TREES][HASH_BYTES]; // of the leaf
};
void ledger_prepare(struct cx *cx, struct note *first); // city->prepare_notes
int ledger_prepare_one(struct cx *cx, const struct note *n, struct ledger_prepared *ret) MUST;
struct str ledger_leaf_text(struct arena *mem, const char *kind, int64_t time_ms, struct str clear,
                            const uint8_t sha256[HASH_BYTES], const uint8_t sm3[HASH_BYTES]);
int tree_before_commit(struct city *city, struct conn *w, struct err *e);
void tree_after_commit(struct city *city, bool committed);
void tree_before_sync(struct city *city);
void tree_after_sync(struct city *city);
void tree_item_begin(struct city *city);
void tree_item_undone(struct city *city);
int tree_moved(struct city *city, struct conn *w, struct err *e) MUST;

int ledger_follow(struct cx *cx) MUST;     // what other nodes have done (follow.c); not on the writer
int ledger_follow_run(struct cx *cx) MUST; // its job
// ledger_follow and checkpoint_get.
int checkpoint_look(struct cx *cx, struct checkpoint *ret) MUST;

int checkpoint_read_newest(struct cx *cx, struct ledger_state *s) MUST; // in the snapshot of the heads
int checkpoint_start(struct cx *cx, struct ledger_state *s) MUST; // keys, a checkpoint over all there is
void checkpoint_stop(struct ledger_state *s);
void checkpoint_get(struct city *city, struct checkpoint *ret);
// Signs what is durable, unless that is signed already. Not on the writer.
int checkpoint_sign(struct cx *cx) MUST;
// The newest checkpoint, made anew when `index` is durable but not yet covered: a receipt need not wait.
int checkpoint_cover(struct cx *cx, int64_t index, struct checkpoint *ret) MUST;
// The note as it is served: under the SHA-256 one the lines of the witnesses.
struct str checkpoint_text(struct arena *mem, const struct checkpoint *c, int tree);
bool checkpoint_is_witnessed(struct city *city,
                             int64_t index); // the policy's quorum saw a tree that has this entry
void ledger_metrics(struct cx *cx, struct metrics *m);
extern const struct job ledger_jobs[];
int checkpoint_run(struct cx *cx) MUST;  // the job: crosses if it is time, signs
int checkpoint_grow(struct cx *cx) MUST; // one more entry, so that a new key has something of its own to sign
// Under s->signing, for a rotation that is about to change the keys.
int checkpoint_sign_locked(struct cx *cx) MUST;

// The hash of a perfect subtree, from leaves below LEDGER_NODE_LEVEL; a merkle_read whose arg is a tree_reader.
struct tree_reader {
    struct conn *db;
    struct hasher *hasher;
    struct err *err;
    int tree;
    // The leaf hashes of the tile asked for last: the lower half of a proof are subtrees of one tile.
    uint64_t tile, tile_n; // n = 0: none
    uint8_t leaf[LEDGER_TILE][HASH_BYTES];
};
int tree_read(void *reader, int level, uint64_t index, uint8_t out[HASH_BYTES]);
// The first n hashes of a tile, or fewer when the tree does not hold them; out has room for LEDGER_TILE.
int tree_tile(struct tree_reader *r, int tile_level, uint64_t index, uint64_t n, uint8_t (*out)[HASH_BYTES],
              uint64_t *ret_n) MUST;

extern const struct route ledger_routes[], ledger_search_routes[], ledger_block_routes[],
    ledger_tile_routes[];
#endif
