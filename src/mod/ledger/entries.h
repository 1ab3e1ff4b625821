// SPDX-License-Identifier: MulanPSL-2.0
// Reading entries wherever they lie: the newest in rows of ledger_entry, older ones sealed in bundles of 256. Nobody
// else asks those two tables. For the ledger's own files and for `gusu verify`; other modules use ledger_entry_get.
#ifndef LEDGER_ENTRIES_H
#define LEDGER_ENTRIES_H
#include "mod/ledger/ledger.h"

#define LEDGER_BUNDLE      ((int64_t)256)
#define LEDGER_DETAILS_MAX ((size_t)64 << 20) // of one bundle, unpacked

// One bundle, open: parts of entry 256 n + i at [i]. salt and detail STR_NONE once erased.
struct ledger_bundle {
    int64_t n; // -1: none
    struct str leaf[LEDGER_BUNDLE], salt[LEDGER_BUNDLE], detail[LEDGER_BUNDLE];
};
struct ledger_packed {
    struct str leaves, salts, details;
    uint8_t digest[HASH_BYTES];
};
bool bundle_pack(struct arena *mem, struct hasher *h, const struct ledger_bundle *b,
                 struct ledger_packed *ret) MUST; // false: no memory
// False when it is not what bundle_pack makes, to the byte. Without a hasher the digest is not looked at.
bool bundle_unpack(struct arena *mem, struct hasher *h, const struct ledger_packed *p,
                   struct ledger_bundle *ret) MUST;

// A reader for one thread and one connection. Keeps the bundle read last, so that walks in order are cheap.
struct ledger_reader {
    struct conn *db;
    struct hasher *hasher; // NULL: digests of bundles are not checked (leaves and commitments tell as well)
    struct arena mem;      // of the open bundle
    struct ledger_bundle *open;
};
void ledger_reader_init(struct ledger_reader *r, struct conn *db, struct hasher *h);
void ledger_reader_free(struct ledger_reader *r);
// Fills index, leaf, salt, detail; the texts live until the next call. *ret_found false beyond the end or in a hole.
// ERR_ledger_bundle when the bundle that should hold it cannot be read.
int ledger_reader_get(struct ledger_reader *r, int64_t index, struct ledger_entry *ret, bool *ret_found,
                      struct err *e) MUST;
// Each entry of [from, to) in order, until a hole, the end, or `see` returns anything but OK (passed up).
// *ret_next is the index after the last one seen.
int ledger_reader_each(struct ledger_reader *r, int64_t from, int64_t to,
                       int (*see)(void *arg, const struct ledger_entry *e), void *arg, int64_t *ret_next,
                       struct err *e) MUST;
// How many entries there are, in the snapshot of cx->db.
int ledger_end(struct cx *cx, int64_t *ret) MUST;
// On the writer: salt and detail of an entry are dropped, wherever it lies. The proofs stay.
int ledger_entry_erase(struct cx *cx, int64_t index) MUST;
// Sealing (seal.c): full bundles some way behind the end become one row each. Not on the writer.
#define LEDGER_SEAL_BEHIND 1024 // the newest entries stay rows: they are what is asked for most
int ledger_seal(struct cx *cx, int64_t bundles_max) MUST;
#endif
