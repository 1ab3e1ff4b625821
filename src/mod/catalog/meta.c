// SPDX-License-Identifier: MulanPSL-2.0
// Reading a data set's description, from the interface (flat names: title_zh) or from a pack's dataset.json
// (nested: title.zh), into struct catalog_dataset. Only shapes are judged here; what the facts must be among each
// other stands in judge.c, so that clerks and packs meet the same rules.
#include "mod/catalog/inside.h"
#include "mod/catalog/meta.h"
#include <stdio.h>

// Both spellings of a bilingual text.
static struct str pair(struct cx *cx, struct json j, const char *name, const char *lang) {
    struct str flat = json_text(json_get(j, str_print(cx->mem, "%s_%s", name, lang)));
    return catalog_none(flat.p ? flat : json_text(json_get(json_get(j, str_of(name)), str_of(lang))));
}

static struct str text(struct json j, const char *name) {
    return catalog_none(json_text(json_get(j, str_of(name))));
}

static bool flag(struct json j, const char *name) {
    bool v = false;
    return json_bool(json_get(j, str_of(name)), &v) && v;
}

static int64_t number(struct json j, const char *name, int64_t none) {
    int64_t v;
    return json_int(json_get(j, str_of(name)), &v) ? v : none;
}

// A list of texts as one text; a separator inside an item would make two of one, so such an item is refused.
static struct str joined(struct meta_sink *sink, struct json j, const char *name, char sep) {
    struct json list = json_get(j, str_of(name));
    struct buf out = buf_new(sink->cx->mem, 128, 65536);
    for (struct json_iter it = json_iter(list); json_is(list, JSON_ARRAY) && json_next(&it);) {
        struct str one = str_trim(json_text(it.value));
        if (one.n == 0 || memchr(one.p, sep, one.n)) {
            meta_fault(sink, it.value, ERR_field_value, name, "%.*s", (int)(one.n > 60 ? 60 : one.n),
                       one.p ? one.p : "");
            continue;
        }
        if (out.n) buf_char(&out, sep);
        buf_put(&out, one);
    }
    return catalog_none(buf_str(&out));
}

// "L2"; absent = `none`.
static int grade_of(struct meta_sink *sink, struct json j, int none, const char *field) {
    struct json g = json_get(j, S("grade"));
    int grade = none;
    if (json_kind(g) == 0 || json_is(g, JSON_NULL)) return none;
    if (!mask_grade_of(json_text(g), &grade)) meta_fault(sink, g, ERR_field_value, field, "L1 L2 L3 L4");
    return grade;
}

static int open_of(struct meta_sink *sink, struct json v, int none, const char *field) {
    int open = none;
    if (json_is(v, JSON_OBJECT)) v = json_get(v, S("type"));
    if (json_kind(v) == 0 || json_is(v, JSON_NULL)) return none;
    if (!catalog_open_of(json_text(v), &open))
        meta_fault(sink, v, ERR_field_value, field, "open conditional none");
    return open;
}

static int share_of(struct meta_sink *sink, struct json v, int none, const char *field) {
    int64_t share = none;
    if (json_is(v, JSON_OBJECT)) v = json_get(v, S("type"));
    if (json_kind(v) == 0 || json_is(v, JSON_NULL)) return none;
    if (!json_int(v, &share) || share < CATALOG_SHARE_FREE || share > CATALOG_SHARE_NEVER)
        meta_fault(sink, v, ERR_field_value, field, "1 2 3");
    return (int)share;
}

static void read_facts(struct meta_sink *sink, struct json j, struct catalog_dataset *d) {
    struct json share = json_get(j, S("share")), open = json_get(j, S("open"));
    bool nested = json_is(share, JSON_OBJECT);
    d->share = share_of(sink, share, 0, "share");
    d->share_condition_zh = nested ? pair(sink->cx, share, "condition", "zh") : text(j, "share_condition_zh");
    d->share_condition_en = nested ? pair(sink->cx, share, "condition", "en") : text(j, "share_condition_en");
    d->share_scope = nested ? pair(sink->cx, share, "scope", "zh") : text(j, "share_scope");
    d->share_law = text(nested ? share : j, nested ? "law" : "share_law");
    nested = json_is(open, JSON_OBJECT);
    d->open = open_of(sink, open, CATALOG_OPEN_NONE, "open");
    d->open_condition_zh = nested ? pair(sink->cx, open, "condition", "zh") : text(j, "open_condition_zh");
    d->open_condition_en = nested ? pair(sink->cx, open, "condition", "en") : text(j, "open_condition_en");
    d->grade = grade_of(sink, j, 0, "grade");
}

static void read_column(struct meta_sink *sink, struct json j, int n, const struct catalog_dataset *d,
                        struct catalog_column *c) {
    char field[64];
    snprintf(field, sizeof field, "columns[%d]", n - 1);
    struct str type = text(j, "type");
    *c = (struct catalog_column){.n = n,
                                 .id = text(j, "id"),
                                 .zh = pair(sink->cx, j, "title", "zh").n ? pair(sink->cx, j, "title", "zh")
                                                                          : text(j, "zh"),
                                 .en = text(j, "en"),
                                 .type = table_type_of(type),
                                 .length = (int)number(j, "length", 0),
                                 .is_key = flag(j, "key"),
                                 .is_area = flag(j, "area"),
                                 .element = text(j, "element"),
                                 .element_role = text(j, "element_role"),
                                 .code_list = text(j, "code_list"),
                                 .grade_reason = text(j, "grade_reason"),
                                 .office = text(j, "office")};
    c->grade = grade_of(sink, j, 0, field); // 0: the element's default, filled by the judge
    c->share = share_of(sink, json_get(j, S("share")), d->share, field);
    c->open =
        open_of(sink, json_get(j, S("open")), -1, field); // -1: follows the data set where the grade lets it
    if (!c->type)
        meta_fault(sink, j, ERR_field_value, field, "type %.*s", (int)(type.n > 30 ? 30 : type.n), type.p);
    if (str_eq(c->id, d->area_column) && c->id.n) c->is_area = true;
}

static void read_columns(struct meta_sink *sink, struct json list, struct catalog_dataset *d) {
    size_t n = json_count(list);
    if (n > CATALOG_COLUMNS_MAX) {
        meta_fault(sink, list, ERR_too_large, "columns", "%d", CATALOG_COLUMNS_MAX);
        return;
    }
    d->columns = arena_array(sink->cx->mem, n + 1, sizeof *d->columns);
    if (!d->columns) return; // mem->failed: the request fails as a whole
    for (struct json_iter it = json_iter(list); json_next(&it); d->columns_n++)
        read_column(sink, it.value, d->columns_n + 1, d, &d->columns[d->columns_n]);
}

void meta_read(struct meta_sink *sink, struct json j, struct catalog_dataset *d) {
    struct cx *cx = sink->cx;
    struct json spatial = json_get(j, S("spatial")), checks = json_get(j, S("checks"));
    *d = (struct catalog_dataset){.id = text(j, "id"),
                                  .office = text(j, "office"),
                                  .title_zh = str_trim(pair(cx, j, "title", "zh")),
                                  .title_en = str_trim(pair(cx, j, "title", "en")),
                                  .abstract_zh = pair(cx, j, "abstract", "zh"),
                                  .abstract_en = pair(cx, j, "abstract", "en"),
                                  .cycle = text(j, "cycle"),
                                  .subject = text(j, "subject"),
                                  .area_column = text(j, "area_column"),
                                  .spatial =
                                      json_is(spatial, JSON_OBJECT) ? json_raw(spatial) : text(j, "spatial"),
                                  .source_zh = pair(cx, j, "source", "zh"),
                                  .source_en = pair(cx, j, "source", "en"),
                                  .source_date = text(j, "source_date"),
                                  .licence = text(j, "licence"),
                                  .is_synthetic = flag(j, "synthetic"),
                                  .seed = number(j, "seed", 0)};
    if (!d->title_en.n) d->title_en = d->title_zh;
    if (!d->abstract_en.n) d->abstract_en = d->abstract_zh;
    if (!d->source_en.n) d->source_en = d->source_zh;
    d->modes = joined(sink, j, "modes", ' ');
    d->keywords = joined(sink, j, "keywords", '|');
    d->class_codes = joined(sink, j, "class_codes", ' ');
    d->related = joined(sink, j, "related", ' ');
    d->notices = joined(sink, j, "notices", ' ');
    d->checks = json_is(checks, JSON_ARRAY) ? json_raw(checks) : S("[]");
    read_facts(sink, j, d);
    read_columns(sink, json_get(j, S("columns")), d);
}

void meta_fault(struct meta_sink *sink, struct json at, enum err_code code, const char *field,
                const char *fmt, ...) {
    char arg[160];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(arg, sizeof arg, fmt, ap);
    va_end(ap);
    sink->faults_n++;
    if (!sink->pack) {
        (void)cx_field_fail(sink->cx, code, field, "%s", arg);
        return;
    }
    // The line of a value: the newlines before its bytes. The whole file lies before us, so counting is enough.
    int64_t line = 1;
    struct str raw = json_raw(at);
    for (const char *p = sink->text.p; raw.p && p && p < raw.p && p < sink->text.p + sink->text.n; p++)
        line += *p == '\n';
    pack_mistake(sink->cx, sink->pack, sink->file, raw.p ? line : 0, code, field, "%s", arg);
}
