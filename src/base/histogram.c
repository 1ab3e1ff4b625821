// SPDX-License-Identifier: MulanPSL-2.0
// The edges. Keeps true: each list ends with UINT64_MAX, so that every number finds its step. Times are dense where a
// reply lies when all is well (under a millisecond to thirty), sizes go by doubling.
#include "base/histogram.h"

#define END UINT64_MAX, UINT64_MAX

const uint64_t histogram_us[HISTOGRAM_EDGES_MAX] = {
    50,    100,    250,    500,    1000,    2500,    5000,    10000,    20000, 30000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, END};
const uint64_t histogram_items[HISTOGRAM_EDGES_MAX] = {
    1,    2,    4,    8,    16,         32,         64,         128,        256,        512,
    1024, 2048, 4096, 8192, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
