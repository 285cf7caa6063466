/* Sizes and places of arrays. Every sum and product of sizes is checked. */
#include "common/memory.h"

size_t gru_divide_up(size_t a, size_t b) {
    return a / b + (a % b != 0);
}

size_t gru_itemsize(gru_dtype dtype) {
    return dtype == GRU_F32 ? sizeof(float) : sizeof(double);
}

char *gru_align(void *memory) {
    const uintptr_t past = (uintptr_t)memory % GRU_CACHE_LINE;
    return (char *)memory + (past ? GRU_CACHE_LINE - past : 0);
}

size_t gru_take_bytes(gru_arena *arena, size_t bytes) {
    const size_t offset = arena->bytes, line = GRU_CACHE_LINE;
    arena->overflow |= __builtin_add_overflow(bytes, line - 1, &bytes);
    arena->overflow |= __builtin_add_overflow(arena->bytes, bytes / line * line, &arena->bytes);
    return offset;
}

size_t gru_take(gru_arena *arena, size_t a, size_t b, size_t c) {
    size_t bytes = arena->itemsize;
    arena->overflow |= __builtin_mul_overflow(bytes, a, &bytes);
    arena->overflow |= __builtin_mul_overflow(bytes, b, &bytes);
    arena->overflow |= __builtin_mul_overflow(bytes, c, &bytes);
    return gru_take_bytes(arena, bytes);
}

size_t gru_take_for_each(gru_arena *arena, const gru_arena *part, size_t count) {
    const size_t offset = arena->bytes;
    size_t bytes = 0;
    arena->overflow |= part->overflow;
    arena->overflow |= __builtin_mul_overflow(part->bytes, count, &bytes);
    arena->overflow |= __builtin_add_overflow(arena->bytes, bytes, &arena->bytes);
    return offset;
}
