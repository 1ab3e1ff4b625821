// SPDX-License-Identifier: MulanPSL-2.0
// What pack.c read and judged, for pack_put.c to write.
#ifndef PEOPLE_PACK_OWN_H
#define PEOPLE_PACK_OWN_H
#include "mod/people/own.h"

struct names { // code or id → row of its table; open addressing, a power of two
    struct str *keys;
    size_t *rows;
    size_t cap;
};
bool names_open(struct arena *mem, struct names *n, size_t most) MUST;
bool names_add(struct names *n, struct str key, size_t row) MUST; // false: stands there already
bool names_find(const struct names *n, struct str key, size_t *ret_row) MUST;

struct pack_people {
    struct pack_table areas, offices, roles, words, accounts;
    struct names area_rows, alias_rows, office_rows;
    struct str demo_password; // hashed in stage: 50 ms are too much for the writer
};
struct pack_people *pack_people(struct pack *p);
#define PACK_ALIASES_MAX 20 // of one area

#endif
