"""Times in texts, by one explicit format for a whole column.

A format has the directives of strptime: ``%Y %y %m %d %b %B %a %A %j %H %I %M %S %f %p %z``, and
ISO weeks as ``%G`` and ``%V``, with or without the day ``%u``. Besides it has ``%q``, a quarter,
and ``%s``, ``%ms``, ``%us`` and ``%ns``, the seconds (milli-, micro-, nanoseconds) since 1970.
``%S`` also takes a fraction. The hour 24:00 is the end of the day. Names of months are English,
German, French, Spanish, Italian, Portuguese or Dutch, in any case, shortened or not. Two digits of
a year are those from 1969 to 2068, as in strptime; ``19%y`` or ``20%y`` names the century.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array
from gru_c.forecast.reading.shapes import Shaped

PIVOT = 69  # two digits of a year from here on are of the 20th century
_MONTHS = (
    "jan january januar jänner janvier janv enero ene gennaio gen janeiro januari",
    "feb february februar feber février févr fév fevrier fevr febrero febbraio fevereiro fev "
    "februari",
    "mar march mär märz mrz maerz mars marzo março marco maart mrt",
    "apr april avril avr abril abr aprile",
    "may mai mayo maggio mag maio mei",
    "jun june juni juin junio giugno giu junho",
    "jul july juli juillet juil julio luglio lug julho",
    "aug august août aout agosto ago augustus",
    "sep sept september septembre septiembre settembre set setembro",
    "oct october okt oktober octobre octubre ottobre ott outubro out",
    "nov november novembre noviembre novembro",
    "dec december dez dezember décembre déc decembre dic diciembre dicembre dezembro",
)
MONTHS = {name: i for i, names in enumerate(_MONTHS, start=1) for name in names.split()}
_WEEKDAYS = (
    "mon monday mo montag lundi lun lunes lunedì segunda",
    "tue tuesday tues di dienstag mardi mar martes martedì terça",
    "wed wednesday mi mittwoch mercredi mer miércoles mercoledì quarta",
    "thu thursday thur thurs do donnerstag jeudi jeu jueves giovedì quinta",
    "fri friday fr freitag vendredi ven viernes venerdì sexta",
    "sat saturday sa samstag samedi sam sábado sabato",
    "sun sunday so sonntag dimanche dim domingo domenica",
)
WEEKDAYS = {name: i for i, names in enumerate(_WEEKDAYS) for name in names.split()}
_NAME = r"[^\W\d_]{2,}\.?"
_DIRECTIVES = {
    "Y": r"\d{4}",
    "y": r"\d{1,2}",
    "G": r"\d{4}",
    "m": r"\d{1,2}",
    "d": r"\d{1,2}",
    "b": _NAME,
    "B": _NAME,
    "a": _NAME,
    "A": _NAME,
    "j": r"\d{1,3}",
    "V": r"\d{1,2}",
    "u": r"\d",
    "q": r"\d",
    "H": r"\d{1,2}",
    "I": r"\d{1,2}",
    "M": r"\d{1,2}",
    "S": r"\d{1,2}(?:[.,](?P<fraction>\d{1,9}))?",
    "f": r"\d{1,9}",
    "p": r"[AaPp]\.?[Mm]\.?",
    "z": r"(?:(?:UTC|GMT)?(?P<offset>[+-]\d\d:?\d\d|[+-]\d\d)|Z|UTC|GMT)",
    "s": r"\d{1,11}(?:\.(?P<fraction>\d{1,7}))?",
    "ms": r"\d{1,14}",
    "us": r"\d{1,17}",
    "ns": r"\d{1,19}",
}
_FIXED = "ymdjVHIMS"  # of all their digits, beside other digits
_TOKEN = re.compile(r"%(ms|us|ns|[A-Za-z%])|(\s+)|(.)", re.DOTALL)
_EPOCHS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclass(frozen=True)
class Times:
    """Times of a column.

    Attributes
    ----------
    wall : ndarray of datetime64[us] or [ns]
        As written, without the offset; NaT where a text does not have the format.
    offsets : ndarray of float64, or None
        Minutes by which the clock is ahead of UTC; None for times without an offset.
    """

    wall: Array
    offsets: Array | None

    @property
    def bad(self) -> Array:
        """Marks of the texts that do not have the format."""
        marks: Array = np.isnat(self.wall)
        return marks


def check_format(form: str) -> None:
    """Raise ValueError for a format that does not say which day or instant a text is."""
    names = {match[1] for match in _TOKEN.finditer(form) if match[1] and match[1] != "%"}
    for name in names:
        if name not in _DIRECTIVES:
            known = " ".join(f"%{known}" for known in _DIRECTIVES)
            raise ValueError(f"the time format {form!r} has %{name}; there are {known}")
    is_placed = names & {"Y", "y", "s", "ms", "us", "ns"} or {"G", "V"} <= names
    if not is_placed:
        raise ValueError(
            f"the time format {form!r} has no year: it needs %Y, %y, %G with %V, or %s"
        )


def _compile(form: str) -> tuple[re.Pattern[str], int]:
    """Return the pattern of a format, and the century that it names; 0 for none."""
    century = next((int(c) * 100 for c in ("19", "20") if f"{c}%y" in form), 0)
    form = form.replace(f"{century // 100}%y", "%y") if century else form
    tokens = list(_TOKEN.finditer(form))
    pattern, seen = [], set()
    for place, token in enumerate(tokens):
        name = token[1]
        if name is None:
            literal = rf"(?P<digit{token[3]}_{place}>0)" if (token[3] or "").isdecimal() else None
            pattern.append(r"\s+" if token[2] else literal or re.escape(token[3]))
            continue
        if name == "%":
            pattern.append("%")
            continue
        if name in seen:
            raise ValueError(f"the time format {form!r} has %{name} twice")
        seen.add(name)
        beside = [tokens[i][1] for i in (place - 1, place + 1) if 0 <= i < len(tokens)]
        digits = any(n is not None and n not in "bBaApz%" for n in beside)
        body = _DIRECTIVES[name]
        if digits and name in _FIXED:
            body = body.replace("{1,2}", "{2}").replace("{1,3}", "{3}")
        pattern.append(f"(?P<{name}>{body})")
    return re.compile("".join(pattern)), century


def parse(
    form: str,
    column: Shaped,
    pivot: int = PIVOT,
) -> Times:
    """Read texts by a format.

    Parameters
    ----------
    pivot : int
        Two digits of a year from here on belong to the 1900s, those below to the 2000s.
    """
    compiled, century = _compile(form)
    wall = np.full(
        len(column.texts), "NaT", "datetime64[ns]" if "%ns" in form else "datetime64[us]"
    )
    offsets = np.full(len(column.texts), np.nan) if "%z" in form else None
    for shape, places in column.places.items():
        match = compiled.fullmatch(shape)
        if match is None:
            continue
        fields = _Fields(match, column.of_shape(shape), century, pivot)
        wall[places] = fields.wall()
        if offsets is not None:
            offsets[places] = fields.offsets()
    return Times(wall, offsets)


class _Fields:
    """The fields of texts of one shape, as arrays of integers."""

    def __init__(
        self, match: re.Match[str], texts: Sequence[str], century: int, pivot: int
    ) -> None:
        self.match, self.count = match, len(texts)
        self.century, self.pivot = century, pivot
        length = len(match.string)
        self.digits: npt.NDArray[np.int64] = (
            np.array(texts, f"U{length}").view(np.uint32).reshape(-1, length).astype(np.int64) - 48
        )

    def has(self, name: str) -> bool:
        return name in self.match.re.groupindex and self.match[name] is not None

    def number(self, name: str, default: int = 0) -> npt.NDArray[np.int64]:
        """Return a field as numbers, or the default where the format does not have it."""
        if not self.has(name):
            return np.full(self.count, default, np.int64)
        begin, end = self.match.span(name)
        sign = 1
        if self.match.string[begin] in "+-":
            sign = -1 if self.match.string[begin] == "-" else 1
            begin += 1
        places = [i for i in range(begin, end) if self.match.string[i] == "0"]
        powers = 10 ** np.arange(len(places) - 1, -1, -1, dtype=np.int64)
        value: npt.NDArray[np.int64] = sign * (self.digits[:, places] @ powers)
        return value

    def word(self, name: str, known: dict[str, int]) -> int | None:
        return known.get(self.match[name].rstrip(".").lower())

    def wall(self) -> Array:
        """Return the times; NaT where a field is out of its range."""
        for name, factor in _EPOCHS.items():
            if self.has(name):
                return self._epoch(name, factor)
        days, good = self._days()
        seconds, fits = self._seconds()
        good = good & fits
        for name in self.match.re.groupindex:
            if name.startswith("digit"):
                good = good & (self.number(name) == int(name[5]))
        for name in "aA":
            if self.has(name):
                weekday = self.word(name, WEEKDAYS)
                good = good & (weekday is not None and (days + 3) % 7 == weekday)
        micros = self._fraction(6)
        ticks = np.where(good, (days * 86_400 + seconds) * 10**6 + micros, np.iinfo(np.int64).min)
        wall: Array = ticks.view("datetime64[us]")
        return wall

    def _epoch(self, name: str, factor: int) -> Array:
        value = self.number(name)
        if name == "ns":
            return value.view("datetime64[ns]")
        scaled = value * (10**6 // factor)
        if name == "s":
            end = self.match.end("fraction") if self.has("fraction") else self.match.end(name)
            if self.has("fraction"):  # the digits of the fraction belong to the field, too
                places = end - self.match.start("fraction")
                scaled = (value // 10**places) * 10**6 + self._fraction(6)
        return scaled.view("datetime64[us]")

    def _fraction(self, digits: int) -> npt.NDArray[np.int64]:
        name = "f" if self.has("f") else "fraction"
        if not self.has(name):
            return np.zeros(self.count, np.int64)
        begin, end = self.match.span(name)
        value, width = self.number(name), end - begin
        more, less = int(10 ** max(digits - width, 0)), int(10 ** max(width - digits, 0))
        return value * more // less

    def _years(self) -> npt.NDArray[np.int64]:
        if not self.has("y"):
            return self.number("G" if self.has("G") else "Y")
        year = self.number("y")
        if self.century:
            return year + self.century
        return year + np.where(year >= self.pivot, 1900, 2000)

    def _days(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return the days since 1970, and marks of those that exist."""
        years = self._years()
        first = (years - 1970).astype("datetime64[Y]")
        if self.has("V"):
            return self._weeks(years)
        if self.has("j"):
            day = self.number("j")
            days = first.astype("datetime64[D]").astype(np.int64) + day - 1
            last = (first + 1).astype("datetime64[D]").astype(np.int64)
            return days, (day > 0) & (days < last)
        month, quarter = self.number("m", 1), self.number("q", 1)
        for name in "bB":
            if self.has(name):
                month = np.full(self.count, self.word(name, MONTHS) or 0, np.int64)
        good = (month >= 1) & (month <= 12) & (quarter >= 1) & (quarter <= 4)
        months = first.astype("datetime64[M]") + (month - 1 + 3 * (quarter - 1))
        start = months.astype("datetime64[D]").astype(np.int64)
        end = (months + 1).astype("datetime64[D]").astype(np.int64)
        day = self.number("d", 1)
        return start + day - 1, good & (day >= 1) & (day <= end - start)

    def _weeks(
        self, years: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return the days of ISO weeks: Mondays, unless the format has a day."""
        week, day = self.number("V"), self.number("u", 1)
        fourth = (years - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 3
        monday = fourth - (fourth + 3) % 7  # of the week with January 4th
        after = (years - 1969).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 3
        last = after - (after + 3) % 7
        days = monday + 7 * (week - 1)
        return days + day - 1, (week >= 1) & (days < last) & (day >= 1) & (day <= 7)

    def _seconds(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return the seconds since midnight, and marks of the times that exist."""
        hour, minute, second = self.number("H"), self.number("M"), self._whole_seconds()
        good = (hour < 24) | ((hour == 24) & (minute == 0) & (second == 0))
        good &= (minute < 60) & (second < 60)
        if self.has("I") or self.has("p"):
            hour = self.number("I") if self.has("I") else hour
            good &= (hour >= 1) & (hour <= 12)
            hour = hour % 12
            if self.has("p") and self.match["p"][0] in "Pp":
                hour = hour + 12
        return hour * 3600 + minute * 60 + second, good

    def _whole_seconds(self) -> npt.NDArray[np.int64]:
        value = self.number("S")
        if self.has("S") and self.has("fraction"):
            begin, end = self.match.span("fraction")
            value = value // 10 ** (end - begin)
        return value

    def offsets(self) -> npt.NDArray[np.float64]:
        """Return the minutes by which the clocks are ahead of UTC."""
        if not self.has("offset"):
            return np.zeros(self.count)
        text = self.match["offset"]
        value = np.abs(self.number("offset"))
        minutes = value * 60 if len(text) == 3 else value // 100 * 60 + value % 100
        result: npt.NDArray[np.float64] = minutes * (-1.0 if text[0] == "-" else 1.0)
        return result
