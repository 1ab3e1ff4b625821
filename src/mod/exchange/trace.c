// SPDX-License-Identifier: MulanPSL-2.0
// 全程可溯: everything that one application led to, as nodes and edges, found from any of its ids: the application, a
// grant's number, what people see of a key. Nothing is kept for it: the picture is made from the rows and from the
// acts that carry the same trace id, so it cannot differ from them.
//
//   dataset ─► application ─► sign ─► [county] ─► check ─┬─► answer ─► provider_sign ─► grant ─► key ─► calls
//                                                        └─► answer …                     └─► suspend, revoke …
#include "mod/exchange/calls.h"
#include "mod/exchange/flow.h"
#include "mod/exchange/shapes.h"
#include <inttypes.h>

#define DEEDS_MAX 1000
#define EDGES_MAX 2000

struct deed {
    int64_t time_ms, actor, entry;
    struct str verb, object, actor_name, office, detail;
};
struct edge {
    struct str from, to;
};
struct picture {
    struct application *a;
    struct deed *deeds;
    struct edge *edges;
    int deeds_n, edges_n;
};
struct node {
    const char *kind;
    struct str id, title_zh, title_en, by, office, state, reason, link;
    const char *light;
    int64_t at_ms, due_ms, entry;
};

static void edge(struct picture *p, struct str from, struct str to) {
    if (from.p && p->edges_n < EDGES_MAX) p->edges[p->edges_n++] = (struct edge){from, to};
}

static void node_json(struct cx *cx, const struct node *n) {
    const struct {
        const char *name;
        struct str v;
    } texts[] = {{"id", n->id},       {"title_zh", n->title_zh}, {"title_en", n->title_en}, {"by", n->by},
                 {"state", n->state}, {"reason", n->reason},     {"link", n->link}};
    struct jw *w = &cx->w;
    jw_object(w);
    jw_ntext(w, "kind", str_of(n->kind));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].v.n || i < 3) jw_ntext(w, texts[i].name, texts[i].v.p ? texts[i].v : S(""));
    if (n->office.n) {
        jw_ntext(w, "office", n->office);
        jw_ntext(w, "office_name", people_office_name(cx, n->office, n->at_ms));
    }
    if (n->at_ms) jw_nint(w, "at_ms", n->at_ms);
    if (n->due_ms) jw_nint(w, "due_ms", n->due_ms);
    if (n->light) jw_ntext(w, "light", str_of(n->light));
    if (n->entry >= 0) jw_nint(w, "entry", n->entry);
    jw_object_end(w);
}

static int read_deeds(struct cx *cx, struct picture *p) {
    p->deeds = arena_array(cx->mem, DEEDS_MAX, sizeof *p->deeds);
    p->edges = arena_array(cx->mem, EDGES_MAX, sizeof *p->edges);
    if (!p->deeds || !p->edges) return cx_fail(cx, ERR_no_memory, "", "trace");
    struct stmt *s = store_query(cx->db, Q_core_act_of_trace, "isi", INT64_MAX, p->a->id, (int64_t)DEEDS_MAX);
    while (p->deeds_n < DEEDS_MAX && store_next(s))
        p->deeds[p->deeds_n++] = (struct deed){.time_ms = store_int(s, 1),
                                               .actor = store_int(s, 2),
                                               .actor_name = store_str(s, 3, cx->mem),
                                               .office = store_str(s, 4, cx->mem),
                                               .verb = store_str(s, 5, cx->mem),
                                               .object = store_str(s, 7, cx->mem),
                                               .detail = store_str(s, 11, cx->mem),
                                               .entry = store_int(s, 12)};
    return store_done(s, &cx->err);
}

static const struct deed *deed_of(const struct picture *p, const char *verb, struct str object) {
    for (int i = 0; i < p->deeds_n; i++)
        if (str_eq(p->deeds[i].verb, str_of(verb)) && str_eq(p->deeds[i].object, object)) return &p->deeds[i];
    return NULL;
}

static int64_t entry_at(const struct picture *p, int64_t time_ms, int64_t actor) {
    for (int i = 0; i < p->deeds_n; i++)
        if (p->deeds[i].time_ms == time_ms && p->deeds[i].actor == actor) return p->deeds[i].entry;
    return -1;
}

static struct str step_id(struct cx *cx, const struct step *s) {
    return str_print(cx->mem, "step:%" PRId64, s->id);
}

// The steps of one line (0: of the whole) in their order, each an edge from the one before. Returns the last one's id.
static struct str put_steps(struct cx *cx, struct picture *p, int64_t line, struct str from) {
    for (int i = 0; i < p->a->steps_n; i++) {
        const struct step *s = &p->a->steps[i];
        const struct step_kind *k = step_kind(s->step);
        if (s->line != line || !k || str_eq(s->step, S("supply"))) continue; // the key itself is a node
        bool todo = str_eq(s->state, S("todo"));
        struct node n = {.kind = k->step,
                         .id = step_id(cx, s),
                         .title_zh = str_of(k->zh),
                         .title_en = str_of(k->en),
                         .by = s->by_name,
                         .office = s->office,
                         .state = s->state,
                         .reason = s->reason,
                         .light = str_eq(s->state, S("withdrawn"))
                                      ? "grey"
                                      : catalog_light(cx, s->due_ms, todo ? 0 : s->at_ms),
                         .at_ms = s->at_ms,
                         .due_ms = s->due_ms,
                         .entry = s->at_ms ? entry_at(p, s->at_ms, s->by_account) : -1};
        node_json(cx, &n);
        edge(p, from, n.id);
        from = n.id;
    }
    return from;
}

// Calls of a grant: one node, since there may be millions; the list behind the link tells each.
static int put_calls(struct cx *cx, struct picture *p, const struct grant *g, struct str from) {
    struct stmt *s = store_query(cx->db, Q_exchange_meter_total, "i", g->id);
    int64_t calls = store_next(s) ? store_int(s, 0) : 0, last_ms = calls ? store_int(s, 1) : 0;
    int code = store_done(s, &cx->err);
    if (code != OK || !calls) return code;
    struct node n = {.kind = "call",
                     .id = str_print(cx->mem, "calls:%" PRId64, g->id),
                     .title_zh = str_print(cx->mem, "调用 %" PRId64 " 次", calls),
                     .title_en = str_print(cx->mem, "%" PRId64 " calls", calls),
                     .by = g->system,
                     .office = g->office,
                     .at_ms = last_ms,
                     .link = str_print(cx->mem, "/desk/grants/%" PRId64, g->id),
                     .entry = -1};
    node_json(cx, &n);
    edge(p, from, n.id);
    return OK;
}

static int put_keys(struct cx *cx, struct picture *p, const struct grant *g, struct str from,
                    struct str *ret_last) {
    struct stmt *s = store_query(cx->db, Q_exchange_keys_of, "i", g->id);
    *ret_last = from;
    while (store_next(s)) {
        int64_t id = store_int(s, 0), made_ms = store_int(s, 3), actor = 0, entry = -1;
        struct str by = STR_NONE;
        for (int i = 0; i < p->deeds_n; i++)
            if (p->deeds[i].time_ms == made_ms && str_eq(p->deeds[i].verb, S("key.make"))) {
                by = p->deeds[i].actor_name;
                actor = p->deeds[i].actor;
                entry = p->deeds[i].entry;
            }
        struct str name = actor ? people_account_name(cx, actor) : STR_NONE,
                   prefix = store_str(s, 1, cx->mem);
        struct node n = {.kind = "key",
                         .id = str_print(cx->mem, "key:%" PRId64, id),
                         .title_zh = prefix,
                         .title_en = prefix,
                         .by = name.n ? name : by,
                         .office = g->office,
                         .state = store_str(s, 2, cx->mem),
                         .at_ms = made_ms,
                         .entry = entry};
        node_json(cx, &n);
        edge(p, from, n.id);
        *ret_last = n.id;
    }
    return store_done(s, &cx->err);
}

// What happened to a grant later: each act that stopped or resumed it.
static void put_life(struct cx *cx, struct picture *p, struct str grant, struct str from) {
    static const struct {
        const char *verb, *kind, *zh, *en;
    } later[] = {{"grant.suspend", "suspend", "中止授权", "suspended"},
                 {"grant.resume", "resume", "恢复授权", "resumed"},
                 {"grant.revoke", "revoke", "收回授权", "revoked"},
                 {"grant.end", "revoke", "授权到期", "ended"},
                 {"key.revoke", "revoke", "停用密钥", "key ended"}};
    for (int i = p->deeds_n - 1; i >= 0; i--) { // oldest first
        const struct deed *d = &p->deeds[i];
        if (!str_eq(d->object, grant)) continue;
        for (size_t k = 0; k < sizeof later / sizeof later[0]; k++) {
            if (!str_eq(d->verb, str_of(later[k].verb))) continue;
            struct json detail;
            struct str reason = STR_NONE, name = people_account_name(cx, d->actor);
            if (d->detail.n && json_parse(cx->mem, d->detail, &detail, NULL) == OK)
                reason = json_text(json_get(json_get(detail, S("detail")), S("reason")));
            struct node n = {.kind = later[k].kind,
                             .id = str_print(cx->mem, "entry:%" PRId64, d->entry),
                             .title_zh = str_of(later[k].zh),
                             .title_en = str_of(later[k].en),
                             .by = name.n ? name : d->actor_name,
                             .office = d->office,
                             .reason = reason,
                             .at_ms = d->time_ms,
                             .entry = d->entry};
            node_json(cx, &n);
            edge(p, from, n.id);
        }
    }
}

static int put_grant(struct cx *cx, struct picture *p, const struct grant *g, struct str from) {
    struct str id = str_print(cx->mem, "%" PRId64, g->id), last;
    struct catalog_dataset *ds = dataset_shown(cx, g->dataset);
    const struct deed *made = deed_of(p, "grant.make", id);
    struct node n = {
        .kind = "grant",
        .id = str_print(cx->mem, "grant:%" PRId64, g->id),
        .title_zh = str_print(cx->mem, "授权 %" PRId64 " %.*s", g->id, STRF(ds ? ds->title_zh : g->dataset)),
        .title_en =
            str_print(cx->mem, "Grant %" PRId64 ": %.*s", g->id, STRF(ds ? ds->title_en : g->dataset)),
        .by = made ? made->actor_name : STR_NONE,
        .office = g->provider,
        .state = g->state,
        .link = str_print(cx->mem, "/desk/grants/%" PRId64, g->id),
        .at_ms = g->made_ms,
        .entry = made ? made->entry : -1};
    node_json(cx, &n);
    edge(p, from, n.id);
    int code = put_keys(cx, p, g, n.id, &last);
    if (code == OK) code = put_calls(cx, p, g, last);
    if (code == OK) put_life(cx, p, id, n.id);
    return code;
}

static void put_dataset(struct cx *cx, struct picture *p, int at, struct str to) {
    const struct line *l = &p->a->lines[at];
    for (int i = 0; i < at; i++)
        if (str_eq(p->a->lines[i].dataset, l->dataset)) return; // two lines of one data set are one node
    struct catalog_dataset *ds = dataset_shown(cx, l->dataset);
    struct node n = {.kind = "dataset",
                     .id = str_print(cx->mem, "dataset:%.*s", STRF(l->dataset)),
                     .title_zh = ds ? ds->title_zh : l->dataset,
                     .title_en = ds ? ds->title_en : l->dataset,
                     .office = l->provider,
                     .at_ms = ds ? ds->published_ms : 0,
                     .link = str_print(cx->mem, "/desk/catalog/%.*s", STRF(l->dataset)),
                     .entry = -1};
    node_json(cx, &n);
    edge(p, n.id, to);
}

static int put_nodes(struct cx *cx, struct picture *p) {
    struct application *a = p->a;
    const struct deed *made = deed_of(p, "application.submit", a->id);
    if (!made) made = deed_of(p, "application.create", a->id);
    struct node n = {.kind = "application",
                     .id = a->id,
                     .title_zh = a->title,
                     .title_en = a->title,
                     .by = people_account_name(cx, a->applicant),
                     .office = a->office_asked,
                     .state = a->state,
                     .link = str_print(cx->mem, "/desk/applications/%.*s", STRF(a->id)),
                     .at_ms = a->created_ms,
                     .entry = made ? made->entry : -1};
    for (int i = 0; i < a->lines_n; i++)
        put_dataset(cx, p, i, n.id);
    node_json(cx, &n);
    struct str whole = put_steps(cx, p, 0, n.id);
    int code = OK;
    for (int i = 0; i < a->lines_n && code == OK; i++) {
        struct str last = put_steps(cx, p, a->lines[i].n, whole);
        struct grant g;
        if (!a->lines[i].grant_id) continue;
        code = grant_get(cx, a->lines[i].grant_id, &g);
        if (code == OK) code = put_grant(cx, p, &g, last);
    }
    return code;
}

static int put_use(struct cx *cx, const struct application *a) {
    struct jw *w = &cx->w;
    int64_t calls = 0, rows = 0, last_ms = 0, first_ms = 0;
    int code = OK;
    for (int i = 0; i < a->lines_n && code == OK; i++) {
        int64_t ms = 0;
        if (a->lines[i].grant_id) code = calls_first(cx, a->lines[i].grant_id, &ms);
        if (ms && (!first_ms || ms < first_ms)) first_ms = ms;
    }
    if (code != OK) return code;
    jw_name(w, "calls");
    jw_object(w);
    jw_name(w, "by_day");
    jw_array(w);
    struct stmt *s = store_query(cx->db, Q_exchange_meter_of_application, "s", a->id);
    while (store_next(s)) {
        calls += store_int(s, 1);
        rows += store_int(s, 2);
        if (store_int(s, 3) > last_ms) last_ms = store_int(s, 3);
        jw_object(w);
        jw_ntext(w, "day", clock_date(cx->mem, (int32_t)store_int(s, 0)));
        jw_nint(w, "n", store_int(s, 1));
        jw_nint(w, "rows", store_int(s, 2));
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_nint(w, "n", calls);
    jw_nint(w, "rows", rows);
    if (first_ms) jw_nint(w, "first_ms", first_ms);
    if (calls) jw_nint(w, "last_ms", last_ms);
    jw_object_end(w);
    return store_done(s, &cx->err);
}

// Any id of the chain: "SQ-2026-000001", "12" or "grant:12", "gk_3_ab…" or "key:3".
static int find(struct cx *cx, struct str asked, struct application **ret) {
    struct str rest = asked, number = asked, application = asked;
    int64_t id = 0;
    bool is_key = str_starts(asked, S("gk_")) || str_starts(asked, S("key:"));
    if (str_starts(asked, S("gk_"))) number = str_cut((struct str){asked.p + 3, asked.n - 3}, '_', &rest);
    if (str_starts(asked, S("key:"))) number = (struct str){asked.p + 4, asked.n - 4};
    if (str_starts(asked, S("grant:"))) number = (struct str){asked.p + 6, asked.n - 6};
    if (str_int64(number, &id) && is_key) {
        struct stmt *s = store_query(cx->db, Q_exchange_key_get, "i", id);
        id = store_next(s) ? store_int(s, 0) : 0;
        int code = store_done(s, &cx->err);
        if (code != OK) return code;
    }
    if (id > 0) {
        struct grant g;
        int code = grant_get(cx, id, &g);
        if (code != OK) return code;
        application = g.application;
    }
    return application_get(cx, application, ret);
}

static int get_trace(struct cx *cx) {
    struct picture p = {0};
    struct str asked = str_trim(cx_text(cx, "id"));
    struct jw *w = &cx->w;
    int code = find(cx, asked, &p.a);
    if (code == OK && !application_may_see(cx, p.a))
        code = cx_fail(cx, ERR_not_found, "id", "%.*s", (int)(asked.n > 60 ? 60 : asked.n), asked.p);
    if (code == OK) code = read_deeds(cx, &p);
    if (code != OK) return code;
    jw_object(w);
    jw_ntext(w, "id", p.a->id);
    jw_ntext(w, "asked", asked);
    jw_ntext(w, "application", p.a->id);
    if (p.a->lines_n) jw_ntext(w, "dataset", p.a->lines[0].dataset);
    jw_name(w, "nodes");
    jw_array(w);
    code = put_nodes(cx, &p);
    jw_array_end(w);
    jw_name(w, "edges");
    jw_array(w);
    for (int i = 0; i < p.edges_n; i++) {
        jw_object(w);
        jw_ntext(w, "from", p.edges[i].from);
        jw_ntext(w, "to", p.edges[i].to);
        jw_object_end(w);
    }
    jw_array_end(w);
    if (code == OK) code = put_use(cx, p.a);
    jw_object_end(w);
    return code;
}

static const struct field trace_takes[] = {{"id", IN_PATH, T_TEXT, true, 1, 100,
                                            .zh = "申请编号、授权编号或密钥前缀",
                                            .en = "application, grant or key"},
                                           {0}};

const struct route exchange_trace_routes[] = {
    {"GET", "/api/v1/trace/{id}", ROUTE_READ, R_ALL_OFFICE | R_(AUDITOR), trace_takes, &exchange_trace_shape,
     NULL, 0, 0, get_trace, "全程追溯", "The whole trace", "exchange:read"},
    {0}};
