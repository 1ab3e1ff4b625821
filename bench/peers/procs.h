// SPDX-License-Identifier: MulanPSL-2.0
// Processor time of the servers that are compared: each is several processes, and one makes new ones while it is measured.
#ifndef BENCH_PEERS_PROCS_H
#define BENCH_PEERS_PROCS_H
#include <stdbool.h>

#define PROCS_ROOTS_MAX 16
#define PROCS_MAX                                                                                            \
    4096 // processes of the machine that are looked at; more than that and the figure is refused

struct procs {
    int root[PROCS_ROOTS_MAX];
    int n;
};
// "12,345": false on anything else.
bool procs_read(const char *text, struct procs *ret);
// User and system time of these processes and all their descendants so far, also of children that have ended and were
// waited for. -1 if it cannot be told.
double procs_cpu_s(const struct procs *p);
#endif
