// SPDX-License-Identifier: MulanPSL-2.0
// What the ledger tells of itself at /metrics: how long it is, how far behind its signatures and its sealing are. All of
// it is of the durable state, so that a figure never runs ahead of what a restart would find.
#include "core/metrics.h"
#include "mod/ledger/entries.h"
#include "mod/ledger/tree.h"

// Entries that stand in sealed bundles; they are sealed in order.
static int64_t sealed(struct cx *cx) {
    struct stmt *s = store_query(cx->db, Q_ledger_bundle_last, "");
    int64_t n = store_next(s) ? (store_int(s, 0) + 1) * LEDGER_BUNDLE : 0;
    struct err ignore = {0};
    return store_done(s, &ignore) == OK ? n : 0;
}

void ledger_metrics(struct cx *cx, struct metrics *m) {
    struct ledger_state *s = ledger_state(cx->city);
    pthread_mutex_lock(&s->lock);
    const double size = (double)s->size, covered = (double)s->checkpoint.size;
    const int64_t made_ms = s->checkpoint.made_ms, seen_ms = s->witnessed.made_ms;
    const double seen = (double)s->witnessed.size;
    const bool is_behind = atomic_load(&s->is_behind);
    pthread_mutex_unlock(&s->lock);
    const double in_bundles = (double)sealed(cx), rows = size - in_bundles;
    metric(m, "gusu_ledger_entries_total", METRIC_COUNTER, "Entries of the ledger, durable.", size);
    metric(m, "gusu_ledger_checkpoint_entries", METRIC_GAUGE, "Entries under the newest signed checkpoint.",
           covered);
    metric(m, "gusu_ledger_unsigned_entries", METRIC_GAUGE, "Entries that no signed checkpoint covers yet.",
           size - covered);
    metric(m, "gusu_ledger_checkpoint_age_seconds", METRIC_GAUGE,
           "Since the newest checkpoint was signed; a quiet ledger signs none.",
           made_ms ? (double)(cx->now_ms - made_ms) / 1e3 : 0);
    metric(m, "gusu_ledger_unwitnessed_entries", METRIC_GAUGE,
           "Entries that the quorum of witnesses has not seen; all of them where none is configured.",
           size - seen);
    metric(m, "gusu_ledger_witnessed_age_seconds", METRIC_GAUGE,
           "Since the newest witnessed checkpoint was signed; 0 while there is none.",
           seen_ms ? (double)(cx->now_ms - seen_ms) / 1e3 : 0);
    metric(
        m, "gusu_ledger_is_behind", METRIC_GAUGE,
        "1 when a witness holds a later checkpoint of ours: nothing is signed (a restore forks otherwise).",
        is_behind);
    metric(m, "gusu_ledger_sealed_entries", METRIC_GAUGE, "Entries packed in bundles.", in_bundles);
    metric(m, "gusu_ledger_seal_backlog_entries", METRIC_GAUGE,
           "Entries that could be packed and are not yet.",
           rows > LEDGER_SEAL_BEHIND + LEDGER_BUNDLE ? rows - LEDGER_SEAL_BEHIND - LEDGER_BUNDLE : 0);
}
