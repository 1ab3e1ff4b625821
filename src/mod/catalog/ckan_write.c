// SPDX-License-Identifier: MulanPSL-2.0
// Changes to packages: a CKAN dict is put into our own words and handed to our own route, as the same asker. Kept
// true: no right, rule, act or ledger entry differs from the page's; what CKAN has no word for (columns, sharing,
// grades …) is kept when a client does not speak of it, and read from `extras` when it does.
#include "base/log.h"
#include "core/city.h"
#include "mod/catalog/ckan.h"
#include "mod/catalog/show.h"
#include <assert.h>

// --- our own routes, called from inside ---

static struct str inner_header(void *arg, const char *name) {
    struct cx *cx = arg;
    // The old version is not known to CKAN's clients: the last writer wins, as with CKAN itself.
    if (strcmp(name, "If-Match") == 0) return S("*");
    if (strcmp(name, "Content-Type") == 0) return S("application/json");
    if (strcmp(name, "Idempotency-Key") == 0) return STR_NONE; // one action may be several of our writes
    return cx_header(cx, name);
}

int ckan_own_call(struct cx *cx, const char *verb, struct str path, struct str query, struct str body,
                  struct json *ret) {
    assert(!cx->is_writer);
    struct request *q = arena_take(cx->mem, sizeof *q);
    struct cx *inner = arena_take(cx->mem, sizeof *inner);
    if (!q || !inner) return cx_fail(cx, ERR_no_memory, "", "call");
    *q = (struct request){.verb = str_of(verb),
                          .path = path,
                          .query = query,
                          .body = catalog_none(body),
                          .body_fd = -1,
                          .body_bytes = (int64_t)body.n,
                          .peer = cx->req->peer,
                          .is_tls = cx->req->is_tls,
                          .headers_arg = cx,
                          .header = inner_header};
    core_call(cx->city, cx->mem, cx->db, cx->hasher, q, inner);
    if (inner->err.code != OK) {
        cx->err = inner->err;
        cx->field_errors = inner->field_errors;
        return cx->err.code;
    }
    if (!ret) return OK;
    return json_parse(cx->mem, inner->reply.body.p ? inner->reply.body : buf_str(&inner->out), ret, &cx->err);
}

void ckan_take_back(struct cx *cx, struct str path) {
    struct err first = cx->err;
    struct field_error *fields = cx->field_errors;
    int code = ckan_own_call(cx, "DELETE", path, STR_NONE, STR_NONE, NULL);
    if (code != OK) // what stays behind is a draft or an unfinished load: seen on the page, swept by time
        log_line(LOG_WARN, "ckan", "%.*s could not be taken back: %s", STRF(path),
                 err_info((enum err_code)code)->name);
    cx->err = first;
    cx->field_errors = fields;
}

struct str ckan_encode(struct arena *mem, struct str s) {
    struct buf b = buf_new(mem, s.n + 16, s.n * 3 + 16);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                     c == '.' || c == '_';
        if (plain)
            buf_char(&b, (char)c);
        else
            buf_print(&b, "%%%02X", c);
    }
    return buf_str(&b);
}

// --- a package in our words ---

struct package {
    struct ckan *k;
    struct json base;                // our description as it stands, absent for a new one
    const struct catalog_dataset *d; // the same, NULL for a new one
    bool keeps;                      // patch: what is not named stays
    struct jw w;
};

static struct str extra_of(struct ckan *k, const char *key) {
    for (struct json_iter it = json_iter(ckan_json(k, "extras")); json_next(&it);)
        if (str_eq(json_text(json_get(it.value, S("key"))), str_of(key))) {
            struct json v = json_get(it.value, S("value"));
            return json_is(v, JSON_TEXT) ? json_text(v) : json_raw(v);
        }
    return STR_NONE;
}

static struct str translated(struct ckan *k, const char *name, const char *lang) {
    return json_text(json_get(ckan_json(k, name), str_of(lang)));
}

static void put_text(struct package *p, const char *name, struct str v) {
    if (v.n) jw_ntext(&p->w, name, v);
}

// A dict that was read here and sent back tells a text twice. What differs from what stands is what was meant.
static struct str meant(struct str stands, struct str one, struct str other) {
    if (one.n && !str_eq(one, stands)) return one;
    if (other.n && !str_eq(other, stands)) return other;
    return one.p ? one : other;
}

// What CKAN says by a field of its own: an update that is silent about it empties it, a patch leaves it.
static void put_said(struct package *p, const char *name, const char *ckan_name, struct str translation) {
    struct str stands = json_text(json_get(p->base, str_of(name))), plain = ckan_text(p->k, ckan_name);
    // Of a new description the Chinese text is the title, whatever language `title` is in.
    struct str said = p->d ? meant(stands, plain, translation) : translation.n ? translation : plain;
    bool silent = !said.p && (p->keeps || strcmp(name, "title_zh") == 0);
    put_text(p, name, silent ? stands : said);
}

// Members that CKAN carries as extras: said there, or at the top of the dict, or kept.
static const struct own_name {
    const char *name;
    enum { TEXT, NUMBER, YESNO, LIST, RAW } kind;
} own_names[] = {{"title_en", TEXT},
                 {"abstract_en", TEXT},
                 {"share_condition_zh", TEXT},
                 {"share_condition_en", TEXT},
                 {"share_scope", TEXT},
                 {"share_law", TEXT},
                 {"open", TEXT},
                 {"open_condition_zh", TEXT},
                 {"open_condition_en", TEXT},
                 {"grade", TEXT},
                 {"cycle", TEXT},
                 {"subject", TEXT},
                 {"area_column", TEXT},
                 {"source_zh", TEXT},
                 {"source_en", TEXT},
                 {"source_date", TEXT},
                 {"share", NUMBER},
                 {"seed", NUMBER},
                 {"synthetic", YESNO},
                 {"modes", LIST},
                 {"spatial", RAW}};

static struct json parsed(struct ckan *k, struct str text) {
    struct json v = {0};
    if (text.n && json_parse(k->cx->mem, text, &v, NULL) != OK) return (struct json){0};
    return v;
}

static void put_own(struct package *p, const struct own_name *o) {
    struct ckan *k = p->k;
    struct json kept = json_get(p->base, str_of(o->name)), top = ckan_json(k, o->name);
    struct str said = extra_of(k, o->name);
    if (!said.p && json_kind(top)) said = json_is(top, JSON_TEXT) ? json_text(top) : json_raw(top);
    if (o->kind == TEXT) {
        struct str other = strcmp(o->name, "title_en") == 0      ? translated(k, "title_translated", "en")
                           : strcmp(o->name, "abstract_en") == 0 ? translated(k, "notes_translated", "en")
                                                                 : STR_NONE;
        said = meant(json_text(kept), said, other);
        put_text(p, o->name, said.p ? said : json_text(kept));
        return;
    }
    struct json v = said.p ? parsed(k, said) : kept;
    bool fits = o->kind == RAW || (o->kind == LIST && json_is(v, JSON_ARRAY)) ||
                (o->kind == NUMBER && json_is(v, JSON_NUMBER)) ||
                (o->kind == YESNO && (json_is(v, JSON_TRUE) || json_is(v, JSON_FALSE)));
    if (said.n && !fits)
        (void)cx_field_fail(k->cx, ERR_field_value, o->name, "%.*s", (int)(said.n > 60 ? 60 : said.n),
                            said.p);
    int64_t n = 0;
    if (!json_kind(v) || !fits || (o->kind == NUMBER && (!json_int(v, &n) || n == 0))) return;
    if (o->kind == RAW && !json_is(v, JSON_OBJECT)) return;
    jw_name(&p->w, o->name);
    jw_value(&p->w, v);
}

// Of a column as it is shown, only what may be said of it.
static void put_columns(struct package *p) {
    static const char *const may[] = {"id",           "zh",        "en",    "type",         "length",
                                      "key",          "area",      "grade", "grade_reason", "element",
                                      "element_role", "code_list", "share", "open",         "office"};
    struct json list = ckan_json(p->k, "columns");
    struct str said = extra_of(p->k, "columns");
    if (!json_is(list, JSON_ARRAY) && said.p) list = parsed(p->k, said);
    if (said.p && !json_is(list, JSON_ARRAY))
        (void)cx_field_fail(p->k->cx, ERR_field_type, "columns", "list");
    if (!json_is(list, JSON_ARRAY)) list = json_get(p->base, S("columns"));
    if (!json_is(list, JSON_ARRAY)) return;
    jw_name(&p->w, "columns");
    jw_array(&p->w);
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        jw_object(&p->w);
        for (size_t i = 0; i < sizeof may / sizeof *may; i++) {
            struct json v = json_get(it.value, str_of(may[i]));
            if (!json_kind(v) || json_is(v, JSON_NULL)) continue;
            jw_name(&p->w, may[i]);
            jw_value(&p->w, v);
        }
        jw_object_end(&p->w);
    }
    jw_array_end(&p->w);
}

static void put_joined(struct package *p, const char *name, struct str list, char sep) {
    jw_name(&p->w, name);
    jw_array(&p->w);
    for (struct str rest = list; rest.p && rest.n;)
        jw_text(&p->w, str_cut(rest, sep, &rest));
    jw_array_end(&p->w);
}

static void put_tags(struct package *p) {
    struct json tags = ckan_json(p->k, "tags");
    struct str line = ckan_text(p->k, "tag_string");
    if (!json_is(tags, JSON_ARRAY) && !line.p && p->keeps && p->d) {
        put_joined(p, "keywords", p->d->keywords, '|');
        return;
    }
    jw_name(&p->w, "keywords");
    jw_array(&p->w);
    for (struct json_iter it = json_iter(tags); json_is(tags, JSON_ARRAY) && json_next(&it);) {
        struct str name =
            json_is(it.value, JSON_TEXT) ? json_text(it.value) : json_text(json_get(it.value, S("name")));
        if (str_trim(name).n) jw_text(&p->w, str_trim(name));
    }
    for (struct str rest = line; rest.p && rest.n;) {
        struct str one = str_trim(str_cut(rest, ',', &rest));
        if (one.n) jw_text(&p->w, one);
    }
    jw_array_end(&p->w);
}

// A group's name back to its class code; the code itself is accepted too.
static int class_of_group(struct cx *cx, struct str name, struct str *ret) {
    struct str found = STR_NONE;
    struct stmt *s = store_query(cx->db, Q_catalog_class_list, "");
    while (store_next(s)) {
        struct str c = store_str(s, 0, cx->mem);
        if (str_eq(name, c) || str_eq(name, seen_group_name(cx->mem, c))) found = c;
    }
    int code = store_done(s, &cx->err);
    if (code == OK && !found.p)
        code = cx_field_fail(cx, ERR_field_value, "groups", "%.*s", (int)(name.n > 60 ? 60 : name.n),
                             name.p ? name.p : "");
    *ret = found;
    return code;
}

static int put_groups(struct package *p) {
    struct json groups = ckan_json(p->k, "groups");
    int code = OK;
    if (!json_is(groups, JSON_ARRAY) && p->keeps && p->d) {
        put_joined(p, "class_codes", p->d->class_codes, ' ');
        return OK;
    }
    jw_name(&p->w, "class_codes");
    jw_array(&p->w);
    for (struct json_iter it = json_iter(groups);
         json_is(groups, JSON_ARRAY) && code == OK && json_next(&it);) {
        struct str c, name = json_text(json_get(it.value, S("name")));
        if (!name.n) name = json_text(json_get(it.value, S("id")));
        code = class_of_group(p->k->cx, json_is(it.value, JSON_TEXT) ? json_text(it.value) : name, &c);
        if (code == OK) jw_text(&p->w, c);
    }
    jw_array_end(&p->w);
    return code;
}

static int write_package(struct package *p, struct str id, struct str *ret) {
    struct ckan *k = p->k;
    struct buf b = buf_new(k->cx->mem, 4096, (size_t)CKAN_BODY_MAX);
    p->w = jw_to(&b);
    jw_object(&p->w);
    jw_ntext(&p->w, "id", id);
    put_said(p, "title_zh", "title", translated(k, "title_translated", "zh_CN"));
    put_said(p, "abstract_zh", "notes", translated(k, "notes_translated", "zh_CN"));
    put_said(p, "licence", "license_id", STR_NONE);
    struct str office = ckan_text(k, "owner_org");
    put_text(p, "office", office.n ? office : json_text(json_get(p->base, S("office"))));
    put_tags(p);
    int code = put_groups(p);
    for (size_t i = 0; i < sizeof own_names / sizeof *own_names; i++)
        put_own(p, &own_names[i]);
    put_columns(p);
    struct str related = extra_of(k, "related");
    put_joined(p, "related", related.p ? related : p->d ? p->d->related : STR_NONE, ' ');
    jw_object_end(&p->w);
    if (code == OK && k->cx->field_errors) code = k->cx->err.code;
    if (code == OK && b.over) code = cx_fail(k->cx, ERR_too_large, "body", "%lld", (long long)CKAN_BODY_MAX);
    *ret = buf_str(&b);
    return code;
}

// --- the actions ---

static int answer_package(struct ckan *k, struct str id) {
    struct catalog_dataset *d;
    int code = catalog_dataset_work(k->cx, id, &d);
    if (code != OK) return code;
    if (!ckan_flag(k, "return_id_only", false)) return ckan_put_package(k->cx, d);
    jw_text(&k->cx->w, id);
    return OK;
}

static struct str path_of(struct cx *cx, struct str id, const char *rest) {
    return str_print(cx->mem, "/api/v1/datasets/%.*s%s", STRF(ckan_encode(cx->mem, id)), rest);
}

static int package_create(struct ckan *k) {
    struct cx *cx = k->cx;
    struct package p = {.k = k};
    struct str id = ckan_text(k, "name").n ? ckan_text(k, "name") : catalog_none(ckan_text(k, "id")), body;
    if (!id.n) return cx_field_fail(cx, ERR_field_missing, "name", "%s", "");
    int code = write_package(&p, id, &body);
    if (code == OK) code = ckan_own_call(cx, "POST", S("/api/v1/datasets"), STR_NONE, body, NULL);
    if (code != OK) return code;
    struct json list = ckan_json(k, "resources");
    for (struct json_iter it = json_iter(list); json_is(list, JSON_ARRAY) && code == OK && json_next(&it);) {
        struct str rid;
        code = ckan_add_resource(cx, id, it.value, STR_NONE, STR_NONE, &rid);
    }
    if (code == OK) return answer_package(k, id);
    // CKAN makes a package whole or not at all: the draft is taken back, the first error is what is told.
    ckan_take_back(cx, path_of(cx, id, ""));
    return code;
}

// Resources as a whole list: new ones are hung, known ones described, missing ones taken off.
static int bring_resources(struct ckan *k, const struct catalog_dataset *d) {
    struct cx *cx = k->cx;
    struct json list = ckan_json(k, "resources");
    struct catalog_resource *old;
    size_t n;
    if (!json_is(list, JSON_ARRAY)) return OK;
    int code = catalog_resources(cx, d->id, &old, &n);
    bool named[CATALOG_RESOURCES_MAX] = {false};
    for (struct json_iter it = json_iter(list); code == OK && json_next(&it);) {
        struct str id = json_text(json_get(it.value, S("id"))), rid = STR_NONE;
        (void)str_cut(catalog_none(id), '.', &rid);
        size_t i = 0;
        while (i < n && !str_eq(old[i].rid, rid))
            i++;
        if (i < n && i < CATALOG_RESOURCES_MAX) {
            named[i] = true;
            code = ckan_edit_resource(cx, d, &old[i], it.value);
        } else {
            code = ckan_add_resource(cx, d->id, it.value, STR_NONE, STR_NONE, &rid);
        }
    }
    for (size_t i = 0; code == OK && i < n && i < CATALOG_RESOURCES_MAX; i++)
        if (!named[i]) code = ckan_drop_resource(cx, d->id, old[i].rid);
    return code;
}

static int change(struct ckan *k, bool keeps) {
    struct cx *cx = k->cx;
    struct package p = {.k = k, .keeps = keeps};
    struct catalog_dataset *d;
    struct str id = ckan_text(k, "id").n ? ckan_text(k, "id") : catalog_none(ckan_text(k, "name")), body;
    if (!id.n) return cx_field_fail(cx, ERR_field_missing, "id", "%s", "");
    int code = seen_get(cx, id, &d);
    if (code == OK) code = catalog_dataset_work(cx, id, &d);
    if (code != OK) return code;
    p.d = d;
    struct str text = show_text(cx, d);
    code = text.p ? json_parse(cx->mem, text, &p.base, &cx->err) : cx_fail(cx, ERR_too_large, "", "4 MiB");
    if (code == OK) code = write_package(&p, d->id, &body);
    if (code == OK) code = ckan_own_call(cx, "PUT", path_of(cx, d->id, ""), STR_NONE, body, NULL);
    if (code == OK) code = bring_resources(k, d);
    return code == OK ? answer_package(k, d->id) : code;
}

static int package_update(struct ckan *k) {
    return change(k, false);
}
static int package_patch(struct ckan *k) {
    return change(k, true);
}

// A draft disappears; what is published is withdrawn with a reason, since its history stays.
static int package_delete(struct ckan *k) {
    struct cx *cx = k->cx;
    struct catalog_dataset *d;
    struct str id = ckan_id(k), reason = ckan_text(k, "reason");
    if (!id.n) return cx_field_fail(cx, ERR_field_missing, "id", "%s", "");
    int code = seen_get(cx, id, &d);
    if (code != OK) return code;
    if (d->is_live) {
        struct buf b = buf_new(cx->mem, 128, 8192);
        struct jw w = jw_to(&b);
        jw_object(&w);
        jw_ntext(&w, "reason", reason.n ? reason : S("CKAN package_delete"));
        jw_object_end(&w);
        code = ckan_own_call(cx, "POST", path_of(cx, d->id, "/withdraw"), STR_NONE, buf_str(&b), NULL);
    } else {
        code = ckan_own_call(cx, "DELETE", path_of(cx, d->id, ""), STR_NONE, STR_NONE, NULL);
    }
    if (code == OK) jw_null(&cx->w);
    return code;
}

// Offices come from the register, with hand-overs and history; classes from the pack. Nothing here makes either.
static int offices_are_kept(struct ckan *k) {
    return cx_fail(k->cx, ERR_ckan_offices, "", "%s", "");
}

const struct ckan_action ckan_write_actions[] = {
    {"package_create", true, package_create, "编制目录（草稿）", "Makes a data set (a draft)"},
    {"package_update", true, package_update, "修改目录", "Describes a data set anew"},
    {"package_patch", true, package_patch, "修改目录的部分内容", "Changes parts of a description"},
    {"package_delete", true, package_delete, "删除草稿或下架目录",
     "Deletes a draft, withdraws a published data set"},
    {"organization_create", true, offices_are_kept, "机构只读", "Offices are read only here"},
    {"organization_update", true, offices_are_kept, "机构只读", "Offices are read only here"},
    {"organization_patch", true, offices_are_kept, "机构只读", "Offices are read only here"},
    {"organization_delete", true, offices_are_kept, "机构只读", "Offices are read only here"},
    {"organization_purge", true, offices_are_kept, "机构只读", "Offices are read only here"},
    {"group_create", true, offices_are_kept, "分类只读", "Classes are read only here"},
    {"group_update", true, offices_are_kept, "分类只读", "Classes are read only here"},
    {"group_patch", true, offices_are_kept, "分类只读", "Classes are read only here"},
    {"group_delete", true, offices_are_kept, "分类只读", "Classes are read only here"},
    {"group_purge", true, offices_are_kept, "分类只读", "Classes are read only here"},
    {0}};
