"""The backtest of a forecaster: forecasts from several origins, one horizon apart."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.warnings import warn
from gru_c.forecast import fitted
from gru_c.forecast.accuracy import mase_scale
from gru_c.forecast.backtest import Backtest
from gru_c.forecast.fitted import Fitted, ForecastSettings
from gru_c.forecast.fold import Fold
from gru_c.forecast.panel import Panel
from gru_c.forecast.peers import MODEL, Task, choose_peers, forecast_by
from gru_c.forecast.preparation import check_values, usable
from gru_c.forecast.series import Series
from gru_c.forecast.static import StaticFeature

_MOST_FOLDS = 3  # of the choice of a method


def roll(
    settings: ForecastSettings,
    quantiles: tuple[float, ...] | None,
    panel: Panel,
    folds: int,
    refit: bool,
    static: tuple[StaticFeature, ...] = (),
    compare: Sequence[str] | None = None,
) -> Backtest:
    """Return the errors of forecasts from `folds` origins; see `Forecaster.backtest`.

    Parameters
    ----------
    quantiles : tuple of float or None
        The quantiles asked for.
    static : tuple of StaticFeature
        The static features of the series.
    compare : sequence of str, optional
        The methods beside the model.
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
    methods = choose_peers(compare, panel, season)
    results: list[Fold] = []
    model: Fitted | None = None
    for left in range(first, 0, -horizon):
        part, start = panel.cut(left), time.perf_counter()
        if refit or model is None:
            model = fitted.fit(part, settings, static)
        outputs = {MODEL: model.outputs(part, horizon, settings.num_threads)}
        seconds = {MODEL: time.perf_counter() - start}
        for method in tuple(methods):
            start = time.perf_counter()
            try:
                outputs[method] = _outputs_of(method, model, part)
            except Exception as error:  # of a package's own kind
                warn(f"left out of the comparison: {method}: {error}")
                methods.remove(method)
            seconds[method] = time.perf_counter() - start
        results.append(_fold(model, quantiles or (), panel, part, outputs, seconds))
    for fold in results:
        for by_method in (fold.forecasts, fold.quantiles, fold.seconds):
            for method in by_method.keys() - {MODEL, *methods}:
                del by_method[method]
    several = quantiles is not None and len(quantiles) > 1
    interval = (quantiles[0], quantiles[-1]) if quantiles is not None and several else None
    names = [item.name for item in panel.series]
    return Backtest(names, results, season, interval, panel.skipped, quantiles or ())


def choose_method(
    settings: ForecastSettings, panel: Panel, static: tuple[StaticFeature, ...]
) -> str:
    """Return the method with the smallest error in a backtest of the last steps.

    The model is trained once for it. There are three folds, or fewer if the series are short.
    """
    horizon, shortest = settings.plan.horizon, min(map(len, panel.series))
    folds = min(max((shortest // 2) // horizon, 1), _MOST_FOLDS)
    return roll(settings, None, panel, folds, refit=False, static=static).best


def _usable_before(panel: Panel, steps: int, settings: ForecastSettings) -> tuple[Panel, int]:
    """Return the series that can be used without their last steps, and the season of these."""
    part, season = usable(panel.cut(steps), settings.plan)
    names = {item.name for item in part.series}
    kept = [item for item in panel.series if item.name in names]
    return replace(panel, series=kept, skipped=part.skipped), season


def _outputs_of(method: str, model: Fitted, part: Panel) -> Array:
    """Return the forecasts of a simpler method, (series, horizon, levels)."""
    layout = model.layout
    scales = [model.scale_of(item) for item in part.series]
    pairs = zip(part.series, scales, strict=True)
    tasks = [Task(layout, item, scale, model.levels) for item, scale in pairs]
    return np.stack([forecast_by(method, task) for task in tasks])


def _fold(
    model: Fitted,
    quantiles: tuple[float, ...],
    panel: Panel,
    part: Panel,
    outputs: dict[str, Array],
    seconds: dict[str, float],
) -> Fold:
    """Return the forecasts from the end of `part`, with the panel's values after it."""
    horizon, season = model.layout.horizon, model.layout.season
    pairs = list(zip(panel.series, part.series, strict=True))
    levels = [model.levels.index(q) for q in quantiles]
    middle = model.levels.index(0.5)
    return Fold(
        origins=[_last_step(item) for item in part.series],
        measured=np.stack([whole.values[len(p) :][:horizon] for whole, p in pairs]),
        forecasts={method: output[..., middle] for method, output in outputs.items()},
        bounds=outputs[MODEL][..., [levels[0], levels[-1]]] if len(levels) > 1 else None,
        scales=np.array([mase_scale(item.values, season or 1) for item in part.series]),
        times=[_times(whole, len(p), horizon) for whole, p in pairs],
        quantiles={method: o[..., levels] for method, o in outputs.items()} if levels else {},
        seconds=seconds,
    )


def _last_step(item: Series) -> Any:
    return len(item) - 1 if item.index is None else item.index[-1]


def _times(item: Series, begin: int, steps: int) -> Any:
    numbers = np.arange(begin, begin + steps)
    return numbers if item.index is None else item.index[begin : begin + steps]
