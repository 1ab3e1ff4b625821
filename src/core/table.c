// SPDX-License-Identifier: MulanPSL-2.0
// Values of generated tables: from the spellings of offices into one canonical form, and out again as CSV
// text and JSON. Keeps true: reading what was written gives the same cell (round trip), no number passes
// through a double, and a value that is not surely of its type is refused rather than guessed: the load sets
// such rows aside.
#include "core/table_inner.h"
#include <assert.h>

#define DEC_DIGITS_MAX 60 // of a decimal, exponent undone

static const char *const TYPE_NAMES[TABLE_TYPE_COUNT] = {
    [TABLE_TEXT] = "text",
    [TABLE_CODE] = "code",
    [TABLE_PERIOD] = "period",
    [TABLE_INT] = "int",
    [TABLE_FEN] = "fen",
    [TABLE_BOOL] = "bool",
    [TABLE_DATE] = "date",
    [TABLE_DATETIME] = "datetime",
    [TABLE_DEC] = "dec",
    [TABLE_POINT] = "point",
    [TABLE_GEOMETRY] = "multipolygon",
};

enum table_type table_type_of(struct str word) {
    for (int t = 1; t < TABLE_TYPE_COUNT; t++)
        if (str_eq(word, str_of(TYPE_NAMES[t]))) return (enum table_type)t;
    return str_eq(word, S("geometry")) ? TABLE_GEOMETRY : (enum table_type)0;
}

const char *table_type_name(enum table_type t) {
    return t > 0 && t < TABLE_TYPE_COUNT ? TYPE_NAMES[t] : "";
}

bool table_type_is_int(enum table_type t) {
    return t == TABLE_INT || t == TABLE_FEN || t == TABLE_BOOL || t == TABLE_DATE || t == TABLE_DATETIME;
}

int table_column_index(const struct table_shape *s, struct str id) {
    for (int i = 0; i < s->n; i++)
        if (str_eq(s->columns[i].id, id)) return i;
    return -1;
}

// --- reading ---

static int bad_type(struct err *e, enum table_type t, struct str text) {
    (void)text; // never repeated in the error: it may be personal
    return err_set(e, ERR_field_type, "", "%s", table_type_name(t));
}

// A decimal taken apart: sign, its digits without the point, and how many of them stand behind the point.
struct decimal {
    bool is_negative;
    char digits[DEC_DIGITS_MAX];
    int n, scale;
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Thousands separators are accepted only where they separate thousands: "1,23" may be somebody's decimal
// comma.
static bool commas_are_thousands(struct str s) {
    size_t since = 0;
    bool seen = false;
    for (size_t i = 0; i < s.n && s.p[i] != '.' && s.p[i] != 'e' && s.p[i] != 'E'; i++) {
        if (s.p[i] == ',') {
            if (seen ? since != 3 : (since == 0 || since > 3)) return false;
            seen = true;
            since = 0;
        } else
            since++;
    }
    return !seen || since == 3;
}

static bool decimal_digits(struct str s, size_t *at, struct decimal *d) {
    bool has_point = false, has_digit = false;
    for (; *at < s.n; (*at)++) {
        const char c = s.p[*at];
        if (c == '.' && !has_point) {
            has_point = true;
        } else if (is_digit(c)) {
            has_digit = true;
            if (d->n == 0 && c == '0') { // leading zeros carry nothing but the place of the point
                d->scale += has_point;
                continue;
            }
            if (d->n == DEC_DIGITS_MAX) return false;
            d->digits[d->n++] = c;
            d->scale += has_point;
        } else if (c != ',' || has_point)
            break;
    }
    return has_digit;
}

// Excel hands over "1.5E-7": the exponent only moves the point.
static bool decimal_exponent(struct str s, size_t *at, struct decimal *d) {
    if (*at >= s.n || (s.p[*at] != 'e' && s.p[*at] != 'E')) return true;
    struct str rest = {s.p + *at + 1, s.n - *at - 1};
    if (rest.n > 0 && rest.p[0] == '+') rest = (struct str){rest.p + 1, rest.n - 1};
    int64_t exponent;
    if (!str_int64(rest, &exponent) || exponent < -DEC_DIGITS_MAX || exponent > DEC_DIGITS_MAX) return false;
    *at = s.n;
    d->scale -= (int)exponent;
    while (d->scale < 0) {
        if (d->n == DEC_DIGITS_MAX) return false;
        if (d->n > 0) d->digits[d->n++] = '0';
        d->scale++;
    }
    return d->scale <= DEC_DIGITS_MAX;
}

static bool decimal_read(struct str s, struct decimal *ret) {
    struct decimal d = {0};
    size_t at = 0;
    if (at < s.n && (s.p[at] == '-' || s.p[at] == '+')) d.is_negative = s.p[at++] == '-';
    if (!commas_are_thousands((struct str){s.p + at, s.n - at})) return false;
    if (!decimal_digits(s, &at, &d) || !decimal_exponent(s, &at, &d) || at != s.n) return false;
    while (d.scale > 0 && d.n > 0 && d.digits[d.n - 1] == '0') { // 1.50 and 1.5 are one value
        d.n--;
        d.scale--;
    }
    if (d.n == 0) d.is_negative = false, d.scale = 0;
    if (d.scale > DEC_DIGITS_MAX) return false; // zeros behind the point count too
    *ret = d;
    return true;
}

static struct str decimal_text(struct arena *mem, const struct decimal *d) {
    struct buf b = buf_new(mem, 24, 2 * DEC_DIGITS_MAX + 8);
    const int whole = d->n - d->scale; // digits before the point
    if (d->is_negative) buf_char(&b, '-');
    if (whole <= 0) buf_char(&b, '0');
    for (int i = 0; i < whole; i++)
        buf_char(&b, d->digits[i]);
    if (d->scale > 0) {
        buf_char(&b, '.');
        for (int i = whole; i < 0; i++)
            buf_char(&b, '0');
        for (int i = whole > 0 ? whole : 0; i < d->n; i++)
            buf_char(&b, d->digits[i]);
    }
    return buf_str(&b);
}

// The quick way first: nearly all numbers are plain digits.
static bool read_int(struct str s, int64_t *ret) {
    if (str_int64(s, ret)) return true;
    struct decimal d; // "1,234" and Excel's "12.0"
    if (!decimal_read(s, &d) || d.scale != 0 || d.n > 19) return false;
    char text[24];
    int n = 0;
    if (d.is_negative) text[n++] = '-';
    if (d.n == 0) text[n++] = '0';
    for (int i = 0; i < d.n; i++)
        text[n++] = d.digits[i];
    return str_int64((struct str){text, (size_t)n}, ret);
}

// What forms and spreadsheets put where a truth value belongs.
static bool read_bool(struct str s, int64_t *ret) {
    static const struct {
        const char *word;
        int value;
    } words[] = {
        {"1", 1}, {"0", 0}, {"true", 1}, {"false", 0}, {"是", 1}, {"否", 0}, {"yes", 1}, {"no", 0},
        {"y", 1}, {"n", 0}, {"√", 1},    {"×", 0},     {"真", 1}, {"假", 0}, {"有", 1},  {"无", 0},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq_nocase(s, str_of(words[i].word))) {
            *ret = words[i].value;
            return true;
        }
    return false;
}

// "08:00", "08:00:00", "08:00:00.123": milliseconds of the day.
static bool read_day_time(struct str s, int64_t *ret_ms) {
    struct str rest = STR_NONE, fraction = STR_NONE;
    int64_t part[3] = {0, 0, 0};
    int n = 0;
    struct str whole = str_cut(s, '.', &fraction);
    for (rest = whole; n < 3 && rest.p; n++) {
        const struct str one = str_cut(rest, ':', &rest);
        if (one.n < 1 || one.n > 2 || !is_digit(one.p[0]) || !str_int64(one, &part[n])) return false;
    }
    if (rest.p || n < 2 || part[0] > 23 || part[1] > 59 || part[2] > 59) return false;
    int64_t ms = 0;
    for (size_t i = 0; i < 3 && fraction.p; i++) {
        if (i < fraction.n && !is_digit(fraction.p[i])) return false;
        ms = ms * 10 + (i < fraction.n ? fraction.p[i] - '0' : 0);
    }
    *ret_ms = ((part[0] * 60 + part[1]) * 60 + part[2]) * 1000 + ms;
    return true;
}

// A date with a time of the day behind it (what Excel and databases export); the time is local, China's.
static bool read_local(struct str s, int32_t *ret_days, int64_t *ret_ms) {
    size_t cut = 0;
    while (cut < s.n && s.p[cut] != ' ' && s.p[cut] != 'T')
        cut++;
    const struct str date = {s.p, cut};
    const struct str time = cut < s.n ? str_trim((struct str){s.p + cut + 1, s.n - cut - 1}) : STR_NONE;
    *ret_ms = 0;
    if (!clock_read_date(date, ret_days)) return false;
    return cut == s.n || read_day_time(time, ret_ms);
}

static bool read_date(struct str s, int64_t *ret) {
    int32_t days;
    int64_t ms;
    if (!read_local(s, &days, &ms) || ms != 0) return false; // a real time of day would be lost: refuse
    *ret = days;
    return true;
}

static bool read_datetime(struct str s, int64_t *ret) {
    int32_t days;
    int64_t ms;
    if (clock_read_iso(s, ret)) return true;
    if (s.n == 14) { // 20261122080000
        int64_t all;
        char date[8], time[8];
        if (!str_int64(s, &all) || all < 0) return false;
        memcpy(date, s.p, 8);
        memcpy(time, (const char[8]){s.p[8], s.p[9], ':', s.p[10], s.p[11], ':', s.p[12], s.p[13]}, 8);
        if (!clock_read_date((struct str){date, 8}, &days) || !read_day_time((struct str){time, 8}, &ms))
            return false;
    } else if (!read_local(s, &days, &ms))
        return false;
    *ret = days * DAY_MS + ms - CHINA_OFFSET_MS;
    return true;
}

// 202301, 2023-01, 2023/1, 2023.1, 2023年1月
static bool read_period(struct arena *mem, struct str s, struct str *ret) {
    if (s.n < 6) return false;
    for (int i = 0; i < 4; i++)
        if (!is_digit(s.p[i])) return false;
    struct str month = {s.p + 4, s.n - 4};
    static const char *const separators[] = {"-", "/", ".", "年"};
    for (size_t i = 0; i < sizeof separators / sizeof *separators; i++) {
        const struct str sep = str_of(separators[i]);
        if (!str_starts(month, sep)) continue;
        month = (struct str){month.p + sep.n, month.n - sep.n};
        if (str_ends(month, S("月"))) month.n -= S("月").n;
        break;
    }
    int64_t m;
    if (month.n < 1 || month.n > 2 || !is_digit(month.p[0]) || !str_int64(month, &m) || m < 1 || m > 12)
        return false;
    if (month.p == s.p + 4 && month.n != 2) return false; // "20231" is no period
    *ret = str_print(mem, "%.4s%02d", s.p, (int)m);
    return true;
}

// Compared by digits, not as a double: 180.0000000000000001 is outside.
static bool in_degrees(const struct decimal *d, int most) {
    int64_t whole = 0;
    const int n = d->n - d->scale;
    if (n > 3) return false;
    for (int i = 0; i < n; i++)
        whole = whole * 10 + (d->digits[i] - '0');
    return whole < most || (whole == most && d->scale == 0);
}

// "120.62 31.30", "120.62,31.30", "POINT(120.62 31.30)": longitude first, as in the shape's reference system.
// {"type":"Point","coordinates":[lon,lat]}: the two numbers as they are written, a height is passed over.
static bool point_of_geojson(struct arena *mem, struct str s, struct decimal *x, struct decimal *y) {
    struct json j;
    struct err e = {0};
    if (json_parse(mem, s, &j, &e) != OK || !str_eq(json_text(json_get(j, S("type"))), S("Point")))
        return false;
    const struct json at = json_get(j, S("coordinates"));
    return decimal_read(json_raw(json_at(at, 0)), x) && decimal_read(json_raw(json_at(at, 1)), y);
}

static bool read_point(struct arena *mem, struct str s, struct str *ret) {
    struct decimal x, y;
    if (s.n > 7 && str_eq_nocase((struct str){s.p, 5}, S("POINT")) && s.p[s.n - 1] == ')') {
        const char *open = memchr(s.p, '(', s.n);
        if (!open) return false;
        s = str_trim((struct str){open + 1, (size_t)(s.p + s.n - 1 - (open + 1))});
    }
    size_t cut = 0;
    while (cut < s.n && s.p[cut] != ' ' && s.p[cut] != ',' && (unsigned char)s.p[cut] < 0x80)
        cut++;
    struct str lat = str_trim((struct str){s.p + cut, s.n - cut});
    if (str_starts(lat, S(","))) lat = (struct str){lat.p + 1, lat.n - 1};
    if (str_starts(lat, S("，"))) lat = (struct str){lat.p + 3, lat.n - 3};
    const bool ok = str_starts(s, S("{"))
                        ? point_of_geojson(mem, s, &x, &y)
                        : decimal_read((struct str){s.p, cut}, &x) && decimal_read(str_trim(lat), &y);
    if (!ok) return false;
    if (!in_degrees(&x, 180) || !in_degrees(&y, 90)) return false;
    const struct str a = decimal_text(mem, &x), b = decimal_text(mem, &y);
    *ret = str_print(mem, "%.*s %.*s", STRF(a), STRF(b));
    return true;
}

// GeoJSON geometry (RFC 7946): the outside shape is checked here, the rings by who draws them.
static bool read_geometry(struct arena *mem, struct str s, struct str *ret) {
    static const char *const kinds[] = {"Polygon", "MultiPolygon", "LineString", "MultiLineString",
                                        "MultiPoint"};
    struct json j;
    struct err e = {0};
    if (json_parse(mem, s, &j, &e) != OK || !json_is(j, JSON_OBJECT)) return false;
    if (!json_is(json_get(j, S("coordinates")), JSON_ARRAY)) return false;
    const struct str kind = json_text(json_get(j, S("type")));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (str_eq(kind, str_of(kinds[i]))) {
            // One line, always: a row is one line of NDJSON.
            const bool is_lines = memchr(s.p, '\n', s.n) || memchr(s.p, '\r', s.n);
            *ret = is_lines ? json_canonical(mem, j) : s;
            return true;
        }
    return false;
}

static bool read_dec(struct arena *mem, struct str s, struct str *ret) {
    struct decimal d;
    if (!decimal_read(s, &d)) return false;
    *ret = decimal_text(mem, &d);
    return true;
}

int table_cell_read(struct arena *mem, enum table_type type, struct str text, struct table_cell *ret,
                    struct err *e) {
    const struct str s = str_trim(text);
    struct table_cell c = {0};
    bool ok = false;
    if (s.n == 0) {
        *ret = c;
        return OK;
    }
    if (s.n > TABLE_CELL_MAX) return err_set(e, ERR_too_large, "", "%zu", TABLE_CELL_MAX);
    c.kind = table_type_is_int(type) ? TABLE_CELL_INT : TABLE_CELL_TEXT;
    switch (type) {
    case TABLE_TEXT:
    case TABLE_CODE:
        c.s = s, ok = true;
        break;
    case TABLE_PERIOD:
        ok = read_period(mem, s, &c.s);
        break;
    case TABLE_INT:
    case TABLE_FEN:
        ok = read_int(s, &c.i);
        break;
    case TABLE_BOOL:
        ok = read_bool(s, &c.i);
        break;
    case TABLE_DATE:
        ok = read_date(s, &c.i);
        break;
    case TABLE_DATETIME:
        ok = read_datetime(s, &c.i);
        break;
    case TABLE_DEC:
        ok = read_dec(mem, s, &c.s);
        break;
    case TABLE_POINT:
        ok = read_point(mem, s, &c.s);
        break;
    case TABLE_GEOMETRY:
        ok = read_geometry(mem, s, &c.s);
        break;
    case TABLE_TYPE_COUNT:
        break;
    }
    if (!ok) return bad_type(e, type, s);
    *ret = c;
    return OK;
}

// --- writing ---

// Two digits; dates are formatted without a detour through the arena: this is the hot path.
static void put2(char *p, int v) {
    p[0] = (char)('0' + v / 10);
    p[1] = (char)('0' + v % 10);
}

#define DATE_BYTES 10
static bool date_text(int64_t days, char text[DATE_BYTES]) {
    const struct civil d = clock_civil(days * DAY_MS, 0);
    if (d.year < 0 || d.year > 9999) return false;
    put2(text, d.year / 100);
    put2(text + 2, d.year % 100);
    text[4] = text[7] = '-';
    put2(text + 5, d.month);
    put2(text + 8, d.day);
    return true;
}

void table_cell_put(struct buf *out, enum table_type type, const struct table_cell *c) {
    char date[DATE_BYTES];
    if (c->kind == TABLE_CELL_NULL) return;
    if (c->kind == TABLE_CELL_TEXT)
        buf_put(out, c->s);
    else if (type == TABLE_DATE) {
        if (date_text(c->i, date)) buf_put(out, (struct str){date, sizeof date});
    } else if (type == TABLE_DATETIME)
        buf_put(out, clock_iso_offset(out->mem, c->i, CHINA_OFFSET_MS));
    else if (type == TABLE_BOOL)
        buf_puts(out, c->i ? "true" : "false");
    else
        buf_int(out, c->i);
}

struct str table_cell_text(struct arena *mem, enum table_type type, const struct table_cell *c) {
    if (c->kind == TABLE_CELL_NULL) return STR_NONE;
    if (c->kind == TABLE_CELL_TEXT) return c->s;
    struct buf b = buf_new(mem, 32, 64);
    table_cell_put(&b, type, c);
    return buf_str(&b);
}

void table_cell_json(struct jw *w, enum table_type type, const struct table_cell *c) {
    if (c->kind == TABLE_CELL_NULL) {
        jw_null(w);
    } else if (c->kind == TABLE_CELL_TEXT) {
        // A canonical decimal and stored GeoJSON are JSON already; they were checked on the way in.
        if (type == TABLE_DEC || type == TABLE_GEOMETRY)
            jw_raw(w, c->s);
        else
            jw_text(w, c->s);
    } else if (type == TABLE_DATE) {
        char date[DATE_BYTES];
        if (date_text(c->i, date))
            jw_text(w, (struct str){date, sizeof date});
        else
            jw_null(w);
    } else if (type == TABLE_DATETIME) {
        jw_text(w, clock_iso_offset(w->out->mem, c->i, CHINA_OFFSET_MS));
    } else if (type == TABLE_BOOL) {
        jw_bool(w, c->i != 0);
    } else
        jw_int(w, c->i);
}
