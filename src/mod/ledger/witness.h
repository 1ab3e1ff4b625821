// SPDX-License-Identifier: MulanPSL-2.0
// Private to the ledger: both sides of witnessing (C2SP tlog-witness). Cities that witness one another are what others
// call a government blockchain: no city can show two people two histories without some witness holding the proof, and
// nobody waits for anybody: a witness that is away leaves entries "not yet witnessed", it never stops a write.
//
//   witness.c         /ledger/witness/…: this city cosigns the logs named in witness.logs
//   witness_client.c  each new checkpoint goes to the witnesses of witness.policy, on a thread of its own
//   witness_seen.c    what came back: stored, served under the checkpoint, "witnessed" when the quorum holds
#ifndef LEDGER_WITNESS_H
#define LEDGER_WITNESS_H
#include "crypto/policy.h"
#include "mod/ledger/tree.h"

#define WITNESS_PROOF_MAX       63    // hashes, as the protocol says
#define WITNESS_BODY_MAX        65536 // of add-checkpoint, and of an answer
#define WITNESS_TIMEOUT_MS      4000  // one question
#define WITNESS_ASK_MS          20000 // all of them together, at the start after a restore
#define WITNESS_BACK_OFF_MS     1000  // after a failure, doubled with each further one
#define WITNESS_BACK_OFF_MAX_MS 300000

struct witness_peer { // one line of the policy
    uint64_t size;    // what it holds of our log, as far as known
    int64_t next_ms;  // not asked before
    int64_t told_ms;  // of its last cosignature
    int failures;     // in a row
    char problem[96];
};
struct witness_client {
    struct city *city;
    pthread_t thread;
    bool is_up, is_woken, stop; // under lock
    pthread_mutex_t lock;       // and for policy and peers as others read them
    pthread_cond_t wake;
    struct arena mem; // of the policy
    struct policy *policy;
    int64_t policy_ns, policy_bytes, policy_inode; // of the file that was read
    struct witness_peer peer[POLICY_WITNESSES_MAX];
    // The checkpoint that is going round: who has answered to it.
    uint64_t round_size, answered;
    struct str line[POLICY_WITNESSES_MAX]; // in round_mem
    struct arena round_mem;
};

int witness_start(struct cx *cx, struct ledger_state *s) MUST; // what was witnessed before
void witness_stop(struct ledger_state *s);
int witness_wake(struct cx *cx);       // the job: wakes the thread, which is made when there is a policy
int witness_round(struct cx *cx) MUST; // the thread's work, once; tests call it
int witness_policy(struct cx *cx, struct witness_client *w) MUST; // reads the file again when it changed
void witness_state_write(struct cx *cx);                          // members of /api/v1/ledger

// witness_seen.c: keeps what the round brought; the newest quorate checkpoint back into memory.
int witness_keep(struct cx *cx, struct witness_client *w, const struct checkpoint *c) MUST;
int witness_recall(struct cx *cx, struct witness_client *w) MUST;
int witness_follow(struct cx *cx, struct witness_client *w) MUST; // of several nodes one asks, all tell

// At the start after a restore: what do the witnesses hold of this log?
struct witness_word {
    struct str newest; // the greatest checkpoint that any of them showed, STR_NONE = none
    bool
        is_vouched; // all answered, none holds more than is here, and the quorum stands at our newest checkpoint
};
int witness_ask(struct cx *cx, struct ledger_state *s, struct witness_word *ret) MUST;
// The read side of witness i: its checkpoint of our log, good under its key. ERR_not_found: it never saw the log.
int witness_fetch(struct cx *cx, const struct policy_witness *w, struct str *ret_note) MUST;
// Is it signed by a key that this log ever had under its present name?
bool witness_is_ours(struct cx *cx, struct str note, uint64_t *ret_size, uint8_t root[HASH_BYTES]);
struct str witness_origin_hash(struct cx *cx, struct str origin); // hex

extern const struct route ledger_witness_routes[];
#endif
