// SPDX-License-Identifier: MulanPSL-2.0
// Core's own interfaces: health, errors, the OpenAPI document, the audit log; and the walk over all route rows that
// they (and tests, and `gusu api`) use.
#ifndef CORE_SELF_H
#define CORE_SELF_H
#include "core/city.h"
extern const struct route core_routes[];
int index_count(void);
const struct route *index_route(int i);
struct str index_verbs(struct arena *mem,
                       struct str path); // "GET, POST": what a path is open to (header Allow)
int openapi_write(struct cx *cx);        // the whole document into cx->w
#endif
