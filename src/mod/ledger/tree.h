// SPDX-License-Identifier: MulanPSL-2.0
// Private to the ledger: the two trees in memory, as they follow the writer's transactions.
#ifndef LEDGER_TREE_H
#define LEDGER_TREE_H
#include "crypto/merkle.h"
#include "mod/ledger/ledger.h"
#include <pthread.h>

#define LEDGER_TREES      2
#define LEDGER_NODE_LEVEL 8 // stored from here up: one row per 256 entries and tree

struct ledger_state { // city->mod[ledger]
    // Writer thread only:
    struct merkle tree[LEDGER_TREES];
    struct merkle before_batch[LEDGER_TREES], before_item[LEDGER_TREES];
    uint8_t pending_root[LEDGER_TREES][HASH_BYTES];
    bool batch_open, changed;
    uint64_t item_size, item_saved; // size at the item's begin; size at which before_item was copied
    int64_t last_note_ms;
    // The last durable state, for other threads, under lock:
    pthread_mutex_t lock;
    uint64_t size;
    uint8_t root[LEDGER_TREES][HASH_BYTES];
    int64_t last_entry_ms;
    void *signing; // checkpoint.c
};
struct ledger_state *ledger_state(struct city *city);
int tree_start(struct cx *cx, struct ledger_state *s) MUST; // reads the heads
int tree_note(struct cx *cx, struct note *n);               // city->on_note
int tree_before_commit(struct city *city, struct conn *w, struct err *e);
void tree_after_commit(struct city *city, bool committed);
void tree_item_begin(struct city *city);
void tree_item_undone(struct city *city);
#endif
