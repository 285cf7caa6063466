"""Plots of forecasts and of backtests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gru_c.forecast.accuracy import mae
from gru_c.forecast.output import future_index
from gru_c.forecast.series import Panel, Series
from gru_c.utils.arrays import Array
from gru_c.utils.optional import require

if TYPE_CHECKING:
    from gru_c.forecast.backtest import Backtest

MOST_SERIES = 6  # that are drawn
OURS, MEASURED, OTHERS = "#d95f02", "#555555", ("#7b9fc7", "#8fbf8f")


def _axes(rows: int, title: str) -> tuple[Any, list[Any]]:
    pyplot = require("matplotlib.pyplot", "plot")
    figure, axes = pyplot.subplots(
        rows, 1, figsize=(10, 1 + 3 * rows), layout="constrained", squeeze=False
    )
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    pyplot.close(figure)  # it is the caller's now, and takes part in no later pyplot.show()
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


def draw_forecast(panel: Panel, found: Array, levels: tuple[float, ...], past: int) -> Any:
    """Draw the ends of the series with forecasts (series, steps, levels); return the figure."""
    drawn = list(zip(panel.series, found, strict=True))[:MOST_SERIES]
    figure, axes = _axes(len(drawn), f"Forecast of {found.shape[1]} steps")
    for ax, (item, forecast) in zip(axes, drawn, strict=True):
        before, ahead = _times(item, len(forecast))
        ax.plot(before[-past:], item.values[-past:], color=MEASURED, label="measured")
        if len(levels) > 1:
            label = f"quantiles {levels[0]:g} to {levels[-1]:g}"
            band = forecast[:, 0], forecast[:, -1]
            ax.fill_between(ahead, *band, color=OURS, alpha=0.2, linewidth=0, label=label)
        marker = "." if len(ahead) < 2 else None
        middle = forecast[:, levels.index(0.5)]
        ax.plot(ahead, middle, color=OURS, linewidth=2, marker=marker, label="forecast")
        ax.set_title(item.name, loc="left")
        _label_times(ax, item.index)
    _add_legend(axes[0])
    return figure


def _times(item: Series, steps: int) -> tuple[Any, Any]:
    if item.index is None:
        return np.arange(len(item)), np.arange(len(item), len(item) + steps)
    return item.index, future_index(item, steps)


def _label_times(ax: Any, times: Any) -> None:
    if not hasattr(times, "freq"):
        ax.set_xlabel("step")
        return
    dates = require("matplotlib.dates", "plot")
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(ax.xaxis.get_major_locator()))


def draw_backtest(found: Backtest) -> Any:
    """Draw what was measured beside the forecasts of all folds, and the errors by horizon."""
    count = min(len(found.names), MOST_SERIES)
    title = f"{len(found.folds)} forecasts, each from what came before"
    figure, axes = _axes(count + 1, title)
    for number in range(count):
        _draw_folds(axes[number], found, number)
    _add_legend(axes[0])
    _draw_horizon(axes[-1], found)
    return figure


def _draw_folds(ax: Any, found: Backtest, number: int) -> None:
    colors = dict(zip(found.methods, (OURS, *OTHERS), strict=False))
    for fold in found.folds:
        new = fold is found.folds[0]
        times, marker = fold.times[number], "." if len(fold.times[number]) < 2 else None
        if fold.bounds is not None:
            low, high = fold.bounds[number].T
            ax.fill_between(times, low, high, color=OURS, alpha=0.2, linewidth=0)
        for method, values in reversed(fold.forecasts.items()):
            width = 2 if method == found.methods[0] else 1
            label = method if new else None
            style = {"color": colors[method], "linewidth": width, "marker": marker}
            ax.plot(times, values[number], label=label, **style)
        label = "measured" if new else None
        style = {"color": MEASURED, "linewidth": 1.2, "marker": marker}
        ax.plot(times, fold.measured[number], label=label, **style)
        ax.axvline(times[0], color="0.85", linewidth=1, zorder=0)
    ax.set_title(found.names[number], loc="left")
    _label_times(ax, found.folds[0].times[number])


def _draw_horizon(ax: Any, found: Backtest) -> None:
    steps = np.arange(1, found.folds[0].measured.shape[1] + 1)
    for method, color in zip(found.methods, (OURS, *OTHERS), strict=False):
        error = np.stack([f.forecasts[method] - f.measured for f in found.folds])
        by_step = [mae(error[..., step - 1]) for step in steps]
        ax.plot(steps, by_step, color=color, marker=".", label=method)
    ax.set_title("Mean absolute error, by steps ahead", loc="left")
    ax.set_ylim(bottom=0)
    ax.set_xlabel("steps ahead")
    if len(steps) < 13:
        ax.set_xticks(steps)
