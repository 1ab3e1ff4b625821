// SPDX-License-Identifier: MulanPSL-2.0
// Blocks of zeroed memory, newest first. Keeps true: (1) every byte handed out is zero, (2) it is aligned for
// any type, (3) the sum handed out never passes the limit, (4) a refusal leaves the arena usable and sets
// `failed`. Each block knows how far it was ever written (`dirty`), so that only reused bytes are zeroed
// again: a fresh block comes zeroed from calloc. Under AddressSanitizer what is not handed out is poisoned
// and allocations stand apart by a guard, so that an overrun inside the arena is found like one on the heap.
//
//     arena.block ─► newest ──older──► … ──older──► first (kept by arena_reset)
//     a block:  | handed out, guards between … | dirty: zeroed again when taken | never used: zero |
//               0                           used                             dirty               cap
#include "base/arena.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_GUARDED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_GUARDED 1
#endif
#endif
#ifdef ARENA_GUARDED
#include <sanitizer/asan_interface.h>
#define ARENA_GUARD      ((size_t)16)
#define ARENA_HIDE(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define ARENA_SHOW(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#else
#define ARENA_GUARD      ((size_t)0)
#define ARENA_HIDE(p, n) ((void)0)
#define ARENA_SHOW(p, n) ((void)0)
#endif

#define ARENA_BLOCK_FIRST ((size_t)16 << 10) // one request in the common case
#define ARENA_BLOCK_MOST                                                                                     \
    ((size_t)1 << 20) // blocks double up to here; greater wishes get a block of their own size

struct arena_block {
    struct arena_block *older;
    size_t cap;   // of bytes[]
    size_t used;  // handed out, guards included
    size_t dirty; // bytes[dirty..cap) were never handed out since calloc, so they are zero
    _Alignas(max_align_t) unsigned char bytes[];
};

// SIZE_MAX wraps to 0 here; arena_take has refused such sizes by the limit before.
static size_t round_up(size_t n) {
    return (n + (_Alignof(max_align_t) - 1)) & ~(_Alignof(max_align_t) - 1);
}

void arena_init(struct arena *a, size_t limit_bytes) {
    *a = (struct arena){.limit_bytes = limit_bytes ? limit_bytes : ARENA_LIMIT_DEFAULT};
}

// free() writes its own bookkeeping into the block, so the poison has to go first.
static void block_drop(struct arena_block *b) {
    ARENA_SHOW(b->bytes, b->cap);
    free(b);
}

// The first block is the one every request needs; the later ones were one request's large body or answer, and
// keeping them would let each connection hold on to the greatest request it ever saw.
void arena_reset(struct arena *a) {
    struct arena_block *b = a->block;
    while (b && b->older) {
        struct arena_block *older = b->older;
        block_drop(b);
        b = older;
    }
    if (b) {
        b->used = 0;
        ARENA_HIDE(b->bytes, b->cap);
    }
    a->block = b;
    a->used_bytes = 0;
    a->failed = false;
}

void arena_free(struct arena *a) {
    arena_reset(a);
    if (a->block) block_drop(a->block);
    a->block = NULL;
}

static void *refuse(struct arena *a) {
    a->failed = true;
    return NULL;
}

// Zeroes what an earlier life of the block left behind in [from, from + n).
static void make_clean(struct arena_block *b, size_t from, size_t n) {
    if (from < b->dirty) memset(b->bytes + from, 0, (from + n < b->dirty ? n : b->dirty - from));
    if (from + n > b->dirty) b->dirty = from + n;
}

// What is left in the old block is lost until the reset: at most half of it in the common case, and looking
// for holes would cost every allocation what few ever gain.
static struct arena_block *block_add(struct arena *a, size_t need) {
    size_t cap = a->block ? a->block->cap * 2 : ARENA_BLOCK_FIRST;
    if (cap > ARENA_BLOCK_MOST) cap = ARENA_BLOCK_MOST;
    if (cap < need) cap = need;
    struct arena_block *b = calloc(1, sizeof *b + cap);
    if (!b) return NULL;
    b->cap = cap;
    b->older = a->block;
    a->block = b;
    ARENA_HIDE(b->bytes, cap);
    return b;
}

void *arena_take(struct arena *a, size_t bytes) {
    // The limit is checked first, without a sum that could wrap.
    if (bytes > a->limit_bytes || a->used_bytes > a->limit_bytes - bytes) return refuse(a);
    size_t need = round_up(bytes ? bytes : 1) + ARENA_GUARD;
    if (need < bytes) return refuse(a);
    struct arena_block *b = a->block;
    if (!b || b->cap - b->used < need) {
        b = block_add(a, need);
        if (!b) return refuse(a);
    }
    unsigned char *p = b->bytes + b->used;
    ARENA_SHOW(p, bytes);
    make_clean(b, b->used, bytes);
    b->used += need;
    a->used_bytes += bytes;
    assert(b->used <= b->cap && a->used_bytes <= a->limit_bytes);
    return p;
}

void *arena_array(struct arena *a, size_t n, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) return refuse(a);
    return arena_take(a, bytes);
}

// In place when nothing was taken since: a buffer that is being written is usually the newest thing around. The
// old bytes stay readable after a copy, as slices of them may still be held somewhere in the request.
void *arena_grow(struct arena *a, void *old, size_t old_bytes, size_t new_bytes) {
    assert(old || old_bytes == 0);
    if (!old) return arena_take(a, new_bytes);
    if (new_bytes <= old_bytes) return old;
    struct arena_block *b = a->block;
    size_t held = round_up(old_bytes ? old_bytes : 1) + ARENA_GUARD;
    size_t more = new_bytes - old_bytes;
    bool is_newest = b && held <= b->used && (unsigned char *)old == b->bytes + (b->used - held);
    if (is_newest && new_bytes < a->limit_bytes &&
        b->cap - (b->used - held) >= round_up(new_bytes) + ARENA_GUARD) {
        if (more > a->limit_bytes - a->used_bytes) return refuse(a);
        size_t at = b->used - held;
        ARENA_SHOW(old, new_bytes);
        make_clean(b, at + old_bytes, more);
        b->used = at + round_up(new_bytes) + ARENA_GUARD;
        a->used_bytes += more;
        return old;
    }
    void *grown = arena_take(a, new_bytes);
    if (grown && old_bytes) memcpy(grown, old, old_bytes);
    return grown;
}
