"""What training changes in a model: to go back to within an epoch, and to be kept in a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from gru_c.layers import Layer, random
from gru_c.metrics import Metric, merged_states, reset_all
from gru_c.network import layer_states
from gru_c.saving import contents
from gru_c.training.processes import ProcessGroup
from gru_c.utils.arrays import Array
from gru_c.utils.validation import check_flag

if TYPE_CHECKING:
    from gru_c.network.network import Network


T = TypeVar("T")


class Snapshot:
    """Weights, optimizer and states of now, to go back to.

    Parameters
    ----------
    model : Sequential
    when : str
        What to call this moment.
    """

    def __init__(self, model: Network, when: str) -> None:
        assert model.optimizer is not None
        self.model = model
        self.when = when
        self.values = model.parameters.values.copy()
        self.slots = {name: slot.copy() for name, slot in model.optimizer.slots.items()}
        self.iterations = model.optimizer.iterations
        self.states = layer_states.save_states(model)

    def guarded(self, batches: Iterator[T]) -> Iterator[T]:
        """Pass batches on; where there is an exception in place of one, go back first."""
        try:
            yield from batches
        except Exception:
            self.restore()
            raise

    def restore(self) -> None:
        """Go back."""
        optimizer = self.model.optimizer
        assert optimizer is not None
        self.model.parameters.values[:] = self.values
        for name, slot in self.slots.items():
            optimizer.slots[name][:] = slot
        optimizer.iterations = self.iterations
        layer_states.restore_states(self.states)


def generators(model: Network) -> list[np.random.Generator]:
    """Return what a model draws from, each once: its own generator, then those of the layers."""
    return [model.rng, *(rng for rng in random.generators(model.layers) if rng is not model.rng)]


def check_metrics(metrics: list[Metric]) -> None:
    """Raise ValueError for a metric that sums what its state does not hold."""
    for metric in metrics:
        kind = type(metric)
        if kind.reset is not Metric.reset and kind.get_state is Metric.get_state:
            raise ValueError(
                f"metric {metric.name!r} has its own reset: for a checkpoint it must define "
                "get_state and set_state, too"
            )


def trainable_parts(model: Network) -> dict[str, Layer]:
    """Return what can be frozen, by name: the layers, of a `Bidirectional` its directions."""
    return {
        str(layer.name) if part is layer else f"{layer.name}.{part.label}": part
        for layer in model.layers
        for part in layer.trainable_parts
    }


def trainable_flags(model: Network) -> dict[str, Any]:
    """Return which parts of a model are trainable, and whether the model itself is."""
    parts = trainable_parts(model)
    return {
        "model": model.trainable,
        "layers": {name: part.trainable for name, part in parts.items()},
    }


def capture(model: Network) -> dict[str, Any]:
    """Return what training changes beside the weights and the optimizer's slots, metrics apart."""
    optimizer = model.optimizer
    assert optimizer is not None
    rate = optimizer.learning_rate
    return {
        "iterations": optimizer.iterations,
        "learning_rate": rate if isinstance(rate, float) else None,
        "trainable": trainable_flags(model),  # callbacks may set it
        "generators": [rng.bit_generator.state for rng in generators(model)],
        "states": [state for _, state in layer_states.save_states(model)],
    }


def of_process(
    model: Network, captured: list[dict[str, Any]], group: ProcessGroup
) -> dict[str, Any]:
    """Return what a process goes on with, of what `capture` returned in each, and its metrics.

    Where there were more or fewer, each goes on drawing dropout as it has begun to, and the first
    one's metrics are those of all.

    Raises
    ------
    ValueError
        When there were more or fewer, and stateful layers hold states.
    """
    if len(captured) == group.size:
        return captured[group.rank]
    if any(state is not None for one in captured for state in one["states"]):
        raise ValueError(
            f"{len(captured)} processes trained stateful layers; {group.size} cannot go on"
        )
    shared = captured[0]["generators"][:1]
    own = [rng.bit_generator.state for rng in generators(model)[1:]]
    metrics = merged_states(model.metrics, [one["metrics"] for one in captured])
    return {
        **captured[0],
        "generators": shared + own,
        "metrics": metrics if group.first else None,
    }


def check_drawn(rng: np.random.Generator, drawn: Any) -> Any:
    """Return the state of a generator; an exception unless it is one for this kind."""
    type(rng.bit_generator)().state = drawn
    return drawn


def restore(model: Network, state: dict[str, Any], tensors: dict[str, Array]) -> None:
    """Take back what `capture` returned, the weights, and the optimizer's slots.

    Raises
    ------
    ValueError, TypeError, KeyError
        When it does not fit the model; that is then as it was, but perhaps for the optimizer.
    """
    values = [item.value for item in model.parameters.items]
    weights = dict(zip(contents.weight_names(model), values, strict=True))
    wanted = {name: value.shape for name, value in weights.items()}
    given = {name: array.shape for name, array in tensors.items() if name.count("/") == 1}
    contents.compare_shapes("tensor", wanted, given)
    rngs = generators(model)
    for rng, drawn in zip(rngs, state["generators"], strict=True):
        check_drawn(rng, drawn)
    layers = [layer for layer, _ in layer_states.save_states(model)]
    pairs = list(zip(layers, state["states"], strict=True))
    checked = [(layer, layer.checked_states(state)) for layer, state in pairs]
    flags = state.get("trainable") or trainable_flags(model)  # older files say nothing of it
    parts = [(part, flags["layers"][name]) for name, part in trainable_parts(model).items()]
    for _, flag in [(model, flags["model"]), *parts]:
        check_flag("trainable", flag)
    restore_metrics(model, state["metrics"])
    contents.fill_optimizer(model, state["iterations"], tensors)
    assert model.optimizer is not None
    if state["learning_rate"] is not None:
        model.optimizer.learning_rate = state["learning_rate"]
    for name, value in weights.items():
        value[...] = tensors[name]
    for rng, drawn in zip(rngs, state["generators"], strict=True):
        rng.bit_generator.state = drawn
    layer_states.restore_states(checked)
    model.trainable = flags["model"]
    for part, flag in parts:
        part.trainable = flag


def restore_metrics(model: Network, kept: list[dict[str, Any]] | None) -> None:
    """Take back the states of metrics; None: they have seen nothing."""
    reset_all(model.metrics)
    if kept is not None:
        for metric, state in zip(model.metrics, kept, strict=True):
            metric.set_state(state)
