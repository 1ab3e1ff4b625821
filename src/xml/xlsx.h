// SPDX-License-Identifier: MulanPSL-2.0
// Spreadsheets (ECMA-376 .xlsx) as rows of text. Reading streams a sheet row by row: text as it stands,
// numbers in the shortest form, dates as ISO 8601, truth values TRUE and FALSE, formulas by their stored
// result. Writing makes a file that any office opens and in which no text can become a formula.
// Reading is for strangers' files: everything they can enlarge has a limit here.
#ifndef XML_XLSX_H
#define XML_XLSX_H
#include "base/err.h"

#define XLSX_BYTES_MAX        ((uint64_t)256 << 20) // the file itself
#define XLSX_PART_BYTES_MAX   ((uint64_t)1 << 30)   // one unpacked part
#define XLSX_RATIO_MAX        300                   // unpacked : packed, once above XLSX_RATIO_FREE_BYTES
#define XLSX_RATIO_FREE_BYTES ((uint64_t)16 << 20)
#define XLSX_ENTRIES_MAX      10000
#define XLSX_SHEETS_MAX       1000
#define XLSX_STYLES_MAX       65536
#define XLSX_STRINGS_MAX      ((size_t)2 << 20) // shared strings, and their bytes
#define XLSX_STRING_BYTES_MAX ((size_t)128 << 20)
#define XLSX_ROWS_MAX         1048576 // of the format
#define XLSX_COLUMNS_MAX      1000    // as base/csv.h; formatted but empty cells beyond it do not count
#define XLSX_CELL_BYTES_MAX   ((size_t)128 << 10) // the format allows 32,767 characters
#define XLSX_ROW_BYTES_MAX    ((size_t)8 << 20)
#define XLSX_TEXT_BYTES_MAX   ((uint64_t)1 << 30) // all text handed out for one sheet

enum xlsx_kind {
    XLSX_EMPTY = 0,
    XLSX_TEXT,
    XLSX_NUMBER,   // "12", "0.1", "1e-7"; an integer of up to 19 digits keeps every digit
    XLSX_DATE,     // "2026-11-22"
    XLSX_DATETIME, // "2026-11-22T08:30:00", with ".250" if it has milliseconds; local time, no zone
    XLSX_TIME,     // "08:30:00"; a duration may pass 24 hours: "49:30:00"
    XLSX_BOOL,     // "TRUE" "FALSE"
    XLSX_ERROR,    // "#N/A", "#DIV/0!" …: what the formula left behind
};

// Reader.
struct xlsx; // an open workbook, owned by the caller; belongs to one thread
struct xlsx_sheet {
    struct str name;
    bool is_hidden;
};
struct xlsx_row {
    int64_t number;          // 1-based, as the spreadsheet shows it
    const struct str *cells; // from column A; empty ones are STR_NONE; valid until the callback returns
    const uint8_t *kinds;    // enum xlsx_kind
    size_t n;                // up to the last cell that is not empty, so at least 1
};
// Nonzero stops the reading and comes back from xlsx_rows; the callback fills e then.
typedef int xlsx_on_row(void *arg, const struct xlsx_row *row, struct err *e);

int xlsx_open(struct str bytes, struct xlsx **ret, struct err *e) MUST; // bytes must outlive the workbook
int xlsx_open_fd(int fd, struct xlsx **ret, struct err *e) MUST;        // the caller keeps and closes fd
void xlsx_close(struct xlsx *x);
size_t xlsx_sheet_count(const struct xlsx *x); // worksheets only, at least 1
struct xlsx_sheet xlsx_sheet_at(const struct xlsx *x, size_t i);
// Rows without content are skipped (row->number shows the gap). May be called again for the same sheet.
int xlsx_rows(struct xlsx *x, size_t sheet, xlsx_on_row *on_row, void *arg, struct err *e) MUST;

// Writer. Rows go to temporary files in `tmp_dir` as they come, so memory does not grow with them.
struct xlsx_out;
struct xlsx_column {
    struct str title;
    double width; // in characters of the standard font; 0 = from the title
};
struct xlsx_cell {
    struct str text;
    uint8_t kind; // XLSX_NUMBER and XLSX_DATE become such where the text is one exactly; all else is text
};
int xlsx_out_open(const char *path, const char *tmp_dir, struct xlsx_out **ret, struct err *e) MUST;
// Begins a sheet: bold, frozen header. The name is made to fit (31 characters, none of []:*?/\) and unique.
int xlsx_out_sheet(struct xlsx_out *o, struct str name, const struct xlsx_column *columns, size_t n,
                   struct err *e) MUST;
int xlsx_out_row(struct xlsx_out *o, const struct xlsx_cell *cells, size_t n, struct err *e) MUST;
// Writes the file and frees o, also on failure (then there is no file).
int xlsx_out_close(struct xlsx_out *o, struct err *e) MUST;
void xlsx_out_drop(struct xlsx_out *o); // gives up: no file

#endif
