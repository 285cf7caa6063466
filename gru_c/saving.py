"""Models in safetensors files: weights and optimizer state as tensors, the rest as JSON.

The metadata of a file holds ``format`` ("gru_c"), ``format_version`` and ``model``, the JSON of the
model's configuration. A weight's tensor is named ``layer/weight``, a slot of the optimizer
``optimizer/slot/layer/weight``. Reading looks class names up in this package's own tables; nothing
from a file is executed.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

from gru_c import initializers, losses, metrics, optimizers
from gru_c._attributes import assign
from gru_c._names import deserialize, serialize
from gru_c.layers import LAYERS, Layer
from gru_c.layers.base import Shape, check_sample_shape
from gru_c.parameters import GivenWeights

if TYPE_CHECKING:
    from gru_c.model import Sequential

Array = npt.NDArray[Any]

FORMAT_VERSION = 1
MAX_LAYERS = 1000  # of a model in a file; names are compared with each other
# Suffixes of other formats, and the module that knows them.
_FOREIGN_SUFFIXES = {
    ".keras": "gru_c.interop.keras",
    ".h5": "gru_c.interop.keras",
    ".hdf5": "gru_c.interop.keras",
    ".pt": "gru_c.interop.torch",
    ".pth": "gru_c.interop.torch",
    ".onnx": "gru_c.interop.onnx",
    ".npz": "",
}


# ---- writing ------------------------------------------------------------------------------------


def save_model(model: Sequential, path: str | os.PathLike[str], include_optimizer: bool) -> None:
    """Write a model; see `Sequential.save`."""
    target = Path(path)
    check_target(target)
    tensors, metadata = contents(model, include_optimizer)
    if include_optimizer:
        tensors.update(slot_tensors(model))
    write_tensors(target, tensors, metadata)


def check_target(target: Path) -> None:
    """Raise ValueError for a path that stands for another format."""
    if target.suffix.lower() in _FOREIGN_SUFFIXES:
        raise ValueError(
            f"save writes a safetensors file, which should not be named {target.name!r}: "
            f"take {target.with_suffix('.safetensors').name!r}{_other_way(target, ', or')}"
        )


def contents(
    model: Sequential, include_optimizer: bool = False
) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the weights and the metadata of a file."""
    model.require_built("save")
    require_names(model.layers)
    tensors = {
        f"{layer.name}/{parameter.name}": parameter.array
        for layer in model.layers
        for parameter in layer.parameters
    }
    metadata = {
        "format": "gru_c",
        "format_version": str(FORMAT_VERSION),
        "model": json.dumps(_model_config(model, include_optimizer)),
    }
    return tensors, metadata


def write_tensors(target: Path, tensors: Mapping[str, Array], metadata: dict[str, str]) -> None:
    """Write a safetensors file, the whole or nothing."""
    from safetensors.numpy import save

    write_whole(target, save({k: np.ascontiguousarray(v) for k, v in tensors.items()}, metadata))


def _model_config(model: Sequential, include_optimizer: bool) -> dict[str, Any]:
    config: dict[str, Any] = {
        "name": model.name,
        "dtype": model.dtype,
        "trainable": model.trainable,
        "input_shape": list(model.input_shape or ()),  # a built model knows it
        "layers": [plain_config(layer, f"layer {layer.name!r}") for layer in model.layers],
    }
    if model.optimizer is None and model.loss is None:
        return config
    try:
        config["compile"] = _compile_config(model)
    except ValueError:
        # A loss, metric or rate that is a function: the weights can be kept without it.
        if include_optimizer:
            raise
    if include_optimizer and model.optimizer is not None:
        config["iterations"] = model.optimizer.iterations
    return config


def _compile_config(model: Sequential) -> dict[str, Any]:
    return {
        "optimizer": model.optimizer and plain_config(model.optimizer, "the optimizer"),
        "loss": None if model.loss is None else plain_config(model.loss, "the loss"),
        "metrics": [plain_config(item, f"metric {item.name!r}") for item in model.metrics],
    }


def plain_config(obj: object, what: str) -> dict[str, Any]:
    """Return the object's class name and configuration; ValueError when JSON cannot hold it.

    Without initial values that are arrays: a file has the weights.
    """
    try:
        spec: dict[str, Any] = _without_arrays(serialize(obj))
        json.dumps(spec, default=lambda value: _refuse(value, spec["config"]))
    except TypeError as error:
        raise ValueError(f"{what} cannot be described in a file: {error}") from None
    return spec


def _refuse(value: object, config: Mapping[str, Any]) -> NoReturn:
    """Raise TypeError for a value that JSON does not know, with the argument that holds it."""
    names = [name for name, argument in config.items() if argument is value] or ["an argument"]
    kind = "function" if callable(value) else "object of another library or the user's"
    raise TypeError(f"{names[0]} is {value!r}, a {kind}, and a file cannot hold what that does")


def _without_arrays(config: Any) -> Any:
    """Return nested configurations without the `Constant` initializers that hold arrays."""
    if not isinstance(config, dict):
        return config
    return {key: _without_arrays(value) for key, value in config.items() if not _is_array(value)}


def _is_array(value: Any) -> bool:
    """Whether this is the configuration of a `Constant` that holds an array."""
    return (
        isinstance(value, dict)
        and value.get("class_name") == initializers.Constant.__name__
        and isinstance(value.get("config", {}).get("value"), list)
    )


def slot_tensors(model: Sequential) -> dict[str, Array]:
    """Return the optimizer's state as tensors, weight by weight."""
    if model.optimizer is None:
        raise ValueError("include_optimizer=True, but the model has no optimizer: compile it first")
    model.optimizer.build(model.parameters)
    return {
        f"optimizer/{slot}/{name}": view
        for slot, flat in model.optimizer.slots.items()
        for name, view in zip(weight_names(model), model.parameters.views(flat), strict=True)
    }


def weight_names(model: Sequential) -> list[str]:
    """Return the names of the weights' tensors, in the order of the model's parameters."""
    return [f"{layer.name}/{item.name}" for layer in model.layers for item in layer.parameters]


def _other_way(path: Path, words: str) -> str:
    """Name the module that knows the format that a path's suffix stands for, if there is one."""
    module = _FOREIGN_SUFFIXES.get(path.suffix.lower())
    return f"{words} {module} for that format" if module else ""


def write_whole(target: Path, content: bytes) -> None:
    """Write the whole file or nothing: into another file first, which then takes the name.

    A file that is replaced keeps its permissions, and the links to it. What is not a regular file,
    such as a pipe, is written to.
    """
    target = target.resolve()
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {os.fspath(target.parent)!r} to save in")
    if target.is_dir():
        raise IsADirectoryError(f"{os.fspath(target)!r} is a folder: name a file in it")
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
    temporary = target.with_name(f".{target.name}.{os.urandom(16).hex()}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(target.stat().st_mode)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


# ---- reading ------------------------------------------------------------------------------------


def load_model(path: str | os.PathLike[str]) -> Sequential:
    """Read a model that `Sequential.save` wrote.

    It is compiled as it was, unless its loss, metrics or learning rate were functions of the
    user's; with the optimizer's state if the file holds it.

    Parameters
    ----------
    path : path

    Returns
    -------
    Sequential

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is damaged, truncated, of another format, of a newer version of this format,
        or its content does not fit together: the message says which.

    Examples
    --------
    >>> import os, tempfile
    >>> import gru_c
    >>> model = gru_c.Sequential([gru_c.Input((5, 2)), gru_c.GRU(3)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     model.save(path)
    ...     again = gru_c.load_model(path)
    >>> again.count_params()
    63
    """
    return read_model(path)[0]


def read_model(
    path: str | os.PathLike[str],
) -> tuple[Sequential, dict[str, Array], dict[str, str]]:
    """Read a model as `load_model` does, and return it with all tensors and the metadata."""
    tensors, metadata = read_tensors(Path(path))
    try:
        config = checked_config(metadata)
        model = _rebuild(config, tensors)
        _compile(model, config, tensors)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error
    return model, tensors, metadata


def read_tensors(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Return what a safetensors file holds; ValueError where it is none or damaged."""
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        raise FileNotFoundError(f"there is no file {os.fspath(path)!r}")
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{os.fspath(path)} is no readable safetensors file: it is truncated, damaged or of "
            f"another format ({error}){_other_way(path, ': take')}"
        ) from error


def checked_config(metadata: dict[str, str]) -> dict[str, Any]:
    """Return the configuration of a model; ValueError unless it has what one must have."""
    if metadata.get("format") != "gru_c":
        raise ValueError(
            "a safetensors file, but not of a gru_c model: its metadata has no format 'gru_c'"
        )
    version = metadata.get("format_version", "")
    if not version.isdigit() or int(version) < 1:
        raise ValueError(f"the format version is damaged: {version!r}")
    if int(version) > FORMAT_VERSION:
        raise ValueError(
            f"written in format version {version}, this gru_c reads up to {FORMAT_VERSION}: "
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


def _rebuild(config: dict[str, Any], tensors: dict[str, Array]) -> Sequential:
    """Make the layers, compare the weights they want with those in the file, then build."""
    from gru_c.model import Sequential

    batch, *sample_shape = config["input_shape"] or [0]
    if batch is not None:
        raise ValueError(f"the model's input_shape is damaged: {config['input_shape']}")
    input_shape = (None, *check_sample_shape(sample_shape))
    specs = check_specs(config["layers"])
    layers = [deserialize("layer", spec, LAYERS) for spec in specs]
    wanted = wanted_shapes(layers, input_shape)
    given = {name: array.shape for name, array in tensors.items() if _is_of_model(name)}
    compare_shapes("tensor", wanted, given)
    _require_floats({name: tensors[name] for name in wanted})
    weights = GivenWeights((tensors[name] for name in wanted), fresh=True)
    model = Sequential(
        name=config["name"], dtype=config["dtype"], trainable=config.get("trainable", True)
    )
    return assemble(model, layers, input_shape, weights)


def _is_of_model(name: str) -> bool:
    """Whether a tensor must be a weight: those of runs, optimizers and forecasters are no weights.

    They are named ``run:n``, or with more parts between slashes.
    """
    return name.count("/") == 1 or ("/" not in name and not name.startswith("run:"))


def _require_floats(tensors: Mapping[str, Array]) -> None:
    """Raise ValueError for a tensor of integers or booleans."""
    for name, array in tensors.items():
        if array.dtype.kind != "f":
            raise ValueError(f"the tensor {name!r} must hold floats, got {array.dtype}")


def check_specs(specs: list[Any]) -> list[Any]:
    """Return the layers' configurations; ValueError when they are too many."""
    if len(specs) > MAX_LAYERS:
        raise ValueError(f"the model has {len(specs)} layers, more than {MAX_LAYERS}")
    return specs


def wanted_shapes(layers: Sequence[Layer], input_shape: Shape) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights of layers that are not built yet, as ``layer/weight``.

    What a file claims is compared with these before any memory is taken.

    Raises
    ------
    ValueError
        When a layer cannot take what the one before it gives, or two have the same name.
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
    """Raise ValueError where two layers have the same name, or one has none."""
    for label, count in Counter(layer.name for layer in layers).items():
        if label is None:
            raise ValueError("a layer has no name: put it into the model with add")
        if count > 1:
            raise ValueError(f"{count} layers have the name {label!r}")


def compare_shapes(
    what: str, wanted: Mapping[str, tuple[int, ...]], given: Mapping[str, tuple[int, ...]]
) -> None:
    """Raise ValueError unless the file has all weights that are wanted, and no others.

    `what` is what the format calls them, for the message.
    """
    for name, shape in wanted.items():
        if name not in given:
            raise ValueError(f"the {what} {name!r} is missing")
        if tuple(given[name]) != shape:
            raise ValueError(f"the {what} {name!r} has shape {given[name]}, not {shape}")
    extra = sorted(set(given) - set(wanted))
    if extra:
        raise ValueError(f"the {what} {extra[0]!r} belongs to no layer of the model")


def assemble(
    model: Sequential, layers: Sequence[Layer], input_shape: Shape, weights: GivenWeights
) -> Sequential:
    """Add the layers and build them of a file's weights, once their shapes are known to fit."""
    for layer in layers:
        assign(layer, input_shape=None)  # the model's configuration has it
        model.add(layer)
    model.build_of(input_shape, weights)
    return model


def _compile(model: Sequential, config: dict[str, Any], tensors: dict[str, Array]) -> None:
    """Compile as the configuration says, with the optimizer's state if there is one."""
    spec = config.get("compile")
    if spec is None:
        return
    if not isinstance(spec, dict) or not {"optimizer", "loss", "metrics"} <= set(spec):
        raise ValueError("the compile configuration is damaged")
    model.compile(
        None if spec["optimizer"] is None else optimizers.get(spec["optimizer"]),
        None if spec["loss"] is None else losses.get(spec["loss"]),
        [metrics.get(item) for item in spec["metrics"]],
    )
    if "iterations" in config:
        fill_optimizer(model, config["iterations"], tensors)


def fill_optimizer(model: Sequential, iterations: object, tensors: dict[str, Array]) -> None:
    """Give the optimizer the state of `slot_tensors`; ValueError where that does not fit."""
    optimizer = model.optimizer
    if optimizer is None or not isinstance(iterations, int) or iterations < 0:
        raise ValueError(f"the optimizer's number of steps is damaged: {iterations!r}")
    optimizer.build(model.parameters)
    names = weight_names(model)
    items = model.parameters.items
    wanted = {
        f"optimizer/{slot}/{name}": item.array.shape
        for slot in optimizer.slots
        for name, item in zip(names, items, strict=True)
    }
    given = {k: v.shape for k, v in tensors.items() if k.count("/") == 3}
    compare_shapes("tensor", wanted, given)
    _require_floats({name: tensors[name] for name in wanted})
    for slot, flat in optimizer.slots.items():
        for name, view in zip(names, model.parameters.views(flat), strict=True):
            view[...] = tensors[f"optimizer/{slot}/{name}"]
    optimizer.iterations = iterations
