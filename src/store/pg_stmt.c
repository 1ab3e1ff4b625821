// SPDX-License-Identifier: MulanPSL-2.0
// Statements of PostgreSQL: prepared by name at first use, values bound in binary, a whole result held until the
// statement is done (queries that may be long have a LIMIT). Keeps true: after a failure on the writer nothing is tried
// inside the spoilt transaction: the batch runs again, item by item, and there each statement stands in a savepoint of
// its own, so that a handler sees the same errors, and may go on after them, as on SQLite.
#include "store/dialect.h"
#include "store/pg.h"
#include "base/clock.h"
#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define STEP_FAILED 1

// --- preparing ---

static int count_places(const char *sql) {
    int most = 0;
    bool is_quoted = false;
    for (const char *p = sql; *p; p++) {
        if (*p == '\'') is_quoted = !is_quoted;
        if (*p != '$' || is_quoted) continue;
        int n = 0;
        while (p[1] >= '0' && p[1] <= '9' && n < 10000)
            n = n * 10 + (*++p - '0');
        if (n > most) most = n;
    }
    return most;
}

static void fail(struct stmt *s, const char *state, const char *text) {
    snprintf(s->pg->error.state, sizeof s->pg->error.state, "%s", state);
    snprintf(s->pg->error.text, sizeof s->pg->error.text, "%s", text);
    s->rc = STEP_FAILED;
}

// Nothing is sent yet: the types come with the first values. Named texts are PostgreSQL's words already.
void pg_prepare(struct stmt *s, const char *sql, size_t n, int q, bool keep) {
    (void)keep;
    struct pg_stmt *ps = calloc(1, sizeof *ps);
    assert(ps);
    s->pg = ps;
    s->rc = STEP_READY;
    ps->sql = sql;
    if (q < 0) {
        size_t room = 2 * n + 1024;
        const char *why = NULL;
        ps->own_sql = malloc(room);
        assert(ps->own_sql);
        if (!dialect_postgres(sql, n, ps->own_sql, room, &ps->places, &why)) fail(s, "42601", why);
        ps->sql = ps->own_sql;
    } else {
        ps->places = count_places(sql);
    }
    size_t places = (size_t)ps->places + 1;
    ps->values = calloc(places, sizeof *ps->values);
    ps->types = calloc(places, sizeof *ps->types);
    ps->ptrs = calloc(places, sizeof *ps->ptrs);
    ps->lengths = calloc(places * 2, sizeof *ps->lengths);
    assert(ps->values && ps->types && ps->ptrs && ps->lengths);
    ps->formats = ps->lengths + places;
}

int pg_places(struct stmt *s) {
    return s->pg->places;
}

void pg_bind(struct stmt *s, int n, const struct bound *v) {
    if (n < 1 || n > s->pg->places)
        fail(s, "07001", "no such parameter");
    else
        s->pg->values[n - 1].v = *v;
}

static Oid type_of(char letter) {
    return letter == 'i'   ? PG_INT8
           : letter == 's' ? PG_TEXT
           : letter == 'b' ? PG_BYTEA
           : letter == 'd' ? PG_FLOAT8
                           : 0;
}

// The letters give the types; only where a value is missing altogether does the server tell what it takes, which is
// waited for once.
static bool ensure_prepared(struct stmt *s) {
    struct pg *p = s->c->pg;
    struct pg_stmt *ps = s->pg;
    bool asks = false;
    if (ps->life == p->life) return true;
    snprintf(ps->name, sizeof ps->name, "s%" PRIu32, ++p->next_name);
    for (int i = 0; i < ps->places; i++) {
        ps->types[i] = type_of(ps->values[i].v.letter);
        asks |= ps->types[i] == 0;
    }
    if (p->fresh_n == PG_FRESH_MAX && !pg_wait(s->c, NULL, &ps->error)) return false;
    if (!PQsendPrepare(p->db, ps->name, ps->sql, ps->places, ps->types)) return false;
    p->waiting++;
    p->fresh[p->fresh_n++] = ps;
    ps->life = p->life;
    if (asks) {
        PGresult *r = NULL;
        if (!PQsendDescribePrepared(p->db, ps->name)) return false;
        p->waiting++;
        if (!pg_wait(s->c, &r, &ps->error)) return false;
        for (int i = 0; i < ps->places && i < PQnparams(r); i++)
            ps->types[i] = PQparamtype(r, i);
        PQclear(r);
    }
    return true;
}

// --- values out ---

static void put_be(struct pg_value *v, uint64_t bits, int bytes) {
    uint64_t be = htobe64(bits << (64 - 8 * bytes));
    memcpy(v->be, &be, (size_t)bytes);
}

// One value in the form that its place takes. What has no binary form there goes as text, which the server reads.
static void encode(struct pg_stmt *ps, int i) {
    struct pg_value *v = &ps->values[i];
    Oid type = ps->types[i];
    ps->ptrs[i] = v->be;
    ps->formats[i] = 1;
    if (v->v.letter == 'd' || (v->v.letter == 'i' && type == PG_FLOAT8)) {
        double d = v->v.letter == 'd' ? v->v.d : (double)v->v.i;
        uint64_t bits;
        memcpy(&bits, &d, sizeof bits);
        put_be(v, bits, 8);
        ps->lengths[i] = 8;
    } else if (v->v.letter == 'i' && (type == PG_INT8 || type == PG_INT4 || type == PG_INT2)) {
        int bytes = type == PG_INT8 ? 8 : type == PG_INT4 ? 4 : 2;
        put_be(v, (uint64_t)v->v.i, bytes);
        ps->lengths[i] = bytes;
    } else if (v->v.letter == 'i') {
        ps->lengths[i] = snprintf(v->be, sizeof v->be, "%" PRId64, v->v.i);
        ps->formats[i] = 0;
    } else if ((v->v.letter == 's' || v->v.letter == 'b') && v->v.s.p) {
        ps->ptrs[i] = v->v.s.p;
        ps->lengths[i] = (int)v->v.s.n;
        ps->formats[i] = type == PG_TEXT || type == PG_BYTEA;
    } else {
        ps->ptrs[i] = NULL;
    }
}

static bool send_values(struct stmt *s) {
    struct pg *p = s->c->pg;
    struct pg_stmt *ps = s->pg;
    if (!ensure_prepared(s)) return false;
    for (int i = 0; i < ps->places; i++)
        encode(ps, i);
    if (!PQsendQueryPrepared(p->db, ps->name, ps->places, ps->ptrs, ps->lengths, ps->formats, 1))
        return false;
    p->waiting++;
    return true;
}

// --- running ---

static bool limit_time(struct stmt *s) {
    struct pg *p = s->c->pg;
    char sql[64];
    if (p->left_us < 0) return true;
    if (p->left_us < 1000) {
        fail(s, "57014", "the step limit is used up");
        return false;
    }
    snprintf(sql, sizeof sql, "SET statement_timeout = %" PRId64, p->left_us / 1000);
    p->has_timeout = true;
    return pg_send(s->c, sql);
}

// Before a statement: the snapshot of a reader, its time; on the writer the savepoint of a careful run.
static bool before(struct stmt *s) {
    struct conn *c = s->c;
    struct pg *p = c->pg;
    if (p->in_tx && (p->tx_failed || p->lost)) { // nothing more is tried in a transaction that is spoilt
        p->lost = true;
        fail(s, p->error.state, p->error.text);
        return false;
    }
    if (!pg_alive(c)) {
        fail(s, "08006", "no connection");
        return false;
    }
    if (c->wants_read && !c->has_read) {
        if (!pg_send(c, "BEGIN")) return false;
        c->has_read = true;
    }
    if (!limit_time(s)) return false;
    return !(p->in_tx && p->careful) || pg_send(c, "SAVEPOINT statement");
}

static void after_failure(struct stmt *s) {
    struct conn *c = s->c;
    struct pg *p = c->pg;
    struct pg_error ignore = {0};
    s->rc = STEP_FAILED;
    if (PQstatus(p->db) != CONNECTION_OK) {
        pg_broken(c, &s->pg->error);
    } else if (p->in_tx && p->careful) {
        p->tx_failed = !pg_ask(c, "ROLLBACK TO statement", NULL, &ignore);
    } else if (p->in_tx) {
        p->tx_failed = true;
    } else if (c->has_read) { // the snapshot is gone with the failure; what follows takes a new one
        (void)pg_ask(c, "ROLLBACK", NULL, &ignore);
        c->has_read = false;
    }
    if (p->in_tx && !p->error.state[0]) p->error = s->pg->error;
}

static bool execute(struct stmt *s) {
    struct conn *c = s->c;
    struct pg *p = c->pg;
    int64_t begin = p->left_us >= 0 ? clock_mono_us() : 0;
    s->pg->error = (struct pg_error){0};
    bool ok = before(s);
    if (!ok && s->rc == STEP_FAILED) return false;
    ok = ok && send_values(s);
    ok = ok && pg_wait(c, &s->pg->result, &s->pg->error);
    if (p->left_us >= 0) p->left_us -= clock_mono_us() - begin;
    if (p->left_us < 0 && begin) p->left_us = 0;
    if (!ok) {
        after_failure(s);
        return false;
    }
    if (p->in_tx && p->careful) (void)pg_send(c, "RELEASE statement");
    if (p->in_tx && PQtransactionStatus(p->db) == PQTRANS_IDLE) p->lost = true; // ended from within
    s->pg->row = -1;
    return true;
}

void pg_step(struct stmt *s) {
    struct pg_stmt *ps = s->pg;
    if (s->rc == STEP_READY && !execute(s)) return;
    s->rc = ++ps->row < PQntuples(ps->result) ? STEP_ROW : STEP_DONE;
}

static int64_t changed_rows(const PGresult *r) {
    const char *text = PQcmdTuples((PGresult *)(uintptr_t)r); // libpq forgot a const
    return strtoll(text, NULL, 10);
}

void pg_run(struct stmt *s, int64_t *ret_changes) {
    struct conn *c = s->c;
    struct pg *p = c->pg;
    if (p->in_tx && !p->careful && !ret_changes) {
        s->pg->error = (struct pg_error){0};
        bool ok = before(s);
        if (!ok && s->rc == STEP_FAILED) return;
        if (ok && send_values(s)) {
            s->rc = STEP_DONE;
            p->changes++;
            if (p->waiting >= PG_WAITING_MAX && !pg_wait(c, NULL, &p->error)) p->lost = true;
        } else {
            after_failure(s);
        }
        return;
    }
    if (!execute(s)) return;
    s->rc = STEP_DONE;
    int64_t n = changed_rows(s->pg->result);
    p->changes += n;
    if (ret_changes) *ret_changes = n;
}

int pg_statement_error(struct stmt *s, struct err *e) {
    struct pg *p = s->c->pg;
    // A statement that was passed over has no words of its own: what failed before it has.
    return pg_tell(s->pg->error.state[0] ? &s->pg->error : &p->error, s->name, e);
}

void pg_reset(struct stmt *s) {
    if (!s->pg) return;
    PQclear(s->pg->result);
    s->pg->result = NULL;
    for (int i = 0; i < s->pg->places; i++)
        s->pg->values[i].v = (struct bound){.letter = 'n'};
}

void pg_finalize(struct stmt *s) {
    struct pg_stmt *ps = s->pg;
    struct pg *p = s->c->pg;
    if (!ps) return;
    for (int i = 0; p && i < p->fresh_n; i++)
        if (p->fresh[i] == ps) p->fresh[i] = p->fresh[--p->fresh_n];
    if (p && p->db && ps->life == p->life && !p->tx_failed && PQstatus(p->db) == CONNECTION_OK) {
        char sql[40];
        snprintf(sql, sizeof sql, "DEALLOCATE %s", ps->name);
        (void)pg_send(s->c, sql); // the server's memory; with the next sync
    }
    PQclear(ps->result);
    free(ps->own_sql);
    free(ps->values);
    free(ps->types);
    free(ps->ptrs);
    free(ps->lengths);
    free(ps);
    s->pg = NULL;
}

// --- columns in ---

int pg_columns(struct stmt *s) {
    return s->pg->result ? PQnfields(s->pg->result) : 0;
}

bool pg_is_null(struct stmt *s, int col) {
    return PQgetisnull(s->pg->result, s->pg->row, col);
}

static uint64_t get_be(const char *p, int bytes) {
    uint64_t be = 0;
    memcpy(&be, p, (size_t)bytes);
    return be64toh(be) >> (64 - 8 * bytes);
}

// sum() of integers comes as NUMERIC: digits of base 10000 with a weight. Fractions are cut, as SQLite cuts a real.
static double numeric(const char *p, int64_t *ret_whole) {
    int digits = (int)get_be(p, 2), weight = (int16_t)get_be(p + 2, 2), sign = (int)get_be(p + 4, 2);
    double d = 0, unit = 1;
    uint64_t whole = 0;
    for (int i = 0; i <= weight || i < digits; i++) {
        uint64_t digit = i < digits ? get_be(p + 8 + 2 * i, 2) : 0;
        if (i <= weight)
            whole = whole * 10000 + digit, d = d * 10000 + (double)digit;
        else
            unit /= 10000, d += (double)digit * unit;
    }
    *ret_whole = sign == 0x4000 ? -(int64_t)whole : (int64_t)whole;
    return sign == 0x4000 ? -d : d;
}

static double get_float(const char *p, Oid type) {
    double d;
    float f;
    uint64_t bits = get_be(p, type == PG_FLOAT8 ? 8 : 4);
    uint32_t low = (uint32_t)bits;
    memcpy(&d, &bits, sizeof d);
    memcpy(&f, &low, sizeof f);
    return type == PG_FLOAT8 ? d : (double)f;
}

int64_t pg_result_int(const PGresult *r, int row, int col) {
    if (PQgetisnull(r, row, col)) return 0;
    const char *p = PQgetvalue(r, row, col);
    int64_t whole;
    switch (PQftype(r, col)) {
    case PG_INT8:
        return (int64_t)get_be(p, 8);
    case PG_INT4:
        return (int32_t)get_be(p, 4);
    case PG_INT2:
        return (int16_t)get_be(p, 2);
    case PG_BOOL:
        return *p != 0;
    case PG_OID:
        return (int64_t)get_be(p, 4);
    case PG_FLOAT4:
    case PG_FLOAT8:
        return (int64_t)get_float(p, PQftype(r, col));
    case PG_NUMERIC:
        (void)numeric(p, &whole);
        return whole;
    default:
        return strtoll(p, NULL, 10);
    }
}

int64_t pg_int(struct stmt *s, int col) {
    return pg_result_int(s->pg->result, s->pg->row, col);
}

double pg_double(struct stmt *s, int col) {
    const PGresult *r = s->pg->result;
    int64_t whole;
    if (PQgetisnull(r, s->pg->row, col)) return 0;
    const char *p = PQgetvalue(r, s->pg->row, col);
    Oid type = PQftype(r, col);
    if (type == PG_FLOAT8 || type == PG_FLOAT4) return get_float(p, type);
    if (type == PG_NUMERIC) return numeric(p, &whole);
    if (type == PG_TEXT) return strtod(p, NULL);
    return (double)pg_int(s, col);
}

struct str pg_str(struct stmt *s, int col) {
    struct pg_stmt *ps = s->pg;
    if (pg_is_null(s, col)) return STR_NONE;
    Oid type = PQftype(ps->result, col);
    bool is_number =
        type == PG_INT8 || type == PG_INT4 || type == PG_INT2 || type == PG_NUMERIC || type == PG_BOOL;
    if (!is_number)
        return (struct str){PQgetvalue(ps->result, ps->row, col),
                            (size_t)PQgetlength(ps->result, ps->row, col)};
    char *text = ps->number[ps->number_n++ % 4];
    int n = snprintf(text, sizeof ps->number[0], "%" PRId64, pg_int(s, col));
    return (struct str){text, (size_t)n};
}
