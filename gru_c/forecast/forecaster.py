"""Forecaster: from series of numbers to forecasts, and how good they are."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from gru_c.forecast import plots, saving, training
from gru_c.forecast.backtest import Backtest, roll
from gru_c.forecast.features import Layout, Scale
from gru_c.forecast.output import forecast_form, with_future
from gru_c.forecast.preparation import continued, make_plan, scale_of
from gru_c.forecast.series import Panel, Series, read_panel
from gru_c.forecast.timestamps import after
from gru_c.losses.quantile import check_quantiles
from gru_c.models.sequential import Sequential
from gru_c.runtime.threads import check_num_threads, use_threads
from gru_c.utils.arrays import Array, as_real
from gru_c.utils.attributes import Guarded
from gru_c.utils.progress import check_verbose
from gru_c.utils.validation import check_flag, check_integer, check_real, make_rng

_MOST_HORIZONS = 1000  # that a forecast goes on from itself


class Forecaster(Guarded):
    """Forecasts of one or many series by stacked GRUs, one model for all of them.

    The GRUs read the last `window` steps, a `Dense` layer then gives all of `horizon` steps at
    once, as the difference from a naive forecast: the last value, or the last season, whichever is
    less off in the training part. A model that has learnt nothing is that naive forecast.

    Each series is scaled by its own training part. From a DatetimeIndex come sine and cosine of the
    hour, the day of the week and, for two years and more, the day of the year. A missing value
    (NaN, or a gap in the index) is filled by the last known one and marked as missing, where the
    training part has any; as a target it does not count.

    Parameters
    ----------
    window : int
        Steps that the model sees.
    horizon : int
        Steps that it forecasts at once.
    hidden_units : int or sequence of int
        Units of each GRU.
    covariates : sequence of str, optional
        Columns of the DataFrame given to `fit` that are no series, but numbers known ahead.
    quantiles : sequence of float, optional
        Forecast these instead of the median. What crosses is sorted (Chernozhukov, Fernandez-Val
        and Galichon, Quantile and probability curves without crossing, 2010), so they never do.
    season : int, optional
        Steps of a season, 0 for none; by default what the frequency lets expect: of hours a day
        (24), of days a week (7), of months a year (12) ..., nothing without a DatetimeIndex.
    calendar : bool
        Use the calendar where there is a DatetimeIndex.
    dropout : float
        Between the layers, while training.
    learning_rate, batch_size, epochs
        Of Adam, which minimises the pinball loss.
    patience : int
        Stop after so many epochs in which the loss of what is held out fell to no new minimum; the
        best weights are kept.
    validation_fraction : float
        Share of each series, its end, that is held out; 0: none, and all epochs are made.
    seed : int, optional
        Makes a run repeatable to the bit.
    num_threads : int, optional
        By default what `gru_c.set_num_threads` says.
    verbose : {0, 1, 2}
        0 is silent, 1 a bar, 2 a line per epoch.

    Attributes
    ----------
    model_ : Sequential
    history_ : dict of str to list of float
        "loss" and "val_loss" of each epoch.
    season_ : int
    reference_ : {"last", "season"}
        The naive forecast that is corrected.
    names_ : list of str
        Of the series.
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
    columns_: dict[str, str]

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
        """Train.

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
            When something does not fit, or times are irregular: nothing has been changed then.
        FloatingPointError
            When the loss became infinite.
        """
        new = copy.copy(self)
        new.fit_panel(read_panel(series, covariates, self.covariates))
        self.__dict__ = new.__dict__
        return self

    def fit_panel(self, panel: Panel) -> None:
        """Train on series that have been checked."""
        names = [item.name for item in panel.series]
        plan = make_plan(
            panel, self.window, self.horizon, self.season, self.calendar, self.validation_fraction
        )
        how = training.Training(
            self.learning_rate, self.batch_size, self.epochs, self.patience, self.verbose
        )
        outputs = self.horizon * len(self.levels)
        with use_threads(self.num_threads):
            self.model_ = training.build(
                plan.layout.features, self.hidden_units, self.dropout, outputs, self.seed
            )
            self.history_ = training.train(self.model_, plan.train, plan.held_out, self.levels, how)
        self.set_state(plan.layout, plan.scales, panel)
        self.names_, self.columns_ = names, {}

    def set_state(self, layout: Layout, scales: dict[str, Scale], past: Panel) -> None:
        """Take over what is known besides the model."""
        self.layout, self.scales, self.past = layout, scales, past
        self.season_, self.reference_ = layout.season, layout.reference
        self.names_ = [item.name for item in past.series]

    @property
    def levels(self) -> tuple[float, ...]:
        """The quantiles that the model gives: those asked for and the median."""
        return tuple(sorted({0.5, *(self.quantiles or ())}))

    def require_fitted(self, method: str) -> None:
        """Raise ValueError before `fit`."""
        if not hasattr(self, "layout"):
            raise ValueError(f"{method} needs a forecaster that has been trained: call fit first")

    # ---- forecasting ----

    def predict(self, steps: int | None = None, series: Any = None, covariates: Any = None) -> Any:
        """Return forecasts of the steps after the end of the series.

        Steps beyond the horizon are forecast from the median of those before them, as if it had
        been measured; their quantiles leave out the uncertainty of that, and are too narrow.

        Parameters
        ----------
        steps : int, optional
            By default the horizon; 1000 horizons at most.
        series : as in `fit`, optional
            Forecast the continuation of these instead of those of `fit`; a name known from there
            keeps its scaling, others are scaled by what is given.
        covariates : array_like (steps, c) or DataFrame
            The rows of the steps to be forecast, where the model has covariates; with `series`
            those of its steps before them, unless they are columns of it.

        Returns
        -------
        ndarray (steps,), Series, DataFrame, ndarray (steps, k), list or dict
            In the form of the series; with a last axis for the quantiles, or a column for each.
        """
        self.require_fitted("predict")
        steps = self._check_steps(steps)
        panel = self.past_of(series, covariates, steps)
        found = self.outputs(panel, steps)
        return forecast_form(panel, self._asked(found), self.quantiles)

    def _check_steps(self, steps: int | None) -> int:
        steps = self.horizon if steps is None else check_integer("steps", steps, 1)
        if steps > _MOST_HORIZONS * self.horizon:
            raise ValueError(
                f"steps must be at most {_MOST_HORIZONS} horizons of {self.horizon}, got {steps}"
            )
        return steps

    def past_of(self, series: Any, covariates: Any, steps: int) -> Panel:
        """Return the series to go on from, with the covariates of their future."""
        count = len(self.layout.covariate_mean)
        if count and covariates is None:
            raise ValueError(f"the model has {count} covariates: give those of {steps} steps ahead")
        if covariates is not None and not count:
            raise ValueError("the model was trained without covariates")
        if series is None:
            panel = self.past
        else:
            apart = bool(count) and not set(self.covariates) <= set(getattr(series, "columns", ()))
            before = covariates if apart or not self.covariates else None
            if before is not None and not hasattr(before, "columns"):
                before = np.atleast_1d(as_real("covariates", before))[:-steps]
            panel = read_panel(series, before, self.covariates)
            self._check_like_trained(panel)
        if not count:
            return panel
        names = self.covariates
        return Panel(
            [with_future(item, covariates, names, steps, count) for item in panel.series],
            panel.form,
        )

    def _check_like_trained(self, panel: Panel) -> None:
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

    def outputs(self, panel: Panel, steps: int) -> Array:
        """Return all levels of each series, (series, steps, levels), in the series' units."""
        scales = [self.scales.get(i.name) or scale_of(self.layout, i) for i in panel.series]
        series = [item.tail(self.layout.needed) for item in panel.series]
        parts: list[Array] = []
        for done in range(0, steps, self.horizon):
            if done:
                series = [self._go_on(s, p) for s, p in zip(series, parts[-1], strict=True)]
            parts.append(self._from_end(series, scales))
        return np.concatenate(parts, axis=1)[:, :steps]

    def _from_end(self, series: list[Series], scales: list[Scale]) -> Array:
        """Return the next `horizon` steps of each series, (series, horizon, levels)."""
        layout, x, references = self.layout, [], []
        for item, scale in zip(series, scales, strict=True):
            end = np.array([len(item) - 1])
            x.append(layout.windows(item, scale, end))
            references.append(layout.naive(item, end))
        with use_threads(self.num_threads):
            y = self.model_.predict(np.concatenate(x), training.PREDICTED_AT_ONCE, verbose=0)
        y = y.reshape(len(series), self.horizon, len(self.levels)).astype(np.float64)
        step = np.array([scale.step for scale in scales])
        correction: Array = np.sort(y, axis=-1) * step[:, None, None]
        return np.concatenate(references)[..., None] + correction

    def _go_on(self, item: Series, found: Array) -> Series:
        index = item.index
        if index is not None:
            index = index.append(after(index, self.horizon))
            index.freq = item.index.freq
        return continued(item, found[:, self.levels.index(0.5)], index)

    def _asked(self, found: Array) -> Array:
        """Return of all levels those that were asked for; without quantiles no axis for them."""
        if self.quantiles is None:
            return found[..., 0]
        asked: Array = found[..., [self.levels.index(q) for q in self.quantiles]]
        return asked

    # ---- how good it is ----

    def backtest(
        self, series: Any, folds: int = 5, covariates: Any = None, *, refit: bool = True
    ) -> Backtest:
        """Forecast the end of the series from several origins, each from what came before it.

        The last ``folds * horizon`` steps are forecast, `horizon` at a time, each time by a model
        trained anew on everything before. This forecaster stays as it is.

        Parameters
        ----------
        series, covariates
            As in `fit`.
        folds : int
            How many origins.
        refit : bool
            False: train once, on what comes before the first origin.

        Returns
        -------
        Backtest
            With the errors of the naive forecasts beside the model's.
        """
        panel = read_panel(series, covariates, self.covariates)
        return roll(self, panel, check_integer("folds", folds, 1), check_flag("refit", refit))

    def plot(
        self, steps: int | None = None, past: int | None = None, covariates: Any = None
    ) -> Any:
        """Draw the end of each series and its forecast.

        Parameters
        ----------
        steps, covariates
            As in `predict`.
        past : int, optional
            Steps before the forecast; three windows by default.

        Returns
        -------
        matplotlib.figure.Figure
        """
        self.require_fitted("plot")
        steps = self._check_steps(steps)
        panel = self.past_of(None, covariates, steps)
        past = 3 * self.window if past is None else check_integer("past", past, 1)
        return plots.draw_forecast(panel, self.outputs(panel, steps), self.levels, past)

    # ---- files ----

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write model, scaling, settings and the end of the series to a safetensors file.

        `gru_c.load_model` reads the model alone from it.
        """
        self.require_fitted("save")
        saving.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Forecaster:
        """Read what `save` wrote; nothing from the file is executed.

        Raises
        ------
        FileNotFoundError
        ValueError
            When the file is damaged, of another format, or its content does not fit together.
        """
        return saving.load(cls, path)
