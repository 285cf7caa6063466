/* The BLAS engine: how it cuts a problem, and its passes. */
#ifndef GRU_BLAS_PLAN_H
#define GRU_BLAS_PLAN_H

#include "gru.h"

#pragma GCC visibility push(hidden)

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
    size_t x;      /* (K, S, I) */
    size_t gates;  /* (K, S, 3H) forward: x W; (K, S, 4H) backward: gate gradients n z r hn */
    size_t hu;     /* (S, 3H) forward: h U */
    size_t cell;   /* (S, 4H) forward without a tape: gates of one step */
    size_t h;      /* (S, H) forward without a tape: the state; backward: its gradient */
    size_t rh;     /* (S, H) backward, reset_after = 0: gradient of r * h */
    size_t masked; /* (S, H) forward without a tape: the masked state; backward: its gradient */
    size_t keeps;  /* (S, H) forward: zoneout's draws */
    size_t d_x;    /* (K, S, I) */
    size_t d_kernel, d_recurrent_kernel, d_bias; /* (I, 3H) (H, 3H) (4H: n z r hn): one slice's */

    size_t workspace_bytes;

    /* the tape, from its first byte: per slice states (T + 1, rows, H) and gates (T, rows, 4H:
     * z r n, then hn = h Un + bhn, or r * h when reset_after = 0) */
    size_t tape_gates;
    size_t tape_masked; /* masked states as the states are, if they are masked */
    size_t tape_bytes;
} gru_layout;

gru_status gru_layout_of(const gru_problem *problem, gru_pass pass, gru_layout *layout);

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
