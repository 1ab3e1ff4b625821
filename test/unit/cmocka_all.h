// SPDX-License-Identifier: MulanPSL-2.0
// cmocka wants these four before itself, in this order.
#ifndef TEST_CMOCKA_ALL_H
#define TEST_CMOCKA_ALL_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#endif
