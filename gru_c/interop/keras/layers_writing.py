"""Conversion of layers and models to Keras's configurations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gru_c import activations, initializers
from gru_c.interop.keras.config import as_keras, kind_of
from gru_c.interop.keras.graphs import graph_as_keras
from gru_c.interop.keras.layers import CLASSES, EXTRA, EXTRAS, GRU_C_ONLY, NOT_COPIED
from gru_c.layers import RNN, Bidirectional, Lambda, Layer, StackedRNNCells, TimeDistributed
from gru_c.layers.base.recurrent import Recurrent
from gru_c.layers.base.rnn_cell import RNNCell
from gru_c.models.functional import Functional
from gru_c.network.network import Network
from gru_c.recurrence.cell import Cell
from gru_c.saving.files import plain_config

_IN_FILES = {"stateful": False}  # a stateful layer of Keras has a fixed batch size


def model_as_keras(model: Network) -> dict[str, Any]:
    """Return Keras's configuration of a built model, whose weights are in a file.

    All layers of a frozen model are written as frozen, since Keras ignores the flag of the model.

    Raises
    ------
    ValueError
        When a layer or an option is not known to Keras; the message names the first one.
    """

    def describe(layer: Layer) -> dict[str, Any]:
        return _layer_as_keras(layer, model.trainable, True)

    if isinstance(model, Functional):
        return graph_as_keras(model, describe)
    return _model_spec(model, [describe(layer) for layer in model.layers])


def description_of(model: Network, own: Callable[[Layer], dict[str, Any]]) -> dict[str, Any]:
    """Return a configuration of a Sequential without weights, which Keras reads.

    A layer that Keras does not have, or not with these options, is described by `own`; Keras then
    refuses the model.
    """
    specs = []
    for layer in model.layers:
        try:
            specs.append(_layer_as_keras(layer, model.trainable, False))
        except ValueError:
            specs.append(own(layer))
    return _model_spec(model, specs)


def _model_spec(model: Network, specs: list[dict[str, Any]]) -> dict[str, Any]:
    shape = None if model.input_shape is None else list(model.input_shape)
    config = {
        "name": model.name,
        "trainable": model.trainable,
        "dtype": model.dtype,
        "layers": [*_inputs(model), *specs],
        "build_input_shape": shape,
    }
    spec = {"class_name": "Sequential", "module": "keras", "config": config}
    return {**spec, "registered_name": None, "build_config": {"input_shape": shape}}


def _inputs(model: Network) -> list[dict[str, Any]]:
    """Return the configuration of the input layer, in a list; [] if the shape is not known."""
    if model.input_shape is None:
        return []
    name = "input_layer"
    while name in {layer.name for layer in model.layers}:
        name += "_"
    takes_texts = bool(model.layers) and model.layers[0].takes_texts
    dtype = "string" if takes_texts else model.dtype
    config = {"batch_shape": list(model.input_shape), "dtype": dtype, "name": name}
    return [as_keras("keras.layers", "InputLayer", config)]


def _layer_as_keras(layer: Layer, trainable: bool, has_weights: bool) -> dict[str, Any]:
    """Return Keras's configuration of a layer.

    Parameters
    ----------
    layer : Layer
    trainable : bool
        `trainable` of the model.
    has_weights : bool
        True if a file holds the weights, too, so that initializers do not matter.
    """
    class_name = type(layer).__name__
    label = f"layer {layer.label!r} ({class_name})"
    if isinstance(layer, Lambda):
        raise ValueError(f"{label}: {Lambda.instead_of_saving.removeprefix('. ')}")
    if has_weights and hasattr(layer, "call"):
        return _layer_of_user_as_keras(layer, trainable)
    if CLASSES.get(class_name) is not type(layer):
        raise ValueError(f"{label}: Keras has no such layer")
    for name, required in {**GRU_C_ONLY, **(_IN_FILES if has_weights else {})}.items():
        if getattr(layer, name, required) != required:
            raise ValueError(f"{label}: a Keras file has no {name}={getattr(layer, name)!r}")
    config: dict[str, Any] = {"name": layer.label, "dtype": layer.dtype}
    given = layer.get_config()
    for name, value in given.items():
        if name not in NOT_COPIED and _is_written(label, name, getattr(layer, name), has_weights):
            config[name] = value
    config["trainable"] = trainable and layer.trainable
    if class_name == "SpatialDropout1D":  # takes no such argument in Keras
        del config["trainable"]
    if isinstance(layer, Bidirectional):
        if len({direction.units for direction in layer.directions}) > 1:
            raise ValueError(f"{label}: Keras wants as many units in both directions")
        forward, backward = layer.directions
        config["layer"] = _layer_as_keras(forward, trainable, has_weights)
        config["backward_layer"] = _layer_as_keras(backward, trainable, has_weights)
    if isinstance(layer, RNN):
        config["cell"] = _layer_as_keras(layer.cell, trainable, has_weights)
    if isinstance(layer, StackedRNNCells):
        config["cells"] = [_layer_as_keras(cell, trainable, has_weights) for cell in layer.cells]
    if isinstance(layer, TimeDistributed):
        config["layer"] = _layer_as_keras(layer.layer, trainable, has_weights)
    function = getattr(layer, "activation_function", None)
    if function is not None and activations.ACTIVATIONS.get(function.name) is not function:
        raise ValueError(f"{label}: Keras has no activation {function.name!r} of one's own")
    if isinstance(layer, (Recurrent, RNNCell)):
        recurrent = layer if isinstance(layer, Recurrent) else layer.layer
        for option in ("activation", "recurrent_activation"):
            if hasattr(recurrent, option):
                config[option] = _activation_name(label, option, recurrent)
    spec = as_keras("keras.layers", class_name, config)
    extra = {name: given[name] for name in EXTRAS if given.get(name) is not None}
    return {**spec, EXTRA: extra} if extra and not has_weights else spec


def _layer_of_user_as_keras(layer: Layer, trainable: bool) -> dict[str, Any]:
    """Return the configuration of a layer with the user's `call`, for `custom_objects`."""
    config = dict(plain_config(layer, f"layer {layer.label!r}")["config"])
    return {
        "module": type(layer).__module__,
        "class_name": type(layer).__name__,
        "config": {**config, "name": layer.label, "trainable": trainable and layer.trainable},
        "registered_name": type(layer).__name__,
    }


def _activation_name(label: str, option: str, layer: Recurrent) -> str:
    """Return the name of an activation; raise ValueError if Keras's of that name differs."""
    activation = getattr(layer, option)
    name = activation if isinstance(activation, str) else activation[0]
    default = Cell.checked(True, name, name, None)
    if name not in activations.ACTIVATIONS or getattr(default, option) != getattr(
        layer.cell, option
    ):
        raise ValueError(f"{label}: Keras has no {option}={activation!r}")
    return str(name)


def _is_written(label: str, name: str, value: Any, has_weights: bool) -> bool:
    """Return True if an option's value is written; ValueError for an object that Keras lacks."""
    kind = kind_of(name)
    if isinstance(value, initializers.Constant) and value.is_array:
        return not has_weights
    if kind is None or value is None or type(value) in kind[2].values():
        return True
    if kind[0] == "initializer" and has_weights:
        return False  # the file has the weights themselves
    raise ValueError(f"{label}: Keras has no {kind[0]} {value!r}")
