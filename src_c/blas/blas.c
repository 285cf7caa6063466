/* The BLAS engine's matmuls. BLAS is Fortran's, column-major: a row-major c = a b is the
 * column-major c^T = b^T a^T, so the operands change places and nothing is copied. */
#include "blas/plan.h"
#include "common/dtype.h"
#include "common/memory.h"

static gru_blas blas;
static int is_missing;

void gru_set_blas(const gru_blas *routines) {
    is_missing = !routines;
    blas = routines ? *routines : (gru_blas){ 0 };
}

int gru_blas_is_missing(void) {
    return is_missing;
}

int gru_blas_is_set(void) {
    return blas.sgemm && blas.dgemm && blas.sgemv && blas.dgemv;
}

#define REAL_BITS 32
#define BLAS_GEMM blas.sgemm
#define BLAS_GEMV blas.sgemv
#include "common/dtype.h"
#include "blas/blas.inc"
#undef REAL_BITS
#undef BLAS_GEMM
#undef BLAS_GEMV

#define REAL_BITS 64
#define BLAS_GEMM blas.dgemm
#define BLAS_GEMV blas.dgemv
#include "common/dtype.h"
#include "blas/blas.inc"
#undef REAL_BITS
