"""A chart of a forecast for a page: SVG that shows the values under the pointer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.forecast.panel import Panel
from gru_c.forecast.plots import MOST_SERIES, join, times_around
from gru_c.forecast.series import Series

_WIDTH, _HEIGHT = 900, 260
_LEAST_GAP = 300  # between the times at the axis
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 12, 36, 32
STYLE = """\
figure { margin: 1rem 0; position: relative; }
figcaption { font-weight: 600; }
figure svg { width: 100%; height: auto; display: block; font: 13px system-ui, sans-serif; }
svg text { fill: var(--soft); }
svg .grid { stroke: var(--line); }
svg .measured { fill: none; stroke: var(--ink); stroke-width: 1.4; }
svg .forecast { fill: none; stroke: var(--best); stroke-width: 2.2; }
svg .band { fill: var(--best); opacity: .22; }
svg .cursor { stroke: var(--soft); stroke-dasharray: 3 3; visibility: hidden; }
figure output { display: block; min-height: 1.5em; color: var(--soft);
  font-variant-numeric: tabular-nums; }
@media (max-width: 40rem) { figure svg { font-size: 22px; } }
"""
SCRIPT = """\
for (const figure of document.querySelectorAll("figure[data-points]")) {
  const points = JSON.parse(figure.dataset.points), svg = figure.querySelector("svg");
  const line = svg.querySelector(".cursor"), text = figure.querySelector("output");
  const usual = text.textContent;
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
    const near = points.reduce((a, b) => Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a);
    line.setAttribute("x1", near[0]); line.setAttribute("x2", near[0]);
    line.style.visibility = "visible"; text.textContent = near[1];
  });
  svg.addEventListener("pointerleave", () => {
    line.style.visibility = "hidden"; text.textContent = usual;
  });
}
"""


def draw_charts(
    panel: Panel, outputs: Array, levels: tuple[float, ...], past: int, unit: str | None = None
) -> str:
    """Return figures of the ends of the series with their forecasts, as HTML.

    The parameters are those of `plots.draw_forecast`.
    """
    drawn = zip(panel.series[:MOST_SERIES], outputs, strict=False)
    return "\n".join(_figure(item, forecast, levels, past, unit) for item, forecast in drawn)


def _figure(
    item: Series, forecast: Array, levels: tuple[float, ...], past: int, unit: str | None
) -> str:
    before, ahead = times_around(item, len(forecast))
    values, middle = item.values[-past:], levels.index(0.5)
    joined, lines = join(item, before, ahead, forecast)
    times = [*before[-past:], *ahead]
    known = np.concatenate([values, forecast.ravel()])
    known = known[~np.isnan(known)]
    low, high = float(known.min()), float(known.max())
    ticks = _ticks(low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])
    x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * np.arange(len(times)) / max(len(times) - 1, 1)
    span = (high - low) or 1.0

    def y(numbers: Array) -> Array:
        result: Array = _TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - numbers) / span
        return result

    first = times.index(joined[0]) if joined[0] in times else len(values) - 1
    ahead_x = np.concatenate([x[first : first + 1], x[len(values) :]])
    parts = [
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        f'<text x="{_LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>'
        for tick, at in zip(ticks, y(np.array(ticks)), strict=True)
    ]
    last = len(values) - 1
    labels = [(0, "start"), (last, "middle"), (len(times) - 1, "end")]
    if min(x[last] - x[0], x[-1] - x[last]) < _LEAST_GAP:  # texts would run into each other
        del labels[1]
    parts += [
        f'<text x="{x[place]:.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}">'
        f"{escape(_time(times[place]))}</text>"
        for place, anchor in labels
    ]
    parts.append(f'<text x="4" y="20">{escape(unit or "")}</text>')
    if len(levels) > 1:
        band = [*zip(ahead_x, y(lines[:, 0]), strict=True)]
        band += reversed([*zip(ahead_x, y(lines[:, -1]), strict=True)])
        parts.append(f'<polygon class="band" points="{_points(band)}"/>')
    parts += [
        f'<polyline class="measured" points="{_points(run)}"/>'
        for run in _runs(x[: len(values)], y(values))
    ]
    path = [*zip(ahead_x, y(lines[:, middle]), strict=True)]
    parts.append(f'<polyline class="forecast" points="{_points(path)}"/>')
    parts.append(f'<line class="cursor" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>')
    points = [
        [round(float(at), 1), text]
        for at, text in zip(x, _texts(times, values, forecast, levels, unit), strict=True)
    ]
    about = "measured values, then the forecast"
    about += f" with its quantiles {levels[0]:g} to {levels[-1]:g}" if len(levels) > 1 else ""
    return (
        f'<figure data-points="{escape(json.dumps(points))}">'
        f"<figcaption>{escape(item.name)}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(about)}">'
        f"{''.join(parts)}</svg><output>{escape(about)}</output></figure>"
    )


def _texts(
    times: Sequence[Any],
    values: Array,
    forecast: Array,
    levels: tuple[float, ...],
    unit: str | None,
) -> list[str]:
    """Return a line for each step: its time, and the value or the forecast."""
    behind = f" {unit}" if unit else ""
    lines = [
        f"{_time(time)}: " + ("missing" if np.isnan(value) else f"{value:.6g}{behind}")
        for time, value in zip(times, values, strict=False)
    ]
    for time, row in zip(times[len(values) :], forecast, strict=True):
        text = f"{_time(time)}: forecast {row[levels.index(0.5)]:.6g}{behind}"
        lines.append(text + (f" ({row[0]:.6g} to {row[-1]:.6g})" if len(levels) > 1 else ""))
    return lines


def _runs(x: Array, y: Array) -> list[list[tuple[float, float]]]:
    """Return the points of each run of known values."""
    known = np.flatnonzero(~np.isnan(y))
    runs = np.split(known, np.flatnonzero(np.diff(known) > 1) + 1)
    return [[(x[i], y[i]) for i in run] for run in runs]


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _ticks(low: float, high: float) -> list[float]:
    """Return about five round numbers that lie around the values."""
    rough = (high - low) / 4 or abs(high) or 1.0
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(m for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    return [round(float(i * step), 12) for i in np.arange(first, last + 1)]


def _time(time: Any) -> str:
    return str(time).removesuffix(" 00:00:00")
