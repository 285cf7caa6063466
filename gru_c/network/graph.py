"""A graph of layers and operations: its order, its forward pass and its backward pass.

The order is computed once, when the graph is made: every node comes after those whose outputs it
takes. Layers are listed in Keras's order, by their largest distance to an output and, where that is
equal, in the order in which a walk from the outputs meets them; so weights have Keras's order.

Where a tensor feeds several nodes, their gradients are added in one fixed order, the reverse of the
order of the nodes. A layer that several nodes share adds its gradients in the same order. No sum
depends on the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gru_c.common.arrays import Array, Shape
from gru_c.layers import Input, Layer
from gru_c.layers.base.tensor import Node, Tensor
from gru_c.network import node_passes
from gru_c.network.graph_tape import GraphOptions, GraphTape

Masks = Sequence[Array | None]


class Graph:
    """The part of a graph between some tensors and others.

    Parameters
    ----------
    inputs, outputs : list of Tensor

    Attributes
    ----------
    inputs, outputs : list of Tensor
    nodes : list of Node
        In the order in which they are computed, without the inputs.
    layers : list of Layer or Operation
        The layers and operations in Keras's order, each once, with the `Input` layers.
    count : int
        The number of values: the inputs, and the outputs of all nodes.
    takes, gives : list of list of int
        For each node the numbers of the values that it takes, and of those that it gives.
    results : list of int
        The numbers of the values that are outputs.

    Raises
    ------
    ValueError
        If an output does not depend on the inputs alone, or an input is given twice.
    """

    def __init__(self, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        self.inputs, self.outputs = inputs, outputs
        order, met = _walk(inputs, outputs)
        self.nodes = [node for node in order if not isinstance(node.layer, Input)]
        self.nodes = [node for node in self.nodes if not _is_input(node, inputs)]
        self.layers = _in_depth_order(order, met, inputs)
        places = {id(tensor): i for i, tensor in enumerate(inputs)}
        for node in self.nodes:
            for tensor in node.outputs:
                places.setdefault(id(tensor), len(places))
        self.count = len(places)
        self.takes = [[places[id(t)] for t in node.inputs] for node in self.nodes]
        self.gives = [[places[id(t)] for t in node.outputs] for node in self.nodes]
        self.results = [places[id(t)] for t in outputs]

    def shapes(self, input_shapes: Sequence[Shape]) -> list[Shape]:
        """Return the shapes of all values for shapes of the inputs; see `results_of`."""
        shapes: list[Any] = [*input_shapes, *[None] * (self.count - len(input_shapes))]
        for node, takes, gives in zip(self.nodes, self.takes, self.gives, strict=True):
            outputs = node_passes.output_shapes(node, [shapes[i] for i in takes])
            for place, shape in zip(gives, outputs, strict=True):
                shapes[place] = tuple(shape)
        return shapes

    def results_of(self, values: Sequence[Any]) -> list[Any]:
        """Return those of all values that are outputs."""
        return [values[i] for i in self.results]

    def values_of(self, number: int, values: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Return those of all values that node `number` takes, and those that it gives."""
        takes, gives = self.takes[number], self.gives[number]
        return [values[i] for i in takes], [values[i] for i in gives]

    # ---- forward ----

    def forward(
        self, values: Sequence[Array], masks: Masks, training: bool
    ) -> tuple[list[Array], list[Array | None], GraphTape]:
        """Return the outputs, their masks, and the tape."""
        arrays: list[Any] = [*values, *[None] * (self.count - len(values))]
        all_masks: list[Any] = [*masks, *[None] * (self.count - len(masks))]
        tapes: list[Any] = []
        penalized: dict[int, Array] = {}
        penalty = 0.0
        for number, node in enumerate(self.nodes):
            takes = self.takes[number]
            results, tape, output_masks = node_passes.forward(
                node, [arrays[i] for i in takes], [all_masks[i] for i in takes], training
            )
            tapes.append(tape)
            rows = zip(self.gives[number], results, output_masks, strict=True)
            for place, result, mask in rows:
                arrays[place], all_masks[place] = result, mask
            regularizer = getattr(node.layer, "activity_regularizer", None)
            if regularizer is not None:
                penalized[number] = results[0]
                penalty += regularizer(results[0]) / max(len(results[0]), 1)
            elif getattr(node.layer, "runs_graph", False):
                assert tape is not None
                penalty += tape.saved.penalty
        outputs = [arrays[i] for i in self.results]
        return outputs, [all_masks[i] for i in self.results], GraphTape(tapes, penalized, penalty)

    # ---- backward ----

    def backward(
        self,
        tape: GraphTape,
        d_outputs: Sequence[Array | None],
        trained: bool,
        options: GraphOptions,
        through_activation: Sequence[bool] | None = None,
    ) -> list[Array | None]:
        """Write the gradients of all weights; return those of the inputs, None for zeros.

        Parameters
        ----------
        tape : GraphTape
        d_outputs : list of ndarray or None
            Gradients of the outputs, None for zeros.
        trained : bool
            False if no weight is trained.
        options : GraphOptions
        through_activation : list of bool, optional
            False for an output whose gradient is that of the input of its activation.
        """
        gradients: list[Any] = [None] * self.count
        for place, d in zip(self.results, d_outputs, strict=True):
            gradients[place] = _sum(gradients[place], d)
        needed = self.needs_gradient(trained, options.input_gradient)
        written: set[int] = set()
        flags = through_activation or [True] * len(self.results)
        inner = {i for i, flag in zip(self.results, flags, strict=True) if not flag}
        for number in range(len(self.nodes) - 1, -1, -1):
            node, gives, takes = self.nodes[number], self.gives[number], self.takes[number]
            d_results = [gradients[i] for i in gives]
            if number in tape.penalized:
                d_results[0] = _with_penalty(node, tape.penalized[number], d_results[0], options)
            wanted = [needed[i] for i in takes]
            nested = getattr(node.layer, "runs_graph", False)
            if not needed[gives[0]] or (all(d is None for d in d_results) and not nested):
                continue
            layer = node.layer
            d_inputs = node_passes.backward(
                node,
                tape.tapes[number],
                d_results,
                node_passes.Wanted(
                    wanted,
                    options.accumulate or id(layer) in written,
                    options.keep_tape,
                    gives[0] not in inner,
                    options.activity_scale,
                ),
            )
            written.add(id(layer))
            for place, d in zip(takes, d_inputs, strict=True):
                if needed[place]:
                    gradients[place] = _sum(gradients[place], d)
        if not options.accumulate:
            self._clear_others(written)
        return gradients[: len(self.inputs)]

    def needs_gradient(self, trained: bool, of_inputs: bool = False) -> list[bool]:
        """Return for each value whether weights that are trained lie before it."""
        needed = [of_inputs] * len(self.inputs) + [False] * (self.count - len(self.inputs))
        trains: dict[int, bool] = {}
        for node, takes, gives in zip(self.nodes, self.takes, self.gives, strict=True):
            layer = node.layer
            if id(layer) not in trains:
                weights = getattr(layer, "trainable_weights", ())
                trains[id(layer)] = trained and bool(weights)
            if trains[id(layer)] or any(needed[i] for i in takes):
                for place in gives:
                    needed[place] = True
        return needed

    def _clear_others(self, written: set[int]) -> None:
        """Set the gradients of layers to zero on which no output with a gradient depends."""
        for layer in self.layers:
            if id(layer) not in written and isinstance(layer, Layer):
                for item in layer.parameters:
                    item.gradient[...] = 0

    def require_gradients(self, trained: bool) -> None:
        """Raise TypeError if a layer above one that is trained cannot return a gradient."""
        needed = self.needs_gradient(trained)
        for node, takes in zip(self.nodes, self.takes, strict=True):
            layer = node.layer
            passes_on = isinstance(layer, Layer) and any(needed[i] for i in takes)
            if passes_on and not layer.differentiable:
                raise TypeError(layer.why_not_differentiable())

    @property
    def chain(self) -> list[Layer] | None:
        """The layers, if each takes the output of the one before it alone; None otherwise."""
        if len(self.inputs) != 1 or self.results != [len(self.nodes)]:
            return None
        for number, node in enumerate(self.nodes):
            plain = isinstance(node.layer, Layer) and not node.options
            if not plain or self.takes[number] != [number] or len(node.outputs) != 1:
                return None
        layers = [node.layer for node in self.nodes]
        return layers if len(set(map(id, layers))) == len(layers) else None


def _is_input(node: Node, inputs: list[Tensor]) -> bool:
    return any(tensor is one for tensor in node.outputs for one in inputs)


def _sum(a: Array | None, b: Array | None) -> Array | None:
    """Return the sum of two gradients, of which None stands for zeros."""
    if a is None or b is None:
        return b if a is None else a
    total: Array = a + b
    return total


def _with_penalty(node: Node, y: Array, d: Array | None, options: GraphOptions) -> Array:
    """Return the gradient of an output with that of its penalty."""
    gradient = np.zeros_like(y)
    node.layer.activity_regularizer.add_gradient(y, gradient)
    gradient *= y.dtype.type(options.activity_scale / max(len(y), 1))
    return gradient if d is None else d + gradient


def _walk(inputs: list[Tensor], outputs: list[Tensor]) -> tuple[list[Node], dict[int, int]]:
    """Return the nodes before the outputs in an order of computation, and when layers were met."""
    order: list[Node] = []
    met: dict[int, int] = {}
    done: set[int] = set()
    given = set(map(id, inputs))
    if len(given) < len(inputs):
        twice = next(t for i, t in enumerate(inputs) if any(t is o for o in inputs[:i]))
        raise ValueError(f"the input {twice.name!r} is given twice")
    for output in outputs:
        path: list[tuple[Node, Any]] = []
        _descend(output, path, order, met, done, given)
        while path:
            node, rest = path[-1]
            tensor = next(rest, None)
            if tensor is not None:
                _descend(tensor, path, order, met, done, given)
                continue
            path.pop()
            done.add(id(node))
            order.append(node)
    missing = [t for t in inputs if id(t.node) not in done]
    if missing:
        reached = _ancestors(outputs)
        for tensor in missing:
            if isinstance(tensor.node.layer, Input) and id(tensor) not in reached:
                order.insert(0, tensor.node)  # an input that no output uses, as in Keras
                met.setdefault(id(tensor.node.layer), -1)
    return order, met


def _descend(
    tensor: Tensor,
    path: list[tuple[Node, Any]],
    order: list[Node],
    met: dict[int, int],
    done: set[int],
    given: set[int],
) -> None:
    """Put the node of a tensor on the path of the walk, unless it has been there."""
    node = tensor.node
    if id(node) in done:
        return
    is_input = isinstance(node.layer, Input)
    if id(tensor) in given and not is_input:
        return
    if is_input and id(tensor) not in given:
        below = [one.label for one, _ in reversed(path)]
        through = f" through layer {below[0]!r}" if below else ""
        raise ValueError(
            f"the outputs depend on the Input {tensor.name!r} of shape {tensor.shape}{through}, "
            "which is not among the model's inputs"
        )
    met.setdefault(id(node.layer), len(met))
    path.append((node, iter(node.inputs)))


def _ancestors(outputs: list[Tensor]) -> set[int]:
    """Return the identities of all tensors from which the outputs are computed."""
    seen: set[int] = set()
    stack = list(outputs)
    while stack:
        tensor = stack.pop()
        if id(tensor) not in seen:
            seen.add(id(tensor))
            stack += tensor.node.inputs
    return seen


def _in_depth_order(order: list[Node], met: dict[int, int], inputs: list[Tensor]) -> list[Any]:
    """Return the layers by their largest distance to an output, those nearest to it last."""
    in_graph = set(map(id, order))
    of_node: dict[int, int] = {}
    of_layer: dict[int, int] = {}
    layers = {id(node.layer): node.layer for node in order}
    for node in reversed(order):
        depth = max(of_node.get(id(node), 0), of_layer.get(id(node.layer), 0))
        of_node[id(node)] = of_layer[id(node.layer)] = depth
        for tensor in node.inputs:
            before = id(tensor.node)
            if before in in_graph:
                of_node[before] = max(depth + 1, of_node.get(before, 0))
    return sorted(layers.values(), key=lambda it: (-of_layer[id(it)], met.get(id(it), 0)))
