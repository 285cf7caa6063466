/* The plan of the packed engine: a problem is cut into slices, chunks and panels, and arrays get
 * their places in the workspace, on the tape and in the packed weights. Every product of sizes is
 * checked. */
#include "packed/plan.h"

enum {
    /* Fewer rows in a slice make the matmul's tiles low, more of them leave the cache. */
    SLICE_ROWS_AT_LEAST = 8,
    SLICE_ROWS_AT_MOST = 64,
    /* A time chunk has so many steps that there are CHUNK_ROWS rows, and more as long as its gates
     * fit CHUNK_BYTES. That is more rows than a tile needs, because the weights of a large layer
     * are read once a chunk and a weight's gradient has longer sums (48 rows and 256 KiB: 5 to 15%
     * slower). */
    CHUNK_ROWS = 256,
    CHUNK_BYTES = 1024 * 1024,
    /* One row: the weights of the panels that are computed at once should stay in L1 until the next
     * step, which begins with them, and a time chunk's gates should not drive them out. With one
     * panel at once the multiply-adds would wait for each other. */
    ROW_GROUP_BYTES = 30 * 1024,
    ROW_PANELS_AT_LEAST = 2,
    ROW_PANELS_AT_MOST = 4,
    ROW_CHUNK_STEPS = 8,
    /* A larger W is read for several steps at once. */
    ROW_INPUT_BYTES = 12 * 1024,
    /* Multiply-adds of one member's part of a step, below which the waits of a gang cost too
     * much. */
    MEMBER_WORK = 50 * 1000,
    /* Stretches of a slice, at most: a thread waits at the end for one of them. */
    STRETCHES = 32,
    /* Packing a smaller weight is cheap. */
    AT_USE_BYTES = 1024 * 1024,
    GRADIENT_ROWS = 256,
    GRADIENT_TRIPLES = 8,
    TASKS_OF_THREAD = 4,
    COPY_ROWS = 16,  /* gates' gradients are copied from so many rows */
    COPY_UNITS = 32, /* and, times the lanes, units on */
};

static size_t in_threes(size_t n) {
    return n / 3 + (n % 3 != 0);
}

static size_t smaller_of_doubles(double a, size_t b) {
    return a < (double)b ? (size_t)a : b;
}

/* ---- cuts --------------------------------------------------------------------------------- */

static void cut_units(const gru_problem *problem, gru_plan *plan) {
    const int is_gru = problem->cell == GRU_CELL_GRU;
    plan->gates = gru_gates_of(problem->cell);
    plan->slots = gru_slots_of(problem->cell);
    plan->lanes = gru_active_lanes(problem->dtype);
    plan->vectors = gru_divide_up(problem->units, plan->lanes);
    plan->panel_vectors = is_gru ? 1 : gru_min(3, plan->vectors);
    if (problem->cell == GRU_CELL_LSTM && plan->vectors % 6 == 4) {
        plan->panel_vectors = 2; /* no panel is left with one vector, which fills few registers */
    }
    plan->panels = gru_divide_up(plan->vectors, plan->panel_vectors);
    plan->panel_units = plan->panel_vectors * plan->lanes;
    plan->panel_row = plan->slots * plan->panel_units;
    plan->panel_triples = in_threes(plan->gates * plan->panel_vectors);
    plan->panel_group = plan->panel_vectors == 3 ? 1 : 3;
    plan->state_triples = in_threes(plan->vectors);
    const size_t rest = problem->units % plan->lanes; /* units of the last vector */
    /* With H in one block of k, sums of gates that share a vector have the same bits. */
    if (is_gru && !plan->reduced && problem->reset_after && problem->units <= GRU_K_BLOCK && rest &&
        rest <= plan->lanes / 3) {
        plan->narrow = plan->lanes / 3;
    }
    plan->state_row = plan->panels * plan->panel_units;
    if (plan->state_row * gru_itemsize(problem->dtype) % 1024 == 0) {
        /* Rows a power of two apart would share a few sets of the cache. */
        plan->state_row += plan->lanes;
    }
}

/* Let one row of the usual cell go by row_steps. */
static void cut_row(const gru_problem *problem, gru_plan *plan) {
    if (problem->batch != 1 || !problem->reset_after || gru_kind_of(problem) || plan->reduced) {
        return;
    }
    /* the bytes of a line of a panel's weights, and of W */
    const double line =
        3.0 * (double)(plan->panel_triples * plan->lanes * gru_itemsize(problem->dtype));
    const double input = (double)problem->input * (double)plan->panels * line;
    const double group = ROW_GROUP_BYTES / (line * (double)problem->units);
    const size_t panels = smaller_of_doubles(group, ROW_PANELS_AT_MOST);
    plan->row_panels = panels > ROW_PANELS_AT_LEAST ? panels : ROW_PANELS_AT_LEAST;
    if (plan->panel_triples > 1) {
        plan->row_panels = 1; /* of an LSTM: 12 vectors */
    }
    plan->input_by_step = problem->input && input <= ROW_INPUT_BYTES;
}

static void cut_time(const gru_problem *problem, gru_pass pass, gru_plan *plan) {
    const size_t row_bytes = plan->panels * plan->panel_row * gru_itemsize(problem->dtype);
    const double step_bytes = (double)problem->batch * (double)row_bytes;
    size_t steps = problem->batch ? gru_divide_up(CHUNK_ROWS, problem->batch) : 1;
    const size_t fitting = smaller_of_doubles(CHUNK_BYTES / (step_bytes + 1), problem->time);
    steps = gru_min(fitting > steps ? fitting : steps, problem->time);
    if (plan->row_panels && pass == GRU_FORWARD) {
        steps = plan->input_by_step ? problem->time : gru_min(steps, ROW_CHUNK_STEPS);
    }
    plan->chunk_steps = steps ? steps : 1;
    plan->chunks = gru_divide_up(problem->time, plan->chunk_steps);
    const size_t itemsize = gru_itemsize(problem->dtype);
    /* In the backward pass k goes from panel to panel: they would share a few sets of the cache. */
    if (plan->chunk_steps * problem->batch * plan->panel_row * itemsize % 1024 == 0) {
        plan->panel_padding = GRU_CACHE_LINE / itemsize;
    }
}

/* Reserve the gates of `steps` steps in `chunks` chunks. */
static size_t take_gates(const gru_problem *problem, const gru_plan *plan, size_t steps,
    size_t chunks, gru_arena *arena) {
    const size_t offset = gru_take(arena, steps, problem->batch, plan->panels * plan->panel_row);
    gru_take(arena, chunks, plan->panels, plan->panel_padding);
    return offset;
}

/* Set the number of slices, and of the members of each slice's gang. */
static void cut_batch(const gru_problem *problem, gru_plan *plan) {
    const double batch = (double)problem->batch, units = (double)problem->units;
    const double gates = (double)plan->gates;
    const double step = gates * batch * units * units; /* multiply-adds of h U */
    const double all =
        (double)problem->time * (step + gates * batch * (double)problem->input * units);
    const size_t threads = all < GRU_SERIAL_WORK ? 1 : (size_t)problem->threads;
    plan->threads = (int)threads;
    const size_t by_rows = problem->batch / SLICE_ROWS_AT_LEAST;
    plan->slices = gru_min(threads, by_rows ? by_rows : 1);
    const size_t by_cache = gru_divide_up(problem->batch, SLICE_ROWS_AT_MOST);
    if (by_cache > plan->slices) { /* the same number of slices for each thread */
        plan->slices = gru_min(gru_divide_up(by_cache, threads) * threads, problem->batch);
    }
    size_t members = threads / plan->slices;
    members = smaller_of_doubles(step / (double)plan->slices / MEMBER_WORK, members);
    members = gru_min(members, gru_min(plan->state_triples, GRU_MOST_MEMBERS));
    plan->members = members && plan->slices <= GRU_MOST_GANGS ? members : 1;
}

/* Set the steps of a stretch: enough to be worth a change of threads, and few enough to share the
 * work evenly. */
static void cut_slices(const gru_problem *problem, gru_plan *plan) {
    const double step = (double)plan->gates * (double)problem->batch * (double)problem->units *
                        ((double)problem->input + (double)problem->units) / (double)plan->slices;
    const size_t least = smaller_of_doubles(GRU_SERIAL_WORK / (step + 1) + 1, problem->time);
    const size_t steps = gru_divide_up(problem->time, STRETCHES);
    plan->stretch = least > steps ? least : steps;
    if (plan->threads < 2 || plan->slices < 2 || plan->slices > GRU_MOST_IN_RELAY ||
        plan->members > 1 || plan->stretch >= problem->time) {
        plan->stretch = 0;
    }
}

/* With sequences as lanes a slice is one or two vectors; there are as many slices as threads
 * need. */
static void cut_lanes(const gru_problem *problem, gru_plan *plan) {
    const size_t vectors = gru_divide_up(problem->batch, plan->lanes);
    const size_t threads = gru_min((size_t)plan->threads, vectors ? vectors : 1);
    size_t slices = gru_divide_up(vectors, 2);
    slices = gru_divide_up(slices ? slices : 1, threads) * threads;
    plan->slices = gru_min(slices, vectors ? vectors : 1);
    plan->members = 1;
    plan->by_lanes.vectors = gru_divide_up(vectors, plan->slices);
}

/* ---- layouts ------------------------------------------------------------------------------ */

/* Return 1 for a cell with a second state. */
static int has_cells(const gru_problem *problem) {
    return gru_states_of(problem->cell) > 1;
}

static void lay_out_packed(const gru_problem *problem, gru_plan *plan) {
    gru_arena arena = { gru_itemsize(problem->dtype), 0, 0 };
    gru_packed_layout *packed = &plan->packed;
    const size_t triples = plan->panels * plan->panel_triples;
    packed->bias = gru_take(&arena, plan->panels, plan->panel_row, 1);
    packed->w_lines = gru_reduced_triple_lines(plan->reduced, problem->input);
    packed->u_lines = gru_reduced_triple_lines(plan->reduced, problem->units);
    packed->w = gru_take(&arena, triples, packed->w_lines, 3 * plan->lanes);
    /* reset_after = 0 multiplies with r and z first, and then with n. */
    packed->u_by_gates = !problem->reset_after && !plan->reduced;
    const size_t blocks = packed->u_by_gates ? 3 * plan->state_triples : triples;
    packed->u = gru_take(&arena, blocks, packed->u_lines, 3 * plan->lanes);
    packed->bytes = arena.bytes;
    plan->overflow |= arena.overflow;
}

static void lay_out_tape(const gru_problem *problem, gru_plan *plan) {
    gru_arena arena = { gru_itemsize(problem->dtype), GRU_CACHE_LINE, 0 }; /* behind the header */
    gru_tape_layout *tape = &plan->tape;
    const size_t steps = problem->time, batch = problem->batch, X = plan->state_row;
    size_t states = 0;
    arena.overflow |= __builtin_add_overflow(steps, (size_t)1, &states);
    tape->states = gru_take(&arena, states, batch, X);
    tape->gates = take_gates(problem, plan, steps, plan->chunks, &arena);
    tape->cells = has_cells(problem) ? gru_take(&arena, states, batch, X) : 0;
    tape->rh = problem->reset_after ? 0 : gru_take(&arena, steps, batch, X);
    tape->masked = problem->masks_state ? gru_take(&arena, states, batch, X) : 0;
    arena.overflow |= __builtin_add_overflow(arena.bytes, (size_t)GRU_CACHE_LINE, &tape->bytes);
    plan->overflow |= arena.overflow;
}

static void lay_out_panels(
    const gru_problem *problem, gru_pass pass, gru_plan *plan, gru_arena *arena) {
    gru_panel_layout *layout = &plan->by_panels;
    const size_t batch = problem->batch, X = plan->state_row;
    layout->packed = pass == GRU_FORWARD_STEP ? 0 : gru_take_bytes(arena, plan->packed.bytes);
    layout->mask = problem->masks_state ? gru_take(arena, batch, X, 1) : 0;
    layout->keeps = problem->kind.zoneout > 0 ? gru_take(arena, batch, X, 1) : 0;
    if (pass == GRU_FORWARD_TAPE) {
        return;
    }
    layout->states = gru_take(arena, 2, batch, X);
    layout->cells = has_cells(problem) ? gru_take(arena, 2, batch, X) : 0;
    layout->masked = problem->masks_state ? gru_take(arena, 2, batch, X) : 0;
    const size_t steps = plan->input_by_step ? 1 : plan->chunk_steps;
    layout->gates = gru_take(arena, steps, batch, plan->panels * plan->panel_row);
    layout->rh = problem->reset_after ? 0 : gru_take(arena, 1, batch, X);
    if (plan->reduced) { /* operands of a chunk of x, or of the states of a step */
        const size_t x = gru_operand_row(plan->reduced, problem->input);
        const size_t h = gru_operand_row(plan->reduced, problem->units);
        arena->overflow |= __builtin_mul_overflow(plan->chunk_steps, x, &layout->operands_row);
        layout->operands_row = h > layout->operands_row ? h : layout->operands_row;
        layout->operands = gru_take(arena, plan->members, batch, layout->operands_row);
    }
}

static void lay_out_lanes(const gru_problem *problem, gru_plan *plan, gru_arena *arena) {
    gru_lane_layout *layout = &plan->by_lanes;
    const size_t width = layout->vectors * plan->lanes;
    layout->bias = gru_take(arena, plan->slots, problem->units, plan->lanes);
    gru_arena slice = { arena->itemsize, 0, 0 };
    layout->x = gru_take(&slice, problem->input, width, 1);
    layout->gates = gru_take(&slice, plan->slots, problem->units, width);
    layout->h = gru_take(&slice, 2, problem->units, width);
    layout->c = has_cells(problem) ? gru_take(&slice, problem->units, width, 1) : 0;
    layout->slice_bytes = slice.bytes;
    layout->slices = gru_take_for_each(arena, &slice, plan->slices);
}

static void lay_out_rows(const gru_problem *problem, gru_plan *plan, gru_arena *arena) {
    gru_row_layout *layout = &plan->by_rows;
    layout->bias = gru_take(arena, plan->slots, plan->state_row, 1);
    layout->scratch = gru_take(arena, GRU_ROW_SCRATCH, plan->state_row, 1);
    layout->states = gru_take(arena, 2, problem->batch, plan->state_row);
    layout->cells = has_cells(problem) ? gru_take(arena, problem->batch, plan->state_row, 1) : 0;
    layout->gates = gru_take(arena, problem->time, problem->batch, plan->slots * plan->state_row);
}

/* Reserve each thread's scratch: a part of a weight's gradient, lines of the factor that it comes from
 * and a part of a bias's gradient; or, in the same place, d_x of a chunk and slice. */
static void lay_out_scratch(const gru_problem *problem, gru_plan *plan, gru_arena *arena) {
    gru_backward_layout *layout = &plan->backward;
    const size_t longest = problem->input > problem->units ? problem->input : problem->units;
    const size_t rows = gru_min(longest, GRADIENT_ROWS), width = 3 * plan->lanes;
    const size_t line = rows + GRU_CACHE_LINE / gru_itemsize(problem->dtype);
    gru_arena thread = { arena->itemsize, 0, 0 }, d_x = thread;
    gru_take(&thread, layout->gradient_triples, rows, width);
    layout->scratch_lines = gru_take(&thread, gru_active_by_blocks() ? GRU_K_BLOCK : 0, line, 1);
    layout->scratch_bias = gru_take(&thread, plan->panel_row, 1, 1);
    if (problem->input % plan->lanes) { /* else it needs no scratch */
        const size_t slice = gru_min(problem->batch, SLICE_ROWS_AT_MOST);
        gru_take(&d_x, slice, plan->chunk_steps, gru_divide_up(problem->input, width) * width);
    }
    const size_t copied = layout->copies_state || layout->copies_input ? GRU_COPY_ROWS : 0;
    layout->scratch_block = gru_take(&d_x, copied, GRU_K_BLOCK, 1);
    thread.bytes = d_x.bytes > thread.bytes ? d_x.bytes : thread.bytes;
    thread.overflow |= d_x.overflow;
    layout->scratch_bytes = thread.bytes;
    layout->scratch = gru_take_for_each(arena, &thread, (size_t)plan->threads);
}

/* Return the triples of a weight's gradient that one task computes: several where they
 * share the copied lines of the other factor; and few enough for all threads. */
static size_t cut_gradients(const gru_problem *problem, const gru_plan *plan) {
    if (!gru_active_by_blocks()) {
        return 1;
    }
    const size_t blocks =
        gru_divide_up(problem->units, GRADIENT_ROWS) + gru_divide_up(problem->input, GRADIENT_ROWS);
    const size_t triples = plan->panels * plan->panel_triples;
    const size_t most = blocks * triples / (TASKS_OF_THREAD * (size_t)plan->threads);
    return gru_min(GRADIENT_TRIPLES, most ? most : 1);
}

/* Let the weights that a backward pass of few rows needs once be packed where it needs them: they then
 * go through the cache instead of memory. */
static void cut_packing(const gru_problem *problem, gru_plan *plan) {
    const double bytes =
        (double)plan->gates * (double)problem->units * (double)gru_itemsize(problem->dtype);
    const int once = plan->backward.few_rows && plan->slices == 1;
    plan->w_at_use = once && bytes * (double)problem->input >= AT_USE_BYTES;
    plan->u_at_use = once && bytes * (double)problem->units >= AT_USE_BYTES && problem->time == 1;
}

static void lay_out_backward(
    const gru_problem *problem, gru_pass pass, gru_plan *plan, gru_arena *arena) {
    gru_backward_layout *layout = &plan->backward;
    const size_t width = 3 * plan->lanes, batch = problem->batch, X = plan->state_row;
    const size_t input = gru_divide_up(problem->input, width); /* in triples */
    layout->gradient_rows = GRADIENT_ROWS;
    layout->gradient_triples = cut_gradients(problem, plan);
    layout->d_x_rows = SLICE_ROWS_AT_MOST;
    const size_t least = gru_active_by_blocks() ? COPY_UNITS * plan->lanes : SIZE_MAX;
    const size_t rows = plan->members == 1 ? batch / plan->slices : 0;
    layout->copies_state = rows >= COPY_ROWS && problem->units >= least;
    layout->copies_input = batch * plan->chunk_steps >= COPY_ROWS && problem->input >= least;
    layout->wt = gru_take(arena, input, plan->gates * problem->units, width);
    layout->ut = gru_take(arena, plan->state_triples, plan->gates * problem->units, width);
    layout->dh = gru_take(arena, batch, X, 1);
    layout->dc = has_cells(problem) ? gru_take(arena, batch, X, 1) : 0;
    layout->keeps = problem->kind.zoneout > 0 && problem->cell != GRU_CELL_GRU
                        ? gru_take(arena, batch, X, 1)
                        : 0;
    layout->drh = problem->reset_after ? 0 : gru_take(arena, batch, X, 1);
    layout->mask = problem->masks_state ? gru_take(arena, batch, X, 1) : 0;
    layout->d_masked = problem->masks_state ? gru_take(arena, batch, X, 1) : 0;
    if (batch <= GRU_FEW_ROWS && problem->time <= GRU_FEW_ROWS / (batch ? batch : 1)) {
        layout->few_rows = batch * problem->time;
        layout->lines = gru_take(arena, 2 * layout->few_rows, plan->gates, problem->units);
    }
    cut_packing(problem, plan);
    if (pass == GRU_BACKWARD_KEEP) {
        layout->gates = take_gates(problem, plan, problem->time, plan->chunks, arena);
    }
    lay_out_scratch(problem, plan, arena);
}

static void lay_out_workspace(const gru_problem *problem, gru_pass pass, gru_plan *plan) {
    gru_arena arena = { gru_itemsize(problem->dtype), 0, 0 };
    plan->zeros = gru_take(&arena, plan->lanes, 1, 1);
    if (pass == GRU_BACKWARD || pass == GRU_BACKWARD_KEEP) {
        lay_out_backward(problem, pass, plan, &arena);
    } else if (plan->way == GRU_LANES) {
        lay_out_lanes(problem, plan, &arena);
    } else if (plan->way == GRU_ROWS) {
        lay_out_rows(problem, plan, &arena);
    } else if (plan->way == GRU_SINGLE) {
        plan->single.zeros = gru_take(&arena, gru_states_of(problem->cell), problem->units, 1);
    } else {
        lay_out_panels(problem, pass, plan, &arena);
    }
    arena.overflow |=
        __builtin_add_overflow(arena.bytes, (size_t)GRU_CACHE_LINE, &plan->workspace_bytes);
    plan->overflow |= arena.overflow;
}

gru_status gru_plan_of(const gru_problem *problem, gru_pass pass, gru_plan *plan) {
    memset(plan, 0, sizeof *plan);
    plan->reduced = gru_active_reduced(problem->weights_format);
    cut_units(problem, plan);
    cut_row(problem, plan);
    cut_time(problem, pass, plan);
    cut_batch(problem, plan);
    cut_slices(problem, plan);
    plan->phase_steps = plan->row_panels && plan->members == 1 ? plan->chunk_steps : 1;
    plan->way = gru_way_of(problem, pass, plan);
    if (plan->way == GRU_LANES) {
        cut_lanes(problem, plan);
    } else if (plan->way == GRU_ROWS) {
        plan->row_panels = 0;
        plan->input_by_step = 0;
    }
    lay_out_packed(problem, plan);
    lay_out_tape(problem, plan);
    lay_out_workspace(problem, pass, plan);
    return plan->overflow ? GRU_TOO_LARGE : GRU_OK;
}
