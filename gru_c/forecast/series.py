"""Series: numbers at equal steps, read from the data given to a forecaster."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gru_c.common.arrays import Array, as_real
from gru_c.forecast.frequency import Step, regular
from gru_c.forecast.index import times_of

LARGEST = 1e100  # largest value, so that squares and quotients do not overflow


@dataclass(frozen=True)
class Series:
    """A series of numbers at equal steps.

    Attributes
    ----------
    name : str
    values : ndarray of float64, shape (n,)
        NaN where missing; the first value is known.
    index : DatetimeIndex of n regular steps, or None
    covariates : ndarray of float64, shape (n or more, c)
        Numbers known ahead; rows from the n-th on belong to the steps ahead.
    gaps : int
        Number of steps that are missing in the original index.
    step : Step or None
        The step of the index.
    past : ndarray of float64, shape (n, p)
        Numbers known only in the past.
    static : ndarray of float64, shape (s,)
        Scaled features of the series itself, such as its size.
    """

    name: str
    values: Array
    index: Any
    covariates: Array
    gaps: int = 0
    step: Step | None = None
    past: Array = field(default_factory=lambda: np.zeros((0, 0)))
    static: Array = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        return len(self.values)

    def cut(self, end: int) -> Series:
        """Return the steps before `end`; all covariates stay, because they are known ahead."""
        if end >= len(self):
            return self
        index = None if self.index is None else self.index[:end]
        return replace(self, values=self.values[:end], index=index, past=self.past[:end])

    def tail(self, steps: int) -> Series:
        """Return the last steps, more than asked for if needed to begin with a known value."""
        known = np.flatnonzero(~np.isnan(self.values[: max(len(self) - steps, 0) + 1]))
        begin = int(known[-1])
        if not begin:
            return self
        index = None if self.index is None else self.index[begin:]
        return replace(
            self,
            values=self.values[begin:],
            index=index,
            covariates=self.covariates[begin:],
            past=self.past[begin:],
        )

    def after(self, steps: int) -> Any:
        """Return the times of the `steps` steps after the end; None for a series without times."""
        return None if self.step is None else self.step.after(self.index, steps)


def is_frame(data: Any) -> bool:
    """Return True for a pandas DataFrame, without importing pandas."""
    return hasattr(data, "columns") and hasattr(data, "index")


def is_series(data: Any) -> bool:
    """Return True for a pandas Series, without importing pandas."""
    return hasattr(data, "index") and hasattr(data, "to_numpy") and not is_frame(data)


class SeriesReader:
    """Reads series; those with equal times share one regular grid.

    Parameters
    ----------
    expected : Step, optional
        The step to take if times fit to it as well as to any other: that of the training.
    """

    def __init__(self, expected: Step | None = None) -> None:
        self._expected = expected
        self._last: tuple[Any, Any] = None, None  # an index, and what `_grid` returned for it

    def read(self, name: str, data: Any) -> Series:
        """Return a series without covariates; ValueError or TypeError if it cannot be used."""
        label = f"series {name!r}"
        if not is_series(data):
            array = as_real(label, data)
            if array.ndim != 1:
                raise ValueError(f"{label} must have shape (n,), got {array.shape}")
            values = _checked(label, array.astype(np.float64))
            return Series(name, values, None, _none(values), past=_none(values))
        numbers = numbers_of(label, data)
        grid = self._grid(label, data.index)
        if grid is None:
            values = _checked(label, numbers.copy())
            return Series(name, values, None, _none(values), past=_none(values))
        index, positions, step = grid
        values = np.full(len(index), np.nan)
        values[positions] = numbers
        gaps = len(index) - len(numbers)
        none = _none(values)
        return Series(name, _checked(label, values), index, none, gaps, step, past=none)

    def _grid(self, label: str, index: Any) -> tuple[Any, Array | slice, Step] | None:
        """Return the regular grid of an index; None if it only counts rows."""
        last, grid = self._last
        is_last = index is last or (type(index) is type(last) and index.equals(last))
        if not is_last:
            times = times_of(label, index)
            before, grid = grid, None
            if times is not None:
                grid = regular(label, times, self._expected)
                if before is not None and grid[0].equals(before[0]):
                    grid = before[0], *grid[1:]
            self._last = index, grid
        result: tuple[Any, Array | slice, Step] | None = grid
        return result


def _none(values: Array) -> Array:
    """Return rows of no covariates."""
    return np.zeros((len(values), 0))


def numbers_of(label: str, data: Any) -> Array:
    """Return the numbers of a pandas Series; TypeError if it does not hold numbers."""
    if data.dtype.kind not in "biufO":
        raise TypeError(f"{label} holds no numbers but {data.dtype}")
    try:
        numbers: Array = data.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{label} holds no numbers but {data.dtype}: {error}") from None
    return numbers


def _checked(label: str, values: Array) -> Array:
    bad = np.flatnonzero(np.abs(values) > LARGEST)
    if len(bad):
        raise ValueError(f"{label} holds {values[bad[0]]} at step {bad[0]}: it must be finite")
    if np.isnan(values).all():
        raise ValueError(f"{label} has no value: {len(values)} steps, all of them missing")
    return values


def from_first_value(item: Series) -> Series:
    """Return a series without the missing values at its beginning."""
    return item.tail(len(item) - int(np.flatnonzero(~np.isnan(item.values))[0]))
