/* The kernels: a table of functions for each instruction set and dtype, and what they work on. */
#ifndef GRU_ISA_KERNELS_H
#define GRU_ISA_KERNELS_H

#include "common/dtype.h"
#include "common/memory.h"

#pragma GCC visibility push(hidden)

/* ---- kernels ------------------------------------------------------------------------------
 * The elementwise work, compiled once per instruction set and dtype. To add a kernel: a line here,
 * and a body in one of the files of kernels/. */
#define GRU_KERNELS(X)                                                                             \
    X(cell_forward, (const ROW_CELLS *cell))                                                       \
    X(cell_reset, (const ROW_CELLS *cell))                                                         \
    X(cell_candidate, (const ROW_CELLS *cell))                                                     \
    X(cell_backward, (const ROW_GRADIENTS *cell))                                                  \
    X(cell_backward_reset, (const ROW_GRADIENTS *cell))                                            \
    X(gemm, (const PRODUCT *g))                                                                    \
    X(cells_forward, (const PANEL_CELLS *c))                                                       \
    X(cells_reset, (const PANEL_CELLS *c))                                                         \
    X(cells_candidate, (const PANEL_CELLS *c))                                                     \
    X(cells_backward, (const PANEL_CELLS *c))                                                      \
    X(cells_backward_reset, (const PANEL_CELLS *c))                                                \
    X(zoneout_keeps, (size_t n, size_t first, unsigned key, double rate, REAL *keeps))             \
    X(add_masked,                                                                                  \
        (size_t rows, size_t n, const REAL *mask, const REAL *from, size_t row, REAL *to))         \
    X(row_product, (const ROW_PRODUCT *g))                                                         \
    X(lane_cells_forward, (size_t n, size_t gate, REAL *gates, const REAL *h, REAL *h_next))       \
    X(single_step, (const SINGLE_STEP *s))                                                         \
    X(transpose, (size_t rows, size_t columns, const REAL *from, ptrdiff_t from_row, REAL *to,     \
                     ptrdiff_t to_row))                                                            \
    X(pack_rows, (const PACK *p))                                                                  \
    X(pack_columns, (const PACK *p))                                                               \
    X(copy_rows, (size_t rows, size_t n, const REAL *from, ptrdiff_t from_row, REAL *to,           \
                     ptrdiff_t to_row, int add))                                                   \
    X(column_sums, (size_t rows, size_t columns, size_t stride, const REAL *a, REAL *sums))        \
    X(sigmoid, (size_t n, const REAL *x, REAL *y))                                                 \
    X(tanh, (size_t n, const REAL *x, REAL *y))                                                    \
    X(sum_squares, (size_t n, const REAL *x, double *sum))                                         \
    X(adam, (const gru_update *u, size_t begin, size_t end, double beta_1, double beta_2,          \
                double epsilon, REAL *m, REAL *v))                                                 \
    X(sgd,                                                                                         \
        (const gru_update *u, size_t begin, size_t end, double momentum, int nesterov, REAL *m))   \
    X(rmsprop, (const gru_update *u, size_t begin, size_t end, double rho, double epsilon,         \
                   double momentum, REAL *v, REAL *a, REAL *m))

/* How a matmul goes through k: `count` segments of `length`, `block` of them summed before they are
 * added to c; from one segment to the next a and b move by a_step and b_step. */
typedef struct gru_run {
    size_t count, length, block;
    ptrdiff_t a_step, b_step;
} gru_run;

/* Elements of k that are summed before they are added to the rest: keeps the rounding error of long
 * sums down, at 1% of the time. */
enum { GRU_K_BLOCK = 128 };

/* Rows of scratch memory that row_product needs: sums and totals of so many at once. */
enum { GRU_ROW_SCRATCH = 8 };

#define REAL_BITS 32
#include "common/dtype.h"
#include "isa/table.inc"
#undef REAL_BITS
#define REAL_BITS 64
#include "common/dtype.h"
#include "isa/table.inc"
#undef REAL_BITS

/* The kind of a problem's cell; null where it is the usual one. */
static inline const gru_cell_kind *gru_kind_of(const gru_problem *p) {
    const gru_cell_kind *k = &p->kind;
    const int usual = k->activation.function == GRU_TANH &&
                      k->recurrent_activation.function == GRU_SIGMOID && k->clip > DBL_MAX &&
                      k->zoneout == 0 && !p->masks_state;
    return usual ? NULL : k;
}

/* The tables of the instruction set in use. */
const gru_kernels_f32 *gru_active_kernels_f32(void);
const gru_kernels_f64 *gru_active_kernels_f64(void);
size_t gru_active_lanes(gru_dtype dtype);
int gru_active_fma(void); /* does it fuse a multiply-add? */

#pragma GCC visibility pop

#endif
