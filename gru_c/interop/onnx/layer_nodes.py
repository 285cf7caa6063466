"""The nodes of each layer of a model: functions that add them to a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.interop.onnx.activations import FUNCTIONS, write_activations
from gru_c.interop.onnx.graph_builder import GraphBuilder
from gru_c.interop.onnx.recurrent_attributes import OPERATORS, reordered
from gru_c.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    LayerNormalization,
    RepeatVector,
    SimpleRNN,
)
from gru_c.layers import Activation as ActivationLayer
from gru_c.recurrence.cell import Activation, Cell

# By the cell, the name of its operator.
OPERATOR_OF: Mapping[str, str] = {kind.layer.__name__: name for name, kind in OPERATORS.items()}


def _recurrent(graph: GraphBuilder, layer: Any) -> None:
    [result] = _add_recurrent_nodes(graph, layer, [layer], layer.go_backwards)
    graph.value = result


def _bidirectional(graph: GraphBuilder, layer: Bidirectional) -> None:
    a, b = layer.directions
    # Both outputs are in the order of the forward layer's.
    results = _add_recurrent_nodes(graph, layer, [a, b], a.go_backwards)
    if layer.merge_mode == "concat":
        graph.value = graph.add(layer, "Concat", *results, axis=-1)
        return
    graph.value = graph.add(layer, "Mul" if layer.merge_mode == "mul" else "Add", *results)
    if layer.merge_mode == "ave":
        graph.value = graph.add(layer, "Mul", graph.value, graph.weight(layer, "half", 0.5))


def _add_recurrent_nodes(
    graph: GraphBuilder, layer: Layer, directions: list[Any], is_reversed: bool
) -> list[str]:
    """Add the nodes of a recurrent layer; return each direction's output, batch first.

    `is_reversed` puts the time steps of sequences in the order from the last to the first.
    """
    x = graph.add(layer, "Transpose", graph.value, perm=[1, 0, 2])
    groups = [directions] if _alike(directions) else [[direction] for direction in directions]
    results: dict[int, str] = {}
    for group in groups:
        ordered = sorted(group, key=lambda direction: direction.go_backwards)
        steps, last = _add_recurrent_node(graph, layer, ordered, x)
        for d, direction in enumerate(ordered):
            if direction.return_sequences:
                value = _direction(graph, layer, steps, d, len(ordered), axis=1)
                value = _reversed(graph, layer, value) if is_reversed else value
                results[id(direction)] = graph.add(layer, "Transpose", value, perm=[1, 0, 2])
            else:
                results[id(direction)] = _direction(graph, layer, last, d, len(ordered), axis=0)
    return [results[id(direction)] for direction in directions]


def _alike(directions: list[Any]) -> bool:
    """Return True if one node can hold both directions: they must agree in its attributes."""
    settings = {
        (layer.units, layer.use_bias, layer.cell.reset_after, layer.clip) for layer in directions
    }
    return len(settings) == 1


def _add_recurrent_node(
    graph: GraphBuilder, layer: Layer, directions: list[Any], x: str
) -> tuple[str, str]:
    """Add one recurrent node and return its outputs' names, Y and Y_h."""
    first, cells = directions[0], [direction.cell for direction in directions]
    operator = OPERATOR_OF[first.cell_kind]
    kind = OPERATORS[operator]
    W, R = (
        np.stack([_as_in_onnx(direction.value(name).T, kind.gates, 0) for direction in directions])
        for name in ("kernel", "recurrent_kernel")
    )
    weights = [graph.weight(layer, "W", W), graph.weight(layer, "R", R)]
    if first.use_bias:
        B = np.stack([_bias(direction, kind.gates) for direction in directions])
        weights.append(graph.weight(layer, "B", B))
    attributes = write_activations(
        [function for cell in cells for function in _functions(cell)], kind.activations
    )
    if first.clip is not None:
        attributes["clip"] = float(first.clip)
    inputs, name = [x, *weights], graph.free_name(f"{layer.name}/{operator}")
    Y, *lasts = (f"{name}_{output}" for output in kind.outputs)
    if graph.streaming:
        firsts = [f"{layer.name}_{kind.inputs[place]}" for place in kind.states]
        lasts = [f"{layer.name}_{output}" for output in kind.outputs[1:]]
        graph.states += [(*names, first.units) for names in zip(firsts, lasts, strict=True)]
        inputs = [*inputs, *[""] * (5 - len(inputs)), *firsts]
    backward = "reverse" if first.go_backwards else "forward"
    attributes |= {
        "hidden_size": first.units,
        "direction": "bidirectional" if len(directions) > 1 else backward,
    }
    if operator == "GRU":
        attributes["linear_before_reset"] = int(first.reset_after)
    outputs = [Y, *lasts] if graph.streaming else [Y] if first.return_sequences else ["", lasts[0]]
    graph.add_named(name, operator, inputs, outputs, attributes)
    return Y, lasts[0]


def _functions(cell: Cell) -> tuple[Activation, ...]:
    """Return a cell's functions in ONNX's order."""
    if cell.kind == "SimpleRNN":
        return (cell.activation,)
    of_state = (cell.activation,) if cell.kind == "LSTM" else ()
    return (cell.recurrent_activation, cell.activation, *of_state)


def _as_in_onnx(array: Array, gates: Sequence[int], axis: int) -> Array:
    """Return weights with the gates in ONNX's order, given their places there."""
    return reordered(array, [gates.index(place) for place in range(len(gates))], axis)


def _bias(layer: Any, gates: Sequence[int]) -> Array:
    """Return ONNX's bias, Wb and then Rb; where there is one row, it is their sum."""
    bias = layer.value("bias")
    pair = bias if layer.cell.two_biases else np.stack([bias, np.zeros_like(bias)])
    return _as_in_onnx(pair, gates, 1).reshape(-1)


def _direction(graph: GraphBuilder, layer: Layer, value: str, d: int, count: int, axis: int) -> str:
    """Add a node that selects one direction of Y or Y_h; return its output's name."""
    if count == 1:
        return graph.add(layer, "Squeeze", value, graph.integers(layer, "axes", [axis]))
    return graph.add(layer, "Gather", value, graph.integers(layer, "direction", d), axis=axis)


def _reversed(graph: GraphBuilder, layer: Layer, value: str) -> str:
    """Add a node that reverses (T, B, H) in time; return its output's name."""
    ends = {"starts": [-1], "ends": [np.iinfo(np.int64).min], "axes": [0], "steps": [-1]}
    inputs = [graph.integers(layer, name, numbers) for name, numbers in ends.items()]
    return graph.add(layer, "Slice", value, *inputs)


def _dense(graph: GraphBuilder, layer: Dense) -> None:
    kernel = graph.weight(layer, "kernel", layer.value("kernel"))
    graph.value = graph.add(layer, "MatMul", graph.value, kernel)
    if layer.use_bias:
        bias = graph.weight(layer, "bias", layer.value("bias"))
        graph.value = graph.add(layer, "Add", graph.value, bias)
    _activation(graph, layer)


def _activation(graph: GraphBuilder, layer: Dense | ActivationLayer) -> None:
    if layer.activation == "linear":
        return
    function = FUNCTIONS[layer.activation]
    attributes: dict[str, Any] = {name: value for name, (_, value) in function.attributes.items()}
    if function.operator == "Softmax":
        attributes["axis"] = -1
    graph.value = graph.add(layer, function.operator, graph.value, **attributes)


def _embedding(graph: GraphBuilder, layer: Embedding) -> None:
    table = graph.weight(layer, "embeddings", layer.value("embeddings"))
    graph.value = graph.add(layer, "Gather", table, graph.value)


def _layer_normalization(graph: GraphBuilder, layer: LayerNormalization) -> None:
    assert layer.built_shape is not None
    ones = np.ones(layer.built_shape[-1] or 0)
    inputs = [graph.weight(layer, "gamma", layer.value("gamma") if layer.scale else ones)]
    if layer.center:
        inputs.append(graph.weight(layer, "beta", layer.value("beta")))
    graph.value = graph.add(
        layer, "LayerNormalization", graph.value, *inputs, axis=-1, epsilon=layer.epsilon
    )


def _repeat_vector(graph: GraphBuilder, layer: RepeatVector) -> None:
    steps = graph.add(layer, "Unsqueeze", graph.value, graph.integers(layer, "axes", [1]))
    shape = graph.integers(layer, "shape", [1, layer.n, 1])
    graph.value = graph.add(layer, "Expand", steps, shape)


def _flatten(graph: GraphBuilder, layer: Flatten) -> None:
    graph.value = graph.add(layer, "Flatten", graph.value, axis=1)


LAYER_WRITERS: dict[type[Layer], Callable[[GraphBuilder, Any], None]] = {
    **dict.fromkeys((GRU, LSTM, SimpleRNN), _recurrent),
    Bidirectional: _bidirectional,
    Dense: _dense,
    Dropout: lambda graph, layer: None,
    Embedding: _embedding,
    LayerNormalization: _layer_normalization,
    ActivationLayer: _activation,
    RepeatVector: _repeat_vector,
    Flatten: _flatten,
}
