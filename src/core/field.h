// SPDX-License-Identifier: MulanPSL-2.0
// Reading a request against its route's field table (private to core, but for the query helpers that interfaces
// with open fields use).
#ifndef CORE_FIELD_H
#define CORE_FIELD_H
#include "core/city.h"
#define FIELD_QUERY_MAX 64          // parameters of one query
#define FIELD_BODY_MAX  (4 << 20)   // bytes of a JSON body, whatever its route allows
int field_read(struct cx *cx) MUST; // fills cx->in; all mistakes gathered in cx->field_errors
struct str field_query(struct cx *cx, const char *name); // any parameter, decoded; STR_NONE if absent
int field_each_query(struct cx *cx, int (*each)(struct cx *cx, struct str name, struct str value, void *arg),
                     void *arg) MUST;
bool field_decode(struct arena *mem, struct str s, bool plus_is_space, struct str *ret) MUST;
#endif
