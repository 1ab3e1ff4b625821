// SPDX-License-Identifier: MulanPSL-2.0
// From gusu's SQL, which is SQLite's, to PostgreSQL's. Used at build time for all named queries (tools/sqlgen) and at
// run time for the statements that core's query builder composes; so it knows nothing but the C library.
#ifndef STORE_DIALECT_H
#define STORE_DIALECT_H
#include <stdbool.h>
#include <stddef.h>

// Writes the translation and its final 0 to out; false when out_n does not suffice or the text cannot be translated:
// then *ret_why says why in a few words. *ret_params is the greatest parameter number.
bool dialect_postgres(const char *sql, size_t sql_n, char *out, size_t out_n, int *ret_params,
                      const char **ret_why);
#endif
