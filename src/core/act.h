// SPDX-License-Identifier: MulanPSL-2.0
// Private to core: what its files do for each other on the writer. The acts that a handler gathered become audit rows
// and entries; a call that answers by itself, after its writes, has its Idempotency-Key kept in the first of them.
#ifndef CORE_ACT_H
#define CORE_ACT_H
#include "core/city.h"
int act_flush(struct cx *cx) MUST;
int call_keep_key(struct cx *cx) MUST; // ERR_done_already: this was done before
int call_judge_again(struct cx *cx) MUST;
#endif
