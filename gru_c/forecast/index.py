"""The index of a pandas object: its times, or None if its rows are only counted."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.optional import require

_DATE = r"\d{4}(?P<separator>[-/])\d{1,2}(?P<day>(?P=separator)\d{1,2})?"
_TIME = (
    r"(?P<gap>[ T])\d{1,2}:\d{2}(?P<second>:\d{2}(?P<fraction>\.\d+)?)?(?P<zone>Z|[+-]\d\d:?\d\d)?"
)
_TEXT = re.compile(f"{_DATE}({_TIME})?")
_YEARS = (1900, 2100)  # numbers in this range may be years
_FEWEST_SECONDS = 10**8  # numbers from this one on may be seconds since 1970, or a date in digits
_ADVICE = (
    "give times, such as pd.to_datetime(index, format=...); or reset_index(drop=True), if rows are "
    "equal steps"
)


def times_of(label: str, index: Any) -> Any:
    """Return the times of an index; None for numbers at equal steps, which only count rows.

    Raises
    ------
    ValueError
        When the index may hold times and does not say which, or does not count rows.
    """
    pandas = require("pandas", "pandas")
    if isinstance(index, pandas.PeriodIndex):
        return index.to_timestamp()
    if isinstance(index, pandas.DatetimeIndex):
        return index
    if isinstance(index, pandas.MultiIndex):
        raise ValueError(f"{label} has an index of {index.nlevels} levels: {_ADVICE}")
    if isinstance(index, pandas.CategoricalIndex):
        return times_of(label, pandas.Index(np.asarray(index)))
    if index.dtype.kind in "iuf":
        _require_counted_rows(label, index)
        return None
    kind = pandas.api.types.infer_dtype(index, skipna=True)
    if kind == "string":
        return _times_of_texts(label, index)
    if kind in ("date", "datetime", "datetime64"):
        return _converted(label, index)
    if kind == "period":
        return pandas.PeriodIndex(index).to_timestamp()
    if kind in ("integer", "floating"):
        return times_of(label, pandas.Index(np.asarray(index.to_numpy(), np.float64)))
    if not len(index):
        return None
    example = next((value for value in index if value is not None), None)
    raise ValueError(f"{label} has an index of type {kind}, as in {example!r}: {_ADVICE}")


def _times_of_texts(label: str, index: Any) -> Any:
    """Return the times of texts that all have one form, which begins with the year."""
    texts = index[index.notna()]
    form = _form_of(str(texts[0]))
    if form is None:
        raise ValueError(
            f"{label} has an index of text, as in {str(texts[0])!r}, which is not a time such as "
            f"'2026-01-31' or '2026-01-31 14:00': {_ADVICE}"
        )
    for text in texts:
        if _form_of(str(text)) != form:
            raise ValueError(
                f"{label} has an index of text in different forms, {str(texts[0])!r} and "
                f"{str(text)!r}: {_ADVICE}"
            )
    return _converted(label, index, form)


def _form_of(text: str) -> str | None:
    """Return the form of a time, as in "%Y-%m-%d"; None if the text does not begin with a year."""
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    separator = match["separator"]
    form = separator.join(("%Y", "%m", "%d") if match["day"] else ("%Y", "%m"))
    if match["gap"]:
        form += match["gap"] + "%H:%M" + ":%S" * bool(match["second"])
        form += ".%f" * bool(match["fraction"]) + "%z" * bool(match["zone"])
    return form


def _converted(label: str, index: Any, form: str | None = None) -> Any:
    """Return texts or objects as times; ValueError if one of them is not a time."""
    pandas = require("pandas", "pandas")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas 2 announces an error for different offsets
            times = pandas.to_datetime(index, format=form)
    except (ValueError, TypeError) as error:
        if "tz" in str(error).lower() or "timezone" in str(error).lower():
            raise ValueError(
                f"{label} has an index of times of different offsets from UTC: give "
                "pd.to_datetime(index, utc=True).tz_convert('Europe/Vienna'), or your time zone"
            ) from None
        first_line = str(error).splitlines()[0]
        raise ValueError(f"{label} has an index that is not of times: {first_line}") from None
    if not isinstance(times, pandas.DatetimeIndex):
        raise ValueError(f"{label} has an index of times of different offsets from UTC: {_ADVICE}")
    return times


def _require_counted_rows(label: str, index: Any) -> None:
    """Raise ValueError for numbers that may be times, or are not at equal steps."""
    numbers = index.to_numpy().astype(np.float64)
    if not len(numbers):
        return
    is_range = isinstance(index, require("pandas", "pandas").RangeIndex)
    reading = _reading_as_times(numbers, fewest_digits=8 if is_range else 6)
    if reading is not None:
        raise ValueError(
            f"{label} has an index of numbers, as in {index[0]}, which may be times: give "
            f"{reading}; or reset_index(drop=True), if rows are equal steps"
        )
    steps = np.diff(numbers)
    if len(steps) and not (steps[0] > 0 and np.allclose(steps, steps[0], rtol=1e-6, atol=0)):
        odd = int(np.argmax(~np.isclose(steps, steps[0]))) if steps[0] > 0 else 0
        raise ValueError(
            f"{label} has an index of numbers in which {index[odd + 1]} follows {index[odd]}: rows "
            "are equal steps in the order of time. Sort them, and give missing steps a row with "
            "NaN; or give times as the index, for years pd.to_datetime(years, format='%Y')"
        )
    if not is_range and len(numbers) > 1 and _YEARS[0] <= numbers[0] and numbers[-1] <= _YEARS[1]:
        raise ValueError(
            f"{label} has an index of the numbers {index[0]} to {index[-1]}, which may be years or "
            "row numbers: give pd.to_datetime(years, format='%Y'), or reset_index(drop=True)"
        )


def _reading_as_times(numbers: Array, fewest_digits: int) -> str | None:
    """Return the expression that reads numbers as times, or None for plain numbers.

    Dates in digits have at least `fewest_digits` of them.
    """
    if not (np.isfinite(numbers).all() and (numbers == np.round(numbers)).all()):
        return None
    low, high = numbers.min(), numbers.max()
    for form, digits in (("%Y%m", 6), ("%Y%m%d", 8), ("%Y%m%d%H", 10)):
        first, last = (year * 10 ** (digits - 4) for year in (_YEARS[0], _YEARS[1] + 1))
        if digits >= fewest_digits and first <= low and high < last and _are_dates(numbers, digits):
            return f"pd.to_datetime(index.astype(str), format={form!r})"
    if low >= _FEWEST_SECONDS:
        unit = "s" if high < 10**11 else "ms" if high < 10**14 else "us" if high < 10**17 else "ns"
        return f"pd.to_datetime(index, unit={unit!r})"
    return None


def _are_dates(numbers: Array, digits: int) -> bool:
    """Return True if the digits after the year are a month, a day and an hour in all numbers."""
    limits = {4: (1, 12), 6: (1, 31), 8: (0, 23)}  # by the number of digits before
    whole = numbers.astype(np.int64)
    for before in range(4, digits, 2):
        part = whole // 10 ** (digits - before - 2) % 100
        low, high = limits[before]
        if part.min() < low or part.max() > high:
            return False
    return True
