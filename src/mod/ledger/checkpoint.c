// SPDX-License-Identifier: MulanPSL-2.0
// Signing: what is durable is signed at most once a second in the background, or at once for somebody who wants a
// receipt. Both trees are signed over the same size; the SHA-256 note carries an Ed25519 line (and the SM2 line, which
// foreign verifiers pass over), the SM3 note the SM2 line. Keeps true: (1) no note over entries that are not durable;
// (2) a note is stored before anybody sees it; (3) what is served is one snapshot: size, roots, both notes together;
// (4) a key signs no size that an earlier key of its name signed (keys.c), and once a witness has shown a later
// checkpoint of ours than we hold, nothing is signed: these data were rolled back.
//
// Once a minute, and only after other entries, the roots of both trees are themselves written as an entry
// (ledger.cross): from then on whoever forges one tree has to forge the other too.
#include "mod/ledger/audit.h"
#include "mod/ledger/entries.h"
#include "mod/ledger/erase.h"
#include "mod/ledger/keys.h"
#include "mod/ledger/witness.h"
#include <assert.h>
#include <inttypes.h>

#define CROSS_MS   ((int64_t)60000)
#define HOUR_MS    ((int64_t)3600000)
#define CROSS_KIND "ledger.cross"

// --- the snapshot ---
void checkpoint_get(struct city *city, struct checkpoint *ret) {
    struct ledger_state *s = ledger_state(city);
    pthread_mutex_lock(&s->lock);
    *ret = s->checkpoint;
    pthread_mutex_unlock(&s->lock);
}

static void take_durable(struct ledger_state *s, struct checkpoint *c) {
    pthread_mutex_lock(&s->lock);
    c->size = s->size;
    memcpy(c->root, s->root, sizeof c->root);
    pthread_mutex_unlock(&s->lock);
}

static int write_note(struct cx *cx, struct ledger_state *s, struct checkpoint *c, int t) {
    const struct sign_key *keys[] = {s->key[t], s->key[LEDGER_TREE_SM3]};
    const struct str names[] = {str_of(s->name[t]), str_of(s->name[LEDGER_TREE_SM3])};
    struct str note, body = checkpoint_body(cx->mem, names[0], c->size, c->root[t]);
    int code = note_sign(cx->mem, body, keys, names, t == LEDGER_TREE_SHA256 ? 2 : 1, &note, &cx->err);
    if (code != OK) return code;
    if (note.n > LEDGER_NOTE_MAX) return cx_fail(cx, ERR_too_large, "checkpoint", "%d", LEDGER_NOTE_MAX);
    memcpy(c->note[t], note.p, note.n);
    c->note_n[t] = note.n;
    return OK;
}

// On the writer. The one before goes when it is of the same hour.
static int put_notes(struct cx *cx, void *arg) {
    const struct checkpoint *const *pair = arg, *now = pair[0], *before = pair[1];
    int code = keys_may_sign(cx, now->size);
    for (int64_t t = 0; t < LEDGER_TREES && code == OK; t++) {
        if (before->made_ms)
            code = store_exec(cx->db, NULL, &cx->err, Q_ledger_checkpoint_drop, "iii", t,
                              (int64_t)before->size, now->made_ms - now->made_ms % HOUR_MS);
        if (code == OK)
            code = store_exec(cx->db, NULL, &cx->err, Q_ledger_checkpoint_put, "iisi", (int64_t)now->size, t,
                              (struct str){now->note[t], now->note_n[t]}, now->made_ms);
    }
    return code;
}

int checkpoint_sign_locked(struct cx *cx) {
    struct ledger_state *s = ledger_state(cx->city);
    struct checkpoint *now = arena_take(cx->mem, sizeof *now), *before = arena_take(cx->mem, sizeof *before);
    if (!now || !before) return cx_fail(cx, ERR_no_memory, "", "checkpoint");
    if (atomic_load(&s->is_behind)) return cx_fail(cx, ERR_ledger_behind, "ledger", "%s", s->name[0]);
    checkpoint_get(cx->city, before);
    take_durable(s, now);
    if (before->made_ms && before->size == now->size) return OK;
    if (now->size < s->key_from)
        return OK; // the keys before these signed it, or the next entry is signed with it
    now->made_ms = cx->city->now_ms();
    int code = OK;
    for (int t = 0; t < LEDGER_TREES && code == OK; t++)
        code = write_note(cx, s, now, t);
    const struct checkpoint *pair[] = {now, before};
    if (code == OK) code = cx_write(cx, put_notes, pair);
    if (code != OK) return code;
    pthread_mutex_lock(&s->lock);
    if (now->size >= s->checkpoint.size) s->checkpoint = *now; // another node may have signed more meanwhile
    pthread_mutex_unlock(&s->lock);
    return OK;
}

int checkpoint_sign(struct cx *cx) {
    struct ledger_state *s = ledger_state(cx->city);
    assert(!cx->is_writer);
    pthread_mutex_lock(&s->signing);
    int code = checkpoint_sign_locked(cx);
    pthread_mutex_unlock(&s->signing);
    return code;
}

// A witnessed checkpoint serves better than a newer one that nobody has seen, for whatever it covers.
static bool witnessed_covers(struct ledger_state *s, int64_t index, struct checkpoint *ret) {
    pthread_mutex_lock(&s->lock);
    const bool covers = (uint64_t)index < s->witnessed.size;
    if (covers) *ret = s->witnessed;
    pthread_mutex_unlock(&s->lock);
    return covers;
}

bool checkpoint_is_witnessed(struct city *city, int64_t index) {
    struct ledger_state *s = ledger_state(city);
    pthread_mutex_lock(&s->lock);
    const bool covers = (uint64_t)index < s->witnessed.size;
    pthread_mutex_unlock(&s->lock);
    return covers;
}

struct str checkpoint_text(struct arena *mem, const struct checkpoint *c, int tree) {
    struct str note = {c->note[tree], c->note_n[tree]};
    if (tree != LEDGER_TREE_SHA256 || c->lines_n == 0) return note;
    return str_print(mem, "%.*s%.*s", STRF(note), (int)c->lines_n, c->lines);
}

int checkpoint_cover(struct cx *cx, int64_t index, struct checkpoint *ret) {
    if (witnessed_covers(ledger_state(cx->city), index, ret)) return OK;
    checkpoint_get(cx->city, ret);
    if ((uint64_t)index < ret->size) return OK;
    int code = checkpoint_look(cx, ret); // signed elsewhere?
    if (code != OK || (uint64_t)index < ret->size) return code;
    code = checkpoint_sign(cx);
    checkpoint_get(cx->city, ret);
    if (code == OK && (uint64_t)index >= ret->size)
        return cx_fail(cx, ERR_not_found, "entry", "%" PRId64, index);
    return code;
}

// --- the job ---
static int put_cross(struct cx *cx, void *arg) {
    const struct checkpoint *c = arg;
    struct ledger_state *s = ledger_state(cx->city);
    struct str sha = str_base64(cx->mem, c->root[0], HASH_BYTES),
               sm3 = str_base64(cx->mem, c->root[1], HASH_BYTES);
    struct str text = str_print(cx->mem, "{\"sha256\":\"%.*s\",\"size\":%" PRIu64 ",\"sm3\":\"%.*s\"}",
                                STRF(sha), c->size, STRF(sm3));
    struct note n = {.kind = CROSS_KIND, .time_ms = cx->now_ms, .clear = text, .detail = text};
    int code = tree_note(cx, &n);
    if (code == OK) s->crossed_index = n.entry; // a batch run again writes it again
    return code;
}

static int cross(struct cx *cx, struct ledger_state *s) {
    int64_t now = cx->city->now_ms();
    struct checkpoint *c = arena_take(cx->mem, sizeof *c);
    if (!c) return cx_fail(cx, ERR_no_memory, "", "checkpoint");
    take_durable(s, c);
    // A clock put back must not silence this for as long as it was put back.
    bool is_early = s->crossed_ms && now >= s->crossed_ms && now - s->crossed_ms < CROSS_MS;
    if (c->size == 0 || (int64_t)c->size == s->crossed_index + 1 || is_early) return OK;
    int code = cx_write(cx, put_cross, c);
    if (code == OK) s->crossed_ms = now;
    return code;
}

int checkpoint_run(struct cx *cx) {
    struct ledger_state *s = ledger_state(cx->city);
    if (atomic_load(&s->is_behind))
        return OK; // told once by who found it; whoever wants a receipt is told why not
    pthread_mutex_lock(&s->signing);
    int code = ledger_follow(cx);
    if (code == OK) code = cross(cx, s);
    if (code == OK) code = checkpoint_sign_locked(cx);
    pthread_mutex_unlock(&s->signing);
    return code;
}

int checkpoint_grow(struct cx *cx) {
    struct ledger_state *s = ledger_state(cx->city);
    pthread_mutex_lock(&s->signing);
    s->crossed_ms = 0; // the minute need not be over
    int code = cross(cx, s);
    if (code == OK) code = checkpoint_sign_locked(cx);
    pthread_mutex_unlock(&s->signing);
    return code;
}

// Signing comes round every second, so sealing takes a bounded bite each time: twice what a busy city adds.
#define SEAL_BUNDLES 400

static int run_sealing(struct cx *cx) {
    return ledger_seal(cx, SEAL_BUNDLES);
}

const struct job ledger_jobs[] = {
    {"ledger_checkpoint", 1, checkpoint_run, "签发存证检查点", "sign the ledger's checkpoint", true, false},
    {"ledger_seal", 1, run_sealing, "封存写满的存证包", "seal full bundles of the ledger", true, false},
    {"ledger_erase", 60, erase_resume, "继续未完成的删除", "go on with an interrupted erasure", true, false},
    {"ledger_audit", 1, audit_run, "夜间自查", "nightly self-audit", true, false},
    {"ledger_witness", 1, witness_wake, "向见证方送检查点", "send the checkpoint to the witnesses", true,
     true},
    {"ledger_follow", 1, ledger_follow_run, "跟上其他节点", "follow what other nodes did", true, true},
    {0}};

// --- start ---
static int read_newest(struct cx *cx, struct checkpoint *c, int t) {
    struct stmt *st = store_query(cx->db, Q_ledger_checkpoint_newest, "i", (int64_t)t);
    if (store_next(st)) {
        struct str note = store_str(st, 1, NULL);
        uint64_t size = (uint64_t)store_int(st, 0);
        if (note.n <= LEDGER_NOTE_MAX && (t == 0 || size == c->size)) {
            memcpy(c->note[t], note.p, note.n);
            c->note_n[t] = note.n;
            c->size = size;
            c->made_ms = store_int(st, 2);
        }
    }
    return store_done(st, &cx->err);
}

// The stored note is served on when it says what the trees say and is ours; else a new one is made.
static bool still_good(struct cx *cx, struct ledger_state *s, const struct checkpoint *c) {
    for (int t = 0; t < LEDGER_TREES; t++) {
        struct str body, origin;
        uint8_t root[HASH_BYTES];
        uint64_t size;
        if (!note_check(cx->mem, (struct str){c->note[t], c->note_n[t]}, s->key[t], str_of(s->name[t]),
                        &body) ||
            !checkpoint_read(cx->mem, body, &origin, &size, root) || !str_eq(origin, str_of(s->name[t])) ||
            size != s->size || memcmp(root, s->root[t], sizeof root) != 0)
            return false;
    }
    return true;
}

// What stands at the present size is served on when it is good; under another name or key it is signed anew.
static int take_up(struct cx *cx, struct ledger_state *s) {
    if (s->checkpoint.size == s->size && s->checkpoint.made_ms && s->key_from <= s->size) {
        if (still_good(cx, s, &s->checkpoint))
            memcpy(s->checkpoint.root, s->root, sizeof s->root);
        else
            s->checkpoint.made_ms = 0;
    }
    // The end of a rotation: the new keys have nothing to sign until there is one entry more.
    return s->key_from > s->size ? checkpoint_grow(cx) : checkpoint_sign(cx);
}

int checkpoint_read_newest(struct cx *cx, struct ledger_state *s) {
    int code = OK;
    for (int t = 0; t < LEDGER_TREES && code == OK; t++)
        code = read_newest(cx, &s->checkpoint, t);
    if (code == OK && s->checkpoint.size > s->size)
        code = cx_fail(cx, ERR_ledger_broken, "ledger", "checkpoint %" PRIu64 " > %" PRIu64,
                       s->checkpoint.size, s->size);
    return code;
}

int checkpoint_start(struct cx *cx, struct ledger_state *s) {
    pthread_mutex_init(&s->signing, NULL);
    int code = keys_start(cx, s);
    if (code == OK) code = keys_restored(cx, s);
    if (code == OK) code = take_up(cx, s);
    return code == OK ? witness_start(cx, s) : code;
}

// The locks and the salts stay: the writer still commits what waits, and may still number notes.
void checkpoint_stop(struct ledger_state *s) {
    witness_stop(s);
    keys_stop(s);
}
