// SPDX-License-Identifier: MulanPSL-2.0
// The log looks itself over, at night, a twentieth of a core at a time: every entry against itself, every stored subtree
// against its entries, the whole against the roots that were signed, every audit row against its entry. Keeps true: (1) a
// round's position lies in the store, so a restart goes on and a large log takes several nights; (2) what was found becomes an
// entry and an alarm, which only a clean round or an auditor's note ends; (3) it reads, and writes one small row a second.
// Calls and the meter are not among it (they are other modules' rows): `gusu ledger fsck` adds those up.
#include "mod/ledger/audit.h"
#include "base/clock.h"
#include "base/log.h"
#include "mod/ledger/entries.h"
#include <inttypes.h>
#include <stdio.h>

struct walk {
    struct cx *cx;
    struct audit *a;
    struct arena row;
    struct merkle part[LEDGER_TREES]; // of the bundle under way
    struct stmt *acts;                // unused between entries
    struct buf faults;
    int told;
};

static void fault(struct walk *w, const char *what, int64_t index, const char *where) {
    w->a->faults_n++;
    if (w->told == AUDIT_FAULTS_MAX) return;
    w->told++;
    struct jw j = jw_to(&w->faults);
    if (w->faults.n > 1) buf_char(&w->faults, ',');
    jw_object(&j);
    jw_ntext(&j, "what", str_of(what));
    jw_nint(&j, "index", index);
    jw_ntext(&j, "where", str_of(where));
    jw_object_end(&j);
}

// --- the state ---
int audit_read(struct cx *cx, struct audit *ret) {
    *ret = (struct audit){0};
    struct stmt *s = store_query(cx->db, Q_ledger_audit_get, "");
    if (store_next(s)) {
        struct str roots = store_str(s, 3, NULL), peaks = store_str(s, 4, NULL);
        *ret = (struct audit){.started_ms = store_int(s, 0),
                              .at = store_int(s, 1),
                              .size = store_int(s, 2),
                              .act_id = store_int(s, 5),
                              .faults_n = store_int(s, 6),
                              .faults = store_str(s, 7, cx->mem),
                              .done_ms = store_int(s, 8),
                              .done_size = store_int(s, 9),
                              .done_faults = store_int(s, 10),
                              .alarm_ms = store_int(s, 11),
                              .alarm_n = store_int(s, 12),
                              .alarm = store_str(s, 13, cx->mem)};
        if (roots.n == sizeof ret->root) memcpy(ret->root, roots.p, sizeof ret->root);
        const size_t n = (size_t)__builtin_popcountll((uint64_t)ret->at);
        for (size_t t = 0; n && t < LEDGER_TREES && peaks.n == LEDGER_TREES * n * HASH_BYTES; t++) {
            ret->tree[t].size = (uint64_t)ret->at;
            ret->tree[t].n = (int)n;
            memcpy(ret->tree[t].peak, peaks.p + t * n * HASH_BYTES, n * HASH_BYTES);
        }
    }
    return store_done(s, &cx->err);
}

static int put_state(struct cx *cx, const struct audit *a) {
    uint8_t *peaks = arena_array(cx->mem, LEDGER_TREES * MERKLE_LEVELS, HASH_BYTES);
    size_t n = 0;
    if (!peaks) return cx_fail(cx, ERR_no_memory, "", "audit");
    for (int t = 0; t < LEDGER_TREES; t++)
        for (int i = 0; i < a->tree[t].n; i++, n += HASH_BYTES)
            memcpy(peaks + n, a->tree[t].peak[i], HASH_BYTES);
    return store_exec(cx->db, NULL, &cx->err, Q_ledger_audit_put, "iiibbiisiiiiis", a->started_ms, a->at,
                      a->size, (struct str){(const char *)a->root, sizeof a->root},
                      (struct str){(const char *)peaks, n}, a->act_id, a->faults_n, a->faults, a->done_ms,
                      a->done_size, a->done_faults, a->alarm_ms, a->alarm_n, a->alarm);
}

static int put_slice(struct cx *cx, void *arg) {
    return put_state(cx, arg);
}

// --- one entry ---
static const struct {
    unsigned bit;
    const char *what;
} wrongs[] = {{LEDGER_WRONG_LEAF, "leaf"},     {LEDGER_WRONG_COMMITMENT, "commitment"},
              {LEDGER_WRONG_DETAIL, "detail"}, {LEDGER_WRONG_KIND, "kind"},
              {LEDGER_WRONG_TIME, "time"},     {LEDGER_WRONG_CLEAR, "clear"}};

// The audit rows follow the entries: the next row is this act's, or the act has none. Rows of entries that could not be
// read are passed over.
static int check_act(struct walk *w, int64_t index, struct str detail, bool is_act, bool is_read) {
    char where[40];
    bool go_on = true;
    int code = OK;
    while (go_on && code == OK) {
        struct stmt *s = store_query(w->cx->db, Q_ledger_act_next, "i", w->a->act_id);
        bool found = store_next(s);
        int64_t entry = found ? store_int(s, 0) : INT64_MAX, id = found ? store_int(s, 2) : 0;
        snprintf(where, sizeof where, "core_act %" PRId64, id);
        go_on = entry < index;
        if (go_on && is_read) fault(w, "act_extra", entry, where);
        if (entry > index && is_act) fault(w, "act_missing", index, "core_act");
        if (entry == index && detail.p && !(is_act && ledger_act_fits(&w->row, s, detail)))
            fault(w, "act", index, where);
        if (entry <= index) w->a->act_id = id;
        code = store_done(s, &w->cx->err);
    }
    return code;
}

static int see(void *arg, const struct ledger_entry *given) {
    struct walk *w = arg;
    struct ledger_entry e = *given;
    struct json detail;
    for (int t = 0; t < LEDGER_TREES; t++) {
        uint8_t hash[HASH_BYTES];
        merkle_leaf(w->cx->hasher, ledger_hash(t), e.leaf, hash);
        merkle_add(&w->part[t], w->cx->hasher, ledger_hash(t), hash, NULL, NULL);
    }
    unsigned wrong = ledger_entry_wrong(w->cx->hasher, &w->row, &e, &detail);
    for (size_t i = 0; wrong && i < sizeof wrongs / sizeof wrongs[0]; i++)
        if (wrong & wrongs[i].bit) fault(w, wrongs[i].what, e.index, "ledger_entry");
    bool is_act = json_text(json_get(detail, S("verb"))).p && json_kind(json_get(detail, S("actor")));
    int code = check_act(w, e.index, e.detail, is_act, true);
    arena_reset(&w->row);
    return code;
}

// --- the trees ---
static int stored_node(struct walk *w, int tree, int level, uint64_t index, uint8_t out[HASH_BYTES],
                       bool *ret_found) {
    struct stmt *s =
        store_query(w->cx->db, Q_ledger_node_get, "iii", (int64_t)tree, (int64_t)level, (int64_t)index);
    struct str hash = store_next(s) ? store_str(s, 0, NULL) : STR_NONE;
    *ret_found = hash.n == HASH_BYTES;
    if (*ret_found) memcpy(out, hash.p, HASH_BYTES);
    return store_done(s, &w->cx->err);
}

// A whole bundle joins: as merkle_add, with a subtree of 256 in place of a leaf.
static int graft(struct walk *w, int tree, const uint8_t with[HASH_BYTES]) {
    struct merkle *m = &w->a->tree[tree];
    uint8_t hash[HASH_BYTES], stored[HASH_BYTES];
    int level = LEDGER_NODE_LEVEL, code = OK;
    uint64_t index = m->size >> level;
    memcpy(hash, with, HASH_BYTES);
    for (uint64_t bits = m->size >> level; bits & 1 && code == OK; bits >>= 1) {
        bool found;
        merkle_node(w->cx->hasher, ledger_hash(tree), m->peak[--m->n], hash, hash);
        level++;
        index >>= 1;
        code = stored_node(w, tree, level, index, stored, &found);
        if (code == OK && (!found || memcmp(stored, hash, HASH_BYTES) != 0))
            fault(w, "node", (int64_t)(index << level), tree ? "SM3" : "SHA-256");
    }
    memcpy(m->peak[m->n++], hash, HASH_BYTES);
    m->size += LEDGER_TILE;
    return code;
}

// As verify_entries.c settles a bundle: one tree differs, its tile was changed; both, a leaf was.
static int settle(struct walk *w, int64_t from, bool is_whole) {
    uint8_t own[LEDGER_TREES][HASH_BYTES], stored[LEDGER_TREES][HASH_BYTES];
    bool found[LEDGER_TREES] = {0}, same[LEDGER_TREES] = {0};
    int code = OK;
    for (int t = 0; t < LEDGER_TREES && code == OK; t++) {
        merkle_root(&w->part[t], w->cx->hasher, ledger_hash(t), own[t]);
        code =
            stored_node(w, t, LEDGER_NODE_LEVEL, (uint64_t)from >> LEDGER_NODE_LEVEL, stored[t], &found[t]);
        same[t] = is_whole && found[t] && memcmp(own[t], stored[t], HASH_BYTES) == 0;
    }
    bool is_changed = !same[0] && !same[1] && found[0] && found[1];
    if (code == OK && is_changed && is_whole) fault(w, "leaves", from, "ledger_entry");
    for (int t = 0; t < LEDGER_TREES && code == OK; t++) {
        if (!same[t] && !is_changed) fault(w, "node", from, t ? "SM3" : "SHA-256");
        code = graft(w, t, is_changed ? stored[t] : own[t]);
    }
    return code;
}

// The bundle of `at`, or what the round's size cuts off it.
static int one_bundle(struct walk *w, struct ledger_reader *r) {
    struct audit *a = w->a;
    const int64_t from = a->at, end = from + LEDGER_BUNDLE < a->size ? from + LEDGER_BUNDLE : a->size;
    int64_t next = from;
    bool is_whole = true;
    memset(w->part, 0, sizeof w->part);
    int code = ledger_reader_each(r, from, end, see, w, &next, &w->cx->err);
    if (code == ERR_ledger_bundle) {
        fault(w, "bundle", from, "ledger_bundle");
        w->cx->err = (struct err){0};
        code = OK;
        is_whole = false;
    } else if (code == OK && next != end) {
        fault(w, "missing", next, "ledger_entry");
        is_whole = false;
    }
    // Audit rows of entries that could not be read are passed over: nothing can be held against them.
    if (!is_whole && code == OK) code = check_act(w, end - 1, STR_NONE, false, false);
    if (code == OK && end - from == LEDGER_BUNDLE) code = settle(w, from, is_whole);
    for (int t = 0; t < LEDGER_TREES && end - from < LEDGER_BUNDLE && is_whole; t++) {
        for (int i = 0; i < w->part[t].n; i++)
            memcpy(a->tree[t].peak[a->tree[t].n++], w->part[t].peak[i], HASH_BYTES);
        a->tree[t].size += w->part[t].size;
    }
    a->at = end;
    return code;
}

// --- rounds ---
int audit_begin(struct cx *cx) {
    struct audit *a = arena_take(cx->mem, sizeof *a);
    struct checkpoint *c = arena_take(cx->mem, sizeof *c);
    if (!a || !c) return cx_fail(cx, ERR_no_memory, "", "audit");
    int code = audit_read(cx, a);
    if (code != OK) return code;
    code = checkpoint_look(cx, c);
    if (code != OK) return code;
    a->started_ms = cx->city->now_ms();
    a->at = a->act_id = a->faults_n = 0;
    a->size = (int64_t)c->size;
    a->faults = S("[]");
    memcpy(a->root, c->root, sizeof a->root);
    memset(a->tree, 0, sizeof a->tree);
    return cx_write(cx, put_slice, a);
}

static void check_roots(struct walk *w) {
    for (int t = 0; t < LEDGER_TREES; t++) {
        uint8_t root[HASH_BYTES];
        if (w->a->tree[t].size != (uint64_t)w->a->size) continue; // its right edge could not be read, as told
        merkle_root(&w->a->tree[t], w->cx->hasher, ledger_hash(t), root);
        if (memcmp(root, w->a->root[t], HASH_BYTES) != 0)
            fault(w, "root", w->a->size - 1, t ? "SM3" : "SHA-256");
    }
}

static int put_end(struct cx *cx, void *arg) {
    struct audit *a = arg;
    struct str text = str_print(
        cx->mem, "{\"faults\":%" PRId64 ",\"first\":%.*s,\"size\":%" PRId64 ",\"time_ms\":%" PRId64 "}",
        a->faults_n, STRF(a->faults), a->size, cx->now_ms);
    struct note n = {.kind = "ledger.audit", .time_ms = cx->now_ms, .detail = text};
    int code = put_state(cx, a);
    if (code == OK) code = tree_note(cx, &n);
    return code == OK ? cx_announce(cx, "ledger.audit", S(""), STR_NONE) : code;
}

static void end_round(struct walk *w) {
    struct audit *a = w->a;
    check_roots(w);
    a->done_ms = w->cx->city->now_ms();
    a->done_size = a->size;
    a->done_faults = a->faults_n;
    if (a->faults_n == 0) {
        a->alarm_ms = a->alarm_n = 0;
        a->alarm = S("[]");
        return;
    }
    if (a->alarm_ms == 0) a->alarm_ms = a->done_ms;
    a->alarm_n = a->faults_n;
    log_line(LOG_ERROR, "ledger",
             "self-audit: %" PRId64 " faults in %" PRId64 " entries; gusu ledger fsck names all", a->faults_n,
             a->size);
}

int audit_slice(struct cx *cx, int64_t budget_us, bool *ret_more) {
    struct audit *a = arena_take(cx->mem, sizeof *a);
    struct walk *w = arena_take(cx->mem, sizeof *w);
    struct ledger_reader r;
    const int64_t late_us = clock_mono_us() + budget_us;
    *ret_more = false;
    if (!a || !w) return cx_fail(cx, ERR_no_memory, "", "audit");
    int code = audit_read(cx, a);
    if (code != OK || a->started_ms <= a->done_ms) return code;
    *w = (struct walk){.cx = cx, .a = a, .faults = buf_new(cx->mem, 1024, 65536)};
    w->told = a->faults_n < AUDIT_FAULTS_MAX ? (int)a->faults_n : AUDIT_FAULTS_MAX;
    buf_put(&w->faults, (struct str){a->faults.p, a->faults.n - 1}); // open again
    arena_init(&w->row, 0);
    ledger_reader_init(&r, cx->db, cx->hasher);
    // At least one bundle, however late it is: a round must end.
    for (bool is_first = true; code == OK && a->at < a->size && (is_first || clock_mono_us() < late_us);
         is_first = false)
        code = one_bundle(w, &r);
    ledger_reader_free(&r);
    arena_free(&w->row);
    if (code != OK) return code;
    bool is_end = a->at >= a->size;
    if (is_end) end_round(w);
    buf_char(&w->faults, ']');
    if (w->faults.over) return cx_fail(cx, ERR_no_memory, "", "audit");
    a->faults = buf_str(&w->faults);
    if (is_end && a->faults_n) a->alarm = a->faults;
    *ret_more = !is_end;
    return cx_write(cx, is_end ? put_end : put_slice, a);
}

static bool is_night(int64_t now_ms) {
    int64_t hour = (now_ms + CHINA_OFFSET_MS) / 3600000 % 24;
    return hour >= AUDIT_NIGHT_FROM && hour < AUDIT_NIGHT_TO;
}

int audit_run(struct cx *cx) {
    struct audit *a = arena_take(cx->mem, sizeof *a);
    if (!a) return cx_fail(cx, ERR_no_memory, "", "audit");
    int code = audit_read(cx, a);
    const int64_t now = cx->city->now_ms();
    bool runs = a->started_ms > a->done_ms, more;
    // A round that an auditor asked for by day goes on by day: it began outside the night.
    bool may = is_night(now) || (runs && !is_night(a->started_ms));
    // A clock put back must not put the next round off for as long.
    bool is_due = a->done_ms == 0 || now - a->done_ms > AUDIT_REST_MS || now < a->done_ms;
    if (code == OK && !runs && may && is_due) {
        code = audit_begin(cx);
        runs = true;
    }
    return code == OK && runs && may ? audit_slice(cx, AUDIT_SLICE_US, &more) : code;
}
