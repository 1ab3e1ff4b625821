// SPDX-License-Identifier: MulanPSL-2.0
// A witness policy (C2SP tlog-policy): which logs, which witnesses and where they are asked, and which of them together
// are enough. Plain text of the operator; read whole or not at all.
//
//   log <vkey> [<url>]
//   witness <name> <vkey> [<url>]              url: the submission prefix; <url>/add-checkpoint is asked
//   group <name> all|any|<k> <name>…
//   quorum <name>|none
#ifndef CRYPTO_POLICY_H
#define CRYPTO_POLICY_H
#include "crypto/sign.h"

#define POLICY_BYTES_MAX     ((size_t)1 << 18)
#define POLICY_LOGS_MAX      256
#define POLICY_WITNESSES_MAX 32
#define POLICY_GROUPS_MAX    32
#define POLICY_NAME_MAX      128

struct policy_log {
    struct str name, vkey, url;
    struct sign_key *key;
};
struct policy_witness {
    struct str label;           // of the policy file
    struct str name, vkey, url; // of the key; where it is asked, STR_NONE = nowhere
    struct sign_key *key;
};
struct policy_group {
    struct str label;
    int need;
    uint64_t members; // bits: witnesses from 0, groups from POLICY_WITNESSES_MAX
    int members_n;
};
struct policy {
    struct policy_log log[POLICY_LOGS_MAX];
    struct policy_witness witness[POLICY_WITNESSES_MAX];
    struct policy_group group[POLICY_GROUPS_MAX];
    int logs_n, witnesses_n, groups_n;
    int quorum; // member bit; -1 = none
    bool has_quorum;
    struct str quorum_label;
};
// Everything but the keys lies in mem; policy_close frees the keys. ERR_policy names the line in err.row.
// A file of known logs needs no quorum line.
int policy_read(struct arena *mem, struct str text, bool needs_quorum, struct policy **ret,
                struct err *e) MUST;
void policy_close(struct policy *p);
// Is the quorum reached when the witnesses of these bits have cosigned?
bool policy_holds(const struct policy *p, uint64_t witnesses);
#endif
