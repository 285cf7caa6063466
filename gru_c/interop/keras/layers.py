"""Conversion of layers and models from and to Keras's configurations."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, NamedTuple

from gru_c import activations, initializers
from gru_c.common.arrays import Shape
from gru_c.common.validation import check_flag, check_sample_shape
from gru_c.interop.keras.config import (
    as_keras,
    kind_of,
    last_word,
    nested,
    options_of,
    read_spec,
    short,
)
from gru_c.layers import (
    CELLS,
    GRU,
    LAYERS,
    RNN,
    Bidirectional,
    GRUCell,
    Lambda,
    Layer,
    StackedRNNCells,
    TimeDistributed,
)
from gru_c.network.layer_checks import check_for_network
from gru_c.recurrence.cell import ActivationLike
from gru_c.saving.contents import check_specs

_CLASSES = {**LAYERS, **CELLS}

# Options that Keras lacks: those that do not change results, and those that do unless they have
# this value.
_HARMLESS = {"time_major", "checkpoint_every", "input_shape", "batch_size"}
_GRU_C_ONLY = {"zoneout": 0.0, "clip": None, "inference_weights": "float32"}
_NOT_COPIED = {*_HARMLESS, *_GRU_C_ONLY, "name", "dtype", "seed", "weights"}
# The values that a written layer must have; a stateful layer of Keras has a fixed batch size.
_REQUIRED = {**_GRU_C_ONLY, "stateful": False}


class KerasModel(NamedTuple):
    """The description of a model by a configuration, without weights.

    Attributes
    ----------
    name : str
    input_shape : tuple of int or None
        Batch axis first.
    layers : list of Layer
    class_names : list of str
        Keras's names of the layers' classes, after which it names the groups of a file.
    trainable : bool
    """

    name: str
    input_shape: Shape
    layers: list[Layer]
    class_names: list[str]
    trainable: bool = True


# ---- reading ------------------------------------------------------------------------------------


def model_of(spec: Any, version: str) -> KerasModel:
    """Return the layers of a Sequential, or of a functional model that is a chain of layers.

    Parameters
    ----------
    spec : dict
        Keras's configuration of the model.
    version : str
        The version of Keras.

    Raises
    ------
    ValueError
        When the model is not a chain of layers, or has a layer or an option that gru_c lacks.
    """
    old = isinstance(spec, dict) and isinstance(spec.get("config"), list)  # Keras 2.2 and before
    class_name, config = read_spec({**spec, "config": {"layers": spec["config"]}} if old else spec)
    if class_name not in ("Sequential", "Functional", "Model"):
        raise ValueError(f"the file holds a {class_name!r}, not a Sequential model")
    specs = config.get("layers")
    if not isinstance(specs, list) or not specs:
        raise ValueError("the model's configuration has no layers")
    check_specs(specs)
    if class_name != "Sequential":
        _check_chain(config, specs)
    first_name, first = read_spec(specs[0])
    if first_name == "InputLayer":
        options_of(first, {"trainable"})  # has no effect on an input
        specs = specs[1:]
    input_shape = _input_shape(first, config)
    shape = input_shape
    layers: list[Layer] = []
    for layer_spec in specs:
        layers.append(_layer_of(layer_spec, len(shape), version))
        shape = layers[-1].compute_output_shape(shape)
    name = config.get("name", "sequential")
    class_names = [layer_spec["class_name"] for layer_spec in specs]
    trainable = check_flag("trainable of the model", config.get("trainable", True))
    return KerasModel(str(name), input_shape, layers, class_names, trainable)


def _input_shape(first: dict[str, Any], config: dict[str, Any]) -> Shape:
    """Return the input's shape in the configuration of the first layer or of the model."""
    shape = first.get("batch_shape") or first.get("batch_input_shape")
    shape = shape or config.get("build_input_shape") or None
    if not isinstance(shape, list) or not shape:
        raise ValueError(f"the model has no input shape, so it was never built: {shape!r}")
    return (None, *check_sample_shape(shape[1:]))


def _layer_of(spec: Any, rank: int, version: str) -> Layer:
    """Return a layer, whose input has `rank` axes."""
    class_name, config = read_spec(spec)
    try:
        if not isinstance(config.get("name"), str):
            raise ValueError("it has no name")
        if class_name == "Lambda":
            raise ValueError("it is code, and nothing from a file is executed")
        if class_name not in _CLASSES:
            raise ValueError(f"gru_c has no such layer; it has {', '.join(sorted(LAYERS))}")
        layer = _CLASSES[class_name](**_arguments(class_name, config, rank, version))
        if class_name not in CELLS:
            check_for_network(layer)
    except (ValueError, TypeError) as error:
        raise ValueError(f"layer {config.get('name')!r} ({class_name}): {error}") from error
    return layer


def _arguments(class_name: str, config: dict[str, Any], rank: int, version: str) -> dict[str, Any]:
    """Return the arguments for a layer of gru_c."""
    known_names = set(inspect.signature(_CLASSES[class_name]).parameters) - _NOT_COPIED
    arguments = {"name": config["name"], "dtype": _dtype_of(config.get("dtype"))}
    if class_name in ("GRU", "GRUCell"):  # Keras before 2.1: no option, computes as with False
        arguments["reset_after"] = False
    old_names = _CLASSES[class_name]._renamed  # Keras 2 writes LeakyReLU(alpha=...)
    options = {old_names.get(name, name): value for name, value in config.items()}
    for name, value in options_of(options, known_names).items():
        kind = last_word(name)
        if kind == "initializer":
            arguments |= _initializer(name, value)
        elif kind == "activation":
            arguments[name] = _activation(class_name, name, value, version)
        elif name in ("cell", "cells"):
            cells = value if isinstance(value, list) else [value]
            read = [_layer_of(cell, rank, version) for cell in cells]
            arguments[name] = read if isinstance(value, list) else read[0]
        elif kind == "layer" and class_name == "TimeDistributed":
            arguments[name] = _layer_of(value, rank - 1, version)
        elif kind == "layer":
            arguments[name] = None if value is None else _layer_of(_direction(value), rank, version)
        elif name == "axis":
            axis = value[0] if isinstance(value, list) and len(value) == 1 else value
            arguments[name] = -1 if axis == rank - 1 else axis
        else:
            arguments[name] = nested(name, value)
    return arguments


def _initializer(name: str, value: Any) -> dict[str, Any]:
    """Return the initializer as an argument; {} if it is unknown, since weights are loaded."""
    try:
        return {name: initializers.get(nested(name, value))}
    except (ValueError, TypeError):
        return {}


def _activation(class_name: str, name: str, value: Any, version: str) -> ActivationLike:
    """Return the activation that the option `name` of a class has in this version of Keras."""
    if value is None:
        return "linear"
    if not isinstance(value, str):
        raise ValueError(f"{name} must be the name of a function, got {value!r}")
    if value == "hard_sigmoid" and not version[:1].isdigit():
        raise ValueError(
            f"{name}='hard_sigmoid' is clip(0.2 x + 0.5, 0, 1) in Keras 2 and clip(x / 6 + 0.5, 0, "
            "1) in Keras 3, and the file does not say which of them wrote it"
        )
    if value == "hard_sigmoid" and not version.startswith("3"):
        if class_name in ("GRU", "GRUCell"):
            return (value, 0.2, 0.5)
        raise ValueError(
            f"{name}='hard_sigmoid' of Keras {version} is clip(0.2 x + 0.5, 0, 1), here and in "
            "Keras 3 it is clip(x / 6 + 0.5, 0, 1)"
        )
    return value


def _direction(spec: Any) -> Any:
    """Return a direction of a Bidirectional with its name, without the prefix of the direction."""
    class_name, config = read_spec(spec)
    name = str(config.get("name")).removeprefix("forward_").removeprefix("backward_")
    return {"class_name": class_name, "config": {**config, "name": name}}


def _dtype_of(policy: Any) -> str | None:
    """Return the dtype of a layer's weights and computations."""
    if policy is None:
        return None
    name = read_spec(policy)[1].get("name") if isinstance(policy, dict) else policy
    if name not in ("float32", "float64"):
        raise ValueError(f"dtype {name!r}: gru_c computes in float32 or float64")
    return str(name)


def _check_chain(config: dict[str, Any], specs: list[Any]) -> None:
    """Raise ValueError unless each layer of a functional model takes the output of the previous."""
    previous: list[str] = []
    for spec in specs:
        class_name, config_of_layer = read_spec(spec)
        name, sources = str(spec.get("name")), _sources(spec.get("inbound_nodes"))
        if sources != previous:
            raise ValueError(
                f"layer {name!r} ({class_name}) takes {', '.join(sources) or 'nothing'}, where a "
                f"chain has it take {', '.join(previous) or 'nothing'}: of functional models gru_c "
                "reads chains only"
            )
        for argument, value in _call_arguments(spec.get("inbound_nodes")):
            _check_call(f"layer {name!r} ({class_name})", config_of_layer, argument, value)
        previous = [name]
    if _sources(config.get("output_layers")) != previous:
        raise ValueError("the model has other outputs than that of its last layer")


def _sources(value: Any) -> list[str]:
    """Return the names of the layers whose outputs a part of a configuration refers to."""
    if isinstance(value, dict):
        history = value.get("keras_history")
        return _sources(history if history else list(value.values()))
    if not isinstance(value, list):
        return []
    if len(value) > 2 and isinstance(value[0], str) and isinstance(value[1], int):
        return [value[0], *_sources(value[3:])]  # name, node, tensor; in Keras 2 also arguments
    return [source for item in value for source in _sources(item)]


def _call_arguments(nodes: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of the arguments of a layer's calls besides its input."""
    if isinstance(nodes, dict):  # Keras 3
        arguments, named = nodes.get("args"), nodes.get("kwargs")
        for number, value in enumerate(arguments[1:] if isinstance(arguments, list) else (), 2):
            yield f"argument {number}", value
        for argument, value in (named if isinstance(named, dict) else {}).items():
            if argument != "training":  # which fit and predict of Keras 3 override
                yield argument, value
    elif isinstance(nodes, list):
        if len(nodes) == 4 and isinstance(nodes[0], str) and isinstance(nodes[3], dict):  # Keras 2
            yield from nodes[3].items()
        for node in nodes:
            if isinstance(node, (list, dict)):
                yield from _call_arguments(node)


def _check_call(label: str, config: dict[str, Any], argument: str, value: Any) -> None:
    """Raise ValueError for an argument of a call that changes the layer's results.

    In Keras 2, ``training=True`` makes dropout active in `predict`, too; False turns it off in
    `fit`. `label` names the layer in the message.
    """
    drops = any(config.get(name) for name in ("rate", "dropout", "recurrent_dropout"))
    harmless = not drops if argument == "training" else value is False
    if value is not None and not harmless:
        raise ValueError(
            f"{label} is called with {argument}={short(value)}, which gru_c has no equivalent for"
        )


# ---- writing ------------------------------------------------------------------------------------


def model_as_keras(
    name: str, input_shape: Shape, layers: list[Layer], trainable: bool
) -> dict[str, Any]:
    """Return Keras's configuration of a Sequential.

    All layers of a frozen model are written as frozen, since Keras ignores the flag of the model.

    Raises
    ------
    ValueError
        When a layer or an option is not known to Keras; the message names the first one.
    """
    names = {layer.name for layer in layers}
    input_name = "input_layer"
    while input_name in names:
        input_name += "_"
    shape = list(input_shape)
    dtype = layers[0].dtype
    first = as_keras(
        "keras.layers",
        "InputLayer",
        {
            "batch_shape": shape,
            "dtype": "string" if layers[0].takes_texts else dtype,
            "name": input_name,
        },
    )
    config = {
        "name": name,
        "trainable": trainable,
        "dtype": dtype,
        "layers": [first, *(_layer_as_keras(layer, trainable) for layer in layers)],
        "build_input_shape": shape,
    }
    return {**as_keras("keras", "Sequential", config), "build_config": {"input_shape": shape}}


def _layer_as_keras(layer: Layer, trainable: bool) -> dict[str, Any]:
    """Return Keras's configuration of a layer; `trainable` is that of the model."""
    class_name = type(layer).__name__
    label = f"layer {layer.label!r} ({class_name})"
    if isinstance(layer, Lambda):
        raise ValueError(f"{label}: {Lambda.instead_of_saving.removeprefix('. ')}")
    if _CLASSES.get(class_name) is not type(layer):
        raise ValueError(f"{label}: Keras has no such layer")
    for name, required in _REQUIRED.items():
        if getattr(layer, name, required) != required:
            raise ValueError(f"{label}: a Keras file has no {name}={getattr(layer, name)!r}")
    config: dict[str, Any] = {"name": layer.label, "dtype": layer.dtype}
    for name, value in layer.get_config().items():
        if name not in _NOT_COPIED and _is_written(label, name, getattr(layer, name)):
            config[name] = value
    config["trainable"] = trainable and layer.trainable
    if class_name == "SpatialDropout1D":  # takes no such argument in Keras
        del config["trainable"]
    if isinstance(layer, Bidirectional):
        if len({direction.units for direction in layer.directions}) > 1:
            raise ValueError(f"{label}: Keras wants as many units in both directions")
        forward, backward = layer.directions
        config["layer"] = _layer_as_keras(forward, trainable)
        config["backward_layer"] = _layer_as_keras(backward, trainable)
    if isinstance(layer, RNN):
        config["cell"] = _layer_as_keras(layer.cell, trainable)
    if isinstance(layer, StackedRNNCells):
        config["cells"] = [_layer_as_keras(cell, trainable) for cell in layer.cells]
    if isinstance(layer, TimeDistributed):
        config["layer"] = _layer_as_keras(layer.layer, trainable)
    function = getattr(layer, "activation_function", None)
    if function is not None and activations.ACTIVATIONS.get(function.name) is not function:
        raise ValueError(f"{label}: Keras has no activation {function.name!r} of one's own")
    if isinstance(layer, (GRU, GRUCell)):
        for option in ("activation", "recurrent_activation"):
            gru = layer if isinstance(layer, GRU) else layer.layer
            config[option] = _activation_name(label, option, gru)
    return as_keras("keras.layers", class_name, config)


def _activation_name(label: str, option: str, layer: GRU) -> str:
    """Return the name of an activation; raise ValueError if Keras's of that name differs."""
    activation = getattr(layer, option)
    name = activation if isinstance(activation, str) else activation[0]
    default = GRU(1, activation=name, recurrent_activation=name).cell
    if name not in activations.ACTIVATIONS or getattr(default, option) != getattr(
        layer.cell, option
    ):
        raise ValueError(f"{label}: Keras has no {option}={activation!r}")
    return str(name)


def _is_written(label: str, name: str, value: Any) -> bool:
    """Return True if an option's value is written; ValueError for an object that Keras lacks."""
    kind = kind_of(name)
    if isinstance(value, initializers.Constant) and value.is_array:
        return False
    if kind is None or value is None or type(value) in kind[2].values():
        return True
    if kind[0] == "initializer":
        return False  # the file has the weights themselves
    raise ValueError(f"{label}: Keras has no {kind[0]} {value!r}")
