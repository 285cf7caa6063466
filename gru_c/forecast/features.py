"""The layout of a model's inputs and targets, and the scales of the series.

The features of a time step are, in this order: the value, scaled by the mean and deviation of the
training part; with a season, the difference from the value one season before; if the training part
has missing values, 1 where the value is missing and was filled with the last known one; the
calendar; the covariates of this step, and those of the step `horizon` steps later; the covariates
that are known only in the past; the static features of the series.

The targets are differences from a linear forecast, or from a naive one: the last value or the last
season. With a
logarithmic scale, values and differences are those of the logarithm. The linear effects of
covariates that are known ahead are taken out of all values before, and added to the forecasts: so
the naive forecast does not carry them from one season to the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gru_c.common.arrays import Array
from gru_c.forecast.series import LARGEST, Series

_FLAT = 1e-9  # relative to the values: smaller differences are rounding
_SMALLEST = 1e-200  # smallest divisor: the largest value of a series is 1e100
_FARTHEST = 1e6  # scaled values are clipped to this: new data may differ from all data before
_LARGEST_LOG = float(np.log(LARGEST))


@dataclass(frozen=True)
class Scale:
    """The scale of one series.

    Attributes
    ----------
    mean, std : float
        Mean and standard deviation of the values.
    step : float
        Root mean square of the differences from the naive forecast.
    effects : tuple of float
        The change of the values for each covariate, whose unit is its deviation; () for none. All
        of the above are measured without them.
    """

    mean: float
    std: float
    step: float
    effects: tuple[float, ...] = ()

    @classmethod
    def fit(cls, values: Array, step: float, effects: tuple[float, ...] = ()) -> Scale:
        """Return the scale of a series.

        The deviation of a constant series is taken as 1. Where the naive forecast is right up to
        rounding, the step has the size of the rounding.
        """
        smallest = max(_FLAT * float(np.nanmax(np.abs(values))), _SMALLEST)
        std = float(np.nanstd(values))
        return cls(
            mean=float(np.nanmean(values)),
            std=std if std > smallest else 1.0,
            step=max(step, smallest),
            effects=effects,
        )


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
    past_mean, past_std : tuple of float
        Scales of the covariates that are known only in the past.
    static : int
        Number of static features.
    log : bool
        True if the model forecasts the logarithms of the values.
    lower : float or None
        The lowest possible value.
    longer : int
        A second season, such as the week of an hourly series; 0 for none.
    counts : bool
        True if values are counts, and so are forecasts.
    """

    window: int
    horizon: int
    season: int
    reference: str
    marks_missing: bool
    calendar: tuple[str, ...]
    covariate_mean: tuple[float, ...]
    covariate_std: tuple[float, ...]
    past_mean: tuple[float, ...] = ()
    past_std: tuple[float, ...] = ()
    static: int = 0
    log: bool = False
    lower: float | None = None
    longer: int = 0
    counts: bool = False

    @property
    def seasons(self) -> tuple[int, ...]:
        """All seasons, the shortest first; () for none."""
        return tuple(season for season in (self.season, self.longer) if season)

    @property
    def features(self) -> int:
        """The number of features of a time step."""
        cycles, covariates = len(self.calendar), len(self.covariate_mean)
        beside = 2 * cycles + 2 * covariates + len(self.past_mean) + self.static
        return 1 + bool(self.season) + self.marks_missing + beside

    @property
    def reference_season(self) -> int:
        """The number of steps that the naive forecast repeats."""
        return self.season if self.reference == "season" else 1

    @property
    def shortest(self) -> int:
        """The smallest number of steps that a forecast needs."""
        return max(self.window, self.season)

    @property
    def needed(self) -> int:
        """The number of steps at the end of a series that a forecast depends on."""
        return self.window + self.season

    def scaled_covariates(self, item: Series) -> Array:
        """Return the covariates of a series, those ahead too, in units of their deviations."""
        rows: Array = (item.covariates - self.covariate_mean) / np.array(self.covariate_std)
        return rows

    def measured(self, item: Series, effects: tuple[float, ...]) -> Array:
        """Return the values on the scale of the model, without the effects of the covariates."""
        values = self.model_values(item.values)
        if not effects:
            return values
        without: Array = values - self.effect(item, effects)[: len(item)]
        return without

    def effect(self, item: Series, effects: tuple[float, ...]) -> Array:
        """Return what the covariates add at each step, those ahead too; 0 without effects."""
        if not effects:
            return np.zeros(len(item.covariates))
        total: Array = self.scaled_covariates(item) @ np.array(effects)
        return total

    def model_values(self, values: Array) -> Array:
        """Return values on the scale of the model: themselves, or their logarithms."""
        if not self.log:
            return values
        logarithms: Array = np.log(values)
        return logarithms

    def forecasts(self, outputs: Array) -> Array:
        """Return forecasts on the scale of the model as values of a series, at least `lower`."""
        if self.log:
            outputs = np.exp(np.clip(outputs, -_LARGEST_LOG, _LARGEST_LOG))
        outputs = np.rint(outputs) if self.counts else outputs
        return outputs if self.lower is None else np.maximum(outputs, self.lower)


def clip(scaled: Array) -> Array:
    """Return scaled numbers as float32, without those that are far from all others."""
    limited: Array = np.minimum(np.maximum(scaled, -_FARTHEST), _FARTHEST)
    return limited.astype(np.float32)
