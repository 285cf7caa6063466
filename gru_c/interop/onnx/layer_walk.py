"""The search for the layers of a graph: labels stand for numbers, and nodes move them.

Every number that a layer returns gets a label. Nodes that only rearrange numbers (transposes,
squeezes, the selection of the last time step) rearrange the labels. At the input of the next layer,
the labels are compared with those that a layer of this package would pass on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gru_c.common.arrays import Array, Shape
from gru_c.interop.onnx.file import Graph, GraphInput
from gru_c.interop.onnx.proto import Node, shown
from gru_c.interop.onnx.size_limit import ElementBudget
from gru_c.layers import Bidirectional, Flatten, Layer, RepeatVector
from gru_c.saving.contents import check_specs

PRODUCER = "gru_c"  # in its files, the name of a node is "layer/..." with the layer's name


@dataclass(eq=False)
class Direction:
    """One direction of a recurrent node whose output has not reached another layer yet.

    Attributes
    ----------
    node : Node
    layer : type
        The class of its layer, such as `GRU`.
    options : dict
        Arguments of that layer.
    weights : list of ndarray
    labels : ndarray, shape (B, T, H)
        Labels of its output, in the order of time.
    """

    node: Node
    layer: type[Any]
    options: dict[str, Any]
    weights: list[Array]
    labels: Array

    def output(self, sequences: bool) -> Array:
        """Return the labels that a layer of this package returns: of all time steps or the last."""
        steps = self.labels[:, ::-1] if self.options["go_backwards"] else self.labels
        return steps if sequences else steps[:, -1]

    def output_as_backward(self, sequences: bool) -> Array:
        """Return the labels that the backward layer of a `Bidirectional` returns."""
        output = self.output(sequences)
        return output[:, ::-1] if sequences else output


class LayerWalk:
    """A walk along the nodes of a graph, which collects layers.

    Parameters
    ----------
    graph : Graph
    optional : set of str
        Inputs that get no value: initial states.
    batch, time : int
        Lengths to assume where the file leaves them open.

    Attributes
    ----------
    layers : list of Layer
        The layers so far, without weights.
    weights : list of list of ndarray
        The weights of each of them.
    values : dict
        All values of the graph so far: labels, or plain numbers such as shapes.
    labelled : set of str
        Names of the values that are labels.
    current : ndarray
        Labels of the last layer's output.
    pending : list of Direction
        Directions of recurrent nodes after that layer that have not become a layer yet.
    last_states : list of ndarray
        Labels of the last states of all recurrent nodes.
    last_maker : Node or None
        The node that the last layer was made of.
    mover : Node or None
        The last node that may turn out to be a layer without weights.
    dtype : numpy.dtype
        Type of the numbers that `current` stands for.
    input_shape : tuple of int or None
        Shape of the model's input, batch axis first.
    """

    def __init__(self, graph: Graph, optional: set[str], batch: int, time: int) -> None:
        self.graph = graph
        self.layers: list[Layer] = []
        self.weights: list[list[Array]] = []
        self.last_maker: Node | None = None
        self.mover: Node | None = None
        self.values: dict[str, Array | None] = {**graph.constants, **dict.fromkeys(optional)}
        self.labelled: set[str] = set()
        self.pending: list[Direction] = []
        self.last_states: list[Array] = []
        self._label_count = 0
        inputs = [item for item in graph.inputs if item.name not in optional]
        if len(inputs) != 1:
            raise ValueError(f"the graph is not a chain of layers: it has {len(inputs)} inputs")
        item = inputs[0]
        self.dtype = item.dtype
        sizes = _probe_shape(item, batch, time)
        self.input_shape: Shape = (
            None,
            *(size if isinstance(size, int) else None for size in (item.shape or ())[1:]),
        )
        self.budget = ElementBudget([array.shape for array in graph.constants.values()], [sizes])
        self.current = self.label(item.name, self.new_labels(sizes))

    def new_labels(self, shape: tuple[int, ...]) -> Array:
        """Return an array of labels that are not in use yet."""
        count = math.prod(self.budget.require(shape))
        self.budget.used += count
        labels = np.arange(self._label_count, self._label_count + count).reshape(shape)
        self._label_count += count
        return labels

    def label(self, name: str, labels: Array) -> Array:
        """Store labels under the name of a value, and return them."""
        self.values[name] = labels
        self.labelled.add(name)
        return labels

    def labels_of(self, name: str) -> Array:
        """Return the labels of a value."""
        labels = self.values[name]
        assert labels is not None
        return labels

    def connect(self, labels: Array, node: Node | None, *, beside: bool = False) -> None:
        """Add the layers that turn the last layer's output into these labels.

        Parameters
        ----------
        labels : ndarray
        node : Node or None
            The node that takes them; None for the output of the graph.
        beside : bool
            Leave pending directions as they are if the labels come before them: another direction
            may take the same input.
        """
        if np.array_equal(labels, self.current) and (beside or not self.pending):
            return
        for candidate, output in self._candidates() if self.pending else [(None, self.current)]:
            layers_after = _layers_between(labels, output)
            if layers_after is None:
                continue
            mover = self.mover
            if candidate is not None:
                layer, weights = candidate
                self.add(layer, weights, self.pending[0].node)
                self.pending = []
            for layer in layers_after:
                self.add(layer, [], mover)
            self.current = labels
            return
        taker = "the output" if node is None else node.label
        raise ValueError(
            f"{taker}: what comes here is nothing that a layer of gru_c passes on, or not with the "
            "batch as its first axis"
        )

    def _candidates(self) -> Iterator[tuple[tuple[Layer, list[Array]], Array]]:
        """Yield the layers that the pending directions can be, each with weights and output."""
        for sequences in (True, False):
            if len(self.pending) == 1:
                [single] = self.pending
                layer = single.layer(**single.options, return_sequences=sequences)
                yield (layer, single.weights), single.output(sequences)
            for a, b in self.pairs():
                outputs = [a.output(sequences), b.output_as_backward(sequences)]
                bidirectional = make_bidirectional(a, b, "concat", sequences)
                weights = [*a.weights, *b.weights]
                yield (bidirectional, weights), np.concatenate(outputs, axis=-1)

    def pairs(self) -> Iterator[tuple[Direction, Direction]]:
        """Yield the two pending directions in both orders, if they can be a `Bidirectional`."""
        if len(self.pending) == 2:
            a, b = self.pending
            if a.layer is b.layer and a.options["go_backwards"] != b.options["go_backwards"]:
                yield a, b
                yield b, a

    def add(self, layer: Layer, weights: list[Array], node: Node | None) -> None:
        """Append a layer made of a node. In a file of this package, the node names the layer."""
        if node is not None and self.graph.producer == PRODUCER and "/" in node.name:
            prefix = node.name.partition("/")[0]
            names = {other.name for other in self.layers}
            layer.name = prefix if prefix and prefix not in names else None
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
            node.refuse(f"its input {shown(name)} is not a weight of the file")
        array = self.graph.constants[name]
        if array.dtype != self.dtype and node.operator != "Gather":  # Gather has integers
            node.refuse(f"its input {shown(name)} is {array.dtype}, for numbers of {self.dtype}")
        return array

    def set_output(self, node: Node, labels: Array) -> None:
        """Set the output of the last layer, which is that of this node."""
        self.current = self.label(node.outputs[0], labels)

    def input_labels(self, node: Node) -> Array:
        """Return the labels of a node's first input, after adding the layers before the node."""
        if node.inputs[0] not in self.labelled:
            node.refuse("no layer of gru_c does this")
        labels = self.labels_of(node.inputs[0])
        self.connect(labels, node)
        return labels


def _probe_shape(item: GraphInput, batch: int, time: int) -> tuple[int, ...]:
    """Return the shape of the input's labels, with lengths for its open axes."""
    known = item.shape or ()
    # The last axis of numbers holds the features, so its length must be known. Indices have none.
    count = len(known) - (item.dtype.kind not in "iu")
    defaults = (*(batch, time)[:count], *[0] * len(known))
    sizes = tuple(
        size if isinstance(size, int) else default
        for size, default in zip(known, defaults, strict=False)
    )
    if not sizes or 0 in sizes:
        raise ValueError(
            f"the input {shown(item.name)} has no shape, or none with a number of features"
        )
    return sizes


def _layers_between(labels: Array, output: Array) -> list[Layer] | None:
    """Return layers without weights that turn an output into these labels; None if none do."""
    if np.array_equal(labels, output):
        return []
    if output.ndim > 2 and np.array_equal(labels, output.reshape(len(output), -1)):
        return [Flatten()]
    if labels.ndim == 3 and output.ndim == 2 and labels.shape[::2] == output.shape:
        return [RepeatVector(labels.shape[1])] if (labels == output[:, None]).all() else None
    return None


def make_bidirectional(a: Direction, b: Direction, mode: str, sequences: bool) -> Bidirectional:
    """Return the `Bidirectional` of two directions, merged in this mode."""
    forward = a.layer(**a.options, return_sequences=sequences)
    reversed_options = {**a.options, "go_backwards": b.options["go_backwards"]}
    if reversed_options == b.options:
        return Bidirectional(forward, mode)
    return Bidirectional(forward, mode, b.layer(**b.options, return_sequences=sequences))
