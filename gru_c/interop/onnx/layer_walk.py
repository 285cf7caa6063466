"""What lies between the layers of a graph, found out by doing it.

Every number that a layer gives has a label of its own. Nodes that only move numbers - transposes,
squeezes, the last step cut out - move the labels; where they arrive at the next layer, they are
compared with what a layer of this package would pass on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gru_c.interop.onnx.file import Graph, Input
from gru_c.interop.onnx.proto import Node, shown
from gru_c.interop.onnx.size_limit import Room
from gru_c.layers import GRU, Bidirectional, Flatten, Layer, RepeatVector
from gru_c.saving.contents import check_specs
from gru_c.utils.arrays import Array, Shape

PRODUCER = "gru_c"  # whose files name a node "layer/..." after its layer


@dataclass(eq=False)
class Direction:
    """One direction of a GRU node whose output no layer has taken yet."""

    node: Node
    options: dict[str, Any]  # of its `GRU`
    weights: list[Array]
    labels: Array  # (B, T, H), in the order of time

    def own(self, whole: bool) -> Array:
        """Return the output, of all steps or the last, as a `GRU` of this package gives it."""
        steps = self.labels[:, ::-1] if self.options["go_backwards"] else self.labels
        return steps if whole else steps[:, -1]

    def in_pair(self, whole: bool) -> Array:
        """Return it as the backward layer of a `Bidirectional` gives it: turned round again."""
        own = self.own(whole)
        return own[:, ::-1] if whole else own


class Walk:
    """One way through a graph.

    Parameters
    ----------
    graph : Graph
    optional : set of str
        Inputs that are left out: initial states.
    batch, time : int
        Lengths where the file leaves them open.

    Attributes
    ----------
    layers, weights : list
        What has been found: a layer each, without weights, and the arrays for it.
    values : dict
        All values of the graph so far: labels, or plain numbers such as shapes.
    labelled : set of str
        Which of them are labels.
    current : ndarray
        Labels of what the last layer gives.
    pending : list of Direction
        Parts of GRU nodes after it, whose reader has not come yet.
    ends : list of ndarray
        Labels of the last states of all GRUs.
    dtype : numpy.dtype
        Of the numbers that `current` stands for.
    input_shape : tuple of int or None
        Of the model, batch axis first.
    """

    def __init__(self, graph: Graph, optional: set[str], batch: int, time: int) -> None:
        self.graph = graph
        self.layers: list[Layer] = []
        self.weights: list[list[Array]] = []
        self.last_maker: Node | None = None  # the node that the last layer was found at
        self.mover: Node | None = None  # the last node that was a layer without weights, maybe
        self.values: dict[str, Array | None] = {**graph.constants, **dict.fromkeys(optional)}
        self.labelled: set[str] = set()
        self.pending: list[Direction] = []
        self.ends: list[Array] = []
        self._labels_given = 0
        inputs = [item for item in graph.inputs if item.name not in optional]
        if len(inputs) != 1:
            raise ValueError(f"the graph is no chain of layers: it has {len(inputs)} inputs")
        item = inputs[0]
        self.dtype = item.dtype
        sizes = _sizes(item, batch, time)
        self.input_shape: Shape = (
            None,
            *(size if isinstance(size, int) else None for size in (item.shape or ())[1:]),
        )
        self.room = Room([array.shape for array in graph.constants.values()], [sizes])
        self.current = self.label(item.name, self.fresh(sizes))

    def fresh(self, shape: tuple[int, ...]) -> Array:
        """Return an array of new labels."""
        count = math.prod(self.room.require(shape))
        self.room.used += count
        labels = np.arange(self._labels_given, self._labels_given + count).reshape(shape)
        self._labels_given += count
        return labels

    def label(self, name: str, labels: Array) -> Array:
        """Keep labels under the name of a value, and return them."""
        self.values[name] = labels
        self.labelled.add(name)
        return labels

    def labels_of(self, name: str) -> Array:
        """Return the labels of a value."""
        labels = self.values[name]
        assert labels is not None
        return labels

    def arrive(self, labels: Array, node: Node | None, *, beside: bool = False) -> None:
        """Add the layers that lie between the last one and these labels.

        `beside`: GRUs that wait for a reader may go on waiting, for another one beside them.
        """
        if np.array_equal(labels, self.current) and (beside or not self.pending):
            return
        for taker, given in self._takers() if self.pending else [(None, self.current)]:
            after = _between(labels, given)
            if after is None:
                continue
            mover = self.mover
            if taker is not None:
                self.add(taker[0], taker[1], self.pending[0].node)
                self.pending = []
            for layer in after:
                self.add(layer, [], mover)
            self.current = labels
            return
        what = "the output" if node is None else node.label
        raise ValueError(
            f"{what}: what comes here is nothing that a layer of gru_c passes on, or not with the "
            "batch as its first axis"
        )

    def _takers(self) -> Iterator[tuple[Any, Array]]:
        """Give the layers that the waiting directions may be, and what each passes on."""
        for whole in (True, False):
            if len(self.pending) == 1:
                one = self.pending[0]
                layer = GRU(**one.options, return_sequences=whole)
                yield (layer, one.weights), one.own(whole)
            for a, b in self.pairs():
                joined = np.concatenate([a.own(whole), b.in_pair(whole)], axis=-1)
                yield (both(a, b, "concat", whole), [*a.weights, *b.weights]), joined

    def pairs(self) -> Iterator[tuple[Direction, Direction]]:
        """Give the two waiting directions, if there are two, in both orders."""
        if len(self.pending) == 2:
            a, b = self.pending
            if a.options["go_backwards"] != b.options["go_backwards"]:
                yield a, b
                yield b, a

    def add(self, layer: Layer, weights: list[Array], node: Node | None) -> None:
        """Append a layer that was found at a node, and named after it by this package's export."""
        if node is not None and self.graph.producer == PRODUCER and "/" in node.name:
            prefix = node.name.partition("/")[0]
            taken = {other.name for other in self.layers}
            layer.name = prefix if prefix and prefix not in taken else None
        self.last_maker, self.mover = node, None
        check_specs(self.layers)
        self.layers.append(layer)
        self.weights.append(weights)

    def weight(self, node: Node, place: int) -> Array | None:
        """Return an input that is a weight; None where it is left out."""
        if place >= len(node.inputs) or not node.inputs[place]:
            return None
        name = node.inputs[place]
        if name not in self.graph.constants:
            node.refuse(f"its input {shown(name)} is no weight of the file")
        array = self.graph.constants[name]
        if array.dtype != self.dtype and node.operator != "Gather":  # whose indices are integers
            node.refuse(f"its input {shown(name)} is {array.dtype}, for numbers of {self.dtype}")
        return array

    def put(self, node: Node, labels: Array) -> None:
        """Say what the last layer gives."""
        self.current = self.label(node.outputs[0], labels)

    def take(self, node: Node) -> Array:
        """Return the labels that a layer with one input gets, once all before it is known."""
        if node.inputs[0] not in self.labelled:
            node.refuse("no layer of gru_c does this")
        labels = self.labels_of(node.inputs[0])
        self.arrive(labels, node)
        return labels


def _sizes(item: Input, batch: int, time: int) -> tuple[int, ...]:
    """Return a shape for the labels of the input."""
    known = item.shape or ()
    # Of numbers the last axis holds the features; of indices there are none.
    count = len(known) - (item.dtype.kind not in "iu")
    free = (*(batch, time)[:count], *[0] * len(known))
    sizes = tuple(
        size if isinstance(size, int) else other for size, other in zip(known, free, strict=False)
    )
    if not sizes or 0 in sizes:
        raise ValueError(
            f"the input {shown(item.name)} has no shape, or none with a number of features"
        )
    return sizes


def _between(labels: Array, given: Array) -> list[Layer] | None:
    """Return layers without weights that make the labels of what is given; None: no such."""
    if np.array_equal(labels, given):
        return []
    if given.ndim > 2 and np.array_equal(labels, given.reshape(len(given), -1)):
        return [Flatten()]
    if labels.ndim == 3 and given.ndim == 2 and labels.shape[::2] == given.shape:
        return [RepeatVector(labels.shape[1])] if (labels == given[:, None]).all() else None
    return None


def both(a: Direction, b: Direction, mode: str, whole: bool) -> Bidirectional:
    """Return the `Bidirectional` of two directions."""
    forward = GRU(**a.options, return_sequences=whole)
    turned = {**a.options, "go_backwards": b.options["go_backwards"]}
    other = None if turned == b.options else GRU(**b.options, return_sequences=whole)
    return Bidirectional(forward, mode, other)
