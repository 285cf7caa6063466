"""The times of a column: one format for all rows, by what they hold and by equal steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from gru_c.common.arrays import Array
from gru_c.forecast.reading.shapes import Shaped, distinct, shortened
from gru_c.forecast.reading.spacing import Spacing, spacing_of
from gru_c.forecast.reading.time_formats import PIVOT, Times, check_format, parse
from gru_c.forecast.reading.time_forms import Form, forms_of

_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b", re.IGNORECASE)
_WHOLE = re.compile(r"\d+\.0*")
_MOST_SHAPES = 5000  # that times of one form have
_FEWEST_TIMES = 20  # whose lack of gaps is no accident
_PIVOTS = (30, 50, PIVOT)  # of Excel, of Oracle and of POSIX
_YEARS = (1500, 2200)
_WRITTEN_YEARS = (1500, 2999)  # of times with other marks than digits
_LONGEST_STEP = 10  # years between numbers that are read as years


@dataclass(frozen=True)
class Label:
    """Words for messages: the file, and the columns of times in it."""

    file: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}, {self.names}"

    @property
    def names(self) -> str:
        """The columns, as in "column 'date'"."""
        word = "column" if len(self.columns) == 1 else "columns"
        return f"{word} {' and '.join(map(repr, self.columns))}"

    def row_fault(self, text: str, line: int, fault: str) -> str:
        """Return a message on the text of a row."""
        return f"{self.file}: {shortened(text)} in row {line}, {self.names}, {fault}"


@dataclass(frozen=True)
class Reading:
    """A way to read a column of times.

    Attributes
    ----------
    form : Form
    times : Times
        For each row.
    spacing : Spacing
    pivot : int
    """

    form: Form
    times: Times
    spacing: Spacing
    pivot: int = PIVOT

    @property
    def regularity(self) -> tuple[bool, bool]:
        """A value that is larger for more regular steps.

        Order alone proves nothing. Few times may be without a gap in a wrong reading, too.
        """
        is_long = len(self.times.wall) >= _FEWEST_TIMES
        return self.spacing.is_gapless and is_long, self.spacing.on_grid

    @property
    def label(self) -> str:
        """The format as --time-format takes it."""
        return self.form.format or self.form.lacks

    @property
    def example(self) -> str:
        """The first and the last time of the reading."""
        known = self.times.wall[~np.isnat(self.times.wall)]
        return f"{show(known[0])} to {show(known[-1])}"


def show(time: np.datetime64) -> str:
    """Return a time as text, without a time of day at midnight."""
    text = str(time).replace("T", " ")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.removesuffix(" 00:00:00").removesuffix(" 00:00")


class _Column:
    """The texts of a column, each different one once."""

    def __init__(self, texts: Sequence[str]) -> None:
        known, self.codes = distinct(texts)
        self.shaped = Shaped.of(known)
        if any("  " in shape or _ORDINAL.search(shape) for shape in self.shaped.places):
            self.shaped = Shaped.of([" ".join(_ORDINAL.sub("", text).split()) for text in known])
        if all(map(_WHOLE.fullmatch, self.shaped.texts)):  # numbers written as decimal ones
            self.shaped = Shaped.of([text.partition(".")[0] for text in known])
        self.is_regular = len(self.shaped.places) <= _MOST_SHAPES

    def read(self, form: Form, groups: Array | None, pivot: int = PIVOT) -> Reading:
        """Return the times of a form, for each row."""
        if form.format:
            times = parse(form.format, self.shaped, pivot)
        else:
            years = Shaped.of([f"2000 {text}" for text in self.shaped.texts])
            times = parse(f"%Y {form.lacks}", years, pivot)
        if form.short is not None:
            days = parse(form.short, self.shaped, pivot)
            at_midnight = times.wall == times.wall.astype("datetime64[D]")
            wall = times.wall.copy()
            if not at_midnight[~times.bad].any():
                wall[times.bad] = days.wall[times.bad]
            times = replace(times, wall=wall)
        offsets = None if times.offsets is None else times.offsets[self.codes]
        whole = Times(times.wall[self.codes], offsets)
        return Reading(form, whole, spacing_of(_instants(whole), groups), pivot)


def _instants(times: Times) -> Array:
    if times.offsets is None:
        return times.wall
    minutes = np.nan_to_num(times.offsets).astype("timedelta64[m]")
    instants: Array = times.wall - minutes
    return instants


def read_times(
    texts: Sequence[str], label: Label, groups: Array | None, form: str | None, lines: Array
) -> Reading:
    """Return the times of a column.

    Parameters
    ----------
    label : Label
    groups : ndarray of int or None
        A number for the series of each row.
    form : str or None
        The format; None to find it.
    lines : ndarray
        The row in the file of each text.

    Raises
    ------
    ValueError
        When a row has no time of the column's form, or the column has two readings. The message
        names the row, or both readings.
    """
    column = _Column(texts)
    empty = [place for place, text in enumerate(texts) if not text]
    if empty:
        raise ValueError(f"{label} has no time in row {lines[empty[0]]}")
    if form is not None:
        check_format(form)
        reading = column.read(Form(form), None) if column.is_regular else None
        _require_all(reading, texts, label, lines, f"is not a time of the form {form}")
        assert reading is not None
        return reading
    forms = forms_of(column.shaped.places, column.shaped.texts) if column.is_regular else []
    readings = [column.read(item, groups) for item in forms]
    whole = [reading for reading in readings if not reading.times.bad.any()]
    if not whole:
        _refuse_row(column, readings, texts, label, lines)
    reading = _choose(_distinct(whole), label)
    return _in_century(column, reading, label, groups)


# ---- the choice between readings -----------------------------------------------------------------


def _distinct(readings: list[Reading]) -> list[Reading]:
    """Return the readings without those that give the same times as one before."""
    kept: list[Reading] = []
    for reading in readings:
        if not any(np.array_equal(reading.times.wall, other.times.wall) for other in kept):
            kept.append(reading)
    return kept


def _choose(readings: list[Reading], label: Label) -> Reading:
    """Return the only reading, or the only one with equal steps."""
    possible = [reading for reading in readings if _is_possible(reading)]
    if not possible:
        numbers = "equal steps" if readings[0].form.is_weak else "a usual year"
        raise ValueError(
            f"{label} holds numbers or times without {numbers}: read as {readings[0].label} they "
            f"are {readings[0].example}. Leave --time out if rows are equal steps in the order of "
            "the file, or name the --time-format"
        )
    if len(possible) > 1:
        best = max(reading.regularity for reading in possible)
        possible = [reading for reading in possible if reading.regularity == best]
        calendar = [reading for reading in possible if reading.form.format != "%s"]
        if len(possible) == 2 and len(calendar) == 1 and calendar[0].form.format == "%Y%m%d%H":
            possible = calendar  # as seconds these would be of the years from 2030 on
    if len(possible) > 1 or possible[0].form.lacks:
        both = " or ".join(f"{reading.example} ({reading.label})" for reading in possible)
        both = f"times without a year ({both})" if possible[0].form.lacks else both
        raise ValueError(f"{label} can be read as {both}: name the right one with --time-format")
    return possible[0]


def _is_possible(reading: Reading) -> bool:
    """Return False for numbers that are times only by chance."""
    years = np.unique(reading.times.wall.astype("datetime64[Y]").astype(np.int64)) + 1970
    if not reading.form.is_weak:
        return bool(years[0] >= _WRITTEN_YEARS[0] and years[-1] <= _WRITTEN_YEARS[1])
    if not reading.spacing.on_grid or years[0] < _YEARS[0] or years[-1] > _YEARS[1]:
        return False
    is_year = reading.form.format == "%Y" and len(years) > 1
    return not is_year or int(np.diff(years).min()) <= _LONGEST_STEP


def _in_century(column: _Column, reading: Reading, label: Label, groups: Array | None) -> Reading:
    """Return a reading whose two digits of a year are of the right century."""
    if "%y" not in reading.form.format:
        return reading
    readings = [column.read(reading.form, groups, pivot) for pivot in _PIVOTS]
    possible = [item for item in _distinct(readings) if item.spacing.is_gapless]
    if not possible:
        possible = [item for item in _distinct(readings) if item.spacing.on_grid]
    if not possible:
        first = int(reading.times.wall[0].astype("datetime64[Y]").astype(int) + 1970) % 100
        more = [column.read(reading.form, groups, pivot) for pivot in (first, 0, 100)]
        possible = [item for item in _distinct(more) if item.spacing.is_gapless]
        possible = possible or _distinct(readings)
    if len(possible) == 1:
        return possible[0]
    both = " or ".join(item.example for item in possible)
    form = reading.form.format
    raise ValueError(
        f"{label} has years of two digits, which can be {both}: name the century with "
        f"--time-format {form.replace('%y', '19%y')!r} or {form.replace('%y', '20%y')!r}"
    )


# ---- messages ------------------------------------------------------------------------------------


def _require_all(
    reading: Reading | None, texts: Sequence[str], label: Label, lines: Array, fault: str
) -> None:
    bad = np.ones(len(texts), bool) if reading is None else reading.times.bad
    if bad.any():
        place = int(np.argmax(bad))
        raise ValueError(label.row_fault(texts[place], lines[place], fault))


def _refuse_row(
    column: _Column, readings: list[Reading], texts: Sequence[str], label: Label, lines: Array
) -> NoReturn:
    """Raise ValueError for the first row that is not of the form that most rows have."""
    if not readings and column.is_regular:
        usual = sorted(column.shaped.places.items(), key=lambda item: -len(item[1]))
        for shape, _ in usual[:3]:
            forms = forms_of([shape], column.shaped.of_shape(shape))
            readings = [column.read(form, None) for form in forms]
            if any(not reading.times.bad.all() for reading in readings):
                break
    fault = "is not a time such as 2026-01-31 or 2026-01-31 14:00, in one form in all rows"
    if not readings:
        number = re.fullmatch(r"[-+]?\d+(\.\d*)?", texts[0])
        advice = (
            "; rows that are equal steps need no --time" if number else "; --time-format names it"
        )
        raise ValueError(label.row_fault(texts[0], lines[0], fault + advice))
    best = min(readings, key=lambda reading: int(reading.times.bad.sum()))
    if len(readings) > 1 and not best.times.bad.all():
        fault += f" (most are {best.label})"
    _require_all(best, texts, label, lines, fault)
    raise ValueError(label.row_fault(texts[0], lines[0], f"{fault}; --time-format names it"))
