"""Panel: all series of a call, with the numbers beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import numpy as np

from gru_c.common.arrays import Array, as_real
from gru_c.common.warnings import warn
from gru_c.forecast.covariates import known_rows, measured_rows, of_series, split_columns
from gru_c.forecast.frequency import Step
from gru_c.forecast.series import Series, SeriesReader, from_first_value, is_frame, is_series

UNNAMED = "y"  # name of a single series without a name


class _Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)


@dataclass(frozen=True)
class Panel:
    """All series of a call.

    Attributes
    ----------
    series : list of Series
    form : {"array", "columns", "list", "dict", "series", "frame"}
        The form in which they were given.
    skipped : dict of str to str
        The names of the series that were left out, with the reasons.
    names, past_names : tuple
        The names of the covariates, and of the past covariates, if these were columns.
    """

    series: list[Series]
    form: str
    skipped: dict[str, str] = field(default_factory=dict)
    names: tuple[Any, ...] = ()
    past_names: tuple[Any, ...] = ()

    def cut(self, steps: int) -> Panel:
        """Return the series without their last `steps` steps."""
        return replace(self, series=[item.cut(len(item) - steps) for item in self.series])

    def each(self, change: Callable[[Series], Series], skip_bad: bool) -> Panel:
        """Return the panel with each series changed.

        With `skip_bad` a series for which `change` raises a ValueError or TypeError is left out.
        """
        series, skipped = _change_each(self.series, change, skip_bad)
        return replace(self, series=series, skipped={**self.skipped, **skipped})

    def warn_of_skipped(self) -> None:
        """Issue a warning that names the series that were left out, if there are any."""
        if self.skipped:
            warn("left out: " + "; ".join(self.skipped.values()))


def _change_each(
    items: Sequence[N], change: Callable[[N], Series], skip_bad: bool
) -> tuple[list[Series], dict[str, str]]:
    """Return the series that `change` makes, and the reasons for those that it cannot make.

    Without `skip_bad`, or if it can make none, the first exception is raised.
    """
    series, skipped, first = [], {}, None
    for item in items:
        try:
            series.append(change(item))
        except (ValueError, TypeError) as error:
            message = _with_name(item.name, str(error))
            if not skip_bad and len(items) > 1:
                raise (TypeError if isinstance(error, TypeError) else ValueError)(message) from None
            if not skip_bad:
                raise
            skipped[item.name] = message
            first = first or error
    if first is not None and not series:
        raise first
    return series, skipped


def _with_name(name: str, message: str) -> str:
    """Return a message with the name of its series."""
    return message if repr(name) in message else f"series {name!r}: {message}"


@dataclass(frozen=True)
class Given:
    """The numbers given beside the series, and the settings that say how to read all of them.

    Attributes
    ----------
    covariates : array_like (n, c), DataFrame, or dict of these by the names of the series
        Numbers known ahead.
    names : sequence of str
        Names of the covariates: columns of `covariates` if these are DataFrames, of the series'
        DataFrames if there are no `covariates`.
    past : as covariates
        Numbers known only in the past.
    past_names : sequence of str
    skip_bad : bool
        Leave out series that cannot be used.
    expected : Step or None
        The step to take if times fit to it as well as to any other.
    """

    covariates: Any = None
    names: Sequence[str] = ()
    past: Any = None
    past_names: Sequence[str] = ()
    skip_bad: bool = False
    expected: Step | None = None


@dataclass(frozen=True)
class _Source:
    """The data of one series, with those beside it."""

    name: str
    data: Any
    covariates: Any = None
    past: Any = None


def read_panel(data: Any, given: Given = Given()) -> Panel:
    """Return checked series with the numbers beside them.

    Parameters
    ----------
    data : ndarray (n,) or (n, k), Series, DataFrame, list or dict of 1-D arrays or Series
        Or a list or dict of DataFrames, each of a series and its covariates.
    """
    names = given.names if given.covariates is None else ()
    past_names = given.past_names if given.past is None else ()
    columns: list[Any] = [None, None]
    if is_frame(data):
        data, columns = split_columns(data, names, past_names)
    form, items = _named_items(data)
    if not items:
        raise ValueError("the data are empty: give at least one series")
    if (names or past_names) and form not in ("frame", "dict", "list"):
        raise _no_columns([*names, *past_names])
    if not given.skip_bad:
        _require_one_length(given, items)
    reader, beside = SeriesReader(given.expected), _RowReader(given)
    first: list[tuple[Any, ...]] = []  # the covariates of the first series

    def read(source: _Source) -> Series:
        source = _with_data_beside(source, given, columns)
        item = beside.add(source, reader.read(source.name, source.data))
        item = _require_past(from_first_value(item))
        kind = (
            _columns_of(source.covariates, given.names),
            _columns_of(source.past, given.past_names),
            item.covariates.shape[1],
            item.past.shape[1],
        )
        if first and kind != first[0]:
            raise ValueError(
                f"series {item.name!r} has other covariates than the series before it: columns "
                f"{kind[:2]}, {kind[2]} and {kind[3]} of them, instead of {first[0][:2]}, "
                f"{first[0][2]} and {first[0][3]}"
            )
        first.append(kind)
        return item

    sources = [_Source(name, values) for name, values in items]
    series, skipped = _change_each(sources, read, given.skip_bad)
    return Panel(series, form, skipped, *first[0][:2])


def _with_data_beside(source: _Source, given: Given, columns: Sequence[Any]) -> _Source:
    """Return the data of one series with its covariates, which may be columns of its DataFrame."""
    name, values = source.name, source.data
    names = given.names if given.covariates is None else ()
    past_names = given.past_names if given.past is None else ()
    if is_frame(values):
        values, columns = split_columns(values, names, past_names)
        if len(values.columns) != 1:
            raise ValueError(
                f"series {name!r} must be a DataFrame of one column besides "
                f"{[*names, *past_names]}, got {list(values.columns)}"
            )
        values = values.iloc[:, 0]
    elif (names and columns[0] is None) or (past_names and columns[1] is None):
        raise _no_columns([*names, *past_names])
    covariates = of_series("covariates", given.covariates, name)
    past = of_series("past covariates", given.past, name)
    return _Source(
        name,
        values,
        columns[0] if covariates is None else covariates,
        columns[1] if past is None else past,
    )


def _no_columns(names: list[Any]) -> ValueError:
    return ValueError(f"covariates {names} are columns of a DataFrame: give one, or covariates=")


def _require_one_length(given: Given, items: Sequence[tuple[str, Any]]) -> None:
    """Raise ValueError if rows without times belong to series of different lengths."""
    lengths = sorted({len(values) for _, values in items if np.ndim(values)})
    for rows in (given.covariates, given.past):
        is_common = rows is not None and not isinstance(rows, Mapping) and not is_frame(rows)
        if is_common and len(lengths) > 1:
            raise ValueError(
                "covariates are common to all series, which must then have one length or an index "
                f"of times: got lengths {lengths}"
            )


def _columns_of(data: Any, names: Sequence[Any]) -> tuple[Any, ...]:
    """Return the names of covariates; () if they have none that a file can hold."""
    columns = tuple(names) or (tuple(data.columns) if is_frame(data) else ())
    return columns if all(isinstance(name, (str, int)) for name in columns) else ()


class _RowReader:
    """Reads the rows beside the series; series with equal times share common rows."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._read: dict[str, tuple[Any, Any, int, Array]] = {}

    def add(self, source: _Source, item: Series) -> Series:
        """Return a series with its covariates, those known ahead and those known in the past."""
        known = self._rows(source.covariates, item, known_rows, self._given.names)
        item = item if known is None else replace(item, covariates=known)
        past = self._rows(source.past, item, measured_rows, self._given.past_names)
        return item if past is None else replace(item, past=past)

    def _rows(
        self, data: Any, item: Series, read: Callable[..., Array], names: Sequence[Any]
    ) -> Array | None:
        if data is None:
            return None
        last = self._read.get(read.__name__)
        if last is not None and last[0] is data and last[1] is item.index and last[2] == len(item):
            return last[3]
        rows = read(data, names, item.index, len(item))
        self._read[read.__name__] = data, item.index, len(item), rows
        return rows


def _require_past(item: Series) -> Series:
    """Return a series; ValueError if a past covariate is not known yet at its first step."""
    unknown = np.flatnonzero(np.isnan(item.past[:1]).any(axis=0))
    if len(unknown):
        first = "its first step" if item.index is None else item.index[0]
        raise ValueError(
            f"past covariate {unknown[0]} of series {item.name!r} has no value up to {first}, "
            "where the series begins: a missing value is the last known one before it"
        )
    return item


def _named_items(data: Any) -> tuple[str, list[tuple[str, Any]]]:
    if is_frame(data):
        names = [str(name) for name in data.columns]
        if len(set(names)) < len(names):
            raise ValueError(f"the columns must have different names, got {names}")
        return "frame", [(name, data.iloc[:, i]) for i, name in enumerate(names)]
    if is_series(data):
        return "series", [(UNNAMED if data.name is None else str(data.name), data)]
    if isinstance(data, Mapping):
        names = [str(name) for name in data]
        if len(set(names)) < len(names):
            raise ValueError(f"the series must have different names, got {names}")
        return "dict", list(zip(names, data.values(), strict=True))
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
