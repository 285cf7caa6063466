"""Series from a file, with notes on how it was read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.optional import require
from gru_c.forecast.reading import values, zones
from gru_c.forecast.reading.columns import Columns
from gru_c.forecast.reading.layout import read_columns
from gru_c.forecast.reading.options import ReadingOptions
from gru_c.forecast.reading.source import Source, read_source

_MOST_NAMES = 30  # of columns in a note


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


@dataclass(frozen=True)
class Roles:
    """The columns of a file by what they are for.

    Attributes
    ----------
    target : str
    time : tuple of str
        Columns that hold a time together: a date and a time of day, or the year, the month, the day
        and the hour. Empty for rows that are equal steps.
    covariates, past_covariates : tuple of str
        Columns known ahead, and columns known only in the past.
    group : str or None
    static : tuple of str
        Columns that are the same in all rows of a group.
    skip_bad : bool
        Leave out groups that cannot be used.
    """

    target: str
    time: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    group: str | None = None
    past_covariates: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    skip_bad: bool = False

    @property
    def names(self) -> list[str]:
        """All columns; ValueError if one has two roles."""
        groups = [] if self.group is None else [self.group]
        names: list[str] = [
            self.target,
            *self.time,
            *groups,
            *self.covariates,
            *self.past_covariates,
        ]
        names += self.static
        if len(set(names)) < len(names):
            raise ValueError(f"target, time, group and covariates must be different: got {names}")
        for option in ("static", "skip_bad"):
            if getattr(self, option) and self.group is None:
                raise ValueError(
                    f"--{option.replace('_', '-')} is for several series: --group names their "
                    "column"
                )
        return names


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
    frame, notes, skipped = _frame(columns, roles, options, source.zone)
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
    columns.notes.insert(0, f"{columns.name}: {len(columns)} rows, columns {names}")
    return columns


def _frame(
    columns: Columns, roles: Roles, options: ReadingOptions, zone: str | None
) -> tuple[Any, list[str], dict[str, str]]:
    """Return the columns of the roles as a DataFrame in the order of time, with notes.

    The last result are the groups with a value that is not a number, if these are left out.
    """
    pandas = require("pandas", "pandas")
    notes: list[str] = list(columns.notes)
    data: dict[str, Any] = {}
    groups = None if roles.group is None else values.group_column(columns, roles.group)
    numbers = None if groups is None else np.unique(groups, return_inverse=True)[1]
    index = None
    if roles.time:
        index, note = _index(columns, roles, numbers, options, zone)
        notes.append(note)
    others = [*roles.time, *([] if roles.group is None else [roles.group])]
    others += roles.static
    faults: dict[int, str] | None = {} if roles.skip_bad else None
    for name in (roles.target, *roles.covariates, *roles.past_covariates):
        data[name], note = values.number_column(columns, name, others, options, faults)
        notes.append(note)
    for name in roles.static:
        data[name], note = values.static_column(columns, name, others, options)
        notes.append(note)
    frame, skipped = pandas.DataFrame(data), {}
    if groups is not None:
        frame[roles.group] = groups
        skipped = {str(groups[row]): fault for row, fault in reversed((faults or {}).items())}
    if index is None:
        return frame, notes, skipped
    frame.index = index
    if not _is_ordered(frame.index, numbers):
        frame = frame.sort_index(kind="stable")
        notes.append("rows put in the order of time")
    frame = _without_repeats(columns, frame, index, roles, options, notes)
    return frame, notes, skipped


def _index(
    columns: Columns,
    roles: Roles,
    groups: Array | None,
    options: ReadingOptions,
    zone: str | None,
) -> tuple[Any, str]:
    """Return the times as an index, and a note on them."""
    reading = values.time_column(columns, roles.time, groups, options)
    label = f"{columns.name}, column {roles.time[0]!r}"
    index, zone_note = zones.index_of(
        reading, options.timezone or zone, groups, columns.lines, label
    )
    first, last = (str(time).removesuffix(" 00:00:00") for time in (index.min(), index.max()))
    names = " and ".join(roles.time)
    note = f"{names}: times of the form {reading.label}{zone_note}; {first} to {last}"
    return index.rename(roles.time[0]), note


def _is_ordered(index: Any, groups: Array | None) -> bool:
    if groups is None:
        return bool(index.is_monotonic_increasing)
    order = np.argsort(groups, kind="stable")
    steps = np.diff(index.asi8[order])
    return bool((steps[np.diff(groups[order]) == 0] >= 0).all())


def _without_repeats(
    columns: Columns,
    frame: Any,
    index: Any,
    roles: Roles,
    options: ReadingOptions,
    notes: list[str],
) -> Any:
    """Return the rows with one for each time of a series; ValueError if there are more."""
    keys = [index.name] if roles.group is None else [roles.group, index.name]
    flat = frame.reset_index()
    repeated = flat.duplicated(keys, keep=False)
    if not repeated.any():
        return frame
    count = int(flat.duplicated(keys).sum())
    if options.duplicates == "error" and roles.skip_bad:
        return frame  # each series is checked on its own
    if options.duplicates == "error":
        raise ValueError(_repeat_fault(columns, flat, repeated, index, roles, count))
    if options.duplicates == "last":
        notes.append(f"{count} rows left out that have the time of a later row")
        return flat.drop_duplicates(keys, keep="last").set_index(index.name)
    notes.append(f"{count} rows more than times: the mean of the rows of a time")
    return flat.groupby(keys, sort=False).mean().reset_index().set_index(index.name)


def _repeat_fault(
    columns: Columns, flat: Any, repeated: Any, index: Any, roles: Roles, count: int
) -> str:
    first = flat[repeated].iloc[0]
    rows = index == first[index.name]
    if roles.group is not None:
        groups = np.array(columns.texts[columns.at(roles.group)])
        rows &= groups == first[roles.group]
    lines = [str(line) for line in columns.lines[rows][:3]]
    of_group = "" if roles.group is None else f" of {first[roles.group]!r}"
    text = (
        f"{columns.name} has the time {first[index.name]} more than once{of_group}, in rows "
        f"{' and '.join(lines)}, and {count} such rows in all: --duplicates mean or last decides"
    )
    if index.tz is None and roles.group is None:
        text += "; if local time is doubled where summer time ends, --timezone names the zone"
    if roles.group is None:
        text += "; if the rows are of several series, --group names their column"
    return text


def _one_series(
    name: str, frame: Any, roles: Roles, frequency: str | None, notes: list[str]
) -> Table:
    """Return the rows as a series, with its covariates."""
    frame = _on_grid(name, frame, frequency)
    series, future = _known_and_ahead(name, frame, roles)
    if roles.covariates:
        notes.append(f"{len(future)} rows at the end have covariates and no target: the future")
        return Table(series, future, notes)
    left_out = len(frame) - len(series)
    notes += [f"{left_out} rows without a target at the end left out"] if left_out else []
    return Table(series, None, notes)


def _groups(name: str, frame: Any, roles: Roles, frequency: str | None, table: Table) -> Table:
    """Return the rows as a series for each group, with its covariates and static features."""
    series, future, static, skipped = {}, {}, {}, dict(table.skipped)
    parts = dict(iter(frame.groupby(roles.group, sort=False)))
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
            f"{rows} rows at the end of each group have covariates and no target: the future"
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

    The rows are a Series if there are no covariates of any kind.
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
