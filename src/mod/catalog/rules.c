// SPDX-License-Identifier: MulanPSL-2.0
// Quality rules over whole rows and between data sets, as a data set's "checks" declare them:
//
//   order   [a, b]               a is not after b
//   unique  [a…]                 a value occurs once
//   timely  [period, time]       a month's data arrive by the end of the next month
//   agree   [rid, birth, sex?]   birth date and sex agree with the identity number
//   ref     [a…] -> dataset.ref  each DISTINCT value stands in the other data set (with `where`: in such a row)
//   inside  [point, area]        the point lies in the polygon of the area it names (even-odd, holes count)
//
// A row with an empty value is not judged by the rule: emptiness is completeness, not contradiction.
#include "mod/catalog/quality.h"
#include <assert.h>
#include <stdlib.h>

#define DIGESTS_FIRST 1024

static bool digests_put(uint64_t *slots, size_t cap, uint64_t v) {
    size_t i = (size_t)(v * 0x9E3779B97F4A7C15u) & (cap - 1);
    while (slots[i] && slots[i] != v)
        i = (i + 1) & (cap - 1);
    bool there = slots[i] == v;
    slots[i] = v;
    return there;
}

bool digests_add(struct digests *d, uint64_t v) {
    assert(d->mem && v);
    if (d->n * 2 >= d->cap) {
        size_t cap = d->cap ? d->cap * 2 : DIGESTS_FIRST;
        uint64_t *slots = arena_array(d->mem, cap, sizeof *slots);
        if (!slots) return false; // mem->failed tells the caller
        for (size_t i = 0; i < d->cap; i++)
            if (d->slots[i]) (void)digests_put(slots, cap, d->slots[i]);
        d->slots = slots;
        d->cap = cap;
    }
    bool there = digests_put(d->slots, d->cap, v);
    d->n += !there;
    return there;
}

bool digests_has(const struct digests *d, uint64_t v) {
    if (d->cap == 0) return false;
    size_t i = (size_t)(v * 0x9E3779B97F4A7C15u) & (d->cap - 1);
    while (d->slots[i] && d->slots[i] != v)
        i = (i + 1) & (d->cap - 1);
    return d->slots[i] == v;
}

static bool is_empty(const struct table_cell *c) {
    return c->kind == TABLE_CELL_NULL || (c->kind == TABLE_CELL_TEXT && c->s.n == 0);
}

uint64_t digest_cells(const struct table_cell *cells, const int *which, int n) {
    uint64_t h = 0;
    bool any = false;
    for (int i = 0; i < n; i++) {
        const struct table_cell *c = &cells[which[i]];
        uint64_t one = c->kind == TABLE_CELL_TEXT  ? str_hash(c->s)
                       : c->kind == TABLE_CELL_INT ? str_hash((struct str){(const char *)&c->i, sizeof c->i})
                                                   : 1;
        any = any || !is_empty(c);
        h = (h ^ one) * 0xD6E8FEB86659FD93u;
        h ^= h >> 32;
    }
    return any ? (h ? h : 1) : 0;
}

int quality_each(struct cx *cx, const struct table_shape *shape, table_row_fn *fn, void *arg) {
    struct table_view_column *columns = arena_array(cx->mem, (size_t)shape->n + 1, sizeof *columns);
    if (!columns) return cx_fail(cx, ERR_no_memory, "", "view");
    for (int i = 0; i < shape->n; i++)
        columns[i] = (struct table_view_column){.column = i, .mask = MASK_NONE};
    struct table_view view = {.id = TABLE_VIEW_STEWARD, .columns = columns, .n = shape->n};
    struct table_query q = table_query_all(cx, shape, &view);
    struct table_page page;
    q.limit = INT32_MAX;
    return table_page_rows(cx, &q, fn, arg, &page);
}

// --- inside: polygons of another data set ---

struct polygon {
    struct str code, covers;
    double *xy; // x, y, x, y …
    int *ring_ends;
    int rings, points;
    double min_x, min_y, max_x, max_y;
};
struct polygons {
    struct polygon *list;
    size_t n, cap;
    int geom, code, covers;
    struct arena *mem;
};

static int count_points(struct json v, int depth, int *rings) {
    int n = 0;
    if (depth == 0) return 1;
    for (struct json_iter it = json_iter(v); json_next(&it);)
        n += count_points(it.value, depth - 1, rings);
    if (depth == 1) (*rings)++;
    return n;
}

static void read_points(struct json v, int depth, struct polygon *p) {
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        if (depth > 1) {
            read_points(it.value, depth - 1, p);
            continue;
        }
        double x = 0, y = 0;
        if (!json_double(json_at(it.value, 0), &x) || !json_double(json_at(it.value, 1), &y)) continue;
        p->xy[p->points * 2] = x;
        p->xy[p->points * 2 + 1] = y;
        p->points++;
        if (x < p->min_x) p->min_x = x;
        if (x > p->max_x) p->max_x = x;
        if (y < p->min_y) p->min_y = y;
        if (y > p->max_y) p->max_y = y;
    }
    if (depth == 1) p->ring_ends[p->rings++] = p->points;
}

static int add_polygon(struct cx *cx, void *arg, int64_t id, const struct table_cell *cells) {
    struct polygons *ps = arg;
    struct json j;
    (void)id;
    if (cells[ps->geom].kind != TABLE_CELL_TEXT) return OK;
    struct str text = str_copy(ps->mem, cells[ps->geom].s);
    if (!text.p || json_parse(ps->mem, text, &j, NULL) != OK) return OK;
    bool multi = str_eq(json_text(json_get(j, S("type"))), S("MultiPolygon"));
    if (!multi && !str_eq(json_text(json_get(j, S("type"))), S("Polygon"))) return OK;
    if (ps->n == ps->cap) {
        size_t more = ps->cap ? ps->cap * 2 : 16;
        ps->list = arena_grow(ps->mem, ps->list, ps->cap * sizeof *ps->list, more * sizeof *ps->list);
        if (!ps->list) return cx_fail(cx, ERR_no_memory, "", "polygons");
        ps->cap = more;
    }
    struct json rings = json_get(j, S("coordinates"));
    int depth = multi ? 3 : 2, rings_n = 0, n = count_points(rings, depth, &rings_n);
    struct polygon p = {.code = str_copy(ps->mem, cells[ps->code].s),
                        .min_x = 1e9,
                        .min_y = 1e9,
                        .max_x = -1e9,
                        .max_y = -1e9};
    if (ps->covers >= 0 && cells[ps->covers].kind == TABLE_CELL_TEXT)
        p.covers = str_copy(ps->mem, cells[ps->covers].s);
    p.xy = arena_array(ps->mem, (size_t)n + 1, 2 * sizeof(double));
    p.ring_ends = arena_array(ps->mem, (size_t)rings_n + 1, sizeof(int));
    if (!p.xy || !p.ring_ends) return cx_fail(cx, ERR_no_memory, "", "polygons");
    read_points(rings, depth, &p);
    ps->list[ps->n++] = p;
    return OK;
}

static bool is_inside(const struct polygon *p, double x, double y) {
    bool in = false;
    if (x < p->min_x || x > p->max_x || y < p->min_y || y > p->max_y) return false;
    for (int r = 0, from = 0; r < p->rings; from = p->ring_ends[r++])
        for (int i = from, k = p->ring_ends[r] - 1; i < p->ring_ends[r]; k = i++) {
            double xi = p->xy[i * 2], yi = p->xy[i * 2 + 1], xk = p->xy[k * 2], yk = p->xy[k * 2 + 1];
            if ((yi > y) != (yk > y) && x < (xk - xi) * (y - yi) / (yk - yi) + xi) in = !in;
        }
    return in;
}

// The polygon that speaks for an area: the one with its first six digits, or the one that covers them.
static const struct polygon *polygon_of(const struct polygons *ps, struct str area) {
    struct str six = {area.p, area.n < 6 ? area.n : 6};
    for (size_t i = 0; i < ps->n; i++)
        if (str_eq(ps->list[i].code, six)) return &ps->list[i];
    for (size_t i = 0; i < ps->n; i++)
        if (ps->list[i].covers.n && str_has(ps->list[i].covers, six)) return &ps->list[i];
    return NULL;
}

static void row_inside(struct rule *r, const struct table_cell *cells) {
    const struct table_cell *point = &cells[r->at[0]], *area = &cells[r->at[1]];
    if (is_empty(point) || is_empty(area) || area->kind != TABLE_CELL_TEXT || point->kind != TABLE_CELL_TEXT)
        return;
    const struct polygon *p = polygon_of(r->polygons, area->s);
    char text[64], *end; // "lon lat"
    if (!p || point->s.n >= sizeof text) return;
    memcpy(text, point->s.p, point->s.n);
    text[point->s.n] = 0;
    double x = strtod(text, &end), y = strtod(end, &end);
    r->total++;
    r->bad += !is_inside(p, x, y);
}

// --- the rules that need only the row ---

static int compare(const struct table_cell *a, const struct table_cell *b) {
    if (a->kind == TABLE_CELL_INT && b->kind == TABLE_CELL_INT) return a->i < b->i ? -1 : a->i > b->i;
    return a->kind == TABLE_CELL_TEXT && b->kind == TABLE_CELL_TEXT ? str_cmp(a->s, b->s) : 0;
}

static void row_order(struct rule *r, const struct table_cell *cells) {
    if (is_empty(&cells[r->at[0]]) || is_empty(&cells[r->at[1]])) return;
    r->total++;
    r->bad += compare(&cells[r->at[0]], &cells[r->at[1]]) > 0;
}

static void row_timely(struct rule *r, const struct table_cell *cells) {
    const struct table_cell *period = &cells[r->at[0]], *at = &cells[r->at[1]];
    int64_t ym;
    if (period->kind != TABLE_CELL_TEXT || at->kind != TABLE_CELL_INT || !str_int64(period->s, &ym)) return;
    int64_t month = ym / 100 * 12 + ym % 100 - 1 + 2; // the first day of the month after the next
    int32_t limit = clock_days((int)(month / 12), (int)(month % 12) + 1, 1);
    r->total++;
    r->bad += at->i >= (int64_t)limit * DAY_MS - CHINA_OFFSET_MS;
}

static void row_agree(struct cx *cx, struct rule *r, const struct table_cell *cells) {
    const struct table_cell *rid = &cells[r->at[0]], *birth = &cells[r->at[1]];
    if (rid->kind != TABLE_CELL_TEXT || rid->s.n != 18 || is_empty(birth)) return;
    struct str date = birth->kind == TABLE_CELL_INT ? clock_date(cx->mem, (int32_t)birth->i) : birth->s;
    bool bad = element_birth_agrees(date, rid->s) != OK;
    // Digit 17 is odd for men; codes 0 and 9 (unknown, not stated) contradict nothing.
    if (r->n > 2 && cells[r->at[2]].kind == TABLE_CELL_TEXT && cells[r->at[2]].s.n == 1) {
        char sex = cells[r->at[2]].s.p[0];
        bool is_odd = (rid->s.p[16] - '0') % 2 == 1;
        bad = bad || (sex == '1' && !is_odd) || (sex == '2' && is_odd);
    }
    r->total++;
    r->bad += bad;
}

static void row_ref(struct rule *r, const struct table_cell *cells) {
    uint64_t v = digest_cells(cells, r->at, r->n);
    if (!v || digests_add(&r->seen, v)) return; // each value once
    r->total++;
    r->bad += !digests_has(&r->known, v);
}

static void row_unique(struct rule *r, const struct table_cell *cells) {
    uint64_t v = digest_cells(cells, r->at, r->n);
    if (!v) return;
    r->total++;
    r->bad += digests_add(&r->seen, v);
}

void rules_row(struct cx *cx, struct rule *rules, int n, const struct table_cell *cells) {
    for (int i = 0; i < n; i++) {
        struct rule *r = &rules[i];
        switch (r->kind) {
        case RULE_ORDER:
            row_order(r, cells);
            break;
        case RULE_UNIQUE:
            row_unique(r, cells);
            break;
        case RULE_TIMELY:
            row_timely(r, cells);
            break;
        case RULE_AGREE:
            row_agree(cx, r, cells);
            break;
        case RULE_REF:
            row_ref(r, cells);
            break;
        case RULE_INSIDE:
            row_inside(r, cells);
            break;
        }
    }
}

// --- making rules from JSON ---

// Places of named columns in a shape; -1 = one of them is not there.
static int places(const struct table_shape *shape, struct json names, int *at) {
    int n = 0;
    for (struct json_iter it = json_iter(names); n < RULE_COLUMNS_MAX && json_next(&it);) {
        at[n] = table_column_index(shape, json_text(it.value));
        if (at[n++] < 0) return -1;
    }
    return n;
}

struct known { // reading the other data set
    struct rule *rule;
    int at[RULE_COLUMNS_MAX], n;
    int where[RULE_COLUMNS_MAX], where_n;
    struct str want[RULE_COLUMNS_MAX];
};

static int add_known(struct cx *cx, void *arg, int64_t id, const struct table_cell *cells) {
    struct known *k = arg;
    (void)id;
    for (int i = 0; i < k->where_n; i++)
        if (!str_eq(cells[k->where[i]].s, k->want[i])) return OK;
    uint64_t v = digest_cells(cells, k->at, k->n);
    if (v) (void)digests_add(&k->rule->known, v);
    return k->rule->known.mem->failed ? cx_fail(cx, ERR_no_memory, "", "rules") : OK;
}

// The other data set's present shape; false when it is not live or holds nothing.
static bool other_shape(struct cx *cx, struct json check, struct table_shape *ret) {
    struct catalog_dataset *other;
    struct str id = json_text(json_get(check, S("dataset")));
    return catalog_dataset_get(cx, id, &other) == OK && other->table &&
           catalog_shape(cx, other, ret, NULL) == OK;
}

static int open_ref(struct cx *cx, struct json check, struct rule *r, bool *ret_ok) {
    struct table_shape shape;
    struct known k = {.rule = r};
    *ret_ok =
        other_shape(cx, check, &shape) && (k.n = places(&shape, json_get(check, S("ref")), k.at)) == r->n;
    if (!*ret_ok) return OK;
    for (struct json_iter it = json_iter(json_get(check, S("where")));
         json_next(&it) && k.where_n < RULE_COLUMNS_MAX;) {
        k.where[k.where_n] = table_column_index(&shape, it.name);
        k.want[k.where_n] = json_text(it.value);
        *ret_ok = *ret_ok && k.where[k.where_n++] >= 0;
    }
    return *ret_ok ? quality_each(cx, &shape, add_known, &k) : OK;
}

static int open_inside(struct cx *cx, struct arena *mem, struct json check, struct rule *r, bool *ret_ok) {
    struct table_shape shape;
    struct polygons *ps = arena_take(mem, sizeof *ps);
    int at[RULE_COLUMNS_MAX];
    if (!ps) return cx_fail(cx, ERR_no_memory, "", "rules");
    int n = other_shape(cx, check, &shape) ? places(&shape, json_get(check, S("ref")), at) : -1;
    *ret_ok = n >= 2;
    if (!*ret_ok) return OK;
    *ps = (struct polygons){.geom = at[0], .code = at[1], .covers = n > 2 ? at[2] : -1, .mem = mem};
    r->polygons = ps;
    return quality_each(cx, &shape, add_polygon, ps);
}

int rules_open(struct cx *cx, struct arena *mem, const struct catalog_dataset *d,
               const struct table_shape *shape, struct rule *ret, int *ret_n) {
    static const char *const kinds[] = {"", "order", "unique", "timely", "agree", "ref", "inside"};
    struct json list;
    *ret_n = 0;
    if (!d->checks.n || json_parse(mem, d->checks, &list, NULL) != OK) return OK;
    for (struct json_iter it = json_iter(list); *ret_n < QUALITY_RULES_MAX && json_next(&it);) {
        struct rule r = {.id = json_text(json_get(it.value, S("id"))), .seen.mem = mem, .known.mem = mem};
        struct json title = json_get(it.value, S("title"));
        bool ok = true;
        for (int k = RULE_ORDER; k <= RULE_INSIDE; k++)
            if (str_eq(json_text(json_get(it.value, S("kind"))), str_of(kinds[k])))
                r.kind = (enum rule_kind)k;
        r.zh = json_text(json_get(title, S("zh")));
        r.en = json_text(json_get(title, S("en")));
        r.n = places(shape, json_get(it.value, S("columns")), r.at);
        int least = r.kind == RULE_UNIQUE || r.kind == RULE_REF ? 1 : 2;
        if (!r.kind || r.n < least) continue;
        r.column = shape->columns[r.at[0]].id;
        int code = OK;
        if (r.kind == RULE_REF) code = open_ref(cx, it.value, &r, &ok);
        if (r.kind == RULE_INSIDE) code = open_inside(cx, mem, it.value, &r, &ok);
        if (code != OK) return code;
        if (ok) ret[(*ret_n)++] = r;
    }
    return OK;
}
