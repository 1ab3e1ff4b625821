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
    int segments, params;
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

// The name between the braces of a segment; STR_NONE when the segment is all literal.
static struct str param_name(struct str seg) {
    struct str rest, name;
    if (!memchr(seg.p ? seg.p : "", '{', seg.n)) return STR_NONE;
    (void)str_cut(seg, '{', &rest);
    name = str_cut(rest, '}', &rest);
    if (name.n && name.p[name.n - 1] == '*') name.n--;
    return name;
}

// How much a segment leaves open: nothing, a part of itself, itself, all the rest.
static int openness(const struct entry *t, int i) {
    struct str seg = t->segment[i];
    if (t->takes_rest && i == t->segments - 1) return 3;
    if (!param_name(seg).p) return 0;
    return seg.p[0] == '{' && seg.p[seg.n - 1] == '}' ? 2 : 1;
}

// The more literal row is asked first, from the left; rows of one pattern stand in the order of their paths, so that
// the same table always gives the same index.
static int more_literal_first(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    if (x->takes_rest != y->takes_rest) return x->takes_rest ? 1 : -1;
    if (x->segments != y->segments) return y->segments - x->segments;
    for (int i = 0; i < x->segments; i++)
        if (openness(x, i) != openness(y, i)) return openness(x, i) - openness(y, i);
    int by_path = strcmp(x->route->path, y->route->path);
    return by_path ? by_path : strcmp(x->route->verb, y->route->verb);
}

static const char *fields_fault(const struct field *fields, int depth) {
    if (depth > JSON_DEPTH_MAX / 2) return NULL; // a shape that holds itself
    for (const struct field *f = fields; f && f->name; f++) {
        if (!f->type) return "a field without a type";
        if (f->type == T_CHOICE && !f->choices) return "a choice without choices";
        if (!f->zh || !f->en) return "a field without words";
        const char *fault = fields_fault(f->of, depth + 1);
        if (fault) return fault;
    }
    return NULL;
}

// What every row must have; the text names what is missing.
static const char *row_fault(const struct route *r) {
    static const char *const verbs[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    bool is_verb = false;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        is_verb |= strcmp(r->verb, verbs[i]) == 0;
    if (!is_verb) return "no known verb";
    if (!r->path || r->path[0] != '/') return "no path";
    if (!r->handle) return "no handler";
    if (!r->who) return "nobody may use it";
    if (!r->gives || !r->gives->name) return "gives nothing";
    if (!r->zh || !r->en) return "no meaning in zh and en";
    if (r->kind < ROUTE_READ || r->kind > ROUTE_SLOW) return "no kind";
    if (r->kind == ROUTE_WRITE && !r->act) return "a write without an act";
    const char *fault = fields_fault(r->takes, 0);
    return fault ? fault : fields_fault(r->gives->fields, 0);
}

// Path fields are filled by their place in the path: every parameter has its field, in its order and by its name.
static const char *path_fault(const struct entry *t) {
    const struct field *f = t->route->takes;
    for (int i = 0; i < t->segments; i++) {
        struct str name = param_name(t->segment[i]);
        if (!name.p) continue;
        while (f && f->name && f->where != IN_PATH)
            f++;
        if (!f || !f->name || !str_eq(str_of(f->name), name)) return "a path parameter without its field";
        f++;
    }
    for (; f && f->name; f++)
        if (f->where == IN_PATH) return "a path field that the path does not name";
    return t->params > CX_PARAMS_MAX ? "too many path parameters" : NULL;
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
            t->params += param_name(t->segment[i]).p != NULL;
        struct str last = t->segment[t->segments - 1];
        t->takes_rest = last.n > 2 && last.p[0] == '{' && str_ends(last, S("*}"));
        fault = path_fault(t);
        if (fault) return err_set(e, ERR_internal, r->path, "%s: %s", r->verb, fault);
    }
    return OK;
}

// Sorted, so that two rows of one meaning stand side by side: the second would never be reached.
static int find_twins(struct err *e) {
    for (int i = 1; i < entries_n; i++) {
        const struct route *a = entries[i - 1].route, *b = entries[i].route;
        if (strcmp(a->path, b->path) == 0 && strcmp(a->verb, b->verb) == 0)
            return err_set(e, ERR_internal, b->path, "%s: stands twice", b->verb);
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
    return code == OK ? find_twins(e) : code;
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
            if (params_n == CX_PARAMS_MAX) return false;
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
            if (!field_decode(mem, params[k], false, &params[k])) {
                *ret_path_known = false; // no thing can have such a name
                return NULL;
            }
        *ret_params = params_n;
        return t->route;
    }
    return NULL;
}

struct str index_verbs(struct arena *mem, struct str path) {
    struct str seg[SEGMENTS_MAX * 2], params[CX_PARAMS_MAX];
    struct buf b = buf_new(mem, 64, 256);
    int n = split(path, seg, SEGMENTS_MAX * 2), params_n;
    for (int i = 0; n >= 0 && i < entries_n; i++)
        if (fits(&entries[i], seg, n, path, params, &params_n))
            buf_print(&b, "%s%s%s", b.n ? ", " : "", entries[i].route->verb,
                      strcmp(entries[i].route->verb, "GET") == 0 ? ", HEAD" : "");
    return b.over ? STR_NONE : buf_str(&b);
}

int module_index(const char *name) {
    for (int i = 0; modules[i]; i++)
        if (strcmp(modules[i]->name, name) == 0) return i;
    assert(false && "unknown module");
    return -1;
}
