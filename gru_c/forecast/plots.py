"""Plots of forecasts and of backtests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.optional import require
from gru_c.forecast.accuracy import mae
from gru_c.forecast.fold import Fold
from gru_c.forecast.output import future_index
from gru_c.forecast.panel import Panel
from gru_c.forecast.series import Series

MOST_SERIES = 6  # in a figure
OURS, MEASURED = "#d95f02", "#555555"
OTHERS = ("#7b9fc7", "#8fbf8f", "#b294c7", "#c7a86b", "#6fbdb5", "#c98a9b")


def _make_axes(rows: int, title: str) -> tuple[Any, list[Any]]:
    pyplot = require("matplotlib.pyplot", "plot")
    figure, axes = pyplot.subplots(
        rows, 1, figsize=(10, 1 + 3 * rows), layout="constrained", squeeze=False
    )
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    pyplot.close(figure)  # so that a later pyplot.show() does not show this figure
    for ax in axes[:, 0]:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(axis="y", color="0.9")
        ax.margins(x=0.01)
    return figure, list(axes[:, 0])


def _add_legend(ax: Any) -> None:
    """Add a legend above the axes, where it hides nothing."""
    handles, labels = ax.get_legend_handles_labels()
    order = np.argsort([label != "measured" for label in labels], kind="stable")
    ax.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=len(labels),
        frameon=False,
    )


def draw_forecast(
    panel: Panel, outputs: Array, levels: tuple[float, ...], past: int, unit: str | None = None
) -> Any:
    """Return a figure of the ends of the series with their forecasts.

    Parameters
    ----------
    outputs : ndarray, shape (series, steps, levels)
        The forecasts.
    levels : tuple of float
        The quantiles that were forecast; 0.5 is one of them.
    past : int
        Number of steps before the forecast.
    unit : str, optional
        The unit of the values, for the axis.
    """
    drawn = list(zip(panel.series, outputs, strict=True))[:MOST_SERIES]
    figure, axes = _make_axes(len(drawn), f"Forecast of {outputs.shape[1]} steps")
    for ax, (item, forecast) in zip(axes, drawn, strict=True):
        before, ahead = times_around(item, len(forecast))
        ax.plot(before[-past:], item.values[-past:], color=MEASURED, label="measured")
        times, lines = join(item, before, ahead, forecast)
        if len(levels) > 1:
            label = f"quantiles {levels[0]:g} to {levels[-1]:g}"
            band = lines[:, 0], lines[:, -1]
            ax.fill_between(times, *band, color=OURS, alpha=0.2, linewidth=0, label=label)
        marker = "." if len(ahead) < 2 else None
        middle = lines[:, levels.index(0.5)]
        ax.plot(times, middle, color=OURS, linewidth=2, marker=marker, label="forecast")
        ax.set_ylabel(unit or "")
        ax.set_title(item.name, loc="left")
        _label_times(ax, item.index)
    _add_legend(axes[0])
    return figure


def join(item: Series, before: Any, ahead: Any, forecast: Array) -> tuple[Any, Array]:
    """Return the times and the values of a forecast, with the last known value before them."""
    last = int(np.flatnonzero(~np.isnan(item.values))[-1])
    values = np.concatenate([np.full((1, forecast.shape[1]), item.values[last]), forecast])
    if item.index is None:
        return np.concatenate([before[last : last + 1], ahead]), values
    return before[last : last + 1].append(ahead), values


def times_around(item: Series, steps: int) -> tuple[Any, Any]:
    """Return the times of a series, and those of the steps ahead; without times, numbers."""
    if item.index is None:
        return np.arange(len(item)), np.arange(len(item), len(item) + steps)
    return item.index, future_index(item, steps)


def _label_times(ax: Any, times: Any) -> None:
    if not hasattr(times, "freq"):
        ax.set_xlabel("step")
        return
    dates = require("matplotlib.dates", "plot")
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(ax.xaxis.get_major_locator()))


def draw_backtest(names: Sequence[str], folds: Sequence[Fold]) -> Any:
    """Return a figure of the forecasts of all folds, and of their errors by steps ahead.

    Parameters
    ----------
    names : sequence of str
        Names of the series.
    """
    count = min(len(names), MOST_SERIES)
    title = f"{len(folds)} forecasts, each from what came before"
    figure, axes = _make_axes(count + 1, title)
    for number in range(count):
        _draw_folds(axes[number], folds, number)
        axes[number].set_title(names[number], loc="left")
    _add_legend(axes[0])
    _draw_horizon(axes[-1], folds)
    return figure


def _draw_folds(ax: Any, folds: Sequence[Fold], number: int) -> None:
    """Draw one series: the measured values and the forecasts of all folds."""
    methods = list(folds[0].forecasts)
    colors = dict(zip(methods, (OURS, *OTHERS), strict=False))
    for fold in folds:
        is_first = fold is folds[0]
        times, marker = fold.times[number], "." if len(fold.times[number]) < 2 else None
        if fold.bounds is not None:
            low, high = fold.bounds[number].T
            ax.fill_between(times, low, high, color=OURS, alpha=0.2, linewidth=0)
        for method, values in reversed(fold.forecasts.items()):
            width = 2 if method == methods[0] else 1
            label = method if is_first else None
            style = {"color": colors[method], "linewidth": width, "marker": marker}
            ax.plot(times, values[number], label=label, **style)
        label = "measured" if is_first else None
        style = {"color": MEASURED, "linewidth": 1.2, "marker": marker}
        ax.plot(times, fold.measured[number], label=label, **style)
        ax.axvline(times[0], color="0.85", linewidth=1, zorder=0)
    _label_times(ax, folds[0].times[number])


def _draw_horizon(ax: Any, folds: Sequence[Fold]) -> None:
    """Draw the error of each method by the number of steps ahead."""
    steps = np.arange(1, folds[0].measured.shape[1] + 1)
    for method, color in zip(folds[0].forecasts, (OURS, *OTHERS), strict=False):
        error = np.stack([f.forecasts[method] - f.measured for f in folds])
        by_step = [mae(error[..., step - 1]) for step in steps]
        ax.plot(steps, by_step, color=color, marker=".", label=method)
    ax.set_title("Mean absolute error, by steps ahead", loc="left")
    ax.set_ylim(bottom=0)
    ax.set_xlabel("steps ahead")
    if len(steps) < 13:
        ax.set_xticks(steps)
