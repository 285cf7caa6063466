/* Entry point of forward passes: a stack of layers over whole sequences. */
#include "api/layers.h"
#include "common/cells.h"

/* The places of a call's arrays. `between` hold the outputs of layers that are not the last, in
 * turn; `state` the last states that are not an output. In training the outputs and the layers'
 * tapes lie on the tape; `layer_tape` is that of the current layer. */
typedef struct places {
    char *between[2], *state, *tape, *layer_tape, *rest;
    size_t rest_bytes;
    const gru_place *on_tape;
} places;

/* The output of the layers so far: (B, time, width). */
typedef struct sequences {
    gru_sequence_in x;
    size_t time, width;
} sequences;

/* Set the places of the arrays in a workspace of `bytes`; set `needed` to the bytes without the
 * `rest`. */
static gru_status lay_out(const gru_layer *layers, size_t count, const gru_layers_args *args,
    size_t bytes, places *to, size_t *needed) {
    gru_arena arena = { gru_itemsize(layers[0].problem.dtype), 0, 0 };
    size_t time = args->time, widest = 0, most_units = 0, tape_bytes;
    for (size_t i = 0; i < count; i++) {
        size_t row;
        time = gru_time_behind(&layers[i], time);
        arena.overflow |= __builtin_mul_overflow(time, layers[i].problem.units, &row);
        widest = i + 1 < count && row > widest ? row : widest;
        const size_t states = layers[i].dense ? 1 : gru_states_of(layers[i].problem.cell);
        const size_t units = states * layers[i].problem.units;
        most_units = units > most_units ? units : most_units;
    }
    widest = args->tape ? 0 : widest;
    const size_t first = gru_take(&arena, args->batch, widest, 1);
    const size_t second = gru_take(&arena, args->batch, count > 2 ? widest : 0, 1);
    const size_t state = gru_take(&arena, args->batch, most_units, 1);
    const size_t on_tape = gru_take_bytes(&arena, args->tape ? count * sizeof(gru_place) : 0);
    arena.overflow |= __builtin_add_overflow(arena.bytes, (size_t)GRU_CACHE_LINE, needed);
    if (arena.overflow || bytes < *needed) {
        return arena.overflow ? GRU_TOO_LARGE : GRU_SMALL_WORKSPACE;
    }
    char *begin = gru_align(args->workspace);
    *to = (places){ { begin + first, begin + second }, begin + state, gru_align(args->tape), NULL,
        begin + arena.bytes, bytes - *needed, (gru_place *)(begin + on_tape) };
    return args->tape ? gru_places_on_tape(
                            layers, count, args, (gru_place *)(begin + on_tape), &tape_bytes)
                      : GRU_OK;
}

static gru_status run_dense(
    const gru_layer *layer, const sequences *before, const places *to, void *y, size_t *needed) {
    gru_matmul_args product = gru_dense_product(layer);
    const gru_status status = gru_matmul_bytes(&product, needed);
    if (status != GRU_OK || *needed > to->rest_bytes) {
        return status == GRU_OK ? GRU_SMALL_WORKSPACE : status;
    }
    product.workspace = to->rest;
    product.c = y;
    return gru_dense_forward(layer, &product, before->x.data, before->width);
}

static gru_status run_cell(
    const gru_layer *layer, const sequences *before, const places *to, void *y, size_t *needed) {
    const gru_problem *problem = &layer->problem;
    const size_t T = problem->time, H = problem->units;
    const int last_step = layer->last_step || T == 1;
    const size_t states = gru_states_of(problem->cell);
    const gru_forward_args args = {
        .weights = layer->weights,
        .packed = layer->packed,
        .x = gru_in_order(layer, before->x),
        .output = { last_step ? NULL : y, (ptrdiff_t)(T * H), (ptrdiff_t)H },
        .state = last_step && states == 1 ? y : to->state,
        .tape = to->layer_tape,
        .workspace = to->rest,
    };
    const gru_status status = gru_forward_within(problem, &args, to->rest_bytes, needed);
    const size_t row = H * gru_itemsize(problem->dtype);
    for (size_t i = 0; status == GRU_OK && last_step && states > 1 && i < problem->batch; i++) {
        memcpy((char *)y + i * row, to->state + i * states * row, row); /* h, without c */
    }
    return status;
}

/* Return the place of a layer's output. */
static void *output_of(size_t number, size_t count, const gru_layers_args *args, const places *to) {
    if (number + 1 == count) {
        return args->output;
    }
    return to->tape ? to->tape + to->on_tape[number].output : to->between[number % 2];
}

gru_status gru_layers_forward(const gru_layer *layers, size_t count, const gru_layers_args *args,
    size_t bytes, size_t *needed) {
    places to;
    *needed = 0;
    gru_status status = gru_check_layers(layers, count, args);
    status = status == GRU_OK ? lay_out(layers, count, args, bytes, &to, needed) : status;
    if (status != GRU_OK) {
        return status;
    }
    const size_t before_rest = *needed;
    sequences x = { args->x, args->time, layers[0].problem.input };
    for (size_t i = 0; i < count; i++) {
        const gru_layer layer = gru_layer_at(&layers[i], args, x.time);
        void *y = output_of(i, count, args, &to);
        size_t rest;
        to.layer_tape = to.tape ? to.tape + to.on_tape[i].tape : NULL;
        status = (layer.dense ? run_dense : run_cell)(&layer, &x, &to, y, &rest);
        if (status != GRU_OK) {
            const int overflow = __builtin_add_overflow(before_rest, rest, needed);
            return overflow ? GRU_TOO_LARGE : status;
        }
        x.time = gru_time_behind(&layer, x.time);
        x.width = layer.problem.units;
        x.x = (gru_sequence_in){ y, (ptrdiff_t)(x.time * x.width), (ptrdiff_t)x.width };
    }
    return GRU_OK;
}
