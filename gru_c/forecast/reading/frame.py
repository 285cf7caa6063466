"""The columns that a forecast needs as a DataFrame in the order of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.optional import require
from gru_c.forecast.reading import values, zones
from gru_c.forecast.reading.columns import Columns
from gru_c.forecast.reading.options import ReadingOptions
from gru_c.forecast.reading.shapes import counted, distinct


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


def read_frame(
    columns: Columns, roles: Roles, options: ReadingOptions, zone: str | None
) -> tuple[Any, list[str], dict[str, str]]:
    """Return the columns of the roles as a DataFrame in the order of time, with notes.

    The last result are the groups with a value that is not a number, if these are left out.
    """
    pandas = require("pandas", "pandas")
    notes: list[str] = list(columns.notes)
    data: dict[str, Any] = {}
    groups = None if roles.group is None else values.group_column(columns, roles.group)
    labels, numbers = (None, None) if groups is None else distinct(groups)
    index = None
    if roles.time:
        index, note = _index(columns, roles, numbers, options, zone)
        notes.append(note)
    others = [*roles.time, *([] if roles.group is None else [roles.group]), *roles.static]
    faults: dict[int, str] | None = {} if roles.skip_bad else None
    for name in (roles.target, *roles.covariates, *roles.past_covariates):
        data[name], note = values.number_column(columns, name, others, options, faults)
        notes.append(note)
    for name in roles.static:
        data[name], note = values.static_column(columns, name, others, options)
        notes.append(note)
    frame, skipped = pandas.DataFrame(data), {}
    if groups is not None:
        frame[roles.group] = pandas.Categorical.from_codes(numbers, labels)
        skipped = {str(groups[row]): fault for row, fault in reversed((faults or {}).items())}
    if index is not None:
        frame.index = index
        frame = _in_order(columns, frame, numbers, roles, options, notes)
    return frame, notes, skipped


def _in_order(
    columns: Columns,
    frame: Any,
    groups: Array | None,
    roles: Roles,
    options: ReadingOptions,
    notes: list[str],
) -> Any:
    """Return the rows in the order of time, with one for each time of a series."""
    index = frame.index
    if not (_steps_of(index, groups, _order_of(index, groups)) > 0).all():
        frame = _without_repeats(columns, frame, roles, options, notes)
    if not (_steps_of(index, groups, _file_order(index, groups)) >= 0).all():
        frame = frame.sort_index(kind="stable")
        notes.append("rows put in the order of time")
    return frame


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


def _file_order(index: Any, groups: Array | None) -> Array:
    """Return the rows by series, those of a series in the order of the file."""
    numbers = np.zeros(len(index), np.int64) if groups is None else groups
    order: Array = np.argsort(numbers, kind="stable")
    return order


def _order_of(index: Any, groups: Array | None) -> Array:
    """Return the rows in the order of the series and of time, equal ones in the file's order."""
    numbers = np.zeros(len(index), np.int64) if groups is None else groups
    order: Array = np.lexsort((index.asi8, numbers))
    return order


def _steps_of(index: Any, groups: Array | None, order: Array) -> Array:
    """Return the steps between the times of a series, in the order given."""
    steps: Array = np.diff(index.asi8[order])
    return steps if groups is None else steps[np.diff(groups[order]) == 0]


def _without_repeats(
    columns: Columns, frame: Any, roles: Roles, options: ReadingOptions, notes: list[str]
) -> Any:
    """Return the rows with one for each time of a series; ValueError if there are more."""
    name = roles.time[0]
    keys = [name] if roles.group is None else [roles.group, name]
    flat = frame.reset_index()
    count = int(flat.duplicated(keys).sum())
    if options.duplicates == "error" and roles.skip_bad:
        return frame  # each series is checked on its own
    if options.duplicates == "error":
        raise ValueError(_repeat_fault(columns, flat, keys, count))
    if options.duplicates == "last":
        notes.append(counted(count, "row", " left out: a later row has its time"))
        return flat.drop_duplicates(keys, keep="last").set_index(name)
    notes.append(f"{counted(count, 'row')} more than times: the mean of the rows of a time")
    ways = {column: "mean" for column in flat if column not in keys}
    ways |= dict.fromkeys(roles.static, "first")
    means = flat.groupby(keys, sort=False, observed=True).agg(ways)
    return means.reset_index().set_index(name)


def _repeat_fault(columns: Columns, flat: Any, keys: list[str], count: int) -> str:
    """Return a message that names the first rows of one time."""
    repeated = flat[flat.duplicated(keys, keep=False)]
    first = repeated.iloc[0]
    alike = (repeated[keys] == first[keys]).all(axis=1)
    lines = [str(line) for line in columns.lines[repeated.index[alike][:3]]]
    of_group = "" if len(keys) == 1 else f" of {first[keys[0]]!r}"
    text = (
        f"{columns.name} has the time {first[keys[-1]]} more than once{of_group}, in rows "
        f"{' and '.join(lines)} ({counted(count, 'row')} too many in all): --duplicates mean or "
        "last decides"
    )
    if len(keys) > 1:
        return text
    if first[keys[-1]].tz is None:
        text += "; if local time is doubled where summer time ends, --timezone names the zone"
    return text + "; if the rows are of several series, --group names their column"
