"""Sizes of the differences from naive forecasts, computed a block of origins at a time."""

from __future__ import annotations

import numpy as np

from gru_c.common.arrays import Array
from gru_c.forecast.accuracy import repeated
from gru_c.forecast.moments import sum_by_halves


def root_mean_square(
    measured: Array, values: Array, origins: range, ahead: int, season: int
) -> float:
    """Return the size of the known differences from a naive forecast; 0 if none is known.

    Parameters
    ----------
    measured, values : ndarray, shape (n,)
        The values of a series, NaN where missing, and the same without missing ones.
    origins : range
        The steps from which forecasts are made.
    ahead : int
        The number of steps of a forecast.
    season : int
        The number of steps that the naive forecast repeats.
    """
    known = np.zeros(len(measured) + 1, np.intp)
    np.cumsum(~np.isnan(measured), out=known[1:])
    first, end = origins.start + 1, max(origins.stop, origins.start) + 1
    counts = known[first + ahead : end + ahead] - known[first:end]
    ends = np.cumsum(counts, out=counts)
    if not len(ends) or not ends[-1]:
        return 0.0

    def squares(begin: int, end: int) -> Array:
        row = int(ends.searchsorted(begin, "right"))
        last = int(ends.searchsorted(end, "left"))
        rows = np.arange(row, last + 1) + origins.start
        differences = _differences(measured, values, rows, ahead, season)
        before = int(ends[row - 1]) if row else 0
        part: Array = differences[~np.isnan(differences)][begin - before : end - before] ** 2
        return part

    total = int(ends[-1])
    return float(np.sqrt(sum_by_halves(squares, 0, total) / total))


def sum_of_errors(measured: Array, values: Array, origins: range, ahead: int, season: int) -> float:
    """Return the sum of the absolute known differences; for the parameters see above."""

    def errors(begin: int, end: int) -> Array:
        row = begin // ahead
        rows = np.arange(row, -(-end // ahead)) + origins.start
        part = np.abs(_differences(measured, values, rows, ahead, season))
        flat: Array = np.nan_to_num(part).reshape(-1)[begin - row * ahead : end - row * ahead]
        return flat

    return sum_by_halves(errors, 0, len(origins) * ahead)


def _differences(measured: Array, values: Array, origins: Array, ahead: int, season: int) -> Array:
    """Return measured values minus naive forecasts, NaN where missing: (origins, ahead)."""
    targets: Array = measured[origins[:, None] + np.arange(1, ahead + 1)]
    targets -= repeated(values, ahead, season, origins)
    return targets
