// SPDX-License-Identifier: MulanPSL-2.0
// Private to the ledger: places in the log by time.
#ifndef LEDGER_SEARCH_H
#define LEDGER_SEARCH_H
#include "mod/ledger/ledger.h"
// The first entry before `end` whose hour is not before that of `ms`.
int search_at_hour(struct cx *cx, int64_t ms, int64_t end, int64_t *ret) MUST;
#endif
