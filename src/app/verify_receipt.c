// SPDX-License-Identifier: MulanPSL-2.0
// A receipt (.tlog-proof) checked without a network: its entry is in the tree that the checkpoint speaks of, and a
// key that the reader trusts signed that checkpoint. Keeps true: strict reading, and a receipt that no given key
// signed is no receipt.
//
//   c2sp.org/tlog-proof@v1          or gusu/tlog-proof-sm3@v1: the SM3 tree
//   extra <base64>                  the leaf, then for those whom it concerns "salt <base64>\ndetail <json>\n"
//   index <n>
//   <base64 hash> …                 leaf to root
//   (empty line)
//   checkpoint
#include "app/verify.h"
#include "base/file.h"

#define KEY_FILE_MAX ((size_t)65536)

struct receipt {
    int tree, n;
    struct str extra, note;
    int64_t index;
    uint8_t hash[MERKLE_LEVELS][HASH_BYTES];
};

static int bad(struct err *e, const char *what) {
    return err_set(e, ERR_receipt, what, "%s", what);
}

static bool take(struct str line, const char *word, struct str *ret) {
    struct str w = str_of(word);
    if (!str_starts(line, w)) return false;
    *ret = (struct str){line.p + w.n, line.n - w.n};
    return true;
}

static int read_hashes(struct arena *mem, struct str *rest, struct receipt *r, struct err *e) {
    for (;;) {
        struct str raw, one = str_cut(*rest, '\n', rest);
        if (!one.n) return rest->n ? OK : bad(e, "checkpoint");
        if (r->n == MERKLE_LEVELS || !str_unbase64(mem, one, false, &raw) || raw.n != HASH_BYTES)
            return bad(e, "proof");
        memcpy(r->hash[r->n++], raw.p, HASH_BYTES);
    }
}

static int read_receipt(struct arena *mem, struct str text, struct receipt *r, struct err *e) {
    struct str rest = text, b64, number, line = str_cut(rest, '\n', &rest);
    if (str_eq(line, S(LEDGER_PROOF_SM3)))
        r->tree = 1;
    else if (!str_eq(line, S(LEDGER_PROOF_SHA256)))
        return bad(e, "header");
    line = str_cut(rest, '\n', &rest);
    if (!take(line, "extra ", &b64) || !str_unbase64(mem, b64, false, &r->extra)) return bad(e, "extra");
    line = str_cut(rest, '\n', &rest);
    if (!take(line, "index ", &number) || !str_int64(number, &r->index) || r->index < 0)
        return bad(e, "index");
    if (number.n > 1 && number.p[0] == '0') return bad(e, "index");
    int code = read_hashes(mem, &rest, r, e);
    r->note = rest;
    return code;
}

// The leaf ends with its sm3 line; behind it only "salt" and "detail" may stand, both or none.
static int read_entry(struct arena *mem, const struct receipt *r, struct ledger_entry *ret, struct err *e) {
    struct str rest = r->extra, b64;
    size_t end = 0;
    while (rest.p && rest.n && !end) {
        struct str line = str_cut(rest, '\n', &rest);
        if (str_starts(line, S("sm3 ")) && rest.p) end = (size_t)(rest.p - r->extra.p);
    }
    ret->index = r->index;
    ret->salt = ret->detail = STR_NONE;
    if (!end || !ledger_leaf_read((struct str){r->extra.p, end}, ret)) return bad(e, "leaf");
    if (!rest.n) return OK;
    struct str salt = str_cut(rest, '\n', &rest), detail = str_cut(rest, '\n', &rest);
    if (!take(salt, "salt ", &b64) || !str_unbase64(mem, b64, false, &ret->salt)) return bad(e, "salt");
    if (!take(detail, "detail ", &ret->detail) || rest.n) return bad(e, "detail");
    return OK;
}

bool verify_signed(struct arena *mem, const struct verify_trust *keys, struct str note, int tree,
                   struct str *ret_body, uint64_t *ret_size, uint8_t root[HASH_BYTES]) {
    for (int i = 0; i < keys->n; i++) {
        struct str body, origin;
        const bool is_main = (sign_kind_of(keys->key[i]) == SIGN_ED25519) == (tree == 0);
        if (!is_main || !note_check(mem, note, keys->key[i], keys->name[i], &body) ||
            !checkpoint_read(mem, body, &origin, ret_size, root) || !str_eq(origin, keys->name[i]))
            continue;
        // One key for each size of a name: what a key signs outside its time is not this log's word.
        if (*ret_size < (uint64_t)keys->from_size[i]) continue;
        if (keys->to_size[i] >= 0 && *ret_size > (uint64_t)keys->to_size[i]) continue;
        if (ret_body) *ret_body = body;
        return true;
    }
    return false;
}

int verify_receipt(struct arena *mem, struct str text, const struct verify_trust *keys,
                   struct ledger_entry *ret, struct str *ret_note, struct err *e) {
    static const enum hash_kind kinds[VERIFY_TREES] = {HASH_SHA256, HASH_SM3};
    struct receipt *r = arena_take(mem, sizeof *r);
    struct hasher *h = hasher_open();
    uint64_t size = 0;
    uint8_t root[HASH_BYTES], leaf[HASH_BYTES];
    int code = r && h ? read_receipt(mem, text, r, e) : err_set(e, ERR_no_memory, "", "receipt");
    if (code == OK) code = read_entry(mem, r, ret, e);
    if (code == OK && !verify_signed(mem, keys, r->note, r->tree, NULL, &size, root))
        code = bad(e, "signature");
    if (code == OK) {
        merkle_leaf(h, kinds[r->tree], ret->leaf, leaf);
        if (!merkle_inclusion_ok((uint64_t)r->index, size, leaf, (const uint8_t(*)[HASH_BYTES])r->hash, r->n,
                                 root, h, kinds[r->tree]))
            code = bad(e, "proof");
    }
    if (code == OK && !ledger_leaf_opens(h, ret)) code = bad(e, "detail");
    if (code == OK) *ret_note = r->note;
    hasher_close(h);
    return code;
}

static int add_line(struct arena *mem, struct verify_trust *keys, struct str line, struct err *e) {
    const int n = keys->n;
    struct str from, to, vkey = str_cut(line, ' ', &from);
    if (n == VERIFY_KEYS) return err_set(e, ERR_too_large, "vkey", "%d", VERIFY_KEYS);
    from = str_cut(from, ' ', &to);
    keys->from_size[n] = 0;
    keys->to_size[n] = -1;
    if ((from.p && (!str_int64(from, &keys->from_size[n]) || keys->from_size[n] < 0)) ||
        (to.p && (!str_int64(to, &keys->to_size[n]) || keys->to_size[n] < 0)))
        return err_set(e, ERR_crypto, "vkey", "VKEY [FROM-SIZE [TO-SIZE]]");
    int code = note_read_vkey(mem, vkey, &keys->name[n], &keys->key[n], e);
    if (code == OK) keys->n++;
    return code;
}

int verify_key_add(struct arena *mem, struct verify_trust *keys, struct str text, struct err *e) {
    char *path = str_z(mem, text);
    int code = OK;
    if (path && file_exists(path)) {
        code = file_read(mem, path, KEY_FILE_MAX, &text, e);
        if (code != OK) return code;
    }
    for (struct str rest = str_trim(text); rest.p && rest.n && code == OK;) {
        struct str line = str_trim(str_cut(rest, '\n', &rest));
        if (line.n) code = add_line(mem, keys, line, e);
    }
    return code;
}

int verify_note_add(struct arena *mem, struct verify_trust *trust, const char *path, struct err *e) {
    struct str text, rest;
    if (trust->notes_n == VERIFY_KEYS) return err_set(e, ERR_too_large, "--checkpoint", "%d", VERIFY_KEYS);
    int code = file_read(mem, path, (size_t)1 << 20, &text, e);
    if (code != OK) return code;
    struct str first = str_cut(text, '\n', &rest);
    if (str_eq(first, S(LEDGER_PROOF_SHA256)) || str_eq(first, S(LEDGER_PROOF_SM3))) {
        const char *end = memmem(text.p, text.n, "\n\n", 2);
        if (!end) return bad(e, "checkpoint");
        text = (struct str){end + 2, text.n - (size_t)(end + 2 - text.p)};
    }
    trust->note[trust->notes_n++] = text;
    return OK;
}

void verify_keys_close(struct verify_trust *keys) {
    for (int i = 0; i < keys->n; i++)
        sign_close(keys->key[i]);
    keys->n = 0;
}
