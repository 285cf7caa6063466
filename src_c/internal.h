/* What the files of the core share: the kernel table, layouts, engines. Nothing here is visible
 * outside the core. */
#ifndef GRU_INTERNAL_H
#define GRU_INTERNAL_H

#if !defined(__GNUC__)
#error "gru_c needs GCC or Clang: its kernels are written with their vector extensions"
#endif

#include <stdint.h>
#include <string.h>

#include "gru.h"

#pragma GCC visibility push(hidden)

/* ---- kernels ------------------------------------------------------------------------------
 * The elementwise work, compiled once per instruction set and dtype. To add a kernel: a line here,
 * and a body in one of the .inc files that kernels.inc includes. */
#define GRU_KERNELS(X)                                                                             \
    X(cell_forward, (const TYPED(gru_cell) * cell))                                                \
    X(cell_reset, (const TYPED(gru_cell) * cell))                                                  \
    X(cell_candidate, (const TYPED(gru_cell) * cell))                                              \
    X(cell_backward, (const TYPED(gru_cell_gradient) * cell))                                      \
    X(cell_backward_reset, (const TYPED(gru_cell_gradient) * cell))                                \
    X(column_sums, (size_t rows, size_t columns, size_t stride, const REAL *a, REAL *sums))        \
    X(sigmoid, (size_t n, const REAL *x, REAL *y))                                                 \
    X(tanh, (size_t n, const REAL *x, REAL *y))                                                    \
    X(sum_squares, (size_t n, const REAL *x, double *sum))                                         \
    X(adam, (const gru_update *u, size_t begin, size_t end, double beta_1, double beta_2,          \
             double epsilon, REAL *m, REAL *v))                                                    \
    X(sgd,                                                                                         \
      (const gru_update *u, size_t begin, size_t end, double momentum, int nesterov, REAL *m))     \
    X(rmsprop, (const gru_update *u, size_t begin, size_t end, double rho, double epsilon,         \
                double momentum, REAL *v, REAL *a, REAL *m))

#define REAL_BITS 32
#include "real.h"
#include "table.inc"
#undef REAL_BITS
#define REAL_BITS 64
#include "real.h"
#include "table.inc"
#undef REAL_BITS

/* The tables of the instruction set in use. */
const gru_kernels_f32 *gru_active_kernels_f32(void);
const gru_kernels_f64 *gru_active_kernels_f64(void);

/* ---- layouts ------------------------------------------------------------------------------ */

/* How a pass is cut, and where its scratch arrays lie (byte offsets, each on a cache line). */
typedef struct gru_layout {
    size_t slice_rows, slices; /* the batch is cut into slices of so many rows */
    size_t chunk_steps;        /* x W and the weight gradients take so many steps at a time */
    int threads;               /* that have work */

    /* from the workspace's first cache line */
    size_t bias;       /* (4H) forward: z r n hn, biases summed where the cell sums them */
    size_t threads_at; /* thread i's arrays begin at threads_at + i * thread_bytes */
    size_t thread_bytes;

    /* from a thread's first byte; K = chunk_steps, S = slice_rows */
    size_t x;     /* (K, S, I) */
    size_t gates; /* (K, S, 3H) forward: x W; (K, S, 4H) backward: gate gradients n z r hn */
    size_t hu;    /* (S, 3H) forward: h U */
    size_t cell;  /* (S, 4H) forward without a tape: gates of one step */
    size_t h;     /* (S, H) forward without a tape: the state; backward: its gradient */
    size_t rh;    /* (S, H) backward, reset_after = 0: gradient of r * h */
    size_t d_x;   /* (K, S, I) */
    size_t d_kernel, d_recurrent_kernel, d_bias; /* (I, 3H) (H, 3H) (4H: n z r hn): one slice's */

    size_t workspace_bytes;

    /* the tape, from its first byte: per slice states (T + 1, rows, H) and gates (T, rows, 4H:
     * z r n, then hn = h Un + bhn, or r * h when reset_after = 0) */
    size_t tape_gates;
    size_t tape_bytes;
} gru_layout;

gru_status gru_layout_of(const gru_problem *problem, gru_pass pass, gru_layout *layout);

/* `memory` moved up to the next cache line; workspace_bytes has room for it. */
char *gru_align(void *memory);

size_t gru_itemsize(gru_dtype dtype);
size_t gru_min(size_t a, size_t b);

/* Multiply-adds below which waking a thread costs more than it brings: some 0.15 ms of work. A
 * thread that sleeps is awake after 0.05 to 0.1 ms, beside a busy program much later. */
enum { GRU_SERIAL_WORK = 4 * 1000 * 1000 };

/* ---- engines ------------------------------------------------------------------------------ */

int gru_blas_is_set(void);

/* c (m, n) = a b + beta c with row strides, one thread, through BLAS; beta 0 or 1. */
void gru_gemm_f32(size_t m, size_t n, size_t k, const gru_matrix *a, const gru_matrix *b, int beta,
                  float *c, size_t stride);
void gru_gemm_f64(size_t m, size_t n, size_t k, const gru_matrix *a, const gru_matrix *b, int beta,
                  double *c, size_t stride);

void gru_sequence_forward_f32(const gru_problem *, const gru_layout *, const gru_forward_args *);
void gru_sequence_forward_f64(const gru_problem *, const gru_layout *, const gru_forward_args *);
void gru_sequence_backward_f32(const gru_problem *, const gru_layout *, const gru_backward_args *);
void gru_sequence_backward_f64(const gru_problem *, const gru_layout *, const gru_backward_args *);

#pragma GCC visibility pop

#endif
