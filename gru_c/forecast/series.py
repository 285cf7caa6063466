"""Series: the data given to a forecaster, checked and brought into one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gru_c.common.arrays import Array, as_real
from gru_c.forecast.timestamps import regular

UNNAMED = "y"  # name of a single series without a name
_LARGEST = 1e100  # largest value, so that squares and quotients do not overflow


@dataclass(frozen=True)
class Series:
    """A series of numbers at equal steps.

    Attributes
    ----------
    name : str
    values : ndarray of float64, shape (n,)
        NaN where missing; the first value is known.
    index : DatetimeIndex of n regular steps, or None
    covariates : ndarray of float64, shape (n or more, c)
        Numbers known ahead; rows from the n-th on belong to the steps ahead.
    gaps : int
        Number of steps that are missing in the original index.
    """

    name: str
    values: Array
    index: Any
    covariates: Array
    gaps: int = 0

    def __len__(self) -> int:
        return len(self.values)

    def cut(self, end: int) -> Series:
        """Return the steps before `end`; all covariates stay, because they are known ahead."""
        index = None if self.index is None else self.index[:end]
        return replace(self, values=self.values[:end], index=index)

    def tail(self, steps: int) -> Series:
        """Return the last steps, more than asked for if needed to begin with a known value."""
        known = np.flatnonzero(~np.isnan(self.values[: max(len(self) - steps, 0) + 1]))
        begin = int(known[-1])
        index = None if self.index is None else self.index[begin:]
        covariates = self.covariates[begin:]
        return replace(self, values=self.values[begin:], index=index, covariates=covariates)


@dataclass(frozen=True)
class Panel:
    """All series of a call.

    Attributes
    ----------
    series : list of Series
    form : {"array", "columns", "list", "dict", "series", "frame"}
        The form in which they were given.
    """

    series: list[Series]
    form: str

    def cut(self, steps: int) -> Panel:
        """Return the series without their last `steps` steps."""
        return replace(self, series=[item.cut(len(item) - steps) for item in self.series])


def is_frame(data: Any) -> bool:
    """Return True for a pandas DataFrame, without importing pandas."""
    return hasattr(data, "columns") and hasattr(data, "index")


def _is_series(data: Any) -> bool:
    return hasattr(data, "index") and hasattr(data, "to_numpy") and not is_frame(data)


def read_panel(data: Any, covariates: Any, names: Sequence[str]) -> Panel:
    """Return checked series with their covariates.

    Parameters
    ----------
    data : ndarray (n,) or (n, k), Series, DataFrame, list or dict of 1-D arrays or Series
    covariates : array_like (n, c) or DataFrame, optional
    names : sequence of str
        Names of the covariates: columns of `covariates` if that is a DataFrame, of `data` if there
        is no `covariates`.
    """
    if names and covariates is None:
        data, covariates = _split_columns(data, names)
    form, items = _items(data)
    if not items:
        raise ValueError("there is no series: the data are empty")
    series = [_series(name, values) for name, values in items]
    if covariates is not None:
        lengths = {len(item) for item in series}
        if len(lengths) > 1 and not is_frame(covariates):
            raise ValueError(
                "covariates are common to all series, which must then have one length or an index "
                f"of times: got lengths {sorted(lengths)}"
            )
        series = [_with_covariates(item, covariates, names) for item in series]
    return Panel([_from_first_value(item) for item in series], form)


def _split_columns(data: Any, names: Sequence[str]) -> tuple[Any, Any]:
    if not is_frame(data):
        raise ValueError(
            f"covariates {list(names)} are columns of a DataFrame: give one, or covariates="
        )
    for name in names:
        if name not in data.columns:
            raise ValueError(f"there is no column {name!r}: there are {list(data.columns)}")
    return data.drop(columns=list(names)), data[list(names)]


def _items(data: Any) -> tuple[str, list[tuple[str, Any]]]:
    if is_frame(data):
        names = [str(name) for name in data.columns]
        if len(set(names)) < len(names):
            raise ValueError(f"the columns must have different names, got {names}")
        return "frame", [(name, data.iloc[:, i]) for i, name in enumerate(names)]
    if _is_series(data):
        return "series", [(UNNAMED if data.name is None else str(data.name), data)]
    if isinstance(data, Mapping):
        return "dict", [(str(name), values) for name, values in data.items()]
    if isinstance(data, (list, tuple)) and any(np.ndim(item) for item in data):
        return "list", [(str(i), values) for i, values in enumerate(data)]
    array = as_real("series", data)
    if array.ndim == 1:
        return "array", [(UNNAMED, array)]
    if array.ndim == 2:
        return "columns", [(str(i), array[:, i]) for i in range(array.shape[1])]
    raise ValueError(
        "series must have shape (n,), or (n, k) for k of them, or be a list or dict of such, "
        f"got shape {array.shape}"
    )


def _series(name: str, data: Any) -> Series:
    label = f"series {name!r}"
    if not _is_series(data):
        array = as_real(label, data)
        if array.ndim != 1:
            raise ValueError(f"{label} must have shape (n,), got {array.shape}")
        return Series(name, _checked(label, array.astype(np.float64)), None, _no_covariates(array))
    values = _numbers(label, data)
    times = _times(data.index)
    if times is None:
        _require_equal_steps(label, data.index)
        return Series(name, _checked(label, values), None, _no_covariates(values))
    index, positions = regular(label, times)
    whole = np.full(len(index), np.nan)
    whole[positions] = values
    gaps = len(index) - len(values)
    return Series(name, _checked(label, whole), index, _no_covariates(whole), gaps)


def _no_covariates(values: Array) -> Array:
    return np.zeros((len(values), 0))


def _times(index: Any) -> Any:
    """Return an index as times; None if it does not hold times."""
    if hasattr(index, "to_timestamp"):
        index = index.to_timestamp()
    return index if hasattr(index, "tz_localize") else None


def _require_equal_steps(label: str, index: Any) -> None:
    """Raise ValueError for an index of numbers at unequal steps."""
    if index.dtype.kind not in "iuf" or len(index) < 2:
        return
    numbers = index.to_numpy().astype(np.float64)
    steps = np.diff(numbers)
    if steps[0] > 0 and np.allclose(steps, steps[0], rtol=1e-6, atol=0):
        return
    odd = int(np.argmax(~np.isclose(steps, steps[0]))) if steps[0] > 0 else 0
    raise ValueError(
        f"{label} has an index of numbers in which {index[odd + 1]} follows {index[odd]}: rows are "
        "equal steps in the order of time. Sort them, and give missing steps a row with NaN; or "
        "give times as the index, for years pd.to_datetime(years, format='%Y')"
    )


def _numbers(label: str, data: Any) -> Array:
    if data.dtype.kind not in "biufO":
        raise TypeError(f"{label} holds no numbers but {data.dtype}")
    try:
        numbers: Array = data.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{label} holds no numbers but {data.dtype}: {error}") from None
    return numbers


def _checked(label: str, values: Array) -> Array:
    bad = np.flatnonzero(np.abs(np.nan_to_num(values, nan=0.0, posinf=np.inf)) > _LARGEST)
    if len(bad):
        raise ValueError(f"{label} holds {values[bad[0]]} at step {bad[0]}: it must be finite")
    if np.isnan(values).all():
        raise ValueError(f"{label} has no value: {len(values)} steps, all of them missing")
    return values


def _from_first_value(item: Series) -> Series:
    return item.tail(len(item) - int(np.flatnonzero(~np.isnan(item.values))[0]))


# ---- covariates ---------------------------------------------------------------------------------


def covariate_rows(covariates: Any, names: Sequence[str], times: Any, count: int) -> Array:
    """Return the covariates as a row of numbers for each of `count` steps.

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
    if is_frame(covariates):
        for name in names:
            if name not in covariates.columns:
                known = list(covariates.columns)
                raise ValueError(f"there is no covariate {name!r}: there are {known}")
        covariates = covariates[list(names)] if names else covariates
        if times is not None:
            covariates = _at_times(covariates, times)
        columns = [_numbers(f"covariate {name!r}", covariates[name]) for name in covariates.columns]
        rows = np.column_stack(columns) if columns else np.zeros((len(covariates), 0))
    else:
        rows = as_real("covariates", covariates).astype(np.float64)
    rows = rows[:, None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or len(rows) != count or not rows.shape[1]:
        raise ValueError(
            f"covariates must have a row of numbers for each of {count} steps, got shape "
            f"{rows.shape}"
        )
    bad = np.argwhere(~(np.abs(rows) <= _LARGEST))
    if len(bad):
        step, column = (int(i) for i in bad[0])
        at = step if times is None else times[step]
        raise ValueError(f"covariate {column} is {rows[step, column]} at {at}: it must be known")
    return rows


def _at_times(frame: Any, times: Any) -> Any:
    if _times(frame.index) is None:
        return frame
    frame = frame.set_axis(_times(frame.index))
    if not frame.index.is_unique:
        repeated = frame.index[frame.index.duplicated()][0]
        raise ValueError(f"the covariates have the time {repeated} more than once")
    missing = times[~times.isin(frame.index)]
    if len(missing):
        raise ValueError(f"the covariates have no row for {missing[0]}")
    return frame.loc[times]


def _with_covariates(item: Series, covariates: Any, names: Sequence[str]) -> Series:
    rows = covariate_rows(covariates, names, item.index, len(item))
    return replace(item, covariates=rows)
