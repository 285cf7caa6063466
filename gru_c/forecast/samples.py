"""The samples of a model: windows of series and their targets, computed when they are read.

Memory holds the series, and beside them little else: a batch is the only copy of its windows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.data.array_file import ComputedArray
from gru_c.forecast.accuracy import filled
from gru_c.forecast.features import Layout, Scale, clip
from gru_c.forecast.linear import Affine
from gru_c.forecast.series import Series
from gru_c.forecast.timestamps import CalendarTable

_SMALL = 2**21  # bytes: as many as in the passes of a small model over one batch


class SeriesWindows:
    """Windows of several series, and the values after them.

    Parameters
    ----------
    layout : Layout
    series : sequence of Series
    scales : sequence of Scale
    path : Affine, optional
        The linear forecasts that the model corrects instead of naive ones.
    """

    def __init__(
        self,
        layout: Layout,
        series: Sequence[Series],
        scales: Sequence[Scale],
        path: Affine | None = None,
    ) -> None:
        self.layout = layout
        self._path = path
        self.series = series
        pairs = list(zip(series, scales, strict=True))
        self._measured = [layout.measured(item, scale.effects) for item, scale in pairs]
        self._values = [filled(values) for values in self._measured]
        self._effects = None
        if any(scale.effects for scale in scales):
            self._effects = [layout.effect(item, scale.effects) for item, scale in pairs]
        self._scales = np.array([(scale.mean, scale.std, scale.step) for scale in scales])
        self._calendar = None
        if layout.calendar:
            self._calendar = CalendarTable([item.index for item in series], layout.calendar)

    def inputs(self, numbers: Array, origins: Array) -> Array:
        """Return the windows that end at some steps, float32 (windows, window, features).

        Parameters
        ----------
        numbers, origins : ndarray of int
            The number of the series of each window, and its last step.
        """
        layout, window = self.layout, self.layout.window
        x = np.empty((len(numbers), window, layout.features), np.float32)
        places = list(zip(numbers.tolist(), (origins - window + 1).tolist(), strict=True))
        mean, std, step = self._scales[numbers].T[..., None]
        values = self._values_with_season_before(places)
        x[..., 0] = clip((values[:, layout.season :] - mean) / std)
        column = 1
        if layout.season:
            x[..., 1] = clip((values[:, layout.season :] - values[:, :window]) / step)
            for row, (_, begin) in zip(x, places, strict=True):
                if begin < layout.season:
                    row[: layout.season - begin, 1] = 0
            column += 1
        if layout.marks_missing:
            x[..., column] = np.isnan(_gather(self._measured, places, window))
            column += 1
        for part in self._beside(places):
            x[..., column : column + part.shape[-1]] = part
            column += part.shape[-1]
        return x

    def _values_with_season_before(self, places: list[tuple[int, int]]) -> Array:
        """Return the values of some windows and of the season before each, 0 before the first."""
        season, count = self.layout.season, self.layout.season + self.layout.window
        if min(begin for _, begin in places) >= season:
            return _gather(self._values, [(i, begin - season) for i, begin in places], count)
        values = np.zeros((len(places), count))
        for row, (i, begin) in zip(values, places, strict=True):
            row[max(season - begin, 0) :] = self._values[i][max(begin - season, 0) :][
                : count - max(season - begin, 0)
            ]
        return values

    def _beside(self, places: list[tuple[int, int]]) -> list[Array]:
        """Return the other features of some windows: calendar, covariates, static features."""
        layout, window, parts = self.layout, self.layout.window, []
        if self._calendar is not None:
            parts.append(self._calendar.features(places, window))
        if layout.covariate_mean:
            mean, std = np.array(layout.covariate_mean), np.array(layout.covariate_std)
            known = [item.covariates for item in self.series]
            later = [(i, begin + layout.horizon) for i, begin in places]
            parts += [clip((_gather(known, p, window) - mean) / std) for p in (places, later)]
        if layout.past_mean:
            past = _gather([item.past for item in self.series], places, window)
            parts.append(clip((past - np.array(layout.past_mean)) / np.array(layout.past_std)))
        if layout.static:
            static = np.stack([self.series[i].static for i, _ in places])[:, None]
            parts.append(np.broadcast_to(clip(static), (len(places), window, layout.static)))
        return parts

    def references(self, numbers: Array, origins: Array) -> Array:
        """Return the forecasts to correct, (windows, horizon), on the model's scale."""
        if self._path is not None:
            mean, std, _ = self._scales[numbers].T[..., None]
            linear: Array = self._path((self._history(numbers, origins) - mean) / std) * std + mean
            return linear
        season = self.layout.reference_season
        places = zip(numbers.tolist(), (origins + 1 - season).tolist(), strict=True)
        last = _gather(self._values, list(places), season)
        repeated: Array = last[:, np.arange(self.layout.horizon) % season]
        return repeated

    def _history(self, numbers: Array, origins: Array) -> Array:
        """Return the values that the linear path sees; before the first one seasons repeat."""
        assert self._path is not None
        lags, season = len(self._path.coefficients), max(self.layout.season, 1)
        begins = (origins + 1 - lags).tolist()
        if min(begins) >= 0:
            return _gather(self._values, list(zip(numbers.tolist(), begins, strict=True)), lags)
        at = origins[:, None] + np.arange(1 - lags, 1)
        at = np.where(at < 0, at % season, at)
        return np.stack([self._values[i][row] for i, row in zip(numbers, at, strict=True)])

    def targets(self, numbers: Array, origins: Array) -> Array:
        """Return the scaled differences from the naive forecasts, float32 (windows, horizon).

        They are NaN where the value is missing.
        """
        places = zip(numbers.tolist(), (origins + 1).tolist(), strict=True)
        measured = _gather(self._measured, list(places), self.layout.horizon)
        differences = measured - self.references(numbers, origins)
        return clip(differences / self._scales[numbers, 2:])

    def forecasts(self, numbers: Array, origins: Array, outputs: Array) -> Array:
        """Return the forecasts that corrections (windows, horizon, levels) stand for."""
        correction = np.sort(outputs, axis=-1) * self._scales[numbers, 2][:, None, None]
        references = self.references(numbers, origins)
        if self._effects is not None:
            places = list(zip(numbers.tolist(), (origins + 1).tolist(), strict=True))
            references = references + _gather(self._effects, places, self.layout.horizon)
        return self.layout.forecasts(references[..., None] + correction)


def _gather(arrays: Sequence[Array], places: Sequence[tuple[int, int]], count: int) -> Array:
    """Return `count` rows from each place on, (places, count, ...); behind the end the last row.

    Parameters
    ----------
    places : sequence of tuple of int
        The number of an array, and the first row in it.
    """
    rows = [arrays[i][begin : begin + count] for i, begin in places]
    for number, (i, begin) in enumerate(places):
        if len(rows[number]) < count:
            rows[number] = arrays[i][
                np.minimum(np.arange(begin, begin + count), len(arrays[i]) - 1)
            ]
    return np.concatenate(rows).reshape(len(rows), count, *rows[0].shape[1:])


# ---- samples ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Samples:
    """Samples for a model, which are computed when they are read.

    Attributes
    ----------
    windows : SeriesWindows
    runs : ndarray of int, shape (runs, 2)
        The series and the first origin of each run of samples whose origins follow each other.
    ends : ndarray of int, shape (runs,)
        The number of samples up to the end of each run.
    """

    windows: SeriesWindows
    runs: Array
    ends: Array

    @classmethod
    def between(cls, windows: SeriesWindows, limits: Sequence[tuple[int, int]]) -> Samples:
        """Return the samples whose origins are between two steps of each series.

        Origins after which no value is known are left out.
        """
        parts = []
        for number, (item, (begin, end)) in enumerate(zip(windows.series, limits, strict=True)):
            starts, ends = _runs_with_targets(item, windows.layout.horizon, begin, end)
            parts.append(np.column_stack([np.full(len(starts), number), starts, ends - starts]))
        runs = np.concatenate(parts)
        return cls(windows, runs[:, :2], np.cumsum(runs[:, 2]))

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    @property
    def x(self) -> ComputedArray:
        """The windows, float32 (n, window, features)."""
        layout = self.windows.layout
        return _Computed(self, self.windows.inputs, (layout.window, layout.features))

    @property
    def y(self) -> ComputedArray:
        """The targets, float32 (n, horizon), NaN where missing."""
        return _Computed(self, self.windows.targets, (self.windows.layout.horizon,))

    def arrays(self) -> tuple[Any, Any]:
        """Return x and y; few samples are computed at once, which is faster."""
        x, y = self.x, self.y
        is_small = sum(math.prod(array.shape) * array.dtype.itemsize for array in (x, y)) <= _SMALL
        return (x[:], y[:]) if is_small else (x, y)

    def locate(self, samples: Array) -> tuple[Array, Array]:
        """Return the series and the origin of some samples."""
        run = self.ends.searchsorted(samples, "right")
        begins = np.concatenate([[0], self.ends])[run]
        return self.runs[run, 0], self.runs[run, 1] + samples - begins


def _runs_with_targets(item: Series, horizon: int, begin: int, end: int) -> tuple[Array, Array]:
    """Return the first origin of each run with a known value after it, and the end of the run."""
    missing = np.isnan(item.values[begin + 1 : end + horizon])
    if begin < end and not missing.any():
        return np.array([begin]), np.array([end])
    known = np.flatnonzero(~missing)  # a value at k is a target of the origins k - horizon + 1 .. k
    if end <= begin or not len(known):
        return known[:0], known[:0]
    first = np.maximum(known - horizon + 1, 0)
    behind = np.minimum(known + 1, end - begin)
    new = np.flatnonzero(first[1:] > behind[:-1]) + 1
    return begin + first[np.r_[0, new]], begin + behind[np.r_[new - 1, -1]]


class _Computed(ComputedArray):
    """Inputs or targets of samples."""

    def __init__(
        self, samples: Samples, compute: Callable[[Array, Array], Array], axes: tuple[int, ...]
    ) -> None:
        super().__init__((len(samples), *axes), np.float32)
        self._samples = samples
        self._compute = compute

    def __getitem__(self, where: slice | Array) -> Array:
        if isinstance(where, slice):
            where = np.arange(*where.indices(len(self._samples)))
        if not len(where):
            return np.empty((0, *self.shape[1:]), self.dtype)
        return self._compute(*self._samples.locate(where))
