"""Checks of the layers of a graph, and of their names."""

from __future__ import annotations

from collections import Counter
from typing import Any

from gru_c.common.attributes import assign
from gru_c.common.registry import snake_case
from gru_c.layers import Layer, StackedRNNCells
from gru_c.layers.base.rnn_cell import RNNCell
from gru_c.network.graph import Graph


def check_layers(graph: Graph) -> None:
    """Raise ValueError for a layer that cannot be part of a graph."""
    calls = Counter(id(node.layer) for node in graph.nodes)
    for layer in graph.layers:
        if not isinstance(layer, Layer):
            continue
        if isinstance(layer, (RNNCell, StackedRNNCells)):
            name = type(layer).__name__
            raise ValueError(f"{name} computes one time step: write RNN({name}(...))")
        if layer.prefix:
            raise ValueError(
                f"layer {layer.label!r} is one direction of a Bidirectional, whose weights it holds"
            )
        if layer.gives_tokens:
            raise ValueError(
                f"layer {layer.label!r} has invert=True and gives tokens; a Model passes on numbers"
            )
        if getattr(layer, "time_major", False):
            raise ValueError(
                f"layer {layer.label!r} has time_major=True; the batches of a Model come first"
            )
        if getattr(layer, "stateful", False) and calls[id(layer)] > 1:
            raise ValueError(
                f"layer {layer.label!r} is stateful and is called {calls[id(layer)]} times in the "
                "model: the calls would overwrite each other's states"
            )


def require_names(layers: list[Any]) -> None:
    """Give layers different names where gru_c chose them; ValueError where the user did."""
    counts = Counter(layer.name for layer in layers if isinstance(layer, Layer))
    taken = set(counts)
    for name, count in counts.items():
        if count == 1:
            continue
        same = [layer for layer in layers if isinstance(layer, Layer) and layer.name == name]
        fixed = [layer for layer in same if not layer.named_by_itself]
        if len(fixed) > 1:
            raise ValueError(
                f"{len(fixed)} layers have the name {name!r}: give all but one of them another "
                "name, in the constructor or with layer.name = ..."
            )
        for layer in [layer for layer in same if layer not in fixed][0 if fixed else 1 :]:
            base, number = snake_case(type(layer).__name__), 1
            while f"{base}_{number}" in taken:
                number += 1
            assign(layer, name=f"{base}_{number}")
            taken.add(f"{base}_{number}")
