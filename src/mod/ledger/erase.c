// SPDX-License-Identifier: MulanPSL-2.0
// Forgetting: salt and detail of an entry are dropped wherever they lie, with the audit row's words and (through the
// event "ledger.erased") what other modules keep beside it; leaf and proofs stay. Keeps true: (1) an entry of the log
// says so, with the indices, before anything is dropped; (2) an interrupted erasure goes on by itself; (3) an older
// backup forgets again: erasures.jsonl names each entry with its leaf's hash, so that after a restore the same index with
// other contents is left alone.
#include "mod/ledger/erase.h"
#include "base/file.h"
#include "base/log.h"
#include "mod/ledger/entries.h"
#include "mod/ledger/tree.h"
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)256 << 20)

void erasure_read(struct cx *cx, struct stmt *s, struct erasure *ret) {
    *ret = (struct erasure){.id = store_int(s, 0),
                            .code = store_str(s, 1, cx->mem),
                            .state = store_str(s, 2, cx->mem),
                            .reason = store_str(s, 3, cx->mem),
                            .law = store_str(s, 4, cx->mem),
                            .entries = store_str(s, 5, cx->mem),
                            .entries_n = store_int(s, 6),
                            .done_n = store_int(s, 7),
                            .asked_by = store_int(s, 8),
                            .asked_name = store_str(s, 9, cx->mem),
                            .asked_office = store_str(s, 10, cx->mem),
                            .asked_ms = store_int(s, 11),
                            .approved_by = store_int(s, 12),
                            .approved_name = store_str(s, 13, cx->mem),
                            .approved_ms = store_int(s, 14),
                            .asked_is_auditor = store_int(s, 15)};
}

int erasure_get(struct cx *cx, int64_t id, struct erasure *ret) {
    struct stmt *s = store_query(cx->db, Q_ledger_erasure_get, "i", id);
    bool found = store_next(s);
    if (found) erasure_read(cx, s, ret);
    int code = store_done(s, &cx->err);
    return code != OK || found ? code : cx_fail(cx, ERR_not_found, "erasure", "%" PRId64, id);
}

// "index hash" of line `at`, cut off the front of *rest.
static bool take_line(struct str *rest, int64_t *ret_index, uint8_t hash[HASH_BYTES]) {
    struct str hex, line = str_cut(*rest, '\n', rest), index = str_cut(line, ' ', &hex);
    return str_int64(index, ret_index) && str_unhex(hex, hash, HASH_BYTES);
}

// --- on the writer ---
static int forget_act(struct cx *cx, const struct ledger_entry *e) {
    struct json detail;
    struct err ignore = {0};
    if (json_parse(cx->mem, e->detail, &detail, &ignore) != OK) return OK;
    struct str kind = json_text(json_get(detail, S("object_kind"))),
               object = json_text(json_get(detail, S("object")));
    if (!kind.p) return OK; // no act
    return store_exec(cx->db, NULL, &cx->err, Q_ledger_act_forget, "ssi", kind, object.p ? object : S(""),
                      e->index);
}

static int forget(struct cx *cx, int64_t index, const uint8_t want[HASH_BYTES]) {
    struct ledger_entry e;
    uint8_t hash[HASH_BYTES];
    int64_t end;
    int code = ledger_end(cx, &end);
    if (code != OK || index >= end) return code; // of a log that was longer
    code = ledger_entry_get(cx, index, &e);
    if (code != OK) return code;
    merkle_leaf(cx->hasher, HASH_SHA256, e.leaf, hash);
    if (memcmp(hash, want, HASH_BYTES) != 0 || !e.detail.p) return OK; // another entry, or forgotten already
    // Others drop what they keep beside it while the detail can still tell them what that is.
    code = cx_announce(cx, "ledger.erased", str_print(cx->mem, "%" PRId64, index), STR_NONE);
    if (code == OK) code = forget_act(cx, &e);
    return code == OK ? ledger_entry_erase(cx, index) : code;
}

static int slice(struct cx *cx, void *arg) {
    const int64_t *id = arg;
    struct erasure e;
    int code = erasure_get(cx, *id, &e);
    if (code != OK || !str_eq(e.state, S("approved"))) return code;
    struct str rest = e.entries;
    int64_t at = 0, end = e.done_n + ERASE_SLICE;
    for (; code == OK && rest.n && at < end; at++) {
        int64_t index;
        uint8_t hash[HASH_BYTES];
        if (!take_line(&rest, &index, hash)) return cx_fail(cx, ERR_store, "erasure", "%" PRId64, *id);
        if (at >= e.done_n) code = forget(cx, index, hash);
    }
    return code == OK ? store_exec(cx->db, NULL, &cx->err, Q_ledger_erasure_step, "ii", *id, at) : code;
}

// --- off the writer ---
int erasure_carry_out(struct cx *cx, int64_t id) {
    struct erasure e;
    int code = erasure_get(cx, id, &e);
    while (code == OK && str_eq(e.state, S("approved"))) {
        code = cx_write(cx, slice, &id);
        if (code == OK) code = erasure_get(cx, id, &e);
    }
    return code == OK ? erasure_export(cx) : code;
}

static void line_write(struct jw *w, const struct erasure *e) {
    jw_object(w);
    jw_ntext(w, "code", e->code);
    jw_ntext(w, "reason", e->reason);
    jw_ntext(w, "law", e->law);
    jw_ntext(w, "entries", e->entries);
    jw_nint(w, "entries_n", e->entries_n);
    jw_nint(w, "asked_by", e->asked_by);
    jw_ntext(w, "asked_name", e->asked_name);
    jw_nint(w, "asked_ms", e->asked_ms);
    jw_nint(w, "approved_by", e->approved_by);
    jw_ntext(w, "approved_name", e->approved_name);
    jw_nint(w, "approved_ms", e->approved_ms);
    jw_object_end(w);
    buf_char(w->out, '\n');
}

int erasure_export(struct cx *cx) {
    static const char *const states[] = {"approved", "done"};
    char path[600];
    struct buf b = buf_new(cx->mem, 4096, FILE_MAX_BYTES);
    int code = OK;
    for (size_t i = 0; i < 2; i++)
        for (int64_t after = 0; code == OK;) {
            struct erasure e;
            struct stmt *s = store_query(cx->db, Q_ledger_erasures_in, "zi", states[i], after);
            bool found = store_next(s);
            if (found) erasure_read(cx, s, &e);
            code = store_done(s, &cx->err);
            if (!found) break;
            struct jw w = jw_to(&b);
            line_write(&w, &e);
            after = e.id;
        }
    if (code == OK && b.over) return cx_fail(cx, ERR_no_memory, "", "erasures");
    snprintf(path, sizeof path, "%s/%s", cx->city->shared, ERASE_FILE);
    return code == OK ? file_write(path, buf_str(&b), 0600, &cx->err) : code;
}

int erase_resume(struct cx *cx) {
    for (;;) {
        int64_t id = 0;
        struct stmt *s = store_query(cx->db, Q_ledger_erasures_in, "zi", "approved", (int64_t)0);
        if (store_next(s)) id = store_int(s, 0);
        int code = store_done(s, &cx->err);
        if (code != OK || !id) return code;
        code = erasure_carry_out(cx, id);
        if (code != OK) return code;
    }
}

// --- after a restore ---
static int bring_line(struct cx *cx, struct json j) {
    int64_t n = 0, asked = 0, asked_ms = 0, approved = 0, approved_ms = 0;
    struct str code = json_text(json_get(j, S("code"))), reason = json_text(json_get(j, S("reason"))),
               law = json_text(json_get(j, S("law"))), entries = json_text(json_get(j, S("entries"))),
               asked_name = json_text(json_get(j, S("asked_name"))),
               approved_name = json_text(json_get(j, S("approved_name")));
    bool ok = json_int(json_get(j, S("entries_n")), &n) && json_int(json_get(j, S("asked_by")), &asked) &&
              json_int(json_get(j, S("asked_ms")), &asked_ms) &&
              json_int(json_get(j, S("approved_by")), &approved) &&
              json_int(json_get(j, S("approved_ms")), &approved_ms) && code.n == 32 && reason.p && law.p &&
              entries.p && asked_name.p && approved_name.p && n > 0 && n <= ERASE_ENTRIES_MAX;
    if (!ok)
        return cx_fail(cx, ERR_file, ERASE_REPLAY, "%.*s", (int)(code.n > 40 ? 40 : code.n),
                       code.p ? code.p : "");
    return store_exec(cx->db, NULL, &cx->err, Q_ledger_erasure_bring, "ssssiisiisi", code, reason, law,
                      entries, n, asked, asked_name, asked_ms, approved, approved_name, approved_ms);
}

// What the old folder had forgotten is taken in; and what this one knows it had forgotten is gone through again, since
// the backup may be older than its own list.
static int bring(struct cx *cx, void *arg) {
    struct str rest = *(const struct str *)arg;
    int code = store_exec(cx->db, NULL, &cx->err, Q_ledger_erasures_again, "");
    while (code == OK && rest.p && rest.n) {
        struct json j;
        struct str line = str_trim(str_cut(rest, '\n', &rest));
        if (!line.n) continue;
        code = json_parse(cx->mem, line, &j, &cx->err);
        if (code == OK) code = bring_line(cx, j);
    }
    return code;
}

int ledger_erase_replay(struct cx *cx, struct str lines) {
    int code = cx_write(cx, bring, &lines);
    return code == OK ? erase_resume(cx) : code;
}

int erase_start(struct cx *cx) {
    char path[600];
    struct str lines;
    snprintf(path, sizeof path, "%s/%s", cx->city->shared, ERASE_REPLAY);
    if (!file_exists(path)) return OK;
    struct arena mem;
    arena_init(&mem, FILE_MAX_BYTES + 65536);
    int code = file_read(&mem, path, FILE_MAX_BYTES, &lines, &cx->err);
    if (code == OK) code = ledger_erase_replay(cx, lines);
    arena_free(&mem);
    if (code == OK && unlink(path) != 0) code = cx_fail(cx, ERR_file, ERASE_REPLAY, "unlink");
    if (code == OK) log_line(LOG_INFO, "ledger", "erasures carried out again after a restore");
    return code;
}
