// SPDX-License-Identifier: MulanPSL-2.0
// Calls under a grant: rows (JSON, NDJSON, CSV) and 核验 (agrees or does not, no row leaves). The hot path: no row of
// people, offices or grants is read again while the authorisation generation stands; the only reads are the data.
// Keeps true: (1) nothing leaves before its entry is durable; (2) quota is taken, and a moved authorisation judged
// again, in the entry's own transaction; (3) a reply about people commits to a root of salted leaves, one a row, so
// that one person's share of it can be shown, or forgotten, alone.
#include "core/field.h"
#include "crypto/merkle.h"
#include "mod/exchange/inside.h"
#include <inttypes.h>

#define CALL_PEOPLE_BYTES_MAX (8 << 20) // of one reply about people

int64_t exchange_day(int64_t time_ms) {
    return (time_ms + CHINA_OFFSET_MS) / DAY_MS;
}

// A header's text: percent-encoded UTF-8, since HTTP headers are ASCII.
static int named(struct cx *cx, const char *header, bool required, struct str *ret) {
    struct str raw = cx_header(cx, header), text = STR_NONE;
    *ret = STR_NONE;
    if (!raw.n) return required ? cx_fail(cx, ERR_case_missing, header, "%s", header) : OK;
    if (!field_decode(cx->mem, raw, false, &text)) return cx_fail(cx, ERR_utf8, header, "%s", "");
    if (str_utf8_count(text) > EXCHANGE_CASE_MAX)
        return cx_fail(cx, ERR_field_long, header, "%d", EXCHANGE_CASE_MAX);
    *ret = str_trim(text);
    return required && !ret->n ? cx_fail(cx, ERR_case_missing, header, "%s", header) : OK;
}

int grant_state_ok(struct cx *cx, const struct grant *g) {
    if (str_eq(g->state, S("revoked"))) return cx_fail(cx, ERR_grant_revoked, "grant", "%s", "");
    if (str_eq(g->state, S("suspended"))) return cx_fail(cx, ERR_grant_suspended, "grant", "%s", "");
    bool in_time = cx->now_ms >= g->valid_from_ms && cx->now_ms < g->valid_to_ms;
    if (!str_eq(g->state, S("active")) || !in_time) return cx_fail(cx, ERR_grant_ended, "grant", "%s", "");
    return OK;
}

int call_program(struct cx *cx, struct grant_view *v, struct call_names *ret) {
    const struct grant *g = &v->grant;
    int code = grant_state_ok(cx, g);
    if (code == OK) code = named(cx, "Gusu-System", true, &ret->system);
    if (code == OK && !str_eq(ret->system, g->system))
        code = cx_fail(cx, ERR_system_other, "Gusu-System", "%.*s", STRF(ret->system));
    if (code == OK) code = named(cx, "Gusu-Matter", true, &ret->matter);
    if (code == OK && !str_eq(ret->matter, g->matter))
        code = cx_fail(cx, ERR_matter_other, "Gusu-Matter", "%.*s", STRF(ret->matter));
    return code;
}

int call_person(struct cx *cx, bool required, struct call_names *ret) {
    int code = named(cx, "Gusu-Case", required, &ret->case_no);
    return code == OK ? named(cx, "Gusu-Operator", required, &ret->operator) : code;
}

int call_open(struct cx *cx, struct grant_view *v, struct call_names *ret) {
    const struct grant *g = &v->grant;
    int code = call_program(cx, v, ret);
    if (code == OK) code = call_person(cx, v->is_personal, ret);
    int64_t wait_ms = 0;
    if (code == OK && !key_rate(cx, cx->who.key, g->rate_per_s, &wait_ms)) {
        cx_reply_header(cx, "Retry-After", str_print(cx->mem, "%" PRId64, wait_ms / 1000 + 1));
        code = cx_fail(cx, ERR_rate_limited, "rate_per_s", "%" PRId64, g->rate_per_s);
    }
    return code;
}

// --- what the writer does for a call ---
int call_authorised(struct cx *cx, const struct call_note *c) {
    struct grant g;
    int64_t version, table;
    int code = grant_get(cx, c->grant_id, &g);
    if (code == OK) code = grant_state_ok(cx, &g);
    if (code == OK) code = key_is_active(cx, c->key_id);
    if (code == OK && !catalog_live_now(cx, g.dataset, &version, &table))
        code = cx->err.code != OK ? cx->err.code // could not be asked, which is no answer
                                  : cx_fail(cx, ERR_not_found, "dataset", "%.*s", STRF(g.dataset));
    return code;
}

static int judge(struct cx *cx, struct note *n) {
    const struct call_note *c = n->arg;
    // Something about roles, keys or grants changed since the reply was made: look again, in this transaction.
    bool moved = cx->auth_generation != atomic_load(&cx->city->auth_generation);
    int code = moved ? call_authorised(cx, c) : OK;
    return code == OK ? call_take(cx, c, n->time_ms) : code;
}

static int project(struct cx *cx, struct note *n) {
    struct call_note *c = n->arg;
    return store_exec(cx->db, NULL, &cx->err, Q_exchange_call_put, "iiiiiib", c->grant_id, n->entry,
                      c->key_id, n->time_ms, c->rows, c->bytes, c->salts);
}

// What was asked about people is not kept in words: who may read the ledger need not learn whom a case concerned. The
// server's key makes it a digest that cannot be guessed back from the small set of identity numbers.
static struct str filter_digest(struct cx *cx, struct str filter) {
    uint8_t out[HASH_BYTES];
    if (!filter.n) return STR_NONE;
    hash_hmac(cx->hasher, HASH_SHA256, (struct str){(const char *)cx->city->key, sizeof cx->city->key},
              filter, out);
    return str_print(cx->mem, "hmac-sha256:%.*s", STRF(str_hex(cx->mem, out, sizeof out)));
}

int call_note(struct cx *cx, struct grant_view *v, const struct call_names *names, const char *kind,
              struct str fields, struct str filter, int64_t rows, struct str reply, struct str rows_root,
              struct str salts) {
    const struct grant *g = &v->grant;
    struct note *n = arena_take(cx->mem, sizeof *n);
    struct call_note *c = arena_take(cx->mem, sizeof *c);
    struct buf b = buf_new(cx->mem, 768, 60000);
    uint8_t digest[HASH_BYTES];
    if (!n || !c) return cx_fail(cx, ERR_no_memory, "", "call");
    hash_one(cx->hasher, HASH_SHA256, reply, digest);
    // Names in byte order: the text is canonical as it is written.
    struct jw w = jw_to(&b);
    jw_object(&w);
    jw_ntext(&w, "application", str_copy(cx->mem, g->application));
    jw_nint(&w, "bytes", (int64_t)reply.n);
    jw_ntext(&w, "case_no", names->case_no);
    jw_ntext(&w, "dataset", g->dataset);
    jw_ntext(&w, "fields", fields);
    jw_ntext(&w, "filter", v->is_personal ? filter_digest(cx, filter) : filter);
    jw_nint(&w, "grant", g->id);
    jw_nint(&w, "key", cx->who.key);
    jw_ntext(&w, "matter", names->matter);
    jw_ntext(&w, "office", g->office);
    jw_ntext(&w, "operator", names->operator);
    jw_ntext(&w, "provider", g->provider);
    jw_ntext(&w, "reply_sha256", str_hex(cx->mem, digest, sizeof digest));
    jw_nint(&w, "rows", rows);
    if (rows_root.p) jw_ntext(&w, "rows_root", rows_root);
    jw_ntext(&w, "system", names->system);
    jw_nint(&w, "time_ms", cx->now_ms);
    jw_ntext(&w, "trace", g->application);
    jw_object_end(&w);
    if (b.over) return cx_fail(cx, ERR_too_large, "detail", "60000");
    *c = (struct call_note){.grant_id = g->id,
                            .key_id = cx->who.key,
                            .rows = rows,
                            .bytes = (int64_t)reply.n,
                            .quota = g->quota_per_day,
                            .salts = salts};
    *n = (struct note){.kind = kind,
                       .time_ms = cx->now_ms,
                       .detail = buf_str(&b),
                       .trace = str_copy(cx->mem, g->application),
                       .judge = judge,
                       .project = project,
                       .arg = c};
    cx->note = n;
    return cx->mem->failed ? cx_fail(cx, ERR_no_memory, "", "call") : OK;
}

// The root over one salted leaf a row (lines of NDJSON, as they left).
static int person_root(struct cx *cx, struct str lines, int64_t rows, struct str *ret_root,
                       struct str *ret_salts) {
    struct merkle m = {0};
    uint8_t *salts = arena_array(cx->mem, (size_t)rows + 1, 16), leaf[HASH_BYTES], root[HASH_BYTES];
    if (!salts) return cx_fail(cx, ERR_no_memory, "", "rows");
    if (rows && hasher_random(cx->hasher, salts, (size_t)rows * 16) != OK)
        return cx_fail(cx, ERR_crypto, "", "random");
    struct str rest = lines;
    for (int64_t i = 0; i < rows && rest.p; i++) {
        struct str line = str_cut(rest, '\n', &rest);
        const struct str parts[] = {{"\x00", 1}, {(const char *)salts + i * 16, 16}, line};
        hash_parts(cx->hasher, HASH_SHA256, parts, 3, leaf);
        merkle_add(&m, cx->hasher, HASH_SHA256, leaf, NULL, NULL);
    }
    merkle_root(&m, cx->hasher, HASH_SHA256, root);
    *ret_root = str_hex(cx->mem, root, sizeof root);
    *ret_salts = (struct str){(const char *)salts, (size_t)rows * 16};
    return OK;
}

static enum table_format format_of(struct cx *cx) {
    struct str want = field_query(cx, "format"), accept = cx_header(cx, "Accept");
    if (str_eq(want, S("csv")) || (!want.p && str_has(accept, S("text/csv")))) return TABLE_CSV;
    if (str_eq(want, S("ndjson")) || (!want.p && str_has(accept, S("ndjson")))) return TABLE_NDJSON;
    return TABLE_JSON;
}

static struct str fields_text(struct cx *cx, const struct table_query *q) {
    struct buf b = buf_new(cx->mem, 128, 8192);
    for (int i = 0; i < q->fields_n; i++) {
        if (i) buf_char(&b, ' ');
        buf_put(&b, table_query_column(q, i)->id);
    }
    return buf_str(&b);
}

static int write_rows(struct cx *cx, const struct table_query *q, enum table_format f,
                      struct table_page *page) {
    int code;
    if (f == TABLE_JSON) {
        jw_object(&cx->w);
        jw_name(&cx->w, "items");
        code = table_page_json(cx, q, &cx->w, page);
        if (page->next.p) jw_ntext(&cx->w, "next", page->next);
    } else {
        if (f == TABLE_CSV) table_csv_header(q, &cx->out);
        code = table_page_text(cx, q, f, &cx->out, page);
        cx->reply.type = f == TABLE_CSV ? S("text/csv; charset=utf-8") : S("application/x-ndjson");
        if (page->next.p) cx_reply_header(cx, "Gusu-Next", page->next);
    }
    return code;
}

// Rows about people leave as the very lines that the root commits to, read once: JSON's items are those lines, CSV is
// read a second time from the same snapshot.
static int write_people(struct cx *cx, const struct table_query *q, enum table_format f,
                        struct table_page *page, struct str *ret_root, struct str *ret_salts) {
    struct buf lines = buf_new(cx->mem, 4096, CALL_PEOPLE_BYTES_MAX);
    int code = table_page_text(cx, q, TABLE_NDJSON, &lines, page);
    if (code == OK && lines.over) code = cx_fail(cx, ERR_too_large, "limit", "%d", CALL_PEOPLE_BYTES_MAX);
    if (code == OK) code = person_root(cx, buf_str(&lines), page->rows, ret_root, ret_salts);
    if (code != OK) return code;
    if (f != TABLE_JSON) return write_rows(cx, q, f, page);
    struct str rest = buf_str(&lines);
    jw_object(&cx->w);
    jw_name(&cx->w, "items");
    jw_array(&cx->w);
    for (int64_t i = 0; i < page->rows && rest.p; i++)
        jw_raw(&cx->w, str_cut(rest, '\n', &rest));
    jw_array_end(&cx->w);
    if (page->next.p) jw_ntext(&cx->w, "next", page->next);
    return OK;
}

int call_rows(struct cx *cx, struct grant_view *v, const struct call_names *names, struct str query,
              enum table_format f) {
    static const char *const others[] = {"format", NULL};
    struct table_query q;
    struct table_page page = {0};
    struct str root = STR_NONE, salts = STR_NONE;
    int code = v->shape.table == 0 ? cx_fail(cx, ERR_no_rows_yet, "grant", "%s", "") : OK;
    if (code == OK) code = table_query_read(cx, &v->shape, &v->view, query, others, &q);
    if (code == OK)
        code = v->is_personal ? write_people(cx, &q, f, &page, &root, &salts) : write_rows(cx, &q, f, &page);
    if (code == OK)
        code = call_note(cx, v, names, "exchange.call", fields_text(cx, &q), query, page.rows,
                         buf_str(&cx->out), root, salts);
    if (code != OK) return code;
    if (f == TABLE_JSON) {
        jw_ntext(&cx->w, "trace", v->grant.application);
        jw_object_end(&cx->w);
    } else {
        cx_reply_header(cx, "Gusu-Trace", str_copy(cx->mem, v->grant.application));
    }
    return OK;
}

int call_only_verifies(struct cx *cx, const struct grant_view *v) {
    bool only = v->grant.verify_only || v->dataset->is_verify_only;
    return only ? cx_fail(cx, ERR_verify_only, "grant", "%s", "") : OK;
}

static int rows_under(struct cx *cx, struct grant_view *v) {
    struct call_names names = {0};
    int code = call_only_verifies(cx, v);
    if (code == OK) code = call_open(cx, v, &names);
    return code == OK ? call_rows(cx, v, &names, cx->req->query, format_of(cx)) : code;
}

// The view for this call: of the path's grant, which must be the key's own.
int with_view(struct cx *cx, int (*fn)(struct cx *cx, struct grant_view *v)) {
    struct grant_view *v;
    int64_t id = cx_int(cx, "grant", 0);
    int code = grant_view_pin(cx, id, &v);
    if (code != OK) return code;
    if (!str_eq(v->grant.system, cx->who.system) || !str_eq(v->grant.office, cx->who.office))
        code = cx_fail(cx, ERR_grant_other, "grant", "%s", "");
    else
        code = key_of_grant(cx, cx->who.key, id);
    if (code == OK) code = fn(cx, v);
    grant_view_unpin(v);
    // Refused calls are counted, not entered: strangers must not fill the disk. ERR_busy will be run again elsewhere.
    if (code != OK && code != ERR_busy) atomic_fetch_add_explicit(&cx->city->denied, 1, memory_order_relaxed);
    return code;
}

static int get_rows(struct cx *cx) {
    return with_view(cx, rows_under);
}

// 核验: the caller sends values, hears whether such a row exists. Every granted key column must be among them, so
// that a table cannot be felt out one field at a time.
int call_verify(struct cx *cx, struct grant_view *v, const struct call_names *names, struct json values) {
    int code = OK;
    size_t n = json_count(values), i = 0;
    struct table_filter *filters = arena_array(cx->mem, n + 1, sizeof *filters);
    struct buf asked = buf_new(cx->mem, 128, 8192);
    if (!filters) return cx_fail(cx, ERR_no_memory, "", "values");
    for (struct json_iter it = json_iter(values); code == OK && json_next(&it); i++) {
        struct str text = json_text(it.value);
        int at = table_column_index(&v->shape, it.name);
        bool granted = false;
        for (int k = 0; k < v->view.n; k++)
            granted |= v->view.columns[k].column == at;
        if (at < 0 || !granted)
            code = cx_fail(cx, ERR_column_unknown, str_z(cx->mem, it.name), "%s", "");
        else if (!text.n)
            code = cx_fail(cx, ERR_field_type, str_z(cx->mem, it.name), "text");
        else
            code = table_filter_make(cx, &v->shape, it.name, S("eq"), &text, 1, &filters[i]);
        buf_print(&asked, "%s%.*s", i ? " " : "", STRF(it.name));
    }
    for (int k = 0; k < v->shape.n && code == OK; k++) {
        bool given = !v->shape.columns[k].is_key;
        for (size_t f = 0; f < n && !given; f++)
            given = filters[f].column == k;
        if (!given) code = cx_fail(cx, ERR_field_missing, str_z(cx->mem, v->shape.columns[k].id), "%s", "");
    }
    if (code != OK) return code;
    struct table_query q = table_query_all(cx, &v->shape, &v->view);
    q.filters = filters;
    q.filters_n = (int)n;
    bool match = false;
    code = table_exists(cx, &q, &match);
    if (code != OK) return code;
    jw_object(&cx->w);
    jw_nbool(&cx->w, "match", match);
    jw_ntext(&cx->w, "result", match ? S("一致") : S("不一致"));
    jw_ntext(&cx->w, "trace", v->grant.application);
    jw_object_end(&cx->w);
    return call_note(cx, v, names, "exchange.verify", buf_str(&asked), STR_NONE, 0, buf_str(&cx->out),
                     STR_NONE, STR_NONE);
}

static int verify_under(struct cx *cx, struct grant_view *v) {
    struct call_names names = {0};
    int code = call_open(cx, v, &names);
    return code == OK ? call_verify(cx, v, &names, cx_json(cx, "values")) : code;
}

static int post_verify(struct cx *cx) {
    return with_view(cx, verify_under);
}

#define CALL_HEADERS                                                                                         \
    {"Gusu-System", IN_HEADER, T_TEXT, false, 0, 400, NULL, NULL, "调用系统", "registered system"},          \
        {"Gusu-Matter", IN_HEADER, T_TEXT, false, 0, 400, NULL, NULL, "事项", "matter"},                     \
        {"Gusu-Case", IN_HEADER, T_TEXT, false, 0, 400, NULL, NULL, "办件编号", "case number"}, {            \
        "Gusu-Operator", IN_HEADER, T_TEXT, false, 0, 400, NULL, NULL, "经办人", "operator"                  \
    }
static const struct field rows_in[] = {
    {"grant", IN_PATH, T_INT, true, 1, INT64_MAX, NULL, NULL, "授权编号", "grant"},
    {"fields", IN_QUERY, T_TEXT, false, 0, 4000, NULL, NULL, "所需列，逗号分隔", "columns wanted, by comma"},
    {"limit", IN_QUERY, T_INT, false, 1, TABLE_PAGE_MAX, NULL, NULL, "条数", "rows"},
    {"after", IN_QUERY, T_TEXT, false, 0, 400, NULL, NULL, "续页", "page on"},
    {"format", IN_QUERY, T_CHOICE, false, 0, 0, "json|ndjson|csv", NULL, "格式", "format"},
    CALL_HEADERS,
    {0}};
static const struct field verify_in[] = {
    {"grant", IN_PATH, T_INT, true, 1, INT64_MAX, NULL, NULL, "授权编号", "grant"},
    {"values", IN_BODY, T_OBJECT, true, 0, 0, NULL, NULL, "待核验的列与值", "columns and values to check"},
    CALL_HEADERS,
    {0}};
static const struct field rows_out[] = {
    {"items", 0, T_ITEMS, true, 0, 0, NULL, NULL, "数据行", "rows"},
    {"next", 0, T_TEXT, false, 0, 0, NULL, NULL, "续页", "next page"},
    {"trace", 0, T_TEXT, true, 0, 0, NULL, NULL, "全程编号", "trace id"},
    {"entry", 0, T_INT, true, 0, 0, NULL, NULL, "存证序号", "ledger entry"},
    {0}};
static const struct field verify_out[] = {
    {"match", 0, T_BOOL, true, 0, 0, NULL, NULL, "是否一致", "agrees"},
    {"result", 0, T_TEXT, true, 0, 0, NULL, NULL, "结论", "result"},
    {"trace", 0, T_TEXT, true, 0, 0, NULL, NULL, "全程编号", "trace id"},
    {"entry", 0, T_INT, true, 0, 0, NULL, NULL, "存证序号", "ledger entry"},
    {0}};
static const struct shape rows_shape = {"ExchangeRows", rows_out, NULL},
                          verify_shape = {"ExchangeVerify", verify_out, NULL};

const struct route exchange_call_routes[] = {
    {"GET", "/api/v1/exchange/{grant}/rows", ROUTE_READ_ENTRY, R_KEY, rows_in, &rows_shape, "exchange.call",
     0, ROUTE_OPEN_FIELDS, get_rows, "按授权取数", "Rows under a grant", NULL},
    {"POST", "/api/v1/exchange/{grant}/verify", ROUTE_READ_ENTRY, R_KEY, verify_in, &verify_shape,
     "exchange.verify", 0, 0, post_verify, "按授权核验（一致/不一致）", "Verify under a grant: agrees or not",
     NULL},
    {0}};
