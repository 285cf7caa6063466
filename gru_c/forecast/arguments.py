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
        "counts",
        "linear",
        "budget",
        "method",
    )

    def __init__(
        self,
        window: int | None,
        horizon: int,
        hidden_units: int | Sequence[int] | None = None,
        *,
        covariates: Sequence[str] | None = None,
        past_covariates: Sequence[str] | None = None,
        quantiles: Sequence[float] | None = None,
        season: int | Sequence[int] | None = None,
        calendar: bool = True,
        lower: float | None = None,
        scale: str = "auto",
        counts: bool = False,
        linear: bool = True,
        budget: str = "fast",
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
        self.window = check_integer("window", window, 1, optional=True)
        self.horizon = check_integer("horizon", horizon, 1)
        self.hidden_units = _check_units(hidden_units)
        self.covariates = _check_names("covariates", covariates)
        self.past_covariates = _check_names("past_covariates", past_covariates)
        both = sorted({*self.covariates} & {*self.past_covariates})
        if both:
            raise ValueError(f"{both} are either known ahead or only in the past: got both")
        self.quantiles = None if quantiles is None else check_quantiles("Forecaster", quantiles)
        self.season = _check_seasons(season)
        self.calendar = check_flag("calendar", calendar)
        self.lower = None if lower is None else check_real("lower", lower)
        self.scale = check_choice("scale", scale, ("auto", "linear", "log"))
        self.counts = check_flag("counts", counts)
        if self.counts and self.scale == "log":
            raise ValueError("counts may be 0, which has no logarithm: take scale='linear'")
        self.linear = check_flag("linear", linear)
        self.budget = check_choice("budget", budget, ("fast", "accurate"))
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
        seasons = self.season if isinstance(self.season, tuple) else (self.season, 0)
        logs = {"linear": False, "log": True, "auto": None}
        lower = 0.0 if self.counts and self.lower is None else self.lower
        return ForecastSettings(
            plan=PlanSettings(
                window=self.window,
                horizon=self.horizon,
                season=seasons[0],
                longer=seasons[1] or 0,
                calendar=self.calendar,
                validation_fraction=self.validation_fraction,
                lower=lower,
                log=False if self.counts else logs[self.scale],
                skip_bad=self.skip_bad,
                linear=self.linear,
                counts=self.counts,
            ),
            sizes=_sizes(self.hidden_units, self.budget),
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


def _check_units(units: int | Sequence[int] | None) -> tuple[int, ...] | None:
    if units is None:
        return None
    counts = units if isinstance(units, (list, tuple)) else (units,)
    if not counts:
        raise ValueError("hidden_units must have a number for each layer, got none")
    return tuple(check_integer("hidden_units", count, 1) for count in counts)


def _check_seasons(season: int | Sequence[int] | None) -> int | tuple[int, int] | None:
    if not isinstance(season, (list, tuple)):
        return check_integer("season", season, optional=True)
    shorter, longer = [check_integer("season", each, 2) for each in season] + [0] * (
        2 - len(season)
    )
    if len(season) != 2 or not shorter < longer:
        raise ValueError(f"season must be a number, or two in ascending order, got {season!r}")
    return shorter, longer


def _sizes(units: tuple[int, ...] | None, budget: str) -> tuple[tuple[int, ...], ...]:
    """Return the units of each network that is trained; the best of them is kept."""
    if budget == "fast":
        return (units or (16,),)
    return (units,) * 3 if units else ((16,), (16,), (32,), (32, 32))


def _check_names(label: str, names: Sequence[str] | None) -> tuple[str, ...]:
    """Return names of columns; TypeError for a text, which is not a list of names."""
    if isinstance(names, str):
        raise TypeError(f"{label} must be a list of names, got {names!r}")
    return tuple(names or ())
