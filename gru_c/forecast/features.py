"""From a series to what a model sees of it: scaled steps, windows, targets, and the way back.

Every step has the value, scaled by mean and deviation of the training part; with a season, how much
it is above the value a season before; where the training part has missing values, 1 for one that is
missing, which is filled by the last known one; the calendar; the covariates of this step, and
those of `horizon` steps later.

What the model forecasts is the difference from a naive forecast: the last value or the last season.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gru_c.forecast.accuracy import filled, repeated
from gru_c.forecast.series import Series
from gru_c.forecast.timestamps import calendar_features
from gru_c.utils.arrays import Array

_FLAT = 1e-9  # of the size of the values: less is rounding
_SMALLEST = 1e-200  # the largest value of a series (1e100) over it is a float
_FARTHEST = 1e6  # scaled values beyond are held there: new data may be of another kind altogether


@dataclass(frozen=True)
class Scale:
    """Of one series: mean and deviation of its values, size of its steps off the naive one."""

    mean: float
    std: float
    step: float

    @classmethod
    def fit(cls, values: Array, references: Array, targets: Array) -> Scale:
        """Measure a series.

        What is constant is divided by 1. Where the naive forecast is right up to rounding, its
        corrections are as small as that.
        """
        smallest = max(_FLAT * float(np.nanmax(np.abs(values))), _SMALLEST)
        std, step = float(np.nanstd(values)), _size(targets - references)
        return cls(
            mean=float(np.nanmean(values)),
            std=std if std > smallest else 1.0,
            step=max(step, smallest),
        )


def _size(values: Array) -> float:
    """Return the root of the mean square of what is known, 0 where nothing is."""
    known = values[~np.isnan(values)]
    return float(np.sqrt((known**2).mean())) if known.size else 0.0


@dataclass(frozen=True)
class Layout:
    """Which features a step has, and what is forecast.

    Attributes
    ----------
    window, horizon : int
    season : int
        0: none.
    reference : {"last", "season"}
        The naive forecast that the model corrects.
    marks_missing : bool
    calendar : tuple of str
    covariate_mean, covariate_std : tuple of float
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
        """How many numbers a step has."""
        cycles, covariates = len(self.calendar), len(self.covariate_mean)
        return 1 + bool(self.season) + self.marks_missing + 2 * cycles + 2 * covariates

    @property
    def shortest(self) -> int:
        """Steps that a forecast needs."""
        return max(self.window, self.season)

    @property
    def needed(self) -> int:
        """Steps at the end of a series that a forecast depends on."""
        return self.window + self.season

    def naive(self, item: Series, origins: Array) -> Array:
        """Return the naive forecasts from some steps of a series."""
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
        return _bounded(np.concatenate(columns, axis=1))

    def windows(self, item: Series, scale: Scale, origins: Array) -> Array:
        """Return the windows that end at some steps, (origins, window, features).

        A view where the origins follow each other.
        """
        inputs = self.inputs(item, scale)
        every = sliding_window_view(inputs, self.window, axis=0).swapaxes(1, 2)
        starts = origins - self.window + 1
        if len(starts) and starts[-1] - starts[0] == len(starts) - 1:
            some: Array = every[starts[0] : starts[-1] + 1]
        else:
            some = every[starts]
        return some

    def targets(self, item: Series, origins: Array) -> Array:
        """Return what is to be forecast from some steps, NaN where missing: (origins, horizon)."""
        found: Array = item.values[origins[:, None] + np.arange(1, self.horizon + 1)]
        return found


@dataclass(frozen=True)
class Windows:
    """Samples for a model: x (n, window, features) of float32, y (n, horizon) with NaN."""

    x: Array
    y: Array

    @classmethod
    def concatenate(cls, parts: list[tuple[Array, Array]]) -> Windows:
        """Join those of several series."""
        if len(parts) == 1:
            return cls(*parts[0])
        xs, ys = zip(*parts, strict=True)
        return cls(np.concatenate(xs), np.concatenate(ys))


def make_windows(layout: Layout, item: Series, scale: Scale, origins: Array) -> tuple[Array, Array]:
    """Return inputs and scaled targets of the origins that have any target."""
    targets = layout.targets(item, origins)
    some = ~np.isnan(targets).all(axis=1)
    origins, targets = origins[some], targets[some]
    if not len(origins):
        empty = np.empty((0, layout.window, layout.features), np.float32)
        return empty, targets.astype(np.float32)
    references = layout.naive(item, origins)
    y = _bounded((targets - references) / scale.step)
    return layout.windows(item, scale, origins), y


def _bounded(scaled: Array) -> Array:
    return np.clip(scaled, -_FARTHEST, _FARTHEST).astype(np.float32)
