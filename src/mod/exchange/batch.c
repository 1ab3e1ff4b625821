// SPDX-License-Identifier: MulanPSL-2.0
// Many queries in one call: each is a call of its own in every respect (rate, masks, quota, meter, entry), only what is
// the same for all of them (key, grant, system, matter) is judged once. Keeps true: what one query gets wrong stays in
// its place; the rows of a query leave as the single call would give them, so that its entry's digest is over the same
// bytes; nobody pays of his rate or quota for what is not entered.
#include "mod/exchange/batch.h"
#include "core/field.h"

// Keeps the error of the query at hand as its own; the next one starts clean.
static void refuse(struct cx *cx, struct batch_query *q) {
    struct err *e = arena_take(cx->mem, sizeof *e);
    static const struct err no_memory = {.code = ERR_no_memory};
    if (e) *e = cx->err;
    q->bad = e ? e : &no_memory;
    q->note = NULL;
    cx->err = (struct err){0};
    cx->field_errors = NULL;
}

static void put_encoded(struct buf *b, struct str s) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                     c == '.' || c == '_';
        if (plain) {
            buf_char(b, (char)c);
        } else {
            buf_char(b, '%');
            buf_char(b, digits[c >> 4]);
            buf_char(b, digits[c & 15]);
        }
    }
}

// {"uscc":"…","limit":1} as the URL would say it: the entry commits to one form of a question, however it was put.
static int query_text(struct cx *cx, struct json object, struct str *ret) {
    struct buf b = buf_new(cx->mem, 128, BATCH_LINE_MAX * 3);
    for (struct json_iter it = json_iter(object); json_next(&it);) {
        struct str v = json_is(it.value, JSON_TEXT) ? json_text(it.value) : json_raw(it.value);
        if (json_is(it.value, JSON_OBJECT) || json_is(it.value, JSON_ARRAY) || json_is(it.value, JSON_NULL))
            return cx_fail(cx, ERR_field_type, "query", "text");
        if (b.n) buf_char(&b, '&');
        put_encoded(&b, it.name);
        buf_char(&b, '=');
        put_encoded(&b, v);
    }
    *ret = buf_str(&b);
    return b.over ? cx_fail(cx, ERR_too_large, "query", "%d", BATCH_LINE_MAX) : OK;
}

static int text_member(struct cx *cx, struct json v, const char *name, int most, struct str *ret) {
    *ret = json_text(v);
    if (!json_is(v, JSON_TEXT)) return cx_fail(cx, ERR_field_type, name, "text");
    if (str_utf8_count(*ret) > (size_t)most) return cx_fail(cx, ERR_field_long, name, "%d", most);
    return OK;
}

static int member(struct cx *cx, struct batch_query *q, struct str name, struct json v, bool *has_query) {
    if (str_eq(name, S("id"))) return text_member(cx, v, "id", BATCH_ID_MAX, &q->id);
    if (str_eq(name, S("case"))) return text_member(cx, v, "case", EXCHANGE_CASE_MAX, &q->case_no);
    if (str_eq(name, S("operator"))) return text_member(cx, v, "operator", EXCHANGE_CASE_MAX, &q->operator);
    if (str_eq(name, S("query"))) {
        *has_query = true;
        if (json_is(v, JSON_OBJECT)) return query_text(cx, v, &q->text);
        return text_member(cx, v, "query", BATCH_LINE_MAX, &q->text);
    }
    if (str_eq(name, S("values"))) {
        q->values = v;
        q->is_verify = true;
        return json_is(v, JSON_OBJECT) ? OK : cx_fail(cx, ERR_field_type, "values", "object");
    }
    return cx_fail(cx, ERR_field_unknown, str_z(cx->mem, (struct str){name.p, name.n > 60 ? 60 : name.n}),
                   "%s", "");
}

static int read_query(struct cx *cx, struct batch_query *q, struct json item) {
    bool has_query = false;
    int code = json_is(item, JSON_OBJECT) ? OK : cx_fail(cx, ERR_field_type, "", "object");
    // The id first: what is wrong with the rest is told under it.
    struct json id = json_get(item, S("id"));
    if (json_is(id, JSON_TEXT)) code = member(cx, q, S("id"), id, &has_query);
    for (struct json_iter it = json_iter(item); code == OK && json_next(&it);)
        code = member(cx, q, it.name, it.value, &has_query);
    if (code == OK && q->is_verify && has_query) code = cx_fail(cx, ERR_twice, "values", "query, values");
    return code;
}

void batch_add_json(struct cx *cx, struct batch *b, struct json item) {
    struct batch_query *q = &b->queries[b->n++];
    if (read_query(cx, q, item) != OK) refuse(cx, q);
}

void batch_add(struct cx *cx, struct batch *b, struct str json) {
    struct json item = {0};
    int code = json.n > BATCH_LINE_MAX ? cx_fail(cx, ERR_too_large, "", "%d", BATCH_LINE_MAX)
                                       : json_parse(cx->mem, json, &item, &cx->err);
    if (code == OK)
        batch_add_json(cx, b, item);
    else
        refuse(cx, &b->queries[b->n++]);
}

static int one(struct cx *cx, struct batch *b, struct batch_query *q) {
    struct grant_view *v = b->view;
    struct call_names names = b->names;
    int64_t wait_ms;
    int code = OK;
    if (q->case_no.p) names.case_no = str_trim(q->case_no);
    if (q->operator.p) names.operator= str_trim(q->operator);
    if (v->is_personal && !names.case_no.n) return cx_fail(cx, ERR_case_missing, "case", "Gusu-Case");
    if (v->is_personal && !names.operator.n)
        return cx_fail(cx, ERR_case_missing, "operator", "Gusu-Operator");
    if (!q->is_verify) code = call_only_verifies(cx, v);
    if (code != OK) return code;
    if (b->reply_bytes > BATCH_REPLY_MAX) return cx_fail(cx, ERR_too_large, "", "%zu", BATCH_REPLY_MAX);
    if (!key_rate(cx, cx->who.key, v->grant.rate_per_s, &wait_ms))
        return cx_fail(cx, ERR_rate_limited, "rate_per_s", "%lld", (long long)v->grant.rate_per_s);
    b->taken++;
    return q->is_verify ? call_verify(cx, v, &names, q->values)
                        : call_rows(cx, v, &names, q->text, TABLE_JSON);
}

static int cut_slices(struct cx *cx, struct batch *b) {
    int n = 0;
    b->notes.slices = arena_array(cx->mem, (size_t)b->n / BATCH_SLICE + 1, sizeof *b->notes.slices);
    if (!b->notes.slices) return cx_fail(cx, ERR_no_memory, "", "batch");
    b->notes.n = 0;
    struct note **next = NULL;
    for (int i = 0; i < b->n; i++) {
        struct note *note = b->queries[i].note;
        if (!note) continue;
        if (n++ % BATCH_SLICE == 0) next = &b->notes.slices[b->notes.n++].first;
        *next = note;
        next = &note->next;
    }
    return OK;
}

int batch_run(struct cx *cx, struct batch *b) {
    int headers_n = cx->reply.headers_n, refused = 0, code = OK;
    for (int i = 0; i < b->n && code != ERR_busy; i++) {
        struct batch_query *q = &b->queries[i];
        if (!q->bad) {
            cx->note = NULL;
            cx->out = buf_new(cx->mem, 512, BATCH_REPLY_MAX);
            cx->w = jw_to(&cx->out);
            code = one(cx, b, q);
            if (code == OK && cx->out.over) code = cx_fail(cx, ERR_too_large, "", "%zu", BATCH_REPLY_MAX);
            q->note = cx->note;
            q->reply = buf_str(&cx->out);
            cx->reply.headers_n = headers_n;
            if (code == OK) b->reply_bytes += q->reply.n;
            if (code != OK && code != ERR_busy) refuse(cx, q);
        }
        refused += q->bad != NULL;
    }
    cx->note = NULL;
    cx->out = buf_new(cx->mem, 512, BATCH_REPLY_MAX * 2);
    cx->w = jw_to(&cx->out);
    if (code == ERR_busy) {
        key_rate_back(cx, cx->who.key, b->taken);
        return ERR_busy;
    }
    if (cx->mem->failed) return cx_fail(cx, ERR_no_memory, "", "batch");
    atomic_fetch_add_explicit(&cx->city->denied, (uint64_t)refused, memory_order_relaxed);
    return cut_slices(cx, b);
}
