/* The packed engine: whole sequences by the kernels alone. Weights are packed once a call; then each
 * step is a matmul whose result the cells turn into gates and state at once. The batch is cut into
 * slices, each of which runs by itself from the first step to the last; a batch too small for that
 * is cut over units, by a gang. Neither changes a bit of the result. */
#include "common/draws.h"
#include "packed/plan.h"

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
#include "common/dtype.h"
#include "packed/weights.inc"
#include "packed/forward.inc"
#include "packed/step.inc"
#include "packed/backward.inc"
#include "packed/matmul.inc"
#undef REAL_BITS
#define REAL_BITS 64
#include "common/dtype.h"
#include "packed/weights.inc"
#include "packed/forward.inc"
#include "packed/step.inc"
#include "packed/backward.inc"
#include "packed/matmul.inc"
#undef REAL_BITS
