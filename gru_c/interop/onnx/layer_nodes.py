"""The nodes of each layer of a model: functions that add them to a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.interop.onnx.activations import FUNCTIONS, write_activations
from gru_c.interop.onnx.graph_builder import GraphBuilder
from gru_c.layers import (
    GRU,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    LayerNormalization,
    RepeatVector,
)
from gru_c.layers import Activation as ActivationLayer


def _gru(graph: GraphBuilder, layer: GRU) -> None:
    [result] = _add_gru_nodes(graph, layer, [layer], layer.go_backwards)
    graph.value = result


def _bidirectional(graph: GraphBuilder, layer: Bidirectional) -> None:
    a, b = layer.directions
    # Both outputs are in the order of the forward layer's.
    results = _add_gru_nodes(graph, layer, [a, b], a.go_backwards)
    if layer.merge_mode == "concat":
        graph.value = graph.add(layer, "Concat", *results, axis=-1)
        return
    graph.value = graph.add(layer, "Mul" if layer.merge_mode == "mul" else "Add", *results)
    if layer.merge_mode == "ave":
        graph.value = graph.add(layer, "Mul", graph.value, graph.weight(layer, "half", 0.5))


def _add_gru_nodes(
    graph: GraphBuilder, layer: Layer, directions: list[Any], is_reversed: bool
) -> list[str]:
    """Add the GRU nodes of a layer and return the name of each direction's output, batch first.

    `is_reversed` puts the time steps of sequences in the order from the last to the first.
    """
    x = graph.add(layer, "Transpose", graph.value, perm=[1, 0, 2])
    groups = [directions] if _alike(directions) else [[direction] for direction in directions]
    results: dict[int, str] = {}
    for group in groups:
        ordered = sorted(group, key=lambda direction: direction.go_backwards)
        steps, last = _add_gru_node(graph, layer, ordered, x)
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
    names = ("units", "use_bias", "reset_after", "clip")
    settings = {tuple(getattr(layer, name) for name in names) for layer in directions}
    return len(settings) == 1


def _add_gru_node(
    graph: GraphBuilder, layer: Layer, directions: list[Any], x: str
) -> tuple[str, str]:
    """Add one GRU node and return its outputs' names, Y and Y_h."""
    first, cells = directions[0], [direction.cell for direction in directions]
    W, R = (
        np.stack([direction.value(name).T for direction in directions])
        for name in ("kernel", "recurrent_kernel")
    )
    weights = [graph.weight(layer, "W", W), graph.weight(layer, "R", R)]
    if first.use_bias:
        B = np.stack([_bias(direction) for direction in directions])
        weights.append(graph.weight(layer, "B", B))
    attributes = write_activations(
        [a for cell in cells for a in (cell.recurrent_activation, cell.activation)]
    )
    if first.clip is not None:
        attributes["clip"] = float(first.clip)
    inputs, name = [x, *weights], graph.free_name(f"{layer.name}/GRU")
    Y, Y_h = f"{name}_Y", f"{name}_Y_h"
    if graph.streaming:
        initial_h, Y_h = f"{layer.name}_initial_h", f"{layer.name}_Y_h"
        graph.states.append((initial_h, Y_h, first.units))
        inputs = [*inputs, *[""] * (5 - len(inputs)), initial_h]
    backward = "reverse" if first.go_backwards else "forward"
    attributes |= {
        "hidden_size": first.units,
        "linear_before_reset": int(first.reset_after),
        "direction": "bidirectional" if len(directions) > 1 else backward,
    }
    outputs = [Y, Y_h] if graph.streaming else [Y] if first.return_sequences else ["", Y_h]
    graph.add_named(name, "GRU", inputs, outputs, attributes)
    return Y, Y_h


def _bias(layer: GRU) -> Array:
    """Return ONNX's bias, Wb and then Rb; without ``reset_after`` only their sum is known."""
    bias = layer.value("bias")
    return bias.reshape(-1) if layer.reset_after else np.concatenate([bias, np.zeros_like(bias)])


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
    GRU: _gru,
    Bidirectional: _bidirectional,
    Dense: _dense,
    Dropout: lambda graph, layer: None,
    Embedding: _embedding,
    LayerNormalization: _layer_normalization,
    ActivationLayer: _activation,
    RepeatVector: _repeat_vector,
    Flatten: _flatten,
}
