// SPDX-License-Identifier: MulanPSL-2.0
// What the ledger reads back: entries, and the hashes of perfect subtrees. Keeps true: a subtree of less than 256
// leaves is worked out from its leaves, a greater one is read, so no proof reads more than two blocks of leaves.
#include "mod/ledger/tree.h"
#include <inttypes.h>

int ledger_entry_get(struct cx *cx, int64_t index, struct ledger_entry *ret) {
    struct ledger_entry e = {.index = index};
    struct stmt *s = store_query(cx->db, Q_ledger_entry_get, "i", index);
    bool found = store_next(s);
    if (found) {
        e.leaf = store_str(s, 0, cx->mem);
        e.salt = store_str(s, 1, cx->mem);
        e.detail = store_str(s, 2, cx->mem);
    }
    int code = store_done(s, &cx->err);
    if (code != OK) return code;
    if (!found) return cx_fail(cx, ERR_not_found, "entry", "%" PRId64, index);
    if (!ledger_leaf_read(e.leaf, &e)) return cx_fail(cx, ERR_store, "entry", "%" PRId64, index);
    *ret = e;
    return OK;
}

static bool names_office(struct json detail, const char *name, struct str office) {
    struct str one = json_text(json_get(detail, str_of(name)));
    return one.n && str_eq(one, office);
}

bool ledger_entry_may(struct cx *cx, const struct ledger_entry *e) {
    struct json detail;
    struct err ignore = {0};
    if (!e->detail.p) return false;
    if (cx_is(cx, R_(AUDITOR))) return true;
    if (!cx_is(cx, R_LOGIN) || !cx->who.office.n) return false;
    if (json_parse(cx->mem, e->detail, &detail, &ignore) != OK) return false;
    return names_office(detail, "office", cx->who.office) ||
           names_office(detail, "provider", cx->who.office) ||
           names_office(detail, "actor_office", cx->who.office);
}
