/* Streams: a stack of layers, one time step after the other. */
#include "api/checks.h"
#include "packed/plan.h"

/* A layer, and where its arrays lie. */
typedef struct stage {
    gru_stream_layer layer;
    char *memory; /* of a GRU's stepper; of a dense layer the workspace */
    /* of a dense layer */
    gru_matmul_args product;
    char *output; /* (B, H) */
} stage;

typedef struct stream {
    size_t count;
    const void *kernels; /* of the instruction set that all of it was laid out for */
    stage stages[];
} stream;

static const void *active_kernels(void) {
    return gru_active_kernels_f32();
}

/* ---- checks ------------------------------------------------------------------------------- */

static gru_status check_layer(const gru_stream_layer *layer) {
    const gru_problem *p = &layer->problem;
    const gru_function f = p->kind.activation.function;
    const int known =
        f == GRU_LINEAR || f == GRU_RELU || f == GRU_SIGMOID || f == GRU_TANH || !layer->dense;
    const gru_status status = gru_check_problem(p);
    return status == GRU_OK && (p->time != 1 || p->masks_state || !known) ? GRU_BAD_ARGUMENT
                                                                          : status;
}

/* Does each layer take what the one before it gives? */
static gru_status check_stack(const gru_stream_layer *layers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const gru_problem *p = &layers[i].problem, *before = &layers[i ? i - 1 : 0].problem;
        const gru_status status = check_layer(&layers[i]);
        if (status != GRU_OK) {
            return status;
        }
        if (!layers[i].packed || p->batch != before->batch || p->dtype != before->dtype ||
            (i && p->input != before->units)) {
            return GRU_BAD_ARGUMENT;
        }
    }
    return count ? GRU_OK : GRU_BAD_ARGUMENT;
}

/* ---- dense layers ------------------------------------------------------------------------- */

/* Packed: the bias, zeros where there is none, then the kernel. */
static gru_status dense_bias_bytes(const gru_problem *p, size_t *bytes) {
    gru_arena r = { gru_itemsize(p->dtype), 0, 0 };
    gru_take(&r, p->units, 1, 1);
    *bytes = r.bytes;
    return r.overflow ? GRU_TOO_LARGE : GRU_OK;
}

static gru_matmul_args dense_product(const gru_problem *p) {
    return (gru_matmul_args){ .dtype = p->dtype,
        .m = p->batch,
        .n = p->units,
        .k = p->input,
        .b = { .stride = p->units },
        .accumulate = 1,
        .threads = 1 };
}

static gru_status dense_pack(const gru_problem *p, const gru_weights *weights, char *packed) {
    size_t bias_bytes;
    gru_status status = dense_bias_bytes(p, &bias_bytes);
    gru_matmul_args product = dense_product(p);
    product.b.data = weights->kernel;
    status = status == GRU_OK ? gru_matmul_pack(&product, packed + bias_bytes) : status;
    if (status != GRU_OK) {
        return status;
    }
    memset(packed, 0, bias_bytes);
    if (weights->bias) {
        memcpy(packed, weights->bias, p->units * gru_itemsize(p->dtype));
    }
    return GRU_OK;
}

static gru_matmul_args dense_product_of(const gru_stream_layer *layer) {
    gru_matmul_args product = dense_product(&layer->problem);
    size_t bias_bytes;
    dense_bias_bytes(&layer->problem, &bias_bytes);
    product.packed = (const char *)layer->packed + bias_bytes;
    return product;
}

/* max(x, 0), NaN stays NaN. */
static void relu(gru_dtype dtype, size_t n, void *y) {
    float *f32 = y;
    double *f64 = y;
    for (size_t i = 0; i < n; i++) {
        if (dtype == GRU_F32) {
            f32[i] = f32[i] < 0 ? 0 : f32[i];
        } else {
            f64[i] = f64[i] < 0 ? 0 : f64[i];
        }
    }
}

static gru_status activate(const gru_problem *p, void *y) {
    const size_t n = p->batch * p->units;
    switch (p->kind.activation.function) {
    case GRU_SIGMOID:
        return gru_sigmoid(p->dtype, n, y, y);
    case GRU_TANH:
        return gru_tanh(p->dtype, n, y, y);
    case GRU_RELU:
        relu(p->dtype, n, y);
        return GRU_OK;
    default:
        return GRU_OK;
    }
}

/* In the order of the sums of a Dense layer: bias, then x W added to it. */
static gru_status dense_step(stage *s, const void *x, size_t x_row) {
    const gru_problem *p = &s->layer.problem;
    const size_t row_bytes = p->units * gru_itemsize(p->dtype);
    for (size_t row = 0; row < p->batch; row++) {
        memcpy(s->output + row * row_bytes, s->layer.packed, row_bytes);
    }
    s->product.a = (gru_matrix){ x, x_row, 0 };
    const gru_status status = gru_matmul(&s->product);
    return status == GRU_OK ? activate(p, s->output) : status;
}

/* ---- packing ------------------------------------------------------------------------------ */

gru_status gru_stream_packed_bytes(const gru_stream_layer *layer, size_t *bytes) {
    *bytes = 0;
    gru_status status = check_layer(layer);
    if (status != GRU_OK || !layer->dense) {
        return status == GRU_OK ? gru_packed_bytes(&layer->problem, bytes) : status;
    }
    const gru_matmul_args product = dense_product(&layer->problem);
    size_t bias_bytes, kernel_bytes;
    status = dense_bias_bytes(&layer->problem, &bias_bytes);
    status = status == GRU_OK ? gru_matmul_packed_bytes(&product, &kernel_bytes) : status;
    if (status != GRU_OK) {
        return status;
    }
    return __builtin_add_overflow(bias_bytes, kernel_bytes, bytes) ? GRU_TOO_LARGE : GRU_OK;
}

gru_status gru_stream_pack(
    const gru_stream_layer *layer, const gru_weights *weights, void *packed) {
    const gru_status status = check_layer(layer);
    if (status != GRU_OK) {
        return status;
    }
    return layer->dense ? dense_pack(&layer->problem, weights, packed)
                        : gru_pack(&layer->problem, weights, packed);
}

/* ---- memory ------------------------------------------------------------------------------- */

/* Bytes of a layer's arrays: of what a stage calls memory, and of its output. */
static gru_status measure_stage(const gru_stream_layer *layer, size_t *memory, size_t *output) {
    const gru_problem *p = &layer->problem;
    *output = 0;
    if (!layer->dense) {
        return BY_DTYPE(p->dtype, gru_stepper_bytes)(p, memory);
    }
    gru_arena r = { gru_itemsize(p->dtype), 0, 0 };
    gru_take(&r, p->batch, p->units, 1);
    *output = r.bytes;
    const gru_matmul_args product = dense_product_of(layer);
    return r.overflow ? GRU_TOO_LARGE : gru_matmul_bytes(&product, memory);
}

/* Bytes of the stages' arrays and of what is before them; gives the stages their places, unless `to`
 * is null. */
static gru_status lay_out(const gru_stream_layer *layers, size_t count, stream *to, size_t *bytes) {
    gru_arena r = { sizeof(stage), 0, 0 };
    gru_take_bytes(&r, sizeof(stream));
    gru_take(&r, count, 1, 1);
    for (size_t i = 0; i < count; i++) {
        size_t memory, output;
        const gru_status status = measure_stage(&layers[i], &memory, &output);
        if (status != GRU_OK) {
            return status;
        }
        const size_t memory_at = gru_take_bytes(&r, memory), output_at = gru_take_bytes(&r, output);
        if (to) {
            to->stages[i].memory = (char *)to + memory_at;
            to->stages[i].output = (char *)to + output_at;
        }
    }
    *bytes = r.bytes;
    return r.overflow ? GRU_TOO_LARGE : GRU_OK;
}

gru_status gru_stream_bytes(const gru_stream_layer *layers, size_t count, size_t *bytes) {
    *bytes = 0;
    gru_status status = check_stack(layers, count);
    status = status == GRU_OK ? lay_out(layers, count, NULL, bytes) : status;
    const size_t alignment = 64;
    return status == GRU_OK && __builtin_add_overflow(*bytes, alignment, bytes) ? GRU_TOO_LARGE
                                                                                : status;
}

gru_status gru_stream_begin(const gru_stream_layer *layers, size_t count, void *memory) {
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
        stage *now = &s->stages[i];
        const gru_problem *p = &layers[i].problem;
        now->layer = layers[i];
        if (layers[i].dense) {
            now->product = dense_product_of(&layers[i]);
            now->product.workspace = now->memory;
            now->product.c = now->output;
        } else {
            BY_DTYPE(p->dtype, gru_stepper_begin)(p, layers[i].packed, now->memory);
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
        stage *now = &s->stages[i];
        const gru_problem *p = &now->layer.problem;
        if (now->layer.dense) {
            const gru_status status = dense_step(now, x, x_row);
            if (status != GRU_OK) {
                return status;
            }
            x = now->output;
            x_row = p->units;
        } else {
            x = BY_DTYPE(p->dtype, gru_stepper_step)(now->memory, x, x_row, &x_row);
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
        const gru_stream_layer *layer = &s->stages[i].layer;
        if (!layer->dense) {
            BY_DTYPE(layer->problem.dtype, gru_stepper_back)(s->stages[i].memory);
        }
    }
}

/* The stage of a GRU; null where layer i is none. */
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
