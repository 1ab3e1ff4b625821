// SPDX-License-Identifier: MulanPSL-2.0
// Descriptions of data sets on their way in: read (meta.c), judged (judge.c), written (write.c).
#ifndef CATALOG_META_H
#define CATALOG_META_H
#include "mod/catalog/inside.h"

// Where mistakes go: field errors of the request, or mistakes of a pack with file and line.
struct meta_sink {
    struct cx *cx;
    struct pack *pack; // NULL = a request
    struct str file;   // of the pack
    struct str text;   // its whole text, for line numbers
    int faults_n;
    // Elements, code lists and classes that stand in the same pack and in no table yet; NULL = only the tables.
    bool (*element)(void *arg, struct str id, struct catalog_element *ret);
    bool (*code_list)(void *arg, struct str id);
    bool (*class_code)(void *arg, struct str code);
    bool (*office)(void *arg, struct str id);
    bool (*dataset)(void *arg, struct str id, struct catalog_dataset **ret);
    void *arg;
};
void meta_fault(struct meta_sink *sink, struct json at, enum err_code code, const char *field,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void meta_read(struct meta_sink *sink, struct json j, struct catalog_dataset *d);
// Fills what elements give (grade, length, mask, rule, code list) and holds the facts against each other. `complete`:
// also what a draft may still lack. j = the JSON it came from, for lines (absent is fine).
void judge_dataset(struct meta_sink *sink, struct json j, struct catalog_dataset *d, bool complete);
// Writes head (when new), edition and columns; gives the columns their slots. On the writer.
int write_edition(struct cx *cx, struct catalog_dataset *d, enum catalog_state state) MUST;
// Gives the columns their slots without writing: the next write_edition gives the same ones.
int write_slots(struct cx *cx, struct catalog_dataset *d, int *ret_last) MUST;
int write_head(struct cx *cx, const struct catalog_dataset *d, struct str pack) MUST;
// The full-text rows of a data set: its live edition and the one in the works.
int write_search(struct cx *cx, struct str id) MUST;

#endif
