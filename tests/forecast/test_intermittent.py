"""Forecasts of intermittent demand beside their definitions."""

import numpy as np
from forecasters import small

from gru_c.forecast.intermittent import croston, is_intermittent, tsb

DEMAND = np.array([0.0, 0, 3, 0, 0, 0, 5, 0, 1, 0] * 6)


def test_croston_is_size_over_time_apart():
    size, apart = 3.0, 3.0
    for demand, since in ((5, 4), (1, 2)):
        size, apart = size + 0.1 * (demand - size), apart + 0.1 * (since - apart)
    np.testing.assert_allclose(croston(DEMAND[:10])[[1, 2, 5, 9]], [0, 1, 1, size / apart])


def test_tsb_falls_without_demand():
    forecasts = tsb(np.concatenate([DEMAND, np.zeros(30)]))
    np.testing.assert_allclose(forecasts[61:] / forecasts[60:-1], 0.9)


def test_series_that_are_often_0_have_their_own_methods():
    assert is_intermittent(DEMAND)
    assert not is_intermittent(DEMAND - 1)
    backtest = small(linear=True, counts=True, quantiles=(0.1, 0.9)).backtest(DEMAND, 2)
    assert {"Croston", "TSB"} < set(backtest.methods)
    assert "Croston" not in small().backtest(DEMAND + 1, 1).methods
