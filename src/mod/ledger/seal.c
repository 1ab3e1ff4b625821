// SPDX-License-Identifier: MulanPSL-2.0
// Sealing: full bundles some way behind the end are packed and moved into one row each, so that the table under the
// writer's hand stays small and an old entry costs a quarter of its bytes. The packing is done here, off the writer;
// the writer only puts the row in and takes 256 out, a few bundles an item. Keeps true: an entry lies in one of the two
// places at every commit; what is dropped from the rows is what stands in the bundle, or the item fails.
#include "mod/ledger/entries.h"
#include <inttypes.h>

// Moved by one item of the commit queue: 2.6 ms of the writer. With 4, a writer that is never idle (each item waits for a
// batch of 50 ms) let 10,000 entries a second be sealed while 60,000 came.
#define ITEM_BUNDLES 12

struct sealing {
    int64_t n; // the first bundle
    int count;
    int64_t erased[ITEM_BUNDLES]; // entries of each that had been erased when it was read
    struct ledger_packed packed[ITEM_BUNDLES];
};

// Rows of the bundle that hold no salt (any more).
static int erased_now(struct cx *cx, int64_t n, int64_t *ret) {
    struct stmt *s =
        store_query(cx->db, Q_ledger_rows_erased, "ii", n * LEDGER_BUNDLE, (n + 1) * LEDGER_BUNDLE);
    *ret = store_next(s) ? store_int(s, 0) : 0;
    return store_done(s, &cx->err);
}

// What was packed before somebody was forgotten would bring him back: such a bundle is left for the next round.
static int put(struct cx *cx, void *arg) {
    const struct sealing *s = arg;
    int code = OK;
    for (int i = 0; i < s->count && code == OK; i++) {
        const struct ledger_packed *p = &s->packed[i];
        const int64_t n = s->n + i;
        int64_t dropped = 0, erased = 0;
        code = erased_now(cx, n, &erased);
        if (code == OK && erased != s->erased[i]) return OK;
        if (code == OK)
            code = store_exec(cx->db, &dropped, &cx->err, Q_ledger_rows_drop, "ii", n * LEDGER_BUNDLE,
                              (n + 1) * LEDGER_BUNDLE);
        if (code == OK && dropped != LEDGER_BUNDLE)
            code = cx_fail(cx, ERR_ledger_broken, "entry", "%" PRId64, n * LEDGER_BUNDLE);
        if (code == OK)
            code = store_exec(cx->db, NULL, &cx->err, Q_ledger_bundle_add, "ibbbb", n, p->leaves, p->salts,
                              p->details, (struct str){(const char *)p->digest, sizeof p->digest});
    }
    return code;
}

struct filling {
    struct ledger_bundle *to;
    struct arena *mem;
};

static int keep(void *arg, const struct ledger_entry *e) {
    struct filling *f = arg;
    const int64_t i = e->index % LEDGER_BUNDLE;
    f->to->leaf[i] = str_copy(f->mem, e->leaf);
    f->to->salt[i] = str_copy(f->mem, e->salt);
    f->to->detail[i] = str_copy(f->mem, e->detail);
    return OK;
}

static int pack_one(struct cx *cx, struct ledger_reader *r, struct arena *mem, int64_t n,
                    struct ledger_packed *ret, int64_t *ret_erased) {
    struct ledger_bundle *b = arena_take(mem, sizeof *b);
    struct filling f = {b, mem};
    int64_t next = 0;
    if (!b) return cx_fail(cx, ERR_no_memory, "", "bundle");
    int code = ledger_reader_each(r, n * LEDGER_BUNDLE, (n + 1) * LEDGER_BUNDLE, keep, &f, &next, &cx->err);
    if (code != OK) return code;
    if (next != (n + 1) * LEDGER_BUNDLE) return cx_fail(cx, ERR_ledger_broken, "entry", "%" PRId64, next);
    for (int i = 0; i < LEDGER_BUNDLE; i++)
        *ret_erased += !b->detail[i].p;
    return bundle_pack(mem, cx->hasher, b, ret) ? OK : cx_fail(cx, ERR_no_memory, "", "bundle");
}

static int first_row(struct cx *cx, int64_t *ret) {
    struct stmt *s = store_query(cx->db, Q_ledger_row_first, "");
    *ret = store_next(s) ? store_int(s, 0) : -1;
    return store_done(s, &cx->err);
}

int ledger_seal(struct cx *cx, int64_t bundles_max) {
    struct arena mem;
    struct ledger_reader r;
    int64_t first, size;
    int code = first_row(cx, &first);
    if (code != OK || first < 0) return code;
    code = ledger_end(cx, &size);
    if (code != OK) return code;
    if (first % LEDGER_BUNDLE) return cx_fail(cx, ERR_ledger_broken, "entry", "%" PRId64, first);
    int64_t n = first / LEDGER_BUNDLE, end = (size - LEDGER_SEAL_BEHIND) / LEDGER_BUNDLE;
    if (end > n + bundles_max) end = n + bundles_max;
    arena_init(&mem, 0);
    ledger_reader_init(&r, cx->db, NULL);
    while (code == OK && n < end) {
        struct sealing s = {.n = n};
        for (; code == OK && s.count < ITEM_BUNDLES && n < end; n++, s.count++)
            code = pack_one(cx, &r, &mem, n, &s.packed[s.count], &s.erased[s.count]);
        if (code == OK) code = cx_write(cx, put, &s);
        arena_reset(&mem);
    }
    ledger_reader_free(&r);
    arena_free(&mem);
    return code;
}
