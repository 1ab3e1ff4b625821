// SPDX-License-Identifier: MulanPSL-2.0
// The module's row, and its coming up: heads read into memory, hooks of core set, the checkpoint signed. From then on
// every act and every exchange becomes an entry in the transaction it belongs to.
#include "mod/ledger/audit.h"
#include "mod/ledger/erase.h"
#include "mod/ledger/keys.h"
#include "mod/ledger/witness.h"

static const struct batch_hooks hooks = {.before_commit = tree_before_commit,
                                         .after_commit = tree_after_commit,
                                         .before_sync = tree_before_sync,
                                         .after_sync = tree_after_sync,
                                         .item_begin = tree_item_begin,
                                         .item_undone = tree_item_undone,
                                         .moved = tree_moved};

static int start(struct cx *cx) {
    struct city *city = cx->city;
    struct ledger_state *s = arena_take(&city->mem, sizeof *s);
    if (!s) return cx_fail(cx, ERR_no_memory, "", "ledger");
    city->mod[module_index("ledger")] = s;
    store_read_begin(
        cx->db); // heads, rows and the newest checkpoint fit only as of one moment: other nodes write on
    int code = tree_start(cx, s);
    if (code == OK) code = checkpoint_read_newest(cx, s);
    store_read_end(cx->db);
    if (code != OK) return code;
    city->on_note = tree_note;
    city->prepare_notes = ledger_prepare;
    city_hook(city, &hooks);
    code = checkpoint_start(cx, s);
    return code == OK ? erase_start(cx) : code;
}

static void stop(struct city *city) {
    struct ledger_state *s = ledger_state(city);
    if (s) checkpoint_stop(s);
}

static const struct route *const tables[] = {ledger_routes,       ledger_search_routes,  ledger_block_routes,
                                             ledger_erase_routes, ledger_audit_routes,   ledger_tile_routes,
                                             ledger_key_routes,   ledger_witness_routes, NULL};
const struct module ledger_module = {.name = "ledger",
                                     .route_tables = tables,
                                     .jobs = ledger_jobs,
                                     .start = start,
                                     .stop = stop,
                                     .metrics = ledger_metrics,
                                     .zh = "存证",
                                     .en = "ledger"};
