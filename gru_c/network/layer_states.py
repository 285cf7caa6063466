"""Saving and restoring the states of a model's stateful layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gru_c.layers import GRU
from gru_c.utils.arrays import Array
from gru_c.utils.attributes import assign

if TYPE_CHECKING:
    from gru_c.network.network import Network


States = list[tuple[GRU, Array | None]]


def save_states(model: Network) -> States:
    """Return all stateful layers with their states, for `restore_states`."""
    directions = [direction for layer in model.stateful_layers for direction in layer.directions]
    return [(direction, direction.state) for direction in directions]


def restore_states(states: States) -> None:
    """Restore the states that `save_states` returned."""
    for layer, state in states:
        assign(layer, state=state)
