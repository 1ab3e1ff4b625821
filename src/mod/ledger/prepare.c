// SPDX-License-Identifier: MulanPSL-2.0
// What an entry is before it has its place: salt, commitments, leaf, and the leaf's hash in both trees. None of it depends
// on other entries, so a slice of a batch is prepared together, where SM3 works on many messages side by side. Keeps
// true: prepared together or alone, an entry has the same form; one that could not be prepared here is tried alone by
// tree_note, which says why.
#include "mod/ledger/tree.h"

int ledger_prepare_one(struct cx *cx, const struct note *n, struct ledger_prepared *ret) {
    if (hasher_random(cx->hasher, ret->salt, sizeof ret->salt) != OK)
        return cx_fail(cx, ERR_crypto, "", "random");
    ret->leaf = ledger_leaf(cx->mem, cx->hasher, n->kind, n->time_ms, n->clear, ret->salt, n->detail);
    if (!ret->leaf.p) return cx_fail(cx, ERR_too_large, "entry", "%d", LEDGER_LEAF_MAX);
    for (int t = 0; t < LEDGER_TREES; t++)
        merkle_leaf(cx->hasher, ledger_hash(t), ret->leaf, ret->hash[t]);
    return OK;
}

struct several {
    struct note **notes;
    struct ledger_prepared *prepared;
    struct hash_message *messages;
    uint8_t (*hash[LEDGER_TREES])[HASH_BYTES];
    size_t n;
};

static bool take_several(struct arena *mem, struct note *first, struct several *ret) {
    size_t n = 0;
    for (const struct note *one = first; one; one = one->next)
        n += !one->refused && !one->prepared && one->detail.p;
    *ret = (struct several){.notes = arena_array(mem, n + 1, sizeof *ret->notes),
                            .prepared = arena_array(mem, n + 1, sizeof *ret->prepared),
                            .messages = arena_array(mem, n + 1, sizeof *ret->messages)};
    for (int t = 0; t < LEDGER_TREES; t++)
        ret->hash[t] = arena_array(mem, n + 1, sizeof *ret->hash[t]);
    if (mem->failed || n == 0) return false;
    for (struct note *one = first; one; one = one->next)
        if (!one->refused && !one->prepared && one->detail.p) ret->notes[ret->n++] = one;
    return true;
}

static bool hash_all(struct cx *cx, const struct several *s) {
    bool ok = true;
    for (int t = 0; t < LEDGER_TREES && ok; t++)
        ok = hash_many(cx->hasher, ledger_hash(t), cx->mem, s->messages, s->n, s->hash[t]);
    return ok;
}

void ledger_prepare(struct cx *cx, struct note *first) {
    static const char leaf_mark[1] = {0}; // RFC 6962 §2.1: a leaf is hashed behind a zero byte
    struct several s;
    if (!take_several(cx->mem, first, &s)) return;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t *salt = s.prepared[i].salt;
        if (hasher_random(cx->hasher, salt, LEDGER_SALT_BYTES) != OK) return;
        s.messages[i] = (struct hash_message){{{(const char *)salt, LEDGER_SALT_BYTES}, s.notes[i]->detail}};
    }
    if (!hash_all(cx, &s)) return;
    for (size_t i = 0; i < s.n; i++) {
        const struct note *n = s.notes[i];
        struct str leaf = ledger_leaf_text(cx->mem, n->kind, n->time_ms, n->clear,
                                           s.hash[LEDGER_TREE_SHA256][i], s.hash[LEDGER_TREE_SM3][i]);
        if (!leaf.p) return;
        s.prepared[i].leaf = leaf;
        s.messages[i] = (struct hash_message){{{leaf_mark, 1}, leaf}};
    }
    if (!hash_all(cx, &s)) return;
    for (size_t i = 0; i < s.n; i++) {
        for (int t = 0; t < LEDGER_TREES; t++)
            memcpy(s.prepared[i].hash[t], s.hash[t][i], HASH_BYTES);
        s.notes[i]->prepared = &s.prepared[i];
    }
}
