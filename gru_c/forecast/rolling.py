"""Rolling origins: the end of the series, forecast again and again from what came before."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from gru_c._attributes import assign
from gru_c.arrays import Array
from gru_c.forecast.backtest import MODEL, NAIVE, SEASONAL, Backtest, Fold
from gru_c.forecast.errors import mase_scale, naive, seasonal_naive
from gru_c.forecast.plan import expected_season
from gru_c.forecast.series import Panel, Series

if TYPE_CHECKING:
    from gru_c.forecast.forecaster import Forecaster


def roll(forecaster: Forecaster, panel: Panel, folds: int, refit: bool) -> Backtest:
    """Return what forecasts from `folds` origins are worth; see `Forecaster.backtest`."""
    horizon, first = forecaster.horizon, folds * forecaster.horizon
    shortest = min(panel.series, key=len)
    if len(shortest) <= first:
        raise ValueError(
            f"series {shortest.name!r} has {len(shortest)} steps: {folds} folds of {horizon} leave "
            "nothing to train on"
        )
    trained = copy.copy(forecaster)
    season = expected_season(panel.cut(first), forecaster.season)
    assign(trained, season=season)
    found = []
    for left in range(first, 0, -horizon):
        part = panel.cut(left)
        if refit or left == first:
            trained.fit_panel(part)
        found.append(_fold(trained, panel, part))
    asked = forecaster.quantiles
    interval = (asked[0], asked[-1]) if asked is not None and len(asked) > 1 else None
    return Backtest([item.name for item in panel.series], found, season, interval)


def _fold(trained: Forecaster, panel: Panel, part: Panel) -> Fold:
    horizon, season = trained.horizon, trained.season or 0
    outputs = trained.outputs(part, horizon)
    pairs = list(zip(panel.series, part.series, strict=True))
    forecasts = {
        MODEL: outputs[..., trained.levels.index(0.5)],
        NAIVE: _each(part, lambda values: naive(values, horizon)),
    }
    if season:
        forecasts[SEASONAL] = _each(part, lambda values: seasonal_naive(values, horizon, season))
    levels = [trained.levels.index(q) for q in trained.quantiles or ()]
    return Fold(
        origins=[_last_step(item) for item in part.series],
        measured=np.stack([whole.values[len(p) :][:horizon] for whole, p in pairs]),
        forecasts=forecasts,
        bounds=outputs[..., [levels[0], levels[-1]]] if len(levels) > 1 else None,
        scales=np.array([mase_scale(item.values, season or 1) for item in part.series]),
        times=[_steps_of(whole, len(p), horizon) for whole, p in pairs],
    )


def _each(part: Panel, forecast: Any) -> Array:
    return np.stack([forecast(item.values) for item in part.series])


def _last_step(item: Series) -> Any:
    return len(item) - 1 if item.index is None else item.index[-1]


def _steps_of(item: Series, begin: int, steps: int) -> Any:
    numbers = np.arange(begin, begin + steps)
    return numbers if item.index is None else item.index[begin : begin + steps]
