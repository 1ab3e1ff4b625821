// SPDX-License-Identifier: MulanPSL-2.0
// Of several nodes over one database each keeps heads, checkpoint and keys in memory; what the others did is read here,
// before anything is told of the ledger. Keeps true: (1) memory only goes forward: sizes never shrink; (2) what is taken
// over is committed, so it is durable; (3) a checkpoint is never ahead of the head: it is read first; (4) a node whose
// keys another one has rotated away signs nothing (keys_may_sign, in the transaction that would store the note).
#include "core/node.h"
#include "mod/ledger/entries.h"
#include "mod/ledger/keys.h"
#include "mod/ledger/witness.h"
#include <inttypes.h>

static int read_notes(struct cx *cx, struct checkpoint *c, int *ret_n) {
    struct stmt *st = store_query(cx->db, Q_ledger_checkpoint_pair, "");
    *c = (struct checkpoint){0};
    *ret_n = 0;
    while (store_next(st)) {
        const int64_t t = store_int(st, 0);
        struct str note = store_str(st, 2, NULL), body, origin;
        uint64_t size;
        if (t < 0 || t >= LEDGER_TREES || note.n > LEDGER_NOTE_MAX) continue;
        memcpy(c->note[t], note.p, note.n);
        c->note_n[t] = note.n;
        c->size = (uint64_t)store_int(st, 1);
        c->made_ms = store_int(st, 3);
        const struct str kept = {c->note[t], note.n};
        if (note_split(kept, &body) && checkpoint_read(cx->mem, body, &origin, &size, c->root[t]) &&
            size == c->size && str_eq(origin, str_of(ledger_state(cx->city)->name[t])))
            ++*ret_n;
    }
    return store_done(st, &cx->err);
}

static int read_heads(struct cx *cx, struct tree_mark *ret) {
    struct stmt *st = store_query(cx->db, Q_ledger_heads, "");
    int n = 0;
    *ret = (struct tree_mark){0};
    while (store_next(st)) {
        struct str root = store_str(st, 2, NULL);
        if (n >= LEDGER_TREES || root.n != HASH_BYTES) break;
        ret->size = (uint64_t)store_int(st, 1);
        memcpy(ret->root[n++], root.p, HASH_BYTES);
    }
    int code = store_done(st, &cx->err);
    if (code == OK && n != LEDGER_TREES) ret->size = 0; // an empty ledger
    return code;
}

static int read_last_time(struct cx *cx, struct tree_mark *m) {
    struct ledger_reader r;
    struct ledger_entry last = {.index = -1};
    bool found = false;
    ledger_reader_init(&r, cx->db, NULL);
    int code = ledger_reader_get(&r, (int64_t)m->size - 1, &last, &found, &cx->err);
    if (code == OK && found && ledger_leaf_read(last.leaf, &last)) m->last_entry_ms = last.time_ms;
    ledger_reader_free(&r);
    return code;
}

int ledger_follow(struct cx *cx) {
    struct ledger_state *s = ledger_state(cx->city);
    struct tree_mark head;
    int notes = 0;
    if (!cx->city->node || cx->is_writer) return OK; // the writer follows by tree_moved
    struct checkpoint *c = arena_take(cx->mem, sizeof *c);
    if (!c) return cx_fail(cx, ERR_no_memory, "", "checkpoint");
    int code = read_notes(cx, c, &notes);
    if (code == OK) code = read_heads(cx, &head);
    if (code != OK) return code;
    pthread_mutex_lock(&s->lock);
    bool is_ahead = head.size > s->size;
    pthread_mutex_unlock(&s->lock);
    if (is_ahead) code = read_last_time(cx, &head);
    if (code != OK) return code;
    pthread_mutex_lock(&s->lock);
    if (head.size > s->size) {
        s->size = head.size;
        memcpy(s->root, head.root, sizeof s->root);
        s->last_entry_ms = head.last_entry_ms;
    }
    if (notes == LEDGER_TREES && c->size <= s->size &&
        (!s->checkpoint.made_ms || c->size > s->checkpoint.size))
        s->checkpoint = *c;
    pthread_mutex_unlock(&s->lock);
    return OK;
}

int checkpoint_look(struct cx *cx, struct checkpoint *ret) {
    int code = ledger_follow(cx);
    checkpoint_get(cx->city, ret);
    return code;
}

// Every second, on every node: what the metrics say and what is told without being asked follows too.
int ledger_follow_run(struct cx *cx) {
    if (!cx->city->node) return OK;
    int code = keys_follow(cx);
    return code == OK ? ledger_follow(cx) : code;
}
