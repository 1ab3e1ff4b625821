// SPDX-License-Identifier: MulanPSL-2.0
// `gusu bench NAME`: finds the measurement by its name in the table that bench/ defines. Wiring only.
#include "app/app.h"
#include <stdio.h>

int command_bench(const struct options *o) {
    for (const struct bench *b = benches; o->rest_n > 0 && b->name; b++)
        if (strcmp(b->name, o->rest[0]) == 0) return b->run(o);
    const bool is_asked = o->rest_n > 0 && strcmp(o->rest[0], "list") == 0;
    for (const struct bench *b = benches; b->name; b++)
        fprintf(is_asked ? stdout : stderr, "gusu bench %-14s %s\n%26s%s / %s\n", b->name, b->usage, "",
                b->zh, b->en);
    return is_asked ? 0 : 2;
}
