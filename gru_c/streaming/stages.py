"""The stages of a stream: the layers of a model, each as a function of one time step."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gru_c.common.arrays import Array
from gru_c.layers import RNN, Dense, Dropout, Layer
from gru_c.layers.base.recurrent import Recurrent
from gru_c.layers.time_distributed import head_of
from gru_c.network.core_stage import CoreStage, dense_stage, has_time, is_plain, recurrent_stage
from gru_c.network.network import Network


@dataclass
class LayerStage:
    """A layer that runs in Python, by its `forward`.

    Attributes
    ----------
    layer : Layer
    timed : bool
        True if the input of the layer has a time axis.
    """

    layer: Layer
    timed: bool

    def __call__(self, x: Array) -> Array:
        """Return the output for one time step (B, ...)."""
        y: Array = self.layer.forward(np.expand_dims(x, 1) if self.timed else x)
        return y[:, 0] if self.timed else y


# A layer that runs in the core, or a function that takes and returns an array (B, ...).
Stage = CoreStage | Callable[[Array], Array]


def stages_of(model: Network) -> Iterator[Stage]:
    """Yield the stages of a built model; ValueError if a layer cannot run step by step."""
    assert model.input_shape is not None  # the shape is known once the model is built
    shape, timed = model.input_shape, has_time(model.layers, model.input_shape)
    for layer in model.layers:
        require_stepwise(layer)
        if isinstance(head_of(layer), (Dense, Dropout)):
            layer = head_of(layer)
        if isinstance(layer, (Recurrent, RNN)):
            yield from map(recurrent_stage, layer.directions)
        elif is_plain(layer, Dense) and len(shape) == 2 + timed:
            stage, function = dense_stage(layer)
            yield stage
            if function is not None:
                yield function
        elif not is_plain(layer, Dropout):
            yield LayerStage(copy.deepcopy(layer), timed)
        shape = layer.compute_output_shape(shape)
        timed = timed and not (isinstance(layer, (Recurrent, RNN)) and not layer.return_sequences)


def require_stepwise(layer: Layer) -> None:
    """Raise ValueError if a layer cannot process one time step after the other."""
    refusal = f"layer {layer.label!r} ({type(layer).__name__}) cannot be streamed: "
    if not layer.stepwise:
        raise ValueError(
            refusal + "a time step of its output depends on more than that step of its input"
        )
    if isinstance(layer, Recurrent) and not is_plain(layer, Recurrent):
        raise ValueError(refusal + "it has a forward method of its own")
