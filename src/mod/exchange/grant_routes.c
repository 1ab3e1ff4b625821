// SPDX-License-Identifier: MulanPSL-2.0
// Grants, their keys, their calls, metering: parse, ask grant.c and cache.c, answer. A key is shown once, at its birth;
// what a call was is told by its ledger entry, read with a role.
#include "mod/exchange/calls.h"
#include "mod/exchange/flow.h"
#include "mod/exchange/shapes.h"
#include "mod/ledger/ledger.h"
#include <inttypes.h>

#define LIST_STANDARD 30
#define LIST_MAX      100
#define METER_DAYS    400

static int read_seen(struct cx *cx, struct grant *g) {
    int64_t id = cx_int(cx, "id", 0);
    int code = grant_get(cx, id, g);
    if (code == OK && !grant_may_see(cx, g)) code = cx_fail(cx, ERR_not_found, "grant", "%" PRId64, id);
    return code;
}

// --- one grant as JSON ---
struct shown_key {
    int64_t id, made_ms, ended_ms, last_ms;
    struct str prefix, state;
};

// When a key was used last, as far as the grant's newest calls tell.
#define LAST_CALLS 200

static int keys_last(struct cx *cx, int64_t grant, struct shown_key *keys, int n) {
    struct call_row *rows = arena_array(cx->mem, LAST_CALLS, sizeof *rows);
    int rows_n = 0;
    if (!rows) return cx_fail(cx, ERR_no_memory, "", "calls");
    int code = calls_of_grant(cx, grant, INT64_MAX, LAST_CALLS, rows, &rows_n);
    for (int i = 0; i < rows_n; i++)
        for (int k = 0; k < n; k++)
            if (keys[k].id == rows[i].key && rows[i].time_ms > keys[k].last_ms)
                keys[k].last_ms = rows[i].time_ms;
    return code;
}

static int keys_json(struct cx *cx, const struct grant *g) {
    struct shown_key keys[LIST_MAX];
    int n = 0;
    struct jw *w = &cx->w;
    struct stmt *s = store_query(cx->db, Q_exchange_keys_of, "i", g->id);
    while (n < LIST_MAX && store_next(s))
        keys[n++] = (struct shown_key){.id = store_int(s, 0),
                                       .prefix = store_str(s, 1, cx->mem),
                                       .state = store_str(s, 2, cx->mem),
                                       .made_ms = store_int(s, 3),
                                       .ended_ms = store_int(s, 4)};
    int code = store_done(s, &cx->err);
    // A key dies with its grant; its own row need not say so.
    bool is_dead = str_eq(g->state, S("revoked")) || str_eq(g->state, S("ended"));
    if (code == OK) code = keys_last(cx, g->id, keys, n);
    jw_name(w, "keys");
    jw_array(w);
    for (int i = 0; i < n && code == OK; i++) {
        struct shown_key *k = &keys[i];
        jw_object(w);
        jw_nint(w, "id", k->id);
        jw_ntext(w, "prefix", k->prefix);
        jw_nint(w, "made_ms", k->made_ms);
        if (k->last_ms) jw_nint(w, "last_ms", k->last_ms);
        if (k->ended_ms) jw_nint(w, "ended_ms", k->ended_ms);
        jw_ntext(w, "state", is_dead ? g->state : k->state);
        jw_object_end(w);
    }
    jw_array_end(w);
    return code;
}

static int used_json(struct cx *cx, const struct grant *g) {
    struct stmt *s = store_query(cx->db, Q_exchange_meter_day, "ii", g->id, exchange_day(cx->now_ms));
    jw_nint(&cx->w, "used_today", store_next(s) ? store_int(s, 0) : 0);
    int code = store_done(s, &cx->err);
    if (code != OK) return code;
    s = store_query(cx->db, Q_exchange_meter_total, "i", g->id);
    jw_nint(&cx->w, "used_total", store_next(s) ? store_int(s, 0) : 0);
    return store_done(s, &cx->err);
}

static void may_json(struct cx *cx, const struct grant *g) {
    struct jw *w = &cx->w;
    bool active = str_eq(g->state, S("active")), paused = str_eq(g->state, S("suspended"));
    bool head = cx_is(cx, R_(UNIT_HEAD)), authority = cx_is(cx, R_(AUTHORITY));
    bool own = cx->who.office.n && str_eq(g->office, cx->who.office);
    bool gives = authority || (head && cx->who.office.n && str_eq(g->provider, cx->who.office));
    jw_name(w, "may");
    jw_array(w);
    if (active && own && cx_is(cx, R_(APPLICANT))) jw_textz(w, "key");
    if (active && gives) jw_textz(w, "suspend");
    if (paused && gives) jw_textz(w, "resume");
    if ((active || paused) && (gives || (own && head))) jw_textz(w, "revoke");
    jw_array_end(w);
}

static int grant_json(struct cx *cx, const struct grant *g) {
    struct jw *w = &cx->w;
    struct catalog_dataset *ds = dataset_shown(cx, g->dataset);
    struct catalog_matter m = {0};
    struct str system = people_system_name(cx, g->system);
    bool known = catalog_matter_get(cx, g->matter, &m) == OK;
    if (!known) cx->err = (struct err){0};
    jw_object(w);
    jw_nint(w, "id", g->id);
    jw_ntext(w, "application", g->application);
    jw_nint(w, "line", g->line);
    jw_ntext(w, "dataset", g->dataset);
    jw_ntext(w, "title_zh", ds ? ds->title_zh : g->dataset);
    jw_ntext(w, "title_en", ds ? ds->title_en : g->dataset);
    jw_ntext(w, "office", g->office);
    jw_ntext(w, "office_name", people_office_name(cx, g->office, 0));
    jw_ntext(w, "provider", g->provider);
    jw_ntext(w, "provider_name", people_office_name(cx, g->provider, 0));
    jw_ntext(w, "system", g->system);
    jw_ntext(w, "system_name", system.p ? system : g->system);
    jw_ntext(w, "matter", g->matter);
    jw_ntext(w, "matter_name", !known ? g->matter : cx->is_zh ? m.zh : m.en);
    if (g->upstream.n) jw_ntext(w, "resource", g->upstream);
    columns_json(cx, "columns", ds, g->columns, g->released);
    filter_json(cx, "filter", g->filter);
    jw_nbool(w, "verify_only", g->verify_only);
    jw_nint(w, "quota_per_day", g->quota_per_day);
    jw_nint(w, "rate_per_s", g->rate_per_s);
    int code = used_json(cx, g);
    jw_nint(w, "valid_from_ms", g->valid_from_ms);
    jw_nint(w, "valid_to_ms", g->valid_to_ms);
    jw_ntext(w, "state", g->state);
    if (g->reason.n) jw_ntext(w, "reason", g->reason);
    if (code == OK) code = keys_json(cx, g);
    may_json(cx, g);
    jw_nint(w, "version", g->version);
    jw_object_end(w);
    return code;
}

static int get_grant(struct cx *cx) {
    struct grant g;
    int code = read_seen(cx, &g);
    if (code != OK) return code;
    cx_etag(cx, g.version);
    return grant_json(cx, &g);
}

static int get_grants(struct cx *cx) {
    int64_t limit = cx_limit(cx, LIST_STANDARD, LIST_MAX), before = INT64_MAX, ids[LIST_MAX + 1];
    struct str after = cx_after(cx), state = cx_text(cx, "state");
    bool sees_all = cx_is(cx, R_(AUTHORITY) | R_(REVIEWER) | R_(AUDITOR) | R_(SECADMIN));
    int n = 0;
    if (after.p && !str_int64(after, &before)) return cx_fail(cx, ERR_cursor, "after", "%s", "");
    struct stmt *s = sees_all ? store_query(cx->db, Q_exchange_grants_all, "isi", before, state, limit + 1)
                              : store_query(cx->db, Q_exchange_grants_seen, "sisi", cx->who.office, before,
                                            state, limit + 1);
    while (n <= limit && store_next(s))
        ids[n++] = store_int(s, 0);
    int code = store_done(s, &cx->err);
    jw_object(&cx->w);
    jw_name(&cx->w, "items");
    jw_array(&cx->w);
    for (int i = 0; i < n && i < limit && code == OK; i++) {
        struct grant g;
        code = grant_get(cx, ids[i], &g);
        if (code == OK) code = grant_json(cx, &g);
    }
    jw_array_end(&cx->w);
    if (code == OK && n > limit) cx_next(cx, str_print(cx->mem, "%" PRId64, ids[limit - 1]));
    jw_object_end(&cx->w);
    return code;
}

// --- keys ---
static void key_act(struct cx *cx, const struct grant *g, const char *verb, int64_t key) {
    struct act *act = cx_act(cx, "grant", str_print(cx->mem, "%" PRId64, g->id));
    act->verb = verb;
    act->office = g->office;
    act->trace = g->application;
    act->detail = str_print(cx->mem, "{\"key\":%" PRId64 "}", key);
}

static int post_key(struct cx *cx) {
    struct grant g;
    int64_t id, living = 0;
    struct str token;
    int code = read_seen(cx, &g);
    if (code == OK && !str_eq(g.office, cx->who.office)) code = cx_deny(cx, "office");
    if (code == OK) code = grant_state_ok(cx, &g);
    if (code != OK) return code;
    struct stmt *s = store_query(cx->db, Q_exchange_keys_living, "i", g.id);
    if (store_next(s)) living = store_int(s, 0);
    code = store_done(s, &cx->err);
    if (code == OK && living >= EXCHANGE_KEYS_MAX)
        code = cx_fail(cx, ERR_keys_many, "", "%d", EXCHANGE_KEYS_MAX);
    if (code == OK) code = key_make(cx, g.id, &id, &token);
    if (code == OK) code = supply_done(cx, g.application, g.line);
    if (code != OK) return code;
    key_act(cx, &g, "key.make", id);
    cx_status(cx, 201);
    jw_object(&cx->w);
    jw_nint(&cx->w, "id", id);
    jw_ntext(&cx->w, "key", token);
    jw_object_end(&cx->w);
    return OK;
}

// One's own office ends a key it no longer trusts; so do those who may stop the grant, and the keeper of keys.
static int delete_key(struct cx *cx) {
    struct grant g;
    int64_t kid = cx_int(cx, "kid", 0), of = 0, changed = 0;
    int code = read_seen(cx, &g);
    bool own = code == OK && cx->who.office.n && str_eq(g.office, cx->who.office);
    bool provider = code == OK && cx->who.office.n && str_eq(g.provider, cx->who.office);
    bool may = cx_is(cx, R_(AUTHORITY) | R_(SECADMIN)) || (own && cx_is(cx, R_(APPLICANT) | R_(UNIT_HEAD))) ||
               (provider && cx_is(cx, R_(UNIT_HEAD)));
    if (code == OK && !may) code = cx_deny(cx, "key");
    if (code != OK) return code;
    struct stmt *s = store_query(cx->db, Q_exchange_key_get, "i", kid);
    if (store_next(s)) of = store_int(s, 0);
    code = store_done(s, &cx->err);
    if (code == OK && of != g.id) code = cx_fail(cx, ERR_not_found, "key", "%" PRId64, kid);
    if (code == OK) code = store_exec(cx->db, &changed, &cx->err, Q_exchange_key_end, "ii", kid, cx->now_ms);
    if (code == OK && !changed) code = cx_fail(cx, ERR_conflict, "key", "%s", "revoked");
    if (code != OK) return code;
    exchange_moved(cx);
    key_act(cx, &g, "key.revoke", kid);
    return grant_json(cx, &g);
}

// --- the grant's life ---
static int changed(struct cx *cx, int code, const struct grant *g) {
    struct grant now;
    if (code == OK) code = grant_get(cx, g->id, &now);
    if (code != OK) return code;
    cx_etag(cx, now.version);
    return grant_json(cx, &now);
}

static int post_revoke(struct cx *cx) {
    struct grant g;
    int code = read_seen(cx, &g);
    if (code == OK) code = grant_revoke(cx, &g, str_trim(cx_text(cx, "reason")));
    return changed(cx, code, &g);
}

static int post_suspend(struct cx *cx) {
    struct grant g;
    int code = read_seen(cx, &g);
    if (code == OK) code = grant_pause(cx, &g, true, str_trim(cx_text(cx, "reason")));
    return changed(cx, code, &g);
}

static int post_resume(struct cx *cx) {
    struct grant g;
    int code = read_seen(cx, &g);
    if (code == OK) code = grant_pause(cx, &g, false, STR_NONE);
    return changed(cx, code, &g);
}

// --- calls ---
static int call_json(struct cx *cx, const struct grant *g, const struct call_row *c) {
    static const char *const told[] = {"system", "matter", "case_no", "operator", "fields"};
    struct jw *w = &cx->w;
    struct ledger_entry e;
    struct json detail = {0};
    int code = ledger_entry_get(cx, c->entry, &e);
    if (code != OK) return code;
    // An erased entry has no detail any more; its row says only that it was.
    bool may = e.detail.p && ledger_entry_may(cx, &e) && json_parse(cx->mem, e.detail, &detail, NULL) == OK;
    jw_object(w);
    jw_ntext(w, "trace", g->application);
    jw_nint(w, "time_ms", c->time_ms);
    jw_nint(w, "key", c->key);
    jw_ntext(w, "kind", e.kind);
    for (size_t i = 0; may && i < sizeof told / sizeof told[0]; i++) {
        struct str text = json_text(json_get(detail, str_of(told[i])));
        if (text.p) jw_ntext(w, told[i], text);
    }
    jw_nint(w, "rows", c->rows);
    jw_nint(w, "bytes", c->bytes);
    jw_nint(w, "status", c->status);
    jw_nint(w, "entry", c->entry);
    jw_object_end(w);
    return OK;
}

static int get_calls(struct cx *cx) {
    struct grant g;
    struct call_row *rows = arena_array(cx->mem, LIST_MAX + 1, sizeof *rows);
    int64_t limit = cx_limit(cx, LIST_STANDARD, LIST_MAX), before = INT64_MAX;
    struct str after = cx_after(cx);
    int n = 0, code = read_seen(cx, &g);
    if (code == OK && after.p && !str_int64(after, &before))
        code = cx_fail(cx, ERR_cursor, "after", "%s", "");
    if (code != OK) return code;
    if (!rows) return cx_fail(cx, ERR_no_memory, "", "calls");
    code = calls_of_grant(cx, g.id, before, (int)limit + 1, rows, &n);
    jw_object(&cx->w);
    jw_name(&cx->w, "items");
    jw_array(&cx->w);
    for (int i = 0; i < n && i < limit && code == OK; i++)
        code = call_json(cx, &g, &rows[i]);
    jw_array_end(&cx->w);
    if (code == OK && n > limit) cx_next(cx, str_print(cx->mem, "%" PRId64, rows[limit - 1].entry));
    jw_object_end(&cx->w);
    return code;
}

// --- metering ---
static void meter_key(struct cx *cx, struct stmt *s, struct str by) {
    struct jw *w = &cx->w;
    if (str_eq(by, S("day"))) {
        struct str day = clock_date(cx->mem, (int32_t)store_int(s, 0));
        jw_ntext(w, "key", day);
        jw_ntext(w, "day", day);
        return;
    }
    struct str key = store_str(s, 0, cx->mem);
    jw_ntext(w, "key", key);
    if (str_eq(by, S("office"))) {
        jw_ntext(w, "office", key);
        jw_ntext(w, "office_name", people_office_name(cx, key, 0));
        return;
    }
    struct catalog_dataset *ds = dataset_shown(cx, key);
    jw_ntext(w, "dataset", key);
    jw_ntext(w, "title_zh", ds ? ds->title_zh : key);
    jw_ntext(w, "title_en", ds ? ds->title_en : key);
}

static int get_meter(struct cx *cx) {
    struct str by = cx_text(cx, "by");
    int64_t from = exchange_day(cx->now_ms) - cx_int(cx, "days", 30) + 1;
    bool sees_all = cx_is(cx, R_(AUTHORITY) | R_(REVIEWER) | R_(AUDITOR) | R_(SECADMIN));
    struct str office = sees_all ? STR_NONE : cx->who.office.p ? cx->who.office : S("");
    if (!by.p) by = S("day");
    enum query q = str_eq(by, S("dataset"))  ? Q_exchange_meter_datasets
                   : str_eq(by, S("office")) ? Q_exchange_meter_offices
                                             : Q_exchange_meter_days;
    struct jw *w = &cx->w;
    struct stmt *s = store_query(cx->db, q, "is", from, office);
    jw_object(w);
    jw_name(w, "items");
    jw_array(w);
    for (int64_t left = cx_int(cx, "limit", METER_DAYS); left > 0 && store_next(s); left--) {
        jw_object(w);
        meter_key(cx, s, by);
        jw_nint(w, "calls", store_int(s, 1));
        jw_nint(w, "rows", store_int(s, 2));
        jw_nint(w, "bytes", store_int(s, 3));
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_object_end(w);
    return store_done(s, &cx->err);
}

#define ID                                                                                                   \
    { "id", IN_PATH, T_INT, true, 1, INT64_MAX, .zh = "授权编号", .en = "grant" }
#define PAGE                                                                                                 \
    {"limit", IN_QUERY, T_INT, false, 1, LIST_MAX, .zh = "每页条数", .en = "rows per page"}, {               \
        "after", IN_QUERY, T_TEXT, false, 0, 100, .zh = "下一页位置", .en = "where the next page begins"     \
    }
static const struct field list_takes[] = {
    {"state", IN_QUERY, T_CHOICE, .choices = "active|suspended|revoked|ended", .zh = "状态", .en = "state"},
    PAGE,
    {0}};
static const struct field id_takes[] = {ID, {0}};
static const struct field calls_takes[] = {ID, PAGE, {0}};
static const struct field key_takes[] = {
    ID, {"kid", IN_PATH, T_INT, true, 1, INT64_MAX, .zh = "密钥编号", .en = "key"}, {0}};
static const struct field reason_takes[] = {
    ID, {"reason", IN_BODY, T_TEXT, true, 1, 500, .zh = "理由", .en = "reason"}, {0}};
static const struct field meter_takes[] = {
    {"by", IN_QUERY, T_CHOICE, .choices = "day|dataset|office", .zh = "汇总方式", .en = "summed by"},
    {"days", IN_QUERY, T_INT, false, 1, METER_DAYS, .zh = "最近天数", .en = "so many days back"},
    {"limit", IN_QUERY, T_INT, false, 1, 1000, .zh = "最多条数", .en = "rows at most"},
    {0}};

#define SEES  (R_ALL_OFFICE | R_(AUDITOR) | R_(SECADMIN))
#define HEADS (R_(UNIT_HEAD) | R_(AUTHORITY))
#define GIVES &exchange_grant_shape
const struct route exchange_grant_routes[] = {
    {"GET", "/api/v1/grants", ROUTE_READ, SEES, list_takes, &exchange_grant_list_shape, NULL, 0, 0,
     get_grants, "授权列表", "List grants", "exchange:read"},
    {"GET", "/api/v1/grants/{id}", ROUTE_READ, SEES, id_takes, GIVES, NULL, 0, 0, get_grant,
     "一个授权及其密钥与用量", "One grant, its keys and its use", "exchange:read"},
    {"POST", "/api/v1/grants/{id}/keys", ROUTE_WRITE, R_(APPLICANT), id_takes, &exchange_key_shape,
     "key.make", 0, ROUTE_SECRET, post_key, "领取密钥(只显示一次)", "Make a key, shown once", NULL},
    {"DELETE", "/api/v1/grants/{id}/keys/{kid}", ROUTE_WRITE, R_(APPLICANT) | HEADS | R_(SECADMIN), key_takes,
     GIVES, "key.revoke", 0, 0, delete_key, "停用密钥", "End a key", NULL},
    {"POST", "/api/v1/grants/{id}/revoke", ROUTE_WRITE, HEADS, reason_takes, GIVES, "grant.revoke", 0, 0,
     post_revoke, "收回授权，即刻生效", "Revoke a grant, at once", NULL},
    {"POST", "/api/v1/grants/{id}/suspend", ROUTE_WRITE, HEADS, reason_takes, GIVES, "grant.suspend", 0, 0,
     post_suspend, "中止授权", "Suspend a grant", NULL},
    {"POST", "/api/v1/grants/{id}/resume", ROUTE_WRITE, HEADS, id_takes, GIVES, "grant.resume", 0, 0,
     post_resume, "恢复授权", "Resume a grant", NULL},
    {"GET", "/api/v1/grants/{id}/calls", ROUTE_READ, SEES, calls_takes, &exchange_call_list_shape, NULL, 0, 0,
     get_calls, "授权下的调用记录", "Calls under a grant", "exchange:read"},
    {"GET", "/api/v1/meter", ROUTE_READ, SEES, meter_takes, &exchange_meter_shape, NULL, 0, 0, get_meter,
     "调用计量", "Metering", "exchange:read"},
    {0}};
