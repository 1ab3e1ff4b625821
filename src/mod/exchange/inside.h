// SPDX-License-Identifier: MulanPSL-2.0
// What the files of exchange share and no other module sees.
#ifndef EXCHANGE_INSIDE_H
#define EXCHANGE_INSIDE_H
#include "core/city.h"
#include "core/table.h"
#include "mod/catalog/catalog.h"
#include "mod/exchange/exchange.h"

#define EXCHANGE_RATE_STANDARD 200 // calls a second and key, unless the provider's answer says otherwise
#define EXCHANGE_RATE_MAX      1000000
#define EXCHANGE_QUOTA_MAX     1000000000 // calls a day
#define EXCHANGE_PERIOD_MAX    1826       // days a grant may last (five years)
#define EXCHANGE_KEYS_MAX      10         // living keys of one grant
#define EXCHANGE_CASE_MAX      100        // characters of a case number, an operator

struct grant { // a row of exchange_grant
    int64_t id, line, quota_per_day, rate_per_s, valid_from_ms, valid_to_ms, version, made_ms, changed_ms;
    struct str application, dataset, office, provider, system, matter, columns, released, filter, upstream,
        state, reason;
    bool verify_only;
};
int grant_get(struct cx *cx, int64_t id, struct grant *ret) MUST; // ERR_not_found (said)

// A grant compiled: what may leave under it. Made from the store, kept while the authorisation generation stands,
// shared between threads: pinned while used, never changed.
struct grant_view {
    struct arena mem; // owns all of it
    int64_t grant_id;
    uint64_t generation;
    _Atomic int pins;
    struct grant grant;
    struct catalog_dataset *dataset;
    struct table_shape shape;
    struct table_view view;
    int *shape_to_dataset; // shape column → dataset column
    bool is_personal;
};
int grant_view_pin(struct cx *cx, int64_t grant_id, struct grant_view **ret) MUST;
void grant_view_unpin(struct grant_view *v);

// A key as the call path needs it; kept like a view.
struct key_seen {
    int64_t id, grant_id;
    uint64_t generation;
    uint8_t digest[HASH_BYTES];
    bool is_active;
    struct str system, office;
};

struct exchange_state; // caches and rate buckets: cache.c
int exchange_cache_start(struct cx *cx) MUST;
void exchange_cache_stop(struct city *city);
struct exchange_state *exchange_state(struct city *city);
void exchange_moved(
    struct cx *cx); // any grant or key changed: what was cached or judged before is not believed

int key_who(struct cx *cx, struct str token);       // city->who_key
int key_is_active(struct cx *cx, int64_t key) MUST; // as the store says now (writer's second look)
int key_of_grant(struct cx *cx, int64_t key, int64_t grant_id) MUST; // ERR_grant_other
// Takes one call of the key's allowance; false: *ret_wait_ms until there is one again.
bool key_rate(struct cx *cx, int64_t key, int64_t rate_per_s, int64_t *ret_wait_ms);
void key_rate_back(struct cx *cx, int64_t key, int64_t n); // calls that were taken and then not made
int key_make(struct cx *cx, int64_t grant_id, int64_t *ret_id, struct str *ret_token) MUST; // writer

extern const struct route exchange_call_routes[], exchange_batch_routes[];
int64_t exchange_day(int64_t time_ms); // local day of the meter

// What every call under a grant must name; filled and judged by call_open.
struct call_names {
    struct str system, matter, case_no, operator;
};
int grant_state_ok(struct cx *cx, const struct grant *g) MUST; // may anything leave under it now?
int call_program(struct cx *cx, struct grant_view *v, struct call_names *ret) MUST; // system and matter
int call_person(struct cx *cx, bool required, struct call_names *ret) MUST;         // case and operator
int call_open(struct cx *cx, struct grant_view *v, struct call_names *ret) MUST;    // both, and the rate
int call_only_verifies(struct cx *cx,
                       const struct grant_view *v) MUST; // ERR_verify_only where no row may leave
// What a call does once it is open: the reply into cx->w, its note into cx->note.
int call_rows(struct cx *cx, struct grant_view *v, const struct call_names *names, struct str query,
              enum table_format f) MUST;
int call_verify(struct cx *cx, struct grant_view *v, const struct call_names *names, struct json values) MUST;
// The note of a call: detail, quota at commit, list row. `fields`/`filter` as text for people.
struct call_note {
    int64_t grant_id, key_id, rows, bytes, quota, entry;
    struct str salts;
};
// For whoever makes his own note under a grant (proxy.c): the grant and key as they stand in this transaction, and
// one call of the day's quota.
int call_authorised(struct cx *cx, const struct call_note *c) MUST;
// Quota and meter, on the writer (meter.c). call_take: one call, ERR_quota_used; meter_left and meter_take: for many.
struct meter;
int meter_start(struct cx *cx) MUST;
struct meter *exchange_meter(struct city *city); // kept by cache.c; NULL once the module has stopped
void exchange_meter_set(struct city *city, struct meter *m);
int call_take(struct cx *cx, const struct call_note *c, int64_t time_ms) MUST;
int meter_left(struct cx *cx, const struct call_note *c, int64_t time_ms, int64_t *ret_calls) MUST;
int meter_take(struct cx *cx, int64_t grant, int64_t time_ms, int64_t calls, int64_t rows,
               int64_t bytes) MUST;
int with_view(struct cx *cx, int (*fn)(struct cx *cx, struct grant_view *v)) MUST;
int call_note(struct cx *cx, struct grant_view *v, const struct call_names *names, const char *kind,
              struct str fields, struct str filter, int64_t rows, struct str reply, struct str rows_root,
              struct str salts) MUST;
#endif
