"""The time steps of a batch of sequences that count, and the order in which they are computed.

The time steps that count are gathered, so that a mask becomes a number of steps for each row. The
rows are sorted, the longest first: those that still run are always the first ones. Between two
different lengths their number is constant; these time steps form an interval. A short interval
would cost more than it saves, so it joins the one before. The rows that have ended are idle then:
they run on zeros, to states that nothing reads, with gradients of zero.

All arrays (B, T, n) are in the order in which the time steps are taken: with ``go_backwards`` from
the last one on. Each row begins there at its own last step that counts, as in Keras and PyTorch.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gru_c import _core
from gru_c.common.arrays import Array, as_real
from gru_c.common.cached_property import cached_property

# Number of idle steps that an interval may have. With H=128 on one and two threads, one more
# interval costs the time of 5 to 12 steps of a row in the forward pass, of 15 to 40 in both passes.
# Between 8 and 48 this number changes the total time by less than 3%.
_MOST_IDLE = 24


class Interval(NamedTuple):
    """Time steps in which the same rows run.

    Attributes
    ----------
    rows : int
        Number of rows, which are the first of the sorted ones.
    time : int
        Number of the first time step.
    steps : int
        Number of time steps.
    begin : int
        Place of the interval among the gathered steps: a step of every row, then the next step.
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
    """The order in which the steps that count are computed; moves arrays to it and back.

    Gathered arrays have shape (N, n): a row for each step, idle steps included, in the order of the
    intervals. The arrays that they are gathered from have a place for each step. A subclass defines
    the places: `Steps` those of (B, T, n), `gru_c.interop.torch.packed_sequence` another layout.
    """

    # ---- defined by a layout ----

    @cached_property
    def lengths(self) -> Array:
        """Number of steps of each row that count, (B,)."""
        raise NotImplementedError

    @cached_property
    def _index(self) -> StepIndex:
        """The numbers of the steps, and their places."""
        raise NotImplementedError

    @property
    def state_is_output(self) -> Array:
        """True for the rows (B,) whose last output is their last state."""
        is_output: Array = self.lengths > 0
        return is_output

    # ---- the order ----

    @cached_property
    def rows(self) -> Array:
        """Numbers of the rows, (B,): the longest first; rows of one length keep their order."""
        return np.argsort(-self.lengths, kind="stable")

    @cached_property
    def _ranks(self) -> Array:
        """The place of each row (B,) in `rows`."""
        ranks = np.empty_like(self.rows)
        ranks[self.rows] = np.arange(len(ranks))
        return ranks

    @cached_property
    def intervals(self) -> list[Interval]:
        """The intervals, in the order of time."""
        ending = np.bincount(self.lengths)
        ends = np.flatnonzero(ending[1:]) + 1
        running = ending[ends][::-1].cumsum()[::-1]
        starts: list[tuple[int, int]] = []  # rows and first time step of each interval
        time = idle = 0
        for end, rows in zip(ends.tolist(), running.tolist(), strict=True):
            idle += (starts[-1][0] - rows) * (end - time) if starts else 0
            if not starts or idle > _MOST_IDLE:
                starts.append((rows, time))
                idle = 0
            time = end
        intervals, begin = [], 0
        for (rows, first), (_, after) in pairwise([*starts, (0, time)]):
            intervals.append(Interval(rows, first, after - first, begin))
            begin += rows * (after - first)
        return intervals

    @cached_property
    def count(self) -> int:
        """Number N of gathered steps."""
        return sum(interval.rows * interval.steps for interval in self.intervals)

    @cached_property
    def _begins(self) -> Array:
        """The number of time step 0, 1, ... of the first row among the gathered steps."""
        rows = [interval.rows for interval in self.intervals]
        running = np.repeat(np.array(rows, np.intp), [it.steps for it in self.intervals])
        begins: Array = running.cumsum() - running
        return begins

    @property
    def _ends(self) -> tuple[Array, Array]:
        """The rows with a step that counts, and the number of the last such step of each."""
        rows = np.flatnonzero(self.lengths)
        return rows, self._begins[self.lengths[rows] - 1] + self._ranks[rows]

    # ---- forward pass ----

    def gather(self, x: Array, inputs: Array, threads: int) -> None:
        """Write the gathered steps (N, I) of an array of all places (..., I)."""
        _take(x, self._index.places, inputs, threads)

    def scatter_output(self, outputs: Array, output: Array, threads: int) -> None:
        """Write the output of all places (..., H), given the outputs of the steps (N, H)."""
        _take(outputs, self._index.shown, output, threads)

    def last_states(self, outputs: Array, state: Array) -> Array:
        """Return the last states (B, H), given outputs and the states before the first step."""
        rows, ends = self._ends
        state = state.copy()
        state[rows] = outputs[ends]
        return state

    # ---- backward pass ----

    def gather_gradients(
        self, d_output: Array | None, d_state: Array | None, d_outputs: Array, threads: int
    ) -> None:
        """Write the gradients of the steps' outputs (N, H), given those of the pass's results.

        With `d_outputs` (N, 2H), those of all states, the other half is zero before.
        """
        if d_output is None:
            d_outputs[...] = 0
        else:
            of_output = d_outputs[:, : d_output.shape[-1]]
            index = self._index
            # The gradient of an output that repeats that of a step is added to the step's own.
            repeats = None if index.shown is index.numbers else index.numbers
            _take(d_output, index.places, of_output, threads, repeats)
        if d_state is not None:
            rows, ends = self._ends
            d_outputs[ends] += d_state[rows]

    def scatter(self, steps: Array, array: Array, threads: int) -> None:
        """Write an array of all places (..., n), given that of the steps (N, n)."""
        _take(steps, self._index.numbers, array, threads)


class StepIndex(NamedTuple):
    """The numbers of the steps that count, and their places.

    Attributes
    ----------
    numbers : ndarray of intp
        The number among the gathered steps of the step at each place; -1 if it does not count.
    shown : ndarray of intp
        The number of the step whose output each place has; -1 for zeros.
    places : ndarray of intp, shape (N,)
        The place of each gathered step, counted over all axes; -1 for an idle step.
    """

    numbers: Array
    shown: Array
    places: Array


@dataclass(frozen=True, eq=False)
class Steps(StepOrder):
    """The steps of a batch that count.

    Attributes
    ----------
    counts : ndarray of bool, shape (B, T)
        True for the steps that count, in the order in which they are taken.
    zero_output : bool
        True if the output of a step that does not count is zero; else it repeats the one before.
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
        """Return the steps of a batch (B, T) for a user's arguments; None if every step counts."""
        counts = which_count(shape, mask, lengths)
        if counts is None or counts.all():
            return None
        return cls(counts[:, ::-1] if go_backwards else counts, zero_output)

    @cached_property
    def lengths(self) -> Array:
        """Number of steps of each row that count, (B,)."""
        lengths: Array = np.count_nonzero(self.counts, axis=1)
        return lengths

    @cached_property
    def _index(self) -> StepIndex:
        counts = np.ascontiguousarray(self.counts)
        numbers, places = np.empty(counts.shape, np.intp), np.empty(self.count, np.intp)
        shown = None if self.zero_output else np.empty(counts.shape, np.intp)
        _core.order_steps(counts, self._ranks, self._begins, numbers, shown, places)
        return StepIndex(numbers, numbers if shown is None else shown, places)

    @property
    def state_is_output(self) -> Array:
        """True for the rows (B,) whose last output is their last state; else it is 0."""
        return self.counts[:, -1] if self.zero_output else super().state_is_output


def _take(
    array: Array, index: Array, steps: Array, threads: int, repeats: Array | None = None
) -> None:
    """Write the rows of an array (..., n) that an index (...) chooses; zeros where it is -1.

    With `repeats`, numbers of the array's rows, those behind a row that have -1 are added to it.
    """
    source, out = (it if it.ndim == 3 else it[None] for it in (array, steps))
    _core.take_steps(source, index.reshape(out.shape[:2]), repeats, out, threads)


def which_count(
    shape: tuple[int, ...], mask: npt.ArrayLike | None, lengths: npt.ArrayLike | None
) -> Array | None:
    """Return a mask of the steps (B, T) of an array (B, T, ...) that count; None for no argument.

    Raises ValueError or TypeError unless the mask or the lengths fit the array.
    """
    if mask is not None and lengths is not None:
        raise ValueError("mask and lengths say the same thing in two ways: give one of them")
    if mask is not None:
        return _check_mask(mask, shape)
    if lengths is not None:
        return mask_of(check_lengths(lengths, shape), shape[1])
    return None


def mask_of(lengths: Array, T: int) -> Array:
    """Return the mask (B, T) of sequences whose first steps count."""
    mask: Array = np.arange(T) < lengths[:, None]
    return mask


def check_lengths(lengths: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return lengths as integers (B,) in [0, T]; ValueError or TypeError for anything else."""
    B, T = _sequences(shape)
    array = as_real("lengths", lengths)
    if array.dtype.kind not in "iu" and array.size:  # an empty list becomes an array of floats
        raise TypeError(f"lengths must be integers, got dtype {array.dtype}")
    if array.shape != (B,):
        raise ValueError(f"lengths must have shape (B,) = ({B},), got {array.shape}")
    bad = np.flatnonzero((array < 0) | (array > T))
    if len(bad):
        raise ValueError(f"lengths[{bad[0]}] is {array[bad[0]]}; a length must be in [0, T = {T}]")
    return array.astype(np.intp, copy=False)


def _check_mask(mask: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
    array = as_real("mask", mask)
    if array.shape == (0,) and not shape[0]:  # an empty list: the mask of no sequences
        array = array.reshape(_sequences(shape))
    if array.dtype.kind != "b" and array.size:
        raise TypeError(f"mask must hold bools, True for a step that counts, got {array.dtype}")
    if array.shape != _sequences(shape):
        raise ValueError(f"mask must have shape (B, T) = {shape[:2]}, got {array.shape}")
    return array.astype(bool, copy=False)


def _sequences(shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) < 2:
        raise ValueError(f"only sequences (B, T, ...) have steps, got an array of shape {shape}")
    return shape[:2]
