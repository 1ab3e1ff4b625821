// SPDX-License-Identifier: MulanPSL-2.0
// A log that changed its keys says so in its entries (ledger.rotate): a note with the new keys, signed by the old ones.
// So whoever brings one key of the log can judge all that later ones signed. Keeps true: a key is only taken on the
// word of one that is trusted at that point of the log, for the sizes that the note names; from there on the old key's
// word counts no more; what the reader brought himself is never widened.
//
//   gusu-key-rotation/v1 / origin / from N / vkey / sm3 vkey        signed by both old keys
#include "app/verify.h"

struct rotation {
    struct str origin, vkey[VERIFY_TREES];
    int64_t from;
};

static bool read_rotation(struct str body, struct rotation *r) {
    struct str rest = body, from;
    if (!str_eq(str_cut(rest, '\n', &rest), S("gusu-key-rotation/v1"))) return false;
    r->origin = str_cut(rest, '\n', &rest);
    from = str_cut(rest, '\n', &rest);
    for (int t = 0; t < VERIFY_TREES; t++)
        r->vkey[t] = str_cut(rest, '\n', &rest);
    if (!str_starts(from, S("from ")) || rest.n) return false;
    return str_int64((struct str){from.p + 5, from.n - 5}, &r->from) && r->from > 0;
}

// The key that vouches: trusted, of this tree's kind, in force when the entry was made, its line on the note good.
static int voucher(struct verify *v, const struct verify_trust *k, const struct announced_keys *a, int tree,
                   struct rotation *r) {
    for (int i = 0; i < k->n; i++) {
        struct str body;
        const bool is_main = (sign_kind_of(k->key[i]) == SIGN_ED25519) == (tree == 0);
        const bool in_force =
            a->index + 1 >= k->from_size[i] && (k->to_size[i] < 0 || a->index < k->to_size[i]);
        if (is_main && in_force && note_check(v->mem, a->note, k->key[i], k->name[i], &body) &&
            read_rotation(body, r) && r->from == a->index + 2)
            return i;
    }
    return -1;
}

static bool has_key(struct verify *v, const struct verify_trust *k, struct str vkey) {
    for (int i = 0; i < k->n; i++)
        if (str_eq(note_vkey(v->mem, k->key[i], k->name[i]), vkey)) return true;
    return false;
}

static int follow_one(struct verify *v, struct verify_trust *k, const struct announced_keys *a, int tree) {
    struct rotation r;
    struct err ignore = {0};
    const int by = voucher(v, k, a, tree, &r);
    if (by < 0) return OK;
    if (k->to_size[by] < 0 || k->to_size[by] >= r.from) k->to_size[by] = r.from - 1;
    if (has_key(v, k, r.vkey[tree])) return OK;
    if (k->n == VERIFY_KEYS) return err_set(v->err, ERR_too_large, "vkey", "%d", VERIFY_KEYS);
    const int n = k->n;
    if (note_read_vkey(v->mem, r.vkey[tree], &k->name[n], &k->key[n], &ignore) != OK) return OK;
    k->from_size[n] = r.from;
    k->to_size[n] = -1;
    // A new key speaks under the name of the one that vouched for it, and is of its kind.
    if (str_eq(k->name[n], k->name[by]) && sign_kind_of(k->key[n]) == sign_kind_of(k->key[by]))
        k->n++;
    else
        sign_close(k->key[n]);
    return OK;
}

int verify_follow(struct verify *v, const struct verify_trust *given, struct verify_trust *ret) {
    *ret = *given;
    int code = OK;
    for (uint64_t i = 0; i < v->ranges_n && code == OK; i++)
        for (size_t k = 0; k < v->ranges[i].announced_n && code == OK; k++)
            for (int tree = 0; tree < VERIFY_TREES && code == OK; tree++)
                code = follow_one(v, ret, &v->ranges[i].announced[k], tree);
    return code;
}
