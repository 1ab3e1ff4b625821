// SPDX-License-Identifier: MulanPSL-2.0
// What the files of the spreadsheet reader share and nobody else sees.
#ifndef XML_XLSX_INSIDE_H
#define XML_XLSX_INSIDE_H
#include "xml/xlsx.h"
#include "xml/xml.h"
#include <zip.h>

#define XLSX_MAGIC        0x786c7378u
#define XLSX_STRING_CHUNK ((size_t)4096)
// A style's byte: enum xlsx_kind of what it shows, and this bit for a duration ([h]:mm) instead of a clock.
#define XLSX_ELAPSED 0x80

struct xlsx {
    uint32_t magic;
    bool is_1904;   // days count from 1904-01-01 (old Mac workbooks)
    bool is_loaded; // shared strings and styles have been read
    zip_t *zip;
    struct arena mem; // all below
    struct xlsx_sheet *sheets;
    struct str *sheet_parts;
    size_t sheet_n;
    struct str strings_part, styles_part; // STR_NONE when the workbook has none
    struct str **strings;                 // chunks of XLSX_STRING_CHUNK
    size_t string_n;
    uint8_t *styles; // by index into cellXfs
    size_t style_n;
};

// xlsx_package.c: parts of the zip, streamed through the XML reader within the limits.
int xlsx_package_open(struct xlsx *x, zip_source_t *source, struct err *e) MUST; // takes over source
bool xlsx_part_exists(const struct xlsx *x, struct str part);
int xlsx_part_read(struct xlsx *x, struct str part, const struct xml_handler *h, void *arg,
                   struct err *e) MUST;
// Joins a relationship target to the folder of its source part; STR_NONE if it climbs out of the package.
struct str xlsx_part_join(struct arena *mem, struct str source_part, struct str target);

// xlsx_book.c
int xlsx_load(struct xlsx *x, struct err *e) MUST;         // shared strings and styles, once
struct str xlsx_string_at(const struct xlsx *x, size_t i); // i < string_n
// Undoes _xHHHH_ (ECMA-376 §22.9.2.19) in place; gives the new length.
size_t xlsx_unescape(char *p, size_t n);

// xlsx_value.c
#define XLSX_VALUE_MAX 48 // longest text of a number or date, with its zero
uint8_t xlsx_format_builtin(uint32_t id);
uint8_t xlsx_format_kind(struct str code);
bool xlsx_number_read(struct str raw, double *ret) MUST;
// Text of a stored number; false when raw is no number.
bool xlsx_number_text(struct str raw, char out[XLSX_VALUE_MAX]) MUST;
// Text of a serial day number under a date style; false when there is no such day (60 = the 29 February 1900
// that never was, negative, past 9999): show the number then.
bool xlsx_serial_text(double serial, uint8_t style, bool is_1904, char out[XLSX_VALUE_MAX]) MUST;

#endif
