/* The kernels: a table of functions for each instruction set and dtype, and their arguments. */
#ifndef GRU_ISA_KERNELS_H
#define GRU_ISA_KERNELS_H

#include "common/dtype.h"
#include "common/memory.h"

#pragma GCC visibility push(hidden)

/* The kernels, compiled once for each instruction set and dtype. A new kernel is a line here and a
 * body in one of the files of kernels/.
 *
 *   row_cells_*    cells of the BLAS engine, whose gates lie row by row
 *   panel_cells_*  cells of the packed engine, whose gates lie panel by panel
 *   lane_cells_*   cells whose lanes are sequences, or the units of one row */
#define GRU_KERNELS(X)                                                                             \
    X(row_cells_forward, (const ROW_CELLS *cells))                                                 \
    X(row_cells_reset, (const ROW_CELLS *cells))                                                   \
    X(row_cells_candidate, (const ROW_CELLS *cells))                                               \
    X(row_cells_backward, (const ROW_GRADIENTS *cells))                                            \
    X(row_cells_backward_reset, (const ROW_GRADIENTS *cells))                                      \
    X(panel_cells_reset, (const PANEL_CELLS *cells))                                               \
    X(panel_cells_candidate, (const PANEL_CELLS *cells))                                           \
    X(panel_cells_backward_reset, (const PANEL_CELLS *cells))                                      \
    X(lane_cells_forward, (size_t n, size_t gate, REAL *gates, const REAL *h, REAL *h_next))       \
    X(zoneout_keeps, (size_t n, size_t first, unsigned key, double rate, REAL *keeps))             \
    X(add_masked,                                                                                  \
        (size_t rows, size_t n, const REAL *mask, const REAL *from, size_t row, REAL *to))         \
    X(gemm, (const PRODUCT *g))                                                                    \
    X(row_product, (const ROW_PRODUCT *g))                                                         \
    X(outer_sums, (const OUTER *outer))                                                            \
    X(pack_rows, (const PACK *pack))                                                               \
    X(pack_columns, (const PACK *pack))                                                            \
    X(copy_rows, (size_t rows, size_t n, const REAL *from, ptrdiff_t from_row, REAL *to,           \
                     ptrdiff_t to_row, int add))                                                   \
    X(transpose, (size_t rows, size_t columns, const REAL *from, ptrdiff_t from_row, REAL *to,     \
                     ptrdiff_t to_row))                                                            \
    X(column_sums, (size_t rows, size_t columns, size_t stride, const REAL *a, REAL *sums))        \
    X(sum_squares, (size_t n, const REAL *x, double *sum))                                         \
    X(sigmoid, (size_t n, const REAL *x, REAL *y))                                                 \
    X(tanh, (size_t n, const REAL *x, REAL *y))                                                    \
    X(adam, (const gru_update *update, size_t begin, size_t end, double beta_1, double beta_2,     \
                double epsilon, REAL *m, REAL *v))                                                 \
    X(sgd, (const gru_update *update, size_t begin, size_t end, double momentum, int nesterov,     \
               REAL *m))                                                                           \
    X(rmsprop, (const gru_update *update, size_t begin, size_t end, double rho, double epsilon,    \
                   double momentum, REAL *v, REAL *a, REAL *m))

/* The path of a product through k: `count` segments of `length` elements, which begin a_step and
 * b_step apart. The products of `block` segments are summed before they are added to c. */
typedef struct gru_k_range {
    size_t count, length, block;
    ptrdiff_t a_step, b_step;
} gru_k_range;

/* Elements of k that are summed before they are added to c. This keeps the rounding error of
 * long sums down and costs 1% of the time. */
enum { GRU_K_BLOCK = 128 };

/* A pass with at most so many rows in all steps computes the gradients of the weights row by row. */
enum { GRU_FEW_ROWS = 16 };

/* Rows of scratch memory that row_product needs: sums and totals of four rows. */
enum { GRU_ROW_SCRATCH = 8 };

#define REAL_BITS 32
#include "common/dtype.h"
#include "isa/table.inc"
#undef REAL_BITS
#define REAL_BITS 64
#include "common/dtype.h"
#include "isa/table.inc"
#undef REAL_BITS

/* Return the kind of a problem's cell; null if it is the usual one. */
static inline const gru_cell_kind *gru_kind_of(const gru_problem *problem) {
    const gru_cell_kind *kind = &problem->kind;
    const int usual = kind->activation.function == GRU_TANH &&
                      kind->recurrent_activation.function == GRU_SIGMOID && kind->clip > DBL_MAX &&
                      kind->zoneout == 0 && !problem->masks_state;
    return usual ? NULL : kind;
}

/* The tables of the instruction set in use. */
const gru_kernels_f32 *gru_active_kernels_f32(void);
const gru_kernels_f64 *gru_active_kernels_f64(void);
size_t gru_active_lanes(gru_dtype dtype);
int gru_active_by_blocks(void);

/* Return 1 if the instruction set in use fuses multiply-adds. */
int gru_active_fma(void);

#pragma GCC visibility pop

#endif
