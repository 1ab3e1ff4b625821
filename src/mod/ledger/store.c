// SPDX-License-Identifier: MulanPSL-2.0
// What the ledger reads back: who may see an entry's detail, and the hashes of perfect subtrees. Keeps true: a subtree of less than 256
// leaves is worked out from its leaves, a greater one is read, so no proof reads more than two blocks of leaves.
#include "mod/ledger/entries.h"
#include "mod/ledger/tree.h"
#include <inttypes.h>

static bool names_office(struct json detail, const char *name, struct str office) {
    struct str one = json_text(json_get(detail, str_of(name)));
    return one.n && str_eq(one, office);
}

// A token that was made for something else does not open the ledger's private part.
static bool is_in_scope(const struct cx *cx) {
    struct str rest = cx->who.scopes;
    if (!rest.p) return true;
    while (rest.p)
        if (str_eq(str_cut(rest, ' ', &rest), S(LEDGER_SCOPE))) return true;
    return false;
}

bool ledger_entry_may(struct cx *cx, const struct ledger_entry *e) {
    struct json detail;
    struct err ignore = {0};
    if (!e->detail.p || !is_in_scope(cx)) return false;
    if (cx_is(cx, R_(AUDITOR))) return true;
    if (!cx_is(cx, R_ALL_OFFICE) || !cx->who.office.n)
        return false; // the other administrators work in an office too
    if (json_parse(cx->mem, e->detail, &detail, &ignore) != OK) return false;
    return names_office(detail, "office", cx->who.office) ||
           names_office(detail, "provider", cx->who.office) ||
           names_office(detail, "actor_office", cx->who.office);
}

struct leaf_walk {
    struct tree_reader *r;
    void (*put)(void *arg, uint64_t index, const uint8_t hash[HASH_BYTES]);
    void *arg;
    uint64_t n;
};

static int see_leaf(void *arg, const struct ledger_entry *e) {
    struct leaf_walk *w = arg;
    uint8_t hash[HASH_BYTES];
    merkle_leaf(w->r->hasher, ledger_hash(w->r->tree), e->leaf, hash);
    w->put(w->arg, w->n++, hash);
    return OK;
}

// The leaf hashes of [from, to), one by one, in order.
static int each_leaf(struct tree_reader *r, uint64_t from, uint64_t to,
                     void (*put)(void *arg, uint64_t index, const uint8_t hash[HASH_BYTES]), void *arg,
                     uint64_t *ret_n) {
    struct ledger_reader reader;
    struct leaf_walk w = {r, put, arg, 0};
    int64_t next;
    ledger_reader_init(&reader, r->db, NULL);
    int code = ledger_reader_each(&reader, (int64_t)from, (int64_t)to, see_leaf, &w, &next, r->err);
    ledger_reader_free(&reader);
    *ret_n = w.n;
    return code;
}

static int absent(struct tree_reader *r, int level, uint64_t index) {
    return err_set(r->err, ERR_not_found, "tile", "%d/%" PRIu64, level, index);
}

static void put_in_tile(void *arg, uint64_t index, const uint8_t hash[HASH_BYTES]) {
    uint8_t(*out)[HASH_BYTES] = arg;
    memcpy(out[index], hash, HASH_BYTES);
}

// A subtree within one tile, out of the tile's leaf hashes, which are worked out once: eight subtrees of a proof lie in
// the same tile, and opening its bundle for each of them was most of what a proof cost.
static int read_low(struct tree_reader *r, int level, uint64_t index, uint8_t out[HASH_BYTES]) {
    const uint64_t tile = index >> (LEDGER_NODE_LEVEL - level), leaves = (uint64_t)1 << level;
    const uint64_t first = (index << level) % LEDGER_TILE;
    struct merkle m = {.size = 0};
    if (!r->tile_n || r->tile != tile) {
        r->tile_n = 0;
        int code =
            each_leaf(r, tile * LEDGER_TILE, (tile + 1) * LEDGER_TILE, put_in_tile, r->leaf, &r->tile_n);
        if (code != OK) return code;
        r->tile = tile;
    }
    if (first + leaves > r->tile_n) return absent(r, level, index);
    for (uint64_t i = 0; i < leaves; i++)
        merkle_add(&m, r->hasher, ledger_hash(r->tree), r->leaf[first + i], NULL, NULL);
    merkle_root(&m, r->hasher, ledger_hash(r->tree), out);
    return OK;
}

int tree_read(void *reader, int level, uint64_t index, uint8_t out[HASH_BYTES]) {
    struct tree_reader *r = reader;
    if (level < LEDGER_NODE_LEVEL) return read_low(r, level, index, out);
    struct stmt *s =
        store_query(r->db, Q_ledger_node_get, "iii", (int64_t)r->tree, (int64_t)level, (int64_t)index);
    bool found = store_next(s);
    struct str hash = found ? store_str(s, 0, NULL) : STR_NONE;
    found = hash.n == HASH_BYTES;
    if (found) memcpy(out, hash.p, HASH_BYTES);
    int code = store_done(s, r->err);
    return code != OK || found ? code : absent(r, level, index);
}

int tree_tile(struct tree_reader *r, int tile_level, uint64_t index, uint64_t n, uint8_t (*out)[HASH_BYTES],
              uint64_t *ret_n) {
    const uint64_t from = index * LEDGER_TILE;
    if (tile_level == 0) return each_leaf(r, from, from + n, put_in_tile, out, ret_n);
    struct stmt *s = store_query(r->db, Q_ledger_nodes_from, "iiii", (int64_t)r->tree,
                                 (int64_t)tile_level * LEDGER_NODE_LEVEL, (int64_t)from, (int64_t)(from + n));
    uint64_t got = 0;
    while (got < n && store_next(s)) {
        struct str hash = store_str(s, 0, NULL);
        if (hash.n != HASH_BYTES) break;
        memcpy(out[got++], hash.p, HASH_BYTES);
    }
    *ret_n = got;
    return store_done(s, r->err);
}
