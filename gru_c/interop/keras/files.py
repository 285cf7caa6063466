"""Models in Keras's files: ``.keras``, ``.weights.h5`` and the older ``.h5``.

`load` reads them and `save` writes them, with h5py; Keras itself is not needed. Weights are
copied without conversion, since gru_c's layers have Keras's shapes and gate order.

Nothing from a file is executed, and none of its names becomes a path or an import. The sizes that a
file claims are compared with its contents before memory is allocated.

A ``.keras`` is a zip of ``config.json``, ``metadata.json`` and ``model.weights.h5``.
`gru_c.interop.keras.weight_places` describes the latter and the older ``.h5``.
"""

from __future__ import annotations

import json
import os
import warnings
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from gru_c.common.arrays import Array
from gru_c.common.validation import check_flag
from gru_c.interop.keras import archive, hdf5, optimizer_state
from gru_c.interop.keras.layers import KerasModel, Origin, model_of
from gru_c.interop.keras.layers_writing import model_as_keras
from gru_c.interop.keras.training import compile_as
from gru_c.interop.keras.training_writing import compile_config
from gru_c.interop.keras.vocabularies import add_vocabularies
from gru_c.interop.keras.weight_places import read_weights
from gru_c.interop.keras.writing import (
    KERAS_VERSION,
    keras_model,
    legacy_model_file,
    legacy_weights_file,
    weights_file,
)
from gru_c.models.functional import Functional
from gru_c.models.loading import assemble
from gru_c.models.model import Model
from gru_c.models.sequential import Sequential
from gru_c.parameters import GivenWeights
from gru_c.saving.contents import require_names
from gru_c.saving.files import require_file, write_whole

__all__ = ["load", "load_weights", "save", "save_weights"]

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_OLDER = (".h5", ".hdf5")


# ---- reading ------------------------------------------------------------------------------------


def load(
    path: str | os.PathLike[str],
    model: Model | None = None,
    *,
    compile: bool = True,  # noqa: A002
    custom_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Read a Sequential or functional model that Keras saved.

    The format is recognized by the content, not by the name. A ``.keras`` or an older ``.h5`` of
    Keras 2 and 3 holds a whole model. A functional model becomes a Sequential if it is a chain of
    layers, else a Model of the same graph.
    Files of weights alone (``model.save_weights``) need the model that they belong to.

    Parameters
    ----------
    path : path
        The file.
    model : Sequential or Model, optional
        A built model of gru_c to load the weights of an HDF5 file into (``.weights.h5``, ``.h5``).
        The rest of the file is then not read.
    compile : bool
        False leaves out the compilation and the optimizer's state.
    custom_objects : dict, optional
        The user's classes of layers by their names.

    Returns
    -------
    Sequential or Functional
        `model`, or a new model with Keras's names, dtype, input shape and weights, compiled as in
        Keras, with the optimizer's state: see Notes.

    Raises
    ------
    FileNotFoundError
        When the file does not exist.
    ValueError
        When the file is damaged or of another format, its parts do not match, or the model has a
        layer or an option that gru_c lacks: the message names the first one. `model` is then
        unchanged.
    TypeError
        When `model` is not a model of gru_c.
    ImportError
        When h5py is not installed.

    Warns
    -----
    UserWarning
        Once, when the model was compiled with something that gru_c lacks: the warning names it.

    Notes
    -----
    Optimizer, loss and metrics are read in the spellings of all versions (``lr``, ``decay``, ``fn``
    and so on). Metrics are computed as in Keras, whatever the loss is. Unknown parts are left out:
    without an optimizer, call `compile` before `fit`; without a loss, also before `evaluate`. A
    loss or metric with an unknown setting, such as ``reduction="sum"``, is left out, since it would
    have other values. Of an optimizer only the unknown setting is left out, such as
    ``amsgrad=True``. ``decay`` becomes an `InverseTimeDecay`.

    The optimizer's step count and running means are restored, so that training continues where it
    ended, unless the warning says that they do not fit. (Keras does not store those of its
    ``optimizers.legacy`` in a ``.keras``.) With `model`, only the weights are read.

    Seeds and ``unroll`` are ignored, and so are initializers that gru_c lacks: the layer then has
    the default initializer, which does not affect the loaded weights. ``trainable=False`` of
    layers, directions of a `Bidirectional` and models is kept. Dtypes other than float32 and
    float64 are an error. The ``hard_sigmoid`` of Keras 2, which is another function, becomes a
    recurrent layer's ``("hard_sigmoid", 0.2, 0.5)``; in other layers it is an error.

    Some kinds of damage would keep the HDF5 library busy forever. The known kinds are detected
    before the library opens the file, but a malicious file may contain others: read files from
    untrusted sources in a process with a time limit.

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
    require_file(file)
    if model is not None:
        _check_model(model, "load")
    check_flag("compile", compile)
    try:
        if _is_zip(file):
            loaded, left_out = _load_zip(file, model, compile, custom_objects or {})
        else:
            with hdf5.opened(file) as h5:
                size = file.stat().st_size
                loaded, left_out = _load_hdf5(h5, size, model, compile, custom_objects or {})
    except (ValueError, TypeError, OSError, RecursionError, OverflowError) as error:
        raise ValueError(f"{os.fspath(file)}: {error}") from error
    _warn(file, loaded, left_out)
    return loaded


def load_weights(model: Model, path: str | os.PathLike[str]) -> None:
    """Set the weights of a built model to those in any of Keras's files.

    As in Keras, layers are loaded in their order. Arguments and errors are those of `load`; nothing
    is changed unless all weights fit.
    """
    file = Path(path)
    require_file(file)
    _check_model(model, "load_weights")
    try:
        source: Path | bytes = file
        if _is_zip(file):
            with archive.opened(file) as zip_file:
                source = archive.member(zip_file, _WEIGHTS)
        size = len(source) if isinstance(source, bytes) else file.stat().st_size
        with hdf5.opened(source) as h5:
            weights = read_weights(keras_model(model), h5, size)
    except (ValueError, TypeError, OSError, RecursionError, OverflowError) as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error
    model.set_weights(weights)


def _is_zip(file: Path) -> bool:
    """Return True for a ``.keras``, False for another file; raise ValueError for a folder."""
    if file.is_dir():
        raise ValueError("a folder, not a file")
    with file.open("rb") as content:
        return content.read(2) == b"PK"


def _load_zip(
    file: Path, model: Model | None, compiled: bool, own: Mapping[str, Any]
) -> tuple[Any, list[str]]:
    """Return the model of a ``.keras``, and the parts of its compilation that are left out."""
    if model is not None:
        raise ValueError("it holds a model of its own; model= is for files of weights")
    with archive.opened(file) as zip_file:
        spec = archive.parse_json(archive.member(zip_file, _CONFIG, archive.LARGEST_CONFIG))
        metadata = archive.parse_json(archive.member(zip_file, _METADATA, archive.LARGEST_CONFIG))
        version = metadata.get("keras_version") if isinstance(metadata, dict) else None
        content = archive.member(zip_file, _WEIGHTS)
        with hdf5.opened(content) as h5:
            add_vocabularies(spec, zip_file, h5, len(content))
            parsed = model_of(spec, Origin(str(version), custom_objects=own))
            loaded = _assembled(parsed, read_weights(parsed, h5, len(content)))
            if not compiled:
                return loaded, []
            left_out = compile_as(loaded, spec.get("compile_config"))
            return loaded, left_out + optimizer_state.restore(loaded, h5, len(content))


def _load_hdf5(
    h5: Any, size: int, model: Model | None, compiled: bool, own: Mapping[str, Any]
) -> tuple[Any, list[str]]:
    """Return the same for an older ``.h5``, or `model` with the weights of the file."""
    if model is not None:
        model.set_weights(read_weights(keras_model(model), h5, size))
        return model, []
    config = hdf5.text(h5, "model_config", size)
    if config is None:
        raise ValueError(
            "an HDF5 file without 'model_config' holds no model but weights: give the gru_c model "
            "that they are for, load(path, model=...)"
        )
    version = str(hdf5.text(h5, "keras_version", size))
    origin = Origin(version, custom_objects=own)
    parsed = model_of(archive.parse_json(config), origin)
    loaded = _assembled(parsed, read_weights(parsed, h5, size))
    if not compiled:
        return loaded, []
    try:
        training = hdf5.text(h5, "training_config", size)
        spec = None if training is None else archive.parse_json(training)
    except ValueError as error:
        return loaded, [f"training_config ({error})"]
    left_out = compile_as(loaded, spec)
    return loaded, left_out + optimizer_state.restore(loaded, h5, size)


def _warn(file: Path, model: Model, left_out: list[str]) -> None:
    """Warn of the parts of a file's compilation that are left out, if there are any."""
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
        f"{os.fspath(file)}: gru_c lacks parts of what the model was compiled with in Keras. Left "
        f"out: {'; '.join(left_out)}. {state}",
        stacklevel=3,
    )


def _assembled(parsed: KerasModel, weights: list[Array]) -> Any:
    """Return the model with its weights, which are not copied."""
    if parsed.graph is not None:
        return _graph_with(parsed, weights)
    source = GivenWeights(weights, fresh=True)
    model = Sequential(name=parsed.name, trainable=parsed.trainable)
    return assemble(model, parsed.layers, parsed.input_shape, source)


def _graph_with(parsed: KerasModel, weights: list[Array]) -> Functional:
    """Return the model of a graph with its weights."""
    model: Functional = parsed.graph
    rest = iter(weights)
    for layer in parsed.layers:
        layer.set_weights([next(rest) for _ in layer.parameters])
    if not parsed.trainable:
        model.trainable = False
    return model


# ---- writing ------------------------------------------------------------------------------------


def save(model: Model, path: str | os.PathLike[str], *, include_optimizer: bool = True) -> None:
    """Write a model to a ``.keras`` or an older ``.h5`` file, which Keras 3 loads.

    The file holds the compilation and the optimizer's state, so that Keras continues the training;
    after loading an ``.h5`` it begins with a new state, also if it has written the file itself.
    Parts of the compilation that Keras lacks, such as a loss function of the user, are left out,
    and a warning names them.

    Parameters
    ----------
    model : Sequential or Model
        A built model, whose graph has layers alone: no operations and no models inside.
    path : path
        Path of the file, which must end in ``.keras``, or in ``.h5`` or ``.hdf5`` for the older
        format. An existing file is replaced when the new one is complete.
    include_optimizer : bool
        False leaves out the optimizer's state.

    Raises
    ------
    ValueError
        When the model is not built, the path has another ending, or a layer has an option that
        changes results and that Keras lacks, such as `zoneout`, `clip` and `inference_weights`;
        also ``stateful``, for which Keras fixes a batch size. Options that do not change results
        (`checkpoint_every`, `seed`) and initializers of the user's classes are left out.
    TypeError
        When `model` is not a model of gru_c.
    FileNotFoundError
        When the folder does not exist.
    ImportError
        When h5py is not installed.

    Warns
    -----
    UserWarning
        Once, when the model is compiled with something that a Keras file cannot hold. If that is
        the optimizer, nothing of the compilation is written, since Keras would use its default one.

    Examples
    --------
    See `load`.
    """
    target = Path(path)
    _check_model(model, "save")
    check_flag("include_optimizer", include_optimizer)
    older = target.suffix in _OLDER and not target.name.endswith(".weights.h5")
    if target.suffix != ".keras" and not older:
        raise ValueError(f"Keras loads files named *.keras or *.h5, got {target.name!r}")
    require_names(model.layers)
    spec = model_as_keras(model)
    compiled, left_out = compile_config(model)
    state = include_optimizer and compiled is not None
    if older:
        content = legacy_model_file(model, spec, compiled, state)
    else:
        content = _zip_of(model, spec, compiled, state)
    write_whole(target, content)
    if left_out:
        outcome = "the rest is written" if compiled else "Keras has to compile the model"
        warnings.warn(
            f"{os.fspath(target)}: a Keras file cannot hold {'; '.join(left_out)}. That is left "
            f"out, {outcome}.",
            stacklevel=2,
        )


def _zip_of(
    model: Model, spec: dict[str, Any], compiled: dict[str, Any] | None, state: bool
) -> bytes:
    """Return a ``.keras``, with the optimizer's state if `state` is True."""
    if compiled is not None:
        spec = {**spec, "compile_config": compiled}
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as zip_file:
        zip_file.writestr(_METADATA, json.dumps({"keras_version": KERAS_VERSION}))
        zip_file.writestr(_CONFIG, json.dumps(spec))
        zip_file.writestr(_WEIGHTS, weights_file(model, state))
    return content.getvalue()


def save_weights(model: Model, path: str | os.PathLike[str]) -> None:
    """Write the weights of a built model to a ``.weights.h5``, or to an older ``.h5`` or ``.hdf5``.

    Arguments and errors are those of `save`.
    """
    target = Path(path)
    _check_model(model, "save_weights")
    require_names(model.layers)
    if target.name.endswith(".weights.h5"):
        write_whole(target, weights_file(model, with_optimizer=False))
    elif target.suffix in _OLDER:
        write_whole(target, legacy_weights_file(model))
    else:
        raise ValueError(f"Keras loads weights from *.weights.h5 or *.h5, got {target.name!r}")


def _check_model(model: object, action: str) -> None:
    """Raise TypeError or ValueError unless this is a built model."""
    if not isinstance(model, Model):
        raise TypeError(f"model must be a Sequential or Model of gru_c, got {type(model).__name__}")
    model.require_built(action)
