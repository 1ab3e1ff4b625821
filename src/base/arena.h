// SPDX-License-Identifier: MulanPSL-2.0
// Memory by lifetime. An arena hands out zeroed memory from growing blocks and gives all of it back at
// once; nothing taken from it is freed singly. One arena belongs to one request (or job, or parse) and to
// one thread at a time. Allocation never returns NULL to a caller: when the system has no memory left, or
// the arena's own limit is passed, the arena's `failed` flag is set and a jump-free fallback is used: see arena_take.
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST __attribute__((warn_unused_result))

struct arena_block;
struct arena {
    struct arena_block *block; // newest block; older ones hang from it
    size_t used_bytes;         // handed out since the last reset, over all blocks
    size_t limit_bytes;        // refuse beyond this (0 = ARENA_LIMIT_DEFAULT)
    bool failed;               // an allocation was refused; checked by whoever replies to the caller
};

#define ARENA_LIMIT_DEFAULT ((size_t)256 << 20)

void arena_init(struct arena *a, size_t limit_bytes);
// Keeps the first block for reuse and frees the others: the per-request reset.
void arena_reset(struct arena *a);
void arena_free(struct arena *a);
// Returns zeroed memory aligned for any type, or NULL when the limit or the system refuses (then a->failed).
void *arena_take(struct arena *a, size_t bytes) MUST;
// As arena_take for n items of `size`; checks the product for overflow.
void *arena_array(struct arena *a, size_t n, size_t size) MUST;
// Grows the newest allocation in place where it can, else copies. old may be NULL.
void *arena_grow(struct arena *a, void *old, size_t old_bytes, size_t new_bytes) MUST;

#endif
