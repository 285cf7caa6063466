/* What the files of the core share: the kernel table, layouts, engines. Nothing here is visible
 * outside the core. */
#ifndef GRU_INTERNAL_H
#define GRU_INTERNAL_H

#if !defined(__GNUC__)
#error "gru_c needs GCC or Clang: its kernels are written with their vector extensions"
#endif

#include <float.h>
#include <stdint.h>
#include <string.h>

#include "gru.h"

#pragma GCC visibility push(hidden)

/* ---- kernels ------------------------------------------------------------------------------
 * The elementwise work, compiled once per instruction set and dtype. To add a kernel: a line here,
 * and a body in one of the .inc files that kernels.inc includes. */
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
#include "real.h"
#include "table.inc"
#undef REAL_BITS
#define REAL_BITS 64
#include "real.h"
#include "table.inc"
#undef REAL_BITS

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

/* The tables of the instruction set in use. */
const gru_kernels_f32 *gru_active_kernels_f32(void);
const gru_kernels_f64 *gru_active_kernels_f64(void);
size_t gru_active_lanes(gru_dtype dtype);
int gru_active_fma(void); /* does it fuse a multiply-add? */

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
    size_t operands, operands_of_row; /* (members, B, operands_of_row), see packed_reduced.inc */
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

/* Adds up arrays; `overflow` sticks. */
typedef struct gru_arena {
    size_t itemsize, bytes;
    int overflow;
} gru_arena;

/* Room for an array (a, b, c) on a cache line; its byte offset. */
size_t gru_take(gru_arena *arena, size_t a, size_t b, size_t c);
size_t gru_take_bytes(gru_arena *arena, size_t bytes);

gru_status gru_layout_of(const gru_problem *problem, gru_pass pass, gru_layout *layout);

/* `memory` moved up to the next cache line; workspace_bytes has room for it. */
char *gru_align(void *memory);

size_t gru_itemsize(gru_dtype dtype);
/* The kind of a problem's cell; null where it is the usual one. */
static inline const gru_cell_kind *gru_kind_of(const gru_problem *p) {
    const gru_cell_kind *k = &p->kind;
    const int usual = k->activation.function == GRU_TANH &&
                      k->recurrent_activation.function == GRU_SIGMOID && k->clip > DBL_MAX &&
                      k->zoneout == 0 && !p->masks_state;
    return usual ? NULL : k;
}

/* What the draws of a row at a step begin with: SplitMix64 (Steele et al. 2014,
 * doi:10.1145/2660193.2660195) of seed, step and row. */
static inline unsigned gru_draw_key(const gru_draws *draws, size_t step, size_t row) {
    unsigned long long x = draws->seed;
    const unsigned long long parts[2] = { draws->first_step + step, row };
    for (size_t i = 0; i < 2; i++) {
        x += 0x9E3779B97F4A7C15u * (parts[i] + 1);
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
        x ^= x >> 31;
    }
    return (unsigned)(x >> 32);
}

static inline size_t gru_min(size_t a, size_t b) {
    return a < b ? a : b;
}

size_t gru_divide_up(size_t a, size_t b);

/* Multiply-adds below which a second thread costs more than it brings: some 4 us of work. */
enum { GRU_SERIAL_WORK = 400 * 1000 };

/* ---- threads ------------------------------------------------------------------------------ */

/* Does one task; `member` is 0 for the caller, else a worker's number below the number of threads:
 * no two tasks run at once with the same. */
typedef void gru_task(void *context, size_t task, int member);

/* Runs the tasks 0 .. tasks - 1 on up to `threads` threads, the caller's among them. */
void gru_run_tasks(int threads, size_t tasks, gru_task *run, void *context);

/* For loops that wait for another thread: begin with {0}. */
typedef struct gru_wait {
    unsigned turns;
} gru_wait;

void gru_wait_a_little(gru_wait *wait);

/* Several threads on one sequence. It goes in phases, each of `members` parts; no part of a phase
 * begins before all parts of the phase before it are done. Member i does part i where it can, so that
 * the weights of that part stay in its cache. Begin with {.members = n}. */
enum { GRU_MOST_MEMBERS = 64, GRU_MOST_GANGS = 16 };

typedef struct gru_gang {
    size_t members;                   /* 1 .. GRU_MOST_MEMBERS */
    _Alignas(64) _Atomic size_t done; /* parts, of all phases */
    struct {
        _Alignas(64) _Atomic size_t next; /* phase of this part that is to be done */
        _Atomic int present;
    } parts[GRU_MOST_MEMBERS];
} gru_gang;

typedef void gru_phase(void *context, size_t phase, size_t part);

/* What member `member` does in the gang; comes back when all phases are done. */
void gru_gang_run(gru_gang *gang, size_t member, size_t phases, gru_phase *run, void *context);

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

/* Can the core work with it? */
gru_status gru_check_problem(const gru_problem *problem);

/* Was the tape written with this plan's layout, that is, the same instruction set? */
int gru_tape_fits(const gru_plan *plan, const void *tape);

#define BY_DTYPE(dtype, name) ((dtype) == GRU_F32 ? name##_f32 : name##_f64)

#pragma GCC visibility pop

#endif
