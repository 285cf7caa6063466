"""Preparation of training: what is held out, the naive forecast, series that are too short."""

import numpy as np
import pytest
from forecasters import NOISY, small

from gru_c.forecast import naive, seasonal_naive


def test_untrained_it_is_the_better_naive_forecast():
    changes = {"epochs": 1, "learning_rate": 1e-30}
    np.testing.assert_allclose(small(**changes).fit(NOISY).predict(), naive(NOISY, 4))
    trained = small(season=12, **changes).fit(NOISY)
    assert trained.reference_ == "season"
    np.testing.assert_allclose(trained.predict(14), seasonal_naive(NOISY, 14, 12))


def test_what_is_held_out_does_not_enter_the_scaling():
    shifted = NOISY.copy()
    shifted[-10:] += 100
    assert small().fit(shifted).scales == small().fit(NOISY).scales


def test_series_that_are_too_short():
    with pytest.raises(ValueError, match=r"series 'y' has 15 steps: window .* at least 16 besides"):
        small().fit(NOISY[:15])
    with pytest.raises(ValueError, match="series '1' has 5 steps, a forecast needs window"):
        small().fit([NOISY, NOISY[:5]])
    with pytest.raises(ValueError, match="2 folds of 4 leave nothing to train on"):
        small().backtest(NOISY[:8], folds=2)
    with pytest.raises(ValueError, match="has 5 steps, a forecast needs 12"):
        small().fit(NOISY).predict(4, NOISY[:5])
    with pytest.raises(ValueError, match="at most 1000 horizons of 4, got 1000000000"):
        small().fit(NOISY).predict(10**9)
    with pytest.raises(ValueError, match="window must be as long as the horizon: 2 < 4"):
        small(2).fit(NOISY, NOISY)
    with pytest.raises(ValueError, match="predict needs a forecaster that has been trained"):
        small().predict()
