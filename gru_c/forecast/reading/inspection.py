"""A description of each column of a file, as it would be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gru_c.forecast.reading import zones
from gru_c.forecast.reading.columns import SAMPLE, Columns
from gru_c.forecast.reading.layout import read_columns
from gru_c.forecast.reading.number_shapes import MISSING, looks_like_number
from gru_c.forecast.reading.options import ReadingOptions
from gru_c.forecast.reading.shapes import counted, shape_of
from gru_c.forecast.reading.source import Source
from gru_c.forecast.reading.time_forms import forms_of
from gru_c.forecast.reading.times import Reading
from gru_c.forecast.reading.values import number_column, time_column

_MOST_COLUMNS = 40
_WIDEST_NAME = 24
_FEWEST_TIMES = 3  # whose steps can be equal


def describe_columns(source: Source, options: ReadingOptions, wanted: Sequence[str]) -> list[str]:
    """Return lines on a file and on each of its columns.

    Parameters
    ----------
    wanted : sequence of str
        Names of columns that the header has; may be empty.
    """
    columns = read_columns(source, options, wanted, True)
    lines = [
        f"{columns.name}: {counted(len(columns), 'row')}, {counted(len(columns.header), 'column')}",
        *columns.notes,
    ]
    shown = columns.header[:_MOST_COLUMNS]
    width = min(max(map(len, shown)), _WIDEST_NAME)
    for place, name in enumerate(shown):
        try:
            text = _describe(columns, place, options)
        except ValueError as error:
            text = f"refused: {error}".replace(f"{columns.name}: ", "").replace(
                f"{columns.name}, ", ""
            )
        lines.append(f"  {name:{width}}  {text}")
    if len(columns.header) > len(shown):
        lines.append(f"  and {counted(len(columns.header) - len(shown), 'more column')}")
    return lines


def _describe(columns: Columns, place: int, options: ReadingOptions) -> str:
    """Return a description of a column; ValueError if it has two readings."""
    name, texts = columns.header[place], columns.texts[place]
    if columns.header.count(name) > 1:
        return "several columns have this name"
    values = [text for text in texts[:SAMPLE] if text not in MISSING]
    if not values:
        return "empty" if not any(texts) else "missing in the first rows"
    if all(map(looks_like_number, values)):
        return _describe_numbers(columns, name, options)
    if forms_of([shape_of(values[0])], values[:1]):
        return f"times: {_describe_times(columns, name, options)}"
    different = sorted(set(texts))
    return f"text: {len(different)} different, such as {', '.join(map(repr, different[:3]))}"[:70]


def _describe_numbers(columns: Columns, name: str, options: ReadingOptions) -> str:
    """Return a description of numbers, which may also be times in digits."""
    _, note = number_column(columns, name, (), options)
    numbers = f"numbers: {note.removeprefix(f'{name}: ')}"
    try:
        is_regular = time_column(columns, [name], None, options).spacing.is_gapless
        times = _describe_times(columns, name, options) if is_regular else ""
    except ValueError:
        return numbers
    if times.startswith("%Y"):
        return f"times: {times}; or {numbers}"
    return f"{numbers}; or times: {times}" if times else numbers


def _describe_times(columns: Columns, name: str, options: ReadingOptions) -> str:
    reading = time_column(columns, [name], None, options)
    index, note = zones.index_of(reading, options.timezone, None, columns.lines, name)
    first, last = (str(time).removesuffix(" 00:00:00") for time in (index.min(), index.max()))
    return f"{reading.label}{note}; {first} to {last}; {_steps(reading, index)}"


def _steps(reading: Reading, index: Any) -> str:
    """Return words on the order and the steps of the times."""
    words = "equal steps" if reading.spacing.is_gapless else "with gaps"
    if index.nunique() < _FEWEST_TIMES:
        words = "too few to show their steps"
    elif not reading.spacing.on_grid:
        words = "no equal steps"
    repeats = len(index) - index.nunique()
    return words + (
        f", {counted(repeats, 'row')} of a time that another row has" if repeats else ""
    )
