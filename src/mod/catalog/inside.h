// SPDX-License-Identifier: MulanPSL-2.0
// What the files of this room share with each other and with nobody else: reading and writing of the tables in
// schema.sql, the route tables that catalog.c composes, and the judge that checks metadata wherever it comes from.
#ifndef CATALOG_INSIDE_H
#define CATALOG_INSIDE_H
#include "core/city.h"
#include "core/pack.h"
#include "mod/catalog/catalog.h"
#include "mod/people/people.h"

// --- route tables, one per file ---
extern const struct route catalog_dataset_routes[];   // routes.c: data sets and the steps of their way
extern const struct route catalog_resource_routes[];  // resource.c
extern const struct route catalog_portal_routes[];    // portal.c
extern const struct route catalog_figures_routes[];   // figures.c
extern const struct route catalog_refs_routes[];      // refs.c: elements, codes, classes, clocks, matters
extern const struct route catalog_load_routes[];      // load_routes.c
extern const struct route catalog_rows_routes[];      // rows.c
extern const struct route catalog_ckan_routes[];      // ckan.c: the Action API
extern const struct route catalog_ckan_file_routes[]; // ckan_rows.c: dumps and downloads
extern const struct route catalog_ckan_edit_routes[]; // ckan_resource.c: describing a resource anew
extern const struct route catalog_dcat_routes[];      // dcat*.c

// --- words of closed lists (words.c) ---
struct catalog_word {
    const char *group, *key, *zh, *en;
};
const struct catalog_word *catalog_word(const char *group, struct str key); // NULL: not of the list
bool catalog_open_of(struct str code, int *ret) MUST;
enum catalog_kind catalog_kind_of(struct str code); // 0 = unknown
void catalog_put_list(struct jw *w, const char *name, struct str list, char sep);
bool catalog_has_word(struct str list, char sep, struct str word);

// --- elements and code lists (refs.c) ---
bool catalog_list_known(struct cx *cx, struct str id);
bool catalog_class_known(struct cx *cx, struct str code);
struct catalog_element {
    struct str id, zh, en, subject, code_list, aliases, std, note; // aliases: '|'-joined
    enum table_type type;
    enum element_rule rule;
    enum mask_kind mask;
    int length, grade;
    bool is_personal;
};
int catalog_element_get(struct cx *cx, struct str id, struct catalog_element *ret) MUST; // ERR_not_found
// For element_check's `known`: area codes are asked of people (aliases count), codes of the list's present version.
struct catalog_known {
    struct cx *cx;
    const struct catalog_column *column;
};
bool catalog_known(void *known, struct str value);

// --- heads and editions (store.c) ---
struct catalog_head {
    int64_t n;
    struct str id, office, pack, pack_digest;
    int64_t live, work, last, version, published_ms, updated_ms, data_ms, created_ms, changed_ms;
    int slots;
    double score; // negative = not measured
};
struct str catalog_none(struct str s); // STR_NONE becomes "": our columns are NOT NULL
int catalog_head_get(struct cx *cx, struct str id, struct catalog_head *ret) MUST; // ERR_not_found
struct table_column catalog_table_column(const struct catalog_column *c);
#define CATALOG_LIVE 0  // for `edition`: the published one
#define CATALOG_WORK -1 // the one in the works, else the live, else the last
// The edition that a load fills a table for: the live one, before the first publication the one in the works.
int catalog_load_edition(struct cx *cx, struct str id, struct catalog_dataset **ret) MUST;
// May the asker attach and load: steward of the provider's office (or of a column's office, for that column).
bool catalog_may_attach(struct cx *cx, const struct catalog_dataset *ds);
// Puts a filled table into use, on the writer: one row is flipped, the resource counts as tested (its rows were just
// read and checked), quality is due. Announces dataset.loaded. The caller drops *ret_old_table in slices (0 = none).
int catalog_table_flip(struct cx *cx, const struct catalog_dataset *ds, const struct catalog_resource *r,
                       int64_t table, int64_t series, int64_t rows, int64_t bytes, struct str sm3,
                       int64_t *ret_old_table) MUST;
// The resource of kind table; rid empty = the first one. ERR_not_found.
int catalog_table_resource(struct cx *cx, struct str dataset, struct str rid,
                           struct catalog_resource *ret) MUST;

#endif
