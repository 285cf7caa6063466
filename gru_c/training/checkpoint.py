"""The checkpoint file of a run, from which `fit` resumes."""

from __future__ import annotations

import glob
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gru_c.saving import contents, files
from gru_c.utils.arrays import Array
from gru_c.utils.validation import check_flag, check_real

if TYPE_CHECKING:
    from gru_c.network.network import Network
from gru_c.training.run_identity import differences

Tensors = dict[str, Array]

_SECONDS = 30.0  # between two writes in an epoch
_SHARE = 0.02  # of the time, at the most, goes into writing
_TENSOR = "tensor"


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
        files.check_target(self.path)
        if self.path.is_dir():
            raise FileNotFoundError(f"{os.fspath(path)!r} is a folder, not a file")
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"the folder of {os.fspath(path)!r} is not there")
        self.interval = check_real("fit: checkpoint_interval", interval, ">= 0", optional=True)
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

    def write(self, model: Network, state: dict[str, Any]) -> None:
        """Write the model, and a state of arrays and what JSON can hold."""
        began = time.monotonic()
        arrays: list[Array] = []
        tensors, metadata = contents.contents(model)
        metadata["run"] = json.dumps({"about": self.about, "state": _pack(state, arrays, "state")})
        tensors.update(contents.slot_tensors(model))
        tensors.update({f"run:{n}": array for n, array in enumerate(arrays)})
        metadata["digest"] = _digest(metadata, tensors)
        files.write_tensors(self.path, tensors, metadata)
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
        tensors, metadata = files.read_tensors(self.path)
        try:
            contents.checked_config(metadata)
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
