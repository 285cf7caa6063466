"""Fitted: a model trained on a panel of series, and the forecasts that it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gru_c.common.arrays import Array, as_real
from gru_c.forecast import training
from gru_c.forecast.features import Layout, Scale
from gru_c.forecast.output import with_future
from gru_c.forecast.preparation import continued, make_plan, scale_of
from gru_c.forecast.series import Panel, Series, read_panel
from gru_c.forecast.timestamps import after
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

    window: int
    horizon: int
    hidden_units: tuple[int, ...]
    season: int | None
    calendar: bool
    dropout: float
    levels: tuple[float, ...]
    validation_fraction: float
    training: Training
    seed: int | None
    num_threads: int | None


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
    """

    model: Sequential
    history: dict[str, list[float]]
    layout: Layout
    scales: dict[str, Scale]
    past: Panel
    levels: tuple[float, ...]

    def read_past(self, series: Any, covariates: Any, names: Sequence[str], steps: int) -> Panel:
        """Return the series to continue, with the covariates of the steps ahead.

        Parameters
        ----------
        series, covariates
            The arguments of `Forecaster.predict`.
        names : sequence of str
            The names of the covariates, if they are columns.
        steps : int
            The number of steps ahead.
        """
        count = len(self.layout.covariate_mean)
        if count and covariates is None:
            raise ValueError(f"the model has {count} covariates: give those of {steps} steps ahead")
        if covariates is not None and not count:
            raise ValueError("the model was trained without covariates")
        if series is None:
            panel = self.past
        else:
            apart = bool(count) and not set(names) <= set(getattr(series, "columns", ()))
            before = covariates if apart or not names else None
            if before is not None and not hasattr(before, "columns"):
                before = np.atleast_1d(as_real("covariates", before))[:-steps]
            panel = read_panel(series, before, names)
            self._check_panel(panel)
        if not count:
            return panel
        return Panel(
            [with_future(item, covariates, names, steps, count) for item in panel.series],
            panel.form,
        )

    def _check_panel(self, panel: Panel) -> None:
        """Raise ValueError for series that are not of the kind that the model was trained on."""
        wanted = self.past.series[0].index
        for item in panel.series:
            if self.layout.calendar and item.index is None:
                raise ValueError(f"series {item.name!r} has no times: the model uses the calendar")
            if wanted is not None and item.index is not None and wanted.freq != item.index.freq:
                raise ValueError(
                    f"series {item.name!r} has the frequency {item.index.freqstr!r}, the model was "
                    f"trained on {wanted.freqstr!r}"
                )
            if len(item) < self.layout.shortest:
                raise ValueError(
                    f"series {item.name!r} has {len(item)} steps, a forecast needs "
                    f"{self.layout.shortest}"
                )

    def outputs(self, panel: Panel, steps: int, num_threads: int | None) -> Array:
        """Return forecasts in the units of the series, of shape (series, steps, levels)."""
        scales = [self.scales.get(i.name) or scale_of(self.layout, i) for i in panel.series]
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
        layout, x, references = self.layout, [], []
        for item, scale in zip(series, scales, strict=True):
            end = np.array([len(item) - 1])
            x.append(layout.windows(item, scale, end))
            references.append(layout.naive(item, end))
        y = self.model.predict(np.concatenate(x), _BATCH_SIZE, verbose=0)
        y = y.reshape(len(series), layout.horizon, len(self.levels)).astype(np.float64)
        step = np.array([scale.step for scale in scales])
        correction: Array = np.sort(y, axis=-1) * step[:, None, None]
        return np.concatenate(references)[..., None] + correction

    def _extend(self, item: Series, forecast: Array) -> Series:
        """Return a series with the medians of its forecast at the end."""
        index = item.index
        if index is not None:
            index = index.append(after(index, self.layout.horizon))
            index.freq = item.index.freq
        return continued(item, forecast[:, self.levels.index(0.5)], index)


def fit(panel: Panel, settings: ForecastSettings) -> Fitted:
    """Prepare the series, and train a model on them."""
    plan = make_plan(
        panel,
        settings.window,
        settings.horizon,
        settings.season,
        settings.calendar,
        settings.validation_fraction,
    )
    outputs = settings.horizon * len(settings.levels)
    with use_threads(settings.num_threads):
        model = training.build(
            plan.layout.features, settings.hidden_units, settings.dropout, outputs, settings.seed
        )
        history = training.train(
            model, plan.train, plan.held_out, settings.levels, settings.training
        )
    return Fitted(model, history, plan.layout, plan.scales, panel, settings.levels)
