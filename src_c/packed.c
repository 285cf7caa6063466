/* The packed engine: whole sequences by the kernels alone. Weights are packed once a call; then each
 * step is a matmul whose result the cells turn into gates and state at once. The batch is cut into
 * slices, each of which runs by itself from the first step to the last; a batch too small for that
 * is cut over units, by a gang. Neither changes a bit of the result. */
#include "internal.h"

/* The first line of a tape. */
typedef struct tape_header {
    size_t lanes, chunk_steps;
} tape_header;

static void write_tape_header(const gru_plan *plan, void *tape) {
    const tape_header header = { plan->lanes, plan->chunk_steps };
    memcpy(gru_align(tape), &header, sizeof header);
}

int gru_tape_fits(const gru_plan *plan, const void *tape) {
    tape_header header;
    memcpy(&header, gru_align((void *)tape), sizeof header);
    return header.lanes == plan->lanes && header.chunk_steps == plan->chunk_steps;
}

/* k elements one after the other: in blocks, then the rest. A step of k moves a and b by a_k, b_k. */
static void set_runs(gru_run runs[2], size_t k, ptrdiff_t a_k, size_t b_k) {
    const size_t blocks = k / GRU_K_BLOCK;
    runs[0] = (gru_run){ blocks, GRU_K_BLOCK, 1, GRU_K_BLOCK * a_k, GRU_K_BLOCK * (ptrdiff_t)b_k };
    /* at least one, to write c */
    runs[1] = (gru_run){ k % GRU_K_BLOCK || !k, k % GRU_K_BLOCK, 1, 0, 0 };
}

/* `count` segments of `length` elements; a_step, b_step from the beginning of one to the next. */
static gru_run run_of_segments(size_t count, size_t length, ptrdiff_t a_step, size_t b_step) {
    const size_t block = length ? GRU_K_BLOCK / length : 1;
    return (gru_run){ count, length, block ? block : 1, a_step, (ptrdiff_t)b_step };
}

/* Runs every slice of the plan, each by its gang, whose place in the context is `gangs`. */
static void run_gangs(const gru_plan *plan, gru_task *task, void *context, gru_gang **gangs) {
    const size_t tasks = plan->slices * plan->members;
    if (plan->members == 1) {
        gru_run_tasks(plan->threads, tasks, task, context);
        return;
    }
    gru_gang memory[GRU_MOST_GANGS];
    for (size_t i = 0; i < plan->slices; i++) {
        memset(&memory[i], 0, sizeof memory[i]);
        memory[i].members = plan->members;
    }
    *gangs = memory;
    gru_run_tasks(plan->threads, tasks, task, context);
}

#define REAL_BITS 32
#include "real.h"
#include "packed_weights.inc"
#include "packed.inc"
#include "packed_stream.inc"
#include "packed_backward.inc"
#undef REAL_BITS
#define REAL_BITS 64
#include "real.h"
#include "packed_weights.inc"
#include "packed.inc"
#include "packed_stream.inc"
#include "packed_backward.inc"
#undef REAL_BITS

/* ---- matmul ------------------------------------------------------------------------------- */

/* How a matmul is cut, and where its arrays lie in the workspace, whose first line is zero. */
typedef struct gru_matmul_plan {
    size_t lanes, triples;
    size_t block_rows, block_vectors, row_blocks, column_blocks; /* tasks */
    int threads;
    size_t b, packed_bytes, scratch, scratch_bytes, workspace_bytes;
} gru_matmul_plan;

enum {
    MATMUL_ROWS = 256,  /* of a task */
    MATMUL_VECTORS = 24 /* a multiple of 3 */
};

static gru_status plan_matmul(const gru_matmul_args *a, gru_matmul_plan *l) {
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

#define REAL_BITS 32
#include "real.h"
#include "matmul.inc"
#undef REAL_BITS
#define REAL_BITS 64
#include "real.h"
#include "matmul.inc"
#undef REAL_BITS

gru_status gru_matmul_bytes(const gru_matmul_args *args, size_t *bytes) {
    gru_matmul_plan plan;
    const gru_status status = plan_matmul(args, &plan);
    *bytes = status == GRU_OK ? plan.workspace_bytes : 0;
    return status;
}

gru_status gru_matmul_packed_bytes(const gru_matmul_args *args, size_t *bytes) {
    gru_matmul_plan plan;
    const gru_status status = plan_matmul(args, &plan);
    *bytes = status == GRU_OK ? plan.packed_bytes : 0;
    return status;
}

gru_status gru_matmul_pack(const gru_matmul_args *args, void *packed) {
    gru_matmul_plan plan;
    const gru_status status = plan_matmul(args, &plan);
    if (status != GRU_OK) {
        return status;
    }
    if (!packed || packed != gru_align(packed) || (args->k && args->n && !args->b.data)) {
        return GRU_BAD_ARGUMENT;
    }
    BY_DTYPE(args->dtype, pack_b)(&plan, args, packed);
    return GRU_OK;
}

gru_status gru_matmul(const gru_matmul_args *args) {
    gru_matmul_plan plan;
    const gru_status status = plan_matmul(args, &plan);
    if (status != GRU_OK) {
        return status;
    }
    if (!args->workspace || (args->m && args->n && !args->c)) {
        return GRU_BAD_ARGUMENT;
    }
    BY_DTYPE(args->dtype, matmul)(&plan, args);
    return GRU_OK;
}
