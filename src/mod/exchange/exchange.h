// SPDX-License-Identifier: MulanPSL-2.0
// Exchange: who asked for what under which matter, who consented, what left. One application, one chain of steps
// with working-day clocks, one grant compiled to a filter, one key, calls that are each an entry of the ledger.
//
// Announces: application.moved (object = application), grant.made, grant.revoked (object = grant id).
#ifndef EXCHANGE_EXCHANGE_H
#define EXCHANGE_EXCHANGE_H
#include "core/module.h"
extern const struct module exchange_module;
#endif
