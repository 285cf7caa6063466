/* The packed engine: its plan, which cuts a problem and gives each array its place, and its passes.
 *
 * Glossary
 *   lane         one number of a vector; V lanes are a vector
 *   panel        hidden units with all of their gates: V units of a GRU, 3 V of other cells. Its
 *                vectors lie gate by gate. The last panel may have fewer units, and then also has
 *                fewer vectors.
 *   slot         a vector of a panel's sums: a GRU has one more than gates, for h Un
 *   triple       three vectors that the matmul takes together: gates of a panel, or units
 *   slice        the rows of the batch that one thread takes, or one gang
 *   gang         several threads that share a slice; each member takes a part of the panels
 *   time chunk   the steps whose x W is computed at once
 *   step tile    the rows and panels of a step that one task computes
 *   stretch      the steps of a slice that a thread takes before another one may go on with it
 *   phase        a step or half a step; all members of a gang finish it before the next begins
 *   k            the index that a product sums over; k range: how a product goes through k
 *   block of k   GRU_K_BLOCK elements of k, summed before they are added to the result
 *   context      the struct that the tasks of a pass share
 *   plan         sizes and offsets of a pass; it holds no pointers to arrays
 *
 * The letters B T I H G S are those of gru.h, V is the lanes of a vector, P the panels, R the
 * elements of a row of a panel's slots, and X the elements from one row of a state to the next: H
 * rounded up to whole panels, and padding. */
#ifndef GRU_PACKED_PLAN_H
#define GRU_PACKED_PLAN_H

#include "common/cells.h"
#include "common/memory.h"
#include "common/threads.h"
#include "reduced/reduced.h"

#pragma GCC visibility push(hidden)

/* The ways to compute a forward pass. All of them sum in the same order, so the bits are the
 * same. */
typedef enum gru_way {
    GRU_PANELS, /* weights packed into panels; every pass can go this way */
    GRU_LANES,  /* inference of a small layer: the lanes are sequences, weights are read in place */
    GRU_ROWS,   /* a few rows and steps: weights are read in place, row by row */
    GRU_SINGLE  /* inference of one step of one or two rows: all sums stay in registers */
} gru_way;

/* Rows of the gates' gradients that are copied to one place for a block of k. */
enum { GRU_COPY_ROWS = 256 };

/* All sizes of arrays count elements. All offsets are bytes and multiples of a cache line. */

/* The packed weights. */
typedef struct gru_packed_layout {
    size_t bias; /* (P, R); of a GRU n r z hn, where biases that the cell adds are added here */
    /* (triples, w_lines, 3, V) and (triples, u_lines, 3, V); of a GRU n r z and r z n */
    size_t w, u;
    int u_by_gates;          /* 1: U is (3, P / 3, H, 3, V) instead: panels of r, then z, then n */
    size_t w_lines, u_lines; /* I and H; fewer where the weights have fewer bits */
    size_t bytes;
} gru_packed_layout;

/* The tape. Its first line identifies its layout. */
typedef struct gru_tape_layout {
    size_t states; /* (T + 1, B, X) h */
    size_t cells;  /* (T + 1, B, X) c; of an LSTM only */
    size_t gates;  /* chunk by chunk (P, steps, B, R); of a GRU n r z hn, else gate by gate */
    size_t rh;     /* (T, B, X) r * h; reset_after = 0 only */
    size_t masked; /* (T + 1, B, X) masked states; with a mask only */
    size_t bytes;
} gru_tape_layout;

/* The workspace of a forward pass by panels. With a tape, states, gates, rh and masked are
 * there. */
typedef struct gru_panel_layout {
    size_t packed;                 /* the packed weights, where the caller gives none */
    size_t states;                 /* (2, B, X): the states before and after a step, in turn */
    size_t cells;                  /* (2, B, X): the same of an LSTM's c */
    size_t gates;                  /* (P, steps, B, R) of one chunk */
    size_t rh;                     /* (B, X) */
    size_t mask;                   /* (B, X) factors of the states */
    size_t masked;                 /* (2, B, X) */
    size_t keeps;                  /* (B, X) zoneout's draws */
    size_t operands, operands_row; /* (members, B, operands_row), see reduced.inc */
} gru_panel_layout;

/* The workspace of a forward pass with sequences as lanes; W = vectors * V is a slice's width. */
typedef struct gru_lane_layout {
    size_t vectors; /* of a slice: 1 or 2 */
    size_t bias;    /* (slots H, V), each number in all lanes; of a GRU z r n hn */
    size_t slices;  /* the first slice's arrays; those of the next lie slice_bytes behind */
    size_t slice_bytes;
    size_t x, gates, h, c; /* in a slice: (I, W), (slots H, W), (2, H, W), (H, W) of an LSTM */
} gru_lane_layout;

/* The workspace of a forward pass row by row. */
typedef struct gru_row_layout {
    size_t bias;    /* (slots, X); of a GRU z r xn hn */
    size_t scratch; /* (GRU_ROW_SCRATCH, X) */
    size_t states;  /* (2, B, X) */
    size_t cells;   /* (B, X) of an LSTM */
    size_t gates;   /* (T, B, slots, X) */
} gru_row_layout;

/* The workspace of a backward pass. */
typedef struct gru_backward_layout {
    size_t gradient_rows, gradient_triples; /* of a weight's gradient that one task computes */
    size_t d_x_rows;                        /* rows of the batch for which one task computes d_x */
    size_t wt;                              /* (I / 3V, GH, 3, V) W transposed */
    size_t ut;          /* (H / 3V, GH, 3, V) U transposed; reset_after = 0: r and z, then n */
    size_t dh, dc, drh; /* (B, X) gradients of the states and of r * h */
    size_t keeps;       /* (B, X) zoneout's draws; not of a GRU */
    size_t mask;        /* (B, X) */
    size_t d_masked;    /* (B, X) gradient of a masked state */
    size_t few_rows;    /* rows of all steps, if they are few; else 0 */
    size_t lines;       /* (2, few_rows, GH) gradients of the gates as few_rows.inc needs them */
    size_t gates;       /* gradients of all gates, where the tape must keep the gates */
    size_t scratch;     /* the first thread's scratch; that of the next lies scratch_bytes behind */
    size_t scratch_bytes;
    size_t scratch_lines, scratch_bias; /* in a thread's scratch, behind a part of a gradient */
    size_t scratch_block; /* in a thread's scratch, behind d_x: (GRU_COPY_ROWS, GRU_K_BLOCK) */
    int copies_state, copies_input; /* 1: dh or d_x is computed from copies of gates' gradients */
} gru_backward_layout;

typedef struct gru_plan {
    gru_way way;
    size_t gates, slots;           /* G; slots of a unit */
    size_t lanes, vectors, panels; /* V; vectors of units; P */
    size_t panel_vectors;          /* vectors of a panel's units */
    size_t panel_units;            /* their lanes */
    size_t panel_row;              /* R */
    size_t panel_triples;          /* triples of a panel's weights */
    size_t state_triples;          /* vectors of units in triples */
    size_t panel_group;            /* panels whose units are whole triples */
    size_t narrow;    /* lanes of a gate in the last panel, if its gates share a vector; else 0 */
    size_t state_row; /* X */
    size_t chunk_steps, chunks; /* steps of a time chunk; chunks of the sequence */
    size_t panel_padding;       /* elements between the gates of two panels of a chunk */
    size_t phase_steps;         /* steps of a forward phase, with reset_after = 1 */
    size_t row_panels; /* one row of the usual cell: panels that row_steps takes at once; else 0 */
    int input_by_step; /* 1: row_steps computes x W, too; the workspace then has one step's gates */
    int w_at_use, u_at_use; /* backward, 1: W or U is packed triple by triple, where it is needed */
    size_t slices, members; /* slices of the batch; members of the gang that takes each */
    size_t stretch;         /* steps of a slice that a thread takes at a time; 0: all */
    int threads;
    int overflow;               /* 1: a size does not fit size_t */
    const gru_reduced *reduced; /* the functions for weights of fewer bits; null: all bits */
    gru_packed_layout packed;
    gru_tape_layout tape;
    size_t workspace_bytes;
    size_t zeros; /* (V), the workspace's first line */
    union {       /* the rest of the workspace, by the way or the pass */
        gru_panel_layout by_panels;
        gru_lane_layout by_lanes;
        gru_row_layout by_rows;
        struct {
            size_t zeros; /* (H) */
        } single;
        gru_backward_layout backward;
    };
} gru_plan;

/* Return the fastest way for a pass whose units and batch are cut. */
gru_way gru_way_of(const gru_problem *problem, gru_pass pass, const gru_plan *plan);

gru_status gru_plan_of(const gru_problem *problem, gru_pass pass, gru_plan *plan);

/* ---- passes ------------------------------------------------------------------------------- */

/* Return 1 if the tape has this plan's layout, which depends on the instruction set. */
int gru_tape_fits(const gru_plan *plan, const void *tape);

void gru_packed_weights_f32(
    const gru_problem *, const gru_plan *, const gru_weights *, char *packed);
void gru_packed_weights_f64(
    const gru_problem *, const gru_plan *, const gru_weights *, char *packed);
void gru_packed_forward_f32(const gru_problem *, const gru_plan *, const gru_forward_args *);
void gru_packed_forward_f64(const gru_problem *, const gru_plan *, const gru_forward_args *);
void gru_packed_backward_f32(const gru_problem *, const gru_plan *, const gru_backward_args *);
void gru_packed_backward_f64(const gru_problem *, const gru_plan *, const gru_backward_args *);

/* ---- steps of a stream -------------------------------------------------------------------- */

/* One recurrent layer of a stream, in memory that begins on a cache line. `step` returns the new h,
 * whose rows lie `row` elements apart; `back` undoes the last step; `get` and `set` copy the states
 * (B, S, H). */
#define GRU_STEPPER(REAL_NAME)                                                                     \
    gru_status gru_stepper_bytes_##REAL_NAME(const gru_problem *problem, size_t *bytes);           \
    void gru_stepper_begin_##REAL_NAME(                                                            \
        const gru_problem *problem, const char *packed, void *memory);                             \
    const void *gru_stepper_step_##REAL_NAME(                                                      \
        void *memory, const void *x, size_t x_row, size_t *row);                                   \
    void gru_stepper_back_##REAL_NAME(void *memory);                                               \
    void gru_stepper_get_##REAL_NAME(const void *memory, void *state);                             \
    void gru_stepper_set_##REAL_NAME(void *memory, const void *state);
GRU_STEPPER(f32)
GRU_STEPPER(f64)
#undef GRU_STEPPER

/* ---- matmul ------------------------------------------------------------------------------- */

/* The tasks of a matmul, and the offsets of its arrays in the workspace, which begins with V
 * zeros. */
typedef struct gru_matmul_plan {
    size_t lanes, triples;
    size_t task_rows, task_vectors;         /* rows and vectors of c that one task computes */
    size_t tasks_of_rows, tasks_of_columns; /* tasks = one times the other */
    int threads;
    size_t b, packed_bytes, scratch, scratch_bytes, workspace_bytes;
} gru_matmul_plan;

gru_status gru_matmul_plan_of(const gru_matmul_args *args, gru_matmul_plan *plan);

void gru_packed_matmul_pack_f32(const gru_matmul_plan *, const gru_matmul_args *, void *packed);
void gru_packed_matmul_pack_f64(const gru_matmul_plan *, const gru_matmul_args *, void *packed);
void gru_packed_matmul_f32(const gru_matmul_plan *, const gru_matmul_args *);
void gru_packed_matmul_f64(const gru_matmul_plan *, const gru_matmul_args *);

#pragma GCC visibility pop

#endif
