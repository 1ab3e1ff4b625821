// SPDX-License-Identifier: MulanPSL-2.0
// The ledger: one line for everything that happened, in two RFC 6962 trees (SHA-256, SM3) from entry 0. Others write
// through acts and notes (core/cx.h, core/city.h) and never call this module for writing; to show what an entry says
// they ask here and judge themselves who may see it, or leave that to ledger_entry_may.
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H
#include "core/city.h"

extern const struct module ledger_module;

#define LEDGER_LEAF_MAX   65535 // C2SP entry bundle: 16-bit length
#define LEDGER_SALT_BYTES 16

// In the data folder, plain text of the operator (crypto/policy.h): who is asked to witness this city's log, and which
// logs this city witnesses.
#define LEDGER_POLICY_FILE "witness.policy"
#define LEDGER_LOGS_FILE   "witness.logs"

// First lines of a receipt: C2SP's for the SHA-256 tree, our own for the SM3 tree.
#define LEDGER_PROOF_SHA256 "c2sp.org/tlog-proof@v1"
#define LEDGER_PROOF_SM3    "gusu/tlog-proof-sm3@v1"

// An entry as it stands in the store. The private part (salt, detail) is STR_NONE once erased; the leaf stays.
struct ledger_entry {
    int64_t index, time_ms; // as the leaf shows it: rounded down to the hour unless the entry is a clear one
    struct str leaf;
    struct str kind, clear; // parts of the leaf; clear is STR_NONE when nothing is shown in public
    struct str salt, detail;
    uint8_t sha256[HASH_BYTES], sm3[HASH_BYTES]; // what the leaf commits to: H(salt ‖ detail)
};
// ERR_not_found (said) beyond the end; everything returned lives in cx->mem.
int ledger_entry_get(struct cx *cx, int64_t index, struct ledger_entry *ret) MUST;
// May who asks see salt and detail? The auditor, and the offices that the detail names: office, provider, actor_office.
bool ledger_entry_may(struct cx *cx, const struct ledger_entry *entry);

// Signs a checkpoint over entry `index` unless one covers it already. Not on the writer.
int ledger_cover(struct cx *cx, int64_t index) MUST;
// The `.tlog-proof` of an entry in one of the trees, under a checkpoint that covers it; salt and detail stand in it
// when cx->who may see them. Not on the writer.
int ledger_receipt(struct cx *cx, int64_t index, bool is_sm3, struct str *ret) MUST;
// What was forgotten is forgotten again: `lines` of an erasures.jsonl (may be empty) are taken in, then every erasure the
// store knows of is gone through once more. After a restore; not on the writer.
int ledger_erase_replay(struct cx *cx, struct str lines) MUST;
int ledger_public_keys(struct cx *cx, struct str *ret) MUST; // vkey lines by which receipts are checked

// New signing keys for both trees, announced by an entry that the old ones signed. Not on the writer.
int ledger_rotate(struct cx *cx) MUST;
// The tree goes on under a new name; its first entry tells the state of the old one (keys_origin.c says when and why).
// `known`: the newest checkpoint seen of the old name, STR_NONE = the store's own. At start only, before signing.
int ledger_reorigin(struct cx *cx, const char *reason, struct str known, bool keeps_name) MUST;

// The canonical leaf, version 1 (README.md draws it; a golden test holds it still): bytes may never change.
// STR_NONE when a part is not fit for it: a kind with a space, a clear part of several lines, more than the maximum.
struct str ledger_leaf(struct arena *mem, struct hasher *h, const char *kind, int64_t time_ms,
                       struct str clear, const uint8_t salt[LEDGER_SALT_BYTES], struct str detail);
// Reads what ledger_leaf wrote, strictly: any other text is refused. Fills leaf, kind, clear, time and commitments,
// pointing into `leaf`.
bool ledger_leaf_read(struct str leaf, struct ledger_entry *ret) MUST;
// Do salt and detail open the commitments? (True as well when both are erased: then there is nothing to hold.)
bool ledger_leaf_opens(struct hasher *h, const struct ledger_entry *entry) MUST;

// What is wrong with an entry as it lies in the store, by itself; 0: nothing. Fills what the leaf tells, and the detail
// (in `row`) when it can be read.
enum ledger_wrong {
    LEDGER_WRONG_LEAF = 1,       // malformed
    LEDGER_WRONG_COMMITMENT = 2, // salt and detail do not open it
    LEDGER_WRONG_DETAIL = 4,     // no JSON object
    LEDGER_WRONG_KIND = 8,       // the leaf shows another kind, time, clear part than the detail
    LEDGER_WRONG_TIME = 16,
    LEDGER_WRONG_CLEAR = 32
};
unsigned ledger_entry_wrong(struct hasher *h, struct arena *row, struct ledger_entry *e,
                            struct json *ret_detail) MUST;
// Does an audit row say what its entry's detail says, column by column? The row stands in `s` in the columns of the
// queries verify_acts and ledger_act_next.
bool ledger_act_fits(struct arena *row, struct stmt *s, struct str detail) MUST;
#endif
