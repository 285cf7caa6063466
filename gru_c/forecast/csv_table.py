"""Series from a CSV file, with notes on how it was read."""

from __future__ import annotations

import difflib
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gru_c.common.optional import require
from gru_c.saving.files import require_file

_SEPARATORS = ",;\t|"
_LONGEST_VALUE = 40  # characters of a value that a message shows
_FIRST_ROW = 2  # number of the first row of values in the file; the header is row 1


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
    path: str | os.PathLike[str],
    target: str,
    time: str | None,
    covariates: Sequence[str] = (),
    group: str | None = None,
) -> Table:
    """Read a CSV file; ValueError names the file and the row, column or value that is wrong.

    The separator is the most frequent of comma, semicolon, tab and bar in the header. If it is not
    the comma, numbers may have a decimal comma. Rows are sorted by time. Rows without a target at
    the end are steps ahead, for which only the covariates are known.
    """
    if group is not None and covariates:
        raise ValueError("--covariates and --group do not go together")
    chosen = [name for name in (target, time, group, *covariates) if name is not None]
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"target, time, group and covariates must be different: got {chosen}")
    frame, separator = _read(Path(path))
    for name in (target, time, group, *covariates):
        _require_column(path, name, frame)
    notes = [f"{os.fspath(path)}: {len(frame)} rows, columns {', '.join(map(str, frame.columns))}"]
    for name in (target, *covariates):
        frame[name] = _numbers(path, frame[name], decimal_comma=separator != ",")
    if time is not None:
        frame[time] = _times(path, frame[time])
        if not frame[time].is_monotonic_increasing:
            frame = frame.sort_values(time, kind="stable")
            notes.append("rows put in the order of time")
        frame = frame.set_index(time)
    if group is not None:
        parts = {str(name): part[target] for name, part in frame.groupby(group, sort=True)}
        if time is None:  # the rows of a group are its steps, wherever they are in the file
            parts = {name: part.reset_index(drop=True) for name, part in parts.items()}
        series = {name: _cut_known(path, part.rename(name))[0] for name, part in parts.items()}
        return Table(series, None, notes)
    series, future = _cut_known(path, frame[target])
    if not covariates:
        notes += [f"{future} rows without a target at the end left out"] if future else []
        return Table(series, None, notes)
    columns = frame[[target, *covariates]]
    ahead = columns.iloc[len(series) :].drop(columns=target)
    notes.append(f"{future} rows at the end have covariates and no target: the future")
    return Table(columns.iloc[: len(series)], ahead, notes)


def columns_of(path: str | os.PathLike[str]) -> list[str]:
    """Return the names in the header of a CSV file."""
    return [str(name) for name in _read(Path(path), rows=0)[0].columns]


def _read(path: Path, rows: int | None = None) -> tuple[Any, str]:
    pandas = require("pandas", "pandas")
    require_file(path)
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
        separator = max(_SEPARATORS, key=header.count)
        options = {"sep": separator, "nrows": rows, "encoding": "utf-8-sig"}
        try:
            frame = pandas.read_csv(path, **options)
        except OverflowError:  # an integer of hundreds of digits beside an empty cell
            frame = pandas.read_csv(path, dtype=str, **options)
    except (ValueError, UnicodeError) as error:  # pandas's own errors are ValueErrors
        raise ValueError(f"{os.fspath(path)} is not a CSV file: {error}") from None
    if rows != 0 and not len(frame):
        raise ValueError(f"{os.fspath(path)} has no rows")
    return frame, separator


def _require_column(path: str | os.PathLike[str], name: str | None, frame: Any) -> None:
    if name is None or name in frame.columns:
        return
    known = [str(column) for column in frame.columns]
    nearest = difflib.get_close_matches(name, known, n=1)
    question = f" did you mean {nearest[0]!r}?" if nearest else ""
    raise ValueError(f"{os.fspath(path)} has no column {name!r};{question} It has: {known}")


def _numbers(path: str | os.PathLike[str], column: Any, decimal_comma: bool) -> Any:
    pandas = require("pandas", "pandas")
    original = column
    if not pandas.api.types.is_numeric_dtype(column):
        values = [_as_number(value, decimal_comma) for value in column]
        column = pandas.Series(values, column.index, object)
    numbers = pandas.to_numeric(column, errors="coerce").astype(np.float64)
    missing = original.isna() | (original == "")
    _require_all(path, original, numbers.isna() & ~missing, "is not a number")
    _require_all(path, original, np.isinf(numbers), "is infinite, or too large for float64")
    return numbers


def _as_number(value: object, decimal_comma: bool) -> object:
    """Return a bool or an integer as a float, and a text with a decimal point."""
    if isinstance(value, str):
        return value.replace(",", ".") if decimal_comma else value
    try:
        return float(value) if isinstance(value, int) else value
    except OverflowError:
        return np.inf


def _times(path: str | os.PathLike[str], column: Any) -> Any:
    pandas = require("pandas", "pandas")
    if pandas.api.types.is_numeric_dtype(column):
        column = column.astype(str).str.removesuffix(".0")  # 2026 is a year, not nanoseconds
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unknown forms of dates are refused below
        times = pandas.to_datetime(column, errors="coerce")
    fault = "is not a time such as 2026-01-31 or 2026-01-31 14:00, in one form in all rows"
    _require_all(path, column, times.isna(), fault)
    return times


def _require_all(path: str | os.PathLike[str], column: Any, bad: Any, fault: str) -> None:
    """Raise ValueError for the first value that is marked as bad."""
    if bad.any():
        row = int(np.argmax(bad.to_numpy()))
        value = repr(column.tolist()[row])
        value = value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}..."
        raise ValueError(
            f"{os.fspath(path)}: {value} in row {row + _FIRST_ROW}, column {column.name!r}, {fault}"
        )


def _cut_known(path: str | os.PathLike[str], series: Any) -> tuple[Any, int]:
    """Return a series up to its last known value, and the number of rows after it."""
    known = np.flatnonzero(series.notna())
    if not len(known):
        raise ValueError(f"{os.fspath(path)}: {series.name!r} has no value in any row")
    end = int(known[-1]) + 1
    return series.iloc[:end], len(series) - end
