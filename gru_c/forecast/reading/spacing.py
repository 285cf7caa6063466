"""The steps between times: equal ones show which of two readings is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array

_DAY = 86_400 * 10**6  # in microseconds
_MONTHS = (1, 2, 3, 4, 6, 12, 24, 36, 48, 60, 120)  # that series of months are apart
_FULL_DAYS = 0.75  # share of the times of trading hours that there are on a usual day
_LEAST_SHARE = 0.5  # of the steps of a grid must have a time


@dataclass(frozen=True, order=True)
class Spacing:
    """A measure of how regular times are. Larger values mean more regular times.

    Attributes
    ----------
    is_gapless : bool
        The times are in order, at equal steps, without a gap.
    on_grid : bool
        They are in order, and at least half of the steps of a grid have a time.
    is_ordered : bool
    """

    is_gapless: bool
    on_grid: bool
    is_ordered: bool


def spacing_of(times: Array, groups: Array | None) -> Spacing:
    """Return how regular times are; those of several series are taken together.

    Parameters
    ----------
    times : ndarray of datetime64
        In the order of the file.
    groups : ndarray of int or None
        A number for the series of each time.
    """
    if np.isnat(times).any() or len(times) < 2:
        return Spacing(False, False, False)
    ticks = times.astype("datetime64[us]").astype(np.int64)
    is_ordered = _is_ordered(ticks, groups)
    different = np.unique(ticks)
    if len(different) < 3:
        return Spacing(False, is_ordered, is_ordered)
    kinds = (_step_share, _month_share, _workday_share, _trading_share)
    share = max(kind(different) for kind in kinds)
    return Spacing(is_ordered and share == 1, is_ordered and share >= _LEAST_SHARE, is_ordered)


def _is_ordered(ticks: npt.NDArray[np.int64], groups: Array | None) -> bool:
    """Return True if the times of each series all rise or all fall, or stay."""
    steps = np.diff(ticks)
    if groups is not None:
        order = np.argsort(groups, kind="stable")
        steps = np.diff(ticks[order])[np.diff(groups[order]) == 0]
        return bool((steps >= 0).all() or (steps <= 0).all())
    falls, rises = int((steps < 0).sum()), int((steps > 0).sum())
    # Series of a file that lie below each other begin again a few times.
    return min(falls, rises) <= len(steps) // 10 and (min(falls, rises) == 0 or _repeats(ticks))


def _repeats(ticks: npt.NDArray[np.int64]) -> bool:
    return len(np.unique(ticks)) <= len(ticks) / 1.5


def _step_share(ticks: npt.NDArray[np.int64], allowed: tuple[int, ...] = ()) -> float:
    """Return the share of steps of one length that have a time; 0 where a time is off the grid."""
    steps = np.diff(ticks)
    values, counts = np.unique(steps, return_counts=True)
    step = int(values[counts.argmax()])
    if (steps % step).any() or (allowed and step not in allowed):
        return 0.0
    return len(ticks) / (int((ticks[-1] - ticks[0]) // step) + 1)


def _month_share(ticks: npt.NDArray[np.int64]) -> float:
    """Return the share of months, quarters or years that have a time on their usual day.

    That is one day of the month, its last day, or its first or last working day.
    """
    days, times_of_day = ticks // _DAY, ticks % _DAY
    if (times_of_day != times_of_day[0]).any():
        return 0.0
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    start, end = months.astype("datetime64[D]"), (months + 1).astype("datetime64[D]") - 1
    day = (dates - start).astype(np.int64)
    usual = (
        (day == day.max()) | (dates == end),
        dates == np.busday_offset(start, 0, "forward"),
        dates == np.busday_offset(end, 0, "backward"),
    )
    numbers = months.astype(np.int64)
    if not any(marks.all() for marks in usual) or not (np.diff(numbers) > 0).all():
        return 0.0
    return _step_share(numbers, _MONTHS)


def _workday_share(ticks: npt.NDArray[np.int64]) -> float:
    """Return the share of working days that have a time; 0 with a time on another day."""
    days, times_of_day = ticks // _DAY, ticks % _DAY
    if (times_of_day != times_of_day[0]).any() or ((days + 3) % 7 > 4).any():
        return 0.0
    first, last = days[[0, -1]].astype("datetime64[D]")
    return len(days) / (int(np.busday_count(first, last)) + 1)


def _trading_share(ticks: npt.NDArray[np.int64]) -> float:
    """Return the share of times of day, on each day or working day, that have a time.

    Prices of trading hours have few gaps by this measure.
    """
    days, times_of_day = np.unique(ticks // _DAY), np.unique(ticks % _DAY)
    if len(days) < 3 or len(times_of_day) < 2:
        return 0.0
    full = len(ticks) / (len(days) * len(times_of_day))
    if full < _FULL_DAYS:  # days whose time shifts by an hour, or no hours of their own
        return 0.0
    return full * max(_step_share(days), _workday_share(days * _DAY))
