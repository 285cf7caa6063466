"""Forecasts of intermittent demand: counts that are often 0.

References
----------
Croston, Forecasting and stock control for intermittent demands, 1972.
Teunter, Syntetos and Babai, Intermittent demand: linking forecasting to inventory obsolescence,
    2011, doi:10.1016/j.ejor.2011.05.018 (TSB).
"""

from __future__ import annotations

import numpy as np

from gru_c.common.arrays import Array

_RATE = 0.1  # of the smoothing
_OFTEN = 0.25  # share of zeros from which a series is intermittent


def is_intermittent(values: Array) -> bool:
    """Return True if the known values are at least 0, and often 0.

    Examples
    --------
    >>> is_intermittent(np.array([0.0, 3.0, 0.0, 1.0]))
    True
    """
    known = values[~np.isnan(values)]
    return bool(len(known) and (known >= 0).all() and (known == 0).mean() >= _OFTEN)


def croston(values: Array) -> Array:
    """Return Croston's forecast after each step: the mean size of demands over the mean time apart.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Without missing ones. Before the first demand the forecast is 0.

    Examples
    --------
    >>> croston(np.array([0.0, 4.0, 0.0, 4.0]))
    array([0., 2., 2., 2.])
    """
    size, apart, since = 0.0, 1.0, 1
    forecasts = np.zeros(len(values))
    for step, value in enumerate(values.tolist()):
        if value > 0:
            first = size == 0
            size = value if first else size + _RATE * (value - size)
            apart = float(since) if first else apart + _RATE * (since - apart)
            since = 0
        since += 1
        forecasts[step] = size / apart
    return forecasts


def tsb(values: Array) -> Array:
    """Return the forecast of Teunter, Syntetos and Babai after each step.

    It is the chance of a demand times its mean size, and falls while there is no demand.

    Examples
    --------
    >>> tsb(np.array([2.0, 2.0, 0.0])).round(2)
    array([2. , 2. , 1.8])
    """
    demands = values > 0
    chance = float(demands[: max(len(values) // 5, 1)].mean())
    size = float(values[demands][0]) if demands.any() else 0.0
    forecasts = np.zeros(len(values))
    for step, value in enumerate(values.tolist()):
        chance += _RATE * ((value > 0) - chance)
        if value > 0:
            size += _RATE * (value - size)
        forecasts[step] = chance * size
    return forecasts
