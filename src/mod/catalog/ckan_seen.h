// SPDX-License-Identifier: MulanPSL-2.0
// What of the catalog the asker of a foreign interface sees: without a token exactly what the portal shows, with one
// what that account may see. CKAN and DCAT list, search and count through here only, so neither shows more.
#ifndef CATALOG_CKAN_SEEN_H
#define CATALOG_CKAN_SEEN_H
#include "mod/catalog/ckan_query.h"
#include "mod/catalog/inside.h"

#define SEEN_MAX 200000 // heads looked at; a larger catalog needs an index of its own

struct seen_doc {
    struct str id, office, office_name, title_zh, title_en, abstract_zh, abstract_en, keywords, class_codes;
    struct str licence, cycle, subject, formats; // formats: '\n'-joined, as they are stored
    int64_t edition, created_ms, modified_ms, published_ms;
    int share, open, grade;
    enum catalog_state state;
    bool is_live, is_synthetic;
    double score, quality; // score: of the search
    struct str folded;     // the whole text, made when first asked for
    struct arena *mem;
};
struct seen {
    struct cx *cx;
    bool is_public;
    struct seen_doc *docs;
    size_t n;
};
// Nobody, an exchange key, or a token without the right to read the catalog: the portal's eyes.
bool seen_is_public(struct cx *cx);
int seen_open(struct cx *cx, bool with_drafts, struct seen *ret) MUST;
// Keeps what q holds for; several calls stand together with AND. `scores`: hits count for the order by relevance.
int seen_filter(struct seen *s, struct str q, bool scores) MUST;
// "title asc, metadata_modified desc"; ERR_search_query for a name that no order is made by. Ties by id.
int seen_sort(struct seen *s, struct str sort, bool has_q) MUST;
// One data set: the live edition, or the one in the works for whom it concerns. ERR_not_found otherwise.
int seen_get(struct cx *cx, struct str id, struct catalog_dataset **ret) MUST;
// The moments of a description: made, and last changed for the outside.
int seen_times(struct cx *cx, const struct catalog_dataset *d, int64_t *ret_created,
               int64_t *ret_modified) MUST;
// A class code as a name that CKAN's clients accept (two characters or more, no '/'): "1/geo" is "c-1_geo".
struct str seen_group_name(struct arena *mem, struct str class_code);
ckan_field_fn seen_field;

#endif
