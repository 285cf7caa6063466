"""The batches of an epoch: their size and order, and the fraction that a process takes."""

from __future__ import annotations

from dataclasses import dataclass

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
