// SPDX-License-Identifier: MulanPSL-2.0
// What everything refers to: elements, code lists with their versions, classes, matters, clocks. Reading only; a
// pack writes them. Also the answers to "is this value known?" for area codes and code lists.
#include "mod/catalog/inside.h"
#include <assert.h>

static void element_fill(struct cx *cx, struct stmt *s, struct catalog_element *e) {
    *e = (struct catalog_element){.id = store_str(s, 0, cx->mem),
                                  .zh = store_str(s, 1, cx->mem),
                                  .en = store_str(s, 2, cx->mem),
                                  .subject = store_str(s, 3, cx->mem),
                                  .type = table_type_of(store_str(s, 4, cx->mem)),
                                  .length = (int)store_int(s, 5),
                                  .code_list = store_str(s, 7, cx->mem),
                                  .grade = (int)store_int(s, 8),
                                  .aliases = store_str(s, 10, cx->mem),
                                  .std = store_str(s, 11, cx->mem),
                                  .note = store_str(s, 12, cx->mem)};
    if (!element_rule_of(store_str(s, 6, cx->mem), &e->rule)) e->rule = ELEMENT_ANY;
    if (!mask_of(store_str(s, 9, cx->mem), &e->mask)) e->mask = MASK_HIDE;
    e->is_personal = catalog_has_word(e->subject, ' ', S("person"));
}

int catalog_element_get(struct cx *cx, struct str id, struct catalog_element *ret) {
    struct stmt *s = store_query(cx->db, Q_catalog_element_get, "s", catalog_none(id));
    bool found = store_next(s);
    if (found) element_fill(cx, s, ret);
    int code = store_done(s, &cx->err);
    return code != OK ? code : found ? OK : ERR_not_found;
}

bool catalog_list_known(struct cx *cx, struct str id) {
    struct stmt *s = store_query(cx->db, Q_catalog_code_versions, "s", catalog_none(id));
    bool found = store_next(s);
    struct err ignore;
    return store_done(s, &ignore) == OK && found;
}

bool catalog_class_known(struct cx *cx, struct str code) {
    struct stmt *s = store_query(cx->db, Q_catalog_class_get, "s", catalog_none(code));
    bool found = store_next(s);
    struct err ignore;
    return store_done(s, &ignore) == OK && found;
}

bool catalog_code_words(struct cx *cx, struct str list, struct str code, struct str *ret_zh,
                        struct str *ret_en) {
    struct stmt *s = store_query(cx->db, Q_catalog_code_words, "ss", catalog_none(list), catalog_none(code));
    bool found = store_next(s);
    if (found && ret_zh) *ret_zh = store_str(s, 0, cx->mem);
    if (found && ret_en) *ret_en = store_str(s, 1, cx->mem);
    struct err ignore;
    return store_done(s, &ignore) == OK && found;
}

bool catalog_known(void *known, struct str value) {
    const struct catalog_known *k = known;
    assert(k && k->cx && k->column);
    if (k->column->rule == ELEMENT_AREA) return people_area_resolve(k->cx, value).p != NULL;
    return catalog_code_words(k->cx, k->column->code_list, value, NULL, NULL);
}

int catalog_matter_get(struct cx *cx, struct str id, struct catalog_matter *ret) {
    struct stmt *s = store_query(cx->db, Q_catalog_matter_get, "s", catalog_none(id));
    bool found = store_next(s);
    if (found)
        *ret = (struct catalog_matter){.id = store_str(s, 0, cx->mem),
                                       .zh = store_str(s, 1, cx->mem),
                                       .en = store_str(s, 2, cx->mem),
                                       .target = store_str(s, 3, cx->mem),
                                       .office = store_str(s, 4, cx->mem)};
    int code = store_done(s, &cx->err);
    return code != OK ? code : found ? OK : ERR_not_found;
}

bool catalog_matter_ok(struct cx *cx, struct str id) {
    struct catalog_matter m;
    return catalog_matter_get(cx, id, &m) == OK;
}

// --- routes ---

static const struct field element_fields[] = {
    {"id", .type = T_TEXT, .required = true, .zh = "标识", .en = "Id"},
    {"zh", .type = T_TEXT, .required = true, .zh = "中文名称", .en = "Chinese name"},
    {"en", .type = T_TEXT, .required = true, .zh = "英文名称", .en = "English name"},
    {"subject", .type = T_TEXT, .required = true, .zh = "主体", .en = "Subject it speaks of"},
    {"type", .type = T_TEXT, .required = true, .zh = "类型", .en = "Type"},
    {"length", .type = T_INT, .required = true, .zh = "长度", .en = "Length"},
    {"check", .type = T_TEXT, .required = true, .zh = "校验规则", .en = "Check rule"},
    {"code_list", .type = T_TEXT, .required = true, .zh = "代码表", .en = "Code list"},
    {"grade", .type = T_TEXT, .required = true, .zh = "分级", .en = "Grade"},
    {"mask", .type = T_TEXT, .required = true, .zh = "脱敏方式", .en = "Mask"},
    {"aliases", .type = T_LIST, .required = true, .zh = "别名", .en = "Aliases"},
    {"std", .type = T_TEXT, .required = true, .zh = "标准出处", .en = "Standard"},
    {"note", .type = T_TEXT, .required = true, .zh = "说明", .en = "Note"},
    {0}};
static const struct shape element_shape = {.name = "Element", .fields = element_fields};
static const struct field element_list_fields[] = {
    {"items", .type = T_ITEMS, .required = true, .of = element_fields, .zh = "数据元", .en = "Elements"},
    {0}};
static const struct shape element_list_shape = {.name = "ElementList", .fields = element_list_fields};

static const struct field code_fields[] = {
    {"code", .type = T_TEXT, .required = true, .zh = "代码", .en = "Code"},
    {"zh", .type = T_TEXT, .required = true, .zh = "中文", .en = "Chinese"},
    {"en", .type = T_TEXT, .required = true, .zh = "英文", .en = "English"},
    {"parent", .type = T_TEXT, .required = true, .zh = "上级代码", .en = "Parent code"},
    {0}};
static const struct field code_list_fields[] = {
    {"id", .type = T_TEXT, .required = true, .zh = "标识", .en = "Id"},
    {"version", .type = T_TEXT, .required = true, .zh = "版本", .en = "Version"},
    {"title_zh", .type = T_TEXT, .required = true, .zh = "中文名称", .en = "Chinese title"},
    {"title_en", .type = T_TEXT, .required = true, .zh = "英文名称", .en = "English title"},
    {"source", .type = T_TEXT, .required = true, .zh = "来源", .en = "Source"},
    {"licence", .type = T_TEXT, .required = true, .zh = "许可", .en = "Licence"},
    {"items_n", .type = T_INT, .zh = "条数", .en = "Number of items"},
    {"versions", .type = T_LIST, .zh = "各版本", .en = "Versions"},
    {"items", .type = T_ITEMS, .of = code_fields, .zh = "代码", .en = "Codes"},
    {0}};
static const struct shape code_list_shape = {.name = "CodeList", .fields = code_list_fields};
static const struct field code_lists_fields[] = {
    {"items", .type = T_ITEMS, .required = true, .of = code_list_fields, .zh = "代码表", .en = "Code lists"},
    {0}};
static const struct shape code_lists_shape = {.name = "CodeListList", .fields = code_lists_fields};

static const struct field class_list_fields[] = {
    {"items", .type = T_ITEMS, .required = true, .of = code_fields, .zh = "分类", .en = "Classes"}, {0}};
static const struct shape class_list_shape = {.name = "ClassList", .fields = class_list_fields};

static const struct field clock_fields[] = {
    {"step", .type = T_TEXT, .required = true, .zh = "环节", .en = "Step"},
    {"zh", .type = T_TEXT, .required = true, .zh = "中文名称", .en = "Chinese name"},
    {"en", .type = T_TEXT, .required = true, .zh = "英文名称", .en = "English name"},
    {"limit_wd", .type = T_INT, .zh = "时限(工作日)", .en = "Limit, working days"},
    {"extend_wd", .type = T_INT, .zh = "可延长(工作日)", .en = "Extension, working days"},
    {"article", .type = T_TEXT, .zh = "条款", .en = "Article"},
    {"note", .type = T_TEXT, .zh = "说明", .en = "Note"},
    {0}};
static const struct field clock_list_fields[] = {
    {"items", .type = T_ITEMS, .required = true, .of = clock_fields, .zh = "时限", .en = "Clocks"}, {0}};
static const struct shape clock_list_shape = {.name = "ClockList", .fields = clock_list_fields};

static const struct field matter_fields[] = {
    {"id", .type = T_TEXT, .required = true, .zh = "标识", .en = "Id"},
    {"zh", .type = T_TEXT, .required = true, .zh = "中文名称", .en = "Chinese name"},
    {"en", .type = T_TEXT, .required = true, .zh = "英文名称", .en = "English name"},
    {"target", .type = T_TEXT, .required = true, .zh = "服务对象", .en = "For whom"},
    {"office", .type = T_TEXT, .required = true, .zh = "实施机构", .en = "Office"},
    {"office_name", .type = T_TEXT, .required = true, .zh = "实施机构名称", .en = "Name of the office"},
    {"note", .type = T_TEXT, .required = true, .zh = "说明", .en = "Note"},
    {0}};
static const struct field matter_list_fields[] = {
    {"items", .type = T_ITEMS, .required = true, .of = matter_fields, .zh = "事项", .en = "Matters"}, {0}};
static const struct shape matter_list_shape = {.name = "MatterList", .fields = matter_list_fields};

void catalog_put_list(struct jw *w, const char *name, struct str list, char sep) {
    jw_name(w, name);
    jw_array(w);
    for (struct str rest = list; rest.p && rest.n;) {
        struct str one = str_cut(rest, sep, &rest);
        if (one.n) jw_text(w, one);
    }
    jw_array_end(w);
}

static void put_element(struct jw *w, const struct catalog_element *e) {
    jw_object(w);
    jw_ntext(w, "id", e->id);
    jw_ntext(w, "zh", e->zh);
    jw_ntext(w, "en", e->en);
    jw_ntext(w, "subject", e->subject);
    jw_ntext(w, "type", str_of(table_type_name(e->type)));
    jw_nint(w, "length", e->length);
    jw_ntext(w, "check", str_of(element_rule_code(e->rule)));
    jw_ntext(w, "code_list", e->code_list);
    jw_ntext(w, "grade", str_of(mask_grade_code(e->grade)));
    jw_ntext(w, "mask", str_of(mask_code(e->mask)));
    catalog_put_list(w, "aliases", e->aliases, '|');
    jw_ntext(w, "std", e->std);
    jw_ntext(w, "note", e->note);
    jw_object_end(w);
}

static void items_begin(struct jw *w) {
    jw_object(w);
    jw_name(w, "items");
    jw_array(w);
}
static void items_end(struct jw *w) {
    jw_array_end(w);
    jw_object_end(w);
}

static int elements_handle(struct cx *cx) {
    struct str q = cx_text(cx, "q");
    items_begin(&cx->w);
    struct stmt *s = store_query(cx->db, Q_catalog_element_list, "");
    while (store_next(s)) {
        struct catalog_element e;
        element_fill(cx, s, &e);
        if (q.n && !str_has(e.id, q) && !str_has(e.zh, q) && !str_has(e.en, q) && !str_has(e.aliases, q))
            continue;
        put_element(&cx->w, &e);
    }
    items_end(&cx->w);
    return store_done(s, &cx->err);
}

static int element_handle(struct cx *cx) {
    struct catalog_element e;
    int code = catalog_element_get(cx, cx_text(cx, "id"), &e);
    if (code == ERR_not_found) return cx_fail(cx, ERR_not_found, "id", "%.*s", STRF(cx_text(cx, "id")));
    if (code == OK) put_element(&cx->w, &e);
    return code;
}

static void put_code_list(struct cx *cx, struct stmt *s, int from) {
    jw_ntext(&cx->w, "title_zh", store_str(s, from, cx->mem));
    jw_ntext(&cx->w, "title_en", store_str(s, from + 1, cx->mem));
    jw_ntext(&cx->w, "source", store_str(s, from + 2, cx->mem));
    jw_ntext(&cx->w, "licence", store_str(s, from + 3, cx->mem));
}

static int codes_handle(struct cx *cx) {
    items_begin(&cx->w);
    struct stmt *s = store_query(cx->db, Q_catalog_code_lists, "");
    while (store_next(s)) {
        jw_object(&cx->w);
        jw_ntext(&cx->w, "id", store_str(s, 0, cx->mem));
        jw_ntext(&cx->w, "version", store_str(s, 1, cx->mem));
        put_code_list(cx, s, 2);
        jw_nint(&cx->w, "items_n", store_int(s, 6));
        jw_object_end(&cx->w);
    }
    items_end(&cx->w);
    return store_done(s, &cx->err);
}

static int code_list_handle(struct cx *cx) {
    struct str id = cx_text(cx, "id"), want = cx_text(cx, "version"), version = STR_NONE;
    struct jw *w = &cx->w;
    struct buf all = buf_new(cx->mem, 64, 4096);
    jw_object(w);
    jw_ntext(w, "id", id);
    struct stmt *s = store_query(cx->db, Q_catalog_code_versions, "s", id);
    while (store_next(s)) {
        struct str v = store_str(s, 0, cx->mem);
        if (all.n) buf_char(&all, '|');
        buf_put(&all, v);
        if (want.n ? !str_eq(v, want) : store_int(s, 1) == 0) continue;
        version = v;
        jw_ntext(w, "version", v);
        put_code_list(cx, s, 2);
    }
    int code = store_done(s, &cx->err);
    if (code != OK) return code;
    if (!version.p) return cx_fail(cx, ERR_not_found, "id", "%.*s %.*s", STRF(id), STRF(catalog_none(want)));
    catalog_put_list(w, "versions", buf_str(&all), '|');
    jw_name(w, "items");
    jw_array(w);
    s = store_query(cx->db, Q_catalog_code_items, "ss", id, version);
    while (store_next(s)) {
        static const char *const names[] = {"code", "zh", "en", "parent"};
        jw_object(w);
        for (int i = 0; i < 4; i++)
            jw_ntext(w, names[i], store_str(s, i, cx->mem));
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_object_end(w);
    return store_done(s, &cx->err);
}

static int classes_handle(struct cx *cx) {
    items_begin(&cx->w);
    struct stmt *s = store_query(cx->db, Q_catalog_class_list, "");
    while (store_next(s)) {
        static const char *const names[] = {"code", "zh", "en", "parent"};
        jw_object(&cx->w);
        for (int i = 0; i < 4; i++)
            jw_ntext(&cx->w, names[i], store_str(s, i, cx->mem));
        jw_object_end(&cx->w);
    }
    items_end(&cx->w);
    return store_done(s, &cx->err);
}

static int clocks_handle(struct cx *cx) {
    items_begin(&cx->w);
    struct stmt *s = store_query(cx->db, Q_catalog_clock_list, "");
    while (store_next(s)) {
        jw_object(&cx->w);
        jw_ntext(&cx->w, "step", store_str(s, 0, cx->mem));
        jw_ntext(&cx->w, "zh", store_str(s, 1, cx->mem));
        jw_ntext(&cx->w, "en", store_str(s, 2, cx->mem));
        if (!store_is_null(s, 3)) jw_nint(&cx->w, "limit_wd", store_int(s, 3));
        if (!store_is_null(s, 4)) jw_nint(&cx->w, "extend_wd", store_int(s, 4));
        jw_ntext(&cx->w, "article", catalog_none(store_str(s, 5, cx->mem)));
        jw_ntext(&cx->w, "note", catalog_none(store_str(s, 6, cx->mem)));
        jw_object_end(&cx->w);
    }
    items_end(&cx->w);
    return store_done(s, &cx->err);
}

static int matters_handle(struct cx *cx) {
    items_begin(&cx->w);
    struct stmt *s = store_query(cx->db, Q_catalog_matter_list, "");
    while (store_next(s)) {
        struct str office = store_str(s, 4, cx->mem);
        jw_object(&cx->w);
        jw_ntext(&cx->w, "id", store_str(s, 0, cx->mem));
        jw_ntext(&cx->w, "zh", store_str(s, 1, cx->mem));
        jw_ntext(&cx->w, "en", store_str(s, 2, cx->mem));
        jw_ntext(&cx->w, "target", store_str(s, 3, cx->mem));
        jw_ntext(&cx->w, "office", office);
        jw_ntext(&cx->w, "office_name", people_office_name(cx, office, 0));
        jw_ntext(&cx->w, "note", store_str(s, 5, cx->mem));
        jw_object_end(&cx->w);
    }
    items_end(&cx->w);
    return store_done(s, &cx->err);
}

static const struct field q_takes[] = {
    {"q", .where = IN_QUERY, .type = T_TEXT, .max = 100, .zh = "查找", .en = "Find"}, {0}};
static const struct field id_takes[] = {
    {"id", .where = IN_PATH, .type = T_TEXT, .required = true, .max = 60, .zh = "标识", .en = "Id"}, {0}};
static const struct field code_takes[] = {
    {"id", .where = IN_PATH, .type = T_TEXT, .required = true, .max = 60, .zh = "标识", .en = "Id"},
    {"version", .where = IN_QUERY, .type = T_TEXT, .max = 60, .zh = "版本,缺省为现行",
     .en = "Version; the present one if absent"},
    {0}};

// Reference lists are no secret: they say what columns mean, never what stands in them. The portal shows them too.
const struct route catalog_refs_routes[] = {
    {"GET", "/api/v1/elements", ROUTE_READ, R_PUBLIC, q_takes, &element_list_shape, .handle = elements_handle,
     .zh = "数据元清单", .en = "List of elements", .scope = "catalog:read"},
    {"GET", "/api/v1/elements/{id}", ROUTE_READ, R_PUBLIC, id_takes, &element_shape, .handle = element_handle,
     .zh = "一个数据元", .en = "One element", .scope = "catalog:read"},
    {"GET", "/api/v1/codes", ROUTE_READ, R_PUBLIC, NULL, &code_lists_shape, .handle = codes_handle,
     .zh = "代码表清单", .en = "List of code lists", .scope = "catalog:read"},
    {"GET", "/api/v1/codes/{id}", ROUTE_READ, R_PUBLIC, code_takes, &code_list_shape,
     .handle = code_list_handle, .zh = "一个代码表", .en = "One code list", .scope = "catalog:read"},
    {"GET", "/api/v1/classes", ROUTE_READ, R_PUBLIC, NULL, &class_list_shape, .handle = classes_handle,
     .zh = "目录分类", .en = "Classes of the catalog", .scope = "catalog:read"},
    {"GET", "/api/v1/clocks", ROUTE_READ, R_PUBLIC, NULL, &clock_list_shape, .handle = clocks_handle,
     .zh = "各环节时限", .en = "Clocks of the steps", .scope = "catalog:read"},
    {"GET", "/api/v1/matters", ROUTE_READ, R_PUBLIC, NULL, &matter_list_shape, .handle = matters_handle,
     .zh = "事项清单", .en = "List of matters", .scope = "catalog:read"},
    {0}};
