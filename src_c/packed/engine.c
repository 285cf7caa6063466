/* The packed engine: whole sequences by the kernels alone. Weights are packed once a call; each
 * step is a matmul whose result the cells turn into gates and the new state at once. The batch
 * is cut into slices, and each slice runs from its first step to its last without waiting for
 * another. A batch too small for that is cut over units, by a gang. Neither cut changes a bit
 * of the result. */
#include "common/draws.h"
#include "packed/plan.h"

/* The order of the gates in panels: n r z in those of W, r z n in those of U. A gate's number is
 * its place in gru.h's order z r n. */
static const size_t NRZ[3] = { 2, 1, 0 }, RZN[3] = { 1, 0, 2 };

/* The order of the gates of other cells: gru.h's. */
static const size_t IN_ORDER[4] = { 0, 1, 2, 3 };

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

/* Set the ranges of k elements that lie a_k and b_k apart: whole blocks, then the rest. */
static void set_k_ranges(gru_k_range ranges[2], size_t k, ptrdiff_t a_k, size_t b_k) {
    ranges[0] = (gru_k_range){ k / GRU_K_BLOCK, GRU_K_BLOCK, 1, GRU_K_BLOCK * a_k,
        GRU_K_BLOCK * (ptrdiff_t)b_k };
    /* A range of no elements is needed where k = 0: it writes c. */
    ranges[1] = (gru_k_range){ k % GRU_K_BLOCK || !k, k % GRU_K_BLOCK, 1, 0, 0 };
}

/* Return the range of `count` segments of `length` elements, which begin a_step and b_step
 * apart. */
static gru_k_range range_of_segments(size_t count, size_t length, ptrdiff_t a_step, size_t b_step) {
    const size_t block = length ? GRU_K_BLOCK / length : 1;
    return (gru_k_range){ count, length, block ? block : 1, a_step, (ptrdiff_t)b_step };
}

/* The rows first .. first + count of a weight's gradient. */
typedef struct gradient_rows {
    size_t first, count;
} gradient_rows;

/* Rows of a gradient that one task computes row by row. */
enum { ROWS_OF_TASK = 64 };

static gradient_rows rows_of_task(size_t task, size_t rows) {
    const size_t first = task * ROWS_OF_TASK;
    return (gradient_rows){ first, gru_min(ROWS_OF_TASK, rows - first) };
}

/* The threads that share the slices of a pass: a gang for each slice, or a relay for all of them, or
 * neither, where each thread takes whole slices. */
typedef struct slice_crew {
    gru_gang *gangs;
    gru_relay *relay;
} slice_crew;

/* Run the tasks of all slices, with their crew in `crew`. */
static void run_slices(
    const gru_plan *plan, gru_task *task, void *context, slice_crew *crew, size_t phases) {
    const size_t tasks = plan->slices * plan->members;
    if (plan->stretch) {
        gru_relay relay = { .sequences = plan->slices, .phases = phases };
        relay.stretch = plan->stretch;
        crew->relay = &relay;
        gru_run_tasks(plan->threads, gru_min((size_t)plan->threads, plan->slices), task, context);
        return;
    }
    if (plan->members == 1) {
        gru_run_tasks(plan->threads, tasks, task, context);
        return;
    }
    gru_gang memory[GRU_MOST_GANGS];
    for (size_t i = 0; i < plan->slices; i++) {
        memset(&memory[i], 0, sizeof memory[i]);
        memory[i].members = plan->members;
    }
    crew->gangs = memory;
    gru_run_tasks(plan->threads, tasks, task, context);
}

/* Do task `task` of run_slices: a slice by itself, a member's work in its gang, or a thread's in the
 * relay. */
static void run_phases(const gru_plan *plan, const slice_crew *crew, size_t task, size_t phases,
    gru_phase *run, void *slice) {
    if (plan->stretch) {
        gru_relay_run(crew->relay, task, run, slice);
        return;
    }
    if (plan->members > 1) {
        gru_gang_run(&crew->gangs[task / plan->members], task % plan->members, phases, run, slice);
        return;
    }
    for (size_t phase = 0; phase < phases && !gru_stops(); phase++) {
        run(slice, phase, 0);
    }
}

#define REAL_BITS 32
#include "common/dtype.h"
#include "packed/engine.inc"
#undef REAL_BITS
#define REAL_BITS 64
#include "common/dtype.h"
#include "packed/engine.inc"
#undef REAL_BITS
