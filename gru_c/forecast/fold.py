"""Fold: the forecasts of a backtest from one origin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gru_c.common.arrays import Array


@dataclass(frozen=True)
class Fold:
    """The forecasts from one origin, and the measured values of the same steps.

    Attributes
    ----------
    origins : list
        The last known step of each series: its time, or its number.
    measured : ndarray, shape (series, horizon)
        The measured values, NaN where missing.
    forecasts : dict of str to ndarray, shape (series, horizon)
        The forecasts, by method.
    bounds : ndarray, shape (series, horizon, 2), or None
        The lowest and the highest quantile.
    scales : ndarray, shape (series,)
        The errors that MASE divides by, measured in the part that the fold was trained on.
    times : list
        For each series the times of the forecast steps, or their numbers.
    quantiles : dict of str to ndarray, shape (series, horizon, levels)
        The requested quantiles, by method.
    seconds : dict of str to float
        The time for fit and forecast, by method; the fit counts where it was made.
    """

    origins: list[Any]
    measured: Array
    forecasts: dict[str, Array]
    bounds: Array | None
    scales: Array
    times: list[Any]
    quantiles: dict[str, Array] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
