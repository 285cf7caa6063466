"""Base: the linear forecast of a fitted forecaster, and the intervals around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gru_c.common.arrays import Array
from gru_c.forecast.features import Layout, Scale
from gru_c.forecast.linear import Affine, LinearPath, fit_path
from gru_c.forecast.series import Series

_HALF_LIFE = 0.3  # of the weight of an error, as a share of the history
_FEWEST = 10.0  # independent errors below which an interval is a guess


@dataclass(frozen=True)
class Base:
    """The linear forecast, and the part that the GRUs have in what is added to it.

    Attributes
    ----------
    map : Affine
        From scaled values to scaled values.
    size : float
        Root mean square of its errors, on the scale of the values.
    spread : ndarray, shape (horizon, levels)
        Quantiles of its errors, divided by `size`; 0 for the median.
    is_guess : bool
        True if the errors are too few for intervals that can be trusted.
    share : float
        The weight of the GRUs' correction, 0 to 1; with 0 the forecast is the linear one.
    widening : float
        Factor of the quantiles' distances from the median, so that the interval covers the share
        that it should of the values held out.
    models : dict of str to float
        The linear models that the map is the mean of, with their weights.
    """

    map: Affine
    size: float
    spread: Array
    is_guess: bool
    share: float
    widening: float
    models: dict[str, float]

    @property
    def lags(self) -> int:
        """The number of last values that the linear forecast depends on."""
        return len(self.map.coefficients)

    def corrections(self, outputs: Array, middle: int) -> Array:
        """Return what is added to the linear forecasts for the outputs of the GRUs.

        Parameters
        ----------
        outputs : ndarray, shape (B, horizon, levels)
            In units of `size`, as is the result.
        middle : int
            The place of the median among the levels.
        """
        outputs = np.sort(outputs, axis=-1)
        median = outputs[..., middle, None]
        beside = (1 - self.share) * self.spread + self.share * (outputs - median)
        result: Array = self.share * median + self.widening * beside
        return result


def scaled_values(layout: Layout, item: Series, scale: Scale) -> Array:
    """Return the values that the linear path sees, NaN where missing."""
    scaled: Array = (layout.measured(item, scale.effects) - scale.mean) / scale.std
    return scaled


def path_of(
    layout: Layout, series: Sequence[Series], scales: Sequence[Scale], most: int | None
) -> LinearPath | None:
    """Return the linear path of some series; None if they are too short for one."""
    values = [scaled_values(layout, i, s) for i, s in zip(series, scales, strict=True)]
    return fit_path(values, layout.horizon, layout.seasons, most)


def base_of(path: LinearPath, levels: Sequence[float]) -> Base:
    """Return the base of a linear path, before the GRUs have a part in it."""
    size = path.size
    spread, independent = conformal_spread(path.errors / size, path.ages, levels)
    return Base(path.map, size, spread, independent < _FEWEST, 0.0, 1.0, path.models)


def conformal_spread(errors: Array, ages: Array, levels: Sequence[float]) -> tuple[Array, float]:
    """Return quantiles around a forecast, and the number of independent errors behind them.

    They are symmetric quantiles of the absolute errors of models that had not seen the values
    (Barber, Candes, Ramdas and Tibshirani, Conformal prediction beyond exchangeability, 2023): late
    errors count more, errors of overlapping forecasts count as one, and an interval never narrows
    with the steps ahead.

    Parameters
    ----------
    errors : ndarray, shape (origins, horizon)
        NaN where a value is missing.
    ages : ndarray, shape (origins,)
        Steps from each origin to the end of the series.
    levels : sequence of float

    Returns
    -------
    spread : ndarray, shape (horizon, levels)
    independent : float
    """
    horizon = errors.shape[1]
    weights = 0.5 ** (ages / (_HALF_LIFE * (float(ages.max()) + 1)))
    independent = float(weights.sum() ** 2 / (weights**2).sum()) / max(horizon / 2, 1)
    count = max(independent, 3.0)
    spread = np.zeros((horizon, len(levels)))
    for step in range(horizon):
        known = ~np.isnan(errors[:, step])
        sizes = np.abs(errors[known, step])
        order = sizes.argsort()
        passed = weights[known][order].cumsum()
        for place, level in enumerate(levels):
            if level == 0.5 or not len(order):
                continue
            inside = min(abs(2 * level - 1) * (count + 1) / count, 0.999)
            at = min(int(passed.searchsorted(inside * passed[-1])), len(order) - 1)
            spread[step, place] = np.sign(level - 0.5) * sizes[order[at]]
    widest = np.maximum.accumulate(np.abs(spread), axis=0)
    return np.sort(np.sign(np.array(levels) - 0.5) * widest, axis=1), independent


def share_of(outputs: Array, targets: Array, middle: int) -> float:
    """Return the weight of the GRUs' corrections with the smallest error; 0 without a clear gain.

    A gain is clear if it is larger than its standard error, of which overlapping forecasts count
    as one.

    Parameters
    ----------
    outputs : ndarray, shape (B, horizon, levels)
    targets : ndarray, shape (B, horizon)
        Of values held out, NaN where missing.
    """
    median = np.sort(outputs, axis=-1)[..., middle]
    losses = np.stack([np.abs(targets - share * median) for share in _SHARES])
    best = int(np.nanmean(losses, axis=(1, 2)).argmin())
    gains = np.nanmean(losses[0] - losses[best], axis=1)
    independent = max(len(gains) / targets.shape[1], 1.0)
    clear = gains.mean() > gains.std() / np.sqrt(independent)
    enough = gains.mean() > _LEAST_GAIN * float(np.nanmean(losses[0]))
    return _SHARES[best] if clear and enough and independent >= 2 else 0.0


def widening_of(base: Base, outputs: Array, targets: Array, levels: Sequence[float]) -> float:
    """Return the smallest factor, 1 to 2, with which the outer interval covers what it should."""
    middle, wanted = list(levels).index(0.5), levels[-1] - levels[0]
    corrections = base.corrections(outputs, middle)
    median = corrections[..., middle]
    low, high = median - corrections[..., 0], corrections[..., -1] - median
    error = targets - median
    known = ~np.isnan(error)
    for factor in _FACTORS:
        inside = (error >= -factor * low) & (error <= factor * high)
        if inside[known].mean() >= wanted:
            return float(factor)
    return float(_FACTORS[-1])


_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_LEAST_GAIN = 0.02  # of the error of the linear forecast
_FACTORS = np.linspace(1, 2, 11)
