// SPDX-License-Identifier: MulanPSL-2.0
// The load engine: a file of rows on its way into a generated table. Private to this room.
//
//   source   a CSV (any encoding and separator) or one sheet of an XLSX, as records of text
//   scan     finds the header, recognises columns, sees types over ALL records           (nothing is written)
//   check    each cell against its column; a row with a fault is set aside, never the whole load
//   stage    good rows into a new table r_<n>, faults into catalog_bad_row, in slices on the writer
//   commit   one row is flipped; the old table is dropped later, in slices
//
// Invariants: (1) until commit nobody sees a staged row; (2) a crash before it leaves what was live: an
// unfinished check is undone at the next start, a finished one can still be committed; (3) every record is
// either in the table or set aside with row number, column, value and reason: good + bad = rows (a broken end
// counts as one more); (4) the same file with the same mapping twice changes nothing.
#ifndef CATALOG_LOAD_H
#define CATALOG_LOAD_H
#include "base/csv.h"
#include "mod/catalog/inside.h"

#define LOAD_BYTES_MAX     ((int64_t)256 << 20) // of an upload
#define LOAD_MEMORY_MAX    ((size_t)1 << 30)    // decoded text and what is kept beside it
#define LOAD_ROWS_MAX      2000000
#define LOAD_COLUMNS_MAX   CSV_COLUMNS_MAX
#define LOAD_HEADER_ROWS   10 // the header is looked for in the first records
#define LOAD_SAMPLES       3  // cells of each column shown in the wizard
#define LOAD_SAMPLE_BYTES  200
#define LOAD_BAD_KEPT_MAX  100000 // faults listed one by one; beyond that they are only counted
#define LOAD_BAD_VALUE_MAX 500    // bytes of a faulty value kept
#define LOAD_REASONS_MAX   500    // kinds of fault counted apart: code × column
#define LOAD_NAME_MAX      200
#define LOAD_BATCH_ROWS    2000
#define LOAD_BATCH_BYTES   ((size_t)4 << 20)
#define LOAD_SLICE_US      4000                    // of work on the writer before it gives way
#define LOAD_DROP_ROWS     1000                    // rows deleted in one slice
#define LOAD_OLD_MS        ((int64_t)600000)       // an old table stays for readers of the moment before
#define LOAD_ABANDONED_MS  ((int64_t)7 * 86400000) // an upload that nobody finishes

// --- source (load_source.c) ---
struct xlsx;
struct load_source {
    struct arena mem; // decoded text, spreadsheet
    bool is_xlsx;
    struct str bytes; // the file, mapped or the caller's
    bool is_mapped;
    struct str text; // CSV in UTF-8
    enum text_encoding encoding;
    char sep;
    struct xlsx *x;
    struct str *sheets;
    size_t sheets_n, sheet;
};
struct load_choice { // what the user said; STR_NONE = find out
    struct str encoding, separator, sheet;
};
int load_source_open(struct cx *cx, const char *path, const struct load_choice *choice,
                     struct load_source *ret) MUST;
int load_source_text(struct cx *cx, struct str csv,
                     struct load_source *ret) MUST; // pack files: bytes in memory
void load_source_close(struct load_source *s);
// row: line of a CSV, row of a sheet. Cells live in `rec` (CSV) or until the callback returns (XLSX, kinds
// set); the callback resets rec when it is done with what it took. *ret_tail: a fault that ended the reading
// early (a quote never closed, an over-long cell): what came before it stands.
struct load_record {
    int64_t row;
    const struct str *cells;
    const uint8_t *kinds; // enum xlsx_kind; NULL for CSV
    size_t n;
};
typedef int load_on_record(void *arg, const struct load_record *r, struct err *e);
int load_each(struct cx *cx, struct load_source *s, struct arena *rec, load_on_record *fn, void *arg,
              struct err *ret_tail) MUST;

// --- scan (load_scan.c) ---
enum load_unit { LOAD_UNIT_FEN = 0, LOAD_UNIT_YUAN, LOAD_UNIT_WAN }; // of a money column in the file
const char *load_unit_code(enum load_unit u);
bool load_unit_of(struct str code, enum load_unit *ret) MUST;
struct load_column {
    struct str header;
    int column;                // index in the data set's columns, -1 = none
    const char *how;           // "id", "name", "alias", NULL
    enum table_type type_seen; // over all records; 0 = all empty
    enum load_unit unit;
    unsigned may; // types that all cells so far can be, by bit
    int64_t empty_n, chars_max;
    struct str sample[LOAD_SAMPLES];
    int sample_n;
};
struct load_scan {
    struct load_column *columns;
    size_t n;
    int64_t header_row, rows;
};
// Without sees_types only the header is recognised and the records are counted (packs).
int load_scan(struct cx *cx, struct load_source *s, const struct catalog_dataset *ds, bool sees_types,
              struct load_scan *ret) MUST;
// "企业名称（必填）", " uscc ", "ＵＳＣＣ": one spelling to compare by.
struct str load_header_key(struct arena *mem, struct str header);

// --- check (load_check.c) ---
enum load_mode { LOAD_REPLACE = 0, LOAD_APPEND, LOAD_UPSERT };
struct load_map { // one column of the file
    int column;   // index in the data set's columns, -1 = passed over
    enum load_unit unit;
};
struct load_fault {
    int64_t row;
    struct str column, value;
    bool is_secret; // of grade 3 or 4: kept sealed
    struct err err;
};
struct load_reason {
    struct err err; // of the first occurrence
    struct str column;
    int64_t n;
};
struct load_memo; // answers of code lists and area tables, remembered
struct load_check {
    struct cx *cx;
    const struct catalog_dataset *ds;
    const struct load_map *map;
    size_t map_n;
    bool keeps_faulty; // packs: rows that can be read at all are kept as they are; quality shows their faults
    bool is_csv;
    int32_t today;
    struct load_memo *memo;
    uint8_t (*keys)[16]; // set of key digests seen, open addressing; NULL = repeats are not looked for
    size_t keys_cap;
    struct load_reason *reasons;
    int reasons_n;
    int64_t faults_n, duplicate_n;
};
int load_check_open(struct cx *cx, struct arena *mem, const struct catalog_dataset *ds, int64_t rows,
                    bool keeps_faulty, struct load_check *ret) MUST;
// Judges one record into cells (one per column of the data set). Faults go through `add`; *ret_ok false = set
// aside.
typedef int load_add_fault(void *arg, const struct load_fault *f);
int load_check_record(struct load_check *c, struct arena *mem, const struct load_record *r,
                      struct table_cell *cells, load_add_fault *add, void *arg, bool *ret_ok) MUST;
void load_count_reason(struct load_check *c, struct str column, const struct err *e);

// --- stage (load_stage.c) ---
struct load_staged { // a filled table, waiting to be flipped
    int64_t table, series, rows, bad_n;
    int64_t bytes;
    struct str digest; // SM3 of the file, lower-case hex
};
struct load_job {
    struct cx *cx; // not the writer
    struct catalog_dataset *ds;
    struct table_shape shape; // of the new table
    struct table_shape base;  // of the table that append and upsert start from; table 0 = none
    enum load_mode mode;
    int64_t load; // catalog_load.id; 0 = a pack's
    int64_t header_row;
    struct load_check check;
    struct arena keep;  // lives as long as the job: reasons, keys, memo
    struct arena batch; // one batch of records
    struct arena slice; // one slice on the writer
    struct load_row *rows;
    int rows_n, rows_done;
    struct load_fault *faults;
    int faults_n, faults_cap, faults_done;
    bool *wanted; // columns that the file holds: the others keep their value in an upsert
    int64_t seen, good, bad, duplicate, bad_listed;
    int64_t stored; // rows of the new table: copied and inserted
};
int load_job_open(struct cx *cx, struct catalog_dataset *ds, struct load_job *j) MUST;
void load_job_close(struct load_job *j);
// Makes the staged table (on the writer).
int load_table_new(struct cx *cx, struct load_job *j, int64_t series) MUST;
int load_job_run(struct load_job *j, struct load_source *s) MUST; // copies the base, then the file's rows
int load_table_give_up(struct cx *cx, int64_t table) MUST;        // on the writer
// In the transaction that publishes: flips, and marks the old table for dropping.
int catalog_load_publish(struct cx *cx, const struct catalog_dataset *ds, const struct catalog_resource *r,
                         const struct load_staged *st) MUST;
// A pack's data file, outside the final transaction; faulty values are kept, only unreadable ones are set
// aside. The data set need not be stored yet: its columns must have their slots. Publish with
// catalog_load_publish.
int catalog_load_file(struct cx *cx, struct catalog_dataset *ds, struct str csv,
                      struct load_staged *ret) MUST;
int load_bad_clear(struct cx *cx, int64_t load) MUST; // in slices
struct str load_path(struct cx *cx, struct str file); // zero-terminated
int load_clean(struct cx *cx);              // job "catalog.clean": old tables, abandoned uploads, their files
int catalog_load_start(struct cx *cx) MUST; // at start: what a crash left half done

// --- wizard (load.c, load_store.c) ---
struct load {
    int64_t id, edition, bytes, header_row, rows, table, base_table, series, good_n, bad_n, duplicate_n,
        progress;
    int64_t created_ms, changed_ms, actor;
    struct str dataset, rid, name, file, digest, format, encoding, separator, sheet, sheets, columns;
    struct str state, mapping, mode;
    struct str reasons;
    bool is_same;
};
int load_get(struct cx *cx, int64_t id, struct load *ret) MUST; // ERR_not_found
// The load of the path and its data set, when the asker may attach to it.
int load_of_asker(struct cx *cx, struct load *ret, struct catalog_dataset **ret_ds) MUST;
void load_write(struct cx *cx, const struct load *l); // members of one load, in an open object
void load_write_columns(struct jw *w, const struct load_scan *scan, const struct catalog_dataset *ds);
// Handlers of load_routes.c.
int load_upload(struct cx *cx) MUST;
int load_show(struct cx *cx) MUST;
int load_put_mapping(struct cx *cx) MUST;
int load_bad(struct cx *cx) MUST;
int load_bad_csv(struct cx *cx) MUST;
int load_commit(struct cx *cx) MUST;
int load_drop(struct cx *cx) MUST;
int load_list(struct cx *cx) MUST;

#endif
