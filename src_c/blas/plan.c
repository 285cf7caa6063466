/* The plan of the BLAS engine: a problem is cut into slices and chunks, and the arrays of a pass
 * get their places in the workspace and on the tape. Every product of sizes is checked: one that
 * size_t cannot hold is GRU_TOO_LARGE. */
#include <limits.h>

#include "blas/plan.h"
#include "common/cells.h"
#include "common/memory.h"

enum {
    /* Most rows of a slice. More rows make better matmuls until a step's arrays leave L2 (I = H =
     * 256, AVX-512 BLAS: 114 GFLOP/s with 16 rows, 139 with 32, 111 with 64); fewer rows make more
     * slices, so that a batch of up to 32 still feeds two threads. The number must not depend on
     * the threads, because weight gradients are summed slice by slice. */
    SLICE_ROWS = 32,
    SMALL_BATCH_SLICE_ROWS = 16,
    /* Multiply-adds below which waking a thread costs more than it brings: about 0.15 ms of work. A
     * thread that sleeps is awake after 0.05 to 0.1 ms, beside a busy program much later. */
    SERIAL_WORK = 4 * 1000 * 1000,
    /* OpenMP ends the process when the system does not give it the threads that it asks for. */
    MOST_THREADS = 1024,
    /* Elements of x W made at a time: they stay in L2 until the steps have read them ... */
    CHUNK_ELEMENTS = 128 * 1024,
    /* ... but a matmul of fewer rows than this spends its time packing W. */
    CHUNK_ROWS = 128
};

static void lay_out_forward(const gru_problem *problem, gru_blas_plan *plan, gru_arena *arena) {
    const size_t S = plan->slice_rows, K = plan->chunk_steps, H = problem->units;
    const int is_gru = problem->cell == GRU_CELL_GRU;
    plan->x = gru_take(arena, K, S, problem->input);
    plan->gates = gru_take(arena, K, S, gru_gates_of(problem->cell) * H);
    plan->hu = is_gru ? gru_take(arena, S, 3, H) : 0;
    plan->cell = is_gru ? gru_take(arena, S, 4, H) : 0;
    plan->h = gru_take(arena, S, H, 1);
    plan->c = gru_states_of(problem->cell) > 1 ? gru_take(arena, S, H, 1) : 0;
    plan->masked = problem->masks_state ? gru_take(arena, S, H, 1) : 0;
    plan->keeps = problem->kind.zoneout > 0 ? gru_take(arena, S, H, 1) : 0;
}

static void lay_out_backward(const gru_problem *problem, gru_blas_plan *plan, gru_arena *arena) {
    const size_t S = plan->slice_rows, K = plan->chunk_steps, H = problem->units;
    const size_t G = gru_gates_of(problem->cell), slots = gru_slots_of(problem->cell);
    const int is_gru = problem->cell == GRU_CELL_GRU;
    plan->x = gru_take(arena, K, S, problem->input);
    plan->gates = gru_take(arena, K, S, slots * H);
    plan->h = gru_take(arena, S, H, 1);
    plan->c = gru_states_of(problem->cell) > 1 ? gru_take(arena, S, H, 1) : 0;
    plan->rh = is_gru ? gru_take(arena, S, H, 1) : 0;
    plan->keeps = !is_gru && problem->kind.zoneout > 0 ? gru_take(arena, S, H, 1) : 0;
    plan->masked = problem->masks_state ? gru_take(arena, S, H, 1) : 0;
    plan->d_x = gru_take(arena, K, S, problem->input);
    plan->d_kernel = gru_take(arena, problem->input, G, H);
    plan->d_recurrent_kernel = gru_take(arena, H, G, H);
    plan->d_bias = gru_take(arena, slots, H, 1);
}

static void lay_out_tape(const gru_problem *problem, gru_blas_plan *plan, gru_arena *arena) {
    const size_t T = problem->time, B = problem->batch, H = problem->units;
    size_t states = 0;
    arena->overflow |= __builtin_add_overflow(T, (size_t)1, &states);
    gru_take(arena, states, B, H);
    plan->tape_gates = gru_take(arena, T, B, gru_slots_of(problem->cell) * H);
    plan->tape_cells = gru_states_of(problem->cell) > 1 ? gru_take(arena, states, B, H) : 0;
    plan->tape_masked = problem->masks_state ? gru_take(arena, states, B, H) : 0;
    plan->tape_bytes = arena->bytes;
}

/* Return the multiply-adds of a forward pass, as a double: only a rough size is wanted. */
static double work_of(const gru_problem *problem) {
    return (double)gru_gates_of(problem->cell) * (double)problem->batch * (double)problem->time *
           (double)problem->units * (double)(problem->input + problem->units);
}

static void cut(const gru_problem *problem, gru_blas_plan *plan) {
    const size_t batch = problem->batch;
    const size_t limit = batch > SLICE_ROWS ? SLICE_ROWS : SMALL_BATCH_SLICE_ROWS;
    plan->slices = gru_divide_up(batch, limit);
    plan->slice_rows = plan->slices ? gru_divide_up(batch, plan->slices) : 1;
    size_t rows = CHUNK_ELEMENTS / (gru_gates_of(problem->cell) * problem->units);
    rows = rows < CHUNK_ROWS ? CHUNK_ROWS : rows;
    const size_t steps = rows / plan->slice_rows;
    plan->chunk_steps = gru_min(steps ? steps : 1, problem->time);
    const size_t most = gru_min((size_t)problem->threads, MOST_THREADS);
    const size_t threads = work_of(problem) < SERIAL_WORK ? 1 : most;
    plan->threads = (int)gru_min(threads, plan->slices ? plan->slices : 1);
}

gru_status gru_blas_plan_of(const gru_problem *problem, gru_pass pass, gru_blas_plan *plan) {
    if (problem->units > INT_MAX / 4 || problem->input > INT_MAX) {
        return GRU_BLAS_LIMIT;
    }
    memset(plan, 0, sizeof *plan);
    cut(problem, plan);
    const size_t itemsize = gru_itemsize(problem->dtype);
    gru_arena shared = { itemsize, 0, 0 }, thread = shared, tape = shared;
    plan->bias = gru_take(&shared, 4, problem->units, 1);
    if (pass == GRU_FORWARD || pass == GRU_FORWARD_TAPE) {
        lay_out_forward(problem, plan, &thread);
    } else {
        lay_out_backward(problem, plan, &thread);
    }
    lay_out_tape(problem, plan, &tape);
    plan->thread_bytes = thread.bytes;
    plan->threads_at = gru_take_for_each(&shared, &thread, (size_t)plan->threads);
    int overflow = shared.overflow | tape.overflow;
    overflow |=
        __builtin_add_overflow(shared.bytes, (size_t)(GRU_CACHE_LINE - 1), &plan->workspace_bytes);
    return overflow ? GRU_TOO_LARGE : GRU_OK;
}
