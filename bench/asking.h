// SPDX-License-Identifier: MulanPSL-2.0
// Whoever asks under a grant, for the loads that do: a grant of the pack's data set and its key, made through the routes
// by five different people; the keys of the rows to ask for; afterwards, whether the meter counted what was answered.
#ifndef BENCH_ASKING_H
#define BENCH_ASKING_H
#include "bench.h"

#define ASKING_KEYS_MAX 5000 // different rows asked for, in turn

struct asking {
    struct bench_city city;
    struct str provider, key, heads; // heads: the request's headers
    int64_t grant;
    struct str *queries; // "uscc=…&period=…" per row, percent-encoded
    int64_t queries_n;
    bool told_wrong; // the first reply that was not right is shown
};
// A city with its grant, closed again: what was prepared lives in *ret_kept. Exit code.
int asking_open(struct asking *a, const struct options *o, const char *dataset, struct arena *ret_kept);
bool asking_check_meter(struct asking *a, int64_t answered); // did it count at least those?
#endif
