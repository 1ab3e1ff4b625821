// SPDX-License-Identifier: MulanPSL-2.0
// One block of SM3 (GB/T 32905-2016 §5.3) for SM3_LANES messages side by side: lane i of every vector belongs to message i.
// Included once for each width by sm3_many.c, which defines SM3_LANES, SM3_NAME and SM3_TARGET; no header of its own.
// Plain vector types of the compiler: it makes AVX2 or AVX-512 of them, as the target says.

typedef uint32_t SM3_VEC __attribute__((vector_size(4 * SM3_LANES)));

#define ROL(x, n) (((x) << (n)) | ((x) >> (32 - (n))))
#define P0(x)     ((x) ^ ROL(x, 9) ^ ROL(x, 17))
#define P1(x)     ((x) ^ ROL(x, 15) ^ ROL(x, 23))

// What both kinds of round have in common, once their boolean functions ff and gg are known; t turned by `turn`.
#define ROUND(t, turn)                                                                                       \
    const uint32_t tj = (turn) ? ROL((uint32_t)(t), (turn)) : (uint32_t)(t);                                 \
    const SM3_VEC a12 = ROL(v[0], 12), sum = a12 + v[4] + tj, ss1 = ROL(sum, 7), ss2 = ss1 ^ a12;            \
    const SM3_VEC tt1 = ff + v[3] + ss2 + (w[j] ^ w[j + 4]), tt2 = gg + v[7] + ss1 + w[j];                   \
    v[3] = v[2];                                                                                             \
    v[2] = ROL(v[1], 9);                                                                                     \
    v[1] = v[0];                                                                                             \
    v[0] = tt1;                                                                                              \
    v[7] = v[6];                                                                                             \
    v[6] = ROL(v[5], 19);                                                                                    \
    v[5] = v[4];                                                                                             \
    v[4] = P0(tt2)

// state: A … H of all lanes; block[i]: the 64 bytes of message i. Adds this block to each lane's state.
__attribute__((target(SM3_TARGET))) static void SM3_NAME(uint32_t state[8][SM3_LANES],
                                                         const unsigned char *const block[SM3_LANES]) {
    _Alignas(64) uint32_t words[16][SM3_LANES];
    SM3_VEC w[68], s[8], v[8];
    for (int i = 0; i < SM3_LANES; i++)
        for (int j = 0; j < 16; j++) {
            uint32_t x;
            memcpy(&x, block[i] + 4 * j, 4);
            words[j][i] = __builtin_bswap32(x);
        }
    memcpy(w, words, sizeof words);
    SM3_UNROLL
    for (int j = 16; j < 68; j++) {
        const SM3_VEC x = w[j - 16] ^ w[j - 9] ^ ROL(w[j - 3], 15);
        w[j] = P1(x) ^ ROL(w[j - 13], 7) ^ w[j - 6];
    }
    memcpy(s, state, sizeof s);
    memcpy(v, s, sizeof v);
    SM3_UNROLL
    for (int j = 0; j < 16; j++) {
        const SM3_VEC ff = v[0] ^ v[1] ^ v[2], gg = v[4] ^ v[5] ^ v[6];
        ROUND(0x79cc4519, j);
    }
    SM3_UNROLL
    for (int j = 16; j < 64; j++) {
        const SM3_VEC ff = (v[0] & v[1]) | (v[0] & v[2]) | (v[1] & v[2]), gg = (v[4] & v[5]) | (~v[4] & v[6]);
        ROUND(0x7a879d8a, j % 32);
    }
    for (int i = 0; i < 8; i++)
        s[i] ^= v[i];
    memcpy(state, s, sizeof s);
}

#undef ROL
#undef P0
#undef P1
#undef ROUND
#undef SM3_VEC
#undef SM3_LANES
#undef SM3_NAME
#undef SM3_TARGET
