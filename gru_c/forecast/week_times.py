"""A calendar of times of the week, such as trading hours, learned from the times of a series."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.optional import require

_DAY = 86_400
_WEEK = 7 * _DAY
_MONDAY = 4 * _DAY  # 1970-01-05, in seconds since 1970
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FEWEST_WEEKS = 2
_LEAST_SHARE = 0.5  # of the weeks that must have a time of the week
_RUN = r"(\d\d):(\d\d):(\d\d)-(\d\d):(\d\d):(\d\d)/([1-9]\d{0,5})"
_PART = re.compile(
    r"((?:{day})(?:,(?:{day}))*) ({run}(?:\+{run})*)".format(
        day="|".join(_DAYS), run=_RUN.replace("(", "(?:")
    )
)


@dataclass(frozen=True)
class WeekTimes:
    """Times of the week at which there is a step, week after week.

    Attributes
    ----------
    seconds : tuple of int
        Since Monday, 0:00, in ascending order.

    Examples
    --------
    >>> hours = WeekTimes.of_name("Mon,Fri 09:00:00-11:00:00/3600")
    >>> hours.seconds
    (32400, 36000, 39600, 378000, 381600, 385200)
    >>> hours.freqstr
    'Mon,Fri 09:00:00-11:00:00/3600'
    """

    seconds: tuple[int, ...]

    @classmethod
    def of_name(cls, name: str) -> WeekTimes:
        """Return the times that `freqstr` describes; ValueError for another text."""
        seconds: set[int] = set()
        for part in name.split("; "):
            match = _PART.fullmatch(part)
            if match is None:
                raise ValueError(f"{name!r} does not describe times of the week")
            for run in re.finditer(_RUN, match[2]):
                hours = [int(field) for field in run.groups()]
                first, last = (60 * (60 * h + m) + s for h, m, s in (hours[:3], hours[3:6]))
                for day in match[1].split(","):
                    start = _DAYS.index(day) * _DAY
                    seconds |= set(range(start + first, start + last + 1, hours[6]))
        if not seconds or max(seconds) >= _WEEK:
            raise ValueError(f"{name!r} does not describe times of the week")
        return cls(tuple(sorted(seconds)))

    @property
    def freqstr(self) -> str:
        """The days of the week, and the first time, the last time and the step of each run."""
        by_day: dict[str, list[str]] = {}
        for day, group in groupby(self.seconds, lambda second: second // _DAY):
            runs = _runs(np.array([second % _DAY for second in group]))
            by_day.setdefault("+".join(runs), []).append(_DAYS[day])
        return "; ".join(f"{','.join(days)} {runs}" for runs, days in by_day.items())

    def grid(self, start: Any = None, end: Any = None, periods: int | None = None) -> Any:
        """Return the times between two times, or so many from the first or to the last one."""
        first = None if start is None else self._number(start, "left")
        last = None if end is None else self._number(end, "right") - 1
        if first is None:
            assert last is not None
            assert periods is not None
            first = last - periods + 1
        elif last is None:
            assert periods is not None
            last = first + periods - 1
        weeks, places = np.divmod(np.arange(first, last + 1), len(self.seconds))
        ticks = _MONDAY + weeks * _WEEK + np.array(self.seconds, np.int64)[places]
        return require("pandas", "pandas").DatetimeIndex(ticks.astype("datetime64[s]"))

    def _number(self, time: Any, side: Any) -> int:
        """Return the number of times since 1970 that are before a time, or not after it."""
        ticks = int(time.as_unit("s").asm8.astype(np.int64)) - _MONDAY
        week, rest = divmod(ticks, _WEEK)
        return week * len(self.seconds) + int(np.searchsorted(self.seconds, rest, side))


def _runs(seconds: npt.NDArray[np.int64]) -> Iterator[str]:
    """Yield the first time, the last time and the step of each run of equal steps in a day."""
    step = int(np.diff(seconds).min()) if len(seconds) > 1 else _DAY
    breaks = np.flatnonzero(np.diff(seconds) != step) + 1
    for run in np.split(seconds, breaks):
        yield f"{_clock(run[0])}-{_clock(run[-1])}/{step}"


def _clock(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def learn_week_times(index: Any) -> WeekTimes | None:
    """Return the times of the week that most weeks of an index have; None for too few weeks.

    Parameters
    ----------
    index : DatetimeIndex
        Local times in ascending order.
    """
    ticks = index.as_unit("s").asi8.astype(np.int64) - _MONDAY
    whole = (index.as_unit("ns").asi8 % 10**9 == 0).all()
    if not whole or ticks[-1] - ticks[0] < _FEWEST_WEEKS * _WEEK:
        return None
    seconds, counts = np.unique(ticks % _WEEK, return_counts=True)
    first, last = (ticks[place] - seconds for place in (0, -1))
    possible = last // _WEEK - -(-first // _WEEK) + 1  # weeks of the index with that time
    usual = seconds[counts >= _LEAST_SHARE * possible]
    return WeekTimes(tuple(usual.tolist())) if len(usual) else None
