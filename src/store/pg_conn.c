// SPDX-License-Identifier: MulanPSL-2.0
// A connection to PostgreSQL, always in pipeline mode: what need not be waited for is sent and forgotten until somebody
// waits. Keeps true: results are read in one place (pg_wait), each belongs to one statement sent; a connection that
// broke is made anew by itself, never inside a transaction, and statements prepared on the old one are prepared again.
#include "store/pg.h"
#include "base/clock.h"
#include "base/log.h"
#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

// What a session is set to. The writer reads what is committed: the head row's lock, taken first, is what puts batches
// in one order (pg_tx.c). A node that stands still while it holds that lock loses it: its session is ended. Plans are
// made once: the statements are few and their shape is fixed, planning each anew costs more than running it.
static const char session_all[] = "SET client_min_messages = warning; SET TimeZone = 'UTC'; SET jit = off;"
                                  "SET plan_cache_mode = force_generic_plan;"
                                  "SET default_text_search_config = 'pg_catalog.simple';";
static const char session_writer[] = "SET default_transaction_isolation = 'read committed';"
                                     "SET synchronous_commit = on; SET lock_timeout = '10s';"
                                     "SET idle_in_transaction_session_timeout = '10s'";
static const char session_reader[] = "SET default_transaction_isolation = 'repeatable read';"
                                     "SET default_transaction_read_only = on";

void pg_broken(struct conn *c, struct pg_error *ret) {
    struct pg *p = c->pg;
    if (ret && !ret->state[0]) {
        snprintf(ret->state, sizeof ret->state, "08006");
        snprintf(ret->text, sizeof ret->text, "%s", PQerrorMessage(p->db));
        ret->text[strcspn(ret->text, "\n")] = 0;
    }
    p->waiting = p->fresh_n = 0;
    p->tx_failed = p->lost = p->in_tx;
    if (p->in_tx && !p->error.state[0] && ret) p->error = *ret;
    if (!c->is_writer) c->has_read = false;
}

static void error_of(const PGresult *r, PGconn *db, struct pg_error *ret) {
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    snprintf(ret->state, sizeof ret->state, "%s", state ? state : "08006");
    snprintf(ret->text, sizeof ret->text, "%s", text ? text : PQerrorMessage(db));
    ret->text[strcspn(ret->text, "\n")] = 0;
}

// What SQLSTATE says (https://www.postgresql.org/docs/15/errcodes-appendix.html), as our codes.
int pg_tell(const struct pg_error *error, const char *what, struct err *e) {
    static const struct {
        const char *begins;
        enum err_code code;
    } rows[] = {
        {"23505", ERR_store_unique}, // unique_violation
        {"53100", ERR_store_full},   // disk_full
        {"53200", ERR_no_memory},    // out_of_memory
        {"57014", ERR_busy},         // query_canceled: the step limit
        {"40", ERR_busy},            // serialization, deadlock
        {"55P03", ERR_busy},         // lock_timeout
        {"53300", ERR_busy},         // too_many_connections
        {"08", ERR_busy},            // connection lost
        {"57P", ERR_busy},           // shutting down, starting up
        {"25P03", ERR_busy},         // idle_in_transaction_session_timeout
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strncmp(error->state, rows[i].begins, strlen(rows[i].begins)) == 0)
            return err_set(e, rows[i].code, "", "%s", what);
    return err_set(e, ERR_store, "", "%s: %s %s", what, error->state, error->text);
}

static void no_notice(void *arg, const PGresult *r) {
    (void)arg;
    (void)r;
}

static bool plain(struct pg *p, const char *sql, struct pg_error *error) {
    PGresult *r = PQexec(p->db, sql);
    bool ok = PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK;
    if (!ok) error_of(r, p->db, error);
    PQclear(r);
    return ok;
}

// A schema that the address names (options=-csearch_path=…) and that is not there yet: cities may share a database.
static bool make_schema(struct pg *p, struct pg_error *error) {
    return plain(
        p,
        "DO $$ BEGIN IF current_schema() IS NULL THEN EXECUTE 'CREATE SCHEMA IF NOT EXISTS ' ||"
        " quote_ident(trim(both ' \"' from split_part(current_setting('search_path'), ',', 1))); END IF;"
        " END $$",
        error);
}

static bool set_up(struct conn *c, struct pg_error *error) {
    struct pg *p = c->pg;
    if (PQstatus(p->db) != CONNECTION_OK) {
        pg_broken(c, error);
        return false;
    }
    PQsetNoticeReceiver(p->db, no_notice, NULL);
    bool ok = plain(p, session_all, error) && (!c->is_writer || make_schema(p, error)) &&
              plain(p, c->is_writer ? session_writer : session_reader, error) &&
              PQenterPipelineMode(p->db) == 1;
    p->life++;
    p->waiting = p->fresh_n = 0;
    c->has_read = false;
    return ok;
}

// Doubling pauses: a database that starts anew is not helped by being asked all the time.
bool pg_alive(struct conn *c) {
    struct pg *p = c->pg;
    if (PQstatus(p->db) == CONNECTION_OK) return true;
    if (p->in_tx || clock_mono_us() < p->next_try_us) return false;
    struct pg_error error = {0};
    PQreset(p->db);
    if (set_up(c, &error)) {
        p->again_ms = 0;
        log_line(LOG_INFO, "store", "connected to PostgreSQL again");
        return true;
    }
    if (p->again_ms == 0) log_line(LOG_WARN, "store", "no PostgreSQL: %s", error.text);
    p->again_ms = p->again_ms ? p->again_ms * 2 : PG_AGAIN_MS_FIRST;
    if (p->again_ms > PG_AGAIN_MS_MOST) p->again_ms = PG_AGAIN_MS_MOST;
    p->next_try_us = clock_mono_us() + p->again_ms * 1000;
    return false;
}

bool pg_send(struct conn *c, const char *sql) {
    struct pg *p = c->pg;
    if (!PQsendQueryParams(p->db, sql, 0, NULL, NULL, NULL, NULL, 1)) return false;
    p->waiting++;
    return true;
}

bool pg_send_ints(struct conn *c, const char *sql, int n, const int64_t *values) {
    struct pg *p = c->pg;
    Oid types[4] = {PG_INT8, PG_INT8, PG_INT8, PG_INT8};
    uint64_t be[4];
    const char *ptrs[4] = {(const char *)&be[0], (const char *)&be[1], (const char *)&be[2],
                           (const char *)&be[3]};
    const int lengths[4] = {8, 8, 8, 8}, formats[4] = {1, 1, 1, 1};
    assert(n <= 4);
    for (int i = 0; i < n; i++)
        be[i] = htobe64((uint64_t)values[i]);
    if (!PQsendQueryParams(p->db, sql, n, types, ptrs, lengths, formats, 1)) return false;
    p->waiting++;
    return true;
}

bool pg_wait(struct conn *c, PGresult **ret_last, struct pg_error *error) {
    struct pg *p = c->pg;
    PGresult *last = NULL;
    bool ok = true, ends = false;
    int n = p->waiting, at = 0; // at: which of the statements sent the next result belongs to
    if (!PQpipelineSync(p->db)) ok = false;
    while (ok || !ends) {
        PGresult *r = PQgetResult(p->db);
        if (!r) { // the end of one statement's results
            if (PQstatus(p->db) != CONNECTION_OK || ++at > n + 1) break;
            continue;
        }
        ExecStatusType status = PQresultStatus(r);
        if (status == PGRES_PIPELINE_SYNC) {
            PQclear(r);
            ends = true;
            break;
        }
        bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
        if (!good && status != PGRES_PIPELINE_ABORTED && !error->state[0]) error_of(r, p->db, error);
        if (!good && at < n - 1) p->lost = p->in_tx; // nobody waits for that one
        ok = ok && good;
        if (good && at == n - 1) {
            PQclear(last);
            last = r;
        } else {
            PQclear(r);
        }
    }
    p->waiting = 0;
    for (int i = 0; i < p->fresh_n && !ok; i++)
        p->fresh[i]->life = 0; // perhaps not there: prepared again, by another name, at the next use
    p->fresh_n = 0;
    if (!ends) {
        ok = false;
        pg_broken(c, error);
    }
    if (ok && ret_last)
        *ret_last = last;
    else
        PQclear(last);
    return ok;
}

bool pg_ask(struct conn *c, const char *sql, PGresult **ret, struct pg_error *error) {
    if (pg_send(c, sql)) return pg_wait(c, ret, error);
    pg_broken(c, error);
    return false;
}

// Several statements at once need the simple protocol, which the pipeline must be left for.
int pg_script(struct conn *c, const char *sql, struct err *e) {
    struct pg *p = c->pg;
    struct pg_error error = {0};
    if (p->waiting && !pg_wait(c, NULL, &error)) return pg_tell(&error, "script", e);
    if (PQexitPipelineMode(p->db) != 1) return err_set(e, ERR_store, "", "script: %s", PQerrorMessage(p->db));
    bool ok = plain(p, sql, &error);
    if (!ok) p->tx_failed = p->in_tx;
    if (PQstatus(p->db) == CONNECTION_OK && PQenterPipelineMode(p->db) != 1) ok = false;
    p->changes++;
    return ok ? OK : pg_tell(&error, "script", e);
}

static int open_pg(struct store *s, const char *where, bool is_writer, struct conn **ret, struct err *e) {
    static const char *const names[] = {"dbname", "client_encoding", "connect_timeout", "application_name",
                                        NULL};
    const char *const values[] = {where, "UTF8", "5", is_writer ? "gusu writer" : "gusu reader", NULL};
    struct conn *c = NULL;
    struct pg_error error = {0};
    int code = conn_new(s, &engine_postgres, &c, e);
    if (code != OK) return code;
    c->is_writer = is_writer;
    c->pg = calloc(1, sizeof *c->pg);
    if (c->pg) c->pg->url = strdup(where);
    if (!c->pg || !c->pg->url) {
        store_conn_close(c);
        return err_set(e, ERR_no_memory, "", "connection");
    }
    c->pg->left_us = -1;
    c->pg->db = PQconnectdbParams(names, values, 1);
    if (!set_up(c, &error)) // the address may hold a password: it is not told
        code = err_set(e, ERR_store, "store", "PostgreSQL: %s %s", error.state, error.text);
    if (code == OK && is_writer) code = pg_join(c, e);
    if (code != OK) {
        store_conn_close(c);
        return code;
    }
    *ret = c;
    return OK;
}

static void close_pg(struct conn *c) {
    if (!c->pg) return;
    PQfinish(c->pg->db);
    free(c->pg->url);
    free(c->pg);
    c->pg = NULL;
}

static void read_begin(struct conn *c) {
    c->wants_read = true;
}

// The end is sent, and read with whatever comes next: nobody waits for it.
static void read_end(struct conn *c) {
    struct pg *p = c->pg;
    c->wants_read = false;
    if (!c->has_read) return;
    c->has_read = false;
    if (pg_send(c, "COMMIT")) PQflush(p->db);
}

// Steps are SQLite's measure. Here it is time: a hundred steps are taken for a microsecond, which on SQLite they are.
static void step_limit(struct conn *c, int64_t steps) {
    struct pg *p = c->pg;
    struct pg_error ignore = {0};
    p->left_us = steps > 0 ? steps / 100 : -1;
    if (p->left_us < 0 && p->has_timeout && PQstatus(p->db) == CONNECTION_OK)
        p->has_timeout = !pg_ask(c, "SET statement_timeout = 0", NULL, &ignore);
}

static int64_t last_id(struct conn *c) {
    struct pg_error error = {0};
    PGresult *r = NULL;
    int64_t id = 0;
    if (!pg_ask(c, "SELECT lastval()", &r, &error)) {
        c->pg->tx_failed = c->pg->in_tx;
        if (!c->pg->error.state[0]) c->pg->error = error;
        return 0;
    }
    id = pg_result_int(r, 0, 0);
    PQclear(r);
    return id;
}

const struct engine engine_postgres = {
    .is_postgres = true,
    .open = open_pg,
    .close = close_pg,
    .read_begin = read_begin,
    .read_end = read_end,
    .step_limit = step_limit,
    .script = pg_script,
    .last_id = last_id,
    .prepare = pg_prepare,
    .places = pg_places,
    .bind = pg_bind,
    .step = pg_step,
    .run = pg_run,
    .error = pg_statement_error,
    .reset = pg_reset,
    .finalize = pg_finalize,
    .columns = pg_columns,
    .is_null = pg_is_null,
    .get_int = pg_int,
    .get_double = pg_double,
    .get_str = pg_str,
    .begin = pg_begin,
    .savepoint = pg_savepoint,
    .release = pg_release,
    .back = pg_back,
    .is_lost = pg_is_lost,
    .why = pg_why,
    .changes = pg_changes,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .generation = pg_generation,
    .generation_move = pg_generation_move,
    .find_scan = pg_find_scan,
};
