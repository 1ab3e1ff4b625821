// SPDX-License-Identifier: MulanPSL-2.0
// One grant's calls of a stretch of entries, small: what grows from call to call is told by how much it grew, numbers take
// as many bytes as they need (LEB128, signed ones folded), and the whole is packed. Keeps true: unpacking gives back what was packed
// or is refused; the digest covers the row as it lies.
#include "base/compress.h"
#include "mod/exchange/calls.h"

#define NUMBER_BYTES 10 // of 64 bits in groups of seven
#define CALL_NUMBERS 7
#define SALT_BYTES   16

static void put(struct buf *b, uint64_t v) {
    for (; v >= 128; v >>= 7)
        buf_char(b, (char)(v | 128));
    buf_char(b, (char)v);
}

// Small numbers of either sign become small numbers.
static uint64_t fold(int64_t v) {
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static int64_t unfold(uint64_t v) {
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static bool take(struct str *rest, uint64_t *ret) {
    uint64_t v = 0;
    for (size_t i = 0; i < rest->n && i < NUMBER_BYTES; i++) {
        uint8_t byte = (uint8_t)rest->p[i];
        v |= (uint64_t)(byte & 127) << (7 * i);
        if (byte & 128) continue;
        *rest = (struct str){rest->p + i + 1, rest->n - i - 1};
        *ret = v;
        return true;
    }
    return false;
}

static void digest_of(struct hasher *h, const struct call_run *run, uint8_t out[HASH_BYTES]) {
    const struct str parts[] = {run->packed, run->salts};
    hash_parts(h, HASH_SHA256, parts, 2, out);
}

bool call_run_pack(struct arena *mem, struct hasher *h, const struct call_row *rows, int n,
                   struct call_run *ret) {
    const size_t most = (size_t)n * CALL_NUMBERS * NUMBER_BYTES + 1;
    size_t salts_n = 0;
    for (int i = 0; i < n; i++)
        salts_n += rows[i].salts.n;
    struct buf b = buf_new(mem, (size_t)n * 16 + 1, most), salts = buf_new(mem, salts_n + 1, salts_n + 1);
    struct call_row last = {0};
    for (int i = 0; i < n; i++) {
        const struct call_row *r = &rows[i];
        put(&b, fold(r->entry - last.entry));
        put(&b, fold(r->time_ms - last.time_ms));
        put(&b, fold(r->key - last.key));
        put(&b, fold(r->rows));
        put(&b, fold(r->bytes));
        put(&b, r->is_proxied ? fold(r->status) + 1 : 0);
        put(&b, r->salts.p ? r->salts.n / SALT_BYTES + 1 : 0);
        buf_put(&salts, r->salts);
        last = *r;
    }
    if (b.over || salts.over) return false;
    ret->packed = compress_zstd(mem, buf_str(&b));
    ret->salts = buf_str(&salts);
    if (!ret->packed.p) return false;
    digest_of(h, ret, ret->digest);
    return true;
}

static bool take_call(struct str *rest, struct str *salts, const struct call_row *last,
                      struct call_row *ret) {
    uint64_t v[CALL_NUMBERS];
    for (int i = 0; i < CALL_NUMBERS; i++)
        if (!take(rest, &v[i])) return false;
    const uint64_t salts_n = v[6] ? v[6] - 1 : 0;
    if (salts_n > salts->n / SALT_BYTES) return false;
    *ret = (struct call_row){.grant = last->grant,
                             .entry = last->entry + unfold(v[0]),
                             .time_ms = last->time_ms + unfold(v[1]),
                             .key = last->key + unfold(v[2]),
                             .rows = unfold(v[3]),
                             .bytes = unfold(v[4]),
                             .is_proxied = v[5] > 0,
                             .status = v[5] ? unfold(v[5] - 1) : 200};
    if (v[6]) ret->salts = (struct str){salts->p, (size_t)salts_n * SALT_BYTES};
    *salts = (struct str){salts->p + ret->salts.n, salts->n - ret->salts.n};
    return true;
}

bool call_run_unpack(struct arena *mem, struct hasher *h, const struct call_run *run, int64_t grant, int n,
                     struct call_row *rows) {
    struct str rest, salts = run->salts;
    uint8_t digest[HASH_BYTES];
    digest_of(h, run, digest);
    if (memcmp(digest, run->digest, sizeof digest) != 0) return false;
    if (!decompress_zstd(mem, run->packed, (size_t)n * CALL_NUMBERS * NUMBER_BYTES, &rest)) return false;
    struct call_row last = {.grant = grant};
    for (int i = 0; i < n; i++) {
        if (!take_call(&rest, &salts, &last, &rows[i])) return false;
        last = rows[i];
    }
    return rest.n == 0 && salts.n == 0;
}
