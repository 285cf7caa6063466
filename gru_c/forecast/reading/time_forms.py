"""The formats that the texts of a column may have, by their shape."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gru_c.forecast.reading.time_formats import MONTHS, WEEKDAYS

_N = r"\d{1,4}"


def _any_of(names: Iterable[str]) -> str:
    """Return a pattern for any of the names, the longest one first, with a point or not."""
    return rf"(?i:{'|'.join(sorted(names, key=len, reverse=True))})\.?"


_NAME, _DAY_OF_WEEK = _any_of(MONTHS), _any_of(WEEKDAYS)
_SEP = r"(?:[-/.,:_ ]|, |(?<=\d)\. |(?<=\D)|(?=\D))"  # nothing only beside a letter
_ZONE = r"(?P<zone>\s*(?:Z|(?:UTC|GMT)(?:[+-]\d\d:?\d\d|[+-]\d\d)?|[+-]\d\d:?\d\d|[+-]\d\d))?"
_HALF = r"\s*[AaPp]\.?[Mm]\.?"
_CLOCK = (
    rf"(?P<gap>T|,? +|:(?=\d))(?P<clock>\d{{1,2}}:\d\d(?::\d\d(?:[.,]\d{{1,9}})?)?(?:{_HALF})?|"
    rf"\d{{1,2}}{_HALF}|\d{{1,2}}[hH](?:\d\d)?|\d{{1,2}}|\d{{4}}(?:\d\d)?|"
    r"\d{1,2}\.\d\d(?:\.\d\d)?)"
)
_TAIL = rf"(?:{_CLOCK}{_ZONE})?"
_DAY_NAME = rf"(?:(?P<weekday>{_DAY_OF_WEEK})(?P<gap0>,? +))?"
_THREE = re.compile(
    rf"{_DAY_NAME}(?P<a>{_N}|{_NAME})(?P<s1>{_SEP})(?P<b>{_N}|{_NAME})"
    rf"(?P<s2>{_SEP})(?P<c>{_N}|{_NAME}){_TAIL}"
)
_TWO = re.compile(rf"(?P<a>{_N}|{_NAME})(?P<s1>{_SEP})(?P<b>{_N}|{_NAME}){_TAIL}")
_ONE = re.compile(rf"(?P<a>\d+)(?:\.(?P<fraction>\d+))?{_TAIL}")
_JOINT = r"[-/.: ]?"
_LETTER = re.compile(
    rf"(?P<year>\d{{4}}|\d\d)(?P<s1>{_JOINT})(?P<letter>[QqMmW])(?P<number>\d\d?)(?:-(?P<day>\d))?|"
    rf"(?P<letter2>[QqMmW]|KW)(?P<s3> ?)(?P<number2>\d\d?)(?P<s2>{_JOINT})(?P<year2>\d{{4}}|\d\d)|"
    rf"(?P<number3>\d)(?P<letter3>[Qq])(?P<s4>{_JOINT})(?P<year3>\d{{4}}|\d\d)"
)


@dataclass(frozen=True)
class Form:
    """A format that a column may have.

    Attributes
    ----------
    format : str
        As `time_formats.parse` takes it; "" for a reading that lacks a year.
    is_weak : bool
        Plain numbers may look the same. They are read as times only if their steps are equal.
    lacks : str
        The format of a reading without a year, for messages.
    short : str or None
        A second format without the time of day, for rows at midnight.
    """

    format: str
    is_weak: bool = False
    lacks: str = ""
    short: str | None = None


def forms_of(shapes: Iterable[str], sample: Sequence[str]) -> list[Form]:
    """Return the formats that fit all shapes; empty if no format fits them all.

    Parameters
    ----------
    shapes : iterable of str
        Texts of the column with 0 for each digit.
    sample : sequence of str
        The texts themselves, all different ones.
    """
    forms = None
    kinds = {_kind_of(shape) for shape in shapes}
    if None in kinds or not kinds:
        return []
    dates = {kind.date for kind in kinds if kind is not None}
    clocks = {kind.clock for kind in kinds if kind is not None}
    date = _merge(dates)
    if date is None:
        return []
    clock, short = _merge_clocks(clocks)
    if clock is None:
        return []
    forms = _date_forms(date, sample)
    if clock and not _takes_clock(date):
        return []
    return [
        Form(
            form.format + clock if form.format else "",
            form.is_weak and not clock,
            form.lacks + clock if form.lacks else "",
            form.format if short else None,
        )
        for form in forms
    ]


@dataclass(frozen=True)
class _Kind:
    date: tuple[str, ...]
    clock: str


def _width(text: str) -> str:
    """Return the class of a field: "b" for a name, "n" for one or two digits, or the width."""
    return str(len(text)) if text[0].isdigit() else "b"


def _kind_of(shape: str) -> _Kind | None:
    """Return the kinds of the date and of the time of day of a shape."""
    for pattern, name in ((_LETTER, "letter"), (_THREE, "three"), (_TWO, "two"), (_ONE, "one")):
        match = pattern.fullmatch(shape)
        if match is None:
            continue
        date = _letter_date(match) if name == "letter" else _date_of(match, name)
        if date is not None:
            return _Kind(date, "" if name == "letter" else _clock_of(match))
    return None


def _letter_date(match: re.Match[str]) -> tuple[str, ...] | None:
    letter = match["letter"] or match["letter2"] or match["letter3"]
    if letter == "w":
        return None
    if match["letter"]:
        number = {"Q": "%q", "M": "%m", "W": "%V", "K": "%V"}[letter[0].upper()]
        year = _year(match["year"], number)
        day = "-%u" if match["day"] else ""
        if year is None or (day and number != "%V"):
            return None
        return ("letter", f"{year}{match['s1']}{letter}{number}{day}")
    if match["letter2"]:
        number = {"Q": "%q", "M": "%m", "W": "%V", "K": "%V"}[letter[0].upper()]
        year = _year(match["year2"], number)
        form = f"{letter}{match['s3']}{number}{match['s2']}{year}"
        return None if year is None else ("letter", form)
    year = _year(match["year3"], "%q")
    return ("letter", f"%q{letter}{match['s4']}{year}")


def _year(text: str, number: str) -> str | None:
    if number == "%V":
        return "%G" if len(text) == 4 else None
    return "%Y" if len(text) == 4 else "%y"


def _date_of(match: re.Match[str], name: str) -> tuple[str, ...] | None:
    if name == "one":
        return ("one", str(len(match["a"])))
    names = ["a", "b", "c"] if name == "three" else ["a", "b"]
    widths = [_width(match[field]) for field in names]
    if widths.count("b") > 1:
        return None
    gaps = [match["s1"]] if name == "two" else [match["s1"], match["s2"]]
    for place, gap in enumerate(gaps):
        digits = "b" not in (widths[place], widths[place + 1])
        is_odd = (gap in (",", ", ", ". ") and "b" not in widths) or (
            gap == ":" and widths[0] != "4"
        )
        if digits and is_odd:
            return None
    if name == "three" and "b" not in widths and gaps[0] != gaps[1]:
        return None
    weekday = ""
    if name == "three" and match["weekday"]:
        weekday = "%a" + match["gap0"]
    is_glued = match["gap"] == ":" and "b" not in widths
    return None if is_glued else (name, weekday, *gaps, *widths)


def _clock_of(match: re.Match[str]) -> str:
    """Return the format of the time of day, with what divides it from the date; "" for none."""
    clock = match["clock"]
    if clock is None:
        return ""
    half = re.search(r"\s*[AaPp]\.?[Mm]\.?$", clock)
    digits = clock[: half.start()] if half else clock
    hour = "%I" if half else "%H"
    if digits.isdigit():
        form = {4: f"{hour}%M", 6: f"{hour}%M%S"}.get(len(digits), hour)
    elif "h" in digits.lower():
        letter = "h" if "h" in digits else "H"
        form = f"{hour}{letter}" + ("" if digits.endswith(letter) else "%M")
    else:
        mark = ":" if ":" in digits else "."
        form = mark.join([hour, "%M", "%S"][: digits.count(mark) + 1])
        if mark == "." and re.fullmatch(r"\d+:\d+:\d+\.\d+", digits):
            form = f"{hour}:%M:%S"
    gap = half[0] if half else ""
    suffix = (" %p" if gap[:1].isspace() else "%p") if half else ""
    zone = match["zone"]
    ending = "" if zone is None else (" %z" if zone[0].isspace() else "%z")
    return match["gap"] + form + suffix + ending


def _merge(dates: set[tuple[str, ...]]) -> tuple[str, ...] | None:
    """Return the kind of the date of all rows; None if they differ by more than leading zeros."""
    if len({(kind[0], len(kind)) for kind in dates}) > 1:
        return None
    kinds = list(zip(*dates, strict=True))
    name = kinds[0][0]
    if name == "letter":
        return next(iter(dates)) if len(dates) == 1 else None
    if name == "one":
        return ("one", "-".join(sorted(set(kinds[1]), key=int)))
    begin = 4 if name == "three" else 3
    fixed = [set(values) for values in kinds[:begin]]
    if any(len(values) > 1 for values in fixed):
        return None
    merged = []
    for values in kinds[begin:]:
        widths = set(values)
        if widths == {"1", "2"}:
            merged.append("n")
        elif len(widths) == 1:
            merged.append(widths.pop())
        elif widths <= {"1", "2", "3"}:
            merged.append("m")  # a day of the year without leading zeros
        else:
            return None
    return (*(values.pop() for values in fixed), *merged)


def _merge_clocks(clocks: set[str]) -> tuple[str | None, bool]:
    """Return the format of the time of day, and True if rows at midnight are without it."""
    rest = clocks - {""}
    if len(rest) > 1:
        return None, False
    clock = rest.pop() if rest else ""
    if "" in clocks and clock:
        return (clock, True) if clock.endswith(("%M", "%S")) else (None, False)
    return clock, False


def _takes_clock(date: tuple[str, ...]) -> bool:
    return (
        date[0] == "three"
        or (date[0] == "one" and date[1] in ("6", "8", "7"))
        or (date[0] == "two" and "3" in date)
    )


# ---- the order of the fields of a date -----------------------------------------------------------


def _date_forms(date: tuple[str, ...], sample: Sequence[str]) -> list[Form]:
    if date[0] == "letter":
        return [Form(date[1])]
    if date[0] == "one":
        return _one_number(date[1], sample)
    if date[0] == "two":
        _, _, gap, a, b = date
        return _two_fields(gap, a, b)
    _, weekday, first, second, a, b, c = date
    orders = _three_fields(a, b, c)
    return [Form(f"{weekday}{x}{first}{y}{second}{z}") for x, y, z in orders]


def _is_day(width: str) -> bool:
    return width in ("1", "2", "n")


def _three_fields(a: str, b: str, c: str) -> list[tuple[str, str, str]]:
    """Return the orders that fields of these widths may have."""
    widths = (a, b, c)
    orders = []
    for order in (
        "Ymd",
        "dmY",
        "mdY",
        "ymd",
        "dmy",
        "mdy",
        "dbY",
        "bdY",
        "Ybd",
        "dby",
        "bdy",
        "ybd",
    ):
        if all(_fits(letter, width) for letter, width in zip(order, widths, strict=True)):
            x, y, z = (f"%{letter}" for letter in order)
            orders.append((x, y, z))
    return orders


def _fits(letter: str, width: str) -> bool:
    if letter == "Y":
        return width == "4"
    if letter == "y":
        return width == "2"
    return width == "b" if letter == "b" else _is_day(width)


def _two_fields(gap: str, a: str, b: str) -> list[Form]:
    """Return the formats of two fields: a year and a month, a quarter or a day of the year."""
    if "4" in (a, b):
        return _with_year(gap, a, b)
    if "b" in (a, b):
        year, day = ("%b{}%y", "%b{}%d") if a == "b" else ("%y{}%b", "%d{}%b")
        forms = [Form(year.format(gap))] if "2" in (a, b) else []
        return [*forms, Form("", lacks=day.format(gap))]
    if not (_is_day(a) and _is_day(b)):
        return []
    if gap == "." and (a, b) != ("2", "2"):
        return []
    forms = [Form(f"%m{gap}%y", True)] if b in ("2", "n") else []
    forms += [Form(f"%y{gap}%m", True)] if a in ("2", "n") else []
    return [*forms, Form("", True, f"%m{gap}%d"), Form("", True, f"%d{gap}%m")]


def _with_year(gap: str, a: str, b: str) -> list[Form]:
    other = b if a == "4" else a
    if other == "b":
        return [Form(f"%Y{gap}%b" if a == "4" else f"%b{gap}%Y")]
    if other in ("3", "m") and a == "4" and gap in ("-", "/", " "):
        return [Form(f"%Y{gap}%j")]
    if not _is_day(other) or (gap == "." and other != "2"):
        return []
    forms = [Form(f"%Y{gap}%m" if a == "4" else f"%m{gap}%Y")]
    if other == "1":
        forms.append(Form(f"%Y{gap}%q" if a == "4" else f"%q{gap}%Y"))
    return forms


_DIGITS = {
    "4": ["%Y", "%y%m", "%m%y"],
    "6": ["%Y%m", "%m%Y", "%y%m%d", "%d%m%y", "%m%d%y"],
    "7": ["%Y%j"],
    "8": ["%Y%m%d", "%d%m%Y", "%m%d%Y"],
    "9": ["%s"],
    "9-10": ["%s"],
    "10": ["%Y%m%d%H", "%d%m%Y%H", "%m%d%Y%H", "%y%m%d%H%M", "%d%m%y%H%M", "%m%d%y%H%M", "%s"],
    "12": [
        *("%Y%m%d%H%M", "%d%m%Y%H%M", "%m%d%Y%H%M"),
        *("%y%m%d%H%M%S", "%d%m%y%H%M%S", "%m%d%y%H%M%S", "%ms"),
    ],
    "12-13": ["%ms"],
    "13": ["%ms"],
    "14": ["%Y%m%d%H%M%S", "%d%m%Y%H%M%S", "%m%d%Y%H%M%S"],
    "15": ["%us"],
    "16": ["%us"],
    "18": ["%ns"],
    "19": ["%ns"],
}
_WEAK = ("4", "6", "7", "8", "12", "14")  # as many digits may be a number that counts something


def _one_number(lengths: str, texts: Sequence[str]) -> list[Form]:
    """Return the formats of texts that are digits only, or seconds with a fraction."""
    if any(re.fullmatch(r"\d+\.\d+", text) for text in texts):
        return [Form("%s")] if lengths in ("9", "10", "9-10") else []
    forms = _DIGITS.get(lengths, [])
    if any(text.startswith("0") for text in texts):  # no count of seconds begins so
        forms = [form for form in forms if not form.endswith("s")]
    return [Form(form, lengths in _WEAK) for form in forms]
