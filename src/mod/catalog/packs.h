// SPDX-License-Identifier: MulanPSL-2.0
// The catalog's part of loading a pack: reading and judging (pack_read.c), staging and publishing (pack.c).
#ifndef CATALOG_PACKS_H
#define CATALOG_PACKS_H
#include "core/pack.h"
#include "mod/catalog/load.h"
#include "mod/catalog/meta.h"

struct pack_resource {
    struct str rid, title_zh, title_en, file; // file: of kind file, path in the pack
    enum catalog_kind kind;
    bool is_verify_only;
    struct str sm3, name; // after staging
    int64_t bytes;
};
struct pack_dataset {
    struct catalog_dataset d;
    struct pack_resource *resources;
    int resources_n;
    struct str digest; // of everything that makes it: dataset.json, data.csv, files
    struct str data;   // bytes of data.csv, STR_NONE = none
    bool is_same;      // loaded before and not changed since: nothing to do
    struct load_staged staged;
};
struct catalog_pack {
    struct pack_table elements, classes, matters, duties, clocks, offices;
    struct str *lists; // ids of codes/
    size_t lists_n;
    struct pack_dataset *sets;
    size_t sets_n;
};
int catalog_pack_check(struct cx *cx, struct pack *p) MUST;
int catalog_pack_stage(struct cx *cx, struct pack *p) MUST;
int catalog_pack_publish(struct cx *cx, struct pack *p) MUST;

// pack_read.c
struct catalog_pack *pack_of(struct pack *p);
bool pack_element(void *pack, struct str id, struct catalog_element *ret);  // struct pack *
struct str pack_file_bytes(struct cx *cx, struct pack *p, struct str file); // STR_NONE = not there
// pack_rows.c: rows that cannot be read, as mistakes of the pack
int pack_rows_check(struct cx *cx, struct pack *p, const struct pack_dataset *s) MUST;
// pack_refs.c: elements, code lists, classes, matters, duties, clocks into their tables
int pack_publish_refs(struct cx *cx, struct pack *p) MUST;

#endif
