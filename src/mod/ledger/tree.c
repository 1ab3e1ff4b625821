// SPDX-License-Identifier: MulanPSL-2.0
// Numbering: a note becomes an entry of both trees, on the writer, inside the transaction of the rows it speaks of.
// Memory follows the transaction: (1) both frontiers are copied when a batch begins, and again when an item begins
// after they moved; (2) an undone item or batch puts them back; (3) the heads (size, root, frontier) are written once
// per batch, before its commit; (4) other threads see a size only
// when it is durable.
#include "mod/ledger/entries.h"
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

enum hash_kind ledger_hash(int tree) {
    return tree == LEDGER_TREE_SHA256 ? HASH_SHA256 : HASH_SM3;
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
    for (int t = 0; t < LEDGER_TREES; t++)
        merkle_copy(&s->before_batch[t], &s->tree[t]);
    s->batch_open = true;
}

// The leaf's hash joins both trees; final subtrees are stored.
static int grow(struct cx *cx, struct ledger_state *s, const struct ledger_prepared *p) {
    int code = OK;
    for (int t = 0; t < LEDGER_TREES && code == OK; t++) {
        struct sink sink = {.cx = cx, .tree = t};
        merkle_add(&s->tree[t], cx->hasher, ledger_hash(t), p->hash[t], on_node, &sink);
        code = sink.code;
    }
    return code;
}

int tree_note(struct cx *cx, struct note *n) {
    struct ledger_state *s = ledger_state(cx->city);
    struct ledger_prepared own = {0}, *p = n->prepared ? n->prepared : &own;
    int code = OK;
    assert(cx->is_writer);
    save_once(s);
    if (!n->detail.p) return cx_fail(cx, ERR_internal, "entry", "%s: no detail", n->kind);
    if (p == &own) code = ledger_prepare_one(cx, n, &own);
    if (code != OK) return code;
    int64_t index = (int64_t)s->tree[0].size;
    code = store_exec(cx->db, NULL, &cx->err, Q_ledger_entry_add, "ibbs", index, p->leaf,
                      (struct str){(const char *)p->salt, sizeof p->salt}, n->detail);
    if (code == OK) code = grow(cx, s, p);
    if (code != OK) return code;
    s->last_shown_ms = ledger_shown_time(n->time_ms, n->clear);
    n->entry = index;
    return OK;
}

void tree_item_begin(struct city *city) {
    struct ledger_state *s = ledger_state(city);
    save_once(s);
    // Within a batch a size below the present one never comes back with other contents: equal sizes, equal trees.
    if (s->item_saved == s->tree[0].size) return;
    for (int t = 0; t < LEDGER_TREES; t++)
        merkle_copy(&s->before_item[t], &s->tree[t]);
    s->item_saved = s->tree[0].size;
}

void tree_item_undone(struct city *city) {
    struct ledger_state *s = ledger_state(city);
    for (int t = 0; t < LEDGER_TREES; t++)
        merkle_copy(&s->tree[t], &s->before_item[t]);
}

static int put_head(struct ledger_state *s, int t, struct hasher *h, struct conn *w, struct err *e) {
    uint8_t root[HASH_BYTES];
    const struct merkle *m = &s->tree[t];
    merkle_root(m, h, ledger_hash(t), root);
    memcpy(s->pending_root[t], root, sizeof root);
    return store_exec(w, NULL, e, Q_ledger_head_put, "iibb", (int64_t)t, (int64_t)m->size,
                      (struct str){(const char *)root, sizeof root},
                      (struct str){(const char *)m->peak, (size_t)m->n * HASH_BYTES});
}

int tree_before_commit(struct city *city, struct conn *w, struct err *e) {
    struct ledger_state *s = ledger_state(city);
    int code = OK;
    // Entries of undone items are gone: only the size tells whether the batch has any.
    s->is_moved = s->batch_open && s->tree[0].size != s->before_batch[0].size;
    if (!s->is_moved) return OK;
    assert(s->tree[0].size == s->tree[1].size && "both trees hold the same entries");
    for (int t = 0; t < LEDGER_TREES && code == OK; t++)
        code = put_head(s, t, city->writer_hasher, w, e);
    return code;
}

void tree_after_commit(struct city *city, bool committed) {
    struct ledger_state *s = ledger_state(city);
    for (int t = 0; t < LEDGER_TREES && !committed && s->batch_open; t++)
        merkle_copy(&s->tree[t], &s->before_batch[t]);
    if (committed && s->is_moved) {
        pthread_mutex_lock(&s->lock);
        s->committed.size = s->tree[0].size;
        memcpy(s->committed.root, s->pending_root, sizeof s->committed.root);
        s->committed.last_entry_ms = s->last_shown_ms;
        pthread_mutex_unlock(&s->lock);
    }
    s->batch_open = s->is_moved = false;
    s->item_saved = UINT64_MAX;
}

// The writer may commit more while the disk works: what counts as durable afterwards is what was there before.
void tree_before_sync(struct city *city) {
    struct ledger_state *s = ledger_state(city);
    pthread_mutex_lock(&s->lock);
    s->syncing = s->committed;
    pthread_mutex_unlock(&s->lock);
}

void tree_after_sync(struct city *city) {
    struct ledger_state *s = ledger_state(city);
    pthread_mutex_lock(&s->lock);
    if (s->syncing.size > s->size) { // else another node was seen to have gone on
        s->size = s->syncing.size;
        memcpy(s->root, s->syncing.root, sizeof s->root);
        s->last_entry_ms = s->syncing.last_entry_ms;
    }
    pthread_mutex_unlock(&s->lock);
}

static int broken(struct cx *cx, const char *what) {
    return cx_fail(cx, ERR_ledger_broken, "ledger", "%s", what);
}

static int read_head(struct cx *cx, struct ledger_state *s, int t, uint8_t ret_root[HASH_BYTES]) {
    struct merkle *m = &s->tree[t];
    struct stmt *st = store_query(cx->db, Q_ledger_head_get, "i", (int64_t)t);
    bool found = store_next(st), fits = true;
    if (found) {
        struct str root = store_str(st, 1, NULL), frontier = store_str(st, 2, NULL);
        m->size = (uint64_t)store_int(st, 0);
        m->n = __builtin_popcountll(m->size);
        fits = store_int(st, 0) >= 0 && root.n == HASH_BYTES && frontier.n == (size_t)m->n * HASH_BYTES;
        if (fits) memcpy(ret_root, root.p, HASH_BYTES);
        if (fits) memcpy(m->peak, frontier.p, frontier.n);
    }
    int code = store_done(st, &cx->err);
    if (code != OK) return code;
    if (!fits) return broken(cx, "head");
    uint8_t root[HASH_BYTES];
    merkle_root(m, cx->hasher, ledger_hash(t), root);
    if (!found) memcpy(ret_root, root, sizeof root); // the empty tree
    return memcmp(root, ret_root, sizeof root) == 0 ? OK : broken(cx, "root");
}

// The greatest index among rows and bundles, -1 when there is none.
static int end_of_rows(struct cx *cx, int64_t *ret) {
    struct stmt *st = store_query(cx->db, Q_ledger_row_last, "");
    *ret = store_next(st) ? store_int(st, 0) : -1;
    int code = store_done(st, &cx->err);
    if (code != OK) return code;
    st = store_query(cx->db, Q_ledger_bundle_last, "");
    int64_t sealed = store_next(st) ? (store_int(st, 0) + 1) * LEDGER_BUNDLE - 1 : -1;
    if (sealed > *ret) *ret = sealed;
    return store_done(st, &cx->err);
}

// The last entry must be where the heads say, and none behind it: numbering on over a hole would fork the log.
static int look_at_end(struct cx *cx, struct ledger_state *s) {
    const int64_t size = (int64_t)s->tree[0].size;
    struct ledger_reader r;
    struct ledger_entry last = {.index = -1}, beyond = {.index = -1};
    bool found = false, is_longer = false, reads = true;
    if (s->tree[0].size != s->tree[1].size) return broken(cx, "trees");
    ledger_reader_init(&r, cx->db, NULL);
    int code = size ? ledger_reader_get(&r, size - 1, &last, &found, &cx->err) : OK;
    if (found) reads = ledger_leaf_read(last.leaf, &last);
    if (found && reads && str_eq(last.kind, S("ledger.cross"))) s->crossed_index = last.index;
    if (code == OK) code = end_of_rows(cx, &beyond.index);
    ledger_reader_free(&r);
    is_longer = beyond.index >= size;
    if (code != OK) return code;
    if (!reads || found != (size > 0) || is_longer) return broken(cx, "entries");
    s->last_shown_ms = s->last_entry_ms = last.time_ms;
    return OK;
}

int tree_start(struct cx *cx, struct ledger_state *s) {
    int code = OK;
    pthread_mutex_init(&s->lock, NULL);
    s->item_saved = UINT64_MAX;
    s->crossed_index = -1;
    for (int t = 0; t < LEDGER_TREES && code == OK; t++)
        code = read_head(cx, s, t, s->root[t]);
    if (code == OK) code = look_at_end(cx, s);
    s->size = s->tree[0].size;
    s->committed = (struct tree_mark){.size = s->size, .last_entry_ms = s->last_entry_ms};
    memcpy(s->committed.root, s->root, sizeof s->root);
    s->syncing = s->committed;
    return code;
}

// Another node has numbered entries since our last batch: the trees go on from its heads. What it committed is durable.
int tree_moved(struct city *city, struct conn *w, struct err *e) {
    struct ledger_state *s = ledger_state(city);
    struct arena mem;
    struct cx cx;
    struct ledger_reader r;
    struct ledger_entry last = {.index = -1};
    struct tree_mark mark = {0};
    bool found = false;
    int code = OK;
    assert(!s->batch_open);
    arena_init(&mem, 0);
    core_cx(&cx, city, &mem, w, city->writer_hasher, NULL);
    for (int t = 0; t < LEDGER_TREES && code == OK; t++)
        code = read_head(&cx, s, t, mark.root[t]);
    mark.size = s->tree[0].size;
    if (code == OK && s->tree[0].size != s->tree[1].size) code = broken(&cx, "trees");
    ledger_reader_init(&r, w, NULL);
    if (code == OK && mark.size > 0)
        code = ledger_reader_get(&r, (int64_t)mark.size - 1, &last, &found, &cx.err);
    if (code == OK && mark.size > 0 && (!found || !ledger_leaf_read(last.leaf, &last)))
        code = broken(&cx, "entries");
    if (code == OK) {
        s->last_shown_ms = mark.last_entry_ms = last.time_ms;
        pthread_mutex_lock(&s->lock);
        s->committed = mark;
        if (mark.size > s->size) {
            s->size = mark.size;
            memcpy(s->root, mark.root, sizeof s->root);
            s->last_entry_ms = mark.last_entry_ms;
        }
        pthread_mutex_unlock(&s->lock);
    } else {
        *e = cx.err;
    }
    ledger_reader_free(&r);
    arena_free(&mem);
    return code;
}
