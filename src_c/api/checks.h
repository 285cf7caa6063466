/* Checks that several entry points share. */
#ifndef GRU_API_CHECKS_H
#define GRU_API_CHECKS_H

#include "gru.h"

#pragma GCC visibility push(hidden)

/* Return GRU_OK where the core can work with the problem. */
gru_status gru_check_problem(const gru_problem *problem);

#pragma GCC visibility pop

#endif
