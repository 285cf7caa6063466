"""Series from a file, with notes on how it was read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gru_c.common.optional import require
from gru_c.forecast.reading.columns import Columns
from gru_c.forecast.reading.frame import Roles, read_frame
from gru_c.forecast.reading.layout import read_columns
from gru_c.forecast.reading.options import ReadingOptions
from gru_c.forecast.reading.source import Source, read_source

_MOST_NAMES = 30  # of columns in a note


@dataclass(frozen=True)
class Table:
    """The content of a file.

    Attributes
    ----------
    series : Series, DataFrame or dict of Series
        In a form for `Forecaster.fit`: a series, a DataFrame of a series and its covariates, or a
        series for each group.
    future : DataFrame or None
        Covariates of the rows after the last known target.
    notes : list of str
        Lines that say how the file was read.
    """

    series: Any
    future: Any
    notes: list[str]


def read_table(
    path: str | os.PathLike[str] | Source,
    target: str,
    time: str | Sequence[str] | None,
    covariates: Sequence[str] = (),
    group: str | None = None,
    options: ReadingOptions | None = None,
) -> Table:
    """Read a file; ValueError names the file and the row, column or value that is wrong.

    What has two readings is refused, and the message names both and the option that decides. Rows
    are sorted by time. Rows without a target at the end are steps ahead, for which only the
    covariates are known.

    Parameters
    ----------
    path : path-like or Source
        A text with separators, a Parquet or an Excel file; "-" for standard input; or what
        `read_source` returned for it.
    time : str or sequence of str, optional
        A column of times, or several that hold a time together: a date and a time of day, or the
        year, the month, the day and the hour.
    options : ReadingOptions, optional
        What the file does not show itself.
    """
    if group is not None and covariates:
        raise ValueError("--covariates and --group do not go together")
    options = ReadingOptions() if options is None else options
    times = (time,) if isinstance(time, str) else tuple(time or ())
    if not times:
        _refuse_time_options(options)
    roles = Roles(target, times, tuple(covariates), group)
    source = path if isinstance(path, Source) else read_source(path, options)
    columns = _columns(source, options, roles.names, bool(times))
    for name in roles.names:
        columns.at(name)
    frame, notes = read_frame(columns, roles, options, source.zone)
    return _divided(columns.name, frame, roles, options.frequency, notes)


def columns_of(source: Source, options: ReadingOptions) -> list[str]:
    """Return the names in the header of a file."""
    return _columns(source, options, (), True).header


def _refuse_time_options(options: ReadingOptions) -> None:
    """Raise ValueError for an option that has no effect on rows without times."""
    given = {
        "--time-format": options.time_format is not None,
        "--timezone": options.timezone is not None,
        "--frequency": options.frequency is not None,
        "--duplicates": options.duplicates != "error",
    }
    for name, is_given in given.items():
        if is_given:
            raise ValueError(f"{name} says nothing without --time")


def _columns(
    source: Source, options: ReadingOptions, wanted: Sequence[str], timed: bool
) -> Columns:
    columns = read_columns(source, options, wanted, timed)
    shown = columns.header[:_MOST_NAMES]
    more = len(columns.header) - len(shown)
    names = ", ".join(shown) + (f" and {more} more" if more else "")
    columns.notes.insert(0, f"{columns.name}: {len(columns)} rows, columns {names}")
    return columns


def _divided(name: str, frame: Any, roles: Roles, frequency: str | None, notes: list[str]) -> Table:
    """Return the rows as series: one, one with covariates, or one for each group."""
    target = roles.target
    if roles.group is not None:
        labels = sorted(frame[roles.group].cat.categories, key=_order)
        groups = frame.groupby(roles.group, sort=False, observed=True)
        parts = {label: part[target] for label, part in groups}
        if not roles.time:  # the rows of a group are its steps, wherever they are in the file
            parts = {label: part.reset_index(drop=True) for label, part in parts.items()}
        parts = {label: _on_grid(f"{name}: {label!r}", parts[label], frequency) for label in labels}
        series = {label: _cut_known(name, part.rename(label))[0] for label, part in parts.items()}
        return Table(series, None, notes)
    frame = _on_grid(name, frame, frequency)
    series, future = _cut_known(name, frame[target])
    if not roles.covariates:
        notes += [f"{future} rows without a target at the end left out"] if future else []
        return Table(series, None, notes)
    columns = frame[[target, *roles.covariates]]
    ahead = columns.iloc[len(series) :].drop(columns=target)
    notes.append(f"{future} rows at the end have covariates and no target: the future")
    return Table(columns.iloc[: len(series)], ahead, notes)


def _on_grid(name: str, data: Any, frequency: str | None) -> Any:
    """Return rows at each step of a frequency, NaN where there is no row."""
    if frequency is None:
        return data
    pandas = require("pandas", "pandas")
    index = data.index
    try:
        grid = pandas.date_range(index[0], index[-1], freq=frequency, unit=index.unit)
    except ValueError as error:
        raise ValueError(f"--frequency {frequency!r} is not one of pandas: {error}") from None
    off = ~index.isin(grid)
    if off.any():
        raise ValueError(
            f"{name}: {index[int(np.argmax(off))]} is not at a step of --frequency {frequency}"
        )
    return data.reindex(grid.rename(index.name))


def _order(label: str) -> tuple[int, str]:
    """Return a key that sorts numbers by their value, before other names."""
    is_number = label.isdecimal() and str(int(label)) == label
    return (int(label), "") if is_number else (2**63, label)


def _cut_known(name: str, series: Any) -> tuple[Any, int]:
    """Return a series up to its last known value, and the number of rows after it."""
    known = np.flatnonzero(series.notna())
    if not len(known):
        raise ValueError(f"{name}: {series.name!r} has no value in any row")
    end = int(known[-1]) + 1
    return series.iloc[:end], len(series) - end
