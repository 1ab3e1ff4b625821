// SPDX-License-Identifier: MulanPSL-2.0
// The reading actions: packages, their search with facets, organizations (offices), groups (classes), tags, licences.
// Kept true: harvesters page by `start` until an empty page, so a page beyond the end is an empty list, never an error
// and never an earlier page again; every list is complete or the call fails.
#include "mod/catalog/ckan.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

// --- packages ---

static int put_names(struct ckan *k, struct seen *s) {
    int64_t from, most;
    int code = ckan_int(k, "offset", 0, 0, SEEN_MAX, &from);
    if (code == OK) code = ckan_int(k, "limit", SEEN_MAX, 0, SEEN_MAX, &most);
    if (code == OK) code = seen_sort(s, S("id asc"), false);
    if (code != OK) return code;
    jw_array(&k->cx->w);
    for (int64_t i = from; i < (int64_t)s->n && i - from < most; i++)
        jw_text(&k->cx->w, s->docs[i].id);
    jw_array_end(&k->cx->w);
    return OK;
}

static int package_list(struct ckan *k) {
    struct seen s;
    int code = seen_open(k->cx, false, &s);
    return code == OK ? put_names(k, &s) : code;
}

static int package_show(struct ckan *k) {
    struct catalog_dataset *d;
    struct str id = ckan_id(k);
    if (!id.n) return cx_field_fail(k->cx, ERR_field_missing, "id", "%s", "");
    int code = seen_get(k->cx, id, &d);
    return code == OK ? ckan_put_package(k->cx, d) : code;
}

static int put_packages(struct cx *cx, const struct seen *s, int64_t from, int64_t most) {
    jw_array(&cx->w);
    int code = OK;
    for (int64_t i = from; i < (int64_t)s->n && i - from < most && code == OK; i++) {
        struct catalog_dataset *d;
        code = catalog_edition_get(cx, s->docs[i].id, s->docs[i].edition, &d);
        if (code == OK) code = ckan_put_package(cx, d);
    }
    jw_array_end(&cx->w);
    return code;
}

static int current_packages(struct ckan *k) {
    struct seen s;
    int64_t from, most;
    int code = seen_open(k->cx, false, &s);
    if (code == OK) code = ckan_int(k, "offset", 0, 0, SEEN_MAX, &from);
    if (code == OK) code = ckan_int(k, "limit", CKAN_PACKAGES_MAX, 0, CKAN_PACKAGES_MAX, &most);
    if (code == OK) code = seen_sort(&s, S("metadata_modified desc"), false);
    return code == OK ? put_packages(k->cx, &s, from, most) : code;
}

// --- facets ---

struct facet_value {
    struct str key, title;
    int64_t n;
};
static const struct facet_name {
    const char *name;
    enum facet_of {
        OF_OFFICE,
        OF_GROUP,
        OF_TAG,
        OF_FORMAT,
        OF_LICENCE,
        OF_OPEN,
        OF_SHARE,
        OF_GRADE,
        OF_CYCLE
    } of;
} facet_names[] = {
    {"organization", OF_OFFICE}, {"owner_org", OF_OFFICE},   {"groups", OF_GROUP}, {"tags", OF_TAG},
    {"res_format", OF_FORMAT},   {"license_id", OF_LICENCE}, {"open", OF_OPEN},    {"share", OF_SHARE},
    {"grade", OF_GRADE},         {"cycle", OF_CYCLE}};

static void count(struct facet_value *v, int *n, struct str key, struct str title) {
    if (key.n == 0) return;
    for (int i = 0; i < *n; i++)
        if (str_eq(v[i].key, key)) {
            v[i].n++;
            return;
        }
    if (*n < CKAN_FACET_MAX) v[(*n)++] = (struct facet_value){key, title, 1};
}

// Each value once per data set, however often its list repeats it.
static void count_list(struct facet_value *v, int *n, struct str list, char sep) {
    for (struct str rest = list, all = list; rest.p && rest.n;) {
        struct str one = str_cut(rest, sep, &rest);
        struct str head = {all.p, (size_t)(one.p - all.p)};
        if (!catalog_has_word(head, sep, one)) count(v, n, one, one);
    }
}

static void count_doc(struct cx *cx, const struct seen_doc *d, enum facet_of of, struct facet_value *v,
                      int *n) {
    struct str open = str_of(catalog_open_code((enum catalog_open)d->open));
    switch (of) {
    case OF_OFFICE:
        count(v, n, d->office, d->office_name);
        break;
    case OF_GROUP:
        for (struct str rest = d->class_codes; rest.p && rest.n;) {
            struct str code = str_cut(rest, ' ', &rest);
            count(v, n, seen_group_name(cx->mem, code), code);
        }
        break;
    case OF_TAG:
        count_list(v, n, d->keywords, '|');
        break;
    case OF_FORMAT:
        count_list(v, n, d->formats, '\n');
        break;
    case OF_LICENCE:
        count(v, n, d->licence, d->licence);
        break;
    case OF_OPEN:
        count(v, n, open, open);
        break;
    case OF_SHARE:
        count(v, n, str_print(cx->mem, "%d", d->share), str_print(cx->mem, "%d", d->share));
        break;
    case OF_GRADE:
        count(v, n, str_of(mask_grade_code(d->grade)), str_of(mask_grade_code(d->grade)));
        break;
    case OF_CYCLE:
        count(v, n, d->cycle, d->cycle);
        break;
    }
}

static int more_first(const void *a, const void *b) {
    const struct facet_value *x = a, *y = b;
    return x->n > y->n ? -1 : x->n < y->n ? 1 : str_cmp(x->key, y->key);
}

struct facet {
    const char *name;
    struct facet_value *values;
    int n;
};

// A class's title where the facet speaks of classes; the key says enough elsewhere.
static int name_groups(struct cx *cx, struct facet *f) {
    for (int i = 0; i < f->n; i++) {
        struct stmt *s = store_query(cx->db, Q_catalog_class_get, "s", f->values[i].title);
        if (store_next(s)) f->values[i].title = store_str(s, cx->is_zh ? 0 : 1, cx->mem);
        int code = store_done(s, &cx->err);
        if (code != OK) return code;
    }
    return OK;
}

#define FACETS_MAX 12
static int count_facets(struct ckan *k, const struct seen *s, struct facet *ret, int *ret_n) {
    struct json list = ckan_json(k, "facet.field");
    struct str one = json_text(list);
    int n = 0;
    if (!ckan_flag(k, "facet", true)) one = STR_NONE;
    size_t wanted = one.n                                                      ? 1
                    : ckan_flag(k, "facet", true) && json_is(list, JSON_ARRAY) ? json_count(list)
                                                                               : 0;
    for (size_t i = 0; i < wanted && n < FACETS_MAX; i++) {
        struct str name = one.n ? one : json_text(json_at(list, i));
        for (size_t f = 0; f < sizeof facet_names / sizeof *facet_names; f++) {
            if (!str_eq(name, str_of(facet_names[f].name))) continue;
            struct facet *t = &ret[n++];
            *t = (struct facet){facet_names[f].name,
                                arena_array(k->cx->mem, CKAN_FACET_MAX, sizeof *t->values), 0};
            if (!t->values) return cx_fail(k->cx, ERR_no_memory, "", "facets");
            for (size_t d = 0; d < s->n; d++)
                count_doc(k->cx, &s->docs[d], facet_names[f].of, t->values, &t->n);
            if (t->n) qsort(t->values, (size_t)t->n, sizeof *t->values, more_first);
            int code = facet_names[f].of == OF_GROUP ? name_groups(k->cx, t) : OK;
            if (code != OK) return code;
        }
    }
    *ret_n = n;
    return OK;
}

static int put_facets(struct ckan *k, const struct seen *s) {
    struct facet f[FACETS_MAX];
    struct jw *w = &k->cx->w;
    int n = 0;
    int64_t most;
    int code = count_facets(k, s, f, &n);
    if (code == OK) code = ckan_int(k, "facet.limit", 50, -1, CKAN_FACET_MAX, &most);
    if (code != OK) return code;
    if (most < 0) most = CKAN_FACET_MAX;
    jw_name(w, "facets");
    jw_object(w);
    for (int i = 0; i < n; i++) {
        jw_name(w, f[i].name);
        jw_object(w);
        for (int v = 0; v < f[i].n && v < most; v++) {
            jw_name_str(w, f[i].values[v].key);
            jw_int(w, f[i].values[v].n);
        }
        jw_object_end(w);
    }
    jw_object_end(w);
    jw_name(w, "search_facets");
    jw_object(w);
    for (int i = 0; i < n; i++) {
        jw_name(w, f[i].name);
        jw_object(w);
        jw_ntext(w, "title", str_of(f[i].name));
        jw_name(w, "items");
        jw_array(w);
        for (int v = 0; v < f[i].n && v < most; v++) {
            jw_object(w);
            jw_ntext(w, "name", f[i].values[v].key);
            jw_ntext(w, "display_name", f[i].values[v].title);
            jw_nint(w, "count", f[i].values[v].n);
            jw_object_end(w);
        }
        jw_array_end(w);
        jw_object_end(w);
    }
    jw_object_end(w);
    return OK;
}

// fq as one text or a list, and fq_list beside it.
static int filter_by(struct ckan *k, struct seen *s, const char *name) {
    struct json v = ckan_json(k, name);
    int code = OK;
    if (!json_is(v, JSON_ARRAY)) return seen_filter(s, catalog_none(ckan_text(k, name)), false);
    for (struct json_iter it = json_iter(v); code == OK && json_next(&it);)
        code = seen_filter(s, catalog_none(json_text(it.value)), false);
    return code;
}

static int package_search(struct ckan *k) {
    struct cx *cx = k->cx;
    struct seen s;
    int64_t from, rows;
    struct str q = str_trim(catalog_none(ckan_text(k, "q"))), sort = ckan_text(k, "sort");
    int code = ckan_int(k, "start", 0, 0, SEEN_MAX, &from);
    if (code == OK) code = ckan_int(k, "rows", 10, 0, CKAN_PACKAGES_MAX, &rows);
    if (code == OK) code = seen_open(cx, ckan_flag(k, "include_drafts", false), &s);
    if (code == OK && !ckan_flag(k, "include_private", true))
        code = seen_filter(&s, S("private:false"), false);
    if (code == OK) code = seen_filter(&s, q, true);
    if (code == OK) code = filter_by(k, &s, "fq");
    if (code == OK) code = filter_by(k, &s, "fq_list");
    if (code == OK) code = seen_sort(&s, sort, q.n && !str_eq(q, S("*:*")));
    if (code != OK) return code;
    struct jw *w = &cx->w;
    jw_object(w);
    jw_nint(w, "count", (int64_t)s.n);
    jw_ntext(w, "sort",
             str_trim(catalog_none(sort)).n ? sort
             : q.n                          ? S("score desc, metadata_modified desc")
                                            : S("metadata_modified desc"));
    code = put_facets(k, &s);
    jw_name(w, "results");
    if (code == OK) code = put_packages(cx, &s, from, rows);
    jw_object_end(w);
    return code;
}

static int package_autocomplete(struct ckan *k) {
    struct seen s;
    int64_t most;
    struct str q = ckan_text(k, "q").n ? ckan_text(k, "q") : ckan_text(k, "incomplete");
    int code = ckan_int(k, "limit", 10, 0, 100, &most);
    if (code == OK) code = seen_open(k->cx, false, &s);
    if (code != OK) return code;
    struct str want = ckan_fold(k->cx->mem, catalog_none(q));
    jw_array(&k->cx->w);
    for (size_t i = 0, n = 0; i < s.n && (int64_t)n < most; i++) {
        struct str title = ckan_fold(k->cx->mem, s.docs[i].title_zh);
        bool by_title = str_has(title, want);
        if (!by_title && !str_has(s.docs[i].id, want)) continue;
        n++;
        jw_object(&k->cx->w);
        jw_ntext(&k->cx->w, "name", s.docs[i].id);
        jw_ntext(&k->cx->w, "title", s.docs[i].title_zh);
        jw_ntext(&k->cx->w, "match_field", by_title ? S("title") : S("name"));
        jw_ntext(&k->cx->w, "match_displayed", s.docs[i].title_zh);
        jw_object_end(&k->cx->w);
    }
    jw_array_end(&k->cx->w);
    return OK;
}

static int resource_show(struct ckan *k) {
    struct catalog_dataset *d;
    struct catalog_resource r;
    struct str id;
    int code = ckan_need(k, "id", &id);
    if (code == OK) code = ckan_find_resource(k->cx, id, &d, &r);
    return code == OK ? ckan_put_resource(k->cx, d, &r, 0) : code;
}

// Views are CKAN's own pages; ours are not described to it.
static int empty_list(struct ckan *k) {
    jw_array(&k->cx->w);
    jw_array_end(&k->cx->w);
    return OK;
}

// --- organizations: the offices that provide something the asker sees ---

static int64_t packages_of(const struct seen *s, struct str office) {
    int64_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += str_eq(s->docs[i].office, office);
    return n;
}

static int by_office(const void *a, const void *b) {
    return str_cmp(((const struct seen_doc *)a)->office, ((const struct seen_doc *)b)->office);
}

static bool named_in(struct json list, struct str name) {
    if (json_is(list, JSON_TEXT)) return catalog_has_word(json_text(list), ',', name);
    if (!json_is(list, JSON_ARRAY)) return true;
    for (struct json_iter it = json_iter(list); json_next(&it);)
        if (str_eq(json_text(it.value), name)) return true;
    return false;
}

struct page {
    int64_t from, most, at;
};
static int read_page(struct ckan *k, struct page *ret) {
    ret->at = 0;
    int code = ckan_int(k, "offset", 0, 0, SEEN_MAX, &ret->from);
    return code == OK ? ckan_int(k, "limit", SEEN_MAX, 0, SEEN_MAX, &ret->most) : code;
}
static bool on_page(struct page *p) {
    int64_t at = p->at++;
    return at >= p->from && at - p->from < p->most;
}

static int organization_list(struct ckan *k) {
    struct cx *cx = k->cx;
    struct seen s;
    struct page page;
    struct json only = ckan_json(k, "organizations");
    bool all = ckan_flag(k, "all_fields", false);
    int code = seen_open(cx, false, &s);
    if (code == OK) code = read_page(k, &page);
    if (code != OK) return code;
    if (s.n) qsort(s.docs, s.n, sizeof *s.docs, by_office);
    jw_array(&cx->w);
    for (size_t i = 0; i < s.n && code == OK; i++) {
        struct people_office o;
        if ((i && str_eq(s.docs[i].office, s.docs[i - 1].office)) || !named_in(only, s.docs[i].office) ||
            !on_page(&page))
            continue;
        if (!all) {
            jw_text(&cx->w, s.docs[i].office);
            continue;
        }
        code = people_office_get(cx, s.docs[i].office, &o);
        if (code == ERR_not_found) // named by its id alone: a list without it would not be whole
            o = (struct people_office){
                .id = s.docs[i].office, .name = s.docs[i].office, .name_en = s.docs[i].office};
        if (code == ERR_not_found) code = OK;
        if (code == OK) code = ckan_put_organization(cx, &o, packages_of(&s, o.id));
    }
    jw_array_end(&cx->w);
    return code;
}

static int organization_show(struct ckan *k) {
    struct cx *cx = k->cx;
    struct seen s;
    struct people_office o;
    struct str id = ckan_id(k);
    int code = id.n ? people_office_get(cx, id, &o) : ERR_not_found;
    if (code == ERR_not_found)
        return cx_fail(cx, ERR_not_found, "id", "%.*s", (int)(id.n > 60 ? 60 : id.n), id.p);
    if (code == OK) code = seen_open(cx, false, &s);
    return code == OK ? ckan_put_organization(cx, &o, packages_of(&s, o.id)) : code;
}

// --- groups: the classes ---

static int64_t packages_in(const struct seen *s, struct str class_code) {
    int64_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += catalog_has_word(s->docs[i].class_codes, ' ', class_code);
    return n;
}

// Lists all classes, or shows the one whose name or code is `want`.
static int put_classes(struct ckan *k, struct str want, bool all, bool *ret_found) {
    struct cx *cx = k->cx;
    struct seen s;
    struct page page;
    struct json only = ckan_json(k, "groups");
    int code = seen_open(cx, false, &s);
    if (code == OK) code = read_page(k, &page);
    if (code != OK) return code;
    *ret_found = false;
    struct stmt *q = store_query(cx->db, Q_catalog_class_list, "");
    while (store_next(q)) {
        struct str c = store_str(q, 0, cx->mem), name = seen_group_name(cx->mem, c);
        if (want.p && !str_eq(want, name) && !str_eq(want, c)) continue;
        if (!want.p && (!named_in(only, name) || !on_page(&page))) continue;
        if (want.p && *ret_found) continue;
        *ret_found = true;
        if (all)
            ckan_put_group(cx, c, store_str(q, 1, cx->mem), store_str(q, 2, cx->mem), packages_in(&s, c));
        else
            jw_text(&cx->w, name);
    }
    return store_done(q, &cx->err);
}

static int group_list(struct ckan *k) {
    bool found;
    jw_array(&k->cx->w);
    int code = put_classes(k, STR_NONE, ckan_flag(k, "all_fields", false), &found);
    jw_array_end(&k->cx->w);
    return code;
}

static int group_show(struct ckan *k) {
    bool found = false;
    struct str id = ckan_id(k);
    int code = put_classes(k, id, true, &found);
    if (code != OK || found) return code;
    return cx_fail(k->cx, ERR_not_found, "id", "%.*s", (int)(id.n > 60 ? 60 : id.n), id.p);
}

// --- tags and licences ---

static int put_distinct(struct ckan *k, enum facet_of of, bool as_licence) {
    struct cx *cx = k->cx;
    struct seen s;
    struct facet_value *v = arena_array(cx->mem, CKAN_FACET_MAX, sizeof *v);
    struct str want = ckan_fold(cx->mem, catalog_none(ckan_text(k, "query")));
    int n = 0, code = v ? seen_open(cx, false, &s) : cx_fail(cx, ERR_no_memory, "", "tags");
    if (code != OK) return code;
    for (size_t i = 0; i < s.n; i++)
        count_doc(cx, &s.docs[i], of, v, &n);
    if (n) qsort(v, (size_t)n, sizeof *v, more_first);
    jw_array(&cx->w);
    for (int i = 0; i < n; i++) {
        if (!str_has(ckan_fold(cx->mem, v[i].key), want)) continue;
        if (!as_licence) {
            jw_text(&cx->w, v[i].key);
            continue;
        }
        bool is_ref = str_starts(v[i].key, S("LicenseRef-"));
        jw_object(&cx->w);
        jw_ntext(&cx->w, "id", v[i].key);
        jw_ntext(&cx->w, "title", v[i].key);
        jw_ntext(&cx->w, "url",
                 is_ref ? S("") : str_print(cx->mem, "https://spdx.org/licenses/%.*s", STRF(v[i].key)));
        jw_ntext(&cx->w, "status", S("active"));
        jw_object_end(&cx->w);
    }
    jw_array_end(&cx->w);
    return OK;
}

static int tag_list(struct ckan *k) {
    return put_distinct(k, OF_TAG, false);
}
static int license_list(struct ckan *k) {
    return put_distinct(k, OF_LICENCE, true);
}

// --- the site and who asks ---

static int site_read(struct ckan *k) {
    jw_bool(&k->cx->w, true);
    return OK;
}

static int status_show(struct ckan *k) {
    struct cx *cx = k->cx;
    struct jw *w = &cx->w;
    static const char *const able[] = {"datastore", "dcat"};
    struct str name = people_area_name(cx, catalog_none(people_city_code(cx)));
    jw_object(w);
    jw_ntext(w, "ckan_version", S("2.10.0")); // the version whose interface this is
    jw_ntext(w, "site_title", name.n ? name : S("gusu"));
    jw_ntext(w, "site_description", S(""));
    jw_ntext(w, "site_url", str_of(cx->city->base_url));
    jw_ntext(w, "locale_default", S("zh_Hans_CN"));
    jw_name(w, "extensions");
    jw_array(w);
    for (size_t i = 0; i < sizeof able / sizeof *able; i++)
        jw_textz(w, able[i]);
    jw_array_end(w);
    jw_ntext(w, "software", S("gusu"));
    jw_object_end(w);
    return OK;
}

// Accounts are no public matter: everybody is told of himself only.
static void put_self(struct cx *cx) {
    struct jw *w = &cx->w;
    jw_object(w);
    jw_ntext(w, "id", cx->who.login);
    jw_ntext(w, "name", cx->who.login);
    jw_ntext(w, "fullname", cx->who.name);
    jw_ntext(w, "display_name", cx->who.name);
    jw_nbool(w, "sysadmin", false);
    jw_ntext(w, "state", S("active"));
    jw_object_end(w);
}

static int user_list(struct ckan *k) {
    struct cx *cx = k->cx;
    if (!cx_is(cx, R_LOGIN)) return cx_fail(cx, ERR_not_logged_in, "", "%s", "");
    jw_array(&cx->w);
    if (ckan_flag(k, "all_fields", true))
        put_self(cx);
    else
        jw_text(&cx->w, cx->who.login);
    jw_array_end(&cx->w);
    return OK;
}

static int user_show(struct ckan *k) {
    struct cx *cx = k->cx;
    struct str id = ckan_id(k);
    if (!cx_is(cx, R_LOGIN)) return cx_fail(cx, ERR_not_logged_in, "", "%s", "");
    if (id.n && !str_eq(id, cx->who.login))
        return cx_fail(cx, ERR_not_found, "id", "%.*s", (int)(id.n > 60 ? 60 : id.n), id.p);
    put_self(cx);
    return OK;
}

// What the asker may do: the organizations he may write to.
static int own_organizations(struct ckan *k) {
    struct cx *cx = k->cx;
    struct people_office o;
    int code = OK;
    jw_array(&cx->w);
    if (cx_is(cx, R_(STEWARD)) && people_office_get(cx, cx->who.office, &o) == OK)
        code = ckan_put_organization(cx, &o, 0);
    jw_array_end(&cx->w);
    return code;
}

static int help_show(struct ckan *k) {
    struct str name;
    int code = ckan_need(k, "name", &name);
    if (code != OK) return code;
    for (const struct ckan_action *const *t = ckan_action_tables; *t; t++)
        for (const struct ckan_action *a = *t; a->name; a++)
            if (str_eq(str_of(a->name), name)) {
                jw_textz(&k->cx->w, k->cx->is_zh ? a->zh : a->en);
                return OK;
            }
    return cx_fail(k->cx, ERR_not_found, "name", "%.*s", (int)(name.n > 60 ? 60 : name.n), name.p);
}

const struct ckan_action ckan_read_actions[] = {
    {"site_read", false, site_read, "站点可读", "Whether the site may be read"},
    {"status_show", false, status_show, "站点信息", "About the site"},
    {"help_show", false, help_show, "动作说明", "What an action does"},
    {"package_list", false, package_list, "目录标识列表", "Names of all data sets"},
    {"current_package_list_with_resources", false, current_packages, "目录与资源列表",
     "Data sets with their resources"},
    {"package_show", false, package_show, "一个目录", "One data set"},
    {"package_search", false, package_search, "检索目录", "Searches data sets"},
    {"package_autocomplete", false, package_autocomplete, "按开头查找目录",
     "Data sets by a part of their name"},
    {"resource_show", false, resource_show, "一个资源", "One resource"},
    {"resource_view_list", false, empty_list, "资源视图（无）", "Views of a resource (none)"},
    {"organization_list", false, organization_list, "提供机构列表", "Offices that provide data"},
    {"organization_show", false, organization_show, "一个机构", "One office"},
    {"organization_list_for_user", false, own_organizations, "可代表的机构",
     "Offices the asker may write for"},
    {"group_list", false, group_list, "分类列表", "Classes"},
    {"group_show", false, group_show, "一个分类", "One class"},
    {"tag_list", false, tag_list, "关键词列表", "Keywords"},
    {"license_list", false, license_list, "许可列表", "Licences in use"},
    {"vocabulary_list", false, empty_list, "词表（无）", "Tag vocabularies (none)"},
    {"user_list", false, user_list, "用户（仅本人）", "Accounts: only one's own"},
    {"user_show", false, user_show, "用户（仅本人）", "An account: only one's own"},
    {0}};
