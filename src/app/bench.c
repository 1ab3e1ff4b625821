// SPDX-License-Identifier: MulanPSL-2.0
// `gusu bench NAME`: finds the measurement by its name in the table that bench/ defines. Wiring only.
#include "app/app.h"
#include <stdio.h>

int command_bench(const struct options *o) {
    for (const struct bench *b = benches; o->rest_n > 0 && b->name; b++)
        if (strcmp(b->name, o->rest[0]) == 0) return b->run(o);
    for (const struct bench *b = benches; b->name; b++)
        fprintf(stderr, "gusu bench %-10s %-60s %s / %s\n", b->name, b->usage, b->zh, b->en);
    return 2;
}
