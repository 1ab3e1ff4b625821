// SPDX-License-Identifier: MulanPSL-2.0
// Reading the list of calls out of both places it lies in: rows behind the mark of sealing, runs before it. Keeps true: the
// mark decides, so that a row which sealing has copied and not yet dropped, or a run it has written and not yet published,
// is not seen twice.
#include "mod/exchange/calls.h"
#include <assert.h>
#include <inttypes.h>

#define RUN_MEMORY ((size_t)256 << 20)

static struct call_row of_row(struct stmt *s, struct arena *mem) {
    bool is_proxied = !store_is_null(s, 6);
    return (struct call_row){.grant = store_int(s, 0),
                             .entry = store_int(s, 1),
                             .key = store_int(s, 2),
                             .time_ms = store_int(s, 3),
                             .rows = store_int(s, 4),
                             .bytes = store_int(s, 5),
                             .is_proxied = is_proxied,
                             .status = is_proxied ? store_int(s, 6) : 200,
                             .salts = store_str(s, 7, mem)};
}

static int sealed_before(struct conn *db, int64_t *ret, struct err *e) {
    struct stmt *s = store_query(db, Q_exchange_sealed_get, "");
    *ret = store_next(s) ? store_int(s, 0) : 0;
    return store_done(s, e);
}

// The run under the cursor: calls, packed, salts, digest, first_entry. NULL (said) when it cannot be read.
static struct call_row *open_run(struct stmt *s, struct hasher *h, struct arena *mem, int64_t grant,
                                 int *ret_n, struct err *e) {
    int64_t n = store_int(s, 0);
    struct str digest = store_str(s, 3, NULL);
    struct call_run run = {.packed = store_str(s, 1, NULL), .salts = store_str(s, 2, mem)};
    struct call_row *rows = n > 0 && n <= CALLS_RUN_MAX ? arena_array(mem, (size_t)n, sizeof *rows) : NULL;
    bool is_good = rows && digest.n == HASH_BYTES;
    if (is_good) memcpy(run.digest, digest.p, HASH_BYTES);
    *ret_n = (int)n;
    if (is_good && call_run_unpack(mem, h, &run, grant, (int)n, rows)) return rows;
    (void)err_set(e, mem->failed ? ERR_no_memory : ERR_exchange_run, "grant", "%" PRId64 " / %" PRId64, grant,
                  store_int(s, 4));
    return NULL;
}

// Newest first, out of runs that begin before `before`.
static int of_runs(struct cx *cx, int64_t grant, int64_t before, int most, struct call_row *out, int *n) {
    struct stmt *s = store_query(cx->db, Q_exchange_runs_of, "ii", grant, before);
    int code = OK;
    while (code == OK && *n < most && store_next(s)) {
        int have;
        struct call_row *rows = open_run(s, cx->hasher, cx->mem, grant, &have, &cx->err);
        if (!rows) code = cx->err.code;
        for (int i = have - 1; rows && i >= 0 && *n < most; i--)
            if (rows[i].entry < before) out[(*n)++] = rows[i];
    }
    int end = store_done(s, &cx->err);
    return code != OK ? code : end;
}

int calls_of_grant(struct cx *cx, int64_t grant, int64_t before, int most, struct call_row *out, int *ret_n) {
    int64_t mark;
    int n = 0, code = sealed_before(cx->db, &mark, &cx->err);
    if (code != OK) return code;
    struct stmt *s = store_query(cx->db, Q_exchange_calls_of, "iiii", grant, mark, before, (int64_t)most);
    while (n < most && store_next(s))
        out[n++] = of_row(s, cx->mem);
    code = store_done(s, &cx->err);
    if (code == OK && n < most) code = of_runs(cx, grant, before < mark ? before : mark, most, out, &n);
    *ret_n = n;
    return code;
}

int calls_first(struct cx *cx, int64_t grant, int64_t *ret_ms) {
    int64_t mark;
    int n = 0, code = sealed_before(cx->db, &mark, &cx->err);
    *ret_ms = 0;
    if (code != OK) return code;
    struct stmt *s = store_query(cx->db, Q_exchange_run_first, "ii", grant, mark);
    struct call_row *rows = NULL;
    bool found = store_next(s);
    if (found) rows = open_run(s, cx->hasher, cx->mem, grant, &n, &cx->err);
    code = store_done(s, &cx->err);
    if (code != OK || (found && !rows)) return code != OK ? code : (int)cx->err.code;
    if (rows) {
        *ret_ms = rows[0].time_ms;
        return OK;
    }
    s = store_query(cx->db, Q_exchange_call_oldest, "ii", grant, mark);
    if (store_next(s)) *ret_ms = store_int(s, 0);
    return store_done(s, &cx->err);
}

int calls_each(struct conn *db, struct hasher *h, int (*see)(void *arg, const struct call_row *r), void *arg,
               void (*bad)(void *arg, int64_t grant, int64_t first_entry), struct err *e) {
    struct arena mem;
    int64_t mark;
    int code = sealed_before(db, &mark, e);
    if (code != OK) return code;
    arena_init(&mem, RUN_MEMORY);
    struct stmt *s = store_query(db, Q_exchange_runs_all, "i", mark);
    while (code == OK && store_next(s)) {
        int n;
        struct err why = {0};
        struct call_row *rows = open_run(s, h, &mem, store_int(s, 5), &n, &why);
        for (int i = 0; rows && i < n && code == OK; i++)
            code = see(arg, &rows[i]);
        if (!rows && why.code == ERR_exchange_run && bad)
            bad(arg, store_int(s, 5), store_int(s, 4));
        else if (!rows) {
            *e = why;
            code = why.code;
        }
        arena_reset(&mem);
    }
    int end = store_done(s, e);
    if (code == OK) code = end;
    s = store_query(db, Q_exchange_calls_from, "i", mark);
    while (code == OK && store_next(s)) {
        struct call_row one = of_row(s, NULL);
        code = see(arg, &one);
    }
    end = store_done(s, e);
    arena_free(&mem);
    return code != OK ? code : end;
}

static int erase_in_run(struct cx *cx, int64_t grant, int64_t entry) {
    int n = 0, code;
    struct call_run run;
    bool found = false;
    struct stmt *s = store_query(cx->db, Q_exchange_run_holding, "ii", grant, entry);
    struct call_row *rows = store_next(s) ? open_run(s, cx->hasher, cx->mem, grant, &n, &cx->err) : NULL;
    int64_t first = rows ? store_int(s, 4) : 0;
    code = store_done(s, &cx->err);
    if (code == OK && cx->err.code != OK) code = cx->err.code;
    for (int i = 0; i < n && rows; i++)
        if (rows[i].entry == entry) {
            rows[i].salts = STR_NONE;
            found = true;
        }
    if (code != OK || !found)
        return code != OK ? code : cx_fail(cx, ERR_not_found, "entry", "%" PRId64, entry);
    if (!call_run_pack(cx->mem, cx->hasher, rows, n, &run)) return cx_fail(cx, ERR_no_memory, "", "run");
    return store_exec(cx->db, NULL, &cx->err, Q_exchange_run_change, "iibbb", grant, first, run.salts,
                      run.packed, (struct str){(const char *)run.digest, sizeof run.digest});
}

int calls_erase_salts(struct cx *cx, int64_t grant, int64_t entry) {
    int64_t mark, changed = 0;
    assert(cx->is_writer);
    int code = sealed_before(cx->db, &mark, &cx->err);
    // A row may lie there still, copied and not yet dropped: it forgets as well.
    if (code == OK) code = store_exec(cx->db, &changed, &cx->err, Q_exchange_call_forget, "ii", grant, entry);
    if (code == OK) code = store_exec(cx->db, NULL, &cx->err, Q_exchange_sealed_erased, "");
    if (code != OK || entry >= mark)
        return code != OK || changed ? code : cx_fail(cx, ERR_not_found, "entry", "%" PRId64, entry);
    return erase_in_run(cx, grant, entry);
}
