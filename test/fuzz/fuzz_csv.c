// SPDX-License-Identifier: MulanPSL-2.0
// libFuzzer over encodings and CSV. For any bytes: the guessed encoding decodes to valid UTF-8 or names a byte;
// cells stay within their limits; and records that were read, written again and read again are the same ones,
// with and without the defusing of formulas (which may only add one apostrophe).
#include "base/csv.h"
#include <stdlib.h>

#define DEMAND(is)                                                                                           \
    do {                                                                                                     \
        if (!(is)) __builtin_trap();                                                                         \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void put_record(struct buf *out, const struct str *cells, size_t n, char sep, bool defuse) {
    for (size_t i = 0; i < n; i++) {
        if (i) buf_char(out, sep);
        csv_put(out, cells[i], sep, defuse);
    }
    if (n == 1 && cells[0].n == 0) buf_puts(out, "\"\""); // else it would be a blank line
    buf_puts(out, "\r\n");
}

static bool is_same(struct str was, struct str is, bool defused) {
    if (str_eq(was, is)) return true;
    return defused && is.n == was.n + 1 && is.p[0] == '\'' && str_ends(is, was);
}

static void round_trip(struct arena *mem, struct str text, char sep, bool defuse) {
    struct csv_reader r = csv_open(text, sep);
    struct err e = {0};
    struct str *cells, *back;
    size_t n, back_n;
    int64_t line = 0;
    while (csv_next(&r, mem, &cells, &n, &e)) {
        DEMAND(n >= 1 && n <= CSV_COLUMNS_MAX && r.line > line && r.next_line >= r.line);
        line = r.line;
        for (size_t i = 0; i < n; i++)
            DEMAND(cells[i].n <= CSV_CELL_MAX && str_utf8_ok(cells[i]));
        struct buf out = buf_new(mem, 0, (size_t)64 << 20);
        put_record(&out, cells, n, sep, defuse);
        DEMAND(!out.over);
        struct csv_reader again = csv_open(buf_str(&out), sep);
        DEMAND(csv_next(&again, mem, &back, &back_n, NULL) && back_n == n);
        for (size_t i = 0; i < n; i++)
            DEMAND(is_same(cells[i], back[i], defuse));
        DEMAND(!csv_next(&again, mem, &back, &back_n, NULL));
    }
    DEMAND(r.at == text.n || e.code != OK);
}

static void check_text(struct arena *mem, struct str text) {
    DEMAND(str_utf8_ok(text));
    char sep = csv_sep_guess(text);
    DEMAND(memchr(",;\t|", sep, 4));
    round_trip(mem, text, sep, false);
    round_trip(mem, text, ',', true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena mem;
    arena_init(&mem, 0);
    char *exact = malloc(n ? n : 1); // no zero behind it: one byte too far is then seen
    if (!exact) return 0;
    memcpy(exact, data, n);
    struct str bytes = {exact, n};
    enum text_encoding guess = text_encoding_guess(bytes);
    for (enum text_encoding enc = ENC_UTF8; enc <= ENC_LATIN1; enc++) {
        struct str text = STR_NONE;
        struct err e = {0};
        int code = text_decode(&mem, bytes, enc, &text, &e);
        DEMAND(code == OK || code == ERR_encoding);
        DEMAND(code != OK || str_utf8_ok(text));
        if (enc == ENC_LATIN1) DEMAND((code == OK) == (n == 0 || !memchr(exact, 0, n)));
        if (code == OK && enc == guess) check_text(&mem, text);
    }
    free(exact);
    arena_free(&mem);
    return 0;
}
