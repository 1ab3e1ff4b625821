// SPDX-License-Identifier: MulanPSL-2.0
// A load generator for one HTTP/1.1 server: N keep-alive connections on one thread, either each asking again
// as soon as it is answered (closed loop: how much can it do), or together asking at a fixed rate (open loop:
// how long does one wait). In the open loop a request's time counts from when it was due, not from when a
// connection was free to send it: a server that stalls pays for everybody who would have come meanwhile (no
// coordinated omission).
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H
#include "base/err.h"

#define WIRE_CONNECTIONS_MAX 20000
#define WIRE_REQUEST_MAX     ((size_t)1 << 20)  // bytes of one request
#define WIRE_REPLY_MAX       ((size_t)16 << 20) // bytes of one reply; a larger one is a failure
#define WIRE_TIMEOUT_MS      10000

// Times in nanoseconds, counted in buckets of under 0.8 % width: exact below 128 ns, then 128 steps an
// octave.
#define WIRE_BUCKETS 5120
struct wire_histogram {
    uint64_t n, max_ns;
    uint64_t count[WIRE_BUCKETS];
};
void wire_histogram_add(struct wire_histogram *h, uint64_t ns);
// The least time that at least `share` (0 … 1) of all times do not exceed; the upper edge of its bucket. 0 if
// none.
uint64_t wire_histogram_at(const struct wire_histogram *h, double share);

struct wire_reply {
    int status;
    struct str head, body; // body without its chunks
};

struct wire_plan {
    const char *address; // numeric, "127.0.0.1"
    int port;
    int connections;
    double rate_per_s;    // 0 = closed loop
    int64_t warm_up_ms;   // asked first and not counted
    int64_t duration_ms;  // after the warm-up; 0 = until requests_max
    int64_t requests_max; // counted ones, 0 = no limit
    int timeout_ms;       // 0 = WIRE_TIMEOUT_MS
    // Open loop: sleeps so long at a time, and sends and reads what has come together meanwhile. Each time then reads
    // up to this much too long (never too short) and the generator costs a fraction. 0 = wakes for every reply.
    int nap_us;
    // Writes request n (0, 1, 2 … in the order of sending) into out and returns its bytes; 0 ends the run.
    size_t (*make)(void *arg, int connection, int64_t n, char *out, size_t cap);
    // Sees each reply; false counts it as wrong. NULL: any reply with a 2xx status is right.
    bool (*on_reply)(void *arg, int connection, int64_t n, const struct wire_reply *reply);
    void *arg;
    const char
        *csv_path; // a line per second: second, rate, p50, p99, p999, max in ms, wrong, failed; NULL = none
};

struct wire_result {
    int64_t answered, wrong; // counted replies; those of them that were not right
    int64_t failed;          // connections lost or requests not answered in time
    int64_t unsent;          // open loop: due, but never sent before the end
    int64_t by_status[6];    // 1xx … 5xx at [1] … [5]
    double seconds, rate_per_s;
    double own_cpu_us; // of this thread, per reply
    uint64_t bytes_in, bytes_out;
    double worst_p99_ms; // of any whole second
    struct wire_histogram times;
};

// Runs on the calling thread. ret is large (40 KiB): not for the stack.
int wire_run(const struct wire_plan *plan, struct wire_result *ret, struct err *e) MUST;

#endif
