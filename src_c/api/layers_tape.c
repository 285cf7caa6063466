/* What passes of a stack of layers share: checks, and the tape of training. */
#include "api/layers.h"

gru_layer gru_layer_at(const gru_layer *of, const gru_layers_args *args, size_t time) {
    gru_layer layer = *of;
    layer.problem.batch = args->batch;
    layer.problem.time = time;
    layer.problem.threads = args->threads;
    layer.problem.weights_are_packed = !args->tape;
    if (args->tape) {
        layer.packed = NULL;
    }
    return layer;
}

size_t gru_time_behind(const gru_layer *layer, size_t time) {
    return !layer->dense && layer->last_step ? 1 : time;
}

gru_sequence_in gru_in_order(const gru_layer *layer, gru_sequence_in x) {
    const size_t T = layer->problem.time;
    if (layer->backwards && T && x.data) {
        const ptrdiff_t last = (ptrdiff_t)(T - 1) * x.stride_time;
        x.data = (const char *)x.data + last * (ptrdiff_t)gru_itemsize(layer->problem.dtype);
        x.stride_time = -x.stride_time;
    }
    return x;
}

/* Return 1 if a layer has the weights that the pass reads. */
static int has_weights(const gru_layer *layer, const gru_layers_args *args) {
    if (!layer->dense) {
        return !gru_weights_missing(&layer->problem, &layer->weights) &&
               (args->tape || layer->packed);
    }
    return args->tape ? layer->weights.kernel || !layer->problem.input : layer->packed != NULL;
}

gru_status gru_check_layers(const gru_layer *layers, size_t count, const gru_layers_args *args) {
    size_t time = args->time;
    for (size_t i = 0; i < count; i++) {
        const gru_layer layer = gru_layer_at(&layers[i], args, time);
        const gru_problem *before = &layers[i ? i - 1 : 0].problem;
        const gru_status status = gru_check_layer(&layer);
        if (status != GRU_OK) {
            return status;
        }
        const int linear = layer.problem.kind.activation.function == GRU_LINEAR;
        if (!has_weights(&layer, args) || layer.problem.dtype != before->dtype ||
            layer.problem.engine != GRU_ENGINE_PACKED ||
            (i && layer.problem.input != before->units) || (args->tape && layer.dense && !linear)) {
            return GRU_BAD_ARGUMENT;
        }
        time = gru_time_behind(&layer, time);
    }
    return count ? GRU_OK : GRU_BAD_ARGUMENT;
}

gru_status gru_places_on_tape(const gru_layer *layers, size_t count, const gru_layers_args *args,
    gru_place *on_tape, size_t *bytes) {
    gru_arena arena = { gru_itemsize(layers[0].problem.dtype), 0, 0 };
    size_t time = args->time;
    for (size_t i = 0; i < count; i++) {
        const gru_layer layer = gru_layer_at(&layers[i], args, time);
        const size_t time_behind = gru_time_behind(&layer, time);
        size_t tape_bytes = 0;
        const gru_status status =
            layer.dense ? GRU_OK : gru_tape_bytes(&layer.problem, &tape_bytes);
        if (status != GRU_OK) {
            return status;
        }
        const size_t tape = gru_take_bytes(&arena, tape_bytes);
        const size_t units = i + 1 < count ? layer.problem.units : 0;
        const size_t output = gru_take(&arena, args->batch, time_behind, units);
        if (on_tape) {
            on_tape[i] = (gru_place){ time, output, tape };
        }
        time = time_behind;
    }
    arena.overflow |= __builtin_add_overflow(arena.bytes, (size_t)GRU_CACHE_LINE, bytes);
    return arena.overflow ? GRU_TOO_LARGE : GRU_OK;
}

gru_status gru_layers_tape_bytes(
    const gru_layer *layers, size_t count, const gru_layers_args *args, size_t *bytes) {
    *bytes = 0;
    const gru_status status = gru_check_layers(layers, count, args);
    return status == GRU_OK ? gru_places_on_tape(layers, count, args, NULL, bytes) : status;
}
