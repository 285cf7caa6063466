/* Weights of fewer bits: their formats, packing and products. */
#ifndef GRU_REDUCED_REDUCED_H
#define GRU_REDUCED_REDUCED_H

#include "isa/kernels.h"

#pragma GCC visibility push(hidden)

/* The functions that pack and multiply a format of weights. Only float has such formats.
 *
 * A product with them is a gru_product whose k counts lines of the weights. A line is a vector of
 * 32-bit words for each place of a triple; a word holds `depth` numbers of its column that follow
 * each other. The other factor is an operand: a row of a, turned into `words` words for each line.
 *
 * Where weights have scales, a triple begins with a line of its columns' scales, and b of a product
 * points behind it. An operand then has a header before its words: word -1 is the row's scale, and
 * word -2 - i is the number that the sums of part i of k begin with. */
typedef struct gru_reduced {
    gru_weight_format format;
    int (*supported)(void); /* returns 1 if the CPU can do it; null: all CPUs of the set can */
    size_t depth, words;
    size_t part; /* numbers of k that are summed before they are added to c */
    int scaled;  /* 1: weights and operands have scales */
    void (*pack)(const gru_pack_f32 *pack); /* as the kernel pack_rows */
    /* Turn rows of a into operands; `out` is the place of the first row's words. */
    void (*operands)(
        size_t rows, size_t k, const float *a, ptrdiff_t a_row, float *out, size_t out_row);
    void (*product)(const gru_product_f32 *g); /* as the kernel gemm */
} gru_reduced;

enum {
    GRU_BF16_PART = 1024,
    /* 255 * 127 times this, and the number that the sums begin with, stay below 2^31. */
    GRU_INT8_PART = 32 * 1024,
    GRU_LINE_WORDS = 16 /* words of a cache line */
};

/* Return the functions for a format with the instruction set in use; null for full weights. */
const gru_reduced *gru_active_reduced(gru_weight_format format);

/* Return the lines of k numbers (k itself for weights in full), and those of a triple, which
 * include its scales. */
size_t gru_reduced_lines(const gru_reduced *reduced, size_t k);
size_t gru_reduced_triple_lines(const gru_reduced *reduced, size_t k);

/* Return the words of an operand's header, and those from one operand to the next. */
size_t gru_operand_header(const gru_reduced *reduced, size_t k);
size_t gru_operand_row(const gru_reduced *reduced, size_t k);

#pragma GCC visibility pop

#endif
