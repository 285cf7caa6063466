"""What a backtest found: errors of the model and of the naive forecasts, by fold and by horizon."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gru_c.forecast.accuracy import mae, mase_scale, naive, rmse, seasonal_naive
from gru_c.forecast.plots import draw_backtest
from gru_c.forecast.preparation import expected_season
from gru_c.forecast.series import Panel, Series
from gru_c.utils.arrays import Array
from gru_c.utils.attributes import assign
from gru_c.utils.optional import require

if TYPE_CHECKING:
    from gru_c.forecast.forecaster import Forecaster


MODEL, NAIVE, SEASONAL = "GRU", "naive", "seasonal naive"


@dataclass(frozen=True)
class Fold:
    """One origin: what was forecast from there, and what came.

    Attributes
    ----------
    origins : list
        Last known step of each series: its time, or its number.
    measured : ndarray, shape (series, horizon)
        NaN where missing.
    forecasts : dict of str to ndarray, shape (series, horizon)
        By method.
    bounds : ndarray, shape (series, horizon, 2), or None
        Lowest and highest quantile.
    scales : ndarray, shape (series,)
        What MASE divides by: errors within the part that the fold was trained on.
    times : list
        Of each series' steps: times, or None.
    """

    origins: list[Any]
    measured: Array
    forecasts: dict[str, Array]
    bounds: Array | None
    scales: Array
    times: list[Any]


@dataclass(frozen=True)
class Backtest:
    """Errors of forecasts from several origins, always beside those of the naive forecasts.

    "naive" is the last value, "seasonal naive" the value one season before. RMSE and MAE are in the
    unit of the series; MASE divides by the mean error of the (seasonal) naive forecast one step
    (one season) ahead within the training part, so that 1 is as good as that. It is NaN for a
    series that repeats itself. Over several series of different units only MASE compares.

    Attributes
    ----------
    names : list of str
        Of the series.
    folds : list of Fold
    season : int
        0: none.
    interval : tuple of float, or None
        Lowest and highest of the quantiles asked for.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c.forecast import Forecaster
    >>> wave = np.sin(np.arange(60) * np.pi / 6)
    >>> forecaster = Forecaster(12, 3, hidden_units=4, season=12, epochs=1, seed=0)
    >>> found = forecaster.backtest(wave, folds=2)
    >>> [(row["method"], round(row["mae"], 6)) for row in found.summary()][2]
    ('seasonal naive', 0.0)
    """

    names: list[str]
    folds: Sequence[Fold] = field(repr=False)
    season: int
    interval: tuple[float, float] | None

    @property
    def methods(self) -> list[str]:
        """Names of what is compared, the model first."""
        return list(self.folds[0].forecasts)

    @property
    def coverage(self) -> float | None:
        """Share of the measured values within the interval; None without quantiles."""
        return None if self.interval is None else _coverage(self.folds)

    def summary(self) -> list[dict[str, Any]]:
        """Return a row for each method: mae, rmse and mase over all folds."""
        return [self._row(method, self.folds, slice(None)) for method in self.methods]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row for each fold and method: fold, origin, method, mae, rmse, mase."""
        return [
            {"fold": number, "origin": fold.origins[0], **self._row(method, [fold], slice(None))}
            for number, fold in enumerate(self.folds, start=1)
            for method in self.methods
        ]

    @property
    def horizon_rows(self) -> list[dict[str, Any]]:
        """A row for each number of steps ahead and method: step, method, mae, rmse, mase."""
        steps = self.folds[0].measured.shape[1]
        return [
            {"step": step + 1, **self._row(method, self.folds, slice(step, step + 1))}
            for step in range(steps)
            for method in self.methods
        ]

    def _row(self, method: str, folds: Sequence[Fold], steps: slice) -> dict[str, Any]:
        error = np.stack([(f.forecasts[method] - f.measured)[:, steps] for f in folds])
        scales = np.stack([f.scales for f in folds])[..., None]
        scaled = error / scales
        return {"method": method, "mae": mae(error), "rmse": rmse(error), "mase": mae(scaled)}

    def to_frame(self, by: str = "fold") -> Any:
        """Return the rows as a pandas DataFrame.

        Parameters
        ----------
        by : {"fold", "horizon"}
        """
        if by not in ("fold", "horizon"):
            raise ValueError(f"by must be 'fold' or 'horizon', got {by!r}")
        rows = self.rows if by == "fold" else self.horizon_rows
        return require("pandas", "pandas").DataFrame(rows)

    def plot(self) -> Any:
        """Draw the forecasts beside what was measured, and the errors by steps ahead.

        Returns
        -------
        matplotlib.figure.Figure
        """
        return draw_backtest(self)

    def __str__(self) -> str:
        lines = [f"{len(self.folds)} folds of {self.folds[0].measured.shape[1]} steps"]
        lines += ["", f"{'':16}{'MAE':>10}{'RMSE':>10}{'MASE':>10}", *map(_line, self.summary())]
        lines += ["", f"{'MAE by fold':16}" + "".join(f"{m:>16}" for m in self.methods)]
        for fold in self.folds:
            errors = [mae(fold.forecasts[m] - fold.measured) for m in self.methods]
            lines.append(f"{_short(fold.origins[0]):16}" + "".join(f"{e:16.4g}" for e in errors))
        if self.interval is not None:
            low, high = self.interval
            lines += [
                "",
                f"{100 * _coverage(self.folds):.0f} % of the values lie between the quantiles "
                f"{low:g} and {high:g}, of {100 * (high - low):.0f} % wanted",
            ]
        return "\n".join(lines)


def _coverage(folds: Sequence[Fold]) -> float:
    inside, known = 0, 0
    for fold in folds:
        assert fold.bounds is not None
        low, high = fold.bounds[..., 0], fold.bounds[..., 1]
        inside += int(((low <= fold.measured) & (fold.measured <= high)).sum())
        known += int((~np.isnan(fold.measured)).sum())
    return inside / known if known else float("nan")


def _line(row: dict[str, Any]) -> str:
    numbers = (row["mae"], row["rmse"], row["mase"])
    return f"{row['method']:16}" + "".join(f"{number:10.4g}" for number in numbers)


def _short(origin: Any) -> str:
    return str(origin).removesuffix(" 00:00:00")[:16]


def roll(forecaster: Forecaster, panel: Panel, folds: int, refit: bool) -> Backtest:
    """Return what forecasts from `folds` origins are worth; see `Forecaster.backtest`."""
    horizon, first = forecaster.horizon, folds * forecaster.horizon
    shortest = min(panel.series, key=len)
    if len(shortest) <= first:
        raise ValueError(
            f"series {shortest.name!r} has {len(shortest)} steps: {folds} folds of {horizon} leave "
            "nothing to train on"
        )
    trained = copy.copy(forecaster)
    season = expected_season(panel.cut(first), forecaster.season)
    assign(trained, season=season)
    found = []
    for left in range(first, 0, -horizon):
        part = panel.cut(left)
        if refit or left == first:
            trained.fit_panel(part)
        found.append(_fold(trained, panel, part))
    asked = forecaster.quantiles
    interval = (asked[0], asked[-1]) if asked is not None and len(asked) > 1 else None
    return Backtest([item.name for item in panel.series], found, season, interval)


def _fold(trained: Forecaster, panel: Panel, part: Panel) -> Fold:
    horizon, season = trained.horizon, trained.season or 0
    outputs = trained.outputs(part, horizon)
    pairs = list(zip(panel.series, part.series, strict=True))
    forecasts = {
        MODEL: outputs[..., trained.levels.index(0.5)],
        NAIVE: _each(part, lambda values: naive(values, horizon)),
    }
    if season:
        forecasts[SEASONAL] = _each(part, lambda values: seasonal_naive(values, horizon, season))
    levels = [trained.levels.index(q) for q in trained.quantiles or ()]
    return Fold(
        origins=[_last_step(item) for item in part.series],
        measured=np.stack([whole.values[len(p) :][:horizon] for whole, p in pairs]),
        forecasts=forecasts,
        bounds=outputs[..., [levels[0], levels[-1]]] if len(levels) > 1 else None,
        scales=np.array([mase_scale(item.values, season or 1) for item in part.series]),
        times=[_steps_of(whole, len(p), horizon) for whole, p in pairs],
    )


def _each(part: Panel, forecast: Any) -> Array:
    return np.stack([forecast(item.values) for item in part.series])


def _last_step(item: Series) -> Any:
    return len(item) - 1 if item.index is None else item.index[-1]


def _steps_of(item: Series, begin: int, steps: int) -> Any:
    numbers = np.arange(begin, begin + steps)
    return numbers if item.index is None else item.index[begin : begin + steps]
