"""The times of a column: all common forms are read right or refused, none is read wrong."""

from collections import Counter

import numpy as np
import pytest

from gru_c.forecast.reading import zones
from gru_c.forecast.reading.times import Label, read_times, show

pd = pytest.importorskip("pandas")

LABEL = Label("data.csv", ("date",))


def read(texts, form=None):
    texts = list(texts)
    return read_times(texts, LABEL, None, form, np.arange(len(texts)) + 2)


def outcome(texts, times):
    """Return "right", "refused" or "wrong"."""
    try:
        reading = read(texts)
    except ValueError:
        return "refused"
    index, _ = zones.index_of(reading, None, None, np.arange(len(texts)) + 2, "data.csv")
    if (index.tz is None) != (times.tz is None):
        times = times.tz_localize("UTC") if times.tz is None else times.tz_localize(None)
    alike = len(index) == len(times) and bool((index.as_unit("ns") == times.as_unit("ns")).all())
    return "right" if alike else "wrong"


def every(times, texts):
    return times, texts


def backwards(times, texts):
    return times[::-1], texts[::-1]


def with_gaps(times, texts):
    kept = [row for row in range(len(times)) if row % 7 != 3]
    return times[kept], [texts[row] for row in kept]


def from_the_middle(times, texts):
    return times[55:], texts[55:]


@pytest.mark.parametrize("chosen", [every, backwards, with_gaps, from_the_middle])
def test_long_columns_of_all_forms_are_read_right(chosen):
    from date_forms import all_forms

    failed = [
        (kind, name, result)
        for kind, name, times, texts in all_forms()
        if (result := outcome(*chosen(times, texts)[::-1])) != "right"
    ]
    # 012001 may also be January 20th of 2001, and so on for all months.
    assert failed == [("month", "%m%Y", "refused")]


@pytest.mark.parametrize("rows", [slice(3), slice(12), slice(5, 25), slice(12, 31)])
def test_short_columns_are_read_right_or_refused(rows):
    from date_forms import all_forms

    results = Counter(outcome(texts[rows], times[rows]) for _, _, times, texts in all_forms())
    assert results["wrong"] == 0
    assert results["right"] > 100


@pytest.mark.parametrize(
    ("freq", "count"),
    [("B", 30), ("W-SUN", 30), ("W-WED", 4), ("ME", 20), ("QE", 20), ("YS", 25), ("BME", 5)],
)
def test_days_of_other_steps_are_never_wrong(freq, count):
    from date_forms import day_forms

    times = pd.date_range("2011-03-05", periods=count, freq=freq)
    results = Counter(outcome([write(t) for t in times], times) for _, write in day_forms())
    assert results["wrong"] == 0
    assert results["right"] >= 35


def test_one_form_counts_for_all_rows():
    days = pd.date_range("2024-01-01", periods=400)
    for form in ("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%Y"):
        reading = read(days.strftime(form))
        assert (reading.label, reading.times.wall[-1]) == (form, np.datetime64("2025-02-03"))
    with pytest.raises(ValueError, match=r"'14\.02\.2024' in row 46, column 'date', is not a time"):
        read([*days[:44].strftime("%m.%d.%Y"), "14.02.2024", *days[45:60].strftime("%m.%d.%Y")])


@pytest.mark.parametrize(
    ("texts", "readings"),
    [
        (
            [f"01/{month:02}/2024" for month in range(1, 13)],
            "2024-01-01 to 2024-12-01 (%d/%m/%Y) or 2024-01-01 to 2024-01-12 (%m/%d/%Y)",
        ),
        ([f"0{i}.02.03" for i in range(1, 6)], "(%y.%m.%d) or "),
        ([f"2001{i:02}" for i in range(1, 13)], "(%Y%m) or 2020-01-01 to 2020-01-12 (%y%m%d)"),
        ([f"Jan-{i:02}" for i in range(1, 13)], "(%b-%y) or 2000-01-01 to 2000-01-12 (%b-%d)"),
        ([f"{i:02}/01" for i in range(1, 13)], "(%m/%y) or "),
    ],
)
def test_two_readings_are_both_named(texts, readings):
    with pytest.raises(ValueError, match="name the right one with --time-format") as caught:
        read(texts)
    assert readings in str(caught.value)


def test_a_thirteenth_month_decides():
    reading = read([*(f"01/{month:02}/2024" for month in range(1, 13)), "01/01/2025"])
    assert (reading.label, show(reading.times.wall[-1])) == ("%d/%m/%Y", "2025-01-01")


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["1000", "1060", "1120"], "--time out if rows are equal steps"),
        (["2000", "2060", "2120"], "--time out if rows are equal steps"),
        ([str(i) for i in range(1, 50)], "rows that are equal steps need no --time"),
        (["10", "20", "30"], "rows that are equal steps need no --time"),
        (["10:00:00", "11:00:00", "12:00:00"], "is not a time"),
        (["1-01", "1-02", "2-01", "2-02"], "--time-format"),
        (["2015-W60", "2015-W61"], "'2015-W60' in row 2"),
        (["yesterday", "today"], "'yesterday' in row 2, column 'date', is not a time"),
        (["2024-01-01", "", "2024-01-03"], "has no time in row 3"),
        (["Mon 2024-01-02", "Tue 2024-01-03"], "is not a time"),
        (["2024-02-29", "2024-02-30"], "'2024-02-30' in row 3"),
        ([f"{i:02} Jan" for i in range(1, 32)] + ["01 Feb", "02 Feb"], "without a year"),
    ],
)
def test_what_is_not_a_time_is_refused(texts, words):
    with pytest.raises(ValueError, match=words):
        read(texts)


def test_years_are_years_and_not_counts():
    assert show(read(map(str, range(1900, 1950))).times.wall[0]) == "1900-01-01"


def test_the_century_of_two_digits_follows_from_equal_steps():
    def years(first, last):
        return [f"12/31/{year % 100:02}" for year in range(first, last)]

    assert show(read(years(1960, 2000)).times.wall[0]) == "1960-12-31"
    assert show(read(years(1985, 2020)).times.wall[-1]) == "2019-12-31"
    assert show(read(years(2001, 2025)).times.wall[-1]) == "2024-12-31"
    with pytest.raises(ValueError, match=r"1960-12-31 to 1967-12-31 or 2060-.*'%m/%d/19%y'"):
        read(years(1960, 1968))
    assert show(read(years(1960, 1968), "%m/%d/19%y").times.wall[0]) == "1960-12-31"


def test_a_named_format_is_taken_for_all_rows():
    texts = [f"01/{month:02}/2024" for month in range(1, 13)]
    assert show(read(texts, "%d/%m/%Y").times.wall[-1]) == "2024-12-01"
    with pytest.raises(ValueError, match=r"'31/12/2024' in row 14.* is not a time of the form"):
        read([*texts, "31/12/2024"], "%m/%d/%Y")
    with pytest.raises(ValueError, match="has %Q; there are"):
        read(texts, "%Q")


@pytest.mark.parametrize("form", ["%d%m%Y%H", "%y%m%d%H%M", "%m%d%y%H%M%S", "%d%m%Y%H%M%S"])
def test_times_in_digits_are_no_seconds_since_1970(form):
    times = pd.date_range("2024-08-01", periods=60, freq="h")
    assert outcome([time.strftime(form) for time in times], times) == "right"
    assert outcome([time.strftime(form) for time in times[:3]], times[:3]) != "wrong"


@pytest.mark.parametrize("texts", [["2004", "2005", "2006"], ["1011", "1111", "1211"]])
def test_few_years_of_four_digits_may_be_months(texts):
    with pytest.raises(ValueError, match=r"can be read as .*%y%m"):
        read(texts)


def test_years_that_no_series_has_are_refused():
    with pytest.raises(ValueError, match="read as %d-%m-%Y they are 1200-03-18"):
        read([f"18-03-12{hour:02}" for hour in range(24)])
