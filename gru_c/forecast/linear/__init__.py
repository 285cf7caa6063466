"""The linear path of a forecaster: the forecasts that its GRUs correct."""

from gru_c.forecast.linear.affine import Affine
from gru_c.forecast.linear.path import LinearPath, fit_path

__all__ = ["Affine", "LinearPath", "fit_path"]
