"""The data given to a forecaster: forms of series, missing values, covariates."""

import numpy as np
import pytest

from gru_c.forecast.panel import Given, read_panel

NAN = float("nan")
pd = pytest.importorskip("pandas")


def read(data, covariates=None, names=()):
    return read_panel(data, Given(covariates, names))


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
    assert item.after(1)[0] == pd.date_range(times[0], periods=41, freq=frequency)[-1]


@pytest.mark.parametrize(
    "index", [range(100), range(1700, 1800), np.arange(100) / 4, range(0, 300, 3)]
)
def test_numbers_of_equal_steps_count_rows(index):
    (item,) = read(pd.Series(np.arange(100.0), index)).series
    assert (len(item), item.index) == (100, None)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ([], ValueError, "has no value"),
        ([NAN, NAN], ValueError, "has no value: 2 steps"),
        ([1.0, np.inf], ValueError, "holds inf at step 1"),
        ([1.0, 1e120], ValueError, "holds 1e\\+120 at step 1"),
        (["a", "b"], TypeError, "series must hold real numbers"),
        (np.ones((2, 2, 2)), ValueError, "got shape \\(2, 2, 2\\)"),
        ({}, ValueError, "give at least one series"),
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
