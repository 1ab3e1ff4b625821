// SPDX-License-Identifier: MulanPSL-2.0
// An .xlsx is a zip of XML parts (ECMA-376 part 2). This file opens the zip of a stranger and streams single
// parts out of it. Kept true: what a header claims about sizes is never believed, bytes are counted as they
// come out; nothing is ever written to disk, so a part name is only a key, and odd ones are still refused
// because other readers of the same file might take them for another part than we do.
#include "xml/xlsx_inside.h"
#include <assert.h>

#define PIECE 65536

static int damaged(struct err *e, struct str part, const char *why) {
    char name[64] = {0};
    if (part.n) memcpy(name, part.p, part.n < sizeof name - 1 ? part.n : sizeof name - 1);
    return err_set(e, ERR_xlsx_file, name, "%s", why);
}

static bool name_ok(const char *name) {
    if (name[0] == 0 || name[0] == '/' || strchr(name, '\\') || strchr(name, ':')) return false;
    for (const char *p = name; p; p = strchr(p, '/'), p = p ? p + 1 : NULL)
        if (strncmp(p, "../", 3) == 0 || strcmp(p, "..") == 0) return false;
    return true;
}

static int entry_check(zip_t *zip, zip_uint64_t i, struct err *e) {
    zip_stat_t s;
    if (zip_stat_index(zip, i, 0, &s) != 0 || !(s.valid & ZIP_STAT_NAME))
        return damaged(e, STR_NONE, "zip entry");
    const struct str name = str_of(s.name);
    if (!name_ok(s.name)) return damaged(e, name, "path of a zip entry");
    if ((s.valid & ZIP_STAT_ENCRYPTION_METHOD) && s.encryption_method != ZIP_EM_NONE)
        return err_set(e, ERR_xlsx_locked, "", "%s", "");
    if ((s.valid & ZIP_STAT_COMP_METHOD) && s.comp_method != ZIP_CM_STORE && s.comp_method != ZIP_CM_DEFLATE)
        return damaged(e, name, "compression method");
    // Two entries of one name: one reader takes the first, another the last.
    if (zip_name_locate(zip, s.name, 0) != (zip_int64_t)i) return damaged(e, name, "name used twice");
    return OK;
}

int xlsx_package_open(struct xlsx *x, zip_source_t *source, struct err *e) {
    zip_error_t ze;
    zip_error_init(&ze);
    x->zip = zip_open_from_source(source, ZIP_RDONLY, &ze);
    if (!x->zip) {
        const int rc = damaged(e, STR_NONE, zip_error_strerror(&ze));
        zip_error_fini(&ze);
        zip_source_free(source); // zip_open takes it over only when it succeeds
        return rc;
    }
    zip_error_fini(&ze);
    const zip_int64_t n = zip_get_num_entries(x->zip, 0);
    if (n > XLSX_ENTRIES_MAX) return err_set(e, ERR_too_large, "zip entries", "%d", XLSX_ENTRIES_MAX);
    for (zip_int64_t i = 0; i < n; i++) {
        const int rc = entry_check(x->zip, (zip_uint64_t)i, e);
        if (rc) return rc;
    }
    return OK;
}

static zip_int64_t find(const struct xlsx *x, struct str part) {
    char name[1024]; // part names are URIs of a few words
    if (part.n == 0 || part.n >= sizeof name) return -1;
    memcpy(name, part.p, part.n);
    name[part.n] = 0;
    const zip_int64_t at = zip_name_locate(x->zip, name, 0);
    return at >= 0 ? at
                   : zip_name_locate(x->zip, name, ZIP_FL_NOCASE); // part names ignore case (part 2 §6.2.2.3)
}

bool xlsx_part_exists(const struct xlsx *x, struct str part) {
    return find(x, part) >= 0;
}

struct str xlsx_part_join(struct arena *mem, struct str source_part, struct str target) {
    struct str dir = {source_part.p, 0};
    for (size_t i = 0; i < source_part.n; i++)
        if (source_part.p[i] == '/') dir.n = i;
    const bool is_absolute = str_starts(target, S("/"));
    struct str rest = is_absolute ? target : str_print(mem, "%.*s/%.*s", STRF(dir), STRF(target));
    struct buf out = buf_new(mem, rest.n + 1, 4096);
    while (rest.n) {
        const struct str step = str_cut(rest, '/', &rest);
        if (step.n == 0 || str_eq(step, S("."))) continue;
        if (!str_eq(step, S(".."))) {
            if (out.n) buf_char(&out, '/');
            buf_put(&out, step);
            continue;
        }
        if (out.n == 0) return STR_NONE;
        while (out.n && out.p[out.n - 1] != '/')
            out.n--;
        if (out.n) out.n--;
    }
    return out.over ? STR_NONE : buf_str(&out);
}

static int over_limit(struct err *e, struct str part, uint64_t done, uint64_t packed) {
    char name[64] = {0};
    memcpy(name, part.p, part.n < sizeof name - 1 ? part.n : sizeof name - 1);
    if (done > XLSX_PART_BYTES_MAX)
        return err_set(e, ERR_too_large, name, "%llu", (unsigned long long)XLSX_PART_BYTES_MAX);
    if (done > XLSX_RATIO_FREE_BYTES && done / (packed + 1) > XLSX_RATIO_MAX)
        return err_set(e, ERR_too_large, name, "%d:1", XLSX_RATIO_MAX);
    return OK;
}

static int pump(zip_file_t *f, struct xml *xml, struct str part, uint64_t packed, struct err *e) {
    char piece[PIECE / 8]; // on the stack, so small
    uint64_t done = 0;
    for (;;) {
        const zip_int64_t n = zip_fread(f, piece, sizeof piece);
        if (n < 0) return damaged(e, part, "part cannot be unpacked"); // also a wrong checksum at the end
        done += (uint64_t)n;
        int rc = over_limit(e, part, done, packed);
        if (rc) return rc;
        rc = xml_feed(xml, (struct str){piece, (size_t)n}, n == 0, e);
        if (rc || n == 0) return rc;
    }
}

// An XML error knows its line but not its file: say which part of the package it was.
static int name_part(struct err *e, struct str part, int rc) {
    if (!e || e->field[0] || (e->code != ERR_xml_syntax && e->code != ERR_xml_dtd)) return rc;
    const struct err was = *e;
    char name[sizeof e->field] = {0};
    memcpy(name, part.p, part.n < sizeof name ? part.n : sizeof name - 1);
    return err_set_row(e, was.code, name, was.row, "%s", was.arg);
}

int xlsx_part_read(struct xlsx *x, struct str part, const struct xml_handler *h, void *arg, struct err *e) {
    zip_stat_t s;
    struct xml *xml = NULL;
    const zip_int64_t at = find(x, part);
    if (at < 0) return damaged(e, part, "part is missing");
    if (zip_stat_index(x->zip, (zip_uint64_t)at, 0, &s) != 0) return damaged(e, part, "zip entry");
    int rc = xml_open(h, arg, &xml, e);
    if (rc) return rc;
    zip_file_t *f = zip_fopen_index(x->zip, (zip_uint64_t)at, 0);
    rc = f ? pump(f, xml, part, s.valid & ZIP_STAT_COMP_SIZE ? s.comp_size : 0, e)
           : damaged(e, part, "part cannot be opened");
    if (f) zip_fclose(f);
    xml_close(xml);
    return rc ? name_part(e, part, rc) : OK;
}
