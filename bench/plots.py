"""The plots of results.json: speed compared with peers, share of the peak, threads, growth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from bench.cases import Shape
from bench.report import growth_series
from bench.summary import OURS, summarise

# Okabe and Ito's colours for colour-blind readers; each peer also has a marker of its own.
STYLES = {
    "numpy": ("#999999", "s"),
    "blas": ("#000000", "+"),
    "torch": ("#D55E00", "o"),
    "onnxruntime": ("#0072B2", "^"),
    "openvino": ("#009E73", "v"),
    "openvino-bfloat16": ("#56B4E9", "<"),
    "onednn": ("#F0E442", "h"),
    "jax": ("#E69F00", "D"),
    "keras": ("#CC79A7", "P"),
}
LINES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999"]
LARGE_BATCH = 32


def draw(results: dict[str, Any], folder: Path) -> None:
    """Write the plots for which the results have figures, as PNG."""
    cases = results["cases"]
    drawings = {
        "beside_peers.png": beside_peers(cases, results["labels"]),
        "share_of_peak.png": share_of_peak(cases),
        "thread_scaling.png": thread_scaling(cases),
        "growth.png": growth(cases),
    }
    for name, figure in drawings.items():
        if figure is not None:
            figure.savefig(folder / name, dpi=150, bbox_inches="tight")
            plt.close(figure)


def beside_peers(cases: Sequence[dict[str, Any]], labels: dict[str, str]) -> Figure | None:
    """Return a figure of the peers' times over ours, with a panel for each number of threads."""
    panels = [
        (what, n, compared)
        for what in ("forward", "training")
        for n in _threads(cases)
        if (compared := [c for c in _pass(cases, what, n) if len(c["seconds"]) > 1])
    ]
    if not panels:
        return None
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    height = 1.3 + 0.33 * max(len(compared) for _, _, compared in panels)
    figure, grid = plt.subplots(
        rows, columns, figsize=(6.2 * columns, height * rows + 0.6), squeeze=False
    )
    for axes in grid.flat[len(panels) :]:
        axes.remove()
    shown: dict[str, Any] = {}
    for axes, (what, n, compared) in zip(grid.flat, panels, strict=False):
        shown |= _draw_ratios(axes, compared)
        axes.set_title(f"{_WORKLOADS[what]}, {_in_threads(n)}", loc="left", fontsize=10, pad=16)
        axes.set_xlabel("time over that of gru_c (log scale)")
    named = [peer for peer in STYLES if peer in shown]
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.45 / (height * rows + 0.6)))
    figure.legend(
        [shown[peer] for peer in named],
        [labels.get(peer, peer) for peer in named],
        loc="upper center",
        ncols=len(named),
        frameon=False,
        fontsize=9,
    )
    return figure


_WORKLOADS = {"forward": "forward pass", "training": "training step"}


def _draw_ratios(axes: Axes, cases: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Draw a row of points for each case; return the points by peer."""
    drawn: dict[str, Any] = {}
    for row, case in enumerate(cases):
        for peer, (median, low, high) in summarise(case)["ratio"].items():
            if peer not in STYLES:
                continue
            colour, marker = STYLES[peer]
            axes.plot([low, high], [row, row], color=colour, linewidth=1)
            drawn[peer] = axes.plot(
                median, row, marker, color=colour, markersize=6, linestyle="none"
            )[0]
    axes.axvline(1, color="black", linewidth=1)
    _name_line(axes, 1, "gru_c", "black")
    axes.set_xscale("log")
    _plain_numbers(axes)
    axes.set_ylim(len(cases) - 0.5, -0.5)
    axes.set_yticks(range(len(cases)), [_named(Shape(*case["shape"])) for case in cases])
    quiet(axes, "x")
    return drawn


def share_of_peak(cases: Sequence[dict[str, Any]]) -> Figure | None:
    """Return a figure of the shares of the FMA peak by H, for batches of 32 and more."""
    lines = []
    for what in ("forward", "training"):
        for n in _threads(cases):
            shares: dict[int, float] = {}
            for case in _pass(cases, what, n):
                share = summarise(case)["share"].get(OURS)
                shape = Shape(*case["shape"])
                if share and shape.B >= LARGE_BATCH:  # the best of several shapes
                    shares[shape.H] = max(shares.get(shape.H, 0), share.median)
            if shares:
                lines.append((f"{_WORKLOADS[what]}, {_in_threads(n)}", sorted(shares.items())))
    if not lines:
        return None
    figure, axes = plt.subplots(figsize=(7, 4.2))
    ends = []
    for i, (label, points) in enumerate(lines):
        x, y = zip(*points, strict=True)
        style = "-" if "forward" in label else "--"
        axes.plot(x, [100 * v for v in y], style, marker="o", markersize=4, color=LINES[i])
        ends.append((x[-1], 100 * y[-1], label, LINES[i]))
    axes.set_xscale("log", base=2)
    _plain_numbers(axes, sorted({x for _, points in lines for x, _ in points}))
    axes.set_ylim(0, 100)
    axes.set_xlabel("hidden units H")
    axes.set_ylabel("share of the FMA peak (%)")
    axes.set_title(f"float32, B >= {LARGE_BATCH}: share of the peak", loc="left", fontsize=10)
    _label_ends(axes, ends)
    quiet(axes, "y")
    return figure


def thread_scaling(cases: Sequence[dict[str, Any]]) -> Figure | None:
    """Return a figure of the speedups over one thread, with a row for each shape."""
    threads = _threads(cases)
    if len(threads) < 2 or threads[0] != 1:
        return None
    panels = [
        (what, speedups)
        for what in ("forward", "training")
        if (speedups := _speedups([case for case in cases if case["what"] == what]))
    ]
    if not panels:
        return None
    height = 1.3 + 0.33 * max(len(speedups) for _, speedups in panels)
    figure, grid = plt.subplots(
        1, len(panels), figsize=(6.2 * len(panels), height), squeeze=False, sharex=True
    )
    for axes, (what, speedups) in zip(grid.flat, panels, strict=True):
        for i, n in enumerate(threads[1:]):
            points = [(by_n[n], row) for row, by_n in enumerate(speedups.values()) if n in by_n]
            axes.plot(*zip(*points, strict=True), "o", color=LINES[i], markersize=6)
            axes.axvline(n, color=LINES[i], linewidth=1, linestyle=":")
            _name_line(axes, n, f"{n} threads, ideal", LINES[i])
        axes.axvline(1, color="black", linewidth=1)
        _name_line(axes, 1, "1 thread", "black")
        axes.set_xlim(0, None)
        axes.set_ylim(len(speedups) - 0.5, -0.5)
        axes.set_yticks(range(len(speedups)), [_named(shape) for shape in speedups])
        axes.set_xlabel("times faster than on one thread")
        axes.set_title(f"gru_c, {_WORKLOADS[what]}", loc="left", fontsize=10, pad=16)
        quiet(axes, "x")
    figure.tight_layout()
    return figure


def _speedups(cases: Sequence[dict[str, Any]]) -> dict[Shape, dict[int, float]]:
    """Return the time on one thread over that on more, by shape and threads."""
    seconds: dict[Shape, dict[int, float]] = {}
    for case in cases:
        by_threads = seconds.setdefault(Shape(*case["shape"]), {})
        by_threads[case["threads"]] = summarise(case)["median"][OURS]
    return {
        shape: {n: by_n[1] / second for n, second in by_n.items() if n > 1}
        for shape, by_n in seconds.items()
        if 1 in by_n and len(by_n) > 1
    }


def growth(cases: Sequence[dict[str, Any]]) -> Figure | None:
    """Return a figure of the time by T, B and H (I + H), with linear growth for comparison."""
    all_series = list(growth_series(_pass(cases, "growth", 1)))
    if not all_series:
        return None
    figure, grid = plt.subplots(
        1, len(all_series), figsize=(4.2 * len(all_series), 3.8), squeeze=False, sharey=True
    )
    for axes, (series, sizes, seconds) in zip(grid.flat, all_series, strict=True):
        milliseconds = [1e3 * second for second in seconds]
        linear = [milliseconds[-1] * size / sizes[-1] for size in sizes]
        axes.plot(sizes, linear, ":", color="black", linewidth=1)
        axes.plot(sizes, milliseconds, marker="o", markersize=5, color=LINES[0])
        axes.annotate(
            "linear",
            (sizes[0], linear[0]),
            xytext=(8, 0),
            textcoords="offset points",
            fontsize=9,
            va="top",
        )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel(_GROWING[series])
        quiet(axes, "both")
    grid.flat[0].set_ylabel("time of a forward pass (ms)")
    figure.suptitle("gru_c, float32, 1 thread", x=0.01, ha="left", fontsize=10)
    figure.tight_layout()
    return figure


_GROWING = {
    "T": "time steps T  (B=1, I=8, H=50)",
    "B": "batch rows B  (T=20, I=64, H=128)",
    "H": "H (I + H)  (B=32, T=10, I=H)",
}


# ---- parts of plots -----------------------------------------------------------------------------


def _pass(cases: Iterable[dict[str, Any]], what: str, threads: int) -> list[dict[str, Any]]:
    return [case for case in cases if (case["what"], case["threads"]) == (what, threads)]


def _threads(cases: Iterable[dict[str, Any]]) -> list[int]:
    shown = [case for case in cases if case["what"] in ("forward", "training")]
    return sorted({case["threads"] for case in shown})


def _in_threads(n: int) -> str:
    return "1 thread" if n == 1 else f"{n} threads"


def _named(shape: Shape) -> str:
    return "B={} T={} I={} H={}".format(*shape)


def _name_line(axes: Axes, x: float, name: str, colour: str) -> None:
    """Name a vertical line above the axes."""
    axes.annotate(
        name,
        (x, 1),
        xycoords=("data", "axes fraction"),
        color=colour,
        fontsize=9,
        ha="center",
        va="bottom",
    )


def _plain_numbers(axes: Axes, ticks: Sequence[float] = ()) -> None:
    """Label a logarithmic x axis with numbers such as 0.5, 1, 10 instead of powers."""
    locator = FixedLocator(ticks) if ticks else LogLocator(subs=(1, 2, 5))
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Name lines at their right ends; move names apart that would overlap."""
    low, high = axes.get_ylim()
    gap, lowest = 0.055 * (high - low), low
    last = max(x for x, _, _, _ in ends)
    for _, y, label, colour in sorted(ends, key=lambda end: end[1]):
        lowest = max(y, lowest + gap)
        axes.annotate(
            label,
            (last, lowest),
            xytext=(8, 0),
            textcoords="offset points",
            color=colour,
            fontsize=8.5,
            va="center",
            annotation_clip=False,
        )


def quiet(axes: Axes, grid: str) -> None:
    """Remove the frame except for the axes, and add a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid, color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
