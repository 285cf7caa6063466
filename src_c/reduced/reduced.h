/* Weights of fewer bits: how a format is packed and multiplied. */
#ifndef GRU_REDUCED_REDUCED_H
#define GRU_REDUCED_REDUCED_H

#include "isa/kernels.h"

#pragma GCC visibility push(hidden)

/* ---- weights of fewer bits (float only) ----
 *
 * A product with them is a gru_product whose k counts lines of the weights. A line is a vector of
 * 32-bit words for each place of a triple; a word holds `depth` numbers of its column that follow each
 * other. An operand, which is a row of a, has `words` words for each line.
 *
 * With scales, a triple begins with a line of its columns' scales, which b of a product is behind; and
 * an operand has a header before its words: the row's scale in word -1, and in word -2 - i what the
 * sums of part i of k begin with. */
typedef struct gru_reduced {
    gru_weight_format format;
    int (*supported)(void); /* null: by every CPU of the instruction set */
    size_t depth, words;
    size_t part; /* numbers of k that are summed before they are added to c */
    int scaled;
    void (*pack)(const gru_pack_f32 *p); /* as pack_rows */
    void (*operands)(size_t rows, size_t k, const float *a, ptrdiff_t a_row, float *out,
        size_t out_row); /* out: words of the first row */
    void (*product)(const gru_product_f32 *g);
} gru_reduced;

enum {
    GRU_BF16_PART = 1024,
    /* 255 * 127 times that, and what the sums begin with, is below 2^31 */
    GRU_INT8_PART = 32 * 1024,
    GRU_LINE_WORDS = 16 /* of a cache line */
};

/* How a format is multiplied with the instruction set in use; null: in full. */
const gru_reduced *gru_active_reduced(gru_weight_format format);

/* Lines of k numbers (k itself in full); of a triple with them, scales included. */
size_t gru_reduced_lines(const gru_reduced *reduced, size_t k);
size_t gru_reduced_triple_lines(const gru_reduced *reduced, size_t k);

/* Words before those of an operand of k numbers; from row to row. */
size_t gru_operand_header(const gru_reduced *reduced, size_t k);
size_t gru_operand_row(const gru_reduced *reduced, size_t k);

#pragma GCC visibility pop

#endif
