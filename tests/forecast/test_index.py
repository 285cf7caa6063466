"""The index of a pandas object: times in every type that holds them, counted rows, refusals."""

import datetime

import numpy as np
import pytest
from forecasters import small

from gru_c.forecast.panel import Given, read_panel

pd = pytest.importorskip("pandas")

DAYS = pd.date_range("2024-01-20", periods=40, freq="D")
ISO = DAYS.strftime("%Y-%m-%d")
HOURS = pd.date_range("2024-10-26", periods=40, freq="h", tz="Europe/Vienna")
MONTHS = pd.date_range("2024-01-01", periods=40, freq="MS")


def objects(values):
    return pd.Index(list(values), dtype=object)


def read(index, covariates=None):
    series = pd.Series(np.arange(40.0), index)
    return read_panel(series, Given(covariates)).series[0]


@pytest.mark.parametrize(
    ("index", "times"),
    [
        (ISO, DAYS),
        (objects(ISO), DAYS),
        (pd.CategoricalIndex(ISO), DAYS),
        (DAYS.strftime("%Y/%m/%d"), DAYS),
        (DAYS.strftime("%Y-%m-%d %H:%M"), DAYS),
        (DAYS.strftime("%Y-%m-%dT%H:%M:%S.%f"), DAYS),
        (DAYS.strftime("%Y-%m-%dT%H:%M:%SZ"), DAYS.tz_localize("UTC")),
        (objects(map(str, DAYS.tz_localize("Etc/GMT-2"))), DAYS.tz_localize("Etc/GMT-2")),
        (MONTHS.strftime("%Y-%m"), MONTHS),
        (objects(time.date() for time in DAYS), DAYS),
        (objects(DAYS), DAYS),
        (objects(DAYS.to_pydatetime()), DAYS),
        (objects(HOURS.to_pydatetime()), HOURS),
        (np.array(DAYS), DAYS),
        (np.array(ISO, "datetime64[D]"), DAYS),
        (objects(np.array(ISO, "datetime64[D]")), DAYS),
        (DAYS.to_period(), DAYS),
        (objects(DAYS.to_period()), DAYS),
        (MONTHS.to_period("M"), MONTHS),
    ],
)
def test_an_index_of_times_in_any_type(index, times):
    item = read(index)
    assert (item.index == times).all()
    assert item.step == read(times).step
    covariates = pd.DataFrame({"x": np.arange(40)}, index)[::-1]  # looked up by time
    assert read(times, covariates).covariates[:, 0].tolist() == list(range(40))


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (DAYS.strftime("%d.%m.%Y"), "text, as in '20.01.2024', which is not a time such as"),
        (DAYS.strftime("%m/%d/%Y"), "text, as in '01/20/2024'"),
        ([f"row {i}" for i in range(40)], "text, as in 'row 0'"),
        ([str(1980 + i) for i in range(40)], "text, as in '1980'"),
        ([*ISO[:-1], "2024-03-01 05:00"], "forms, '2024-01-20' and '2024-03-01 05:00'"),
        ([*ISO[:-1], "today"], "different forms, '2024-01-20' and 'today'"),
        ([*ISO[:-1], "2024-02-30"], "not of times: day is out of range"),
        ([*ISO[:-1], None], "no time at row 39"),
        (list(map(str, pd.date_range("2024-03-20", periods=40, tz="Europe/Vienna"))), "offsets"),
        (objects([ISO[0], *DAYS[1:]]), "an index of type mixed, as in '2024-01-20'"),
        (objects([datetime.time(i % 24) for i in range(40)]), "of type time"),
        (pd.timedelta_range("1h", periods=40), "of type timedelta64"),
        (pd.interval_range(0, 40), "of type interval"),
        ([True] * 40, "of type boolean"),
        (pd.MultiIndex.from_product([["a"], range(40)]), "an index of 2 levels"),
        ([int(day) for day in DAYS.strftime("%Y%m%d")], "format='%Y%m%d'"),
        ([int(day) for day in MONTHS.strftime("%Y%m")], "format='%Y%m'"),
        ([int(day) for day in HOURS.strftime("%Y%m%d%H")], "format='%Y%m%d%H'"),
        ([1_700_000_000 + 3600 * i for i in range(40)], "as in 1700000000, .* unit='s'"),
        (range(1_700_000_000_000, 1_700_000_000_040), "unit='ms'"),
        (DAYS.as_unit("ns").asi8, "unit='ns'"),
        (list(range(1980, 2020)), "1980 to 2019, which may be years or row numbers"),
        (objects(range(1980, 2020)), "which may be years or row numbers"),
        ([2000 + i / 12 for i in range(40)], "which may be years or row numbers"),
    ],
)
def test_an_index_that_may_hold_times_is_not_ignored(index, message):
    with pytest.raises(ValueError, match=f"series 'y' has .*{message}|{message}"):
        read(index)


@pytest.mark.parametrize("index", [range(1950, 1990), objects(range(40)), np.arange(40) / 4])
def test_numbers_that_count_rows(index):
    assert read(index).index is None


def test_dates_in_one_month_are_not_equal_steps_of_numbers():
    series = pd.Series(np.arange(20.0), range(20240101, 20240121))
    with pytest.raises(ValueError, match=r"may be times: give pd.to_datetime"):
        read_panel(series)


def test_text_gives_the_season_the_calendar_and_the_times_of_the_forecast():
    text, times = (
        small(season=None).fit(pd.Series(np.sin(np.arange(40)), index)) for index in (ISO, DAYS)
    )
    assert text.season_ == 7
    assert text.layout.calendar == ("week",)
    pd.testing.assert_series_equal(text.predict(), times.predict())


def test_rows_in_another_order_than_time_are_refused():
    with pytest.raises(ValueError, match="not in the order of time: 2024-02-27"):
        read(ISO[::-1])
    shuffled = pd.DataFrame({"x": np.arange(40)}, ISO[::-1])
    with pytest.raises(ValueError, match="not in the order of time, and the series has no times"):
        read_panel(np.arange(40.0), Given(shuffled))
