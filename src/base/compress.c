// SPDX-License-Identifier: MulanPSL-2.0
// The one face over libzstd. Level 1: what is packed is packed while a city works, at a few hundred MB a second, and
// higher levels gain little on text between hashes. Keeps true: memory comes from the caller's arena, and no frame
// decides how much of it.
#include "base/compress.h"
#include <zstd.h>

#define LEVEL 1

struct str compress_zstd(struct arena *mem, struct str plain) {
    size_t cap = ZSTD_compressBound(plain.n);
    char *out = arena_take(mem, cap ? cap : 1);
    if (!out) return STR_NONE;
    size_t n = ZSTD_compress(out, cap, plain.p, plain.n, LEVEL);
    return ZSTD_isError(n) ? STR_NONE : (struct str){out, n};
}

bool decompress_zstd(struct arena *mem, struct str packed, size_t most_bytes, struct str *ret) {
    unsigned long long n = ZSTD_getFrameContentSize(packed.p, packed.n);
    if (n == ZSTD_CONTENTSIZE_ERROR || n == ZSTD_CONTENTSIZE_UNKNOWN || n > most_bytes) return false;
    char *out = arena_take(mem, n ? (size_t)n : 1);
    if (!out) return false;
    size_t got = ZSTD_decompress(out, (size_t)n, packed.p, packed.n);
    *ret = (struct str){out, (size_t)n};
    return !ZSTD_isError(got) && got == n;
}
