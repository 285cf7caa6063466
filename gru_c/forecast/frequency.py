"""The frequency of times: the step between them, and the regular grid that they lie on.

One kind of grid has one `Step`, however it was written and whether or not times are missing: a day
is never 24 hours, a week of seven days is a week.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.optional import require
from gru_c.forecast.week_times import WeekTimes, learn_week_times

DAY = 86_400.0
_WEEK = 7 * DAY
_MONTHS = 12  # in a year
_BLOCK = 2**15  # times of which the differences are in memory
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}  # units of pandas in a second


@dataclass(frozen=True)
class Step:
    """The step from one time of a regular grid to the next.

    Attributes
    ----------
    offset : pandas.DateOffset or WeekTimes
    by_clock : bool
        True if steps are counted on the local clock: across the change to summer time such a step
        is an hour shorter. Only in time zones.
    """

    offset: Any
    by_clock: bool

    @classmethod
    def of(cls, offset: Any, first: Any, by_clock: bool = False) -> Step:
        """Return the step of a pandas offset, or of its name, on a grid that begins at `first`.

        With `by_clock` a number of hours is counted on the local clock.
        """
        if isinstance(offset, str) and " " in offset:
            offset = WeekTimes.of_name(offset)
        if isinstance(offset, WeekTimes):
            return cls(offset, first.tz is not None)
        offset = require("pandas.tseries.frequencies", "pandas").to_offset(offset)
        seconds = _seconds_of(offset)
        has_summer = first.tz is not None and first.tz.utcoffset(None) is None
        is_tick = seconds is not None and type(offset).__name__ not in ("Day", "Week")
        if is_tick and has_summer and not by_clock:
            return cls(offset, False)
        months = _months_of(offset)
        if seconds is not None:
            offset = _offset_of(seconds, first)
        elif months is not None:
            offset = _offset_of_months(*months, first)
        return cls(offset, has_summer)

    @property
    def name(self) -> str:
        """The name of the step in pandas, as in "D" or "W-SUN"."""
        return str(self.offset.freqstr)

    @property
    def kind(self) -> tuple[str, float]:
        """A value that is the same for steps of the same length at the same place in a month."""
        seconds = _seconds_of(self.offset)
        if seconds is not None:
            return "seconds", seconds
        return _months_of(self.offset) or (self.name, 1)

    def between(self, first: Any, last: Any) -> Any:
        """Return the grid from one time to another."""
        return self._grid(first.tz, first.unit, {"start": first, "end": last})

    def after(self, index: Any, count: int) -> Any:
        """Return the times of the next `count` steps after a regular index."""
        size = len(index) if self.by_clock else 1  # the last time may have been shifted by a clock
        limits = {"start": index[-size], "periods": size + count}
        return self._grid(index.tz, index.unit, limits)[size:].rename(index.name)

    def until(self, last: Any, count: int) -> Any:
        """Return the times of `count` steps, of which `last` is the last one."""
        return self._grid(last.tz, last.unit, {"end": last, "periods": count})

    def _grid(self, zone: Any, unit: str, limits: dict[str, Any]) -> Any:
        """Return a grid; a local time that a clock skips is the next one that it shows."""
        if not self.by_clock:
            return self._plain_grid(unit, limits)
        local = {
            name: limit.tz_localize(None) if name in ("start", "end") else limit
            for name, limit in limits.items()
        }
        grid = self._plain_grid(unit, local)
        summer = np.ones(len(grid), bool)  # of two times of one name the first one
        grid = grid.tz_localize(zone, ambiguous=summer, nonexistent="shift_forward")
        if isinstance(self.offset, WeekTimes):
            return grid
        try:
            grid.freq = self.offset
        except Exception:  # for pandas, hours have no clock, and a skipped time is an error
            grid.freq = None
        return grid

    def _plain_grid(self, unit: str, limits: dict[str, Any]) -> Any:
        if isinstance(self.offset, WeekTimes):
            return self.offset.grid(**limits).as_unit(unit)
        return require("pandas", "pandas").date_range(**limits, freq=self.offset, unit=unit)


def _seconds_of(offset: Any) -> float | None:
    """Return the length of a step in seconds; None for a step of unequal length, such as a month.

    A day counts as 24 hours.
    """
    lengths = {"Day": DAY, "Week": _WEEK}
    name = type(offset).__name__
    if name in lengths:
        return float(lengths[name] * offset.n)
    is_tick = isinstance(offset, require("pandas", "pandas").offsets.Tick)
    return float(offset.nanos / 10**9) if is_tick else None


def _offset_of(seconds: float, first: Any) -> Any:
    """Return the offset of some seconds: weeks or days if they are whole ones."""
    pandas = require("pandas", "pandas")
    if seconds % _WEEK == 0:
        return pandas.offsets.Week(int(seconds // _WEEK), weekday=first.weekday())
    if seconds % DAY == 0:
        return pandas.offsets.Day(int(seconds // DAY))
    return _tick(seconds)


def _months_of(offset: Any) -> tuple[str, int] | None:
    """Return the kind and the number of months of a step; None for a step of other length.

    The kinds are MonthBegin and MonthEnd, with a B in front for working days.
    """
    name = type(offset).__name__.replace("Business", "B")
    for unit, months in (("Month", 1), ("Quarter", 3), ("Year", _MONTHS)):
        if name.removeprefix("B") in (f"{unit}Begin", f"{unit}End"):
            return name.replace(unit, "Month"), months * offset.n
    return None


def _offset_of_months(family: str, count: int, first: Any) -> Any:
    """Return the offset of some months: years or quarters if they are whole ones."""
    offsets = require("pandas", "pandas").offsets
    if count % _MONTHS == 0:
        year = getattr(offsets, family.replace("Month", "Year"))
        return year(count // _MONTHS, month=first.month)
    if count % 3 == 0:
        start = (first.month - 1) % 3 + (1 if family.endswith("Begin") else 10)
        quarter = getattr(offsets, family.replace("Month", "Quarter"))
        return quarter(count // 3, startingMonth=start)
    return getattr(offsets, family)(count)


def _tick(seconds: float) -> Any:
    """Return the offset of some seconds, which are never a day."""
    pandas = require("pandas", "pandas")
    if seconds % 3600 == 0:
        return pandas.offsets.Hour(int(seconds // 3600))
    duration = pandas.Timedelta(round(seconds * 10**9), unit="ns")
    return require("pandas.tseries.frequencies", "pandas").to_offset(duration)


# ---- the grid of times --------------------------------------------------------------------------


def regular(
    label: str, index: Any, expected: Step | None = None
) -> tuple[Any, Array | slice, Step]:
    """Return the regular grid that times lie on, their positions on it, and its step.

    The grid is the coarsest one that contains all times. At least half of its steps must have one.

    Parameters
    ----------
    expected : Step, optional
        The step to take if the times fit to it as well as to any other.

    Raises
    ------
    ValueError
        When a time is missing, repeated, earlier than the one before, or not on a grid. The message
        names the first such time.
    """
    if index.hasnans:
        raise ValueError(f"{label} has no time at row {int(np.argmax(index.isna()))}")
    _require_ascending(label, index)
    best: tuple[Any, Step] | None = None
    for step in chain([] if expected is None else [expected], _possible_steps(index)):
        grid = step.between(index[0], index[-1])
        if _lie_on(index, grid) and (best is None or len(grid) < len(best[0])):
            best = grid, step
            if len(grid) == len(index):
                return grid.rename(index.name), slice(None), step
    best = best or _week_grid(index)
    if best is None:
        raise _irregular(label, index)
    grid, step = best
    return grid.rename(index.name), grid.asi8.searchsorted(index.asi8), step


def _week_grid(index: Any) -> tuple[Any, Step] | None:
    """Return the grid of the times of the week that an index has, such as trading hours."""
    local = index if index.tz is None else index.tz_localize(None)
    times = learn_week_times(local) if (local.asi8[1:] > local.asi8[:-1]).all() else None
    if times is None:
        return None
    step = Step.of(times, index[0])
    grid = step.between(index[0], index[-1])
    return (grid, step) if _lie_on(index, grid) else None


def _lie_on(index: Any, grid: Any) -> bool:
    """Return True if all times lie on a grid and are at least half of it."""
    if not len(index) <= len(grid) <= 2 * len(index):
        return False
    if len(grid) == len(index):
        return bool((grid.asi8 == index.asi8).all())
    places = np.minimum(grid.asi8.searchsorted(index.asi8), len(grid) - 1)
    return bool((grid.asi8[places] == index.asi8).all())


def _irregular(label: str, index: Any) -> ValueError:
    if len(index) < 3:
        return ValueError(f"{label} has {len(index)} steps: the frequency shows from 3 on")
    seconds, step = seconds_of(index), usual_step(index)
    off = np.diff(seconds) % step != 0
    if not off.any():
        return ValueError(
            f"{label} has {len(index)} times from {index[0]} to {index[-1]}, less than half of "
            f"the steps of {step:g} seconds that most of them are apart"
        )
    odd = int(np.argmax(off)) + 1
    return ValueError(
        f"{label} has irregular times: {index[odd]} is not a whole number of steps after "
        f"{index[odd - 1]}, where most are {step:g} seconds apart"
    )


def _require_ascending(label: str, index: Any) -> None:
    later = index.asi8[1:] > index.asi8[:-1]  # a difference may not fit into 64 bits
    if later.all():
        return
    if not index.is_unique:
        repeated = index[index.duplicated()][0]
        raise ValueError(f"{label} has the time {repeated} more than once")
    bad = int(np.argmin(later)) + 1
    raise ValueError(f"{label} is not in the order of time: {index[bad]} after {index[bad - 1]}")


def _possible_steps(index: Any) -> Iterator[Step]:
    """Yield the steps that the times may have; of grids of equal length the first one counts."""
    if len(index) < 3:
        return
    pandas = require("pandas", "pandas")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas 3.1 announces another type of result
        known = index.freq or pandas.infer_freq(index)
    if known is not None:
        yield Step.of(known, index[0])
    local = index if index.tz is None else index.tz_localize(None)
    kinds = [(local, True)] if index.tz is None else [(local, True), (index, False)]
    if usual_step(index) % DAY:
        kinds.reverse()  # hours are rather counted without the clock
    for times, by_clock in kinds:
        if not (times.asi8[1:] > times.asi8[:-1]).all():
            continue
        span, length = span_of(times), usual_step(times)
        if span / length < 2 * len(index):
            yield Step.of(_tick(length), index[0], by_clock)
        if by_clock and span / DAY < 2 * len(index):
            yield Step.of("D", index[0])
        if by_clock and 5 / 7 * span / DAY < 2 * len(index):
            yield Step.of("B", index[0])
    yield from _steps_of_months(local, index[0])


def _steps_of_months(local: Any, first: Any) -> Iterator[Step]:
    """Yield steps of whole months, from their first or last day or working day."""
    months = _MONTHS * local.year.to_numpy().astype(np.int64) + local.month.to_numpy() - 1
    count = int(np.gcd.reduce(np.diff(months)))
    if not (np.diff(months) > 0).all() or (months[-1] - months[0]) // count >= 2 * len(local):
        return
    for family in ("MonthBegin", "MonthEnd", "BMonthBegin", "BMonthEnd"):
        yield Step.of(_offset_of_months(family, count, first), first)


def seconds_of(index: Any) -> Array:
    """Return the seconds from the first time to each; the times must ascend.

    The differences are unsigned integers: a Timedelta in nanoseconds ends after 292 years.
    """
    ticks = index.asi8.view(np.uint64)
    seconds: Array = (ticks - ticks[0]) / _UNITS[index.unit]
    return seconds


def span_of(index: Any) -> float:
    """Return the seconds from the first to the last time."""
    return float(seconds_of(index[[0, -1]])[-1])


def usual_step(index: Any) -> float:
    """Return the most frequent number of seconds between two times."""
    counts: Counter[float] = Counter()
    first = index.asi8[:1].view(np.uint64)
    for begin in range(0, len(index) - 1, _BLOCK):
        ticks = index.asi8[begin : begin + _BLOCK + 1].view(np.uint64)
        steps = np.diff((ticks - first) / _UNITS[index.unit])
        counts.update(
            dict(
                zip(*(part.tolist() for part in np.unique(steps, return_counts=True)), strict=True)
            )
        )
    most = max(counts.values())
    return min(step for step, count in counts.items() if count == most)
