/* Entry points that work element by element: activations, sums, optimizer steps. */
#include "common/memory.h"
#include "common/threads.h"
#include "isa/kernels.h"

static int is_dtype(gru_dtype dtype) {
    return dtype == GRU_F32 || dtype == GRU_F64;
}

/* Call a kernel of the dtype, given by its name and arguments. Arrays are void pointers, which
 * become pointers to elements of the dtype. */
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

enum {
    TASK_PARAMETERS = 32 * 1024,
    SERIAL_TASKS = 4 /* up to so many tasks are done before another thread wakes up */
};

/* The context of an optimizer step's tasks. */
typedef struct update_context {
    gru_dtype dtype;
    const gru_update *update;
    double a, b, c;  /* the optimizer's numbers */
    void *m, *v, *w; /* its slots */
    int nesterov;
} update_context;

static gru_status run_update(gru_task *step, update_context *context) {
    const gru_update *update = context->update;
    const size_t tasks = update->size / TASK_PARAMETERS + 1;
    if (!is_dtype(context->dtype) || update->threads < 1) {
        return GRU_BAD_ARGUMENT;
    }
    gru_run_tasks(tasks > SERIAL_TASKS ? update->threads : 1, tasks, step, context);
    return GRU_OK;
}

/* Define the task of a step, which calls a kernel for a part of the parameters. */
#define DEFINE_STEP(name, ...)                                                                     \
    static void name(void *shared, size_t task, int member) {                                      \
        const update_context *context = shared;                                                    \
        const size_t begin = task * TASK_PARAMETERS;                                               \
        const size_t end = gru_min(begin + TASK_PARAMETERS, context->update->size);                \
        (void)member;                                                                              \
        CALL_KERNEL(context->dtype, __VA_ARGS__);                                                  \
    }

DEFINE_STEP(adam_step,
    adam(context->update, begin, end, context->a, context->b, context->c, context->m, context->v))
DEFINE_STEP(sgd_step, sgd(context->update, begin, end, context->a, context->nesterov, context->m))
DEFINE_STEP(rmsprop_step, rmsprop(context->update, begin, end, context->a, context->b, context->c,
                              context->v, context->w, context->m))

gru_status gru_adam(gru_dtype dtype, const gru_update *update, double beta_1, double beta_2,
    double epsilon, void *m, void *v) {
    update_context context = {
        .dtype = dtype, .update = update, .a = beta_1, .b = beta_2, .c = epsilon
    };
    context.m = m;
    context.v = v;
    return run_update(adam_step, &context);
}

gru_status gru_sgd(
    gru_dtype dtype, const gru_update *update, double momentum, int nesterov, void *m) {
    update_context context = {
        .dtype = dtype, .update = update, .a = momentum, .nesterov = nesterov
    };
    context.m = m;
    return run_update(sgd_step, &context);
}

gru_status gru_rmsprop(gru_dtype dtype, const gru_update *update, double rho, double epsilon,
    double momentum, void *v, void *a, void *m) {
    update_context context = {
        .dtype = dtype, .update = update, .a = rho, .b = epsilon, .c = momentum
    };
    context.v = v;
    context.w = a;
    context.m = m;
    return run_update(rmsprop_step, &context);
}
