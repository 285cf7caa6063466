"""Backtest: the errors of the model and of simpler methods, by fold and by horizon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.optional import require
from gru_c.forecast.accuracy import mae, rmse
from gru_c.forecast.fold import Fold
from gru_c.forecast.plots import draw_backtest

# The columns of a table, by the keys of a row.
COLUMNS = {
    "mae": "MAE",
    "rmse": "RMSE",
    "mase": "MASE",
    "pinball": "pinball",
    "coverage": "coverage",
    "seconds": "seconds",
}


@dataclass(frozen=True)
class Backtest:
    """Errors of forecasts from several origins, with those of simpler methods for comparison.

    "naive" is the last value, "seasonal naive" the value one season before, "ridge" a linear model
    of the last values whose penalty has the smallest leave-one-out error. Their quantiles follow
    from the errors within the training part. "pinball" is the mean pinball loss of the requested
    quantiles, about half of the CRPS if these are many; "coverage" the share of the measured values
    between the lowest and the highest; "seconds" the time for all fits and forecasts. RMSE and MAE
    are in the unit of the series. MASE divides by the mean error of the (seasonal) naive forecast
    one step (one season) ahead within the training part: a forecast as good as that has a MASE of
    1. It is NaN for a series that repeats itself. Series of different units can only be compared by
    MASE.

    Attributes
    ----------
    names : list of str
        Names of the series.
    folds : list of Fold
    season : int
        Number of steps in a season, 0 for none.
    interval : tuple of float, or None
        The lowest and the highest of the requested quantiles.
    skipped : dict of str to str
        The names of the series that were left out, with the reasons.
    quantiles : tuple of float
        The requested quantiles.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c.forecast import Forecaster
    >>> wave = np.sin(np.arange(60) * np.pi / 6)
    >>> forecaster = Forecaster(12, 3, hidden_units=4, season=12, epochs=1, seed=0)
    >>> backtest = forecaster.backtest(wave, folds=2)
    >>> [(row["method"], round(row["mae"], 6)) for row in backtest.summary()][2]
    ('seasonal naive', 0.0)
    """

    names: list[str]
    folds: Sequence[Fold] = field(repr=False)
    season: int
    interval: tuple[float, float] | None
    skipped: dict[str, str] = field(default_factory=dict)
    quantiles: tuple[float, ...] = ()

    @property
    def methods(self) -> list[str]:
        """Names of the methods that are compared, the model first."""
        return list(self.folds[0].forecasts)

    @property
    def coverage(self) -> float | None:
        """Share of the measured values within the interval; None without quantiles."""
        return None if self.interval is None else _coverage(self.folds)

    def summary(self) -> list[dict[str, Any]]:
        """Return a row for each method: mae, rmse and mase over all folds, and more if known.

        With quantiles there are also pinball and coverage.
        """
        return [
            {**self._row(method, self.folds, slice(None)), **self._beside(method)}
            for method in self.methods
        ]

    @property
    def best(self) -> str:
        """The method with the smallest MASE; with the smallest MAE if there is none."""
        rows = self.summary()
        measure = "mase" if all(row["mase"] == row["mase"] for row in rows) else "mae"
        return str(min(rows, key=lambda row: float(row[measure]))["method"])

    def _beside(self, method: str) -> dict[str, float]:
        """Return the loss and coverage of a method's quantiles, and its time."""
        row = {}
        if all(method in fold.quantiles for fold in self.folds) and self.quantiles:
            outputs = np.stack([fold.quantiles[method] for fold in self.folds])
            measured = np.stack([fold.measured for fold in self.folds])
            error, levels = measured[..., None] - outputs, np.array(self.quantiles)
            loss = np.maximum(levels * error, (levels - 1) * error)
            known = ~np.isnan(measured)
            row["pinball"] = float(loss[known].mean()) if known.any() else float("nan")
            if self.interval is not None:
                row["coverage"] = _share_inside(measured, outputs[..., 0], outputs[..., -1])
        if all(method in fold.seconds for fold in self.folds):
            row["seconds"] = sum(fold.seconds[method] for fold in self.folds)
        return row

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
            Rows for each fold, or for each number of steps ahead.
        """
        if by not in ("fold", "horizon"):
            raise ValueError(f"by must be 'fold' or 'horizon', got {by!r}")
        rows = self.rows if by == "fold" else self.horizon_rows
        return require("pandas", "pandas").DataFrame(rows)

    def plot(self) -> Any:
        """Draw the forecasts with the measured values, and the errors by steps ahead.

        Returns
        -------
        matplotlib.figure.Figure
        """
        return draw_backtest(self.names, self.folds)

    def __str__(self) -> str:
        lines = [f"{len(self.folds)} folds of {self.folds[0].measured.shape[1]} steps"]
        rows = self.summary()
        names = "".join(f"{COLUMNS[key]:>10}" for key in COLUMNS if key in rows[0])
        lines += ["", f"{'':16}{names}", *map(_row_text, rows)]
        lines += ["", f"{'MAE by fold':16}" + "".join(f"{m:>16}" for m in self.methods)]
        for fold in self.folds:
            errors = [mae(fold.forecasts[m] - fold.measured) for m in self.methods]
            lines.append(
                f"{_origin_text(fold.origins[0]):16}" + "".join(f"{e:16.4g}" for e in errors)
            )
        if self.interval is not None:
            low, high = self.interval
            lines += [
                "",
                f"{100 * _coverage(self.folds):.0f} % of the values lie between the quantiles "
                f"{low:g} and {high:g}, of {100 * (high - low):.0f} % wanted",
            ]
        return "\n".join(lines)


def _coverage(folds: Sequence[Fold]) -> float:
    bounds = np.stack([fold.bounds for fold in folds if fold.bounds is not None])
    measured = np.stack([fold.measured for fold in folds])
    return _share_inside(measured, bounds[..., 0], bounds[..., 1])


def _share_inside(measured: Array, low: Array, high: Array) -> float:
    """Return the share of the known values that lie between bounds; NaN for unknown bounds."""
    known = ~np.isnan(measured)
    if not known.any() or np.isnan(low[known] + high[known]).any():
        return float("nan")
    return float(((low <= measured) & (measured <= high))[known].mean())


def _row_text(row: dict[str, Any]) -> str:
    numbers = (row[key] for key in COLUMNS if key in row)
    return f"{row['method']:16}" + "".join(f"{number:10.4g}" for number in numbers)


def _origin_text(origin: Any) -> str:
    return str(origin).removesuffix(" 00:00:00")[:16]
