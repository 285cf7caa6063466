"""The simpler methods that a backtest shows beside the model, with their quantiles."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.optional import require
from gru_c.forecast.accuracy import filled, repeated
from gru_c.forecast.effects import ridge
from gru_c.forecast.features import Layout, Scale
from gru_c.forecast.intermittent import croston, is_intermittent, tsb
from gru_c.forecast.panel import Panel
from gru_c.forecast.series import Series

MODEL = "GRU"
NAIVE, SEASONAL, RIDGE = "naive", "seasonal naive", "ridge"
_INTERMITTENT = {"Croston": croston, "TSB": tsb}
OUR_OWN = (NAIVE, SEASONAL, RIDGE, *_INTERMITTENT)
_OTHERS = {"ETS": "AutoETS", "Theta": "Theta", "AutoARIMA": "AutoARIMA"}  # of statsforecast
PEERS = (*OUR_OWN, *_OTHERS)
_MOST_ORIGINS = 2000  # of the errors that quantiles are measured from, and of a ridge regression
_FEWEST_ORIGINS = 8


@dataclass(frozen=True)
class Task:
    """A forecast to make with a simpler method.

    Attributes
    ----------
    layout : Layout
        Its window, horizon, season, scale and covariates.
    item : Series
    scale : Scale
    levels : tuple of float
        The quantiles; 0.5 is one of them.
    """

    layout: Layout
    item: Series
    scale: Scale
    levels: tuple[float, ...]


def choose_peers(names: Sequence[str] | None, panel: Panel, season: int) -> list[str]:
    """Return the methods to compare: those named, or all for which there is a package.

    Croston and TSB are for series that are often 0.

    Raises
    ------
    ValueError
        For a name that is none of a method, or the seasonal naive forecast without a season.
    ImportError
        When a named method needs a package that is not installed.
    """
    if names is None:
        often_zero = all(is_intermittent(item.values) for item in panel.series)
        left_out = {SEASONAL} if not season else set()
        left_out |= set() if often_zero else set(_INTERMITTENT)
        ours = [name for name in OUR_OWN if name not in left_out]
        return ours + list(_OTHERS if importlib.util.find_spec("statsforecast") else ())
    if isinstance(names, str):
        raise TypeError(f"compare must be a list of names, got {names!r}")
    for name in names:
        if name not in PEERS:
            raise ValueError(f"compare must name some of {list(PEERS)}, got {name!r}")
        if name == SEASONAL and not season:
            raise ValueError(f"compare names {SEASONAL!r}, but the series have no season")
        if name in _OTHERS:
            require("statsforecast", "statsforecast")
    return list(dict.fromkeys(names))


def forecast_by(method: str, task: Task) -> Array:
    """Return the forecast of a method, (horizon, levels); ValueError if it cannot make one."""
    if method == NAIVE:
        return _repeat(task, 1)
    if method == SEASONAL:
        return _repeat(task, _better_season(task))
    if method == RIDGE:
        return _by_ridge(task)
    if method in _INTERMITTENT:
        return _by_recursion(method, task)
    return _by_statsforecast(method, task)


def _better_season(task: Task) -> int:
    """Return that of the seasons whose repetition has the smaller error."""
    values, seasons = task.item.values, task.layout.seasons

    def error(season: int) -> float:
        return float(np.nanmean(np.abs(values[season:] - values[:-season])))

    return min((s for s in seasons if 2 * s <= len(values)), key=error, default=seasons[0])


def _by_recursion(method: str, task: Task) -> Array:
    """Return a forecast that is the same for all steps; quantiles by its errors before."""
    values, horizon = task.item.values, task.layout.horizon
    forecasts = _INTERMITTENT[method](filled(values))
    origins = np.arange(len(values) // 4, len(values) - horizon)[-_MOST_ORIGINS:]
    errors = np.empty((0, horizon))
    if len(origins):
        errors = values[origins[:, None] + np.arange(1, horizon + 1)] - forecasts[origins, None]
    outputs = _with_errors(np.full(horizon, forecasts[-1]), errors, task.levels)
    return np.maximum(outputs, 0.0 if task.layout.lower is None else task.layout.lower)


def _repeat(task: Task, season: int) -> Array:
    """Return the last value or season; quantiles by the errors of such forecasts before."""
    values, horizon = task.item.values, task.layout.horizon
    known, first = filled(values), max(season - 1, len(values) - horizon - _MOST_ORIGINS)
    origins = np.arange(first, len(values) - horizon)
    middle = repeated(known, horizon, season)
    errors = np.empty((0, horizon))
    if len(origins):
        ahead = values[origins[:, None] + np.arange(1, horizon + 1)]
        errors = ahead - repeated(known, horizon, season, origins)
    return _with_errors(middle, errors, task.levels)


def _with_errors(middle: Array, errors: Array, levels: Sequence[float]) -> Array:
    """Return quantiles around a forecast, by the errors of others (origins, horizon).

    The median is the forecast itself. Quantiles of too few errors are NaN.
    """
    outputs = np.repeat(middle[:, None], len(levels), axis=1)
    for step in range(len(middle)):
        known = errors[~np.isnan(errors[:, step]), step]
        for place, level in enumerate(levels):
            if level != 0.5:
                enough = len(known) >= _FEWEST_ORIGINS
                outputs[step, place] += np.quantile(known, level) if enough else np.nan
    return outputs


def _by_ridge(task: Task) -> Array:
    """Return the forecast of a linear model of the last values, of which each is a difference."""
    layout, item, effects = task.layout, task.item, task.scale.effects
    values, horizon = layout.measured(item, effects), layout.horizon
    known = filled(values)
    lags = max(min(layout.shortest, (len(values) - horizon) // 3), 1)
    origins = np.arange(max(lags - 1, len(values) - horizon - _MOST_ORIGINS), len(values) - horizon)
    y = values[origins[:, None] + np.arange(1, horizon + 1)] - known[origins, None]
    x = known[origins[:, None] - np.arange(1, lags)] - known[origins, None]
    complete = ~np.isnan(y).any(axis=1)
    x, y = x[complete], y[complete]
    if len(x) < _FEWEST_ORIGINS:
        raise ValueError(
            f"series {item.name!r} has {len(x)} windows for a ridge regression, which needs at "
            f"least {_FEWEST_ORIGINS}"
        )
    centre, mean = x.mean(axis=0), y.mean(axis=0)
    coefficients, errors = ridge(x - centre, y - mean)
    last = known[-1 - np.arange(1, lags)] - known[-1]
    middle = known[-1] + mean + (last - centre) @ coefficients
    middle = middle + (layout.effect(item, effects)[len(item) :][:horizon] if effects else 0.0)
    return layout.forecasts(_with_errors(middle, errors, task.levels))


def _by_statsforecast(method: str, task: Task) -> Array:
    models = require("statsforecast.models", "statsforecast")
    model = getattr(models, _OTHERS[method])(season_length=max(task.layout.season, 1))
    exact = [round(100 * abs(1 - 2 * level), 6) for level in task.levels]
    width = [int(percent) if percent == int(percent) else percent for percent in exact]
    wanted = sorted({percent for percent in width if percent})
    values = filled(task.item.values)
    result = model.forecast(y=values, h=task.layout.horizon, level=wanted or None)
    columns = [
        result[f"{'lo' if level < 0.5 else 'hi'}-{percent}"] if percent else result["mean"]
        for level, percent in zip(task.levels, width, strict=True)
    ]
    outputs: Array = np.stack(columns, axis=1).astype(np.float64)
    lower = task.layout.lower
    return outputs if lower is None else np.maximum(outputs, lower)


def forecast_steps(method: str, task: Task, steps: int) -> Array:
    """Return a forecast of any number of steps, (steps, levels).

    Those beyond the horizon follow from the medians before them, as if these had been measured.
    """
    middle, item = task.levels.index(0.5), task.item
    parts: list[Array] = []
    for done in range(0, steps, task.layout.horizon):
        if done:
            item = replace(item, values=np.concatenate([item.values, parts[-1][:, middle]]))
        parts.append(forecast_by(method, replace(task, item=item)))
    return np.concatenate(parts)[:steps]
