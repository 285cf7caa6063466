/* How the BLAS engine cuts a problem into slices and chunks, and where the arrays of a pass lie in its
 * workspace and tape. Every product of sizes is checked: one that size_t cannot hold is GRU_TOO_LARGE. */
#include <limits.h>

#include "blas/plan.h"
#include "common/memory.h"

enum {
    /* Rows of a slice at the most. More make better matmuls until a step's arrays leave L2 (I = H =
     * 256, AVX-512 BLAS: 114 GFLOP/s with 16 rows, 139 with 32, 111 with 64), fewer make more
     * slices: a batch of up to 32 still feeds two threads. Must not depend on the number of
     * threads: weight gradients are summed slice by slice. */
    SLICE_ROWS = 32,
    SMALL_BATCH_SLICE_ROWS = 16,
    /* Multiply-adds below which waking a thread costs more than it brings: some 0.15 ms of work. A
     * thread that sleeps is awake after 0.05 to 0.1 ms, beside a busy program much later. */
    SERIAL_WORK = 4 * 1000 * 1000,
    /* OpenMP ends the process when the system does not give it the threads that it asks for. */
    MOST_THREADS = 1024,
    /* Elements of x W made at a time: they stay in L2 until the steps have read them ... */
    CHUNK_ELEMENTS = 128 * 1024,
    /* ... but a matmul of fewer rows than this spends its time packing W. */
    CHUNK_ROWS = 128
};

static void layout_forward(const gru_problem *p, gru_layout *l, gru_arena *r) {
    const size_t S = l->slice_rows, K = l->chunk_steps, H = p->units;
    l->x = gru_take(r, K, S, p->input);
    l->gates = gru_take(r, K, S, 3 * H);
    l->hu = gru_take(r, S, 3, H);
    l->cell = gru_take(r, S, 4, H);
    l->h = gru_take(r, S, H, 1);
    l->masked = p->masks_state ? gru_take(r, S, H, 1) : 0;
    l->keeps = p->kind.zoneout > 0 ? gru_take(r, S, H, 1) : 0;
}

static void layout_backward(const gru_problem *p, gru_layout *l, gru_arena *r) {
    const size_t S = l->slice_rows, K = l->chunk_steps, H = p->units;
    l->x = gru_take(r, K, S, p->input);
    l->gates = gru_take(r, K, S, 4 * H);
    l->h = gru_take(r, S, H, 1);
    l->rh = gru_take(r, S, H, 1);
    l->masked = p->masks_state ? gru_take(r, S, H, 1) : 0;
    l->d_x = gru_take(r, K, S, p->input);
    l->d_kernel = gru_take(r, p->input, 3, H);
    l->d_recurrent_kernel = gru_take(r, H, 3, H);
    l->d_bias = gru_take(r, 4, H, 1);
}

/* Multiply-adds of a forward pass, as a double: only a rough size is wanted. */
static double work_of(const gru_problem *p) {
    return 3.0 * (double)p->batch * (double)p->time * (double)p->units *
           (double)(p->input + p->units);
}

static void cut(const gru_problem *p, gru_layout *l) {
    const size_t limit = p->batch > SLICE_ROWS ? SLICE_ROWS : SMALL_BATCH_SLICE_ROWS;
    l->slices = gru_divide_up(p->batch, limit);
    l->slice_rows = l->slices ? gru_divide_up(p->batch, l->slices) : 1; /* of about one length */
    size_t rows = CHUNK_ELEMENTS / (3 * p->units);
    rows = rows < CHUNK_ROWS ? CHUNK_ROWS : rows;
    const size_t steps = rows / l->slice_rows;
    l->chunk_steps = gru_min(steps ? steps : 1, p->time);
    const size_t threads = work_of(p) < SERIAL_WORK ? 1 : gru_min((size_t)p->threads, MOST_THREADS);
    l->threads = (int)gru_min(threads, l->slices ? l->slices : 1);
}

static void layout_tape(const gru_problem *p, gru_layout *l, gru_arena *r) {
    size_t states = 0;
    r->overflow |= __builtin_add_overflow(p->time, (size_t)1, &states);
    gru_take(r, states, p->batch, p->units);
    l->tape_gates = r->bytes;
    gru_take(r, p->time, p->batch, 4 * p->units);
    l->tape_masked = p->masks_state ? gru_take(r, states, p->batch, p->units) : 0;
    l->tape_bytes = r->bytes;
}

gru_status gru_layout_of(const gru_problem *p, gru_pass pass, gru_layout *l) {
    if (p->units > INT_MAX / 4 || p->input > INT_MAX) {
        return GRU_BLAS_LIMIT;
    }
    memset(l, 0, sizeof *l);
    cut(p, l);
    gru_arena shared = { gru_itemsize(p->dtype), 0, 0 };
    l->bias = gru_take(&shared, 4, p->units, 1);
    l->threads_at = shared.bytes;
    gru_arena thread = { gru_itemsize(p->dtype), 0, 0 };
    (pass == GRU_FORWARD || pass == GRU_FORWARD_TAPE ? layout_forward : layout_backward)(
        p, l, &thread);
    l->thread_bytes = thread.bytes;
    gru_arena tape = { gru_itemsize(p->dtype), 0, 0 };
    layout_tape(p, l, &tape);

    size_t bytes = 0;
    int overflow = shared.overflow | thread.overflow | tape.overflow;
    overflow |= __builtin_mul_overflow(thread.bytes, (size_t)l->threads, &bytes);
    overflow |= __builtin_add_overflow(bytes, l->threads_at, &bytes);
    overflow |= __builtin_add_overflow(bytes, (size_t)(GRU_CACHE_LINE - 1), &l->workspace_bytes);
    return overflow ? GRU_TOO_LARGE : GRU_OK;
}
