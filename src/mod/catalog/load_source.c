// SPDX-License-Identifier: MulanPSL-2.0
// Where rows come from: a CSV in whatever encoding and with whatever separator, or one sheet of an XLSX, both
// as records of text. Keeps true: the file is mapped, not read into memory; limits of rows and columns hold
// for both kinds; what is wrong at the end of a CSV does not undo what stands before it.
#include "mod/catalog/load.h"
#include "xml/xlsx.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *word;
    enum text_encoding encoding;
} ENCODINGS[] = {{"utf-8", ENC_UTF8},     {"gb18030", ENC_GB18030},  {"gbk", ENC_GB18030},
                 {"gb2312", ENC_GB18030}, {"utf-16le", ENC_UTF16LE}, {"utf-16be", ENC_UTF16BE},
                 {"latin-1", ENC_LATIN1}, {"iso-8859-1", ENC_LATIN1}};

static int map_file(struct cx *cx, const char *path, struct load_source *s) {
    struct stat st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return cx_fail(cx, ERR_file, "", "upload");
    if (fstat(fd, &st) || st.st_size > LOAD_BYTES_MAX) {
        close(fd);
        return cx_fail(cx, ERR_too_large, "", "%lld", (long long)LOAD_BYTES_MAX);
    }
    void *p = st.st_size > 0 ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    close(fd);
    if (p == MAP_FAILED) return cx_fail(cx, ERR_file, "", "mmap");
    s->bytes = (struct str){p ? p : "", (size_t)st.st_size};
    s->is_mapped = p != NULL;
    return OK;
}

static int choose_encoding(struct cx *cx, struct str word, struct load_source *s) {
    if (word.n == 0) {
        s->encoding = text_encoding_guess(s->bytes);
        return OK;
    }
    for (size_t i = 0; i < sizeof ENCODINGS / sizeof *ENCODINGS; i++)
        if (str_eq_nocase(word, str_of(ENCODINGS[i].word))) {
            s->encoding = ENCODINGS[i].encoding;
            return OK;
        }
    return cx_fail(cx, ERR_field_value, "encoding", "%.*s", (int)(word.n > 40 ? 40 : word.n), word.p);
}

static int choose_separator(struct cx *cx, struct str word, struct load_source *s) {
    if (word.n == 0) {
        s->sep = csv_sep_guess(s->text);
        return OK;
    }
    if (str_eq(word, S("tab"))) word = S("\t");
    if (word.n != 1 || !strchr(",;\t|", word.p[0]))
        return cx_fail(cx, ERR_field_value, "separator", ", ; tab |");
    s->sep = word.p[0];
    return OK;
}

// The encoding is guessed from all bytes, not from the first page: GBK names often come late in a file.
static int open_csv(struct cx *cx, const struct load_choice *choice, struct load_source *s) {
    if (choose_encoding(cx, choice->encoding, s)) return cx->err.code;
    if (text_decode(&s->mem, s->bytes, s->encoding, &s->text, &cx->err)) return cx->err.code;
    return choose_separator(cx, choice->separator, s);
}

// The sheet by name; without one the first that is not hidden.
static int choose_sheet(struct cx *cx, struct str name, struct load_source *s) {
    for (size_t i = 0; i < s->sheets_n; i++) {
        const struct xlsx_sheet sheet = xlsx_sheet_at(s->x, i);
        if (name.n ? str_eq(sheet.name, name) : !sheet.is_hidden) {
            s->sheet = i;
            return OK;
        }
    }
    if (name.n == 0) return OK; // all are hidden: the first
    return cx_fail(cx, ERR_load_sheet, "sheet", "%.*s", (int)(name.n > 100 ? 100 : name.n), name.p);
}

static int open_xlsx(struct cx *cx, const struct load_choice *choice, struct load_source *s) {
    s->is_xlsx = true;
    if (xlsx_open(s->bytes, &s->x, &cx->err)) return cx->err.code;
    s->sheets_n = xlsx_sheet_count(s->x);
    s->sheets = arena_array(&s->mem, s->sheets_n, sizeof *s->sheets);
    if (!s->sheets) return cx_fail(cx, ERR_no_memory, "", "%s", "");
    for (size_t i = 0; i < s->sheets_n; i++)
        s->sheets[i] = xlsx_sheet_at(s->x, i).name;
    return choose_sheet(cx, choice->sheet, s);
}

int load_source_open(struct cx *cx, const char *path, const struct load_choice *choice,
                     struct load_source *ret) {
    *ret = (struct load_source){0};
    arena_init(&ret->mem, LOAD_MEMORY_MAX);
    int code = map_file(cx, path, ret);
    // Both the zip of .xlsx and the old binary .xls go to the spreadsheet reader: it explains what it cannot
    // read.
    const bool is_book =
        str_starts(ret->bytes, S("PK\x03\x04")) || str_starts(ret->bytes, S("\xD0\xCF\x11\xE0"));
    if (code == OK) code = is_book ? open_xlsx(cx, choice, ret) : open_csv(cx, choice, ret);
    if (code) load_source_close(ret);
    return code;
}

int load_source_text(struct cx *cx, struct str csv, struct load_source *ret) {
    *ret = (struct load_source){.bytes = csv};
    arena_init(&ret->mem, LOAD_MEMORY_MAX);
    const int code = open_csv(cx, &(struct load_choice){0}, ret);
    if (code) load_source_close(ret);
    return code;
}

void load_source_close(struct load_source *s) {
    if (s->x) xlsx_close(s->x);
    if (s->is_mapped) munmap((void *)(uintptr_t)s->bytes.p, s->bytes.n);
    arena_free(&s->mem);
    *s = (struct load_source){0};
}

static int too_many_rows(struct err *e) {
    return err_set(e, ERR_too_large, "", "%d", LOAD_ROWS_MAX);
}

// Rows beyond the limit stop the whole reading at once: a load that nobody will accept is not worth the time.
static int each_csv(struct cx *cx, struct load_source *s, struct arena *rec, load_on_record *fn, void *arg,
                    struct err *ret_tail) {
    struct csv_reader reader = csv_open(s->text, s->sep);
    struct load_record r = {0};
    struct str *cells;
    while (csv_next(&reader, rec, &cells, &r.n, ret_tail)) {
        r.cells = cells;
        r.row = reader.line;
        if (reader.record > (int64_t)LOAD_ROWS_MAX + LOAD_HEADER_ROWS) return too_many_rows(&cx->err);
        const int code = fn(arg, &r, &cx->err);
        if (code) return code;
    }
    if (ret_tail->code == ERR_no_memory) {
        cx->err = *ret_tail;
        return ERR_no_memory;
    }
    if (ret_tail->code && ret_tail->row == 0) ret_tail->row = reader.line;
    return OK;
}

struct xlsx_pass {
    load_on_record *fn;
    void *arg;
    int64_t n;
};

static int on_xlsx_row(void *arg, const struct xlsx_row *row, struct err *e) {
    struct xlsx_pass *p = arg;
    if (++p->n > (int64_t)LOAD_ROWS_MAX + LOAD_HEADER_ROWS) return too_many_rows(e);
    const struct load_record r = {.row = row->number, .cells = row->cells, .kinds = row->kinds, .n = row->n};
    return p->fn(p->arg, &r, e);
}

int load_each(struct cx *cx, struct load_source *s, struct arena *rec, load_on_record *fn, void *arg,
              struct err *ret_tail) {
    *ret_tail = (struct err){0};
    if (!s->is_xlsx) return each_csv(cx, s, rec, fn, arg, ret_tail);
    struct xlsx_pass p = {.fn = fn, .arg = arg};
    return xlsx_rows(s->x, s->sheet, on_xlsx_row, &p, &cx->err);
}
