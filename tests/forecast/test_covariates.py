"""Rows of covariates: by time, by row, complete or with missing ones."""

import numpy as np
import pytest

from gru_c.forecast.covariates import known_rows, measured_rows, of_series, split_columns

NAN = float("nan")
pd = pytest.importorskip("pandas")
TIMES = pd.date_range("2026-01-01", periods=4, freq="D")


def test_rows_of_past_covariates_are_filled_from_before():
    rows = measured_rows([[NAN, 1.0], [2, NAN], [NAN, NAN], [3, 4]], (), None, 4)
    np.testing.assert_array_equal(rows, [[NAN, 1], [2, 1], [2, 1], [3, 4]])
    frame = pd.DataFrame({"x": [1.0, 3]}, TIMES[[0, 2]])
    assert measured_rows(frame, (), TIMES, 4)[:, 0].tolist() == [1, 1, 3, 3]
    with pytest.raises(ValueError, match="the past covariates have no row for 2026-01-01"):
        measured_rows(frame.set_axis(TIMES[:2] + pd.Timedelta("1h")), (), TIMES, 4)


def test_rows_known_ahead_must_be_complete():
    frame = pd.DataFrame({"x": [1.0, 3], "z": [5, 6]}, TIMES[[2, 0]])
    assert known_rows(frame, ["z"], TIMES[[0, 2]], 2).tolist() == [[6], [5]]
    with pytest.raises(ValueError, match="the covariates have no row for 2026-01-02"):
        known_rows(frame, (), TIMES, 4)
    with pytest.raises(ValueError, match="both have a time zone, or none of them"):
        known_rows(frame.tz_localize("UTC"), (), TIMES[[0, 2]], 2)


def test_the_item_of_a_series():
    assert of_series("covariates", {1: "x"}, "1") == "x"
    assert of_series("covariates", [5], "1") == [5]
    with pytest.raises(ValueError, match="no covariates of series 'b': there are those of"):
        of_series("covariates", {"a": 1}, "b")


def test_columns_are_split():
    frame = pd.DataFrame({"y": [1], "a": [2], "b": [3]})
    rest, (known, past, none) = split_columns(frame, ["b"], ["a"], [])
    assert (list(rest), list(known), list(past), none) == (["y"], ["b"], ["a"], None)
    with pytest.raises(ValueError, match="there is no column 'c'"):
        split_columns(frame, ["c"])
