/* The packed engine: how it cuts a problem, and its passes. */
#ifndef GRU_PACKED_PLAN_H
#define GRU_PACKED_PLAN_H

#include "common/threads.h"
#include "reduced/reduced.h"

#pragma GCC visibility push(hidden)

/* How the packed engine cuts a pass. Offsets are bytes, each on a cache line; sizes of arrays in
 * elements, V lanes, P panels (vectors of units), X = state_row: the H units of a state and padding. */
typedef struct gru_plan {
    size_t lanes, panels, triples; /* V, P, and panels by three */
    size_t narrow; /* lanes of a gate in the last panel, where they share one vector; or 0 */
    size_t state_row;
    size_t chunk_steps, chunks;     /* x W is made for so many steps at a time */
    size_t slices, members;         /* of the batch, and of the gang that runs each */
    size_t gradient_rows, d_x_rows; /* of a weight's gradient, of the batch: for one task */
    int threads, overflow;

    /* packed weights */
    size_t bias;                /* (P, 4, V) n r z hn, biases summed where the cell sums them */
    size_t w;                   /* (P, w_lines, 3, V) n r z */
    size_t u;                   /* (P, u_lines, 3, V) r z n */
    size_t w_lines, u_lines;    /* I and H, unless */
    const gru_reduced *reduced; /* they have fewer bits */
    size_t packed_bytes;

    /* the tape; its first line says how it is laid out */
    size_t tape_states; /* (T + 1, B, X) */
    size_t tape_gates;  /* chunk by chunk (P, steps, B, 4, V) */
    size_t tape_rh;     /* (T, B, X) reset_after = 0 */
    size_t tape_masked; /* (T + 1, B, X) masked states, if they are */
    size_t tape_bytes;

    /* the workspace, from its first cache line */
    size_t zeros;  /* (V) */
    size_t packed; /* forward: the packed weights */
    size_t states; /* inference: (2, B, X), in turn before and after a step */
    size_t gates;  /* inference: a chunk; backward that keeps the tape: all gates' gradients */
    size_t rh;     /* (B, X) r * h; backward: its gradient */
    size_t mask;   /* (B, X) factors of the states, if they are masked */
    size_t masked; /* inference: (2, B, X) masked states; backward: (B, X) gradient of one */
    size_t keeps;  /* (B, X) zoneout's draws */
    size_t operands, operands_of_row; /* (members, B, operands_of_row), see reduced.inc */
    size_t wt;                        /* backward: (I / 3V, 3H, 3, V) W transposed */
    size_t ut; /* (P / 3, 3H, 3, V) U transposed; reset_after = 0: r and z, then n */
    size_t dh; /* (B, X) */
    size_t scratch, scratch_bytes; /* of each thread: a part of a weight's gradient, then ... */
    size_t scratch_bias, scratch_d_x;
    size_t workspace_bytes;

    /* inference of a few rows and steps with the weights as they are */
    int by_rows;
    size_t row_bias;    /* (4, X) z r xn hn; gates are (T, B, 4, X) */
    size_t row_scratch; /* (GRU_ROW_SCRATCH, X) */

    /* inference with sequences as lanes, where units would leave many lanes empty */
    int by_lanes;
    size_t lane_vectors;           /* of a slice, at the most: 1 or 2; W is all of their lanes */
    size_t lane_bias;              /* (4H, V) z r n hn, each in all lanes */
    size_t lane_x, lane_gates;     /* of a slice: (I, W), (4H, W) z r n hn */
    size_t lane_h;                 /* (2, H, W) */
    size_t lane_slice, lane_bytes; /* where the first slice's arrays lie, and their size */
} gru_plan;

gru_status gru_plan_of(const gru_problem *problem, gru_pass pass, gru_plan *plan);

void gru_packed_weights_f32(
    const gru_problem *, const gru_plan *, const gru_weights *, char *packed);
void gru_packed_weights_f64(
    const gru_problem *, const gru_plan *, const gru_weights *, char *packed);
void gru_packed_forward_f32(const gru_problem *, const gru_plan *, const gru_forward_args *);
void gru_packed_forward_f64(const gru_problem *, const gru_plan *, const gru_forward_args *);
void gru_packed_backward_f32(const gru_problem *, const gru_plan *, const gru_backward_args *);
void gru_packed_backward_f64(const gru_problem *, const gru_plan *, const gru_backward_args *);

/* One layer of a stream: bytes of its memory, which begins on a cache line; its beginning, a step,
 * whose result has `row` elements from row to row, and the way back; its state. */
#define GRU_STEPPER(REAL_NAME)                                                                     \
    gru_status gru_stepper_bytes_##REAL_NAME(const gru_problem *p, size_t *bytes);                 \
    void gru_stepper_begin_##REAL_NAME(const gru_problem *p, const char *packed, void *memory);    \
    const void *gru_stepper_step_##REAL_NAME(                                                      \
        void *memory, const void *x, size_t x_row, size_t *row);                                   \
    void gru_stepper_back_##REAL_NAME(void *memory);                                               \
    void gru_stepper_get_##REAL_NAME(const void *memory, void *state);                             \
    void gru_stepper_set_##REAL_NAME(void *memory, const void *state);
GRU_STEPPER(f32)
GRU_STEPPER(f64)
#undef GRU_STEPPER

/* Was the tape written with this plan's layout, that is, the same instruction set? */
int gru_tape_fits(const gru_plan *plan, const void *tape);

/* ---- matmul ------------------------------------------------------------------------------- */

/* How a matmul is cut, and where its arrays lie in the workspace, whose first line is zero. */
typedef struct gru_matmul_plan {
    size_t lanes, triples;
    size_t block_rows, block_vectors, row_blocks, column_blocks; /* tasks */
    int threads;
    size_t b, packed_bytes, scratch, scratch_bytes, workspace_bytes;
} gru_matmul_plan;

gru_status gru_matmul_plan_of(const gru_matmul_args *args, gru_matmul_plan *plan);

/* Pack b of a matmul; multiply. */
void gru_packed_matmul_pack_f32(const gru_matmul_plan *, const gru_matmul_args *, void *packed);
void gru_packed_matmul_pack_f64(const gru_matmul_plan *, const gru_matmul_args *, void *packed);
void gru_packed_matmul_f32(const gru_matmul_plan *, const gru_matmul_args *);
void gru_packed_matmul_f64(const gru_matmul_plan *, const gru_matmul_args *);

#pragma GCC visibility pop

#endif
