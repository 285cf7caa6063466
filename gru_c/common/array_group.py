"""Several arrays with a row for each sample: the inputs or the outputs of a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


class ArrayGroup:
    """Arrays whose rows belong to the same samples; None stands for an array that is not there.

    Parameters
    ----------
    arrays : iterable of ndarray or None
    """

    __slots__ = ("arrays",)

    def __init__(self, arrays: Any) -> None:
        self.arrays: tuple[Any, ...] = tuple(arrays)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.arrays)

    def __len__(self) -> int:
        """Return the number of samples."""
        return next((len(array) for array in self.arrays if array is not None), 0)

    def __getitem__(self, where: Any) -> ArrayGroup:
        """Return some of the samples."""
        return self.map(
            lambda array: array.take(where, axis=0) if type(where) is np.ndarray else array[where]
        )

    def __setitem__(self, where: Any, values: ArrayGroup) -> None:
        for array, value in zip(self.arrays, values, strict=True):
            array[where] = value

    def map(self, function: Callable[[Any], Any]) -> ArrayGroup:
        """Return the results of a function of each array that is there."""
        return ArrayGroup(None if array is None else function(array) for array in self.arrays)

    @property
    def shape(self) -> list[Any]:
        """The shapes of the arrays."""
        return [None if array is None else array.shape for array in self.arrays]


def parts_of(values: Any) -> tuple[Any, ...]:
    """Return the arrays of a group, or the array itself; without None."""
    parts = values.arrays if isinstance(values, ArrayGroup) else (values,)
    return tuple(part for part in parts if part is not None)


def mapped(function: Callable[[Any], Any], values: Any) -> Any:
    """Return the result of a function of an array, or a group of those of each array."""
    return values.map(function) if isinstance(values, ArrayGroup) else function(values)
