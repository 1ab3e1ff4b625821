// SPDX-License-Identifier: MulanPSL-2.0
// Finding entries without a secondary index on them: time by halving over the indices (hours never fall while the clock
// runs forward), acts through the audit log's own indices (trace, object, office), a leaf's hash or a kind by looking
// through a bounded stretch, which the next page goes on from. Keeps true: the public finds only what the public bundles
// show; an act that is not clear is found by those alone who may read the audit log about it.
#include "base/clock.h"
#include "mod/ledger/search.h"
#include "mod/ledger/entries.h"
#include "mod/ledger/tree.h"
#include <inttypes.h>

#define SCAN_MAX      4000 // entries looked at for one page of a filtered list; the next page goes on behind them
#define HASH_SCAN_MAX 200000  // entries hashed for one page of a search by hash
#define HASH_SCAN_US  1500000 // or so long
#define HOUR_MS       ((int64_t)3600000)
#define HITS_MAX      200
#define KINDS_MAX     100 // kinds of objects that the audit log may know

static int64_t hour_of(int64_t ms) {
    return ms - ms % HOUR_MS;
}

static void clear_write(struct jw *w, struct str clear) {
    jw_name(w, "clear");
    if (clear.p)
        jw_raw(w, clear);
    else
        jw_null(w);
}

static void item_open(struct cx *cx, const struct ledger_entry *e) {
    struct jw *w = &cx->w;
    uint8_t hash[HASH_BYTES];
    merkle_leaf(cx->hasher, HASH_SHA256, e->leaf, hash);
    jw_object(w);
    jw_nint(w, "index", e->index);
    jw_ntext(w, "kind", e->kind);
    jw_nint(w, "time_ms", e->time_ms);
    clear_write(w, e->clear);
    jw_ntext(w, "leaf_sha256", str_hex(cx->mem, hash, sizeof hash));
}

// --- time ---
// The first entry whose hour is not before that of `ms`. Leaves that are not clear tell the hour only, so no finer place
// can be told; where a clock was put back the place is one of those that fit.
int search_at_hour(struct cx *cx, int64_t ms, int64_t end, int64_t *ret) {
    struct ledger_reader r;
    int64_t low = 0, high = end;
    int code = OK;
    ledger_reader_init(&r, cx->db, NULL);
    while (code == OK && low < high) {
        int64_t middle = low + (high - low) / 2;
        struct ledger_entry e = {.index = middle};
        bool found = false;
        code = ledger_reader_get(&r, middle, &e, &found, &cx->err);
        bool is_before = found && ledger_leaf_read(e.leaf, &e) && hour_of(e.time_ms) < hour_of(ms);
        if (is_before)
            low = middle + 1;
        else
            high = middle;
    }
    ledger_reader_free(&r);
    *ret = low;
    return code;
}

// --- the list ---
struct stretch { // [low, at): what a list walks, downward
    int64_t low, at;
};

static int stretch_of(struct cx *cx, struct stretch *ret) {
    struct stretch s = {0, 0};
    int64_t before = INT64_MAX, end;
    struct str after = cx_after(cx);
    if (after.p && (!str_int64(after, &before) || before < 0))
        return cx_fail(cx, ERR_cursor, "after", "%s", "");
    int code = ledger_end(cx, &end);
    s.at = end;
    if (code == OK && cx_has(cx, "from_ms")) code = search_at_hour(cx, cx_int(cx, "from_ms", 0), end, &s.low);
    // The hour in which the range ends belongs to it: times of most entries are rounded down to it.
    if (code == OK && cx_has(cx, "to_ms"))
        code = search_at_hour(cx, hour_of(cx_int(cx, "to_ms", 0)) + HOUR_MS, end, &s.at);
    if (cx_has(cx, "block")) {
        int64_t first = cx_int(cx, "block", 0) * LEDGER_BUNDLE;
        if (first > s.low) s.low = first;
        if (first + LEDGER_BUNDLE < s.at) s.at = first + LEDGER_BUNDLE;
    }
    if (before < s.at) s.at = before;
    *ret = s;
    return code;
}

static int get_entries(struct cx *cx) {
    struct str kind = cx_text(cx, "kind");
    int64_t limit = cx_limit(cx, 50, 500), given = 0, seen = 0;
    struct stretch s;
    struct ledger_reader r;
    int code = stretch_of(cx, &s);
    if (code != OK) return code;
    const int64_t most = kind.p ? SCAN_MAX : limit;
    ledger_reader_init(&r, cx->db, NULL);
    jw_object(&cx->w);
    jw_name(&cx->w, "items");
    jw_array(&cx->w);
    for (; code == OK && s.at > s.low && given < limit && seen < most; seen++) {
        struct ledger_entry e = {.index = --s.at};
        bool found = false;
        code = ledger_reader_get(&r, s.at, &e, &found, &cx->err);
        if (code != OK || !found || !ledger_leaf_read(e.leaf, &e)) continue; // `gusu verify` names it
        if (kind.p && !str_eq(e.kind, kind)) continue;
        item_open(cx, &e);
        jw_object_end(&cx->w);
        given++;
    }
    ledger_reader_free(&r);
    jw_array_end(&cx->w);
    if (s.at > s.low) cx_next(cx, str_print(cx->mem, "%" PRId64, s.at));
    jw_nint(&cx->w, "seen_from", s.at); // how far back a filtered page has looked
    jw_object_end(&cx->w);
    return code;
}

// --- what the search box takes ---
struct hits {
    struct ledger_reader reader;
    int64_t index[HITS_MAX];
    int n;
};

static bool is_new(struct hits *h, int64_t index) {
    if (h->n == HITS_MAX || index < 0) return false;
    for (int i = 0; i < h->n; i++)
        if (h->index[i] == index) return false;
    h->index[h->n++] = index;
    return true;
}

static int read_hit(struct cx *cx, struct hits *h, int64_t index, struct ledger_entry *ret, bool *ret_found) {
    *ret = (struct ledger_entry){.index = index};
    int code = ledger_reader_get(&h->reader, index, ret, ret_found, &cx->err);
    if (code == OK && *ret_found) *ret_found = ledger_leaf_read(ret->leaf, ret);
    return code;
}

static int put_index(struct cx *cx, struct hits *h, struct str q) {
    int64_t index, end;
    struct ledger_entry e;
    bool found;
    if (!str_int64(q, &index) || index < 0) return OK;
    int code = ledger_end(cx, &end);
    if (code != OK || index >= end) return code;
    code = read_hit(cx, h, index, &e, &found);
    if (code != OK || !found || !is_new(h, index)) return code;
    item_open(cx, &e);
    jw_ntext(&cx->w, "why", S("index"));
    jw_object_end(&cx->w);
    return OK;
}

// The audit log's rule (core): auditors, who manages the data, and the offices concerned.
static bool may_see_act(struct cx *cx, struct stmt *s) {
    if (cx_is(cx, R_(AUDITOR) | R_(AUTHORITY) | R_(REVIEWER))) return true;
    if (!cx_is(cx, R_LOGIN) || !cx->who.office.p) return false;
    return str_eq(store_str(s, 4, NULL), cx->who.office) || str_eq(store_str(s, 9, NULL), cx->who.office);
}

// Rows of the audit log, in core's columns; the statement is done here.
static int put_acts(struct cx *cx, struct hits *h, struct stmt *s, const char *why) {
    static const struct {
        const char *name;
        int column;
    } told[] = {{"object_kind", 6}, {"object", 7}, {"object_name", 8}, {"office", 9}, {"trace", 10}};
    int code = OK;
    while (code == OK && h->n < HITS_MAX && store_next(s)) {
        struct ledger_entry e;
        bool found = false, may = may_see_act(cx, s);
        code = read_hit(cx, h, store_int(s, 12), &e, &found);
        if (code != OK || !found || (!may && !e.clear.p) || !is_new(h, e.index)) continue;
        item_open(cx, &e);
        jw_ntext(&cx->w, "why", str_of(why));
        for (size_t i = 0; may && i < sizeof told / sizeof told[0]; i++) {
            struct str v = store_str(s, told[i].column, NULL);
            if (v.n) jw_ntext(&cx->w, told[i].name, v);
        }
        jw_object_end(&cx->w);
    }
    int end = store_done(s, &cx->err);
    return code != OK ? code : end;
}

static int put_objects(struct cx *cx, struct hits *h, struct str q) {
    struct str kinds[KINDS_MAX];
    int n = 0;
    struct stmt *s = store_query(cx->db, Q_core_act_kinds, "");
    while (n < KINDS_MAX && store_next(s))
        kinds[n++] = store_str(s, 0, cx->mem);
    int code = store_done(s, &cx->err);
    for (int i = 0; i < n && code == OK; i++)
        code = put_acts(
            cx, h,
            store_query(cx->db, Q_core_act_of_object, "issi", INT64_MAX, kinds[i], q, (int64_t)HITS_MAX),
            "object");
    return code;
}

// --- a leaf's hash, or one of the commitments in it ---
struct wanted {
    struct cx *cx;
    struct hits *hits;
    uint8_t hash[HASH_BYTES];
    int64_t late_us;
    int code;
};

static int compare_hash(void *arg, const struct ledger_entry *given) {
    struct wanted *w = arg;
    struct ledger_entry e = *given;
    uint8_t leaf[HASH_BYTES];
    const char *why = NULL;
    if (!ledger_leaf_read(e.leaf, &e)) return OK;
    for (int t = 0; t < LEDGER_TREES && !why; t++) {
        merkle_leaf(w->cx->hasher, ledger_hash(t), e.leaf, leaf);
        if (memcmp(leaf, w->hash, HASH_BYTES) == 0) why = t == LEDGER_TREE_SM3 ? "leaf_sm3" : "leaf_sha256";
    }
    if (memcmp(e.sha256, w->hash, HASH_BYTES) == 0 || memcmp(e.sm3, w->hash, HASH_BYTES) == 0)
        why = "commitment";
    if (!why || !is_new(w->hits, e.index)) return OK;
    item_open(w->cx, &e);
    jw_ntext(&w->cx->w, "why", str_of(why));
    jw_object_end(&w->cx->w);
    return OK;
}

// Downward, bundle by bundle, until something is found, the stretch ends, or it is time to tell how far it came.
static int put_by_hash(struct cx *cx, struct hits *h, const uint8_t hash[HASH_BYTES], struct stretch *s) {
    struct wanted w = {.cx = cx, .hits = h, .late_us = clock_mono_us() + HASH_SCAN_US};
    const int64_t stop = s->at - HASH_SCAN_MAX > s->low ? s->at - HASH_SCAN_MAX : s->low;
    int code = OK;
    memcpy(w.hash, hash, HASH_BYTES);
    while (code == OK && s->at > stop && h->n == 0 && clock_mono_us() < w.late_us) {
        int64_t from = (s->at - 1) / LEDGER_BUNDLE * LEDGER_BUNDLE, next;
        if (from < s->low) from = s->low;
        code = ledger_reader_each(&h->reader, from, s->at, compare_hash, &w, &next, &cx->err);
        s->at = from;
    }
    return code;
}

static bool read_hash(struct cx *cx, struct str q, uint8_t out[HASH_BYTES]) {
    struct str raw;
    if (q.n == 2 * HASH_BYTES && str_unhex(q, out, HASH_BYTES)) return true;
    if (q.n != 44 || !str_unbase64(cx->mem, q, false, &raw) || raw.n != HASH_BYTES) return false;
    memcpy(out, raw.p, HASH_BYTES);
    return true;
}

static int put_by_word(struct cx *cx, struct hits *h, struct str q) {
    int code = put_index(cx, h, q);
    if (code == OK)
        code = put_acts(
            cx, h, store_query(cx->db, Q_core_act_of_trace, "isi", INT64_MAX, q, (int64_t)HITS_MAX), "trace");
    if (code == OK) code = put_objects(cx, h, q);
    if (code == OK)
        code = put_acts(
            cx, h,
            store_query(cx->db, Q_core_act_of_office, "issi", INT64_MAX, q, STR_NONE, (int64_t)HITS_MAX),
            "office");
    return code;
}

static int get_search(struct cx *cx) {
    struct str q = str_trim(cx_text(cx, "q"));
    struct hits *h = arena_take(cx->mem, sizeof *h);
    struct stretch s = {0};
    uint8_t hash[HASH_BYTES];
    if (!h) return cx_fail(cx, ERR_no_memory, "", "search");
    bool is_hash = read_hash(cx, q, hash);
    int code = stretch_of(cx, &s);
    if (code != OK) return code;
    const int64_t first = s.at;
    ledger_reader_init(&h->reader, cx->db, NULL);
    jw_object(&cx->w);
    jw_name(&cx->w, "items");
    jw_array(&cx->w);
    code = is_hash ? put_by_hash(cx, h, hash, &s) : put_by_word(cx, h, q);
    jw_array_end(&cx->w);
    ledger_reader_free(&h->reader);
    if (is_hash) {
        jw_nint(&cx->w, "seen_from", s.at);
        jw_nint(&cx->w, "seen_to", first);
        if (h->n == 0 && s.at > s.low) cx_next(cx, str_print(cx->mem, "%" PRId64, s.at));
    }
    jw_object_end(&cx->w);
    return code;
}

// --- rows ---
#define RANGE_FIELDS                                                                                         \
    {"from_ms",        .where = IN_QUERY,          .type = T_INT,         .min = 0,                          \
     .max = INT64_MAX, .zh = "起始时间（到小时）", .en = "from this hour"},                                  \
        {"to_ms",                                                                                            \
         .where = IN_QUERY,                                                                                  \
         .type = T_INT,                                                                                      \
         .min = 0,                                                                                           \
         .max = INT64_MAX / 2,                                                                               \
         .zh = "截止时间（到小时）",                                                                         \
         .en = "up to this hour"},                                                                           \
        {"block",      .where = IN_QUERY, .type = T_INT, .min = 0, .max = INT64_MAX / 512,                   \
         .zh = "块号", .en = "block"},                                                                       \
    {                                                                                                        \
        "after", .where = IN_QUERY, .type = T_TEXT, .max = 100, .zh = "续页", .en = "page on"                \
    }
static const struct field takes_list[] = {
    {"kind", .where = IN_QUERY, .type = T_TEXT, .max = 64, .zh = "类别", .en = "kind"},
    {"limit", .where = IN_QUERY, .type = T_INT, .min = 1, .max = 500, .zh = "条数", .en = "entries wanted"},
    RANGE_FIELDS,
    {0}};
static const struct field takes_search[] = {
    {"q", .where = IN_QUERY, .type = T_TEXT, .required = true, .min = 1, .max = 200,
     .zh = "序号、摘要、办件或申请编号、对象编号、机构编号", .en = "index, hash, trace, object or office id"},
    RANGE_FIELDS,
    {0}};
#define ITEM_FIELDS                                                                                          \
    {"index", .type = T_INT, .required = true, .zh = "序号", .en = "index"},                                 \
        {"kind", .type = T_TEXT, .required = true, .zh = "类别", .en = "kind"},                              \
        {"time_ms", .type = T_INT, .required = true, .zh = "时间（非公开条目只到小时）",                     \
         .en = "time, to the hour unless clear"},                                                            \
        {"clear", .type = T_ANY, .zh = "公开部分", .en = "what is shown in clear"}, {                        \
        "leaf_sha256", .type = T_TEXT, .required = true, .zh = "叶哈希", .en = "leaf hash"                   \
    }
static const struct field item_fields[] = {ITEM_FIELDS, {0}};
static const struct field hit_fields[] = {
    ITEM_FIELDS,
    {"why", .type = T_TEXT, .required = true, .zh = "凭什么找到", .en = "found by"},
    {"object_kind", .type = T_TEXT, .zh = "对象种类", .en = "kind of object"},
    {"object", .type = T_TEXT, .zh = "对象编号", .en = "object"},
    {"object_name", .type = T_TEXT, .zh = "对象名称", .en = "its name"},
    {"office", .type = T_TEXT, .zh = "机构", .en = "office"},
    {"trace", .type = T_TEXT, .zh = "追溯编号", .en = "trace id"},
    {0}};
#define NEXT_FIELDS                                                                                          \
    {"next", .type = T_TEXT, .zh = "下一页位置", .en = "where the next page begins"}, {                      \
        "seen_from", .type = T_INT, .zh = "已查到的最早序号", .en = "looked at down to this index"           \
    }
static const struct field list_fields[] = {{"items", .type = T_ITEMS, .required = true, .of = item_fields,
                                            .zh = "条目，新的在前", .en = "entries, newest first"},
                                           NEXT_FIELDS,
                                           {0}};
static const struct field found_fields[] = {
    {"items", .type = T_ITEMS, .required = true, .of = hit_fields, .zh = "找到的条目", .en = "entries found"},
    NEXT_FIELDS,
    {"seen_to", .type = T_INT, .zh = "从该序号起往前查", .en = "looked at from this index down"},
    {0}};
static const struct shape gives_list = {"ledger_entries", list_fields, NULL},
                          gives_found = {"ledger_found", found_fields, NULL};

// A search may look through two hundred thousand entries: not on the loop.
const struct route ledger_search_routes[] = {
    {"GET", "/api/v1/ledger/entries", ROUTE_READ, R_PUBLIC, takes_list, &gives_list, .handle = get_entries,
     .zh = "存证条目", .en = "Entries of the ledger", .scope = LEDGER_SCOPE},
    {"GET", "/api/v1/ledger/search", ROUTE_SLOW, R_PUBLIC, takes_search, &gives_found, .handle = get_search,
     .zh = "查找存证", .en = "Search the ledger", .scope = LEDGER_SCOPE},
    {0}};
