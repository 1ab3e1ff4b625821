// SPDX-License-Identifier: MulanPSL-2.0
// What a description must fulfil, for clerks and packs alike: the national core metadata, the three independent
// facts (共享类型, 开放属性, 分级) of data set and column, and the elements behind the columns. Kept true: a column is
// never graded below its element without a reason; nothing is open above L1; a refusal to share names its law.
#include "mod/catalog/meta.h"
#include <assert.h>
#include <stdio.h>

static bool is_id(struct str s, char joint, size_t most) {
    if (s.n < 1 || s.n > most || s.p[0] < 'a' || s.p[0] > 'z') return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == joint)) return false;
    }
    return true;
}

static void need(struct meta_sink *sink, struct json j, struct str v, const char *field) {
    if (v.n == 0) meta_fault(sink, j, ERR_field_missing, field, "%s", "");
}

static void each_word(struct meta_sink *sink, struct json j, const char *group, struct str list,
                      const char *field) {
    for (struct str rest = list; rest.p && rest.n;) {
        struct str one = str_cut(rest, ' ', &rest);
        if (!catalog_word(group, one))
            meta_fault(sink, j, ERR_field_value, field, "%.*s", (int)(one.n > 60 ? 60 : one.n), one.p);
    }
}

static bool element_known(struct meta_sink *sink, struct str id, struct catalog_element *ret) {
    if (sink->element && sink->element(sink->arg, id, ret)) return true;
    return catalog_element_get(sink->cx, id, ret) == OK;
}
static bool list_known(struct meta_sink *sink, struct str id) {
    if (sink->code_list && sink->code_list(sink->arg, id)) return true;
    return catalog_list_known(sink->cx, id);
}
static bool class_known(struct meta_sink *sink, struct str code) {
    if (sink->class_code && sink->class_code(sink->arg, code)) return true;
    return catalog_class_known(sink->cx, code);
}
static bool office_known(struct meta_sink *sink, struct str id) {
    struct people_office o;
    if (sink->office && sink->office(sink->arg, id)) return true;
    return people_office_get(sink->cx, id, &o) == OK;
}

// Text-like types may stand for each other (a code is a text with a list); numbers and dates may not.
static bool type_fits(enum table_type element, enum table_type column) {
    bool a = element == TABLE_TEXT || element == TABLE_CODE || element == TABLE_PERIOD;
    bool b = column == TABLE_TEXT || column == TABLE_CODE || column == TABLE_PERIOD;
    return element == column || (a && b);
}

static void from_element(struct meta_sink *sink, struct json j, struct catalog_column *c, const char *field) {
    struct catalog_element e;
    if (!c->element.n) {
        if (!c->grade) c->grade = GRADE_L1;
        return;
    }
    if (!element_known(sink, c->element, &e)) {
        meta_fault(sink, json_get(j, S("element")), ERR_field_value, field, "element %.*s", STRF(c->element));
        return;
    }
    if (c->type && !type_fits(e.type, c->type))
        meta_fault(sink, json_get(j, S("type")), ERR_field_value, field, "%s (%.*s)", table_type_name(e.type),
                   STRF(e.id));
    if (!c->grade) c->grade = e.grade;
    if (c->grade < e.grade && !c->grade_reason.n)
        meta_fault(sink, json_get(j, S("grade")), ERR_grade_lowered, field, "%.*s", STRF(e.id));
    if (!c->length) c->length = e.length;
    if (!c->code_list.n) c->code_list = e.code_list;
    c->rule = e.rule;
    c->mask = e.mask;
    c->is_personal = e.is_personal;
}

static void judge_column(struct meta_sink *sink, struct json j, struct catalog_dataset *d,
                         struct catalog_column *c) {
    char field[80];
    snprintf(field, sizeof field, "columns[%d]", c->n - 1);
    if (!is_id(c->id, '_', 40))
        meta_fault(sink, j, ERR_field_value, field, "id %.*s", (int)(c->id.n > 40 ? 40 : c->id.n), c->id.p);
    need(sink, j, c->zh, field);
    if (!c->en.n) c->en = c->zh;
    for (const struct catalog_column *o = d->columns; o < c; o++)
        if (str_eq(o->id, c->id)) meta_fault(sink, j, ERR_store_unique, field, "%.*s", STRF(c->id));
    if (c->length < 0 || (size_t)c->length > TABLE_CELL_MAX)
        meta_fault(sink, j, ERR_field_range, field, "0–%zu", TABLE_CELL_MAX);
    from_element(sink, j, c, field);
    if (c->type == TABLE_CODE && c->rule == ELEMENT_ANY) c->rule = ELEMENT_CODE;
    if (c->type == TABLE_PERIOD && c->rule == ELEMENT_ANY) c->rule = ELEMENT_PERIOD;
    if (c->rule == ELEMENT_CODE && !list_known(sink, c->code_list))
        meta_fault(sink, j, ERR_field_value, field, "code_list %.*s", STRF(c->code_list));
    if (c->office.n && !office_known(sink, c->office))
        meta_fault(sink, j, ERR_field_value, field, "office %.*s", STRF(c->office));
    if (c->open < 0) c->open = c->grade == GRADE_L1 ? d->open : CATALOG_OPEN_NONE;
    if (c->open > CATALOG_OPEN_NONE && c->grade > GRADE_L1)
        meta_fault(sink, json_get(j, S("open")), ERR_open_grade, field, "%s", mask_grade_code(c->grade));
    if (c->open > d->open)
        meta_fault(sink, json_get(j, S("open")), ERR_open_wider, field, "%s",
                   catalog_open_code((enum catalog_open)d->open));
}

static void judge_share(struct meta_sink *sink, struct json j, const struct catalog_dataset *d) {
    struct json share = json_get(j, S("share")), open = json_get(j, S("open"));
    if (!d->share) meta_fault(sink, share, ERR_field_missing, "share", "%s", "");
    // Order 809: conditional sharing states scope and use; refusal states law and article.
    if (d->share == CATALOG_SHARE_CONDITION) {
        need(sink, share, d->share_scope, "share_scope");
        need(sink, share, d->share_condition_zh, "share_condition_zh");
    }
    if (d->share == CATALOG_SHARE_NEVER) {
        need(sink, share, d->share_law, "share_law");
        if (d->open != CATALOG_OPEN_NONE) meta_fault(sink, open, ERR_open_wider, "open", "%s", "none");
    }
    if (d->open == CATALOG_OPEN_CONDITION) need(sink, open, d->open_condition_zh, "open_condition_zh");
}

static void judge_columns(struct meta_sink *sink, struct json j, struct catalog_dataset *d) {
    struct json list = json_get(j, S("columns"));
    int highest = GRADE_L1, open_n = 0;
    for (int i = 0; i < d->columns_n; i++) {
        struct catalog_column *c = &d->columns[i];
        judge_column(sink, json_at(list, (size_t)i), d, c);
        if (c->grade > highest) highest = c->grade;
        open_n += c->open > CATALOG_OPEN_NONE;
        d->is_personal = d->is_personal || c->is_personal;
    }
    // "A resource has its highest": a declared lower grade is a mistake, an absent one is filled.
    if (d->grade && d->grade < highest)
        meta_fault(sink, json_get(j, S("grade")), ERR_grade_low, "grade", "%s", mask_grade_code(highest));
    if (d->grade < highest) d->grade = highest;
    if (d->open != CATALOG_OPEN_NONE && d->columns_n && !open_n)
        meta_fault(sink, json_get(j, S("open")), ERR_open_empty, "open", "%s", "");
    if (d->area_column.n && !catalog_column_find(d, d->area_column))
        meta_fault(sink, json_get(j, S("area_column")), ERR_column_unknown, "area_column", "%.*s",
                   STRF(d->area_column));
}

static const struct {
    const char *kind;
    int columns;
    bool other;
} rules[] = {{"order", 2, false}, {"unique", 1, false}, {"timely", 2, false},
             {"agree", 2, false}, {"ref", 1, true},     {"inside", 2, true}};

// Quality rules beyond the columns' own: known kind, columns that are there, words in both languages.
static void judge_checks(struct meta_sink *sink, struct json j, const struct catalog_dataset *d) {
    struct json list = json_get(j, S("checks"));
    for (struct json_iter it = json_iter(list); json_is(list, JSON_ARRAY) && json_next(&it);) {
        struct str kind = catalog_none(json_text(json_get(it.value, S("kind"))));
        struct json columns = json_get(it.value, S("columns"));
        size_t r = 0, n = sizeof rules / sizeof *rules;
        while (r < n && !str_eq(kind, str_of(rules[r].kind)))
            r++;
        if (r == n) {
            meta_fault(sink, it.value, ERR_field_value, "checks", "kind %.*s",
                       (int)(kind.n > 40 ? 40 : kind.n), kind.p);
            continue;
        }
        if (json_count(columns) < (size_t)rules[r].columns)
            meta_fault(sink, it.value, ERR_field_missing, "checks.columns", "%s", "");
        for (struct json_iter c = json_iter(columns); json_next(&c);)
            if (!catalog_column_find(d, catalog_none(json_text(c.value))))
                meta_fault(sink, c.value, ERR_column_unknown, "checks.columns", "%.*s",
                           STRF(catalog_none(json_text(c.value))));
        if (rules[r].other)
            need(sink, it.value, json_text(json_get(it.value, S("dataset"))), "checks.dataset");
        struct json title = json_get(it.value, S("title"));
        need(sink, it.value, json_text(json_get(title, S("zh"))), "checks.title.zh");
        need(sink, it.value, json_text(json_get(title, S("en"))), "checks.title.en");
    }
}

void judge_dataset(struct meta_sink *sink, struct json j, struct catalog_dataset *d, bool complete) {
    assert(sink && d);
    if (!is_id(d->id, '-', 60))
        meta_fault(sink, json_get(j, S("id")), ERR_field_value, "id", "%.*s",
                   (int)(d->id.n > 60 ? 60 : d->id.n), d->id.p);
    need(sink, j, d->title_zh, "title_zh");
    if (complete) {
        need(sink, j, d->abstract_zh, "abstract_zh");
        need(sink, j, d->cycle, "cycle");
        need(sink, j, d->class_codes, "class_codes");
        need(sink, j, d->source_zh, "source_zh");
        if (d->columns_n == 0) meta_fault(sink, j, ERR_field_missing, "columns", "%s", "");
    }
    if (d->cycle.n && !catalog_word("cycle", d->cycle))
        meta_fault(sink, json_get(j, S("cycle")), ERR_field_value, "cycle", "%.*s",
                   (int)(d->cycle.n > 40 ? 40 : d->cycle.n), d->cycle.p);
    each_word(sink, json_get(j, S("modes")), "mode", d->modes, "modes");
    each_word(sink, json_get(j, S("subject")), "subject", d->subject, "subject");
    for (struct str rest = d->class_codes; rest.p && rest.n;) {
        struct str one = str_cut(rest, ' ', &rest);
        if (!class_known(sink, one))
            meta_fault(sink, json_get(j, S("class_codes")), ERR_field_value, "class_codes", "%.*s",
                       (int)(one.n > 60 ? 60 : one.n), one.p);
    }
    if (!d->office.n || !office_known(sink, d->office))
        meta_fault(sink, json_get(j, S("office")), ERR_field_value, "office", "%.*s",
                   (int)(d->office.n > 60 ? 60 : d->office.n), d->office.p);
    if (complete || d->share) judge_share(sink, j, d);
    int32_t day;
    if (d->source_date.n && !clock_read_date(d->source_date, &day))
        meta_fault(sink, json_get(j, S("source_date")), ERR_date_form, "source_date", "%s", "");
    judge_columns(sink, j, d);
    judge_checks(sink, j, d);
}
