// SPDX-License-Identifier: MulanPSL-2.0
// Transactions of the writer on PostgreSQL. Several nodes may write to one database; each of their batches takes the
// head row first:
//
//   BEGIN ─ SELECT … FROM store_head FOR UPDATE ─ items ─ UPDATE store_head, store_node ─ COMMIT
//
// Keeps true: (1) batches of all nodes are one after another, so that numbers given inside one (ledger entries) have
// neither gaps nor twins, and whoever holds the row is, for that batch, the one who gives them; (2) a node that finds
// that another one committed since its own last batch drops what it remembers before it runs anything (config.moved);
// (3) a commit during which the connection broke is told as done or failed only when the database has said which:
// each node counts its batches in a row of its own, in the same transaction, so the row knows.
#include "store/pg.h"
#include "base/clock.h"
#include "base/log.h"
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#define PG_UNKNOWN_MS    60000 // so long a batch whose end is not known waits for the database to say
#define PG_NODE_OLD_DAYS "30"

static const char bootstrap[] =
    "BEGIN; SELECT pg_advisory_xact_lock(hashtext('gusu ' || current_schema()));"
    "CREATE TABLE IF NOT EXISTS store_head (one bigint PRIMARY KEY CHECK (one = 1), batch bigint NOT NULL,"
    " node bigint NOT NULL, generation bigint NOT NULL);"
    "INSERT INTO store_head VALUES (1, 0, 0, 0) ON CONFLICT DO NOTHING;"
    "CREATE TABLE IF NOT EXISTS store_node (id bigint PRIMARY KEY, batch bigint NOT NULL,"
    " since timestamptz NOT NULL DEFAULT now());"
    "DELETE FROM store_node WHERE since < now() - interval '" PG_NODE_OLD_DAYS " days';"
    // Words cut in C (core/search.h), parted by blanks, as a vector with their places: no parser of the server's looks
    // at them, so the words of a query are the words of the text.
    "CREATE OR REPLACE FUNCTION store_words(t text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$"
    " SELECT coalesce(string_agg('''' || w || ''':' || least(n, 16383), ' '), '')::tsvector"
    " FROM unnest(string_to_array(t, ' ')) WITH ORDINALITY AS u(w, n) WHERE w <> '' $$;"
    "COMMIT";

static bool enrol(struct conn *c, struct pg_error *error) {
    struct store *s = c->store;
    return pg_send_ints(c, "INSERT INTO store_node (id, batch) VALUES ($1, 0)", 1, &s->node) &&
           pg_wait(c, NULL, error);
}

int pg_join(struct conn *c, struct err *e) {
    struct store *s = c->store;
    struct pg_error error = {0};
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return err_set(e, ERR_crypto, "", "random");
    s->node = (int64_t)(random >> 2) | 1;
    s->head = -1;
    int code = pg_script(c, bootstrap, e);
    if (code != OK) return code;
    return enrol(c, &error) ? OK : pg_tell(&error, "store_node", e);
}

static void leave(struct pg *p) {
    p->in_tx = p->has_savepoint = p->tx_failed = p->lost = p->moves_generation = false;
    p->error = (struct pg_error){0};
}

// What the head row says; the lock on it is ours until the transaction ends.
static int take_head(struct conn *c, struct err *e) {
    struct pg *p = c->pg;
    struct store *s = c->store;
    PGresult *r = NULL;
    if (!pg_ask(c, "SELECT batch, generation FROM store_head WHERE one = 1 FOR UPDATE", &r, &p->error))
        return pg_tell(&p->error, "begin", e);
    bool found = PQntuples(r) == 1;
    p->head = found ? pg_result_int(r, 0, 0) : -1;
    p->head_generation = found ? pg_result_int(r, 0, 1) : 0;
    PQclear(r);
    if (!found) return err_set(e, ERR_store, "", "store_head is empty");
    bool moved = p->head != s->head;
    store_generation_seen(s, p->head_generation);
    if (!moved || s->head < 0 || !s->config.moved) return OK;
    return s->config.moved(s->config.arg, c, e);
}

static int try_begin(struct conn *c, struct err *e) {
    struct pg *p = c->pg;
    leave(p);
    if (!pg_alive(c)) return err_set(e, ERR_busy, "", "no connection to PostgreSQL");
    p->careful = false; // the head is taken without savepoints
    p->in_tx = true;
    int code = pg_send(c, "BEGIN") ? take_head(c, e) : err_set(e, ERR_busy, "", "begin");
    if (code != OK) pg_rollback(c);
    return code;
}

// A session that ended since the last batch is found out here, where nothing has run yet: a new one takes its place.
int pg_begin(struct conn *c, bool is_careful, struct err *e) {
    int code = try_begin(c, e);
    if (code != OK && PQstatus(c->pg->db) != CONNECTION_OK) code = try_begin(c, e);
    c->pg->careful = is_careful;
    return code;
}

int pg_savepoint(struct conn *c, struct err *e) {
    struct pg *p = c->pg;
    p->has_savepoint = true;
    return pg_send(c, "SAVEPOINT item") ? OK : pg_tell(&p->error, "savepoint", e);
}

bool pg_release(struct conn *c) {
    struct pg *p = c->pg;
    p->has_savepoint = false;
    return !p->tx_failed && !p->lost && pg_send(c, "RELEASE item");
}

bool pg_back(struct conn *c) {
    struct pg *p = c->pg;
    struct pg_error error = {0};
    p->has_savepoint = false;
    if (p->lost) return false;
    if (!pg_ask(c, "ROLLBACK TO item", NULL, &error)) {
        p->lost = true; // something that nobody waited for has failed
        if (!p->error.state[0]) p->error = error;
        return false;
    }
    p->tx_failed = false;
    p->error = (struct pg_error){0};
    return pg_send(c, "RELEASE item");
}

bool pg_is_lost(struct conn *c) {
    struct pg *p = c->pg;
    return p->lost || (p->tx_failed && !p->has_savepoint) || PQstatus(p->db) != CONNECTION_OK;
}

int pg_why(struct conn *c, const char *what, struct err *e) {
    struct pg *p = c->pg;
    if (!p->error.state[0]) return err_set(e, ERR_busy, "", "%s: no connection", what);
    return pg_tell(&p->error, what, e);
}

int64_t pg_changes(struct conn *c) {
    return c->pg->changes;
}

void pg_rollback(struct conn *c) {
    struct pg *p = c->pg;
    struct pg_error ignore = {0};
    if (!p->in_tx) return;
    if (PQstatus(p->db) == CONNECTION_OK && !pg_ask(c, "ROLLBACK", NULL, &ignore) &&
        PQstatus(p->db) == CONNECTION_OK)
        (void)pg_ask(c, "ROLLBACK", NULL, &ignore); // the first one fell victim to what came before it
    leave(p);
}

// The connection broke while the commit was on its way. The old session may still be at work: the lock on our row waits
// for its end. 1 = committed, 0 = not, -1 = nobody knows.
static int find_end(struct conn *c, int64_t batch) {
    struct pg *p = c->pg;
    struct store *s = c->store;
    int64_t late_us = clock_mono_us() + PG_UNKNOWN_MS * INT64_C(1000);
    struct timespec pause = {.tv_nsec = 20000000};
    p->in_tx = false; // so that the connection may be made anew
    while (clock_mono_us() < late_us) {
        struct pg_error error = {0};
        PGresult *r = NULL;
        if (pg_alive(c) &&
            pg_send_ints(c, "SELECT batch FROM store_node WHERE id = $1 FOR UPDATE", 1, &s->node) &&
            pg_wait(c, &r, &error)) {
            int found = PQntuples(r) == 1 && pg_result_int(r, 0, 0) == batch;
            PQclear(r);
            return found;
        }
        nanosleep(&pause, NULL); // pg_alive paces the attempts; this only keeps the loop from spinning
    }
    return -1;
}

enum end pg_commit(struct conn *c, struct err *e) {
    struct pg *p = c->pg;
    struct store *s = c->store;
    PGresult *r = NULL;
    int64_t batch = s->node_batch + 1, generation = p->head_generation + p->moves_generation;
    bool sent = pg_send_ints(c, "UPDATE store_head SET batch = $1, node = $2, generation = $3 WHERE one = 1",
                             3, (const int64_t[]){p->head + 1, s->node, generation}) &&
                pg_send_ints(c, "UPDATE store_node SET batch = $1 WHERE id = $2", 2,
                             (const int64_t[]){batch, s->node}) &&
                pg_send(c, "COMMIT");
    bool ok = sent && pg_wait(c, &r, &p->error);
    if (ok && strcmp(PQcmdStatus(r), "COMMIT") != 0) ok = false; // it said ROLLBACK
    PQclear(r);
    if (!ok && PQstatus(p->db) != CONNECTION_OK) {
        int end = find_end(c, batch);
        log_line(LOG_WARN, "store", "connection lost during a commit: %s",
                 end > 0    ? "it is committed"
                 : end == 0 ? "nothing is committed"
                            : "its end is unknown");
        ok = end > 0;
        if (end < 0) {
            s->head = 0; // whatever happened: what is remembered is read again
            leave(p);
            (void)err_set(e, ERR_store_unknown, "", "%s", "commit");
            return END_FAILED;
        }
    }
    if (ok) {
        s->node_batch = batch;
        s->head = p->head + 1;
        if (p->moves_generation) atomic_store(&s->generation, generation); // ours: our own hooks know
        leave(p);
        return END_DONE;
    }
    (void)pg_why(c, "commit", e);
    return p->careful ? END_FAILED : END_REDO;
}

// In the reader's snapshot. Another node's move is told before anything is judged.
int pg_generation(struct conn *c, int64_t *ret, struct err *e) {
    struct pg_error error = {0};
    PGresult *r = NULL;
    if (!pg_alive(c)) return err_set(e, ERR_busy, "", "no connection to PostgreSQL");
    if (c->wants_read && !c->has_read) c->has_read = pg_send(c, "BEGIN");
    if (!pg_ask(c, "SELECT generation FROM store_head WHERE one = 1", &r, &error)) {
        if (c->has_read) pg_ask(c, "ROLLBACK", NULL, &(struct pg_error){0});
        c->has_read = false;
        return pg_tell(&error, "generation", e);
    }
    *ret = PQntuples(r) == 1 ? pg_result_int(r, 0, 0) : 0;
    PQclear(r);
    store_generation_seen(c->store, *ret);
    return OK;
}

void pg_generation_move(struct conn *w) {
    w->pg->moves_generation = w->pg->in_tx;
}
