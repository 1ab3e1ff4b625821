// SPDX-License-Identifier: MulanPSL-2.0
// This city as a witness (C2SP tlog-witness): a log sends a checkpoint with the proof that it only grew since the one
// we cosigned last; we keep it and sign that we saw it. Keeps true: (1) of one origin we never cosign two histories:
// the size we hold is compared and replaced in one statement of the writer's transaction; (2) what we sign is durable
// before the answer leaves; (3) strangers cost little: an unknown log is refused before any arithmetic, nothing of a
// refused call is stored, no call makes an entry (two cities that witness each other would never come to rest).
//
//   POST /ledger/witness/add-checkpoint     "old N", ≤ 63 hashes, empty line, checkpoint
//        200 cosignature · 400 form · 403 not signed by a known key · 404 unknown log · 409 other size · 422 no proof
//   GET  /ledger/witness/<sha256 of origin>/checkpoint     what we cosigned last, for monitors
//
// Which logs: witness.logs in the data folder, read anew with each call, so that a line added counts at once.
#include "mod/ledger/witness.h"
#include "base/file.h"
#include <inttypes.h>
#include <stdio.h>

struct ask { // one add-checkpoint
    uint64_t old, size;
    int proof_n;
    uint8_t proof[WITNESS_PROOF_MAX][HASH_BYTES], root[HASH_BYTES];
    struct str note, body, origin, hash;
    struct str log_lines; // signature lines of the log that were good
    struct str line;      // ours
    struct str kept;      // the note as it is stored
    uint64_t held;        // what stood there
    uint8_t held_root[HASH_BYTES];
    bool is_new, is_stale;
};

struct str witness_origin_hash(struct cx *cx, struct str origin) {
    uint8_t hash[HASH_BYTES];
    hash_one(cx->hasher, HASH_SHA256, origin, hash);
    return str_hex(cx->mem, hash, sizeof hash);
}

// --- form: 400 ---
static int bad_form(struct cx *cx, const char *what) {
    return cx_fail(cx, ERR_bad_request, "body", "%s", what);
}

static bool read_size(struct str s, uint64_t *ret) {
    int64_t v;
    if (!s.n || s.p[0] < '0' || s.p[0] > '9' || (s.n > 1 && s.p[0] == '0') || !str_int64(s, &v)) return false;
    *ret = (uint64_t)v;
    return true;
}

static int read_form(struct cx *cx, struct ask *a) {
    struct str rest, raw, line = str_cut(cx->body, '\n', &rest);
    if (!str_starts(line, S("old ")) || !read_size((struct str){line.p + 4, line.n - 4}, &a->old))
        return bad_form(cx, "old SIZE");
    for (;;) {
        if (!rest.p || !rest.n) return bad_form(cx, "no checkpoint");
        line = str_cut(rest, '\n', &rest);
        if (!line.n) break;
        if (a->proof_n == WITNESS_PROOF_MAX || !str_unbase64(cx->mem, line, false, &raw) ||
            raw.n != HASH_BYTES)
            return bad_form(cx, "proof");
        memcpy(a->proof[a->proof_n++], raw.p, HASH_BYTES);
    }
    a->note = rest;
    if (!rest.p || !note_split(rest, &a->body) ||
        !checkpoint_read(cx->mem, a->body, &a->origin, &a->size, a->root))
        return bad_form(cx, "checkpoint");
    return OK;
}

// --- who: 404, 403 ---
// All lines of witness.logs that name this origin; a log that changes its key has two for a while.
static int check_log(struct cx *cx, const struct policy *p, struct ask *a) {
    struct buf lines = buf_new(cx->mem, 512, WITNESS_BODY_MAX);
    bool is_known = false, is_forged = false;
    for (int i = 0; i < p->logs_n; i++) {
        struct str line;
        if (!str_eq(p->log[i].name, a->origin)) continue;
        is_known = true;
        enum note_answer said = note_look(cx->mem, a->note, p->log[i].key, a->origin, NULL, &line);
        if (said == NOTE_FORGED) is_forged = true;
        if (said == NOTE_SIGNED) buf_put(&lines, line);
    }
    if (!is_known)
        return cx_fail(cx, ERR_witness_log, "origin", "%.*s", (int)(a->origin.n > 100 ? 100 : a->origin.n),
                       a->origin.p);
    if (is_forged || !lines.n) return cx_fail(cx, ERR_witness_signature, "signature", "%s", "");
    a->log_lines = buf_str(&lines);
    return OK;
}

static int known_logs(struct cx *cx, struct policy **ret) {
    char path[600];
    struct str text;
    snprintf(path, sizeof path, "%s/%s", cx->city->shared, LEDGER_LOGS_FILE);
    if (!file_exists(path)) return cx_fail(cx, ERR_witness_log, "origin", "%s", LEDGER_LOGS_FILE);
    int code = file_read(cx->mem, path, POLICY_BYTES_MAX, &text, &cx->err);
    // The operator's mistake is not the caller's: 500 and told in `gusu witness logs`.
    if (code == OK && policy_read(cx->mem, text, false, ret, &cx->err) != OK)
        code = cx_fail(cx, ERR_internal, "witness", "%s", LEDGER_LOGS_FILE);
    return code;
}

// --- does it fit what we hold: 409, 422 ---
static int read_held(struct cx *cx, struct ask *a) {
    struct stmt *s = store_query(cx->db, Q_ledger_watched_get, "s", a->hash);
    a->held = 0;
    a->is_new = !store_next(s);
    bool fits = true;
    if (!a->is_new) {
        struct str root = store_str(s, 2, NULL);
        a->held = (uint64_t)store_int(s, 1);
        fits = root.n == HASH_BYTES;
        if (fits) memcpy(a->held_root, root.p, HASH_BYTES);
    }
    int code = store_done(s, &cx->err);
    return code != OK || fits ? code : cx_fail(cx, ERR_store, "witness", "%.*s", STRF(a->hash));
}

static int check_growth(struct cx *cx, struct ask *a) {
    uint8_t empty[HASH_BYTES];
    if (a->old > a->size) return bad_form(cx, "old size above the checkpoint's");
    a->is_stale = a->old != a->held;
    if (a->is_stale) return OK; // answered 409
    hash_one(cx->hasher, HASH_SHA256, S(""), empty);
    if (a->size == 0 && memcmp(a->root, empty, HASH_BYTES) != 0)
        return cx_fail(cx, ERR_witness_proof, "root", "%s", "the empty tree has another root");
    bool ok;
    if (a->old == 0)
        ok = a->proof_n == 0;
    else if (a->old == a->size)
        ok = a->proof_n == 0 && memcmp(a->root, a->held_root, HASH_BYTES) == 0;
    else
        ok = merkle_consistency_ok(a->old, a->size, a->held_root, a->root,
                                   (const uint8_t(*)[HASH_BYTES])a->proof, a->proof_n, cx->hasher,
                                   HASH_SHA256);
    return ok ? OK : cx_fail(cx, ERR_witness_proof, "proof", "%" PRIu64 " → %" PRIu64, a->old, a->size);
}

// --- keep and sign ---
static int put_held(struct cx *cx, void *arg) {
    struct ask *a = arg;
    int64_t changes = 0;
    int code = store_exec(cx->db, &changes, &cx->err, Q_ledger_watched_put, "ssibsii", a->hash, a->origin,
                          (int64_t)a->size, (struct str){(const char *)a->root, HASH_BYTES}, a->kept,
                          cx->now_ms, (int64_t)a->held);
    // Another checkpoint of this log came between reading and writing: the caller is told the size that stands now.
    a->is_stale = code == OK && changes == 0;
    return code == OK && a->is_stale ? read_held(cx, a) : code;
}

static int cosign(struct cx *cx, struct ask *a) {
    struct ledger_state *s = ledger_state(cx->city);
    int code = cosign_line(cx->mem, a->body, s->witness_key, str_of(s->witness_name),
                           cx->city->now_ms() / 1000, &a->line, &cx->err);
    if (code != OK) return code;
    a->kept = str_print(cx->mem, "%.*s\n%.*s%.*s", STRF(a->body), STRF(a->log_lines), STRF(a->line));
    return a->kept.p ? OK : cx_fail(cx, ERR_no_memory, "", "witness");
}

static int tell_stale(struct cx *cx, const struct ask *a) {
    cx_status(cx, 409);
    cx_reply_body(cx, "text/x.tlog.size", str_print(cx->mem, "%" PRIu64 "\n", a->held));
    return OK;
}

static int add_checkpoint(struct cx *cx) {
    struct ask *a = arena_take(cx->mem, sizeof *a);
    struct policy *p = NULL;
    if (!a) return cx_fail(cx, ERR_no_memory, "", "witness");
    *a = (struct ask){0};
    int code = read_form(cx, a);
    if (code == OK) code = known_logs(cx, &p);
    if (code == OK) code = check_log(cx, p, a);
    policy_close(p);
    if (code != OK) return code;
    a->hash = witness_origin_hash(cx, a->origin);
    code = read_held(cx, a);
    if (code == OK) code = check_growth(cx, a);
    if (code == OK && !a->is_stale) code = cosign(cx, a);
    if (code == OK && !a->is_stale) code = cx_write(cx, put_held, a);
    if (code != OK) return code;
    if (a->is_stale) return tell_stale(cx, a);
    cx_reply_body(cx, "text/plain; charset=utf-8", a->line);
    return OK;
}

// --- read side ---
static int get_watched(struct cx *cx) {
    struct str note = STR_NONE, hash = cx_text(cx, "hash");
    struct stmt *s = store_query(cx->db, Q_ledger_watched_get, "s", hash);
    if (store_next(s)) note = store_str(s, 3, cx->mem);
    int code = store_done(s, &cx->err);
    if (code != OK) return code;
    if (!note.p) return cx_fail(cx, ERR_not_found, "origin", "%.*s", STRF(hash));
    cx_reply_body(cx, "text/plain; charset=utf-8", note);
    cx_reply_header(cx, "Cache-Control", S("public, max-age=1"));
    return OK;
}

static int get_witness_vkey(struct cx *cx) {
    struct str vkey = ledger_state(cx->city)->witness_vkey;
    cx_reply_body(cx, "text/plain; charset=utf-8", str_print(cx->mem, "%.*s\n", STRF(vkey)));
    return OK;
}

static const struct field takes_nothing[] = {{0}};
static const struct field takes_hash[] = {{"hash", .where = IN_PATH, .type = T_TEXT, .required = true,
                                           .min = 64, .max = 64, .zh = "日志名称的 SHA-256",
                                           .en = "SHA-256 of the origin"},
                                          {0}};
static const struct shape gives_cosignature = {"ledger_cosignature", NULL, "text/plain"},
                          gives_watched = {"ledger_watched", NULL, "text/plain"},
                          gives_vkey = {"ledger_witness_vkey", NULL, "text/plain"};

// SLOW: signatures and proofs are checked on a worker, only the comparison and the row are the writer's.
const struct route ledger_witness_routes[] = {
    {"POST", "/ledger/witness/add-checkpoint", ROUTE_SLOW, R_PUBLIC, takes_nothing, &gives_cosignature,
     .body_max = WITNESS_BODY_MAX, .flags = ROUTE_RAW_BODY | ROUTE_NO_CSRF, .handle = add_checkpoint,
     .zh = "见证其他日志的检查点", .en = "Cosign another log's checkpoint"},
    {"GET", "/ledger/witness/{hash}/checkpoint", ROUTE_READ, R_PUBLIC, takes_hash, &gives_watched,
     .handle = get_watched, .zh = "所见证日志的最新检查点", .en = "The newest checkpoint cosigned of a log"},
    {"GET", "/ledger/witness/vkey", ROUTE_READ, R_PUBLIC, takes_nothing, &gives_vkey,
     .handle = get_witness_vkey, .zh = "见证公钥", .en = "Verifier key of this witness"},
    {0}};
