// SPDX-License-Identifier: MulanPSL-2.0
// SM3 of many messages at once. OpenSSL has no vector code for SM3, and one message cannot be hashed faster than its
// chain of rounds; but a batch's entries are independent, and eight or sixteen of them fit side by side into the
// registers of a processor of this decade (docs/decisions/sm3.md). Keeps true: the digests are OpenSSL's, byte for byte (the
// tests hold all lengths up to several blocks against it); without AVX2 OpenSSL itself is asked.
//
//   messages  0 1 2 … ─► lanes [m0 m1 … m7]   each lane runs its own blocks; who is done makes room for the next
#include "crypto/sm3_many.h"
#include <assert.h>

#if defined(__x86_64__)
// Rounds laid out one after the other, so that the state stays in registers; clang does it by itself.
#if defined(__clang__)
#define SM3_UNROLL
#else
#define SM3_UNROLL _Pragma("GCC unroll 64")
#endif
#define SM3_LANES  8
#define SM3_VEC    vec8
#define SM3_NAME   block8
#define SM3_TARGET "avx2"
#include "crypto/sm3_lanes.h"
#define SM3_LANES  16
#define SM3_VEC    vec16
#define SM3_NAME   block16
#define SM3_TARGET "avx512f"
#include "crypto/sm3_lanes.h"

#define LANES_MAX 16

static const uint32_t start[8] = {0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600,
                                  0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e};

int sm3_lanes(void) {
    if (__builtin_cpu_supports("avx512f")) return 16;
    return __builtin_cpu_supports("avx2") ? 8 : 0;
}

// One message with its padding: a bit 1, zeroes, the length in bits, to whole blocks.
struct padded {
    unsigned char *p;
    size_t blocks;
};

static bool pad(struct arena *mem, const struct hash_message *m, struct padded *ret) {
    const size_t n = m->parts[0].n + m->parts[1].n, blocks = (n + 9 + 63) / 64;
    unsigned char *p = arena_take(mem, blocks * 64); // zeroed
    if (!p) return false;
    size_t at = 0;
    for (int i = 0; i < 2; i++) {
        if (m->parts[i].n) memcpy(p + at, m->parts[i].p, m->parts[i].n);
        at += m->parts[i].n;
    }
    p[at] = 0x80;
    const uint64_t bits = __builtin_bswap64((uint64_t)n * 8);
    memcpy(p + blocks * 64 - 8, &bits, 8);
    *ret = (struct padded){p, blocks};
    return true;
}

struct lane {
    size_t message, left; // left: blocks still to do
    const unsigned char *at;
};

static uint32_t word(const uint32_t *state, int lanes, int i, int lane) {
    return state[i * lanes + lane];
}

static void finish(const uint32_t *state, int lanes, int lane, uint8_t out[HASH_BYTES]) {
    for (int i = 0; i < 8; i++) {
        const uint32_t x = __builtin_bswap32(word(state, lanes, i, lane));
        memcpy(out + 4 * i, &x, 4);
    }
}

static void step(uint32_t *state, int lanes, const unsigned char *const *at) {
    if (lanes == 16)
        block16((uint32_t(*)[16])(void *)state, at);
    else
        block8((uint32_t(*)[8])(void *)state, at);
}

bool sm3_many_by(int lanes, struct arena *mem, const struct hash_message *messages, size_t n,
                 uint8_t (*out)[HASH_BYTES]) {
    static const unsigned char nothing[64]; // what an idle lane works on
    _Alignas(64) uint32_t state[8 * LANES_MAX] = {0};
    struct lane lane[LANES_MAX] = {0};
    size_t next = 0, busy = 0;
    assert((lanes == 8 || lanes == 16) && n > 0);
    do {
        for (int i = 0; i < lanes; i++) {
            if (lane[i].left || next == n) continue;
            struct padded p;
            if (!pad(mem, &messages[next], &p)) return false;
            lane[i] = (struct lane){next++, p.blocks, p.p};
            busy++;
            for (int k = 0; k < 8; k++)
                state[k * lanes + i] = start[k];
        }
        const unsigned char *at[LANES_MAX];
        for (int i = 0; i < lanes; i++)
            at[i] = lane[i].left ? lane[i].at : nothing;
        step(state, lanes, at);
        for (int i = 0; i < lanes; i++) {
            if (!lane[i].left) continue;
            lane[i].at += 64;
            if (--lane[i].left) continue;
            finish(state, lanes, i, out[lane[i].message]);
            busy--;
        }
    } while (busy || next < n);
    return true;
}

bool sm3_many(struct arena *mem, const struct hash_message *messages, size_t n, uint8_t (*out)[HASH_BYTES]) {
    return sm3_many_by(sm3_lanes(), mem, messages, n, out);
}
#else
int sm3_lanes(void) {
    return 0;
}

bool sm3_many(struct arena *mem, const struct hash_message *messages, size_t n, uint8_t (*out)[HASH_BYTES]) {
    (void)mem;
    (void)messages;
    (void)n;
    (void)out;
    assert(!"asked without lanes");
    return false;
}

bool sm3_many_by(int lanes, struct arena *mem, const struct hash_message *messages, size_t n,
                 uint8_t (*out)[HASH_BYTES]) {
    (void)lanes;
    return sm3_many(mem, messages, n, out);
}
#endif
