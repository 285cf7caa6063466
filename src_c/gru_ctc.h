/* gru_c core: connectionist temporal classification (Graves et al. 2006,
 * doi:10.1145/1143844.1143891), the loss of label sequences without alignment. As in gru.h, memory
 * comes from the caller.
 *
 *   B sequences  T time steps  C classes, one of them the blank  L most labels of a sequence
 */
#ifndef GRU_CTC_H
#define GRU_CTC_H

#include <stdint.h>

#include "gru.h"

typedef struct gru_ctc_args {
    gru_dtype dtype;
    size_t batch, time, classes, labels; /* B T C L */
    const void *logits;                  /* in  (B, T, C) before the softmax */
    const int32_t *targets;              /* in  (B, L) classes other than the blank */
    const int32_t *input_lengths;        /* in  (B) time steps of each sequence, 0 .. T */
    const int32_t *target_lengths;       /* in  (B) labels of each sequence, 0 .. L */
    int32_t blank;
    double *losses; /* out (B) -log of the probability of the labels; infinite: they do not fit */
    /* out (B, T, C) gradients of the losses by the logits; zeros past a sequence's end, and where
     * the loss is infinite; null: not wanted */
    void *d_logits;
    void *workspace; /* of gru_ctc_bytes, of any alignment */
} gru_ctc_args;

/* Set `bytes` to the size of the workspace; of `args` this reads T, C and L. */
gru_status gru_ctc_bytes(const gru_ctc_args *args, size_t *bytes);

/* Compute losses and gradients by forward and backward probabilities in log space, in double. */
gru_status gru_ctc(const gru_ctc_args *args);

#endif
