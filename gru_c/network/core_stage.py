"""Stages: layers as the core runs them, with their packed weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from gru_c import _core
from gru_c.activations import ACTIVATIONS, Activation
from gru_c.common.arrays import Array, Shape
from gru_c.common.weight_memory import derived
from gru_c.layers import (
    Dense,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    Layer,
    SpatialDropout1D,
    TimeDistributed,
)
from gru_c.layers.base.recurrent import Recurrent
from gru_c.layers.rnn import recurrent_layers
from gru_c.recurrence.cell import Cell


class CoreStage(NamedTuple):
    """A layer that runs in the core. Copies share the packed weights.

    Attributes
    ----------
    dense : bool
        True for ``activation(x W + bias)``, False for a recurrent layer.
    features, units : int
        Sizes of the input and of the output.
    typenum : int
        NumPy's type number of the dtype.
    cell : Cell or int
        Cell of the recurrent layer, or number of the dense layer's activation.
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


# Activations of a Dense layer that the core computes. NumPy computes the others.
_CORE_ACTIVATIONS = ("linear", "relu", "sigmoid", "tanh")

# Layers that return their input in predictions.
ONLY_IN_TRAINING = (Dropout, SpatialDropout1D, GaussianDropout, GaussianNoise)

# What the core computes; a program may replace the methods of the classes later.
_CORE_KINDS = (Recurrent, Dense, TimeDistributed, *ONLY_IN_TRAINING)
_FORWARDS: dict[type[Layer], Callable[..., Any]] = {kind: kind.forward for kind in _CORE_KINDS}

# Packed weights by a digest of the weights, as long as a stage refers to them.
_PACKED: WeakValueDictionary[bytes, Array] = WeakValueDictionary()


def has_time(layers: Sequence[Layer], input_shape: Shape | None) -> bool:
    """Return True if the second axis of a model's input is time."""
    return len(input_shape or ()) > 2 or bool(recurrent_layers(layers))


def is_plain(layer: Layer, kind: type[Layer]) -> bool:
    """Return True if the layer is of that kind and has the kind's `forward`, as defined here."""
    return isinstance(layer, kind) and type(layer).forward is _FORWARDS.get(kind, kind.forward)


def recurrent_stage(layer: Recurrent) -> CoreStage:
    """Return the stage of a recurrent layer that is built."""
    kernel = layer.parameters[0].array
    weights_format = _core.WEIGHT_FORMATS[layer.inference_weights]
    stage = CoreStage(False, len(kernel), layer.units, kernel.dtype.num, layer.cell, weights_format)
    return _pack(stage, layer)


def dense_stage(layer: Layer) -> tuple[CoreStage, Callable[[Array], Array] | None]:
    """Return the stage of a `Dense`, and its activation if the core does not have that."""
    assert isinstance(layer, Dense)
    kernel, function = layer.parameters[0].array, layer.activation_function
    in_core = _is_in_core(function)
    number = _core.ACTIVATIONS[function.name if in_core else "linear"]
    stage = CoreStage(True, len(kernel), layer.units, kernel.dtype.num, number)
    return _pack(stage, layer), None if in_core else function.forward


def _is_in_core(function: Activation) -> bool:
    return function.name in _CORE_ACTIVATIONS and ACTIVATIONS[function.name] is function


def _pack(stage: CoreStage, layer: Layer) -> CoreStage:
    """Return the stage with packed weights, which stages with equal weights share."""
    isa = _core.active_isa()
    packed = derived(layer.parameters, (isa, stage), lambda: _packed(stage, isa, layer))
    return stage._replace(packed=packed)


def _packed(stage: CoreStage, isa: str, layer: Layer) -> Array:
    """Return packed weights: those of another stage if its weights are equal, else new ones."""
    from hashlib import blake2b  # here, because its import is slow

    weights = weights_of(layer)
    digest = blake2b(repr((isa, stage, list(weights))).encode())
    for weight in weights.values():
        digest.update(weight.data)
    key = digest.digest()
    packed = _PACKED.get(key)
    if packed is None:
        packed = _core.layer_pack(
            stage, weights["kernel"], weights.get("recurrent_kernel"), weights.get("bias")
        )
        packed.flags.writeable = False  # several stages read it
        _PACKED[key] = packed
    return packed


def weights_of(layer: Layer) -> dict[str, Array]:
    """Return the arrays of a layer's weights by their names, without the layer's prefix."""
    return {item.name.removeprefix(layer.prefix): item.array for item in layer.parameters}
