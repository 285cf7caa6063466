"""The batches of an epoch: their size and order, and the fraction that a process takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gru_c.common.arrays import Array

Fraction = tuple[int, int]  # the number of a part, and the number of parts
WHOLE: Fraction = (0, 1)


@dataclass(frozen=True)
class Epoch:
    """The batches of an epoch.

    Attributes
    ----------
    batch_size : int
    rng : numpy.random.Generator or None
        Draws the order of the samples; None keeps their order.
    bucket : bool
        True puts samples of similar length into one batch.
    skip : int
        Number of batches to leave out at the beginning.
    fraction : tuple of int
        The fraction to take of each batch.
    """

    batch_size: int
    rng: np.random.Generator | None = None
    bucket: bool = False
    skip: int = 0
    fraction: Fraction = WHOLE


@dataclass(frozen=True)
class BatchPlan(Sequence[Any]):
    """The samples of each batch, by their indices: slices, or arrays where there is an order.

    The batches are made as they are asked for: any number of them takes no memory.

    Attributes
    ----------
    batch_size : int
    order : ndarray or None
        The samples in the order in which they are taken.
    numbers : sequence of int
        The batches in the order in which they are taken.
    """

    batch_size: int
    order: Array | None
    numbers: Any

    @classmethod
    def of(cls, count: int, batch_size: int, order: Array | None = None) -> BatchPlan:
        """Return a plan of so many samples, whose batches follow each other."""
        return cls(batch_size, order, range(-(-count // batch_size)))

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, place: Any) -> Any:
        """Return the samples of a batch, or for a slice the plan of some batches."""
        if isinstance(place, slice):
            return replace(self, numbers=self.numbers[place])
        first = int(self.numbers[place]) * self.batch_size
        window = slice(first, first + self.batch_size)
        return window if self.order is None else self.order[window]


def fraction_slice(count: int, fraction: Fraction) -> slice:
    """Return the slice that a fraction takes of `count` samples.

    The parts are as equal as possible.
    """
    number, parts = fraction
    return slice(count * number // parts, count * (number + 1) // parts)


def take_fraction(where: slice | Array, count: int, fraction: Fraction) -> slice | Array:
    """Return the indices of a fraction of the selected samples.

    `where` selects among `count` samples.
    """
    if fraction == WHOLE:
        return where
    if isinstance(where, slice):
        first, end, _ = where.indices(count)
        taken = fraction_slice(end - first, fraction)
        return slice(first + taken.start, first + taken.stop)
    return where[fraction_slice(len(where), fraction)]
