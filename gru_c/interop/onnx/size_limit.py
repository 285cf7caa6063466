"""How large the values of a graph may become, so that a small file cannot take all memory."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from gru_c.utils.arrays import Array

Shape = tuple[int, ...]

# Elements that a graph may always have alive; and how many for one element of its constants, and,
# times the longest axis of a constant (which bounds units and features), for one of its inputs.
_ALWAYS = 2**22
_PER_CONSTANT = 16
_PER_INPUT = 8
_NARROW = 64


class Room:
    """Elements that the values alive may have together.

    Parameters
    ----------
    constants : iterable of tuple of int
        Shapes of the weights.
    inputs : iterable of tuple of int
        Shapes of what the graph is given.
    """

    def __init__(self, constants: Iterable[Shape], inputs: Iterable[Shape] = ()) -> None:
        stored, longest = 0, 0
        for shape in constants:
            stored += math.prod(shape)
            longest = max(longest, *shape, 0)
        given = sum(math.prod(shape) for shape in inputs)
        self.limit = _ALWAYS + _PER_CONSTANT * stored + _PER_INPUT * given * (_NARROW + longest)
        self.used = 0

    def require(self, shape: Iterable[int]) -> tuple[int, ...]:
        """Return the shape, or raise ValueError where an array of it is too large."""
        sizes = tuple(int(size) for size in shape)
        if any(size < 0 for size in sizes):
            raise ValueError(f"no array has the shape {list(sizes)}")
        # An axis of length 0 does not make room for a long one: other operators go along it.
        if self.used + math.prod(max(size, 1) for size in sizes) > self.limit:
            raise ValueError(
                f"a result of shape {list(sizes)} is far larger than inputs and weights account "
                f"for ({self.limit - self.used:,} elements)"
            )
        return sizes

    def broadcast(self, *arrays: Array) -> tuple[int, ...]:
        """Return the shape that arrays have together, under the same condition."""
        return self.require(np.broadcast_shapes(*(array.shape for array in arrays)))
