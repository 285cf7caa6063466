"""Plots of forecasts and of backtests."""

import numpy as np
import pytest
from forecasters import NAN, NOISY, WAVE, small


def test_a_plot_of_a_forecast():
    pytest.importorskip("matplotlib")
    holes = NOISY.copy()
    holes[100:130] = NAN
    forecaster = small(season=12, quantiles=(0.1, 0.9)).fit({"a": holes, "b": WAVE})
    figure = forecaster.plot(6, past=20, unit="MW")
    assert figure.axes[0].get_ylabel() == "MW"
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["a", "b"]
    measured, forecast = figure.axes[0].get_lines()
    assert len(measured.get_xdata()) == 20
    np.testing.assert_array_equal(forecast.get_xdata(), np.arange(149, 156))
    assert forecast.get_ydata()[0] == holes[-1]


def test_a_plot_of_a_backtest_shows_the_errors():
    pytest.importorskip("matplotlib")
    backtest = small(season=12, horizon=1).backtest(NOISY, folds=3, refit=False)
    *_, errors = backtest.plot().axes
    heights = [float(line.get_ydata()[0]) for line in errors.get_lines()]
    assert heights == pytest.approx([row["mae"] for row in backtest.summary()])
