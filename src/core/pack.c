// SPDX-License-Identifier: MulanPSL-2.0
// Packs: a folder of plain files becomes a city's content. Everything is read and judged first; mistakes are
// gathered with file and line; then modules stage what is big and publish in one transaction. Keeps true: a pack
// is loaded whole or not at all, and the same pack again changes nothing (one digest over all its files).
#include "core/pack.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/log.h"
#include "core/city.h"
#include <inttypes.h>
#include <stdio.h>

static struct str join(struct arena *mem, struct str a, struct str b) {
    return str_print(mem, "%.*s/%.*s", STRF(a), STRF(b));
}

int pack_path(struct cx *cx, struct pack *p, const char *file, struct str *ret_path) {
    if (strstr(file, "..") || file[0] == '/') return cx_fail(cx, ERR_bad_request, file, "%s", file);
    struct str direct = join(p->mem, p->folder, str_of(file));
    struct str built = str_print(p->mem, "%.*s/built/%s", STRF(p->folder), file);
    if (!direct.p || !built.p) return cx_fail(cx, ERR_no_memory, file, "%s", "pack");
    if (file_exists(direct.p))
        *ret_path = direct;
    else if (file_exists(built.p))
        *ret_path = built;
    else
        return cx_fail(cx, ERR_not_found, file, "%s", file);
    return OK;
}

void pack_mistake(struct cx *cx, struct pack *p, struct str file, int64_t line, enum err_code code,
                  const char *field, const char *fmt, ...) {
    (void)cx;
    p->mistakes_n++;
    if (p->mistakes_n > PACK_MISTAKES_MAX) return;
    struct pack_mistake *m = arena_take(p->mem, sizeof *m);
    if (!m) return;
    char arg[160];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(arg, sizeof arg, fmt, ap);
    va_end(ap);
    (void)err_set_row(&m->err, code, field, line, "%s", arg);
    m->file = str_copy(p->mem, file);
    m->line = line;
    struct pack_mistake **last = &p->mistakes;
    while (*last)
        last = &(*last)->next;
    *last = m;
}

// A file that cannot be read: missing is a mistake only when it is required.
static int read_file(struct cx *cx, struct pack *p, const char *file, bool required, struct str *ret) {
    struct str path;
    *ret = STR_NONE;
    int code = pack_path(cx, p, file, &path);
    if (code == ERR_no_memory) return code;
    if (code != OK) {
        cx->err = (struct err){0};
        // A name that leads out of the pack is a mistake even where the file might be absent.
        if (required || code != ERR_not_found)
            pack_mistake(cx, p, str_of(file), 0, (enum err_code)code, file, "%s", file);
        return OK;
    }
    return file_read(p->mem, path.p, PACK_FILE_MAX, ret, &cx->err);
}

int pack_csv(struct cx *cx, struct pack *p, const char *file, bool required, struct pack_table *ret) {
    struct str text, utf8;
    *ret = (struct pack_table){.file = str_copy(p->mem, str_of(file))};
    int code = read_file(cx, p, file, required, &text);
    if (code != OK || !text.p) return code;
    struct err e = {0};
    if (text_decode(p->mem, text, ENC_UTF8, &utf8, &e) != OK) {
        pack_mistake(cx, p, ret->file, 0, e.code, e.field, "%s", e.arg);
        return OK;
    }
    struct csv_reader r = csv_open(utf8, ',');
    struct str *cells;
    size_t n, cap = 0;
    if (!csv_next(&r, p->mem, &ret->names, &ret->columns, &e)) {
        pack_mistake(cx, p, ret->file, 1, e.code ? e.code : ERR_csv_columns, "", "%s", e.arg);
        return OK;
    }
    while (csv_next(&r, p->mem, &cells, &n, &e)) {
        if (n != ret->columns) {
            pack_mistake(cx, p, ret->file, r.line, ERR_csv_columns, "", "%zu/%zu", n, ret->columns);
            continue;
        }
        if (ret->n == cap) {
            size_t more = cap ? cap * 2 : 256;
            ret->rows = arena_grow(p->mem, ret->rows, cap * sizeof *ret->rows, more * sizeof *ret->rows);
            ret->lines = arena_grow(p->mem, ret->lines, cap * sizeof *ret->lines, more * sizeof *ret->lines);
            if (!ret->rows || !ret->lines) return cx_fail(cx, ERR_no_memory, file, "%s", "pack");
            cap = more;
        }
        ret->rows[ret->n] = cells;
        ret->lines[ret->n++] = r.line;
    }
    if (e.code != OK) pack_mistake(cx, p, ret->file, r.line, e.code, e.field, "%s", e.arg);
    return OK;
}

struct str pack_cell(const struct pack_table *t, size_t row, const char *column) {
    for (size_t i = 0; i < t->columns; i++)
        if (str_eq(t->names[i], str_of(column))) {
            struct str v = str_trim(t->rows[row][i]);
            return v.n ? v : STR_NONE;
        }
    return STR_NONE;
}

int pack_json(struct cx *cx, struct pack *p, const char *file, bool required, struct json *ret) {
    struct str text;
    *ret = (struct json){0};
    int code = read_file(cx, p, file, required, &text);
    if (code != OK || !text.p) return code;
    struct err e = {0};
    if (json_parse(p->mem, text, ret, &e) != OK)
        pack_mistake(cx, p, str_of(file), e.row, e.code, e.field, "%s", e.arg);
    return OK;
}

int pack_list(struct cx *cx, struct pack *p, const char *sub, struct str **ret_names, size_t *ret_n) {
    struct str path = join(p->mem, p->folder, str_of(sub));
    *ret_n = 0;
    if (!path.p) return cx_fail(cx, ERR_no_memory, sub, "%s", "pack");
    if (!file_exists(path.p)) return OK;
    return file_list(p->mem, path.p, ret_names, ret_n, &cx->err);
}

// Walks the folder in name order and takes each file's digest; the pack's digest is over "name digest\n" lines.
struct walk {
    struct cx *cx;
    struct pack *p;
    struct buf lines;
    int depth;
};

static bool is_skipped(struct str name) {
    return str_eq(name, S("tests/")) || str_eq(name, S("README.md")) || str_eq(name, S("node_modules/"));
}

static int walk_folder(struct walk *w, struct str sub) {
    struct str *names, dir = sub.n ? join(w->p->mem, w->p->folder, sub) : w->p->folder;
    size_t n;
    if (++w->depth > 8) return cx_fail(w->cx, ERR_too_large, "pack", "8");
    int code = file_list(w->p->mem, dir.p, &names, &n, &w->cx->err);
    for (size_t i = 0; i < n && code == OK; i++) {
        struct str name = names[i];
        if (is_skipped(name) || (!w->p->with_demo && str_eq(name, S("demo/")))) continue;
        bool is_dir = str_ends(name, S("/"));
        if (is_dir) name.n--;
        struct str at = sub.n ? join(w->p->mem, sub, name) : name;
        if (is_dir) {
            code = walk_folder(w, at);
            continue;
        }
        struct str bytes, path = join(w->p->mem, w->p->folder, at);
        struct arena scratch;
        arena_init(&scratch, PACK_FILE_MAX + (1 << 20));
        code = file_read(&scratch, path.p, PACK_FILE_MAX, &bytes, &w->cx->err);
        if (code == OK) {
            uint8_t out[HASH_BYTES];
            hash_one(w->cx->hasher, HASH_SHA256, bytes, out);
            struct str hex = str_hex(w->p->mem, out, sizeof out);
            buf_print(&w->lines, "%.*s %.*s\n", STRF(at), STRF(hex));
        }
        arena_free(&scratch);
    }
    w->depth--;
    return code;
}

int pack_open(struct cx *cx, const char *folder, bool with_demo, struct pack **ret) {
    struct pack *p = arena_take(cx->mem, sizeof *p);
    if (!p) return cx_fail(cx, ERR_no_memory, "pack", "%s", folder);
    *p = (struct pack){.mem = cx->mem, .folder = str_copy(cx->mem, str_of(folder)), .with_demo = with_demo};
    while (p->folder.n > 1 && p->folder.p[p->folder.n - 1] == '/')
        p->folder.n--;
    p->folder = str_of(str_z(cx->mem, p->folder));
    struct json j;
    int code = pack_json(cx, p, "pack.json", true, &j);
    if (code != OK) return code;
    if (json_is(j, JSON_OBJECT)) {
        p->id = json_text(json_get(j, S("id")));
        p->version = json_text(json_get(j, S("version")));
        p->city_code = json_text(json_get(j, S("city")));
        p->title_zh = json_text(json_get(json_get(j, S("title")), S("zh")));
        p->title_en = json_text(json_get(json_get(j, S("title")), S("en")));
        const struct {
            const char *name;
            struct str v;
        } must[] = {{"id", p->id},
                    {"version", p->version},
                    {"city", p->city_code},
                    {"title.zh", p->title_zh},
                    {"title.en", p->title_en}};
        for (size_t i = 0; i < sizeof must / sizeof must[0]; i++)
            if (!must[i].v.n)
                pack_mistake(cx, p, S("pack.json"), 0, ERR_field_missing, must[i].name, "%s", "");
    } else if (json_kind(j)) {
        pack_mistake(cx, p, S("pack.json"), 1, ERR_field_type, "pack.json", "%s", "object");
    }
    struct walk w = {.cx = cx, .p = p, .lines = buf_new(p->mem, 16384, 4 << 20)};
    if (file_exists(p->folder.p)) code = walk_folder(&w, STR_NONE);
    if (code == OK) buf_print(&w.lines, "demo %d\n", with_demo);
    p->files = buf_str(&w.lines);
    hash_one(cx->hasher, HASH_SHA256, p->files, p->digest);
    *ret = p;
    return code;
}

// Core's own file: which days are off and which are worked although their weekday says otherwise.
static int check_days(struct cx *cx, struct pack *p) {
    struct pack_table t;
    int code = pack_csv(cx, p, "workdays.csv", false, &t);
    for (size_t i = 0; i < t.n && code == OK; i++) {
        int32_t day;
        struct str kind = pack_cell(&t, i, "kind"), text = pack_cell(&t, i, "day");
        if (text.n != 10 || !clock_read_date(text, &day))
            pack_mistake(cx, p, t.file, t.lines[i], ERR_field_type, "day", "%s", "date");
        if (!str_eq(kind, S("off")) && !str_eq(kind, S("work")))
            pack_mistake(cx, p, t.file, t.lines[i], ERR_field_value, "kind", "%s", "off|work");
    }
    if (code == OK && t.n > CITY_DAYS_MAX)
        pack_mistake(cx, p, t.file, t.lines[CITY_DAYS_MAX], ERR_too_large, "day", "%d", CITY_DAYS_MAX);
    return code;
}

int pack_check(struct cx *cx, struct pack *p) {
    int code = check_days(cx, p);
    for (int i = 0; modules[i] && code == OK; i++)
        if (modules[i]->pack_check) code = modules[i]->pack_check(cx, p);
    if (code == OK && p->mistakes_n > 0) return cx_fail(cx, ERR_pack, "pack", "%d", p->mistakes_n);
    return code;
}

static int publish_files(struct cx *cx, struct pack *p) {
    int code = store_exec(cx->db, NULL, &cx->err, Q_core_pack_files_clear, "s", p->id);
    struct str rest = p->files;
    while (code == OK && rest.p && rest.n) {
        struct str line = str_cut(rest, '\n', &rest), hex, name;
        if (line.n < 66) continue;
        hex = (struct str){line.p + line.n - 64, 64};
        name = (struct str){line.p, line.n - 65};
        code = store_exec(cx->db, NULL, &cx->err, Q_core_pack_file_put, "sss", p->id, name, hex);
    }
    return code;
}

static int publish_days(struct cx *cx, struct pack *p) {
    struct pack_table t;
    int code = pack_csv(cx, p, "workdays.csv", false, &t);
    if (code != OK || t.n == 0) return code;
    code = store_exec(cx->db, NULL, &cx->err, Q_core_workday_clear, "");
    for (size_t i = 0; i < t.n && code == OK; i++) {
        int32_t day;
        if (!clock_read_date(pack_cell(&t, i, "day"), &day)) // judged before; the file changed meanwhile
            return cx_fail(cx, ERR_field_type, "workdays.csv day", "date, line %" PRId64, t.lines[i]);
        code = store_exec(cx->db, NULL, &cx->err, Q_core_workday_put, "iiss", (int64_t)day,
                          (int64_t)str_eq(pack_cell(&t, i, "kind"), S("off")), pack_cell(&t, i, "name_zh"),
                          pack_cell(&t, i, "name_en"));
    }
    return code;
}

static struct str load_detail(struct cx *cx, struct str digest, struct str version) {
    struct buf b = buf_new(cx->mem, 256, 4096);
    struct jw w = jw_to(&b);
    jw_object(&w);
    jw_ntext(&w, "digest", digest);
    jw_ntext(&w, "version", version);
    jw_object_end(&w);
    return b.over ? STR_NONE : buf_str(&b);
}

static int publish_all(struct cx *cx, void *arg) {
    struct pack *p = arg;
    int code = publish_files(cx, p);
    if (code == OK) code = publish_days(cx, p);
    for (int i = 0; modules[i] && code == OK; i++)
        if (modules[i]->pack_publish) code = modules[i]->pack_publish(cx, p);
    if (code != OK) return code;
    struct str hex = str_hex(cx->mem, p->digest, sizeof p->digest);
    struct act *a = cx_act(cx, "pack", p->id);
    a->verb = "pack.load";
    a->object_name = p->title_zh;
    a->after = p->files;
    a->detail = load_detail(cx, hex, p->version);
    return store_exec(cx->db, NULL, &cx->err, Q_core_pack_put, "sssisssi", p->id, p->version, hex,
                      (int64_t)p->with_demo, p->city_code, p->title_zh, p->title_en, cx->now_ms);
}

static int is_loaded(struct cx *cx, struct pack *p, bool *ret_same) {
    struct stmt *s = store_query(cx->db, Q_core_pack_get, "s", p->id);
    *ret_same =
        store_next(s) && str_eq(store_str(s, 1, cx->mem), str_hex(cx->mem, p->digest, sizeof p->digest));
    return store_done(s, &cx->err);
}

int pack_load(struct cx *cx, struct pack *p, bool *ret_changed) {
    *ret_changed = false;
    bool same = false;
    int code = p->id.n ? is_loaded(cx, p, &same) : OK;
    if (code != OK || same) return code;
    code = pack_check(cx, p);
    for (int i = 0; modules[i] && code == OK; i++)
        if (modules[i]->pack_stage) code = modules[i]->pack_stage(cx, p);
    if (code == OK) code = cx_write(cx, publish_all, p);
    if (code != OK) return code;
    *ret_changed = true;
    log_line(LOG_INFO, "pack", "loaded %.*s %.*s", STRF(p->id), STRF(p->version));
    return city_load_calendar(cx->city, &cx->err);
}
