"""Rows that are not values: units below the header, blank rows, sums and remarks at the end."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from gru_c.forecast.reading.columns import SAMPLE, Columns
from gru_c.forecast.reading.number_shapes import MISSING, looks_like_number
from gru_c.forecast.reading.shapes import counted, shape_of

_MOST_HEADERS = 3
_MOST_FOOTERS = 10
_FOOTER = re.compile(
    r"\W*(?:(?:grand |sub)?totals?|sums?|mean|median|average|avg|min(?:imum)?|max(?:imum)?|count|"
    r"sources?|notes?|copyright|\u00a9|summe|gesamt|mittel(?:wert)?|durchschnitt|quelle|hinweis|"
    r"total g\u00e9n\u00e9ral|moyenne|somme|media|suma|promedio|fuente|eof|end)\b",
    re.IGNORECASE,
)


def read_more_headers(columns: Columns, wanted: Sequence[str]) -> None:
    """Take rows of units, types or further names off the top, and name the columns by them."""
    tops: list[list[str]] = []
    while len(tops) < _MOST_HEADERS and _is_header(columns, len(tops)):
        tops.append([column[len(tops)] for column in columns.texts])
    if not tops or len(columns) <= len(tops):
        return
    is_levels = bool(tops[-1][0]) and not any(tops[-1][1:])
    if is_levels:  # pandas writes several header rows so, with the name of the index in the last
        upper = [columns.header, *tops[:-1]]
        joined = [list(dict.fromkeys(filter(None, names))) for names in zip(*upper, strict=True)]
        first = columns.header
        is_unique = len(set(first)) == len(first)
        columns.header = [
            tops[-1][0] if not place else names[0] if is_unique else " ".join(names)
            for place, names in enumerate(joined)
        ]
        columns.notes.append(
            f"{len(tops) + 1} header rows, of {', '.join(filter(None, upper[-1]))}"
        )
    else:
        shown = "; ".join(", ".join(filter(None, row)) for row in tops)
        columns.notes.append(
            f"{counted(len(tops), 'row')} of units or types left out: {shown[:60]}"
        )
    keep = np.ones(len(columns), bool)
    keep[: len(tops)] = False
    columns.keep(keep)


def _is_header(columns: Columns, row: int) -> bool:
    """Return True if a row has words where the rows below it have numbers."""
    begin = max(row + 1, min(_MOST_HEADERS, len(columns) // 2))
    words = 0
    for column in columns.texts:
        below = [value for value in column[begin : begin + 200] if value not in MISSING]
        numbers = sum(map(looks_like_number, below))
        cell = column[row]
        if below and numbers >= 0.9 * len(below):
            if cell and looks_like_number(cell):
                return False
            words += bool(cell) and cell not in MISSING
        elif cell and "0" in shape_of(cell) and shape_of(cell) in set(map(shape_of, below)):
            return False
    others = [column[row] for column in columns.texts[1:]]
    is_index_name = bool(columns.texts[0][row]) and not any(others) and bool(others)
    has_digits = "0" in shape_of(columns.texts[0][row])
    return bool(words) or (is_index_name and not has_digits)


def drop_blank_rows(columns: Columns, timed: bool) -> None:
    """Drop rows without any value: at the end, and elsewhere if rows have times."""
    full = np.zeros(len(columns), bool)
    for column in columns.texts:
        full |= np.array([bool(value) for value in column], bool)
    if full.all():
        return
    end = int(np.flatnonzero(full)[-1]) + 1 if full.any() else 0
    inner = int((~full[:end]).sum())
    kept = full if timed else np.arange(len(full)) < end
    if not timed and inner > 0.4 * end:
        kept, inner = full, 0
    dropped = int((~kept).sum())
    if dropped:
        columns.notes.append(counted(dropped, "row", " without any value left out"))
    if inner and not timed:
        columns.notes.append(
            "1 row without any value counts as a step"
            if inner == 1
            else f"{inner} rows without any value count as steps"
        )
    columns.keep(kept)


def drop_footers(columns: Columns) -> None:
    """Drop sums and remarks below the last row of values."""
    count = len(columns)
    if count < 4:
        return
    above = [column[: max(count - _MOST_FOOTERS, 2)][:SAMPLE] for column in columns.texts]
    kinds = [_kind(column) for column in above]
    shapes = [set(map(shape_of, column)) for column in above]
    bad: list[int] = []
    for row in range(count - 1, max(count - 1 - _MOST_FOOTERS, 2), -1):
        cells = [column[row] for column in columns.texts]
        first = next(place for place, cell in enumerate(cells) if cell)
        is_text = not looks_like_number(cells[first]) and cells[first] not in MISSING
        is_alone = sum(map(bool, cells)) == 1 and len(cells) > 1
        is_odd = is_text and kinds[first] != "text" and shape_of(cells[first]) not in shapes[first]
        if not is_odd or not (is_alone or _FOOTER.match(cells[first])):
            break
        bad.append(row)
    if bad:
        text = " ".join(filter(None, (column[bad[-1]] for column in columns.texts)))[:40]
        line = int(columns.lines[bad[-1]])
        columns.notes.append(
            f"{counted(len(bad), 'row')} at the end left out, from row {line}: {text!r}"
        )
        keep = np.ones(count, bool)
        keep[bad] = False
        columns.keep(keep)


def _kind(column: Sequence[str]) -> str:
    """Return "number", "time" for other values with digits, or "text"."""
    values = [value for value in column if value not in MISSING]
    if sum(map(looks_like_number, values)) >= 0.9 * max(len(values), 1):
        return "number"
    digits = sum("0" in shape_of(value) for value in values)
    return "time" if digits >= 0.9 * len(values) else "text"
