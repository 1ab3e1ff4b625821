// SPDX-License-Identifier: MulanPSL-2.0
// The little search language that CKAN's clients speak (a part of Lucene's): read into a tree, then asked of one
// data set at a time. Private to this room; knows no table.
//
//   title:地图 AND (organization:a OR organization:b) -tags:"旧 词" metadata_modified:[2026-01-01T00:00:00Z TO *]
#ifndef CATALOG_CKAN_QUERY_H
#define CATALOG_CKAN_QUERY_H
#include "base/clock.h"

#define CKAN_QUERY_BYTES 8192
#define CKAN_QUERY_NODES 512
#define CKAN_QUERY_DEPTH 24

enum ckan_op { CKAN_ALL = 1, CKAN_TERM, CKAN_RANGE, CKAN_AND, CKAN_OR, CKAN_NOT };
struct ckan_node {
    enum ckan_op op;
    struct ckan_node *a, *b; // AND, OR; NOT has only a
    struct str field;        // STR_NONE = the text of the whole description
    struct str value;        // TERM: folded; with `wild`, '*' and '?' stand for others
    bool wild;
    struct str from, to; // RANGE: "*" = no bound
    bool without_from, without_to;
};
// What a field holds. TEXT is searched for words, WORDS is a list of exact values joined by '\n', TIME counts in
// UTC milliseconds, NUMBER is any other number.
enum ckan_value_kind { CKAN_NOTHING = 0, CKAN_TEXT, CKAN_WORDS, CKAN_TIME, CKAN_NUMBER };
struct ckan_value {
    enum ckan_value_kind kind;
    struct str text;
    int64_t i;
};
typedef struct ckan_value ckan_field_fn(const void *doc, struct str field);

// Reads q; nothing but white space gives CKAN_ALL. ERR_search_query with the place.
int ckan_query_read(struct arena *mem, struct str q, int64_t now_ms, struct ckan_node **ret,
                    struct err *e) MUST;
// Does it hold? *score (may be NULL) grows with every word found.
bool ckan_query_holds(const struct ckan_node *n, const void *doc, ckan_field_fn *field, double *score);
// Lower case, full-width forms as their plain twins: the form in which texts are compared.
struct str ckan_fold(struct arena *mem, struct str s);
// How often `word` (folded) stands in `text` (folded). A Latin word is found whole, Chinese anywhere.
int ckan_word_count(struct str text, struct str word);

#endif
