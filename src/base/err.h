// SPDX-License-Identifier: MulanPSL-2.0
// Errors are values. Every code is one line of base/errors.def: name, HTTP status, Chinese, English; the
// same list makes the problem+json replies, the OpenAPI document and docs/errors.md. The finder fills the
// struct, callers only pass the code up; outputs are untouched on failure.
#ifndef BASE_ERR_H
#define BASE_ERR_H
#include "base/text.h"

enum err_code {
    OK = 0,
#define ERR(name, status, zh, en) ERR_##name,
#include "base/errors.def"
#undef ERR
    ERR_COUNT,
    // Never used: makes the type int under every compiler, so that `return e->code;` converts nothing.
    ERR_SIGNED = -1
};

#define ERR_OR "\xE2\x90\x9F" // U+241F, between the two languages of an arg
struct err_info {
    const char *name;    // lower case with '-', as it stands in problem+json "type"
    int status;          // HTTP
    const char *zh, *en; // may hold one "{}" for struct err.arg
};

struct err {
    enum err_code code;
    char field[64]; // name of the field, column, header or file in question; "" if none
    int64_t row;    // 1-based row or line; 0 if none
    // Fills "{}" of the sentence: a value, a limit, a name; "Chinese" ERR_OR "English" where it has words in both.
    char arg[160]; // cut at a code point
};

const struct err_info *err_info(enum err_code code);
// Writes *e (which may be NULL) and returns code, so that `return err_set(e, ERR_X, "field", "arg %d", 3);` reads.
int err_set(struct err *e, enum err_code code, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int err_set_row(struct err *e, enum err_code code, const char *field, int64_t row, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
// The sentence with its arg put in.
struct str err_text(struct arena *a, const struct err *e, bool zh);

#endif
