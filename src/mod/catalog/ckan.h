// SPDX-License-Identifier: MulanPSL-2.0
// Private to the CKAN interface: one call of an action, its parameters, the table of actions, and how data sets and
// resources are written as packages. docs: README.md of this room, "Foreign interfaces".
#ifndef CATALOG_CKAN_H
#define CATALOG_CKAN_H
#include "mod/catalog/ckan_seen.h"

#define CKAN_PARAMS_MAX   64
#define CKAN_PACKAGES_MAX 1000 // rows of one package_search
#define CKAN_FACET_MAX    1000
#define CKAN_ROWS_MAX     32000  // of one datastore_search
#define CKAN_SCAN_MAX     200000 // rows looked at to search or sort a table
#define CKAN_BODY_MAX     ((int64_t)1 << 20)
#define CKAN_UPLOAD_MAX   ((int64_t)256 << 20)

struct ckan {
    struct cx *cx;
    struct json in;                   // parameters, by whatever way they came; an object
    struct str file_name, file_bytes; // of a multipart body; p NULL = none
    void *map;                        // a large body, until ckan_end_input
    size_t map_bytes;
};
struct ckan_action {
    const char *name;
    bool changes;
    int (*handle)(struct ckan *k); // writes one JSON value into cx->w
    const char *zh, *en;
};
// One array per file, each ending with name NULL.
extern const struct ckan_action ckan_read_actions[];     // ckan_read.c
extern const struct ckan_action ckan_rows_actions[];     // ckan_rows.c
extern const struct ckan_action ckan_write_actions[];    // ckan_write.c
extern const struct ckan_action ckan_resource_actions[]; // ckan_resource.c
extern const struct ckan_action ckan_fill_actions[];     // ckan_fill.c
extern const struct ckan_action *const ckan_action_tables[];

// --- parameters (ckan_in.c) ---
int ckan_read_input(struct ckan *k) MUST; // query, JSON body, form or multipart
void ckan_end_input(struct ckan *k);      // gives the mapped body back
struct str ckan_text(const struct ckan *k,
                     const char *name); // numbers and words as they stand; STR_NONE if absent
int ckan_int(struct ckan *k, const char *name, int64_t none, int64_t least, int64_t most, int64_t *ret) MUST;
bool ckan_flag(const struct ckan *k, const char *name, bool none);
struct json ckan_json(struct ckan *k, const char *name); // also when it came as JSON inside a text
int ckan_need(struct ckan *k, const char *name, struct str *ret) MUST; // ERR_field_missing
struct str ckan_id(const struct ckan *k);                              // "id" or "name"

// --- writing (ckan_show.c) ---
struct str ckan_moment(struct arena *mem, int64_t ms); // "2026-11-22T08:00:00.000000", UTC, as CKAN writes it
int ckan_put_package(struct cx *cx, const struct catalog_dataset *d) MUST;
int ckan_put_resource(struct cx *cx, const struct catalog_dataset *d, const struct catalog_resource *r,
                      int position) MUST;
int ckan_put_organization(struct cx *cx, const struct people_office *o, int64_t packages) MUST;
void ckan_put_group(struct cx *cx, struct str code, struct str zh, struct str en, int64_t packages);
// The resource behind "dataset.rid", and its data set as the asker may see it.
int ckan_find_resource(struct cx *cx, struct str id, struct catalog_dataset **ret_d,
                       struct catalog_resource *ret_r) MUST;

// --- changes (ckan_write.c, ckan_resource.c) ---
// Calls one of our own routes as the same asker: its rights, checks, acts and entries hold here unchanged.
int ckan_own_call(struct cx *cx, const char *verb, struct str path, struct str query, struct str body,
                  struct json *ret) MUST;
// DELETEs what an action began and cannot finish; the error that stopped it stays the one that is told.
void ckan_take_back(struct cx *cx, struct str path);
struct str ckan_encode(struct arena *mem, struct str s); // percent-encoded, for a query
// Hangs one resource of a package dict on a data set; *ret_rid is its id. file_bytes.p NULL = no upload.
int ckan_add_resource(struct cx *cx, struct str dataset, struct json r, struct str file_name,
                      struct str file_bytes, struct str *ret_rid) MUST;
// Brings what `r` says of a resource that is there already; nothing is written when nothing differs.
int ckan_edit_resource(struct cx *cx, const struct catalog_dataset *d, const struct catalog_resource *old,
                       struct json r) MUST;
int ckan_drop_resource(struct cx *cx, struct str dataset, struct str rid) MUST;

#endif
