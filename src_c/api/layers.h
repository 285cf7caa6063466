/* Layers that streams and passes run. */
#ifndef GRU_API_LAYERS_H
#define GRU_API_LAYERS_H

#include "api/checks.h"
#include "common/memory.h"
#include "gru_layers.h"

#pragma GCC visibility push(hidden)

/* Return GRU_OK if the core can run the layer, whose packed weights are not looked at. */
gru_status gru_check_layer(const gru_layer *layer);

/* Return GRU_OK if the core can take the layers through a pass. */
gru_status gru_check_layers(const gru_layer *layers, size_t count, const gru_layers_args *args);

/* Return a layer with the batch, threads and kind of weights of a pass, and a number of steps. */
gru_layer gru_layer_at(const gru_layer *layer, const gru_layers_args *args, size_t time);

/* Return the number of steps of a layer's output. */
size_t gru_time_behind(const gru_layer *layer, size_t time);

/* Return the steps of x in the order in which a recurrent layer takes them. */
gru_sequence_in gru_in_order(const gru_layer *layer, gru_sequence_in x);

/* Where a layer's arrays lie on a tape, which begins on a cache line: offsets of its output, which
 * that of the last layer does not have, and of a recurrent layer's own tape. `time` is that of its
 * input. */
typedef struct gru_place {
    size_t time, output, tape;
} gru_place;

/* Set the places of all layers, unless `on_tape` is null, and `bytes` to the size of the tape. */
gru_status gru_places_on_tape(const gru_layer *layers, size_t count, const gru_layers_args *args,
    gru_place *on_tape, size_t *bytes);

/* Return the product of a dense layer: its kernel, packed if the layer has it so, and a row for each
 * step of each sequence. a, c and workspace are still null. */
gru_matmul_args gru_dense_product(const gru_layer *layer);

/* Write activation(x W + bias) to the product's c; the rows of x lie x_row elements apart. */
gru_status gru_dense_forward(
    const gru_layer *layer, gru_matmul_args *product, const void *x, size_t x_row);

#pragma GCC visibility pop

#endif
