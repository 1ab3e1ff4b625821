// SPDX-License-Identifier: MulanPSL-2.0
// Private to the ledger: with which keys and under which names it signs, now and before.
//
//   history   ledger_key: each key of each name with the sizes it may sign; ledger.vkey in the folder is its public face
//   rotation  an entry that the old keys signed; from the next size on the new ones sign
//   restore   a new origin; its first entry tells what the old one had signed last (keys_origin.c)
#ifndef LEDGER_KEYS_H
#define LEDGER_KEYS_H
#include "crypto/provider.h"
#include "mod/ledger/tree.h"

#define LEDGER_RESTORED  "restored.json" // lies in a folder that `gusu restore` filled, until the next start
#define KEYS_MAX         64              // rows of the history; a rotation a year for thirty years
#define KEYS_TEXT_MAX    ((size_t)65536)
#define KEYS_KIND_ROTATE "ledger.rotate"
#define KEYS_KIND_ORIGIN "ledger.origin"

struct key_row {
    int tree;
    struct str vkey;
    int64_t from_size, to_size, made_ms; // to_size -1: none set
};
extern const char *const key_labels[LEDGER_TREES]; // as the provider knows them
struct provider keys_provider(struct cx *cx);      // for the calling thread

int keys_start(struct cx *cx, struct ledger_state *s) MUST;    // names, keys; may find a rotation half done
int keys_restored(struct cx *cx, struct ledger_state *s) MUST; // the marker of a restore: a new origin
void keys_stop(struct ledger_state *s);
// On the writer: may the present keys sign this size under the present name, as the rows say? Another node may have
// rotated them, or taken another name.
int keys_may_sign(struct cx *cx, uint64_t size) MUST;
struct str keys_vkey(struct city *city, int tree);
// All rows, newest first; at most KEYS_MAX.
int keys_history(struct cx *cx, struct key_row **ret, int *ret_n) MUST;
// The history as text, the keys in force first: "VKEY [FROM-SIZE [TO-SIZE]]" a line. What `gusu verify` reads.
int keys_text(struct cx *cx, struct str *ret) MUST;
int keys_write_files(struct cx *cx, struct ledger_state *s) MUST; // ledger.vkey, witness.vkey
int keys_name(struct cx *cx, struct ledger_state *s, struct str origin, struct str witness) MUST;
int keys_show(struct cx *cx,
              struct ledger_state *s) MUST; // vkeys and the SM2 key as PEM, for those who serve them
extern const struct route ledger_key_routes[];
// Takes up keys that another node over the same database has rotated to.
int keys_follow(struct cx *cx) MUST;
#endif
