"""A limit to the size of a graph's values, so that a small file cannot use all memory."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from gru_c.common.arrays import Array

Shape = tuple[int, ...]

# The number of elements that may be alive at the same time: _ALWAYS in any graph, _PER_CONSTANT for
# each element of its constants, and _PER_INPUT times (_NARROW + the longest axis of a constant,
# which bounds units and features) for each element of its inputs.
_ALWAYS = 2**22
_PER_CONSTANT = 16
_PER_INPUT = 8
_NARROW = 64


class ElementBudget:
    """The number of elements that all values alive at the same time may have.

    Parameters
    ----------
    constants : iterable of tuple of int
        Shapes of the weights.
    inputs : iterable of tuple of int
        Shapes of the graph's inputs.

    Attributes
    ----------
    limit : int
        The number of elements.
    used : int
        Elements of the values that are alive, which the caller counts.
    """

    def __init__(self, constants: Iterable[Shape], inputs: Iterable[Shape] = ()) -> None:
        stored, longest = 0, 0
        for shape in constants:
            stored += math.prod(shape)
            longest = max(longest, *shape, 0)
        fed = sum(math.prod(shape) for shape in inputs)
        self.limit = _ALWAYS + _PER_CONSTANT * stored + _PER_INPUT * fed * (_NARROW + longest)
        self.used = 0

    def require(self, shape: Iterable[int]) -> tuple[int, ...]:
        """Return the shape, or raise ValueError if an array of it is too large."""
        sizes = tuple(int(size) for size in shape)
        if any(size < 0 for size in sizes):
            raise ValueError(f"no array can have the shape {list(sizes)}")
        # An axis of length 0 counts as 1, since other operators may loop over a long one beside it.
        if self.used + math.prod(max(size, 1) for size in sizes) > self.limit:
            raise ValueError(
                f"a result of shape {list(sizes)} is far larger than inputs and weights account "
                f"for ({self.limit - self.used:,} elements)"
            )
        return sizes

    def broadcast(self, *arrays: Array) -> tuple[int, ...]:
        """Return the shape of arrays broadcast together, under the same condition."""
        return self.require(np.broadcast_shapes(*(array.shape for array in arrays)))
