// SPDX-License-Identifier: MulanPSL-2.0
// jansson as the second opinion on JSON. Its kinds carry the same names as ours, so they are renamed while its
// header is read; include this before base/json.h.
#ifndef TEST_JANSSON_ORACLE_H
#define TEST_JANSSON_ORACLE_H
#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY  JANSSON_ARRAY
#define JSON_TRUE   JANSSON_TRUE
#define JSON_FALSE  JANSSON_FALSE
#define JSON_NULL   JANSSON_NULL
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL
#endif
