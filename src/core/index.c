// SPDX-License-Identifier: MulanPSL-2.0
// The index over all modules' route rows: found by verb and path, most literal segments first. Built once at
// start, where every row is checked for completeness, so that a forgotten column is found before the first
// request and not by a stranger.
#include "core/city.h"
#include "core/field.h"
#include "core/self.h"
#include <assert.h>
#include <stdlib.h>

#define SEGMENTS_MAX 12
#define ROUTES_MAX   512

struct entry {
    const struct route *route;
    struct str segment[SEGMENTS_MAX];
    int segments, literals;
    bool takes_rest; // last segment is {name*}
};
static struct entry entries[ROUTES_MAX]; // start-up table, frozen before the first request
static int entries_n;

static int split(struct str path, struct str *out, int most) {
    int n = 0;
    if (path.n && path.p[0] == '/') path = (struct str){path.p + 1, path.n - 1};
    struct str rest = path;
    do {
        if (n == most) return -1;
        out[n++] = str_cut(rest, '/', &rest);
    } while (rest.p);
    return n;
}

static bool is_param(struct str seg) {
    return seg.n > 2 && seg.p[0] == '{' && seg.p[seg.n - 1] == '}';
}

static int more_literal_first(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    if (x->takes_rest != y->takes_rest) return x->takes_rest ? 1 : -1;
    return y->literals - x->literals;
}

// What every row must have; the text names what is missing.
static const char *row_fault(const struct route *r) {
    bool writes = r->kind == ROUTE_WRITE;
    if (!r->handle) return "no handler";
    if (!r->who) return "nobody may use it";
    if (!r->gives) return "gives nothing";
    if (!r->zh || !r->en) return "no meaning in zh and en";
    if (r->kind < ROUTE_READ || r->kind > ROUTE_SLOW) return "no kind";
    if (writes && !r->act) return "a write without an act";
    for (const struct field *f = r->takes; f && f->name; f++) {
        if (!f->type) return "a field without a type";
        if (f->type == T_CHOICE && !f->choices) return "a choice without choices";
        if (!f->zh || !f->en) return "a field without words";
    }
    return NULL;
}

static int add_rows(const struct route *r, struct err *e) {
    for (; r && r->verb; r++) {
        const char *fault = row_fault(r);
        if (fault) return err_set(e, ERR_internal, r->path, "%s: %s", r->verb, fault);
        if (entries_n == ROUTES_MAX)
            return err_set(e, ERR_internal, r->path, "more than %d routes", ROUTES_MAX);
        struct entry *t = &entries[entries_n++];
        *t = (struct entry){.route = r};
        t->segments = split(str_of(r->path), t->segment, SEGMENTS_MAX);
        if (t->segments < 0) return err_set(e, ERR_internal, r->path, "too many segments");
        for (int i = 0; i < t->segments; i++)
            t->literals += !is_param(t->segment[i]);
        struct str last = t->segment[t->segments - 1];
        t->takes_rest = is_param(last) && last.p[last.n - 2] == '*';
    }
    return OK;
}

int city_index_routes(struct err *e) {
    entries_n = 0;
    int code = add_rows(core_routes, e);
    for (int i = 0; modules[i] && code == OK; i++)
        for (const struct route *const *t = modules[i]->route_tables; t && *t && code == OK; t++)
            code = add_rows(*t, e);
    qsort(entries, (size_t)entries_n, sizeof entries[0], more_literal_first);
    return code;
}

int index_count(void) {
    return entries_n;
}

const struct route *index_route(int i) {
    return entries[i].route;
}

// Literal text around one parameter inside a segment: "{id}.ttl" and "n-{id}".
static bool segment_fits(struct str pattern, struct str seg, struct str *ret_param, bool *ret_is_param) {
    *ret_is_param = false;
    if (pattern.n == 0 || !memchr(pattern.p, '{', pattern.n)) return str_eq(pattern, seg);
    struct str tail, head = str_cut(pattern, '{', &tail), after;
    (void)str_cut(tail, '}', &after);
    if (!after.p) after = S("");
    if (!str_starts(seg, head) || !str_ends(seg, after) || seg.n <= head.n + after.n) return false;
    *ret_param = (struct str){seg.p + head.n, seg.n - head.n - after.n};
    *ret_is_param = true;
    return true;
}

static bool fits(const struct entry *t, const struct str *seg, int n, struct str path, struct str *params,
                 int *ret_n) {
    int params_n = 0;
    if (t->takes_rest ? n < t->segments : n != t->segments) return false;
    for (int i = 0; i < t->segments; i++) {
        struct str one;
        bool is_one;
        if (t->takes_rest && i == t->segments - 1) {
            params[params_n++] = (struct str){seg[i].p, (size_t)(path.p + path.n - seg[i].p)};
            break;
        }
        if (!segment_fits(t->segment[i], seg[i], &one, &is_one)) return false;
        if (is_one) {
            if (params_n == CX_PARAMS_MAX) return false;
            params[params_n++] = one;
        }
    }
    *ret_n = params_n;
    return true;
}

const struct route *core_route(struct str verb, struct str path, struct str params[CX_PARAMS_MAX],
                               int *ret_params, struct arena *mem, bool *ret_path_known) {
    struct str seg[SEGMENTS_MAX * 2];
    int n = split(path, seg, SEGMENTS_MAX * 2);
    *ret_path_known = false;
    if (n < 0) return NULL;
    bool is_head = str_eq(verb, S("HEAD"));
    for (int i = 0; i < entries_n; i++) {
        const struct entry *t = &entries[i];
        int params_n;
        if (!fits(t, seg, n, path, params, &params_n)) continue;
        *ret_path_known = true;
        if (!str_eq(str_of(t->route->verb), is_head ? S("GET") : verb)) continue;
        for (int k = 0; k < params_n; k++)
            if (!field_decode(mem, params[k], false, &params[k])) return NULL;
        *ret_params = params_n;
        return t->route;
    }
    return NULL;
}

int module_index(const char *name) {
    for (int i = 0; modules[i]; i++)
        if (strcmp(modules[i]->name, name) == 0) return i;
    assert(!"unknown module");
    return -1;
}
