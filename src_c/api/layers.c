/* Layers that streams and passes run: checks, packed weights, and the dense layer. */
#include "api/layers.h"

#include "packed/plan.h"

gru_status gru_check_layer(const gru_layer *layer) {
    const gru_problem *problem = &layer->problem;
    const gru_function f = problem->kind.activation.function;
    const int known =
        f == GRU_LINEAR || f == GRU_RELU || f == GRU_SIGMOID || f == GRU_TANH || !layer->dense;
    const gru_status status = gru_check_problem(problem);
    size_t rows;
    if (status == GRU_OK && __builtin_mul_overflow(problem->batch, problem->time, &rows)) {
        return GRU_TOO_LARGE;
    }
    return status == GRU_OK && (problem->masks_state || !known) ? GRU_BAD_ARGUMENT : status;
}

/* ---- dense layers ------------------------------------------------------------------------- */

/* A packed dense layer is its bias (zeros if it has none), then its kernel. */
static gru_status dense_bias_bytes(const gru_problem *problem, size_t *bytes) {
    gru_arena arena = { gru_itemsize(problem->dtype), 0, 0 };
    gru_take(&arena, problem->units, 1, 1);
    *bytes = arena.bytes;
    return arena.overflow ? GRU_TOO_LARGE : GRU_OK;
}

static gru_matmul_args dense_product(const gru_problem *problem) {
    return (gru_matmul_args){ .dtype = problem->dtype,
        .m = problem->batch * problem->time,
        .n = problem->units,
        .k = problem->input,
        .b = { .stride = problem->units },
        .accumulate = 1,
        .threads = problem->threads };
}

static gru_status dense_pack(const gru_problem *problem, const gru_weights *weights, char *packed) {
    size_t bias_bytes;
    gru_status status = dense_bias_bytes(problem, &bias_bytes);
    gru_matmul_args product = dense_product(problem);
    product.b.data = weights->kernel;
    status = status == GRU_OK ? gru_matmul_pack(&product, packed + bias_bytes) : status;
    if (status != GRU_OK) {
        return status;
    }
    memset(packed, 0, bias_bytes);
    if (weights->bias) {
        memcpy(packed, weights->bias, problem->units * gru_itemsize(problem->dtype));
    }
    return GRU_OK;
}

gru_matmul_args gru_dense_product(const gru_layer *layer) {
    gru_matmul_args product = dense_product(&layer->problem);
    size_t bias_bytes;
    dense_bias_bytes(&layer->problem, &bias_bytes);
    product.packed = layer->packed ? (const char *)layer->packed + bias_bytes : NULL;
    product.b.data = layer->weights.kernel;
    product.accumulate = layer->packed || layer->weights.bias;
    return product;
}

/* y = max(y, 0); NaN stays NaN. */
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

static gru_status activate(gru_function function, const gru_matmul_args *product) {
    const size_t n = product->m * product->n;
    switch (function) {
    case GRU_SIGMOID:
        return gru_sigmoid(product->dtype, n, product->c, product->c);
    case GRU_TANH:
        return gru_tanh(product->dtype, n, product->c, product->c);
    case GRU_RELU:
        relu(product->dtype, n, product->c);
        return GRU_OK;
    default:
        return GRU_OK;
    }
}

/* The sums have the order of a Dense layer: the bias, to which x W is added. */
gru_status gru_dense_forward(
    const gru_layer *layer, gru_matmul_args *product, const void *x, size_t x_row) {
    const size_t row_bytes = product->n * gru_itemsize(product->dtype);
    const void *bias = layer->packed ? layer->packed : layer->weights.bias;
    for (size_t row = 0; bias && row < product->m; row++) {
        memcpy((char *)product->c + row * row_bytes, bias, row_bytes);
    }
    product->a = (gru_matrix){ x, x_row, 0 };
    const gru_status status = gru_matmul(product);
    return status == GRU_OK ? activate(layer->problem.kind.activation.function, product) : status;
}

/* ---- packing ------------------------------------------------------------------------------ */

gru_status gru_layer_packed_bytes(const gru_layer *layer, size_t *bytes) {
    *bytes = 0;
    gru_status status = gru_check_layer(layer);
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

gru_status gru_layer_pack(const gru_layer *layer, const gru_weights *weights, void *packed) {
    const gru_status status = gru_check_layer(layer);
    if (status != GRU_OK) {
        return status;
    }
    return layer->dense ? dense_pack(&layer->problem, weights, packed)
                        : gru_pack(&layer->problem, weights, packed);
}
