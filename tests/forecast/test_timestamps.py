"""The times of a series: regular grids, seasons, features of the calendar."""

import numpy as np
import pytest

from gru_c.forecast.panel import Given, read_panel
from gru_c.forecast.timestamps import calendar_features, calendar_of, season_of

pd = pytest.importorskip("pandas")


def read(data, covariates=None, names=()):
    return read_panel(data, Given(covariates, names))


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (["2026-01-01", "2026-01-02", "2026-01-02", "2026-01-03"], "2026-01-02 00:00:00 more than"),
        (["2026-01-01", "2026-01-03", "2026-01-02"], "order of time: 2026-01-02 00:00:00 after"),
        (
            ["2026-01-01", "2026-01-02", "2026-01-03 05:00", "2026-01-04 05:00"],
            "irregular times: 2",
        ),
        (["2026-01-01", None, "2026-01-03"], "has no time at row 1"),
        (["2026-01-01", "2026-01-02"], "2 steps: the frequency shows from 3 on"),
        (["1700-01-01", "2026-01-01", "2026-01-01 00:00:01"], "less than half of"),
    ],
)
def test_times_that_are_refused(times, message):
    index = pd.DatetimeIndex([pd.Timestamp(time) for time in times])
    with pytest.raises(ValueError, match=message):
        read(pd.Series(np.arange(len(times)) + 1.0, index, name="load"))


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (range(2000, 1900, -1), "1999 follows 2000"),
        ([*range(1900, 1950), *range(1960, 2010)], "1960 follows 1949"),
        ([*range(50), *range(50)], "0 follows 49"),
        ([0.5] * 100, "0.5 follows 0.5"),
        ([*range(99), np.nan], "nan follows 98"),
    ],
)
def test_numbers_that_are_not_equal_steps_are_no_index(index, message):
    with pytest.raises(ValueError, match=message):
        read(pd.Series(np.arange(100.0), index))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("left_out", [[], [5, 100]])
def test_three_centuries_of_years(unit, left_out):
    years = pd.date_range("1700-01-01", periods=309, freq="YS", unit="s").as_unit(unit)
    present = years.delete(left_out)
    (item,) = read(pd.Series(np.arange(len(present)), present)).series
    assert (len(item), item.gaps) == (309, len(left_out))
    assert item.after(2).year.tolist() == [2009, 2010]
    assert (season_of(item.index), calendar_of(item.index)) == (0, ())
    with pytest.raises(
        ValueError, match="not in the order of time: 1700-01-01 00:00:00 after 2008"
    ):
        read(pd.Series([1.0, 2, 3], years[[308, 0, 1]]))


@pytest.mark.parametrize(
    ("frequency", "season", "calendar"),
    [
        ("h", 24, ("day", "week")),
        ("15min", 96, ("day",)),
        ("D", 7, ("week", "year")),
        ("B", 5, ("week", "year")),
        ("W", 52, ("year",)),
        ("MS", 12, ("year",)),
        ("QS", 4, ("year",)),
        ("YS", 0, ()),
    ],
)
def test_seasons_and_calendar(frequency, season, calendar):
    index = pd.date_range(
        "2020-01-01", periods=800 if frequency not in ("QS", "YS") else 20, freq=frequency
    )
    assert season_of(index) == season
    assert calendar_of(index) == calendar


def test_no_year_before_two_of_them():
    assert calendar_of(pd.date_range("2020-01-01", periods=600, freq="D")) == ("week",)
    assert calendar_of(None) == ()
    assert season_of(None) == 0


def test_calendar_features_by_hand():
    index = pd.DatetimeIndex(["2024-01-01 06:00", "2024-01-04 12:00"])  # a Monday, a Thursday
    features = calendar_features(index, ("day", "week"))
    np.testing.assert_allclose(features[:, [0, 2]], [[1, 0], [0, -1]], atol=1e-12)
    week = 2 * np.pi * np.array([0.25, 3.5]) / 7
    np.testing.assert_allclose(features[:, [1, 3]], np.stack([np.sin(week), np.cos(week)], 1))
