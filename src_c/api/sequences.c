/* Entry points for whole sequences: check, choose the engine, call it. */
#include "api/checks.h"
#include "blas/plan.h"
#include "common/memory.h"
#include "packed/plan.h"

/* Without fused multiply-adds, SciPy's BLAS has the better matmul. */
gru_engine gru_engine_of(const gru_problem *p) {
    if (p->engine != GRU_ENGINE_AUTO) {
        return p->engine;
    }
    return gru_active_fma() || p->weights_format != GRU_WEIGHTS_FULL ? GRU_ENGINE_PACKED
                                                                     : GRU_ENGINE_BLAS;
}

/* Is the format known, and does the problem go with it? */
static int format_fits(const gru_problem *p) {
    return p->weights_format == GRU_WEIGHTS_FULL ||
           ((p->weights_format == GRU_WEIGHTS_BF16 || p->weights_format == GRU_WEIGHTS_INT8) &&
               p->dtype == GRU_F32 && p->engine != GRU_ENGINE_BLAS);
}

static int activation_is_valid(const gru_activation *f) {
    return f->function >= GRU_TANH && f->function <= GRU_SOFTPLUS && f->alpha >= -FLT_MAX &&
           f->alpha <= FLT_MAX && f->beta >= -FLT_MAX && f->beta <= FLT_MAX;
}

static int kind_is_valid(const gru_cell_kind *k) {
    return activation_is_valid(&k->activation) && activation_is_valid(&k->recurrent_activation) &&
           k->clip > 0 && k->zoneout >= 0 && k->zoneout < 1;
}

static int has_way_back(const gru_activation *f) {
    return f->alpha >= 0 || (f->function != GRU_LEAKY_RELU && f->function != GRU_ELU &&
                                f->function != GRU_THRESHOLDED_RELU);
}

/* What is computed without a tape only. */
static int is_for_inference(const gru_problem *p) {
    return p->weights_format != GRU_WEIGHTS_FULL || !has_way_back(&p->kind.activation) ||
           !has_way_back(&p->kind.recurrent_activation);
}

gru_status gru_check_problem(const gru_problem *p) {
    const int valid = p->units >= 1 && p->threads >= 1 &&
                      (p->dtype == GRU_F32 || p->dtype == GRU_F64) &&
                      (p->engine == GRU_ENGINE_AUTO || p->engine == GRU_ENGINE_BLAS ||
                          p->engine == GRU_ENGINE_PACKED) &&
                      kind_is_valid(&p->kind) && format_fits(p);
    if (!valid) {
        return GRU_BAD_ARGUMENT;
    }
    /* One more than any array of the engines has of these elements, to add them without care. */
    const size_t most = SIZE_MAX / 1024;
    return p->units > most || p->input > most ? GRU_TOO_LARGE : GRU_OK;
}

/* What either engine says about a problem. */
typedef struct measures {
    gru_plan plan;     /* of the packed engine, or */
    gru_layout layout; /* of the BLAS engine */
    size_t workspace_bytes, tape_bytes;
} measures;

static gru_status measure(const gru_problem *p, gru_pass pass, measures *m) {
    gru_status status = gru_check_problem(p);
    if (status == GRU_OK && pass != GRU_FORWARD && is_for_inference(p)) {
        status = GRU_BAD_ARGUMENT;
    }
    if (status != GRU_OK) {
        return status;
    }
    if (gru_engine_of(p) == GRU_ENGINE_PACKED) {
        status = gru_plan_of(p, pass, &m->plan);
        m->workspace_bytes = m->plan.workspace_bytes;
        m->tape_bytes = m->plan.tape.bytes;
        return status;
    }
    status = gru_layout_of(p, pass, &m->layout);
    m->workspace_bytes = m->layout.workspace_bytes;
    m->tape_bytes = m->layout.tape_bytes;
    return status;
}

gru_status gru_workspace_bytes(const gru_problem *problem, gru_pass pass, size_t *bytes) {
    measures m;
    const gru_status status = measure(problem, pass, &m);
    *bytes = status == GRU_OK ? m.workspace_bytes : 0;
    return status;
}

gru_status gru_tape_bytes(const gru_problem *problem, size_t *bytes) {
    measures m;
    const gru_status status = measure(problem, GRU_FORWARD_TAPE, &m);
    *bytes = status == GRU_OK ? m.tape_bytes : 0;
    return status;
}

/* Are the weights there? */
static int weights_missing(const gru_problem *p, const gru_weights *w) {
    return (p->input && !w->kernel) || !w->recurrent_kernel;
}

gru_status gru_packed_bytes(const gru_problem *problem, size_t *bytes) {
    gru_plan plan;
    gru_status status = gru_check_problem(problem);
    status = status == GRU_OK ? gru_plan_of(problem, GRU_FORWARD, &plan) : status;
    *bytes = status == GRU_OK ? plan.packed.bytes : 0;
    return status;
}

gru_status gru_pack(const gru_problem *problem, const gru_weights *weights, void *packed) {
    gru_plan plan;
    gru_status status = gru_check_problem(problem);
    status = status == GRU_OK ? gru_plan_of(problem, GRU_FORWARD, &plan) : status;
    if (status != GRU_OK) {
        return status;
    }
    if (weights_missing(problem, weights) || !packed || packed != gru_align(packed)) {
        return GRU_BAD_ARGUMENT;
    }
    BY_DTYPE(problem->dtype, gru_packed_weights)(problem, &plan, weights, packed);
    return GRU_OK;
}

gru_status gru_forward(const gru_problem *problem, const gru_forward_args *args) {
    size_t needed;
    return gru_forward_within(problem, args, SIZE_MAX, &needed);
}

gru_status gru_forward_within(
    const gru_problem *problem, const gru_forward_args *args, size_t bytes, size_t *needed) {
    measures m;
    const gru_status status = measure(problem, args->tape ? GRU_FORWARD_TAPE : GRU_FORWARD, &m);
    *needed = status == GRU_OK ? m.workspace_bytes : 0;
    if (status != GRU_OK || bytes < *needed) {
        return status == GRU_OK ? GRU_SMALL_WORKSPACE : status;
    }
    const int steps = problem->batch && problem->time;
    if (weights_missing(problem, &args->weights) || !args->workspace || !args->state ||
        (steps && problem->masks_state && !args->state_mask) ||
        (steps && problem->input && !args->x.data)) {
        return GRU_BAD_ARGUMENT;
    }
    if (gru_engine_of(problem) == GRU_ENGINE_PACKED) {
        BY_DTYPE(problem->dtype, gru_packed_forward)(problem, &m.plan, args);
        return GRU_OK;
    }
    if (!gru_blas_is_set()) {
        return GRU_NO_BLAS;
    }
    BY_DTYPE(problem->dtype, gru_sequence_forward)(problem, &m.layout, args);
    return GRU_OK;
}

gru_status gru_chunk_steps(const gru_problem *problem, size_t *steps) {
    measures m;
    gru_problem endless = *problem;
    endless.time = SIZE_MAX / 1024;
    *steps = 0;
    gru_status status = gru_check_problem(problem);
    if (status == GRU_OK) {
        /* of its sizes only the chunks matter, so that overflow of the others does not */
        if (gru_engine_of(problem) == GRU_ENGINE_PACKED) {
            (void)gru_plan_of(&endless, GRU_BACKWARD, &m.plan);
            *steps = m.plan.chunk_steps;
        } else {
            status = gru_layout_of(&endless, GRU_BACKWARD, &m.layout);
            *steps = m.layout.chunk_steps;
            status = status == GRU_TOO_LARGE ? GRU_OK : status;
        }
    }
    return status;
}

/* The gradients of no steps: nothing reaches the weights, d_state passes through. */
static void backward_nothing(const gru_problem *p, const gru_backward_args *a) {
    const size_t itemsize = gru_itemsize(p->dtype), H = p->units;
    const size_t state_bytes = p->batch * H * itemsize;
    if (!a->accumulate) {
        memset(a->d_kernel, 0, p->input * 3 * H * itemsize);
        memset(a->d_recurrent_kernel, 0, H * 3 * H * itemsize);
        if (a->d_bias) {
            memset(a->d_bias, 0, (p->reset_after ? 6 : 3) * H * itemsize);
        }
    }
    if (a->d_initial_state && a->d_state) {
        memcpy(a->d_initial_state, a->d_state, state_bytes);
    } else if (a->d_initial_state) {
        memset(a->d_initial_state, 0, state_bytes);
    }
}

gru_status gru_backward(const gru_problem *problem, const gru_backward_args *args) {
    measures m;
    const gru_status status =
        measure(problem, args->keep_tape ? GRU_BACKWARD_KEEP : GRU_BACKWARD, &m);
    if (status != GRU_OK) {
        return status;
    }
    const int steps = problem->batch && problem->time;
    if (weights_missing(problem, &args->weights) || !args->workspace || !args->tape ||
        (problem->input && !args->d_kernel) || !args->d_recurrent_kernel ||
        (steps && problem->masks_state && !args->state_mask) ||
        (steps && problem->input && !args->x.data)) {
        return GRU_BAD_ARGUMENT;
    }
    if (!steps) {
        backward_nothing(problem, args);
        return GRU_OK;
    }
    if (gru_engine_of(problem) == GRU_ENGINE_PACKED) {
        if (!gru_tape_fits(&m.plan, args->tape)) {
            return GRU_BAD_ARGUMENT;
        }
        BY_DTYPE(problem->dtype, gru_packed_backward)(problem, &m.plan, args);
        return GRU_OK;
    }
    if (!gru_blas_is_set()) {
        return GRU_NO_BLAS;
    }
    BY_DTYPE(problem->dtype, gru_sequence_backward)(problem, &m.layout, args);
    return GRU_OK;
}
