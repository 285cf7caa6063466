/* The random numbers of zoneout: a hash of seed, step, row and unit, so that draws need no memory
 * and do not depend on the order of the work. The kernel zoneout_keeps hashes the unit in. */
#ifndef GRU_COMMON_DRAWS_H
#define GRU_COMMON_DRAWS_H

#include "gru.h"

/* Return the key of the draws for a row at a step: SplitMix64 (Steele et al. 2014,
 * doi:10.1145/2660193.2660195) of seed, step and row. */
static inline unsigned gru_draw_key(const gru_draws *draws, size_t step, size_t row) {
    unsigned long long x = draws->seed;
    const unsigned long long parts[2] = { draws->first_step + step, row };
    for (size_t i = 0; i < 2; i++) {
        x += 0x9E3779B97F4A7C15u * (parts[i] + 1);
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
        x ^= x >> 31;
    }
    return (unsigned)(x >> 32);
}

#endif
