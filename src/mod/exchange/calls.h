// SPDX-License-Identifier: MulanPSL-2.0
// The list of calls: what each grant took, in order. A projection of the ledger's entries that can be paged by grant.
// The newest are rows in the order of their entries, without another index, since the writer adds one for every call;
// older ones lie in runs, packed, a grant at a time (calls_seal.c). For exchange's own files and for `gusu verify`.
#ifndef EXCHANGE_CALLS_H
#define EXCHANGE_CALLS_H
#include "core/city.h"

#define CALLS_RUN_MAX 4096 // calls of one run: what listing a few of them has to unpack

struct call_row {
    int64_t grant, entry, key, time_ms, rows, bytes;
    int64_t status;   // 200 = answered here; of a proxied service what it said, 0 = sent, outcome unknown
    bool is_proxied;  // status came from a provider's service
    struct str salts; // of a reply about people: 16 bytes a row; STR_NONE
};
// The grant's calls before `before`, newest first, at most `most` into out; *ret_n tells how many.
int calls_of_grant(struct cx *cx, int64_t grant, int64_t before, int most, struct call_row *out,
                   int *ret_n) MUST;
// When the grant was used first; 0 = never.
int calls_first(struct cx *cx, int64_t grant, int64_t *ret_ms) MUST;
// Every call there is, in no order that matters. What `see` gets lives until it returns. ERR_exchange_run (with the
// grant and first entry in e->arg) when a run cannot be read: *ret_bad counts those passed over if it is not NULL.
int calls_each(struct conn *db, struct hasher *h, int (*see)(void *arg, const struct call_row *r), void *arg,
               void (*bad)(void *arg, int64_t grant, int64_t first_entry), struct err *e) MUST;
// On the writer: the salts of a call are dropped, wherever it lies (ledger_entry_erase does the entry's own).
int calls_erase_salts(struct cx *cx, int64_t grant, int64_t entry) MUST;

// --- runs (calls_run.c) ---
struct call_run {
    struct str packed, salts;
    uint8_t digest[HASH_BYTES]; // SHA-256 of both as they lie
};
bool call_run_pack(struct arena *mem, struct hasher *h, const struct call_row *rows, int n,
                   struct call_run *ret) MUST;
// rows has room for n; false when it is not what call_run_pack makes of n calls of this grant.
bool call_run_unpack(struct arena *mem, struct hasher *h, const struct call_run *run, int64_t grant, int n,
                     struct call_row *rows) MUST;
int calls_seal(struct cx *cx) MUST; // the job
#endif
