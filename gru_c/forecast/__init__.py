"""Forecasts of series of numbers by a model that corrects a naive forecast."""

from gru_c.forecast.accuracy import mase_scale, naive, seasonal_naive
from gru_c.forecast.backtest import Backtest
from gru_c.forecast.fold import Fold
from gru_c.forecast.forecaster import Forecaster

__all__ = ["Backtest", "Fold", "Forecaster", "mase_scale", "naive", "seasonal_naive"]
