"""Series from a file, with notes on how it was read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gru_c.common.optional import require
from gru_c.forecast.reading.columns import Columns
from gru_c.forecast.reading.frame import Roles, read_frame
from gru_c.forecast.reading.layout import read_columns
from gru_c.forecast.reading.options import ReadingOptions
from gru_c.forecast.reading.shapes import counted
from gru_c.forecast.reading.source import Source, read_source

_MOST_NAMES = 30  # of columns in a note
_MOST_STEPS, _MOST_STEPS_PER_ROW = 10**6, 1000  # of a frequency


@dataclass(frozen=True)
class Table:
    """The content of a file.

    Attributes
    ----------
    series : Series, DataFrame, or dict of these
        In a form for `Forecaster.fit`: a series, or a DataFrame of a series and its covariates; for
        each group if there are groups.
    future : DataFrame, dict of these, or None
        Covariates of the rows after the last known target.
    notes : list of str
        Lines that say how the file was read.
    static : dict of dict, or None
        The static features of each group.
    skipped : dict of str to str
        The groups that were left out, with the reasons.
    """

    series: Any
    future: Any
    notes: list[str]
    static: dict[str, dict[str, Any]] | None = None
    skipped: dict[str, str] = field(default_factory=dict)


def read_table(
    path: str | os.PathLike[str] | Source,
    target: str,
    time: str | Sequence[str] | None,
    covariates: Sequence[str] = (),
    group: str | None = None,
    options: ReadingOptions | None = None,
) -> Table:
    """Read the columns of a file that have these roles; see `read_roles`."""
    times = (time,) if isinstance(time, str) else tuple(time or ())
    return read_roles(path, Roles(target, times, tuple(covariates), group), options)


def read_roles(
    path: str | os.PathLike[str] | Source, roles: Roles, options: ReadingOptions | None = None
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
    options : ReadingOptions, optional
        What the file does not show itself.
    """
    options = ReadingOptions() if options is None else options
    if not roles.time:
        _refuse_time_options(options)
    source = path if isinstance(path, Source) else read_source(path, options)
    columns = _columns(source, options, roles.names, bool(roles.time))
    for name in roles.names:
        columns.at(name)
    frame, notes, skipped = read_frame(columns, roles, options, source.zone)
    if roles.group is None:
        return _one_series(columns.name, frame, roles, options.frequency, notes)
    return _groups(
        columns.name, frame, roles, options.frequency, Table({}, None, notes, None, skipped)
    )


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
    columns.notes.insert(0, f"{columns.name}: {counted(len(columns), 'row')}, columns {names}")
    return columns


def _one_series(
    name: str, frame: Any, roles: Roles, frequency: str | None, notes: list[str]
) -> Table:
    """Return the rows as a series, with its covariates."""
    frame = _on_grid(name, frame, frequency)
    series, future = _known_and_ahead(name, frame, roles)
    if roles.covariates:
        rows = counted(len(future), "row")
        notes.append(f"{rows} at the end with covariates and no target: the future")
        return Table(series, future, notes)
    left_out = len(frame) - len(series)
    notes += [counted(left_out, "row", " without a target at the end left out")] if left_out else []
    return Table(series, None, notes)


def _groups(name: str, frame: Any, roles: Roles, frequency: str | None, table: Table) -> Table:
    """Return the rows as a series for each group, with its covariates and static features."""
    series, future, static, skipped = {}, {}, {}, dict(table.skipped)
    parts = dict(iter(frame.groupby(roles.group, sort=False, observed=True)))
    for label in sorted(parts, key=_order):
        part = parts[label] if roles.time else parts[label].reset_index(drop=True)
        if label in skipped:
            continue
        try:
            static[label] = {
                column: _only_value(name, part, label, column) for column in roles.static
            }
            part = _on_grid(f"{name}: {label!r}", part, frequency)
            series[label], future[label] = _known_and_ahead(name, part, roles, label)
        except ValueError as error:
            if not roles.skip_bad:
                raise
            skipped[label] = str(error)
    if not series:
        raise ValueError(f"{name} has no group that can be used: {next(iter(skipped.values()))}")
    if roles.covariates:
        counts = sorted({len(rows) for rows in future.values()})
        rows = " to ".join(str(count) for count in (counts[0], counts[-1])[: len(counts)])
        table.notes.append(
            f"{rows} row{'' if counts == [1] else 's'} at the end of each group with covariates "
            "and no target: the future"
        )
    return replace(
        table,
        series=series,
        future=future if roles.covariates else None,
        static=static if roles.static else None,
        skipped=skipped,
    )


def _known_and_ahead(
    name: str, frame: Any, roles: Roles, label: str | None = None
) -> tuple[Any, Any]:
    """Return the rows of a series up to its last known value, and the covariates after it.

    Without covariates of any kind, the rows are a Series.
    """
    target = frame[roles.target].rename(roles.target if label is None else label)
    series, _ = _cut_known(name, target)
    future = frame.iloc[len(series) :][list(roles.covariates)]
    columns = [roles.target, *roles.covariates, *roles.past_covariates]
    return series if len(columns) == 1 else frame[columns].iloc[: len(series)], future


def _only_value(name: str, part: Any, label: str, column: str) -> Any:
    """Return the value that a static feature has in all rows of a group."""
    different = list(dict.fromkeys(part[column].tolist()))
    if len(different) > 1:
        raise ValueError(
            f"{name}: the static feature {column!r} of {label!r} is {different[0]!r} in some rows "
            f"and {different[1]!r} in others"
        )
    return different[0]


def _on_grid(name: str, data: Any, frequency: str | None) -> Any:
    """Return a row for each step of a frequency. A missing row becomes NaN."""
    if frequency is None:
        return data
    pandas = require("pandas", "pandas")
    index = data.index
    try:
        step = pandas.tseries.frequencies.to_offset(frequency)
        count = (index[-1] - index[0]) / (index[0] + step - index[0]) if step.n > 0 else -1
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(f"--frequency {frequency!r} is not one of pandas: {error}") from None
    if not 0 <= count <= max(_MOST_STEPS, _MOST_STEPS_PER_ROW * len(index)):
        raise ValueError(
            f"{name}: --frequency {frequency} wants a step above 0 that the times have: "
            f"{counted(len(index), 'row')} from {index[0]} to {index[-1]}"
        )
    grid = pandas.date_range(index[0], index[-1], freq=frequency, unit=index.unit)
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
