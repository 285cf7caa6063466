"""The states that a model's stateful layers keep from batch to batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gru_c.layers import GRU
from gru_c.utils.arrays import Array
from gru_c.utils.attributes import assign

if TYPE_CHECKING:
    from gru_c.network.network import Network


States = list[tuple[GRU, Array | None]]


def save_states(model: Network) -> States:
    """Return the states of all stateful layers, for `restore_states`."""
    layers = [one for layer in model.stateful_layers for one in layer.directions]
    return [(layer, layer.state) for layer in layers]


def restore_states(states: States) -> None:
    """Let the layers hold the states that they held."""
    for layer, state in states:
        assign(layer, state=state)
