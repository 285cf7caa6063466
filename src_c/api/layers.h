/* Layers that streams and predictors run. */
#ifndef GRU_API_LAYERS_H
#define GRU_API_LAYERS_H

#include "api/checks.h"

#pragma GCC visibility push(hidden)

/* Return GRU_OK if the core can run the layer, whose packed weights are not looked at. */
gru_status gru_check_layer(const gru_layer *layer);

/* Return the product of a dense layer: its packed kernel, and a row for each step of each sequence.
 * a, c and workspace are still null. */
gru_matmul_args gru_dense_product(const gru_layer *layer);

/* Write activation(x W + bias) to the product's c; the rows of x lie x_row elements apart. */
gru_status gru_dense_forward(
    const gru_layer *layer, gru_matmul_args *product, const void *x, size_t x_row);

#pragma GCC visibility pop

#endif
