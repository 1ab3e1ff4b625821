// SPDX-License-Identifier: MulanPSL-2.0
// Applications decide: compiled by the applicant, signed by his own unit's head (never the same person), forwarded by
// a county where he sits in one, checked by the data authority, then handed to every provider named. Data that may not
// be shared at all (不予) is refused at the door with the law that says so. 补正 is told once; a second fault refuses.
#include "mod/exchange/flow.h"
#include <inttypes.h>
#include <stdio.h>

static const char *joined(struct cx *cx, struct json list, struct str *ret) {
    struct buf b = buf_new(cx->mem, 128, 8192);
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct str id = json_text(it.value);
        if (!id.n || memchr(id.p, ' ', id.n)) return "columns";
        if (b.n) buf_char(&b, ' ');
        buf_put(&b, id);
    }
    *ret = buf_str(&b);
    return b.over ? "columns" : NULL;
}

// The service that a line is for: the one named, or the only way to data that have no table. STR_NONE: their table.
static int read_service(struct cx *cx, const struct catalog_dataset *ds, struct str asked, const char *field,
                        struct str *ret) {
    struct catalog_resource *list;
    size_t n, found = SIZE_MAX;
    bool has_table = false;
    int code = catalog_resources(cx, ds->id, &list, &n);
    if (code != OK) return code;
    for (size_t i = n; i-- > 0;) {
        has_table |= list[i].kind == CATALOG_TABLE;
        bool fits = !asked.n || str_eq(asked, list[i].rid);
        if (list[i].kind == CATALOG_SERVICE && fits) found = i;
        // The table may be named too: it is what one gets anyway.
        if (list[i].kind == CATALOG_TABLE && asked.n && fits) return OK;
    }
    if (asked.n && found == SIZE_MAX)
        return cx_fail(cx, ERR_field_value, field, "%.*s", (int)(asked.n > 60 ? 60 : asked.n), asked.p);
    if (found != SIZE_MAX && (asked.n || !has_table)) *ret = list[found].rid;
    return OK;
}

// A line as asked: the data set must be live and sharable, its columns exist, the row filter compiles.
static int read_line(struct cx *cx, struct json item, int64_t n, struct line *l) {
    struct catalog_dataset *ds;
    char field[64];
    snprintf(field, sizeof field, "items[%" PRId64 "].dataset", n - 1);
    *l = (struct line){
        .n = n, .dataset = str_copy(cx->mem, json_text(json_get(item, S("dataset")))), .upstream = STR_NONE};
    int code = catalog_dataset_get(cx, l->dataset, &ds);
    if (code == ERR_not_found) return cx_fail(cx, ERR_not_found, field, "%.*s", STRF(l->dataset));
    if (code != OK) return code;
    if (ds->share == CATALOG_SHARE_NEVER)
        return cx_fail(cx, ERR_share_never, field, "%.*s",
                       (int)(ds->share_law.n > 120 ? 120 : ds->share_law.n), ds->share_law.p);
    if (joined(cx, json_get(item, S("columns")), &l->columns))
        return cx_fail(cx, ERR_field_value, "columns", "id");
    code = read_service(cx, ds, json_text(json_get(item, S("resource"))), field, &l->upstream);
    if (code != OK) return code;
    if (!l->columns.n && !l->upstream.n) { // a table is granted column by column, or not at all
        snprintf(field, sizeof field, "items[%" PRId64 "].columns", n - 1);
        return cx_fail(cx, ERR_field_missing, field, "%s", "");
    }
    l->provider = people_office_current(cx, ds->office);
    for (struct str rest = l->columns; rest.p && rest.n;) {
        struct str id = str_cut(rest, ' ', &rest);
        const struct catalog_column *c = catalog_column_find(ds, id);
        if (!c) return cx_fail(cx, ERR_column_unknown, "columns", "%.*s", STRF(id));
        if (c->share == CATALOG_SHARE_NEVER) return cx_fail(cx, ERR_share_never, "columns", "%.*s", STRF(id));
    }
    struct json filter = json_get(item, S("filter"));
    if (json_count(filter) == 0) return OK;
    struct table_shape shape;
    code = catalog_shape(cx, ds, &shape, NULL);
    for (struct json_iter it = json_iter(filter); code == OK && json_next(&it);) {
        struct table_filter f;
        code = table_filter_json(cx, &shape, it.value, &f);
    }
    l->filter = json_raw(filter);
    return code;
}

static int put_lines(struct cx *cx, struct application *a) {
    struct json items = cx_json(cx, "items");
    int64_t n = 0;
    int code = store_exec(cx->db, NULL, &cx->err, Q_exchange_lines_clear, "s", a->id);
    for (struct json_iter it = json_iter(items); code == OK && json_next(&it);) {
        struct line l;
        code = read_line(cx, it.value, ++n, &l);
        if (code == OK)
            code = store_exec(cx->db, NULL, &cx->err, Q_exchange_line_put, "sisssss", a->id, l.n, l.dataset,
                              l.provider, l.columns, l.filter, l.upstream);
    }
    return code;
}

// What an application says beyond its lines, from the request; judged against matters and registered systems.
static int read_head(struct cx *cx, struct application *a) {
    struct catalog_matter m;
    a->matter = cx_text(cx, "matter");
    a->legal_basis = cx_text(cx, "legal_basis");
    a->purpose = cx_text(cx, "purpose");
    a->system = cx_text(cx, "system");
    a->need_by = cx_text(cx, "need_by");
    a->title = cx_text(cx, "title");
    a->period_days = cx_int(cx, "period_days", 365);
    a->quota_per_day = cx_int(cx, "quota_per_day", 10000);
    int code = catalog_matter_get(cx, a->matter, &m);
    if (code == ERR_not_found) return cx_fail(cx, ERR_not_found, "matter", "%.*s", STRF(a->matter));
    if (code != OK) return code;
    if (!a->title.n) a->title = m.zh;
    code = people_system_ok(cx, a->system, cx->who.office);
    if (code == ERR_not_found) return cx_fail(cx, ERR_not_found, "system", "%.*s", STRF(a->system));
    return code;
}

int application_create(struct cx *cx, struct str *ret_id) {
    struct application a = {.office = cx->who.office, .applicant = cx->who.account, .state = S("draft")};
    int code = read_head(cx, &a);
    if (code != OK) return code;
    struct stmt *s = store_query(cx->db, Q_exchange_application_next, "");
    a.n = store_next(s) ? store_int(s, 0) : 1;
    code = store_done(s, &cx->err);
    int year = clock_civil(cx->now_ms, CHINA_OFFSET_MS).year;
    a.id = str_print(cx->mem, "SQ-%d-%06" PRId64, year, a.n);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_exchange_application_put, "isssissssiisi", a.n, a.id,
                          a.title, a.office, a.applicant, a.matter, a.legal_basis, a.purpose, a.system,
                          a.period_days, a.quota_per_day, a.need_by, cx->now_ms);
    if (code == OK) code = put_lines(cx, &a);
    if (code == OK) (void)application_act(cx, &a, "application.create", STR_NONE);
    *ret_id = a.id;
    return code;
}

// His own unit's applicant works on it: as a draft, or returned to him.
static int mine_to_edit(struct cx *cx, const struct application *a) {
    if (!str_eq(a->office, cx->who.office) || !cx_is(cx, R_(APPLICANT))) return cx_deny(cx, "applicant");
    if (!application_is(a, "draft") && !application_is(a, "returned"))
        return cx_fail(cx, ERR_conflict, "state", "%.*s", STRF(a->state));
    return OK;
}

int application_edit(struct cx *cx, struct application *a) {
    int code = mine_to_edit(cx, a);
    if (code == OK) code = cx_match(cx, a->version);
    if (code == OK) code = read_head(cx, a);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_exchange_application_edit, "ssssssiisi", a->id, a->title,
                          a->matter, a->legal_basis, a->purpose, a->system, a->period_days, a->quota_per_day,
                          a->need_by, cx->now_ms);
    if (code == OK) code = put_lines(cx, a);
    a->version++;
    if (code == OK) (void)application_act(cx, a, "application.edit", STR_NONE);
    return code;
}

int application_submit(struct cx *cx, struct application *a) {
    int code = mine_to_edit(cx, a);
    if (code == OK && a->lines_n == 0) code = cx_fail(cx, ERR_field_missing, "items", "%s", "");
    if (code == OK && !people_office_has(cx, a->office, R_(UNIT_HEAD)))
        code = cx_fail(cx, ERR_nobody, "office", "%.*s", STRF(people_office_name(cx, a->office, 0)));
    if (code == OK) code = application_move(cx, a, "signing");
    if (code == OK) code = step_open(cx, a, 0, "sign", a->office, NULL);
    if (code == OK) (void)application_act(cx, a, "application.submit", STR_NONE);
    return code;
}

int application_sign(struct cx *cx, struct application *a) {
    struct step *s;
    int code = step_mine(cx, a, 0, "sign", &s);
    if (code == OK && a->applicant == cx->who.account) code = cx_fail(cx, ERR_own_signature, "", "%s", "");
    if (code == OK) code = step_close(cx, s, "done", STR_NONE);
    if (code != OK) return code;
    struct str county = people_office_county_authority(cx, a->office),
               city = people_office_city_authority(cx);
    if (!county.p && !city.p) return cx_fail(cx, ERR_nobody, "authority", "%s", "A");
    code = application_move(cx, a, county.p ? "county" : "checking");
    if (code == OK) code = step_open(cx, a, 0, county.p ? "county" : "check", county.p ? county : city, NULL);
    if (code == OK) (void)application_act(cx, a, "application.sign", STR_NONE);
    return code;
}

// The step at which the whole application stands, if it is the actor's.
static int current_step(struct cx *cx, struct application *a, struct step **ret) {
    const char *at = application_is(a, "signing") ? "sign" : application_is(a, "county") ? "county" : "check";
    return step_mine(cx, a, 0, at, ret);
}

int application_return(struct cx *cx, struct application *a, struct str reason) {
    struct step *s;
    int code = current_step(cx, a, &s);
    bool outside = code == OK && !str_eq(s->step, S("sign"));
    // Order 809 art. 21: what is incomplete is told once, and whole.
    if (code == OK && outside && a->returned_n > 0) code = cx_fail(cx, ERR_returned_once, "reason", "%s", "");
    if (code == OK) code = step_close(cx, s, "returned", reason);
    if (code == OK && outside)
        code = store_exec(cx->db, NULL, &cx->err, Q_exchange_application_returned, "s", a->id);
    if (code == OK) code = application_move(cx, a, "returned");
    if (code == OK) (void)application_act(cx, a, "application.return", reason);
    return code;
}

static int hand_to_providers(struct cx *cx, struct application *a) {
    int code = application_move(cx, a, "answering");
    for (int i = 0; i < a->lines_n && code == OK; i++) {
        struct line *l = &a->lines[i];
        struct catalog_dataset *ds;
        code = catalog_dataset_get(cx, l->dataset, &ds);
        if (code != OK) return code;
        // A column that is conditional makes the whole answer one of the conditional kind.
        bool conditional = ds->share == CATALOG_SHARE_CONDITION;
        for (struct str rest = l->columns; rest.p && rest.n;) {
            const struct catalog_column *c = catalog_column_find(ds, str_cut(rest, ' ', &rest));
            conditional |= c && c->share == CATALOG_SHARE_CONDITION;
        }
        code = store_exec(cx->db, NULL, &cx->err, Q_exchange_line_state, "siz", a->id, l->n, "answering");
        if (code == OK)
            code = step_open(cx, a, l->n, "answer", l->provider, conditional ? "answer_cond" : "answer_open");
    }
    return code;
}

int application_check(struct cx *cx, struct application *a, bool pass, struct str reason) {
    struct step *s;
    bool at_county = application_is(a, "county");
    int code = step_mine(cx, a, 0, at_county ? "county" : "check", &s);
    if (code == OK && !pass && !reason.n) code = cx_fail(cx, ERR_field_missing, "reason", "%s", "");
    if (code == OK) code = step_close(cx, s, pass ? "done" : "refused", reason);
    if (code != OK) return code;
    if (!pass) {
        code = application_move(cx, a, "refused");
        if (code == OK)
            code = store_exec(cx->db, NULL, &cx->err, Q_exchange_lines_state, "sz", a->id, "refused");
    } else if (at_county) {
        struct str city = people_office_city_authority(cx);
        if (!city.p) return cx_fail(cx, ERR_nobody, "authority", "%s", "A");
        code = application_move(cx, a, "checking");
        if (code == OK) code = step_open(cx, a, 0, "check", city, NULL);
    } else {
        code = hand_to_providers(cx, a);
    }
    if (code == OK) (void)application_act(cx, a, pass ? "application.check" : "application.refuse", reason);
    return code;
}

int application_withdraw(struct cx *cx, struct application *a, struct str reason) {
    static const char *const open[] = {"draft", "signing", "county", "checking", "answering", "returned"};
    bool may = false;
    if (!str_eq(a->office, cx->who.office) || !cx_is(cx, R_(APPLICANT))) return cx_deny(cx, "applicant");
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        may |= application_is(a, open[i]);
    if (!may) return cx_fail(cx, ERR_conflict, "state", "%.*s", STRF(a->state));
    int code = store_exec(cx->db, NULL, &cx->err, Q_exchange_steps_withdraw, "si", a->id, cx->now_ms);
    if (code == OK)
        code = store_exec(cx->db, NULL, &cx->err, Q_exchange_lines_state, "sz", a->id, "withdrawn");
    if (code == OK) code = application_move(cx, a, "withdrawn");
    if (code == OK) (void)application_act(cx, a, "application.withdraw", reason);
    return code;
}
