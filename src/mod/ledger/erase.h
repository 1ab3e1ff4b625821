// SPDX-License-Identifier: MulanPSL-2.0
// Private to the ledger: erasures, as the table keeps them, and their carrying out.
#ifndef LEDGER_ERASE_H
#define LEDGER_ERASE_H
#include "mod/ledger/ledger.h"

#define ERASE_ENTRIES_MAX 1000    // of one erasure
#define ERASE_SCAN_MAX    5000000 // entries looked through for one
#define ERASE_TEXTS_MAX   20
#define ERASE_TEXT_MAX    200
#define ERASE_SLICE       4 // entries of one item of the commit queue: a sealed one has its bundle packed anew
#define ERASE_FILE        "erasures.jsonl"        // always current: what a restore of an older backup needs
#define ERASE_REPLAY      "erasures-replay.jsonl" // laid there by a restore

struct erasure {
    int64_t id, entries_n, done_n, asked_by, asked_ms, approved_by, approved_ms;
    bool asked_is_auditor;
    struct str code, state, reason, law, entries, asked_name, asked_office, approved_name;
};
void erasure_read(struct cx *cx, struct stmt *s, struct erasure *ret);
int erasure_get(struct cx *cx, int64_t id, struct erasure *ret) MUST;
// Carries out what is approved, in slices; then writes the file. Not on the writer.
int erasure_carry_out(struct cx *cx, int64_t id) MUST;
int erasure_export(struct cx *cx) MUST;
// At start: what a restore brought is taken in and carried out before anybody can ask.
int erase_start(struct cx *cx) MUST;
int erase_resume(struct cx *cx) MUST; // the job: what a stop interrupted
extern const struct route ledger_erase_routes[];
#endif
