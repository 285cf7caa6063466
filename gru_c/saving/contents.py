"""The contents of a model's file: the configuration, the tensors and their names."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gru_c.common.arrays import Array, Shape
from gru_c.layers import Layer
from gru_c.losses import OutputLosses
from gru_c.network.network import Network
from gru_c.saving.files import plain_config, read_tensors, write_tensors
from gru_c.saving.graph_description import describe_layers, graph_of, settings_of_outputs

FORMAT_VERSION = 1
GRAPH_VERSION = 2  # of files that hold a graph
MAX_LAYERS = 1000  # layers in a file, because `Sequential.add` compares each name with all others


# ---- writing ------------------------------------------------------------------------------------


def save_model(model: Network, target: Path, include_optimizer: bool | None) -> None:
    """Write a model to a safetensors file, by default without the optimizer's state."""
    tensors, metadata = contents(model, bool(include_optimizer))
    if include_optimizer:
        tensors.update(slot_tensors(model))
    write_tensors(target, tensors, metadata)


def save_weights(model: Network, target: Path) -> None:
    """Write a model to a safetensors file without the optimizer's state."""
    model.require_built("save_weights")
    save_model(model, target, include_optimizer=False)


def contents(
    model: Network, include_optimizer: bool = False
) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the weights of a model and the metadata of its file."""
    model.require_built("save")
    require_names(model.layers)
    arrays = [parameter.array for layer in model.layers for parameter in layer.parameters]
    tensors = dict(zip(weight_names(model), arrays, strict=True))
    version = FORMAT_VERSION if graph_of(model) is None else GRAPH_VERSION
    metadata = {
        "format": "gru_c",
        "format_version": str(version),
        "model": json.dumps(_model_config(model, include_optimizer)),
    }
    return tensors, metadata


def _described(layer: Layer) -> dict[str, Any]:
    return plain_config(layer, f"layer {layer.name!r}")


def _model_config(model: Network, include_optimizer: bool) -> dict[str, Any]:
    config = describe_layers(model, _described)
    if model.optimizer is None and model.loss is None:
        return config
    try:
        config["compile"] = _compile_config(model)
    except ValueError:
        # A loss, metric or rate is a function; without the optimizer the weights are enough.
        if include_optimizer:
            raise
    if include_optimizer and model.optimizer is not None:
        config["iterations"] = model.optimizer.iterations
    return config


def _compile_config(model: Network) -> dict[str, Any]:
    if isinstance(model.loss, OutputLosses):
        return {
            "optimizer": model.optimizer and plain_config(model.optimizer, "the optimizer"),
            **settings_of_outputs(model),
        }
    config: dict[str, Any] = {
        "optimizer": model.optimizer and plain_config(model.optimizer, "the optimizer"),
        "loss": None if model.loss is None else plain_config(model.loss, "the loss"),
        "metrics": [plain_config(item, f"metric {item.name!r}") for item in model.plain_metrics],
    }
    if model.loss_weight != 1:  # left out if unused, so that older versions can read the file
        config["loss_weights"] = model.loss_weight
    if model.weighted_metrics:
        items = model.weighted_metrics
        config["weighted_metrics"] = [plain_config(item, f"metric {item.name!r}") for item in items]
    return config


def slot_tensors(model: Network) -> dict[str, Array]:
    """Return the optimizer's state as one tensor per slot and weight."""
    if model.optimizer is None:
        raise ValueError("include_optimizer=True, but the model has no optimizer: compile it first")
    model.optimizer.build(model.parameters)
    return {
        f"optimizer/{slot}/{name}": view
        for slot, flat in model.optimizer.slots.items()
        for name, view in zip(weight_names(model), model.parameters.views(flat), strict=True)
    }


def weight_names(model: Network) -> list[str]:
    """Return the names of the weights' tensors, in the order of the model's parameters."""
    return [f"{layer.name}/{label}" for layer in model.layers for label in layer.weight_labels]


# ---- reading ------------------------------------------------------------------------------------


def load_weights(model: Network, path: Path) -> None:
    """Set the weights of a model to those in a safetensors file, which must have their names.

    Raises
    ------
    FileNotFoundError, ValueError
        When the file does not exist, is damaged, or does not hold exactly these weights.
    """
    model.require_built("load_weights")
    tensors, metadata = read_tensors(path)
    try:
        checked_config(metadata)
        names = weight_names(model)
        tensors = _with_names_of(model, tensors)
        wanted = zip(names, (item.array.shape for item in model.parameters.items), strict=True)
        stored = {name: array.shape for name, array in tensors.items() if is_weight_name(name)}
        compare_shapes("tensor", dict(wanted), stored)
        require_floats({name: tensors[name] for name in names})
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error
    model.set_weights([tensors[name] for name in names])


def _with_names_of(model: Network, tensors: dict[str, Array]) -> dict[str, Array]:
    """Return the tensors by the names in a model, where numbers alone tell its layers' names apart.

    Layers without a name are numbered through the program, so the same model made twice has other
    numbers: gru and gru_1, then gru_2 and gru_3. They correspond in their order.
    """
    stored = dict.fromkeys(name.rpartition("/")[0] for name in tensors if is_weight_name(name))
    layers = [layer for layer in model.layers if layer.parameters]
    mine = [str(layer.name) for layer in layers]
    named = any(not getattr(layer, "named_by_itself", False) for layer in layers)
    if named or set(stored) == set(mine):
        return tensors
    theirs = sorted(stored, key=_base_and_number)
    ours = sorted(mine, key=_base_and_number)
    if [_base_and_number(name)[0] for name in theirs] != [_base_and_number(n)[0] for n in ours]:
        return tensors
    new = dict(zip(theirs, ours, strict=True))
    parts = {name: name.rpartition("/") for name in tensors}
    return {
        f"{new[parts[name][0]]}/{parts[name][2]}" if is_weight_name(name) else name: tensor
        for name, tensor in tensors.items()
    }


def _base_and_number(name: str) -> tuple[str, int]:
    base, _, number = name.rpartition("_")
    return (base, int(number)) if base and number.isdigit() else (name, 0)


def checked_config(metadata: dict[str, str]) -> dict[str, Any]:
    """Return the configuration of a model; ValueError if the format or a key is wrong."""
    if metadata.get("format") != "gru_c":
        raise ValueError(
            "a safetensors file, but not of a gru_c model: its metadata has no format 'gru_c'"
        )
    version = metadata.get("format_version", "")
    if not version.isdigit() or int(version) < 1:
        raise ValueError(f"the format version is damaged: {version!r}")
    if int(version) > GRAPH_VERSION:
        raise ValueError(
            f"written in format version {version}, this gru_c reads up to {GRAPH_VERSION}: "
            "install a newer gru_c"
        )
    try:
        config = json.loads(metadata["model"])
    except (KeyError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"the model's configuration is damaged: {error}") from None
    wanted = {"name": str, "dtype": str, "input_shape": list, "layers": list}
    for key, kind in wanted.items():
        if not isinstance(config, dict) or not isinstance(config.get(key), kind):
            raise ValueError(f"the model's configuration is damaged: no proper {key!r}")
    checked: dict[str, Any] = config
    return checked


def is_weight_name(name: str) -> bool:
    """Return True for the name of a tensor that must be a weight.

    Tensors of runs are named ``run:n``, those of optimizers and forecasters have more slashes.
    """
    return name.count("/") == 1 or ("/" not in name and not name.startswith("run:"))


def require_floats(tensors: Mapping[str, Array]) -> None:
    """Raise ValueError for a tensor of integers or booleans."""
    for name, array in tensors.items():
        if array.dtype.kind != "f":
            raise ValueError(f"the tensor {name!r} must hold floats, got {array.dtype}")


def check_specs(specs: list[Any]) -> list[Any]:
    """Return the layers' configurations; ValueError if there are too many."""
    if len(specs) > MAX_LAYERS:
        raise ValueError(f"the model has {len(specs)} layers, more than {MAX_LAYERS}")
    return specs


def wanted_shapes(layers: Sequence[Layer], input_shape: Shape) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights of layers that are not built yet, by ``layer/weight``.

    The shapes in a file are compared with these before memory is allocated.

    Raises
    ------
    ValueError
        When a layer does not accept the output of the one before it, or two have the same name.
    """
    shape = input_shape
    wanted: dict[str, tuple[int, ...]] = {}
    for layer in layers:
        output_shape = layer.compute_output_shape(shape)  # checks the shape
        for name, weight_shape in layer.weight_shapes(shape).items():
            wanted[f"{layer.name}/{name}"] = weight_shape
        shape = output_shape
    require_names(layers)
    return wanted


def require_names(layers: Sequence[Layer]) -> None:
    """Raise ValueError if two layers have the same name, or one has no name."""
    for label, count in Counter(layer.name for layer in layers).items():
        if label is None:
            raise ValueError("a layer has no name: put it into the model with add")
        if count > 1:
            raise ValueError(f"{count} layers have the name {label!r}")


def compare_shapes(
    noun: str, wanted: Mapping[str, tuple[int, ...]], actual: Mapping[str, tuple[int, ...]]
) -> None:
    """Raise ValueError unless the file has exactly the wanted weights, with these shapes.

    `noun` is the word of the file's format for a weight, for the message.
    """
    for name, shape in wanted.items():
        if name not in actual:
            raise ValueError(f"the {noun} {name!r} is missing")
        if tuple(actual[name]) != shape:
            raise ValueError(f"the {noun} {name!r} has shape {actual[name]}, not {shape}")
    extra = sorted(set(actual) - set(wanted))
    if extra:
        raise ValueError(f"the {noun} {extra[0]!r} belongs to no layer of the model")


def fill_optimizer(model: Network, iterations: object, tensors: dict[str, Array]) -> None:
    """Restore the optimizer's state from `slot_tensors`; ValueError if the tensors do not fit."""
    optimizer = model.optimizer
    if optimizer is None or type(iterations) is not int or iterations < 0:
        raise ValueError(f"the optimizer's number of steps is damaged: {iterations!r}")
    optimizer.build(model.parameters)
    names = weight_names(model)
    items = model.parameters.items
    wanted = {
        f"optimizer/{slot}/{name}": item.array.shape
        for slot in optimizer.slots
        for name, item in zip(names, items, strict=True)
    }
    actual = {k: v.shape for k, v in tensors.items() if k.count("/") == 3}
    compare_shapes("tensor", wanted, actual)
    require_floats({name: tensors[name] for name in wanted})
    for slot, flat in optimizer.slots.items():
        for name, view in zip(names, model.parameters.views(flat), strict=True):
            view[...] = tensors[f"optimizer/{slot}/{name}"]
    optimizer.iterations = iterations
