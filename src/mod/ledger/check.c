// SPDX-License-Identifier: MulanPSL-2.0
// One entry held against itself: its leaf's form, salt and detail against the leaf's commitments, the detail against what
// the leaf shows. Whether the leaf is the one that was hashed into the trees is the trees' business. Asked by
// `gusu verify` and by the self-audit, so that both mean the same by "sound".
#include "mod/ledger/ledger.h"

#define HOUR_MS ((int64_t)3600000)

// Each member of the clear part stands in the detail with the same value.
static bool clear_fits(struct arena *row, const struct ledger_entry *e, struct json detail) {
    struct json clear;
    struct err ignore = {0};
    if (!e->clear.p) return true;
    if (json_parse(row, e->clear, &clear, &ignore) != OK) return false;
    for (struct json_iter it = json_iter(clear); json_next(&it);)
        if (!str_eq(json_raw(it.value), json_raw(json_get(detail, it.name)))) return false;
    return true;
}

unsigned ledger_entry_wrong(struct hasher *h, struct arena *row, struct ledger_entry *e,
                            struct json *ret_detail) {
    struct err ignore = {0};
    int64_t time_ms;
    unsigned wrong = 0;
    *ret_detail = (struct json){0};
    if (!ledger_leaf_read(e->leaf, e)) return LEDGER_WRONG_LEAF;
    if (!ledger_leaf_opens(h, e)) wrong |= LEDGER_WRONG_COMMITMENT;
    if (!e->detail.p) return wrong;
    struct json detail;
    if (json_parse(row, e->detail, &detail, &ignore) != OK || !json_is(detail, JSON_OBJECT))
        return wrong | LEDGER_WRONG_DETAIL;
    if (json_int(json_get(detail, S("time_ms")), &time_ms) &&
        e->time_ms != (e->clear.p ? time_ms : time_ms - time_ms % HOUR_MS))
        wrong |= LEDGER_WRONG_TIME;
    struct str verb = json_text(json_get(detail, S("verb")));
    if (verb.p && !str_eq(verb, e->kind)) wrong |= LEDGER_WRONG_KIND;
    if (!clear_fits(row, e, detail)) wrong |= LEDGER_WRONG_CLEAR;
    *ret_detail = detail;
    return wrong;
}

// --- audit rows ---
struct act_column {
    const char *name;
    int column;
    const char *none;
}; // none: what the row holds for an absent value
static const struct act_column act_columns[] = {
    {"actor_name", 5, "gusu"}, {"actor_office", 6, NULL}, {"verb", 7, NULL},    {"object_kind", 8, NULL},
    {"object", 9, ""},         {"object_name", 10, NULL}, {"office", 11, NULL}, {"trace", 12, NULL},
    {"before", 13, NULL},      {"after", 14, NULL},       {"peer", 15, NULL}};

bool ledger_act_fits(struct arena *row, struct stmt *s, struct str entry_detail) {
    struct json detail;
    struct err ignore = {0};
    int64_t time_ms = 0, actor = 0;
    struct str said = store_str(s, 1, NULL);
    if (!str_eq(said, entry_detail) || json_parse(row, said, &detail, &ignore) != OK) return false;
    if (!json_int(json_get(detail, S("time_ms")), &time_ms) || time_ms != store_int(s, 3)) return false;
    if (!json_int(json_get(detail, S("actor")), &actor) || actor != store_int(s, 4)) return false;
    for (size_t i = 0; i < sizeof act_columns / sizeof act_columns[0]; i++) {
        const struct act_column *c = &act_columns[i];
        struct str want = json_text(json_get(detail, str_of(c->name))), have = store_str(s, c->column, NULL);
        if (!want.p) want = str_of(c->none);
        if ((want.p != NULL) != (have.p != NULL) || !str_eq(want, have)) return false;
    }
    return true;
}
