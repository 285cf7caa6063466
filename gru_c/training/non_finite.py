"""Values that are NaN or infinite: recorded while a model runs over data, and named in errors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from gru_c.common.array_group import ArrayGroup
from gru_c.common.arrays import Array, is_finite, not_finite
from gru_c.common.warnings import warn
from gru_c.data.samples import Data, Samples

NO_CULPRIT = (
    ", while all of the batch's x and y are finite: the learning rate may be too high, or an "
    "earlier batch held an infinite value"
)

# Losses are computed in float64, but targets beyond float32 are named if a loss is not finite.
_OF_TARGETS = np.dtype(np.float32)
_NOTHING: AbstractContextManager[Any] = nullcontext()

# The numbers of a batch's samples, or words that name the batch.
Where = Array | slice | str | None


class NonFiniteSamples:
    """A record of samples with NaN or infinities in a training, an evaluation or a prediction.

    Numbers that are too large for the dtype of the model count as infinite.

    Parameters
    ----------
    consequence : str
        The consequence of such samples, for the warning.
    dtype : dtype
        The dtype of the model.
    targets : bool
        True to check the targets, too.
    """

    def __init__(self, consequence: str, dtype: Any, *, targets: bool = True) -> None:
        self.consequence = consequence
        self.dtype = np.dtype(dtype)
        self._samples = 0  # number of samples that were checked
        self._bad = 0
        self._first = ""
        self._targets = targets
        self._first_target = ""
        self._warned = False
        self._warned_of_targets = False

    def check(self, batch: Samples, where: Where = None) -> AbstractContextManager[Any]:
        """Check a batch; `where` are the numbers of its samples, by default the next ones.

        Returns
        -------
        context manager
            The context in which to run the batch. NumPy does not warn there of numbers that are
            too large, which may also be in time steps that do not count.
        """
        context = _NOTHING
        x = batch.x
        if isinstance(x, ArrayGroup):
            context = self._check_group(batch, where)
        elif not is_finite(x, self.dtype):
            self._note(batch, where)
            context = np.errstate(over="ignore")
        if self._targets and not self._first_target and isinstance(batch, Data):
            self._note_target(batch, where)
        self._samples += len(batch)
        return context

    def _check_group(self, batch: Samples, where: Where) -> AbstractContextManager[Any]:
        """Check the inputs of a graph one by one."""
        context = _NOTHING
        for number, part in enumerate(batch.x):
            if part.dtype.kind in "fiub" and not is_finite(part, self.dtype):
                bad = _bad_values(part, self.dtype, None)
                rows = int(np.count_nonzero(bad.reshape(len(bad), -1).any(axis=1)))
                self._bad += rows
                if rows and not self._first:
                    self._first = self._named(f"x[{number}]", part, bad, where)
                context = np.errstate(over="ignore")
        return context

    def _note(self, batch: Samples, where: Where) -> None:
        bad = _bad_values(batch.x, self.dtype, batch.mask)
        if not bad.any():
            return
        self._bad += int(np.count_nonzero(bad.reshape(len(bad), -1).any(axis=1)))
        if not self._first:
            self._first = self._named("x", batch.x, bad, where)

    def _note_target(self, batch: Data, where: Where) -> None:
        if isinstance(batch.y, ArrayGroup):
            for number, part in enumerate(batch.y):
                bad = None if part is None else _bad_values(part, _OF_TARGETS, None)
                if bad is not None and bad.any() and not self._first_target:
                    self._first_target = self._named(f"y[{number}]", part, bad, where)
            return
        if is_finite(batch.y, _OF_TARGETS):
            return
        bad = _bad_values(batch.y, _OF_TARGETS, batch.mask if batch.per_step else None)
        if bad.any():
            self._first_target = self._named("y", batch.y, bad, where)

    def _named(self, name: str, array: Array, bad: Array, where: Where) -> str:
        """Return words for the index of the first bad value, and for the value."""
        first = np.argwhere(bad)[0]
        value = array[tuple(first)]
        row, *other_axes = first
        number = row
        if isinstance(where, np.ndarray):
            number = where[row]
        elif not isinstance(where, str):
            start = None if where is None else where.start
            number = row + (self._samples if start is None else start)
        place = ", ".join(map(str, (number, *other_axes)))
        batch = where if isinstance(where, str) else ""
        large = f", too large for {self.dtype}" if np.isfinite(value) else ""
        return f"{name}[{place}]{batch} is {value}{large}"

    def warn(self, results: Mapping[str, float] | None = None) -> None:
        """Warn once of such samples, and once of targets if a result is not finite."""
        advice = "fill the gaps, or say with lengths= which time steps count"
        if self._bad and not self._warned:
            self._warned = True
            hold = f"{self._bad} samples hold" if self._bad > 1 else "a sample holds"
            warn(
                f"{hold} NaN or infinities ({self._first}): {self.consequence}. Leave such samples "
                f"out, {advice}"
            )
        spoilt = [name for name, value in (results or {}).items() if not math.isfinite(value)]
        if self._first_target and spoilt and not self._warned_of_targets:
            self._warned_of_targets = True
            verb = "is" if len(spoilt) == 1 else "are"
            warn(
                f"{' and '.join(spoilt)} {verb} not finite, as {self._first_target}: leave such "
                f"samples out, {advice}"
            )

    def culprit(self, batch: Data, where: Where = None) -> str:
        """Return words that name a value that is not finite, in this batch or an earlier one."""
        words = culprit(batch, where if isinstance(where, np.ndarray) else None, self.dtype)
        if words is NO_CULPRIT and self._first:
            return f": an earlier batch held a value that is not finite, {self._first}"
        return words


def culprit(batch: Data, samples: Array | None, dtype: Any) -> str:
    """Return words that name a value in a batch that counts and is not finite, if there is one.

    `samples` are the numbers of the batch's samples in the user's data, if these are not 0, 1, ...
    """
    for name, array, limit, by_step in (
        *_named_parts("x", batch.x, np.dtype(dtype), True),
        *_named_parts("y", batch.y, _OF_TARGETS, batch.per_step),
    ):
        bad = np.argwhere(_bad_values(array, limit, batch.mask if by_step else None))
        if len(bad):
            sample, *other_axes = bad[0]
            place = [sample if samples is None else samples[sample], *other_axes]
            where = ", ".join(map(str, place))
            large = f" in {limit}" if np.isfinite(array[tuple(bad[0])]) else ""
            count = f"{len(bad)} values of {name} in this batch are not finite{large}"
            return f": {count}, the first is {name}[{where}]"
    return NO_CULPRIT


def _named_parts(name: str, values: Any, limit: Any, by_step: bool) -> list[Any]:
    """Return the name, the array, the limit and the flag, for each array of a group."""
    if not isinstance(values, ArrayGroup):
        return [(name, values, limit, by_step)]
    parts = enumerate(values)
    return [(f"{name}[{i}]", part, limit, False) for i, part in parts if part is not None]


def _bad_values(array: Array, dtype: np.dtype[Any], mask: Array | None) -> Array:
    """Return a mask of the values that are not finite, in the time steps that count."""
    if array.dtype.kind != "f":
        return np.zeros(array.shape, bool)
    bad = not_finite(array, dtype)
    if mask is not None:
        bad[~mask] = False
    return bad
