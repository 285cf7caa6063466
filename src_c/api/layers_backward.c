/* Entry point of backward passes: the gradients of a stack of layers, from the last to the first. */
#include "api/layers.h"
#include "common/cells.h"

/* The places of a call's arrays in the workspace: the gradients of the layers' inputs, in turn, and
 * that of the last states of a layer that has more states than its output. */
typedef struct places {
    size_t between[2], d_state, on_tape, rest, bytes;
} places;

/* A layer on the way back: its number and its arrays. */
typedef struct step_back {
    gru_layer layer;
    gru_sequence_in x;
    const void *d_output;
    void *d_x;
    const gru_layer_gradients *gradients;
    char *tape, *d_state, *rest;
    int keep_tape;
} step_back;

/* The products of a dense layer, each without workspace. */
static gru_matmul_args product_of_kernel(const step_back *at) {
    const gru_problem *problem = &at->layer.problem;
    const size_t I = problem->input, H = problem->units;
    return (gru_matmul_args){ .dtype = problem->dtype,
        .m = I,
        .n = H,
        .k = problem->batch * problem->time,
        .a = { at->x.data, I, 1 },
        .b = { at->d_output, H, 0 },
        .c = at->gradients ? at->gradients->kernel : NULL,
        .threads = problem->threads };
}

static gru_matmul_args product_of_input(const step_back *at) {
    const gru_problem *problem = &at->layer.problem;
    const size_t I = problem->input, H = problem->units;
    return (gru_matmul_args){ .dtype = problem->dtype,
        .m = problem->batch * problem->time,
        .n = I,
        .k = H,
        .a = { at->d_output, H, 0 },
        .b = { at->layer.weights.kernel, H, 1 },
        .c = at->d_x,
        .threads = problem->threads };
}

/* Set `bytes` to the workspace of one layer. */
static gru_status bytes_of_layer(const step_back *at, size_t *bytes) {
    if (!at->layer.dense) {
        return gru_workspace_bytes(
            &at->layer.problem, at->keep_tape ? GRU_BACKWARD_KEEP : GRU_BACKWARD, bytes);
    }
    const gru_matmul_args kernel = product_of_kernel(at), input = product_of_input(at);
    size_t of_kernel, of_input;
    gru_status status = gru_matmul_bytes(&kernel, &of_kernel);
    status = status == GRU_OK ? gru_matmul_bytes(&input, &of_input) : status;
    *bytes = status != GRU_OK ? 0 : of_kernel > of_input ? of_kernel : of_input;
    return status;
}

/* Return the elements, for each row, of the gradient of the last states; 0 if the gradient of the
 * output is that. */
static size_t width_of_states(const gru_layer *layer) {
    const size_t states = layer->dense ? 1 : gru_states_of(layer->problem.cell);
    return layer->last_step && states > 1 ? states * layer->problem.units : 0;
}

static gru_status lay_out(
    const gru_layer *layers, size_t count, const gru_layers_backward_args *args, places *to) {
    const gru_layers_args *forward = &args->forward;
    gru_arena arena = { gru_itemsize(layers[0].problem.dtype), 0, 0 };
    size_t time = forward->time, widest = 0, widest_states = 0, most = 0;
    for (size_t i = 0; i < count; i++) {
        const step_back at = { .layer = gru_layer_at(&layers[i], forward, time),
            .keep_tape = args->keep_tape };
        size_t row, bytes = 0;
        const gru_status status = i < args->first ? GRU_OK : bytes_of_layer(&at, &bytes);
        if (status != GRU_OK) {
            return status;
        }
        arena.overflow |= __builtin_mul_overflow(time, layers[i].problem.input, &row);
        widest = i > args->first && row > widest ? row : widest;
        const size_t of_states = width_of_states(&layers[i]);
        widest_states = of_states > widest_states ? of_states : widest_states;
        most = bytes > most ? bytes : most;
        time = gru_time_behind(&layers[i], time);
    }
    to->between[0] = gru_take(&arena, forward->batch, widest, 1);
    to->between[1] = gru_take(&arena, forward->batch, widest, 1);
    to->d_state = gru_take(&arena, forward->batch, widest_states, 1);
    to->on_tape = gru_take_bytes(&arena, count * sizeof(gru_place));
    to->rest = gru_take_bytes(&arena, most);
    arena.overflow |= __builtin_add_overflow(arena.bytes, (size_t)GRU_CACHE_LINE, &to->bytes);
    return arena.overflow ? GRU_TOO_LARGE : GRU_OK;
}

static gru_status back_through_dense(const step_back *at) {
    const gru_problem *problem = &at->layer.problem;
    gru_matmul_args kernel = product_of_kernel(at), input = product_of_input(at);
    kernel.workspace = input.workspace = at->rest;
    gru_status status = gru_matmul(&kernel);
    if (status == GRU_OK && at->gradients->bias) {
        status = gru_column_sums(
            problem->dtype, kernel.k, problem->units, at->d_output, at->gradients->bias, 0);
    }
    return status == GRU_OK && at->d_x ? gru_matmul(&input) : status;
}

/* Return the gradient of the last states (B, S, H), given that of a last h (B, H): zeros but for h.
 * It is built in the workspace unless h is the only state. */
static const void *gradient_of_last(const step_back *at) {
    const size_t width = width_of_states(&at->layer), B = at->layer.problem.batch;
    const size_t itemsize = gru_itemsize(at->layer.problem.dtype);
    const size_t row = at->layer.problem.units * itemsize;
    if (!width) {
        return at->d_output;
    }
    memset(at->d_state, 0, B * width * itemsize);
    for (size_t b = 0; b < B; b++) {
        memcpy(at->d_state + b * width * itemsize, (const char *)at->d_output + b * row, row);
    }
    return at->d_state;
}

static gru_status back_through_cell(const step_back *at) {
    const gru_problem *problem = &at->layer.problem;
    const ptrdiff_t T = (ptrdiff_t)problem->time, I = (ptrdiff_t)problem->input,
                    H = (ptrdiff_t)problem->units;
    const gru_sequence_in d_x = gru_in_order(&at->layer, (gru_sequence_in){ at->d_x, T * I, I });
    const int last_step = at->layer.last_step;
    const gru_backward_args args = {
        .weights = at->layer.weights,
        .x = gru_in_order(&at->layer, at->x),
        .tape = at->tape,
        .keep_tape = at->keep_tape,
        .d_output = { last_step ? NULL : at->d_output, T * H, H },
        .d_state = last_step ? gradient_of_last(at) : NULL,
        .d_x = { (void *)d_x.data, d_x.stride_batch, d_x.stride_time },
        .d_kernel = at->gradients->kernel,
        .d_recurrent_kernel = at->gradients->recurrent_kernel,
        .d_bias = at->gradients->bias,
        .workspace = at->rest,
    };
    return gru_backward(problem, &args);
}

static gru_status check(
    const gru_layer *layers, size_t count, const gru_layers_backward_args *args) {
    const gru_status status = gru_check_layers(layers, count, &args->forward);
    const int ok = args->forward.tape && args->first < count && !(args->first && args->d_x);
    return status == GRU_OK && !ok ? GRU_BAD_ARGUMENT : status;
}

gru_status gru_layers_backward_bytes(
    const gru_layer *layers, size_t count, const gru_layers_backward_args *args, size_t *bytes) {
    places to = { .bytes = 0 };
    gru_status status = check(layers, count, args);
    status = status == GRU_OK ? lay_out(layers, count, args, &to) : status;
    *bytes = status == GRU_OK ? to.bytes : 0;
    return status;
}

gru_status gru_layers_backward(
    const gru_layer *layers, size_t count, const gru_layers_backward_args *args) {
    const gru_layers_args *forward = &args->forward;
    size_t bytes;
    places to;
    gru_status status = check(layers, count, args);
    status = status == GRU_OK ? lay_out(layers, count, args, &to) : status;
    if (status != GRU_OK || !args->workspace || !args->d_output || !args->gradients) {
        return status == GRU_OK ? GRU_BAD_ARGUMENT : status;
    }
    char *begin = gru_align(args->workspace), *tape = gru_align(forward->tape);
    gru_place *on_tape = (gru_place *)(begin + to.on_tape);
    status = gru_places_on_tape(layers, count, forward, on_tape, &bytes);
    const void *d_output = args->d_output;
    for (size_t i = count; status == GRU_OK && i-- > args->first;) {
        const ptrdiff_t I = (ptrdiff_t)layers[i].problem.input;
        step_back at = { .layer = gru_layer_at(&layers[i], forward, on_tape[i].time),
            .x = forward->x,
            .d_output = d_output,
            .d_x = i > args->first ? begin + to.between[i % 2] : args->d_x,
            .gradients = &args->gradients[i],
            .tape = tape + on_tape[i].tape,
            .d_state = begin + to.d_state,
            .rest = begin + to.rest,
            .keep_tape = args->keep_tape };
        if (i) {
            at.x = (gru_sequence_in){ tape + on_tape[i - 1].output, (ptrdiff_t)on_tape[i].time * I,
                I };
        }
        status = (at.layer.dense ? back_through_dense : back_through_cell)(&at);
        d_output = at.d_x;
    }
    return status;
}
