// SPDX-License-Identifier: MulanPSL-2.0
// How fast PostgreSQL takes the record that one exchange call leaves behind, and nothing else: no HTTP, no check, no
// hash, no tree. It is the bar under which no ledger on PostgreSQL can be dearer than its rows. Every record is one
// entry row and one call row of the sizes that gusu writes, put in by one prepared statement; a record counts when the
// server has said that its transaction is committed, and the server is run with fsync and synchronous_commit on.
//
//   insert --conninfo TEXT --connections N --batch B [--copy] [--seconds S] [--pids A,B]
//
// batch 1: each record its own transaction; B: B records between BEGIN and COMMIT, sent as one pipeline; --flying F:
// one connection sends F single-record transactions before it reads the first answer; --copy: B records by COPY.
#include "../wire.h"
#include "procs.h"
#include <endian.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CONNECTIONS_MAX 128
#define BATCH_MAX       10000
#define LEAF_BYTES      165
#define SALT_BYTES      16
#define DETAIL_BYTES    560

static const char INSERT[] =
    "WITH e AS (INSERT INTO ledger_entry(leaf,salt,detail) VALUES($1,$2,$3) RETURNING id) "
    "INSERT INTO exchange_call(grant_id,entry,key_id,time_ms,rows,bytes) SELECT 1,id,1,$4,1,420 FROM e";

struct one { // a connection and the transactions that it has sent
    PGconn *db;
    int64_t sent_ns;
    int waiting; // results that are still to come
};

struct insert {
    const char *conninfo;
    int connections, batch, flying;
    bool is_copy;
    double seconds;
    struct procs procs;
    struct one one[CONNECTIONS_MAX];
    struct wire_histogram times;
    int64_t sent; // records that COPY numbered
    int64_t records, from_ns, until_ns;
    bool is_counting;
    uint64_t seed;
    unsigned char leaf[LEAF_BYTES], salt[SALT_BYTES];
    char detail[DETAIL_BYTES + 1];
};

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void fail(const PGconn *db, const char *what) {
    fprintf(stderr, "insert: %s: %s\n", what, db ? PQerrorMessage(db) : "");
    exit(1);
}

// Bytes that do not compress, as salts and hashes do not; xorshift, since only the size matters.
static void fill(struct insert *in, unsigned char *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        in->seed ^= in->seed << 13;
        in->seed ^= in->seed >> 7;
        in->seed ^= in->seed << 17;
        p[i] = (unsigned char)(in->seed >> 24);
    }
}

static void next_record(struct insert *in) {
    fill(in, in->leaf + 60, LEAF_BYTES - 60);
    fill(in, in->salt, SALT_BYTES);
    // The part of a detail that differs from call to call: the digest of the reply, 64 characters of hex.
    unsigned char digest[32];
    fill(in, digest, sizeof digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(in->detail + 400 + 2 * i, 3, "%02x", digest[i]);
    in->detail[464] = 'x'; // snprintf ended the text there
}

static void send_record(struct insert *in, struct one *c) {
    uint64_t time_ms = htobe64((uint64_t)time(NULL) * 1000);
    next_record(in);
    const char *values[] = {(const char *)in->leaf, (const char *)in->salt, in->detail,
                            (const char *)&time_ms};
    const int lengths[] = {LEAF_BYTES, SALT_BYTES, DETAIL_BYTES, 8}, formats[] = {1, 1, 0, 1};
    if (!PQsendQueryPrepared(c->db, "put", 4, values, lengths, formats, 0)) fail(c->db, "send");
}

static size_t put_field(char *p, const void *bytes, uint32_t n) {
    uint32_t be = htobe32(n);
    memcpy(p, &be, 4);
    memcpy(p + 4, bytes, n);
    return n + 4;
}

// COPY has no RETURNING: the numbers are given by the client, as a sequencer would.
static void send_copy(struct insert *in, struct one *c) {
    static const char head[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
    static const char end[2] = {'\377', '\377'};
    static char row[LEAF_BYTES + SALT_BYTES + DETAIL_BYTES + 64];
    PGresult *r = PQexec(c->db, "COPY ledger_entry(id,leaf,salt,detail) FROM STDIN (FORMAT binary)");
    if (PQresultStatus(r) != PGRES_COPY_IN || PQputCopyData(c->db, head, sizeof head) != 1)
        fail(c->db, "copy");
    PQclear(r);
    for (int i = 0; i < in->batch; i++) {
        uint64_t id = htobe64((uint64_t)++in->sent); // every line begins with empty tables
        size_t n = 2;
        memcpy(row, "\0\4", 2);
        next_record(in);
        n += put_field(row + n, &id, 8);
        n += put_field(row + n, in->leaf, LEAF_BYTES);
        n += put_field(row + n, in->salt, SALT_BYTES);
        n += put_field(row + n, in->detail, DETAIL_BYTES);
        if (PQputCopyData(c->db, row, (int)n) != 1) fail(c->db, "copy");
    }
    if (PQputCopyData(c->db, end, 2) != 1 || PQputCopyEnd(c->db, NULL) != 1) fail(c->db, "copy");
}

// Sends what one connection has under way at a time.
static void send_some(struct insert *in, struct one *c) {
    c->sent_ns = now_ns();
    if (in->is_copy) {
        send_copy(in, c);
        c->waiting = 1;
        return;
    }
    if (in->batch > 1 && !PQsendQueryPrepared(c->db, "begin", 0, NULL, NULL, NULL, 0)) fail(c->db, "begin");
    int transactions = in->batch > 1 ? 1 : in->flying;
    for (int t = 0; t < transactions; t++) {
        for (int i = 0; i < in->batch; i++)
            send_record(in, c);
        if (in->batch > 1 && !PQsendQueryPrepared(c->db, "commit", 0, NULL, NULL, NULL, 0))
            fail(c->db, "commit");
        if (!PQpipelineSync(c->db)) fail(c->db, "sync");
    }
    c->waiting = transactions;
    if (PQflush(c->db) < 0) fail(c->db, "flush");
}

static void count(struct insert *in, const struct one *c, int records) {
    int64_t now = now_ns();
    if (!in->is_counting || c->sent_ns < in->from_ns || now > in->until_ns) return;
    for (int i = 0; i < records; i++)
        wire_histogram_add(&in->times, (uint64_t)(now - c->sent_ns));
    in->records += records;
}

// Takes what has come; a sync point (or the end of a COPY) says that a transaction is durable.
static void take(struct insert *in, struct one *c) {
    if (!PQconsumeInput(c->db)) fail(c->db, "read");
    while (c->waiting > 0 && !PQisBusy(c->db)) {
        PGresult *r = PQgetResult(c->db);
        if (!r) {
            if (in->is_copy) c->waiting = 0;
            continue;
        }
        ExecStatusType got = PQresultStatus(r);
        if (got != PGRES_COMMAND_OK && got != PGRES_PIPELINE_SYNC && got != PGRES_TUPLES_OK)
            fail(c->db, "answer");
        if (got == PGRES_PIPELINE_SYNC) c->waiting--;
        if (got == PGRES_PIPELINE_SYNC || in->is_copy) count(in, c, in->batch);
        PQclear(r);
    }
}

static void connect_one(const struct insert *in, struct one *c) {
    static const char *const names[] = {"put", "begin", "commit"}, *const texts[] = {INSERT, "BEGIN",
                                                                                     "COMMIT"};
    c->db = PQconnectdb(in->conninfo);
    if (PQstatus(c->db) != CONNECTION_OK) fail(c->db, "connect");
    for (int i = 0; i < 3; i++) {
        PGresult *r = PQprepare(c->db, names[i], texts[i], 0, NULL);
        if (PQresultStatus(r) != PGRES_COMMAND_OK) fail(c->db, "prepare");
        PQclear(r);
    }
    bool wants_pipeline = !in->is_copy;
    if (wants_pipeline && !PQenterPipelineMode(c->db)) fail(c->db, "pipeline");
    // What is sent without waiting may be more than the socket takes: then libpq keeps it and reads meanwhile.
    if (wants_pipeline && PQsetnonblocking(c->db, 1) != 0) fail(c->db, "nonblocking");
}

static void loop(struct insert *in, int64_t until_ns) {
    struct pollfd fds[CONNECTIONS_MAX];
    in->until_ns = until_ns;
    in->from_ns = now_ns();
    for (int busy = 1; busy;) {
        bool is_over = now_ns() >= until_ns;
        busy = 0;
        for (int i = 0; i < in->connections; i++) {
            struct one *c = &in->one[i];
            if (c->waiting == 0 && !is_over) send_some(in, c);
            int unsent = in->is_copy ? 0 : PQflush(c->db);
            if (unsent < 0) fail(c->db, "flush");
            fds[i] = (struct pollfd){PQsocket(c->db), (short)(unsent ? POLLIN | POLLOUT : POLLIN), 0};
            busy += c->waiting > 0;
        }
        if (busy && poll(fds, (nfds_t)in->connections, 1000) < 0) fail(NULL, "poll");
        for (int i = 0; i < in->connections; i++)
            if (in->one[i].waiting > 0 && fds[i].revents) take(in, &in->one[i]);
    }
}

static bool read_options(struct insert *in, char **argv) {
    for (; argv[0]; argv++) {
        if (strcmp(argv[0], "--copy") == 0) {
            in->is_copy = true;
            continue;
        }
        if (!argv[1]) return false;
        if (strcmp(argv[0], "--conninfo") == 0)
            in->conninfo = argv[1];
        else if (strcmp(argv[0], "--connections") == 0)
            in->connections = (int)strtol(argv[1], NULL, 10);
        else if (strcmp(argv[0], "--batch") == 0)
            in->batch = (int)strtol(argv[1], NULL, 10);
        else if (strcmp(argv[0], "--flying") == 0)
            in->flying = (int)strtol(argv[1], NULL, 10);
        else if (strcmp(argv[0], "--seconds") == 0)
            in->seconds = strtod(argv[1], NULL);
        else if (strcmp(argv[0], "--pids") != 0 || !procs_read(argv[1], &in->procs))
            return false;
        argv++;
    }
    return in->conninfo && in->connections >= 1 && in->connections <= CONNECTIONS_MAX && in->batch >= 1 &&
           in->batch <= BATCH_MAX && in->flying >= 1 && in->flying <= BATCH_MAX && in->seconds > 0;
}

static void run(struct insert *in) {
    for (int i = 0; i < in->connections; i++)
        connect_one(in, &in->one[i]);
    loop(in, now_ns() + 2000000000);
    double cpu = procs_cpu_s(&in->procs);
    struct timespec own, own_then;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own_then);
    in->is_counting = true;
    loop(in, now_ns() + (int64_t)(in->seconds * 1e9));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
    cpu = procs_cpu_s(&in->procs) - cpu;
    double n = in->records ? (double)in->records : 1;
    double own_us =
        (double)(own.tv_sec - own_then.tv_sec) * 1e6 + (double)(own.tv_nsec - own_then.tv_nsec) / 1e3;
    printf("{\"rate_per_s\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"cpu_us\":%.2f,\"generator_cpu_us\":%.2f,"
           "\"answered\":%" PRId64 ",\"wrong\":0,\"failed\":0,\"seconds\":%.2f}\n",
           (double)in->records / in->seconds, (double)wire_histogram_at(&in->times, 0.50) / 1e6,
           (double)wire_histogram_at(&in->times, 0.99) / 1e6, cpu * 1e6 / n, own_us / n, in->records,
           in->seconds);
    for (int i = 0; i < in->connections; i++)
        PQfinish(in->one[i].db);
}

int main(int argc, char **argv) {
    struct insert *in = calloc(1, sizeof *in);
    if (!in || argc < 1) return 2;
    *in =
        (struct insert){.connections = 1, .batch = 1, .flying = 1, .seconds = 10, .seed = 88172645463325252u};
    memset(in->leaf, 'l', sizeof in->leaf);
    memset(in->detail, 'x', DETAIL_BYTES);
    int code = 2;
    if (read_options(in, argv + 1)) {
        run(in);
        code = in->records > 0 ? 0 : 1;
    } else {
        fprintf(stderr,
                "insert --conninfo TEXT [--connections N] [--batch B] [--flying F] [--copy] [--seconds S] "
                "[--pids A,B]\n");
    }
    free(in);
    return code;
}
