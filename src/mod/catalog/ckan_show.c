// SPDX-License-Identifier: MulanPSL-2.0
// Data sets, resources, offices and classes in the words of CKAN: packages, resources, organizations, groups. Facts
// that CKAN has no place for stand in `extras` under our own names, and are read back from there. Decides nothing.
#include "mod/catalog/ckan.h"
#include "mod/catalog/files.h"
#include "mod/catalog/rows.h"
#include "mod/catalog/show.h"
#include <inttypes.h>

struct str ckan_moment(struct arena *mem, int64_t ms) {
    struct civil c = clock_civil(ms, 0);
    return str_print(mem, "%04d-%02d-%02dT%02d:%02d:%02d.%03d000", c.year, c.month, c.day, c.hour, c.minute,
                     c.second, c.ms);
}

static void put_moment(struct cx *cx, const char *name, int64_t ms) {
    if (ms)
        jw_ntext(&cx->w, name, ckan_moment(cx->mem, ms));
    else
        jw_ntext(&cx->w, name, STR_NONE);
}

// May this asker have the rows, or the file? The same rules as portal and desk.
static bool gives_rows(struct cx *cx, const struct catalog_dataset *d) {
    if (d->is_verify_only || !d->table) return false;
    if (seen_is_public(cx) || !cx_is(cx, R_ALL_OFFICE))
        return catalog_is_open(d) && d->open == CATALOG_OPEN_FREE;
    return d->share != CATALOG_SHARE_NEVER || (catalog_is_open(d) && d->open == CATALOG_OPEN_FREE);
}

static struct str resource_url(struct cx *cx, const struct catalog_dataset *d,
                               const struct catalog_resource *r) {
    const char *base = cx->city->base_url;
    if (r->kind == CATALOG_TABLE && gives_rows(cx, d))
        return str_print(cx->mem, "%s/dataset/%.*s/resource/%.*s/download/%.*s.csv", base, STRF(d->id),
                         STRF(r->rid), STRF(d->id));
    if (r->kind == CATALOG_FILE && r->sm3.n && catalog_is_open(d) && d->open == CATALOG_OPEN_FREE)
        return str_print(cx->mem, "%s/dataset/%.*s/resource/%.*s/download/file", base, STRF(d->id),
                         STRF(r->rid));
    return str_print(cx->mem, "%s/data/%.*s", base, STRF(d->id)); // where it is told how to come by it
}

static struct str upper(struct arena *mem, struct str s) {
    struct buf b = buf_new(mem, s.n + 1, s.n + 8);
    for (size_t i = 0; i < s.n; i++)
        buf_char(&b, s.p[i] >= 'a' && s.p[i] <= 'z' ? (char)(s.p[i] - 32) : s.p[i]);
    return catalog_none(buf_str(&b));
}

static void put_resource_facts(struct cx *cx, const struct catalog_dataset *d,
                               const struct catalog_resource *r) {
    struct jw *w = &cx->w;
    bool is_table = r->kind == CATALOG_TABLE, is_file = r->kind == CATALOG_FILE;
    jw_ntext(w, "id", str_print(cx->mem, "%.*s.%.*s", STRF(d->id), STRF(r->rid)));
    jw_ntext(w, "package_id", d->id);
    jw_ntext(w, "name", r->title_zh);
    jw_name(w, "name_translated");
    jw_object(w);
    jw_ntext(w, "zh_CN", r->title_zh);
    jw_ntext(w, "en", r->title_en);
    jw_object_end(w);
    jw_ntext(w, "description", str_eq(r->title_en, r->title_zh) ? S("") : r->title_en);
    jw_ntext(w, "url", resource_url(cx, d, r));
    jw_ntext(w, "url_type", is_table ? S("datastore") : is_file ? S("upload") : STR_NONE);
    jw_ntext(w, "resource_type", str_of(catalog_kind_code(r->kind)));
    jw_ntext(w, "format", is_table ? S("CSV") : upper(cx->mem, r->format));
    jw_ntext(w, "mimetype",
             is_table                    ? S("text/csv")
             : is_file && r->file_name.n ? str_of(files_type(r->file_name))
                                         : STR_NONE);
    jw_name(w, "size");
    if (is_file && r->bytes)
        jw_int(w, r->bytes);
    else
        jw_null(w);
    jw_ntext(w, "hash", is_file && r->sm3.n ? str_print(cx->mem, "sm3:%.*s", STRF(r->sm3)) : S(""));
    jw_nbool(w, "datastore_active", is_table && gives_rows(cx, d));
    jw_nbool(w, "verify_only", r->is_verify_only);
    jw_ntext(w, "state", S("active"));
}

int ckan_put_resource(struct cx *cx, const struct catalog_dataset *d, const struct catalog_resource *r,
                      int position) {
    static const char *const nulls[] = {"cache_last_updated", "cache_url", "mimetype_inner"};
    int64_t created = 0, changed = 0;
    struct stmt *s = store_query(cx->db, Q_catalog_resource_times, "i", r->id);
    if (store_next(s)) {
        created = store_int(s, 0);
        changed = store_int(s, 1);
    }
    int code = store_done(s, &cx->err);
    if (code != OK) return code;
    jw_object(&cx->w);
    put_resource_facts(cx, d, r);
    put_moment(cx, "created", created);
    put_moment(cx, "last_modified", r->loaded_ms);
    put_moment(cx, "metadata_modified", changed);
    jw_nint(&cx->w, "position", position);
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
        jw_ntext(&cx->w, nulls[i], STR_NONE);
    jw_object_end(&cx->w);
    return OK;
}

static int put_resources(struct cx *cx, const struct catalog_dataset *d) {
    struct catalog_resource *r;
    size_t n;
    int code = catalog_resources(cx, d->id, &r, &n);
    if (code != OK) return code;
    jw_nint(&cx->w, "num_resources", (int64_t)n);
    jw_name(&cx->w, "resources");
    jw_array(&cx->w);
    for (size_t i = 0; i < n && code == OK; i++)
        code = ckan_put_resource(cx, d, &r[i], (int)i);
    jw_array_end(&cx->w);
    return code;
}

static void put_tags(struct cx *cx, const struct catalog_dataset *d) {
    struct jw *w = &cx->w;
    int64_t n = 0;
    jw_name(w, "tags");
    jw_array(w);
    for (struct str rest = d->keywords; rest.p && rest.n; n++) {
        struct str one = str_cut(rest, '|', &rest);
        jw_object(w);
        jw_ntext(w, "id", one);
        jw_ntext(w, "name", one);
        jw_ntext(w, "display_name", one);
        jw_ntext(w, "state", S("active"));
        jw_ntext(w, "vocabulary_id", STR_NONE);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_nint(w, "num_tags", n);
}

static int put_groups(struct cx *cx, const struct catalog_dataset *d) {
    struct jw *w = &cx->w;
    jw_name(w, "groups");
    jw_array(w);
    for (struct str rest = d->class_codes; rest.p && rest.n;) {
        struct str code = str_cut(rest, ' ', &rest), zh = code;
        struct stmt *s = store_query(cx->db, Q_catalog_class_get, "s", code);
        if (store_next(s)) zh = store_str(s, 0, cx->mem);
        int failed = store_done(s, &cx->err);
        if (failed != OK) return failed;
        struct str name = seen_group_name(cx->mem, code);
        jw_object(w);
        jw_ntext(w, "id", name);
        jw_ntext(w, "name", name);
        jw_ntext(w, "title", zh);
        jw_ntext(w, "display_name", zh);
        jw_ntext(w, "description", S(""));
        jw_ntext(w, "image_display_url", S(""));
        jw_object_end(w);
    }
    jw_array_end(w);
    return OK;
}

static void extra(struct cx *cx, const char *key, struct str value) {
    struct jw *w = &cx->w;
    if (!value.n) return;
    jw_object(w);
    jw_ntext(w, "key", str_of(key));
    jw_ntext(w, "value", value);
    jw_object_end(w);
}

// Our own description once more as an object; its members that CKAN has no field for become extras, all as text.
static int put_extras(struct cx *cx, const struct catalog_dataset *d) {
    static const char *const told[] = {"id", "title_zh", "abstract_zh", "office", "keywords", "licence"};
    struct json facts;
    struct str text = show_text(cx, d);
    if (!text.p) return cx_fail(cx, ERR_too_large, "", "4 MiB");
    int code = json_parse(cx->mem, text, &facts, &cx->err);
    if (code != OK) return code;
    jw_name(&cx->w, "extras");
    jw_array(&cx->w);
    for (struct json_iter it = json_iter(facts); json_next(&it);) {
        bool is_told = false;
        for (size_t i = 0; i < sizeof told / sizeof *told; i++)
            is_told |= str_eq(it.name, str_of(told[i]));
        const char *key = is_told ? NULL : str_z(cx->mem, it.name);
        if (!key || (json_is(it.value, JSON_ARRAY) && json_count(it.value) == 0)) continue;
        extra(cx, key, json_is(it.value, JSON_TEXT) ? json_text(it.value) : json_raw(it.value));
    }
    extra(cx, "related", d->related);
    if (d->score >= 0) extra(cx, "quality_score", str_print(cx->mem, "%.1f", d->score));
    if (d->rows) extra(cx, "rows", str_print(cx->mem, "%" PRId64, d->rows));
    jw_array_end(&cx->w);
    return OK;
}

static void put_pair(struct cx *cx, const char *name, struct str zh, struct str en) {
    struct jw *w = &cx->w;
    jw_name(w, name);
    jw_object(w);
    jw_ntext(w, "zh_CN", zh);
    jw_ntext(w, "en", en);
    jw_object_end(w);
}

static int put_owner(struct cx *cx, const struct catalog_dataset *d) {
    struct people_office o;
    jw_ntext(&cx->w, "owner_org", d->office);
    jw_name(&cx->w, "organization");
    int code = people_office_get(cx, d->office, &o);
    if (code == ERR_not_found) {
        jw_null(&cx->w);
        return OK;
    }
    return code == OK ? ckan_put_organization(cx, &o, -1) : code;
}

static void put_facts(struct cx *cx, const struct catalog_dataset *d, int64_t created, int64_t modified) {
    static const char *const empty[] = {"author", "author_email", "maintainer", "maintainer_email",
                                        "creator_user_id"};
    struct jw *w = &cx->w;
    bool is_private = !catalog_is_open(d);
    jw_ntext(w, "id", d->id);
    jw_ntext(w, "name", d->id);
    jw_ntext(w, "title", d->title_zh);
    put_pair(cx, "title_translated", d->title_zh, d->title_en);
    jw_ntext(w, "notes", d->abstract_zh);
    put_pair(cx, "notes_translated", d->abstract_zh, d->abstract_en);
    jw_ntext(w, "type", S("dataset"));
    jw_ntext(w, "state", d->is_live ? S("active") : S("draft"));
    jw_nbool(w, "private", is_private);
    jw_nbool(w, "isopen", d->open == CATALOG_OPEN_FREE && !is_private);
    jw_ntext(w, "license_id", d->licence);
    jw_ntext(w, "license_title", d->licence);
    jw_ntext(w, "url", str_print(cx->mem, "%s/data/%.*s", cx->city->base_url, STRF(d->id)));
    jw_ntext(w, "version", str_print(cx->mem, "%" PRId64, d->edition));
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        jw_ntext(w, empty[i], STR_NONE);
    put_moment(cx, "metadata_created", created);
    put_moment(cx, "metadata_modified", modified);
    jw_name(w, "relationships_as_subject");
    jw_array(w);
    jw_array_end(w);
    jw_name(w, "relationships_as_object");
    jw_array(w);
    jw_array_end(w);
}

int ckan_put_package(struct cx *cx, const struct catalog_dataset *d) {
    int64_t created = 0, modified = 0;
    int code = seen_times(cx, d, &created, &modified);
    if (code != OK) return code;
    jw_object(&cx->w);
    put_facts(cx, d, created, modified);
    put_tags(cx, d);
    code = put_owner(cx, d);
    if (code == OK) code = put_groups(cx, d);
    if (code == OK) code = put_resources(cx, d);
    if (code == OK) code = put_extras(cx, d);
    jw_object_end(&cx->w);
    return code;
}

// packages < 0: inside a package, where the count is not told.
int ckan_put_organization(struct cx *cx, const struct people_office *o, int64_t packages) {
    struct jw *w = &cx->w;
    jw_object(w);
    jw_ntext(w, "id", o->id);
    jw_ntext(w, "name", o->id);
    jw_ntext(w, "title", o->name);
    if (packages >= 0) jw_ntext(w, "display_name", o->name);
    put_pair(cx, "title_translated", o->name, o->name_en.n ? o->name_en : o->name);
    jw_ntext(w, "description", S(""));
    jw_ntext(w, "image_url", S(""));
    jw_ntext(w, "type", S("organization"));
    jw_nbool(w, "is_organization", true);
    jw_ntext(w, "approval_status", S("approved"));
    jw_ntext(w, "state", S("active"));
    if (packages >= 0) jw_nint(w, "package_count", packages);
    jw_object_end(w);
    return OK;
}

void ckan_put_group(struct cx *cx, struct str code, struct str zh, struct str en, int64_t packages) {
    struct jw *w = &cx->w;
    struct str name = seen_group_name(cx->mem, code);
    jw_object(w);
    jw_ntext(w, "id", name);
    jw_ntext(w, "name", name);
    jw_ntext(w, "title", zh);
    jw_ntext(w, "display_name", zh);
    put_pair(cx, "title_translated", zh, en);
    jw_ntext(w, "class_code", code);
    jw_ntext(w, "description", S(""));
    jw_ntext(w, "image_url", S(""));
    jw_ntext(w, "type", S("group"));
    jw_nbool(w, "is_organization", false);
    jw_ntext(w, "approval_status", S("approved"));
    jw_ntext(w, "state", S("active"));
    jw_nint(w, "package_count", packages);
    jw_object_end(w);
}

// "area-street.table"; the data set's name alone means its table.
int ckan_find_resource(struct cx *cx, struct str id, struct catalog_dataset **ret_d,
                       struct catalog_resource *ret_r) {
    struct str rid, dataset = str_cut(catalog_none(id), '.', &rid);
    int code = seen_get(cx, dataset, ret_d);
    if (code == OK && rid.p) code = catalog_resource_get(cx, dataset, rid, ret_r);
    if (code == OK && !rid.p) code = catalog_table_resource(cx, dataset, STR_NONE, ret_r);
    if (code != ERR_not_found) return code;
    return cx_fail(cx, ERR_not_found, "id", "%.*s", (int)(id.n > 100 ? 100 : id.n), id.p ? id.p : "");
}
