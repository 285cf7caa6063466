"""The fields of a text: its separator, and its rows."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

SPACE = " "
SEPARATOR_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "spaces"}
_SEPARATORS = ",;\t|"
_SAMPLE = 400  # lines from which the separator shows
_LEAST_SHARE = 0.6  # of these lines must have the same number of fields
_EXCEL_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_SPACED = re.compile(r'"((?:[^"]|"")*)"|(\S+)')
# A number, a time or nothing, in any form.
_VALUE = re.compile(r"[\d.,:+\-/ TZeE%'\u00a0\u202f]*|NA|NaN|nan|null|[A-Za-z]+")


class Row(NamedTuple):
    """The fields of a row, without spaces around them, and its number in the file."""

    line: int
    fields: list[str]


def rows_of(text: str, separator: str | None, skip: int = 0) -> Iterator[Row]:
    """Yield the rows of a text, without blank lines.

    Parameters
    ----------
    separator : str or None
        None for a single column; `SPACE` for any number of spaces.
    skip : int
        Number of lines to leave out at the beginning.

    Raises
    ------
    ValueError
        When a quotation mark has no partner; the message names the row.
    """
    lines = itertools.islice(_lines(text), skip, None)
    if separator is None or separator == SPACE:
        yield from _simple_rows(lines, separator, skip)
        return
    mark = _quotation_mark(text)
    reader = csv.reader(
        lines,
        delimiter=separator,
        quotechar=mark,
        skipinitialspace=separator != "\t",
        strict=text.count(mark) % 2 == 1,  # one has no partner, or stands within a text
    )
    try:
        for fields in reader:
            stripped = list(map(str.strip, fields))
            if stripped and stripped != [""]:
                yield Row(reader.line_num + skip, stripped)
    except csv.Error as error:
        raise ValueError(f"row {reader.line_num + skip}: {error}") from None


def _quotation_mark(text: str) -> str:
    """Return the apostrophe if all of the first lines begin with it, else the quotation mark."""
    lines = text[: _line_end(text, 20)].splitlines()[-10:]
    return "'" if all(line.startswith("'") for line in lines) else '"'


def _simple_rows(lines: Iterator[str], separator: str | None, skip: int) -> Iterator[Row]:
    for number, line in enumerate(lines, start=skip + 1):
        if not line.strip():
            continue
        if separator is None:
            yield Row(number, [_unquoted(line.strip())])
        else:
            yield Row(number, [_unquoted(match[0]) for match in _SPACED.finditer(line)])


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of a text with their ends."""
    begin, end = 0, text.find("\n") + 1
    while end:
        yield text[begin:end]
        begin, end = end, text.find("\n", end) + 1
    if begin < len(text):
        yield text[begin:]


def _unquoted(field: str) -> str:
    if len(field) > 1 and field[0] == field[-1] == '"':
        return field[1:-1].replace('""', '"').strip()
    return field


def excel_separator(text: str) -> str | None:
    """Return the separator of a first line ``sep=;``, which Excel writes and reads."""
    match = _EXCEL_LINE.match(text)
    return match[1] if match else None


def choose_separator(text: str, skip: int, wanted: Sequence[str]) -> str | None:
    """Return the separator with which most rows have one number of fields; None for one column.

    A separator with which a row holds all wanted names goes before the others.

    Raises
    ------
    ValueError
        When two separators fit.
    """
    end = _line_end(text, skip + _SAMPLE)
    sample = text[:end]
    tables = {separator: _try(sample, separator, skip) for separator in _SEPARATORS}
    named = [s for s, rows in tables.items() if _names(rows, wanted)]
    fitting = named or [s for s, rows in tables.items() if _is_table(rows)]
    if not fitting:
        spaced = _try(sample, SPACE, skip)
        is_named = any(set(wanted) <= set(row) for row in spaced[:100])
        return SPACE if is_named and _is_table(spaced) else None
    scores = {s: _score(tables[s]) for s in fitting}
    best = [s for s in fitting if scores[s] == max(scores.values())]
    if len(best) > 1:
        names = " or ".join(f"{SEPARATOR_NAMES[s]} ({_show(tables[s])})" for s in best)
        raise ValueError(f"its rows can be divided at every {names}: name the --separator")
    return best[0]


def _line_end(text: str, lines: int) -> int:
    """Return the position after so many lines."""
    at = 0
    for _ in range(lines):
        at = text.find("\n", at) + 1
        if not at:
            return len(text)
    return at


def _try(sample: str, separator: str, skip: int) -> list[list[str]]:
    """Return the rows of a sample, up to the first one that cannot be read."""
    rows: list[list[str]] = []
    try:
        for row in rows_of(sample, separator, skip):
            rows.append(row.fields)
    except ValueError:
        pass  # the sample may end within quotation marks; whole files are read again
    return rows


def _names(rows: Sequence[Sequence[str]], wanted: Sequence[str]) -> bool:
    several = len(set(wanted)) > 1
    return several and any(set(wanted) <= set(row) for row in rows[:100])


def usual_width(rows: Sequence[Sequence[str]]) -> int:
    """Return the most frequent number of fields, the larger one of two; 0 without rows."""
    counts = Counter(map(len, rows))
    return max(counts, key=lambda width: (counts[width], width), default=0)


def _is_table(rows: Sequence[Sequence[str]]) -> bool:
    body = [row for row in rows[1:] if any(row)] or list(rows)
    width = usual_width(body)
    same = sum(len(row) == width for row in body)
    return width > 1 and same >= _LEAST_SHARE * len(body)


def _score(rows: Sequence[Sequence[str]]) -> tuple[float, float]:
    """Return numbers that are higher for a more likely division.

    These are the share of cells that are a number, a time or a word, and the share of rows with the
    usual number of fields.
    """
    width = usual_width(rows)
    same = sum(len(row) == width for row in rows) / len(rows)
    cells = list(itertools.chain.from_iterable(rows[1:])) or [""]
    clean = sum(_VALUE.fullmatch(cell) is not None for cell in cells) / len(cells)
    return round(clean, 2), same


def _show(rows: Sequence[Sequence[str]]) -> str:
    return " | ".join(rows[-1])[:40]
