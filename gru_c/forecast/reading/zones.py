"""Offsets and time zones: from the times of a column to an index of pandas."""

from __future__ import annotations

import datetime
import zoneinfo
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.optional import require
from gru_c.forecast.reading.shapes import counted
from gru_c.forecast.reading.spacing import spacing_of
from gru_c.forecast.reading.times import Reading, show


def index_of(
    reading: Reading, zone: str | None, groups: Array | None, lines: Array, label: str
) -> tuple[Any, str]:
    """Return the times as a DatetimeIndex, and a note on their zone.

    Times with one offset keep it. With several offsets, as they change to summer time, the instants
    are in UTC; or, if only the clock shows equal steps, as for days, the clock's times are taken.

    Raises
    ------
    ValueError
        When the zone does not exist, or a local time is in it twice or not at all.
    """
    pandas = require("pandas", "pandas")
    wall, offsets = reading.times.wall, reading.times.offsets
    if offsets is None:
        index = pandas.DatetimeIndex(wall)
        if zone is None:
            return index, ""
        return _localized(index, _known_zone(zone), groups, lines, label), f", local in {zone}"
    minutes = np.unique(offsets)
    instants = wall - offsets.astype("timedelta64[m]")
    if zone is not None:
        index = pandas.DatetimeIndex(instants).tz_localize("UTC")
        return index.tz_convert(_known_zone(zone)), f", converted to {zone}"
    if len(minutes) == 1:
        index = pandas.DatetimeIndex(instants).tz_localize("UTC")
        if minutes[0] == 0:
            return index, ", in UTC"
        offset = datetime.timezone(datetime.timedelta(minutes=float(minutes[0])))
        return index.tz_convert(offset), f", at the offset {_offset_text(minutes[0])} from UTC"
    both = f"offsets of {_offset_text(minutes[0])} to {_offset_text(minutes[-1])}"
    if spacing_of(wall, groups).on_grid and not spacing_of(instants, groups).on_grid:
        note = f", {both} left out: steps are equal on the clock; --timezone names its zone"
        return pandas.DatetimeIndex(wall), note
    note = f", {both} converted to UTC; --timezone names another zone"
    return pandas.DatetimeIndex(instants).tz_localize("UTC"), note


def _offset_text(minutes: float) -> str:
    hours, rest = divmod(abs(int(minutes)), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


def _known_zone(zone: str) -> Any:
    try:
        return zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"--timezone: there is no time zone {zone!r}; names are such as Europe/Berlin or UTC"
        ) from None


def _localized(index: Any, zone: Any, groups: Array | None, lines: Array, label: str) -> Any:
    """Return local times in their zone; in autumn the first of two equal ones is summer time."""
    pandas = require("pandas", "pandas")
    numbers = np.zeros(len(index), np.int64) if groups is None else groups
    result = np.empty(len(index), "datetime64[us]")
    for number in np.unique(numbers):
        rows = np.flatnonzero(numbers == number)
        if len(rows) > 1 and index[rows[0]] > index[rows[-1]]:
            rows = rows[::-1]
        part = index[rows]
        result[rows] = _instants(part, zone, lines[rows], label)
    return pandas.DatetimeIndex(result).as_unit(index.unit).tz_localize("UTC").tz_convert(zone)


def _instants(part: Any, zone: Any, lines: Array, label: str) -> Array:
    """Return the instants of local times of a series, in order."""
    shifted = part.tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward")
    moved = np.flatnonzero(~shifted.isna() & (shifted.tz_localize(None) != part))
    if len(moved):
        row = int(moved[0])
        raise ValueError(
            f"{label}: {show(part.to_numpy()[row])} in row {lines[row]} does not exist in {zone}, "
            "where the clock skips it: the times are of another zone, or of one without summer time"
        )
    unclear = np.flatnonzero(shifted.isna())
    is_summer = np.zeros(len(part), bool)
    if len(unclear):
        is_summer[unclear] = _summer(part, unclear, zone, lines, label)
    local = part.tz_localize(zone, ambiguous=is_summer)
    instants: Array = local.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]")
    return instants


def _summer(part: Any, unclear: Array, zone: Any, lines: Array, label: str) -> Array:
    """Return marks of the times that are before the clock is put back.

    An hour that is there twice is summer time at first. Where it is there once, the row is refused.
    """
    ticks = part.to_numpy().astype("datetime64[us]").astype(np.int64)
    marks = np.zeros(len(unclear), bool)
    nights = ticks[unclear] // (86_400 * 10**6)
    for night in np.unique(nights):
        rows = unclear[nights == night]
        back = np.flatnonzero(np.diff(ticks[rows]) <= 0)
        if len(back) != 1 or len(rows) != 2 * (back[0] + 1):
            row = int(rows[0])
            raise ValueError(
                f"{label}: {show(part.to_numpy()[row])} in row {lines[row]} is there twice in "
                f"{zone}, where the clock is put back, and the file has "
                f"{counted(len(rows), 'row')} of that hour: give times with "
                "their offset from UTC, or leave --timezone out"
            )
        marks[nights == night] = np.arange(len(rows)) <= back[0]
    return marks
