/* Checks that several entry points share. */
#include <float.h>
#include <stdint.h>

#include "api/checks.h"

static int format_is_valid(const gru_problem *problem) {
    const gru_weight_format format = problem->weights_format;
    if (format == GRU_WEIGHTS_FULL) {
        return 1;
    }
    return (format == GRU_WEIGHTS_BF16 || format == GRU_WEIGHTS_INT8) &&
           problem->dtype == GRU_F32 && problem->engine != GRU_ENGINE_BLAS;
}

static int cell_is_valid(const gru_problem *problem) {
    return problem->cell == GRU_CELL_GRU ||
           ((problem->cell == GRU_CELL_LSTM || problem->cell == GRU_CELL_RNN) &&
               problem->reset_after == 1);
}

static int activation_is_valid(const gru_activation *f) {
    return f->function >= GRU_TANH && f->function <= GRU_SOFTPLUS && f->alpha >= -FLT_MAX &&
           f->alpha <= FLT_MAX && f->beta >= -FLT_MAX && f->beta <= FLT_MAX;
}

static int kind_is_valid(const gru_cell_kind *kind) {
    return activation_is_valid(&kind->activation) &&
           activation_is_valid(&kind->recurrent_activation) && kind->clip > 0 &&
           kind->zoneout >= 0 && kind->zoneout < 1;
}

/* Return 1 if the slope of f follows from f(x), see gru_activation. */
static int has_slope(const gru_activation *f) {
    return f->alpha >= 0 || (f->function != GRU_LEAKY_RELU && f->function != GRU_ELU &&
                                f->function != GRU_THRESHOLDED_RELU);
}

int gru_is_for_inference(const gru_problem *problem) {
    const gru_cell_kind *kind = &problem->kind;
    return problem->weights_format != GRU_WEIGHTS_FULL || !has_slope(&kind->activation) ||
           !has_slope(&kind->recurrent_activation);
}

gru_status gru_check_problem(const gru_problem *problem) {
    const gru_engine engine = problem->engine;
    const int valid =
        problem->units >= 1 && problem->threads >= 1 &&
        (problem->dtype == GRU_F32 || problem->dtype == GRU_F64) &&
        (engine == GRU_ENGINE_AUTO || engine == GRU_ENGINE_BLAS || engine == GRU_ENGINE_PACKED) &&
        cell_is_valid(problem) && kind_is_valid(&problem->kind) && format_is_valid(problem);
    if (!valid) {
        return GRU_BAD_ARGUMENT;
    }
    /* No array of the engines has more elements in a row, so these sizes can be added unchecked. */
    const size_t most = SIZE_MAX / 1024;
    return problem->units > most || problem->input > most ? GRU_TOO_LARGE : GRU_OK;
}

int gru_weights_missing(const gru_problem *problem, const gru_weights *weights) {
    return (problem->input && !weights->kernel) || !weights->recurrent_kernel;
}
