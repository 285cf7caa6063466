"""How the batches of an epoch are drawn, and what a process takes of one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gru_c.utils.arrays import Array

Fraction = tuple[int, int]  # number of a part, and how many there are
WHOLE: Fraction = (0, 1)


@dataclass(frozen=True)
class Epoch:
    """How the batches of an epoch are drawn.

    Attributes
    ----------
    batch_size : int
    rng : numpy.random.Generator or None
        Draws the order; None: that of the samples.
    bucket : bool
        Take samples of similar length together.
    done : int
        Batches to leave out, the first ones.
    part : tuple of int
        What to take of each batch.
    """

    batch_size: int
    rng: np.random.Generator | None = None
    bucket: bool = False
    done: int = 0
    part: Fraction = WHOLE


def part_of(count: int, part: Fraction) -> slice:
    """Return which of so many samples are a part, of a number of parts as equal as can be."""
    number, parts = part
    return slice(count * number // parts, count * (number + 1) // parts)


def cut(where: slice | Array, count: int, part: Fraction) -> slice | Array:
    """Return a part of some of so many samples."""
    if part == WHOLE:
        return where
    if isinstance(where, slice):
        first, end, _ = where.indices(count)
        taken = part_of(end - first, part)
        return slice(first + taken.start, first + taken.stop)
    return where[part_of(len(where), part)]
