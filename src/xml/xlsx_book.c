// SPDX-License-Identifier: MulanPSL-2.0
// What a workbook says about itself before any row is read: which part is the workbook (_rels/.rels), which
// parts its sheets, shared strings and styles are (its own .rels), the sheets' names and order, the date
// system; then, when rows are first wanted, the shared strings and which styles show dates. Kept true: part
// names are found through relationships as the standard says, never guessed, since foreign writers place
// parts freely; and every list has its limit before it grows.
#include "xml/xlsx_inside.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define RELATIONS_MAX     (XLSX_SHEETS_MAX + 1000)
#define FORMAT_ID_MAX     65536
#define CFB_MAGIC         "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" // OLE container: .xls, or an encrypted .xlsx
#define STRING_CHUNKS_MAX (XLSX_STRINGS_MAX / XLSX_STRING_CHUNK)

struct relation {
    struct str id, kind, part; // kind = last step of the type URI, the same in strict and transitional files
};
struct relations {
    struct arena *mem;
    struct str source; // the part whose relationships these are
    struct relation *list;
    size_t n;
    struct err *e;
};

static int relation_open(void *arg, struct str name, const char *const *attributes) {
    struct relations *r = arg;
    if (!str_eq(name, S("Relationship"))) return OK;
    // Links to other files: never followed.
    if (str_eq(xml_attribute(attributes, "TargetMode"), S("External"))) return OK;
    if (r->n == RELATIONS_MAX) return err_set(r->e, ERR_too_large, "relationships", "%d", RELATIONS_MAX);
    struct str kind = xml_attribute(attributes, "Type");
    for (size_t i = kind.n; i > 0; i--)
        if (kind.p[i - 1] == '/') {
            kind = (struct str){kind.p + i, kind.n - i};
            break;
        }
    r->list[r->n++] = (struct relation){
        .id = str_copy(r->mem, xml_attribute(attributes, "Id")),
        .kind = str_copy(r->mem, kind),
        .part = xlsx_part_join(r->mem, r->source, xml_attribute(attributes, "Target")),
    };
    return OK;
}

static int relations_read(struct xlsx *x, struct str source, struct relations *ret, struct err *e) {
    static const struct xml_handler handler = {.open = relation_open};
    size_t dir = 0;
    for (size_t i = 0; i < source.n; i++)
        if (source.p[i] == '/') dir = i + 1;
    const struct str part = str_print(&x->mem, "%.*s_rels/%.*s.rels", (int)dir, source.p ? source.p : "",
                                      (int)(source.n - dir), source.p ? source.p + dir : "");
    *ret = (struct relations){.mem = &x->mem, .source = source, .e = e};
    ret->list = arena_array(&x->mem, RELATIONS_MAX, sizeof *ret->list);
    if (!ret->list || !part.p) return err_set(e, ERR_no_memory, "", "%s", "");
    return xlsx_part_read(x, part, &handler, ret, e);
}

static struct str relation_part(const struct relations *r, struct str id, struct str kind) {
    for (size_t i = 0; i < r->n; i++)
        if (str_eq(r->list[i].kind, kind) && (!id.p || str_eq(r->list[i].id, id))) return r->list[i].part;
    return STR_NONE;
}

struct book {
    struct xlsx *x;
    const struct relations *relations;
    struct err *e;
};

static bool is_true(struct str s) {
    return str_eq(s, S("1")) || str_eq(s, S("true"));
}

static int book_open(void *arg, struct str name, const char *const *attributes) {
    struct book *b = arg;
    struct xlsx *x = b->x;
    if (str_eq(name, S("workbookPr"))) x->is_1904 = is_true(xml_attribute(attributes, "date1904"));
    if (!str_eq(name, S("sheet"))) return OK;
    // Chart and macro sheets have relationships of another kind and no rows.
    const struct str part = relation_part(b->relations, xml_attribute(attributes, "id"), S("worksheet"));
    if (!part.n) return OK;
    if (x->sheet_n == XLSX_SHEETS_MAX) return err_set(b->e, ERR_too_large, "sheets", "%d", XLSX_SHEETS_MAX);
    const struct str state = xml_attribute(attributes, "state");
    x->sheets[x->sheet_n] = (struct xlsx_sheet){
        .name = str_copy(&x->mem, xml_attribute(attributes, "name")),
        .is_hidden = str_eq(state, S("hidden")) || str_eq(state, S("veryHidden")),
    };
    x->sheet_parts[x->sheet_n++] = part;
    return OK;
}

static int book_read(struct xlsx *x, struct err *e) {
    static const struct xml_handler handler = {.open = book_open};
    struct relations package, own;
    int rc = relations_read(x, STR_NONE, &package, e);
    if (rc) return rc;
    const struct str part = relation_part(&package, STR_NONE, S("officeDocument"));
    if (!part.n) return err_set(e, ERR_xlsx_file, "", "no workbook inside");
    rc = relations_read(x, part, &own, e);
    if (rc) return rc;
    x->sheets = arena_array(&x->mem, XLSX_SHEETS_MAX, sizeof *x->sheets);
    x->sheet_parts = arena_array(&x->mem, XLSX_SHEETS_MAX, sizeof *x->sheet_parts);
    if (!x->sheets || !x->sheet_parts) return err_set(e, ERR_no_memory, "", "%s", "");
    x->strings_part = relation_part(&own, STR_NONE, S("sharedStrings"));
    x->styles_part = relation_part(&own, STR_NONE, S("styles"));
    rc = xlsx_part_read(x, part, &handler, &(struct book){x, &own, e}, e);
    if (rc) return rc;
    if (x->sheet_n == 0) return err_set(e, ERR_xlsx_file, "", "no worksheet inside");
    return x->mem.failed ? err_set(e, ERR_no_memory, "", "%s", "") : OK;
}

static int open_source(zip_source_t *source, struct xlsx **ret, struct err *e) {
    struct xlsx *x = source ? calloc(1, sizeof *x) : NULL;
    if (!x) {
        zip_source_free(source);
        return err_set(e, ERR_no_memory, "", "%s", "");
    }
    x->magic = XLSX_MAGIC;
    arena_init(&x->mem, 2 * XLSX_STRING_BYTES_MAX);
    int rc = xlsx_package_open(x, source, e);
    if (rc == OK) rc = book_read(x, e);
    if (rc)
        xlsx_close(x);
    else
        *ret = x;
    return rc;
}

static int check_head(struct str head, uint64_t size, struct err *e) {
    if (size > XLSX_BYTES_MAX)
        return err_set(e, ERR_too_large, "file", "%llu", (unsigned long long)XLSX_BYTES_MAX);
    if (str_starts(head, S(CFB_MAGIC))) return err_set(e, ERR_xlsx_locked, "", "%s", "");
    if (!str_starts(head, S("PK"))) return err_set(e, ERR_xlsx_file, "", "no zip file");
    return OK;
}

int xlsx_open(struct str bytes, struct xlsx **ret, struct err *e) {
    const int rc = check_head(bytes, bytes.n, e);
    return rc ? rc : open_source(zip_source_buffer_create(bytes.p, bytes.n, 0, NULL), ret, e);
}

int xlsx_open_fd(int fd, struct xlsx **ret, struct err *e) {
    char head[8] = {0};
    struct stat st;
    const ssize_t n = fstat(fd, &st) == 0 ? pread(fd, head, sizeof head, 0) : -1;
    if (n < 0) return err_set(e, ERR_file, "", "cannot read the file");
    const int rc = check_head((struct str){head, (size_t)n}, (uint64_t)st.st_size, e);
    if (rc) return rc;
    const int own = dup(fd); // libzip closes what it is given
    FILE *f = own >= 0 ? fdopen(own, "rb") : NULL;
    if (!f) {
        if (own >= 0) close(own);
        return err_set(e, ERR_file, "", "cannot read the file");
    }
    zip_source_t *source = zip_source_filep_create(f, 0, -1, NULL);
    if (!source) fclose(f);
    return open_source(source, ret, e);
}

void xlsx_close(struct xlsx *x) {
    if (!x) return;
    assert(x->magic == XLSX_MAGIC);
    if (x->zip) zip_discard(x->zip);
    arena_free(&x->mem);
    x->magic = 0;
    free(x);
}

size_t xlsx_sheet_count(const struct xlsx *x) {
    assert(x && x->magic == XLSX_MAGIC);
    return x->sheet_n;
}

struct xlsx_sheet xlsx_sheet_at(const struct xlsx *x, size_t i) {
    assert(x && x->magic == XLSX_MAGIC && i < x->sheet_n);
    return x->sheets[i];
}

size_t xlsx_unescape(char *p, size_t n) {
    size_t out = 0;
    for (size_t at = 0; at < n;) {
        uint8_t raw[2];
        const bool is_escape = n - at >= 7 && p[at] == '_' && p[at + 1] == 'x' && p[at + 6] == '_' &&
                               str_unhex((struct str){p + at + 2, 4}, raw, 2);
        const uint32_t c = is_escape ? (uint32_t)raw[0] << 8 | raw[1] : 0;
        // NUL and halves of surrogate pairs cannot stand in our text: left as they are written.
        if (c == 0 || (c >= 0xd800 && c <= 0xdfff)) {
            p[out++] = p[at++];
            continue;
        }
        char put[4];
        const size_t k = str_utf8_put(put, c); // at most 3 bytes for 7
        memcpy(p + out, put, k);
        out += k;
        at += 7;
    }
    return out;
}

// Shared strings: <si> holds one <t>, or runs <r><t>, and phonetic guides <rPh><t> that are not part of it.
struct strings {
    struct xlsx *x;
    struct arena scratch;
    struct buf text;
    bool in_item, in_text;
    int phonetic; // depth inside rPh
    size_t bytes;
    struct err *e;
};

static int string_open(void *arg, struct str name, const char *const *attributes) {
    struct strings *s = arg;
    (void)attributes;
    if (str_eq(name, S("si"))) {
        arena_reset(&s->scratch);
        s->text = buf_new(&s->scratch, 64, XLSX_CELL_BYTES_MAX);
        s->in_item = true;
    } else if (str_eq(name, S("rPh")))
        s->phonetic++;
    else if (str_eq(name, S("t")))
        s->in_text = s->in_item && !s->phonetic;
    return OK;
}

static int string_text(void *arg, struct str piece) {
    struct strings *s = arg;
    if (s->in_text) buf_put(&s->text, piece);
    return OK;
}

static int string_keep(struct strings *s) {
    struct xlsx *x = s->x;
    const size_t i = x->string_n, chunk = i / XLSX_STRING_CHUNK;
    if (s->text.over)
        return err_set_row(s->e, ERR_too_large, "shared string", (int64_t)i + 1, "%zu", XLSX_CELL_BYTES_MAX);
    if (i == XLSX_STRINGS_MAX) return err_set(s->e, ERR_too_large, "shared strings", "%zu", XLSX_STRINGS_MAX);
    const size_t n = xlsx_unescape(s->text.p, s->text.n);
    s->bytes += n;
    if (s->bytes > XLSX_STRING_BYTES_MAX)
        return err_set(s->e, ERR_too_large, "shared strings", "%zu", XLSX_STRING_BYTES_MAX);
    if (!x->strings[chunk]) x->strings[chunk] = arena_array(&x->mem, XLSX_STRING_CHUNK, sizeof(struct str));
    if (!x->strings[chunk]) return err_set(s->e, ERR_no_memory, "", "%s", "");
    x->strings[chunk][i % XLSX_STRING_CHUNK] = n ? str_copy(&x->mem, (struct str){s->text.p, n}) : STR_NONE;
    x->string_n++;
    return x->mem.failed ? err_set(s->e, ERR_no_memory, "", "%s", "") : OK;
}

static int string_close(void *arg, struct str name) {
    struct strings *s = arg;
    if (str_eq(name, S("t"))) s->in_text = false;
    if (str_eq(name, S("rPh"))) s->phonetic--;
    if (!str_eq(name, S("si")) || !s->in_item) return OK;
    s->in_item = false;
    return string_keep(s);
}

static int strings_read(struct xlsx *x, struct err *e) {
    static const struct xml_handler handler = {string_open, string_close, string_text};
    struct strings s = {.x = x, .e = e};
    x->strings = arena_array(&x->mem, STRING_CHUNKS_MAX, sizeof *x->strings);
    if (!x->strings) return err_set(e, ERR_no_memory, "", "%s", "");
    arena_init(&s.scratch, 4 * XLSX_CELL_BYTES_MAX);
    const int rc = xlsx_part_read(x, x->strings_part, &handler, &s, e);
    arena_free(&s.scratch);
    return rc;
}

struct str xlsx_string_at(const struct xlsx *x, size_t i) {
    assert(i < x->string_n);
    return x->strings[i / XLSX_STRING_CHUNK][i % XLSX_STRING_CHUNK];
}

// Styles: a cell names an <xf> of <cellXfs>, which names a number format.
struct styles {
    struct xlsx *x;
    uint32_t *format_of; // by xf
    uint8_t *kind_of;    // by format id
    bool in_cell_xfs;
    struct err *e;
};

static int style_open(void *arg, struct str name, const char *const *attributes) {
    struct styles *s = arg;
    int64_t id = 0;
    if (str_eq(name, S("cellXfs"))) s->in_cell_xfs = true;
    const bool is_format = str_eq(name, S("numFmt")), is_xf = s->in_cell_xfs && str_eq(name, S("xf"));
    if (!is_format && !is_xf) return OK;
    const bool has_id =
        str_int64(xml_attribute(attributes, "numFmtId"), &id) && id >= 0 && id < FORMAT_ID_MAX;
    if (is_format) { // also found inside differential styles, where it says the same
        if (has_id) s->kind_of[id] = xlsx_format_kind(xml_attribute(attributes, "formatCode"));
        return OK;
    }
    if (s->x->style_n == XLSX_STYLES_MAX)
        return err_set(s->e, ERR_too_large, "styles", "%d", XLSX_STYLES_MAX);
    s->format_of[s->x->style_n++] = has_id ? (uint32_t)id : 0;
    return OK;
}

static int style_close(void *arg, struct str name) {
    struct styles *s = arg;
    if (str_eq(name, S("cellXfs"))) s->in_cell_xfs = false;
    return OK;
}

static int styles_read(struct xlsx *x, struct err *e) {
    static const struct xml_handler handler = {style_open, style_close, NULL};
    struct styles s = {.x = x, .e = e};
    s.format_of = arena_array(&x->mem, XLSX_STYLES_MAX, sizeof *s.format_of);
    s.kind_of = arena_array(&x->mem, FORMAT_ID_MAX, 1);
    x->styles = arena_array(&x->mem, XLSX_STYLES_MAX, 1);
    if (!s.format_of || !s.kind_of || !x->styles) return err_set(e, ERR_no_memory, "", "%s", "");
    for (uint32_t id = 0; id < FORMAT_ID_MAX; id++)
        s.kind_of[id] = xlsx_format_builtin(id);
    const int rc = xlsx_part_read(x, x->styles_part, &handler, &s, e);
    for (size_t i = 0; rc == OK && i < x->style_n; i++)
        x->styles[i] = s.kind_of[s.format_of[i]];
    return rc;
}

int xlsx_load(struct xlsx *x, struct err *e) {
    if (x->is_loaded) return OK;
    x->string_n = x->style_n = 0; // an earlier try may have failed half-way
    int rc = x->strings_part.n ? strings_read(x, e) : OK;
    if (rc == OK && x->styles_part.n) rc = styles_read(x, e);
    x->is_loaded = rc == OK;
    return rc;
}
