"""The backtest of a forecaster: forecasts from several origins, one horizon apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.forecast import fitted
from gru_c.forecast.accuracy import mase_scale, naive, seasonal_naive
from gru_c.forecast.backtest import Backtest
from gru_c.forecast.fitted import Fitted, ForecastSettings
from gru_c.forecast.fold import Fold
from gru_c.forecast.panel import Panel
from gru_c.forecast.preparation import check_values, usable
from gru_c.forecast.series import Series
from gru_c.forecast.static import StaticFeature

MODEL, NAIVE, SEASONAL = "GRU", "naive", "seasonal naive"


def roll(
    settings: ForecastSettings,
    quantiles: tuple[float, ...] | None,
    panel: Panel,
    folds: int,
    refit: bool,
    static: tuple[StaticFeature, ...] = (),
) -> Backtest:
    """Return the errors of forecasts from `folds` origins; see `Forecaster.backtest`.

    Parameters
    ----------
    quantiles : tuple of float or None
        The quantiles asked for.
    static : tuple of StaticFeature
        The static features of the series.
    """
    horizon, first = settings.plan.horizon, folds * settings.plan.horizon

    def check(item: Series) -> Series:
        if len(item) <= first:
            raise ValueError(
                f"series {item.name!r} has {len(item)} steps: {folds} folds of {horizon} leave "
                "nothing to train on"
            )
        return check_values(item, settings.plan)

    panel = panel.each(check, settings.plan.skip_bad)
    panel, season = _usable_before(panel, first, settings)
    settings = replace(settings, plan=replace(settings.plan, season=season))
    model = fitted.fit(panel.cut(first), settings, static)
    results = []
    for left in range(first, 0, -horizon):
        part = panel.cut(left)
        if refit and left < first:
            model = fitted.fit(part, settings, static)
        forecasts = model.outputs(part, horizon, settings.num_threads)
        results.append(_fold(model, quantiles or (), panel, part, forecasts))
    several = quantiles is not None and len(quantiles) > 1
    interval = (quantiles[0], quantiles[-1]) if quantiles is not None and several else None
    names = [item.name for item in panel.series]
    return Backtest(names, results, season, interval, panel.skipped)


def _usable_before(panel: Panel, steps: int, settings: ForecastSettings) -> tuple[Panel, int]:
    """Return the series that can be used without their last steps, and the season of these."""
    part, season = usable(panel.cut(steps), settings.plan)
    names = {item.name for item in part.series}
    kept = [item for item in panel.series if item.name in names]
    return replace(panel, series=kept, skipped=part.skipped), season


def _fold(
    model: Fitted, quantiles: tuple[float, ...], panel: Panel, part: Panel, outputs: Array
) -> Fold:
    """Return the forecasts from the end of `part`, with the panel's values after it."""
    horizon, season = model.layout.horizon, model.layout.season
    pairs = list(zip(panel.series, part.series, strict=True))
    forecasts = {
        MODEL: outputs[..., model.levels.index(0.5)],
        NAIVE: _forecast_each(part, lambda values: naive(values, horizon)),
    }
    if season:
        forecasts[SEASONAL] = _forecast_each(
            part, lambda values: seasonal_naive(values, horizon, season)
        )
    levels = [model.levels.index(q) for q in quantiles]
    return Fold(
        origins=[_last_step(item) for item in part.series],
        measured=np.stack([whole.values[len(p) :][:horizon] for whole, p in pairs]),
        forecasts=forecasts,
        bounds=outputs[..., [levels[0], levels[-1]]] if len(levels) > 1 else None,
        scales=np.array([mase_scale(item.values, season or 1) for item in part.series]),
        times=[_times(whole, len(p), horizon) for whole, p in pairs],
    )


def _forecast_each(part: Panel, forecast: Callable[[Array], Array]) -> Array:
    return np.stack([forecast(item.values) for item in part.series])


def _last_step(item: Series) -> Any:
    return len(item) - 1 if item.index is None else item.index[-1]


def _times(item: Series, begin: int, steps: int) -> Any:
    numbers = np.arange(begin, begin + steps)
    return numbers if item.index is None else item.index[begin : begin + steps]
