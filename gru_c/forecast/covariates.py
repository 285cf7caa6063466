"""Covariates: numbers beside a series, known ahead or only in the past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gru_c.common.arrays import Array, as_real
from gru_c.forecast.accuracy import filled
from gru_c.forecast.index import times_of
from gru_c.forecast.series import LARGEST, is_frame, numbers_of


def of_series(label: str, data: Any, name: str) -> Any:
    """Return what belongs to one series: the item of a dict, or the data common to all."""
    if not isinstance(data, Mapping):
        return data
    by_name = {str(key): values for key, values in data.items()}
    if name not in by_name:
        raise ValueError(
            f"there are no {label} of series {name!r}: there are those of {[*by_name]}"
        )
    return by_name[name]


def split_columns(data: Any, *names: Sequence[str]) -> tuple[Any, list[Any]]:
    """Return a DataFrame without some columns, and DataFrames of these."""
    for name in (name for part in names for name in part):
        if name not in data.columns:
            raise ValueError(f"there is no column {name!r}, the columns are {list(data.columns)}")
    rest = data.drop(columns=[name for part in names for name in part])
    return rest, [data[list(part)] if part else None for part in names]


def known_rows(covariates: Any, names: Sequence[str], times: Any, count: int) -> Array:
    """Return numbers known ahead, a row for each of `count` steps.

    Parameters
    ----------
    names : sequence of str
        The columns to take from a DataFrame; empty for all.
    times : DatetimeIndex or None
        The times of the steps, by which rows of a DataFrame are looked up.

    Raises
    ------
    ValueError
        When a row is missing, a value is not finite, or the number of rows is wrong.
    """
    rows = _rows("covariate", covariates, names, times, count, complete=True)
    bad = np.argwhere(~(np.abs(rows) <= LARGEST))
    if len(bad):
        step, column = (int(i) for i in bad[0])
        at = step if times is None else times[step]
        raise ValueError(f"covariate {column} is {rows[step, column]} at {at}: it must be known")
    return rows


def measured_rows(past: Any, names: Sequence[str], times: Any, count: int) -> Array:
    """Return numbers known only in the past; a missing one is the last known one before it.

    It is NaN if there is none before it. Parameters and exceptions are those of `known_rows`.
    """
    rows = _rows("past covariate", past, names, times, count, complete=False)
    bad = np.argwhere(np.abs(np.nan_to_num(rows, nan=0.0, posinf=np.inf)) > LARGEST)
    if len(bad):
        step, column = (int(i) for i in bad[0])
        raise ValueError(
            f"past covariate {column} is {rows[step, column]} at step {step}: it must be finite"
        )
    return np.column_stack([filled(column) for column in rows.T])


def _rows(
    label: str, data: Any, names: Sequence[str], times: Any, count: int, *, complete: bool
) -> Array:
    """Return a row of numbers for each of `count` steps."""
    if is_frame(data):
        for name in names:
            if name not in data.columns:
                raise ValueError(f"there is no {label} {name!r}: there are {list(data.columns)}")
        data = data[list(names)] if names else data
        data = at_times(f"{label}s", data, times, complete)
        columns = [numbers_of(f"{label} {name!r}", data[name]) for name in data.columns]
        rows = np.column_stack(columns) if columns else np.zeros((len(data), 0))
    else:
        rows = as_real(f"{label}s", data).astype(np.float64)
    rows = rows[:, None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or len(rows) != count or not rows.shape[1]:
        raise ValueError(
            f"{label}s must have a row of numbers for each of {count} steps, got shape {rows.shape}"
        )
    return rows


def at_times(label: str, frame: Any, times: Any, complete: bool) -> Any:
    """Return the rows of a DataFrame at some times; all rows if one of both has no times.

    With `complete` there must be a row for each time; otherwise a missing one is NaN.
    """
    index = times_of(f"the DataFrame of {label}", frame.index)
    if index is None:
        return frame
    if not index.is_unique:
        repeated = index[index.duplicated()][0]
        raise ValueError(f"the {label} have the time {repeated} more than once")
    if times is None:
        if not index.is_monotonic_increasing:
            raise ValueError(
                f"the {label} are not in the order of time, and the series has no times"
            )
        return frame
    if (index.tz is None) != (times.tz is None):
        raise ValueError(
            f"the {label} and the series must both have a time zone, or none of them: got "
            f"{index.tz} and {times.tz}"
        )
    missing = times[~times.isin(index)]
    if len(missing) and (complete or len(missing) == len(times)):
        raise ValueError(f"the {label} have no row for {missing[0]}")
    return frame.set_axis(index).reindex(times)
