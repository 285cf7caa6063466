"""Trained: what a forecaster keeps of its training, and the pictures and files made of it."""

from __future__ import annotations

import os
from typing import Any

from gru_c.common.arrays import Array
from gru_c.common.validation import check_integer
from gru_c.forecast import fitted, onnx_file, plots
from gru_c.forecast.arguments import Arguments
from gru_c.forecast.base import Base
from gru_c.forecast.chart import draw_charts
from gru_c.forecast.features import Layout, Scale
from gru_c.forecast.panel import Panel
from gru_c.forecast.static import StaticFeature
from gru_c.models.sequential import Sequential

_MOST_HORIZONS = 1000  # longest forecast, in horizons


class Trained(Arguments):
    """The result of `Forecaster.fit`; the docstring of `Forecaster` describes it."""

    model_: Sequential
    history_: dict[str, list[float]]
    season_: int
    reference_: str
    method_: str
    names_: list[str]
    skipped_: dict[str, str]
    choices_: dict[str, Any]
    columns_: dict[str, str]
    base: Base | None
    layout: Layout
    scales: dict[str, Scale]
    past: Panel
    static: tuple[StaticFeature, ...]

    def _require_fitted(self, method: str) -> fitted.Fitted:
        """Return the result of `fit`; ValueError if there is none yet."""
        if not hasattr(self, "layout"):
            raise ValueError(f"{method} needs a forecaster that has been trained: call fit first")
        return fitted.Fitted(
            self.model_,
            self.history_,
            self.layout,
            self.scales,
            self.past,
            self.levels,
            self.static,
            self.method_,
            self.base,
        )

    def _ahead(
        self, steps: int, series: Any, covariates: Any, past: Any = None, static: Any = None
    ) -> fitted.Ahead:
        return fitted.Ahead(
            series=series,
            covariates=covariates,
            past=past,
            static=static,
            names=self.covariates,
            past_names=self.past_covariates,
            steps=steps,
            skip_bad=self.skip_bad,
        )

    def _check_steps(self, steps: int | None) -> int:
        steps = self.horizon if steps is None else check_integer("steps", steps, 1)
        if steps > _MOST_HORIZONS * self.horizon:
            raise ValueError(
                f"steps must be at most {_MOST_HORIZONS} horizons of {self.horizon}, got {steps}"
            )
        return steps

    def plot(
        self,
        steps: int | None = None,
        past: int | None = None,
        covariates: Any = None,
        *,
        unit: str | None = None,
    ) -> Any:
        """Draw the end of each series and its forecast.

        Parameters
        ----------
        steps, covariates
            As in `predict`.
        past : int, optional
            Number of steps before the forecast; three windows by default.
        unit : str, optional
            The unit of the values, to be written at the axis.

        Returns
        -------
        matplotlib.figure.Figure
        """
        return plots.draw_forecast(*self._drawn("plot", steps, past, covariates), unit)

    def chart(
        self,
        steps: int | None = None,
        past: int | None = None,
        covariates: Any = None,
        *,
        unit: str | None = None,
    ) -> str:
        """Return HTML with the figures of `plot` as SVG, whose parameters it has.

        It contains no style or script: those of ``gru-c forecast``'s report show the values under
        the pointer.
        """
        return draw_charts(*self._drawn("chart", steps, past, covariates), unit)

    def _drawn(
        self, method: str, steps: int | None, past: int | None, covariates: Any
    ) -> tuple[Panel, Array, tuple[float, ...], int]:
        """Return the series, their forecasts, the levels, and the steps to draw before these."""
        known = self._require_fitted(method)
        steps = self._check_steps(steps)
        panel = known.read_past(self._ahead(steps, None, covariates))
        past = 3 * self.layout.window if past is None else check_integer("past", past, 1)
        return panel, known.outputs(panel, steps, self.num_threads), self.levels, past

    def to_onnx(self, path: str | os.PathLike[str], series: str | None = None) -> None:
        """Write an ONNX file that onnxruntime runs, with scaling and calendar in its graph.

        The input ``values``, float64 (B, season + window), are the last values of a series; with a
        calendar there is also ``times``, int64 (B, window): the local times of the last `window`
        values, in seconds since 1970. The output ``forecast``, float64 (B, horizon, levels), has
        the quantiles asked for and the median, in ascending order.

        Parameters
        ----------
        path : path
            Path of the file, with the suffix ``.onnx``.
        series : str, optional
            The series whose scale the file gets; needed if there are several.

        Raises
        ------
        ImportError
            When onnx is not installed.
        ValueError
            When there is no such series, or the forecasts depend on what the file cannot express:
            covariates, static features, missing values, or a simpler method than the model.
        """
        onnx_file.write(path, self._require_fitted("to_onnx"), series)
