// SPDX-License-Identifier: MulanPSL-2.0
// Shapes of replies that several route files of exchange give.
#ifndef EXCHANGE_SHAPES_H
#define EXCHANGE_SHAPES_H
#include "core/route.h"

extern const struct field exchange_line_column_fields[], exchange_filter_fields[];
extern const struct shape exchange_application_shape, exchange_application_list_shape, exchange_cart_shape;
extern const struct shape exchange_grant_shape, exchange_grant_list_shape, exchange_key_shape,
    exchange_call_list_shape, exchange_meter_shape;
extern const struct shape exchange_trace_shape, exchange_todo_shape;
#endif
