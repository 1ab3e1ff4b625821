// SPDX-License-Identifier: MulanPSL-2.0
// The ledger: one line for everything that happened, in two RFC 6962 trees (SHA-256, SM3) from entry 0. Others write
// through acts and notes (core/cx.h, core/city.h) and never call this module for writing.
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H
#include "core/city.h"

extern const struct module ledger_module;

#define LEDGER_LEAF_MAX 65535 // C2SP entry bundle: 16-bit length
#define LEDGER_SALT_BYTES 16

// The canonical leaf, version 1 (README.md draws it; a golden test holds it still): bytes may never change.
struct str ledger_leaf(struct arena *mem, struct hasher *h, const char *kind, int64_t time_ms, struct str clear,
                       const uint8_t salt[LEDGER_SALT_BYTES], struct str detail);
#endif
