// SPDX-License-Identifier: MulanPSL-2.0
// The module's row, and what it hears from the modules below. Keeps true: when an office is succeeded, everything it
// asked for, provides, holds a key for or has still to do passes over in the announcer's transaction; when a data set
// changes, no compiled view of before is believed any more.
#include "mod/exchange/calls.h"
#include "mod/exchange/flow.h"
#include "mod/ledger/ledger.h"

static int start(struct cx *cx) {
    cx->city->who_key = key_who;
    int code = exchange_cache_start(cx);
    return code == OK ? meter_start(cx) : code;
}

// Rows keep their history: office_asked of an application and closed steps stay under the old office.
static int succeed(struct cx *cx, struct str old, struct str successor) {
    static const struct {
        enum query q;
        bool is_timed; // the row tells when it changed
    } moves[] = {{Q_exchange_applications_move, true},
                 {Q_exchange_lines_move, false},
                 {Q_exchange_steps_move, false},
                 {Q_exchange_grants_move_office, true},
                 {Q_exchange_grants_move_provider, true}};
    int code = OK;
    for (size_t i = 0; i < sizeof moves / sizeof moves[0] && code == OK; i++)
        code = moves[i].is_timed
                   ? store_exec(cx->db, NULL, &cx->err, moves[i].q, "ssi", old, successor, cx->now_ms)
                   : store_exec(cx->db, NULL, &cx->err, moves[i].q, "ss", old, successor);
    exchange_moved(cx); // the office of every key was cached
    return code;
}

// An entry is about to lose its detail: the salts of a call about people go with it.
static int forget_call(struct cx *cx, struct str object) {
    struct ledger_entry e;
    struct json detail;
    int64_t index = -1, grant = 0;
    if (!str_int64(object, &index)) return OK;
    int code = ledger_entry_get(cx, index, &e);
    if (code != OK || !str_starts(e.kind, S("exchange.")) || !e.detail.p) return code;
    if (json_parse(cx->mem, e.detail, &detail, NULL) != OK || !json_int(json_get(detail, S("grant")), &grant))
        return OK;
    return json_text(json_get(detail, S("rows_root"))).p ? calls_erase_salts(cx, grant, index) : OK;
}

static int on_event(struct cx *cx, const char *event, struct str object, struct str office) {
    if (strcmp(event, "ledger.erased") == 0) return forget_call(cx, object);
    if (strcmp(event, "office.succeeded") == 0) return succeed(cx, object, office);
    if (strncmp(event, "dataset.", 8) == 0 || strcmp(event, "system.ended") == 0) exchange_moved(cx);
    return OK;
}

static const struct route *const tables[] = {
    exchange_call_routes,        exchange_batch_routes, exchange_proxy_routes, exchange_grant_routes,
    exchange_application_routes, exchange_trace_routes, exchange_todo_routes,  NULL};
static const struct job jobs[] = {
    {"exchange.expire", 60, exchange_expire, "到期的授权结束", "Ends grants whose time is over", false,
     false},
    {"exchange.late", 60, exchange_late, "告知超期的环节", "Tells of steps whose clock has run out", false,
     false},
    {"exchange.seal", 5, calls_seal, "封存较早的调用清单", "Seals older calls into runs", true, false},
    {0}};

const struct module exchange_module = {.name = "exchange",
                                       .route_tables = tables,
                                       .jobs = jobs,
                                       .on_event = on_event,
                                       .start = start,
                                       .stop = exchange_cache_stop,
                                       .zh = "共享交换",
                                       .en = "Exchange"};
