"""Numbers in texts: the decimal and the thousands mark are decided over all rows of a column.

``1,395`` alone has two readings. What decides, in this order: the options; other values of the
column (``1,5`` or ``1,395,000``); the other columns of the file; a value below 1000 without a mark
(``985``), which a column of three decimals would not have; and in a file with commas between
fields the point, which is its decimal mark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gru_c.common.arrays import Array
from gru_c.forecast.reading.columns import CELLS
from gru_c.forecast.reading.number_shapes import FLAGS, Evidence, clean, match_number
from gru_c.forecast.reading.options import ReadingOptions
from gru_c.forecast.reading.shapes import Shaped

_POWERS = {"K": 3, "M": 6, "B": 9}
_WORDS = {".": "point", ",": "comma", " ": "space", "'": "apostrophe"}


@dataclass(frozen=True)
class Marks:
    """The decimal mark and the thousands marks of a column."""

    decimal: str
    thousands: str
    why: str = ""

    def __str__(self) -> str:
        words = [f"decimal {_WORDS[self.decimal]}"] if self.decimal else []
        words += [f"thousands {_WORDS[mark]}" for mark in self.thousands]
        return ", ".join(words) or "whole numbers"


def decide(
    label: str,
    evidence: Evidence,
    others: Sequence[tuple[str, Evidence]],
    separator: str | None,
    options: ReadingOptions,
) -> Marks:
    """Return the marks of a column.

    Parameters
    ----------
    label : str
        The name of the column for messages.
    others : sequence of (str, Evidence)
        The other columns of numbers of the file, with their names.
    separator : str or None
        The character between fields, or `CELLS`.

    Raises
    ------
    ValueError
        When values contradict each other, or have two readings.
    """
    if separator == CELLS:
        return Marks(".", "")
    if options.decimal is not None or options.thousands is not None:
        return _as_asked(options)
    _refuse_contradiction(label, evidence)
    decimal = next(iter(evidence.decimal), "")
    thousands = "".join(sorted(evidence.thousands))
    unclear = [mark for mark in evidence.unclear if mark not in decimal + thousands]
    if not unclear:
        return Marks(decimal, thousands)
    if len(unclear) > 1:
        first, second = (evidence.unclear[mark] for mark in unclear)
        raise ValueError(f"{label} holds {first!r} and {second!r}: name --decimal or --thousands")
    mark = unclear[0]
    if decimal:
        return Marks(decimal, thousands + mark, f"because of {evidence.decimal[decimal]!r}")
    other = "," if mark == "." else "."
    if other in thousands:
        return Marks(mark, thousands, f"because of {evidence.thousands[other]!r}")
    return _decide_unclear(label, mark, thousands, evidence, others, separator)


def _as_asked(options: ReadingOptions) -> Marks:
    decimal, thousands = options.decimal, options.thousands
    if decimal is None:
        decimal = "," if thousands == "." else "."
    if thousands is None:
        thousands = " '" + ("," if decimal == "." else ".")
    return Marks(decimal, thousands, "as asked for")


def _refuse_contradiction(label: str, evidence: Evidence) -> None:
    if len(evidence.decimal) > 1:
        first, second = evidence.decimal.values()
        raise ValueError(
            f"{label} holds {first!r} and {second!r}, with different decimal marks: name the right "
            "one with --decimal"
        )
    for mark in evidence.decimal.keys() & evidence.thousands.keys():
        raise ValueError(
            f"{label} holds {evidence.decimal[mark]!r} and {evidence.thousands[mark]!r}: in the "
            f"first the {_WORDS[mark]} is a decimal mark, in the second a thousands mark"
        )


def _decide_unclear(
    label: str,
    mark: str,
    thousands: str,
    evidence: Evidence,
    others: Sequence[tuple[str, Evidence]],
    separator: str | None,
) -> Marks:
    """Return the role of a mark that has three digits after it in all values of a column."""
    other = "," if mark == "." else "."
    as_decimal, as_thousands = Marks(mark, thousands), Marks("", thousands + mark)
    votes: dict[Marks, str] = {}
    for name, column in others:
        for marks, values in (
            (as_decimal, [column.decimal.get(mark), column.thousands.get(other)]),
            (as_thousands, [column.thousands.get(mark), column.decimal.get(other)]),
        ):
            value = next((value for value in values if value is not None), None)
            if value is not None:
                votes.setdefault(marks, f"because of {value!r} in column {name!r}")
    by_convention = separator == "," and mark == "."
    is_whole = evidence.short is not None and evidence.long is None
    if len(votes) == 1:
        ((marks, why),) = votes.items()
        if marks == as_decimal or not by_convention:
            return Marks(marks.decimal, marks.thousands, why)
    elif not votes and is_whole and not by_convention:
        return Marks("", thousands + mark, f"because of {evidence.short!r}, which has none")
    elif not votes and by_convention and not is_whole:
        value = evidence.unclear[mark]
        why = (
            "as usual where commas divide the columns, but no value decides: CHECK that "
            f"{value!r} is not {value.replace(mark, '')} (--thousands {mark} if it is)"
        )
        return Marks(mark, thousands, why)
    value = evidence.unclear[mark]
    whole, part = value.replace(mark, ""), value.replace(mark, ".")
    reasons = "; ".join(votes.values()) or (f"it also holds {evidence.short!r}" if is_whole else "")
    raise ValueError(
        f"{label} holds {value!r}, which is {part} with a decimal {_WORDS[mark]} and {whole} with "
        f"a thousands {_WORDS[mark]}, and no value decides{f' ({reasons})' if reasons else ''}: "
        f"name --decimal {mark!r} or --thousands {mark!r}"
    )


def read_numbers(column: Shaped, marks: Marks) -> tuple[Array, Array]:
    """Return the numbers of texts, and the places of texts of another form.

    These are NaN.
    """
    values = np.full(len(column.texts), np.nan)
    bad: list[int] = []
    for shape, places in column.places.items():
        read = reader_of(shape, marks)
        texts = column.of_shape(shape)
        numbers = None if read is None else list(map(read, texts))
        if numbers is None:
            bad += places
        else:
            values[places] = np.array(numbers, np.float64)
            bad += [place for place, number in zip(places, numbers, strict=True) if number is None]
    return values, np.array(sorted(bad), np.int64)


def read_number(text: str, marks: Marks) -> float | None:
    """Return the number that a text is; None for a text of another form."""
    values, bad = read_numbers(Shaped.of([text]), marks)
    return None if len(bad) else float(values[0])


def reader_of(shape: str, marks: Marks) -> Callable[[str], float | None] | None:
    """Return a function that reads the numbers of a shape; None if they are of another form."""
    match = match_number(shape)
    if match is None:
        flag = FLAGS.get(shape.lower())
        return None if flag is None else lambda text: float(flag or "nan")
    if re.fullmatch(r"-?\d+(\.\d+)?" if marks.decimal == "." else r"-?\d+", shape):
        return lambda text: float(text)
    digits = match["digits"].strip()
    form = _form_of(digits, marks)
    if form is None:
        return None
    begin, end = match.start("digits"), match.start("digits") + len(digits)
    has_exponent = match["exponent"] is not None
    power = _POWERS.get(match["unit"], 0)
    is_negative = "-" in match["sign"] + match["sign2"] + match["minus"] or match["open"]
    sign = "-" if is_negative else ""
    drop = str.maketrans("", "", marks.thousands)
    mark = marks.decimal or "."

    def read(text: str) -> float | None:
        text = clean(text)
        if form == "grouped" and text[begin] == "0":
            return None
        exponent = power
        if has_exponent:
            exponent += int(text[match.start("exponent") + 1 : match.end("exponent")])
        return float(f"{sign}{text[begin:end].translate(drop).replace(mark, '.')}e{exponent}")

    return read


def _form_of(digits: str, marks: Marks) -> str | None:
    """Return "grouped" or "plain" for digits that have the marks at the right places, or None."""
    decimal = re.escape(marks.decimal or ".")
    if re.fullmatch(rf"\d+(?:{decimal}\d*)?|{decimal}\d+", digits):
        return "plain"
    groups = "".join(re.escape(mark) for mark in marks.thousands)
    if not groups:
        return None
    indian = r"\d{1,2}(?:,\d\d)+,\d{3}" if "," in marks.thousands else r"(?!)"
    whole = rf"\d{{1,3}}(?P<mark>[{groups}])\d{{3}}(?:(?P=mark)\d{{3}})*|{indian}"
    return "grouped" if re.fullmatch(rf"(?:{whole})(?:{decimal}\d*)?", digits) else None


def units_of(column: Shaped) -> set[str]:
    """Return the units that stand beside the numbers of a column; "" for numbers without one.

    A zero needs no unit.
    """
    units = set()
    for shape in column.places:
        match = match_number(shape)
        if match is not None and any(text.strip("0.,+-") for text in column.of_shape(shape)):
            units.add(match["money"] or match["unit"])
    return units
