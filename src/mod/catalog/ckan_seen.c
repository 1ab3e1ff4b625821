// SPDX-License-Identifier: MulanPSL-2.0
// The list of visible data sets in memory, and its fields under the names that CKAN's clients search by. One pass
// over the heads (hundreds or thousands in a city); only what a page shows is read further by the callers.
#include "mod/catalog/ckan_seen.h"
#include <assert.h>
#include <stdlib.h>

bool seen_is_public(struct cx *cx) {
    if (!cx_is(cx, R_LOGIN)) return true;
    if (!cx->who.scopes.p) return false;
    for (struct str rest = cx->who.scopes; rest.p;) {
        struct str one = str_cut(rest, ' ', &rest);
        if (str_eq(one, S("catalog:read")) || str_eq(one, S("catalog:write"))) return false;
    }
    return true;
}

static bool may_see(struct cx *cx, bool is_public, const struct seen_doc *doc) {
    struct catalog_dataset d = {
        .office = doc->office, .is_live = doc->is_live, .state = doc->state, .open = doc->open};
    return is_public ? catalog_is_open(&d) : catalog_may_see(cx, &d);
}

static void fill(struct cx *cx, struct stmt *s, struct seen_doc *r) {
    struct str *const text[] = {&r->title_zh,    &r->title_en, &r->abstract_zh, &r->abstract_en, &r->keywords,
                                &r->class_codes, &r->licence,  &r->cycle,       &r->subject};
    *r = (struct seen_doc){.id = store_str(s, 0, cx->mem),
                           .office = store_str(s, 1, cx->mem),
                           .is_live = store_int(s, 2) > 0,
                           .created_ms = store_int(s, 3),
                           .modified_ms = store_int(s, 4),
                           .edition = store_int(s, 5),
                           .state = (enum catalog_state)store_int(s, 6),
                           .share = (int)store_int(s, 16),
                           .open = (int)store_int(s, 17),
                           .grade = (int)store_int(s, 18),
                           .is_synthetic = store_int(s, 19) != 0,
                           .formats = store_str(s, 20, cx->mem),
                           .published_ms = store_int(s, 21),
                           .quality = store_is_null(s, 22) ? -1 : store_double(s, 22),
                           .mem = cx->mem};
    for (int i = 0; i < (int)(sizeof text / sizeof *text); i++)
        *text[i] = store_str(s, 7 + i, cx->mem);
}

// Neighbouring data sets often share their office: its name is asked once for each run of them.
static void name_offices(struct seen *s) {
    struct str office = STR_NONE, name = STR_NONE;
    for (size_t i = 0; i < s->n; i++) {
        if (!str_eq(s->docs[i].office, office) || !office.p) {
            office = s->docs[i].office;
            name = people_office_name(s->cx, office, 0);
        }
        s->docs[i].office_name = name;
    }
}

int seen_open(struct cx *cx, bool with_drafts, struct seen *ret) {
    struct seen seen = {.cx = cx, .is_public = seen_is_public(cx)};
    size_t cap = 0, looked = 0;
    struct stmt *s = store_query(cx->db, Q_catalog_seen_list, "");
    while (store_next(s) && looked++ < SEEN_MAX) {
        struct seen_doc doc;
        fill(cx, s, &doc);
        if (!doc.is_live && (!with_drafts || doc.state == CATALOG_WITHDRAWN)) continue;
        if (!may_see(cx, seen.is_public, &doc)) continue;
        if (seen.n == cap) {
            size_t more = cap ? cap * 2 : 64;
            struct seen_doc *grown = arena_grow(cx->mem, seen.docs, cap * sizeof doc, more * sizeof doc);
            if (!grown) break;
            seen.docs = grown;
            cap = more;
        }
        seen.docs[seen.n++] = doc;
    }
    int code = store_done(s, &cx->err);
    if (code == OK && cx->mem->failed) code = cx_fail(cx, ERR_no_memory, "", "catalog");
    if (code != OK) return code;
    name_offices(&seen);
    *ret = seen;
    return OK;
}

// --- fields ---

struct str seen_group_name(struct arena *mem, struct str class_code) {
    struct buf b = buf_new(mem, class_code.n + 3, 256);
    buf_puts(&b, "c-");
    for (size_t i = 0; i < class_code.n; i++)
        buf_char(&b, class_code.p[i] == '/' ? '_' : class_code.p[i]);
    return buf_str(&b);
}

// The list with '\n' between, folded; class codes as their group names.
static struct str listed(const struct seen_doc *d, struct str list, char sep, bool groups) {
    struct buf b = buf_new(d->mem, list.n + 16, list.n * 4 + 1024);
    for (struct str rest = list; rest.p && rest.n;) {
        struct str one = str_cut(rest, sep, &rest);
        if (b.n) buf_char(&b, '\n');
        buf_put(&b, groups ? seen_group_name(d->mem, one) : one);
    }
    struct str s = buf_str(&b);
    return ckan_fold(d->mem, s.p ? s : S(""));
}

static struct str whole_text(const struct seen_doc *d) {
    if (d->folded.p) return d->folded;
    const struct str parts[] = {d->title_zh, d->title_en, d->abstract_zh, d->abstract_en,
                                d->keywords, d->id,       d->office_name};
    struct buf b = buf_new(d->mem, 512, (size_t)1 << 20);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        buf_put(&b, parts[i]);
        buf_char(&b, '\n');
    }
    ((struct seen_doc *)(uintptr_t)d)->folded = ckan_fold(d->mem, buf_str(&b)); // remembered beside the doc
    return d->folded;
}

static struct ckan_value words(const struct seen_doc *d, struct str s) {
    return (struct ckan_value){.kind = CKAN_WORDS, .text = ckan_fold(d->mem, s)};
}

static struct ckan_value text(const struct seen_doc *d, struct str a, struct str b) {
    struct str both = str_print(d->mem, "%.*s\n%.*s", STRF(a), STRF(b));
    return (struct ckan_value){.kind = CKAN_TEXT, .text = ckan_fold(d->mem, both)};
}

static bool is_one_of(struct str field, const char *list) {
    for (struct str rest = str_of(list); rest.p;)
        if (str_eq(str_cut(rest, ' ', &rest), field)) return true;
    return false;
}

// The three facts and their neighbours, also under the names of CKAN's extras.
static struct ckan_value own_field(const struct seen_doc *d, struct str field) {
    if (str_starts(field, S("extras_"))) field = (struct str){field.p + 7, field.n - 7};
    if (is_one_of(field, "share")) return (struct ckan_value){.kind = CKAN_NUMBER, .i = d->share};
    if (is_one_of(field, "open")) return words(d, str_of(catalog_open_code((enum catalog_open)d->open)));
    if (is_one_of(field, "grade")) return words(d, str_of(mask_grade_code(d->grade)));
    if (is_one_of(field, "cycle")) return words(d, d->cycle);
    if (is_one_of(field, "subject"))
        return (struct ckan_value){.kind = CKAN_WORDS, .text = listed(d, d->subject, ' ', false)};
    if (is_one_of(field, "synthetic")) return words(d, d->is_synthetic ? S("true") : S("false"));
    return (struct ckan_value){.kind = CKAN_NOTHING}; // as CKAN's dynamic fields: nobody has it
}

struct ckan_value seen_field(const void *doc, struct str field) {
    const struct seen_doc *d = doc;
    if (!field.p || is_one_of(field, "text * entity_type"))
        return (struct ckan_value){.kind = CKAN_TEXT, .text = whole_text(d)};
    if (is_one_of(field, "title title_string")) return text(d, d->title_zh, d->title_en);
    if (is_one_of(field, "notes description")) return text(d, d->abstract_zh, d->abstract_en);
    if (is_one_of(field, "name id")) return words(d, d->id);
    if (is_one_of(field, "tags"))
        return (struct ckan_value){CKAN_WORDS, listed(d, d->keywords, '|', false), 0};
    if (is_one_of(field, "groups"))
        return (struct ckan_value){CKAN_WORDS, listed(d, d->class_codes, ' ', true), 0};
    if (is_one_of(field, "organization owner_org")) return words(d, d->office);
    if (is_one_of(field, "res_format")) return words(d, d->formats);
    if (is_one_of(field, "license_id license")) return words(d, d->licence);
    if (is_one_of(field, "state")) return words(d, d->is_live ? S("active") : S("draft"));
    if (is_one_of(field, "type dataset_type")) return words(d, S("dataset"));
    if (is_one_of(field, "private"))
        return words(d, d->is_live && d->open > CATALOG_OPEN_NONE ? S("false") : S("true"));
    if (is_one_of(field, "capacity"))
        return words(d, d->is_live && d->open > CATALOG_OPEN_NONE ? S("public") : S("private"));
    if (is_one_of(field, "metadata_modified"))
        return (struct ckan_value){.kind = CKAN_TIME, .i = d->modified_ms};
    if (is_one_of(field, "metadata_created"))
        return (struct ckan_value){.kind = CKAN_TIME, .i = d->created_ms};
    return own_field(d, field);
}

int seen_filter(struct seen *s, struct str q, bool scores) {
    struct ckan_node *tree;
    size_t kept = 0;
    int code = ckan_query_read(s->cx->mem, catalog_none(q), s->cx->now_ms, &tree, &s->cx->err);
    if (code != OK) return code;
    if (tree->op == CKAN_ALL) return OK;
    for (size_t i = 0; i < s->n; i++) {
        struct seen_doc *d = &s->docs[i];
        double hits = 0, title = 0;
        if (!ckan_query_holds(tree, d, seen_field, &hits)) continue;
        if (scores && tree->op == CKAN_TERM && !tree->field.p) // a word in the title weighs more
            title = ckan_word_count(text(d, d->title_zh, d->title_en).text, tree->value) * 10.0;
        if (scores) d->score += hits + title;
        s->docs[kept++] = *d;
    }
    s->n = kept;
    return s->cx->mem->failed ? cx_fail(s->cx, ERR_no_memory, "", "search") : OK;
}

// --- order ---

enum order { BY_ID, BY_SCORE, BY_TITLE, BY_MODIFIED, BY_CREATED };
#define ORDERS_MAX 4
struct sorting {
    enum order by[ORDERS_MAX];
    bool falls[ORDERS_MAX];
    int n;
};

static int compare(const void *a, const void *b, void *arg) {
    const struct seen_doc *x = a, *y = b;
    const struct sorting *by = arg;
    for (int i = 0; i < by->n; i++) {
        int c = 0;
        switch (by->by[i]) {
        case BY_ID:
            c = str_cmp(x->id, y->id);
            break;
        case BY_SCORE:
            c = x->score < y->score ? -1 : x->score > y->score;
            break;
        case BY_TITLE:
            c = str_cmp(x->title_zh, y->title_zh);
            break;
        case BY_MODIFIED:
            c = x->modified_ms < y->modified_ms ? -1 : x->modified_ms > y->modified_ms;
            break;
        case BY_CREATED:
            c = x->created_ms < y->created_ms ? -1 : x->created_ms > y->created_ms;
            break;
        }
        if (c) return by->falls[i] ? -c : c;
    }
    return str_cmp(x->id, y->id);
}

static bool order_of(struct str name, enum order *ret) {
    static const struct {
        const char *names;
        enum order by;
    } all[] = {{"id name", BY_ID},
               {"score", BY_SCORE},
               {"title title_string", BY_TITLE},
               {"metadata_modified", BY_MODIFIED},
               {"metadata_created", BY_CREATED},
               {"views_recent views_total", BY_ID}}; // views are not counted: the order falls back to the id
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (is_one_of(name, all[i].names)) {
            *ret = all[i].by;
            return true;
        }
    return false;
}

int seen_sort(struct seen *s, struct str sort, bool has_q) {
    struct sorting by = {0};
    if (!str_trim(catalog_none(sort)).n)
        sort = has_q ? S("score desc, metadata_modified desc") : S("metadata_modified desc");
    for (struct str rest = sort; rest.p;) {
        struct str word = str_trim(str_cut(rest, ',', &rest)), way;
        struct str name = str_cut(word, ' ', &way);
        way = str_trim(catalog_none(way));
        if (by.n == ORDERS_MAX || !order_of(name, &by.by[by.n]) ||
            (way.n && !str_eq_nocase(way, S("asc")) && !str_eq_nocase(way, S("desc"))))
            return cx_fail(s->cx, ERR_search_query, "sort", "%.*s", (int)(word.n > 60 ? 60 : word.n), word.p);
        by.falls[by.n++] = str_eq_nocase(way, S("desc"));
    }
    if (s->n) qsort_r(s->docs, s->n, sizeof *s->docs, compare, &by);
    return OK;
}

// --- one ---

int seen_get(struct cx *cx, struct str id, struct catalog_dataset **ret) {
    struct catalog_dataset *d = NULL;
    bool is_public = seen_is_public(cx);
    int code = catalog_dataset_get(cx, id, &d);
    if (code == OK && is_public && !catalog_is_open(d)) code = ERR_not_found;
    if (code == ERR_not_found && !is_public) {
        code = catalog_dataset_work(cx, id, &d);
        if (code == OK && (d->state == CATALOG_WITHDRAWN || !catalog_may_see(cx, d))) code = ERR_not_found;
    }
    if (code == ERR_not_found)
        return cx_fail(cx, ERR_not_found, "id", "%.*s", (int)(id.n > 60 ? 60 : id.n), id.p ? id.p : "");
    if (code == OK) *ret = d;
    return code;
}

int seen_times(struct cx *cx, const struct catalog_dataset *d, int64_t *ret_created, int64_t *ret_modified) {
    struct stmt *s = store_query(cx->db, Q_catalog_seen_state, "si", d->id, d->edition);
    if (store_next(s)) {
        *ret_modified = store_int(s, 1);
        *ret_created = store_int(s, 2);
    }
    return store_done(s, &cx->err);
}
