"""The file that a training run goes on from: when it is written, and how it is read.

It is the model's safetensors file (`gru_c.saving`) with the optimizer's tensors, tensors ``run:n``,
and in the metadata ``run``, the JSON of everything else, and ``digest``, of all that. In the JSON,
``{"tensor": n}`` stands for an array. Nothing from a file is executed.
"""

from __future__ import annotations

import glob
import json
import os
import reprlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gru_c import run_state, saving
from gru_c._numbers import check_flag, finite_number
from gru_c.arrays import Array
from gru_c.callbacks import CallbackList
from gru_c.sources import FitData

if TYPE_CHECKING:
    from gru_c.model import Sequential

Tensors = dict[str, Array]

_SECONDS = 30.0  # between two writes in an epoch
_SHARE = 0.02  # of the time, at the most, goes into writing
_TENSOR = "tensor"
_ABSENT = object()


class Found(NamedTuple):
    """A run as it was found: the file, its state, and the model's tensors."""

    path: str
    state: dict[str, Any]
    tensors: Tensors


class RunFile:
    """The file of a run.

    Parameters
    ----------
    path : path
        A safetensors file.
    interval : float or None
        Seconds after which a write is due; None: as `Sequential.fit` says.
    resume : bool
        Whether to go on with what is in the file.
    about : dict
        What the run is: a run that is another one is refused.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        interval: float | None,
        resume: bool,
        about: dict[str, Any],
    ) -> None:
        self.path = Path(path)
        saving.check_target(self.path)
        if self.path.is_dir():
            raise FileNotFoundError(f"{os.fspath(path)!r} is a folder, not a file")
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"the folder of {os.fspath(path)!r} is not there")
        self.interval = (
            None
            if interval is None
            else finite_number("fit", "checkpoint_interval", interval, ">= 0")
        )
        self.resume = check_flag("resume", resume)
        self.about = about
        self._written, self._took = time.monotonic(), 0.0

    def due(self, *, epoch_ended: bool) -> bool:
        """Return whether it is time to write."""
        passed = time.monotonic() - self._written
        if self.interval is not None:
            return epoch_ended or passed >= self.interval
        return passed >= self._took / _SHARE and (epoch_ended or passed >= _SECONDS)

    # ---- writing ----

    def write(self, model: Sequential, state: dict[str, Any]) -> None:
        """Write the model, and a state of arrays and what JSON can hold."""
        began = time.monotonic()
        arrays: list[Array] = []
        tensors, metadata = saving.contents(model)
        metadata["run"] = json.dumps({"about": self.about, "state": _pack(state, arrays, "state")})
        tensors.update(saving.slot_tensors(model))
        tensors.update({f"run:{n}": array for n, array in enumerate(arrays)})
        metadata["digest"] = _digest(metadata, tensors)
        saving.write_tensors(self.path, tensors, metadata)
        self._written = time.monotonic()
        self._took = self._written - began

    # ---- reading ----

    def read(self) -> Found | None:
        """Return the run in the file; None where it begins anew.

        Raises
        ------
        ValueError
            When the file is damaged or holds no run, or that of something else.
        """
        for leftover in self.path.parent.glob(f".{glob.escape(self.path.name)}.*.tmp"):
            leftover.unlink()  # of a process that was killed while it wrote
        if not self.resume or not self.path.exists():
            return None
        tensors, metadata = saving.read_tensors(self.path)
        try:
            saving.checked_config(metadata)
            if "run" not in metadata:
                raise ValueError("this is a model, but not a run to go on with")
            if metadata.get("digest") != _digest(metadata, tensors):
                raise ValueError("the file is damaged: its digest is another one")
            run = json.loads(metadata["run"])
            state = _unpack(run["state"], tensors)
            self._compare(run["about"], state)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"{os.fspath(self.path)}: {error}") from error
        weights = {name: array for name, array in tensors.items() if "/" in name}
        return Found(os.fspath(self.path), state, weights)

    def _compare(self, about: dict[str, Any], state: dict[str, Any]) -> None:
        """Raise ValueError unless this run is the one of the file, with as many epochs or more."""
        before, now = dict(about), dict(self.about)
        if now["learning_rate"] == state["learning_rate"]:  # as callbacks left it
            now["learning_rate"] = before["learning_rate"]
        if now["epochs"] > before["epochs"]:  # which is the same run, only longer
            before["epochs"] = now["epochs"]
        other = differences(before, now, "was", "is")
        if other:
            raise ValueError(f"this is another run: {other}")
        self.about["learning_rate"] = before["learning_rate"]


def differences(one: Any, other: Any, verb: str, other_verb: str) -> str:
    """Say what differs in nested lists and dicts, three things at the most; "" for nothing."""
    found, given = _leaves(one), _leaves(other)
    texts = [
        f"{name} {verb} {_shown(_leaf(found, name))}, {other_verb} {_shown(_leaf(given, name))}"
        for name in {**found, **given}
        if not _same(_leaf(found, name), _leaf(given, name))
    ]
    more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
    return "; ".join(texts[:3]) + more


def _leaf(leaves: dict[str, Any], name: str) -> Any:
    """Return a leaf; of ``trainable``, which older files do not have, what it was then: True."""
    return leaves.get(name, True if "trainable" in name.split(".") else _ABSENT)


def _same(one: Any, other: Any) -> bool:
    """Whether two leaves are equal, or both NaN."""
    return bool(one == other or (one != one and other != other))


def about_run(
    model: Sequential, data: FitData, callbacks: CallbackList, **arguments: Any
) -> dict[str, Any]:
    """Return what tells a run from another one, as JSON has it: model, shapes of data, arguments.

    Raises
    ------
    ValueError
        When a layer cannot be described in a file, or a metric's state is not known.
    """
    run_state.check_metrics(model.metrics)
    about = about_training(model, callbacks, **arguments)
    about["layers"] = [saving.plain_config(one, f"layer {one.name!r}") for one in model.layers]
    about["trainable"] = run_state.trainable_flags(model)
    about.update(data.described())
    return _as_json(about)


def about_training(model: Sequential, callbacks: CallbackList, **arguments: Any) -> dict[str, Any]:
    """Return the same without layers and data."""
    optimizer = _described(model.optimizer)
    rate = optimizer["config"].get("learning_rate")
    if not isinstance(rate, dict):
        optimizer["config"]["learning_rate"] = None  # callbacks may set it
    return about_evaluation(
        model,
        optimizer=optimizer,
        learning_rate=rate if isinstance(rate, float) else None,
        callbacks=[type(one).__name__ for one in callbacks.keeping],
        **arguments,
    )


def about_evaluation(model: Sequential, **arguments: Any) -> dict[str, Any]:
    """Return what loss and metrics depend on beside layers and data."""
    about = {
        "dtype": model.dtype,
        "loss": _described(model.loss),
        "metrics": [_described(metric) for metric in model.metrics],
    }
    return _as_json({**about, **arguments})


def _as_json(about: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(about, default=_plain))
    return found


def _described(obj: Any) -> dict[str, Any]:
    """Return class, name and configuration; the name alone where that is a function."""
    try:
        config = obj.get_config()
    except TypeError:
        config = {}
    return {"class": type(obj).__name__, "name": getattr(obj, "name", None), "config": config}


def _plain(value: Any) -> Any:
    """Return what JSON can hold of numbers of NumPy's, or of a function."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    return getattr(value, "__qualname__", type(value).__name__)


def _shown(value: object) -> str:
    return "absent" if value is _ABSENT else reprlib.repr(value)


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Return what nested lists and dicts hold, by its path: ``model.layers.0.units``."""
    if not isinstance(value, (dict, list)) or not value:
        return {path: value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found: dict[str, Any] = {}
    for key, item in items:
        found.update(_leaves(item, f"{path}.{key}" if path else str(key)))
    return found


def _pack(value: Any, arrays: list[Array], path: str) -> Any:
    """Return a state as JSON can hold it; its arrays go into a list."""
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {_TENSOR: len(arrays) - 1}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [_pack(item, arrays, f"{path}[{n}]") for n, item in enumerate(value)]
    if isinstance(value, dict) and _TENSOR not in value and all(isinstance(k, str) for k in value):
        return {key: _pack(item, arrays, f"{path}[{key!r}]") for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a checkpoint cannot hold {path}, which is {value!r}")


def _unpack(value: Any, tensors: Tensors) -> Any:
    if isinstance(value, list):
        return [_unpack(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {_TENSOR}:
        return tensors[f"run:{value[_TENSOR]}"]
    return {key: _unpack(item, tensors) for key, item in value.items()}


def _digest(metadata: dict[str, str], tensors: Tensors) -> str:
    from hashlib import blake2b  # its import takes as long as three of this package's modules

    digest = blake2b(digest_size=16)
    for key in ("model", "run"):
        digest.update(metadata[key].encode())
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
