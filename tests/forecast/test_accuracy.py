"""Naive forecasts and errors computed by hand."""

import numpy as np

from gru_c.forecast import mase_scale, naive, seasonal_naive

NAN = float("nan")


def test_naive_forecasts_by_hand():
    series = [4.0, 1.0, 2.0, 3.0, NAN]
    assert naive(series, 3).tolist() == [3, 3, 3]
    assert seasonal_naive(series, 5, season=2).tolist() == [3, 3, 3, 3, 3]
    assert seasonal_naive(series[:4], 5, season=3).tolist() == [1, 2, 3, 1, 2]


def test_mase_scale_by_hand():
    assert mase_scale([1, 3, 2, 6]) == (2 + 1 + 4) / 3
    assert mase_scale([1, 3, 2, 6], season=2) == (1 + 3) / 2
    assert mase_scale([1, 3, NAN, 6]) == 2
    assert np.isnan(mase_scale([5, 5, 5]))
    assert np.isnan(mase_scale([5], season=7))
