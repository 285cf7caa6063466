"""The step of times: one for each kind of grid, with gaps and without, in time zones."""

import numpy as np
import pytest
from forecasters import small

from gru_c.forecast.frequency import Step, regular
from gru_c.forecast.panel import read_panel

pd = pytest.importorskip("pandas")

FREQUENCIES = [
    *("s", "5min", "15min", "60min", "h", "90min", "6h", "12h", "24h", "D", "2D", "B"),
    *("W-SUN", "W-WED", "7D", "2W-SUN", "14D", "4W-SUN", "MS", "ME", "BMS", "BME", "2MS"),
    *("QS", "QS-FEB", "QE", "BQE", "6MS", "YS", "YS-APR", "YE-JUN", "BYE", "2YS"),
]


def series(index):
    return pd.Series(np.sin(np.arange(len(index))), index)


def quick(**changes):
    return small(4, 2, hidden_units=1, epochs=1, calendar=False, **changes)


def on_the_clock(frequency, zone):
    """Return local times that a clock shows, also across the changes to and from summer time."""
    local = pd.date_range("2024-01-01", periods=600 if frequency != "D" else 330, freq=frequency)
    return local.tz_localize(zone, nonexistent="shift_forward", ambiguous=np.ones(len(local), bool))


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_a_step_is_the_same_with_gaps_and_without(frequency):
    times = pd.date_range("2020-02-01", periods=40, freq=frequency)
    bare = pd.DatetimeIndex(np.array(times))  # without the name of its frequency
    steps = [regular("x", index)[2] for index in (times, bare, bare.delete([7, 20, 21]))]
    assert len({step.name for step in steps}) == 1
    assert len({step.kind for step in steps}) == 1
    grid, positions, step = regular("x", bare.delete([7]))
    assert grid.equals(times)
    assert positions.tolist() == [i for i in range(40) if i != 7]
    assert step.after(grid, 3).equals(pd.date_range(times[-1], periods=4, freq=frequency)[1:])
    assert step.until(grid[-1], 40).equals(grid)


@pytest.mark.parametrize("frequency", ["D", "W-SUN", "2W-SUN", "h", "MS", "BME", "B", "QS-FEB"])
def test_a_model_forecasts_its_series_with_gaps_and_without(frequency):
    times = pd.date_range("2020-02-01", periods=40, freq=frequency)
    whole = series(pd.DatetimeIndex(np.array(times)))
    gaps = whole.drop(times[[7, 20, 21]])
    models = [quick().fit(data) for data in (whole, gaps)]
    indexes = [model.predict(3, data).index for model in models for data in (whole, gaps)]
    expected = pd.date_range(times[-1], periods=4, freq=frequency)[1:]
    assert all(index.equals(expected) for index in indexes)


@pytest.mark.parametrize("zone", ["Europe/Vienna", "America/New_York", "UTC"])
@pytest.mark.parametrize("frequency", ["D", "W-SUN", "12h", "6h", "MS", "B"])
def test_steps_of_the_local_clock_across_summer_time(frequency, zone):
    times = on_the_clock(frequency, zone)
    for index in (times, times.delete([5, 50, 51])):
        grid, _, step = regular("x", index)
        assert grid.equals(times)
        assert step.after(times[:-9], 9).equals(times[-9:])


def test_hours_of_a_time_zone_count_the_doubled_one():
    times = pd.date_range("2024-10-20", periods=400, freq="h", tz="Europe/Vienna")
    grid, _, step = regular("x", times.delete([100, 166]))
    assert grid.equals(times)
    assert (step.name, step.by_clock) == ("h", False)


def test_a_day_at_an_hour_that_the_clock_skips():
    times = on_the_clock("D", "Europe/Vienna")
    local = pd.date_range("2024-03-01 02:30", periods=60, freq="D")
    times = local.tz_localize("Europe/Vienna", nonexistent="shift_forward")
    grid, _, step = regular("x", times.delete([40]))
    assert grid.equals(times)
    assert step.after(times[:20], 40).equals(times[20:])


def test_a_day_is_24_hours_where_only_hours_fit():
    times = pd.date_range("2024-01-01", periods=200, freq="24h", tz="Europe/Vienna")
    grid, _, step = regular("x", pd.DatetimeIndex(times.delete([3])))
    assert grid.equals(times)
    assert (step.name, step.by_clock, step.kind) == ("24h", False, Step.of("D", times[0]).kind)


@pytest.mark.parametrize(
    ("trained", "given"),
    [
        ("h", "60min"),
        ("W-SUN", "W-MON"),
        ("D", "24h"),
        ("QS-JAN", "QS-OCT"),
        ("3MS", "QS"),
        ("12MS", "YS"),
    ],
)
def test_the_same_step_under_another_name(trained, given):
    model = quick().fit(series(pd.date_range("2020-01-01", periods=40, freq=trained)))
    times = pd.date_range("2021-01-01", periods=40, freq=given)
    assert model.predict(2, series(times)).index[0] == times[-1] + times.freq


@pytest.mark.parametrize(
    ("trained", "given"),
    [("D", "2D"), ("D", "B"), ("B", "D"), ("h", "D"), ("MS", "ME"), ("W-SUN", "2W-SUN")],
)
def test_another_step_is_refused(trained, given):
    model = quick().fit(series(pd.date_range("2020-01-01", periods=40, freq=trained)))
    with pytest.raises(ValueError, match=f"'{given}', the model was trained on '{trained}'"):
        model.predict(2, series(pd.date_range("2021-01-01", periods=40, freq=given)))


def test_times_that_do_not_show_their_step_have_that_of_the_training():
    times = pd.date_range("2020-01-01", periods=60, freq="SMS")
    model = quick().fit(series(times))
    gaps = series(pd.DatetimeIndex(np.array(times))).drop(times[[7, 20]])
    assert model.predict(2, gaps).index.equals(
        pd.date_range(times[-1], periods=3, freq=times.freq)[1:]
    )
    short = small(1, 1, hidden_units=1, epochs=1, calendar=False).fit(series(times))
    assert short.predict(1, series(times[:2])).index[0] == times[2]
    with pytest.raises(ValueError, match="irregular times"):
        read_panel(gaps)


def test_a_panel_of_frequencies_is_continued_by_each_of_them():
    days, hours = (series(pd.date_range("2024-01-01", periods=99, freq=f)) for f in ("D", "h"))
    model = quick().fit({"a": days, "b": hours})
    assert model.predict(1, {"b": hours, "a": days})["b"].index[0] == pd.Timestamp(
        "2024-01-05 03:00"
    )


@pytest.mark.parametrize(
    ("frequency", "zone"), [("12h", "Europe/Vienna"), ("D", None), ("7D", None)]
)
def test_a_file_keeps_the_step(frequency, zone, tmp_path):
    times = on_the_clock(frequency, zone)
    model = quick().fit(series(times[:200]))
    model.save(tmp_path / "f.safetensors")
    loaded = type(model).load(tmp_path / "f.safetensors")
    assert loaded.past.series[0].step == model.past.series[0].step
    assert loaded.predict(9).index.equals(model.predict(9).index)
    assert loaded.predict(2, series(times[:300].delete([90]))).index[0] == times[300]


def test_a_frequency_without_a_name_cannot_be_saved(tmp_path):
    offset = pd.offsets.CustomBusinessDay(holidays=["2024-01-10"])
    model = quick().fit(series(pd.date_range("2024-01-01", periods=40, freq=offset)))
    with pytest.raises(ValueError, match="cannot hold the frequency <CustomBusinessDay>"):
        model.save(tmp_path / "f.safetensors")
