// SPDX-License-Identifier: MulanPSL-2.0
// Speaks: areas, for everyone (区划 are open data). A code asked under an alias is answered under today's code, with
// the code that was asked beside it; kinds are counted apart, since 27 of the 118 "streets" of Suzhou are none.
#include "mod/people/own.h"
#include <inttypes.h>

// Plain codes for lists; with their kind on an area's own page, where 旧版 and 登记 are told apart.
static int aliases(struct cx *cx, struct str code, bool with_kind) {
    struct jw *w = &cx->w;
    jw_name(w, with_kind ? "alias_list" : "aliases");
    jw_array(w);
    struct stmt *s = store_query(cx->db, Q_people_area_aliases, "s", code);
    while (store_next(s)) {
        if (!with_kind) {
            jw_text(w, store_str(s, 0, NULL));
            continue;
        }
        jw_object(w);
        jw_ntext(w, "code", store_str(s, 0, NULL));
        jw_ntext(w, "kind", store_str(s, 1, NULL));
        jw_object_end(w);
    }
    jw_array_end(w);
    return store_done(s, &cx->err);
}

// The fields of one area, the same in lists and alone; the caller opens and closes the object.
static int area_write(struct cx *cx, const struct area *a) {
    struct jw *w = &cx->w;
    jw_ntext(w, "code", a->a.code);
    jw_ntext(w, "name", a->a.name);
    jw_nint(w, "level", a->a.level);
    jw_ntext(w, "parent", a->a.parent.n ? a->a.parent : STR_NONE);
    jw_ntext(w, "kind", a->a.kind);
    jw_ntext(w, "vintage", a->a.vintage);
    if (a->valid_from.p) jw_ntext(w, "valid_from", a->valid_from);
    if (a->valid_to.p) jw_ntext(w, "valid_to", a->valid_to);
    jw_nbool(w, "is_admin", a->a.is_admin);
    if (a->a.note.p) jw_ntext(w, "note", a->a.note);
    jw_nint(w, "children_n", a->children_n);
    return aliases(cx, a->a.code, false);
}

// One row more than asked for tells whether there is a next page.
static int list(struct cx *cx, struct stmt *s, int64_t limit) {
    struct jw *w = &cx->w;
    struct str last = STR_NONE;
    int64_t n = 0;
    int code = OK;
    bool more = false;
    jw_object(w);
    jw_name(w, "items");
    jw_array(w);
    while (code == OK && store_next(s)) {
        if (n++ == limit) {
            more = true;
            break;
        }
        struct area a;
        area_row(cx, s, &a);
        last = a.a.code;
        jw_object(w);
        code = area_write(cx, &a);
        jw_object_end(w);
    }
    int end = store_done(s, &cx->err);
    jw_array_end(w);
    if (more) cx_next(cx, last);
    jw_object_end(w);
    return code != OK ? code : end;
}

// Children of one area come by the index on parent; everything else walks the codes in order with its filters, which
// over a city's 2,400 areas is cheaper than an index for each of them.
static int get_areas(struct cx *cx) {
    struct str parent = cx_text(cx, "parent"), kind = cx_text(cx, "kind"), after = cx_after(cx),
               q = cx_text(cx, "q");
    int64_t limit = cx_limit(cx, 100, 1000), level = cx_int(cx, "level", 0);
    if (!after.p) after = S("");
    if (parent.p) {
        struct str real = people_area_resolve(cx, parent);
        return list(cx,
                    level ? store_query(cx->db, Q_people_areas_of, "ssisi", real.p ? real : parent, after,
                                        level, kind, limit + 1)
                          : store_query(cx->db, Q_people_areas_of, "ssnsi", real.p ? real : parent, after,
                                        kind, limit + 1),
                    limit);
    }
    struct str name = like_pattern(cx, q, false), code = like_pattern(cx, q, true);
    return list(cx,
                level
                    ? store_query(cx->db, Q_people_areas, "sisssi", after, level, kind, name, code, limit + 1)
                    : store_query(cx->db, Q_people_areas, "snsssi", after, kind, name, code, limit + 1),
                limit);
}

// From the province down, for the line above a page; names are today's.
static int path_write(struct cx *cx, const struct area *a) {
    struct jw *w = &cx->w;
    struct str rest = a->a.path;
    jw_name(w, "path");
    jw_array(w);
    while (rest.p && rest.n) {
        struct str code = str_cut(rest, '/', &rest);
        if (!code.n) continue;
        jw_object(w);
        jw_ntext(w, "code", code);
        jw_ntext(w, "name", people_area_name(cx, code));
        jw_object_end(w);
    }
    jw_array_end(w);
    return cx->err.code;
}

static int counts_write(struct cx *cx, const struct area *a) {
    struct jw *w = &cx->w;
    // All below: the paths that begin with this one. '0' follows '/' in ASCII, so the range ends right after them.
    struct str from = a->a.path, to = str_print(cx->mem, "%.*s0", (int)(from.n - 1), from.p);
    jw_name(w, "counts");
    jw_array(w);
    struct stmt *s = store_query(cx->db, Q_people_area_counts, "ss", from, to);
    while (store_next(s)) {
        jw_object(w);
        jw_nint(w, "level", store_int(s, 0));
        jw_ntext(w, "kind", store_str(s, 1, NULL));
        jw_nint(w, "n", store_int(s, 2));
        jw_object_end(w);
    }
    jw_array_end(w);
    return store_done(s, &cx->err);
}

// How many areas of this level in the city bear this name (itself included): names repeat, only codes identify.
static int namesakes_write(struct cx *cx, const struct area *a) {
    struct area city;
    struct str code = people_city_code(cx);
    if (!code.p || area_read(cx, code, &city) != OK) return cx->err.code;
    if (a->a.level <= city.a.level) return OK; // the city itself and what is above it
    struct str to = str_print(cx->mem, "%.*s0", (int)(city.a.path.n - 1), city.a.path.p);
    struct stmt *s =
        store_query(cx->db, Q_people_area_namesakes, "isss", (int64_t)a->a.level, a->a.name, city.a.path, to);
    if (store_next(s)) jw_nint(&cx->w, "namesakes_n", store_int(s, 0));
    return store_done(s, &cx->err);
}

static int get_area(struct cx *cx) {
    struct str asked = cx_text(cx, "code");
    struct people_area found;
    struct area a;
    int code = missing(cx, people_area_get(cx, asked, &found), "code", asked);
    if (code == OK) code = area_read(cx, found.code, &a);
    if (code != OK) return code;
    jw_object(&cx->w);
    if (!str_eq(asked, found.code)) jw_ntext(&cx->w, "asked", asked);
    code = area_write(cx, &a);
    if (code == OK) code = aliases(cx, a.a.code, true);
    if (code == OK) code = path_write(cx, &a);
    if (code == OK) code = counts_write(cx, &a);
    if (code == OK) code = namesakes_write(cx, &a);
    jw_object_end(&cx->w);
    return code;
}

static const struct field takes_areas[] = {
    {"parent", IN_QUERY, T_TEXT, .max = 12, .zh = "上级代码", .en = "code of the parent"},
    {"level", IN_QUERY, T_INT, .min = 1, .max = 5, .zh = "级别 1–5", .en = "level 1–5"},
    {"q", IN_QUERY, T_TEXT, .max = PEOPLE_NAME_MAX, .zh = "名称或代码", .en = "name or code"},
    {"kind", IN_QUERY, T_TEXT, .max = 40, .zh = "类别", .en = "kind"},
    {"limit", IN_QUERY, T_INT, .min = 1, .max = 1000, .zh = "每页条数", .en = "rows per page"},
    {"after", IN_QUERY, T_TEXT, .max = 200, .zh = "下一页位置", .en = "where the next page begins"},
    {0},
};
static const struct field takes_area[] = {
    {"code", IN_PATH, T_TEXT, true, 1, 12, .zh = "区划代码", .en = "area code"},
    {0},
};
#define AREA_FIELDS                                                                                          \
    {"code", .type = T_TEXT, .required = true, .zh = "代码", .en = "code"},                                  \
        {"name", .type = T_TEXT, .required = true, .zh = "名称", .en = "name"},                              \
        {"level", .type = T_INT, .required = true, .zh = "级别", .en = "level"},                             \
        {"parent", .type = T_TEXT, .zh = "上级", .en = "parent"},                                            \
        {"kind", .type = T_TEXT, .required = true, .zh = "类别", .en = "kind"},                              \
        {"vintage", .type = T_TEXT, .required = true, .zh = "版本日期", .en = "vintage"},                    \
        {"valid_from", .type = T_TEXT, .zh = "生效", .en = "valid from"},                                    \
        {"valid_to", .type = T_TEXT, .zh = "失效", .en = "valid to"},                                        \
        {"is_admin", .type = T_BOOL, .required = true, .zh = "是行政区划",                                   \
         .en = "is an administrative division"},                                                             \
        {"note", .type = T_TEXT, .zh = "说明", .en = "note"},                                                \
        {"children_n", .type = T_INT, .required = true, .zh = "下级数", .en = "number of children"}, {       \
        "aliases", .type = T_LIST, .required = true, .zh = "别名代码", .en = "other codes"                   \
    }

static const struct field area_fields[] = {AREA_FIELDS, {0}};
static const struct field areas_fields[] = {
    {"items", .type = T_ITEMS, .required = true, .of = area_fields, .zh = "区划", .en = "areas"},
    {"next", .type = T_TEXT, .zh = "下一页位置", .en = "where the next page begins"},
    {0},
};
static const struct field alias_fields[] = {
    {"code", .type = T_TEXT, .required = true, .zh = "代码", .en = "code"},
    {"kind", .type = T_TEXT, .required = true, .zh = "来历: list 旧版, register 登记",
     .en = "list: an older list; register: place digits"},
    {0},
};
static const struct field step_fields[] = {
    {"code", .type = T_TEXT, .required = true, .zh = "代码", .en = "code"},
    {"name", .type = T_TEXT, .required = true, .zh = "名称", .en = "name"},
    {0},
};
static const struct field count_fields[] = {
    {"level", .type = T_INT, .required = true, .zh = "级别", .en = "level"},
    {"kind", .type = T_TEXT, .required = true, .zh = "类别", .en = "kind"},
    {"n", .type = T_INT, .required = true, .zh = "个数", .en = "number"},
    {0},
};
static const struct field area_whole_fields[] = {
    AREA_FIELDS,
    {"asked", .type = T_TEXT, .zh = "所查代码", .en = "the code that was asked"},
    {"alias_list", .type = T_ITEMS, .required = true, .of = alias_fields, .zh = "别名代码及来历",
     .en = "other codes and their kind"},
    {"path", .type = T_ITEMS, .required = true, .of = step_fields, .zh = "上级链",
     .en = "path from the root"},
    {"counts", .type = T_ITEMS, .required = true, .of = count_fields, .zh = "下属个数(按类别)",
     .en = "what lies below, by kind"},
    {"namesakes_n", .type = T_INT, .zh = "本市同名个数", .en = "areas of this name in the city"},
    {0},
};
static const struct shape gives_areas = {"area_list", areas_fields, NULL},
                          gives_area = {"area", area_whole_fields, NULL};

const struct route people_area_routes[] = {
    {"GET", "/api/v1/areas", ROUTE_READ, R_PUBLIC, takes_areas, &gives_areas, NULL, 0, 0, get_areas,
     "区划列表", "List areas", "catalog:read"},
    {"GET", "/api/v1/areas/{code}", ROUTE_READ, R_PUBLIC, takes_area, &gives_area, NULL, 0, 0, get_area,
     "一个区划(别名代码亦可)", "One area, also by an alias", "catalog:read"},
    {0},
};
