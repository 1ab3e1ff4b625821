// SPDX-License-Identifier: MulanPSL-2.0
// Linked into build/faults/gusu only, the whole program as a test build: before main, the faults take their places and
// one is armed as the environment says.
//
//   GUSU_FAULT="cut SEED AT"            the power goes at the AT-th operation of the disk
//   GUSU_FAULT="sync N", "write N" …    the N-th of that kind fails, counted from the start; "write N on": and all after
#include "disk.h"
#include "fault.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void __attribute__((destructor)) end(void) {
    fprintf(stderr, "faults: fired %" PRId64 "\n", fault_disarm());
}

static void __attribute__((constructor)) begin(void) {
    const char *text = getenv("GUSU_FAULT");
    char kind[16] = "", on[8] = "";
    uint64_t seed;
    int64_t n;
    fault_install();
    if (!text) return;
    if (sscanf(text, "cut %" SCNu64 " %" SCNd64, &seed, &n) == 2) {
        disk_on(seed, n);
        return;
    }
    if (sscanf(text, "%15s %" SCNd64 " %7s", kind, &n, on) < 2) abort();
    for (int k = 1; k < FAULT_KINDS; k++)
        if (strcmp(kind, fault_names[k]) == 0) {
            fault_arm((enum fault_kind)k, n, strcmp(on, "on") == 0);
            return;
        }
    abort(); // a fault that is asked for and does not come would prove nothing
}
