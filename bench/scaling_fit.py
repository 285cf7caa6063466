"""The cost model of a data-parallel step, fitted to the measurements in scaling.json."""

from __future__ import annotations

from typing import Any

from bench import scaling_model as model
from bench.scaling_cases import MODELS
from bench.scaling_model import Cost, Network

# Assumed networks; the page names the sources.
ASSUMED = {
    "10 Gb/s Ethernet": Network(25e-6, 1 / 1.2e9),
    "100 Gb/s InfiniBand": Network(1.5e-6, 1 / 12e9),
}
GBIT = "1 Gb/s"
MANY = (64, 1024)
WANTED = 0.8
# Keys of the messages in scaling.json, and settings of two ranks, with the names of their networks.
LIBRARIES = {"messages: memory": "memory", "messages: network": GBIT, "messages: other": "other"}
AT_TWO = {"2 x 1": "memory", "network": GBIT}


class Fitted:
    """The cost model, fitted to measurements other than the steps that it is compared with.

    Attributes
    ----------
    results : dict
        The content of scaling.json.
    costs : dict of str to Cost
        The costs of a step, by model.
    networks : dict of str to Network
        The measured networks, by name.
    gamma : float
        Seconds of adding a byte.
    """

    def __init__(self, results: dict[str, Any]) -> None:
        self.results = results
        self.gamma = results["messages: memory"]["gamma"]
        self.costs = {name: self._cost(name) for name in results["names"]}
        self.networks = {
            label: Network(*model.fit_line(*zip(*results[key]["exchange"], strict=True)))
            for key, label in LIBRARIES.items()
            if key in results
        }

    def _cost(self, name: str) -> Cost:
        batches = MODELS[name].fitted
        steps = [self.results["fit"][f"{name} {batch}"] for batch in batches]
        line = model.fit_line(batches, [step["pass"] for step in steps])
        middle = sorted(step["spread"] for step in steps)[len(steps) // 2]
        optimizer = sorted(step["optimizer"] for step in steps)[len(steps) // 2]
        return Cost(*line, optimizer, middle, int(steps[0]["size"]))

    @property
    def ahead(self) -> dict[str, Network]:
        """The networks that predictions are made for."""
        measured = {GBIT: self.networks[GBIT]} if GBIT in self.networks else {}
        return {**measured, **ASSUMED}

    def checked(self) -> list[tuple[str, int]]:
        """Return the models and batches whose steps are compared with the cost model."""
        return [(name, batch) for name in self.costs for batch in MODELS[name].checked]

    def measured(self, setting: str, name: str, batch: int) -> dict[str, float]:
        """Return the measured step of a setting; empty if it was not measured."""
        steps: dict[str, dict[str, float]] = self.results.get(setting, {})
        return steps.get(f"{name} {batch}", {})
