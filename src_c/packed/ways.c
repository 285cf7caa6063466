/* The choice between the ways to compute a forward pass. */
#include "packed/plan.h"

enum {
    /* Sequences can be lanes up to this H: the gates of all units of a slice should stay in L1. */
    LANES_UNITS = 112,
    /* The weights are read in place for at most so many rows times steps, and only if they have at
     * least so many elements: packing fewer elements is cheap. */
    ROWS_STEPS = 4,
    ROWS_STEPS_WITH_TAPE = 8,
    ROWS_WEIGHTS = 16 * 1024,
    SINGLE_ROWS = 2
};

/* Return 1 if sequences leave fewer lanes empty than units do. */
static int suits_lanes(const gru_problem *problem, const gru_plan *plan) {
    const size_t batch = problem->batch;
    const double units = (double)(plan->vectors * plan->lanes) / (double)problem->units;
    const double sequences = (double)(gru_divide_up(batch, plan->lanes) * plan->lanes);
    return problem->units <= LANES_UNITS && sequences / (double)(batch ? batch : 1) < units;
}

/* Return 1 if packing the weights would take longer than all other work of a pass with so few rows. */
static int suits_rows(const gru_problem *problem, gru_pass pass, const gru_plan *plan) {
    const size_t most = pass == GRU_FORWARD ? ROWS_STEPS : ROWS_STEPS_WITH_TAPE;
    const double weights = (double)plan->gates * (double)problem->units *
                           ((double)problem->input + (double)problem->units);
    return !problem->weights_are_packed && problem->units >= plan->lanes &&
           weights >= ROWS_WEIGHTS && problem->time && problem->batch <= most / problem->time;
}

/* Return 1 for a step of one or two rows whose weights stay in L2. */
static int suits_single(const gru_problem *problem, const gru_plan *plan) {
    const double work =
        (double)plan->gates * (double)problem->units * (double)(problem->input + problem->units);
    return !problem->weights_are_packed && problem->units >= plan->lanes && problem->time == 1 &&
           problem->batch <= SINGLE_ROWS && work < GRU_SERIAL_WORK;
}

/* Ways other than by panels are for the usual cell and weights in full; with a tape there is one. */
gru_way gru_way_of(const gru_problem *problem, gru_pass pass, const gru_plan *plan) {
    if ((pass != GRU_FORWARD && pass != GRU_FORWARD_TAPE) || !problem->reset_after ||
        gru_kind_of(problem) || plan->reduced) {
        return GRU_PANELS;
    }
    const int rows = suits_rows(problem, pass, plan);
    if (pass == GRU_FORWARD_TAPE) {
        return rows ? GRU_ROWS : GRU_PANELS;
    }
    if (!rows && suits_lanes(problem, plan)) {
        return GRU_LANES;
    }
    if (suits_single(problem, plan)) {
        return GRU_SINGLE;
    }
    return rows ? GRU_ROWS : GRU_PANELS;
}
