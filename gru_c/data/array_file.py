"""Arrays in files (`np.memmap`, datasets of h5py or zarr), read a few samples at a time.

So are arrays whose samples are computed when they are read.
"""

from __future__ import annotations

import mmap
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array

# Libraries whose arrays are in memory have one of these; `iloc` marks a pandas Series, whose
# ``[...]`` takes labels instead of positions.
_MARKS_OF_MEMORY = ("__array_interface__", "__array_struct__", "__dlpack__", "iloc")


class ComputedArray(ABC):
    """An array whose samples are computed when they are read.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
    """

    def __init__(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        self.shape = shape
        self.dtype: np.dtype[Any] = np.dtype(dtype)

    @abstractmethod
    def __getitem__(self, where: slice | Array) -> Array:
        """Return some samples, in the order of their numbers in `where`."""


def is_stored(values: object) -> bool:
    """Return True for an array whose numbers are in a file.

    That is a NumPy array on an `np.memmap`, or a view of one; or an object with a NumPy dtype, a
    shape and slices whose memory cannot be accessed, such as a dataset of h5py or zarr, or a
    `ComputedArray`.
    """
    if isinstance(values, np.ndarray):
        base: Any = values.base
        while base is not None and not isinstance(base, mmap.mmap):
            base = getattr(base, "base", None)
        return base is not None
    return (
        isinstance(getattr(values, "dtype", None), np.dtype)
        and hasattr(values, "shape")
        and hasattr(values, "__getitem__")
        and not any(hasattr(values, name) for name in _MARKS_OF_MEMORY)
    )


@dataclass(frozen=True, eq=False)
class StoredArray:
    """Some samples of a stored array; ``[...]`` selects among them, `read` reads them.

    Attributes
    ----------
    source : array_like
        The user's array.
    samples : range or ndarray of int
        Numbers of the samples.
    """

    source: Any
    samples: Any

    @classmethod
    def wrap(cls, source: Any) -> StoredArray:
        """Return all samples of a stored array."""
        return cls(source, range(source.shape[0] if source.shape else 0))

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the selected samples."""
        return (len(self), *self.source.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the array in the file."""
        dtype: np.dtype[Any] = self.source.dtype
        return dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.source.shape)

    def __getitem__(self, where: slice | Array) -> StoredArray:
        """Select samples without reading them."""
        if isinstance(self.samples, range) and not isinstance(where, slice):
            return replace(self, samples=where + self.samples.start)
        return replace(self, samples=self.samples[where])

    def read(self) -> Array:
        """Return the selected samples as an array."""
        if isinstance(self.samples, range):
            return np.asarray(self.source[self.samples.start : self.samples.stop])
        if isinstance(self.source, (np.ndarray, ComputedArray)):
            chosen: Array = self.source[self.samples]
            return chosen
        return self._read_by_slices()

    def _read_by_slices(self) -> Array:
        """Read with one slice per run of consecutive samples; some sources take only slices."""
        order = np.argsort(self.samples)
        numbers = self.samples[order]
        runs = np.split(numbers, np.flatnonzero(np.diff(numbers) != 1) + 1)
        values = np.empty(self.shape, self.source.dtype)
        parts = [np.asarray(self.source[int(run[0]) : int(run[-1]) + 1]) for run in runs]
        values[order] = np.concatenate(parts)
        return values
