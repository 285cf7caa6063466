"""Forecaster: forecasts of series of numbers, and their accuracy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gru_c.common.attributes import assign
from gru_c.common.validation import (
    check_flag,
    check_integer,
)
from gru_c.forecast import fitted, rolling_origin, saving
from gru_c.forecast.backtest import Backtest
from gru_c.forecast.output import forecast_form
from gru_c.forecast.panel import Given, Panel, read_panel
from gru_c.forecast.static import StaticFeature, add_static
from gru_c.forecast.trained import Trained


class Forecaster(Trained):
    """Forecasts of one or many series by stacked GRUs, with one model for all series.

    A linear forecast comes first: the mean of many ridge regressions and smoothings on levels,
    differences and seasons, weighted by their errors in a cross-validation. The GRUs read the last
    `window` steps, and a `Dense` layer gives all of the next `horizon` steps at once, as
    differences from the linear forecast. They have the weight with the smallest error in the part
    held out: where they gain nothing, the forecast *is* the linear one.

    Quantiles are conformal: the errors of linear models that had not seen the values, late ones
    with more weight, say how far they are apart. Where these are too few, ``choices_["intervals"]``
    is "a guess".

    Each series is scaled by its own training part. A DatetimeIndex adds sine and cosine of the
    hour, the day of the week and, for series of two years and more, the day of the year. A missing
    value (NaN, or a gap in the index) is filled with the last known one, and marked as missing if
    the training part has any missing values. It does not count as a target.

    Parameters
    ----------
    window : int or None
        Number of steps that the model sees; None chooses it from the length of the series, their
        season and the horizon, and lets the linear forecast see more.
    horizon : int
        Number of steps that it forecasts at once.
    hidden_units : int or sequence of int, optional
        Units of each GRU; by default those that `budget` chooses.
    covariates : sequence of str, optional
        Columns of the DataFrames given to `fit` that are not series, but numbers known ahead.
    past_covariates : sequence of str, optional
        Columns of the DataFrames given to `fit` that are not series, but numbers known only in the
        past. A missing one is filled with the last known one. No forecast goes beyond the horizon.
    quantiles : sequence of float, optional
        Quantiles to forecast instead of the median. They are sorted, so they never cross
        (Chernozhukov, Fernandez-Val and Galichon, Quantile and probability curves without crossing,
        2010).
    season : int or two of them, optional
        Number of steps in a season, 0 for none. By default it follows from the frequency of the
        index: a day of hours (24), a week of days (7), a year of months (12) ...; without a
        DatetimeIndex there is none. A second, longer season is for the linear forecast; by default
        it is the week of series that have a day and at least four weeks.
    calendar : bool
        Use the calendar where there is a DatetimeIndex.
    lower : float, optional
        The lowest possible value, such as 0 for counts: no forecast and no quantile is below it,
        and values below it are refused.
    scale : {"auto", "linear", "log"}
        "log" is for series above 0 whose changes are rather relative than absolute: the model
        learns the logarithms of the values. "auto" takes what makes the linear errors smaller.
    counts : bool
        The values are counts: values that are not are refused, and each forecast and quantile is a
        whole number, `lower` or above (0 by default).
    linear : bool
        False: the GRUs correct a naive forecast, the last value or the last season, whichever has
        the smaller error in the training part, and their own quantiles are taken.
    budget : {"fast", "accurate"}
        "fast" trains one GRU of 16 units; "accurate" four networks, of which the one with the
        smallest loss in the part held out is kept. With `hidden_units` there are one and three of
        that size.
    skip_bad : bool
        Leave out, with a warning that names them, those of several series that are too short, have
        irregular times or cannot be used for another reason. By default one such series is an
        error. Where series have numbers instead of names, its forecast is NaN.
    method : {"model", "best"}
        "best" compares the model with the simpler methods of `backtest`, on the last steps of the
        series, and forecasts by the method with the smallest MASE.
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
        The better naive forecast, which the model corrects if there is no linear one.
    method_ : str
        The method that makes the forecasts: "GRU", or a simpler one that `method` chose.
    names_ : list of str
        Names of the series.
    choices_ : dict of str to object
        What was given or chosen: "window", "hidden_units", "seasons", "scale", "reference", and for
        a linear forecast "lags", "linear_models" with their weights, "GRU_share" (its weight), and
        "intervals": "calibrated" or "a guess".
    skipped_ : dict of str to str
        Names of the series that were left out in `fit`, with the reasons.
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

    # ---- fitting ----

    def fit(
        self,
        series: Any,
        covariates: Any = None,
        *,
        past_covariates: Any = None,
        static: Any = None,
    ) -> Forecaster:
        """Train a model.

        Parameters
        ----------
        series : ndarray (n,), Series, DataFrame, ndarray (n, k), list or dict
            A series; or several: the columns of a DataFrame or an array, or a list or dict of 1-D
            arrays or Series, which may have different lengths; or of DataFrames, each of a series
            and its covariates. NaN is a missing value.
            An index of times, periods, dates, or text such as "2026-01-31 14:00" gives the times.
        covariates : array_like (n, c) or DataFrame, or dict of these, optional
            Numbers known ahead: a row for each step. They are common to all series, unless it is a
            dict by the names of the series.
        past_covariates : as covariates, optional
            Numbers known only in the past.
        static : DataFrame or dict of dict, optional
            Numbers or categories that belong to a series as a whole: a row for each series, with
            its name as the index. Text is a category.

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
        panel, features = self._read(series, covariates, past_covariates, static)
        settings = self._settings()
        new = fitted.fit(panel, settings, features)
        if self.method == "best":
            chosen = rolling_origin.choose_method(settings, new.past, features)
            new = replace(new, method=chosen)
        new.past.warn_of_skipped()
        self._set_fitted(new, {})
        return self

    def _read(
        self, series: Any, covariates: Any, past: Any, static: Any
    ) -> tuple[Panel, tuple[StaticFeature, ...]]:
        """Return the series to train on, and their static features."""
        given = Given(covariates, self.covariates, past, self.past_covariates, self.skip_bad)
        return add_static(read_panel(series, given), static, self.skip_bad)

    def _set_fitted(self, new: fitted.Fitted, columns: dict[str, str]) -> None:
        assign(
            self,
            model_=new.model,
            history_=new.history,
            layout=new.layout,
            base=new.base,
            choices_=fitted.choices(new),
            scales=new.scales,
            past=new.past,
            season_=new.layout.season,
            reference_=new.layout.reference,
            static=new.static,
            method_=new.method,
            names_=[item.name for item in new.past.series],
            skipped_=new.past.skipped,
            columns_=columns,
        )

    # ---- forecasting ----

    def predict(
        self,
        steps: int | None = None,
        series: Any = None,
        covariates: Any = None,
        *,
        past_covariates: Any = None,
        static: Any = None,
    ) -> Any:
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
        covariates : array_like (steps, c) or DataFrame, or dict of these
            If the model has covariates, their rows for the steps ahead. With `series` also those of
            its steps, before them, unless they are columns of it.
        past_covariates : as in `fit`
            If the model has past covariates: those of `series`, unless they are columns of it.
        static : as in `fit`
            If the model has static features: those of series that are not named as one of `fit`.

        Returns
        -------
        ndarray (steps,), Series, DataFrame, ndarray (steps, k), list or dict
            In the form of the series; with a last axis for the quantiles, or a column for each.
        """
        known = self._require_fitted("predict")
        steps = self._check_steps(steps)
        panel = known.read_past(self._ahead(steps, series, covariates, past_covariates, static))
        if series is not None:
            panel.warn_of_skipped()
        forecasts = self._choose_levels(known.outputs(panel, steps, self.num_threads))
        return forecast_form(panel, forecasts, self.quantiles)

    # ---- accuracy ----

    def backtest(
        self,
        series: Any,
        folds: int = 5,
        covariates: Any = None,
        *,
        refit: bool = True,
        past_covariates: Any = None,
        static: Any = None,
        compare: Sequence[str] | None = None,
    ) -> Backtest:
        """Forecast the end of the series from several origins, each from the steps before it.

        The last ``folds * horizon`` steps are forecast, `horizon` at a time, each time by a new
        model trained on all steps before. This forecaster does not change.

        Parameters
        ----------
        series, covariates, past_covariates, static
            As in `fit`.
        folds : int
            Number of origins.
        refit : bool
            False: train once, on the steps before the first origin.
        compare : sequence of str
            The methods to show beside the model: "naive", "seasonal naive", "ridge", "Croston",
            "TSB", "ETS", "Theta", "AutoARIMA". By default the naive ones and a ridge regression on
            the window, for series that are often 0 Croston and TSB, and where the package
            statsforecast is installed also the others: AutoARIMA can take minutes for long seasons.

        Returns
        -------
        Backtest
            With the errors of the simpler methods beside the model's.
        """
        folds, refit = check_integer("folds", folds, 1), check_flag("refit", refit)
        panel, features = self._read(series, covariates, past_covariates, static)
        result = rolling_origin.roll(
            self._settings(), self.quantiles, panel, folds, refit, features, compare
        )
        replace(panel, skipped=result.skipped).warn_of_skipped()
        return result

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
