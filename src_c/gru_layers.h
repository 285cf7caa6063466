/* The contract's second part: layers, which predictors take over whole sequences and streams from
 * step to step. */
#ifndef GRU_LAYERS_H
#define GRU_LAYERS_H

#include "gru.h"

/* ---- layers ------------------------------------------------------------------------------- */

/* A layer of a stream or of a pass. */
typedef struct gru_layer {
    /* 0: a recurrent layer. 1: y = activation(x W + b) with kind.activation GRU_LINEAR, GRU_RELU, GRU_SIGMOID
     * or GRU_TANH; the problem's other fields but B, T, I, H, dtype and threads have no effect. */
    int dense;
    gru_problem problem;
    const void *packed; /* gru_layer_pack */
    /* A pass reads these, too. In predictions those of a dense layer have no effect. */
    gru_weights weights;
    int last_step; /* 1: the output of a recurrent layer is its last h; 0: h of all steps */
    int backwards; /* 1: a recurrent layer takes the time steps from the last to the first */
} gru_layer;

/* Set `bytes` to the size of a layer's packed weights; pack them. `layer->packed` is ignored, and
 * the new `packed` is aligned to a cache line. A dense layer has kernel (I, H), and bias (H) or
 * null. */
gru_status gru_layer_packed_bytes(const gru_layer *layer, size_t *bytes);
gru_status gru_layer_pack(const gru_layer *layer, const gru_weights *weights, void *packed);

/* ---- passes over whole sequences ---------------------------------------------------------- */

/* A pass takes a stack of layers over whole sequences in one call, by the packed engine. Its results
 * have the bits of gru_forward, gru_backward and gru_matmul, layer by layer.
 *
 * Predictions read packed weights. Training, with a tape, reads the weights themselves; its dense
 * layers are linear. */
typedef struct gru_layers_args {
    size_t batch, time; /* B T, in place of those of the layers */
    int threads;        /* likewise */
    gru_sequence_in x;  /* in   (B, T, I); contiguous if the first layer is dense */
    void *output;       /* out  (B, T, H), or (B, H) behind a layer with last_step; contiguous */
    /* out  gru_layers_tape_bytes, of any alignment; null: a prediction. A backward pass reads it at
     *      the same address, with the same instruction set. */
    void *tape;
    void *workspace;
} gru_layers_args;

/* Set `bytes` to the size of the tape of a batch; of `args` this reads B, T and threads. */
gru_status gru_layers_tape_bytes(
    const gru_layer *layers, size_t count, const gru_layers_args *args, size_t *bytes);

/* Run the layers with a workspace of `bytes`; set `needed` to the bytes that they need as far as
 * that is known when a workspace turns out to be too small. For predictions the instruction set must
 * be the one that the weights were packed for. */
gru_status gru_layers_forward(const gru_layer *layers, size_t count, const gru_layers_args *args,
    size_t bytes, size_t *needed);

/* The gradients of a layer's weights, each 'out' and of the shape of the weight; bias null: not
 * wanted. */
typedef struct gru_layer_gradients {
    void *kernel, *recurrent_kernel, *bias;
} gru_layer_gradients;

typedef struct gru_layers_backward_args {
    gru_layers_args forward; /* in   those of the forward pass; output and workspace are not read */
    const void *d_output;    /* in   of the output's shape, contiguous */
    const gru_layer_gradients *gradients; /* of each layer */
    size_t first;  /* the number of the first layer that gets gradients; those before it get none */
    void *d_x;     /* out  (B, T, I) contiguous; null: not wanted, or first > 0 */
    int keep_tape; /* 1: the tape is left as it is; 0: it may be used up */
    void *workspace;
} gru_layers_backward_args;

/* Set `bytes` to the size of the workspace, of any alignment; write the gradients. */
gru_status gru_layers_backward_bytes(
    const gru_layer *layers, size_t count, const gru_layers_backward_args *args, size_t *bytes);
gru_status gru_layers_backward(
    const gru_layer *layers, size_t count, const gru_layers_backward_args *args);

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
