// SPDX-License-Identifier: MulanPSL-2.0
// Numbering: a note becomes an entry of both trees, on the writer, inside the transaction of the rows it speaks of.
// Memory follows the transaction: (1) at the first entry of a batch both frontiers are copied, at the first of an
// item again; (2) an undone item or batch puts them back; (3) the heads (size, root, frontier) are written once per
// batch, before its commit; (4) other threads see a size only after its commit.
#include "mod/ledger/tree.h"
#include <assert.h>
#include <inttypes.h>

static void merkle_copy(struct merkle *to, const struct merkle *from) {
    to->size = from->size;
    to->n = from->n;
    memcpy(to->peak, from->peak, (size_t)from->n * HASH_BYTES);
}

struct ledger_state *ledger_state(struct city *city) {
    return city->mod[module_index("ledger")];
}

static enum hash_kind kind_of(int tree) {
    return tree == 0 ? HASH_SHA256 : HASH_SM3;
}

struct sink {
    struct cx *cx;
    int tree, code;
};

// A perfect subtree became final: those of 256 leaves and more are stored.
static void on_node(void *arg, int level, uint64_t index, const uint8_t hash[HASH_BYTES]) {
    struct sink *s = arg;
    if (level < LEDGER_NODE_LEVEL || s->code != OK) return;
    s->code = store_exec(s->cx->db, NULL, &s->cx->err, Q_ledger_node_put, "iiib", (int64_t)s->tree,
                         (int64_t)level, (int64_t)index, (struct str){(const char *)hash, HASH_BYTES});
}

static void save_once(struct ledger_state *s) {
    if (s->batch_open) return;
    memcpy(s->before_batch, s->tree, sizeof s->tree);
    s->batch_open = true;
}

int tree_note(struct cx *cx, struct note *n) {
    struct ledger_state *s = ledger_state(cx->city);
    uint8_t salt[LEDGER_SALT_BYTES];
    assert(cx->is_writer);
    save_once(s);
    if (crypto_random(salt, sizeof salt) != OK) return cx_fail(cx, ERR_crypto, "", "random");
    struct str leaf = ledger_leaf(cx->mem, cx->hasher, n->kind, n->time_ms, n->clear, salt, n->detail);
    if (!leaf.p) return cx_fail(cx, ERR_too_large, "entry", "%d", LEDGER_LEAF_MAX);
    int64_t index = (int64_t)s->tree[0].size;
    int code = store_exec(cx->db, NULL, &cx->err, Q_ledger_entry_add, "ibbs", index, leaf,
                          (struct str){(const char *)salt, sizeof salt}, n->detail);
    for (int t = 0; t < LEDGER_TREES && code == OK; t++) {
        struct sink sink = {.cx = cx, .tree = t};
        uint8_t hash[HASH_BYTES];
        merkle_leaf(cx->hasher, kind_of(t), leaf, hash);
        merkle_add(&s->tree[t], cx->hasher, kind_of(t), hash, on_node, &sink);
        code = sink.code;
    }
    if (code != OK) return code;
    s->changed = true;
    s->last_note_ms = n->time_ms;
    n->entry = index;
    return OK;
}

void tree_item_begin(struct city *city) {
    struct ledger_state *s = ledger_state(city);
    // Sizes alone are enough to see whether an item added anything; the frontier is copied only then (below).
    save_once(s);
    s->item_size = s->tree[0].size;
    if (s->item_saved != s->item_size) {
        for (int t = 0; t < LEDGER_TREES; t++)
            merkle_copy(&s->before_item[t], &s->tree[t]);
        s->item_saved = s->item_size;
    }
}

void tree_item_undone(struct city *city) {
    struct ledger_state *s = ledger_state(city);
    for (int t = 0; t < LEDGER_TREES; t++)
        merkle_copy(&s->tree[t], &s->before_item[t]);
}

static int put_head(struct ledger_state *s, int t, struct hasher *h, struct conn *w, struct err *e) {
    uint8_t root[HASH_BYTES];
    const struct merkle *m = &s->tree[t];
    merkle_root(m, h, kind_of(t), root);
    memcpy(s->pending_root[t], root, sizeof root);
    return store_exec(w, NULL, e, Q_ledger_head_put, "iibb", (int64_t)t, (int64_t)m->size,
                      (struct str){(const char *)root, sizeof root},
                      (struct str){(const char *)m->peak, (size_t)m->n * HASH_BYTES});
}

int tree_before_commit(struct city *city, struct conn *w, struct err *e) {
    struct ledger_state *s = ledger_state(city);
    int code = OK;
    if (!s->changed || s->tree[0].size == s->before_batch[0].size) return OK;
    assert(s->tree[0].size == s->tree[1].size && "both trees hold the same entries");
    for (int t = 0; t < LEDGER_TREES && code == OK; t++)
        code = put_head(s, t, city->writer_hasher, w, e);
    return code;
}

void tree_after_commit(struct city *city, bool committed) {
    struct ledger_state *s = ledger_state(city);
    if (!committed && s->batch_open) memcpy(s->tree, s->before_batch, sizeof s->tree);
    if (committed && s->changed) {
        pthread_mutex_lock(&s->lock);
        s->size = s->tree[0].size;
        memcpy(s->root, s->pending_root, sizeof s->root);
        s->last_entry_ms = s->last_note_ms;
        pthread_mutex_unlock(&s->lock);
    }
    s->batch_open = s->changed = false;
    s->item_saved = UINT64_MAX;
}

static int read_head(struct cx *cx, struct ledger_state *s, int t) {
    struct stmt *st = store_query(cx->db, Q_ledger_head_get, "i", (int64_t)t);
    if (store_next(st)) {
        struct merkle *m = &s->tree[t];
        struct str root = store_str(st, 1, NULL), frontier;
        memcpy(s->root[t], root.p, root.n == HASH_BYTES ? HASH_BYTES : 0);
        frontier = store_str(st, 2, NULL);
        m->size = (uint64_t)store_int(st, 0);
        m->n = (int)(frontier.n / HASH_BYTES);
        memcpy(m->peak, frontier.p, frontier.n);
    } else {
        merkle_root(&s->tree[t], cx->hasher, kind_of(t), s->root[t]); // the empty tree
    }
    return store_done(st, &cx->err);
}

int tree_start(struct cx *cx, struct ledger_state *s) {
    int code = OK;
    pthread_mutex_init(&s->lock, NULL);
    s->item_saved = UINT64_MAX;
    for (int t = 0; t < LEDGER_TREES && code == OK; t++)
        code = read_head(cx, s, t);
    s->size = s->tree[0].size;
    return code;
}
