"""The calendar of a series: the length of a season, features of the hour, week and year."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.forecast.frequency import DAY, span_of, usual_step

_YEAR = 365.2425 * DAY
# Smallest number of seconds in a step, and the number of such steps in a year.
_SEASONS = {7 * DAY: 52, 28 * DAY: 12, 89 * DAY: 4}
_BLOCK = 2**15  # times of which all features are in memory


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
    if index.freqstr in ("B", "C"):
        return 5
    step = usual_step(index)
    if step < DAY and index.freqstr is None:  # a calendar of its own, such as trading hours
        counts = np.unique(index.tz_localize(None).normalize(), return_counts=True)[1]
        return int(np.bincount(counts).argmax())
    if step < DAY:
        return round(DAY / step) if DAY % step == 0 else 0
    if step == DAY:
        return 7
    return next((n for least, n in _SEASONS.items() if least <= step < 1.2 * least), 0)


def calendar_of(index: Any) -> tuple[str, ...]:
    """Return the cycles of the calendar that are useful features for a series of these times.

    These are the hour of the day and the day of the week if steps are short enough, and the time of
    the year if the series is two years long: in a shorter one no time of the year comes again.
    """
    if index is None:
        return ()
    span, step = span_of(index), usual_step(index)
    cycles = (("day", DAY, 3 * DAY), ("week", 7 * DAY, 21 * DAY), ("year", _YEAR, 2 * _YEAR))
    return tuple(name for name, cycle, least in cycles if step < cycle / 2 and span >= least)


def calendar_features(index: Any, cycles: tuple[str, ...]) -> Array:
    """Return sine and cosine of each cycle at each time, (n, 2 cycles)."""
    return _sines_and_cosines(_phases(index, cycles))


def _phases(index: Any, cycles: tuple[str, ...]) -> Array:
    """Return the part of each cycle that has passed at each time, (cycles, n)."""
    minute, second = index.minute.to_numpy(), index.second.to_numpy()
    hour = (index.hour.to_numpy() + minute / 60 + second / 3600) / 24
    phases = {
        "day": lambda: hour,
        "week": lambda: (index.day_of_week.to_numpy() + hour) / 7,
        "year": lambda: (index.day_of_year.to_numpy() - 1 + hour) / 365.25,
    }
    return np.stack([phases[cycle]() for cycle in cycles])


def _sines_and_cosines(phases: Array) -> Array:
    angles = 2 * np.pi * phases
    features: Array = np.concatenate([np.sin(angles), np.cos(angles)]).T
    return features


class CalendarTable:
    """The features of the calendar for many times, of which each different one is stored once.

    Parameters
    ----------
    indexes : sequence of DatetimeIndex
        The times of each series.
    cycles : tuple of str
    """

    def __init__(self, indexes: Sequence[Any], cycles: tuple[str, ...]) -> None:
        self._cycles = cycles
        different = {id(index): index for index in indexes}
        blocks: dict[int, Iterable[Array]] = {
            key: _Phases(index, cycles) for key, index in different.items()
        }
        if sum(map(len, different.values())) <= _BLOCK:
            blocks = {key: list(phases) for key, phases in blocks.items()}
        known = [np.zeros(0) for _ in cycles]  # the different phases of each cycle
        for phases in chain.from_iterable(blocks.values()):
            pairs = zip(known, phases, strict=True)
            known = [np.union1d(before, cycle) for before, cycle in pairs]
        dtype = np.min_scalar_type(max(map(len, known)))
        codes = {key: np.empty((len(i), len(cycles)), dtype) for key, i in different.items()}
        for key in different:
            end = 0
            for phases in blocks[key]:
                begin, end = end, end + phases.shape[1]
                for column, (phase, cycle) in enumerate(zip(known, phases, strict=True)):
                    codes[key][begin:end, column] = phase.searchsorted(cycle)
        self._codes = [codes[id(index)] for index in indexes]
        self._tables = [_sines_and_cosines(phase[None]).astype(np.float32) for phase in known]

    def features(self, places: Sequence[tuple[int, int]], count: int) -> Array:
        """Return the features of `count` times from some places on, (places, count, 2 cycles).

        Parameters
        ----------
        places : sequence of tuple of int
            The number of an index, and the first time in it.
        """
        codes = np.concatenate([self._codes[i][begin : begin + count] for i, begin in places])
        features = np.empty((len(codes), 2 * len(self._cycles)), np.float32)
        for number, table in enumerate(self._tables):
            features[:, number :: len(self._cycles)] = table[codes[:, number]]
        return features.reshape(len(places), count, -1)


@dataclass(frozen=True)
class _Phases:
    """The phases of an index, which are computed whenever they are iterated over."""

    index: Any
    cycles: tuple[str, ...]

    def __iter__(self) -> Iterator[Array]:
        for begin in range(0, len(self.index), _BLOCK):
            yield _phases(self.index[begin : begin + _BLOCK], self.cycles)
