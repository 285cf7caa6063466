"""The tables of docs/scaling.md and its plots, of scaling.json alone."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench import scaling_model as model
from bench.scaling import MODELS, ROOT, SETTINGS, Model
from bench.scaling_model import Cost, Network

PAGE = ROOT / "docs" / "scaling.md"
PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

# Assumed: see the page for what they lean on.
ASSUMED = {
    "10 Gb/s Ethernet": Network(25e-6, 1 / 1.2e9),
    "100 Gb/s InfiniBand": Network(1.5e-6, 1 / 12e9),
}
GBIT = "1 Gb/s"
MANY = (64, 1024)
WANTED = 0.8
BATCHES = (256, 4096, 65536)


class Fitted:
    """What the model is given of the measurements: no step that it is checked with.

    Attributes
    ----------
    costs : dict of str to Cost
    networks : dict of str to Network
        As measured.
    gamma : float
    """

    def __init__(self, found: dict[str, Any]) -> None:
        self.found = found
        self.gamma = found["messages: memory"]["gamma"]
        self.costs = {name: self._cost(name) for name in found["names"]}
        self.networks = {
            label: Network(*model.fit_line(*zip(*found[key]["exchange"], strict=True)))
            for key, label in _LIBRARIES.items()
            if key in found
        }

    def _cost(self, name: str) -> Cost:
        batches = MODELS[name].fitted
        steps = [self.found["fit"][f"{name} {batch}"] for batch in batches]
        line = model.fit_line(batches, [one["pass"] for one in steps])
        middle = sorted(one["spread"] for one in steps)[len(steps) // 2]
        optimizer = sorted(one["optimizer"] for one in steps)[len(steps) // 2]
        return Cost(*line, optimizer, middle, int(steps[0]["size"]))

    @property
    def ahead(self) -> dict[str, Network]:
        """Networks that the model is carried to."""
        own = {GBIT: self.networks[GBIT]} if GBIT in self.networks else {}
        return {**own, **ASSUMED}

    def checked(self) -> list[tuple[str, int]]:
        """Models and batches whose steps were measured."""
        return [(name, batch) for name in self.costs for batch in MODELS[name].checked]

    def measured(self, setting: str, name: str, batch: int) -> dict[str, float]:
        """Return the step of a setting; empty where there is none."""
        steps: dict[str, dict[str, float]] = self.found.get(setting, {})
        return steps.get(f"{name} {batch}", {})


_LIBRARIES = {"messages: memory": "memory", "messages: network": GBIT, "messages: other": "other"}
_AT_TWO = {"2 x 1": "memory", "network": GBIT}


# ---- tables -------------------------------------------------------------------------------------


def tables(found: dict[str, Any]) -> dict[str, str]:
    """Return the tables in Markdown, by name."""
    fitted = Fitted(found)
    makers: list[Callable[[Fitted], list[list[str]]]] = [
        *(steps, parts, costs, messages, check, overlap, weak, strong, less),
    ]
    return {maker.__name__: _markdown(maker(fitted)) for maker in makers}


def steps(fitted: Fitted) -> list[list[str]]:
    """Steps of the settings without overlapping."""
    labels = [label for label in SETTINGS if "overlap" not in label]
    rows = [["model, batch", *labels[:3], "2 x 1 over 1 Gb/s", "2 x 1 over 1 x 2"]]
    for name, batch in fitted.checked():
        times = [fitted.measured(label, name, batch).get("step", math.nan) for label in labels]
        rows.append([f"{name}, {batch}", *map(_time, times), f"{times[2] / times[1]:.2f}"])
    return rows


def parts(fitted: Fitted) -> list[list[str]]:
    """Where the time of a step at two ranks goes."""
    rows = [["model, batch", "by", "step", "passes", "Allreduce and waiting", "optimizer"]]
    for name, batch in fitted.checked():
        for setting, by in _AT_TWO.items():
            one = fitted.measured(setting, name, batch)
            if one:
                times = [one[part] for part in ("step", "pass", "allreduce", "optimizer")]
                rows.append([f"{name}, {batch}", by, *map(_time, times)])
    return rows


def costs(fitted: Fitted) -> list[list[str]]:
    """The terms of compute."""
    rows = [["model", "message", "fixed", "per sample", "optimizer", "spread"]]
    for name, cost in fitted.costs.items():
        times = [cost.fixed, cost.per_sample, cost.optimizer]
        rows.append([name, _bytes(cost.size), *map(_time, times), f"{100 * cost.spread:.1f}%"])
    return rows


def messages(fitted: Fitted) -> list[list[str]]:
    """Alpha and beta, and what they say of an Allreduce."""
    rows = [["by", "alpha", "1 / beta", "Allreduce of", "measured", "predicted", "ratio"]]
    for key, label in _LIBRARIES.items():
        if key not in fitted.found:
            continue
        one, network = fitted.found[key], fitted.networks[label]
        library = " ".join(one["library"].replace("Version:", "").split()[:3])
        for size, seconds in one["allreduce"]:
            said = model.gradients(size, 2, network, fitted.gamma)
            about = ["memory" if label == "other" else label, f"{1e6 * network.alpha:.1f} µs"]
            rows.append(
                [
                    f"{about[0]}, {library}",
                    about[1],
                    f"{1e-9 / network.beta:.2f} GB/s",
                    _bytes(size),
                    *map(_time, (seconds, said)),
                    f"{said / seconds:.2f}",
                ]
            )
    return rows


def check(fitted: Fitted) -> list[list[str]]:
    """Predicted and measured steps at two ranks."""
    rows = [["model, batch", "by", "measured", "predicted", "predicted / measured"]]
    for name, batch in fitted.checked():
        for setting, by in _AT_TWO.items():
            seconds = fitted.measured(setting, name, batch).get("step")
            if seconds:
                network = fitted.networks[by]
                said = model.step(fitted.costs[name], batch / 2, 2, network, fitted.gamma)
                ratio = f"{said / seconds:.2f}"
                rows.append([f"{name}, {batch}", by, _time(seconds), _time(said), ratio])
    return rows


def overlap(fitted: Fitted) -> list[list[str]]:
    """Steps with and without overlapping."""
    rows = [["model, batch", "by", "`overlap=False`", "`overlap=True`", "gain"]]
    for name, batch in fitted.checked():
        for setting, by in _AT_TWO.items():
            off = fitted.measured(setting, name, batch).get("step")
            on = fitted.measured(f"{setting}, overlap", name, batch).get("step")
            if off and on:
                gain = f"{100 * (off / on - 1):+.0f}%"
                rows.append([f"{name}, {batch}", by, _time(off), _time(on), gain])
    return rows


def weak(fitted: Fitted) -> list[list[str]]:
    """Samples that each rank needs, and the batch of all."""
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
    """Up to where more ranks make a step of a fixed batch faster."""
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
    """Samples that each of 64 ranks needs when less is sent."""
    ways = ["float32", "16 bits", "top 1%", "PowerSGD, rank 4", "8 local steps"]
    rows = [["model", "network", *ways]]
    for name, cost in fitted.costs.items():
        sizes = [cost.size, cost.size / 2, None, power_sgd(MODELS[name], 4), cost.size]
        for label, network in fitted.ahead.items():
            found = []
            for size, share in zip(sizes, (1, 1, 1, 1, 1 / 8), strict=True):
                seconds = (
                    gathered_top(cost.size, 0.01, MANY[0], network)
                    if size is None
                    else share * model.gradients(size, MANY[0], network, fitted.gamma)
                )
                found.append(_count(model.local_batch(cost, MANY[0], seconds, WANTED)))
            rows.append([name, label, *found])
    return rows


def gathered_top(size: float, share: float, ranks: int, network: Network) -> float:
    """Seconds of an allgather of the largest gradients of each rank, with their places."""
    own = 2 * share * size  # a value and a place of 4 bytes each
    return math.ceil(math.log2(ranks)) * network.alpha + (ranks - 1) * own * network.beta


def power_sgd(of: Model, rank: int) -> int:
    """Bytes of the two factors of every weight matrix, float32."""
    inputs = [of.inputs, *[of.units] * (of.layers - 1)]
    return 4 * rank * sum(i + 3 * of.units + of.units + 3 * of.units for i in inputs)


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
    """Two digits: the model has no more."""
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


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    head, *body = ("| " + " | ".join(row) + " |" for row in rows)
    words = next((i for i, cell in enumerate(rows[1]) if cell[:1].isdigit()), 1)
    line = "|" + "|".join("---" if i < words else "--:" for i in range(len(rows[0]))) + "|"
    return "\n".join([head, line, *body])


def filled(page: str, found: dict[str, Any]) -> str:
    """Return the page with its tables as they are now."""
    made = tables(found)
    return PLACE.sub(lambda place: f"{place[1]}\n{made[place[2]]}\n\n{place[3]}", page)


def write(found: dict[str, Any], folder: Path) -> None:
    """Print the tables, put them into the page when the results are its own, and draw the plots."""
    for name, table in tables(found).items():
        print(f"\n{name}\n\n{table}")
    if folder.resolve() == PAGE.parent / "performance" / "scaling":
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(filled(page, found), encoding="utf-8")
    try:
        from bench import scaling_plots
    except ImportError as error:
        print(f"skipped the plots: not installed: {error.name}", flush=True)
    else:
        scaling_plots.draw(Fitted(found), folder)
