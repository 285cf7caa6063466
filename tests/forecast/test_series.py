"""The data given to a forecaster: forms of series, regular times, missing values, covariates."""

import numpy as np
import pytest

from gru_c.forecast.features import Layout, Scale, make_windows
from gru_c.forecast.series import read_panel
from gru_c.forecast.timestamps import after, calendar_features, calendar_of, season_of

NAN = float("nan")
pd = pytest.importorskip("pandas")


def read(data, covariates=None, names=()):
    return read_panel(data, covariates, names)


@pytest.mark.parametrize(
    ("data", "form", "names"),
    [
        ([1.0, 2.0], "array", ["y"]),
        (np.ones((3, 2)), "columns", ["0", "1"]),
        ([np.ones(3), np.ones(2)], "list", ["0", "1"]),
        ({"a": [1, 2], "b": [1, 2, 3]}, "dict", ["a", "b"]),
        (pd.Series([1.0, 2.0], name="load"), "series", ["load"]),
        (pd.DataFrame({"a": [1.0, 2.0], "b": [3, NAN]}), "frame", ["a", "b"]),
    ],
)
def test_forms(data, form, names):
    panel = read(data)
    assert panel.form == form
    assert [item.name for item in panel.series] == names


def test_a_series_begins_with_its_first_value():
    times = pd.date_range("2026-01-01", periods=5, freq="D")
    (item,) = read(pd.Series([NAN, NAN, 1, NAN, 3], times)).series
    np.testing.assert_array_equal(item.values, [1, NAN, 3])
    assert item.index[0] == times[2]


@pytest.mark.parametrize("frequency", ["h", "15min", "D", "B", "W", "MS", "ME", "QS", "YS"])
def test_gaps_are_filled_as_missing(frequency):
    times = pd.date_range("2021-03-01", periods=40, freq=frequency)
    values = np.arange(40.0)
    keep = np.setdiff1d(np.arange(40), [7, 8, 22])
    (item,) = read(pd.Series(values[keep], times[keep])).series
    expected = values.copy()
    expected[[7, 8, 22]] = NAN
    np.testing.assert_array_equal(item.values, expected)
    assert item.index.equals(times)
    assert item.gaps == 3
    assert after(item.index, 1)[0] == pd.date_range(times[0], periods=41, freq=frequency)[-1]


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


@pytest.mark.parametrize(
    "index", [range(100), range(1700, 1800), np.arange(100) / 4, range(0, 300, 3)]
)
def test_numbers_of_equal_steps_count_rows(index):
    (item,) = read(pd.Series(np.arange(100.0), index)).series
    assert (len(item), item.index) == (100, None)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("left_out", [[], [5, 100]])
def test_three_centuries_of_years(unit, left_out):
    years = pd.date_range("1700-01-01", periods=309, freq="YS", unit="s").as_unit(unit)
    present = years.delete(left_out)
    (item,) = read(pd.Series(np.arange(len(present)), present)).series
    assert (len(item), item.gaps) == (309, len(left_out))
    assert after(item.index, 2).year.tolist() == [2009, 2010]
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


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ([], ValueError, "has no value"),
        ([NAN, NAN], ValueError, "has no value: 2 steps"),
        ([1.0, np.inf], ValueError, "holds inf at step 1"),
        ([1.0, 1e120], ValueError, "holds 1e\\+120 at step 1"),
        (["a", "b"], TypeError, "series must hold real numbers"),
        (np.ones((2, 2, 2)), ValueError, "got shape \\(2, 2, 2\\)"),
        ({}, ValueError, "there is no series"),
        ({"a": np.ones((2, 2))}, ValueError, "series 'a' must have shape"),
        (pd.DataFrame({"a": ["x", "y"]}), TypeError, "series 'a' holds no numbers"),
        (pd.Series(pd.date_range("2026", periods=3)), TypeError, "no numbers but datetime64"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), ValueError, "different names"),
    ],
)
def test_series_that_are_refused(data, error, message):
    with pytest.raises(error, match=message):
        read(data)


def test_covariates_by_time_by_row_and_by_column():
    times = pd.date_range("2026-01-01", periods=4, freq="D")
    frame = pd.DataFrame({"y": [1.0, 2, 3, 4], "promo": [0, 1, 0, 1]}, times)
    for panel in (
        read(frame, None, ["promo"]),
        read(frame.y, frame[["promo"]][::-1]),
        read(frame.y.to_numpy(), [0, 1, 0, 1]),
    ):
        assert panel.series[0].covariates.tolist() == [[0], [1], [0], [1]]
    with pytest.raises(ValueError, match="no row for 2026-01-04"):
        read(frame.y, frame[["promo"]].iloc[:3])
    with pytest.raises(ValueError, match="no column 'pormo'"):
        read(frame, None, ["pormo"])
    with pytest.raises(ValueError, match="covariate 0 is nan at 2"):
        read(frame.y.to_numpy(), [0, 1, NAN, 1])
    with pytest.raises(ValueError, match="for each of 4 steps, got shape \\(3, 1\\)"):
        read(frame.y.to_numpy(), [0, 1, 1])


def layout(**changes):
    defaults = {"season": 0, "reference": "last", "marks_missing": False, "calendar": ()}
    return Layout(
        **{
            "window": 2,
            "horizon": 2,
            "covariate_mean": (),
            "covariate_std": (),
            **defaults,
            **changes,
        }
    )


def test_windows_and_targets_by_hand():
    (item,) = read([0.0, 2, 4, 6, 8, 10]).series
    x, y = make_windows(layout(), item, Scale(4.0, 2.0, 2.0), np.array([1, 2, 3]))
    assert x[..., 0].tolist() == [[-2, -1], [-1, 0], [0, 1]]
    assert y.tolist() == [[1, 2]] * 3


def test_a_missing_value_is_the_last_one_and_marked_and_no_target():
    (item,) = read([1.0, NAN, 3, 4, NAN, NAN]).series
    x, y = make_windows(layout(marks_missing=True), item, Scale(0, 1, 1), np.array([1, 2, 3]))
    assert x.tolist() == [[[1, 0], [1, 1]], [[1, 1], [3, 0]]]  # nothing to forecast from step 3
    np.testing.assert_array_equal(y, [[2, 3], [1, NAN]])


def test_seasonal_windows_by_hand():
    (item,) = read([1.0, 2, 3, 5, 7, 9]).series
    plan = layout(season=2, reference="season", horizon=1)
    x, y = make_windows(plan, item, Scale(0, 1, 2), np.array([3, 4]))
    assert x.tolist() == [[[3, 1], [5, 1.5]], [[5, 1.5], [7, 2]]]
    assert y.tolist() == [[2], [2]]


def test_covariates_of_now_and_of_later():
    (item,) = read([1.0, 2, 3, 4], [10, 20, 30, 40]).series
    plan = layout(covariate_mean=(10.0,), covariate_std=(10.0,))
    x, _ = make_windows(plan, item, Scale(0, 1, 1), np.array([1]))
    assert x.tolist() == [[[1, 0, 2], [2, 1, 3]]]


@pytest.mark.parametrize("value", [5.0, 0.1 + 0.2, 0.0, -1e-300])
def test_the_scale_of_a_constant_series(value):
    array = np.full(9, value)
    scale = Scale.fit(array, array[:-1, None], array[1:, None])
    assert scale.std == 1.0
    assert 0 < scale.step <= max(1e-8 * abs(value), 1e-200)


def test_scaled_values_stay_finite():
    (item,) = read([1.0, 2, 3, 1e100, 5]).series
    x, y = make_windows(layout(), item, Scale(0, 1e-200, 1e-200), np.array([1, 2]))
    assert x.max() == y.max() == 1e6
