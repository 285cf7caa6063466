"""Saving and restoring what forward passes change: states of layers, and moving statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gru_c.common.arrays import Array
from gru_c.common.attributes import assign
from gru_c.layers.base.recurrent import Recurrent
from gru_c.parameters import Parameter

if TYPE_CHECKING:
    from gru_c.network.network import Network


States = list[tuple[Recurrent, Array | None]]


def save_states(model: Network) -> States:
    """Return all stateful layers with their states, for `restore_states`."""
    directions = [direction for layer in model.stateful_layers for direction in layer.directions]
    return [(direction, direction.state) for direction in directions]


def restore_states(states: States) -> None:
    """Restore the states that `save_states` returned."""
    for layer, state in states:
        assign(layer, state=state)


def save_statistics(model: Network) -> list[tuple[Parameter, Array]]:
    """Return copies of the weights that forward passes in training update."""
    items = [item for layer in model.layers for item in layer.parameters]
    return [(item, item.array.copy()) for item in items if not item.trainable]


def restore_statistics(statistics: list[tuple[Parameter, Array]]) -> None:
    """Restore what `save_statistics` returned."""
    for item, value in statistics:
        item.value[...] = value
