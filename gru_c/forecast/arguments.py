"""The arguments of a Forecaster, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gru_c.common.arrays import Array
from gru_c.common.attributes import Guarded
from gru_c.common.progress import check_verbose
from gru_c.common.validation import (
    check_choice,
    check_flag,
    check_integer,
    check_real,
    make_rng,
)
from gru_c.forecast.fitted import ForecastSettings
from gru_c.forecast.preparation import PlanSettings
from gru_c.forecast.training import Training
from gru_c.losses.quantile import check_quantiles
from gru_c.runtime.threads import check_num_threads


class Arguments(Guarded):
    """The arguments of `Forecaster`; its docstring describes them."""

    # Arguments that the model was made with.
    _of_model = (
        "window",
        "horizon",
        "hidden_units",
        "covariates",
        "past_covariates",
        "quantiles",
        "season",
        "calendar",
        "lower",
        "scale",
        "method",
    )

    def __init__(
        self,
        window: int,
        horizon: int,
        hidden_units: int | Sequence[int] = (64, 64),
        *,
        covariates: Sequence[str] | None = None,
        past_covariates: Sequence[str] | None = None,
        quantiles: Sequence[float] | None = None,
        season: int | None = None,
        calendar: bool = True,
        lower: float | None = None,
        scale: str = "linear",
        skip_bad: bool = False,
        method: str = "model",
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
        self.covariates = _check_names("covariates", covariates)
        self.past_covariates = _check_names("past_covariates", past_covariates)
        both = sorted({*self.covariates} & {*self.past_covariates})
        if both:
            raise ValueError(f"{both} are either known ahead or only in the past: got both")
        self.quantiles = None if quantiles is None else check_quantiles("Forecaster", quantiles)
        self.season = check_integer("season", season, optional=True)
        self.calendar = check_flag("calendar", calendar)
        self.lower = None if lower is None else check_real("lower", lower)
        self.scale = check_choice("scale", scale, ("linear", "log"))
        self.skip_bad = check_flag("skip_bad", skip_bad)
        self.method = check_choice("method", method, ("model", "best"))
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

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the arguments of the constructor, as scikit-learn's estimators do.

        Parameters
        ----------
        deep : bool
            Without effect on the result, because no argument is an estimator.
        """
        check_flag("deep", deep)
        return self._constructor_arguments()

    def set_params(self, **params: Any) -> Arguments:
        """Change arguments of the constructor; those that a trained model was made with are fixed.

        Returns
        -------
        self
        """
        known = self._constructor_arguments()
        for name in params:
            if name not in known:
                raise ValueError(f"there is no argument {name!r}: there are {list(known)}")
            reason = self._why_fixed(name)
            if reason is not None:
                raise AttributeError(f"{name} {reason}")
        type(self)(**{**known, **params})  # all are checked before the first one changes
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __sklearn_clone__(self) -> Arguments:
        """Return a forecaster of the same arguments that has not been trained."""
        return type(self)(**self._constructor_arguments())

    def _why_fixed(self, name: str) -> str | None:
        if name in self._of_model and hasattr(self, "layout"):
            return f"cannot change after fit: make a new Forecaster({name}=...)"
        return None

    def _settings(self) -> ForecastSettings:
        """Return the arguments that `fit` depends on."""
        return ForecastSettings(
            plan=PlanSettings(
                window=self.window,
                horizon=self.horizon,
                season=self.season,
                calendar=self.calendar,
                validation_fraction=self.validation_fraction,
                lower=self.lower,
                log=self.scale == "log",
                skip_bad=self.skip_bad,
            ),
            hidden_units=self.hidden_units,
            dropout=self.dropout,
            levels=self.levels,
            training=Training(
                self.learning_rate, self.batch_size, self.epochs, self.patience, self.verbose
            ),
            seed=self.seed,
            num_threads=self.num_threads,
        )

    @property
    def levels(self) -> tuple[float, ...]:
        """The quantiles that the model gives: those asked for, and the median."""
        return tuple(sorted({0.5, *(self.quantiles or ())}))

    def _choose_levels(self, outputs: Array) -> Array:
        """Return the requested quantiles; without any, the median without an axis for it."""
        if self.quantiles is None:
            return outputs[..., 0]
        chosen: Array = outputs[..., [self.levels.index(q) for q in self.quantiles]]
        return chosen


def _check_names(label: str, names: Sequence[str] | None) -> tuple[str, ...]:
    """Return names of columns; TypeError for a text, which is not a list of names."""
    if isinstance(names, str):
        raise TypeError(f"{label} must be a list of names, got {names!r}")
    return tuple(names or ())
