"""Numbers by their shape, and what values show about the decimal and the thousands mark."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gru_c.forecast.reading.shapes import Shaped

MISSING = frozenset(
    [
        *("", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "?", "*"),
        *("NA", "N/A", "n/a", "n.a.", "N.A.", "k.A.", "ND", "nd", "missing", "<NA>", "NaT"),
        *("NaN", "nan", "NAN", "-NaN", "-nan", "NULL", "null", "None", "none"),
        *("#N/A", "#N/A N/A", "#VALUE!", "#REF!", "#DIV/0!", "#NUM!"),
        *("-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN"),
    ]
)
FLAGS = {"true": "1", "false": "0"}
_MONEY = "$\u20ac\u00a3\u00a5"
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'", "\u2212": "-"})
_NUMBER = re.compile(
    rf"(?P<open>\()?(?P<sign>[+-]?)\s?(?P<money>[{_MONEY}]?)\s?(?P<sign2>-?)"
    r"(?P<digits>\d[\d.,' ]*|[.,]\d+)(?P<exponent>[eE][+-]?\d+)?"
    rf"\s?(?P<unit>%|[KMB]|[{_MONEY}]|)(?P<minus>-?)(?P<close>\))?"
)
_GROUPED = re.compile(r"\d{1,3}(?:(?:\.\d{3})+|(?:,\d{3})+|(?: \d{3})+|(?:'\d{3})+)")
_INDIAN = re.compile(r"\d{1,2}(?:,\d\d)+,\d{3}")


def clean(text: str) -> str:
    """Return a text with plain spaces, apostrophes and minus signs."""
    return text if text.isascii() else text.translate(_SPACES)


def looks_like_number(text: str) -> bool:
    """Return True for a number in any form, and for true and false."""
    return match_number(text) is not None or text.lower() in FLAGS


def match_number(text: str) -> re.Match[str] | None:
    """Return the parts of a number, or of the shape of one; None for another text."""
    match = _NUMBER.fullmatch(clean(text))
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    digits = match["digits"].strip()
    if any(digits.count(mark) > 1 for mark in ".,") and not _divides(digits):
        return None
    signs = bool(match["sign"]) + bool(match["sign2"]) + bool(match["minus"])
    many = bool(match["money"]) + (match["unit"] in (*_MONEY,) and match["unit"] != "")
    return match if signs + bool(match["open"]) < 2 and many < 2 else None


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


def gather(column: Shaped) -> Evidence:
    """Return what the values of a column show about its marks."""
    evidence = Evidence()
    for shape, places in column.places.items():
        match = match_number(shape)
        if match is not None:
            _weigh(evidence, match, column.of_shape(shape))
        elif shape.lower() not in FLAGS:
            evidence.odd = evidence.odd or column.texts[places[0]]
            continue
        evidence.numbers += len(places)
    return evidence


def _divides(digits: str) -> bool:
    """Return True if a mark that occurs more than once divides a shape into groups of digits."""
    mark = "." if digits.count(".") > 1 else ","
    whole = digits.rpartition("," if mark == "." else ".")[0] or digits
    return _GROUPED.fullmatch(whole) is not None or _INDIAN.fullmatch(whole) is not None


def _weigh(evidence: Evidence, match: re.Match[str], texts: list[str]) -> None:
    """Add what the numbers of a shape show."""
    digits, example = match["digits"].strip(), texts[0]
    for mark in " '":
        if mark in digits:
            evidence.thousands.setdefault(mark, example)
    points, commas = digits.count("."), digits.count(",")
    mark = "." if points else "," if commas else ""
    if points and commas:
        last = "." if digits.rindex(".") > digits.rindex(",") else ","
        evidence.decimal.setdefault(last, example)
        evidence.thousands.setdefault("," if last == "." else ".", example)
    elif not mark:
        name = "short" if len(digits) < 4 else "long"
        if getattr(evidence, name) is None:
            setattr(evidence, name, next((text for text in texts if text.strip("+-0")), None))
    elif points + commas > 1:
        evidence.thousands.setdefault(mark, example)
    elif match["exponent"] or not _GROUPED.fullmatch(digits):
        evidence.decimal.setdefault(mark, example)
    else:
        _weigh_unclear(evidence, mark, match.start("digits"), texts)


def _weigh_unclear(evidence: Evidence, mark: str, begin: int, texts: list[str]) -> None:
    """Add what numbers with three digits after a mark show: 0.395 has no thousands."""
    for text in texts:
        if text[begin] == "0":
            evidence.decimal.setdefault(mark, text)
            break
    else:
        evidence.unclear.setdefault(mark, texts[0])
