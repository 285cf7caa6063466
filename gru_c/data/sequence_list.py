"""Lists of sequences of different length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, as_real
from gru_c.recurrence.step_order import mask_of


@dataclass(frozen=True, eq=False)
class SequenceList:
    """Sequences (T_i, ...), whose time steps lie one after the other in one array.

    Attributes
    ----------
    steps : ndarray of shape (sum of lengths, ...)
        The time steps of all sequences.
    begins, lengths : ndarray of shape (n,)
        The first row of each sequence in `steps`, and its number of time steps.
    """

    steps: Array
    begins: Array
    lengths: Array

    @classmethod
    def checked(cls, name: str, values: Sequence[npt.ArrayLike]) -> SequenceList:
        """Return a user's list; ValueError or TypeError unless its arrays differ in length only."""
        arrays = [as_real(f"{name}[{i}]", value) for i, value in enumerate(values)]
        for i, array in enumerate(arrays):
            if array.ndim == 0 or array.shape[1:] != arrays[0].shape[1:]:
                raise ValueError(
                    f"{name} must be a list of arrays that differ in their first axis only: "
                    f"{name}[0] has shape {arrays[0].shape}, {name}[{i}] {array.shape}"
                )
        lengths = np.array([len(array) for array in arrays], np.intp)
        return cls(np.concatenate(arrays), lengths.cumsum() - lengths, lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, where: slice | Array) -> SequenceList:
        return SequenceList(self.steps, self.begins[where], self.lengths[where])

    def pad(self, time: int | None = None) -> Array:
        """Return an array (n, time, ...) with zeros behind each sequence.

        By default `time` is the length of the longest sequence.
        """
        time = int(self.lengths.max(initial=0)) if time is None else time
        places = self.begins[:, None] + np.arange(time)
        shape = (len(self), time, *self.steps.shape[1:])
        if not len(self.steps):
            return np.zeros(shape, self.steps.dtype)
        padded = self.steps.take(places.reshape(-1), axis=0, mode="clip").reshape(shape)
        padded[~mask_of(self.lengths, time)] = 0
        return padded


def is_list(values: object) -> bool:
    """Return True for a list of sequences, False for an array in the form of a list."""
    if not isinstance(values, (list, tuple)) or not values:
        return False
    if not all(isinstance(value, np.ndarray) and value.ndim for value in values):
        return False
    return bool(values[0].ndim > 1 or len({len(value) for value in values}) > 1)


def split_pair(x: Any, lengths: npt.ArrayLike | None) -> tuple[Any, npt.ArrayLike | None]:
    """Return x and lengths, which may be given as the pair ``(x, lengths)``."""
    if lengths is not None or not isinstance(x, tuple) or len(x) != 2 or np.ndim(x[1]) != 1:
        return x, lengths
    ndim = len(x[0].shape) if hasattr(x[0], "shape") else np.ndim(x[0])  # reads nothing
    return x if is_list(x[0]) or ndim > 1 else (x, None)
