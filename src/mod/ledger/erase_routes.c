// SPDX-License-Identifier: MulanPSL-2.0
// Speaks: asking for an erasure and agreeing to it. Two people in one entry, one of them an auditor: a single official can
// neither make evidence disappear nor be made to. Entries are named by index, or found: every entry whose detail holds one
// of the given texts as a whole value (a case number, an identity number, a name), or whose call was filtered by it. The
// texts themselves are kept nowhere.
#include "mod/ledger/entries.h"
#include "mod/ledger/erase.h"
#include "mod/ledger/search.h"
#include "mod/ledger/tree.h"
#include <inttypes.h>

#define DEPTH_MAX 8 // of a detail that is looked through
#define R_ERASERS (R_(STEWARD) | R_(AUTHORITY) | R_(AUDITOR))

struct wish {
    struct cx *cx;
    struct str texts[ERASE_TEXTS_MAX], digests[ERASE_TEXTS_MAX];
    int texts_n;
    struct arena row;
    struct buf lines;
    int64_t n;
};

static bool is_wanted(const struct wish *w, struct str value) {
    for (int i = 0; i < w->texts_n; i++)
        if (str_eq(value, w->texts[i]) || str_eq(value, w->digests[i])) return true;
    return false;
}

static bool holds(const struct wish *w, struct json j, int depth) {
    if (depth > DEPTH_MAX) return false;
    if (json_is(j, JSON_TEXT)) return is_wanted(w, json_text(j));
    if (!json_is(j, JSON_OBJECT) && !json_is(j, JSON_ARRAY)) return false;
    for (struct json_iter it = json_iter(j); json_next(&it);)
        if (holds(w, it.value, depth + 1)) return true;
    return false;
}

// What the log says of itself is never forgotten: keys, roots, and erasures.
static int keep(struct wish *w, const struct ledger_entry *e) {
    uint8_t hash[HASH_BYTES];
    if (!e->detail.p || str_starts(e->kind, S("ledger.")) || !ledger_entry_may(w->cx, e)) return OK;
    if (w->n == ERASE_ENTRIES_MAX) return cx_fail(w->cx, ERR_too_large, "entries", "%d", ERASE_ENTRIES_MAX);
    merkle_leaf(w->cx->hasher, HASH_SHA256, e->leaf, hash);
    buf_print(&w->lines, "%" PRId64 " %.*s\n", e->index, STRF(str_hex(&w->row, hash, sizeof hash)));
    w->n++;
    return OK;
}

static int look(void *arg, const struct ledger_entry *seen) {
    struct wish *w = arg;
    struct ledger_entry e = *seen;
    struct json detail;
    struct err ignore = {0};
    int code = OK;
    if (e.detail.p && json_parse(&w->row, e.detail, &detail, &ignore) == OK && holds(w, detail, 0) &&
        ledger_leaf_read(e.leaf, &e))
        code = keep(w, &e);
    arena_reset(&w->row);
    return code;
}

static int read_texts(struct cx *cx, struct wish *w) {
    struct json list = cx_json(cx, "texts");
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct str text = str_trim(json_text(it.value));
        uint8_t mac[HASH_BYTES];
        if (text.n < 2 || text.n > ERASE_TEXT_MAX || w->texts_n == ERASE_TEXTS_MAX)
            return cx_fail(cx, ERR_field_long, "texts", "%d × %d", ERASE_TEXTS_MAX, ERASE_TEXT_MAX);
        // Calls for personal data keep a keyed digest of their filter: the same is made of the text.
        hash_hmac(cx->hasher, HASH_SHA256, (struct str){(const char *)cx->city->key, sizeof cx->city->key},
                  text, mac);
        w->digests[w->texts_n] =
            str_print(cx->mem, "hmac-sha256:%.*s", STRF(str_hex(cx->mem, mac, sizeof mac)));
        w->texts[w->texts_n++] = text;
    }
    return OK;
}

static int find_texts(struct cx *cx, struct wish *w) {
    struct ledger_reader r;
    int64_t end, from = 0, next;
    int code = ledger_end(cx, &end);
    int64_t to = end;
    if (code == OK && cx_has(cx, "from_ms")) code = search_at_hour(cx, cx_int(cx, "from_ms", 0), end, &from);
    if (code == OK && cx_has(cx, "to_ms"))
        code = search_at_hour(cx, cx_int(cx, "to_ms", 0) + 3600000, end, &to);
    if (code == OK && to - from > ERASE_SCAN_MAX)
        return cx_fail(cx, ERR_rows_many, "from_ms", "%d", ERASE_SCAN_MAX);
    ledger_reader_init(&r, cx->db, NULL);
    if (code == OK) code = ledger_reader_each(&r, from, to, look, w, &next, &cx->err);
    ledger_reader_free(&r);
    return code;
}

static int named_entries(struct cx *cx, struct wish *w) {
    struct json list = cx_json(cx, "entries");
    int code = OK;
    for (struct json_iter it = json_iter(list); code == OK && json_next(&it);) {
        struct ledger_entry e;
        int64_t index;
        if (!json_int(it.value, &index)) return cx_fail(cx, ERR_field_type, "entries", "int");
        code = ledger_entry_get(cx, index, &e);
        if (code == OK) code = keep(w, &e);
    }
    return code;
}

static struct str indices_json(struct cx *cx, struct str lines) {
    struct buf b = buf_new(cx->mem, 256, 65536);
    buf_char(&b, '[');
    for (struct str rest = lines; rest.p && rest.n;) {
        struct str hash, line = str_cut(rest, '\n', &rest);
        if (b.n > 1) buf_char(&b, ',');
        buf_put(&b, str_cut(line, ' ', &hash));
    }
    buf_char(&b, ']');
    return buf_str(&b);
}

struct asking {
    struct str lines;
    int64_t n, id;
};

static int put_ask(struct cx *cx, void *arg) {
    struct asking *a = arg;
    uint8_t code_bytes[16];
    if (crypto_random(code_bytes, sizeof code_bytes) != OK) return cx_fail(cx, ERR_crypto, "", "random");
    int code = store_exec(cx->db, NULL, &cx->err, Q_ledger_erasure_add, "ssssiissii",
                          str_hex(cx->mem, code_bytes, sizeof code_bytes), cx_text(cx, "reason"),
                          cx_text(cx, "law"), a->lines, a->n, cx->who.account, cx->who.login, cx->who.office,
                          cx->now_ms, (int64_t)cx_is(cx, R_(AUDITOR)));
    if (code != OK) return code;
    a->id = store_last_id(cx->db);
    struct act *act = cx_act(cx, "erasure", str_print(cx->mem, "%" PRId64, a->id));
    act->detail = str_print(cx->mem, "{\"entries\":%.*s}", STRF(indices_json(cx, a->lines)));
    return OK;
}

static void erasure_write(struct cx *cx, const struct erasure *e) {
    struct jw *w = &cx->w;
    bool is_other = e->asked_by != cx->who.account;
    jw_object(w);
    jw_nint(w, "id", e->id);
    jw_ntext(w, "state", e->state);
    jw_ntext(w, "reason", e->reason);
    jw_ntext(w, "law", e->law);
    jw_name(w, "entries");
    jw_raw(w, indices_json(cx, e->entries));
    jw_nint(w, "done", e->done_n);
    jw_ntext(w, "asked_name", e->asked_name);
    if (e->asked_office.n) jw_ntext(w, "asked_office", e->asked_office);
    jw_nint(w, "asked_ms", e->asked_ms);
    if (e->approved_name.p) {
        jw_ntext(w, "approved_name", e->approved_name);
        jw_nint(w, "approved_ms", e->approved_ms);
    }
    jw_nbool(w, "may_approve", str_eq(e->state, S("asked")) && is_other);
    jw_nbool(w, "may_drop", str_eq(e->state, S("asked")));
    jw_object_end(w);
}

static int show(struct cx *cx, int64_t id) {
    struct erasure e;
    int code = erasure_get(cx, id, &e);
    if (code == OK) erasure_write(cx, &e);
    return code;
}

static int post_erasure(struct cx *cx) {
    struct wish *w = arena_take(cx->mem, sizeof *w);
    if (!w) return cx_fail(cx, ERR_no_memory, "", "erasure");
    w->cx = cx;
    w->lines = buf_new(cx->mem, 1024, (size_t)128 << 10);
    arena_init(&w->row, 0);
    int code = named_entries(cx, w);
    if (code == OK) code = read_texts(cx, w);
    if (code == OK && w->texts_n) code = find_texts(cx, w);
    arena_free(&w->row);
    if (code == OK && w->n == 0) code = cx_fail(cx, ERR_erase_none, "entries", "%s", "");
    struct asking a = {.lines = buf_str(&w->lines), .n = w->n};
    if (code == OK) code = cx_write(cx, put_ask, &a);
    if (code != OK) return code;
    cx_status(cx, 201);
    return show(cx, a.id);
}

// --- the second person ---
struct deciding {
    int64_t id;
    bool approve;
};

static int put_decision(struct cx *cx, void *arg) {
    const struct deciding *d = arg;
    struct erasure e;
    int64_t changed = 0;
    int code = erasure_get(cx, d->id, &e);
    if (code != OK) return code;
    if (!str_eq(e.state, S("asked"))) return cx_fail(cx, ERR_wrong_step, "state", "%.*s", STRF(e.state));
    if (d->approve && e.asked_by == cx->who.account) return cx_fail(cx, ERR_second_person, "", "%s", "");
    if (d->approve && !e.asked_is_auditor && !cx_is(cx, R_(AUDITOR)))
        code = cx_fail(cx, ERR_erase_auditor, "", "%s", "");
    if (code == OK)
        code = d->approve ? store_exec(cx->db, &changed, &cx->err, Q_ledger_erasure_approve, "iisi", d->id,
                                       cx->who.account, cx->who.login, cx->now_ms)
                          : store_exec(cx->db, &changed, &cx->err, Q_ledger_erasure_drop, "i", d->id);
    if (code != OK) return code;
    struct act *act = cx_act(cx, "erasure", str_print(cx->mem, "%" PRId64, d->id));
    act->detail = str_print(cx->mem, "{\"asked_by\":%" PRId64 ",\"entries\":%.*s}", e.asked_by,
                            STRF(indices_json(cx, e.entries)));
    act->is_clear = d->approve; // everybody may see that something was forgotten, not what
    return OK;
}

static int decide(struct cx *cx, bool approve) {
    struct deciding d = {cx_int(cx, "id", 0), approve};
    int code = cx_write(cx, put_decision, &d);
    if (code == OK && approve) code = erasure_carry_out(cx, d.id);
    return code == OK ? show(cx, d.id) : code;
}

static int post_approve(struct cx *cx) {
    return decide(cx, true);
}

static int post_drop(struct cx *cx) {
    return decide(cx, false);
}

static int get_one(struct cx *cx) {
    return show(cx, cx_int(cx, "id", 0));
}

static int get_list(struct cx *cx) {
    int64_t limit = cx_limit(cx, 50, 200), before = INT64_MAX, last = 0, n = 0;
    struct str after = cx_after(cx);
    if (after.p && !str_int64(after, &before)) return cx_fail(cx, ERR_cursor, "after", "%s", "");
    struct stmt *s = store_query(cx->db, Q_ledger_erasures_page, "ii", before, limit + 1);
    jw_object(&cx->w);
    jw_name(&cx->w, "items");
    jw_array(&cx->w);
    for (; n < limit && store_next(s); n++) {
        struct erasure e;
        erasure_read(cx, s, &e);
        erasure_write(cx, &e);
        last = e.id;
    }
    bool more = n == limit && store_next(s);
    int code = store_done(s, &cx->err);
    jw_array_end(&cx->w);
    if (more) cx_next(cx, str_print(cx->mem, "%" PRId64, last));
    jw_object_end(&cx->w);
    return code;
}

// --- rows ---
static const struct field takes_ask[] = {
    {"entries", .type = T_ANY, .zh = "存证序号列表", .en = "indices of entries"},
    {"texts", .type = T_LIST, .max = ERASE_TEXTS_MAX, .zh = "明细中的整值：办件编号、证件号码、姓名……",
     .en = "whole values in details: case, identity number, name …"},
    {"from_ms", .type = T_INT, .min = 0, .max = INT64_MAX / 2, .zh = "起始时间", .en = "from"},
    {"to_ms", .type = T_INT, .min = 0, .max = INT64_MAX / 2, .zh = "截止时间", .en = "to"},
    {"reason", .type = T_TEXT, .required = true, .min = 4, .max = 500, .zh = "事由", .en = "reason"},
    {"law", .type = T_TEXT, .required = true, .min = 4, .max = 300, .zh = "法律依据", .en = "legal basis"},
    {0}};
static const struct field takes_id[] = {{"id", .where = IN_PATH, .type = T_INT, .required = true, .min = 1,
                                         .max = INT64_MAX, .zh = "编号", .en = "id"},
                                        {0}};
static const struct field takes_list[] = {
    {"limit", .where = IN_QUERY, .type = T_INT, .min = 1, .max = 200, .zh = "条数", .en = "wanted"},
    {"after", .where = IN_QUERY, .type = T_TEXT, .max = 100, .zh = "续页", .en = "page on"},
    {0}};
#define ERASURE_FIELDS                                                                                       \
    {"id", .type = T_INT, .required = true, .zh = "编号", .en = "id"},                                       \
        {"state",      .type = T_CHOICE, .required = true, .choices = "asked|approved|done|dropped",         \
         .zh = "状态", .en = "state"},                                                                       \
        {"reason", .type = T_TEXT, .required = true, .zh = "事由", .en = "reason"},                          \
        {"law", .type = T_TEXT, .required = true, .zh = "法律依据", .en = "legal basis"},                    \
        {"entries", .type = T_ANY, .required = true, .zh = "存证序号", .en = "indices of entries"},          \
        {"done", .type = T_INT, .required = true, .zh = "已删除条数", .en = "carried out"},                  \
        {"asked_name", .type = T_TEXT, .required = true, .zh = "提出人", .en = "asked by"},                  \
        {"asked_office", .type = T_TEXT, .zh = "提出机构", .en = "of office"},                               \
        {"asked_ms", .type = T_INT, .required = true, .zh = "提出时间", .en = "asked at"},                   \
        {"approved_name", .type = T_TEXT, .zh = "批准人", .en = "approved by"},                              \
        {"approved_ms", .type = T_INT, .zh = "批准时间", .en = "approved at"},                               \
        {"may_approve", .type = T_BOOL, .required = true, .zh = "本人可批准",                                \
         .en = "may be approved by who asks"},                                                               \
    {                                                                                                        \
        "may_drop", .type = T_BOOL, .required = true, .zh = "可撤销", .en = "may be dropped"                 \
    }
static const struct field one_fields[] = {ERASURE_FIELDS, {0}};
static const struct field list_fields[] = {
    {"items", .type = T_ITEMS, .required = true, .of = one_fields, .zh = "删除事项", .en = "erasures"},
    {"next", .type = T_TEXT, .zh = "下一页位置", .en = "where the next page begins"},
    {0}};
static const struct shape gives_one = {"ledger_erasure", one_fields, NULL},
                          gives_list = {"ledger_erasures", list_fields, NULL};

const struct route ledger_erase_routes[] = {
    {"GET", "/api/v1/ledger/erasures", ROUTE_READ, R_ERASERS, takes_list, &gives_list, .handle = get_list,
     .zh = "个人信息删除事项", .en = "Erasures of personal details"},
    {"GET", "/api/v1/ledger/erasures/{id}", ROUTE_READ, R_ERASERS, takes_id, &gives_one, .handle = get_one,
     .zh = "一件删除事项", .en = "One erasure"},
    {"POST", "/api/v1/ledger/erasures", ROUTE_SLOW, R_ERASERS, takes_ask, &gives_one, "ledger.erasure.ask",
     .handle = post_erasure, .zh = "提出删除个人信息", .en = "Ask for an erasure"},
    {"POST", "/api/v1/ledger/erasures/{id}/approve", ROUTE_SLOW, R_ERASERS, takes_id, &gives_one,
     "ledger.erasure.approve", .handle = post_approve, .zh = "批准并执行删除",
     .en = "Approve an erasure and carry it out"},
    {"POST", "/api/v1/ledger/erasures/{id}/drop", ROUTE_SLOW, R_ERASERS, takes_id, &gives_one,
     "ledger.erasure.drop", .handle = post_drop, .zh = "撤销删除事项", .en = "Drop an erasure"},
    {0}};
