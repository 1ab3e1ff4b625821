// SPDX-License-Identifier: MulanPSL-2.0
// Generated tables and the one checked query builder over them: the only place of gusu that composes SQL. A
// table resource is a real table r_<n> with columns c_<n>; people's ids, names and values never enter SQL
// text, only these numbers do, so nothing that a stranger sends can.
//
//   shape    what a table is: number, columns with type, grade and mask        (from the catalog)
//   view     what somebody may see of it: columns, a mask each, fixed filters   (grant, portal, preview)
//   query    what he asks for now: fields, filters, limit, position             (from the URL)
//   page     rows out: JSON, NDJSON, CSV, or cells to a callback (XLSX)
//
// Invariants: (1) a query never yields or tests a column that its view does not hold; a masked column cannot
// be filtered, sorted or counted by (its answer would undo the mask); only the view's own fixed filters may
// use any column. (2) Pages are keyset on the immutable row id: a row present throughout appears exactly
// once. (3) A cursor is signed over series, view, filters: it cannot be forged, nor carried to another query.
// (4) The rows of a live table never change in place: a load fills a new table and flips one number, so pages
// of one table agree with each other without a long snapshot. (5) Grade 4 columns are sealed at rest;
// equality works through a blind index. Sealing is a fact of a table, not of today's grade: who raises a
// grade must load again to have it sealed.
//
// How values stand in the table (and in struct table_cell):
//   text code period   TEXT                        period is "yyyymm"
//   int fen bool       INTEGER                     bool 0/1
//   date               INTEGER days since 1970     "2026-11-22" outside
//   datetime           INTEGER UTC milliseconds    "2026-11-22T08:00:00.000+08:00" outside
//   dec                TEXT, canonical decimal     no exactness is lost; ranges compare CAST(… AS REAL)
//   point              TEXT "lon lat"              in the shape's reference system
//   geometry           TEXT, GeoJSON
//   any, sealed        TEXT, sealed text form;  b_<n> beside it holds the blind index
#ifndef CORE_TABLE_H
#define CORE_TABLE_H
#include "core/cx.h"
#include "core/mask.h"

#define TABLE_COLUMNS_MAX   200
#define TABLE_FILTERS_MAX   32  // of a caller, besides the view's own
#define TABLE_IN_MAX        128 // values of one .in
#define TABLE_PAGE_STANDARD 100
#define TABLE_PAGE_MAX      1000 // rows of one page over the API
#define TABLE_CELL_MAX      ((size_t)1 << 20)
#define TABLE_GRADE_SEALED  4

enum table_type {
    TABLE_TEXT = 1,
    TABLE_CODE,
    TABLE_PERIOD,
    TABLE_INT,
    TABLE_FEN,
    TABLE_BOOL,
    TABLE_DATE,
    TABLE_DATETIME,
    TABLE_DEC,
    TABLE_POINT,
    TABLE_GEOMETRY,
    TABLE_TYPE_COUNT
};
enum table_type table_type_of(struct str word); // "text", "multipolygon" …; 0 if unknown
const char *table_type_name(enum table_type t);

struct table_column {
    struct str id, zh, en;
    enum table_type type;
    int n;            // stands as c_<n>
    bool is_key;      // part of the key, in column order: indexed together
    bool is_area;     // 属地: indexed
    bool is_searched; // looked up by (credit code, identity number, …): indexed
    bool is_personal;
    int grade;           // 1…4, as it is judged now
    bool is_sealed;      // the values of this table stand sealed: its grade was 4 when the table was made
    enum mask_kind mask; // by element and grade; a view decides whether it is applied
};
struct table_shape {
    int64_t table;  // r_<table>; 0 = no rows yet
    int64_t series; // cursors stay good as long as this: a load that replaces starts a new one
    struct str
        owner; // data set id; the context of sealing, so that sealed text moves between tables of one set
    const struct table_column *columns;
    int n;
};
int table_column_index(const struct table_shape *s, struct str id); // -1 if none

// One value. kind tells which member counts: a masked number becomes TABLE_CELL_NULL, a masked date text.
enum table_cell_kind { TABLE_CELL_NULL = 0, TABLE_CELL_INT, TABLE_CELL_TEXT };
struct table_cell {
    enum table_cell_kind kind;
    int64_t i;
    struct str s;
};
// Reads a value as offices write it; empty gives TABLE_CELL_NULL. ERR_field_type (arg = the type),
// ERR_too_large.
int table_cell_read(struct arena *mem, enum table_type type, struct str text, struct table_cell *ret,
                    struct err *e) MUST;
void table_cell_put(struct buf *out, enum table_type type, const struct table_cell *c); // the same, appended
struct str table_cell_text(struct arena *mem, enum table_type type, const struct table_cell *c); // CSV's form
void table_cell_json(struct jw *w, enum table_type type, const struct table_cell *c);

// --- making and filling (on the writer, in slices; the caller keeps each call short) ---
int table_create(struct cx *cx, const struct table_shape *s) MUST; // table and indexes, empty
// cells[i] belongs to columns[i]. id 0 = the next one. Seals what must be sealed.
int table_insert(struct cx *cx, const struct table_shape *s, int64_t id, const struct table_cell *cells) MUST;
// The row with this key (key columns of cells), 0 = none; update leaves the row id as it was.
int table_find(struct cx *cx, const struct table_shape *s, const struct table_cell *cells,
               int64_t *ret_id) MUST;
int table_update(struct cx *cx, const struct table_shape *s, int64_t id, const struct table_cell *cells,
                 const bool *which) MUST; // columns to set; NULL = all
// Copies rows after *after (ids kept) from another table of the data set: the columns that both hold in the
// same form, others stay empty. *after moves on; 0 rows = done.
int table_copy(struct cx *cx, const struct table_shape *s, const struct table_shape *from, int64_t *after,
               int64_t most, int64_t *ret_rows) MUST;
// Deletes up to `most` rows; when none is left, drops the table and says so.
int table_drop_slice(struct cx *cx, int64_t table, int64_t most, bool *ret_gone) MUST;

// --- asking ---
enum table_op { TABLE_EQ = 1, TABLE_IN, TABLE_GTE, TABLE_LTE, TABLE_PREFIX };
struct table_filter {
    int column; // index into shape->columns
    enum table_op op;
    const struct table_cell *values; // typed; PREFIX and sealed columns: text
    int n;
};
struct table_view_column {
    int column;          // index into shape->columns
    enum mask_kind mask; // applied to every value that leaves
};
struct table_view {
    int64_t id; // goes under the cursor's signature: the grant, or a TABLE_VIEW_… of the asker's kind
    const struct table_view_column *columns;
    int n;
    const struct table_filter *fixed; // row filter of the grant, area scope (PREFIX on the area column)
    int fixed_n;
};
#define TABLE_VIEW_PREVIEW  (-1)
#define TABLE_VIEW_PORTAL   (-2)
#define TABLE_VIEW_DOWNLOAD (-3)
#define TABLE_VIEW_STEWARD  (-4)

struct table_query {
    const struct table_shape *shape;
    const struct table_view *view;
    const int *fields; // indexes into view->columns, in the order wanted
    int fields_n;
    const struct table_filter *filters;
    int filters_n;
    int64_t limit;
    int64_t after; // row id
};
// From the query part of a URL:
//   fields=a,b  limit=  after=  <column>=v  <column>.gte=  <column>.lte=  <column>.in=a,b  <column>.prefix=
// `others` (NULL-ended, may be NULL) are names the route reads itself. Errors name the field.
int table_query_read(struct cx *cx, const struct table_shape *s, const struct table_view *v, struct str query,
                     const char *const *others, struct table_query *ret) MUST;
// All columns of the view, no filters, the standard limit.
struct table_query table_query_all(struct cx *cx, const struct table_shape *s, const struct table_view *v);
// One filter from text, as a grant declares it: no view is asked, so only for fixed filters and 核验.
int table_filter_make(struct cx *cx, const struct table_shape *s, struct str column, struct str op,
                      const struct str *values, int n, struct table_filter *ret) MUST;
// {"column","op":"eq|in|gte|lte|prefix","value":… or "values":[…]}
int table_filter_json(struct cx *cx, const struct table_shape *s, struct json item,
                      struct table_filter *ret) MUST;
// May this view filter by that column? ERR_column_unknown, ERR_column_masked.
int table_filter_may(struct cx *cx, const struct table_shape *s, const struct table_view *v, int column) MUST;

enum table_format { TABLE_JSON = 1, TABLE_NDJSON, TABLE_CSV };
struct table_page {
    int64_t rows;
    int64_t last_id;
    struct str next; // cursor; STR_NONE at the end
};
// JSON writes an array of objects (the caller stands where a value is wanted: after jw_name "items"); NDJSON
// one object a line; CSV lines without header (table_csv_header), formulas defused.
int table_page_json(struct cx *cx, const struct table_query *q, struct jw *w, struct table_page *ret) MUST;
int table_page_text(struct cx *cx, const struct table_query *q, enum table_format f, struct buf *out,
                    struct table_page *ret) MUST;
void table_csv_header(const struct table_query *q, struct buf *out);
// cells[i] belongs to q->fields[i], masked already. Values live until the callback returns.
typedef int table_row_fn(struct cx *cx, void *arg, int64_t id, const struct table_cell *cells);
int table_page_rows(struct cx *cx, const struct table_query *q, table_row_fn *fn, void *arg,
                    struct table_page *ret) MUST;
int table_count(struct cx *cx, const struct table_query *q,
                int64_t *ret) MUST; // of all rows that the filters pass
int table_exists(struct cx *cx, const struct table_query *q, bool *ret) MUST; // 核验: is there such a row?
struct str table_cursor(struct cx *cx, const struct table_query *q, int64_t last_id);
enum table_type table_query_type(const struct table_query *q, int field);
const struct table_column *table_query_column(const struct table_query *q, int field);

#endif
