"""LinearPath: the weighted mean of many regularised linear models, as one matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gru_c.common.arrays import Array
from gru_c.forecast.accuracy import filled
from gru_c.forecast.linear.affine import Affine, Autoregression, smoothing, weighted_mean

_BLOCKS = 4  # of the cross-validation
_MOST_MODELS = 20  # in the mean
_MOST_ORIGINS = 400  # of the errors that decide on weights
_MOST_LAGS = 800
_MOST_STEPS = 6000  # of all series together that the models are fitted to
_NEAR = (1, 2, 4, 8, 12)  # numbers of last steps that autoregressions see
_RATES = (0.1, 0.3, 0.6, 0.9)
_SMALLEST = 1e-9  # error, in deviations of a series: the rest is rounding


@dataclass(frozen=True)
class LinearPath:
    """A linear forecast from the last values of a scaled series.

    Attributes
    ----------
    map : Affine
    models : dict of str to float
        The models that it is the mean of, with their weights.
    errors : ndarray, shape (origins, horizon)
        Measured minus forecast values at origins of which the models had not seen the values ahead.
    origins : list of tuple of int
        The number of the series and the last known step of each.
    ages : ndarray, shape (origins,)
        Steps from each origin to the end of its series.
    """

    map: Affine
    models: dict[str, float]
    errors: Array
    origins: list[tuple[int, int]]
    ages: Array

    @property
    def size(self) -> float:
        """Root mean square of the errors; very small, not 0, for a series without any."""
        return max(float(np.sqrt(np.nanmean(self.errors**2))), _SMALLEST)


def _specifications(seasons: Sequence[int]) -> dict[str, Autoregression]:
    chosen = {}
    differences: list[tuple[int, ...]] = [(), *((season,) for season in seasons)]
    for near in (0, *_NEAR):
        for first in ((), (1,)):
            for seasonal in differences:
                for years in range(3) if seasons else (0,):
                    lags = set(range(1, near + 1))
                    for season in seasons:
                        for year in range(1, years + 1):
                            lags |= {year * season + shift for shift in (-1, 0, 1)}
                    model = Autoregression(tuple(sorted(lags - {0})), (*first, *seasonal))
                    name = f"AR{near}" + "".join(f" d{d}" for d in model.differences)
                    if years:
                        name += f" {years} season{'s' if years > 1 else ''}"
                    chosen[name] = model
    return chosen


def fit_path(
    values: Sequence[Array], horizon: int, seasons: Sequence[int], most: int | None = None
) -> LinearPath | None:
    """Return the linear path of scaled series; None if they are too short for any model.

    Parameters
    ----------
    values : sequence of ndarray, shape (n,)
        NaN where missing.
    seasons : sequence of int
        In ascending order; () for none.
    most : int, optional
        The largest number of last values that a forecast may depend on.
    """
    kept = _few_series(values)
    before = [max(len(values[i]) - _MOST_STEPS, 0) for i in kept]
    values = [values[i][begin:] for i, begin in zip(kept, before, strict=True)]
    allowed = min(_MOST_LAGS, (max(map(len, values)) - horizon) // 2)
    if most is not None:
        allowed = min(allowed, most)
    if allowed < 1:
        return None
    origins = _choose_origins(values, horizon, allowed)
    if not len(origins):
        return None
    targets = np.stack([values[i][t + 1 : t + 1 + horizon] for i, t in origins])
    complete = [filled(series) for series in values]
    windows = np.stack([complete[i][t + 1 - allowed : t + 1] for i, t in origins])
    block_of = _block_of(values, origins)
    errors, models = {}, {}
    for name, model in _specifications(seasons).items():
        if model.seen > allowed:
            continue
        result = _cross_validate(model, values, origins, block_of, windows, horizon)
        if result is not None:
            models[name], errors[name] = result[0], targets - result[1]
    for name, each in _smoothings(seasons, allowed, horizon).items():
        models[name], errors[name] = each, targets - each(windows)
    path = _combine(models, errors, values, origins)
    if path is None:
        return None
    return replace(path, origins=[(kept[i], t + before[i]) for i, t in origins])


def _few_series(values: Sequence[Array]) -> list[int]:
    """Return the places of the series to fit to: all, or evenly chosen ones of many."""
    total = sum(map(len, values))
    count = max(len(values) * _MOST_STEPS // total, 1) if total > _MOST_STEPS else len(values)
    return [int(place) for place in np.linspace(0, len(values) - 1, count).round()]


def _combine(
    models: dict[str, Affine],
    errors: dict[str, Array],
    values: Sequence[Array],
    origins: list[tuple[int, int]],
) -> LinearPath | None:
    """Return the mean of the best models, weighted by the inverse squares of their errors."""
    sizes = {name: _mean_error(error) for name, error in errors.items()}
    ranked = sorted((size, name) for name, size in sizes.items() if np.isfinite(size))
    ranked = ranked[:_MOST_MODELS]
    if not ranked:
        return None
    smallest = max(ranked[0][0], 1e-12)
    raw = np.array([max(size, 1e-12) / smallest for size, _ in ranked]) ** -2.0
    weights = (raw / raw.sum()).tolist()
    names = [name for _, name in ranked]
    mixed = sum(w * errors[n] for w, n in zip(weights, names, strict=True))
    return LinearPath(
        weighted_mean([models[name] for name in names], weights),
        dict(zip(names, weights, strict=True)),
        np.asarray(mixed),
        origins,
        np.array([len(values[i]) - 1 - t for i, t in origins]),
    )


def _mean_error(errors: Array) -> float:
    known = np.abs(errors[~np.isnan(errors)])
    return float(known.mean()) if len(known) else float("inf")


def _choose_origins(values: Sequence[Array], horizon: int, lags: int) -> list[tuple[int, int]]:
    places = [
        (i, t) for i, series in enumerate(values) for t in range(lags - 1, len(series) - horizon)
    ]
    stride = max(1, -(-len(places) // _MOST_ORIGINS))
    return places[::-1][::stride][::-1]


def _block_of(values: Sequence[Array], origins: Sequence[tuple[int, int]]) -> Array:
    """Return the number of the block that the steps after each origin are in."""
    return np.array([(t + 1) * _BLOCKS // len(values[i]) for i, t in origins])


def _cross_validate(
    model: Autoregression,
    values: Sequence[Array],
    origins: Sequence[tuple[int, int]],
    block_of: Array,
    windows: Array,
    horizon: int,
) -> tuple[Affine, Array] | None:
    """Return the map fitted to everything, and forecasts of each block by the other blocks."""
    inputs, targets, steps = model.rows(values)
    every = model.fit(inputs, targets, horizon)
    if every is None:
        return None
    share = np.concatenate([s / len(v) for s, v in zip(steps, values, strict=True)])
    margin = np.concatenate(
        [np.full(len(s), horizon / len(v)) for s, v in zip(steps, values, strict=True)]
    )
    forecasts = np.empty((len(origins), horizon))
    for block in range(_BLOCKS):
        here = block_of == block
        if not here.any():
            continue
        begin, end = block / _BLOCKS, (block + 1) / _BLOCKS
        outside = (share < begin) | (share >= end + margin)
        part = model.fit(inputs[outside], targets[outside], horizon)
        if part is None:
            return None
        forecasts[here] = part(windows[here])
    return every, forecasts


def _smoothings(seasons: Sequence[int], allowed: int, horizon: int) -> dict[str, Affine]:
    season = min(seasons, default=1)
    lags = min(allowed, max(4 * season, 24))
    if lags < max(2 * season, 4) or season > 60:
        return {}
    return {
        f"smoothing {level} {trend} {rate}": smoothing(level, trend, season, rate, lags, horizon)
        for level in _RATES
        for trend in (0.0, 0.1)
        for rate in ((0.1, 0.4) if season > 1 else (0.0,))
    }
