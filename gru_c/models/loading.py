"""Reading a model from a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gru_c import losses, metrics, optimizers
from gru_c.common.arrays import Array, Shape
from gru_c.common.attributes import assign
from gru_c.common.registry import Registry
from gru_c.common.user_classes import classes_of_user, with_registered
from gru_c.common.validation import check_flag, check_flags, check_sample_shape
from gru_c.layers import LAYERS, Layer
from gru_c.models.sequential import Sequential
from gru_c.parameters import GivenWeights
from gru_c.saving import contents
from gru_c.saving.contents import (
    check_specs,
    checked_config,
    compare_shapes,
    fill_optimizer,
    is_weight_name,
    require_floats,
    wanted_shapes,
)
from gru_c.saving.files import map_tensors, read_tensors
from gru_c.saving.formats import FileFormat, format_to_read
from gru_c.serving import Predictor
from gru_c.serving.predictor import freeze


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,  # noqa: A002
    safe_mode: bool = True,
    verify: bool | None = None,
) -> Sequential:
    """Read a model that `Sequential.save` wrote, or Keras.

    The model is compiled as the saved one was, unless that had functions of the user as loss,
    metrics or learning rate. The optimizer has its state if the file holds it.

    Parameters
    ----------
    filepath : path
        A ``.safetensors``, or a ``.keras``, ``.h5`` or ``.hdf5`` of Keras; see
        `gru_c.interop.keras.load` for those. The content decides about a file with another suffix.
    custom_objects : dict, optional
        The user's classes of layers, losses, metrics, optimizers, initializers, regularizers and
        constraints by their names; for Keras's files, all but losses, metrics and optimizers.
    compile : bool
        False leaves out the settings of the training and the optimizer's state.
    safe_mode : bool
        Accepted as in Keras; nothing in a file is ever executed.
    verify : bool, optional
        True demands that the contents match the checksum in the file: a ``.safetensors`` without
        one, as earlier versions and other programs write it, and an ``.h5`` are refused. False
        reads a ``.safetensors`` that was changed on purpose. By default the contents are compared
        with the checksum where the file has one.

    Returns
    -------
    Sequential

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If the file is damaged, truncated, in another format or in a newer version of this format,
        or if its contents contradict each other; the message says which.
    ImportError
        If a file of Keras is read and h5py (extra ``keras``) is not installed.

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
    check_flags(compile=compile, safe_mode=safe_mode)
    if verify is not None:
        verify = check_flag("verify", verify)
    reader = format_to_read(filepath).load_model
    assert reader is not None
    custom_objects = with_registered(custom_objects)
    with classes_of_user(custom_objects):
        model: Sequential = reader(Path(filepath), compile, custom_objects or {}, verify)
    return model


def load_predictor(
    path: str | os.PathLike[str],
    *,
    weights: str | None = None,
    mmap: bool = False,
    custom_objects: Mapping[str, Any] | None = None,
    verify: bool | None = None,
) -> Predictor:
    """Read a model that only predicts: that of `load_model`, frozen; see `Sequential.freeze`.

    Neither a loss nor an optimizer nor gradients are made, and the weights are not copied again.

    Parameters
    ----------
    path : path
        As for `load_model`.
    weights : {"float32", "float64", "bfloat16", "int8"}, optional
        See `Sequential.freeze`.
    mmap : bool
        Use the weights of a ``.safetensors`` where they are in the file, so that several processes
        share their memory; each has its own packed copy. The file must not be changed in place
        meanwhile, as ``cp`` would: `Sequential.save` replaces it, which is safe.
    custom_objects : dict, optional
        As for `load_model`.
    verify : bool, optional
        As for `load_model`.

    Returns
    -------
    Predictor

    Raises
    ------
    FileNotFoundError, ValueError, ImportError
        As `load_model` and `Sequential.freeze`; also for ``mmap=True`` and a file of Keras.

    Examples
    --------
    >>> import os, tempfile
    >>> import gru_c
    >>> model = gru_c.Sequential([gru_c.Input((None, 2)), gru_c.GRU(3)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     model.save(path)
    ...     predictor = gru_c.load_predictor(path)
    >>> predictor([[1.0, 2.0], [3.0, 4.0]]).shape
    (3,)
    """
    check_flag("mmap", mmap)
    if not mmap:
        model = load_model(path, custom_objects, compile=False, verify=verify)
        return freeze(model, weights, copied=False)
    if format_to_read(path) is not SAFETENSORS:
        raise ValueError(
            f"mmap=True is for a .safetensors, {os.fspath(path)!r} is a file of another format"
        )
    if verify is not None:
        verify = check_flag("verify", verify)
    custom_objects = with_registered(custom_objects)
    with classes_of_user(custom_objects):
        model, *_ = read_model(
            path, compiled=False, mapped=True, custom_objects=custom_objects, verify=verify
        )
    return freeze(model, weights, copied=False)


def read_model(
    path: str | os.PathLike[str],
    *,
    compiled: bool = True,
    mapped: bool = False,
    custom_objects: Mapping[str, Any] | None = None,
    verify: bool | None = None,
) -> tuple[Sequential, dict[str, Array], dict[str, str]]:
    """Read a safetensors file; return the model, all tensors and the metadata.

    `compiled` compiles the model as the saved one was; `mapped` uses the weights in the file;
    `custom_objects` are the user's classes; `verify` is that of `load_model`.
    """
    own = custom_objects or {}
    tensors, metadata = (map_tensors if mapped else read_tensors)(Path(path), verify)
    try:
        config = checked_config(metadata)
        model = _rebuild(config, tensors, own)
        if compiled:
            _compile(model, config, tensors, own)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error
    return model, tensors, metadata


def _rebuild(
    config: dict[str, Any], tensors: dict[str, Array], own: Mapping[str, Any]
) -> Sequential:
    """Make the layers, compare the shapes of their weights with the file's, then build."""
    if "graph" in config:
        graph: Sequential = _rebuild_graph(config, tensors, own)  # a Functional
        return graph
    batch, *sample_shape = config["input_shape"] or [0]
    if batch is not None and (type(batch) is not int or batch < 1):
        raise ValueError(f"the model's input_shape is damaged: {config['input_shape']}")
    input_shape = (None, *check_sample_shape(sample_shape))
    specs = check_specs(config["layers"])
    layers = [Registry("layer", {**LAYERS, **own}, Layer).get(spec) for spec in specs]
    wanted = wanted_shapes(layers, input_shape)
    stored = {name: array.shape for name, array in tensors.items() if is_weight_name(name)}
    compare_shapes("tensor", wanted, stored)
    require_floats({name: tensors[name] for name in wanted})
    weights = GivenWeights((tensors[name] for name in wanted), fresh=True)
    model = Sequential(
        name=config["name"], dtype=config["dtype"], trainable=config.get("trainable", True)
    )
    assign(model, batch_size=batch)
    return assemble(model, layers, input_shape, weights)


def _rebuild_graph(
    config: dict[str, Any], tensors: dict[str, Array], own: Mapping[str, Any]
) -> Any:
    """Make the model of a graph with the weights of a file."""
    from gru_c.models.functional import Functional  # here, because few programs use it
    from gru_c.models.graph_reading import ModelReader

    reader = ModelReader(Functional, own, tensors)
    model = reader.graph(config)
    stored = {name for name in tensors if is_weight_name(name)}
    extra = sorted(stored - reader.used)
    if extra:
        raise ValueError(f"the tensor {extra[0]!r} belongs to no layer of the model")
    return model


def assemble(
    model: Sequential, layers: Sequence[Layer], input_shape: Shape, weights: GivenWeights
) -> Sequential:
    """Add layers to a model and build them with a file's weights, whose shapes must fit."""
    for layer in layers:
        assign(layer, input_shape=None)  # `build_of` gets the shape of the whole model's input
        model.add(layer)
    model.build_of(input_shape, weights)
    return model


def _compile(
    model: Sequential, config: dict[str, Any], tensors: dict[str, Array], own: Mapping[str, Any]
) -> None:
    """Compile the model as its configuration says, with the optimizer's state if it is stored."""
    spec = config.get("compile")
    if spec is None:
        return
    if not isinstance(spec, dict) or not {"optimizer", "loss", "metrics"} <= set(spec):
        raise ValueError("the compile configuration is damaged")
    if isinstance(spec["loss"], list):
        model.compile(
            None if spec["optimizer"] is None else optimizers.get(_made(spec["optimizer"], own)),
            [None if item is None else losses.get(_made(item, own)) for item in spec["loss"]],
            [[metrics.get(_made(m, own)) for m in row] for row in spec["metrics"]],
            spec.get("loss_weights"),
            [[metrics.get(_made(m, own)) for m in row] for row in spec["weighted_metrics"]],
        )
    else:
        _compile_one(model, spec, own)
    if "iterations" in config:
        fill_optimizer(model, config["iterations"], tensors)


def _compile_one(model: Sequential, spec: dict[str, Any], own: Mapping[str, Any]) -> None:
    """Compile a model of one output as its configuration says."""
    model.compile(
        None if spec["optimizer"] is None else optimizers.get(_made(spec["optimizer"], own)),
        None if spec["loss"] is None else losses.get(_made(spec["loss"], own)),
        [metrics.get(_made(item, own)) for item in spec["metrics"]],
        spec.get("loss_weights"),
        [metrics.get(_made(item, own)) for item in spec.get("weighted_metrics", ())],
    )


def _made(spec: Any, own: Mapping[str, Any]) -> Any:
    """Return the object of a class of the user that a dict describes; another `spec` unchanged."""
    if isinstance(spec, dict) and spec.get("class_name") in own:
        return Registry("object", own).get(spec)
    return spec


def _load(
    path: Path, compiled: bool, own: Mapping[str, Any], verify: bool | None = None
) -> Sequential:
    return read_model(path, compiled=compiled, custom_objects=own, verify=verify)[0]


SAFETENSORS = FileFormat(
    (".safetensors",),
    load_model=_load,
    save=contents.save_model,
    save_weights=contents.save_weights,
    load_weights=contents.load_weights,
)
