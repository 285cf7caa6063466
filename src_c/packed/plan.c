/* How the packed engine cuts a problem, and where its arrays lie in workspace, tape and packed
 * weights. Every product of sizes is checked. */
#include "packed/plan.h"

enum {
    /* Rows of a slice: fewer make the matmul's tiles low, more leave the cache. */
    SLICE_ROWS_AT_LEAST = 8,
    SLICE_ROWS_AT_MOST = 64,
    /* x W is made for so many steps at a time that there are CHUNK_ROWS rows, more as long as the
     * gates stay within CHUNK_BYTES. More rows than a tile needs: the weights of a large layer are read
     * once a chunk, and a weight's gradient has longer sums (48 rows, 256 KiB: 5 to 15% slower). */
    CHUNK_ROWS = 256,
    CHUNK_BYTES = 1024 * 1024,
    /* Multiply-adds of one step of one member of a gang, below which its waits cost too much. */
    MEMBER_WORK = 50 * 1000,
    /* Rows of a weight's gradient that one task makes. */
    GRADIENT_ROWS = 256,
    LANES_UNITS = 112,
    /* Rows times steps up to which weights are read where they are, and the elements of them from which
     * that pays. */
    FEW_ROWS = 4,
    ROWS_WEIGHTS = 16 * 1024
};

static size_t smaller_of_doubles(double a, size_t b) {
    return a < (double)b ? (size_t)a : b;
}

/* Slices that run by themselves, and members of the gang that runs each. */
static void cut(const gru_problem *p, gru_plan *l) {
    const double step = 3.0 * (double)p->batch * (double)p->units * (double)p->units;
    const double all =
        (double)p->time * (step + 3.0 * (double)p->batch * (double)p->input * (double)p->units);
    size_t threads = all < GRU_SERIAL_WORK ? 1 : (size_t)p->threads;
    l->threads = (int)threads;
    const size_t by_rows = p->batch / SLICE_ROWS_AT_LEAST;
    l->slices = gru_min(threads, by_rows ? by_rows : 1);
    const size_t by_cache = gru_divide_up(p->batch, SLICE_ROWS_AT_MOST);
    if (by_cache > l->slices) { /* as many for each thread */
        l->slices = gru_min(gru_divide_up(by_cache, threads) * threads, p->batch);
    }
    size_t members = threads / l->slices;
    members = smaller_of_doubles(step / (double)l->slices / MEMBER_WORK, members);
    members = gru_min(members, gru_min(l->triples, GRU_MOST_MEMBERS));
    l->members = members && l->slices <= GRU_MOST_GANGS ? members : 1;
}

static void layout_packed_weights(const gru_problem *p, gru_plan *l) {
    gru_arena r = { gru_itemsize(p->dtype), 0, 0 };
    const size_t width = 3 * l->lanes;
    l->bias = gru_take(&r, l->panels, 4, l->lanes);
    l->w_lines = gru_reduced_triple_lines(l->reduced, p->input);
    l->u_lines = gru_reduced_triple_lines(l->reduced, p->units);
    l->w = gru_take(&r, l->panels, l->w_lines, width);
    l->u = gru_take(&r, l->panels, l->u_lines, width);
    l->packed_bytes = r.bytes;
    l->overflow |= r.overflow;
}

static void layout_tape(const gru_problem *p, gru_plan *l) {
    gru_arena r = { gru_itemsize(p->dtype), 64, 0 }; /* a line that says how it is laid out */
    size_t states = 0;
    r.overflow |= __builtin_add_overflow(p->time, (size_t)1, &states);
    l->tape_states = gru_take(&r, states, p->batch, l->state_row);
    l->tape_gates = gru_take(&r, p->time, p->batch, l->panels * 4 * l->lanes);
    l->tape_rh = p->reset_after ? 0 : gru_take(&r, p->time, p->batch, l->state_row);
    l->tape_masked = p->masks_state ? gru_take(&r, states, p->batch, l->state_row) : 0;
    l->overflow |= r.overflow | __builtin_add_overflow(r.bytes, (size_t)64, &l->tape_bytes);
}

/* Lanes as sequences: slices of one or two vectors, as many as there are threads to feed. */
static void cut_lanes(const gru_problem *p, gru_plan *l) {
    const size_t vectors = gru_divide_up(p->batch, l->lanes);
    const size_t threads = gru_min((size_t)l->threads, vectors ? vectors : 1);
    size_t slices = gru_divide_up(vectors, 2);
    slices = gru_divide_up(slices ? slices : 1, threads) * threads;
    l->slices = gru_min(slices, vectors ? vectors : 1);
    l->members = 1;
    l->lane_vectors = gru_divide_up(vectors, l->slices);
}

static void layout_lanes(const gru_problem *p, gru_plan *l, gru_arena *r) {
    const size_t width = l->lane_vectors * l->lanes;
    l->lane_bias = gru_take(r, 4, p->units, l->lanes);
    gru_arena one = { r->itemsize, 0, r->overflow };
    l->lane_x = gru_take(&one, p->input, width, 1);
    l->lane_gates = gru_take(&one, 4, p->units, width);
    l->lane_h = gru_take(&one, 2, p->units, width);
    l->lane_bytes = one.bytes;
    l->lane_slice = r->bytes;
    size_t all = 0;
    r->overflow |= one.overflow | __builtin_mul_overflow(one.bytes, l->slices, &all) |
                   __builtin_add_overflow(r->bytes, all, &r->bytes);
}

/* Do fewer lanes stay empty with sequences in them than with units? For small H only: the gates of
 * all units of a slice should stay in L1, and weights are read where they are. */
static int better_by_lanes(const gru_problem *p, const gru_plan *l) {
    const double units = (double)(l->panels * l->lanes) / (double)p->units;
    const double sequences =
        (double)(gru_divide_up(p->batch, l->lanes) * l->lanes) / (double)(p->batch ? p->batch : 1);
    return p->reset_after && !gru_kind_of(p) && p->units <= LANES_UNITS && sequences < units;
}

/* Would packing the weights take longer than the rest? */
static int better_by_rows(const gru_problem *p, const gru_plan *l) {
    const double weights = 3.0 * (double)p->units * ((double)p->input + (double)p->units);
    return p->reset_after && !gru_kind_of(p) && !l->reduced && !p->weights_are_packed &&
           p->units >= l->lanes && weights >= ROWS_WEIGHTS && p->time &&
           p->batch <= FEW_ROWS / p->time;
}

static void layout_rows(const gru_problem *p, gru_plan *l, gru_arena *r) {
    l->row_bias = gru_take(r, 4, l->state_row, 1);
    l->row_scratch = gru_take(r, GRU_ROW_SCRATCH, l->state_row, 1);
    l->states = gru_take(r, 2, p->batch, l->state_row);
    l->gates = gru_take(r, p->time, p->batch, 4 * l->state_row);
}

static void layout_forward(const gru_problem *p, gru_plan *l, gru_arena *r, gru_pass pass) {
    if (l->by_rows) {
        layout_rows(p, l, r);
        return;
    }
    if (l->by_lanes) {
        layout_lanes(p, l, r);
        return;
    }
    l->packed = pass == GRU_FORWARD_STEP ? 0 : gru_take_bytes(r, l->packed_bytes);
    l->mask = p->masks_state ? gru_take(r, p->batch, l->state_row, 1) : 0;
    l->keeps = p->kind.zoneout > 0 ? gru_take(r, p->batch, l->state_row, 1) : 0;
    if (pass == GRU_FORWARD_TAPE) {
        return;
    }
    l->states = gru_take(r, 2, p->batch, l->state_row);
    l->masked = p->masks_state ? gru_take(r, 2, p->batch, l->state_row) : 0;
    l->gates = gru_take(r, l->chunk_steps, p->batch, l->panels * 4 * l->lanes);
    l->rh = p->reset_after ? 0 : gru_take(r, 1, p->batch, l->state_row);
    if (l->reduced) {
        const size_t x = gru_operand_row(l->reduced, p->input);
        const size_t h = gru_operand_row(l->reduced, p->units);
        r->overflow |= __builtin_mul_overflow(l->chunk_steps, x, &l->operands_of_row);
        l->operands_of_row = h > l->operands_of_row ? h : l->operands_of_row;
        l->operands = gru_take(r, l->members, p->batch, l->operands_of_row);
    }
}

static void layout_backward(const gru_problem *p, gru_plan *l, gru_arena *r, int keep) {
    const size_t width = 3 * l->lanes, input = gru_divide_up(p->input, width); /* triples */
    l->wt = gru_take(r, input, 3 * p->units, width);
    l->ut = gru_take(r, l->triples, 3 * p->units, width);
    l->dh = gru_take(r, p->batch, l->state_row, 1);
    l->rh = p->reset_after ? 0 : gru_take(r, p->batch, l->state_row, 1);
    l->mask = p->masks_state ? gru_take(r, p->batch, l->state_row, 1) : 0;
    l->masked = p->masks_state ? gru_take(r, p->batch, l->state_row, 1) : 0;
    l->gates = keep ? gru_take(r, p->time, p->batch, l->panels * 4 * l->lanes) : 0;
    /* of each thread: a weight's gradient, a bias's, or the inputs' gradients of a slice */
    gru_arena one = { r->itemsize, 0, r->overflow };
    const size_t rows = gru_min(p->batch, SLICE_ROWS_AT_MOST) * l->chunk_steps;
    gru_take(&one, GRADIENT_ROWS, width, 1); /* of a weight, at the beginning */
    l->scratch_bias = gru_take(&one, 4, l->lanes, 1);
    l->scratch_d_x = gru_take(&one, rows, input, width);
    l->scratch_bytes = one.bytes;
    l->scratch = gru_take_bytes(r, 0);
    size_t all = 0;
    r->overflow |= one.overflow | __builtin_mul_overflow(one.bytes, (size_t)l->threads, &all) |
                   __builtin_add_overflow(r->bytes, all, &r->bytes);
}

gru_status gru_plan_of(const gru_problem *p, gru_pass pass, gru_plan *l) {
    memset(l, 0, sizeof *l);
    l->lanes = gru_active_lanes(p->dtype);
    l->reduced = gru_active_reduced(p->weights_format);
    l->panels = gru_divide_up(p->units, l->lanes);
    l->triples = gru_divide_up(l->panels, 3);
    const size_t last = p->units % l->lanes; /* units of the last panel */
    if (!l->reduced && p->reset_after && p->units <= GRU_K_BLOCK && last && last <= l->lanes / 3) {
        l->narrow = l->lanes / 3; /* one block of k: the sums have the same bits */
    }
    l->gradient_rows = GRADIENT_ROWS;
    l->d_x_rows = SLICE_ROWS_AT_MOST;
    l->state_row = l->panels * l->lanes;
    const size_t itemsize = gru_itemsize(p->dtype);
    if (l->state_row * itemsize % 1024 == 0) {
        /* rows a power of two apart would share a few sets of the cache */
        l->state_row += l->lanes;
    }
    const double step_bytes = (double)p->batch * (double)(l->panels * 4 * l->lanes * itemsize);
    size_t steps = p->batch ? gru_divide_up(CHUNK_ROWS, p->batch) : 1;
    const size_t fit = smaller_of_doubles(CHUNK_BYTES / (step_bytes + 1), p->time);
    steps = gru_min(fit > steps ? fit : steps, p->time);
    l->chunk_steps = steps ? steps : 1;
    l->chunks = gru_divide_up(p->time, l->chunk_steps);
    cut(p, l);
    l->by_rows = pass == GRU_FORWARD && better_by_rows(p, l);
    l->by_lanes = pass == GRU_FORWARD && !l->by_rows && !l->reduced && better_by_lanes(p, l);
    if (l->by_lanes) {
        cut_lanes(p, l);
    }
    layout_packed_weights(p, l);
    layout_tape(p, l);
    gru_arena r = { itemsize, 0, 0 };
    l->zeros = gru_take(&r, l->lanes, 1, 1);
    if (pass == GRU_BACKWARD || pass == GRU_BACKWARD_KEEP) {
        layout_backward(p, l, &r, pass == GRU_BACKWARD_KEEP);
    } else {
        layout_forward(p, l, &r, pass);
    }
    l->overflow |= r.overflow | __builtin_add_overflow(r.bytes, (size_t)64, &l->workspace_bytes);
    return l->overflow ? GRU_TOO_LARGE : GRU_OK;
}
