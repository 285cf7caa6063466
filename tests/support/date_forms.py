"""Ways to write times: orders, separators, names of months, quarters, weeks, epochs, zones."""

import functools
import itertools

import pandas as pd

DAYS = pd.date_range("2024-01-01", periods=400)
MONTHS = pd.date_range("2001-01-01", periods=288, freq="MS")
QUARTERS = pd.date_range("2001-01-01", periods=80, freq="QS")
WEEKS = pd.date_range("2015-01-05", periods=150, freq="7D")
HOURS = pd.date_range("2024-01-15", periods=200, freq="h")
YEARS = pd.date_range("1900-01-01", periods=120, freq="YS")
BERLIN = pd.date_range("2024-10-20", periods=400, freq="h", tz="Europe/Berlin")


def strftime(form):
    return lambda time: time.strftime(form)


def unpadded(form):
    """Return a writer of a format whose numbers have no zeros in front."""

    def write(time):
        text = form.replace("%d", str(time.day)).replace("%m", str(time.month))
        return time.strftime(text.replace("%H", str(time.hour)))

    return write


def day_forms():
    """Yield names and writers of days."""
    for order, mark in itertools.product(("%d %m %Y", "%m %d %Y", "%Y %m %d"), "-/. "):
        yield order.replace(" ", mark), strftime(order.replace(" ", mark))
    for order, mark in itertools.product(("%d %m %y", "%m %d %y", "%y %m %d"), "-/."):
        yield order.replace(" ", mark), strftime(order.replace(" ", mark))
    for order in ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%d", "%d.%m.%y", "%m/%d/%y"):
        yield f"unpadded {order}", unpadded(order)
    for form in (
        *("%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d/%b/%Y"),
        *("%d-%b-%y", "%d%b%Y", "%d%b%y", "%Y-%b-%d", "%y-%b-%d", "%Y%m%d", "%d%m%Y", "%m%d%Y"),
        *("%y%m%d", "%d%m%y", "%m%d%y", "%Y%j", "%Y-%j", "%a %d %b %Y", "%A, %B %d, %Y"),
        *("%a %b %d %Y", "%G-W%V-%u", "%GW%V-%u", "%Y%m%d.0", "%d. %B %Y", "%Y:%m:%d"),
    ):
        yield form, strftime(form)


def month_forms():
    """Yield names and writers of months."""
    for form in (
        *("%b-%y", "%b %y", "%b%y", "%y-%b", "%B %Y", "%b %Y", "%b-%Y", "%Y-%b", "%Y %B"),
        *("%m-%y", "%m/%y", "%m.%y", "%y-%m", "%y/%m", "%m/%Y", "%m-%Y", "%m.%Y", "%Y-%m", "%Y/%m"),
        *("%Y.%m", "%Y%m", "%m%Y", "%YM%m", "%Y-M%m", "%Ym%m", "%Y:%m", "M%m %Y"),
    ):
        yield form, strftime(form)
    yield "1-01", unpadded("%m-%y")
    yield "unpadded %y-%m", lambda time: f"{time.year % 100}-{time:%m}"
    yield "unpadded %m/%Y", unpadded("%m/%Y")


def quarter_forms():
    for form in ("{0} Q{1}", "{0}Q{1}", "{0}-Q{1}", "Q{1} {0}", "Q{1}-{0}", "{1}Q{0}", "Q{1}/{0}"):
        yield form, lambda time, form=form: form.format(time.year, time.quarter)
    yield "Q1 15", lambda time: f"Q{time.quarter} {time:%y}"
    yield "1Q15", lambda time: f"{time.quarter}Q{time:%y}"


def week_forms():
    for form in ("%G-W%V", "%GW%V", "W%V %G", "%G W%V", "W%V-%G"):
        yield form, strftime(form)


CLOCKS = (
    *("%H:%M", "%H:%M:%S", "%H:%M:%S.000", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%I %p", "%Hh"),
    *("%Hh%M", "%H.%M", "%H%M", "%H"),
)


def hour_forms():
    """Yield names and writers of hours."""
    for day in ("%Y-%m-%d", "%m/%d/%Y", "%d.%m.%y", "%Y%m%d"):
        for clock in CLOCKS:
            yield f"{day} {clock}", strftime(f"{day} {clock}")
    for form in (
        *("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y%m%dT%H%M%S", "%Y%m%d%H", "%Y%m%d%H%M"),
        *("%Y%m%d%H%M%S", "%d%b%Y:%H:%M:%S", "%Y-%m-%d %H:%M:%S,000", "%Y:%m:%d %H:%M:%S"),
        *("%d/%b/%Y:%H:%M:%S", "%Y %m %d %H", "%a %d %b %Y %H:%M"),
    ):
        yield form, strftime(form)
    yield "unpadded hour", unpadded("%d.%m.%Y %H:00")
    yield (
        "24:00",
        lambda time: (
            time.strftime("%d.%m.%Y %H:%M")
            if time.hour
            else (time - pd.Timedelta("1D")).strftime("%d.%m.%Y 24:00")
        ),
    )
    yield "midnight left out", lambda time: str(time).removesuffix(" 00:00:00")


def epoch_forms():
    for name, factor in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)):
        yield f"epoch {name}", lambda time, factor=factor: str(int(time.timestamp()) * factor)
    yield "epoch s.0", lambda time: f"{time.timestamp():.1f}"


def zone_forms():
    """Yield names and writers of hours with their offset."""
    yield "isoformat", lambda time: time.isoformat()
    yield "str", str
    yield "%z", strftime("%Y-%m-%d %H:%M:%S %z")
    yield "%d.%m.%Y %H:%M%z", strftime("%d.%m.%Y %H:%M%z")
    yield "Z", lambda time: time.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
    yield "UTC", lambda time: time.tz_convert("UTC").strftime("%Y-%m-%d %H:%M:%S UTC")
    yield ".000Z", lambda time: time.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%S.000Z")


KINDS = (
    ("day", day_forms, DAYS),
    ("month", month_forms, MONTHS),
    ("quarter", quarter_forms, QUARTERS),
    ("week", week_forms, WEEKS),
    ("year", lambda: [("%Y", strftime("%Y")), ("%Y.0", strftime("%Y.0"))], YEARS),
    ("hour", hour_forms, HOURS),
    ("epoch", epoch_forms, HOURS),
    ("zone", zone_forms, BERLIN),
)


@functools.cache
def all_forms():
    """Return kind, name, times and texts of each form."""
    return [
        (kind, name, times, [write(time) for time in times])
        for kind, forms, times in KINDS
        for name, write in forms()
    ]
