// SPDX-License-Identifier: MulanPSL-2.0
// A module: one row of the module table in app/modules.c. Everything core calls a module for stands here.
#ifndef CORE_MODULE_H
#define CORE_MODULE_H
#include "core/cx.h"

struct pack;    // core/pack.h
struct metrics; // core/metrics.h

struct job { // wakes by itself; runs on a worker with a reader cx (no actor); writes through cx_write
    const char *name;
    int every_s;
    int (*run)(struct cx *cx);
    const char *zh, *en;
    bool
        is_anytime; // ends nothing by date: goes on while a clock that has jumped is not believed (app/clock_trust.h)
    bool
        is_everywhere; // of several nodes each runs it: it only looks after what this process remembers (core/node.h)
};
struct module {
    const char *name;
    const struct route *const *route_tables; // NULL-ended list of arrays, each ending with verb NULL
    const struct job *jobs;                  // ends with name NULL; may be NULL
    // Subscribers: called inside the transaction of the announcer. May be NULL.
    int (*on_event)(struct cx *cx, const char *event, struct str object, struct str office);
    // Pack loading, in module-table order. check: reads and judges the files, reports every mistake through
    // pack_mistake (file, line); stage: slices outside the final transaction; publish: inside the one final transaction.
    int (*pack_check)(struct cx *cx, struct pack *p);
    int (*pack_stage)(struct cx *cx, struct pack *p);
    int (*pack_publish)(struct cx *cx, struct pack *p);
    // Once at start, after migration, before the first request; may fill read-only tables in city.
    int (*start)(struct cx *cx);
    void (*stop)(struct city *city); // frees what start made outside the city's arena; the writer still runs
    const char *zh, *en;
    void (*metrics)(struct cx *cx,
                    struct metrics *m); // for /metrics, a reader's cx; may be NULL: core/metrics.h
};
extern const struct module *const modules[]; // ends with NULL; defined in app/modules.c

#endif
