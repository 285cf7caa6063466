"""The times of a series: their regular grid, the length of a season, calendar features."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.optional import require

_DAY = 86_400.0
_YEAR = 365.2425 * _DAY
# Names in pandas for grids of unequal steps.
_CALENDAR = ("D", "B", "MS", "ME", "QS", "QE", "YS", "YE")
_MOST_DAYS = 300_000
# Smallest number of seconds in a step, and the number of such steps in a year.
_SEASONS = {7 * _DAY: 52, 28 * _DAY: 12, 89 * _DAY: 4}


def regular(label: str, index: Any) -> tuple[Any, Array]:
    """Return the regular grid that the times of a series lie on, and their positions on it.

    The grid is the coarsest one that contains all times. At least half of its steps must have one.

    Raises
    ------
    ValueError
        When a time is missing, repeated, earlier than the one before, or not on a grid. The message
        names the first such time.
    """
    if index.hasnans:
        raise ValueError(f"{label} has no time at row {int(np.argmax(index.isna()))}")
    _require_ascending(label, index)
    if len(index) < 3:
        raise ValueError(f"{label} has {len(index)} steps: the frequency shows from 3 on")
    grids = [grid for grid in _grids(index) if len(grid) <= 2 * len(index)]
    grids = [grid for grid in grids if index.isin(grid).all()]
    if not grids:
        seconds = _seconds(index)
        step = _usual_step(seconds)
        off = np.diff(seconds) % step != 0
        if not off.any():
            raise ValueError(
                f"{label} has {len(index)} times from {index[0]} to {index[-1]}, less than half of "
                f"the steps of {step:g} seconds that most of them are apart"
            )
        odd = int(np.argmax(off)) + 1
        raise ValueError(
            f"{label} has irregular times: {index[odd]} is not a whole number of steps after "
            f"{index[odd - 1]}, where most are {step:g} seconds apart"
        )
    grid = min(grids, key=len).rename(index.name)
    return grid, grid.get_indexer(index)


def _require_ascending(label: str, index: Any) -> None:
    later = index.asi8[1:] > index.asi8[:-1]  # a difference may not fit into 64 bits
    if later.all():
        return
    if not index.is_unique:
        repeated = index[index.duplicated()][0]
        raise ValueError(f"{label} has the time {repeated} more than once")
    bad = int(np.argmin(later)) + 1
    raise ValueError(f"{label} is not in the order of time: {index[bad]} after {index[bad - 1]}")


def _grids(index: Any) -> list[Any]:
    """Return the grids from the first to the last time that may contain all times."""
    pandas = require("pandas", "pandas")
    ends = {"start": index[0], "end": index[-1]}
    grids = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas 3.1 announces another type of result
        known = index.freq or pandas.infer_freq(index)
    if known is not None:
        return [pandas.date_range(**ends, freq=known)]
    seconds = _seconds(index)
    step = _usual_step(seconds)
    if (seconds[-1] - seconds[0]) / step < 2 * len(index):
        grids.append(pandas.date_range(**ends, freq=pandas.Timedelta(seconds=step)))
    if (seconds[-1] - seconds[0]) / _DAY < min(_MOST_DAYS, 800 * len(index)):
        grids += [pandas.date_range(**ends, freq=name) for name in _CALENDAR]
    return grids


_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}  # units of pandas in a second


def _seconds(index: Any) -> Array:
    """Return the seconds from the first time to each; the times must ascend.

    The differences are unsigned integers: a Timedelta in nanoseconds ends after 292 years.
    """
    ticks = index.asi8.view(np.uint64)
    seconds: Array = (ticks - ticks[0]) / _UNITS[index.unit]
    return seconds


def _usual_step(seconds: Array) -> float:
    """Return the most frequent difference between two times."""
    steps, counts = np.unique(np.diff(seconds), return_counts=True)
    return float(steps[counts.argmax()])


def after(index: Any, steps: int) -> Any:
    """Return the times of the `steps` steps that follow a regular index."""
    pandas = require("pandas", "pandas")
    return pandas.date_range(index[-1], periods=steps + 1, freq=index.freq, name=index.name)[1:]


def season_of(index: Any) -> int:
    """Return the number of steps in a season, which follows from the frequency; 0 for none.

    The season is a day if a step is shorter than a day, a week if it is a day (or a working day),
    and a year if it is a week, a month or a quarter.

    Examples
    --------
    >>> import pandas as pd
    >>> season_of(pd.date_range("2020-01-01", periods=9, freq="h"))
    24
    """
    if index is None:
        return 0
    if index.freqstr.startswith(("B", "C")):
        return 5
    step = _usual_step(_seconds(index))
    if step < _DAY:
        return round(_DAY / step) if _DAY % step == 0 else 0
    if step == _DAY:
        return 7
    return next((n for least, n in _SEASONS.items() if least <= step < 1.2 * least), 0)


def calendar_of(index: Any) -> tuple[str, ...]:
    """Return the cycles of the calendar that are useful features for a series of these times.

    These are the hour of the day and the day of the week if steps are short enough, and the time of
    the year if the series is two years long: in a shorter one no time of the year comes again.
    """
    if index is None:
        return ()
    seconds = _seconds(index)
    step = _usual_step(seconds)
    cycles = (("day", _DAY, 3 * _DAY), ("week", 7 * _DAY, 21 * _DAY), ("year", _YEAR, 2 * _YEAR))
    return tuple(name for name, cycle, least in cycles if step < cycle / 2 and seconds[-1] >= least)


def calendar_features(index: Any, cycles: tuple[str, ...]) -> Array:
    """Return sine and cosine of each cycle at each time, (n, 2 cycles)."""
    hour = (index.hour + index.minute / 60 + index.second / 3600).to_numpy() / 24
    phases = {
        "day": hour,
        "week": (index.day_of_week.to_numpy() + hour) / 7,
        "year": (index.day_of_year.to_numpy() - 1 + hour) / 365.25,
    }
    angles = 2 * np.pi * np.stack([phases[cycle] for cycle in cycles])
    features: Array = np.concatenate([np.sin(angles), np.cos(angles)]).T
    return features
