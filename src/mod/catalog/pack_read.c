// SPDX-License-Identifier: MulanPSL-2.0
// Reads and judges the catalog's files of a pack: elements, code lists, classes, matters, duties, clocks, data sets.
// Writes nothing. Every mistake is told with file and line; the judge of data sets is the one that clerks meet too.
#include "base/file.h"
#include "mod/catalog/packs.h"
#include <stdio.h>

struct catalog_pack *pack_of(struct pack *p) {
    int i = module_index("catalog");
    if (!p->mod[i]) p->mod[i] = arena_take(p->mem, sizeof(struct catalog_pack));
    return p->mod[i];
}

struct str pack_file_bytes(struct cx *cx, struct pack *p, struct str file) {
    struct str path, bytes;
    struct err before = cx->err;
    const char *z = str_z(p->mem, file);
    int code = z ? pack_path(cx, p, z, &path) : ERR_no_memory;
    if (code == OK) code = file_read(p->mem, path.p, PACK_FILE_MAX, &bytes, &cx->err);
    cx->err = before; // absence is the caller's matter
    return code == OK ? bytes : STR_NONE;
}

static bool row_of(const struct pack_table *t, const char *column, struct str id, size_t *ret) {
    for (size_t i = 0; i < t->n; i++)
        if (str_eq(pack_cell(t, i, column), id)) {
            *ret = i;
            return true;
        }
    return false;
}

static int64_t length_of(struct str v) {
    int64_t n = 0;
    return v.n && str_int64(v, &n) ? n : 0;
}

bool pack_element(void *pack, struct str id, struct catalog_element *ret) {
    struct catalog_pack *cp = pack_of(pack);
    const struct pack_table *t = &cp->elements;
    size_t i;
    if (!row_of(t, "element", id, &i)) return false;
    *ret = (struct catalog_element){.id = id,
                                    .zh = catalog_none(pack_cell(t, i, "zh")),
                                    .en = catalog_none(pack_cell(t, i, "en")),
                                    .subject = catalog_none(pack_cell(t, i, "subject")),
                                    .type = table_type_of(pack_cell(t, i, "type")),
                                    .length = (int)length_of(pack_cell(t, i, "length")),
                                    .code_list = catalog_none(pack_cell(t, i, "code_list")),
                                    .aliases = catalog_none(pack_cell(t, i, "aliases")),
                                    .std = catalog_none(pack_cell(t, i, "std")),
                                    .note = catalog_none(pack_cell(t, i, "note"))};
    if (!element_rule_of(pack_cell(t, i, "check"), &ret->rule)) ret->rule = ELEMENT_ANY;
    if (!mask_of(pack_cell(t, i, "mask"), &ret->mask)) ret->mask = MASK_HIDE;
    if (!mask_grade_of(pack_cell(t, i, "grade"), &ret->grade)) ret->grade = GRADE_L4;
    ret->is_personal = catalog_has_word(ret->subject, ' ', S("person"));
    return true;
}

static bool pack_list_known(void *pack, struct str id) {
    const struct catalog_pack *cp = pack_of(pack);
    for (size_t i = 0; i < cp->lists_n; i++)
        if (str_eq(cp->lists[i], id)) return true;
    return false;
}
static bool pack_class(void *pack, struct str code) {
    size_t i;
    return row_of(&pack_of(pack)->classes, "code", code, &i);
}
static bool pack_office(void *pack, struct str id) {
    size_t i;
    return row_of(&pack_of(pack)->offices, "office_id", id, &i);
}
static bool pack_office_known(struct cx *cx, struct pack *p, struct str id) {
    struct people_office o;
    return pack_office(p, id) || people_office_get(cx, id, &o) == OK;
}

// Obligatory cells and ids that occur once, in one table.
static void check_cells(struct cx *cx, struct pack *p, const struct pack_table *t, const char *id,
                        const char *const *must) {
    for (size_t i = 0; i < t->n; i++) {
        struct str v = pack_cell(t, i, id);
        size_t first;
        if (!v.n)
            pack_mistake(cx, p, t->file, t->lines[i], ERR_field_missing, id, "%s", "");
        else if (row_of(t, id, v, &first) && first < i)
            pack_mistake(cx, p, t->file, t->lines[i], ERR_store_unique, id, "%.*s", STRF(v));
        for (size_t k = 0; must[k]; k++)
            if (!pack_cell(t, i, must[k]).n)
                pack_mistake(cx, p, t->file, t->lines[i], ERR_field_missing, must[k], "%s", "");
    }
}

static void wrong(struct cx *cx, struct pack *p, const struct pack_table *t, size_t i, const char *column) {
    struct str v = pack_cell(t, i, column);
    pack_mistake(cx, p, t->file, t->lines[i], ERR_field_value, column, "%.*s", (int)(v.n > 60 ? 60 : v.n),
                 v.p ? v.p : "");
}

static void check_elements(struct cx *cx, struct pack *p, const struct pack_table *t) {
    for (size_t i = 0; i < t->n; i++) {
        enum element_rule rule;
        enum mask_kind mask;
        int grade;
        struct str list = pack_cell(t, i, "code_list");
        if (!table_type_of(pack_cell(t, i, "type"))) wrong(cx, p, t, i, "type");
        if (!element_rule_of(pack_cell(t, i, "check"), &rule)) wrong(cx, p, t, i, "check");
        if (!mask_of(pack_cell(t, i, "mask"), &mask)) wrong(cx, p, t, i, "mask");
        if (!mask_grade_of(pack_cell(t, i, "grade"), &grade)) wrong(cx, p, t, i, "grade");
        if (list.n && !pack_list_known(p, list) && !catalog_list_known(cx, list))
            wrong(cx, p, t, i, "code_list");
    }
}

static void check_numbers(struct cx *cx, struct pack *p, const struct pack_table *t, const char *column) {
    for (size_t i = 0; i < t->n; i++) {
        struct str v = pack_cell(t, i, column);
        int64_t n;
        if (v.n && (!str_int64(v, &n) || n < 0)) wrong(cx, p, t, i, column);
    }
}

// A matter may have no office yet (nobody has named one); a duty without an office is nobody's duty.
static void check_offices(struct cx *cx, struct pack *p, const struct pack_table *t, bool must) {
    for (size_t i = 0; i < t->n; i++) {
        struct str id = pack_cell(t, i, "office_id");
        if ((must || id.n) && !pack_office_known(cx, p, id)) wrong(cx, p, t, i, "office_id");
    }
}

static int read_tables(struct cx *cx, struct pack *p, struct catalog_pack *cp) {
    static const char *const element_must[] = {"zh", "en", "type", "grade", NULL},
                             *const words_must[] = {"zh", "en", NULL},
                             *const duty_must[] = {"title_zh", "basis", NULL};
    const struct {
        const char *file, *id;
        struct pack_table *t;
        const char *const *must;
    } each[] = {{"elements.csv", "element", &cp->elements, element_must},
                {"classes.csv", "code", &cp->classes, words_must},
                {"matters.csv", "matter_id", &cp->matters, words_must},
                {"duties.csv", "duty_id", &cp->duties, duty_must},
                {"clocks.csv", "step", &cp->clocks, words_must}};
    int code = pack_csv(cx, p, "offices.csv", false, &cp->offices);
    for (size_t i = 0; i < sizeof each / sizeof *each && code == OK; i++) {
        code = pack_csv(cx, p, each[i].file, false, each[i].t);
        if (code == OK) check_cells(cx, p, each[i].t, each[i].id, each[i].must);
    }
    if (code != OK) return code;
    check_numbers(cx, p, &cp->clocks, "limit_wd");
    check_numbers(cx, p, &cp->clocks, "extend_wd");
    check_offices(cx, p, &cp->matters, false);
    check_offices(cx, p, &cp->duties, true);
    return OK;
}

static int read_lists(struct cx *cx, struct pack *p, struct catalog_pack *cp) {
    static const char *const must[] = {"zh", "en", NULL};
    struct str *names;
    size_t n;
    int code = pack_list(cx, p, "codes", &names, &n);
    if (code != OK || n == 0) return code;
    cp->lists = arena_array(p->mem, n, sizeof *cp->lists);
    if (!cp->lists) return cx_fail(cx, ERR_no_memory, "codes", "pack");
    for (size_t i = 0; i < n && code == OK; i++) {
        struct pack_table t;
        struct json j;
        if (!str_ends(names[i], S(".csv"))) continue;
        struct str id = {names[i].p, names[i].n - 4};
        struct str csv = str_print(p->mem, "codes/%.*s", STRF(names[i])),
                   json = str_print(p->mem, "codes/%.*s.json", STRF(id));
        code = pack_csv(cx, p, csv.p, true, &t);
        if (code == OK) check_cells(cx, p, &t, "code", must);
        if (code == OK) code = pack_json(cx, p, json.p, true, &j);
        static const char *const facts[] = {"version", "source", "licence"};
        for (size_t k = 0; k < 3 && code == OK && json_is(j, JSON_OBJECT); k++)
            if (!json_text(json_get(j, str_of(facts[k]))).n)
                pack_mistake(cx, p, json, 1, ERR_field_missing, facts[k], "%s", "");
        cp->lists[cp->lists_n++] = id;
    }
    return code;
}

// --- data sets ---

static void read_resource(struct meta_sink *sink, struct json j, struct pack_resource *r) {
    struct json title = json_get(j, S("title"));
    bool flag = false;
    *r = (struct pack_resource){.rid = json_text(json_get(j, S("id"))),
                                .kind = catalog_kind_of(json_text(json_get(j, S("kind")))),
                                .title_zh = catalog_none(json_text(json_get(title, S("zh")))),
                                .title_en = catalog_none(json_text(json_get(title, S("en")))),
                                .file = json_text(json_get(j, S("file")))};
    r->is_verify_only = json_bool(json_get(j, S("verify_only")), &flag) && flag;
    if (!r->rid.n) meta_fault(sink, j, ERR_field_missing, "resources.id", "%s", "");
    if (!r->kind) meta_fault(sink, j, ERR_field_value, "resources.kind", "%s", "table service file");
    if (!r->title_zh.n) meta_fault(sink, j, ERR_field_missing, "resources.title.zh", "%s", "");
    if (!r->title_en.n) r->title_en = r->title_zh;
    if (r->kind == CATALOG_FILE && !r->file.n)
        meta_fault(sink, j, ERR_field_missing, "resources.file", "%s", "");
}

static int read_resources(struct meta_sink *sink, struct json j, struct pack_dataset *s) {
    struct json list = json_get(j, S("resources"));
    size_t n = json_count(list);
    int tables = 0;
    if (n > CATALOG_RESOURCES_MAX)
        meta_fault(sink, list, ERR_too_large, "resources", "%d", CATALOG_RESOURCES_MAX);
    s->resources = arena_array(sink->cx->mem, n + 1, sizeof *s->resources);
    if (!s->resources) return cx_fail(sink->cx, ERR_no_memory, "resources", "pack");
    for (struct json_iter it = json_iter(list); json_next(&it) && s->resources_n < CATALOG_RESOURCES_MAX;) {
        struct pack_resource *r = &s->resources[s->resources_n++];
        read_resource(sink, it.value, r);
        for (struct pack_resource *o = s->resources; o < r; o++)
            if (str_eq(o->rid, r->rid))
                meta_fault(sink, it.value, ERR_store_unique, "resources.id", "%.*s", STRF(r->rid));
        if (r->kind == CATALOG_TABLE && ++tables > 1)
            meta_fault(sink, it.value, ERR_store_unique, "resources.kind", "%s", "table");
        if (r->kind != CATALOG_FILE || !r->file.n) continue;
        if (!pack_file_bytes(sink->cx, sink->pack, r->file).p)
            meta_fault(sink, it.value, ERR_not_found, "resources.file", "%.*s", STRF(r->file));
    }
    if (tables)
        s->data = pack_file_bytes(sink->cx, sink->pack,
                                  str_print(sink->cx->mem, "datasets/%.*s/data.csv", STRF(s->d.id)));
    if (tables && !s->data.p)
        meta_fault(sink, list, ERR_not_found, "data.csv", "datasets/%.*s/data.csv", STRF(s->d.id));
    return OK;
}

// The columns that data.csv names must be those declared: an unknown one would be lost without a word.
static void check_header(struct meta_sink *sink, const struct pack_dataset *s) {
    struct csv_reader r = csv_open(s->data, ',');
    struct str *cells;
    size_t n = 0;
    struct err e = {0};
    if (!s->data.p) return;
    if (str_starts(s->data, S("\xEF\xBB\xBF"))) r = csv_open((struct str){s->data.p + 3, s->data.n - 3}, ',');
    if (!csv_next(&r, sink->cx->mem, &cells, &n, &e)) n = 0;
    struct str file = str_print(sink->cx->mem, "datasets/%.*s/data.csv", STRF(s->d.id));
    for (size_t i = 0; i < n; i++)
        if (!catalog_column_find(&s->d, str_trim(cells[i])))
            pack_mistake(sink->cx, sink->pack, file, 1, ERR_column_unknown, "header", "%.*s",
                         (int)(cells[i].n > 60 ? 60 : cells[i].n), cells[i].p);
    for (int c = 0; c < s->d.columns_n; c++) {
        bool found = false;
        for (size_t i = 0; i < n; i++)
            found = found || str_eq(str_trim(cells[i]), s->d.columns[c].id);
        if (!found)
            pack_mistake(sink->cx, sink->pack, file, 1, ERR_csv_columns, "header", "%.*s",
                         STRF(s->d.columns[c].id));
    }
}

static void digest_of(struct cx *cx, struct pack *p, struct pack_dataset *s, struct str text) {
    struct str parts[CATALOG_RESOURCES_MAX + 2];
    size_t n = 0;
    uint8_t out[HASH_BYTES];
    parts[n++] = text;
    parts[n++] = catalog_none(s->data);
    for (int i = 0; i < s->resources_n; i++)
        if (s->resources[i].kind == CATALOG_FILE)
            parts[n++] = catalog_none(pack_file_bytes(cx, p, s->resources[i].file));
    hash_parts(cx->hasher, HASH_SM3, parts, n, out);
    s->digest = str_hex(p->mem, out, sizeof out);
}

static int read_dataset(struct cx *cx, struct pack *p, struct str id, struct pack_dataset *s) {
    struct json j;
    struct str file = str_print(p->mem, "datasets/%.*s/dataset.json", STRF(id));
    int code = pack_json(cx, p, file.p, true, &j);
    if (code != OK || !json_is(j, JSON_OBJECT)) return code;
    struct meta_sink sink = {.cx = cx,
                             .pack = p,
                             .file = file,
                             .text = json_raw(j),
                             .element = pack_element,
                             .code_list = pack_list_known,
                             .class_code = pack_class,
                             .office = pack_office,
                             .arg = p};
    meta_read(&sink, j, &s->d);
    if (!str_eq(s->d.id, id))
        meta_fault(&sink, json_get(j, S("id")), ERR_field_value, "id", "%.*s", STRF(id));
    judge_dataset(&sink, j, &s->d, true);
    // Source, date and licence are mandatory in a pack.
    if (!s->d.source_date.n) meta_fault(&sink, j, ERR_field_missing, "source_date", "%s", "");
    if (!s->d.licence.n) meta_fault(&sink, j, ERR_field_missing, "licence", "%s", "");
    if (s->d.is_synthetic && !s->d.seed) meta_fault(&sink, j, ERR_field_missing, "seed", "%s", "");
    code = read_resources(&sink, j, s);
    if (code != OK) return code;
    int64_t mistakes = p->mistakes_n;
    check_header(&sink, s);
    // Under a wrong header every row would be wrong.
    if (s->data.p && p->mistakes_n == mistakes) code = pack_rows_check(cx, p, s);
    digest_of(cx, p, s, sink.text);
    return code;
}

static int read_datasets(struct cx *cx, struct pack *p, struct catalog_pack *cp) {
    struct str *names;
    size_t n;
    int code = pack_list(cx, p, "datasets", &names, &n);
    if (code != OK || n == 0) return code;
    cp->sets = arena_array(p->mem, n, sizeof *cp->sets);
    if (!cp->sets) return cx_fail(cx, ERR_no_memory, "datasets", "pack");
    for (size_t i = 0; i < n && code == OK; i++) {
        if (!str_ends(names[i], S("/"))) continue;
        code = read_dataset(cx, p, (struct str){names[i].p, names[i].n - 1}, &cp->sets[cp->sets_n++]);
    }
    return code;
}

// Duties and rules name data sets of this pack or of one loaded before.
static void check_names(struct cx *cx, struct pack *p, const struct catalog_pack *cp) {
    for (size_t i = 0; i < cp->duties.n; i++) {
        struct str id = pack_cell(&cp->duties, i, "dataset");
        struct catalog_head h;
        bool found = !id.n;
        for (size_t k = 0; k < cp->sets_n && !found; k++)
            found = str_eq(cp->sets[k].d.id, id);
        if (!found && catalog_head_get(cx, id, &h) != OK) wrong(cx, p, &cp->duties, i, "dataset");
    }
}

int catalog_pack_check(struct cx *cx, struct pack *p) {
    struct catalog_pack *cp = pack_of(p);
    if (!cp) return cx_fail(cx, ERR_no_memory, "", "pack");
    *cp = (struct catalog_pack){0};
    int code = read_lists(cx, p, cp);
    if (code == OK) code = read_tables(cx, p, cp);
    if (code != OK) return code;
    check_elements(cx, p, &cp->elements);
    code = read_datasets(cx, p, cp);
    if (code == OK) check_names(cx, p, cp);
    return code;
}
