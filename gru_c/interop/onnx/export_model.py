"""A `gru_c.Sequential` becomes a graph that onnxruntime runs.

Operators of version 17 (onnxruntime has them since 1.12), ``layout=0`` with transposes around it,
because onnxruntime has no other, and float32, because its GRU has no other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gru_c._version import __version__
from gru_c.activations import ACTIVATIONS
from gru_c.interop.onnx.activations import FUNCTIONS, write_activations
from gru_c.interop.onnx.layer_walk import PRODUCER
from gru_c.interop.onnx.proto import library
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
from gru_c.models.sequential import Sequential
from gru_c.saving.files import write_whole
from gru_c.streaming.stages import require_stepwise
from gru_c.utils.arrays import Array, Shape
from gru_c.utils.validation import check_flag

_OPSET, _IR_VERSION = 17, 8
_MOST_BYTES = 2**31 - 2**20  # protobuf's limit, but for what is no weight
_INPUT, _OUTPUT = "x", "output"


def export(model: Sequential, path: str | os.PathLike[str], streaming: bool = False) -> None:
    """Write a model as an ONNX file that onnxruntime runs.

    The input is ``x``, the output ``output``; batch and time may be of any length, unless a layer
    (`Dense` behind `Flatten`) needs that of the model.

    Parameters
    ----------
    model : Sequential
        Built, of float32.
    path : path
        Where to, with the suffix ``.onnx``. The file is written as a whole or not at all.
    streaming : bool
        Give each GRU layer an input ``<layer>_initial_h`` and an output ``<layer>_Y_h``, both
        (1, B, H), after its name: the state that it begins with, and the one that it ends with. A
        served model goes on where it stopped when it is given the outputs of the call before; it
        begins with zeros.

    Raises
    ------
    ImportError
        When onnx is not installed.
    TypeError
        When `model` is no `Sequential`.
    FileNotFoundError
        When there is no such folder.
    ValueError
        When the model is not built, is of float64, or has more than 2 GB; when a layer cannot be
        said in ONNX's operators: `Masking`, ``Embedding(mask_zero=True)``, zoneout (whose
        expectation is taken in prediction), a layer of the user's own class, or ``stateful`` but
        for streaming; when a layer cannot take one step after the other, for streaming
        (`Bidirectional`, ``go_backwards``). The message names the layer.

    Notes
    -----
    ``linear_before_reset`` is always written. Weights are written in full precision whatever
    ``inference_weights`` is. Dropout does nothing in prediction and is left out.

    Examples
    --------
    See `ONNXModel`.
    """
    check_flag("streaming", streaming)
    target = Path(path)
    if target.suffix.lower() != ".onnx":
        raise ValueError(f"export writes an ONNX file, named *.onnx, got {target.name!r}")
    if not isinstance(model, Sequential):
        raise TypeError(f"export wants a Sequential, got {type(model).__name__}")
    model.require_built("export")
    for layer in model.layers:
        _check(layer, streaming)
    if streaming and not any(isinstance(layer, GRU) for layer in model.layers):
        raise ValueError("streaming=True, but the model has no GRU layer")
    if model.dtype != "float32":
        raise ValueError(
            f"the model is {model.dtype}, and onnxruntime has no GRU but for float32: make one "
            "with dtype='float32' and give it the weights with set_weights"
        )
    if 4 * model.count_params() > _MOST_BYTES:
        raise ValueError(f"{model.count_params():,} weights: an ONNX file holds at most 2 GB")
    graph = _Graph(streaming)
    for layer in model.layers:
        _WRITERS[type(layer)](graph, layer)
    write_whole(target, graph.finish(model).SerializeToString())


def _check(layer: Layer, streaming: bool) -> None:
    """Raise ValueError for a layer that cannot be written, and say why."""
    why = ""
    if type(layer) not in _WRITERS:
        why = "ONNX has no operator for it, or it is of a class that gru_c does not know"
    elif isinstance(layer, Embedding) and layer.mask_zero:
        why = "with mask_zero=True it says which steps count, which the graph cannot pass on"
    elif isinstance(layer, (GRU, Bidirectional)):
        if any(one.zoneout for one in layer.directions):
            why = "in prediction it takes the expectation of its zoneout, which no ONNX GRU does"
        elif layer.stateful and isinstance(layer, Bidirectional):
            why = "it is stateful, and a graph keeps no state"
        elif layer.stateful and not streaming:
            why = "it is stateful: streaming=True makes its state an input and an output"
    elif isinstance(layer, (Dense, ActivationLayer)):
        function = layer.activation_function
        if ACTIVATIONS.get(function.name) is not function:
            why = f"its activation {function.name!r} is none of gru_c's"
    if why:
        raise ValueError(
            f"layer {layer.label!r} ({type(layer).__name__}) cannot be exported: {why}"
        )
    if streaming:
        require_stepwise(layer)


class _Graph:
    """A graph as it grows: `value` is what the last layer gives."""

    def __init__(self, streaming: bool) -> None:
        self.streaming = streaming
        self.value = _INPUT
        self.nodes: list[Any] = []
        self.weights: dict[str, Any] = {}
        self.states: list[tuple[str, str, int]] = []  # input, output, units
        self._names: set[str] = set()

    def add(self, layer: Layer, operator: str, *inputs: str, **attributes: Any) -> str:
        """Append a node and return the name of its output."""
        name = self.free_name(f"{layer.name}/{operator}")
        self.add_named(name, operator, inputs, [f"{name}_output"], attributes)
        return f"{name}_output"

    def add_named(
        self,
        name: str,
        operator: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        attributes: dict[str, Any],
    ) -> None:
        """Append a node whose outputs have names already."""
        make_node = library().helper.make_node
        self.nodes.append(make_node(operator, inputs, outputs, name=name, **attributes))

    def weight(self, layer: Layer, name: str, array: Any, dtype: Any = np.float32) -> str:
        """Keep an array and return its name."""
        free = self.free_name(f"{layer.name}/{name}")
        values = np.array(array, dtype, order="C")
        self.weights[free] = library().numpy_helper.from_array(values, free)
        return free

    def integers(self, layer: Layer, name: str, values: Any) -> str:
        """Keep integers, such as axes and shapes, and return their name."""
        return self.weight(layer, name, values, np.int64)

    def free_name(self, name: str) -> str:
        """Return the name, with a number where it is taken."""
        count, free = 0, name
        while free in self._names:
            count += 1
            free = f"{name}_{count}"
        self._names.add(free)
        return free

    def finish(self, model: Sequential) -> Any:
        """Return the ModelProto."""
        helper, types = library().helper, library().TensorProto
        if not self.nodes:  # of dropout layers, which are left out
            self.value = self.add(model.layers[0], "Identity", self.value)
        self.nodes[-1].output[0] = _OUTPUT
        shape = _open_shape(model)
        first = types.INT64 if isinstance(model.layers[0], Embedding) else types.FLOAT
        given = [(_INPUT, first, shape)]
        made = [(_OUTPUT, types.FLOAT, model.compute_output_shape(shape))]
        for before, after, units in self.states:
            given.append((before, types.FLOAT, (1, None, units)))
            made.append((after, types.FLOAT, (1, None, units)))
        inputs, outputs = (
            [
                helper.make_tensor_value_info(name, kind, _named(name, sizes))
                for name, kind, sizes in values
            ]
            for values in (given, made)
        )
        graph = helper.make_graph(
            self.nodes, "gru_c", inputs, outputs, initializer=list(self.weights.values())
        )
        return helper.make_model(
            graph,
            producer_name=PRODUCER,
            producer_version=__version__,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
        )


def _open_shape(model: Sequential) -> Shape:
    """Return the shape of the input, None where any length will do for these weights."""
    shape = model.input_shape
    assert shape is not None
    anything = model.layers[0].open_shape(tuple(size or 1 for size in shape))
    try:
        model.compute_output_shape(anything)
    except ValueError:  # a Dense behind a Flatten
        return shape
    return anything


def _named(name: str, shape: Shape) -> list[int | str]:
    """Return a shape with names for what is open: one name, one length."""
    if name not in (_INPUT, _OUTPUT):
        return [size or "batch" for size in shape]
    axes = ["batch", "time", *(f"{name}_axis_{i}" for i in range(2, len(shape)))]
    if name == _OUTPUT and len(shape) == 2:
        axes[1] = f"{name}_features"  # behind a Flatten
    return [size or axis for size, axis in zip(shape, axes, strict=False)]


# ---- layers -------------------------------------------------------------------------------------


def _gru(graph: _Graph, layer: GRU) -> None:
    [result] = _run(graph, layer, [layer], layer.go_backwards)
    graph.value = result


def _bidirectional(graph: _Graph, layer: Bidirectional) -> None:
    a, b = layer.directions
    # The backward layer's steps come back in the order of the forward layer's.
    results = _run(graph, layer, [a, b], a.go_backwards)
    if layer.merge_mode == "concat":
        graph.value = graph.add(layer, "Concat", *results, axis=-1)
        return
    graph.value = graph.add(layer, "Mul" if layer.merge_mode == "mul" else "Add", *results)
    if layer.merge_mode == "ave":
        graph.value = graph.add(layer, "Mul", graph.value, graph.weight(layer, "half", 0.5))


def _run(graph: _Graph, layer: Layer, directions: list[GRU], turned: bool) -> list[str]:
    """Add the GRU nodes of a layer and return what each direction gives, batch first.

    `turned`: steps from the last to the first.
    """
    x = graph.add(layer, "Transpose", graph.value, perm=[1, 0, 2])
    groups = [directions] if _alike(directions) else [[one] for one in directions]
    results: dict[int, str] = {}
    for group in groups:
        ordered = sorted(group, key=lambda one: one.go_backwards)
        steps, last = _node(graph, layer, ordered, x)
        for d, one in enumerate(ordered):
            if one.return_sequences:
                value = _direction(graph, layer, steps, d, len(ordered), axis=1)
                value = _turned(graph, layer, value) if turned else value
                results[id(one)] = graph.add(layer, "Transpose", value, perm=[1, 0, 2])
            else:
                results[id(one)] = _direction(graph, layer, last, d, len(ordered), axis=0)
    return [results[id(one)] for one in directions]


def _alike(directions: list[GRU]) -> bool:
    """Whether one node can hold the directions: it has one setting of each of these."""
    settings = ("units", "use_bias", "reset_after", "clip")
    return len({tuple(getattr(one, name) for name in settings) for one in directions}) == 1


def _node(graph: _Graph, layer: Layer, directions: list[GRU], x: str) -> tuple[str, str]:
    """Add one GRU node and return its outputs' names, Y and Y_h."""
    first = directions[0]
    weights = [
        graph.weight(layer, "W", np.stack([one.value("kernel").T for one in directions])),
        graph.weight(layer, "R", np.stack([one.value("recurrent_kernel").T for one in directions])),
    ]
    if first.use_bias:
        weights.append(graph.weight(layer, "B", np.stack([_bias(one) for one in directions])))
    attributes = write_activations(
        [a for one in directions for a in (one.cell.recurrent_activation, one.cell.activation)]
    )
    if first.clip is not None:
        attributes["clip"] = float(first.clip)
    inputs, name = [x, *weights], graph.free_name(f"{layer.name}/GRU")
    Y, Y_h = f"{name}_Y", f"{name}_Y_h"
    if graph.streaming:
        before, Y_h = f"{layer.name}_initial_h", f"{layer.name}_Y_h"
        graph.states.append((before, Y_h, first.units))
        inputs = [*inputs, *[""] * (5 - len(inputs)), before]
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
    """Return Wb ++ Rb; without ``reset_after`` the layer has their sum."""
    bias = layer.value("bias")
    return bias.reshape(-1) if layer.reset_after else np.concatenate([bias, np.zeros_like(bias)])


def _direction(graph: _Graph, layer: Layer, value: str, d: int, count: int, axis: int) -> str:
    """Cut one direction out of Y or Y_h."""
    if count == 1:
        return graph.add(layer, "Squeeze", value, graph.integers(layer, "axes", [axis]))
    return graph.add(layer, "Gather", value, graph.integers(layer, "direction", d), axis=axis)


def _turned(graph: _Graph, layer: Layer, value: str) -> str:
    """Turn (T, B, H) round in time."""
    ends = {"starts": [-1], "ends": [np.iinfo(np.int64).min], "axes": [0], "steps": [-1]}
    return graph.add(
        layer, "Slice", value, *(graph.integers(layer, name, at) for name, at in ends.items())
    )


def _dense(graph: _Graph, layer: Dense) -> None:
    kernel = graph.weight(layer, "kernel", layer.value("kernel"))
    graph.value = graph.add(layer, "MatMul", graph.value, kernel)
    if layer.use_bias:
        bias = graph.weight(layer, "bias", layer.value("bias"))
        graph.value = graph.add(layer, "Add", graph.value, bias)
    _activation(graph, layer)


def _activation(graph: _Graph, layer: Dense | ActivationLayer) -> None:
    if layer.activation == "linear":
        return
    function = FUNCTIONS[layer.activation]
    attributes: dict[str, Any] = {name: value for name, (_, value) in function.attributes.items()}
    if function.operator == "Softmax":
        attributes["axis"] = -1
    graph.value = graph.add(layer, function.operator, graph.value, **attributes)


def _embedding(graph: _Graph, layer: Embedding) -> None:
    table = graph.weight(layer, "embeddings", layer.value("embeddings"))
    graph.value = graph.add(layer, "Gather", table, graph.value)


def _layer_normalization(graph: _Graph, layer: LayerNormalization) -> None:
    assert layer.built_shape is not None
    ones = np.ones(layer.built_shape[-1] or 0)
    inputs = [graph.weight(layer, "gamma", layer.value("gamma") if layer.scale else ones)]
    if layer.center:
        inputs.append(graph.weight(layer, "beta", layer.value("beta")))
    graph.value = graph.add(
        layer, "LayerNormalization", graph.value, *inputs, axis=-1, epsilon=layer.epsilon
    )


def _repeat_vector(graph: _Graph, layer: RepeatVector) -> None:
    steps = graph.add(layer, "Unsqueeze", graph.value, graph.integers(layer, "axes", [1]))
    shape = graph.integers(layer, "shape", [1, layer.n, 1])
    graph.value = graph.add(layer, "Expand", steps, shape)


def _flatten(graph: _Graph, layer: Flatten) -> None:
    graph.value = graph.add(layer, "Flatten", graph.value, axis=1)


_WRITERS: dict[type[Layer], Callable[[_Graph, Any], None]] = {
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
