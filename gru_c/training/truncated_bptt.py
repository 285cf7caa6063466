"""Truncated backpropagation through time: a batch is trained in pieces of some time steps.

The state is passed from piece to piece, the gradient is not (R. J. Williams and J. Peng, "An
Efficient Gradient-Based Algorithm for On-Line Training of Recurrent Network Trajectories", 1990,
doi:10.1162/neco.1990.2.4.490).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from gru_c.common.attributes import assign
from gru_c.data.samples import Data
from gru_c.layers.rnn import recurrent_layers
from gru_c.network.network import Network
from gru_c.training.processes import Pass

TrainStep = Callable[[Network, Data], Pass]


def step(model: Network, batch: Data, steps: int, train_step: TrainStep) -> Pass:
    """Train on a batch in pieces of `steps` time steps.

    Return the mean loss over the time steps, and the outputs. If the output is a sequence, every
    piece is trained on; otherwise the pieces before the last only compute the state with which the
    last one begins.
    """
    T = batch.x.shape[1]
    if steps >= T:
        return train_step(model, batch)
    if model.loss is not None:
        model.loss.require_mean("training with bptt_steps")
    ends = [*range(steps, T, steps), T]
    shape = model.compute_output_shape(batch.x.shape)
    if len(shape) < 3 or shape[1] != T:
        with _states_carried(model):
            for end in ends[:-1]:
                model.forward(batch.x[:, end - steps : end])
            return train_step(model, batch.steps(ends[-2], T, only_x=True))
    total, outputs = 0.0, []
    with _states_carried(model):
        for first, end in zip([0, *ends], ends, strict=False):
            result = train_step(model, batch.steps(first, end))
            total += result.loss * (end - first)
            outputs.append(result.outputs)
            if not np.isfinite(total):
                return result._replace(loss=total)
    return result._replace(loss=total / T, outputs=np.concatenate(outputs, axis=1))


@contextmanager
def _states_carried(model: Network) -> Iterator[None]:
    """Keep the states of all GRU layers from pass to pass within the block."""
    layers = [layer for layer in recurrent_layers(model.layers) if not layer.stateful]
    for layer in layers:
        assign(layer, stateful=True)
        layer.note_change()
    try:
        yield
    finally:
        for layer in layers:
            assign(layer, stateful=False, state=None)
            layer.note_change()
