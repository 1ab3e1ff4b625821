// SPDX-License-Identifier: MulanPSL-2.0
// A rotation: new keys of both kinds, told by an entry that the old keys signed, in force from the size behind it.
//
//   1  make      <label>.next of both trees
//   2  commit    ledger.rotate (index r): the new vkeys in a note signed by both old keys; rows: old to r + 1, new from r + 2
//   3  sign      the old keys close with a checkpoint over r + 1, when nothing came between
//   4  relabel   .next takes the label, the old private keys are gone
//   5  grow      one more entry (ledger.cross), so that the new keys have a size of their own to sign
//
// Keeps true: whoever has one key of the log finds all later ones in its entries, each vouched for by the one before; a
// crash after 2 is finished at the next start (keys.c), a crash before 2 leaves the old keys as they were; there is
// never a size that two keys of one name sign.
#include "base/log.h"
#include "mod/ledger/keys.h"
#include <inttypes.h>

struct rotation {
    struct ledger_state *s;
    struct sign_key *next[LEDGER_TREES];
    struct str vkey[LEDGER_TREES];
    int64_t from_size; // out: the first size that the new keys sign
};

// What the old keys sign: a note, so that any verifier of notes can read it.
static int announce(struct cx *cx, struct rotation *r, struct str *ret_note) {
    struct ledger_state *s = r->s;
    const struct sign_key *keys[] = {s->key[0], s->key[1]};
    const struct str names[] = {str_of(s->name[0]), str_of(s->name[1])};
    struct str body = str_print(cx->mem, "gusu-key-rotation/v1\n%s\nfrom %" PRId64 "\n%.*s\n%.*s\n",
                                s->name[0], r->from_size, STRF(r->vkey[0]), STRF(r->vkey[1]));
    return note_sign(cx->mem, body, keys, names, LEDGER_TREES, ret_note, &cx->err);
}

static int put_rotation(struct cx *cx, void *arg) {
    struct rotation *r = arg;
    struct buf b = buf_new(cx->mem, 1024, LEDGER_LEAF_MAX);
    struct jw w = jw_to(&b);
    struct str note;
    const int64_t index = (int64_t)r->s->tree[0].size;
    r->from_size = index + 2;
    int code = announce(cx, r, &note);
    if (code != OK) return code;
    jw_object(&w);
    jw_nint(&w, "from_size", r->from_size);
    jw_ntext(&w, "note", note);
    jw_ntext(&w, "sm3_vkey", r->vkey[1]);
    jw_ntext(&w, "vkey", r->vkey[0]);
    jw_object_end(&w);
    if (b.over) return cx_fail(cx, ERR_no_memory, "", "rotation");
    struct note n = {
        .kind = KEYS_KIND_ROTATE, .time_ms = cx->now_ms, .clear = buf_str(&b), .detail = buf_str(&b)};
    code = tree_note(cx, &n);
    for (int64_t t = 0; t < LEDGER_TREES && code == OK; t++) {
        code = store_exec(cx->db, NULL, &cx->err, Q_ledger_key_end, "si", r->s->vkey[t], index + 1);
        if (code == OK)
            code = store_exec(cx->db, NULL, &cx->err, Q_ledger_key_put, "isii", t, r->vkey[t], r->from_size,
                              cx->now_ms);
    }
    return code;
}

static int make_next(struct cx *cx, struct rotation *r) {
    static const enum sign_kind kinds[LEDGER_TREES] = {SIGN_ED25519, SIGN_SM2};
    struct provider p = keys_provider(cx);
    int code = OK;
    for (int t = 0; t < LEDGER_TREES && code == OK; t++) {
        const char *label = str_z(cx->mem, str_print(cx->mem, "%s.next", key_labels[t]));
        if (!label) return cx_fail(cx, ERR_no_memory, "", "key");
        // One that an interrupted rotation left was told to nobody, else the start would have taken it.
        code = p.ops->destroy(&p, label, &cx->err);
        if (code == OK) code = p.ops->make(&p, cx->mem, label, kinds[t], &r->next[t], &cx->err);
        if (code == OK) r->vkey[t] = note_vkey(cx->mem, r->next[t], str_of(r->s->name[t]));
        if (code == OK && !r->vkey[t].p) code = cx_fail(cx, ERR_no_memory, "", "key");
    }
    return code;
}

// Memory and labels follow what is committed. A label that cannot be changed is told and mended at the next start.
static int take_over(struct cx *cx, struct rotation *r) {
    struct provider p = keys_provider(cx);
    int code = OK;
    for (int t = 0; t < LEDGER_TREES; t++) {
        const char *label = str_z(cx->mem, str_print(cx->mem, "%s.next", key_labels[t]));
        int moved = label ? p.ops->relabel(&p, label, key_labels[t], &cx->err) : ERR_no_memory;
        if (moved != OK && code == OK) code = moved;
        sign_close(r->s->key[t]);
        r->s->key[t] = r->next[t];
        r->next[t] = NULL;
    }
    r->s->key_from = (uint64_t)r->from_size;
    int shown = keys_show(cx, r->s);
    return code == OK ? shown : code;
}

static int rotate_locked(struct cx *cx, struct rotation *r) {
    int code = make_next(cx, r);
    if (code == OK) code = checkpoint_sign_locked(cx); // what the old keys have not signed yet
    if (code == OK) code = cx_write(cx, put_rotation, r);
    if (code != OK) return code;
    pthread_mutex_lock(&r->s->lock);
    const bool is_next = (int64_t)r->s->size == r->from_size - 1;
    pthread_mutex_unlock(&r->s->lock);
    // Were other entries faster, the old keys' last word is the note in the entry; the new keys cover it.
    int signed_last = is_next ? checkpoint_sign_locked(cx) : OK;
    code = take_over(cx, r);
    return code == OK ? signed_last : code;
}

int ledger_rotate(struct cx *cx) {
    struct rotation r = {.s = ledger_state(cx->city)};
    pthread_mutex_lock(&r.s->signing);
    int code = rotate_locked(cx, &r);
    pthread_mutex_unlock(&r.s->signing);
    for (int t = 0; t < LEDGER_TREES; t++)
        sign_close(r.next[t]);
    if (code == OK) code = keys_write_files(cx, r.s);
    if (code == OK) code = checkpoint_grow(cx);
    if (code == OK) log_line(LOG_INFO, "ledger", "keys rotated, in force from size %" PRId64, r.from_size);
    return code;
}
