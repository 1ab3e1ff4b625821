// SPDX-License-Identifier: MulanPSL-2.0
// Private to the ledger: the self-audit's state and its steps.
#ifndef LEDGER_AUDIT_H
#define LEDGER_AUDIT_H
#include "mod/ledger/tree.h"

#define AUDIT_SLICE_US   50000 // of each second while a round runs: a twentieth of one core
#define AUDIT_FAULTS_MAX 20    // told; all are counted
#define AUDIT_NIGHT_FROM 1     // o'clock, local: rounds begin and go on between these
#define AUDIT_NIGHT_TO   6
#define AUDIT_REST_MS    ((int64_t)20 * 3600000) // between the end of one round and the next

struct audit {
    int64_t started_ms, at, size, act_id, faults_n, done_ms, done_size, done_faults, alarm_ms, alarm_n;
    struct str faults, alarm; // JSON arrays of {"what","index","where"}
    uint8_t root[LEDGER_TREES][HASH_BYTES];
    struct merkle tree[LEDGER_TREES]; // of [0, at); at is a multiple of 256 but at the end of a round
};
int audit_read(struct cx *cx, struct audit *ret) MUST;
int audit_begin(struct cx *cx) MUST; // a round from the first entry to the checkpoint
int audit_slice(struct cx *cx, int64_t budget_us, bool *ret_more) MUST; // goes on with it
int audit_run(struct cx *cx) MUST;                                      // the job
void audit_write(struct cx *cx, const struct audit *a, bool with_faults);
extern const struct route ledger_audit_routes[];
#endif
