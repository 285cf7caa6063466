"""The stages of a stream: the layers of a model, each as a function of one time step."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np

from gru_c import _core
from gru_c.activations import ACTIVATIONS, Activation
from gru_c.common.arrays import Array
from gru_c.common.weight_memory import derived
from gru_c.layers import GRU, RNN, Dense, Dropout, Layer
from gru_c.layers.rnn import recurrent_layers
from gru_c.layers.time_distributed import head_of
from gru_c.network.network import Network
from gru_c.recurrence.cell import Cell


class CoreStage(NamedTuple):
    """A layer that runs in the core. Copies share the packed weights.

    Attributes
    ----------
    dense : bool
        True for ``activation(x W + bias)``, False for a GRU.
    features, units : int
        Sizes of the input and of the output.
    typenum : int
        NumPy's type number of the dtype.
    cell : Cell or int
        Cell of the GRU, or number of the dense layer's activation.
    weights_format : int
        The core's number of the format of the packed weights.
    packed : ndarray of uint8 or None
        The weights in the format that the core reads; None before they are packed.
    """

    dense: bool
    features: int
    units: int
    typenum: int
    cell: Cell | int
    weights_format: int = 0
    packed: Array | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> CoreStage:
        return self


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

# Activations of a Dense layer that the core computes. NumPy computes the others.
_CORE_ACTIVATIONS = ("linear", "relu", "sigmoid", "tanh")

# Packed weights by a digest of the weights, as long as a stream refers to them.
_PACKED: WeakValueDictionary[bytes, Array] = WeakValueDictionary()


def has_time(model: Network) -> bool:
    """Return True if the second axis of the model's input is time."""
    return len(model.input_shape or ()) > 2 or bool(recurrent_layers(model.layers))


def stages_of(model: Network) -> Iterator[Stage]:
    """Yield the stages of a built model; ValueError if a layer cannot run step by step."""
    assert model.input_shape is not None  # the shape is known once the model is built
    shape, timed = model.input_shape, has_time(model)
    for layer in model.layers:
        require_stepwise(layer)
        if isinstance(head_of(layer), (Dense, Dropout)):
            layer = head_of(layer)
        if isinstance(layer, (GRU, RNN)):
            yield from map(_gru, layer.directions)
        elif _is_plain(layer, Dense) and len(shape) == 2 + timed:
            yield from _dense(layer)
        elif not _is_plain(layer, Dropout):
            yield LayerStage(copy.deepcopy(layer), timed)
        shape = layer.compute_output_shape(shape)
        timed = timed and not (isinstance(layer, (GRU, RNN)) and not layer.return_sequences)


def require_stepwise(layer: Layer) -> None:
    """Raise ValueError if a layer cannot process one time step after the other."""
    refusal = f"layer {layer.label!r} ({type(layer).__name__}) cannot be streamed: "
    if not layer.stepwise:
        raise ValueError(
            refusal + "a time step of its output depends on more than that step of its input"
        )
    if isinstance(layer, GRU) and not _is_plain(layer, GRU):
        raise ValueError(refusal + "it has a forward method of its own")


def _is_plain(layer: Layer, kind: type[Layer]) -> bool:
    """Return True if the layer is of that kind and has the kind's `forward`."""
    return isinstance(layer, kind) and type(layer).forward is kind.forward


def _gru(layer: GRU) -> CoreStage:
    kernel = layer.parameters[0].array
    weights_format = _core.WEIGHT_FORMATS[layer.inference_weights]
    stage = CoreStage(False, len(kernel), layer.units, kernel.dtype.num, layer.cell, weights_format)
    return _pack(stage, layer)


def _dense(layer: Layer) -> Iterator[Stage]:
    """Yield one stage, or two if the core does not have the activation."""
    assert isinstance(layer, Dense)
    kernel, function = layer.parameters[0].array, layer.activation_function
    in_core = _is_in_core(function)
    number = _core.ACTIVATIONS[function.name if in_core else "linear"]
    yield _pack(CoreStage(True, len(kernel), layer.units, kernel.dtype.num, number), layer)
    if not in_core:
        yield function.forward


def _is_in_core(function: Activation) -> bool:
    return function.name in _CORE_ACTIVATIONS and ACTIVATIONS[function.name] is function


def _pack(stage: CoreStage, layer: Layer) -> CoreStage:
    """Return the stage with packed weights, which streams with equal weights share."""
    isa = _core.active_isa()
    packed = derived(layer.parameters, (isa, stage), lambda: _packed(stage, isa, layer))
    return stage._replace(packed=packed)


def _packed(stage: CoreStage, isa: str, layer: Layer) -> Array:
    """Return packed weights: those of another stream if its weights are equal, else new ones."""
    from hashlib import blake2b  # here, because its import is slow

    prefix = layer.prefix
    weights = {item.name.removeprefix(prefix): item.array for item in layer.parameters}
    digest = blake2b(repr((isa, stage, list(weights))).encode())
    for weight in weights.values():
        digest.update(weight.data)
    key = digest.digest()
    packed = _PACKED.get(key)
    if packed is None:
        packed = _core.stream_pack(
            stage, weights["kernel"], weights.get("recurrent_kernel"), weights.get("bias")
        )
        packed.flags.writeable = False  # several streams read it
        _PACKED[key] = packed
    return packed
