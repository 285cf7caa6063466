"""The options of a pass: everything that it depends on besides arrays of numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gru_c import _core
from gru_c.common.arrays import Array
from gru_c.common.registry import lookup
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.memory import SHARED_MEMORY, TapeMemory

AUTO: int = _core.ENGINES["auto"]
FULL_WEIGHTS: int = _core.WEIGHT_FORMATS["float32"]


@dataclass(slots=True, eq=False)
class PassOptions:
    """The options of a pass, and of its backward pass; not changed once they are made.

    Attributes
    ----------
    cell : Cell
    go_backwards : bool
        Take the time steps from the last to the first.
    training : bool
        Return a tape for the backward pass.
    engine : int
        Number of the engine in the core.
    num_threads : int or None
        None stands for the setting of the process.
    weights_format : int
        Number of the format that the weights are rounded to, without training.
    packed : ndarray of uint8, or None
        Result of `pack_weights` for the weights, in this format.
    state_mask : ndarray of shape (B, H), or None
        Factors of the state in its products with the recurrent kernel.
    draws : tuple of int, or None
        Seed of zoneout's draws and number of the first time step; without them zoneout's
        expectation is taken.
    memory : TapeMemory
        The pool that the tape's memory comes from.
    """

    cell: Cell
    go_backwards: bool = False
    training: bool = False
    engine: int = AUTO
    num_threads: int | None = None
    weights_format: int = FULL_WEIGHTS
    packed: Array | None = None
    state_mask: Array | None = None
    draws: tuple[int, int] | None = None
    memory: TapeMemory = SHARED_MEMORY

    @classmethod
    def checked(
        cls,
        cell: Cell,
        go_backwards: bool,
        training: bool,
        engine: str,
        num_threads: int | None,
        inference_weights: str,
        dtype: npt.DTypeLike,
    ) -> PassOptions:
        """Return the options for a user's arguments; ValueError or TypeError for invalid ones."""
        if not isinstance(engine, str) or engine not in _core.ENGINES:
            raise ValueError(f"unknown engine {engine!r}; known: {', '.join(_core.ENGINES)}")
        weights_format = weights_format_of(inference_weights, dtype)
        if weights_format and (training or engine == "blas"):
            other = "training=True" if training else "engine='blas'"
            raise ValueError(f"inference_weights={inference_weights!r} does not go with {other}")
        if training:
            cell.require_trainable()
        code = _core.ENGINES[engine]
        return cls(cell, bool(go_backwards), bool(training), code, num_threads, weights_format)

    def draws_from(self, step: int) -> tuple[int, int] | None:
        """Return the draws of a part of the pass that begins at a time step."""
        return None if self.draws is None else (self.draws[0], self.draws[1] + step)


def weights_format_of(name: str, dtype: npt.DTypeLike) -> int:
    """Return the core's number of ``inference_weights``, for arrays of a dtype."""
    code: int = lookup("inference_weights", name, _core.WEIGHT_FORMATS)
    if code and np.dtype(dtype) != np.float32:
        raise ValueError(
            f"inference_weights={name!r} is for float32; in {np.dtype(dtype).name} everything is "
            "computed in full precision"
        )
    return code
