"""The inputs and targets of a model, made from a series: features, windows, differences.

The features of a time step are, in this order: the value, scaled by the mean and deviation of the
training part; with a season, the difference from the value one season before; if the training part
has missing values, 1 where the value is missing and was filled with the last known one; the
calendar; the covariates of this step, and those of the step `horizon` steps later.

The targets are differences from a naive forecast: the last value or the last season.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gru_c.common.arrays import Array
from gru_c.forecast.accuracy import filled, repeated
from gru_c.forecast.series import Series
from gru_c.forecast.timestamps import calendar_features

_FLAT = 1e-9  # relative to the values: smaller differences are rounding
_SMALLEST = 1e-200  # smallest divisor: the largest value of a series is 1e100
_FARTHEST = 1e6  # scaled values are clipped to this: new data may differ from all data before


@dataclass(frozen=True)
class Scale:
    """The scale of one series.

    Attributes
    ----------
    mean, std : float
        Mean and standard deviation of the values.
    step : float
        Root mean square of the differences from the naive forecast.
    """

    mean: float
    std: float
    step: float

    @classmethod
    def fit(cls, values: Array, references: Array, targets: Array) -> Scale:
        """Return the scale of a series.

        The deviation of a constant series is taken as 1. Where the naive forecast is right up to
        rounding, the step has the size of the rounding.
        """
        smallest = max(_FLAT * float(np.nanmax(np.abs(values))), _SMALLEST)
        std, step = float(np.nanstd(values)), _size(targets - references)
        return cls(
            mean=float(np.nanmean(values)),
            std=std if std > smallest else 1.0,
            step=max(step, smallest),
        )


def _size(values: Array) -> float:
    """Return the root mean square of the known values; 0 if none is known."""
    known = values[~np.isnan(values)]
    return float(np.sqrt((known**2).mean())) if known.size else 0.0


@dataclass(frozen=True)
class Layout:
    """The features of a time step, and the naive forecast that the model corrects.

    Attributes
    ----------
    window, horizon : int
    season : int
        Number of steps in a season, 0 for none.
    reference : {"last", "season"}
        The naive forecast that the model corrects.
    marks_missing : bool
        True if a feature marks missing values.
    calendar : tuple of str
        The cycles of the calendar; see `calendar_of`.
    covariate_mean, covariate_std : tuple of float
        Scales of the covariates.
    """

    window: int
    horizon: int
    season: int
    reference: str
    marks_missing: bool
    calendar: tuple[str, ...]
    covariate_mean: tuple[float, ...]
    covariate_std: tuple[float, ...]

    @property
    def features(self) -> int:
        """The number of features of a time step."""
        cycles, covariates = len(self.calendar), len(self.covariate_mean)
        return 1 + bool(self.season) + self.marks_missing + 2 * cycles + 2 * covariates

    @property
    def shortest(self) -> int:
        """The smallest number of steps that a forecast needs."""
        return max(self.window, self.season)

    @property
    def needed(self) -> int:
        """The number of steps at the end of a series that a forecast depends on."""
        return self.window + self.season

    def naive(self, item: Series, origins: Array) -> Array:
        """Return the naive forecasts from some steps of a series, (origins, horizon)."""
        return self.references(filled(item.values), origins)

    def references(self, values: Array, origins: Array) -> Array:
        """Return the naive forecasts from some steps of filled values, (origins, horizon)."""
        season = self.season if self.reference == "season" else 1
        return repeated(values, self.horizon, season, origins)

    def inputs(self, item: Series, scale: Scale) -> Array:
        """Return the features of every step, (n, features)."""
        values = filled(item.values)
        columns = [((values - scale.mean) / scale.std)[:, None]]
        if self.season:
            rise = np.zeros((len(values), 1))
            rise[self.season :, 0] = (values[self.season :] - values[: -self.season]) / scale.step
            columns.append(rise)
        if self.marks_missing:
            columns.append(np.isnan(item.values)[:, None])
        if self.calendar:
            columns.append(calendar_features(item.index, self.calendar))
        if self.covariate_mean:
            known = (item.covariates - self.covariate_mean) / self.covariate_std
            later = np.minimum(np.arange(len(values)) + self.horizon, len(known) - 1)
            columns += [known[: len(values)], known[later]]
        return _clip(np.concatenate(columns, axis=1))

    def windows(self, item: Series, scale: Scale, origins: Array) -> Array:
        """Return the windows that end at some steps, (origins, window, features).

        The result is a view if the origins follow each other.
        """
        inputs = self.inputs(item, scale)
        all_windows = sliding_window_view(inputs, self.window, axis=0).swapaxes(1, 2)
        starts = origins - self.window + 1
        if len(starts) and starts[-1] - starts[0] == len(starts) - 1:
            windows: Array = all_windows[starts[0] : starts[-1] + 1]
        else:
            windows = all_windows[starts]
        return windows

    def targets(self, item: Series, origins: Array) -> Array:
        """Return the values after some steps, NaN where missing: (origins, horizon)."""
        values: Array = item.values[origins[:, None] + np.arange(1, self.horizon + 1)]
        return values


@dataclass(frozen=True)
class Windows:
    """Samples for a model: x (n, window, features) and y (n, horizon), float32; y may be NaN."""

    x: Array
    y: Array

    @classmethod
    def concatenate(cls, parts: list[tuple[Array, Array]]) -> Windows:
        """Return the windows of several series as one object."""
        if len(parts) == 1:
            return cls(*parts[0])
        xs, ys = zip(*parts, strict=True)
        return cls(np.concatenate(xs), np.concatenate(ys))


def make_windows(layout: Layout, item: Series, scale: Scale, origins: Array) -> tuple[Array, Array]:
    """Return inputs and scaled targets for the origins with at least one known target."""
    targets = layout.targets(item, origins)
    any_known = ~np.isnan(targets).all(axis=1)
    origins, targets = origins[any_known], targets[any_known]
    if not len(origins):
        empty = np.empty((0, layout.window, layout.features), np.float32)
        return empty, targets.astype(np.float32)
    references = layout.naive(item, origins)
    y = _clip((targets - references) / scale.step)
    return layout.windows(item, scale, origins), y


def _clip(scaled: Array) -> Array:
    return np.clip(scaled, -_FARTHEST, _FARTHEST).astype(np.float32)
