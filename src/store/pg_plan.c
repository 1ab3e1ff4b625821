// SPDX-License-Identifier: MulanPSL-2.0
// The plans of all named queries, read at start as on SQLite. An empty table is always walked, whatever its indexes, so
// walking is made dear first: what is walked then has no index that fits. Parameters whose type the text does not tell
// are tried as integers; at run time the values' letters tell.
#include "store/pg.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAN_PLACES_MAX 256

static int plan_places(const char *sql) {
    int most = 0;
    for (const char *p = sql; (p = strchr(p, '$')); p++) {
        int n = 0;
        while (p[1] >= '0' && p[1] <= '9' && n < 1000)
            n = n * 10 + (*++p - '0');
        if (n > most) most = n;
    }
    return most;
}

// The walk is planned inside an own transaction, which takes the setting with it.
static bool explain(struct conn *c, const char *sql, int places, const Oid *types, PGresult **ret,
                    struct pg_error *error) {
    char run[2048];
    size_t n = (size_t)snprintf(run, sizeof run, "EXPLAIN (COSTS OFF) EXECUTE plan");
    for (int i = 0; i < places && n + 8 < sizeof run; i++)
        n += (size_t)snprintf(run + n, sizeof run - n, "%sNULL", i ? "," : "(");
    snprintf(run + n, sizeof run - n, "%s", places ? ")" : "");
    struct pg *p = c->pg;
    if (!PQsendPrepare(p->db, "plan", sql, places, types)) return false;
    p->waiting++;
    return pg_send(c, run) && pg_wait(c, ret, error);
}

// "inconsistent types deduced for parameter $2": that one is an integer then.
static bool name_type(const struct pg_error *error, Oid *types, int places) {
    const char *at = strchr(error->text, '$');
    long n = at ? strtol(at + 1, NULL, 10) : 0;
    if (n < 1 || n > places || types[n - 1]) return false;
    types[n - 1] = PG_INT8;
    return true;
}

int pg_find_scan(struct conn *c, int q, const char *sql, char *out, size_t out_n, struct err *e) {
    (void)q;
    struct pg_error error, ignore = {0};
    PGresult *r = NULL;
    Oid types[PLAN_PLACES_MAX] = {0};
    int found = 0, places = plan_places(sql);
    bool ok = places <= PLAN_PLACES_MAX && pg_ask(c, "SET enable_seqscan = off", NULL, &ignore);
    do {
        error = (struct pg_error){0};
        ok = ok && explain(c, sql, places, types, &r, &error);
    } while (!ok && name_type(&error, types, places) && (ok = true));
    if (!ok) {
        (void)pg_tell(&error, "plan", e);
        return -1;
    }
    for (int i = 0; i < PQntuples(r) && !found; i++) {
        const char *scan = strstr(PQgetvalue(r, i, 0), "Seq Scan on ");
        if (!scan) continue;
        snprintf(out, out_n, "%s", scan);
        found = 1;
    }
    PQclear(r);
    (void)pg_ask(c, "DEALLOCATE plan", NULL, &ignore);
    return found;
}
