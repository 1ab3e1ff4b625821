// SPDX-License-Identifier: MulanPSL-2.0
// The module table: adding a module is one line here and one in rooms.txt. The order is the order of start, of
// pack loading and of hearing events: who and where, what is known, what is shared.
#include "app/app.h"
#include "mod/catalog/catalog.h"
#include "mod/exchange/exchange.h"
#include "mod/ledger/ledger.h"
#include "mod/people/people.h"

const struct module *const modules[] = {&app_module,     &people_module,   &ledger_module,
                                        &catalog_module, &exchange_module, NULL};
