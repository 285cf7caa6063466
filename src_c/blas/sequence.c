/* Whole sequences on the BLAS engine: the batch is cut into slices, and a thread runs a slice from
 * its first step to its last without waiting for another. */
#include "blas/plan.h"
#include "common/cells.h"
#include "common/draws.h"
#include "common/memory.h"
#include "common/threads.h"
#include "isa/kernels.h"

#ifdef _OPENMP
#include <omp.h>
#else
static int omp_get_thread_num(void) {
    return 0;
}
#endif

#define REAL_BITS 32
#include "common/dtype.h"
#include "blas/sequence.inc"
#undef REAL_BITS
#define REAL_BITS 64
#include "common/dtype.h"
#include "blas/sequence.inc"
#undef REAL_BITS
