"""Snapshots of a model in training: in memory within an epoch, and as the state in a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.validation import check_flag
from gru_c.common.weights_lock import weights_lock
from gru_c.layers import Layer
from gru_c.layers.base import random_layer
from gru_c.metrics import Metric, merged_states, reset_all
from gru_c.network import layer_states
from gru_c.network.network import Network
from gru_c.saving import contents
from gru_c.training.processes import ProcessGroup

T = TypeVar("T")


class Snapshot:
    """A copy of the weights, the optimizer and the states of a model, to restore them.

    Parameters
    ----------
    model : Sequential
    when : str
        Words for the moment of the snapshot, for messages.
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
        """Yield the batches; if the next one raises an exception, restore the model first."""
        try:
            yield from batches
        except Exception:
            self.restore()
            raise

    @contextmanager
    def restored_by_errors(self) -> Iterator[None]:
        """Restore the model if the block raises an exception."""
        try:
            yield
        except Exception:
            self.restore()
            raise

    def restore(self) -> None:
        """Restore weights, optimizer and states."""
        optimizer = self.model.optimizer
        assert optimizer is not None
        with weights_lock.writing(self.model.layers):
            self.model.parameters.values[:] = self.values
        for name, slot in self.slots.items():
            optimizer.slots[name][:] = slot
        optimizer.iterations = self.iterations
        layer_states.restore_states(self.states)


def generators(model: Network) -> list[np.random.Generator]:
    """Return the random generators of a model without duplicates: its own, then the layers'."""
    of_layers = random_layer.generators(model.layers)
    return [model.rng, *(rng for rng in of_layers if rng is not model.rng)]


def check_metrics(metrics: list[Metric]) -> None:
    """Raise ValueError for a metric that accumulates values its state does not hold."""
    for metric in metrics:
        kind = type(metric)
        if kind.reset is not Metric.reset and kind.get_state is Metric.get_state:
            raise ValueError(
                f"metric {metric.name!r} has its own reset: for a checkpoint it must define "
                "get_state and set_state, too"
            )


def check_mergeable(metrics: list[Metric]) -> None:
    """Raise ValueError for a metric whose states cannot be added up."""
    check_metrics(metrics)
    for metric in metrics:
        metric.check_mergeable()


def trainable_parts(model: Network) -> dict[str, Layer]:
    """Return the parts that can be frozen, by name: layers, and directions of `Bidirectional`."""
    return {
        str(layer.name) if part is layer else f"{layer.name}.{part.label}": part
        for layer in model.layers
        for part in layer.trainable_parts
    }


def trainable_flags(model: Network) -> dict[str, Any]:
    """Return `trainable` of the model and of its parts."""
    parts = trainable_parts(model)
    return {
        "model": model.trainable,
        "layers": {name: part.trainable for name, part in parts.items()},
    }


def capture(model: Network) -> dict[str, Any]:
    """Return the state of a training without weights, slots of the optimizer, and metrics."""
    optimizer = model.optimizer
    assert optimizer is not None
    rate = optimizer.rate_or_schedule
    return {
        "iterations": optimizer.iterations,
        "learning_rate": rate if isinstance(rate, float) else None,
        "trainable": trainable_flags(model),  # callbacks may set it
        "generators": [rng.bit_generator.state for rng in generators(model)],
        "states": [state for _, state in layer_states.save_states(model)],
    }


def state_for_process(
    model: Network, captured: list[dict[str, Any]], group: ProcessGroup
) -> dict[str, Any]:
    """Return the state with which a process resumes, from those captured in all processes.

    If the number of processes has changed, the generators of the layers keep their states, and
    the first process gets the metrics over the samples of all.

    Raises
    ------
    ValueError
        When the number of processes has changed, and stateful layers hold states.
    """
    if len(captured) == group.size:
        return captured[group.rank]
    if any(state is not None for item in captured for state in item["states"]):
        raise ValueError(
            f"{len(captured)} processes trained stateful layers; {group.size} cannot resume"
        )
    shared = captured[0]["generators"][:1]
    local = [rng.bit_generator.state for rng in generators(model)[1:]]
    metrics = merged_states(model.metrics, [item["metrics"] for item in captured])
    return {
        **captured[0],
        "generators": shared + local,
        "metrics": metrics if group.is_first else None,
    }


def check_generator_state(rng: np.random.Generator, state: Any) -> Any:
    """Return the state of a generator; raise an exception if it does not fit this kind."""
    type(rng.bit_generator)().state = state
    return state


def restore(model: Network, state: dict[str, Any], tensors: dict[str, Array]) -> None:
    """Restore a state that `capture` returned, the weights, and the slots of the optimizer.

    Raises
    ------
    ValueError, TypeError, KeyError
        When something does not fit the model; only its optimizer may have changed then.
    """
    values = [item.value for item in model.parameters.items]
    weights = dict(zip(contents.weight_names(model), values, strict=True))
    wanted = {name: value.shape for name, value in weights.items()}
    actual = {name: array.shape for name, array in tensors.items() if name.count("/") == 1}
    contents.compare_shapes("tensor", wanted, actual)
    rngs = generators(model)
    for rng, generator_state in zip(rngs, state["generators"], strict=True):
        check_generator_state(rng, generator_state)
    layers = [layer for layer, _ in layer_states.save_states(model)]
    pairs = list(zip(layers, state["states"], strict=True))
    checked = [(layer, layer.checked_states(state)) for layer, state in pairs]
    flags = state.get("trainable") or trainable_flags(model)  # older files do not have it
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
    for rng, generator_state in zip(rngs, state["generators"], strict=True):
        rng.bit_generator.state = generator_state
    layer_states.restore_states(checked)
    model.trainable = flags["model"]
    for part, flag in parts:
        part.trainable = flag


def restore_metrics(model: Network, states: list[dict[str, Any]] | None) -> None:
    """Restore the states of metrics; None resets them."""
    reset_all(model.metrics)
    if states is not None:
        for metric, state in zip(model.metrics, states, strict=True):
            metric.set_state(state)
