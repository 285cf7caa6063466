"""Forecaster: forecasts of series of numbers, and their accuracy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from gru_c.common.arrays import Array
from gru_c.common.attributes import Guarded, assign
from gru_c.common.progress import check_verbose
from gru_c.common.validation import check_flag, check_integer, check_real, make_rng
from gru_c.forecast import fitted, plots, rolling_origin, saving
from gru_c.forecast.backtest import Backtest
from gru_c.forecast.features import Layout, Scale
from gru_c.forecast.output import forecast_form
from gru_c.forecast.series import Panel, read_panel
from gru_c.forecast.training import Training
from gru_c.losses.quantile import check_quantiles
from gru_c.models.sequential import Sequential
from gru_c.runtime.threads import check_num_threads

_MOST_HORIZONS = 1000  # longest forecast, in horizons


class Forecaster(Guarded):
    """Forecasts of one or many series by stacked GRUs, with one model for all series.

    The GRUs read the last `window` steps. A `Dense` layer then gives all of the next `horizon`
    steps at once, as differences from a naive forecast: the last value or the last season,
    whichever has the smaller error in the training part. A model that has learnt nothing gives that
    naive forecast.

    Each series is scaled by its own training part. A DatetimeIndex adds sine and cosine of the
    hour, the day of the week and, for series of two years and more, the day of the year. A missing
    value (NaN, or a gap in the index) is filled with the last known one, and marked as missing if
    the training part has any missing values. It does not count as a target.

    Parameters
    ----------
    window : int
        Number of steps that the model sees.
    horizon : int
        Number of steps that it forecasts at once.
    hidden_units : int or sequence of int
        Units of each GRU.
    covariates : sequence of str, optional
        Columns of the DataFrame given to `fit` that are not series, but numbers known ahead.
    quantiles : sequence of float, optional
        Quantiles to forecast instead of the median. They are sorted, so they never cross
        (Chernozhukov, Fernandez-Val and Galichon, Quantile and probability curves without crossing,
        2010).
    season : int, optional
        Number of steps in a season, 0 for none. By default it follows from the frequency of the
        index: a day of hours (24), a week of days (7), a year of months (12) ...; without a
        DatetimeIndex there is none.
    calendar : bool
        Use the calendar where there is a DatetimeIndex.
    dropout : float
        Dropout rate between the layers.
    learning_rate, batch_size, epochs
        Of Adam, which minimises the pinball loss.
    patience : int
        Stop after this many epochs without a new minimum of the loss on the held-out part. The best
        weights are used.
    validation_fraction : float
        Share of each series, its end, that is held out. With 0 nothing is held out, and training
        runs for all epochs.
    seed : int, optional
        Makes a run repeatable to the bit.
    num_threads : int, optional
        By default that of `gru_c.set_num_threads`.
    verbose : {0, 1, 2}
        0 is silent, 1 shows a bar, 2 a line per epoch.

    Attributes
    ----------
    model_ : Sequential
    history_ : dict of str to list of float
        "loss" and "val_loss" of each epoch.
    season_ : int
    reference_ : {"last", "season"}
        The naive forecast that the model corrects.
    names_ : list of str
        Names of the series.
    columns_ : dict of str to str
        The columns "target", "time" and "group" of the CSV file that ``gru-c forecast`` read the
        series from; empty for series that were given to `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c.forecast import Forecaster
    >>> t = np.arange(120)
    >>> series = 20 + 5 * np.sin(t * np.pi / 6)
    >>> forecaster = Forecaster(24, 6, hidden_units=8, season=12, epochs=2, seed=0)
    >>> forecaster.fit(series).predict(6).round(2)
    array([20.  , 22.5 , 24.33, 25.  , 24.33, 22.5 ])
    """

    # Arguments that the model was made with.
    _of_model = (
        "window",
        "horizon",
        "hidden_units",
        "covariates",
        "quantiles",
        "season",
        "calendar",
    )
    model_: Sequential
    history_: dict[str, list[float]]
    season_: int
    reference_: str
    names_: list[str]
    columns_: dict[str, str]
    layout: Layout
    scales: dict[str, Scale]
    past: Panel

    def __init__(
        self,
        window: int,
        horizon: int,
        hidden_units: int | Sequence[int] = (64, 64),
        *,
        covariates: Sequence[str] | None = None,
        quantiles: Sequence[float] | None = None,
        season: int | None = None,
        calendar: bool = True,
        dropout: float = 0.1,
        learning_rate: float = 0.003,
        batch_size: int = 32,
        epochs: int = 100,
        patience: int = 10,
        validation_fraction: float = 0.15,
        seed: int | None = None,
        num_threads: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.window = check_integer("window", window, 1)
        self.horizon = check_integer("horizon", horizon, 1)
        units = hidden_units if isinstance(hidden_units, (list, tuple)) else (hidden_units,)
        self.hidden_units = tuple(check_integer("hidden_units", count, 1) for count in units)
        if not units:
            raise ValueError("hidden_units must have a number for each layer, got none")
        if isinstance(covariates, str):
            raise TypeError(f"covariates must be a list of names, got {covariates!r}")
        self.covariates = tuple(covariates or ())
        self.quantiles = None if quantiles is None else check_quantiles("Forecaster", quantiles)
        self.season = check_integer("season", season, optional=True)
        self.calendar = check_flag("calendar", calendar)
        self.dropout = check_real("dropout", dropout, "[0, 1)")
        self.learning_rate = check_real("Forecaster: learning_rate", learning_rate, "> 0")
        self.batch_size = check_integer("batch_size", batch_size, 1)
        self.epochs = check_integer("epochs", epochs, 1)
        self.patience = check_integer("patience", patience, 1)
        self.validation_fraction = check_real(
            "Forecaster: validation_fraction", validation_fraction, "[0, 1)"
        )
        make_rng(seed)
        self.seed = seed
        self.num_threads = None if num_threads is None else check_num_threads(num_threads)
        self.verbose = check_verbose(verbose)

    def _why_fixed(self, name: str) -> str | None:
        if name in self._of_model and hasattr(self, "layout"):
            return f"cannot change after fit: make a new Forecaster({name}=...)"
        return None

    # ---- fitting ----

    def fit(self, series: Any, covariates: Any = None) -> Forecaster:
        """Train a model.

        Parameters
        ----------
        series : ndarray (n,), Series, DataFrame, ndarray (n, k), list or dict
            A series; or several: the columns of a DataFrame or an array, or a list or dict of 1-D
            arrays or Series, which may have different lengths. NaN is a missing value.
        covariates : array_like (n, c) or DataFrame, optional
            Numbers known ahead, common to all series: a row for each step.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            When series or covariates cannot be used, or times are irregular.
        FloatingPointError
            When the loss became infinite.
            After any exception the forecaster is the same as before.
        """
        panel = read_panel(series, covariates, self.covariates)
        self._set_fitted(fitted.fit(panel, self._settings()), {})
        return self

    def _settings(self) -> fitted.ForecastSettings:
        return fitted.ForecastSettings(
            window=self.window,
            horizon=self.horizon,
            hidden_units=self.hidden_units,
            season=self.season,
            calendar=self.calendar,
            dropout=self.dropout,
            levels=self.levels,
            validation_fraction=self.validation_fraction,
            training=Training(
                self.learning_rate, self.batch_size, self.epochs, self.patience, self.verbose
            ),
            seed=self.seed,
            num_threads=self.num_threads,
        )

    def _set_fitted(self, new: fitted.Fitted, columns: dict[str, str]) -> None:
        assign(
            self,
            model_=new.model,
            history_=new.history,
            layout=new.layout,
            scales=new.scales,
            past=new.past,
            season_=new.layout.season,
            reference_=new.layout.reference,
            names_=[item.name for item in new.past.series],
            columns_=columns,
        )

    @property
    def levels(self) -> tuple[float, ...]:
        """The quantiles that the model gives: those asked for, and the median."""
        return tuple(sorted({0.5, *(self.quantiles or ())}))

    def _require_fitted(self, method: str) -> fitted.Fitted:
        """Return the result of `fit`; ValueError if there is none yet."""
        if not hasattr(self, "layout"):
            raise ValueError(f"{method} needs a forecaster that has been trained: call fit first")
        return fitted.Fitted(
            self.model_, self.history_, self.layout, self.scales, self.past, self.levels
        )

    # ---- forecasting ----

    def predict(self, steps: int | None = None, series: Any = None, covariates: Any = None) -> Any:
        """Return forecasts of the steps after the end of the series.

        Steps beyond the horizon are forecast from the medians of the steps before them, as if these
        had been measured. Their quantiles leave out the uncertainty of that, and are too narrow.

        Parameters
        ----------
        steps : int, optional
            By default the horizon; 1000 horizons at most.
        series : as in `fit`, optional
            Series to continue instead of those of `fit`. A series with a name from `fit` keeps its
            scaling; others are scaled by the values given here.
        covariates : array_like (steps, c) or DataFrame
            If the model has covariates, their rows for the steps ahead. With `series` also those of
            its steps, before them, unless they are columns of it.

        Returns
        -------
        ndarray (steps,), Series, DataFrame, ndarray (steps, k), list or dict
            In the form of the series; with a last axis for the quantiles, or a column for each.
        """
        known = self._require_fitted("predict")
        steps = self._check_steps(steps)
        panel = known.read_past(series, covariates, self.covariates, steps)
        forecasts = self._choose_levels(known.outputs(panel, steps, self.num_threads))
        return forecast_form(panel, forecasts, self.quantiles)

    def _check_steps(self, steps: int | None) -> int:
        steps = self.horizon if steps is None else check_integer("steps", steps, 1)
        if steps > _MOST_HORIZONS * self.horizon:
            raise ValueError(
                f"steps must be at most {_MOST_HORIZONS} horizons of {self.horizon}, got {steps}"
            )
        return steps

    def _choose_levels(self, outputs: Array) -> Array:
        """Return the requested quantiles; without any, the median without an axis for it."""
        if self.quantiles is None:
            return outputs[..., 0]
        chosen: Array = outputs[..., [self.levels.index(q) for q in self.quantiles]]
        return chosen

    # ---- accuracy ----

    def backtest(
        self, series: Any, folds: int = 5, covariates: Any = None, *, refit: bool = True
    ) -> Backtest:
        """Forecast the end of the series from several origins, each from the steps before it.

        The last ``folds * horizon`` steps are forecast, `horizon` at a time, each time by a new
        model trained on all steps before. This forecaster does not change.

        Parameters
        ----------
        series, covariates
            As in `fit`.
        folds : int
            Number of origins.
        refit : bool
            False: train once, on the steps before the first origin.

        Returns
        -------
        Backtest
            With the errors of the naive forecasts beside the model's.
        """
        panel = read_panel(series, covariates, self.covariates)
        folds, refit = check_integer("folds", folds, 1), check_flag("refit", refit)
        return rolling_origin.roll(self._settings(), self.quantiles, panel, folds, refit)

    def plot(
        self, steps: int | None = None, past: int | None = None, covariates: Any = None
    ) -> Any:
        """Draw the end of each series and its forecast.

        Parameters
        ----------
        steps, covariates
            As in `predict`.
        past : int, optional
            Number of steps before the forecast; three windows by default.

        Returns
        -------
        matplotlib.figure.Figure
        """
        known = self._require_fitted("plot")
        steps = self._check_steps(steps)
        panel = known.read_past(None, covariates, self.covariates, steps)
        past = 3 * self.window if past is None else check_integer("past", past, 1)
        outputs = known.outputs(panel, steps, self.num_threads)
        return plots.draw_forecast(panel, outputs, self.levels, past)

    # ---- files ----

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write model, scaling, settings and the end of the series to a safetensors file.

        `gru_c.load_model` reads only the model from it.
        """
        known = self._require_fitted("save")
        saving.save(path, known, self._constructor_arguments(), self.columns_)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Forecaster:
        """Read a file that `save` wrote. No code from the file is executed.

        Raises
        ------
        FileNotFoundError
        ValueError
            When the file is damaged, of another format, or its parts contradict each other.
        """
        new, known, columns = saving.load(path, cls)
        new._set_fitted(known, columns)
        return new
