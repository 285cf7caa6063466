/* Entry points that work element by element: activations, sums, optimizer steps. */
#include "common/memory.h"
#include "common/threads.h"
#include "isa/kernels.h"

static int is_dtype(gru_dtype dtype) {
    return dtype == GRU_F32 || dtype == GRU_F64;
}

/* Runs a kernel of the active table; `call` is its name and arguments. The arrays are void pointers
 * that become pointers to the dtype's elements. */
#define CALL_KERNEL(dtype, ...)                                                                    \
    do {                                                                                           \
        if ((dtype) == GRU_F32) {                                                                  \
            gru_active_kernels_f32()->__VA_ARGS__;                                                 \
        } else {                                                                                   \
            gru_active_kernels_f64()->__VA_ARGS__;                                                 \
        }                                                                                          \
    } while (0)

gru_status gru_column_sums(
    gru_dtype dtype, size_t m, size_t n, const void *a, void *out, int accumulate) {
    if (!is_dtype(dtype)) {
        return GRU_BAD_ARGUMENT;
    }
    if (!accumulate) {
        memset(out, 0, n * gru_itemsize(dtype));
    }
    CALL_KERNEL(dtype, column_sums(m, n, n, a, out));
    return GRU_OK;
}

gru_status gru_sigmoid(gru_dtype dtype, size_t n, const void *x, void *y) {
    if (!is_dtype(dtype)) {
        return GRU_BAD_ARGUMENT;
    }
    CALL_KERNEL(dtype, sigmoid(n, x, y));
    return GRU_OK;
}

gru_status gru_tanh(gru_dtype dtype, size_t n, const void *x, void *y) {
    if (!is_dtype(dtype)) {
        return GRU_BAD_ARGUMENT;
    }
    CALL_KERNEL(dtype, tanh(n, x, y));
    return GRU_OK;
}

gru_status gru_transpose(gru_dtype dtype, size_t rows, size_t columns, const void *from,
    ptrdiff_t from_row, void *to, ptrdiff_t to_row) {
    if (!is_dtype(dtype)) {
        return GRU_BAD_ARGUMENT;
    }
    CALL_KERNEL(dtype, transpose(rows, columns, from, from_row, to, to_row));
    return GRU_OK;
}

gru_status gru_sum_squares(gru_dtype dtype, size_t n, const void *x, double *sum) {
    if (!is_dtype(dtype)) {
        return GRU_BAD_ARGUMENT;
    }
    CALL_KERNEL(dtype, sum_squares(n, x, sum));
    return GRU_OK;
}

/* ---- optimizers --------------------------------------------------------------------------- */

/* Parameters per task; a vector of few tasks is done before another thread is awake. */
enum { UPDATE_BLOCK = 32 * 1024, UPDATE_SERIAL_BLOCKS = 4 };

/* An optimizer step as tasks: `step` is called with the context for each block. */
typedef struct update_run {
    gru_dtype dtype;
    const gru_update *update;
    double a, b, c;  /* numbers of the step ... */
    void *m, *v, *w; /* ... and its slots */
    int nesterov;
} update_run;

static gru_status run_update(gru_task *step, update_run *run) {
    const size_t blocks = run->update->size / UPDATE_BLOCK + 1;
    if (!is_dtype(run->dtype) || run->update->threads < 1) {
        return GRU_BAD_ARGUMENT;
    }
    gru_run_tasks(blocks > UPDATE_SERIAL_BLOCKS ? run->update->threads : 1, blocks, step, run);
    return GRU_OK;
}

/* Defines the task of a step: block `task` of the parameters, `call` is the kernel. */
#define DEFINE_STEP(name, ...)                                                                     \
    static void name(void *context, size_t task, int member) {                                     \
        const update_run *run = context;                                                           \
        const size_t begin = task * UPDATE_BLOCK;                                                  \
        const size_t end = gru_min(begin + UPDATE_BLOCK, run->update->size);                       \
        (void)member;                                                                              \
        CALL_KERNEL(run->dtype, __VA_ARGS__);                                                      \
    }

DEFINE_STEP(adam_step, adam(run->update, begin, end, run->a, run->b, run->c, run->m, run->v))
DEFINE_STEP(sgd_step, sgd(run->update, begin, end, run->a, run->nesterov, run->m))
DEFINE_STEP(
    rmsprop_step, rmsprop(run->update, begin, end, run->a, run->b, run->c, run->v, run->w, run->m))

gru_status gru_adam(gru_dtype dtype, const gru_update *update, double beta_1, double beta_2,
    double epsilon, void *m, void *v) {
    update_run run = { .dtype = dtype, .update = update, .a = beta_1, .b = beta_2, .c = epsilon };
    run.m = m;
    run.v = v;
    return run_update(adam_step, &run);
}

gru_status gru_sgd(
    gru_dtype dtype, const gru_update *update, double momentum, int nesterov, void *m) {
    update_run run = { .dtype = dtype, .update = update, .a = momentum, .nesterov = nesterov };
    run.m = m;
    return run_update(sgd_step, &run);
}

gru_status gru_rmsprop(gru_dtype dtype, const gru_update *update, double rho, double epsilon,
    double momentum, void *v, void *a, void *m) {
    update_run run = { .dtype = dtype, .update = update, .a = rho, .b = epsilon, .c = momentum };
    run.v = v;
    run.w = a;
    run.m = m;
    return run_update(rmsprop_step, &run);
}
