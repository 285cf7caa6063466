"""Texts read by one format, beside Python's strptime."""

import datetime
import itertools

import numpy as np
import pytest

from gru_c.forecast.reading.shapes import Shaped
from gru_c.forecast.reading.time_formats import check_format, parse


def times(form, *texts):
    return [str(time) for time in parse(form, Shaped.of(texts)).wall]


DATES = (
    "%d.%m.%Y",
    "%m/%d/%y",
    "%Y-%m-%d",
    "%d %b %Y",
    "%B %d, %Y",
    "%Y%m%d",
    "%Y-%j",
    "%a %d %b %y",
)
CLOCKS = ("", " %H:%M", "T%H:%M:%S", " %I:%M %p", " %H%M", " %H:%M:%S.%f")


@pytest.mark.parametrize(("date", "clock"), [*itertools.product(DATES, CLOCKS)])
def test_times_are_those_of_strptime(date, clock):
    rng = np.random.default_rng(0)
    seconds = rng.integers(0, 2e9, 40).tolist()
    origin = datetime.datetime(1970, 1, 1)  # of times without a zone
    texts = [(origin + datetime.timedelta(seconds=s)).strftime(date + clock) for s in seconds]
    expected = [datetime.datetime.strptime(text, date + clock) for text in texts]
    wall = parse(date + clock, Shaped.of(texts)).wall
    assert wall.tolist() == expected


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("%G-W%V", "2015-W53", "2015-12-28T00:00:00.000000"),
        ("%G-W%V", "2016-W53", "NaT"),  # 2016 has 52 weeks
        ("%G-W%V-%u", "2015-W02-3", "2015-01-07T00:00:00.000000"),
        ("%Y Q%q", "2015 Q4", "2015-10-01T00:00:00.000000"),
        ("%Y Q%q", "2015 Q5", "NaT"),
        ("%s", "1704067200.25", "2024-01-01T00:00:00.250000"),
        ("%ms", "1704067200250", "2024-01-01T00:00:00.250000"),
        ("%us", "1704067200000001", "2024-01-01T00:00:00.000001"),
        ("%ns", "1704067200000000001", "2024-01-01T00:00:00.000000001"),
        ("%d.%m.%Y %H:%M", "31.12.2023 24:00", "2024-01-01T00:00:00.000000"),
        ("%d.%m.%Y %H:%M", "31.12.2023 24:01", "NaT"),
        ("%d.%m.%Y %H:%M", "31.12.2023 23:60", "NaT"),
        ("%d.%m.%Y", "29.02.2023", "NaT"),
        ("%Y-%j", "2023-366", "NaT"),
        ("%d. %b %Y", "1. März 2024", "2024-03-01T00:00:00.000000"),
        ("%d %b %Y", "1 févr. 2024", "2024-02-01T00:00:00.000000"),
        ("%d-%b-%Y", "31-MAY-2024", "2024-05-31T00:00:00.000000"),
        ("%d %b %Y", "1 Foo 2024", "NaT"),
        ("%a %d %b %Y", "Tue 01 Jan 2024", "NaT"),  # it was a Monday
        ("%I:%M %p %Y-%m-%d", "12:05 a.m. 2024-01-01", "2024-01-01T00:05:00.000000"),
        ("%H:%M:%S %Y-%m-%d", "10:00:00,5 2024-01-01", "2024-01-01T10:00:00.500000"),
        ("%Y", "0999", "0999-01-01T00:00:00.000000"),
        ("v2 %Y", "v2 2024", "2024-01-01T00:00:00.000000"),
        ("v2 %Y", "v3 2024", "NaT"),
    ],
)
def test_forms_that_strptime_does_not_have(form, text, expected):
    assert times(form, text) == [expected]


@pytest.mark.parametrize(
    ("zone", "minutes"),
    [("+02:00", 120), ("-0530", -330), ("+01", 60), ("Z", 0), ("UTC+01:00", 60)],
)
def test_offsets_are_minutes_ahead_of_utc(zone, minutes):
    read = parse("%Y-%m-%dT%H:%M%z", Shaped.of([f"2024-01-01T12:00{zone}"]))
    assert read.offsets.tolist() == [minutes]
    assert str(read.wall[0]) == "2024-01-01T12:00:00.000000"


@pytest.mark.parametrize(("form", "words"), [("%H:%M", "has no year"), ("%Y-%X", "has %X")])
def test_formats_that_place_nothing_are_refused(form, words):
    with pytest.raises(ValueError, match=words):
        check_format(form)
