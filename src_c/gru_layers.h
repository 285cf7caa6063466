/* The contract's second part: layers, which predictors take over whole sequences and streams from
 * step to step. */
#ifndef GRU_LAYERS_H
#define GRU_LAYERS_H

#include "gru.h"

/* ---- layers ------------------------------------------------------------------------------- */

/* A layer of a stream or a predictor. */
typedef struct gru_layer {
    /* 0: a recurrent layer. 1: y = activation(x W + b) with kind.activation GRU_LINEAR, GRU_RELU, GRU_SIGMOID
     * or GRU_TANH; the problem's other fields but B, T, I, H, dtype and threads have no effect. */
    int dense;
    gru_problem problem;
    const void *packed; /* gru_layer_pack */
    /* A predictor reads these, too. Of a dense layer they have no effect. */
    gru_weights weights;
    int last_step; /* 1: the output of a recurrent layer is its last h; 0: h of all steps */
    int backwards; /* 1: a recurrent layer takes the time steps from the last to the first */
} gru_layer;

/* Set `bytes` to the size of a layer's packed weights; pack them. `layer->packed` is ignored, and
 * the new `packed` is aligned to a cache line. A dense layer has kernel (I, H), and bias (H) or
 * null. */
gru_status gru_layer_packed_bytes(const gru_layer *layer, size_t *bytes);
gru_status gru_layer_pack(const gru_layer *layer, const gru_weights *weights, void *packed);

/* ---- predictors --------------------------------------------------------------------------- */

/* A predictor takes a stack of layers over whole sequences in one call, by the packed engine. Its
 * results have the bits of gru_forward and gru_matmul, layer by layer. */
typedef struct gru_predict_args {
    size_t batch, time; /* B T, in place of those of the layers */
    int threads;        /* likewise */
    gru_sequence_in x;  /* in   (B, T, I); contiguous if the first layer is dense */
    void *output;       /* out  (B, T, H), or (B, H) behind a layer with last_step; contiguous */
    void *workspace;
} gru_predict_args;

/* Run the layers with a workspace of `bytes`; set `needed` to the bytes that they need as far as
 * that is known when a workspace turns out to be too small. The instruction set must be the one that
 * the weights were packed for. */
gru_status gru_predict(const gru_layer *layers, size_t count, const gru_predict_args *args,
    size_t bytes, size_t *needed);

/* ---- streams ------------------------------------------------------------------------------ */

/* A stream takes a stack of layers through one time step after the other, on the calling thread.
 * Its results have the bits of gru_forward by the packed engine on the whole sequence. Its memory
 * holds the states, the scratch and the plan; the packed weights lie outside, for many streams. The
 * problems of its layers have a time of 1, and the same B and dtype. */

/* Set `bytes` to the size of a stream's memory, of any alignment; begin a stream there, with all
 * states zero. It must not be moved. With another instruction set than the one in use now, steps
 * are refused. */
gru_status gru_stream_bytes(const gru_layer *layers, size_t count, size_t *bytes);
gru_status gru_stream_begin(const gru_layer *layers, size_t count, void *memory);

/* Take a step from x (B, I of the first layer) to y (B, H of the last one), both contiguous; they
 * may overlap. */
gru_status gru_stream_step(void *stream, const void *x, void *y);

/* Undo the last step; only one step can be undone. */
void gru_stream_step_back(void *stream);

/* Copy the states (B, S, H) of layer i, which is a recurrent layer. */
gru_status gru_stream_get_state(const void *stream, size_t i, void *state);
gru_status gru_stream_set_state(void *stream, size_t i, const void *state);

#endif
