"""Conversion of layers and models from Keras's configurations; `layers_writing` writes them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gru_c import initializers
from gru_c.common.arrays import Shape
from gru_c.common.registry import Registry
from gru_c.common.validation import check_flag, check_integer, check_sample_shape
from gru_c.interop.keras.config import (
    last_word,
    nested,
    options_of,
    read_spec,
    short,
)
from gru_c.layers import CELLS, LAYERS, Layer
from gru_c.layers.base.recurrent import Recurrent
from gru_c.layers.base.rnn_cell import RNNCell
from gru_c.network.layer_checks import check_for_network
from gru_c.recurrence.cell import ActivationLike
from gru_c.saving.contents import check_specs

CLASSES = {**LAYERS, **CELLS}

# Options that Keras lacks: those that do not change results, and those that do unless they have
# this value.
_HARMLESS = {"time_major", "checkpoint_every", "input_shape", "batch_size"}
GRU_C_ONLY = {"zoneout": 0.0, "clip": None, "inference_weights": "float32"}
NOT_COPIED = {*_HARMLESS, *GRU_C_ONLY, "name", "dtype", "seed", "weights"}
# A description without weights has these of a layer beside Keras's configuration, under this key.
EXTRA, EXTRAS = "gru_c", ("checkpoint_every", "seed")


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
    graph : Functional or None
        The model of a graph, with new weights; None for a row of layers.
    """

    name: str
    input_shape: Shape
    layers: list[Layer]
    class_names: list[str]
    trainable: bool = True
    graph: Any = None


class Origin(NamedTuple):
    """The source of configurations.

    Attributes
    ----------
    version : str
        The version of Keras.
    has_weights : bool
        True for a file, in which initializers do not matter; False for a description alone.
    custom_objects : dict
        The user's classes of layers by their names.
    in_graph : bool
        True for layers of a graph, which may return their states.
    """

    version: str
    has_weights: bool = True
    custom_objects: Mapping[str, Any] = {}
    in_graph: bool = False


# ---- reading ------------------------------------------------------------------------------------


def model_of(spec: Any, origin: Origin) -> KerasModel:
    """Return the layers of a Sequential or of a functional model.

    Parameters
    ----------
    spec : dict
        Keras's configuration of the model.
    origin : Origin

    Raises
    ------
    ValueError
        When the model has a layer, an argument of a call or an option that gru_c lacks.
    """
    old = isinstance(spec, dict) and isinstance(spec.get("config"), list)  # Keras 2.2 and before
    class_name, config = read_spec({**spec, "config": {"layers": spec["config"]}} if old else spec)
    if class_name not in ("Sequential", "Functional", "Model"):
        raise ValueError(f"the file holds a {class_name!r}, not a Sequential model")
    specs = config.get("layers")
    if not isinstance(specs, list) or not specs:
        raise ValueError("the model's configuration has no layers")
    check_specs(specs)
    if class_name != "Sequential" and not _is_chain(config, specs):
        return _graph_model(config, origin)
    if class_name != "Sequential":
        _check_calls(specs)
    first_name, first = read_spec(specs[0])
    if first_name == "InputLayer":
        options_of(first, {"trainable"})  # has no effect on an input
        specs = specs[1:]
    input_shape = _input_shape(first, config, origin)
    shape = input_shape
    layers: list[Layer] = []
    for layer_spec in specs:
        layers.append(_layer_of(layer_spec, len(shape), origin))
        shape = layers[-1].compute_output_shape(shape) if shape else ()
    name = config.get("name", "sequential")
    class_names = [layer_spec["class_name"] for layer_spec in specs]
    trainable = check_flag("trainable of the model", config.get("trainable", True))
    return KerasModel(str(name), input_shape, layers, class_names, trainable)


def _input_shape(first: dict[str, Any], config: dict[str, Any], origin: Origin) -> Shape:
    """Return the input's shape in the configuration of the first layer or of the model.

    It is () for a description of a model that was never built.
    """
    shape = first.get("batch_shape") or first.get("batch_input_shape")
    shape = shape or config.get("build_input_shape") or None
    if shape is None and not origin.has_weights:
        return ()
    if not isinstance(shape, (list, tuple)) or not shape:
        raise ValueError(f"the model has no input shape, so it was never built: {shape!r}")
    if origin.has_weights:  # a file's weights are for any size of a batch
        return (None, *check_sample_shape(shape[1:]))
    return (check_integer("batch size", shape[0], 1, optional=True), *check_sample_shape(shape[1:]))


def _layer_of(spec: Any, rank: int, origin: Origin) -> Layer:
    """Return a layer, whose input has `rank` axes; 0 if that is not known."""
    if isinstance(spec, dict) and _is_ours(spec, origin):
        return _layer_of_user(spec, origin)
    class_name, config = read_spec(spec)
    extra = spec.get(EXTRA)
    try:
        if not isinstance(config.get("name"), str):
            raise ValueError("it has no name")
        if class_name == "Lambda":
            raise ValueError("it is code, and nothing from a file is executed")
        if class_name not in CLASSES:
            raise ValueError(f"gru_c has no such layer; it has {', '.join(sorted(LAYERS))}")
        arguments = _arguments(class_name, config, rank, origin)
        if isinstance(extra, dict) and not origin.has_weights:
            arguments |= {name: extra[name] for name in EXTRAS if name in extra}
        layer = CLASSES[class_name](**arguments)
        if class_name not in CELLS and not origin.in_graph:
            check_for_network(layer)
    except (ValueError, TypeError) as error:
        raise ValueError(f"layer {config.get('name')!r} ({class_name}): {error}") from error
    return layer


def _layer_of_user(spec: dict[str, Any], origin: Origin) -> Layer:
    """Return a layer of a class of the user, or as `registry.serialize` describes it."""
    class_name, config = spec.get("class_name"), dict(spec.get("config") or {})
    table: dict[str, type[Layer]] = {**CLASSES, **origin.custom_objects}
    registry = Registry("layer", table, Layer)
    parameters = inspect.signature(registry.find(str(class_name))).parameters
    if "module" in spec:  # written by Keras
        if not any(item.kind is item.VAR_KEYWORD for item in parameters.values()):
            config = options_of(config, parameters)
        config = {name: nested(name, value) for name, value in config.items()}
    if "dtype" in config:
        config["dtype"] = _dtype_of(config["dtype"])
    return registry.get({"class_name": class_name, "config": config})


def _is_ours(spec: dict[str, Any], origin: Origin) -> bool:
    """Return True for a layer as `registry.serialize` describes it, or of a class of the user."""
    if spec.get("class_name") in origin.custom_objects:
        return True
    return not origin.has_weights and origin.version[:1] == "3" and "module" not in spec


def _arguments(
    class_name: str, config: dict[str, Any], rank: int, origin: Origin
) -> dict[str, Any]:
    """Return the arguments for a layer of gru_c."""
    known_names = set(inspect.signature(CLASSES[class_name]).parameters) - NOT_COPIED
    arguments = {"name": config["name"], "dtype": _dtype_of(config.get("dtype"))}
    if class_name in ("GRU", "GRUCell"):  # Keras before 2.1: no option, computes as with False
        arguments["reset_after"] = False
    old_names = CLASSES[class_name]._renamed  # Keras 2 writes LeakyReLU(alpha=...)
    options = {old_names.get(name, name): value for name, value in config.items()}
    for name, value in options_of(options, known_names).items():
        kind = last_word(name)
        if kind == "initializer":
            arguments |= _initializer(name, value, origin)
        elif kind == "activation":
            arguments[name] = _activation(class_name, name, value, origin.version)
        elif name in ("cell", "cells"):
            cells = value if isinstance(value, list) else [value]
            read = [_layer_of(cell, rank, origin) for cell in cells]
            arguments[name] = read if isinstance(value, list) else read[0]
        elif kind == "layer" and class_name == "TimeDistributed":
            arguments[name] = _layer_of(value, max(rank - 1, 0), origin)
        elif kind == "layer":
            arguments[name] = None if value is None else _layer_of(_direction(value), rank, origin)
        elif name == "axis":
            axis = value[0] if isinstance(value, list) and len(value) == 1 else value
            arguments[name] = -1 if axis == rank - 1 else axis
        else:
            arguments[name] = nested(name, value)
    return arguments


def _initializer(name: str, value: Any, origin: Origin) -> dict[str, Any]:
    """Return the initializer as an argument; {} if it is unknown and weights are loaded."""
    try:
        return {name: initializers.get(nested(name, value))}
    except (ValueError, TypeError):
        if origin.has_weights:
            return {}
        raise


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
        if issubclass(CLASSES[class_name], (Recurrent, RNNCell)):
            return (value, 0.2, 0.5)
        raise ValueError(
            f"{name}='hard_sigmoid' of Keras {version} is clip(0.2 x + 0.5, 0, 1), here and in "
            "Keras 3 it is clip(x / 6 + 0.5, 0, 1)"
        )
    return value


def _direction(spec: Any) -> Any:
    """Return a direction of a Bidirectional with its name, without the prefix of the direction."""
    _, config = read_spec(spec)
    name = str(config.get("name")).removeprefix("forward_").removeprefix("backward_")
    return {**spec, "config": {**config, "name": name}}


def _dtype_of(policy: Any) -> str | None:
    """Return the dtype of a layer's weights and computations."""
    if policy is None:
        return None
    name = read_spec(policy)[1].get("name") if isinstance(policy, dict) else policy
    if name not in ("float32", "float64"):
        raise ValueError(f"dtype {name!r}: gru_c computes in float32 or float64")
    return str(name)


def _is_chain(config: dict[str, Any], specs: list[Any]) -> bool:
    """Return True if each layer of a functional model takes the output of the previous."""
    previous: list[str] = []
    for spec in specs:
        name, sources = str(spec.get("name")), _sources(spec.get("inbound_nodes"))
        if sources != previous:
            return False
        previous = [name]
    return _sources(config.get("output_layers")) == previous


def _check_calls(specs: list[Any]) -> None:
    """Raise ValueError for an argument of a call in a chain that changes the results."""
    for spec in specs:
        class_name, config_of_layer = read_spec(spec)
        label = f"layer {str(spec.get('name'))!r} ({class_name})"
        for argument, value in _call_arguments(spec.get("inbound_nodes")):
            _check_call(label, config_of_layer, argument, value)


def _graph_model(config: dict[str, Any], origin: Origin) -> KerasModel:
    """Return the layers of a functional model that is not a chain, in its order."""
    from gru_c.interop.keras.graphs import read_graph  # which the reading of chains does not need

    inside = origin._replace(in_graph=True)
    model, layers = read_graph(config, lambda spec, rank: _layer_of(spec, rank, inside))
    names = {str(spec.get("name")): spec["class_name"] for spec in config["layers"]}
    ordered = [layer for name in names for layer in layers if layer.name == name]
    class_names = [names[str(layer.name)] for layer in ordered]
    trainable = check_flag("trainable of the model", config.get("trainable", True))
    return KerasModel(model.name, (), ordered, class_names, trainable, model)


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
