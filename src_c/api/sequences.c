/* Entry points for whole sequences: check, choose the engine, call it. */
#include "api/checks.h"
#include "blas/plan.h"
#include "packed/plan.h"

/* Without fused multiply-adds, SciPy's BLAS has the better matmul. */
gru_engine gru_engine_of(const gru_problem *problem) {
    if (problem->engine != GRU_ENGINE_AUTO) {
        return problem->engine;
    }
    const int packed =
        gru_active_fma() || gru_blas_is_missing() || problem->weights_format != GRU_WEIGHTS_FULL;
    return packed ? GRU_ENGINE_PACKED : GRU_ENGINE_BLAS;
}

/* The plan of a pass, by the engine that works on the problem. */
typedef struct pass_plan {
    gru_engine engine;
    gru_plan packed;
    gru_blas_plan blas;
    size_t workspace_bytes, tape_bytes;
} pass_plan;

static gru_status plan_pass(const gru_problem *problem, gru_pass pass, pass_plan *plan) {
    gru_status status = gru_check_problem(problem);
    if (status == GRU_OK && pass != GRU_FORWARD && gru_is_for_inference(problem)) {
        status = GRU_BAD_ARGUMENT;
    }
    if (status != GRU_OK) {
        return status;
    }
    plan->engine = gru_engine_of(problem);
    if (plan->engine == GRU_ENGINE_PACKED) {
        status = gru_plan_of(problem, pass, &plan->packed);
        plan->workspace_bytes = plan->packed.workspace_bytes;
        plan->tape_bytes = plan->packed.tape.bytes;
        return status;
    }
    status = gru_blas_plan_of(problem, pass, &plan->blas);
    plan->workspace_bytes = plan->blas.workspace_bytes;
    plan->tape_bytes = plan->blas.tape_bytes;
    return status;
}

/* ---- sizes -------------------------------------------------------------------------------- */

gru_status gru_workspace_bytes(const gru_problem *problem, gru_pass pass, size_t *bytes) {
    pass_plan plan;
    const gru_status status = plan_pass(problem, pass, &plan);
    *bytes = status == GRU_OK ? plan.workspace_bytes : 0;
    return status;
}

gru_status gru_tape_bytes(const gru_problem *problem, size_t *bytes) {
    pass_plan plan;
    const gru_status status = plan_pass(problem, GRU_FORWARD_TAPE, &plan);
    *bytes = status == GRU_OK ? plan.tape_bytes : 0;
    return status;
}

gru_status gru_chunk_steps(const gru_problem *problem, size_t *steps) {
    gru_problem endless = *problem;
    endless.time = SIZE_MAX / 1024;
    *steps = 0;
    gru_status status = gru_check_problem(problem);
    if (status != GRU_OK) {
        return status;
    }
    /* The sizes of the arrays may overflow with so many steps, but the steps of a chunk do not
     * depend on them. */
    if (gru_engine_of(problem) == GRU_ENGINE_PACKED) {
        gru_plan plan;
        (void)gru_plan_of(&endless, GRU_BACKWARD, &plan);
        *steps = plan.chunk_steps;
        return GRU_OK;
    }
    gru_blas_plan plan = { 0 };
    status = gru_blas_plan_of(&endless, GRU_BACKWARD, &plan);
    *steps = plan.chunk_steps;
    return status == GRU_TOO_LARGE ? GRU_OK : status;
}

/* ---- packed weights ----------------------------------------------------------------------- */

static gru_status plan_packing(const gru_problem *problem, gru_plan *plan) {
    const gru_status status = gru_check_problem(problem);
    return status == GRU_OK ? gru_plan_of(problem, GRU_FORWARD, plan) : status;
}

gru_status gru_packed_bytes(const gru_problem *problem, size_t *bytes) {
    gru_plan plan;
    const gru_status status = plan_packing(problem, &plan);
    *bytes = status == GRU_OK ? plan.packed.bytes : 0;
    return status;
}

gru_status gru_pack(const gru_problem *problem, const gru_weights *weights, void *packed) {
    gru_plan plan;
    const gru_status status = plan_packing(problem, &plan);
    if (status != GRU_OK) {
        return status;
    }
    if (gru_weights_missing(problem, weights) || !packed || packed != gru_align(packed)) {
        return GRU_BAD_ARGUMENT;
    }
    BY_DTYPE(problem->dtype, gru_packed_weights)(problem, &plan, weights, packed);
    return GRU_OK;
}

/* ---- forward ------------------------------------------------------------------------------ */

gru_status gru_forward(const gru_problem *problem, const gru_forward_args *args) {
    size_t needed;
    return gru_forward_within(problem, args, SIZE_MAX, &needed);
}

gru_status gru_forward_within(
    const gru_problem *problem, const gru_forward_args *args, size_t bytes, size_t *needed) {
    pass_plan plan;
    const gru_pass pass = args->tape ? GRU_FORWARD_TAPE : GRU_FORWARD;
    const gru_status status = plan_pass(problem, pass, &plan);
    *needed = status == GRU_OK ? plan.workspace_bytes : 0;
    if (status != GRU_OK || bytes < *needed) {
        return status == GRU_OK ? GRU_SMALL_WORKSPACE : status;
    }
    const int steps = problem->batch && problem->time;
    if (gru_weights_missing(problem, &args->weights) || !args->workspace || !args->state ||
        (steps && problem->masks_state && !args->state_mask) ||
        (steps && problem->input && !args->x.data)) {
        return GRU_BAD_ARGUMENT;
    }
    if (plan.engine == GRU_ENGINE_PACKED) {
        BY_DTYPE(problem->dtype, gru_packed_forward)(problem, &plan.packed, args);
        return GRU_OK;
    }
    if (!gru_blas_is_set()) {
        return GRU_NO_BLAS;
    }
    BY_DTYPE(problem->dtype, gru_blas_forward)(problem, &plan.blas, args);
    return GRU_OK;
}

/* ---- backward ----------------------------------------------------------------------------- */

/* Write the gradients of no steps: nothing reaches the weights, and d_state passes through. */
static void backward_of_no_steps(const gru_problem *problem, const gru_backward_args *args) {
    const size_t itemsize = gru_itemsize(problem->dtype), H = problem->units;
    const size_t width = gru_gates_of(problem->cell) * H;
    const size_t state_bytes = problem->batch * gru_states_of(problem->cell) * H * itemsize;
    if (!args->accumulate) {
        memset(args->d_kernel, 0, problem->input * width * itemsize);
        memset(args->d_recurrent_kernel, 0, H * width * itemsize);
        if (args->d_bias) {
            memset(args->d_bias, 0, gru_bias_of(problem) * itemsize);
        }
    }
    if (args->d_initial_state && args->d_state) {
        memcpy(args->d_initial_state, args->d_state, state_bytes);
    } else if (args->d_initial_state) {
        memset(args->d_initial_state, 0, state_bytes);
    }
}

gru_status gru_backward(const gru_problem *problem, const gru_backward_args *args) {
    pass_plan plan;
    const gru_pass pass = args->keep_tape ? GRU_BACKWARD_KEEP : GRU_BACKWARD;
    const gru_status status = plan_pass(problem, pass, &plan);
    if (status != GRU_OK) {
        return status;
    }
    const int steps = problem->batch && problem->time;
    if (gru_weights_missing(problem, &args->weights) || !args->workspace || !args->tape ||
        (problem->input && !args->d_kernel) || !args->d_recurrent_kernel ||
        (steps && problem->masks_state && !args->state_mask) ||
        (steps && problem->input && !args->x.data)) {
        return GRU_BAD_ARGUMENT;
    }
    if (!steps) {
        backward_of_no_steps(problem, args);
        return GRU_OK;
    }
    if (plan.engine == GRU_ENGINE_PACKED) {
        if (!gru_tape_fits(&plan.packed, args->tape)) {
            return GRU_BAD_ARGUMENT;
        }
        BY_DTYPE(problem->dtype, gru_packed_backward)(problem, &plan.packed, args);
        return GRU_OK;
    }
    if (!gru_blas_is_set()) {
        return GRU_NO_BLAS;
    }
    BY_DTYPE(problem->dtype, gru_blas_backward)(problem, &plan.blas, args);
    return GRU_OK;
}
