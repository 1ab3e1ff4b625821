// SPDX-License-Identifier: MulanPSL-2.0
// Writes a data set as JSON: facts, columns, resources, quality, steps with their lights, history, what the asker may
// do. Decides nothing and stores nothing.
#include "mod/catalog/show.h"
#include "mod/catalog/flow.h"
#include <assert.h>

void show_word(struct jw *w, struct str key, struct str zh, struct str en) {
    jw_object(w);
    jw_ntext(w, "key", key);
    jw_ntext(w, "zh", zh);
    jw_ntext(w, "en", en);
    jw_object_end(w);
}

int64_t show_next_update_of(struct str cycle, int64_t data_ms) {
    static const struct {
        const char *cycle;
        int days;
    } promised[] = {{"daily", 1},      {"weekly", 7},       {"monthly", 31},
                    {"quarterly", 92}, {"halfyearly", 184}, {"yearly", 366}};
    for (size_t i = 0; data_ms > 0 && i < sizeof promised / sizeof *promised; i++)
        if (str_eq(cycle, str_of(promised[i].cycle))) return data_ms + promised[i].days * DAY_MS;
    return 0;
}

int64_t show_next_update(const struct catalog_dataset *d) {
    return show_next_update_of(d->cycle, d->data_ms);
}

static void put_column(struct cx *cx, struct jw *w, const struct catalog_column *c) {
    jw_object(w);
    jw_ntext(w, "id", c->id);
    jw_ntext(w, "zh", c->zh);
    jw_ntext(w, "en", c->en);
    jw_ntext(w, "type", str_of(table_type_name(c->type)));
    jw_nint(w, "length", c->length);
    jw_nbool(w, "key", c->is_key);
    jw_nbool(w, "area", c->is_area);
    jw_ntext(w, "grade", str_of(mask_grade_code(c->grade)));
    jw_ntext(w, "mask", str_of(mask_code(c->mask)));
    jw_nint(w, "share", c->share);
    jw_ntext(w, "open", str_of(catalog_open_code((enum catalog_open)c->open)));
    jw_nbool(w, "personal", c->is_personal);
    jw_nbool(w, "in_table", c->is_in_table);
    if (c->element.n) jw_ntext(w, "element", c->element);
    if (c->element_role.n) jw_ntext(w, "element_role", c->element_role);
    if (c->code_list.n) jw_ntext(w, "code_list", c->code_list);
    if (c->grade_reason.n) jw_ntext(w, "grade_reason", c->grade_reason);
    if (c->office.n) {
        jw_ntext(w, "office", c->office);
        jw_ntext(w, "office_name", people_office_name(cx, c->office, 0));
    }
    jw_object_end(w);
}

static void put_facts_text(struct jw *w, const struct catalog_dataset *d) {
    const struct {
        const char *name;
        struct str v;
    } texts[] = {{"id", d->id},
                 {"title_zh", d->title_zh},
                 {"title_en", d->title_en},
                 {"abstract_zh", d->abstract_zh},
                 {"abstract_en", d->abstract_en},
                 {"office", d->office},
                 {"share_condition_zh", d->share_condition_zh},
                 {"share_condition_en", d->share_condition_en},
                 {"share_scope", d->share_scope},
                 {"share_law", d->share_law},
                 {"open", str_of(catalog_open_code((enum catalog_open)d->open))},
                 {"open_condition_zh", d->open_condition_zh},
                 {"open_condition_en", d->open_condition_en},
                 {"grade", str_of(mask_grade_code(d->grade))},
                 {"cycle", d->cycle},
                 {"subject", d->subject},
                 {"area_column", d->area_column},
                 {"source_zh", d->source_zh},
                 {"source_en", d->source_en},
                 {"source_date", d->source_date},
                 {"licence", d->licence}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        jw_ntext(w, texts[i].name, catalog_none(texts[i].v));
    jw_nint(w, "share", d->share);
    jw_nbool(w, "synthetic", d->is_synthetic);
    if (d->is_synthetic) jw_nint(w, "seed", d->seed);
}

void show_facts(struct cx *cx, struct jw *w, const struct catalog_dataset *d) {
    put_facts_text(w, d);
    catalog_put_list(w, "keywords", d->keywords, '|');
    catalog_put_list(w, "modes", d->modes, ' ');
    jw_name(w, "spatial");
    if (d->spatial.n && d->spatial.p[0] == '{')
        jw_raw(w, d->spatial);
    else
        jw_text(w, catalog_none(d->spatial));
    jw_name(w, "columns");
    jw_array(w);
    for (int i = 0; i < d->columns_n; i++)
        put_column(cx, w, &d->columns[i]);
    jw_array_end(w);
}

struct str show_text(struct cx *cx, const struct catalog_dataset *d) {
    struct buf b = buf_new(cx->mem, 4096, 4 << 20);
    struct jw w = jw_to(&b);
    jw_object(&w);
    show_facts(cx, &w, d);
    jw_object_end(&w);
    return b.over ? STR_NONE : buf_str(&b);
}

static int put_classes(struct cx *cx, const struct catalog_dataset *d) {
    struct jw *w = &cx->w;
    jw_name(w, "class_codes");
    jw_array(w);
    for (struct str rest = d->class_codes; rest.p && rest.n;) {
        struct str code = str_cut(rest, ' ', &rest);
        struct stmt *s = store_query(cx->db, Q_catalog_class_get, "s", code);
        bool found = store_next(s);
        jw_object(w);
        jw_ntext(w, "code", code);
        jw_ntext(w, "zh", found ? store_str(s, 0, cx->mem) : code);
        jw_ntext(w, "en", found ? store_str(s, 1, cx->mem) : code);
        jw_object_end(w);
        int failed = store_done(s, &cx->err);
        if (failed != OK) return failed;
    }
    jw_array_end(w);
    return OK;
}

int show_resources(struct cx *cx, const struct catalog_dataset *d, bool is_public) {
    struct catalog_resource *r;
    size_t n;
    struct jw *w = &cx->w;
    int code = catalog_resources(cx, d->id, &r, &n);
    if (code != OK) return code;
    jw_name(w, "resources");
    jw_array(w);
    for (size_t i = 0; i < n; i++) {
        jw_object(w);
        jw_ntext(w, "id", r[i].rid);
        jw_ntext(w, "kind", str_of(catalog_kind_code(r[i].kind)));
        jw_ntext(w, "title_zh", r[i].title_zh);
        jw_ntext(w, "title_en", r[i].title_en);
        // A file or service hangs as soon as it is named; a table when rows are in it.
        jw_ntext(w, "state", r[i].is_tested ? (r[i].is_test_ok ? S("ok") : S("failed")) : S("untested"));
        jw_ntext(w, "format", r[i].format);
        jw_nint(w, "rows", r[i].rows);
        jw_nint(w, "bytes", r[i].bytes);
        jw_ntext(w, "sm3", r[i].sm3);
        jw_ntext(w, "file_name", r[i].file_name);
        jw_nint(w, "tested_ms", r[i].tested_ms);
        jw_nint(w, "loaded_ms", r[i].loaded_ms);
        jw_nbool(w, "test_ok", r[i].is_test_ok);
        jw_nbool(w, "verify_only", r[i].is_verify_only);
        if (!is_public && r[i].upstream.n) jw_ntext(w, "upstream", r[i].upstream);
        if (!is_public && r[i].test_note.n) jw_ntext(w, "test_note", r[i].test_note);
        jw_object_end(w);
    }
    jw_array_end(w);
    return OK;
}

static int put_quality(struct cx *cx, const struct catalog_dataset *d) {
    static const char *const names[] = {"score", "completeness", "validity", "freshness", "uniqueness"};
    struct jw *w = &cx->w;
    struct stmt *s = store_query(cx->db, Q_catalog_quality_get, "s", d->id);
    jw_name(w, "quality");
    if (!store_next(s)) {
        jw_null(w);
        return store_done(s, &cx->err);
    }
    jw_object(w);
    for (int i = 0; i < 5; i++) {
        jw_name(w, names[i]);
        if (store_is_null(s, i))
            jw_null(w);
        else
            jw_double(w, store_double(s, i));
    }
    jw_name(w, "checks");
    jw_raw(w, store_str(s, 5, cx->mem));
    jw_nint(w, "measured_ms", store_int(s, 6));
    jw_object_end(w);
    return store_done(s, &cx->err);
}

static int put_steps(struct cx *cx, const struct catalog_dataset *d) {
    struct jw *w = &cx->w;
    jw_name(w, "steps");
    jw_array(w);
    struct stmt *s = store_query(cx->db, Q_catalog_steps_get, "si", d->id, d->edition);
    while (store_next(s)) {
        struct str step = store_str(s, 2, cx->mem), office = store_str(s, 4, cx->mem);
        struct str by_office = store_str(s, 7, cx->mem);
        const struct catalog_word *word = catalog_word("step", step);
        int64_t at_ms = store_int(s, 8), due_ms = store_int(s, 9);
        jw_object(w);
        jw_ntext(w, "step", step);
        jw_ntext(w, "step_zh", str_of(word ? word->zh : ""));
        jw_ntext(w, "step_en", str_of(word ? word->en : ""));
        jw_ntext(w, "state", store_str(s, 3, cx->mem));
        jw_nint(w, "by", store_int(s, 5));
        jw_ntext(w, "by_name", store_str(s, 6, cx->mem));
        if (by_office.n) office = by_office; // who did it, under the name of that day
        jw_ntext(w, "office", office);
        jw_ntext(w, "office_name", people_office_name(cx, office, at_ms));
        jw_nint(w, "at_ms", at_ms);
        jw_nint(w, "due_ms", due_ms);
        jw_nbool(w, "certain", store_int(s, 10) != 0);
        jw_ntext(w, "reason", store_str(s, 11, cx->mem));
        jw_ntext(w, "light", str_of(catalog_light(cx, due_ms, at_ms)));
        jw_object_end(w);
    }
    jw_array_end(w);
    return store_done(s, &cx->err);
}

#define HISTORY_MAX 100
// The public and other offices hear of what they could see: that something appeared, got data or went. How a draft
// came about is told to those who made and judged it.
static bool is_told(struct cx *cx, const struct catalog_dataset *d, struct str verb, bool is_public) {
    bool own = cx->who.office.n && str_eq(cx->who.office, d->office);
    bool inner = !is_public && (own || cx_is(cx, R_(REVIEWER) | R_(AUTHORITY) | R_(AUDITOR)));
    if (str_eq(verb, S("dataset.publish")) || str_eq(verb, S("dataset.withdraw")) ||
        str_eq(verb, S("pack.load")))
        return true;
    if (str_eq(verb, S("dataset.load"))) return true;
    return inner && (str_starts(verb, S("dataset.")) || str_starts(verb, S("resource.")));
}

// From the audit log, newest first. An act's detail carries the version that it made; one that does not (a load) made
// the version before its successor's.
static int put_history(struct cx *cx, const struct catalog_dataset *d, bool is_public) {
    struct jw *w = &cx->w;
    int64_t newer = d->version + 1;
    jw_name(w, "history");
    jw_array(w);
    struct stmt *s =
        store_query(cx->db, Q_core_act_of_object, "izsi", INT64_MAX, "dataset", d->id, (int64_t)HISTORY_MAX);
    while (store_next(s)) {
        struct str detail = store_str(s, 11, cx->mem), verb = store_str(s, 5, cx->mem);
        struct json j = {0};
        int64_t version = newer - 1, edition = d->edition;
        if (!is_told(cx, d, verb, is_public)) continue;
        if (detail.p && json_parse(cx->mem, detail, &j, NULL) == OK) {
            struct json own = json_get(j, S("detail"));
            if (!json_int(json_get(own, S("version")), &version)) version = newer - 1;
            if (!json_int(json_get(own, S("edition")), &edition)) edition = d->edition;
        }
        newer = version;
        jw_object(w);
        jw_nint(w, "version", version);
        jw_nint(w, "edition", edition);
        jw_nint(w, "at_ms", store_int(s, 1));
        if (!is_public) jw_ntext(w, "by", store_str(s, 3, cx->mem));
        jw_ntext(w, "verb", verb);
        jw_nint(w, "entry", store_int(s, 12));
        jw_object_end(w);
    }
    jw_array_end(w);
    return store_done(s, &cx->err);
}

static void put_notices(struct cx *cx, const struct catalog_dataset *d) {
    struct jw *w = &cx->w;
    jw_name(w, "notices");
    jw_array(w);
    struct str list =
        d->is_synthetic ? str_print(cx->mem, "notice_synthetic %.*s", STRF(d->notices)) : d->notices;
    for (struct str rest = list; rest.p && rest.n;) {
        struct str key = str_cut(rest, ' ', &rest);
        const char *z = key.n ? str_z(cx->mem, key) : NULL;
        struct str zh = z ? people_word(cx, z, true) : STR_NONE;
        if (zh.n) show_word(w, key, zh, people_word(cx, z, false));
    }
    jw_array_end(w);
}

static int put_related(struct cx *cx, const struct catalog_dataset *d) {
    struct jw *w = &cx->w;
    jw_name(w, "related");
    jw_array(w);
    for (struct str rest = d->related; rest.p && rest.n;) {
        struct catalog_dataset *other;
        int code = catalog_dataset_get(cx, str_cut(rest, ' ', &rest), &other);
        if (code == ERR_not_found) continue;
        if (code != OK) return code;
        jw_object(w);
        jw_ntext(w, "id", other->id);
        jw_ntext(w, "title_zh", other->title_zh);
        jw_ntext(w, "title_en", other->title_en);
        jw_object_end(w);
    }
    jw_array_end(w);
    return OK;
}

int show_dataset(struct cx *cx, const struct catalog_dataset *d, bool is_public) {
    struct jw *w = &cx->w;
    int64_t next = show_next_update(d);
    jw_object(w);
    show_facts(cx, w, d);
    jw_ntext(w, "office_name", people_office_name(cx, d->office, 0));
    jw_ntext(w, "state", str_of(catalog_state_code(d->state)));
    jw_nint(w, "version", d->version);
    jw_nint(w, "edition", d->edition);
    jw_nbool(w, "live", d->is_live);
    jw_nbool(w, "personal", d->is_personal);
    jw_nbool(w, "verify_only", d->is_verify_only);
    jw_nint(w, "rows", d->rows);
    jw_nint(w, "published_ms", d->published_ms);
    jw_nint(w, "updated_ms", d->updated_ms);
    jw_nint(w, "data_ms", d->data_ms);
    if (next) jw_nint(w, "next_update_ms", next);
    jw_nbool(w, "stale", next && cx->now_ms > next);
    jw_name(w, "score");
    if (d->score < 0)
        jw_null(w);
    else
        jw_double(w, d->score);
    int code = put_classes(cx, d);
    if (code == OK) code = show_resources(cx, d, is_public);
    if (code == OK) code = put_quality(cx, d);
    if (code == OK && !is_public) code = put_steps(cx, d);
    if (code == OK) code = put_history(cx, d, is_public);
    if (code == OK) code = put_related(cx, d);
    put_notices(cx, d);
    if (code == OK && !is_public) code = flow_put_may(cx, d);
    jw_object_end(w);
    return code;
}

int show_written(struct cx *cx, struct str id) {
    struct catalog_dataset *d;
    int code = catalog_dataset_work(cx, id, &d);
    if (code != OK) return code;
    jw_object(&cx->w);
    jw_ntext(&cx->w, "id", d->id);
    jw_ntext(&cx->w, "state", str_of(catalog_state_code(d->state)));
    jw_nint(&cx->w, "version", d->version);
    jw_nint(&cx->w, "edition", d->edition);
    jw_object_end(&cx->w);
    cx_etag(cx, d->version);
    return OK;
}
