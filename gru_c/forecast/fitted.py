"""Fitted: a model trained on a panel of series, and the forecasts that it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gru_c.common.arrays import Array, as_real
from gru_c.forecast import training
from gru_c.forecast.base import Base, base_of, path_of, share_of, widening_of
from gru_c.forecast.features import Layout, Scale
from gru_c.forecast.index import times_of
from gru_c.forecast.output import with_future
from gru_c.forecast.panel import Given, Panel, read_panel
from gru_c.forecast.peers import MODEL, Task, forecast_steps
from gru_c.forecast.preparation import (
    Plan,
    PlanSettings,
    check_values,
    continued,
    make_plan,
    path_scale,
    scale_of,
)
from gru_c.forecast.samples import SeriesWindows
from gru_c.forecast.series import Series, is_frame
from gru_c.forecast.static import StaticFeature, new_static
from gru_c.forecast.training import Training
from gru_c.layers import GRU
from gru_c.models.sequential import Sequential
from gru_c.runtime.threads import use_threads

_BATCH_SIZE = 256  # windows in a batch of a forecast


@dataclass(frozen=True)
class ForecastSettings:
    """The arguments of `Forecaster` that `fit` depends on.

    Attributes
    ----------
    sizes : tuple of tuple of int
        The units of the layers of each model that is trained; the best of them is kept.
    levels : tuple of float
        The quantiles that the model forecasts, in ascending order; 0.5 is one of them.
    """

    plan: PlanSettings
    sizes: tuple[tuple[int, ...], ...]
    dropout: float
    levels: tuple[float, ...]
    training: Training
    seed: int | None
    num_threads: int | None


@dataclass(frozen=True)
class Ahead:
    """The arguments of `Forecaster.predict`, and the settings that say how to read them.

    Attributes
    ----------
    series, covariates, past, static
        The data.
    names, past_names : sequence of str
        The names of the covariates, if they are columns.
    steps : int
        The number of steps ahead.
    skip_bad : bool
        Leave out series that cannot be forecast.
    """

    series: Any
    covariates: Any
    past: Any
    static: Any
    names: Sequence[str]
    past_names: Sequence[str]
    steps: int
    skip_bad: bool


@dataclass(frozen=True)
class Fitted:
    """A trained model, with everything else that forecasts are computed from.

    Attributes
    ----------
    model : Sequential
    history : dict of str to list of float
        The losses of each epoch.
    layout : Layout
        The features of a time step.
    scales : dict of str to Scale
        The scales of the series in `past`, by name.
    past : Panel
        The series of the training, or at least their ends.
    levels : tuple of float
        The quantiles that the model forecasts.
    static : tuple of StaticFeature
    method : str
        "GRU" for the model, or the simpler method that makes the forecasts.
    base : Base, optional
        The linear forecast that the model corrects; without it, it corrects a naive one.
    """

    model: Sequential
    history: dict[str, list[float]]
    layout: Layout
    scales: dict[str, Scale]
    past: Panel
    levels: tuple[float, ...]
    static: tuple[StaticFeature, ...] = ()
    method: str = MODEL
    base: Base | None = None

    @property
    def needed(self) -> int:
        """The number of steps at the end of a series that a forecast depends on."""
        return max(self.layout.needed, 0 if self.base is None else self.base.lags)

    def scale_of(self, item: Series) -> Scale:
        """Return the scale of a series, which is measured if it is not one of the training."""
        known = self.scales.get(item.name)
        if known is not None:
            return known
        scale = scale_of(self.layout, item)
        return scale if self.base is None else path_scale(scale, self.base.size)

    def read_past(self, ahead: Ahead) -> Panel:
        """Return the series to continue, with the covariates of the steps ahead."""
        self._check_arguments(ahead)
        count, steps = len(self.layout.covariate_mean), ahead.steps
        names = tuple(ahead.names) or self.past.names
        panel = self.past
        if ahead.series is not None:
            panel = self._read_series(ahead, names).each(self._checked, ahead.skip_bad)
        panel = new_static(panel, ahead.static, self.static, self.past.series, ahead.skip_bad)
        if not count:
            return panel
        return panel.each(
            lambda item: with_future(item, ahead.covariates, names, steps, count), ahead.skip_bad
        )

    def _check_arguments(self, ahead: Ahead) -> None:
        """Raise ValueError for covariates that are missing, or that the model does not have."""
        layout, steps = self.layout, ahead.steps
        count = len(layout.covariate_mean)
        if count and ahead.covariates is None:
            raise ValueError(f"the model has {count} covariates: give those of {steps} steps ahead")
        if ahead.covariates is not None and not count:
            raise ValueError("the model was trained without covariates")
        if ahead.past is not None and not layout.past_mean:
            raise ValueError("the model was trained without past covariates")
        if ahead.past is not None and ahead.series is None:
            raise ValueError("past covariates belong to new series: give series, too")
        if layout.past_mean and steps > layout.horizon:
            raise ValueError(
                f"steps must be at most the horizon of {layout.horizon}, got {steps}: forecasts "
                "beyond it need the past covariates of the steps before them, which are not known"
            )

    def _read_series(self, ahead: Ahead, names: Sequence[str]) -> Panel:
        """Return the user's series, with the covariates of their steps."""
        before = None
        if self.layout.covariate_mean and not (names and _have_columns(ahead.series, names)):
            before = _before(ahead.covariates, ahead.steps)
        given = Given(
            before,
            names if self.layout.covariate_mean else (),
            ahead.past,
            (ahead.past_names or self.past.past_names) if self.layout.past_mean else (),
            ahead.skip_bad,
            self.past.series[0].step,
        )
        return read_panel(ahead.series, given)

    def _checked(self, item: Series) -> Series:
        """Return a series; ValueError unless it is of the kind that the model was trained on."""
        label = f"series {item.name!r}"
        if self.layout.calendar and item.index is None:
            raise ValueError(f"{label} has no times: the model uses the calendar")
        steps = {i.step.kind: i.step.name for i in self.past.series if i.step is not None}
        if steps and item.step is not None and item.step.kind not in steps:
            raise ValueError(
                f"{label} has the frequency {item.step.name!r}, the model was trained on "
                f"{' and '.join(map(repr, steps.values()))}"
            )
        if len(item) < self.layout.shortest:
            raise ValueError(
                f"{label} has {len(item)} steps, a forecast needs {self.layout.shortest}"
            )
        past = len(self.layout.past_mean)
        if item.past.shape[1] != past:
            raise ValueError(
                f"the model has {past} past covariates, {label} has {item.past.shape[1]}: give "
                "those of its steps"
            )
        return check_values(item, self.layout)

    def outputs(self, panel: Panel, steps: int, num_threads: int | None) -> Array:
        """Return forecasts in the units of the series, of shape (series, steps, levels)."""
        scales = [self.scale_of(item) for item in panel.series]
        if self.method != MODEL:
            pairs = zip(panel.series, scales, strict=True)
            tasks = [Task(self.layout, item, scale, self.levels) for item, scale in pairs]
            return np.stack([forecast_steps(self.method, task, steps) for task in tasks])
        series = [item.tail(self.needed) for item in panel.series]
        parts: list[Array] = []
        with use_threads(num_threads):
            for done in range(0, steps, self.layout.horizon):
                if done:
                    series = [self._extend(s, p) for s, p in zip(series, parts[-1], strict=True)]
                parts.append(self._next_horizon(series, scales))
        return np.concatenate(parts, axis=1)[:, :steps]

    def _next_horizon(self, series: list[Series], scales: list[Scale]) -> Array:
        """Return the next `horizon` steps of each series, of shape (series, horizon, levels)."""
        parts = []
        for begin in range(0, len(series), _BATCH_SIZE):
            batch = slice(begin, begin + _BATCH_SIZE)
            mapping = None if self.base is None else self.base.map
            windows = SeriesWindows(self.layout, series[batch], scales[batch], mapping)
            numbers = np.arange(len(series[batch]))
            ends = np.array([len(item) - 1 for item in series[batch]])
            y = np.zeros((len(numbers), self.layout.horizon, len(self.levels)))
            if self.base is None or self.base.share:
                x = windows.inputs(numbers, ends)
                y += self.model.predict(x, _BATCH_SIZE, verbose=0).reshape(y.shape)
            if self.base is not None:
                y = self.base.corrections(y, self.levels.index(0.5))
            parts.append(windows.forecasts(numbers, ends, y))
        return np.concatenate(parts)

    def _extend(self, item: Series, forecast: Array) -> Series:
        """Return a series with the medians of its forecast at the end."""
        return continued(item, forecast[:, self.levels.index(0.5)])


def _have_columns(series: Any, names: Sequence[str]) -> bool:
    """Return True if the DataFrame, or each of the DataFrames, has all these columns."""
    frames = [series] if is_frame(series) else []
    if isinstance(series, Mapping):
        frames = list(series.values())
    elif isinstance(series, (list, tuple)):
        frames = list(series)
    return bool(frames) and all(is_frame(f) and set(names) <= set(f.columns) for f in frames)


def _before(covariates: Any, steps: int) -> Any:
    """Return covariates without their last rows, those of the steps ahead.

    The rows of a DataFrame with times are looked up by these.
    """
    if isinstance(covariates, Mapping):
        return {name: _before(rows, steps) for name, rows in covariates.items()}
    if not is_frame(covariates):
        return np.atleast_1d(as_real("covariates", covariates))[:-steps]
    return (
        covariates
        if times_of("covariates", covariates.index) is not None
        else covariates.iloc[:-steps]
    )


def fit(panel: Panel, settings: ForecastSettings, static: tuple[StaticFeature, ...] = ()) -> Fitted:
    """Prepare the series, and train a model on them."""
    plan = make_plan(panel, settings.plan)
    with use_threads(settings.num_threads):
        model, history = _train(plan, settings)
        base = None if plan.path is None else _base(plan, settings, model)
    scales = plan.scales
    if base is not None:
        scales = {name: path_scale(scale, base.size) for name, scale in scales.items()}
    levels = settings.levels
    return Fitted(model, history, plan.layout, scales, plan.panel, levels, static, base=base)


def _train(plan: Plan, settings: ForecastSettings) -> tuple[Sequential, dict[str, list[float]]]:
    """Train a model of each size, and return the one with the smallest loss."""
    outputs = settings.plan.horizon * len(settings.levels)
    best: tuple[float, Sequential, dict[str, list[float]]] | None = None
    for number, units in enumerate(settings.sizes):
        seed = None if settings.seed is None else settings.seed + number
        model = training.build(plan.layout.features, units, settings.dropout, outputs, seed)
        history = training.train(
            model, plan.train, plan.held_out, settings.levels, settings.training
        )
        loss = min(history.get("val_loss", history["loss"]))
        if best is None or loss < best[0]:
            best = loss, model, history
    assert best is not None
    return best[1:]


def _base(plan: Plan, settings: ForecastSettings, model: Sequential) -> Base:
    """Return the linear forecast fitted to all steps, with the part that the model has in it.

    The model's part follows from the values held out; without such values it has its whole part.
    """
    assert plan.path is not None
    layout, levels, series = plan.layout, settings.levels, plan.panel.series
    scales = [plan.scales[item.name] for item in series]
    most = len(plan.path.map.coefficients)
    base = base_of(path_of(layout, series, scales, most) or plan.path, levels)
    if plan.held_out is None:
        return replace(base, share=1.0)
    x, targets = plan.held_out.x[:], plan.held_out.y[:]
    outputs = model.predict(x, _BATCH_SIZE, verbose=0).astype(np.float64)
    outputs = outputs.reshape(len(x), layout.horizon, len(levels))
    base = replace(base, share=share_of(outputs, targets, levels.index(0.5)))
    if not base.share or len(levels) == 1:
        return base
    return replace(base, widening=widening_of(base, outputs, targets, levels))


def choices(known: Fitted) -> dict[str, Any]:
    """Return what a forecaster was fitted with: given by hand or chosen from the data."""
    layout, base = known.layout, known.base
    units = [layer.units for layer in known.model.layers if isinstance(layer, GRU)]
    chosen: dict[str, Any] = {
        "window": layout.window,
        "hidden_units": units,
        "seasons": list(layout.seasons),
        "scale": "log" if layout.log else "linear",
        "reference": layout.reference if base is None else "linear",
        "intervals": "not calibrated",
    }
    if base is not None:
        chosen["lags"] = base.lags
        chosen["linear_models"] = base.models
        chosen["GRU_share"] = base.share
        chosen["intervals"] = "a guess" if base.is_guess else "calibrated"
    return chosen
