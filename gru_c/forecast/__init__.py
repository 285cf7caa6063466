"""Forecasts of series of numbers, from a model that corrects a naive forecast."""

from gru_c.forecast.accuracy import mase_scale, naive, seasonal_naive
from gru_c.forecast.backtest import Backtest, Fold
from gru_c.forecast.forecaster import Forecaster

__all__ = ["Backtest", "Fold", "Forecaster", "mase_scale", "naive", "seasonal_naive"]
