"""Arrays that are too large to be looked at as a whole: read a few samples at a time."""

from __future__ import annotations

import mmap
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gru_c.utils.arrays import Array


def is_stored(values: object) -> bool:
    """Say whether that is an array whose numbers lie in a file.

    An array of NumPy's on an `np.memmap`, views of it included; or an object with the dtype of an
    array, a shape and slices, such as a dataset of h5py or zarr, which does not lend its memory as
    those of other libraries (and takes places for samples, unlike a pandas Series).
    """
    if isinstance(values, np.ndarray):
        base: Any = values.base
        while base is not None and not isinstance(base, mmap.mmap):
            base = getattr(base, "base", None)
        return base is not None
    lent = ("__array_interface__", "__array_struct__", "__dlpack__", "iloc")
    return (
        isinstance(getattr(values, "dtype", None), np.dtype)
        and hasattr(values, "shape")
        and hasattr(values, "__getitem__")
        and not any(hasattr(values, name) for name in lent)
    )


@dataclass(frozen=True, eq=False)
class StoredArray:
    """Some samples of a stored array; ``[...]`` chooses among them, `read` reads them.

    Attributes
    ----------
    source : array_like
        As the user gave it.
    samples : range or ndarray of int
        Numbers of the samples.
    """

    source: Any
    samples: Any

    @classmethod
    def wrap(cls, source: Any) -> StoredArray:
        """Take all samples."""
        return cls(source, range(source.shape[0] if source.shape else 0))

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array."""
        return (len(self), *self.source.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """As of an array."""
        found: np.dtype[Any] = self.source.dtype
        return found

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.source.shape)

    def __getitem__(self, where: slice | Array) -> StoredArray:
        """Choose samples; nothing is read."""
        if isinstance(self.samples, range) and not isinstance(where, slice):
            return replace(self, samples=where + self.samples.start)
        return replace(self, samples=self.samples[where])

    def read(self) -> Array:
        """Return the samples as an array."""
        if isinstance(self.samples, range):
            return np.asarray(self.source[self.samples.start : self.samples.stop])
        if isinstance(self.source, np.ndarray):
            chosen: Array = self.source[self.samples]
            return chosen
        return self._read_in_runs()

    def _read_in_runs(self) -> Array:
        """Read by slices, which is all that some sources take, neighbours together."""
        order = np.argsort(self.samples)
        numbers = self.samples[order]
        runs = np.split(numbers, np.flatnonzero(np.diff(numbers) != 1) + 1)
        found = np.empty(self.shape, self.source.dtype)
        parts = [np.asarray(self.source[int(run[0]) : int(run[-1]) + 1]) for run in runs]
        found[order] = np.concatenate(parts)
        return found
