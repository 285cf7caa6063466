"""The time steps of sequences in the layout of PyTorch's ``PackedSequence``.

The sequences are sorted, the longest first. One array (total, n) has the steps of all: the first
step of each sequence, then the second step of each that has one, and so on; `batch_sizes` has the
number of sequences for each time step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.cached_property import cached_property
from gru_c.recurrence.step_order import StepIndex, StepOrder


@dataclass(frozen=True, eq=False)
class PackedSteps(StepOrder):
    """The time steps of packed sequences, taken from the first to the last or the other way.

    Attributes
    ----------
    batch_sizes : ndarray of int, shape (T,)
        Number of sequences that have a time step 0, 1, ..., T - 1: it begins with B, does not
        increase, and is never zero.
    go_backwards : bool
        True if each sequence begins with its own last time step.
    """

    batch_sizes: Array
    go_backwards: bool = False

    @cached_property
    def lengths(self) -> Array:
        """Number of time steps of each sequence, (B,)."""
        lengths: Array = np.searchsorted(-self.batch_sizes, -np.arange(self.batch_sizes[0]), "left")
        return lengths

    @cached_property
    def _firsts(self) -> Array:
        """Place of time step 0, 1, ... of the first sequence."""
        return np.cumsum(self.batch_sizes) - self.batch_sizes

    def _in_time(self, row: Array, step: Array) -> Array:
        """Return the time at which a row takes a step, or the step that it takes at a time."""
        return self.lengths[row] - 1 - step if self.go_backwards else step

    @cached_property
    def _index(self) -> StepIndex:
        step = np.repeat(np.arange(len(self.batch_sizes)), self.batch_sizes)
        row = np.arange(len(step)) - self._firsts[step]
        numbers = self._begins[self._in_time(row, step)] + row
        places = np.full(self.count, -1, np.intp)
        places[numbers] = np.arange(len(numbers))
        return StepIndex(numbers, numbers, places)
