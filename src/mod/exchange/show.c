// SPDX-License-Identifier: MulanPSL-2.0
// Writes applications as JSON: facts, lines with their columns and masks, steps with lights, what the asker may do now.
// Decides nothing: what `may` offers is judged again by whoever does it.
#include "mod/exchange/flow.h"
#include <assert.h>
#include <inttypes.h>

#define ACTS_MAX 1000 // of one trace, looked through for the entries of its steps

struct catalog_dataset *dataset_shown(struct cx *cx, struct str id) {
    struct catalog_dataset *ds = NULL;
    int code = catalog_dataset_get(cx, id, &ds);
    if (code == ERR_not_found) code = catalog_dataset_work(cx, id, &ds);
    if (code == OK) return ds;
    cx->err = (struct err){0}; // a thing of the past is shown by its id
    return NULL;
}

static bool has_word(struct str list, struct str word) {
    for (struct str rest = list; rest.p && rest.n;)
        if (str_eq(str_cut(rest, ' ', &rest), word)) return true;
    return false;
}

void columns_json(struct cx *cx, const char *name, const struct catalog_dataset *ds, struct str ids,
                  struct str released) {
    struct jw *w = &cx->w;
    jw_name(w, name);
    jw_array(w);
    for (struct str rest = ids; rest.p && rest.n;) {
        struct str id = str_cut(rest, ' ', &rest);
        const struct catalog_column *c = ds ? catalog_column_find(ds, id) : NULL;
        jw_object(w);
        jw_ntext(w, "id", id);
        jw_ntext(w, "zh", c ? c->zh : id);
        jw_ntext(w, "en", c ? c->en : id);
        if (c) {
            enum mask_purpose purpose = has_word(released, id) ? MASK_RELEASED : MASK_GRANT;
            jw_ntext(w, "grade", str_of(mask_grade_code(c->grade)));
            jw_nint(w, "share", c->share);
            jw_ntext(w, "mask", str_of(mask_code(mask_for(c->grade, c->mask, purpose))));
        }
        jw_object_end(w);
    }
    jw_array_end(w);
}

// The stored filter is the JSON that was judged when it came in.
void filter_json(struct cx *cx, const char *name, struct str filter) {
    jw_name(&cx->w, name);
    jw_raw(&cx->w, filter.n ? filter : S("[]"));
}

static const char *light_of(struct cx *cx, const struct step *s) {
    bool is_over = str_eq(s->state, S("withdrawn"));
    return is_over ? "grey" : catalog_light(cx, s->due_ms, str_eq(s->state, S("todo")) ? 0 : s->at_ms);
}

// What stands to be done next, the most pressing first; NULL when nothing does.
static const struct step *pressing(const struct application *a) {
    const struct step *best = NULL;
    for (int i = 0; i < a->steps_n; i++) {
        const struct step *s = &a->steps[i];
        if (!str_eq(s->state, S("todo"))) continue;
        if (!best || (s->due_ms && (!best->due_ms || s->due_ms < best->due_ms))) best = s;
    }
    return best;
}

// --- entries of steps: an act of the same trace, by the same person, in the same transaction ---
struct deed {
    int64_t time_ms, actor, entry;
};
struct deeds {
    struct deed *list;
    int n;
};

static int read_deeds(struct cx *cx, struct str trace, struct deeds *ret) {
    ret->list = arena_array(cx->mem, ACTS_MAX, sizeof *ret->list);
    if (!ret->list) return cx_fail(cx, ERR_no_memory, "", "acts");
    struct stmt *s = store_query(cx->db, Q_core_act_of_trace, "isi", INT64_MAX, trace, (int64_t)ACTS_MAX);
    while (ret->n < ACTS_MAX && store_next(s))
        ret->list[ret->n++] = (struct deed){store_int(s, 1), store_int(s, 2), store_int(s, 12)};
    return store_done(s, &cx->err);
}

static int64_t entry_of(const struct deeds *d, const struct step *s) {
    for (int i = 0; i < d->n; i++)
        if (d->list[i].time_ms == s->at_ms && d->list[i].actor == s->by_account) return d->list[i].entry;
    return -1;
}

static void step_json(struct cx *cx, const struct step *s, int n, const struct deeds *deeds) {
    struct jw *w = &cx->w;
    const struct step_kind *k = step_kind(s->step);
    bool is_done = s->at_ms && s->by_account;
    int64_t entry = is_done ? entry_of(deeds, s) : -1;
    jw_object(w);
    jw_nint(w, "n", n);
    if (s->line) jw_nint(w, "line", s->line);
    jw_ntext(w, "step", s->step);
    jw_ntext(w, "step_zh", str_of(k ? k->zh : ""));
    jw_ntext(w, "step_en", str_of(k ? k->en : ""));
    jw_ntext(w, "office", s->office);
    // Who did it bore the name of that day; who has to do it bears today's.
    jw_ntext(w, "office_name", people_office_name(cx, s->office, s->at_ms));
    jw_ntext(w, "role", s->role);
    jw_ntext(w, "state", s->state);
    jw_nint(w, "opened_ms", s->opened_ms);
    if (is_done) jw_nint(w, "by", s->by_account);
    if (is_done) jw_ntext(w, "by_name", s->by_name);
    if (s->at_ms) jw_nint(w, "at_ms", s->at_ms);
    if (s->due_ms) jw_nint(w, "due_ms", s->due_ms);
    jw_nbool(w, "certain", s->is_certain);
    if (s->extended) jw_nint(w, "extended_wd", s->extended);
    jw_ntext(w, "light", str_of(light_of(cx, s)));
    if (s->reason.n) jw_ntext(w, "reason", s->reason);
    if (entry >= 0) jw_nint(w, "entry", entry);
    jw_object_end(w);
}

static int steps_json(struct cx *cx, const struct application *a) {
    struct deeds deeds = {0};
    int code = read_deeds(cx, a->id, &deeds);
    if (code != OK) return code;
    jw_name(&cx->w, "steps");
    jw_array(&cx->w);
    for (int i = 0; i < a->steps_n; i++)
        step_json(cx, &a->steps[i], i + 1, &deeds);
    jw_array_end(&cx->w);
    return OK;
}

// --- what the asker may do now ---
static const struct step *todo_mine(struct cx *cx, const struct application *a, int64_t line,
                                    const char *step) {
    for (int i = 0; i < a->steps_n; i++) {
        const struct step *s = &a->steps[i];
        if (s->line == line && str_eq(s->step, str_of(step)) && str_eq(s->state, S("todo")))
            return step_is_mine(cx, s) ? s : NULL;
    }
    return NULL;
}

static bool is_open(const struct application *a) {
    static const char *const open[] = {"draft", "signing", "county", "checking", "answering", "returned"};
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        if (application_is(a, open[i])) return true;
    return false;
}

static void may_json(struct cx *cx, const struct application *a) {
    struct jw *w = &cx->w;
    bool mine = str_eq(a->office, cx->who.office) && cx_is(cx, R_(APPLICANT));
    bool with_applicant = application_is(a, "draft") || application_is(a, "returned");
    bool signs = todo_mine(cx, a, 0, "sign") != NULL;
    bool checks = todo_mine(cx, a, 0, "check") || todo_mine(cx, a, 0, "county");
    jw_name(w, "may");
    jw_array(w);
    if (mine && with_applicant) jw_textz(w, "edit");
    if (mine && with_applicant) jw_textz(w, "submit");
    if (mine && is_open(a)) jw_textz(w, "withdraw");
    if (signs && a->applicant != cx->who.account) jw_textz(w, "sign");
    if (checks) jw_textz(w, "check");
    if (signs || (checks && a->returned_n == 0)) jw_textz(w, "return");
    for (int i = 0; i < a->lines_n; i++) {
        const struct line *l = &a->lines[i];
        bool answered = todo_mine(cx, a, l->n, "provider_sign") && l->answered_by != cx->who.account;
        if (todo_mine(cx, a, l->n, "answer")) jw_text(w, str_print(cx->mem, "answer:%" PRId64, l->n));
        if (answered) jw_text(w, str_print(cx->mem, "provider_sign:%" PRId64, l->n));
        if (str_eq(l->state, S("answering")) && cx_is(cx, R_(AUTHORITY)))
            jw_text(w, str_print(cx->mem, "extend:%" PRId64, l->n));
    }
    jw_array_end(w);
}

static void line_json(struct cx *cx, const struct line *l) {
    struct jw *w = &cx->w;
    struct catalog_dataset *ds = dataset_shown(cx, l->dataset);
    jw_object(w);
    jw_nint(w, "n", l->n);
    jw_ntext(w, "dataset", l->dataset);
    jw_ntext(w, "title_zh", ds ? ds->title_zh : l->dataset);
    jw_ntext(w, "title_en", ds ? ds->title_en : l->dataset);
    if (l->upstream.n) jw_ntext(w, "resource", l->upstream);
    columns_json(cx, "columns", ds, l->columns, l->released);
    filter_json(cx, "filter", l->filter);
    jw_ntext(w, "provider", l->provider);
    jw_ntext(w, "provider_name", people_office_name(cx, l->provider, 0));
    // 'signing' of a line is the provider's signature; the word of the whole application means one's own unit.
    jw_ntext(w, "state", str_eq(l->state, S("signing")) ? S("provider_signing") : l->state);
    if (l->is_answered) jw_nbool(w, "consent", l->consent);
    if (l->is_answered) jw_nint(w, "quota_per_day", l->quota_per_day);
    if (l->is_answered) jw_nint(w, "rate_per_s", l->rate_per_s);
    if (l->reason.n) jw_ntext(w, "reason", l->reason);
    if (l->condition.n) jw_ntext(w, "condition", l->condition);
    if (l->grant_id) jw_nint(w, "grant", l->grant_id);
    jw_object_end(w);
}

static void titles_json(struct cx *cx, const struct application *a) {
    struct jw *w = &cx->w;
    jw_name(w, "datasets");
    jw_array(w);
    for (int i = 0; i < a->lines_n; i++) {
        struct catalog_dataset *ds = dataset_shown(cx, a->lines[i].dataset);
        jw_object(w);
        jw_ntext(w, "id", a->lines[i].dataset);
        jw_ntext(w, "title_zh", ds ? ds->title_zh : a->lines[i].dataset);
        jw_ntext(w, "title_en", ds ? ds->title_en : a->lines[i].dataset);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void head_json(struct cx *cx, const struct application *a) {
    struct jw *w = &cx->w;
    struct catalog_matter m = {0};
    const struct step *next = pressing(a);
    const struct step_kind *k = next ? step_kind(next->step) : NULL;
    bool known = catalog_matter_get(cx, a->matter, &m) == OK;
    if (!known) cx->err = (struct err){0};
    jw_ntext(w, "id", a->id);
    jw_ntext(w, "title", a->title);
    jw_ntext(w, "office", a->office);
    jw_ntext(w, "office_name", people_office_name(cx, a->office, 0));
    jw_ntext(w, "matter", a->matter);
    jw_ntext(w, "matter_zh", known ? m.zh : a->matter);
    jw_ntext(w, "matter_en", known ? m.en : a->matter);
    jw_ntext(w, "matter_name", !known ? a->matter : cx->is_zh ? m.zh : m.en);
    jw_ntext(w, "state", a->state);
    jw_nint(w, "lines_n", a->lines_n);
    titles_json(cx, a);
    jw_nint(w, "created_ms", a->created_ms);
    jw_nint(w, "changed_ms", a->changed_ms);
    if (next && next->due_ms) jw_nint(w, "due_ms", next->due_ms);
    jw_ntext(w, "light", str_of(next ? light_of(cx, next) : "grey"));
    if (k) {
        jw_ntext(w, "step", next->step);
        jw_ntext(w, "step_zh", str_of(k->zh));
        jw_ntext(w, "step_en", str_of(k->en));
        jw_nbool(w, "certain", next->is_certain);
    }
    jw_nint(w, "version", a->version);
}

void application_json(struct cx *cx, struct application *a, bool whole) {
    struct jw *w = &cx->w;
    assert(a->id.p);
    jw_object(w);
    head_json(cx, a);
    if (whole) {
        struct str system = people_system_name(cx, a->system);
        if (!str_eq(a->office, a->office_asked)) {
            jw_ntext(w, "office_asked", a->office_asked);
            jw_ntext(w, "office_asked_name", people_office_name(cx, a->office_asked, a->created_ms));
        }
        jw_ntext(w, "by_name", people_account_name(cx, a->applicant));
        jw_ntext(w, "legal_basis", a->legal_basis);
        jw_ntext(w, "purpose", a->purpose);
        jw_ntext(w, "system", a->system);
        jw_ntext(w, "system_name", system.p ? system : a->system);
        jw_nint(w, "period_days", a->period_days);
        jw_nint(w, "quota_per_day", a->quota_per_day);
        if (a->need_by.n) jw_ntext(w, "need_by", a->need_by);
        jw_name(w, "lines");
        jw_array(w);
        for (int i = 0; i < a->lines_n; i++)
            line_json(cx, &a->lines[i]);
        jw_array_end(w);
        if (steps_json(cx, a) == OK) may_json(cx, a);
    }
    jw_object_end(w);
}
