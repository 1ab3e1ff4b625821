// SPDX-License-Identifier: MulanPSL-2.0
// What a pack says about meanings and duties, into the tables: elements, code lists (a new version beside the old
// one, which stays readable), classes, matters, duties, clocks. Inside the pack's one transaction.
#include "mod/catalog/packs.h"

static struct str cell(const struct pack_table *t, size_t i, const char *column) {
    return catalog_none(pack_cell(t, i, column));
}

static int put_elements(struct cx *cx, struct pack *p) {
    const struct pack_table *t = &pack_of(p)->elements;
    int code = OK;
    for (size_t i = 0; i < t->n && code == OK; i++) {
        struct catalog_element e;
        if (!pack_element(p, pack_cell(t, i, "element"), &e)) continue;
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_element_put,
                          "ssssziz"
                          "sizsssii",
                          e.id, e.zh, e.en, e.subject, table_type_name(e.type), (int64_t)e.length,
                          element_rule_code(e.rule), e.code_list, (int64_t)e.grade, mask_code(e.mask),
                          e.aliases, e.std, e.note, cx->now_ms, cx->who.account);
    }
    return code;
}

static int put_list(struct cx *cx, struct pack *p, struct str id) {
    struct pack_table t;
    struct json j;
    int code = pack_csv(cx, p, str_print(p->mem, "codes/%.*s.csv", STRF(id)).p, true, &t);
    if (code == OK) code = pack_json(cx, p, str_print(p->mem, "codes/%.*s.json", STRF(id)).p, true, &j);
    if (code != OK) return code;
    struct json title = json_get(j, S("title"));
    struct str version = catalog_none(json_text(json_get(j, S("version"))));
    code = store_exec(cx->db, NULL, &cx->err, Q_catalog_code_list_old, "s", id);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_code_list_put, "ssssssiii", id, version,
                          catalog_none(json_text(json_get(title, S("zh")))),
                          catalog_none(json_text(json_get(title, S("en")))),
                          catalog_none(json_text(json_get(j, S("source")))),
                          catalog_none(json_text(json_get(j, S("licence")))), (int64_t)t.n, cx->now_ms,
                          cx->who.account);
    if (code == OK) code = store_exec(cx->db, NULL, &cx->err, Q_catalog_codes_clear, "ss", id, version);
    for (size_t i = 0; i < t.n && code == OK; i++)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_code_add, "sssisss", id, version,
                          cell(&t, i, "code"), (int64_t)i, cell(&t, i, "zh"), cell(&t, i, "en"),
                          cell(&t, i, "parent"));
    return code;
}

static int put_classes(struct cx *cx, const struct pack_table *t) {
    int code = OK;
    for (size_t i = 0; i < t->n && code == OK; i++)
        code =
            store_exec(cx->db, NULL, &cx->err, Q_catalog_class_put, "ssssii", cell(t, i, "code"),
                       cell(t, i, "zh"), cell(t, i, "en"), cell(t, i, "parent"), cx->now_ms, cx->who.account);
    return code;
}

static int put_matters(struct cx *cx, const struct pack_table *t) {
    int code = OK;
    for (size_t i = 0; i < t->n && code == OK; i++)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_matter_put, "ssssssii", cell(t, i, "matter_id"),
                          cell(t, i, "zh"), cell(t, i, "en"), cell(t, i, "target"), cell(t, i, "office_id"),
                          cell(t, i, "note"), cx->now_ms, cx->who.account);
    return code;
}

static int put_duties(struct cx *cx, const struct pack_table *t) {
    int code = OK;
    for (size_t i = 0; i < t->n && code == OK; i++) {
        struct str en = cell(t, i, "title_en");
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_duty_put, "sssssssii", cell(t, i, "duty_id"),
                          cell(t, i, "office_id"), cell(t, i, "title_zh"), en.n ? en : cell(t, i, "title_zh"),
                          cell(t, i, "basis"), cell(t, i, "dataset"), cell(t, i, "due"), cx->now_ms,
                          cx->who.account);
    }
    return code;
}

// An empty limit is NULL: no clock runs for the step.
static int put_clocks(struct cx *cx, const struct pack_table *t) {
    int code = OK;
    for (size_t i = 0; i < t->n && code == OK; i++) {
        int64_t limit = 0, extend = 0;
        bool has_limit = str_int64(cell(t, i, "limit_wd"), &limit),
             has_extend = str_int64(cell(t, i, "extend_wd"), &extend);
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_clock_put, "sssiissi", cell(t, i, "step"),
                          cell(t, i, "zh"), cell(t, i, "en"), has_limit ? limit : (int64_t)-1,
                          has_extend ? extend : (int64_t)-1, cell(t, i, "article"), cell(t, i, "note"),
                          cx->now_ms);
    }
    return code;
}

int pack_publish_refs(struct cx *cx, struct pack *p) {
    const struct catalog_pack *cp = pack_of(p);
    int code = put_elements(cx, p);
    for (size_t i = 0; i < cp->lists_n && code == OK; i++)
        code = put_list(cx, p, cp->lists[i]);
    if (code == OK) code = put_classes(cx, &cp->classes);
    if (code == OK) code = put_matters(cx, &cp->matters);
    if (code == OK) code = put_duties(cx, &cp->duties);
    if (code == OK) code = put_clocks(cx, &cp->clocks);
    return code;
}
