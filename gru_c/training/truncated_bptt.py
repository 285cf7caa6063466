"""Truncated backpropagation through time: batches in pieces of some steps.

The state goes on from piece to piece, the gradient does not (R. J. Williams and J. Peng, "An
Efficient Gradient-Based Algorithm for On-Line Training of Recurrent Network Trajectories", 1990,
doi:10.1162/neco.1990.2.4.490).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from gru_c.layers import GRU
from gru_c.training.processes import Pass
from gru_c.utils.attributes import assign

if TYPE_CHECKING:
    from gru_c.data.samples import Data
    from gru_c.network.network import Network


Step = Callable[["Network", "Data"], Pass]


def step(model: Network, batch: Data, steps: int, train_step: Step) -> Pass:
    """Train on a batch in pieces of `steps`: the mean loss over the time steps, and the outputs.

    Where the output is a sequence, every piece is trained on; else the pieces before the last only
    bring the state to where the last one begins.
    """
    T = batch.x.shape[1]
    if steps >= T:
        return train_step(model, batch)
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
            found = train_step(model, batch.steps(first, end))
            total += found.loss * (end - first)
            outputs.append(found.outputs)
            if not np.isfinite(total):
                return found._replace(loss=total)
    return found._replace(loss=total / T, outputs=np.concatenate(outputs, axis=1))


@contextmanager
def _states_carried(model: Network) -> Iterator[None]:
    """Let the states of all GRU layers go on from pass to pass, from where a batch begins."""
    layers = [layer for layer in model.layers if isinstance(layer, GRU) and not layer.stateful]
    for layer in layers:
        assign(layer, stateful=True)
    try:
        yield
    finally:
        for layer in layers:
            assign(layer, stateful=False, state=None)
