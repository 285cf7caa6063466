/* Sizes and places of arrays: an arena that adds them up and notices overflow. */
#ifndef GRU_COMMON_MEMORY_H
#define GRU_COMMON_MEMORY_H

#include <stdint.h>
#include <string.h>

#include "gru.h"

#pragma GCC visibility push(hidden)

size_t gru_itemsize(gru_dtype dtype);

static inline size_t gru_min(size_t a, size_t b) {
    return a < b ? a : b;
}

/* a / b, rounded up. */
size_t gru_divide_up(size_t a, size_t b);

enum { GRU_CACHE_LINE = 64 };

/* Return `memory` moved up to the next cache line. workspace_bytes has room for the move. */
char *gru_align(void *memory);

/* Adds up the bytes of arrays. `overflow` stays 1 once a size does not fit size_t. */
typedef struct gru_arena {
    size_t itemsize, bytes;
    int overflow;
} gru_arena;

/* Reserve an array (a, b, c) that begins on a cache line; return its byte offset. */
size_t gru_take(gru_arena *arena, size_t a, size_t b, size_t c);
size_t gru_take_bytes(gru_arena *arena, size_t bytes);

/* Reserve `count` places for the arrays of `part`; return the offset of the first one. */
size_t gru_take_for_each(gru_arena *arena, const gru_arena *part, size_t count);

#pragma GCC visibility pop

#endif
