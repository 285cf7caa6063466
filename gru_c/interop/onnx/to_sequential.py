"""Conversion of a graph that is a chain of this package's layers to a `gru_c.Sequential`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from gru_c.interop.onnx.activations import is_function, read_function
from gru_c.interop.onnx.evaluate import Step, evaluate
from gru_c.interop.onnx.file import Graph
from gru_c.interop.onnx.layer_walk import Direction, LayerWalk, make_bidirectional
from gru_c.interop.onnx.proto import Node, element_type, shown
from gru_c.interop.onnx.rearranging import REARRANGING
from gru_c.interop.onnx.recurrent_attributes import SEQUENCE_LENS
from gru_c.interop.onnx.recurrent_node import RecurrentOperator
from gru_c.layers import Activation, Bidirectional, Dense, Embedding, LayerNormalization
from gru_c.models.loading import assemble
from gru_c.models.sequential import Sequential
from gru_c.parameters import GivenWeights

# Batch and time steps to assume where a file leaves them open. A graph that is a chain of layers
# gives the same layers for both pairs; one that is made for a certain length does not.
_PROBES = ((2, 3), (3, 67))
# Operators that may be a layer without weights; the others of `REARRANGING` are parts of layers.
_POSSIBLE_LAYERS = ("Flatten", "Reshape", "Unsqueeze", "Expand", "Tile")


def to_sequential(graph: Graph, steps: list[Step], optional: set[str]) -> Sequential:
    """Return the built model; see `ONNXModel.to_sequential`."""
    walks = [LayerWalk(graph, optional, *sizes) for sizes in _PROBES]
    for walk in walks:
        for step in steps:
            _add_node(walk, step)
        _finish(walk)
    first, other = walks
    if [str(layer) for layer in first.layers] != [str(layer) for layer in other.layers]:
        raise ValueError("the graph is not a chain of layers: what it does depends on the lengths")
    dtype = np.dtype(np.float64 if first.dtype == np.float64 else np.float32)
    weights = GivenWeights(weight for weights in first.weights for weight in weights)
    return assemble(Sequential(dtype=dtype), first.layers, first.input_shape, weights)


def _add_node(walk: LayerWalk, step: Step) -> None:
    """Take the next node of the graph; raise ValueError if it belongs to no layer."""
    node, operator = step
    places = [i for i, name in enumerate(node.inputs) if name in walk.labelled]
    if any(name and name not in walk.values for name in node.inputs):
        node.refuse("it takes what no layer of gru_c gives")
    elif not places or node.operator == "Shape":
        walk.values.update(evaluate(step, walk.values, walk.budget))
    elif node.operator == "Gather" and places == [1]:
        _embedding(walk, node)
    elif node.operator in REARRANGING and (places == [0] or node.operator == "Concat"):
        if len(places) != len(node.inputs) and node.operator == "Concat":
            node.refuse("it joins what a layer gives with something else")
        for name, labels in evaluate(step, walk.values, walk.budget)[
            :1
        ]:  # a Dropout has a mask too
            if labels is not None:
                walk.label(name, labels)
        if node.operator in _POSSIBLE_LAYERS:
            walk.mover = node
    elif isinstance(operator, RecurrentOperator):
        _recurrent(walk, node, operator)
    elif node.operator in _HANDLERS:
        _HANDLERS[node.operator](walk, node)
    elif is_function(node):
        _activation(walk, node)
    else:
        node.refuse("no layer of gru_c does this")


def _finish(walk: LayerWalk) -> None:
    """Check the outputs of the graph: the last layer's, and last states."""
    first, *others = walk.graph.outputs
    if first not in walk.labelled:
        raise ValueError(f"the output {shown(first)} does not depend on the input")
    walk.connect(walk.labels_of(first), None)
    if walk.pending:
        walk.pending[0].node.refuse("its output goes nowhere, so it is not part of a chain")
    if not walk.layers:
        raise ValueError("the graph has no layer")
    states = np.concatenate([labels.ravel() for labels in walk.last_states or [np.empty(0)]])
    for name in others:
        if name not in walk.labelled or not np.isin(walk.labels_of(name), states).all():
            raise ValueError(
                f"the graph is not a chain of layers: the output {shown(name)} is neither the last "
                "layer's nor a last state"
            )


# ---- layers -------------------------------------------------------------------------------------


def _recurrent(walk: LayerWalk, node: Node, operator: RecurrentOperator) -> None:
    if operator.settings.problem:
        node.refuse(f"it has {operator.settings.problem}, which no layer of gru_c computes")
    W, R, B = (walk.weight(node, place) for place in (1, 2, 3))
    if W is None or R is None or node.inputs[0] not in walk.labelled:
        node.refuse(
            "its weights must be in the file, and its input X must depend on the graph's input"
        )
    x, batch_first = walk.labels_of(node.inputs[0]), operator.settings.batch_first
    if x.ndim != 3:
        node.refuse(f"X must have three axes, got shape {x.shape}")
    walk.connect(x if batch_first else x.swapaxes(0, 1), node, beside=True)
    batch, time = walk.current.shape[:2]
    _require_plain_start(walk, node, operator, R.shape[-1])
    directions = [
        Direction(
            node,
            operator.settings.kind.layer,
            options,
            weights,
            walk.new_labels((batch, time, options["units"])),
        )
        for options, weights in operator.settings.directions(W, R, B)
    ]
    walk.pending += directions
    last_states = [direction.output(False) for direction in directions]
    walk.last_states += last_states
    sequences = [direction.labels for direction in directions]
    axis = 2 if batch_first else 1
    Y = np.stack([s if batch_first else s.swapaxes(0, 1) for s in sequences], axis)
    Y_h = np.stack(last_states, axis - 1)
    Y_c = walk.new_labels(Y_h.shape)  # of an LSTM, whose c no other layer takes
    walk.last_states += [Y_c] if len(operator.settings.kind.outputs) > 2 else []
    for name, labels in zip(node.outputs, (Y, Y_h, Y_c), strict=False):
        walk.label(name, labels)


def _require_plain_start(
    walk: LayerWalk, node: Node, operator: RecurrentOperator, units: int
) -> None:
    """Raise ValueError unless the initial state is zero and all time steps count."""
    inputs = dict(enumerate(node.inputs))
    kind = operator.settings.kind
    lens, *firsts = (
        walk.values[inputs[place]] if inputs.get(place) else None
        for place in (SEQUENCE_LENS, *kind.states)
    )
    given = dict(zip((kind.inputs[place] for place in kind.states), firsts, strict=True))
    operator.initial_states(given, len(walk.current), units, walk.dtype)  # checks the shapes
    if any(first is not None and first.any() for first in firsts):
        node.refuse("its initial state comes from the file; a layer of gru_c begins with zeros")
    if lens is not None:
        node.refuse(
            "it takes sequence_lens from the graph; a layer of gru_c takes lengths as an argument"
        )


def _dense(walk: LayerWalk, node: Node) -> None:
    """Add the `Dense` of a MatMul, whose bias may follow in an Add, or of a Gemm."""
    labels, kernel = walk.input_labels(node), walk.weight(node, 1)
    bias = walk.weight(node, 2)
    kernel = kernel.T if kernel is not None and node.get("transB", 0) else kernel
    plain = (node.get("alpha", 1.0), node.get("beta", 1.0), node.get("transA", 0)) == (1, 1, 0)
    if kernel is None or kernel.ndim != 2 or len(kernel) != labels.shape[-1] or not plain:
        node.refuse("it is not a product with one matrix, which is all that a Dense layer computes")
    units = kernel.shape[1]
    if bias is not None and bias.shape not in ((units,), (1, units)):
        node.refuse(f"its bias has shape {bias.shape}, wanted ({units},)")
    weights = [kernel] if bias is None else [kernel, bias.reshape(units)]
    walk.add(Dense(units, use_bias=bias is not None), weights, node)
    walk.set_output(node, walk.new_labels((*labels.shape[:-1], units)))


def _sum(walk: LayerWalk, node: Node) -> None:
    """Add the bias of a `Dense`, or merge two directions by their sum."""
    names = [name for name in node.inputs if name in walk.labelled]
    if len(names) == 2:
        _merge(walk, node, "sum")
        return
    labels = walk.labels_of(names[0])
    bias = walk.weight(node, 1 - node.inputs.index(names[0]))
    last = walk.layers[-1] if walk.layers else None
    free = isinstance(last, Dense) and not last.use_bias and last.activation == "linear"
    if not free or not np.array_equal(labels, walk.current) or walk.pending:
        node.refuse("it adds something that is not the bias of a Dense layer")
    units = labels.shape[-1]
    assert bias is not None
    if bias.shape not in ((units,), (1, units)):
        node.refuse(f"it adds an array of shape {bias.shape}, not a bias of shape ({units},)")
    walk.layers[-1] = Dense(units, name=walk.layers[-1].name)
    walk.weights[-1].append(bias.reshape(units))
    walk.set_output(node, walk.new_labels(labels.shape))


def _product(walk: LayerWalk, node: Node) -> None:
    """Merge two directions by their product, or make their sum a mean by the factor 0.5."""
    names = [name for name in node.inputs if name in walk.labelled]
    if len(names) == 2:
        _merge(walk, node, "mul")
        return
    factor = walk.weight(node, 1 - node.inputs.index(names[0]))
    last = walk.layers[-1] if walk.layers else None
    summed = isinstance(last, Bidirectional) and last.merge_mode == "sum"
    half = factor is not None and factor.size == 1 and factor.item() == 0.5
    if not summed or not half or not np.array_equal(walk.labels_of(names[0]), walk.current):
        node.refuse("no layer of gru_c does this")
    assert isinstance(last, Bidirectional)
    config = {**last.get_config(), "merge_mode": "ave"}
    walk.layers[-1] = Bidirectional(**config)
    walk.set_output(node, walk.new_labels(walk.current.shape))


def _merge(walk: LayerWalk, node: Node, mode: str) -> None:
    """Add the `Bidirectional` whose directions are merged by a sum or a product."""
    inputs = [walk.labels_of(name) for name in node.inputs]
    for a, b in walk.pairs():
        for sequences in (True, False):
            outputs = [a.output(sequences), b.output_as_backward(sequences)]
            if all(np.array_equal(x, y) for x, y in zip(inputs, outputs, strict=True)):
                layer = make_bidirectional(a, b, mode, sequences)
                walk.add(layer, [*a.weights, *b.weights], a.node)
                walk.pending = []
                walk.set_output(node, walk.new_labels(outputs[0].shape))
                return
    node.refuse("no layer of gru_c does this with two values")


def _activation(walk: LayerWalk, node: Node) -> None:
    labels = walk.input_labels(node)
    name = read_function(node, labels.ndim)
    last = walk.layers[-1] if walk.layers else None
    same_module = walk.last_maker is not None and _module(walk.last_maker) == _module(node)
    if isinstance(last, Dense) and last.activation == "linear" and same_module:
        config = {**last.get_config(), "activation": name}
        walk.layers[-1] = Dense(**config)
    else:
        walk.add(Activation(name), [], node)
    walk.set_output(node, walk.new_labels(labels.shape))


def _layer_normalization(walk: LayerWalk, node: Node) -> None:
    labels = walk.input_labels(node)
    gamma, beta = walk.weight(node, 1), walk.weight(node, 2)
    features = labels.shape[-1:]
    fits = gamma is not None and gamma.shape == features
    fits = fits and (beta is None or beta.shape == features)
    if node.get("axis", -1) not in (-1, labels.ndim - 1) or not fits:
        node.refuse("gru_c normalizes the last axis, with one weight for each feature")
    assert gamma is not None
    weights = [gamma] if beta is None else [gamma, beta]
    layer = LayerNormalization(epsilon=node.get("epsilon", 1e-5), center=len(weights) > 1)
    walk.add(layer, weights, node)
    walk.set_output(node, walk.new_labels(labels.shape))


def _embedding(walk: LayerWalk, node: Node) -> None:
    labels, table = walk.labels_of(node.inputs[1]), walk.weight(node, 0)
    assert table is not None
    walk.connect(labels, node)
    if walk.layers or table.ndim != 2 or table.dtype.kind != "f" or node.get("axis", 0):
        node.refuse("it is not an Embedding, which must be the first layer of a model")
    walk.add(Embedding(*table.shape), [table], node)
    walk.dtype = table.dtype
    walk.set_output(node, walk.new_labels((*labels.shape, table.shape[1])))


def _cast(walk: LayerWalk, node: Node) -> None:
    dtype = element_type(node.attributes["to"], node.label)
    whole = dtype.kind in "iu" and walk.dtype.kind in "iu"
    if dtype != walk.dtype and not whole:
        node.refuse(f"it turns {walk.dtype} into {dtype}, which no layer of gru_c does")
    walk.label(node.outputs[0], walk.labels_of(node.inputs[0]))


_HANDLERS: Mapping[str, Callable[[LayerWalk, Node], None]] = {
    "MatMul": _dense,
    "Gemm": _dense,
    "Add": _sum,
    "Mul": _product,
    "LayerNormalization": _layer_normalization,
    "Cast": _cast,
}


def _module(node: Node) -> str:
    """Return the part of a node's name that names the exported module it belongs to."""
    return node.name.rpartition("/")[0]
