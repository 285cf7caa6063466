"""The text of a file or of standard input, and the cells of Parquet and Excel files."""

from __future__ import annotations

import codecs
import os
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gru_c.common.optional import require
from gru_c.forecast.reading.options import ReadingOptions
from gru_c.saving.files import require_file

STANDARD_INPUT = "-"
# The longer marks come first: the mark of UTF-16 begins that of UTF-32.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PARQUET, _ZIP, _OLD_EXCEL = b"PAR1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Source:
    """The content of a file before it is divided into columns.

    Attributes
    ----------
    name : str
        The path, or "standard input".
    text : str
        Empty if there are cells.
    cells : list of list of str, or None
        Rows of a file whose format has columns: Parquet or Excel.
    zone : str or None
        The time zone that the format stores with its times.
    note : str
        The encoding or the format.
    """

    name: str
    text: str
    cells: list[list[str]] | None
    zone: str | None
    note: str


def read_source(path: str | os.PathLike[str], options: ReadingOptions) -> Source:
    """Read a file; "-" is standard input.

    Raises
    ------
    FileNotFoundError
    ValueError
        When the bytes are not of the encoding, or the file is neither text nor a table.
    """
    name = os.fspath(path)
    if name == STANDARD_INPUT:
        return _text_source("standard input", sys.stdin.buffer.read(), options)
    file = Path(path)
    require_file(file)
    with file.open("rb") as stream:
        first = stream.read(4)
    if first == _PARQUET:
        return _parquet(name, options)
    if first[:2] == _GZIP:
        raise ValueError(f"{name} is compressed with gzip: unpack it first")
    if first in (_ZIP, _OLD_EXCEL):
        return _excel(name, options)
    return _text_source(name, file.read_bytes(), options)


def _text_source(name: str, content: bytes, options: ReadingOptions) -> Source:
    marked = next((code for mark, code in _BYTE_ORDER_MARKS if content.startswith(mark)), None)
    encoding = options.encoding or marked or "utf-8"
    try:
        text = content.decode(encoding)
    except LookupError:
        raise ValueError(f"--encoding: Python has no encoding {encoding!r}") from None
    except UnicodeError as error:
        raise ValueError(_encoding_fault(name, content, encoding, error, options)) from None
    text = text.removeprefix("\ufeff")
    if "\r" in text and "\n" not in text:  # the ends of lines of old computers
        text = text.replace("\r", "\n")
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise ValueError(
            f"{name} is not a CSV file: there is a zero byte in line {line}. A text of two bytes a "
            "character is read with --encoding utf-16-le or utf-16-be"
        )
    if not text.strip():
        raise ValueError(f"{name} is not a CSV file: it is empty")
    return Source(name, text, None, None, encoding.removesuffix("-sig").upper())


def _encoding_fault(
    name: str, content: bytes, encoding: str, error: UnicodeError, options: ReadingOptions
) -> str:
    at = getattr(error, "start", 0)
    line = content.count(b"\n", 0, at) + 1
    shown = content[at : at + 1].hex() or "none"
    advice = "" if options.encoding else "; name its --encoding, such as cp1252 or latin-1"
    return f"{name} is not text in {encoding}: byte 0x{shown} in line {line}{advice}"


def _parquet(name: str, options: ReadingOptions) -> Source:
    pandas = require("pandas", "pandas")
    _refuse_text_options(name, options)
    frame = pandas.read_parquet(name)
    index = frame.index
    if index.name is not None or hasattr(index, "tz_localize") or index.dtype.kind == "O":
        frame = frame.reset_index()
    zones = {str(kind.tz) for kind in frame.dtypes if getattr(kind, "tz", None) is not None}
    rows = [[str(column) for column in frame.columns]]
    columns = [[_cell(value) for value in frame.iloc[:, i]] for i in range(frame.shape[1])]
    rows += [list(row) for row in zip(*columns, strict=True)]
    return Source(name, "", rows, zones.pop() if len(zones) == 1 else None, "Parquet")


def _excel(name: str, options: ReadingOptions) -> Source:
    pandas = require("pandas", "pandas")
    _refuse_text_options(name, options)
    try:
        frame = pandas.read_excel(name, header=None, dtype=object)
    except (ValueError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        # another zip file, for which pandas has no reader, or a damaged one
        raise ValueError(f"{name} is not an Excel file: {error}") from None
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    return Source(name, "", rows, None, "Excel, its first sheet")


def _refuse_text_options(name: str, options: ReadingOptions) -> None:
    for option in ("encoding", "separator", "decimal", "thousands"):
        if getattr(options, option) is not None:
            raise ValueError(
                f"{name} is not a text file: --{option} says nothing about it, leave it out"
            )


def _cell(value: Any) -> str:
    """Return a cell as text from which the same value is read."""
    if value is None or value != value or str(value) == "NaT":
        return ""
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value).strip()
