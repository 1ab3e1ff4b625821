// SPDX-License-Identifier: MulanPSL-2.0
// `gusu verify`, second pass: the ranges become the two whole trees, held against the stored heads; every root that
// was ever said (signed checkpoints, entries that carry both roots) is worked out again at its size, from subtrees that the
// first pass has found to be right. Keeps true: a checkpoint counts only when a given key signed it.
#include "app/verify.h"
#include <inttypes.h>
#include <stdio.h>

static const enum hash_kind kinds[VERIFY_TREES] = {HASH_SHA256, HASH_SM3};
static const char *const names[VERIFY_TREES] = {"SHA-256", "SM3"};

static int stored_node(struct verify *v, int tree, int level, uint64_t index, uint8_t out[HASH_BYTES],
                       bool *ret_found) {
    struct stmt *s =
        store_query(v->conn, Q_verify_node, "iii", (int64_t)tree, (int64_t)level, (int64_t)index);
    struct str hash = store_next(s) ? store_str(s, 0, NULL) : STR_NONE;
    *ret_found = hash.n == HASH_BYTES;
    if (*ret_found) memcpy(out, hash.p, HASH_BYTES);
    return store_done(s, v->err);
}

// A whole range joins: as merkle_add, but with a subtree in place of a leaf.
static int add_range(struct verify *v, struct merkle *m, int tree, const uint8_t range_root[HASH_BYTES]) {
    uint8_t hash[HASH_BYTES], stored[HASH_BYTES];
    int level = VERIFY_RANGE_BITS, code = OK;
    memcpy(hash, range_root, HASH_BYTES);
    for (uint64_t bits = m->size >> VERIFY_RANGE_BITS; bits & 1 && code == OK; bits >>= 1) {
        bool found = false;
        merkle_node(v->hasher, kinds[tree], m->peak[--m->n], hash, hash);
        level++;
        uint64_t index = m->size >> level;
        code = stored_node(v, tree, level, index, stored, &found);
        if (code == OK && (!found || memcmp(stored, hash, HASH_BYTES) != 0))
            verify_fault(v, VERIFY_NODE, (int64_t)(index << level), "%s, %" PRIu64 "–%" PRIu64, names[tree],
                         index << level, ((index + 1) << level) - 1);
    }
    memcpy(m->peak[m->n++], hash, HASH_BYTES);
    m->size += VERIFY_RANGE;
    return code;
}

static int whole_tree(struct verify *v, int tree, struct merkle *m) {
    int code = OK;
    for (uint64_t i = 0; i < v->ranges_n && code == OK; i++) {
        const struct merkle *part = &v->ranges[i].tree[tree];
        if (part->size == VERIFY_RANGE) {
            code = add_range(v, m, tree, part->peak[0]);
            continue;
        }
        for (int k = 0; k < part->n; k++)
            memcpy(m->peak[m->n++], part->peak[k], HASH_BYTES);
        m->size += part->size;
        break; // the last, or one with a hole
    }
    return code;
}

static int check_head(struct verify *v, int tree, const struct merkle *m) {
    uint8_t root[HASH_BYTES];
    merkle_root(m, v->hasher, kinds[tree], root);
    memcpy(v->report->root[tree], root, HASH_BYTES);
    struct stmt *s = store_query(v->conn, Q_verify_head, "i", (int64_t)tree);
    bool found = store_next(s), fits = !found && m->size == 0;
    if (found) {
        struct str stored = store_str(s, 1, NULL), frontier = store_str(s, 2, NULL);
        fits = (uint64_t)store_int(s, 0) == m->size && stored.n == HASH_BYTES &&
               memcmp(stored.p, root, HASH_BYTES) == 0 && frontier.n == (size_t)m->n * HASH_BYTES &&
               memcmp(frontier.p, m->peak, frontier.n) == 0;
    }
    int code = store_done(s, v->err);
    if (code == OK && !fits) verify_fault(v, VERIFY_HEAD, (int64_t)m->size - 1, "%s", names[tree]);
    return code;
}

static int count_nodes(struct verify *v, int tree) {
    int64_t want = 0, have = 0;
    for (int level = VERIFY_NODE_LEVEL; level < 63; level++)
        want += (int64_t)(v->size >> level);
    struct stmt *s = store_query(v->conn, Q_verify_node_count, "i", (int64_t)tree);
    if (store_next(s)) have = store_int(s, 0);
    int code = store_done(s, v->err);
    if (code == OK && want != have)
        verify_fault(v, VERIFY_NODE, (int64_t)v->size - 1, "%s: %" PRId64 " / %" PRId64, names[tree], have,
                     want);
    return code;
}

// --- roots at a size ---
struct reader {
    struct verify *v;
    int tree;
};

struct leaves {
    struct reader *r;
    struct merkle m;
};

static int add_leaf(void *arg, const struct ledger_entry *e) {
    struct leaves *k = arg;
    uint8_t hash[HASH_BYTES];
    merkle_leaf(k->r->v->hasher, kinds[k->r->tree], e->leaf, hash);
    merkle_add(&k->m, k->r->v->hasher, kinds[k->r->tree], hash, NULL, NULL);
    return OK;
}

static int read_subtree(void *arg, int level, uint64_t index, uint8_t out[HASH_BYTES]) {
    struct reader *r = arg;
    bool found = false;
    if (level >= VERIFY_NODE_LEVEL) {
        int code = stored_node(r->v, r->tree, level, index, out, &found);
        return code != OK ? code : found ? OK : ERR_not_found;
    }
    struct leaves k = {.r = r};
    struct ledger_reader reader;
    const int64_t from = (int64_t)(index << level), end = (int64_t)((index + 1) << level);
    int64_t next;
    ledger_reader_init(&reader, r->v->conn, NULL);
    int code = ledger_reader_each(&reader, from, end, add_leaf, &k, &next, r->v->err);
    ledger_reader_free(&reader);
    if (code == ERR_ledger_bundle) { // told by the first pass
        *r->v->err = (struct err){0};
        return ERR_not_found;
    }
    if (code == OK && next != end) return ERR_not_found;
    if (code == OK) merkle_root(&k.m, r->v->hasher, kinds[r->tree], out);
    return code;
}

// False as well when the size lies beyond the entries.
static int root_is(struct verify *v, int tree, int64_t size, const uint8_t *want, bool *ret) {
    struct reader r = {v, tree};
    uint8_t root[HASH_BYTES];
    *ret = false;
    if (!want || size < 0 || (uint64_t)size > v->size) return OK;
    int code = merkle_root_at((uint64_t)size, read_subtree, &r, v->hasher, kinds[tree], root);
    if (code == ERR_not_found) return OK;
    *ret = code == OK && memcmp(root, want, HASH_BYTES) == 0;
    return code;
}

static int check_crossing(struct verify *v, const struct crossing *c) {
    int code = OK;
    for (int t = 0; t < VERIFY_TREES && code == OK; t++) {
        struct str raw = STR_NONE;
        bool fits = false;
        if (str_unbase64(v->mem, c->root[t], false, &raw) && raw.n == HASH_BYTES && c->size <= c->index)
            code = root_is(v, t, c->size, (const uint8_t *)raw.p, &fits);
        if (code == OK && !fits) verify_fault(v, VERIFY_CROSS, c->index, "%s, %" PRId64, names[t], c->size);
    }
    return code;
}

int verify_trees(struct verify *v) {
    struct merkle *m = arena_array(v->mem, VERIFY_TREES, sizeof *m);
    if (!m) return err_set(v->err, ERR_no_memory, "", "verify");
    int code = OK;
    for (int t = 0; t < VERIFY_TREES && code == OK; t++) {
        code = whole_tree(v, t, &m[t]);
        if (code == OK) code = check_head(v, t, &m[t]);
        if (code == OK) code = count_nodes(v, t);
    }
    for (uint64_t i = 0; i < v->ranges_n && code == OK; i++)
        for (size_t k = 0; k < v->ranges[i].crossings_n && code == OK; k++)
            code = check_crossing(v, &v->ranges[i].crossings[k]);
    return code;
}

// --- signed checkpoints ---
// The SHA-256 note bears the SM2 line as well, for those who go by the national rules: it has to hold too, when a key for
// it is given.
static bool second_line_ok(struct verify *v, const struct verify_trust *keys, struct str note, int tree) {
    bool is_asked = false, is_good = false;
    for (int i = 0; i < keys->n && tree == 0; i++) {
        if (sign_kind_of(keys->key[i]) != SIGN_SM2) continue;
        is_asked = true;
        if (note_check(v->mem, note, keys->key[i], keys->name[i], NULL)) is_good = true;
    }
    return is_good || !is_asked;
}

static int check_checkpoint(struct verify *v, const struct verify_trust *keys, int64_t size, int tree,
                            struct str note) {
    uint64_t said = 0;
    uint8_t root[HASH_BYTES];
    bool fits = false;
    if (tree < 0 || tree >= VERIFY_TREES || !verify_signed(v->mem, keys, note, tree, NULL, &said, root) ||
        !second_line_ok(v, keys, note, tree)) {
        verify_fault(v, VERIFY_CHECKPOINT_SIGNATURE, size - 1, "%s, %" PRId64, names[tree == 1], size);
        return OK;
    }
    int code = OK;
    if (said == (uint64_t)size) code = root_is(v, tree, size, root, &fits);
    if (code == OK && !fits)
        verify_fault(v, VERIFY_CHECKPOINT_ROOT, size - 1, "%s, %" PRId64, names[tree], size);
    return code;
}

// What somebody took away earlier must still be in the tree: this alone shows a history that was rewritten, or cut
// short, by whoever holds disk and keys.
static int check_noted(struct verify *v, const struct verify_trust *keys, struct str note) {
    uint64_t size;
    uint8_t root[HASH_BYTES];
    for (int tree = 0; tree < VERIFY_TREES; tree++) {
        bool fits = false;
        if (!verify_signed(v->mem, keys, note, tree, NULL, &size, root)) continue;
        int code = root_is(v, tree, (int64_t)size, root, &fits);
        if (code == OK && !fits)
            verify_fault(v, VERIFY_NOTED, size > v->size ? (int64_t)v->size : (int64_t)size - 1,
                         "%s, %" PRIu64, names[tree], size);
        return code;
    }
    return err_set(v->err, ERR_receipt, "--checkpoint", "signature");
}

static int check_stored(struct verify *v, const struct verify_trust *keys) {
    struct stmt *s = store_query(v->conn, Q_verify_checkpoints, "");
    int code = OK;
    while (code == OK && store_next(s)) {
        code = check_checkpoint(v, keys, store_int(s, 0), (int)store_int(s, 1), store_str(s, 2, v->mem));
        v->report->checkpoints++;
    }
    int end = store_done(s, v->err);
    return code == OK ? end : code;
}

int verify_checkpoints(struct verify *v, const struct verify_trust *given) {
    struct verify_trust *keys = arena_take(v->mem, sizeof *keys);
    if (!keys) return err_set(v->err, ERR_no_memory, "", "verify");
    int code = verify_follow(v, given, keys);
    if (code == OK) code = check_stored(v, keys);
    for (int i = 0; i < keys->notes_n && code == OK; i++)
        code = check_noted(v, keys, keys->note[i]);
    for (int i = given->n; i < keys->n; i++)
        sign_close(keys->key[i]);
    return code;
}
