// SPDX-License-Identifier: MulanPSL-2.0
// The index behind base/json.h, seen by the json_*.c files only. Nodes stand in document order: a container,
// then what it holds; a member is a name node and a value node. `skip` leads past a value with all it holds,
// so a reader steps over what it does not want.
//
//     {"a": [1, 2], "b": "x"}      0 object count 2, skip 7
//                                  1 name a   2 array count 2, skip 5   3 number   4 number   5 name b   6 text
//
// An object of more than JSON_LINEAR_MAX members, or with an escaped name, is followed by one hidden node
// (kind 0, inside its skip, outside its count) that leads to a hash table of its names.
#ifndef BASE_JSON_DOC_H
#define BASE_JSON_DOC_H
#include "base/json.h"

#define JSON_LINEAR_MAX   24       // members up to which names are compared one by one
#define JSON_DIGITS_MAX   400      // significant digits of one number; %f of the greatest double has 309
#define JSON_NUMBER_MAX   432      // characters of one number: its digits, leading zeros, point, exponent
#define JSON_EXPONENT_MAX 99999999 // of the number as d.ddd × 10^e, either way

#define NODE_KIND        7u
#define NODE_ESCAPED     8u // a text with '\' in it
#define NODE_TABLE       16u
#define NODE_COUNT_SHIFT 5

struct json_node {
    uint32_t start; // first byte in the text; for texts the one after the quote
    uint32_t n;     // bytes; for texts without the quotes
    uint32_t skip;  // index of the node after this value
    uint32_t info;  // kind, flags, count
};

struct name_table {
    uint32_t *slots; // index of a name node, 0 = empty
    uint32_t mask;
};

struct json_doc {
    struct arena *mem;
    const char *text;
    struct json_node *nodes;
    uint32_t nodes_n, nodes_cap;
    struct name_table *tables;
    uint32_t tables_n;
    uint64_t key[2]; // of the hash, drawn when the first table is made
};

// value = 0.d1 d2 … dn × 10^point; n = 0 is zero. Exact: nothing is rounded on the way.
struct decimal {
    bool is_negative;
    int n;
    int32_t point;
    char digits[JSON_DIGITS_MAX];
};

static inline const struct json_node *json_node_of(struct json v) {
    return v.doc ? &v.doc->nodes[v.at] : NULL;
}

struct str json_unescape(struct arena *mem, struct str raw);
struct str json_node_text(const struct json_doc *doc, const struct json_node *node);
uint64_t json_name_hash(const struct json_doc *doc, struct str name);
void json_decimal_of(struct str number, struct decimal *ret);
void json_put_decimal(struct buf *out, const struct decimal *d);
void json_put_text(struct buf *out, struct str v); // with quotes and escapes

#endif
