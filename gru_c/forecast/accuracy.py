"""Naive forecasts, and the errors of forecasts.

References
----------
Hyndman and Koehler, Another look at measures of forecast accuracy, 2006,
    doi:10.1016/j.ijforecast.2006.03.001 (MASE, and the seasonal naive forecast).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, as_real


def naive(values: npt.ArrayLike, horizon: int) -> Array:
    """Return the last known value, `horizon` times.

    Examples
    --------
    >>> naive([1.0, 2.0, np.nan], 2)
    array([2., 2.])
    """
    return repeated(filled(as_real("values", values, np.float64)), horizon, 1)


def seasonal_naive(values: npt.ArrayLike, horizon: int, season: int) -> Array:
    """Return the last season, repeated until the horizon.

    Examples
    --------
    >>> seasonal_naive([9.0, 1.0, 2.0, 3.0], 4, season=3)
    array([1., 2., 3., 1.])
    """
    return repeated(filled(as_real("values", values, np.float64)), horizon, season)


def repeated(values: Array, horizon: int, season: int, origins: Array | None = None) -> Array:
    """Return for each origin the last `season` values up to it, repeated: (origins, horizon).

    Without origins, return this for the last step alone: (horizon,).
    """
    ahead = np.arange(1, horizon + 1)
    back = ahead - season * -(-ahead // season)  # 1 - season .. 0
    at = len(values) - 1 if origins is None else origins[:, None]
    forecast: Array = values[at + back]
    return forecast


def filled(values: Array) -> Array:
    """Return the values, with each missing one replaced by the last known value before it.

    Without missing values this is the array itself.
    """
    if not np.isnan(values).any():
        return values
    known = np.where(np.isnan(values), 0, np.arange(len(values)))
    complete: Array = values[np.maximum.accumulate(known)]
    return complete


def mae(error: Array) -> float:
    """Return the mean absolute error over the known values; NaN if none is known."""
    return _mean(np.abs(error))


def rmse(error: Array) -> float:
    """Return the root mean squared error over the known values; NaN if none is known."""
    return float(np.sqrt(_mean(error**2)))


def _mean(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def mase_scale(values: npt.ArrayLike, season: int = 1) -> float:
    """Return the divisor of MASE: the mean in-sample error of the (seasonal) naive forecast.

    NaN if there is no error to divide by, because the series repeats itself or is too short.

    Examples
    --------
    >>> mase_scale([1.0, 2.0, 4.0, 7.0])
    2.0
    """
    array = as_real("values", values, np.float64)
    scale = mae(array[season:] - array[:-season])
    return scale if scale > 0 else float("nan")
