// SPDX-License-Identifier: MulanPSL-2.0
// Who sees which rows of a data set without a grant: the public, a log-in looking, a log-in downloading, the
// provider itself. Private to this room (CKAN and DCAT ask here too), so that no exit is laxer than another.
#ifndef CATALOG_ROWS_H
#define CATALOG_ROWS_H
#include "mod/catalog/inside.h"

enum rows_eyes {
    ROWS_PORTAL = 1, // anybody: open columns of grade L1 of freely open data sets
    ROWS_PREVIEW,    // a log-in: all columns, masked by grade
    ROWS_DOWNLOAD,   // a log-in: columns shared without condition, masked by grade
    ROWS_OWNER       // the provider's steward, who gave a reason
};
struct rows {
    struct catalog_dataset *ds;
    struct table_shape shape;
    struct table_view view;
    const char
        *withheld; // why no row is shown: "conditional", "verify_only", "not_shared"; NULL = rows are shown
};
// Builds the view; never fails for want of rights: then `withheld` says why and the view is only for its
// columns.
int rows_open(struct cx *cx, struct catalog_dataset *ds, enum rows_eyes eyes, struct rows *ret) MUST;
// The live data set of the path's {id} as the asker may see it. is_public: as anybody, whoever asks.
int rows_dataset(struct cx *cx, bool is_public, struct catalog_dataset **ret) MUST;
// Writes columns, items and next of one page into an open object of cx->w.
int rows_page(struct cx *cx, const struct rows *r, const struct table_query *q, struct table_page *ret) MUST;

// Replies with a whole data set as a file: "csv", "json", "xlsx". On a worker (rows_export.c).
#define ROWS_XLSX_MAX 1048575 // rows of a sheet below its header
int rows_export(struct cx *cx, const struct rows *r, struct str format, struct str header,
                bool with_bom) MUST;
struct str rows_file_name(struct cx *cx, const struct catalog_dataset *ds, const char *ending);

#endif
