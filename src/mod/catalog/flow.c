// SPDX-License-Identifier: MulanPSL-2.0
// Compile, sign, review, publish, return, withdraw. Keeps true: (1) who signs did not compile, who publishes did not
// review; (2) at most one step of an edition waits at a time; (3) until the new edition is published the old one
// stays live; (4) the clock of order 809 art. 17 (review and publish within two working days) runs once over both.
#include "mod/catalog/flow.h"
#include "mod/catalog/meta.h"
#include "mod/catalog/show.h"
#include <assert.h>
#include <inttypes.h>

static const struct {
    const char *step;
    bool is_authority; // whose move: the data authority's, else the provider's
    const char *clock; // row of clocks.csv; NULL = the order sets no limit
} steps[] = {{"compile", false, NULL},
             {"sign", false, NULL},
             {"review", true, "review_publish"},
             {"publish", true, NULL}, // carries on the clock of the review
             {"withdraw", false, NULL}};

// The one step that waits for somebody, "" if none.
static int waiting(struct cx *cx, const struct catalog_dataset *d, const char **ret, int64_t *ret_due) {
    *ret = "";
    *ret_due = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct stmt *s =
            store_query(cx->db, Q_catalog_step_todo_get, "siz", d->id, d->edition, steps[i].step);
        if (store_next(s)) {
            *ret = steps[i].step;
            *ret_due = store_int(s, 1);
        }
        int code = store_done(s, &cx->err);
        if (code != OK) return code;
    }
    return OK;
}

static int last_by(struct cx *cx, const struct catalog_dataset *d, const char *step, int64_t *ret) {
    struct stmt *s = store_query(cx->db, Q_catalog_step_last_by, "siz", d->id, d->edition, step);
    *ret = store_next(s) ? store_int(s, 0) : 0;
    return store_done(s, &cx->err);
}

// The authority's own people: the role in the office that is the city's data authority today.
static bool is_of_authority(struct cx *cx, uint32_t role) {
    if (!cx_is(cx, role)) return false;
    struct str office = people_office_city_authority(cx);
    return !office.n || str_eq(office, cx->who.office);
}

// Steps of an edition that is on its way.
static int may_flow(struct cx *cx, const struct catalog_dataset *d, bool steward, bool head, unsigned *may) {
    const char *step;
    int64_t due, compiler = 0, reviewer = 0;
    int code = waiting(cx, d, &step, &due);
    if (code == OK) code = last_by(cx, d, "compile", &compiler);
    if (code == OK) code = last_by(cx, d, "review", &reviewer);
    if (code != OK) return code;
    bool checks = is_of_authority(cx, R_(REVIEWER)), decides = is_of_authority(cx, R_(AUTHORITY));
    if (steward && (d->state == CATALOG_DRAFT || d->state == CATALOG_RETURNED))
        *may |= MAY_EDIT | MAY_DELETE | MAY_SUBMIT;
    if (head && d->state == CATALOG_SIGNING)
        *may |= MAY_RETURN | (compiler != cx->who.account ? MAY_SIGN : 0u);
    if (d->state != CATALOG_REVIEWING) return OK;
    if (checks || decides) *may |= MAY_RETURN;
    if (checks && strcmp(step, "review") == 0) *may |= MAY_REVIEW;
    if (decides && strcmp(step, "publish") == 0 && reviewer != cx->who.account) *may |= MAY_PUBLISH;
    return OK;
}

int flow_may(struct cx *cx, const struct catalog_dataset *d, unsigned *ret) {
    assert(d && ret);
    bool own = cx->who.office.n && str_eq(cx->who.office, d->office);
    bool steward = own && cx_is(cx, R_(STEWARD)), head = own && cx_is(cx, R_(UNIT_HEAD));
    unsigned may = 0;
    int code = OK;
    if (d->work == d->edition && d->work) code = may_flow(cx, d, steward, head, &may);
    if (d->work == 0 && steward) may |= MAY_EDIT; // begins the next edition
    if (catalog_may_attach(cx, d)) may |= MAY_ATTACH | MAY_LOAD;
    if (d->live && (head || is_of_authority(cx, R_(AUTHORITY)))) may |= MAY_WITHDRAW;
    if (d->is_live && cx_is(cx, R_(APPLICANT)) && !own) may |= MAY_APPLY;
    bool shows_rows = d->table && !d->is_verify_only;
    if (shows_rows && cx_is(cx, R_ALL_OFFICE) && (d->is_live || own)) may |= MAY_PREVIEW;
    if (shows_rows && cx_is(cx, R_ALL_OFFICE) && d->is_live && d->share == CATALOG_SHARE_FREE)
        may |= MAY_DOWNLOAD;
    *ret = may;
    return code;
}

int flow_put_may(struct cx *cx, const struct catalog_dataset *d) {
    static const char *const names[] = {"edit",  "delete",  "attach",  "load",    "submit",
                                        "sign",  "return",  "review",  "publish", "withdraw",
                                        "apply", "preview", "download"};
    unsigned may;
    int code = flow_may(cx, d, &may);
    if (code != OK) return code;
    jw_name(&cx->w, "may");
    jw_array(&cx->w);
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (may & (1u << i)) jw_textz(&cx->w, names[i]);
    jw_array_end(&cx->w);
    return OK;
}

int flow_need(struct cx *cx, const struct catalog_dataset *d, unsigned what, const char *verb) {
    unsigned may;
    int code = flow_may(cx, d, &may);
    if (code != OK) return code;
    if (may & what) return OK;
    // The right person at the wrong time is a conflict; anybody else is not permitted at all.
    bool own = cx->who.office.n && str_eq(cx->who.office, d->office);
    bool concerned =
        (own && cx_is(cx, R_(STEWARD) | R_(UNIT_HEAD))) || is_of_authority(cx, R_(REVIEWER) | R_(AUTHORITY));
    if (!concerned) return cx_deny(cx, verb);
    return cx_fail(cx, ERR_wrong_step, "", "%s: %s", verb, catalog_state_code(d->state));
}

struct act *flow_act(struct cx *cx, const struct catalog_dataset *d, const char *verb, struct str reason) {
    struct act *a = cx_act(cx, "dataset", d->id);
    struct buf b = buf_new(cx->mem, 128, 32768);
    struct jw w = jw_to(&b);
    jw_object(&w); // names in byte order: the text is committed as it stands
    jw_nint(&w, "edition", d->edition);
    if (reason.n) jw_ntext(&w, "reason", reason);
    jw_nint(&w, "version", d->version + 1);
    jw_object_end(&w);
    a->verb = verb;
    a->object_name = d->title_zh;
    a->office = d->office;
    a->detail = buf_str(&b);
    return a;
}

static int step_open(struct cx *cx, const struct catalog_dataset *d, const char *step, int64_t due_ms,
                     bool certain) {
    size_t i = 0;
    while (strcmp(steps[i].step, step) != 0)
        i++;
    if (steps[i].clock) due_ms = cx_deadline(cx, steps[i].clock, cx->now_ms, &certain);
    struct str office = steps[i].is_authority ? S("") : d->office;
    return store_exec(cx->db, NULL, &cx->err, Q_catalog_step_add, "sizsiiii", d->id, d->edition, step, office,
                      due_ms, (int64_t)certain, cx->now_ms, cx->who.account);
}

static int step_close(struct cx *cx, const struct catalog_dataset *d, const char *step, const char *state,
                      struct str reason) {
    struct str name = cx->who.name.p ? cx->who.name : catalog_none(cx->who.login);
    return store_exec(cx->db, NULL, &cx->err, Q_catalog_step_close, "sizzissis", d->id, d->edition, step,
                      state, cx->who.account, name, catalog_none(cx->who.office), cx->now_ms,
                      catalog_none(reason));
}

static int to_state(struct cx *cx, struct catalog_dataset *d, enum catalog_state state) {
    d->state = state;
    int code = store_exec(cx->db, NULL, &cx->err, Q_catalog_edition_state, "siiii", d->id, d->edition,
                          (int64_t)state, cx->now_ms, cx->who.account);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_head_touch, "sii", d->id, cx->now_ms,
                          cx->who.account);
    return code;
}

int flow_begin(struct cx *cx, const struct catalog_dataset *d) {
    return step_open(cx, d, "compile", 0, true);
}

int flow_submit(struct cx *cx, struct catalog_dataset *d) {
    int code = flow_need(cx, d, MAY_SUBMIT, "submit");
    if (code == OK) code = step_close(cx, d, "compile", "done", STR_NONE);
    if (code == OK) code = step_open(cx, d, "sign", 0, true);
    if (code == OK) code = to_state(cx, d, CATALOG_SIGNING);
    if (code == OK) flow_act(cx, d, "dataset.submit", STR_NONE)->after = show_text(cx, d);
    return code == OK ? cx_announce(cx, "dataset.changed", d->id, d->office) : code;
}

int flow_sign(struct cx *cx, struct catalog_dataset *d) {
    int code = flow_need(cx, d, MAY_SIGN, "sign");
    if (code == OK) code = step_close(cx, d, "sign", "done", STR_NONE);
    if (code == OK) code = step_open(cx, d, "review", 0, true);
    if (code == OK) code = to_state(cx, d, CATALOG_REVIEWING);
    if (code == OK) flow_act(cx, d, "dataset.sign", STR_NONE)->after = show_text(cx, d);
    return code == OK ? cx_announce(cx, "dataset.changed", d->id, d->office) : code;
}

int flow_return(struct cx *cx, struct catalog_dataset *d, struct str reason) {
    const char *step;
    int64_t due;
    int code = flow_need(cx, d, MAY_RETURN, "return");
    if (code == OK && !str_trim(reason).n) return cx_fail(cx, ERR_field_missing, "reason", "%s", "");
    if (code == OK) code = waiting(cx, d, &step, &due);
    if (code == OK) code = step_close(cx, d, step, "returned", reason);
    if (code == OK) code = step_open(cx, d, "compile", 0, true);
    if (code == OK) code = to_state(cx, d, CATALOG_RETURNED);
    if (code == OK) flow_act(cx, d, "dataset.return", reason);
    return code == OK ? cx_announce(cx, "dataset.changed", d->id, d->office) : code;
}

int flow_review(struct cx *cx, struct catalog_dataset *d) {
    const char *step;
    int64_t due;
    int code = flow_need(cx, d, MAY_REVIEW, "review");
    if (code == OK) code = waiting(cx, d, &step, &due);
    if (code == OK) code = step_close(cx, d, "review", "done", STR_NONE);
    if (code == OK) code = step_open(cx, d, "publish", due, true);
    if (code == OK) code = to_state(cx, d, CATALOG_REVIEWING);
    if (code == OK) flow_act(cx, d, "dataset.review", STR_NONE);
    return code == OK ? cx_announce(cx, "dataset.changed", d->id, d->office) : code;
}

int flow_publish(struct cx *cx, struct catalog_dataset *d) {
    int code = flow_need(cx, d, MAY_PUBLISH, "publish");
    if (code == OK) code = step_close(cx, d, "publish", "done", STR_NONE);
    if (code == OK) code = to_state(cx, d, CATALOG_PUBLISHED);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_head_live, "siii", d->id, d->edition, cx->now_ms,
                          cx->who.account);
    if (code == OK) code = write_search(cx, d->id);
    if (code != OK) return code;
    struct act *a = flow_act(cx, d, "dataset.publish", STR_NONE);
    a->after = show_text(cx, d);
    a->is_clear = d->open != CATALOG_OPEN_NONE; // the world may know that it is there
    return cx_announce(cx, "dataset.published", d->id, d->office);
}

int flow_withdraw(struct cx *cx, struct catalog_dataset *d, struct str reason) {
    struct catalog_dataset *live;
    int code = flow_need(cx, d, MAY_WITHDRAW, "withdraw");
    if (code == OK && !str_trim(reason).n) return cx_fail(cx, ERR_field_missing, "reason", "%s", "");
    if (code == OK) code = catalog_dataset_get(cx, d->id, &live);
    int64_t work = d->work;
    if (code == OK)
        code = step_open(cx, live, "withdraw", 0, true); // closed at once: the log of steps shows who and why
    if (code == OK) code = step_close(cx, live, "withdraw", "done", reason);
    if (code == OK) code = to_state(cx, live, CATALOG_WITHDRAWN);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_head_live, "siii", d->id, (int64_t)0, cx->now_ms,
                          cx->who.account);
    if (code == OK && work) // the next edition goes on being compiled
        code = store_exec(cx->db, NULL, &cx->err, Q_catalog_head_work, "siii", d->id, work, cx->now_ms,
                          cx->who.account);
    if (code == OK) code = write_search(cx, d->id);
    if (code != OK) return code;
    struct act *a = flow_act(cx, live, "dataset.withdraw", reason);
    a->is_clear = live->open != CATALOG_OPEN_NONE;
    return cx_announce(cx, "dataset.withdrawn", d->id, d->office);
}
