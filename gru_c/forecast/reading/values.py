"""The columns that a forecast needs, as numbers, names and times, with notes on their reading."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from gru_c.common.arrays import Array
from gru_c.forecast.reading import numbers
from gru_c.forecast.reading.columns import Columns
from gru_c.forecast.reading.number_shapes import (
    FLAGS,
    MISSING,
    Evidence,
    gather,
    looks_like_number,
)
from gru_c.forecast.reading.options import ReadingOptions
from gru_c.forecast.reading.shapes import Shaped, distinct, shortened
from gru_c.forecast.reading.times import Label, Reading, read_times

_CLOCK = re.compile(r"(?:[01]?\d|2[0-4])[.,][0-5]\d")  # a time of day is not a number
_YEAR = re.compile(r"\d{4}")  # beside it are months, weeks or days, no times of day
_MOST_MARKS = 4  # of missing values to list


def number_column(
    columns: Columns,
    name: str,
    others: Sequence[str],
    options: ReadingOptions,
    faults: dict[int, str] | None = None,
) -> tuple[Array, str]:
    """Return the numbers of a column, and a note on them.

    Parameters
    ----------
    others : sequence of str
        Columns that are no numbers: times and groups.
    faults : dict of int to str, optional
        Takes the rows that are not a number, which are then missing, with messages.

    Raises
    ------
    ValueError
        When a row holds something else, or the marks have two readings.
    """
    place = columns.at(name)
    texts = columns.texts[place]
    missing = MISSING | set(options.missing)
    label = f"{columns.name}: column {name!r}"
    known, codes = distinct(texts)
    present, shaped = _present(known, missing)
    evidence = gather(shaped)
    rest: list[tuple[str, Evidence]] = []
    if evidence.unclear:
        rest = _other_evidence(columns, [name, *others], missing)
    marks = numbers.decide(label, evidence, rest, columns.separator, options)
    _refuse_units(label, numbers.units_of(shaped))
    each = np.full(len(known), np.nan)
    each[present], bad = numbers.read_numbers(shaped, marks)
    values = each[codes]
    bad = np.union1d(bad, _flags_among_numbers(shaped))
    wrong = np.isin(codes, np.array(present, np.intp)[bad]) | np.isinf(values)
    for row in np.flatnonzero(wrong).tolist():
        what = f"is not a number{_form_hint(texts[row], marks)}"
        if np.isinf(values[row]):
            what = "is infinite, or too large for float64"
        fault = (
            f"{columns.name}: {shortened(texts[row])} in row {columns.lines[row]}, column "
            f"{name!r}, {what}; --na names texts that stand for missing"
        )
        values[row] = np.nan
        if faults is None:
            raise ValueError(fault)
        faults[row] = fault
    for text in options.missing:
        if looks_like_number(text):
            values[values == numbers.read_number(text, marks)] = np.nan
    note = f"{name}: {marks}" + (f", {marks.why}" if marks.why else "")
    return values, note + _range_note(values) + _missing_note(texts, values) + _lone_note(values)


def static_column(
    columns: Columns, name: str, others: Sequence[str], options: ReadingOptions
) -> tuple[Sequence[float | str], str]:
    """Return the values of a column of static features, numbers or texts, and a note on them.

    Raises
    ------
    ValueError
        When the marks of numbers have two readings.
    """
    texts = columns.texts[columns.at(name)]
    known = [text for text in texts if text not in MISSING | set(options.missing)]
    if known and all(map(looks_like_number, known)):
        numbers_read, note = number_column(columns, name, others, options)
        return numbers_read.tolist(), note
    different = sorted(set(texts))
    return texts, f"{name}: text, {len(different)} different"


def _flags_among_numbers(column: Shaped) -> Array:
    """Return the places of true and false in a column that holds numbers, too."""
    flags = [shape for shape in column.places if shape.lower() in FLAGS]
    if len(flags) == len(column.places):
        return np.empty(0, np.int64)
    return np.array([place for flag in flags for place in column.places[flag]], np.int64)


def _present(texts: Sequence[str], missing: frozenset[str]) -> tuple[list[int], Shaped]:
    """Return the places of the texts that are not missing, and these texts."""
    places = [place for place, text in enumerate(texts) if text not in missing]
    return places, Shaped.of([texts[place] for place in places])


def _other_evidence(
    columns: Columns, leave_out: Sequence[str], missing: frozenset[str]
) -> list[tuple[str, Evidence]]:
    """Return the evidence of the other columns that hold only numbers."""
    rest = []
    for name, texts in zip(columns.header, columns.texts, strict=True):
        if name in leave_out:
            continue
        _, shaped = _present(distinct(texts)[0], missing)
        evidence = gather(shaped)
        is_clock = all(map(_CLOCK.fullmatch, shaped.texts))
        if evidence.odd is None and evidence.numbers and not is_clock:
            rest.append((name, evidence))
    return rest


def _form_hint(text: str, marks: numbers.Marks) -> str:
    if text.lower() in FLAGS:
        return " among numbers"
    return f" with {marks}" if looks_like_number(text) else ""


def _refuse_units(label: str, units: set[str]) -> None:
    """Raise ValueError for numbers of different units."""
    plain = units - {"K", "M", "B", ""}
    if len(plain) > 1 or ("%" in units and len(units) > 1):
        shown = " and ".join(sorted(repr(unit) if unit else "none" for unit in units))
        raise ValueError(f"{label} holds numbers of different units: {shown}")


def _range_note(values: Array) -> str:
    known = values[~np.isnan(values)]
    return f"; {known.min():.10g} to {known.max():.10g}" if len(known) else "; no value"


def _missing_note(texts: Sequence[str], values: Array) -> str:
    counts = Counter(texts[row] for row in np.flatnonzero(np.isnan(values)).tolist())
    if not counts:
        return "; none missing"
    shown = [
        f"{count} empty" if not text else f"{count} times {text!r}"
        for text, count in counts.most_common(_MOST_MARKS)
    ]
    return f"; missing: {', '.join(shown)}"


def _lone_note(values: Array) -> str:
    """Return a note on a value that is far from all others and often there, such as -999."""
    known, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    for place, next_one, rest in ((0, 1, known[1:]), (-1, -2, known[:-1])):
        if len(rest) > 1 and counts[place] > 2:
            gap = abs(known[place] - known[next_one])
            if gap > 2 * (rest[-1] - rest[0]) or known[place] in (-99, -999, -9999, -99999):
                return (
                    f"; {known[place]:g} is there {counts[place]} times, far from the others: if "
                    f"it stands for missing, --na={known[place]:g}"
                )
    return ""


def group_column(columns: Columns, name: str) -> list[str]:
    """Return the texts of a column that names series; ValueError for an empty one."""
    texts = columns.texts[columns.at(name)]
    for row, text in enumerate(texts):
        if not text:
            raise ValueError(
                f"{columns.name} has no name of a series in row {columns.lines[row]}, "
                f"column {name!r}"
            )
    return texts


def time_column(
    columns: Columns, names: Sequence[str], groups: Array | None, options: ReadingOptions
) -> Reading:
    """Return the times that one column holds, or several together.

    Parameters
    ----------
    names : sequence of str
        A column of times; a column of dates and one of times of day; or columns of the year, the
        month, the day and the hour.
    groups : ndarray of int or None
        A number for the series of each row.
    """
    parts = [columns.texts[columns.at(name)] for name in names]
    if len(parts) == 2 and not all(map(_YEAR.fullmatch, set(parts[0]))):
        parts = [parts[0], _padded_clock(parts[1])]
    texts = parts[0] if len(parts) == 1 else [" ".join(row) for row in zip(*parts, strict=True)]
    for name, part in zip(names, parts, strict=True):
        if len(parts) > 1 and "" in part:
            row = columns.lines[part.index("")]
            raise ValueError(f"{columns.name}: row {row} is empty in column {name!r}")
    label = Label(columns.name, tuple(names))
    return read_times(texts, label, groups, options.time_format, columns.lines)


def _padded_clock(texts: list[str]) -> list[str]:
    """Return times of day in digits, such as 30 and 1430, with their zeros in front."""
    if not all(text.isdecimal() for text in set(texts)):
        return texts
    values = {text: int(text) for text in set(texts)}
    is_clock = max(values.values()) > 24 and all(
        v <= 2400 and v % 100 < 60 for v in values.values()
    )
    return [text.zfill(4) for text in texts] if is_clock else texts
