/* Entry points that work element by element: activations, sums, optimizer steps. */
#include "internal.h"

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

gru_status gru_column_sums(gru_dtype dtype, size_t m, size_t n, const void *a, void *out,
                           int accumulate) {
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

/* Runs an optimizer kernel over the blocks of `update`, from `begin` to `end` each. */
#define FOR_BLOCKS(dtype, update, ...)                                                             \
    do {                                                                                           \
        const ptrdiff_t blocks = (ptrdiff_t)((update)->size / UPDATE_BLOCK) + 1;                   \
        const int threads = blocks > UPDATE_SERIAL_BLOCKS ? (update)->threads : 1;                 \
        (void)threads; /* without OpenMP */                                                        \
        if (!is_dtype(dtype) || (update)->threads < 1) {                                           \
            return GRU_BAD_ARGUMENT;                                                               \
        }                                                                                          \
        _Pragma("omp parallel for num_threads(threads) schedule(static) if (threads > 1)") for (   \
            ptrdiff_t block = 0; block < blocks; block++) {                                        \
            const size_t begin = (size_t)block * UPDATE_BLOCK;                                     \
            const size_t end = gru_min(begin + UPDATE_BLOCK, (update)->size);                      \
            CALL_KERNEL(dtype, __VA_ARGS__);                                                       \
        }                                                                                          \
    } while (0)

gru_status gru_adam(gru_dtype dtype, const gru_update *update, double beta_1, double beta_2,
                    double epsilon, void *m, void *v) {
    FOR_BLOCKS(dtype, update, adam(update, begin, end, beta_1, beta_2, epsilon, m, v));
    return GRU_OK;
}

gru_status gru_sgd(gru_dtype dtype, const gru_update *update, double momentum, int nesterov,
                   void *m) {
    FOR_BLOCKS(dtype, update, sgd(update, begin, end, momentum, nesterov, m));
    return GRU_OK;
}

gru_status gru_rmsprop(gru_dtype dtype, const gru_update *update, double rho, double epsilon,
                       double momentum, void *v, void *a, void *m) {
    FOR_BLOCKS(dtype, update, rmsprop(update, begin, end, rho, epsilon, momentum, v, a, m));
    return GRU_OK;
}
