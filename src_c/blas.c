/* The BLAS engine's matmuls. BLAS is Fortran's, column-major: a row-major c = a b is the
 * column-major c^T = b^T a^T, so the operands change places and nothing is copied. */
#include <limits.h>

#include "internal.h"

static gru_blas blas;

void gru_set_blas(const gru_blas *routines) {
    blas = *routines;
}

int gru_blas_is_set(void) {
    return blas.sgemm && blas.dgemm && blas.sgemv && blas.dgemv;
}

#define REAL_BITS 32
#define BLAS_GEMM blas.sgemm
#define BLAS_GEMV blas.sgemv
#include "real.h"
#include "blas.inc"
#undef REAL_BITS
#undef BLAS_GEMM
#undef BLAS_GEMV

#define REAL_BITS 64
#define BLAS_GEMM blas.dgemm
#define BLAS_GEMV blas.dgemv
#include "real.h"
#include "blas.inc"
#undef REAL_BITS

/* Rows or columns of c that one task of gru_matmul makes. Fixed, so the bits are. */
enum { PANEL = 256 };

/* The part of op(matrix) from row `row` and column `column` on. */
static gru_matrix part(const gru_matrix *matrix, size_t itemsize, size_t row, size_t column) {
    const size_t elements =
        matrix->transposed ? column * matrix->stride + row : row * matrix->stride + column;
    gru_matrix result = *matrix;
    result.data = (const char *)matrix->data + elements * itemsize;
    return result;
}

gru_status gru_matmul(gru_dtype dtype, size_t m, size_t n, size_t k, const gru_matrix *a,
                      const gru_matrix *b, void *c, int accumulate, int threads) {
    if (!gru_blas_is_set()) {
        return GRU_NO_BLAS;
    }
    if (threads < 1 || (dtype != GRU_F32 && dtype != GRU_F64)) {
        return GRU_BAD_ARGUMENT;
    }
    if (n > INT_MAX || k > INT_MAX || a->stride > INT_MAX || b->stride > INT_MAX) {
        return GRU_BLAS_LIMIT;
    }
    const size_t itemsize = gru_itemsize(dtype);
    const size_t row_panels = m / PANEL + (m % PANEL != 0);
    const size_t column_panels = n / PANEL + (n % PANEL != 0);
    const ptrdiff_t panels = (ptrdiff_t)(row_panels * column_panels);
    if (panels < 2 || (double)m * (double)n * (double)k < GRU_SERIAL_WORK) {
        threads = 1;
    }
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (ptrdiff_t panel = 0; panel < panels; panel++) {
        const size_t row = (size_t)panel / column_panels * PANEL;
        const size_t column = (size_t)panel % column_panels * PANEL;
        const size_t rows = gru_min(PANEL, m - row), columns = gru_min(PANEL, n - column);
        const gru_matrix left = part(a, itemsize, row, 0), right = part(b, itemsize, 0, column);
        void *out = (char *)c + (row * n + column) * itemsize;
        if (dtype == GRU_F32) {
            gru_gemm_f32(rows, columns, k, &left, &right, accumulate != 0, out, n);
        } else {
            gru_gemm_f64(rows, columns, k, &left, &right, accumulate != 0, out, n);
        }
    }
    return GRU_OK;
}
