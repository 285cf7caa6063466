"""Affine maps from the last values of a series to its next ones, and the models that give them.

Every model here is linear in the values that it has seen. So an autoregression that is iterated,
or exponential smoothing that runs through a window, is one matrix with an intercept, and so is
their weighted mean.

References
----------
Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing, 2008 (smoothing).
Golub, Heath and Wahba, Generalized cross-validation as a method for choosing a good ridge
    parameter, 1979 (leave-one-out errors in closed form).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gru_c.common.arrays import Array
from gru_c.forecast.effects import ridge


@dataclass(frozen=True)
class Affine:
    """The map ``windows @ coefficients + intercept``.

    Attributes
    ----------
    coefficients : ndarray, shape (lags, horizon)
        The first row belongs to the oldest value.
    intercept : ndarray, shape (horizon,)
    """

    coefficients: Array
    intercept: Array

    def __call__(self, windows: Array) -> Array:
        """Return the next values after each window, (B, horizon), of windows (B, lags or more)."""
        result: Array = windows[:, windows.shape[1] - len(self.coefficients) :] @ self.coefficients
        return result + self.intercept


def weighted_mean(maps: Sequence[Affine], weights: Sequence[float]) -> Affine:
    """Return the map that gives the weighted mean of what some maps give."""
    lags = max(len(each.coefficients) for each in maps)
    coefficients = np.zeros((lags, len(maps[0].intercept)))
    intercept = np.zeros(len(maps[0].intercept))
    for each, weight in zip(maps, weights, strict=True):
        coefficients[lags - len(each.coefficients) :] += weight * each.coefficients
        intercept += weight * each.intercept
    return Affine(coefficients, intercept)


# ---- autoregressions ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Autoregression:
    """A ridge regression of differences on those before them, iterated up to the horizon.

    Attributes
    ----------
    lags : tuple of int
        The steps back that it sees, in ascending order.
    differences : tuple of int
        The steps over which differences are taken, one after the other; () for levels.
    """

    lags: tuple[int, ...]
    differences: tuple[int, ...]

    @property
    def seen(self) -> int:
        """The number of last values that a forecast depends on."""
        return max(max(self.lags, default=0) + sum(self.differences), 1)

    def rows(self, values: Sequence[Array]) -> tuple[Array, Array, list[Array]]:
        """Return inputs and targets of all series, and the step of each target by series."""
        inputs, targets, steps = [], [], []
        deepest, lost = max(self.lags, default=0), sum(self.differences)
        back = np.array(self.lags, np.intp)
        for series in values:
            changes = self._polynomial(series)
            at = np.arange(deepest, len(changes))
            known = ~np.isnan(changes[at])
            at = at[known & ~np.isnan(changes[at[:, None] - back]).any(axis=1)]
            inputs.append(changes[at[:, None] - back])
            targets.append(changes[at])
            steps.append(at + lost)
        return np.concatenate(inputs), np.concatenate(targets), steps

    def _polynomial(self, values: Array) -> Array:
        for step in self.differences:
            values = values[step:] - values[:-step]
        return values

    def fit(self, inputs: Array, targets: Array, horizon: int) -> Affine | None:
        """Return the map of the regression; None if there are too few rows for it."""
        if len(targets) < len(self.lags) + 8:
            return None
        mean, centre = float(targets.mean()), inputs.mean(axis=0)
        coefficients = np.zeros(0)
        if self.lags:
            coefficients = ridge(inputs - centre, (targets - mean)[:, None])[0][:, 0]
        return self._iterate(coefficients, mean - float(centre @ coefficients), horizon)

    def _iterate(self, coefficients: Array, intercept: float, horizon: int) -> Affine:
        polynomial = np.zeros(max(self.lags, default=0) + 1)
        polynomial[0] = 1.0
        polynomial[list(self.lags)] = -coefficients
        for step in self.differences:
            longer = np.concatenate([polynomial, np.zeros(step)])
            longer[step:] -= polynomial
            polynomial = longer
        seen = self.seen
        back = -polynomial[:0:-1] if len(polynomial) > 1 else np.zeros(1)
        # Each row is an affine function of the window: its coefficients, and a constant.
        rows = np.zeros((seen + horizon, seen + 1))
        rows[:seen, :seen] = np.eye(seen)
        for step in range(horizon):
            rows[seen + step] = back @ rows[step : seen + step]
            rows[seen + step, -1] += intercept
        return Affine(rows[seen:, :seen].T.copy(), rows[seen:, -1].copy())


# ---- smoothing ----------------------------------------------------------------------------------


def smoothing(
    level: float, trend: float, season: int, seasonal: float, lags: int, horizon: int
) -> Affine:
    """Return the map of Holt and Winters' additive smoothing over a window.

    Parameters
    ----------
    level, trend, seasonal : float
        The rates at which these parts of the state follow the values; a trend of 0 for none.
    season : int
        1 for none.
    lags : int
        The length of the window, at least two seasons.
    """
    values = np.eye(lags)
    state = values[:season].mean(axis=0)
    slope = (values[season : 2 * season].mean(axis=0) - state) / season if trend else 0 * state
    profile = values[:season] - state if season > 1 else np.zeros((1, lags))
    for step in range(1 if season == 1 else season, lags):
        place = step % season
        following = level * (values[step] - profile[place]) + (1 - level) * (
            state + _DAMPED * slope
        )
        if trend:
            slope = trend * (following - state) + (1 - trend) * _DAMPED * slope
        state = following
        if season > 1:
            profile[place] += seasonal * (values[step] - state - profile[place])
    ahead = np.arange(1, horizon + 1)
    growth = np.cumsum(_DAMPED**ahead)[:, None] * slope
    rows = state + growth + profile[(lags - 1 + ahead) % season]
    return Affine(rows.T.copy(), np.zeros(horizon))


_DAMPED = 0.95
