/* The BLAS engine: its plan, which cuts a problem and gives each array its place, and its
 * passes. */
#ifndef GRU_BLAS_PLAN_H
#define GRU_BLAS_PLAN_H

#include "gru.h"

#pragma GCC visibility push(hidden)

/* Sizes and byte offsets of a pass. Offsets are multiples of a cache line. K = chunk_steps and
 * S = slice_rows. */
typedef struct gru_blas_plan {
    size_t slice_rows, slices; /* the batch is cut into slices of up to slice_rows rows */
    size_t chunk_steps;        /* steps whose x W and weight gradients are computed at once */
    int threads;               /* threads that have work */

    /* from the workspace's first cache line */
    size_t bias;       /* (4H) forward: z r n hn; biases that the cell adds are added here */
    size_t threads_at; /* the first thread's arrays; those of the next lie thread_bytes behind */
    size_t thread_bytes;

    /* from a thread's first byte */
    size_t x; /* (K, S, I) */
    /* forward: (K, S, GH) x W; backward: (K, S, slots H) gradients of the gates, n z r hn of a
     * GRU */
    size_t gates;
    size_t hu;     /* (S, GH) forward: h U of a GRU */
    size_t cell;   /* (S, 4H) forward without a tape: the gates of one step of a GRU */
    size_t h;      /* (S, H) forward without a tape: the state; backward: its gradient */
    size_t c;      /* (S, H) the same of an LSTM's c */
    size_t rh;     /* (S, H) backward, reset_after = 0: gradient of r * h */
    size_t masked; /* (S, H) forward without a tape: the masked state; backward: its gradient */
    size_t keeps;  /* (S, H) forward: zoneout's draws */
    size_t d_x;    /* (K, S, I) */
    /* a slice's (I, GH) (H, GH) (slots H: of a GRU n z r hn) */
    size_t d_kernel, d_recurrent_kernel, d_bias;

    size_t workspace_bytes;

    /* The tape, from its first byte. It holds, slice by slice, states (T + 1, rows, H) and gates
     * (T, rows, slots H): of a GRU z r n, then hn = h Un + bhn, or r * h where reset_after = 0. */
    size_t tape_gates;
    size_t tape_cells;  /* an LSTM's c, laid out as the states */
    size_t tape_masked; /* masked states, laid out as the states; with a mask only */
    size_t tape_bytes;
} gru_blas_plan;

gru_status gru_blas_plan_of(const gru_problem *problem, gru_pass pass, gru_blas_plan *plan);

int gru_blas_is_set(void);

/* Return 1 if the caller has said that there is no BLAS. */
int gru_blas_is_missing(void);

/* c (m, n) = a b + beta c by BLAS, on one thread. Rows of c lie `c_row` apart; beta is 0 or 1. */
void gru_gemm_f32(size_t m, size_t n, size_t k, const gru_matrix *a, const gru_matrix *b, int beta,
    float *c, size_t c_row);
void gru_gemm_f64(size_t m, size_t n, size_t k, const gru_matrix *a, const gru_matrix *b, int beta,
    double *c, size_t c_row);

void gru_blas_forward_f32(const gru_problem *, const gru_blas_plan *, const gru_forward_args *);
void gru_blas_forward_f64(const gru_problem *, const gru_blas_plan *, const gru_forward_args *);
void gru_blas_backward_f32(const gru_problem *, const gru_blas_plan *, const gru_backward_args *);
void gru_blas_backward_f64(const gru_problem *, const gru_blas_plan *, const gru_backward_args *);

#pragma GCC visibility pop

#endif
