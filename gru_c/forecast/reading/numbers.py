"""Numbers in texts: the decimal and the thousands mark are decided over all rows of a column.

``1,395`` alone has two readings. What decides, in this order: the options; other values of the
column (``1,5`` or ``1,395,000``); the other columns of the file; a value below 1000 without a mark
(``985``), which a column of three decimals would not have; and in a file with commas between
fields the point, which is its decimal mark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gru_c.common.arrays import Array
from gru_c.forecast.reading.options import ReadingOptions

MISSING = frozenset(
    [
        *("", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "?", "*"),
        *("NA", "N/A", "n/a", "n.a.", "N.A.", "k.A.", "ND", "nd", "missing", "<NA>", "NaT"),
        *("NaN", "nan", "NAN", "-NaN", "-nan", "NULL", "null", "None", "none"),
        *("#N/A", "#N/A N/A", "#VALUE!", "#REF!", "#DIV/0!", "#NUM!"),
        *("-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN"),
    ]
)
_FLAGS = {"true": "1", "false": "0"}
_MONEY = "$\u20ac\u00a3\u00a5"
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'", "\u2212": "-"})
_NUMBER = re.compile(
    rf"(?P<open>\()?(?P<sign>[+-]?)\s?(?P<money>[{_MONEY}]?)\s?(?P<sign2>-?)"
    r"(?P<digits>\d[\d.,' ]*|[.,]\d+)(?P<exponent>[eE][+-]?\d+)?"
    rf"\s?(?P<unit>%|[KMB]|[{_MONEY}]|)(?P<minus>-?)(?P<close>\))?"
)
_POWERS = {"K": 3, "M": 6, "B": 9}
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:(?:\.\d{3})+|(?:,\d{3})+|(?: \d{3})+|(?:'\d{3})+)")
_INDIAN = re.compile(r"[1-9]\d?(?:,\d\d)+,\d{3}")
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


@dataclass
class Evidence:
    """Values of a column that show the role of a mark; a mark is absent where none does.

    Attributes
    ----------
    decimal, thousands, unclear : dict of str to str
        For each mark a value in which it must be decimal, must be a thousands mark, or may be both.
    short, long : str or None
        A value without marks below 1000 and above 0, and one from 1000 on.
    odd : str or None
        A value that is not a number.
    numbers : int
        How many different values are numbers.
    """

    decimal: dict[str, str] = field(default_factory=dict)
    thousands: dict[str, str] = field(default_factory=dict)
    unclear: dict[str, str] = field(default_factory=dict)
    short: str | None = None
    long: str | None = None
    odd: str | None = None
    numbers: int = 0


def clean(text: str) -> str:
    """Return a text with plain spaces, apostrophes and minus signs."""
    return text if text.isascii() else text.translate(_SPACES)


def looks_like_number(text: str) -> bool:
    """Return True for a number in any form, and for true and false."""
    return _match(text) is not None or text.lower() in _FLAGS


def _match(text: str) -> re.Match[str] | None:
    match = _NUMBER.fullmatch(clean(text))
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    signs = bool(match["sign"]) + bool(match["sign2"]) + bool(match["minus"])
    many = bool(match["money"]) + (match["unit"] in (*_MONEY,) and match["unit"] != "")
    return match if signs + bool(match["open"]) < 2 and many < 2 else None


def gather(texts: Iterable[str], missing: frozenset[str]) -> Evidence:
    """Return what the different values of a column show about its marks."""
    evidence = Evidence()
    for text in texts:
        if text in missing:
            continue
        match = _match(text)
        if match is None:
            if text.lower() in _FLAGS:
                evidence.numbers += 1
            elif evidence.odd is None:
                evidence.odd = text
            continue
        digits = match["digits"].strip()
        if any(digits.count(mark) > 1 for mark in ".,") and not _is_grouped(digits):
            evidence.odd = evidence.odd or text
            continue
        evidence.numbers += 1
        _weigh(evidence, digits, bool(match["exponent"]), text)
    return evidence


def _is_grouped(digits: str) -> bool:
    """Return True if a mark that occurs more than once divides the digits into groups."""
    mark = "." if digits.count(".") > 1 else ","
    whole = digits.rpartition("," if mark == "." else ".")[0] or digits
    return _GROUPED.fullmatch(whole) is not None or _INDIAN.fullmatch(whole) is not None


def _weigh(evidence: Evidence, digits: str, exponent: bool, text: str) -> None:
    """Add what a number shows."""
    for mark in " '":
        if mark in digits:
            evidence.thousands.setdefault(mark, text)
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        last = "." if digits.rindex(".") > digits.rindex(",") else ","
        evidence.decimal.setdefault(last, text)
        evidence.thousands.setdefault("," if last == "." else ".", text)
        return
    mark = "." if points else "," if commas else ""
    if not mark:
        if digits.strip("0"):
            name = "short" if len(digits) < 4 else "long"
            if getattr(evidence, name) is None:
                setattr(evidence, name, text)
    elif points + commas > 1:
        evidence.thousands.setdefault(mark, text)
    elif exponent or not _GROUPED.fullmatch(digits):
        evidence.decimal.setdefault(mark, text)
    else:
        evidence.unclear.setdefault(mark, text)


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
        The character between fields; "." for cells that are numbers by their format.

    Raises
    ------
    ValueError
        When values contradict each other, or have two readings.
    """
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
        return as_decimal
    value = evidence.unclear[mark]
    whole, part = value.replace(mark, ""), value.replace(mark, ".")
    reasons = "; ".join(votes.values()) or (f"it also holds {evidence.short!r}" if is_whole else "")
    raise ValueError(
        f"{label} holds {value!r}, which is {part} with a decimal {_WORDS[mark]} and {whole} with "
        f"a thousands {_WORDS[mark]}, and no value decides{f' ({reasons})' if reasons else ''}: "
        f"name --decimal {mark!r} or --thousands {mark!r}"
    )


def reader_of(marks: Marks) -> Callable[[str], float | None]:
    """Return a function that reads a number; it returns None for a text of another form."""
    decimal = re.escape(marks.decimal or ".")
    groups = "".join(re.escape(mark) for mark in marks.thousands)
    whole = (
        rf"[1-9]\d{{0,2}}(?:(?P<mark>[{groups}])\d{{3}})(?:(?P=mark)\d{{3}})*|" if groups else ""
    )
    indian = r"[1-9]\d?(?:,\d\d)+,\d{3}|" if "," in marks.thousands else ""
    form = re.compile(rf"(?:{whole}{indian}\d+)(?:{decimal}\d*)?|{decimal}\d+")
    drop = str.maketrans("", "", marks.thousands)

    def read(text: str) -> float | None:
        match = _match(text)
        if match is None:
            flag = _FLAGS.get(text.lower())
            return None if flag is None else float(flag)
        digits = match["digits"].strip()
        if not form.fullmatch(digits):
            return None
        plain = digits.translate(drop).replace(marks.decimal or ".", ".")
        exponent = int((match["exponent"] or "e0")[1:]) + _POWERS.get(match["unit"], 0)
        is_negative = "-" in (match["sign"] + match["sign2"] + match["minus"]) or match["open"]
        return float(f"{'-' if is_negative else ''}{plain}e{exponent}")

    return read


def units_of(texts: Iterable[str], missing: frozenset[str]) -> set[str]:
    """Return the units that stand beside the numbers of a column; "" for numbers without one."""
    units = set()
    for text in texts:
        match = None if text in missing else _match(text)
        if match is not None and match["digits"].strip("0.,"):
            units.add(match["money"] or match["unit"])
    return units


def read_numbers(
    texts: Sequence[str], marks: Marks, missing: frozenset[str]
) -> tuple[Array, Array]:
    """Return the numbers of a column, NaN where missing, and a mark for each text of other form."""
    read = reader_of(marks)
    known: dict[str, float | None] = {}
    for text in set(texts):
        known[text] = np.nan if text in missing else read(text)
    bad = {text for text, number in known.items() if number is None}
    values = np.array([np.nan if known[text] is None else known[text] for text in texts])
    faulty = np.array([text in bad for text in texts]) if bad else np.zeros(len(texts), bool)
    return values.astype(np.float64), faulty
