"""The columns of a file: its header, and rows that have more fields than it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from gru_c.forecast.reading import dialect
from gru_c.forecast.reading.columns import CELLS, SAMPLE, Columns, collect, is_comment
from gru_c.forecast.reading.dialect import Row
from gru_c.forecast.reading.number_shapes import looks_like_number
from gru_c.forecast.reading.options import ReadingOptions
from gru_c.forecast.reading.shapes import counted, shape_of
from gru_c.forecast.reading.source import Source
from gru_c.forecast.reading.trimming import drop_blank_rows, drop_footers, read_more_headers

_FEWEST_DIGITS = 4  # of a time
_LONE_COLUMN = "a single column"


def read_columns(
    source: Source, options: ReadingOptions, wanted: Sequence[str], timed: bool
) -> Columns:
    """Divide a file into columns.

    Parameters
    ----------
    wanted : sequence of str
        Names of columns, from which the header is known; may be empty.
    timed : bool
        False: rows are equal steps, so that an empty row counts as a step.

    Raises
    ------
    ValueError
        When rows and header do not fit each other; the message names the row.
    """
    try:
        return _read(source, options, wanted, timed)
    except ValueError as error:
        text = str(error)
        raise ValueError(
            text if text.startswith(source.name) else f"{source.name}: {text}"
        ) from None


def _read(source: Source, options: ReadingOptions, wanted: Sequence[str], timed: bool) -> Columns:
    separator, rows, notes = _rows(source, options, wanted)
    head = list(itertools.islice(rows, SAMPLE))
    if not head:
        raise ValueError(f"{source.name} has no rows")
    place = _header_place(head, wanted) if options.header else -1
    names = _names_of(head[place]) if place >= 0 else []
    skipped = head[: max(place, 0)]
    if skipped:
        first = " ".join(skipped[0].fields)[:40]
        left_out = counted(len(skipped), "row", " before the header left out")
        notes.append(f"{left_out}, the first is {first!r}")
    body = head[place + 1 :]
    if not any(not is_comment(row) for row in body):
        raise ValueError(f"{source.name} has no rows")
    width = dialect.usual_width([row.fields for row in body if not is_comment(row)])
    columns = collect(itertools.chain(body, rows), width, len(names), notes)
    columns.name, columns.separator = source.name, separator
    if not options.header:
        columns.header = [str(number + 1) for number in range(width)]
    else:
        _fit_header(columns, names, source.text)
    drop_blank_rows(columns, timed)
    if not len(columns):
        raise ValueError(f"{source.name} has no rows")
    if options.header:
        _refuse_values(columns, names, head[place].line)
        read_more_headers(columns, wanted)
    drop_footers(columns)
    return columns


def _rows(
    source: Source, options: ReadingOptions, wanted: Sequence[str]
) -> tuple[str | None, Iterator[Row], list[str]]:
    """Return the separator, the rows and the first notes."""
    if source.cells is not None:
        cells = source.cells[options.skip_rows :]
        numbered = (Row(options.skip_rows + i + 1, row) for i, row in enumerate(cells))
        return CELLS, (row for row in numbered if any(row.fields)), [source.note]
    skip, named = options.skip_rows, None
    if not skip:
        named = dialect.excel_separator(source.text)
        skip = 0 if named is None else 1
    separator = options.separator or named
    if separator is None:
        separator = dialect.choose_separator(source.text, skip, wanted)
    word = (
        _LONE_COLUMN
        if separator is None
        else "columns divided by " + (dialect.SEPARATOR_NAMES.get(separator, repr(separator)))
    )
    return separator, dialect.rows_of(source.text, separator, skip), [f"{source.note}, {word}"]


def _names_of(row: Row) -> list[str]:
    """Return the names of a header, which may begin with a mark of a comment."""
    names = list(row.fields)
    if is_comment(row):
        names[0] = names[0].lstrip("# ")
        if not names[0] and len(names) > 1 and len(names) == len(row.fields):
            names = names[1:]
    return names


def _header_place(head: Sequence[Row], wanted: Sequence[str]) -> int:
    """Return the place of the header: the row with the wanted names, or the first of the table."""
    if wanted:
        for place, row in enumerate(head[:100]):
            if set(wanted) <= set(_names_of(row)):
                return place
    plain = [place for place, row in enumerate(head) if not is_comment(row)]
    if not plain:
        raise ValueError("all rows are comments")
    width = dialect.usual_width([head[place].fields for place in plain])
    if plain[0] and len(_names_of(head[plain[0] - 1])) == width > 1 and _begins(head, plain[0]):
        return plain[0] - 1  # the header is the last comment
    full = next(place for place in plain if len(head[place].fields) >= width)
    before = [place for place in plain if place < full and len(head[place].fields) == width - 1]
    if before and before[-1] == full - 1 and _begins(head, full):
        return full - 1  # rows have names, and the header is shorter
    return full


def _begins(head: Sequence[Row], place: int) -> bool:
    """Return True if a row looks like values and not like a header."""
    return any(looks_like_number(text) for text in head[place].fields)


def _fit_header(columns: Columns, names: list[str], text: str) -> None:
    """Give each column a name: drop empty columns at the end, and name those of row names."""
    _drop_empty_end(columns, names)
    extra = len(columns.texts) - len(names)
    if extra == 1:
        extra = _divide_extra(columns, names, text)
    if extra:
        row = int(columns.lines[0]) if len(columns) else 0
        raise ValueError(
            f"is not a CSV file: row {row} has {len(columns.texts)} fields, the header has "
            f"{len(names)}: {names}"
        )
    columns.header = [name or f"Unnamed: {place}" for place, name in enumerate(names)]


def _drop_empty_end(columns: Columns, names: list[str]) -> None:
    """Drop columns at the end that have no name and no value, in place."""
    count = len(columns.texts)
    while len(columns.texts) > 1 and not any(columns.texts[-1]):
        if len(names) >= len(columns.texts) and names[len(columns.texts) - 1]:
            break
        columns.texts.pop()
    while len(names) > len(columns.texts) and not names[-1]:
        names.pop()
    if len(columns.texts) < count:
        columns.notes.append("separators at the end of rows left out")


def _divide_extra(columns: Columns, names: list[str], text: str) -> int:
    """Handle rows that have one field more than the header; return how many are left over.

    The first field is a name for the row, as R's write.table writes it, or a comma that divides the
    fields is the decimal mark of a number.
    """
    first, line = columns.texts[0], int(columns.lines[0])
    counted = [str(i) for i in range(1, len(first) + 1)]
    is_counted = first in (counted, [str(i - 1) for i in range(1, len(first) + 1)])
    begin = text.splitlines()[line - 1].lstrip() if text else ""
    joined = _joined_pairs(columns) if columns.separator == "," else []
    if joined and not (begin.startswith('"') and is_counted):
        if len(names) == 1 and not (is_counted and len(first) > 2):
            columns.texts = [[f"{a},{b}" if b else a for a, b in zip(*columns.texts, strict=True)]]
            columns.separator = None
            divided = "columns divided by comma"
            columns.notes[:] = [note.replace(divided, _LONE_COLUMN) for note in columns.notes]
            columns.notes.append(
                f"commas are decimal marks, because the header has one name, {names[0]!r}"
            )
            return 0
        raise ValueError(
            f"row {line} has {len(columns.texts)} fields, the header has {len(names)}: a comma is "
            "the decimal mark of a number and divides it, or rows have names in a first column "
            "without a header. For the first write a semicolon between the columns, for the second "
            "give the first column a name in the header"
        )
    is_divided = columns.separator == dialect.SPACE and not (begin.startswith('"') or is_counted)
    if is_divided or len(set(first)) < len(first):
        return 1
    names.insert(0, "")
    columns.notes.append(f"rows have names, {first[0]!r} to {first[-1]!r}, in 'Unnamed: 0'")
    return 0


def _joined_pairs(columns: Columns) -> list[int]:
    """Return the places whose fields may be the whole part of numbers that a comma divides."""
    whole = [all(re.fullmatch(r"[+-]?\d+", v) for v in column) for column in columns.texts]
    parts = [all(re.fullmatch(r"\d*", v) for v in column) for column in columns.texts]
    return [i for i in range(len(whole) - 1) if whole[i] and parts[i + 1]]


def _refuse_values(columns: Columns, names: Sequence[str], line: int) -> None:
    """Raise ValueError when the header looks like a row of values."""
    named = [(name, place) for place, name in enumerate(columns.header) if name in names and name]
    alike = [(name, place) for name, place in named if _is_alike(name, columns.texts[place])]
    has_time = any(_looks_like_time(name) for name, _ in alike)
    if not named or (not names[0] and any(columns.texts[0])):
        return
    if len(alike) < len(named) and not has_time:
        return
    numbers = [int(name) for name, _ in named if name.isdecimal()]
    is_counted = numbers == list(range(numbers[0], numbers[0] + len(named))) if numbers else False
    if is_counted and not has_time and (len(named) > 1 or numbers[0] == 0):
        return
    raise ValueError(
        f"row {line} looks like values, not like a header: {', '.join(name for name, _ in named)}. "
        "If the file has no header, --no-header reads that row, and calls the columns 1, 2, ...; "
        "otherwise give the columns names with letters"
    )


def _looks_like_time(text: str) -> bool:
    return not looks_like_number(text) and sum(map(str.isdigit, text)) >= _FEWEST_DIGITS


def _is_alike(text: str, column: Sequence[str]) -> bool:
    """Return True if a text looks like the values of a column."""
    if looks_like_number(text):
        return any(looks_like_number(value) for value in column[:SAMPLE])
    has_digits = "0" in shape_of(text)
    return has_digits and shape_of(text) in {shape_of(value) for value in column[:SAMPLE]}
