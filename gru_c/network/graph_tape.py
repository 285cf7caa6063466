"""The tape of a graph, and the options of its backward pass."""

from __future__ import annotations

from typing import Any, NamedTuple

from gru_c.common.arrays import Array


class GraphTape(NamedTuple):
    """The tape of a forward pass in training: for each node its tape and the number of its outputs.

    Attributes
    ----------
    tapes : list
        The tapes of the nodes, in their order.
    penalized : dict
        Outputs of the nodes whose layers have an activity regularizer, by the number of the node.
    penalty : float
        The penalties of these outputs, per sample.
    """

    tapes: list[Any]
    penalized: dict[int, Array]
    penalty: float


class GraphOptions(NamedTuple):
    """Options of a backward pass; see `Layer.backward`."""

    keep_tape: bool = True
    activity_scale: float = 1.0
    accumulate: bool = False
    input_gradient: bool = False
