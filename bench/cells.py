"""Measure what is claimed of a GRU beside an LSTM and a SimpleRNN: python -m bench.cells

It measures times, the same beside other packages, the adding problem and the data of three
examples, the last two at equal numbers of parameters. It writes cells.json, from which it makes
the tables of docs/performance/cells.md.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import runpy
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from bench import cells_peers, cells_report, machine
from bench.cells_peers import GATES
from bench.cells_report import ROOT
from bench.rounds import measure
from gru_c import GRU, LSTM, Dense, Sequential, SimpleRNN, set_num_threads

CELLS = {"GRU": GRU, "LSTM": LSTM, "SimpleRNN": SimpleRNN}
WINDOW = 50  # batches of the adding problem, over which the error is averaged
SOLVED = 0.01  # the problem is solved when that error is below
STREAM_STEPS = 100  # in a call that is timed
Record = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    """The sizes of all measurements.

    Attributes
    ----------
    widths : tuple of int
        Units of the GRU whose times are measured.
    shape : tuple of int
        B, T and I of these times.
    rounds : int
        Rounds of these times.
    peer_shapes : tuple of tuple
        B, T, I and H of the times beside other packages.
    peer_seconds : float
        Seconds for the times of a shape and cell beside them.
    rates : tuple of float
        Learning rates for the adding problem.
    seeds : sequence of int
        Seeds of the adding problem.
    cap, units : int
        Most optimizer steps for the adding problem, and units of the GRU.
    scores : tuple of tuple
        Of each example: its name, seeds, epochs, units of the GRU, and most characters to learn.
    """

    widths: tuple[int, ...] = (32, 128, 512)
    shape: tuple[int, int, int] = (32, 100, 64)
    rounds: int = 25
    peer_shapes: tuple[tuple[int, int, int, int], ...] = (
        (32, 10, 8, 50), (1, 100, 64, 64), (32, 100, 64, 128), (64, 50, 256, 256),
        (64, 50, 512, 512), (1, 100, 512, 512),
    )  # fmt: skip
    peer_seconds: float = 6.0
    rates: tuple[float, ...] = (0.01, 0.003)
    seeds: Sequence[int] = range(10)
    cap: int = 4000
    units: int = 32
    scores: tuple[tuple[str, int, int, int, int | None], ...] = (
        ("temperature", 10, 20, 32, None),
        ("demand", 10, 10, 32, None),
        ("characters", 3, 2, 64, 1_000_000),
    )


QUICK = Sizes(
    (4,), (2, 3, 2), 3, ((2, 3, 2, 4),), 0.1, (0.01,), range(1), 3, 4,
    (("temperature", 1, 1, 2, None), ("demand", 1, 1, 2, None), ("characters", 1, 1, 2, 3000)),
)  # fmt: skip


def layer_parameters(cell: str, inputs: int, units: int) -> int:
    """Return the number of weights of a layer."""
    biases = 2 if cell == "GRU" else 1
    return GATES[cell] * units * (inputs + units + biases)


def model_parameters(inputs: Sequence[int | None], outputs: int) -> Callable[[str, int], int]:
    """Return the function that counts the weights of layers in a row and of a Dense layer.

    `inputs` are the features that each layer reads; None if it reads the layer before it.
    """

    def count(cell: str, units: int) -> int:
        layers = sum(layer_parameters(cell, size or units, units) for size in inputs)
        return layers + (units + 1) * outputs

    return count


def equal_units(cell: str, units: int, count: Callable[[str, int], int]) -> int:
    """Return the units of a cell whose number of parameters is nearest to that of a GRU."""
    wanted = count("GRU", units)
    return min(range(1, 4 * units), key=lambda n: abs(count(cell, n) - wanted))


# ---- times --------------------------------------------------------------------------------------


def measure_times(sizes: Sizes) -> Iterator[Record]:
    """Yield the least CPU seconds of each cell's passes, at equal width and equal parameters."""
    count = model_parameters((sizes.shape[2],), 0)
    for width in sizes.widths:
        wide = {(cell, width) for cell in CELLS}
        equal = {(cell, equal_units(cell, width, count)) for cell in CELLS}
        calls = {
            (cell, units, what): call
            for cell, units in sorted(wide | equal)
            for what, call in make_calls(cell, units, sizes.shape).items()
        }
        samples = measure(calls, None, sizes.rounds, 300.0, clock=time.thread_time)
        for (cell, units, what), seconds in samples.seconds.items():
            least = min(seconds) / (STREAM_STEPS if what == "stream" else 1)
            yield {
                "width": width, "cell": cell, "units": units, "parameters": count(cell, units),
                "what": what, "seconds": float(f"{least:.4g}"), "rounds": len(seconds),
                "equal": [*(["width"] if (cell, units) in wide else []),
                          *(["parameters"] if (cell, units) in equal else [])],
            }  # fmt: skip


def make_calls(cell: str, units: int, shape: tuple[int, int, int]) -> dict[str, Callable[[], Any]]:
    """Return the calls to time: a forward pass, a training step, time steps of a stream."""
    batch, steps, inputs = shape
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape, np.float32)
    y = rng.standard_normal((batch, 1), np.float32)
    model = Sequential([CELLS[cell](units), Dense(1)], seed=0)
    model.build((None, steps, inputs))
    model.compile("adam", "mse")
    layer, stream, x_t = model.layers[0], model.stream(), x[:1, 0]

    def step() -> None:
        for _ in range(STREAM_STEPS):
            stream.step(x_t)

    return {
        "forward": lambda: layer.forward(x),
        "training": lambda: model.train_on_batch(x, y),
        "stream": step,
    }


def measure_peers(sizes: Sizes) -> Iterator[Record]:
    """Yield the least seconds of each package's passes, by shape and cell, on one thread."""
    peers = cells_peers.installed()
    for shape in sizes.peer_shapes:
        for cell in CELLS:
            made = cells_peers.calls(cell, shape, peers)
            calls = {(package, what): call for package, what, call in made}
            samples = measure(calls, None, sizes.rounds, sizes.peer_seconds)
            for (package, what), seconds in samples.seconds.items():
                yield {
                    "shape": list(shape), "cell": cell, "package": package, "what": what,
                    "seconds": float(f"{min(seconds):.4g}"), "rounds": len(seconds),
                }  # fmt: skip


# ---- the adding problem -------------------------------------------------------------------------


def run_adding(sizes: Sizes) -> Iterator[Record]:
    """Yield, for each cell, learning rate and seed, when the adding problem is solved."""
    example, count = load_example("vanishing_gradient"), model_parameters((2,), 1)
    for seed in sizes.seeds:
        for rate in sizes.rates:
            for cell, kind in CELLS.items():
                units = equal_units(cell, sizes.units, count)
                network = example["build"](kind(units), seed)
                before = reach(*example["state_gradients"](*network, seed))
                losses: list[float] = []
                for loss in islice(example["learn"](*network, rate, seed), sizes.cap):
                    losses.append(loss)
                    if np.mean(losses[-WINDOW:]) < SOLVED and len(losses) >= WINDOW:
                        break
                error = float(np.mean(losses[-WINDOW:]))
                yield {
                    "cell": cell, "units": units, "parameters": count(cell, units),
                    "rate": rate, "seed": seed,
                    "steps": len(losses) if error < SOLVED else None, "cap": sizes.cap,
                    "error": float(f"{error:.4g}"), "before": before,
                    "after": reach(*example["state_gradients"](*network, seed)),
                }  # fmt: skip


def reach(first: list[Any], later: Any) -> list[float]:
    """Return the gradient's norms for h_0, and c_0 of an LSTM, over that for the last state."""
    last = np.linalg.norm(later[:, -1])
    return [float(f"{np.linalg.norm(part) / last:.3g}") for part in first]


# ---- scores -------------------------------------------------------------------------------------


def load_example(name: str) -> dict[str, Any]:
    """Return the functions of an example."""
    return runpy.run_path(str(ROOT / "examples" / f"{name}.py"))


def score_temperature(example: dict[str, Any], limit: int | None) -> Any:
    """Return the task's outputs, its GRU layers' inputs, and a function that scores a layer."""
    days = example["data"].seattle_weather().set_index("date")
    measured = days.temp_max[days.index.year == example["TEST_YEAR"]].to_numpy()

    def score(kind: type, units: int, epochs: int, seed: int) -> float:
        return float(np.abs(example["forecast"](days, units, epochs, seed, kind) - measured).mean())

    return (6, None), 1, score


def score_demand(example: dict[str, Any], limit: int | None) -> Any:
    """Return the same for the demand of electricity."""
    demand = example["load_taylor"]()
    measured = example["windows"](demand, example["test_starts"](demand))

    def score(kind: type, units: int, epochs: int, seed: int) -> float:
        forecasts = example["forecast"](demand, units, epochs, seed, kind)
        return float(100 * np.abs(forecasts / measured - 1).mean())

    return (5,), example["DAY"], score


def score_characters(example: dict[str, Any], limit: int | None) -> Any:
    """Return the same for the characters of a text."""
    alphabet, known, new = example["encode"](example["load"](), limit)

    def score(kind: type, units: int, epochs: int, seed: int) -> float:
        model = example["build_model"](len(alphabet), units, seed, kind)
        return float(example["train"](model, known, new, epochs))

    return (32,), len(alphabet), score


SCORES = {
    "temperature": score_temperature,
    "demand": score_demand,
    "characters": score_characters,
}


def run_scores(name: str, sizes: Sizes) -> Iterator[Record]:
    """Yield the score of each cell and seed on the data of an example."""
    _, seeds, epochs, width, limit = next(row for row in sizes.scores if row[0] == name)
    inputs, outputs, score = SCORES[name](load_example(name), limit)
    count = model_parameters(inputs, outputs)
    for seed in range(seeds):
        for cell, kind in CELLS.items():
            units = equal_units(cell, width, count)
            with contextlib.redirect_stdout(io.StringIO()):
                value = score(kind, units, epochs, seed)
            yield {
                "cell": cell, "units": units, "parameters": count(cell, units), "seed": seed,
                "epochs": epochs, "score": float(f"{value:.4g}"),
            }  # fmt: skip


# ---- the command --------------------------------------------------------------------------------

PARTS: dict[str, Callable[[Sizes], Iterator[Record]]] = {
    "times": measure_times,
    "peers": measure_peers,
    "adding": run_adding,
    **{name: lambda sizes, name=name: run_scores(name, sizes) for name in SCORES},
}


def run(part: str, sizes: Sizes, folder: Path) -> None:
    """Measure a part; its records take the place of older ones in the file, one after the other."""
    described, versions = machine.describe(), machine.versions()
    parts = cells_report.read(folder)
    records: list[Record] = []
    used = time.process_time()
    for record in PARTS[part](sizes):
        records.append(record)
        print(part, record, flush=True)
        parts[part] = {
            "date": time.strftime("%Y-%m-%d"),
            **{key: described[key] for key in ("cpu", "cpu_model", "load_before")},
            "versions": {key: versions[key] for key in ("gru_c", "python", "numpy")},
            "cpu_minutes": round((time.process_time() - used) / 60, 2),
            "records": records,
        }
        cells_report.save(parts, folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser("python -m bench.cells", description=__doc__)
    add = parser.add_argument
    add("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="by default all")
    add("--quick", action="store_true", help="tiny sizes, to try the command")
    add("--out", type=Path, metavar="DIR", help="folder of cells.json; by default the page's")
    add("--report", action="store_true", help="make the page from cells.json, measure nothing")
    options = parser.parse_args(arguments)
    if options.quick and options.out is None:
        parser.error("--quick needs --out, so that it does not replace the results of the page")
    folder = options.out or cells_report.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    set_num_threads(1)
    if not options.report:
        for part in options.parts:
            try:
                run(part, QUICK if options.quick else Sizes(), folder)
            except SystemExit as missing:  # an example that needs another package
                print(f"skipped {part}: {missing}", flush=True)
    parts = cells_report.read(folder)
    if not parts:
        parser.error(f"there is no {cells_report.NAME} in {folder}")
    cells_report.write(parts, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
