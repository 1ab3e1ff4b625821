// SPDX-License-Identifier: MulanPSL-2.0
// What the witnesses answered: stored beside the checkpoint, served under it, and "witnessed" when the quorum of the
// policy holds. Keeps true: what counts as witnessed is durable before anybody is told so; after a restart the stored
// lines are held against the keys and the policy of today; an answer that came too late for its checkpoint still makes
// that one witnessed.
#include "base/log.h"
#include "mod/ledger/keys.h"
#include "mod/ledger/witness.h"
#include <inttypes.h>

#define HOUR_MS ((int64_t)3600000)
#define BIT(n)  ((uint64_t)1 << (n))

struct seen {
    const struct checkpoint *c;
    struct str lines;
    bool is_quorate;
};

static int put_seen(struct cx *cx, void *arg) {
    const struct seen *s = arg;
    const struct checkpoint *c = s->c;
    int code = store_exec(cx->db, NULL, &cx->err, Q_ledger_witnessed_put, "isssii", (int64_t)c->size,
                          (struct str){c->note[0], c->note_n[0]}, (struct str){c->note[1], c->note_n[1]},
                          s->lines, (int64_t)s->is_quorate, c->made_ms);
    if (code != OK) return code;
    return store_exec(cx->db, NULL, &cx->err, Q_ledger_witnessed_thin, "iii", (int64_t)c->size,
                      (int64_t)s->is_quorate, c->made_ms - c->made_ms % HOUR_MS);
}

static bool is_quorate(const struct policy *p, uint64_t answered) {
    return p->quorum >= 0 && policy_holds(p, answered); // "quorum none" asks for nothing and proves nothing
}

static void put_lines(struct checkpoint *c, struct str lines) {
    if (lines.n > sizeof c->lines) return;
    memcpy(c->lines, lines.p, lines.n);
    c->lines_n = lines.n;
}

// Into memory: under the checkpoint that is served, if it is still the one, and as the newest that is witnessed.
static void show(struct ledger_state *s, const struct seen *seen) {
    const struct checkpoint *c = seen->c;
    pthread_mutex_lock(&s->lock);
    if (s->checkpoint.made_ms && s->checkpoint.size == c->size) put_lines(&s->checkpoint, seen->lines);
    if (seen->is_quorate && c->size >= s->witnessed.size) {
        s->witnessed = *c;
        put_lines(&s->witnessed, seen->lines);
    }
    pthread_mutex_unlock(&s->lock);
}

int witness_keep(struct cx *cx, struct witness_client *w, const struct checkpoint *c) {
    struct buf b = buf_new(cx->mem, 1024, LEDGER_LINES_MAX);
    for (int i = 0; i < w->policy->witnesses_n; i++)
        if (w->answered & BIT(i)) buf_put(&b, w->line[i]);
    if (b.over) return cx_fail(cx, ERR_no_memory, "", "witness");
    struct seen seen = {.c = c, .lines = buf_str(&b), .is_quorate = is_quorate(w->policy, w->answered)};
    int code = cx_write(cx, put_seen, &seen);
    if (code == OK) show(ledger_state(cx->city), &seen);
    return code;
}

static bool take_note(struct checkpoint *c, int t, struct str note) {
    if (note.n > LEDGER_NOTE_MAX) return false;
    memcpy(c->note[t], note.p, note.n);
    c->note_n[t] = note.n;
    return true;
}

// Which witnesses of today's policy stand under it.
static uint64_t who_signed(struct cx *cx, const struct policy *p, struct str body, struct str lines) {
    uint64_t answered = 0;
    for (int i = 0; i < p->witnesses_n; i++)
        if (cosign_check(cx->mem, body, lines, p->witness[i].key, p->witness[i].name, NULL, NULL))
            answered |= BIT(i);
    return answered;
}

static bool holds_today(struct cx *cx, const struct policy *p, struct checkpoint *c, struct str lines) {
    const struct ledger_state *s = ledger_state(cx->city);
    for (int t = 0; t < LEDGER_TREES; t++) {
        struct str body, origin;
        uint64_t size;
        if (!note_split((struct str){c->note[t], c->note_n[t]}, &body) ||
            !checkpoint_read(cx->mem, body, &origin, &size, c->root[t]) ||
            !str_eq(origin, str_of(s->name[t])) || size != c->size)
            return false;
        if (t == LEDGER_TREE_SHA256 && !is_quorate(p, who_signed(cx, p, body, lines))) return false;
    }
    return true;
}

int witness_recall(struct cx *cx, struct witness_client *w) {
    struct ledger_state *s = ledger_state(cx->city);
    struct checkpoint *c = arena_take(cx->mem, sizeof *c);
    struct str lines = STR_NONE;
    bool found = false;
    if (!c) return cx_fail(cx, ERR_no_memory, "", "witness");
    *c = (struct checkpoint){0};
    if (w->policy) {
        struct stmt *st = store_query(cx->db, Q_ledger_witnessed_newest, "");
        if (store_next(st)) {
            c->size = (uint64_t)store_int(st, 0);
            found = take_note(c, 0, store_str(st, 1, NULL)) && take_note(c, 1, store_str(st, 2, NULL));
            lines = store_str(st, 3, cx->mem);
            c->made_ms = store_int(st, 4);
        }
        int code = store_done(st, &cx->err);
        if (code != OK) return code;
    }
    pthread_mutex_lock(&s->lock);
    const uint64_t size = s->size;
    pthread_mutex_unlock(&s->lock);
    found = found && c->size <= size && lines.n <= LEDGER_LINES_MAX && holds_today(cx, w->policy, c, lines);
    if (found) put_lines(c, lines);
    pthread_mutex_lock(&s->lock);
    s->witnessed = found ? *c : (struct checkpoint){0};
    pthread_mutex_unlock(&s->lock);
    return OK;
}

// Another node asks the witnesses: what they answered it stands in the store.
int witness_follow(struct cx *cx, struct witness_client *w) {
    struct ledger_state *s = ledger_state(cx->city);
    struct stmt *st = store_query(cx->db, Q_ledger_witnessed_newest, "");
    const int64_t size = store_next(st) ? store_int(st, 0) : 0;
    int code = store_done(st, &cx->err);
    if (code != OK) return code;
    pthread_mutex_lock(&s->lock);
    const bool is_ahead = (uint64_t)size > s->witnessed.size;
    pthread_mutex_unlock(&s->lock);
    return is_ahead ? witness_recall(cx, w) : OK;
}

// --- after a restore ---
int witness_ask(struct cx *cx, struct ledger_state *s, struct witness_word *ret) {
    struct witness_client w = {.city = cx->city, .policy_bytes = -1};
    const int64_t begin = clock_mono_us();
    uint64_t standing = 0, newest = 0;
    bool is_whole = true;
    *ret = (struct witness_word){0};
    pthread_mutex_init(&w.lock, NULL);
    arena_init(&w.mem, (size_t)4 << 20);
    s->witnessed = (struct checkpoint){0};
    int code = witness_policy(cx, &w);
    for (int i = 0; code == OK && w.policy && i < w.policy->witnesses_n; i++) {
        struct str note;
        uint8_t root[HASH_BYTES];
        uint64_t size;
        const bool in_time = clock_mono_us() - begin < (int64_t)WITNESS_ASK_MS * 1000;
        int got =
            w.policy->witness[i].url.p && in_time ? witness_fetch(cx, &w.policy->witness[i], &note) : ERR_net;
        cx->err = (struct err){0};
        if (got == ERR_not_found) continue;
        if (got != OK || !witness_is_ours(cx, note, &size, root)) {
            is_whole = false;
            continue;
        }
        if (!ret->newest.p || size > newest) {
            ret->newest = note;
            newest = size;
        }
        struct tree_reader r = {
            .db = cx->db, .hasher = cx->hasher, .err = &cx->err, .tree = LEDGER_TREE_SHA256};
        uint8_t mine[HASH_BYTES];
        if (size > s->size || merkle_root_at(size, tree_read, &r, cx->hasher, HASH_SHA256, mine) != OK ||
            memcmp(mine, root, HASH_BYTES) != 0)
            is_whole = false;
        if (size == s->checkpoint.size) standing |= BIT(i);
    }
    cx->err = (struct err){0};
    ret->is_vouched =
        code == OK && w.policy && is_whole && s->checkpoint.size > 0 && is_quorate(w.policy, standing);
    policy_close(w.policy);
    arena_free(&w.mem);
    return OK; // what the witnesses say can only add; without them the origin is a new one
}

// --- told ---
void witness_state_write(struct cx *cx) {
    struct ledger_state *s = ledger_state(cx->city);
    struct witness_client *w = s->witness;
    struct jw *j = &cx->w;
    pthread_mutex_lock(&s->lock);
    const int64_t size = (int64_t)s->witnessed.size, ms = s->witnessed.made_ms;
    pthread_mutex_unlock(&s->lock);
    jw_nint(j, "witnessed_size", size);
    if (size) jw_nint(j, "witnessed_ms", ms);
    jw_nbool(j, "is_behind", atomic_load(&s->is_behind));
    pthread_mutex_lock(&w->lock);
    const struct policy *p = w->policy;
    if (p) jw_ntext(j, "quorum", p->quorum_label);
    jw_name(j, "witnesses");
    jw_array(j);
    for (int i = 0; p && i < p->witnesses_n; i++) {
        const struct witness_peer *peer = &w->peer[i];
        jw_object(j);
        jw_ntext(j, "label", p->witness[i].label);
        jw_ntext(j, "name", p->witness[i].name);
        jw_nint(j, "size", (int64_t)peer->size);
        if (peer->told_ms) jw_nint(j, "told_ms", peer->told_ms);
        jw_nint(j, "failures", peer->failures);
        if (peer->problem[0]) jw_ntext(j, "problem", str_of(peer->problem));
        jw_object_end(j);
    }
    jw_array_end(j);
    pthread_mutex_unlock(&w->lock);
}
