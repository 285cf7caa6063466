"""A calendar of times of the week, learned from the times of a series."""

import numpy as np
import pytest

from gru_c.forecast import Forecaster
from gru_c.forecast.frequency import Step, regular
from gru_c.forecast.timestamps import season_of
from gru_c.forecast.week_times import WeekTimes, learn_week_times

pd = pytest.importorskip("pandas")


def trading_times(days, *runs, freq="5min"):
    """Return the times between each first and last time of day on some days."""
    parts = [
        pd.date_range(f"{day:%F} {first}", f"{day:%F} {last}", freq=freq)
        for day in days
        for first, last in runs
    ]
    return parts[0].append(parts[1:])


HOLIDAYS = pd.DatetimeIndex(["2024-01-15", "2024-02-19"])
TRADING_DAYS = pd.bdate_range("2024-01-02", periods=40).difference(HOLIDAYS)


@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_trading_hours_are_learned_from_prices(zone):
    times = trading_times(TRADING_DAYS, ("09:30", "15:55")).tz_localize(zone)
    grid, places, step = regular("prices", times)
    assert step.name == "Mon,Tue,Wed,Thu,Fri 09:30:00-15:55:00/300"
    assert len(grid) == len(times) + 2 * 78  # the holidays are gaps
    assert (grid[places] == times).all()
    assert season_of(grid) == 78
    ahead = step.after(grid, 79)
    assert [str(time)[:16] for time in ahead[[0, 77, 78]]] == [
        "2024-02-27 09:30",
        "2024-02-27 15:55",
        "2024-02-28 09:30",
    ]
    assert (step.until(grid[-1], 100) == grid[-100:]).all()
    assert Step.of(step.name, grid[0], step.by_clock) == step


def test_a_break_at_noon_and_a_short_friday():
    times = trading_times(TRADING_DAYS, ("09:00", "11:30"), ("13:00", "15:00"), freq="30min")
    assert regular("prices", times)[2].name == (
        "Mon,Tue,Wed,Thu,Fri 09:00:00-11:30:00/1800+13:00:00-15:00:00/1800"
    )
    fridays = TRADING_DAYS.weekday == 4
    times = trading_times(TRADING_DAYS[~fridays], ("09:00", "15:00"), freq="h").append(
        trading_times(TRADING_DAYS[fridays], ("09:00", "12:00"), freq="h")
    )
    assert regular("prices", times.sort_values())[2].name == (
        "Mon,Tue,Wed,Thu 09:00:00-15:00:00/3600; Fri 09:00:00-12:00:00/3600"
    )


def test_times_without_a_week_of_their_own_are_refused():
    odd = trading_times(TRADING_DAYS, ("09:30", "15:55")).append(
        pd.DatetimeIndex(["2024-02-27 03:17"])
    )
    with pytest.raises(ValueError, match=r"less than half|irregular"):
        regular("prices", odd)
    assert learn_week_times(trading_times(TRADING_DAYS[:5], ("09:30", "15:55"))) is None


def test_hours_with_gaps_stay_hours():
    hours = pd.date_range("2024-01-01", periods=1000, freq="h")
    assert regular("load", hours[(hours.hour > 5) & (hours.hour < 20)])[2].name == "h"


def test_a_forecast_goes_on_at_the_next_trading_time(tmp_path):
    times = trading_times(TRADING_DAYS, ("10:00", "15:00"), freq="30min")
    prices = pd.Series(np.sin(np.arange(len(times))), times)
    forecaster = Forecaster(22, 4, 4, epochs=1, seed=0).fit(prices)
    assert forecaster.season_ == 11
    forecaster.save(tmp_path / "model.safetensors")
    again = Forecaster.load(tmp_path / "model.safetensors")
    for forecast in (forecaster.predict(), again.predict(), again.predict(4, prices[-90:])):
        assert str(forecast.index[0]) == "2024-02-27 10:00:00"
        np.testing.assert_array_equal(forecast, forecaster.predict())


@pytest.mark.parametrize("name", ["Mon 9", "Day 09:00:00-10:00:00", "h D", "Mon"])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match="does not describe times of the week"):
        WeekTimes.of_name(name)
