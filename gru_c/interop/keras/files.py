"""Models in Keras's files: ``.keras``, ``.weights.h5`` and the older ``.h5``.

`load` reads them and `save` writes a ``.keras``, with h5py; Keras itself is not needed. Weights go
across as they are: gru_c's layers have Keras's shapes and gate order.

Nothing from a file is executed, and none of its names becomes a path or an import. What a file
claims of itself is compared with what it holds before memory is taken.

A ``.keras`` is a zip of ``config.json``, ``metadata.json`` and ``model.weights.h5``. In the last,
and in a ``.weights.h5``, the weights of a layer are ``layers/<group>/.../vars/<number>``, the group
named after the layer's class and numbered from the second on. In an older ``.h5`` they are in
``model_weights/<layer>``, under the names that the attribute ``weight_names`` lists.
"""

from __future__ import annotations

import json
import os
import struct
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

from gru_c.interop.keras import hdf5, optimizer_state
from gru_c.interop.keras.layers import KerasModel, model_as_keras, model_of, vars_of
from gru_c.interop.keras.training import compile_as, compile_config
from gru_c.models.loading import assemble
from gru_c.models.sequential import Sequential
from gru_c.parameters import GivenWeights
from gru_c.saving.contents import require_names, wanted_shapes
from gru_c.saving.files import write_whole
from gru_c.utils.arrays import Array
from gru_c.utils.registry import snake_case

__all__ = ["load", "save"]

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_LARGEST_CONFIG = 2**24  # bytes; that of a layer takes 2,000
# A member of a zip may unpack to so many times its size: weights shrink little, bombs a
# thousandfold.
_LARGEST_RATIO = 32
_SMALL = 2**20  # bytes of a member that may be anything
_KERAS_VERSION = "3.15.1"  # whose files are written


# ---- reading ------------------------------------------------------------------------------------


def load(path: str | os.PathLike[str], model: Sequential | None = None) -> Sequential:
    """Read a Sequential model that Keras saved.

    Which format it is, the content says and not the name. A ``.keras`` or an older ``.h5`` of
    Keras 2 and 3 is a whole model; a functional model is taken where it is a chain. Files of
    weights alone (``model.save_weights``) need the model that they belong to.

    Parameters
    ----------
    path : path
        The file.
    model : Sequential, optional
        A built model of gru_c that takes the weights from an HDF5 file (``.weights.h5``, ``.h5``),
        whatever else that holds.

    Returns
    -------
    Sequential
        `model` if it was given, else a new one with Keras's names, dtype, input shape and weights,
        compiled as in Keras, with the optimizer's state: see Notes.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is damaged or of another format, its parts do not fit together, or the model
        has a layer or an option that gru_c has not: the message names the first one. Nothing is
        changed then.
    TypeError
        When `model` is no Sequential of gru_c.
    ImportError
        When h5py is not installed.

    Warns
    -----
    UserWarning
        Once, when the file says something of training that gru_c has not: the warning names it.

    Notes
    -----
    Optimizer, loss and metrics are read in the spellings of all versions (``lr``, ``decay``, ``fn``
    and so on); metrics are computed as Keras does, whatever the loss is. What is unknown is left
    out and the rest kept: without an optimizer the model evaluates, and `fit` wants `compile`
    first; without a loss both do. A loss or metric with a setting that is unknown, such as
    ``reduction="sum"``, is left out, since its numbers would be others; of an optimizer the setting
    alone is, such as ``amsgrad=True``. ``decay`` becomes an `InverseTimeDecay`.

    The steps taken and the optimizer's running means are restored, so that training goes on where
    it ended, unless the warning says that they do not fit. (Keras does not store those of its
    ``optimizers.legacy`` in a ``.keras``.) With `model` given, weights alone are read.

    ``TimeDistributed(Dense)`` becomes a `Dense`, which goes step by step by itself. (A
    ``.weights.h5`` calls its group ``time_distributed``, so there it has no place in a model of
    gru_c.) Seeds and ``unroll`` are passed over, and so are initializers that gru_c has not: the
    layer then has the default one, of which the loaded weights show nothing. Layers, directions
    of a `Bidirectional` and models with ``trainable=False`` have it here, too. Dtypes other than
    float32 and float64 are an error. The ``hard_sigmoid`` of Keras 2, which is another function,
    becomes a GRU's ``("hard_sigmoid", 0.2, 0.5)``; in other layers it is an error.

    Damage that the HDF5 library is known to answer with endless work is found before it starts. A
    file made on purpose may know of more: read what strangers send in a process with a time limit.

    Examples
    --------
    >>> import os, tempfile
    >>> from gru_c import Dense, GRU, Sequential
    >>> from gru_c.interop import keras
    >>> model = Sequential([GRU(4, input_shape=(10, 8)), Dense(1)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.keras")
    ...     keras.save(model, path)
    ...     again = keras.load(path)
    >>> again
    <Sequential 'sequential': gru, dense>
    """
    file = Path(path)
    if not file.exists():
        raise FileNotFoundError(f"there is no file {os.fspath(file)!r}")
    if model is not None:
        if not isinstance(model, Sequential):
            raise TypeError(f"model must be a Sequential of gru_c, got {type(model).__name__}")
        model.require_built("load")
    try:
        if file.is_dir():
            raise ValueError("a folder, not a file")
        with file.open("rb") as content:
            is_zip = content.read(2) == b"PK"
        if is_zip:
            loaded, left_out = _load_zip(file, model)
        else:
            with hdf5.opened(file) as h5:
                loaded, left_out = _load_hdf5(h5, file.stat().st_size, model)
    except (ValueError, TypeError, OSError, RecursionError, OverflowError) as error:
        raise ValueError(f"{os.fspath(file)}: {error}") from error
    _warn(file, loaded, left_out)
    return loaded


def _load_zip(file: Path, model: Sequential | None) -> tuple[Sequential, list[str]]:
    """Return the model of a ``.keras``, and what of its compilation is left out."""
    if model is not None:
        raise ValueError("it holds a model of its own; model= is for files of weights")
    with _unzipped(file) as archive:
        spec = _json(_member(archive, _CONFIG, _LARGEST_CONFIG))
        metadata = _json(_member(archive, _METADATA, _LARGEST_CONFIG))
        version = metadata.get("keras_version") if isinstance(metadata, dict) else None
        found = model_of(spec, str(version))
        content = _member(archive, _WEIGHTS)
    with hdf5.opened(content) as h5:
        made = _made(found, _read(found, h5, len(content)))
        left_out = compile_as(made, spec.get("compile_config"))
        return made, left_out + optimizer_state.restore(made, h5, len(content))


def _load_hdf5(h5: Any, size: int, model: Sequential | None) -> tuple[Sequential, list[str]]:
    """Return the model of an older ``.h5`` and the same, or the model given with its weights."""
    if model is not None:
        model.set_weights(_read(_keras_model(model), h5, size))
        return model, []
    config = hdf5.text(h5, "model_config", size)
    if config is None:
        raise ValueError(
            "an HDF5 file without 'model_config' holds no model but weights: give the gru_c model "
            "that they are for, load(path, model=...)"
        )
    found = model_of(_json(config), str(hdf5.text(h5, "keras_version", size)))
    made = _made(found, _read(found, h5, size))
    try:
        training = hdf5.text(h5, "training_config", size)
        spec = None if training is None else _json(training)
    except ValueError as error:
        return made, [f"training_config ({error})"]
    left_out = compile_as(made, spec)
    return made, left_out + optimizer_state.restore(made, h5, size)


def _warn(file: Path, model: Sequential, left_out: list[str]) -> None:
    """Name what a file says of training that the model has not."""
    if not left_out:
        return
    if model.loss is None:
        has = "no loss" if model.optimizer else "neither optimizer nor loss"
        state = f"The model has {has}: compile it before fit and evaluate."
    elif model.optimizer is None:
        state = "The model has a loss and no optimizer: evaluate works, fit wants compile first."
    else:
        state = "The model is compiled with the rest."
    warnings.warn(
        f"{os.fspath(file)}: gru_c has not all that the model was compiled with in Keras. Left "
        f"out: {'; '.join(left_out)}. {state}",
        stacklevel=3,
    )


def _made(found: KerasModel, weights: list[Array]) -> Sequential:
    """Make the model, once the weights that it wants are read."""
    given = GivenWeights(weights, fresh=True)
    model = Sequential(name=found.name, trainable=found.trainable)
    return assemble(model, found.layers, found.input_shape, given)


@contextmanager
def _unzipped(file: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip, and say of whatever its reader raises that the file is damaged."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError) as error:
        raise ValueError(f"no readable .keras file: truncated or damaged ({error})") from error


def _member(archive: zipfile.ZipFile, name: str, largest: int | None = None) -> bytes:
    """Unpack a member into memory, unless it claims to be larger than can be."""
    if name not in archive.namelist():
        raise ValueError(f"no .keras file: the zip has no {name!r}")
    info = archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name!r} is compressed by method {info.compress_type}")
    largest = largest or _SMALL + _LARGEST_RATIO * info.compress_size
    if info.file_size > largest:
        raise ValueError(
            f"{name!r} claims {info.file_size} bytes, of which the zip has {info.compress_size}: "
            f"no more than {largest} are unpacked"
        )
    return archive.read(info)  # at most what it claims


def _json(text: str | bytes) -> Any:
    if len(text) > _LARGEST_CONFIG:
        raise ValueError(f"a configuration of {len(text)} bytes, more than {_LARGEST_CONFIG}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError also of a number too long
        raise ValueError(f"the configuration is damaged: {error}") from None


def _read(model: KerasModel, h5: Any, size: int) -> list[Array]:
    """Read the weights that the layers want, all of them and no others, from either layout."""
    wanted = wanted_shapes(model.layers, model.input_shape)
    names: dict[str, list[str]] = {str(layer.name): [] for layer in model.layers}
    for key in wanted:
        layer, _, weight = key.partition("/")
        names[layer].append(weight)
    whole = hdf5.member(h5, "model_weights") is not None
    if whole or "layer_names" in h5.attrs:
        root = "model_weights/" if whole else ""
        places = _legacy_places(h5, root, names, size)
    else:
        root = "layers/"
        places = _places(model, names)
    below = hdf5.datasets_below(h5, root.rstrip("/"))
    others = {path: item for path, item in below.items() if "/seed_generator/" not in path}
    return hdf5.read_weights(h5, dict(zip(places, wanted.values(), strict=True)), others, size)


# ---- where the weights are ----------------------------------------------------------------------


def _places(model: KerasModel, names: dict[str, list[str]]) -> list[str]:
    """Return the dataset of each weight of the model, in order, in a ``.weights.h5``."""
    seen: Counter[str] = Counter()
    places = []
    for layer, class_name in zip(model.layers, model.class_names, strict=True):
        base = snake_case(class_name)
        group = f"layers/{base}_{seen[base]}" if seen[base] else f"layers/{base}"
        seen[base] += 1
        weights = vars_of(layer, class_name, names[str(layer.name)])
        places += [f"{group}/{place}" for place in weights]
    return places


def _legacy_places(h5: Any, root: str, names: dict[str, list[str]], size: int) -> list[str]:
    """Return the same for an older ``.h5``, whose groups list their weights by name."""
    places = []
    for layer, weights in names.items():
        if not weights:
            continue
        group = hdf5.member(h5, root + layer)
        if group is None:
            there = ", ".join(islice(hdf5.member(h5, root.rstrip("/")) if root else h5, 10))
            raise ValueError(f"the file has no weights of a layer {layer!r}; it has {there}")
        listed = hdf5.texts(group, "weight_names", len(weights), size)
        for weight, found in zip(weights, _forward_first(layer, weights, listed), strict=True):
            last = found.rpartition("/")[2].partition(":")[0]  # "gru/gru_cell/kernel:0"
            if weight.removeprefix("forward_").removeprefix("backward_") != last:
                raise ValueError(f"layer {layer!r} has {found!r} in place of its {weight!r}")
            places.append(f"{root}{layer}/{found}")
    return places


def _forward_first(layer: str, weights: list[str], listed: list[str]) -> list[str]:
    """Return the listed names in the order of a layer's weights.

    Keras lists trainable weights first: those of a `Bidirectional` whose forward layer alone is
    frozen begin with the backward layer's.
    """
    if not any(weight.startswith("forward_") for weight in weights):
        return listed

    def is_backward(path: str) -> bool:  # "bidirectional/backward_gru/gru_cell/kernel:0"
        inside = f"/{path}".rpartition(f"/{layer}/")[2]
        return not inside.startswith("forward_")

    return sorted(listed, key=is_backward)


# ---- writing ------------------------------------------------------------------------------------


def save(model: Sequential, path: str | os.PathLike[str]) -> None:
    """Write a model to a ``.keras`` file, which Keras 3 loads.

    With its compilation and the optimizer's state, so that Keras trains on where gru_c ended. What
    Keras has not of the compilation, such as a function of one's own, is left out by name.

    Parameters
    ----------
    model : Sequential
        With weights.
    path : path
        Ends in ``.keras``. An existing file is replaced at once, when the new one is complete.

    Raises
    ------
    ValueError
        When the model has no weights yet, the path ends otherwise, or a layer has an option that
        changes results and that Keras has not, such as `zoneout`, `clip` and `inference_weights`;
        also ``stateful``, for which Keras fixes a batch size. Options that change none
        (`checkpoint_every`, `seed`) and initializers of one's own are left out.
    TypeError
        When `model` is no Sequential of gru_c.
    FileNotFoundError
        When there is no such folder.
    ImportError
        When h5py is not installed.

    Warns
    -----
    UserWarning
        Once, when the model is compiled with something that a Keras file cannot hold. Without the
        optimizer nothing of the compilation is written, since Keras would take its default one.

    Examples
    --------
    See `load`.
    """
    target = Path(path)
    if not isinstance(model, Sequential):
        raise TypeError(f"model must be a Sequential of gru_c, got {type(model).__name__}")
    if target.suffix != ".keras":
        raise ValueError(f"Keras loads files named *.keras, got {target.name!r}")
    model.require_built("save")
    shape = model.input_shape
    assert shape is not None  # it is built
    require_names(model.layers)
    spec = model_as_keras(model.name, shape, model.layers, model.trainable)
    compiled, left_out = compile_config(model)
    if compiled is not None:
        spec["compile_config"] = compiled
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(_METADATA, json.dumps({"keras_version": _KERAS_VERSION}))
        archive.writestr(_CONFIG, json.dumps(spec))
        archive.writestr(_WEIGHTS, _weights_file(model, compiled is not None))
    write_whole(target, content.getvalue())
    if left_out:
        rest = "the rest is written" if compiled else "Keras has to compile the model"
        warnings.warn(
            f"{os.fspath(target)}: a Keras file cannot hold {'; '.join(left_out)}. That is left "
            f"out, {rest}.",
            stacklevel=2,
        )


def _weights_file(model: Sequential, with_optimizer: bool) -> bytes:
    """Return an HDF5 file of the weights, and of the optimizer's state where that is wanted."""
    names = {str(layer.name): [item.name for item in layer.parameters] for layer in model.layers}
    places = _places(_keras_model(model), names)
    content = BytesIO()
    with hdf5.h5py().File(content, "w") as h5:
        for place, weight in zip(places, model.get_weights(), strict=True):
            h5[place] = weight
        if with_optimizer:
            for place, array in optimizer_state.arrays(model).items():
                h5[place] = array
    return content.getvalue()


def _keras_model(model: Sequential) -> KerasModel:
    """Return what there is to know of a model of gru_c to find its weights."""
    names = [type(layer).__name__ for layer in model.layers]
    return KerasModel(model.name, model.input_shape or (), model.layers, names)
