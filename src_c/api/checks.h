/* Checks that several entry points share. */
#ifndef GRU_API_CHECKS_H
#define GRU_API_CHECKS_H

#include "gru.h"

#pragma GCC visibility push(hidden)

/* Return GRU_OK if the core can work with the problem. */
gru_status gru_check_problem(const gru_problem *problem);

/* Return 1 if the problem can be computed only without a tape. */
int gru_is_for_inference(const gru_problem *problem);

/* Return 1 if a weight that the problem needs is null. */
int gru_weights_missing(const gru_problem *problem, const gru_weights *weights);

#pragma GCC visibility pop

#endif
