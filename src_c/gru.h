/* gru_c core: recurrent cells over whole sequences, forward and backward.
 *
 * This file and gru_layers.h are the whole contract. The core knows nothing of Python. It never allocates, prints or
 * exits: memory comes from the caller, sizes are asked for first, and every failure is a status.
 *
 * The letters
 *   B batch rows   T time steps   I input features   H hidden units
 *   z update gate  r reset gate   n candidate        h state        d* gradient of *
 *   i input gate   f forget gate  o output gate      c an LSTM's second state
 *   G gates        S states       W U b weights, of all gates side by side
 *
 * The GRU, G = 3, S = 1 (Cho et al. 2014, doi:10.3115/v1/D14-1179; reset_after is cuDNN's variant)
 *   z  = sigmoid(x Wz + h Uz + bz)
 *   r  = sigmoid(x Wr + h Ur + br)
 *   n  = tanh(x Wn + bn + r * (h Un + bhn))    reset_after = 1
 *   n  = tanh(x Wn + bn + (r * h) Un)          reset_after = 0
 *   h' = (1 - z) * n + z * h
 *
 * The LSTM, G = 4, S = 2 (Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735, with the
 * forget gate of Gers et al. 2000, doi:10.1162/089976600300015015)
 *   i  = sigmoid(x Wi + h Ui + bi)
 *   f  = sigmoid(x Wf + h Uf + bf)
 *   n  = tanh(x Wn + h Un + bn)
 *   o  = sigmoid(x Wo + h Uo + bo)
 *   c' = f * c + i * n
 *   h' = o * tanh(c')
 *
 * The plain recurrent cell, G = 1, S = 1 (Elman 1990, doi:10.1207/s15516709cog1402_1)
 *   h' = tanh(x W + h U + b)
 *
 * The gate order of every weight is z, r, n of a GRU and i, f, n, o of an LSTM (Keras's). Arrays are
 * row-major (C order). The states of a row are h and, of an LSTM, c behind it: (B, S, H).
 *
 * Numbers: with the same sizes and engine the results are the same bits for any number of threads.
 */
#ifndef GRU_H
#define GRU_H

#include <stddef.h>

typedef enum gru_status {
    GRU_OK = 0,
    GRU_BAD_ARGUMENT,   /* null where an array is needed, no units, no threads, unknown dtype */
    GRU_TOO_LARGE,      /* a number of bytes that size_t cannot hold */
    GRU_BLAS_LIMIT,     /* a matrix side that the int of BLAS cannot hold */
    GRU_NO_BLAS,        /* the BLAS engine was chosen before gru_set_blas was called */
    GRU_NO_ISA,         /* gru_select_isa: an unknown name, or a set that this CPU does not have */
    GRU_SMALL_WORKSPACE /* gru_forward_within: the workspace has fewer bytes than are needed */
} gru_status;

/* Return a sentence about a status, for a message. Never null. */
const char *gru_status_message(gru_status status);

/* The type of the elements that a call's void pointers point to. */
typedef enum gru_dtype { GRU_F32 = 0, GRU_F64 = 1 } gru_dtype;

typedef enum gru_engine {
    GRU_ENGINE_AUTO = 0,  /* the fastest engine for the problem */
    GRU_ENGINE_BLAS = 1,  /* gate matmuls through BLAS, cells vectorised */
    GRU_ENGINE_PACKED = 2 /* the core's own matmul on packed weights, fused with the cells */
} gru_engine;

/* ---- the machine -------------------------------------------------------------------------- */

/* Return name i (0, 1, ...) of the instruction sets that this CPU can run, best first; null past
 * the last. */
const char *gru_isa_name(size_t i);

/* Return the name of the instruction set in use: the best one, unless gru_select_isa chose
 * another. */
const char *gru_active_isa(void);

/* Use the named instruction set. No other call may be running. */
gru_status gru_select_isa(const char *name);

/* Return 1 if the core has threads of its own, 0 if every call runs on the calling thread. */
int gru_has_threads(void);

/* Return 1 if the core was built with OpenMP, whose threads the BLAS engine uses: without them it
 * runs on the calling thread. */
int gru_has_openmp(void);

/* Say that an OpenMP runtime has bound the calling thread: where a caller has the same CPUs as this
 * thread has now, the core's own threads use these CPUs instead. Once, before any pass. */
void gru_unbind_workers(size_t count, const int *cpus);

/* The Fortran BLAS routines that the BLAS engine calls (LP64: int is 32 bits). */
typedef struct gru_blas {
    void (*sgemm)(char *transa, char *transb, int *m, int *n, int *k, float *alpha, float *a,
        int *lda, float *b, int *ldb, float *beta, float *c, int *ldc);
    void (*dgemm)(char *transa, char *transb, int *m, int *n, int *k, double *alpha, double *a,
        int *lda, double *b, int *ldb, double *beta, double *c, int *ldc);
    void (*sgemv)(char *trans, int *m, int *n, float *alpha, float *a, int *lda, float *x,
        int *incx, float *beta, float *y, int *incy);
    void (*dgemv)(char *trans, int *m, int *n, double *alpha, double *a, int *lda, double *x,
        int *incx, double *beta, double *y, int *incy);
} gru_blas;

/* Hand BLAS to the core, once; null says that there is none, so that GRU_ENGINE_AUTO never stands
 * for BLAS. The caller makes sure that BLAS itself runs one thread per call while the core works,
 * because the core's threads call it at the same time. */
void gru_set_blas(const gru_blas *blas);

/* The form in which the packed engine stores the weights W and U; biases, sums, gates and states
 * always have full precision. Reduced formats are for inference (no tape) in float32. */
typedef enum gru_weight_format {
    GRU_WEIGHTS_FULL = 0, /* the dtype's precision */
    /* bfloat16; while multiplied, x and h are bfloat16, too, if the CPU multiplies bfloat16 */
    GRU_WEIGHTS_BF16 = 1,
    /* 8 bits and a scale for each column; while multiplied, x and h have 8 bits, too, and a scale
     * for each row */
    GRU_WEIGHTS_INT8 = 2
} gru_weight_format;

/* ---- sequences ---------------------------------------------------------------------------- */

typedef enum gru_cell { GRU_CELL_GRU = 0, GRU_CELL_LSTM = 1, GRU_CELL_RNN = 2 } gru_cell;

/* The activations of ONNX's cells; a and b are the parameters alpha and beta. */
typedef enum gru_function {
    GRU_TANH = 0,
    GRU_SIGMOID = 1,
    GRU_HARD_SIGMOID = 2,     /* min(max(a x + b, 0), 1); Keras 3 has a = 1 / 6, b = 1 / 2 */
    GRU_RELU = 3,             /* max(x, 0) */
    GRU_LINEAR = 4,           /* x */
    GRU_SOFTSIGN = 5,         /* x / (1 + |x|) */
    GRU_AFFINE = 6,           /* a x + b */
    GRU_LEAKY_RELU = 7,       /* x < 0 ? a x : x */
    GRU_THRESHOLDED_RELU = 8, /* x > a ? x : 0 */
    GRU_SCALED_TANH = 9,      /* a tanh(b x) */
    GRU_ELU = 10,             /* x < 0 ? a (exp(x) - 1) : x */
    GRU_SOFTPLUS = 11         /* log(1 + exp(x)) */
} gru_function;

/* With a tape, leaky_relu, thresholded_relu and elu need a >= 0: the backward pass computes the
 * slope from f(x) alone, which is possible only if f is monotone. */
typedef struct gru_activation {
    gru_function function;
    double alpha, beta; /* -FLT_MAX .. FLT_MAX; without effect if the function does not have them */
} gru_activation;

/* Variations of the cell. The cells above have GRU_TANH, GRU_SIGMOID, no clip (INFINITY) and no
 * zoneout (0). */
typedef struct gru_cell_kind {
    gru_activation activation;           /* in place of tanh */
    gru_activation recurrent_activation; /* in place of sigmoid; a plain cell has none */
    double clip; /* > 0: sums are clipped to +-clip before the activations (ONNX) */
    /* 0 <= zoneout < 1: the probability that a unit keeps its states over a step (Krueger et al.
     * 2016, arXiv:1606.01305). Without draws the new states are the expectation. */
    double zoneout;
} gru_cell_kind;

typedef struct gru_problem {
    size_t batch, time, input, units; /* B T I H; B, T and I may be 0 */
    gru_dtype dtype;
    gru_engine engine;
    gru_cell cell;
    int reset_after; /* 1 or 0, see the GRU above; 1 for other cells */
    gru_cell_kind kind;
    int masks_state;        /* 1: the calls give a state_mask */
    int weights_are_packed; /* 1: the forward pass is given packed weights */
    int threads;            /* >= 1: the most threads that work */
    /* other than full: GRU_ENGINE_AUTO chooses the packed engine */
    gru_weight_format weights_format;
} gru_problem;

/* Weights, each contiguous, 'in'. */
typedef struct gru_weights {
    const void *kernel;           /* (I, GH) = W */
    const void *recurrent_kernel; /* (H, GH) = U */
    /* (GH); of a GRU with reset_after (2, 3H): input row, recurrent row; null: no bias */
    const void *bias;
} gru_weights;

/* A (B, T, n) array, element (b, t, i) at data[b * stride_batch + t * stride_time + i]. Strides
 * count elements and may be negative or zero for arrays that are read. */
typedef struct gru_sequence_in {
    const void *data;
    ptrdiff_t stride_batch, stride_time;
} gru_sequence_in;

typedef struct gru_sequence_out {
    void *data;
    ptrdiff_t stride_batch, stride_time;
} gru_sequence_out;

typedef enum gru_pass {
    GRU_FORWARD,       /* without a tape */
    GRU_FORWARD_TAPE,  /* with one */
    GRU_BACKWARD,      /* may use up the tape */
    GRU_BACKWARD_KEEP, /* leaves the tape as it is */
    GRU_FORWARD_STEP   /* one step of a stream, see below */
} gru_pass;

/* Return the engine that works on a problem: GRU_ENGINE_BLAS or GRU_ENGINE_PACKED. */
gru_engine gru_engine_of(const gru_problem *problem);

/* Set `bytes` to the scratch memory that a pass needs, which may have any alignment and content.
 * Problems that differ in `threads` need different amounts. */
gru_status gru_workspace_bytes(const gru_problem *problem, gru_pass pass, size_t *bytes);

/* Set `bytes` to the size of the tape that a forward pass leaves for its backward pass. */
gru_status gru_tape_bytes(const gru_problem *problem, size_t *bytes);

/* Set `bytes` to the size of the packed weights; pack weights, for many calls with the same ones.
 * Packed weights depend on the cell, I, H, dtype, reset_after, the format and the instruction set in use.
 * `packed` is aligned to a cache line. */
gru_status gru_packed_bytes(const gru_problem *problem, size_t *bytes);
gru_status gru_pack(const gru_problem *problem, const gru_weights *weights, void *packed);

/* The random numbers of zoneout. A draw depends on seed, step, row and unit alone. */
typedef struct gru_draws {
    unsigned long long seed;
    size_t first_step; /* the number, in its sequence, of the pass's first step */
} gru_draws;

typedef struct gru_forward_args {
    gru_weights weights;
    const void *packed;        /* in   the weights packed by gru_pack; null: pack them now */
    gru_sequence_in x;         /* in   (B, T, I) */
    const void *initial_state; /* in   (B, S, H) contiguous; null: zeros */
    /* in   (B, H) contiguous, with masks_state: factors of h in h U, for all steps (recurrent
     *      dropout) */
    const void *state_mask;
    const gru_draws *draws;  /* in   for zoneout; null: the expectation */
    gru_sequence_out output; /* out  (B, T, H), h of every step; data null: not wanted */
    int all_states;          /* 1: output is (B, T, S, H), all states of every step */
    void *state;     /* out  (B, S, H) contiguous, the last state; must not overlap an input */
    void *tape;      /* out  gru_tape_bytes; null: inference */
    void *workspace; /*      gru_workspace_bytes of GRU_FORWARD, with a tape GRU_FORWARD_TAPE */
} gru_forward_args;

gru_status gru_forward(const gru_problem *problem, const gru_forward_args *args);

/* The same with a workspace of `bytes`; set `needed` to the bytes that the pass needs. A short call
 * need not ask for the size first. */
gru_status gru_forward_within(
    const gru_problem *problem, const gru_forward_args *args, size_t bytes, size_t *needed);

typedef struct gru_backward_args {
    gru_weights weights;      /* in   as in the forward pass */
    gru_sequence_in x;        /* in   as in the forward pass */
    void *tape;               /* in   from the forward pass */
    int keep_tape;            /* 1: the tape is left as it is; 0: it may be used up */
    const void *state_mask;   /* in   as in the forward pass */
    const gru_draws *draws;   /* in   likewise; a GRU does not need them */
    gru_sequence_in d_output; /* in   (B, T, H); data null: zeros */
    int all_states;           /* 1: d_output is (B, T, S, H) */
    const void *d_state;      /* in   (B, S, H) contiguous; null: zeros */
    /* out  (B, T, H) gradient of h after each step, including what comes from later steps;
     *      data null: not wanted */
    gru_sequence_out d_hidden;
    gru_sequence_out d_x;     /* out  (B, T, I); data null: not wanted */
    void *d_kernel;           /* out  (I, GH) */
    void *d_recurrent_kernel; /* out  (H, GH) */
    void *d_bias;             /* out  shape of bias; null: not wanted */
    void *d_initial_state;    /* out  (B, S, H) contiguous; null: not wanted */
    int accumulate;           /* 1: the weight gradients are added to what their arrays hold */
    void *workspace;          /*      gru_workspace_bytes of GRU_BACKWARD or GRU_BACKWARD_KEEP */
} gru_backward_args;

gru_status gru_backward(const gru_problem *problem, const gru_backward_args *args);

/* Set `steps` to the length of a time chunk: a weight's gradient is summed chunk by chunk, from the
 * last chunk of a sequence to the first. The length does not depend on T. So a sequence may be cut
 * into pieces of whole chunks (the last piece may end with a shorter one). Backward passes over the
 * pieces, from the last to the first and with `accumulate`, give the gradients of the whole
 * sequence: the same bits with the packed engine, the same up to rounding with the BLAS engine. */
gru_status gru_chunk_steps(const gru_problem *problem, size_t *steps);

/* ---- steps that count --------------------------------------------------------------------- */

/* Where not every step of a batch counts, those that do are gathered: N rows in the order in which
 * they are computed. A place is a step of the batch by its number b * T + t. */

typedef struct gru_order_args {
    size_t batch, time;
    const unsigned char *counts; /* in   (B, T) 1 for a step that counts, else 0 */
    const ptrdiff_t *ranks;      /* in   (B) the rows' places in the order of the rows */
    const ptrdiff_t *begins;     /* in   (longest) number of step 0, 1, ... of the first row */
    size_t longest, count;       /*      the most steps of a row; N */
    ptrdiff_t *numbers;          /* out  (B, T) each step's number; -1 if it does not count */
    ptrdiff_t *shown;            /* out  (B, T) the same, but a step that does not count has the
                                      *      number of the last one before it that does; null: not wanted */
    ptrdiff_t *places;           /* out  (N) the places of the steps; -1 for an idle one */
} gru_order_args;

/* GRU_BAD_ARGUMENT: a row has more steps than `longest`, or a number is not below N. */
gru_status gru_order_steps(const gru_order_args *args);

/* to (B, T, n) = rows of `from` (B', T', n), by index. */
typedef struct gru_take_args {
    gru_dtype dtype;
    size_t width; /* n */
    size_t from_batch, from_time, to_batch, to_time;
    gru_sequence_in from;   /* in */
    gru_sequence_out to;    /* out  must not overlap `from` */
    const ptrdiff_t *index; /* in   (B, T) places in `from`; any other number: zeros */
    /* in   (B', T'), or null. To each row that is taken are added the rows behind it in its
     *      sequence, up to the next one whose number here is not negative. */
    const ptrdiff_t *numbers;
    int threads;
} gru_take_args;

gru_status gru_take_steps(const gru_take_args *args);

/* ---- matmul, activations, sums, optimizers ------------------------------------------------ */

/* A matrix in memory: row-major, `stride` elements from row to row. transposed = 1: the product
 * takes its transpose. */
typedef struct gru_matrix {
    const void *data;
    size_t stride;
    int transposed;
} gru_matrix;

/* The rows of a matrix that are windows over sequences: row i is window i % count of sequence
 * i / count. A window is `taps` pieces of equal length. Windows may overlap. */
typedef struct gru_windows {
    size_t count; /* windows of a sequence; 0: the rows are not windows */
    size_t taps;
    size_t sequence, tap; /* elements from one sequence, and from one tap, to the next */
} gru_windows;

/* c (m, n) = a (m, k) times b (k, n). */
typedef struct gru_matmul_args {
    gru_dtype dtype;
    size_t m, n, k;
    gru_matrix a, b;     /* in */
    gru_windows windows; /* in  the rows of a, not transposed, whose stride leads from one window of
                          *     a sequence to the next; k <= 128 unless each window is one piece
                          *     of memory */
    const void *packed;  /* in  b packed by gru_matmul_pack; null: pack it now */
    const void *bias;    /* in  (n), added to each row of c; null: none; not with accumulate */
    void *c;             /* out */
    size_t c_stride;     /* elements from row to row of c; 0: c is contiguous */
    int accumulate;      /* 1: the product is added to what c holds */
    int threads;         /* the bits do not depend on them: c is cut over m and n only */
    void *workspace;     /*     gru_matmul_bytes */
} gru_matmul_args;

/* Set `bytes` to the scratch memory that a matmul of these sizes needs; its arrays may still be
 * null. */
gru_status gru_matmul_bytes(const gru_matmul_args *args, size_t *bytes);
gru_status gru_matmul(const gru_matmul_args *args);

/* Set `bytes` to the size of a packed b; pack b, for many calls with the same b and any m. It
 * depends on the instruction set in use. `packed` is aligned to a cache line. */
gru_status gru_matmul_packed_bytes(const gru_matmul_args *args, size_t *bytes);
gru_status gru_matmul_pack(const gru_matmul_args *args, void *packed);

/* out (n) = the sum of the rows of a (m, n), which is contiguous; accumulate = 1: out += that
 * sum. */
gru_status gru_column_sums(
    gru_dtype dtype, size_t m, size_t n, const void *a, void *out, int accumulate);

/* y = f(x) over n elements; x and y may be the same array. */
gru_status gru_sigmoid(gru_dtype dtype, size_t n, const void *x, void *y);
gru_status gru_tanh(gru_dtype dtype, size_t n, const void *x, void *y);

/* to[j][i] = from[i][j] for `rows` rows of `columns` elements. Rows of `from` and `to` lie from_row
 * and to_row elements apart; the arrays do not overlap. */
gru_status gru_transpose(gru_dtype dtype, size_t rows, size_t columns, const void *from,
    ptrdiff_t from_row, void *to, ptrdiff_t to_row);

/* Set `sum` to the sum of squares of x (n), added up in double precision in a fixed order. */
gru_status gru_sum_squares(gru_dtype dtype, size_t n, const void *x, double *sum);

/* The first part of every optimizer step: g = clamp(gradient * scale, -clip, clip), and
 * parameter -= decay * parameter. */
typedef struct gru_update {
    size_t size;      /* elements of parameters, gradients and of each slot */
    void *parameters; /* in/out */
    const void *gradients;
    double scale; /* 1: gradients are used as they are */
    double clip;  /* INFINITY: no clipping */
    double decay; /* learning rate times weight decay; 0: none */
    double learning_rate;
    int threads;
} gru_update;

/* p -= rate * m / (sqrt(v) + epsilon), with m and v the running means of g and g*g (Kingma and Ba
 * 2015, section 2, "epsilon hat": the caller puts the bias correction into learning_rate). */
gru_status gru_adam(gru_dtype dtype, const gru_update *update, double beta_1, double beta_2,
    double epsilon, void *m, void *v);

/* m = momentum * m - rate * g; p += nesterov ? momentum * m - rate * g : m. m null: p -= rate*g. */
gru_status gru_sgd(
    gru_dtype dtype, const gru_update *update, double momentum, int nesterov, void *m);

/* v = rho * v + (1 - rho) * g*g; s = rate * g / sqrt(v - a*a + epsilon), a the running mean of g
 * (null: a = 0, not centered); m = momentum * m + s; p -= m (null: p -= s). */
gru_status gru_rmsprop(gru_dtype dtype, const gru_update *update, double rho, double epsilon,
    double momentum, void *v, void *a, void *m);

#endif
