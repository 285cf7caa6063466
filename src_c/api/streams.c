/* Entry points of streams: a stack of layers that takes one time step after the other. */
#include "api/layers.h"
#include "packed/plan.h"

/* A layer and the places of its arrays. */
typedef struct stage {
    gru_layer layer;
    char *memory; /* a recurrent layer's stepper, or the workspace of a dense layer's matmul */
    /* of a dense layer only */
    gru_matmul_args product;
    char *output; /* (B, H) */
} stage;

typedef struct stream {
    size_t count;
    const void *kernels; /* identify the instruction set that the stream was laid out for */
    stage stages[];
} stream;

static const void *active_kernels(void) {
    return gru_active_kernels_f32();
}

/* ---- checks ------------------------------------------------------------------------------- */

/* Return GRU_OK if the layers are valid and each one's input is the output of the one before. */
static gru_status check_stack(const gru_layer *layers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const gru_problem *problem = &layers[i].problem, *before = &layers[i ? i - 1 : 0].problem;
        const gru_status status = gru_check_layer(&layers[i]);
        if (status != GRU_OK) {
            return status;
        }
        if (!layers[i].packed || problem->time != 1 || problem->batch != before->batch ||
            problem->dtype != before->dtype || (i && problem->input != before->units)) {
            return GRU_BAD_ARGUMENT;
        }
    }
    return count ? GRU_OK : GRU_BAD_ARGUMENT;
}

/* ---- memory ------------------------------------------------------------------------------- */

/* Measure a stage's arrays: the bytes of its `memory` and of its `output`. */
static gru_status measure_stage(const gru_layer *layer, size_t *memory, size_t *output) {
    const gru_problem *problem = &layer->problem;
    *output = 0;
    if (!layer->dense) {
        return BY_DTYPE(problem->dtype, gru_stepper_bytes)(problem, memory);
    }
    gru_arena arena = { gru_itemsize(problem->dtype), 0, 0 };
    gru_take(&arena, problem->batch, problem->units, 1);
    *output = arena.bytes;
    const gru_matmul_args product = gru_dense_product(layer);
    return arena.overflow ? GRU_TOO_LARGE : gru_matmul_bytes(&product, memory);
}

/* Measure a stream: its header, its stages and their arrays. Unless `to` is null, also set the
 * places of the arrays in the stages of `to`. */
static gru_status lay_out(const gru_layer *layers, size_t count, stream *to, size_t *bytes) {
    gru_arena arena = { sizeof(stage), 0, 0 };
    gru_take_bytes(&arena, sizeof(stream));
    gru_take(&arena, count, 1, 1);
    for (size_t i = 0; i < count; i++) {
        size_t memory, output;
        const gru_status status = measure_stage(&layers[i], &memory, &output);
        if (status != GRU_OK) {
            return status;
        }
        const size_t memory_at = gru_take_bytes(&arena, memory),
                     output_at = gru_take_bytes(&arena, output);
        if (to) {
            to->stages[i].memory = (char *)to + memory_at;
            to->stages[i].output = (char *)to + output_at;
        }
    }
    *bytes = arena.bytes;
    return arena.overflow ? GRU_TOO_LARGE : GRU_OK;
}

gru_status gru_stream_bytes(const gru_layer *layers, size_t count, size_t *bytes) {
    *bytes = 0;
    gru_status status = check_stack(layers, count);
    status = status == GRU_OK ? lay_out(layers, count, NULL, bytes) : status;
    const size_t alignment = 64;
    return status == GRU_OK && __builtin_add_overflow(*bytes, alignment, bytes) ? GRU_TOO_LARGE
                                                                                : status;
}

gru_status gru_stream_begin(const gru_layer *layers, size_t count, void *memory) {
    gru_status status = check_stack(layers, count);
    if (status != GRU_OK || !memory) {
        return status == GRU_OK ? GRU_BAD_ARGUMENT : status;
    }
    stream *s = (stream *)gru_align(memory);
    size_t bytes;
    status = lay_out(layers, count, s, &bytes);
    s->count = count;
    s->kernels = active_kernels();
    for (size_t i = 0; i < count && status == GRU_OK; i++) {
        stage *stage_i = &s->stages[i];
        const gru_problem *problem = &layers[i].problem;
        stage_i->layer = layers[i];
        if (layers[i].dense) {
            stage_i->product = gru_dense_product(&layers[i]);
            stage_i->product.workspace = stage_i->memory;
            stage_i->product.c = stage_i->output;
        } else {
            BY_DTYPE(problem->dtype, gru_stepper_begin)(problem, layers[i].packed, stage_i->memory);
        }
    }
    return status;
}

/* ---- steps -------------------------------------------------------------------------------- */

gru_status gru_stream_step(void *memory, const void *x, void *y) {
    stream *s = (stream *)gru_align(memory);
    const gru_problem *first = &s->stages[0].layer.problem;
    const gru_problem *last = &s->stages[s->count - 1].layer.problem;
    if (s->kernels != active_kernels() || !y || (first->input && !x)) {
        return GRU_BAD_ARGUMENT;
    }
    size_t x_row = first->input;
    for (size_t i = 0; i < s->count; i++) {
        stage *stage_i = &s->stages[i];
        const gru_problem *problem = &stage_i->layer.problem;
        if (stage_i->layer.dense) {
            const gru_status status =
                gru_dense_forward(&stage_i->layer, &stage_i->product, x, x_row);
            if (status != GRU_OK) {
                return status;
            }
            x = stage_i->output;
            x_row = problem->units;
        } else {
            x = BY_DTYPE(problem->dtype, gru_stepper_step)(stage_i->memory, x, x_row, &x_row);
        }
    }
    const size_t itemsize = gru_itemsize(last->dtype), row_bytes = last->units * itemsize;
    for (size_t row = 0; row < last->batch; row++) {
        memcpy((char *)y + row * row_bytes, (const char *)x + row * x_row * itemsize, row_bytes);
    }
    return GRU_OK;
}

void gru_stream_step_back(void *memory) {
    stream *s = (stream *)gru_align(memory);
    for (size_t i = 0; i < s->count; i++) {
        const gru_layer *layer = &s->stages[i].layer;
        if (!layer->dense) {
            BY_DTYPE(layer->problem.dtype, gru_stepper_back)(s->stages[i].memory);
        }
    }
}

/* Return the stage of layer i; null if that is a dense one. */
static const stage *gru_stage(const void *memory, size_t i) {
    const stream *s = (const stream *)gru_align((void *)memory);
    return i < s->count && !s->stages[i].layer.dense ? &s->stages[i] : NULL;
}

gru_status gru_stream_get_state(const void *memory, size_t i, void *state) {
    const stage *s = gru_stage(memory, i);
    if (!s || !state) {
        return GRU_BAD_ARGUMENT;
    }
    BY_DTYPE(s->layer.problem.dtype, gru_stepper_get)(s->memory, state);
    return GRU_OK;
}

gru_status gru_stream_set_state(void *memory, size_t i, const void *state) {
    const stage *s = gru_stage(memory, i);
    if (!s || !state) {
        return GRU_BAD_ARGUMENT;
    }
    BY_DTYPE(s->layer.problem.dtype, gru_stepper_set)(s->memory, state);
    return GRU_OK;
}
