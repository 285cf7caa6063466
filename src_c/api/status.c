/* Statuses as sentences, and what the core was built with. */
#include "gru.h"

int gru_has_openmp(void) {
#ifdef _OPENMP
    return 1;
#else
    return 0;
#endif
}

const char *gru_status_message(gru_status status) {
    switch (status) {
    case GRU_OK:
        return "success";
    case GRU_BAD_ARGUMENT:
        return "an argument that the core cannot work with: a null array, no units, no threads, "
               "an unknown dtype or engine, or a weight format that is unknown or does not go with "
               "a tape, float64 or BLAS";
    case GRU_TOO_LARGE:
        return "the arrays of this size would take more bytes than memory can be addressed";
    case GRU_BLAS_LIMIT:
        return "a matrix side is too long for BLAS, which counts in 32-bit integers";
    case GRU_NO_BLAS:
        return "the BLAS engine was called before BLAS was handed to the core";
    case GRU_SMALL_WORKSPACE:
        return "the workspace has fewer bytes than the call needs";
    case GRU_NO_ISA:
        return "an instruction set that is unknown, or that this CPU does not have";
    }
    return "an unknown status";
}
