"""The plots of docs/scaling.md: steps against ranks, efficiency against the batch of a rank."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.lines import Line2D

from bench import scaling_model as model
from bench.plots import LINES, quiet
from bench.scaling import MODELS
from bench.scaling_report import MANY, WANTED, Fitted

LARGE_BATCH = 4096  # beside the largest one that was measured
STYLES = ("-", "--")


def draw(fitted: Fitted, folder: Path) -> None:
    """Write both, as PNG."""
    for name, panel in (("strong_scaling.png", _strong), ("weak_scaling.png", _weak)):
        figure, grid = plt.subplots(
            1, len(fitted.costs), figsize=(4.3 * len(fitted.costs), 4.2), squeeze=False
        )
        for axes, case in zip(grid.flat, fitted.costs, strict=True):
            panel(axes, fitted, case)
            quiet(axes, "both")
        handles, labels = _keys(fitted, panel)
        figure.tight_layout(rect=(0, 0, 1, 0.86))
        figure.legend(handles, labels, loc="upper center", ncols=4, frameon=False, fontsize=9)
        figure.savefig(folder / name, dpi=130, facecolor="white")
        plt.close(figure)


def _keys(fitted: Fitted, panel: Callable[..., None]) -> tuple[list[Any], list[str]]:
    """What colours, lines and points mean."""
    colours = {label: Line2D([], [], color=LINES[i]) for i, label in enumerate(fitted.ahead)}
    if panel is _weak:
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
    every = {**colours, **lines}
    return list(every.values()), list(every)


def _strong(axes: Any, fitted: Fitted, name: str) -> None:
    """Modelled steps of two batches, with the points that were measured."""
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
    for setting, (ranks_, marker, colour) in points.items():
        one = fitted.measured(setting, name, measured)
        if one:
            axes.plot(ranks_, 1e3 * one["step"], marker, color=colour, markersize=6, zorder=3)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks([1, 4, 16, 64, 256, 1024], ["1", "4", "16", "64", "256", "1,024"])
    axes.set_xlabel("ranks")
    axes.set_ylabel("step (ms)")
    axes.set_title(f"{name}: batches of {measured} and 4,096", loc="left", fontsize=10)


def _weak(axes: Any, fitted: Fitted, name: str) -> None:
    """Modelled efficiency at many ranks."""
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
