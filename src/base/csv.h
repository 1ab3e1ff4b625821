// SPDX-License-Identifier: MulanPSL-2.0
// CSV (RFC 4180 and what offices really send): a pull reader over bytes in memory, fed in pieces, and a
// writer. Separator ',' ';' tab '|' found from the first record; encodings UTF-8 (with or without BOM),
// UTF-16 with BOM, GB18030 (GBK, GB2312) and Latin-1 found from the whole head sample; quoted newlines kept.
#ifndef BASE_CSV_H
#define BASE_CSV_H
#include "base/err.h"

#define CSV_COLUMNS_MAX 1000
#define CSV_CELL_MAX    ((size_t)1 << 20)

enum text_encoding { ENC_UTF8 = 1, ENC_GB18030, ENC_UTF16LE, ENC_UTF16BE, ENC_LATIN1 };
const char *text_encoding_name(enum text_encoding e);
// Guesses from a sample (as long as possible); ENC_UTF8 when it is valid UTF-8 up to a cut last character.
enum text_encoding text_encoding_guess(struct str sample);
// The whole text as UTF-8 without BOM. Bytes that the encoding does not know are an error with the byte offset as arg.
int text_decode(struct arena *mem, struct str bytes, enum text_encoding enc, struct str *ret,
                struct err *e) MUST;

struct csv_reader {
    struct str text; // UTF-8, no BOM
    size_t at;
    char sep;
    int64_t line;      // line on which the record last read began, 1-based
    int64_t record;    // records read, header included
    int64_t next_line; // the reader's own: the line on which it stands
};
char csv_sep_guess(struct str utf8);
struct csv_reader csv_open(struct str utf8, char sep);
// Reads one record: returns true and the cells (in mem; quotes undone), false at the end or on an error
// (then e->code is set: ERR_csv_quote, ERR_too_large, ERR_csv_columns). Blank lines are skipped.
bool csv_next(struct csv_reader *r, struct arena *mem, struct str **ret_cells, size_t *ret_n,
              struct err *e) MUST;

// Writes one cell with quotes where needed; with `defuse`, a cell that a spreadsheet would run as a formula
// (= + - @ tab CR first, and not a plain number) gets a leading apostrophe (OWASP CSV injection).
void csv_put(struct buf *out, struct str cell, char sep, bool defuse);

#endif
