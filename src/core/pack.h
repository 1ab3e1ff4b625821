// SPDX-License-Identifier: MulanPSL-2.0
// A pack is a folder of plain files (packs/README.md). Loading: read and check everything, stage big tables in
// slices, publish in one transaction; the same pack again changes nothing (digest of all files). Mistakes are
// gathered, each with file and line, in zh and en; nothing is loaded while there is one.
#ifndef CORE_PACK_H
#define CORE_PACK_H
#include "core/cx.h"

#define PACK_FILE_MAX     ((size_t)256 << 20)
#define PACK_MISTAKES_MAX 1000

struct pack_mistake {
    struct pack_mistake *next;
    struct str file;
    int64_t line;
    struct err err;
};
struct pack {
    struct arena *mem;
    struct str folder, id, version, city_code, title_zh, title_en;
    struct str files;           // "name sha256\n" of every file, in name order
    uint8_t digest[HASH_BYTES]; // of `files` and the demo switch
    bool with_demo;
    struct pack_mistake *mistakes;
    int mistakes_n;
    void *mod[16]; // each module keeps what it read here, by its place in the module table (pack_slot)
};
// A CSV file of the pack with a header line; columns are found by name. Missing optional files give n == 0.
struct pack_table {
    struct str file;
    struct str *names;
    size_t columns;
    struct str **rows; // rows[i][column]
    int64_t *lines;
    size_t n;
};
int pack_open(struct cx *cx, const char *folder, bool with_demo, struct pack **ret) MUST;
int pack_csv(struct cx *cx, struct pack *p, const char *file, bool required, struct pack_table *ret) MUST;
struct str pack_cell(const struct pack_table *t, size_t row,
                     const char *column); // STR_NONE if no such column or empty
int pack_json(struct cx *cx, struct pack *p, const char *file, bool required, struct json *ret) MUST;
int pack_path(struct cx *cx, struct pack *p, const char *file,
              struct str *ret_path) MUST; // folder/file or folder/built/file
int pack_list(struct cx *cx, struct pack *p, const char *sub, struct str **ret_names, size_t *ret_n) MUST;
void pack_mistake(struct cx *cx, struct pack *p, struct str file, int64_t line, enum err_code code,
                  const char *field, const char *fmt, ...) __attribute__((format(printf, 7, 8)));
// check → stage → publish over all modules. ret_changed false: this very pack is loaded already.
int pack_load(struct cx *cx, struct pack *p, bool *ret_changed) MUST;
int pack_check(struct cx *cx, struct pack *p) MUST; // OK when no mistakes

#endif
