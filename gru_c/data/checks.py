"""Checks of data against the settings and states of a model."""

from __future__ import annotations

import numpy as np

from gru_c.common.validation import check_integer
from gru_c.data.batch_order import WHOLE, Fraction, fraction_slice
from gru_c.data.samples import Data, Samples
from gru_c.layers.rnn import recurrent_layers
from gru_c.network.network import Network


def require_whole_batches(
    model: Network, batch_size: int, *samples: int, fraction: Fraction = WHOLE
) -> None:
    """Raise ValueError if a stateful layer would get a batch of another size.

    `samples` are the numbers of samples to train on and to validate on, which are cut into batches
    of `batch_size`; a number below `batch_size` is one batch. Layers get a fraction of each batch.
    """
    layers = model.stateful_layers
    sizes = [min(batch_size, count) for count in samples if count]
    if not layers or not sizes:
        return
    rule = f"layer {layers[0].label!r} is stateful, so all batches must be of one size"
    for count, size in zip(filter(None, samples), sizes, strict=True):
        if count % size:
            raise ValueError(
                f"{rule}: {count} samples are not a multiple of batch_size={batch_size}"
            )
    if len(set(sizes)) > 1:
        raise ValueError(f"{rule}: got batches of {' and of '.join(map(str, sizes))} samples")
    model.require_batch_size(sizes[0])
    for layer in layers:
        layer.require_state_for(len(range(sizes[0])[fraction_slice(sizes[0], fraction)]))


def check_bptt_steps(model: Network, data: Data, bptt_steps: object) -> int | None:
    """Return the time steps of a piece of truncated backpropagation; None if it is not wanted.

    Raises
    ------
    ValueError
        When a layer, or the data, does not allow truncated backpropagation.
    """
    steps = check_integer("bptt_steps", bptt_steps, 1, optional=True)
    if steps is not None and getattr(model, "several", False):
        raise ValueError(
            "bptt_steps is for a model with one input and one output: leave it out, or cut the "
            "sequences before"
        )
    if steps is None:
        return None
    for layer in model.layers:
        if layer.mixes_time:
            raise ValueError(
                f"bptt_steps goes over the time steps in pieces, from the first to the last; layer "
                f"{layer.label!r} needs all of them at once"
            )
    if not recurrent_layers(model.layers):
        raise ValueError("bptt_steps is for models with a recurrent layer, such as a GRU or LSTM")
    if data.lengths is not None or any(layer.makes_mask for layer in model.layers):
        raise ValueError(
            "bptt_steps is for sequences all of whose steps count: not together with lengths, "
            "sequences of different length or a layer that makes a mask"
        )
    if data.x.ndim < 2:
        raise ValueError(f"bptt_steps needs x of shape (samples, time, ...), got {data.x.shape}")
    return steps


def build_for(model: Network, samples: Samples) -> None:
    """Make the weights of a model for samples of this shape, unless they exist."""
    if not model.built:
        model.build_from_data(np.broadcast_to(np.float32(0), samples.shape(None)))
