"""The columns of a file as texts."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from gru_c.common.arrays import Array
from gru_c.forecast.reading.dialect import Row
from gru_c.forecast.reading.shapes import counted

CELLS = "."  # in place of a separator for cells that are numbers by their format
SAMPLE = 400  # rows from which header, width and kinds show
_CHUNK = 50_000
_MOST_TEXTS = 2_000_000  # different texts to keep once
_COMMENT = re.compile(r"#(?!N/A|NUM!|VALUE!|REF!|DIV/0!)")


@dataclass
class Columns:
    """The columns of a file as texts.

    Attributes
    ----------
    name : str
        The file.
    header : list of str
        A name for each column; "Unnamed: 0" for the first one without a name.
    texts : list of list of str
    lines : ndarray
        The row of the file for each row of the columns.
    separator : str or None
        None for a single column, `CELLS` for a file without separators.
    notes : list of str
        What was left out, and why.
    """

    name: str
    header: list[str]
    texts: list[list[str]]
    lines: Array
    separator: str | None
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)

    def at(self, name: str) -> int:
        """Return the place of a column; ValueError if there is none of the name, or several."""
        places = [place for place, column in enumerate(self.header) if column == name]
        if len(places) == 1:
            return places[0]
        if places:
            numbers = ", ".join(str(place + 1) for place in places)
            raise ValueError(
                f"{self.name} has several columns {name!r}, the columns {numbers}: give them "
                "different names, or number them with --no-header --skip-rows"
            )
        nearest = difflib.get_close_matches(name, self.header, n=1)
        question = f" did you mean {nearest[0]!r}?" if nearest else ""
        raise ValueError(f"{self.name} has no column {name!r};{question} It has: {self.header}")

    def keep(self, rows: Array) -> None:
        """Leave out the rows that are not marked."""
        places = np.flatnonzero(rows).tolist()
        self.texts = [[column[place] for place in places] for column in self.texts]
        self.lines = self.lines[rows]


def is_comment(row: Row) -> bool:
    """Return True for a row that begins with a mark of a comment."""
    return _COMMENT.match(row.fields[0]) is not None


def collect(rows: Iterable[Row], width: int, named: int, notes: list[str]) -> Columns:
    """Return rows as columns; each different text is kept once."""
    columns = Columns("", [], [[] for _ in range(width)], np.zeros(0, np.int64), None, notes)
    lines: list[Array] = []
    known: dict[str, str] = {}
    short: list[int] = []
    comments = 0
    iterator = iter(rows)
    while chunk := list(itertools.islice(iterator, _CHUNK)):
        count = len(chunk)
        chunk = [row for row in chunk if row.fields[0][:1] != "#" or not is_comment(row)]
        comments += count - len(chunk)
        lines.append(np.array([row.line for row in chunk], np.int64))
        fields = [
            row.fields if len(row.fields) == width else _fitted(row, width, named, short)
            for row in chunk
        ]
        for column, texts in zip(columns.texts, zip(*fields, strict=True), strict=False):
            column.extend(map(known.setdefault, texts, texts))
        if len(known) > _MOST_TEXTS:
            known.clear()
    columns.lines = np.concatenate(lines)
    if comments:
        notes.append(counted(comments, "row", " of comments left out"))
    if short:
        notes.append(
            counted(len(short), "row", " with fewer fields")
            + f", the first is row {short[0]}: the rest is missing"
        )
    return columns


def _fitted(row: Row, width: int, named: int, short: list[int]) -> list[str]:
    """Return the fields of a row with too many or too few, as many as there are columns."""
    fields = row.fields
    if len(fields) > width:
        if any(fields[width:]):
            wanted = f"the other rows have {width}" if not named else f"the header has {named}"
            raise ValueError(
                f"is not a CSV file: row {row.line} has {len(fields)} fields, {wanted}"
            )
        return fields[:width]
    short.append(row.line)
    return fields + [""] * (width - len(fields))
