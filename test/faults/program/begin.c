// SPDX-License-Identifier: MulanPSL-2.0
// Linked into build/faults/gusu only, the whole program as a test build: before main, the faults take their places and
// one is armed as the environment says.
//
//   GUSU_FAULT="cut SEED AT"            the power goes at the AT-th operation of the disk
//   GUSU_FAULT="sync N", "write N" …    the N-th of that kind fails, counted from the start
//   GUSU_FAULT="alloc N later"          counted from the moment when SIGUSR1 comes
#include "disk.h"
#include "fault.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void __attribute__((destructor)) end(void) {
    fprintf(stderr, "faults: fired %" PRId64 "\n", fault_disarm());
}

static enum fault_kind later_kind; // what SIGUSR1 arms
static int64_t later_n;

static void on_later(int sig) {
    (void)sig;
    fault_arm(later_kind, later_n, false);
}

static void __attribute__((constructor)) begin(void) {
    const char *text = getenv("GUSU_FAULT");
    char name[16] = "", when[8] = "";
    uint64_t seed;
    int64_t n;
    int kind = 1;
    fault_install();
    if (!text) return;
    if (sscanf(text, "cut %" SCNu64 " %" SCNd64, &seed, &n) == 2) {
        disk_on(seed, n);
        return;
    }
    if (sscanf(text, "%15s %" SCNd64 " %7s", name, &n, when) < 2) abort();
    while (kind < FAULT_KINDS && strcmp(name, fault_names[kind]) != 0)
        kind++;
    if (kind == FAULT_KINDS) abort(); // a fault that is asked for and does not come would prove nothing
    if (strcmp(when, "later") != 0) {
        fault_arm((enum fault_kind)kind, n, false);
        return;
    }
    later_kind = (enum fault_kind)kind;
    later_n = n;
    signal(SIGUSR1, on_later);
}
