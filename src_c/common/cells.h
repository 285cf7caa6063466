/* The numbers in which the cells differ. */
#ifndef GRU_COMMON_CELLS_H
#define GRU_COMMON_CELLS_H

#include "gru.h"

/* Return G, the gates of a cell. */
static inline size_t gru_gates_of(gru_cell cell) {
    return cell == GRU_CELL_GRU ? 3 : cell == GRU_CELL_LSTM ? 4 : 1;
}

/* Return the numbers that a unit has for its gates: a GRU keeps h Un apart from n. */
static inline size_t gru_slots_of(gru_cell cell) {
    return cell == GRU_CELL_RNN ? 1 : 4;
}

/* Return S, the states of a cell. */
static inline size_t gru_states_of(gru_cell cell) {
    return cell == GRU_CELL_LSTM ? 2 : 1;
}

/* Return the elements of a cell's bias. */
static inline size_t gru_bias_of(const gru_problem *problem) {
    const int two = problem->cell == GRU_CELL_GRU && problem->reset_after;
    return (two ? 2 : 1) * gru_gates_of(problem->cell) * problem->units;
}

#endif
