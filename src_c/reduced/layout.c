/* Weights of fewer bits: the sizes of their arrays. */
#include "reduced/reduced.h"

size_t gru_reduced_lines(const gru_reduced *reduced, size_t k) {
    return reduced ? gru_divide_up(k, reduced->depth) : k;
}

size_t gru_reduced_triple_lines(const gru_reduced *reduced, size_t k) {
    return gru_reduced_lines(reduced, k) + (reduced && reduced->scaled);
}

/* The header is made of whole cache lines, so that a row's words begin on one. */
size_t gru_operand_header(const gru_reduced *reduced, size_t k) {
    const size_t words = 1 + gru_divide_up(k ? k : 1, reduced->part);
    return reduced->scaled ? gru_divide_up(words, GRU_LINE_WORDS) * GRU_LINE_WORDS : 0;
}

size_t gru_operand_row(const gru_reduced *reduced, size_t k) {
    const size_t words = gru_reduced_lines(reduced, k) * reduced->words;
    /* Operands are written in whole vectors, which are not longer than a cache line. */
    const size_t row = gru_operand_header(reduced, k) +
                       (gru_divide_up(words, GRU_LINE_WORDS) + 1) * GRU_LINE_WORDS;
    return row % (16 * GRU_LINE_WORDS) ? row
                                       : row + GRU_LINE_WORDS; /* as state_row in packed/plan.c */
}
