// SPDX-License-Identifier: MulanPSL-2.0
// After a restore: a log is never signed twice over different entries. What was restored may be older than what the
// city had signed before its disk died; going on under the old name would give two histories one name. So the tree
// goes on with the same leaves under a new name, <base>/r<count>-<random>: the name is random, since a backup can be
// restored twice and its rows know nothing of the first time. The first entry of the new name tells the old one's
// state: origin, size, both roots as they stand here, and the newest checkpoint known of it from the backup's manifest
// or from witnesses, which may be newer than what is here: then it is on record that entries were lost.
//
// Why no two checkpoints of one name can contradict each other: of the old name none is signed any more; all of the new
// name are of this one tree, which from here on only grows; and whatever is restored later takes another name again.
// The exception: when the operator allowed it (may_continue in the marker), every witness of the policy answered, none
// holds anything beyond what is here, and their quorum stands at the very checkpoint that is here, the name stays. A
// checkpoint that no witness ever saw is then the operator's risk, which is why he has to ask for it.
//
// The name under which this city cosigns other logs changes with every restore: what it had promised since the backup
// is lost, and a witness that forgets could be led to say the opposite.
#include "base/file.h"
#include "base/log.h"
#include "mod/ledger/keys.h"
#include "mod/ledger/witness.h"
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define MARKER_MAX ((size_t)65536)

struct origin {
    struct ledger_state *s;
    const char *reason;
    struct str base, old_origin, name, witness; // of the tree that goes on
    struct str known; // the newest note seen of the old name; STR_NONE = only the store's own
    bool keeps_name;  // witnesses vouched: only the witness's own name changes
};

static struct str root_text(struct cx *cx, struct ledger_state *s, int t) {
    uint8_t root[HASH_BYTES];
    merkle_root(&s->tree[t], cx->hasher, ledger_hash(t), root);
    return str_base64(cx->mem, root, sizeof root);
}

static struct str origin_text(struct cx *cx, const struct origin *o) {
    struct ledger_state *s = o->s;
    struct buf b = buf_new(cx->mem, 2048, LEDGER_LEAF_MAX - 256);
    struct jw w = jw_to(&b);
    jw_object(&w);
    jw_ntext(&w, "known",
             o->known.p ? o->known : (struct str){s->checkpoint.note[0], s->checkpoint.note_n[0]});
    jw_ntext(&w, "old_origin", o->old_origin);
    jw_nint(&w, "old_size", (int64_t)s->tree[0].size);
    jw_ntext(&w, "origin", o->name);
    jw_ntext(&w, "reason", str_of(o->reason));
    jw_ntext(&w, "sha256", root_text(cx, s, LEDGER_TREE_SHA256));
    jw_ntext(&w, "sm3", root_text(cx, s, LEDGER_TREE_SM3));
    jw_object_end(&w);
    return b.over ? STR_NONE : buf_str(&b);
}

static int put_origin(struct cx *cx, void *arg) {
    struct origin *o = arg;
    struct ledger_state *s = o->s;
    const int64_t first = (int64_t)s->tree[0].size + 1; // the first size that has the entry in it
    int64_t n = 0;
    int code = OK;
    if (!o->keeps_name) {
        struct str text = origin_text(cx, o);
        if (!text.p) return cx_fail(cx, ERR_no_memory, "", "origin");
        struct note note = {.kind = KEYS_KIND_ORIGIN, .time_ms = cx->now_ms, .clear = text, .detail = text};
        code = tree_note(cx, &note);
        for (int64_t t = 0; t < LEDGER_TREES && code == OK; t++)
            code = store_exec(cx->db, NULL, &cx->err, Q_ledger_key_put, "isii", t,
                              note_vkey(cx->mem, s->key[t], str_of(s->name[t])), first, cx->now_ms);
    }
    if (code != OK) return code;
    struct stmt *st = store_query(cx->db, Q_ledger_origins, "");
    if (store_next(st)) n = store_int(st, 0) + 1;
    code = store_done(st, &cx->err);
    if (code != OK) return code;
    return store_exec(cx->db, NULL, &cx->err, Q_ledger_origin_put, "isssii", n, o->base, o->name, o->witness,
                      first, cx->now_ms);
}

static int choose_names(struct cx *cx, struct origin *o) {
    uint8_t random[4];
    int64_t n = 0;
    struct stmt *st = store_query(cx->db, Q_ledger_origins, "");
    if (store_next(st)) n = store_int(st, 0);
    int code = store_done(st, &cx->err);
    if (code != OK) return code;
    if (crypto_random(random, sizeof random)) return cx_fail(cx, ERR_crypto, "", "random");
    struct str hex = str_hex(cx->mem, random, sizeof random);
    struct str fresh = str_print(cx->mem, "%.*s/r%" PRId64 "-%.*s", STRF(o->base), n + 1, STRF(hex));
    o->name = o->keeps_name ? o->old_origin : fresh;
    o->witness = str_print(cx->mem, "%.*s/witness", STRF(fresh));
    return cx->mem->failed ? cx_fail(cx, ERR_no_memory, "", "origin") : OK;
}

int ledger_reorigin(struct cx *cx, const char *reason, struct str known, bool keeps_name) {
    struct ledger_state *s = ledger_state(cx->city);
    struct origin o = {.s = s,
                       .reason = reason,
                       .base = str_of(cx->city->origin),
                       .old_origin = str_copy(cx->mem, str_of(s->name[0])),
                       .known = known,
                       .keeps_name = keeps_name};
    int code = choose_names(cx, &o);
    if (code == OK) code = keys_name(cx, s, o.name, o.witness);
    if (code == OK) code = cx_write(cx, put_origin, &o);
    if (code != OK) return code;
    if (!keeps_name) s->key_from = 0;
    log_line(LOG_WARN, "ledger", "%s: this log is signed as %s from now on", reason, s->name[0]);
    return OK;
}

// Are the restored keys those that the history names? A name is kept only together with its keys.
static bool keys_fit(struct cx *cx, struct ledger_state *s) {
    struct key_row *rows;
    int n, fit = 0;
    if (keys_history(cx, &rows, &n) != OK) return false;
    for (int t = 0; t < LEDGER_TREES; t++) {
        struct str have = note_vkey(cx->mem, s->key[t], str_of(s->name[t]));
        for (int i = 0; i < n; i++)
            if (rows[i].tree == t && rows[i].to_size < 0 && str_eq(rows[i].vkey, have)) {
                s->key_from = (uint64_t)rows[i].from_size;
                fit++;
                break;
            }
    }
    return fit == LEDGER_TREES;
}

static bool find_note(struct json j, struct str *ret) {
    struct json c = json_get(j, S("checkpoint"));
    *ret = json_text(json_is(c, JSON_OBJECT) ? json_get(c, S("note")) : c);
    return ret->p != NULL;
}

int keys_restored(struct cx *cx, struct ledger_state *s) {
    char path[600];
    struct str text, note, known = STR_NONE;
    struct json j;
    uint64_t size, best = 0;
    uint8_t root[HASH_BYTES];
    bool may_continue = false;
    snprintf(path, sizeof path, "%s/%s", cx->city->shared, LEDGER_RESTORED);
    if (!file_exists(path)) return OK;
    int code = file_read(cx->mem, path, MARKER_MAX, &text, &cx->err);
    if (code != OK) return code;
    // A marker that cannot be read still says that this is no continuation.
    if (json_parse(cx->mem, text, &j, NULL) == OK) {
        bool flag = false;
        may_continue = json_bool(json_get(j, S("may_continue")), &flag) && flag;
        if (find_note(j, &note) && witness_is_ours(cx, note, &size, root)) {
            known = note;
            best = size;
        }
    }
    struct witness_word word;
    code = witness_ask(cx, s, &word);
    if (code != OK) return code;
    if (word.newest.p && witness_is_ours(cx, word.newest, &size, root) && size > best) known = word.newest;
    const bool keeps = may_continue && word.is_vouched && keys_fit(cx, s);
    code = ledger_reorigin(cx, "restored", known, keeps);
    if (code != OK) return code;
    if (!keeps) s->checkpoint.made_ms = 0;
    s->witness_vkey = cosign_vkey(&cx->city->mem, s->witness_key, str_of(s->witness_name));
    code = keys_show(cx, s);
    if (code == OK) code = keys_write_files(cx, s);
    if (code == OK && unlink(path) != 0) code = cx_fail(cx, ERR_file, LEDGER_RESTORED, "unlink");
    return code;
}
