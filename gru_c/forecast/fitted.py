"""Fitted: a model trained on a panel of series, and the forecasts that it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gru_c.common.arrays import Array, as_real
from gru_c.forecast import training
from gru_c.forecast.features import Layout, Scale
from gru_c.forecast.index import times_of
from gru_c.forecast.output import with_future
from gru_c.forecast.panel import Given, Panel, read_panel
from gru_c.forecast.peers import MODEL, Task, forecast_steps
from gru_c.forecast.preparation import (
    PlanSettings,
    check_values,
    continued,
    make_plan,
    scale_of,
)
from gru_c.forecast.samples import SeriesWindows
from gru_c.forecast.series import Series, is_frame
from gru_c.forecast.static import StaticFeature, new_static
from gru_c.forecast.training import Training
from gru_c.models.sequential import Sequential
from gru_c.runtime.threads import use_threads

_BATCH_SIZE = 256  # windows in a batch of a forecast


@dataclass(frozen=True)
class ForecastSettings:
    """The arguments of `Forecaster` that `fit` depends on.

    Attributes
    ----------
    levels : tuple of float
        The quantiles that the model forecasts, in ascending order; 0.5 is one of them.
    """

    plan: PlanSettings
    hidden_units: tuple[int, ...]
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
    """

    model: Sequential
    history: dict[str, list[float]]
    layout: Layout
    scales: dict[str, Scale]
    past: Panel
    levels: tuple[float, ...]
    static: tuple[StaticFeature, ...] = ()
    method: str = MODEL

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
        scales = [self.scales.get(i.name) or scale_of(self.layout, i) for i in panel.series]
        if self.method != MODEL:
            pairs = zip(panel.series, scales, strict=True)
            tasks = [Task(self.layout, item, scale, self.levels) for item, scale in pairs]
            return np.stack([forecast_steps(self.method, task, steps) for task in tasks])
        series = [item.tail(self.layout.needed) for item in panel.series]
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
            windows = SeriesWindows(self.layout, series[batch], scales[batch])
            numbers = np.arange(len(series[batch]))
            ends = np.array([len(item) - 1 for item in series[batch]])
            y = self.model.predict(windows.inputs(numbers, ends), _BATCH_SIZE, verbose=0)
            y = y.reshape(len(numbers), self.layout.horizon, len(self.levels)).astype(np.float64)
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
    outputs = settings.plan.horizon * len(settings.levels)
    with use_threads(settings.num_threads):
        model = training.build(
            plan.layout.features, settings.hidden_units, settings.dropout, outputs, settings.seed
        )
        history = training.train(
            model, plan.train, plan.held_out, settings.levels, settings.training
        )
    return Fitted(model, history, plan.layout, plan.scales, plan.panel, settings.levels, static)
