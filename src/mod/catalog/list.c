// SPDX-License-Identifier: MulanPSL-2.0
// The catalog's list: full text, filters, facets, sorting, paging. One pass over the heads (a city has hundreds or
// thousands of data sets, not millions) decides visibility, counts facets and collects what passes; only the page's
// own rows are then read further. Kept true: a data set that the asker may not see is counted nowhere.
#include "core/search.h"
#include "mod/catalog/routes.h"
#include "mod/catalog/show.h"
#include <stdio.h>
#include <stdlib.h>

#define LIST_ROWS_MAX    200000 // heads looked at; a larger catalog needs an index of its own
#define FACET_VALUES_MAX 400

enum dim {
    BY_OFFICE,
    BY_CLASS,
    BY_SHARE,
    BY_OPEN,
    BY_GRADE,
    BY_CYCLE,
    BY_SUBJECT,
    BY_STATE,
    BY_RESOURCE,
    DIMS
};
static const char *const dim_names[DIMS] = {"office", "class",   "share", "open",    "grade",
                                            "cycle",  "subject", "state", "resource"};

struct row {
    int64_t n, version, published_ms, updated_ms, data_ms, edition, live, rows, resources;
    struct str id, office, title_zh, title_en, cycle, subject, modes, classes;
    int share, open, grade, kinds;
    enum catalog_state state, work_state;
    bool is_synthetic;
    double score, rank;
};
struct value_n {
    struct str key;
    int64_t n;
};
struct facet {
    struct value_n *values;
    int n;
};
struct list {
    struct cx *cx;
    bool is_public, has_q;
    struct str want[DIMS];
    struct facet facets[DIMS];
    struct hit *hits; // sorted by rowid of the full-text index
    size_t hits_n;
    struct row *rows;
    size_t rows_n, rows_cap;
};
struct hit {
    int64_t rowid;
    double rank;
};

static int by_rowid(const void *a, const void *b) {
    int64_t x = ((const struct hit *)a)->rowid, y = ((const struct hit *)b)->rowid;
    return x < y ? -1 : x > y;
}

static int find_hits(struct list *l, struct str q) {
    struct cx *cx = l->cx;
    struct buf match = buf_new(cx->mem, 256, 65536);
    size_t cap = 0;
    l->has_q = true;
    if (!search_match(&match, q, store_is_postgres(cx->db)) || match.over)
        return OK; // nothing to look for: nothing found
    struct stmt *s = store_query(cx->db, Q_catalog_search_match, "s", buf_str(&match));
    while (store_next(s) && l->hits_n < (size_t)LIST_ROWS_MAX * 2) {
        if (l->hits_n == cap) {
            size_t more = cap ? cap * 2 : 256;
            l->hits = arena_grow(cx->mem, l->hits, cap * sizeof *l->hits, more * sizeof *l->hits);
            if (!l->hits) break;
            cap = more;
        }
        l->hits[l->hits_n++] = (struct hit){store_int(s, 0), store_double(s, 1)};
    }
    int code = store_done(s, &cx->err);
    if (code == OK && l->hits_n) qsort(l->hits, l->hits_n, sizeof *l->hits, by_rowid);
    return code;
}

static const struct hit *hit_of(const struct list *l, int64_t rowid) {
    struct hit key = {rowid, 0};
    return l->hits_n ? bsearch(&key, l->hits, l->hits_n, sizeof key, by_rowid) : NULL;
}

static void row_fill(struct cx *cx, struct stmt *s, struct row *r) {
    *r = (struct row){.n = store_int(s, 0),
                      .id = store_str(s, 1, cx->mem),
                      .office = store_str(s, 2, cx->mem),
                      .live = store_int(s, 3),
                      .version = store_int(s, 5),
                      .published_ms = store_int(s, 6),
                      .updated_ms = store_int(s, 7),
                      .data_ms = store_int(s, 8),
                      .score = store_is_null(s, 9) ? -1 : store_double(s, 9),
                      .edition = store_int(s, 10),
                      .state = (enum catalog_state)store_int(s, 11),
                      .work_state = (enum catalog_state)store_int(s, 12),
                      .title_zh = store_str(s, 13, cx->mem),
                      .title_en = store_str(s, 14, cx->mem),
                      .share = (int)store_int(s, 15),
                      .open = (int)store_int(s, 16),
                      .grade = (int)store_int(s, 17),
                      .cycle = store_str(s, 18, cx->mem),
                      .subject = store_str(s, 19, cx->mem),
                      .modes = store_str(s, 20, cx->mem),
                      .classes = store_str(s, 21, cx->mem),
                      .is_synthetic = store_int(s, 22) != 0,
                      .kinds = (int)store_int(s, 23),
                      .rows = store_int(s, 24),
                      .resources = store_int(s, 25)};
}

// Sees the live edition, or the draft where the asker's role reaches it; a hidden draft hides its state too.
static bool visible(const struct list *l, struct row *r) {
    struct catalog_dataset d = {
        .office = r->office, .is_live = r->live > 0, .state = r->state, .open = r->open};
    if (l->is_public) {
        r->work_state = 0;
        return r->live > 0 && catalog_is_open(&d);
    }
    if (!catalog_may_see(l->cx, &d)) return false;
    d.is_live = false;
    d.state = r->work_state;
    if (r->work_state && !catalog_may_see(l->cx, &d)) r->work_state = 0;
    return true;
}

static bool matches(const struct list *l, struct row *r) {
    const struct hit *h = r->live ? hit_of(l, r->n * 2) : NULL;
    if (!h && r->work_state) h = hit_of(l, r->n * 2 + 1);
    r->rank = h ? h->rank : 0;
    return h || !l->has_q;
}

// Calls fn for each value that the row has in a dimension.
static void each_value(struct list *l, const struct row *r, enum dim d,
                       void (*fn)(struct list *l, enum dim d, struct str v, void *arg), void *arg) {
    static const char *const shares[] = {"", "1", "2", "3"};
    static const char *const kinds[] = {"", "table", "service", "file"};
    switch (d) {
    case BY_OFFICE:
        fn(l, d, r->office, arg);
        return;
    case BY_CLASS:
        for (struct str rest = r->classes; rest.p && rest.n;)
            fn(l, d, str_cut(rest, ' ', &rest), arg);
        return;
    case BY_SHARE:
        fn(l, d, str_of(shares[r->share & 3]), arg);
        return;
    case BY_OPEN:
        fn(l, d, str_of(catalog_open_code((enum catalog_open)r->open)), arg);
        return;
    case BY_GRADE:
        fn(l, d, str_of(mask_grade_code(r->grade)), arg);
        return;
    case BY_CYCLE:
        fn(l, d, r->cycle, arg);
        return;
    case BY_SUBJECT:
        for (struct str rest = r->subject; rest.p && rest.n;)
            fn(l, d, str_cut(rest, ' ', &rest), arg);
        return;
    case BY_STATE:
        fn(l, d, str_of(catalog_state_code(r->state)), arg);
        if (r->work_state && r->work_state != r->state)
            fn(l, d, str_of(catalog_state_code(r->work_state)), arg);
        return;
    case BY_RESOURCE:
        for (int k = CATALOG_TABLE; k <= CATALOG_FILE; k++)
            if (r->kinds & (1 << k)) fn(l, d, str_of(kinds[k]), arg);
        if (!r->kinds) fn(l, d, S("none"), arg);
        return;
    case DIMS:
        break;
    }
}

// "1" wants every class below 1 too; several wanted values stand side by side with ','.
static void test_value(struct list *l, enum dim d, struct str v, void *arg) {
    bool *passed = arg;
    for (struct str rest = l->want[d]; rest.p && rest.n && !*passed;) {
        struct str one = str_cut(rest, ',', &rest);
        *passed = str_eq(one, v) || (d == BY_CLASS && v.n > one.n && str_starts(v, one) && v.p[one.n] == '/');
    }
}

static void count_value(struct list *l, enum dim d, struct str v, void *arg) {
    struct facet *f = &l->facets[d];
    (void)arg;
    if (v.n == 0) return;
    if (!f->values) f->values = arena_array(l->cx->mem, FACET_VALUES_MAX, sizeof *f->values);
    if (!f->values) return;
    for (int i = 0; i < f->n; i++)
        if (str_eq(f->values[i].key, v)) {
            f->values[i].n++;
            return;
        }
    if (f->n < FACET_VALUES_MAX) f->values[f->n++] = (struct value_n){v, 1};
}

// Each facet counts what passes all OTHER filters, so that choosing a second value of it shows what that would bring.
static bool judge_row(struct list *l, const struct row *r) {
    int failed_n = 0;
    enum dim failed = DIMS;
    for (enum dim d = 0; d < DIMS; d++) {
        bool passed = l->want[d].n == 0;
        if (!passed) each_value(l, r, d, test_value, &passed);
        if (passed) continue;
        failed_n++;
        failed = d;
    }
    if (failed_n == 0)
        for (enum dim d = 0; d < DIMS; d++)
            each_value(l, r, d, count_value, NULL);
    if (failed_n == 1) each_value(l, r, failed, count_value, NULL);
    return failed_n == 0;
}

static int collect(struct list *l) {
    struct cx *cx = l->cx;
    struct stmt *s = store_query(cx->db, Q_catalog_list, "");
    size_t seen = 0;
    while (store_next(s) && seen++ < LIST_ROWS_MAX) {
        struct row r;
        row_fill(cx, s, &r);
        if (!visible(l, &r) || !matches(l, &r) || !judge_row(l, &r)) continue;
        if (l->rows_n == l->rows_cap) {
            size_t more = l->rows_cap ? l->rows_cap * 2 : 64;
            l->rows = arena_grow(cx->mem, l->rows, l->rows_cap * sizeof r, more * sizeof r);
            if (!l->rows) break;
            l->rows_cap = more;
        }
        l->rows[l->rows_n++] = r;
    }
    return store_done(s, &cx->err);
}

static int later_first(int64_t a, int64_t b) {
    return a > b ? -1 : a < b;
}
static int by_updated(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    int64_t p = x->updated_ms > x->published_ms ? x->updated_ms : x->published_ms;
    int64_t q = y->updated_ms > y->published_ms ? y->updated_ms : y->published_ms;
    int c = later_first(p, q);
    return c ? c : str_cmp(x->id, y->id);
}
static int by_rank(const void *a, const void *b) {
    const struct row *x = a, *y = b; // bm25: the smaller, the better
    return x->rank < y->rank ? -1 : x->rank > y->rank ? 1 : str_cmp(x->id, y->id);
}
static int by_name(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    int c = str_cmp(x->title_zh, y->title_zh);
    return c ? c : str_cmp(x->id, y->id);
}
static int by_score(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    return x->score > y->score ? -1 : x->score < y->score ? 1 : str_cmp(x->id, y->id);
}

static void sort_rows(struct list *l, struct str sort) {
    int (*order)(const void *, const void *) = l->has_q ? by_rank : by_updated;
    if (str_eq(sort, S("updated"))) order = by_updated;
    if (str_eq(sort, S("name"))) order = by_name;
    if (str_eq(sort, S("score"))) order = by_score;
    if (l->rows_n) qsort(l->rows, l->rows_n, sizeof *l->rows, order);
}

static int put_item(struct cx *cx, const struct row *r) {
    struct jw *w = &cx->w;
    int64_t next = show_next_update_of(r->cycle, r->data_ms);
    struct stmt *s = store_query(cx->db, Q_catalog_abstract_get, "si", r->id, r->edition);
    bool found = store_next(s);
    jw_object(w);
    jw_ntext(w, "id", r->id);
    jw_ntext(w, "title_zh", r->title_zh);
    jw_ntext(w, "title_en", r->title_en);
    jw_ntext(w, "abstract_zh", found ? store_str(s, 0, cx->mem) : S(""));
    jw_ntext(w, "abstract_en", found ? store_str(s, 1, cx->mem) : S(""));
    jw_ntext(w, "office", r->office);
    jw_ntext(w, "office_name", people_office_name(cx, r->office, 0));
    jw_ntext(w, "state", str_of(catalog_state_code(r->state)));
    if (r->work_state && r->work_state != r->state)
        jw_ntext(w, "work_state", str_of(catalog_state_code(r->work_state)));
    jw_nint(w, "share", r->share);
    jw_ntext(w, "open", str_of(catalog_open_code((enum catalog_open)r->open)));
    jw_ntext(w, "grade", str_of(mask_grade_code(r->grade)));
    jw_ntext(w, "cycle", r->cycle);
    jw_ntext(w, "subject", r->subject);
    catalog_put_list(w, "modes", r->modes, ' ');
    jw_name(w, "kinds");
    jw_array(w);
    for (int k = CATALOG_TABLE; k <= CATALOG_FILE; k++)
        if (r->kinds & (1 << k)) jw_textz(w, catalog_kind_code((enum catalog_kind)k));
    jw_array_end(w);
    jw_nbool(w, "synthetic", r->is_synthetic);
    jw_nint(w, "rows", r->rows);
    jw_nint(w, "resources_n", r->resources);
    jw_nint(w, "published_ms", r->published_ms);
    jw_nint(w, "updated_ms", r->updated_ms);
    jw_nint(w, "data_ms", r->data_ms);
    if (next) jw_nint(w, "next_update_ms", next);
    jw_nbool(w, "stale", next && cx->now_ms > next);
    jw_name(w, "score");
    if (r->score < 0)
        jw_null(w);
    else
        jw_double(w, r->score);
    jw_nint(w, "version", r->version);
    jw_object_end(w);
    return store_done(s, &cx->err);
}

// Words of a facet's value: closed lists from words.def, offices and classes from their tables.
static void put_facet_value(struct cx *cx, enum dim d, const struct value_n *v) {
    struct jw *w = &cx->w;
    struct str zh = v->key, en = v->key;
    const struct catalog_word *word = catalog_word(dim_names[d], v->key);
    if (word) {
        zh = str_of(word->zh);
        en = str_of(word->en);
    }
    if (d == BY_OFFICE) {
        struct people_office o;
        zh = en = people_office_name(cx, v->key, 0);
        if (people_office_get(cx, v->key, &o) == OK && o.name_en.n) en = o.name_en;
    }
    if (d == BY_CLASS) {
        struct stmt *s = store_query(cx->db, Q_catalog_class_get, "s", v->key);
        if (store_next(s)) {
            zh = store_str(s, 0, cx->mem);
            en = store_str(s, 1, cx->mem);
        }
        struct err ignore;
        if (store_done(s, &ignore) != OK) zh = en = v->key;
    }
    jw_object(w);
    jw_ntext(w, "key", v->key);
    jw_ntext(w, "zh", zh);
    jw_ntext(w, "en", en);
    jw_nint(w, "n", v->n);
    jw_object_end(w);
}

static int more_first(const void *a, const void *b) {
    const struct value_n *x = a, *y = b;
    return x->n > y->n ? -1 : x->n < y->n ? 1 : str_cmp(x->key, y->key);
}

static void put_facets(struct list *l) {
    struct jw *w = &l->cx->w;
    jw_name(w, "facets");
    jw_object(w);
    for (enum dim d = 0; d < DIMS; d++) {
        struct facet *f = &l->facets[d];
        if (f->n) qsort(f->values, (size_t)f->n, sizeof *f->values, more_first);
        jw_name(w, dim_names[d]);
        jw_array(w);
        for (int i = 0; i < f->n; i++)
            put_facet_value(l->cx, d, &f->values[i]);
        jw_array_end(w);
    }
    jw_object_end(w);
}

// `after` is "<place>:<id>": the id finds the place again when rows before it came or went meanwhile.
static size_t start_of(struct list *l, struct str after) {
    struct str id;
    int64_t place;
    if (!after.p) return 0;
    if (!str_int64(str_cut(after, ':', &id), &place) || place < 0) return 0;
    for (size_t i = 0; i < l->rows_n; i++)
        if (str_eq(l->rows[i].id, id)) return i + 1;
    return (size_t)place < l->rows_n ? (size_t)place : l->rows_n;
}

int list_datasets(struct cx *cx, bool is_public) {
    struct list l = {.cx = cx, .is_public = is_public};
    struct str q = str_trim(catalog_none(cx_text(cx, "q")));
    int64_t limit = cx_limit(cx, 20, 200);
    int code = OK;
    for (enum dim d = 0; d < DIMS; d++)
        l.want[d] = catalog_none(cx_text(cx, dim_names[d]));
    if (q.n) code = find_hits(&l, q);
    if (code == OK) code = collect(&l);
    if (code != OK) return code;
    sort_rows(&l, catalog_none(cx_text(cx, "sort")));
    size_t from = start_of(&l, cx_after(cx)), to = from;
    jw_object(&cx->w);
    jw_name(&cx->w, "items");
    jw_array(&cx->w);
    for (; to < l.rows_n && to < from + (size_t)limit && code == OK; to++)
        code = put_item(cx, &l.rows[to]);
    jw_array_end(&cx->w);
    if (to < l.rows_n && to > from) cx_next(cx, str_print(cx->mem, "%zu:%.*s", to, STRF(l.rows[to - 1].id)));
    jw_nint(&cx->w, "total", (int64_t)l.rows_n);
    put_facets(&l);
    jw_object_end(&cx->w);
    return code;
}

#define WANT(name_, zh_, en_)                                                                                \
    { name_, .where = IN_QUERY, .type = T_TEXT, .max = 300, .zh = zh_, .en = en_ }
const struct field catalog_list_takes[] = {WANT("q", "全文检索", "Full text"),
                                           WANT("class", "分类", "Class, with those below it"),
                                           WANT("office", "提供方", "Providing office"),
                                           WANT("share", "共享类型", "Share type"),
                                           WANT("open", "开放属性", "Openness"),
                                           WANT("grade", "分级", "Grade"),
                                           WANT("cycle", "更新周期", "Update cycle"),
                                           WANT("subject", "主体", "Subject"),
                                           WANT("state", "状态", "State"),
                                           WANT("resource", "资源类型", "Kind of resource"),
                                           {"sort", .where = IN_QUERY, .type = T_CHOICE,
                                            .choices = "relevance|updated|name|score", .zh = "排序",
                                            .en = "Order"},
                                           {"limit", .where = IN_QUERY, .type = T_INT, .min = 1, .max = 200,
                                            .zh = "每页条数", .en = "Items of a page"},
                                           {"after", .where = IN_QUERY, .type = T_TEXT, .max = 300,
                                            .zh = "上一页的 next", .en = "The `next` of the page before"},
                                           {0}};
