"""The tables of docs/performance/cells.md, made from cells.json."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

from bench.pages import fill, markdown
from bench.report import microseconds

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "performance"
PAGE = FOLDER / "cells.md"
NAME = "cells.json"
UNITS = {"temperature": "°C", "demand": "%", "characters": "bits"}
Record = dict[str, Any]
Rows = list[list[str]]


def read(folder: Path) -> dict[str, Any]:
    """Return the parts of cells.json, none if there is no such file."""
    path = folder / NAME
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def save(parts: dict[str, Any], folder: Path) -> None:
    """Write cells.json with a line for each record; an older file is replaced in one step."""
    texts = []
    for name, part in parts.items():
        head = json.dumps({key: value for key, value in part.items() if key != "records"})
        lines = ",\n".join(f"  {json.dumps(record)}" for record in part["records"])
        texts.append(f' {json.dumps(name)}: {head[:-1]}, "records": [\n{lines}\n ]}}')
    partial = folder / (NAME + ".partial")
    partial.write_text("{\n" + ",\n".join(texts) + "\n}\n", encoding="utf-8")
    os.replace(partial, folder / NAME)


def tables(parts: dict[str, Any]) -> dict[str, str]:
    """Return the tables of the parts that were measured, in Markdown, by name."""
    makers: dict[str, tuple[Callable[[dict[str, Any]], Rows], Sequence[str]]] = {
        "parameters": (parameters, ["times"]),
        "times": (times, ["times"]),
        "peers": (peers, ["peers"]),
        "adding": (adding, ["adding"]),
        "gradients": (gradients, ["adding"]),
        "scores": (scores, list(UNITS)),
        "runs": (runs, []),
    }
    return {
        name: markdown(make(parts))
        for name, (make, needed) in makers.items()
        if all(part in parts for part in needed)
    }


def parameters(parts: dict[str, Any]) -> Rows:
    """Return the table of weights at equal width, and of units at equal numbers of weights."""
    rows = [["GRU's units", "weights: GRU", "LSTM", "SimpleRNN", "units: LSTM", "SimpleRNN"]]
    records = [r for r in parts["times"]["records"] if r["what"] == "forward"]
    for width in _values(records, "width"):
        of_width = {r["cell"]: r for r in _select(records, width, "width")}
        equal = {r["cell"]: r for r in _select(records, width, "parameters")}
        cells = [f"{of_width[cell]['parameters']:,}" for cell in ("GRU", "LSTM", "SimpleRNN")]
        units = [str(equal[cell]["units"]) for cell in ("LSTM", "SimpleRNN")]
        rows.append([str(width), *cells, *units])
    return rows


def times(parts: dict[str, Any]) -> Rows:
    """Return the table of the GRU's times, and of those of the other cells over them."""
    rows = [
        ["width of the GRU, pass", "GRU, µs", "LSTM", "SimpleRNN"]
        + [f"{cell}, equal weights" for cell in ("LSTM", "SimpleRNN")]
    ]
    records = parts["times"]["records"]
    names = {"forward": "forward pass", "training": "training step", "stream": "step of a stream"}
    for width in _values(records, "width"):
        for what, name in names.items():
            row = [f"H={width}, {name}"]
            for equal in ("width", "parameters"):
                seconds = {
                    r["cell"]: r["seconds"]
                    for r in _select(records, width, equal)
                    if r["what"] == what
                }
                if equal == "width":
                    row.append(microseconds(seconds["GRU"]))
                row += [f"{seconds[cell] / seconds['GRU']:.2f}" for cell in ("LSTM", "SimpleRNN")]
            rows.append(row)
    return rows


def _select(records: Sequence[Record], width: int, equal: str) -> list[Record]:
    return [r for r in records if r["width"] == width and equal in r["equal"]]


def peers(parts: dict[str, Any]) -> Rows:
    """Return the table of other packages' times over ours, a column for each cell."""
    records = parts["peers"]["records"]
    cells = _values(records, "cell")
    rows = [["package, pass, B,T,I,H", *cells]]
    seconds = {
        (tuple(r["shape"]), r["what"], r["package"], r["cell"]): r["seconds"] for r in records
    }
    for shape, what, package in dict.fromkeys(key[:3] for key in seconds):
        if package != "gru_c":
            ratios = (
                seconds[shape, what, package, cell] / seconds[shape, what, "gru_c", cell]
                for cell in cells
            )
            name = f"{package}, {what}, {','.join(map(str, shape))}"
            rows.append([name, *(f"{ratio:.2f}" for ratio in ratios)])
    return rows


def adding(parts: dict[str, Any]) -> Rows:
    """Return the table of the steps until the adding problem is solved."""
    rows = [
        ["cell, learning rate", "units", "weights", "solved", "steps: median", "least", "most",
         "error of the others"],
    ]  # fmt: skip
    for rate, cell, records in _runs_of_adding(parts):
        steps = [r["steps"] for r in records if r["steps"] is not None]
        errors = [r["error"] for r in records if r["steps"] is None]
        rows.append(
            [
                f"{cell}, {rate}", str(records[0]["units"]), f"{records[0]['parameters']:,}",
                f"{len(steps)} of {len(records)}",
                *([f"{value:,.0f}" for value in (median(steps), min(steps), max(steps))]
                  if steps else ["not solved"] * 3),
                "" if not errors else f"{min(errors):.3f} to {max(errors):.3f}",
            ]
        )  # fmt: skip
    return rows


def gradients(parts: dict[str, Any]) -> Rows:
    """Return the table of the gradients that reach the initial state."""
    rows = [
        ["state", "initial weights: median", "least", "most"]
        + [f"solved, rate {rate}: median" for rate in _rates(parts)]
        + [f"not solved, rate {rate}: median" for rate in _rates(parts)]
    ]
    runs = _runs_of_adding(parts)
    states = {"GRU": ["h"], "LSTM": ["h", "c"], "SimpleRNN": ["h"]}
    for cell, names in states.items():
        of_cell = {rate: records for rate, name, records in runs if name == cell}
        for index, name in enumerate(names):
            before = [r["before"][index] for r in next(iter(of_cell.values()))]
            row = [f"{cell}, {name}", *map(_power, (median(before), min(before), max(before)))]
            for solved in (True, False):
                for records in of_cell.values():
                    after = [
                        r["after"][index] for r in records if (r["steps"] is not None) == solved
                    ]
                    row.append(_power(median(after)) if after else "-")
            rows.append(row)
    return rows


def _rates(parts: dict[str, Any]) -> list[float]:
    return sorted(_values(parts["adding"]["records"], "rate"), reverse=True)


def _runs_of_adding(parts: dict[str, Any]) -> list[tuple[float, str, list[Record]]]:
    """Return the records of each learning rate and cell."""
    records = parts["adding"]["records"]
    return [
        (rate, cell, [r for r in records if (r["rate"], r["cell"]) == (rate, cell)])
        for rate in _rates(parts)
        for cell in _values(records, "cell")
    ]


def scores(parts: dict[str, Any]) -> Rows:
    """Return the table of the scores on the data of the examples."""
    rows = [["data, cell", "units", "weights", "seeds", "mean", "spread", "least", "most"]]
    rows[0].append("seeds below the GRU's")
    for name, unit in UNITS.items():
        records = parts[name]["records"]
        by_seed = {r["seed"]: r["score"] for r in records if r["cell"] == "GRU"}
        for cell in _values(records, "cell"):
            own = [r for r in records if r["cell"] == cell]
            values = [r["score"] for r in own]
            lower = sum(r["score"] < by_seed[r["seed"]] for r in own)
            rows.append(
                [
                    f"{name}, {cell}", str(own[0]["units"]), f"{own[0]['parameters']:,}",
                    str(len(own)), f"{fmean(values):.3f} {unit}",
                    f"{stdev(values):.3f}" if len(values) > 1 else "-",
                    f"{min(values):.3f}", f"{max(values):.3f}",
                    "" if cell == "GRU" else f"{lower} of {len(own)}",
                ]
            )  # fmt: skip
    return rows


def runs(parts: dict[str, Any]) -> Rows:
    """Return the table of the machine, the versions and the load of each part."""
    rows = [["part", "date", "CPU", "gru_c", "NumPy", "load before", "CPU minutes"]]
    for name, part in parts.items():
        versions = part["versions"]
        rows.append(
            [
                name, part["date"], f"{part['cpu']}, {part['cpu_model']}",
                versions["gru_c"], versions["numpy"],
                f"{part['load_before']:.1f}", f"{part['cpu_minutes']:.1f}",
            ]
        )  # fmt: skip
    return rows


def _values(records: Sequence[Record], key: str) -> list[Any]:
    """Return the different values of a key, in the order in which they appear."""
    return list(dict.fromkeys(record[key] for record in records))


def _power(value: float) -> str:
    """Return a number as it is if it has few digits, else with a power of ten."""
    return f"{value:.2g}" if 0.01 <= value < 100 else f"{value:.0e}"


def write(parts: dict[str, Any], folder: Path) -> None:
    """Print the tables; update the page if the folder is that of its results."""
    made = tables(parts)
    for name, table in made.items():
        print(f"\n{name}\n\n{table}")
    if folder.resolve() == FOLDER:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(fill(page, made), encoding="utf-8")
