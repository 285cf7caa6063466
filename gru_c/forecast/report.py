"""A report on a forecast: one HTML file that contains its pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import Any

from gru_c.forecast import chart
from gru_c.forecast.backtest import COLUMNS, Backtest

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --ink: #222; --page: #fff; --soft: #666; --line: #ddd;
  --best: #b34700; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e6e6e6; --page: #16181c; --soft: #a0a0a0; --line: #3a3d44; --best: #ff9a52; }}
}}
body {{ font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.6rem; margin-bottom: 0; }}
h2 {{ font-size: 1.2rem; margin-top: 2.2rem; }}
p.lead {{ font-size: 1.1rem; }}
p, li, caption {{ overflow-wrap: anywhere; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .3rem 1.2rem .3rem 0; text-align: right; border-bottom: 1px solid var(--line); }}
th:first-child, td:first-child {{ text-align: left; }}
th {{ color: var(--soft); font-weight: 600; }}
tr.best td {{ color: var(--best); font-weight: 700; }}
img {{ width: 100%; height: auto; box-sizing: border-box; padding: .5rem; background: #fff;
  border-radius: 6px; }}
.soft {{ color: var(--soft); }}
{style}</style>
</head>
<body>
<h1>{title}</h1>
{body}
<script>
{script}</script>
</body>
</html>
"""


def make_report(
    title: str,
    reading: Sequence[str],
    notes: Sequence[str],
    backtest: Backtest,
    forecast: Sequence[dict[str, Any]],
    charts: str,
    figure: Any,
) -> str:
    """Return the HTML page.

    Parameters
    ----------
    reading : sequence of str
        Lines that say how the data were read.
    notes : sequence of str
        Lines about the model.
    backtest : Backtest
    forecast : sequence of dict
        Rows of the forecast.
    charts : str
        The charts of the forecast, as HTML.
    figure : matplotlib.figure.Figure
        The forecasts of the backtest.
    """
    parts = [
        f'<p class="lead">{escape(verdict(backtest))}</p>',
        charts,
        "<h2>Errors beside simpler methods</h2>",
        _error_table(backtest),
        *_coverage_table(backtest),
        f'<p class="soft">{escape(_explain(backtest))}</p>',
        _picture(figure, "forecasts of what had been measured, errors by steps ahead"),
        "<h2>How the data were read</h2>",
        _list(reading),
        "<h2>Model</h2>",
        _list(notes),
        "<h2>Forecast</h2>",
        _table(list(forecast[0]), [list(row.values()) for row in forecast]),
    ]
    return _PAGE.format(
        title=escape(title), body="\n".join(parts), style=chart.STYLE, script=chart.SCRIPT
    )


def verdict(backtest: Backtest) -> str:
    """Return a sentence that compares the model with the best of the simpler methods."""
    ours, *others = backtest.summary()
    best = min(others, key=lambda row: float(row["mae"]))
    name = f"{best['method']} forecast"
    if not best["mae"] > 0:
        return f"The {name} makes no error: there is nothing to be gained."
    gain = 1 - ours["mae"] / best["mae"]
    if gain > 0:
        return (
            f"In the backtest the model's mean absolute error is {100 * gain:.0f} % smaller than "
            f"that of the {name}, the best of the simpler ones."
        )
    return (
        f"In the backtest the {name} is at least as good as the model, whose "
        f"mean absolute error is {-100 * gain:.0f} % larger: take the {name}."
    )


def _explain(backtest: Backtest) -> str:
    fold = backtest.folds[0]
    text = (
        f"{len(backtest.folds)} forecasts of {fold.measured.shape[1]} steps each, by a model that "
        "was trained on what came before the first of them. naive: the last value"
    )
    if backtest.season:
        text += f"; seasonal naive: the value {backtest.season} steps before"
    if any(method == "ridge" for method in backtest.methods):
        text += "; ridge: a linear model of the window"
    text += ". MASE: the error over that of a naive forecast within the training part."
    if backtest.interval is not None and backtest.coverage is not None:
        low, high = backtest.interval
        text += (
            f" {100 * backtest.coverage:.0f} % of the values lie between the quantiles {low:g} and "
            f"{high:g}, of {100 * (high - low):.0f} % wanted."
        )
    return text


def _error_table(backtest: Backtest) -> str:
    rows = backtest.summary()
    columns = [key for key in COLUMNS if key in rows[0]]
    names = ["", *(COLUMNS[key] for key in columns)]
    best = min(range(len(rows)), key=lambda i: float(rows[i]["mae"]))
    cells = [[row["method"], *(row[key] for key in columns)] for row in rows]
    return _table(names, cells, best)


def _coverage_table(backtest: Backtest) -> list[str]:
    """Return a table with the share that an interval should cover and the share that it covers."""
    if backtest.interval is None or backtest.coverage is None:
        return []
    low, high = backtest.interval
    count = sum(int((fold.measured == fold.measured).sum()) for fold in backtest.folds)
    row = [
        f"{low:g} to {high:g}",
        f"{100 * (high - low):.0f} %",
        f"{100 * backtest.coverage:.0f} %",
        f"{count}, which neither fit nor calibration saw",
    ]
    return [
        "<h3>Intervals</h3>",
        _table(["interval", "to cover", "covered", "values"], [row]),
    ]


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]], best: int | None = None) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        f"<tr{' class=best' if number == best else ''}>"
        + "".join(f"<td>{escape(_text(value))}</td>" for value in row)
        + "</tr>\n"
        for number, row in enumerate(rows)
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def _text(value: Any) -> str:
    if not isinstance(value, float):
        return str(value).removesuffix(" 00:00:00")
    return f"{value:.0f}" if _LARGE <= abs(value) < _HUGE else f"{value:.4g}"


_LARGE, _HUGE = 1e4, 1e12  # numbers between these are written without an exponent


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _picture(figure: Any, text: str) -> str:
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=110)
    data = base64.b64encode(png.getvalue()).decode("ascii")
    return f'<p><img alt="{escape(text)}" src="data:image/png;base64,{data}"></p>'
