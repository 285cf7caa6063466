/* The plan of a matmul: its tasks, and the places of its arrays. */
#include "packed/plan.h"

enum {
    TASK_ROWS = 256,
    TASK_VECTORS = 24 /* a multiple of 3 */
};

/* Return 1 if the rows of a are plain, or windows that the engine reads in place. */
static int has_readable_rows(const gru_matmul_args *args) {
    const gru_windows *windows = &args->windows;
    if (!windows->count) {
        return 1;
    }
    if (args->a.transposed || !windows->taps || args->k % windows->taps ||
        args->m % windows->count) {
        return 0;
    }
    /* A block of k cannot end inside a tap. */
    return windows->taps == 1 || windows->tap == args->k / windows->taps || args->k <= GRU_K_BLOCK;
}

gru_status gru_matmul_plan_of(const gru_matmul_args *args, gru_matmul_plan *plan) {
    memset(plan, 0, sizeof *plan);
    if (args->threads < 1 || (args->dtype != GRU_F32 && args->dtype != GRU_F64) ||
        (args->bias && args->accumulate) || !has_readable_rows(args)) {
        return GRU_BAD_ARGUMENT;
    }
    plan->lanes = gru_active_lanes(args->dtype);
    const size_t vectors = gru_divide_up(args->n, plan->lanes);
    plan->triples = gru_divide_up(vectors, 3);
    plan->task_rows = TASK_ROWS;
    plan->task_vectors = TASK_VECTORS;
    plan->tasks_of_rows = gru_divide_up(args->m, TASK_ROWS);
    plan->tasks_of_columns = gru_divide_up(vectors, TASK_VECTORS);
    const double work = (double)args->m * (double)args->n * (double)args->k;
    plan->threads = work < GRU_SERIAL_WORK ? 1 : args->threads;
    gru_arena arena = { gru_itemsize(args->dtype), 0, 0 };
    gru_take(&arena, plan->lanes, 1, 1); /* zeros */
    gru_arena packed = { arena.itemsize, 0, 0 };
    gru_take(&packed, plan->triples, args->k, 3 * plan->lanes);
    plan->packed_bytes = packed.bytes;
    plan->b = args->packed ? 0 : gru_take_bytes(&arena, packed.bytes);
    gru_arena thread = { arena.itemsize, 0, packed.overflow };
    gru_take(&thread, gru_min(args->m, TASK_ROWS), plan->lanes, 1);
    plan->scratch_bytes = thread.bytes;
    plan->scratch = gru_take_for_each(&arena, &thread, (size_t)plan->threads);
    arena.overflow |=
        __builtin_add_overflow(arena.bytes, (size_t)GRU_CACHE_LINE, &plan->workspace_bytes);
    return arena.overflow ? GRU_TOO_LARGE : GRU_OK;
}
