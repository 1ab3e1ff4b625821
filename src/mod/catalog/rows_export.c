// SPDX-License-Identifier: MulanPSL-2.0
// A whole data set as one file, written by a worker into a file without a name and then sent: CSV (formulas
// defused), JSON with its metadata, XLSX with a sheet that says where the data come from. Keeps true: rows
// leave through the view only; memory does not grow with the rows; a generated row says of itself that it is
// synthetic.
#include "mod/catalog/rows.h"
#include "base/csv.h"
#include "mod/catalog/load.h"
#include "xml/xlsx.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define EXPORT_PAGE  2000
#define EXPORT_PIECE ((size_t)8 << 20) // a row may be as long as this
#define EXPORT_FLUSH ((size_t)256 << 10)

enum export_format { EXPORT_CSV, EXPORT_JSON, EXPORT_XLSX };
struct export_out {
    struct cx *cx;
    const struct rows *r;
    struct table_query q;
    enum export_format format;
    struct str header; // "id", "zh", "en"
    struct buf out;    // CSV and JSON, one page
    struct jw w;
    struct arena row; // XLSX: texts of one row
    struct xlsx_out *x;
    int64_t rows;
    int fd;
};

static struct str temp_path(struct cx *cx) {
    uint8_t random[16];
    if (crypto_random(random, sizeof random)) return STR_NONE;
    const struct str name = str_hex(cx->mem, random, sizeof random);
    return load_path(cx, str_print(cx->mem, "export-%.*s", STRF(name)));
}

// Whenever a quarter of a megabyte has gathered; a single row may be bigger (lines of a map).
static int flush(struct export_out *o) {
    struct str s = buf_str(&o->out);
    if (o->out.over) return cx_fail(o->cx, ERR_too_large, "", "%zu", EXPORT_PIECE);
    while (s.n > 0) {
        const ssize_t n = write(o->fd, s.p, s.n);
        if (n <= 0) return cx_fail(o->cx, ERR_store_full, "", "%s", "");
        s = (struct str){s.p + n, s.n - (size_t)n};
    }
    o->out.n = 0;
    return OK;
}

static struct str title_of(const struct export_out *o, int field) {
    const struct table_column *c = table_query_column(&o->q, field);
    if (str_eq(o->header, S("zh"))) return c->zh;
    return str_eq(o->header, S("en")) && c->en.n ? c->en : c->id;
}

static struct str synthetic_title(const struct export_out *o) {
    return str_eq(o->header, S("zh")) ? S("模拟数据") : S("synthetic");
}

// --- CSV and JSON ---

static int put_csv(struct cx *cx, void *arg, int64_t id, const struct table_cell *cells) {
    struct export_out *o = arg;
    (void)id;
    for (int i = 0; i < o->q.fields_n; i++) {
        if (i) buf_char(&o->out, ',');
        if (cells[i].kind == TABLE_CELL_TEXT)
            csv_put(&o->out, cells[i].s, ',', true);
        else
            table_cell_put(&o->out, table_query_type(&o->q, i), &cells[i]);
    }
    buf_puts(&o->out, o->r->ds->is_synthetic ? ",true\r\n" : "\r\n");
    (void)cx;
    return o->out.n > EXPORT_FLUSH || o->out.over ? flush(o) : OK;
}

static int put_json(struct cx *cx, void *arg, int64_t id, const struct table_cell *cells) {
    struct export_out *o = arg;
    (void)id;
    buf_puts(&o->out, o->rows++ ? ",\n" : "\n");
    struct jw w = jw_to(&o->out);
    jw_object(&w);
    for (int i = 0; i < o->q.fields_n; i++) {
        jw_name_str(&w, table_query_column(&o->q, i)->id);
        table_cell_json(&w, table_query_type(&o->q, i), &cells[i]);
    }
    jw_object_end(&w);
    (void)cx;
    return o->out.n > EXPORT_FLUSH || o->out.over ? flush(o) : OK;
}

static void begin_csv(struct export_out *o, bool with_bom) {
    if (with_bom) buf_puts(&o->out, "\xEF\xBB\xBF");
    for (int i = 0; i < o->q.fields_n; i++) {
        if (i) buf_char(&o->out, ',');
        csv_put(&o->out, title_of(o, i), ',', true);
    }
    if (o->r->ds->is_synthetic) {
        buf_char(&o->out, ',');
        buf_put(&o->out, synthetic_title(o));
    }
    buf_puts(&o->out, "\r\n");
}

static void begin_json(struct export_out *o) {
    const struct catalog_dataset *ds = o->r->ds;
    struct jw w = jw_to(&o->out);
    jw_object(&w);
    jw_ntext(&w, "dataset", ds->id);
    jw_ntext(&w, "title_zh", ds->title_zh);
    jw_ntext(&w, "title_en", ds->title_en);
    jw_ntext(&w, "office", ds->office);
    jw_ntext(&w, "office_name", people_office_name(o->cx, ds->office, 0));
    jw_ntext(&w, "licence", ds->licence);
    jw_ntext(&w, "source_zh", ds->source_zh);
    jw_ntext(&w, "source_en", ds->source_en);
    jw_ntext(&w, "source_date", ds->source_date);
    jw_nbool(&w, "synthetic", ds->is_synthetic);
    jw_nint(&w, "updated_ms", ds->updated_ms);
    jw_name(&w, "items"); // the array is written by hand, page by page, and closed by end_json
    buf_puts(&o->out, "[");
}

// Page by page on the immutable row id: each page is a short read, and since a live table never changes,
// together they are one state of the data without a long snapshot.
static int write_pages(struct export_out *o, table_row_fn *fn) {
    struct table_page page;
    do {
        if (table_page_rows(o->cx, &o->q, fn, o, &page)) return o->cx->err.code;
        o->q.after = page.last_id;
    } while (page.next.p);
    return OK;
}

static int write_text(struct export_out *o, bool with_bom) {
    o->out = buf_new(o->cx->mem, (size_t)64 << 10, EXPORT_PIECE);
    if (o->format == EXPORT_CSV)
        begin_csv(o, with_bom);
    else
        begin_json(o);
    if (write_pages(o, o->format == EXPORT_CSV ? put_csv : put_json)) return o->cx->err.code;
    if (o->format == EXPORT_JSON) buf_puts(&o->out, "\n]}\n");
    return flush(o);
}

// --- XLSX ---

static int put_xlsx(struct cx *cx, void *arg, int64_t id, const struct table_cell *cells) {
    struct export_out *o = arg;
    struct xlsx_cell out[TABLE_COLUMNS_MAX + 1];
    (void)id;
    arena_reset(&o->row);
    for (int i = 0; i < o->q.fields_n; i++) {
        const enum table_type t = table_query_type(&o->q, i);
        const bool is_number =
            t == TABLE_DEC || ((t == TABLE_INT || t == TABLE_FEN) && cells[i].kind == TABLE_CELL_INT);
        out[i] = (struct xlsx_cell){.text = table_cell_text(&o->row, t, &cells[i]),
                                    .kind = is_number                                            ? XLSX_NUMBER
                                            : t == TABLE_DATE && cells[i].kind == TABLE_CELL_INT ? XLSX_DATE
                                                                                                 : XLSX_TEXT};
        if (!out[i].text.n) out[i].kind = XLSX_EMPTY;
    }
    size_t n = (size_t)o->q.fields_n;
    if (o->r->ds->is_synthetic) out[n++] = (struct xlsx_cell){.text = S("true"), .kind = XLSX_TEXT};
    if (++o->rows > ROWS_XLSX_MAX) return cx_fail(cx, ERR_too_large, "", "%d", ROWS_XLSX_MAX);
    return xlsx_out_row(o->x, out, n, &cx->err);
}

static int write_about(struct export_out *o) {
    struct cx *cx = o->cx;
    const struct catalog_dataset *ds = o->r->ds;
    const bool zh = cx->is_zh;
    const struct xlsx_column columns[] = {{zh ? S("项目") : S("Item"), 20},
                                          {zh ? S("内容") : S("Content"), 80}};
    const struct str lines[][2] = {
        {zh ? S("名称") : S("Title"), zh ? ds->title_zh : ds->title_en},
        {zh ? S("目录标识") : S("Data set"), ds->id},
        {zh ? S("提供方") : S("Provider"), people_office_name(cx, ds->office, 0)},
        {zh ? S("来源") : S("Source"), zh ? ds->source_zh : ds->source_en},
        {zh ? S("来源日期") : S("Date of the source"), ds->source_date},
        {zh ? S("许可") : S("Licence"), ds->licence},
        {zh ? S("更新时间") : S("Updated"), clock_iso_offset(cx->mem, ds->updated_ms, CHINA_OFFSET_MS)},
        {zh ? S("模拟数据") : S("Synthetic"), ds->is_synthetic ? S("true") : S("false")},
    };
    if (xlsx_out_sheet(o->x, zh ? S("说明") : S("About"), columns, 2, &cx->err)) return cx->err.code;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const struct xlsx_cell cells[] = {{lines[i][0], XLSX_TEXT}, {lines[i][1], XLSX_TEXT}};
        if (xlsx_out_row(o->x, cells, 2, &cx->err)) return cx->err.code;
    }
    return OK;
}

// A cell of a sheet holds 32,767 characters: lines of a map do not fit and are left to the other formats.
static void leave_geometry(struct export_out *o) {
    int *fields = arena_array(o->cx->mem, (size_t)o->q.fields_n + 1, sizeof *fields), n = 0;
    for (int i = 0; i < o->q.fields_n && fields; i++)
        if (table_query_type(&o->q, i) != TABLE_GEOMETRY) fields[n++] = o->q.fields[i];
    o->q.fields = fields;
    o->q.fields_n = n;
}

static int fill_xlsx(struct export_out *o) {
    struct cx *cx = o->cx;
    struct xlsx_column columns[TABLE_COLUMNS_MAX + 1];
    size_t n = 0;
    for (int i = 0; i < o->q.fields_n; i++)
        columns[n++] = (struct xlsx_column){.title = title_of(o, i)};
    if (o->r->ds->is_synthetic) columns[n++] = (struct xlsx_column){.title = synthetic_title(o)};
    if (xlsx_out_sheet(o->x, cx->is_zh ? o->r->ds->title_zh : o->r->ds->id, columns, n, &cx->err))
        return cx->err.code;
    if (write_pages(o, put_xlsx)) return cx->err.code;
    return write_about(o);
}

static int write_xlsx(struct export_out *o, struct str path) {
    struct cx *cx = o->cx;
    const struct str dir = load_path(cx, S("."));
    leave_geometry(o);
    if (xlsx_out_open(path.p, dir.p, &o->x, &cx->err)) return cx->err.code;
    arena_init(&o->row, 0);
    const int code = fill_xlsx(o);
    arena_free(&o->row);
    if (code == OK) return xlsx_out_close(o->x, &cx->err);
    xlsx_out_drop(o->x);
    return code;
}

// --- the reply ---

static int reply(struct export_out *o) {
    const int fd = o->fd;
    static const struct {
        const char *type, *ending;
    } kinds[] = {
        [EXPORT_CSV] = {"text/csv; charset=utf-8", "csv"},
        [EXPORT_JSON] = {"application/json", "json"},
        [EXPORT_XLSX] = {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"}};
    const off_t bytes = lseek(fd, 0, SEEK_END);
    if (bytes < 0 || lseek(fd, 0, SEEK_SET) != 0) {
        close(fd);
        return cx_fail(o->cx, ERR_file, "", "export");
    }
    if (o->r->ds->is_synthetic) cx_reply_header(o->cx, "Gusu-Synthetic", S("true"));
    cx_reply_fd(o->cx, kinds[o->format].type, fd, (int64_t)bytes,
                rows_file_name(o->cx, o->r->ds, kinds[o->format].ending));
    return OK;
}

int rows_export(struct cx *cx, const struct rows *r, struct str format, struct str header, bool with_bom) {
    struct export_out o = {.cx = cx, .r = r, .q = table_query_all(cx, &r->shape, &r->view)};
    const struct str path = temp_path(cx);
    if (!path.p) return cx_fail(cx, ERR_crypto, "", "random");
    o.format = str_eq(format, S("xlsx")) ? EXPORT_XLSX : str_eq(format, S("json")) ? EXPORT_JSON : EXPORT_CSV;
    // A spreadsheet is for people, a CSV as often for programs: each gets the header it expects.
    o.header = header.n ? header : o.format == EXPORT_XLSX && cx->is_zh ? S("zh") : S("id");
    o.q.limit = EXPORT_PAGE;
    int code = OK;
    o.fd = -1;
    if (o.format == EXPORT_XLSX) code = write_xlsx(&o, path);
    if (code == OK)
        o.fd = open(path.p, O_RDWR | O_CLOEXEC | (o.format == EXPORT_XLSX ? 0 : O_CREAT | O_EXCL), 0600);
    (void)unlink(path.p); // from here on it lives as long as the descriptor
    if (code == OK && o.fd < 0) code = cx_fail(cx, ERR_file, "", "export");
    if (code == OK && o.format != EXPORT_XLSX) code = write_text(&o, with_bom);
    if (code == OK) return reply(&o);
    if (o.fd >= 0) close(o.fd);
    return code;
}
