/* Entry points for batches in which not every step counts: the numbers of the steps, and the moves
 * of rows between a batch and the order in which its steps are computed. */
#include "common/memory.h"
#include "common/threads.h"

enum {
    TASK_BYTES = 32 * 1024, /* that a task moves */
    SERIAL_TASKS = 4        /* up to so many tasks are done before another thread wakes up */
};

/* Return 1 if all steps have numbers below N. */
static int have_numbers(const gru_order_args *args) {
    for (size_t b = 0; b < args->batch; b++) {
        size_t steps = 0;
        for (size_t t = 0; t < args->time; t++) {
            steps += args->counts[b * args->time + t];
        }
        if (steps > args->longest) {
            return 0;
        }
        for (size_t k = 0; k < steps; k++) {
            size_t number = 0; /* a sum that overflows is not below N */
            if (__builtin_add_overflow(args->begins[k], args->ranks[b], &number) ||
                number >= args->count) {
                return 0;
            }
        }
    }
    return 1;
}

gru_status gru_order_steps(const gru_order_args *args) {
    const size_t T = args->time;
    if (!have_numbers(args)) {
        return GRU_BAD_ARGUMENT;
    }
    memset(args->places, -1, args->count * sizeof *args->places);
    for (size_t b = 0; b < args->batch; b++) {
        ptrdiff_t last = -1;
        size_t step = 0;
        for (size_t place = b * T; place < (b + 1) * T; place++) {
            ptrdiff_t number = -1;
            if (args->counts[place]) {
                number = args->begins[step++] + args->ranks[b];
                args->places[number] = (ptrdiff_t)place;
                last = number;
            }
            args->numbers[place] = number;
            if (args->shown) {
                args->shown[place] = last;
            }
        }
    }
    return GRU_OK;
}

/* ---- moves -------------------------------------------------------------------------------- */

typedef struct take_context {
    const gru_take_args *args;
    size_t task_rows;
} take_context;

/* Return a / b, by the division of 32-bit numbers where it suffices: the other one may take 40
 * cycles. */
static size_t divide(size_t a, size_t b) {
    return (a | b) <= UINT32_MAX ? (uint32_t)a / (uint32_t)b : a / b;
}

/* Return the bytes from the first row of a sequence to the row at a place. */
static ptrdiff_t offset_of(size_t place, size_t time, ptrdiff_t batch_bytes, ptrdiff_t time_bytes) {
    const size_t b = divide(place, time);
    return (ptrdiff_t)b * batch_bytes + (ptrdiff_t)(place - b * time) * time_bytes;
}

/* Return the number of rows behind a place that are added to its row. */
static size_t rows_behind(const gru_take_args *args, size_t place) {
    const size_t rest =
        args->from_time - 1 - (place - divide(place, args->from_time) * args->from_time);
    size_t count = 0;
    while (count < rest && args->numbers[place + 1 + count] < 0) {
        count++;
    }
    return count;
}

#define REAL_BITS 32
#include "common/dtype.h"
#include "api/row_sums.inc"
#undef REAL_BITS
#define REAL_BITS 64
#include "common/dtype.h"
#include "api/row_sums.inc"
#undef REAL_BITS

static void take_task(void *shared, size_t task, int member) {
    const take_context *context = shared;
    const gru_take_args *args = context->args;
    const ptrdiff_t itemsize = (ptrdiff_t)gru_itemsize(args->dtype);
    const gru_sequence_in from = args->from;
    const gru_sequence_out to = args->to;
    const size_t bytes = args->width * (size_t)itemsize,
                 places = args->from_batch * args->from_time;
    const size_t first = task * context->task_rows;
    const size_t last = gru_min(first + context->task_rows, args->to_batch * args->to_time);
    (void)member;
    for (size_t row = first; row < last; row++) {
        const size_t place = (size_t)args->index[row];
        char *out = (char *)to.data + offset_of(row, args->to_time, to.stride_batch * itemsize,
                                          to.stride_time * itemsize);
        if (place >= places) {
            memset(out, 0, bytes);
            continue;
        }
        const char *in = (const char *)from.data + offset_of(place, args->from_time,
                                                       from.stride_batch * itemsize,
                                                       from.stride_time * itemsize);
        memcpy(out, in, bytes);
        const size_t behind = args->numbers ? rows_behind(args, place) : 0;
        if (behind) {
            BY_DTYPE(args->dtype, add_rows)
            (behind, args->width, in + from.stride_time * itemsize, from.stride_time, out);
        }
    }
}

gru_status gru_take_steps(const gru_take_args *args) {
    const size_t rows = args->to_batch * args->to_time;
    const size_t bytes = args->width * gru_itemsize(args->dtype);
    if ((args->dtype != GRU_F32 && args->dtype != GRU_F64) || args->threads < 1) {
        return GRU_BAD_ARGUMENT;
    }
    if (!rows || !bytes) {
        return GRU_OK;
    }
    take_context context = { args, gru_divide_up(TASK_BYTES, bytes) };
    const size_t tasks = gru_divide_up(rows, context.task_rows);
    gru_run_tasks(tasks > SERIAL_TASKS ? args->threads : 1, tasks, take_task, &context);
    return GRU_OK;
}
