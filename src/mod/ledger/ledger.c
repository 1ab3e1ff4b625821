// SPDX-License-Identifier: MulanPSL-2.0
// The module's row, and its coming up: heads read into memory, hooks of core set. From then on every act and every
// exchange becomes an entry in the transaction it belongs to.
#include "mod/ledger/tree.h"

static int start(struct cx *cx) {
    struct city *city = cx->city;
    struct ledger_state *s = arena_take(&city->mem, sizeof *s);
    if (!s) return cx_fail(cx, ERR_no_memory, "", "ledger");
    city->mod[module_index("ledger")] = s;
    int code = tree_start(cx, s);
    if (code != OK) return code;
    city->on_note = tree_note;
    city->before_commit = tree_before_commit;
    city->after_commit = tree_after_commit;
    city->item_begin = tree_item_begin;
    city->item_undone = tree_item_undone;
    return OK;
}

const struct module ledger_module = {.name = "ledger", .start = start, .zh = "存证", .en = "ledger"};
