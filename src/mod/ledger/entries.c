// SPDX-License-Identifier: MulanPSL-2.0
// Entries out of both places they can lie in: rows (the newest) and sealed bundles. Keeps true: an index is in exactly
// one of them, since sealing moves a bundle in one transaction; without a snapshot a reader may see the move between
// two queries, so it asks the rows first and the bundle after, and a walk asks again where it stopped.
#include "mod/ledger/entries.h"
#include "mod/ledger/tree.h"
#include <inttypes.h>

// Of one open bundle: leaves and details as they may be at most.
#define BUNDLE_MEMORY_MAX (LEDGER_DETAILS_MAX + ((size_t)40 << 20))

void ledger_reader_init(struct ledger_reader *r, struct conn *db, struct hasher *h) {
    *r = (struct ledger_reader){.db = db, .hasher = h};
    arena_init(&r->mem, BUNDLE_MEMORY_MAX);
}

void ledger_reader_free(struct ledger_reader *r) {
    arena_free(&r->mem);
    r->open = NULL;
}

static int damaged(struct err *e, int64_t n) {
    return err_set(e, ERR_ledger_bundle, "entry", "%" PRId64 "–%" PRId64, n * LEDGER_BUNDLE,
                   (n + 1) * LEDGER_BUNDLE - 1);
}

// Opens bundle n, unless it is open. *ret_found false when there is none.
static int open_bundle(struct ledger_reader *r, int64_t n, bool *ret_found, struct err *e) {
    *ret_found = r->open && r->open->n == n;
    if (*ret_found) return OK;
    r->open = NULL;
    arena_reset(&r->mem);
    struct stmt *s = store_query(r->db, Q_ledger_bundle_get, "i", n);
    struct ledger_packed p = {0};
    bool is_whole = false;
    if (store_next(s)) {
        *ret_found = true;
        struct str digest = store_str(s, 3, NULL);
        p = (struct ledger_packed){
            store_str(s, 0, NULL), store_str(s, 1, &r->mem), store_str(s, 2, NULL), {0}};
        if (digest.n == HASH_BYTES) memcpy(p.digest, digest.p, HASH_BYTES);
        struct ledger_bundle *b = arena_take(&r->mem, sizeof *b);
        is_whole = b && digest.n == HASH_BYTES && bundle_unpack(&r->mem, r->hasher, &p, b);
        if (is_whole) {
            b->n = n;
            r->open = b;
        }
    }
    int code = store_done(s, e);
    if (code != OK || !*ret_found || is_whole) return code;
    return r->mem.failed ? err_set(e, ERR_no_memory, "", "bundle") : damaged(e, n);
}

static void of_bundle(const struct ledger_bundle *b, int64_t index, struct ledger_entry *ret) {
    const int64_t i = index % LEDGER_BUNDLE;
    *ret =
        (struct ledger_entry){.index = index, .leaf = b->leaf[i], .salt = b->salt[i], .detail = b->detail[i]};
}

static struct ledger_entry of_row(struct stmt *s, struct arena *mem) {
    return (struct ledger_entry){.index = store_int(s, 0),
                                 .leaf = store_str(s, 1, mem),
                                 .salt = store_str(s, 2, mem),
                                 .detail = store_str(s, 3, mem)};
}

int ledger_reader_get(struct ledger_reader *r, int64_t index, struct ledger_entry *ret, bool *ret_found,
                      struct err *e) {
    const int64_t n = index / LEDGER_BUNDLE;
    *ret_found = false;
    if (index < 0) return OK;
    if (!r->open || r->open->n != n) {
        struct arena *mem = &r->mem; // nothing of an open bundle outlives this call
        r->open = NULL;
        arena_reset(mem);
        struct stmt *s = store_query(r->db, Q_ledger_rows_from, "ii", index, index + 1);
        *ret_found = store_next(s);
        if (*ret_found) *ret = of_row(s, mem);
        int code = store_done(s, e);
        if (code != OK || *ret_found) return code;
        code = open_bundle(r, n, ret_found, e);
        if (code != OK || !*ret_found) return code;
    }
    of_bundle(r->open, index, ret);
    *ret_found = true;
    return OK;
}

// Rows from *at on, as far as they follow each other.
static int each_row(struct ledger_reader *r, int64_t to, int (*see)(void *arg, const struct ledger_entry *e),
                    void *arg, int64_t *at, struct err *e) {
    struct stmt *s = store_query(r->db, Q_ledger_rows_from, "ii", *at, to);
    int code = OK;
    while (code == OK && store_next(s) && store_int(s, 0) == *at) {
        struct ledger_entry one = of_row(s, NULL);
        code = see(arg, &one);
        ++*at;
    }
    int end = store_done(s, e);
    return code != OK ? code : end;
}

int ledger_reader_each(struct ledger_reader *r, int64_t from, int64_t to,
                       int (*see)(void *arg, const struct ledger_entry *e), void *arg, int64_t *ret_next,
                       struct err *e) {
    int64_t at = from;
    int code = OK;
    for (bool is_again = false; code == OK && at < to;) {
        bool found = false;
        const int64_t before = at, n = at / LEDGER_BUNDLE;
        code = open_bundle(r, n, &found, e);
        for (int64_t end = (n + 1) * LEDGER_BUNDLE; found && code == OK && at < to && at < end; at++) {
            struct ledger_entry one;
            of_bundle(r->open, at, &one);
            code = see(arg, &one);
        }
        if (code == OK && !found) code = each_row(r, to, see, arg, &at, e);
        // Nothing in either: sealed between the two questions, or there is nothing. A second look tells.
        if (at == before && is_again) break;
        is_again = at == before;
    }
    *ret_next = at;
    return code;
}

// As the store says it, not as this process's memory: another node may have moved the end.
int ledger_end(struct cx *cx, int64_t *ret) {
    struct stmt *s = store_query(cx->db, Q_ledger_head_get, "i", (int64_t)LEDGER_TREE_SHA256);
    *ret = store_next(s) ? store_int(s, 0) : 0;
    return store_done(s, &cx->err);
}

int ledger_entry_get(struct cx *cx, int64_t index, struct ledger_entry *ret) {
    struct ledger_reader r;
    struct ledger_entry e = {.index = index};
    bool found;
    ledger_reader_init(&r, cx->db, NULL);
    int code = ledger_reader_get(&r, index, &e, &found, &cx->err);
    if (code == OK && found) {
        e.leaf = str_copy(cx->mem, e.leaf);
        e.salt = str_copy(cx->mem, e.salt);
        e.detail = str_copy(cx->mem, e.detail);
    }
    ledger_reader_free(&r);
    if (code != OK) return code;
    if (!found) return cx_fail(cx, ERR_not_found, "entry", "%" PRId64, index);
    if (!ledger_leaf_read(e.leaf, &e)) return cx_fail(cx, ERR_store, "entry", "%" PRId64, index);
    *ret = e;
    return OK;
}

static int erase_sealed(struct cx *cx, int64_t index) {
    struct ledger_reader r;
    struct ledger_packed p;
    const int64_t n = index / LEDGER_BUNDLE, i = index % LEDGER_BUNDLE;
    bool found;
    ledger_reader_init(&r, cx->db, cx->hasher);
    int code = open_bundle(&r, n, &found, &cx->err);
    if (code == OK && !found) code = cx_fail(cx, ERR_not_found, "entry", "%" PRId64, index);
    if (code == OK) {
        r.open->salt[i] = r.open->detail[i] = STR_NONE;
        if (!bundle_pack(&r.mem, cx->hasher, r.open, &p)) code = cx_fail(cx, ERR_no_memory, "", "bundle");
    }
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_ledger_bundle_change, "ibbb", n, p.salts, p.details,
                          (struct str){(const char *)p.digest, sizeof p.digest});
    ledger_reader_free(&r);
    return code;
}

int ledger_entry_erase(struct cx *cx, int64_t index) {
    int64_t changed = 0;
    int code = store_exec(cx->db, &changed, &cx->err, Q_ledger_row_erase, "i", index);
    return code != OK || changed ? code : erase_sealed(cx, index);
}
