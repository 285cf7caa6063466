"""The plots of docs/scaling.md: steps by ranks, efficiency by the batch of a rank."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.lines import Line2D

from bench import scaling_model as model
from bench.plots import LINES, quiet
from bench.scaling_cases import MODELS
from bench.scaling_fit import MANY, WANTED, Fitted

LARGE_BATCH = 4096  # drawn beside the largest batch that was measured
STYLES = ("-", "--")


def draw(fitted: Fitted, folder: Path) -> None:
    """Write both plots as PNG."""
    for name, panel in (("strong_scaling.png", _draw_strong), ("weak_scaling.png", _draw_weak)):
        figure, grid = plt.subplots(
            1, len(fitted.costs), figsize=(4.3 * len(fitted.costs), 4.2), squeeze=False
        )
        for axes, case in zip(grid.flat, fitted.costs, strict=True):
            panel(axes, fitted, case)
            quiet(axes, "both")
        handles, labels = _make_keys(fitted, panel)
        figure.tight_layout(rect=(0, 0, 1, 0.86))
        figure.legend(handles, labels, loc="upper center", ncols=4, frameon=False, fontsize=9)
        figure.savefig(folder / name, dpi=130, facecolor="white")
        plt.close(figure)


def _make_keys(fitted: Fitted, panel: Callable[..., None]) -> tuple[list[Any], list[str]]:
    """Return lines and points with their names, for the legend."""
    colours = {label: Line2D([], [], color=LINES[i]) for i, label in enumerate(fitted.ahead)}
    if panel is _draw_weak:
        lines = {
            f"{p:,} ranks": Line2D([], [], color="black", linestyle=s)
            for p, s in zip(MANY, STYLES, strict=True)
        }
    else:
        lines = {
            "smaller batch": Line2D([], [], color="black", linestyle="-"),
            "batch of 4,096": Line2D([], [], color="black", linestyle="--"),
            "measured, 1 rank": Line2D([], [], color="black", marker="o", linestyle=""),
            "measured, 2 by memory": Line2D([], [], color="black", marker="x", linestyle=""),
            "measured, 2 over 1 Gb/s": Line2D([], [], color=LINES[0], marker="o", linestyle=""),
        }
    keys = {**colours, **lines}
    return list(keys.values()), list(keys)


def _draw_strong(axes: Any, fitted: Fitted, name: str) -> None:
    """Draw the predicted steps of two batches, and the measured ones."""
    measured = MODELS[name].checked[-1]
    for batch, style in zip((measured, LARGE_BATCH), STYLES, strict=True):
        ranks = [2**k for k in range(batch.bit_length()) if 2**k <= min(batch, MANY[-1])]
        for colour, network in zip(LINES, fitted.ahead.values(), strict=False):
            times = [
                1e3 * model.step(fitted.costs[name], batch / p, p, network, fitted.gamma)
                for p in ranks
            ]
            axes.plot(ranks, times, style, color=colour, linewidth=1.5)
    points = {"1 x 1": (1, "o", "black"), "2 x 1": (2, "x", "black"), "network": (2, "o", LINES[0])}
    for setting, (count, marker, colour) in points.items():
        step = fitted.measured(setting, name, measured)
        if step:
            axes.plot(count, 1e3 * step["step"], marker, color=colour, markersize=6, zorder=3)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks([1, 4, 16, 64, 256, 1024], ["1", "4", "16", "64", "256", "1,024"])
    axes.set_xlabel("ranks")
    axes.set_ylabel("step (ms)")
    axes.set_title(f"{name}: batches of {measured} and 4,096", loc="left", fontsize=10)


def _draw_weak(axes: Any, fitted: Fitted, name: str) -> None:
    """Draw the predicted efficiency with many ranks."""
    local = [2 ** (k / 4) for k in range(4 * 12 + 1)]
    for colour, network in zip(LINES, fitted.ahead.values(), strict=False):
        for ranks, style in zip(MANY, STYLES, strict=True):
            shares = [
                100 * model.efficiency(fitted.costs[name], b, ranks, network, fitted.gamma)
                for b in local
            ]
            axes.plot(local, shares, style, color=colour, linewidth=1.5)
    axes.axhline(100 * WANTED, color="black", linewidth=0.8, linestyle=":")
    axes.set_xscale("log", base=2)
    axes.set_xticks([1, 8, 64, 512, 4096], ["1", "8", "64", "512", "4,096"])
    axes.set_ylim(0, 100)
    axes.set_xlabel("samples of each rank")
    axes.set_ylabel("efficiency (%)")
    axes.set_title(name, loc="left", fontsize=10)
