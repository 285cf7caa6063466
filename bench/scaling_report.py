"""The tables and plots of docs/scaling.md, made from scaling.json."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import scaling_model as model
from bench.pages import fill, markdown
from bench.scaling_cases import MODELS, ROOT, SETTINGS, Model
from bench.scaling_fit import AT_TWO, LIBRARIES, MANY, WANTED, Fitted
from bench.scaling_model import Cost, Network

PAGE = ROOT / "docs" / "scaling.md"
BATCHES = (256, 4096, 65536)

# ---- tables -------------------------------------------------------------------------------------


def tables(results: dict[str, Any]) -> dict[str, str]:
    """Return all tables in Markdown, by name."""
    fitted = Fitted(results)
    makers: list[Callable[[Fitted], list[list[str]]]] = [
        *(steps, parts, costs, messages, check, overlap, weak, strong, less),
    ]
    return {maker.__name__: markdown(maker(fitted)) for maker in makers}


def steps(fitted: Fitted) -> list[list[str]]:
    """Return the table of steps without overlapping."""
    labels = [label for label in SETTINGS if "overlap" not in label]
    rows = [["model, batch", *labels[:3], "2 x 1 over 1 Gb/s", "2 x 1 over 1 x 2"]]
    for name, batch in fitted.checked():
        times = [fitted.measured(label, name, batch).get("step", math.nan) for label in labels]
        rows.append([f"{name}, {batch}", *map(_time, times), f"{times[2] / times[1]:.2f}"])
    return rows


def parts(fitted: Fitted) -> list[list[str]]:
    """Return the table of the parts of a step with two ranks."""
    rows = [["model, batch", "by", "step", "passes", "Allreduce and waiting", "optimizer"]]
    for name, batch in fitted.checked():
        for setting, by in AT_TWO.items():
            step = fitted.measured(setting, name, batch)
            if step:
                times = [step[part] for part in ("step", "pass", "allreduce", "optimizer")]
                rows.append([f"{name}, {batch}", by, *map(_time, times)])
    return rows


def costs(fitted: Fitted) -> list[list[str]]:
    """Return the table of the costs of computing."""
    rows = [["model", "message", "fixed", "per sample", "optimizer", "spread"]]
    for name, cost in fitted.costs.items():
        times = [cost.fixed, cost.per_sample, cost.optimizer]
        rows.append([name, _bytes(cost.size), *map(_time, times), f"{100 * cost.spread:.1f}%"])
    return rows


def messages(fitted: Fitted) -> list[list[str]]:
    """Return the table of alpha and beta, and of the Allreduces predicted from them."""
    rows = [["by", "alpha", "1 / beta", "Allreduce of", "measured", "predicted", "ratio"]]
    for key, label in LIBRARIES.items():
        if key not in fitted.results:
            continue
        measured, network = fitted.results[key], fitted.networks[label]
        library = " ".join(measured["library"].replace("Version:", "").split()[:3])
        for size, seconds in measured["allreduce"]:
            predicted = model.gradients(size, 2, network, fitted.gamma)
            rows.append(
                [
                    f"{'memory' if label == 'other' else label}, {library}",
                    f"{1e6 * network.alpha:.1f} µs",
                    f"{1e-9 / network.beta:.2f} GB/s",
                    _bytes(size),
                    *map(_time, (seconds, predicted)),
                    f"{predicted / seconds:.2f}",
                ]
            )
    return rows


def check(fitted: Fitted) -> list[list[str]]:
    """Return the table of predicted and measured steps with two ranks."""
    rows = [["model, batch", "by", "measured", "predicted", "predicted / measured"]]
    for name, batch in fitted.checked():
        for setting, by in AT_TWO.items():
            seconds = fitted.measured(setting, name, batch).get("step")
            if seconds:
                network = fitted.networks[by]
                predicted = model.step(fitted.costs[name], batch / 2, 2, network, fitted.gamma)
                ratio = f"{predicted / seconds:.2f}"
                rows.append([f"{name}, {batch}", by, _time(seconds), _time(predicted), ratio])
    return rows


def overlap(fitted: Fitted) -> list[list[str]]:
    """Return the table of steps with and without overlapping."""
    rows = [["model, batch", "by", "`overlap=False`", "`overlap=True`", "gain"]]
    for name, batch in fitted.checked():
        for setting, by in AT_TWO.items():
            off = fitted.measured(setting, name, batch).get("step")
            on = fitted.measured(f"{setting}, overlap", name, batch).get("step")
            if off and on:
                gain = f"{100 * (off / on - 1):+.0f}%"
                rows.append([f"{name}, {batch}", by, _time(off), _time(on), gain])
    return rows


def weak(fitted: Fitted) -> list[list[str]]:
    """Return the table of the samples that each rank needs, and of the batch of all ranks."""
    rows = [["model", "network", *(f"{p:,} ranks: of each, of all" for p in (2, *MANY))]]
    for name, cost in fitted.costs.items():
        for label, network in fitted.ahead.items():
            cells = []
            for p in (2, *MANY):
                sent = model.gradients(cost.size, p, network, fitted.gamma)
                cells.append(_samples(model.local_batch(cost, p, sent, WANTED), p))
            rows.append([name, label, *cells])
    return rows


def strong(fitted: Fitted) -> list[list[str]]:
    """Return the table of the numbers of ranks that make a step of a fixed batch faster."""
    head = [f"at {p:,}: times faster, efficiency" for p in MANY]
    rows = [["model", "batch", "network", "pays up to", *head]]
    for name, cost in fitted.costs.items():
        for batch in BATCHES:
            for label, network in fitted.ahead.items():
                ranks = model.paying_ranks(cost, batch, MANY[-1], network, fitted.gamma)
                cells = [name, f"{batch:,}", label, f"{ranks:,}"]
                rows.append([*cells, *(_speedup(fitted, cost, batch, p, network) for p in MANY)])
    return rows


def less(fitted: Fitted) -> list[list[str]]:
    """Return the table of the samples that each of 64 ranks needs when less is sent."""
    ways = ["float32", "16 bits", "top 1%", "PowerSGD, rank 4", "8 local steps"]
    rows = [["model", "network", *ways]]
    for name, cost in fitted.costs.items():
        sizes = [cost.size, cost.size / 2, None, power_sgd(MODELS[name], 4), cost.size]
        for label, network in fitted.ahead.items():
            cells = []
            for size, share in zip(sizes, (1, 1, 1, 1, 1 / 8), strict=True):
                seconds = (
                    gathered_top(cost.size, 0.01, MANY[0], network)
                    if size is None
                    else share * model.gradients(size, MANY[0], network, fitted.gamma)
                )
                cells.append(_count(model.local_batch(cost, MANY[0], seconds, WANTED)))
            rows.append([name, label, *cells])
    return rows


def gathered_top(size: float, share: float, ranks: int, network: Network) -> float:
    """Return the seconds of an allgather of each rank's largest gradients with their indices."""
    of_rank = 2 * share * size  # bytes: a value and an index have 4 bytes each
    return math.ceil(math.log2(ranks)) * network.alpha + (ranks - 1) * of_rank * network.beta


def power_sgd(case: Model, rank: int) -> int:
    """Return the bytes of the two factors of all weight matrices, in float32."""
    inputs, units = [case.inputs, *[case.units] * (case.layers - 1)], case.units
    return 4 * rank * sum(i + 3 * units + units + 3 * units for i in inputs)


def _speedup(fitted: Fitted, cost: Cost, batch: int, ranks: int, network: Network) -> str:
    if batch < ranks:
        return "-"
    alone = model.step(cost, batch, 1, network, fitted.gamma)
    times = alone / model.step(cost, batch / ranks, ranks, network, fitted.gamma)
    return f"{times:,.1f}, {100 * times / ranks:.0f}%"


def _samples(local: float, ranks: int) -> str:
    if math.isinf(local):
        return "none is enough"
    return f"{_count(local)}, {_count(math.ceil(local) * ranks)}"


def _count(value: float) -> str:
    """Return a number with two digits, as the model is not more exact than that."""
    if math.isinf(value):
        return "-"
    whole = math.ceil(value)
    digits = 2 - len(str(whole))
    return f"{round(whole, min(digits, 0)):,}"


def _time(seconds: float) -> str:
    if math.isnan(seconds):
        return "-"
    unit, scale = ("µs", 1e6) if seconds < 1e-3 else ("ms", 1e3)
    return f"{float(f'{scale * seconds:.3g}'):g} {unit}"


def _bytes(size: float) -> str:
    return f"{size / 1e6:.3g} MB" if size >= 1e6 else f"{size / 1e3:.3g} kB"


def write(results: dict[str, Any], folder: Path) -> None:
    """Print the tables and draw the plots; update the page if the folder is that of its results."""
    for name, table in tables(results).items():
        print(f"\n{name}\n\n{table}")
    if folder.resolve() == PAGE.parent / "performance" / "scaling":
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(fill(page, tables(results)), encoding="utf-8")
    try:
        from bench import scaling_plots
    except ImportError as error:
        print(f"skipped the plots: not installed: {error.name}", flush=True)
    else:
        scaling_plots.draw(Fitted(results), folder)
