// SPDX-License-Identifier: MulanPSL-2.0
// Private to core: writes the acts that a handler gathered (audit rows and entries).
#ifndef CORE_ACT_H
#define CORE_ACT_H
#include "core/city.h"
int act_flush(struct cx *cx) MUST;
#endif
