"""Forecasts of the end of series from several origins, each from what came before."""

import numpy as np
import pytest
from forecasters import NOISY, WAVE, small

from gru_c.forecast import mase_scale


def test_a_backtest_forecasts_the_end_from_what_came_before():
    forecaster = small()
    backtest = forecaster.backtest(NOISY, folds=3)
    assert [fold.origins for fold in backtest.folds] == [[137], [141], [145]]
    for fold, end in zip(backtest.folds, (138, 142, 146), strict=True):
        np.testing.assert_array_equal(fold.measured[0], NOISY[end : end + 4])
        np.testing.assert_array_equal(fold.forecasts["naive"][0], np.full(4, NOISY[end - 1]))
        assert fold.scales[0] == pytest.approx(mase_scale(NOISY[:end]))
        expected = small().fit(NOISY[:end]).predict()
        np.testing.assert_array_equal(fold.forecasts["GRU"][0], expected)
    assert not hasattr(forecaster, "model_")
    assert backtest.methods == ["GRU", "naive", "ridge"]


def test_a_backtest_trained_once():
    backtest = small(season=12).backtest([NOISY, WAVE[:120]], folds=2, refit=False)
    model = small(season=12).fit([NOISY[:142], WAVE[:112]])
    expected = model.predict(4, [NOISY[:146], WAVE[:116]])
    np.testing.assert_array_equal(backtest.folds[1].forecasts["GRU"], expected)
    assert backtest.folds[1].forecasts["seasonal naive"][1] == pytest.approx(WAVE[116:120])


def test_the_future_does_not_leak_into_a_backtest():
    changed = NOISY.copy()
    changed[-4:] = 1e6
    first, second = (small().backtest(y, folds=1).folds[0] for y in (NOISY, changed))
    np.testing.assert_array_equal(first.forecasts["GRU"], second.forecasts["GRU"])
