"""Which steps of a batch of sequences count, and in which order they are computed.

The steps that count are gathered, so that a mask is a number of steps for each row, and the rows
are sorted, longest first: those that still run are always the first ones. Between two different
lengths their number is constant: an interval. What a short one would save is less than it costs, so
it joins the one before, and the rows that have ended run on idle: on input that is zero, to states
that nobody looks at, with gradients that are zero.

All arrays (B, T, n) are in the order in which the steps are taken: with ``go_backwards`` from the
last one on. There each row begins at its own last step that counts, as in Keras and PyTorch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gru_c.utils.arrays import Array, as_real

# Steps that may be idle in an interval. With H=128 on one and two threads, an interval more costs
# the time of 5 to 12 steps of a row forward, of 15 to 40 forward and back; from 8 to 48 the whole
# differs by less than 3%.
_MOST_IDLE = 24


class Interval(NamedTuple):
    """Steps in which the same rows run.

    Attributes
    ----------
    rows : int
        How many: the first of the sorted ones.
    time, steps : int
        Number of the first step of each row, and how many each takes.
    begin : int
        Where they begin among all that are gathered: a step of every row, then the next.
    """

    rows: int
    time: int
    steps: int
    begin: int

    def part(self, gathered: Array) -> Array:
        """Return the interval's part of the gathered (N, n), as (rows, steps, n)."""
        part = gathered[self.begin : self.begin + self.rows * self.steps]
        by_row: Array = part.reshape(self.steps, self.rows, part.shape[1]).swapaxes(0, 1)
        return by_row


class StepOrder:
    """The order in which the steps that count are computed, and the ways there and back.

    Arrays of what is gathered have shape (N, n): a row for each step, idle ones included, in the
    order of the intervals. Those that are gathered from have a place for each step: `Steps` says it
    of (B, T, n), `gru_c.interop.torch.packed_sequence` of another layout.
    """

    # ---- what a layout says of itself ----

    @cached_property
    def lengths(self) -> Array:
        """How many of a row's steps count, (B,)."""
        raise NotImplementedError

    @cached_property
    def _places(self) -> tuple[Array, Array]:
        """Where each step gathered (N,) is among the places, and which are idle."""
        raise NotImplementedError

    def scatter_output(self, outputs: Array, output: Array) -> None:
        """Write the output, given those of the steps and a zero, (N + 1, H)."""
        raise NotImplementedError

    def scatter(self, steps: Array, array: Array) -> None:
        """Write an array of all places, given one of the steps and a zero, (N + 1, n)."""
        raise NotImplementedError

    @property
    def state_is_output(self) -> Array:
        """Whether the last output of a row (B,) is its last state."""
        is_output: Array = self.lengths > 0
        return is_output

    def _add_repeats(self, d_output: Array, d_outputs: Array) -> None:
        """Add the gradients of places that show the output of a step elsewhere."""

    # ---- the order ----

    @cached_property
    def rows(self) -> Array:
        """Numbers of the rows, (B,): the longest first, equals in their order."""
        return np.argsort(-self.lengths, kind="stable")

    @cached_property
    def _ranks(self) -> Array:
        """Where each row (B,) is in `rows`."""
        ranks = np.empty_like(self.rows)
        ranks[self.rows] = np.arange(len(ranks))
        return ranks

    @cached_property
    def intervals(self) -> list[Interval]:
        """In the order of time."""
        ends, ending = np.unique(self.lengths[self.lengths > 0], return_counts=True)
        running = ending[::-1].cumsum()[::-1]
        found: list[Interval] = []
        time = idle = 0
        for end, rows in zip(ends.tolist(), running.tolist(), strict=True):
            idle += (found[-1].rows - rows) * (end - time) if found else 0
            if found and idle <= _MOST_IDLE:
                found[-1] = found[-1]._replace(steps=end - found[-1].time)
            else:
                begin = found[-1].begin + found[-1].rows * found[-1].steps if found else 0
                found.append(Interval(rows, time, end - time, begin))
                idle = 0
            time = end
        return found

    @cached_property
    def count(self) -> int:
        """N."""
        return sum(interval.rows * interval.steps for interval in self.intervals)

    @cached_property
    def _begins(self) -> Array:
        """Where step 0, 1, ... of the rows begins among those gathered."""
        begins = [
            np.arange(interval.steps) * interval.rows + interval.begin
            for interval in self.intervals
        ]
        return np.concatenate(begins) if begins else np.zeros(1, np.intp)

    @cached_property
    def _gathered(self) -> tuple[Array, Array, Array]:
        """Row and time of each step gathered (N,), an idle one being its row's last; the idle."""
        steps = np.diff(self._begins, append=self.count)
        time = np.repeat(np.arange(len(steps)), steps)
        row = self.rows[np.arange(self.count) - self._begins[time]]
        last = self.lengths[row] - 1
        return row, np.minimum(time, last), np.flatnonzero(time > last)

    @property
    def _ends(self) -> tuple[Array, Array]:
        """Rows with a step that counts, and the numbers of their last ones."""
        rows = np.flatnonzero(self.lengths)
        return rows, self._begins[self.lengths[rows] - 1] + self._ranks[rows]

    # ---- there ----

    def gather(self, x: Array, inputs: Array) -> None:
        """Write the steps (N, I) of an array of all places (..., I)."""
        _take(x, *self._places, inputs)

    def last_states(self, outputs: Array, state: Array) -> Array:
        """Return the last states (B, H), of outputs and the states before the first step."""
        rows, ends = self._ends
        state = state.copy()
        state[rows] = outputs[ends]
        return state

    # ---- and back ----

    def gather_gradients(
        self, d_output: Array | None, d_state: Array | None, d_outputs: Array
    ) -> None:
        """Write the gradients of the steps' outputs (N, H), given those of the results."""
        if d_output is None:
            d_outputs[...] = 0
        else:
            _take(d_output, *self._places, d_outputs)
            self._add_repeats(d_output, d_outputs)
        if d_state is not None:
            rows, ends = self._ends
            d_outputs[ends] += d_state[rows]


@dataclass(frozen=True, eq=False)
class Steps(StepOrder):
    """The steps of a batch that count.

    Attributes
    ----------
    counts : ndarray of bool, shape (B, T)
        Which count, in the order taken.
    zero_output : bool
        Whether the output of a step that does not count is zero; else it repeats the one before.
    """

    counts: Array
    zero_output: bool

    @classmethod
    def checked(
        cls,
        shape: tuple[int, int],
        mask: npt.ArrayLike | None = None,
        lengths: npt.ArrayLike | None = None,
        *,
        go_backwards: bool = False,
        zero_output: bool = False,
    ) -> Steps | None:
        """Check what a user said of a batch of shape (B, T); None when every step counts."""
        counts = which_count(shape, mask, lengths)
        if counts is None or counts.all():
            return None
        return cls(counts[:, ::-1] if go_backwards else counts, zero_output)

    @cached_property
    def lengths(self) -> Array:
        """How many of a row's steps count, (B,)."""
        lengths: Array = np.count_nonzero(self.counts, axis=1)
        return lengths

    @cached_property
    def _places(self) -> tuple[Array, Array]:
        """Where each step gathered (N,) is among the batch's B T, and which are idle."""
        row, time, idle = self._gathered
        first = self.lengths.cumsum() - self.lengths  # of each row, among those that count
        return np.flatnonzero(self.counts)[first[row] + time], idle

    @cached_property
    def _numbers(self) -> tuple[Array, Array]:
        """Number, among those gathered, of the last step that counts so far; N before the first.

        The first array (B, T) has them of every step, the other one only of steps that count.
        """
        so_far = self.counts.cumsum(axis=1)
        numbers = self._begins[so_far - 1] + self._ranks[:, None]
        return np.where(so_far, numbers, self.count), np.where(self.counts, numbers, self.count)

    @property
    def _shown(self) -> Array:
        """Number of the step that each output (B, T) shows; N for zero."""
        return self._numbers[self.zero_output]

    @cached_property
    def _repeats(self) -> tuple[Array, Array]:
        """Places of the outputs that repeat one before, and what they show."""
        places = np.flatnonzero(~self.counts & (self._shown < self.count))
        return places, self._shown.reshape(-1)[places]

    def scatter_output(self, outputs: Array, output: Array) -> None:
        """Write the output (B, T, H), given those of the steps and a zero, (N + 1, H)."""
        np.take(outputs, self._shown, axis=0, out=output, mode="clip")

    @property
    def state_is_output(self) -> Array:
        """Whether the last output of a row (B,) is its last state. Else it is zero, as in Keras."""
        return self.counts[:, -1] if self.zero_output else super().state_is_output

    def _add_repeats(self, d_output: Array, d_outputs: Array) -> None:
        """Add what reaches a step through the outputs that repeat its own."""
        places, numbers = self._repeats
        repeats = d_output[np.divmod(places, d_output.shape[1])]
        if repeats.any():  # a loss that ignores them leaves zeros
            begins = np.flatnonzero(np.diff(numbers, prepend=-1))
            d_outputs[numbers[begins]] += np.add.reduceat(repeats, begins)

    def scatter(self, steps: Array, array: Array) -> None:
        """Write an array (B, T, n) of the steps and a zero, (N + 1, n): zero where none counts."""
        np.take(steps, self._numbers[1], axis=0, out=array, mode="clip")


def _take(array: Array, places: Array, idle: Array, steps: Array) -> None:
    """Write steps (N, n) of an array of places (..., n); zeros for those that are idle."""
    if array.flags.c_contiguous:
        rows = array.reshape(math.prod(array.shape[:-1]), array.shape[-1])
        np.take(rows, places, axis=0, out=steps, mode="clip")
    else:
        steps[...] = array[np.unravel_index(places, array.shape[:-1])]
    steps[idle] = 0


def which_count(
    shape: tuple[int, ...], mask: npt.ArrayLike | None, lengths: npt.ArrayLike | None
) -> Array | None:
    """Return which steps (B, T) of an array (B, T, ...) count; None when nothing was said of it.

    Raises ValueError or TypeError unless that is a mask or lengths that fit the array.
    """
    if mask is not None and lengths is not None:
        raise ValueError("mask and lengths say the same thing in two ways: give one of them")
    if mask is not None:
        return _check_mask(mask, shape)
    if lengths is not None:
        return mask_of(check_lengths(lengths, shape), shape[1])
    return None


def mask_of(lengths: Array, T: int) -> Array:
    """Return which of T steps are the first ones of each row."""
    mask: Array = np.arange(T) < lengths[:, None]
    return mask


def check_lengths(lengths: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return lengths as integers (B,), each in [0, T]; else raise ValueError or TypeError."""
    B, T = _sequences(shape)
    array = as_real("lengths", lengths)
    if array.dtype.kind not in "iu":
        raise TypeError(f"lengths must be integers, got dtype {array.dtype}")
    if array.shape != (B,):
        raise ValueError(f"lengths must have shape (B,) = ({B},), got {array.shape}")
    bad = np.flatnonzero((array < 0) | (array > T))
    if len(bad):
        raise ValueError(f"lengths[{bad[0]}] is {array[bad[0]]}; a length must be in [0, T = {T}]")
    return array.astype(np.intp, copy=False)


def _check_mask(mask: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
    array = as_real("mask", mask)
    if array.dtype.kind != "b":
        raise TypeError(f"mask must hold bools, True for a step that counts, got {array.dtype}")
    if array.shape != _sequences(shape):
        raise ValueError(f"mask must have shape (B, T) = {shape[:2]}, got {array.shape}")
    return array


def _sequences(shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) < 2:
        raise ValueError(f"only sequences (B, T, ...) have steps, got an array of shape {shape}")
    return shape[:2]
