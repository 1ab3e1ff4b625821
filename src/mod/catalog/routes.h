// SPDX-License-Identifier: MulanPSL-2.0
// Field tables and shapes that several route files of this room use (shapes.c), and the list that portal and desk share.
#ifndef CATALOG_ROUTES_H
#define CATALOG_ROUTES_H
#include "mod/catalog/inside.h"

extern const struct field catalog_create_takes[], catalog_edit_takes[];
extern const struct field catalog_list_takes[];
extern const struct shape catalog_list_shape, catalog_resource_list_shape, catalog_done_shape,
    catalog_file_shape;

// The list with filters, facets and paging. is_public: only live, open data sets, whoever asks.
int list_datasets(struct cx *cx, bool is_public) MUST;

#endif
