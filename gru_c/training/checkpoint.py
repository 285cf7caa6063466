"""The checkpoint file of a run, from which `fit` resumes."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gru_c.callbacks import BackupAndRestore
from gru_c.common.arrays import Array
from gru_c.common.validation import check_flag, check_real
from gru_c.network.network import Network
from gru_c.saving import contents, files
from gru_c.training.run_identity import differences, with_present_names

Tensors = dict[str, Array]

_SECONDS = 30.0  # seconds between two writes within an epoch
_SHARE = 0.02  # largest share of the time that writing takes
_TENSOR = "tensor"


class SavedRun(NamedTuple):
    """A run that was read from a file.

    Attributes
    ----------
    path : str
        The file.
    state : dict
        What `Run` wrote.
    tensors : dict of str to ndarray
        Weights of the model and slots of the optimizer.
    """

    path: str
    state: dict[str, Any]
    tensors: Tensors


class CheckpointFile:
    """The file of a run.

    Parameters
    ----------
    path : path
        A safetensors file.
    interval : float or None
        Seconds after which the file is due; None stands for the default of `Sequential.fit`.
    resume : bool
        True to resume the run in the file.
    identity : dict
        The facts that identify the run; a run with other facts is not resumed.
    backup : BackupAndRestore, optional
        Decides when the file is due, instead of `interval`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        interval: float | None,
        resume: bool,
        identity: dict[str, Any],
        backup: BackupAndRestore | None = None,
    ) -> None:
        self.path = Path(path)
        files.check_target(self.path)
        if self.path.is_dir():
            raise FileNotFoundError(f"{os.fspath(path)!r} is a folder, not a file")
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"the folder of {os.fspath(path)!r} is not there")
        self.interval = check_real("fit: checkpoint_interval", interval, ">= 0", optional=True)
        self.resume = check_flag("resume", resume)
        self.identity = identity
        self._backup = backup
        self._written_at, self._seconds_to_write = time.monotonic(), 0.0

    def due(self, *, epoch_ended: bool) -> bool:
        """Return True when it is time to write."""
        if self._backup is not None:
            return self._backup.due(epoch_ended=epoch_ended)
        passed = time.monotonic() - self._written_at
        if self.interval is not None:
            return epoch_ended or passed >= self.interval
        return passed >= self._seconds_to_write / _SHARE and (epoch_ended or passed >= _SECONDS)

    # ---- writing ----

    def write(self, model: Network, state: dict[str, Any]) -> None:
        """Write the model and the state of a run, of arrays and values that JSON can hold."""
        began = time.monotonic()
        arrays: list[Array] = []
        tensors, metadata = contents.contents(model)
        packed = _pack(state, arrays, "state")
        metadata["run"] = json.dumps({"about": self.identity, "state": packed})
        tensors.update(contents.slot_tensors(model))
        tensors.update({f"run:{n}": array for n, array in enumerate(arrays)})
        files.write_tensors(self.path, tensors, metadata)
        self._written_at = time.monotonic()
        self._seconds_to_write = self._written_at - began

    # ---- reading ----

    def read(self) -> SavedRun | None:
        """Return the run in the file; None if a new run starts.

        Raises
        ------
        ValueError
            When the file is damaged, or holds no run or a different one.
        """
        files.remove_leftovers(self.path.resolve())
        if not self.resume or not self.path.exists():
            return None
        tensors, metadata = files.read_tensors(self.path)
        try:
            contents.checked_config(metadata)
            if "run" not in metadata:
                raise ValueError("this is a model, but not a run that can be resumed")
            if "digest" not in metadata:
                raise ValueError("the file is damaged: it has no digest of its contents")
            run = json.loads(metadata["run"])
            state = _unpack(run["state"], tensors)
            self._compare(run["about"], state)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"{os.fspath(self.path)}: {error}") from error
        weights = {name: array for name, array in tensors.items() if "/" in name}
        return SavedRun(os.fspath(self.path), state, weights)

    def _compare(self, identity: dict[str, Any], state: dict[str, Any]) -> None:
        """Raise ValueError unless the run in the file is this one, except for more epochs."""
        before, now = with_present_names(identity), dict(self.identity)
        if now["learning_rate"] == state["learning_rate"]:  # callbacks may have changed it
            now["learning_rate"] = before["learning_rate"]
        if now["epochs"] > before["epochs"]:  # the same run, but longer
            before["epochs"] = now["epochs"]
        text = differences(before, now, "was", "is")
        if text:
            raise ValueError(f"this is another run: {text}")
        self.identity["learning_rate"] = before["learning_rate"]


def _pack(value: Any, arrays: list[Array], path: str) -> Any:
    """Return a state in a form that JSON can hold; append its arrays to a list."""
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
