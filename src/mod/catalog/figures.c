// SPDX-License-Identifier: MulanPSL-2.0
// 目录完整性 = compiled ÷ owed by the duty list; 挂接率 = data sets with a tested resource ÷ live data sets. Honest
// figures: both can be below 100 %, and each is given with what is missing, by name.
#include "mod/catalog/routes.h"
#include "mod/catalog/show.h"
#include <stdlib.h>

#define FIGURE_ROWS_MAX 100000

struct line {
    struct str id, office, title_zh, title_en;
    bool is_live, is_attached;
    int open;
};
struct office_line {
    struct str office;
    int64_t owed, compiled, live, attached;
};
struct figures {
    struct line *sets;
    size_t sets_n;
    struct office_line *offices;
    size_t offices_n, offices_cap;
    int64_t owed, compiled, live, attached, open, conditional;
};

static int read_sets(struct cx *cx, struct figures *f) {
    size_t cap = 0;
    struct stmt *s = store_query(cx->db, Q_catalog_figures_datasets, "");
    while (store_next(s) && f->sets_n < FIGURE_ROWS_MAX) {
        if (f->sets_n == cap) {
            size_t more = cap ? cap * 2 : 64;
            f->sets = arena_grow(cx->mem, f->sets, cap * sizeof *f->sets, more * sizeof *f->sets);
            if (!f->sets) break;
            cap = more;
        }
        f->sets[f->sets_n++] =
            (struct line){store_str(s, 0, cx->mem), store_str(s, 1, cx->mem), store_str(s, 4, cx->mem),
                          store_str(s, 5, cx->mem), store_int(s, 2) > 0,      store_int(s, 3) != 0,
                          (int)store_int(s, 6)};
    }
    return store_done(s, &cx->err); // ordered by id
}

static const struct line *set_of(const struct figures *f, struct str id) {
    size_t from = 0, to = f->sets_n;
    while (from < to) {
        size_t at = (from + to) / 2;
        int c = str_cmp(f->sets[at].id, id);
        if (c == 0) return &f->sets[at];
        if (c < 0)
            from = at + 1;
        else
            to = at;
    }
    return NULL;
}

static struct office_line *office_of(struct cx *cx, struct figures *f, struct str office) {
    for (size_t i = 0; i < f->offices_n; i++)
        if (str_eq(f->offices[i].office, office)) return &f->offices[i];
    if (f->offices_n == f->offices_cap) {
        size_t more = f->offices_cap ? f->offices_cap * 2 : 32;
        f->offices =
            arena_grow(cx->mem, f->offices, f->offices_cap * sizeof *f->offices, more * sizeof *f->offices);
        if (!f->offices) {
            static struct office_line spare; // memory is gone: the reply fails as a whole
            return &spare;
        }
        f->offices_cap = more;
    }
    f->offices[f->offices_n] = (struct office_line){.office = office};
    return &f->offices[f->offices_n++];
}

static void count_sets(struct cx *cx, struct figures *f) {
    for (size_t i = 0; i < f->sets_n; i++) {
        const struct line *s = &f->sets[i];
        if (!s->is_live) continue;
        struct office_line *o = office_of(cx, f, s->office);
        f->live++;
        o->live++;
        f->attached += s->is_attached;
        o->attached += s->is_attached;
        f->open += s->open == CATALOG_OPEN_FREE;
        f->conditional += s->open == CATALOG_OPEN_CONDITION;
    }
}

// "20wd" runs from the day the duty was laid on the office; a cycle ("yearly") has no single end.
static int64_t due_of(struct cx *cx, struct str due, int64_t from_ms) {
    int64_t days;
    bool certain;
    if (!str_ends(due, S("wd")) || !str_int64((struct str){due.p, due.n - 2}, &days) || days < 0 ||
        days > 10000)
        return 0;
    return workdays_deadline(city_workdays(cx->city), from_ms, (int)days, CHINA_OFFSET_MS, &certain);
}

// Duties: counted, and written where nobody has published what is owed.
static int duties(struct cx *cx, struct figures *f, bool writes) {
    struct jw *w = &cx->w;
    struct stmt *s = store_query(cx->db, Q_catalog_duty_list, "");
    while (store_next(s)) {
        struct str office = store_str(s, 1, cx->mem), dataset = store_str(s, 5, cx->mem);
        const struct line *set = dataset.n ? set_of(f, dataset) : NULL;
        bool compiled = set && set->is_live;
        struct str due = store_str(s, 6, cx->mem);
        int64_t due_ms = due_of(cx, due, store_int(s, 7));
        if (!writes) {
            struct office_line *o = office_of(cx, f, office);
            f->owed++;
            o->owed++;
            f->compiled += compiled;
            o->compiled += compiled;
            continue;
        }
        if (compiled) continue;
        jw_object(w);
        jw_ntext(w, "duty", store_str(s, 0, cx->mem));
        jw_ntext(w, "office", office);
        jw_ntext(w, "office_name", people_office_name(cx, office, 0));
        jw_ntext(w, "title_zh", store_str(s, 2, cx->mem));
        jw_ntext(w, "title_en", store_str(s, 3, cx->mem));
        jw_ntext(w, "basis", store_str(s, 4, cx->mem));
        jw_ntext(w, "dataset", dataset);
        jw_ntext(w, "due", due);
        jw_nint(w, "due_ms", due_ms);
        jw_ntext(w, "light", str_of(catalog_light(cx, due_ms, 0)));
        jw_object_end(w);
    }
    return store_done(s, &cx->err);
}

static void put_rate(struct jw *w, const char *name, int64_t part, int64_t whole) {
    jw_name(w, name);
    if (whole == 0)
        jw_null(w);
    else
        jw_double(w, (double)part / (double)whole);
}

static int more_owed(const void *a, const void *b) {
    const struct office_line *x = a, *y = b;
    int64_t p = x->owed + x->live, q = y->owed + y->live;
    return p > q ? -1 : p < q ? 1 : str_cmp(x->office, y->office);
}

static void put_offices(struct cx *cx, struct figures *f) {
    struct jw *w = &cx->w;
    if (f->offices_n) qsort(f->offices, f->offices_n, sizeof *f->offices, more_owed);
    jw_name(w, "by_office");
    jw_array(w);
    for (size_t i = 0; i < f->offices_n; i++) {
        const struct office_line *o = &f->offices[i];
        jw_object(w);
        jw_ntext(w, "office", o->office);
        jw_ntext(w, "office_name", people_office_name(cx, o->office, 0));
        jw_nint(w, "owed", o->owed);
        jw_nint(w, "compiled", o->compiled);
        jw_nint(w, "published", o->live);
        jw_nint(w, "attached", o->attached);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void put_unattached(struct cx *cx, const struct figures *f) {
    struct jw *w = &cx->w;
    jw_name(w, "unattached");
    jw_array(w);
    for (size_t i = 0; i < f->sets_n; i++) {
        const struct line *s = &f->sets[i];
        if (!s->is_live || s->is_attached) continue;
        jw_object(w);
        jw_ntext(w, "dataset", s->id);
        jw_ntext(w, "office", s->office);
        jw_ntext(w, "office_name", people_office_name(cx, s->office, 0));
        jw_ntext(w, "title_zh", s->title_zh);
        jw_ntext(w, "title_en", s->title_en);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static int figures_read(struct cx *cx, struct figures *f) {
    int code = read_sets(cx, f);
    if (code == OK) count_sets(cx, f);
    return code == OK ? duties(cx, f, false) : code;
}

static void put_sums(struct jw *w, const struct figures *f) {
    jw_nint(w, "owed", f->owed);
    jw_nint(w, "compiled", f->compiled);
    put_rate(w, "completeness", f->compiled, f->owed);
    jw_nint(w, "published", f->live);
    jw_nint(w, "attached", f->attached);
    put_rate(w, "attach_rate", f->attached, f->live);
    jw_nint(w, "open", f->open);
    jw_nint(w, "open_conditional", f->conditional);
}

static int figures_handle(struct cx *cx) {
    struct figures f = {0};
    int code = figures_read(cx, &f);
    if (code != OK) return code;
    jw_object(&cx->w);
    put_sums(&cx->w, &f);
    put_offices(cx, &f);
    jw_name(&cx->w, "missing");
    jw_array(&cx->w);
    code = duties(cx, &f, true);
    jw_array_end(&cx->w);
    put_unattached(cx, &f);
    jw_object_end(&cx->w);
    return code;
}

static int portal_handle(struct cx *cx) {
    struct figures f = {0};
    int code = figures_read(cx, &f);
    if (code != OK) return code;
    int64_t rows = 0, offices = 0;
    struct stmt *s = store_query(cx->db, Q_catalog_open_sums, "");
    if (store_next(s)) {
        rows = store_int(s, 0);
        offices = store_int(s, 1);
    }
    code = store_done(s, &cx->err);
    jw_object(&cx->w);
    put_sums(&cx->w, &f);
    jw_nint(&cx->w, "rows", rows);
    jw_nint(&cx->w, "offices", offices);
    jw_object_end(&cx->w);
    return code;
}

#define NUM(name_, zh_, en_)                                                                                 \
    { name_, .type = T_INT, .required = true, .zh = zh_, .en = en_ }
#define TXT(name_, zh_, en_)                                                                                 \
    { name_, .type = T_TEXT, .required = true, .zh = zh_, .en = en_ }
#define SUM_FIELDS                                                                                           \
    NUM("owed", "应编", "Owed"), NUM("compiled", "已编", "Compiled"),                                        \
        {"completeness", .type = T_NUMBER, .zh = "目录完整性", .en = "Completeness, 0–1"},                   \
        NUM("published", "已发布", "Published"), NUM("attached", "已挂接", "With a tested resource"),        \
        {"attach_rate", .type = T_NUMBER, .zh = "挂接率", .en = "Attach rate, 0–1"},                         \
        NUM("open", "无条件开放", "Open"), NUM("open_conditional", "有条件开放", "Open on conditions")
static const struct field office_fields[] = {TXT("office", "机构", "Office"),
                                             TXT("office_name", "机构名称", "Its name"),
                                             NUM("owed", "应编", "Owed"),
                                             NUM("compiled", "已编", "Compiled"),
                                             NUM("published", "已发布", "Published"),
                                             NUM("attached", "已挂接", "Attached"),
                                             {0}};
static const struct field missing_fields[] = {TXT("duty", "责任", "Duty"),
                                              TXT("office", "机构", "Office"),
                                              TXT("office_name", "机构名称", "Its name"),
                                              TXT("title_zh", "名称", "Title (zh)"),
                                              TXT("title_en", "英文名称", "Title (en)"),
                                              TXT("basis", "依据", "Basis"),
                                              TXT("dataset", "目录", "Data set"),
                                              TXT("due", "期限", "Due"),
                                              NUM("due_ms", "到期", "Due at"),
                                              TXT("light", "灯", "Light"),
                                              {0}};
static const struct field unattached_fields[] = {
    TXT("dataset", "目录", "Data set"),         TXT("office", "机构", "Office"),
    TXT("office_name", "机构名称", "Its name"), TXT("title_zh", "名称", "Title (zh)"),
    TXT("title_en", "英文名称", "Title (en)"),  {0}};
static const struct field figures_fields[] = {
    SUM_FIELDS,
    {"by_office", .type = T_ITEMS, .required = true, .of = office_fields, .zh = "按机构", .en = "By office"},
    {"missing", .type = T_ITEMS, .required = true, .of = missing_fields, .zh = "应编未编",
     .en = "Owed and not compiled"},
    {"unattached", .type = T_ITEMS, .required = true, .of = unattached_fields, .zh = "未挂接",
     .en = "Without a tested resource"},
    {0}};
static const struct shape figures_shape = {.name = "CatalogFigures", .fields = figures_fields};
static const struct field portal_fields[] = {SUM_FIELDS,
                                             NUM("rows", "开放数据行数", "Rows of open data"),
                                             NUM("offices", "开放数据的机构数", "Offices with open data"),
                                             {0}};
static const struct shape portal_shape = {.name = "PortalFigures", .fields = portal_fields};

const struct route catalog_figures_routes[] = {
    {"GET", "/api/v1/catalog/figures", ROUTE_READ, R_LOGIN, NULL, &figures_shape, .handle = figures_handle,
     .zh = "目录完整性与挂接率", .en = "Completeness and attach rate", .scope = "catalog:read"},
    {"GET", "/api/v1/portal/figures", ROUTE_READ, R_PUBLIC, NULL, &portal_shape, .handle = portal_handle,
     .zh = "开放数据总览", .en = "Open data at a glance"},
    {0}};
