// SPDX-License-Identifier: MulanPSL-2.0
// The list of errors.def as a table, and the filling of struct err. Keeps true: arg and field are always
// zero-terminated, valid UTF-8 cut at a code point, without control characters, since they travel into JSON,
// HTTP and the log; a code out of range reads as `internal`, never past the table.
#include "base/err.h"
#include <stdio.h>

#define ERR_NAME_MAX 32

static struct err_info infos[ERR_COUNT] = {
    {"ok", 200, "成功", "OK"},
#define ERR(name, status, zh, en) {#name, status, zh, en},
#include "base/errors.def"
#undef ERR
};
static char names[ERR_COUNT][ERR_NAME_MAX];

#define ERR(name, status, zh, en) _Static_assert(sizeof #name <= ERR_NAME_MAX, "error name too long: " #name);
#include "base/errors.def"
#undef ERR

// C wants '_' in a name and the web wants '-'; written once before main, read only afterwards.
__attribute__((constructor)) static void names_write(void) {
    for (int i = 0; i < ERR_COUNT; i++) {
        const char *from = infos[i].name;
        for (size_t k = 0; from[k]; k++)
            names[i][k] = from[k] == '_' ? '-' : from[k];
        infos[i].name = names[i];
    }
}

// A code that comes from outside (a stored job, a peer) may be unknown to this version.
const struct err_info *err_info(enum err_code code) {
    unsigned i = (unsigned)code;
    return &infos[i < ERR_COUNT ? i : ERR_internal];
}

// Drops a cut last code point and everything from the first bad byte on; controls become spaces.
static void make_sound(char *text) {
    struct str s = str_of(text);
    size_t at = 0;
    while (at < s.n) {
        size_t was = at;
        int32_t c = str_utf8_next(s, &at);
        if (c < 0) {
            text[was] = 0;
            return;
        }
        if (c < 0x20 || c == 0x7F) text[was] = ' ';
    }
}

__attribute__((format(printf, 5, 0))) static int fill(struct err *e, enum err_code code, const char *field,
                                                      int64_t row, const char *fmt, va_list ap) {
    if (!e) return (int)code;
    // Cutting by snprintf may split a Chinese character; make_sound mends that.
    // Formatted first into a fresh struct: the arguments may point into the old one.
    struct err fresh = {.code = code, .row = row};
    if (field) snprintf(fresh.field, sizeof fresh.field, "%s", field);
    if (fmt) vsnprintf(fresh.arg, sizeof fresh.arg, fmt, ap);
    make_sound(fresh.field);
    make_sound(fresh.arg);
    *e = fresh;
    return (int)code;
}

int err_set(struct err *e, enum err_code code, const char *field, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int ret = fill(e, code, field, 0, fmt, ap);
    va_end(ap);
    return ret;
}

int err_set_row(struct err *e, enum err_code code, const char *field, int64_t row, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int ret = fill(e, code, field, row, fmt, ap);
    va_end(ap);
    return ret;
}

// Both languages put the argument where their grammar wants it; a sentence without "{}" has none to show.
struct str err_text(struct arena *a, const struct err *e, bool zh) {
    const struct err_info *info = err_info(e->code);
    const char *sentence = zh ? info->zh : info->en;
    const char *gap = strstr(sentence, "{}");
    if (!gap) return str_of(sentence);
    const char *arg = e->arg, *other = strstr(arg, ERR_OR);
    size_t n = other ? (size_t)(other - arg) : strlen(arg);
    if (other && !zh) {
        arg = other + sizeof ERR_OR - 1;
        n = strlen(arg);
    }
    return str_print(a, "%.*s%.*s%s", (int)(gap - sentence), sentence, (int)n, arg, gap + 2);
}
