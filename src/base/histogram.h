// SPDX-License-Identifier: MulanPSL-2.0
// Counts of how often a number fell between given edges, for measuring while serving. One thread adds, any thread reads:
// relaxed loads and stores, no locked instruction, no lock. What a reader sees may be one addition old, never torn.
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H
#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_EDGES_MAX 20

// Upper edges, ascending, the last of them UINT64_MAX: shared by all histograms of a kind.
extern const uint64_t histogram_us[HISTOGRAM_EDGES_MAX];    // times: 50 us … 10 s
extern const uint64_t histogram_items[HISTOGRAM_EDGES_MAX]; // sizes: 1 … 8192

struct histogram {
    const uint64_t *edges;
    _Atomic uint64_t count[HISTOGRAM_EDGES_MAX]; // of each step alone
    _Atomic uint64_t sum;
};

static inline void histogram_count(_Atomic uint64_t *at, uint64_t more) {
    atomic_store_explicit(at, atomic_load_explicit(at, memory_order_relaxed) + more, memory_order_relaxed);
}
static inline void histogram_add(struct histogram *h, uint64_t v) {
    int i = 0;
    while (v > h->edges[i])
        i++;
    histogram_count(&h->count[i], 1);
    histogram_count(&h->sum, v);
}
#endif
