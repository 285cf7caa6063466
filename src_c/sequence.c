/* Whole sequences on the BLAS engine: the batch is cut into slices, a thread runs a slice from its
 * first step to its last without waiting for another. */
#include "internal.h"

#ifdef _OPENMP
#include <omp.h>
#else
static int omp_get_thread_num(void) {
    return 0;
}
#endif

#define REAL_BITS 32
#include "real.h"
#include "sequence.inc"
#undef REAL_BITS
#define REAL_BITS 64
#include "real.h"
#include "sequence.inc"
#undef REAL_BITS

/* ---- entry points: check, then the sequence of the dtype ----------------------------------- */

#define BY_DTYPE(dtype, name) ((dtype) == GRU_F32 ? name##_f32 : name##_f64)

/* Are the weights there? */
static int weights_missing(const gru_problem *p, const gru_weights *w) {
    return (p->input && !w->kernel) || !w->recurrent_kernel;
}

gru_status gru_forward(const gru_problem *problem, const gru_forward_args *args) {
    gru_layout layout;
    const gru_status status = gru_layout_of(problem, GRU_FORWARD, &layout);
    if (status != GRU_OK) {
        return status;
    }
    if (!gru_blas_is_set()) {
        return GRU_NO_BLAS;
    }
    const int steps = problem->batch && problem->time;
    if (weights_missing(problem, &args->weights) || !args->workspace || !args->state ||
        (steps && problem->input && !args->x.data)) {
        return GRU_BAD_ARGUMENT;
    }
    BY_DTYPE(problem->dtype, gru_sequence_forward)(problem, &layout, args);
    return GRU_OK;
}

gru_status gru_backward(const gru_problem *problem, const gru_backward_args *args) {
    gru_layout layout;
    const gru_status status = gru_layout_of(problem, GRU_BACKWARD, &layout);
    if (status != GRU_OK) {
        return status;
    }
    if (!gru_blas_is_set()) {
        return GRU_NO_BLAS;
    }
    const int steps = problem->batch && problem->time;
    if (weights_missing(problem, &args->weights) || !args->workspace || !args->tape ||
        !args->d_kernel || !args->d_recurrent_kernel ||
        (steps && problem->input && !args->x.data)) {
        return GRU_BAD_ARGUMENT;
    }
    BY_DTYPE(problem->dtype, gru_sequence_backward)(problem, &layout, args);
    return GRU_OK;
}
