/* How a matmul is cut into tasks, and where its arrays lie. */
#include "packed/plan.h"

enum {
    MATMUL_ROWS = 256,  /* of a task */
    MATMUL_VECTORS = 24 /* a multiple of 3 */
};

gru_status gru_matmul_plan_of(const gru_matmul_args *a, gru_matmul_plan *l) {
    memset(l, 0, sizeof *l);
    if (a->threads < 1 || (a->dtype != GRU_F32 && a->dtype != GRU_F64)) {
        return GRU_BAD_ARGUMENT;
    }
    l->lanes = gru_active_lanes(a->dtype);
    const size_t vectors = gru_divide_up(a->n, l->lanes);
    l->triples = gru_divide_up(vectors, 3);
    l->block_rows = MATMUL_ROWS;
    l->block_vectors = MATMUL_VECTORS;
    l->row_blocks = gru_divide_up(a->m, MATMUL_ROWS);
    l->column_blocks = gru_divide_up(vectors, MATMUL_VECTORS);
    const double work = (double)a->m * (double)a->n * (double)a->k;
    l->threads = work < GRU_SERIAL_WORK ? 1 : a->threads;
    gru_arena r = { gru_itemsize(a->dtype), 0, 0 };
    gru_take(&r, l->lanes, 1, 1);
    gru_arena b = { r.itemsize, 0, 0 };
    gru_take(&b, l->triples, a->k, 3 * l->lanes);
    l->packed_bytes = b.bytes;
    r.overflow |= b.overflow;
    l->b = a->packed ? 0 : gru_take_bytes(&r, b.bytes);
    gru_arena one = { r.itemsize, 0, 0 };
    gru_take(&one, gru_min(a->m, MATMUL_ROWS), l->lanes, 1);
    l->scratch_bytes = one.bytes;
    l->scratch = r.bytes;
    size_t all = 0;
    r.overflow |= __builtin_mul_overflow(one.bytes, (size_t)l->threads, &all);
    r.overflow |= __builtin_add_overflow(r.bytes, all, &r.bytes);
    r.overflow |= __builtin_add_overflow(r.bytes, (size_t)64, &l->workspace_bytes);
    return r.overflow ? GRU_TOO_LARGE : GRU_OK;
}
